//! News of parcels that carriers send by themselves: again, late, of strangers, and proven or not.

use std::sync::Arc;

use async_trait::async_trait;
use orderflow::carriers::dhl::tracking::{DhlTracking, DhlTrackingConfig};
use orderflow::client::{Response, Transport, TransportError, WireRequest};
use orderflow::engine::{Carrier, Engine, EnginePolicy, Schedule, TrackingReceived};
use orderflow::order::{Action, Actor, EventKind, ExceptionKind, Order, OrderState};
use orderflow::shipment::{
    EventTime, Milestone, TrackOutcome, Tracked, TrackingEvent, TransitState,
};
use orderflow::store::MemoryStore;
use orderflow::{CarrierId, ErrorKind, TrackingNumber};
use proptest::prelude::*;

use super::bazaar::{Bazaar, builder_on, key, request, shop};
use super::house::at;
use super::support::{label_requested, purchased, scan};

/// What the labels of these orders say.
const CARRIER: CarrierId = CarrierId::from_static("carrier");
const HOOK: &[(&str, &str)] = &[("X-Hook", "right")];

#[derive(Debug)]
struct NoNetwork;

#[async_trait]
impl Transport for NoNetwork {
    async fn send(&self, _request: WireRequest) -> Result<Response, TransportError> {
        panic!("news that is pushed needs no call")
    }
}

/// An engine whose parcels are followed by an account with a hook.
fn engine(orders: &[&str]) -> Engine {
    let config = DhlTrackingConfig::new("key").with_carrier(CARRIER).with_hook(
        "https://shop.example/hook",
        "X-Hook",
        "right",
    );
    let follows = DhlTracking::new(config, Arc::new(NoNetwork)).unwrap();
    let bazaar = Bazaar::new(orders);
    let policy = EnginePolicy::default();
    builder_on(Arc::new(MemoryStore::new()), &[("1", &bazaar)], policy, |shop| shop)
        .carrier(Carrier::new(Arc::new(follows), Vec::new()))
        .build()
        .unwrap()
}

/// Orders whose parcels have labels: "a" has the number `N-a`.
async fn labelled(orders: &[&str]) -> Engine {
    let engine = engine(orders);
    engine.sync(&shop("1"), at(0)).await.unwrap();
    engine.advance(at(0)).await.unwrap();
    for id in orders {
        give_label(&engine, id, &format!("N-{id}")).await;
    }
    engine
}

async fn give_label(engine: &Engine, id: &str, number: &str) {
    let package = order(engine, id).await.packages[0].id.clone();
    let actions = vec![
        label_requested(&package),
        purchased(&package, number),
        Action::Packed { package, weight: None },
    ];
    engine.act(&key("1", id), actions, Actor::System, at(0)).await.unwrap();
}

async fn order(engine: &Engine, id: &str) -> Order {
    engine.store().order(&key("1", id)).await.unwrap().unwrap()
}

async fn told(engine: &Engine, id: &str) -> usize {
    let log = engine.store().log(&key("1", id)).await.unwrap();
    log.iter().filter(|event| event.kind() == EventKind::Tracked).count()
}

fn news(number: &str, events: &[TrackingEvent]) -> Tracked {
    let outcome = TrackOutcome::Found { events: events.to_vec(), estimated_delivery: None };
    Tracked { number: TrackingNumber::new(number).unwrap(), outcome }
}

fn journey() -> [TrackingEvent; 4] {
    [
        scan(2, Milestone::Accepted),
        scan(10, Milestone::ArrivedHub),
        scan(30, Milestone::OutForDelivery),
        scan(36, Milestone::Delivered),
    ]
}

#[tokio::test(start_paused = true)]
async fn pushed_news_moves_a_parcel_as_asking_would_and_puts_the_next_question_off() {
    let engine = labelled(&["a", "b"]).await;
    let report =
        engine.take_tracked(&CARRIER, vec![news("n - A", &journey()[..2])], at(12)).await.unwrap();
    assert_eq!((report.asked, report.moved, report.delivered), (1, 1, 0));
    let moved = order(&engine, "a").await;
    assert_eq!(moved.packages[0].movement.state, TransitState::InTransit);
    assert_eq!(moved.state(), OrderState::InTransit, "the scan confirmed the shipment");
    assert_eq!(order(&engine, "b").await.packages[0].movement.events, []);
    // No question is due for what was told of two hours ago.
    let report =
        engine.take_tracked(&CARRIER, vec![news("N-a", &journey())], at(38)).await.unwrap();
    assert_eq!((report.moved, report.delivered), (1, 1));
    assert_eq!(order(&engine, "a").await.packages[0].movement.state, TransitState::Delivered);
}

#[tokio::test(start_paused = true)]
async fn the_same_news_again_and_in_any_order_is_written_down_once() {
    let engine = labelled(&["a"]).await;
    let whole = journey();
    for part in [&whole[1..3], &whole[..1], &whole[1..3], &whole[..3], &whole[..], &whole[..2]] {
        engine.take_tracked(&CARRIER, vec![news("N-a", part)], at(40)).await.unwrap();
    }
    let order = order(&engine, "a").await;
    let kinds: Vec<Milestone> =
        order.packages[0].movement.events.iter().map(|event| event.milestone).collect();
    assert_eq!(kinds, whole.each_ref().map(|event| event.milestone));
    assert_eq!(told(&engine, "a").await, 3, "what brought something");
    // The same scan in other words is the same scan.
    let mut reworded = whole.clone();
    reworded[1].raw_text = "Arrived at hub (updated)".into();
    let report = engine.take_tracked(&CARRIER, vec![news("N-a", &reworded)], at(41)).await.unwrap();
    assert_eq!((report.moved, told(&engine, "a").await), (0, 3));
}

#[tokio::test(start_paused = true)]
async fn what_is_told_of_strangers_comes_back_as_it_came() {
    let engine = labelled(&["a"]).await;
    let stranger = news("X-1", &journey());
    let batch = vec![stranger.clone(), news("N-a", &journey()[..1])];
    let report = engine.take_tracked(&CARRIER, batch, at(12)).await.unwrap();
    assert_eq!((report.moved, report.unknown), (1, vec![stranger]));
    // The same number with another carrier is another parcel.
    let other = CarrierId::from_static("other");
    let report = engine.take_tracked(&other, vec![news("N-a", &journey())], at(12)).await.unwrap();
    assert_eq!((report.moved, report.unknown.len()), (0, 1));
    assert_eq!(told(&engine, "a").await, 1);
}

#[tokio::test(start_paused = true)]
async fn orders_that_share_a_parcel_both_hear_of_it() {
    let engine = engine(&["a", "b"]);
    engine.sync(&shop("1"), at(0)).await.unwrap();
    engine.advance(at(0)).await.unwrap();
    for id in ["a", "b"] {
        give_label(&engine, id, "SHARED").await;
    }
    let report =
        engine.take_tracked(&CARRIER, vec![news("SHARED", &journey()[..1])], at(12)).await.unwrap();
    assert_eq!((report.asked, report.moved), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn an_overtaken_estimate_does_not_replace_a_newer_one() {
    let engine = labelled(&["a"]).await;
    let day = |text: &str| Some(text.parse().unwrap());
    let estimated = |events: &[TrackingEvent], estimate: &str| Tracked {
        outcome: TrackOutcome::Found { events: events.to_vec(), estimated_delivery: day(estimate) },
        ..news("N-a", &[])
    };
    let whole = journey();
    for (events, estimate) in [
        (&whole[..1], "2026-03-09"),
        (&whole[..3], "2026-03-06"),
        // Written before, arrived behind.
        (&whole[..2], "2026-03-08"),
    ] {
        engine.take_tracked(&CARRIER, vec![estimated(events, estimate)], at(40)).await.unwrap();
    }
    let movement = &order(&engine, "a").await.packages[0].movement;
    assert_eq!(movement.estimated_delivery, day("2026-03-06"));
}

#[tokio::test(start_paused = true)]
async fn the_history_of_an_earlier_parcel_under_the_number_is_told_once() {
    let engine = labelled(&["a"]).await;
    let mut old = scan(0, Milestone::Delivered);
    old.time = EventTime::Instant(at(-24 * 400));
    for _ in 0..3 {
        engine.take_tracked(&CARRIER, vec![news("N-a", &[old.clone()])], at(12)).await.unwrap();
    }
    let order = order(&engine, "a").await;
    assert_eq!(order.packages[0].movement.events, []);
    let mismatches = order.incidents.iter().filter(|i| i.kind == ExceptionKind::StateMismatch);
    assert_eq!(mismatches.map(|incident| incident.count).collect::<Vec<_>>(), [1]);
    assert_eq!(told(&engine, "a").await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_hook_takes_what_is_proven_answers_questions_and_refuses_the_rest() {
    let engine = labelled(&["a"]).await;
    let event = r#"{"scope":"subscription.push","shipments":[{"id":"N-a","events":[
        {"timestamp":"2026-03-04T20:00:00Z","statusCode":"transit","description":"Moved"}]}]}"#;
    let received = engine.receive_tracking(&CARRIER, &request(event, HOOK), at(7)).await.unwrap();
    let TrackingReceived::Taken(report) = received else { panic!("{received:?}") };
    assert_eq!(report.moved, 1);
    assert_eq!(order(&engine, "a").await.packages[0].movement.state, TransitState::InTransit);

    let question =
        r#"{"scope":"subscription.validate","self":"https://dhl.test/s/7","secret":"s"}"#;
    let received = engine.receive_tracking(&CARRIER, &request(question, HOOK), at(7)).await;
    assert!(matches!(received, Ok(TrackingReceived::Handshake(_))), "{received:?}");
    let ended = r#"{"scope":"subscription.failure","failure":{"title":"Gone"}}"#;
    let received = engine.receive_tracking(&CARRIER, &request(ended, HOOK), at(7)).await;
    assert!(matches!(received, Ok(TrackingReceived::Subscription { active: false, .. })));

    for (body, headers, kind) in
        [(event, &[][..], ErrorKind::AuthRejected), ("<html>", HOOK, ErrorKind::UnexpectedAnswer)]
    {
        let refused =
            engine.receive_tracking(&CARRIER, &request(body, headers), at(7)).await.unwrap_err();
        assert_eq!(refused.kind(), kind);
    }
    let nobody = CarrierId::from_static("nobody");
    let refused = engine.receive_tracking(&nobody, &request(event, HOOK), at(7)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Configuration);
    // Told of an hour ago: the tick asks nobody, or the transport would have ended the test.
    engine.tick(&Schedule::default(), at(8)).await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// However a history is cut, repeated and shuffled on its way, the parcel ends where asking once
    /// for all of it would have brought it.
    #[test]
    fn any_delivery_of_the_news_ends_where_asking_would(
        deliveries in prop::collection::vec(prop::collection::vec(0_usize..4, 0..4), 0..8),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let whole = journey();
            let (pushed, asked) = (labelled(&["a"]).await, labelled(&["a"]).await);
            for delivery in &deliveries {
                let part: Vec<TrackingEvent> =
                    delivery.iter().map(|place| whole[*place].clone()).collect();
                pushed.take_tracked(&CARRIER, vec![news("N-a", &part)], at(40)).await.unwrap();
            }
            for engine in [&pushed, &asked] {
                engine.take_tracked(&CARRIER, vec![news("N-a", &whole)], at(40)).await.unwrap();
            }
            let (pushed, asked) = (order(&pushed, "a").await, order(&asked, "a").await);
            assert_eq!(pushed.packages[0].movement, asked.packages[0].movement);
            assert_eq!(pushed.state(), asked.state());
        });
    }
}
