//! When: working days, cut-offs, opening hours and local times.
//!
//! Instants are UTC everywhere else; this is the one module that does local-time arithmetic.
//! Where clocks jump: a local time that exists twice means the **later** instant, one that does not
//! exist means the **first valid instant after** it. Only where something *begins* (a local day,
//! opening time) the earlier of two is meant, so that nothing falls between two days.
//!
//! - [`WorkCalendar`]: working days, cut-off, opening hours; every question about them.
//! - [`CompiledCalendar`]: the same answers from a table, for many questions.
//! - [`HolidayCalendar`]: public holidays of countries, computed for any year.
//! - [`local_day`], [`local_week`], [`local_month`]: windows `[from, to)` of local days.

mod compiled;
mod holidays;
mod hours;
mod window;
pub(crate) mod written;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{
    DateTime, Datelike, Days, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta,
    TimeZone, Utc,
};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

pub use compiled::CompiledCalendar;
pub use holidays::{Holiday, HolidayCalendar};
pub use hours::{InvalidHours, OpeningHours};
pub use window::{local_day, local_days, local_month, local_week};

/// The latest wall-clock time of a day that deadlines use.
pub const END_OF_DAY: NaiveTime = match NaiveTime::from_hms_opt(23, 59, 59) {
    Some(time) => time,
    None => NaiveTime::MIN,
};

/// What of a second comes after its begin.
const LAST_FRACTION: TimeDelta = TimeDelta::nanoseconds(999_999_999);

/// How far ahead the next working day is looked for, in days. A calendar without a working day in
/// two years is wrong, and asking it must fail instead of looping.
const HORIZON_DAYS: u16 = 750;

/// The longest span in working days, about forty years. Longer ones are mistakes, and counting
/// them day by day would take noticeable time.
pub const MAX_WORKING_DAYS: u32 = 10_000;

/// Resolves a local wall-clock time to an instant.
///
/// ```
/// use chrono::NaiveDate;
/// use orderflow::calendar::resolve_local;
///
/// let zone = chrono_tz::America::New_York;
/// let day = NaiveDate::from_ymd_opt(2026, 3, 8).unwrap();
/// // 02:30 does not exist on this day: the first valid instant after it is 03:00 EDT.
/// let gap = resolve_local(zone, day.and_hms_opt(2, 30, 0).unwrap());
/// assert_eq!(gap.to_rfc3339(), "2026-03-08T07:00:00+00:00");
/// ```
#[must_use]
pub fn resolve_local(zone: Tz, local: NaiveDateTime) -> DateTime<Utc> {
    resolve(zone, local, |_, later| later)
}

/// What a clock in a zone shows at an instant. Instants outside of the years 1 to 9999 are taken
/// for the nearest end.
#[must_use]
pub fn local_time(zone: Tz, instant: DateTime<Utc>) -> NaiveDateTime {
    bounded(instant).with_timezone(&zone).naive_local()
}

/// As [`resolve_local`], but a local time that exists twice means the earlier instant.
fn resolve_first(zone: Tz, local: NaiveDateTime) -> DateTime<Utc> {
    resolve(zone, local, |earlier, _| earlier)
}

fn resolve<F>(zone: Tz, local: NaiveDateTime, choose: F) -> DateTime<Utc>
where
    F: FnOnce(DateTime<Tz>, DateTime<Tz>) -> DateTime<Tz>,
{
    let local = bounded(local.and_utc()).naive_utc();
    match zone.from_local_datetime(&local) {
        LocalResult::Single(instant) => instant.with_timezone(&Utc),
        LocalResult::Ambiguous(earlier, later) => choose(earlier, later).with_timezone(&Utc),
        LocalResult::None => first_instant_after_gap(zone, local),
    }
}

/// Instants outside of the years 1 to 9999 are taken for the nearest end: local times beyond are
/// nobody's, and arithmetic on the last representable instants overflows.
fn bounded(instant: DateTime<Utc>) -> DateTime<Utc> {
    const FIRST: i64 = -62_135_596_800;
    const LAST: i64 = 253_402_300_799;
    DateTime::from_timestamp(instant.timestamp().clamp(FIRST, LAST), 0)
        .filter(|nearest| nearest.timestamp() != instant.timestamp())
        .unwrap_or(instant)
}

/// Finds the end of the gap that contains `local` by halving: the offsets before and after the gap
/// are known to differ within a day of it.
fn first_instant_after_gap(zone: Tz, local: NaiveDateTime) -> DateTime<Utc> {
    let shown = |instant: DateTime<Utc>| instant.with_timezone(&zone).naive_local();
    let mut before = local.and_utc() - TimeDelta::days(2);
    let mut after = local.and_utc() + TimeDelta::days(2);
    while (after - before).num_seconds() > 1 {
        let middle = before + TimeDelta::seconds((after - before).num_seconds() / 2);
        if shown(middle) < local {
            before = middle;
        } else {
            after = middle;
        }
    }
    after
}

/// Working days, cut-off and zone of a shop, warehouse or carrier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkCalendar {
    /// IANA zone.
    pub zone: Tz,
    /// Which weekdays are worked, Monday first.
    pub working_weekdays: [bool; 7],
    /// Days off, in local dates.
    #[serde(default, deserialize_with = "written::dates")]
    pub holidays: BTreeSet<NaiveDate>,
    /// A country whose public holidays are days off too, in every year.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holiday_calendar: Option<HolidayCalendar>,
    /// Days on which the cut-off is earlier (or later) than usual.
    #[serde(default, deserialize_with = "written::times")]
    pub half_days: BTreeMap<NaiveDate, NaiveTime>,
    /// Until when an order counts for the same day; exactly then is in time. [`END_OF_DAY`] is the
    /// whole day, to its last fraction of a second.
    #[serde(deserialize_with = "written::time")]
    pub cutoff: NaiveTime,
    /// Opening hours of a working day; without them nobody can ask for business time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<OpeningHours>,
    /// Days with other opening hours than usual.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub special_hours: BTreeMap<NaiveDate, OpeningHours>,
}

/// A calendar that cannot answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CalendarError {
    /// There is no working day in the next two years: check weekdays and holidays.
    #[error("the calendar has no working day in the two years after {0}")]
    NoWorkingDay(NaiveDate),
    /// The date lies outside what can be represented.
    #[error("the date is out of range")]
    OutOfRange,
    /// Business time was asked of a calendar without [`WorkCalendar::hours`].
    #[error("`hours`: the calendar has no opening hours")]
    NoOpeningHours,
    /// The business time to add is below zero.
    #[error("`duration`: business time to add must not be negative")]
    NegativeDuration,
}

impl WorkCalendar {
    /// Monday to Friday without holidays.
    #[must_use]
    pub fn weekdays(zone: Tz, cutoff: NaiveTime) -> Self {
        Self {
            zone,
            working_weekdays: [true, true, true, true, true, false, false],
            holidays: BTreeSet::new(),
            holiday_calendar: None,
            half_days: BTreeMap::new(),
            cutoff,
            hours: None,
            special_hours: BTreeMap::new(),
        }
    }

    /// Every day of the week, cut-off at the end of the day.
    #[must_use]
    pub fn every_day(zone: Tz) -> Self {
        Self { working_weekdays: [true; 7], ..Self::weekdays(zone, END_OF_DAY) }
    }

    /// Adds days off.
    #[must_use]
    pub fn with_holidays(mut self, days: impl IntoIterator<Item = NaiveDate>) -> Self {
        self.holidays.extend(days);
        self
    }

    /// Takes the public holidays of a country as days off.
    #[must_use]
    pub fn with_holiday_calendar(mut self, calendar: HolidayCalendar) -> Self {
        self.holiday_calendar = Some(calendar);
        self
    }

    /// Sets the opening hours of working days.
    #[must_use]
    pub fn with_hours(mut self, hours: OpeningHours) -> Self {
        self.hours = Some(hours);
        self
    }

    /// Whether a local date is worked.
    #[must_use]
    pub fn is_working_day(&self, day: NaiveDate) -> bool {
        self.is_working_weekday(day)
            && !self.holidays.contains(&day)
            && !self.holiday_calendar.is_some_and(|calendar| calendar.is_holiday(day))
    }

    fn is_working_weekday(&self, day: NaiveDate) -> bool {
        let index = usize::try_from(day.weekday().num_days_from_monday()).unwrap_or(0);
        self.working_weekdays.get(index).copied().unwrap_or(false)
    }

    /// The cut-off of a local date.
    #[must_use]
    pub fn cutoff_on(&self, day: NaiveDate) -> NaiveTime {
        self.half_days.get(&day).copied().unwrap_or(self.cutoff)
    }

    /// The last instant that still counts for a local date.
    #[must_use]
    pub fn cutoff_instant(&self, day: NaiveDate) -> DateTime<Utc> {
        resolve_local(self.zone, day.and_time(self.cutoff_on(day)))
    }

    /// The last instant that is in time for a local date: the cut-off, or where that is the end of
    /// the day, the last fraction of its last second.
    fn in_time_until(&self, day: NaiveDate) -> DateTime<Utc> {
        let cutoff = self.cutoff_instant(day);
        // Where clocks skip the end of the day, the cut-off is the next day's begin.
        let is_end = self.cutoff_on(day) == END_OF_DAY
            && local_time(self.zone, cutoff) == day.and_time(END_OF_DAY);
        if is_end { cutoff + LAST_FRACTION } else { cutoff }
    }

    /// The first working day on or after `day`.
    ///
    /// # Errors
    /// [`CalendarError::NoWorkingDay`].
    pub fn working_day_from(&self, day: NaiveDate) -> Result<NaiveDate, CalendarError> {
        day.iter_days()
            .take(usize::from(HORIZON_DAYS))
            .find(|candidate| self.is_working_day(*candidate))
            .ok_or(CalendarError::NoWorkingDay(day))
    }

    /// The day on which something that arrives at `instant` is worked on: the same local day when
    /// it is a working day and the cut-off has not passed, else the next working day.
    ///
    /// In other words: the first working day whose [cut-off](Self::cutoff_instant) is not before
    /// `instant`, where a cut-off at [`END_OF_DAY`] includes the fractions of that second. A later arrival never starts earlier, also where clocks are set back.
    ///
    /// # Errors
    /// [`CalendarError`].
    pub fn start_day(&self, instant: DateTime<Utc>) -> Result<NaiveDate, CalendarError> {
        let instant = bounded(instant);
        let today = self.local_date(instant);
        // Where clocks are set back over midnight, yesterday may not be over.
        for day in [today.pred_opt(), Some(today)].into_iter().flatten() {
            if self.is_working_day(day) && instant <= self.in_time_until(day) {
                return Ok(day);
            }
        }
        self.working_day_from(today.succ_opt().ok_or(CalendarError::OutOfRange)?)
    }

    /// The `days`-th working day strictly after `day`; `day` itself for 0.
    ///
    /// # Errors
    /// [`CalendarError`]; `OutOfRange` also for more than [`MAX_WORKING_DAYS`].
    pub fn add_working_days(&self, day: NaiveDate, days: u32) -> Result<NaiveDate, CalendarError> {
        if days > MAX_WORKING_DAYS {
            return Err(CalendarError::OutOfRange);
        }
        (0..days).try_fold(day, |day, _| {
            self.working_day_from(day.succ_opt().ok_or(CalendarError::OutOfRange)?)
        })
    }

    /// The instant `end_of_day` on the `days`-th working day after the start day of `anchor`. With
    /// 0 days and an early `end_of_day` it may lie before `anchor`.
    ///
    /// ```
    /// use chrono::{NaiveTime, TimeZone, Utc};
    /// use orderflow::calendar::{END_OF_DAY, WorkCalendar};
    ///
    /// let cutoff = NaiveTime::from_hms_opt(14, 0, 0).unwrap();
    /// let calendar = WorkCalendar::weekdays(chrono_tz::America::New_York, cutoff);
    /// // Friday 12:00, two business days: Tuesday, in daylight saving time since Sunday.
    /// let anchor = Utc.with_ymd_and_hms(2026, 3, 6, 17, 0, 0).unwrap();
    /// let deadline = calendar.deadline_after(anchor, 2, END_OF_DAY)?;
    /// assert_eq!(deadline.to_rfc3339(), "2026-03-11T03:59:59+00:00");
    /// # Ok::<(), orderflow::calendar::CalendarError>(())
    /// ```
    ///
    /// # Errors
    /// [`CalendarError`].
    pub fn deadline_after(
        &self,
        anchor: DateTime<Utc>,
        days: u32,
        end_of_day: NaiveTime,
    ) -> Result<DateTime<Utc>, CalendarError> {
        let day = self.add_working_days(self.start_day(anchor)?, days)?;
        Ok(resolve_local(self.zone, day.and_time(end_of_day)))
    }

    /// The next instant at which a parcel that is ready at `instant` leaves: the cut-off of its
    /// start day, or `instant` itself in the fractions of the last second of a day.
    ///
    /// # Errors
    /// [`CalendarError`].
    pub fn next_departure(&self, instant: DateTime<Utc>) -> Result<DateTime<Utc>, CalendarError> {
        let cutoff = self.cutoff_instant(self.start_day(instant)?);
        Ok(cutoff.max(bounded(instant)))
    }

    /// The local date at an instant.
    #[must_use]
    pub fn local_date(&self, instant: DateTime<Utc>) -> NaiveDate {
        local_time(self.zone, instant).date()
    }

    /// The last instant of the local day `days` days after the one of `instant`, calendars ignored.
    ///
    /// # Errors
    /// [`CalendarError::OutOfRange`].
    pub fn end_of_calendar_day(
        &self,
        instant: DateTime<Utc>,
        days: u64,
    ) -> Result<DateTime<Utc>, CalendarError> {
        let day = self
            .local_date(instant)
            .checked_add_days(Days::new(days))
            .ok_or(CalendarError::OutOfRange)?;
        Ok(resolve_local(self.zone, day.and_time(END_OF_DAY)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new_york() -> WorkCalendar {
        let date = |m, d| NaiveDate::from_ymd_opt(2026, m, d).unwrap();
        WorkCalendar::weekdays(
            chrono_tz::America::New_York,
            NaiveTime::from_hms_opt(14, 0, 0).unwrap(),
        )
        .with_holidays([date(1, 1), date(1, 19), date(2, 16), date(5, 25), date(7, 3)])
    }

    fn local(calendar: &WorkCalendar, d: u32, h: u32) -> DateTime<Utc> {
        let day = NaiveDate::from_ymd_opt(2026, 3, d).unwrap();
        resolve_local(calendar.zone, day.and_hms_opt(h, 0, 0).unwrap())
    }

    #[test]
    fn the_worked_examples_of_business_days_come_out_to_the_second() {
        let calendar = new_york();
        let due = |d, h, n| {
            calendar.deadline_after(local(&calendar, d, h), n, END_OF_DAY).unwrap().to_rfc3339()
        };
        assert_eq!(due(4, 13, 2), "2026-03-07T04:59:59+00:00"); // Wednesday 13:00
        assert_eq!(due(6, 12, 2), "2026-03-11T03:59:59+00:00"); // Friday noon, over the clock change
        assert_eq!(due(6, 15, 2), "2026-03-12T03:59:59+00:00"); // Friday after the cut-off
        assert_eq!(due(7, 10, 1), "2026-03-11T03:59:59+00:00"); // Saturday
        assert_eq!(due(6, 14, 0), "2026-03-07T04:59:59+00:00"); // exactly the cut-off is in time
    }

    #[test]
    fn a_local_time_that_exists_twice_is_the_later_one() {
        let day = NaiveDate::from_ymd_opt(2026, 11, 1).unwrap();
        let twice = resolve_local(chrono_tz::America::New_York, day.and_hms_opt(1, 30, 0).unwrap());
        assert_eq!(twice.to_rfc3339(), "2026-11-01T06:30:00+00:00");
    }

    #[test]
    fn a_skipped_day_resolves_to_the_first_instant_after_it() {
        // Samoa skipped 30 December 2011.
        let day = NaiveDate::from_ymd_opt(2011, 12, 30).unwrap();
        let instant = resolve_local(chrono_tz::Pacific::Apia, day.and_hms_opt(12, 0, 0).unwrap());
        assert_eq!(instant.to_rfc3339(), "2011-12-30T10:00:00+00:00");
    }

    #[test]
    fn a_calendar_without_working_days_is_an_error_not_a_loop() {
        let mut calendar = new_york();
        calendar.working_weekdays = [false; 7];
        assert!(matches!(
            calendar.start_day(local(&calendar, 4, 12)),
            Err(CalendarError::NoWorkingDay(_))
        ));
    }
}
