//! From what a platform says to what happened: snapshots become events.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::case::wish_of_cases;
use super::event::{Action, Actor, CancelReason, CancelledUnits, Event};
use super::incident::ExceptionKind;
use super::snapshot::{CancelRequest, PlatformLine, PlatformOrder, PlatformShipment, UnitStatus};
use super::{LogisticsMode, Order, OrderState, counters};
use crate::ids::{CarrierId, EventId, LineId, PackageId, TrackingNumber};
use crate::shipment::{
    EventTime, LabelState, Milestone, Package, PackedLine, TrackingEvent, TransitState, UploadState,
};

/// A hash of everything a snapshot says. Equal hashes mean that nothing is new.
#[must_use]
pub fn content_hash(snapshot: &PlatformOrder) -> String {
    let raw = snapshot.raw.expose();
    let id = if raw.is_empty() {
        let content = serde_json::to_string(snapshot).unwrap_or_default();
        EventId::of_content(&["snapshot", &content])
    } else {
        EventId::of_content(&["raw", raw])
    };
    id.as_str().to_owned()
}

/// The events that lead from what we know to what the platform says.
///
/// Pure; never assigns a state. After the events are applied, reconciling the same snapshot yields
/// nothing. A snapshot older than one already merged yields nothing. Where the platform contradicts
/// facts that are ours to know, an [`ExceptionKind::StateMismatch`] is raised instead of an
/// overwrite.
#[must_use]
pub fn reconcile(order: &Order, snapshot: &PlatformOrder, now: DateTime<Utc>) -> Vec<Event> {
    if snapshot.id != order.key.order
        || content_hash(snapshot) == order.platform.content_hash
        || order.erased_at.is_some()
        || is_older(snapshot, order)
    {
        return Vec::new();
    }
    let mut actions = Vec::new();
    let boxed = || Box::new(snapshot.clone());

    if order.state() == OrderState::Cancelled && was_taken_back(order, snapshot) {
        let reason = "the platform shows a cancelled order as active again".to_owned();
        actions.push(Action::PlatformCorrected { snapshot: boxed(), reason });
        return stamped(actions, now);
    }

    actions.push(Action::Updated { snapshot: boxed() });
    if let (None, Some(paid_at)) = (order.paid_at, snapshot.paid_at) {
        actions.push(Action::Paid { paid_at, payments: snapshot.payments.clone() });
    }
    if order.needs_acknowledgement && order.acknowledged_at.is_none() && is_acknowledged(snapshot) {
        let acknowledged_at = snapshot.updated_at.unwrap_or(now);
        actions.push(Action::Acknowledged { acknowledged_at });
    }
    cancellations(order, snapshot, now, &mut actions);
    shipments(order, snapshot, now, &mut actions);
    match (&order.cancel_request, &snapshot.cancel_request) {
        (None, Some(request))
            if accepts_cancel_requests(order.state()) && !is_refused(order, request) =>
        {
            actions.push(Action::CancelRequested { request: request.clone() });
        }
        // Some platforms show such a wish as a case and never on the order.
        (Some(_), None) if wish_of_cases(order).is_none() => {
            actions.push(Action::CancelRequestClosed);
        }
        _ => {}
    }
    // What has arrived may have done so with the same news.
    let arrives = actions.iter().any(|action| matches!(action, Action::DeliveredOnPlatform { .. }));
    if let (None, Some(completed_at)) = (order.completed_at, snapshot.completed_at)
        && (arrives
            || matches!(
                order.state(),
                OrderState::InTransit | OrderState::PartiallyDelivered | OrderState::Delivered
            ))
    {
        actions.push(Action::Completed { completed_at });
    }
    stamped(actions, now)
}

fn stamped(actions: Vec<Action>, now: DateTime<Utc>) -> Vec<Event> {
    actions.into_iter().map(|action| Event::new(action, now, Actor::Platform)).collect()
}

/// Whether a snapshot is older than the one merged last.
pub(crate) fn is_older(snapshot: &PlatformOrder, order: &Order) -> bool {
    matches!(
        (snapshot.updated_at, order.platform.updated_at),
        (Some(theirs), Some(ours)) if theirs < ours
    )
}

/// Whether a person refused this very wish: platforms without an answer to it go on showing it.
fn is_refused(order: &Order, request: &CancelRequest) -> bool {
    order.cancel_refused.as_ref().is_some_and(|refused| refused.covers(request))
}

pub(super) const fn accepts_cancel_requests(state: OrderState) -> bool {
    matches!(
        state,
        OrderState::Unpaid
            | OrderState::AwaitingShipment
            | OrderState::PartiallyShipped
            | OrderState::AwaitingCollection
    )
}

fn units_in(line: &PlatformLine, wanted: impl Fn(&UnitStatus) -> bool) -> u32 {
    line.units
        .iter()
        .filter(|group| wanted(&group.status))
        .map(|group| group.units)
        .fold(0, u32::saturating_add)
}

/// Only cancellations that came from the platform can be taken back by it: one that the seller
/// made here may simply not have reached it yet.
fn was_taken_back(order: &Order, snapshot: &PlatformOrder) -> bool {
    let theirs = order.cancellations.iter().all(|cancelled| {
        matches!(
            cancelled.reason,
            CancelReason::Platform(_)
                | CancelReason::NotAcknowledged
                | CancelReason::NotShipped
                | CancelReason::PaymentTimeout
        )
    });
    let active = snapshot
        .lines
        .iter()
        .any(|line| units_in(line, |status| *status == UnitStatus::Cancelled) < line.quantity);
    theirs && active
}

fn is_acknowledged(snapshot: &PlatformOrder) -> bool {
    let mut live = snapshot
        .lines
        .iter()
        .flat_map(|line| &line.units)
        .filter(|group| group.status != UnitStatus::Cancelled)
        .peekable();
    live.peek().is_some()
        && live.all(|group| {
            matches!(
                group.status,
                UnitStatus::Acknowledged
                    | UnitStatus::Shipped
                    | UnitStatus::InTransit
                    | UnitStatus::Delivered
                    | UnitStatus::Returned
            )
        })
}

fn cancellations(
    order: &Order,
    snapshot: &PlatformOrder,
    now: DateTime<Utc>,
    actions: &mut Vec<Action>,
) {
    let at = snapshot.updated_at.unwrap_or(now);
    let mut units = Vec::new();
    let mut contradictions = Vec::new();
    for line in &snapshot.lines {
        let Some(ours) = counters(order, &line.id) else { continue };
        let theirs = units_in(line, |status| *status == UnitStatus::Cancelled);
        let surplus = theirs.saturating_sub(ours.cancelled);
        if surplus == 0 {
            continue;
        }
        let possible = surplus.min(ours.active().saturating_sub(ours.shipped));
        if possible > 0 {
            let reason = line
                .units
                .iter()
                .find(|group| group.status == UnitStatus::Cancelled)
                .and_then(|group| group.reason.clone())
                .unwrap_or_default();
            units.push(CancelledUnits {
                line: line.id.clone(),
                units: possible,
                reason: if order.cancel_request.is_some() {
                    CancelReason::BuyerRequest
                } else {
                    CancelReason::Platform(reason)
                },
                at,
            });
        }
        if possible < surplus {
            contradictions.push(line.id.to_string());
        }
    }
    if !units.is_empty() && accepts_cancel_requests(order.state()) {
        actions.push(Action::Cancelled { units });
    }
    if !contradictions.is_empty() {
        actions.push(Action::IncidentRaised {
            kind: ExceptionKind::StateMismatch,
            package: None,
            detail: format!(
                "the platform shows shipped units as cancelled on line {}",
                contradictions.join(", ")
            ),
        });
    }
}

/// Units per line that the platform shows in one parcel.
#[derive(Default)]
struct Parcel<'a> {
    contents: Vec<(LineId, u32)>,
    shipment: Option<&'a PlatformShipment>,
    delivered: bool,
    /// The carrier has it: all of it is on its way or delivered.
    moving: bool,
    /// All of it came back.
    returned: bool,
}

impl Parcel<'_> {
    /// When it arrived: as the platform says, else when it changed the order last, which is the
    /// closest known instant and never too early.
    fn delivered_at(&self, snapshot: &PlatformOrder, now: DateTime<Utc>) -> DateTime<Utc> {
        happened(self.shipment.and_then(|shipment| shipment.delivered_at), snapshot, now)
    }

    /// When the carrier had it at the latest.
    fn collected_at(&self, snapshot: &PlatformOrder, now: DateTime<Utc>) -> DateTime<Utc> {
        happened(self.shipment.and_then(|shipment| shipment.collected_at), snapshot, now)
    }
}

/// What the platform says of an instant, else the order's last change, else now. What has happened
/// does not lie in the future, whatever the platform's clock says.
fn happened(
    said: Option<DateTime<Utc>>,
    snapshot: &PlatformOrder,
    now: DateTime<Utc>,
) -> DateTime<Utc> {
    [said, snapshot.updated_at].into_iter().flatten().find(|at| *at <= now).unwrap_or(now)
}

fn shipments(
    order: &Order,
    snapshot: &PlatformOrder,
    now: DateTime<Utc>,
    actions: &mut Vec<Action>,
) {
    let mut parcels: BTreeMap<Option<&TrackingNumber>, Parcel<'_>> = BTreeMap::new();
    for line in &snapshot.lines {
        for group in &line.units {
            let delivered = group.status == UnitStatus::Delivered;
            let returned = group.status == UnitStatus::Returned;
            let underway = matches!(group.status, UnitStatus::Shipped | UnitStatus::InTransit);
            if !(delivered || returned || underway) {
                continue;
            }
            let number = group.shipment.as_ref().and_then(|shipment| shipment.number.as_ref());
            let parcel = parcels.entry(number).or_default();
            let first = parcel.contents.is_empty();
            // A parcel counts as delivered, or as moving, when all of it is.
            parcel.delivered = delivered && (parcel.delivered || first);
            parcel.returned = returned && (parcel.returned || first);
            let moving = delivered || returned || group.status == UnitStatus::InTransit;
            parcel.moving = moving && (parcel.moving || first);
            parcel.contents.push((line.id.clone(), group.units));
            parcel.shipment = parcel.shipment.or(group.shipment.as_ref());
        }
    }
    let mut free: BTreeMap<&LineId, u32> =
        order.lines.iter().map(|line| (&line.id, free_units(order, &line.id))).collect();
    let mut planned = order.packages_planned;
    for (number, parcel) in &parcels {
        let shipped_at = parcel
            .shipment
            .and_then(|shipment| shipment.shipped_at)
            .or(snapshot.updated_at)
            .unwrap_or(now);
        let known = match number {
            Some(number) => package_with(order, number),
            None => numberless(order, parcel),
        };
        if let Some(package) = known {
            if package.shipped.is_some()
                && matches!(
                    package.upload.state,
                    UploadState::InFlight | UploadState::Pending | UploadState::UpdatePending
                )
                && package.tracking.as_ref().map(|tracking| &tracking.number) == *number
            {
                actions.push(Action::Uploaded {
                    package: package.id.clone(),
                    number: number.cloned(),
                });
            }
            let seen = parcel.moving
                && (moves_by_platform(order, package, *number)
                    || (is_untracked(package) && !package.is_accepted()));
            if seen {
                actions.push(seen_moving(&package.id, parcel, snapshot, now));
            }
            if parcel.returned {
                actions.extend(came_back(order, package, parcel, snapshot, now));
            }
            let shipped = package.is_shipped() || (seen && package.undeliverable.is_none());
            if parcel.delivered && shipped && !package.is_delivered() {
                let delivered_at = parcel.delivered_at(snapshot, now);
                actions.push(Action::DeliveredOnPlatform {
                    package: package.id.clone(),
                    delivered_at,
                });
            }
            continue;
        }
        if is_awaited(order, parcel) {
            continue;
        }
        let mut contents = Vec::new();
        for (line, units) in &parcel.contents {
            let Some(left) = free.get_mut(line) else { continue };
            let taken = (*units).min(*left);
            *left -= taken;
            if taken > 0 {
                contents.push(PackedLine { line: line.clone(), units: taken });
            }
        }
        if contents.is_empty() {
            // Without a number there is nothing to compare: shipments made here look like that too
            // on platforms that do not give numbers back.
            if let Some(number) = number {
                actions.push(Action::IncidentRaised {
                    kind: ExceptionKind::UploadConflict,
                    package: None,
                    detail: format!("the platform holds number {number}, which is not ours"),
                });
            }
            continue;
        }
        planned = planned.saturating_add(1);
        let package = PackageId::derive(&order.key, planned);
        let carrier = parcel
            .shipment
            .and_then(|shipment| shipment.carrier.as_deref())
            .and_then(|name| CarrierId::new(name.trim().to_lowercase()).ok());
        // Of a parcel without a number, or without its carrier, nobody but the platform knows.
        let seen = parcel.moving
            && (number.is_none()
                || carrier.is_none()
                || order.logistics.is_addressed_by_platform()
                || parcel.returned);
        actions.push(Action::ShippedElsewhere {
            package: package.clone(),
            contents,
            carrier,
            number: number.cloned(),
            shipped_at,
        });
        if seen {
            actions.push(seen_moving(&package, parcel, snapshot, now));
        }
        if parcel.returned {
            actions.push(match seen {
                true => seen_back(&package, parcel, snapshot, now),
                false => told_back(Some(package.clone())),
            });
        }
        if parcel.delivered {
            let delivered_at = parcel.delivered_at(snapshot, now);
            actions.push(Action::DeliveredOnPlatform { package, delivered_at });
        }
    }
}

/// Whether the platform's word that a parcel moves is news about it. Only the platform follows
/// parcels under its own labels; of a seller's parcel the carrier itself knows more, and some
/// platforms call it moving as soon as the seller says so.
fn moves_by_platform(order: &Order, package: &Package, number: Option<&TrackingNumber>) -> bool {
    order.logistics.is_addressed_by_platform()
        && !package.is_accepted()
        && !package.contents.is_empty()
        && package.tracking.as_ref().map(|tracking| &tracking.number) == number
}

/// The platform saw a parcel on its way, since when the carrier got it or, where that is not said, at
/// the last change of the order.
fn seen_moving(
    package: &PackageId,
    parcel: &Parcel<'_>,
    snapshot: &PlatformOrder,
    now: DateTime<Utc>,
) -> Action {
    Action::Tracked {
        package: package.clone(),
        events: vec![TrackingEvent {
            time: EventTime::Instant(parcel.collected_at(snapshot, now)),
            place: None,
            // The platform's word has been read by its adapter; what is left of it is ours.
            raw_code: "in_transit".to_owned(),
            raw_text: "the platform shows the parcel on its way".to_owned(),
            milestone: Milestone::DepartedHub,
            reason: None,
        }],
        estimated_delivery: None,
    }
}

/// The platform shows a parcel as returned. What is on its way ends by that; of one that had arrived
/// the buyer sent something back, and a person checks what.
fn came_back(
    order: &Order,
    package: &Package,
    parcel: &Parcel<'_>,
    snapshot: &PlatformOrder,
    now: DateTime<Utc>,
) -> Option<Action> {
    if package.movement.state == TransitState::Returned || package.undeliverable.is_some() {
        return None;
    }
    if package.is_shipped() && !package.is_delivered() {
        return Some(seen_back(&package.id, parcel, snapshot, now));
    }
    let is_told = order.incidents.iter().any(|incident| {
        incident.kind == ExceptionKind::ReturnToSender
            && incident.package.as_ref() == Some(&package.id)
    });
    let is_back = order.returns.iter().any(|back| package.units_of(&back.line) > 0);
    (!is_told && !is_back).then(|| told_back(Some(package.id.clone())))
}

fn seen_back(
    package: &PackageId,
    parcel: &Parcel<'_>,
    snapshot: &PlatformOrder,
    now: DateTime<Utc>,
) -> Action {
    let on_its_way = parcel.collected_at(snapshot, now);
    Action::Tracked {
        package: package.clone(),
        events: vec![TrackingEvent {
            // Not before it was on its way.
            time: EventTime::Instant(happened(None, snapshot, now).max(on_its_way)),
            place: None,
            raw_code: "returned".to_owned(),
            raw_text: "the platform shows the parcel as returned".to_owned(),
            milestone: Milestone::Returned,
            reason: None,
        }],
        estimated_delivery: None,
    }
}

fn told_back(package: Option<PackageId>) -> Action {
    Action::IncidentRaised {
        kind: ExceptionKind::ReturnToSender,
        package,
        detail: "the platform shows the parcel as returned".to_owned(),
    }
}

/// Whether only the platform can say where a parcel is: shipped elsewhere, and no carrier to ask.
fn is_untracked(package: &Package) -> bool {
    package.is_shipped()
        && package.tracking.is_none()
        && package.upload.state == UploadState::NotRequired
}

/// The parcel without a number that was shipped elsewhere and holds what the platform shows.
fn numberless<'a>(order: &'a Order, parcel: &Parcel<'_>) -> Option<&'a Package> {
    order.packages.iter().find(|package| {
        is_untracked(package) && package.upload.number.is_none() && is_same(package, parcel)
    })
}

/// Whether a parcel of the platform holds what a package of ours does.
fn is_same(package: &Package, parcel: &Parcel<'_>) -> bool {
    let total = |units: &mut dyn Iterator<Item = u32>| units.fold(0, u32::saturating_add);
    let shown = |line: &LineId| {
        total(&mut parcel.contents.iter().filter(|(id, _)| id == line).map(|(_, units)| *units))
    };
    package.contents.iter().all(|packed| shown(&packed.line) == package.units_of(&packed.line))
        && total(&mut package.contents.iter().map(|packed| packed.units))
            == total(&mut parcel.contents.iter().map(|(_, units)| *units))
}

/// Whether a parcel is in all likelihood one whose label was asked of the platform and whose answer
/// is not here yet: the number is the platform's own, and settling the purchase brings it.
fn is_awaited(order: &Order, parcel: &Parcel<'_>) -> bool {
    order.logistics == LogisticsMode::PlatformLabel
        && order.packages.iter().any(|package| {
            matches!(package.label.state, LabelState::Requested | LabelState::Unknown)
                && is_same(package, parcel)
        })
}

/// Units of a line that are neither cancelled, nor shipped, nor bound to a label of ours.
fn free_units(order: &Order, line: &LineId) -> u32 {
    let Some(counters) = counters(order, line) else { return 0 };
    let labelled: u32 = order
        .packages
        .iter()
        .filter(|package| {
            package.shipped.is_none()
                && package.undeliverable.is_none()
                && package.label.state != LabelState::None
        })
        .map(|package| package.units_of(line))
        .fold(0, u32::saturating_add);
    counters.active().saturating_sub(counters.shipped).saturating_sub(labelled)
}

fn package_with<'a>(order: &'a Order, number: &TrackingNumber) -> Option<&'a Package> {
    order.packages.iter().find(|package| {
        package.tracking.as_ref().is_some_and(|tracking| tracking.number == *number)
            || package.upload.number.as_ref() == Some(number)
            || package.label.voided.iter().any(|record| record.number == *number)
    })
}
