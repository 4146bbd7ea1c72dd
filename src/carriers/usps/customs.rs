//! What customs wants to know, in the carrier's words.

use serde::Serialize;

use super::address;
use super::config::UspsConfig;
use crate::address::Address;
use crate::carriers::fitting::us_state;
use crate::client::wire::Number;
use crate::error::{Error, Result};
use crate::money::Currency;
use crate::shipment::{
    CustomsDeclaration, CustomsItem, DutiesPayer, ExportReason, LabelRequest, TaxId, TaxIdOwner,
    is_behind_customs_line,
};

/// "maxLength: 30" of a content's description (labels specifications 3.9.13 and 3.3.7).
const DESCRIPTION_LENGTH: usize = 30;
/// "The following descriptions, regardless of case sensitivity, are not considered valid."
const NO_DESCRIPTIONS: [&str; 6] = ["none", "not applicable", "n/a", "null", "gift", "merchandise"];
/// Kinds of goods on one form.
const CONTENTS: usize = 30;
/// Most units of one kind.
const QUANTITY: u32 = 9_999;
/// 999,999.99 USD, the largest worth of one kind.
const LARGEST_CENTS: i64 = 99_999_999;
/// Longest number or legend of the export authority.
pub(super) const EXPORT_REFERENCE_LENGTH: usize = 35;
/// Longest invoice number.
const INVOICE_LENGTH: usize = 15;
/// Longest tax number.
const TAX_ID_LENGTH: usize = 28;

/// Which of the carrier's counters a parcel goes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Domestic mail without papers.
    Domestic,
    /// Domestic mail that customs sees all the same: to, from and between military post offices,
    /// the Pacific territories and the freely associated states.
    Overseas,
    /// Domestic mail for which some ZIPs want a form and the specification does not say which.
    Perhaps,
    /// To another country.
    Abroad,
}

pub(super) fn way(sender: &Address, recipient: &Address) -> Way {
    if !address::is_domestic(recipient) {
        return Way::Abroad;
    }
    let (from, to) = (state(sender), state(recipient));
    let is_overseas = |state: Option<&str>| state.is_some_and(is_behind_customs_line);
    let is_military = from.is_some_and(|state| ["AA", "AE", "AP"].contains(&state));
    if from == to && !is_military {
        Way::Domestic
    } else if is_overseas(from) || is_overseas(to) {
        Way::Overseas
    } else if from == Some("VI") || to == Some("VI") {
        Way::Perhaps
    } else {
        Way::Domestic
    }
}

/// The state, which some platforms give as a country.
fn state(address: &Address) -> Option<&'static str> {
    let by_country =
        address.country.as_ref().and_then(|country| us_state(country.as_str())).filter(|state| {
            // "MH" and the like; "CA" and "DE" are other countries and never come here as a state.
            is_behind_customs_line(state) || ["PR", "VI"].contains(state)
        });
    by_country.or_else(|| us_state(address.state.as_deref().map_or("", str::trim)))
}

/// A tax number: a text in domestic labels, an object in international ones.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum PartyReference<'a> {
    Text(&'a str),
    #[serde(rename_all = "camelCase")]
    Typed {
        reference_type: &'static str,
        reference: &'a str,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CustomsForm<'a> {
    pub(super) customs_content_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content_comments: Option<&'static str>,
    #[serde(rename = "AESITN", skip_serializing_if = "Option::is_none")]
    pub(super) aes_itn: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) invoice_number: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) importers_reference: Option<PartyReference<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) exporters_reference: Option<PartyReference<'a>>,
    pub(super) contents: Vec<Content<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Content<'a> {
    pub(super) item_description: &'a str,
    pub(super) item_quantity: u32,
    pub(super) item_total_value: Number,
    #[serde(rename = "weightUOM")]
    pub(super) weight_uom: &'static str,
    pub(super) item_total_weight: Number,
    #[serde(rename = "HSTariffNumber", skip_serializing_if = "Option::is_none")]
    pub(super) hs_tariff_number: Option<&'a str>,
    // Their own spelling.
    #[serde(rename = "countryofOrigin")]
    pub(super) country_of_origin: String,
}

/// The form of a parcel that customs sees.
///
/// # Errors
/// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) that names the field: `customs` where
/// there is no declaration although one is needed.
pub(super) fn form<'a>(
    config: &'a UspsConfig,
    request: &'a LabelRequest,
) -> Result<Option<CustomsForm<'a>>> {
    let way = way(&request.sender.address, &request.recipient.address);
    let declaration = match (way, request.customs.as_deref()) {
        (Way::Domestic, _) | (Way::Perhaps, None) => return Ok(None),
        (Way::Overseas, None) => {
            return Err(Error::invalid(
                "customs",
                "a parcel to or from a military post office or a territory needs a customs \
                 declaration",
            ));
        }
        (Way::Abroad, None) => {
            return Err(Error::invalid(
                "customs",
                "a parcel over a border needs a customs declaration",
            ));
        }
        (_, Some(declaration)) => declaration,
    };
    declaration.check(request.weight)?;
    if declaration.items.len() > CONTENTS {
        return Err(Error::invalid("customs.items", format!("a form takes {CONTENTS} kinds")));
    }
    if declaration.duties == DutiesPayer::Sender {
        return Err(Error::invalid(
            "customs.duties",
            "duties paid by the sender are not sold here: what they cost is not documented",
        ));
    }
    let (customs_content_type, content_comments) = content_type(declaration.reason);
    Ok(Some(CustomsForm {
        customs_content_type,
        content_comments,
        aes_itn: export_reference(config, declaration, way)?,
        invoice_number: declaration
            .invoice
            .as_deref()
            .map(str::trim)
            // An order's id that is too long is no invoice number here; it is never shortened.
            .filter(|number| (1..=INVOICE_LENGTH).contains(&number.chars().count())),
        importers_reference: party(declaration, TaxIdOwner::Recipient, way)?,
        exporters_reference: party(declaration, TaxIdOwner::Sender, way)?,
        contents: declaration.items.iter().map(content).collect::<Result<_>>()?,
    }))
}

/// Content types of both specifications. "Content comments: required when the type is OTHER."
const fn content_type(reason: ExportReason) -> (&'static str, Option<&'static str>) {
    match reason {
        ExportReason::Sale => ("MERCHANDISE", None),
        ExportReason::Gift => ("GIFT", None),
        ExportReason::Sample => ("COMMERCIAL_SAMPLE", None),
        ExportReason::Return => ("RETURNED_GOODS", None),
        ExportReason::Repair => ("OTHER", Some("Repair")),
        ExportReason::Documents => ("DOCUMENT", None),
    }
}

/// The export authority's number, or the exemption that the host has claimed for its goods: a legal
/// statement, which nobody but the exporter can make.
fn export_reference<'a>(
    config: &'a UspsConfig,
    declaration: &'a CustomsDeclaration,
    way: Way,
) -> Result<Option<&'a str>> {
    let reference = declaration
        .export_reference
        .as_deref()
        .or(config.export_exemption.as_deref())
        .map(str::trim)
        .filter(|reference| !reference.is_empty());
    match reference {
        Some(text) if text.chars().count() > EXPORT_REFERENCE_LENGTH => Err(Error::invalid(
            "customs.export_reference",
            format!("has at most {EXPORT_REFERENCE_LENGTH} characters"),
        )),
        None if way == Way::Abroad => Err(Error::invalid(
            "customs.export_reference",
            "the carrier wants an ITN or the exemption that applies, for example NO EEI 30.37(a)",
        )),
        reference => Ok(reference),
    }
}

/// The one tax number there is room for on either side.
fn party(
    declaration: &CustomsDeclaration,
    owner: TaxIdOwner,
    way: Way,
) -> Result<Option<PartyReference<'_>>> {
    let mut ids = declaration.tax_ids.iter().filter(|id| id.owner == owner);
    let (Some(id), rest) = (ids.next(), ids.count()) else { return Ok(None) };
    if rest > 0 {
        return Err(Error::invalid(
            "customs.tax_ids",
            "the carrier takes one number of the sender and one of the recipient",
        ));
    }
    let reference = id.number.as_str().trim();
    if !(1..=TAX_ID_LENGTH).contains(&reference.chars().count()) {
        return Err(Error::invalid(
            "customs.tax_ids.number",
            format!("a {} number has 1 to {TAX_ID_LENGTH} characters", id.kind),
        ));
    }
    Ok(Some(match way {
        Way::Abroad => PartyReference::Typed { reference_type: reference_type(id), reference },
        _ => PartyReference::Text(reference),
    }))
}

/// "TAX_CODE, VAT_NUMBER, IMPORTER_CODE": an IOSS number is one of VAT, an EORI one of traders.
fn reference_type(id: &TaxId) -> &'static str {
    match id.kind.trim().to_ascii_uppercase().as_str() {
        "VAT" | "IOSS" => "VAT_NUMBER",
        "EORI" => "IMPORTER_CODE",
        _ => "TAX_CODE",
    }
}

fn content(item: &CustomsItem) -> Result<Content<'_>> {
    let item_description = item.description.trim();
    if item_description.chars().count() > DESCRIPTION_LENGTH {
        return Err(Error::invalid(
            "customs.items.description",
            format!("{item_description}: has at most {DESCRIPTION_LENGTH} characters"),
        ));
    }
    if NO_DESCRIPTIONS.contains(&item_description.to_lowercase().as_str()) {
        return Err(Error::invalid(
            "customs.items.description",
            format!("{item_description}: does not say what it is"),
        ));
    }
    if item.units > QUANTITY {
        return Err(Error::invalid(
            "customs.items.units",
            format!("{item_description}: at most {QUANTITY}"),
        ));
    }
    let wrong = |reason: String| {
        Error::invalid("customs.items.unit_value", format!("{item_description}: {reason}"))
    };
    let value = item.unit_value.times(item.units).map_err(|error| wrong(error.to_string()))?;
    if value.currency != Currency::USD {
        return Err(wrong("the carrier wants the value in USD".to_owned()));
    }
    if value.amount > rust_decimal::Decimal::new(LARGEST_CENTS, 2) {
        return Err(wrong("at most 999999.99 USD".to_owned()));
    }
    // Rounded down, so that goods never weigh more on paper than the parcel they are in.
    let weight = item.unit_weight.saturating_mul(item.units).to_pounds(12).trunc_with_scale(4);
    Ok(Content {
        item_description,
        item_quantity: item.units,
        item_total_value: Number(value.amount),
        weight_uom: "lb",
        item_total_weight: Number(weight),
        hs_tariff_number: item.hs_code.as_deref(),
        country_of_origin: item.origin.to_string(),
    })
}
