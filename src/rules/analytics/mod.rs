//! Analytics: what sells, where, when, to whom, and what the next peak needs.
//!
//! Everything is computed from [`Sale`]s, plain facts of one order each, made from orders
//! ([`Sale::of`]) or by a host from its own database. Windows are half-open; amounts of different
//! currencies are never added; nothing over nothing is `None`; the order of sales never matters.
//!
//! | Id | Question | Answered by |
//! |---|---|---|
//! | ANA-01 | which SKUs grow, are new, or stand still | [`sales_trend`] |
//! | ANA-02 | where buyers are, how long parcels take there, where a warehouse would pay | [`regions`], [`growing_regions`] |
//! | ANA-03 | what an order is worth | [`average_order_value`] |
//! | ANA-04 | at what time people buy | [`hours_of_day`] |
//! | ANA-05 | which SKUs sell best and worst | [`sku_ranking`] |
//! | ANA-06 | who comes back | [`repeat_purchase`] |
//! | ANA-07 | what is sent back, and why | [`return_reasons`], [`ReturnReason`]; rates are KPI-16, jumps [`SkuReturns`](super::alert::SkuReturns) |
//! | ANA-08, ANA-14 | which carrier does well | KPI-17 in [`kpi`](super::kpi) |
//! | ANA-12 | the day at 17:00 | [`dashboard`](super::dashboard) |
//! | ANA-15 | what transport costs | [`cost_against_baseline`](super::cost_against_baseline), [`price_spread`](super::price_spread), [`monthly_volume`](super::monthly_volume), [`packaging_share`](super::packaging_share) |
//! | | who the best customers are | [`segments`] |
//! | | the week, the month | [`periodic_report`] |
//! | | what a promotion needs | [`promotion_forecast`] |

mod customers;
mod forecast;
mod periodic;
mod places;
mod returns;
mod sales;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use customers::{Frequency, RepeatPurchase, Segment, SegmentPolicy, repeat_purchase, segments};
pub use forecast::{
    Capacity, Demand, Forecast, ForecastFactors, ForecastInput, promotion_forecast,
};
pub use periodic::{KpiTrend, PeriodicReport, Trend, periodic_report};
pub use places::{PlaceLevel, RegionFigures, RegionPolicy, growing_regions, regions};
pub use returns::{ReasonShare, ReturnReason, return_reasons};
pub use sales::{
    AverageOrderValue, Growth, HourShare, RankBy, SkuRank, SkuTrend, TrendPolicy,
    average_order_value, hours_of_day, sales_trend, sku_ranking,
};

use super::kpi::Window;
use crate::ids::{BuyerId, ShopKey, Sku};
use crate::money::Money;
use crate::order::{DeadlineKind, Line, LogisticsMode, Order, OrderState, counters};

/// Units of a SKU in an order.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SoldItem {
    /// Which.
    pub sku: Sku,
    /// How many that were not cancelled, at least 1.
    pub units: u32,
    /// What they were sold for after discounts, if known.
    pub value: Option<Money>,
}

/// What analytics know of one order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sale {
    /// Of which shop.
    pub shop: ShopKey,
    /// The platform's id of the buyer: names are not identity.
    #[serde(default)]
    pub buyer: Option<BuyerId>,
    /// When it was placed.
    pub created_at: DateTime<Utc>,
    /// When it became ready to ship.
    pub paid_at: Option<DateTime<Utc>>,
    /// Whether nothing of it is left.
    #[serde(default)]
    pub cancelled: bool,
    /// What the buyer pays in all.
    pub total: Money,
    /// Country of the recipient.
    #[serde(default)]
    pub country: Option<String>,
    /// State of the recipient.
    #[serde(default)]
    pub state: Option<String>,
    /// City of the recipient.
    #[serde(default)]
    pub city: Option<String>,
    /// What was sold, one entry a SKU.
    #[serde(default)]
    pub items: Vec<SoldItem>,
    /// First scan of the last parcel.
    #[serde(default)]
    pub accepted_at: Option<DateTime<Utc>>,
    /// Arrival of the last parcel; only set once all arrived.
    #[serde(default)]
    pub delivered_at: Option<DateTime<Utc>>,
    /// When it was promised.
    #[serde(default)]
    pub deliver_by: Option<DateTime<Utc>>,
}

impl Sale {
    /// The facts of an order; `None` for tests. Orders that the platform ships itself are sales too.
    #[must_use]
    pub fn of(order: &Order) -> Option<Self> {
        if order.test {
            return None;
        }
        let state = order.state();
        let mut items: Vec<SoldItem> = Vec::new();
        for line in &order.lines {
            let Some(sku) = &line.sku else { continue };
            let units = counters(order, &line.id).map_or(0, |counters| counters.active());
            if units == 0 {
                continue;
            }
            let value = value_of(line, units);
            match items.iter_mut().find(|item| item.sku == *sku) {
                Some(item) => {
                    item.units = item.units.saturating_add(units);
                    item.value = item
                        .value
                        .zip(value)
                        .and_then(|(known, more)| known.checked_add(&more).ok());
                }
                None => items.push(SoldItem { sku: sku.clone(), units, value }),
            }
        }
        let shipped = || order.packages.iter().filter(|package| package.is_shipped());
        let last =
            |instants: Option<Vec<DateTime<Utc>>>| instants.and_then(|i| i.into_iter().max());
        let arrived = matches!(state, OrderState::Delivered | OrderState::Completed);
        let text = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let address = order.recipient.as_ref().map(|recipient| &recipient.address);
        Some(Self {
            shop: order.key.shop_key(),
            buyer: order.buyer.id.clone(),
            created_at: order.placed_at,
            paid_at: order.paid_at,
            cancelled: state == OrderState::Cancelled,
            total: order.total,
            country: address.and_then(|address| address.country).map(|country| country.to_string()),
            state: address.and_then(|address| text(address.state.as_deref().unwrap_or(""))),
            city: address.and_then(|address| text(&address.city)),
            items,
            accepted_at: last(shipped().map(|package| package.movement.accepted_at).collect()),
            delivered_at: last(shipped().map(|package| package.movement.delivered_at).collect())
                .filter(|_| arrived && order.logistics != LogisticsMode::PlatformFulfilled),
            deliver_by: order.deadline(DeadlineKind::DeliverBy).map(|deadline| deadline.at),
        })
    }

    /// Whether it was paid in a window and something of it is left.
    pub(super) fn counts_in(&self, window: &Window) -> bool {
        !self.cancelled && self.paid_at.is_some_and(|paid_at| window.contains(paid_at))
    }
}

/// What some units of a line were sold for: their share of the line's total as the platform states
/// it, or of its price less its discount.
fn value_of(line: &Line, units: u32) -> Option<Money> {
    let total = match (&line.line_total, &line.discount) {
        (Some(total), _) => *total,
        (None, Some(discount)) => {
            line.unit_price.times(line.ordered).ok()?.checked_sub(discount).ok()?
        }
        (None, None) => return line.unit_price.times(units).ok(),
    };
    let rest = line.ordered.checked_sub(units)?;
    total.split(&[units, rest]).ok()?.first().copied()
}

/// The window of equal length before a window.
pub(super) fn window_before(window: &Window) -> Window {
    let length = window.to.signed_duration_since(window.from);
    let from = window.from.checked_sub_signed(length).unwrap_or(DateTime::<Utc>::MIN_UTC);
    Window::new(from, window.from)
}

/// Whether `part / whole` is at least so many percent; nothing of nothing is not.
pub(super) fn is_at_least_percent(part: u64, whole: u64, percent: u32) -> bool {
    whole > 0 && u128::from(part) * 100 >= u128::from(whole) * u128::from(percent)
}
