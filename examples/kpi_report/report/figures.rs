//! What the report says, before it is written down.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use orderflow::calendar::local_time;
use orderflow::rules::analytics::{
    Growth, HourShare, PlaceLevel, RegionFigures, RegionPolicy, Sale, TrendPolicy,
    average_order_value, hours_of_day, regions, sales_trend,
};
use orderflow::rules::kpi::{
    CarrierCounts, CostCounts, Counts, DenominatorMode, Dimension, Durations, ExclusionReason,
    Health, Kpi, KpiCounters, KpiId, KpiQuery, KpiTargets, KpiValue, Limit, PeriodUnit, Periods,
    Ratio, Window, carrier_delay_alerts, target_presets,
};
use serde::Serialize;

use super::ReportError;
use super::mapping::{Field, Mapping};
use super::read::{Orders, RowNotes};

/// Days of the sales trend, against as many before.
const TREND_DAYS: u64 = 28;
/// From so many days on the series has months in place of weeks.
const LONG_WINDOW_DAYS: i64 = 4 * 366;

/// What is asked of a file. What is left out is taken from the file itself.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// First local date; by default that of the first order.
    pub from: Option<NaiveDate>,
    /// Last local date; by default that of `as_of`.
    pub to: Option<NaiveDate>,
    /// What is known; by default up to the latest thing that happened.
    pub as_of: Option<DateTime<Utc>>,
    /// Preset of targets; by default `seed`.
    pub targets: Option<String>,
    /// Whether every order is in the denominator, decided or not.
    pub all_orders: bool,
}

/// A ratio, exact and for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RatioLine {
    /// What counts.
    pub numerator: u64,
    /// Of how many.
    pub denominator: u64,
    /// In percent with two decimals.
    pub percent: String,
}

impl From<Ratio> for RatioLine {
    fn from(ratio: Ratio) -> Self {
        Self {
            numerator: ratio.numerator(),
            denominator: ratio.denominator(),
            percent: ratio.percent(),
        }
    }
}

/// Durations in seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DurationLine {
    /// How many.
    pub count: u64,
    /// Mean.
    pub mean_seconds: Option<i64>,
    /// Median, by nearest rank.
    pub p50_seconds: Option<i64>,
    /// What 90 of 100 do not exceed.
    pub p90_seconds: Option<i64>,
    /// What 95 of 100 do not exceed.
    pub p95_seconds: Option<i64>,
}

impl From<&Durations> for DurationLine {
    fn from(durations: &Durations) -> Self {
        let seconds = |duration: Option<TimeDelta>| duration.map(|d| d.num_seconds());
        Self {
            count: durations.count(),
            mean_seconds: seconds(durations.mean()),
            p50_seconds: seconds(durations.percentile(50)),
            p90_seconds: seconds(durations.percentile(90)),
            p95_seconds: seconds(durations.percentile(95)),
        }
    }
}

/// A key figure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KpiLine {
    /// Which.
    pub id: KpiId,
    /// Its code in the catalogue.
    pub code: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Its value for people; `None` when nothing was counted.
    pub value: Option<String>,
    /// What counts; a sum of money for the cost ratio.
    pub numerator: String,
    /// Of how many.
    pub denominator: String,
    /// Not decided as of the instant of the report.
    pub pending: u64,
    /// Left out, by reason.
    pub excluded: BTreeMap<ExclusionReason, u64>,
    /// Median and the like, of durations.
    pub durations: Option<DurationLine>,
    /// What is healthy, in words.
    pub target: Option<String>,
    /// How it stands to that.
    pub health: Health,
}

/// A figure that the file has no columns for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AbsentKpi {
    /// Its code in the catalogue.
    pub code: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What it needs, each one field or one of several.
    pub needs: Vec<String>,
}

/// A week or a month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PeriodLine {
    /// Its first local date.
    pub begins: NaiveDate,
    /// Whether the window cuts it.
    pub partial: bool,
    /// Orders placed in it.
    pub orders: u64,
    /// KPI-01 of the orders paid in it.
    pub on_time_shipping: Option<RatioLine>,
    /// The rest of KPI-06 of the orders promised for it.
    pub on_time_delivery: Option<RatioLine>,
}

/// How sales went of late.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TrendLine {
    /// What: all orders, or a SKU.
    pub name: String,
    /// Now: orders, or units of a SKU.
    pub now: u64,
    /// In the window of equal length before.
    pub before: u64,
    /// The change, in words.
    pub growth: String,
    /// Whether it grows fast.
    pub fast: bool,
    /// Whether it stands still or shrinks.
    pub slow: bool,
}

/// A region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RegionLine {
    /// Its name; `None` is not known.
    pub region: Option<String>,
    /// Paid orders that were not cancelled.
    pub orders: u64,
    /// Their share.
    pub share: Option<RatioLine>,
    /// What they come to, by currency.
    pub value: Vec<String>,
    /// Mean from the first scan to delivery.
    pub mean_transit_seconds: Option<i64>,
    /// Late, of those whose promise is decided.
    pub late: Option<RatioLine>,
    /// Whether a warehouse there would pay.
    pub warehouse_hint: bool,
}

/// A carrier, or a service of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CarrierLine {
    /// Carrier and, where known, service.
    pub name: String,
    /// Parcels it accepted.
    pub parcels: u64,
    /// Acceptance to delivery.
    pub transit: DurationLine,
    /// Delivered in time, of those whose promise is decided.
    pub on_time: Option<RatioLine>,
    /// Promises that are not decided.
    pub pending: u64,
    /// Delivered, of the decided.
    pub delivered: Option<RatioLine>,
    /// Lost or returned, of the decided; `None` also when the file does not say.
    pub lost_or_returned: Option<RatioLine>,
    /// What a parcel cost on average, by currency.
    pub cost_per_parcel: Vec<String>,
}

/// A seller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SellerLine {
    /// Its name.
    pub name: String,
    /// Paid orders.
    pub orders: u64,
    /// KPI-01.
    pub on_time_shipping: Option<RatioLine>,
    /// The rest of KPI-06.
    pub on_time_delivery: Option<RatioLine>,
    /// KPI-03.
    pub handling: Option<DurationLine>,
}

/// The whole report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What was read, in words.
    pub source: String,
    /// Zone of every local date and hour.
    pub zone: String,
    /// First local date; `None` when nothing in the file has a date and none was asked for.
    pub from: Option<NaiveDate>,
    /// Last local date; `None` likewise.
    pub to: Option<NaiveDate>,
    /// What is known; `None` likewise.
    pub as_of: Option<DateTime<Utc>>,
    /// The same, as the clocks of the zone show it.
    pub as_of_local: Option<String>,
    /// Name of the preset of targets.
    pub targets: String,
    /// What that is, in words.
    pub targets_title: String,
    /// Whether every order is in the denominator.
    pub all_orders: bool,
    /// Rows below the header.
    pub rows: u64,
    /// Orders in them.
    pub orders: usize,
    /// Rows that do not count.
    pub rejected: RowNotes,
    /// Rows that count although their instants contradict each other.
    pub odd: RowNotes,
    /// What a reader must know.
    pub notes: Vec<String>,
    /// Key figures.
    pub kpis: Vec<KpiLine>,
    /// Figures that the file has no columns for.
    pub absent: Vec<AbsentKpi>,
    /// What share on time is healthy, in hundredths of a percent: of shipping, or else delivery.
    pub on_time_target: Option<u32>,
    /// Whether periods are weeks or months.
    pub period: PeriodUnit,
    /// The series.
    pub periods: Vec<PeriodLine>,
    /// Last day of the trend.
    pub trend_to: Option<NaiveDate>,
    /// Days of the trend.
    pub trend_days: u64,
    /// All orders.
    pub trend: TrendLine,
    /// Each SKU, most units first.
    pub skus: Vec<TrendLine>,
    /// Mean order value, by currency.
    pub order_value: Vec<String>,
    /// Regions, most orders first.
    pub regions: Vec<RegionLine>,
    /// The 24 hours of the day.
    pub hours: Vec<HourShare>,
    /// Carriers, by name.
    pub carriers: Vec<CarrierLine>,
    /// Services that were late in two weeks running.
    pub carrier_alerts: Vec<String>,
    /// Sellers, most orders first.
    pub sellers: Vec<SellerLine>,
}

/// What a figure needs: of each list one field. `None` when files of orders cannot give it.
const fn needs(id: KpiId) -> Option<&'static [&'static [Field]]> {
    use Field as F;
    Some(match id {
        KpiId::OnTimeShipping | KpiId::LateShipping => &[&[F::ShippedAt], &[F::ShipBy]],
        KpiId::Cancellation => &[&[F::Status, F::CancelledAt]],
        KpiId::SellerFaultCancellation => &[&[F::Status]],
        KpiId::HandlingTime => &[&[F::ShippedAt]],
        KpiId::Complaint => &[&[F::ComplaintAt]],
        KpiId::DeliveryDelay => &[&[F::DeliverBy], &[F::DeliveredAt]],
        KpiId::TrackingUpload => &[&[F::ShippedAt], &[F::UploadedAt]],
        KpiId::TrackingUploadInTime => &[&[F::ShippedAt], &[F::UploadedAt], &[F::UploadBy]],
        KpiId::Acknowledgement => &[&[F::AcknowledgedAt], &[F::AcknowledgeBy]],
        KpiId::TimeToAcknowledge => &[&[F::AcknowledgedAt]],
        KpiId::LogisticsCost => &[&[F::ShippedAt], &[F::LabelCost], &[F::ProductCost, F::Total]],
        KpiId::Dispute => &[&[F::DisputeAt]],
        KpiId::TransitTime | KpiId::SignOff => &[&[F::AcceptedAt], &[F::DeliveredAt]],
        KpiId::CarrierOnTime => &[&[F::AcceptedAt], &[F::DeliveredAt], &[F::DeliverBy]],
        KpiId::ParcelLoss => &[&[F::AcceptedAt], &[F::LostAt, F::ReturnedAt]],
        KpiId::UploadLatency => &[&[F::ShippedAt], &[F::UploadedAt]],
        _ => return None,
    })
}

/// A duration for people.
pub fn in_words(seconds: i64) -> String {
    let (sign, seconds) =
        if seconds < 0 { ("-", seconds.unsigned_abs()) } else { ("", seconds.unsigned_abs()) };
    let tenths = |unit: u64, name: &str| {
        let tenths = (seconds * 20 / unit).div_ceil(2);
        format!("{sign}{}.{} {name}", tenths / 10, tenths % 10)
    };
    match seconds {
        129_600.. => tenths(86_400, "days"),
        7_200.. => tenths(3_600, "h"),
        120.. => tenths(60, "min"),
        _ => format!("{sign}{seconds} s"),
    }
}

fn limit_in_words(limit: Limit) -> String {
    let words = |seconds: u64| in_words(i64::try_from(seconds).unwrap_or(i64::MAX));
    match limit {
        Limit::MeanSecondsAtMost(limit) => format!("mean at most {}", words(limit)),
        Limit::MeanSecondsAbove(limit) => format!("mean above {}", words(limit)),
        Limit::MedianSecondsAtMost(limit) => format!("median at most {}", words(limit)),
        Limit::P95SecondsAtMost(limit) => format!("95 of 100 within {}", words(limit)),
        rate => rate.to_string(),
    }
}

impl KpiLine {
    fn of(kpi: &Kpi) -> Self {
        Self {
            id: kpi.id,
            code: kpi.id.code(),
            name: kpi.id.name(),
            value: kpi.value.as_ref().map(|value| match value {
                KpiValue::Ratio(ratio) => ratio.percent(),
                KpiValue::Duration(durations) => {
                    in_words(durations.mean().map_or(0, |mean| mean.num_seconds()))
                }
            }),
            numerator: kpi.numerator.to_string(),
            denominator: kpi.denominator.to_string(),
            pending: kpi.pending,
            excluded: kpi.excluded.iter().collect(),
            durations: kpi.durations().map(DurationLine::from),
            target: kpi.target.as_ref().map(|target| limit_in_words(target.healthy)),
            health: kpi.health,
        }
    }

    /// KPI-18 has sums of money on both sides, which only compare in one currency.
    fn of_costs(costs: &CostCounts, targets: &KpiTargets, notes: &mut Vec<String>) -> Self {
        let id = KpiId::LogisticsCost;
        let target = targets.of(id);
        let ratio = costs.ratio(None).unwrap_or_else(|error| {
            notes.push(format!("{id}: {error}"));
            None
        });
        if costs.valued_by_price > 0 {
            let count = costs.valued_by_price;
            notes.push(format!(
                "{id}: the goods of {count} orders are valued at what the buyer paid, because their cost is not known."
            ));
        }
        let side = |sums: &BTreeMap<orderflow::Currency, rust_decimal::Decimal>| {
            let sums: Vec<String> =
                sums.iter().map(|(currency, sum)| format!("{sum} {currency}")).collect();
            if sums.is_empty() { "0".to_owned() } else { sums.join(" + ") }
        };
        Self {
            id,
            code: id.code(),
            name: id.name(),
            value: ratio.as_ref().map(orderflow::rules::kpi::CostRatio::percent),
            numerator: side(&costs.labels),
            denominator: side(&costs.products),
            pending: costs.pending,
            excluded: costs.excluded.iter().collect(),
            durations: None,
            target: target.map(|target| limit_in_words(target.healthy)),
            health: match (&ratio, target) {
                (None, _) => Health::NoData,
                (Some(_), None) => Health::NoTarget,
                (Some(ratio), Some(target)) => ratio.judge(target),
            },
        }
    }
}

/// In time, of a figure that counts the late ones.
fn rest(counts: &Counts) -> Option<RatioLine> {
    let in_time = counts.denominator.saturating_sub(counts.numerator);
    Ratio::new(in_time, counts.denominator).map(RatioLine::from)
}

fn rest_of(kpi: &Kpi) -> Option<RatioLine> {
    rest(&Counts { numerator: kpi.numerator, denominator: kpi.denominator, ..Counts::default() })
}

/// The question with everything filled in from the file.
struct Frame<'a> {
    orders: &'a Orders,
    mapping: &'a Mapping,
    window: Window,
    from: NaiveDate,
    to: NaiveDate,
    as_of: DateTime<Utc>,
    mode: DenominatorMode,
    targets: KpiTargets,
}

impl Frame<'_> {
    fn has(&self, alternatives: &[Field]) -> bool {
        alternatives.iter().any(|field| self.orders.fields.contains(field))
    }

    fn can(&self, id: KpiId) -> bool {
        needs(id).is_some_and(|needs| needs.iter().all(|one| self.has(one)))
    }

    fn query(&self) -> KpiQuery {
        KpiQuery::new(self.window, self.as_of)
    }

    fn kpis(&self, notes: &mut Vec<String>) -> Result<Vec<KpiLine>, ReportError> {
        let query = self.query().with_percentiles();
        let counters = query.count(&self.orders.facts)?;
        let parcels = query.carrier_performance(&self.orders.parcels)?.total();
        let uploads = query.upload_latency(&self.orders.parcels)?.total();
        Ok(KpiId::ALL
            .into_iter()
            .filter(|id| self.can(*id))
            .map(|id| match id {
                KpiId::LogisticsCost => {
                    KpiLine::of_costs(&counters.total_costs(), &self.targets, notes)
                }
                KpiId::UploadLatency => KpiLine::of(&Kpi::of_durations(
                    id,
                    self.window,
                    uploads.clone(),
                    self.targets.of(id).cloned(),
                )),
                id if id.is_of_orders() => {
                    KpiLine::of(&counters.total(id, self.mode, &self.targets))
                }
                id => KpiLine::of(&parcels.kpi(id, &query, &self.targets)),
            })
            .collect())
    }

    fn absent(&self) -> Vec<AbsentKpi> {
        let either = |fields: &&[Field]| {
            fields.iter().map(|field| field.name()).collect::<Vec<_>>().join(" or ")
        };
        KpiId::ALL
            .into_iter()
            .filter(|id| !self.can(*id))
            .filter_map(|id| {
                let missing = needs(id)?.iter().filter(|one| !self.has(one)).map(either).collect();
                Some(AbsentKpi { code: id.code(), name: id.name(), needs: missing })
            })
            .collect()
    }

    fn periods(&self, unit: PeriodUnit) -> Result<Vec<PeriodLine>, ReportError> {
        let zone = self.mapping.zone;
        let wanted = [KpiId::OnTimeShipping, KpiId::DeliveryDelay];
        let query = self.query().with_kpis(wanted).per(Periods { unit, zone });
        let counters = query.count(&self.orders.facts)?;
        let series = |id| counters.series(id, self.mode, &self.targets);
        let shipping = series(KpiId::OnTimeShipping);
        let mut lines: Vec<PeriodLine> = shipping
            .iter()
            .zip(series(KpiId::DeliveryDelay))
            .map(|((begins, shipping), (_, delay))| PeriodLine {
                begins: *begins,
                partial: *begins < self.from,
                orders: 0,
                on_time_shipping: shipping
                    .ratio()
                    .filter(|_| self.can(KpiId::OnTimeShipping))
                    .map(RatioLine::from),
                on_time_delivery: rest_of(&delay).filter(|_| self.can(KpiId::DeliveryDelay)),
            })
            .collect();
        if let Some(last) = lines.last_mut() {
            let next = match unit {
                PeriodUnit::Month => last.begins.checked_add_months(chrono::Months::new(1)),
                _ => last.begins.checked_add_days(Days::new(7)),
            };
            last.partial |= next.is_none_or(|next| self.to.succ_opt().is_none_or(|to| to < next));
        }
        let inside = self.orders.sales.iter().filter(|sale| self.window.contains(sale.created_at));
        for sale in inside {
            let day = local_time(zone, sale.created_at).date();
            let place = lines.partition_point(|line| line.begins <= day).checked_sub(1);
            if let Some(line) = place.and_then(|place| lines.get_mut(place)) {
                line.orders = line.orders.saturating_add(1);
            }
        }
        Ok(lines)
    }

    fn trend(&self, to: NaiveDate, sales: &[Sale]) -> (TrendLine, Vec<TrendLine>) {
        let zone = self.mapping.zone;
        let back = |days| to.checked_sub_days(Days::new(days)).unwrap_or(to);
        let now = Window::of_dates(back(TREND_DAYS - 1), to, zone);
        let before = Window::of_dates(back(2 * TREND_DAYS - 1), back(TREND_DAYS), zone);
        let count = |window: Window| {
            let placed = sales.iter().filter(|sale| window.contains(sale.created_at)).count();
            u64::try_from(placed).unwrap_or(u64::MAX)
        };
        let (orders, earlier) = (count(now), count(before));
        let policy = TrendPolicy::default();
        let growth = if earlier == 0 {
            Growth::New
        } else {
            Growth::Changed { now: orders, before: earlier }
        };
        let all = TrendLine {
            name: "all orders".to_owned(),
            now: orders,
            before: earlier,
            growth: if orders + earlier == 0 { "–".to_owned() } else { growth.to_string() },
            fast: growth.is_at_least(policy.fast_percent) && orders >= policy.fast_units,
            slow: growth.is_at_most_minus(policy.slow_percent),
        };
        let mut skus: Vec<TrendLine> = sales_trend(sales, &now, &policy)
            .into_iter()
            .map(|trend| TrendLine {
                name: trend.sku.to_string(),
                now: trend.units,
                before: trend.units_before,
                growth: if trend.units + trend.units_before == 0 {
                    "not sold".to_owned()
                } else {
                    trend.growth.to_string()
                },
                fast: trend.fast,
                slow: trend.slow,
            })
            .collect();
        skus.sort_by(|a, b| b.now.cmp(&a.now).then_with(|| a.name.cmp(&b.name)));
        (all, skus)
    }

    fn regions(&self, sales: &[Sale]) -> Vec<RegionLine> {
        // One country for all says nothing about regions.
        if !self.has(&[Field::State, Field::Country]) {
            return Vec::new();
        }
        let level = if self.has(&[Field::State]) && sales.iter().any(|sale| sale.state.is_some()) {
            PlaceLevel::State
        } else {
            PlaceLevel::Country
        };
        let line = |figures: RegionFigures| RegionLine {
            region: figures.region,
            orders: figures.orders,
            share: figures.share.map(RatioLine::from),
            value: if self.has(&[Field::Total]) {
                let sums = figures.value.iter();
                sums.map(|(currency, sum)| format!("{sum:.2} {currency}")).collect()
            } else {
                Vec::new()
            },
            mean_transit_seconds: figures.mean_transit_seconds,
            late: figures.delayed.filter(|_| self.has(&[Field::DeliveredAt])).map(RatioLine::from),
            warehouse_hint: figures.warehouse_hint,
        };
        regions(sales, &self.window, level, &RegionPolicy::default())
            .into_iter()
            .map(line)
            .collect()
    }

    fn carriers(&self) -> Result<(Vec<CarrierLine>, Vec<String>), ReportError> {
        let service = self.has(&[Field::Service]);
        let mut query = self.query().grouped_by([Dimension::Carrier]).with_percentiles();
        if service {
            query = query.grouped_by([Dimension::Service]);
        }
        let performance = query.carrier_performance(&self.orders.parcels)?;
        let line =
            |(key, counts): (&orderflow::rules::kpi::GroupKey, &CarrierCounts)| CarrierLine {
                name: key.to_string(),
                parcels: counts.sign_off.cohort(),
                transit: DurationLine::from(&counts.transit),
                on_time: counts.on_time.ratio().map(RatioLine::from),
                pending: counts.on_time.pending,
                delivered: counts.sign_off.ratio().map(RatioLine::from),
                lost_or_returned: counts
                    .lost_or_returned
                    .ratio()
                    .filter(|_| self.can(KpiId::ParcelLoss))
                    .map(RatioLine::from),
                cost_per_parcel: counts
                    .cost_per_parcel()
                    .values()
                    .map(|money| format!("{:.2} {}", money.amount, money.currency))
                    .collect(),
            };
        let lines = performance.groups.iter().map(line).collect();
        let alerts = if service && self.can(KpiId::DeliveryDelay) {
            let zone = self.mapping.zone;
            let weekly = self
                .query()
                .with_kpis([KpiId::DeliveryDelay])
                .grouped_by([Dimension::Carrier, Dimension::Service])
                .per(Periods { unit: PeriodUnit::Week, zone });
            let alerts = carrier_delay_alerts(&weekly.count(&self.orders.facts)?)?;
            alerts.iter().map(ToString::to_string).collect()
        } else {
            Vec::new()
        };
        Ok((lines, alerts))
    }

    fn sellers(&self) -> Result<Vec<SellerLine>, ReportError> {
        if !self.has(&[Field::Seller]) {
            return Ok(Vec::new());
        }
        let wanted =
            [KpiId::Cancellation, KpiId::OnTimeShipping, KpiId::DeliveryDelay, KpiId::HandlingTime];
        let query = self.query().with_kpis(wanted).grouped_by([Dimension::Shop]).with_percentiles();
        let counters: KpiCounters = query.count(&self.orders.facts)?;
        let mut lines: Vec<SellerLine> = counters
            .groups()
            .map(|group| {
                let kpi = |id| group.kpi(id, self.mode, &self.targets);
                SellerLine {
                    name: group.name(Dimension::Shop).unwrap_or("unknown").to_owned(),
                    orders: kpi(KpiId::Cancellation).denominator,
                    on_time_shipping: kpi(KpiId::OnTimeShipping)
                        .ratio()
                        .filter(|_| self.can(KpiId::OnTimeShipping))
                        .map(RatioLine::from),
                    on_time_delivery: rest_of(&kpi(KpiId::DeliveryDelay))
                        .filter(|_| self.can(KpiId::DeliveryDelay)),
                    handling: kpi(KpiId::HandlingTime).durations().map(DurationLine::from),
                }
            })
            .collect();
        lines.sort_by(|a, b| b.orders.cmp(&a.orders).then_with(|| a.name.cmp(&b.name)));
        Ok(lines)
    }

    fn on_time_target(&self) -> Option<u32> {
        let healthy =
            |id| self.targets.of(id).filter(|_| self.can(id)).map(|target| target.healthy);
        match (healthy(KpiId::OnTimeShipping), healthy(KpiId::DeliveryDelay)) {
            (Some(Limit::AtLeast(share) | Limit::MoreThan(share)), _) => Some(share),
            (_, Some(Limit::AtMost(late) | Limit::LessThan(late))) => 10_000_u32.checked_sub(late),
            _ => None,
        }
    }

    fn notes(&self) -> Vec<String> {
        let orders = self.orders;
        let mut notes = self.mapping.notes.clone();
        notes.push(format!(
            "Times without a zone are taken as those of {}; --zone names another.",
            self.mapping.zone
        ));
        if let Some(currency) = self.mapping.currency.filter(|_| orders.assumed_currency) {
            notes.push(format!(
                "Where the file names no currency, amounts are taken as {currency}; --currency names another."
            ));
        }
        if let Some(country) = self.mapping.country.as_ref().filter(|_| orders.assumed_country) {
            let country = super::mapping::quoted(country);
            notes.push(format!(
                "Where the file names no country, buyers are taken to be in {country}; --country names another."
            ));
        }
        if !self.has(&[Field::PaidAt]) {
            notes.push(
                "No column says when an order was paid: it counts as paid when placed.".to_owned(),
            );
        }
        if let Some(hours) = self.mapping.ship_within_hours {
            notes.push(format!(
                "Where the file has no deadline to ship, {hours} hours after payment are assumed."
            ));
        }
        if orders.cancelled_without_instant > 0 {
            notes.push(format!(
                "Cancelled orders without a time of cancellation: {}. They count as cancelled when the last thing known of them happened.",
                orders.cancelled_without_instant
            ));
        }
        if orders.cancelled_by_nobody > 0 {
            notes.push(format!(
                "Cancelled orders of which the file does not say by whom: {}. They count as cancelled by the buyer, not against the seller.",
                orders.cancelled_by_nobody
            ));
        }
        for (word, count) in &orders.unknown_statuses {
            let word = super::mapping::quoted(word);
            notes.push(format!(
                "Orders with the unknown status {word}: {count}. They count as open."
            ));
        }
        notes
    }
}

impl Report {
    /// Why the report says nothing of its file, if it has rows and none of them counts.
    pub fn failure(&self) -> Option<String> {
        (self.orders == 0 && self.rows > 0)
            .then(|| format!("none of the {} rows can be counted", self.rows))
    }

    /// The days of the report, in words.
    pub fn days(&self) -> String {
        match (self.from, self.to) {
            (Some(from), Some(to)) => format!("{from} to {to}"),
            (Some(from), None) => format!("from {from}"),
            (None, Some(to)) => format!("up to {to}"),
            (None, None) => "no day".to_owned(),
        }
    }

    /// Up to when things are known, in words.
    pub fn known_up_to(&self) -> &str {
        self.as_of_local.as_deref().unwrap_or("no instant: no order has a date")
    }

    /// Answers a question about a file.
    pub fn of(
        source: &str,
        orders: &Orders,
        mapping: &Mapping,
        question: &Question,
    ) -> Result<Self, ReportError> {
        let zone = mapping.zone;
        // Without any date there is nothing to count, whatever the window is.
        let known = question.as_of.or(orders.latest);
        let as_of = known.unwrap_or(DateTime::<Utc>::UNIX_EPOCH);
        let day =
            |instant: Option<DateTime<Utc>>| local_time(zone, instant.unwrap_or(as_of)).date();
        let from = question.from.unwrap_or_else(|| day(orders.first_placed));
        let to = question.to.unwrap_or_else(|| day(Some(as_of)));
        let targets_name = question.targets.clone().unwrap_or_else(|| "seed".to_owned());
        let mode =
            if question.all_orders { DenominatorMode::AllOrders } else { DenominatorMode::Decided };
        let window = Window::of_dates(from, to, zone);
        let presets = target_presets()?;
        let targets = KpiTargets::from_presets(&presets, &targets_name)?;
        let titled = presets.into_iter().find(|preset| preset.name == targets_name);
        let targets_title = titled.map_or_else(String::new, |preset| preset.title);
        let frame = Frame { orders, mapping, window, from, to, as_of, mode, targets };

        // Analytics know no "as of": what came later is taken away before.
        let mut sales = orders.sales.clone();
        sales.retain(|sale| sale.created_at <= as_of);
        for sale in &mut sales {
            sale.paid_at = sale.paid_at.filter(|at| *at <= as_of);
            sale.delivered_at = sale.delivered_at.filter(|at| *at <= as_of);
        }

        let mut notes = frame.notes();
        let kpis = frame.kpis(&mut notes)?;
        let long = to.signed_duration_since(from).num_days() > LONG_WINDOW_DAYS;
        let period = if long { PeriodUnit::Month } else { PeriodUnit::Week };
        let trend_to = day(orders.last_placed).min(to);
        let (trend, skus) = frame.trend(trend_to, &sales);
        let order_value = if frame.has(&[Field::Total]) {
            average_order_value(&sales, &window)
                .iter()
                .map(|(currency, value)| {
                    format!("{:.2} {currency} over {} orders", value.mean, value.orders)
                })
                .collect()
        } else {
            Vec::new()
        };
        let (carriers, carrier_alerts) = frame.carriers()?;
        Ok(Self {
            source: source.to_owned(),
            zone: zone.name().to_owned(),
            from: known.map(|_| from).or(question.from),
            to: known.map(|_| to).or(question.to),
            as_of: known,
            as_of_local: known
                .map(|known| local_time(zone, known).format("%Y-%m-%d %H:%M").to_string()),
            targets_title,
            targets: targets_name,
            all_orders: question.all_orders,
            rows: orders.rows,
            orders: orders.facts.len(),
            rejected: orders.rejected.clone(),
            odd: orders.odd.clone(),
            notes,
            kpis,
            absent: frame.absent(),
            on_time_target: frame.on_time_target(),
            period,
            periods: if known.is_some() { frame.periods(period)? } else { Vec::new() },
            trend_to: known.map(|_| trend_to),
            trend_days: TREND_DAYS,
            trend,
            skus,
            order_value,
            regions: frame.regions(&sales),
            hours: hours_of_day(&sales, &window, zone),
            carriers,
            carrier_alerts,
            sellers: frame.sellers()?,
        })
    }
}
