//! A calendar as a table, for many questions.

use std::ops::RangeInclusive;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, Timelike, Utc};

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
/// six years takes about 180 kB.
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
    /// Per UTC day, year by year: the working days that begin to count then.
    starts: Vec<Start>,
    /// The working days in order, their cut-offs, and their last instants.
    days: Vec<NaiveDate>,
    cutoffs: Vec<DateTime<Utc>>,
    /// The last instants in time for them; needed while the table is made.
    in_time: Vec<DateTime<Utc>>,
    ends: Vec<DateTime<Utc>>,
    business: Business,
}

/// What decides the start day within a UTC day.
///
/// Rows are read without a branch: arrivals are spread over the day, and a branch that nobody can
/// predict costs more than the whole rest.
#[derive(Debug, Clone, Copy)]
struct Start {
    /// The first working day whose cut-off is not before this UTC day.
    day: u32,
    /// The cut-offs within this UTC day, in nanoseconds since its begin.
    cutoffs: [u64; 2],
}

/// The openings of all working days, one after the other as business time.
#[derive(Debug, Clone, Default)]
struct Business {
    /// Per UTC day, year by year.
    rows: Vec<Elapsing>,
    openings: Vec<Opening>,
    /// Per stretch of business time: the first opening that ends at or after its begin.
    stretches: Vec<u32>,
    /// A stretch is two to the power of this, in seconds.
    stretch_bits: u32,
}

/// How business time passes within a UTC day: in at most two parts, in seconds since its begin.
#[derive(Debug, Clone, Copy)]
struct Elapsing {
    /// Business time before this UTC day.
    before: u32,
    opens: [u32; 2],
    lengths: [u32; 2],
}

/// One opening.
#[derive(Debug, Clone, Copy)]
struct Opening {
    opens: i64,
    /// Business time before it, and at its end.
    before: u32,
    end: u32,
}

/// Business time since the begin of the table: whole seconds, nanoseconds.
type Elapsed = (i64, u32);

const NANOSECONDS: u32 = 1_000_000_000;
const SECONDS_OF_A_DAY: i64 = 86_400;

const NO_START: Start = Start { day: NOT_HERE, cutoffs: [u64::MAX; 2] };
const NO_ELAPSING: Elapsing = Elapsing { before: NOT_HERE, opens: [0; 2], lengths: [0; 2] };

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
            starts: Vec::new(),
            days: Vec::new(),
            cutoffs: Vec::new(),
            in_time: Vec::new(),
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
        table.in_time = Vec::new();
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
            self.in_time.push(self.plain.in_time_until(day));
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
                    self.starts.push(NO_START);
                    self.business.rows.push(NO_ELAPSING);
                    continue;
                };
                let midnight = date.and_time(NaiveTime::MIN).and_utc();
                while self.in_time.get(day).is_some_and(|last| *last < midnight) {
                    day += 1;
                }
                self.starts.push(self.start_of(day, midnight).unwrap_or(NO_START));
                let begin = midnight.timestamp();
                let openings = &self.business.openings;
                while openings.get(opening).is_some_and(|open| open.closes() <= begin) {
                    opening += 1;
                }
                let row = self.business.row_of(opening, begin).unwrap_or(NO_ELAPSING);
                self.business.rows.push(row);
            }
        }
    }

    /// The row of the UTC day that begins at `midnight`; `None` when two cut-offs are not enough.
    fn start_of(&self, day: usize, midnight: DateTime<Utc>) -> Option<Start> {
        let next = midnight + TimeDelta::days(1);
        let within = |index: usize| self.in_time.get(index).filter(|last| **last < next);
        if day >= self.in_time.len() || within(day + 2).is_some() {
            return None;
        }
        let cutoff = |index| {
            within(index).map_or(u64::MAX, |cutoff| {
                let second = u64::from(cutoff.naive_utc().num_seconds_from_midnight());
                let fraction = cutoff.timestamp_subsec_nanos().min(NANOSECONDS - 1);
                second * u64::from(NANOSECONDS) + u64::from(fraction)
            })
        };
        Some(Start { day: u32::try_from(day).ok()?, cutoffs: [cutoff(day), cutoff(day + 1)] })
    }

    #[inline]
    fn row(&self, date: NaiveDate) -> Option<usize> {
        let year = usize::try_from(date.year() - self.first_year).ok()?;
        let day = usize::try_from(date.ordinal0()).ok()?;
        Some(year * DAYS_OF_A_YEAR + day)
    }

    /// Which working day of the table something that arrives at `instant` is worked on.
    #[inline]
    fn start(&self, instant: DateTime<Utc>) -> Option<usize> {
        let utc = instant.naive_utc();
        let start = self.starts.get(self.row(utc.date())?)?;
        let fraction = utc.nanosecond();
        if start.day == NOT_HERE || fraction >= NANOSECONDS {
            return None;
        }
        let time = u64::from(utc.num_seconds_from_midnight()) * u64::from(NANOSECONDS)
            + u64::from(fraction);
        let [first, second] = start.cutoffs.map(|cutoff| u32::from(time > cutoff));
        usize::try_from(start.day + first + second).ok()
    }

    /// As [`WorkCalendar::start_day`].
    ///
    /// # Errors
    /// [`CalendarError`].
    #[inline]
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
    #[inline]
    pub fn next_departure(&self, instant: DateTime<Utc>) -> Result<DateTime<Utc>, CalendarError> {
        match self.start(instant).and_then(|day| self.cutoffs.get(day)) {
            Some(cutoff) => Ok((*cutoff).max(instant)),
            None => self.plain.next_departure(instant),
        }
    }

    /// As [`WorkCalendar::deadline_after`]; fastest for [`END_OF_DAY`].
    ///
    /// # Errors
    /// [`CalendarError`].
    #[inline]
    pub fn deadline_after(
        &self,
        anchor: DateTime<Utc>,
        days: u32,
        end_of_day: NaiveTime,
    ) -> Result<DateTime<Utc>, CalendarError> {
        if end_of_day == END_OF_DAY
            && let Some(end) = self.last_day(anchor, days).and_then(|last| self.ends.get(last))
        {
            return Ok(*end);
        }
        self.deadline_at(anchor, days, end_of_day)
    }

    /// Deadlines at other times of the day, and beyond the table.
    #[cold]
    fn deadline_at(
        &self,
        anchor: DateTime<Utc>,
        days: u32,
        end_of_day: NaiveTime,
    ) -> Result<DateTime<Utc>, CalendarError> {
        match self.last_day(anchor, days).and_then(|last| self.days.get(last)) {
            Some(day) => Ok(resolve_local(self.plain.zone, day.and_time(end_of_day))),
            None => self.plain.deadline_after(anchor, days, end_of_day),
        }
    }

    /// Which working day of the table is the `days`-th after the start day.
    #[inline]
    fn last_day(&self, anchor: DateTime<Utc>, days: u32) -> Option<usize> {
        if days > MAX_WORKING_DAYS {
            return None;
        }
        // Neither can overflow: the table has fewer days than a `u32` counts by far.
        Some(self.start(anchor)? + usize::try_from(days).ok()?)
    }

    /// As [`WorkCalendar::add_business_time`].
    ///
    /// # Errors
    /// [`CalendarError`].
    #[inline]
    pub fn add_business_time(
        &self,
        instant: DateTime<Utc>,
        duration: TimeDelta,
    ) -> Result<DateTime<Utc>, CalendarError> {
        if duration > TimeDelta::zero()
            && duration.subsec_nanos() == 0
            && let Some(elapsed) = self.whole_elapsed(instant)
            && let Some(target) = i64::from(elapsed).checked_add(duration.num_seconds())
            && let Some(answer) = self.business.at((target, 0))
        {
            return Ok(answer);
        }
        self.add_in_fractions(instant, duration)
    }

    /// Fractions of seconds, and what lies beyond the table.
    #[cold]
    fn add_in_fractions(
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
    #[inline]
    pub fn business_time_between(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<TimeDelta, CalendarError> {
        if let Some(begin) = self.whole_elapsed(from)
            && let Some(end) = self.whole_elapsed(to)
            && let Some(time) = TimeDelta::new(i64::from(end) - i64::from(begin), 0)
        {
            return Ok(time);
        }
        self.between_in_fractions(from, to)
    }

    /// Fractions of seconds, and what lies beyond the table.
    #[cold]
    fn between_in_fractions(
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

    /// Business time from the begin of the table to an instant in whole seconds.
    #[inline]
    fn whole_elapsed(&self, instant: DateTime<Utc>) -> Option<u32> {
        let utc = instant.naive_utc();
        let row = self.business.rows.get(self.row(utc.date())?)?;
        if row.before == NOT_HERE || utc.nanosecond() != 0 {
            return None;
        }
        let [first, second] = row.passed(utc.num_seconds_from_midnight());
        Some(row.before + first + second)
    }

    /// Business time from the begin of the table to an instant.
    fn elapsed(&self, instant: DateTime<Utc>) -> Option<Elapsed> {
        let utc = instant.naive_utc();
        let row = self.business.rows.get(self.row(utc.date())?)?;
        if row.before == NOT_HERE {
            return None;
        }
        let second = utc.num_seconds_from_midnight();
        let [first, second_part] = row.passed(second);
        let fraction = match utc.nanosecond() {
            0 => 0,
            // As `steady` has it, a leap second is the end of the second before.
            fraction if row.is_open(second) => fraction.min(NANOSECONDS - 1),
            _ => 0,
        };
        Some((i64::from(row.before) + i64::from(first) + i64::from(second_part), fraction))
    }
}

impl Elapsing {
    #[inline]
    fn passed(&self, second: u32) -> [u32; 2] {
        let ([first, later], [length, later_length]) = (self.opens, self.lengths);
        [second.saturating_sub(first).min(length), second.saturating_sub(later).min(later_length)]
    }

    fn is_open(&self, second: u32) -> bool {
        let mut parts = self.opens.into_iter().zip(self.lengths);
        parts.any(|(opens, length)| second >= opens && second - opens < length)
    }
}

impl Business {
    fn push(&mut self, opens: i64, closes: i64) {
        let before = self.openings.last().map_or(0, |opening| opening.end);
        // A hundred years have fewer seconds than a `u32` counts.
        let length = u32::try_from(closes - opens).unwrap_or(0);
        self.openings.push(Opening { opens, before, end: before.saturating_add(length) });
    }

    /// The row of the UTC day that begins at `begin`, the first of its openings being known; `None`
    /// when two parts are not enough.
    fn row_of(&self, opening: usize, begin: i64) -> Option<Elapsing> {
        let within = |at: i64| u32::try_from((at - begin).clamp(0, SECONDS_OF_A_DAY)).ok();
        let part = |index: usize| match self.openings.get(index) {
            None => Some((0, 0)),
            Some(opening) => {
                let (opens, closes) = (within(opening.opens)?, within(opening.closes())?);
                Some((opens, closes - opens))
            }
        };
        let first = self.openings.get(opening)?;
        let next_day = begin + SECONDS_OF_A_DAY;
        if self.openings.get(opening + 2).is_some_and(|third| third.opens < next_day) {
            return None;
        }
        let ((opens, length), (later, later_length)) = (part(opening)?, part(opening + 1)?);
        let passed = u32::try_from((begin - first.opens).max(0)).ok()?;
        Some(Elapsing {
            before: first.before + passed,
            opens: [opens, later],
            lengths: [length, later_length],
        })
    }

    /// Makes stretches no longer than the shortest opening, so that each meets the end of one at
    /// most; longer ones where a few short openings would make very many stretches.
    fn finish(&mut self) {
        let total = self.openings.last().map_or(0, |opening| opening.end);
        let lengths = self.openings.iter().map(|opening| opening.end - opening.before);
        let shortest = lengths.min().unwrap_or(1).max(1);
        let count = u32::try_from(self.openings.len()).unwrap_or(u32::MAX).max(1);
        self.stretch_bits = shortest.max(total / count / 8).ilog2();
        let mut opening = 0_usize;
        for begin in (0..=total).step_by(1 << self.stretch_bits) {
            while self.openings.get(opening).is_some_and(|open| open.end < begin) {
                opening += 1;
            }
            self.stretches.push(u32::try_from(opening).unwrap_or(NOT_HERE));
        }
    }

    /// The first instant at which this much business time has passed.
    #[inline]
    fn at(&self, (seconds, fraction): Elapsed) -> Option<DateTime<Utc>> {
        let whole = u32::try_from(seconds + i64::from(fraction > 0)).ok()?;
        let stretch = usize::try_from(whole >> self.stretch_bits).ok()?;
        let mut index = usize::try_from(*self.stretches.get(stretch)?).ok()?;
        index += usize::from(self.openings.get(index)?.end < whole);
        let mut opening = self.openings.get(index)?;
        while opening.end < whole {
            index += 1;
            opening = self.openings.get(index)?;
        }
        DateTime::from_timestamp(opening.opens + seconds - i64::from(opening.before), fraction)
    }
}

impl Opening {
    const fn closes(&self) -> i64 {
        self.opens + (self.end - self.before) as i64
    }
}
