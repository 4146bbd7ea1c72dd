//! What was really sold and confirmed: the witness.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};

use super::lock;
use crate::money::Money;

/// A label that a stand-in sold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoldLabel {
    /// Which carrier sold it.
    pub carrier: String,
    /// Its tracking number.
    pub number: String,
    /// The key it was sold under, if one was sent.
    pub key: Option<String>,
    /// The first reference sent along: the parcel.
    pub reference: String,
    /// What was charged.
    pub cost: Money,
    /// When.
    pub sold_at: DateTime<Utc>,
    /// When it was voided.
    pub voided_at: Option<DateTime<Utc>>,
}

/// Units that a platform was told have left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfirmedParcel {
    /// Which platform.
    pub platform: String,
    /// Which order.
    pub order: String,
    /// Which line.
    pub line: String,
    /// How many units.
    pub units: u32,
    /// Under which number.
    pub number: String,
    /// When the platform was told.
    pub confirmed_at: DateTime<Utc>,
}

/// Something that must not be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum LedgerFinding {
    /// Two live labels for one parcel.
    BoughtTwice {
        /// The parcel.
        reference: String,
        /// The numbers charged for.
        numbers: Vec<String>,
    },
    /// A platform got a number that no carrier sold.
    UnknownNumber {
        /// Which order.
        order: String,
        /// Which number.
        number: String,
    },
    /// An order that should have shipped was not confirmed in full.
    NotUploaded {
        /// Which order.
        order: String,
    },
    /// A live label whose number no platform was told.
    NeverUsed {
        /// Which number.
        number: String,
        /// For which parcel.
        reference: String,
    },
    /// More units confirmed than ordered.
    ConfirmedTwice {
        /// Which order.
        order: String,
        /// Which line.
        line: String,
    },
}

#[derive(Debug, Default)]
struct Book {
    ordered: BTreeMap<(String, String), BTreeMap<String, u32>>,
    acknowledged: BTreeMap<(String, String), u32>,
    labels: Vec<SoldLabel>,
    confirmed: Vec<ConfirmedParcel>,
    cancelled: BTreeSet<(String, String)>,
    stock: BTreeMap<(String, String), u32>,
}

/// The book that all stand-ins of a sandbox write to. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Ledger(Arc<Mutex<Book>>);

impl Ledger {
    /// An empty book.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An order appeared on a platform, with its lines and their units.
    pub fn order_placed(&self, platform: &str, order: &str, lines: &[(String, u32)]) {
        let lines = lines.iter().cloned().collect();
        lock(&self.0).ordered.insert((platform.to_owned(), order.to_owned()), lines);
    }

    /// An order was acknowledged.
    pub fn acknowledged(&self, platform: &str, order: &str) {
        *lock(&self.0).acknowledged.entry((platform.to_owned(), order.to_owned())).or_default() +=
            1;
    }

    /// A label was sold and charged.
    pub fn label_sold(&self, label: SoldLabel) {
        lock(&self.0).labels.push(label);
    }

    /// A label was voided.
    pub fn label_voided(&self, number: &str, at: DateTime<Utc>) {
        for label in &mut lock(&self.0).labels {
            if label.number == number {
                label.voided_at.get_or_insert(at);
            }
        }
    }

    /// A platform was told that units left.
    pub fn parcel_confirmed(&self, parcel: ConfirmedParcel) {
        lock(&self.0).confirmed.push(parcel);
    }

    /// An order was cancelled in full.
    pub fn order_cancelled(&self, platform: &str, order: &str) {
        lock(&self.0).cancelled.insert((platform.to_owned(), order.to_owned()));
    }

    /// A stock level was pushed.
    pub fn stock_pushed(&self, platform: &str, sku: &str, units: u32) {
        lock(&self.0).stock.insert((platform.to_owned(), sku.to_owned()), units);
    }

    /// Every label sold so far.
    #[must_use]
    pub fn labels(&self) -> Vec<SoldLabel> {
        lock(&self.0).labels.clone()
    }

    /// Every confirmation so far.
    #[must_use]
    pub fn confirmations(&self) -> Vec<ConfirmedParcel> {
        lock(&self.0).confirmed.clone()
    }

    /// How many orders were acknowledged.
    #[must_use]
    pub fn acknowledged_orders(&self) -> usize {
        lock(&self.0).acknowledged.len()
    }

    /// How many orders appeared.
    #[must_use]
    pub fn orders(&self) -> usize {
        lock(&self.0).ordered.len()
    }

    /// The stock level a platform was last told.
    #[must_use]
    pub fn stock_level(&self, platform: &str, sku: &str) -> Option<u32> {
        lock(&self.0).stock.get(&(platform.to_owned(), sku.to_owned())).copied()
    }

    /// Everything that must not be, for orders expected to have shipped in full. Orders in
    /// `held_back` (platform order ids) are not expected to have shipped. Empty is a good day.
    #[must_use]
    pub fn audit(&self, held_back: &BTreeSet<String>) -> Vec<LedgerFinding> {
        let book = lock(&self.0);
        let mut findings = Vec::new();

        let mut live: BTreeMap<&str, Vec<&SoldLabel>> = BTreeMap::new();
        for label in book.labels.iter().filter(|label| label.voided_at.is_none()) {
            live.entry(&label.reference).or_default().push(label);
        }
        for (reference, labels) in &live {
            if labels.len() > 1 {
                findings.push(LedgerFinding::BoughtTwice {
                    reference: (*reference).to_owned(),
                    numbers: labels.iter().map(|label| label.number.clone()).collect(),
                });
            }
        }

        let sold: BTreeSet<&str> = book.labels.iter().map(|label| label.number.as_str()).collect();
        let used: BTreeSet<&str> =
            book.confirmed.iter().map(|parcel| parcel.number.as_str()).collect();
        for parcel in &book.confirmed {
            if !sold.contains(parcel.number.as_str()) {
                findings.push(LedgerFinding::UnknownNumber {
                    order: parcel.order.clone(),
                    number: parcel.number.clone(),
                });
            }
        }
        for label in live.values().flatten() {
            if !used.contains(label.number.as_str()) {
                findings.push(LedgerFinding::NeverUsed {
                    number: label.number.clone(),
                    reference: label.reference.clone(),
                });
            }
        }

        for ((platform, order), lines) in &book.ordered {
            let key = (platform.clone(), order.clone());
            let mut complete = true;
            for (line, units) in lines {
                let confirmed: u32 = book
                    .confirmed
                    .iter()
                    .filter(|parcel| {
                        parcel.platform == *platform
                            && parcel.order == *order
                            && parcel.line == *line
                    })
                    .map(|parcel| parcel.units)
                    .sum();
                if confirmed > *units {
                    findings.push(LedgerFinding::ConfirmedTwice {
                        order: order.clone(),
                        line: line.clone(),
                    });
                }
                complete &= confirmed >= *units;
            }
            if !complete && !held_back.contains(order) && !book.cancelled.contains(&key) {
                findings.push(LedgerFinding::NotUploaded { order: order.clone() });
            }
        }
        findings.sort();
        findings.dedup();
        findings
    }
}
