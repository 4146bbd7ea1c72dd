//! Catalogues of services as dated data, and the older names of services.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::ids::ServiceCode;
use crate::shipment::{CarrierService, ServiceKey};

/// Older names of services: rules, quotes and platforms that use one mean its successor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceAliases(BTreeMap<ServiceKey, ServiceKey>);

impl ServiceAliases {
    /// No older names.
    #[must_use]
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Adds an older name. Names of names are not followed: `successor` must be the service itself.
    #[must_use]
    pub fn with(mut self, name: ServiceKey, successor: ServiceKey) -> Self {
        self.0.insert(name, successor);
        self
    }

    /// The service a name stands for: its successor, or itself.
    #[must_use]
    pub fn resolve<'a>(&'a self, name: &'a ServiceKey) -> &'a ServiceKey {
        self.0.get(name).unwrap_or(name)
    }

    /// The older names of a service.
    pub fn names_of<'a>(&'a self, service: &'a ServiceKey) -> impl Iterator<Item = &'a ServiceKey> {
        self.0.iter().filter(move |(_, successor)| *successor == service).map(|(name, _)| name)
    }

    /// The same with those of another set, which win where both know a name.
    #[must_use]
    pub fn merged(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Services as of a day, from a stated source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceCatalogue {
    /// The day it was last compared with its source.
    pub as_of: NaiveDate,
    /// Where it comes from.
    pub source: String,
    /// The services.
    pub services: Vec<ListedService>,
}

/// A service of a catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedService {
    /// The service.
    pub service: CarrierService,
    /// Older and colloquial names.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// What it is good for, in words.
    #[serde(rename = "use")]
    pub good_for: String,
    /// Which of its facts are stated where.
    pub source: String,
}

impl ServiceCatalogue {
    /// A catalogue that comes with the crate. `guide_catalogue` is the one of the sellers' guides:
    /// ten services with usual transit days and price classes. `None` is an unknown name.
    ///
    /// ```
    /// use orderflow::rules::ServiceCatalogue;
    ///
    /// let catalogue = ServiceCatalogue::preset("guide_catalogue").unwrap();
    /// // A product that no longer exists means its successor.
    /// let service = catalogue.find("USPS First Class").unwrap();
    /// assert_eq!(service.name, "USPS Ground Advantage");
    /// assert_eq!((service.min_transit_days, service.max_transit_days), (2, 5));
    /// ```
    #[must_use]
    pub fn preset(name: &str) -> Option<Self> {
        let mut all: BTreeMap<String, Self> =
            serde_json::from_str(include_str!("../presets/services.json")).ok()?;
        all.remove(name)
    }

    /// The services alone, as [`route`](super::route) takes them.
    #[must_use]
    pub fn services(&self) -> Vec<CarrierService> {
        self.services.iter().map(|listed| listed.service.clone()).collect()
    }

    /// A service by its name, its code or one of its older names, in any case.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&CarrierService> {
        let is = |text: &str| text.eq_ignore_ascii_case(name.trim());
        let exact = self
            .services
            .iter()
            .find(|listed| is(&listed.service.name) || is(listed.service.key.service.as_str()));
        exact
            .or_else(|| self.services.iter().find(|listed| listed.aliases.iter().any(|a| is(a))))
            .map(|listed| &listed.service)
    }

    /// The older names of its services, under the same carrier. Names that cannot be service codes
    /// are left out.
    #[must_use]
    pub fn aliases(&self) -> ServiceAliases {
        let mut aliases = ServiceAliases::new();
        for listed in &self.services {
            let key = &listed.service.key;
            for name in listed.aliases.iter().filter_map(|name| ServiceCode::new(name).ok()) {
                aliases = aliases.with(ServiceKey::new(key.carrier.clone(), name), key.clone());
            }
        }
        aliases
    }
}
