//! The day's figures.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::kpi::{DenominatorMode, KpiId, KpiQuery, KpiTargets, OrderExtras, OrderFacts, Window};
use crate::ids::Sku;
use crate::money::{Currency, Money};
use crate::order::{LogisticsMode, Order, OrderState, counters};
use crate::shipment::UploadState;

/// A SKU that sold well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HotSeller {
    /// Which.
    pub sku: Sku,
    /// Units.
    pub units: u32,
}

/// Percentiles of a duration by nearest rank, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Percentiles {
    /// How many durations.
    pub count: u32,
    /// Half are not longer.
    pub p50: i64,
    /// 95 of 100 are not longer.
    pub p95: i64,
    /// The longest.
    pub max: i64,
}

impl Percentiles {
    /// Percentiles of some durations; `None` of none.
    #[must_use]
    pub fn of(mut seconds: Vec<i64>) -> Option<Self> {
        seconds.sort_unstable();
        let rank = |percent: usize| {
            let index = (seconds.len() * percent).div_ceil(100).max(1) - 1;
            seconds.get(index).copied()
        };
        Some(Self {
            count: u32::try_from(seconds.len()).unwrap_or(u32::MAX),
            p50: rank(50)?,
            p95: rank(95)?,
            max: seconds.last().copied()?,
        })
    }
}

/// The figures of a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dashboard {
    /// Orders placed in the window.
    pub orders: u32,
    /// Of those, cancelled.
    pub cancelled: u32,
    /// What was paid, by currency. Currencies are never added.
    pub paid_value: BTreeMap<Currency, Decimal>,
    /// Paid value over paid, not cancelled orders, by currency, rounded to the smallest unit.
    pub average_order_value: BTreeMap<Currency, Decimal>,
    /// Best sellers by units that were not cancelled, ties by SKU.
    pub hot_sellers: Vec<HotSeller>,
    /// Parcels confirmed as shipped in the window.
    pub parcels_shipped: u32,
    /// Of those, uploaded (or not needing it).
    pub parcels_uploaded: u32,
    /// Parcels delivered in the window.
    pub parcels_delivered: u32,
    /// Incidents that are open at the end of the window. Conditions, such as a parcel that does not
    /// move, are in the [exception list](super::exceptions).
    pub incidents_open: u32,
    /// Incidents that were resolved in the window.
    pub incidents_resolved: u32,
    /// The denominator of KPI-01: orders paid in the window whose shipping is decided at its end, with
    /// those that the seller or the platform cancelled for not shipping.
    pub ship_decided: u32,
    /// Its numerator: of those, shipped in time.
    pub shipped_on_time: u32,
    /// Placed to acknowledged.
    pub time_to_acknowledge: Option<Percentiles>,
    /// Ship confirmation to upload.
    pub upload_latency: Option<Percentiles>,
    /// What labels cost that were bought in the window and not voided, by currency.
    pub label_cost: BTreeMap<Currency, Decimal>,
    /// Labels bought by service.
    pub labels_by_service: BTreeMap<String, u32>,
}

impl Dashboard {
    /// Whether on-time shipping reaches 95 %, compared exactly; `None` when nothing is decided.
    #[must_use]
    pub fn is_on_time_healthy(&self) -> Option<bool> {
        (self.ship_decided > 0)
            .then(|| 100 * u64::from(self.shipped_on_time) >= 95 * u64::from(self.ship_decided))
    }
}

/// Computes the figures of the half-open window `[from, to)`. Test orders and what the platform
/// ships itself are left out. The order of `orders` does not matter.
#[must_use]
pub fn dashboard<'a>(
    orders: impl IntoIterator<Item = &'a Order>,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Dashboard {
    let within = |instant: DateTime<Utc>| from <= instant && instant < to;
    let mut figures = Dashboard {
        orders: 0,
        cancelled: 0,
        paid_value: BTreeMap::new(),
        average_order_value: BTreeMap::new(),
        hot_sellers: Vec::new(),
        parcels_shipped: 0,
        parcels_uploaded: 0,
        parcels_delivered: 0,
        incidents_open: 0,
        incidents_resolved: 0,
        ship_decided: 0,
        shipped_on_time: 0,
        time_to_acknowledge: None,
        upload_latency: None,
        label_cost: BTreeMap::new(),
        labels_by_service: BTreeMap::new(),
    };
    let mut paid_orders: BTreeMap<Currency, u32> = BTreeMap::new();
    let mut sold: BTreeMap<Sku, u32> = BTreeMap::new();
    let mut acknowledgements = Vec::new();
    let mut uploads = Vec::new();
    let mut facts = OrderFacts::new();
    for order in orders {
        facts.push_order(order, &OrderExtras::default());
        if order.test || order.logistics == LogisticsMode::PlatformFulfilled {
            continue;
        }
        parcels(order, &within, &mut figures, &mut uploads);
        for incident in &order.incidents {
            let resolved = incident.resolved_at;
            figures.incidents_resolved += u32::from(resolved.is_some_and(within));
            let open = incident.first_at < to && resolved.is_none_or(|resolved| resolved >= to);
            figures.incidents_open += u32::from(open);
        }
        // A time below zero is a bad fact and no time.
        let acknowledged = order.acknowledged_at.filter(|at| within(*at) && *at >= order.placed_at);
        if let Some(at) = acknowledged {
            acknowledgements.push((at - order.placed_at).num_seconds());
        }
        if !within(order.placed_at) {
            continue;
        }
        figures.orders += 1;
        let cancelled = order.state() == OrderState::Cancelled;
        figures.cancelled += u32::from(cancelled);
        if order.paid_at.is_none() || cancelled {
            continue;
        }
        add(&mut figures.paid_value, &order.total);
        *paid_orders.entry(order.total.currency).or_default() += 1;
        for line in &order.lines {
            if let Some(sku) = &line.sku {
                let units = sold.entry(sku.clone()).or_default();
                let active = counters(order, &line.id).map_or(0, |counters| counters.active());
                *units = units.saturating_add(active);
            }
        }
    }
    for (currency, value) in &figures.paid_value {
        if let Some(count) = paid_orders.get(currency) {
            let mean = (value / Decimal::from(*count)).round_dp_with_strategy(
                currency.minor_digits(),
                rust_decimal::RoundingStrategy::MidpointAwayFromZero,
            );
            figures.average_order_value.insert(*currency, mean);
        }
    }
    let mut ranking: Vec<HotSeller> = sold
        .into_iter()
        .filter(|(_, units)| *units > 0)
        .map(|(sku, units)| HotSeller { sku, units })
        .collect();
    ranking.sort_by(|a, b| b.units.cmp(&a.units).then_with(|| a.sku.cmp(&b.sku)));
    ranking.truncate(5);
    figures.hot_sellers = ranking;
    let on_time = KpiQuery::new(Window::new(from, to), to).with_kpis([KpiId::OnTimeShipping]);
    // One figure in one group always has an answer.
    if let Ok(counters) = on_time.count(&facts) {
        let mode = DenominatorMode::Decided;
        let kpi = counters.total(KpiId::OnTimeShipping, mode, &KpiTargets::default());
        figures.ship_decided = u32::try_from(kpi.denominator).unwrap_or(u32::MAX);
        figures.shipped_on_time = u32::try_from(kpi.numerator).unwrap_or(u32::MAX);
    }
    figures.time_to_acknowledge = Percentiles::of(acknowledgements);
    figures.upload_latency = Percentiles::of(uploads);
    figures
}

fn parcels(
    order: &Order,
    within: &impl Fn(DateTime<Utc>) -> bool,
    figures: &mut Dashboard,
    uploads: &mut Vec<i64>,
) {
    for package in &order.packages {
        if let Some(record) = &package.label.record
            && within(record.purchased_at)
        {
            if let Ok(total) = record.cost.total() {
                add(&mut figures.label_cost, &total);
            }
            let service = format!("{}/{}", record.carrier, record.service);
            *figures.labels_by_service.entry(service).or_default() += 1;
        }
        if package.movement.delivered_at.is_some_and(within) {
            figures.parcels_delivered += 1;
        }
        let Some(shipped) = package.shipped.as_ref().filter(|s| within(s.confirmed_at)) else {
            continue;
        };
        figures.parcels_shipped += 1;
        let uploaded =
            matches!(package.upload.state, UploadState::Uploaded | UploadState::NotRequired);
        figures.parcels_uploaded += u32::from(uploaded);
        if let Some(uploaded_at) =
            package.upload.uploaded_at.filter(|at| *at >= shipped.confirmed_at)
        {
            uploads.push((uploaded_at - shipped.confirmed_at).num_seconds());
        }
    }
}

fn add(sums: &mut BTreeMap<Currency, Decimal>, money: &Money) {
    let sum = sums.entry(money.currency).or_default();
    *sum = sum.saturating_add(money.amount);
}
