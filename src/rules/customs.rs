//! Customs declarations out of what a host knows of its goods.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::address::Country;
use crate::ids::{LineId, Sku};
use crate::order::Order;
use crate::shipment::{CustomsDeclaration, CustomsItem, DutiesPayer, Package};
use crate::units::Grams;

/// What customs asks of a SKU and no order tells.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct CustomsFacts {
    /// What it is, in words that customs accepts. Default: the line's title.
    pub description: Option<String>,
    /// Where it was made. Default: [`CustomsBook::origin`].
    pub origin: Option<Country>,
    /// Its number in the Harmonized System: 6 to 12 digits.
    pub hs_code: Option<String>,
    /// What a unit weighs. Default: the line's weight.
    pub unit_weight: Option<Grams>,
}

/// What a host knows of its goods, for parcels that cross a border.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct CustomsBook {
    /// By SKU.
    pub goods: BTreeMap<Sku, CustomsFacts>,
    /// Where goods were made of which nothing else is known.
    pub origin: Option<Country>,
    /// Whether goods without an HS number may leave. Default no: customs of most countries ask for it.
    pub allow_missing_hs_code: bool,
    /// Who pays duties and taxes. Default: the recipient.
    pub duties: DutiesPayer,
    /// The export authority's number or exemption that goes with every declaration, for example
    /// `NOEEI 30.37(a)`, which holds for kinds of goods worth up to 2,500 USD. Default: none, and
    /// the carrier's own where its adapter has one.
    pub export_reference: Option<String>,
}

impl Default for CustomsBook {
    fn default() -> Self {
        Self {
            goods: BTreeMap::new(),
            origin: None,
            allow_missing_hs_code: false,
            duties: DutiesPayer::Recipient,
            export_reference: None,
        }
    }
}

/// What is not known of goods that should cross a border.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("customs.goods.{}.{field}: line {line} crosses a border and it is not known", .sku.as_ref().map_or("?", Sku::as_str))]
pub struct CustomsGap {
    /// Which line.
    pub line: LineId,
    /// Its SKU, if it has one.
    pub sku: Option<Sku>,
    /// Which fact: `origin`, `hs_code` or `unit_weight`; `line` when the order has no such line.
    pub field: &'static str,
}

/// The declaration of a parcel: one item per line, worth its unit price.
///
/// # Errors
/// [`CustomsGap`] names the line and the fact that nobody knows. Values are not checked here; see
/// [`CustomsDeclaration::check`].
pub fn declare(
    order: &Order,
    package: &Package,
    book: &CustomsBook,
) -> Result<CustomsDeclaration, CustomsGap> {
    let mut items = Vec::new();
    for packed in &package.contents {
        let line = order.line(&packed.line).ok_or_else(|| CustomsGap {
            line: packed.line.clone(),
            sku: None,
            field: "line",
        })?;
        let facts = line.sku.as_ref().and_then(|sku| book.goods.get(sku));
        let gap = |field| CustomsGap { line: line.id.clone(), sku: line.sku.clone(), field };
        let origin =
            facts.and_then(|facts| facts.origin).or(book.origin).ok_or_else(|| gap("origin"))?;
        let hs_code = facts.and_then(|facts| facts.hs_code.clone());
        if hs_code.is_none() && !book.allow_missing_hs_code {
            return Err(gap("hs_code"));
        }
        let unit_weight = facts
            .and_then(|facts| facts.unit_weight)
            .or(line.weight)
            .filter(|weight| *weight > Grams::ZERO)
            .ok_or_else(|| gap("unit_weight"))?;
        let description = facts.and_then(|facts| facts.description.clone());
        items.push(CustomsItem {
            description: description.unwrap_or_else(|| line.title.clone()),
            units: packed.units,
            unit_value: line.unit_price,
            unit_weight,
            origin,
            hs_code,
            sku: line.sku.clone(),
        });
    }
    Ok(CustomsDeclaration {
        duties: book.duties,
        export_reference: book.export_reference.clone(),
        invoice: Some(order.key.order.to_string()),
        ..CustomsDeclaration::sale(items)
    })
}
