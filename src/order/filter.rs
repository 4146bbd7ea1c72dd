//! One filter for lists, batches, exports and exception lists.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::deadline::DeadlineKind;
use super::incident::ExceptionKind;
use super::lifecycle::{OrderState, Stage, derive_stage};
use super::{LogisticsMode, Order, Priority};
use crate::address::text::{begins_with, is_same};
use crate::address::{Country, WrittenState};
use crate::ids::{
    BuyerId, CarrierId, PlatformId, PlatformOrderId, ServiceCode, ShopId, Sku, TrackingNumber,
    WarehouseId,
};
use crate::money::Currency;

/// A half-open range of time: `from` is in, `to` is out; a missing end is open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TimeRange {
    /// Begin.
    pub from: Option<DateTime<Utc>>,
    /// End.
    pub to: Option<DateTime<Utc>>,
}

impl TimeRange {
    /// Whether the range leaves nothing out.
    #[must_use]
    pub const fn is_unbounded(&self) -> bool {
        self.from.is_none() && self.to.is_none()
    }

    /// Whether an instant lies in the range. A missing instant lies only in an unbounded one.
    #[must_use]
    pub fn contains(&self, instant: Option<DateTime<Utc>>) -> bool {
        match instant {
            None => self.is_unbounded(),
            Some(instant) => {
                self.from.is_none_or(|from| from <= instant)
                    && self.to.is_none_or(|to| instant < to)
            }
        }
    }
}

/// Selects orders. Empty fields select everything; fields combine with AND, lists are OR inside.
///
/// Stores may translate it into queries but must agree with [`OrderFilter::matches`].
///
/// ```
/// use orderflow::order::{OrderFilter, OrderState};
///
/// let filter = OrderFilter {
///     states: vec![OrderState::AwaitingShipment],
///     label_printed: Some(false),
///     ..OrderFilter::default()
/// };
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OrderFilter {
    /// Shops.
    pub shops: Vec<ShopId>,
    /// Platforms.
    pub platforms: Vec<PlatformId>,
    /// Sites.
    pub sites: Vec<String>,
    /// Headline states.
    pub states: Vec<OrderState>,
    /// Stages before shipment.
    pub stages: Vec<Stage>,
    /// Tags.
    pub tags: Vec<String>,
    /// Priorities.
    pub priorities: Vec<Priority>,
    /// Whether a hold is open.
    pub held: Option<bool>,
    /// Kinds of open incidents, and of buyers' cases that wait for the seller.
    pub incidents: Vec<ExceptionKind>,
    /// When placed.
    pub placed: TimeRange,
    /// When paid.
    pub paid: TimeRange,
    /// When due.
    pub ship_by: TimeRange,
    /// When the last parcel was confirmed.
    pub shipped: TimeRange,
    /// When the last parcel was delivered.
    pub delivered: TimeRange,
    /// Smallest and largest total, both included, of one currency.
    pub total: Option<(Decimal, Decimal, Currency)>,
    /// Who arranges transport.
    pub logistics: Vec<LogisticsMode>,
    /// Carriers of any parcel.
    pub carriers: Vec<CarrierId>,
    /// Services of any parcel.
    pub services: Vec<ServiceCode>,
    /// Warehouses of any parcel.
    pub warehouses: Vec<WarehouseId>,
    /// Countries.
    pub countries: Vec<Country>,
    /// States, by code or name where those of the address's country are known, else as it writes
    /// them; in any case.
    pub regions: Vec<String>,
    /// Cities, in any case.
    pub cities: Vec<String>,
    /// Beginnings of postcodes, in any case and with or without blanks.
    pub postcode_prefixes: Vec<String>,
    /// SKUs of any line.
    pub skus: Vec<Sku>,
    /// Buyers.
    pub buyers: Vec<BuyerId>,
    /// Order ids on the platform.
    pub orders: Vec<PlatformOrderId>,
    /// Numbers of any parcel.
    pub numbers: Vec<TrackingNumber>,
    /// Whether every live label was printed.
    pub label_printed: Option<bool>,
}

fn any<T>(wanted: &[T], has: impl FnMut(&T) -> bool) -> bool {
    wanted.is_empty() || wanted.iter().any(has)
}

fn one<T: PartialEq>(wanted: &[T], value: Option<&T>) -> bool {
    wanted.is_empty() || value.is_some_and(|value| wanted.contains(value))
}

impl OrderFilter {
    /// Whether an order is selected at `now`.
    #[must_use]
    pub fn matches(&self, order: &Order, now: DateTime<Utc>) -> bool {
        one(&self.shops, Some(&order.key.shop))
            && one(&self.platforms, Some(&order.key.platform))
            && one(&self.orders, Some(&order.key.order))
            && one(&self.sites, order.site.as_ref())
            && one(&self.priorities, Some(&order.priority))
            && one(&self.logistics, Some(&order.logistics))
            && one(&self.buyers, order.buyer.id.as_ref())
            && any(&self.tags, |tag| order.tags.contains(tag))
            && any(&self.skus, |sku| order.lines.iter().any(|line| line.sku.as_ref() == Some(sku)))
            && self.held.is_none_or(|held| held == order.is_held(now))
            && any(&self.incidents, |kind| {
                order
                    .incidents
                    .iter()
                    .any(|incident| incident.kind == *kind && incident.resolved_at.is_none())
                    || order
                        .cases
                        .iter()
                        .any(|known| known.needs_seller() && known.case.exception() == *kind)
            })
            && self.placed.contains(Some(order.placed_at))
            && self.paid.contains(order.paid_at)
            && self
                .ship_by
                .contains(order.deadline(DeadlineKind::ShipBy).map(|deadline| deadline.at))
            && self.matches_total(order)
            && self.matches_place(order)
            && self.matches_packages(order)
            && (self.states.is_empty() || self.states.contains(&order.state()))
            && (self.stages.is_empty()
                || derive_stage(order, now).is_some_and(|stage| self.stages.contains(&stage)))
    }

    fn matches_total(&self, order: &Order) -> bool {
        self.total.is_none_or(|(low, high, currency)| {
            order.total.currency == currency && (low..=high).contains(&order.total.amount)
        })
    }

    fn matches_place(&self, order: &Order) -> bool {
        let address = order.recipient.as_ref().map(|recipient| &recipient.address);
        one(&self.countries, address.and_then(|address| address.country.as_ref()))
            && (self.regions.is_empty()
                || address.is_some_and(|address| {
                    address.state.as_deref().is_some_and(|state| {
                        let state = WrittenState::of(address.country, state);
                        self.regions.iter().any(|region| state.is(region))
                    })
                }))
            && any(&self.cities, |city| address.is_some_and(|address| is_same(&address.city, city)))
            && any(&self.postcode_prefixes, |prefix| {
                address
                    .and_then(|address| address.postal_code.as_deref())
                    .is_some_and(|code| begins_with(code, prefix))
            })
    }

    fn matches_packages(&self, order: &Order) -> bool {
        let packages = &order.packages;
        let last_shipped = packages
            .iter()
            .filter_map(|package| package.shipped.as_ref())
            .map(|shipped| shipped.confirmed_at)
            .max();
        let last_delivered =
            packages.iter().filter_map(|package| package.movement.delivered_at).max();
        any(&self.carriers, |carrier| {
            packages.iter().any(|package| {
                package.tracking.as_ref().is_some_and(|tracking| tracking.carrier == *carrier)
                    || package
                        .choice
                        .as_ref()
                        .is_some_and(|choice| choice.service.carrier == *carrier)
            })
        }) && any(&self.services, |service| {
            packages.iter().any(|package| {
                package.choice.as_ref().is_some_and(|choice| choice.service.service == *service)
            })
        }) && any(&self.warehouses, |warehouse| {
            packages.iter().any(|package| package.warehouse.as_ref() == Some(warehouse))
        }) && any(&self.numbers, |number| {
            packages.iter().any(|package| {
                package.tracking.as_ref().is_some_and(|tracking| tracking.number == *number)
            })
        }) && self.shipped.contains(last_shipped)
            && self.delivered.contains(last_delivered)
            && self.label_printed.is_none_or(|printed| {
                let mut live =
                    packages.iter().filter(|package| package.has_live_label()).peekable();
                let all =
                    live.peek().is_some() && live.all(|package| package.label.printed_at.is_some());
                all == printed
            })
    }
}

/// How to sort orders. Ties are broken by key, so that every sort is total.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderSort {
    /// Earliest ship-by first; orders without one last.
    #[default]
    ShipBy,
    /// Oldest first.
    Placed,
    /// Most urgent first, then by ship-by.
    Priority,
    /// Largest total first; currencies apart.
    Total,
}

impl OrderSort {
    /// Compares two orders.
    #[must_use]
    pub fn compare(self, a: &Order, b: &Order) -> Ordering {
        let due = |order: &Order| {
            order
                .deadline(DeadlineKind::ShipBy)
                .map_or(DateTime::<Utc>::MAX_UTC, |deadline| deadline.at)
        };
        match self {
            Self::ShipBy => due(a).cmp(&due(b)),
            Self::Placed => a.placed_at.cmp(&b.placed_at),
            Self::Priority => b.priority.cmp(&a.priority).then_with(|| due(a).cmp(&due(b))),
            Self::Total => a
                .total
                .currency
                .cmp(&b.total.currency)
                .then_with(|| b.total.amount.cmp(&a.total.amount)),
        }
        .then_with(|| a.key.cmp(&b.key))
    }
}
