//! The carrier's own types: their casing, `Option` where they omit, text where they surprise.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::customs::CustomsForm;
use crate::carriers::amounts::WrittenAmount;
use crate::client::wire::{
    Number, OneOrMany, Readable, exact_decimal, readable_bool_opt, readable_opt, readable_text_opt,
    string_or_number_opt,
};

// ---- OAuth and payment ----

#[derive(Serialize)]
pub(super) struct LoginRequest<'a> {
    pub(super) client_id: &'a str,
    pub(super) client_secret: &'a str,
    pub(super) grant_type: &'static str,
}

#[derive(Deserialize)]
pub(super) struct LoginAnswer {
    pub(super) access_token: String,
    /// A text in the official sample, a number in captures.
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) expires_in: Option<String>,
    pub(super) scope: Option<String>,
}

#[derive(Serialize)]
pub(super) struct PaymentRequest<'a> {
    pub(super) roles: [Role<'a>; 2],
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Role<'a> {
    pub(super) role_name: &'static str,
    #[serde(rename = "CRID")]
    pub(super) crid: &'a str,
    #[serde(rename = "MID")]
    pub(super) mid: &'a str,
    #[serde(rename = "manifestMID")]
    pub(super) manifest_mid: &'a str,
    pub(super) account_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) account_number: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) permit_number: Option<&'a str>,
    #[serde(rename = "permitZIP", skip_serializing_if = "Option::is_none")]
    pub(super) permit_zip: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PaymentAnswer {
    pub(super) payment_authorization_token: String,
}

// ---- Addresses ----

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AddressAnswer {
    #[serde(default)]
    pub(super) address: Option<StandardAddress>,
    #[serde(default)]
    pub(super) additional_info: Option<AdditionalInfo>,
    #[serde(default)]
    pub(super) corrections: OneOrMany<Remark>,
    #[serde(default)]
    pub(super) matches: OneOrMany<Remark>,
    #[serde(default)]
    pub(super) warnings: OneOrMany<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StandardAddress {
    pub(super) street_address: Option<String>,
    pub(super) secondary_address: Option<String>,
    pub(super) city: Option<String>,
    pub(super) state: Option<String>,
    #[serde(default, rename = "ZIPCode", deserialize_with = "string_or_number_opt")]
    pub(super) zip_code: Option<String>,
    #[serde(default, rename = "ZIPPlus4", deserialize_with = "string_or_number_opt")]
    pub(super) zip_plus4: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AdditionalInfo {
    pub(super) carrier_route: Option<String>,
    #[serde(rename = "DPVConfirmation")]
    pub(super) dpv_confirmation: Option<String>,
    pub(super) business: Option<String>,
    pub(super) vacant: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Remark {
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) code: Option<String>,
    pub(super) text: Option<String>,
}

// ---- Quotes ----

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OptionsRequest<'a> {
    pub(super) pricing_options: [PricingOption<'a>; 1],
    #[serde(rename = "originZIPCode")]
    pub(super) origin_zip_code: String,
    #[serde(rename = "destinationZIPCode")]
    pub(super) destination_zip_code: String,
    pub(super) package_description: OptionsPackage<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PricingOption<'a> {
    pub(super) price_type: &'static str,
    pub(super) payment_account: PaymentAccount<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PaymentAccount<'a> {
    pub(super) account_type: &'static str,
    pub(super) account_number: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OptionsPackage<'a> {
    pub(super) weight: Number,
    pub(super) length: Number,
    pub(super) width: Number,
    pub(super) height: Number,
    pub(super) mail_class: &'static str,
    #[serde(skip_serializing_if = "<[u16]>::is_empty")]
    pub(super) extra_services: &'a [u16],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) package_value: Option<Number>,
    pub(super) mailing_date: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OptionsAnswer {
    pub(super) pricing_options: Readable<PricedOptions>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PricedOptions {
    #[serde(default)]
    pub(super) shipping_options: Readable<ShippingOption>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShippingOption {
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) mail_class: Option<String>,
    #[serde(default)]
    pub(super) rate_options: Readable<RateOption>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RateOption {
    #[serde(default, deserialize_with = "readable_opt")]
    pub(super) commitment: Option<Commitment>,
    /// Only with extra services: everything.
    #[serde(default)]
    pub(super) total_price: WrittenAmount,
    /// Price and fees.
    #[serde(default)]
    pub(super) total_base_price: WrittenAmount,
    #[serde(default)]
    pub(super) rates: Readable<Rate>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Commitment {
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) name: Option<String>,
    /// Deprecated, and the only one in captures.
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) schedule_delivery_date: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) expected_delivery_date: Option<String>,
    #[serde(default, deserialize_with = "readable_bool_opt")]
    pub(super) guaranteed_delivery: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rate {
    #[serde(default, rename = "SKU", deserialize_with = "readable_text_opt")]
    pub(super) sku: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) description: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) product_name: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) processing_category: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) rate_indicator: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) destination_entry_facility_type: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) mail_class: Option<String>,
}

// ---- Labels ----

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LabelBody<'a> {
    pub(super) image_info: ImageInfo,
    pub(super) to_address: PostalAddress,
    pub(super) from_address: PostalAddress,
    pub(super) package_description: LabelPackage<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) customs_form: Option<CustomsForm<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ImageInfo {
    pub(super) image_type: &'static str,
    pub(super) label_type: &'static str,
    /// Not a field of reprints.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) receipt_option: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReprintBody {
    pub(super) image_info: ImageInfo,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PostalAddress {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) first_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) firm: Option<String>,
    pub(super) street_address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) secondary_address: Option<String>,
    pub(super) city: String,
    pub(super) state: &'static str,
    #[serde(rename = "ZIPCode")]
    pub(super) zip_code: String,
    #[serde(rename = "ZIPPlus4", skip_serializing_if = "Option::is_none")]
    pub(super) zip_plus4: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) phone: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LabelPackage<'a> {
    #[serde(rename = "weightUOM")]
    pub(super) weight_uom: &'static str,
    pub(super) weight: Number,
    #[serde(rename = "dimensionsUOM", skip_serializing_if = "Option::is_none")]
    pub(super) dimensions_uom: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) length: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) width: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) height: Option<Number>,
    pub(super) mail_class: String,
    pub(super) processing_category: String,
    pub(super) destination_entry_facility_type: String,
    pub(super) rate_indicator: String,
    pub(super) mailing_date: String,
    #[serde(skip_serializing_if = "<[u16]>::is_empty")]
    pub(super) extra_services: &'a [u16],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) customer_reference: Vec<Reference<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) package_options: Option<PackageOptions>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Reference<'a> {
    pub(super) reference_number: &'a str,
    /// Not a field of international labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) print_reference_number: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PackageOptions {
    pub(super) package_value: Number,
}

/// The facts of a label; the first part of a multipart answer, or the top of the vendor JSON.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LabelMetadata {
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) tracking_number: Option<String>,
    /// Of parcels to other countries, instead of the other.
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) international_tracking_number: Option<String>,
    #[serde(default)]
    pub(super) postage: WrittenAmount,
    #[serde(default)]
    pub(super) extra_services: Readable<PricedExtra>,
    #[serde(default)]
    pub(super) fees: Readable<PricedExtra>,
    /// A date or an instant.
    pub(super) mailing_date: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct PricedExtra {
    /// Spelt in two ways.
    #[serde(default, alias = "serviceName", deserialize_with = "readable_text_opt")]
    pub(super) name: Option<String>,
    #[serde(deserialize_with = "exact_decimal")]
    pub(super) price: Decimal,
}

/// The images of the vendor JSON, and the metadata where they are one level down, as in reprints.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct VendorLabel {
    pub(super) label_metadata: Option<LabelMetadata>,
    pub(super) label_image: Option<String>,
    pub(super) receipt_image: Option<String>,
    pub(super) return_label_image: Option<String>,
    #[serde(default)]
    pub(super) return_label: Option<VendorReturnLabel>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct VendorReturnLabel {
    pub(super) return_label_image: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CancelAnswer {
    pub(super) status: Option<String>,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) dispute_id: Option<String>,
}

// ---- SCAN forms ----

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ScanFormRequest<'a> {
    pub(super) image_info: ImageInfo,
    pub(super) mailing_date: String,
    pub(super) overwrite_mailing_date: bool,
    #[serde(rename = "entryFacilityZIPCode")]
    pub(super) entry_facility_zip_code: String,
    pub(super) destination_entry_facility_type: &'static str,
    pub(super) shipment: ScanFormShipment<'a>,
    pub(super) from_address: PostalAddress,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ScanFormShipment<'a> {
    pub(super) tracking_numbers: Vec<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ScanFormMetadata {
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) manifest_number: Option<String>,
    #[serde(default)]
    pub(super) tracking_numbers: OneOrMany<String>,
}

/// Three spellings of the metadata's key are about, and the specification has none: there its
/// fields are at the top.
#[derive(Deserialize)]
pub(super) struct VendorScanForm {
    #[serde(alias = "SCANFormMetadata", rename = "SCANFormMetaData", alias = "scanFormMetadata")]
    pub(super) metadata: Option<ScanFormMetadata>,
    #[serde(alias = "scanFormImage", rename = "SCANFormImage")]
    pub(super) image: Option<String>,
}

// ---- Pickups ----

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PickupBody {
    pub(super) pickup_date: String,
    pub(super) pickup_address: PickupAddress,
    pub(super) packages: Vec<PickupPackages>,
    pub(super) estimated_weight: Number,
    pub(super) pickup_location: PickupLocation,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PickupAddress {
    pub(super) first_name: String,
    pub(super) last_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) firm: Option<String>,
    pub(super) address: PickupPlace,
    pub(super) contact: Vec<PickupContact>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PickupPlace {
    pub(super) street_address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) secondary_address: Option<String>,
    pub(super) city: String,
    pub(super) state: &'static str,
    #[serde(rename = "ZIPCode")]
    pub(super) zip_code: String,
    #[serde(rename = "ZIPPlus4", skip_serializing_if = "Option::is_none")]
    pub(super) zip_plus4: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum PickupContact {
    Email(String),
    CellNumber(String),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PickupPackages {
    pub(super) package_type: &'static str,
    pub(super) package_count: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PickupLocation {
    pub(super) package_location: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) special_instructions: Option<String>,
}

/// Flat in published answers, nested in the specification: the two fields needed may be in either
/// place.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PickupAnswer {
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) confirmation_number: Option<String>,
    pub(super) pickup_date: Option<String>,
    pub(super) carrier_pickup_request: Option<NestedPickup>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NestedPickup {
    pub(super) pickup_date: Option<String>,
}

// ---- Tracking ----

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TrackQuestion<'a> {
    pub(super) tracking_number: &'a str,
}

/// One number's answer, in version 3 and 3.2 alike. Only what is needed is named, so that the
/// fields that differ between them (texts for booleans, a text for a list) cannot hurt.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TrackDetail {
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) tracking_number: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) status: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) status_category: Option<String>,
    /// Newest first.
    #[serde(default)]
    pub(super) tracking_events: Readable<TrackEvent>,
    #[serde(default, deserialize_with = "readable_opt")]
    pub(super) delivery_date_expectation: Option<DeliveryExpectation>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) expected_delivery_date: Option<String>,
    /// Of entries that failed within a batch; a text there.
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) status_code: Option<String>,
    pub(super) error: Option<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeliveryExpectation {
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) expected_delivery_date: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) guaranteed_delivery_date: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) predicted_delivery_date: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TrackEvent {
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) event_type: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) event_code: Option<String>,
    /// Local time. One older sample ends it in a false `Z`.
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) event_timestamp: Option<String>,
    /// Has a wrong day at times: the time was shifted, the day was not.
    #[serde(default, rename = "GMTTimestamp", deserialize_with = "readable_text_opt")]
    pub(super) gmt_timestamp: Option<String>,
    /// `-05:00` in captures, minutes as text in the specification.
    #[serde(default, rename = "GMTOffset", deserialize_with = "readable_text_opt")]
    pub(super) gmt_offset: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) event_city: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) event_state: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) event_country: Option<String>,
}

/// What the label purchase needs to give exactly the quoted offer; opaque to everybody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct QuoteToken {
    pub(super) mail_class: String,
    pub(super) processing_category: String,
    pub(super) rate_indicator: String,
    pub(super) destination_entry_facility_type: String,
    #[serde(default, rename = "SKU", skip_serializing_if = "Option::is_none")]
    pub(super) sku: Option<String>,
}
