//! The engine against the stand-ins: whole days, lost answers, crashes at every boundary.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test that panics has failed, which is what it is for"
)]

#[path = "engine/bazaar.rs"]
mod bazaar;
#[path = "engine/bulk.rs"]
mod bulk;
#[path = "engine/bulk_carriers.rs"]
mod bulk_carriers;
#[path = "engine/cases.rs"]
mod cases;
#[path = "engine/conformance.rs"]
mod conformance;
#[path = "engine/crash.rs"]
mod crash;
#[path = "engine/day_end.rs"]
mod day_end;
#[path = "engine/house.rs"]
mod house;
#[path = "engine/known.rs"]
mod known;
#[path = "engine/odd.rs"]
mod odd;
#[path = "engine/overlap.rs"]
mod overlap;
#[path = "engine/packs.rs"]
mod packs;
#[cfg(feature = "documents")]
#[path = "engine/paper.rs"]
mod paper;
#[path = "engine/partial.rs"]
mod partial;
#[path = "engine/platforms.rs"]
mod platforms;
#[cfg(feature = "dhl")]
#[path = "engine/pushed.rs"]
mod pushed;
#[path = "engine/shops.rs"]
mod shops;
mod support;
#[path = "engine/turns.rs"]
mod turns;

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::TimeDelta;
use house::{House, at, house, house_of, house_with, policy};
use orderflow::client::RetryPolicy;
use orderflow::engine::{
    BatchOptions, ItemOutcome, PackageRef, Schedule, StraightOptions, UploadTiming,
};
use orderflow::order::{
    Action, Actor, CompletionPolicy, ExceptionKind, Hold, HoldReason, OrderState, replay,
};
use orderflow::sandbox::walmart::{GenerateOptions, generate};
use orderflow::sandbox::{Fault, Faults, ScriptedFault};
use orderflow::shipment::{LabelState, UploadState};
use orderflow::store::{MemoryStore, SqliteStore};
use orderflow::{ErrorKind, HoldId};

fn scripted(stand_in: &str, path: &str, from: u32, times: u32, fault: Fault) -> Faults {
    Faults::scripted(vec![ScriptedFault {
        stand_in: stand_in.into(),
        path: path.into(),
        from,
        times,
        fault,
    }])
}

async fn imported(house: &House) {
    house.engine.fetch_window(&house.shop, at(-12), at(0), at(0)).await.unwrap();
    let report = house.engine.advance(at(0)).await.unwrap();
    assert!(report.troubles.is_empty(), "{:?}", report.troubles);
}

/// Orders whose parcels have labels, and the parcels.
async fn labelled(count: usize) -> (House, Vec<PackageRef>) {
    let house = house(Faults::none());
    house.place(count, 0);
    imported(&house).await;
    let items = house.engine.awaiting_labels(at(0)).await.unwrap();
    assert!(bought(&house).await.iter().all(|outcome| outcome == "done"));
    (house, items)
}

/// Buys everything and returns the outcomes as words.
async fn bought(house: &House) -> Vec<String> {
    let items = house.engine.awaiting_labels(at(0)).await.unwrap();
    house
        .engine
        .buy_labels(&items, &BatchOptions::default(), at(0), |_| {})
        .await
        .unwrap()
        .into_iter()
        .map(|outcome| match outcome {
            ItemOutcome::Done(_) => "done".to_owned(),
            ItemOutcome::Ambiguous(_) => "ambiguous".to_owned(),
            other => format!("{other:?}"),
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_window_goes_straight_through_and_the_ledger_is_clean() {
    for sqlite in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let house = if sqlite {
            let store = SqliteStore::open(folder.path().join("orders.sqlite")).unwrap();
            house_with(Arc::new(store), Faults::none(), policy(), RetryPolicy::default())
        } else {
            house(Faults::none())
        };
        house.place(60, 5);
        let options = StraightOptions::default().with_in_flight(8);
        let report = house
            .engine
            .straight_through(&house.shop, at(-12), at(0), &options, at(0))
            .await
            .unwrap();
        assert_eq!((report.labels, report.shipped), (55, 55), "{:?}", report.advanced.troubles);
        house.assert_clean(5).await;
    }
}

#[tokio::test(start_paused = true)]
async fn reading_the_same_window_again_changes_nothing() {
    let house = house(Faults::none());
    house.place(30, 0);
    let first = house.engine.fetch_window(&house.shop, at(-12), at(0), at(0)).await.unwrap();
    assert_eq!((first.imported, first.unchanged), (30, 0));
    let second = house.engine.fetch_window(&house.shop, at(-12), at(0), at(0)).await.unwrap();
    assert_eq!((second.imported, second.updated, second.unchanged), (0, 0, 30));
}

#[tokio::test(start_paused = true)]
async fn the_horizon_moves_only_after_every_page_is_stored() {
    let faults = scripted("walmart", "/v3/orders", 1, 1, Fault::GatewayPage);
    let house = house_with(Arc::new(MemoryStore::new()), faults, policy(), RetryPolicy::none());
    house.place(450, 0);
    assert!(house.engine.sync(&house.shop, at(0)).await.is_err());
    assert_eq!(house.engine.known_until(&house.shop).await.unwrap(), None);
    let report = house.engine.sync(&house.shop, at(0)).await.unwrap();
    assert!(report.seen >= 440 && report.unchanged > 0, "{report:?}");
    assert!(house.engine.known_until(&house.shop).await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_lost_label_answer_is_recovered_and_never_bought_again() {
    for fault in [Fault::LostAfter, Fault::Truncated] {
        let faults = scripted("usps", "/labels/v3/label", 0, 1, fault);
        let house = house_with(Arc::new(MemoryStore::new()), faults, policy(), RetryPolicy::none());
        house.place(1, 0);
        imported(&house).await;
        assert_eq!(bought(&house).await, ["ambiguous"]);
        let order = house.only_order().await;
        assert_eq!(order.packages[0].label.state, LabelState::Unknown);
        let report = house.engine.recover(at(0)).await.unwrap();
        assert_eq!(report.labels_found, 1, "{report:?}");
        assert_eq!(house.ledger.labels().len(), 1);
        assert_eq!(house.only_order().await.packages[0].label.state, LabelState::Purchased);
    }
}

#[tokio::test(start_paused = true)]
async fn a_purchase_that_never_arrived_is_made_once_by_recovery() {
    let faults = scripted("usps", "/labels/v3/label", 0, 1, Fault::LostBefore);
    let house = house_with(Arc::new(MemoryStore::new()), faults, policy(), RetryPolicy::none());
    house.place(1, 0);
    imported(&house).await;
    assert_eq!(bought(&house).await, ["ambiguous"]);
    house.engine.recover(at(0)).await.unwrap();
    assert_eq!(house.ledger.labels().len(), 1);
    assert_eq!(house.only_order().await.packages[0].label.state, LabelState::Purchased);
}

#[tokio::test(start_paused = true)]
async fn a_purchase_that_is_no_longer_wanted_is_not_made_by_recovery() {
    let faults = scripted("usps", "/labels/v3/label", 0, 1, Fault::LostBefore);
    let house = house_with(Arc::new(MemoryStore::new()), faults, policy(), RetryPolicy::none());
    house.place(1, 0);
    imported(&house).await;
    assert_eq!(bought(&house).await, ["ambiguous"]);
    let key = house.only_order().await.key;
    let hold = Hold {
        id: HoldId::from_static("stop"),
        reason: HoldReason::Manual,
        note: None,
        placed_at: at(0),
        until: None,
        released_at: None,
    };
    let person = Actor::Person("Ida".into());
    house.engine.act(&key, vec![Action::HoldPlaced { hold }], person, at(0)).await.unwrap();
    house.engine.recover(at(0)).await.unwrap();
    assert!(house.ledger.labels().is_empty());
    assert_eq!(house.only_order().await.packages[0].label.state, LabelState::None);
    assert!(house.engine.store().unsettled().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_lost_upload_answer_is_found_to_have_worked() {
    let faults = scripted("walmart", "/shipping", 0, 1, Fault::LostAfter);
    let house = house_with(Arc::new(MemoryStore::new()), faults, policy(), RetryPolicy::none());
    house.place(1, 0);
    imported(&house).await;
    bought(&house).await;
    let items = house.engine.parcels_where(|_, _| true).await.unwrap();
    house.engine.confirm_shipments(&items, at(0), at(0), |_| {}).await.unwrap();
    house.engine.recover(at(0)).await.unwrap();
    assert_eq!(house.only_order().await.packages[0].upload.state, UploadState::Uploaded);
    house.assert_clean(0).await;
}

#[tokio::test(start_paused = true)]
async fn an_upload_waits_out_an_outage_and_is_sent_once() {
    let faults = scripted("walmart", "/shipping", 0, 3, Fault::ServerError);
    let house = house_with(Arc::new(MemoryStore::new()), faults, policy(), RetryPolicy::none());
    house.place(1, 0);
    imported(&house).await;
    bought(&house).await;
    let items = house.engine.parcels_where(|_, _| true).await.unwrap();
    house.engine.confirm_shipments(&items, at(0), at(0), |_| {}).await.unwrap();
    assert_eq!(house.only_order().await.packages[0].upload.state, UploadState::InFlight);
    // Not before its pause is over.
    assert_eq!(house.engine.work_outbox(at(0)).await.unwrap().uploaded, 0);
    for minute in 1..8 {
        house.engine.work_outbox(at(0) + TimeDelta::minutes(minute)).await.unwrap();
    }
    assert_eq!(house.only_order().await.packages[0].upload.state, UploadState::Uploaded);
    house.assert_clean(0).await;
}

#[tokio::test(start_paused = true)]
async fn another_number_on_the_platform_is_a_conflict_that_a_person_sees() {
    let house = house(Faults::none());
    house.place(1, 0);
    imported(&house).await;
    bought(&house).await;
    let key = house.only_order().await.key;
    house.market.ship_by_hand(key.order.as_str(), "1Z1202R66698804005", at(0));
    let items = house.engine.parcels_where(|_, _| true).await.unwrap();
    house.engine.confirm_shipments(&items, at(0), at(0), |_| {}).await.unwrap();
    let order = house.only_order().await;
    assert_eq!(order.packages[0].upload.state, UploadState::Rejected);
    let open = house.engine.exceptions(at(0)).await.unwrap();
    assert!(open.iter().any(|item| item.kind == ExceptionKind::UploadConflict), "{open:?}");
    assert!(house.engine.store().unsettled().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_cannot_be_read_is_no_refusal() {
    for path in ["/v3/orders/", "/shipping"] {
        let faults = scripted("walmart", path, 0, 60, Fault::Truncated);
        let house = house_with(Arc::new(MemoryStore::new()), faults, policy(), RetryPolicy::none());
        house.place(1, 0);
        for _ in 0..70 {
            house.engine.fetch_window(&house.shop, at(-12), at(0), at(0)).await.unwrap();
            house.engine.advance(at(0)).await.unwrap();
        }
        bought(&house).await;
        let items = house.engine.parcels_where(|_, _| true).await.unwrap();
        house.engine.confirm_shipments(&items, at(0), at(0), |_| {}).await.unwrap();
        for _ in 0..70 {
            house.engine.recover(at(0)).await.unwrap();
        }
        assert_eq!(house.only_order().await.packages[0].upload.state, UploadState::Uploaded);
        house.assert_clean(0).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_buyers_wish_to_cancel_stops_the_purchase() {
    let house = house(Faults::none());
    house.place(1, 0);
    imported(&house).await;
    let order = house.only_order().await;
    house.market.ask_to_cancel(order.key.order.as_str(), at(0));
    // The batch reads the platform again before it buys.
    house.clock.set(at(1));
    let items = house.engine.awaiting_labels(at(1)).await.unwrap();
    assert_eq!(items.len(), 1);
    let outcomes =
        house.engine.buy_labels(&items, &BatchOptions::default(), at(1), |_| {}).await.unwrap();
    assert!(
        matches!(&outcomes[0], ItemOutcome::Failed(error) if error.kind() == ErrorKind::Rejected)
    );
    assert!(house.ledger.labels().is_empty());
    let order = house.only_order().await;
    assert!(order.is_held(at(1)) && order.cancel_request.is_some());
    let open = house.engine.exceptions(at(1)).await.unwrap();
    assert!(open.iter().any(|item| item.kind == ExceptionKind::CancelRequested));
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_order_gives_its_label_back() {
    let house = house(Faults::none());
    house.place(1, 0);
    imported(&house).await;
    assert_eq!(bought(&house).await, ["done"]);
    let key = house.only_order().await.key;
    house.market.cancel_by_platform(key.order.as_str(), at(0) + TimeDelta::minutes(5));
    house.clock.set(at(1));
    house.engine.sync(&house.shop, at(1)).await.unwrap();
    house.engine.advance(at(1)).await.unwrap();
    house.engine.work_outbox(at(1)).await.unwrap();
    let order = house.only_order().await;
    assert_eq!(order.state(), OrderState::Cancelled);
    assert_eq!(order.packages[0].label.state, LabelState::Voided);
    assert!(house.ledger.labels()[0].voided_at.is_some());
    assert!(house.engine.store().unsettled().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_buys_nothing_and_says_what_it_would_buy() {
    let house = house(Faults::none());
    house.place(3, 0);
    imported(&house).await;
    let items = house.engine.awaiting_labels(at(0)).await.unwrap();
    let options = BatchOptions::default().dry_run();
    let outcomes = house.engine.buy_labels(&items, &options, at(0), |_| {}).await.unwrap();
    assert_eq!(outcomes.len(), 3);
    for outcome in &outcomes {
        let ItemOutcome::WouldBuy(choice) = outcome else { panic!("{outcome:?}") };
        assert!(choice.cost.is_some() && !choice.reasons.is_empty());
    }
    assert!(house.ledger.labels().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_batch_run_twice_buys_only_what_is_missing() {
    let house = house(Faults::none());
    house.place(10, 0);
    imported(&house).await;
    let items = house.engine.awaiting_labels(at(0)).await.unwrap();
    let options = BatchOptions::default();
    house.engine.buy_labels(&items[..4], &options, at(0), |_| {}).await.unwrap();
    let again = house.engine.buy_labels(&items, &options, at(0), |_| {}).await.unwrap();
    let done = again.iter().filter(|outcome| outcome.is_done()).count();
    assert_eq!((done, house.ledger.labels().len()), (6, 10));
    // Two workers over the same list at once.
    let (one, other) = futures_util::future::join(
        house.engine.buy_labels(&items, &options, at(0), |_| {}),
        house.engine.buy_labels(&items, &options, at(0), |_| {}),
    )
    .await;
    assert!(one.is_ok() && other.is_ok());
    assert_eq!(house.ledger.labels().len(), 10);
}

#[tokio::test(start_paused = true)]
async fn two_engines_racing_for_one_parcel_buy_one_label() {
    let house = house(Faults::none());
    house.place(20, 0);
    imported(&house).await;
    let items = house.engine.awaiting_labels(at(0)).await.unwrap();
    let options = BatchOptions::default();
    let (a, b) = futures_util::future::join(
        house.engine.buy_labels(&items, &options, at(0), |_| {}),
        house.engine.clone().buy_labels(&items, &options, at(0), |_| {}),
    )
    .await;
    assert!(a.is_ok() && b.is_ok());
    house.engine.recover(at(0)).await.unwrap();
    assert_eq!(house.ledger.labels().len(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_batch_leaves_nothing_half_done() {
    let house = house(Faults::none());
    house.place(12, 0);
    imported(&house).await;
    let items = house.engine.awaiting_labels(at(0)).await.unwrap();
    {
        let options = BatchOptions::default();
        let batch = house.engine.buy_labels(&items, &options, at(0), |_| {});
        let mut batch = std::pin::pin!(batch);
        for _ in 0..40 {
            if futures_util::poll!(batch.as_mut()).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    house.engine.recover(at(0)).await.unwrap();
    bought(&house).await;
    let references: BTreeSet<String> =
        house.ledger.labels().into_iter().map(|label| label.reference).collect();
    assert_eq!((house.ledger.labels().len(), references.len()), (12, 12));
}

#[tokio::test(start_paused = true)]
async fn the_log_of_every_order_replays_to_the_order() {
    let house = house(Faults::none());
    house.place(25, 5);
    let options = StraightOptions::default();
    house.engine.straight_through(&house.shop, at(-12), at(0), &options, at(0)).await.unwrap();
    for order in house.orders().await {
        let log = house.engine.store().log(&order.key).await.unwrap();
        assert_eq!(replay(&order.key, &log).unwrap(), order);
    }
}

#[tokio::test(start_paused = true)]
async fn ticking_takes_orders_to_the_carrier_and_follows_them_home() {
    let house = house(Faults::seeded(11, 40));
    house.place(15, 0);
    let schedule = Schedule::default().with_buy_labels(true);
    let mut now = at(0);
    for minute in 0..400 {
        now = at(0) + TimeDelta::minutes(30 * minute);
        house.clock.set(now);
        house.engine.tick(&schedule, now).await;
        let labelled = house
            .engine
            .parcels_where(|_, package| {
                package.label.state == LabelState::Purchased && package.shipped.is_none()
            })
            .await
            .unwrap();
        house.engine.mark_packed(&labelled, now).await.unwrap();
        if house.orders().await.iter().all(|order| order.state().is_terminal()) {
            break;
        }
    }
    for order in house.orders().await {
        assert_eq!(order.state(), OrderState::Completed, "{} at {now}", order.key);
    }
    house.assert_clean(0).await;
}

#[tokio::test(start_paused = true)]
async fn a_shop_may_confirm_as_soon_as_the_label_is_bought_and_leave_completion_to_the_platform() {
    let house = house_of(|shop| {
        shop.with_upload_timing(UploadTiming::OnLabelPurchased)
            .with_completion(CompletionPolicy::PlatformOnly)
    });
    house.place(4, 0);
    let schedule = Schedule::default().with_buy_labels(true);
    let mut now = at(0);
    for round in 0..400 {
        now = at(0) + TimeDelta::minutes(30 * round);
        house.clock.set(now);
        house.engine.tick(&schedule, now).await;
        if round == 2 {
            let shipped = house.engine.parcels_where(|_, parcel| parcel.shipped.is_some()).await;
            assert_eq!(shipped.unwrap().len(), 4, "nobody packed them, and yet they are confirmed");
        }
        if house.orders().await.iter().all(|order| order.state() == OrderState::Delivered) {
            break;
        }
    }
    house.engine.tick(&schedule, now + TimeDelta::days(30)).await;
    for order in house.orders().await {
        assert_eq!(order.state(), OrderState::Delivered, "{} at {now}", order.key);
    }
    house.assert_clean(0).await;
}

#[tokio::test(start_paused = true)]
async fn a_carrier_without_news_is_asked_again_only_when_the_plan_says_so() {
    let house = house(Faults::none());
    house.place(3, 0);
    imported(&house).await;
    bought(&house).await;
    let asked = async |minutes: i64| {
        let now = at(0) + TimeDelta::minutes(minutes);
        house.engine.track(now).await.unwrap().asked
    };
    assert_eq!(asked(1).await, 3);
    assert_eq!(asked(2).await, 0);
    assert_eq!(asked(6 * 60).await, 0);
    assert_eq!(asked(6 * 60 + 1).await, 3);
}

/// A host spawns the engine's calls: their futures must be `Send` for any lifetime of what they borrow.
#[tokio::test(start_paused = true)]
async fn every_call_of_the_engine_can_be_spawned() {
    let house = house(Faults::none());
    house.place(2, 0);
    let (engine, shop) = (house.engine.clone(), house.shop.clone());
    let told = tokio::spawn(async move {
        engine.fetch_window(&shop, at(-12), at(0), at(0)).await.unwrap();
        engine.tick(&Schedule::default(), at(0)).await;
        let items = engine.awaiting_labels(at(0)).await.unwrap();
        let bought = engine.buy_labels(&items, &BatchOptions::default(), at(0), |_| {}).await;
        engine.mark_printed(&items, at(0)).await.unwrap();
        engine.mark_packed(&items, at(0)).await.unwrap();
        engine.confirm_shipments(&items, at(0), at(0), |_| {}).await.unwrap();
        engine.alerts(at(0)).await.unwrap();
        bought.unwrap().len()
    });
    assert_eq!(told.await.unwrap(), 2);
    let engine = house.engine.clone();
    let run = tokio::spawn(async move {
        engine.run(&Schedule::default(), std::future::ready(()), || at(1), |_| {}).await
    });
    run.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn orders_of_another_page_shape_are_taken_in_once() {
    use orderflow::sandbox::Quirk;
    for quirk in [Quirk::DuplicatedPage, Quirk::ReorderedPage, Quirk::TokenExpired] {
        let house = house(scripted("walmart", "/v3/orders", 0, 1, Fault::Quirk(quirk)));
        house.place(40, 0);
        let report = house.engine.fetch_window(&house.shop, at(-12), at(0), at(0)).await.unwrap();
        assert_eq!(report.imported, 40, "{quirk:?}");
        assert_eq!(house.orders().await.len(), 40);
    }
}

#[test]
fn generated_orders_are_the_same_for_the_same_seed() {
    let options = GenerateOptions::default().with_address_problems(3);
    let one = generate(5, 50, at(-12), at(0), &options);
    assert_eq!(one, generate(5, 50, at(-12), at(0), &options));
    assert_eq!(one.iter().filter(|order| order.problem.is_some()).count(), 3);
    assert_ne!(one, generate(6, 50, at(-12), at(0), &options));
}
