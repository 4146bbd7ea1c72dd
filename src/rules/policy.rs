//! Everything a host decides, as one document: shops, calendars, deadlines, alerts, routing,
//! allocation, targets.
//!
//! A policy is data. It is written in JSON or TOML, checked as a whole, and every finding names the
//! field and the reason. What it leaves out has the defaults of this crate; presets come in by name.
//!
//! ```
//! use orderflow::rules::Policy;
//!
//! let policy = Policy::from_json(r#"{
//!     "calendars": {
//!         "new-york": {
//!             "zone": "America/New_York",
//!             "working_weekdays": [true, true, true, true, true, false, false],
//!             "cutoff": "14:00:00",
//!             "holiday_calendar": "US"
//!         }
//!     },
//!     "shops": [
//!         { "platform": "walmart", "shop": "shop-1", "calendar": "new-york",
//!           "currency": "USD", "sla_presets": ["walmart_4h"] }
//!     ],
//!     "allocation": { "max_splits": 3 },
//!     "alerts": { "upload_mail_minutes": 30 }
//! }"#)?;
//! assert_eq!(policy.validate(), []);
//! let shop = policy.shops[0].key();
//! let rules = policy.sla_rules(&shop)?;
//! assert!(rules.presets.iter().any(|rule| rule.name == "acknowledge-4h"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The same in TOML:
//!
//! ```
//! use orderflow::rules::Policy;
//!
//! let policy: Policy = toml::from_str(r#"
//!     [calendars.new-york]
//!     zone = "America/New_York"
//!     working_weekdays = [true, true, true, true, true, false, false]
//!     cutoff = "14:00:00"
//!     holiday_calendar = "US"
//!
//!     [[shops]]
//!     platform = "walmart"
//!     shop = "shop-1"
//!     calendar = "new-york"
//!     currency = "USD"
//!     sla_presets = ["walmart_4h"]
//!
//!     [allocation]
//!     max_splits = 3
//!
//!     [alerts]
//!     upload_mail_minutes = 30
//!
//!     [[route_rules]]
//!     id = "light-goes-economy"
//!     when = { max_weight = 453 }
//!     then = { prefer = { service = { carrier = "usps", service = "USPS_GROUND_ADVANTAGE" }, discount = "0.50" } }
//! "#)?;
//! assert_eq!(policy.validate(), []);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::alert::{AlertPolicy, ShopWatchOptions};
use super::allocate::AllocationPolicy;
use super::classify::ClassificationPolicy;
use super::exceptions::ExceptionPolicy;
use super::kpi::{KpiTargets, TargetError};
use super::ladder::{Ladder, Level};
use super::message::MessagePolicy;
use super::poll::TrackPollPolicy;
use super::review::ReviewPolicy;
use super::route::{
    RateCards, RouteFinding, RoutePolicy, RouteRule, ServiceAliases, ServiceCatalogue, lint_routes,
};
use super::sla::{SlaRule, SlaRules, Span, presets};
use super::upload::CarrierMap;
use crate::calendar::{MAX_WORKING_DAYS, WorkCalendar};
use crate::ids::{PlatformId, ShopId, ShopKey};
use crate::money::Currency;
use crate::order::CompletionPolicy;
use crate::shipment::CarrierService;

/// What is decided for one shop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShopPolicy {
    /// Platform.
    pub platform: PlatformId,
    /// Shop on it.
    pub shop: ShopId,
    /// Site or market.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// The name of its calendar: its zone and working days.
    pub calendar: String,
    /// Its currency.
    pub currency: Currency,
    /// Orders a day, for the poll plan. Default 0: not known.
    #[serde(default)]
    pub orders_per_day: u32,
    /// Whether the platform pushes. Default no.
    #[serde(default)]
    pub push: bool,
    /// Presets of deadlines, by name; empty takes the platform's default, if there is one.
    #[serde(default)]
    pub sla_presets: Vec<String>,
    /// The preset of KPI targets, by name. Default `seed`.
    #[serde(default = "seed")]
    pub kpi_targets: String,
    /// When orders are completed.
    #[serde(default)]
    pub completion: CompletionPolicy,
    /// Review, where this shop differs from the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<ReviewPolicy>,
}

fn seed() -> String {
    "seed".to_owned()
}

impl ShopPolicy {
    /// The shop's key.
    #[must_use]
    pub fn key(&self) -> ShopKey {
        ShopKey::new(self.platform.clone(), self.shop.clone())
    }
}

/// Everything a host decides. Fields that are left out have their defaults.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Policy {
    /// Calendars by name.
    pub calendars: BTreeMap<String, WorkCalendar>,
    /// Shops.
    pub shops: Vec<ShopPolicy>,
    /// Deadline rules of the shops; they come before presets.
    pub sla_rules: Vec<SlaRule>,
    /// Review.
    pub review: ReviewPolicy,
    /// Classification.
    pub classification: ClassificationPolicy,
    /// Allocation.
    pub allocation: AllocationPolicy,
    /// Routing.
    pub route: RoutePolicy,
    /// Routing rules.
    pub route_rules: Vec<RouteRule>,
    /// Contract prices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_cards: Option<RateCards>,
    /// Catalogues of services, by name: those of this crate.
    pub catalogues: Vec<String>,
    /// Services of the host's own.
    pub services: Vec<CarrierService>,
    /// How carriers are called on platforms.
    pub carrier_names: CarrierMap,
    /// Alerts and the ladder.
    pub alerts: AlertPolicy,
    /// Alerts about whole shops.
    pub shop_alerts: ShopWatchOptions,
    /// Exceptions.
    pub exceptions: ExceptionPolicy,
    /// Messages to buyers.
    pub messages: MessagePolicy,
    /// How often carriers are asked about parcels.
    pub tracking: TrackPollPolicy,
    /// KPI targets that differ from the presets.
    pub kpi_targets: KpiTargets,
}

/// A document that is no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct PolicyError {
    /// Path of the field, for example `shops[0].currency`.
    pub field: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Something in a policy that cannot work or is surely not meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFinding {
    /// Path of the field, for example `alerts.ship_ladder.steps[1].hours_left`.
    pub field: String,
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for PolicyFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.reason)
    }
}

/// Names of presets in a policy that cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyPresetError {
    /// The policy has no such shop.
    #[error("shops: there is no shop {0}")]
    UnknownShop(ShopKey),
    /// Deadlines.
    #[error("shops.sla_presets: {0}")]
    Sla(#[from] presets::PresetError),
    /// Targets.
    #[error("shops.kpi_targets: {0}")]
    Targets(#[from] TargetError),
}

/// The presets of whole policies.
const PRESETS: &[(&str, &str)] = &[("seeds", include_str!("presets/policy_seeds.json"))];

impl Policy {
    /// Reads a policy from JSON. Other formats read it through serde: `toml::from_str(…)`.
    ///
    /// # Errors
    /// [`PolicyError`], which names the field. Unknown fields are errors: a misspelt one would be
    /// ignored for ever.
    pub fn from_json(text: &str) -> Result<Self, PolicyError> {
        let mut reader = serde_json::Deserializer::from_str(text);
        let policy = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            PolicyError { field: error.path().to_string(), reason: error.inner().to_string() }
        })?;
        reader
            .end()
            .map_err(|error| PolicyError { field: ".".to_owned(), reason: error.to_string() })?;
        Ok(policy)
    }

    /// A whole policy by name. `seeds` has the numbers that sellers' guides give for the three
    /// marketplaces; shops and calendars are the host's to add.
    #[must_use]
    pub fn preset(name: &str) -> Option<Self> {
        let (_, text) = PRESETS.iter().find(|(known, _)| *known == name)?;
        Self::from_json(text).ok()
    }

    /// The names that [`Policy::preset`] knows.
    pub fn presets() -> impl Iterator<Item = &'static str> {
        PRESETS.iter().map(|(name, _)| *name)
    }

    /// A shop's decisions.
    #[must_use]
    pub fn shop(&self, key: &ShopKey) -> Option<&ShopPolicy> {
        self.shops.iter().find(|shop| shop.platform == key.platform && shop.shop == key.shop)
    }

    /// The calendar of a shop.
    #[must_use]
    pub fn calendar(&self, key: &ShopKey) -> Option<&WorkCalendar> {
        self.calendars.get(&self.shop(key)?.calendar)
    }

    /// The deadline rules of a shop: its own, and the presets it names or its platform's default.
    ///
    /// # Errors
    /// [`PolicyPresetError`].
    pub fn sla_rules(&self, key: &ShopKey) -> Result<SlaRules, PolicyPresetError> {
        let shop = self.shop(key).ok_or_else(|| PolicyPresetError::UnknownShop(key.clone()))?;
        let mut rules = SlaRules { shop: self.sla_rules.clone(), presets: Vec::new() };
        for name in &shop.sla_presets {
            let mut preset = presets::load(name)?;
            if preset.platform.is_none() {
                preset = preset.for_platform(&shop.platform);
            }
            rules.presets.extend(preset.rules);
        }
        if shop.sla_presets.is_empty()
            && let Some(preset) = presets::default_for(&shop.platform)
        {
            rules.presets.extend(preset.rules);
        }
        Ok(rules)
    }

    /// The KPI targets of a shop: the host's own, then those of the preset it names.
    ///
    /// # Errors
    /// [`PolicyPresetError`].
    pub fn targets(&self, key: &ShopKey) -> Result<KpiTargets, PolicyPresetError> {
        let shop = self.shop(key).ok_or_else(|| PolicyPresetError::UnknownShop(key.clone()))?;
        let mut targets = KpiTargets::preset(&shop.kpi_targets)?;
        for (id, target) in &self.kpi_targets.targets {
            targets.targets.insert(*id, target.clone());
        }
        Ok(targets)
    }

    /// Every service: those of the catalogues named, then the host's own, which replace one of the
    /// same key.
    #[must_use]
    pub fn all_services(&self) -> Vec<CarrierService> {
        let mut services: BTreeMap<_, CarrierService> = BTreeMap::new();
        let listed = self
            .catalogues
            .iter()
            .filter_map(|name| ServiceCatalogue::preset(name))
            .flat_map(|catalogue| catalogue.services());
        for service in listed.chain(self.services.iter().cloned()) {
            services.insert(service.key.clone(), service);
        }
        services.into_values().collect()
    }

    /// Older names of services, of the catalogues named.
    #[must_use]
    pub fn service_aliases(&self) -> ServiceAliases {
        self.catalogues
            .iter()
            .filter_map(|name| ServiceCatalogue::preset(name))
            .map(|catalogue| catalogue.aliases())
            .fold(ServiceAliases::new(), ServiceAliases::merged)
    }

    /// Everything in the policy that cannot work or is surely not meant, by field. Empty is sound.
    #[must_use]
    pub fn validate(&self) -> Vec<PolicyFinding> {
        let mut found = Findings(Vec::new());
        for (name, calendar) in &self.calendars {
            found.calendar(&format!("calendars.{name}"), calendar);
        }
        self.check_shops(&mut found);
        let mut names = BTreeSet::new();
        for (index, rule) in self.sla_rules.iter().enumerate() {
            let at = format!("sla_rules[{index}]");
            if rule.name.trim().is_empty() {
                found.add(format!("{at}.name"), "is empty");
            } else if !names.insert(&rule.name) {
                found.add(format!("{at}.name"), format!("{:?} occurs twice", rule.name));
            }
            match &rule.span {
                Span::Elapsed { hours: 0 } => {
                    found.add(format!("{at}.span.elapsed.hours"), "must be at least 1");
                }
                Span::BusinessDays { days, calendar, .. } => {
                    if *days > MAX_WORKING_DAYS {
                        found.add(
                            format!("{at}.span.business_days.days"),
                            format!("must be at most {MAX_WORKING_DAYS}"),
                        );
                    }
                    found.calendar(&format!("{at}.span.business_days.calendar"), calendar);
                }
                _ => {}
            }
        }
        found.ladder("alerts.ship_ladder", &self.alerts.ship_ladder);
        found.ladder("alerts.acknowledge_ladder", &self.alerts.acknowledge_ladder);
        found.ladder("exceptions.ladder", &self.exceptions.ladder);
        if self.alerts.upload_note_minutes > self.alerts.upload_mail_minutes {
            found.add("alerts.upload_note_minutes", "must not be more than upload_mail_minutes");
        }
        if self.alerts.repeat_hours == Some(0) {
            found.add("alerts.repeat_hours", "must be at least 1; leave it out for never");
        }
        if self.shop_alerts.late_warn_percent > self.shop_alerts.late_critical_percent {
            found.add(
                "shop_alerts.late_warn_percent",
                "must not be more than late_critical_percent",
            );
        }
        self.check_allocation(&mut found);
        self.check_routing(&mut found);
        let bands = self.classification.value_bands.iter().map(|(bound, _)| bound);
        found.ascending("classification.value_bands", bands);
        let classes = self.classification.weight_classes.iter().map(|(bound, _)| bound);
        found.ascending("classification.weight_classes", classes);
        if self.messages.survey_hours > self.messages.survey_until_hours {
            found.add("messages.survey_hours", "must not be more than survey_until_hours");
        }
        for (name, hours) in [
            ("before_scan_hours", self.tracking.before_scan_hours),
            ("moving_hours", self.tracking.moving_hours),
            ("out_for_delivery_hours", self.tracking.out_for_delivery_hours),
            ("trouble_hours", self.tracking.trouble_hours),
        ] {
            if hours == 0 {
                found.add(format!("tracking.{name}"), "must be at least 1");
            }
        }
        found.0.sort_by(|a, b| a.field.cmp(&b.field).then_with(|| a.reason.cmp(&b.reason)));
        found.0
    }

    fn check_shops(&self, found: &mut Findings) {
        let mut keys = BTreeSet::new();
        for (index, shop) in self.shops.iter().enumerate() {
            let at = format!("shops[{index}]");
            if !keys.insert(shop.key()) {
                found.add(format!("{at}.shop"), format!("{} occurs twice", shop.key()));
            }
            if !self.calendars.contains_key(&shop.calendar) {
                let known: Vec<&str> = self.calendars.keys().map(String::as_str).collect();
                found.add(
                    format!("{at}.calendar"),
                    format!(
                        "there is no calendar {:?}; there are: {}",
                        shop.calendar,
                        known.join(", ")
                    ),
                );
            }
            for (number, name) in shop.sla_presets.iter().enumerate() {
                match presets::load(name) {
                    Err(error) => found.add(format!("{at}.sla_presets[{number}]"), error),
                    Ok(preset)
                        if preset.platform.as_ref().is_some_and(|of| *of != shop.platform) =>
                    {
                        found.add(
                            format!("{at}.sla_presets[{number}]"),
                            format!("the preset {name:?} is for another platform"),
                        );
                    }
                    Ok(_) => {}
                }
            }
            if let Err(error) = KpiTargets::preset(&shop.kpi_targets) {
                found.add(format!("{at}.kpi_targets"), error);
            }
        }
    }

    fn check_allocation(&self, found: &mut Findings) {
        if self.allocation.max_splits == 0 {
            found.add("allocation.max_splits", "must be at least 1");
        }
        if self.allocation.min_split_value.is_some_and(|value| value.is_sign_negative()) {
            found.add("allocation.min_split_value", "must not be negative");
        }
        let mut seen = Vec::new();
        for (index, preference) in self.allocation.preferences.iter().enumerate() {
            if seen.contains(preference) {
                found.add(format!("allocation.preferences[{index}]"), "occurs twice");
            }
            seen.push(*preference);
        }
    }

    fn check_routing(&self, found: &mut Findings) {
        if self.route.quote_ttl_hours == 0 {
            found.add("route.quote_ttl_hours", "must be at least 1");
        }
        for (index, name) in self.catalogues.iter().enumerate() {
            if ServiceCatalogue::preset(name).is_none() {
                found
                    .add(format!("catalogues[{index}]"), format!("there is no catalogue {name:?}"));
            }
        }
        let services = self.all_services();
        // Without a catalogue here the host's adapters bring the services: names and coverage
        // cannot be judged, contradictions within the rules can.
        let cards = self.rate_cards.clone().unwrap_or_default();
        for finding in lint_routes(&self.route_rules, &services, &cards, &self.service_aliases()) {
            let needs_catalogue = matches!(
                finding,
                RouteFinding::UnknownService { .. }
                    | RouteFinding::ForcesDisabled { .. }
                    | RouteFinding::Uncovered { .. }
                    | RouteFinding::NothingLeft { .. }
            );
            if needs_catalogue && services.is_empty() {
                continue;
            }
            let index = finding
                .rule()
                .and_then(|id| self.route_rules.iter().rposition(|rule| rule.id == id));
            let at = match index {
                Some(index) => format!("route_rules[{index}].{}", finding.field()),
                None => "services".to_owned(),
            };
            found.add(at, finding);
        }
    }
}

struct Findings(Vec<PolicyFinding>);

impl Findings {
    fn add(&mut self, field: impl Into<String>, reason: impl fmt::Display) {
        self.0.push(PolicyFinding { field: field.into(), reason: reason.to_string() });
    }

    fn calendar(&mut self, at: &str, calendar: &WorkCalendar) {
        if !calendar.working_weekdays.contains(&true) {
            self.add(format!("{at}.working_weekdays"), "no weekday is worked");
        }
        for (day, _) in calendar.half_days.iter().filter(|(day, _)| !calendar.is_working_day(**day))
        {
            self.add(format!("{at}.half_days.{day}"), "is no working day");
        }
    }

    /// Steps must come nearer and nearer to the deadline, each level once.
    fn ladder(&mut self, at: &str, ladder: &Ladder) {
        let mut before: Option<(Level, u32, u32)> = None;
        for (index, step) in ladder.steps.iter().enumerate() {
            let at = format!("{at}.steps[{index}]");
            if step.level == Level::Breach {
                self.add(format!("{at}.level"), "a breach is no step: it has channels of its own");
            }
            if !(1..=100).contains(&step.percent_left) {
                self.add(format!("{at}.percent_left"), "must be between 1 and 100");
            }
            if let Some((level, hours, percent)) = before {
                if step.level <= level {
                    self.add(format!("{at}.level"), "must be above the step before");
                }
                if step.hours_left >= hours {
                    self.add(format!("{at}.hours_left"), "must be less than in the step before");
                }
                if step.percent_left >= percent {
                    self.add(format!("{at}.percent_left"), "must be less than in the step before");
                }
            }
            before = Some((step.level, step.hours_left, step.percent_left));
        }
    }

    fn ascending<'a, T: PartialOrd + 'a>(
        &mut self,
        at: &str,
        bounds: impl IntoIterator<Item = &'a T>,
    ) {
        let mut before: Option<&T> = None;
        for (index, bound) in bounds.into_iter().enumerate() {
            if before.is_some_and(|before| bound <= before) {
                self.add(format!("{at}[{index}]"), "must be above the one before");
            }
            before = Some(bound);
        }
    }
}
