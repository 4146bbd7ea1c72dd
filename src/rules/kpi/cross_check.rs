//! A platform's own figures beside ours.

use std::fmt;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::definitions::KpiId;
use super::figures::{Kpi, Ratio};
use super::query::Window;
use crate::ids::ShopKey;

/// A figure as a platform publishes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformFigure {
    /// Of which shop.
    pub shop: ShopKey,
    /// Which of our figures it corresponds to.
    pub kpi: KpiId,
    /// The platform's name for it, word for word.
    pub name: String,
    /// Its value as a fraction of 1, with the decimals the platform gave: 0.0228 is 2.28 %.
    #[serde(with = "rust_decimal::serde::str")]
    pub value: Decimal,
    /// Its numerator, if given.
    pub numerator: Option<u64>,
    /// Its denominator, if given.
    pub denominator: Option<u64>,
    /// The window it is about.
    pub window: Window,
    /// When it was read.
    pub read_at: DateTime<Utc>,
    /// The value with everything that the platform left out in the seller's favour, if given.
    #[serde(default, with = "rust_decimal::serde::str_option")]
    pub value_with_excluded: Option<Decimal>,
}

/// What may explain that two figures differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Explanation {
    /// The platform gives so few decimals that ours rounds to its value.
    Rounding,
    /// The platform's window is another one.
    OtherWindow {
        /// Theirs.
        theirs: Window,
    },
    /// Orders that are not decided here.
    Pending(u64),
    /// Orders that do not count here.
    Excluded(u64),
    /// The platform counts another number of orders.
    OtherDenominator {
        /// Ours.
        ours: u64,
        /// Theirs.
        theirs: u64,
    },
    /// The platform counts another number of cases.
    OtherNumerator {
        /// Ours.
        ours: u64,
        /// Theirs.
        theirs: u64,
    },
    /// The platform leaves cases out in the seller's favour; with them it comes to the same.
    TheyExclude,
    /// There is nothing to compare with here.
    NoDataHere,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rounding => f.write_str("the platform rounds"),
            Self::OtherWindow { theirs } => {
                write!(f, "the platform looks at {} to {}", theirs.from, theirs.to)
            }
            Self::Pending(1) => f.write_str("one order is not decided"),
            Self::Pending(orders) => write!(f, "{orders} orders are not decided"),
            Self::Excluded(1) => f.write_str("one order does not count here"),
            Self::Excluded(orders) => write!(f, "{orders} orders do not count here"),
            Self::OtherDenominator { ours, theirs } => {
                write!(f, "the platform counts {theirs} orders, not {ours}")
            }
            Self::OtherNumerator { ours, theirs } => {
                write!(f, "the platform counts {theirs} cases, not {ours}")
            }
            Self::TheyExclude => {
                f.write_str("the platform leaves cases out in the seller's favour")
            }
            Self::NoDataHere => f.write_str("nothing is counted here"),
        }
    }
}

/// Our figure and a platform's, compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrossCheck {
    /// The platform's.
    pub theirs: PlatformFigure,
    /// Ours.
    pub ours: Option<Ratio>,
    /// Theirs less ours in percentage points, to four decimals; for display. `None` when nothing is
    /// counted here.
    #[serde(with = "rust_decimal::serde::str_option")]
    pub difference: Option<Decimal>,
    /// Whether the two agree: equal, or equal to as many decimals as the platform gives.
    pub agrees: bool,
    /// What may explain a difference, the most likely first.
    pub explanations: Vec<Explanation>,
}

/// Compares a figure of ours with a platform's. `None` when they are not the same figure.
///
/// ```
/// # use chrono::{TimeZone, Utc};
/// # use orderflow::{PlatformId, ShopId, ShopKey};
/// use orderflow::rules::kpi::{Counts, Kpi, KpiId, PlatformFigure, Window, cross_check};
///
/// # let day = |d| Utc.with_ymd_and_hms(2026, 3, d, 0, 0, 0).unwrap();
/// # let window = Window::new(day(1), day(31));
/// let counts = Counts { numerator: 1, denominator: 44, ..Counts::default() };
/// let ours = Kpi::new(KpiId::Complaint, window, counts, None, None);
/// let theirs = PlatformFigure {
///     # shop: ShopKey::new(PlatformId::from_static("market"), ShopId::from_static("1")),
///     kpi: KpiId::Complaint,
///     value: "0.0227".parse()?,
///     # name: "claims".into(), numerator: None, denominator: None, window, read_at: day(31),
///     # value_with_excluded: None,
///     // …
/// };
/// assert!(cross_check(&ours, theirs).unwrap().agrees);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn cross_check(ours: &Kpi, theirs: PlatformFigure) -> Option<CrossCheck> {
    if ours.id != theirs.kpi {
        return None;
    }
    let ratio = ours.ratio();
    let exact = ratio.is_some_and(|ratio| is_value(ratio, theirs.value));
    let rounds = ratio.is_some_and(|ratio| rounds_to(ratio, theirs.value));
    let mut explanations = Vec::new();
    if ratio.is_none() {
        explanations.push(Explanation::NoDataHere);
    }
    if rounds && !exact {
        explanations.push(Explanation::Rounding);
    }
    if !rounds {
        let with_excluded = theirs.value_with_excluded;
        if let (Some(ratio), Some(value)) = (ratio, with_excluded)
            && rounds_to(ratio, value)
        {
            explanations.push(Explanation::TheyExclude);
        }
        if theirs.window != ours.window {
            explanations.push(Explanation::OtherWindow { theirs: theirs.window });
        }
        if let Some(count) = theirs.denominator.filter(|count| *count != ours.denominator) {
            let denominator = ours.denominator;
            explanations.push(Explanation::OtherDenominator { ours: denominator, theirs: count });
        }
        if let Some(count) = theirs.numerator.filter(|count| *count != ours.numerator) {
            explanations.push(Explanation::OtherNumerator { ours: ours.numerator, theirs: count });
        }
        if ours.pending > 0 {
            explanations.push(Explanation::Pending(ours.pending));
        }
        if ours.excluded.total() > 0 {
            explanations.push(Explanation::Excluded(ours.excluded.total()));
        }
    }
    Some(CrossCheck {
        difference: ratio.and_then(|ratio| difference(ratio, theirs.value)),
        ours: ratio,
        agrees: rounds,
        theirs,
        explanations,
    })
}

fn parts(ratio: Ratio) -> (Decimal, Decimal) {
    (Decimal::from(ratio.numerator()), Decimal::from(ratio.denominator()))
}

fn is_value(ratio: Ratio, value: Decimal) -> bool {
    let (numerator, denominator) = parts(ratio);
    value.checked_mul(denominator).is_some_and(|product| product == numerator)
}

/// Whether a ratio lies within half a unit of the last decimal of a value.
fn rounds_to(ratio: Ratio, value: Decimal) -> bool {
    let (numerator, denominator) = parts(ratio);
    let half = Decimal::try_new(5, value.scale().saturating_add(1)).unwrap_or_default();
    let within = || {
        let off = value.checked_mul(denominator)?.checked_sub(numerator)?.abs();
        Some(off <= half.checked_mul(denominator)?)
    };
    within().unwrap_or(false)
}

fn difference(ratio: Ratio, value: Decimal) -> Option<Decimal> {
    let (numerator, denominator) = parts(ratio);
    let ours = numerator.checked_div(denominator)?;
    let points = value.checked_sub(ours)?.checked_mul(Decimal::ONE_HUNDRED)?;
    Some(points.round_dp(4))
}
