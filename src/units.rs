//! How heavy and how big: whole grams and whole millimetres.
//!
//! Conversions from other units are exact up to the stated rounding, which is **up**: a carrier
//! never gets a parcel declared lighter or smaller than it is.

use std::fmt;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};

/// Grams in an avoirdupois pound, exact by definition.
pub const GRAMS_PER_POUND: Decimal = Decimal::from_parts(45_359_237, 0, 0, false, 5);
/// Grams in an avoirdupois ounce, exact by definition.
pub const GRAMS_PER_OUNCE: Decimal = Decimal::from_parts(2_579_719_349, 6, 0, false, 9);
/// Millimetres in an inch, exact by definition.
pub const MILLIMETRES_PER_INCH: Decimal = Decimal::from_parts(254, 0, 0, false, 1);

/// A quantity that does not fit or makes no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// Weights and lengths are not negative.
    #[error("is negative")]
    Negative,
    /// More than 4,294,967,295 grams or millimetres.
    #[error("is out of range")]
    OutOfRange,
}

fn round_up(value: Option<Decimal>) -> Result<u32, UnitError> {
    let value = value.ok_or(UnitError::OutOfRange)?;
    if value.is_sign_negative() && !value.is_zero() {
        return Err(UnitError::Negative);
    }
    value.ceil().to_u32().ok_or(UnitError::OutOfRange)
}

/// A weight in whole grams.
///
/// ```
/// use orderflow::Grams;
///
/// let weight = Grams::from_pounds("1.67".parse()?)?;
/// assert_eq!(weight.get(), 758); // 757.4992579 g, rounded up
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Grams(u32);

impl Grams {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Whole grams.
    #[must_use]
    pub const fn new(grams: u32) -> Self {
        Self(grams)
    }

    /// The number of grams.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// From pounds, rounded up to the gram.
    ///
    /// # Errors
    /// [`UnitError`] when negative or out of range.
    pub fn from_pounds(pounds: Decimal) -> Result<Self, UnitError> {
        round_up(pounds.checked_mul(GRAMS_PER_POUND)).map(Self)
    }

    /// From ounces, rounded up to the gram.
    ///
    /// # Errors
    /// [`UnitError`] when negative or out of range.
    pub fn from_ounces(ounces: Decimal) -> Result<Self, UnitError> {
        round_up(ounces.checked_mul(GRAMS_PER_OUNCE)).map(Self)
    }

    /// From kilograms, rounded up to the gram.
    ///
    /// # Errors
    /// [`UnitError`] when negative or out of range.
    pub fn from_kilograms(kilograms: Decimal) -> Result<Self, UnitError> {
        round_up(kilograms.checked_mul(Decimal::ONE_THOUSAND)).map(Self)
    }

    /// As pounds, rounded up to `digits` decimals.
    #[must_use]
    pub fn to_pounds(self, digits: u32) -> Decimal {
        (Decimal::from(self.0) / GRAMS_PER_POUND)
            .round_dp_with_strategy(digits, rust_decimal::RoundingStrategy::ToPositiveInfinity)
    }

    /// As ounces, rounded up to `digits` decimals.
    #[must_use]
    pub fn to_ounces(self, digits: u32) -> Decimal {
        (Decimal::from(self.0) / GRAMS_PER_OUNCE)
            .round_dp_with_strategy(digits, rust_decimal::RoundingStrategy::ToPositiveInfinity)
    }

    /// Adds, staying at the largest value instead of wrapping.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Multiplies, staying at the largest value instead of wrapping.
    #[must_use]
    pub const fn saturating_mul(self, units: u32) -> Self {
        Self(self.0.saturating_mul(units))
    }
}

impl fmt::Display for Grams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} g", self.0)
    }
}

/// A length in whole millimetres.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Millimetres(u32);

impl Millimetres {
    /// Whole millimetres.
    #[must_use]
    pub const fn new(millimetres: u32) -> Self {
        Self(millimetres)
    }

    /// The number of millimetres.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// From inches, rounded up to the millimetre.
    ///
    /// # Errors
    /// [`UnitError`] when negative or out of range.
    pub fn from_inches(inches: Decimal) -> Result<Self, UnitError> {
        round_up(inches.checked_mul(MILLIMETRES_PER_INCH)).map(Self)
    }

    /// As inches, rounded up to `digits` decimals.
    #[must_use]
    pub fn to_inches(self, digits: u32) -> Decimal {
        (Decimal::from(self.0) / MILLIMETRES_PER_INCH)
            .round_dp_with_strategy(digits, rust_decimal::RoundingStrategy::ToPositiveInfinity)
    }
}

impl fmt::Display for Millimetres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} mm", self.0)
    }
}

/// Sides as somebody wrote them.
#[derive(Deserialize)]
#[serde(rename = "Dimensions", deny_unknown_fields)]
struct Sides {
    length: Millimetres,
    width: Millimetres,
    height: Millimetres,
}

impl From<Sides> for Dimensions {
    fn from(sides: Sides) -> Self {
        Self::new(sides.length, sides.width, sides.height)
    }
}

/// The size of a parcel. Length is the longest side, height the shortest, also when read from text
/// that names them otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Sides")]
#[non_exhaustive]
pub struct Dimensions {
    /// The longest side.
    pub length: Millimetres,
    /// The middle side.
    pub width: Millimetres,
    /// The shortest side.
    pub height: Millimetres,
}

impl Dimensions {
    /// Three sides in any order.
    #[must_use]
    pub fn new(a: Millimetres, b: Millimetres, c: Millimetres) -> Self {
        let mut sides = [a, b, c];
        sides.sort_unstable_by(|a, b| b.cmp(a));
        let [length, width, height] = sides;
        Self { length, width, height }
    }

    /// Length plus girth (twice width plus twice height), the measure carriers limit.
    #[must_use]
    pub fn length_plus_girth(&self) -> Millimetres {
        let sum = u64::from(self.length.get())
            + 2 * (u64::from(self.width.get()) + u64::from(self.height.get()));
        Millimetres::new(u32::try_from(sum).unwrap_or(u32::MAX))
    }

    /// Volume in cubic millimetres.
    #[must_use]
    pub fn volume(&self) -> u128 {
        u128::from(self.length.get()) * u128::from(self.width.get()) * u128::from(self.height.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn conversion_constants_are_the_legal_definitions() {
        assert_eq!(GRAMS_PER_POUND.to_string(), "453.59237");
        assert_eq!(GRAMS_PER_OUNCE.to_string(), "28.349523125");
        assert_eq!(MILLIMETRES_PER_INCH.to_string(), "25.4");
    }

    #[test]
    fn negative_and_huge_weights_are_errors() {
        assert_eq!(Grams::from_pounds(Decimal::NEGATIVE_ONE), Err(UnitError::Negative));
        assert_eq!(Grams::from_pounds(Decimal::MAX), Err(UnitError::OutOfRange));
    }

    #[test]
    fn sides_named_in_another_order_are_read_as_what_they_are() {
        let written = r#"{"length":100,"width":300,"height":200}"#;
        let read: Dimensions = serde_json::from_str(written).unwrap();
        assert_eq!((read.length.get(), read.width.get(), read.height.get()), (300, 200, 100));
        assert!(serde_json::from_str::<Dimensions>(r#"{"length":1,"width":1,"hight":1}"#).is_err());
    }

    proptest! {
        #[test]
        fn a_parcel_is_never_declared_lighter_than_it_is(grams in 0_u32..100_000_000) {
            let pounds = Grams::new(grams).to_pounds(4);
            prop_assert!(pounds * GRAMS_PER_POUND >= Decimal::from(grams));
            let back = Grams::from_pounds(pounds).unwrap().get();
            prop_assert!(back >= grams && back <= grams + 1);
        }

        #[test]
        fn sides_are_ordered_whatever_order_they_come_in(a in 0_u32..9_000, b in 0_u32..9_000, c in 0_u32..9_000) {
            let mm = Millimetres::new;
            let one = Dimensions::new(mm(a), mm(b), mm(c));
            prop_assert_eq!(one, Dimensions::new(mm(c), mm(a), mm(b)));
            prop_assert!(one.length >= one.width && one.width >= one.height);
        }
    }
}
