//! The scan check: what was picked must be what is in the parcel, no more and no less.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::Sku;
use crate::order::Order;
use crate::shipment::Package;

/// How a pick differs from what a parcel holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PickDifference {
    /// Goods of which too few were scanned, and how many lack.
    pub short: BTreeMap<Sku, u32>,
    /// Goods of which too many were scanned, and how many are too many.
    pub surplus: BTreeMap<Sku, u32>,
    /// Goods that do not belong in the parcel, and how many were scanned.
    pub wrong: BTreeMap<Sku, u32>,
}

impl PickDifference {
    /// Whether everything is as it should be.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.short.is_empty() && self.surplus.is_empty() && self.wrong.is_empty()
    }
}

impl fmt::Display for PickDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts =
            [("short of", &self.short), ("too many", &self.surplus), ("wrong", &self.wrong)];
        let mut first = true;
        for (what, goods) in parts {
            for (sku, units) in goods {
                if !std::mem::take(&mut first) {
                    f.write_str("; ")?;
                }
                write!(f, "{what}: {units} × {sku}")?;
            }
        }
        if first { f.write_str("as it should be") } else { Ok(()) }
    }
}

/// Why a pick cannot be checked by scanning.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PickCheckError {
    /// Goods without a SKU cannot be scanned: a person must look.
    #[error("line {0} has no SKU to scan")]
    NoSku(crate::ids::LineId),
}

/// Compares what was scanned with what a parcel holds: SKU and count must match exactly. The order of
/// scans does not matter; one SKU may be scanned in several goes.
///
/// # Errors
/// [`PickCheckError`] when the parcel holds goods that nobody can scan.
pub fn check_pick(
    order: &Order,
    package: &Package,
    scanned: &[(Sku, u32)],
) -> Result<PickDifference, PickCheckError> {
    let mut wanted: BTreeMap<Sku, u32> = BTreeMap::new();
    for packed in &package.contents {
        let sku = order
            .line(&packed.line)
            .and_then(|line| line.sku.clone())
            .ok_or_else(|| PickCheckError::NoSku(packed.line.clone()))?;
        let units = wanted.entry(sku).or_default();
        *units = units.saturating_add(packed.units);
    }
    let mut found: BTreeMap<Sku, u32> = BTreeMap::new();
    for (sku, units) in scanned.iter().filter(|(_, units)| *units > 0) {
        let sum = found.entry(sku.clone()).or_default();
        *sum = sum.saturating_add(*units);
    }
    let mut difference = PickDifference::default();
    for (sku, units) in &wanted {
        let there = found.get(sku).copied().unwrap_or(0);
        if there < *units {
            difference.short.insert(sku.clone(), units - there);
        } else if there > *units {
            difference.surplus.insert(sku.clone(), there - units);
        }
    }
    for (sku, units) in found {
        if !wanted.contains_key(&sku) {
            difference.wrong.insert(sku, units);
        }
    }
    Ok(difference)
}
