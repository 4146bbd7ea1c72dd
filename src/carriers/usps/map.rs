//! Theirs to ours and back, explicitly.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::abroad;
use super::address::{self, fit, fit_name, phone_digits};
use super::calls::multipart_of;
use super::catalogue::{
    MAX_WEIGHT, PRIORITY_MAIL_EXPRESS, PRIORITY_MAIL_EXPRESS_INTERNATIONAL, is_international,
    mail_class,
};
use super::config::{PrinterDpi, UspsConfig};
use super::customs;
use super::dialect::plain_text;
use super::multipart::Part;
use super::wire::{
    AddressAnswer, Commitment, ImageInfo, LabelBody, LabelMetadata, LabelPackage, OptionsAnswer,
    OptionsPackage, OptionsRequest, PackageOptions, PaymentAccount, PostalAddress, PricedExtra,
    PricingOption, QuoteToken, Rate, RateOption, Reference, ScanFormMetadata, ScanFormRequest,
    ScanFormShipment, VendorLabel, VendorScanForm,
};
use crate::address::{Address, Contact, Country};
use crate::carriers::account::check_account;
use crate::carriers::amounts::WrittenAmount;
use crate::carriers::fitting::{check_reference, known_size};
use crate::carriers::images::decode_image;
use crate::client::Response;
use crate::client::wire::{Number, Readable};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{IdempotencyKey, ServiceCode, TrackingNumber};
use crate::money::{Currency, Money};
use crate::ports::{AddressCheck, AddressVerdict, Manifest, ManifestRequest};
use crate::shipment::number::without_routing;
use crate::shipment::{
    Charge, Document, DocumentKind, Label, LabelCost, LabelFormat, LabelRecord, LabelRequest,
    RateQuote, RateRequest, ServiceKey,
};
use crate::units::{Dimensions, Grams};

pub(super) use super::track::tracked;

/// Longest customer reference, and how many a label takes.
const REFERENCE_LENGTH: usize = 30;
const REFERENCES: usize = 4;
/// Labels on one SCAN form.
pub(super) const FORM_SIZE: usize = 40_000;

pub(super) fn unexpected(message: &'static str) -> Error {
    Error::new(ErrorKind::UnexpectedAnswer, message)
}

fn usd(amount: Decimal) -> Money {
    Money::new(amount, Currency::USD)
}

/// The wire knows days only in this form.
pub(super) fn day(date: NaiveDate) -> String {
    date.format("%Y-%m-%d").to_string()
}

/// The day at the beginning of a date, an instant or a local time.
pub(super) use crate::carriers::events::day as read_day;

/// Decimal pounds, rounded up so that nothing is declared lighter than it is.
pub(super) fn pounds(weight: Grams) -> Result<Number> {
    if weight == Grams::ZERO {
        return Err(Error::invalid("weight", "the weight is not known"));
    }
    if weight > MAX_WEIGHT {
        return Err(Error::invalid("weight", "the carrier takes at most 70 lb"));
    }
    Ok(Number(weight.to_pounds(4)))
}

pub(super) fn inches(dimensions: Dimensions) -> Result<[Number; 3]> {
    let Dimensions { length, width, height, .. } = known_size(dimensions)?;
    Ok([length, width, height].map(|side| Number(side.to_inches(2))))
}

pub(super) fn dollars(value: Option<&Money>) -> Result<Option<Number>> {
    match value {
        None => Ok(None),
        Some(money) if money.currency == Currency::USD => Ok(Some(Number(money.amount))),
        Some(_) => Err(Error::invalid("value", "the carrier wants the value in USD")),
    }
}

// ---- Quotes ----

pub(super) fn no_size() -> Error {
    Error::invalid("dimensions", "the carrier wants the size of the parcel")
}

pub(super) fn pricing(config: &UspsConfig) -> PricingOption<'_> {
    PricingOption {
        price_type: config.price_type.as_str(),
        payment_account: PaymentAccount {
            account_type: config.account_type.as_str(),
            account_number: config.account_number.as_str(),
        },
    }
}

pub(super) fn options_request<'a>(
    config: &'a UspsConfig,
    request: &RateRequest,
) -> Result<OptionsRequest<'a>> {
    let (origin, _) = address::zip("sender", &request.sender.address)?;
    let (destination, _) = address::zip("recipient", &request.recipient.address)?;
    let dimensions = request.dimensions.ok_or_else(no_size)?;
    let [length, width, height] = inches(dimensions)?;
    // The value prices extra services only; without them it may be in any currency.
    let package_value =
        if config.extra_services.is_empty() { None } else { dollars(request.value.as_ref())? };
    Ok(OptionsRequest {
        pricing_options: [pricing(config)],
        origin_zip_code: origin,
        destination_zip_code: destination,
        package_description: OptionsPackage {
            weight: pounds(request.weight)?,
            length,
            width,
            height,
            mail_class: "ALL_OUTBOUND",
            extra_services: &config.extra_services,
            package_value,
            mailing_date: day(request.mailing_date),
        },
    })
}

/// How well a rate suits a parcel in the sender's own packaging; `None` not at all. Flat-rate and
/// cubic prices hold only for a parcel packed that way, however cheap they are.
fn own_packaging(mail_class: &str, rate_indicator: &str) -> Option<u8> {
    match (mail_class, rate_indicator) {
        (PRIORITY_MAIL_EXPRESS, "PA") => Some(0),
        (PRIORITY_MAIL_EXPRESS, _) => None,
        (PRIORITY_MAIL_EXPRESS_INTERNATIONAL, "PA") => Some(0),
        (_, "SP") => Some(0),
        // Dimensional and oversized prices of a large parcel.
        (_, "DR" | "DN" | "OS") => Some(1),
        _ => None,
    }
}

/// Prices for parcels that enter the mail where they are. The other ones are for those who bring
/// them to a facility of the carrier; whether the price for an international service centre holds
/// elsewhere is not documented, so it is second best.
fn enters_anywhere(rate: &Rate) -> bool {
    rate.destination_entry_facility_type.as_deref().is_none_or(|facility| facility == "NONE")
}

pub(super) fn quotes(config: &UspsConfig, answer: OptionsAnswer) -> Result<Vec<RateQuote>> {
    if answer.pricing_options.is_unreadable() {
        return Err(unexpected("no offer of the answer can be read"));
    }
    let quoted_at = config.calls.clock.now();
    let wanted: Vec<String> = config.services.iter().map(mail_class).collect();
    let mut best: Vec<(String, (u8, Decimal), RateQuote)> = Vec::new();
    let options = answer.pricing_options.into_iter().flat_map(|priced| priced.shipping_options);
    for option in options {
        for offer in option.rate_options {
            let Some(rate) = offer.rates.first() else { continue };
            let Some(class) = rate.mail_class.as_ref().or(option.mail_class.as_ref()) else {
                continue;
            };
            if !wanted.contains(class) {
                continue;
            }
            let abroad = is_international(class);
            let extras =
                if abroad { &config.extra_services_abroad } else { &config.extra_services };
            let (Some(indicator), Some(total)) =
                (&rate.rate_indicator, total(extras, &offer).price().read())
            else {
                continue;
            };
            let Some(suits) = own_packaging(class, indicator) else { continue };
            let elsewhere = abroad && !enters_anywhere(rate);
            let rank = (suits + 2 * u8::from(elsewhere), total);
            let quote = quote(class, rate, &offer, total, quoted_at)?;
            match best.iter_mut().find(|(known, ..)| known == class) {
                Some(known) if rank < known.1 => *known = (class.clone(), rank, quote),
                Some(_) => {}
                None => best.push((class.clone(), rank, quote)),
            }
        }
    }
    Ok(best.into_iter().map(|(_, _, quote)| quote).collect())
}

/// What the parcel costs in all. Extra services count only if they were asked for: otherwise all
/// there are may be listed.
fn total(extras: &[u16], offer: &RateOption) -> WrittenAmount {
    let (base, whole) = (offer.total_base_price, offer.total_price);
    match if extras.is_empty() { (base, whole) } else { (whole, base) } {
        (WrittenAmount::Missing, other) => other,
        (counts, _) => counts,
    }
}

fn quote(
    class: &str,
    rate: &Rate,
    offer: &RateOption,
    total: Decimal,
    quoted_at: chrono::DateTime<chrono::Utc>,
) -> Result<RateQuote> {
    let token = QuoteToken {
        mail_class: class.to_owned(),
        processing_category: rate
            .processing_category
            .clone()
            .unwrap_or_else(|| "MACHINABLE".to_owned()),
        rate_indicator: rate.rate_indicator.clone().unwrap_or_default(),
        destination_entry_facility_type: rate
            .destination_entry_facility_type
            .clone()
            .unwrap_or_else(|| "NONE".to_owned()),
        sku: rate.sku.clone(),
    };
    let token = serde_json::to_string(&token)
        .map_err(|error| unexpected("the offer cannot be kept").with_source(error))?;
    let name = [&rate.product_name, &rate.description]
        .into_iter()
        .flatten()
        .map(|name| plain_text(name).into_owned())
        .find(|name| !name.is_empty())
        .unwrap_or_else(|| class.to_owned());
    let (deliver_on, transit_days, guaranteed) =
        offer.commitment.as_ref().map_or((None, None, false), commitment);
    Ok(RateQuote {
        service: ServiceKey::new(super::USPS, ServiceCode::new(class)?),
        name,
        total: usd(total),
        deliver_on,
        transit_days,
        guaranteed,
        token: Some(token),
        quoted_at,
    })
}

/// Day, days on the way ("3 Days", "1-Day") and guarantee of a commitment.
fn commitment(commitment: &Commitment) -> (Option<NaiveDate>, Option<u32>, bool) {
    let on = commitment
        .expected_delivery_date
        .as_deref()
        .and_then(read_day)
        .or_else(|| commitment.schedule_delivery_date.as_deref().and_then(read_day));
    let days = commitment.name.as_deref().and_then(|name| {
        let name = name.trim_start();
        let end = name.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(name.len());
        name.get(..end)?.parse().ok()
    });
    (on, days, commitment.guaranteed_delivery.unwrap_or(false))
}

// ---- Addresses ----

/// Mail is not delivered on these routes although the address exists.
const PHANTOM_ROUTES: [&str; 2] = ["R777", "R779"];

pub(super) fn address_check(asked: &Address, answer: AddressAnswer) -> AddressCheck {
    let info = answer.additional_info.as_ref();
    let said = |value: Option<&String>, expected: &str| {
        value.is_some_and(|value| value.trim().eq_ignore_ascii_case(expected))
    };
    let dpv = info.and_then(|info| info.dpv_confirmation.as_deref()).map(str::trim);
    let vacant = said(info.and_then(|info| info.vacant.as_ref()), "Y");
    let phantom = info
        .and_then(|info| info.carrier_route.as_deref())
        .is_some_and(|route| PHANTOM_ROUTES.contains(&route.trim()));
    let corrected = |code: &str| {
        answer.corrections.iter().any(|remark| remark.code.as_deref().map(str::trim) == Some(code))
    };
    let verdict = match dpv {
        _ if vacant || phantom => AddressVerdict::Undeliverable,
        _ if corrected("22") => AddressVerdict::Ambiguous,
        Some("Y" | "D" | "S") if corrected("32") => AddressVerdict::UnitMissing,
        Some("Y") => AddressVerdict::Deliverable,
        Some("D" | "S") => AddressVerdict::UnitMissing,
        None if corrected("32") => AddressVerdict::UnitMissing,
        // Not confirmed, and whatever letters may come: unknown is not success.
        _ => AddressVerdict::Undeliverable,
    };
    let residential = info.and_then(|info| match info.business.as_deref().map(str::trim) {
        Some("N") => Some(true),
        Some("Y") => Some(false),
        _ => None,
    });
    let mut remarks: Vec<String> = answer
        .corrections
        .iter()
        .chain(&answer.matches)
        // The official sample has an entry of two empty texts.
        .filter_map(|remark| remark.text.as_deref())
        .chain(answer.warnings.iter().filter_map(serde_json::Value::as_str))
        .map(|text| plain_text(text).into_owned())
        .filter(|text| !text.is_empty())
        .collect();
    if vacant {
        remarks.push("the building is vacant".to_owned());
    }
    if phantom {
        remarks.push("mail is not delivered on this route: ask the buyer where it goes".to_owned());
    }
    let standardized = answer.address.and_then(|standard| {
        let text = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let zip5 = text(standard.zip_code).map(|zip| format!("{zip:0>5}"));
        let postal_code = match (zip5, text(standard.zip_plus4)) {
            (Some(zip5), Some(plus4)) => Some(format!("{zip5}-{plus4:0>4}")),
            (zip5, _) => zip5,
        };
        Some(Address {
            lines: [Some(text(standard.street_address)?), text(standard.secondary_address)]
                .into_iter()
                .flatten()
                .map(Into::into)
                .collect(),
            city: text(standard.city)?,
            state: text(standard.state),
            postal_code,
            country: asked.country.or(Some(Country::US)),
            residential,
        })
    });
    AddressCheck { verdict, standardized, residential, remarks }
}

/// What an address error means: the question was understood, the answer is no.
pub(super) fn address_refused(error: &Error) -> Option<AddressCheck> {
    let vendor = error.vendor()?;
    let verdict = match vendor.code.as_deref()? {
        "010001" | "010002" | "010003" | "010004" | "010005" => AddressVerdict::Undeliverable,
        "010006" => AddressVerdict::Ambiguous,
        _ => return None,
    };
    let remarks = vec![error.message().to_owned()];
    Some(AddressCheck { verdict, standardized: None, residential: None, remarks })
}

// ---- Labels ----

/// A purchase as it is sent, domestic or not.
#[derive(serde::Serialize)]
#[serde(untagged)]
pub(super) enum Purchase<'a> {
    Domestic(Box<LabelBody<'a>>),
    Abroad(Box<abroad::LabelBody<'a>>),
}

pub(super) fn postal_address(role: &str, contact: &Contact) -> Result<PostalAddress> {
    let name = fit_name(role, contact)?;
    let fitted = fit(role, &contact.address)?;
    Ok(PostalAddress {
        first_name: name.first,
        last_name: name.last,
        firm: name.firm,
        street_address: fitted.street,
        secondary_address: fitted.secondary,
        city: fitted.city,
        state: fitted.state,
        zip_code: fitted.zip5,
        zip_plus4: fitted.plus4,
        phone: phone_digits(contact.phone.as_ref()),
    })
}

pub(super) fn image_info(
    config: &UspsConfig,
    format: &LabelFormat,
    with_receipt: bool,
) -> Result<ImageInfo> {
    let (image_type, language) = match format {
        LabelFormat::Pdf => ("PDF", false),
        LabelFormat::Png => ("PNG", false),
        LabelFormat::Zpl => match config.dpi {
            PrinterDpi::Dpi203 => ("ZPL203DPI", true),
            PrinterDpi::Dpi300 => ("ZPL300DPI", true),
        },
        LabelFormat::Epl => ("EPL300DPI", true),
        LabelFormat::Other(name) => {
            let known = ["TIFF", "JPG", "GIF", "SVG"];
            let name = known.into_iter().find(|known| name.eq_ignore_ascii_case(known));
            (name.ok_or_else(|| Error::unsupported("the carrier has no such label format"))?, false)
        }
    };
    // A receipt on the same page is refused for printer languages.
    let receipt = if config.receipts && !language { "SEPARATE_PAGE" } else { "NONE" };
    Ok(ImageInfo {
        image_type,
        label_type: "4X6LABEL",
        receipt_option: with_receipt.then_some(receipt),
    })
}

fn dpi(config: &UspsConfig, format: &LabelFormat) -> Option<u16> {
    match (format, config.dpi) {
        (LabelFormat::Zpl, PrinterDpi::Dpi203) => Some(203),
        (LabelFormat::Zpl, PrinterDpi::Dpi300) | (LabelFormat::Epl, _) => Some(300),
        _ => None,
    }
}

/// Whether machines can sort it: 6 x 3 x 1/4 in to 22 x 18 x 15 in and at most 25 lb. A quote
/// knows better; this is for labels bought without one.
fn machinable(weight: Grams, dimensions: Option<Dimensions>) -> bool {
    let fits = dimensions.is_none_or(|size| {
        (153..=558).contains(&size.length.get())
            && (77..=457).contains(&size.width.get())
            && (7..=381).contains(&size.height.get())
    });
    fits && weight.get() <= 11_339
}

fn offer_of(request: &LabelRequest) -> Result<QuoteToken> {
    let class = mail_class(&request.service.service);
    let Some(token) = &request.token else {
        return Ok(QuoteToken {
            rate_indicator: if class == PRIORITY_MAIL_EXPRESS {
                "PA"
            } else {
                abroad::own_packaging(&class)
            }
            .to_owned(),
            processing_category: if machinable(request.weight, request.dimensions) {
                "MACHINABLE"
            } else {
                "NONSTANDARD"
            }
            .to_owned(),
            destination_entry_facility_type: "NONE".to_owned(),
            sku: None,
            mail_class: class,
        });
    };
    let offer: QuoteToken = serde_json::from_str(token)
        .map_err(|_| Error::invalid("token", "is not a token of this carrier's quotes"))?;
    if offer.mail_class != class {
        return Err(Error::invalid("token", "is of a quote for another service"));
    }
    Ok(offer)
}

pub(super) fn purchase<'a>(
    config: &'a UspsConfig,
    request: &'a LabelRequest,
) -> Result<Purchase<'a>> {
    check_account(request.account.as_ref(), config.account_name.as_ref())?;
    let abroad = abroad::check_service(request)?;
    let form = customs::form(config, request)?;
    let most = if form.is_some() { abroad::REFERENCES } else { REFERENCES };
    if request.references.len() > most {
        let words = format!("the carrier takes at most {most} references for this parcel");
        return Err(Error::invalid("references", words));
    }
    for (index, reference) in request.references.iter().enumerate() {
        check_reference(index, reference, REFERENCE_LENGTH)?;
    }
    let mut from_address = postal_address("sender", &request.sender)?;
    if form.is_some() {
        abroad::check_format(&request.format)?;
        from_address = abroad::with_firm(from_address)?;
    }
    let image_info = image_info(config, &request.format, !abroad)?;
    let package_description = label_package(config, request, abroad)?;
    Ok(match form {
        Some(customs_form) if abroad => Purchase::Abroad(Box::new(abroad::LabelBody {
            image_info,
            to_address: abroad::foreign_address("recipient", &request.recipient)?,
            from_address,
            package_description,
            customs_form,
        })),
        customs_form => Purchase::Domestic(Box::new(LabelBody {
            image_info,
            to_address: postal_address("recipient", &request.recipient)?,
            from_address,
            package_description,
            customs_form,
        })),
    })
}

fn label_package<'a>(
    config: &'a UspsConfig,
    request: &'a LabelRequest,
    abroad: bool,
) -> Result<LabelPackage<'a>> {
    let offer = offer_of(request)?;
    let sides = request.dimensions.map(inches).transpose()?;
    if abroad && sides.is_none() {
        return Err(no_size());
    }
    let extra_services: &[u16] =
        if abroad { &config.extra_services_abroad } else { &config.extra_services };
    let package_value =
        if extra_services.is_empty() { None } else { dollars(request.value.as_ref())? };
    Ok(LabelPackage {
        weight_uom: "lb",
        weight: pounds(request.weight)?,
        dimensions_uom: sides.map(|_| "in"),
        length: sides.map(|[length, _, _]| length),
        width: sides.map(|[_, width, _]| width),
        height: sides.map(|[_, _, height]| height),
        mail_class: offer.mail_class,
        processing_category: offer.processing_category,
        destination_entry_facility_type: offer.destination_entry_facility_type,
        rate_indicator: offer.rate_indicator,
        mailing_date: day(request.mailing_date),
        extra_services,
        customer_reference: request
            .references
            .iter()
            .map(|reference| Reference {
                reference_number: reference,
                print_reference_number: (!abroad).then_some(true),
            })
            .collect(),
        package_options: package_value.map(|package_value| PackageOptions { package_value }),
    })
}

/// Facts and images of a label answer, whichever form it came in.
struct LabelParts {
    metadata: LabelMetadata,
    images: Vec<(DocumentKind, Vec<u8>)>,
}

pub(super) fn label(
    config: &UspsConfig,
    request: &LabelRequest,
    key: IdempotencyKey,
    response: &Response,
) -> Result<Label> {
    let LabelParts { metadata, images } = match multipart_of(response) {
        Some(parts) => multipart_label(response, &parts)?,
        None => vendor_label(response)?,
    };
    let number = [metadata.international_tracking_number, metadata.tracking_number]
        .into_iter()
        .flatten()
        .find(|number| !number.trim().is_empty())
        .ok_or_else(|| unexpected("the label has no tracking number"))?;
    if metadata.postage == WrittenAmount::Missing {
        return Err(unexpected("the label has no postage"));
    }
    let documents: Vec<Document> = images
        .into_iter()
        .map(|(kind, bytes)| Document {
            dpi: dpi(config, &request.format),
            ..Document::new(kind, request.format.clone(), bytes)
        })
        .collect();
    Ok(Label {
        record: LabelRecord {
            key,
            carrier: super::USPS,
            service: ServiceCode::new(mail_class(&request.service.service))?,
            // Whatever its check digit: the carrier's own number is never refused.
            number: TrackingNumber::new(without_routing(&number).1)?,
            carrier_reference: None,
            cost: cost(metadata.postage, metadata.fees, metadata.extra_services),
            purchased_at: config.calls.clock.now(),
            mailing_date: metadata
                .mailing_date
                .as_deref()
                .and_then(read_day)
                .or(Some(request.mailing_date)),
            formats: documents.iter().map(|document| document.format.clone()).collect(),
        },
        documents,
    })
}

/// What a label costs. Where a part of it cannot be read, the whole is not known, and the label stands.
fn cost(
    postage: WrittenAmount,
    fees: Readable<PricedExtra>,
    extras: Readable<PricedExtra>,
) -> LabelCost {
    let Some(postage) = postage.read().filter(|_| fees.unreadable() + extras.unreadable() == 0)
    else {
        return LabelCost::unstated(Currency::USD);
    };
    let charges = |extras: Readable<PricedExtra>| {
        extras
            .into_iter()
            .map(|extra| Charge {
                name: plain_text(extra.name.as_deref().unwrap_or_default()).into_owned(),
                amount: usd(extra.price),
            })
            .collect::<Vec<_>>()
    };
    LabelCost {
        postage: usd(postage),
        fees: charges(fees),
        extras: charges(extras),
        unstated: false,
    }
}

fn image(kind: DocumentKind, text: &[u8]) -> Result<(DocumentKind, Vec<u8>)> {
    decode_image(text)
        .map(|bytes| (kind, bytes))
        .ok_or_else(|| unexpected("an image is not Base64"))
}

fn multipart_label(response: &Response, parts: &[Part<'_>]) -> Result<LabelParts> {
    let mut metadata = None;
    let mut images = Vec::new();
    for part in parts {
        match part.name {
            "labelMetadata" => metadata = Some(part_json(response, part)?),
            "labelImage" => images.push(image(DocumentKind::Label, part.body)?),
            "receiptImage" => images.push(image(DocumentKind::Receipt, part.body)?),
            "returnLabelImage" => images.push(image(DocumentKind::ReturnLabel, part.body)?),
            // The names are not reliable in all answers; the first JSON is the metadata.
            name if part.is_json() && metadata.is_none() && !name.starts_with("return") => {
                metadata = Some(part_json(response, part)?);
            }
            _ => {}
        }
    }
    let metadata = metadata.ok_or_else(|| unexpected("the answer has no label metadata"))?;
    Ok(LabelParts { metadata, images })
}

/// Decodes a JSON part with the errors of a whole answer.
fn part_json<T: serde::de::DeserializeOwned>(response: &Response, part: &Part<'_>) -> Result<T> {
    Response {
        status: response.status,
        headers: http::HeaderMap::new(),
        body: bytes::Bytes::copy_from_slice(part.body),
    }
    .json()
}

fn vendor_label(response: &Response) -> Result<LabelParts> {
    let vendor: VendorLabel = response.json()?;
    let returned = vendor
        .return_label_image
        .or_else(|| vendor.return_label.and_then(|label| label.return_label_image));
    let images = [
        (DocumentKind::Label, vendor.label_image),
        (DocumentKind::Receipt, vendor.receipt_image),
        (DocumentKind::ReturnLabel, returned),
    ]
    .into_iter()
    .filter_map(|(kind, text)| Some((kind, text.filter(|text| !text.is_empty())?)))
    .map(|(kind, text)| image(kind, text.as_bytes()))
    .collect::<Result<Vec<_>>>()?;
    // Purchases have the metadata at the top, reprints one level down.
    let metadata = match vendor.label_metadata {
        Some(metadata) => metadata,
        None => response.json()?,
    };
    Ok(LabelParts { metadata, images })
}

// ---- SCAN forms ----

pub(super) fn scan_form_request(request: &ManifestRequest) -> Result<ScanFormRequest<'_>> {
    if request.numbers.is_empty() || request.numbers.len() > FORM_SIZE {
        return Err(Error::invalid("numbers", "a form takes 1 to 40000 labels"));
    }
    let from_address = PostalAddress { phone: None, ..postal_address("sender", &request.sender)? };
    Ok(ScanFormRequest {
        image_info: ImageInfo {
            image_type: "PDF",
            label_type: "8.5X11LABEL",
            receipt_option: None,
        },
        mailing_date: day(request.mailing_date),
        overwrite_mailing_date: false,
        entry_facility_zip_code: from_address.zip_code.clone(),
        destination_entry_facility_type: "NONE",
        shipment: ScanFormShipment {
            tracking_numbers: request.numbers.iter().map(TrackingNumber::as_str).collect(),
        },
        from_address,
    })
}

/// The label of a list that a refusal names as closed: "has manifested" (160398), or "is already part of
/// another SCAN Form" (160040).
pub(super) fn closed_before(refused: &Error, asked: &[TrackingNumber]) -> Option<TrackingNumber> {
    let vendor = refused.vendor()?;
    if !matches!(vendor.code.as_deref(), Some("160398" | "160040")) {
        return None;
    }
    let words = vendor.message.as_deref()?;
    asked.iter().find(|number| words.contains(&without_routing(number.as_str()).1)).cloned()
}

pub(super) fn manifest(asked: &[TrackingNumber], response: &Response) -> Result<Manifest> {
    let (metadata, form) = match multipart_of(response) {
        Some(parts) => {
            let metadata = parts
                .iter()
                .find(|part| part.is_json())
                .ok_or_else(|| unexpected("the answer has no form metadata"))?;
            let metadata: ScanFormMetadata = part_json(response, metadata)?;
            // Named SCANFormImage by the specification, "label" in captures.
            let form = parts.iter().find(|part| !part.is_json() && !part.body.is_empty());
            (metadata, form.map(|part| part.body.to_vec()))
        }
        None => {
            let vendor: VendorScanForm = response.json()?;
            let metadata = match vendor.metadata {
                Some(metadata) => metadata,
                None => response.json()?,
            };
            (metadata, vendor.image.map(String::into_bytes))
        }
    };
    let number = metadata
        .manifest_number
        .filter(|number| !number.trim().is_empty())
        .ok_or_else(|| unexpected("the form has no number"))?;
    let labels = if metadata.tracking_numbers.is_empty() {
        asked.to_vec()
    } else {
        metadata
            .tracking_numbers
            .into_iter()
            .map(|number| Ok(TrackingNumber::new(without_routing(&number).1)?))
            .collect::<Result<_>>()?
    };
    let mut documents = Vec::new();
    if let Some(text) = form {
        let (kind, bytes) = image(DocumentKind::Manifest, &text)?;
        documents.push(Document::new(kind, LabelFormat::Pdf, bytes));
    }
    Ok(Manifest { number, labels, documents })
}
