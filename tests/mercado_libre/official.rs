//! Official bodies, each met by the call that meets it.

use std::sync::Arc;

use super::house::*;
use orderflow::ErrorKind;
use orderflow::client::{MemoryRefreshTokenStore, RefreshTokenStore};
use orderflow::order::{CancelReason, PlatformOrder, UnitStatus};
use orderflow::platforms::mercado_libre::{
    MercadoLibre, MercadoLibreConfig, ReturnFault, Site, TransportStep,
};
use orderflow::ports::{
    AfterSale, CancelLine, Cancellations, CaseAnswer, CaseKind, Listing, MarketplaceAdapter,
    PlatformParcels, ShipmentNoticeLine, StockLevel, StockPush,
};
use orderflow::{LineId, Sku, WarehouseId};
use serde_json::{Value, json};

const ORDER: &str = "2000009713473608";

fn shipment(mode: &str, status: &str, substatus: Option<&str>) -> Answer {
    let body = json!({"id": 44_028_792_542_u64, "status": status, "substatus": substatus,
        "tracking_number": "MEL1", "logistic": {"mode": mode, "type": "default"}});
    ok(body.to_string())
}

/// What a look at the documented order is answered with: no pack, the order, no pack, its shipment,
/// and neither deadline nor history.
fn looked_at(mode: &str, status: &str, substatus: Option<&str>) -> Vec<Answer> {
    let order = ok(fixture("order_pack_catalog.response.json"));
    vec![missing(), order, missing(), shipment(mode, status, substatus), missing()]
}

fn sent(script: &Script) -> (String, Value) {
    let call = script.calls().pop().unwrap();
    (call.url, serde_json::from_slice(&call.body).unwrap())
}

/// Compares one thing of ours with the file beside its payload.
fn expect_one(name: &str, thing: &impl serde::Serialize) {
    assert_eq!(serde_json::to_value(thing).unwrap(), json_fixture(name), "{name}");
}

fn tokens_of(seller: u64) -> Answer {
    let body = fixture("oauth_refresh.response.json");
    ok(body.replace("\"user_id\": 1234567", &format!("\"user_id\": {seller}")))
}

// ---- signing in -------------------------------------------------------------------------------

fn signing_in(seller: u64, store: &MemoryRefreshTokenStore) -> MercadoLibreConfig {
    let store: Arc<dyn RefreshTokenStore> = Arc::new(store.clone());
    MercadoLibreConfig::new("app", "client-secret-canary", seller, Site::brazil(), "shop", store)
        .with_base_url("https://mercado.test")
}

#[tokio::test]
async fn a_sign_in_stores_the_first_refresh_token_of_the_seller_and_of_nobody_else() {
    let script = Arc::new(Script::default());
    for _ in 0..2 {
        script.tokens.lock().unwrap().push_back(ok(fixture("oauth_token.response.json")));
    }
    let store = MemoryRefreshTokenStore::new();
    let config = signing_in(1_234_567, &store);
    let (code, back) = ("TG-code-canary", "https://erp.test/back");
    MercadoLibre::authorize(&config, script.clone(), code, back, Some("verifier")).await.unwrap();
    let stored = store.load("shop").await.unwrap().unwrap();
    assert_eq!(stored.secret.as_str(), "TG-5b9032b4e23464aed1f959f-1234567");
    let call = script.seen.lock().unwrap().remove(0);
    let form = String::from_utf8(call.body.to_vec()).unwrap();
    for pair in [
        "grant_type=authorization_code",
        "client_id=app",
        "code=TG-code-canary",
        "redirect_uri=https%3A%2F%2Ferp.test%2Fback",
        "code_verifier=verifier",
    ] {
        assert!(form.split('&').any(|known| known == pair), "{pair} in {form}");
    }
    assert!(!call.headers.contains_key("authorization"));
    let other = MemoryRefreshTokenStore::new();
    let config = signing_in(7, &other);
    let error = MercadoLibre::authorize(&config, script, code, back, None).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::AuthRejected, Some("seller")));
    assert!(other.load("shop").await.unwrap().is_none());
    assert!(!format!("{error:?}").contains("canary"), "{error:?}");
}

#[tokio::test]
async fn a_code_that_was_used_is_refused_once_and_nothing_is_stored() {
    let script = Arc::new(Script::default());
    let refused = status(400, fixture("oauth_error_invalid_grant.response.json"));
    script.tokens.lock().unwrap().push_back(refused);
    let store = MemoryRefreshTokenStore::new();
    let config = signing_in(1_234_567, &store);
    let sent = MercadoLibre::authorize(&config, script.clone(), "old", "https://erp.test", None);
    assert_eq!(sent.await.unwrap_err().kind(), ErrorKind::AuthRejected);
    assert_eq!(script.seen.lock().unwrap().len(), 1);
    assert!(store.load("shop").await.unwrap().is_none());
}

// ---- orders and shipments ---------------------------------------------------------------------

#[tokio::test]
async fn the_documented_history_of_a_parcel_that_nobody_has_taken_says_of_no_instant() {
    let order = fixture("order_pack_catalog.response.json");
    let moving = shipment("me2", "shipped", None);
    let history = ok(fixture("shipment_history.response.json"));
    let (shop, _) = scripted(config(), vec![missing(), ok(order), missing(), moving, history]);
    let order = shop.get_order(&id(ORDER)).await.unwrap();
    let group = &order.lines[0].units[0];
    assert_eq!(group.status, UnitStatus::InTransit);
    assert_eq!(group.shipment.as_ref().unwrap().shipped_at, None, "printed is not handed over");
}

#[tokio::test]
async fn a_shipment_of_placeholders_is_an_error_that_names_the_first_of_them() {
    let order = fixture("order_pack_catalog.response.json");
    let shape = ok(fixture("shipment_new_format_shape.response.json"));
    let (shop, _) = scripted(config(), vec![missing(), ok(order), missing(), shape]);
    let error = shop.get_order(&id(ORDER)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedAnswer);
    assert!(error.to_string().contains("last_updated"), "{error}");
}

#[tokio::test]
async fn a_pack_without_orders_is_an_error_and_no_empty_order() {
    let pack = ok(fixture("cbt_pack_split_parent.response.json"));
    let (shop, _) = scripted(config().with_global_selling(true), vec![pack]);
    let error = shop.get_order(&id("2000008674781009")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedAnswer);
    assert!(error.to_string().contains("no orders"), "{error}");
}

#[tokio::test]
async fn billing_data_of_every_site_read_as_expected() {
    for (site, who) in [
        ("MLA", "person"),
        ("MLB", "company"),
        ("MLB", "person"),
        ("MLC", "company"),
        ("MLM", "person"),
        ("MCO", "person"),
    ] {
        let name = format!("billing_info_{site}_{who}.response");
        let mut order = json_fixture("order_real_mlc_flex_2025.response.json");
        order["context"]["site"] = json!(site);
        order["seller"]["id"] = json!(SELLER);
        let body = fixture(&format!("{name}.json"));
        let (shop, script) =
            scripted(config(), vec![missing(), ok(order.to_string()), ok(body.clone())]);
        let mut info = shop.billing_info(&id("2000013770481964")).await.unwrap().unwrap();
        let url = script.calls().pop().unwrap().url;
        let wanted = format!("/orders/billing-info/{site}/776100000000000001");
        assert!(url.ends_with(&wanted), "{url}");
        assert_eq!(info.raw.as_str(), body.trim());
        assert!(!info.is_unnamed());
        info.raw = String::new().into();
        expect_one(&format!("{name}.expect.json"), &info);
        let number = info.document.unwrap();
        assert!(!format!("{number:?}").contains(number.as_str()), "it never prints");
    }
}

#[tokio::test]
async fn a_buyer_in_mexico_who_wants_no_invoice_in_his_name_is_told_by_his_number() {
    let mut order = json_fixture("order_real_mlc_flex_2025.response.json");
    order["seller"]["id"] = json!(SELLER);
    let mut body = json_fixture("billing_info_MLM_person.response.json");
    body["buyer"]["billing_info"]["identification"]["number"] = json!("XAXX010101000");
    let (shop, _) =
        scripted(config(), vec![missing(), ok(order.to_string()), ok(body.to_string())]);
    let info = shop.billing_info(&id("2000013770481964")).await.unwrap().unwrap();
    assert!(info.is_unnamed());
    let order = fixture("order_pack_catalog.response.json");
    let (shop, script) = scripted(config(), vec![missing(), ok(order)]);
    assert_eq!(shop.billing_info(&id(ORDER)).await.unwrap(), None);
    assert_eq!(script.calls().len(), 2, "nobody is asked for without an id");
}

// ---- what is told -----------------------------------------------------------------------------

#[tokio::test]
async fn steps_of_the_sellers_own_transport_are_written_as_in_the_official_examples() {
    for (name, step) in [
        ("shipped_out_for_delivery", TransportStep::OutForDelivery),
        ("shipped_receiver_absent", TransportStep::ReceiverAbsent),
        ("shipped_bad_address", TransportStep::BadAddress),
        ("not_delivered_returning_to_sender", TransportStep::ReturningToSender),
        ("delivered", TransportStep::Delivered),
    ] {
        let mut wanted = json_fixture(&format!("me1_seller_notification_{name}.request.json"));
        let comment = wanted["payload"]["comment"].as_str().unwrap().to_owned();
        let when = wanted["payload"]["date"].as_str().unwrap().parse().unwrap();
        let mut answers = looked_at("me1", "shipped", None);
        answers.push(ok("{}"));
        let (shop, script) = scripted(config(), answers);
        shop.report_transport(&id(ORDER), step, &comment, when).await.unwrap();
        let (url, body) = sent(&script);
        assert!(url.ends_with("/shipments/44028792542/seller_notifications"), "{url}");
        // One example repeats the number that was told before.
        wanted["payload"].as_object_mut().unwrap().remove("service_id");
        wanted.as_object_mut().unwrap().remove("tracking_number");
        wanted.as_object_mut().unwrap().remove("tracking_url");
        // The same instant with the site's own offset.
        let date: chrono::DateTime<chrono::Utc> =
            body["payload"]["date"].as_str().unwrap().parse().unwrap();
        assert_eq!(date, when, "{name}");
        wanted["payload"]["date"] = body["payload"]["date"].clone();
        assert_eq!(body, wanted, "{name}");
    }
}

#[tokio::test]
async fn a_split_is_written_as_in_the_official_example() {
    let orders = [(20_000_001, 2), (20_000_002, 1), (20_000_003, 1)];
    let ids: Vec<Value> = orders.iter().map(|(order, _)| json!({"id": order})).collect();
    let pack = json!({"id": 7, "status": "released", "orders": ids,
        "shipment": {"id": 44_028_792_542_u64}});
    let mut answers = vec![ok(pack.to_string())];
    for (number, units) in orders {
        let mut order = json_fixture("order_pack_catalog.response.json");
        order["id"] = json!(number);
        order["pack_id"] = json!(7);
        order["order_items"][0]["quantity"] = json!(units);
        answers.push(ok(order.to_string()));
    }
    answers.extend([shipment("me2", "ready_to_ship", None), missing(), ok("")]);
    let config = config().with_split_reason("DIMENSIONS_EXCEEDED");
    let (shop, script) = scripted(config, answers);
    let line = |order: u64, units| ShipmentNoticeLine {
        line: LineId::new(format!("{order}-MLB3737188005")).unwrap(),
        reference: None,
        units,
    };
    let parcels = [vec![line(20_000_001, 2)], vec![line(20_000_002, 1), line(20_000_003, 1)]];
    let parts = shop.split(&id("7"), &parcels).await.unwrap();
    assert_eq!(parts.len(), 2);
    let (url, body) = sent(&script);
    assert!(url.ends_with("/shipments/44028792542/split"), "{url}");
    assert_eq!(body, json_fixture("shipment_split.request.json"));
}

#[tokio::test]
async fn goods_at_hand_are_said_to_be_so_and_the_documented_answer_is_a_yes() {
    let mut answers = looked_at("me2", "pending", Some("manufacturing"));
    answers.push(ok(fixture("process_ready_to_ship.response.json")));
    let (shop, script) = scripted(config(), answers);
    shop.mark_ready_to_ship(&id(ORDER)).await.unwrap();
    assert!(sent(&script).0.ends_with("/shipments/44028792542/process/ready_to_ship"));
}

#[tokio::test]
async fn a_refused_cancellation_is_none_when_the_feedback_says_that_the_sale_was_fulfilled() {
    let mut answers = looked_at("me2", "ready_to_ship", Some("ready_to_print"));
    answers.push(status(400, r#"{"message":"feedback exists","error":"bad_request"}"#));
    answers.push(ok(fixture("order_feedback.response.json")));
    let (shop, script) = scripted(config(), answers);
    let lines = [CancelLine {
        line: LineId::new(format!("{ORDER}-MLB3737188005")).unwrap(),
        units: 2,
        reason: CancelReason::OutOfStock,
    }];
    let error = shop.cancel(&id(ORDER), &lines).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    assert!(script.calls().pop().unwrap().url.ends_with(&format!("/orders/{ORDER}/feedback")));
}

#[tokio::test]
async fn a_conversation_is_begun_for_a_reason_and_the_documented_answer_is_a_yes() {
    let answers = vec![ok(fixture("action_guide_send.response.json"))];
    let (shop, script) = scripted(config(), answers);
    shop.begin_conversation(&id("7"), "REQUEST_BILLING_INFO", None).await.unwrap();
    let (url, body) = sent(&script);
    assert!(url.ends_with("/messages/action_guide/packs/7/option?tag=post_sale"), "{url}");
    assert_eq!(body, json!({"option_id": "REQUEST_BILLING_INFO"}));
}

#[tokio::test]
async fn messages_and_the_list_of_unread_ones_read_as_documented() {
    let answers = vec![
        ok(fixture("messages_unread.response.json")),
        ok(fixture("message_by_id_new.response.json")),
    ];
    let config = MercadoLibreConfig::new(
        "5503910054141466",
        "client-secret-canary",
        123_456_789_000,
        Site::brazil(),
        "shop",
        Arc::new(tokens("shop", "TG-canary-refresh")),
    )
    .with_base_url("https://mercado.test");
    let (shop, script) = scripted(config, answers);
    script.tokens.lock().unwrap().push_back(tokens_of(123_456_789_000));
    let unread = shop.unread_conversations().await.unwrap();
    assert_eq!(unread.len(), 1);
    assert_eq!((unread[0].pack.clone(), unread[0].count), (id("1977056109"), 1));
    let messages = shop.messages_about(&id("1977056109")).await.unwrap();
    assert_eq!(messages.len(), 1);
    let message = &messages[0];
    assert_eq!(message.id.as_deref(), Some("fd1d2e37ad004ede9e0bf25d1215002d"));
    assert!(message.from_seller);
    assert_eq!(message.text.as_str(), "Mensaje de prueba");
    assert_eq!(message.status.as_deref(), Some("available"));
    assert_eq!(message.sent_at, Some(at("2020-12-05T20:01:46Z")));
    assert_eq!(message.read_at, None);
    let urls: Vec<String> = script.calls().into_iter().map(|call| call.url).collect();
    assert!(urls[0].ends_with("/messages/unread?role=seller&tag=post_sale"), "{}", urls[0]);
    assert!(urls[1].contains("mark_as_read=false"), "reading a list marks nothing: {}", urls[1]);
}

// ---- stock ------------------------------------------------------------------------------------

fn level(product: &str, depot: Option<&'static str>, units: u32) -> StockLevel {
    StockLevel {
        sku: Sku::from_static("A"),
        listing: Some(Listing { item: product.to_owned(), variant: None }),
        warehouse: depot.map(WarehouseId::from_static),
        units,
    }
}

#[tokio::test]
async fn documented_stock_is_written_where_it_lies_with_the_version_it_was_read_with() {
    let read = |name: &str| Answer::With(200, fixture(name), vec![("x-version", "4")]);
    let answers = vec![
        read("user_product_stock_selling_address.response.json"),
        status(204, ""),
        read("user_product_stock_warehouses.response.json"),
        ok(fixture("user_product_stock_put.response.json")),
        read("user_product_stock_warehouses.response.json"),
        ok(fixture("user_product_stock_selling_address.response.json")),
    ];
    let (shop, script) = scripted(config(), answers);
    let levels = [
        level("MLBU206642488", None, 5),
        level("MLAU123456789", Some("MXP123452"), 15),
        level("MLAU123456789", None, 1),
        level("MLBU206642488", None, 1),
    ];
    let outcomes = shop.push_stock(&levels).await;
    assert!(outcomes[0].is_ok() && outcomes[1].is_ok(), "{outcomes:?}");
    assert_eq!(outcomes[2].as_ref().unwrap_err().field(), Some("warehouse"));
    let error = outcomes[3].as_ref().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedAnswer, "an answer without x-version");
    let calls = script.calls();
    let body = |index: usize| -> Value { serde_json::from_slice(&calls[index].body).unwrap() };
    assert!(calls[1].url.ends_with("/user-products/MLBU206642488/stock/type/selling_address"));
    assert_eq!(body(1), json!({"quantity": 5}));
    assert_eq!(calls[1].headers["x-version"], "4");
    assert!(calls[3].url.ends_with("/user-products/MLAU123456789/stock/type/seller_warehouse"));
    let depot = json!({"store_id": "9876553", "network_node_id": "MXP123452", "quantity": 15});
    assert_eq!(body(3), json!({"locations": [depot]}));
    assert_eq!(calls[3].headers["x-version"], "4");
}

// ---- returns ----------------------------------------------------------------------------------

#[tokio::test]
async fn returns_their_reviews_and_the_faults_to_choose_from_read_as_expected() {
    let answers = vec![
        ok(fixture("returns.response.json")),
        ok(fixture("return_reviews.response.json")),
        missing(),
        ok(fixture("return_reasons.response.json")),
    ];
    let (shop, script) = scripted(config(), answers);
    expect_one("returns.response.expect.json", &shop.goods_return("5298178312").await.unwrap());
    let reviews = shop.return_reviews("57341011").await.unwrap();
    expect_one("return_reviews.response.expect.json", &reviews);
    assert!(shop.return_reviews("1").await.unwrap().is_empty(), "nobody has looked yet");
    let reasons = shop.return_reasons("5298178312").await.unwrap();
    assert_eq!(reasons.len(), 6);
    assert_eq!((reasons[3].id.as_str(), reasons[3].apply.len()), ("SRF5", 2));
    assert_eq!(reasons[5].name.as_deref(), Some("return_has_not_arrived"));
    let urls: Vec<String> = script.calls().into_iter().map(|call| call.url).collect();
    assert!(urls[0].ends_with("/post-purchase/v2/claims/5298178312/returns"), "{}", urls[0]);
    assert!(urls[1].ends_with("/post-purchase/v1/returns/57341011/reviews"), "{}", urls[1]);
    assert!(urls[3].ends_with("?flow=seller_return_failed&claim_id=5298178312"), "{}", urls[3]);
}

fn claim_with(actions: &[&str]) -> Answer {
    let mut claim = json_fixture("claim.response.json");
    claim["status"] = json!("opened");
    claim["players"][1]["user_id"] = json!(SELLER);
    let rows: Vec<Value> = actions
        .iter()
        .map(|action| json!({"action": action, "mandatory": false, "due_date": null}))
        .collect();
    claim["players"][1]["available_actions"] = json!(rows);
    ok(claim.to_string())
}

#[tokio::test]
async fn goods_that_came_back_well_are_said_so_once() {
    let back = || ok(fixture("returns.response.json"));
    let mut reviewed = json_fixture("return_reviews.response.json");
    reviewed["reviews"][0]["resource_reviews"][0]["seller_status"] = json!("success");
    let answers = vec![
        claim_with(&["refund", "return_review_ok", "return_review_fail"]),
        back(),
        ok("{}"),
        // Asked again.
        claim_with(&["refund"]),
        back(),
        ok(reviewed.to_string()),
        // Not open to a review, and nobody has reviewed it.
        claim_with(&["refund"]),
        back(),
        missing(),
    ];
    let (shop, script) = scripted(config(), answers);
    let case = orderflow::ports::AfterSaleCase {
        id: "5256749420".to_owned(),
        kind: CaseKind::Return,
        order: None,
        lines: Vec::new(),
        status: "opened".to_owned(),
        open: true,
        reason: None,
        amount: None,
        opened_at: None,
        updated_at: None,
        respond_by: None,
        actions: Vec::new(),
    };
    shop.answer(&case, &CaseAnswer::Received, &key()).await.unwrap();
    let (url, body) = sent(&script);
    assert!(url.ends_with("/post-purchase/v1/returns/57341011/return-review"), "{url}");
    assert_eq!(body, json!({}));
    shop.answer(&case, &CaseAnswer::Received, &key()).await.unwrap();
    let error = shop.answer(&case, &CaseAnswer::Received, &key()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    let posts = script.calls().iter().filter(|call| call.url.ends_with("return-review")).count();
    assert_eq!(posts, 1);
}

fn fault(reason: &str, message: &str, file: &str, order: &str) -> ReturnFault {
    ReturnFault {
        reason: reason.to_owned(),
        message: message.to_owned(),
        evidence: vec![file.to_owned()],
        order: Some(id(order)),
    }
}

#[tokio::test]
async fn faults_of_returned_goods_are_written_as_in_the_official_example() {
    let answers =
        vec![claim_with(&["return_review_fail"]), ok(fixture("returns.response.json")), ok("{}")];
    let (shop, script) = scripted(config(), answers);
    let (screen, other) = (
        "1277895049_9d6b8d38-a2c2-4d17-a68b-f0845bc35fd1.png",
        "1117895119_abc123-a1c7-4f1f-a68b-xyz789.png",
    );
    let mut faults = vec![
        fault("SRF2", "Producto dañado", screen, "2000011248679992"),
        fault("SRF4", "Producto diferente recibido", other, "2000011248679993"),
    ];
    shop.review_return("5256749420", &faults).await.unwrap();
    assert_eq!(sent(&script).1, json_fixture("return_review_faults.request.json"));
    faults[1].evidence.clear();
    let error = shop.review_return("5256749420", &faults).await.unwrap_err();
    assert_eq!(error.field(), Some("faults.evidence"));
    faults[1] = fault("SRF7", " ", other, "x");
    let error = shop.review_return("5256749420", &faults).await.unwrap_err();
    assert_eq!(error.field(), Some("faults.message"));
    faults[1] = fault("SRF7", "Aún no me llegó", other, "x");
    let error = shop.review_return("5256749420", &faults).await.unwrap_err();
    assert_eq!(error.field(), Some("faults.order"));
    assert_eq!(script.calls().len(), 3, "what cannot be right is not sent");
}

#[tokio::test]
async fn a_review_whose_answer_was_lost_is_looked_for_and_never_sent_blindly() {
    for (after, kind) in
        [(&["refund"][..], None), (&["return_review_ok"], Some(ErrorKind::Ambiguous))]
    {
        let answers = vec![
            claim_with(&["return_review_ok"]),
            ok(fixture("returns.response.json")),
            Answer::Lost,
            claim_with(after),
        ];
        let (shop, script) = scripted(config(), answers);
        let told = shop.review_return("5256749420", &[]).await;
        assert_eq!(told.err().map(|error| error.kind()), kind);
        assert_eq!(script.calls().len(), 4);
    }
}

#[test]
fn a_snapshot_of_the_order_keeps_the_buyers_older_address() {
    let body = fixture("orders_search.response.json");
    let page = orderflow::platforms::mercado_libre::read_search_page(body.as_bytes()).unwrap();
    let order: PlatformOrder = read_items(page).remove(0);
    assert_eq!(order.buyer.email.unwrap().as_str(), "test_user_97424966@testuser.com");
}
