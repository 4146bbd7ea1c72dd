//! Contract prices as data: what a service costs by zone and weight, and how long it takes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::address::text::{begins_with, folded};
use crate::address::{Address, Country};
use crate::money::{Currency, Money};
use crate::shipment::{RateQuote, ServiceKey};
use crate::units::Grams;

/// Which places are in which zone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZoneChart {
    /// Places and their zones. In a country the longest postcode prefix that fits decides.
    pub areas: Vec<ZoneArea>,
    /// The zone of everywhere else; `None` is not priced.
    #[serde(default)]
    pub elsewhere: Option<String>,
}

/// A part of a country in a zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZoneArea {
    /// The zone's name.
    pub zone: String,
    /// The country.
    pub country: Country,
    /// Beginnings of postcodes, of any length; empty is the whole country. Large letters and blanks
    /// decide nothing.
    #[serde(default)]
    pub postcode_prefixes: Vec<String>,
}

impl ZoneChart {
    /// The zone of an address: the longest postcode prefix that fits, else the country's, else the
    /// one of everywhere else.
    #[must_use]
    pub fn zone_of(&self, address: &Address) -> Option<&str> {
        let code = address.postal_code.as_deref();
        let mut best: Option<(usize, &str)> = None;
        for area in self.areas.iter().filter(|area| Some(area.country) == address.country) {
            let fits = if area.postcode_prefixes.is_empty() {
                Some(0)
            } else {
                area.postcode_prefixes
                    .iter()
                    .filter(|prefix| code.is_some_and(|code| begins_with(code, prefix)))
                    .map(|prefix| folded(prefix).map(char::len_utf8).sum::<usize>() + 1)
                    .max()
            };
            if let Some(length) = fits
                && best.is_none_or(|(known, _)| length > known)
            {
                best = Some((length, &area.zone));
            }
        }
        best.map(|(_, zone)| zone).or(self.elsewhere.as_deref())
    }
}

/// Prices of one service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateCard {
    /// Which service.
    pub service: ServiceKey,
    /// The currency of all prices.
    pub currency: Currency,
    /// The name of its zone chart.
    pub chart: String,
    /// The heaviest parcel it prices; `None` is the last step.
    #[serde(default)]
    pub max_weight: Option<Grams>,
    /// Upper ends of the weight steps, included, ascending. Above the last there is no price.
    pub steps: Vec<Grams>,
    /// Prices by zone. A zone that is not listed is not priced.
    pub zones: BTreeMap<String, ZoneRates>,
}

/// Prices in a zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZoneRates {
    /// Longest days on the way.
    pub transit_days: u32,
    /// One price per weight step, all surcharges included.
    #[serde(with = "decimal_texts")]
    pub prices: Vec<Decimal>,
}

impl RateCard {
    /// Price and longest transit days of a weight in a zone; `None` where it has no price.
    #[must_use]
    pub fn price(&self, zone: &str, weight: Grams) -> Option<(Money, u32)> {
        if self.max_weight.is_some_and(|most| weight > most) {
            return None;
        }
        let step = self.steps.partition_point(|end| *end < weight);
        let rates = self.zones.get(zone)?;
        let amount = rates.prices.get(step)?;
        Some((Money::new(*amount, self.currency), rates.transit_days))
    }
}

/// Zone charts and rate cards that fit together. Read from data, checked while reading.
///
/// ```
/// use orderflow::rules::RateCards;
/// use orderflow::{Address, Country, Grams};
///
/// let cards: RateCards = serde_json::from_str(
///     r#"{
///         "charts": {
///             "from-denver": {
///                 "areas": [
///                     { "zone": "2", "country": "US", "postcode_prefixes": ["80", "81"] },
///                     { "zone": "5", "country": "US" }
///                 ]
///             }
///         },
///         "cards": [{
///             "service": { "carrier": "post", "service": "GROUND" },
///             "currency": "USD",
///             "chart": "from-denver",
///             "steps": [454, 908],
///             "zones": {
///                 "2": { "transit_days": 2, "prices": ["4.10", "4.90"] },
///                 "5": { "transit_days": 4, "prices": ["5.30", "6.75"] }
///             }
///         }]
///     }"#,
/// )?;
/// let denver = Address {
///     postal_code: Some("80202".into()),
///     country: Country::new("US"),
///     ..Address::default()
/// };
/// let card = &cards.cards()[0];
/// let (price, days) = cards.price(card, &denver, Grams::new(455)).unwrap();
/// assert_eq!((price.to_string().as_str(), days), ("4.90 USD", 2));
/// assert_eq!(cards.price(card, &denver, Grams::new(909)), None);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RateCardsAsRead")]
pub struct RateCards {
    charts: BTreeMap<String, ZoneChart>,
    cards: Vec<RateCard>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RateCardsAsRead {
    #[serde(default)]
    charts: BTreeMap<String, ZoneChart>,
    cards: Vec<RateCard>,
}

impl TryFrom<RateCardsAsRead> for RateCards {
    type Error = RateCardError;

    fn try_from(read: RateCardsAsRead) -> Result<Self, RateCardError> {
        Self::new(read.charts, read.cards)
    }
}

impl RateCards {
    /// Puts charts and cards together. Cards are kept sorted by service.
    ///
    /// # Errors
    /// [`RateCardError`] names the card or chart and the field: two cards for a service, a chart or
    /// zone that does not exist, steps that do not ascend, not one price per step, negative prices,
    /// a maximum weight that no step reaches, one place in two zones.
    pub fn new(
        charts: BTreeMap<String, ZoneChart>,
        mut cards: Vec<RateCard>,
    ) -> Result<Self, RateCardError> {
        for (name, chart) in &charts {
            check_chart(name, chart)?;
        }
        cards.sort_by(|a, b| a.service.cmp(&b.service));
        let mut seen: Option<&ServiceKey> = None;
        for card in &cards {
            if seen == Some(&card.service) {
                return Err(card_error(card, "service", RateCardFault::Duplicate));
            }
            seen = Some(&card.service);
            let chart = charts
                .get(&card.chart)
                .ok_or_else(|| card_error(card, "chart", RateCardFault::Unknown))?;
            check_card(card, chart)?;
        }
        Ok(Self { charts, cards })
    }

    /// The cards, sorted by service.
    #[must_use]
    pub fn cards(&self) -> &[RateCard] {
        &self.cards
    }

    /// The zone charts by name.
    #[must_use]
    pub const fn charts(&self) -> &BTreeMap<String, ZoneChart> {
        &self.charts
    }

    /// Price and longest transit days of a parcel by one of the cards.
    #[must_use]
    pub fn price(&self, card: &RateCard, to: &Address, weight: Grams) -> Option<(Money, u32)> {
        card.price(self.charts.get(&card.chart)?.zone_of(to)?, weight)
    }

    /// What every card offers for a parcel, as quotes of this instant.
    #[must_use]
    pub fn quotes(&self, to: &Address, weight: Grams, now: DateTime<Utc>) -> Vec<RateQuote> {
        let zones: BTreeMap<&str, Option<&str>> =
            self.charts.iter().map(|(name, chart)| (name.as_str(), chart.zone_of(to))).collect();
        let offer = |card: &RateCard| {
            let zone = zones.get(card.chart.as_str()).copied().flatten()?;
            let (total, days) = card.price(zone, weight)?;
            Some(RateQuote {
                service: card.service.clone(),
                name: card.service.service.to_string(),
                total,
                deliver_on: None,
                transit_days: Some(days),
                guaranteed: false,
                token: None,
                quoted_at: now,
            })
        };
        self.cards.iter().filter_map(offer).collect()
    }
}

/// What is wrong with a rate card or zone chart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{subject}: {field} {fault}")]
pub struct RateCardError {
    /// Which card or chart.
    pub subject: String,
    /// Which field of it.
    pub field: String,
    /// What is wrong.
    pub fault: RateCardFault,
}

/// What can be wrong with a field of a rate card.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RateCardFault {
    /// Nothing is listed.
    Empty,
    /// It exists twice.
    Duplicate,
    /// It names something that does not exist.
    Unknown,
    /// The values do not ascend.
    NotAscending,
    /// There is not one price for each step.
    WrongCount {
        /// Steps.
        steps: usize,
        /// Prices.
        prices: usize,
    },
    /// A price is below zero.
    Negative,
    /// The last step ends below the maximum weight: the heaviest parcels would have no price.
    AboveLastStep,
}

impl fmt::Display for RateCardFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("is empty"),
            Self::Duplicate => f.write_str("is there twice"),
            Self::Unknown => f.write_str("names something that does not exist"),
            Self::NotAscending => f.write_str("does not ascend"),
            Self::WrongCount { steps, prices } => {
                write!(f, "has {prices} prices for {steps} weight steps")
            }
            Self::Negative => f.write_str("contains a price below zero"),
            Self::AboveLastStep => f.write_str("is above the last weight step"),
        }
    }
}

fn card_error(card: &RateCard, field: impl Into<String>, fault: RateCardFault) -> RateCardError {
    RateCardError { subject: format!("rate card {}", card.service), field: field.into(), fault }
}

fn check_chart(name: &str, chart: &ZoneChart) -> Result<(), RateCardError> {
    let error = |field: String, fault| {
        Err(RateCardError { subject: format!("zone chart {name}"), field, fault })
    };
    let mut seen: BTreeMap<(Country, String), &str> = BTreeMap::new();
    let mut whole: BTreeMap<Country, &str> = BTreeMap::new();
    for (index, area) in chart.areas.iter().enumerate() {
        let prefixes = &area.postcode_prefixes;
        let twice = if prefixes.is_empty() {
            whole.insert(area.country, &area.zone).is_some_and(|zone| zone != area.zone)
        } else {
            prefixes.iter().any(|prefix| {
                seen.insert((area.country, folded(prefix).collect()), &area.zone)
                    .is_some_and(|zone| zone != area.zone)
            })
        };
        if twice {
            return error(format!("areas[{index}]"), RateCardFault::Duplicate);
        }
    }
    Ok(())
}

fn check_card(card: &RateCard, chart: &ZoneChart) -> Result<(), RateCardError> {
    let Some(last) = card.steps.last() else {
        return Err(card_error(card, "steps", RateCardFault::Empty));
    };
    if !card.steps.is_sorted_by(|a, b| a < b) {
        return Err(card_error(card, "steps", RateCardFault::NotAscending));
    }
    if card.max_weight.is_some_and(|most| most > *last) {
        return Err(card_error(card, "max_weight", RateCardFault::AboveLastStep));
    }
    if card.zones.is_empty() {
        return Err(card_error(card, "zones", RateCardFault::Empty));
    }
    let known: BTreeSet<&str> = chart
        .areas
        .iter()
        .map(|area| area.zone.as_str())
        .chain(chart.elsewhere.as_deref())
        .collect();
    for (zone, rates) in &card.zones {
        if !known.contains(zone.as_str()) {
            return Err(card_error(card, format!("zones.{zone}"), RateCardFault::Unknown));
        }
        let (steps, prices) = (card.steps.len(), rates.prices.len());
        let field = format!("zones.{zone}.prices");
        if steps != prices {
            return Err(card_error(card, field, RateCardFault::WrongCount { steps, prices }));
        }
        if rates.prices.iter().any(|price| price.is_sign_negative() && !price.is_zero()) {
            return Err(card_error(card, field, RateCardFault::Negative));
        }
    }
    Ok(())
}

/// Prices as texts: numbers of JSON are floating point to many readers.
mod decimal_texts {
    use rust_decimal::Decimal;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        prices: &[Decimal],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(prices.iter().map(ToString::to_string))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Decimal>, D::Error> {
        let texts = Vec::<std::borrow::Cow<'_, str>>::deserialize(deserializer)?;
        texts
            .iter()
            .map(|text| {
                text.parse().map_err(|_| {
                    serde::de::Error::custom(format!("prices: {text:?} is not an amount"))
                })
            })
            .collect()
    }
}
