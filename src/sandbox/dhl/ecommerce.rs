//! A stand-in of DHL eCommerce Americas.
//!
//! Labels are sold once for each package id; domestic ones are voided until they are on a manifest;
//! manifests are made in the background; parcels move as virtual time goes by.

use std::collections::HashMap;
use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde_json::{Value, json};

use super::travel::{Journey, Step, amount, fetched_at, number, set, text};
use crate::money::{Currency, Money};
use crate::sandbox::{
    Answer, Asked, Ledger, Quirk, Scenario, SoldLabel, StandIn, lock, paper, percent_decode,
};

/// "Expires in 3600."
const TOKEN_LIFE: TimeDelta = TimeDelta::hours(1);

/// A product: id, name, cents, cents a pound, days, whether it is domestic, most pounds.
type Product = (&'static str, &'static str, u32, u32, u8, bool, u32);

const PRODUCTS: &[Product] = &[
    ("GND", "DHL SmartMail Parcel Ground", 612, 45, 5, true, 25),
    ("EXP", "DHL SmartMail Parcel Expedited", 734, 52, 3, true, 25),
    ("MAX", "DHL SmartMail Parcel Expedited Max", 911, 61, 2, true, 25),
    ("PKY", "DHL Packet International", 1_090, 420, 9, false, 4),
    ("PLY", "DHL Parcel International Standard", 1_850, 510, 10, false, 44),
    ("PLT", "DHL Parcel International Direct", 2_240, 560, 6, false, 44),
];

/// The product, acted out.
///
/// Any id and secret are taken, except the secret `wrong`. ZIP `00000` is refused.
///
/// Parcels are fetched in the afternoon of the day they are sold on, unless
/// [`hand_over`](Self::hand_over) was called before.
#[derive(Debug)]
pub struct DhlEcommerceStandIn {
    ledger: Ledger,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    issued: u64,
    access: HashMap<String, DateTime<Utc>>,
    /// By package id.
    labels: HashMap<String, Sold>,
    scenarios: HashMap<String, Scenario>,
    days: HashMap<String, Day>,
    hooks: u32,
}

#[derive(Debug, Clone)]
struct Sold {
    dhl_package_id: String,
    tracking_id: String,
    product: &'static Product,
    to: String,
    days: u8,
    bytes: Vec<u8>,
    format: String,
    sold_at: DateTime<Utc>,
    handed_over: Option<DateTime<Utc>>,
    voided: bool,
    manifested: bool,
}

#[derive(Debug, Clone)]
struct Day {
    asked: u32,
    domestic: u32,
    international: u32,
    invalid: Vec<(String, &'static str)>,
}

impl DhlEcommerceStandIn {
    /// A carrier that has sold nothing yet and writes what it sells into the ledger.
    #[must_use]
    pub fn new(ledger: Ledger) -> Self {
        Self { ledger, state: Mutex::default() }
    }

    /// The parcel is with the carrier since `at`. Tells whether the number, one of the carrier's
    /// own, is known. A later call does not move the first one.
    pub fn hand_over(&self, number: &str, at: DateTime<Utc>) -> bool {
        let mut state = lock(&self.state);
        let sold = state.labels.values_mut().find(|sold| sold.dhl_package_id == number);
        sold.map(|sold| sold.handed_over.get_or_insert(at)).is_some()
    }

    /// Decides what becomes of a parcel, by the carrier's own number.
    pub fn set_scenario(&self, number: &str, scenario: Scenario) {
        lock(&self.state).scenarios.insert(number.to_owned(), scenario);
    }

    /// How many hooks were registered.
    #[must_use]
    pub fn hooks(&self) -> u32 {
        lock(&self.state).hooks
    }

    fn route(&self, asked: &Asked<'_>, now: DateTime<Utc>) -> Answer {
        let mut state = lock(&self.state);
        let verb = asked.method.as_str();
        if (verb, asked.path) == ("POST", "/auth/v4/accesstoken") {
            return state.login(asked, now);
        }
        if let Some(refused) = state.check_access(asked, now) {
            return refused;
        }
        let body: Value = serde_json::from_slice(asked.body).unwrap_or_default();
        match (verb, asked.path) {
            ("POST", "/shipping/v4/products") => products(&body),
            ("POST", "/shipping/v4/label") => state.sell(asked, &body, now, &self.ledger),
            ("GET", path) if path.starts_with("/shipping/v4/label/") => state.find(asked),
            ("DELETE", path) if path.starts_with("/shipping/v4/label/") => {
                state.void(asked, now, &self.ledger)
            }
            ("POST", "/shipping/v4/manifest") => state.close(&body),
            ("GET", path) if path.starts_with("/shipping/v4/manifest/") => state.day(path),
            ("GET", "/tracking/v4/package/open") => state.track(asked, now),
            ("POST", "/account/v4/webhooks") => {
                state.hooks += 1;
                answer(StatusCode::OK, &json!({"active": true}))
            }
            _ => refusal(StatusCode::NOT_FOUND, "404.0000001", "Resource not found"),
        }
    }
}

/// Pounds, rounded up; none where the weight makes no sense.
fn pounds(body: &Value) -> Option<u32> {
    let value = number(body, "/packageDetail/weight/value")?;
    let pounds = match text(body, "/packageDetail/weight/unitOfMeasure") {
        "LB" => value,
        "OZ" => value.checked_div(Decimal::from(16))?,
        "KG" => value.checked_mul(Decimal::new(220_462, 5))?,
        "G" => value.checked_mul(Decimal::new(220_462, 8))?,
        _ => return None,
    };
    pounds.ceil().to_u32().filter(|pounds| *pounds > 0)
}

fn is_domestic(body: &Value) -> bool {
    let home = ["US", "PR", "VI", "GU", "AS", "MP"];
    home.contains(&text(body, "/consigneeAddress/country"))
}

/// What is missing, as the carrier points to it.
fn check(body: &Value) -> Result<u32, Box<Answer>> {
    let invalid = |path: &str, name: &str, reason: &str| {
        Box::new(answer(
            StatusCode::BAD_REQUEST,
            &json!({
                "type": format!("{ERRORS}400.0204003"),
                "title": "Static Validation Failed",
                "invalidParams": [{"name": name, "path": path, "reason": reason}],
            }),
        ))
    };
    for (path, name) in [
        ("", "pickup"),
        ("", "distributionCenter"),
        ("/returnAddress", "address1"),
        ("/consigneeAddress", "address1"),
        ("/consigneeAddress", "city"),
        ("/consigneeAddress", "country"),
        ("/packageDetail", "packageId"),
    ] {
        if text(body, &format!("{path}/{name}")).is_empty() {
            return Err(invalid(path, name, &format!("required key [{name}] not found")));
        }
    }
    if text(body, "/packageDetail/packageId").len() > 30 {
        return Err(invalid("/packageDetail", "packageId", "expected maxLength: 30"));
    }
    if text(body, "/consigneeAddress/postalCode") == "00000" {
        return Err(invalid("/consigneeAddress", "postalCode", "is not valid"));
    }
    if !is_domestic(body) && body.pointer("/customsDetails/0/itemDescription").is_none() {
        return Err(invalid("", "customsDetails", "required key [customsDetails] not found"));
    }
    pounds(body).ok_or_else(|| invalid("/packageDetail/weight", "value", "is not valid"))
}

fn cents(product: &Product, pounds: u32) -> u32 {
    product.2 + product.3 * (pounds - 1)
}

fn products(body: &Value) -> Answer {
    let pounds = match check(body) {
        Ok(pounds) => pounds,
        Err(refused) => return *refused,
    };
    let mut offers: Vec<Value> = PRODUCTS
        .iter()
        .filter(|product| product.5 == is_domestic(body) && pounds <= product.6)
        .map(|product| {
            json!({
                "orderedProductId": product.0,
                "productName": product.1,
                "trackingAvailable": true,
                "rate": {
                    "priceZone": "5",
                    "amount": amount(cents(product, pounds)),
                    "currency": text(body, "/rate/currency"),
                    "rateComponents": [{
                        "rateComponentId": "ZBPT",
                        "description": "Base rate",
                        "amount": amount(cents(product, pounds)),
                    }],
                },
                "estimatedDeliveryDate": {
                    "isGuaranteed": false,
                    "deliveryDaysMin": product.4.saturating_sub(1),
                    "deliveryDaysMax": product.4,
                },
            })
        })
        .collect();
    let mut echo = body.clone();
    if offers.is_empty() {
        set(
            &mut echo,
            "invalidParams",
            json!([{
                "name": "weight", "path": "/packageDetail", "reason": "exceeds every product's limit",
            }]),
        );
    } else {
        // Returns never have a price.
        offers.insert(0, json!({"orderedProductId": "RGN", "productName": "DHL Return Ground"}));
    }
    set(&mut echo, "products", Value::Array(offers));
    answer(StatusCode::OK, &echo)
}

impl State {
    fn sell(
        &mut self,
        asked: &Asked<'_>,
        body: &Value,
        now: DateTime<Utc>,
        ledger: &Ledger,
    ) -> Answer {
        let pounds = match check(body) {
            Ok(pounds) => pounds,
            Err(refused) => return *refused,
        };
        let format = asked.query_value("format").unwrap_or_default();
        let package_id = text(body, "/packageDetail/packageId").to_owned();
        if self.labels.contains_key(&package_id) {
            let words = "The packageId is taken already";
            return refusal(StatusCode::BAD_REQUEST, "400.0204009", words);
        }
        let id = text(body, "/orderedProductId");
        let product = PRODUCTS.iter().find(|product| {
            product.0 == id && product.5 == is_domestic(body) && pounds <= product.6
        });
        let Some(product) = product else {
            let words = "The product is not available for this package";
            return refusal(StatusCode::BAD_REQUEST, "400.0204009", words);
        };
        let serial = self.labels.len() + 1;
        let dhl_package_id = format!("4231{serial:012}");
        let city = text(body, "/consigneeAddress/city");
        let lines = [product.1, dhl_package_id.as_str(), city];
        let bytes = match format.as_str() {
            "PDF" => paper::pdf(&lines),
            "PNG" => paper::PNG.to_vec(),
            "ZPL" => paper::zpl(&lines),
            _ => {
                let words = "Missing required request parameters: [format]";
                return refusal(StatusCode::BAD_REQUEST, "400.0000001", words);
            }
        };
        let zip: String = text(body, "/consigneeAddress/postalCode").chars().take(5).collect();
        let tracking_id = if product.5 { last_mile_number(&zip, serial) } else { String::new() };
        ledger.label_sold(SoldLabel {
            carrier: "dhl-ecommerce".to_owned(),
            number: dhl_package_id.clone(),
            key: Some(package_id.clone()),
            reference: text(body, "/packageDetail/packageReference").to_owned(),
            cost: Money::new(Decimal::new(i64::from(cents(product, pounds)), 2), Currency::USD),
            sold_at: now,
            voided_at: None,
        });
        let sold = Sold {
            dhl_package_id,
            tracking_id,
            product,
            to: format!("{city}, {}", text(body, "/consigneeAddress/country")),
            days: product.4,
            bytes,
            format,
            sold_at: now,
            handed_over: None,
            voided: false,
            manifested: false,
        };
        let written = sold.written(&package_id);
        self.labels.insert(package_id, sold);
        answer(StatusCode::OK, &written)
    }

    /// The label that the query names, with its package id.
    fn named(&self, asked: &Asked<'_>) -> Option<String> {
        let by_ours = asked.query_value("packageId");
        let by_theirs = asked.query_value("dhlPackageId");
        self.labels
            .iter()
            .find(|(id, sold)| {
                !sold.voided
                    && (by_ours.as_ref() == Some(*id)
                        || by_theirs.as_ref() == Some(&sold.dhl_package_id))
            })
            .map(|(id, _)| id.clone())
    }

    fn find(&self, asked: &Asked<'_>) -> Answer {
        let found = self.named(asked).and_then(|id| Some(self.labels.get(&id)?.written(&id)));
        match found {
            Some(written) => answer(StatusCode::OK, &written),
            None => refusal(StatusCode::NOT_FOUND, "404.0204001", "Label not found"),
        }
    }

    fn void(&mut self, asked: &Asked<'_>, now: DateTime<Utc>, ledger: &Ledger) -> Answer {
        let id = self.named(asked);
        let Some(sold) = id.and_then(|id| self.labels.get_mut(&id)) else {
            return refusal(StatusCode::NOT_FOUND, "404.0204001", "Label not found");
        };
        if !sold.product.5 || sold.manifested {
            let words = "The label cannot be voided";
            return refusal(StatusCode::BAD_REQUEST, "400.0204009", words);
        }
        sold.voided = true;
        ledger.label_voided(&sold.dhl_package_id, now);
        answer(StatusCode::OK, &json!({}))
    }

    fn close(&mut self, body: &Value) -> Answer {
        let ids = body.pointer("/manifests/0/dhlPackageIds").and_then(Value::as_array);
        let ids: Vec<String> =
            ids.into_iter().flatten().filter_map(|id| id.as_str().map(str::to_owned)).collect();
        let mut day = Day { asked: 0, domestic: 0, international: 0, invalid: Vec::new() };
        if ids.is_empty() {
            // Everything open: nobody here may ask for that.
            let words = "The stand-in closes only what is named";
            return refusal(StatusCode::BAD_REQUEST, "400.0404003", words);
        }
        for id in ids {
            match self.labels.values_mut().find(|sold| sold.dhl_package_id == id) {
                Some(sold) if sold.voided => day.invalid.push((id, "VOIDED")),
                Some(sold) if sold.manifested => day.invalid.push((id, "MANIFESTED_ALREADY")),
                None => day.invalid.push((id, "NOT_FOUND")),
                Some(sold) => {
                    sold.manifested = true;
                    if sold.product.5 {
                        day.domestic += 1;
                    } else {
                        day.international += 1;
                    }
                }
            }
        }
        let request_id = format!("00000000-0000-4000-8000-{:012}", self.days.len() + 1);
        self.days.insert(request_id.clone(), day);
        answer(StatusCode::OK, &json!({"requestId": request_id, "link": format!("{ERRORS}x")}))
    }

    /// Not ready at the first question.
    fn day(&mut self, path: &str) -> Answer {
        let request_id = path.rsplit('/').next().unwrap_or_default().to_owned();
        let Some(day) = self.days.get_mut(&request_id) else {
            return refusal(StatusCode::NOT_FOUND, "404.0404001", "Manifest not found");
        };
        day.asked += 1;
        if day.asked < 2 {
            let progress = json!({"requestId": request_id, "status": "IN_PROGRESS"});
            return answer(StatusCode::OK, &progress);
        }
        let serial = request_id.rsplit('-').next().unwrap_or_default().to_owned();
        let form = |international: bool, total: u32| {
            let lines = ["DHL DRIVER MANIFEST (SAMPLE)", &format!("{total} parcels")];
            json!({
                "manifestId":
                    format!("DSM-{}-{}", &serial, if international { "I" } else { "D" }),
                "isInternational": international,
                "total": total,
                "manifestData": STANDARD.encode(paper::pdf(&lines)),
                "encodeType": "BASE64",
                "format": "PDF",
            })
        };
        let mut forms = Vec::new();
        for (international, total) in [(false, day.domestic), (true, day.international)] {
            if total > 0 {
                forms.push(form(international, total));
            }
        }
        let invalid: Vec<Value> = day
            .invalid
            .iter()
            .map(|(id, code)| {
                json!({"dhlPackageId": id, "errorCode": code, "errorDescription": "not taken"})
            })
            .collect();
        answer(
            StatusCode::OK,
            &json!({
                "requestId": request_id,
                "status": "COMPLETED",
                "manifests": forms,
                "manifestSummary": {
                    "total": day.domestic as usize + day.international as usize + invalid.len(),
                    "invalid": {"total": invalid.len(), "dhlPackageIds": invalid},
                },
            }),
        )
    }

    fn track(&self, asked: &Asked<'_>, now: DateTime<Utc>) -> Answer {
        let kinds = ["dhlPackageId", "trackingId", "packageId"];
        let given: Vec<(&str, String)> =
            kinds.iter().filter_map(|kind| Some((*kind, asked.query_value(kind)?))).collect();
        let [(kind, numbers)] = given.as_slice() else {
            let words = "One kind of number is needed";
            return refusal(StatusCode::BAD_REQUEST, "400.0304003", words);
        };
        let numbers: Vec<&str> = numbers.split(',').collect();
        if numbers.len() > 10 {
            return refusal(StatusCode::BAD_REQUEST, "400.0304003", "At most 10 numbers");
        }
        let mut packages: Vec<(&String, &Sold)> = self
            .labels
            .iter()
            .filter(|(id, sold)| {
                let own = match *kind {
                    "dhlPackageId" => &sold.dhl_package_id,
                    "trackingId" => &sold.tracking_id,
                    _ => *id,
                };
                !sold.voided && !own.is_empty() && numbers.contains(&own.as_str())
            })
            .collect();
        packages.sort_by_key(|(_, sold)| &sold.dhl_package_id);
        let offset: usize =
            asked.query_value("offset").and_then(|text| text.parse().ok()).unwrap_or(0);
        let total = packages.len();
        let page: Vec<Value> = packages
            .into_iter()
            .skip(offset)
            .take(10)
            .map(|(id, sold)| self.history(id, sold, asked.quirk, now))
            .collect();
        answer(
            StatusCode::OK,
            &json!({"total": total, "limit": 10, "offset": offset, "packages": page}),
        )
    }

    fn history(&self, id: &str, sold: &Sold, quirk: Option<Quirk>, now: DateTime<Utc>) -> Value {
        let journey = Journey {
            sold_at: sold.sold_at,
            fetched_at: sold.handed_over.unwrap_or_else(|| fetched_at(sold.sold_at)),
            days: sold.days,
            scenario: self.scenarios.get(&sold.dhl_package_id).copied().unwrap_or_default(),
        };
        let mut steps = journey.steps(now);
        if quirk == Some(Quirk::LateTracking) && steps.len() > 1 {
            steps.truncate(steps.len().saturating_sub(2).max(1));
        }
        if quirk == Some(Quirk::ContradictoryTracking)
            && let Some((at, _)) = steps.last()
        {
            steps.push((*at + TimeDelta::minutes(20), Step::Processed));
        }
        let events: Vec<Value> =
            steps.iter().rev().map(|(at, step)| written(*at, *step, &sold.to)).collect();
        json!({
            "package": {
                "packageId": id,
                "dhlPackageId": sold.dhl_package_id,
                "trackingId": sold.tracking_id,
                "productName": sold.product.1,
                "expectedDelivery":
                    (journey.fetched_at + TimeDelta::days(i64::from(sold.days))).date_naive(),
            },
            "events": events,
        })
    }

    fn login(&mut self, asked: &Asked<'_>, now: DateTime<Utc>) -> Answer {
        let form = String::from_utf8_lossy(asked.body).into_owned();
        let given = |name: &str| {
            form.split('&').find_map(|pair| {
                let (key, value) = pair.split_once('=')?;
                (key == name).then(|| percent_decode(value))
            })
        };
        if given("grant_type").as_deref() != Some("client_credentials") {
            return refusal(StatusCode::BAD_REQUEST, "400.0000004", "Invalid grant type");
        }
        if given("client_id").is_none_or(|id| id.is_empty())
            || matches!(given("client_secret").as_deref(), None | Some("" | "wrong"))
        {
            return refusal(StatusCode::BAD_REQUEST, "400.0000005", "Invalid credentials");
        }
        self.issued += 1;
        let token = format!("dhl-ecommerce-{:08}", self.issued);
        self.access.insert(token.clone(), now + TOKEN_LIFE);
        answer(
            StatusCode::OK,
            &json!({
                "access_token": token,
                "client_id": given("client_id"),
                "token_type": "Bearer",
                "expires_in": TOKEN_LIFE.num_seconds(),
            }),
        )
    }

    fn check_access(&mut self, asked: &Asked<'_>, now: DateTime<Utc>) -> Option<Answer> {
        let token = asked.bearer().unwrap_or_default();
        if asked.quirk == Some(Quirk::TokenExpired) {
            self.access.remove(token);
        }
        match self.access.get(token) {
            Some(until) if now < *until => None,
            _ => Some(refusal(StatusCode::UNAUTHORIZED, "401.0000002", "Access token invalid")),
        }
    }
}

/// A number of the post office, check digit included, behind its routing part.
fn last_mile_number(zip: &str, serial: usize) -> String {
    let body = format!("93612690{serial:013}");
    // Weights 3 and 1 from the right.
    let sum: u32 = body
        .bytes()
        .rev()
        .zip([3_u32, 1].into_iter().cycle())
        .map(|(digit, weight)| u32::from(digit.saturating_sub(b'0')) * weight)
        .sum();
    format!("420{zip}{body}{}", (10 - sum % 10) % 10)
}

impl Sold {
    fn written(&self, package_id: &str) -> Value {
        let plain = self.format == "ZPL";
        let data = if plain {
            String::from_utf8_lossy(&self.bytes).into_owned()
        } else {
            STANDARD.encode(&self.bytes)
        };
        let mut label = json!({
            "createdOn": self.sold_at.to_rfc3339(),
            "packageId": package_id,
            "dhlPackageId": self.dhl_package_id,
            "labelData": data,
            "encodeType": if plain { "PLAIN" } else { "BASE64" },
            "format": self.format,
            "link": "https://elsewhere.invalid/shipping/v4/label",
        });
        if !self.tracking_id.is_empty() {
            set(&mut label, "trackingId", json!(self.tracking_id));
        }
        json!({"orderedProductId": self.product.0, "labels": [label]})
    }
}

/// Where parcels are until they near their recipients.
const DISTRIBUTION_CENTER: &str = "Avenel, NJ, US";

fn written(at: DateTime<Utc>, step: Step, to: &str) -> Value {
    let (code, words) = match step {
        Step::Announced => (238, "LABEL CREATED"),
        Step::Fetched => (200, "PACKAGE RECEIVED AT DHL ECOMMERCE DISTRIBUTION CENTER"),
        Step::Processed => (365, "PROCESSED SORT FACILITY"),
        Step::Departed => (120, "DEPARTURE DHL DISTRIBUTION CENTER"),
        Step::Delayed => (450, "POSSIBLE TRANSIT DELAY"),
        Step::Arrived => (494, "ARRIVED AT DELIVERY FACILITY"),
        Step::OutForDelivery => (598, "OUT FOR DELIVERY"),
        Step::Delivered => (600, "DELIVERED"),
        Step::BadAddress => (631, "UNDELIVERABLE - INCORRECT ADDRESS"),
        Step::Returning => (800, "RETURN TO SENDER"),
    };
    let local = at.with_timezone(&chrono_tz::Tz::America__New_York);
    let early = [Step::Announced, Step::Fetched, Step::Processed, Step::Departed, Step::Delayed];
    let location = if early.contains(&step) { DISTRIBUTION_CENTER } else { to };
    json!({
        "date": local.format("%Y-%m-%d").to_string(),
        "time": local.format("%H:%M:%S").to_string(),
        "timeZone": "ET",
        "location": location,
        "primaryEventId": code,
        "primaryEventDescription": words,
    })
}

impl StandIn for DhlEcommerceStandIn {
    fn name(&self) -> &'static str {
        "dhl-ecommerce"
    }

    fn answer(&self, asked: &Asked<'_>, now: DateTime<Utc>) -> Answer {
        self.route(asked, now)
    }

    fn too_many_calls(&self) -> Answer {
        answer(StatusCode::TOO_MANY_REQUESTS, &json!({"title": "Spike arrest violation"}))
    }

    fn failure(&self) -> Answer {
        let words = "Unknown exception - API Service";
        refusal(StatusCode::INTERNAL_SERVER_ERROR, "500.0000999", words)
    }
}

const ERRORS: &str = "https://api-sandbox.dhlecs.com/docs/errors/";

fn answer(status: StatusCode, body: &Value) -> Answer {
    Answer::json(status, body.to_string())
}

fn refusal(status: StatusCode, code: &str, title: &str) -> Answer {
    answer(status, &json!({"type": format!("{ERRORS}{code}"), "title": title}))
}
