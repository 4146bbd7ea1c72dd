//! Maps whose keys are words of an enum.

use std::collections::BTreeMap;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, IntoDeserializer};

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Word<K>(K);

impl<'de, K: DeserializeOwned> Deserialize<'de> for Word<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Read as text first: the path of an error names keys that are text, and no others.
        let text = String::deserialize(deserializer)?;
        K::deserialize(text.into_deserializer()).map(Self)
    }
}

/// Reads a map so that errors below a key name the key.
pub(super) fn by_word<'de, D, K, V>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
where
    D: Deserializer<'de>,
    K: DeserializeOwned + Ord,
    V: Deserialize<'de>,
{
    BTreeMap::<Word<K>, V>::deserialize(deserializer)
        .map(|map| map.into_iter().map(|(word, value)| (word.0, value)).collect())
}
