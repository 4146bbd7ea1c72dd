//! The end of the carriers' day, labels that are given back in time or too late, and runs of printing.

use chrono::TimeDelta;
use orderflow::client::RetryPolicy;
use orderflow::engine::{DayEndOutcome, EnginePolicy, Schedule};
use orderflow::order::{EventKind, ExceptionKind, OrderState};
use orderflow::rules::{PrintSlots, VoidVerdict};
use orderflow::sandbox::Faults;
use orderflow::sandbox::walmart::{GenerateOptions, generate};
use orderflow::shipment::LabelState;
use orderflow::store::MemoryStore;

use super::house::{at, house_with, policy};
use super::{bought, imported, labelled};

#[tokio::test(start_paused = true)]
async fn each_label_is_on_one_manifest_and_a_second_call_closes_only_what_came_since() {
    let (house, items) = labelled(5).await;
    let engine = &house.engine;
    let first = engine.close_day(&items[..3], at(1)).await.unwrap();
    assert_eq!(first.len(), 1);
    let DayEndOutcome::Closed(manifest) = &first[0].outcome else { panic!("{first:?}") };
    assert_eq!((manifest.labels.len(), first[0].numbers.len()), (3, 3));
    assert!(manifest.documents[0].bytes.expose().starts_with(b"%PDF"));
    assert_eq!(first[0].warehouse.as_str(), "newark");
    let rest = engine.close_day(&items, at(2)).await.unwrap();
    assert_eq!(rest[0].numbers.len(), 2);
    assert!(matches!(rest[0].outcome, DayEndOutcome::Closed(_)));
    assert!(engine.close_day(&items, at(3)).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_label_can_be_given_back_until_its_day_is_closed() {
    let (house, items) = labelled(2).await;
    let engine = &house.engine;
    let verdict = engine.void_verdict(&items[0], at(1)).await.unwrap();
    assert!(matches!(verdict, Some(VoidVerdict::Possible { until: Some(_) })), "{verdict:?}");
    engine.close_day(&items[..1], at(1)).await.unwrap();
    assert_eq!(engine.void_verdict(&items[0], at(1)).await.unwrap(), Some(VoidVerdict::RefundOnly));
    let other = engine.void_verdict(&items[1], at(1)).await.unwrap();
    assert!(matches!(other, Some(VoidVerdict::Possible { .. })));
    // Two days later the mailing date has passed.
    let late = engine.void_verdict(&items[1], at(48)).await.unwrap();
    assert_eq!(late, Some(VoidVerdict::RefundOnly));
}

#[tokio::test(start_paused = true)]
async fn a_label_that_comes_back_too_late_is_refused_once_and_left_to_a_person() {
    let (house, items) = labelled(1).await;
    house.engine.close_day(&items, at(1)).await.unwrap();
    let key = house.only_order().await.key;
    house.market.cancel_by_platform(key.order.as_str(), at(1));
    for hour in 2..6 {
        house.clock.set(at(hour));
        house.engine.sync(&house.shop, at(hour)).await.unwrap();
        let report = house.engine.advance(at(hour)).await.unwrap();
        assert!(report.troubles.is_empty(), "{:?}", report.troubles);
        house.engine.work_outbox(at(hour)).await.unwrap();
    }
    let order = house.only_order().await;
    assert_eq!(order.state(), OrderState::Cancelled);
    assert_eq!(order.packages[0].label.state, LabelState::Purchased);
    let log = house.engine.store().log(&key).await.unwrap();
    let asked = log.iter().filter(|event| event.kind() == EventKind::VoidRequested).count();
    assert_eq!(asked, 1, "asking at every tick would only cost calls");
    let open = house.engine.exceptions(at(6)).await.unwrap();
    assert!(open.iter().any(|item| item.kind == ExceptionKind::LabelFailed), "{open:?}");
    // A person may ask again, as often as wanted.
    for hour in [7, 8] {
        let order = house.only_order().await;
        let package = items[0].package.clone();
        house.engine.void_label(order, &package, "asked again", at(hour)).await.unwrap();
    }
    assert!(house.engine.store().unsettled().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn where_the_window_says_never_the_carrier_is_not_asked() {
    let mut policy: EnginePolicy = policy();
    for window in &mut policy.void_windows {
        window.until = orderflow::rules::VoidUntil::Never;
    }
    let store = std::sync::Arc::new(MemoryStore::new());
    let house = house_with(store, Faults::none(), policy, RetryPolicy::default());
    house.place(1, 0);
    imported(&house).await;
    bought(&house).await;
    let order = house.only_order().await;
    let package = order.packages[0].id.clone();
    let after = house.engine.void_label(order, &package, "test", at(1)).await.unwrap().unwrap();
    // It is given up: nobody prints or uses it, and a person knows.
    assert_eq!(after.packages[0].label.state, LabelState::Voided);
    assert!(after.incidents.iter().any(|told| told.kind == ExceptionKind::LabelFailed));
    assert!(house.ledger.labels()[0].voided_at.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_tick_buys_at_the_runs_of_the_day_and_orders_paid_later_wait_for_the_next() {
    // In New York it is nine o'clock; the runs are at half past nine and at three.
    let store = std::sync::Arc::new(MemoryStore::new());
    let mut policy = policy();
    policy.print_slots = Some(PrintSlots::default());
    let house = house_with(store, Faults::none(), policy, RetryPolicy::default());
    house.place(3, 0);
    let schedule = Schedule::default().with_buy_labels(true);
    let ticked = async |minutes: i64| {
        let now = at(0) + TimeDelta::minutes(minutes);
        house.clock.set(now);
        let report = house.engine.tick(&schedule, now).await;
        assert!(report.errors.is_empty(), "{:?}", report.errors);
        report.labels_bought
    };
    assert_eq!(ticked(0).await, 0);
    assert_eq!(ticked(29).await, 0);
    assert_eq!(ticked(30).await, 3);
    let paid = at(0) + TimeDelta::minutes(40);
    for order in generate(77, 2, paid, paid, &GenerateOptions::default()) {
        house.market.place(order);
    }
    assert_eq!(ticked(60).await, 0);
    assert_eq!(house.engine.awaiting_labels(at(1)).await.unwrap().len(), 2, "a person sees them");
    assert_eq!(ticked(6 * 60).await, 2);
}
