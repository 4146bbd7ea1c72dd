//! Amounts of answers.

use rust_decimal::Decimal;
use serde::de::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::client::wire::exact_decimal_opt;

/// An amount of an answer. One that cannot be read is not missing: no other price stands in for it,
/// because money is never guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum WrittenAmount {
    #[default]
    Missing,
    Unreadable,
    Read(Decimal),
}

impl WrittenAmount {
    /// As a price. Nothing is carried for nothing: zero, and less, is a missing one.
    pub(super) fn price(self) -> Self {
        match self {
            Self::Read(amount) if amount <= Decimal::ZERO => Self::Missing,
            other => other,
        }
    }

    pub(super) const fn read(self) -> Option<Decimal> {
        match self {
            Self::Read(amount) => Some(amount),
            Self::Missing | Self::Unreadable => None,
        }
    }
}

impl<'de> Deserialize<'de> for WrittenAmount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        let amount = exact_decimal_opt(&mut serde_json::Deserializer::from_str(raw.get()));
        Ok(match amount {
            Ok(Some(amount)) => Self::Read(amount),
            Ok(None) => Self::Missing,
            Err(_) => Self::Unreadable,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_not_missing_and_what_costs_nothing_is() {
        let price = |text: &str| serde_json::from_str::<WrittenAmount>(text).unwrap().price();
        for text in [r#""NaN""#, r#""12,50""#, "true", "[]", "{}", r#""amount""#] {
            assert_eq!(price(text), WrittenAmount::Unreadable, "{text}");
        }
        for text in ["null", r#""""#, "0", r#""0.00""#, "-1"] {
            assert_eq!(price(text), WrittenAmount::Missing, "{text}");
        }
        for text in ["12.50", r#""12.50""#] {
            assert_eq!(price(text), WrittenAmount::Read(Decimal::new(1_250, 2)), "{text}");
        }
    }
}
