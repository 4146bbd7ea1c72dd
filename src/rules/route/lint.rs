//! Finds rules that cannot mean what they say.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use chrono::DateTime;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::compiled::{CompiledRoutes, LiveFacts};
use super::condition::in_order;
use super::{
    RateCards, RouteAction, RouteCondition, RouteInput, RoutePolicy, RouteRule, ServiceAliases,
};
use crate::address::text::{begins_with, is_same};
use crate::address::{Address, Country, WrittenState};
use crate::calendar::WorkCalendar;
use crate::ids::{PlatformId, ShopId, Sku, WarehouseId};
use crate::money::{Currency, Money};
use crate::order::{LogisticsMode, SpeedClass};
use crate::shipment::{CarrierService, ServiceKey};
use crate::units::Grams;

/// Something wrong with a set of rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RouteFinding {
    /// It never runs: wherever it holds, an earlier rule ends the run.
    Unreachable {
        /// Which.
        rule: String,
        /// The earlier one.
        by: String,
    },
    /// It never holds: no value fits the field.
    NeverHolds {
        /// Which.
        rule: String,
        /// The field of its condition.
        field: String,
    },
    /// Where it holds, it and the earlier rules that hold there leave no service.
    NothingLeft {
        /// Which.
        rule: String,
    },
    /// It names a service that is not in the catalogue.
    UnknownService {
        /// Which.
        rule: String,
        /// The service.
        service: ServiceKey,
    },
    /// It forces a service that is switched off.
    ForcesDisabled {
        /// Which.
        rule: String,
        /// The service.
        service: ServiceKey,
    },
    /// Two rules have one id: reasons that name it are ambiguous.
    DuplicateId {
        /// The id.
        rule: String,
    },
    /// It says the same as another one.
    DuplicateRule {
        /// Which.
        rule: String,
        /// The earlier one.
        of: String,
    },
    /// A service is in the catalogue twice.
    DuplicateService {
        /// Which.
        service: ServiceKey,
    },
    /// A parcel that no service takes, though some service goes to its country.
    Uncovered {
        /// The rule whose parcels it is an example of; `None` is a plain parcel.
        rule: Option<String>,
        /// The example.
        example: Box<RouteExample>,
    },
}

impl RouteFinding {
    /// The rule it is about.
    #[must_use]
    pub fn rule(&self) -> Option<&str> {
        match self {
            Self::Unreachable { rule, .. }
            | Self::NeverHolds { rule, .. }
            | Self::NothingLeft { rule }
            | Self::UnknownService { rule, .. }
            | Self::ForcesDisabled { rule, .. }
            | Self::DuplicateId { rule }
            | Self::DuplicateRule { rule, .. } => Some(rule),
            Self::DuplicateService { .. } => None,
            Self::Uncovered { rule, .. } => rule.as_deref(),
        }
    }

    /// The field it is about: of the rule, or of the service.
    #[must_use]
    pub fn field(&self) -> &str {
        match self {
            Self::Unreachable { .. } | Self::Uncovered { .. } => "when",
            Self::NeverHolds { field, .. } => field,
            Self::NothingLeft { .. }
            | Self::UnknownService { .. }
            | Self::ForcesDisabled { .. } => "then",
            Self::DuplicateId { .. } | Self::DuplicateRule { .. } => "id",
            Self::DuplicateService { .. } => "key",
        }
    }
}

impl fmt::Display for RouteFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { rule, by } => {
                write!(f, "rule {rule} never runs: rule {by} ends the run wherever it holds")
            }
            Self::NeverHolds { rule, field } => {
                write!(f, "rule {rule} never holds: nothing fits when.{field}")
            }
            Self::NothingLeft { rule } => {
                write!(f, "rule {rule} leaves no service where it holds")
            }
            Self::UnknownService { rule, service } => {
                write!(f, "rule {rule} names {service}, which is not in the catalogue")
            }
            Self::ForcesDisabled { rule, service } => {
                write!(f, "rule {rule} forces {service}, which is switched off")
            }
            Self::DuplicateId { rule } => write!(f, "there is more than one rule {rule}"),
            Self::DuplicateRule { rule, of } => write!(f, "rule {rule} says the same as {of}"),
            Self::DuplicateService { service } => {
                write!(f, "{service} is in the catalogue twice")
            }
            Self::Uncovered { rule: Some(rule), example } => {
                write!(f, "no service takes a parcel of rule {rule}: {example}")
            }
            Self::Uncovered { rule: None, example } => {
                write!(f, "no service takes a parcel: {example}")
            }
        }
    }
}

/// A parcel as an example.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RouteExample {
    /// Platform.
    pub platform: PlatformId,
    /// Shop.
    pub shop: ShopId,
    /// Who issues the label.
    pub logistics: LogisticsMode,
    /// Country, state, postcode and kind of the address.
    pub destination: Address,
    /// Warehouse.
    pub warehouse: Option<WarehouseId>,
    /// Weight.
    pub weight: Grams,
    /// Value.
    pub value: Money,
    /// Tags.
    pub tags: BTreeSet<String>,
    /// SKUs.
    pub skus: BTreeSet<Sku>,
    /// Speed.
    pub speed: SpeedClass,
    /// Longest admissible days on the way.
    pub max_transit_days: Option<u32>,
    /// Distance in kilometres.
    pub distance_km: Option<u32>,
    /// Zone.
    pub zone: Option<u32>,
}

impl fmt::Display for RouteExample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let to = &self.destination;
        write!(f, "{} worth {} from {}/{} to", self.weight, self.value, self.platform, self.shop)?;
        let country = to.country.as_ref().map(Country::as_str);
        for part in [country, to.state.as_deref(), to.postal_code.as_deref()].into_iter().flatten()
        {
            write!(f, " {part}")?;
        }
        write!(f, ", {:?} speed", self.speed)?;
        if let Some(days) = self.max_transit_days {
            write!(f, ", at most {days} days")?;
        }
        for tag in &self.tags {
            write!(f, ", tagged {tag}")?;
        }
        for sku in &self.skus {
            write!(f, ", with {sku}")?;
        }
        Ok(())
    }
}

impl RouteExample {
    /// The simplest parcel for which a condition holds, if there is one.
    fn of(condition: &RouteCondition, country: Country, currency: Currency) -> Self {
        let speeds =
            [SpeedClass::Standard, SpeedClass::Economy, SpeedClass::Expedited, SpeedClass::NextDay];
        let listed = |speed: &SpeedClass| {
            (condition.speeds.is_empty() || condition.speeds.contains(speed))
                && condition.min_speed.is_none_or(|least| *speed >= least)
        };
        let below = |most: u32| most.saturating_sub(1);
        let weight = condition.min_weight.map_or(500, Grams::get);
        let weight = condition.max_weight.map_or(weight, |most| weight.min(below(most.get())));
        let value = condition.min_value.unwrap_or(Decimal::ONE);
        let value = condition.max_value.map_or(value, |most| {
            if value < most { value } else { most.saturating_sub(Decimal::new(1, 2)) }
        });
        Self {
            platform: condition
                .platforms
                .first()
                .cloned()
                .unwrap_or(PlatformId::from_static("any")),
            shop: condition.shops.first().cloned().unwrap_or(ShopId::from_static("any")),
            logistics: condition.logistics.first().copied().unwrap_or(LogisticsMode::SellerCarrier),
            destination: Address {
                state: condition.states.first().cloned(),
                postal_code: condition.postcode_prefixes.first().cloned(),
                country: condition.countries.first().copied().or(Some(country)),
                residential: condition.residential,
                ..Address::default()
            },
            warehouse: condition.warehouses.first().cloned(),
            weight: Grams::new(weight),
            value: Money::new(value, condition.value_currency.unwrap_or(currency)),
            tags: condition.tags.first().cloned().into_iter().collect(),
            skus: condition.skus.first().cloned().into_iter().collect(),
            speed: speeds.into_iter().find(listed).unwrap_or_default(),
            max_transit_days: condition.max_transit_days,
            distance_km: condition.min_distance_km.or(condition.max_distance_km.map(below)),
            zone: condition.zones.first().copied(),
        }
    }

    /// The example as input of [`route`](super::route).
    #[must_use]
    pub fn input<'a>(&'a self, calendar: &'a WorkCalendar) -> RouteInput<'a> {
        RouteInput {
            logistics: self.logistics,
            warehouse: self.warehouse.as_ref(),
            tags: &self.tags,
            skus: &self.skus,
            speed: self.speed,
            max_transit_days: self.max_transit_days,
            distance_km: self.distance_km,
            zone: self.zone,
            ..RouteInput::new(
                &self.platform,
                &self.shop,
                &self.destination,
                calendar,
                self.weight,
                self.value,
            )
        }
    }
}

/// Looks for mistakes in rules, in the order in which they run. What it reports is so: an
/// [`Unreachable`](RouteFinding::Unreachable) rule never decides, an
/// [`Uncovered`](RouteFinding::Uncovered) example gets no service from [`route`](super::route).
///
/// It does not find everything: a rule shadowed only by several others together, a condition that
/// holds nowhere because of two fields (a state of another country), or a parcel without service
/// beyond one example for each rule and one plain parcel for each country served. Examples are
/// decided with the rate cards, without deadline and live quotes.
#[must_use]
pub fn lint_routes(
    rules: &[RouteRule],
    services: &[CarrierService],
    cards: &RateCards,
    aliases: &ServiceAliases,
) -> Vec<RouteFinding> {
    let rules = in_order(rules);
    let catalogue: BTreeMap<&ServiceKey, bool> =
        services.iter().map(|service| (&service.key, service.enabled)).collect();
    let mut findings = Vec::new();
    let mut seen = BTreeSet::new();
    for service in services {
        if !seen.insert(&service.key) {
            findings.push(RouteFinding::DuplicateService { service: service.key.clone() });
        }
    }
    let enabled: BTreeSet<&ServiceKey> =
        catalogue.iter().filter(|(_, enabled)| **enabled).map(|(key, _)| *key).collect();
    let mut ids = BTreeSet::new();
    let mut contents: BTreeMap<(&RouteCondition, &RouteAction, bool), &str> = BTreeMap::new();
    let mut earlier: Vec<&RouteRule> = Vec::new();
    for rule in &rules {
        let id = || rule.id.clone();
        if !ids.insert(&rule.id) {
            findings.push(RouteFinding::DuplicateId { rule: id() });
        }
        let content = (&rule.condition, &rule.action, rule.is_final());
        match contents.get(&content) {
            Some(of) => {
                let of = (*of).to_owned();
                findings.push(RouteFinding::DuplicateRule { rule: id(), of });
            }
            None => {
                contents.insert(content, &rule.id);
            }
        }
        for service in rule.action.services() {
            match catalogue.get(aliases.resolve(service)) {
                None => findings
                    .push(RouteFinding::UnknownService { rule: id(), service: service.clone() }),
                Some(false) if matches!(rule.action, RouteAction::Force(_)) => {
                    findings.push(RouteFinding::ForcesDisabled {
                        rule: id(),
                        service: service.clone(),
                    });
                }
                Some(_) => {}
            }
        }
        if let Some(field) = impossible_field(&rule.condition) {
            findings.push(RouteFinding::NeverHolds { rule: id(), field: field.to_owned() });
            continue;
        }
        let before = earlier.iter().filter(|before| covers(&before.condition, &rule.condition));
        let mut left = enabled.clone();
        let mut shadow = None;
        for before in before {
            if before.is_final() {
                shadow = Some(*before);
                break;
            }
            keep(&mut left, &before.action, aliases);
        }
        if let Some(by) = shadow {
            findings.push(RouteFinding::Unreachable { rule: id(), by: by.id.clone() });
            continue;
        }
        keep(&mut left, &rule.action, aliases);
        if left.is_empty() && !matches!(rule.action, RouteAction::Prefer { .. }) {
            findings.push(RouteFinding::NothingLeft { rule: id() });
        }
        earlier.push(rule);
    }
    findings.extend(uncovered(&rules, &earlier, services, cards, aliases));
    findings
}

fn keep(left: &mut BTreeSet<&ServiceKey>, action: &RouteAction, aliases: &ServiceAliases) {
    if matches!(action, RouteAction::Prefer { .. }) {
        return;
    }
    let named: BTreeSet<&ServiceKey> =
        action.services().map(|name| aliases.resolve(name)).collect();
    let excludes = matches!(action, RouteAction::Exclude(_));
    left.retain(|service| named.contains(service) != excludes);
}

/// A field that no parcel fits.
fn impossible_field(condition: &RouteCondition) -> Option<&'static str> {
    fn crossed<T: PartialOrd>(least: Option<T>, most: Option<T>) -> bool {
        matches!((least, most), (Some(least), Some(most)) if least >= most)
    }
    if crossed(condition.min_weight.or(Some(Grams::ZERO)), condition.max_weight) {
        return Some("max_weight");
    }
    if crossed(condition.min_value, condition.max_value) {
        return Some("max_value");
    }
    if crossed(condition.min_distance_km.or(Some(0)), condition.max_distance_km) {
        return Some("max_distance_km");
    }
    let too_slow = |least: SpeedClass| condition.speeds.iter().all(|speed| *speed < least);
    (!condition.speeds.is_empty() && condition.min_speed.is_some_and(too_slow)).then_some("speeds")
}

/// Whether `wide` lists a state of `narrow`, in every country `narrow` goes to.
fn lists_state(wide: &RouteCondition, narrow: &RouteCondition, state: &str) -> bool {
    let listed = |is: &dyn Fn(&str) -> bool| wide.states.iter().any(|known| is(known));
    if listed(&|known| is_same(known, state)) {
        return true;
    }
    !narrow.countries.is_empty()
        && narrow.countries.iter().all(|country| {
            let state = WrittenState::of(Some(*country), state);
            listed(&|known| state.is(known))
        })
}

/// Whether `wide` holds wherever `narrow` does. Never says yes when it is not so.
fn covers(wide: &RouteCondition, narrow: &RouteCondition) -> bool {
    fn lists<T: PartialEq>(wide: &[T], narrow: &[T]) -> bool {
        wide.is_empty() || (!narrow.is_empty() && narrow.iter().all(|item| wide.contains(item)))
    }
    fn least<T: PartialOrd>(wide: Option<T>, narrow: Option<T>) -> bool {
        wide.is_none_or(|wide| narrow.is_some_and(|narrow| narrow >= wide))
    }
    fn most<T: PartialOrd>(wide: Option<T>, narrow: Option<T>) -> bool {
        wide.is_none_or(|wide| narrow.is_some_and(|narrow| narrow <= wide))
    }
    // Cheap and selective first: this runs for every pair.
    (wide.postcode_prefixes.is_empty()
        || (!narrow.postcode_prefixes.is_empty()
            && narrow
                .postcode_prefixes
                .iter()
                .all(|code| wide.postcode_prefixes.iter().any(|prefix| begins_with(code, prefix)))))
        && (wide.states.is_empty()
            || (!narrow.states.is_empty()
                && narrow.states.iter().all(|state| lists_state(wide, narrow, state))))
        && lists(&wide.countries, &narrow.countries)
        && least(wide.min_weight, narrow.min_weight)
        && most(wide.max_weight, narrow.max_weight)
        && (wide.value_currency.is_none() || wide.value_currency == narrow.value_currency)
        && least(wide.min_value, narrow.min_value)
        && most(wide.max_value, narrow.max_value)
        && lists(&wide.platforms, &narrow.platforms)
        && lists(&wide.shops, &narrow.shops)
        && lists(&wide.tags, &narrow.tags)
        && lists(&wide.skus, &narrow.skus)
        && lists(&wide.speeds, &narrow.speeds)
        && least(wide.min_speed, narrow.min_speed)
        && most(wide.max_transit_days, narrow.max_transit_days)
        && lists(&wide.warehouses, &narrow.warehouses)
        && lists(&wide.logistics, &narrow.logistics)
        && least(wide.min_distance_km, narrow.min_distance_km)
        && most(wide.max_distance_km, narrow.max_distance_km)
        && lists(&wide.zones, &narrow.zones)
        && wide.residential.is_none_or(|wanted| narrow.residential == Some(wanted))
}

/// Examples without a service: a plain parcel to every country that a service names, and the
/// simplest parcel of every rule that can run.
fn uncovered(
    all: &[&RouteRule],
    reachable: &[&RouteRule],
    services: &[CarrierService],
    cards: &RateCards,
    aliases: &ServiceAliases,
) -> Vec<RouteFinding> {
    let compiled = CompiledRoutes::new(
        all.iter().map(|rule| (*rule).clone()).collect(),
        services,
        cards.clone(),
        aliases.clone(),
        RoutePolicy::default(),
    );
    let Ok(compiled) = compiled else { return Vec::new() };
    let countries: BTreeSet<Country> = services
        .iter()
        .filter(|service| service.enabled)
        .flat_map(|service| service.coverage.countries.iter().copied())
        .collect();
    let usual = countries
        .iter()
        .find(|country| **country == Country::US)
        .or(countries.first())
        .copied()
        .unwrap_or(Country::US);
    // A value limit in another currency than the example's proves nothing: another order may be in it.
    let limits = services.iter().filter_map(|service| service.max_value.map(|most| most.currency));
    let mut currencies: Vec<Currency> =
        cards.cards().iter().map(|card| card.currency).chain(limits).collect();
    currencies.push(Currency::USD);
    let mut seen = BTreeSet::new();
    currencies.retain(|currency| seen.insert(*currency));
    let calendar = WorkCalendar::every_day(chrono_tz::UTC);
    let anything = RouteCondition::default();
    let goes_there = |country: Option<Country>| {
        services.iter().any(|service| {
            let listed = &service.coverage.countries;
            listed.is_empty() || country.is_some_and(|country| listed.contains(&country))
        })
    };
    let plain = countries.iter().map(|country| (None, &anything, *country));
    let of_rules = reachable.iter().map(|rule| (Some(&rule.id), &rule.condition, usual));
    plain
        .chain(of_rules)
        .filter_map(|(rule, condition, country)| {
            let lacks_service = |example: &RouteExample| {
                let input = example.input(&calendar);
                let live = LiveFacts::default();
                let routed = compiled.decide(&input, &live, DateTime::UNIX_EPOCH);
                condition.holds(&input)
                    && routed.service.is_none()
                    && goes_there(example.destination.country)
            };
            let mut examples =
                currencies.iter().map(|currency| RouteExample::of(condition, country, *currency));
            let example = examples.next().filter(&lacks_service)?;
            let all = examples.all(|other| lacks_service(&other));
            all.then(|| RouteFinding::Uncovered { rule: rule.cloned(), example: Box::new(example) })
        })
        .collect()
}
