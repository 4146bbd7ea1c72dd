//! A stand-in of the carrier.
//!
//! Each purchase makes a shipment: there are no keys. A shipment is found again by its reference,
//! after a while; it is cancelled until its first scan; parcels move as virtual time goes by.

mod desk;
mod travel;

use std::collections::HashMap;
use std::sync::Mutex;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use http::StatusCode;
use serde_json::{Value, json};

use self::travel::{Journey, Scan};
use super::{Answer, Asked, Ledger, Quirk, Scenario, StandIn, lock, percent_decode};

/// "Valid for one hour."
const TOKEN_LIFE: TimeDelta = TimeDelta::hours(1);
/// The hour at which the daily driver comes: the late afternoon in the middle of the country.
const PICKUP_UTC: u32 = 22;

/// The carrier, acted out.
///
/// Any key and secret are taken, except the secret `wrong`. Addresses are judged by what is in
/// them: ZIP `00000` or `99999` is not found, a street without a number is not confirmed, `Tower`
/// without a second line lacks its suite, `Several` has several matches, `Office` is a business.
///
/// Parcels are fetched in the afternoon of their ship date unless [`hand_over`](Self::hand_over)
/// was called before.
#[derive(Debug)]
pub struct FedexStandIn {
    ledger: Ledger,
    /// After how long a new shipment is found by its reference.
    findable_after: TimeDelta,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    issued: u64,
    access: HashMap<String, DateTime<Utc>>,
    shipments: HashMap<String, Sold>,
    /// The shipment of each further piece.
    pieces: HashMap<String, String>,
    scenarios: HashMap<String, Scenario>,
    pickups: HashMap<String, String>,
    /// How many were ever ordered: a confirmation is not used again.
    pickups_ordered: u32,
}

/// A shipment that was made.
#[derive(Debug, Clone)]
struct Sold {
    references: Vec<String>,
    /// Of a shipment of several pieces, all but the first, whose number is the shipment's.
    further_pieces: Vec<String>,
    ground: bool,
    from: [String; 2],
    to: [String; 2],
    days: u8,
    ship_date: NaiveDate,
    sold_at: DateTime<Utc>,
    handed_over: Option<DateTime<Utc>>,
    cancelled: Option<DateTime<Utc>>,
    closed: bool,
}

impl Sold {
    /// When the carrier has the parcel. A label bought after the driver was there is fetched an
    /// hour after.
    fn fetched_at(&self) -> Option<DateTime<Utc>> {
        let driver = self.ship_date.and_hms_opt(PICKUP_UTC, 0, 0)?.and_utc();
        Some(self.handed_over.unwrap_or(driver.max(self.sold_at + TimeDelta::hours(1))))
    }
}

impl FedexStandIn {
    /// A carrier that has sold nothing yet and writes what it sells into the ledger. New shipments
    /// are found by their reference at once.
    #[must_use]
    pub fn new(ledger: Ledger) -> Self {
        Self { ledger, findable_after: TimeDelta::zero(), state: Mutex::default() }
    }

    /// New shipments are found by their reference only after a while, as the carrier's are.
    #[must_use]
    pub fn with_reference_delay(mut self, delay: TimeDelta) -> Self {
        self.findable_after = delay;
        self
    }

    /// The parcel is with the carrier since `at`. Tells whether the number is known. A later call
    /// does not move the first one.
    pub fn hand_over(&self, number: &str, at: DateTime<Utc>) -> bool {
        match lock(&self.state).shipments.get_mut(number) {
            Some(sold) => {
                sold.handed_over.get_or_insert(at);
                true
            }
            None => false,
        }
    }

    /// Decides what becomes of a parcel, before or after its label is sold.
    pub fn set_scenario(&self, number: &str, scenario: Scenario) {
        lock(&self.state).scenarios.insert(number.to_owned(), scenario);
    }

    fn route(&self, asked: &Asked<'_>, now: DateTime<Utc>) -> Answer {
        let mut state = lock(&self.state);
        if (asked.method.as_str(), asked.path) == ("POST", "/oauth/token") {
            return state.login(asked, now);
        }
        if let Some(refused) = state.check_access(asked, now) {
            return refused;
        }
        let Ok(body) = serde_json::from_slice::<Value>(asked.body) else {
            return refusal(StatusCode::BAD_REQUEST, "BAD.REQUEST.ERROR", "The body is not JSON.");
        };
        match (asked.method.as_str(), asked.path) {
            ("POST", "/rate/v1/rates/quotes") => desk::rates(&body),
            ("POST", "/ship/v1/shipments") => state.ship(&body, now, &self.ledger),
            ("PUT", "/ship/v1/shipments/cancel") => state.cancel(&body, now, &self.ledger),
            ("POST", "/track/v1/trackingnumbers") => self.track(&state, asked, &body, now),
            ("POST", "/track/v1/referencenumbers") => self.find(&state, &body, now),
            ("POST", "/address/v1/addresses/resolve") => desk::address(&body),
            ("PUT", "/ship/v1/endofday/") => state.close(&body),
            ("POST", "/ship/v1/endofday/") => state.reprint(&body),
            ("POST", "/pickup/v1/pickups") => state.order_pickup(&body),
            ("PUT", "/pickup/v1/pickups/cancel") => state.cancel_pickup(&body),
            _ => refusal(
                StatusCode::NOT_FOUND,
                "NOT.FOUND.ERROR",
                &format!("the stand-in does not know {} {}", asked.method, asked.path),
            ),
        }
    }

    fn scans(
        &self,
        state: &State,
        number: &str,
        quirk: Option<Quirk>,
        now: DateTime<Utc>,
    ) -> Option<Vec<Scan>> {
        let sold = state.shipments.get(state.master(number))?;
        let journey = Journey {
            sold_at: sold.sold_at,
            cancelled: sold.cancelled,
            handed_over: sold.fetched_at(),
            days: sold.days,
            scenario: state.scenarios.get(number).copied().unwrap_or_default(),
            from: &sold.from,
            to: &sold.to,
        };
        let mut scans = journey.scans(now);
        match quirk {
            Some(Quirk::LateTracking) if scans.len() > 1 => {
                scans.truncate(scans.len().saturating_sub(2).max(1));
            }
            Some(Quirk::ContradictoryTracking) => {
                scans.extend(scans.last().map(Scan::contradiction));
            }
            _ => {}
        }
        scans.reverse();
        Some(scans)
    }

    fn track(&self, state: &State, asked: &Asked<'_>, body: &Value, now: DateTime<Utc>) -> Answer {
        let questions = body.get("trackingInfo").and_then(Value::as_array);
        let Some(questions) = questions.filter(|list| (1..=30).contains(&list.len())) else {
            let words = "Please provide 1 to 30 tracking numbers.";
            return refusal(StatusCode::BAD_REQUEST, "TRACKING.TRACKINGNUMBER.EMPTY", words);
        };
        let results: Vec<Value> = questions
            .iter()
            .map(|question| {
                let number = desk::text(question, "/trackingNumberInfo/trackingNumber");
                match self.scans(state, number, asked.quirk, now) {
                    Some(scans) => self.result(state, number, &scans),
                    None => not_found(number),
                }
            })
            .collect();
        output(&json!({ "completeTrackResults": results }))
    }

    fn result(&self, state: &State, number: &str, scans: &[Scan]) -> Value {
        let expected = state.shipments.get(state.master(number)).map(|sold| {
            let day = sold.ship_date + TimeDelta::days(i64::from(sold.days));
            format!("{day}T00:00:00")
        });
        let newest = scans.first();
        json!({
            "trackingNumber": number,
            "trackResults": [{
                "trackingNumberInfo": {
                    "trackingNumber": number,
                    "carrierCode": "FDXG",
                    "trackingNumberUniqueId": format!("12028~{number}~FDEG"),
                },
                "latestStatusDetail": {
                    "code": newest.map(|scan| scan.code),
                    "description": newest.map(|scan| scan.text),
                },
                "dateAndTimes": [{"type": "ESTIMATED_DELIVERY", "dateTime": expected}],
                "estimatedDeliveryTimeWindow": {"window": {}},
                "scanEvents": scans.iter().map(Scan::written).collect::<Vec<_>>(),
                "error": {},
            }],
        })
    }

    /// By reference: only what is old enough to be found.
    fn find(&self, state: &State, body: &Value, now: DateTime<Utc>) -> Answer {
        let reference = desk::text(body, "/referencesInformation/value");
        for needed in ["shipDateBegin", "shipDateEndDate", "value"] {
            if desk::text(body, &format!("/referencesInformation/{needed}")).is_empty() {
                let words = format!("{needed} is needed.");
                return refusal(
                    StatusCode::BAD_REQUEST,
                    "TRACKING.REFERENCEDATA.INCOMPLETE",
                    &words,
                );
            }
        }
        let mut numbers: Vec<&String> = state
            .shipments
            .iter()
            .filter(|(_, sold)| {
                sold.references.iter().any(|known| known == reference)
                    && now - sold.sold_at >= self.findable_after
            })
            .map(|(number, _)| number)
            .collect();
        numbers.sort();
        let mut results: Vec<Value> = numbers
            .into_iter()
            .filter_map(|number| {
                let scans = self.scans(state, number, None, now)?;
                Some(self.result(state, number, &scans))
            })
            .collect();
        if results.is_empty() {
            results.push(json!({"trackResults": [{"error": {
                "code": "TRACKING.REFERENCENUMBER.NOTFOUND",
                "message": "Reference number cannot be found.",
            }}]}));
        }
        output(&json!({ "completeTrackResults": results }))
    }
}

fn not_found(number: &str) -> Value {
    json!({
        "trackingNumber": number,
        "trackResults": [{
            "trackingNumberInfo": {"trackingNumber": number},
            "error": {
                "code": "TRACKING.TRACKINGNUMBER.NOTFOUND",
                "message": "Tracking number cannot be found. Please correct the tracking number \
                    and try again.",
            },
        }],
    })
}

impl State {
    /// The number of the shipment that a piece belongs to.
    fn master<'a>(&'a self, number: &'a str) -> &'a str {
        self.pieces.get(number).map_or(number, String::as_str)
    }

    fn login(&mut self, asked: &Asked<'_>, now: DateTime<Utc>) -> Answer {
        let form = String::from_utf8_lossy(asked.body).into_owned();
        let given = |name: &str| {
            form.split('&').find_map(|pair| {
                let (key, value) = pair.split_once('=')?;
                (key == name).then(|| percent_decode(value))
            })
        };
        let refused = given("client_id").is_none_or(|id| id.is_empty())
            || matches!(given("client_secret").as_deref(), None | Some("" | "wrong"))
            || given("grant_type").is_none();
        if refused {
            let words = "The given client credentials were not valid. Please modify your request \
                and try again.";
            return refusal(StatusCode::UNAUTHORIZED, "NOT.AUTHORIZED.ERROR", words);
        }
        self.issued += 1;
        let token = format!("fedex-{:08}", self.issued);
        self.access.insert(token.clone(), now + TOKEN_LIFE);
        answer(
            StatusCode::OK,
            &json!({
                "access_token": token,
                "token_type": "bearer",
                "expires_in": TOKEN_LIFE.num_seconds(),
                "scope": "CXS",
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
            _ => Some(refusal(
                StatusCode::UNAUTHORIZED,
                "NOT.AUTHORIZED.ERROR",
                "Access token expired. Please modify your request and try again.",
            )),
        }
    }
}

impl StandIn for FedexStandIn {
    fn name(&self) -> &'static str {
        "fedex"
    }

    fn answer(&self, asked: &Asked<'_>, now: DateTime<Utc>) -> Answer {
        self.route(asked, now)
    }

    fn too_many_calls(&self) -> Answer {
        let words = "Request exceeds the limit of calls. Please try again later.";
        refusal(StatusCode::TOO_MANY_REQUESTS, "TOO.MANY.REQUESTS", words)
    }

    fn failure(&self) -> Answer {
        let words = "We encountered an unexpected error and are working to resolve the issue. We \
            apologize for any inconvenience. Please check back at a later time.";
        refusal(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL.SERVER.ERROR", words)
    }
}

fn answer(status: StatusCode, body: &Value) -> Answer {
    Answer::json(status, body.to_string())
}

fn output(output: &Value) -> Answer {
    answer(StatusCode::OK, &json!({"transactionId": TRANSACTION, "output": output}))
}

const TRANSACTION: &str = "624deea6-b709-470c-8c39-4b5511281492";

fn refusal(status: StatusCode, code: &str, message: &str) -> Answer {
    let errors = [json!({"code": code, "message": message})];
    answer(status, &json!({"transactionId": TRANSACTION, "errors": errors}))
}
