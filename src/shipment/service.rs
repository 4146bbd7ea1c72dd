//! Carrier services: what can carry a parcel, and for how much.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::customs::CustomsDeclaration;
use crate::address::{Contact, Country};
use crate::ids::{CarrierId, ServiceCode, WarehouseId};
use crate::money::Money;
use crate::order::SpeedClass;
use crate::units::{Dimensions, Grams, Millimetres};

/// Names a service of a carrier.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceKey {
    /// The carrier.
    pub carrier: CarrierId,
    /// Its service.
    pub service: ServiceCode,
}

impl ServiceKey {
    /// Puts the two parts together.
    #[must_use]
    pub const fn new(carrier: CarrierId, service: ServiceCode) -> Self {
        Self { carrier, service }
    }
}

impl std::fmt::Display for ServiceKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.carrier, self.service)
    }
}

/// A rough price class, for choosing without quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CostTier {
    /// Cheapest.
    Low,
    /// Between low and medium.
    MediumLow,
    /// In the middle.
    Medium,
    /// Dearest.
    High,
}

/// A service of the catalogue: where it goes, what it takes, how long it needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CarrierService {
    /// Which.
    pub key: ServiceKey,
    /// Name for people.
    pub name: String,
    /// Whether it may be used.
    pub enabled: bool,
    /// How fast it counts.
    pub speed: SpeedClass,
    /// Shortest usual days on the way.
    pub min_transit_days: u32,
    /// Longest usual days on the way; the promise is kept by this one.
    pub max_transit_days: u32,
    /// Rough price class.
    pub cost_tier: CostTier,
    /// Where it goes and what it takes.
    pub coverage: Coverage,
    /// Largest weight.
    pub max_weight: Option<Grams>,
    /// Largest length plus girth.
    pub max_length_plus_girth: Option<Millimetres>,
    /// Largest single side.
    pub max_length: Option<Millimetres>,
    /// Highest value it takes. A value in another currency is not compared with it.
    pub max_value: Option<Money>,
    /// Whether batteries may be inside.
    pub batteries: bool,
    /// Whether liquids may be inside.
    pub liquids: bool,
    /// Whether it is an economy or postal service, preferred for light parcels without quotes.
    pub economy: bool,
    /// Parcels it still takes today; `None` is no limit.
    pub capacity_left: Option<u32>,
    /// Smaller wins when everything else is equal.
    pub priority: u32,
}

/// Where a service goes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coverage {
    /// Countries; empty is every country.
    #[serde(default)]
    pub countries: Vec<Country>,
    /// Countries left out.
    #[serde(default)]
    pub excluded_countries: Vec<Country>,
    /// States within the countries, by code or name where the country's states are known (see
    /// [`Country::state_code`](crate::Country::state_code)); empty is every state.
    #[serde(default)]
    pub states: Vec<String>,
    /// States left out.
    #[serde(default)]
    pub excluded_states: Vec<String>,
    /// Postcode prefixes; empty is every postcode.
    #[serde(default)]
    pub postcode_prefixes: Vec<String>,
    /// Postcode prefixes left out.
    #[serde(default)]
    pub excluded_postcode_prefixes: Vec<String>,
    /// Cities, in any case; empty is every city.
    #[serde(default)]
    pub cities: Vec<String>,
    /// Cities left out, in any case.
    #[serde(default)]
    pub excluded_cities: Vec<String>,
    /// Whether post-office boxes are refused.
    #[serde(default)]
    pub no_po_box: bool,
    /// Whether only business addresses are served.
    #[serde(default)]
    pub no_residential: bool,
    /// Whether places that count as remote are refused.
    #[serde(default)]
    pub no_remote: bool,
}

/// What a carrier is asked for a price of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateRequest {
    /// From whom.
    pub sender: Contact,
    /// To whom.
    pub recipient: Contact,
    /// How heavy, packaging included.
    pub weight: Grams,
    /// How big; some carriers refuse without.
    pub dimensions: Option<Dimensions>,
    /// What the goods are worth, where insurance or customs need it.
    pub value: Option<Money>,
    /// What customs wants to know, for parcels that cross a border.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customs: Option<Box<CustomsDeclaration>>,
    /// The local day of hand-over.
    pub mailing_date: NaiveDate,
}

/// What a carrier offers for a parcel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateQuote {
    /// Which service.
    pub service: ServiceKey,
    /// Name for people, plain text.
    pub name: String,
    /// All surcharges included.
    pub total: Money,
    /// Promised or expected day of arrival.
    pub deliver_on: Option<NaiveDate>,
    /// Days on the way, if the carrier says so.
    pub transit_days: Option<u32>,
    /// Whether the day is guaranteed.
    pub guaranteed: bool,
    /// What the carrier's own purchase call needs to give exactly this offer. Opaque.
    pub token: Option<String>,
    /// When it was asked.
    pub quoted_at: DateTime<Utc>,
}

/// The service chosen for a parcel, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceChoice {
    /// Which.
    pub service: ServiceKey,
    /// What it should cost.
    pub cost: Option<Money>,
    /// When it should arrive.
    pub deliver_on: Option<NaiveDate>,
    /// The quote's token, for the purchase.
    pub token: Option<String>,
    /// When its price was asked for; `None` when it was chosen without one.
    pub quoted_at: Option<DateTime<Utc>>,
    /// Why this one, in words that can be repeated to a customer.
    pub reasons: Vec<String>,
}

/// What a carrier is asked to sell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelRequest {
    /// The account to charge, by the host's name for it.
    pub account: Option<String>,
    /// From whom.
    pub sender: Contact,
    /// To whom.
    pub recipient: Contact,
    /// Which service.
    pub service: ServiceKey,
    /// The token of the quote, if there was one.
    pub token: Option<String>,
    /// How heavy, packaging included.
    pub weight: Grams,
    /// How big.
    pub dimensions: Option<Dimensions>,
    /// What the goods are worth.
    pub value: Option<Money>,
    /// What customs wants to know, for parcels that cross a border.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customs: Option<Box<CustomsDeclaration>>,
    /// The local day of hand-over, printed on the label.
    pub mailing_date: NaiveDate,
    /// Which language the label should be in.
    pub format: super::LabelFormat,
    /// References printed on the label or stored with it, the package id first.
    pub references: Vec<String>,
    /// Where it leaves from.
    pub warehouse: Option<WarehouseId>,
}

/// A purchase that was intended: what is needed to find out what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelIntent {
    /// The key it was sent under.
    pub key: crate::ids::IdempotencyKey,
    /// What was asked for.
    pub request: LabelRequest,
    /// When the intent was written down.
    pub created_at: DateTime<Utc>,
    /// When it was last sent. Whatever shows a new shipment with a delay is given that delay from
    /// here.
    pub sent_at: DateTime<Utc>,
}

impl LabelIntent {
    /// Whether it was sent more than once: then there may be more than one shipment of it.
    #[must_use]
    pub fn was_sent_again(&self) -> bool {
        self.sent_at > self.created_at
    }
}
