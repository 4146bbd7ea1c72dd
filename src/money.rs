//! How much: exact amounts with their currency.
//!
//! Amounts are [`Decimal`], never floating point, and are serialised as texts. A platform's totals
//! are the truth: they are stored, never recomputed and replaced.

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An ISO 4217 currency code, for example `USD`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency([u8; 3]);

impl Currency {
    /// United States dollar.
    pub const USD: Self = Self(*b"USD");
    /// Brazilian real.
    pub const BRL: Self = Self(*b"BRL");
    /// Mexican peso.
    pub const MXN: Self = Self(*b"MXN");

    /// Takes a three-letter code; lower case is accepted and raised.
    ///
    /// # Errors
    /// [`MoneyError::UnknownCurrency`] when the text is not three ASCII letters.
    pub fn new(code: &str) -> Result<Self, MoneyError> {
        match code.as_bytes() {
            &[a, b, c] if [a, b, c].iter().all(u8::is_ascii_alphabetic) => {
                Ok(Self([a, b, c].map(|letter| letter.to_ascii_uppercase())))
            }
            _ => Err(MoneyError::UnknownCurrency(code.to_owned())),
        }
    }

    /// The code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }

    /// How many decimals the smallest unit has: 0 for `JPY` and `CLP`, 3 for `KWD`, mostly 2.
    ///
    /// Source: ISO 4217, list one.
    #[must_use]
    pub const fn minor_digits(self) -> u32 {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG"
            | b"RWF" | b"UGX" | b"UYI" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            b"CLF" | b"UYW" => 4,
            _ => 2,
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Currency {
    type Err = MoneyError;

    fn from_str(code: &str) -> Result<Self, MoneyError> {
        Self::new(code)
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::new(&code).map_err(serde::de::Error::custom)
    }
}

/// Why an amount could not be computed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Two currencies met. Converting needs a dated table supplied by the caller.
    #[error("currencies differ: {left} and {right}")]
    CurrencyMismatch {
        /// The currency on the left.
        left: Currency,
        /// The currency on the right.
        right: Currency,
    },
    /// The result does not fit 28 digits.
    #[error("amount out of range")]
    OutOfRange,
    /// A carrier did not say what a label costs.
    #[error("the price was not stated")]
    Unstated,
    /// The text is not a currency code.
    #[error("{0:?} is not an ISO 4217 currency code")]
    UnknownCurrency(String),
    /// There is nothing to split an amount over.
    #[error("an amount cannot be split over weights whose sum is zero")]
    NoWeights,
}

/// An exact amount in one currency.
///
/// ```
/// use orderflow::{Currency, Money};
///
/// let price = Money::new("19.99".parse()?, Currency::USD);
/// let total = price.checked_add(&Money::new("0.01".parse()?, Currency::USD))?;
/// assert_eq!(total.to_string(), "20.00 USD");
/// assert!(price.checked_add(&Money::zero(Currency::BRL)).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// How much, with the decimals it was given with.
    #[serde(with = "rust_decimal::serde::str")]
    pub amount: Decimal,
    /// Of what.
    pub currency: Currency,
}

impl Money {
    /// Puts an amount and its currency together.
    #[must_use]
    pub const fn new(amount: Decimal, currency: Currency) -> Self {
        Self { amount, currency }
    }

    /// Nothing, in a currency.
    #[must_use]
    pub const fn zero(currency: Currency) -> Self {
        Self::new(Decimal::ZERO, currency)
    }

    /// `minor` smallest units: `from_minor(1999, USD)` is 19.99 USD.
    #[must_use]
    pub fn from_minor(minor: i64, currency: Currency) -> Self {
        Self::new(Decimal::new(minor, currency.minor_digits()), currency)
    }

    /// Whether the amount is below zero.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        self.amount.is_sign_negative() && !self.amount.is_zero()
    }

    /// Whether the amount is zero.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.amount.is_zero()
    }

    fn same_currency(&self, other: &Self) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            Ok(())
        } else {
            Err(MoneyError::CurrencyMismatch { left: self.currency, right: other.currency })
        }
    }

    /// Adds an amount of the same currency.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`] or [`MoneyError::OutOfRange`].
    pub fn checked_add(&self, other: &Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        let amount = self.amount.checked_add(other.amount).ok_or(MoneyError::OutOfRange)?;
        Ok(Self::new(amount, self.currency))
    }

    /// Subtracts an amount of the same currency.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`] or [`MoneyError::OutOfRange`].
    pub fn checked_sub(&self, other: &Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        let amount = self.amount.checked_sub(other.amount).ok_or(MoneyError::OutOfRange)?;
        Ok(Self::new(amount, self.currency))
    }

    /// Multiplies by a count of units.
    ///
    /// # Errors
    /// [`MoneyError::OutOfRange`].
    pub fn times(&self, units: u32) -> Result<Self, MoneyError> {
        let amount = self.amount.checked_mul(Decimal::from(units)).ok_or(MoneyError::OutOfRange)?;
        Ok(Self::new(amount, self.currency))
    }

    /// Compares with an amount of the same currency.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`].
    pub fn compare(&self, other: &Self) -> Result<std::cmp::Ordering, MoneyError> {
        self.same_currency(other)?;
        Ok(self.amount.cmp(&other.amount))
    }

    /// Sums amounts of one currency; `None` when there are none.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`] or [`MoneyError::OutOfRange`].
    pub fn sum<'a>(
        amounts: impl IntoIterator<Item = &'a Self>,
    ) -> Result<Option<Self>, MoneyError> {
        let mut amounts = amounts.into_iter();
        let Some(first) = amounts.next() else { return Ok(None) };
        amounts.try_fold(*first, |sum, amount| sum.checked_add(amount)).map(Some)
    }

    /// Splits the amount over weights by the largest remainder, in the smallest unit of the
    /// currency or of the amount itself, whichever is smaller. The parts add up exactly; ties go
    /// to the earlier weight.
    ///
    /// ```
    /// use orderflow::{Currency, Money};
    ///
    /// let parts = Money::from_minor(100, Currency::USD).split(&[1, 1, 1])?;
    /// let texts: Vec<String> = parts.iter().map(ToString::to_string).collect();
    /// assert_eq!(texts, ["0.34 USD", "0.33 USD", "0.33 USD"]);
    /// # Ok::<(), orderflow::MoneyError>(())
    /// ```
    ///
    /// # Errors
    /// [`MoneyError::NoWeights`] when the weights add up to zero, [`MoneyError::OutOfRange`] when
    /// the amount has too many digits.
    pub fn split(&self, weights: &[u32]) -> Result<Vec<Self>, MoneyError> {
        let total: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
        if total == 0 {
            return Err(MoneyError::NoWeights);
        }
        let digits = self.amount.scale().max(self.currency.minor_digits());
        let mut scaled = self.amount;
        scaled.rescale(digits);
        if scaled.scale() != digits {
            return Err(MoneyError::OutOfRange);
        }
        let units = scaled.mantissa();
        let mut parts = Vec::with_capacity(weights.len());
        let mut remainders = Vec::with_capacity(weights.len());
        let mut given = 0_i128;
        for (index, weight) in weights.iter().enumerate() {
            let share = units.checked_mul(i128::from(*weight)).ok_or(MoneyError::OutOfRange)?;
            let part = share.div_euclid(i128::from(total));
            given += part;
            parts.push(part);
            remainders.push((share.rem_euclid(i128::from(total)), index));
        }
        remainders.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        let missing = usize::try_from(units - given).map_err(|_| MoneyError::OutOfRange)?;
        for (_, index) in remainders.iter().take(missing) {
            if let Some(part) = parts.get_mut(*index) {
                *part += 1;
            }
        }
        parts
            .into_iter()
            .map(|part| {
                Decimal::try_from_i128_with_scale(part, digits)
                    .map(|amount| Self::new(amount, self.currency))
                    .map_err(|_| MoneyError::OutOfRange)
            })
            .collect()
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount, self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn splitting_conserves_every_minor_unit(
            minor in -1_000_000_000_i64..1_000_000_000,
            weights in prop::collection::vec(0_u32..1_000, 1..12),
        ) {
            prop_assume!(weights.iter().any(|weight| *weight > 0));
            let money = Money::from_minor(minor, Currency::USD);
            let parts = money.split(&weights).unwrap();
            prop_assert_eq!(parts.len(), weights.len());
            prop_assert_eq!(Money::sum(&parts).unwrap().unwrap().amount, money.amount);
            for (part, weight) in parts.iter().zip(&weights) {
                if *weight == 0 {
                    prop_assert!(part.is_zero() || part.amount.abs() <= Decimal::new(1, 2));
                }
            }
        }

        #[test]
        fn money_survives_serialisation_with_every_decimal(minor in any::<i64>(), scale in 0_u32..10) {
            let money = Money::new(Decimal::new(minor, scale), Currency::MXN);
            let text = serde_json::to_string(&money).unwrap();
            prop_assert_eq!(serde_json::from_str::<Money>(&text).unwrap(), money);
        }
    }

    #[test]
    fn amounts_are_serialised_as_texts() {
        let money = Money::from_minor(7002, Currency::USD);
        assert_eq!(
            serde_json::to_string(&money).unwrap(),
            r#"{"amount":"70.02","currency":"USD"}"#
        );
    }

    #[test]
    fn currencies_know_their_smallest_unit() {
        assert_eq!(Currency::new("clp").unwrap().minor_digits(), 0);
        assert_eq!(Currency::USD.minor_digits(), 2);
        assert!(Currency::new("US").is_err());
        assert!(Currency::new("U$D").is_err());
    }
}
