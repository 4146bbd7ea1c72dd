//! What holds whatever the calendar and the instant.

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use chrono_tz::TZ_VARIANTS;
use orderflow::calendar::{
    CompiledCalendar, END_OF_DAY, HolidayCalendar, OpeningHours, WorkCalendar,
};
use orderflow::rules::Span;
use proptest::prelude::*;

use super::day;

const YEAR: i32 = 2011;
/// A while before the table's years, and a while after them.
const FROM: i64 = 1_290_000_000;
const TO: i64 = 1_360_000_000;

fn time() -> impl Strategy<Value = NaiveTime> {
    let anywhere = 0_u32..86_400;
    let night = 0_u32..4 * 3600;
    let second = prop_oneof![anywhere, night, Just(86_399), Just(0)];
    (second, prop_oneof![Just(0_u32), Just(0), Just(999_000_000)]).prop_map(|(second, nanos)| {
        NaiveTime::from_num_seconds_from_midnight_opt(second, nanos).unwrap()
    })
}

/// Opening hours of at least so many seconds.
fn hours(least: u32) -> impl Strategy<Value = OpeningHours> {
    let some = (0..86_400 - least).prop_flat_map(move |opens| (Just(opens), opens + least..86_400));
    let some = some.prop_map(|(opens, closes)| {
        let time = |seconds| NaiveTime::from_num_seconds_from_midnight_opt(seconds, 0).unwrap();
        OpeningHours::new(time(opens), time(closes)).unwrap()
    });
    prop_oneof![some, Just(OpeningHours::ALL_DAY)]
}

/// Any zone, in the years in which Samoa skipped a day and Newfoundland's clocks jumped over
/// midnight.
fn calendar() -> impl Strategy<Value = WorkCalendar> {
    let zone = prop_oneof![
        4 => prop::sample::select(TZ_VARIANTS.to_vec()),
        1 => prop::sample::select(vec![
            chrono_tz::Pacific::Apia,
            chrono_tz::America::St_Johns,
            chrono_tz::America::Havana,
            chrono_tz::America::Santiago,
            chrono_tz::Asia::Kolkata,
        ]),
    ];
    let days = || prop::collection::vec(0_u64..900, 0..12);
    let country = prop::option::of(prop::sample::select(HolidayCalendar::ALL.to_vec()));
    (zone, 1_u8..128, days(), country, time(), days(), time(), hours(3600), days(), hours(1))
        .prop_map(
            |(zone, weekdays, off, country, cutoff, half, half_cutoff, hours, special, other)| {
                let date = |days: u64| day(YEAR - 1, 12, 1) + chrono::Days::new(days);
                let mut calendar = WorkCalendar::weekdays(zone, cutoff)
                    .with_holidays(off.into_iter().map(date))
                    .with_hours(hours);
                calendar.holiday_calendar = country;
                calendar.half_days =
                    half.into_iter().map(|days| (date(days), half_cutoff)).collect();
                calendar.special_hours =
                    special.into_iter().map(|days| (date(days), other)).collect();
                for (index, worked) in calendar.working_weekdays.iter_mut().enumerate() {
                    *worked = weekdays >> index & 1 == 1;
                }
                calendar
            },
        )
}

fn instant() -> impl Strategy<Value = DateTime<Utc>> {
    (FROM..TO, prop_oneof![Just(0_u32), 0..1_999_999_999_u32])
        .prop_filter_map("leap", |(second, nanos)| DateTime::from_timestamp(second, nanos))
}

/// Instants where the calendar itself decides: cut-offs, openings, closings, ends of days, and the
/// instants beside them.
fn edges(calendar: &WorkCalendar, at: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let date = calendar.local_date(at);
    let mut edges = vec![at, calendar.cutoff_instant(date)];
    if let Ok(Some(open)) = calendar.open_on(date) {
        edges.extend([open.start, open.end]);
    }
    let window = orderflow::calendar::local_day(calendar.zone, date);
    edges.extend([window.start, window.end]);
    let beside = [TimeDelta::zero(), TimeDelta::nanoseconds(1), TimeDelta::nanoseconds(-1)];
    edges.into_iter().flat_map(|edge| beside.map(|beside| edge + beside)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_compiled_calendar_answers_exactly_like_the_plain_one(
        calendar in calendar(),
        instants in prop::collection::vec((instant(), 0_u32..40, 0_i64..400_000), 4),
        end_of_day in time(),
    ) {
        let table = CompiledCalendar::new(calendar.clone(), YEAR..=YEAR + 1).unwrap();
        for (at, days, seconds) in instants {
            for at in edges(&calendar, at) {
                prop_assert_eq!(table.start_day(at), calendar.start_day(at));
                prop_assert_eq!(table.next_departure(at), calendar.next_departure(at));
                for end in [END_OF_DAY, end_of_day] {
                    prop_assert_eq!(
                        table.deadline_after(at, days, end),
                        calendar.deadline_after(at, days, end)
                    );
                }
                let time = TimeDelta::new(seconds, days * 20_000_000).unwrap();
                let later = calendar.add_business_time(at, time);
                prop_assert_eq!(table.add_business_time(at, time), later);
                let to = at + time;
                prop_assert_eq!(
                    table.business_time_between(at, to),
                    calendar.business_time_between(at, to)
                );
                prop_assert_eq!(
                    table.business_time_between(to, at),
                    calendar.business_time_between(to, at)
                );
            }
        }
    }

    #[test]
    fn adding_business_time_and_measuring_it_are_inverse(
        calendar in calendar(), at in instant(), seconds in 0_i64..400_000, nanos in 0_u32..1_000_000_000,
    ) {
        let time = TimeDelta::new(seconds, nanos).unwrap();
        let later = calendar.add_business_time(at, time).unwrap();
        prop_assert_eq!(calendar.business_time_between(at, later), Ok(time));
        // Back again only to where time counts: closed hours answer the closing before them.
        let measured = calendar.business_time_between(at, at + time).unwrap();
        let again = calendar.add_business_time(at, measured).unwrap();
        prop_assert!(again <= at + time);
        let date = calendar.local_date(at + time);
        let open = calendar.open_on(date).unwrap();
        if measured > TimeDelta::zero()
            && open.is_some_and(|open| open.start < at + time && at + time <= open.end)
        {
            prop_assert_eq!(again, at + time);
        }
    }

    #[test]
    fn business_time_adds_up(
        calendar in calendar(), at in instant(), first in 0_i64..1_000_000, second in 0_i64..1_000_000,
    ) {
        let middle = at + TimeDelta::seconds(first);
        let end = middle + TimeDelta::seconds(second);
        let between = |from, to| calendar.business_time_between(from, to).unwrap();
        prop_assert_eq!(between(at, middle) + between(middle, end), between(at, end));
        prop_assert!(between(middle, end) <= TimeDelta::seconds(second));
    }

    #[test]
    fn a_deadline_never_moves_earlier_as_its_anchor_moves_later(
        calendar in calendar(), at in instant(), later in 0_i64..200_000, days in 0_u32..8, end in time(),
    ) {
        let step = TimeDelta::seconds(later);
        let business = Span::BusinessDays {
            days,
            calendar: Box::new(calendar.clone()),
            end_of_day: end,
        };
        let elapsed = Span::Elapsed { hours: days };
        for span in [business, elapsed] {
            for at in edges(&calendar, at) {
                prop_assert!(span.after(at).unwrap() <= span.after(at + step).unwrap());
            }
        }
        let time = TimeDelta::hours(i64::from(days));
        for at in edges(&calendar, at) {
            let due = |at| calendar.add_business_time(at, time).unwrap();
            prop_assert!(due(at) <= due(at + step));
        }
    }

    #[test]
    fn more_days_never_give_an_earlier_deadline(
        calendar in calendar(), at in instant(), days in 0_u32..20,
    ) {
        let due = |days| calendar.deadline_after(at, days, END_OF_DAY).unwrap();
        prop_assert!(due(days) <= due(days + 1));
        let start = calendar.start_day(at).unwrap();
        prop_assert!(calendar.is_working_day(start));
        // A cut-off at the end of the day includes the fractions of its last second.
        let cutoff = calendar.cutoff_instant(start);
        let second = DateTime::from_timestamp(at.timestamp(), 0).unwrap();
        prop_assert!(
            cutoff >= at || (calendar.cutoff_on(start) == END_OF_DAY && cutoff == second)
        );
    }
}
