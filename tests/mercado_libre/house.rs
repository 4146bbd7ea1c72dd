//! Stand-ins and short hands of these tests.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, StatusCode};
use orderflow::client::{
    MemoryRefreshTokenStore, Quota, Response, RetryPolicy, StoredToken, Transport, TransportError,
    WireRequest,
};
use orderflow::order::PlatformOrder;
use orderflow::platforms::mercado_libre::{MercadoLibre, MercadoLibreConfig, Site, quota};
use orderflow::ports::{Page, PlatformItem, ShipmentNotice, ShipmentNoticeLine};
use orderflow::sandbox::mercado_libre::{
    CLIENT_ID, CLIENT_SECRET, FIRST_REFRESH_TOKEN, MercadoLibreStandIn, SandboxPack, Way, generate,
};
use orderflow::sandbox::{Faults, Ledger, Sandbox, VirtualClock};
use orderflow::{
    CarrierId, IdempotencyKey, PackageId, PlatformOrderId, Result, ServiceCode, TrackingNumber,
};
use serde_json::Value;

pub(super) const SELLER: u64 = 779_432_305;

/// Answers calls from a script; token calls are answered by themselves unless told otherwise.
#[derive(Debug, Default)]
pub(super) struct Script {
    pub(super) answers: Mutex<VecDeque<Answer>>,
    pub(super) tokens: Mutex<VecDeque<Answer>>,
    pub(super) seen: Mutex<Vec<WireRequest>>,
}

#[derive(Debug)]
pub(super) enum Answer {
    Full(u16, String),
    With(u16, String, Vec<(&'static str, &'static str)>),
    Lost,
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: WireRequest) -> Result<Response, TransportError> {
        let token = request.url.ends_with("/oauth/token");
        self.seen.lock().unwrap().push(request);
        let next = if token {
            self.tokens.lock().unwrap().pop_front().unwrap_or_else(|| {
                let body = fixture("oauth_refresh.response.json");
                Answer::Full(
                    200,
                    body.replace("1234567\n", &format!("{SELLER}\n"))
                        .replace("\"user_id\": 1234567", &format!("\"user_id\": {SELLER}")),
                )
            })
        } else {
            self.answers.lock().unwrap().pop_front().expect("a call that is not in the script")
        };
        match next {
            Answer::Lost => Err(TransportError::after_send("reset while reading")),
            Answer::Full(status, body) => Ok(response(status, body, Vec::new())),
            Answer::With(status, body, headers) => Ok(response(status, body, headers)),
        }
    }
}

fn response(status: u16, body: String, headers: Vec<(&'static str, &'static str)>) -> Response {
    let mut known = HeaderMap::new();
    for (name, value) in headers {
        known.insert(name, value.parse().unwrap());
    }
    Response {
        status: StatusCode::from_u16(status).unwrap(),
        headers: known,
        body: body.into_bytes().into(),
    }
}

impl Script {
    /// The requests beside those for tokens.
    pub(super) fn calls(&self) -> Vec<WireRequest> {
        let seen = self.seen.lock().unwrap();
        seen.iter().filter(|request| !request.url.ends_with("/oauth/token")).cloned().collect()
    }
}

pub(super) fn ok(body: impl Into<String>) -> Answer {
    Answer::Full(200, body.into())
}

pub(super) fn status(status: u16, body: impl Into<String>) -> Answer {
    Answer::Full(status, body.into())
}

pub(super) fn missing() -> Answer {
    status(404, fixture("order_notfound.response.json"))
}

pub(super) fn tokens(account: &str, secret: &str) -> MemoryRefreshTokenStore {
    MemoryRefreshTokenStore::new().with_token(account, StoredToken::new(secret))
}

pub(super) fn config() -> MercadoLibreConfig {
    MercadoLibreConfig::new(
        "5503910054141466",
        "client-secret-canary",
        SELLER,
        Site::brazil(),
        "shop",
        Arc::new(tokens("shop", "TG-canary-refresh")),
    )
    .with_base_url("https://mercado.test")
    .with_retry(RetryPolicy::none())
}

pub(super) fn scripted(
    config: MercadoLibreConfig,
    answers: Vec<Answer>,
) -> (MercadoLibre, Arc<Script>) {
    let script = Arc::new(Script { answers: Mutex::new(answers.into()), ..Script::default() });
    (MercadoLibre::new(config, script.clone()).unwrap(), script)
}

/// The stand-in with a shop on it.
pub(super) struct House {
    pub(super) clock: VirtualClock,
    pub(super) ledger: Ledger,
    pub(super) market: Arc<MercadoLibreStandIn>,
    pub(super) shop: MercadoLibre,
}

pub(super) fn generous(config: MercadoLibreConfig) -> MercadoLibreConfig {
    let plenty = Quota::per_second(100_000).with_burst(100_000);
    [
        quota::SEARCH,
        quota::ORDERS,
        quota::SHIPMENTS,
        quota::LABELS,
        quota::ITEMS,
        quota::STOCK,
        quota::MESSAGES_READ,
        quota::MESSAGES_WRITE,
        quota::CLAIMS,
        quota::ACCOUNT,
    ]
    .into_iter()
    .fold(config, |config, bucket| config.with_quota(bucket, plenty))
}

pub(super) fn house_with(
    faults: Faults,
    change: impl FnOnce(MercadoLibreConfig) -> MercadoLibreConfig,
) -> House {
    let (clock, ledger) = (VirtualClock::new(noon()), Ledger::new());
    let market = MercadoLibreStandIn::new(SELLER, ledger.clone());
    let sandbox =
        Sandbox::new(clock.clone(), ledger.clone()).with(market.clone()).with_faults(faults);
    let config = MercadoLibreConfig::in_memory(
        CLIENT_ID,
        CLIENT_SECRET,
        SELLER,
        Site::brazil(),
        FIRST_REFRESH_TOKEN,
    )
    .with_base_url(sandbox.base_url("mercado-libre"))
    .with_message_agent(false)
    .with_clock(Arc::new(clock.clone()));
    let shop = MercadoLibre::new(change(generous(config)), sandbox.transport()).unwrap();
    House { clock, ledger, market, shop }
}

pub(super) fn house() -> House {
    house_with(Faults::none(), |config| config)
}

impl House {
    /// Places a sale of one order with three units that travels this way.
    pub(super) fn sale(&self, seed: u64, way: Way) -> SandboxPack {
        let mut pack =
            generate(seed, 1, noon() - TimeDelta::hours(5), noon() - TimeDelta::hours(4)).remove(0);
        pack.items.truncate(1);
        pack.items[0].units = 3;
        pack.way = way;
        self.market.place(pack.clone());
        pack
    }
}

pub(super) fn noon() -> DateTime<Utc> {
    at("2026-03-04T12:00:00Z")
}

pub(super) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub(super) fn id(text: impl Into<String>) -> PlatformOrderId {
    PlatformOrderId::new(text.into()).unwrap()
}

pub(super) fn key() -> IdempotencyKey {
    IdempotencyKey::derive(&["test"])
}

pub(super) fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/mercado-libre").join(name)
}

pub(super) fn fixture(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap()
}

pub(super) fn json_fixture(name: &str) -> Value {
    serde_json::from_str(&fixture(name)).unwrap()
}

pub(super) fn notice(order: &PlatformOrder, number: &str) -> ShipmentNotice {
    ShipmentNotice {
        order: order.id.clone(),
        package: PackageId::new("p1").unwrap(),
        lines: order
            .lines
            .iter()
            .map(|line| ShipmentNoticeLine {
                line: line.id.clone(),
                reference: None,
                units: line.quantity,
            })
            .collect(),
        carrier: CarrierId::new("correios").unwrap(),
        service: ServiceCode::new("sedex").unwrap(),
        number: Some(TrackingNumber::new(number).unwrap()),
        tracking_url: Some("https://tracking.example/1".to_owned()),
        shipped_at: noon() - TimeDelta::hours(1),
        requested_service: None,
        override_cancel_request: false,
    }
}

pub(super) fn read_items<T>(page: Page<T>) -> Vec<T> {
    page.items
        .into_iter()
        .map(|item| match item {
            PlatformItem::Read(order) => *order,
            PlatformItem::Unreadable(item) => panic!("{}", item.reason),
        })
        .collect()
}

/// Compares with the file beside a fixture. `raw` is checked by itself: it is the input.
pub(super) fn expect(name: &str, mut orders: Vec<PlatformOrder>) {
    for order in &mut orders {
        order.raw = String::new().into();
    }
    let value = serde_json::to_value(&orders).unwrap();
    let file = path(name);
    if std::env::var_os("ORDERFLOW_WRITE_EXPECTED").is_some() {
        std::fs::write(&file, serde_json::to_string_pretty(&value).unwrap() + "\n").unwrap();
    }
    let expected: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    assert_eq!(value, expected, "{name}");
}
