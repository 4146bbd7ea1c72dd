//! Figures of seller performance, and subscriptions to notifications.

use super::house::*;
use http::Method;
use orderflow::ErrorKind;
use orderflow::platforms::walmart::{EventType, Walmart, WebhookAuth};
use orderflow::ports::MarketplaceAdapter;
use serde_json::json;
use std::sync::Arc;

fn summary(payload: serde_json::Value) -> Answer {
    ok(json!({"status": "OK", "payload": payload}).to_string())
}

fn clocked() -> orderflow::platforms::walmart::WalmartConfig {
    #[derive(Debug)]
    struct Stopped;
    impl orderflow::client::Clock for Stopped {
        fn now(&self) -> chrono::DateTime<chrono::Utc> {
            at("2026-03-31T00:00:00Z")
        }
    }
    config().with_clock(Arc::new(Stopped))
}

#[tokio::test(start_paused = true)]
async fn figures_are_fractions_over_the_window_they_are_judged_by() {
    let (shop, script) = shop_with(
        clocked(),
        vec![
            summary(json!({"overallRate": 91.2, "sellerAccountableRate": 93.7})),
            summary(json!({"cumulativeRate": 73.18, "impactedCustomerCount": 70})),
            summary(json!({"cumulativeRate": 0})),
            // No data yet.
            status(204, ""),
            // Moved or taken away.
            status(404, ""),
            summary(json!({"cumulativeRate": "1.05"})),
            // Not there by this name, but by the other.
            status(404, ""),
            summary(json!({"cumulativeRate": 0.4})),
        ],
    );
    let stated = shop.figures().unwrap().stated().await.unwrap();
    let read: Vec<_> = stated
        .iter()
        .map(|figure| {
            let whole = figure.value_with_excluded.map(|value| value.to_string());
            (figure.name.as_str(), figure.kpi.as_deref(), figure.value.to_string(), whole)
        })
        .collect();
    assert_eq!(
        read,
        [
            ("otd", None, "0.937".to_owned(), Some("0.912".to_owned())),
            ("vtr", Some("KPI-08"), "0.7318".to_owned(), None),
            ("cancellations", Some("KPI-02"), "0".to_owned(), None),
            ("negativeFeedback", None, "0.0105".to_owned(), None),
            ("inr", None, "0.004".to_owned(), None),
        ]
    );
    let windows: Vec<_> = stated.iter().map(|figure| (figure.from, figure.to)).collect();
    let to = at("2026-03-31T00:00:00Z");
    assert_eq!(windows[0], (at("2026-03-01T00:00:00Z"), to));
    assert_eq!(windows[3], (at("2026-01-30T00:00:00Z"), to));
    let urls: Vec<_> = script.calls().into_iter().map(|call| call.url).collect();
    let address = "https://walmart.test/v3/insights/performance";
    assert_eq!(urls[1], format!("{address}/vtr/summary?reportDuration=30"));
    assert_eq!(urls[6], format!("{address}/inr/summary?reportDuration=60"));
    assert_eq!(urls[7], format!("{address}/itemNotReceived/summary?reportDuration=60"));
}

#[tokio::test(start_paused = true)]
async fn a_rate_that_is_no_percentage_and_addresses_that_are_all_gone_are_errors() {
    for rate in [json!(-1), json!(100.5)] {
        let (shop, _) = shop(vec![summary(json!({"overallRate": rate}))]);
        let error = shop.figures().unwrap().stated().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedAnswer);
    }
    let (gone, _) = shop((0..8).map(|_| status(404, "")).collect());
    let error = gone.figures().unwrap().stated().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let unrated = || summary(json!({"riskLevel": "GOOD"}));
    let (new, _) = shop((0..6).map(|_| status(204, "")).chain([unrated()]).collect());
    assert!(new.figures().unwrap().stated().await.unwrap().is_empty());
}

fn basic() -> WebhookAuth {
    WebhookAuth::Basic {
        header: "Authorization".to_owned(),
        user: "abc".into(),
        password: "test".into(),
    }
}

fn subscriber(answers: Vec<Answer>) -> (Walmart, Arc<Script>) {
    shop_with(config().with_webhook_auth(basic()), answers)
}

fn event(name: &str, group: &str) -> EventType {
    EventType {
        event_type: name.to_owned(),
        event_version: "V1".to_owned(),
        resource_name: group.to_owned(),
    }
}

const URL: &str = "https://example.com/events";

#[tokio::test(start_paused = true)]
async fn the_kinds_of_event_are_those_of_the_official_example_in_each_of_its_shapes() {
    let official = fixture("get_webhooks_eventTypes.response.json");
    // The schema has another name for the list than the example.
    let as_schema = official.replace("\"events\"", "\"eventTypes\"");
    for body in [official, as_schema] {
        let (shop, _) = shop(vec![ok(body)]);
        let kinds = shop.event_types().await.unwrap();
        assert_eq!(kinds.len(), 5);
        assert_eq!(kinds[2], event("PO_CREATED", "ORDER"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_subscription_is_asked_for_as_in_the_official_example() {
    let none = ok(json!({"events": []}).to_string());
    let made = ok(fixture("post_webhooks_subscriptions.response.json"));
    let (shop, script) = subscriber(vec![none, made]);
    let found = shop.subscribe(&[event("OFFER_UNPUBLISHED", "ITEM")], URL).await.unwrap();
    assert_eq!(found[0].id, "620b45a0-b321-11ea-ac13-1f88d6025b7d");
    assert_eq!(found[0].status, "ACTIVE");
    let mut official = json_fixture("post_webhooks_subscriptions.request.sample2.json");
    official["events"][0].as_object_mut().unwrap().remove("headers");
    assert_eq!(script.body(1), official);
}

#[tokio::test(start_paused = true)]
async fn what_is_subscribed_to_is_not_subscribed_to_again_and_what_sleeps_is_woken() {
    let listed = fixture("get_webhooks_subscriptions.response.sample1.json");
    let (shop, script) = subscriber(vec![ok(listed.clone()), ok(listed), ok("{}")]);
    let all = shop.subscriptions().await.unwrap();
    let read: Vec<_> =
        all.iter().map(|one| (one.event.event_type.as_str(), one.status.as_str())).collect();
    assert_eq!(read, [("OFFER_UNPUBLISHED", "INACTIVE"), ("PO_CREATED", "ACTIVE")]);
    let found = shop.subscribe(&[event("OFFER_UNPUBLISHED", "ITEM")], URL).await.unwrap();
    assert_eq!((found.len(), found[0].status.as_str()), (1, "ACTIVE"));
    let last = script.calls().pop().unwrap();
    assert_eq!(last.method, Method::PATCH);
    assert!(last.url.ends_with("/v3/webhooks/subscriptions/243ba4d0-b322-11ea-b385-0127e9b85538"));
    let wanted = json_fixture("patch_webhooks_subscriptions_subscriptionId.request.sample2.json");
    assert_eq!(script.body(2), wanted);
}

#[tokio::test(start_paused = true)]
async fn a_subscription_whose_answer_is_lost_is_not_asked_for_again_blindly() {
    let none = ok(json!({"events": []}).to_string());
    let (shop, script) = subscriber(vec![none, Answer::Lost]);
    let error = shop.subscribe(&[event("PO_CREATED", "ORDER")], URL).await.unwrap_err();
    assert_eq!((error.kind(), script.calls().len()), (ErrorKind::Ambiguous, 2));
}

#[tokio::test(start_paused = true)]
async fn subscriptions_that_prove_nothing_or_go_over_plain_http_are_refused_before_any_call() {
    let events = [event("PO_CREATED", "ORDER")];
    let (open, script) = shop(Vec::new());
    let error = open.subscribe(&events, URL).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::Configuration, Some("webhook_auth")));
    let (plain, other) = subscriber(Vec::new());
    let error = plain.subscribe(&events, "http://example.com/events").await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("url")));
    assert!(script.calls().is_empty() && other.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_subscription_is_tested_and_ended_as_in_the_official_examples() {
    let (shop, script) = subscriber(vec![
        ok(fixture("post_webhooks_test.response.json")),
        ok(fixture("delete_webhooks_subscriptions_subscriptionId.response.json")),
        status(404, ""),
    ]);
    shop.test_subscription(&event("OFFER_UNPUBLISHED", "ITEM"), URL).await.unwrap();
    let mut official = json_fixture("post_webhooks_test.request.sample.json");
    official.as_object_mut().unwrap().remove("headers");
    assert_eq!(script.body(0), official);
    shop.unsubscribe("s-1").await.unwrap();
    shop.unsubscribe("s-1").await.unwrap();
    let last = script.calls().pop().unwrap();
    assert_eq!(last.method, Method::DELETE);
    assert!(last.url.ends_with("/v3/webhooks/subscriptions/s-1"));
}
