//! Theirs to ours and back, explicitly.

use chrono::DateTime;

use super::catalogue::{MAX_WEIGHT, TERRITORIES};
use super::config::{DhlEcommerceConfig, NumberOfLabel};
use super::dialect::words;
use super::wire::{
    Address, CustomsDetail, Dimension, EstimateWish, LabelAnswer, ManifestAnswer, PackageDetail,
    Parcel, QuoteAnswer, QuoteBody, RateWish, ShippingCost, VendorLabel, VendorManifest, Weight,
};
use super::{ClosedDay, DayDocument, RefusedParcel};
use crate::address::{Contact, Country};
use crate::carriers::account::{check_account, purchase_reference};
use crate::carriers::dhl::shared::{
    country, date, document, imperial, kilograms, known_weight, names, phone, postal_code, state,
};
use crate::carriers::events::day;
use crate::carriers::fitting::{
    fit_lines, fit_text, is_printable, known_size, misfit, printable_address, squeezed, us_state,
};
use crate::carriers::images::Encoding;
use crate::client::wire::{Number, filled, unexpected};
use crate::error::{Error, ErrorKind, Result, VendorDetail};
use crate::ids::{IdempotencyKey, ServiceCode, TrackingNumber};
use crate::money::{Currency, Money};
use crate::order::AddressProblem;
use crate::shipment::{
    CustomsDeclaration, Document, DocumentKind, DutiesPayer, Label, LabelCost, LabelFormat,
    LabelRecord, LabelRequest, RateQuote, RateRequest, ServiceKey, TaxIdOwner, crosses_border,
    is_behind_customs_line,
};
use crate::units::{Dimensions, Grams};

/// Street lines there are.
pub(super) const LINES: usize = 3;
/// Countries that want a phone number.
const WITH_PHONE: [&str; 5] = ["HK", "JP", "IL", "KR", "MX"];
/// What a quote calls its parcel: nothing is bought under it.
const QUOTED: &str = "QUOTE";

fn party(config: &DhlEcommerceConfig, role: &str, contact: &Contact) -> Result<Address> {
    let address = &contact.address;
    if address.is_masked() {
        return Err(misfit(role, "address", AddressProblem::Masked));
    }
    printable_address(role, address)?;
    let longest = config.text_length;
    let country = country(role, address)?;
    let (name, company_name) = names(role, contact, (longest, longest))?;
    let needs_phone = role == "recipient" && WITH_PHONE.contains(&country.as_str());
    let fallback = config.fallback_phone.as_ref().filter(|_| needs_phone);
    let phone = phone(contact, fallback);
    if needs_phone && phone.is_none() {
        return Err(misfit(role, "phone", AddressProblem::Incomplete));
    }
    let mut lines = fit_lines(role, address, LINES, longest)?.into_iter();
    Ok(Address {
        name,
        company_name,
        address1: lines.next().unwrap_or_default(),
        address2: lines.next(),
        address3: lines.next(),
        city: fit_text(role, "address.city", &address.city, longest)?,
        state: state(role, address, country)?,
        country: country.to_string(),
        postal_code: postal_code(role, address, country, 20)?,
        email: contact.email.as_ref().and_then(|email| filled(Some(email.as_str()))),
        phone,
        is_business: address.residential.filter(|_| role == "recipient").map(|home| !home),
        tax_id: None,
        tax_id_type: None,
    })
}

/// At most two decimals, rounded up so that nothing is declared lighter than it is.
fn weight(grams: Grams, imperial: bool) -> Result<Weight> {
    let grams = known_weight(grams, MAX_WEIGHT)?;
    Ok(if imperial {
        Weight { value: Number(grams.to_pounds(2)), unit_of_measure: "LB" }
    } else {
        Weight { value: Number(kilograms(grams, 2)), unit_of_measure: "KG" }
    })
}

fn dimension(size: Dimensions, imperial: bool) -> Result<Dimension> {
    let size = known_size(size)?;
    let side = |side: crate::units::Millimetres| {
        Number(if imperial {
            side.to_inches(2)
        } else {
            rust_decimal::Decimal::new(i64::from(side.get()), 1)
        })
    };
    Ok(Dimension {
        length: side(size.length),
        width: side(size.width),
        height: side(size.height),
        unit_of_measure: if imperial { "IN" } else { "CM" },
    })
}

/// All of a request that quotes and purchases share.
struct Shared<'a> {
    sender: &'a Contact,
    recipient: &'a Contact,
    weight: Grams,
    dimensions: Option<Dimensions>,
    value: Option<&'a Money>,
    customs: Option<&'a CustomsDeclaration>,
}

fn parcel<'a>(
    config: &'a DhlEcommerceConfig,
    shared: &Shared<'a>,
    package_id: String,
    product: Option<&'a str>,
) -> Result<Parcel<'a>> {
    let from = shared.sender.address.country;
    if from.is_some_and(|from| !["US", "CA"].contains(&from.as_str())) {
        return Err(misfit("sender", "address.country", AddressProblem::Unserviceable));
    }
    let mut consignee_address = party(config, "recipient", shared.recipient)?;
    let return_address = party(config, "sender", shared.sender)?;
    let border = crosses_border(&shared.sender.address, &shared.recipient.address)
        && !is_home_territory(shared.sender.address.country, shared.recipient.address.country);
    if shared.customs.is_none() {
        if border {
            return Err(Error::invalid("customs", "a parcel over a border needs a declaration"));
        }
        if let Some(state) = behind_customs_line(config, &shared.recipient.address) {
            return Err(Error::invalid(
                "customs",
                format!("a parcel to {state} needs a declaration, although it crosses no border"),
            ));
        }
    }
    let mut customs_details = Vec::new();
    if let Some(customs) = shared.customs {
        customs.check(shared.weight)?;
        customs_details = details(customs);
        (consignee_address.tax_id, consignee_address.tax_id_type) = tax_id(customs)?;
        check_export(customs)?;
    }
    let imperial = imperial(&shared.sender.address);
    Ok(Parcel {
        pickup: config.pickup.as_str(),
        distribution_center: &config.distribution_center,
        ordered_product_id: product,
        consignee_address,
        return_address,
        package_detail: PackageDetail {
            package_id,
            package_reference: None,
            billing_reference1: None,
            billing_reference2: None,
            service: config.delivery_service.as_deref(),
            service_endorsement: config.endorsement.map(super::config::Endorsement::as_str),
            weight: weight(shared.weight, imperial)?,
            dimension: shared.dimensions.map(|size| dimension(size, imperial)).transpose()?,
            shipping_cost: shipping_cost(config, shared)?,
        },
        customs_details,
    })
}

/// Whether a parcel stays at home although the countries differ.
fn is_home_territory(from: Option<Country>, to: Option<Country>) -> bool {
    from == Some(Country::US) && to.is_some_and(|to| TERRITORIES.contains(&to.as_str()))
}

/// The state of the United States, which some platforms give as a country, when customs sees what
/// goes there.
fn behind_customs_line(
    config: &DhlEcommerceConfig,
    to: &crate::address::Address,
) -> Option<&'static str> {
    let country = to.country?;
    let state = if country == Country::US {
        us_state(&squeezed(to.state.as_deref()?))
    } else if is_home_territory(Some(Country::US), Some(country)) {
        us_state(country.as_str())
    } else {
        None
    };
    state.filter(|state| match &config.customs_states {
        Some(states) => states.iter().any(|known| us_state(known) == Some(*state)),
        None => is_behind_customs_line(state),
    })
}

fn shipping_cost(config: &DhlEcommerceConfig, shared: &Shared<'_>) -> Result<Option<ShippingCost>> {
    let insured = shared.value.filter(|_| config.insure);
    let Some(customs) = shared.customs else {
        return Ok(insured.map(|value| ShippingCost {
            currency: value.currency.to_string(),
            declared_value: None,
            insured_value: Some(Number(value.amount)),
            duties_paid: None,
        }));
    };
    let declared = customs
        .value()
        .map_err(|error| Error::invalid("customs.items.unit_value", error.to_string()))?;
    // There is one currency for all amounts.
    if insured.is_some_and(|value| value.currency != declared.currency) {
        return Err(Error::invalid("value", "must be in the currency of the customs declaration"));
    }
    Ok(Some(ShippingCost {
        currency: declared.currency.to_string(),
        declared_value: Some(Number(declared.amount)),
        insured_value: insured.map(|value| Number(value.amount)),
        duties_paid: Some(customs.duties == DutiesPayer::Sender),
    }))
}

fn details(customs: &CustomsDeclaration) -> Vec<CustomsDetail<'_>> {
    customs
        .items
        .iter()
        .map(|item| CustomsDetail {
            item_description: item.description.trim(),
            country_of_origin: item.origin.to_string(),
            hs_code: item.hs_code.as_deref(),
            packaged_quantity: item.units,
            item_value: Number(item.unit_value.amount),
            currency: item.unit_value.currency.to_string(),
            sku_number: item.sku.as_ref().map(crate::ids::Sku::as_str),
        })
        .collect()
}

/// The one tax number there is a field for.
fn tax_id(customs: &CustomsDeclaration) -> Result<(Option<String>, Option<String>)> {
    match customs.tax_ids.as_slice() {
        [] => Ok((None, None)),
        [only] if only.owner == TaxIdOwner::Recipient => {
            Ok((Some(only.number.as_str().to_owned()), Some(only.kind.clone())))
        }
        _ => Err(Error::unsupported(
            "the carrier has a field for one tax number of the recipient, and for no other",
        )
        .with_field("customs.tax_ids")),
    }
}

/// There is no field for a filing; an exemption needs none.
fn check_export(customs: &CustomsDeclaration) -> Result<()> {
    match &customs.export_reference {
        Some(filing) if !filing.trim().to_ascii_uppercase().starts_with("NOEEI") => {
            Err(Error::unsupported("the carrier has no field for the number of an export filing")
                .with_field("customs.export_reference"))
        }
        _ => Ok(()),
    }
}

// ---- Quotes ----

pub(super) fn quote_body<'a>(
    config: &'a DhlEcommerceConfig,
    request: &'a RateRequest,
) -> Result<QuoteBody<'a>> {
    let shared = Shared {
        sender: &request.sender,
        recipient: &request.recipient,
        weight: request.weight,
        dimensions: request.dimensions,
        value: request.value.as_ref(),
        customs: request.customs.as_deref(),
    };
    Ok(QuoteBody {
        parcel: parcel(config, &shared, QUOTED.to_owned(), None)?,
        rate: RateWish {
            calculate: true,
            currency: config.currency.to_string(),
            rate_date: date(request.mailing_date),
        },
        estimated_delivery_date: EstimateWish {
            calculate: true,
            expected_ship_date: date(request.mailing_date),
        },
    })
}

pub(super) fn quotes(config: &DhlEcommerceConfig, answer: QuoteAnswer) -> Result<Vec<RateQuote>> {
    let params = answer.invalid_params.into_vec();
    if answer.products.is_empty() && !params.is_empty() {
        let mut vendor = VendorDetail::with_status(200);
        vendor.message = words(None, &params);
        vendor.field = params.iter().find_map(super::dialect::InvalidParam::field);
        return Err(
            Error::new(ErrorKind::Rejected, "no product takes the parcel").with_vendor(vendor)
        );
    }
    if answer.products.is_unreadable() {
        return Err(unexpected("no offer of the answer can be read"));
    }
    let quoted_at = config.calls.clock.now();
    let mut quotes = Vec::new();
    for product in answer.products {
        let Some(id) = filled(product.ordered_product_id.as_deref()) else { continue };
        if !config.products.iter().any(|wanted| wanted.as_str() == id) {
            continue;
        }
        // A product without a price is not offered at one.
        let price = product.rate.and_then(|rate| {
            let currency = Currency::new(rate.currency.as_deref()?.trim()).ok()?;
            Some(Money::new(rate.amount.price().read()?, currency))
        });
        let Some(total) = price.filter(|price| price.currency == config.currency) else { continue };
        let estimate = product.estimated_delivery_date.as_ref();
        let latest =
            estimate.and_then(|estimate| day(estimate.estimated_delivery_max.as_deref()?));
        let days =
            estimate.and_then(|estimate| estimate.delivery_days_max.as_deref()?.parse().ok());
        quotes.push(RateQuote {
            name: filled(product.product_name.as_deref()).unwrap_or_else(|| id.clone()),
            service: ServiceKey::new(super::DHL_ECOMMERCE, ServiceCode::new(id)?),
            total,
            deliver_on: latest,
            transit_days: days,
            guaranteed: estimate.is_some_and(|estimate| estimate.is_guaranteed == Some(true)),
            token: Some(total.to_string()),
            quoted_at,
        });
    }
    Ok(quotes)
}

/// What a label costs: the quote's price, since its answer has none.
fn cost(config: &DhlEcommerceConfig, token: Option<&str>) -> LabelCost {
    let quoted = token.and_then(|token| {
        let (amount, currency) = token.split_once(' ')?;
        Some(Money::new(amount.parse().ok()?, Currency::new(currency).ok()?))
    });
    quoted.map_or_else(|| LabelCost::unstated(config.currency), LabelCost::plain)
}

// ---- Labels ----

pub(super) fn format_name(format: &LabelFormat) -> Result<&'static str> {
    match format {
        LabelFormat::Pdf => Ok("PDF"),
        LabelFormat::Png => Ok("PNG"),
        LabelFormat::Zpl => Ok("ZPL"),
        _ => Err(Error::unsupported("the carrier prints labels as PDF, PNG and ZPL")),
    }
}

pub(super) fn label_body<'a>(
    config: &'a DhlEcommerceConfig,
    request: &'a LabelRequest,
    package_id: String,
) -> Result<Parcel<'a>> {
    check_account(request.account.as_ref(), config.account_name.as_ref())?;
    let shared = Shared {
        sender: &request.sender,
        recipient: &request.recipient,
        weight: request.weight,
        dimensions: request.dimensions,
        value: request.value.as_ref(),
        customs: request.customs.as_deref(),
    };
    let mut body = parcel(config, &shared, package_id, Some(request.service.service.as_str()))?;
    let mut references = request.references.iter().enumerate();
    let mut next = || -> Result<Option<&'a str>> {
        match references.next() {
            Some((index, text)) if text.trim().is_empty() || !is_printable(text) => {
                Err(Error::invalid(format!("references[{index}]"), "must be a text to read"))
            }
            next => Ok(next.map(|(_, text)| text.as_str())),
        }
    };
    body.package_detail.package_reference = next()?;
    body.package_detail.billing_reference1 = next()?;
    body.package_detail.billing_reference2 = next()?;
    if next()?.is_some() {
        return Err(Error::invalid("references", "the carrier takes at most three references"));
    }
    Ok(body)
}

/// The label of an answer; `None` when it has none.
pub(super) fn label(
    config: &DhlEcommerceConfig,
    request: &LabelRequest,
    key: IdempotencyKey,
    answer: LabelAnswer,
) -> Result<Option<Label>> {
    let product = filled(answer.ordered_product_id.as_deref());
    let labels = answer.labels.ok_or_else(|| unexpected("the answer says nothing of labels"))?;
    let mut labels = labels.into_vec();
    if labels.is_empty() {
        return Ok(None);
    }
    // The one of this purchase. One that has another id is somebody else's, also where it is the only
    // one.
    let ours = purchase_reference(key);
    let of_purchase =
        labels.iter().position(|label| label.package_id.as_deref().map(str::trim) == Some(&*ours));
    let label = match (of_purchase, labels.as_slice()) {
        (Some(place), _) => labels.swap_remove(place),
        (None, [only]) if filled(only.package_id.as_deref()).is_none() => labels.swap_remove(0),
        _ => return Err(unexpected("the answer holds labels of other purchases only")),
    };
    let own = filled(label.dhl_package_id.as_deref());
    let last_mile = filled(label.tracking_id.as_deref());
    let number = match config.number {
        NumberOfLabel::LastMile => last_mile.or_else(|| own.clone()),
        NumberOfLabel::DhlPackage => own.clone().or(last_mile),
    };
    let number = number.ok_or_else(|| unexpected("the label has no number"))?;
    let documents: Vec<Document> = paper(&label).into_iter().collect();
    let purchased_at = label
        .created_on
        .as_deref()
        .and_then(|at| DateTime::parse_from_rfc3339(at.trim()).ok())
        .map_or_else(|| config.calls.clock.now(), |at| at.to_utc());
    let service = match product {
        Some(product) => ServiceCode::new(product)?,
        None => request.service.service.clone(),
    };
    Ok(Some(Label {
        record: LabelRecord {
            key,
            carrier: super::DHL_ECOMMERCE,
            service,
            number: TrackingNumber::new(number)?,
            carrier_reference: own,
            cost: cost(config, request.token.as_deref()),
            purchased_at,
            mailing_date: Some(request.mailing_date),
            formats: documents.iter().map(|document| document.format.clone()).collect(),
        },
        documents,
    }))
}

fn paper(label: &VendorLabel) -> Option<Document> {
    let data = label.label_data.as_deref().filter(|data| !data.trim().is_empty())?;
    let format = label.format.as_deref().unwrap_or_default();
    let encoding = encoding(label.encode_type.as_deref(), format);
    Some(document(DocumentKind::Label, format, encoding, data))
}

/// What they say it is; where they do not, only ZPL is a text.
fn encoding(said: Option<&str>, format: &str) -> Encoding {
    match said.map_or("", str::trim).to_ascii_uppercase().as_str() {
        "PLAIN" => Encoding::Plain,
        "BASE64" => Encoding::Base64,
        _ if format.trim().eq_ignore_ascii_case("ZPL") => Encoding::Plain,
        _ => Encoding::Base64,
    }
}

// ---- The end of the day ----

/// A manifest that is ready; `None` while it is not.
pub(super) fn closed_day(request_id: &str, answer: ManifestAnswer) -> Result<Option<ClosedDay>> {
    match answer.status.as_deref().map_or("", str::trim) {
        "COMPLETED" => {}
        "CREATED" | "IN_PROGRESS" => return Ok(None),
        other => {
            let status: String = other.chars().take(40).collect();
            return Err(unexpected(format!("the manifest is {status:?}, which is not known")));
        }
    }
    let invalid = answer.manifest_summary.and_then(|summary| summary.invalid);
    let total = invalid.as_ref().and_then(|invalid| invalid.total.as_deref()?.parse().ok());
    let refused: Vec<RefusedParcel> = invalid
        .into_iter()
        .flat_map(|invalid| invalid.dhl_package_ids.into_vec())
        .filter_map(|parcel| {
            Some(RefusedParcel {
                dhl_package_id: filled(parcel.dhl_package_id.as_deref())?,
                code: filled(parcel.error_code.as_deref()),
                reason: filled(parcel.error_description.as_deref()).unwrap_or_default(),
            })
        })
        .collect();
    // More were refused than are named: which ones are on the form cannot be told.
    if total.is_some_and(|total: usize| total > refused.len()) {
        return Err(unexpected("the manifest refuses parcels that it does not name"));
    }
    let documents = answer.manifests.into_vec().iter().map(day_document).collect();
    Ok(Some(ClosedDay { request_id: request_id.to_owned(), documents, refused }))
}

fn day_document(manifest: &VendorManifest) -> DayDocument {
    let data = manifest.manifest_data.as_deref().filter(|data| !data.trim().is_empty());
    DayDocument {
        manifest_id: filled(manifest.manifest_id.as_deref()).unwrap_or_default(),
        international: manifest.is_international.unwrap_or_default(),
        parcels: manifest.total.as_deref().and_then(|total| total.trim().parse().ok()),
        document: data.map(|data| {
            let format = manifest.format.as_deref().unwrap_or("PDF");
            let encoding = encoding(manifest.encode_type.as_deref(), format);
            document(DocumentKind::Manifest, format, encoding, data)
        }),
    }
}
