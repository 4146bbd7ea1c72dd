//! Labels: what a carrier sold, what it cost, and the bytes to print.

use std::fmt;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::ids::{CarrierId, IdempotencyKey, ServiceCode, TrackingNumber};
use crate::money::{Currency, Money, MoneyError};
use crate::personal::Personal;

/// The language of a label's bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LabelFormat {
    /// Portable document.
    Pdf,
    /// Picture.
    Png,
    /// Zebra printer language.
    Zpl,
    /// Eltron printer language.
    Epl,
    /// Another one, by the carrier's name. `damaged pdf` and its like is a paper that arrived unreadable or
    /// cut off: it is kept with its number and cannot be merged.
    Other(String),
}

impl LabelFormat {
    /// File ending, without dot.
    #[must_use]
    pub fn extension(&self) -> &str {
        match self {
            Self::Pdf => "pdf",
            Self::Png => "png",
            Self::Zpl => "zpl",
            Self::Epl => "epl",
            Self::Other(_) => "bin",
        }
    }

    /// Media type.
    #[must_use]
    pub fn media_type(&self) -> &str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Png => "image/png",
            _ => "application/octet-stream",
        }
    }
}

/// What a document is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DocumentKind {
    /// The shipping label.
    Label,
    /// A receipt of the purchase.
    Receipt,
    /// A customs form or invoice.
    Customs,
    /// A label for sending it back.
    ReturnLabel,
    /// A manifest or hand-over form.
    Manifest,
    /// Anything else the carrier adds.
    Other,
}

impl DocumentKind {
    /// Whether it goes to the label printer, to be stuck on a parcel. Forms and invoices are pages of
    /// their own.
    #[must_use]
    pub const fn is_label(self) -> bool {
        matches!(self, Self::Label | Self::ReturnLabel)
    }
}

/// A document as the carrier made it: its bytes are never touched. They name a person, so
/// `Debug` shows only their count.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// What it is for.
    pub kind: DocumentKind,
    /// The language of the bytes.
    pub format: LabelFormat,
    /// Dots per inch, for raster and printer languages.
    pub dpi: Option<u16>,
    /// The carrier's bytes.
    pub bytes: Personal<Vec<u8>>,
}

impl Document {
    /// A document of a kind and format.
    #[must_use]
    pub const fn new(kind: DocumentKind, format: LabelFormat, bytes: Vec<u8>) -> Self {
        Self { kind, format, dpi: None, bytes: Personal::new(bytes) }
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Document({:?}, {:?}, {} bytes)",
            self.kind,
            self.format,
            self.bytes.expose().len()
        )
    }
}

/// What a label cost, kept apart because carriers do not say whether one includes the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelCost {
    /// The transport itself.
    pub postage: Money,
    /// Fees, for example for size, with their names.
    pub fees: Vec<Charge>,
    /// Extra services, with their names.
    pub extras: Vec<Charge>,
    /// The carrier did not say what it costs, as when somebody else is billed: the amounts are
    /// zero and mean nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unstated: bool,
}

/// A named part of a price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// The carrier's name for it.
    pub name: String,
    /// How much.
    pub amount: Money,
}

impl LabelCost {
    /// A price without parts.
    #[must_use]
    pub const fn plain(postage: Money) -> Self {
        Self { postage, fees: Vec::new(), extras: Vec::new(), unstated: false }
    }

    /// No price, where a carrier did not say one.
    #[must_use]
    pub const fn unstated(currency: Currency) -> Self {
        let postage = Money::new(Decimal::ZERO, currency);
        Self { postage, fees: Vec::new(), extras: Vec::new(), unstated: true }
    }

    /// The sum of all parts: an upper bound where a carrier already counts fees in the postage.
    ///
    /// # Errors
    /// [`MoneyError`] when the parts have different currencies, or no price was stated.
    pub fn total(&self) -> Result<Money, MoneyError> {
        if self.unstated {
            return Err(MoneyError::Unstated);
        }
        self.fees
            .iter()
            .chain(&self.extras)
            .try_fold(self.postage, |sum, charge| sum.checked_add(&charge.amount))
    }
}

/// A label that a carrier sold, with its documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// What later steps need of it.
    pub record: LabelRecord,
    /// What to print.
    pub documents: Vec<Document>,
}

/// What is kept of a label on the order: everything but the bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelRecord {
    /// The key it was bought under.
    pub key: IdempotencyKey,
    /// Who sold it.
    pub carrier: CarrierId,
    /// Which service.
    pub service: ServiceCode,
    /// The number on it.
    pub number: TrackingNumber,
    /// The carrier's own id of the shipment, where void and reprint need it.
    pub carrier_reference: Option<String>,
    /// What it cost.
    pub cost: LabelCost,
    /// When it was bought.
    pub purchased_at: DateTime<Utc>,
    /// The day printed on it.
    pub mailing_date: Option<NaiveDate>,
    /// The formats of its documents, in order.
    pub formats: Vec<LabelFormat>,
}
