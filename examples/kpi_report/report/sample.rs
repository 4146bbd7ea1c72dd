//! The sample beside the example: invented orders of an invented shop, the same for the same seed.

use std::fmt::Write as _;

use chrono::{Datelike, NaiveDate, NaiveDateTime, TimeDelta, Weekday};

/// SplitMix64: small, well known, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    fn chance(&mut self, of_thousand: u64) -> bool {
        self.below(1_000) < of_thousand
    }

    /// One of several, by weight.
    fn pick<'a, T>(&mut self, weighted: &'a [(u64, T)]) -> Option<&'a T> {
        let mut left = self.below(weighted.iter().map(|(weight, _)| weight).sum());
        weighted.iter().find_map(|(weight, value)| {
            let hit = left < *weight;
            left = left.saturating_sub(*weight);
            hit.then_some(value)
        })
    }
}

struct Goods {
    sku: &'static str,
    price: u64,
    cost: u64,
    /// Whether it sells more from week to week.
    grows: bool,
}

const GOODS: [(u64, Goods); 6] = [
    (30, Goods { sku: "MUG-BLUE", price: 1_490, cost: 520, grows: false }),
    (22, Goods { sku: "MUG-RED", price: 1_490, cost: 520, grows: true }),
    (18, Goods { sku: "POT-2L", price: 3_990, cost: 1_750, grows: false }),
    (14, Goods { sku: "PAN-24", price: 4_450, cost: 1_980, grows: true }),
    (10, Goods { sku: "KNIFE-SET", price: 6_900, cost: 2_890, grows: false }),
    (6, Goods { sku: "BOARD-OAK", price: 2_750, cost: 1_100, grows: false }),
];

/// State, and days its parcels take beyond the quickest.
const STATES: [(u64, (&str, i64)); 8] = [
    (24, ("NY", 0)),
    (14, ("NJ", 0)),
    (12, ("PA", 0)),
    (10, ("FL", 1)),
    (10, ("TX", 2)),
    (20, ("CA", 3)),
    (6, ("IL", 1)),
    (4, ("WA", 3)),
];

struct Service {
    carrier: &'static str,
    name: &'static str,
    days: i64,
    /// What a label costs, in cents.
    label: u64,
}

const SERVICES: [(u64, Service); 3] = [
    (55, Service { carrier: "north-post", name: "ground", days: 3, label: 320 }),
    (30, Service { carrier: "swift-parcel", name: "ground", days: 2, label: 410 }),
    (15, Service { carrier: "swift-parcel", name: "express", days: 1, label: 760 }),
];

/// Share of orders in each hour of the day.
const HOURS: [(u64, u32); 24] = [
    (6, 0),
    (3, 1),
    (2, 2),
    (1, 3),
    (1, 4),
    (3, 5),
    (8, 6),
    (15, 7),
    (24, 8),
    (34, 9),
    (42, 10),
    (46, 11),
    (48, 12),
    (44, 13),
    (42, 14),
    (41, 15),
    (42, 16),
    (44, 17),
    (50, 18),
    (62, 19),
    (70, 20),
    (60, 21),
    (38, 22),
    (18, 23),
];

const HEADER: &str = "order_id,placed_at,status,paid_at,acknowledged_at,acknowledge_by,ship_by,\
shipped_at,uploaded_at,upload_by,accepted_at,deliver_by,delivered_at,returned_at,cancelled_at,\
complaint_at,total,label_cost,product_cost,state,carrier,service,seller,sku,units\n";

const WEEKS: i64 = 12;

fn workday_after(day: NaiveDate) -> NaiveDate {
    let mut next = day + TimeDelta::days(1);
    while matches!(next.weekday(), Weekday::Sat | Weekday::Sun) {
        next += TimeDelta::days(1);
    }
    next
}

/// Twelve weeks of orders from Monday, 5 January 2026, in local time of New York. In the eighth and
/// ninth week one carrier is slow; three rows are broken, so that it is seen what becomes of them.
pub fn sample_csv(seed: u64) -> String {
    let mut dice = Dice(seed);
    let begin = NaiveDate::from_ymd_opt(2026, 1, 5).unwrap_or_default();
    let end = (begin + TimeDelta::weeks(WEEKS)).and_hms_opt(17, 0, 0).unwrap_or_default();
    let mut csv = String::from(HEADER);
    let mut number = 1_000_u64;
    for day in 0..WEEKS * 7 {
        let date = begin + TimeDelta::days(day);
        let weekend = matches!(date.weekday(), Weekday::Sat | Weekday::Sun);
        let orders = if weekend { 3 } else { 4 } + day.unsigned_abs() / 28 + dice.below(3);
        let mut placed: Vec<NaiveDateTime> = (0..orders)
            .filter_map(|_| {
                let hour = *dice.pick(&HOURS)?;
                let (minute, second) = (dice.below(60), dice.below(60));
                date.and_hms_opt(hour, u32::try_from(minute).ok()?, u32::try_from(second).ok()?)
            })
            .collect();
        placed.sort_unstable();
        for placed_at in placed {
            number += 1;
            order(&mut csv, &mut dice, number, placed_at, end, day / 7);
            match number {
                1_120 => csv.push_str("1120b,2026-01-32 10:00:00,open,,,,,,,,,,,,,,,,,,,,,,\n"),
                1_230 => csv.push_str("1230b,2026-02-20 10:00:00,open\n"),
                1_340 => {
                    csv.push_str("1340b,2026-03-10 10:00:00,open,,,,,,,,,,,,,,twelve,,,,,,,,\n")
                }
                _ => {}
            }
        }
    }
    csv
}

fn order(
    csv: &mut String,
    dice: &mut Dice,
    number: u64,
    placed_at: NaiveDateTime,
    end: NaiveDateTime,
    week: i64,
) {
    let minutes = |dice: &mut Dice, least: u64, spread: u64| {
        TimeDelta::minutes(i64::try_from(least + dice.below(spread)).unwrap_or(0))
    };
    let Some(mut goods) = dice.pick(&GOODS) else { return };
    if week >= 6 && dice.chance(350) {
        // What grows is bought in place of something else.
        let mut growing = GOODS.iter().map(|(_, goods)| goods).filter(|goods| goods.grows);
        goods = growing.next_back().filter(|_| dice.chance(500)).unwrap_or(goods);
    }
    let Some((state, far)) = dice.pick(&STATES) else { return };
    let Some(Service { carrier, name: service, days: transit, label }) = dice.pick(&SERVICES)
    else {
        return;
    };
    let seller = if dice.chance(650) { "main street" } else { "outlet" };
    let units = if dice.chance(180) { 2 } else { 1 };

    let paid_at = placed_at + minutes(dice, 1, 9);
    let acknowledged_at = paid_at + minutes(dice, 2, 40);
    let acknowledge_by = placed_at + TimeDelta::hours(4);
    let due_day = workday_after(workday_after(paid_at.date()));
    let ship_by = due_day.and_hms_opt(23, 59, 59).unwrap_or(paid_at);
    let late = dice.chance(if seller == "outlet" { 75 } else { 25 });
    let leaves = if late { workday_after(due_day) } else { workday_after(paid_at.date()) };
    let shipped_at = leaves.and_hms_opt(10, 30, 0).unwrap_or(paid_at) + minutes(dice, 0, 330);
    let uploaded_at = shipped_at + minutes(dice, 1, 2);
    let accepted_at = shipped_at + minutes(dice, 60, 300);
    let promised = due_day + TimeDelta::days(transit + far + 1);
    let slow = *carrier == "north-post" && (week == 7 || week == 8);
    let delay = if dice.chance(if slow { 400 } else { 30 }) { 5 } else { 0 };
    let days = TimeDelta::days(transit + far + delay);
    let arrives = (accepted_at + days).date().and_hms_opt(9, 0, 0).unwrap_or(accepted_at)
        + minutes(dice, 0, 540);
    let comes_back = dice.chance(8);
    let cancelled = dice.chance(22).then(|| paid_at + minutes(dice, 20, 300));
    let by_seller = dice.chance(400);
    let complaint = dice.chance(if delay > 0 { 90 } else { 5 });

    let known = |at: NaiveDateTime| {
        if at <= end { at.format("%Y-%m-%d %H:%M:%S").to_string() } else { String::new() }
    };
    let moving = |at: NaiveDateTime| if cancelled.is_some() { String::new() } else { known(at) };
    let deadline = |at: NaiveDateTime| at.format("%Y-%m-%d %H:%M:%S").to_string();
    let status = match cancelled.filter(|at| *at <= end) {
        Some(_) if by_seller => "cancelled by seller",
        Some(_) => "cancelled by buyer",
        None => "open",
    };
    let amount = |cents: u64| format!("{}.{:02}", cents / 100, cents % 100);
    let went = cancelled.is_none() && shipped_at <= end;
    let cells = [
        number.to_string(),
        known(placed_at),
        status.to_owned(),
        known(paid_at),
        known(acknowledged_at),
        deadline(acknowledge_by),
        deadline(ship_by),
        moving(shipped_at),
        moving(uploaded_at),
        deadline(ship_by),
        moving(accepted_at),
        promised.format("%Y-%m-%d").to_string(),
        if comes_back { String::new() } else { moving(arrives) },
        if comes_back { moving(arrives + TimeDelta::days(6)) } else { String::new() },
        cancelled.map_or_else(String::new, known),
        if complaint { moving(arrives + TimeDelta::hours(20)) } else { String::new() },
        amount(goods.price * units),
        if went { amount(label + 20 * far.unsigned_abs()) } else { String::new() },
        amount(goods.cost * units),
        (*state).to_owned(),
        (*carrier).to_owned(),
        (*service).to_owned(),
        seller.to_owned(),
        goods.sku.to_owned(),
        units.to_string(),
    ];
    let _ = writeln!(csv, "{}", cells.join(","));
}
