//! Windows of local days.

use std::ops::Range;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;

use super::resolve_first;

/// The instants of the local days `from` to `to`, both included, as `[start, end)`.
///
/// A day begins with the first instant that shows its date. Neighbouring windows touch and never
/// overlap, so every instant belongs to exactly one day, also where clocks jump over midnight. A
/// date that a zone skipped is an empty window; so is `to` before `from`.
///
/// ```
/// use chrono::NaiveDate;
/// use orderflow::calendar::local_days;
///
/// let day = |m, d| NaiveDate::from_ymd_opt(2026, m, d).unwrap();
/// let window = local_days(chrono_tz::America::New_York, day(3, 7), day(3, 8));
/// // Two days over the change to daylight saving time are 47 hours.
/// assert_eq!((window.end - window.start).num_hours(), 47);
/// ```
#[must_use]
pub fn local_days(zone: Tz, from: NaiveDate, to: NaiveDate) -> Range<DateTime<Utc>> {
    let start = day_start(zone, from);
    let end = day_start(zone, to.succ_opt().unwrap_or(to));
    start..end.max(start)
}

/// The instants of a local day as `[start, end)`: 23, 24 or 25 hours, or whatever the zone did.
///
/// ```
/// use chrono::{NaiveDate, TimeZone, Utc};
/// use orderflow::calendar::local_day;
///
/// let day = NaiveDate::from_ymd_opt(2026, 7, 4).unwrap();
/// let window = local_day(chrono_tz::America::Los_Angeles, day);
/// assert_eq!(window.start, Utc.with_ymd_and_hms(2026, 7, 4, 7, 0, 0).unwrap());
/// assert!(!window.contains(&window.end));
/// ```
#[must_use]
pub fn local_day(zone: Tz, day: NaiveDate) -> Range<DateTime<Utc>> {
    local_days(zone, day, day)
}

/// The instants of the local week (Monday to Sunday) that contains `day`.
#[must_use]
pub fn local_week(zone: Tz, day: NaiveDate) -> Range<DateTime<Utc>> {
    let since_monday = u64::from(day.weekday().num_days_from_monday());
    let monday = day.checked_sub_days(Days::new(since_monday)).unwrap_or(day);
    local_days(zone, monday, monday.checked_add_days(Days::new(6)).unwrap_or(day))
}

/// The instants of the local calendar month that contains `day`.
#[must_use]
pub fn local_month(zone: Tz, day: NaiveDate) -> Range<DateTime<Utc>> {
    let first = day.with_day(1).unwrap_or(day);
    let last = first.checked_add_months(Months::new(1)).and_then(|next| next.pred_opt());
    local_days(zone, first, last.unwrap_or(day))
}

/// The first instant whose local date is `day` or later.
pub(super) fn day_start(zone: Tz, day: NaiveDate) -> DateTime<Utc> {
    resolve_first(zone, day.and_time(NaiveTime::MIN))
}
