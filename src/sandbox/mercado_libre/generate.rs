//! Sales to appear on the platform: the same seed gives the same sales.

use chrono::{DateTime, TimeDelta, Utc};

use crate::sandbox::faults::split_mix;

/// An article of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Article {
    /// The seller's own SKU.
    pub sku: &'static str,
    /// Title.
    pub title: &'static str,
    /// Price of a unit, in hundredths of the site's currency.
    pub cents: u64,
}

const fn article(sku: &'static str, title: &'static str, cents: u64) -> Article {
    Article { sku, title, cents }
}

/// What the shop sells.
#[rustfmt::skip]
pub const CATALOGUE: [Article; 8] = [
    article("CANECA-AZUL",  "Caneca de cerâmica azul 300 ml",   3_990),
    article("TOALLA-BANO",  "Toalla de baño algodón 70 x 140",  8_950),
    article("LAMPARA-LED",  "Lámpara de escritorio LED",       15_900),
    article("SARTEN-24",    "Sartén antiadherente 24 cm",      22_480),
    article("CUCHILLO-20",  "Cuchillo de chef 20 cm",          18_999),
    article("MARCO-A4",     "Marco A4 negro",                   5_490),
    article("RELOJ-PARED",  "Reloj de pared silencioso",       11_275),
    article("MANTA-GRIS",   "Manta tejida gris",               26_700),
];

/// A site with places whose postal codes belong to them.
struct Market {
    site: &'static str,
    currency: &'static str,
    country: &'static str,
    places: &'static [(&'static str, &'static str, &'static str)],
}

#[rustfmt::skip]
const MARKETS: [Market; 3] = [
    Market { site: "MLB", currency: "BRL", country: "BR", places: &[
        ("São Paulo", "BR-SP", "01310100"), ("Belo Horizonte", "BR-MG", "30130010"),
        ("Curitiba", "BR-PR", "80020310"), ("Porto Alegre", "BR-RS", "90010150"),
    ] },
    Market { site: "MLM", currency: "MXN", country: "MX", places: &[
        ("Guadalajara", "MX-JAL", "44100"), ("Monterrey", "MX-NLE", "64000"),
        ("Puebla", "MX-PUE", "72000"), ("Alvaro Obregón", "MX-DIF", "01030"),
    ] },
    Market { site: "MLA", currency: "ARS", country: "AR", places: &[
        ("Rosario", "AR-S", "2000"), ("Córdoba", "AR-X", "5000"),
        ("La Plata", "AR-B", "1900"), ("Mendoza", "AR-M", "5500"),
    ] },
];

const FIRST: [&str; 8] = ["Ana", "José", "Lucía", "João", "Sofía", "Iván", "Camila", "Zoé"];
const LAST: [&str; 8] =
    ["Núñez", "Silva", "García", "Peña", "Souza", "Martínez", "Oliveira", "López"];
const STREETS: [&str; 4] = ["Rua das Flores", "Avenida Juárez", "Calle San Martín", "Rua Augusta"];

/// How a sale travels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Way {
    /// The platform labels it, the seller drops it off.
    #[default]
    DropOff,
    /// The platform labels it, the seller's own courier brings it the same day.
    Flex,
    /// The seller's own carrier.
    OwnCarrier,
    /// The number is put on the shipment by the old call.
    Custom,
    /// The platform stores and ships it.
    Full,
    /// Arranged with the buyer; there is no shipment.
    Arranged,
}

impl Way {
    pub(super) const fn words(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::DropOff => ("me2", Some("drop_off")),
            Self::Flex => ("me2", Some("self_service")),
            Self::OwnCarrier => ("me1", Some("default")),
            Self::Custom => ("custom", None),
            Self::Full => ("me2", Some("fulfillment")),
            Self::Arranged => ("not_specified", None),
        }
    }
}

/// An order of a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxItem {
    /// The order's id.
    pub order: u64,
    /// The item's id, with the site in front.
    pub item: String,
    /// What.
    pub article: Article,
    /// How many units.
    pub units: u32,
}

/// A sale to appear: one pack with its orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxPack {
    /// The pack's id; `None` is an old order without one.
    pub pack: Option<u64>,
    /// The shipment's id.
    pub shipment: u64,
    /// The site, for example `MLB`.
    pub site: &'static str,
    /// Its currency.
    pub currency: &'static str,
    /// The recipient's country.
    pub country: &'static str,
    /// When it was placed; paid a minute later.
    pub placed_at: DateTime<Utc>,
    /// Until when it must be handed over.
    pub ship_by: DateTime<Utc>,
    /// When it is promised.
    pub deliver_by: DateTime<Utc>,
    /// How it travels.
    pub way: Way,
    /// The buyer's user id.
    pub buyer: u64,
    /// Recipient.
    pub name: String,
    /// Street and number.
    pub street: String,
    /// City.
    pub city: &'static str,
    /// State, with the country in front.
    pub state: &'static str,
    /// Postal code.
    pub zip: &'static str,
    /// The orders.
    pub items: Vec<SandboxItem>,
    /// Further tags of its orders, for example `fraud_risk_detected`.
    pub tags: Vec<&'static str>,
}

impl SandboxPack {
    /// The id by which the adapter knows it.
    #[must_use]
    pub fn id(&self) -> String {
        self.pack.or(self.items.first().map(|item| item.order)).unwrap_or_default().to_string()
    }

    /// The line ids that the adapter gives, with their units.
    #[must_use]
    pub fn lines(&self) -> Vec<(String, u32)> {
        self.items
            .iter()
            .map(|item| (format!("{}-{}", item.order, item.item), item.units))
            .collect()
    }
}

fn draw(state: &mut u64, below: u64) -> u64 {
    split_mix(state) % below.max(1)
}

fn pick<T: Copy>(state: &mut u64, from: &[T]) -> Option<T> {
    from.get(usize::try_from(draw(state, from.len() as u64)).ok()?).copied()
}

/// Generates sales placed in the half-open window `[from, to)`, oldest first: sites in turn, most
/// labelled by the platform, a third with several orders in one pack. The same arguments give the
/// same sales; different seeds give different ids.
#[must_use]
pub fn generate(
    seed: u64,
    count: usize,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Vec<SandboxPack> {
    let mut state = seed;
    let span = u64::try_from((to - from).num_seconds()).unwrap_or(1).max(1);
    let mut instants: Vec<DateTime<Utc>> = (0..count)
        .map(|_| from + TimeDelta::seconds(i64::try_from(draw(&mut state, span)).unwrap_or(0)))
        .collect();
    instants.sort_unstable();
    (0_u64..).zip(instants).map(|(index, at)| one(seed, index, at, &mut state)).collect()
}

fn one(seed: u64, index: u64, placed_at: DateTime<Utc>, state: &mut u64) -> SandboxPack {
    let base = 2_000_000_000_000_000 + (seed % 900_000) * 1_000_000_000 + index * 100;
    let [brazil, mexico, argentina] = &MARKETS;
    let market = match index % 3 {
        0 => brazil,
        1 => mexico,
        _ => argentina,
    };
    let way = match draw(state, 10) {
        0 | 1 => Way::OwnCarrier,
        2 => Way::Flex,
        _ => Way::DropOff,
    };
    let (city, place, zip) = pick(state, market.places).unwrap_or(("Rosario", "AR-S", "2000"));
    let first = pick(state, &FIRST).unwrap_or("Ana");
    let last = pick(state, &LAST).unwrap_or("Silva");
    let street = pick(state, &STREETS).unwrap_or("Rua Augusta");
    let count = 1 + draw(state, 3) / 2 + draw(state, 9) / 8;
    let mut items: Vec<SandboxItem> = Vec::new();
    for order in 0..count {
        let Some(article) = pick(state, &CATALOGUE) else { continue };
        items.push(SandboxItem {
            order: base + 1 + order,
            item: format!("{}{}", market.site, 3_000_000_000 + draw(state, 900_000_000)),
            article,
            units: if draw(state, 5) == 0 { 2 } else { 1 },
        });
    }
    SandboxPack {
        pack: Some(base),
        shipment: 40_000_000_000 + (seed % 9_000) * 1_000_000 + index,
        site: market.site,
        currency: market.currency,
        country: market.country,
        placed_at,
        ship_by: placed_at + TimeDelta::days(2),
        deliver_by: placed_at + TimeDelta::days(6),
        way,
        buyer: 100_000_000 + draw(state, 900_000_000),
        name: format!("{first} {last}"),
        street: format!("{street} {}", 1 + draw(state, 990)),
        city,
        state: place,
        zip,
        items,
        tags: Vec::new(),
    }
}
