//! What vendors write in other forms than they promise: numbers as texts, texts as numbers, `null` and
//! empty lists for what is not there.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::Maybe;
#[cfg(doc)]
use super::{scalar_opt, text_opt};

/// Reads a whole number that is sometimes written as a string.
///
/// # Errors
/// What is no whole number, or does not fit the type.
pub fn integer<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<i128>,
{
    deserializer.deserialize_any(Whole(PhantomData))
}

/// Like [`integer`]; `null` and an empty string are `None`.
///
/// # Errors
/// As [`integer`].
pub fn integer_opt<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<i128>,
{
    deserializer.deserialize_option(Maybe(Whole(PhantomData)))
}

struct Whole<T>(PhantomData<T>);

impl<T: TryFrom<i128>> Whole<T> {
    fn fit<E: Error>(value: i128) -> Result<T, E> {
        T::try_from(value).map_err(|_| E::custom("the number is too large or too small"))
    }
}

impl<T: TryFrom<i128>> Visitor<'_> for Whole<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number, with or without quotes")
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<T, E> {
        Self::fit(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<T, E> {
        Self::fit(value.into())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        Self::fit(text.trim().parse().map_err(|_| E::custom("expected a whole number"))?)
    }
}

/// Like [`text_opt`], also where the text is written as a whole number. Quicker than [`scalar_opt`],
/// which keeps numbers of any form.
///
/// # Errors
/// Anything but a string, a whole number of 64 bits or `null`.
pub fn loose_text_opt<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Cow<'de, str>>, D::Error> {
    deserializer.deserialize_option(MaybeLooseText)
}

struct MaybeLooseText;

impl<'de> Visitor<'de> for MaybeLooseText {
    type Value = Option<Cow<'de, str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or a whole number")
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

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(text.to_owned())))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(value.to_string())))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(value.to_string())))
    }
}

/// Reads `null` as the empty value.
///
/// # Errors
/// Of the value.
pub fn or_empty<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// Reads an object that may be missing. Some vendors write an empty list where there is none, as
/// languages do that do not tell the two apart; it reads as `None`, like `null`.
///
/// # Errors
/// Of the object; a list that has items.
pub fn object_opt<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    deserializer.deserialize_any(MaybeObject(PhantomData))
}

struct MaybeObject<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for MaybeObject<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object, null or an empty list")
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(fields)).map(Some)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        match items.next_element::<serde::de::IgnoredAny>()? {
            None => Ok(None),
            Some(_) => Err(A::Error::custom("expected an object, not a list with items")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq, serde::Deserialize)]
    struct Loose<'a> {
        #[serde(default, deserialize_with = "integer_opt")]
        count: Option<u32>,
        #[serde(borrow, default, deserialize_with = "loose_text_opt")]
        name: Option<Cow<'a, str>>,
        #[serde(default, deserialize_with = "or_empty")]
        words: Vec<String>,
        #[serde(borrow, default, deserialize_with = "object_opt")]
        inner: Option<Box<Loose<'a>>>,
    }

    fn loose(fields: &str) -> Option<Loose<'_>> {
        serde_json::from_str(fields).ok()
    }

    #[test]
    fn whole_numbers_and_texts_may_be_written_as_each_other() {
        let count = |text: &str| loose(&format!("{{\"count\": {text}}}")).map(|read| read.count);
        for (text, wanted) in [("7", Some(7)), ("\" 7 \"", Some(7)), ("\"\"", None), ("null", None)]
        {
            assert_eq!(count(text), Some(wanted), "{text}");
        }
        for bad in ["-1", "4294967296", "\"4294967296\"", "7.5", "\"7.5\"", "true", "[]", "{}"] {
            assert_eq!(count(bad), None, "{bad}");
        }
        let plain = loose(r#"{"name": "Ana"}"#).unwrap();
        assert!(matches!(plain.name, Some(Cow::Borrowed("Ana"))));
        assert_eq!(
            loose(r#"{"name": 18446744073709551615}"#).unwrap().name.unwrap(),
            u64::MAX.to_string()
        );
        assert_eq!(loose(r#"{"name": -5}"#).unwrap().name.unwrap(), "-5");
        assert_eq!(loose(r#"{"name": "\u0041"}"#).unwrap().name.unwrap(), "A");
        // Beyond 64 bits the digits would be lost.
        for bad in [r#"{"name": 18446744073709551616}"#, r#"{"name": 1.0}"#, r#"{"name": true}"#] {
            assert_eq!(loose(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_not_there_may_be_null_or_an_empty_list() {
        let nothing = Loose::default();
        for text in [
            "{}",
            r#"{"count": null, "name": null, "words": null, "inner": null}"#,
            r#"{"words": [], "inner": []}"#,
        ] {
            assert_eq!(loose(text).unwrap(), nothing, "{text}");
        }
        let inner = loose(r#"{"inner": {"count": 1, "inner": []}}"#).unwrap().inner.unwrap();
        assert_eq!((inner.count, inner.inner), (Some(1), None));
        for bad in [r#"{"inner": [{}]}"#, r#"{"inner": "x"}"#, r#"{"words": {}}"#] {
            assert_eq!(loose(bad), None, "{bad}");
        }
    }
}
