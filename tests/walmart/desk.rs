//! The stand-in refuses what Walmart refuses.

use super::house::*;
use chrono::TimeDelta;
use http::Method;
use orderflow::client::WireRequest;
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
