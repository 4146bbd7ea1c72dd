//! The carrier's own types. Everything in answers is optional: the carrier says that new fields may
//! come at any time, and clients have seen old ones go.

use serde::{Deserialize, Serialize};

use super::dialect::InvalidParam;
use crate::carriers::amounts::WrittenAmount;
use crate::client::wire::{
    Number, OneOrMany, Readable, lenient_bool_opt, readable_bool_opt, readable_opt,
    readable_text_opt, string_or_number_opt,
};

// ---- Requests ----

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Address {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) company_name: Option<String>,
    pub(super) address1: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) address2: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) address3: Option<String>,
    pub(super) city: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) state: Option<String>,
    pub(super) country: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) postal_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) phone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) is_business: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tax_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tax_id_type: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Parcel<'a> {
    pub(super) pickup: &'a str,
    pub(super) distribution_center: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ordered_product_id: Option<&'a str>,
    pub(super) consignee_address: Address,
    pub(super) return_address: Address,
    pub(super) package_detail: PackageDetail<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) customs_details: Vec<CustomsDetail<'a>>,
}

#[derive(Serialize)]
pub(super) struct QuoteBody<'a> {
    #[serde(flatten)]
    pub(super) parcel: Parcel<'a>,
    pub(super) rate: RateWish,
    #[serde(rename = "estimatedDeliveryDate")]
    pub(super) estimated_delivery_date: EstimateWish,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RateWish {
    pub(super) calculate: bool,
    pub(super) currency: String,
    pub(super) rate_date: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EstimateWish {
    pub(super) calculate: bool,
    pub(super) expected_ship_date: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PackageDetail<'a> {
    pub(super) package_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) package_reference: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) billing_reference1: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) billing_reference2: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) service: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) service_endorsement: Option<&'static str>,
    pub(super) weight: Weight,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dimension: Option<Dimension>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) shipping_cost: Option<ShippingCost>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Weight {
    pub(super) value: Number,
    pub(super) unit_of_measure: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Dimension {
    pub(super) length: Number,
    pub(super) width: Number,
    pub(super) height: Number,
    pub(super) unit_of_measure: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShippingCost {
    pub(super) currency: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) declared_value: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) insured_value: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) duties_paid: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CustomsDetail<'a> {
    pub(super) item_description: &'a str,
    pub(super) country_of_origin: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hs_code: Option<&'a str>,
    pub(super) packaged_quantity: u32,
    pub(super) item_value: Number,
    pub(super) currency: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sku_number: Option<&'a str>,
}

#[derive(Serialize)]
pub(super) struct ManifestBody<'a> {
    pub(super) pickup: &'a str,
    pub(super) manifests: [ManifestIds<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ManifestIds<'a> {
    pub(super) dhl_package_ids: &'a [String],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HookBody<'a> {
    pub(super) pickup: &'a str,
    pub(super) hook_type: &'static str,
    pub(super) url: &'a str,
    pub(super) username: &'a str,
    pub(super) password: &'a str,
    pub(super) active: bool,
}

// ---- Answers ----

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct QuoteAnswer {
    #[serde(default)]
    pub(super) products: Readable<Product>,
    #[serde(default)]
    pub(super) invalid_params: Readable<InvalidParam>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Product {
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) ordered_product_id: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) product_name: Option<String>,
    #[serde(default, deserialize_with = "readable_opt")]
    pub(super) rate: Option<Rate>,
    #[serde(default, deserialize_with = "readable_opt")]
    pub(super) estimated_delivery_date: Option<Estimate>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rate {
    #[serde(default)]
    pub(super) amount: WrittenAmount,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) currency: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Estimate {
    #[serde(default, deserialize_with = "readable_bool_opt")]
    pub(super) is_guaranteed: Option<bool>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) delivery_days_max: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) estimated_delivery_max: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LabelAnswer {
    pub(super) ordered_product_id: Option<String>,
    /// Missing where it is no answer about labels.
    pub(super) labels: Option<OneOrMany<VendorLabel>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct VendorLabel {
    /// Ours.
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) package_id: Option<String>,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) dhl_package_id: Option<String>,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) tracking_id: Option<String>,
    pub(super) created_on: Option<String>,
    pub(super) label_data: Option<String>,
    pub(super) encode_type: Option<String>,
    pub(super) format: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ManifestCreated {
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) request_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ManifestAnswer {
    pub(super) status: Option<String>,
    #[serde(default)]
    pub(super) manifests: OneOrMany<VendorManifest>,
    pub(super) manifest_summary: Option<ManifestSummary>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct VendorManifest {
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) manifest_id: Option<String>,
    #[serde(default, deserialize_with = "lenient_bool_opt")]
    pub(super) is_international: Option<bool>,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) total: Option<String>,
    pub(super) manifest_data: Option<String>,
    pub(super) encode_type: Option<String>,
    pub(super) format: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct ManifestSummary {
    pub(super) invalid: Option<InvalidParcels>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InvalidParcels {
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) total: Option<String>,
    #[serde(default)]
    pub(super) dhl_package_ids: OneOrMany<InvalidParcel>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InvalidParcel {
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) dhl_package_id: Option<String>,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) error_code: Option<String>,
    pub(super) error_description: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct TrackAnswer {
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) total: Option<String>,
    #[serde(default, deserialize_with = "readable_opt")]
    pub(super) links: Option<Links>,
    #[serde(default)]
    pub(super) packages: Readable<TrackedPackage>,
}

#[derive(Deserialize)]
pub(super) struct Links {
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) next: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct TrackedPackage {
    #[serde(default, deserialize_with = "readable_opt")]
    pub(super) package: Option<PackageInfo>,
    #[serde(default)]
    pub(super) events: Readable<Event>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PackageInfo {
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) package_id: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) dhl_package_id: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) tracking_id: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) expected_delivery: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Event {
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) date: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) time: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) time_zone: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) location: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) primary_event_id: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) primary_event_description: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) secondary_event_id: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) secondary_event_description: Option<String>,
}
