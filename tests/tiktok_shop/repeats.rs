//! What is asked for twice, what half worked, and what a platform would refuse.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::house::*;
use super::journey::{fault, label_request};
use super::official::{account, detail, scripted_with};
use http::Method;
use orderflow::client::{
    MemoryRefreshTokenStore, RefreshTokenStore, RetryPolicy, StoredToken, WireRequest,
};
use orderflow::order::{CancelReason, PlatformOrder};
use orderflow::platforms::tiktok_shop::{CallSigner, TikTokShop, TikTokShopConfig};
use orderflow::ports::{
    CancelLine, Cancellations, MarketplaceAdapter, PlatformLabels, TrackingUpdates,
};
use orderflow::sandbox::tiktok_shop::{Shipping, TikTokShopStandIn};
use orderflow::sandbox::{Fault, Faults, Ledger, Sandbox, VirtualClock};
use orderflow::{ErrorKind, PlatformOrderId, Retry};
use serde_json::{Value, json};

const ORDER: PlatformOrderId = PlatformOrderId::from_static("576461413038785752");

fn out_of_stock(order: &PlatformOrder, units: u32) -> Vec<CancelLine> {
    vec![CancelLine { line: order.lines[0].id.clone(), units, reason: CancelReason::OutOfStock }]
}

impl House {
    async fn statuses(&self, id: &PlatformOrderId) -> Vec<(String, u32)> {
        let order = self.shop.get_order(id).await.unwrap();
        order.lines[0]
            .units
            .iter()
            .map(|group| (format!("{:?}", group.status), group.units))
            .collect()
    }
}

#[tokio::test(start_paused = true)]
async fn cancelling_a_part_twice_cancels_it_once_and_spares_the_parcel_that_left() {
    for lost in [None, Some(Fault::LostAfter), Some(Fault::Truncated)] {
        let faults = lost.map_or(Faults::none(), |lost| fault("/cancellations", 0, lost));
        let house = house_with("US", faults, |config| config);
        let id = house.place("US", Shipping::Platform, 2);
        let order = house.shop.get_order(&id).await.unwrap();
        house.shop.buy(&label_request(&order, 1), &key()).await.unwrap();
        for _ in 0..3 {
            house.shop.cancel(&id, &out_of_stock(&order, 1)).await.unwrap();
        }
        let left = house.statuses(&id).await;
        let wanted = [("Shipped".to_owned(), 1), ("Cancelled".to_owned(), 1)];
        assert!(wanted.iter().all(|group| left.contains(group)), "{lost:?}: {left:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_that_did_not_arrive_chooses_the_same_units_again() {
    let house = house_with("US", fault("/cancellations", 0, Fault::LostBefore), |config| config);
    let id = house.place("US", Shipping::Seller, 3);
    let order = house.shop.get_order(&id).await.unwrap();
    let lost = house.shop.cancel(&id, &out_of_stock(&order, 2)).await.unwrap_err();
    assert_eq!(lost.kind(), ErrorKind::Transient, "{lost}");
    house.shop.cancel(&id, &out_of_stock(&order, 2)).await.unwrap();
    house.shop.cancel(&id, &out_of_stock(&order, 2)).await.unwrap();
    let left = house.statuses(&id).await;
    assert!(left.contains(&("New".to_owned(), 1)) && left.contains(&("Cancelled".to_owned(), 2)));
    // All that are left, those of before counted or not.
    house.shop.cancel(&id, &out_of_stock(&order, 3)).await.unwrap();
    assert_eq!(house.statuses(&id).await, [("Cancelled".to_owned(), 3)]);
    let twice = [out_of_stock(&order, 1), out_of_stock(&order, 1)].concat();
    let error = house.shop.cancel(&id, &twice).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("lines.line")));
}

/// The official order under the platform's shipping, before or after its package was made.
fn packed(made: bool) -> (u16, String) {
    let body = detail(|order| {
        let word = if made { "AWAITING_COLLECTION" } else { "AWAITING_SHIPMENT" };
        order["status"] = json!(word);
        order["shipping_type"] = json!("TIKTOK");
        order["tracking_number"] = Value::Null;
        let unit = &mut order["line_items"][0];
        unit["display_status"] = json!(word);
        unit["package_status"] = Value::Null;
        unit["tracking_number"] = if made { json!("9400TT") } else { Value::Null };
        unit["package_id"] = if made { json!("77") } else { Value::Null };
    });
    (200, body)
}

fn good(data: &Value) -> (u16, String) {
    (200, json!({"code": 0, "message": "Success", "data": data}).to_string())
}

fn no_package() -> (u16, String) {
    (200, json!({"code": 21_011_001, "message": "package not found", "data": null}).to_string())
}

fn created() -> (u16, String) {
    good(&json!({"package_id": "77", "shipping_service_info": {
        "id": "1", "name": "Standard", "price": "5.20", "currency": "USD",
        "shipping_provider_name": "USPS"
    }}))
}

fn package(number: Option<&str>) -> (u16, String) {
    good(&json!({"package_id": "77", "package_status": "PROCESSING", "tracking_number": number}))
}

#[tokio::test]
async fn a_package_that_cannot_be_read_after_it_was_bought_does_not_lose_its_label() {
    let document = good(&json!({"doc_url": null, "tracking_number": "9400TT"}));
    let broken = (500, json!({"code": 36_009_003, "message": "Internal error"}).to_string());
    for unread in [no_package(), broken, (502, "<html>".to_owned())] {
        // The document tells the number; carrier and price are what was bought.
        let (shop, _) = scripted_with(
            account("US"),
            vec![packed(false), packed(false), created(), unread.clone(), document.clone()],
        );
        let order = shop.get_order(&ORDER).await.unwrap();
        let label = shop.buy(&label_request(&order, 1), &key()).await.unwrap();
        assert_eq!(label.record.number.as_str(), "9400TT");
        assert_eq!(label.record.cost.total().unwrap().to_string(), "5.20 USD");
        assert_eq!(label.record.carrier.as_str(), "usps");

        // Nothing tells the number yet: it is looked for, and found with its price.
        let (shop, script) = scripted_with(
            account("US"),
            vec![
                packed(false),
                packed(false),
                created(),
                unread.clone(),
                no_package(),
                packed(true),
                package(Some("9400TT")),
                no_package(),
                packed(true),
                package(Some("9400TT")),
                no_package(),
            ],
        );
        let order = shop.get_order(&ORDER).await.unwrap();
        let lost = shop.buy(&label_request(&order, 1), &key()).await.unwrap_err();
        assert_eq!((lost.kind(), lost.retry()), (ErrorKind::Ambiguous, Retry::LookFirst), "{lost}");
        let found = shop.existing(&ORDER).await.unwrap().remove(0);
        let again = shop.buy(&label_request(&order, 1), &key()).await.unwrap();
        for label in [found, again] {
            assert_eq!(label.record.number.as_str(), "9400TT");
            assert_eq!(label.record.cost.total().unwrap().to_string(), "5.20 USD");
            assert_eq!(label.record.carrier.as_str(), "usps");
        }
        let bought = script.bodies().into_iter().filter(|body| body.get("weight").is_some());
        assert_eq!(bought.count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_number_goes_to_every_package_under_the_old_one() {
    for (path, broken) in [("/nothing", false), ("/shipping_info/update", true)] {
        let house = house_with("US", fault(path, 0, Fault::LostBefore), |config| {
            config.with_retry(RetryPolicy::none())
        });
        let id = house.place("US", Shipping::Seller, 2);
        let order = house.shop.get_order(&id).await.unwrap();
        // Two parcels went out under one number.
        house.shop.confirm_shipment(&notice(&order, 1, "OLD"), &key()).await.unwrap();
        house.shop.confirm_shipment(&notice(&order, 2, "OLD"), &key()).await.unwrap();
        let told = notice(&order, 2, "NEW");
        let first = house.shop.update_tracking(&number("OLD"), &told).await;
        if broken {
            let error = first.unwrap_err();
            assert!(error.context().any(|(name, _)| name == "package"), "{error}");
            let half = house.shop.get_order(&id).await.unwrap();
            assert_eq!(numbers(&half), ["NEW", "OLD"], "the other package was told all the same");
            house.shop.update_tracking(&number("OLD"), &told).await.unwrap();
        } else {
            first.unwrap();
        }
        let after = house.shop.get_order(&id).await.unwrap();
        assert_eq!(numbers(&after), ["NEW"]);
        // There is nothing left to change.
        house.shop.update_tracking(&number("OLD"), &told).await.unwrap();
    }
}

/// The numbers that an order shows, each once.
fn numbers(order: &PlatformOrder) -> Vec<String> {
    let shown = order.lines[0].units.iter().filter_map(|group| group.shipment.as_ref());
    let numbers = shown.filter_map(|shipment| shipment.number.as_ref()).map(ToString::to_string);
    numbers.collect::<BTreeSet<_>>().into_iter().collect()
}

#[tokio::test]
async fn an_odd_lifetime_costs_neither_the_access_token_nor_the_next_refresh_token() {
    for lifetime in [
        json!(1_000_000_000),
        json!(604_800),
        json!("soon"),
        json!("21600.0"),
        json!(21_600.5),
        json!(true),
        json!([]),
        Value::Null,
    ] {
        let tokens =
            MemoryRefreshTokenStore::new().with_token("shop", StoredToken::new("refresh-0"));
        let config = account("US").with_token_store(Arc::new(tokens.clone()));
        let answer = json!({"code": 0, "message": "Success", "data": {
            "access_token": "access-1", "access_token_expire_in": lifetime,
            "refresh_token": "refresh-1", "refresh_token_expire_in": lifetime,
            "granted_scopes": "all", "seller_name": 7
        }});
        let (shop, script) = scripted_with(config, vec![packed(false)]);
        script.answer_tokens_with(answer.to_string());
        shop.get_order(&ORDER).await.unwrap();
        let stored = tokens.load("shop").await.unwrap().unwrap();
        assert_eq!(stored.secret.as_str(), "refresh-1", "{lifetime}");
    }
}

/// The stand-in alone, with what reaches it.
fn alone() -> (Arc<TikTokShopStandIn>, Ledger, Sandbox) {
    let (clock, ledger) = (VirtualClock::new(at(0)), Ledger::new());
    let market =
        TikTokShopStandIn::new(ledger.clone(), "38abcd", "app-secret-canary", "GCP_cipher");
    let sandbox = Sandbox::new(clock, ledger.clone()).with(market.clone());
    (market, ledger, sandbox)
}

#[tokio::test(start_paused = true)]
async fn a_shop_without_a_cipher_is_refused_and_the_ciphers_can_be_asked_for() {
    for cipher in ["", "  "] {
        let (_, _, sandbox) = alone();
        let config = TikTokShopConfig::new("38abcd", "app-secret-canary", cipher, "US", "shop")
            .with_api_host(sandbox.base_url("tiktok-shop"))
            .with_auth_host(sandbox.base_url("tiktok-shop"))
            .with_clock(Arc::new(sandbox.clock().clone()))
            .with_refresh_token("refresh-0");
        let error = TikTokShop::new(config.clone(), sandbox.transport()).unwrap_err();
        let told = (error.kind(), error.field());
        assert_eq!(told, (ErrorKind::Configuration, Some("shop_cipher")));
        let shops = TikTokShop::shops_of(&config, sandbox.transport()).await.unwrap();
        assert_eq!(shops[0].cipher, "GCP_cipher");
    }
}

/// Calls the stand-in as a program would that checks nothing itself.
struct Raw {
    sandbox: Sandbox,
    token: String,
}

impl Raw {
    async fn sent(&self, request: WireRequest) -> Value {
        let answer = self.sandbox.transport().send(request).await.unwrap();
        serde_json::from_slice(&answer.body).unwrap()
    }

    async fn new(sandbox: Sandbox) -> Self {
        let mut raw = Self { sandbox, token: String::new() };
        let base = raw.sandbox.base_url("tiktok-shop");
        let url = format!(
            "{base}/api/v2/token/refresh?app_key=38abcd&app_secret=app-secret-canary\
             &grant_type=refresh_token&refresh_token=refresh-0"
        );
        let answer = raw.sent(WireRequest::new(Method::GET, url)).await;
        raw.token = answer["data"]["access_token"].as_str().unwrap().to_owned();
        raw
    }

    async fn post(&self, path: &str, query: &[(&str, &str)], body: &Value) -> Value {
        let bytes = body.to_string().into_bytes();
        let signer = CallSigner::new("38abcd", "app-secret-canary");
        let query = [&[("shop_cipher", "GCP_cipher")], query].concat();
        let query = signer.signed_query(path, &query, &bytes, at(0).timestamp());
        let base = self.sandbox.base_url("tiktok-shop");
        let mut request = WireRequest::new(Method::POST, format!("{base}{path}?{query}"));
        request.headers.insert("x-tts-access-token", self.token.parse().unwrap());
        request.headers.insert("content-type", "application/json".parse().unwrap());
        request.body = bytes.into();
        self.sent(request).await
    }
}

#[tokio::test(start_paused = true)]
async fn the_stand_in_refuses_what_the_platform_does_not_offer() {
    let (market, ledger, sandbox) = alone();
    let mut ids = Vec::new();
    for (seed, (region, shipping)) in (1..).zip([
        ("TH", Shipping::Seller),
        ("US", Shipping::Platform),
        ("US", Shipping::Seller),
        ("US", Shipping::Seller),
    ]) {
        let sale = order(seed, region, shipping, 2);
        ids.push((sale.id.clone(), sale.units[0].id.clone()));
        market.place(sale);
    }
    let raw = Raw::new(sandbox).await;
    let mark = |unit: &str| {
        json!({"tracking_number": "X1", "shipping_provider_id": "7117858858072016686",
            "order_line_item_ids": [unit]})
    };
    let cancel = |(id, unit): &(String, String), reason: &str| json!({"order_id": id, "order_line_item_ids": [unit], "cancel_reason": reason});
    let stock = |warehouse: &str| json!({"skus": [{"id": "1", "inventory": [{"warehouse_id": warehouse, "quantity": 5}]}]});
    let marked = |id: &str| format!("/fulfillment/202309/orders/{id}/packages");
    let (create, cancelled) =
        ("/fulfillment/202309/packages", "/return_refund/202309/cancellations");
    let out = "seller_cancel_reason_out_of_stock";
    let bought =
        |(id, unit): &(String, String)| json!({"order_id": id, "order_line_item_ids": [unit]});
    let refused = [
        ("a market without that call", marked(&ids[0].0), mark(&ids[0].1)),
        ("shipped by the platform", marked(&ids[1].0), mark(&ids[1].1)),
        ("shipped by the seller", create.to_owned(), bought(&ids[2])),
        ("a part where only the whole goes", cancelled.to_owned(), cancel(&ids[0], out)),
        ("a reason nobody knows", cancelled.to_owned(), cancel(&ids[2], "because")),
        (
            "a part for another reason",
            cancelled.to_owned(),
            cancel(&ids[2], "seller_cancel_reason_wrong_price"),
        ),
        ("no page_size", "/order/202309/orders/search".to_owned(), json!({})),
    ];
    for (why, path, body) in refused {
        let answer = raw.post(&path, &[], &body).await;
        assert_ne!(answer["code"], json!(0), "{why}");
    }
    let update = "/product/202309/products/1/inventory/update";
    let wrong = raw.post(update, &[], &stock("wrong")).await;
    assert_eq!(wrong["data"]["errors"][0]["message"], "The warehouse does not exist");
    assert!(ledger.confirmations().is_empty() && ledger.labels().is_empty());
    let taken = [
        (create.to_owned(), bought(&ids[1])),
        (marked(&ids[2].0), mark(&ids[2].1)),
        (cancelled.to_owned(), cancel(&ids[3], out)),
        (update.to_owned(), stock("7054915283043174149")),
    ];
    for (path, body) in taken {
        let answer = raw.post(&path, &[], &body).await;
        assert_eq!(answer["code"], json!(0), "{path}: {answer}");
    }
    let page = raw.post("/order/202309/orders/search", &[("page_size", "2")], &json!({})).await;
    assert_eq!(page["data"]["orders"].as_array().unwrap().len(), 2);
}
