//! The counter: quotes, shipments, addresses, the end of the day, pickups.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use http::StatusCode;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde_json::{Value, json};

use super::{Answer, Sold, State, output, refusal};
use crate::money::{Currency, Money};
use crate::sandbox::{Ledger, SoldLabel, paper};

pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn bad_request(code: &str, message: &str) -> Answer {
    refusal(StatusCode::BAD_REQUEST, code, message)
}

/// A service and what it costs: cents, cents a zone, cents a pound, days to the nearest and to the
/// farthest zone.
struct Offer {
    service: &'static str,
    name: &'static str,
    base: u32,
    per_zone: u32,
    per_pound: u32,
    days: (u8, u8),
    /// To homes only, to businesses only, or to both.
    homes: Option<bool>,
    /// To other countries, or within the country.
    abroad: bool,
}

const OFFERS: &[Offer] = &[
    Offer {
        service: "FEDEX_GROUND",
        name: "FedEx Ground®",
        base: 640,
        per_zone: 52,
        per_pound: 24,
        days: (1, 5),
        homes: Some(false),
        abroad: false,
    },
    Offer {
        service: "GROUND_HOME_DELIVERY",
        name: "FedEx Home Delivery®",
        base: 690,
        per_zone: 52,
        per_pound: 24,
        days: (1, 5),
        homes: Some(true),
        abroad: false,
    },
    Offer {
        service: "FEDEX_EXPRESS_SAVER",
        name: "FedEx Express Saver®",
        base: 2_150,
        per_zone: 190,
        per_pound: 150,
        days: (3, 3),
        homes: None,
        abroad: false,
    },
    Offer {
        service: "FEDEX_2_DAY",
        name: "FedEx 2Day®",
        base: 2_480,
        per_zone: 230,
        per_pound: 190,
        days: (2, 2),
        homes: None,
        abroad: false,
    },
    Offer {
        service: "STANDARD_OVERNIGHT",
        name: "FedEx Standard Overnight®",
        base: 4_350,
        per_zone: 460,
        per_pound: 260,
        days: (1, 1),
        homes: None,
        abroad: false,
    },
    Offer {
        service: "INTERNATIONAL_ECONOMY",
        name: "FedEx International Economy®",
        base: 3_980,
        per_zone: 120,
        per_pound: 410,
        days: (4, 6),
        homes: None,
        abroad: true,
    },
    Offer {
        service: "FEDEX_INTERNATIONAL_PRIORITY",
        name: "FedEx International Priority®",
        base: 5_640,
        per_zone: 150,
        per_pound: 520,
        days: (1, 3),
        homes: None,
        abroad: true,
    },
    // A decoy: cheap, but no parcel.
    Offer {
        service: "FEDEX_1_DAY_FREIGHT",
        name: "FedEx 1Day® Freight",
        base: 100,
        per_zone: 0,
        per_pound: 0,
        days: (1, 1),
        homes: None,
        abroad: false,
    },
];

/// All of a parcel that prices depend on.
struct Parcel {
    zone: u32,
    pounds: u32,
    home: bool,
    abroad: bool,
}

impl Offer {
    fn takes(&self, parcel: &Parcel) -> bool {
        self.abroad == parcel.abroad && self.homes.is_none_or(|homes| homes == parcel.home)
    }

    fn cents(&self, parcel: &Parcel) -> u32 {
        self.base + (parcel.zone - 2) * self.per_zone + (parcel.pounds - 1) * self.per_pound
    }

    fn days(&self, zone: u32) -> u8 {
        let (near, far) = self.days;
        let steps = u32::from(far - near) * (zone - 2) / 6;
        near + u8::try_from(steps).unwrap_or(0)
    }
}

const FARTHEST_ZONE: u32 = 8;

/// Zones 2 to 8 by the distance of the ZIPs' first three digits.
fn zone(from: &str, to: &str) -> u32 {
    let area = |zip: &str| zip.get(..3).and_then(|area| area.parse::<u32>().ok()).unwrap_or(0);
    (area(from).abs_diff(area(to)) / 140).min(6) + 2
}

fn is_unknown_zip(zip: &str) -> bool {
    zip.len() < 5 || matches!(zip.get(..5), Some("00000" | "99999"))
}

fn parcel(from: &Value, to: &Value, package: &Value) -> Result<Parcel, Box<Answer>> {
    let (origin, destination) = (text(from, "/postalCode"), text(to, "/postalCode"));
    let abroad = text(from, "/countryCode") != text(to, "/countryCode");
    if is_unknown_zip(origin) || (!abroad && is_unknown_zip(destination)) {
        let words = "Postal code is not valid. Please update and try again.";
        return Err(Box::new(bad_request("LOCATION.POSTALCODE.INVALID", words)));
    }
    // The text of a number is exact; its floating-point value is not.
    let weight = package.pointer("/weight/value").map(Value::to_string).unwrap_or_default();
    let weight: Decimal = weight.trim_matches('"').parse().unwrap_or_default();
    let weight = match text(package, "/weight/units") {
        "KG" => weight.checked_mul(Decimal::new(22_046, 4)),
        _ => Some(weight),
    };
    let pounds = weight.and_then(|weight| weight.ceil().to_u32()).unwrap_or(u32::MAX);
    if !(1..=150).contains(&pounds) {
        let words = "Package weight is invalid or exceeds the limit of the service.";
        return Err(Box::new(bad_request("WEIGHT.INVALID", words)));
    }
    let home = to.get("residential").and_then(Value::as_bool).unwrap_or(false);
    let zone = if abroad { FARTHEST_ZONE } else { zone(origin, destination) };
    Ok(Parcel { zone, pounds, home, abroad })
}

/// Cents as the carrier writes them: a JSON number of dollars.
fn dollars(cents: u32) -> Value {
    json!(f64::from(cents) / 100.0)
}

const DAYS: [&str; 8] = [
    "ZERO_DAYS",
    "ONE_DAY",
    "TWO_DAYS",
    "THREE_DAYS",
    "FOUR_DAYS",
    "FIVE_DAYS",
    "SIX_DAYS",
    "SEVEN_DAYS",
];

fn read_date(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text.get(..10)?, "%Y-%m-%d").ok()
}

/// `POST /rate/v1/rates/quotes`.
pub(super) fn rates(body: &Value) -> Answer {
    let shipment = body.get("requestedShipment").cloned().unwrap_or_default();
    let part = |pointer: &str| shipment.pointer(pointer).cloned().unwrap_or_default();
    let parcel = match parcel(
        &part("/shipper/address"),
        &part("/recipient/address"),
        &part("/requestedPackageLineItems/0"),
    ) {
        Ok(parcel) => parcel,
        Err(refused) => return *refused,
    };
    let Some(ship_date) = read_date(text(&shipment, "/shipDateStamp")) else {
        return bad_request("SHIPDATE.INVALID", "shipDateStamp is invalid.");
    };
    let replies: Vec<Value> = OFFERS
        .iter()
        .filter(|offer| offer.takes(&parcel))
        .map(|offer| {
            let cents = offer.cents(&parcel);
            let days = offer.days(parcel.zone);
            let on = ship_date + TimeDelta::days(i64::from(days));
            let view = |kind: &str, cents: u32, currency: &str| {
                json!({
                    "rateType": kind,
                    "ratedWeightMethod": "ACTUAL",
                    "totalBaseCharge": dollars(cents - cents / 10),
                    "totalNetCharge": dollars(cents),
                    "totalNetFedExCharge": dollars(cents),
                    "shipmentRateDetail": {
                        "rateZone": parcel.zone.to_string(),
                        "dimDivisor": 139,
                        "surCharges": [{
                            "type": "FUEL",
                            "description": "Fuel Surcharge",
                            "level": "PACKAGE",
                            "amount": dollars(cents / 10),
                        }],
                        "currency": currency,
                    },
                    "currency": currency,
                })
            };
            json!({
                "serviceType": offer.service,
                "serviceName": offer.name,
                "packagingType": "YOUR_PACKAGING",
                "commit": {
                    "dateDetail": {"dayFormat": format!("{on}T23:59:00")},
                    "transitDays": {"minimumTransitTime": DAYS.get(usize::from(days))},
                },
                // The lowest number is of another currency, and the list price is dearer.
                "ratedShipmentDetails": [
                    view("LIST", cents + cents / 4, "USD"),
                    view("ACCOUNT", cents, "USD"),
                    view("PREFERRED_INCENTIVE", cents / 2, "GBP"),
                ],
                "operationalDetail": {"ineligibleForMoneyBackGuarantee": false},
            })
        })
        .collect();
    output(&json!({"rateReplyDetails": replies, "quoteDate": ship_date, "encoded": false}))
}

/// `POST /address/v1/addresses/resolve`.
pub(super) fn address(body: &Value) -> Answer {
    let address = body.pointer("/addressesToValidate/0/address").cloned().unwrap_or_default();
    let lines: Vec<&str> = address
        .get("streetLines")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let street = lines.first().copied().unwrap_or_default();
    let zip = text(&address, "/postalCode");
    if street.is_empty() || is_unknown_zip(zip) {
        let words = "Standardized address is not found.";
        return bad_request("STANDARDIZED.ADDRESS.NOTFOUND", words);
    }
    let lacks_suite = street.contains("Tower") && lines.len() < 2;
    let confirmed = street.bytes().any(|byte| byte.is_ascii_digit());
    let word = |yes: bool| if yes { "true" } else { "false" };
    let messages = if lacks_suite { vec!["SUITE.NUMBER.REQUIRED"] } else { Vec::new() };
    output(&json!({"resolvedAddresses": [{
        "streetLinesToken": lines.iter().map(|line| line.to_uppercase()).collect::<Vec<_>>(),
        "city": text(&address, "/city").to_uppercase(),
        "stateOrProvinceCode": text(&address, "/stateOrProvinceCode"),
        "countryCode": text(&address, "/countryCode"),
        "parsedPostalCode": {"base": zip.get(..5), "addOn": "3704"},
        "classification": if street.contains("Office") { "BUSINESS" } else { "RESIDENTIAL" },
        "attributes": {
            "Resolved": word(true),
            "DPV": word(confirmed),
            "SuiteRequiredButMissing": word(lacks_suite),
            "InvalidSuiteNumber": word(false),
            "MultipleMatches": word(street.contains("Several")),
            "POBox": word(false),
        },
        "customerMessage": messages,
    }]}))
}

/// Weights 3, 1, 7 over eleven digits; the sum modulo 11, and 10 becomes 0.
fn check_digit(body: &str) -> u32 {
    let sum: u32 = body
        .bytes()
        .zip([3, 1, 7].into_iter().cycle())
        .map(|(digit, weight)| u32::from(digit.saturating_sub(b'0')) * weight)
        .sum();
    sum % 11 % 10
}

/// City and state of a party, and why it cannot be sent to.
fn read_party(party: &Value) -> Result<[String; 2], Box<Answer>> {
    let refused = |code: &str, words: &str| Box::new(bad_request(code, words));
    let lines = party.pointer("/address/streetLines").and_then(Value::as_array);
    let lines: Vec<&str> = lines.into_iter().flatten().filter_map(Value::as_str).collect();
    if !(1..=3).contains(&lines.len()) || lines.iter().any(|line| line.chars().count() > 35) {
        return Err(refused("STREETLINE.INVALID", "Street lines are 1 to 3 of 35 characters."));
    }
    let named = ["/contact/personName", "/contact/companyName"]
        .iter()
        .any(|pointer| !text(party, pointer).is_empty());
    if !named || text(party, "/contact/phoneNumber").len() < 10 {
        return Err(refused("PHONENUMBER.INVALID", "A name and a phone number are needed."));
    }
    let (city, state) = (text(party, "/address/city"), text(party, "/address/stateOrProvinceCode"));
    let country = text(party, "/address/countryCode");
    let needs_state = ["US", "CA"].contains(&country);
    if city.is_empty() || (needs_state && state.len() != 2) || country.len() != 2 {
        return Err(refused("STATEORPROVINCECODE.INVALID", "City, state and country are needed."));
    }
    Ok([city.to_owned(), state.to_owned()])
}

impl State {
    /// `POST /ship/v1/shipments`: each call makes a shipment.
    pub(super) fn ship(&mut self, body: &Value, now: DateTime<Utc>, ledger: &Ledger) -> Answer {
        match self.price(body, now) {
            Err(refused) => *refused,
            Ok((number, sold, cents, answer)) => {
                let further = sold.further_pieces.iter().cloned();
                self.pieces.extend(further.map(|piece| (piece, number.clone())));
                ledger.label_sold(SoldLabel {
                    carrier: "fedex".to_owned(),
                    number: number.clone(),
                    key: None,
                    // The parcel; the first reference names the purchase.
                    reference: sold.references.get(1).cloned().unwrap_or_default(),
                    cost: Money::new(Decimal::new(i64::from(cents), 2), Currency::USD),
                    sold_at: now,
                    voided_at: None,
                });
                self.shipments.insert(number, sold);
                answer
            }
        }
    }

    fn price(
        &self,
        body: &Value,
        now: DateTime<Utc>,
    ) -> Result<(String, Sold, u32, Answer), Box<Answer>> {
        let refused = |code: &str, words: &str| Box::new(bad_request(code, words));
        if text(body, "/accountNumber/value").is_empty() {
            let words = "The account is not registered.";
            return Err(refused("ACCOUNTNUMBER.REGISTRATION.REQUIRED", words));
        }
        let shipment = body.get("requestedShipment").cloned().unwrap_or_default();
        let part = |pointer: &str| shipment.pointer(pointer).cloned().unwrap_or_default();
        let (shipper, recipient) = (part("/shipper"), part("/recipients/0"));
        let (from, to) = (read_party(&shipper)?, read_party(&recipient)?);
        let packages = part("/requestedPackageLineItems").as_array().cloned().unwrap_or_default();
        let package = packages.first().cloned().unwrap_or_default();
        let (start, end) = (part("/shipper/address"), part("/recipients/0/address"));
        let parcels = packages
            .iter()
            .map(|package| parcel(&start, &end, package))
            .collect::<Result<Vec<Parcel>, _>>()?;
        let parcel = parcel(&start, &end, &package)?;
        let goods = "/customsClearanceDetail/commodities/0/description";
        if parcel.abroad && text(&shipment, goods).is_empty() {
            return Err(refused("COMMODITIES.REQUIRED", "The goods are not declared."));
        }
        let service = text(&shipment, "/serviceType");
        let offer = OFFERS
            .iter()
            .find(|offer| offer.service == service && offer.takes(&parcel))
            .ok_or_else(|| refused("SERVICETYPE.NOT.ALLOWED", "The service is not available."))?;
        let ship_date = read_date(text(&shipment, "/shipDatestamp"))
            // A shop west of here may still have yesterday.
            .filter(|date| (-1..=10).contains(&(*date - now.date_naive()).num_days()))
            .ok_or_else(|| refused("SHIPDATE.INVALID", "The ship date is out of range."))?;
        let stock = text(&shipment, "/labelSpecification/labelStockType");
        let image = text(&shipment, "/labelSpecification/imageType");
        let fits = match image {
            "PDF" | "PNG" => stock.starts_with("PAPER_"),
            "ZPLII" | "EPL2" => stock.starts_with("STOCK_"),
            _ => false,
        };
        if !fits {
            let words = "Label stock and image type do not fit.";
            return Err(refused("LABELSTOCKTYPE.INVALID", words));
        }
        let references: Vec<String> = package
            .get("customerReferences")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .map(|reference| text(reference, "/value").to_owned())
            .collect();
        if references.iter().any(|value| !(1..=30).contains(&value.chars().count())) {
            return Err(refused("CUSTOMERREFERENCE.INVALID", "1 to 30 characters."));
        }
        let numbers: Vec<String> = (1..=packages.len())
            .map(|place| {
                let sold = self.shipments.len() + self.pieces.len();
                let unchecked = format!("7946{:07}", sold + place);
                format!("{unchecked}{}", check_digit(&unchecked))
            })
            .collect();
        let number = numbers.first().cloned().unwrap_or_default();
        let cents: u32 = parcels.iter().map(|parcel| offer.cents(parcel)).sum();
        let [city, state] = &to;
        let line = format!("{} {city} {state}", text(&recipient, "/contact/personName"));
        let pieces: Vec<Value> = numbers
            .iter()
            .map(|piece| {
                let lines = ["FEDEX (SAMPLE)", offer.name, piece.as_str(), line.as_str()];
                let bytes = match image {
                    "PNG" => paper::PNG.to_vec(),
                    "ZPLII" => paper::zpl(&lines),
                    "EPL2" => format!("\nN\nA40,40,0,3,1,1,N,\"{piece}\"\nP1\n").into_bytes(),
                    _ => paper::pdf(&lines),
                };
                json!({
                    "masterTrackingNumber": number,
                    "trackingNumber": piece,
                    // Each piece repeats the whole here, and holds nothing there.
                    "netRateAmount": dollars(cents),
                    "netChargeAmount": 0.0,
                    "packageDocuments": [{
                        "contentType": "LABEL",
                        "copiesToPrint": 1,
                        "docType": image,
                        "encodedLabel": STANDARD.encode(bytes),
                    }],
                })
            })
            .collect();
        let invoice = parcel.abroad.then(|| {
            json!({
                "contentType": "COMMERCIAL_INVOICE",
                "copiesToPrint": 1,
                "docType": "PDF",
                "encodedLabel": STANDARD.encode(paper::pdf(&["COMMERCIAL INVOICE (SAMPLE)"])),
            })
        });
        let ground = service.contains("GROUND");
        let answer = output(&json!({"transactionShipments": [{
            "masterTrackingNumber": number,
            "serviceType": service,
            "shipDatestamp": ship_date,
            "serviceName": offer.name,
            "serviceCategory": if ground { "GROUND" } else { "EXPRESS" },
            "pieceResponses": pieces,
            "shipmentDocuments": invoice.into_iter().collect::<Vec<_>>(),
            "completedShipmentDetail": {"shipmentRating": {
                "actualRateType": "PAYOR_ACCOUNT_SHIPMENT",
                "shipmentRateDetails": [
                    {
                        "rateType": "PAYOR_LIST_SHIPMENT",
                        "totalNetCharge": dollars(cents + cents / 4),
                        "currency": "USD",
                    },
                    {
                        "rateType": "PAYOR_ACCOUNT_SHIPMENT",
                        "totalNetCharge": dollars(cents),
                        "currency": "USD",
                    },
                ],
            }},
        }]}));
        let sold = Sold {
            references,
            further_pieces: numbers.into_iter().skip(1).collect(),
            ground,
            from,
            to,
            days: offer.days(parcel.zone),
            ship_date,
            sold_at: now,
            handed_over: None,
            cancelled: None,
            closed: false,
        };
        Ok((number, sold, cents, answer))
    }

    /// `PUT /ship/v1/shipments/cancel`: until the first scan, and for Ground until the close.
    pub(super) fn cancel(&mut self, body: &Value, now: DateTime<Utc>, ledger: &Ledger) -> Answer {
        let number = text(body, "/trackingNumber");
        let cancelled = |yes: bool, words: &str| {
            output(&json!({
                "cancelledShipment": yes,
                "cancelledHistory": yes,
                "message": words,
            }))
        };
        let Some(sold) = self.shipments.get_mut(number) else {
            let words = "Tracking number is not found.";
            return refusal(StatusCode::NOT_FOUND, "NOT.FOUND.ERROR", words);
        };
        if sold.cancelled.is_some() {
            return cancelled(false, "Shipment is cancelled already");
        }
        if sold.closed || sold.fetched_at().is_some_and(|at| at <= now) {
            return cancelled(false, "Shipment cannot be cancelled any more");
        }
        sold.cancelled = Some(now);
        ledger.label_voided(number, now);
        cancelled(true, "Shipment is successfully cancelled")
    }

    /// `PUT /ship/v1/endofday/`.
    pub(super) fn close(&mut self, body: &Value) -> Answer {
        let date = read_date(text(body, "/closeDate"));
        let open = self.shipments.values_mut().filter(|sold| {
            sold.ground && !sold.closed && sold.cancelled.is_none() && Some(sold.ship_date) == date
        });
        let mut count = 0_u32;
        for sold in open {
            sold.closed = true;
            count += 1;
        }
        if count == 0 {
            return bad_request("CLOSE.NOSHIPMENTS", "There are no shipments to close.");
        }
        form(&format!("{count} parcels"))
    }

    /// `POST /ship/v1/endofday/`: the form of a label that is closed, by its number.
    pub(super) fn reprint(&mut self, body: &Value) -> Answer {
        let sold = self.shipments.get(text(body, "/trackingNumber"));
        let wants = (text(body, "/closeReqType"), text(body, "/reprintOption"));
        match sold.filter(|sold| sold.closed && wants == ("RGCDR", "BY_TRACKING_NUMBER")) {
            Some(sold) => form(&format!("closed for {}", sold.ship_date)),
            None => bad_request("CLOSE.NOSHIPMENTS", "There is nothing to print again."),
        }
    }

    /// `POST /pickup/v1/pickups`.
    pub(super) fn order_pickup(&mut self, body: &Value) -> Answer {
        let network = text(body, "/carrierCode");
        if !["FDXE", "FDXG"].contains(&network) {
            return bad_request("CARRIERCODE.INVALID", "carrierCode is invalid.");
        }
        let zip = text(body, "/originDetail/pickupLocation/address/postalCode");
        if is_unknown_zip(zip) {
            return bad_request("PICKUP.POSTALCODE.MISSING", "The postal code is missing.");
        }
        let code = format!("{network}{}", 3_001 + self.pickups_ordered);
        self.pickups_ordered += 1;
        self.pickups.insert(code.clone(), network.to_owned());
        output(&json!({
            "pickupConfirmationCode": code,
            "message": "Courier on the way",
            "location": "COSA",
        }))
    }

    /// `PUT /pickup/v1/pickups/cancel`.
    pub(super) fn cancel_pickup(&mut self, body: &Value) -> Answer {
        let code = text(body, "/pickupConfirmationCode");
        match self.pickups.get(code) {
            Some(network) if network == text(body, "/carrierCode") => {
                self.pickups.remove(code);
                output(&json!({
                    "pickupConfirmationCode": code,
                    "cancelConfirmationMessage":
                        "Requested pickup has been cancelled Successfully.",
                }))
            }
            _ => bad_request("PICKUP.NUMBER.EXPIRED", "Pickup number has expired."),
        }
    }
}

/// A form of the end of the day.
fn form(line: &str) -> Answer {
    let lines = ["FEDEX GROUND MANIFEST (SAMPLE)", line];
    output(&json!({"closeDocuments": [{
        "type": "MANIFEST",
        "copiesToPrint": "1",
        "parts": [{
            "documentPartSequenceNumber": "0",
            "image": STANDARD.encode(paper::pdf(&lines)),
        }],
    }]}))
}
