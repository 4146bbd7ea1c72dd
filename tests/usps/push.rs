//! News that the carrier sends by itself, and subscriptions to it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use hmac::{Hmac, KeyInit, Mac};
use http::StatusCode;
use orderflow::ErrorKind;
use orderflow::TrackingNumber;
use orderflow::carriers::usps::{PushScope, PushSigned, Usps, UspsPush};
use orderflow::ports::{CarrierAdapter, PushNotice, WebhookRequest};
use orderflow::sandbox::Answer;
use orderflow::shipment::{Milestone, TrackOutcome};
use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::Sha256;

use super::house::{Fate, House, fixture, house, house_with, noon};

const SECRET: &str = "canary-secret-0123456789abcdef0123";
const STAMP: &str = "2026-03-03T17:00:00Z";
const SUBSCRIPTIONS: &str = "/subscriptions-tracking/v3/subscriptions";

fn push() -> UspsPush {
    UspsPush::new(SECRET)
}

fn listening() -> UspsPush {
    push().with_listener("https://shop.example/usps", "ops@shop.example")
}

fn with(push: UspsPush) -> House {
    house_with(|config| config.with_push(push))
}

fn digest(parts: &[&[u8]]) -> [String; 2] {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    parts.iter().for_each(|part| mac.update(part));
    let digest = mac.finalize().into_bytes();
    [STANDARD.encode(digest), digest.iter().map(|byte| format!("{byte:02x}")).collect()]
}

fn envelope(payload: &str) -> Vec<u8> {
    json!({"subscriptionId": "019db15c", "timestamp": STAMP, "payload": payload})
        .to_string()
        .into_bytes()
}

fn receive(usps: &Usps, headers: &[(&str, &str)], body: &[u8]) -> orderflow::Result<PushNotice> {
    let request = WebhookRequest { method: "POST", path_and_query: "/usps", headers, body };
    usps.push().unwrap().receive(&request, noon())
}

fn tracked(notice: PushNotice) -> Vec<orderflow::shipment::Tracked> {
    match notice {
        PushNotice::Tracking(tracked) => tracked,
        other => panic!("no news: {other:?}"),
    }
}

#[test]
fn pushed_news_is_taken_in_every_form_that_is_told_of_it_and_only_signed() {
    assert!(house().usps.push().is_none());
    let history = fixture("tracking-v3-detail-delivered-gmt-bug.response.json");
    let history = String::from_utf8(history).unwrap();
    let body = envelope(&history);
    let timed = with(push()).usps;
    let whole = with(push().with_signature("X-USPS-Hmac-Signature", PushSigned::Body)).usps;
    for signature in digest(&[STAMP.as_bytes(), history.as_bytes()]) {
        let news = tracked(receive(&timed, &[("x-hmac", &signature)], &body).unwrap());
        assert_eq!(news[0].number.as_str(), "9261290289104185136058");
        let TrackOutcome::Found { events, .. } = &news[0].outcome else { panic!("{news:?}") };
        assert!(events.len() > 5);
        // Signed in the other way, or in another header, it is not signed at all.
        for headers in [[("X-USPS-Hmac-Signature", signature.as_str())], [("X-HMAC", "")]] {
            for usps in [&timed, &whole] {
                let refused = receive(usps, &headers, &body).unwrap_err();
                assert_eq!(refused.kind(), ErrorKind::AuthRejected);
            }
        }
        // A later time under the old signature.
        let forged = String::from_utf8(body.clone()).unwrap().replace("17:00", "18:00");
        let refused = receive(&timed, &[("X-HMAC", &signature)], forged.as_bytes()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::AuthRejected);
    }
    for signature in digest(&[&body]) {
        let headers = [("x-usps-hmac-signature", signature.as_str())];
        assert_eq!(tracked(receive(&whole, &headers, &body).unwrap()).len(), 1);
        let mut longer = body.clone();
        longer.push(b' ');
        let refused = receive(&whole, &headers, &longer).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::AuthRejected);
    }
    assert_eq!(receive(&timed, &[], &body).unwrap_err().kind(), ErrorKind::AuthRejected);
}

#[test]
fn a_single_event_a_list_and_a_routed_number_are_understood() {
    let usps = with(push()).usps;
    let event = json!({
        "trackingNumber": "420631189234690361980900000142", "eventCode": "01",
        "eventType": "Delivered, In/At Mailbox", "eventTimestamp": "2026-03-03T10:00:00",
        "GMTOffset": "-05:00",
    });
    for payload in [event.clone(), json!([event, {"trackingNumber": "9400111206206406260787"}])] {
        let payload = payload.to_string();
        let [signature, _] = digest(&[STAMP.as_bytes(), payload.as_bytes()]);
        let news = tracked(receive(&usps, &[("X-HMAC", &signature)], &envelope(&payload)).unwrap());
        assert_eq!(news[0].number.as_str(), "9234690361980900000142");
        let TrackOutcome::Found { events, .. } = &news[0].outcome else { panic!("{news:?}") };
        assert_eq!((events.len(), events[0].milestone), (1, Milestone::Delivered));
    }
    for payload in ["{}", "[]", "nothing", "{\"trackingNumber\": \"1\", \"trackingEvents\": 7}"] {
        let [signature, _] = digest(&[STAMP.as_bytes(), payload.as_bytes()]);
        let unreadable = receive(&usps, &[("X-HMAC", &signature)], &envelope(payload)).unwrap_err();
        assert_eq!(unreadable.kind(), ErrorKind::UnexpectedAnswer, "{payload}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_challenge_is_echoed_and_nothing_that_could_do_harm_is() {
    let usps = with(push()).usps;
    let body = json!({"subscriptionId": "019db15c", "challenge": "a1B2-c3=="}).to_string();
    let PushNotice::Handshake(handshake) = receive(&usps, &[], body.as_bytes()).unwrap() else {
        panic!("no handshake")
    };
    assert_eq!(handshake.subscription, "019db15c");
    assert_eq!(handshake.echo.as_deref(), Some("a1B2-c3=="));
    usps.push().unwrap().confirm(&handshake).await.unwrap();
    for challenge in ["", "<script>", "a b", &"x".repeat(513)] {
        let body = json!({"challenge": challenge}).to_string();
        let refused = receive(&usps, &[], body.as_bytes()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::AuthRejected);
    }
    // News is never taken for a question.
    let both = json!({"challenge": "abc", "timestamp": STAMP, "payload": "{}"}).to_string();
    assert_eq!(receive(&usps, &[], both.as_bytes()).unwrap_err().kind(), ErrorKind::AuthRejected);
}

fn numbers() -> [TrackingNumber; 3] {
    ["9234690361980900000142", "9400111206206406260787", "9261290289104185136058"]
        .map(TrackingNumber::from_static)
}

#[tokio::test(start_paused = true)]
async fn the_mailer_id_is_subscribed_to_once_a_day_and_a_standing_subscription_is_success() {
    let house = with(listening());
    for _ in 0..3 {
        let outcomes = house.usps.push().unwrap().subscribe(&numbers()).await.unwrap();
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 3);
    }
    assert_eq!(house.wire.count(SUBSCRIPTIONS), 1);
    assert_eq!(
        house.wire.body(SUBSCRIPTIONS),
        json!({
            "listenerURL": "https://shop.example/usps", "secret": SECRET,
            "adminNotification": [{"email": "ops@shop.example"}],
            "filterProperties": {"MID": "903619809"},
        })
    );
    // A day later it is asked for again: it is there already, under an id.
    house.clock.advance(TimeDelta::hours(25));
    house.usps.push().unwrap().subscribe(&numbers()).await.unwrap();
    assert_eq!(house.wire.count(SUBSCRIPTIONS), 3, "an expired token, then the subscription");
    // A refusal is one for all, and is asked for again.
    house.clock.advance(TimeDelta::hours(25));
    let refusal = Answer::json(StatusCode::FORBIDDEN, "{}");
    house.usps.rates(&super::house::parcel()).await.unwrap();
    house.wire.next(SUBSCRIPTIONS, Fate::Instead(refusal));
    let error = house.usps.push().unwrap().subscribe(&numbers()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AuthRejected);
    house.usps.push().unwrap().subscribe(&numbers()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn numbers_are_subscribed_to_one_by_one_until_the_carrier_refuses_all() {
    let house = with(listening().with_scope(PushScope::Numbers));
    let push = house.usps.push().unwrap();
    house.wire.next(
        SUBSCRIPTIONS,
        Fate::Instead(Answer::json(
            StatusCode::BAD_REQUEST,
            r#"{"error":{"message":"subscriptionId is missing"}}"#,
        )),
    );
    let outcomes = push.subscribe(&numbers()).await.unwrap();
    let good: Vec<bool> = outcomes.iter().map(Result::is_ok).collect();
    assert_eq!(good, [false, true, true]);
    assert_eq!(
        house.wire.body(SUBSCRIPTIONS)["filterProperties"],
        json!({
            "trackingNumber": numbers()[2].as_str(), "trackingEventTypes": ["ALL_UPDATES"],
        })
    );
    // Known ones are success; a refused token concerns them all.
    assert!(push.subscribe(&numbers()).await.unwrap().iter().all(Result::is_ok));
    let before = house.wire.count(SUBSCRIPTIONS);
    house.wire.next(SUBSCRIPTIONS, Fate::Instead(Answer::json(StatusCode::FORBIDDEN, "{}")));
    let outcomes = push.subscribe(&numbers()).await.unwrap();
    assert_eq!(house.wire.count(SUBSCRIPTIONS), before + 1);
    for outcome in outcomes {
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::AuthRejected);
    }
    assert!(push.subscribe(&[]).await.unwrap().is_empty());
    // Without a listener somebody else subscribes.
    let silent = with(super::push::push());
    assert!(silent.usps.push().unwrap().subscribe(&numbers()).await.unwrap()[0].is_ok());
    assert_eq!(silent.wire.count(SUBSCRIPTIONS), 0);
}

#[tokio::test(start_paused = true)]
async fn the_secret_of_a_subscription_stays_inside() {
    let house = with(listening());
    let echo = json!({"error": {"message": format!("\"secret\":\"{SECRET}\"")}}).to_string();
    house.wire.next(SUBSCRIPTIONS, Fate::Instead(Answer::json(StatusCode::BAD_REQUEST, echo)));
    let error = house.usps.push().unwrap().subscribe(&numbers()).await.unwrap_err();
    let text = format!("{error} {error:?} {:?} {:?}", house.usps, listening());
    assert!(!text.contains("canary"), "{text}");
}

#[test]
fn a_subscription_that_cannot_work_is_refused() {
    let wire = house().wire;
    let bad = [
        (UspsPush::new("short"), "push.secret"),
        (push().with_signature("no header", PushSigned::Body), "push.header"),
        (push().with_listener("http://shop.example", "a@b.example"), "push.listener"),
        (push().with_listener("https://shop.example", " "), "push.email"),
    ];
    for (push, field) in bad {
        let clock = orderflow::sandbox::VirtualClock::new(noon());
        let config = super::house::config(&clock).with_push(push);
        let transport: std::sync::Arc<dyn orderflow::client::Transport> =
            std::sync::Arc::<super::house::Wire>::clone(&wire);
        let error = Usps::new(config, transport).unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::Configuration, Some(field)));
    }
}

proptest! {
    #[test]
    fn whatever_is_pushed_never_panics_and_is_never_taken_unsigned(
        body in prop::collection::vec(any::<u8>(), 0..300),
        signature in "[ -~]{0,80}",
    ) {
        let usps = with(push()).usps;
        prop_assert!(receive(&usps, &[("X-HMAC", &signature)], &body).is_err());
    }

    #[test]
    fn signed_payloads_of_any_shape_never_panic(payload in "\\PC{0,200}", stamp in "\\PC{0,20}") {
        let usps = with(push()).usps;
        let body = json!({"timestamp": stamp, "payload": payload}).to_string();
        let [signature, _] = digest(&[stamp.as_bytes(), payload.as_bytes()]);
        let wrapped: Result<Value, _> = serde_json::from_str(&payload);
        let taken = receive(&usps, &[("X-HMAC", &signature)], body.as_bytes());
        prop_assert!(taken.is_err() || wrapped.is_ok());
    }
}
