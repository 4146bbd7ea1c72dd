//! End-of-day manifests: which parcels may be on one, and the list of a carrier's parcels.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::merge::PageSize;
use super::paper::{Block, Cell, Paper, Table};
use super::words::Words;
use crate::ids::{CarrierId, ServiceCode, TrackingNumber};
use crate::units::Grams;

/// What all parcels of a manifest share.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ManifestKey {
    /// Who carries them.
    pub carrier: CarrierId,
    /// The carrier account that pays.
    pub account: String,
    /// The postcode that they leave from.
    pub origin_postcode: String,
    /// The day printed on the labels.
    pub date: NaiveDate,
}

impl ManifestKey {
    /// The key as one text, which no other manifest has: `carrier/account/postcode/date`. It is
    /// printed as a code.
    #[must_use]
    pub fn code(&self) -> String {
        format!("{}/{}/{}/{}", self.carrier, self.account, self.origin_postcode, self.date)
    }
}

/// A parcel of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestParcel {
    /// What it must share with the others.
    pub key: ManifestKey,
    /// Its number.
    pub number: TrackingNumber,
    /// Its service.
    pub service: ServiceCode,
    /// How heavy it is.
    pub weight: Grams,
    /// A manifest that it is on already.
    pub manifest: Option<String>,
}

/// Why a parcel cannot be on a manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestFault {
    /// It differs from the first parcel.
    #[error("parcel {number} has another {field}")]
    Differs {
        /// Its number.
        number: TrackingNumber,
        /// In what: `carrier`, `account`, `origin_postcode` or `date`.
        field: &'static str,
    },
    /// It is on another manifest already.
    #[error("parcel {number} is on manifest {manifest} already")]
    Taken {
        /// Its number.
        number: TrackingNumber,
        /// The other manifest.
        manifest: String,
    },
    /// It is listed twice.
    #[error("parcel {0} is listed twice")]
    Repeated(TrackingNumber),
    /// There is no parcel.
    #[error("a manifest needs a parcel")]
    Empty,
}

/// A list of the parcels that a carrier takes on one day from one place and account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestList {
    key: ManifestKey,
    parcels: Vec<ManifestParcel>,
}

impl ManifestList {
    /// A list of these parcels.
    ///
    /// # Errors
    /// Every fault there is, so that all are mended at once.
    pub fn new(parcels: Vec<ManifestParcel>) -> Result<Self, Vec<ManifestFault>> {
        let Some(key) = parcels.first().map(|first| first.key.clone()) else {
            return Err(vec![ManifestFault::Empty]);
        };
        let mut faults = Vec::new();
        let mut seen = BTreeSet::new();
        for parcel in &parcels {
            let own = &parcel.key;
            let differences = [
                ("carrier", own.carrier != key.carrier),
                ("account", own.account != key.account),
                ("origin_postcode", own.origin_postcode != key.origin_postcode),
                ("date", own.date != key.date),
            ];
            for (field, differs) in differences {
                if differs {
                    faults.push(ManifestFault::Differs { number: parcel.number.clone(), field });
                }
            }
            if let Some(manifest) = &parcel.manifest {
                faults.push(ManifestFault::Taken {
                    number: parcel.number.clone(),
                    manifest: manifest.clone(),
                });
            }
            if !seen.insert(parcel.number.clone()) {
                faults.push(ManifestFault::Repeated(parcel.number.clone()));
            }
        }
        if faults.is_empty() { Ok(Self { key, parcels }) } else { Err(faults) }
    }

    /// One list per carrier, account, ship-from and date, in that order, and what could not be
    /// listed. Parcels keep their order.
    #[must_use]
    pub fn group(parcels: Vec<ManifestParcel>) -> (Vec<Self>, Vec<ManifestFault>) {
        let mut groups: BTreeMap<ManifestKey, Vec<ManifestParcel>> = BTreeMap::new();
        let mut faults = Vec::new();
        let mut seen = BTreeSet::new();
        for parcel in parcels {
            if let Some(manifest) = parcel.manifest {
                faults.push(ManifestFault::Taken { number: parcel.number, manifest });
            } else if !seen.insert((parcel.key.carrier.clone(), parcel.number.clone())) {
                faults.push(ManifestFault::Repeated(parcel.number));
            } else {
                groups.entry(parcel.key.clone()).or_default().push(parcel);
            }
        }
        let lists = groups.into_iter().map(|(key, parcels)| Self { key, parcels }).collect();
        (lists, faults)
    }

    /// What its parcels share.
    #[must_use]
    pub const fn key(&self) -> &ManifestKey {
        &self.key
    }

    /// Its parcels.
    #[must_use]
    pub fn parcels(&self) -> &[ManifestParcel] {
        &self.parcels
    }

    /// The list as a paper, with its [key](ManifestKey::code) as a code. It is the seller's own; carriers' forms come from their adapters.
    #[must_use]
    pub fn paper(&self, words: &Words) -> Paper {
        let weight = self
            .parcels
            .iter()
            .map(|parcel| u64::from(parcel.weight.get()))
            .fold(0, u64::saturating_add);
        let fields = vec![
            (words.carrier.to_owned(), self.key.carrier.as_str().to_owned()),
            (words.account.to_owned(), self.key.account.clone()),
            (words.origin.to_owned(), self.key.origin_postcode.clone()),
            (words.date.to_owned(), self.key.date.to_string()),
            (words.packages.to_owned(), self.parcels.len().to_string()),
            (words.weight.to_owned(), weight.to_string()),
        ];
        let mut table = Table::new()
            .with_column("", 8)
            .with_column(words.tracking, 42)
            .with_column(words.service, 32)
            .with_column(words.weight, 18);
        for (parcel, number) in self.parcels.iter().zip(1_usize..) {
            table.push(vec![
                Cell::Text(number.to_string()),
                Cell::from(parcel.number.as_str()),
                Cell::from(parcel.service.as_str()),
                Cell::Text(parcel.weight.get().to_string()),
            ]);
        }
        words
            .paper(words.manifest)
            .with_size(PageSize::A4)
            .with_reference(self.key.code())
            .with_code(&self.key.code())
            .with(Block::Fields(fields))
            .with(Block::Table(table))
            .with(Block::Lines(vec![words.given_by.to_owned(), words.taken_by.to_owned()]))
    }
}
