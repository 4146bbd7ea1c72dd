//! Theirs to ours and back, explicitly.

use chrono::NaiveDate;
use rust_decimal::{Decimal, RoundingStrategy};

use super::catalogue::{MAX_WEIGHT, is_ground};
use super::config::FedexConfig;
use super::customs;
use super::wire::{
    AccountNumber, AddressAnswer, Amount, CloseAnswer, Operational, Origin, Party, Person,
    PickupAnswer, PickupBody, PostalAddress, PriceView, RateAnswer, RateBody, RateControl,
    RateParty, RateReply, RatedPackage, RatedShipment, Resolved, Size, SmartPost, SpecialServices,
    Weight, WithTransaction,
};
use crate::address::{Address, Contact, Country};
use crate::carriers::amounts::WrittenAmount;
use crate::carriers::events::day;
use crate::carriers::fitting::{
    fit_lines, fit_text, known_size, misfit, printable_address, printable_names, squeezed,
    us_state, within_the_states,
};
use crate::carriers::images::{self, Encoding};
use crate::client::wire::{Number, filled, unexpected};
use crate::error::{Error, Result};
use crate::ids::ServiceCode;
use crate::money::{Currency, Money};
use crate::order::AddressProblem;
use crate::ports::{
    AddressCheck, AddressVerdict, Manifest, ManifestRequest, Pickup, PickupRequest,
};
use crate::shipment::{Document, DocumentKind, RateQuote, RateRequest, ServiceKey};
use crate::units::{Dimensions, Grams};

/// Longest street line, and how many there are.
pub(super) const LINE_LENGTH: usize = 35;
pub(super) const LINES: usize = 3;
/// Longest city, name or firm.
pub(super) const TEXT_LENGTH: usize = 35;
/// "Maximum length is 60" (pickup specification).
const REMARKS_LENGTH: usize = 60;

pub(super) fn account(config: &FedexConfig) -> AccountNumber<'_> {
    AccountNumber { value: config.account_number.as_str() }
}

pub(super) fn date(date: NaiveDate) -> String {
    date.format("%Y-%m-%d").to_string()
}

// ---- Addresses and measures ----

/// Countries whose addresses need a state or province of two letters.
const WITH_STATES: [&str; 3] = ["US", "CA", "MX"];

/// An address in the carrier's fields, `residential` as far as anybody said.
pub(super) fn postal_address(role: &str, address: &Address) -> Result<PostalAddress> {
    if address.is_masked() {
        return Err(misfit(role, "address", AddressProblem::Masked));
    }
    printable_address(role, address)?;
    let country = address
        .country
        .ok_or_else(|| misfit(role, "address.country", AddressProblem::Incomplete))?;
    Ok(PostalAddress {
        street_lines: fit_lines(role, address, LINES, LINE_LENGTH)?,
        city: fit_text(role, "address.city", &address.city, TEXT_LENGTH)?,
        state_or_province_code: state(role, address, country)?,
        postal_code: postal_code(role, address, country)?,
        country_code: country.to_string(),
        residential: address.residential,
    })
}

fn state(role: &str, address: &Address, country: Country) -> Result<Option<String>> {
    let given = address.state.as_deref().map_or("", str::trim);
    if country == Country::US
        && let Some(code) = us_state(given)
    {
        return Ok(Some(code.to_owned()));
    }
    let is_code = given.len() == 2 && given.bytes().all(|byte| byte.is_ascii_alphabetic());
    let needed = WITH_STATES.contains(&country.as_str());
    match (is_code, needed, given.is_empty()) {
        (true, _, _) if country != Country::US => Ok(Some(given.to_ascii_uppercase())),
        (_, true, true) => Err(misfit(role, "address.state", AddressProblem::Incomplete)),
        (_, true, false) => Err(misfit(role, "address.state", AddressProblem::Unrecognised)),
        // Elsewhere the field is for codes, and the address stands without it.
        _ => Ok(None),
    }
}

fn postal_code(role: &str, address: &Address, country: Country) -> Result<Option<String>> {
    let given = address.postal_code.as_deref().map(squeezed).filter(|code| !code.is_empty());
    match given {
        None if WITH_STATES.contains(&country.as_str()) => {
            Err(misfit(role, "address.postal_code", AddressProblem::Incomplete))
        }
        None => Ok(None),
        Some(code) if code.chars().count() > 10 => {
            Err(misfit(role, "address.postal_code", AddressProblem::TooLong))
        }
        Some(_) if country == Country::US && address.zip5().is_none() => {
            Err(misfit(role, "address.postal_code", AddressProblem::Unrecognised))
        }
        Some(code) => Ok(Some(code)),
    }
}

/// Whether it is a home. Where nobody said, an address without a firm counts as one: Ground to
/// homes is another service, and a quote for a business would be too low.
pub(super) fn residential(contact: &Contact) -> bool {
    contact
        .address
        .residential
        .unwrap_or_else(|| contact.company.as_ref().is_none_or(|company| company.is_blank()))
}

pub(super) fn party(config: &FedexConfig, role: &str, contact: &Contact) -> Result<Party> {
    printable_names(role, contact)?;
    within_the_states(role, &contact.address)?;
    let text = |field, text: &str| {
        let text = squeezed(text);
        if text.chars().count() > TEXT_LENGTH {
            return Err(misfit(role, field, AddressProblem::TooLong));
        }
        Ok((!text.is_empty()).then_some(text))
    };
    let person_name = text("name", contact.name.as_str())?;
    let company_name = match &contact.company {
        Some(company) => text("company", company.as_str())?,
        None => None,
    };
    if person_name.is_none() && company_name.is_none() {
        return Err(misfit(role, "name", AddressProblem::Incomplete));
    }
    let digits = |phone: &str| {
        let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
        (digits.len() >= 10).then(|| digits.chars().take(15).collect::<String>())
    };
    let phone_number = contact
        .phone
        .as_ref()
        .and_then(|phone| digits(phone.as_str()))
        .or_else(|| config.fallback_phone.as_ref().and_then(|phone| digits(phone.as_str())))
        .ok_or_else(|| misfit(role, "phone", AddressProblem::Incomplete))?;
    let email_address = contact
        .email
        .as_ref()
        .map(|email| email.as_str().trim().to_owned())
        .filter(|email| !email.is_empty() && email.len() <= 80);
    Ok(Party {
        contact: Person { person_name, company_name, phone_number, email_address },
        address: postal_address(role, &contact.address)?,
        tins: Vec::new(),
    })
}

/// Whether measures are given in pounds and inches.
pub(super) fn imperial(sender: &Address) -> bool {
    sender.country.is_none_or(|country| country == Country::US)
}

/// One decimal, rounded up so that nothing is declared lighter than it is.
pub(super) fn weight(grams: Grams, imperial: bool) -> Result<Weight> {
    if grams == Grams::ZERO {
        return Err(Error::invalid("weight", "the weight is not known"));
    }
    if grams > MAX_WEIGHT {
        return Err(Error::invalid("weight", "the carrier takes at most 150 lb"));
    }
    Ok(if imperial {
        Weight { units: "LB", value: Number(grams.to_pounds(1)) }
    } else {
        let kilograms = Decimal::new(i64::from(grams.get()), 3)
            .round_dp_with_strategy(1, RoundingStrategy::ToPositiveInfinity);
        Weight { units: "KG", value: Number(kilograms) }
    })
}

/// Whole inches or centimetres, rounded up.
pub(super) fn size(dimensions: Dimensions, imperial: bool) -> Result<Size> {
    let dimensions = known_size(dimensions)?;
    let side = |millimetres: u32| {
        if imperial {
            // An inch has 25.4 mm.
            millimetres.saturating_mul(10).div_ceil(254)
        } else {
            millimetres.div_ceil(10)
        }
    };
    Ok(Size {
        length: side(dimensions.length.get()),
        width: side(dimensions.width.get()),
        height: side(dimensions.height.get()),
        units: if imperial { "IN" } else { "CM" },
    })
}

/// Goods without packaging, with two decimals, rounded down: together they must not weigh more than
/// the parcel, whose weight is rounded up.
pub(super) fn goods_weight(grams: Grams, imperial: bool) -> Weight {
    let grams = Decimal::from(grams.get());
    let least = Decimal::new(1, 2);
    let value = if imperial {
        // A pound has 453.59237 g.
        grams.checked_div(Decimal::new(45_359_237, 5)).unwrap_or(least)
    } else {
        grams.checked_div(Decimal::from(1_000)).unwrap_or(least)
    };
    let value = value.round_dp_with_strategy(2, RoundingStrategy::ToZero).max(least);
    Weight { units: if imperial { "LB" } else { "KG" }, value: Number(value) }
}

pub(super) fn special_services(config: &FedexConfig) -> Option<SpecialServices> {
    config.signature.as_str().map(|kind| SpecialServices { signature_option_type: kind })
}

/// "PARCEL_SELECT (1 LB through 70 LB)", "PRESORTED_STANDARD (less than 1 LB)" (ship
/// specification).
pub(super) fn smart_post(config: &FedexConfig, weight: Grams) -> Option<SmartPost<'_>> {
    let is_light = weight.to_pounds(4) < Decimal::ONE;
    let indicia = if is_light { "PRESORTED_STANDARD" } else { "PARCEL_SELECT" };
    config.hub_id.as_deref().map(|hub_id| SmartPost { hub_id, indicia })
}

/// Only declared where the host wants it: it costs.
pub(super) fn declared(config: &FedexConfig, value: Option<&Money>) -> Option<Amount> {
    let value = value.filter(|_| config.declare_value)?;
    Some(Amount { amount: Number(value.amount), currency: value.currency.to_string() })
}

// ---- Quotes ----

pub(super) fn rate_body<'a>(
    config: &'a FedexConfig,
    request: &'a RateRequest,
) -> Result<RateBody<'a>> {
    let customs = customs::declaration(
        &request.sender,
        &request.recipient,
        request.weight,
        request.customs.as_deref(),
    )?;
    let imperial = imperial(&request.sender.address);
    let recipient = PostalAddress {
        residential: Some(residential(&request.recipient)),
        ..postal_address("recipient", &request.recipient.address)?
    };
    Ok(RateBody {
        account_number: account(config),
        rate_request_control_parameters: RateControl { return_transit_times: true },
        requested_shipment: RatedShipment {
            shipper: RateParty { address: postal_address("sender", &request.sender.address)? },
            recipient: RateParty { address: recipient },
            preferred_currency: config.currency.to_string(),
            rate_request_type: ["ACCOUNT", "PREFERRED"],
            ship_date_stamp: date(request.mailing_date),
            pickup_type: config.hand_over.as_str(),
            packaging_type: "YOUR_PACKAGING",
            total_package_count: 1,
            requested_package_line_items: [RatedPackage {
                weight: weight(request.weight, imperial)?,
                dimensions: request.dimensions.map(|side| size(side, imperial)).transpose()?,
                declared_value: declared(config, request.value.as_ref()),
                package_special_services: special_services(config),
            }],
            customs_clearance_detail: customs
                .map(|declaration| customs::rated(declaration, imperial))
                .transpose()?,
            // Ground Economy stays within the country.
            smart_post_info_detail: smart_post(config, request.weight)
                .filter(|_| customs.is_none()),
        },
    })
}

pub(super) fn quotes(config: &FedexConfig, answer: RateAnswer) -> Result<Vec<RateQuote>> {
    if answer.rate_reply_details.is_unreadable() {
        return Err(unexpected("no offer of the answer can be read"));
    }
    let quoted_at = config.calls.clock.now();
    let mut quotes = Vec::new();
    for reply in answer.rate_reply_details {
        let Some(service) = filled(reply.service_type.as_deref()) else { continue };
        if !config.services.iter().any(|wanted| wanted.as_str() == service) {
            continue;
        }
        let Some(total) = price(&reply.rated_shipment_details, config.currency) else { continue };
        let (deliver_on, transit_days) = promise(&reply);
        quotes.push(RateQuote {
            name: filled(reply.service_name.as_deref()).unwrap_or_else(|| service.clone()),
            service: ServiceKey::new(super::FEDEX, ServiceCode::new(service)?),
            total,
            deliver_on,
            transit_days,
            // The money-back guarantee depends on more than an answer says.
            guaranteed: false,
            token: None,
            quoted_at,
        });
    }
    Ok(quotes)
}

/// The price of a service in one currency: what the account pays, else the same in the preferred
/// currency, else the list price. A service without a price in that currency is shown with its own;
/// the lowest of all would be another currency's.
fn price(views: &[PriceView], currency: Currency) -> Option<Money> {
    const ORDER: [&str; 4] = ["ACCOUNT", "PREFERRED_CURRENCY", "PREFERRED_INCENTIVE", "LIST"];
    let priced: Vec<(usize, Currency, Option<Money>)> = views
        .iter()
        .filter_map(|view| {
            let kind = view.rate_type.as_deref().map_or("", str::trim);
            let rank = ORDER.iter().position(|known| *known == kind).unwrap_or(ORDER.len());
            let (currency, money) = money(view)?;
            Some((rank, currency, money))
        })
        .collect();
    let best = |only: Option<Currency>| {
        let views = priced.iter().filter(|(_, own, _)| only.is_none_or(|only| *own == only));
        views.min_by_key(|(rank, ..)| *rank).map(|(.., money)| *money)
    };
    // Where the one that counts cannot be read, the list price would be a guess.
    best(Some(currency)).or_else(|| best(None)).flatten()
}

/// The currency of a price, and the price where it can be read; `None` where there is none.
pub(super) fn money(view: &PriceView) -> Option<(Currency, Option<Money>)> {
    let detail = view.shipment_rate_detail.as_ref();
    let currency =
        view.currency.as_deref().or_else(|| detail.and_then(|d| d.currency.as_deref()))?;
    let currency = Currency::new(currency.trim()).ok()?;
    match view.total_net_charge.price() {
        WrittenAmount::Missing => None,
        charge => Some((currency, charge.read().map(|charge| Money::new(charge, currency)))),
    }
}

/// Day of arrival and days on the way, where the carrier says either.
fn promise(reply: &RateReply) -> (Option<NaiveDate>, Option<u32>) {
    let operational = reply.operational_detail.as_ref();
    let commit = reply.commit.as_ref();
    let dates = commit.and_then(|commit| commit.date_detail.as_ref());
    let of_commit = dates.and_then(|dates| {
        [&dates.day_format, &dates.day_cxs_format]
            .into_iter()
            .find_map(|text| day(text.as_deref()?))
    });
    let on = of_commit.or_else(|| operational.and_then(operational_day));
    let words = commit
        .and_then(|commit| commit.transit_days.as_ref()?.minimum_transit_time.as_deref())
        .or_else(|| operational.and_then(|detail| detail.transit_time.as_deref()));
    (on, words.and_then(days_of))
}

fn operational_day(detail: &Operational) -> Option<NaiveDate> {
    [detail.delivery_date.as_deref(), detail.commit_date.as_deref()]
        .into_iter()
        .flatten()
        .chain(detail.commit_dates.iter().map(String::as_str))
        .find_map(day)
}

/// "FOUR_DAYS".
fn days_of(words: &str) -> Option<u32> {
    const NUMBERS: [&str; 20] = [
        "ONE",
        "TWO",
        "THREE",
        "FOUR",
        "FIVE",
        "SIX",
        "SEVEN",
        "EIGHT",
        "NINE",
        "TEN",
        "ELEVEN",
        "TWELVE",
        "THIRTEEN",
        "FOURTEEN",
        "FIFTEEN",
        "SIXTEEN",
        "SEVENTEEN",
        "EIGHTEEN",
        "NINETEEN",
        "TWENTY",
    ];
    let number = words.trim().split('_').next()?;
    let place = NUMBERS.iter().position(|known| *known == number)?;
    u32::try_from(place + 1).ok()
}

// ---- Addresses ----

pub(super) fn address_check(asked: &Address, answer: AddressAnswer) -> Result<AddressCheck> {
    let resolved = answer
        .resolved_addresses
        .into_iter()
        .next()
        .ok_or_else(|| unexpected("the answer has no address"))?;
    let attributes = resolved.attributes.as_ref();
    let said = |flag: Option<bool>| flag == Some(true);
    let missing = attributes
        .is_some_and(|a| said(a.suite_required_but_missing) || said(a.invalid_suite_number));
    let several = attributes.is_some_and(|a| said(a.multiple_matches));
    let is_us = asked.country.is_none_or(|country| country == Country::US);
    let valid = attributes.is_some_and(|a| said(a.resolved) && (!is_us || said(a.dpv)));
    let verdict = if several {
        AddressVerdict::Ambiguous
    } else if missing {
        AddressVerdict::UnitMissing
    } else if valid {
        AddressVerdict::Deliverable
    } else {
        // Not confirmed: unknown is not success.
        AddressVerdict::Undeliverable
    };
    let residential = match resolved.classification.as_deref().map(str::trim) {
        Some("RESIDENTIAL") => Some(true),
        Some("BUSINESS") => Some(false),
        // MIXED and UNKNOWN say nothing.
        _ => None,
    };
    let remarks = remarks(&resolved);
    Ok(AddressCheck {
        verdict,
        standardized: standardized(asked, resolved, residential),
        residential,
        remarks,
    })
}

fn remarks(resolved: &Resolved) -> Vec<String> {
    let Some(said) = &resolved.customer_message else { return Vec::new() };
    let list = said.as_array().map_or(std::slice::from_ref(said), Vec::as_slice);
    list.iter()
        .filter_map(|remark| {
            let words = remark.as_str().or_else(|| remark.get("message")?.as_str())?;
            filled(Some(words))
        })
        .collect()
}

fn standardized(asked: &Address, resolved: Resolved, residential: Option<bool>) -> Option<Address> {
    let text = |text: Option<String>| filled(text.as_deref());
    let lines: Vec<_> = resolved
        .street_lines_token
        .into_iter()
        .filter(|line| !line.trim().is_empty())
        .map(Into::into)
        .collect();
    if lines.is_empty() {
        return None;
    }
    let postal_code = resolved.parsed_postal_code.and_then(|code| {
        let base = text(code.base)?;
        Some(match text(code.add_on) {
            Some(add_on) => format!("{base}-{add_on}"),
            None => base,
        })
    });
    Some(Address {
        lines,
        city: text(resolved.city)?,
        state: text(resolved.state_or_province_code),
        postal_code,
        country: resolved.country_code.as_deref().and_then(Country::new).or(asked.country),
        residential,
    })
}

// ---- Ground end of day ----

pub(super) fn manifest(
    request: &ManifestRequest,
    answer: WithTransaction<CloseAnswer>,
) -> Result<Manifest> {
    let closed = answer.output.ok_or_else(|| unexpected("the answer has no documents"))?;
    let documents: Vec<Document> = closed
        .close_documents
        .iter()
        .flat_map(|document| &document.parts)
        .filter_map(|part| part.image.as_deref().filter(|image| !image.trim().is_empty()))
        .map(|image| {
            images::document(DocumentKind::Manifest, "PDF", Encoding::Base64, image.as_bytes())
                .map_err(unexpected)
        })
        .collect::<Result<_>>()?;
    // It says the same when there was nothing to close: only a form shows that something was.
    if documents.is_empty() {
        return Err(unexpected("the close has no form: whether anything was closed is not known"));
    }
    // A close has no number of its own; the transaction is what the carrier can find it by.
    let number = filled(answer.transaction_id.as_deref())
        .unwrap_or_else(|| format!("ground-{}", date(request.mailing_date)));
    Ok(Manifest { number, labels: request.numbers.clone(), documents })
}

// ---- Pickups ----

/// Which driver comes for a service.
fn network(service: &ServiceCode) -> &'static str {
    if is_ground(service.as_str()) { "FDXG" } else { "FDXE" }
}

pub(super) fn pickup_body<'a>(
    config: &'a FedexConfig,
    request: &PickupRequest,
) -> Result<PickupBody<'a>> {
    let mut parcels = request.parcels.iter().filter(|(_, count)| *count > 0);
    let Some((first, _)) = parcels.next() else {
        return Err(Error::invalid("parcels", "there is nothing to fetch"));
    };
    let carrier_code = network(&first.service);
    if parcels.any(|(service, _)| network(&service.service) != carrier_code) {
        return Err(Error::invalid(
            "parcels",
            "Express and Ground have drivers of their own: order two pickups",
        ));
    }
    let (ready, close) = request
        .window
        .ok_or_else(|| Error::invalid("window", "the carrier wants to know from when to when"))?;
    if close <= ready {
        return Err(Error::invalid("window", "ends before it begins"));
    }
    let package_location =
        request.location.as_deref().unwrap_or("FRONT").trim().to_ascii_uppercase();
    if !["FRONT", "NONE", "REAR", "SIDE"].contains(&package_location.as_str()) {
        return Err(Error::invalid("location", "is one of FRONT, REAR, SIDE and NONE"));
    }
    let remarks = request.instructions.as_deref().map(squeezed).filter(|text| !text.is_empty());
    if remarks.as_ref().is_some_and(|text| text.chars().count() > REMARKS_LENGTH) {
        return Err(Error::invalid("instructions", "are at most 60 characters"));
    }
    let pounds = Number(request.weight.to_pounds(1));
    Ok(PickupBody {
        associated_account_number: account(config),
        origin_detail: Origin {
            pickup_location: party(config, "place", &request.place)?,
            ready_date_timestamp: format!("{}T{}Z", date(request.date), ready.format("%H:%M:%S")),
            customer_close_time: close.format("%H:%M:%S").to_string(),
            package_location,
        },
        carrier_code,
        package_count: request
            .parcels
            .iter()
            .fold(0_u32, |sum, (_, count)| sum.saturating_add(*count)),
        total_weight: Weight { units: "LB", value: pounds },
        remarks,
    })
}

pub(super) fn pickup(request: &PickupRequest, answer: PickupAnswer) -> Result<Pickup> {
    let confirmation = filled(answer.pickup_confirmation_code.as_deref())
        .ok_or_else(|| unexpected("the pickup has no confirmation code"))?;
    let network = pickup_network(request);
    let location = filled(answer.location.as_deref()).unwrap_or_default();
    Ok(Pickup {
        confirmation,
        date: request.date,
        cost: None,
        reference: Some(format!("{network} {location}").trim_end().to_owned()),
    })
}

/// Whose driver fetches the parcels.
pub(super) fn pickup_network(request: &PickupRequest) -> &'static str {
    let first = request.parcels.iter().find(|(_, count)| *count > 0);
    first.map_or("FDXE", |(service, _)| network(&service.service))
}

/// Network and location of a pickup, as they were kept.
pub(super) fn pickup_reference(pickup: &Pickup) -> (&str, Option<&str>) {
    let kept = pickup.reference.as_deref().unwrap_or("FDXE");
    match kept.split_once(' ') {
        Some((network, location)) => (network, Some(location)),
        None => (kept, None),
    }
}
