//! The week and the month.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::places::{PlaceLevel, RegionFigures, RegionPolicy, regions};
use super::sales::{RankBy, SkuRank, SkuTrend, TrendPolicy, sales_trend, sku_ranking};
use super::{AverageOrderValue, Sale, average_order_value};
use crate::calendar::{local_month, local_week};
use crate::money::Currency;
use crate::rules::kpi::{
    DenominatorMode, Health, Kpi, KpiError, KpiId, KpiQuery, KpiTargets, KpiValue, OrderFacts,
    PeriodUnit, Window,
};

/// How many SKUs are listed at each end of a ranking.
const LISTED: usize = 10;

/// Which way a figure went. Whether that is good depends on the figure; its health says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trend {
    /// Higher than before.
    Up,
    /// The same.
    Same,
    /// Lower than before.
    Down,
    /// One of the two is not known.
    Unknown,
}

/// A figure, the one before it, and which way it went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KpiTrend {
    /// In the period.
    pub now: Kpi,
    /// In the period before.
    pub before: Kpi,
    /// Which way it went, compared exactly.
    pub trend: Trend,
}

/// The report of a week or a month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeriodicReport {
    /// The period.
    pub window: Window,
    /// The period before.
    pub before: Window,
    /// Key figures with target and trend.
    pub kpis: Vec<KpiTrend>,
    /// Figures that miss their target, worst first.
    pub outliers: Vec<KpiId>,
    /// What an order was worth, by currency.
    pub average_order_value: std::collections::BTreeMap<Currency, AverageOrderValue>,
    /// Best sellers by units.
    pub best: Vec<SkuRank>,
    /// Worst sellers by units, worst first.
    pub worst: Vec<SkuRank>,
    /// SKUs that grow fast.
    pub fast: Vec<SkuTrend>,
    /// SKUs that stand still.
    pub slow: Vec<SkuTrend>,
    /// Regions by state.
    pub regions: Vec<RegionFigures>,
}

/// The report of the local week (from Monday) or month that `day` lies in; a [`PeriodUnit::Day`] is
/// taken for the day alone. Both periods are judged as of `as_of`.
///
/// # Errors
/// [`KpiError`] of the question.
pub fn periodic_report(
    facts: &OrderFacts,
    sales: &[Sale],
    (unit, day, zone): (PeriodUnit, NaiveDate, Tz),
    kpis: &[KpiId],
    targets: &KpiTargets,
    as_of: DateTime<Utc>,
) -> Result<PeriodicReport, KpiError> {
    let window = period(unit, day, zone);
    let last_before =
        crate::calendar::local_time(zone, window.from).date().pred_opt().unwrap_or(NaiveDate::MIN);
    let before = period(unit, last_before, zone);
    let asked = || kpis.iter().copied();
    let now_counts =
        KpiQuery::new(window, as_of).with_kpis(asked()).with_percentiles().count(facts)?;
    let before_counts =
        KpiQuery::new(before, as_of).with_kpis(asked()).with_percentiles().count(facts)?;
    let mode = DenominatorMode::Decided;
    let kpis: Vec<KpiTrend> = asked()
        .map(|id| {
            let now = now_counts.total(id, mode, targets);
            let before = before_counts.total(id, mode, targets);
            KpiTrend { trend: trend(&now, &before), now, before }
        })
        .collect();
    let mut outliers: Vec<(std::cmp::Reverse<Health>, KpiId)> = kpis
        .iter()
        .filter(|kpi| kpi.now.health >= Health::Warning)
        .map(|kpi| (std::cmp::Reverse(kpi.now.health), kpi.now.id))
        .collect();
    outliers.sort_unstable();
    let ranking = sku_ranking(sales, &window, RankBy::Units);
    let trends = sales_trend(sales, &window, &TrendPolicy::default());
    Ok(PeriodicReport {
        outliers: outliers.into_iter().map(|(_, id)| id).collect(),
        average_order_value: average_order_value(sales, &window),
        best: ranking.iter().take(LISTED).cloned().collect(),
        worst: ranking.iter().rev().take(LISTED).cloned().collect(),
        fast: trends.iter().filter(|trend| trend.fast).cloned().collect(),
        slow: trends.iter().filter(|trend| trend.slow).cloned().collect(),
        regions: regions(sales, &window, PlaceLevel::State, &RegionPolicy::default()),
        window,
        before,
        kpis,
    })
}

fn period(unit: PeriodUnit, day: NaiveDate, zone: Tz) -> Window {
    let range = match unit {
        PeriodUnit::Week => local_week(zone, day),
        PeriodUnit::Month => local_month(zone, day),
        PeriodUnit::Day => crate::calendar::local_day(zone, day),
    };
    Window::new(range.start, range.end)
}

fn trend(now: &Kpi, before: &Kpi) -> Trend {
    let order = match (&now.value, &before.value) {
        (Some(KpiValue::Ratio(now)), Some(KpiValue::Ratio(before))) => now.compare_to(*before),
        (Some(KpiValue::Duration(now)), Some(KpiValue::Duration(before))) => {
            // Means as fractions, compared crosswise.
            let left = now.sum_micros().saturating_mul(i128::from(before.count()));
            let right = before.sum_micros().saturating_mul(i128::from(now.count()));
            left.cmp(&right)
        }
        _ => return Trend::Unknown,
    };
    match order {
        std::cmp::Ordering::Greater => Trend::Up,
        std::cmp::Ordering::Equal => Trend::Same,
        std::cmp::Ordering::Less => Trend::Down,
    }
}
