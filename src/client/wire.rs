//! Tolerant building blocks for vendors' JSON, for `#[serde(deserialize_with = "…")]`.
//!
//! ```
//! use orderflow::client::wire::{self, OneOrMany};
//! use rust_decimal::Decimal;
//! use serde::Deserialize;
//!
//! #[derive(Deserialize)]
//! struct Line {
//!     #[serde(deserialize_with = "wire::exact_decimal")]
//!     amount: Decimal,
//!     #[serde(deserialize_with = "wire::string_or_number")]
//!     id: String,
//!     #[serde(default, deserialize_with = "wire::lenient_bool_opt")]
//!     gift: Option<bool>,
//! }
//!
//! #[derive(Deserialize)]
//! struct Order {
//!     lines: OneOrMany<Line>,
//! }
//!
//! let order: Order =
//!     serde_json::from_str(r#"{"lines": {"amount": 70.02, "id": 7, "gift": "true"}}"#)?;
//! let line = &order.lines[0];
//! assert_eq!((line.amount.to_string().as_str(), line.id.as_str()), ("70.02", "7"));
//! assert_eq!(line.gift, Some(true));
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! The `_opt` twins also take `null`; give their fields `#[serde(default)]` for absent ones.
//!
//! [`exact_decimal`] and [`string_or_number`] read a number's own text, so they need serde_json's
//! deserializer itself, over a slice or string (as [`Response::json`](super::Response::json) has).
//! Inside `#[serde(flatten)]`, untagged or internally tagged types serde has already turned numbers
//! into `f64`; there they fail rather than guess. [`OneOrMany`] keeps the text intact.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::de::value::MapAccessDeserializer;
use serde::de::{
    Deserialize, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde_json::value::RawValue;

mod loose;
mod readable;

pub use loose::{integer, integer_opt, loose_text_opt, object_opt, or_empty};
pub use readable::{Readable, readable_bool_opt, readable_opt, readable_text_opt};

use crate::error::ErrorKind;

/// Decodes a vendor's JSON. An error names the place (`orders[3].total`) and never repeats the text,
/// which may be personal.
///
/// # Errors
/// [`ErrorKind::UnexpectedAnswer`] when the bytes are no JSON or do not have the promised form.
pub fn decode<'a, T: Deserialize<'a>>(body: &'a [u8]) -> crate::Result<T> {
    // Keeping track of the place costs time, so it is done only for bytes that turned out bad.
    if let Ok(read) = serde_json::from_slice(body) {
        return Ok(read);
    }
    explained(body)
}

/// Like [`decode`] for a text that is known to be one, which is checked for UTF-8 no second time.
///
/// # Errors
/// As [`decode`].
pub fn decode_text<'a, T: Deserialize<'a>>(text: &'a str) -> crate::Result<T> {
    serde_json::from_str(text).or_else(|_| explained(text.as_bytes()))
}

/// Decodes once more, and says where it does not work.
fn explained<'a, T: Deserialize<'a>>(body: &'a [u8]) -> crate::Result<T> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let read = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let (path, inner) = (error.path().to_string(), error.into_inner());
        // serde_json repeats the offending text in its message: personal data may be in it.
        let what = match inner.classify() {
            serde_json::error::Category::Eof => "ends too early",
            serde_json::error::Category::Syntax => "is not valid JSON",
            _ => "does not have the promised form",
        };
        let (line, column) = (inner.line(), inner.column());
        unexpected(format!("the answer {what} at {path} (line {line}, column {column})"))
    })?;
    deserializer.end().map_err(|_| unexpected("the answer goes on after its end"))?;
    Ok(read)
}

/// An answer that cannot be what the vendor promised.
#[must_use]
pub fn unexpected(message: impl Into<String>) -> crate::Error {
    crate::Error::new(ErrorKind::UnexpectedAnswer, message)
}

/// A text without the white space around it; nothing when nothing is left.
#[must_use]
pub fn filled(text: Option<&str>) -> Option<String> {
    text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// Reads an amount from a JSON number or string, digit by digit and never through `f64`: `70.02`
/// stays 70.02, `"70.10"` keeps its zero. Scientific notation is fine.
///
/// # Errors
/// What is no number, or does not fit a [`Decimal`] exactly (28 digits).
pub fn exact_decimal<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    decimal(&text_of(<&RawValue>::deserialize(deserializer)?)?)
}

/// Like [`exact_decimal`]; `null` and an empty string are `None`.
///
/// # Errors
/// As [`exact_decimal`].
pub fn exact_decimal_opt<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Decimal>, D::Error> {
    let text = number_text_opt(deserializer)?.filter(|text| !text.trim().is_empty());
    text.map(|text| decimal(&text)).transpose()
}

fn decimal<E: Error>(text: &str) -> Result<Decimal, E> {
    // The text may be personal or secret if a vendor moves fields about: it stays out of the error.
    parse_decimal(text.trim()).ok_or_else(|| E::custom("expected an exact decimal number"))
}

fn parse_decimal(text: &str) -> Option<Decimal> {
    if let Some(short) = short_decimal(text.as_bytes()) {
        return Some(short);
    }
    // rust_decimal alone would also take `1_000`.
    if !text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) {
        return None;
    }
    let Some((digits, _)) = text.split_once(['e', 'E']) else {
        return Decimal::from_str_exact(text).ok();
    };
    // `from_scientific` rounds what does not fit; the digits alone must already fit.
    Decimal::from_str_exact(digits).ok()?;
    Decimal::from_scientific(text).ok()
}

/// The usual amounts: up to 18 digits, with a point between them or none.
fn short_decimal(text: &[u8]) -> Option<Decimal> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    // One of the 19 may be the point.
    if digits.len() > 19 || !digits.first()?.is_ascii_digit() || !digits.last()?.is_ascii_digit() {
        return None;
    }
    let (mut mantissa, mut count, mut scale) = (0_i64, 0_u32, None::<u32>);
    for byte in digits {
        match byte {
            b'0'..=b'9' => {
                mantissa = mantissa.checked_mul(10)?.checked_add(i64::from(byte - b'0'))?;
                count += 1;
                scale = scale.map(|scale| scale + 1);
            }
            b'.' if scale.is_none() => scale = Some(0),
            _ => return None,
        }
    }
    if count > 18 || (negative && mantissa == 0) {
        return None;
    }
    let sign = if negative { -1 } else { 1 };
    Some(Decimal::new(sign * mantissa, scale.unwrap_or(0)))
}

/// Reads an id that is sometimes a string and sometimes a number, word for word. Numbers keep
/// their text, however long: leading zeros and digits beyond 2⁵³ survive.
///
/// # Errors
/// Anything but a string or a whole number: one with a fraction or an exponent went through
/// somebody's floating point, and may be another's id by now.
pub fn string_or_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    scalar(deserializer).map(Cow::into_owned)
}

/// Like [`string_or_number`]; `null` is `None`, an empty string stays an empty string.
///
/// # Errors
/// As [`string_or_number`].
pub fn string_or_number_opt<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    Ok(scalar_opt(deserializer)?.map(Cow::into_owned))
}

/// Like [`string_or_number`], borrowed from the input where nothing is escaped. Fields of this kind
/// also need `#[serde(borrow)]`.
///
/// # Errors
/// As [`string_or_number`].
pub fn scalar<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Cow<'de, str>, D::Error> {
    id_of(<&RawValue>::deserialize(deserializer)?)
}

/// Like [`scalar`]; `null` is `None`, an empty string stays an empty string.
///
/// # Errors
/// As [`string_or_number`].
pub fn scalar_opt<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Cow<'de, str>>, D::Error> {
    Option::<&RawValue>::deserialize(deserializer)?.map(id_of).transpose()
}

/// Reads a number of any kind, or a string, word for word; `null` is `None`. Fields of this kind also
/// need `#[serde(borrow)]`.
///
/// # Errors
/// Anything but a string or a number.
pub fn number_text_opt<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Cow<'de, str>>, D::Error> {
    Option::<&RawValue>::deserialize(deserializer)?.map(text_of).transpose()
}

/// Reads a string, borrowed from the input where nothing is escaped; serde alone copies every one
/// that is optional. Fields of this kind also need `#[serde(borrow)]`.
///
/// ```
/// use std::borrow::Cow;
///
/// use orderflow::client::wire;
/// use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// struct Buyer<'a> {
///     #[serde(borrow, default, deserialize_with = "wire::text_opt")]
///     name: Option<Cow<'a, str>>,
/// }
///
/// let buyer: Buyer<'_> = serde_json::from_str(r#"{"name": "Ana"}"#)?;
/// assert!(matches!(buyer.name, Some(Cow::Borrowed("Ana"))));
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// # Errors
/// Anything but a string.
pub fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Cow<'de, str>, D::Error> {
    deserializer.deserialize_str(Text)
}

/// Like [`text`]; `null` is `None`, an empty string stays an empty string.
///
/// # Errors
/// As [`text`].
pub fn text_opt<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Cow<'de, str>>, D::Error> {
    deserializer.deserialize_option(MaybeText)
}

struct Text;

impl<'de> Visitor<'de> for Text {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text))
    }
}

struct MaybeText;

impl<'de> Visitor<'de> for MaybeText {
    type Value = Option<Cow<'de, str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Text.expecting(f)
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        text(deserializer).map(Some)
    }
}

/// As [`text_of`], without numbers that have a fraction or an exponent.
fn id_of<E: Error>(raw: &RawValue) -> Result<Cow<'_, str>, E> {
    let text = raw.get();
    if text.starts_with(|first: char| first == '-' || first.is_ascii_digit())
        && text.contains(['.', 'e', 'E'])
    {
        return Err(E::custom("expected a string or a whole number"));
    }
    text_of(raw)
}

/// The text of a string or number. Borrows unless the string has escapes.
fn text_of<E: Error>(raw: &RawValue) -> Result<Cow<'_, str>, E> {
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'"') => match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
            Some(inner) if !inner.contains('\\') => Ok(Cow::Borrowed(inner)),
            _ => serde_json::from_str(text).map(Cow::Owned).map_err(E::custom),
        },
        Some(b'-' | b'0'..=b'9') => Ok(Cow::Borrowed(text)),
        _ => Err(E::custom("expected a string or a number")),
    }
}

/// A decimal written as a JSON number, digit by digit; serde would write a string or a float.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number(pub Decimal);

impl serde::Serialize for Number {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.0.normalize().to_string())
            .map_err(serde::ser::Error::custom)?
            .serialize(serializer)
    }
}

/// Reads an instant from milliseconds since 1970, as a number or a string of digits.
///
/// # Errors
/// What is no whole number, or lies beyond the years chrono knows.
pub fn epoch_millis<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DateTime<Utc>, D::Error> {
    deserializer.deserialize_any(Millis)
}

/// Like [`epoch_millis`]; `null` and an empty string are `None`.
///
/// # Errors
/// As [`epoch_millis`].
pub fn epoch_millis_opt<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<DateTime<Utc>>, D::Error> {
    deserializer.deserialize_option(Maybe(Millis))
}

/// Reads `true`, `false` and the same words in quotes, in upper or lower case.
///
/// # Errors
/// Anything else; a `1` might as well be a count.
pub fn lenient_bool<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    deserializer.deserialize_any(Truth)
}

/// Like [`lenient_bool`]; `null` and an empty string are `None`.
///
/// # Errors
/// As [`lenient_bool`].
pub fn lenient_bool_opt<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<bool>, D::Error> {
    deserializer.deserialize_option(Maybe(Truth))
}

struct Millis;

impl Visitor<'_> for Millis {
    type Value = DateTime<Utc>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("milliseconds since 1970 as a number or string")
    }

    fn visit_i64<E: Error>(self, millis: i64) -> Result<Self::Value, E> {
        DateTime::from_timestamp_millis(millis)
            .ok_or_else(|| E::custom("the instant lies beyond the calendar"))
    }

    fn visit_u64<E: Error>(self, millis: u64) -> Result<Self::Value, E> {
        self.visit_i64(i64::try_from(millis).unwrap_or(i64::MAX))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        let millis = text.trim().parse();
        self.visit_i64(millis.map_err(|_| E::custom("expected milliseconds since 1970"))?)
    }
}

struct Truth;

impl Visitor<'_> for Truth {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true or false, with or without quotes")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<bool, E> {
        Ok(value)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<bool, E> {
        match text.trim() {
            text if text.eq_ignore_ascii_case("true") => Ok(true),
            text if text.eq_ignore_ascii_case("false") => Ok(false),
            _ => Err(E::custom("expected true or false")),
        }
    }
}

/// Makes `null` and the empty string `None`, and leaves the rest to another visitor.
struct Maybe<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for Maybe<V> {
    type Value = Option<V::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        self.0.visit_bool(value).map(Some)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        self.0.visit_i64(value).map(Some)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        self.0.visit_u64(value).map(Some)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        if text.trim().is_empty() { Ok(None) } else { self.0.visit_str(text).map(Some) }
    }
}

/// A list that is sometimes written as its only item. `null` is the empty list.
///
/// Items are read straight from the input, without a detour that would cost exact numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneOrMany<T>(Vec<T>);

impl<T> OneOrMany<T> {
    /// The items.
    #[must_use]
    pub fn into_vec(self) -> Vec<T> {
        self.0
    }
}

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Deref for OneOrMany<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T> IntoIterator for OneOrMany<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a OneOrMany<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Items(PhantomData)).map(Self)
    }
}

struct Items<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Items<T> {
    fn only<E: Error>(item: impl IntoDeserializer<'de, E>) -> Result<Vec<T>, E> {
        T::deserialize(item.into_deserializer()).map(|item| vec![item])
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Items<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list or a single item")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
        let mut list = Vec::with_capacity(items.size_hint().unwrap_or(0).min(1_024));
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Vec<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(fields)).map(|item| vec![item])
    }

    fn visit_unit<E: Error>(self) -> Result<Vec<T>, E> {
        Ok(Vec::new())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Vec<T>, E> {
        Self::only(value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Vec<T>, E> {
        Self::only(value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Vec<T>, E> {
        Self::only(value)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Vec<T>, E> {
        Self::only(value)
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Vec<T>, E> {
        T::deserialize(serde::de::value::BorrowedStrDeserializer::new(text)).map(|item| vec![item])
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<T>, E> {
        T::deserialize(serde::de::value::StrDeserializer::new(text)).map(|item| vec![item])
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, StatusCode};
    use proptest::prelude::*;

    use super::super::Response;
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    struct Line {
        #[serde(deserialize_with = "exact_decimal")]
        amount: Decimal,
        #[serde(default, deserialize_with = "exact_decimal_opt")]
        tax: Option<Decimal>,
        #[serde(default, deserialize_with = "string_or_number_opt")]
        id: Option<String>,
        #[serde(default, deserialize_with = "epoch_millis_opt")]
        at: Option<DateTime<Utc>>,
        #[serde(default, deserialize_with = "lenient_bool_opt")]
        gift: Option<bool>,
    }

    fn amount(text: &str) -> Option<String> {
        let json = format!("{{\"amount\": {text}}}");
        serde_json::from_str::<Line>(&json).ok().map(|line| line.amount.to_string())
    }

    fn line(fields: &str) -> Result<Line, serde_json::Error> {
        serde_json::from_str(&format!("{{\"amount\": 1, {fields}}}"))
    }

    #[test]
    fn amounts_keep_every_digit_whether_number_or_string() {
        let cases = [
            ("70.02", "70.02"),
            ("\"70.10\"", "70.10"),
            ("0.1", "0.1"),
            ("-3", "-3"),
            ("1234567890123456789.123456789", "1234567890123456789.123456789"),
            ("1.5e3", "1500"),
            ("7002E-2", "70.02"),
            ("\" 5.00 \"", "5.00"),
            (r#""\u0035.00""#, "5.00"),
        ];
        for (text, kept) in cases {
            assert_eq!(amount(text).as_deref(), Some(kept), "{text}");
        }
        let bad = [
            "true",
            "null",
            "[]",
            "\"\"",
            "\"1,5\"",
            "\"1_000\"",
            "\"NaN\"",
            "\"$5\"",
            "1e999",
            "1e-30",
            "9e28",
            "0.12345678901234567890123456789012",
            "\"1e\"",
            "\"e5\"",
            "\".\"",
        ];
        for text in bad {
            assert_eq!(amount(text), None, "{text}");
        }
    }

    #[test]
    fn absent_null_and_empty_fields_are_none() {
        let empty = line(r#""tax": null, "id": null, "at": null, "gift": null"#).unwrap();
        assert!(empty.tax.is_none() && empty.id.is_none());
        assert!(empty.at.is_none() && empty.gift.is_none());
        let blank = line(r#""tax": "", "id": "", "at": "", "gift": """#).unwrap();
        assert!(blank.tax.is_none() && blank.at.is_none() && blank.gift.is_none());
        assert_eq!(blank.id.as_deref(), Some(""));
    }

    #[test]
    fn ids_keep_their_text() {
        let id = |text: &str| line(&format!("\"id\": {text}")).ok().and_then(|line| line.id);
        assert_eq!(id("\"007\"").as_deref(), Some("007"));
        assert_eq!(id("576460752303423488001").as_deref(), Some("576460752303423488001"));
        assert_eq!(id(r#""a\"b""#).as_deref(), Some("a\"b"));
        assert_eq!(id("true"), None);
        assert_eq!(id("{}"), None);
        for lost in ["1.5", "1e+30", "2E9", "-0.0"] {
            assert_eq!(id(lost), None, "{lost}");
        }
    }

    #[test]
    fn instants_and_truths_come_with_and_without_quotes() {
        let at = |text: &str| line(&format!("\"at\": {text}")).ok().and_then(|line| line.at);
        let instant = DateTime::from_timestamp_millis(1_580_821_866_000);
        assert_eq!(at("1580821866000"), instant);
        assert_eq!(at("\"1580821866000\""), instant);
        assert_eq!(at("99999999999999999999"), None);
        assert_eq!(at("\"yesterday\""), None);
        let gift = |text: &str| line(&format!("\"gift\": {text}")).ok().and_then(|line| line.gift);
        assert_eq!([gift("true"), gift("\"False\"")], [Some(true), Some(false)]);
        assert_eq!([gift("1"), gift("\"yes\"")], [None, None]);
    }

    #[test]
    fn a_list_may_be_its_only_item_and_numbers_inside_stay_exact() {
        for (json, amounts) in [
            (r#"[{"amount": 70.02}, {"amount": "1"}]"#, vec!["70.02", "1"]),
            (r#"{"amount": 1234567890123456789.12}"#, vec!["1234567890123456789.12"]),
            ("[]", vec![]),
            ("null", vec![]),
        ] {
            let lines: OneOrMany<Line> = serde_json::from_str(json).unwrap();
            let read: Vec<_> = lines.iter().map(|line| line.amount.to_string()).collect();
            assert_eq!(read, amounts);
        }
        let words: OneOrMany<String> = serde_json::from_str("\"one\"").unwrap();
        assert_eq!(words.into_vec(), ["one"]);
    }

    #[test]
    fn the_blocks_work_under_an_answer_and_a_misfit_names_its_place_but_not_its_text() {
        #[derive(Debug, serde::Deserialize)]
        struct Order {
            lines: OneOrMany<Line>,
        }
        let response = |body: &'static str| Response {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: Bytes::from_static(body.as_bytes()),
        };
        let good = response(r#"{"lines": {"amount": 70.02}}"#);
        assert_eq!(good.json::<Order>().unwrap().lines[0].amount.to_string(), "70.02");
        let bad = response(r#"{"lines": [{"amount": 1}, {"amount": "canary"}]}"#);
        let error = bad.json::<Order>().unwrap_err().to_string();
        assert!(error.contains("lines[1].amount") && !error.contains("canary"), "{error}");
    }

    proptest! {
        #[test]
        fn a_short_decimal_is_what_the_long_way_makes_of_the_same_text(
            text in prop_oneof![
                "-?[0-9]{0,20}(\\.[0-9]{0,20})?",
                "[-+0-9.eE_ ]{0,22}",
                any::<String>(),
            ],
        ) {
            if let Some(short) = short_decimal(text.as_bytes()) {
                let long = Decimal::from_str_exact(&text);
                // The scale too: 7.50 is not 7.5.
                prop_assert_eq!(Some(short.to_string()), long.ok().map(|long| long.to_string()));
            }
        }

        #[test]
        fn amounts_up_to_eighteen_digits_go_the_short_way(
            mantissa in 0_i64..1_000_000_000_000_000_000,
            scale in 0_u32..=17,
        ) {
            let decimal = Decimal::new(mantissa, scale);
            prop_assert_eq!(short_decimal(decimal.to_string().as_bytes()), Some(decimal));
        }

        #[test]
        fn every_decimal_survives_as_number_and_as_string(mantissa: i64, scale in 0_u32..=18) {
            let decimal = Decimal::new(mantissa, scale);
            prop_assert_eq!(amount(&decimal.to_string()), Some(decimal.to_string()));
            prop_assert_eq!(amount(&format!("\"{decimal}\"")), Some(decimal.to_string()));
        }
    }
}
