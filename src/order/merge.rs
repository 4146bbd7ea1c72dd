//! Taking over what a platform says about an order, and the holds it places.

use chrono::{DateTime, Utc};

use super::apply::Rejected;
use super::case::wish_of_cases;
use super::facts::{Changed, raise, resolve};
use super::hold::{Hold, HoldReason};
use super::incident::ExceptionKind;
use super::snapshot::{CancelRequest, PlatformOrder, UnitStatus};
use super::{Line, Order, OrderState};
use crate::ids::{HoldId, PackageId};
use crate::shipment::{Package, TransitState};

pub(super) fn place_hold(
    order: &mut Order,
    reason: HoldReason,
    note: Option<String>,
    until: Option<DateTime<Utc>>,
    at: DateTime<Utc>,
) {
    let id = platform_hold_id(&reason);
    match order.holds.iter_mut().find(|hold| hold.id == id && hold.released_at.is_none()) {
        Some(hold) => hold.until = until,
        None => {
            order.holds.push(Hold { id, reason, note, placed_at: at, until, released_at: None })
        }
    }
}

/// Holds of the platform are keyed by reason and source, so that each is released by its own id.
fn platform_hold_id(reason: &HoldReason) -> HoldId {
    HoldId::from_static(match reason {
        HoldReason::PlatformRemorse => "platform:remorse",
        HoldReason::PaymentAnomaly => "platform:payment",
        HoldReason::Address => "platform:address",
        HoldReason::OutOfStock => "platform:out-of-stock",
        HoldReason::BuyerCancelRequest => "platform:cancel-request",
        HoldReason::ManualReview => "platform:review",
        HoldReason::Fraud => "platform:fraud",
        HoldReason::Manual => "platform:manual",
        HoldReason::Amendment => "platform:amendment",
        HoldReason::Other(_) => "platform:other",
    })
}

/// The buyer asks to cancel: nothing goes on until somebody answered.
pub(super) fn place_cancel_request(order: &mut Order, request: &CancelRequest, at: DateTime<Utc>) {
    place_hold(order, HoldReason::BuyerCancelRequest, None, None, at);
    order.cancel_request = Some(request.clone());
    raise(order, ExceptionKind::CancelRequested, None, "the buyer asks to cancel", at);
}

pub(super) fn close_cancel_request(order: &mut Order, at: DateTime<Utc>) {
    order.cancel_request = None;
    let id = platform_hold_id(&HoldReason::BuyerCancelRequest);
    for hold in &mut order.holds {
        if hold.id == id {
            hold.released_at.get_or_insert(at);
        }
    }
    resolve(order, ExceptionKind::CancelRequested, None, at);
}

/// Takes over what the platform says, except quantities and payments, which have events.
pub(super) fn merge_snapshot(order: &mut Order, snapshot: &PlatformOrder, at: DateTime<Utc>) {
    if snapshot.cancel_request.is_none() && wish_of_cases(order).is_none() {
        order.cancel_refused = None;
    }
    let facts = &mut order.platform;
    facts.asks_to_cancel = snapshot.cancel_request.is_some();
    facts.status.clone_from(&snapshot.status);
    facts.updated_at = snapshot.updated_at.or(facts.updated_at);
    facts.content_hash = super::reconcile::content_hash(snapshot);
    if !snapshot.raw.expose().is_empty() {
        facts.raw.clone_from(&snapshot.raw);
    }
    facts.unknown_statuses = snapshot
        .lines
        .iter()
        .flat_map(|line| &line.units)
        .filter_map(|group| match &group.status {
            UnitStatus::Unknown(status) => Some(status.clone()),
            _ => None,
        })
        .collect();
    order.number.clone_from(&snapshot.number);
    order.site.clone_from(&snapshot.site);
    order.buyer = snapshot.buyer.clone();
    order.logistics = snapshot.logistics;
    order.requested_service.clone_from(&snapshot.requested_service);
    order.speed = snapshot.speed;
    // Platforms show 0 for what was cancelled: what was agreed on is kept, here and by line.
    if !snapshot.total.is_zero() || order.lines.is_empty() {
        order.total = snapshot.total;
    }
    order.note.clone_from(&snapshot.note);
    order.test = snapshot.test;
    order.attributes.clone_from(&snapshot.attributes);
    order.personal_attributes.clone_from(&snapshot.personal_attributes);
    // What has left in full or is closed cannot grow; a platform that says so contradicts itself.
    let may_grow = order.lines.is_empty()
        || matches!(
            order.state(),
            OrderState::Unpaid | OrderState::AwaitingShipment | OrderState::PartiallyShipped
        );
    let fewer = missing_units(order, snapshot);
    let mut grown = Vec::new();
    for theirs in &snapshot.lines {
        let fresh = Line {
            id: theirs.id.clone(),
            unit_ids: theirs.unit_ids.clone(),
            sku: theirs.sku.clone(),
            title: theirs.title.clone(),
            attributes: theirs.attributes.clone(),
            personal_attributes: theirs.personal_attributes.clone(),
            ordered: theirs.quantity,
            unit_price: theirs.unit_price,
            line_total: theirs.line_total,
            tax: theirs.tax,
            shipping: theirs.shipping,
            discount: theirs.discount,
            refunded: None,
            weight: theirs.weight,
            image_url: theirs.image_url.clone(),
            bundle: None,
        };
        match order.lines.iter_mut().find(|line| line.id == fresh.id) {
            None if may_grow => order.lines.push(fresh),
            None => grown.push(fresh.id.to_string()),
            Some(line) => {
                if fresh.ordered > line.ordered && !may_grow {
                    grown.push(fresh.id.to_string());
                }
                let keep = fresh.unit_price.is_zero() && !line.unit_price.is_zero();
                *line = Line {
                    ordered: if may_grow { line.ordered.max(fresh.ordered) } else { line.ordered },
                    unit_price: if keep { line.unit_price } else { fresh.unit_price },
                    line_total: if keep { line.line_total } else { fresh.line_total },
                    tax: if keep { line.tax } else { fresh.tax },
                    shipping: if keep { line.shipping } else { fresh.shipping },
                    discount: if keep { line.discount } else { fresh.discount },
                    refunded: line.refunded,
                    bundle: line.bundle.clone(),
                    weight: fresh.weight.or(line.weight),
                    ..fresh
                };
            }
        }
    }
    if !grown.is_empty() {
        let detail = format!("the platform shows more units on line {}", grown.join(", "));
        raise(order, ExceptionKind::StateMismatch, None, &detail, at);
    }
    if snapshot.recipient.is_some() && snapshot.recipient != order.recipient {
        order.recipient.clone_from(&snapshot.recipient);
        recipient_changed(order, at);
    }
    if !fewer.is_empty() {
        let detail =
            format!("the platform shows fewer units than before on line {}", fewer.join(", "));
        raise(order, ExceptionKind::StateMismatch, None, &detail, at);
        let held = order.holds.iter().any(|hold| hold.id == QUANTITY && hold.released_at.is_none());
        if !held {
            order.holds.push(Hold {
                id: QUANTITY,
                reason: HoldReason::ManualReview,
                note: Some(detail),
                placed_at: at,
                until: None,
                released_at: None,
            });
        }
    }
    for hold in &snapshot.holds {
        place_hold(order, hold.reason.clone(), None, hold.until, at);
    }
    let mut held: Vec<HoldId> =
        snapshot.holds.iter().map(|hold| platform_hold_id(&hold.reason)).collect();
    if !fewer.is_empty() {
        held.push(QUANTITY);
    }
    let request = platform_hold_id(&HoldReason::BuyerCancelRequest);
    for hold in &mut order.holds {
        if hold.id.as_str().starts_with("platform:")
            && !held.contains(&hold.id)
            && hold.id != request
        {
            hold.released_at.get_or_insert(at);
        }
    }
    let before = std::mem::replace(&mut order.platform.troubles, snapshot.troubles.clone());
    for over in before {
        if !snapshot.troubles.iter().any(|trouble| trouble.kind == over.kind) {
            resolve(order, over.kind, None, at);
        }
    }
    for trouble in &snapshot.troubles {
        let is_told = order.incidents.iter().any(|incident| {
            incident.kind == trouble.kind
                && incident.package.is_none()
                && incident.resolved_at.is_none()
                && incident.detail == trouble.detail
        });
        if !is_told {
            raise(order, trouble.kind, None, &trouble.detail, at);
        }
    }
    let unknown: Vec<String> = order.platform.unknown_statuses.iter().cloned().collect();
    if unknown.is_empty() {
        resolve(order, ExceptionKind::UnknownPlatformStatus, None, at);
    } else {
        raise(order, ExceptionKind::UnknownPlatformStatus, None, &unknown.join(", "), at);
    }
}

/// The hold of an order of which the platform shows fewer units than it said before, for as long as it
/// does and no cancellation explains it.
const QUANTITY: HoldId = HoldId::from_static("platform:quantity");

/// Lines with units that could still ship here, but of which the platform no longer speaks.
fn missing_units(order: &Order, snapshot: &PlatformOrder) -> Vec<String> {
    let missing = |line: &&Line| {
        let Some(ours) = super::counters(order, &line.id) else { return false };
        let theirs = snapshot.lines.iter().find(|theirs| theirs.id == line.id);
        let shown = theirs.map_or(0, |theirs| theirs.quantity);
        let cancelled_there = theirs.map_or(0, |theirs| {
            let groups = theirs.units.iter().filter(|g| g.status == UnitStatus::Cancelled);
            groups.map(|group| group.units).fold(0, u32::saturating_add)
        });
        // What is cancelled may be left out, or be shown as such.
        let live = shown.saturating_sub(cancelled_there);
        let explained = ours.cancelled.max(cancelled_there);
        ours.active() > ours.shipped && live.saturating_add(explained) < line.ordered
    };
    order.lines.iter().filter(missing).map(|line| line.id.to_string()).collect()
}

pub(super) fn recipient_changed(order: &mut Order, at: DateTime<Utc>) {
    order.recipient_version = order.recipient_version.saturating_add(1);
    let labelled: Vec<PackageId> = order
        .packages
        .iter()
        .filter(|package| package.has_live_label() && package.shipped.is_none())
        .map(|package| package.id.clone())
        .collect();
    for package in labelled {
        let detail = "the recipient changed after the label was bought";
        raise(order, ExceptionKind::AddressChangedAfterLabel, Some(package), detail, at);
    }
}

pub(super) fn updated(order: &mut Order, snapshot: &PlatformOrder, at: DateTime<Utc>) -> Changed {
    if snapshot.id != order.key.order {
        return Err(Rejected::OtherOrder(snapshot.id.to_string()));
    }
    if let Some(line) = snapshot.duplicate_line() {
        return Err(Rejected::DuplicateLine(line.clone()));
    }
    let before = order.recipient_version;
    merge_snapshot(order, snapshot, at);
    // A review judged the old facts; a new address must be judged again.
    if order.recipient_version != before && before > 0 && !any_live_label(order) {
        order.review = super::Review::Pending;
    }
    Ok(())
}

fn any_live_label(order: &Order) -> bool {
    order.packages.iter().any(Package::has_live_label)
}

pub(super) fn corrected(order: &mut Order, snapshot: &PlatformOrder, at: DateTime<Utc>) {
    for line in &snapshot.lines {
        let count = |wanted: &UnitStatus| {
            line.units
                .iter()
                .filter(|group| group.status == *wanted)
                .map(|group| group.units)
                .fold(0, u32::saturating_add)
        };
        let ours = super::counters(order, &line.id).map_or(0, |counters| counters.cancelled);
        let mut surplus = ours.saturating_sub(count(&UnitStatus::Cancelled));
        for cancelled in order.cancellations.iter_mut().rev() {
            if cancelled.line == line.id {
                let taken = cancelled.units.min(surplus);
                cancelled.units -= taken;
                surplus -= taken;
            }
        }
        if count(&UnitStatus::Delivered) == 0 {
            for package in &mut order.packages {
                if package.units_of(&line.id) > 0 && package.is_delivered() {
                    package.movement.delivered_at = None;
                    package.movement.state = TransitState::InTransit;
                }
            }
        }
    }
    order.cancellations.retain(|cancelled| cancelled.units > 0);
    merge_snapshot(order, snapshot, at);
    let detail = "the platform took back what it had said";
    raise(order, ExceptionKind::StateMismatch, None, detail, at);
}
