//! A stand-in of the carrier.
//!
//! It knows its labels by key and by number, charges a key once, and moves parcels as virtual time
//! goes by. What it checks of an address is simple enough to provoke: see [`UspsStandIn`].

mod abroad;
mod desk;
mod rates;
mod travel;

use std::collections::HashMap;
use std::sync::Mutex;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use http::header::{ACCEPT, RETRY_AFTER};
use http::{HeaderValue, Method, StatusCode};
use serde_json::{Value, json};

use self::travel::{Journey, Place, Step};
use super::{Answer, Asked, Ledger, Quirk, Scenario, StandIn, lock, paper, percent_decode};

/// How long both tokens are good, in virtual time.
const TOKEN_LIFE: TimeDelta = TimeDelta::hours(8);
/// The hour at which a driver fetches what nobody has handed over: the evening in the east.
const EVENING_UTC: u32 = 23;

/// The carrier, acted out.
///
/// Any consumer key and secret are taken, except the secret `wrong`. Addresses are judged by what
/// is in them: ZIP `00000` or `99999` is not found, a street without a number is not confirmed,
/// `Tower` without a second line lacks its unit, `Several` is ambiguous, `Phantom` lies on route
/// R777, `Vacant` is empty. To other countries it sells with a customs form only, and nothing to
/// country `ZZ`.
///
/// Parcels are handed over in the evening of their mailing date unless [`hand_over`] was called
/// before, or [`without_automatic_hand_over`] turned that off.
///
/// [`hand_over`]: Self::hand_over
/// [`without_automatic_hand_over`]: Self::without_automatic_hand_over
#[derive(Debug)]
pub struct UspsStandIn {
    ledger: Ledger,
    automatic: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    issued: u64,
    access: HashMap<String, DateTime<Utc>>,
    payment: HashMap<String, DateTime<Utc>>,
    labels: HashMap<String, Sold>,
    by_key: HashMap<String, String>,
    scenarios: HashMap<String, Scenario>,
    forms: u32,
    pickups_ordered: u32,
    pickups: HashMap<String, PickupOrder>,
    /// Listener and filter of each subscription to tracking.
    subscriptions: Vec<(String, String)>,
}

/// A label that was sold. Its bytes are drawn again whenever they are asked for.
#[derive(Debug, Clone)]
struct Sold {
    key: Option<String>,
    /// Of the request, to tell a repetition from another parcel under the same key.
    digest: [u8; 32],
    number: String,
    /// Sold at the counter for other countries.
    abroad: bool,
    /// What the label call answered, without images; as text, which is a fraction of the tree.
    metadata: Box<str>,
    image_type: String,
    addressee: [String; 3],
    from: [String; 3],
    to: [String; 3],
    reference: String,
    days: u8,
    mailing_date: NaiveDate,
    sold_at: DateTime<Utc>,
    handed_over: Option<DateTime<Utc>>,
    end: Option<End>,
    on_form: bool,
    reprints: u8,
}

/// How a label ended before its parcel did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Cancelled,
    Disputed,
}

#[derive(Debug, Clone)]
struct PickupOrder {
    place: String,
    date: String,
    body: Value,
    version: u32,
}

impl UspsStandIn {
    /// A carrier that has sold nothing yet and writes what it sells into the ledger.
    #[must_use]
    pub fn new(ledger: Ledger) -> Self {
        Self { ledger, automatic: true, state: Mutex::default() }
    }

    /// Parcels move only after [`hand_over`](Self::hand_over).
    #[must_use]
    pub fn without_automatic_hand_over(mut self) -> Self {
        self.automatic = false;
        self
    }

    /// The parcel is with the carrier since `at`. Tells whether the number is known. A later call
    /// does not move the first one.
    pub fn hand_over(&self, number: &str, at: DateTime<Utc>) -> bool {
        match lock(&self.state).labels.get_mut(number) {
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

    /// "Too many requests", with the odd `Retry-After` of the carrier's own specification.
    #[must_use]
    pub fn throttled() -> Answer {
        let mut answer = refusal(StatusCode::TOO_MANY_REQUESTS, "", "Too Many Requests", "", "");
        answer.headers.insert(RETRY_AFTER, HeaderValue::from_static("Retry-After: 2"));
        answer
    }

    /// "A fault on our side".
    #[must_use]
    pub fn server_error() -> Answer {
        refusal(StatusCode::INTERNAL_SERVER_ERROR, "", "Internal Server Error", "", "")
    }

    fn route(&self, asked: &Asked<'_>, now: DateTime<Utc>) -> Answer {
        let mut state = lock(&self.state);
        let segments: Vec<&str> = asked.path.trim_matches('/').split('/').collect();
        if (asked.method, segments.as_slice()) == (&Method::POST, &["oauth2", "v3", "token"]) {
            return state.login(asked, now);
        }
        if let Some(refused) = state.check_access(asked, now) {
            return refused;
        }
        let counter = match segments.as_slice() {
            ["labels", "v3", rest @ ..] => Some((false, rest)),
            ["international-labels", "v3", rest @ ..] => Some((true, rest)),
            _ => None,
        };
        if let Some((abroad, rest)) = counter {
            return state.labels(asked, abroad, rest, now, &self.ledger);
        }
        match (asked.method.as_str(), segments.as_slice()) {
            ("POST", ["payments", "v3", "payment-authorization"]) => {
                state.authorize_payment(asked, now)
            }
            ("POST", ["shipments", "v3", "options", "search"]) => desk::options(asked, now),
            ("GET", ["addresses", "v3", "address"]) => desk::address(asked),
            ("POST", ["scan-forms", "v3", "scan-form"]) => state.scan_form(asked),
            ("POST", ["subscriptions-tracking", "v3", "subscriptions"]) => state.subscribe(asked),
            ("POST", ["pickup", "v3", "carrier-pickup"]) => state.order_pickup(asked),
            ("GET", ["pickup", "v3", "carrier-pickup", number]) => state.read_pickup(number),
            ("DELETE", ["pickup", "v3", "carrier-pickup", number]) => {
                state.cancel_pickup(asked, number)
            }
            ("POST", ["tracking", "v3r2", "tracking"]) => self.track_many(&state, asked, now),
            ("GET", ["tracking", "v3", "tracking", number]) => {
                self.track_one(&state, asked, &percent_decode(number), now)
            }
            _ => unknown_path(asked),
        }
    }

    /// The events the carrier tells of a number now, newest first; `None` for a number that has
    /// no status.
    fn steps(
        &self,
        state: &State,
        number: &str,
        quirk: Option<Quirk>,
        now: DateTime<Utc>,
    ) -> Option<Vec<Step>> {
        let sold = state.labels.get(number).filter(|sold| sold.end != Some(End::Cancelled))?;
        let evening = sold.mailing_date.and_hms_opt(EVENING_UTC, 0, 0).map(|at| at.and_utc());
        // A label bought late in the evening is fetched an hour after.
        let automatic = evening
            .filter(|_| self.automatic)
            .map(|evening| evening.max(sold.sold_at + TimeDelta::hours(1)));
        let journey = Journey {
            sold_at: sold.sold_at,
            handed_over: sold.handed_over.or(automatic),
            days: sold.days,
            scenario: state.scenarios.get(number).copied().unwrap_or_default(),
            origin: place(&sold.from),
            destination: place(&sold.to),
        };
        let mut steps = journey.steps(now);
        match quirk {
            Some(Quirk::LateTracking) if steps.len() > 1 => {
                steps.truncate(steps.len().saturating_sub(2).max(1));
            }
            Some(Quirk::ContradictoryTracking) => {
                let contradiction = steps.last().map(Step::contradiction);
                steps.extend(contradiction);
            }
            _ => {}
        }
        steps.reverse();
        Some(steps)
    }

    fn track_many(&self, state: &State, asked: &Asked<'_>, now: DateTime<Utc>) -> Answer {
        let Ok(Value::Array(questions)) = serde_json::from_slice(asked.body) else {
            return bad_request("", "the body must be an array", "");
        };
        if !(1..=35).contains(&questions.len()) {
            return bad_request("", "1 to 35 tracking numbers are allowed", "");
        }
        let mut failed = false;
        let mut answers: Vec<Value> = questions
            .iter()
            .map(|question| {
                let number = question.get("trackingNumber").and_then(Value::as_str).unwrap_or("");
                match self.steps(state, number, asked.quirk, now) {
                    Some(steps) => {
                        let newest = steps.first();
                        json!({
                            "trackingNumber": number,
                            "status": newest.map(|step| step.text),
                            "statusCategory": newest.map(|step| step.category),
                            "mailType": "DM",
                            "services": ["USPS Tracking"],
                            "kahalaIndicator": false,
                            "accessControl": "FREE",
                            "trackingEvents": steps.iter().map(Step::v3r2).collect::<Vec<_>>(),
                            "deliveryDateExpectation": {
                                "expectedDeliveryDate": expected(state, number),
                            },
                        })
                    }
                    None => {
                        failed = true;
                        json!({
                            "trackingNumber": number,
                            "statusCode": "404",
                            "error": {
                                "message": NO_STATUS,
                                "errors": [{
                                    "status": "404",
                                    "code": "150001",
                                    "title": "Not Found",
                                    "detail": NO_STATUS,
                                }],
                            },
                        })
                    }
                }
            })
            .collect();
        // "In any order": the last is first here.
        answers.reverse();
        let status = if failed { StatusCode::MULTI_STATUS } else { StatusCode::OK };
        answer(status, &Value::Array(answers))
    }

    fn track_one(
        &self,
        state: &State,
        asked: &Asked<'_>,
        number: &str,
        now: DateTime<Utc>,
    ) -> Answer {
        let (Some(steps), Some(sold)) =
            (self.steps(state, number, asked.quirk, now), state.labels.get(number))
        else {
            return bad_request("150001", NO_STATUS, "trackingNumber");
        };
        let newest = steps.first();
        let events: Vec<Value> = steps.iter().map(Step::v3).collect();
        answer(
            StatusCode::OK,
            &json!({
                "destinationCity": sold.to.first(),
                "destinationState": sold.to.get(1),
                "destinationZIP": sold.to.get(2),
                "emailEnabled": "true",
                "kahalaIndicator": "false",
                "mailClass": "USPS Ground Advantage<SUP>&#153;</SUP>",
                "mailType": "DM",
                "originCity": sold.from.first(),
                "originState": sold.from.get(1),
                "originZIP": sold.from.get(2),
                "services": ["USPS Tracking<SUP>&#174;</SUP>"],
                "status": newest.map(|step| step.text),
                "statusCategory": newest.map(|step| step.category),
                "tableCode": "T",
                "trackingEvents": events,
                "trackingNumber": number,
            }),
        )
    }
}

const NO_STATUS: &str = "12: A status update is not yet available on your package. It will be \
    available when the shipper provides an update or the package is delivered to USPS.";

fn place(parts: &[String; 3]) -> Place<'_> {
    let [city, state, zip] = parts;
    Place { city, state, zip }
}

fn expected(state: &State, number: &str) -> Option<String> {
    let sold = state.labels.get(number)?;
    Some((sold.mailing_date + TimeDelta::days(i64::from(sold.days))).to_string())
}

impl State {
    fn next_token(&mut self, kind: &str) -> String {
        self.issued += 1;
        format!("{kind}-{:08}", self.issued)
    }

    fn login(&mut self, asked: &Asked<'_>, now: DateTime<Utc>) -> Answer {
        let body: Value = serde_json::from_slice(asked.body).unwrap_or_default();
        let given = |field: &str| body.get(field).and_then(Value::as_str).unwrap_or_default();
        if given("client_id").is_empty() || matches!(given("client_secret"), "" | "wrong") {
            return answer(
                StatusCode::UNAUTHORIZED,
                &json!({
                    "error": "invalid_client",
                    "error_description": "Client authentication failed.",
                    "error_uri": "https://datatracker.ietf.org/doc/html/rfc6749#page-45",
                }),
            );
        }
        let token = self.next_token("access");
        self.access.insert(token.clone(), now + TOKEN_LIFE);
        answer(
            StatusCode::OK,
            &json!({
                "access_token": token,
                "token_type": "Bearer",
                "issued_at": now.timestamp_millis().to_string(),
                "expires_in": TOKEN_LIFE.num_seconds().to_string(),
                "status": "approved",
                "scope": "addresses service-delivery-standards  locations prices shipments tracking \
                    labels international-labels payments scan-forms pickup \
                    subscriptions-tracking",
                "issuer": "https://keyc.usps.com/realms/USPS",
                "client_id": given("client_id"),
                "application_name": "orderflow-sandbox",
                "api_products": "[Shipping]",
                "public_key": "none",
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
                "",
                "Unauthorized",
                "The access token is invalid or has expired.",
                "",
            )),
        }
    }

    fn authorize_payment(&mut self, asked: &Asked<'_>, now: DateTime<Utc>) -> Answer {
        let body: Value = serde_json::from_slice(asked.body).unwrap_or_default();
        let roles: Vec<&str> = body
            .get("roles")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|role| role.get("roleName").and_then(Value::as_str))
            .collect();
        for needed in ["PAYER", "LABEL_OWNER"] {
            if !roles.contains(&needed) {
                return bad_request("160369", &format!("{needed} role required"), "roles");
            }
        }
        let token = self.next_token("payment");
        self.payment.insert(token.clone(), now + TOKEN_LIFE);
        answer(
            StatusCode::OK,
            &json!({"paymentAuthorizationToken": token, "roles": body.get("roles")}),
        )
    }

    /// Everything that is done with labels, at either counter.
    fn labels(
        &mut self,
        asked: &Asked<'_>,
        abroad: bool,
        rest: &[&str],
        now: DateTime<Utc>,
        ledger: &Ledger,
    ) -> Answer {
        let rest = match rest.split_first() {
            Some((noun, further)) if abroad => {
                noun.strip_prefix("international-").map(|noun| (noun, further))
            }
            Some((noun, further)) => Some((*noun, further)),
            None => None,
        };
        let Some((noun, further)) = rest else { return unknown_path(asked) };
        if let Some(refused) = self.paid(asked, now) {
            return refused;
        }
        let by_key = || {
            let key = asked.header("x-idempotency-key").unwrap_or_default();
            self.by_key.get(key).cloned().unwrap_or_default()
        };
        match (asked.method.as_str(), noun, further) {
            ("POST", "label", []) => self.sell(asked, abroad, now, ledger),
            ("POST", "label-reprint", []) => {
                let number = by_key();
                self.reprint(asked, abroad, &number, now)
            }
            ("POST", "label-reprint", [number]) => {
                self.reprint(asked, abroad, &percent_decode(number), now)
            }
            ("DELETE", "label", []) => {
                let number = by_key();
                self.cancel(abroad, &number, now, ledger)
            }
            ("DELETE", "label", [number]) => {
                self.cancel(abroad, &percent_decode(number), now, ledger)
            }
            _ => unknown_path(asked),
        }
    }

    /// A refusal unless the payment token is good.
    fn paid(&self, asked: &Asked<'_>, now: DateTime<Utc>) -> Option<Answer> {
        let token = asked.header("x-payment-authorization-token").unwrap_or_default();
        match self.payment.get(token) {
            Some(until) if now < *until => None,
            _ => Some(refusal(
                StatusCode::UNAUTHORIZED,
                "",
                "Unauthorized",
                "The payment authorization token is missing or has expired.",
                "",
            )),
        }
    }
}

impl StandIn for UspsStandIn {
    fn name(&self) -> &'static str {
        "usps"
    }

    fn answer(&self, asked: &Asked<'_>, now: DateTime<Utc>) -> Answer {
        self.route(asked, now)
    }

    fn too_many_calls(&self) -> Answer {
        Self::throttled()
    }

    fn failure(&self) -> Answer {
        Self::server_error()
    }
}

fn answer(status: StatusCode, body: &Value) -> Answer {
    Answer::json(status, body.to_string())
}

fn bad_request(code: &str, detail: &str, parameter: &str) -> Answer {
    refusal(StatusCode::BAD_REQUEST, code, "Bad Request", detail, parameter)
}

fn unknown_path(asked: &Asked<'_>) -> Answer {
    let detail = format!("the stand-in does not know {} {}", asked.method, asked.path);
    refusal(StatusCode::NOT_FOUND, "", "Not Found", &detail, "")
}

/// The error envelope of all APIs but OAuth.
fn refusal(status: StatusCode, code: &str, title: &str, detail: &str, parameter: &str) -> Answer {
    let errors: Vec<Value> = if detail.is_empty() {
        Vec::new()
    } else {
        vec![json!({
            "status": status.as_str(),
            "code": code,
            "title": title,
            "detail": detail,
            "source": {"parameter": parameter},
        })]
    };
    answer(
        status,
        &json!({
            "apiVersion": "v3",
            "error": {"code": status.as_str(), "message": title, "errors": errors},
        }),
    )
}

/// Whether the caller asked for the vendor JSON instead of multipart.
fn wants_json(asked: &Asked<'_>) -> bool {
    asked
        .headers
        .get(ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accept| accept.contains("vnd.usps.labels+json"))
}
