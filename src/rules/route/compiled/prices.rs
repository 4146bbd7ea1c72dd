//! Rate cards as tables: one look-up gives price and days of a service.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::super::{RateCard, RateCards, ServiceAliases, ZoneChart};
use super::text::{Ladder, NONE, PrefixTable, fits_start};
use super::vocabulary::{Countries, RouteFeatures, scaled};
use crate::money::{Currency, Money};
use crate::shipment::{CarrierService, ServiceKey};
use crate::units::Grams;

/// Price in the highest 32 bits, days in the lowest 16: comparing cells compares prices, then days.
pub(super) const NO_PRICE: u64 = u64::MAX;

/// Decimals that prices may have.
const MOST_DECIMALS: u32 = 6;

pub(super) const fn cell_price(cell: u64) -> i64 {
    (cell >> 32).cast_signed()
}

pub(super) const fn cell_days(cell: u64) -> u32 {
    (cell & 0xFFFF) as u32
}

/// All rate cards in one currency.
#[derive(Debug, Clone)]
pub(super) struct PriceBook {
    pub(super) currency: Currency,
    pub(super) scale: u32,
    charts: Vec<Chart>,
    /// When there is only one, its members are the services by their numbers.
    groups: Vec<Group>,
}

/// Cards with the same zone chart and the same weight steps.
#[derive(Debug, Clone)]
struct Group {
    chart: usize,
    steps: Ladder,
    /// Each with the heaviest parcel it prices.
    members: Vec<Grams>,
    /// `[zone][step][member]`, [`NONE`] where there is no price.
    prices: Vec<u32>,
    /// `[zone][member]`
    days: Vec<u16>,
}

/// Where the card of a service is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    group: u32,
    member: u32,
}

impl Place {
    pub(super) const NOWHERE: Self = Self { group: NONE, member: NONE };
}

/// The rows of a group that a parcel reads, kept while its services are looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    group: u32,
    pub(super) prices: &'a [u32],
    pub(super) days: &'a [u16],
}

impl Row<'_> {
    pub(super) const NONE: Self = Self::empty(NONE);

    const fn empty(group: u32) -> Self {
        Self { group, prices: &[], days: &[] }
    }

    #[inline]
    fn cell(&self, member: usize) -> u64 {
        match (self.prices.get(member), self.days.get(member)) {
            (Some(price), Some(days)) if *price != NONE => {
                (u64::from(*price) << 32) | u64::from(*days)
            }
            _ => NO_PRICE,
        }
    }
}

impl PriceBook {
    /// The tables, and the place of every service. `None` when the prices do not fit them: several
    /// currencies, two cards for a service, amounts beyond 32 bits, days beyond 16, beginnings of
    /// postcodes that are longer than a parcel keeps.
    pub(super) fn build(
        cards: &RateCards,
        services: &[CarrierService],
        aliases: &ServiceAliases,
        scale: u32,
        countries: &mut Countries,
    ) -> Option<(Self, BTreeMap<ServiceKey, Place>)> {
        // Cards of services that are not in the catalogue offer nothing.
        let offers: Vec<(&RateCard, &ServiceKey)> = cards
            .cards()
            .iter()
            .map(|card| (card, aliases.resolve(&card.service)))
            .filter(|(_, key)| services.binary_search_by(|service| service.key.cmp(key)).is_ok())
            .collect();
        let currency = offers.first()?.0.currency;
        let areas = cards.charts().values().flat_map(|chart| &chart.areas);
        if !areas.flat_map(|area| &area.postcode_prefixes).all(|prefix| fits_start(prefix)) {
            return None;
        }
        let names: Vec<&String> = cards.charts().keys().collect();
        let charts: Vec<Chart> =
            cards.charts().values().map(|chart| Chart::build(chart, countries)).collect();
        let mut groups: Vec<(Group, Vec<Option<&RateCard>>)> = Vec::new();
        let mut places = BTreeMap::new();
        for (card, key) in offers {
            if card.currency != currency {
                return None;
            }
            let chart = names.iter().position(|name| **name == card.chart)?;
            let steps = Ladder::new(card.steps.iter().map(|step| step.get()).collect());
            let known =
                groups.iter().position(|(group, _)| group.chart == chart && group.steps == steps);
            let at = known.unwrap_or_else(|| {
                let (members, prices, days) = (Vec::new(), Vec::new(), Vec::new());
                groups.push((Group { chart, steps, members, prices, days }, Vec::new()));
                groups.len() - 1
            });
            let (_, members) = groups.get_mut(at)?;
            let place = Place {
                group: u32::try_from(at).ok()?,
                member: u32::try_from(members.len()).ok()?,
            };
            members.push(Some(card));
            if places.insert(key.clone(), place).is_some() {
                return None;
            }
        }
        if let [(_, members)] = groups.as_mut_slice() {
            *members = by_number(members, services, &mut places);
        }
        for (group, members) in &mut groups {
            let chart = charts.get(group.chart)?;
            let most = |card: &Option<&RateCard>| card.and_then(|card| card.max_weight);
            group.members =
                members.iter().map(|card| most(card).unwrap_or(Grams::new(u32::MAX))).collect();
            for zone in &chart.zones {
                for card in members.iter() {
                    let rates = card.and_then(|card| card.zones.get(zone));
                    let days = rates.map_or(0, |rates| rates.transit_days);
                    group.days.push(u16::try_from(days).ok()?);
                }
                for step in 0..group.steps.len() {
                    for card in members.iter() {
                        let rates = card.and_then(|card| card.zones.get(zone));
                        let price = rates.and_then(|rates| rates.prices.get(step));
                        group.prices.push(match price {
                            None => NONE,
                            Some(price) => units_of(*price, scale)?,
                        });
                    }
                }
            }
        }
        let groups = groups.into_iter().map(|(group, _)| group).collect();
        Some((Self { currency, scale, charts, groups }, places))
    }

    /// Decimals that all prices need; `None` when they are too many.
    pub(super) fn decimals(cards: &RateCards) -> Option<u32> {
        let prices = cards.cards().iter().flat_map(|card| card.zones.values());
        let scales = prices.flat_map(|rates| &rates.prices).map(|price| price.normalize().scale());
        let most = scales.fold(2, u32::max);
        (most <= MOST_DECIMALS).then_some(most)
    }

    /// The zone in the first chart, or [`NONE`]: most books have one chart.
    #[inline]
    pub(super) fn first_zone(&self, parcel: &RouteFeatures<'_>) -> u32 {
        self.charts.first().map_or(NONE, |chart| chart.zone_of(parcel))
    }

    fn row(&self, group: u32, parcel: &RouteFeatures<'_>) -> Option<Row<'_>> {
        let table = self.groups.get(group as usize)?;
        let zone = match table.chart {
            0 => parcel.zone,
            chart => self.charts.get(chart)?.zone_of(parcel),
        };
        if zone == NONE {
            return None;
        }
        let step = table.steps.below(parcel.input.weight.get());
        if step >= table.steps.len() {
            return None;
        }
        let width = table.members.len();
        let from = (zone as usize * table.steps.len() + step) * width;
        let prices = table.prices.get(from..from + width)?;
        let from = zone as usize * width;
        table.days.get(from..from + width).map(|days| Row { group, prices, days })
    }

    /// The row of the only group: prices and days of services by their numbers. `None` when there
    /// are several groups, or the parcel has no prices.
    #[inline]
    pub(super) fn only_row(&self, parcel: &RouteFeatures<'_>) -> Option<Row<'_>> {
        if self.groups.len() == 1 { self.row(0, parcel) } else { None }
    }

    /// Price and days of a service, as a cell. `row` remembers what the last one read.
    #[inline]
    pub(super) fn cell<'a>(
        &'a self,
        place: Place,
        row: &mut Row<'a>,
        parcel: &RouteFeatures<'_>,
    ) -> u64 {
        if place.group == NONE {
            return NO_PRICE;
        }
        if row.group != place.group {
            *row = self.row(place.group, parcel).unwrap_or(Row::empty(place.group));
        }
        row.cell(place.member as usize)
    }

    /// The heaviest parcel that a card prices.
    pub(super) fn max_weight(&self, place: Place) -> Grams {
        self.groups
            .get(place.group as usize)
            .and_then(|group| group.members.get(place.member as usize))
            .copied()
            .unwrap_or(Grams::new(u32::MAX))
    }

    pub(super) fn money(&self, cell: u64) -> Money {
        Money::new(Decimal::new(cell_price(cell), self.scale), self.currency)
    }
}

/// The cards of a group by the numbers of their services.
fn by_number<'a>(
    cards: &[Option<&'a RateCard>],
    services: &[CarrierService],
    places: &mut BTreeMap<ServiceKey, Place>,
) -> Vec<Option<&'a RateCard>> {
    let mut ordered: Vec<Option<&RateCard>> = vec![None; services.len()];
    for (key, place) in places {
        let card = cards.get(place.member as usize).copied().flatten();
        let number = services.binary_search_by(|service| service.key.cmp(key));
        if let Ok(number) = number
            && let Some(slot) = ordered.get_mut(number)
        {
            *slot = card;
            place.member = u32::try_from(number).unwrap_or(NONE);
        }
    }
    ordered
}

/// A price in units of the common scale; `None` when it does not fit.
fn units_of(price: Decimal, scale: u32) -> Option<u32> {
    u32::try_from(scaled(price, scale)?).ok().filter(|price| *price != NONE)
}

/// A zone chart with its texts numbered.
#[derive(Debug, Clone)]
struct Chart {
    zones: Vec<String>,
    /// The part of every country, by its number.
    part_of: Vec<u32>,
    parts: Vec<CountryZones>,
    elsewhere: u32,
}

#[derive(Debug, Clone)]
struct CountryZones {
    prefixes: PrefixTable,
    /// The zone of every prefix, by its number.
    zones: Vec<u32>,
    whole: u32,
}

impl Chart {
    fn build(chart: &ZoneChart, countries: &mut Countries) -> Self {
        let mut zones: Vec<String> = chart.areas.iter().map(|area| area.zone.clone()).collect();
        zones.extend(chart.elsewhere.clone());
        zones.sort_unstable();
        zones.dedup();
        let number = |zone: &str| {
            let place = zones.binary_search_by(|known| known.as_str().cmp(zone));
            place.map_or(NONE, |place| u32::try_from(place).unwrap_or(NONE))
        };
        let elsewhere = chart.elsewhere.as_deref().map_or(NONE, number);
        let mut part_of: Vec<u32> = Vec::new();
        let mut parts: Vec<CountryZones> = Vec::new();
        for area in &chart.areas {
            let country = countries.insert(area.country) as usize;
            if part_of.len() <= country {
                part_of.resize(country + 1, NONE);
            }
            let Some(id) = part_of.get_mut(country) else { continue };
            if *id == NONE {
                *id = u32::try_from(parts.len()).unwrap_or(NONE);
                let (prefixes, zones) = (PrefixTable::default(), Vec::new());
                parts.push(CountryZones { prefixes, zones, whole: NONE });
            }
            let id = *id as usize;
            let Some(part) = parts.get_mut(id) else { continue };
            if area.postcode_prefixes.is_empty() {
                part.whole = number(&area.zone);
            }
            for prefix in &area.postcode_prefixes {
                let place = part.prefixes.insert(prefix) as usize;
                if place == part.zones.len() {
                    part.zones.push(number(&area.zone));
                }
            }
        }
        Self { zones, part_of, parts, elsewhere }
    }

    /// The zone of a parcel, or [`NONE`].
    #[inline]
    fn zone_of(&self, parcel: &RouteFeatures<'_>) -> u32 {
        let part = self.part_of.get(parcel.country as usize);
        let Some(part) = part.and_then(|part| self.parts.get(*part as usize)) else {
            return self.elsewhere;
        };
        let longest = parcel.code.as_ref().map_or(NONE, |code| part.prefixes.longest(code));
        match part.zones.get(longest as usize).copied().unwrap_or(part.whole) {
            NONE => self.elsewhere,
            zone => zone,
        }
    }
}
