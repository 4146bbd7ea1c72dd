//! Theirs to ours and back, explicitly.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone as _};
use rust_decimal::Decimal;

use super::catalogue::MAX_WEIGHT;
use super::config::DhlExpressConfig;
use super::customs::{
    declarable, description, export_declaration, invoice_type, registrations, total,
};
use super::wire::{
    Account, AddressAnswer, Amount, ContactInformation, Content, EstimateWish, ImageOption,
    Instruction, Output, Package, Paper, Parties, Party, PickupAnswer, PickupBody, PickupShipment,
    PickupWish, PostalAddress, Price, RateAnswer, RateBody, Reference, ShipmentAnswer,
    ShipmentBody, Size, ValueAddedService, Wish,
};
use crate::address::{Address, Contact};
use crate::carriers::account::check_account;
use crate::carriers::dhl::shared::{
    country, document, kilograms, known_weight, names, phone, postal_code, state,
};
use crate::carriers::events::day;
use crate::carriers::fitting::{
    fit_lines, fit_text, is_printable, known_size, misfit, printable_address, squeezed,
    within_the_states,
};
use crate::carriers::images::Encoding;
use crate::client::wire::{Number, filled, unexpected};
use crate::error::{Error, Result};
use crate::ids::{IdempotencyKey, ServiceCode, TrackingNumber};
use crate::money::{Currency, Money};
use crate::order::AddressProblem;
use crate::ports::{
    AddressCheck, AddressVerdict, Pickup, PickupRequest, Piece, Pieces, PiecesRequest,
};
use crate::shipment::{
    CustomsDeclaration, Document, DocumentKind, DutiesPayer, Label, LabelCost, LabelFormat,
    LabelRecord, LabelRequest, RateQuote, RateRequest, ServiceKey, TaxIdOwner,
};
use crate::units::{Dimensions, Grams};

/// "maxLength": 45 for street lines and cities, 100 for firms, 255 for names, 35 for references, 12 for
/// postal codes (official specification).
pub(super) const LINE_LENGTH: usize = 45;
pub(super) const LINES: usize = 3;
pub(super) const COMPANY_LENGTH: usize = 100;
const NAME_LENGTH: usize = 255;
const REFERENCE_LENGTH: usize = 35;
const POSTCODE_LENGTH: usize = 12;
/// "maxItems": 999.
pub(super) const MOST: usize = 999;

// ---- Addresses, times and measures ----

fn check_masked(role: &str, address: &Address) -> Result<()> {
    if address.is_masked() {
        return Err(misfit(role, "address", AddressProblem::Masked));
    }
    Ok(())
}

/// A place as quotes want it: without street.
fn place(role: &str, address: &Address) -> Result<PostalAddress> {
    check_masked(role, address)?;
    printable_address(role, address)?;
    within_the_states(role, address)?;
    let country = country(role, address)?;
    Ok(PostalAddress {
        // Required, and empty where there are none.
        postal_code: postal_code(role, address, country, POSTCODE_LENGTH)?.unwrap_or_default(),
        city_name: fit_text(role, "address.city", &address.city, LINE_LENGTH)?,
        country_code: country.to_string(),
        province_code: state(role, address, country)?
            .filter(|state| (2..=35).contains(&state.chars().count())),
        address_line1: None,
        address_line2: None,
        address_line3: None,
    })
}

fn party(config: &DhlExpressConfig, role: &str, contact: &Contact) -> Result<Party> {
    let (name, company) = names(role, contact, (NAME_LENGTH, COMPANY_LENGTH))?;
    let mut lines = fit_lines(role, &contact.address, LINES, LINE_LENGTH)?.into_iter();
    let mut postal_address = place(role, &contact.address)?;
    postal_address.address_line1 = lines.next();
    postal_address.address_line2 = lines.next();
    postal_address.address_line3 = lines.next();
    // Both are required: who has no firm is one.
    let company_name = company.clone().or_else(|| name.clone()).unwrap_or_default();
    if company_name.chars().count() > COMPANY_LENGTH {
        return Err(misfit(role, "name", AddressProblem::TooLong));
    }
    let phone = phone(contact, config.fallback_phone.as_ref())
        .ok_or_else(|| misfit(role, "phone", AddressProblem::Incomplete))?;
    let email = contact.email.as_ref().and_then(|email| filled(Some(email.as_str())));
    Ok(Party {
        postal_address,
        contact_information: ContactInformation {
            email: email.filter(|email| email.chars().count() <= 70),
            phone,
            company_name,
            full_name: name.or(company).unwrap_or_default(),
        },
        registration_numbers: Vec::new(),
    })
}

/// A local time with its offset glued on, which is no RFC 3339.
fn stamp(config: &DhlExpressConfig, local: NaiveDateTime) -> Result<String> {
    let now = config.calls.clock.now();
    let planned = config.zone.from_local_datetime(&local).earliest().unwrap_or_else(
        // The hour that summer time leaves out.
        || config.zone.from_utc_datetime(&local),
    );
    let soonest = (now + TimeDelta::minutes(10)).with_timezone(&config.zone);
    let at = if planned >= soonest {
        planned
    } else if local.date() == soonest.date_naive() {
        soonest
    } else {
        return Err(Error::invalid("mailing_date", "is in the past"));
    };
    if at.signed_duration_since(now) > TimeDelta::days(10) {
        return Err(Error::invalid("mailing_date", "is more than 10 days ahead"));
    }
    Ok(at.format("%Y-%m-%dT%H:%M:%SGMT%:z").to_string())
}

fn planned(config: &DhlExpressConfig, on: NaiveDate) -> Result<String> {
    stamp(config, on.and_time(config.ready_at))
}

/// Everything is metric: grams are kilograms to the last digit, and millimetres centimetres.
const UNITS: &str = "metric";

fn package(weight: Grams, dimensions: Option<Dimensions>) -> Result<Package> {
    let side = |side: crate::units::Millimetres| Number(Decimal::new(i64::from(side.get()), 1));
    let dimensions = dimensions.map(known_size).transpose()?;
    Ok(Package {
        weight: Number(kilograms(known_weight(weight, MAX_WEIGHT)?, 3)),
        dimensions: dimensions.map(|size| Size {
            length: side(size.length),
            width: side(size.width),
            height: side(size.height),
        }),
        customer_references: Vec::new(),
        reference_number: None,
    })
}

fn accounts<'a>(
    config: &'a DhlExpressConfig,
    customs: Option<&CustomsDeclaration>,
) -> Vec<Account<'a>> {
    let shipper = config.account_number.as_str();
    let mut accounts = vec![Account { type_code: "shipper", number: shipper }];
    if customs.is_some_and(|customs| customs.duties == DutiesPayer::Sender) {
        let duties = config.duties_account.as_ref().map_or(shipper, |number| number.as_str());
        accounts.push(Account { type_code: "duties-taxes", number: duties });
    }
    accounts
}

fn extra_services(
    config: &DhlExpressConfig,
    value: Option<&Money>,
    customs: Option<&CustomsDeclaration>,
) -> Vec<ValueAddedService> {
    let plain = |code| ValueAddedService { service_code: code, value: None, currency: None };
    let mut services = Vec::new();
    if let Some(value) = value.filter(|_| config.insure) {
        services.push(ValueAddedService {
            service_code: "II",
            value: Some(Number(value.amount)),
            currency: Some(value.currency.to_string()),
        });
    }
    if let Some(customs) = customs {
        if config.paperless {
            services.push(plain("WY"));
        }
        if customs.duties == DutiesPayer::Sender {
            services.push(plain("DD"));
        }
    }
    services
}

// ---- Quotes ----

pub(super) fn rate_body<'a>(
    config: &'a DhlExpressConfig,
    request: &RateRequest,
) -> Result<RateBody<'a>> {
    let customs = declarable(&request.sender, &request.recipient, request.customs.as_deref())?;
    let mut monetary_amount = Vec::new();
    if let Some(customs) = customs {
        let value = total(customs)?;
        monetary_amount.push(Amount {
            type_code: "declaredValue",
            value: Number(value.amount),
            currency: value.currency.to_string(),
        });
    }
    Ok(RateBody {
        customer_details: Parties {
            shipper_details: place("sender", &request.sender.address)?,
            receiver_details: Some(place("recipient", &request.recipient.address)?),
        },
        accounts: accounts(config, None),
        planned_shipping_date_and_time: planned(config, request.mailing_date)?,
        unit_of_measurement: UNITS,
        is_customs_declarable: customs.is_some(),
        value_added_services: extra_services(config, request.value.as_ref(), customs),
        monetary_amount,
        // With the time customs needs.
        estimated_delivery_date: EstimateWish { is_requested: true, type_code: "QDDC" },
        packages: vec![package(request.weight, request.dimensions)?],
    })
}

/// The price in the currency the account is billed in. The others are lists and bases, and may be
/// zero without a currency; zero is no price.
fn billed(prices: &[Price]) -> Option<Money> {
    let price = prices.iter().find(|price| price.currency_type.as_deref() == Some("BILLC"))?;
    let currency = Currency::new(price.price_currency.as_deref()?.trim()).ok()?;
    Some(Money::new(price.price.price().read()?, currency))
}

pub(super) fn quotes(config: &DhlExpressConfig, answer: RateAnswer) -> Result<Vec<RateQuote>> {
    if answer.products.is_unreadable() {
        return Err(unexpected("no offer of the answer can be read"));
    }
    let quoted_at = config.calls.clock.now();
    let listed = |list: &[ServiceCode], code: &str| list.iter().any(|known| known.as_str() == code);
    let mut quotes: Vec<RateQuote> = Vec::new();
    for product in answer.products {
        let Some(code) = filled(product.product_code.as_deref()) else { continue };
        let agreed =
            product.is_customer_agreement != Some(true) || listed(&config.agreements, &code);
        if !agreed || !listed(&config.products, &code) {
            continue;
        }
        let Some(total) = billed(&product.total_price) else { continue };
        // Quotes that cannot be compared are none.
        let currency = config.currency.or_else(|| quotes.first().map(|first| first.total.currency));
        if currency.is_some_and(|currency| currency != total.currency) {
            continue;
        }
        let delivery = product.delivery_capabilities.as_ref();
        quotes.push(RateQuote {
            name: filled(product.product_name.as_deref()).unwrap_or_else(|| code.clone()),
            service: ServiceKey::new(super::DHL_EXPRESS, ServiceCode::new(code)?),
            total,
            deliver_on: delivery
                .and_then(|delivery| day(delivery.estimated_delivery_date_and_time.as_deref()?)),
            transit_days: delivery
                .and_then(|delivery| delivery.total_transit_days.as_deref()?.trim().parse().ok()),
            guaranteed: false,
            // Inside a country products have a second code, which the purchase must repeat.
            token: filled(product.local_product_code.as_deref()),
            quoted_at,
        });
    }
    Ok(quotes)
}

// ---- Shipments ----

fn encoding_format(format: &LabelFormat) -> Result<&'static str> {
    match format {
        LabelFormat::Pdf => Ok("pdf"),
        LabelFormat::Zpl => Ok("zpl"),
        LabelFormat::Epl => Ok("epl"),
        _ => Err(Error::unsupported("the carrier prints labels as PDF, ZPL and EPL")),
    }
}

fn references(field: &str, texts: &[String]) -> Result<Vec<Reference>> {
    texts
        .iter()
        .enumerate()
        .map(|(index, text)| {
            let value = text.trim();
            if !(1..=REFERENCE_LENGTH).contains(&value.chars().count()) || !is_printable(value) {
                let message = "a reference has 1 to 35 characters that can be printed";
                return Err(Error::invalid(format!("{field}[{index}]"), message));
            }
            Ok(Reference { value: value.to_owned(), type_code: "CU" })
        })
        .collect()
}

/// What a shipment is made of: one parcel, or several.
pub(super) fn shipment_body<'a>(
    config: &'a DhlExpressConfig,
    request: &'a LabelRequest,
    pieces: Option<&[Piece]>,
    purchase: String,
) -> Result<ShipmentBody<'a>> {
    check_account(request.account.as_ref(), config.account_name.as_ref())?;
    let format = encoding_format(&request.format)?;
    let customs = declarable(&request.sender, &request.recipient, request.customs.as_deref())?;
    let mut shipper = party(config, "sender", &request.sender)?;
    let mut receiver = party(config, "recipient", &request.recipient)?;
    let packages = packages(request, pieces)?;
    let whole = match pieces {
        Some(pieces) => {
            pieces.iter().fold(Grams::ZERO, |sum, piece| sum.saturating_add(piece.weight))
        }
        None => request.weight,
    };
    let mut image_options = vec![ImageOption {
        type_code: "label",
        is_requested: true,
        template_name: Some(&config.label_template),
        invoice_type: None,
    }];
    let mut declaration = None;
    let mut declared = None;
    let mut us_filing = None;
    if let Some(customs) = customs {
        customs.check(whole)?;
        let home = |party: &Party| party.postal_address.country_code.clone();
        let (from, to) = (home(&shipper), home(&receiver));
        shipper.registration_numbers = registrations(customs, TaxIdOwner::Sender, &from)?;
        receiver.registration_numbers = registrations(customs, TaxIdOwner::Recipient, &to)?;
        declaration = Some(export_declaration(
            customs,
            &request.references,
            &purchase,
            request.mailing_date,
        )?);
        declared = Some(total(customs)?);
        let filing = customs.export_reference.as_deref().map(str::trim);
        us_filing = filing.filter(|text| from == "US" && text.chars().count() <= 20);
        if config.invoice {
            image_options.push(ImageOption {
                type_code: "invoice",
                is_requested: true,
                template_name: None,
                invoice_type: Some(invoice_type(customs.reason)),
            });
        }
    }
    let mut customer_references = vec![Reference { value: purchase, type_code: "CU" }];
    if pieces.is_none() {
        customer_references.extend(references("references", &request.references)?);
    }
    let duties = customs.map(|customs| customs.duties);
    Ok(ShipmentBody {
        planned_shipping_date_and_time: planned(config, request.mailing_date)?,
        pickup: PickupWish { is_requested: false },
        product_code: request.service.service.as_str(),
        local_product_code: request.token.as_deref().filter(|code| (1..=3).contains(&code.len())),
        get_rate_estimates: true,
        accounts: accounts(config, customs),
        value_added_services: extra_services(config, request.value.as_ref(), customs),
        output_image_properties: Output {
            encoding_format: format,
            image_options,
            split_transport_and_waybill_doc_labels: true,
            all_documents_in_one_image: false,
        },
        customer_references,
        customer_details: Parties { shipper_details: shipper, receiver_details: Some(receiver) },
        content: Content {
            is_customs_declarable: customs.is_some(),
            declared_value: declared.map(|value| Number(value.amount)),
            declared_value_currency: declared.map(|value| value.currency.to_string()),
            export_declaration: declaration,
            description: description(config, customs)?,
            us_filing,
            incoterm: if duties == Some(DutiesPayer::Sender) { "DDP" } else { "DAP" },
            unit_of_measurement: UNITS,
            packages,
        },
        get_additional_information: pieces
            .map(|_| Wish { type_code: "linkLabelsByPieces", is_requested: true })
            .into_iter()
            .collect(),
    })
}

fn packages(request: &LabelRequest, pieces: Option<&[Piece]>) -> Result<Vec<Package>> {
    let Some(pieces) = pieces else {
        return Ok(vec![package(request.weight, request.dimensions)?]);
    };
    if !(1..=MOST).contains(&pieces.len()) {
        return Err(Error::invalid("pieces", "a shipment has 1 to 999"));
    }
    pieces
        .iter()
        .zip(1_u32..)
        .map(|(piece, number)| {
            let field = format!("pieces[{}].references", number - 1);
            Ok(Package {
                customer_references: references(&field, &piece.references)?,
                reference_number: Some(number),
                ..package(piece.weight, piece.dimensions)?
            })
        })
        .collect()
}

fn paper(paper: &Paper) -> Option<Document> {
    let content = paper.content.as_deref().filter(|content| !content.trim().is_empty())?;
    let kind = match paper.type_code.as_deref().map_or("", str::trim) {
        "label" => DocumentKind::Label,
        "invoice" => DocumentKind::Customs,
        "shipmentReceipt" => DocumentKind::Receipt,
        _ => DocumentKind::Other,
    };
    let format = paper.image_format.as_deref().unwrap_or_default();
    Some(document(kind, format, Encoding::Base64, content))
}

struct Sold {
    number: String,
    cost: LabelCost,
}

fn record(
    config: &DhlExpressConfig,
    request: &LabelRequest,
    key: IdempotencyKey,
    sold: Sold,
    documents: &[Document],
) -> Result<LabelRecord> {
    Ok(LabelRecord {
        key,
        carrier: super::DHL_EXPRESS,
        service: request.service.service.clone(),
        number: TrackingNumber::new(sold.number)?,
        carrier_reference: None,
        cost: sold.cost,
        purchased_at: config.calls.clock.now(),
        mailing_date: Some(request.mailing_date),
        formats: documents.iter().map(|document| document.format.clone()).collect(),
    })
}

fn unstated(config: &DhlExpressConfig) -> LabelCost {
    LabelCost::unstated(config.currency.unwrap_or(Currency::USD))
}

fn cost(config: &DhlExpressConfig, answer: &ShipmentAnswer) -> LabelCost {
    billed(&answer.shipment_charges).map_or_else(|| unstated(config), LabelCost::plain)
}

fn waybill(answer: &ShipmentAnswer) -> Result<String> {
    filled(answer.shipment_tracking_number.as_deref())
        .ok_or_else(|| unexpected("the shipment has no number"))
}

pub(super) fn label(
    config: &DhlExpressConfig,
    request: &LabelRequest,
    key: IdempotencyKey,
    answer: &ShipmentAnswer,
) -> Result<Label> {
    let documents: Vec<Document> = answer
        .documents
        .iter()
        .chain(answer.packages.iter().flat_map(|package| package.documents.iter()))
        .filter_map(paper)
        .collect();
    let sold = Sold { number: waybill(answer)?, cost: cost(config, answer) };
    Ok(Label { record: record(config, request, key, sold, &documents)?, documents })
}

/// One label for each piece. A piece whose number is missing has the shipment's.
pub(super) fn pieces(
    config: &DhlExpressConfig,
    request: &PiecesRequest,
    key: IdempotencyKey,
    answer: &ShipmentAnswer,
) -> Result<Pieces> {
    let number = waybill(answer)?;
    let count = request.pieces.len();
    // Papers of pieces, by the place of the piece; all others are the shipment's.
    let mut of_pieces: Vec<Vec<Document>> = (0..count).map(|_| Vec::new()).collect();
    let mut documents = Vec::new();
    for known in answer.documents.iter() {
        let Some(document) = paper(known) else { continue };
        let place = known.package_reference_number.as_deref().and_then(place_of);
        match place.and_then(|place| of_pieces.get_mut(place)) {
            Some(papers) => papers.push(document),
            None => match of_pieces.first_mut() {
                // Labels that belong to no piece in particular hold them all.
                Some(first) if document.kind == DocumentKind::Label => first.push(document),
                _ => documents.push(document),
            },
        }
    }
    let mut numbers: Vec<Option<String>> = vec![None; count];
    for (index, package) in answer.packages.iter().enumerate() {
        let place = package.reference_number.as_deref().and_then(place_of).unwrap_or(index);
        if let Some(known) = numbers.get_mut(place) {
            *known = filled(package.tracking_number.as_deref());
        }
        if let Some(papers) = of_pieces.get_mut(place) {
            papers.extend(package.documents.iter().filter_map(paper));
        }
    }
    let mut labels = Vec::with_capacity(count);
    for (own, documents) in numbers.into_iter().zip(of_pieces) {
        let cost = if labels.is_empty() { cost(config, answer) } else { unstated(config) };
        let sold = Sold { number: own.unwrap_or_else(|| number.clone()), cost };
        let mut record = record(config, &request.shipment, key, sold, &documents)?;
        record.carrier_reference = Some(number.clone());
        labels.push(Label { record, documents });
    }
    Ok(Pieces { number: TrackingNumber::new(number)?, labels, documents })
}

/// "1" is the first.
fn place_of(number: &str) -> Option<usize> {
    number.trim().parse::<usize>().ok()?.checked_sub(1)
}

/// A purchase that was found again: its number is known, its paper is not to be had.
pub(super) fn found_label(
    config: &DhlExpressConfig,
    request: &LabelRequest,
    key: IdempotencyKey,
    number: String,
) -> Result<Label> {
    let sold = Sold { number, cost: unstated(config) };
    Ok(Label { record: record(config, request, key, sold, &[])?, documents: Vec::new() })
}

/// Several pieces that were found again, in the order they were told; the numbers of all must be
/// known.
pub(super) fn found_pieces(
    config: &DhlExpressConfig,
    request: &PiecesRequest,
    key: IdempotencyKey,
    number: &str,
    pieces: &[String],
) -> Result<Pieces> {
    let mut labels = Vec::with_capacity(pieces.len());
    for own in pieces {
        let mut label = found_label(config, &request.shipment, key, own.clone())?;
        label.record.carrier_reference = Some(number.to_owned());
        labels.push(label);
    }
    Ok(Pieces { number: TrackingNumber::new(number)?, labels, documents: Vec::new() })
}

// ---- Places ----

/// What is asked of a place.
pub(super) fn place_query(address: &Address) -> Result<(String, Option<String>, String)> {
    let place = place("address", address)?;
    let has_street = address.lines.iter().any(|line| !line.as_str().trim().is_empty());
    if !has_street {
        return Err(misfit("address", "lines", AddressProblem::Incomplete));
    }
    Ok((place.country_code, filled(Some(&place.postal_code)), place.city_name))
}

/// Whether the carrier goes there. It looks at the place and never at the street, and that is said.
pub(super) fn address_check(answer: AddressAnswer) -> AddressCheck {
    let places = answer.address.into_vec();
    let mut remarks = answer.warnings.into_vec();
    remarks.push("the carrier says whether it serves the place; it does not check streets".into());
    let spelt = |place: &super::wire::ServedPlace| {
        let text = |text: &Option<String>| text.as_deref().map(str::trim).map(str::to_uppercase);
        (text(&place.postal_code), text(&place.city_name))
    };
    let mut kinds: Vec<_> = places.iter().map(spelt).collect();
    kinds.sort();
    kinds.dedup();
    let verdict = match kinds.len() {
        0 => AddressVerdict::Undeliverable,
        1 => AddressVerdict::Deliverable,
        _ => AddressVerdict::Ambiguous,
    };
    AddressCheck { verdict, standardized: None, residential: None, remarks }
}

// ---- Pickups ----

pub(super) fn pickup_body<'a>(
    config: &'a DhlExpressConfig,
    request: &'a PickupRequest,
) -> Result<PickupBody<'a>> {
    let parcels: Vec<_> = request.parcels.iter().filter(|(_, count)| *count > 0).collect();
    let count = parcels.iter().fold(0_u32, |sum, (_, count)| sum.saturating_add(*count));
    if count == 0 {
        return Err(Error::invalid("parcels", "there is nothing to fetch"));
    }
    let limited = |field: &'static str, text: Option<&String>| {
        let text = text.map(|text| squeezed(text)).filter(|text| !text.is_empty());
        match text {
            Some(text) if text.chars().count() > 80 => {
                Err(Error::invalid(field, "has at most 80 characters"))
            }
            text => Ok(text),
        }
    };
    if request.window.is_some_and(|(from, to)| to <= from) {
        return Err(Error::invalid("window", "ends before it begins"));
    }
    let from: NaiveTime = request.window.map_or(config.ready_at, |(from, _)| from);
    // What each weighs is not known here: all weigh the same, and together what they weigh.
    let each =
        Grams::new(known_weight(request.weight, Grams::new(u32::MAX))?.get().div_ceil(count));
    let mut shipment_details = Vec::with_capacity(parcels.len());
    for (service, count) in parcels {
        let number = usize::try_from(*count).unwrap_or(usize::MAX);
        if number > MOST {
            return Err(Error::invalid("parcels", "the carrier takes at most 999 of a product"));
        }
        shipment_details.push(PickupShipment {
            product_code: service.service.as_str(),
            is_customs_declarable: false,
            unit_of_measurement: UNITS,
            packages: (0..number).map(|_| package(each, None)).collect::<Result<_>>()?,
        });
    }
    let location_type =
        if request.place.address.residential == Some(true) { "residence" } else { "business" };
    let instructions = limited("instructions", request.instructions.as_ref())?;
    Ok(PickupBody {
        planned_pickup_date_and_time: stamp(config, request.date.and_time(from))
            .map_err(|error| error.with_field("date"))?,
        close_time: request.window.map(|(_, to)| to.format("%H:%M").to_string()),
        location: limited("location", request.location.as_ref())?,
        location_type,
        accounts: accounts(config, None),
        special_instructions: instructions.map(|value| Instruction { value }).into_iter().collect(),
        customer_details: Parties {
            shipper_details: party(config, "place", &request.place)?,
            receiver_details: None,
        },
        shipment_details,
    })
}

/// An order may be confirmed with several numbers: all are kept, to be cancelled together.
pub(super) fn pickup(request: &PickupRequest, answer: PickupAnswer) -> Result<Pickup> {
    let numbers: Vec<String> = answer
        .dispatch_confirmation_numbers
        .iter()
        .filter_map(|number| filled(Some(number)))
        .collect();
    let confirmation =
        numbers.first().cloned().ok_or_else(|| unexpected("the pickup has no confirmation"))?;
    Ok(Pickup { confirmation, date: request.date, cost: None, reference: Some(numbers.join(" ")) })
}

/// The numbers of a pickup, as they were kept.
pub(super) fn pickup_numbers(pickup: &Pickup) -> Vec<&str> {
    let kept = pickup.reference.as_deref().filter(|kept| !kept.trim().is_empty());
    kept.unwrap_or(&pickup.confirmation).split_whitespace().collect()
}

pub(super) const HEAVIEST: Grams = MAX_WEIGHT;
