//! What routing and alerts need of the figures of carriers.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};

use super::counters::KpiCounters;
use super::definitions::{DenominatorMode, KpiId};
use super::figures::Ratio;
use super::query::{Dimension, GroupKey, KpiError, PeriodUnit};
use super::tables::{CarrierCounts, Grouped};
use crate::ids::{CarrierId, ServiceCode};
use crate::rules::CarrierReliability;
use crate::shipment::ServiceKey;

/// The delay rate above which a service is late (A-CARRIER), in hundredths of a percent; strict.
pub const LATE_SERVICE_BASIS_POINTS: u32 = 500;

fn service(carrier: Option<&str>, service: Option<&str>) -> Option<ServiceKey> {
    let carrier = CarrierId::new(carrier?).ok()?;
    Some(ServiceKey::new(carrier, ServiceCode::new(service?).ok()?))
}

fn grouped_by_service(counters: &KpiCounters) -> Result<(), KpiError> {
    let by = &counters.query().group_by;
    if by.contains(&Dimension::Carrier) && by.contains(&Dimension::Service) {
        Ok(())
    } else {
        Err(KpiError::NotGroupedBy("carrier and service"))
    }
}

/// How reliable each service has been, for routing: parcels decided and late by KPI-17, and where a
/// service has no parcels there, orders by KPI-06. The two see the same deliveries, so they are
/// never added up. Groups without carrier or service are left out.
///
/// # Errors
/// [`KpiError::NotGroupedBy`] when `orders` are not grouped by carrier and service.
pub fn carrier_reliability(
    parcels: &Grouped<CarrierCounts>,
    orders: Option<&KpiCounters>,
) -> Result<BTreeMap<ServiceKey, CarrierReliability>, KpiError> {
    let mut sums: BTreeMap<ServiceKey, (u64, u64)> = BTreeMap::new();
    let mut add = |key: ServiceKey, decided: u64, late: u64| {
        let sum = sums.entry(key).or_default();
        *sum = (sum.0.saturating_add(decided), sum.1.saturating_add(late));
    };
    let of =
        |group: &GroupKey| service(group.part(Dimension::Carrier), group.part(Dimension::Service));
    for (group, counts) in &parcels.groups {
        let on_time = counts.on_time;
        if let Some(key) = of(group).filter(|_| on_time.denominator > 0) {
            add(key, on_time.denominator, on_time.denominator.saturating_sub(on_time.numerator));
        }
    }
    if let Some(orders) = orders {
        grouped_by_service(orders)?;
        let mut others: BTreeMap<ServiceKey, (u64, u64)> = BTreeMap::new();
        if let Some(reader) = orders.reader(KpiId::DeliveryDelay, DenominatorMode::Decided) {
            for group in orders.groups() {
                let names = (group.name(Dimension::Carrier), group.name(Dimension::Service));
                let Some(key) = service(names.0, names.1) else { continue };
                let counts = group.counts(&reader);
                let sum = others.entry(key).or_default();
                *sum = (
                    sum.0.saturating_add(counts.denominator),
                    sum.1.saturating_add(counts.numerator),
                );
            }
        }
        for (key, counted) in others.into_iter().filter(|(_, (decided, _))| *decided > 0) {
            sums.entry(key).or_insert(counted);
        }
    }
    let narrow = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    Ok(sums
        .into_iter()
        .map(|(key, (decided, late))| {
            (key, CarrierReliability { decided: narrow(decided), late: narrow(late) })
        })
        .collect())
}

/// A service that was late in two consecutive weeks (A-CARRIER).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarrierDelayAlert {
    /// Which.
    pub service: ServiceKey,
    /// The first week, by its Monday, and its delay rate.
    pub first: (NaiveDate, Ratio),
    /// The week after it.
    pub second: (NaiveDate, Ratio),
}

impl std::fmt::Display for CarrierDelayAlert {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} delivered {} late in the week of {} and {} in the week of {}: consider another",
            self.service,
            self.first.1.percent(),
            self.first.0,
            self.second.1.percent(),
            self.second.0
        )
    }
}

/// The latest two consecutive weeks in which a delay rate is above 5 %, if there are any. A week
/// without a rate breaks the run.
///
/// ```
/// use std::collections::BTreeMap;
/// use chrono::NaiveDate;
/// use orderflow::rules::kpi::{Ratio, late_weeks};
///
/// let monday = |d| NaiveDate::from_ymd_opt(2026, 3, d).unwrap();
/// let rate = |late| Ratio::new(late, 100).unwrap();
/// let weeks = BTreeMap::from([(monday(2), rate(6)), (monday(9), rate(7)), (monday(16), rate(5))]);
/// assert_eq!(late_weeks(&weeks).unwrap().1.0, monday(9));
/// ```
#[must_use]
pub fn late_weeks(
    weeks: &BTreeMap<NaiveDate, Ratio>,
) -> Option<((NaiveDate, Ratio), (NaiveDate, Ratio))> {
    let is_late = |rate: &Ratio| rate.compare(LATE_SERVICE_BASIS_POINTS).is_gt();
    weeks.iter().rev().find_map(|(second, rate)| {
        let first = second.checked_sub_days(Days::new(7))?;
        let before = weeks.get(&first)?;
        (is_late(rate) && is_late(before)).then_some(((first, *before), (*second, *rate)))
    })
}

/// A-CARRIER: the services whose delivery delay rate (KPI-06) is above 5 % in two consecutive
/// weeks, in order. The counters must be grouped by carrier, service and week.
///
/// # Errors
/// [`KpiError::NotGroupedBy`].
pub fn carrier_delay_alerts(counters: &KpiCounters) -> Result<Vec<CarrierDelayAlert>, KpiError> {
    grouped_by_service(counters)?;
    let query = counters.query();
    let weekly = query.periods.is_some_and(|periods| periods.unit == PeriodUnit::Week)
        && query.group_by.contains(&Dimension::Period);
    if !weekly {
        return Err(KpiError::NotGroupedBy("week"));
    }
    let Some(reader) = counters.reader(KpiId::DeliveryDelay, DenominatorMode::Decided) else {
        return Ok(Vec::new());
    };
    let mut sums: BTreeMap<ServiceKey, BTreeMap<NaiveDate, (u64, u64)>> = BTreeMap::new();
    for group in counters.groups() {
        let names = (group.name(Dimension::Carrier), group.name(Dimension::Service));
        if let (Some(key), Some(week)) = (service(names.0, names.1), group.period()) {
            let counts = group.counts(&reader);
            let sum = sums.entry(key).or_default().entry(week).or_default();
            *sum =
                (sum.0.saturating_add(counts.numerator), sum.1.saturating_add(counts.denominator));
        }
    }
    Ok(sums
        .into_iter()
        .filter_map(|(service, weeks)| {
            let rates = weeks
                .into_iter()
                .filter_map(|(week, (late, decided))| Some((week, Ratio::new(late, decided)?)))
                .collect();
            let (first, second) = late_weeks(&rates)?;
            Some(CarrierDelayAlert { service, first, second })
        })
        .collect())
}
