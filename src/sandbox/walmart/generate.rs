//! Orders to appear on the platform: the same seed gives the same orders.

use chrono::{DateTime, TimeDelta, Utc};

use crate::sandbox::faults::split_mix;

/// An article of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Article {
    /// Stock keeping unit.
    pub sku: &'static str,
    /// Title.
    pub title: &'static str,
    /// Price of a unit, in cents.
    pub cents: u32,
    /// Weight of a unit, in pounds, as the platform writes it.
    pub pounds: &'static str,
}

const fn article(
    sku: &'static str,
    title: &'static str,
    cents: u32,
    pounds: &'static str,
) -> Article {
    Article { sku, title, cents, pounds }
}

/// What the shop sells.
#[rustfmt::skip]
pub const CATALOGUE: [Article; 20] = [
    article("MUG-BLUE-11",  "Stoneware mug, blue, 11 oz",           1299, "0.9"),
    article("MUG-WHITE-11", "Stoneware mug, white, 11 oz",          1299, "0.9"),
    article("MUG-SET-4",    "Set of four mugs",                     3999, "3.8"),
    article("TOWEL-BATH",   "Bath towel, cotton, 70 x 140 cm",      1899, "1.4"),
    article("TOWEL-HAND",   "Hand towel, cotton, two pieces",       1199, "0.6"),
    article("LAMP-DESK",    "Desk lamp with \"warm\" light",        4599, "4.2"),
    article("LAMP-CLIP",    "Clip-on reading lamp",                 1799, "0.7"),
    article("PAN-24",       "Frying pan, 24 cm",                    3499, "2.9"),
    article("PAN-28",       "Frying pan, 28 cm",                    3999, "3.5"),
    article("POT-SAUCE",    "Saucepan with lid, 1.5 l",             2999, "2.6"),
    article("KNIFE-CHEF",   "Chef's knife, 20 cm",                  5499, "0.8"),
    article("BOARD-OAK",    "Cutting board, oak",                   2799, "3.1"),
    article("FRAME-A4",     "Picture frame, A4, black",             1499, "1.2"),
    article("FRAME-A3",     "Picture frame, A3, oak",               2499, "2.3"),
    article("PILLOW-45",    "Cushion, 45 x 45 cm",                  1999, "1.1"),
    article("THROW-GREY",   "Woven throw, grey",                    4299, "2.4"),
    article("CANDLE-3",     "Three candles, fig and cedar",         2199, "1.9"),
    article("VASE-TALL",    "Glass vase, 30 cm",                    2699, "2.7"),
    article("CLOCK-WALL",   "Wall clock, silent, 30 cm",            3299, "2.0"),
    article("HOOKS-5",      "Five wall hooks, brass",               1599, "0.5"),
];

/// Places whose city, state and ZIP belong together.
#[rustfmt::skip]
const PLACES: [(&str, &str, &str); 24] = [
    ("Denver", "CO", "80202"), ("Portland", "OR", "97205"), ("Austin", "TX", "78701"),
    ("Boston", "MA", "02108"), ("Chicago", "IL", "60601"), ("Seattle", "WA", "98101"),
    ("Atlanta", "GA", "30303"), ("Miami", "FL", "33130"), ("Phoenix", "AZ", "85004"),
    ("Nashville", "TN", "37203"), ("Columbus", "OH", "43215"), ("Madison", "WI", "53703"),
    ("Omaha", "NE", "68102"), ("Albany", "NY", "12207"), ("Newark", "NJ", "07102"),
    ("Raleigh", "NC", "27601"), ("Richmond", "VA", "23219"), ("San Diego", "CA", "92101"),
    ("Sacramento", "CA", "95814"), ("Boise", "ID", "83702"), ("Tulsa", "OK", "74103"),
    ("Detroit", "MI", "48226"), ("Minneapolis", "MN", "55401"), ("St. Louis", "MO", "63101"),
];

const FIRST: [&str; 16] = [
    "Ana", "José", "Mia", "Zoë", "Liam", "Noah", "Emma", "Chloé", "Lucía", "Omar", "Grace", "Ivan",
    "Priya", "Wei", "Sofía", "Jack",
];
const LAST: [&str; 16] = [
    "Núñez", "Smith", "Garcia", "Müller", "Brown", "Johnson", "Peña", "Nguyen", "Davis", "O'Neil",
    "Martins", "Khan", "Lopez", "Walker", "Young", "Fischer",
];
const STREETS: [&str; 8] = [
    "Example Street",
    "Maple Avenue",
    "Lake Drive",
    "2nd Street",
    "Oak Lane",
    "Harbor Road",
    "Sunset Boulevard",
    "College Avenue",
];

/// A line of an order to appear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxLine {
    /// Number on the platform; numbers may have gaps.
    pub number: String,
    /// What.
    pub article: Article,
    /// How many units.
    pub units: u32,
}

/// An order to appear on the platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxOrder {
    /// Purchase order number, the key.
    pub id: String,
    /// The number that the buyer sees.
    pub customer_order: String,
    /// When it was placed.
    pub placed_at: DateTime<Utc>,
    /// When it is expected to ship.
    pub ship_by: DateTime<Utc>,
    /// When it is expected to arrive.
    pub deliver_by: DateTime<Utc>,
    /// Recipient.
    pub name: String,
    /// Phone.
    pub phone: String,
    /// First street line.
    pub street: String,
    /// Second street line.
    pub apartment: Option<String>,
    /// City.
    pub city: String,
    /// State.
    pub state: String,
    /// ZIP.
    pub zip: String,
    /// Lines.
    pub lines: Vec<SandboxLine>,
    /// Whether the buyer asks to cancel.
    pub intent_to_cancel: bool,
    /// What is wrong with the address, if it was made so.
    pub problem: Option<&'static str>,
}

/// How orders are generated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct GenerateOptions {
    /// How many of the orders get an address that cannot be shipped to.
    pub address_problems: usize,
}

impl GenerateOptions {
    /// Sets how many of the orders get an address that cannot be shipped to.
    #[must_use]
    pub const fn with_address_problems(mut self, orders: usize) -> Self {
        self.address_problems = orders;
        self
    }
}

/// Generates orders placed in the half-open window `[from, to)`, oldest first. The same arguments
/// give the same orders; different seeds give different numbers.
#[must_use]
pub fn generate(
    seed: u64,
    count: usize,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    options: &GenerateOptions,
) -> Vec<SandboxOrder> {
    let mut state = seed;
    let span = (to - from).num_seconds().max(1);
    let mut instants: Vec<DateTime<Utc>> = (0..count)
        .map(|_| {
            let offset = draw(&mut state, u64::try_from(span).unwrap_or(1));
            from + TimeDelta::seconds(i64::try_from(offset).unwrap_or(0))
        })
        .collect();
    instants.sort_unstable();
    let every = count.checked_div(options.address_problems).unwrap_or(0).max(1);
    let mut planted = 0;
    instants
        .into_iter()
        .enumerate()
        .map(|(index, placed_at)| {
            let mut order = one(seed, index, placed_at, &mut state);
            if planted < options.address_problems && index % every == every / 2 {
                spoil(&mut order, planted);
                planted += 1;
            }
            order
        })
        .collect()
}

fn draw(state: &mut u64, below: u64) -> u64 {
    split_mix(state) % below.max(1)
}

fn pick<T: Copy>(state: &mut u64, from: &[T]) -> Option<T> {
    let index = draw(state, from.len() as u64);
    from.get(usize::try_from(index).ok()?).copied()
}

fn one(seed: u64, index: usize, placed_at: DateTime<Utc>, state: &mut u64) -> SandboxOrder {
    let (city, state_code, zip) = pick(state, &PLACES).unwrap_or(("Denver", "CO", "80202"));
    let first = pick(state, &FIRST).unwrap_or("Ana");
    let last = pick(state, &LAST).unwrap_or("Smith");
    let street = pick(state, &STREETS).unwrap_or("Example Street");
    let house = 1 + draw(state, 990);
    let apartment = (draw(state, 4) == 0).then(|| format!("Apt {}", 1 + draw(state, 80)));
    let count = 1 + draw(state, 10) / 6 + draw(state, 10) / 9;
    let mut number = 0;
    let mut lines: Vec<SandboxLine> = Vec::new();
    for _ in 0..count {
        let Some(article) = pick(state, &CATALOGUE) else { continue };
        if lines.iter().any(|line| line.article.sku == article.sku) {
            continue;
        }
        number += 1 + draw(state, 2);
        let units = if draw(state, 5) == 0 { 2 } else { 1 };
        lines.push(SandboxLine { number: number.to_string(), article, units });
    }
    // Ship by the second day, deliver by the eighth, as local dates in the west.
    let day = |days: i64, hour: u32| {
        let date = (placed_at + TimeDelta::days(days)).date_naive();
        date.and_hms_opt(hour, 0, 0).map_or(placed_at, |local| local.and_utc())
    };
    SandboxOrder {
        id: format!("{}{:09}", 1_000 + seed % 9_000, index),
        customer_order: format!("{}{:09}", 2_000 + seed % 7_000, index),
        placed_at,
        ship_by: day(2, 7),
        deliver_by: day(8, 19),
        name: format!("{first} {last}"),
        phone: format!("555{:07}", draw(state, 10_000_000)),
        street: format!("{house} {street}"),
        apartment,
        city: city.to_owned(),
        state: state_code.to_owned(),
        zip: zip.to_owned(),
        lines,
        intent_to_cancel: false,
        problem: None,
    }
}

fn spoil(order: &mut SandboxOrder, which: usize) {
    order.problem = Some(match which % 5 {
        0 => {
            order.city.clear();
            "city missing"
        }
        1 => {
            order.street = "12 ********".to_owned();
            "street masked"
        }
        2 => {
            order.state = "FL".to_owned();
            order.zip = "99501".to_owned();
            "ZIP of another state"
        }
        3 => {
            order.street.clear();
            order.apartment = None;
            "street missing"
        }
        _ => {
            order.zip.clear();
            "ZIP missing"
        }
    });
}
