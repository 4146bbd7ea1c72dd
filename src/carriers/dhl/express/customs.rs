//! What customs is told of a shipment.

use chrono::NaiveDate;

use super::catalogue::in_one_union;
use super::config::DhlExpressConfig;
use super::map::MOST;
use super::wire::{
    CommodityCode, ExportDeclaration, Invoice, LineItem, LineWeight, Quantity, RegistrationNumber,
};
use crate::address::Contact;
use crate::carriers::dhl::shared::{date, kilograms};
use crate::carriers::fitting::squeezed;
use crate::client::wire::Number;
use crate::error::{Error, Result};
use crate::money::Money;
use crate::shipment::{CustomsDeclaration, ExportReason, TaxIdOwner, crosses_border};

/// "maxLength": 70.
const DESCRIPTION_LENGTH: usize = 70;

/// What customs must be told: nothing inside a country or union, nothing of papers.
pub(super) fn declarable<'a>(
    sender: &Contact,
    recipient: &Contact,
    customs: Option<&'a CustomsDeclaration>,
) -> Result<Option<&'a CustomsDeclaration>> {
    let border = match (sender.address.country, recipient.address.country) {
        (Some(from), Some(to)) => {
            crosses_border(&sender.address, &recipient.address) && !in_one_union(from, to)
        }
        _ => false,
    };
    match customs {
        None if border => {
            Err(Error::invalid("customs", "a parcel over a border needs a declaration"))
        }
        Some(customs) if border && customs.reason != ExportReason::Documents => Ok(Some(customs)),
        _ => Ok(None),
    }
}

pub(super) fn total(customs: &CustomsDeclaration) -> Result<Money> {
    customs.value().map_err(|error| Error::invalid("customs.items.unit_value", error.to_string()))
}

/// What goods are, in one line: as many of the declaration's descriptions as fit whole. Customs
/// reads the whole declaration.
pub(super) fn description(
    config: &DhlExpressConfig,
    customs: Option<&CustomsDeclaration>,
) -> Result<String> {
    let Some(customs) = customs else { return Ok(squeezed(&config.contents)) };
    let mut text = String::new();
    for item in &customs.items {
        let item = squeezed(&item.description);
        let more = if text.is_empty() { item } else { format!("{text}, {item}") };
        if more.chars().count() > DESCRIPTION_LENGTH {
            break;
        }
        text = more;
    }
    if text.is_empty() {
        return Err(Error::invalid(
            "customs.items.description",
            "the first has over 70 characters",
        ));
    }
    Ok(text)
}

const fn export_reason(reason: ExportReason) -> &'static str {
    match reason {
        ExportReason::Sale => "commercial_purpose_or_sale",
        ExportReason::Gift => "gift",
        ExportReason::Sample => "sample",
        ExportReason::Return => "return_to_origin",
        // It comes back, or has been away for a while.
        ExportReason::Repair => "temporary",
        ExportReason::Documents => "personal_belongings_or_personal_use",
    }
}

pub(super) const fn invoice_type(reason: ExportReason) -> &'static str {
    match reason {
        ExportReason::Sale => "commercial",
        ExportReason::Return => "returns",
        _ => "proforma",
    }
}

fn line_items(customs: &CustomsDeclaration) -> Result<Vec<LineItem<'_>>> {
    if customs.items.len() > MOST {
        return Err(Error::invalid("customs.items", "the carrier takes at most 999"));
    }
    customs
        .items
        .iter()
        .enumerate()
        .map(|(index, item)| {
            let text = item.description.trim();
            if text.chars().count() > 512 {
                let message = "a description has at most 512 characters";
                return Err(Error::invalid("customs.items.description", message));
            }
            let weight = Number(kilograms(item.unit_weight.saturating_mul(item.units), 3));
            let code =
                |type_code| item.hs_code.as_deref().map(|value| CommodityCode { type_code, value });
            // Six digits are the same everywhere; what is longer is the country's own.
            let inbound = code("inbound").filter(|code| code.value.len() == 6);
            Ok(LineItem {
                number: index + 1,
                description: text,
                price: Number(item.unit_value.amount),
                quantity: Quantity { value: item.units, unit_of_measurement: "PCS" },
                commodity_codes: code("outbound").into_iter().chain(inbound).collect(),
                export_reason_type: export_reason(customs.reason),
                manufacturer_country: item.origin.to_string(),
                weight: LineWeight { net_value: weight, gross_value: weight },
            })
        })
        .collect()
}

pub(super) fn export_declaration<'a>(
    customs: &'a CustomsDeclaration,
    references: &[String],
    purchase: &str,
    on: NaiveDate,
) -> Result<ExportDeclaration<'a>> {
    let number = customs
        .invoice
        .as_deref()
        .or_else(|| references.first().map(String::as_str))
        .map_or(purchase, str::trim);
    if !(1..=35).contains(&number.chars().count()) {
        return Err(Error::invalid(
            "customs.invoice",
            "an invoice's number has 1 to 35 characters",
        ));
    }
    let export_reference = customs.export_reference.as_deref().map(str::trim);
    if export_reference.is_some_and(|text| text.chars().count() > 40) {
        return Err(Error::invalid("customs.export_reference", "has at most 40 characters"));
    }
    Ok(ExportDeclaration {
        line_items: line_items(customs)?,
        invoice: Invoice {
            number: number.to_owned(),
            date: date(customs.invoice_date.unwrap_or(on)),
        },
        export_reason_type: export_reason(customs.reason),
        export_reference,
    })
}

/// The carrier's kinds of numbers, and what customs calls them.
const REGISTRATIONS: &[(&str, &str)] = &[
    ("VAT", "VAT"),
    ("EORI", "EOR"),
    ("EOR", "EOR"),
    ("IOSS", "SDT"),
    ("VOEC", "SDT"),
    ("SDT", "SDT"),
    ("EIN", "EIN"),
    ("GST", "GST"),
    ("SSN", "SSN"),
    ("DUNS", "DUN"),
    ("DUN", "DUN"),
    ("FED", "FED"),
    ("STA", "STA"),
    ("CNPJ", "CNP"),
    ("CPF", "CNP"),
    ("CNP", "CNP"),
    ("IE", "IE"),
    ("INN", "INN"),
    ("FTZ", "FTZ"),
    ("DAN", "DAN"),
    ("TAN", "TAN"),
    ("NID", "NID"),
    ("PAS", "PAS"),
    ("IMS", "IMS"),
    ("FTN", "FTN"),
    ("CIC", "CIC"),
    ("PEP", "PEP"),
];

pub(super) fn registrations(
    customs: &CustomsDeclaration,
    owner: TaxIdOwner,
    home: &str,
) -> Result<Vec<RegistrationNumber>> {
    customs
        .tax_ids
        .iter()
        .filter(|tax_id| tax_id.owner == owner)
        .map(|tax_id| {
            let kind = tax_id.kind.trim();
            let known = REGISTRATIONS.iter().find(|(name, _)| name.eq_ignore_ascii_case(kind));
            let (_, type_code) = known.ok_or_else(|| {
                Error::unsupported(format!("the carrier knows no tax numbers of kind {kind:?}"))
                    .with_field("customs.tax_ids")
            })?;
            Ok(RegistrationNumber {
                type_code,
                number: tax_id.number.as_str().to_owned(),
                issuer_country_code: tax_id.country.map_or(home.to_owned(), |c| c.to_string()),
            })
        })
        .collect()
}
