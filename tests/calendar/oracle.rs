//! An independent time library as oracle, over all zones and 1990 to 2040.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use chrono::{
    DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Timelike,
    Utc,
};
use chrono_tz::{TZ_VARIANTS, Tz};
use jiff::Timestamp;
use jiff::tz::{AmbiguousOffset, TimeZone as OracleZone};
use orderflow::calendar::{END_OF_DAY, WorkCalendar, local_day, local_time, resolve_local};
use proptest::prelude::*;

use super::day;

/// 1990 and the end of 2040.
const FROM: i64 = 631_152_000;
const TO: i64 = 2_240_524_800;

/// Zones whose clocks the two libraries' editions of the zone data (2025b here, 2026f there) do not
/// agree on at all times between 1990 and 2040. A list, so that nothing else can hide behind it.
/// They are compared at the other times.
const EDITIONS_DIFFER: &[&str] = &[
    "Africa/Casablanca",
    "Africa/El_Aaiun",
    "America/Bogota",
    "America/Edmonton",
    "America/Havana",
    "America/Inuvik",
    "America/Rainy_River",
    "America/Vancouver",
    "America/Winnipeg",
    "America/Yellowknife",
    "Canada/Central",
    "Canada/Mountain",
    "Canada/Pacific",
    "Cuba",
    "Europe/Chisinau",
    "Europe/Tiraspol",
];

struct Zone {
    ours: Tz,
    oracle: OracleZone,
    /// From when to when the editions disagree, with a season to spare.
    differs: Option<(i64, i64)>,
}

/// Every zone both libraries know, and those on which their editions disagree.
static ZONES: LazyLock<(Vec<Zone>, BTreeSet<&'static str>)> = LazyLock::new(|| {
    let mut zones = Vec::new();
    let mut differing = BTreeSet::new();
    for ours in TZ_VARIANTS {
        let Ok(oracle) = OracleZone::get(ours.name()) else {
            differing.insert(ours.name());
            continue;
        };
        let mut zone = Zone { ours, oracle, differs: None };
        let quarterly = (FROM..TO).step_by(90 * 86_400);
        let around = zone.jumps().into_iter().flat_map(|at| [at - 1, at]);
        let bad: BTreeSet<i64> = quarterly
            .chain(around)
            .filter(|at| zone.ours_offset(*at) != zone.offset(*at))
            .collect();
        if let (Some(first), Some(last)) = (bad.first(), bad.last()) {
            zone.differs = Some((first - SEASON, last + SEASON));
            differing.insert(ours.name());
        }
        zones.push(zone);
    }
    (zones, differing)
});

const SEASON: i64 = 100 * 86_400;

impl Zone {
    fn is_agreed(&self, at: i64) -> bool {
        self.differs.is_none_or(|(from, to)| at < from || at > to)
    }

    fn offset(&self, at: i64) -> i64 {
        let offset = self.oracle.to_offset(Timestamp::from_second(at).unwrap());
        i64::from(offset.seconds())
    }

    fn ours_offset(&self, at: i64) -> i64 {
        let instant = DateTime::from_timestamp(at, 0).unwrap();
        let offset = self.ours.offset_from_utc_datetime(&instant.naive_utc());
        i64::from(offset.fix().local_minus_utc())
    }

    fn jumps(&self) -> Vec<i64> {
        self.oracle
            .following(Timestamp::from_second(FROM).unwrap())
            .map(|transition| transition.timestamp().as_second())
            .take_while(|at| *at < TO)
            .filter(|at| self.offset(*at) != self.offset(at - 1) && self.is_agreed(*at))
            .collect()
    }

    /// The later of two instants, or the end of the gap.
    fn resolve(&self, local: NaiveDateTime) -> i64 {
        let civil = jiff::civil::date(
            i16::try_from(local.year()).unwrap(),
            i8::try_from(local.month()).unwrap(),
            i8::try_from(local.day()).unwrap(),
        )
        .at(
            i8::try_from(local.hour()).unwrap(),
            i8::try_from(local.minute()).unwrap(),
            i8::try_from(local.second()).unwrap(),
            0,
        );
        let second = |offset: jiff::tz::Offset| offset.to_timestamp(civil).unwrap().as_second();
        match self.oracle.to_ambiguous_timestamp(civil).offset() {
            AmbiguousOffset::Unambiguous { offset } => second(offset),
            AmbiguousOffset::Fold { after, .. } => second(after),
            AmbiguousOffset::Gap { after, .. } => {
                let before_jump = Timestamp::from_second(second(after)).unwrap();
                self.oracle
                    .following(before_jump)
                    .map(|transition| transition.timestamp().as_second())
                    .find(|at| self.offset(*at) != self.offset(at - 1))
                    .unwrap()
            }
        }
    }

    fn local(&self, at: i64) -> NaiveDateTime {
        DateTime::from_timestamp(at + self.offset(at), 0).unwrap().naive_utc()
    }

    /// The deadline by the words of the rule, day by day.
    fn deadline(&self, calendar: &WorkCalendar, anchor: i64, days: u32) -> i64 {
        let local = self.local(anchor);
        let mut date = local.date();
        let works = |date: NaiveDate| calendar.is_working_day(date);
        if !works(date) || local.time() > calendar.cutoff_on(date) {
            date = date.succ_opt().unwrap();
            while !works(date) {
                date = date.succ_opt().unwrap();
            }
        }
        for _ in 0..days {
            date = date.succ_opt().unwrap();
            while !works(date) {
                date = date.succ_opt().unwrap();
            }
        }
        self.resolve(date.and_time(END_OF_DAY))
    }
}

fn instant(at: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(at, 0).unwrap()
}

#[test]
fn the_two_editions_of_the_zone_data_differ_only_where_it_is_written_down() {
    let (zones, differing) = &*ZONES;
    assert_eq!(differing.iter().copied().collect::<Vec<_>>(), EDITIONS_DIFFER);
    assert!(zones.len() > 550, "{} zones", zones.len());
}

#[test]
fn every_jump_of_every_clock_resolves_as_the_oracle_says() {
    for zone in &ZONES.0 {
        for at in zone.jumps() {
            let (before, after) = (zone.local(at - 1), zone.local(at));
            let (early, late) = (before.min(after), before.max(after));
            let middle = early + (late - early) / 2;
            let middle = middle.with_nanosecond(0).unwrap();
            let second = TimeDelta::seconds(1);
            for local in
                [early - second, early, early + second, middle, late - second, late, late + second]
            {
                let expected = instant(zone.resolve(local));
                assert_eq!(resolve_local(zone.ours, local), expected, "{} {local}", zone.ours);
            }
        }
    }
}

#[test]
fn local_days_partition_time_in_every_zone_around_every_jump() {
    for zone in &ZONES.0 {
        for at in zone.jumps() {
            let date = zone.local(at).date();
            let days: Vec<_> = [date.pred_opt().unwrap(), date, date.succ_opt().unwrap()]
                .map(|date| local_day(zone.ours, date))
                .into();
            assert_eq!(days[0].end, days[1].start, "{} {date}", zone.ours);
            assert_eq!(days[1].end, days[2].start, "{} {date}", zone.ours);
            for window in days.iter().filter(|window| !window.is_empty()) {
                let shown = |instant| local_time(zone.ours, instant).date();
                assert!(
                    shown(window.start) > shown(window.start - TimeDelta::seconds(1)),
                    "{} {date}",
                    zone.ours
                );
            }
        }
    }
}

fn calendar(zone: Tz, weekdays: u8, off: &[i64], cutoff: u32, from: i64) -> WorkCalendar {
    let mut calendar = WorkCalendar::weekdays(
        zone,
        NaiveTime::from_num_seconds_from_midnight_opt(cutoff, 0).unwrap(),
    );
    for (index, worked) in calendar.working_weekdays.iter_mut().enumerate() {
        *worked = weekdays >> index & 1 == 1;
    }
    let first = instant(from).date_naive();
    calendar.with_holidays(off.iter().map(|days| first + TimeDelta::days(*days)))
}

proptest! {
    #[test]
    fn any_local_time_resolves_as_the_oracle_says(zone in any::<prop::sample::Index>(), at in FROM..TO) {
        let zone = zone.get(&ZONES.0);
        prop_assume!(zone.is_agreed(at));
        let local = instant(at).naive_utc();
        prop_assert_eq!(resolve_local(zone.ours, local), instant(zone.resolve(local)));
    }

    #[test]
    fn any_deadline_is_the_one_the_oracle_counts_day_by_day(
        zone in any::<prop::sample::Index>(),
        at in FROM..TO,
        days in 0_u32..12,
        weekdays in 1_u8..128,
        off in prop::collection::vec(-3_i64..30, 0..8),
        // Clocks are set back at night only, where the rule's words and its instants part.
        cutoff in 5 * 3600_u32..20 * 3600,
    ) {
        let zone = zone.get(&ZONES.0);
        prop_assume!(zone.is_agreed(at));
        let calendar = calendar(zone.ours, weekdays, &off, cutoff, at);
        let expected = instant(zone.deadline(&calendar, at, days));
        prop_assert_eq!(calendar.deadline_after(instant(at), days, END_OF_DAY), Ok(expected));
    }
}

#[test]
fn the_oracle_itself_knows_a_gap_and_a_fold() {
    let zone = ZONES.0.iter().find(|zone| zone.ours == chrono_tz::America::New_York).unwrap();
    let at = |date: NaiveDate, hour| zone.resolve(date.and_hms_opt(hour, 30, 0).unwrap());
    assert_eq!(instant(at(day(2026, 3, 8), 2)).to_rfc3339(), "2026-03-08T07:00:00+00:00");
    assert_eq!(instant(at(day(2026, 11, 1), 1)).to_rfc3339(), "2026-11-01T06:30:00+00:00");
}
