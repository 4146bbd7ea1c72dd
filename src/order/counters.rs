//! Line counters, recomputed from facts every time and never incremented.

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::Order;
use crate::ids::LineId;
use crate::shipment::WarehouseState;

/// How many units of a line are where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LineCounters {
    /// Ordered by the buyer.
    pub ordered: u32,
    /// Cancelled, for whatever reason.
    pub cancelled: u32,
    /// In parcels that have not shipped.
    pub allocated: u32,
    /// Of those, packed.
    pub packed: u32,
    /// In parcels that count as shipped.
    pub shipped: u32,
    /// Of those, delivered.
    pub delivered: u32,
    /// Of those shipped, come back or lost and not yet dealt with.
    pub undelivered: u32,
    /// Of those delivered, returned by the buyer.
    pub returned: u32,
    /// Known to be short.
    pub backordered: u32,
}

impl LineCounters {
    /// Units the seller still owes or has sent: ordered and not cancelled.
    #[must_use]
    pub const fn active(&self) -> u32 {
        self.ordered.saturating_sub(self.cancelled)
    }

    /// Units neither cancelled nor in any parcel.
    #[must_use]
    pub const fn open(&self) -> u32 {
        self.active().saturating_sub(self.shipped).saturating_sub(self.allocated)
    }

    /// State of the line, derived.
    #[must_use]
    pub const fn state(&self) -> LineState {
        let active = self.active();
        if active == 0 {
            LineState::Cancelled
        } else if self.returned == self.delivered && self.delivered == active {
            LineState::Returned
        } else if self.delivered == active {
            LineState::Delivered
        } else if self.shipped == active {
            LineState::Shipped
        } else if self.shipped > 0 {
            LineState::PartiallyShipped
        } else if self.allocated == active {
            LineState::Allocated
        } else if self.backordered > 0 {
            LineState::Backordered
        } else {
            LineState::Open
        }
    }
}

/// State of a line, derived from its counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineState {
    /// Nothing is left of it.
    Cancelled,
    /// All of it came back.
    Returned,
    /// All of it arrived.
    Delivered,
    /// All of it left.
    Shipped,
    /// Some of it left.
    PartiallyShipped,
    /// All of it is planned into parcels.
    Allocated,
    /// Some of it is short.
    Backordered,
    /// Nothing was done yet.
    Open,
}

/// The counters of a line; `None` when the order has no such line.
#[must_use]
pub fn counters(order: &Order, line: &LineId) -> Option<LineCounters> {
    let ordered = order.line(line)?.ordered;
    let mut counters = LineCounters { ordered, ..LineCounters::default() };
    for cancelled in order.cancellations.iter().filter(|units| units.line == *line) {
        counters.cancelled = counters.cancelled.saturating_add(cancelled.units);
    }
    for returned in order.returns.iter().filter(|units| units.line == *line) {
        counters.returned = counters.returned.saturating_add(returned.units);
    }
    for short in order.backorders.iter().filter(|units| units.line == *line) {
        counters.backordered = counters.backordered.saturating_add(short.units);
    }
    for package in order.packages.iter().filter(|package| package.undeliverable.is_none()) {
        let units = package.units_of(line);
        if units == 0 {
            continue;
        }
        if package.is_shipped() {
            counters.shipped = counters.shipped.saturating_add(units);
            if package.is_delivered() {
                counters.delivered = counters.delivered.saturating_add(units);
            } else if package.movement.state.is_terminal() {
                counters.undelivered = counters.undelivered.saturating_add(units);
            }
        } else {
            counters.allocated = counters.allocated.saturating_add(units);
            if matches!(package.work, WarehouseState::Packed | WarehouseState::HandedOver) {
                counters.packed = counters.packed.saturating_add(units);
            }
        }
    }
    Some(counters)
}

/// A broken promise about quantities: always a defect of this crate, never of its input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct InvariantBroken {
    /// Which line.
    pub line: LineId,
    /// Which promise, as a formula.
    pub promise: &'static str,
    /// The counters that break it.
    pub counters: LineCounters,
}

impl fmt::Display for InvariantBroken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {} does not hold for {:?}", self.line, self.promise, self.counters)
    }
}

/// Checks every promise about quantities and money of an order.
///
/// # Errors
/// The first [`InvariantBroken`].
pub fn check_invariants(order: &Order) -> Result<(), InvariantBroken> {
    for line in &order.lines {
        let Some(counters) = counters(order, &line.id) else { continue };
        let sum = |a: u32, b: u32| u64::from(a) + u64::from(b);
        let refund_fits = match (&line.refunded, &line.line_total) {
            (Some(refunded), Some(total)) => {
                let extra = line.tax.iter().chain(&line.shipping).map(|money| money.amount);
                refunded.amount <= extra.fold(total.amount, Decimal::saturating_add)
            }
            _ => true,
        };
        let checks = [
            (
                sum(counters.cancelled, counters.shipped) <= u64::from(counters.ordered),
                "cancelled + shipped ≤ ordered",
            ),
            (
                sum(counters.allocated, counters.shipped) <= u64::from(counters.active()),
                "allocated + shipped ≤ ordered − cancelled",
            ),
            (
                sum(counters.delivered, counters.undelivered) <= u64::from(counters.shipped),
                "delivered + undelivered ≤ shipped",
            ),
            (counters.packed <= counters.allocated, "packed ≤ allocated"),
            (refund_fits, "refunded ≤ line total with tax and shipping"),
        ];
        for (holds, promise) in checks {
            if !holds {
                return Err(InvariantBroken { line: line.id.clone(), promise, counters });
            }
        }
    }
    Ok(())
}
