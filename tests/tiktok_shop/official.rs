//! Every official example and capture that the adapter can meet, byte for byte: what it reads as, and
//! what we send beside what the platform shows.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode};
use orderflow::client::{
    MemoryRefreshTokenStore, RefreshTokenStore, Response, RetryPolicy, StoredToken, Transport,
    TransportError, WireRequest,
};
use orderflow::order::CancelReason;
use orderflow::platforms::tiktok_shop::{
    Handover, HandoverChoice, PackageToShip, PickupSlot, TikTokShop, TikTokShopConfig,
};
use orderflow::ports::{
    AfterSale, AfterSaleCase, BuyerMessages, CancelLine, Cancellations, CarrierNaming, CaseAnswer,
    CaseKind, Listing, MarketplaceAdapter, OrderQuery, Page, PlatformItem, PlatformLabels,
    PlatformParcels, ShipmentNoticeLine, StockLevel, StockPush, TrackingUpdates,
};
use orderflow::sandbox::VirtualClock;
use orderflow::shipment::RateRequest;
use orderflow::{
    CarrierId, Dimensions, Grams, LineId, Millimetres, PlatformOrderId, PlatformPackageId, Result,
    ServiceCode, Sku, WarehouseId,
};
use serde_json::{Value, json};

use super::house::{fixture, json_fixture, key, notice, number};
use super::journey::label_request;

/// When the official token example was answered.
fn then() -> DateTime<Utc> {
    "2022-08-08T09:46:23Z".parse().unwrap()
}

/// Answers calls in order; the token call is answered with the official example.
#[derive(Debug, Default)]
pub(super) struct Script {
    answers: Mutex<VecDeque<(u16, String)>>,
    /// What the token call is answered with instead.
    token: Mutex<Option<String>>,
    seen: Mutex<Vec<WireRequest>>,
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: WireRequest) -> Result<Response, TransportError> {
        let (status, body) = if request.url.contains("/api/v2/token/") {
            let told = self.token.lock().unwrap().clone();
            (200, told.unwrap_or_else(|| fixture("AuthGetTokenResponse.json")))
        } else {
            self.seen.lock().unwrap().push(request);
            self.answers.lock().unwrap().pop_front().expect("a call that is not in the script")
        };
        let status = StatusCode::from_u16(status).unwrap();
        Ok(Response { status, headers: HeaderMap::new(), body: body.into_bytes().into() })
    }
}

impl Script {
    pub(super) fn answer_tokens_with(&self, body: String) {
        *self.token.lock().unwrap() = Some(body);
    }

    /// The bodies of the calls that had one, in order.
    pub(super) fn bodies(&self) -> Vec<Value> {
        let seen = self.seen.lock().unwrap();
        let with_body = seen.iter().filter(|request| !request.body.is_empty());
        with_body.map(|request| serde_json::from_slice(&request.body).unwrap()).collect()
    }

    /// The path of a call.
    pub(super) fn path(&self, index: usize) -> String {
        let url = self.seen.lock().unwrap()[index].url.clone();
        let path = url.split_once("://").unwrap().1.split_once('/').unwrap().1.to_owned();
        format!("/{}", path.split('?').next().unwrap())
    }

    fn method(&self, index: usize) -> String {
        self.seen.lock().unwrap()[index].method.to_string()
    }

    fn query(&self, index: usize) -> String {
        let url = self.seen.lock().unwrap()[index].url.clone();
        url.split_once('?').map_or(String::new(), |(_, query)| query.to_owned())
    }
}

pub(super) fn account(region: &str) -> TikTokShopConfig {
    let tokens = MemoryRefreshTokenStore::new().with_token("shop", StoredToken::new("refresh-0"));
    TikTokShopConfig::new("38abcd", "secret", "GCP_cipher", region, "shop")
        .with_token_store(Arc::new(tokens))
        .with_retry(RetryPolicy::none())
        .with_clock(Arc::new(VirtualClock::new(then())))
}

pub(super) fn scripted_with(
    config: TikTokShopConfig,
    answers: Vec<(u16, String)>,
) -> (TikTokShop, Arc<Script>) {
    let script = Arc::new(Script { answers: Mutex::new(answers.into()), ..Script::default() });
    (TikTokShop::new(config, script.clone()).unwrap(), script)
}

pub(super) fn scripted(region: &str, answers: Vec<String>) -> (TikTokShop, Arc<Script>) {
    scripted_with(account(region), answers.into_iter().map(|body| (200, body)).collect())
}

fn expected(name: &str) -> Value {
    json_fixture(&format!("{name}.expect.json"))
}

fn example(name: &str) -> String {
    fixture(&format!("{name}.json"))
}

pub(super) fn answer(data: &Value) -> String {
    json!({"code": 0, "message": "Success", "request_id": "1", "data": data}).to_string()
}

/// The official order as a detail, changed by `change`.
pub(super) fn detail(change: impl FnOnce(&mut Value)) -> String {
    let mut body = json_fixture("OrderBatchGetOrderDetailResponse.json");
    change(&mut body["data"]["orders"][0]);
    body.to_string()
}

/// The official order, waiting for the seller or already on its way, with the given units.
fn order_detail(status: &str, shipping: &str, units: &[&str]) -> String {
    detail(|order| {
        order["status"] = json!(status);
        order["shipping_type"] = json!(shipping);
        order["tracking_number"] = json!("");
        let unit = order["line_items"][0].clone();
        let units = units.iter().map(|id| {
            let mut unit = unit.clone();
            unit["id"] = json!(id);
            unit["display_status"] = json!(status);
            if status == "AWAITING_SHIPMENT" {
                unit["tracking_number"] = json!("");
            }
            unit["rts_time"] = json!(then().timestamp());
            unit
        });
        order["line_items"] = json!(units.collect::<Vec<_>>());
    })
}

pub(super) fn id() -> PlatformOrderId {
    PlatformOrderId::from_static("576461413038785752")
}

fn line(units: u32) -> ShipmentNoticeLine {
    let line = LineId::from_static("2729382476852921560");
    ShipmentNoticeLine { line, reference: None, units }
}

/// The platform's list of carriers, with the given id for USPS.
fn providers(id: &str) -> String {
    example("LogisticsGetDeliveryOptionShippingProvidersResponse")
        .replace("7117858858072016686", id)
}

/// What a call of which nothing is read came to.
fn outcome<T>(done: &Result<T>, word: &str) -> Value {
    let word = done.as_ref().map_or_else(ToString::to_string, |_| word.to_owned());
    json!({ "outcome": word })
}

fn page(page: Page<AfterSaleCase>) -> Value {
    let cases = page.items.into_iter().map(|item| match item {
        PlatformItem::Read(case) => *case,
        PlatformItem::Unreadable(item) => panic!("{}", item.reason),
    });
    json!({"cases": cases.collect::<Vec<_>>(), "next": page.next})
}

/// The shape of a value: names and types, the first item standing for a list.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), shape(value))).collect()
        }
        Value::Array(items) => json!(items.first().map(shape).into_iter().collect::<Vec<_>>()),
        Value::String(_) => json!("text"),
        Value::Number(_) => json!("number"),
        Value::Bool(_) => json!("bool"),
        Value::Null => Value::Null,
    }
}

/// Whether everything of `ours` is in `theirs`, with the same name and type.
fn is_part_of(ours: &Value, theirs: &Value) -> bool {
    fn fits(ours: &Value, theirs: &Value) -> bool {
        match (ours, theirs) {
            (Value::Object(ours), Value::Object(theirs)) => ours
                .iter()
                .all(|(name, value)| theirs.get(name).is_some_and(|known| fits(value, known))),
            (Value::Array(ours), Value::Array(theirs)) => {
                ours.iter().all(|value| theirs.first().is_some_and(|known| fits(value, known)))
            }
            _ => ours == theirs,
        }
    }
    fits(&shape(ours), &shape(theirs))
}

#[test]
fn a_field_of_another_name_or_type_is_no_part_of_a_request() {
    let official = json!({"ids": ["1"], "page": {"size": 2}});
    for part in [json!({}), json!({"ids": ["7", "8"]}), json!({"page": {"size": 9}})] {
        assert!(is_part_of(&part, &official), "{part}");
    }
    for other in [json!({"id": "1"}), json!({"ids": [1]}), json!({"page": {"size": "9"}})] {
        assert!(!is_part_of(&other, &official), "{other}");
    }
}

#[tokio::test]
async fn the_official_token_is_stored_with_its_end_and_says_whose_it_is() {
    let tokens = MemoryRefreshTokenStore::new();
    let config = account("ID").with_token_store(Arc::new(tokens.clone()));
    let script = Arc::new(Script::default());
    let consent = TikTokShop::authorize(&config, script, "code").await.unwrap();
    let stored = tokens.load("shop").await.unwrap().unwrap();
    assert_eq!(
        stored.secret.as_str(),
        json_fixture("AuthGetTokenResponse.json")["data"]["refresh_token"]
    );
    let read = json!({
        "open_id": consent.open_id, "seller_name": consent.seller_name, "region": consent.region,
        "scopes": consent.scopes, "refresh_token_expires_at": stored.expires_at
    });
    assert_eq!(read, expected("AuthGetTokenResponse"));
}

#[tokio::test]
async fn official_cancellations_read_as_expected_in_every_version() {
    let cases = [
        ("202309", "ReturnRefundSearchCancellationsResponse"),
        ("202602", "vn_cancellations_search_202602_response"),
    ];
    for (version, name) in cases {
        let config = account("VN").with_cancellations_version(version);
        let (shop, script) = scripted_with(config, vec![(200, example(name))]);
        let read = shop.cases(then(), then(), None).await.unwrap();
        assert_eq!(page(read), expected(name), "{name}");
        assert_eq!(script.path(0), format!("/return_refund/{version}/cancellations/search"));
        let asked = &script.bodies()[0];
        assert!(is_part_of(asked, &json_fixture("ReturnRefundSearchCancellationsRequest.json")));
    }
}

#[tokio::test]
async fn searches_ask_with_the_fields_of_the_official_requests() {
    let empty = || answer(&json!({}));
    let (shop, script) = scripted("US", vec![empty(), empty(), empty(), empty()]);
    let cursor = orderflow::ports::Cursor::new("returns:");
    assert!(shop.cases(then(), then(), Some(&cursor)).await.unwrap().items.is_empty());
    shop.case(&CaseKind::Return, "4035318504086604100").await.unwrap_err();
    for query in [OrderQuery::Updated { from: then(), to: then() }, OrderQuery::Released] {
        assert!(shop.list_orders(&query, None).await.unwrap().items.is_empty());
    }
    let bodies = script.bodies();
    let returns = json_fixture("ReturnRefundSearchReturnsRequest.json");
    assert!(is_part_of(&bodies[0], &returns) && is_part_of(&bodies[1], &returns), "{bodies:?}");
    let orders = json_fixture("OrderSearchOrdersRequest.json");
    assert!(is_part_of(&bodies[2], &orders) && is_part_of(&bodies[3], &orders), "{bodies:?}");
}

#[tokio::test]
async fn reasons_of_the_platform_read_as_expected() {
    for name in ["ReturnRefundGetRejectReasonsResponse", "vn_reject_reasons_response"] {
        let (shop, script) = scripted("VN", vec![example(name)]);
        let reasons = shop.reject_reasons("4035319218955782461").await.unwrap();
        assert_eq!(serde_json::to_value(reasons).unwrap(), expected(name));
        assert!(script.query(0).contains("return_or_cancel_id=4035319218955782461"));
    }
    let name = "vn_aftersale_eligibility_202602_response";
    let config = account("VN").with_eligibility_version("202602");
    let (shop, script) = scripted_with(config, vec![(200, example(name))]);
    let eligible = shop.cancel_eligibility(&id()).await.unwrap();
    assert_eq!(serde_json::to_value(eligible).unwrap(), expected(name));
    let path = "/return_refund/202602/orders/576461413038785752/aftersale_eligibility";
    assert_eq!(script.path(0), path);
}

#[tokio::test]
async fn the_official_performance_reads_as_figures_of_the_seven_days_before() {
    let name = "CustomerServiceGetPerformanceResponse";
    let (shop, script) = scripted("US", vec![example(name)]);
    let stated = shop.figures().unwrap().stated().await.unwrap();
    assert_eq!(serde_json::to_value(stated).unwrap(), expected(name));
    let asked = script.query(0);
    let period = "support_date_ge=2022-08-01&support_date_lt=2022-08-08";
    assert!(asked.contains(period), "{asked}");
    let (shop, _) = scripted("US", vec![answer(&json!({}))]);
    shop.figures().unwrap().stated().await.unwrap_err();
}

#[tokio::test]
async fn errors_of_the_platform_have_their_kind_and_keep_its_words() {
    for name in ["error_expired_token", "error_rate_limited_http429"] {
        let capture = json_fixture(&format!("{name}.json"));
        let status = u16::try_from(capture["http_status"].as_u64().unwrap()).unwrap();
        let told = (status, capture["body"].to_string());
        if status == 401 {
            // A refused token is renewed once, and the call goes through.
            let answers = vec![told.clone(), (200, detail(|_| {}))];
            let (shop, _) = scripted_with(account("US"), answers);
            shop.get_order(&id()).await.unwrap();
        }
        let (shop, _) = scripted_with(account("US"), vec![told.clone(), told]);
        let error = shop.get_order(&id()).await.unwrap_err();
        let vendor = error.vendor().unwrap();
        let read = json!({
            "kind": error.kind().as_str(), "code": vendor.code, "message": vendor.message
        });
        assert_eq!(read, expected(name), "{error}");
    }
}

#[tokio::test]
async fn the_official_batch_is_sent_as_shown_and_refusals_are_told_package_by_package() {
    let at = DateTime::from_timestamp(1_623_812_664, 0).unwrap();
    let slot = PickupSlot { from: at, to: at };
    let package = |id: &'static str| PackageToShip::new(PlatformPackageId::from_static(id));
    let one = package("12321312312431")
        .with_handover(Handover::Pickup(Some(slot)))
        .with_own_carrier(&number("JX12345"), "6617675021119438849");
    let (shop, script) = scripted("ID", vec![answer(&json!({"errors": []}))]);
    let outcomes = shop.ship_packages(std::slice::from_ref(&one)).await;
    assert!(outcomes.iter().all(Result::is_ok) && outcomes.len() == 1);
    assert_eq!(script.bodies(), [json_fixture("FulfillmentBatchShipPackagesRequest.json")]);

    let name = "FulfillmentBatchShipPackagesResponse";
    let (shop, _) = scripted("ID", vec![example(name)]);
    let ids = ["123123123123131", "12321312312431"];
    let outcomes = shop.ship_packages(&[package(ids[0]), package(ids[1])]).await;
    let told: Vec<Value> = outcomes
        .iter()
        .zip(ids)
        .map(|(outcome, id)| {
            let error = outcome.as_ref().err();
            let vendor = error.and_then(orderflow::Error::vendor);
            json!({
                "package": id,
                "kind": error.map(|error| error.kind().as_str()),
                "code": vendor.and_then(|vendor| vendor.code.clone()),
                "message": vendor.and_then(|vendor| vendor.message.clone())
            })
        })
        .collect();
    assert_eq!(Value::from(told), expected(name));
}

#[tokio::test]
async fn a_package_is_shipped_with_the_fields_of_the_official_request() {
    let official = json_fixture("FulfillmentShipPackageRequest.json");
    // The platform's carrier fetches it in the first free slot.
    let slots = answer(&json!({
        "can_pickup": true, "can_drop_off": true,
        "pickup_slots": [
            {"avaliable": true, "start_time": 1_623_812_664, "end_time": 1_623_812_664},
            {"avaliable": true, "start_time": 1_659_960_000, "end_time": 1_659_963_600}
        ]
    }));
    let config = account("DE").with_handover(HandoverChoice::FirstPickup);
    let arranged = || order_detail("AWAITING_COLLECTION", "TIKTOK", &["1"]);
    let answers = vec![
        order_detail("AWAITING_SHIPMENT", "TIKTOK", &["1"]),
        slots,
        example("vn_ship_package_empty_body_response"),
        answer(&json!({"package_status": "PROCESSING", "tracking_number": "JX12345"})),
        example("FulfillmentGetPackageShippingDocumentsResponse"),
        "%PDF-".to_owned(),
    ];
    let (shop, script) =
        scripted_with(config, answers.into_iter().map(|body| (200, body)).collect());
    let order = super::house::read_page(&arranged()).remove(0);
    let label = shop.buy(&label_request(&order, 1), &key()).await.unwrap();
    assert_eq!(label.record.number, number("JX12345"));
    let mut sent = script.bodies().remove(0);
    assert_eq!(
        sent["pickup_slot"],
        json!({"start_time": 1_659_960_000, "end_time": 1_659_963_600})
    );
    // The seller's own carrier brings the rest of the fields.
    let answers = vec![
        order_detail("AWAITING_SHIPMENT", "SELLER", &["1"]),
        providers("6617675021119438849"),
        example("vn_ship_package_empty_body_response"),
    ];
    let (shop, script) = scripted("ID", answers);
    shop.confirm_shipment(&notice(&order, 1, "JX12345"), &key()).await.unwrap();
    let own = script.bodies().remove(0);
    assert_eq!(own["self_shipment"], official["self_shipment"]);
    sent["self_shipment"] = own["self_shipment"].clone();
    assert_eq!(shape(&sent), shape(&official));
    assert_eq!(own.as_object().unwrap().len(), 1);
}

#[tokio::test]
async fn an_empty_body_arranges_a_package_as_the_capture_shows() {
    let answers = vec![
        order_detail("AWAITING_SHIPMENT", "TIKTOK", &["1"]),
        example("vn_ship_package_empty_body_response"),
        answer(&json!({"package_status": "TO_FULFILL", "package_sub_status": "STOCKING"})),
        example("vn_shipping_document_response"),
        "%PDF-".to_owned(),
    ];
    let (shop, script) = scripted("VN", answers);
    let order = super::house::read_page(&order_detail("AWAITING_SHIPMENT", "TIKTOK", &["1"]));
    let bought = shop.buy(&label_request(&order[0], 1), &key()).await;
    assert_eq!(script.bodies(), [json!({})]);
    assert_eq!(outcome(&bought, "arranged"), expected("vn_ship_package_empty_body_response"));
    assert_eq!(bought.unwrap().documents.len(), 1);
}

#[tokio::test]
async fn documents_give_the_number_they_name_and_else_that_of_the_package() {
    for name in ["FulfillmentGetPackageShippingDocumentsResponse", "vn_shipping_document_response"]
    {
        let package = json!({
            "package_status": "PROCESSING", "tracking_number": "JX12345",
            "shipping_provider_name": "TT Virtual express"
        });
        let answers = vec![
            order_detail("AWAITING_COLLECTION", "TIKTOK", &["1"]),
            answer(&package),
            example(name),
            "%PDF-".to_owned(),
        ];
        let (shop, script) = scripted("VN", answers);
        let label = shop.existing(&id()).await.unwrap().remove(0);
        let link = script.seen.lock().unwrap()[3].clone();
        assert!(!link.headers.contains_key("x-tts-access-token"), "the link is on another host");
        let read = json!({
            "number": label.record.number, "carrier": label.record.carrier,
            "package": label.record.carrier_reference, "downloaded_from": link.url
        });
        assert_eq!(read, expected(name));
    }
}

#[tokio::test]
async fn a_label_is_bought_with_the_fields_of_the_official_requests() {
    let order = super::house::read_page(&order_detail("AWAITING_SHIPMENT", "TIKTOK", &["1"]));
    let mm = Millimetres::new;
    let size = Dimensions::new(mm(12), mm(2), mm(3));
    let created = json!({"package_id": "2882335594258860015"});
    for (region, version) in [("US", "202309"), ("GB", "202309"), ("US", "202512")] {
        let answers = vec![
            order_detail("AWAITING_SHIPMENT", "TIKTOK", &["1", "2"]),
            answer(&created),
            answer(&json!({"tracking_number": "JX12345"})),
            example("vn_shipping_document_response"),
            "%PDF-".to_owned(),
        ];
        let config = account(region).with_packages_version(version);
        let (shop, script) =
            scripted_with(config, answers.into_iter().map(|body| (200, body)).collect());
        let mut request = label_request(&order[0], 1);
        request.label.dimensions = Some(size);
        shop.buy(&request, &key()).await.unwrap();
        assert_eq!(script.path(1), format!("/fulfillment/{version}/packages"));
        let sent = script.bodies().remove(0);
        if version == "202309" {
            let official = json_fixture("FulfillmentCreatePackageRequest.json");
            assert_eq!(shape(&sent), shape(&official), "{region}");
            assert_eq!(sent["dimension"]["length"], official["dimension"]["length"]);
        } else {
            assert_eq!(sent["ship_type"], "2", "one of two units");
            assert_eq!(sent["order_line_item"], json!([{"order_line_id": "1"}]));
            assert_eq!(sent.get("order_line_item_ids"), None);
        }
    }
    let answers = vec![
        order_detail("AWAITING_SHIPMENT", "TIKTOK", &["32132124331234"]),
        answer(&json!({"shipping_services": []})),
    ];
    let (shop, script) = scripted("US", answers);
    let label = label_request(&order[0], 1).label;
    let request = RateRequest {
        sender: label.sender.clone(),
        recipient: label.recipient.clone(),
        weight: Grams::new(1),
        dimensions: Some(size),
        value: None,
        customs: None,
        mailing_date: label.mailing_date,
    };
    assert!(shop.rates(&id(), &request).await.unwrap().is_empty());
    let official = json_fixture("FulfillmentSearchOrderShippingServicesRequest.json");
    let sent = script.bodies().remove(0);
    assert_eq!(shape(&sent), shape(&official));
    assert_eq!(sent["order_line_item_ids"], official["order_line_item_ids"]);
}

#[tokio::test]
async fn own_parcels_are_marked_and_corrected_as_the_official_requests_show() {
    let marked = json_fixture("FulfillmentUpdateOrderPackagesRequest.json");
    let answers = vec![
        order_detail("AWAITING_SHIPMENT", "SELLER", &["2321312321311"]),
        providers(marked["shipping_provider_id"].as_str().unwrap()),
        answer(&json!({"package_id": "1153132168123859123"})),
    ];
    let (shop, script) = scripted("US", answers);
    let order = super::house::read_page(&order_detail("AWAITING_SHIPMENT", "SELLER", &["1"]));
    let told = notice(&order[0], 1, marked["tracking_number"].as_str().unwrap());
    shop.confirm_shipment(&told, &key()).await.unwrap();
    assert_eq!(script.bodies(), [marked]);

    let cases = [
        ("FulfillmentUpdateOrderShippingInfoRequest.json", &["1"][..], "orders/576461413038785752"),
        (
            "FulfillmentUpdatePackageShippingInfoRequest.json",
            &["1", "2"],
            "packages/1153132168123859123",
        ),
    ];
    for (name, units, place) in cases {
        let official = json_fixture(name);
        let shipped = detail(|order| {
            *order = serde_json::from_str::<Value>(&order_detail("IN_TRANSIT", "SELLER", units))
                .unwrap()["data"]["orders"][0]
                .clone();
            // The second unit is still here.
            if let Some(unit) = order["line_items"].get_mut(1) {
                unit["display_status"] = json!("AWAITING_SHIPMENT");
            }
        });
        let answers = vec![
            shipped,
            providers(official["shipping_provider_id"].as_str().unwrap()),
            answer(&json!({})),
        ];
        let (shop, script) = scripted("US", answers);
        let told = notice(&order[0], 1, official["tracking_number"].as_str().unwrap());
        shop.update_tracking(&number("JX12345"), &told).await.unwrap();
        assert_eq!(script.bodies(), [official]);
        assert_eq!(script.path(2), format!("/fulfillment/202309/{place}/shipping_info/update"));
    }
}

#[tokio::test]
async fn the_official_carriers_read_as_expected_and_are_asked_for_once() {
    let name = "LogisticsGetDeliveryOptionShippingProvidersResponse";
    let (shop, _) = scripted("US", vec![example(name)]);
    for _ in 0..2 {
        let read = shop.shipping_providers("7091146663229654785").await.unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), expected(name));
    }
}

#[tokio::test]
async fn a_carrier_that_nobody_declared_has_the_name_that_a_list_of_the_platform_gives_it() {
    let list = json!({"shipping_providers": [{"id": "77", "name": "Correos Express"}]});
    let (shop, _) = scripted("US", vec![answer(&list)]);
    let named = |carrier: &'static str| {
        shop.carrier_name(&CarrierId::from_static(carrier), &ServiceCode::from_static("X"))
    };
    assert_eq!(named("correos express"), CarrierNaming::Unsupported);
    shop.shipping_providers("7091146663229654785").await.unwrap();
    assert_eq!(named("correos express"), CarrierNaming::Code("Correos Express".into()));
    assert_eq!(named("77"), CarrierNaming::Code("Correos Express".into()));
    assert_eq!(named("pony"), CarrierNaming::Unsupported);
    assert_eq!(named("usps"), CarrierNaming::Code("USPS".into()), "what was declared stays");
}

#[tokio::test]
async fn answers_beside_orders_read_with_fields_of_other_types_too() {
    let slots = json!({"can_pickup": "true", "can_drop_off": null, "can_van_collection": false,
        "drop_off_point_url": null, "pickup_slots": [
            {"start_time": "1772625600", "end_time": 1_772_629_200, "avaliable": "true"},
            {"start_time": null, "end_time": null, "avaliable": null}]});
    let nothing = json!({"can_pickup": null, "pickup_slots": null});
    let shops = json!({"shops": [{"id": 7_495_540_735_365_777_507_u64, "name": null, "region": "US",
        "cipher": "GCP"}]});
    let none = json!({ "shops": null });
    let answers = vec![answer(&slots), answer(&nothing), answer(&shops), answer(&none)];
    let (shop, _) = scripted("US", answers);
    let package = PlatformPackageId::from_static("1152321127278713123");
    let read = shop.handover_options(&package).await.unwrap();
    assert!(read.pickup && !read.drop_off && read.slots.len() == 1);
    assert_eq!(read.slots[0].from.timestamp(), 1_772_625_600);
    assert!(shop.handover_options(&package).await.unwrap().slots.is_empty());
    let read = shop.shops().await.unwrap();
    assert_eq!((read[0].id.as_str(), read[0].name.as_str()), ("7495540735365777507", ""));
    assert!(shop.shops().await.unwrap().is_empty());
}

#[tokio::test]
async fn orders_are_split_combined_and_taken_apart_as_the_official_requests_show() {
    let units = ["57646237751283022", "576462377512830223", "3"];
    let answers = vec![
        order_detail("AWAITING_SHIPMENT", "TIKTOK", &units),
        answer(&json!({"packages": [{"id": "9", "splittable_group_id": "1"}]})),
    ];
    let (shop, script) = scripted("US", answers);
    let parts = shop.split(&id(), &[vec![line(2)], vec![line(1)]]).await.unwrap();
    assert_eq!(parts[0].package, Some(PlatformPackageId::from_static("9")));
    let sent = script.bodies().remove(0);
    let official = json_fixture("FulfillmentSplitOrderRequest.json");
    assert_eq!(shape(&sent), shape(&official));

    let name = "FulfillmentSearchCombinablePackagesResponse";
    let ids = ["57466538837665", "57466538837666"].map(PlatformOrderId::from_static);
    let made = answer(&json!({"packages": [{"id": "7", "order_ids": ids}]}));
    let (shop, script) = scripted("TH", vec![example(name), made]);
    let combined = shop.combine(&ids).await.unwrap();
    assert_eq!((combined.len(), &combined[0].orders[..]), (1, &ids[..]));
    assert_eq!(script.bodies(), [expected(name)]);
    let official = json_fixture("FulfillmentCombinePackageRequest.json");
    assert_eq!(shape(&script.bodies()[0]), shape(&official));

    let official = json_fixture("FulfillmentUncombinePackageRequest.json");
    let order = PlatformOrderId::from_static("11132131131");
    let made = answer(&json!({"packages": [{"id": "123456", "order_ids": [order]}]}));
    let (shop, script) = scripted("TH", vec![made]);
    let package = PlatformPackageId::from_static("7");
    let apart = shop.uncombine(&package, std::slice::from_ref(&order)).await.unwrap();
    assert_eq!(apart[0].package, Some(PlatformPackageId::from_static("123456")));
    assert_eq!(script.bodies(), [official]);
    assert_eq!(script.path(0), "/fulfillment/202309/packages/7/uncombine");
    assert!(shop.uncombine(&package, &[]).await.is_err());
}

#[tokio::test]
async fn stock_is_searched_and_set_with_the_official_fields() {
    let cases = [
        ("ProductGetInventoriesResponse", "1729388324987897824"),
        ("vn_inventory_search_response", "1729700293904534135"),
    ];
    let level = |sku: &str, units: u32, warehouse: Option<WarehouseId>| StockLevel {
        sku: Sku::from_static("MUG"),
        listing: Some(Listing { item: "17".into(), variant: Some(sku.into()) }),
        warehouse,
        units,
    };
    for (name, sku) in cases {
        let (shop, script) = scripted("VN", vec![example(name), answer(&json!({}))]);
        let outcomes = shop.push_stock(&[level(sku, 7, None)]).await;
        assert!(outcomes[0].is_ok(), "{name}: {outcomes:?}");
        let bodies = script.bodies();
        assert!(is_part_of(&bodies[0], &json_fixture("ProductGetInventoriesRequest.json")));
        assert_eq!(bodies[1], expected(name));
    }
    let official = json_fixture("ProductUpdateProductInventoryRequest.json");
    let places = example("vn_inventory_search_response")
        .replace("1729700293904534135", "1729592969712207013")
        .replace("7272949914115966726", "7068517275539719942");
    let (shop, script) = scripted("VN", vec![places, answer(&json!({"errors": []}))]);
    let warehouse = WarehouseId::from_static("7068517275539719942");
    shop.push_stock(&[level("1729592969712207013", 999, Some(warehouse))]).await.remove(0).unwrap();
    assert_eq!(script.bodies()[1], official);
}

#[tokio::test]
async fn a_message_goes_to_the_official_conversation_as_a_text_that_holds_json() {
    let answers = vec![
        detail(|order| order["user_id"] = json!("7494560109732338459")),
        example("CustomerServiceCreateConversationResponse"),
        example("CustomerServiceCreateConversationMessageResponse"),
    ];
    let (shop, script) = scripted("US", answers);
    let sent = shop.send_message(&id(), &"test".to_owned().into(), &key()).await;
    let bodies = script.bodies();
    assert_eq!(bodies[0], json_fixture("CustomerServiceCreateConversationRequest.json"));
    let mut official = json_fixture("CustomerServiceCreateConversationMessageRequest.json");
    let inner = |body: &Value| -> Value {
        serde_json::from_str(body["content"].as_str().unwrap()).unwrap()
    };
    assert_eq!(inner(&bodies[1]), inner(&official));
    official["content"] = bodies[1]["content"].clone();
    assert_eq!(bodies[1], official);
    let read = json!({ "message_goes_to": script.path(2) });
    assert_eq!(read, expected("CustomerServiceCreateConversationResponse"));
    let told = expected("CustomerServiceCreateConversationMessageResponse");
    assert_eq!(outcome(&sent, "sent"), told);
}

#[tokio::test]
async fn notifications_are_subscribed_as_the_official_requests_show() {
    let known = answer(&json!({"total_count": 1, "webhooks": [{
        "event_type": "ORDER_STATUS_CHANGE", "address": "https://partner.tiktokshop.com",
        "create_time": 1_635_338_186, "update_time": 1_635_338_186
    }]}));
    // What is missing of an answer whose data nobody needs does not matter.
    let bare = r#"{"code":0,"message":"Success","request_id":"1"}"#.to_owned();
    let (shop, script) = scripted("US", vec![bare, known, answer(&json!({}))]);
    let address = "https://partner.tiktokshop.com";
    shop.subscribe("ORDER_STATUS_CHANGE", address).await.unwrap();
    let topics = shop.subscriptions().await.unwrap();
    assert_eq!(
        (topics[0].topic.as_str(), topics[0].address.as_str()),
        ("ORDER_STATUS_CHANGE", address)
    );
    assert_eq!(topics[0].created_at.unwrap().timestamp(), 1_635_338_186);
    shop.unsubscribe("ORDER_STATUS_CHANGE").await.unwrap();
    let bodies = script.bodies();
    assert_eq!(bodies[0], json_fixture("EventUpdateWebhookRequest.json"));
    assert_eq!(bodies[1], json_fixture("EventDeleteWebhookRequest.json"));
    let methods: Vec<_> = (0..3).map(|index| script.method(index)).collect();
    assert_eq!(methods, ["PUT", "GET", "DELETE"]);
    let long = format!("https://{}", "x".repeat(248));
    for (topic, address, field) in [
        ("", address, "topic"),
        ("NEW_MESSAGE", "http://partner.tiktokshop.com", "address"),
        ("NEW_MESSAGE", &long, "address"),
    ] {
        let error = shop.subscribe(topic, address).await.unwrap_err();
        assert_eq!(error.field(), Some(field), "{error}");
    }
}

#[tokio::test]
async fn cancellations_and_answers_have_the_official_fields() {
    let official = json_fixture("ReturnRefundCreateCancellationRequest.json");
    let unit = official["order_line_item_ids"][0].as_str().unwrap();
    let answers = vec![
        order_detail("AWAITING_SHIPMENT", "SELLER", &[unit, "9"]),
        example("ReturnRefundCreateCancellationResponse"),
    ];
    let reason = official["cancel_reason"].as_str().unwrap();
    let config = account("US").with_cancel_reason("out_of_stock", reason);
    let (shop, script) =
        scripted_with(config, answers.into_iter().map(|body| (200, body)).collect());
    let wanted = CancelLine { line: line(1).line, units: 1, reason: CancelReason::OutOfStock };
    let done = shop.cancel(&id(), &[wanted]).await;
    assert_eq!(outcome(&done, "cancelled"), expected("ReturnRefundCreateCancellationResponse"));
    let sent = script.bodies().remove(0);
    assert!(is_part_of(&sent, &official), "{sent}");
    assert_eq!(sent["order_line_item_ids"], json!(["9"]), "the smallest open unit");
    assert_eq!(sent["cancel_reason"], official["cancel_reason"]);

    let read = scripted("US", vec![example("ReturnRefundSearchCancellationsResponse")]);
    let PlatformItem::Read(cancellation) =
        read.0.cases(then(), then(), None).await.unwrap().items.remove(0)
    else {
        panic!("it was not read")
    };
    let back = AfterSaleCase {
        kind: CaseKind::Return,
        status: "BUYER_SHIPPED_ITEM".to_owned(),
        ..(*cancellation).clone()
    };
    let refund = AfterSaleCase { kind: CaseKind::Refund, ..(*cancellation).clone() };
    let refuse = |name: &str| {
        let official = json_fixture(name);
        CaseAnswer::Refuse {
            reason: official["reject_reason"].as_str().unwrap().to_owned(),
            comment: Some(official["comment"].as_str().unwrap().to_owned().into()),
        }
    };
    let rejected = "ReturnRefundRejectCancellationRequest.json";
    let returned = "ReturnRefundRejectReturnRequest.json";
    let cases = [
        (*cancellation, refuse(rejected), rejected, "cancellations/4035318504086604100/reject"),
        (back, refuse(returned), returned, "returns/4035318504086604100/reject"),
        (
            refund,
            CaseAnswer::Accept,
            "ReturnRefundApproveReturnRequest.json",
            "returns/4035318504086604100/approve",
        ),
    ];
    for (case, given, name, path) in cases {
        let (shop, script) = scripted("US", vec![answer(&json!({}))]);
        shop.answer(&case, &given, &key()).await.unwrap();
        let (sent, official) = (script.bodies().remove(0), json_fixture(name));
        for (field, value) in sent.as_object().unwrap() {
            assert_eq!(value, &official[field], "{name}: {field}");
        }
        // Without pictures, and without what the platform fills in by itself.
        assert_eq!(sent.as_object().unwrap().len() + 1, official.as_object().unwrap().len());
        assert_eq!(script.path(0), format!("/return_refund/202309/{path}"));
        assert!(script.query(0).contains("idempotency_key="));
    }
}
