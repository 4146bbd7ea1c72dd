//! What customs wants to know, in the carrier's words.

use serde::Serialize;

use super::config::FedexConfig;
use super::map;
use super::wire::{Amount, Payor, ResponsibleParty, Weight};
use crate::address::Contact;
use crate::client::wire::Number;
use crate::error::{Error, Result};
use crate::money::Money;
use crate::shipment::{
    CustomsDeclaration, CustomsItem, DutiesPayer, ExportReason, TaxId, TaxIdOwner, crosses_border,
};
use crate::units::Grams;

/// Longest description of goods the commercial invoice prints in full (a customary figure).
const DESCRIPTION_LENGTH: usize = 450;
/// "Maximum length is 18."
const TAX_ID_LENGTH: usize = 18;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Clearance<'a> {
    pub(super) commercial_invoice: Invoice<'a>,
    pub(super) duties_payment: Duties<'a>,
    pub(super) is_document_only: bool,
    pub(super) total_customs_value: Amount,
    pub(super) commodities: Vec<Commodity<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) export_detail: Option<Export<'a>>,
}

/// What a quote needs of it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RatedClearance<'a> {
    pub(super) commercial_invoice: RatedInvoice,
    pub(super) commodities: Vec<Commodity<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RatedInvoice {
    pub(super) shipment_purpose: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Invoice<'a> {
    pub(super) shipment_purpose: &'static str,
    pub(super) terms_of_sale: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) customer_references: Vec<InvoiceNumber<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InvoiceNumber<'a> {
    pub(super) customer_reference_type: &'static str,
    pub(super) value: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Duties<'a> {
    pub(super) payment_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) payor: Option<Payor<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Commodity<'a> {
    pub(super) description: &'a str,
    pub(super) country_of_manufacture: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) harmonized_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) part_number: Option<&'a str>,
    pub(super) quantity: u32,
    pub(super) quantity_units: &'static str,
    pub(super) number_of_pieces: u32,
    pub(super) unit_price: Amount,
    pub(super) customs_value: Amount,
    pub(super) weight: Weight,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Export<'a> {
    pub(super) export_compliance_statement: &'a str,
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tin {
    pub(super) number: String,
    pub(super) tin_type: &'static str,
    pub(super) usage: String,
}

/// Which papers the carrier shall make and send back.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Papers {
    pub(super) shipping_document_types: [&'static str; 1],
    pub(super) commercial_invoice_detail: InvoicePaper,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InvoicePaper {
    pub(super) document_format: PaperFormat,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PaperFormat {
    pub(super) doc_type: &'static str,
    pub(super) stock_type: &'static str,
}

pub(super) const INVOICE: Papers = Papers {
    shipping_document_types: ["COMMERCIAL_INVOICE"],
    commercial_invoice_detail: InvoicePaper {
        document_format: PaperFormat { doc_type: "PDF", stock_type: "PAPER_LETTER" },
    },
};

/// The declaration of a parcel over a border, checked; `None` for one within a country.
pub(super) fn declaration<'a>(
    sender: &Contact,
    recipient: &Contact,
    weight: Grams,
    customs: Option<&'a CustomsDeclaration>,
) -> Result<Option<&'a CustomsDeclaration>> {
    if !crosses_border(&sender.address, &recipient.address) {
        return Ok(None);
    }
    let declaration = customs.ok_or_else(|| {
        Error::invalid("customs", "a parcel over a border needs a customs declaration")
    })?;
    declaration.check(weight)?;
    for item in &declaration.items {
        if item.description.chars().count() > DESCRIPTION_LENGTH {
            return Err(Error::invalid(
                "customs.items.description",
                format!("has at most {DESCRIPTION_LENGTH} characters"),
            ));
        }
    }
    Ok(Some(declaration))
}

/// "SOLD, GIFT, SAMPLE, REPAIR_AND_RETURN, PERSONAL_EFFECTS, NOT_SOLD" (ship specification).
const fn purpose(reason: ExportReason) -> &'static str {
    match reason {
        ExportReason::Sale => "SOLD",
        ExportReason::Gift => "GIFT",
        ExportReason::Sample => "SAMPLE",
        ExportReason::Return | ExportReason::Repair => "REPAIR_AND_RETURN",
        ExportReason::Documents => "NOT_SOLD",
    }
}

fn amount(money: &Money) -> Amount {
    Amount { amount: Number(money.amount), currency: money.currency.to_string() }
}

fn commodity(item: &CustomsItem, imperial: bool) -> Result<Commodity<'_>> {
    let value = item
        .unit_value
        .times(item.units)
        .map_err(|error| Error::invalid("customs.items.unit_value", error.to_string()))?;
    Ok(Commodity {
        description: item.description.trim(),
        country_of_manufacture: item.origin.to_string(),
        harmonized_code: item.hs_code.as_deref(),
        part_number: item.sku.as_ref().map(crate::ids::Sku::as_str),
        quantity: item.units,
        quantity_units: "PCS",
        number_of_pieces: item.units,
        unit_price: amount(&item.unit_value),
        customs_value: amount(&value),
        weight: map::goods_weight(item.unit_weight.saturating_mul(item.units), imperial),
    })
}

fn commodities(declaration: &CustomsDeclaration, imperial: bool) -> Result<Vec<Commodity<'_>>> {
    declaration.items.iter().map(|item| commodity(item, imperial)).collect()
}

pub(super) fn rated(
    declaration: &CustomsDeclaration,
    imperial: bool,
) -> Result<RatedClearance<'_>> {
    Ok(RatedClearance {
        commercial_invoice: RatedInvoice { shipment_purpose: purpose(declaration.reason) },
        commodities: commodities(declaration, imperial)?,
    })
}

pub(super) fn clearance<'a>(
    config: &'a FedexConfig,
    declaration: &'a CustomsDeclaration,
    imperial: bool,
) -> Result<Clearance<'a>> {
    let value = declaration
        .value()
        .map_err(|error| Error::invalid("customs.items.unit_value", error.to_string()))?;
    let sender_pays = declaration.duties == DutiesPayer::Sender;
    let invoice = declaration.invoice.as_deref().filter(|number| !number.trim().is_empty());
    Ok(Clearance {
        commercial_invoice: Invoice {
            shipment_purpose: purpose(declaration.reason),
            terms_of_sale: if sender_pays { "DDP" } else { "DAP" },
            customer_references: invoice
                .map(|value| InvoiceNumber { customer_reference_type: "INVOICE_NUMBER", value })
                .into_iter()
                .collect(),
        },
        duties_payment: Duties {
            payment_type: if sender_pays { "SENDER" } else { "RECIPIENT" },
            payor: sender_pays.then(|| Payor {
                responsible_party: ResponsibleParty { account_number: map::account(config) },
            }),
        },
        is_document_only: declaration.reason == ExportReason::Documents,
        total_customs_value: amount(&value),
        commodities: commodities(declaration, imperial)?,
        export_detail: declaration
            .export_reference
            .as_deref()
            .map(|reference| Export { export_compliance_statement: reference }),
    })
}

/// Tax numbers of one of the parties. The carrier knows six kinds and no names of countries' own
/// numbers: a company's number is `BUSINESS_NATIONAL`, a person's `PERSONAL_NATIONAL`, and its name
/// goes along as its use.
pub(super) fn tins(
    declaration: Option<&CustomsDeclaration>,
    owner: TaxIdOwner,
) -> Result<Vec<Tin>> {
    let of_owner = |id: &&TaxId| id.owner == owner;
    declaration
        .map(|declaration| declaration.tax_ids.as_slice())
        .unwrap_or_default()
        .iter()
        .filter(of_owner)
        .map(|id| {
            let number = id.number.as_str().trim();
            if number.is_empty() || number.chars().count() > TAX_ID_LENGTH {
                return Err(Error::invalid(
                    "customs.tax_ids.number",
                    format!("a {} number has 1 to {TAX_ID_LENGTH} characters", id.kind),
                ));
            }
            let personal = ["CPF", "CURP", "SSN", "DNI"].contains(&id.kind.as_str());
            Ok(Tin {
                number: number.to_owned(),
                tin_type: if personal { "PERSONAL_NATIONAL" } else { "BUSINESS_NATIONAL" },
                usage: id.kind.clone(),
            })
        })
        .collect()
}
