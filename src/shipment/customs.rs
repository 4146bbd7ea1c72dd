//! What customs wants to know of a parcel that crosses a border.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::address::text::is_printable;
use crate::address::{Address, Country};
use crate::ids::Sku;
use crate::money::{Currency, Money, MoneyError};
use crate::personal::Personal;
use crate::units::Grams;

/// What customs wants to know of a parcel.
///
/// ```
/// use orderflow::shipment::{CustomsDeclaration, CustomsItem};
/// use orderflow::{Country, Currency, Grams, Money};
///
/// let declaration = CustomsDeclaration::sale(vec![CustomsItem {
///     description: "Ceramic mug".to_owned(),
///     units: 2,
///     unit_value: Money::from_minor(1250, Currency::USD),
///     unit_weight: Grams::new(400),
///     origin: Country::new("MX").unwrap(),
///     hs_code: Some("691200".to_owned()),
///     sku: None,
/// }]);
/// declaration.check(Grams::new(900))?;
/// assert_eq!(declaration.value()?.to_string(), "25.00 USD");
/// // The goods alone would weigh more than the parcel.
/// assert_eq!(declaration.check(Grams::new(700)).unwrap_err().field, "customs.items.unit_weight");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomsDeclaration {
    /// Why the goods leave the country.
    pub reason: ExportReason,
    /// The goods, at least one.
    pub items: Vec<CustomsItem>,
    /// Who pays duties and taxes.
    pub duties: DutiesPayer,
    /// Number of the commercial invoice; the order's id where there is none.
    pub invoice: Option<String>,
    /// Date of the invoice.
    pub invoice_date: Option<NaiveDate>,
    /// The export authority's number or exemption, for example an ITN or `NOEEI 30.37(a)`.
    pub export_reference: Option<String>,
    /// Tax and trader numbers.
    pub tax_ids: Vec<TaxId>,
}

/// Why goods leave the country.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ExportReason {
    /// They were sold.
    Sale,
    /// A gift.
    Gift,
    /// A sample without commercial value.
    Sample,
    /// They go back to where they came from.
    Return,
    /// For repair, or back from it.
    Repair,
    /// Papers only.
    Documents,
}

/// Who pays duties and taxes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DutiesPayer {
    /// The buyer, on delivery (DAP, formerly DDU).
    Recipient,
    /// The seller (DDP).
    Sender,
}

/// Goods of one kind in a parcel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomsItem {
    /// What it is, in words that customs accepts: not a SKU, not "gift".
    pub description: String,
    /// How many.
    pub units: u32,
    /// What one is worth.
    pub unit_value: Money,
    /// What one weighs, without packaging.
    pub unit_weight: Grams,
    /// Where it was made.
    pub origin: Country,
    /// Its number in the Harmonized System: 6 to 12 digits, without dots.
    pub hs_code: Option<String>,
    /// Stock keeping unit.
    pub sku: Option<Sku>,
}

/// A tax or trader number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaxId {
    /// Whose it is.
    pub owner: TaxIdOwner,
    /// Its kind in the customs' words, for example `IOSS`, `EORI`, `VAT`, `CPF`.
    pub kind: String,
    /// The number.
    pub number: Personal<String>,
    /// Who issued it.
    pub country: Option<Country>,
}

/// Whose tax number it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaxIdOwner {
    /// The sender's.
    Sender,
    /// The recipient's.
    Recipient,
}

/// Why a declaration cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct CustomsFault {
    /// Which field, for example `customs.items.hs_code`.
    pub field: &'static str,
    /// What is wrong with it.
    pub reason: String,
}

fn fault(field: &'static str, reason: impl Into<String>) -> CustomsFault {
    CustomsFault { field, reason: reason.into() }
}

impl From<CustomsFault> for crate::Error {
    fn from(fault: CustomsFault) -> Self {
        Self::invalid(fault.field, fault.reason)
    }
}

impl CustomsDeclaration {
    /// Goods that were sold; the buyer pays duties.
    #[must_use]
    pub const fn sale(items: Vec<CustomsItem>) -> Self {
        Self {
            reason: ExportReason::Sale,
            items,
            duties: DutiesPayer::Recipient,
            invoice: None,
            invoice_date: None,
            export_reference: None,
            tax_ids: Vec::new(),
        }
    }

    /// The currency of its first item.
    #[must_use]
    pub fn currency(&self) -> Option<Currency> {
        self.items.first().map(|item| item.unit_value.currency)
    }

    /// What all goods are worth.
    ///
    /// # Errors
    /// [`MoneyError`] when items are in different currencies, the sum does not fit, or there is none.
    pub fn value(&self) -> Result<Money, MoneyError> {
        let currency = self.currency().ok_or(MoneyError::Unstated)?;
        self.items.iter().try_fold(Money::zero(currency), |sum, item| {
            sum.checked_add(&item.unit_value.times(item.units)?)
        })
    }

    /// What all goods weigh, without packaging.
    #[must_use]
    pub fn weight(&self) -> Grams {
        self.items.iter().fold(Grams::ZERO, |sum, item| {
            sum.saturating_add(item.unit_weight.saturating_mul(item.units))
        })
    }

    /// Whether it can be sent with a parcel of this weight.
    ///
    /// # Errors
    /// [`CustomsFault`], which names the field: no items, an empty description, no units, a worth of
    /// nothing or less, different currencies, an HS number that is none, goods that weigh nothing or
    /// more than the parcel.
    pub fn check(&self, parcel: Grams) -> Result<(), CustomsFault> {
        if self.items.is_empty() {
            return Err(fault("customs.items", "there are none"));
        }
        for item in &self.items {
            let what = &item.description;
            if what.trim().is_empty() {
                return Err(fault("customs.items.description", "is empty"));
            }
            if what.chars().any(char::is_control) || !is_printable(what) {
                let reason = "has control characters, or ones that turn the direction of a text";
                return Err(fault("customs.items.description", reason));
            }
            if item.units == 0 {
                return Err(fault("customs.items.units", format!("{what}: must be at least 1")));
            }
            if item.unit_value.is_zero() || item.unit_value.is_negative() {
                return Err(fault("customs.items.unit_value", format!("{what}: must be above 0")));
            }
            if item.unit_weight == Grams::ZERO {
                return Err(fault("customs.items.unit_weight", format!("{what}: is not known")));
            }
            if let Some(code) = item.hs_code.as_deref().filter(|code| !is_hs_code(code)) {
                let reason = format!("{what}: {code:?} is not 6 to 12 digits");
                return Err(fault("customs.items.hs_code", reason));
            }
        }
        self.value().map_err(|error| fault("customs.items.unit_value", error.to_string()))?;
        if self.weight() > parcel {
            let reason = format!("the goods weigh {}, the parcel only {parcel}", self.weight());
            return Err(fault("customs.items.unit_weight", reason));
        }
        Ok(())
    }
}

/// Whether a text is a number in the Harmonized System: 6 to 12 digits, without dots.
#[must_use]
pub fn is_hs_code(code: &str) -> bool {
    (6..=12).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether customs sees parcels to or from a state although they stay in the United States: military
/// post offices, the Pacific territories and the freely associated states, by code or by name.
#[must_use]
pub fn is_behind_customs_line(state: &str) -> bool {
    Country::US
        .state_code(state)
        .is_some_and(|code| ["AA", "AE", "AP", "GU", "AS", "MP", "PW", "FM", "MH"].contains(&code))
}

/// Whether a parcel between two addresses crosses a border. `false` where a country is not known:
/// it fails elsewhere, with its field named.
#[must_use]
pub fn crosses_border(from: &Address, to: &Address) -> bool {
    match (from.country, to.country) {
        (Some(from), Some(to)) => from != to,
        _ => false,
    }
}
