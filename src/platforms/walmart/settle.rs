//! What an order shows after an answer was lost. Pure.

use super::labels::BoxItem;
use crate::error::{Error, Result};
use crate::ids::TrackingNumber;
use crate::money::Money;
use crate::order::{PlatformLine, PlatformOrder, UnitStatus};
use crate::ports::{CancelLine, ShipmentNotice, ShipmentNoticeLine};

/// Whether a shipment is on the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// Every line of it has our number.
    Ours,
    /// Some lines have our number and some do not.
    PartlyOurs,
    /// All units of a line have other numbers.
    Another,
    /// Nothing of it.
    Not,
}

/// Looks for a shipment.
pub(super) fn shipped(order: &PlatformOrder, notice: &ShipmentNotice) -> Shown {
    let Some(number) = &notice.number else { return Shown::Not };
    let found =
        |wanted: &ShipmentNoticeLine| order.lines.iter().find(|line| line.id == wanted.line);
    let ours = notice
        .lines
        .iter()
        .filter(|wanted| {
            found(wanted).is_some_and(|line| units_under(line, number) >= u64::from(wanted.units))
        })
        .count();
    let touched = |wanted: &ShipmentNoticeLine| {
        found(wanted).is_some_and(|line| units_under(line, number) > 0)
    };
    if ours == notice.lines.len() && ours > 0 {
        Shown::Ours
    } else if notice.lines.iter().any(touched) {
        Shown::PartlyOurs
    } else if notice.lines.iter().filter_map(found).any(all_elsewhere) {
        Shown::Another
    } else {
        Shown::Not
    }
}

/// The units of a shipment that are not on the platform yet.
pub(super) fn missing(order: &PlatformOrder, notice: &ShipmentNotice) -> Vec<ShipmentNoticeLine> {
    let under = |wanted: &ShipmentNoticeLine| {
        let line = order.lines.iter().find(|line| line.id == wanted.line);
        let number = notice.number.as_ref();
        let units = line.zip(number).map_or(0, |(line, number)| units_under(line, number));
        u32::try_from(units).unwrap_or(u32::MAX)
    };
    notice
        .lines
        .iter()
        .map(|wanted| ShipmentNoticeLine {
            units: wanted.units.saturating_sub(under(wanted)),
            ..wanted.clone()
        })
        .filter(|wanted| wanted.units > 0)
        .collect()
}

/// Whether every line of a shipment has units under this number.
pub(super) fn has_number(
    order: &PlatformOrder,
    notice: &ShipmentNotice,
    number: &TrackingNumber,
) -> bool {
    notice.lines.iter().all(|wanted| {
        order
            .lines
            .iter()
            .find(|line| line.id == wanted.line)
            .is_some_and(|line| units_under(line, number) > 0)
    })
}

fn units_under(line: &PlatformLine, number: &TrackingNumber) -> u64 {
    let same = |other: &TrackingNumber| {
        let bare = |text: &TrackingNumber| text.as_str().replace([' ', '-'], "");
        bare(other).eq_ignore_ascii_case(&bare(number))
    };
    let groups = line.units.iter().filter(|group| {
        let shown = group.shipment.as_ref().and_then(|shipment| shipment.number.as_ref());
        shown.is_some_and(same)
    });
    groups.map(|group| u64::from(group.units)).sum()
}

/// Whether every unit that can be shipped has left under some number.
fn all_elsewhere(line: &PlatformLine) -> bool {
    let mut active = line
        .units
        .iter()
        .filter(|group| group.units > 0 && group.status != UnitStatus::Cancelled)
        .peekable();
    active.peek().is_some()
        && active
            .all(|group| group.shipment.as_ref().is_some_and(|shipment| shipment.number.is_some()))
}

/// How much of a cancellation is on the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cancelled {
    /// Every line has so many cancelled units.
    All,
    /// No more units than before.
    None,
    /// Some are; by whom and when is not to be told.
    Unclear,
}

fn units_in(order: &PlatformOrder, wanted: &CancelLine, suits: fn(&UnitStatus) -> bool) -> u64 {
    let line = order.lines.iter().find(|line| line.id == wanted.line);
    let groups = line.into_iter().flat_map(|line| &line.units);
    groups.filter(|group| suits(&group.status)).map(|group| u64::from(group.units)).sum()
}

fn cancelled_in(order: &PlatformOrder, wanted: &CancelLine) -> u64 {
    units_in(order, wanted, |status| *status == UnitStatus::Cancelled)
}

/// Whether as many units of every line are cancelled as were to be.
pub(super) fn shows_cancelled(order: &PlatformOrder, lines: &[CancelLine]) -> bool {
    lines.iter().all(|wanted| cancelled_in(order, wanted) >= u64::from(wanted.units))
}

/// What is left to cancel of each line.
pub(super) fn left_to_cancel(
    order: &PlatformOrder,
    lines: &[CancelLine],
) -> Result<Vec<CancelLine>> {
    let mut left = Vec::with_capacity(lines.len());
    for wanted in lines {
        if !order.lines.iter().any(|line| line.id == wanted.line) {
            return Err(Error::invalid("lines.line", "is no line of the order"));
        }
        let gone = u32::try_from(cancelled_in(order, wanted)).unwrap_or(u32::MAX);
        let units = wanted.units.saturating_sub(gone);
        if units > 0 {
            left.push(CancelLine { units, ..wanted.clone() });
        }
    }
    Ok(left)
}

/// Looks for a cancellation.
pub(super) fn cancelled(
    before: &PlatformOrder,
    now: &PlatformOrder,
    lines: &[CancelLine],
) -> Cancelled {
    if shows_cancelled(now, lines) {
        Cancelled::All
    } else if lines.iter().all(|wanted| cancelled_in(now, wanted) == cancelled_in(before, wanted)) {
        Cancelled::None
    } else {
        Cancelled::Unclear
    }
}

/// What was paid for the goods of a line, without tax and transport; `None` when it is nothing.
pub(super) fn paid_for_goods(line: &PlatformLine) -> Option<Money> {
    let total = line.line_total?;
    let paid = match &line.discount {
        Some(discount) => total.checked_sub(discount).ok()?,
        None => total,
    };
    (!paid.is_negative() && !paid.is_zero()).then_some(paid)
}

/// Whether an order has units for two parcels with these contents.
pub(super) fn may_have_twin(order: &PlatformOrder, items: &[BoxItem]) -> bool {
    items.iter().all(|item| {
        let line = order.lines.iter().find(|line| line.id.as_str() == item.line_number);
        line.is_some_and(|line| u64::from(line.quantity) >= 2 * u64::from(item.quantity))
    })
}
