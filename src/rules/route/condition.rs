//! Rules of a shop: when they apply, and what they do.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::RouteInput;
use crate::address::text::begins_with;
use crate::address::{Country, WrittenState};
use crate::ids::{PlatformId, ShopId, Sku, WarehouseId};
use crate::money::Currency;
use crate::order::{LogisticsMode, SpeedClass};
use crate::shipment::ServiceKey;
use crate::units::Grams;

/// Conditions of a rule; all that are set must hold. Lists are OR inside; an empty list is no
/// condition. A field that is not known is refused when a rule is read: a misspelt condition would
/// make the rule apply to everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RouteCondition {
    /// Platforms.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub platforms: Vec<PlatformId>,
    /// Shops.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shops: Vec<ShopId>,
    /// Who issues the label.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub logistics: Vec<LogisticsMode>,
    /// Countries.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub countries: Vec<Country>,
    /// States. Where the states of the address's country are known, code and name are one: `CO` fits
    /// `Colorado`. Elsewhere as the addresses write them but for large letters and blanks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<String>,
    /// Beginnings of postcodes, of any length. Large letters and blanks decide nothing: `sw1a1` fits
    /// `SW1A 1AA`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub postcode_prefixes: Vec<String>,
    /// Smallest weight, included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_weight: Option<Grams>,
    /// Largest weight, excluded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_weight: Option<Grams>,
    /// Smallest value, included, in [`value_currency`](Self::value_currency).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_value: Option<Decimal>,
    /// Largest value, excluded, in [`value_currency`](Self::value_currency).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_value: Option<Decimal>,
    /// The currency of `min_value` and `max_value`; `None` is the order's, whatever it is. The rule
    /// does not hold for an order in another currency, and the decision says so: see
    /// [`RouteDecision::incomparable`](super::RouteDecision::incomparable).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_currency: Option<Currency>,
    /// Tags of the order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// SKUs in the parcel.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub skus: Vec<Sku>,
    /// Exactly these speeds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub speeds: Vec<SpeedClass>,
    /// Slowest speed the buyer chose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_speed: Option<SpeedClass>,
    /// The parcel's own longest admissible transit time is known and at most this, in days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_transit_days: Option<u32>,
    /// Warehouses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warehouses: Vec<WarehouseId>,
    /// Shortest distance in kilometres, included. Holds only where the distance is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_distance_km: Option<u32>,
    /// Longest distance in kilometres, excluded. Holds only where the distance is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_distance_km: Option<u32>,
    /// Zones, by the host's numbering. Holds only where the zone is known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub zones: Vec<u32>,
    /// Home or business.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub residential: Option<bool>,
}

impl RouteCondition {
    /// Whether every condition that is set holds.
    #[must_use]
    pub fn holds(&self, input: &RouteInput<'_>) -> bool {
        self.holds_but_for_value(input)
            && self.is_comparable(input)
            && self.min_value.is_none_or(|least| input.value.amount >= least)
            && self.max_value.is_none_or(|most| input.value.amount < most)
    }

    /// Whether the value of an order can be compared with the limits, if there are any.
    fn is_comparable(&self, input: &RouteInput<'_>) -> bool {
        (self.min_value.is_none() && self.max_value.is_none())
            || self.value_currency.is_none_or(|own| own == input.value.currency)
    }

    /// Whether only the currency of its limits keeps it from being judged.
    pub(super) fn is_incomparable(&self, input: &RouteInput<'_>) -> bool {
        !self.is_comparable(input) && self.holds_but_for_value(input)
    }

    fn holds_but_for_value(&self, input: &RouteInput<'_>) -> bool {
        fn listed<T: PartialEq>(list: &[T], value: Option<&T>) -> bool {
            list.is_empty() || value.is_some_and(|value| list.contains(value))
        }
        let address = input.destination;
        let in_state = |state: &str| {
            let state = WrittenState::of(address.country, state);
            self.states.iter().any(|known| state.is(known))
        };
        listed(&self.platforms, Some(input.platform))
            && listed(&self.shops, Some(input.shop))
            && listed(&self.logistics, Some(&input.logistics))
            && listed(&self.countries, address.country.as_ref())
            && (self.states.is_empty() || address.state.as_deref().is_some_and(in_state))
            && (self.postcode_prefixes.is_empty()
                || address.postal_code.as_deref().is_some_and(|code| {
                    self.postcode_prefixes.iter().any(|prefix| begins_with(code, prefix))
                }))
            && self.min_weight.is_none_or(|least| input.weight >= least)
            && self.max_weight.is_none_or(|most| input.weight < most)
            && (self.tags.is_empty() || self.tags.iter().any(|tag| input.tags.contains(tag)))
            && (self.skus.is_empty() || self.skus.iter().any(|sku| input.skus.contains(sku)))
            && listed(&self.speeds, Some(&input.speed))
            && self.min_speed.is_none_or(|least| input.speed >= least)
            && self
                .max_transit_days
                .is_none_or(|most| input.max_transit_days.is_some_and(|days| days <= most))
            && listed(&self.warehouses, input.warehouse)
            && self
                .min_distance_km
                .is_none_or(|least| input.distance_km.is_some_and(|distance| distance >= least))
            && self
                .max_distance_km
                .is_none_or(|most| input.distance_km.is_some_and(|distance| distance < most))
            && listed(&self.zones, input.zone.as_ref())
            && self.residential.is_none_or(|wanted| address.residential == Some(wanted))
    }
}

/// What a rule does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
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

impl RouteAction {
    /// Every service the action names.
    pub fn services(&self) -> impl Iterator<Item = &ServiceKey> {
        let (one, many) = match self {
            Self::Force(service) | Self::Prefer { service, .. } => (Some(service), None),
            Self::Only(set) | Self::Exclude(set) => (None, Some(set)),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }
}

/// A rule. Rules run by ascending priority, ties by id.
///
/// ```
/// use orderflow::rules::RouteRule;
///
/// let rule: RouteRule = serde_json::from_str(
///     r#"{
///         "id": "alaska-by-post",
///         "when": { "countries": ["US"], "states": ["AK"], "max_weight": 31000 },
///         "then": { "only": [{ "carrier": "post", "service": "GROUND" }] },
///         "stop": true
///     }"#,
/// )?;
/// assert!(rule.is_final());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteRule {
    /// Smaller runs first.
    #[serde(default)]
    pub priority: i32,
    /// Its id.
    pub id: String,
    /// When it applies.
    #[serde(default, rename = "when")]
    pub condition: RouteCondition,
    /// What it does.
    #[serde(rename = "then")]
    pub action: RouteAction,
    /// Whether it is the last one when it applies. With [`RouteAction::Only`] this gives a table
    /// whose first matching row decides which services are allowed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stop: bool,
}

impl RouteRule {
    /// Whether no further rule runs after it: it says so, or it forces a service.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        self.stop || matches!(self.action, RouteAction::Force(_))
    }
}

/// Rules in the order in which they run: priority, then id; equal ones by content, so that the
/// order they were listed in never decides.
pub(super) fn in_order<'a>(rules: impl IntoIterator<Item = &'a RouteRule>) -> Vec<&'a RouteRule> {
    let mut rules: Vec<&RouteRule> = rules.into_iter().collect();
    // The fields are declared in this order: the derived comparison is the order of running.
    rules.sort_unstable();
    rules
}
