//! Figures: ratios and durations with what they were counted from.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::definitions::{ExclusionReason, KpiId};
use super::query::Window;
use super::targets::Target;
use crate::money::{Currency, Money, MoneyError};

/// An exact ratio. Its denominator is never 0: nothing over nothing is no ratio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "(u64, u64)", into = "(u64, u64)")]
pub struct Ratio {
    numerator: u64,
    denominator: u64,
}

/// A ratio with nothing in its denominator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("denominator: it is 0")]
pub struct NothingCounted;

impl TryFrom<(u64, u64)> for Ratio {
    type Error = NothingCounted;

    fn try_from((numerator, denominator): (u64, u64)) -> Result<Self, NothingCounted> {
        Self::new(numerator, denominator).ok_or(NothingCounted)
    }
}

impl From<Ratio> for (u64, u64) {
    fn from(ratio: Ratio) -> Self {
        (ratio.numerator, ratio.denominator)
    }
}

impl Ratio {
    /// A ratio; `None` when the denominator is 0.
    ///
    /// ```
    /// use orderflow::rules::kpi::Ratio;
    ///
    /// assert_eq!(Ratio::new(6, 8).unwrap().percent(), "75.00 %");
    /// assert_eq!(Ratio::new(0, 0), None);
    /// ```
    #[must_use]
    pub const fn new(numerator: u64, denominator: u64) -> Option<Self> {
        if denominator == 0 { None } else { Some(Self { numerator, denominator }) }
    }

    /// What counts.
    #[must_use]
    pub const fn numerator(self) -> u64 {
        self.numerator
    }

    /// Of how many.
    #[must_use]
    pub const fn denominator(self) -> u64 {
        self.denominator
    }

    /// Compares with hundredths of a percent, exactly.
    ///
    /// ```
    /// use std::cmp::Ordering;
    /// use orderflow::rules::kpi::Ratio;
    ///
    /// let late = Ratio::new(1, 20).unwrap();
    /// assert_eq!(late.compare(500), Ordering::Equal); // 5 % is not above 5 %
    /// ```
    #[must_use]
    pub fn compare(self, basis_points: u32) -> std::cmp::Ordering {
        let own = u128::from(self.numerator) * 10_000;
        own.cmp(&(u128::from(basis_points) * u128::from(self.denominator)))
    }

    /// Compares two ratios exactly.
    #[must_use]
    pub fn compare_to(self, other: Self) -> std::cmp::Ordering {
        let own = u128::from(self.numerator) * u128::from(other.denominator);
        own.cmp(&(u128::from(other.numerator) * u128::from(self.denominator)))
    }

    /// In percent with two decimals, halves rounded up. For display only.
    #[must_use]
    pub fn percent(self) -> String {
        let (own, all) = (u128::from(self.numerator), u128::from(self.denominator));
        let hundredths = (own * 20_000 + all) / (2 * all);
        format!("{}.{:02} %", hundredths / 100, hundredths % 100)
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} = {}", self.numerator, self.denominator, self.percent())
    }
}

/// Durations of which count, sum and, where asked for, every value are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Durations {
    count: u64,
    /// Microseconds.
    sum: i128,
    /// Microseconds, in order; empty when values are not kept.
    values: Vec<i64>,
    /// Rows whose end lies before their beginning: bad facts, in neither count nor sum.
    #[serde(default, skip_serializing_if = "is_zero")]
    contradictory: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Durations {
    pub(super) const fn of_sum(count: u64, sum: i128, values: Vec<i64>) -> Self {
        Self { count, sum, values, contradictory: 0 }
    }

    /// Adds a duration and keeps it; a negative one is a bad fact and counted apart.
    /// [`Durations::sort`] must follow the last one.
    pub(super) fn add(&mut self, micros: i64) {
        if micros < 0 {
            self.contradictory = self.contradictory.saturating_add(1);
            return;
        }
        self.count = self.count.saturating_add(1);
        self.sum = self.sum.saturating_add(i128::from(micros));
        self.values.push(micros);
    }

    pub(super) fn sort(&mut self) {
        self.values.sort_unstable();
    }

    /// Adds those of another place. Never averages averages: counts and sums are merged.
    pub fn merge(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.sum = self.sum.saturating_add(other.sum);
        self.contradictory = self.contradictory.saturating_add(other.contradictory);
        merge_sorted(&mut self.values, &other.values);
    }

    /// How many.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Rows that are left out because their end lies before their beginning. Of orders they are
    /// counted as [`ExclusionReason::Contradictory`].
    #[must_use]
    pub const fn contradictory(&self) -> u64 {
        self.contradictory
    }

    /// All together, in microseconds.
    #[must_use]
    pub const fn sum_micros(&self) -> i128 {
        self.sum
    }

    /// The mean, to the microsecond and rounded down; `None` of none.
    #[must_use]
    pub fn mean(&self) -> Option<TimeDelta> {
        let count = i128::from(self.count);
        if count == 0 {
            return None;
        }
        i64::try_from(self.sum.div_euclid(count)).ok().map(TimeDelta::microseconds)
    }

    /// The duration that `percent` of 100 do not exceed, by nearest rank; `None` when there is none
    /// or values were not kept.
    #[must_use]
    pub fn percentile(&self, percent: u32) -> Option<TimeDelta> {
        let kept = u128::try_from(self.values.len()).ok()?;
        if u128::from(self.count) != kept {
            return None;
        }
        let rank = (kept * u128::from(percent.min(100))).div_ceil(100).max(1);
        let place = usize::try_from(rank - 1).ok()?;
        self.values.get(place).copied().map(TimeDelta::microseconds)
    }

    /// Compares the mean with a limit in seconds, exactly; `None` of none.
    #[must_use]
    pub fn compare_mean(&self, seconds: u64) -> Option<std::cmp::Ordering> {
        let limit = i128::from(seconds) * 1_000_000 * i128::from(self.count);
        (self.count > 0).then(|| self.sum.cmp(&limit))
    }
}

pub(super) fn merge_sorted(own: &mut Vec<i64>, other: &[i64]) {
    if !other.is_empty() {
        own.extend_from_slice(other);
        // Two runs in order: the sort finds and merges them.
        own.sort();
    }
}

/// Orders that do not count, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "BTreeMap<ExclusionReason, u64>", into = "BTreeMap<ExclusionReason, u64>")]
pub struct Excluded([u64; 10]);

impl Excluded {
    pub(super) fn add(&mut self, reason: ExclusionReason, count: u64) {
        if let Some(own) = self.0.get_mut(reason as usize) {
            *own = own.saturating_add(count);
        }
    }

    /// How many for one reason.
    #[must_use]
    pub fn of(&self, reason: ExclusionReason) -> u64 {
        self.0.get(reason as usize).copied().unwrap_or(0)
    }

    /// How many in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// The reasons that occur, with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (ExclusionReason, u64)> + '_ {
        ExclusionReason::ALL
            .into_iter()
            .map(|reason| (reason, self.of(reason)))
            .filter(|(_, count)| *count > 0)
    }
}

impl From<BTreeMap<ExclusionReason, u64>> for Excluded {
    fn from(counts: BTreeMap<ExclusionReason, u64>) -> Self {
        let mut own = Self::default();
        for (reason, count) in counts {
            own.add(reason, count);
        }
        own
    }
}

impl From<Excluded> for BTreeMap<ExclusionReason, u64> {
    fn from(excluded: Excluded) -> Self {
        excluded.iter().collect()
    }
}

/// What the orders of a cohort came to. Numerator, the rest of the denominator, pending and
/// excluded together are the whole cohort.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Counts {
    /// What counts.
    pub numerator: u64,
    /// Of how many.
    pub denominator: u64,
    /// Not decided yet.
    pub pending: u64,
    /// Left out, by reason.
    pub excluded: Excluded,
}

impl Counts {
    /// What was counted of durations.
    pub(super) fn of_durations(durations: &Durations) -> Self {
        let mut counts = Self {
            numerator: durations.count(),
            denominator: durations.count(),
            ..Self::default()
        };
        counts.excluded.add(ExclusionReason::Contradictory, durations.contradictory());
        counts
    }

    /// The ratio; `None` when nothing is counted.
    #[must_use]
    pub const fn ratio(&self) -> Option<Ratio> {
        Ratio::new(self.numerator, self.denominator)
    }

    /// Every order of the cohort.
    #[must_use]
    pub fn cohort(&self) -> u64 {
        self.denominator.saturating_add(self.pending).saturating_add(self.excluded.total())
    }

    /// Adds the counts of another place.
    #[must_use]
    pub fn merge(mut self, other: &Self) -> Self {
        self.numerator = self.numerator.saturating_add(other.numerator);
        self.denominator = self.denominator.saturating_add(other.denominator);
        self.pending = self.pending.saturating_add(other.pending);
        for (reason, count) in other.excluded.iter() {
            self.excluded.add(reason, count);
        }
        self
    }
}

/// The value of a figure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KpiValue {
    /// Of a rate.
    Ratio(Ratio),
    /// Of a duration.
    Duration(Durations),
}

impl fmt::Display for KpiValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ratio(ratio) => f.write_str(&ratio.percent()),
            Self::Duration(durations) => {
                let seconds = durations.mean().map_or(0, |mean| mean.num_seconds());
                let (sign, left) = if seconds < 0 { ("-", -seconds) } else { ("", seconds) };
                write!(f, "{sign}{}:{:02}:{:02} h", left / 3600, left / 60 % 60, left % 60)
            }
        }
    }
}

/// How a figure stands to its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// Nothing was counted: never "100 %".
    NoData,
    /// There is no target to judge it by: neither good nor bad.
    NoTarget,
    /// The target is reached.
    Healthy,
    /// The target is missed.
    Warning,
    /// Far beyond it.
    Critical,
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoData => "no data",
            Self::NoTarget => "no target",
            Self::Healthy => "healthy",
            Self::Warning => "warning",
            Self::Critical => "critical",
        })
    }
}

/// A figure with everything that explains it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kpi {
    /// Which.
    pub id: KpiId,
    /// Over which window.
    pub window: Window,
    /// What counts; for durations how many were measured.
    pub numerator: u64,
    /// Of how many.
    pub denominator: u64,
    /// Not decided yet.
    pub pending: u64,
    /// Left out, by reason.
    pub excluded: Excluded,
    /// The value; `None` when the denominator is 0.
    pub value: Option<KpiValue>,
    /// What it is measured by.
    pub target: Option<Target>,
    /// How it stands to that.
    pub health: Health,
}

impl Kpi {
    /// The figure of some durations.
    #[must_use]
    pub fn of_durations(
        id: KpiId,
        window: Window,
        durations: Durations,
        target: Option<Target>,
    ) -> Self {
        let counts = Counts::of_durations(&durations);
        Self::new(id, window, counts, Some(durations), target)
    }

    /// Puts a figure together and judges it.
    #[must_use]
    pub fn new(
        id: KpiId,
        window: Window,
        counts: Counts,
        durations: Option<Durations>,
        target: Option<Target>,
    ) -> Self {
        let value = match durations {
            Some(durations) => (durations.count() > 0).then_some(KpiValue::Duration(durations)),
            None => counts.ratio().map(KpiValue::Ratio),
        };
        let health = match (&value, &target) {
            (None, _) => Health::NoData,
            (Some(_), None) => Health::NoTarget,
            (Some(KpiValue::Ratio(ratio)), Some(target)) => target.judge(*ratio),
            (Some(KpiValue::Duration(durations)), Some(target)) => target.judge_mean(durations),
        };
        Self {
            id,
            window,
            numerator: counts.numerator,
            denominator: counts.denominator,
            pending: counts.pending,
            excluded: counts.excluded,
            value,
            target,
            health,
        }
    }

    /// The ratio, if the figure is one and something was counted.
    #[must_use]
    pub const fn ratio(&self) -> Option<Ratio> {
        match &self.value {
            Some(KpiValue::Ratio(ratio)) => Some(*ratio),
            _ => None,
        }
    }

    /// The durations, if the figure is one and something was measured.
    #[must_use]
    pub const fn durations(&self) -> Option<&Durations> {
        match &self.value {
            Some(KpiValue::Duration(durations)) => Some(durations),
            _ => None,
        }
    }
}

impl fmt::Display for Kpi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{}: {value}", self.id)?,
            None => write!(f, "{}: no data", self.id)?,
        }
        write!(f, " ({} of {}", self.numerator, self.denominator)?;
        if self.pending > 0 {
            write!(f, ", {} pending", self.pending)?;
        }
        for (reason, count) in self.excluded.iter() {
            write!(f, ", {count} {reason}")?;
        }
        write!(f, "), {}", self.health)
    }
}

/// Exchange rates into one currency, given by the caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExchangeRates {
    /// The currency sums are made in.
    pub to: Currency,
    /// What one unit of a currency is worth in it.
    pub rates: BTreeMap<Currency, Decimal>,
    /// Of which instant they are.
    pub as_of: DateTime<Utc>,
}

/// Why costs have no ratio.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CostError {
    /// Several currencies and no table of rates.
    #[error("rates: amounts in {} and {} cannot be added without exchange rates", .0.as_str(), .1.as_str())]
    SeveralCurrencies(Currency, Currency),
    /// The table has no rate for a currency.
    #[error("rates: there is none for {}", .0.as_str())]
    NoRate(Currency),
    /// The sum has too many digits.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

impl ExchangeRates {
    fn value(&self, currency: Currency, amount: Decimal) -> Result<Decimal, CostError> {
        if currency == self.to {
            return Ok(amount);
        }
        let rate = self.rates.get(&currency).ok_or(CostError::NoRate(currency))?;
        Ok(amount.checked_mul(*rate).ok_or(MoneyError::OutOfRange)?)
    }
}

/// Sums of KPI-18 in each currency.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CostCounts {
    /// Orders whose costs are in the sums.
    pub orders: u64,
    /// Of those, orders whose goods are valued at what the buyer paid, because their cost is not
    /// known.
    pub valued_by_price: u64,
    /// Orders of which neither is known: only their labels are in the sums.
    pub unvalued: u64,
    /// Not shipped in full yet.
    pub pending: u64,
    /// Left out, by reason.
    pub excluded: Excluded,
    /// What labels cost.
    pub labels: BTreeMap<Currency, Decimal>,
    /// What the goods cost.
    pub products: BTreeMap<Currency, Decimal>,
}

impl CostCounts {
    /// Adds those of another place.
    pub fn merge(&mut self, other: &Self) {
        self.orders = self.orders.saturating_add(other.orders);
        self.valued_by_price = self.valued_by_price.saturating_add(other.valued_by_price);
        self.unvalued = self.unvalued.saturating_add(other.unvalued);
        self.pending = self.pending.saturating_add(other.pending);
        for (reason, count) in other.excluded.iter() {
            self.excluded.add(reason, count);
        }
        for (own, theirs) in
            [(&mut self.labels, &other.labels), (&mut self.products, &other.products)]
        {
            for (currency, amount) in theirs {
                add_amount(own, &Money::new(*amount, *currency));
            }
        }
    }

    /// KPI-18 in one currency. Without a table of rates every amount must already be in the same
    /// one. `None` when the goods cost nothing.
    ///
    /// # Errors
    /// [`CostError`].
    pub fn ratio(&self, rates: Option<&ExchangeRates>) -> Result<Option<CostRatio>, CostError> {
        let mut currencies = self.labels.keys().chain(self.products.keys());
        let Some(first) = currencies.next() else { return Ok(None) };
        if rates.is_none()
            && let Some(other) = currencies.find(|other| *other != first)
        {
            return Err(CostError::SeveralCurrencies(*first, *other));
        }
        let to = rates.map_or(*first, |rates| rates.to);
        let sum = |amounts: &BTreeMap<Currency, Decimal>| {
            amounts.iter().try_fold(Decimal::ZERO, |sum, (currency, amount)| {
                let value = match rates {
                    Some(rates) => rates.value(*currency, *amount)?,
                    None => *amount,
                };
                sum.checked_add(value).ok_or(CostError::Money(MoneyError::OutOfRange))
            })
        };
        let (labels, products) = (sum(&self.labels)?, sum(&self.products)?);
        Ok((products > Decimal::ZERO).then(|| CostRatio {
            labels: Money::new(labels, to),
            products: Money::new(products, to),
            valued_by_price: self.valued_by_price,
        }))
    }
}

pub(super) fn add_amount(sums: &mut BTreeMap<Currency, Decimal>, money: &Money) {
    let sum = sums.entry(money.currency).or_default();
    *sum = sum.saturating_add(money.amount);
}

/// KPI-18: what labels cost over what the goods cost, in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CostRatio {
    /// What labels cost.
    pub labels: Money,
    /// What the goods cost; more than 0.
    pub products: Money,
    /// Orders whose goods are valued at what the buyer paid: above 0 the ratio is an estimate.
    pub valued_by_price: u64,
}

impl CostRatio {
    /// Compares with hundredths of a percent, exactly.
    #[must_use]
    pub fn compare(&self, basis_points: u32) -> std::cmp::Ordering {
        let own = self.labels.amount.saturating_mul(Decimal::from(10_000_u32));
        own.cmp(&self.products.amount.saturating_mul(Decimal::from(basis_points)))
    }

    /// In percent with two decimals, halves rounded up. For display only.
    #[must_use]
    pub fn percent(&self) -> String {
        let hundred = Decimal::ONE_HUNDRED;
        let percent = self
            .labels
            .amount
            .checked_mul(hundred)
            .and_then(|labels| labels.checked_div(self.products.amount))
            .unwrap_or(Decimal::MAX)
            .round_dp_with_strategy(2, rust_decimal::RoundingStrategy::MidpointAwayFromZero);
        format!("{percent:.2} %")
    }

    /// How it stands to a target.
    #[must_use]
    pub fn judge(&self, target: &Target) -> Health {
        target.judge_by(|basis_points| self.compare(basis_points))
    }
}
