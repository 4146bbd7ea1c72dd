//! Stand-ins and short hands of these tests.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use orderflow::client::{Response, RetryPolicy, Transport, TransportError, WireRequest};
use orderflow::order::PlatformOrder;
use orderflow::platforms::walmart::{Walmart, WalmartConfig};
use orderflow::ports::{
    MarketplaceAdapter, OrderQuery, Page, PlatformItem, ShipmentNotice, ShipmentNoticeLine,
};
use orderflow::{
    CarrierId, Currency, IdempotencyKey, LineId, Money, PackageId, PlatformOrderId, Result,
    ServiceCode, TrackingNumber,
};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// Answers calls from a script; the token call is answered by itself.
#[derive(Debug, Default)]
pub(super) struct Script {
    pub(super) answers: Mutex<VecDeque<Answer>>,
    pub(super) seen: Mutex<Vec<WireRequest>>,
}

#[derive(Debug)]
pub(super) enum Answer {
    Full(u16, Vec<u8>, Vec<(&'static str, &'static str)>),
    Lost,
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: WireRequest) -> Result<Response, TransportError> {
        let token = request.url.ends_with("/v3/token");
        self.seen.lock().unwrap().push(request);
        let answer = if token {
            let body = fixture("post_token.response.clientCredentialsRes.json");
            Answer::Full(200, body.into_bytes(), Vec::new())
        } else {
            self.answers.lock().unwrap().pop_front().expect("a call that is not in the script")
        };
        match answer {
            Answer::Lost => Err(TransportError::after_send("reset while reading")),
            Answer::Full(status, body, pairs) => {
                let mut headers = HeaderMap::new();
                for (name, value) in pairs {
                    headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
                }
                let status = StatusCode::from_u16(status).unwrap();
                Ok(Response { status, headers, body: body.into() })
            }
        }
    }
}

impl Script {
    /// The requests beside those for tokens.
    pub(super) fn calls(&self) -> Vec<WireRequest> {
        let seen = self.seen.lock().unwrap();
        seen.iter().filter(|request| !request.url.ends_with("/v3/token")).cloned().collect()
    }

    pub(super) fn body(&self, index: usize) -> Value {
        serde_json::from_slice(&self.calls()[index].body).unwrap()
    }
}

pub(super) fn ok(body: impl Into<Vec<u8>>) -> Answer {
    Answer::Full(200, body.into(), Vec::new())
}

pub(super) fn status(status: u16, body: impl Into<Vec<u8>>) -> Answer {
    Answer::Full(status, body.into(), Vec::new())
}

pub(super) fn config() -> WalmartConfig {
    WalmartConfig::new("client-id-canary", "client-secret-canary", "shop")
        .with_base_url("https://walmart.test")
        .with_retry(RetryPolicy::none())
}

pub(super) fn shop_with(config: WalmartConfig, answers: Vec<Answer>) -> (Walmart, Arc<Script>) {
    let script = Arc::new(Script { answers: Mutex::new(answers.into()), ..Script::default() });
    (Walmart::new(config, script.clone()).unwrap(), script)
}

pub(super) fn shop(answers: Vec<Answer>) -> (Walmart, Arc<Script>) {
    shop_with(config(), answers)
}

pub(super) fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/walmart").join(name)
}

pub(super) fn fixture(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap()
}

pub(super) fn json_fixture(name: &str) -> Value {
    serde_json::from_str(&fixture(name)).unwrap()
}

pub(super) fn id(text: &str) -> PlatformOrderId {
    PlatformOrderId::new(text).unwrap()
}

pub(super) fn key() -> IdempotencyKey {
    IdempotencyKey::derive(&["test"])
}

pub(super) fn usd(text: &str) -> Money {
    Money::new(text.parse().unwrap(), Currency::USD)
}

pub(super) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub(super) fn created() -> OrderQuery {
    OrderQuery::Created { from: at("2026-01-01T00:00:00Z"), to: at("2026-01-02T00:00:00Z") }
}

pub(super) const ORDER: &str = "get_orders_purchaseOrderId.response.ORDER.json";

/// The official single order, changed by `change`.
pub(super) fn order_with(change: impl FnOnce(&mut Value)) -> String {
    let mut value = json_fixture(ORDER);
    change(&mut value["order"]);
    value.to_string()
}

pub(super) fn line_of(order: &mut Value) -> &mut Value {
    &mut order["orderLines"]["orderLine"][0]
}

pub(super) fn rows(order: &mut Value, rows: Value) {
    line_of(order)["orderLineStatuses"]["orderLineStatus"] = rows;
}

pub(super) fn row(status: &str, units: u32) -> Value {
    let amount = units.to_string();
    json!({"status": status, "statusQuantity": {"unitOfMeasurement": "EACH", "amount": amount}})
}

/// The order with its line under the notice's number.
pub(super) fn shipped_order() -> String {
    order_with(|order| {
        let info = &mut line_of(order)["orderLineStatuses"]["orderLineStatus"][0];
        info["trackingInfo"]["trackingNumber"] = json!("22344");
    })
}

pub(super) async fn read(body: String) -> PlatformOrder {
    let (shop, _) = shop(vec![ok(body)]);
    shop.get_order(&id("1")).await.unwrap()
}

pub(super) fn notice() -> ShipmentNotice {
    ShipmentNotice {
        order: id("1815367951431"),
        package: PackageId::new("p1").unwrap(),
        lines: vec![ShipmentNoticeLine {
            line: LineId::new("1").unwrap(),
            reference: Some("92344".to_owned()),
            units: 1,
        }],
        carrier: CarrierId::new("ups").unwrap(),
        service: ServiceCode::new("ground").unwrap(),
        number: Some(TrackingNumber::new("22344").unwrap()),
        tracking_url: None,
        shipped_at: DateTime::from_timestamp_millis(1_580_821_866_000).unwrap(),
        requested_service: Some("Standard".to_owned()),
        override_cancel_request: false,
    }
}

pub(super) fn read_items(page: Page<PlatformOrder>) -> Vec<PlatformOrder> {
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
