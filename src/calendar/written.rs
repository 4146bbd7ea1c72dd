//! Dates and times as documents write them: as text, or as TOML's own date and time.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use chrono::{NaiveDate, NaiveTime};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Unexpected, Visitor};

/// The only key of the map under which `toml` hands over a date or time.
const TOML_DATETIME: &str = "$__toml_private_datetime";

/// What is read from text or from TOML's own date and time.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Written<T>(T);

impl<'de, T> Deserialize<'de> for Written<T>
where
    T: FromStr,
    T::Err: fmt::Display,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // A hint for formats that do not describe themselves; TOML hands over its map all the same.
        deserializer.deserialize_str(WrittenVisitor(PhantomData)).map(Self)
    }
}

struct WrittenVisitor<T>(PhantomData<T>);

impl<'de, T> Visitor<'de> for WrittenVisitor<T>
where
    T: FromStr,
    T::Err: fmt::Display,
{
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a local date or time as text, such as \"2026-12-24\" or \"14:00:00\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(|error| E::custom(format_args!("{text:?}: {error}")))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        match map.next_key::<String>()?.as_deref() {
            Some(TOML_DATETIME) => {
                let text: String = map.next_value()?;
                self.visit_str(&text)
            }
            _ => Err(A::Error::invalid_type(Unexpected::Map, &self)),
        }
    }
}

/// Reads a time of the day.
pub(crate) fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveTime, D::Error> {
    Written::deserialize(deserializer).map(|written| written.0)
}

/// Reads a time of the day that may be missing.
pub(crate) fn optional_time<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<NaiveTime>, D::Error> {
    Option::<Written<NaiveTime>>::deserialize(deserializer)
        .map(|written| written.map(|written| written.0))
}

/// Reads times of the day.
pub(crate) fn time_list<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<NaiveTime>, D::Error> {
    Vec::<Written<NaiveTime>>::deserialize(deserializer)
        .map(|times| times.into_iter().map(|written| written.0).collect())
}

/// Reads a date.
pub(crate) fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveDate, D::Error> {
    Written::deserialize(deserializer).map(|written| written.0)
}

/// Reads dates.
pub(super) fn dates<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeSet<NaiveDate>, D::Error> {
    BTreeSet::<Written<NaiveDate>>::deserialize(deserializer)
        .map(|dates| dates.into_iter().map(|written| written.0).collect())
}

/// Reads times by date.
pub(super) fn times<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<NaiveDate, NaiveTime>, D::Error> {
    BTreeMap::<NaiveDate, Written<NaiveTime>>::deserialize(deserializer)
        .map(|times| times.into_iter().map(|(day, written)| (day, written.0)).collect())
}
