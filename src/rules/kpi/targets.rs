//! What figures are measured by: dated data, loaded by name.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::definitions::KpiId;
use super::figures::{Durations, Health, Ratio};
use crate::ids::PlatformId;
use crate::rules::keyed::by_word;

/// The targets that come with the crate.
const PRESETS: &str = include_str!("../presets/kpi_targets.json");

/// A limit. Rates are in hundredths of a percent, so that 99.5 % is exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Limit {
    /// At least this; equal is enough.
    AtLeast(u32),
    /// More than this.
    MoreThan(u32),
    /// At most this; equal is allowed.
    AtMost(u32),
    /// Less than this.
    LessThan(u32),
    /// Between two values, both included.
    Between(u32, u32),
    /// A mean of at most so many seconds.
    MeanSecondsAtMost(u64),
    /// A mean above so many seconds.
    MeanSecondsAbove(u64),
    /// A median of at most so many seconds.
    MedianSecondsAtMost(u64),
    /// 95 of 100 within so many seconds.
    P95SecondsAtMost(u64),
}

impl Limit {
    fn holds(self, compare: impl Fn(u32) -> Ordering) -> Option<bool> {
        Some(match self {
            Self::AtLeast(limit) => compare(limit).is_ge(),
            Self::MoreThan(limit) => compare(limit).is_gt(),
            Self::AtMost(limit) => compare(limit).is_le(),
            Self::LessThan(limit) => compare(limit).is_lt(),
            Self::Between(least, most) => compare(least).is_ge() && compare(most).is_le(),
            _ => return None,
        })
    }

    fn holds_for(self, durations: &Durations) -> Option<bool> {
        let within = |percent, seconds: u64| {
            let micros = durations.percentile(percent)?.num_microseconds()?;
            Some(i128::from(micros) <= i128::from(seconds) * 1_000_000)
        };
        match self {
            Self::MeanSecondsAtMost(limit) => Some(durations.compare_mean(limit)?.is_le()),
            Self::MeanSecondsAbove(limit) => Some(durations.compare_mean(limit)?.is_gt()),
            Self::MedianSecondsAtMost(limit) => within(50, limit),
            Self::P95SecondsAtMost(limit) => within(95, limit),
            _ => None,
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |limit: &u32| format!("{}.{:02} %", limit / 100, limit % 100);
        match self {
            Self::AtLeast(limit) => write!(f, "at least {}", percent(limit)),
            Self::MoreThan(limit) => write!(f, "more than {}", percent(limit)),
            Self::AtMost(limit) => write!(f, "at most {}", percent(limit)),
            Self::LessThan(limit) => write!(f, "less than {}", percent(limit)),
            Self::Between(least, most) => {
                write!(f, "between {} and {}", percent(least), percent(most))
            }
            Self::MeanSecondsAtMost(limit) => write!(f, "{limit} s at most in the mean"),
            Self::MeanSecondsAbove(limit) => write!(f, "more than {limit} s in the mean"),
            Self::MedianSecondsAtMost(limit) => write!(f, "{limit} s at most in the median"),
            Self::P95SecondsAtMost(limit) => write!(f, "{limit} s at most for 95 of 100"),
        }
    }
}

/// The values of a figure that a limit takes in, from the least to the greatest; a bound that does
/// not belong to it is `false`.
type Range = ((u64, bool), (u64, bool));

/// A whole, in hundredths of a percent.
const WHOLE: u32 = 10_000;

impl Limit {
    /// The values it takes in, with what they are values of; limits of different things cannot be
    /// compared.
    fn range(self) -> (&'static str, Range) {
        const MOST: u64 = u64::MAX;
        let rate = |from: (u32, bool), to: (u32, bool)| {
            ("rate", ((u64::from(from.0), from.1), (u64::from(to.0), to.1)))
        };
        match self {
            Self::AtLeast(limit) => rate((limit, true), (WHOLE.max(limit), true)),
            Self::MoreThan(limit) => rate((limit, false), (WHOLE.max(limit), true)),
            Self::AtMost(limit) => rate((0, true), (limit, true)),
            Self::LessThan(limit) => rate((0, true), (limit, false)),
            Self::Between(least, most) => rate((least, true), (most, true)),
            Self::MeanSecondsAtMost(limit) => ("mean", ((0, true), (limit, true))),
            Self::MeanSecondsAbove(limit) => ("mean", ((limit, false), (MOST, true))),
            Self::MedianSecondsAtMost(limit) => ("median", ((0, true), (limit, true))),
            Self::P95SecondsAtMost(limit) => ("percentile", ((0, true), (limit, true))),
        }
    }

    /// What is wrong with it as a limit of a figure, in words.
    fn fault(self, id: KpiId) -> Option<String> {
        let (of, range) = self.range();
        if id.is_duration() != (of != "rate") {
            let [figure, limit] =
                if id.is_duration() { ["a duration", "rates"] } else { ["a rate", "durations"] };
            return Some(format!("the {} is {figure}, and this is a limit for {limit}", id.name()));
        }
        let (_, (most, _)) = range;
        if let Self::Between(least, most) = self
            && least > most
        {
            return Some(format!("the first bound ({least}) is above the second ({most})"));
        }
        if of == "rate" && most > u64::from(WHOLE) {
            return Some(format!(
                "{most} hundredths of a percent are above 100 %; {WHOLE} are 100 %"
            ));
        }
        is_empty(range).then(|| "nothing fits it".to_owned())
    }
}

fn is_empty(((least, least_fits), (most, most_fits)): Range) -> bool {
    least > most || (least == most && !(least_fits && most_fits))
}

/// The values in both.
fn common((a_from, a_to): Range, (b_from, b_to): Range) -> Range {
    let from = a_from.0.max(b_from.0);
    let from_fits = [a_from, b_from].iter().all(|(value, fits)| *value < from || *fits);
    let to = a_to.0.min(b_to.0);
    let to_fits = [a_to, b_to].iter().all(|(value, fits)| *value > to || *fits);
    ((from, from_fits), (to, to_fits))
}

/// The target of a figure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// What is healthy; everything else is at least a warning.
    pub healthy: Limit,
    /// What is critical.
    #[serde(default)]
    pub critical: Option<Limit>,
    /// Over how many days the source judges it, if it says so.
    #[serde(default)]
    pub days: Option<u32>,
}

impl Target {
    /// A target without a critical limit.
    #[must_use]
    pub const fn new(healthy: Limit) -> Self {
        Self { healthy, critical: None, days: None }
    }

    /// Adds a critical limit.
    #[must_use]
    pub const fn with_critical(mut self, critical: Limit) -> Self {
        self.critical = Some(critical);
        self
    }

    /// Judges a rate, exactly. A limit for durations says nothing about rates.
    #[must_use]
    pub fn judge(&self, ratio: Ratio) -> Health {
        self.judge_by(|limit| ratio.compare(limit))
    }

    pub(super) fn judge_by(&self, compare: impl Fn(u32) -> Ordering) -> Health {
        self.health(|limit| limit.holds(&compare))
    }

    /// Judges durations. A percentile of durations whose values were not kept has no data.
    #[must_use]
    pub fn judge_mean(&self, durations: &Durations) -> Health {
        self.health(|limit| limit.holds_for(durations))
    }

    /// What cannot work in it as the target of a figure, by field: a limit of the wrong kind or out
    /// of range, and values that are healthy and critical at once.
    #[must_use]
    pub fn faults(&self, id: KpiId) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        faults.extend(self.healthy.fault(id).map(|fault| ("healthy", fault)));
        if let Some(critical) = self.critical {
            let ((of, healthy), (of_critical, range)) = (self.healthy.range(), critical.range());
            match critical.fault(id) {
                Some(fault) => faults.push(("critical", fault)),
                None if of == of_critical && !is_empty(common(healthy, range)) => {
                    let both = format!("some values are healthy ({}) and critical", self.healthy);
                    faults.push(("critical", both));
                }
                None => {}
            }
        }
        if self.days == Some(0) {
            faults.push(("days", "must be at least 1; leave it out when nobody says".to_owned()));
        }
        faults
    }

    fn health(&self, holds: impl Fn(Limit) -> Option<bool>) -> Health {
        if self.critical.and_then(&holds) == Some(true) {
            return Health::Critical;
        }
        match holds(self.healthy) {
            Some(true) => Health::Healthy,
            Some(false) => Health::Warning,
            None => Health::NoData,
        }
    }
}

/// The targets of a shop: one a figure.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KpiTargets {
    /// By figure.
    #[serde(deserialize_with = "by_word")]
    pub targets: BTreeMap<KpiId, Target>,
}

/// A set of targets that comes with the crate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetPreset {
    /// Its name.
    pub name: String,
    /// What it is, in words.
    pub title: String,
    /// The platform it is for; `None` suits any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<PlatformId>,
    /// The day its numbers were last compared with their source.
    pub as_of: NaiveDate,
    /// Where they come from.
    pub source: String,
    /// The preset it builds on.
    #[serde(default)]
    pub extends: Option<String>,
    /// Its own targets.
    #[serde(deserialize_with = "by_word")]
    pub targets: BTreeMap<KpiId, Target>,
}

/// A preset that cannot be loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// There is none of this name.
    #[error("targets: there is no preset {name:?}; there are {}", .known.join(", "))]
    UnknownPreset {
        /// The name.
        name: String,
        /// Those there are.
        known: Vec<String>,
    },
    /// The data of the presets cannot be read.
    #[error("targets: {0}")]
    Unreadable(String),
}

/// Reads presets from JSON: a list of [`TargetPreset`].
///
/// # Errors
/// [`TargetError::Unreadable`].
pub fn read_target_presets(json: &str) -> Result<Vec<TargetPreset>, TargetError> {
    serde_json::from_str(json).map_err(|error| TargetError::Unreadable(error.to_string()))
}

/// The presets that come with the crate.
///
/// # Errors
/// [`TargetError::Unreadable`].
pub fn target_presets() -> Result<Vec<TargetPreset>, TargetError> {
    read_target_presets(PRESETS)
}

impl KpiTargets {
    /// The targets of a preset that comes with the crate, with those it builds on. `seed` is the
    /// default.
    ///
    /// ```
    /// use orderflow::rules::kpi::{KpiId, KpiTargets, Limit};
    ///
    /// let targets = KpiTargets::preset("seed")?;
    /// assert_eq!(targets.of(KpiId::OnTimeShipping).unwrap().healthy, Limit::AtLeast(9_500));
    /// assert!(KpiTargets::preset("nobody").is_err());
    /// # Ok::<(), orderflow::rules::kpi::TargetError>(())
    /// ```
    ///
    /// # Errors
    /// [`TargetError::UnknownPreset`].
    pub fn preset(name: &str) -> Result<Self, TargetError> {
        Self::from_presets(&target_presets()?, name)
    }

    /// The targets of one of some presets, with those it builds on.
    ///
    /// # Errors
    /// [`TargetError::UnknownPreset`], also when presets build on each other in a circle.
    pub fn from_presets(presets: &[TargetPreset], name: &str) -> Result<Self, TargetError> {
        let unknown = |name: &str| TargetError::UnknownPreset {
            name: name.to_owned(),
            known: presets.iter().map(|preset| preset.name.clone()).collect(),
        };
        let mut targets = BTreeMap::new();
        let mut next = Some(name);
        for _ in 0..=presets.len() {
            let Some(name) = next else { return Ok(Self { targets }) };
            let preset =
                presets.iter().find(|preset| preset.name == name).ok_or_else(|| unknown(name))?;
            for (id, target) in &preset.targets {
                targets.entry(*id).or_insert_with(|| target.clone());
            }
            next = preset.extends.as_deref();
        }
        Err(TargetError::Unreadable(format!("the preset {name:?} builds on itself")))
    }

    /// The target of a figure.
    #[must_use]
    pub fn of(&self, id: KpiId) -> Option<&Target> {
        self.targets.get(&id)
    }

    /// Sets a target.
    #[must_use]
    pub fn with(mut self, id: KpiId, target: Target) -> Self {
        self.targets.insert(id, target);
        self
    }
}

/// A-RATE: how a late shipping rate stands to 5 % and 10 %, both strict.
///
/// ```
/// use orderflow::rules::kpi::{Health, Ratio, late_rate_alert};
///
/// assert_eq!(late_rate_alert(Ratio::new(1, 20)), Health::Healthy); // exactly 5 %
/// assert_eq!(late_rate_alert(Ratio::new(1, 10)), Health::Warning); // exactly 10 %
/// assert_eq!(late_rate_alert(Ratio::new(2, 19)), Health::Critical);
/// assert_eq!(late_rate_alert(None), Health::NoData);
/// ```
#[must_use]
pub fn late_rate_alert(rate: Option<Ratio>) -> Health {
    const TARGET: Target = Target::new(Limit::AtMost(500)).with_critical(Limit::MoreThan(1_000));
    rate.map_or(Health::NoData, |rate| TARGET.judge(rate))
}
