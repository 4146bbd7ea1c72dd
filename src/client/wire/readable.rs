//! Fields that cost only themselves: what is not readable is left out, and the rest of the answer
//! stands. For answers about many things at once, such as prices and histories; where a call has
//! acted, use the strict readers.

use std::ops::Deref;

use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde_json::value::RawValue;

#[cfg(doc)]
use super::{OneOrMany, lenient_bool, string_or_number_opt};
use super::{lenient_bool_opt, text_of};

/// Like [`string_or_number_opt`], also for `true` and `false`, word for word; a list or an object
/// is `None`.
///
/// # Errors
/// None but those of broken JSON.
pub fn readable_text_opt<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?;
    Ok(match raw.get() {
        word @ ("true" | "false") => Some(word.to_owned()),
        _ => text_of::<serde_json::Error>(raw).ok().map(std::borrow::Cow::into_owned),
    })
}

/// Like [`lenient_bool`]; everything else is `None`.
///
/// # Errors
/// None but those of broken JSON.
pub fn readable_bool_opt<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<bool>, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?;
    Ok(lenient_bool_opt(&mut serde_json::Deserializer::from_str(raw.get())).ok().flatten())
}

/// Reads a value that may be missing; one of another form is `None`.
///
/// # Errors
/// None but those of broken JSON.
pub fn readable_opt<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let raw = <&RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str::<Option<T>>(raw.get()).ok().flatten())
}

/// A list whose items are read each by itself, and which is sometimes written as its only item, as
/// in [`OneOrMany`]. Items that cannot be read are counted and left out.
///
/// ```
/// use orderflow::client::wire::Readable;
///
/// let counts: Readable<u32> = serde_json::from_str(r#"[1, "NaN", 3]"#)?;
/// assert_eq!((&counts[..], counts.unreadable()), (&[1, 3][..], 1));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readable<T> {
    items: Vec<T>,
    unreadable: usize,
}

impl<T> Readable<T> {
    /// The items that can be read.
    #[must_use]
    pub fn into_vec(self) -> Vec<T> {
        self.items
    }

    /// How many items cannot be read.
    #[must_use]
    pub const fn unreadable(&self) -> usize {
        self.unreadable
    }

    /// Whether there are items, and none can be read.
    #[must_use]
    pub const fn is_unreadable(&self) -> bool {
        self.items.is_empty() && self.unreadable > 0
    }
}

impl<T> Default for Readable<T> {
    fn default() -> Self {
        Self { items: Vec::new(), unreadable: 0 }
    }
}

impl<T> Deref for Readable<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.items
    }
}

impl<T> IntoIterator for Readable<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Readable<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Readable<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        let raw_items = match raw.get().as_bytes().first() {
            Some(b'[') => serde_json::from_str::<Vec<&RawValue>>(raw.get())
                .map_err(serde::de::Error::custom)?,
            _ if raw.get() == "null" => Vec::new(),
            _ => vec![raw],
        };
        let mut read =
            Self { items: Vec::with_capacity(raw_items.len().min(1_024)), unreadable: 0 };
        for item in raw_items {
            match serde_json::from_str(item.get()) {
                Ok(item) => read.items.push(item),
                Err(_) => read.unreadable += 1,
            }
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq, serde::Deserialize)]
    struct Scan {
        #[serde(default, deserialize_with = "readable_text_opt")]
        code: Option<String>,
        #[serde(default, deserialize_with = "readable_bool_opt")]
        last: Option<bool>,
        #[serde(default, deserialize_with = "readable_opt")]
        place: Option<Box<Scan>>,
        #[serde(default)]
        scans: Readable<Scan>,
    }

    fn scan(text: &str) -> Scan {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn an_odd_field_costs_only_itself_and_words_stay_word_for_word() {
        let codes = [
            (r#""PU""#, Some("PU")),
            ("7", Some("7")),
            ("1.50", Some("1.50")),
            ("true", Some("true")),
            (r#""a\u0062""#, Some("ab")),
            ("null", None),
            ("[1]", None),
            ("{}", None),
        ];
        for (written, read) in codes {
            let scan = scan(&format!(r#"{{"code": {written}, "last": "TRUE"}}"#));
            assert_eq!((scan.code.as_deref(), scan.last), (read, Some(true)), "{written}");
        }
        let odd = scan(r#"{"code": "PU", "last": 1, "place": "Memphis", "scans": 7}"#);
        assert_eq!((odd.code.as_deref(), odd.last, &odd.place), (Some("PU"), None, &None));
        assert!(odd.scans.is_unreadable());
    }

    #[test]
    fn an_odd_item_of_a_list_costs_only_itself_and_is_counted() {
        let whole = scan(r#"{"scans": [{"code": "1"}, "?", null, {"code": "2"}]}"#).scans;
        let codes: Vec<_> = whole.iter().filter_map(|scan| scan.code.as_deref()).collect();
        assert_eq!((codes, whole.unreadable()), (vec!["1", "2"], 2));
        assert_eq!(scan(r#"{"scans": {"code": "1"}}"#).scans.len(), 1);
        for nothing in [r#"{"scans": null}"#, r#"{"scans": []}"#, "{}"] {
            assert_eq!(scan(nothing), Scan::default(), "{nothing}");
        }
        assert!(serde_json::from_str::<Scan>(r#"{"scans": [1, }"#).is_err(), "no JSON at all");
    }
}
