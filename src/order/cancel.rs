//! What a cancellation does to the facts of an order.

use chrono::{DateTime, Utc};

use super::Order;
use super::apply::{Effect, Rejected};
use super::event::{Actor, CancelReason, CancelledUnits};
use super::facts::{Changed, quantity, resolve};
use super::hold::cancel_sent;
use super::incident::ExceptionKind;
use super::merge::close_cancel_request;
use crate::shipment::LabelState;

/// Takes units out of an order, out of its parcels where they are in one.
pub(super) fn cancelled(
    order: &mut Order,
    units: &[CancelledUnits],
    actor: &Actor,
    at: DateTime<Utc>,
    effects: &mut Vec<Effect>,
) -> Changed {
    for wanted in units {
        let counters = super::counters(order, &wanted.line)
            .ok_or_else(|| Rejected::UnknownLine(wanted.line.clone()))?;
        let mut missing = wanted.units.saturating_sub(counters.open());
        for package in &mut order.packages {
            if missing == 0 {
                break;
            }
            // The platform's word about cancellation stands even while a label is live: its
            // parcel is emptied and the label must then be voided.
            let removable = !package.is_accepted()
                && package.undeliverable.is_none()
                && (package.shipped.is_none() || package.label.state == LabelState::VoidRequested)
                && (*actor == Actor::Platform
                    || matches!(
                        package.label.state,
                        LabelState::None | LabelState::Voided | LabelState::VoidRequested
                    ));
            if !removable {
                continue;
            }
            for packed in &mut package.contents {
                if packed.line == wanted.line {
                    let taken = packed.units.min(missing);
                    packed.units -= taken;
                    missing -= taken;
                }
            }
            package.contents.retain(|packed| packed.units > 0);
            if package.contents.is_empty() && package.has_live_label() {
                effects.push(Effect::VoidLabel { package: package.id.clone() });
            }
        }
        quantity(&wanted.line, wanted.units, wanted.units - missing)?;
        order.cancellations.push(wanted.clone());
        effects.push(Effect::ReleaseStock { line: wanted.line.clone() });
        for short in &mut order.backorders {
            if short.line == wanted.line {
                short.units = short.units.saturating_sub(wanted.units);
            }
        }
    }
    order.backorders.retain(|short| short.units > 0);
    if order.backorders.is_empty() {
        resolve(order, ExceptionKind::OutOfStock, None, at);
    }
    order.packages.retain(|package| {
        !(package.contents.is_empty() && matches!(package.label.state, LabelState::None))
    });
    if order.cancel_request.is_some() {
        close_cancel_request(order, at);
    }
    // What was asked of the platform is seen once nothing is left that could ship.
    let is_left = order.lines.iter().any(|line| {
        super::counters(order, &line.id)
            .is_some_and(|counters| counters.active() > counters.shipped)
    });
    if !is_left {
        let sent = cancel_sent();
        for hold in order.holds.iter_mut().filter(|hold| hold.id == sent) {
            hold.released_at.get_or_insert(at);
        }
    }
    Ok(())
}

/// Cancels all that is left.
pub(super) fn cancel_everything(
    order: &mut Order,
    reason: &CancelReason,
    at: DateTime<Utc>,
    effects: &mut Vec<Effect>,
) {
    for line in order.lines.clone() {
        let active = super::counters(order, &line.id).map_or(0, |counters| counters.active());
        if active > 0 {
            order.cancellations.push(CancelledUnits {
                line: line.id.clone(),
                units: active,
                reason: reason.clone(),
                at,
            });
            effects.push(Effect::ReleaseStock { line: line.id });
        }
    }
}
