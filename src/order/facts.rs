//! How each event changes facts. Guards and tables have been checked before.

use chrono::{DateTime, Utc};

use super::apply::{Effect, Rejected};
use super::cancel::{cancel_everything, cancelled};
use super::case::{CaseKind, case_seen};
use super::event::{Action, Actor, Allocation, CancelReason, CancelledUnits, Event, EventKind};
use super::incident::{ExceptionKind, Incident};
use super::merge::{
    close_cancel_request, corrected, place_cancel_request, recipient_changed, updated,
};
use super::payment::PaymentMethod;
use super::snapshot::RefusedRequest;
use super::{LogisticsMode, Order, Payment, PaymentState};
use crate::ids::{LineId, PackageId};
use crate::money::Money;
use crate::shipment::{
    FoldFinding, LabelRecord, LabelState, Package, PackedLine, ShipConfirmation, TrackingEvent,
    TrackingRef, TransitState, UndeliverableResolution, UploadState, WarehouseState, fold,
};

pub(super) type Changed = Result<(), Rejected>;

/// Changes the facts of `order` as `event` says.
pub(super) fn change(order: &mut Order, event: &Event, effects: &mut Vec<Effect>) -> Changed {
    let at = event.at;
    let kind = event.kind();
    match &event.action {
        Action::Imported { .. } => {
            return Err(Rejected::NotAllowed { event: kind, state: order.state() });
        }
        Action::Updated { snapshot } => updated(order, snapshot, at)?,
        Action::Paid { paid_at, payments } => paid(order, *paid_at, payments, effects)?,
        Action::PaymentTimedOut => {
            cancel_everything(order, &CancelReason::PaymentTimeout, at, effects);
        }
        Action::Reviewed { review } => order.review = review.clone(),
        Action::Acknowledged { acknowledged_at } => {
            if order.acknowledged_at.is_none() {
                order.acknowledged_at = Some(*acknowledged_at);
                effects.push(Effect::CommitStock);
            }
        }
        Action::DeadlinesSet { deadlines } => order.deadlines.clone_from(deadlines),
        Action::Allocated { allocation } => allocated(order, allocation, at)?,
        Action::Routed { package, choice } => {
            let package = package_mut(order, package)?;
            let open = matches!(package.label.state, LabelState::None | LabelState::Voided);
            track(open, kind, "label", &package.label.state)?;
            let id = package.id.clone();
            package.choice = Some(choice.clone());
            resolve(order, ExceptionKind::NoService, Some(&id), at);
        }
        Action::LabelRequested { package, key, .. } => {
            let package = package_mut(order, package)?;
            let open = matches!(package.label.state, LabelState::None | LabelState::Voided);
            track(open, kind, "label", &package.label.state)?;
            package.label.state = LabelState::Requested;
            package.label.key = Some(*key);
            package.label.attempts = package.label.attempts.saturating_add(1);
        }
        Action::LabelPurchased { package, record } => {
            label_purchased(order, package, record, kind, at, effects)?;
        }
        Action::LabelFailed { package, reason } => {
            let id = package.clone();
            let package = package_mut(order, package)?;
            let waiting =
                matches!(package.label.state, LabelState::Requested | LabelState::Unknown);
            track(waiting, kind, "label", &package.label.state)?;
            package.label.state = LabelState::None;
            package.label.key = None;
            raise(order, ExceptionKind::LabelFailed, Some(id), reason, at);
        }
        Action::LabelUnknown { package } => {
            let id = package.clone();
            let package = package_mut(order, package)?;
            let waiting =
                matches!(package.label.state, LabelState::Requested | LabelState::Unknown);
            track(waiting, kind, "label", &package.label.state)?;
            package.label.state = LabelState::Unknown;
            raise(
                order,
                ExceptionKind::LabelUnknown,
                Some(id),
                "the answer to the purchase was lost",
                at,
            );
        }
        Action::LabelConfirmedAbsent { package } => {
            let id = package.clone();
            let package = package_mut(order, package)?;
            let waiting =
                matches!(package.label.state, LabelState::Requested | LabelState::Unknown);
            track(waiting, kind, "label", &package.label.state)?;
            package.label.state = LabelState::None;
            package.label.key = None;
            resolve(order, ExceptionKind::LabelUnknown, Some(&id), at);
        }
        Action::LabelPrinted { package, .. } => {
            let package = package_mut(order, package)?;
            let live = matches!(package.label.state, LabelState::Purchased | LabelState::Printed);
            track(live, kind, "label", &package.label.state)?;
            package.label.state = LabelState::Printed;
            package.label.printed_at.get_or_insert(at);
            package.label.prints = package.label.prints.saturating_add(1);
        }
        Action::VoidRequested { package, .. } => {
            let package = package_mut(order, package)?;
            let live = matches!(package.label.state, LabelState::Purchased | LabelState::Printed);
            track(live, kind, "label", &package.label.state)?;
            track(!package.is_accepted(), kind, "movement", &package.movement.state)?;
            package.label.state = LabelState::VoidRequested;
        }
        Action::LabelVoided { package } => label_voided(order, package, kind, at)?,
        Action::VoidRejected { package, reason } => {
            let id = package.clone();
            let package = package_mut(order, package)?;
            let asked = package.label.state == LabelState::VoidRequested;
            track(asked, kind, "label", &package.label.state)?;
            package.label.state = if package.label.printed_at.is_some() {
                LabelState::Printed
            } else {
                LabelState::Purchased
            };
            raise(order, ExceptionKind::LabelFailed, Some(id), reason, at);
        }
        Action::Released { package } => forward(order, package, kind, WarehouseState::Released)?,
        Action::PickingStarted { package } => {
            forward(order, package, kind, WarehouseState::Picking)?;
        }
        Action::Picked { package } => forward(order, package, kind, WarehouseState::Picked)?,
        Action::Checked { package } => forward(order, package, kind, WarehouseState::Checked)?,
        Action::PickRejected { package, reason } => {
            let id = package.clone();
            let package = package_mut(order, package)?;
            let picked = matches!(
                package.work,
                WarehouseState::Released
                    | WarehouseState::Picking
                    | WarehouseState::Picked
                    | WarehouseState::Checked
            );
            track(picked, kind, "warehouse work", &package.work)?;
            package.work = WarehouseState::NotReleased;
            raise(order, ExceptionKind::OutOfStock, Some(id), reason, at);
        }
        Action::Packed { package, weight } => {
            forward(order, package, kind, WarehouseState::Packed)?;
            if let Some(weight) = weight {
                package_mut(order, package)?.weight = *weight;
            }
        }
        Action::Unpacked { package } => {
            let package = package_mut(order, package)?;
            track(package.work == WarehouseState::Packed, kind, "warehouse work", &package.work)?;
            package.work = WarehouseState::Checked;
        }
        Action::HandedOver { package } => {
            forward(order, package, kind, WarehouseState::HandedOver)?;
        }
        Action::TrackingEntered { package, carrier, service, number } => {
            let package = package_mut(order, package)?;
            package.tracking = Some(TrackingRef {
                carrier: carrier.clone(),
                service: service.clone(),
                number: number.clone(),
                manual: true,
            });
            if package.upload.state == UploadState::Uploaded
                && package.upload.number.as_ref() != Some(number)
            {
                package.upload.state = UploadState::UpdatePending;
                effects.push(Effect::UploadTracking { package: package.id.clone() });
            }
        }
        Action::ShipmentConfirmed { package, shipped_at, .. } => {
            ship(order, package, *shipped_at, at, false, effects)?;
        }
        Action::ShippedElsewhere { package, contents, carrier, number, shipped_at } => {
            shipped_elsewhere(order, package, contents, at)?;
            trim_backorders(order, at);
            let created = package_mut(order, package)?;
            created.shipped = Some(ShipConfirmation {
                confirmed_at: at,
                shipped_at: *shipped_at,
                implicit: false,
            });
            created.upload.state = UploadState::NotRequired;
            created.work = WarehouseState::HandedOver;
            // Also without its carrier: by its number the parcel is known again.
            created.upload.number.clone_from(number);
            if let (Some(carrier), Some(number)) = (carrier, number) {
                created.tracking = Some(TrackingRef {
                    carrier: carrier.clone(),
                    service: None,
                    number: number.clone(),
                    manual: true,
                });
            }
            effects.push(Effect::ConsumeStock { package: package.clone() });
        }
        Action::UploadStarted { package, .. } => {
            let package = package_mut(order, package)?;
            let due = matches!(
                package.upload.state,
                UploadState::Pending
                    | UploadState::InFlight
                    | UploadState::Rejected
                    | UploadState::UpdatePending
            );
            track(due, kind, "upload", &package.upload.state)?;
            package.upload.state = UploadState::InFlight;
            package.upload.attempts = package.upload.attempts.saturating_add(1);
        }
        Action::Uploaded { package, number } => {
            let id = package.clone();
            let package = package_mut(order, package)?;
            let sent =
                package.upload.state != UploadState::NotRequired && package.shipped.is_some();
            track(sent, kind, "upload", &package.upload.state)?;
            package.upload.state = UploadState::Uploaded;
            package.upload.number.clone_from(number);
            package.upload.uploaded_at.get_or_insert(at);
            effects.push(Effect::NotifyShipped { package: id.clone() });
            resolve(order, ExceptionKind::UploadRejected, Some(&id), at);
        }
        // The intent stands and is sent again, so the upload stays in flight.
        Action::UploadPostponed { package, .. } => {
            let package = package_mut(order, package)?;
            let sent = package.upload.state == UploadState::InFlight;
            track(sent, kind, "upload", &package.upload.state)?;
        }
        Action::UploadLeftOut { package, reason } => {
            let id = package.clone();
            let package = package_mut(order, package)?;
            let due =
                matches!(package.upload.state, UploadState::Pending | UploadState::UpdatePending);
            track(due, kind, "upload", &package.upload.state)?;
            package.upload.state = UploadState::NotRequired;
            effects.push(Effect::NotifyShipped { package: id.clone() });
            raise(order, ExceptionKind::PartialUpload, Some(id), reason, at);
        }
        Action::UploadRejected { package, reason, conflict } => {
            let id = package.clone();
            let package = package_mut(order, package)?;
            track(
                package.upload.state == UploadState::InFlight,
                kind,
                "upload",
                &package.upload.state,
            )?;
            package.upload.state = UploadState::Rejected;
            let exception = if *conflict {
                ExceptionKind::UploadConflict
            } else {
                ExceptionKind::UploadRejected
            };
            raise(order, exception, Some(id), reason, at);
        }
        Action::Tracked { package, events, estimated_delivery } => {
            tracked(order, package, events, *estimated_delivery, at, effects)?;
        }
        Action::DeliveredOnPlatform { package, delivered_at } => {
            let id = package.clone();
            let package = package_mut(order, package)?;
            track(package.is_shipped(), kind, "movement", &package.movement.state)?;
            package.movement.accepted_at.get_or_insert(*delivered_at);
            if package.movement.delivered_at.is_none() {
                package.movement.delivered_at = Some(*delivered_at);
                package.movement.state = TransitState::Delivered;
                effects.push(Effect::NotifyDelivered { package: id });
            }
        }
        Action::Completed { completed_at } => order.completed_at = Some(*completed_at),
        Action::CancelRequested { request } => {
            place_cancel_request(order, request, at);
        }
        Action::CaseSeen { case } => case_seen(order, case, at),
        Action::CancelRequestClosed => {
            if matches!(event.actor, Actor::Person(_))
                && let Some(request) = order.cancel_request.clone()
            {
                cancel_refused(order, request.lines, at, effects);
            }
            close_cancel_request(order, at);
        }
        Action::Cancelled { units } => cancelled(order, units, &event.actor, at, effects)?,
        Action::UndeliverableResolved { package, resolution } => {
            undeliverable(order, package, *resolution, kind, at)?;
        }
        Action::ReturnReceived { units } => {
            let counters = super::counters(order, &units.line)
                .ok_or_else(|| Rejected::UnknownLine(units.line.clone()))?;
            let possible = counters.delivered.saturating_sub(counters.returned);
            quantity(&units.line, units.units, possible)?;
            order.returns.push(units.clone());
            let number = u32::try_from(order.returns.len()).unwrap_or(u32::MAX);
            effects.push(Effect::TakeBackStock { number });
        }
        Action::Refunded { line, amount } => refunded(order, line, amount)?,
        Action::HoldPlaced { hold } => {
            if !order.holds.iter().any(|known| known.id == hold.id && known.released_at.is_none()) {
                order.holds.push(hold.clone());
            }
        }
        Action::HoldReleased { hold } => {
            let known = order
                .holds
                .iter_mut()
                .find(|known| known.id == *hold && known.released_at.is_none())
                .ok_or_else(|| Rejected::UnknownHold(hold.clone()))?;
            known.released_at = Some(at);
        }
        Action::IncidentRaised { kind, package, detail } => {
            raise(order, *kind, package.clone(), detail, at);
        }
        Action::IncidentResolved { kind, package } => resolve(order, *kind, package.as_ref(), at),
        Action::PrioritySet { priority } => order.priority = *priority,
        Action::Tagged { tags } => order.tags.extend(tags.iter().cloned()),
        Action::RecipientCorrected { recipient } => {
            order.recipient = Some((**recipient).clone());
            recipient_changed(order, at);
        }
        Action::PlatformCorrected { snapshot, .. } => corrected(order, snapshot, at),
    }
    Ok(())
}

/// A person decided to ship: what the platform would not hear of because of the wish is told again.
fn cancel_refused(
    order: &mut Order,
    lines: Vec<LineId>,
    at: DateTime<Utc>,
    effects: &mut Vec<Effect>,
) {
    order.cancel_refused = Some(RefusedRequest { at, lines });
    for known in &mut order.cases {
        if known.case.open && known.case.kind == CaseKind::Cancellation {
            known.refused_at.get_or_insert(at);
        }
    }
    for package in &mut order.packages {
        if package.shipped.is_some() && package.upload.state == UploadState::Rejected {
            package.upload.state = UploadState::Pending;
            effects.push(Effect::UploadTracking { package: package.id.clone() });
        }
    }
}

fn track(
    allowed: bool,
    event: EventKind,
    track: &'static str,
    state: &impl std::fmt::Debug,
) -> Changed {
    if allowed {
        Ok(())
    } else {
        Err(Rejected::Track { event, track, state: format!("{state:?}") })
    }
}

pub(super) fn quantity(line: &LineId, wanted: u32, possible: u32) -> Changed {
    if wanted <= possible {
        Ok(())
    } else {
        Err(Rejected::Quantity { line: line.clone(), wanted, possible })
    }
}

fn package_mut<'a>(order: &'a mut Order, id: &PackageId) -> Result<&'a mut Package, Rejected> {
    order
        .packages
        .iter_mut()
        .find(|package| package.id == *id)
        .ok_or_else(|| Rejected::UnknownPackage(id.clone()))
}

fn forward(order: &mut Order, id: &PackageId, event: EventKind, to: WarehouseState) -> Changed {
    let package = package_mut(order, id)?;
    track(package.work < to, event, "warehouse work", &package.work)?;
    package.work = to;
    Ok(())
}

/// Units that are no longer open are no longer short, whoever shipped them.
fn trim_backorders(order: &mut Order, at: DateTime<Utc>) {
    if order.backorders.is_empty() {
        return;
    }
    let mut backorders = std::mem::take(&mut order.backorders);
    for short in &mut backorders {
        short.units = short.units.min(order.open_units(&short.line));
    }
    backorders.retain(|short| short.units > 0);
    order.backorders = backorders;
    if order.backorders.is_empty() {
        resolve(order, ExceptionKind::OutOfStock, None, at);
    }
}

/// One incident for each time that units become short, until none is, with the reasons of the
/// allocation.
fn shortage(order: &mut Order, reasons: &[String], at: DateTime<Utc>) {
    let kind = ExceptionKind::OutOfStock;
    if order.backorders.is_empty() {
        resolve(order, kind, None, at);
        return;
    }
    let why = match reasons {
        [] => "units are out of stock".to_owned(),
        reasons => reasons.join("; "),
    };
    let open = order.incidents.iter_mut().find(|incident| {
        incident.kind == kind && incident.package.is_none() && incident.resolved_at.is_none()
    });
    match open {
        Some(incident) => incident.detail = why,
        None => raise(order, kind, None, &why, at),
    }
}

pub(super) fn raise(
    order: &mut Order,
    kind: ExceptionKind,
    package: Option<PackageId>,
    detail: &str,
    at: DateTime<Utc>,
) {
    let open = order.incidents.iter_mut().find(|incident| {
        incident.kind == kind && incident.package == package && incident.resolved_at.is_none()
    });
    match open {
        Some(incident) => {
            incident.count = incident.count.saturating_add(1);
            incident.last_at = incident.last_at.max(at);
            detail.clone_into(&mut incident.detail);
        }
        None => order.incidents.push(Incident {
            kind,
            package,
            detail: detail.to_owned(),
            first_at: at,
            last_at: at,
            count: 1,
            resolved_at: None,
        }),
    }
}

pub(super) fn resolve(
    order: &mut Order,
    kind: ExceptionKind,
    package: Option<&PackageId>,
    at: DateTime<Utc>,
) {
    for incident in &mut order.incidents {
        if incident.kind == kind && incident.package.as_ref() == package {
            incident.resolved_at.get_or_insert(at);
        }
    }
}

fn paid(
    order: &mut Order,
    paid_at: DateTime<Utc>,
    payments: &[Payment],
    effects: &mut Vec<Effect>,
) -> Changed {
    if payments.iter().any(|payment| payment.amount.currency != order.total.currency) {
        return Err(Rejected::Payment("the currency differs from the order's".into()));
    }
    let ready = |payment: &&Payment| {
        matches!(payment.state, PaymentState::Paid | PaymentState::Authorized)
            || payment.method == Some(PaymentMethod::CashOnDelivery)
    };
    if !payments.is_empty() {
        let sum = payments
            .iter()
            .filter(ready)
            .try_fold(Money::zero(order.total.currency), |sum, payment| {
                sum.checked_add(&payment.amount)
            })
            .map_err(|error| Rejected::Payment(error.to_string()))?;
        if sum.amount < order.total.amount {
            return Err(Rejected::Payment(format!("{sum} of {} are paid", order.total)));
        }
    }
    order.payments = payments.to_vec();
    order.paid_at = Some(paid_at);
    effects.push(Effect::ReserveStock);
    Ok(())
}

fn allocated(order: &mut Order, allocation: &Allocation, at: DateTime<Utc>) -> Changed {
    // Parcels without a label are plans and may be replaced; everything else stays.
    order.packages.retain(|package| {
        !matches!(package.label.state, LabelState::None) || package.shipped.is_some()
    });
    order.backorders.clone_from(&allocation.backordered);
    shortage(order, &allocation.reasons, at);
    for planned in &allocation.packages {
        if let Some(line) =
            planned.contents.iter().find(|packed| order.line(&packed.line).is_none())
        {
            return Err(Rejected::UnknownLine(line.line.clone()));
        }
        for packed in &planned.contents {
            quantity(&packed.line, packed.units, order.open_units(&packed.line))?;
        }
        let mut package =
            Package::planned(planned.id.clone(), planned.contents.clone(), planned.weight);
        package.warehouse = Some(planned.warehouse.clone());
        package.dimensions = planned.dimensions;
        if order.logistics == LogisticsMode::PlatformLabel {
            package.upload.state = UploadState::NotRequired;
        }
        order.packages.push(package);
        order.packages_planned = order.packages_planned.saturating_add(1);
    }
    Ok(())
}

fn label_purchased(
    order: &mut Order,
    id: &PackageId,
    record: &LabelRecord,
    kind: EventKind,
    at: DateTime<Utc>,
    effects: &mut Vec<Effect>,
) -> Changed {
    let package = package_mut(order, id)?;
    let waiting = matches!(package.label.state, LabelState::Requested | LabelState::Unknown);
    track(waiting, kind, "label", &package.label.state)?;
    if package.label.key.is_some_and(|key| key != record.key) {
        return Err(Rejected::Track {
            event: kind,
            track: "label",
            state: "bought under another key".into(),
        });
    }
    package.label.state = LabelState::Purchased;
    package.label.record = Some(record.clone());
    package.tracking = Some(TrackingRef {
        carrier: record.carrier.clone(),
        service: Some(record.service.clone()),
        number: record.number.clone(),
        manual: false,
    });
    // The order may have been cancelled while the purchase was under way.
    if package.contents.is_empty() {
        effects.push(Effect::VoidLabel { package: id.clone() });
    }
    resolve(order, ExceptionKind::LabelUnknown, Some(id), at);
    resolve(order, ExceptionKind::LabelFailed, Some(id), at);
    Ok(())
}

fn label_voided(order: &mut Order, id: &PackageId, kind: EventKind, at: DateTime<Utc>) -> Changed {
    let completed = order.completed_at.is_some();
    let package = package_mut(order, id)?;
    let asked = package.label.state == LabelState::VoidRequested;
    track(asked, kind, "label", &package.label.state)?;
    package.label.state = LabelState::Voided;
    package.label.key = None;
    package.label.voided.extend(package.label.record.take());
    package.label.printed_at = None;
    if package.is_accepted() || completed {
        let detail = "the label was voided although the parcel is on its way";
        raise(order, ExceptionKind::StateMismatch, Some(id.clone()), detail, at);
        return Ok(());
    }
    package.tracking = None;
    package.shipped = None;
    if package.upload.state == UploadState::Uploaded {
        package.upload.state = UploadState::UpdatePending;
    } else if package.upload.state != UploadState::NotRequired {
        package.upload.state = UploadState::NotDue;
    }
    resolve(order, ExceptionKind::AddressChangedAfterLabel, Some(id), at);
    Ok(())
}

fn ship(
    order: &mut Order,
    id: &PackageId,
    shipped_at: DateTime<Utc>,
    at: DateTime<Utc>,
    implicit: bool,
    effects: &mut Vec<Effect>,
) -> Changed {
    let package = package_mut(order, id)?;
    track(package.shipped.is_none(), EventKind::ShipmentConfirmed, "shipment", &"confirmed")?;
    package.shipped = Some(ShipConfirmation { confirmed_at: at, shipped_at, implicit });
    if package.work < WarehouseState::Packed {
        package.work = WarehouseState::Packed;
    }
    match package.upload.state {
        UploadState::NotDue | UploadState::UpdatePending => {
            if package.upload.state == UploadState::NotDue {
                package.upload.state = UploadState::Pending;
            }
            effects.push(Effect::UploadTracking { package: id.clone() });
        }
        _ => effects.push(Effect::NotifyShipped { package: id.clone() }),
    }
    effects.push(Effect::ConsumeStock { package: id.clone() });
    Ok(())
}

fn shipped_elsewhere(
    order: &mut Order,
    id: &PackageId,
    contents: &[PackedLine],
    at: DateTime<Utc>,
) -> Changed {
    // Plans without a label give way to what really left.
    order.packages.retain(|package| {
        !matches!(package.label.state, LabelState::None) || package.shipped.is_some()
    });
    for packed in contents {
        if order.line(&packed.line).is_none() {
            return Err(Rejected::UnknownLine(packed.line.clone()));
        }
        quantity(&packed.line, packed.units, order.open_units(&packed.line))?;
    }
    let weight = order.goods_weight(contents).unwrap_or_default();
    order.packages.push(Package::planned(id.clone(), contents.to_vec(), weight));
    order.packages_planned = order.packages_planned.saturating_add(1);
    let detail = "the platform shows a shipment that was not confirmed here";
    raise(order, ExceptionKind::StateMismatch, Some(id.clone()), detail, at);
    Ok(())
}

fn tracked(
    order: &mut Order,
    id: &PackageId,
    events: &[TrackingEvent],
    estimated_delivery: Option<chrono::NaiveDate>,
    at: DateTime<Utc>,
    effects: &mut Vec<Effect>,
) -> Changed {
    let package = package_mut(order, id)?;
    let Some(tracking) = package.tracking.clone() else {
        if package.is_shipped() && package.upload.state == UploadState::NotRequired {
            moved_without_number(package, events);
            return Ok(());
        }
        return Err(Rejected::Track {
            event: EventKind::Tracked,
            track: "movement",
            state: "without a number".into(),
        });
    };
    let created = package.label.record.as_ref().map(|record| record.purchased_at);
    let known = std::mem::take(&mut package.movement.events);
    let folded = fold(
        &tracking.carrier,
        &tracking.number,
        known.into_iter().chain(events.iter().cloned()),
        created,
    );
    let was_delivered = package.is_delivered();
    let movement = &mut package.movement;
    // A platform may have said "delivered" before the carrier did; that is not taken back.
    movement.state = if was_delivered
        && !folded.state.is_terminal()
        && folded.state != TransitState::Returning
    {
        TransitState::Delivered
    } else {
        folded.state
    };
    movement.accepted_at = folded.accepted_at.or(movement.accepted_at);
    movement.delivered_at = folded.delivered_at.or(movement.delivered_at);
    movement.last_scan_at = folded.last_scan_at.or(movement.last_scan_at);
    movement.events = folded.events;
    movement.estimated_delivery = estimated_delivery.or(movement.estimated_delivery);
    movement.polled_at = Some(movement.polled_at.map_or(at, |polled| polled.max(at)));
    let accepted_at = movement.accepted_at;
    let delivered = package.is_delivered() && !was_delivered;
    let unconfirmed = package.shipped.is_none() && package.undeliverable.is_none();
    let empty = package.contents.is_empty();

    if delivered {
        effects.push(Effect::NotifyDelivered { package: id.clone() });
    }
    if folded.findings.contains(&FoldFinding::ReusedNumber) {
        let detail = "the number was used before: older events are left out";
        raise(order, ExceptionKind::StateMismatch, Some(id.clone()), detail, at);
    }
    if let (Some(accepted_at), true, false) = (accepted_at, unconfirmed, empty) {
        ship(order, id, accepted_at, at, true, effects)?;
        let detail = "the carrier scanned the parcel before shipment was confirmed";
        raise(order, ExceptionKind::ScannedBeforeConfirm, Some(id.clone()), detail, at);
    }
    Ok(())
}

/// A parcel that was shipped elsewhere without a number: what its platform sees of it is all there is.
fn moved_without_number(package: &mut Package, events: &[TrackingEvent]) {
    for event in events {
        let crate::shipment::EventTime::Instant(seen_at) = event.time else { continue };
        let movement = &mut package.movement;
        movement.accepted_at.get_or_insert(seen_at);
        movement.last_scan_at = movement.last_scan_at.max(Some(seen_at));
        if movement.delivered_at.is_none() {
            movement.state = match event.milestone {
                crate::shipment::Milestone::Returned => TransitState::Returned,
                _ if movement.state.is_terminal() => movement.state,
                _ => TransitState::InTransit,
            };
        }
        if !movement.events.contains(event) {
            movement.events.push(event.clone());
        }
    }
}

fn undeliverable(
    order: &mut Order,
    id: &PackageId,
    resolution: UndeliverableResolution,
    kind: EventKind,
    at: DateTime<Utc>,
) -> Changed {
    let package = package_mut(order, id)?;
    let ended =
        package.is_shipped() && !package.is_delivered() && package.movement.state.is_terminal();
    track(ended, kind, "movement", &package.movement.state)?;
    package.undeliverable = Some(resolution);
    let contents = package.contents.clone();
    if resolution == UndeliverableResolution::Cancelled {
        order.cancellations.extend(contents.into_iter().map(|packed| CancelledUnits {
            line: packed.line,
            units: packed.units,
            reason: CancelReason::Undeliverable,
            at,
        }));
    }
    Ok(())
}

fn refunded(order: &mut Order, id: &LineId, amount: &Money) -> Changed {
    let line = order
        .lines
        .iter_mut()
        .find(|line| line.id == *id)
        .ok_or_else(|| Rejected::UnknownLine(id.clone()))?;
    let before = line.refunded.unwrap_or(Money::zero(amount.currency));
    let after = before.checked_add(amount).map_err(|error| Rejected::Payment(error.to_string()))?;
    line.refunded = Some(after);
    Ok(())
}
