//! The warning ladder before a deadline.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::order::Deadline;

/// A way to reach the staff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// On the screen.
    System,
    /// E-mail.
    Email,
    /// Text message.
    Sms,
    /// Phone call.
    Phone,
}

/// How urgent a warning is. Ordered: later is more urgent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// First warning.
    L1,
    /// Second warning.
    L2,
    /// Last warning: the urgent shipping reminder.
    L3,
    /// Too late.
    Breach,
}

/// A step of the ladder: due when at most this much is left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LadderStep {
    /// Which level.
    pub level: Level,
    /// Hours left, included.
    pub hours_left: u32,
    /// Percent of the span left, included; used when the whole span is not longer than
    /// [`Ladder::scale_below_hours`].
    pub percent_left: u32,
    /// Who is told how.
    pub channels: Vec<Channel>,
}

/// Thresholds and channels. All of it is configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ladder {
    /// The steps before the deadline.
    pub steps: Vec<LadderStep>,
    /// Who is told of a breach.
    pub breach_channels: Vec<Channel>,
    /// Spans up to this many hours use percentages.
    pub scale_below_hours: u32,
}

impl Default for Ladder {
    /// 24, 12 and 6 hours; 50, 25 and 10 percent of spans up to 24 hours.
    fn default() -> Self {
        let step = |level, hours_left, percent_left, channels: &[Channel]| LadderStep {
            level,
            hours_left,
            percent_left,
            channels: channels.to_vec(),
        };
        Self {
            steps: vec![
                step(Level::L1, 24, 50, &[Channel::Email]),
                step(Level::L2, 12, 25, &[Channel::Email, Channel::Sms]),
                step(Level::L3, 6, 10, &[Channel::Sms, Channel::Phone]),
            ],
            breach_channels: vec![Channel::Sms, Channel::Phone, Channel::System],
            scale_below_hours: 24,
        }
    }
}

impl Ladder {
    /// The level at `now`, whatever was fired before; `None` while there is time.
    #[must_use]
    pub fn level(&self, deadline: &Deadline, now: DateTime<Utc>) -> Option<Level> {
        self.level_between(deadline.starts_at, deadline.at, now)
    }

    /// The level at `now` of a span that began at `starts_at` and ends at `at`.
    #[must_use]
    pub fn level_between(
        &self,
        starts_at: DateTime<Utc>,
        at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Option<Level> {
        let remaining = at.signed_duration_since(now);
        if remaining <= TimeDelta::zero() {
            return Some(Level::Breach);
        }
        let span = at.signed_duration_since(starts_at);
        self.steps
            .iter()
            .filter(|step| remaining <= self.threshold(step, span))
            .map(|step| step.level)
            .max()
    }

    /// How much of a span is left when a step begins.
    pub(super) fn threshold(&self, step: &LadderStep, span: TimeDelta) -> TimeDelta {
        if span <= TimeDelta::hours(i64::from(self.scale_below_hours)) {
            // A share of more than the whole is the whole; no span is too long to be shared.
            let percent = i32::try_from(step.percent_left.min(100)).unwrap_or(100);
            span.checked_mul(percent).map_or(span, |share| share / 100)
        } else {
            TimeDelta::hours(i64::from(step.hours_left))
        }
    }

    pub(super) fn channels(&self, level: Level) -> Vec<Channel> {
        self.steps
            .iter()
            .find(|step| step.level == level)
            .map_or_else(|| self.breach_channels.clone(), |step| step.channels.clone())
    }
}

/// What was fired last for a deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fired {
    /// For which version of the deadline.
    pub version: u32,
    /// Which level.
    pub level: Level,
}

/// A warning to send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// Which level.
    pub level: Level,
    /// How much time is left; not positive after a breach.
    pub remaining_seconds: i64,
    /// Who is told how.
    pub channels: Vec<Channel>,
    /// Lower levels that this one replaces because the check came late.
    pub superseded: Vec<Level>,
}

/// The warning due at `now`, if it has not been fired: each level once per version of the
/// deadline, and only the highest that is due.
///
/// A deadline that moved has another version and starts anew.
///
/// ```
/// use chrono::{TimeZone, Utc};
/// use orderflow::order::{Deadline, DeadlineKind, DeadlineSource, Requirements};
/// use orderflow::rules::{Ladder, Level, warning};
///
/// let deadline = Deadline {
///     kind: DeadlineKind::ShipBy,
///     at: Utc.with_ymd_and_hms(2026, 11, 28, 18, 0, 0).unwrap(),
///     starts_at: Utc.with_ymd_and_hms(2026, 11, 25, 18, 0, 0).unwrap(),
///     source: DeadlineSource::Platform,
///     version: 1,
///     requires: Requirements::default(),
/// };
/// let at = |day, hour| Utc.with_ymd_and_hms(2026, 11, day, hour, 0, 0).unwrap();
/// let ladder = Ladder::default();
/// assert!(warning(&ladder, &deadline, at(27, 17), None).is_none());
/// assert_eq!(warning(&ladder, &deadline, at(27, 18), None).unwrap().level, Level::L1);
/// // A first check that comes late fires only the highest level due.
/// let late = warning(&ladder, &deadline, at(28, 13), None).unwrap();
/// assert_eq!((late.level, late.superseded), (Level::L3, vec![Level::L1, Level::L2]));
/// ```
#[must_use]
pub fn warning(
    ladder: &Ladder,
    deadline: &Deadline,
    now: DateTime<Utc>,
    last: Option<Fired>,
) -> Option<Warning> {
    let level = ladder.level(deadline, now)?;
    let before = last.filter(|fired| fired.version == deadline.version).map(|fired| fired.level);
    if before.is_some_and(|before| before >= level) {
        return None;
    }
    let superseded = ladder
        .steps
        .iter()
        .map(|step| step.level)
        .filter(|step| *step < level && before.is_none_or(|before| *step > before))
        .collect();
    Some(Warning {
        level,
        remaining_seconds: (deadline.at - now).num_seconds(),
        channels: ladder.channels(level),
        superseded,
    })
}
