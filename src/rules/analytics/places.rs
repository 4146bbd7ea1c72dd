//! Where buyers are.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{Sale, is_at_least_percent};
use crate::address::Country;
use crate::money::Currency;
use crate::rules::kpi::{Ratio, Window};

/// How finely places are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaceLevel {
    /// `US`.
    Country,
    /// `US-CO`, whether an address writes the code or the name, where the states of the country are
    /// known; else as it writes them.
    State,
    /// `US-CO-Denver`, as the platform spells it.
    City,
}

/// When a warehouse in a region would pay. All of it is configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct RegionPolicy {
    /// From this share of orders, in percent. Default 30.
    pub share_percent: u32,
    /// From this mean transit, in days. Default 7.
    pub transit_days: u32,
}

impl Default for RegionPolicy {
    fn default() -> Self {
        Self { share_percent: 30, transit_days: 7 }
    }
}

/// How a region buys (ANA-02).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionFigures {
    /// Which; `None` is an unknown place.
    pub region: Option<String>,
    /// Orders.
    pub orders: u64,
    /// Their share of all.
    pub share: Option<Ratio>,
    /// What they come to, by currency.
    pub value: BTreeMap<Currency, Decimal>,
    /// Orders whose transit is known: scanned and then delivered.
    pub transits: u64,
    /// The mean from first scan to delivery, in seconds.
    pub mean_transit_seconds: Option<i64>,
    /// Promised orders that came late, of those whose promise is decided as of the window's end.
    pub delayed: Option<Ratio>,
    /// Whether a warehouse there would pay: much is sold there, and it takes long.
    pub warehouse_hint: bool,
}

fn region_of(sale: &Sale, level: PlaceLevel) -> Option<String> {
    let country = sale.country.as_deref()?;
    let in_state = |state: &str| {
        Country::new(country).map_or_else(|| format!("{country}-{state}"), |own| own.region(state))
    };
    Some(match level {
        PlaceLevel::Country => country.to_owned(),
        PlaceLevel::State => in_state(sale.state.as_deref()?),
        PlaceLevel::City => {
            let state = in_state(sale.state.as_deref().unwrap_or(""));
            format!("{state}-{}", sale.city.as_deref()?)
        }
    })
}

/// ANA-02: regions by number of orders, then by name; orders whose place is not known are a group of
/// their own at the end.
#[must_use]
pub fn regions<'a>(
    sales: impl IntoIterator<Item = &'a Sale>,
    window: &Window,
    level: PlaceLevel,
    policy: &RegionPolicy,
) -> Vec<RegionFigures> {
    #[derive(Default)]
    struct Sums {
        orders: u64,
        value: BTreeMap<Currency, Decimal>,
        transits: u64,
        seconds: i128,
        late: u64,
        decided: u64,
    }
    let mut sums: BTreeMap<Option<String>, Sums> = BTreeMap::new();
    for sale in sales.into_iter().filter(|sale| sale.counts_in(window)) {
        let sum = sums.entry(region_of(sale, level)).or_default();
        sum.orders += 1;
        let value = sum.value.entry(sale.total.currency).or_default();
        *value = value.saturating_add(sale.total.amount);
        if let (Some(accepted), Some(delivered)) = (sale.accepted_at, sale.delivered_at)
            && accepted <= delivered
        {
            let transit = delivered.signed_duration_since(accepted);
            sum.transits += 1;
            sum.seconds += i128::from(transit.num_seconds());
        }
        if let Some(due) = sale.deliver_by {
            let delivered = sale.delivered_at.filter(|delivered| *delivered <= window.to);
            let late = delivered.is_none_or(|delivered| delivered > due);
            let decided = delivered.is_some() || due <= window.to;
            sum.decided += u64::from(decided);
            sum.late += u64::from(decided && late);
        }
    }
    let all: u64 = sums.values().map(|sum| sum.orders).sum();
    let mut figures: Vec<RegionFigures> = sums
        .into_iter()
        .map(|(region, sum)| {
            let slow = i128::from(policy.transit_days) * 86_400 * i128::from(sum.transits);
            RegionFigures {
                warehouse_hint: region.is_some()
                    && is_at_least_percent(sum.orders, all, policy.share_percent)
                    && sum.transits > 0
                    && sum.seconds >= slow,
                region,
                orders: sum.orders,
                share: Ratio::new(sum.orders, all),
                value: sum.value,
                transits: sum.transits,
                mean_transit_seconds: (sum.transits > 0)
                    .then(|| i64::try_from(sum.seconds / i128::from(sum.transits)).ok())
                    .flatten(),
                delayed: Ratio::new(sum.late, sum.decided),
            }
        })
        .collect();
    figures.sort_by(|a, b| {
        a.region
            .is_none()
            .cmp(&b.region.is_none())
            .then_with(|| b.orders.cmp(&a.orders))
            .then_with(|| a.region.cmp(&b.region))
    });
    figures
}

/// Regions whose number of orders rose in each of the last three consecutive windows against the one
/// before it: `windows` are four or more, oldest first. By name.
#[must_use]
pub fn growing_regions<'a>(
    sales: impl IntoIterator<Item = &'a Sale> + Clone,
    windows: &[Window],
    level: PlaceLevel,
) -> Vec<String> {
    const RISES: usize = 3;
    let Some(skip) = windows.len().checked_sub(RISES + 1) else { return Vec::new() };
    let mut counts: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for (index, window) in windows.iter().skip(skip).enumerate() {
        for sale in sales.clone().into_iter().filter(|sale| sale.counts_in(window)) {
            let Some(region) = region_of(sale, level) else { continue };
            let counts = counts.entry(region).or_insert_with(|| vec![0; RISES + 1]);
            if let Some(count) = counts.get_mut(index) {
                *count += 1;
            }
        }
    }
    counts
        .into_iter()
        .filter(|(_, counts)| {
            counts.windows(2).all(|pair| matches!(pair, [before, after] if after > before))
        })
        .map(|(region, _)| region)
        .collect()
}
