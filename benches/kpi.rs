//! W2: key figures over orders, beside the fastest hand-written fold for the same figures.
//!
//! ```text
//! cargo bench --no-default-features --bench kpi -- [--quick]
//! ```
//!
//! Both sides compute KPI-01/09, KPI-02 by the seller's fault, KPI-03/04 (count and sum), KPI-05 and
//! KPI-06 for each group, with pending and excluded orders, and write a list of key and counts.
//!
//! Where the workload's groups differ from the catalogue, the catalogue is followed, by both: the
//! day of a group is the day of each figure's own cohort instant (payment, ship confirmation,
//! `deliver_by`); an order cancelled by the seller before `ship_by` is excluded from KPI-01 and
//! counted by KPI-02; an order not delivered by `deliver_by` is late whether it arrives later or
//! not at all.
//!
//! The library reads [`OrderFacts`]: instants in microseconds, eight bytes each, as columns, with
//! every name of every dimension known only at run time. The limit has what a program written for
//! this one question would have: rows of 28 bytes with instants in whole seconds, keys of one byte
//! whose ranges are known when it is compiled, and plain arrays as counters.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs,
    reason = "a bench that panics has failed"
)]

mod support;

use std::collections::HashMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use orderflow::order::{
    Action, Actor, CancelReason, CancelledUnits, Deadline, DeadlineKind, DeadlineSource, Event,
    Order, OrderState, PlatformLine, PlatformOrder, import,
};
use orderflow::rules::kpi::{
    Cancellation, CancelledBy, DenominatorMode, Dimension, KpiCounters, KpiId, KpiQuery,
    LiveCounters, OrderExtras, OrderFacts, OrderRow, PeriodUnit, Periods, RowKeys, Window,
    order_row,
};
use orderflow::shipment::{
    LabelCost, LabelRecord, LabelState, Package, PackedLine, ShipConfirmation,
};
use orderflow::{
    CarrierId, Currency, Grams, IdempotencyKey, LineId, Money, OrderKey, PackageId, PlatformId,
    PlatformOrderId, ServiceCode, ShopId, Sku, TrackingNumber,
};
use support::split_mix;

const DAYS: u32 = 90;
const SHOPS: usize = 50;
const CARRIERS: usize = 8;
const REGIONS: usize = 52;
const END: u32 = DAYS * 86_400;
const NONE: u32 = u32::MAX;
const EPOCH: i64 = 1_767_225_600;

const IDS: [KpiId; 5] = [
    KpiId::OnTimeShipping,
    KpiId::SellerFaultCancellation,
    KpiId::HandlingTime,
    KpiId::Complaint,
    KpiId::DeliveryDelay,
];

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        split_mix(&mut self.0)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn f(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self, mean: f64, deviation: f64) -> f64 {
        let (a, b) = (1.0 - self.f(), self.f());
        mean + deviation * (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
    }
}

/// A row as the limit reads it: seconds since the begin of the window.
#[derive(Clone, Copy)]
struct Compact {
    paid: u32,
    ship_by: u32,
    shipped: u32,
    promised: u32,
    delivered: u32,
    cancelled: u32,
    shop: u8,
    carrier: u8,
    region: u8,
    /// 1: cancelled by the seller (else by the buyer); 2: with a complaint.
    flags: u8,
}

fn rows(count: usize, seed: u64) -> Vec<Compact> {
    let mut random = Random(seed);
    let mut paid: Vec<u32> = (0..count).map(|_| random.below(u64::from(END)) as u32).collect();
    paid.sort_unstable();
    let weights = [0.30, 0.50, 0.65, 0.75, 0.85, 0.92, 0.97, 1.0];
    paid.into_iter()
        .map(|paid| {
            let shop = (50.0 * random.f().powi(2)) as u8;
            let draw = random.f();
            let carrier = weights.iter().position(|edge| draw < *edge).unwrap_or(7) as u8;
            let region = random.below(REGIONS as u64) as u8;
            let ship_by = paid + 86_400 * (1 + random.below(3) as u32);
            let promised = paid + 86_400 * (3 + random.below(6) as u32);
            let shipped = paid + (random.normal(2.8, 0.6).exp() * 3_600.0) as u32;
            let delivered = shipped + (random.normal(4.2, 0.4).exp() * 3_600.0) as u32;
            let state = random.f();
            let cancelled = paid + random.below(2 * 86_400) as u32;
            let complaint = random.f() < 0.008;
            let is_cancelled = state < 0.05;
            let is_shipped = !is_cancelled && shipped <= END;
            Compact {
                paid,
                ship_by,
                shipped: if is_shipped { shipped } else { NONE },
                promised,
                delivered: if is_shipped && delivered <= END { delivered } else { NONE },
                cancelled: if is_cancelled { cancelled.min(END) } else { NONE },
                shop,
                carrier,
                region,
                flags: u8::from(state < 0.03) | u8::from(complaint) << 1,
            }
        })
        .collect()
}

fn at(second: u32) -> DateTime<Utc> {
    DateTime::from_timestamp(EPOCH + i64::from(second), 0).unwrap()
}

struct Names {
    shops: Vec<ShopId>,
    carriers: Vec<CarrierId>,
    regions: Vec<String>,
}

fn names() -> Names {
    Names {
        shops: (0..SHOPS).map(|n| ShopId::new(format!("shop-{n:02}")).unwrap()).collect(),
        carriers: (0..CARRIERS).map(|n| CarrierId::new(format!("carrier-{n}")).unwrap()).collect(),
        regions: (0..REGIONS).map(|n| format!("region-{n:02}")).collect(),
    }
}

fn row(compact: &Compact, names: &Names) -> OrderRow {
    let when = |second: u32| (second != NONE).then(|| at(second));
    OrderRow {
        keys: RowKeys {
            shop: Some(names.shops[usize::from(compact.shop)].clone()),
            carrier: Some(names.carriers[usize::from(compact.carrier)].clone()),
            region: Some(names.regions[usize::from(compact.region)].clone()),
            ..RowKeys::default()
        },
        paid_at: Some(at(compact.paid)),
        ship_by: Some(at(compact.ship_by)),
        fully_shipped: compact.shipped != NONE,
        ship_confirmed_at: when(compact.shipped),
        deliver_by: Some(at(compact.promised)),
        delivered_at: when(compact.delivered),
        cancellation: when(compact.cancelled).map(|at| Cancellation {
            at,
            by: if compact.flags & 1 == 1 { CancelledBy::Seller } else { CancelledBy::Buyer },
        }),
        complaint_at: (compact.flags & 2 == 2).then(|| at(compact.paid)),
        ..OrderRow::placed(at(compact.paid))
    }
}

fn facts(rows: &[Compact]) -> OrderFacts {
    let names = names();
    rows.iter().map(|compact| row(compact, &names)).collect()
}

/// One line of the result: the key, then numerator and denominator of each figure. A denominator of
/// 0 is no rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Line {
    key: u32,
    rates: [(u32, u32); 5],
    handling_seconds: i64,
    pending: u32,
    excluded: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grouping {
    G1,
    G2,
    G3,
}

const fn groups(grouping: Grouping) -> usize {
    match grouping {
        Grouping::G1 => SHOPS * CARRIERS,
        Grouping::G2 => SHOPS * CARRIERS * (DAYS as usize),
        Grouping::G3 => SHOPS * CARRIERS * (DAYS as usize) * REGIONS,
    }
}

// The limit.

#[derive(Clone, Default)]
struct Arrays {
    /// Orders, on time, pending, excluded (buyer, seller), seller cancellations, complaints.
    paid: Vec<[u32; 8]>,
    /// Orders shipped, and the sum of their handling in seconds.
    shipped: Vec<(u64, u64)>,
    /// Orders, late, pending, cancelled.
    promised: Vec<[u32; 4]>,
}

#[inline(always)]
fn place<const DAILY: bool, const REGION: bool>(row: &Compact, second: u32) -> usize {
    let mut key = if DAILY { (second / 86_400) as usize } else { 0 };
    key = (key * SHOPS + usize::from(row.shop)) * CARRIERS + usize::from(row.carrier);
    if REGION { key * REGIONS + usize::from(row.region) } else { key }
}

fn limit_arrays<const DAILY: bool, const REGION: bool>(rows: &[Compact]) -> Arrays {
    let size =
        SHOPS * CARRIERS * if DAILY { DAYS as usize } else { 1 } * if REGION { REGIONS } else { 1 };
    let mut arrays = Arrays {
        paid: vec![[0; 8]; size],
        shipped: vec![(0, 0); size],
        promised: vec![[0; 4]; size],
    };
    for row in rows {
        let shipped = row.shipped != NONE;
        let in_time = row.shipped <= row.ship_by;
        let cancelled = row.cancelled != NONE;
        let before = cancelled & (row.cancelled < row.ship_by) & !shipped;
        let seller = row.flags & 1 == 1;
        let due = row.ship_by <= END;
        if row.paid < END {
            let cell = &mut arrays.paid[place::<DAILY, REGION>(row, row.paid)];
            let add = [
                1,
                u32::from(shipped & in_time),
                u32::from(!shipped & !before & !due),
                u32::from(before & !seller),
                u32::from(before & seller),
                u32::from(cancelled & seller),
                u32::from(row.flags >> 1),
                0,
            ];
            for (own, more) in cell.iter_mut().zip(add) {
                *own += more;
            }
        }
        if row.shipped < END {
            let cell = &mut arrays.shipped[place::<DAILY, REGION>(row, row.shipped)];
            cell.0 += 1;
            cell.1 += u64::from(row.shipped - row.paid);
        }
        if row.promised < END {
            let late = row.delivered > row.promised;
            let cell = &mut arrays.promised[place::<DAILY, REGION>(row, row.promised)];
            let add = [1, u32::from(!cancelled & late), 0, u32::from(cancelled)];
            for (own, more) in cell.iter_mut().zip(add) {
                *own += more;
            }
        }
    }
    arrays
}

fn limit_fold(rows: &[Compact], grouping: Grouping) -> Arrays {
    match grouping {
        Grouping::G1 => limit_arrays::<false, false>(rows),
        Grouping::G2 => limit_arrays::<true, false>(rows),
        Grouping::G3 => limit_arrays::<true, true>(rows),
    }
}

fn limit_merge(own: &mut Arrays, other: &Arrays) {
    for (own, more) in own.paid.iter_mut().zip(&other.paid) {
        for (own, more) in own.iter_mut().zip(more) {
            *own += more;
        }
    }
    for (own, more) in own.shipped.iter_mut().zip(&other.shipped) {
        own.0 += more.0;
        own.1 += more.1;
    }
    for (own, more) in own.promised.iter_mut().zip(&other.promised) {
        for (own, more) in own.iter_mut().zip(more) {
            *own += more;
        }
    }
}

fn limit_lines(arrays: &Arrays) -> Vec<Line> {
    let mut lines = Vec::new();
    for (key, ((paid, shipped), promised)) in
        arrays.paid.iter().zip(&arrays.shipped).zip(&arrays.promised).enumerate()
    {
        if paid[0] == 0 && shipped.0 == 0 && promised[0] == 0 {
            continue;
        }
        let count = shipped.0 as u32;
        lines.push(Line {
            key: key as u32,
            rates: [
                (paid[1], paid[0] - paid[2] - paid[3] - paid[4]),
                (paid[5], paid[0]),
                (count, count),
                (paid[6], paid[0]),
                (promised[1], promised[0] - promised[2] - promised[3]),
            ],
            handling_seconds: shipped.1 as i64,
            pending: paid[2],
            excluded: paid[3] + paid[4],
        });
    }
    lines
}

/// For rows in no order: first a counting sort by day, then as if they were in order.
fn limit_by_day(rows: &[Compact], grouping: Grouping) -> Arrays {
    let mut places = [0_usize; DAYS as usize + 1];
    for row in rows {
        places[(row.paid / 86_400) as usize + 1] += 1;
    }
    for day in 1..places.len() {
        places[day] += places[day - 1];
    }
    let mut sorted = vec![
        Compact {
            paid: 0,
            ship_by: 0,
            shipped: 0,
            promised: 0,
            delivered: 0,
            cancelled: 0,
            shop: 0,
            carrier: 0,
            region: 0,
            flags: 0
        };
        rows.len()
    ];
    for row in rows {
        let place = &mut places[(row.paid / 86_400) as usize];
        sorted[*place] = *row;
        *place += 1;
    }
    limit_fold(&sorted, grouping)
}

// The library.

fn query(grouping: Grouping) -> KpiQuery {
    let query = KpiQuery::new(Window::new(at(0), at(END)), at(END))
        .with_kpis(IDS)
        .grouped_by([Dimension::Shop, Dimension::Carrier]);
    let daily = Periods { unit: PeriodUnit::Day, zone: chrono_tz::UTC };
    match grouping {
        Grouping::G1 => query,
        Grouping::G2 => query.per(daily),
        Grouping::G3 => query.grouped_by([Dimension::Region]).per(daily),
    }
}

fn lines(counters: &KpiCounters) -> Vec<Line> {
    let readers = IDS.map(|id| counters.reader(id, DenominatorMode::Decided).unwrap());
    let mut lines = Vec::new();
    for group in counters.groups() {
        let rates = [0, 1, 2, 3, 4].map(|figure| {
            group
                .ratio(&readers[figure])
                .map_or((0, 0), |ratio| (ratio.numerator() as u32, ratio.denominator() as u32))
        });
        // Counts of KPI-01 carry what is pending and excluded.
        let (pending, excluded) = group.left_out(&readers[0]);
        lines.push(Line {
            key: group.number() as u32,
            rates,
            handling_seconds: (group.sum(&readers[2]).1 / 1_000_000) as i64,
            pending: pending as u32,
            excluded: excluded as u32,
        });
    }
    lines
}

/// The limit's key of a group of the library.
fn limit_key(counters: &KpiCounters, grouping: Grouping) -> Vec<u32> {
    let digits = |name: &str| -> u32 { name.rsplit('-').next().unwrap().parse().unwrap() };
    counters
        .groups()
        .map(|group| {
            let day =
                group.period().map_or(0, |date| (date - at(0).date_naive()).num_days() as u32);
            let shop = digits(group.name(Dimension::Shop).unwrap());
            let carrier = digits(group.name(Dimension::Carrier).unwrap());
            let key = (day * SHOPS as u32 + shop) * CARRIERS as u32 + carrier;
            match grouping {
                Grouping::G3 => {
                    key * REGIONS as u32 + digits(group.name(Dimension::Region).unwrap())
                }
                _ => key,
            }
        })
        .collect()
}

fn assert_equal(counters: &KpiCounters, arrays: &Arrays, grouping: Grouping) {
    let mut own = lines(counters);
    for (line, key) in own.iter_mut().zip(limit_key(counters, grouping)) {
        line.key = key;
    }
    own.sort_unstable_by_key(|line| line.key);
    let theirs = limit_lines(arrays);
    assert_eq!(own.len(), theirs.len());
    assert!(own == theirs, "the answers differ");
}

// Measuring.

#[derive(Clone, Copy)]
struct Times {
    median: f64,
    least: f64,
    most: f64,
}

impl std::fmt::Display for Times {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:9.2} ms ({:.2} … {:.2})", self.median, self.least, self.most)
    }
}

fn times(mut rounds: Vec<Duration>) -> Times {
    rounds.sort_unstable();
    let millis = |time: &Duration| time.as_secs_f64() * 1e3;
    Times {
        median: millis(&rounds[rounds.len() / 2]),
        least: millis(&rounds[0]),
        most: millis(rounds.last().unwrap()),
    }
}

/// Runs the contestants round by round and returns their times.
fn compare(contestants: &mut [&mut dyn FnMut()]) -> Vec<Times> {
    let mut rounds = vec![Vec::new(); contestants.len()];
    let begun = Instant::now();
    // Seven rounds where a round is short, else five.
    for round in 0..7 {
        if round >= 5 && begun.elapsed().as_secs() > 5 {
            break;
        }
        for (contestant, times) in contestants.iter_mut().zip(&mut rounds) {
            let begin = Instant::now();
            contestant();
            times.push(begin.elapsed());
        }
    }
    rounds.into_iter().map(times).collect()
}

fn report(name: &str, count: usize, own: Times, limit: Times) {
    let rate = |times: Times| count as f64 / times.median / 1e3;
    println!(
        "{name:<32} ours {own} {:7.1} M/s | limit {limit} {:7.1} M/s | ratio {:.2}",
        rate(own),
        rate(limit),
        limit.median / own.median
    );
}

/// Peak resident memory since the last call, in MB above what was resident before.
fn peak(work: impl FnOnce()) -> f64 {
    let field = |name: &str| -> f64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|text| text.parse().ok()).unwrap_or(0.0)
    };
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let before = field("VmRSS");
    work();
    (field("VmHWM") - before) / 1024.0
}

fn halves<T: Send>(count: usize, work: impl Fn(std::ops::Range<usize>) -> T + Sync) -> (T, T) {
    let middle = count / 2;
    std::thread::scope(|scope| {
        let second = scope.spawn(|| work(middle..count));
        (work(0..middle), second.join().unwrap())
    })
}

fn folds(count: usize, rows: &mut [Compact]) {
    for shuffled in [false, true] {
        if shuffled {
            let mut random = Random(1);
            for index in (1..rows.len()).rev() {
                rows.swap(index, random.below(index as u64 + 1) as usize);
            }
        }
        let order = if shuffled { "shuffled" } else { "sorted" };
        let begin = Instant::now();
        let facts = facts(rows);
        println!("-- {count} rows, {order}; table built in {:.2?}", begin.elapsed());
        for grouping in [Grouping::G1, Grouping::G2, Grouping::G3] {
            let query = query(grouping);
            let counters = query.count(&facts).unwrap();
            assert_equal(&counters, &limit_fold(rows, grouping), grouping);
            let (first, second) = halves(count, |part| query.count_rows(&facts, part).unwrap());
            assert!(first.merge(&second).unwrap() == counters);
            drop((counters, first, second));

            let mut own = || drop(black_box(lines(&query.count(black_box(&facts)).unwrap())));
            let mut limit = || drop(black_box(limit_lines(&limit_fold(black_box(rows), grouping))));
            let mut by_day =
                || drop(black_box(limit_lines(&limit_by_day(black_box(rows), grouping))));
            let name = format!("W2{} {grouping:?} {order}", if shuffled { "d" } else { "a" });
            if shuffled && grouping != Grouping::G1 {
                let found = compare(&mut [&mut own, &mut limit, &mut by_day]);
                let fastest = if found[2].median < found[1].median { found[2] } else { found[1] };
                report(&name, count, found[0], fastest);
            } else {
                let found = compare(&mut [&mut own, &mut limit]);
                report(&name, count, found[0], found[1]);
            }
            let memory = (peak(own), peak(limit));
            println!("{:32} peak memory: ours {:.0} MB, limit {:.0} MB", "", memory.0, memory.1);

            if !shuffled {
                let mut own = || {
                    let (first, second) =
                        halves(count, |part| query.count_rows(&facts, part).unwrap());
                    drop(black_box(lines(&first.merge(&second).unwrap())));
                };
                let mut limit = || {
                    let (mut first, second) =
                        halves(count, |part| limit_fold(&rows[part], grouping));
                    limit_merge(&mut first, &second);
                    drop(black_box(limit_lines(&first)));
                };
                let found = compare(&mut [&mut own, &mut limit]);
                report(&format!("W2b {grouping:?} two threads"), count, found[0], found[1]);
            }
        }
    }
}

fn updates_and_merges() {
    let compact = rows(1_000_000, 2);
    let facts = facts(&compact);
    let query = query(Grouping::G2);
    let middle = compact.len() / 2;
    let first = query.count_rows(&facts, 0..middle).unwrap();
    let second = query.count_rows(&facts, middle..compact.len()).unwrap();
    let arrays = (
        limit_fold(&compact[..middle], Grouping::G2),
        limit_fold(&compact[middle..], Grouping::G2),
    );

    let names = names();
    let news: Vec<Compact> = rows(100_000, 3);
    let new_rows: Vec<OrderRow> = news.iter().map(|compact| row(compact, &names)).collect();
    let all = first.merge(&second).unwrap();
    let live = LiveCounters::new(&all).unwrap();
    {
        let mut live = live.clone();
        for row in &new_rows {
            live.add(row).unwrap();
        }
        let again = all.merge(&query.count_each(new_rows.iter().cloned()).unwrap()).unwrap();
        assert!(live.counters().unwrap() == again);
    }
    let (mut taken, mut limit) = (live.clone(), arrays.0.clone());
    let mut own = || {
        for row in black_box(&new_rows) {
            taken.add(row).unwrap();
        }
    };
    let mut hand = || {
        for row in black_box(&news) {
            limit_merge_row(&mut limit, row);
        }
    };
    let found = compare(&mut [&mut own, &mut hand]);
    report("W2e one more order, G2", news.len(), found[0], found[1]);

    let mut own = || drop(black_box(black_box(&first).merge(black_box(&second)).unwrap()));
    let mut hand = || {
        let mut both = black_box(&arrays.0).clone();
        limit_merge(&mut both, black_box(&arrays.1));
        drop(black_box(both));
    };
    let found = compare(&mut [&mut own, &mut hand]);
    report("W2f merge of two, G2", groups(Grouping::G2), found[0], found[1]);
}

fn limit_merge_row(arrays: &mut Arrays, row: &Compact) {
    let shipped = row.shipped != NONE;
    let cancelled = row.cancelled != NONE;
    let before = cancelled & (row.cancelled < row.ship_by) & !shipped;
    let seller = row.flags & 1 == 1;
    if row.paid < END {
        let cell = &mut arrays.paid[place::<true, false>(row, row.paid)];
        cell[0] += 1;
        cell[1] += u32::from(shipped & (row.shipped <= row.ship_by));
        cell[2] += u32::from(!shipped & !before & (row.ship_by > END));
        cell[3] += u32::from(before & !seller);
        cell[4] += u32::from(before & seller);
        cell[5] += u32::from(cancelled & seller);
        cell[6] += u32::from(row.flags >> 1);
    }
    if row.shipped < END {
        let cell = &mut arrays.shipped[place::<true, false>(row, row.shipped)];
        cell.0 += 1;
        cell.1 += u64::from(row.shipped - row.paid);
    }
    if row.promised < END {
        let cell = &mut arrays.promised[place::<true, false>(row, row.promised)];
        cell[0] += 1;
        cell[1] += u32::from(!cancelled & (row.delivered > row.promised));
        cell[3] += u32::from(cancelled);
    }
}

// W2c: from orders.

fn orders(compact: &[Compact]) -> Vec<Order> {
    let names = names();
    let money = Money::from_minor(1999, Currency::USD);
    compact
        .iter()
        .enumerate()
        .map(|(index, compact)| {
            let key = OrderKey::new(
                PlatformId::from_static("bench"),
                names.shops[usize::from(compact.shop)].clone(),
                PlatformOrderId::new(format!("{index:09}")).unwrap(),
            );
            let snapshot = snapshot(&key, compact, money);
            let imported = Event::once(
                Action::Imported { snapshot: Box::new(snapshot), needs_acknowledgement: false },
                at(compact.paid),
                Actor::Platform,
            );
            let mut order = import(&key, &imported).unwrap().order;
            order.deadlines = [
                (DeadlineKind::ShipBy, compact.ship_by),
                (DeadlineKind::DeliverBy, compact.promised),
            ]
            .map(|(kind, by)| Deadline {
                kind,
                at: at(by),
                starts_at: at(compact.paid),
                source: DeadlineSource::Platform,
                version: 1,
                requires: orderflow::order::Requirements::default(),
            })
            .to_vec();
            if compact.cancelled != NONE {
                order.cancellations.push(CancelledUnits {
                    line: LineId::from_static("1"),
                    units: 1,
                    reason: if compact.flags & 1 == 1 {
                        CancelReason::OutOfStock
                    } else {
                        CancelReason::BuyerRequest
                    },
                    at: at(compact.cancelled),
                });
            }
            if compact.shipped != NONE {
                order.packages.push(package(&key, compact, &names, money));
            }
            order
        })
        .collect()
}

fn package(key: &OrderKey, compact: &Compact, names: &Names, money: Money) -> Package {
    let id = PackageId::derive(key, 1);
    let contents = vec![PackedLine { line: LineId::from_static("1"), units: 1 }];
    let mut package = Package::planned(id, contents, Grams::new(500));
    package.label.state = LabelState::Printed;
    package.label.record = Some(LabelRecord {
        key: IdempotencyKey::derive(&["bench"]),
        carrier: names.carriers[usize::from(compact.carrier)].clone(),
        service: ServiceCode::from_static("GROUND"),
        number: TrackingNumber::from_static("N"),
        carrier_reference: None,
        cost: LabelCost::plain(money),
        purchased_at: at(compact.paid),
        mailing_date: None,
        formats: Vec::new(),
    });
    package.shipped = Some(ShipConfirmation {
        confirmed_at: at(compact.shipped),
        shipped_at: at(compact.shipped),
        implicit: false,
    });
    package.movement.delivered_at = (compact.delivered != NONE).then(|| at(compact.delivered));
    package
}

fn snapshot(key: &OrderKey, compact: &Compact, money: Money) -> PlatformOrder {
    PlatformOrder {
        paid_at: Some(at(compact.paid)),
        lines: vec![PlatformLine {
            sku: Some(Sku::from_static("SKU")),
            ..PlatformLine::new(LineId::from_static("1"), "Thing", 1, money)
        }],
        ..PlatformOrder::new(key.order.clone(), at(compact.paid), money)
    }
}

/// Numerators and denominators, and the sum of handling in seconds, by shop and carrier.
type ByCarrier<'a> = HashMap<(&'a str, Option<&'a str>), ([(u32, u32); 5], i64)>;

/// What a program for this one question would read of an order, without a row in between: by shop
/// and carrier, numerator and denominator of each figure.
fn limit_of_orders(orders: &[Order]) -> ByCarrier<'_> {
    let (from, to) = (at(0), at(END));
    let inside = |instant: DateTime<Utc>| from <= instant && instant < to;
    let mut groups = ByCarrier::new();
    for order in orders {
        let Some(paid) = order.paid_at else { continue };
        let package = order
            .packages
            .iter()
            .filter(|package| package.is_shipped())
            .max_by_key(|package| package.shipped.as_ref().map(|shipped| shipped.confirmed_at));
        let carrier = package
            .and_then(|package| package.label.record.as_ref())
            .map(|record| record.carrier.as_str());
        let shipped = package
            .filter(|_| {
                !matches!(order.state(), OrderState::PartiallyShipped | OrderState::Cancelled)
            })
            .and_then(|package| package.shipped.as_ref())
            .map(|shipped| shipped.confirmed_at);
        let (mut due, mut promise) = (None, None);
        for deadline in &order.deadlines {
            match deadline.kind {
                DeadlineKind::ShipBy => due = Some(deadline.at),
                DeadlineKind::DeliverBy => promise = Some(deadline.at),
                _ => {}
            }
        }
        let cancelled = (order.state() == OrderState::Cancelled)
            .then(|| order.cancellations.iter().max_by_key(|units| units.at))
            .flatten();
        let (rates, handling) = groups.entry((order.key.shop.as_str(), carrier)).or_default();
        if inside(paid) {
            if let Some(due) = due {
                let before = cancelled.is_some_and(|units| units.at < due);
                if shipped.is_some() || (!before && due <= to) {
                    rates[0].1 += 1;
                    rates[0].0 += u32::from(shipped.is_some_and(|shipped| shipped <= due));
                }
            }
            rates[1].1 += 1;
            rates[1].0 += u32::from(cancelled.is_some_and(|units| units.reason.is_seller_fault()));
            rates[3].1 += 1;
        }
        if let Some(shipped) = shipped.filter(|shipped| inside(*shipped)) {
            rates[2].0 += 1;
            rates[2].1 += 1;
            *handling += (shipped - paid).num_seconds();
        }
        if let Some(promise) = promise.filter(|promise| inside(*promise))
            && cancelled.is_none()
        {
            let delivered = package.and_then(|package| package.movement.delivered_at);
            rates[4].1 += 1;
            rates[4].0 += u32::from(delivered.is_none_or(|delivered| delivered > promise));
        }
    }
    groups
}

fn from_orders() {
    let compact = rows(100_000, 4);
    let orders = orders(&compact);
    let query = query(Grouping::G1);
    let table = || {
        let mut facts = OrderFacts::new();
        let extras = OrderExtras::default();
        for order in &orders {
            facts.push_order(order, &extras);
        }
        query.count(&facts).unwrap()
    };
    let extras = OrderExtras::default();
    let counters = table();
    let theirs = limit_of_orders(&orders);
    let own = lines(&counters);
    let mut equal = 0;
    for (group, line) in counters.groups().zip(&own) {
        let key = (group.name(Dimension::Shop).unwrap(), group.name(Dimension::Carrier));
        let (rates, handling) = theirs[&key];
        assert_eq!((rates, handling), (line.rates, line.handling_seconds), "{key:?}");
        equal += 1;
    }
    assert_eq!(equal, theirs.len());
    let mut own = || drop(black_box(lines(&table())));
    let mut hand = || drop(black_box(limit_of_orders(black_box(&orders))));
    let mut each = || {
        let rows = orders.iter().map(|order| order_row(order, &extras));
        drop(black_box(lines(&query.count_each(rows).unwrap())));
    };
    let found = compare(&mut [&mut own, &mut hand, &mut each]);
    report("W2c G1 from orders, by table", orders.len(), found[0], found[1]);
    report("W2c G1 from orders, by iterator", orders.len(), found[2], found[1]);
}

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let mut sizes = vec![1_000_000];
    if !quick {
        sizes.push(10_000_000);
    }
    for count in sizes {
        let mut rows = rows(count, 1);
        folds(count, &mut rows);
    }
    from_orders();
    updates_and_merges();
}
