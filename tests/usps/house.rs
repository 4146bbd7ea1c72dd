//! What the tests share: an adapter, a stand-in behind it, and parcels.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, NaiveDate, TimeDelta, TimeZone, Utc};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use orderflow::carriers::usps::{
    GROUND_ADVANTAGE, PRIORITY_MAIL_INTERNATIONAL, USPS, Usps, UspsConfig,
};
use orderflow::client::{
    Clock, Quota, Response, RetryPolicy, Transport, TransportError, WireRequest,
};
use orderflow::sandbox::usps::UspsStandIn;
use orderflow::sandbox::{Answer, Asked, Ledger, Quirk, StandIn, VirtualClock};
use orderflow::shipment::{
    CustomsDeclaration, CustomsItem, LabelFormat, LabelRequest, RateRequest, ServiceKey,
};
use orderflow::{
    Address, Contact, Country, Currency, Dimensions, Grams, IdempotencyKey, Millimetres, Money,
    ServiceCode,
};

pub(crate) const BASE: &str = "https://usps.test";

pub(crate) fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/fixtures/usps/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub(crate) fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 3, 17, 0, 0).unwrap()
}

pub(crate) fn today() -> NaiveDate {
    noon().date_naive()
}

#[derive(Debug)]
pub(crate) struct WallClock(pub(crate) VirtualClock);

impl Clock for WallClock {
    fn now(&self) -> DateTime<Utc> {
        self.0.now()
    }
}

/// What happens to one request.
#[derive(Debug)]
pub(crate) enum Fate {
    /// The stand-in answers, with a quirk.
    Quirk(Quirk),
    /// The stand-in acts, but its answer is lost.
    LoseAnswer,
    /// Nothing reaches the stand-in.
    NeverSent,
    /// Somebody else answers.
    Instead(Answer),
    /// The stand-in acts, and its answer is cut after so many bytes.
    Cut(usize),
}

/// A transport in front of the stand-in.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) stand_in: Arc<UspsStandIn>,
    pub(crate) clock: VirtualClock,
    /// Fates of the next requests whose path contains the text.
    fates: Mutex<VecDeque<(String, Fate)>>,
    /// Every request: verb, path, body.
    pub(crate) seen: Mutex<Vec<(Method, String, HeaderMap, Bytes)>>,
}

impl Wire {
    /// The last body that was sent to a path.
    pub(crate) fn body(&self, path: &str) -> serde_json::Value {
        let seen = self.seen.lock().unwrap();
        let (.., body) = seen.iter().rev().find(|(_, seen, ..)| seen == path).unwrap();
        serde_json::from_slice(body).unwrap()
    }

    pub(crate) fn next(&self, path: &str, fate: Fate) {
        self.fates.lock().unwrap().push_back((path.to_owned(), fate));
    }

    pub(crate) fn count(&self, path: &str) -> usize {
        self.seen.lock().unwrap().iter().filter(|(_, seen, ..)| seen.contains(path)).count()
    }

    fn fate(&self, path: &str) -> Option<Fate> {
        let mut fates = self.fates.lock().unwrap();
        let at = fates.iter().position(|(wanted, _)| path.contains(wanted.as_str()))?;
        fates.remove(at).map(|(_, fate)| fate)
    }
}

#[async_trait]
impl Transport for Wire {
    async fn send(&self, request: WireRequest) -> Result<Response, TransportError> {
        let rest = request.url.strip_prefix(BASE).expect("the configured base address");
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        self.seen.lock().unwrap().push((
            request.method.clone(),
            path.to_owned(),
            request.headers.clone(),
            request.body.clone(),
        ));
        let fate = self.fate(path);
        if matches!(fate, Some(Fate::NeverSent)) {
            return Err(TransportError::before_send("connection refused"));
        }
        if let Some(Fate::Instead(answer)) = fate {
            return Ok(response(answer));
        }
        let quirk = match &fate {
            Some(Fate::Quirk(quirk)) => Some(*quirk),
            _ => None,
        };
        let asked = Asked {
            method: &request.method,
            path,
            query,
            headers: &request.headers,
            body: &request.body,
            quirk,
        };
        let mut answer = self.stand_in.answer(&asked, self.clock.now());
        match fate {
            Some(Fate::LoseAnswer) => return Err(TransportError::after_send("timed out")),
            Some(Fate::Cut(length)) => answer.body.truncate(length),
            _ => {}
        }
        Ok(response(answer))
    }
}

fn response(answer: Answer) -> Response {
    Response { status: answer.status, headers: answer.headers, body: answer.body }
}

/// A transport that always gives the same bytes, after a login.
#[derive(Debug)]
pub(crate) struct Canned {
    pub(crate) status: StatusCode,
    pub(crate) content_type: &'static str,
    pub(crate) body: Bytes,
}

#[async_trait]
impl Transport for Canned {
    async fn send(&self, request: WireRequest) -> Result<Response, TransportError> {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static(self.content_type));
        let (status, body) = if request.url.ends_with("/oauth2/v3/token") {
            (StatusCode::OK, Bytes::from_static(br#"{"access_token":"t","expires_in":28800}"#))
        } else if request.url.ends_with("/payment-authorization") {
            (StatusCode::OK, Bytes::from_static(br#"{"paymentAuthorizationToken":"p"}"#))
        } else {
            (self.status, self.body.clone())
        };
        Ok(Response { status, headers, body })
    }
}

pub(crate) fn config(clock: &VirtualClock) -> UspsConfig {
    UspsConfig::new(
        "canary-key",
        "canary-secret",
        "12345678",
        "903619809",
        "903619809",
        "1000123456",
    )
    .with_base(BASE)
    .with_clock(Arc::new(WallClock(clock.clone())))
    .with_quota(Quota::per_second(1_000).with_burst(1_000))
}

pub(crate) struct House {
    pub(crate) usps: Usps,
    pub(crate) wire: Arc<Wire>,
    pub(crate) ledger: Ledger,
    pub(crate) clock: VirtualClock,
}

pub(crate) fn house() -> House {
    house_with(|config| config)
}

pub(crate) fn house_with(change: impl FnOnce(UspsConfig) -> UspsConfig) -> House {
    let clock = VirtualClock::new(noon());
    let ledger = Ledger::new();
    let wire = Arc::new(Wire {
        stand_in: Arc::new(UspsStandIn::new(ledger.clone())),
        clock: clock.clone(),
        fates: Mutex::default(),
        seen: Mutex::default(),
    });
    let transport: Arc<dyn Transport> = Arc::<Wire>::clone(&wire);
    let usps = Usps::new(change(config(&clock)), transport).unwrap();
    House { usps, wire, ledger, clock }
}

/// An adapter to which the carrier always says the same.
pub(crate) fn canned(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Usps {
    canned_with(|config| config, status, content_type, body)
}

pub(crate) fn canned_with(
    change: impl FnOnce(UspsConfig) -> UspsConfig,
    status: u16,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Usps {
    let clock = VirtualClock::new(noon());
    let transport =
        Canned { status: StatusCode::from_u16(status).unwrap(), content_type, body: body.into() };
    let config = config(&clock).with_retry(RetryPolicy::none());
    Usps::new(change(config), Arc::new(transport)).unwrap()
}

impl House {
    pub(crate) fn pass(&self, hours: i64) {
        self.clock.advance(TimeDelta::hours(hours));
    }
}

pub(crate) fn contact(name: &str, line: &str, city: &str, state: &str, zip: &str) -> Contact {
    Contact {
        name: name.into(),
        phone: Some("+1 (555) 010-0199".into()),
        address: Address {
            lines: vec![line.into()],
            city: city.into(),
            state: Some(state.into()),
            postal_code: Some(zip.into()),
            country: Some(Country::US),
            residential: None,
        },
        ..Contact::default()
    }
}

pub(crate) fn sender() -> Contact {
    contact("Wanda Shipper", "1 Depot Road", "Chicago", "IL", "60601")
}

pub(crate) fn recipient() -> Contact {
    contact("Joe Q. Buyer", "1100 Wyoming St", "Saint Louis", "MO", "63118-2628")
}

/// A buyer in London, or in another country by its code.
pub(crate) fn foreigner(country: &str) -> Contact {
    let mut contact = contact("Jo Buyer", "10 Kendall Lane", "London", "Greater London", "W1A 1AA");
    contact.phone = Some("+44 20 7946 0000".into());
    contact.address.country = Country::new(country);
    contact
}

pub(crate) fn mugs() -> CustomsDeclaration {
    CustomsDeclaration {
        invoice: Some("INV-7".to_owned()),
        export_reference: Some("NO EEI 30.37(a)".to_owned()),
        ..CustomsDeclaration::sale(vec![
            CustomsItem {
                description: "Ceramic mug".to_owned(),
                units: 2,
                unit_value: Money::from_minor(1250, Currency::USD),
                unit_weight: Grams::new(200),
                origin: Country::new("MX").unwrap(),
                hs_code: Some("691200".to_owned()),
                sku: None,
            },
            CustomsItem {
                description: "Tea towel".to_owned(),
                units: 1,
                unit_value: Money::from_minor(499, Currency::USD),
                unit_weight: Grams::new(90),
                origin: Country::US,
                hs_code: None,
                sku: None,
            },
        ])
    }
}

/// A purchase of a parcel to London.
pub(crate) fn export(reference: &str) -> LabelRequest {
    let mut request = purchase(reference);
    request.recipient = foreigner("GB");
    request.service.service = ServiceCode::from_static(PRIORITY_MAIL_INTERNATIONAL);
    request.customs = Some(Box::new(mugs()));
    request
}

pub(crate) fn size() -> Dimensions {
    let mm = Millimetres::new;
    Dimensions::new(mm(230), mm(150), mm(60))
}

pub(crate) fn parcel() -> RateRequest {
    RateRequest {
        sender: sender(),
        recipient: recipient(),
        weight: Grams::new(700),
        dimensions: Some(size()),
        value: None,
        customs: None,
        mailing_date: today(),
    }
}

pub(crate) fn purchase(reference: &str) -> LabelRequest {
    LabelRequest {
        account: None,
        sender: sender(),
        recipient: recipient(),
        service: ServiceKey::new(USPS, ServiceCode::from_static(GROUND_ADVANTAGE)),
        token: None,
        weight: Grams::new(700),
        dimensions: Some(size()),
        value: None,
        customs: None,
        mailing_date: today(),
        format: LabelFormat::Pdf,
        references: vec![reference.to_owned()],
        warehouse: None,
    }
}

pub(crate) fn key(text: &str) -> IdempotencyKey {
    IdempotencyKey::derive(&["label", text, "1"])
}
