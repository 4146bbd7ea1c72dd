//! A stand-in of DHL Express.
//!
//! Each purchase makes a waybill: there are no keys. A shipment is found again by its reference, after
//! a while; parcels move as virtual time goes by.

use std::collections::HashMap;
use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use http::StatusCode;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde_json::{Value, json};

use super::travel::{Journey, Step, amount, fetched_at, number, set, text};
use crate::money::{Currency, Money};
use crate::sandbox::{Answer, Asked, Ledger, Quirk, Scenario, SoldLabel, StandIn, lock, paper};

/// A product: code, local code, name, cents, cents a kilogram, days, whether it crosses borders.
type Product = (&'static str, &'static str, &'static str, u32, u32, u8, bool);

const PRODUCTS: &[Product] = &[
    ("P", "P", "EXPRESS WORLDWIDE NONDOC", 4_890, 910, 2, true),
    ("Y", "Y", "EXPRESS 12:00 NONDOC", 5_950, 980, 2, true),
    ("H", "H", "ECONOMY SELECT NONDOC", 3_120, 640, 5, true),
    ("N", "L", "EXPRESS DOMESTIC", 1_480, 390, 1, false),
    // A decoy: quoted to everybody, sold to few, and cheap.
    ("W", "W", "ECONOMY SELECT", 100, 10, 4, true),
    ("W", "W", "ECONOMY SELECT", 100, 10, 4, false),
];

/// 70 kg a piece.
const MOST_GRAMS: u32 = 70_000;

/// The product, acted out.
///
/// Any user and password are taken, except the password `wrong`. Postal code `00000` is not found,
/// the city `Springfield` is found several times.
///
/// Parcels are fetched in the afternoon of the day they are sold on, unless
/// [`hand_over`](Self::hand_over) was called before.
#[derive(Debug)]
pub struct DhlExpressStandIn {
    ledger: Ledger,
    findable_after: TimeDelta,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    shipments: HashMap<String, Sold>,
    scenarios: HashMap<String, Scenario>,
    pickups: Vec<String>,
    /// How many confirmations were ever given: none is used again.
    confirmations: u32,
}

#[derive(Debug, Clone)]
struct Sold {
    references: Vec<String>,
    account: String,
    pieces: Vec<String>,
    from: String,
    to: String,
    days: u8,
    sold_at: DateTime<Utc>,
    handed_over: Option<DateTime<Utc>>,
}

impl DhlExpressStandIn {
    /// A carrier that has sold nothing yet and writes what it sells into the ledger. New shipments
    /// are found by their reference at once.
    #[must_use]
    pub fn new(ledger: Ledger) -> Self {
        Self { ledger, findable_after: TimeDelta::zero(), state: Mutex::default() }
    }

    /// New shipments are found by their reference only after a while.
    #[must_use]
    pub fn with_reference_delay(mut self, delay: TimeDelta) -> Self {
        self.findable_after = delay;
        self
    }

    /// The shipment is with the carrier since `at`. Tells whether the number is known. A later call
    /// does not move the first one.
    pub fn hand_over(&self, number: &str, at: DateTime<Utc>) -> bool {
        let mut state = lock(&self.state);
        let sold = state.shipments.get_mut(number);
        sold.map(|sold| sold.handed_over.get_or_insert(at)).is_some()
    }

    /// Decides what becomes of a shipment, before or after it is sold.
    pub fn set_scenario(&self, number: &str, scenario: Scenario) {
        lock(&self.state).scenarios.insert(number.to_owned(), scenario);
    }

    /// What the tracking API of all divisions pushes about the shipments at `now`: one body for each
    /// that is moving, with its whole history, by number.
    #[must_use]
    pub fn pushed(&self, now: DateTime<Utc>) -> Vec<Vec<u8>> {
        let state = lock(&self.state);
        let mut moving: Vec<(&String, &Sold)> = state.shipments.iter().collect();
        moving.sort_by_key(|(number, _)| number.as_str());
        moving
            .into_iter()
            .filter_map(|(number, sold)| {
                let steps = state.journey(number, sold).steps(now);
                if !steps.iter().any(|(_, step)| *step != Step::Announced) {
                    return None;
                }
                let events: Vec<Value> =
                    steps.iter().rev().map(|(at, step)| told(*at, *step, sold)).collect();
                let body = json!({
                    "scope": "subscription.push",
                    "shipments": [{"id": number, "service": "express", "events": events}],
                });
                Some(body.to_string().into_bytes())
            })
            .collect()
    }

    fn route(&self, asked: &Asked<'_>, now: DateTime<Utc>) -> Answer {
        if asked.header("x-version").is_none_or(|version| version != "3.1.0") {
            return refusal(StatusCode::BAD_REQUEST, "Missing mandatory parameters: x-version");
        }
        let login = asked.header("authorization").and_then(|login| login.strip_prefix("Basic "));
        let login = login.and_then(|login| STANDARD.decode(login).ok()).unwrap_or_default();
        let login = String::from_utf8_lossy(&login).into_owned();
        if login.is_empty() || login.starts_with(':') || login.ends_with(":wrong") {
            return refusal(StatusCode::UNAUTHORIZED, "Invalid Credentials");
        }
        let mut state = lock(&self.state);
        let body: Value = serde_json::from_slice(asked.body).unwrap_or_default();
        match (asked.method.as_str(), asked.path) {
            ("POST", "/rates") => rates(&body, now),
            ("POST", "/shipments") => state.ship(&body, now, &self.ledger),
            ("GET", "/tracking") => self.track(&state, asked, now),
            ("GET", path) if path.starts_with("/shipments/") => {
                let number = path.split('/').nth(2).unwrap_or_default();
                let exact = asked.query_value("requestGMTOffsetPerEvent").is_some();
                let found: Vec<Value> = state
                    .shipments
                    .get(number)
                    .map(|sold| state.history(number, sold, asked.quirk, exact, now))
                    .into_iter()
                    .collect();
                shipments(found)
            }
            ("GET", "/address-validate") => place(asked),
            ("POST", "/pickups") => state.order_pickup(&body),
            ("DELETE", path) if path.starts_with("/pickups/") => state.cancel_pickup(asked),
            _ => refusal(StatusCode::NOT_FOUND, "The stand-in does not know this call"),
        }
    }

    fn track(&self, state: &State, asked: &Asked<'_>, now: DateTime<Utc>) -> Answer {
        let mut found: Vec<(&String, &Sold)> = Vec::new();
        if let Some(reference) = asked.query_value("shipmentReference") {
            let account = asked.query_value("shipperAccountNumber");
            let ranged = asked.query_value("dateRangeFrom").is_some()
                && asked.query_value("dateRangeTo").is_some();
            let Some(account) = account.filter(|_| ranged) else {
                let words = "Missing mandatory parameters: shipperAccountNumber";
                return refusal(StatusCode::BAD_REQUEST, words);
            };
            found.extend(state.shipments.iter().filter(|(_, sold)| {
                sold.account == account
                    && sold.references.contains(&reference)
                    && now - sold.sold_at >= self.findable_after
            }));
        }
        for name in ["shipmentTrackingNumber", "pieceTrackingNumber"] {
            let numbers = asked.query_value(name).unwrap_or_default();
            let numbers: Vec<&str> = numbers.split(',').collect();
            if numbers.len() > 200 {
                return refusal(StatusCode::BAD_REQUEST, "At most 200 numbers");
            }
            found.extend(state.shipments.iter().filter(|(number, sold)| {
                if name == "pieceTrackingNumber" {
                    sold.pieces.iter().any(|piece| numbers.contains(&piece.as_str()))
                } else {
                    numbers.contains(&number.as_str())
                }
            }));
        }
        found.sort_by_key(|(number, _)| number.as_str());
        let found = found
            .into_iter()
            .map(|(number, sold)| state.history(number, sold, asked.quirk, false, now))
            .collect();
        shipments(found)
    }
}

fn shipments(found: Vec<Value>) -> Answer {
    if found.is_empty() {
        return refusal(StatusCode::NOT_FOUND, "No data found");
    }
    answer(StatusCode::OK, &json!({ "shipments": found }))
}

/// The weight of all packages, in grams.
fn grams(packages: &[Value]) -> Option<u32> {
    packages.iter().try_fold(0_u32, |sum, package| {
        let grams = number(package, "/weight")?.checked_mul(Decimal::ONE_THOUSAND)?.to_u32()?;
        sum.checked_add(grams.clamp(1, u32::MAX))
    })
}

fn cents(product: &Product, grams: u32) -> u32 {
    product.3 + product.4 * grams.div_ceil(1_000)
}

/// What must be right of every request for a parcel: its products' kind and its weight.
fn check(
    from: &Value,
    to: &Value,
    packages: &Value,
    planned: &str,
    now: DateTime<Utc>,
) -> Result<(bool, u32), Box<Answer>> {
    let refused = |words: &str| Box::new(refusal(StatusCode::BAD_REQUEST, words));
    for place in [from, to] {
        if place.get("postalCode").is_none() || text(place, "/cityName").is_empty() {
            return Err(Box::new(refusal(
                StatusCode::UNPROCESSABLE_ENTITY,
                "#/customerDetails/receiverDetails: required key [postalCode] not found",
            )));
        }
        if text(place, "/postalCode") == "00000" {
            return Err(refused("3003: The location is not found"));
        }
    }
    let at = planned.split("GMT").next().unwrap_or_default().trim();
    let local = NaiveDateTime::parse_from_str(at, "%Y-%m-%dT%H:%M:%S");
    let offset = planned.split("GMT").nth(1).and_then(|o| o.parse::<chrono::FixedOffset>().ok());
    let (Ok(local), Some(offset), true) = (local, offset, planned.len() <= 29) else {
        return Err(refused("998: The date has a wrong format"));
    };
    let planned = local.and_utc() - TimeDelta::seconds(i64::from(offset.local_minus_utc()));
    if planned < now || planned - now > TimeDelta::days(10) {
        return Err(refused("996: The requested product is not available on this date"));
    }
    let packages = packages.as_array().cloned().unwrap_or_default();
    let heavy =
        packages.iter().any(|package| grams(std::slice::from_ref(package)) > Some(MOST_GRAMS));
    match grams(&packages) {
        Some(grams) if grams > 0 && !heavy => {
            let border = text(from, "/countryCode") != text(to, "/countryCode");
            Ok((border, grams))
        }
        _ => Err(refused("996: The requested product is not available for this weight")),
    }
}

fn rates(body: &Value, now: DateTime<Utc>) -> Answer {
    let part = |pointer: &str| body.pointer(pointer).cloned().unwrap_or_default();
    let checked = check(
        &part("/customerDetails/shipperDetails"),
        &part("/customerDetails/receiverDetails"),
        &part("/packages"),
        text(body, "/plannedShippingDateAndTime"),
        now,
    );
    let (border, grams) = match checked {
        Ok(checked) => checked,
        Err(refused) => return *refused,
    };
    let products: Vec<Value> = PRODUCTS
        .iter()
        .filter(|product| product.6 == border)
        .map(|product| {
            let cents = cents(product, grams);
            let day = (now + TimeDelta::days(i64::from(product.5))).date_naive();
            json!({
                "productName": product.2,
                "productCode": product.0,
                "localProductCode": product.1,
                "networkTypeCode": "TD",
                "isCustomerAgreement": product.0 == "W",
                // The first is not the one that is billed, and one has no currency.
                "totalPrice": [
                    {"currencyType": "PULCL", "price": 0},
                    {"currencyType": "BASEC", "priceCurrency": "EUR", "price": amount(cents / 2)},
                    {"currencyType": "BILLC", "priceCurrency": "USD", "price": amount(cents)},
                ],
                "deliveryCapabilities": {
                    "deliveryTypeCode": "QDDC",
                    "estimatedDeliveryDateAndTime": format!("{day}T23:59:00"),
                    "totalTransitDays": product.5,
                },
            })
        })
        .collect();
    answer(StatusCode::OK, &json!({ "products": products }))
}

fn place(asked: &Asked<'_>) -> Answer {
    let value = |name: &str| asked.query_value(name).unwrap_or_default();
    let (postal_code, city) = (value("postalCode"), value("cityName"));
    if value("type").is_empty() || value("countryCode").len() != 2 {
        return refusal(StatusCode::BAD_REQUEST, "Missing mandatory parameters: countryCode");
    }
    if postal_code == "00000" {
        return refusal(StatusCode::BAD_REQUEST, "3006: The location is not found");
    }
    let place = |postal_code: &str| {
        json!({
            "countryCode": value("countryCode"),
            "postalCode": postal_code,
            "cityName": city.to_uppercase(),
            "serviceArea": {"code": "PRG", "description": "SOMEWHERE", "GMTOffset": "+01:00"},
        })
    };
    let places = if city == "Springfield" {
        vec![place("1"), place("2")]
    } else {
        vec![place(&postal_code)]
    };
    answer(StatusCode::OK, &json!({"warnings": [], "address": places}))
}

impl State {
    fn ship(&mut self, body: &Value, now: DateTime<Utc>, ledger: &Ledger) -> Answer {
        let part = |pointer: &str| body.pointer(pointer).cloned().unwrap_or_default();
        let (shipper, receiver) =
            (part("/customerDetails/shipperDetails"), part("/customerDetails/receiverDetails"));
        let packages = part("/content/packages");
        let checked = check(
            &part("/customerDetails/shipperDetails/postalAddress"),
            &part("/customerDetails/receiverDetails/postalAddress"),
            &packages,
            text(body, "/plannedShippingDateAndTime"),
            now,
        );
        let (border, grams) = match checked {
            Ok(checked) => checked,
            Err(refused) => return *refused,
        };
        let schema = |words: &str| refusal(StatusCode::UNPROCESSABLE_ENTITY, words);
        for party in [&shipper, &receiver] {
            for name in ["companyName", "fullName", "phone"] {
                if text(party, &format!("/contactInformation/{name}")).is_empty() {
                    return schema(&format!("#/customerDetails: required key [{name}] not found"));
                }
            }
            let line = text(party, "/postalAddress/addressLine1");
            if !(1..=45).contains(&line.chars().count()) {
                return schema("#/customerDetails: expected maxLength: 45");
            }
        }
        let declarable = body.pointer("/content/isCustomsDeclarable") == Some(&json!(true));
        let declared = body.pointer("/content/exportDeclaration/lineItems/0/description").is_some();
        if border && !(declarable && declared) {
            return refusal(StatusCode::BAD_REQUEST, "7120: The export declaration is missing");
        }
        if !(1..=70).contains(&text(body, "/content/description").chars().count()) {
            return schema("#/content/description: expected maxLength: 70");
        }
        let code = text(body, "/productCode");
        let product = PRODUCTS
            .iter()
            .find(|product| product.0 == code && product.6 == border && product.0 != "W");
        let Some(product) = product else {
            let words = "1001: The requested product is not available between these places";
            return refusal(StatusCode::BAD_REQUEST, words);
        };
        let format = text(body, "/outputImageProperties/encodingFormat").to_owned();
        if !["pdf", "zpl", "epl"].contains(&format.as_str()) {
            return schema("#/outputImageProperties/encodingFormat: is not one of the enum");
        }
        let serial = self.shipments.len() + 1;
        let base = 123_456_000 + u64::try_from(serial).unwrap_or(0);
        let waybill = format!("{base}{}", base % 7);
        let count = packages.as_array().map_or(1, Vec::len);
        let pieces: Vec<String> =
            (1..=count).map(|piece| format!("JD0146000{serial:06}{piece:05}")).collect();
        let references = |value: &Value| -> Vec<String> {
            let list = value.get("customerReferences").and_then(Value::as_array);
            list.into_iter().flatten().map(|r| text(r, "/value").to_owned()).collect()
        };
        let own = references(body);
        let parcels: Vec<Value> = packages.as_array().cloned().unwrap_or_default();
        let parcel = parcels.first().map(references).unwrap_or_default();
        let cents = cents(product, grams);
        ledger.label_sold(SoldLabel {
            carrier: "dhl-express".to_owned(),
            number: waybill.clone(),
            key: None,
            // The parcel; the first reference names the purchase.
            reference: own.get(1).or(parcel.first()).cloned().unwrap_or_default(),
            cost: Money::new(Decimal::new(i64::from(cents), 2), Currency::USD),
            sold_at: now,
            voided_at: None,
        });
        let wishes = body.get("getAdditionalInformation").and_then(Value::as_array);
        let linked = wishes
            .is_some_and(|list| list.iter().any(|w| text(w, "/typeCode") == "linkLabelsByPieces"));
        let label = |lines: &[&str]| {
            let bytes = match format.as_str() {
                "zpl" => paper::zpl(lines),
                "epl" => format!("\nN\nA40,40,0,3,1,1,N,\"{waybill}\"\nP1\n").into_bytes(),
                _ => paper::pdf(lines),
            };
            STANDARD.encode(bytes)
        };
        let mut documents = Vec::new();
        if linked {
            for (piece, place) in pieces.iter().zip(1..) {
                documents.push(json!({
                    "imageFormat": format.to_uppercase(),
                    "content": label(&[product.2, waybill.as_str(), piece.as_str()]),
                    "typeCode": "label",
                    "packageReferenceNumber": place,
                }));
            }
        } else {
            documents.push(json!({
                "imageFormat": format.to_uppercase(),
                "content": label(&[product.2, waybill.as_str()]),
                "typeCode": "label",
            }));
        }
        let options = body.pointer("/outputImageProperties/imageOptions").and_then(Value::as_array);
        if options.is_some_and(|list| list.iter().any(|o| text(o, "/typeCode") == "invoice")) {
            documents.push(json!({
                // Always a PDF, and in the other spelling.
                "imageFormat": "pdf",
                "content": STANDARD.encode(paper::pdf(&["COMMERCIAL INVOICE (SAMPLE)"])),
                "typeCode": "invoice",
            }));
        }
        let shown: Vec<Value> = pieces
            .iter()
            .zip(1..)
            .map(|(piece, place)| json!({"referenceNumber": place, "trackingNumber": piece}))
            .collect();
        let city = |party: &Value| {
            let place = party.pointer("/postalAddress").cloned().unwrap_or_default();
            format!("{}-{}", text(&place, "/cityName").to_uppercase(), text(&place, "/countryCode"))
        };
        let answer = answer(
            StatusCode::CREATED,
            &json!({
                "shipmentTrackingNumber": waybill,
                "packages": shown,
                "documents": documents,
                "shipmentCharges": [
                    {"currencyType": "BASEC", "priceCurrency": "EUR", "price": amount(cents / 2)},
                    {"currencyType": "BILLC", "priceCurrency": "USD", "price": amount(cents)},
                ],
            }),
        );
        self.shipments.insert(
            waybill,
            Sold {
                references: own,
                account: text(body, "/accounts/0/number").to_owned(),
                pieces,
                from: city(&shipper),
                to: city(&receiver),
                days: product.5,
                sold_at: now,
                handed_over: None,
            },
        );
        answer
    }

    fn journey(&self, number: &str, sold: &Sold) -> Journey {
        Journey {
            sold_at: sold.sold_at,
            fetched_at: sold.handed_over.unwrap_or_else(|| fetched_at(sold.sold_at)),
            days: sold.days,
            scenario: self.scenarios.get(number).copied().unwrap_or_default(),
        }
    }

    fn history(
        &self,
        number: &str,
        sold: &Sold,
        quirk: Option<Quirk>,
        exact: bool,
        now: DateTime<Utc>,
    ) -> Value {
        let journey = self.journey(number, sold);
        let mut steps = journey.steps(now);
        if quirk == Some(Quirk::LateTracking) && steps.len() > 1 {
            steps.truncate(steps.len().saturating_sub(2).max(1));
        }
        if quirk == Some(Quirk::ContradictoryTracking)
            && let Some((at, _)) = steps.last()
        {
            steps.push((*at + TimeDelta::minutes(20), Step::Processed));
        }
        // Oldest first.
        let events: Vec<Value> =
            steps.iter().map(|(at, step)| written(*at, *step, sold, exact)).collect();
        let pieces: Vec<Value> = sold
            .pieces
            .iter()
            .zip(1..)
            .map(|(piece, place)| {
                json!({"number": place, "trackingNumber": piece, "events": events})
            })
            .collect();
        json!({
            "shipmentTrackingNumber": number,
            // Of the question, not of the parcel.
            "status": "Success",
            "shipperReferences": sold
                .references
                .iter()
                .map(|value| json!({"value": value, "typeCode": "CU"}))
                .collect::<Vec<_>>(),
            "events": events,
            "pieces": pieces,
            "estimatedDeliveryDate":
                (journey.fetched_at + TimeDelta::days(i64::from(sold.days))).date_naive(),
        })
    }

    fn order_pickup(&mut self, body: &Value) -> Answer {
        if body.pointer("/shipmentDetails/0/packages/0/weight").is_none() {
            let words = "#/shipmentDetails: required key [packages] not found";
            return refusal(StatusCode::UNPROCESSABLE_ENTITY, words);
        }
        let first = self.confirmations + 1;
        self.confirmations += 2;
        let numbers: Vec<String> = (first..first + 2).map(|n| format!("PRG{n:012}")).collect();
        self.pickups.extend(numbers.iter().cloned());
        answer(StatusCode::CREATED, &json!({"dispatchConfirmationNumbers": numbers}))
    }

    fn cancel_pickup(&mut self, asked: &Asked<'_>) -> Answer {
        let named = |name: &str| asked.query_value(name).is_some_and(|value| !value.is_empty());
        if !named("requestorName") || !named("reason") {
            let words = "Missing mandatory parameters: requestorName";
            return refusal(StatusCode::BAD_REQUEST, words);
        }
        let number = asked.path.rsplit('/').next().unwrap_or_default();
        match self.pickups.iter().position(|known| known == number) {
            Some(place) => {
                self.pickups.remove(place);
                answer(StatusCode::OK, &json!({}))
            }
            None => refusal(StatusCode::NOT_FOUND, "Requested Pickup was not found"),
        }
    }
}

/// The product's own code of a step, and its words.
const fn said(step: Step) -> (&'static str, &'static str) {
    match step {
        Step::Announced => ("DUMMY_PU", "Shipment information received"),
        Step::Fetched => ("PU", "Shipment picked up"),
        Step::Processed => ("PL", "Processed"),
        Step::Departed => ("DF", "Shipment has departed from a DHL facility"),
        Step::Delayed => ("TD", "Transport delay"),
        Step::Arrived => ("AR", "Arrived at DHL Delivery Facility"),
        Step::OutForDelivery => ("WC", "Shipment is out with courier for delivery"),
        Step::Delivered => ("OK", "Delivered"),
        Step::BadAddress => ("BA", "Address information needed"),
        Step::Returning => ("RT", "Returned to shipper"),
    }
}

/// Where a step happens: "CITY-CC".
fn place_of(step: Step, sold: &Sold) -> &str {
    let early = [Step::Announced, Step::Fetched, Step::Processed, Step::Departed];
    if early.contains(&step) { &sold.from } else { &sold.to }
}

fn written(at: DateTime<Utc>, step: Step, sold: &Sold, exact: bool) -> Value {
    let (code, words) = said(step);
    let area = place_of(step, sold);
    let hours = if exact { 1 } else { 0 };
    let local = at + TimeDelta::hours(hours);
    let mut event = json!({
        "date": local.format("%Y-%m-%d").to_string(),
        "time": local.format("%H:%M:%S").to_string(),
        "typeCode": code,
        "description": words,
        "serviceArea": [{"code": "XXX", "description": area}],
        "signedBy": "",
    });
    if exact {
        set(&mut event, "GMTOffset", json!("+01:00"));
    }
    event
}

/// A step in the words of the tracking API of all divisions.
fn told(at: DateTime<Utc>, step: Step, sold: &Sold) -> Value {
    let (city, country) = place_of(step, sold).rsplit_once('-').unwrap_or_default();
    let code = match step {
        Step::Announced => "pre-transit",
        Step::Delivered => "delivered",
        Step::BadAddress => "failure",
        _ => "transit",
    };
    json!({
        "timestamp": at.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "statusCode": code,
        "description": said(step).1,
        "location": {"address": {"addressLocality": city, "countryCode": country}},
    })
}

impl StandIn for DhlExpressStandIn {
    fn name(&self) -> &'static str {
        "dhl-express"
    }

    fn answer(&self, asked: &Asked<'_>, now: DateTime<Utc>) -> Answer {
        self.route(asked, now)
    }

    fn too_many_calls(&self) -> Answer {
        refusal(StatusCode::TOO_MANY_REQUESTS, "Too many requests")
    }

    fn failure(&self) -> Answer {
        refusal(
            StatusCode::INTERNAL_SERVER_ERROR,
            "999: Process failure occurred. Process ID associated for that transaction (1234567890)",
        )
    }
}

fn answer(status: StatusCode, body: &Value) -> Answer {
    Answer::json(status, body.to_string())
}

fn refusal(status: StatusCode, detail: &str) -> Answer {
    let title = status.canonical_reason().unwrap_or_default();
    answer(
        status,
        &json!({
            "instance": "/expressapi",
            "detail": detail,
            "title": title,
            "message": title,
            "status": status.as_str(),
        }),
    )
}
