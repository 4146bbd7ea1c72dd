//! W4: deadlines and business time on a calendar.
//!
//! ```text
//! cargo bench --bench sla --no-default-features -- [--quick]
//! ```
//!
//! Contestants, round by round: `ours` is [`CompiledCalendar`]; `limit` is a table written by hand
//! for exactly these questions (seconds only, one length of day, no way out of its years); `plain`
//! is [`WorkCalendar`], on a tenth of the inputs. Before anything is timed, all of them answer all
//! inputs like a loop over local dates.
//!
//! The workload starts the day after from 14:00:00 on, while an order that arrives exactly at a
//! cut-off is in time here. Inputs are whole seconds, so a cut-off of 13:59:59 says the same.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs,
    reason = "a bench that panics has failed"
)]

mod support;

use std::collections::BTreeSet;
use std::hint::black_box;
use std::time::Instant;

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use orderflow::calendar::{
    CompiledCalendar, END_OF_DAY, HolidayCalendar, OpeningHours, WorkCalendar,
};
use orderflow::rules::DueIndex;
use support::split_mix;

const ORDERS: usize = 1_000_000;
const FIRST_YEAR: i32 = 2023;
const LAST_YEAR: i32 = 2029;
const DAY: i64 = 28_800;

struct Input {
    at: DateTime<Utc>,
    days: u32,
    time: TimeDelta,
    until: DateTime<Utc>,
}

fn inputs() -> Vec<Input> {
    let mut state = 11;
    let mut draw = |n: u64| split_mix(&mut state) % n;
    let instants: Vec<i64> =
        (0..ORDERS).map(|_| 1_704_067_200 + draw(4 * 365 * 86_400).cast_signed()).collect();
    let days: Vec<u32> = (0..ORDERS).map(|_| [0, 1, 2, 3, 5][draw(5) as usize]).collect();
    let hours: Vec<i64> = (0..ORDERS).map(|_| [1, 2, 4, 8, 24][draw(5) as usize]).collect();
    let spans: Vec<i64> = (0..ORDERS).map(|_| 60 + draw(864_000).cast_signed()).collect();
    let instant = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
    (0..ORDERS)
        .map(|index| Input {
            at: instant(instants[index]),
            days: days[index],
            time: TimeDelta::hours(hours[index]),
            until: instant(instants[index] + spans[index]),
        })
        .collect()
}

fn clock(hour: u32, minute: u32, second: u32) -> NaiveTime {
    NaiveTime::from_hms_opt(hour, minute, second).unwrap()
}

fn calendar(zone: Tz, holidays: HolidayCalendar) -> WorkCalendar {
    WorkCalendar::weekdays(zone, clock(13, 59, 59))
        .with_holiday_calendar(holidays)
        .with_hours(OpeningHours::new(clock(9, 0, 0), clock(17, 0, 0)).unwrap())
}

/// The workload, word by word: local dates, one after the other.
struct DayByDay {
    zone: Tz,
    off: BTreeSet<NaiveDate>,
}

impl DayByDay {
    fn new(zone: Tz, holidays: HolidayCalendar) -> Self {
        Self { zone, off: holidays.dates(FIRST_YEAR - 1..=LAST_YEAR + 1) }
    }

    fn works(&self, date: NaiveDate) -> bool {
        date.weekday().num_days_from_monday() < 5 && !self.off.contains(&date)
    }

    fn at(&self, date: NaiveDate, time: NaiveTime) -> i64 {
        self.zone.from_local_datetime(&date.and_time(time)).latest().unwrap().timestamp()
    }

    fn ship_by(&self, at: DateTime<Utc>, days: u32) -> DateTime<Utc> {
        let local = at.with_timezone(&self.zone);
        let mut date = local.date_naive();
        if self.works(date) && local.time() >= clock(14, 0, 0) {
            date = date.succ_opt().unwrap();
        }
        let mut left = days;
        loop {
            if self.works(date) {
                if left == 0 {
                    return DateTime::from_timestamp(self.at(date, END_OF_DAY), 0).unwrap();
                }
                left -= 1;
            }
            date = date.succ_opt().unwrap();
        }
    }

    fn add(&self, at: DateTime<Utc>, time: TimeDelta) -> DateTime<Utc> {
        let (mut date, mut left) = (at.with_timezone(&self.zone).date_naive(), time.num_seconds());
        loop {
            if self.works(date) {
                let from = self.at(date, clock(9, 0, 0)).max(at.timestamp());
                let available = self.at(date, clock(17, 0, 0)) - from;
                if available >= left {
                    return DateTime::from_timestamp(from + left, 0).unwrap();
                }
                left -= available.max(0);
            }
            date = date.succ_opt().unwrap();
        }
    }

    fn between(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> TimeDelta {
        let mut date = from.with_timezone(&self.zone).date_naive();
        let last = to.with_timezone(&self.zone).date_naive();
        let mut sum = 0;
        while date <= last {
            if self.works(date) {
                let opens = self.at(date, clock(9, 0, 0)).max(from.timestamp());
                sum += (self.at(date, clock(17, 0, 0)).min(to.timestamp()) - opens).max(0);
            }
            date = date.succ_opt().unwrap();
        }
        TimeDelta::seconds(sum)
    }
}

/// The table by hand. A UTC day sees at most two cut-offs and parts of at most two openings; both
/// are kept as seconds of that day, so that a question is a few comparisons without a branch.
struct Limit {
    rows: Vec<LimitRow>,
    ends: Vec<DateTime<Utc>>,
    opens: Vec<i64>,
}

#[derive(Clone, Copy)]
struct LimitRow {
    day: u32,
    cutoffs: [u32; 2],
    before: u32,
    opens: [u32; 2],
    lengths: [u32; 2],
}

impl Limit {
    fn new(days: &DayByDay) -> Self {
        let first = NaiveDate::from_ymd_opt(FIRST_YEAR, 1, 1).unwrap();
        let last = NaiveDate::from_ymd_opt(LAST_YEAR + 1, 2, 28).unwrap();
        let dates: Vec<NaiveDate> = first
            .pred_opt()
            .unwrap()
            .iter_days()
            .take_while(|date| *date <= last)
            .filter(|date| days.works(*date))
            .collect();
        let all = |time| dates.iter().map(|date| days.at(*date, time)).collect::<Vec<_>>();
        let (cutoffs, opens) = (all(clock(14, 0, 0)), all(clock(9, 0, 0)));
        let mut rows = Vec::new();
        let (mut day, mut opening) = (0, 0);
        for year in FIRST_YEAR..=LAST_YEAR {
            for ordinal in 1..=366 {
                let Some(date) = NaiveDate::from_yo_opt(year, ordinal) else {
                    rows.push(LimitRow {
                        day: u32::MAX,
                        cutoffs: [0; 2],
                        before: 0,
                        opens: [0; 2],
                        lengths: [0; 2],
                    });
                    continue;
                };
                let start = date.and_time(NaiveTime::MIN).and_utc().timestamp();
                while cutoffs[day] <= start {
                    day += 1;
                }
                while opens[opening] + DAY <= start {
                    opening += 1;
                }
                let within = |at: i64| (at - start).clamp(0, 86_400) as u32;
                let part = |index: usize| {
                    let (from, to) = (within(opens[index]), within(opens[index] + DAY));
                    (from, to - from)
                };
                let parts = [part(opening), part(opening + 1)];
                rows.push(LimitRow {
                    day: day as u32,
                    cutoffs: [within(cutoffs[day]), within(cutoffs[day + 1])],
                    before: (opening as i64 * DAY + (start - opens[opening]).max(0)) as u32,
                    opens: parts.map(|(from, _)| from),
                    lengths: parts.map(|(_, length)| length),
                });
            }
        }
        let ends = dates
            .iter()
            .map(|date| DateTime::from_timestamp(days.at(*date, END_OF_DAY), 0).unwrap())
            .collect();
        Self { rows, ends, opens }
    }

    fn row(&self, at: DateTime<Utc>) -> &LimitRow {
        let date = at.naive_utc().date();
        &self.rows[(date.year() - FIRST_YEAR) as usize * 366 + date.ordinal0() as usize]
    }

    fn ship_by(&self, at: DateTime<Utc>, days: u32) -> DateTime<Utc> {
        let (row, second) = (self.row(at), at.naive_utc().num_seconds_from_midnight());
        let late = row.cutoffs.map(|cutoff| u32::from(second >= cutoff));
        self.ends[(row.day + late[0] + late[1] + days) as usize]
    }

    fn elapsed(&self, at: DateTime<Utc>) -> i64 {
        let (row, second) = (self.row(at), at.naive_utc().num_seconds_from_midnight());
        let part = |index: usize| second.saturating_sub(row.opens[index]).min(row.lengths[index]);
        i64::from(row.before + part(0) + part(1))
    }

    fn add(&self, at: DateTime<Utc>, time: TimeDelta) -> DateTime<Utc> {
        let target = self.elapsed(at) + time.num_seconds();
        let index = (target - 1) as u64 / DAY as u64;
        let into = target - index.cast_signed() * DAY;
        DateTime::from_timestamp(self.opens[index as usize] + into, 0).unwrap()
    }

    fn between(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> TimeDelta {
        TimeDelta::seconds(self.elapsed(to) - self.elapsed(from))
    }
}

/// Seconds of a run over all inputs.
fn timed<T>(inputs: &[Input], mut answer: impl FnMut(usize, &Input) -> T) -> f64 {
    let begun = Instant::now();
    for (index, input) in inputs.iter().enumerate() {
        black_box(answer(index, black_box(input)));
    }
    begun.elapsed().as_secs_f64()
}

struct Figures {
    name: &'static str,
    /// Nanoseconds of a question, per round.
    rounds: Vec<f64>,
}

impl Figures {
    fn new(name: &'static str) -> Self {
        Self { name, rounds: Vec::new() }
    }

    fn take(&mut self, seconds: f64, questions: usize) {
        self.rounds.push(seconds * 1e9 / questions as f64);
    }

    fn median(&self) -> f64 {
        let mut rounds = self.rounds.clone();
        rounds.sort_by(f64::total_cmp);
        rounds[rounds.len() / 2]
    }

    fn show(&self) -> String {
        let least = self.rounds.iter().copied().fold(f64::MAX, f64::min);
        let most = self.rounds.iter().copied().fold(0.0, f64::max);
        format!("{} {:.1} ns ({least:.1} to {most:.1})", self.name, self.median())
    }
}

fn print(title: &str, ours: &Figures, limit: &Figures, others: &[&Figures]) {
    let others: String = others.iter().map(|figures| format!(", {}", figures.show())).collect();
    println!(
        "{title}: {}, {}{others}; ours is {:.2} of the limit's speed",
        ours.show(),
        limit.show(),
        limit.median() / ours.median()
    );
}

fn questions(title: &str, rounds: usize, inputs: &[Input], zones: &[(Tz, HolidayCalendar)]) {
    let plain: Vec<_> = zones.iter().map(|(zone, days)| calendar(*zone, *days)).collect();
    let loops: Vec<_> = zones.iter().map(|(zone, days)| DayByDay::new(*zone, *days)).collect();
    let ours: Vec<_> = plain
        .iter()
        .map(|plain| CompiledCalendar::new(plain.clone(), FIRST_YEAR..=LAST_YEAR).unwrap())
        .collect();
    let limit: Vec<_> = loops.iter().map(Limit::new).collect();
    let count = zones.len();
    for (index, input) in inputs.iter().enumerate() {
        let i = index % count;
        let ship_by = loops[i].ship_by(input.at, input.days);
        assert_eq!(ours[i].deadline_after(input.at, input.days, END_OF_DAY), Ok(ship_by));
        assert_eq!(limit[i].ship_by(input.at, input.days), ship_by);
        let added = loops[i].add(input.at, input.time);
        assert_eq!(ours[i].add_business_time(input.at, input.time), Ok(added));
        assert_eq!(limit[i].add(input.at, input.time), added);
        let between = loops[i].between(input.at, input.until);
        assert_eq!(ours[i].business_time_between(input.at, input.until), Ok(between));
        assert_eq!(limit[i].between(input.at, input.until), between);
        if index % 10 == 0 {
            assert_eq!(plain[i].deadline_after(input.at, input.days, END_OF_DAY), Ok(ship_by));
            assert_eq!(plain[i].add_business_time(input.at, input.time), Ok(added));
            assert_eq!(plain[i].business_time_between(input.at, input.until), Ok(between));
        }
    }
    let tenth = &inputs[..inputs.len() / 10];
    let figures = || [Figures::new("ours"), Figures::new("limit"), Figures::new("plain")];
    let (mut d1, mut d2, mut d3) = (figures(), figures(), figures());
    for _ in 0..rounds {
        // A calendar alone is not looked up, as it would not be in use.
        let single = count == 1;
        let of = |index: usize| if single { 0 } else { index % count };
        d1[0].take(
            timed(inputs, |i, input| ours[of(i)].deadline_after(input.at, input.days, END_OF_DAY)),
            inputs.len(),
        );
        d1[1].take(
            timed(inputs, |i, input| limit[of(i)].ship_by(input.at, input.days)),
            inputs.len(),
        );
        d1[2].take(
            timed(tenth, |i, input| plain[of(i)].deadline_after(input.at, input.days, END_OF_DAY)),
            tenth.len(),
        );
        d2[0].take(
            timed(inputs, |i, input| ours[of(i)].add_business_time(input.at, input.time)),
            inputs.len(),
        );
        d2[1].take(timed(inputs, |i, input| limit[of(i)].add(input.at, input.time)), inputs.len());
        d2[2].take(
            timed(tenth, |i, input| plain[of(i)].add_business_time(input.at, input.time)),
            tenth.len(),
        );
        d3[0].take(
            timed(inputs, |i, input| ours[of(i)].business_time_between(input.at, input.until)),
            inputs.len(),
        );
        d3[1].take(
            timed(inputs, |i, input| limit[of(i)].between(input.at, input.until)),
            inputs.len(),
        );
        d3[2].take(
            timed(tenth, |i, input| plain[of(i)].business_time_between(input.at, input.until)),
            tenth.len(),
        );
    }
    for (name, [ours, limit, plain]) in [("D1 ship by", d1), ("D2 add", d2), ("D3 between", d3)] {
        print(&format!("{title} {name}"), &ours, &limit, &[&plain]);
    }
}

fn building(rounds: usize) {
    let (zone, country) = (chrono_tz::America::Los_Angeles, HolidayCalendar::UnitedStates);
    let plain = calendar(zone, country);
    let (mut ours, mut limit) = (Figures::new("ours"), Figures::new("limit"));
    for _ in 0..rounds * 3 {
        let begun = Instant::now();
        black_box(CompiledCalendar::new(black_box(plain.clone()), 2024..=2029).unwrap());
        ours.take(begun.elapsed().as_secs_f64(), 1);
        let begun = Instant::now();
        black_box(Limit::new(&DayByDay::new(black_box(zone), country)));
        limit.take(begun.elapsed().as_secs_f64(), 1);
    }
    println!(
        "W4c building six years: ours {:.0} us; the table by hand (seven years) {:.0} us",
        ours.median() / 1e3,
        limit.median() / 1e3
    );
}

fn at_risk(rounds: usize) {
    let mut state = 12;
    let now = DateTime::from_timestamp(1_772_600_000, 0).unwrap();
    // 400 hours of open orders, so that four of them are one percent.
    let due: Vec<i64> = (0..ORDERS)
        .map(|_| now.timestamp() + (split_mix(&mut state) % (400 * 3600)).cast_signed())
        .collect();
    let instants: Vec<DateTime<Utc>> =
        due.iter().map(|at| DateTime::from_timestamp(*at, 0).unwrap()).collect();
    let begun = Instant::now();
    let index: DueIndex<u32> = (0_u32..).zip(instants.iter().copied()).collect();
    let built = begun.elapsed();
    let span = TimeDelta::hours(4);
    let until = (now + span).timestamp();
    let mut sorted: Vec<(i64, u32)> = due.iter().copied().zip(0_u32..).collect();
    sorted.sort_unstable();
    let from_index = || index.due_within(now, span).map(|(key, _)| *key).collect::<Vec<u32>>();
    let from_scan = || {
        let found = due.iter().zip(0_u32..).filter(|(at, _)| **at <= until);
        found.map(|(_, key)| key).collect::<Vec<u32>>()
    };
    let from_sorted = || {
        let end = sorted.partition_point(|(at, _)| *at <= until);
        sorted[..end].iter().map(|(_, key)| *key).collect::<Vec<u32>>()
    };
    let mut scanned = from_scan();
    scanned.sort_unstable_by_key(|key| (due[*key as usize], *key));
    assert_eq!(from_index(), scanned);
    assert_eq!(from_sorted(), scanned);
    let mut figures = [Figures::new("index"), Figures::new("scan"), Figures::new("sorted list")];
    for _ in 0..rounds * 3 {
        let contestants: [&dyn Fn() -> Vec<u32>; 3] = [&from_index, &from_scan, &from_sorted];
        for (figures, contestant) in figures.iter_mut().zip(contestants) {
            let begun = Instant::now();
            black_box(contestant());
            figures.take(begun.elapsed().as_secs_f64(), 1);
        }
    }
    let [index_figures, scan, sorted_list] = figures.map(|figures| figures.median() / 1e3);
    println!(
        "W4d {} of {ORDERS} due within 4 hours: index {index_figures:.0} us, scan {scan:.0} us, a \
         sorted list that cannot change {sorted_list:.0} us; the index is {:.1} times the scan; built \
         in {:.0} ms",
        scanned.len(),
        scan / index_figures,
        built.as_secs_f64() * 1e3
    );
}

fn main() {
    let quick = std::env::args().any(|word| word == "--quick");
    let rounds = if quick { 3 } else { 7 };
    let inputs = inputs();
    let inputs = if quick { &inputs[..100_000] } else { &inputs[..] };
    let one = [(chrono_tz::America::Los_Angeles, HolidayCalendar::UnitedStates)];
    questions("W4a one calendar,", rounds, inputs, &one);
    let zones = [
        chrono_tz::America::Los_Angeles,
        chrono_tz::America::New_York,
        chrono_tz::America::Mexico_City,
        chrono_tz::America::Bogota,
        chrono_tz::America::Santiago,
        chrono_tz::America::Sao_Paulo,
        chrono_tz::Europe::London,
        chrono_tz::Asia::Kolkata,
        chrono_tz::Asia::Shanghai,
        chrono_tz::Pacific::Auckland,
    ];
    let countries = [
        HolidayCalendar::UnitedStates,
        HolidayCalendar::Brazil,
        HolidayCalendar::Mexico,
        HolidayCalendar::Chile,
        HolidayCalendar::EnglandAndWales,
    ];
    let fifty: Vec<_> =
        zones.iter().flat_map(|zone| countries.iter().map(|country| (*zone, *country))).collect();
    questions("W4b fifty calendars,", rounds, inputs, &fifty);
    building(rounds);
    at_risk(rounds);
}
