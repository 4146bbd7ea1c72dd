//! Calendars and deadlines: working days, opening hours, local days, holidays, rules and presets.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics has failed, which is what it is for"
)]

#[path = "calendar/boundaries.rs"]
mod boundaries;
#[path = "calendar/holidays.rs"]
mod holidays;
#[path = "calendar/oracle.rs"]
mod oracle;
#[path = "calendar/presets.rs"]
mod presets;
#[path = "calendar/properties.rs"]
mod properties;
#[path = "calendar/sla.rs"]
mod sla;
mod support;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;
use orderflow::calendar::{HolidayCalendar, OpeningHours, WorkCalendar, resolve_local};

fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap()
}

fn clock(hour: u32, minute: u32, second: u32) -> NaiveTime {
    NaiveTime::from_hms_opt(hour, minute, second).unwrap()
}

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The instant of a local time, as text without zone.
fn local(zone: Tz, text: &str) -> DateTime<Utc> {
    resolve_local(zone, text.parse().unwrap_or_else(|error| panic!("{text}: {error}")))
}

/// Monday to Friday, cut-off 14:00, open from 9 to 17, holidays of the United States.
fn weekdays(zone: Tz) -> WorkCalendar {
    WorkCalendar::weekdays(zone, clock(14, 0, 0))
        .with_holiday_calendar(HolidayCalendar::UnitedStates)
        .with_hours(OpeningHours::new(clock(9, 0, 0), clock(17, 0, 0)).unwrap())
}
