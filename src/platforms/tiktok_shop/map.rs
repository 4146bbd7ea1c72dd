//! The platform's words in ours.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;

use super::wire::{OnlyId, OrderPage, WireAddress, WireOrder, WireUnit, data_of};
use crate::address::{Address, Contact, Country};
use crate::client::wire::{decode_text, filled, unexpected};
use crate::error::Result;
use crate::ids::{
    BuyerId, LineId, PaymentId, PlatformOrderId, PlatformPackageId, Sku, TrackingNumber,
};
use crate::money::{Currency, Money};
use crate::order::{
    CancelRequest, DeadlineKind, HoldReason, LogisticsMode, Payment, PaymentMethod, PaymentState,
    PlatformBuyer, PlatformDeadline, PlatformHold, PlatformLine, PlatformOrder, PlatformShipment,
    SpeedClass, UnitGroup, UnitStatus,
};
use crate::personal::Personal;
use crate::ports::{Cursor, Page, PlatformItem, Unreadable};

/// What reading an order depends on beside its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The shop's region, kept as the order's site.
    pub region: String,
    /// For how long after payment a buyer may cancel without asking. It tells when a hold may be
    /// expected to end (the attribute `hold_expected_until`); whether it has, only the platform says.
    pub remorse: TimeDelta,
}

impl Default for Reading {
    /// A shop in the United States with an hour of remorse.
    fn default() -> Self {
        Self { region: "US".to_owned(), remorse: TimeDelta::hours(1) }
    }
}

/// An order with what fulfilment needs beyond the snapshot.
pub(super) struct ReadOrder {
    pub(super) order: PlatformOrder,
    pub(super) units: Vec<Unit>,
}

/// One unit as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) id: String,
    pub(super) line: LineId,
    pub(super) sku: String,
    pub(super) product: Option<String>,
    pub(super) status: UnitStatus,
    pub(super) package: Option<String>,
    pub(super) number: Option<String>,
    pub(super) shipped_at: Option<DateTime<Utc>>,
}

impl Unit {
    /// Whether it can still leave.
    pub(super) fn is_open(&self) -> bool {
        self.status == UnitStatus::New
    }
}

/// Reads the body of an order search (`POST /order/202309/orders/search`): every order by itself, so
/// that one that cannot be read costs only itself.
///
/// ```
/// use orderflow::platforms::tiktok_shop::{Reading, read_search_page};
///
/// let body = br#"{"code":0,"message":"Success","data":{"orders":[],"next_page_token":""}}"#;
/// let page = read_search_page(body, &Reading::default())?;
/// assert!(page.items.is_empty() && page.next.is_none());
/// # Ok::<(), orderflow::Error>(())
/// ```
///
/// # Errors
/// [`UnexpectedAnswer`](crate::ErrorKind::UnexpectedAnswer) when the page itself cannot be read.
pub fn read_search_page(body: &[u8], reading: &Reading) -> Result<Page<PlatformOrder>> {
    let answer: OrderPage<'_> = data_of(body)?;
    let orders = answer.orders.unwrap_or_default();
    let items = orders.into_iter().map(|raw| item(raw.get(), reading)).collect();
    Ok(Page { items, next: answer.next_page_token.map(Cursor::new) })
}

fn item(raw: &str, reading: &Reading) -> PlatformItem<PlatformOrder> {
    match order(raw, reading, |_, _, _| {}) {
        Ok(order) => PlatformItem::Read(Box::new(order)),
        Err(error) => {
            let only = serde_json::from_str::<OnlyId>(raw).ok();
            let id = only.and_then(|only| PlatformOrderId::new(only.id).ok());
            Unreadable::new(id, error.message(), raw).into()
        }
    }
}

/// Reads the body of an order detail; nothing when the order is not in it.
pub(super) fn detail(body: &[u8], id: &str, reading: &Reading) -> Result<Option<ReadOrder>> {
    let answer: OrderPage<'_> = data_of(body)?;
    for raw in answer.orders.unwrap_or_default() {
        let found = serde_json::from_str::<OnlyId>(raw.get()).is_ok_and(|only| only.id == id);
        if found {
            return read_order(raw.get(), reading).map(Some);
        }
    }
    Ok(None)
}

/// The last instant that is taken for one, in seconds since 1970: the end of 2099.
const LATEST: i64 = 4_102_444_799;

/// Seconds since 1970; 0 and less is none. Some messages of the platform count milliseconds: as seconds
/// those would lie after the year 30000, so that the two are told apart. What is neither is none.
pub(super) fn instant(number: Option<i64>) -> Option<DateTime<Utc>> {
    const MILLISECONDS: std::ops::RangeInclusive<i64> = 1_000_000_000_000..=LATEST * 1_000 + 999;
    match number? {
        seconds @ 1..=LATEST => DateTime::from_timestamp(seconds, 0),
        milliseconds if MILLISECONDS.contains(&milliseconds) => {
            DateTime::from_timestamp_millis(milliseconds)
        }
        _ => None,
    }
}

fn read_order(raw: &str, reading: &Reading) -> Result<ReadOrder> {
    let mut units = Vec::new();
    let order = order(raw, reading, |unit, line, wire| units.push(as_unit(unit, line, wire)))?;
    Ok(ReadOrder { order, units })
}

/// Reads an order and shows every unit with the line that it is part of.
fn order(
    raw: &str,
    reading: &Reading,
    each: impl FnMut(&WireUnit<'_>, &LineId, &WireOrder<'_>),
) -> Result<PlatformOrder> {
    let mut wire: WireOrder<'_> = decode_text(raw)?;
    let id = PlatformOrderId::new(wire.id.as_ref())
        .map_err(|_| unexpected("id is not usable as an order's id"))?;
    let placed_at = instant(wire.create_time)
        .ok_or_else(|| unexpected("create_time is no instant in seconds"))?;
    let currency = currency(&wire)?;
    let mut items = std::mem::take(&mut wire.line_items);
    // Whatever order they come in: ids of one length by their digits.
    items.sort_by(|a, b| (a.id.len(), &a.id).cmp(&(b.id.len(), &b.id)));
    let items = each_once(items)?;
    let lines = lines(&items, &wire, currency, each)?;
    let total = match wire.payment.as_ref().and_then(|payment| payment.total_amount) {
        Some(amount) => Money::new(amount, currency),
        None => goods(&lines, currency)?,
    };
    let unpaid = wire.status == "UNPAID";
    // Only where the status proves it may a payment be assumed that has no instant.
    let paid_at = instant(wire.paid_time)
        .or_else(|| is_paid(&wire.status).then_some(placed_at))
        .filter(|_| !unpaid);
    let updated_at = instant(wire.update_time);
    let service = filled(wire.delivery_option_name.as_deref());
    let held = wire.status == "ON_HOLD";
    // What a status of tomorrow means nobody knows: nothing ships under it.
    let unknown = matches!(whole_order(&wire.status), Some(UnitStatus::Unknown(_)));
    let mut attributes = attributes(&wire, &items);
    if let Some(ends) = held.then(|| hold_ends(&wire, placed_at, reading)).flatten() {
        attributes.insert("hold_expected_until".to_owned(), ends.to_rfc3339());
    }
    Ok(PlatformOrder {
        site: Some(reading.region.clone()),
        status: Some(wire.status.as_ref().to_owned()),
        paid_at,
        updated_at,
        buyer: PlatformBuyer {
            id: filled(wire.user_id.as_deref()).and_then(|id| BuyerId::new(id).ok()),
            name: filled(wire.buyer_nickname.as_deref()).map(Personal::new),
            email: filled(wire.buyer_email.as_deref()).map(Personal::new),
        },
        recipient: match &wire.recipient_address {
            // "absent under UNPAID and ON_HOLD": what is there anyway may still change.
            Some(address) if !unpaid && !held => Some(contact(address)),
            _ => None,
        },
        logistics: logistics(&wire),
        speed: speed(wire.fulfillment_priority_level, service.as_deref()),
        requested_service: service,
        payments: payment(&id, total, &wire, paid_at).into_iter().collect(),
        deadlines: deadlines(&wire, unpaid),
        holds: held
            .then_some(HoldReason::PlatformRemorse)
            .or_else(|| unknown.then(|| HoldReason::Other(wire.status.as_ref().to_owned())))
            .map(|reason| PlatformHold { reason, until: None })
            .into_iter()
            .collect(),
        cancel_request: (wire.is_buyer_request_cancel == Some(true)).then(|| CancelRequest {
            lines: Vec::new(),
            reason: filled(wire.cancel_reason.as_deref()).map(Personal::new),
            requested_at: instant(wire.request_cancel_time),
            respond_by: None,
        }),
        // The last instant that is known where the platform does not say when it changed.
        completed_at: (wire.status == "COMPLETED").then(|| {
            let known = [wire.delivery_time, wire.collection_time, wire.rts_time];
            let last = known.into_iter().filter_map(instant).max();
            updated_at.or(last).or(paid_at).unwrap_or(placed_at)
        }),
        note: filled(wire.buyer_message.as_deref()).map(Personal::new),
        attributes,
        lines,
        raw: Personal::new(raw.to_owned()),
        ..PlatformOrder::new(id, placed_at, total)
    })
}

/// Units by id, sorted, each once: one that is listed twice is one unit, and one whose entries
/// contradict each other is none that can be shipped.
fn each_once<'a>(items: Vec<WireUnit<'a>>) -> Result<Vec<WireUnit<'a>>> {
    let mut once: Vec<WireUnit<'a>> = Vec::with_capacity(items.len());
    for unit in items {
        match once.last() {
            Some(known) if known.id == unit.id => {
                let same = key(known) == key(&unit)
                    && known.display_status == unit.display_status
                    && known.package_status == unit.package_status
                    && known.package_id == unit.package_id
                    && known.tracking_number == unit.tracking_number;
                if !same {
                    let id = &unit.id;
                    return Err(unexpected(format!(
                        "line_items.id {id} appears twice and differs"
                    )));
                }
            }
            _ => once.push(unit),
        }
    }
    Ok(once)
}

fn currency(wire: &WireOrder<'_>) -> Result<Currency> {
    let code = wire
        .payment
        .as_ref()
        .and_then(|payment| payment.currency.as_deref())
        .or_else(|| wire.line_items.iter().find_map(|unit| unit.currency.as_deref()))
        .ok_or_else(|| unexpected("payment.currency is missing"))?;
    Currency::new(code).map_err(|_| unexpected("payment.currency is not an ISO 4217 code"))
}

fn goods(lines: &[PlatformLine], currency: Currency) -> Result<Money> {
    let mut sum = Money::zero(currency);
    for line in lines {
        let paid = line.line_total.unwrap_or(Money::zero(currency));
        sum = sum
            .checked_add(&paid)
            .and_then(|sum| sum.checked_sub(&line.discount.unwrap_or(Money::zero(currency))))
            .map_err(|_| unexpected("line_items cannot be summed"))?;
    }
    Ok(sum)
}

/// What units of one line have in common, so that its money stays exact.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct LineKey<'a> {
    sku: &'a str,
    original: Option<Decimal>,
    sale: Option<Decimal>,
    gift: bool,
    parts: Vec<(&'a str, u32)>,
}

fn key<'a>(unit: &'a WireUnit<'_>) -> LineKey<'a> {
    let parts = unit.combined_listing_skus.iter().flatten();
    LineKey {
        // Without a SKU a unit is a line of its own.
        sku: unit.sku_id.as_deref().filter(|sku| !sku.is_empty()).unwrap_or(&unit.id),
        original: unit.original_price,
        sale: unit.sale_price,
        gift: unit.is_gift == Some(true),
        parts: parts
            .map(|part| (part.sku_id.as_deref().unwrap_or_default(), part.sku_count.unwrap_or(1)))
            .collect(),
    }
}

/// Groups units into lines. A line is named by its SKU; where units of one SKU differ in price, every
/// line but that of the smallest unit id adds its own smallest unit id.
fn lines(
    items: &[WireUnit],
    wire: &WireOrder<'_>,
    currency: Currency,
    mut each: impl FnMut(&WireUnit<'_>, &LineId, &WireOrder<'_>),
) -> Result<Vec<PlatformLine>> {
    let mut groups: Vec<(LineKey<'_>, Vec<&WireUnit<'_>>)> = Vec::new();
    for unit in items {
        let key = key(unit);
        match groups.iter_mut().find(|(other, _)| *other == key) {
            Some((_, members)) => members.push(unit),
            None => groups.push((key, vec![unit])),
        }
    }
    let mut named: Vec<&str> = Vec::new();
    let mut lines = Vec::with_capacity(groups.len());
    for (key, members) in &groups {
        let Some(first) = members.first() else { continue };
        let name = if named.contains(&key.sku) {
            format!("{}-{}", key.sku, first.id)
        } else {
            named.push(key.sku);
            key.sku.to_owned()
        };
        let id =
            LineId::new(name).map_err(|_| unexpected("sku_id is not usable as a line's id"))?;
        for unit in members {
            each(unit, &id, wire);
        }
        lines.push(line(id, members, wire, currency)?);
    }
    Ok(lines)
}

fn as_unit(unit: &WireUnit<'_>, line: &LineId, wire: &WireOrder<'_>) -> Unit {
    Unit {
        id: unit.id.clone().into_owned(),
        line: line.clone(),
        sku: unit.sku_id.as_deref().unwrap_or_default().to_owned(),
        product: unit.product_id.as_deref().map(str::to_owned),
        status: status(unit, wire),
        package: filled(unit.package_id.as_deref()),
        number: shipment(unit, &status(unit, wire), wire)
            .and_then(|shipment| shipment.number)
            .map(|number| number.to_string()),
        shipped_at: instant(unit.rts_time).or_else(|| instant(wire.rts_time)),
    }
}

fn line(
    id: LineId,
    members: &[&WireUnit<'_>],
    wire: &WireOrder<'_>,
    currency: Currency,
) -> Result<PlatformLine> {
    let beyond = |what: &str| unexpected(format!("{what} of line_items cannot be computed"));
    let first = members.first().ok_or_else(|| beyond("units"))?;
    let count = u32::try_from(members.len()).map_err(|_| beyond("units"))?;
    for unit in members {
        if unit.currency.as_deref().is_some_and(|code| code != currency.as_str()) {
            return Err(unexpected("line_items.currency differs from that of the payment"));
        }
    }
    let sale = first
        .sale_price
        .or(first.original_price)
        .ok_or_else(|| unexpected("line_items.sale_price is missing"))?;
    // A price above the original one is no discount.
    let original = first.original_price.filter(|original| *original >= sale).unwrap_or(sale);
    let unit_price = Money::new(original, currency);
    let difference = original.checked_sub(sale).ok_or_else(|| beyond("original_price"))?;
    let discount = Money::new(difference, currency);
    let mut tax: Option<Money> = None;
    for amount in members.iter().flat_map(|u| u.item_tax.iter().flatten()).map(|t| t.tax_amount) {
        let amount = Money::new(amount.unwrap_or_default(), currency);
        let sum = tax.unwrap_or(Money::zero(currency)).checked_add(&amount);
        tax = Some(sum.map_err(|_| beyond("tax"))?);
    }
    let mut extra = BTreeMap::new();
    keep(&mut extra, "sku_id", first.sku_id.as_deref());
    keep(&mut extra, "product_id", first.product_id.as_deref());
    keep(&mut extra, "sku_name", first.sku_name.as_deref());
    keep_true(&mut extra, "is_gift", first.is_gift);
    keep_true(&mut extra, "is_dangerous_good", first.is_dangerous_good);
    let parts: Vec<String> = first
        .combined_listing_skus
        .iter()
        .flatten()
        .filter_map(|part| {
            let name = part.seller_sku.as_deref().or(part.sku_id.as_deref())?.trim();
            Some(format!("{name} x{}", part.sku_count.unwrap_or(1)))
        })
        .collect();
    keep(&mut extra, "bundle", Some(&parts.join(", ")));
    Ok(PlatformLine {
        unit_ids: members.iter().map(|unit| unit.id.clone().into_owned()).collect(),
        sku: filled(first.seller_sku.as_deref()).and_then(|sku| Sku::new(sku).ok()),
        attributes: extra,
        line_total: Some(unit_price.times(count).map_err(|_| beyond("the total"))?),
        tax,
        discount: match discount.is_zero() {
            true => None,
            false => Some(discount.times(count).map_err(|_| beyond("the discount"))?),
        },
        image_url: filled(first.sku_image.as_deref()),
        units: unit_groups(members, wire),
        ..PlatformLine::new(
            id,
            filled(first.product_name.as_deref()).unwrap_or_default(),
            count,
            unit_price,
        )
    })
}

/// Units of a line by status and parcel, in the order of their smallest ids.
fn unit_groups(members: &[&WireUnit<'_>], wire: &WireOrder<'_>) -> Vec<UnitGroup> {
    let mut groups: Vec<UnitGroup> = Vec::new();
    for unit in members {
        let status = status(unit, wire);
        let shipment = shipment(unit, &status, wire);
        let cancelled = status == UnitStatus::Cancelled;
        let reason = cancelled
            .then(|| filled(unit.cancel_reason.as_deref().or(wire.cancel_reason.as_deref())))
            .flatten();
        let same = groups.iter_mut().find(|group| {
            group.status == status && group.shipment == shipment && group.reason == reason
        });
        match same {
            Some(group) => group.units += 1,
            None => groups.push(UnitGroup { status, units: 1, shipment, reason }),
        }
    }
    groups
}

fn shipment(
    unit: &WireUnit<'_>,
    status: &UnitStatus,
    wire: &WireOrder<'_>,
) -> Option<PlatformShipment> {
    // A package that waits to be arranged, or was given up, has not left.
    if matches!(status, UnitStatus::New | UnitStatus::Cancelled) {
        return None;
    }
    let number = filled(unit.tracking_number.as_deref())
        .or_else(|| match status {
            UnitStatus::Unknown(_) => None,
            _ => filled(wire.tracking_number.as_deref()),
        })
        .and_then(|number| TrackingNumber::new(number).ok());
    let package = filled(unit.package_id.as_deref());
    if number.is_none() && package.is_none() {
        return None;
    }
    Some(PlatformShipment {
        package: package.and_then(|id| PlatformPackageId::new(id).ok()),
        carrier: filled(unit.shipping_provider_name.as_deref())
            .or_else(|| filled(wire.shipping_provider.as_deref())),
        number,
        url: None,
        shipped_at: instant(unit.rts_time).or_else(|| instant(wire.rts_time)),
        // Said of the order: of several parcels, it is the last one's.
        collected_at: instant(wire.collection_time),
        delivered_at: instant(wire.delivery_time),
    })
}

/// Where a unit stands: by its own word, unless the order's forbids more. The platform mixes levels, so
/// of a unit that seems ready to ship and an order that is cancelled, or in a status of tomorrow, the
/// order is right.
fn status(unit: &WireUnit<'_>, wire: &WireOrder<'_>) -> UnitStatus {
    let own = own_status(unit, wire);
    // A package that was given up on its way is lost, whatever is shown of the unit.
    let lost = unit.package_status.as_deref().map(str::trim) == Some("CANCELLED");
    if lost && matches!(own, UnitStatus::Shipped | UnitStatus::InTransit) {
        return package_word("CANCELLED");
    }
    match (whole_order(&wire.status), &own) {
        (Some(UnitStatus::Cancelled), _) => UnitStatus::Cancelled,
        (Some(UnitStatus::Unknown(word)), UnitStatus::New) => UnitStatus::Unknown(word),
        _ => own,
    }
}

/// What an order's status says of each of its units; nothing when it speaks of a part of them.
fn whole_order(word: &str) -> Option<UnitStatus> {
    (word != "PARTIALLY_SHIPPING").then(|| order_word(word))
}

/// Where a unit stands by its own word, else by its package's, else by the order's.
fn own_status<'a>(unit: &'a WireUnit<'_>, wire: &WireOrder<'_>) -> UnitStatus {
    let said = |word: Option<&'a str>| word.map(str::trim).filter(|word| !word.is_empty());
    if let Some(word) = said(unit.display_status.as_deref()) {
        return order_word(word);
    }
    match said(unit.package_status.as_deref()) {
        Some(word) => package_word(word),
        // A word for a part of the order says nothing about this unit.
        None if wire.status == "PARTIALLY_SHIPPING" => {
            UnitStatus::Unknown(wire.status.clone().into_owned())
        }
        None => order_word(&wire.status),
    }
}

/// Statuses of orders and units. Notifications write `CANCEL`, calls `CANCELLED`.
pub(super) fn order_word(word: &str) -> UnitStatus {
    match word {
        "UNPAID" | "ON_HOLD" | "AWAITING_SHIPMENT" | "TO_SHIP" => UnitStatus::New,
        "AWAITING_COLLECTION" => UnitStatus::Shipped,
        "IN_TRANSIT" => UnitStatus::InTransit,
        "DELIVERED" | "COMPLETED" => UnitStatus::Delivered,
        "CANCELLED" | "CANCEL" => UnitStatus::Cancelled,
        _ => UnitStatus::Unknown(word.to_owned()),
    }
}

/// Statuses of packages. A cancelled package is lost or damaged; its units are not cancelled.
pub(super) fn package_word(word: &str) -> UnitStatus {
    match word {
        "TO_FULFILL" => UnitStatus::New,
        "PROCESSING" => UnitStatus::Shipped,
        "FULFILLING" => UnitStatus::InTransit,
        "COMPLETED" => UnitStatus::Delivered,
        "CANCELLED" => UnitStatus::Unknown("package CANCELLED".to_owned()),
        _ => UnitStatus::Unknown(word.to_owned()),
    }
}

fn logistics(wire: &WireOrder<'_>) -> LogisticsMode {
    match wire.fulfillment_type.as_deref() {
        None | Some("" | "FULFILLMENT_BY_SELLER") => {}
        // Also a kind that is new: only the one above is ours to ship.
        Some(_) => return LogisticsMode::PlatformFulfilled,
    }
    match wire.shipping_type.as_deref().map(str::trim) {
        Some(word) if word.eq_ignore_ascii_case("SELLER") => LogisticsMode::SellerCarrier,
        // Also a word of tomorrow, and none: a label on our own account would be the costly mistake.
        _ => LogisticsMode::PlatformLabel,
    }
}

fn speed(priority: Option<i64>, service: Option<&str>) -> SpeedClass {
    match priority {
        Some(100..=400) => return SpeedClass::NextDay,
        Some(500) => return SpeedClass::Expedited,
        Some(600) => return SpeedClass::Standard,
        Some(700 | 800) => return SpeedClass::Economy,
        _ => {}
    }
    let words = service.unwrap_or_default().to_ascii_lowercase();
    if words.contains("next day") || words.contains("instant") || words.contains("same day") {
        SpeedClass::NextDay
    } else if words.contains("express") || words.contains("expedited") {
        SpeedClass::Expedited
    } else if words.contains("economy") {
        SpeedClass::Economy
    } else {
        SpeedClass::Standard
    }
}

/// Statuses that no order has before it is paid, or agreed to be paid on delivery.
fn is_paid(status: &str) -> bool {
    matches!(
        status,
        "ON_HOLD"
            | "AWAITING_SHIPMENT"
            | "PARTIALLY_SHIPPING"
            | "AWAITING_COLLECTION"
            | "IN_TRANSIT"
            | "DELIVERED"
            | "COMPLETED"
    )
}

/// When the platform may be expected to end a hold. It ends when the platform says so and no earlier:
/// until then there is no address, and nothing may ship, whatever the time.
fn hold_ends(
    wire: &WireOrder<'_>,
    placed_at: DateTime<Utc>,
    reading: &Reading,
) -> Option<DateTime<Utc>> {
    match instant(wire.release_date) {
        Some(release) if wire.order_type.as_deref() == Some("PRE_ORDER") => Some(release),
        _ => instant(wire.paid_time).unwrap_or(placed_at).checked_add_signed(reading.remorse),
    }
}

fn deadlines(wire: &WireOrder<'_>, unpaid: bool) -> Vec<PlatformDeadline> {
    use DeadlineKind as Due;
    let cancels = instant(wire.cancel_order_sla_time);
    let not_shipped = instant(wire.shipping_due_time);
    [
        (Due::ShipBy, instant(wire.rts_sla_time)),
        (Due::CollectBy, instant(wire.tts_sla_time)),
        (
            Due::DeliverBy,
            instant(wire.delivery_sla_time)
                .or_else(|| instant(wire.delivery_option_required_delivery_time)),
        ),
        (Due::AutoCancelUnlessPaid, cancels.filter(|_| unpaid)),
        (Due::AutoCancelUnlessShipped, not_shipped.or_else(|| cancels.filter(|_| !unpaid))),
        (Due::AutoCancelUnlessCollected, instant(wire.collection_due_time)),
        (Due::AutoCancelUnlessDelivered, instant(wire.delivery_due_time)),
    ]
    .into_iter()
    .filter_map(|(kind, at)| at.map(|at| PlatformDeadline { kind, at }))
    .collect()
}

fn payment(
    order: &PlatformOrderId,
    total: Money,
    wire: &WireOrder<'_>,
    paid_at: Option<DateTime<Utc>>,
) -> Option<Payment> {
    let on_delivery = wire.is_cod == Some(true);
    let method = filled(wire.payment_method_name.as_deref());
    if method.is_none() && !on_delivery {
        return None;
    }
    Some(Payment {
        // The platform gives none: one payment an order.
        id: PaymentId::new(order.as_str()).ok()?,
        amount: total,
        method: match on_delivery {
            true => Some(PaymentMethod::CashOnDelivery),
            false => method.map(PaymentMethod::Other),
        },
        state: match paid_at {
            Some(_) if !on_delivery => PaymentState::Paid,
            _ => PaymentState::Pending,
        },
        paid_at: paid_at.filter(|_| !on_delivery),
        refunded: Money::zero(total.currency),
    })
}

const CITY: &[&str] = &["city", "town", "municipality", "post town", "locality", "kota/kabupaten"];
const STATE: &[&str] =
    &["state", "province", "region", "county", "prefecture", "provinsi", "city/province"];

fn contact(wire: &WireAddress<'_>) -> Contact {
    let district = |names: &[&str]| {
        names.iter().find_map(|name| {
            wire.district_info.iter().find(|district| {
                let level = district.address_level_name.as_deref().unwrap_or_default();
                level.trim().eq_ignore_ascii_case(name)
            })
        })
    };
    let name_of = |district: Option<&super::wire::WireDistrict<'_>>| {
        district.and_then(|district| filled(district.address_name.as_deref()))
    };
    // Empty lines have been seen as a pair of quotes.
    let street =
        |line: &Option<Cow<'_, str>>| filled(line.as_deref()).filter(|line| line != "\"\"");
    let mut lines: Vec<String> =
        [&wire.address_line1, &wire.address_line2, &wire.address_line3, &wire.address_line4]
            .into_iter()
            .filter_map(street)
            .collect();
    if lines.is_empty() {
        lines.extend(filled(wire.address_detail.as_deref()));
    }
    let state = district(STATE);
    Contact {
        name: Personal::new(filled(wire.name.as_deref()).unwrap_or_default()),
        company: None,
        phone: filled(wire.phone_number.as_deref()).map(Personal::new),
        email: None,
        address: Address {
            lines: lines.into_iter().map(Personal::new).collect(),
            city: name_of(district(CITY))
                .or_else(|| filled(wire.post_town.as_deref()))
                .unwrap_or_default(),
            state: state
                .and_then(|state| filled(state.iso_code.as_deref()))
                .map(|code| code.rsplit('-').next().unwrap_or_default().to_owned())
                .filter(|code| !code.is_empty())
                .or_else(|| name_of(state)),
            postal_code: filled(wire.postal_code.as_deref()),
            country: filled(wire.region_code.as_deref()).and_then(|code| Country::new(&code)),
            residential: None,
        },
    }
}

fn attributes(wire: &WireOrder<'_>, units: &[WireUnit<'_>]) -> BTreeMap<String, String> {
    let mut kept = BTreeMap::new();
    for (name, value) in [
        ("order_type", &wire.order_type),
        ("commerce_platform", &wire.commerce_platform),
        ("fulfillment_type", &wire.fulfillment_type),
        ("shipping_type", &wire.shipping_type),
        ("delivery_type", &wire.delivery_type),
        ("delivery_option_id", &wire.delivery_option_id),
        ("warehouse_id", &wire.warehouse_id),
        ("split_or_combine_tag", &wire.split_or_combine_tag),
        ("auto_combine_group_id", &wire.auto_combine_group_id),
        ("need_upload_invoice", &wire.need_upload_invoice),
        ("fast_delivery_program", &wire.fast_delivery_program),
        ("cancel_reason", &wire.cancel_reason),
        ("cancellation_initiator", &wire.cancellation_initiator),
        ("replaced_order_id", &wire.replaced_order_id),
        ("exchange_source_order_id", &wire.exchange_source_order_id),
    ] {
        keep(&mut kept, name, value.as_deref());
    }
    for (name, value) in [
        ("is_cod", wire.is_cod),
        ("is_on_hold_order", wire.is_on_hold_order),
        ("is_sample_order", wire.is_sample_order),
        ("is_replacement_order", wire.is_replacement_order),
        ("is_exchange_order", wire.is_exchange_order),
        ("has_updated_recipient_address", wire.has_updated_recipient_address),
    ] {
        keep_true(&mut kept, name, value);
    }
    if let Some(address) = &wire.recipient_address {
        let parts = [&address.name, &address.address_line1, &address.address_detail];
        let masked = parts.into_iter().flatten().any(|part| part.contains('*'));
        keep_true(&mut kept, "recipient_masked", Some(masked));
        let place = address.delivery_preferences.as_ref();
        let place = place.and_then(|wanted| wanted.drop_off_location.as_deref());
        keep(&mut kept, "drop_off_location", place);
    }
    let mut packages: Vec<&str> = units
        .iter()
        .filter_map(|unit| unit.package_id.as_deref())
        .map(str::trim)
        .filter(|package| !package.is_empty())
        .collect();
    packages.sort_unstable();
    packages.dedup();
    keep(&mut kept, "packages", Some(&packages.join(",")));
    kept
}

fn keep(kept: &mut BTreeMap<String, String>, name: &str, value: Option<&str>) {
    if let Some(value) = filled(value) {
        kept.insert(name.to_owned(), value);
    }
}

fn keep_true(kept: &mut BTreeMap<String, String>, name: &str, value: Option<bool>) {
    if value == Some(true) {
        kept.insert(name.to_owned(), "true".to_owned());
    }
}
