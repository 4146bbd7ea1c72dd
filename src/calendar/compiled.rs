//! A calendar as a table, for many questions.

use std::ops::RangeInclusive;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, Utc};

use super::hours::steady;
use super::{
    CalendarError, END_OF_DAY, HORIZON_DAYS, MAX_WORKING_DAYS, WorkCalendar, resolve_local,
};

/// The most years a table covers.
const MAX_YEARS: i32 = 100;
/// Days of a year in the table; the last one is unused in most years.
const DAYS_OF_A_YEAR: usize = 366;
/// How far the table reaches beyond its last year, so that spans that end there are answered too.
const TAIL_DAYS: u64 = 60;
/// Where the table has no answer.
const NOT_HERE: u32 = u32::MAX;

/// A [`WorkCalendar`] with its answers worked out for a range of years.
///
/// Answers are always those of the plain calendar: outside of its years the table asks it. A
/// question inside costs a few nanoseconds, whatever zone, holidays and clock changes; a table of
/// six years takes about 150 kB.
///
/// ```
/// use chrono::{NaiveTime, TimeZone, Utc};
/// use orderflow::calendar::{CompiledCalendar, END_OF_DAY, HolidayCalendar, WorkCalendar};
///
/// let cutoff = NaiveTime::from_hms_opt(14, 0, 0).unwrap();
/// let plain = WorkCalendar::weekdays(chrono_tz::America::New_York, cutoff)
///     .with_holiday_calendar(HolidayCalendar::UnitedStates);
/// let table = CompiledCalendar::new(plain, 2025..=2030)?;
///
/// // Thursday 2 July 2026 after the cut-off; Friday is Independence Day, observed.
/// let anchor = Utc.with_ymd_and_hms(2026, 7, 2, 18, 0, 1).unwrap();
/// let due = table.deadline_after(anchor, 1, END_OF_DAY)?;
/// assert_eq!(due.to_rfc3339(), "2026-07-08T03:59:59+00:00");
/// assert_eq!(due, table.plain().deadline_after(anchor, 1, END_OF_DAY)?);
/// # Ok::<(), orderflow::calendar::CalendarError>(())
/// ```
#[derive(Debug, Clone)]
pub struct CompiledCalendar {
    plain: WorkCalendar,
    first_year: i32,
    /// Per UTC day, year by year: where to begin reading the tables below.
    rows: Vec<Row>,
    /// The working days in order, their cut-offs, and their last instants.
    days: Vec<NaiveDate>,
    cutoffs: Vec<DateTime<Utc>>,
    ends: Vec<DateTime<Utc>>,
    business: Business,
}

#[derive(Debug, Clone, Copy)]
struct Row {
    /// The first working day whose cut-off is not before this UTC day.
    day: u32,
    /// The first opening that closes after the begin of this UTC day.
    opening: u32,
}

/// The openings of all working days, one after the other as business time.
#[derive(Debug, Clone, Default)]
struct Business {
    openings: Vec<Opening>,
    /// Per stretch of business time: the first opening that ends at or after its begin.
    stretches: Vec<u32>,
    /// Seconds of a stretch.
    stretch: i64,
}

/// One opening, in seconds.
#[derive(Debug, Clone, Copy)]
struct Opening {
    opens: i64,
    closes: i64,
    /// Business time before it.
    before: i64,
}

/// Business time since the begin of the table: whole seconds, nanoseconds.
type Elapsed = (i64, u32);

impl CompiledCalendar {
    /// Works out the table for local years, both included.
    ///
    /// # Errors
    /// [`CalendarError::OutOfRange`] when the years are empty, more than a hundred, or outside of
    /// 1 to 9999; [`CalendarError::NoWorkingDay`] when none of their days is worked.
    pub fn new(plain: WorkCalendar, years: RangeInclusive<i32>) -> Result<Self, CalendarError> {
        let (first_year, last_year) = (*years.start(), *years.end());
        let count = last_year.checked_sub(first_year).ok_or(CalendarError::OutOfRange)?;
        if !(0..MAX_YEARS).contains(&count) || first_year < 2 || last_year > 9998 {
            return Err(CalendarError::OutOfRange);
        }
        let new_year = NaiveDate::from_ymd_opt(first_year, 1, 1);
        let new_years_eve = NaiveDate::from_ymd_opt(last_year, 12, 31);
        let (Some(new_year), Some(new_years_eve)) = (new_year, new_years_eve) else {
            return Err(CalendarError::OutOfRange);
        };
        let mut table = Self {
            plain,
            first_year,
            rows: Vec::new(),
            days: Vec::new(),
            cutoffs: Vec::new(),
            ends: Vec::new(),
            business: Business::default(),
        };
        // A local day begins up to a day before or after the UTC day of its date.
        let from = new_year.checked_sub_days(Days::new(2)).unwrap_or(new_year);
        let to = new_years_eve.checked_add_days(Days::new(TAIL_DAYS)).unwrap_or(new_years_eve);
        table.list_days(from, to);
        if table.days.is_empty() {
            return Err(CalendarError::NoWorkingDay(new_year));
        }
        table.business.finish();
        table.index(first_year..=last_year);
        Ok(table)
    }

    /// The calendar the table was made of.
    #[must_use]
    pub const fn plain(&self) -> &WorkCalendar {
        &self.plain
    }

    fn list_days(&mut self, from: NaiveDate, to: NaiveDate) {
        let off = self.plain.holiday_calendar.map(|country| country.dates(from.year()..=to.year()));
        let is_off = |day: &NaiveDate| {
            self.plain.holidays.contains(day) || off.as_ref().is_some_and(|off| off.contains(day))
        };
        let mut before = from;
        for day in from.iter_days().take_while(|day| *day <= to) {
            if !self.plain.is_working_weekday(day) || is_off(&day) {
                continue;
            }
            // The plain calendar gives up on gaps like this one, so the table ends here.
            if (day - before).num_days() >= i64::from(HORIZON_DAYS) {
                break;
            }
            before = day;
            self.days.push(day);
            self.cutoffs.push(self.plain.cutoff_instant(day));
            self.ends.push(resolve_local(self.plain.zone, day.and_time(END_OF_DAY)));
            if let Some(open) =
                self.plain.hours.and_then(|usual| self.plain.open_between(day, usual))
            {
                self.business.push(open.start.timestamp(), open.end.timestamp());
            }
        }
    }

    fn index(&mut self, years: RangeInclusive<i32>) {
        let (mut day, mut opening) = (0_usize, 0_usize);
        for year in years {
            for ordinal in (1..).take(DAYS_OF_A_YEAR) {
                let Some(date) = NaiveDate::from_yo_opt(year, ordinal) else {
                    self.rows.push(Row { day: NOT_HERE, opening: NOT_HERE });
                    continue;
                };
                let midnight = date.and_time(NaiveTime::MIN).and_utc();
                let seconds = midnight.timestamp();
                while self.cutoffs.get(day).is_some_and(|cutoff| *cutoff < midnight) {
                    day += 1;
                }
                let openings = &self.business.openings;
                while openings.get(opening).is_some_and(|open| open.closes <= seconds) {
                    opening += 1;
                }
                let known = |index: usize, length: usize| {
                    u32::try_from(index).ok().filter(|_| index < length).unwrap_or(NOT_HERE)
                };
                let row = Row {
                    day: known(day, self.cutoffs.len()),
                    opening: known(opening, openings.len()),
                };
                self.rows.push(row);
            }
        }
    }

    fn row(&self, date: NaiveDate) -> Option<Row> {
        let year = usize::try_from(date.year().checked_sub(self.first_year)?).ok()?;
        let day = usize::try_from(date.ordinal0()).ok()?;
        self.rows.get(year.checked_mul(DAYS_OF_A_YEAR)?.checked_add(day)?).copied()
    }

    /// Which working day of the table something that arrives at `instant` is worked on.
    fn start(&self, instant: DateTime<Utc>) -> Option<usize> {
        let mut day = usize::try_from(self.row(instant.date_naive())?.day).ok()?;
        while *self.cutoffs.get(day)? < instant {
            day += 1;
        }
        Some(day)
    }

    /// As [`WorkCalendar::start_day`].
    ///
    /// # Errors
    /// [`CalendarError`].
    pub fn start_day(&self, instant: DateTime<Utc>) -> Result<NaiveDate, CalendarError> {
        match self.start(instant).and_then(|day| self.days.get(day)) {
            Some(day) => Ok(*day),
            None => self.plain.start_day(instant),
        }
    }

    /// As [`WorkCalendar::next_departure`].
    ///
    /// # Errors
    /// [`CalendarError`].
    pub fn next_departure(&self, instant: DateTime<Utc>) -> Result<DateTime<Utc>, CalendarError> {
        match self.start(instant).and_then(|day| self.cutoffs.get(day)) {
            Some(cutoff) => Ok(*cutoff),
            None => self.plain.next_departure(instant),
        }
    }

    /// As [`WorkCalendar::deadline_after`]; fastest for [`END_OF_DAY`].
    ///
    /// # Errors
    /// [`CalendarError`].
    pub fn deadline_after(
        &self,
        anchor: DateTime<Utc>,
        days: u32,
        end_of_day: NaiveTime,
    ) -> Result<DateTime<Utc>, CalendarError> {
        let ahead = usize::try_from(days).ok().filter(|_| days <= MAX_WORKING_DAYS);
        let last = ahead.and_then(|ahead| self.start(anchor)?.checked_add(ahead));
        if end_of_day == END_OF_DAY {
            if let Some(end) = last.and_then(|last| self.ends.get(last)) {
                return Ok(*end);
            }
        } else if let Some(day) = last.and_then(|last| self.days.get(last)) {
            return Ok(resolve_local(self.plain.zone, day.and_time(end_of_day)));
        }
        self.plain.deadline_after(anchor, days, end_of_day)
    }

    /// As [`WorkCalendar::add_business_time`].
    ///
    /// # Errors
    /// [`CalendarError`].
    pub fn add_business_time(
        &self,
        instant: DateTime<Utc>,
        duration: TimeDelta,
    ) -> Result<DateTime<Utc>, CalendarError> {
        match self.add_from_table(instant, duration) {
            Some(answer) => Ok(answer),
            None => self.plain.add_business_time(instant, duration),
        }
    }

    fn add_from_table(&self, instant: DateTime<Utc>, duration: TimeDelta) -> Option<DateTime<Utc>> {
        let nanoseconds = u32::try_from(duration.subsec_nanos()).ok()?;
        if duration <= TimeDelta::zero() {
            return None;
        }
        let (seconds, fraction) = self.elapsed(instant)?;
        let total = fraction.checked_add(nanoseconds)?;
        let (carry, fraction) =
            if total >= NANOSECONDS { (1, total - NANOSECONDS) } else { (0, total) };
        let target = seconds.checked_add(duration.num_seconds())?.checked_add(carry)?;
        self.business.at((target, fraction))
    }

    /// As [`WorkCalendar::business_time_between`].
    ///
    /// # Errors
    /// [`CalendarError`].
    pub fn business_time_between(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<TimeDelta, CalendarError> {
        match self.between_from_table(from, to) {
            Some(answer) => Ok(answer),
            None => self.plain.business_time_between(from, to),
        }
    }

    fn between_from_table(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Option<TimeDelta> {
        let (begin, begin_fraction) = self.elapsed(from)?;
        let (end, end_fraction) = self.elapsed(to)?;
        if end_fraction >= begin_fraction {
            TimeDelta::new(end - begin, end_fraction - begin_fraction)
        } else {
            TimeDelta::new(end - begin - 1, end_fraction + NANOSECONDS - begin_fraction)
        }
    }

    /// Business time from the begin of the table to an instant.
    fn elapsed(&self, instant: DateTime<Utc>) -> Option<Elapsed> {
        let instant = steady(instant);
        let seconds = instant.timestamp();
        let mut index = usize::try_from(self.row(instant.date_naive())?.opening).ok()?;
        let mut opening = self.business.openings.get(index)?;
        while opening.closes <= seconds {
            index += 1;
            opening = self.business.openings.get(index)?;
        }
        let inside = seconds - opening.opens;
        Some(if inside < 0 {
            (opening.before, 0)
        } else {
            (opening.before + inside, instant.timestamp_subsec_nanos())
        })
    }
}

const NANOSECONDS: u32 = 1_000_000_000;

impl Business {
    fn push(&mut self, opens: i64, closes: i64) {
        let before = self.openings.last().map_or(0, Opening::end);
        self.openings.push(Opening { opens, closes, before });
    }

    /// Makes stretches as long as the mean opening, so that each meets about one.
    fn finish(&mut self) {
        let total = self.openings.last().map_or(0, Opening::end);
        let count = i64::try_from(self.openings.len()).unwrap_or(i64::MAX).max(1);
        self.stretch = (total / count).max(1);
        let mut opening = 0_usize;
        let mut begin = 0_i64;
        while begin <= total {
            while self.openings.get(opening).is_some_and(|open| open.end() < begin) {
                opening += 1;
            }
            self.stretches.push(u32::try_from(opening).unwrap_or(NOT_HERE));
            begin += self.stretch;
        }
    }

    /// The first instant at which this much business time has passed.
    fn at(&self, (seconds, fraction): Elapsed) -> Option<DateTime<Utc>> {
        let whole = seconds + i64::from(fraction > 0);
        let stretch = usize::try_from(whole / self.stretch.max(1)).ok()?;
        let mut index = usize::try_from(*self.stretches.get(stretch)?).ok()?;
        let mut opening = self.openings.get(index)?;
        while opening.end() < whole {
            index += 1;
            opening = self.openings.get(index)?;
        }
        DateTime::from_timestamp(opening.opens + (seconds - opening.before), fraction)
    }
}

impl Opening {
    const fn end(&self) -> i64 {
        self.before + (self.closes - self.opens)
    }
}
