//! What sells: trends, values, hours, rankings.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use chrono::{DateTime, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use super::{Sale, window_before};
use crate::calendar::local_time;
use crate::ids::Sku;
use crate::money::Currency;
use crate::rules::kpi::{Ratio, Window};

/// What counts as fast and slow. All of it is configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct TrendPolicy {
    /// A fast grower grew by at least so many percent … Default 20.
    pub fast_percent: u32,
    /// … and sold at least so many units. Default 10.
    pub fast_units: u64,
    /// A slow SKU was not sold for so many days … Default 30.
    pub slow_days: u32,
    /// … or shrank by at least so many percent. Default 20.
    pub slow_percent: u32,
}

impl Default for TrendPolicy {
    fn default() -> Self {
        Self { fast_percent: 20, fast_units: 10, slow_days: 30, slow_percent: 20 }
    }
}

/// How a number of units changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Growth {
    /// There was nothing before.
    New,
    /// `(now − before) / before`, exact.
    Changed {
        /// Units now.
        now: u64,
        /// Units before, at least 1.
        before: u64,
    },
}

impl Growth {
    fn of(now: u64, before: u64) -> Self {
        if before == 0 { Self::New } else { Self::Changed { now, before } }
    }

    /// Whether it grew by at least so many percent. What is new has no rate.
    #[must_use]
    pub fn is_at_least(self, percent: u32) -> bool {
        match self {
            Self::New => false,
            Self::Changed { now, before } => {
                u128::from(now) * 100 >= u128::from(before) * (100 + u128::from(percent))
            }
        }
    }

    /// Whether it shrank by at least so many percent.
    #[must_use]
    pub fn is_at_most_minus(self, percent: u32) -> bool {
        match self {
            Self::New => false,
            Self::Changed { now, before } => {
                let left = 100_u128.saturating_sub(u128::from(percent));
                u128::from(now) * 100 <= u128::from(before) * left
            }
        }
    }
}

impl fmt::Display for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Changed { now, before } = *self else { return f.write_str("new") };
        let (sign, change) = if now >= before { ('+', now - before) } else { ('-', before - now) };
        let whole = u128::from(before.max(1));
        let hundredths = (u128::from(change) * 20_000 + whole) / (2 * whole);
        write!(f, "{sign}{}.{:02} %", hundredths / 100, hundredths % 100)
    }
}

/// How a SKU sells (ANA-01).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkuTrend {
    /// Which.
    pub sku: Sku,
    /// Units in the window.
    pub units: u64,
    /// Orders in the window.
    pub orders: u64,
    /// Units in the window of equal length before.
    pub units_before: u64,
    /// Orders there.
    pub orders_before: u64,
    /// The change of units.
    pub growth: Growth,
    /// When it was sold last, up to the end of the window.
    pub last_sold_at: Option<DateTime<Utc>>,
    /// Whether it grows fast.
    pub fast: bool,
    /// Whether it stands still.
    pub slow: bool,
}

/// ANA-01: how every SKU sells in a window, against the window of equal length before; by SKU. SKUs
/// of which sales are known but none lies in either window are listed too: they may be slow.
#[must_use]
pub fn sales_trend<'a>(
    sales: impl IntoIterator<Item = &'a Sale>,
    window: &Window,
    policy: &TrendPolicy,
) -> Vec<SkuTrend> {
    #[derive(Default)]
    struct Sums {
        now: (u64, u64),
        before: (u64, u64),
        last: Option<DateTime<Utc>>,
    }
    let earlier = window_before(window);
    let mut sums: BTreeMap<&Sku, Sums> = BTreeMap::new();
    for sale in sales.into_iter().filter(|sale| !sale.cancelled) {
        let Some(paid_at) = sale.paid_at.filter(|paid_at| *paid_at < window.to) else { continue };
        let mut counted: BTreeSet<&Sku> = BTreeSet::new();
        for item in &sale.items {
            let sum = sums.entry(&item.sku).or_default();
            sum.last = sum.last.max(Some(paid_at));
            let side = if window.contains(paid_at) {
                &mut sum.now
            } else if earlier.contains(paid_at) {
                &mut sum.before
            } else {
                continue;
            };
            side.0 = side.0.saturating_add(u64::from(item.units));
            side.1 = side.1.saturating_add(u64::from(counted.insert(&item.sku)));
        }
    }
    let silent = TimeDelta::days(i64::from(policy.slow_days));
    sums.into_iter()
        .map(|(sku, sum)| {
            let growth = Growth::of(sum.now.0, sum.before.0);
            let unsold =
                sum.last.is_none_or(|last| window.to.signed_duration_since(last) >= silent);
            SkuTrend {
                sku: sku.clone(),
                units: sum.now.0,
                orders: sum.now.1,
                units_before: sum.before.0,
                orders_before: sum.before.1,
                growth,
                last_sold_at: sum.last,
                fast: growth.is_at_least(policy.fast_percent) && sum.now.0 >= policy.fast_units,
                slow: unsold || growth.is_at_most_minus(policy.slow_percent),
            }
        })
        .collect()
}

/// What orders are worth in one currency (ANA-03).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AverageOrderValue {
    /// Paid orders of which something is left.
    pub orders: u64,
    /// What they come to; `None` when that is more than an amount can be.
    pub sum: Option<Decimal>,
    /// The mean, rounded half up to the smallest unit.
    pub mean: Decimal,
}

/// ANA-03: order totals over paid, not fully cancelled orders, by currency.
#[must_use]
pub fn average_order_value<'a>(
    sales: impl IntoIterator<Item = &'a Sale>,
    window: &Window,
) -> BTreeMap<Currency, AverageOrderValue> {
    let mut totals: BTreeMap<Currency, Vec<Decimal>> = BTreeMap::new();
    for sale in sales.into_iter().filter(|sale| sale.counts_in(window)) {
        totals.entry(sale.total.currency).or_default().push(sale.total.amount);
    }
    totals
        .into_iter()
        .map(|(currency, totals)| {
            let orders = u64::try_from(totals.len()).unwrap_or(u64::MAX);
            let share = |amount: Decimal| amount.checked_div(orders.into()).unwrap_or_default();
            let sum = totals.iter().try_fold(Decimal::ZERO, |sum, amount| sum.checked_add(*amount));
            let mean = match sum {
                Some(sum) => share(sum),
                // A mean always fits; amounts of this size have no digits left to lose.
                None => totals
                    .iter()
                    .fold(Decimal::ZERO, |mean, amount| mean.saturating_add(share(*amount))),
            };
            let mean = mean.round_dp_with_strategy(
                currency.minor_digits(),
                RoundingStrategy::MidpointAwayFromZero,
            );
            (currency, AverageOrderValue { orders, sum, mean })
        })
        .collect()
}

/// How many orders are placed in an hour of the day (ANA-04).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HourShare {
    /// The hour of the shop's clock, 0 to 23.
    pub hour: u32,
    /// Orders placed in it.
    pub orders: u64,
    /// Their share; `None` when there are no orders.
    pub share: Option<Ratio>,
}

/// ANA-04: the 24 hours of the shop's clock. Every order placed in the window counts, paid or not.
/// An hour that clocks show twice is one hour of the day.
#[must_use]
pub fn hours_of_day<'a>(
    sales: impl IntoIterator<Item = &'a Sale>,
    window: &Window,
    zone: Tz,
) -> Vec<HourShare> {
    let mut counts = [0_u64; 24];
    for sale in sales.into_iter().filter(|sale| window.contains(sale.created_at)) {
        let hour = local_time(zone, sale.created_at).hour();
        if let Some(count) = usize::try_from(hour).ok().and_then(|hour| counts.get_mut(hour)) {
            *count += 1;
        }
    }
    let all: u64 = counts.iter().sum();
    (0..)
        .zip(counts)
        .map(|(hour, orders)| HourShare { hour, orders, share: Ratio::new(orders, all) })
        .collect()
}

/// By what SKUs are ranked (ANA-05).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RankBy {
    /// Units sold.
    Units,
    /// Orders it is in.
    Orders,
    /// What it was sold for, in one currency. Sales in others do not count.
    Sales(Currency),
}

/// A SKU in a ranking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkuRank {
    /// Which.
    pub sku: Sku,
    /// Units sold.
    pub units: u64,
    /// Orders it is in.
    pub orders: u64,
    /// What it was sold for, by currency; units of unknown value are left out.
    pub sales: BTreeMap<Currency, Decimal>,
}

/// ANA-05: SKUs sold in a window, best first; equal ones by SKU. The worst are at the end.
#[must_use]
pub fn sku_ranking<'a>(
    sales: impl IntoIterator<Item = &'a Sale>,
    window: &Window,
    by: RankBy,
) -> Vec<SkuRank> {
    let mut sums: BTreeMap<&Sku, SkuRank> = BTreeMap::new();
    for sale in sales.into_iter().filter(|sale| sale.counts_in(window)) {
        let mut seen: BTreeSet<&Sku> = BTreeSet::new();
        for item in &sale.items {
            let sum = sums.entry(&item.sku).or_insert_with(|| SkuRank {
                sku: item.sku.clone(),
                units: 0,
                orders: 0,
                sales: BTreeMap::new(),
            });
            sum.units = sum.units.saturating_add(u64::from(item.units));
            if seen.insert(&item.sku) {
                sum.orders = sum.orders.saturating_add(1);
            }
            if let Some(value) = &item.value {
                let amount = sum.sales.entry(value.currency).or_default();
                *amount = amount.saturating_add(value.amount);
            }
        }
    }
    let mut ranking: Vec<SkuRank> = sums.into_values().collect();
    ranking.sort_by(|a, b| {
        match by {
            RankBy::Units => b.units.cmp(&a.units),
            RankBy::Orders => b.orders.cmp(&a.orders),
            RankBy::Sales(currency) => {
                let of = |rank: &SkuRank| rank.sales.get(&currency).copied().unwrap_or_default();
                of(b).cmp(&of(a))
            }
        }
        .then_with(|| a.sku.cmp(&b.sku))
    });
    ranking
}
