//! Opening hours, and time counted only while open.

use std::ops::Range;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Timelike, Utc};
use serde::{Deserialize, Serialize};

use super::window::day_start;
use super::{CalendarError, HORIZON_DAYS, WorkCalendar, bounded, resolve_first, resolve_local};

/// From when to when a place is open on a working day, in local time.
///
/// Closing at midnight means the end of the day, so `00:00` to `00:00` is open all day.
///
/// ```
/// use chrono::NaiveTime;
/// use orderflow::calendar::OpeningHours;
///
/// let at = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
/// assert!(OpeningHours::new(at(9), at(17)).is_ok());
/// let error = OpeningHours::new(at(17), at(9)).unwrap_err();
/// assert!(error.to_string().contains("`closes`"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "WireHours", into = "WireHours")]
pub struct OpeningHours {
    opens: NaiveTime,
    closes: NaiveTime,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireHours {
    #[serde(deserialize_with = "super::written::time")]
    opens: NaiveTime,
    #[serde(deserialize_with = "super::written::time")]
    closes: NaiveTime,
}

/// Opening hours that are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`closes` ({closes}) must be later than `opens` ({opens}), both in whole seconds")]
pub struct InvalidHours {
    /// Opening time given.
    pub opens: NaiveTime,
    /// Closing time given.
    pub closes: NaiveTime,
}

impl TryFrom<WireHours> for OpeningHours {
    type Error = InvalidHours;

    fn try_from(wire: WireHours) -> Result<Self, InvalidHours> {
        Self::new(wire.opens, wire.closes)
    }
}

impl From<OpeningHours> for WireHours {
    fn from(hours: OpeningHours) -> Self {
        Self { opens: hours.opens, closes: hours.closes }
    }
}

impl OpeningHours {
    /// Open all day.
    pub const ALL_DAY: Self = Self { opens: NaiveTime::MIN, closes: NaiveTime::MIN };

    /// Opening hours of a day.
    ///
    /// # Errors
    /// [`InvalidHours`] when the place would close before it opens, or a time is not in whole
    /// seconds.
    pub fn new(opens: NaiveTime, closes: NaiveTime) -> Result<Self, InvalidHours> {
        let whole = opens.nanosecond() == 0 && closes.nanosecond() == 0;
        if whole && (opens < closes || closes == NaiveTime::MIN) {
            Ok(Self { opens, closes })
        } else {
            Err(InvalidHours { opens, closes })
        }
    }

    /// Opening time.
    #[must_use]
    pub const fn opens(&self) -> NaiveTime {
        self.opens
    }

    /// Closing time; midnight is the end of the day.
    #[must_use]
    pub const fn closes(&self) -> NaiveTime {
        self.closes
    }
}

/// The longest stretch that is walked day by day, about 110 years.
const LONGEST_WALK_DAYS: usize = 40_000;

impl WorkCalendar {
    /// When the place is open on a local date, as `[opens, closes)`; `None` when it is a day off.
    ///
    /// It opens when the clock first shows the opening time and closes when it last shows the
    /// closing time, but never beyond its own [day](super::local_day).
    ///
    /// # Errors
    /// [`CalendarError::NoOpeningHours`].
    pub fn open_on(&self, day: NaiveDate) -> Result<Option<Range<DateTime<Utc>>>, CalendarError> {
        let usual = self.hours.ok_or(CalendarError::NoOpeningHours)?;
        Ok(self.is_working_day(day).then(|| self.open_between(day, usual)).flatten())
    }

    /// The opening hours of a date that is known to be worked.
    pub(super) fn open_between(
        &self,
        day: NaiveDate,
        usual: OpeningHours,
    ) -> Option<Range<DateTime<Utc>>> {
        let hours = self.special_hours.get(&day).copied().unwrap_or(usual);
        let next = day.succ_opt()?;
        let opens = resolve_first(self.zone, day.and_time(hours.opens));
        let closes = if hours.closes == NaiveTime::MIN {
            day_start(self.zone, next)
        } else {
            resolve_local(self.zone, day.and_time(hours.closes)).min(day_start(self.zone, next))
        };
        (opens < closes).then_some(opens..closes)
    }

    /// The instant at which `duration` of business time has passed since `instant`.
    ///
    /// What ends exactly at closing time answers that closing time, not the next opening. No time
    /// at all answers `instant` itself.
    ///
    /// ```
    /// use chrono::{NaiveTime, TimeDelta, TimeZone, Utc};
    /// use orderflow::calendar::{OpeningHours, WorkCalendar};
    ///
    /// let at = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
    /// let calendar = WorkCalendar::weekdays(chrono_tz::UTC, at(14))
    ///     .with_hours(OpeningHours::new(at(9), at(17))?);
    /// // Friday 16:00 and four hours: one hour on Friday, three on Monday.
    /// let friday = Utc.with_ymd_and_hms(2026, 3, 6, 16, 0, 0).unwrap();
    /// let due = calendar.add_business_time(friday, TimeDelta::hours(4))?;
    /// assert_eq!(due, Utc.with_ymd_and_hms(2026, 3, 9, 12, 0, 0).unwrap());
    /// assert_eq!(calendar.business_time_between(friday, due)?, TimeDelta::hours(4));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`CalendarError::NoOpeningHours`], [`NegativeDuration`](CalendarError::NegativeDuration),
    /// [`NoWorkingDay`](CalendarError::NoWorkingDay); `OutOfRange` when it would end more than a
    /// century later.
    pub fn add_business_time(
        &self,
        instant: DateTime<Utc>,
        duration: TimeDelta,
    ) -> Result<DateTime<Utc>, CalendarError> {
        let usual = self.hours.ok_or(CalendarError::NoOpeningHours)?;
        if duration < TimeDelta::zero() {
            return Err(CalendarError::NegativeDuration);
        }
        let instant = steady(instant);
        if duration.is_zero() {
            return Ok(instant);
        }
        let (mut left, mut days_off) = (duration, 0_u16);
        for day in self.local_date(instant).iter_days().take(LONGEST_WALK_DAYS) {
            if !self.is_working_day(day) {
                days_off = days_off.saturating_add(1);
                if days_off > HORIZON_DAYS {
                    return Err(CalendarError::NoWorkingDay(day));
                }
                continue;
            }
            days_off = 0;
            let Some(open) = self.open_between(day, usual) else { continue };
            let from = open.start.max(instant);
            let available = open.end - from;
            if available >= left {
                return from.checked_add_signed(left).ok_or(CalendarError::OutOfRange);
            }
            left -= available.max(TimeDelta::zero());
        }
        Err(CalendarError::OutOfRange)
    }

    /// How much business time lies between two instants; below zero when `to` is before `from`.
    ///
    /// # Errors
    /// [`CalendarError::NoOpeningHours`]; `OutOfRange` when more than a century lies between.
    pub fn business_time_between(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<TimeDelta, CalendarError> {
        let usual = self.hours.ok_or(CalendarError::NoOpeningHours)?;
        let (from, to) = (steady(from), steady(to));
        if to < from {
            return self.business_time_between(to, from).map(|time| -time);
        }
        // Where clocks are set back over midnight, the day after may have begun.
        let last = self.local_date(to).succ_opt().ok_or(CalendarError::OutOfRange)?;
        let mut sum = TimeDelta::zero();
        for day in self.local_date(from).iter_days().take(LONGEST_WALK_DAYS) {
            if day > last {
                return Ok(sum);
            }
            if !self.is_working_day(day) {
                continue;
            }
            let Some(open) = self.open_between(day, usual) else { continue };
            sum += (open.end.min(to) - open.start.max(from)).max(TimeDelta::zero());
        }
        Err(CalendarError::OutOfRange)
    }
}

/// An instant between whole years 1 and 9999, and a leap second as the end of the second before:
/// a duration to or from it is then what subtraction says.
fn steady(instant: DateTime<Utc>) -> DateTime<Utc> {
    const LAST: u32 = 999_999_999;
    let instant = bounded(instant);
    if instant.nanosecond() <= LAST {
        return instant;
    }
    instant.with_nanosecond(LAST).unwrap_or(instant)
}
