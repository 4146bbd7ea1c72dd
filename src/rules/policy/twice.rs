//! Finds keys that a JSON document has twice: readers keep the last and say nothing.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The path of the first key that stands in its object twice.
pub(super) fn key_twice(text: &str) -> Result<Option<String>, serde_json::Error> {
    Place { at: String::new() }.deserialize(&mut serde_json::Deserializer::from_str(text))
}

/// Looks at what stands at a place.
struct Place {
    at: String,
}

impl Place {
    fn below(&self, key: &str) -> Self {
        let dot = if self.at.is_empty() { "" } else { "." };
        Self { at: format!("{}{dot}{key}", self.at) }
    }
}

impl<'de> DeserializeSeed<'de> for Place {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Place {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        for index in 0_usize.. {
            let place = Self { at: format!("{}[{index}]", self.at) };
            match items.next_element_seed(place)? {
                None => break,
                Some(None) => {}
                Some(found) => {
                    while items.next_element::<IgnoredAny>()?.is_some() {}
                    return Ok(found);
                }
            }
        }
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let mut seen = BTreeSet::new();
        let mut found = None;
        while let Some(key) = fields.next_key::<String>()? {
            let place = self.below(&key);
            if found.is_none() && !seen.insert(key) {
                found = Some(place.at.clone());
            }
            let below = fields.next_value_seed(place)?;
            found = found.or(below);
        }
        Ok(found)
    }
}
