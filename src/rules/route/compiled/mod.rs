//! Rules, services and prices compiled for many decisions.

mod contest;
mod index;
mod prices;
mod text;
mod vocabulary;

use chrono::{DateTime, Utc};

pub use vocabulary::RouteFeatures;

use contest::Contest;
use index::RuleIndex;
use prices::{NO_PRICE, Place, PriceBook};
use text::NONE;
use vocabulary::{Vocabulary, scaled};

use super::filter::CarrierAccount;
use super::rank::CarrierReliability;
use super::{
    NO_ACCOUNTS, NO_QUOTES, NO_RELIABILITY, RateCards, RouteAction, RouteDecision, RouteFacts,
    RouteInput, RoutePolicy, RouteRule, ServiceAliases, unique_services,
};
use crate::ids::CarrierId;
use crate::money::Money;
use crate::order::SpeedClass;
use crate::shipment::{CarrierService, RateQuote, ServiceKey};
use crate::units::Grams;
use std::collections::BTreeMap;

/// Most services of a [`CompiledRoutes`].
pub const MAX_SERVICES: usize = 256;

const WORDS: usize = MAX_SERVICES / 64;

/// A set of services by their numbers.
type Set = [u64; WORDS];

const EMPTY: Set = [0; WORDS];

fn add(set: &mut Set, number: usize) {
    if let Some(word) = set.get_mut(number / 64) {
        *word |= 1 << (number % 64);
    }
}

fn remove(set: &mut Set, number: usize) {
    if let Some(word) = set.get_mut(number / 64) {
        *word &= !(1 << (number % 64));
    }
}

fn intersect(set: &mut Set, other: &Set) {
    for (word, other) in set.iter_mut().zip(other) {
        *word &= other;
    }
}

fn meets(set: &Set, other: &Set) -> bool {
    set.iter().zip(other).any(|(word, other)| word & other != 0)
}

fn has(set: &Set, number: usize) -> bool {
    set.get(number / 64).is_some_and(|word| word & (1 << (number % 64)) != 0)
}

/// Why rules, services and prices cannot be compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// More than [`MAX_SERVICES`].
    #[error("services: {count} are more than {MAX_SERVICES}")]
    TooManyServices {
        /// How many.
        count: usize,
    },
    /// More than 4 billion.
    #[error("rules: there are too many")]
    TooManyRules,
}

/// What changes from one decision to the next.
#[derive(Debug, Clone, Copy)]
pub struct LiveFacts<'a> {
    /// Quotes, if any were asked for.
    pub quotes: &'a [RateQuote],
    /// How reliable services have been.
    pub reliability: &'a BTreeMap<ServiceKey, CarrierReliability>,
    /// Accounts with carriers. A carrier that is not listed is open, without limits.
    pub accounts: &'a BTreeMap<CarrierId, CarrierAccount>,
}

impl Default for LiveFacts<'_> {
    fn default() -> Self {
        Self { quotes: NO_QUOTES, reliability: &NO_RELIABILITY, accounts: &NO_ACCOUNTS }
    }
}

/// A decision without its explanation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Routed<'a> {
    /// The rule after which no further one ran, if there was one.
    pub rule: Option<&'a RouteRule>,
    /// The service; `None` is the exception `NoService`.
    pub service: Option<&'a CarrierService>,
    /// Its price, if there are prices.
    pub price: Option<Money>,
    /// Its longest days on the way.
    pub transit_days: Option<u32>,
}

/// What a rule does, by numbers of services.
#[derive(Debug, Clone, Copy)]
enum Effect {
    /// Only the services of the rule's set stay.
    Keep,
    /// Counts as cheaper, in units of the common scale.
    Prefer { service: u32, units: i64 },
}

/// What is asked of a service for every parcel.
#[derive(Debug, Clone, Copy)]
struct Profile {
    max_weight: Grams,
    /// The heaviest parcel it takes and its rate card prices.
    max_priced: Grams,
    place: Place,
}

/// Rules, services and rate cards compiled for many decisions: what [`route`](super::route) answers,
/// without walking through the rules and without allocating.
///
/// Rules lie in buckets of their most selective exact condition; a parcel reads the few buckets it
/// falls into, so thousands of rules cost about as much as ten. Decisions with live quotes, which
/// cost a call over the network anyway, use the index for the rules and the plain form for the
/// rest, and so do rate cards in several currencies or with more than six decimals.
///
/// ```
/// use chrono::{TimeZone, Utc};
/// use orderflow::calendar::WorkCalendar;
/// use orderflow::rules::{
///     CompiledRoutes, LiveFacts, RateCards, RouteInput, RoutePolicy, ServiceCatalogue,
/// };
/// use orderflow::{Address, Country, Currency, Grams, Money, PlatformId, ShopId};
///
/// let catalogue = ServiceCatalogue::preset("guide_catalogue").unwrap();
/// let rules = serde_json::from_str(
///     r#"[{
///         "id": "heavy-by-ground",
///         "when": { "countries": ["US"], "min_weight": 2000 },
///         "then": { "only": [{ "carrier": "ups", "service": "03" }] },
///         "stop": true
///     }]"#,
/// )?;
/// let policy = RoutePolicy::default();
/// let routes = CompiledRoutes::new(
///     rules,
///     &catalogue.services(),
///     RateCards::default(),
///     catalogue.aliases(),
///     policy,
/// )?;
///
/// let (platform, shop) = (PlatformId::from_static("csv"), ShopId::from_static("1"));
/// let to = Address { country: Country::new("US"), ..Address::default() };
/// let calendar = WorkCalendar::every_day(chrono_tz::UTC);
/// let value = Money::from_minor(2500, Currency::USD);
/// let parcel = RouteInput::new(&platform, &shop, &to, &calendar, Grams::new(5_000), value);
/// let now = Utc.with_ymd_and_hms(2026, 3, 4, 15, 0, 0).unwrap();
/// let routed = routes.decide(&parcel, &LiveFacts::default(), now);
/// assert_eq!(routed.service.unwrap().name, "UPS Ground");
/// assert_eq!(routed.rule.unwrap().id, "heavy-by-ground");
/// // The same answer, with its reasons.
/// let decision = routes.explain(&parcel, &LiveFacts::default(), now);
/// assert_eq!(decision.decided_by.as_deref(), Some("heavy-by-ground"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct CompiledRoutes {
    rules: Vec<RouteRule>,
    services: Vec<CarrierService>,
    cards: RateCards,
    aliases: ServiceAliases,
    policy: RoutePolicy,
    vocabulary: Vocabulary,
    /// Rules after which no further one runs, and the others.
    finals: RuleIndex,
    others: RuleIndex,
    effects: Vec<Effect>,
    /// The services each rule keeps, `words` words each.
    kept: Vec<u64>,
    words: usize,
    profiles: Vec<Profile>,
    /// The heaviest parcel each takes at a price, in grams: the profiles' own, close together.
    most: Vec<u32>,
    /// Services that are switched on and not full.
    ready: Set,
    /// Services that take batteries, liquids, and hurry.
    batteries: Set,
    liquids: Set,
    fast: Set,
    /// Services whose coverage or limits are more than countries, a weight and contents: asked one
    /// by one.
    careful: Set,
    /// Services by the country they go to, and those that go everywhere.
    by_country: Vec<Set>,
    everywhere: Set,
    /// `None` when the prices do not fit tables.
    book: Option<PriceBook>,
    /// Whether discounts and prices are whole numbers of the common scale.
    exact: bool,
    scale: u32,
}

impl CompiledRoutes {
    /// Compiles rules, services and rate cards. An empty [`RateCards`] is none.
    ///
    /// # Errors
    /// [`CompileError`] when there are more services or rules than fit.
    pub fn new(
        mut rules: Vec<RouteRule>,
        services: &[CarrierService],
        cards: RateCards,
        aliases: ServiceAliases,
        policy: RoutePolicy,
    ) -> Result<Self, CompileError> {
        // The order in which rules run, as `condition::in_order` has it.
        rules.sort_unstable();
        let services: Vec<CarrierService> =
            unique_services(services).into_iter().cloned().collect();
        if services.len() > MAX_SERVICES {
            return Err(CompileError::TooManyServices { count: services.len() });
        }
        if u32::try_from(rules.len()).is_err() {
            return Err(CompileError::TooManyRules);
        }
        let mut vocabulary = Vocabulary::of(&rules);
        let numbered = || (0..).zip(&rules);
        let finals =
            RuleIndex::build(numbered().filter(|(_, rule)| rule.is_final()), &mut vocabulary);
        let others =
            RuleIndex::build(numbered().filter(|(_, rule)| !rule.is_final()), &mut vocabulary);

        let scale = common_scale(&rules, &cards);
        let built = scale.and_then(|scale| {
            PriceBook::build(&cards, &services, &aliases, scale, &mut vocabulary.countries)
        });
        let scale_used = scale.unwrap_or(0);
        let (book, places) =
            built.map_or_else(Default::default, |(book, places)| (Some(book), places));
        // Cards of services that are not in the catalogue offer nothing.
        let offers_none = !cards.cards().iter().any(|card| {
            let key = aliases.resolve(&card.service);
            services.binary_search_by(|service| service.key.cmp(key)).is_ok()
        });
        let mut exact = scale.is_some() && (book.is_some() || offers_none);

        let words = services.len().div_ceil(64);
        let (mut effects, mut kept) = (Vec::new(), Vec::new());
        let mut discounts = 0_i64;
        for rule in &rules {
            let (effect, set) = effect(rule, &services, &aliases, scale_used);
            if let Effect::Prefer { units, .. } = effect {
                // The sum of all preferences and a price fit with room to spare.
                match discounts.checked_add(units.saturating_abs()) {
                    Some(sum) if sum < i64::MAX / 4 => discounts = sum,
                    _ => exact = false,
                }
            }
            effects.push(effect);
            kept.extend(set.iter().take(words));
        }

        let mut sets = [EMPTY; 4];
        let [batteries, liquids, fast, careful] = &mut sets;
        let mut profiles = Vec::with_capacity(services.len());
        let mut most = Vec::with_capacity(services.len());
        for (number, service) in services.iter().enumerate() {
            if service.batteries {
                add(batteries, number);
            }
            if service.liquids {
                add(liquids, number);
            }
            if service.speed >= SpeedClass::Expedited {
                add(fast, number);
            }
            if is_careful(service) {
                add(careful, number);
            }
            let place = places.get(&service.key).copied().unwrap_or(Place::NOWHERE);
            let max_weight = service.max_weight.unwrap_or(Grams::new(u32::MAX));
            let max_priced =
                book.as_ref().map_or(max_weight, |book| book.max_weight(place).min(max_weight));
            profiles.push(Profile { max_weight, max_priced, place });
            most.push(max_priced.get());
        }
        let [batteries, liquids, fast, careful] = sets;
        let mut everywhere = EMPTY;
        let mut by_country: Vec<Set> = Vec::new();
        for (number, service) in services.iter().enumerate() {
            if service.coverage.countries.is_empty() {
                add(&mut everywhere, number);
                by_country.iter_mut().for_each(|set| add(set, number));
            }
            for country in &service.coverage.countries {
                let id = vocabulary.countries.insert(*country) as usize;
                if by_country.len() <= id {
                    by_country.resize(id + 1, everywhere);
                }
                if let Some(set) = by_country.get_mut(id) {
                    add(set, number);
                }
            }
        }
        let mut compiled = Self {
            rules,
            services,
            cards,
            aliases,
            policy,
            vocabulary,
            finals,
            others,
            effects,
            kept,
            words,
            profiles,
            most,
            ready: EMPTY,
            batteries,
            liquids,
            fast,
            careful,
            by_country,
            everywhere,
            book,
            exact,
            scale: scale_used,
        };
        for number in 0..compiled.services.len() {
            compiled.refresh(number);
        }
        Ok(compiled)
    }

    /// The rules in the order in which they run.
    #[must_use]
    pub fn rules(&self) -> &[RouteRule] {
        &self.rules
    }

    /// The services, sorted by key.
    #[must_use]
    pub fn services(&self) -> &[CarrierService] {
        &self.services
    }

    /// Switches a service on or off. Answers whether it is known.
    pub fn set_enabled(&mut self, service: &ServiceKey, enabled: bool) -> bool {
        self.change(service, |service| service.enabled = enabled)
    }

    /// Sets how many parcels a service still takes today. Answers whether it is known.
    pub fn set_capacity_left(&mut self, service: &ServiceKey, left: Option<u32>) -> bool {
        self.change(service, |service| service.capacity_left = left)
    }

    fn change(&mut self, key: &ServiceKey, change: impl FnOnce(&mut CarrierService)) -> bool {
        let Ok(number) = self.services.binary_search_by(|service| service.key.cmp(key)) else {
            return false;
        };
        if let Some(service) = self.services.get_mut(number) {
            change(service);
        }
        self.refresh(number);
        true
    }

    fn refresh(&mut self, number: usize) {
        let is_ready = self
            .services
            .get(number)
            .is_some_and(|service| service.enabled && service.capacity_left != Some(0));
        if is_ready {
            add(&mut self.ready, number);
        } else {
            remove(&mut self.ready, number);
        }
    }

    /// Looks up everything of a parcel that rules ask for. Belongs to this set of rules.
    #[must_use]
    pub fn features<'i>(&self, input: &'i RouteInput<'i>) -> RouteFeatures<'i> {
        let mut parcel = self.vocabulary.features(input);
        if let Some(book) = &self.book {
            parcel.zone = book.first_zone(&parcel);
        }
        parcel
    }

    /// The rule after which no further one runs: the first final one that holds.
    #[must_use]
    pub fn deciding_rule(&self, parcel: &RouteFeatures<'_>) -> Option<&RouteRule> {
        let number = self.finals.first(parcel, &self.vocabulary, &self.rules)?;
        self.rules.get(number as usize)
    }

    /// Decides for a parcel, without explanation: which rules were left out because their value limit
    /// is in another currency is told by [`CompiledRoutes::explain`] alone.
    #[must_use]
    pub fn decide(
        &self,
        input: &RouteInput<'_>,
        live: &LiveFacts<'_>,
        now: DateTime<Utc>,
    ) -> Routed<'_> {
        self.decide_features(&self.features(input), live, now)
    }

    /// Decides with the same answer as [`route`](super::route), and with its reasons.
    #[must_use]
    pub fn explain(
        &self,
        input: &RouteInput<'_>,
        live: &LiveFacts<'_>,
        now: DateTime<Utc>,
    ) -> RouteDecision {
        let parcel = self.features(input);
        let last = self.finals.first(&parcel, &self.vocabulary, &self.rules);
        let mut numbers: Vec<u32> = Vec::new();
        let end = last.unwrap_or(NONE);
        self.others.each_before(end, &parcel, &self.vocabulary, &self.rules, |number| {
            numbers.push(number);
        });
        numbers.extend(last);
        numbers.sort_unstable();
        numbers.dedup();
        let holding: Vec<&RouteRule> =
            numbers.iter().filter_map(|number| self.rules.get(*number as usize)).collect();
        let facts = RouteFacts {
            services: &self.services,
            rules: &self.rules,
            quotes: live.quotes,
            cards: Some(&self.cards),
            reliability: live.reliability,
            accounts: live.accounts,
            aliases: &self.aliases,
        };
        let skipped = super::incomparable(&self.rules, input, &holding);
        super::decide(input, &facts, &holding, &skipped, &self.policy, now)
    }

    /// Decides for a parcel whose features were looked up, without explanation.
    #[must_use]
    pub fn decide_features(
        &self,
        parcel: &RouteFeatures<'_>,
        live: &LiveFacts<'_>,
        now: DateTime<Utc>,
    ) -> Routed<'_> {
        if !self.exact || !live.quotes.is_empty() {
            return self.decide_plainly(parcel.input, live, now);
        }
        let last = self.finals.first(parcel, &self.vocabulary, &self.rules);
        let rule = last.and_then(|number| self.rules.get(number as usize));
        let mut open = self.ready;
        let mut discounts: Option<[i64; MAX_SERVICES]> = None;
        if let Some(number) = last {
            self.apply(number, &mut open, &mut discounts);
        }
        if !self.others.is_empty() {
            let end = last.unwrap_or(NONE);
            self.others.each_before(end, parcel, &self.vocabulary, &self.rules, |number| {
                self.apply(number, &mut open, &mut discounts);
            });
        }
        let input = parcel.input;
        let served = input.destination.country.map_or(&EMPTY, |_| {
            self.by_country.get(parcel.country as usize).unwrap_or(&self.everywhere)
        });
        intersect(&mut open, served);
        if input.batteries {
            intersect(&mut open, &self.batteries);
        }
        if input.liquids {
            intersect(&mut open, &self.liquids);
        }
        if input.speed >= SpeedClass::Expedited {
            intersect(&mut open, &self.fast);
        }
        let contest = Contest { routes: self, parcel, live, now, discounts: discounts.as_ref() };
        let best = contest.run(&open);
        Routed {
            rule,
            service: best.and_then(|best| self.services.get(best.number)),
            price: best
                .filter(|best| best.cell != NO_PRICE)
                .and_then(|best| Some(self.book.as_ref()?.money(best.cell))),
            transit_days: best.map(|best| best.days),
        }
    }

    #[cold]
    fn decide_plainly(
        &self,
        input: &RouteInput<'_>,
        live: &LiveFacts<'_>,
        now: DateTime<Utc>,
    ) -> Routed<'_> {
        let decision = self.explain(input, live, now);
        let rule = self
            .finals
            .first(&self.features(input), &self.vocabulary, &self.rules)
            .and_then(|number| self.rules.get(number as usize));
        let service = decision.chosen.as_ref().and_then(|chosen| {
            let number = self.services.binary_search_by(|s| s.key.cmp(&chosen.service)).ok()?;
            self.services.get(number)
        });
        Routed {
            rule,
            service,
            price: decision.chosen.as_ref().and_then(|chosen| chosen.cost),
            transit_days: decision.transit_days,
        }
    }

    #[inline]
    fn apply(&self, rule: u32, open: &mut Set, discounts: &mut Option<[i64; MAX_SERVICES]>) {
        let rule = rule as usize;
        match self.effects.get(rule) {
            Some(Effect::Prefer { service, units }) => {
                let sums = discounts.get_or_insert([0; MAX_SERVICES]);
                if let Some(sum) = sums.get_mut(*service as usize) {
                    *sum = sum.saturating_add(*units);
                }
            }
            Some(Effect::Keep) => {
                let from = rule * self.words;
                let kept = self.kept.get(from..from + self.words).unwrap_or_default();
                for (word, kept) in open.iter_mut().zip(kept) {
                    *word &= kept;
                }
            }
            None => {}
        }
    }
}

/// Decimals that all prices and preferences need; `None` when they are too many.
fn common_scale(rules: &[RouteRule], cards: &RateCards) -> Option<u32> {
    let of_cards = PriceBook::decimals(cards)?;
    let of_rules = rules.iter().filter_map(|rule| match &rule.action {
        RouteAction::Prefer { discount, .. } => Some(discount.normalize().scale()),
        _ => None,
    });
    Some(of_rules.fold(of_cards, u32::max)).filter(|scale| *scale <= 6)
}

fn effect(
    rule: &RouteRule,
    services: &[CarrierService],
    aliases: &ServiceAliases,
    scale: u32,
) -> (Effect, Set) {
    let number = |name: &ServiceKey| {
        let key = aliases.resolve(name);
        services.binary_search_by(|service| service.key.cmp(key)).ok()
    };
    let mut named = EMPTY;
    for place in rule.action.services().filter_map(number) {
        add(&mut named, place);
    }
    match &rule.action {
        RouteAction::Force(_) | RouteAction::Only(_) => (Effect::Keep, named),
        RouteAction::Exclude(_) => (Effect::Keep, named.map(|word| !word)),
        RouteAction::Prefer { service, discount } => {
            let place = number(service).and_then(|place| u32::try_from(place).ok());
            // A preference for a service that does not exist does nothing.
            let units = place.map_or(Some(0), |_| scaled(*discount, scale)).unwrap_or(i64::MAX);
            (Effect::Prefer { service: place.unwrap_or(NONE), units }, [u64::MAX; WORDS])
        }
    }
}

/// Whether a service must be asked in full about coverage and limits.
fn is_careful(service: &CarrierService) -> bool {
    let coverage = &service.coverage;
    !coverage.excluded_countries.is_empty()
        || !coverage.states.is_empty()
        || !coverage.excluded_states.is_empty()
        || !coverage.cities.is_empty()
        || !coverage.excluded_cities.is_empty()
        || !coverage.postcode_prefixes.is_empty()
        || !coverage.excluded_postcode_prefixes.is_empty()
        || coverage.no_po_box
        || coverage.no_residential
        || coverage.no_remote
        || service.max_length.is_some()
        || service.max_length_plus_girth.is_some()
        || service.max_value.is_some()
}
