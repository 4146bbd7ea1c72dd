//! Everything a host decides, as one document: shops, calendars, deadlines, alerts, routing,
//! allocation, targets.
//!
//! A policy is data. It is written in JSON or TOML, checked as a whole, and every finding names the
//! field and the reason. What it leaves out has the defaults of this crate; presets come in by name.
//!
//! Not in it is what belongs to a question and not to a shop: which orders and instants a key figure
//! counts ([`KpiPolicy`](super::kpi::KpiPolicy), in each [`KpiQuery`](super::kpi::KpiQuery)) and the
//! limits of the analytics ([`TrendPolicy`](super::analytics::TrendPolicy) and its siblings).
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

mod twice;
mod validate;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::alert::{AlertPolicy, ShopWatchOptions};
use super::allocate::AllocationPolicy;
use super::classify::ClassificationPolicy;
use super::customs::CustomsBook;
use super::exceptions::ExceptionPolicy;
use super::kpi::{KpiTargets, TargetError};
use super::message::MessagePolicy;
use super::poll::{PollPlan, PollPolicy, TrackPollPolicy};
use super::print_slots::PrintSlots;
use super::review::ReviewPolicy;
use super::route::{RateCards, RoutePolicy, RouteRule, ServiceAliases, ServiceCatalogue};
use super::sla::{SlaRule, SlaRules, presets};
use super::upload::CarrierMap;
use crate::calendar::WorkCalendar;
use crate::ids::{PlatformId, ShopId, ShopKey};
use crate::money::Currency;
use crate::order::{CompletionPolicy, DeadlineKind};
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
    /// What customs asks of goods.
    pub customs: CustomsBook,
    /// When labels are bought and printed.
    pub print_slots: PrintSlots,
    /// Alerts and the ladder.
    pub alerts: AlertPolicy,
    /// Alerts about whole shops.
    pub shop_alerts: ShopWatchOptions,
    /// Exceptions.
    pub exceptions: ExceptionPolicy,
    /// Messages to buyers.
    pub messages: MessagePolicy,
    /// How often platforms are asked for orders: the bounds of the plan.
    pub polling: PollPolicy,
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
const PRESETS: &[(&str, &str)] = &[("seeds", include_str!("../presets/policy_seeds.json"))];

impl Policy {
    /// Reads a policy from JSON. Other formats read it through serde: `toml::from_str(…)`.
    ///
    /// # Errors
    /// [`PolicyError`], which names the field. Unknown fields are errors in every part: a misspelt
    /// one would be ignored for ever. So are lists in place of objects, which serde alone would take
    /// for fields by position; other formats still do. So are keys that an object has twice, of which
    /// the last would win.
    pub fn from_json(text: &str) -> Result<Self, PolicyError> {
        let mut reader = serde_json::Deserializer::from_str(text);
        let policy = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            PolicyError { field: error.path().to_string(), reason: error.inner().to_string() }
        })?;
        reader
            .end()
            .map_err(|error| PolicyError { field: ".".to_owned(), reason: error.to_string() })?;
        let unreadable = |error: serde_json::Error| PolicyError {
            field: ".".to_owned(),
            reason: error.to_string(),
        };
        if let Some(field) = twice::key_twice(text).map_err(unreadable)? {
            return Err(PolicyError { field, reason: "occurs twice in its object".to_owned() });
        }
        let given: Value = serde_json::from_str(text).map_err(unreadable)?;
        let meant = serde_json::to_value(&policy).map_err(unreadable)?;
        match list_for_object(".", &given, &meant) {
            Some(field) => Err(PolicyError {
                field,
                reason: "must be an object with named fields, not a list".to_owned(),
            }),
            None => Ok(policy),
        }
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

    /// How often a shop is asked for orders: by its orders a day, push, and whether a deadline rule
    /// of it sets an acknowledgement clock.
    ///
    /// # Errors
    /// [`PolicyPresetError`].
    pub fn poll_plan(&self, key: &ShopKey) -> Result<PollPlan, PolicyPresetError> {
        let shop = self.shop(key).ok_or_else(|| PolicyPresetError::UnknownShop(key.clone()))?;
        let rules = self.sla_rules(key)?;
        let has_clock = rules.shop.iter().chain(&rules.presets).any(|rule| {
            let is_of_shop = rule.scope.platform.as_ref().is_none_or(|of| *of == shop.platform);
            is_of_shop
                && matches!(
                    rule.kind,
                    DeadlineKind::AcknowledgeBy | DeadlineKind::AutoCancelUnlessAcknowledged
                )
        });
        Ok(self.polling.plan(shop.orders_per_day, shop.push, has_clock))
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
}

/// The first place where a list was given and an object is meant.
fn list_for_object(at: &str, given: &Value, meant: &Value) -> Option<String> {
    let below = |at: &str, key: &str| match at {
        "." => key.to_owned(),
        _ => format!("{at}.{key}"),
    };
    match (given, meant) {
        (Value::Array(_), Value::Object(_)) => Some(at.to_owned()),
        (Value::Object(given), Value::Object(meant)) => given
            .iter()
            .find_map(|(key, value)| list_for_object(&below(at, key), value, meant.get(key)?)),
        (Value::Array(given), Value::Array(meant)) => {
            given.iter().zip(meant).enumerate().find_map(|(index, (given, meant))| {
                list_for_object(&format!("{at}[{index}]"), given, meant)
            })
        }
        _ => None,
    }
}
