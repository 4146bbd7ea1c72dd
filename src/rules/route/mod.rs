//! Which carrier service takes a parcel, and why not the others.
//!
//! [`route`] is the plain form: it reads like the rules and explains itself. [`CompiledRoutes`]
//! gives the same answers for shops with thousands of rules. [`override_service`] is for the person
//! who knows better; [`lint_routes`] finds rules that cannot mean what they say.

mod catalogue;
mod compiled;
mod condition;
mod filter;
mod lint;
mod manual;
mod rank;
mod rate_card;
mod savings;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

pub use catalogue::{ListedService, ServiceAliases, ServiceCatalogue};
pub use compiled::{CompileError, CompiledRoutes, LiveFacts, MAX_SERVICES, RouteFeatures, Routed};
pub use condition::{RouteAction, RouteCondition, RouteRule};
pub use filter::{CarrierAccount, ServiceRejection, earliest_ship};
pub use lint::{RouteExample, RouteFinding, lint_routes};
pub use manual::{ManualRoute, OverrideRefused, override_service};
pub use rank::{CarrierReliability, QuoteProblem};
pub use rate_card::{
    RateCard, RateCardError, RateCardFault, RateCards, ZoneArea, ZoneChart, ZoneRates,
};
pub use savings::{
    BaselineReport, CarrierVolume, NEGOTIATE_FROM, PackagingShare, PriceSpread, RoutedParcel,
    cost_against_baseline, monthly_volume, packaging_share, price_spread,
};

use filter::{Schedule, hard_filter};
pub(super) use rank::main_currency;
use rank::{InTime, Offers, Prices, QuoteJudge, Runner};

use crate::address::Address;
use crate::calendar::WorkCalendar;
use crate::ids::{CarrierId, PlatformId, ShopId, Sku, WarehouseId};
use crate::money::{Currency, Money};
use crate::order::{LogisticsMode, SpeedClass};
use crate::shipment::{CarrierService, RateQuote, ServiceChoice, ServiceKey};
use crate::units::{Dimensions, Grams};

static NO_TAGS: BTreeSet<String> = BTreeSet::new();
static NO_SKUS: BTreeSet<Sku> = BTreeSet::new();
static NO_RULES: &[RouteRule] = &[];
static NO_QUOTES: &[RateQuote] = &[];
static NO_RELIABILITY: BTreeMap<ServiceKey, CarrierReliability> = BTreeMap::new();
static NO_ACCOUNTS: BTreeMap<CarrierId, CarrierAccount> = BTreeMap::new();
static NO_ALIASES: ServiceAliases = ServiceAliases::new();

/// A parcel to route.
#[derive(Debug, Clone)]
pub struct RouteInput<'a> {
    /// Platform of the order.
    pub platform: &'a PlatformId,
    /// Shop of the order.
    pub shop: &'a ShopId,
    /// Who issues the label.
    pub logistics: LogisticsMode,
    /// Where it goes.
    pub destination: &'a Address,
    /// Whether the place counts as remote, by the host's list.
    pub remote: bool,
    /// How far it is in kilometres, if the host knows.
    pub distance_km: Option<u32>,
    /// In which zone it is, by the host's numbering.
    pub zone: Option<u32>,
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
    /// Tags of the order.
    pub tags: &'a BTreeSet<String>,
    /// SKUs in the parcel.
    pub skus: &'a BTreeSet<Sku>,
    /// How fast the buyer wants it.
    pub speed: SpeedClass,
    /// When it must be there. Days are compared, and the day of this instant is that of the
    /// warehouse's zone: nothing here knows the zone of the destination. A warehouse many zones away
    /// should be given a `deliver_by` that ends with the same day in its own zone.
    pub deliver_by: Option<DateTime<Utc>>,
    /// Longest admissible days on the way.
    pub max_transit_days: Option<u32>,
    /// Batteries inside.
    pub batteries: bool,
    /// Liquids inside.
    pub liquids: bool,
    /// Services that the platform can name; `None` is any.
    pub platform_accepts: Option<&'a BTreeSet<ServiceKey>>,
}

impl<'a> RouteInput<'a> {
    /// A parcel with what every parcel has. Everything else is unknown, or the usual: the seller
    /// buys the label, standard speed, nothing special inside.
    #[must_use]
    pub fn new(
        platform: &'a PlatformId,
        shop: &'a ShopId,
        destination: &'a Address,
        calendar: &'a WorkCalendar,
        weight: Grams,
        value: Money,
    ) -> Self {
        Self {
            platform,
            shop,
            logistics: LogisticsMode::SellerCarrier,
            destination,
            remote: false,
            distance_km: None,
            zone: None,
            warehouse: None,
            calendar,
            weight,
            dimensions: None,
            value,
            tags: &NO_TAGS,
            skus: &NO_SKUS,
            speed: SpeedClass::Standard,
            deliver_by: None,
            max_transit_days: None,
            batteries: false,
            liquids: false,
            platform_accepts: None,
        }
    }
}

/// What a shop decides about routing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RoutePolicy {
    /// How old a quote may be, in hours. Default 24.
    pub quote_ttl_hours: u32,
    /// Up to which weight economy services come first without quotes. Default 453 g (1 lb).
    pub light_max: Grams,
    /// Whether persistently late services lose ties.
    pub demote_late: bool,
    /// The currency in which prices are compared, where a service that is left has a price in it.
    /// Default: the order's; where no service has one, the currency most of them have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
}

impl Default for RoutePolicy {
    fn default() -> Self {
        Self { quote_ttl_hours: 24, light_max: Grams::new(453), demote_late: false, currency: None }
    }
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
    /// Contract prices, used when no service that can take the parcel has a usable quote.
    pub cards: Option<&'a RateCards>,
    /// How reliable services have been.
    pub reliability: &'a BTreeMap<ServiceKey, CarrierReliability>,
    /// Accounts with carriers. A carrier that is not listed is open, without limits.
    pub accounts: &'a BTreeMap<CarrierId, CarrierAccount>,
    /// Older names of services.
    pub aliases: &'a ServiceAliases,
}

impl<'a> RouteFacts<'a> {
    /// Services alone; nothing else is known.
    #[must_use]
    pub fn new(services: &'a [CarrierService]) -> Self {
        Self {
            services,
            rules: NO_RULES,
            quotes: NO_QUOTES,
            cards: None,
            reliability: &NO_RELIABILITY,
            accounts: &NO_ACCOUNTS,
            aliases: &NO_ALIASES,
        }
    }

    /// What the rate cards offer.
    fn card_quotes(&self, input: &RouteInput<'_>, now: DateTime<Utc>) -> Vec<RateQuote> {
        self.cards.map_or_else(Vec::new, |cards| cards.quotes(input.destination, input.weight, now))
    }

    /// The quotes that are usable now with the offers of the rate cards, and the quotes that are not.
    fn offers<'o>(
        &'o self,
        by_card: &'o [RateQuote],
        policy: &RoutePolicy,
        schedule: &Schedule<'_>,
        now: DateTime<Utc>,
    ) -> (Offers<'o>, Vec<(ServiceKey, QuoteProblem)>) {
        let judge = QuoteJudge { facts: self, policy, schedule, now };
        let mut ignored = Vec::new();
        let usable = self.quotes.iter().filter(|quote| match judge.problem(quote) {
            Some(problem) => {
                ignored.push((quote.service.clone(), problem));
                false
            }
            None => true,
        });
        let offers = Offers::of(usable, by_card, self.aliases);
        (offers, ignored)
    }
}

/// The outcome of routing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteDecision {
    /// The service chosen; `None` is the exception `NoService`.
    pub chosen: Option<ServiceChoice>,
    /// Longest days on the way of the service chosen.
    pub transit_days: Option<u32>,
    /// Every service that could take it, best first, with its price if there is one.
    pub ranked: Vec<(ServiceKey, Option<Money>)>,
    /// Every service that could not, by key, with the first reason. A service that a rule demands
    /// and the catalogue does not have is among them.
    pub rejected: Vec<(ServiceKey, ServiceRejection)>,
    /// Services that could take it but are persistently late.
    pub late_services: Vec<ServiceKey>,
    /// The rule that forced a service, if one did.
    pub forced_by: Option<String>,
    /// The rule after which no further one ran: one that forces or says `stop`.
    pub decided_by: Option<String>,
    /// Quotes that were set aside, sorted. Those of services that are rejected or that have a better
    /// one are not among them.
    pub ignored_quotes: Vec<(ServiceKey, QuoteProblem)>,
    /// Rules that were not judged, by id: everything else of them holds, but their value limit is in
    /// another currency than the order. A person should look at them.
    pub incomparable: Vec<String>,
}

/// Chooses the service for a parcel: hard filters in a fixed order, then rules, then the cheapest
/// that keeps the promise. Pure; the order of services, rules and quotes does not matter.
///
/// Prices are the usable quotes of the services that filters and rules leave; where none of them has
/// one, their rate cards; without those, price class and weight decide. So a quote for a service that
/// cannot be chosen changes nothing. Of several quotes for a service the cheapest that arrives in time
/// counts. Prices are compared in one currency, see [`RoutePolicy::currency`]. Ties: shorter longest transit, then lower delay rate (persistently late services
/// last when the policy demotes them), then priority, then the key.
///
/// ```
/// use chrono::{TimeZone, Utc};
/// use orderflow::calendar::WorkCalendar;
/// use orderflow::rules::{RouteFacts, RouteInput, RoutePolicy, ServiceCatalogue, route};
/// use orderflow::{Address, Country, Currency, Grams, Money, PlatformId, ShopId};
///
/// let services = ServiceCatalogue::preset("guide_catalogue").unwrap().services();
/// let (platform, shop) = (PlatformId::from_static("csv"), ShopId::from_static("1"));
/// let to = Address { country: Country::new("US"), ..Address::default() };
/// let calendar = WorkCalendar::every_day(chrono_tz::UTC);
/// let value = Money::from_minor(2500, Currency::USD);
/// let parcel = RouteInput::new(&platform, &shop, &to, &calendar, Grams::new(300), value);
/// let now = Utc.with_ymd_and_hms(2026, 3, 4, 15, 0, 0).unwrap();
/// let decision = route(&parcel, &RouteFacts::new(&services), &RoutePolicy::default(), now);
/// let chosen = decision.chosen.unwrap();
/// assert_eq!(chosen.service.service.as_str(), "USPS_GROUND_ADVANTAGE");
/// ```
#[must_use]
pub fn route(
    input: &RouteInput<'_>,
    facts: &RouteFacts<'_>,
    policy: &RoutePolicy,
    now: DateTime<Utc>,
) -> RouteDecision {
    let holding = facts.rules.iter().filter(|rule| rule.condition.holds(input));
    let mut rules = condition::in_order(holding);
    if let Some(last) = rules.iter().position(|rule| rule.is_final()) {
        rules.truncate(last.saturating_add(1));
    }
    let skipped = incomparable(facts.rules, input, &rules);
    decide(input, facts, &rules, &skipped, policy, now)
}

/// The rules that would have had their turn and whose value limit cannot be compared with the order.
fn incomparable<'r>(
    all: impl IntoIterator<Item = &'r RouteRule>,
    input: &RouteInput<'_>,
    ran: &[&RouteRule],
) -> Vec<&'r RouteRule> {
    let last = ran.last().filter(|rule| rule.is_final());
    let had_its_turn = |rule: &&RouteRule| last.is_none_or(|last| *rule < *last);
    condition::in_order(
        all.into_iter().filter(|rule| rule.condition.is_incomparable(input)).filter(had_its_turn),
    )
}

/// Services sorted by key, each once. Of two entries with one key, which are a mistake, the one
/// that is written down first alphabetically counts, so that their order does not.
fn unique_services(services: &[CarrierService]) -> Vec<&CarrierService> {
    let mut services: Vec<&CarrierService> = services.iter().collect();
    services
        .sort_by(|a, b| a.key.cmp(&b.key).then_with(|| format!("{a:?}").cmp(&format!("{b:?}"))));
    services.dedup_by(|a, b| a.key == b.key);
    services
}

/// The decision, given the rules that hold, in order, up to the final one, and those before it whose
/// value limit cannot be compared.
fn decide(
    input: &RouteInput<'_>,
    facts: &RouteFacts<'_>,
    rules: &[&RouteRule],
    incomparable: &[&RouteRule],
    policy: &RoutePolicy,
    now: DateTime<Utc>,
) -> RouteDecision {
    let aliases = facts.aliases;
    let by_card = facts.card_quotes(input, now);
    let schedule = Schedule::of(input, now);
    let (offers, mut ignored_quotes) = facts.offers(&by_card, policy, &schedule, now);
    let mut rejected: BTreeMap<ServiceKey, ServiceRejection> = BTreeMap::new();
    let mut open: Vec<(&CarrierService, InTime<'_>)> = Vec::new();
    for service in unique_services(facts.services) {
        let account = facts.accounts.get(&service.key.carrier);
        match hard_filter(input, service, account, aliases, &offers, &schedule) {
            Ok(in_time) => open.push((service, in_time)),
            Err(why) => {
                rejected.insert(service.key.clone(), why);
            }
        }
    }
    let discounts = apply_rules(rules, aliases, &mut open, &mut rejected);
    name_unknown(rules, facts, &mut rejected);
    let prices = Prices::among(&open, input, policy);
    ignored_quotes.extend(
        open.iter()
            .filter(|(service, _)| prices.get(&service.key).is_some())
            .flat_map(|(_, in_time)| in_time.quotes())
            .filter(|quote| prices.is_foreign(&quote.total))
            .map(|quote| (quote.service.clone(), QuoteProblem::OtherCurrency)),
    );
    ignored_quotes.sort_unstable();
    open.retain(|(service, _)| match prices.rejects(&service.key) {
        Some(why) => {
            rejected.insert(service.key.clone(), why);
            false
        }
        None => true,
    });
    let mut runners: Vec<Runner<'_>> = open
        .into_iter()
        .map(|(service, _)| {
            let discount = discounts.get(&service.key).copied().unwrap_or_default();
            Runner {
                service,
                cost: prices.total(&service.key).map(|t| t.amount.saturating_sub(discount)),
                discount,
                transit_days: prices.transit_days(service),
                reliability: facts.reliability.get(&service.key).copied().unwrap_or_default(),
            }
        })
        .collect();
    runners.sort_by(|a, b| a.compare(b, input, policy));

    let ranked: Vec<(ServiceKey, Option<Money>)> = runners
        .iter()
        .map(|runner| (runner.service.key.clone(), prices.total(&runner.service.key)))
        .collect();
    let last = rules.last().filter(|rule| rule.is_final());
    let forced_by = last
        .filter(|rule| matches!(rule.action, RouteAction::Force(_)))
        .map(|rule| rule.id.clone());
    let late_services: Vec<ServiceKey> = runners
        .iter()
        .filter(|runner| runner.reliability.is_persistently_late())
        .map(|runner| runner.service.key.clone())
        .collect();
    let chosen = runners.first().map(|best| {
        let quote = prices.get(&best.service.key);
        let story = Story {
            input,
            ranked: &ranked,
            rejected: &rejected,
            late: &late_services,
            incomparable,
            is_preferred: is_preferred(best, &runners, input, policy),
            now,
        };
        ServiceChoice {
            service: best.service.key.clone(),
            cost: quote.map(|quote| quote.total),
            deliver_on: quote.and_then(|quote| quote.deliver_on),
            token: quote.and_then(|quote| quote.token.clone()),
            quoted_at: quote.map(|quote| quote.quoted_at),
            reasons: story.explain(best, quote, forced_by.as_deref(), &ignored_quotes),
        }
    });
    RouteDecision {
        chosen,
        transit_days: runners.first().map(|best| best.transit_days),
        ranked,
        rejected: rejected.into_iter().collect(),
        late_services,
        forced_by,
        decided_by: last.map(|rule| rule.id.clone()),
        ignored_quotes,
        incomparable: incomparable.iter().map(|rule| rule.id.clone()).collect(),
    }
}

/// Names the services that rules demand and the catalogue does not have.
fn name_unknown(
    rules: &[&RouteRule],
    facts: &RouteFacts<'_>,
    rejected: &mut BTreeMap<ServiceKey, ServiceRejection>,
) {
    for rule in rules {
        if !matches!(rule.action, RouteAction::Force(_) | RouteAction::Only(_)) {
            continue;
        }
        for name in rule.action.services() {
            let key = facts.aliases.resolve(name);
            if !facts.services.iter().any(|service| service.key == *key) {
                let why = ServiceRejection::UnknownService { rule: rule.id.clone() };
                rejected.entry(name.clone()).or_insert(why);
            }
        }
    }
}

/// Runs the rules over the services that are open. Returns what they prefer, and by how much.
fn apply_rules<'a>(
    rules: &[&'a RouteRule],
    aliases: &'a ServiceAliases,
    open: &mut Vec<(&CarrierService, InTime<'_>)>,
    rejected: &mut BTreeMap<ServiceKey, ServiceRejection>,
) -> BTreeMap<&'a ServiceKey, Decimal> {
    let mut discounts: BTreeMap<&ServiceKey, Decimal> = BTreeMap::new();
    for rule in rules {
        if let RouteAction::Prefer { service, discount } = &rule.action {
            let sum = discounts.entry(aliases.resolve(service)).or_default();
            *sum = sum.saturating_add(*discount);
            continue;
        }
        let excludes = matches!(rule.action, RouteAction::Exclude(_));
        open.retain(|(service, _)| {
            let named = rule.action.services().any(|name| *aliases.resolve(name) == service.key);
            let kept = named != excludes;
            if !kept {
                let why = ServiceRejection::ByRule { rule: rule.id.clone() };
                rejected.insert(service.key.clone(), why);
            }
            kept
        });
    }
    discounts
}

/// What a decision can be explained with.
struct Story<'a> {
    input: &'a RouteInput<'a>,
    ranked: &'a [(ServiceKey, Option<Money>)],
    rejected: &'a BTreeMap<ServiceKey, ServiceRejection>,
    late: &'a [ServiceKey],
    incomparable: &'a [&'a RouteRule],
    /// Whether it comes first only because rules prefer it.
    is_preferred: bool,
    now: DateTime<Utc>,
}

/// Whether, of services without prices, another one would come first if no rule preferred any.
fn is_preferred(
    best: &Runner<'_>,
    all: &[Runner<'_>],
    input: &RouteInput<'_>,
    policy: &RoutePolicy,
) -> bool {
    let bare = |runner| Runner { discount: Decimal::ZERO, ..runner };
    let best = bare(*best);
    all.iter().any(|other| bare(*other).compare(&best, input, policy).is_lt())
}

impl Story<'_> {
    fn explain(
        &self,
        best: &Runner<'_>,
        quote: Option<&RateQuote>,
        forced_by: Option<&str>,
        ignored: &[(ServiceKey, QuoteProblem)],
    ) -> Vec<String> {
        let (input, name) = (self.input, &best.service.name);
        let mut reasons = Vec::new();
        match (forced_by, quote) {
            (Some(rule), _) => reasons.push(format!("rule {rule} demands {name}")),
            (None, Some(quote)) => {
                let promise = input.deliver_by.map_or_else(
                    || "there is no promised day".to_owned(),
                    |due| {
                        let day = input.calendar.local_date(due);
                        if due > self.now {
                            format!("the promise is {day}")
                        } else {
                            format!("the promise of {day} has passed and nobody can keep it")
                        }
                    },
                );
                let is_cheapest = (self.ranked.iter())
                    .filter_map(|(_, price)| price.as_ref())
                    .all(|price| price.amount >= quote.total.amount);
                let place = if is_cheapest { "is the cheapest" } else { "comes first" };
                reasons.push(format!(
                    "{name} at {} {place} of {} that may take it; {promise}",
                    quote.total,
                    self.ranked.len()
                ));
            }
            (None, None) if self.is_preferred => {
                reasons.push(format!("without quotes {name} comes first because rules prefer it"));
            }
            (None, None) => reasons.push(format!(
                "without quotes {name} comes first by price class ({:?}) and weight {}",
                best.service.cost_tier, input.weight
            )),
        }
        if !best.discount.is_zero() {
            reasons.push(format!("rules count {name} as {} cheaper", best.discount));
        }
        if let (Some((_, Some(own))), Some((next, Some(price)))) =
            (self.ranked.first(), self.ranked.get(1))
        {
            let (gap, word) = if price.amount < own.amount {
                (own.checked_sub(price), "less")
            } else {
                (price.checked_sub(own), "more")
            };
            if let Ok(gap) = gap {
                reasons.push(format!("next is {next} at {price}, {gap} {word}"));
            }
        }
        reasons.extend(self.incomparable.iter().map(|rule| {
            let limit = rule.condition.value_currency.unwrap_or(input.value.currency);
            let order = input.value.currency;
            format!(
                "rule {} is left out: value limit in {limit} cannot be compared with an order in \
                 {order}",
                rule.id
            )
        }));
        reasons.extend(self.late.iter().map(|key| format!("{key} is persistently late")));
        reasons.extend(ignored.iter().map(|(key, why)| format!("a quote of {key} {why}")));
        reasons.extend(self.rejected.iter().map(|(key, why)| format!("{key} {why}")));
        reasons
    }
}
