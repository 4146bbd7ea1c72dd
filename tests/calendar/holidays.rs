//! Public holidays against published lists.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, NaiveDate};
use orderflow::Country;
use orderflow::calendar::{HolidayCalendar, WorkCalendar};

use super::{clock, day};

/// The holidays of the United States as `month-day`, by year: the table of the deadline benchmark.
const UNITED_STATES: [(i32, &str); 7] = [
    (2023, "01-01 01-02 01-16 02-20 05-29 06-19 07-04 09-04 10-09 11-10 11-11 11-23 12-25"),
    (2024, "01-01 01-15 02-19 05-27 06-19 07-04 09-02 10-14 11-11 11-28 12-25"),
    (2025, "01-01 01-20 02-17 05-26 06-19 07-04 09-01 10-13 11-11 11-27 12-25"),
    (2026, "01-01 01-19 02-16 05-25 06-19 07-03 07-04 09-07 10-12 11-11 11-26 12-25"),
    (
        2027,
        "01-01 01-18 02-15 05-31 06-18 06-19 07-04 07-05 09-06 10-11 11-11 11-25 12-24 12-25 12-31",
    ),
    (2028, "01-01 01-17 02-21 05-29 06-19 07-04 09-04 10-09 11-10 11-11 11-23 12-25"),
    (2029, "01-01 01-15 02-19 05-28 06-19 07-04 09-03 10-08 11-11 11-12 11-22 12-25"),
];

#[test]
fn the_federal_holidays_of_2023_to_2029_are_exactly_the_published_ones() {
    for (year, expected) in UNITED_STATES {
        let dates: Vec<String> = HolidayCalendar::UnitedStates
            .dates(year..=year)
            .iter()
            .map(|date| date.format("%m-%d").to_string())
            .collect();
        assert_eq!(dates.join(" "), expected, "{year}");
    }
}

fn published(code: &str) -> BTreeMap<NaiveDate, String> {
    let path = format!("{}/tests/fixtures/holidays/{code}.csv", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    text.lines()
        .filter(|line| !line.starts_with('#') && *line != "date,name")
        .map(|line| {
            let (date, name) = line.split_once(',').unwrap();
            (date.parse().unwrap(), name.to_owned())
        })
        .collect()
}

#[test]
fn every_countrys_holidays_of_2020_to_2035_are_exactly_the_published_ones() {
    for calendar in HolidayCalendar::ALL {
        let published = published(calendar.country_code());
        assert!(published.len() > 100, "{calendar:?}: the list is not complete");
        let ours = calendar.dates(2020..=2035);
        let theirs: BTreeSet<NaiveDate> = published.keys().copied().collect();
        let missing: Vec<_> =
            theirs.difference(&ours).map(|date| (date, &published[date])).collect();
        let extra: Vec<_> = ours.difference(&theirs).collect();
        assert!(missing.is_empty() && extra.is_empty(), "{calendar:?}: {missing:?} {extra:?}");
    }
}

#[test]
fn well_known_days_are_off() {
    let cases = [
        (HolidayCalendar::Brazil, day(2026, 4, 3), "Good Friday"),
        (HolidayCalendar::Brazil, day(2024, 11, 20), "National Day of Zumbi and Black Awareness"),
        (HolidayCalendar::Mexico, day(2026, 2, 2), "Constitution Day"),
        (HolidayCalendar::Mexico, day(2024, 10, 1), "Change of Federal Government"),
        (
            HolidayCalendar::Argentina,
            day(2025, 6, 16),
            "Passing of General Martín Miguel de Güemes",
        ),
        (HolidayCalendar::Argentina, day(2025, 11, 24), "National Sovereignty Day"),
        (HolidayCalendar::Chile, day(2024, 9, 20), "National Holiday"),
        (HolidayCalendar::Chile, day(2023, 10, 27), "Reformation Day"),
        (HolidayCalendar::Colombia, day(2026, 1, 12), "Epiphany"),
        (HolidayCalendar::Colombia, day(2025, 6, 30), "Sacred Heart"),
        (HolidayCalendar::EnglandAndWales, day(2022, 9, 19), "State Funeral of Elizabeth II"),
        (HolidayCalendar::EnglandAndWales, day(2027, 12, 28), "Boxing Day"),
        (HolidayCalendar::UnitedStates, day(2027, 12, 31), "New Year's Day"),
    ];
    for (calendar, date, name) in cases {
        let names: Vec<_> = calendar
            .holidays(date.year())
            .into_iter()
            .filter(|holiday| holiday.date == date)
            .map(|holiday| holiday.name)
            .collect();
        assert!(names.contains(&name), "{calendar:?} {date}: {names:?}");
    }
    let brazil = HolidayCalendar::Brazil;
    assert!(!brazil.is_holiday(day(2023, 11, 20)), "not yet national");
    assert!(!HolidayCalendar::EnglandAndWales.is_holiday(day(2020, 5, 4)), "moved to the 8th");
    assert!(!HolidayCalendar::Colombia.is_holiday(day(2026, 1, 6)), "moved to Monday");
}

#[test]
fn asking_for_a_day_and_listing_a_year_agree() {
    for calendar in HolidayCalendar::ALL {
        let dates = calendar.dates(2019..=2041);
        for date in day(2020, 1, 1).iter_days().take_while(|date| date.year() <= 2040) {
            assert_eq!(calendar.is_holiday(date), dates.contains(&date), "{calendar:?} {date}");
        }
    }
}

#[test]
fn absurd_years_have_no_holidays_or_ordinary_ones_and_never_panic() {
    for calendar in HolidayCalendar::ALL {
        for year in [i32::MIN, -262_143, 0, 1, 9_999, 262_142, i32::MAX] {
            let _ = calendar.holidays(year);
        }
        assert!(!calendar.is_holiday(NaiveDate::MAX));
        let _ = calendar.is_holiday(NaiveDate::MIN);
    }
}

#[test]
fn a_country_is_found_by_its_code_and_says_where_its_days_are_from() {
    for calendar in HolidayCalendar::ALL {
        let country = Country::new(calendar.country_code()).unwrap();
        assert_eq!(HolidayCalendar::of(&country), Some(calendar));
        assert!(!calendar.source().is_empty());
        assert!(calendar.as_of().parse::<NaiveDate>().is_ok());
    }
    assert_eq!(HolidayCalendar::of(&Country::new("DE").unwrap()), None);
}

#[test]
fn a_calendar_of_a_country_never_runs_out_of_holidays_and_takes_further_days_off() {
    let calendar = WorkCalendar::weekdays(chrono_tz::America::Sao_Paulo, clock(12, 0, 0))
        .with_holiday_calendar(HolidayCalendar::Brazil)
        .with_holidays([day(2026, 2, 16)]);
    assert!(!calendar.is_working_day(day(2026, 2, 16)), "carnival, added by the shop");
    assert!(!calendar.is_working_day(day(2079, 12, 25)));
    assert_eq!(calendar.working_day_from(day(2026, 4, 3)), Ok(day(2026, 4, 6)));
}
