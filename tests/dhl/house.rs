//! What the tests share: a carrier that says what it is told, and parcels.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, NaiveDate, TimeZone, Utc};
use http::{HeaderMap, StatusCode};
use orderflow::client::{Quota, Response, Transport, TransportError, WireRequest};
use orderflow::ids::CarrierId;
use orderflow::ports::{CarrierAdapter, Recovery};
use orderflow::shipment::{
    CustomsDeclaration, CustomsItem, Label, LabelCost, LabelFormat, LabelIntent, LabelRecord,
    LabelRequest, RateRequest, ServiceKey,
};
use orderflow::{
    Address, Contact, Country, Currency, Dimensions, ErrorKind, Grams, IdempotencyKey, Millimetres,
    Money, ServiceCode, TrackingNumber,
};
use serde_json::Value;

pub(crate) fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/fixtures/dhl/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The names of all JSON files of a folder of fixtures.
pub(crate) fn fixtures_of(folder: &str) -> Vec<String> {
    let path = format!("{}/tests/fixtures/dhl/{folder}", env!("CARGO_MANIFEST_DIR"));
    let mut names: Vec<String> = std::fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".json"))
        .collect();
    names.sort();
    assert!(!names.is_empty());
    names
}

pub(crate) fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 3, 17, 0, 0).unwrap()
}

pub(crate) fn today() -> NaiveDate {
    noon().date_naive()
}

pub(crate) const FAST: Quota = Quota::per_second(1_000).with_burst(1_000);
pub(crate) const BASE: &str = "https://dhl.test";

/// What the carrier says to a path.
#[derive(Debug, Clone)]
pub(crate) enum Says {
    This(u16, Bytes),
    /// This label, under the package id that was sent.
    Sold(Bytes),
    /// It acts, and its answer is lost.
    Nothing,
}

impl Says {
    pub(crate) fn fixture(status: u16, name: &str) -> Self {
        Self::This(status, fixture(name).into())
    }

    pub(crate) fn sold(name: &str) -> Self {
        Self::Sold(fixture(name).into())
    }

    pub(crate) fn text(status: u16, text: &str) -> Self {
        Self::This(status, Bytes::copy_from_slice(text.as_bytes()))
    }

    pub(crate) fn json(status: u16, value: &Value) -> Self {
        Self::text(status, &value.to_string())
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) verb: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// A carrier that says what it is told, and remembers what it was asked.
#[derive(Debug, Default)]
pub(crate) struct Carrier {
    says: Mutex<Vec<(String, Says)>>,
    asked: Mutex<Vec<Call>>,
}

impl Carrier {
    /// For `VERB /path`, `VERB /path?beginning-of-the-query`, or `*`, which is every call nobody named.
    pub(crate) fn says(&self, call: &str, says: Says) {
        self.says.lock().unwrap().push((call.to_owned(), says));
    }

    /// Every call but logins, in order.
    pub(crate) fn calls(&self) -> Vec<Call> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|call| call.path != "/auth/v4/accesstoken").cloned().collect()
    }

    pub(crate) fn last(&self) -> Call {
        self.calls().pop().expect("nobody called")
    }

    /// The body of the last call to a path.
    pub(crate) fn body(&self, path: &str) -> Value {
        let calls = self.calls();
        let found = calls.iter().rev().find(|call| call.path == path);
        let body = &found.unwrap_or_else(|| panic!("nobody asked for {path}")).body;
        serde_json::from_slice(body).unwrap()
    }
}

#[async_trait]
impl Transport for Carrier {
    async fn send(&self, request: WireRequest) -> Result<Response, TransportError> {
        let rest = request.url.strip_prefix(BASE).unwrap();
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        self.asked.lock().unwrap().push(Call {
            verb: request.method.to_string(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: request.headers.clone(),
            body: request.body.clone(),
        });
        if path == "/auth/v4/accesstoken" {
            let body = Bytes::from(fixture("ecommerce/token-200.json"));
            return Ok(Response { status: StatusCode::OK, headers: HeaderMap::new(), body });
        }
        let call = format!("{} {path}", request.method);
        // The newest word for a call holds.
        let known = self.says.lock().unwrap().clone();
        let says = known
            .iter()
            .rev()
            .find(|(said, _)| {
                *said == call || (said.contains('?') && format!("{call}?{query}").starts_with(said))
            })
            .or_else(|| known.iter().rev().find(|(said, _)| said == "*"));
        match says.unwrap_or_else(|| panic!("nothing to say to {call}")).1.clone() {
            Says::This(status, body) => Ok(Response {
                status: StatusCode::from_u16(status).unwrap(),
                headers: HeaderMap::new(),
                body,
            }),
            Says::Sold(label) => {
                let sent: Value = serde_json::from_slice(&request.body).unwrap();
                let mut label: Value = serde_json::from_slice(&label).unwrap();
                label["labels"][0]["packageId"] = sent["packageDetail"]["packageId"].clone();
                let body = Bytes::from(label.to_string());
                Ok(Response { status: StatusCode::OK, headers: HeaderMap::new(), body })
            }
            Says::Nothing => Err(TransportError::after_send("timed out")),
        }
    }
}

pub(crate) fn as_transport(carrier: &Arc<Carrier>) -> Arc<dyn Transport> {
    Arc::<Carrier>::clone(carrier)
}

fn contact(name: &str, lines: &[&str], city: &str, state: &str, code: &str) -> Contact {
    Contact {
        name: name.into(),
        phone: Some("+1 555 010 0199".into()),
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

pub(crate) fn parisian() -> Contact {
    let mut contact = contact("Jeanne Acheteuse", &["9 Rue Simart"], "Paris", "", "75018");
    contact.address.state = None;
    contact.address.country = Country::new("FR");
    contact
}

pub(crate) fn declaration() -> CustomsDeclaration {
    CustomsDeclaration::sale(vec![CustomsItem {
        description: "Ceramic mug".to_owned(),
        units: 2,
        unit_value: Money::from_minor(1_250, Currency::USD),
        unit_weight: Grams::new(300),
        origin: Country::new("MX").unwrap(),
        hs_code: Some("691200".to_owned()),
        sku: None,
    }])
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

pub(crate) fn parcel_abroad() -> RateRequest {
    RateRequest { recipient: parisian(), customs: Some(Box::new(declaration())), ..parcel() }
}

pub(crate) fn purchase(carrier: CarrierId, service: &'static str, reference: &str) -> LabelRequest {
    LabelRequest {
        account: None,
        sender: sender(),
        recipient: recipient(),
        service: ServiceKey::new(carrier, ServiceCode::from_static(service)),
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

pub(crate) fn abroad(request: LabelRequest) -> LabelRequest {
    LabelRequest { recipient: parisian(), customs: Some(Box::new(declaration())), ..request }
}

pub(crate) fn key(text: &str) -> IdempotencyKey {
    IdempotencyKey::derive(&["label", text, "1"])
}

pub(crate) fn record(carrier: CarrierId, service: &'static str, number: &str) -> LabelRecord {
    LabelRecord {
        key: key("PK-1"),
        carrier,
        service: ServiceCode::from_static(service),
        number: TrackingNumber::new(number).unwrap(),
        carrier_reference: None,
        cost: LabelCost::unstated(Currency::USD),
        purchased_at: noon(),
        mailing_date: Some(today()),
        formats: Vec::new(),
    }
}

/// Checks that what cannot be printed or carried is named, and nothing is sold.
pub(crate) async fn names_what_cannot_be_sent(carrier: &dyn CarrierAdapter, right: &LabelRequest) {
    let mut cases: Vec<(LabelRequest, &str)> = unprintable()
        .into_iter()
        .map(|(recipient, field)| (LabelRequest { recipient, ..right.clone() }, field))
        .collect();
    cases.extend(impossible().into_iter().map(|((grams, dimensions), field)| {
        let weight = Grams::new(grams);
        (LabelRequest { weight, dimensions, ..right.clone() }, field)
    }));
    let references = vec!["PK\u{202e}-1".to_owned()];
    cases.push((LabelRequest { references, ..right.clone() }, "references[0]"));
    for (request, field) in cases {
        let error = carrier.buy_label(&request, &key("PK-1")).await.unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some(field)));
    }
}

/// What nobody can print, in any field of a recipient, and the field that must be named.
fn unprintable() -> Vec<(Contact, &'static str)> {
    ["\0", "\u{7}", "\u{9f}", "\u{202e}", "\u{2066}"]
        .into_iter()
        .flat_map(|odd| {
            let spoilt = |change: &dyn Fn(&mut Contact)| {
                let mut contact = recipient();
                change(&mut contact);
                contact
            };
            [
                (spoilt(&|c| c.name = format!("Joe{odd}").into()), "recipient.name"),
                (spoilt(&|c| c.company = Some(format!("{odd}A").into())), "recipient.company"),
                (spoilt(&|c| c.phone = Some(format!("5550100199{odd}").into())), "recipient.phone"),
                (spoilt(&|c| c.email = Some(format!("a@b{odd}.c").into())), "recipient.email"),
                (
                    spoilt(&|c| c.address.lines[1] = format!("Apt{odd} 4").into()),
                    "recipient.address.lines",
                ),
                (spoilt(&|c| c.address.city.push_str(odd)), "recipient.address.city"),
            ]
        })
        .collect()
}

/// Sizes and weights that no parcel has, and the field that must be named.
fn impossible() -> Vec<((u32, Option<Dimensions>), &'static str)> {
    let mm = Millimetres::new;
    let sized = |a, b, c| Some(Dimensions::new(mm(a), mm(b), mm(c)));
    vec![
        ((700, sized(255, 150, 0)), "dimensions"),
        ((700, sized(u32::MAX, 1, 1)), "dimensions"),
        ((u32::MAX, None), "weight"),
        ((0, None), "weight"),
    ]
}

pub(crate) fn intent(request: LabelRequest, text: &str) -> LabelIntent {
    LabelIntent { key: key(text), request, created_at: noon(), sent_at: noon() }
}

/// The texts that must never be seen.
pub(crate) const CANARIES: [&str; 5] =
    ["canary-id", "canary-secret", "canary-account", "canary-user", "canary-password"];

pub(crate) fn shows_no_secret(text: &str) {
    for canary in CANARIES {
        assert!(!text.contains(canary), "{canary} in {text}");
    }
}

/// Buys as a host does: after a lost answer it looks until it knows, and buys again only what was
/// surely not bought.
pub(crate) async fn buy_patiently(
    carrier: &dyn CarrierAdapter,
    request: &LabelRequest,
    text: &str,
) -> Label {
    let mut lost = false;
    for _ in 0..60 {
        let error = if lost {
            match carrier.recover_label(&intent(request.clone(), text)).await {
                Ok(Recovery::Found(label)) => return *label,
                Ok(Recovery::Absent) => {
                    lost = false;
                    continue;
                }
                Ok(undecided) => panic!("{text}: {undecided:?}"),
                Err(error) => error,
            }
        } else {
            match carrier.buy_label(request, &key(text)).await {
                Ok(label) => return label,
                Err(error) => error,
            }
        };
        lost |= error.is_ambiguous();
        // A login or a search whose answer cannot be read has done nothing.
        let passes = error.is_passing() || error.kind() == ErrorKind::UnexpectedAnswer;
        assert!(lost || passes, "{text}: {error}");
    }
    panic!("{text} is not bought");
}

/// Runs what a property tries once, in virtual time.
pub(crate) fn in_virtual_time<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(work)
}
