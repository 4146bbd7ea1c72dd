//! Mercado Libre's JSON as it is written, read tolerantly.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::client::wire::{
    OneOrMany, exact_decimal, exact_decimal_opt, string_or_number, string_or_number_opt,
};

/// Reads `null` as the empty value.
pub(super) fn or_empty<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// Reads a text as it is where it can be borrowed: only escapes cost a copy.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// An instant in the forms seen: RFC 3339, and `-0400` without the colon.
pub(super) fn parse_instant(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"))
        .ok()
        .map(|at| at.to_utc())
}

pub(super) fn instant<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<DateTime<Utc>, D::Error> {
    let text = Text::deserialize(deserializer)?;
    parse_instant(&text.0).ok_or_else(|| serde::de::Error::custom("expected an instant"))
}

pub(super) fn instant_opt<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<DateTime<Utc>>, D::Error> {
    match Option::<Text<'de>>::deserialize(deserializer)? {
        Some(text) if !text.0.trim().is_empty() => parse_instant(&text.0)
            .map(Some)
            .ok_or_else(|| serde::de::Error::custom("expected an instant")),
        _ => Ok(None),
    }
}

/// Something with an id, and nothing else of interest.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct WithId {
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) id: Option<String>,
}

// ---- orders -----------------------------------------------------------------------------------

#[derive(Deserialize)]
pub(super) struct SearchAnswer<'a> {
    #[serde(borrow)]
    pub(super) results: Vec<&'a RawValue>,
    #[serde(default)]
    pub(super) paging: Paging,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(super) struct Paging {
    #[serde(default)]
    pub(super) total: u64,
    #[serde(default)]
    pub(super) offset: u64,
    #[serde(default)]
    pub(super) limit: u64,
}

/// Only the ids, for orders of which nothing else can be read.
#[derive(Deserialize)]
pub(super) struct OnlyIds {
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) id: Option<String>,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) pack_id: Option<String>,
}

/// A result of the search across borders: a pack, or an order without one.
#[derive(Deserialize)]
pub(super) struct GlobalResult {
    #[serde(deserialize_with = "string_or_number")]
    pub(super) id: String,
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) orders: Vec<WithId>,
}

#[derive(Deserialize)]
pub(super) struct WireOrder {
    #[serde(deserialize_with = "string_or_number")]
    pub(super) id: String,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) pack_id: Option<String>,
    #[serde(deserialize_with = "instant")]
    pub(super) date_created: DateTime<Utc>,
    /// Called `date_last_updated` in older bodies.
    #[serde(default, alias = "date_last_updated", deserialize_with = "instant_opt")]
    pub(super) last_updated: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "instant_opt")]
    pub(super) date_closed: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "instant_opt")]
    pub(super) manufacturing_ending_date: Option<DateTime<Utc>>,
    pub(super) status: String,
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) tags: Vec<String>,
    pub(super) order_items: Vec<WireItem>,
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    pub(super) total_amount: Option<Decimal>,
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    pub(super) shipping_cost: Option<Decimal>,
    #[serde(default)]
    pub(super) currency_id: Option<String>,
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) payments: Vec<WirePayment>,
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) shipping: WithId,
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) buyer: WireBuyer,
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) context: WireContext,
    #[serde(default)]
    pub(super) cancel_detail: Option<CancelDetail>,
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) mediations: Vec<WithId>,
}

#[derive(Default, Deserialize)]
pub(super) struct WireBuyer {
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) id: Option<String>,
    #[serde(default)]
    pub(super) nickname: Option<String>,
    #[serde(default)]
    pub(super) first_name: Option<String>,
    #[serde(default)]
    pub(super) last_name: Option<String>,
}

#[derive(Default, Deserialize)]
pub(super) struct WireContext {
    #[serde(default)]
    pub(super) channel: Option<String>,
    #[serde(default)]
    pub(super) site: Option<String>,
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) flows: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct CancelDetail {
    #[serde(default)]
    pub(super) group: Option<String>,
    #[serde(default)]
    pub(super) code: Option<String>,
    #[serde(default)]
    pub(super) requested_by: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct WireItem {
    pub(super) item: ItemFacts,
    pub(super) quantity: u32,
    #[serde(deserialize_with = "exact_decimal")]
    pub(super) unit_price: Decimal,
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    pub(super) full_unit_price: Option<Decimal>,
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    pub(super) sale_fee: Option<Decimal>,
    #[serde(default)]
    pub(super) currency_id: Option<String>,
    #[serde(default)]
    pub(super) manufacturing_days: Option<u32>,
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) stock: OneOrMany<ItemStock>,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) element_id: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct ItemFacts {
    #[serde(deserialize_with = "string_or_number")]
    pub(super) id: String,
    #[serde(default)]
    pub(super) title: Option<String>,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) variation_id: Option<String>,
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) variation_attributes: Vec<Attribute>,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) seller_sku: Option<String>,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) seller_custom_field: Option<String>,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) user_product_id: Option<String>,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) parent_item_id: Option<String>,
    #[serde(default)]
    pub(super) condition: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Attribute {
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) value_name: Option<String>,
}

/// A list in the documentation, an object in a real answer.
#[derive(Deserialize)]
pub(super) struct ItemStock {
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) store_id: Option<String>,
    #[serde(default, alias = "node_id", deserialize_with = "string_or_number_opt")]
    pub(super) network_node_id: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct WirePayment {
    #[serde(deserialize_with = "string_or_number")]
    pub(super) id: String,
    #[serde(default)]
    pub(super) status: Option<String>,
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    pub(super) transaction_amount: Option<Decimal>,
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    pub(super) total_paid_amount: Option<Decimal>,
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    pub(super) transaction_amount_refunded: Option<Decimal>,
    #[serde(default)]
    pub(super) currency_id: Option<String>,
    #[serde(default)]
    pub(super) payment_method_id: Option<String>,
    #[serde(default, deserialize_with = "instant_opt")]
    pub(super) date_approved: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
pub(super) struct WirePack {
    #[serde(default)]
    pub(super) status: Option<String>,
    #[serde(default)]
    pub(super) status_detail: Option<String>,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) family_pack_id: Option<String>,
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) orders: Vec<WithId>,
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) shipment: WithId,
}

// ---- shipments, in the new view and in the old one ----------------------------------------------

#[derive(Deserialize)]
pub(super) struct WireShipment {
    #[serde(deserialize_with = "string_or_number")]
    pub(super) id: String,
    pub(super) status: String,
    #[serde(default)]
    pub(super) substatus: Option<String>,
    #[serde(default, deserialize_with = "instant_opt")]
    pub(super) last_updated: Option<DateTime<Utc>>,
    #[serde(default)]
    pub(super) tracking_number: Option<String>,
    #[serde(default)]
    pub(super) tracking_method: Option<String>,
    #[serde(default)]
    pub(super) logistic: Option<Logistic>,
    /// Old view.
    #[serde(default)]
    pub(super) mode: Option<String>,
    /// Old view.
    #[serde(default)]
    pub(super) logistic_type: Option<String>,
    #[serde(default)]
    pub(super) destination: Option<Destination>,
    /// Old view.
    #[serde(default)]
    pub(super) receiver_address: Option<WireAddress>,
    #[serde(default)]
    pub(super) lead_time: Option<LeadTime>,
    /// Old view.
    #[serde(default)]
    pub(super) shipping_option: Option<LeadTime>,
    #[serde(default)]
    pub(super) status_history: Option<StatusHistory>,
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) tags: Vec<String>,
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) sibling: Sibling,
}

#[derive(Default, Deserialize)]
pub(super) struct Sibling {
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) sibling_id: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Logistic {
    #[serde(default)]
    pub(super) mode: Option<String>,
    #[serde(default, rename = "type")]
    pub(super) kind: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Destination {
    #[serde(default)]
    pub(super) receiver_name: Option<String>,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) receiver_phone: Option<String>,
    #[serde(default)]
    pub(super) comments: Option<String>,
    #[serde(default)]
    pub(super) shipping_address: Option<WireAddress>,
}

#[derive(Default, Deserialize)]
pub(super) struct Named {
    #[serde(default)]
    pub(super) id: Option<String>,
    #[serde(default)]
    pub(super) name: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct WireAddress {
    #[serde(default)]
    pub(super) receiver_name: Option<String>,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) receiver_phone: Option<String>,
    #[serde(default)]
    pub(super) address_line: Option<String>,
    #[serde(default)]
    pub(super) street_name: Option<String>,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) street_number: Option<String>,
    #[serde(default)]
    pub(super) comment: Option<String>,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) zip_code: Option<String>,
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) city: Named,
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) state: Named,
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) country: Named,
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) neighborhood: Named,
    #[serde(default)]
    pub(super) delivery_preference: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct LeadTime {
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) buffering: Dated,
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) estimated_delivery_time: Dated,
    /// Until May 2025.
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) estimated_handling_limit: Dated,
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) shipping_method: ShippingMethod,
    /// Old view: the method's name.
    #[serde(default)]
    pub(super) name: Option<String>,
}

#[derive(Default, Deserialize)]
pub(super) struct ShippingMethod {
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default, rename = "type")]
    pub(super) kind: Option<String>,
}

/// A date that may be there. What is no date is none: estimates must not cost an order.
#[derive(Default, Deserialize)]
pub(super) struct Dated {
    #[serde(default)]
    date: Option<String>,
}

impl Dated {
    pub(super) fn at(&self) -> Option<DateTime<Utc>> {
        self.date.as_deref().and_then(parse_instant)
    }
}

#[derive(Deserialize)]
pub(super) struct StatusHistory {
    #[serde(default, deserialize_with = "instant_opt")]
    pub(super) date_shipped: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
pub(super) struct WireSla {
    #[serde(default)]
    pub(super) status: Option<String>,
    #[serde(default)]
    pub(super) service: Option<String>,
    #[serde(default, deserialize_with = "instant_opt")]
    pub(super) expected_date: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
pub(super) struct HistoryRow {
    pub(super) status: String,
    #[serde(default)]
    pub(super) substatus: Option<String>,
    #[serde(deserialize_with = "instant")]
    pub(super) date: DateTime<Utc>,
}
