//! Worked examples and the edges of days, openings, zones and tables.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;
use orderflow::calendar::{
    CalendarError, CompiledCalendar, END_OF_DAY, MAX_WORKING_DAYS, OpeningHours, WorkCalendar,
    local_day, local_days, local_month, local_week,
};

use super::{clock, day, local, utc, weekdays};

const NEW_YORK: Tz = chrono_tz::America::New_York;
const LOS_ANGELES: Tz = chrono_tz::America::Los_Angeles;

/// Asks the plain calendar and the table, which must agree.
struct Both(CompiledCalendar);

impl Both {
    fn new(calendar: WorkCalendar) -> Self {
        Self(CompiledCalendar::new(calendar, 2023..=2029).unwrap())
    }

    fn ship_by(&self, anchor: DateTime<Utc>, days: u32) -> DateTime<Utc> {
        let plain = self.0.plain().deadline_after(anchor, days, END_OF_DAY).unwrap();
        assert_eq!(self.0.deadline_after(anchor, days, END_OF_DAY), Ok(plain));
        plain
    }

    fn add(&self, from: DateTime<Utc>, time: TimeDelta) -> DateTime<Utc> {
        let plain = self.0.plain().add_business_time(from, time).unwrap();
        assert_eq!(self.0.add_business_time(from, time), Ok(plain));
        plain
    }

    fn between(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> TimeDelta {
        let plain = self.0.plain().business_time_between(from, to).unwrap();
        assert_eq!(self.0.business_time_between(from, to), Ok(plain));
        plain
    }
}

#[test]
fn the_worked_examples_of_business_days_come_out_to_the_second() {
    let calendar = Both::new(weekdays(NEW_YORK));
    let due = |anchor: &str, days| calendar.ship_by(local(NEW_YORK, anchor), days);
    assert_eq!(due("2026-03-04T13:00:00", 2), utc("2026-03-07T04:59:59Z"));
    assert_eq!(due("2026-03-06T12:00:00", 2), utc("2026-03-11T03:59:59Z"));
    assert_eq!(due("2026-03-06T15:00:00", 2), utc("2026-03-12T03:59:59Z"));
    assert_eq!(due("2026-03-07T10:00:00", 1), utc("2026-03-11T03:59:59Z"));
    assert_eq!(due("2026-03-04T13:00:00", 0), utc("2026-03-05T04:59:59Z"));
}

#[test]
fn exactly_the_cutoff_is_in_time_and_anything_after_it_is_not() {
    let calendar = Both::new(weekdays(LOS_ANGELES));
    let cutoff = local(LOS_ANGELES, "2026-03-04T14:00:00");
    assert_eq!(calendar.ship_by(cutoff, 0), local(LOS_ANGELES, "2026-03-04T23:59:59"));
    for late in [TimeDelta::nanoseconds(1), TimeDelta::seconds(1)] {
        assert_eq!(calendar.ship_by(cutoff + late, 0), local(LOS_ANGELES, "2026-03-05T23:59:59"));
    }
    assert_eq!(calendar.0.next_departure(cutoff), Ok(cutoff));
}

#[test]
fn a_cutoff_at_the_end_of_the_day_is_the_whole_day_to_its_last_fraction() {
    for zone in [chrono_tz::UTC, NEW_YORK, chrono_tz::Asia::Kolkata] {
        let calendar = Both::new(WorkCalendar::every_day(zone));
        let last = local(zone, "2026-03-04T23:59:59");
        for nanoseconds in [0, 1, 500_000_000, 999_999_999] {
            let at = last + TimeDelta::nanoseconds(nanoseconds);
            assert_eq!(calendar.0.plain().start_day(at), Ok(day(2026, 3, 4)), "{at}");
            assert_eq!(calendar.0.start_day(at), Ok(day(2026, 3, 4)), "{at}");
            assert_eq!(calendar.ship_by(at, 1), local(zone, "2026-03-05T23:59:59"));
            // Nothing leaves before it is ready.
            assert_eq!(calendar.0.plain().next_departure(at), Ok(at));
            assert_eq!(calendar.0.next_departure(at), Ok(at));
        }
        let next = last + TimeDelta::seconds(1);
        assert_eq!(calendar.0.plain().start_day(next), Ok(day(2026, 3, 5)));
        assert_eq!(calendar.0.start_day(next), Ok(day(2026, 3, 5)));
    }
}

#[test]
fn a_half_day_has_its_own_cutoff() {
    let mut plain = weekdays(LOS_ANGELES);
    plain.half_days.insert(day(2026, 12, 24), clock(11, 0, 0));
    let calendar = Both::new(plain);
    let due = |anchor: &str| calendar.ship_by(local(LOS_ANGELES, anchor), 0);
    assert_eq!(due("2026-12-24T11:00:00"), local(LOS_ANGELES, "2026-12-24T23:59:59"));
    // Christmas is a Friday in 2026.
    assert_eq!(due("2026-12-24T11:00:01"), local(LOS_ANGELES, "2026-12-28T23:59:59"));
}

#[test]
fn business_time_begins_exactly_at_opening_and_ends_exactly_at_closing() {
    let calendar = Both::new(weekdays(LOS_ANGELES));
    let at = |text: &str| local(LOS_ANGELES, text);
    let (opens, closes) = (at("2026-03-04T09:00:00"), at("2026-03-04T17:00:00"));
    assert_eq!(calendar.add(opens, TimeDelta::hours(8)), closes);
    assert_eq!(calendar.add(opens, TimeDelta::hours(1)), at("2026-03-04T10:00:00"));
    assert_eq!(calendar.add(opens - TimeDelta::hours(3), TimeDelta::hours(8)), closes);
    let second = TimeDelta::seconds(1);
    assert_eq!(calendar.add(closes, second), at("2026-03-05T09:00:01"));
    assert_eq!(
        calendar.add(opens, TimeDelta::hours(8) + TimeDelta::nanoseconds(1)),
        at("2026-03-05T09:00:00") + TimeDelta::nanoseconds(1)
    );
    // Friday before a weekend with the change of clocks.
    assert_eq!(
        calendar.add(at("2026-03-06T16:00:00"), TimeDelta::hours(24)),
        at("2026-03-11T16:00:00")
    );
    assert_eq!(calendar.between(opens, closes), TimeDelta::hours(8));
    assert_eq!(calendar.between(closes, at("2026-03-05T09:00:00")), TimeDelta::zero());
    assert_eq!(calendar.between(closes, at("2026-03-05T09:00:00") + second), second);
    assert_eq!(calendar.between(closes, opens), TimeDelta::hours(-8));
    assert_eq!(calendar.add(closes + second, TimeDelta::zero()), closes + second);
}

#[test]
fn a_day_may_have_opening_hours_of_its_own() {
    let mut plain = weekdays(LOS_ANGELES);
    plain
        .special_hours
        .insert(day(2026, 3, 5), OpeningHours::new(clock(10, 0, 0), clock(12, 30, 0)).unwrap());
    let calendar = Both::new(plain);
    let at = |text: &str| local(LOS_ANGELES, text);
    assert_eq!(
        calendar.between(at("2026-03-04T09:00:00"), at("2026-03-06T17:00:00")),
        TimeDelta::minutes(8 * 60 + 150 + 8 * 60)
    );
    assert_eq!(
        calendar.add(at("2026-03-04T16:00:00"), TimeDelta::hours(4)),
        at("2026-03-06T09:30:00")
    );
}

#[test]
fn opening_times_that_exist_twice_or_not_at_all_lose_nothing_and_count_nothing_twice() {
    let mut plain = WorkCalendar::every_day(NEW_YORK)
        .with_hours(OpeningHours::new(clock(1, 30, 0), clock(2, 30, 0)).unwrap());
    let calendar = Both::new(plain.clone());
    let open = |y, m, d| calendar.0.plain().open_on(day(y, m, d)).unwrap().unwrap();
    // 1 November 2026: 01:00 to 02:00 twice; open from the first 01:30 to the only 02:30.
    assert_eq!(open(2026, 11, 1), utc("2026-11-01T05:30:00Z")..utc("2026-11-01T07:30:00Z"));
    // 8 March 2026: 02:30 does not exist; closed at 03:00, the first instant after the gap.
    assert_eq!(open(2026, 3, 8), utc("2026-03-08T06:30:00Z")..utc("2026-03-08T07:00:00Z"));
    for (month, date, minutes) in [(11, 1, 120), (3, 8, 30), (3, 9, 60)] {
        let window = local_day(NEW_YORK, day(2026, month, date));
        assert_eq!(calendar.between(window.start, window.end), TimeDelta::minutes(minutes));
    }
    // Open all day is all the time there is, over both changes.
    plain.hours = Some(OpeningHours::ALL_DAY);
    let always = Both::new(plain);
    let year = local_days(NEW_YORK, day(2026, 1, 1), day(2026, 12, 31));
    assert_eq!(always.between(year.start, year.end), TimeDelta::days(365));
}

#[test]
fn a_cutoff_that_exists_twice_passes_with_the_second_and_one_in_a_gap_at_its_end() {
    let calendar =
        Both::new(WorkCalendar { cutoff: clock(1, 30, 0), ..WorkCalendar::every_day(NEW_YORK) });
    let end = |d: &str| local(NEW_YORK, &format!("{d}T23:59:59"));
    // First 01:45 is after the clock showed 01:30 once, but 01:30 comes again.
    assert_eq!(calendar.ship_by(utc("2026-11-01T05:45:00Z"), 0), end("2026-11-01"));
    assert_eq!(calendar.ship_by(utc("2026-11-01T06:30:00Z"), 0), end("2026-11-01"));
    assert_eq!(calendar.ship_by(utc("2026-11-01T06:30:01Z"), 0), end("2026-11-02"));
    let gap =
        Both::new(WorkCalendar { cutoff: clock(2, 30, 0), ..WorkCalendar::every_day(NEW_YORK) });
    assert_eq!(gap.ship_by(utc("2026-03-08T07:00:00Z"), 0), end("2026-03-08"));
    assert_eq!(gap.ship_by(utc("2026-03-08T07:00:01Z"), 0), end("2026-03-09"));
}

#[test]
fn zones_east_of_utc_and_with_half_hours_use_their_own_days() {
    let tokyo = Both::new(weekdays(chrono_tz::Asia::Tokyo));
    // Thursday 23:30 UTC is Friday 08:30 in Tokyo.
    assert_eq!(tokyo.ship_by(utc("2026-03-05T23:30:00Z"), 0), utc("2026-03-06T14:59:59Z"));
    assert_eq!(
        tokyo.add(utc("2026-03-05T23:30:00Z"), TimeDelta::hours(1)),
        utc("2026-03-06T01:00:00Z")
    );
    let kolkata = Both::new(weekdays(chrono_tz::Asia::Kolkata));
    assert_eq!(kolkata.ship_by(utc("2026-03-06T08:30:00Z"), 0), utc("2026-03-06T18:29:59Z"));
    assert_eq!(kolkata.ship_by(utc("2026-03-06T08:30:01Z"), 0), utc("2026-03-09T18:29:59Z"));
    let lord_howe = Both::new(weekdays(chrono_tz::Australia::Lord_Howe));
    let window = local_day(chrono_tz::Australia::Lord_Howe, day(2026, 4, 5));
    assert_eq!(window.end - window.start, TimeDelta::minutes(24 * 60 + 30));
    assert_eq!(lord_howe.between(window.start, window.end), TimeDelta::zero(), "a Sunday");
}

#[test]
fn saturday_may_be_worked() {
    let mut plain = weekdays(LOS_ANGELES);
    plain.working_weekdays = [true, true, true, true, true, true, false];
    let calendar = Both::new(plain);
    let friday = local(LOS_ANGELES, "2026-03-06T15:00:00");
    assert_eq!(calendar.ship_by(friday, 0), local(LOS_ANGELES, "2026-03-07T23:59:59"));
    assert_eq!(calendar.ship_by(friday, 1), local(LOS_ANGELES, "2026-03-09T23:59:59"));
}

#[test]
fn an_order_of_the_tables_last_day_is_answered_as_by_the_plain_calendar() {
    let calendar = Both::new(weekdays(LOS_ANGELES));
    let eve = local(LOS_ANGELES, "2029-12-31T23:59:59");
    // The holidays of 2030 are known although the table ends before it.
    assert_eq!(calendar.ship_by(eve, 0), local(LOS_ANGELES, "2030-01-02T23:59:59"));
    for days in [1, 5, 60, 500] {
        calendar.ship_by(eve, days);
    }
    calendar.add(eve, TimeDelta::hours(5_000));
    for beyond in ["2022-12-31T20:00:00", "2030-01-01T09:00:00", "2041-05-05T12:00:00"] {
        let instant = local(LOS_ANGELES, beyond);
        calendar.ship_by(instant, 3);
        calendar.add(instant, TimeDelta::hours(30));
        calendar.between(eve - TimeDelta::days(40), instant);
    }
}

#[test]
fn a_calendar_that_cannot_answer_says_why() {
    let plain = weekdays(LOS_ANGELES);
    let now = utc("2026-03-04T12:00:00Z");
    let table = CompiledCalendar::new(plain.clone(), 2026..=2026).unwrap();
    assert_eq!(
        plain.add_business_time(now, TimeDelta::seconds(-1)),
        Err(CalendarError::NegativeDuration)
    );
    assert_eq!(
        table.add_business_time(now, TimeDelta::seconds(-1)),
        Err(CalendarError::NegativeDuration)
    );
    assert_eq!(plain.add_business_time(now, TimeDelta::MAX), Err(CalendarError::OutOfRange));
    assert_eq!(table.add_business_time(now, TimeDelta::MAX), Err(CalendarError::OutOfRange));
    let absurd = [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC];
    assert_eq!(plain.business_time_between(absurd[0], absurd[1]), Err(CalendarError::OutOfRange));
    assert_eq!(
        plain.deadline_after(now, MAX_WORKING_DAYS + 1, END_OF_DAY),
        Err(CalendarError::OutOfRange)
    );
    assert_eq!(table.deadline_after(now, u32::MAX, END_OF_DAY), Err(CalendarError::OutOfRange));
    for instant in absurd {
        let _ = plain.deadline_after(instant, 3, END_OF_DAY);
        let _ = table.deadline_after(instant, 3, END_OF_DAY);
        let _ = table.add_business_time(instant, TimeDelta::hours(1));
        let _ = local_month(LOS_ANGELES, instant.date_naive());
        let _ = local_week(LOS_ANGELES, instant.date_naive());
    }
    let closed = WorkCalendar { hours: None, ..plain.clone() };
    let error = closed.add_business_time(now, TimeDelta::hours(1)).unwrap_err();
    assert_eq!(error, CalendarError::NoOpeningHours);
    assert_eq!(
        CompiledCalendar::new(closed, 2026..=2026).unwrap().business_time_between(now, now),
        Err(CalendarError::NoOpeningHours)
    );
    let never = WorkCalendar { working_weekdays: [false; 7], ..plain.clone() };
    assert!(matches!(never.start_day(now), Err(CalendarError::NoWorkingDay(_))));
    assert!(matches!(
        never.add_business_time(now, TimeDelta::hours(1)),
        Err(CalendarError::NoWorkingDay(_))
    ));
    assert!(matches!(
        CompiledCalendar::new(never, 2026..=2026),
        Err(CalendarError::NoWorkingDay(_))
    ));
    #[expect(clippy::reversed_empty_ranges, reason = "it must be refused")]
    let years = [2026..=2025, i32::MIN..=i32::MAX, 2000..=2100, 9999..=9999];
    for years in years {
        assert_eq!(
            CompiledCalendar::new(plain.clone(), years).map(|_| ()),
            Err(CalendarError::OutOfRange)
        );
    }
}

#[test]
fn holidays_without_end_make_plain_calendar_and_table_give_up_alike() {
    let mut plain = weekdays(LOS_ANGELES);
    let closed: BTreeSet<_> = day(2024, 6, 1).iter_days().take(900).collect();
    plain.holidays = closed;
    let table = CompiledCalendar::new(plain.clone(), 2024..=2027).unwrap();
    for text in
        ["2024-05-31T10:00:00", "2024-06-01T10:00:00", "2025-01-01T10:00:00", "2027-01-05T10:00:00"]
    {
        let instant = local(LOS_ANGELES, text);
        for days in [0, 1, 2] {
            assert_eq!(
                table.deadline_after(instant, days, END_OF_DAY),
                plain.deadline_after(instant, days, END_OF_DAY)
            );
        }
        for hours in [1, 20] {
            let time = TimeDelta::hours(hours);
            assert_eq!(
                table.add_business_time(instant, time),
                plain.add_business_time(instant, time)
            );
        }
    }
}

#[test]
fn opening_hours_from_outside_are_checked() {
    let read = |text: &str| serde_json::from_str::<OpeningHours>(text);
    assert!(read(r#"{"opens":"09:00:00","closes":"17:00:00"}"#).is_ok());
    assert!(read(r#"{"opens":"09:00:00","closes":"00:00:00"}"#).is_ok());
    let error = read(r#"{"opens":"17:00:00","closes":"09:00:00"}"#).unwrap_err().to_string();
    assert!(error.contains("`closes`") && error.contains("`opens`"), "{error}");
    assert!(read(r#"{"opens":"09:00:00.5","closes":"17:00:00"}"#).is_err());
}

#[test]
fn calendars_written_before_opening_hours_are_still_read() {
    let text = r#"{"zone":"America/New_York","working_weekdays":[true,true,true,true,true,false,false],
        "holidays":["2026-01-01"],"half_days":{},"cutoff":"14:00:00"}"#;
    let calendar: WorkCalendar = serde_json::from_str(text).unwrap();
    assert_eq!((calendar.hours, calendar.holiday_calendar), (None, None));
    let again = serde_json::to_string(&weekdays(NEW_YORK)).unwrap();
    assert!(again.contains(r#""holiday_calendar":"US""#), "{again}");
    assert_eq!(serde_json::from_str::<WorkCalendar>(&again).unwrap(), weekdays(NEW_YORK));
}

#[test]
fn local_days_are_23_24_or_25_hours_and_a_skipped_day_is_empty() {
    let hours = |zone: Tz, date| {
        let window = local_day(zone, date);
        (window.end - window.start).num_hours()
    };
    assert_eq!(hours(NEW_YORK, day(2026, 3, 7)), 24);
    assert_eq!(hours(NEW_YORK, day(2026, 3, 8)), 23);
    assert_eq!(hours(NEW_YORK, day(2026, 11, 1)), 25);
    // Samoa skipped 30 December 2011; Cuba sets its clocks back over the first hour of the day.
    assert!(local_day(chrono_tz::Pacific::Apia, day(2011, 12, 30)).is_empty());
    assert_eq!(hours(chrono_tz::America::Havana, day(2026, 11, 1)), 25);
    // Newfoundland set them back at 00:01: that minute belongs to the new day, as does the rest.
    let before = local_day(chrono_tz::America::St_Johns, day(2010, 11, 6));
    let after = local_day(chrono_tz::America::St_Johns, day(2010, 11, 7));
    assert_eq!(before.end, after.start);
    assert_eq!((after.end - after.start).num_hours(), 25);
}

#[test]
fn weeks_begin_on_monday_and_months_on_their_first() {
    let week = local_week(NEW_YORK, day(2026, 3, 8));
    assert_eq!(week, utc("2026-03-02T05:00:00Z")..utc("2026-03-09T04:00:00Z"));
    assert_eq!(week, local_week(NEW_YORK, day(2026, 3, 2)));
    let month = local_month(NEW_YORK, day(2026, 3, 31));
    assert_eq!(month, utc("2026-03-01T05:00:00Z")..utc("2026-04-01T04:00:00Z"));
    let december = local_month(NEW_YORK, day(2026, 12, 5));
    assert_eq!(december.end, utc("2027-01-01T05:00:00Z"));
    assert!(local_days(NEW_YORK, day(2026, 3, 9), day(2026, 3, 7)).is_empty());
}

#[test]
fn a_leap_second_counts_as_the_end_of_the_second_before() {
    let calendar =
        Both::new(WorkCalendar::every_day(chrono_tz::UTC).with_hours(OpeningHours::ALL_DAY));
    let last = utc("2026-06-30T23:59:59Z");
    let leap = last.with_nanosecond(1_500_000_000).unwrap();
    assert_eq!(calendar.between(last, leap), TimeDelta::nanoseconds(999_999_999));
    assert_eq!(calendar.add(leap, TimeDelta::nanoseconds(1)), utc("2026-07-01T00:00:00Z"));
}
