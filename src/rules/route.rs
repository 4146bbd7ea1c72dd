//! Which carrier service takes a parcel, and why not the others.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::address::{Address, Country};
use crate::calendar::WorkCalendar;
use crate::ids::{PlatformId, ShopId, WarehouseId};
use crate::money::Money;
use crate::order::SpeedClass;
use crate::shipment::{CarrierService, RateQuote, ServiceChoice, ServiceKey};
use crate::units::{Dimensions, Grams};

/// A parcel to route.
#[derive(Debug, Clone)]
pub struct RouteInput<'a> {
    /// Platform of the order.
    pub platform: &'a PlatformId,
    /// Shop of the order.
    pub shop: &'a ShopId,
    /// Where it goes.
    pub destination: &'a Address,
    /// Where it leaves from.
    pub warehouse: Option<&'a WarehouseId>,
    /// Working days and cut-off of that place.
    pub calendar: &'a WorkCalendar,
    /// How heavy, packaging included.
    pub weight: Grams,
    /// How big.
    pub dimensions: Option<Dimensions>,
    /// What the goods are worth.
    pub value: Money,
    /// Tags of the order and SKUs of its lines.
    pub tags: &'a BTreeSet<String>,
    /// How fast the buyer wants it.
    pub speed: SpeedClass,
    /// When it must be there.
    pub deliver_by: Option<DateTime<Utc>>,
    /// Batteries inside.
    pub batteries: bool,
    /// Liquids inside.
    pub liquids: bool,
    /// Services that the platform can name; `None` is any.
    pub platform_accepts: Option<&'a BTreeSet<ServiceKey>>,
}

/// Conditions of a rule; all that are set must hold. Lists are OR inside.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RouteCondition {
    /// Platforms.
    pub platforms: Vec<PlatformId>,
    /// Shops.
    pub shops: Vec<ShopId>,
    /// Countries.
    pub countries: Vec<Country>,
    /// States.
    pub states: Vec<String>,
    /// Beginnings of postcodes.
    pub postcode_prefixes: Vec<String>,
    /// Smallest weight, included.
    pub min_weight: Option<Grams>,
    /// Largest weight, excluded.
    pub max_weight: Option<Grams>,
    /// Smallest value, included, in the order's currency.
    pub min_value: Option<Decimal>,
    /// Largest value, excluded.
    pub max_value: Option<Decimal>,
    /// Tags or SKUs.
    pub tags: Vec<String>,
    /// Slowest speed the buyer chose.
    pub min_speed: Option<SpeedClass>,
    /// Warehouses.
    pub warehouses: Vec<WarehouseId>,
    /// Home or business.
    pub residential: Option<bool>,
}

impl RouteCondition {
    /// Whether every condition that is set holds.
    #[must_use]
    pub fn holds(&self, input: &RouteInput<'_>) -> bool {
        let address = input.destination;
        let listed = |list: &[String], value: Option<&str>| {
            list.is_empty() || value.is_some_and(|value| list.iter().any(|item| item == value))
        };
        (self.platforms.is_empty() || self.platforms.contains(input.platform))
            && (self.shops.is_empty() || self.shops.contains(input.shop))
            && (self.countries.is_empty()
                || address.country.is_some_and(|country| self.countries.contains(&country)))
            && listed(&self.states, address.state.as_deref())
            && (self.postcode_prefixes.is_empty()
                || address.postal_code.as_deref().is_some_and(|code| {
                    self.postcode_prefixes.iter().any(|prefix| code.starts_with(prefix.as_str()))
                }))
            && self.min_weight.is_none_or(|least| input.weight >= least)
            && self.max_weight.is_none_or(|most| input.weight < most)
            && self.min_value.is_none_or(|least| input.value.amount >= least)
            && self.max_value.is_none_or(|most| input.value.amount < most)
            && (self.tags.is_empty() || self.tags.iter().any(|tag| input.tags.contains(tag)))
            && self.min_speed.is_none_or(|least| input.speed >= least)
            && (self.warehouses.is_empty()
                || input.warehouse.is_some_and(|id| self.warehouses.contains(id)))
            && self.residential.is_none_or(|wanted| address.residential == Some(wanted))
    }
}

/// What a rule does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RouteAction {
    /// Exactly this one, and no further rule. When it cannot take the parcel, nothing can.
    Force(ServiceKey),
    /// Only these.
    Only(BTreeSet<ServiceKey>),
    /// Not these.
    Exclude(BTreeSet<ServiceKey>),
    /// As if this one were cheaper by an amount, in the currency of the quotes.
    Prefer {
        /// Which.
        service: ServiceKey,
        /// By how much.
        discount: Decimal,
    },
}

/// A rule. Rules run by ascending priority, ties by id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteRule {
    /// Its id.
    pub id: String,
    /// Smaller runs first.
    #[serde(default)]
    pub priority: i32,
    /// When it applies.
    #[serde(default, rename = "when")]
    pub condition: RouteCondition,
    /// What it does.
    #[serde(rename = "then")]
    pub action: RouteAction,
}

/// How reliable a service has been, from KPI-06 and KPI-17.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarrierReliability {
    /// Parcels decided.
    pub decided: u32,
    /// Of those, late.
    pub late: u32,
}

impl CarrierReliability {
    /// Late more often than 5 % over at least 30 parcels.
    #[must_use]
    pub const fn is_persistently_late(self) -> bool {
        self.decided >= 30 && 100 * (self.late as u64) > 5 * (self.decided as u64)
    }

    fn compare(self, other: Self) -> Ordering {
        let cross = |a: u32, b: u32| u64::from(a) * u64::from(b.max(1));
        cross(self.late, other.decided).cmp(&cross(other.late, self.decided))
    }
}

/// What a shop decides about routing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct RoutePolicy {
    /// How old a quote may be, in hours. Default 24.
    pub quote_ttl_hours: u32,
    /// Up to which weight economy services come first without quotes. Default 453 g (1 lb).
    pub light_max: Grams,
    /// Whether persistently late services lose ties.
    pub demote_late: bool,
}

impl Default for RoutePolicy {
    fn default() -> Self {
        Self { quote_ttl_hours: 24, light_max: Grams::new(453), demote_late: false }
    }
}

/// Why a service cannot take a parcel: the first filter that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ServiceRejection {
    /// Switched off.
    Disabled,
    /// The platform cannot name it.
    PlatformRefuses,
    /// It does not go there.
    NotServed {
        /// What of the address it does not serve.
        what: String,
    },
    /// Too heavy, too big, too valuable, or contents not allowed.
    OverLimit {
        /// Which limit.
        what: String,
    },
    /// Slower than the buyer paid for.
    TooSlow,
    /// It would arrive too late.
    MissesDeliverBy {
        /// The day it may arrive at the latest.
        arrives: NaiveDate,
    },
    /// Its calendar has no working day.
    NoWorkingDay,
    /// Its quota of today is used up.
    NoCapacity,
    /// Rule `0` leaves it out.
    ByRule {
        /// Which rule.
        rule: String,
    },
    /// The carrier gave quotes, but none for it.
    NoQuote,
    /// Its quote is in another currency than the others.
    OtherCurrency,
}

impl fmt::Display for ServiceRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disabled => f.write_str("is switched off"),
            Self::PlatformRefuses => f.write_str("cannot be named on the platform"),
            Self::NotServed { what } => write!(f, "does not serve {what}"),
            Self::OverLimit { what } => write!(f, "limit exceeded: {what}"),
            Self::TooSlow => f.write_str("is slower than the buyer paid for"),
            Self::MissesDeliverBy { arrives } => write!(f, "may arrive only on {arrives}"),
            Self::NoWorkingDay => f.write_str("has no working day ahead"),
            Self::NoCapacity => f.write_str("has no capacity left today"),
            Self::ByRule { rule } => write!(f, "is left out by rule {rule}"),
            Self::NoQuote => f.write_str("gave no price"),
            Self::OtherCurrency => f.write_str("is priced in another currency"),
        }
    }
}

/// The outcome of routing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteDecision {
    /// The service chosen; `None` is the exception `NoService`.
    pub chosen: Option<ServiceChoice>,
    /// Every service that could take it, best first, with its price if there is one.
    pub ranked: Vec<(ServiceKey, Option<Money>)>,
    /// Every service that could not, by key, with the first reason.
    pub rejected: Vec<(ServiceKey, ServiceRejection)>,
    /// Services that are persistently late.
    pub late_services: Vec<ServiceKey>,
    /// The rule that forced a service, if one did.
    pub forced_by: Option<String>,
}

/// What routing knows of services beside the parcel.
#[derive(Debug, Clone, Copy)]
pub struct RouteFacts<'a> {
    /// The catalogue.
    pub services: &'a [CarrierService],
    /// The rules.
    pub rules: &'a [RouteRule],
    /// Quotes, if any were asked for.
    pub quotes: &'a [RateQuote],
    /// How reliable services have been.
    pub reliability: &'a BTreeMap<ServiceKey, CarrierReliability>,
}

/// Chooses the service for a parcel: hard filters in a fixed order, then rules, then the cheapest
/// that keeps the promise. Pure; the order of services, rules and quotes does not matter.
///
/// Ties: shorter longest transit, then lower delay rate (persistently late services last when
/// the policy demotes them), then priority, then the key.
#[must_use]
pub fn route(
    input: &RouteInput<'_>,
    facts: &RouteFacts<'_>,
    policy: &RoutePolicy,
    now: DateTime<Utc>,
) -> RouteDecision {
    let mut services: Vec<&CarrierService> = facts.services.iter().collect();
    services.sort_by(|a, b| a.key.cmp(&b.key));
    services.dedup_by(|a, b| a.key == b.key);
    let mut rejected: BTreeMap<ServiceKey, ServiceRejection> = BTreeMap::new();
    let quotes = usable_quotes(facts.quotes, policy, now);
    let currency = quote_currency(&quotes);

    let mut open: Vec<&CarrierService> = Vec::new();
    for service in services {
        let quote = quotes.get(&service.key).copied();
        match hard_filter(input, service, quote, now) {
            None => open.push(service),
            Some(why) => {
                rejected.insert(service.key.clone(), why);
            }
        }
    }

    let mut discounts: BTreeMap<&ServiceKey, Decimal> = BTreeMap::new();
    let mut forced_by = None;
    let mut rules: Vec<&RouteRule> =
        facts.rules.iter().filter(|rule| rule.condition.holds(input)).collect();
    rules.sort_by(|a, b| a.priority.cmp(&b.priority).then_with(|| a.id.cmp(&b.id)));
    for rule in rules {
        let keep: Box<dyn Fn(&ServiceKey) -> bool> = match &rule.action {
            RouteAction::Force(service) => Box::new(move |key| key == service),
            RouteAction::Only(set) => Box::new(move |key| set.contains(key)),
            RouteAction::Exclude(set) => Box::new(move |key| !set.contains(key)),
            RouteAction::Prefer { service, discount } => {
                let sum = discounts.entry(service).or_default();
                *sum = sum.saturating_add(*discount);
                continue;
            }
        };
        open.retain(|service| {
            let kept = keep(&service.key);
            if !kept {
                rejected.insert(
                    service.key.clone(),
                    ServiceRejection::ByRule { rule: rule.id.clone() },
                );
            }
            kept
        });
        if matches!(rule.action, RouteAction::Force(_)) {
            forced_by = Some(rule.id.clone());
            break;
        }
    }

    if !quotes.is_empty() {
        open.retain(|service| {
            let why = match quotes.get(&service.key) {
                None => ServiceRejection::NoQuote,
                Some(quote) if Some(quote.total.currency) != currency => {
                    ServiceRejection::OtherCurrency
                }
                Some(_) => return true,
            };
            rejected.insert(service.key.clone(), why);
            false
        });
    }
    let reliability =
        |service: &CarrierService| facts.reliability.get(&service.key).copied().unwrap_or_default();
    open.sort_by(|a, b| {
        let price = |service: &CarrierService| {
            quotes.get(&service.key).map(|quote| {
                let discount = discounts.get(&service.key).copied().unwrap_or_default();
                quote.total.amount.saturating_sub(discount)
            })
        };
        let by_cost = match (price(a), price(b)) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => without_quotes(a, b, input, policy, &discounts),
        };
        let demoted = |service: &CarrierService| {
            policy.demote_late && reliability(service).is_persistently_late()
        };
        by_cost
            .then_with(|| demoted(a).cmp(&demoted(b)))
            .then_with(|| transit(a, &quotes).cmp(&transit(b, &quotes)))
            .then_with(|| reliability(a).compare(reliability(b)))
            .then_with(|| a.priority.cmp(&b.priority))
            .then_with(|| a.key.cmp(&b.key))
    });

    let ranked: Vec<(ServiceKey, Option<Money>)> = open
        .iter()
        .map(|service| (service.key.clone(), quotes.get(&service.key).map(|quote| quote.total)))
        .collect();
    let chosen = open.first().map(|best| {
        let quote = quotes.get(&best.key).copied();
        ServiceChoice {
            service: best.key.clone(),
            cost: quote.map(|quote| quote.total),
            deliver_on: quote.and_then(|quote| quote.deliver_on),
            token: quote.and_then(|quote| quote.token.clone()),
            quoted_at: quote.map(|quote| quote.quoted_at),
            reasons: explain(best, quote, &ranked, &rejected, forced_by.as_deref(), input),
        }
    });
    RouteDecision {
        chosen,
        ranked,
        rejected: rejected.into_iter().collect(),
        late_services: open
            .iter()
            .filter(|service| reliability(service).is_persistently_late())
            .map(|service| service.key.clone())
            .collect(),
        forced_by,
    }
}

/// The cheapest fresh quote of each service; of equal ones the one that arrives first.
fn usable_quotes<'a>(
    quotes: &'a [RateQuote],
    policy: &RoutePolicy,
    now: DateTime<Utc>,
) -> BTreeMap<&'a ServiceKey, &'a RateQuote> {
    let ttl = TimeDelta::hours(i64::from(policy.quote_ttl_hours));
    let mut best: BTreeMap<&ServiceKey, &RateQuote> = BTreeMap::new();
    for quote in quotes.iter().filter(|quote| now - quote.quoted_at <= ttl) {
        let key = |quote: &RateQuote| {
            (
                quote.total.currency,
                quote.total.amount,
                quote.deliver_on.unwrap_or(NaiveDate::MAX),
                quote.token.clone(),
            )
        };
        best.entry(&quote.service)
            .and_modify(|known| {
                if key(quote) < key(known) {
                    *known = quote;
                }
            })
            .or_insert(quote);
    }
    best
}

/// Quotes are compared in one currency: the one most quotes have, ties by code.
fn quote_currency(quotes: &BTreeMap<&ServiceKey, &RateQuote>) -> Option<crate::money::Currency> {
    let mut counts: BTreeMap<crate::money::Currency, u32> = BTreeMap::new();
    for quote in quotes.values() {
        *counts.entry(quote.total.currency).or_default() += 1;
    }
    counts.into_iter().max_by(|a, b| a.1.cmp(&b.1).then_with(|| b.0.cmp(&a.0))).map(|(c, _)| c)
}

fn transit(service: &CarrierService, quotes: &BTreeMap<&ServiceKey, &RateQuote>) -> u32 {
    quotes
        .get(&service.key)
        .and_then(|quote| quote.transit_days)
        .unwrap_or(service.max_transit_days)
}

fn without_quotes(
    a: &CarrierService,
    b: &CarrierService,
    input: &RouteInput<'_>,
    policy: &RoutePolicy,
    discounts: &BTreeMap<&ServiceKey, Decimal>,
) -> Ordering {
    let preferred = |service: &CarrierService| {
        std::cmp::Reverse(discounts.get(&service.key).copied().unwrap_or_default())
    };
    let light = input.weight <= policy.light_max;
    preferred(a)
        .cmp(&preferred(b))
        .then_with(|| a.cost_tier.cmp(&b.cost_tier))
        .then_with(|| (a.economy != light).cmp(&(b.economy != light)))
}

/// The hard filters, in their order; the first that fails is the reason.
fn hard_filter(
    input: &RouteInput<'_>,
    service: &CarrierService,
    quote: Option<&RateQuote>,
    now: DateTime<Utc>,
) -> Option<ServiceRejection> {
    if !service.enabled {
        return Some(ServiceRejection::Disabled);
    }
    if input.platform_accepts.is_some_and(|accepted| !accepted.contains(&service.key)) {
        return Some(ServiceRejection::PlatformRefuses);
    }
    if let Some(what) = not_covered(input.destination, service) {
        return Some(ServiceRejection::NotServed { what });
    }
    if let Some(what) = over_limit(input, service) {
        return Some(ServiceRejection::OverLimit { what });
    }
    if input.speed >= SpeedClass::Expedited && service.speed < SpeedClass::Expedited {
        return Some(ServiceRejection::TooSlow);
    }
    if let Some(due) = input.deliver_by.filter(|due| *due > now) {
        let Ok(leaves) = input.calendar.next_departure(now) else {
            return Some(ServiceRejection::NoWorkingDay);
        };
        let leaves = input.calendar.local_date(leaves);
        let arrives = quote.and_then(|quote| quote.deliver_on).or_else(|| {
            let days =
                quote.and_then(|quote| quote.transit_days).unwrap_or(service.max_transit_days);
            leaves.checked_add_days(Days::new(u64::from(days)))
        });
        if let Some(arrives) = arrives
            && arrives > input.calendar.local_date(due)
        {
            return Some(ServiceRejection::MissesDeliverBy { arrives });
        }
    }
    (service.capacity_left == Some(0)).then_some(ServiceRejection::NoCapacity)
}

fn not_covered(address: &Address, service: &CarrierService) -> Option<String> {
    let coverage = &service.coverage;
    let Some(country) = address.country else { return Some("an unknown country".into()) };
    if !coverage.countries.is_empty() && !coverage.countries.contains(&country) {
        return Some(country.to_string());
    }
    let state = address.state.as_deref().unwrap_or("");
    if (!coverage.states.is_empty() && !coverage.states.iter().any(|known| known == state))
        || coverage.excluded_states.iter().any(|known| known == state)
    {
        return Some(format!("{country} {state}"));
    }
    let code = address.postal_code.as_deref().unwrap_or("");
    let begins =
        |prefixes: &[String]| prefixes.iter().any(|prefix| code.starts_with(prefix.as_str()));
    if (!coverage.postcode_prefixes.is_empty() && !begins(&coverage.postcode_prefixes))
        || begins(&coverage.excluded_postcode_prefixes)
    {
        return Some(format!("postcode {code}"));
    }
    if coverage.no_po_box && address.is_po_box() {
        return Some("post-office boxes".into());
    }
    (coverage.no_residential && address.residential == Some(true)).then(|| "home addresses".into())
}

fn over_limit(input: &RouteInput<'_>, service: &CarrierService) -> Option<String> {
    if let Some(most) = service.max_weight.filter(|most| input.weight > *most) {
        return Some(format!("{} of {most}", input.weight));
    }
    if let Some(size) = input.dimensions {
        if let Some(most) = service.max_length.filter(|most| size.length > *most) {
            return Some(format!("length {} of {most}", size.length));
        }
        let girth = size.length_plus_girth();
        if let Some(most) = service.max_length_plus_girth.filter(|most| girth > *most) {
            return Some(format!("length plus girth {girth} of {most}"));
        }
    }
    if let Some(most) = service.max_value
        && most.currency == input.value.currency
        && input.value.amount > most.amount
    {
        return Some(format!("value {} of {most}", input.value));
    }
    if input.batteries && !service.batteries {
        return Some("batteries".into());
    }
    (input.liquids && !service.liquids).then(|| "liquids".into())
}

fn explain(
    best: &CarrierService,
    quote: Option<&RateQuote>,
    ranked: &[(ServiceKey, Option<Money>)],
    rejected: &BTreeMap<ServiceKey, ServiceRejection>,
    forced_by: Option<&str>,
    input: &RouteInput<'_>,
) -> Vec<String> {
    let mut reasons = Vec::new();
    match (forced_by, quote) {
        (Some(rule), _) => reasons.push(format!("rule {rule} demands {}", best.name)),
        (None, Some(quote)) => {
            let promise = input.deliver_by.map_or_else(
                || "there is no promised day".to_owned(),
                |due| format!("the promise is {}", input.calendar.local_date(due)),
            );
            reasons.push(format!(
                "{} at {} is the cheapest of {} that may take it; {promise}",
                best.name,
                quote.total,
                ranked.len()
            ));
        }
        (None, None) => reasons.push(format!(
            "without quotes {} comes first by price class ({:?}) and weight {}",
            best.name, best.cost_tier, input.weight
        )),
    }
    if let (Some((_, Some(own))), Some((next, Some(price)))) = (ranked.first(), ranked.get(1))
        && let Ok(more) = price.checked_sub(own)
    {
        reasons.push(format!("next is {next} at {price}, {more} more"));
    }
    reasons.extend(rejected.iter().map(|(key, why)| format!("{key} {why}")));
    reasons
}
