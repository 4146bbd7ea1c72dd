//! Rows of figures from orders.

use chrono::{DateTime, Utc};

use super::definitions::CancelledBy;
use super::facts::{Cancellation, OrderFacts, OrderRow, RowKeys};
use super::figures::add_amount;
use super::tables::{ExceptionRow, ParcelEnd, ParcelRow, UnitsRow};
use crate::money::Money;
use crate::order::{
    CancelReason, DeadlineKind, ExceptionKind, LogisticsMode, Order, OrderState, counters,
};
use crate::shipment::{
    LabelCost, Package, TransitState, UndeliverableResolution, UploadState, number,
};

/// What figures need and an order does not know: the host gives it beside.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderExtras {
    /// Region of the buyer; by default the country and state of the recipient, as `US-CO`.
    pub region: Option<String>,
    /// When the first complaint or claim was opened; the order's own incidents and cases count as
    /// well.
    pub complaint_at: Option<DateTime<Utc>>,
    /// When the first dispute was opened; the order's own cases count as well.
    pub dispute_at: Option<DateTime<Utc>>,
    /// When the first negative review was written.
    pub negative_review_at: Option<DateTime<Utc>>,
    /// When the seller first refunded by his own fault.
    pub seller_refund_at: Option<DateTime<Utc>>,
    /// When the first shipping mistake was found; the order's own incidents count as well.
    pub mistake_at: Option<DateTime<Utc>>,
    /// Exceptions that are not incidents of the order: opened, resolved.
    pub exceptions: Vec<(DateTime<Utc>, Option<DateTime<Utc>>)>,
    /// What the goods cost the seller.
    pub product_cost: Option<Money>,
}

/// The facts of an order.
///
/// Of several parcels the one confirmed last gives carrier, service and warehouse. Units that were
/// lost on the way and cancelled for that count as shipped: they were.
#[must_use]
pub fn order_row(order: &Order, extras: &OrderExtras) -> OrderRow {
    let (mut active, mut shipped) = (0_u64, 0_u64);
    for line in &order.lines {
        if let Some(counters) = counters(order, &line.id) {
            active = active.saturating_add(u64::from(counters.active()));
            shipped = shipped.saturating_add(u64::from(counters.shipped));
        }
    }
    let written_off = active == 0
        && !order.cancellations.is_empty()
        && order.cancellations.iter().all(|units| units.reason == CancelReason::Undeliverable);
    let left = |package: &&Package| {
        package.shipped.is_some()
            && !package.contents.is_empty()
            && match package.undeliverable {
                None => !written_off,
                Some(UndeliverableResolution::Cancelled) => written_off,
                Some(UndeliverableResolution::Reship) => false,
            }
    };
    let parcels: Vec<&Package> = order.packages.iter().filter(left).collect();
    let fully_shipped = !parcels.is_empty() && (written_off || (active > 0 && shipped == active));
    let last_of = |instant: &dyn Fn(&Package) -> Option<DateTime<Utc>>| {
        let known: Option<Vec<_>> = parcels.iter().map(|package| instant(package)).collect();
        known.and_then(|instants| instants.into_iter().max())
    };
    let needing: Vec<&&Package> =
        parcels.iter().filter(|package| package.upload.state != UploadState::NotRequired).collect();
    let uploads: Option<Vec<DateTime<Utc>>> = needing
        .iter()
        .map(|package| {
            (package.upload.state == UploadState::Uploaded)
                .then_some(package.upload.uploaded_at)
                .flatten()
        })
        .collect();
    let due = |kind| order.deadline(kind).map(|deadline| deadline.at);
    let first_of = |kind: ExceptionKind, beside: Option<DateTime<Utc>>| {
        let own = order.incidents.iter().filter(|incident| incident.kind == kind);
        own.map(|incident| incident.first_at).chain(beside).min()
    };
    let complaint_at = order.cases.iter().filter_map(|known| known.complained_at);
    let dispute_at = order.cases.iter().filter_map(|known| known.disputed_at);
    let exceptions = order.incidents.iter().map(|incident| incident.first_at);
    let exceptions = exceptions.chain(complaint_at.clone());
    OrderRow {
        keys: row_keys(order, deciding(&parcels), extras),
        test: order.test,
        platform_fulfilled: order.logistics == LogisticsMode::PlatformFulfilled,
        paid_at: order.paid_at,
        needs_acknowledgement: order.needs_acknowledgement,
        acknowledged_at: order.acknowledged_at,
        acknowledge_by: due(DeadlineKind::AcknowledgeBy),
        ship_by: due(DeadlineKind::ShipBy),
        fully_shipped,
        ship_confirmed_at: last_of(&|package| {
            package.shipped.as_ref().map(|shipped| shipped.confirmed_at)
        }),
        accepted_at: last_of(&|package| package.movement.accepted_at),
        number_needed: !needing.is_empty(),
        uploaded_at: uploads.and_then(|uploads| uploads.into_iter().max()),
        upload_by: due(DeadlineKind::UploadTrackingBy),
        numbers_valid: needing.iter().all(|package| has_valid_number(package)),
        deliver_by: due(DeadlineKind::DeliverBy),
        delivered_at: if fully_shipped {
            last_of(&|package| package.movement.delivered_at)
        } else {
            None
        },
        cancellation: cancellation(order),
        complaint_at: complaint_at
            .chain(first_of(ExceptionKind::ComplaintOpened, extras.complaint_at))
            .min(),
        dispute_at: dispute_at.chain(extras.dispute_at).min(),
        negative_review_at: extras.negative_review_at,
        seller_refund_at: extras.seller_refund_at,
        exception_at: exceptions.chain(extras.exceptions.iter().map(|(at, _)| *at)).min(),
        mistake_at: first_of(ExceptionKind::ShippingMistake, extras.mistake_at),
        product_cost: extras.product_cost,
        order_value: Some(order.total),
        label_costs: label_costs(order),
        ..OrderRow::placed(order.placed_at)
    }
}

/// The parcel that was confirmed last; of equal ones the one with the greater id.
fn deciding<'a>(parcels: &[&'a Package]) -> Option<&'a Package> {
    parcels.iter().copied().max_by_key(|package| {
        (package.shipped.as_ref().map(|shipped| shipped.confirmed_at), package.id.clone())
    })
}

fn row_keys(order: &Order, package: Option<&Package>, extras: &OrderExtras) -> RowKeys {
    let address = order.recipient.as_ref().map(|recipient| &recipient.address);
    let country = address.and_then(|address| address.country);
    let state = address
        .and_then(|address| address.state.as_deref())
        .filter(|state| !state.trim().is_empty());
    let region = match (country, state) {
        (Some(country), Some(state)) => Some(country.region(state)),
        (Some(country), None) => Some(country.to_string()),
        (None, _) => None,
    };
    let mut keys = RowKeys {
        shop: Some(order.key.shop.clone()),
        platform: Some(order.key.platform.clone()),
        site: order.site.clone(),
        region: extras.region.clone().or(region),
        skus: order.lines.iter().filter_map(|line| line.sku.clone()).collect(),
        ..RowKeys::default()
    };
    if let Some(package) = package {
        let label = package.label.record.as_ref();
        let tracking = package.tracking.as_ref();
        keys.carrier = label
            .map(|record| record.carrier.clone())
            .or_else(|| tracking.map(|tracking| tracking.carrier.clone()));
        keys.service = label
            .map(|record| record.service.clone())
            .or_else(|| tracking.and_then(|tracking| tracking.service.clone()));
        keys.warehouse.clone_from(&package.warehouse);
    }
    keys
}

/// Whether the number has a valid form, is the carrier's that sold the label, and is the one the
/// platform has. A number from the carrier's own answer is not doubted for its form.
fn has_valid_number(package: &Package) -> bool {
    let Some(tracking) = &package.tracking else { return false };
    let form = !tracking.manual
        || !matches!(
            number::validate(tracking.carrier.as_str(), tracking.number.as_str()),
            number::Validity::BadChecksum | number::Validity::BadFormat
        );
    let sold =
        package.label.record.as_ref().is_none_or(|record| record.carrier == tracking.carrier);
    let told = package.upload.number.as_ref().is_none_or(|known| *known == tracking.number);
    form && sold && told
}

/// Who cancelled an order in full: when units were cancelled for several reasons, the one that
/// weighs most against the seller.
fn cancellation(order: &Order) -> Option<Cancellation> {
    if order.state() != OrderState::Cancelled {
        return None;
    }
    let by = |reason: &CancelReason| match reason {
        CancelReason::BuyerRequest => CancelledBy::Buyer,
        CancelReason::NotAcknowledged => CancelledBy::NotAcknowledged,
        CancelReason::NotShipped => CancelledBy::NotShipped,
        CancelReason::Undeliverable => CancelledBy::Undeliverable,
        reason if reason.is_seller_fault() => CancelledBy::Seller,
        _ => CancelledBy::Platform,
    };
    Some(Cancellation {
        at: order.cancellations.iter().map(|units| units.at).max()?,
        by: order.cancellations.iter().map(|units| by(&units.reason)).max()?,
    })
}

/// Sums of all labels that are not voided, by currency: parts of a price in several currencies are
/// never added.
fn label_costs(order: &Order) -> Vec<Money> {
    let mut sums = std::collections::BTreeMap::new();
    for package in order.packages.iter().filter(|package| package.has_live_label()) {
        if let Some(record) = &package.label.record {
            for part in parts(&record.cost).filter(|_| !record.cost.unstated) {
                add_amount(&mut sums, part);
            }
        }
    }
    sums.into_iter().map(|(currency, amount)| Money::new(amount, currency)).collect()
}

fn parts(cost: &LabelCost) -> impl Iterator<Item = &Money> {
    let charges = cost.fees.iter().chain(&cost.extras).map(|charge| &charge.amount);
    std::iter::once(&cost.postage).chain(charges)
}

/// The facts of an order's parcels that left or were scanned.
#[must_use]
pub fn parcel_rows(order: &Order, extras: &OrderExtras) -> Vec<ParcelRow> {
    let moved = |package: &&Package| package.shipped.is_some() || package.is_accepted();
    order
        .packages
        .iter()
        .filter(moved)
        .map(|package| {
            let end = match package.movement.state {
                TransitState::Returned => Some(ParcelEnd::Returned),
                TransitState::Lost | TransitState::Destroyed => Some(ParcelEnd::Lost),
                _ => None,
            };
            let at = package.movement.last_scan_at.or(package.movement.accepted_at);
            let label = package.label.record.as_ref().filter(|_| package.has_live_label());
            ParcelRow {
                keys: row_keys(order, Some(package), extras),
                test: order.test,
                platform_fulfilled: order.logistics == LogisticsMode::PlatformFulfilled,
                ship_confirmed_at: package.shipped.as_ref().map(|shipped| shipped.confirmed_at),
                uploaded_at: package.upload.uploaded_at,
                accepted_at: package.movement.accepted_at,
                delivered_at: package.movement.delivered_at,
                deliver_by: order.deadline(DeadlineKind::DeliverBy).map(|deadline| deadline.at),
                ended: end.zip(at),
                label_cost: label.and_then(|record| record.cost.total().ok()),
                weight: (package.weight.get() > 0).then_some(package.weight),
            }
        })
        .collect()
}

/// The delivered units of an order by line and parcel. Returns are taken from the parcels of a line
/// in the order of their delivery.
#[must_use]
pub fn units_rows(order: &Order, extras: &OrderExtras) -> Vec<UnitsRow> {
    let mut rows = Vec::new();
    for line in &order.lines {
        let mut parcels: Vec<(DateTime<Utc>, &Package)> = order
            .packages
            .iter()
            .filter(|package| package.units_of(&line.id) > 0)
            .filter_map(|package| Some((package.movement.delivered_at?, package)))
            .collect();
        parcels.sort_by(|a, b| (a.0, &a.1.id).cmp(&(b.0, &b.1.id)));
        let mut back: Vec<(DateTime<Utc>, u32)> = order
            .returns
            .iter()
            .filter(|units| units.line == line.id)
            .map(|units| (units.at, units.units))
            .collect();
        back.sort_unstable();
        for (delivered_at, package) in parcels {
            let delivered = package.units_of(&line.id);
            let mut left = delivered;
            let mut returned = Vec::new();
            for (at, units) in &mut back {
                let taken = left.min(*units);
                if taken > 0 {
                    returned.push((taken, *at));
                    *units -= taken;
                    left -= taken;
                }
            }
            let mut keys = row_keys(order, Some(package), extras);
            keys.skus = line.sku.iter().cloned().collect();
            rows.push(UnitsRow {
                keys,
                test: order.test,
                platform_fulfilled: order.logistics == LogisticsMode::PlatformFulfilled,
                delivered_at,
                delivered,
                returned,
            });
        }
    }
    rows
}

/// The exceptions of an order: its incidents, complaints of the buyer, and those given beside.
#[must_use]
pub fn exception_rows(order: &Order, extras: &OrderExtras) -> Vec<ExceptionRow> {
    let parcels: Vec<&Package> =
        order.packages.iter().filter(|package| package.shipped.is_some()).collect();
    let keys = row_keys(order, deciding(&parcels), extras);
    let own = order.incidents.iter().map(|incident| (incident.first_at, incident.resolved_at));
    let complaints =
        order.cases.iter().filter_map(|known| Some((known.complained_at?, known.closed_at)));
    own.chain(complaints)
        .chain(extras.exceptions.iter().copied())
        .map(|(opened_at, resolved_at)| ExceptionRow {
            keys: keys.clone(),
            test: order.test,
            platform_fulfilled: order.logistics == LogisticsMode::PlatformFulfilled,
            opened_at,
            resolved_at,
        })
        .collect()
}

impl OrderFacts {
    /// Adds an order, with what it does not know given beside.
    pub fn push_order(&mut self, order: &Order, extras: &OrderExtras) {
        self.push(&order_row(order, extras));
    }
}
