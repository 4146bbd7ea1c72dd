//! The carrier's own types. Everything in answers is optional: official samples and captured
//! answers break the official schemas in many places.

use serde::{Deserialize, Serialize};

use super::customs::{Clearance, Papers, RatedClearance, Tin};
use super::dialect::{Complaint, complaint_opt};
use crate::carriers::amounts::WrittenAmount;
use crate::client::wire::{
    Number, OneOrMany, Readable, lenient_bool_opt, readable_opt, readable_text_opt,
    string_or_number_opt,
};

// ---- Shared ----

#[derive(Serialize)]
pub(super) struct AccountNumber<'a> {
    pub(super) value: &'a str,
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PostalAddress {
    pub(super) street_lines: Vec<String>,
    pub(super) city: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) state_or_province_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) postal_code: Option<String>,
    pub(super) country_code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) residential: Option<bool>,
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Person {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) person_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) company_name: Option<String>,
    pub(super) phone_number: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) email_address: Option<String>,
}

#[derive(Clone, Serialize)]
pub(super) struct Party {
    pub(super) contact: Person,
    pub(super) address: PostalAddress,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tins: Vec<Tin>,
}

#[derive(Clone, Copy, Serialize)]
pub(super) struct Weight {
    pub(super) units: &'static str,
    pub(super) value: Number,
}

#[derive(Clone, Copy, Serialize)]
pub(super) struct Size {
    pub(super) length: u32,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) units: &'static str,
}

#[derive(Clone, Serialize)]
pub(super) struct Amount {
    pub(super) amount: Number,
    pub(super) currency: String,
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SpecialServices {
    pub(super) signature_option_type: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SmartPost<'a> {
    pub(super) hub_id: &'a str,
    pub(super) indicia: &'static str,
}

#[derive(Debug, Deserialize)]
pub(super) struct Answer<T> {
    pub(super) output: Option<T>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WithTransaction<T> {
    pub(super) transaction_id: Option<String>,
    pub(super) output: Option<T>,
}

// ---- Rates ----

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RateBody<'a> {
    pub(super) account_number: AccountNumber<'a>,
    pub(super) rate_request_control_parameters: RateControl,
    pub(super) requested_shipment: RatedShipment<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RateControl {
    pub(super) return_transit_times: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RatedShipment<'a> {
    pub(super) shipper: RateParty,
    pub(super) recipient: RateParty,
    pub(super) preferred_currency: String,
    pub(super) rate_request_type: [&'static str; 2],
    /// Other casing than in the purchase.
    pub(super) ship_date_stamp: String,
    pub(super) pickup_type: &'static str,
    pub(super) packaging_type: &'static str,
    pub(super) total_package_count: u32,
    pub(super) requested_package_line_items: [RatedPackage; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) customs_clearance_detail: Option<RatedClearance<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) smart_post_info_detail: Option<SmartPost<'a>>,
}

#[derive(Serialize)]
pub(super) struct RateParty {
    pub(super) address: PostalAddress,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RatedPackage {
    pub(super) weight: Weight,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dimensions: Option<Size>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) declared_value: Option<Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) package_special_services: Option<SpecialServices>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RateAnswer {
    #[serde(default)]
    pub(super) rate_reply_details: Readable<RateReply>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RateReply {
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) service_type: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) service_name: Option<String>,
    #[serde(default, deserialize_with = "readable_opt")]
    pub(super) commit: Option<Commit>,
    #[serde(default)]
    pub(super) rated_shipment_details: Readable<PriceView>,
    #[serde(default, deserialize_with = "readable_opt")]
    pub(super) operational_detail: Option<Operational>,
}

/// One of several prices of the same service.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PriceView {
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) rate_type: Option<String>,
    #[serde(default)]
    pub(super) total_net_charge: WrittenAmount,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) currency: Option<String>,
    #[serde(default, deserialize_with = "readable_opt")]
    pub(super) shipment_rate_detail: Option<PriceDetail>,
}

#[derive(Deserialize)]
pub(super) struct PriceDetail {
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) currency: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Commit {
    #[serde(default, deserialize_with = "readable_opt")]
    pub(super) date_detail: Option<DateDetail>,
    #[serde(default, deserialize_with = "readable_opt")]
    pub(super) transit_days: Option<TransitDays>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DateDetail {
    /// In captures.
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) day_format: Option<String>,
    /// In the specification's example.
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) day_cxs_format: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TransitDays {
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) minimum_transit_time: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Operational {
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) delivery_date: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) commit_date: Option<String>,
    #[serde(default)]
    pub(super) commit_dates: Readable<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) transit_time: Option<String>,
}

// ---- Ship ----

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShipBody<'a> {
    pub(super) label_response_options: &'static str,
    pub(super) merge_label_doc_option: &'static str,
    pub(super) account_number: AccountNumber<'a>,
    pub(super) requested_shipment: Shipment<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shipment<'a> {
    pub(super) ship_datestamp: String,
    pub(super) shipper: Party,
    /// A list, unlike in rates.
    pub(super) recipients: [Party; 1],
    pub(super) pickup_type: &'static str,
    pub(super) service_type: String,
    pub(super) packaging_type: &'static str,
    pub(super) total_weight: Number,
    pub(super) shipping_charges_payment: Payment<'a>,
    pub(super) label_specification: LabelSpecification,
    pub(super) total_package_count: u32,
    pub(super) requested_package_line_items: Vec<ShippedPackage<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) customs_clearance_detail: Option<Clearance<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) shipping_document_specification: Option<Papers>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) smart_post_info_detail: Option<SmartPost<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Payment<'a> {
    pub(super) payment_type: &'static str,
    pub(super) payor: Payor<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Payor<'a> {
    pub(super) responsible_party: ResponsibleParty<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ResponsibleParty<'a> {
    pub(super) account_number: AccountNumber<'a>,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LabelSpecification {
    pub(super) image_type: &'static str,
    pub(super) label_stock_type: &'static str,
    pub(super) label_format_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resolution: Option<u16>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShippedPackage<'a> {
    pub(super) sequence_number: u32,
    pub(super) weight: Weight,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dimensions: Option<Size>,
    pub(super) customer_references: Vec<Reference<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) declared_value: Option<Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) package_special_services: Option<SpecialServices>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Reference<'a> {
    pub(super) customer_reference_type: &'static str,
    pub(super) value: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShipAnswer {
    #[serde(default)]
    pub(super) transaction_shipments: OneOrMany<Shipped>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shipped {
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) master_tracking_number: Option<String>,
    pub(super) ship_datestamp: Option<String>,
    #[serde(default)]
    pub(super) shipment_documents: OneOrMany<Paper>,
    #[serde(default)]
    pub(super) piece_responses: OneOrMany<Piece>,
    #[serde(default, deserialize_with = "readable_opt")]
    pub(super) completed_shipment_detail: Option<Completed>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Piece {
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) tracking_number: Option<String>,
    #[serde(default)]
    pub(super) package_documents: OneOrMany<Paper>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Paper {
    pub(super) content_type: Option<String>,
    pub(super) doc_type: Option<String>,
    pub(super) encoded_label: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Completed {
    #[serde(default, deserialize_with = "readable_opt")]
    pub(super) shipment_rating: Option<Rating>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rating {
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) actual_rate_type: Option<String>,
    #[serde(default)]
    pub(super) shipment_rate_details: Readable<PriceView>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CancelBody<'a> {
    pub(super) account_number: AccountNumber<'a>,
    pub(super) tracking_number: &'a str,
    pub(super) deletion_control: &'static str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CancelAnswer {
    #[serde(default, deserialize_with = "lenient_bool_opt")]
    pub(super) cancelled_shipment: Option<bool>,
    pub(super) message: Option<String>,
}

// ---- Track ----

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TrackBody<'a> {
    pub(super) include_detailed_scans: bool,
    pub(super) tracking_info: Vec<TrackQuestion<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TrackQuestion<'a> {
    pub(super) tracking_number_info: NumberInfo<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NumberInfo<'a> {
    pub(super) tracking_number: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TrackAnswer {
    #[serde(default)]
    pub(super) complete_track_results: Readable<NumberResults>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NumberResults {
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) tracking_number: Option<String>,
    #[serde(default)]
    pub(super) track_results: Readable<TrackResult>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TrackResult {
    #[serde(default, deserialize_with = "readable_opt")]
    pub(super) tracking_number_info: Option<ResultNumber>,
    #[serde(default, deserialize_with = "readable_opt")]
    pub(super) latest_status_detail: Option<Status>,
    #[serde(default)]
    pub(super) date_and_times: Readable<DateAndTime>,
    #[serde(default, deserialize_with = "readable_opt")]
    pub(super) estimated_delivery_time_window: Option<EstimatedWindow>,
    /// Newest first.
    #[serde(default)]
    pub(super) scan_events: Readable<Scan>,
    /// At times an empty object.
    #[serde(default, deserialize_with = "complaint_opt")]
    pub(super) error: Option<Complaint>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ResultNumber {
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) tracking_number: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Status {
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) code: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) description: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) status_by_locale: Option<String>,
    #[serde(default, deserialize_with = "readable_opt")]
    pub(super) scan_location: Option<Place>,
    #[serde(default)]
    pub(super) ancillary_details: Readable<Ancillary>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Ancillary {
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DateAndTime {
    #[serde(default, rename = "type", deserialize_with = "readable_text_opt")]
    pub(super) kind: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) date_time: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct EstimatedWindow {
    #[serde(default, deserialize_with = "readable_opt")]
    pub(super) window: Option<Window>,
}

#[derive(Deserialize)]
pub(super) struct Window {
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) ends: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Scan {
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) date: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) event_type: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) event_description: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) exception_code: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) exception_description: Option<String>,
    #[serde(default, deserialize_with = "readable_opt")]
    pub(super) scan_location: Option<Place>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Place {
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) city: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) state_or_province_code: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) country_code: Option<String>,
}

// ---- Addresses ----

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AddressBody {
    pub(super) addresses_to_validate: [AddressToCheck; 1],
}

#[derive(Serialize)]
pub(super) struct AddressToCheck {
    pub(super) address: PostalAddress,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AddressAnswer {
    #[serde(default)]
    pub(super) resolved_addresses: OneOrMany<Resolved>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Resolved {
    #[serde(default)]
    pub(super) street_lines_token: OneOrMany<String>,
    pub(super) city: Option<String>,
    pub(super) state_or_province_code: Option<String>,
    pub(super) country_code: Option<String>,
    pub(super) parsed_postal_code: Option<ParsedPostalCode>,
    pub(super) classification: Option<String>,
    #[serde(default)]
    pub(super) attributes: Option<Attributes>,
    /// Texts, or objects with a message.
    #[serde(default)]
    pub(super) customer_message: Option<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ParsedPostalCode {
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) base: Option<String>,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) add_on: Option<String>,
}

/// Words or booleans.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    #[serde(default, rename = "DPV", deserialize_with = "lenient_bool_opt")]
    pub(super) dpv: Option<bool>,
    #[serde(default, deserialize_with = "lenient_bool_opt")]
    pub(super) resolved: Option<bool>,
    #[serde(default, deserialize_with = "lenient_bool_opt")]
    pub(super) suite_required_but_missing: Option<bool>,
    #[serde(default, deserialize_with = "lenient_bool_opt")]
    pub(super) invalid_suite_number: Option<bool>,
    #[serde(default, deserialize_with = "lenient_bool_opt")]
    pub(super) multiple_matches: Option<bool>,
}

// ---- Ground end of day ----

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CloseBody<'a> {
    pub(super) close_req_type: &'static str,
    pub(super) ground_service_category: &'static str,
    pub(super) account_number: AccountNumber<'a>,
    pub(super) close_date: String,
    #[serde(flatten)]
    pub(super) again: Option<Reprint<'a>>,
    pub(super) close_document_specification: CloseDocuments,
}

/// Whose form is wanted again.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Reprint<'a> {
    pub(super) reprint_option: &'static str,
    pub(super) tracking_number: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CloseDocuments {
    pub(super) close_document_types: [&'static str; 1],
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CloseAnswer {
    #[serde(default)]
    pub(super) close_documents: OneOrMany<CloseDocument>,
}

#[derive(Deserialize)]
pub(super) struct CloseDocument {
    #[serde(default)]
    pub(super) parts: OneOrMany<CloseParts>,
}

#[derive(Deserialize)]
pub(super) struct CloseParts {
    pub(super) image: Option<String>,
}

// ---- Pickups ----

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PickupBody<'a> {
    pub(super) associated_account_number: AccountNumber<'a>,
    pub(super) origin_detail: Origin,
    pub(super) carrier_code: &'static str,
    pub(super) package_count: u32,
    pub(super) total_weight: Weight,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remarks: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Origin {
    pub(super) pickup_location: Party,
    /// Local time in spite of its `Z`.
    pub(super) ready_date_timestamp: String,
    pub(super) customer_close_time: String,
    pub(super) package_location: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PickupAnswer {
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) pickup_confirmation_code: Option<String>,
    pub(super) location: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CancelPickupBody<'a> {
    pub(super) associated_account_number: AccountNumber<'a>,
    pub(super) pickup_confirmation_code: &'a str,
    pub(super) scheduled_date: String,
    pub(super) carrier_code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) location: Option<&'a str>,
}
