//! The Walmart adapter against official examples, a scripted vendor and hostile bytes.
#![cfg(feature = "walmart")]
// Clippy excuses test functions only, not the stand-ins beside them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::{BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use orderflow::client::{Response, RetryPolicy, Transport, TransportError, WireRequest};
use orderflow::order::{CancelReason, DeadlineKind, LogisticsMode, PlatformOrder, UnitStatus};
use orderflow::platforms::walmart::{LineAmount, WALMART, Walmart, WalmartConfig, WebhookAuth};
use orderflow::ports::{
    CancelLine, MarketplaceAdapter, MarketplaceExt, OrderQuery, Page, PlatformItem,
    PlatformLabelRequest, RefundLine, ShipmentNotice, ShipmentNoticeLine, StockLevel,
    WebhookRequest,
};
use orderflow::shipment::{LabelFormat, LabelRequest, RateRequest, ServiceKey};
use orderflow::{
    Address, CarrierId, Contact, Country, Currency, Dimensions, Error, ErrorKind, Grams,
    IdempotencyKey, LineId, Millimetres, Money, PackageId, PlatformOrderId, Result, Retry,
    ServiceCode, Sku, TrackingNumber,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

// ---- stand-ins --------------------------------------------------------------------------------

/// Answers calls from a script; the token call is answered by itself.
#[derive(Debug, Default)]
struct Script {
    answers: Mutex<VecDeque<Answer>>,
    seen: Mutex<Vec<WireRequest>>,
}

#[derive(Debug)]
enum Answer {
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
    fn calls(&self) -> Vec<WireRequest> {
        let seen = self.seen.lock().unwrap();
        seen.iter().filter(|request| !request.url.ends_with("/v3/token")).cloned().collect()
    }

    fn body(&self, index: usize) -> Value {
        serde_json::from_slice(&self.calls()[index].body).unwrap()
    }
}

fn ok(body: impl Into<Vec<u8>>) -> Answer {
    Answer::Full(200, body.into(), Vec::new())
}

fn status(status: u16, body: impl Into<Vec<u8>>) -> Answer {
    Answer::Full(status, body.into(), Vec::new())
}

fn config() -> WalmartConfig {
    WalmartConfig::new("client-id-canary", "client-secret-canary", "shop")
        .with_base_url("https://walmart.test")
        .with_retry(RetryPolicy::none())
}

fn shop_with(config: WalmartConfig, answers: Vec<Answer>) -> (Walmart, Arc<Script>) {
    let script = Arc::new(Script { answers: Mutex::new(answers.into()), ..Script::default() });
    (Walmart::new(config, script.clone()).unwrap(), script)
}

fn shop(answers: Vec<Answer>) -> (Walmart, Arc<Script>) {
    shop_with(config(), answers)
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/walmart").join(name)
}

fn fixture(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap()
}

fn json_fixture(name: &str) -> Value {
    serde_json::from_str(&fixture(name)).unwrap()
}

fn id(text: &str) -> PlatformOrderId {
    PlatformOrderId::new(text).unwrap()
}

fn key() -> IdempotencyKey {
    IdempotencyKey::derive(&["test"])
}

fn usd(text: &str) -> Money {
    Money::new(text.parse().unwrap(), Currency::USD)
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn created() -> OrderQuery {
    OrderQuery::Created { from: at("2026-01-01T00:00:00Z"), to: at("2026-01-02T00:00:00Z") }
}

const ORDER: &str = "get_orders_purchaseOrderId.response.ORDER.json";

/// The official single order, changed by `change`.
fn order_with(change: impl FnOnce(&mut Value)) -> String {
    let mut value = json_fixture(ORDER);
    change(&mut value["order"]);
    value.to_string()
}

fn line_of(order: &mut Value) -> &mut Value {
    &mut order["orderLines"]["orderLine"][0]
}

fn rows(order: &mut Value, rows: Value) {
    line_of(order)["orderLineStatuses"]["orderLineStatus"] = rows;
}

fn row(status: &str, units: u32) -> Value {
    let amount = units.to_string();
    json!({"status": status, "statusQuantity": {"unitOfMeasurement": "EACH", "amount": amount}})
}

async fn read(body: String) -> PlatformOrder {
    let (shop, _) = shop(vec![ok(body)]);
    shop.get_order(&id("1")).await.unwrap()
}

fn notice() -> ShipmentNotice {
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

fn read_items(page: Page<PlatformOrder>) -> Vec<PlatformOrder> {
    page.items
        .into_iter()
        .map(|item| match item {
            PlatformItem::Read(order) => *order,
            PlatformItem::Unreadable(item) => panic!("{}", item.reason),
        })
        .collect()
}

/// Compares with the file beside a fixture. `raw` is checked by itself: it is the input.
fn expect(name: &str, mut orders: Vec<PlatformOrder>) {
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

// ---- lists ------------------------------------------------------------------------------------

#[tokio::test]
async fn the_official_list_reads_as_expected_and_its_cursor_goes_back_word_for_word() {
    let list = fixture("get_orders.response.json");
    let (shop, script) = shop(vec![ok(list.clone()), ok(r#"{"list":{"elements":{"order":[]}}}"#)]);
    let first = shop.list_orders(&created(), None).await.unwrap();
    let cursor = first.next.clone().unwrap();
    let second = shop.list_orders(&created(), Some(&cursor)).await.unwrap();
    assert!(second.items.is_empty() && second.next.is_none());
    let urls: Vec<_> = script.calls().into_iter().map(|call| call.url).collect();
    assert_eq!(
        urls[0],
        "https://walmart.test/v3/orders?createdStartDate=2026-01-01T00%3A00%3A00Z\
         &createdEndDate=2026-01-02T00%3A00%3A00Z&limit=200&productInfo=true"
    );
    let expected = json_fixture("get_orders.response.json");
    let sent = expected["list"]["meta"]["nextCursor"].as_str().unwrap();
    assert_eq!(urls[1], format!("https://walmart.test/v3/orders{sent}"));
    let orders = read_items(first);
    for order in &orders {
        assert!(
            list.contains(order.raw.as_str()) && order.raw.as_str().contains(order.id.as_str())
        );
    }
    expect("get_orders.response.expect.json", orders);
}

#[tokio::test]
async fn released_orders_and_changed_orders_have_their_own_addresses() {
    let window = (at("2026-01-01T00:00:00.123Z"), at("2026-01-02T00:00:00.999Z"));
    let updated = OrderQuery::Updated { from: window.0, to: window.1 };
    let body = fixture("get_orders_released.response.json");
    let (shop, script) = shop(vec![ok(body.clone()), ok(body)]);
    let released = shop.list_orders(&OrderQuery::Released, None).await.unwrap();
    shop.list_orders(&updated, None).await.unwrap();
    let urls: Vec<_> = script.calls().into_iter().map(|call| call.url).collect();
    assert_eq!(urls[0], "https://walmart.test/v3/orders/released?limit=200&productInfo=true");
    assert!(urls[1].contains("lastModifiedStartDate=2026-01-01T00%3A00%3A00Z&"), "{}", urls[1]);
    expect("get_orders_released.response.expect.json", read_items(released));
}

#[tokio::test]
async fn an_empty_list_is_a_404_with_that_code_and_no_other_404() {
    let (one, _) = shop(vec![status(404, fixture("errors/404_no_orders.json"))]);
    let page = one.list_orders(&created(), None).await.unwrap();
    assert_eq!(page, Page { items: Vec::new(), next: None });
    let (other, _) = shop(vec![status(404, "no such route")]);
    let error = other.list_orders(&created(), None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let (order, _) = shop(vec![status(404, fixture("errors/404_no_orders.json"))]);
    assert_eq!(order.get_order(&id("1")).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn an_unreadable_order_costs_only_itself_and_names_its_field() {
    let mut list = json_fixture("get_orders.response.json");
    let orders = &mut list["list"]["elements"]["order"];
    orders[1]["orderLines"]["orderLine"][0]["orderLineQuantity"]["amount"] = json!("canary");
    orders[2] = json!("not an order");
    let (shop, _) = shop(vec![ok(list.to_string())]);
    let page = shop.list_orders(&created(), None).await.unwrap();
    assert_eq!(page.items.len(), 6);
    let bad: Vec<_> = page
        .items
        .iter()
        .filter_map(|item| match item {
            PlatformItem::Unreadable(item) => Some(item),
            PlatformItem::Read(_) => None,
        })
        .collect();
    assert_eq!(bad.len(), 2);
    assert_eq!(bad[0].id, Some(id("3796235970012")));
    assert!(bad[0].reason.contains("orderLines.orderLine[0].orderLineQuantity.amount"));
    assert!(!bad[0].reason.contains("canary") && bad[0].raw.as_str().contains("canary"));
    assert_eq!((bad[1].id.clone(), bad[1].raw.as_str()), (None, "\"not an order\""));
}

#[tokio::test]
async fn a_single_order_in_a_list_may_be_written_without_brackets() {
    let mut list = json_fixture("get_orders.response.json");
    let only = list["list"]["elements"]["order"][0].clone();
    list["list"]["elements"]["order"] = only;
    list["list"]["meta"]["nextCursor"] = json!("");
    let (shop, _) = shop(vec![ok(list.to_string())]);
    let page = shop.list_orders(&created(), None).await.unwrap();
    assert_eq!((page.items.len(), page.next), (1, None));
}

#[tokio::test]
async fn a_repeated_cursor_ends_the_walk_with_an_error() {
    let body = fixture("get_orders.response.json");
    let (shop, _) = shop(vec![ok(body.clone()), ok(body)]);
    let walked = shop.for_each_page(&created(), |_| async { Ok(()) }).await;
    assert_eq!(walked.unwrap_err().kind(), ErrorKind::UnexpectedAnswer);
}

// ---- one order --------------------------------------------------------------------------------

#[tokio::test]
async fn an_order_reads_the_same_bare_and_wrapped() {
    let wrapped = read(fixture(ORDER)).await;
    let mut bare = read(json_fixture(ORDER)["order"].to_string()).await;
    bare.raw = wrapped.raw.clone();
    assert_eq!(bare, wrapped);
    expect("get_orders_purchaseOrderId.response.ORDER.expect.json", vec![wrapped]);
}

#[tokio::test]
async fn every_line_status_has_its_meaning_and_a_new_word_is_kept() {
    let cases = [
        ("Created", UnitStatus::New),
        ("Acknowledged", UnitStatus::Acknowledged),
        ("Shipped", UnitStatus::Shipped),
        ("Delivered", UnitStatus::Delivered),
        ("Cancelled", UnitStatus::Cancelled),
        ("Refund", UnitStatus::Shipped),
        ("Teleported", UnitStatus::Unknown("Teleported".to_owned())),
    ];
    for (word, meaning) in cases {
        let order = read(order_with(|order| rows(order, json!([row(word, 1)])))).await;
        assert_eq!(order.lines[0].units[0].status, meaning, "{word}");
    }
}

#[tokio::test]
async fn a_refund_row_beside_the_full_count_is_not_counted_again() {
    let body = order_with(|order| rows(order, json!([row("Delivered", 1), row("Refund", 1)])));
    let order = read(body).await;
    let units: Vec<_> = order.lines[0].units.iter().map(|group| group.status.clone()).collect();
    assert_eq!(units, [UnitStatus::Delivered]);
}

#[tokio::test]
async fn amounts_are_exact_and_may_be_per_line_or_per_unit() {
    let body = order_with(|order| {
        let line = line_of(order);
        line["orderLineQuantity"]["amount"] = json!(3);
        line["charges"]["charge"] = json!([
            {"chargeType": "PRODUCT", "chargeAmount": {"currency": "USD", "amount": "30.03"},
             "tax": {"taxAmount": {"currency": "USD", "amount": 2.1}}},
            {"chargeType": "SHIPPING", "chargeAmount": {"currency": "USD", "amount": 4.99},
             "tax": null},
            {"chargeType": "PRODUCT", "chargeName": "SubscriptionDiscount",
             "chargeAmount": {"currency": "USD", "amount": -1.5}}
        ]);
    });
    let per_line = read(body.clone()).await;
    let line = &per_line.lines[0];
    assert_eq!((line.unit_price, line.line_total), (usd("10.01"), Some(usd("30.03"))));
    assert_eq!((line.tax, line.shipping), (Some(usd("2.1")), Some(usd("4.99"))));
    assert_eq!((line.discount, per_line.total), (Some(usd("1.5")), usd("35.62")));
    let (shop, _) = shop_with(config().with_line_amount(LineAmount::PerUnit), vec![ok(body)]);
    let per_unit = shop.get_order(&id("1")).await.unwrap();
    let line = &per_unit.lines[0];
    assert_eq!((line.unit_price, line.line_total), (usd("30.03"), Some(usd("90.09"))));
    assert_eq!(per_unit.total, usd("95.68"));
}

#[tokio::test]
async fn deadlines_end_the_days_of_the_configured_zone() {
    let kinds = |order: &PlatformOrder| {
        order.deadlines.iter().map(|due| (due.kind, due.at)).collect::<Vec<_>>()
    };
    let order = read(fixture(ORDER)).await;
    assert_eq!(
        kinds(&order),
        [
            (DeadlineKind::ShipBy, at("2021-06-18T03:59:59Z")),
            (DeadlineKind::DeliverBy, at("2021-06-25T19:00:00Z")),
            (DeadlineKind::AutoCancelUnlessShipped, at("2021-06-22T03:59:59Z")),
        ]
    );
    let other = config().with_zone(chrono_tz::America::Los_Angeles).with_auto_cancel_days(6);
    let (shop, _) = shop_with(other, vec![ok(fixture(ORDER))]);
    let order = shop.get_order(&id("1")).await.unwrap();
    assert_eq!(kinds(&order)[0].1, at("2021-06-17T06:59:59Z"));
    assert_eq!(kinds(&order)[2].1, at("2021-06-23T06:59:59Z"));
}

#[tokio::test]
async fn a_wish_to_cancel_counts_only_on_open_lines() {
    let wish = |status: &'static str, wish: Value| {
        order_with(move |order| {
            line_of(order)["intentToCancel"] = wish;
            rows(order, json!([row(status, 1)]));
        })
    };
    let asked = read(wish("Acknowledged", json!("CUSTOMER_ASKED"))).await.cancel_request.unwrap();
    assert_eq!(asked.reason.as_deref(), Some("CUSTOMER_ASKED"));
    assert_eq!(asked.lines, [LineId::new("1").unwrap()]);
    for (status, value) in [
        ("Shipped", json!("true")),
        ("Created", json!("")),
        ("Created", json!("false")),
        ("Created", json!(false)),
        ("Created", json!(null)),
    ] {
        assert_eq!(read(wish(status, value)).await.cancel_request, None);
    }
}

#[tokio::test]
async fn weight_country_node_and_identity_are_in_our_terms() {
    let body = order_with(|order| {
        line_of(order)["item"]["weight"] = json!({"value": "2", "unit": "LB"});
        order["shipNode"]["type"] = json!("WFSFulfilled");
        line_of(order)["fulfillment"]["shippingProgramType"] = json!("TWO_DAY");
    });
    let order = read(body).await;
    assert_eq!(order.lines[0].weight.map(Grams::get), Some(908));
    assert_eq!(order.logistics, LogisticsMode::PlatformFulfilled);
    assert_eq!(order.recipient.unwrap().address.country, Some(Country::US));
    assert_eq!(order.buyer.id.unwrap().as_str(), "591A65E8DCAE4471719DE70DCE2DAF2C");
    assert_eq!(order.speed, orderflow::order::SpeedClass::Expedited);
    assert_eq!(order.updated_at, DateTime::from_timestamp_millis(1_623_835_855_623));
    let named = read(order_with(|order| order["buyerId"] = json!(42))).await;
    assert_eq!(named.buyer.id.unwrap().as_str(), "42");
}

// ---- acknowledging ----------------------------------------------------------------------------

#[tokio::test]
async fn acknowledging_twice_is_success_after_a_look() {
    let done = fixture("post_orders_purchaseOrderId_acknowledge.response.json");
    let (first, script) = shop(vec![ok(done)]);
    let taken = first.acknowledge().unwrap().acknowledge(&id("1796277083022")).await.unwrap();
    assert!(!taken.already && taken.order.is_some());
    let call = &script.calls()[0];
    assert!(call.url.ends_with("/v3/orders/1796277083022/acknowledge") && call.body.is_empty());

    let refusal = fixture("errors/400_already_acknowledged.json");
    let open = order_with(|order| rows(order, json!([row("Created", 1)])));
    let (again, _) = shop(vec![status(400, refusal.clone()), ok(fixture(ORDER))]);
    assert!(again.acknowledge().unwrap().acknowledge(&id("1")).await.unwrap().already);
    let (not, _) = shop(vec![status(400, refusal), ok(open)]);
    let error = not.acknowledge().unwrap().acknowledge(&id("1")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
}

// ---- shipping ---------------------------------------------------------------------------------

/// Removes what the official example has and the adapter has no source for.
fn without_return_center(mut body: Value) -> Value {
    let lines = &mut body["orderShipment"]["orderLines"]["orderLine"];
    for line in lines.as_array_mut().unwrap() {
        let row = &mut line["orderLineStatuses"]["orderLineStatus"][0];
        row.as_object_mut().unwrap().remove("returnCenterAddress");
    }
    lines.as_array_mut().unwrap().truncate(1);
    body
}

/// The order before anything of it has left.
fn open_order() -> String {
    order_with(|order| {
        order["orderDate"] = json!(1_478_284_060_000_i64);
        rows(order, json!([row("Acknowledged", 1)]));
    })
}

#[tokio::test]
async fn the_ship_request_is_that_of_the_official_example() {
    let example = json_fixture("post_orders_purchaseOrderId_shipping.request.json");
    let official = without_return_center(example);
    let url = official["orderShipment"]["orderLines"]["orderLine"][0]["orderLineStatuses"]
        ["orderLineStatus"][0]["trackingInfo"]["trackingURL"]
        .as_str()
        .unwrap()
        .to_owned();
    let answer = fixture("post_orders_purchaseOrderId_shipping.response.json");
    let (shop, script) = shop(vec![ok(open_order()), ok(answer)]);
    let notice = ShipmentNotice { tracking_url: Some(url), ..notice() };
    let confirmed = shop.confirm_shipment(&notice, &key()).await.unwrap();
    assert!(!confirmed.already && confirmed.order.is_some());
    assert_eq!(script.body(1), official);
}

#[tokio::test]
async fn a_stranger_among_carriers_needs_a_tracking_page() {
    let stranger = ShipmentNotice { carrier: CarrierId::new("amazon").unwrap(), ..notice() };
    let answer = fixture("post_orders_purchaseOrderId_shipping.response.json");
    let (shop, script) = shop(vec![ok(open_order()), ok(answer)]);
    let error = shop.confirm_shipment(&stranger, &key()).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("tracking_url")));
    assert!(script.calls().is_empty());
    let page = Some("https://track.test/22344".to_owned());
    let stranger = ShipmentNotice { tracking_url: page, ..stranger };
    shop.confirm_shipment(&stranger, &key()).await.unwrap();
    let row = &script.body(1)["orderShipment"]["orderLines"]["orderLine"][0]["orderLineStatuses"]["orderLineStatus"]
        [0]["trackingInfo"];
    assert_eq!(row["carrierName"], json!({"otherCarrier": "amazon"}));
}

#[tokio::test]
async fn wrong_input_names_its_field_and_is_never_sent() {
    let mut no_units = notice();
    no_units.lines[0].units = 0;
    let cases = [
        (ShipmentNotice { number: None, ..notice() }, "number"),
        (ShipmentNotice { lines: Vec::new(), ..notice() }, "lines"),
        (no_units, "lines.units"),
    ];
    for (notice, field) in cases {
        let (shop, script) = shop(Vec::new());
        let error = shop.confirm_shipment(&notice, &key()).await.unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some(field)));
        assert!(script.calls().is_empty());
    }
}

#[tokio::test]
async fn a_lost_or_repeated_shipment_is_decided_by_what_the_order_shows() {
    let shown = |number: &'static str| {
        order_with(move |order| {
            let info = &mut line_of(order)["orderLineStatuses"]["orderLineStatus"][0];
            info["trackingInfo"]["trackingNumber"] = json!(number);
        })
    };
    let open = || order_with(|order| rows(order, json!([row("Acknowledged", 1)])));
    let over = || status(400, fixture("errors/400_over_shipped.json"));
    let broken = || status(500, fixture("errors/500_system.json"));
    type Outcome = std::result::Result<bool, ErrorKind>;
    let cases: Vec<(Answer, Answer, Outcome)> = vec![
        (Answer::Lost, ok(shown("22344")), Ok(true)),
        (over(), ok(shown("22344")), Ok(true)),
        (broken(), ok(shown("22344")), Ok(true)),
        (ok("<html>"), ok(shown("22344")), Ok(true)),
        (Answer::Lost, ok(shown("99999")), Err(ErrorKind::Conflict)),
        (over(), ok(shown("99999")), Err(ErrorKind::Conflict)),
        (Answer::Lost, ok(open()), Err(ErrorKind::Transient)),
        (over(), ok(open()), Err(ErrorKind::Rejected)),
        (Answer::Lost, Answer::Lost, Err(ErrorKind::Ambiguous)),
        (over(), broken(), Err(ErrorKind::Ambiguous)),
    ];
    for (index, (first, second, outcome)) in cases.into_iter().enumerate() {
        let (shop, script) = shop(vec![ok(open()), first, second]);
        let got = shop.confirm_shipment(&notice(), &key()).await;
        let kind = got.as_ref().map(|got| got.already).map_err(Error::kind);
        assert_eq!(kind, outcome, "case {index}");
        assert_eq!(script.calls().len(), 3, "case {index}");
        if outcome == Err(ErrorKind::Transient) {
            let advice = got.unwrap_err().retry();
            assert_eq!(advice, Retry::After(Duration::from_secs(2)));
        }
    }
}

#[tokio::test]
async fn a_plain_refusal_is_not_looked_after() {
    let refused = status(400, fixture("errors/400_invalid_date.json"));
    let (shop, script) = shop(vec![ok(open_order()), refused]);
    let error = shop.confirm_shipment(&notice(), &key()).await.unwrap_err();
    assert_eq!((error.kind(), script.calls().len()), (ErrorKind::Rejected, 2));
}

#[tokio::test]
async fn a_changed_number_is_sent_as_a_partial_update() {
    let under = |number: &'static str| {
        order_with(move |order| {
            let info = &mut line_of(order)["orderLineStatuses"]["orderLineStatus"][0];
            info["trackingInfo"]["trackingNumber"] = json!(number);
        })
    };
    let answer = fixture("post_orders_purchaseOrderId_shipping.response.json");
    let (shop, script) = shop(vec![ok(under("11111")), ok(answer), ok(under("22344"))]);
    let old = TrackingNumber::new("11111").unwrap();
    shop.tracking_updates().unwrap().update_tracking(&old, &notice()).await.unwrap();
    let sent = script.body(1);
    assert_eq!(sent["orderShipment"]["processMode"], "PARTIAL_UPDATE");
    let row = &sent["orderShipment"]["orderLines"]["orderLine"][0]["orderLineStatuses"]["orderLineStatus"]
        [0];
    assert_eq!(row["trackingInfo"]["trackingNumber"], "11111");
    assert_eq!(row["currentTrackingInfo"]["trackingNumber"], "22344");
}

// ---- cancelling and refunding -----------------------------------------------------------------

fn cancel(units: u32) -> CancelLine {
    let line = LineId::new("1").unwrap();
    CancelLine { line, units, reason: CancelReason::BuyerRequest }
}

#[tokio::test]
async fn the_cancel_request_is_that_of_the_official_example() {
    let (shop, script) =
        shop(vec![ok(fixture("post_orders_purchaseOrderId_cancel.response.json"))]);
    shop.cancellations().unwrap().cancel(&id("1"), &[cancel(1)]).await.unwrap();
    let mut official = json_fixture("post_orders_purchaseOrderId_cancel.request.json");
    // The reference names EACH and EA alike.
    official["orderCancellation"]["orderLines"]["orderLine"][0]["orderLineStatuses"]["orderLineStatus"]
        [0]["statusQuantity"]["unitOfMeasurement"] = json!("EACH");
    assert_eq!(script.body(0), official);
}

#[tokio::test]
async fn a_cancellation_that_is_there_already_is_success_and_a_shipped_line_is_a_refusal() {
    let gone = || order_with(|order| rows(order, json!([row("Cancelled", 1)])));
    let open = || order_with(|order| rows(order, json!([row("Created", 1)])));
    let refused = || status(400, fixture("errors/400_cancel_after_ship.json"));
    let cases = [
        (refused(), gone(), Ok(())),
        (Answer::Lost, gone(), Ok(())),
        (refused(), fixture(ORDER), Err(ErrorKind::Rejected)),
        (Answer::Lost, open(), Err(ErrorKind::Transient)),
    ];
    for (first, second, outcome) in cases {
        let (shop, _) = shop(vec![first, ok(second)]);
        let got = shop.cancellations().unwrap().cancel(&id("1"), &[cancel(1)]).await;
        assert_eq!(got.map_err(|error| error.kind()), outcome);
    }
    let (shop, script) = shop(Vec::new());
    let refusal = shop.cancellations().unwrap().refuse_request(&id("1"), "no").await;
    assert_eq!(refusal.unwrap_err().kind(), ErrorKind::Unsupported);
    assert!(script.calls().is_empty());
}

fn refund(line: &str, amount: Option<&str>) -> RefundLine {
    RefundLine {
        line: LineId::new(line).unwrap(),
        amount: amount.map(usd),
        tax: amount.map(usd),
        reason: "Merchandise not received".to_owned(),
        comment: Some("test test".to_owned()),
    }
}

fn refunded() -> Answer {
    // The official file has no example answer of its own; every order call answers an order.
    ok(fixture("post_orders_purchaseOrderId_shipping.response.json"))
}

#[tokio::test]
async fn the_refund_request_is_that_of_the_official_example() {
    let (shop, script) = shop(vec![refunded()]);
    let lines = [refund("4", Some("0.1"))];
    shop.refunds().unwrap().refund(&id("2577453162650"), &lines, &key()).await.unwrap();
    assert_eq!(script.body(0), json_fixture("post_orders_purchaseOrderId_refund.request.json"));
}

#[tokio::test]
async fn whole_and_partial_refunds_never_share_a_request() {
    let two = || {
        order_with(|order| {
            let mut second = line_of(order).clone();
            second["lineNumber"] = json!("2");
            order["orderLines"]["orderLine"].as_array_mut().unwrap().push(second);
        })
    };
    let lines = [refund("2", Some("1.00")), refund("1", None)];
    let (shop_a, script) = shop(vec![ok(two()), refunded(), refunded()]);
    shop_a.refunds().unwrap().refund(&id("1"), &lines, &key()).await.unwrap();
    let sent = |index: usize| script.body(index)["orderRefund"]["orderLines"]["orderLine"].clone();
    assert_eq!(
        (sent(1)[0]["isFullRefund"].clone(), sent(1)[1].clone()),
        (json!(true), json!(null))
    );
    let charge = &sent(1)[0]["refunds"]["refund"][0]["refundCharges"]["refundCharge"][0]["charge"];
    assert_eq!(charge["chargeAmount"]["amount"], json!(-5));
    assert_eq!(
        (sent(2)[0]["isFullRefund"].clone(), sent(2)[1].clone()),
        (json!(false), json!(null))
    );

    let (shop_b, _) = shop(vec![ok(two()), refunded(), status(429, "")]);
    let error = shop_b.refunds().unwrap().refund(&id("1"), &lines, &key()).await.unwrap_err();
    assert_eq!(error.retry(), Retry::LookFirst);
}

#[tokio::test]
async fn a_refund_whose_answer_is_lost_is_not_sent_again() {
    let (shop, script) = shop(vec![Answer::Lost]);
    let lines = [refund("1", Some("1.00"))];
    let error = shop.refunds().unwrap().refund(&id("1"), &lines, &key()).await.unwrap_err();
    assert_eq!((error.kind(), script.calls().len()), (ErrorKind::Ambiguous, 1));
}

// ---- stock and labels -------------------------------------------------------------------------

#[tokio::test]
async fn stock_goes_out_as_in_the_official_example() {
    let (shop, script) = shop(vec![ok(fixture("put_inventory.response.json"))]);
    let sku = Sku::new("97964_KFTest").unwrap();
    let level = StockLevel { sku, warehouse: None, units: 10 };
    let outcomes = shop.stock().unwrap().push_stock(&[level]).await;
    assert!(outcomes.len() == 1 && outcomes[0].is_ok());
    assert_eq!(script.body(0), json_fixture("put_inventory.request.json"));
    assert_eq!(script.calls()[0].url, "https://walmart.test/v3/inventory?sku=97964_KFTest");
}

fn sender() -> Contact {
    Contact {
        name: "Test Seller".into(),
        company: Some("Test Company".into()),
        phone: Some("12253".into()),
        email: Some("test@walmart.com".into()),
        address: Address {
            lines: vec!["Add1".into(), "Add2".into()],
            city: "Anchorage".to_owned(),
            state: Some("AK".to_owned()),
            postal_code: Some("99501".to_owned()),
            country: Some(Country::US),
            residential: None,
        },
    }
}

fn size() -> Dimensions {
    let inches = |n: i64| Millimetres::from_inches(n.into()).unwrap();
    Dimensions::new(inches(13), inches(9), inches(2))
}

fn label_request() -> PlatformLabelRequest {
    let carrier = CarrierId::new("fedex").unwrap();
    PlatformLabelRequest {
        order: id("97108719025934786"),
        package: PackageId::new("p1").unwrap(),
        logistics: LogisticsMode::SellerCarrier,
        lines: notice().lines,
        label: LabelRequest {
            account: None,
            sender: sender(),
            recipient: sender(),
            service: ServiceKey::new(carrier, ServiceCode::new("FEDEX_2_DAY").unwrap()),
            token: None,
            weight: Grams::from_pounds(13.into()).unwrap(),
            dimensions: Some(size()),
            value: None,
            mailing_date: NaiveDate::from_ymd_opt(2026, 1, 1).unwrap(),
            format: LabelFormat::Pdf,
            references: Vec::new(),
            warehouse: None,
        },
    }
}

fn glass_order() -> Answer {
    ok(order_with(|order| line_of(order)["item"]["sku"] = json!("PRECISE3PGLASS9")))
}

#[tokio::test]
async fn a_label_is_bought_as_in_the_official_example_and_fetched_apart() {
    let (shop, script) = shop(vec![
        glass_order(),
        ok(r#"{"data": []}"#),
        ok(fixture("post_shipping_labels.response.sample1.json")),
        ok("%PDF-1.7 label"),
    ]);
    let label = shop.labels().unwrap().buy(&label_request(), &key()).await.unwrap();
    assert_eq!(label.record.number.as_str(), "10015361751436");
    assert_eq!(label.record.formats, [LabelFormat::Pdf]);
    let mut official = json_fixture("post_shipping_labels.request.sample1.json");
    official.as_object_mut().unwrap().remove("hazmat");
    official["boxDimensions"]["boxHeight"] = json!(2);
    let mut sent = script.body(2);
    // Grams and millimetres are whole and rounded up: the sizes come back a little larger.
    for name in ["boxWeight", "boxLength", "boxWidth", "boxHeight"] {
        let more = sent["boxDimensions"][name].as_f64().unwrap()
            - official["boxDimensions"][name].as_f64().unwrap();
        assert!((0.0..0.05).contains(&more), "{name} {more}");
        sent["boxDimensions"][name] = official["boxDimensions"][name].clone();
    }
    assert_eq!(sent, official);
    let fetched = &script.calls()[3];
    assert!(fetched.url.ends_with("/v3/shipping/labels/carriers/FedEx/trackings/10015361751436"));
    assert_eq!(fetched.headers["accept"], "application/pdf");
}

#[tokio::test]
async fn a_label_that_exists_is_returned_and_a_possible_twin_is_a_conflict() {
    let existing =
        json!({"data": [json_fixture("post_shipping_labels.response.sample1.json")["data"]]});
    let list = || ok(existing.to_string());
    let (one, script) = shop(vec![glass_order(), list(), ok("%PDF-1.7 label")]);
    one.labels().unwrap().buy(&label_request(), &key()).await.unwrap();
    assert!(script.calls().iter().all(|call| call.method != http::Method::POST));

    let twins = order_with(|order| {
        line_of(order)["item"]["sku"] = json!("PRECISE3PGLASS9");
        line_of(order)["orderLineQuantity"]["amount"] = json!("2");
    });
    let (two, _) = shop(vec![ok(twins), list()]);
    let error = two.labels().unwrap().buy(&label_request(), &key()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
}

#[tokio::test]
async fn rates_labels_and_their_return_read_the_official_examples() {
    let (shop, script) = shop(vec![
        ok(fixture(ORDER)),
        ok(fixture("post_shipping_labels_shipping-estimates.response.sample1.json")),
        ok(fixture("get_shipping_labels_purchase-orders_purchaseOrderId.response.sample1.json")),
        ok("%PDF-1.7 label"),
        ok(fixture(
            "delete_shipping_labels_carriers_carrierShortName_trackings_trackingNo.response.json",
        )),
    ]);
    let labels = shop.labels().unwrap();
    let request = RateRequest {
        sender: sender(),
        recipient: sender(),
        weight: Grams::new(500),
        dimensions: Some(size()),
        value: None,
        mailing_date: NaiveDate::from_ymd_opt(2026, 1, 1).unwrap(),
    };
    let rates = labels.rates(&id("1815367951431"), &request).await.unwrap();
    let read: Vec<_> = rates.iter().map(|r| (r.service.to_string(), r.total)).collect();
    assert_eq!(
        read,
        [
            ("usps/PRIORITY_MAIL".to_owned(), usd("7.2")),
            ("fedex/FEDEX_GROUND".to_owned(), usd("11.87"))
        ]
    );
    assert_eq!(rates[0].deliver_on, NaiveDate::from_ymd_opt(2023, 10, 2));
    let example = json_fixture("post_shipping_labels_shipping-estimates.request.sample1.json");
    let names =
        |value: &Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<String>>();
    let (sent, mut official) = (script.body(1), names(&example));
    official.remove("carriers");
    assert_eq!(names(&sent), official);
    assert_eq!(names(&sent["boxDimensions"]), names(&example["boxDimensions"]));
    assert_eq!(names(&sent["fromAddress"]), names(&example["fromAddress"]));

    let existing = labels.existing(&id("65108826634074798")).await.unwrap();
    assert_eq!(existing[0].record.number.as_str(), "14300153617516");
    labels.discard(&existing[0].record).await.unwrap();
    let last = script.calls().pop().unwrap();
    assert_eq!(last.method, http::Method::DELETE);
    assert!(last.url.ends_with("/carriers/FedEx/trackings/14300153617516"));
}

// ---- dialect ----------------------------------------------------------------------------------

async fn refusal(answer: Answer) -> Error {
    // A refused token is renewed once, so the script says it twice.
    let again = match &answer {
        Answer::Full(401, body, _) => vec![status(401, body.clone())],
        _ => Vec::new(),
    };
    let (shop, _) = shop(std::iter::once(answer).chain(again).collect());
    shop.get_order(&id("1")).await.unwrap_err()
}

#[tokio::test]
async fn every_error_example_has_its_kind_and_code() {
    use ErrorKind as K;
    let cases = [
        ("400_already_acknowledged", 400, K::Rejected, "INVALID_REQUEST_CONTENT.GMP_ORDER_API"),
        ("400_cancel_after_ship", 400, K::Rejected, "INVALID_REQUEST_CONTENT.GMP_ORDER_API"),
        ("400_invalid_date", 400, K::Rejected, "INVALID_REQUEST.GMP_ORDER_API"),
        ("400_over_shipped", 400, K::Rejected, "INVALID_REQUEST_CONTENT.GMP_ORDER_API"),
        ("401_unauthorized", 401, K::AuthRejected, "UNAUTHORIZED.GMP_GATEWAY_API"),
        ("404_no_orders", 404, K::NotFound, "CONTENT_NOT_FOUND.GMP_ORDER_API"),
        ("429_throttled", 429, K::RateLimited, "REQUEST_THRESHOLD_VIOLATED.GMP_GATEWAY_API"),
        ("500_system", 500, K::Transient, "SYSTEM_ERROR.GMP_ORDER_API"),
    ];
    let files = std::fs::read_dir(path("errors")).unwrap().count();
    assert_eq!(files, cases.len(), "an error example without a row here");
    for (name, code, kind, vendor) in cases {
        let error = refusal(status(code, fixture(&format!("errors/{name}.json")))).await;
        assert_eq!(error.kind(), kind, "{name}");
        let detail = error.vendor().unwrap();
        assert_eq!((detail.status, detail.code.as_deref()), (Some(code), Some(vendor)), "{name}");
        assert!(detail.message.is_some(), "{name}");
    }
}

#[tokio::test]
async fn every_status_and_every_shape_of_error_has_its_kind() {
    use ErrorKind as K;
    let coded = |code: &str| format!(r#"{{"errors":[{{"code":"{code}.X","description":"d"}}]}}"#);
    let xml = r#"<?xml version="1.0"?><ns2:errors xmlns:ns2="x"><ns2:error>
        <ns2:code>SYSTEM_ERROR.GMP</ns2:code><ns2:description>d</ns2:description>
        </ns2:error></ns2:errors>"#;
    let cases: Vec<(u16, String, ErrorKind)> = vec![
        (400, String::new(), K::Rejected),
        (403, String::new(), K::AuthRejected),
        (404, "<html><title>Not here</title></html>".to_owned(), K::NotFound),
        (408, String::new(), K::Transient),
        (409, String::new(), K::Rejected),
        (413, "too large".to_owned(), K::Rejected),
        (429, String::new(), K::RateLimited),
        (500, "<html>".to_owned(), K::Transient),
        (502, String::new(), K::Transient),
        (503, coded("INVALID_REQUEST"), K::Transient),
        (504, coded("DOWNSTREAM_SYSTEM_TIME_OUT"), K::Transient),
        (302, String::new(), K::UnexpectedAnswer),
        (400, coded("INVALID_REQUEST_PARAM"), K::Rejected),
        (400, coded("MALFORMED_REQUEST_CONTENT"), K::Rejected),
        (400, coded("SYSTEM_ERROR"), K::Transient),
        (400, coded("INVALID_SYSTEM_STATE"), K::Transient),
        (400, coded("REQUEST_THRESHOLD_VIOLATED"), K::RateLimited),
        (400, coded("CONTENT_NOT_FOUND"), K::NotFound),
        (400, xml.to_owned(), K::Transient),
        (200, coded("INVALID_REQUEST"), K::Rejected),
        (400, r#"{"error":[{"code":"INVALID_REQUEST.X"}]}"#.to_owned(), K::Rejected),
        (400, r#"{"errors":{"error":{"code":"SYSTEM_ERROR.X"}}}"#.to_owned(), K::Transient),
    ];
    for (code, body, kind) in cases {
        let error = refusal(status(code, body.clone())).await;
        assert_eq!(error.kind(), kind, "{code} {body}");
    }
    let plain = refusal(status(400, "edge says no")).await;
    assert_eq!(plain.vendor().unwrap().message.as_deref(), Some("edge says no"));
}

#[tokio::test]
async fn headers_are_walmarts_and_every_attempt_has_a_new_correlation_id() {
    let policy = RetryPolicy::default().with_base(Duration::from_millis(1));
    let (shop, script) = shop_with(
        config().with_retry(policy),
        vec![status(500, ""), status(500, ""), ok(fixture(ORDER))],
    );
    shop.get_order(&id("1")).await.unwrap();
    let calls = script.calls();
    let ids: BTreeSet<_> = calls
        .iter()
        .map(|call| call.headers["wm_qos.correlation_id"].to_str().unwrap().to_owned())
        .collect();
    assert_eq!((calls.len(), ids.len()), (3, 3));
    let headers = &calls[0].headers;
    assert_eq!(headers["wm_sec.access_token"], "eyJraWQiOiI1MWY3MjM0Ny0wYWY5LTRhZ.....");
    assert_eq!(headers["wm_svc.name"], "Walmart Marketplace");
    assert_eq!(headers["accept"], "application/json");
    assert!(!headers.contains_key("authorization"));
    let seen = script.seen.lock().unwrap();
    let pair = STANDARD.encode("client-id-canary:client-secret-canary");
    assert_eq!(seen[0].headers["authorization"], format!("Basic {pair}"));
    assert_eq!(&seen[0].body[..], b"grant_type=client_credentials");
}

#[tokio::test]
async fn no_spelling_of_a_hint_disturbs_a_call() {
    for value in ["1", "1580821866000", "2020-02-04T13:11:06Z", "soon", "-5"] {
        let headers = vec![("x-current-token-count", "5"), ("x-next-replenishment-time", value)];
        let body = fixture(ORDER).into_bytes();
        let (shop, _) = shop(vec![Answer::Full(200, body, headers), ok(fixture(ORDER))]);
        shop.get_order(&id("1")).await.unwrap();
        shop.get_order(&id("1")).await.unwrap();
    }
}

#[test]
fn secrets_never_print_and_empty_keys_are_refused() {
    let auth = WebhookAuth::Hmac { header: "x".to_owned(), secret: "hook-canary".into() };
    let config = config().with_webhook_auth(auth);
    assert!(!format!("{config:?}").contains("canary"));
    let (shop, _) = shop_with(config, Vec::new());
    assert!(!format!("{shop:?}").contains("canary"));
    assert_eq!(shop.platform(), WALMART);
    let empty = WalmartConfig::new("", "x", "shop");
    let error = Walmart::new(empty, Arc::new(Script::default())).unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::Configuration, Some("client_id")));
}

// ---- webhooks ---------------------------------------------------------------------------------

const NOTICE: &[u8] = br#"{"source":{"eventType":"PO_CREATED",
    "eventTime":"2026-01-01T00:00:00Z","eventId":"e1"},"payload":{"purchaseOrderId":"42"}}"#;

fn mac(secret: &str, text: &[u8]) -> Vec<u8> {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.chain_update(text).finalize().into_bytes().to_vec()
}

fn hexed(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn receive(auth: WebhookAuth, headers: &[(&str, &str)], body: &[u8], now: &str) -> Option<String> {
    let (shop, _) = shop_with(config().with_webhook_auth(auth), Vec::new());
    let request = WebhookRequest { method: "POST", path_and_query: "/hooks?a=b", headers, body };
    // Without a way to check the sender there is no ability at all.
    match shop.webhooks()?.receive(&request, at(now)) {
        Ok(notice) => {
            assert_eq!((notice.kind.as_str(), notice.order), ("PO_CREATED", Some(id("42"))));
            assert_eq!(notice.sent_at, Some(at("2026-01-01T00:00:00Z")));
            Some(notice.event_id.as_str().to_owned())
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::AuthRejected);
            None
        }
    }
}

const NOW: &str = "2026-01-01T00:00:10Z";

#[test]
fn a_signed_body_is_taken_in_base64_and_hex_and_nothing_else() {
    let auth = || WebhookAuth::Hmac { header: "X-Sign".to_owned(), secret: "s3cret".into() };
    let good = mac("s3cret", NOTICE);
    for text in [STANDARD.encode(&good), hexed(&good), hexed(&good).to_uppercase()] {
        assert_eq!(receive(auth(), &[("x-sign", &text)], NOTICE, NOW).as_deref(), Some("e1"));
    }
    let other = STANDARD.encode(mac("another", NOTICE));
    let cut = STANDARD.encode(&good[..16]);
    for headers in [vec![], vec![("x-sign", other.as_str())], vec![("x-sign", cut.as_str())]] {
        assert_eq!(receive(auth(), &headers, NOTICE, NOW), None);
    }
    let signed = STANDARD.encode(&good);
    assert_eq!(receive(auth(), &[("x-sign", &signed)], b"{}", NOW), None);
    assert_eq!(receive(WebhookAuth::None, &[("x-sign", &signed)], NOTICE, NOW), None);
}

#[test]
fn a_user_and_password_are_taken_with_and_without_basic() {
    let auth = || WebhookAuth::Basic {
        header: "Authorization".to_owned(),
        user: "abc".into(),
        password: "test".into(),
    };
    let pair = STANDARD.encode("abc:test");
    for text in [pair.clone(), format!("Basic {pair}"), format!("basic {pair}")] {
        assert!(receive(auth(), &[("authorization", &text)], NOTICE, NOW).is_some());
    }
    for text in ["", "Basic", "abc:test", &STANDARD.encode("abc:tesu")] {
        assert!(receive(auth(), &[("authorization", text)], NOTICE, NOW).is_none());
    }
}

#[test]
fn the_newer_signature_covers_verb_path_time_and_body() {
    let auth = || WebhookAuth::Signed { secret: "s3cret".into() };
    let sign = |stamp: &str, method: &str| {
        let text = format!("{method}\n/hooks?a=b\n{stamp}\n{}", hexed(&Sha256::digest(NOTICE)));
        STANDARD.encode(mac("s3cret", text.as_bytes()))
    };
    let stamp = at(NOW).timestamp().to_string();
    let late = (at(NOW) - TimeDelta::minutes(6)).timestamp().to_string();
    let cases = [
        (stamp.clone(), sign(&stamp, "POST"), true),
        (stamp.clone(), sign(&stamp, "PUT"), false),
        (stamp.clone(), sign(&late, "POST"), false),
        (late.clone(), sign(&late, "POST"), false),
        ("now".to_owned(), sign("now", "POST"), false),
    ];
    for (stamp, signature, good) in cases {
        let headers =
            [("WM_SEC.TIMESTAMP", stamp.as_str()), ("wm_sec.signature", signature.as_str())];
        assert_eq!(receive(auth(), &headers, NOTICE, NOW).is_some(), good, "{stamp}");
    }
}

#[test]
fn a_well_signed_body_that_is_no_notification_is_unexpected() {
    let auth = WebhookAuth::Hmac { header: "x".to_owned(), secret: "s3cret".into() };
    let (shop, _) = shop_with(config().with_webhook_auth(auth), Vec::new());
    let sign = STANDARD.encode(mac("s3cret", b"[]"));
    let headers = [("x", sign.as_str())];
    let request =
        WebhookRequest { method: "POST", path_and_query: "/", headers: &headers, body: b"[]" };
    let error = shop.webhooks().unwrap().receive(&request, at(NOW)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedAnswer);
}

// ---- hostile bytes ----------------------------------------------------------------------------

/// Breaks a fixture: bytes changed, cut off, doubled.
fn mutated(name: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let bytes = fixture(name).into_bytes();
    let length = bytes.len();
    let change =
        (0..length, prop_oneof![any::<u8>(), Just(b'"'), Just(b'9'), Just(b'{'), Just(b'-')]);
    (proptest::collection::vec(change, 1..8), 0..=length, any::<bool>()).prop_map(
        move |(changes, end, cut)| {
            let mut bytes = bytes.clone();
            for (place, byte) in changes {
                bytes[place] = byte;
            }
            if cut {
                bytes.truncate(end);
            }
            bytes
        },
    )
}

fn run(work: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn broken_lists_never_panic(bytes in mutated("get_orders.response.json"), code in 200_u16..600) {
        run(async {
            for code in [200, code] {
                let (shop, _) = shop(vec![status(code, bytes.clone()), status(code, bytes.clone())]);
                let _ = shop.list_orders(&created(), None).await;
            }
        });
    }

    #[test]
    fn broken_orders_never_panic(bytes in mutated(ORDER)) {
        run(async {
            let (shop, _) = shop(vec![ok(bytes.clone()), ok(bytes.clone()), ok(bytes.clone())]);
            let _ = shop.get_order(&id("1")).await;
            let _ = shop.confirm_shipment(&notice(), &key()).await;
        });
    }

    #[test]
    fn broken_errors_never_panic(
        bytes in mutated("errors/429_throttled.json"),
        noise in proptest::collection::vec(any::<u8>(), 0..64),
        code in 200_u16..600,
    ) {
        run(async {
            for body in [bytes, noise] {
                let (shop, _) = shop(vec![status(code, body.clone()), status(code, body)]);
                let _ = shop.get_order(&id("1")).await;
            }
        });
    }
}
