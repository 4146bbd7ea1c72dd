//! The stand-in refuses what Walmart refuses, and tells whoever subscribed.

use super::house::*;
use std::sync::Arc;

use chrono::TimeDelta;
use http::Method;
use orderflow::ErrorKind;
use orderflow::client::WireRequest;
use orderflow::platforms::walmart::{EventType, Walmart, WebhookAuth};
use orderflow::ports::{MarketplaceAdapter, WebhookRequest};
use orderflow::sandbox::walmart::{GenerateOptions, WalmartStandIn, generate};
use orderflow::sandbox::{Ledger, Sandbox, VirtualClock};
use serde_json::{Value, json};

async fn sent(
    sandbox: &Sandbox,
    path: &str,
    headers: &[(&'static str, &str)],
    body: &Value,
) -> Value {
    let url = format!("{}{path}", sandbox.base_url("walmart"));
    let mut request = WireRequest::new(Method::POST, url);
    for (name, value) in headers {
        request.headers.insert(*name, value.parse().unwrap());
    }
    request.body = body.to_string().into_bytes().into();
    let answer = sandbox.transport().send(request).await.unwrap();
    serde_json::from_slice(&answer.body).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_shipment_with_unknown_words_odd_days_or_a_long_reference_is_refused() {
    let now = at("2026-03-04T14:00:00Z");
    let ledger = Ledger::new();
    let market = WalmartStandIn::new(ledger.clone());
    let sandbox = Sandbox::new(VirtualClock::new(now), ledger.clone()).with(market.clone());
    let (from, to) = (now - TimeDelta::hours(5), now - TimeDelta::hours(4));
    let sale = generate(1, 1, from, to, &GenerateOptions::default()).remove(0);
    let (order, line) = (sale.id.clone(), sale.lines[0].number.clone());
    let placed = sale.placed_at;
    market.place(sale);
    let basic = [("authorization", "Basic YTpi")];
    let token = sent(&sandbox, "/v3/token", &basic, &json!({})).await;
    let token = token["access_token"].as_str().unwrap().to_owned();
    let call = async |number: u32, path: &str, body: &Value| {
        let id = number.to_string();
        let headers = [
            ("wm_sec.access_token", token.as_str()),
            ("wm_qos.correlation_id", id.as_str()),
            ("wm_svc.name", "test"),
        ];
        sent(&sandbox, path, &headers, body).await
    };
    call(0, &format!("/v3/orders/{order}/acknowledge"), &json!({})).await;
    let good = json!({
        "shipDateTime": (now - TimeDelta::hours(1)).timestamp_millis(),
        "carrierName": {"carrier": "UPS"}, "methodCode": "Standard", "trackingNumber": "22344"
    });
    let shipment = |tracking: &Value, reference: &str| {
        json!({"orderShipment": {"orderLines": {"orderLine": [{
            "lineNumber": line, "sellerOrderId": reference,
            "orderLineStatuses": {"orderLineStatus": [{
                "status": "Shipped", "trackingInfo": tracking,
                "statusQuantity": {"unitOfMeasurement": "EACH", "amount": "1"}
            }]}
        }]}}})
    };
    let path = format!("/v3/orders/{order}/shipping");
    let with = |name: &str, value: Value| {
        let mut tracking = good.clone();
        tracking[name] = value;
        shipment(&tracking, "92344")
    };
    let early = (placed - TimeDelta::seconds(1)).timestamp_millis();
    let refused = [
        with("carrierName", json!({"carrier": "FOO"})),
        with("carrierName", json!({"otherCarrier": "FOO"})),
        with("methodCode", json!("NoSuchMethod")),
        with("shipDateTime", json!(early)),
        with("shipDateTime", json!((now + TimeDelta::seconds(1)).timestamp_millis())),
        shipment(&good, &"x".repeat(31)),
        shipment(&good, ""),
    ];
    for (number, body) in (1..).zip(&refused) {
        let answer = call(number, &path, body).await;
        assert!(answer.get("errors").is_some(), "{body}: {answer}");
    }
    assert!(ledger.confirmations().is_empty());
    let taken = call(99, &path, &shipment(&good, &"x".repeat(30))).await;
    assert!(taken.get("order").is_some(), "{taken}");
    assert_eq!(ledger.confirmations().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_subscribed_to_is_told_with_its_proof_until_it_is_switched_off() {
    let now = at("2026-03-04T14:00:00Z");
    let hmac = WebhookAuth::Hmac { header: "X-Sign".to_owned(), secret: "s3cret".into() };
    let basic = WebhookAuth::Basic {
        header: "Authorization".to_owned(),
        user: "abc".into(),
        password: "test".into(),
    };
    for auth in [hmac, basic] {
        let ledger = Ledger::new();
        let market = WalmartStandIn::new(ledger.clone());
        let sandbox = Sandbox::new(VirtualClock::new(now), ledger).with(market.clone());
        let config = config()
            .with_base_url(sandbox.base_url("walmart"))
            .with_webhook_auth(auth)
            .with_clock(Arc::new(sandbox.clock().clone()));
        let shop = Walmart::new(config, sandbox.transport()).unwrap();
        let events = shop.event_types().await.unwrap();
        let names: Vec<_> = events.iter().map(|event| event.event_type.as_str()).collect();
        assert_eq!(names, ["PO_CREATED", "PO_LINE_AUTOCANCELLED", "INTENT_TO_CANCEL"]);
        let url = "https://erp.example/hook";
        let made = shop.subscribe(&events, url).await.unwrap();
        assert_eq!(shop.subscribe(&events, url).await.unwrap().len(), made.len(), "each once");
        let unknown = EventType { event_type: "PO_EATEN".to_owned(), ..events[0].clone() };
        let refused = shop.subscribe(&[unknown], url).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Rejected, "{refused}");

        let (from, to) = (now - TimeDelta::hours(5), now - TimeDelta::hours(4));
        let sale = generate(1, 1, from, to, &GenerateOptions::default()).remove(0);
        let order = sale.id.clone();
        market.place(sale);
        market.ask_to_cancel(&order, now);
        shop.switch_subscription(&made[1].id, false).await.unwrap();
        market.cancel_by_platform(&order, now);
        let sent = market.notifications();
        assert!(market.notifications().is_empty());
        let told: Vec<_> = sent
            .iter()
            .map(|sent| {
                let headers = [(sent.proof.0.as_str(), sent.proof.1.as_str())];
                let request = WebhookRequest {
                    method: "POST",
                    path_and_query: "/hook",
                    headers: &headers,
                    body: &sent.body,
                };
                assert_eq!(sent.url, url);
                let notice = shop.webhooks().unwrap().receive(&request, now).unwrap();
                (notice.kind, notice.order)
            })
            .collect();
        let about = Some(id(&order));
        let wanted =
            [("PO_CREATED".to_owned(), about.clone()), ("INTENT_TO_CANCEL".to_owned(), about)];
        assert_eq!(told, wanted);

        shop.test_subscription(&events[0], url).await.unwrap();
        assert_eq!(market.notifications().len(), 1);
        for subscription in &made {
            shop.unsubscribe(&subscription.id).await.unwrap();
        }
        shop.unsubscribe(&made[0].id).await.unwrap();
        assert!(shop.subscriptions().await.unwrap().is_empty());
    }
}
