//! What lies on the wire: tokens, errors, notifications, hostile bytes.

use std::sync::Arc;

use super::house::*;
use orderflow::ErrorKind;
use orderflow::client::RefreshTokenStore;
use orderflow::platforms::mercado_libre::{MERCADO_LIBRE, read_search_page};
use orderflow::ports::{MarketplaceAdapter, WebhookRequest};
use orderflow::sandbox::mercado_libre::{FIRST_REFRESH_TOKEN, Way};
use orderflow::sandbox::{Fault, Faults, ScriptedFault};
use proptest::prelude::*;
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn the_next_refresh_token_is_stored_before_the_access_token_is_used() {
    let store = Arc::new(tokens("shop", FIRST_REFRESH_TOKEN));
    let kept = store.clone();
    let house = house();
    let pack = house.sale(1, Way::DropOff);
    let sandbox = orderflow::sandbox::Sandbox::new(house.clock.clone(), house.ledger.clone())
        .with(house.market.clone());
    let build = || {
        let config = generous(orderflow::platforms::mercado_libre::MercadoLibreConfig::new(
            orderflow::sandbox::mercado_libre::CLIENT_ID,
            orderflow::sandbox::mercado_libre::CLIENT_SECRET,
            SELLER,
            orderflow::platforms::mercado_libre::Site::brazil(),
            "shop",
            kept.clone(),
        ))
        .with_base_url(sandbox.base_url("mercado-libre"));
        orderflow::platforms::mercado_libre::MercadoLibre::new(config, sandbox.transport()).unwrap()
    };
    build().get_order(&id(pack.id())).await.unwrap();
    let after = store.load("shop").await.unwrap().unwrap();
    assert_ne!(after.secret.as_str(), FIRST_REFRESH_TOKEN);
    // A restart goes on with what was stored: the spent one would be refused.
    build().get_order(&id(pack.id())).await.unwrap();
    assert_eq!(house.market.refreshes(), 2);
}

#[tokio::test(start_paused = true)]
async fn many_callers_share_one_refresh() {
    let house = house();
    let packs: Vec<_> = (0..5).map(|seed| house.sale(seed, Way::DropOff)).collect();
    let ids: Vec<_> = packs.iter().map(|pack| id(pack.id())).collect();
    let (a, b, c) = tokio::join!(
        house.shop.get_order(&ids[0]),
        house.shop.get_order(&ids[1]),
        house.shop.get_order(&ids[2])
    );
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    assert_eq!(house.market.refreshes(), 1);
}

/// A shop whose refresh tokens are kept in this store.
fn keeping(
    store: Arc<orderflow::client::MemoryRefreshTokenStore>,
) -> orderflow::platforms::mercado_libre::MercadoLibreConfig {
    orderflow::platforms::mercado_libre::MercadoLibreConfig::new(
        "1",
        "client-secret-canary",
        SELLER,
        orderflow::platforms::mercado_libre::Site::brazil(),
        "shop",
        store,
    )
    .with_base_url("https://mercado.test")
    .with_retry(orderflow::client::RetryPolicy::none())
}

#[tokio::test(start_paused = true)]
async fn a_refresh_token_that_nobody_has_renewed_is_refused_for_good_and_kept() {
    let store = Arc::new(tokens("shop", "TG-canary-refresh"));
    let config = keeping(store.clone());
    let (shop, script) = scripted(config, Vec::new());
    let refused = status(400, fixture("oauth_error_invalid_grant.response.json"));
    script.tokens.lock().unwrap().push_back(refused);
    let error = shop.get_order(&id("1")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AuthRejected);
    assert_eq!(error.vendor().unwrap().code.as_deref(), Some("invalid_grant"));
    assert!(
        !error.to_string().contains("canary") && !format!("{error:?}{shop:?}").contains("canary")
    );
    assert!(script.calls().is_empty(), "nothing was asked without a token");
    let kept = store.load("shop").await.unwrap().unwrap();
    assert_eq!(kept.secret.as_str(), "TG-canary-refresh");
}

#[tokio::test]
async fn a_lost_answer_of_the_token_call_is_not_sent_again_at_once() {
    let (shop, script) = scripted(config(), Vec::new());
    script.tokens.lock().unwrap().push_back(Answer::Lost);
    let error = shop.get_order(&id("1")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transient);
    assert_eq!(script.seen.lock().unwrap().len(), 1, "a second try could only be refused");
}

#[tokio::test]
async fn an_odd_lifetime_costs_neither_the_access_token_nor_the_next_refresh_token() {
    let lifetimes = ["21600.0", "\"21600\"", "\"six hours\"", "0", "-1", "true", "{}", "null"];
    for lifetime in lifetimes {
        let store = Arc::new(tokens("shop", "TG-canary-refresh"));
        let config = keeping(store.clone());
        let (shop, script) = scripted(config, vec![missing(), missing()]);
        let body = format!(
            r#"{{"access_token":"APP_USR-1","expires_in":{lifetime},"user_id":true,
                "refresh_token":"TG-next"}}"#
        );
        script.tokens.lock().unwrap().push_back(ok(body));
        // The order is not there; that it was asked for says that the access token is used.
        let error = shop.get_order(&id("1")).await.unwrap_err();
        let kept = store.load("shop").await.unwrap().unwrap();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{lifetime}: {error}");
        assert_eq!(kept.secret.as_str(), "TG-next", "{lifetime}");
        assert_eq!(script.calls().len(), 2, "{lifetime}");
    }
}

#[tokio::test]
async fn every_error_has_its_kind_and_code() {
    use ErrorKind as K;
    let cases = [
        (404, fixture("order_notfound.response.json"), K::NotFound, Some("order_not_found")),
        (429, fixture("claims_error_429.json"), K::RateLimited, Some("too_many_requests")),
        (403, fixture("error_403_invalid_scopes.json"), K::AuthRejected, Some("Invalid scopes")),
        (
            403,
            fixture("error_403_policy_agent.json"),
            K::AuthRejected,
            Some("PA_UNAUTHORIZED_RESULT_FROM_POLICIES"),
        ),
        // Somebody else's order, as a forged notification may name it.
        (
            403,
            r#"{"message":"access denied","error":"access_denied"}"#.to_owned(),
            K::Rejected,
            Some("access_denied"),
        ),
        (
            403,
            fixture("message_blocked_403.response.json"),
            K::Rejected,
            Some("blocked_conversation_send_message_forbidden"),
        ),
        (400, fixture("split_error_quantity.response.json"), K::Rejected, Some("SPLIT_ERROR_400")),
        (
            400,
            r#"{"error":"local_rate_limited"}"#.to_owned(),
            K::RateLimited,
            Some("local_rate_limited"),
        ),
        (
            409,
            r#"{"message":"Version mismatch","error":"conflict","cause":["x",{"code":7}]}"#
                .to_owned(),
            K::Conflict,
            Some("conflict"),
        ),
        (451, "{}".to_owned(), K::Rejected, None),
        (400, r#"{"error":{"odd":1},"message":"m"}"#.to_owned(), K::Rejected, None),
        (502, "<html>".to_owned(), K::Transient, None),
        (424, String::new(), K::Transient, None),
        (302, String::new(), K::UnexpectedAnswer, None),
    ];
    for (code, body, kind, vendor) in cases {
        // The first call asks for the pack; only a 404 goes on to the order.
        let again = if code == 404 { vec![status(code, body.clone())] } else { Vec::new() };
        let (shop, _) =
            scripted(config(), std::iter::once(status(code, body.clone())).chain(again).collect());
        let error = shop.get_order(&id("1")).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{code} {body}");
        assert_eq!(error.vendor().unwrap().code.as_deref(), vendor, "{code} {body}");
    }
}

fn receive(
    shop: &dyn MarketplaceAdapter,
    body: &str,
) -> orderflow::Result<orderflow::ports::WebhookNotice> {
    let request =
        WebhookRequest { method: "POST", path_and_query: "/", headers: &[], body: body.as_bytes() };
    shop.webhooks().unwrap().receive(&request, noon())
}

#[tokio::test]
async fn notifications_are_read_when_application_and_seller_are_ours() {
    let cases = [
        ("notification_orders_v2.json", "orders_v2", Some("2195160686")),
        ("notification_shipments.json", "shipments", Some("shipments/40546549876")),
        ("notification_messages.json", "messages/created", None),
        ("notification_post_purchase_claims.json", "post_purchase/claims", None),
        ("notification_stock_location.json", "stock-location", None),
        ("cbt_notification_marketplace_orders.json", "marketplace_orders", Some("1499111111")),
    ];
    let (shop, _) = scripted(config(), Vec::new());
    for (name, kind, order) in cases {
        let mut body = json_fixture(name);
        let foreign = receive(&shop, &body.to_string()).unwrap_err();
        assert_eq!(foreign.kind(), ErrorKind::AuthRejected, "{name}: another application");
        body["application_id"] = json!(5_503_910_054_141_466_u64);
        let stranger = receive(&shop, &body.to_string()).unwrap_err();
        assert_eq!(stranger.kind(), ErrorKind::AuthRejected, "{name}: another seller");
        body["user_id"] = json!(SELLER.to_string());
        let notice = receive(&shop, &body.to_string()).unwrap();
        assert_eq!(notice.kind, kind);
        assert_eq!(notice.order, order.map(id), "{name}");
        assert!(notice.sent_at.is_some());
        // A later attempt tells the same thing; another change does not.
        body["attempts"] = json!(3);
        body["received"] = json!("2030-01-01T00:00:00.000Z");
        body["_id"] = json!("other");
        let resource = body["resource"].as_str().unwrap().trim_start_matches('/').to_owned();
        body["resource"] = json!(format!("/{resource}"));
        assert_eq!(receive(&shop, &body.to_string()).unwrap().event_id, notice.event_id);
        body["sent"] = json!("2030-01-01T00:00:00.000Z");
        assert_ne!(receive(&shop, &body.to_string()).unwrap().event_id, notice.event_id);
    }
    assert_eq!(receive(&shop, "{").unwrap_err().kind(), ErrorKind::UnexpectedAnswer);
}

#[tokio::test]
async fn a_notification_that_names_no_possible_order_is_refused_for_good() {
    let (shop, _) = scripted(config(), Vec::new());
    for (topic, path) in [("orders_v2", "/orders/"), ("marketplace_orders", "orders/")] {
        for odd in ["..", "1?x=1", "-5", "1.5", "abc", "../../users/me", "1%2e", "１"] {
            let body = json!({"resource": format!("{path}{odd}"), "user_id": SELLER,
                "topic": topic, "application_id": 5_503_910_054_141_466_u64});
            let error = receive(&shop, &body.to_string()).unwrap_err();
            let told = (error.kind(), error.field());
            assert_eq!(told, (ErrorKind::UnexpectedAnswer, Some("resource")), "{odd}");
        }
    }
    let body = json!({"resource": "/shipments/..", "user_id": SELLER, "topic": "shipments",
        "application_id": 5_503_910_054_141_466_u64});
    assert_eq!(receive(&shop, &body.to_string()).unwrap_err().field(), Some("resource"));
}

#[tokio::test]
async fn a_notification_is_understood_by_what_is_known_of_it() {
    let (shop, _) = scripted(config(), Vec::new());
    let base = json!({"resource": "/shipments/7/history", "user_id": SELLER, "topic": "shipments",
        "application_id": 5_503_910_054_141_466_u64, "attempts": 1});
    let told = |change: &[(&str, serde_json::Value)]| {
        let mut body = base.clone();
        for (field, value) in change {
            body[*field] = value.clone();
        }
        receive(&shop, &body.to_string()).unwrap()
    };
    let at = |text: &str| json!(text);
    // Without an instant the id tells one change from the next, and then when it came.
    let first = told(&[("_id", at("n-1"))]);
    assert_eq!((first.order, first.sent_at), (Some(id("shipments/7")), None));
    assert_eq!(first.event_id, told(&[("_id", at("n-1")), ("attempts", json!(2))]).event_id);
    assert_ne!(first.event_id, told(&[("_id", at("n-2"))]).event_id);
    for nothing in [json!(null), json!(""), json!(" ")] {
        let without = told(&[("sent", nothing.clone()), ("_id", at("n-1"))]);
        assert_eq!(first.event_id, without.event_id, "{nothing}");
    }
    let received = told(&[("received", at("2026-03-04T11:59:00Z"))]);
    assert_ne!(received.event_id, told(&[("received", at("2026-03-04T12:00:00Z"))]).event_id);
    // With nothing at all it may be another change, which must not be taken for a repetition.
    let request = base.to_string();
    let request = WebhookRequest {
        method: "POST",
        path_and_query: "/",
        headers: &[],
        body: request.as_bytes(),
    };
    let webhooks = shop.webhooks().unwrap();
    let (one, two) = (
        webhooks.receive(&request, noon()).unwrap(),
        webhooks.receive(&request, noon() + chrono::TimeDelta::minutes(1)).unwrap(),
    );
    assert_ne!(one.event_id, two.event_id);
    // Fields of another type, and resources of every spelling.
    let odd = told(&[("sent", json!(1_772_625_600)), ("actions", json!(null))]);
    assert_eq!((odd.kind.as_str(), odd.sent_at), ("shipments", None));
    assert_eq!(told(&[("actions", at("created"))]).kind, "shipments/created");
    for (topic, resource, order) in [
        ("shipments", "shipments/7", Some("shipments/7")),
        ("marketplace_shipments", "/marketplace/shipments/8", Some("shipments/8")),
        ("shipments", "/shipments/", None),
        ("flex-handshakes", "/flex/shipments/7", None),
        ("orders feedback", "/orders/9/feedback", Some("9")),
    ] {
        let notice = told(&[("topic", at(topic)), ("resource", at(resource))]);
        assert_eq!(notice.order, order.map(id), "{topic} {resource}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_expired_token_is_renewed_once_and_the_call_goes_through() {
    let faults = Faults::scripted(vec![ScriptedFault {
        stand_in: "mercado-libre".into(),
        path: "/packs/".into(),
        from: 0,
        times: 1,
        fault: Fault::Quirk(orderflow::sandbox::Quirk::TokenExpired),
    }]);
    let house = house_with(faults, |config| config);
    let pack = house.sale(1, Way::DropOff);
    house.shop.get_order(&id(pack.id())).await.unwrap();
    assert_eq!(house.market.refreshes(), 2);
}

#[tokio::test]
async fn the_official_bodies_of_messages_missed_feeds_and_reasons_read() {
    use orderflow::ports::{BuyerMessages, MissedNotices};
    let mut order = json_fixture("orders_search.response.json")["results"][0].clone();
    order["seller"]["id"] = json!(SELLER);
    let feeds = fixture("missed_feeds.response.json");
    let caps = fixture("action_guide_caps.response.json");
    let mut conversation = json_fixture("messages_pack.response.json");
    conversation["messages"][0]["from"]["user_id"] = json!(SELLER);
    let answers =
        vec![ok(feeds), ok(caps), missing(), ok(order.to_string()), ok(conversation.to_string())];
    let clock = orderflow::sandbox::VirtualClock::new(at("2020-12-06T00:00:00Z"));
    let (shop, script) = scripted(config().with_clock(Arc::new(clock)), answers);
    let missed = shop.missed(None).await.unwrap();
    assert!(missed.items.is_empty() && missed.next.is_none(), "both are about other sellers");
    let reasons = shop.message_options(&id("1068825849")).await.unwrap();
    assert_eq!(reasons[4], ("OTHER".to_owned(), 1));
    // The same words were sent four hours ago: nothing is sent.
    let text = "Mensaje de prueba".to_owned().into();
    shop.send_message(&id("1068825849"), &text, &key()).await.unwrap();
    let last = script.calls().pop().unwrap();
    assert!(
        last.url.ends_with("?tag=post_sale&mark_as_read=false&limit=50&offset=0"),
        "{}",
        last.url
    );
}

#[test]
fn the_platform_has_its_name() {
    assert_eq!(MERCADO_LIBRE.as_str(), "mercado-libre");
}

proptest! {
    #[test]
    fn hostile_pages_never_panic(bytes: Vec<u8>) {
        let _ = read_search_page(&bytes);
    }

    #[test]
    fn a_page_cut_anywhere_is_an_error_and_no_panic(cut in 0_usize..3_000) {
        let order = fixture("order_pack_catalog.response.json");
        let page = format!(r#"{{"results":[{order}],"paging":{{"total":1,"offset":0,"limit":50}}}}"#);
        let cut = cut.min(page.len() - 1);
        prop_assert!(read_search_page(&page.as_bytes()[..cut]).is_err());
    }

    #[test]
    fn amounts_keep_every_digit(units in 1_u32..50, cents in 1_u64..10_000_000) {
        let mut order = json_fixture("order_pack_catalog.response.json");
        let text = format!("{}.{:02}", cents / 100, cents % 100);
        order["order_items"][0]["quantity"] = json!(units);
        order["order_items"][0]["unit_price"] = serde_json::from_str(&text).unwrap();
        order["order_items"][0]["full_unit_price"] = json!(null);
        let page = json!({"results": [order]}).to_string();
        let read = read_items(read_search_page(page.as_bytes()).unwrap()).remove(0);
        let price: rust_decimal::Decimal = text.parse().unwrap();
        prop_assert_eq!(read.lines[0].unit_price.amount, price);
        prop_assert_eq!(read.lines[0].line_total.unwrap().amount, price * rust_decimal::Decimal::from(units));
    }
}
