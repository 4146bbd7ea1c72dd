//! The platform's own shapes, as far as they are used. Everything else is ignored, since new fields
//! come without notice.

use std::borrow::Cow;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::client::Response;
use crate::client::wire::{
    decode, exact_decimal_opt, integer_opt, lenient_bool_opt, loose_text_opt, object_opt, or_empty,
    scalar, string_or_number, string_or_number_opt, text, unexpected,
};
use crate::error::Result;

/// `{"code": 0, "message": …, "request_id": …, "data": …}`.
#[derive(Deserialize)]
struct Envelope<T> {
    data: Option<T>,
}

/// Reads what a good answer carries.
pub(super) fn data<'a, T: Deserialize<'a>>(response: &'a Response) -> Result<T> {
    data_of(&response.body)
}

/// Accepts a good answer of which nothing is used, whatever its data is.
pub(super) fn nothing(response: &Response) -> Result<()> {
    decode::<Envelope<serde::de::IgnoredAny>>(&response.body).map(|_| ())
}

/// Reads what a good answer's body carries.
pub(super) fn data_of<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T> {
    let envelope: Envelope<T> = decode(body)?;
    envelope.data.ok_or_else(|| unexpected("the answer has no data"))
}

/// A page of orders whose items are read one by one.
#[derive(Deserialize)]
pub(super) struct OrderPage<'a> {
    #[serde(borrow, default)]
    pub(super) orders: Option<Vec<&'a RawValue>>,
    #[serde(default, deserialize_with = "page_token")]
    pub(super) next_page_token: Option<String>,
}

/// Reads the token of the next page. Missing, `null`, `false` and empty are the end of a list; what is no
/// token either must not be taken for it.
pub(super) fn page_token<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    let raw = Option::<&RawValue>::deserialize(deserializer)?;
    let Some(raw) = raw.filter(|raw| raw.get() != "false") else { return Ok(None) };
    let mut token = serde_json::Deserializer::from_str(raw.get());
    let token = string_or_number(&mut token)
        .map_err(|_| serde::de::Error::custom("expected the token of a page"))?;
    Ok((!token.trim().is_empty()).then_some(token))
}

/// As much of an order as its id.
#[derive(Deserialize)]
pub(super) struct OnlyId {
    #[serde(deserialize_with = "string_or_number")]
    pub(super) id: String,
}

/// An order. Instants are seconds since 1970; 0 is none.
#[derive(Deserialize)]
pub(super) struct WireOrder<'a> {
    #[serde(borrow, deserialize_with = "scalar")]
    pub(super) id: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "text")]
    pub(super) status: Cow<'a, str>,
    #[serde(default, deserialize_with = "integer_opt")]
    pub(super) create_time: Option<i64>,
    #[serde(default, deserialize_with = "integer_opt")]
    pub(super) update_time: Option<i64>,
    #[serde(default, deserialize_with = "integer_opt")]
    pub(super) paid_time: Option<i64>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) user_id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) buyer_email: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) buyer_nickname: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) buyer_message: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) order_type: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) commerce_platform: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "integer_opt")]
    pub(super) release_date: Option<i64>,
    #[serde(default, deserialize_with = "lenient_bool_opt")]
    pub(super) is_cod: Option<bool>,
    #[serde(default, deserialize_with = "lenient_bool_opt")]
    pub(super) is_sample_order: Option<bool>,
    #[serde(default, deserialize_with = "lenient_bool_opt")]
    pub(super) is_replacement_order: Option<bool>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) replaced_order_id: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "lenient_bool_opt")]
    pub(super) is_exchange_order: Option<bool>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) exchange_source_order_id: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "lenient_bool_opt")]
    pub(super) is_on_hold_order: Option<bool>,
    #[serde(default, deserialize_with = "lenient_bool_opt")]
    pub(super) is_buyer_request_cancel: Option<bool>,
    #[serde(default, deserialize_with = "integer_opt")]
    pub(super) request_cancel_time: Option<i64>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) cancel_reason: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) cancellation_initiator: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) fulfillment_type: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) shipping_type: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) delivery_type: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) delivery_option_id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) delivery_option_name: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) shipping_provider: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) tracking_number: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) warehouse_id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) split_or_combine_tag: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) auto_combine_group_id: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "integer_opt")]
    pub(super) fulfillment_priority_level: Option<i64>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) need_upload_invoice: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) fast_delivery_program: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "lenient_bool_opt")]
    pub(super) has_updated_recipient_address: Option<bool>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) payment_method_name: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "integer_opt")]
    pub(super) rts_time: Option<i64>,
    #[serde(default, deserialize_with = "integer_opt")]
    pub(super) collection_time: Option<i64>,
    #[serde(default, deserialize_with = "integer_opt")]
    pub(super) delivery_time: Option<i64>,
    #[serde(default, deserialize_with = "integer_opt")]
    pub(super) rts_sla_time: Option<i64>,
    #[serde(default, deserialize_with = "integer_opt")]
    pub(super) tts_sla_time: Option<i64>,
    #[serde(default, deserialize_with = "integer_opt")]
    pub(super) delivery_sla_time: Option<i64>,
    #[serde(default, deserialize_with = "integer_opt")]
    pub(super) delivery_option_required_delivery_time: Option<i64>,
    #[serde(default, deserialize_with = "integer_opt")]
    pub(super) shipping_due_time: Option<i64>,
    #[serde(default, deserialize_with = "integer_opt")]
    pub(super) collection_due_time: Option<i64>,
    #[serde(default, deserialize_with = "integer_opt")]
    pub(super) delivery_due_time: Option<i64>,
    #[serde(default, deserialize_with = "integer_opt")]
    pub(super) cancel_order_sla_time: Option<i64>,
    #[serde(borrow, default, deserialize_with = "object_opt")]
    pub(super) payment: Option<WirePayment<'a>>,
    #[serde(borrow, default, deserialize_with = "object_opt")]
    pub(super) recipient_address: Option<WireAddress<'a>>,
    #[serde(borrow, default, deserialize_with = "or_empty")]
    pub(super) line_items: Vec<WireUnit<'a>>,
}

/// What the buyer pays.
#[derive(Deserialize)]
pub(super) struct WirePayment<'a> {
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) currency: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    pub(super) total_amount: Option<Decimal>,
}

/// One unit: there is no quantity.
#[derive(Deserialize)]
pub(super) struct WireUnit<'a> {
    #[serde(borrow, deserialize_with = "scalar")]
    pub(super) id: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) product_id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) sku_id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) seller_sku: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) product_name: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) sku_name: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) sku_image: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    pub(super) original_price: Option<Decimal>,
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    pub(super) sale_price: Option<Decimal>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) currency: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) display_status: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) package_id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) package_status: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) tracking_number: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) shipping_provider_name: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "integer_opt")]
    pub(super) rts_time: Option<i64>,
    #[serde(default, deserialize_with = "lenient_bool_opt")]
    pub(super) is_gift: Option<bool>,
    #[serde(default, deserialize_with = "lenient_bool_opt")]
    pub(super) is_dangerous_good: Option<bool>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) cancel_reason: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(super) item_tax: Option<Vec<WireTax>>,
    #[serde(borrow, default)]
    pub(super) combined_listing_skus: Option<Vec<WirePart<'a>>>,
}

/// A tax on a unit.
#[derive(Deserialize)]
pub(super) struct WireTax {
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    pub(super) tax_amount: Option<Decimal>,
}

/// A part of a virtual bundle.
#[derive(Deserialize)]
pub(super) struct WirePart<'a> {
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) sku_id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) seller_sku: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "integer_opt")]
    pub(super) sku_count: Option<u32>,
}

/// Whom it goes to. Parts may be masked with `*`.
#[derive(Deserialize)]
pub(super) struct WireAddress<'a> {
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) name: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) phone_number: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) address_detail: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) address_line1: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) address_line2: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) address_line3: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) address_line4: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "or_empty")]
    pub(super) district_info: Vec<WireDistrict<'a>>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) postal_code: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) post_town: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) region_code: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "object_opt")]
    pub(super) delivery_preferences: Option<WirePreferences<'a>>,
}

/// Where to leave the parcel.
#[derive(Deserialize)]
pub(super) struct WirePreferences<'a> {
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) drop_off_location: Option<Cow<'a, str>>,
}

/// A level of the address. Its number means something else in every market; its name does not.
#[derive(Deserialize)]
pub(super) struct WireDistrict<'a> {
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) address_level_name: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) address_name: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "loose_text_opt")]
    pub(super) iso_code: Option<Cow<'a, str>>,
}

/// A failure of one item under a good code. The code is a number in some calls and a text in others.
#[derive(Deserialize)]
pub(super) struct ItemError {
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) code: Option<String>,
    #[serde(default)]
    pub(super) message: Option<String>,
    #[serde(default)]
    pub(super) detail: Option<ItemDetail>,
}

/// Which item failed.
#[derive(Deserialize)]
pub(super) struct ItemDetail {
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) package_id: Option<String>,
}
