//! Walmart's JSON as it is written, read tolerantly.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::client::wire::{
    OneOrMany, epoch_millis, epoch_millis_opt, exact_decimal, exact_decimal_opt, object_opt,
    scalar, scalar_opt, string_or_number_opt, text, text_opt,
};

// ---- what is read -----------------------------------------------------------------------------

#[derive(Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
pub(super) struct ListAnswer<T> {
    pub(super) list: OrderList<T>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
pub(super) struct OrderList<T> {
    #[serde(default, deserialize_with = "object_opt")]
    pub(super) meta: Option<Meta>,
    #[serde(default, deserialize_with = "object_opt")]
    pub(super) elements: Option<Elements<T>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Meta {
    #[serde(default)]
    pub(super) next_cursor: Option<String>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
pub(super) struct Elements<T> {
    /// A list, or its only item.
    #[serde(default)]
    pub(super) order: Option<T>,
}

/// Only the id, for orders of which nothing else can be read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OnlyId {
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) purchase_order_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireOrder<'a> {
    #[serde(borrow, deserialize_with = "scalar")]
    pub(super) purchase_order_id: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "scalar_opt")]
    pub(super) customer_order_id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text_opt")]
    pub(super) customer_email_id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text_opt")]
    pub(super) order_type: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "originalCustomerOrderID", deserialize_with = "scalar_opt")]
    pub(super) original_customer_order_id: Option<Cow<'a, str>>,
    #[serde(deserialize_with = "epoch_millis")]
    pub(super) order_date: DateTime<Utc>,
    #[serde(borrow, default, deserialize_with = "scalar_opt")]
    pub(super) buyer_id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "scalar_opt")]
    pub(super) mart: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "object_opt")]
    pub(super) shipping_info: Option<ShippingInfo<'a>>,
    #[serde(borrow)]
    pub(super) order_lines: OrderLines<'a>,
    #[serde(borrow, default, deserialize_with = "object_opt")]
    pub(super) ship_node: Option<ShipNode<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShippingInfo<'a> {
    #[serde(borrow, default, deserialize_with = "scalar_opt")]
    pub(super) phone: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "epoch_millis_opt")]
    pub(super) estimated_delivery_date: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "epoch_millis_opt")]
    pub(super) estimated_ship_date: Option<DateTime<Utc>>,
    #[serde(borrow, default, deserialize_with = "text_opt")]
    pub(super) method_code: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "object_opt")]
    pub(super) postal_address: Option<PostalAddress<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PostalAddress<'a> {
    #[serde(borrow, default, deserialize_with = "text_opt")]
    pub(super) name: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text_opt")]
    pub(super) address1: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text_opt")]
    pub(super) address2: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text_opt")]
    pub(super) city: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text_opt")]
    pub(super) state: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "scalar_opt")]
    pub(super) postal_code: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text_opt")]
    pub(super) country: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text_opt")]
    pub(super) address_type: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OrderLines<'a> {
    #[serde(borrow)]
    pub(super) order_line: OneOrMany<WireLine<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShipNode<'a> {
    #[serde(borrow, default, rename = "type", deserialize_with = "text_opt")]
    pub(super) kind: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text_opt")]
    pub(super) name: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "scalar_opt")]
    pub(super) id: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireLine<'a> {
    #[serde(borrow, deserialize_with = "scalar")]
    pub(super) line_number: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) item: Item<'a>,
    #[serde(borrow, default, deserialize_with = "object_opt")]
    pub(super) charges: Option<Charges<'a>>,
    pub(super) order_line_quantity: Quantity,
    #[serde(default, deserialize_with = "epoch_millis_opt")]
    pub(super) status_date: Option<DateTime<Utc>>,
    #[serde(borrow, default, deserialize_with = "object_opt")]
    pub(super) order_line_statuses: Option<LineStatuses<'a>>,
    #[serde(borrow, default, deserialize_with = "object_opt")]
    pub(super) fulfillment: Option<Fulfillment<'a>>,
    #[serde(borrow, default, deserialize_with = "word_opt")]
    pub(super) intent_to_cancel: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "scalar_opt")]
    pub(super) config_id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "scalar_opt")]
    pub(super) seller_order_id: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Item<'a> {
    #[serde(borrow, default, deserialize_with = "text_opt")]
    pub(super) product_name: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "scalar_opt")]
    pub(super) sku: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text_opt")]
    pub(super) image_url: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text_opt")]
    pub(super) condition: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "object_opt")]
    pub(super) weight: Option<Weight<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Weight<'a> {
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    pub(super) value: Option<Decimal>,
    #[serde(borrow, default, deserialize_with = "text_opt")]
    pub(super) unit: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
pub(super) struct Charges<'a> {
    #[serde(borrow, default)]
    pub(super) charge: OneOrMany<Charge<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Charge<'a> {
    #[serde(borrow, default, deserialize_with = "text_opt")]
    pub(super) charge_type: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) charge_amount: Amount<'a>,
    #[serde(borrow, default, deserialize_with = "object_opt")]
    pub(super) tax: Option<Tax<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tax<'a> {
    #[serde(borrow, default, deserialize_with = "object_opt")]
    pub(super) tax_amount: Option<Amount<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Amount<'a> {
    #[serde(borrow, default, deserialize_with = "text_opt")]
    pub(super) currency: Option<Cow<'a, str>>,
    #[serde(deserialize_with = "exact_decimal")]
    pub(super) amount: Decimal,
}

#[derive(Deserialize)]
pub(super) struct Quantity {
    #[serde(deserialize_with = "whole_units")]
    pub(super) amount: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LineStatuses<'a> {
    #[serde(borrow, default)]
    pub(super) order_line_status: OneOrMany<LineStatus<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LineStatus<'a> {
    #[serde(borrow, deserialize_with = "text")]
    pub(super) status: Cow<'a, str>,
    pub(super) status_quantity: Quantity,
    #[serde(borrow, default, deserialize_with = "text_opt")]
    pub(super) cancellation_reason: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "object_opt")]
    pub(super) tracking_info: Option<TrackingInfo<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TrackingInfo<'a> {
    #[serde(default, deserialize_with = "epoch_millis_opt")]
    pub(super) ship_date_time: Option<DateTime<Utc>>,
    #[serde(borrow, default, deserialize_with = "object_opt")]
    pub(super) carrier_name: Option<CarrierName<'a>>,
    #[serde(borrow, default, deserialize_with = "scalar_opt")]
    pub(super) tracking_number: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "trackingURL", deserialize_with = "text_opt")]
    pub(super) tracking_url: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CarrierName<'a> {
    #[serde(borrow, default, deserialize_with = "text_opt")]
    pub(super) carrier: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text_opt")]
    pub(super) other_carrier: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Fulfillment<'a> {
    #[serde(borrow, default, deserialize_with = "text_opt")]
    pub(super) fulfillment_option: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text_opt")]
    pub(super) ship_method: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text_opt")]
    pub(super) shipping_program_type: Option<Cow<'a, str>>,
}

/// Reads a count that is written as text, number, or with a needless fraction.
fn whole_units<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let amount = exact_decimal(deserializer)?;
    if !amount.fract().is_zero() {
        return Err(serde::de::Error::custom("expected a whole number of units"));
    }
    amount.to_u32().ok_or_else(|| serde::de::Error::custom("expected a number of units"))
}

/// Reads a word that may also be written as a truth value: `false` and nothing are `None`.
fn word_opt<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Cow<'de, str>>, D::Error> {
    let Some(raw) = Option::<&RawValue>::deserialize(deserializer)? else { return Ok(None) };
    let text = match raw.get() {
        "false" => return Ok(None),
        quoted if quoted.starts_with('"') => {
            serde_json::from_str::<String>(quoted).map_err(serde::de::Error::custom)?
        }
        other => other.to_owned(),
    };
    let word = text.trim();
    let set = !word.is_empty() && !word.eq_ignore_ascii_case("false");
    Ok(set.then(|| Cow::Owned(word.to_owned())))
}

// ---- what is sent -----------------------------------------------------------------------------

/// `orderLines` of a request.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SentLines<T> {
    pub(super) order_line: Vec<T>,
}

/// `orderLineStatuses` of a request.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SentStatuses<T> {
    pub(super) order_line_status: Vec<T>,
}

/// A number of units; the amount is a text.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SentQuantity {
    pub(super) unit_of_measurement: &'static str,
    pub(super) amount: String,
}

impl SentQuantity {
    pub(super) fn each(units: u32) -> Self {
        Self { unit_of_measurement: "EACH", amount: units.to_string() }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShipBody {
    pub(super) order_shipment: SentShipment,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SentShipment {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) process_mode: Option<&'static str>,
    pub(super) order_lines: SentLines<ShipLine>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShipLine {
    pub(super) line_number: String,
    pub(super) intent_to_cancel_override: bool,
    pub(super) seller_order_id: String,
    pub(super) order_line_statuses: SentStatuses<ShipStatus>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShipStatus {
    pub(super) status: &'static str,
    pub(super) status_quantity: SentQuantity,
    pub(super) tracking_info: SentTracking,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) current_tracking_info: Option<SentCurrentTracking>,
}

#[derive(Serialize, Clone)]
#[serde(rename_all = "camelCase")]
pub(super) struct SentTracking {
    pub(super) ship_date_time: i64,
    pub(super) carrier_name: SentCarrier,
    pub(super) method_code: String,
    pub(super) tracking_number: String,
    #[serde(rename = "trackingURL", skip_serializing_if = "Option::is_none")]
    pub(super) tracking_url: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SentCurrentTracking {
    pub(super) tracking_number: String,
}

#[derive(Serialize, Clone)]
#[serde(rename_all = "camelCase")]
pub(super) enum SentCarrier {
    Carrier(String),
    OtherCarrier(String),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CancelBody {
    pub(super) order_cancellation: SentCancellation,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SentCancellation {
    pub(super) order_lines: SentLines<CancelledLine>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CancelledLine {
    pub(super) line_number: String,
    pub(super) order_line_statuses: SentStatuses<CancelledStatus>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CancelledStatus {
    pub(super) status: &'static str,
    pub(super) cancellation_reason: &'static str,
    pub(super) status_quantity: SentQuantity,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RefundBody {
    pub(super) order_refund: SentRefund,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SentRefund {
    pub(super) purchase_order_id: String,
    pub(super) order_lines: SentLines<RefundedLine>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RefundedLine {
    pub(super) line_number: String,
    pub(super) is_full_refund: bool,
    pub(super) refunds: SentRefunds,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SentRefunds {
    pub(super) refund: Vec<SentRefundEntry>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SentRefundEntry {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refund_comments: Option<String>,
    pub(super) refund_charges: SentRefundCharges,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SentRefundCharges {
    pub(super) refund_charge: Vec<SentRefundCharge>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SentRefundCharge {
    pub(super) refund_reason: String,
    pub(super) charge: SentCharge,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SentCharge {
    pub(super) charge_type: &'static str,
    pub(super) charge_name: &'static str,
    pub(super) charge_amount: SentAmount,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tax: Option<SentTax>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SentTax {
    pub(super) tax_name: &'static str,
    pub(super) tax_amount: SentAmount,
}

/// An amount; the number is written digit by digit.
#[derive(Serialize)]
pub(super) struct SentAmount {
    pub(super) currency: String,
    pub(super) amount: Box<RawValue>,
}

#[derive(Serialize)]
pub(super) struct InventoryBody<'a> {
    pub(super) sku: &'a str,
    pub(super) quantity: InventoryQuantity,
}

#[derive(Serialize)]
pub(super) struct InventoryQuantity {
    pub(super) unit: &'static str,
    pub(super) amount: u32,
}
