//! Orders to appear on the platform: the same seed gives the same orders.

use chrono::{DateTime, TimeDelta, Utc};

use crate::sandbox::faults::split_mix;

/// Who arranges the transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shipping {
    /// The platform's own labels.
    Platform,
    /// The seller's carrier.
    Seller,
}

/// A unit of an order to appear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxUnit {
    /// Its id.
    pub id: String,
    /// The platform's id of the SKU.
    pub sku_id: String,
    /// The seller's SKU.
    pub seller_sku: String,
    /// Title.
    pub title: String,
    /// Price in cents or pence.
    pub cents: u32,
}

/// An order to appear on the platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxOrder {
    /// Its id.
    pub id: String,
    /// `US`, `GB`, `DE` or `TH`.
    pub region: &'static str,
    /// Who arranges the transport.
    pub shipping: Shipping,
    /// When it was placed.
    pub placed_at: DateTime<Utc>,
    /// When it was paid; the hour of remorse begins.
    pub paid_at: DateTime<Utc>,
    /// Recipient.
    pub name: String,
    /// Street.
    pub street: String,
    /// City.
    pub city: &'static str,
    /// State or county.
    pub state: &'static str,
    /// Postcode.
    pub postcode: &'static str,
    /// Units.
    pub units: Vec<SandboxUnit>,
}

const ARTICLES: [(&str, &str, &str, u32); 4] = [
    ("1729382476852921560", "MUG-BLUE-11", "Stoneware mug, blue, 11 oz", 1299),
    ("1729382476852921561", "TOWEL-BATH", "Bath towel, cotton", 1899),
    ("1729382476852921562", "LAMP-CLIP", "Clip-on reading lamp", 1799),
    ("1729382476852921563", "FRAME-A4", "Picture frame, A4, black", 1499),
];
const US_PLACES: [(&str, &str, &str); 3] =
    [("Denver", "CO", "80202"), ("Austin", "TX", "78701"), ("Boston", "MA", "02108")];
const GB_PLACES: [(&str, &str, &str); 3] = [
    ("London", "Greater London", "SW1A 1AA"),
    ("Leeds", "West Yorkshire", "LS1 4DY"),
    ("Bristol", "Avon", "BS1 4DJ"),
];
const NAMES: [&str; 4] = ["Ana Smith", "José Peña", "Mia Walker", "Zoë O'Neil"];

/// Generates orders placed in the half-open window `[from, to)`, oldest first. The same arguments
/// give the same orders.
#[must_use]
pub fn generate(
    seed: u64,
    count: usize,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    region: &'static str,
    shipping: Shipping,
) -> Vec<SandboxOrder> {
    let mut state = seed;
    let span = u64::try_from((to - from).num_seconds().max(1)).unwrap_or(1);
    let mut offsets: Vec<i64> =
        (0..count).map(|_| i64::try_from(draw(&mut state, span)).unwrap_or(0)).collect();
    offsets.sort_unstable();
    let places = if region == "GB" { &GB_PLACES } else { &US_PLACES };
    offsets
        .into_iter()
        .enumerate()
        .map(|(index, offset)| {
            let placed_at = from + TimeDelta::seconds(offset);
            let id = format!("5764{:05}{index:09}", seed % 100_000);
            let (city, county, postcode) =
                pick(&mut state, places).unwrap_or(("Denver", "CO", "80202"));
            let lines = 1 + draw(&mut state, 2);
            let first = draw(&mut state, 4);
            let mut units = Vec::new();
            for line in 0..lines {
                let article = usize::try_from((first + line) % 4).ok();
                let article = article.and_then(|index| ARTICLES.get(index).copied());
                let Some((sku_id, sku, title, cents)) = article else { continue };
                for _ in 0..=draw(&mut state, 2) {
                    units.push(SandboxUnit {
                        id: format!("{id}{:02}", units.len()),
                        sku_id: sku_id.to_owned(),
                        seller_sku: sku.to_owned(),
                        title: title.to_owned(),
                        cents,
                    });
                }
            }
            SandboxOrder {
                id,
                region,
                shipping,
                placed_at,
                paid_at: placed_at,
                name: pick(&mut state, &NAMES).unwrap_or("Ana Smith").to_owned(),
                // No two buyers live in one house: the second order would look like the first again.
                street: format!("{} Example Street", 1 + 3 * index as u64 + draw(&mut state, 3)),
                city,
                state: county,
                postcode,
                units,
            }
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
