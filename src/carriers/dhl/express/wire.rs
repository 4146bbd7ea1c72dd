//! The carrier's own types. Answers break the official schema in its own samples, so everything in
//! them is optional.

use serde::{Deserialize, Serialize};

use crate::carriers::amounts::WrittenAmount;
use crate::client::wire::{
    Number, OneOrMany, Readable, readable_bool_opt, readable_opt, readable_text_opt,
    string_or_number_opt,
};

// ---- Requests ----

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Account<'a> {
    pub(super) type_code: &'static str,
    pub(super) number: &'a str,
}

/// Optional lines are left out, never sent empty; the postal code is always there, and may be.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PostalAddress {
    pub(super) postal_code: String,
    pub(super) city_name: String,
    pub(super) country_code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) province_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) address_line1: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) address_line2: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) address_line3: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ContactInformation {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) email: Option<String>,
    pub(super) phone: String,
    pub(super) company_name: String,
    pub(super) full_name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Party {
    pub(super) postal_address: PostalAddress,
    pub(super) contact_information: ContactInformation,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) registration_numbers: Vec<RegistrationNumber>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RegistrationNumber {
    pub(super) type_code: &'static str,
    pub(super) number: String,
    pub(super) issuer_country_code: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Parties<T> {
    pub(super) shipper_details: T,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) receiver_details: Option<T>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Package {
    pub(super) weight: Number,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dimensions: Option<Size>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) customer_references: Vec<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reference_number: Option<u32>,
}

#[derive(Serialize)]
pub(super) struct Size {
    pub(super) length: Number,
    pub(super) width: Number,
    pub(super) height: Number,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Reference {
    pub(super) value: String,
    pub(super) type_code: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Amount {
    pub(super) type_code: &'static str,
    pub(super) value: Number,
    pub(super) currency: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EstimateWish {
    pub(super) is_requested: bool,
    pub(super) type_code: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RateBody<'a> {
    pub(super) customer_details: Parties<PostalAddress>,
    pub(super) accounts: Vec<Account<'a>>,
    pub(super) planned_shipping_date_and_time: String,
    pub(super) unit_of_measurement: &'static str,
    pub(super) is_customs_declarable: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) value_added_services: Vec<ValueAddedService>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) monetary_amount: Vec<Amount>,
    pub(super) estimated_delivery_date: EstimateWish,
    pub(super) packages: Vec<Package>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ValueAddedService {
    pub(super) service_code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) value: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) currency: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShipmentBody<'a> {
    pub(super) planned_shipping_date_and_time: String,
    pub(super) pickup: PickupWish,
    pub(super) product_code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) local_product_code: Option<&'a str>,
    pub(super) get_rate_estimates: bool,
    pub(super) accounts: Vec<Account<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) value_added_services: Vec<ValueAddedService>,
    pub(super) output_image_properties: Output<'a>,
    pub(super) customer_references: Vec<Reference>,
    pub(super) customer_details: Parties<Party>,
    pub(super) content: Content<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) get_additional_information: Vec<Wish>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PickupWish {
    pub(super) is_requested: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Wish {
    pub(super) type_code: &'static str,
    pub(super) is_requested: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output<'a> {
    pub(super) encoding_format: &'static str,
    pub(super) image_options: Vec<ImageOption<'a>>,
    pub(super) split_transport_and_waybill_doc_labels: bool,
    pub(super) all_documents_in_one_image: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ImageOption<'a> {
    pub(super) type_code: &'static str,
    pub(super) is_requested: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) template_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) invoice_type: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Content<'a> {
    pub(super) packages: Vec<Package>,
    pub(super) is_customs_declarable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) declared_value: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) declared_value_currency: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) export_declaration: Option<ExportDeclaration<'a>>,
    pub(super) description: String,
    #[serde(rename = "USFilingTypeValue", skip_serializing_if = "Option::is_none")]
    pub(super) us_filing: Option<&'a str>,
    pub(super) incoterm: &'static str,
    pub(super) unit_of_measurement: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ExportDeclaration<'a> {
    pub(super) line_items: Vec<LineItem<'a>>,
    pub(super) invoice: Invoice,
    pub(super) export_reason_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) export_reference: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LineItem<'a> {
    pub(super) number: usize,
    pub(super) description: &'a str,
    pub(super) price: Number,
    pub(super) quantity: Quantity,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) commodity_codes: Vec<CommodityCode<'a>>,
    pub(super) export_reason_type: &'static str,
    pub(super) manufacturer_country: String,
    pub(super) weight: LineWeight,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Quantity {
    pub(super) value: u32,
    pub(super) unit_of_measurement: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CommodityCode<'a> {
    pub(super) type_code: &'static str,
    pub(super) value: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LineWeight {
    pub(super) net_value: Number,
    pub(super) gross_value: Number,
}

#[derive(Serialize)]
pub(super) struct Invoice {
    pub(super) number: String,
    pub(super) date: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PickupBody<'a> {
    pub(super) planned_pickup_date_and_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) close_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) location: Option<String>,
    pub(super) location_type: &'static str,
    pub(super) accounts: Vec<Account<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) special_instructions: Vec<Instruction>,
    pub(super) customer_details: Parties<Party>,
    pub(super) shipment_details: Vec<PickupShipment<'a>>,
}

#[derive(Serialize)]
pub(super) struct Instruction {
    pub(super) value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PickupShipment<'a> {
    pub(super) product_code: &'a str,
    pub(super) is_customs_declarable: bool,
    pub(super) unit_of_measurement: &'static str,
    pub(super) packages: Vec<Package>,
}

// ---- Answers ----

#[derive(Deserialize)]
pub(super) struct RateAnswer {
    #[serde(default)]
    pub(super) products: Readable<Product>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Product {
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) product_name: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) product_code: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) local_product_code: Option<String>,
    #[serde(default, deserialize_with = "readable_bool_opt")]
    pub(super) is_customer_agreement: Option<bool>,
    #[serde(default)]
    pub(super) total_price: Readable<Price>,
    #[serde(default, deserialize_with = "readable_opt")]
    pub(super) delivery_capabilities: Option<DeliveryCapabilities>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Price {
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) currency_type: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) price_currency: Option<String>,
    #[serde(default)]
    pub(super) price: WrittenAmount,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeliveryCapabilities {
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) estimated_delivery_date_and_time: Option<String>,
    /// A number here, a text in the answer of a purchase.
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) total_transit_days: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShipmentAnswer {
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) shipment_tracking_number: Option<String>,
    #[serde(default)]
    pub(super) packages: OneOrMany<ShippedPackage>,
    #[serde(default)]
    pub(super) documents: OneOrMany<Paper>,
    #[serde(default)]
    pub(super) shipment_charges: Readable<Price>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShippedPackage {
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) reference_number: Option<String>,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) tracking_number: Option<String>,
    #[serde(default)]
    pub(super) documents: OneOrMany<Paper>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Paper {
    pub(super) image_format: Option<String>,
    pub(super) content: Option<String>,
    pub(super) type_code: Option<String>,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) package_reference_number: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct TrackAnswer {
    #[serde(default)]
    pub(super) shipments: Readable<TrackedShipment>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TrackedShipment {
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) shipment_tracking_number: Option<String>,
    #[serde(default)]
    pub(super) events: Readable<Event>,
    #[serde(default)]
    pub(super) pieces: Readable<TrackedPiece>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) estimated_delivery_date: Option<String>,
    /// What the sender called it. Not in every answer.
    #[serde(default)]
    pub(super) shipper_references: Readable<Remark>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TrackedPiece {
    /// Its place in the shipment, from 1.
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) number: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) tracking_number: Option<String>,
    #[serde(default)]
    pub(super) events: Readable<Event>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Event {
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) date: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) time: Option<String>,
    #[serde(default, rename = "GMTOffset", deserialize_with = "readable_text_opt")]
    pub(super) gmt_offset: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) type_code: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) description: Option<String>,
    #[serde(default)]
    pub(super) service_area: Areas,
    #[serde(default)]
    pub(super) remarks: Remarks,
}

/// One or many, and cheap to clone for the pieces of a shipment.
pub(super) type Areas = Readable<Area>;
/// They are in samples though the schema forbids them.
pub(super) type Remarks = Readable<Remark>;

#[derive(Clone, Deserialize)]
pub(super) struct Area {
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) description: Option<String>,
}

#[derive(Clone, Deserialize)]
pub(super) struct Remark {
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) value: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PickupAnswer {
    #[serde(default)]
    pub(super) dispatch_confirmation_numbers: OneOrMany<String>,
}

#[derive(Deserialize)]
pub(super) struct AddressAnswer {
    #[serde(default)]
    pub(super) warnings: OneOrMany<String>,
    #[serde(default)]
    pub(super) address: OneOrMany<ServedPlace>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ServedPlace {
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) postal_code: Option<String>,
    pub(super) city_name: Option<String>,
}
