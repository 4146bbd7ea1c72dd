//! Shipment Tracking - Unified: published answers, pushed news, and what one number may mean.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::Utc;
use orderflow::carriers::dhl::tracking::{
    DEFAULT_QUOTA, DHL, DhlTracking, DhlTrackingConfig, Question,
};
use orderflow::client::RetryPolicy;
use orderflow::conformance::{Report, carriers};
use orderflow::ports::{
    CarrierAdapter, CarrierLimits, Handshake, PushNotice, Recovery, TrackingPush, WebhookRequest,
};
use orderflow::sandbox::VirtualClock;
use orderflow::shipment::{
    EventTime, Label, LabelIntent, LabelRequest, Milestone, RateQuote, RateRequest, TrackOutcome,
    Tracked, TrackingEvent, TransitState, fold,
};
use orderflow::{CarrierId, Country, Error, ErrorKind, IdempotencyKey, TrackingNumber};
use proptest::prelude::*;
use serde_json::json;

use super::house::{
    self, Carrier, FAST, Says, as_transport, fixture, fixtures_of, intent, key, noon, parcel,
    purchase, shows_no_secret,
};

const TRACK: &str = "GET /track/shipments";
const SUBSCRIBE: &str = "POST /tracking/push/v1/subscription";
const SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000000";

fn config() -> DhlTrackingConfig {
    DhlTrackingConfig::new("canary-secret")
        .with_hook("https://shop.example/dhl", "X-Hook-Token", "canary-password")
        .with_quota(FAST)
        .with_retry(RetryPolicy::none())
        .with_clock(Arc::new(VirtualClock::new(noon())))
}

struct House {
    dhl: DhlTracking,
    carrier: Arc<Carrier>,
}

fn house_with(change: impl FnOnce(DhlTrackingConfig) -> DhlTrackingConfig) -> House {
    let carrier = Arc::new(Carrier::default());
    let config = change(config().with_base(house::BASE));
    House { dhl: DhlTracking::new(config, as_transport(&carrier)).unwrap(), carrier }
}

fn house() -> House {
    house_with(|config| config)
}

fn number(text: &str) -> TrackingNumber {
    TrackingNumber::new(text).unwrap()
}

async fn track(house: &House, text: &str) -> TrackOutcome {
    house.dhl.track(&[number(text)]).await.unwrap().remove(0).outcome
}

async fn sample(text: &str) -> Vec<TrackingEvent> {
    let house = house();
    house.carrier.says(TRACK, Says::fixture(200, &format!("tracking/{text}.json")));
    match track(&house, text).await {
        TrackOutcome::Found { events, .. } => events,
        other => panic!("{text}: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn every_published_answer_about_one_shipment_ends_where_the_shipment_did() {
    let mut seen = 0;
    for (text, state) in [
        ("00340434292135100056", TransitState::PreTransit),
        // Papers were handed over: more is not known of freight.
        ("12345678", TransitState::PreTransit),
        ("422891590640", TransitState::Delivered),
        ("423475729485", TransitState::Delivered),
        // Contradicts itself: its code is before custody, whatever its words say.
        ("7777777770", TransitState::PreTransit),
        ("JJD000390005893028175", TransitState::Delivered),
        ("JJD000390006060575288", TransitState::Delivered),
        ("JJD000390011492126828", TransitState::Delivered),
    ] {
        let events = sample(text).await;
        assert_eq!(fold(&DHL, &number(text), events, None).state, state, "{text}");
        seen += 1;
    }
    let answers = fixtures_of("tracking")
        .into_iter()
        .filter(|name| name.starts_with(|letter: char| letter.is_ascii_digit() || letter == 'J'));
    assert_eq!(answers.count(), seen + 1, "all but the one with nine shipments");
}

#[tokio::test(start_paused = true)]
async fn events_keep_code_words_place_and_the_precision_of_their_time() {
    let events = sample("423475729485").await;
    let read: Vec<_> =
        events.iter().map(|event| (event.raw_code.as_str(), event.milestone)).collect();
    assert_eq!(
        read,
        [
            ("delivered", Milestone::Delivered),
            ("transit", Milestone::OutForDelivery),
            ("transit", Milestone::ArrivedHub),
            ("transit", Milestone::ArrivedHub),
            ("transit", Milestone::ArrivedHub),
            ("pre-transit", Milestone::PreAdvice)
        ]
    );
    assert_eq!(events[0].raw_text, "The shipment has been successfully delivered");
    assert_eq!(events[2].place.as_deref(), Some("Radefeld, Germany"));
    assert!(matches!(events[0].time, EventTime::Local(_)));
    let polish = sample("422891590640").await;
    let failed = polish.iter().find(|event| event.raw_code == "failure").unwrap();
    assert_eq!(failed.milestone, Milestone::Exception);
    assert!(matches!(failed.time, EventTime::Instant(_)));
    assert!(failed.reason.is_some());
}

#[tokio::test(start_paused = true)]
async fn an_odd_field_of_a_history_costs_only_itself() {
    let event = |at: serde_json::Value, code: serde_json::Value| json!({"timestamp": at, "statusCode": code, "location": 7, "status": true, "remark": []});
    let answer = json!({"shipments": {"id": 7777777770_u64, "service": ["express"],
        "destination": "Paris", "returnFlag": 2, "details": [], "status": "in transit",
        "estimatedTimeOfDelivery": 12, "events": [
            event(json!("2026-03-04T10:00:00"), json!("transit")),
            event(json!("some day"), json!("delivered")),
            event(json!("2026-03-03T10:00:00"), json!(7)), "?"]}});
    let house = house();
    house.carrier.says(TRACK, Says::json(200, &answer));
    let TrackOutcome::Found { events, .. } = track(&house, "7777777770").await else { panic!() };
    let read: Vec<_> = events.iter().map(|e| (e.raw_code.as_str(), e.raw_text.as_str())).collect();
    assert_eq!(read, [("transit", "true"), ("7", "true")]);
    house.carrier.says(TRACK, Says::text(200, r#"{"shipments": ["?"]}"#));
    let error = house.dhl.track(&[number("7777777770")]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedAnswer);
}

#[tokio::test(start_paused = true)]
async fn a_number_of_many_shipments_is_ambiguous_until_more_is_known() {
    let house = house();
    house.carrier.says(TRACK, Says::fixture(200, "tracking/64888.json"));
    let TrackOutcome::Failed { reason, retry } = track(&house, "64888").await else { panic!() };
    assert!(reason.starts_with("ambiguous") && reason.contains("9 of ecommerce"), "{reason}");
    assert!(!retry);
    let mut question = Question::new(number("64888"));
    question.country = Some(Country::US);
    let still = house.dhl.ask(&question).await.unwrap().outcome;
    assert!(matches!(still, TrackOutcome::Failed { .. }));
    question.postal_code = Some("60091-1234".into());
    let TrackOutcome::Found { events, .. } = house.dhl.ask(&question).await.unwrap().outcome else {
        panic!()
    };
    let folded = fold(&DHL, &question.number, events, None);
    assert_eq!(folded.state, TransitState::Delivered);
    assert_eq!(folded.delivered_at.unwrap().to_rfc3339(), "2019-08-26T18:04:00+00:00");
    assert!(house.carrier.last().query.contains("recipientPostalCode=60091-1234"));
    question.service = Some("express".into());
    let TrackOutcome::Failed { reason, .. } = house.dhl.ask(&question).await.unwrap().outcome
    else {
        panic!()
    };
    assert!(reason.starts_with("none of 9 shipments"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn pieces_are_recognised_by_a_letter_more_or_a_digit_less_and_strangers_are_not() {
    let house = house();
    house.carrier.says(TRACK, Says::fixture(200, "tracking/JJD000390006060575288.json"));
    for (asked, known) in [
        ("JJD000390006060575288", true),
        ("JD000390006060575288", true),
        ("JD00039000606057528", true),
        ("JD000390006060575299", false),
        ("288", false),
    ] {
        let found = matches!(track(&house, asked).await, TrackOutcome::Found { .. });
        assert_eq!(found, known, "{asked}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_number_is_a_call_and_the_quota_of_a_fresh_key_is_kept() {
    let house = house_with(|config| config.with_quota(DEFAULT_QUOTA).with_service("parcel-de"));
    house.carrier.says(TRACK, Says::fixture(404, "tracking/error-not-found.json"));
    let numbers = ["1", "2", "3", "4", "1"].map(number);
    let began = tokio::time::Instant::now();
    let answers = house.dhl.track(&numbers).await.unwrap();
    assert!(began.elapsed() >= Duration::from_secs(14), "{:?}", began.elapsed());
    assert!(answers.iter().all(|answer| answer.outcome == TrackOutcome::NotFoundYet));
    let calls = house.carrier.calls();
    assert_eq!(calls.len(), 4, "what is asked twice is asked once");
    assert!(calls.iter().all(|call| call.query.contains("service=parcel-de&language=en")));
    assert!(calls.iter().all(|call| call.headers["dhl-api-key"].is_sensitive()));
}

#[tokio::test(start_paused = true)]
async fn refusals_of_the_key_stop_everything_and_those_of_a_number_only_it() {
    let house = house();
    house.carrier.says(TRACK, Says::fixture(401, "tracking/error-unauthorized.json"));
    let error = house.dhl.track(&[number("1")]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AuthRejected);
    house.carrier.says(TRACK, Says::fixture(400, "tracking/error-bad-input.json"));
    let outcome = track(&house, "1").await;
    assert!(matches!(outcome, TrackOutcome::Failed { retry: false, .. }), "{outcome:?}");
    house.carrier.says(TRACK, Says::text(429, r#"{"title":"Too Many Requests"}"#));
    let error = house.dhl.track(&[number("1")]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
}

#[tokio::test(start_paused = true)]
async fn it_sells_nothing_and_says_so() {
    let house = house();
    assert!(house.dhl.rates(&parcel()).await.unwrap().is_empty());
    let request = purchase(DHL, "X", "PK-1");
    let error = house.dhl.buy_label(&request, &key("PK-1")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let recovered = house.dhl.recover_label(&intent(request, "PK-1")).await.unwrap();
    assert!(matches!(recovered, Recovery::Unknowable { .. }), "{recovered:?}");
    assert!(house.dhl.limits().formats.is_empty());
    assert!(house.dhl.void().is_none() && house.dhl.pieces().is_none());
    assert!(house.carrier.calls().is_empty());
}

// ---- Push ----

fn pushed<'a>(body: &'a [u8], token: &'a [(&'a str, &'a str)]) -> WebhookRequest<'a> {
    WebhookRequest { method: "POST", path_and_query: "/dhl", headers: token, body }
}

const TOKEN: &[(&str, &str)] = &[("x-hook-token", "canary-password")];

#[tokio::test(start_paused = true)]
async fn a_subscription_is_asked_for_confirmed_and_brings_news() {
    let house = house();
    let push = house.dhl.push().unwrap();
    house.carrier.says(SUBSCRIBE, Says::text(202, ""));
    let numbers: Vec<TrackingNumber> = (0..12).map(|n| number(&format!("00340{n:02}"))).collect();
    let outcomes = push.subscribe(&numbers).await.unwrap();
    assert!(outcomes.len() == 12 && outcomes.iter().all(Result::is_ok));
    assert_eq!(house.carrier.calls().len(), 2, "ten share a subscription");
    let body = house.carrier.body("/tracking/push/v1/subscription");
    assert_eq!(body["shipmentIDs"], json!(["0034010", "0034011"]));
    assert_eq!(body["hook"]["authentication"]["header"], "X-Hook-Token");
    assert_eq!((&body["type"], &body["format"]), (&json!("Shipment"), &json!("Default")));
    let question = fixture("tracking/constructed-push-validate.json");
    let notice = push.receive(&pushed(&question, TOKEN), Utc::now()).unwrap();
    let PushNotice::Handshake(handshake) = notice else { panic!("{notice:?}") };
    assert_eq!(handshake.subscription, SUBSCRIPTION);
    assert_eq!(handshake.secret.as_str(), "constructed-secret");
    house.carrier.says(&format!("{SUBSCRIBE}/{SUBSCRIPTION}"), Says::text(200, ""));
    push.confirm(&handshake).await.unwrap();
    assert_eq!(house.carrier.last().headers["dhl-api-hook-secret"], "constructed-secret");
    let ready = fixture("tracking/constructed-push-ready.json");
    let notice = push.receive(&pushed(&ready, TOKEN), Utc::now()).unwrap();
    assert!(matches!(notice, PushNotice::Subscription { active: true, .. }));
    let event = fixture("tracking/constructed-push-event.json");
    let notice = push.receive(&pushed(&event, TOKEN), Utc::now()).unwrap();
    let PushNotice::Tracking(news) = notice else { panic!("{notice:?}") };
    assert_eq!(news.len(), 1);
    assert_eq!(news[0].number.as_str(), "00340434292135100056");
    let TrackOutcome::Found { events, .. } = &news[0].outcome else { panic!() };
    assert_eq!((events.len(), events[0].milestone), (1, Milestone::DepartedHub));
    let failure = br#"{"scope":"subscription.failure","failure":{"title":"Gone","detail":"hook"}}"#;
    let notice = push.receive(&pushed(failure, TOKEN), Utc::now()).unwrap();
    let gone = PushNotice::Subscription { active: false, detail: "Gone: hook".into() };
    assert_eq!(notice, gone);
}

#[tokio::test(start_paused = true)]
async fn news_without_the_token_are_refused_and_an_open_handshake_opens_nothing_else() {
    let (closed, open) = (house(), house_with(|config| config.with_open_handshake(true)));
    let question = fixture("tracking/constructed-push-validate.json");
    let event = fixture("tracking/constructed-push-event.json");
    for bad in [&[][..], &[("x-hook-token", "")], &[("x-hook-token", "canary-passwore")]] {
        for (house, body) in [(&closed, &question), (&closed, &event), (&open, &event)] {
            let push = house.dhl.push().unwrap();
            let error = push.receive(&pushed(body, bad), Utc::now()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AuthRejected);
        }
        let push = open.dhl.push().unwrap();
        let notice = push.receive(&pushed(&question, bad), Utc::now()).unwrap();
        assert!(matches!(notice, PushNotice::Handshake(_)));
    }
    let named = house_with(|config| {
        config.with_hook("https://shop.example/dhl", "Authorization", "Basic canary-password")
    });
    let given = |value| named.dhl.push().unwrap().receive(&pushed(&event, value), Utc::now());
    assert!(given(&[("authorization", "basic canary-password")]).is_ok());
    assert!(given(&[("authorization", "basic CANARY-PASSWORD")]).is_err());
    let push = closed.dhl.push().unwrap();
    let odd = br#"{"scope":"subscription.push","shipments":["?"]}"#;
    for body in [&b"<html>"[..], br#"{"scope":"subscription.new"}"#, b"{}", odd] {
        let error = push.receive(&pushed(body, TOKEN), Utc::now()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedAnswer);
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_is_refused_spoils_no_other_and_pushed_doubles_are_ambiguous() {
    let house = house();
    let push = house.dhl.push().unwrap();
    house.carrier.says(SUBSCRIBE, Says::text(400, r#"{"title":"Bad","detail":"number"}"#));
    let outcomes = push.subscribe(&[number("1"), number("2")]).await.unwrap();
    assert!(outcomes.iter().all(|outcome| {
        outcome.as_ref().is_err_and(|error| error.kind() == ErrorKind::Rejected)
    }));
    let twice = json!({"scope": "subscription.push", "shipments": [
        {"id": 7, "status": {"timestamp": "2026-03-03T08:00:00", "statusCode": "transit"}},
        {"id": "7", "status": {"timestamp": "2026-03-03T09:00:00", "statusCode": "transit"}},
        {"id": "8", "status": {"timestamp": "2026-03-03T09:00:00", "statusCode": "transit"}}]});
    let body = twice.to_string();
    let notice = push.receive(&pushed(body.as_bytes(), TOKEN), Utc::now()).unwrap();
    let PushNotice::Tracking(news) = notice else { panic!("{notice:?}") };
    assert!(matches!(&news[0].outcome,
        TrackOutcome::Failed { reason, .. } if reason.starts_with("ambiguous")));
    assert!(matches!(news[1].outcome, TrackOutcome::Found { .. }));
    let hookless = DhlTracking::new(
        DhlTrackingConfig::new("k").with_base(house::BASE),
        as_transport(&Arc::new(Carrier::default())),
    );
    assert!(hookless.unwrap().push().is_none());
}

// ---- The suite ----

/// An account of which the suite asks what it may ask of one that only follows parcels.
fn account() -> carriers::Fixture {
    carriers::Fixture {
        rate: parcel(),
        label: Box::new(|offer, number| LabelRequest {
            service: offer.service.clone(),
            ..purchase(DHL, "NONE", &format!("PK-{number}"))
        }),
        now: noon(),
        pushed: Some(carriers::PushedNews {
            headers: vec![("x-hook-token".into(), "canary-password".into())],
            body: fixture("tracking/constructed-push-event.json"),
            number: number("00340434292135100056"),
        }),
    }
}

fn answering() -> House {
    let house = house();
    house.carrier.says(TRACK, Says::fixture(404, "tracking/error-not-found.json"));
    house.carrier.says(SUBSCRIBE, Says::text(202, ""));
    house
}

#[tokio::test(start_paused = true)]
async fn a_carrier_that_only_follows_parcels_passes_the_suite_and_says_what_it_does_not_do() {
    let report: Report = carriers::run(Arc::new(answering().dhl), &account()).await;
    report.assert_passed();
    assert_eq!(report.passed.len(), 8, "{report}");
    let missing = [
        "it sells nothing",
        "no ability void",
        "no ability manifests",
        "no ability pickups",
        "no ability addresses",
        "no ability pieces",
    ];
    assert_eq!(report.skipped_because(), missing.into());
    let hookless = carriers::Fixture { pushed: None, ..account() };
    let report = carriers::run(Arc::new(answering().dhl), &hookless).await;
    assert!(report.skipped_because().contains("the fixture has no pushed news"));
}

/// Believes whoever sends, and sells what it says it does not.
#[derive(Debug)]
struct Gullible(DhlTracking);

#[async_trait]
impl CarrierAdapter for Gullible {
    fn carrier(&self) -> CarrierId {
        self.0.carrier()
    }
    fn limits(&self) -> CarrierLimits {
        self.0.limits()
    }
    async fn rates(&self, request: &RateRequest) -> orderflow::Result<Vec<RateQuote>> {
        self.0.rates(request).await
    }
    async fn buy_label(
        &self,
        _request: &LabelRequest,
        _key: &IdempotencyKey,
    ) -> orderflow::Result<Label> {
        Err(Error::new(ErrorKind::Transient, "try again"))
    }
    async fn recover_label(&self, intent: &LabelIntent) -> orderflow::Result<Recovery> {
        self.0.recover_label(intent).await
    }
    async fn track(&self, numbers: &[TrackingNumber]) -> orderflow::Result<Vec<Tracked>> {
        self.0.track(numbers).await
    }
    fn tracking_url(&self, _number: &TrackingNumber) -> Option<String> {
        None
    }
    fn push(&self) -> Option<&dyn TrackingPush> {
        Some(self)
    }
}

#[async_trait]
impl TrackingPush for Gullible {
    fn receive(
        &self,
        request: &WebhookRequest<'_>,
        now: chrono::DateTime<Utc>,
    ) -> orderflow::Result<PushNotice> {
        let trusting = WebhookRequest { headers: TOKEN, ..*request };
        self.0.push().unwrap().receive(&trusting, now)
    }
    async fn subscribe(
        &self,
        numbers: &[TrackingNumber],
    ) -> orderflow::Result<Vec<orderflow::Result<()>>> {
        Ok(numbers.iter().take(1).map(|_| Ok(())).collect())
    }
    async fn confirm(&self, _handshake: &Handshake) -> orderflow::Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_carrier_that_believes_everybody_is_found_out() {
    let report: Report = carriers::run(Arc::new(Gullible(answering().dhl)), &account()).await;
    let failed: Vec<_> = report.failed.iter().map(|(card, _)| *card).collect();
    assert_eq!(
        failed,
        [
            "what sells nothing offers nothing and refuses a purchase",
            "what nobody proves is refused",
            "numbers are subscribed to one by one, in order",
        ],
        "{report}"
    );
}

// ---- Secrets, hostile answers ----

#[tokio::test(start_paused = true)]
async fn secrets_are_in_no_error_and_no_debug_text() {
    let house = house();
    shows_no_secret(&format!("{:?} {:?}", house.dhl, config()));
    let echo = json!({"title": house::CANARIES.join(" ")});
    house.carrier.says("*", Says::json(401, &echo));
    let error = house.dhl.track(&[number("1")]).await.unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(!text.contains("canary-secret") && !text.contains("canary-password"), "{text}");
    let handshake = Handshake {
        subscription: "../../evil?x".into(),
        secret: "canary-account".to_owned().into(),
        echo: None,
    };
    let error = house.dhl.push().unwrap().confirm(&handshake).await.unwrap_err();
    assert!(!format!("{error:?} {handshake:?}").contains("canary-account"));
    let path = house.carrier.last().path;
    assert_eq!(path, "/tracking/push/v1/subscription/..%2F..%2Fevil%3Fx");
}

#[test]
fn a_configuration_that_cannot_work_names_its_field() {
    type Spoil = fn(DhlTrackingConfig) -> DhlTrackingConfig;
    let cases: [(Spoil, &str); 5] = [
        (|_| DhlTrackingConfig::new(" "), "key"),
        (|_| DhlTrackingConfig::new("a\nb"), "key"),
        (|c| c.with_concurrency(0), "concurrency"),
        (|c| c.with_service(""), "service"),
        (|c| c.with_hook("https://shop.example", "X", ""), "hook"),
    ];
    for (spoil, field) in cases {
        let carrier = Arc::new(Carrier::default());
        let error = DhlTracking::new(spoil(config()), as_transport(&carrier)).unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::Configuration, Some(field)));
    }
}

/// Hands the bytes to everything that reads some.
fn feed(status: u16, body: &[u8]) {
    house::in_virtual_time(async {
        let house = house();
        house.carrier.says("*", Says::This(status, bytes::Bytes::copy_from_slice(body)));
        let numbers = ["64888", "JJD000390006060575288"].map(number);
        if let Ok(answers) = house.dhl.track(&numbers).await {
            assert_eq!(answers.len(), 2);
        }
        let push = house.dhl.push().unwrap();
        let _ = push.receive(&pushed(body, TOKEN), Utc::now());
        let _ = push.subscribe(&numbers).await;
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn cut_and_mutated_answers_never_panic(
        file in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        status in prop_oneof![Just(200_u16), Just(400), Just(404), 200_u16..600],
    ) {
        let files = fixtures_of("tracking");
        let mut body = fixture(&format!("tracking/{}", file.get(&files)));
        for (at, to) in changes {
            let at = at.index(body.len());
            body[at] = to;
        }
        body.truncate(cut.index(body.len()) + 1);
        feed(status, &body);
    }

    #[test]
    fn random_answers_never_panic(
        body in prop::collection::vec(any::<u8>(), 0..300),
        status in 200_u16..600,
    ) {
        feed(status, &body);
    }
}

/// The carrier's list of statuses of all its divisions: the words of none of them may turn a parcel
/// that is handed to somebody else into a delivery.
#[tokio::test(start_paused = true)]
async fn no_status_of_any_division_makes_a_delivery_of_something_else() {
    let table = fixture("tracking/status-codes-all-services.csv");
    let mut rows = csv::Reader::from_reader(table.as_slice());
    let mut seen = 0;
    for row in rows.records() {
        let row = row.unwrap();
        let words = format!("{} {}", &row[1], &row[2]).to_uppercase();
        let house = house();
        let answer = json!({"shipments": [{"id": "1234567890", "service": &row[0], "events": [
            {"timestamp": "2026-03-03T09:00:00Z", "statusCode": "delivered",
             "status": &row[1], "description": &row[2]}]}]});
        house.carrier.says(TRACK, Says::json(200, &answer));
        let TrackOutcome::Found { events, .. } = track(&house, "1234567890").await else {
            panic!("{row:?}")
        };
        let elsewhere = ["TO AGENT", "AT_SHIPPER", "AT_PARCELSHOP", "TO PICK-UP"];
        if elsewhere.iter().any(|place| {
            words.contains(&format!("DELIVERED {place}"))
                || words.contains(&format!("DELIVERED_{place}"))
        }) {
            assert_ne!(events[0].milestone, Milestone::Delivered, "{row:?}");
        }
        assert!(events[0].raw_text.contains(row[1].trim()), "{row:?}");
        seen += 1;
    }
    assert!(seen > 1_000, "{seen}");
}
