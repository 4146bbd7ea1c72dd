//! Mercado Libre's JSON as it is written, read tolerantly.

use std::borrow::Cow;
use std::ops::Deref;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::client::wire::{
    OneOrMany, exact_decimal, exact_decimal_opt, integer_opt, number_text_opt, object_opt,
    or_empty, scalar, scalar_opt, string_or_number, string_or_number_opt, text, text_opt,
};

/// A text of a list, borrowed where nothing is escaped.
#[derive(Deserialize)]
pub(super) struct Word<'a>(#[serde(borrow)] Cow<'a, str>);

impl Deref for Word<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// An instant in the forms seen: RFC 3339, and `-0400` without the colon.
pub(super) fn parse_instant(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if let Some(at) = usual_instant(text.as_bytes()) {
        return Some(at);
    }
    DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"))
        .ok()
        .map(|at| at.to_utc())
}

/// The form of nearly all instants, told digit by digit: `2024-11-01T09:34:59.000-04:00`, with `Z` or
/// without the colon as well. Everything else is left to others.
fn usual_instant(text: &[u8]) -> Option<DateTime<Utc>> {
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0_u32, |sum, digit| {
            digit.is_ascii_digit().then(|| sum * 10 + u32::from(digit - b'0'))
        })
    };
    let (date, rest) = text.split_at_checked(19)?;
    let [y0, y1, y2, y3, b'-', o0, o1, b'-', d0, d1, b'T', h0, h1, b':', m0, m1, b':', s0, s1] =
        *date
    else {
        return None;
    };
    let year = i32::try_from(number(&[y0, y1, y2, y3])?).ok()?;
    let day = NaiveDate::from_ymd_opt(year, number(&[o0, o1])?, number(&[d0, d1])?)?;
    let (millis, zone) = match rest {
        [b'.', a, b, c, zone @ ..] => (number(&[*a, *b, *c])?, zone),
        zone => (0, zone),
    };
    let (hour, minute, second) = (number(&[h0, h1])?, number(&[m0, m1])?, number(&[s0, s1])?);
    let local = day.and_hms_milli_opt(hour, minute, second, millis)?;
    let (west, hours, minutes) = match *zone {
        [b'Z'] => return Some(local.and_utc()),
        [sign @ (b'+' | b'-'), a, b, b':', c, d] | [sign @ (b'+' | b'-'), a, b, c, d] => {
            (sign == b'-', number(&[a, b])?, number(&[c, d])?)
        }
        _ => return None,
    };
    if hours > 23 || minutes > 59 {
        return None;
    }
    let offset = TimeDelta::minutes(i64::from(hours * 60 + minutes));
    let utc =
        if west { local.checked_add_signed(offset) } else { local.checked_sub_signed(offset) };
    Some(utc?.and_utc())
}

pub(super) fn instant<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<DateTime<Utc>, D::Error> {
    parse_instant(&text(deserializer)?)
        .ok_or_else(|| serde::de::Error::custom("expected an instant"))
}

pub(super) fn instant_opt<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<DateTime<Utc>>, D::Error> {
    match text_opt(deserializer)? {
        Some(text) if !text.trim().is_empty() => parse_instant(&text)
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

/// Like [`WithId`], borrowed.
#[derive(Default, Deserialize)]
pub(super) struct Ref<'a> {
    #[serde(borrow, default, deserialize_with = "scalar_opt")]
    pub(super) id: Option<Cow<'a, str>>,
}

// ---- orders -----------------------------------------------------------------------------------

#[derive(Deserialize)]
pub(super) struct SearchAnswer<'a> {
    #[serde(borrow)]
    pub(super) results: Vec<&'a RawValue>,
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) paging: Paging,
}

/// What an answer says of the list that it is a page of; any of it may be missing or wrong.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(super) struct Paging {
    #[serde(default, deserialize_with = "integer_opt")]
    pub(super) total: Option<u64>,
    #[serde(default, deserialize_with = "integer_opt")]
    pub(super) offset: Option<u64>,
    #[serde(default, deserialize_with = "integer_opt")]
    limit: Option<u64>,
}

impl Paging {
    /// Where the list goes on behind a page that was asked for `asked` items from `offset` on and
    /// showed `shown`; `None` at its end. What was shown counts, not what is said of it: a step wider
    /// than that would pass over items. A full page without a credible total is not the last one.
    pub(super) fn next(self, offset: u64, shown: u64, asked: u64) -> Option<u64> {
        let next = offset.saturating_add(shown);
        let goes_on = match self.total {
            Some(total) if total >= next => next < total,
            _ => shown >= self.limit.filter(|limit| *limit > 0).map_or(asked, |l| l.min(asked)),
        };
        (goes_on && shown > 0).then_some(next)
    }
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
pub(super) struct WireOrder<'a> {
    #[serde(borrow, deserialize_with = "scalar")]
    pub(super) id: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "scalar_opt")]
    pub(super) pack_id: Option<Cow<'a, str>>,
    #[serde(deserialize_with = "instant")]
    pub(super) date_created: DateTime<Utc>,
    /// Called `date_last_updated` in older bodies.
    #[serde(default, alias = "date_last_updated", deserialize_with = "instant_opt")]
    pub(super) last_updated: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "instant_opt")]
    pub(super) date_closed: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "instant_opt")]
    pub(super) manufacturing_ending_date: Option<DateTime<Utc>>,
    #[serde(borrow, deserialize_with = "text")]
    pub(super) status: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "or_empty")]
    pub(super) tags: Vec<Word<'a>>,
    #[serde(borrow)]
    pub(super) order_items: Vec<WireItem<'a>>,
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    pub(super) total_amount: Option<Decimal>,
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    pub(super) shipping_cost: Option<Decimal>,
    #[serde(borrow, default, deserialize_with = "text_opt")]
    pub(super) currency_id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "or_empty")]
    pub(super) payments: Vec<WirePayment<'a>>,
    #[serde(borrow, default, deserialize_with = "or_empty")]
    pub(super) shipping: Ref<'a>,
    #[serde(borrow, default, deserialize_with = "or_empty")]
    pub(super) buyer: WireBuyer<'a>,
    #[serde(borrow, default, deserialize_with = "object_opt")]
    pub(super) seller: Option<Ref<'a>>,
    #[serde(borrow, default, deserialize_with = "or_empty")]
    pub(super) context: WireContext<'a>,
    #[serde(borrow, default)]
    pub(super) cancel_detail: Option<CancelDetail<'a>>,
    #[serde(borrow, default, deserialize_with = "or_empty")]
    pub(super) mediations: Vec<Ref<'a>>,
}

#[derive(Default, Deserialize)]
pub(super) struct WireBuyer<'a> {
    #[serde(borrow, default, deserialize_with = "scalar_opt")]
    pub(super) id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text_opt")]
    pub(super) nickname: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text_opt")]
    pub(super) first_name: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text_opt")]
    pub(super) last_name: Option<Cow<'a, str>>,
    /// In older bodies.
    #[serde(borrow, default, deserialize_with = "text_opt")]
    pub(super) email: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "or_empty")]
    pub(super) billing_info: Ref<'a>,
}

#[derive(Default, Deserialize)]
pub(super) struct WireContext<'a> {
    #[serde(borrow, default, deserialize_with = "text_opt")]
    pub(super) channel: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text_opt")]
    pub(super) site: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "or_empty")]
    pub(super) flows: Vec<Word<'a>>,
}

#[derive(Deserialize)]
pub(super) struct CancelDetail<'a> {
    #[serde(borrow, default, deserialize_with = "text_opt")]
    pub(super) group: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text_opt")]
    pub(super) code: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text_opt")]
    pub(super) requested_by: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
pub(super) struct WireItem<'a> {
    #[serde(borrow)]
    pub(super) item: ItemFacts<'a>,
    pub(super) quantity: u32,
    #[serde(deserialize_with = "exact_decimal")]
    pub(super) unit_price: Decimal,
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    pub(super) full_unit_price: Option<Decimal>,
    /// Of all units, before the discount. Newer than `full_unit_price`, and not everywhere.
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    pub(super) gross_price: Option<Decimal>,
    /// A number, kept as it is written.
    #[serde(borrow, default, deserialize_with = "number_text_opt")]
    pub(super) sale_fee: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text_opt")]
    pub(super) currency_id: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(super) manufacturing_days: Option<u32>,
    #[serde(borrow, default, deserialize_with = "or_empty")]
    pub(super) stock: OneOrMany<ItemStock<'a>>,
    #[serde(borrow, default, deserialize_with = "scalar_opt")]
    pub(super) element_id: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
pub(super) struct ItemFacts<'a> {
    #[serde(borrow, deserialize_with = "scalar")]
    pub(super) id: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "text_opt")]
    pub(super) title: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "scalar_opt")]
    pub(super) variation_id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "or_empty")]
    pub(super) variation_attributes: Vec<Attribute<'a>>,
    #[serde(borrow, default, deserialize_with = "scalar_opt")]
    pub(super) seller_sku: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "scalar_opt")]
    pub(super) seller_custom_field: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "scalar_opt")]
    pub(super) user_product_id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "scalar_opt")]
    pub(super) parent_item_id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text_opt")]
    pub(super) condition: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
pub(super) struct Attribute<'a> {
    #[serde(borrow, default, deserialize_with = "text_opt")]
    pub(super) name: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text_opt")]
    pub(super) value_name: Option<Cow<'a, str>>,
}

/// A list in the documentation, an object in a real answer.
#[derive(Deserialize)]
pub(super) struct ItemStock<'a> {
    #[serde(borrow, default, deserialize_with = "scalar_opt")]
    pub(super) store_id: Option<Cow<'a, str>>,
    #[serde(borrow, default, alias = "node_id", deserialize_with = "scalar_opt")]
    pub(super) network_node_id: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
pub(super) struct WirePayment<'a> {
    #[serde(borrow, deserialize_with = "scalar")]
    pub(super) id: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "text_opt")]
    pub(super) status: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    pub(super) transaction_amount: Option<Decimal>,
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    pub(super) total_paid_amount: Option<Decimal>,
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    pub(super) transaction_amount_refunded: Option<Decimal>,
    #[serde(borrow, default, deserialize_with = "text_opt")]
    pub(super) currency_id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text_opt")]
    pub(super) payment_method_id: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "instant_opt")]
    pub(super) date_approved: Option<DateTime<Utc>>,
}

/// A detail in words: `null`, a text, or an object with `code` and `description`.
fn words_opt<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let Some(raw) = Option::<&RawValue>::deserialize(deserializer)? else { return Ok(None) };
    if let Ok(text) = serde_json::from_str(raw.get()) {
        return Ok(Some(text));
    }
    let detail: Option<CancelDetail<'_>> = serde_json::from_str(raw.get()).ok();
    let code = detail.and_then(|detail| detail.code).map(Cow::into_owned);
    // Of another form, it is kept as it is.
    Ok(Some(code.unwrap_or_else(|| raw.get().to_owned())))
}

#[derive(Deserialize)]
pub(super) struct WirePack {
    #[serde(default)]
    pub(super) status: Option<String>,
    #[serde(default, deserialize_with = "words_opt")]
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
    /// Across borders, and in the old view.
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) order_id: Option<String>,
    pub(super) status: String,
    #[serde(default)]
    pub(super) substatus: Option<String>,
    #[serde(default, deserialize_with = "instant_opt")]
    pub(super) last_updated: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) tracking_number: Option<String>,
    #[serde(default, deserialize_with = "string_or_number_opt")]
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
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) id: Option<String>,
    #[serde(default, deserialize_with = "string_or_number_opt")]
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
    #[serde(default, deserialize_with = "instant_opt")]
    pub(super) date_delivered: Option<DateTime<Utc>>,
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

/// An item of a shipment.
#[derive(Deserialize)]
pub(super) struct ShipmentItem {
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) order_id: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct HistoryRow {
    pub(super) status: String,
    #[serde(default)]
    pub(super) substatus: Option<String>,
    #[serde(deserialize_with = "instant")]
    pub(super) date: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn instants_read_with_and_without_a_colon_and_nothing_else_does() {
        for (text, wanted) in [
            ("2024-11-01T09:34:59.000-04:00", "2024-11-01T13:34:59Z"),
            ("2024-11-01T09:34:59.120-0400", "2024-11-01T13:34:59.120Z"),
            ("2024-11-01T09:34:59+05:30", "2024-11-01T04:04:59Z"),
            (" 2024-11-01T09:34:59Z ", "2024-11-01T09:34:59Z"),
            ("2024-11-01T09:34:59.1234567Z", "2024-11-01T09:34:59.1234567Z"),
            ("2024-12-31T23:30:00.000-04:00", "2025-01-01T03:30:00Z"),
        ] {
            assert_eq!(parse_instant(text), Some(wanted.parse().unwrap()), "{text}");
        }
        for text in [
            "2024-02-30T09:34:59Z",
            "2024-11-01T25:34:59Z",
            "2024-11-01",
            "2024-11-01T09:34:59",
            "",
        ] {
            assert_eq!(parse_instant(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_quick_way_to_read_an_instant_says_what_the_thorough_one_does(
            text in "[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{3})?(Z|[+-][0-2][0-9]:[0-6][0-9])"
        ) {
            if let Some(quick) = usual_instant(text.as_bytes()) {
                let thorough = DateTime::parse_from_rfc3339(&text).map(|at| at.to_utc());
                prop_assert_eq!(Ok(quick), thorough);
            }
        }
    }
}
