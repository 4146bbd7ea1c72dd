//! What the tests share: an adapter, a carrier that says what it is told, and parcels.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, NaiveDate, TimeZone, Utc};
use http::{HeaderMap, StatusCode};
use orderflow::carriers::fedex::{FEDEX, Fedex, FedexConfig, GROUND};
use orderflow::client::{
    Clock, Quota, Response, RetryPolicy, Transport, TransportError, WireRequest,
};
use orderflow::sandbox::VirtualClock;
use orderflow::shipment::{LabelFormat, LabelIntent, LabelRequest, RateRequest, ServiceKey};
use orderflow::{
    Address, Contact, Country, Dimensions, Grams, IdempotencyKey, Millimetres, ServiceCode,
};
use serde_json::Value;

pub(crate) fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/fixtures/fedex/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub(crate) fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 3, 17, 0, 0).unwrap()
}

pub(crate) fn today() -> NaiveDate {
    noon().date_naive()
}

#[derive(Debug)]
struct WallClock(VirtualClock);

impl Clock for WallClock {
    fn now(&self) -> DateTime<Utc> {
        self.0.now()
    }
}

/// What the carrier says to a path.
#[derive(Debug, Clone)]
pub(crate) enum Says {
    This(u16, Bytes),
    /// It acts, and its answer is lost.
    Nothing,
}

impl Says {
    pub(crate) fn fixture(status: u16, name: &str) -> Self {
        Self::This(status, fixture(name).into())
    }

    pub(crate) fn text(status: u16, text: &str) -> Self {
        Self::This(status, Bytes::copy_from_slice(text.as_bytes()))
    }
}

/// A carrier that says what it is told, and remembers what it was asked.
#[derive(Debug, Default)]
pub(crate) struct Carrier {
    says: Mutex<Vec<(&'static str, Says)>>,
    asked: Mutex<Vec<(String, String, Bytes)>>,
}

impl Carrier {
    pub(crate) fn says(&self, path: &'static str, says: Says) {
        self.says.lock().unwrap().push((path, says));
    }

    /// Verb and path of every call but logins.
    pub(crate) fn calls(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked
            .iter()
            .filter(|(_, path, _)| path != "/oauth/token")
            .map(|(verb, path, _)| format!("{verb} {path}"))
            .collect()
    }

    /// The body of the last call to a path.
    pub(crate) fn body(&self, path: &str) -> Value {
        serde_json::from_slice(&self.raw_body(path)).unwrap()
    }

    pub(crate) fn raw_body(&self, path: &str) -> Bytes {
        let asked = self.asked.lock().unwrap();
        let found = asked.iter().rev().find(|(_, asked, _)| asked == path);
        found.unwrap_or_else(|| panic!("nobody asked for {path}")).2.clone()
    }
}

#[async_trait]
impl Transport for Carrier {
    async fn send(&self, request: WireRequest) -> Result<Response, TransportError> {
        let path = request.url.strip_prefix("https://fedex.test").unwrap().to_owned();
        self.asked.lock().unwrap().push((
            request.method.to_string(),
            path.clone(),
            request.body.clone(),
        ));
        if path == "/oauth/token" {
            let body = br#"{"access_token":"t","token_type":"bearer","expires_in":3600}"#;
            return Ok(Response {
                status: StatusCode::OK,
                headers: HeaderMap::new(),
                body: Bytes::from_static(body),
            });
        }
        assert_eq!(request.headers.get("authorization").unwrap(), "Bearer t");
        // The newest word for a path holds.
        let says =
            self.says.lock().unwrap().iter().rev().find(|(known, _)| *known == path).cloned();
        match says.unwrap_or_else(|| panic!("nothing to say to {path}")).1 {
            Says::This(status, body) => Ok(Response {
                status: StatusCode::from_u16(status).unwrap(),
                headers: HeaderMap::new(),
                body,
            }),
            Says::Nothing => Err(TransportError::after_send("timed out")),
        }
    }
}

pub(crate) struct House {
    pub(crate) fedex: Fedex,
    pub(crate) carrier: Arc<Carrier>,
    pub(crate) clock: VirtualClock,
}

pub(crate) fn house() -> House {
    house_with(|config| config)
}

pub(crate) fn house_with(change: impl FnOnce(FedexConfig) -> FedexConfig) -> House {
    let clock = VirtualClock::new(noon());
    let carrier = Arc::new(Carrier::default());
    let config = FedexConfig::new("canary-key", "canary-secret", "740561073")
        .with_base("https://fedex.test")
        .with_clock(Arc::new(WallClock(clock.clone())))
        .with_retry(RetryPolicy::none())
        .with_quota(Quota::per_second(1_000).with_burst(1_000));
    let transport: Arc<dyn Transport> = Arc::<Carrier>::clone(&carrier);
    House { fedex: Fedex::new(change(config), transport).unwrap(), carrier, clock }
}

fn contact(name: &str, lines: &[&str], city: &str, state: &str, code: &str) -> Contact {
    Contact {
        name: name.into(),
        phone: Some("+1 (555) 010-0199".into()),
        address: Address {
            lines: lines.iter().map(|line| (*line).into()).collect(),
            city: city.into(),
            state: Some(state.into()),
            postal_code: Some(code.into()),
            country: Some(Country::US),
            residential: None,
        },
        ..Contact::default()
    }
}

pub(crate) fn sender() -> Contact {
    Contact {
        company: Some("Depot".into()),
        ..contact("Wanda Shipper", &["1 Depot Road"], "Chicago", "Illinois", "60601")
    }
}

pub(crate) fn recipient() -> Contact {
    contact("Joe Q. Buyer", &["1100 Wyoming St", "Apt 4"], "Saint Louis", "MO", "63118-2628")
}

pub(crate) fn canadian(name: &str) -> Contact {
    let mut contact = contact(name, &["1 Main St"], "Moncton", "NB", "E1C4Z8");
    contact.address.country = Country::new("CA");
    contact
}

pub(crate) fn size() -> Dimensions {
    let mm = Millimetres::new;
    Dimensions::new(mm(255), mm(150), mm(60))
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
        service: ServiceKey::new(FEDEX, ServiceCode::from_static(GROUND)),
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

pub(crate) fn intent() -> LabelIntent {
    LabelIntent { key: key("PK-1"), request: purchase("PK-1"), created_at: noon(), sent_at: noon() }
}
