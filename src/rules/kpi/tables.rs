//! Parcels, messages, units and exceptions: figures that do not count orders.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::definitions::{ExclusionReason, KpiId, NEVER, Outcome, acknowledgement, micros_of};
use super::facts::{RowKeys, instant_micros};
use super::figures::{Counts, Durations, Kpi};
use super::query::{Bins, Dimension, GroupKey, KpiError, KpiQuery};
use super::targets::KpiTargets;
use crate::money::{Currency, Money, MoneyError};
use crate::units::Grams;

/// How a parcel ended without being delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParcelEnd {
    /// It came back.
    Returned,
    /// It was lost or destroyed.
    Lost,
}

/// The facts of one parcel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ParcelRow {
    /// What it is grouped by.
    pub keys: RowKeys,
    /// Whether its order is a test.
    pub test: bool,
    /// Whether the platform ships it.
    pub platform_fulfilled: bool,
    /// When shipment was confirmed.
    pub ship_confirmed_at: Option<DateTime<Utc>>,
    /// When its number reached the platform.
    pub uploaded_at: Option<DateTime<Utc>>,
    /// First physical scan.
    pub accepted_at: Option<DateTime<Utc>>,
    /// Delivery.
    pub delivered_at: Option<DateTime<Utc>>,
    /// When it was promised.
    pub deliver_by: Option<DateTime<Utc>>,
    /// How and when it ended otherwise.
    pub ended: Option<(ParcelEnd, DateTime<Utc>)>,
    /// What its label cost; `None` when it was voided or is not known.
    pub label_cost: Option<Money>,
    /// How heavy; `None` when not known.
    pub weight: Option<Grams>,
}

/// The facts of one message of a buyer (KPI-11).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageRow {
    /// What it is grouped by.
    #[serde(default)]
    pub keys: RowKeys,
    /// When it came.
    pub received_at: DateTime<Utc>,
    /// Whether it needs an answer.
    pub needs_answer: bool,
    /// When it was answered.
    pub answered_at: Option<DateTime<Utc>>,
    /// Until when it must be; by default the hours of the policy after it came.
    pub reply_by: Option<DateTime<Utc>>,
}

/// Units of one SKU that were delivered together, and what of them came back (KPI-16).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitsRow {
    /// What they are grouped by.
    #[serde(default)]
    pub keys: RowKeys,
    /// Whether their order is a test.
    #[serde(default)]
    pub test: bool,
    /// Whether the platform ships them.
    #[serde(default)]
    pub platform_fulfilled: bool,
    /// When they were delivered.
    pub delivered_at: DateTime<Utc>,
    /// How many.
    pub delivered: u32,
    /// How many came back, and when.
    pub returned: Vec<(u32, DateTime<Utc>)>,
}

/// One exception (K-EXC).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExceptionRow {
    /// What it is grouped by.
    #[serde(default)]
    pub keys: RowKeys,
    /// A test: never counted.
    #[serde(default)]
    pub test: bool,
    /// Shipped by the platform: never counted.
    #[serde(default)]
    pub platform_fulfilled: bool,
    /// When it was opened.
    pub opened_at: DateTime<Utc>,
    /// When it was resolved.
    pub resolved_at: Option<DateTime<Utc>>,
}

/// Counters that merge.
pub trait Merge: Clone + Default {
    /// Adds those of another place.
    fn merge_with(&mut self, other: &Self);
}

impl Merge for Counts {
    fn merge_with(&mut self, other: &Self) {
        *self = self.merge(other);
    }
}

impl Merge for Durations {
    fn merge_with(&mut self, other: &Self) {
        self.merge(other);
    }
}

/// Counters by group. They merge, in any order, and can be stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<(GroupKey, C)>", into = "Vec<(GroupKey, C)>")]
#[serde(bound(serialize = "C: Serialize + Clone", deserialize = "C: Merge + Deserialize<'de>"))]
pub struct Grouped<C> {
    /// By group, in order.
    pub groups: BTreeMap<GroupKey, C>,
}

impl<C> Default for Grouped<C> {
    fn default() -> Self {
        Self { groups: BTreeMap::new() }
    }
}

impl<C: Merge> From<Vec<(GroupKey, C)>> for Grouped<C> {
    fn from(pairs: Vec<(GroupKey, C)>) -> Self {
        let mut own = Self::default();
        for (key, counters) in pairs {
            own.groups.entry(key).or_default().merge_with(&counters);
        }
        own
    }
}

impl<C> From<Grouped<C>> for Vec<(GroupKey, C)> {
    fn from(grouped: Grouped<C>) -> Self {
        grouped.groups.into_iter().collect()
    }
}

impl<C: Merge> Grouped<C> {
    /// Adds the counters of other rows under the same question.
    pub fn merge(&mut self, other: &Self) {
        for (key, counters) in &other.groups {
            self.groups.entry(key.clone()).or_default().merge_with(counters);
        }
    }

    /// All groups together. With [`Dimension::Sku`] a row counts once for each of its SKUs.
    #[must_use]
    pub fn total(&self) -> C {
        let mut all = C::default();
        for counters in self.groups.values() {
            all.merge_with(counters);
        }
        all
    }
}

/// Finds the groups of rows that are not orders.
struct Grouping<'a> {
    query: &'a KpiQuery,
    bins: Bins,
    as_of: i64,
}

impl<'a> Grouping<'a> {
    fn new(query: &'a KpiQuery) -> Result<Self, KpiError> {
        Ok(Self { query, bins: Bins::new(query)?, as_of: instant_micros(query.as_of) })
    }

    /// The groups of a row whose cohort instant is known and has come.
    fn of(&self, keys: &RowKeys, instant: i64) -> Vec<GroupKey> {
        let inside = self.bins.from() <= instant && instant < self.bins.to();
        if !inside || instant > self.as_of || !self.query.scope.fits(keys) {
            return Vec::new();
        }
        let group_by = &self.query.group_by;
        let grouped = |dimension: &Dimension| group_by.contains(dimension);
        let mut key = GroupKey {
            period: self.bins.dates().get(self.bins.of(instant)).copied(),
            parts: Dimension::SINGLE
                .into_iter()
                .filter(grouped)
                .map(|dimension| (dimension, keys.part(dimension).map(str::to_owned)))
                .collect(),
        };
        if !grouped(&Dimension::Sku) {
            return vec![key];
        }
        if keys.skus.is_empty() {
            key.parts.insert(Dimension::Sku, None);
            return vec![key];
        }
        let wanted = &self.query.scope.skus;
        let mut skus: Vec<_> = keys.skus.iter().collect();
        skus.sort_unstable();
        skus.dedup();
        skus.into_iter()
            .filter(|sku| wanted.is_empty() || wanted.contains(sku))
            .map(|sku| {
                let mut own = key.clone();
                own.parts.insert(Dimension::Sku, Some(sku.as_str().to_owned()));
                own
            })
            .collect()
    }

    fn count<'r, R: 'r, C: Merge>(
        &self,
        rows: impl IntoIterator<Item = &'r R>,
        cohort: impl Fn(&R) -> (&RowKeys, Option<DateTime<Utc>>),
        mut add: impl FnMut(&mut C, &R),
    ) -> Grouped<C> {
        let mut grouped = Grouped::default();
        for row in rows {
            let (keys, instant) = cohort(row);
            let Some(instant) = instant.map(instant_micros) else { continue };
            for key in self.of(keys, instant) {
                add(grouped.groups.entry(key).or_default(), row);
            }
        }
        grouped
    }

    fn seen(&self, instant: Option<DateTime<Utc>>) -> Option<i64> {
        instant.map(instant_micros).filter(|instant| *instant <= self.as_of)
    }
}

fn never_counts(test: bool, platform_fulfilled: bool) -> Option<ExclusionReason> {
    if test {
        Some(ExclusionReason::Test)
    } else {
        platform_fulfilled.then_some(ExclusionReason::PlatformFulfilled)
    }
}

impl Counts {
    pub(super) fn add(&mut self, outcome: Outcome, units: u64) {
        match outcome {
            Outcome::Hit => {
                self.numerator = self.numerator.saturating_add(units);
                self.denominator = self.denominator.saturating_add(units);
            }
            Outcome::Miss => self.denominator = self.denominator.saturating_add(units),
            Outcome::Pending => self.pending = self.pending.saturating_add(units),
            Outcome::Excluded(reason) => self.excluded.add(reason, units),
        }
    }
}

/// What labels cost in one currency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParcelCosts {
    /// Parcels whose label cost is known in this currency.
    pub parcels: u64,
    /// All together.
    #[serde(with = "rust_decimal::serde::str")]
    pub amount: Decimal,
    /// Of those, parcels whose weight is known.
    pub weighed: u64,
    /// What these weigh.
    pub grams: u64,
    /// What these cost.
    #[serde(with = "rust_decimal::serde::str")]
    pub weighed_amount: Decimal,
}

/// KPI-17 of a group: what became of the parcels a carrier accepted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarrierCounts {
    /// Acceptance to delivery, of the delivered.
    pub transit: Durations,
    /// Delivered, of the decided.
    pub sign_off: Counts,
    /// Delivered in time, of those whose promise is decided.
    pub on_time: Counts,
    /// Lost or returned, of the decided.
    pub lost_or_returned: Counts,
    /// What labels cost, by currency.
    pub costs: BTreeMap<Currency, ParcelCosts>,
}

impl Merge for CarrierCounts {
    fn merge_with(&mut self, other: &Self) {
        self.transit.merge(&other.transit);
        self.sign_off = self.sign_off.merge(&other.sign_off);
        self.on_time = self.on_time.merge(&other.on_time);
        self.lost_or_returned = self.lost_or_returned.merge(&other.lost_or_returned);
        for (currency, theirs) in &other.costs {
            let own = self.costs.entry(*currency).or_default();
            own.parcels = own.parcels.saturating_add(theirs.parcels);
            own.amount = own.amount.saturating_add(theirs.amount);
            own.weighed = own.weighed.saturating_add(theirs.weighed);
            own.grams = own.grams.saturating_add(theirs.grams);
            own.weighed_amount = own.weighed_amount.saturating_add(theirs.weighed_amount);
        }
    }
}

impl CarrierCounts {
    /// What a parcel cost on average, by currency, rounded half up to a hundredth of the smallest
    /// unit.
    #[must_use]
    pub fn cost_per_parcel(&self) -> BTreeMap<Currency, Money> {
        self.quotients(|costs| costs.amount.checked_div(Decimal::from(costs.parcels)))
    }

    /// What a kilogram cost on average, by currency, over the parcels whose weight is known.
    #[must_use]
    pub fn cost_per_kilogram(&self) -> BTreeMap<Currency, Money> {
        self.quotients(|costs| {
            costs
                .weighed_amount
                .checked_mul(Decimal::ONE_THOUSAND)?
                .checked_div(Decimal::from(costs.grams))
        })
    }

    fn quotients(
        &self,
        quotient: impl Fn(&ParcelCosts) -> Option<Decimal>,
    ) -> BTreeMap<Currency, Money> {
        self.costs
            .iter()
            .filter_map(|(currency, costs)| {
                let amount = quotient(costs)?.round_dp_with_strategy(
                    currency.minor_digits() + 2,
                    rust_decimal::RoundingStrategy::MidpointAwayFromZero,
                );
                Some((*currency, Money::new(amount, *currency)))
            })
            .collect()
    }

    /// A figure of KPI-17: [`KpiId::TransitTime`], [`KpiId::SignOff`], [`KpiId::CarrierOnTime`] or
    /// [`KpiId::ParcelLoss`]. Any other has no data.
    #[must_use]
    pub fn kpi(&self, id: KpiId, query: &KpiQuery, targets: &KpiTargets) -> Kpi {
        let counts = match id {
            KpiId::TransitTime => Counts::of_durations(&self.transit),
            KpiId::SignOff => self.sign_off,
            KpiId::CarrierOnTime => self.on_time,
            KpiId::ParcelLoss => self.lost_or_returned,
            _ => Counts::default(),
        };
        let durations = (id == KpiId::TransitTime).then(|| self.transit.clone());
        Kpi::new(id, query.window, counts, durations, targets.of(id).cloned())
    }

    fn add(&mut self, row: &ParcelRow, grouping: &Grouping<'_>) -> Result<(), MoneyError> {
        if let Some(reason) = never_counts(row.test, row.platform_fulfilled) {
            for counts in [&mut self.sign_off, &mut self.on_time, &mut self.lost_or_returned] {
                counts.add(Outcome::Excluded(reason), 1);
            }
            return Ok(());
        }
        let as_of = grouping.as_of;
        let accepted = row.accepted_at.map_or(NEVER, instant_micros);
        let delivered = grouping.seen(row.delivered_at);
        let ended = grouping.seen(row.ended.map(|(_, at)| at)).is_some();
        if let Some(delivered) = delivered {
            self.transit.add(delivered.saturating_sub(accepted));
        }
        let days = TimeDelta::days(i64::from(grouping.query.policy.parcel_decided_days));
        let overdue = as_of > accepted.saturating_add(micros_of(days));
        let decided = delivered.is_some() || ended || overdue;
        let judge = |hit: bool| match (decided, hit) {
            (false, _) => Outcome::Pending,
            (true, true) => Outcome::Hit,
            (true, false) => Outcome::Miss,
        };
        self.sign_off.add(judge(delivered.is_some()), 1);
        self.lost_or_returned.add(judge(ended && delivered.is_none()), 1);
        let promise = row.deliver_by.map(instant_micros);
        self.on_time.add(
            match (promise, delivered) {
                (None, _) => Outcome::Excluded(ExclusionReason::NoDeadline),
                (Some(due), Some(delivered)) if delivered <= due => Outcome::Hit,
                (Some(_), Some(_)) => Outcome::Miss,
                (Some(due), None) if due <= as_of => Outcome::Miss,
                (Some(_), None) => Outcome::Pending,
            },
            1,
        );
        if let Some(cost) = row.label_cost {
            let costs = self.costs.entry(cost.currency).or_default();
            let sum = |sum: Decimal| sum.checked_add(cost.amount).ok_or(MoneyError::OutOfRange);
            costs.amount = sum(costs.amount)?;
            costs.parcels = costs.parcels.saturating_add(1);
            if let Some(weight) = row.weight {
                costs.weighed_amount = sum(costs.weighed_amount)?;
                costs.weighed = costs.weighed.saturating_add(1);
                costs.grams = costs.grams.saturating_add(u64::from(weight.get()));
            }
        }
        Ok(())
    }
}

impl KpiQuery {
    /// KPI-17 over parcels accepted in the window. Group by carrier and service to compare.
    ///
    /// # Errors
    /// [`KpiError`] when the question has no answer or costs do not fit a sum.
    pub fn carrier_performance<'a>(
        &self,
        parcels: impl IntoIterator<Item = &'a ParcelRow>,
    ) -> Result<Grouped<CarrierCounts>, KpiError> {
        let grouping = Grouping::new(self)?;
        let mut fits = true;
        let mut grouped: Grouped<CarrierCounts> = grouping.count(
            parcels,
            |row: &ParcelRow| (&row.keys, row.accepted_at),
            |counts: &mut CarrierCounts, row| fits &= counts.add(row, &grouping).is_ok(),
        );
        for counts in grouped.groups.values_mut() {
            counts.transit.sort();
        }
        if fits { Ok(grouped) } else { Err(KpiError::AmountOutOfRange) }
    }

    /// K-UPLAT: ship confirmation to upload, over parcels uploaded in the window.
    ///
    /// # Errors
    /// [`KpiError`] when the question has no answer.
    pub fn upload_latency<'a>(
        &self,
        parcels: impl IntoIterator<Item = &'a ParcelRow>,
    ) -> Result<Grouped<Durations>, KpiError> {
        let grouping = Grouping::new(self)?;
        let counted = parcels.into_iter().filter(|row| {
            row.ship_confirmed_at.is_some()
                && never_counts(row.test, row.platform_fulfilled).is_none()
        });
        let mut grouped: Grouped<Durations> = grouping.count(
            counted,
            |row: &ParcelRow| (&row.keys, row.uploaded_at),
            |durations: &mut Durations, row| {
                if let (Some(from), Some(to)) = (row.ship_confirmed_at, row.uploaded_at) {
                    durations.add(instant_micros(to).saturating_sub(instant_micros(from)));
                }
            },
        );
        grouped.groups.values_mut().for_each(Durations::sort);
        Ok(grouped)
    }

    /// KPI-11: answered in time, over messages received in the window.
    ///
    /// # Errors
    /// [`KpiError`] when the question has no answer.
    pub fn reply_rate<'a>(
        &self,
        messages: impl IntoIterator<Item = &'a MessageRow>,
    ) -> Result<Grouped<Counts>, KpiError> {
        let grouping = Grouping::new(self)?;
        let usual = micros_of(TimeDelta::hours(i64::from(self.policy.reply_hours)));
        Ok(grouping.count(
            messages,
            |row: &MessageRow| (&row.keys, Some(row.received_at)),
            |counts: &mut Counts, row| {
                let by = row.reply_by.map_or_else(
                    || instant_micros(row.received_at).saturating_add(usual),
                    instant_micros,
                );
                let answered = row.answered_at.map_or(NEVER, instant_micros);
                let by = by.min(NEVER - 1);
                counts.add(acknowledgement(row.needs_answer, answered, by, grouping.as_of), 1);
            },
        ))
    }

    /// KPI-16: units returned of those delivered in the window. Group by SKU for the rate of each.
    ///
    /// # Errors
    /// [`KpiError`] when the question has no answer.
    pub fn return_rate<'a>(
        &self,
        units: impl IntoIterator<Item = &'a UnitsRow>,
    ) -> Result<Grouped<Counts>, KpiError> {
        let grouping = Grouping::new(self)?;
        Ok(grouping.count(
            units,
            |row: &UnitsRow| (&row.keys, Some(row.delivered_at)),
            |counts: &mut Counts, row| {
                let delivered = u64::from(row.delivered);
                if let Some(reason) = never_counts(row.test, row.platform_fulfilled) {
                    return counts.add(Outcome::Excluded(reason), delivered);
                }
                let came_back = row.returned.iter().filter(|(_, at)| *at <= self.as_of);
                let returned = came_back
                    .fold(0_u64, |sum, (units, _)| sum.saturating_add(u64::from(*units)))
                    .min(delivered);
                counts.add(Outcome::Hit, returned);
                counts.add(Outcome::Miss, delivered - returned);
            },
        ))
    }

    /// K-EXC: opened to resolved, over exceptions resolved in the window.
    ///
    /// # Errors
    /// [`KpiError`] when the question has no answer.
    pub fn exception_resolution<'a>(
        &self,
        exceptions: impl IntoIterator<Item = &'a ExceptionRow>,
    ) -> Result<Grouped<Durations>, KpiError> {
        let grouping = Grouping::new(self)?;
        let counted = exceptions
            .into_iter()
            .filter(|row| never_counts(row.test, row.platform_fulfilled).is_none());
        let mut grouped: Grouped<Durations> = grouping.count(
            counted,
            |row: &ExceptionRow| (&row.keys, row.resolved_at),
            |durations: &mut Durations, row| {
                if let Some(to) = row.resolved_at {
                    durations.add(instant_micros(to).saturating_sub(instant_micros(row.opened_at)));
                }
            },
        );
        grouped.groups.values_mut().for_each(Durations::sort);
        Ok(grouped)
    }
}
