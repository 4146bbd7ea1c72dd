//! W1: routing. The first matching rule, then the cheapest admissible service.
//!
//! ```text
//! cargo bench --no-default-features --bench route -- [--quick]
//! ```
//!
//! Ten thousand orders in turn against 10 to 10,000 rules. Contestants: the compiled form of the
//! library; a linear scan over typed rules; and the *limit*, an index written by hand for exactly
//! this workload: it knows the sixteen tags, the six marketplaces, that postcodes matter by three
//! digits and that all cards share their zones and steps. Both take the same parcel in.
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

use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;
use std::time::Instant;

use chrono::{DateTime, Utc};
use orderflow::calendar::WorkCalendar;
use orderflow::order::SpeedClass;
use orderflow::rules::{
    CompiledRoutes, LiveFacts, RateCard, RateCards, RouteAction, RouteCondition, RouteFacts,
    RouteInput, RoutePolicy, RouteRule, ServiceAliases, ZoneArea, ZoneChart, ZoneRates, route,
};
use orderflow::shipment::{CarrierService, CostTier, Coverage, ServiceKey};
use orderflow::{
    Address, CarrierId, Country, Currency, Grams, Money, PlatformId, ServiceCode, ShopId,
};
use rust_decimal::Decimal;
use support::split_mix;

const ORDERS: usize = 10_000;
const SERVICES: usize = 40;
const STATES: [&str; 51] = [
    "AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DE", "DC", "FL", "GA", "HI", "ID", "IL", "IN", "IA",
    "KS", "KY", "LA", "ME", "MD", "MA", "MI", "MN", "MS", "MO", "MT", "NE", "NV", "NH", "NJ", "NM",
    "NY", "NC", "ND", "OH", "OK", "OR", "PA", "RI", "SC", "SD", "TN", "TX", "UT", "VT", "VA", "WA",
    "WV", "WI", "WY",
];
const COUNTRIES: [&str; 6] = ["US", "CA", "MX", "BR", "GB", "DE"];
const TAGS: [&str; 16] = [
    "fragile",
    "hazmat",
    "lithium",
    "oversize",
    "gift",
    "vip",
    "b2b",
    "cold",
    "liquid",
    "media",
    "apparel",
    "furniture",
    "alcohol",
    "signature",
    "insured",
    "dropship",
];
const MARKETS: [&str; 6] = ["walmart", "mercadolibre", "tiktok", "amazon", "ebay", "csv"];

struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        split_mix(&mut self.0)
    }
    fn u(&mut self, n: u64) -> usize {
        (self.next() % n) as usize
    }
    fn f(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
    fn p(&mut self, x: f64) -> bool {
        self.f() < x
    }
}

/// An order as plain numbers.
#[derive(Debug, Clone, Copy)]
struct Features {
    country: usize,
    zip3: usize,
    state: usize,
    grams: u32,
    cents: i64,
    days: u32,
    tags: u16,
    market: usize,
    residential: bool,
}

/// An order as the domain has it.
struct Parcel {
    platform: PlatformId,
    shop: ShopId,
    address: Address,
    tags: BTreeSet<String>,
    grams: Grams,
    value: Money,
    days: u32,
}

impl Parcel {
    fn input<'a>(&'a self, calendar: &'a WorkCalendar) -> RouteInput<'a> {
        RouteInput {
            tags: &self.tags,
            max_transit_days: Some(self.days),
            ..RouteInput::new(
                &self.platform,
                &self.shop,
                &self.address,
                calendar,
                self.grams,
                self.value,
            )
        }
    }
}

fn orders() -> (Vec<Features>, Vec<Parcel>) {
    let mut random = SplitMix(7);
    let mut all = Vec::new();
    for _ in 0..ORDERS {
        let country = if random.p(0.85) { 0 } else { 1 + random.u(5) };
        let zip3 = random.u(1000);
        let grams = (50.0 * 600_f64.powf(random.f())) as u32;
        let cents = (500.0 * 200_f64.powf(random.f())) as i64;
        let days = match random.u(100) {
            0..5 => 1,
            5..25 => 2,
            25..50 => 3,
            50..75 => 5,
            75..90 => 7,
            _ => 10,
        };
        let tags = (0..16).fold(0_u16, |tags, tag| tags | (u16::from(random.p(0.05)) << tag));
        let market = random.u(6);
        let residential = random.p(0.8);
        let state = zip3 * 51 / 1000;
        all.push(Features { country, zip3, state, grams, cents, days, tags, market, residential });
    }
    let parcels = all.iter().enumerate().map(|(number, order)| {
        let us = order.country == 0;
        Parcel {
            platform: PlatformId::from_static(MARKETS[order.market]),
            shop: ShopId::from_static("1"),
            address: Address {
                lines: vec!["1 Example Street".into()],
                city: "Springfield".into(),
                state: us.then(|| STATES[order.state].to_owned()),
                postal_code: Some(if us {
                    format!("{:03}{:02}", order.zip3, number % 100)
                } else {
                    "K1A 0B1".into()
                }),
                country: Country::new(COUNTRIES[order.country]),
                residential: Some(order.residential),
            },
            tags: (0..16)
                .filter(|tag| order.tags & (1 << tag) != 0)
                .map(|tag| TAGS[tag].to_owned())
                .collect(),
            grams: Grams::new(order.grams),
            value: Money::from_minor(order.cents, Currency::USD),
            days: order.days,
        }
    });
    let parcels = parcels.collect();
    (all, parcels)
}

/// A rule as plain numbers.
#[derive(Debug, Clone, Default)]
struct Rule {
    country: Option<usize>,
    zip3: Option<usize>,
    /// Bits of states; 0 is any.
    states: u64,
    weight: Option<(u32, u32)>,
    value: Option<(i64, i64)>,
    days: Option<u32>,
    tag: Option<usize>,
    market: Option<usize>,
    residential: Option<bool>,
    allowed: u64,
}

impl Rule {
    fn score(&self) -> usize {
        usize::from(self.country.is_some())
            + 2 * usize::from(self.states != 0)
            + 3 * usize::from(self.zip3.is_some())
            + usize::from(self.weight.is_some())
            + usize::from(self.value.is_some())
            + usize::from(self.days.is_some())
            + usize::from(self.tag.is_some())
            + usize::from(self.market.is_some())
            + usize::from(self.residential.is_some())
    }

    #[inline]
    fn holds(&self, order: &Features) -> bool {
        self.country.is_none_or(|country| country == order.country)
            && self.zip3.is_none_or(|zip3| order.country == 0 && zip3 == order.zip3)
            && (self.states == 0 || (order.country == 0 && self.states & (1 << order.state) != 0))
            && self.weight.is_none_or(|(least, most)| (least..most).contains(&order.grams))
            && self.value.is_none_or(|(least, most)| (least..most).contains(&order.cents))
            && self.days.is_none_or(|days| order.days <= days)
            && self.tag.is_none_or(|tag| order.tags & (1 << tag) != 0)
            && self.market.is_none_or(|market| market == order.market)
            && self.residential.is_none_or(|wanted| wanted == order.residential)
    }
}

const BANDS: [u32; 10] = [0, 113, 227, 454, 907, 2268, 4536, 9072, 22680, 31752];
const VALUES: [i64; 7] = [0, 2500, 5000, 10000, 20000, 50000, 1_000_000];

fn rules(count: usize) -> Vec<Rule> {
    let mut random = SplitMix(42 + count as u64);
    let specific = (count - 1) * 9 / 10;
    let mut all = Vec::new();
    for number in 0..count {
        let mut rule = Rule::default();
        if number + 1 < count {
            let is_specific = number < specific;
            if is_specific {
                rule.country = Some(0);
                if random.p(0.6) {
                    rule.zip3 = Some(random.u(1000));
                } else {
                    for _ in 0..=random.u(4) {
                        rule.states |= 1 << random.u(51);
                    }
                }
            } else {
                let q = random.f();
                rule.country = match q {
                    q if q < 0.5 => Some(0),
                    q if q < 0.9 => Some(1 + random.u(5)),
                    _ => None,
                };
            }
            if random.p(0.7) {
                let a = random.u(9);
                let b = a + 1 + random.u(9 - a as u64);
                rule.weight = Some((BANDS[a], BANDS[b]));
            }
            if random.p(0.25) {
                let a = random.u(6);
                let b = a + 1 + random.u(6 - a as u64);
                rule.value = Some((VALUES[a], VALUES[b]));
            }
            if random.p(0.4) {
                rule.days = Some([1, 2, 3, 5, 7][random.u(5)]);
            }
            if random.p(if is_specific { 0.15 } else { 0.5 }) {
                rule.tag = Some(random.u(16));
            }
            if random.p(if is_specific { 0.3 } else { 0.6 }) {
                rule.market = Some(random.u(6));
            }
            if random.p(0.2) {
                rule.residential = Some(random.p(0.5));
            }
        }
        for _ in 0..=random.u(8) {
            rule.allowed |= 1 << random.u(SERVICES as u64);
        }
        if number + 1 == count {
            rule.allowed = (1 << SERVICES) - 1;
        }
        all.push(rule);
    }
    let catch_all = all.pop().unwrap();
    all.sort_by_key(|rule| std::cmp::Reverse(rule.score()));
    all.push(catch_all);
    all
}

fn key(service: usize) -> ServiceKey {
    let code = ServiceCode::new(format!("S{service:02}")).unwrap();
    ServiceKey::new(CarrierId::from_static("carrier"), code)
}

fn domain_rule(number: usize, rule: &Rule) -> RouteRule {
    RouteRule {
        priority: number as i32,
        id: format!("r{number}"),
        condition: RouteCondition {
            countries: rule
                .country
                .and_then(|country| Country::new(COUNTRIES[country]))
                .into_iter()
                .collect(),
            states: (0..51)
                .filter(|state| rule.states & (1 << state) != 0)
                .map(|state| STATES[state].to_owned())
                .collect(),
            postcode_prefixes: rule.zip3.map(|zip3| format!("{zip3:03}")).into_iter().collect(),
            min_weight: rule.weight.map(|(least, _)| Grams::new(least)),
            max_weight: rule.weight.map(|(_, most)| Grams::new(most)),
            min_value: rule.value.map(|(least, _)| Decimal::new(least, 2)),
            max_value: rule.value.map(|(_, most)| Decimal::new(most, 2)),
            max_transit_days: rule.days,
            tags: rule.tag.map(|tag| TAGS[tag].to_owned()).into_iter().collect(),
            platforms: rule
                .market
                .map(|market| PlatformId::from_static(MARKETS[market]))
                .into_iter()
                .collect(),
            residential: rule.residential,
            ..RouteCondition::default()
        },
        action: RouteAction::Only(
            (0..SERVICES).filter(|service| rule.allowed & (1 << service) != 0).map(key).collect(),
        ),
        stop: true,
    }
}

/// Prices, days and largest weights by hand: `[zone][step][service]`.
struct Card {
    max_weight: [u32; SERVICES],
    prices: Vec<[u32; SERVICES]>,
    days: [[u8; SERVICES]; 9],
}

fn rate_card() -> Card {
    let mut random = SplitMix(99);
    let mut card = Card {
        max_weight: [0; SERVICES],
        prices: vec![[0; SERVICES]; 9 * 71],
        days: [[0; SERVICES]; 9],
    };
    for service in 0..SERVICES {
        let base = 300 + random.u(1200);
        let per_lb = 20 + random.u(130);
        let per_zone = 5 + random.u(60);
        let d0 = 1 + random.u(5);
        card.max_weight[service] = [9072, 22680, 31752, 68000][random.u(4)];
        for zone in 0..9 {
            card.days[zone][service] = (d0 + zone * if d0 > 2 { 2 } else { 1 } / 4) as u8;
            for lb in 0..=70 {
                let price = base + per_lb * lb + per_zone * zone + random.u(40);
                card.prices[zone * 71 + lb][service] = price as u32;
            }
        }
    }
    card
}

fn zone_of_zip3(zip3: usize) -> usize {
    (zip3 * 7 / 13) % 8
}

fn domain_cards(card: &Card) -> RateCards {
    let mut areas: Vec<ZoneArea> = (0..8)
        .map(|zone| ZoneArea {
            zone: zone.to_string(),
            country: Country::US,
            postcode_prefixes: (0..1000)
                .filter(|zip3| zone_of_zip3(*zip3) == zone)
                .map(|zip3| format!("{zip3:03}"))
                .collect(),
        })
        .collect();
    areas.sort_by(|a, b| a.zone.cmp(&b.zone));
    let chart = ZoneChart { areas, elsewhere: Some("8".into()) };
    let cards = (0..SERVICES).map(|service| RateCard {
        service: key(service),
        currency: Currency::USD,
        chart: "w1".into(),
        max_weight: None,
        steps: (0..=70).map(|lb| Grams::new(454 * lb)).collect(),
        zones: (0..9)
            .map(|zone| {
                let rates = ZoneRates {
                    transit_days: u32::from(card.days[zone][service]),
                    prices: (0..=70)
                        .map(|lb| Decimal::new(i64::from(card.prices[zone * 71 + lb][service]), 2))
                        .collect(),
                };
                (zone.to_string(), rates)
            })
            .collect(),
    });
    RateCards::new(BTreeMap::from([("w1".to_owned(), chart)]), cards.collect()).unwrap()
}

fn domain_services(card: &Card) -> Vec<CarrierService> {
    (0..SERVICES)
        .map(|service| CarrierService {
            key: key(service),
            name: format!("Service {service}"),
            enabled: true,
            speed: SpeedClass::Standard,
            min_transit_days: 1,
            max_transit_days: 9,
            cost_tier: CostTier::Medium,
            coverage: Coverage::default(),
            max_weight: Some(Grams::new(card.max_weight[service])),
            max_length_plus_girth: None,
            max_length: None,
            max_value: None,
            batteries: true,
            liquids: true,
            economy: false,
            capacity_left: None,
            priority: service as u32,
        })
        .collect()
}

/// Rule, and the service with its price and days.
type Answer = (u32, Option<(u32, u32, u32)>);

/// The limit: an index for exactly this workload.
struct Limit<'a> {
    records: Vec<Record>,
    zips: Vec<(u32, u32)>,
    states: [(u32, u32); 51],
    countries: [(u32, u32); 6],
    any: (u32, u32),
    allowed: Vec<u64>,
    card: &'a Card,
}

/// What a rule asks beyond its bucket: sixteen bytes of ranges, one word of sets.
#[derive(Debug, Clone, Copy)]
struct Record {
    number: u32,
    weight: (u8, u8),
    value: (u8, u8),
    days: u8,
    /// Market, home or business: bits allowed.
    bits: u8,
    tags: u16,
}

/// An order as the limit sees it.
#[derive(Debug, Clone, Copy)]
struct Seen {
    country: usize,
    zip3: usize,
    state: usize,
    grams: u32,
    weight: u8,
    value: u8,
    days: u8,
    bits: u8,
    tags: u16,
}

impl<'a> Limit<'a> {
    fn build(rules: &[Rule], card: &'a Card) -> Self {
        let mut zips = vec![Vec::new(); 1000];
        let mut states = vec![Vec::new(); 51];
        let mut countries = vec![Vec::new(); 6];
        let mut any = Vec::new();
        for (number, rule) in rules.iter().enumerate() {
            let band = |value: u32| BANDS.iter().filter(|band| **band <= value).count() as u8;
            let level = |value: i64| VALUES.iter().filter(|level| **level <= value).count() as u8;
            let record = Record {
                number: number as u32,
                weight: rule.weight.map_or((0, 255), |(a, b)| (band(a), band(b))),
                value: rule.value.map_or((0, 255), |(a, b)| (level(a), level(b))),
                days: rule.days.map_or(255, |days| days as u8),
                bits: rule.market.map_or(0x3F, |market| 1 << market)
                    | rule.residential.map_or(0xC0, |home| if home { 0x80 } else { 0x40 }),
                tags: rule.tag.map_or(0, |tag| 1 << tag),
            };
            if let Some(zip3) = rule.zip3 {
                zips[zip3].push(record);
            } else if rule.states != 0 {
                for (state, bucket) in states.iter_mut().enumerate() {
                    if rule.states & (1 << state) != 0 {
                        bucket.push(record);
                    }
                }
            } else if let Some(country) = rule.country {
                countries[country].push(record);
            } else {
                any.push(record);
            }
        }
        let mut records = Vec::new();
        let mut place = |bucket: Vec<Record>| {
            let from = records.len() as u32;
            records.extend(bucket);
            (from, records.len() as u32)
        };
        let zips: Vec<_> = zips.into_iter().map(&mut place).collect();
        let states: Vec<_> = states.into_iter().map(&mut place).collect();
        let countries: Vec<_> = countries.into_iter().map(&mut place).collect();
        let any = place(any);
        Self {
            records,
            zips,
            states: states.try_into().unwrap(),
            countries: countries.try_into().unwrap(),
            any,
            allowed: rules.iter().map(|rule| rule.allowed).collect(),
            card,
        }
    }

    #[inline]
    fn seen(&self, order: &Features) -> Seen {
        Seen {
            country: order.country,
            zip3: order.zip3,
            state: order.state,
            grams: order.grams,
            weight: BANDS.iter().map(|band| u8::from(*band <= order.grams)).sum(),
            value: VALUES.iter().map(|level| u8::from(*level <= order.cents)).sum(),
            days: order.days as u8,
            bits: (1 << order.market) | if order.residential { 0x80 } else { 0x40 },
            tags: order.tags,
        }
    }

    /// Texts to numbers, knowing all there are.
    #[inline]
    fn read(&self, parcel: &RouteInput<'_>) -> Features {
        let address = parcel.destination;
        let country = match address.country.unwrap().as_str().as_bytes() {
            b"US" => 0,
            b"CA" => 1,
            b"MX" => 2,
            b"BR" => 3,
            b"GB" => 4,
            _ => 5,
        };
        let (mut zip3, mut state) = (0, 0);
        if country == 0 {
            let code = address.postal_code.as_deref().unwrap().as_bytes();
            let digit = |at: usize| usize::from(code[at] - b'0');
            zip3 = digit(0) * 100 + digit(1) * 10 + digit(2);
            state = state_of(address.state.as_deref().unwrap());
        }
        let tags = parcel.tags.iter().fold(0, |tags, tag| tags | tag_of(tag));
        let amount = parcel.value.amount;
        let cents = amount.mantissa() as i64;
        Features {
            country,
            zip3,
            state,
            grams: parcel.weight.get(),
            cents: if amount.scale() == 2 { cents } else { unreachable!() },
            days: parcel.max_transit_days.unwrap(),
            tags,
            market: match parcel.platform.as_str().as_bytes()[0] {
                b'w' => 0,
                b'm' => 1,
                b't' => 2,
                b'a' => 3,
                b'e' => 4,
                _ => 5,
            },
            residential: address.residential.unwrap(),
        }
    }

    #[inline]
    fn rule(&self, seen: &Seen) -> u32 {
        let mut best = u32::MAX;
        let mut scan = |span: (u32, u32)| {
            for record in &self.records[span.0 as usize..span.1 as usize] {
                if record.number >= best {
                    return;
                }
                let fits = (record.weight.0 <= seen.weight)
                    & (seen.weight < record.weight.1)
                    & (record.value.0 <= seen.value)
                    & (seen.value < record.value.1)
                    & (seen.days <= record.days)
                    & (record.bits & seen.bits == seen.bits)
                    & ((record.tags == 0) | (record.tags & seen.tags != 0));
                if fits {
                    best = record.number;
                    return;
                }
            }
        };
        if seen.country == 0 {
            scan(self.zips[seen.zip3]);
            scan(self.states[seen.state]);
        }
        scan(self.countries[seen.country]);
        scan(self.any);
        best
    }

    #[inline]
    fn rate(&self, rule: u32, order: &Seen) -> Answer {
        let zone = if order.country == 0 { zone_of_zip3(order.zip3) } else { 8 };
        let step = order.grams.div_ceil(454).min(70) as usize;
        let prices = &self.card.prices[zone * 71 + step];
        let days = &self.card.days[zone];
        let mut best = u64::MAX;
        let mut allowed = self.allowed[rule as usize];
        while allowed != 0 {
            let service = allowed.trailing_zeros() as usize;
            allowed &= allowed - 1;
            if days[service] <= order.days && self.card.max_weight[service] >= order.grams {
                let rank = (u64::from(prices[service]) << 32)
                    | (u64::from(days[service]) << 16)
                    | service as u64;
                best = best.min(rank);
            }
        }
        let found = (best != u64::MAX).then_some((
            (best & 0xFFFF) as u32,
            (best >> 32) as u32,
            ((best >> 16) & 0xFFFF) as u32,
        ));
        (rule, found)
    }
}

fn state_of(text: &str) -> usize {
    const TABLE: [u8; 676] = {
        let mut table = [0; 676];
        let mut state = 0;
        while state < 51 {
            let code = STATES[state].as_bytes();
            table[(code[0] - b'A') as usize * 26 + (code[1] - b'A') as usize] = state as u8;
            state += 1;
        }
        table
    };
    let code = text.as_bytes();
    usize::from(TABLE[usize::from(code[0] - b'A') * 26 + usize::from(code[1] - b'A')])
}

/// The sixteen tags differ in their length and first letters.
fn tag_of(tag: &str) -> u16 {
    let bytes = tag.as_bytes();
    match (bytes.len(), bytes[0], bytes[1]) {
        (7, b'f', _) => 1,
        (6, b'h', _) => 1 << 1,
        (7, b'l', _) => 1 << 2,
        (8, b'o', _) => 1 << 3,
        (4, b'g', _) => 1 << 4,
        (3, b'v', _) => 1 << 5,
        (3, b'b', _) => 1 << 6,
        (4, b'c', _) => 1 << 7,
        (6, b'l', _) => 1 << 8,
        (5, b'm', _) => 1 << 9,
        (7, b'a', b'p') => 1 << 10,
        (9, b'f', _) => 1 << 11,
        (7, b'a', _) => 1 << 12,
        (9, b's', _) => 1 << 13,
        (7, b'i', _) => 1 << 14,
        (8, b'd', _) => 1 << 15,
        _ => 0,
    }
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_225_600, 0).unwrap()
}

/// Medians, least and most of decisions a second.
#[derive(Default)]
struct Rates(Vec<f64>);

impl Rates {
    fn add(&mut self, decisions: usize, begun: Instant) {
        self.0.push(decisions as f64 / begun.elapsed().as_secs_f64());
    }
    fn median(&mut self) -> f64 {
        self.0.sort_by(f64::total_cmp);
        self.0[self.0.len() / 2]
    }
    fn show(&mut self) -> String {
        let median = self.median() / 1e6;
        let (least, most) = (self.0[0] / 1e6, self.0[self.0.len() - 1] / 1e6);
        format!("{median:7.3} ({least:.3}-{most:.3})")
    }
}

struct World {
    features: Vec<Features>,
    parcels: Vec<Parcel>,
    calendar: WorkCalendar,
    card: Card,
    services: Vec<CarrierService>,
    cards: RateCards,
}

fn compile(world: &World, rules: Vec<RouteRule>) -> CompiledRoutes {
    let (aliases, policy) = (ServiceAliases::new(), RoutePolicy::default());
    CompiledRoutes::new(rules, &world.services, world.cards.clone(), aliases, policy).unwrap()
}

fn answer(compiled: &CompiledRoutes, input: &RouteInput<'_>) -> Answer {
    let routed = compiled.decide(input, &LiveFacts::default(), now());
    let number = routed.rule.unwrap().priority as u32;
    let service = routed.service.map(|service| {
        let cents = routed.price.unwrap().amount.mantissa() as u32;
        (service.priority, cents, routed.transit_days.unwrap())
    });
    (number, service)
}

/// All contestants agree on every order, and with the figures of the workload's definition.
fn check(
    world: &World,
    count: usize,
    rules: &[Rule],
    compiled: &CompiledRoutes,
    limit: &Limit<'_>,
) {
    let mut indices = Vec::new();
    for (order, parcel) in world.features.iter().zip(&world.parcels) {
        let input = parcel.input(&world.calendar);
        let scanned = rules.iter().position(|rule| rule.holds(order)).unwrap();
        let seen = limit.seen(order);
        let expected = limit.rate(limit.rule(&seen), &seen);
        assert_eq!(expected.0 as usize, scanned);
        assert_eq!(limit.rate(scanned as u32, &limit.seen(&limit.read(&input))), expected);
        assert_eq!(answer(compiled, &input), expected);
        indices.push(scanned);
    }
    for parcel in world.parcels.iter().step_by(if count > 1_000 { 500 } else { 50 }) {
        let input = parcel.input(&world.calendar);
        let facts = RouteFacts {
            rules: compiled.rules(),
            cards: Some(&world.cards),
            ..RouteFacts::new(&world.services)
        };
        let plain = route(&input, &facts, &RoutePolicy::default(), now());
        assert_eq!(compiled.explain(&input, &LiveFacts::default(), now()), plain);
        let routed = compiled.decide(&input, &LiveFacts::default(), now());
        assert_eq!(plain.ranked.first().map(|(key, _)| key), routed.service.map(|s| &s.key));
    }
    let mean = indices.iter().sum::<usize>() as f64 / indices.len() as f64;
    let fallen = indices.iter().filter(|index| **index == count - 1).count() as f64;
    let share = fallen / indices.len() as f64;
    indices.sort_unstable();
    let median = indices[indices.len() / 2];
    let expected = match count {
        10 => (8.8, 9, 0.920),
        100 => (95.6, 99, 0.682),
        1_000 => (719.3, 791, 0.0),
        _ => (4338.3, 3827, 0.0),
    };
    assert!(
        (mean - expected.0).abs() < 0.06
            && median == expected.1
            && (share - expected.2).abs() < 0.0006,
        "{count} rules: mean {mean}, median {median}, catch-all {share}"
    );
}

fn main() {
    let quick = std::env::args().any(|word| word == "--quick");
    let rounds = if quick { 3 } else { 7 };
    let (features, parcels) = orders();
    let card = rate_card();
    let (services, cards) = (domain_services(&card), domain_cards(&card));
    let calendar = WorkCalendar::every_day(chrono_tz::UTC);
    let world = World { features, parcels, calendar, card, services, cards };
    let (live, at) = (LiveFacts::default(), now());
    println!("million decisions/s, medians (least-most) of {rounds} rounds over {ORDERS} orders");
    println!("rules  variant  compiled                limit                   ratio   linear scan");
    for count in [10, 100, 1_000, 10_000] {
        let rules = rules(count);
        let domain: Vec<RouteRule> =
            rules.iter().enumerate().map(|(number, rule)| domain_rule(number, rule)).collect();
        let text = serde_json::to_string(&domain).unwrap();
        let compiled = compile(&world, domain);
        let limit = Limit::build(&rules, &world.card);
        check(&world, count, &rules, &compiled, &limit);

        let inputs: Vec<RouteInput<'_>> =
            world.parcels.iter().map(|parcel| parcel.input(&world.calendar)).collect();
        let looked_up: Vec<_> = inputs.iter().map(|input| compiled.features(input)).collect();
        let repeat = if quick { 5 } else { 20 };
        let scan_of = if count > 1_000 { 1_000 } else { ORDERS };
        let mut a = (Rates::default(), Rates::default(), Rates::default());
        let mut b = (Rates::default(), Rates::default());
        let mut c = (Rates::default(), Rates::default(), Rates::default());
        let (mut d, mut build, mut reading) = (Rates::default(), Vec::new(), Vec::new());
        for _ in 0..rounds {
            let begun = Instant::now();
            for _ in 0..repeat {
                for parcel in &looked_up {
                    black_box(compiled.deciding_rule(black_box(parcel)));
                }
            }
            a.0.add(ORDERS * repeat, begun);
            let begun = Instant::now();
            for _ in 0..repeat {
                for order in &world.features {
                    black_box(limit.rule(&limit.seen(black_box(order))));
                }
            }
            a.1.add(ORDERS * repeat, begun);
            let begun = Instant::now();
            for order in &world.features[..scan_of] {
                let order = black_box(order);
                black_box(rules.iter().position(|rule| rule.holds(order)));
            }
            a.2.add(scan_of, begun);

            let begun = Instant::now();
            for _ in 0..repeat {
                for parcel in &looked_up {
                    black_box(compiled.decide_features(black_box(parcel), &live, at));
                }
            }
            b.0.add(ORDERS * repeat, begun);
            let begun = Instant::now();
            for _ in 0..repeat {
                for order in &world.features {
                    let seen = limit.seen(black_box(order));
                    black_box(limit.rate(limit.rule(&seen), &seen));
                }
            }
            b.1.add(ORDERS * repeat, begun);

            let begun = Instant::now();
            for _ in 0..repeat {
                for input in &inputs {
                    black_box(compiled.decide(black_box(input), &live, at));
                }
            }
            c.0.add(ORDERS * repeat, begun);
            let begun = Instant::now();
            for _ in 0..repeat {
                for input in &inputs {
                    let seen = limit.seen(&limit.read(black_box(input)));
                    black_box(limit.rate(limit.rule(&seen), &seen));
                }
            }
            c.1.add(ORDERS * repeat, begun);
            let begun = Instant::now();
            for input in &inputs[..scan_of] {
                let order = limit.read(black_box(input));
                let rule = rules.iter().position(|rule| rule.holds(&order)).unwrap();
                black_box(limit.rate(rule as u32, &limit.seen(&order)));
            }
            c.2.add(scan_of, begun);

            let begun = Instant::now();
            for input in inputs.iter().take(1_000) {
                black_box(compiled.explain(black_box(input), &live, at));
            }
            d.add(1_000, begun);

            let begun = Instant::now();
            let read: Vec<RouteRule> = serde_json::from_str(black_box(&text)).unwrap();
            reading.push(begun.elapsed().as_secs_f64() * 1e3);
            let made = black_box(compile(&world, read));
            build.push(begun.elapsed().as_secs_f64() * 1e3);
            drop(made);
        }
        let row = |variant: &str, own: &mut Rates, limit: &mut Rates, scan: Option<&mut Rates>| {
            let ratio = own.median() / limit.median();
            let scan = scan.map_or_else(String::new, Rates::show);
            println!(
                "{count:>6} {variant}  {:<22}  {:<22}  {ratio:5.2}  {scan}",
                own.show(),
                limit.show()
            );
        };
        row("a rule  ", &mut a.0, &mut a.1, Some(&mut a.2));
        row("b +rate ", &mut b.0, &mut b.1, None);
        row("c domain", &mut c.0, &mut c.1, Some(&mut c.2));
        println!("{count:>6} d explain {}", d.show());
        build.sort_by(f64::total_cmp);
        reading.sort_by(f64::total_cmp);
        println!(
            "{count:>6} e JSON to compiled: {:.2} ms ({:.2}-{:.2}), reading alone {:.2} ms, {} bytes",
            build[build.len() / 2],
            build[0],
            build[build.len() - 1],
            reading[reading.len() / 2],
            text.len()
        );
    }
}
