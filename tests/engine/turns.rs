//! Each shop has its turn: one that is slow, silent or endless holds up no other.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use orderflow::ErrorKind;
use orderflow::engine::{Engine, EnginePolicy, Schedule};
use orderflow::order::{Action, Actor, CancelReason, OrderState};
use orderflow::ports::{EndlessList, MarketplaceExt, OrderQuery};
use tokio::time::Instant;

use super::bazaar::{Bazaar, SIGNED, engine, engine_on, engine_with, key, request, shop, words};
use super::house::at;
use super::support::{label_requested, purchased};

fn numbered(count: usize) -> Arc<Bazaar> {
    let ids: Vec<String> = (0..count).map(|number| format!("o-{number:03}")).collect();
    Bazaar::new(&ids.iter().map(String::as_str).collect::<Vec<_>>())
}

async fn known(engine: &Engine, name: &'static str, id: &str) -> bool {
    engine.store().order(&key(name, id)).await.unwrap().is_some()
}

/// Puts a bought label on the only parcel of an order, and packs it.
async fn packed(engine: &Engine, name: &'static str, id: &str, number: &str) {
    let order = engine.store().order(&key(name, id)).await.unwrap().unwrap();
    let package = order.packages[0].id.clone();
    let actions = vec![
        label_requested(&package),
        purchased(&package, number),
        Action::Packed { package, weight: None },
    ];
    engine.act(&key(name, id), actions, Actor::System, at(0)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_shop_that_never_answers_costs_the_others_one_share() {
    let (silent, quick) = (Bazaar::new(&["a"]), Bazaar::new(&["b", "c"]));
    let engine = engine(&[("1-silent", &silent), ("2-quick", &quick)]);
    engine.tick(&Schedule::default(), at(0)).await;
    packed(&engine, "2-quick", "b", "N-1").await;
    packed(&engine, "1-silent", "a", "N-2").await;
    quick.sell("d");
    silent.book().hangs = BTreeSet::from(["list", "get", "acknowledge", "confirm", "stock"]);

    let begun = Instant::now();
    let report = engine.tick(&Schedule::default(), at(0)).await;
    assert_eq!(begun.elapsed(), Duration::from_secs(30), "one share, not one in each part");
    assert_eq!(quick.book().acknowledged, ["b", "c", "d"]);
    assert_eq!(quick.book().confirmed, ["b"]);
    assert_eq!(report.silent, BTreeSet::from([shop("1-silent")]));
    let error = &report.errors[0];
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Transient, Some("list_orders")));
    assert!(error.context().any(|(name, value)| name == "shop" && value.contains("1-silent")));

    // It is not locked out: once it answers, all of its orders go on.
    silent.book().hangs.clear();
    let report = engine.tick(&Schedule::default(), at(1)).await;
    assert!(report.silent.is_empty() && report.errors.is_empty(), "{:?}", report.errors);
    assert_eq!(silent.book().confirmed, ["a"]);
}

#[tokio::test(start_paused = true)]
async fn a_shop_with_slow_pages_goes_on_at_its_page_while_the_others_are_served() {
    let (slow, quick) = (numbered(40), Bazaar::new(&["b"]));
    slow.book().page_size = Some(4);
    slow.book().answers_after = Some(Duration::from_secs(12));
    let engine = engine(&[("1-slow", &slow), ("2-quick", &quick)]);
    let report = engine.tick(&Schedule::default(), at(0)).await;
    assert_eq!(quick.book().acknowledged, ["b"]);
    assert_eq!(report.unfinished, BTreeSet::from([shop("1-slow")]));
    assert!(report.errors.is_empty(), "{:?}", report.errors);
    let read = report.synced.iter().find(|(name, _)| *name == shop("1-slow")).unwrap().1.clone();
    assert_eq!((read.pages, read.imported, read.more), (2, 8, true));
    // The horizon has not moved, so that a crash loses nothing.
    assert_eq!(engine.known_until(&shop("1-slow")).await.unwrap(), None);

    let mut ticks = 1;
    while engine.known_until(&shop("1-slow")).await.unwrap().is_none() {
        engine.tick(&Schedule::default(), at(0)).await;
        ticks += 1;
        assert!(ticks < 10);
    }
    assert_eq!(ticks, 5, "two pages a round");
    let cursors = slow.book().cursors.clone();
    let once: BTreeSet<_> = cursors.iter().cloned().collect();
    assert_eq!((cursors.len(), once.len()), (10, 10), "no page is read twice");
    assert!(known(&engine, "1-slow", "o-039").await);
    assert_eq!(quick.book().acknowledged, ["b"]);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_tick_leaves_the_shop_to_be_read_on_at_its_page() {
    let slow = numbered(12);
    slow.book().page_size = Some(4);
    slow.book().answers_after = Some(Duration::from_secs(12));
    let engine = engine(&[("1", &slow)]);
    let schedule = Schedule::default();
    let tick = engine.tick(&schedule, at(0));
    assert!(tokio::time::timeout(Duration::from_secs(15), tick).await.is_err());
    slow.book().answers_after = None;
    let report = engine.tick(&schedule, at(0)).await;
    let read = &report.synced[0].1;
    // The rest of the begun window; since then nothing can have come.
    assert_eq!((read.imported, read.more), (8, false));
    let token = |place: &str| Some(place.to_owned());
    let cursors = slow.book().cursors.clone();
    assert_eq!(cursors, [None, token("4"), token("8")], "the first page is not read again");
    assert_eq!(slow.book().acknowledged.len(), 12);
}

#[tokio::test(start_paused = true)]
async fn orders_that_hang_take_no_turn_of_the_orders_behind_them() {
    let bazaar = numbered(40);
    let engine = engine(&[("1", &bazaar)]);
    engine.sync(&shop("1"), at(0)).await.unwrap();
    // Only the first sixteen, the engine's bound for a shop, never get an answer.
    bazaar.book().hangs_below = Some("o-016".into());
    let report = engine.advance(at(0)).await.unwrap();
    assert_eq!((report.acknowledged, report.troubles.len()), (0, 16));
    let report = engine.advance(at(0)).await.unwrap();
    assert_eq!(report.acknowledged, 24);
}

#[tokio::test(start_paused = true)]
async fn a_slow_shop_is_served_further_in_each_round_and_holds_up_none() {
    let (slow, quick) = (numbered(40), numbered(5));
    let mut policy = EnginePolicy::default();
    policy.concurrency = 4;
    let engine = engine_with(&[("slow", &slow), ("quick", &quick)], policy, |shop| shop);
    for name in ["slow", "quick"] {
        engine.sync(&shop(name), at(0)).await.unwrap();
    }
    slow.book().answers_after = Some(Duration::from_secs(10));
    let begun = Instant::now();
    engine.advance(at(0)).await.unwrap();
    assert_eq!(begun.elapsed(), Duration::from_secs(30));
    assert_eq!(quick.book().acknowledged.len(), 5);
    let mut before = slow.book().acknowledged.len();
    assert!(before >= 8, "{before}");
    while before < 40 {
        engine.advance(at(0)).await.unwrap();
        let now = slow.book().acknowledged.len();
        assert!(now > before);
        before = now;
    }
}

#[tokio::test(start_paused = true)]
async fn notices_of_a_silent_shop_wait_and_those_of_the_others_are_worked_on() {
    let (silent, quick) = (Bazaar::new(&["a"]), Bazaar::new(&["b"]));
    let engine = engine(&[("1", &silent), ("2", &quick)]);
    silent.book().hangs = BTreeSet::from(["list", "get"]);
    engine.receive(&shop("1"), &request("e1:a", SIGNED), at(0)).await.unwrap();
    engine.receive(&shop("1"), &request("e2:", SIGNED), at(0)).await.unwrap();
    engine.receive(&shop("2"), &request("e1:b", SIGNED), at(0)).await.unwrap();
    let begun = Instant::now();
    let report = engine.work_inbox(at(0)).await.unwrap();
    assert_eq!((report.done, report.waiting), (1, 2));
    assert!(known(&engine, "2", "b").await);
    assert_eq!(begun.elapsed(), Duration::from_secs(30));
    silent.book().hangs.clear();
    assert_eq!(engine.work_inbox(at(0)).await.unwrap().done, 2);
}

#[tokio::test(start_paused = true)]
async fn stock_that_a_silent_shop_was_not_told_is_told_later() {
    let (silent, quick) = (Bazaar::new(&[]), Bazaar::new(&[]));
    let sku = orderflow::Sku::from_static("SKU-1");
    let engine = engine_with(&[("1", &silent), ("2", &quick)], EnginePolicy::default(), |shop| {
        shop.with_offers([(orderflow::Sku::from_static("SKU-1"), None)])
    });
    silent.book().hangs.insert("stock");
    let report = engine.push_stock(at(0)).await.unwrap();
    assert_eq!((report.told, quick.book().levels.len()), (1, 1));
    // Also when the call itself is dropped.
    let dropped = tokio::time::timeout(Duration::from_secs(1), engine.push_stock(at(0))).await;
    assert!(dropped.is_err());
    silent.book().hangs.clear();
    assert_eq!(engine.push_stock(at(0)).await.unwrap().told, 1);
    assert_eq!(silent.book().levels, [(sku, 100)]);
}

#[tokio::test(start_paused = true)]
async fn a_bulk_operation_answers_for_every_order_also_of_a_shop_that_does_not() {
    let (silent, quick) = (numbered(20), Bazaar::new(&["b"]));
    let engine = engine(&[("1", &silent), ("2", &quick)]);
    for name in ["1", "2"] {
        engine.sync(&shop(name), at(0)).await.unwrap();
    }
    silent.book().hangs.insert("cancel");
    let mut all: Vec<_> = (0..20).map(|number| key("1", &format!("o-{number:03}"))).collect();
    all.push(key("2", "b"));
    let begun = Instant::now();
    let outcomes = engine.cancel_orders(&all, &CancelReason::OutOfStock, at(0)).await;
    assert_eq!(begun.elapsed(), Duration::from_secs(150), "the patience of the policy");
    let words = words(&outcomes);
    assert_eq!(words[..16], ["ambiguous"; 16]);
    assert_eq!(words[16..], ["skipped", "skipped", "skipped", "skipped", "done"]);
    // What was begun is written down and finished by the outbox.
    silent.book().hangs.clear();
    engine.work_outbox(at(1)).await.unwrap();
    assert_eq!(silent.book().cancelled.len(), 16);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_goes_round_is_an_error_that_names_shop_and_operation() {
    let bazaar = Bazaar::new(&["a"]);
    let engine = engine(&[("1", &bazaar)]);
    bazaar.book().goes_round = true;
    let one = shop("1");
    let found = [
        engine.sync(&one, at(0)).await.unwrap_err(),
        engine.fetch_window(&one, at(-24), at(0), at(0)).await.unwrap_err(),
        engine.compare_shop(&one, at(-24), at(0), at(0)).await.unwrap_err(),
        engine.collect_missed(&one, at(0)).await.unwrap_err(),
    ];
    for (error, operation) in
        found.iter().zip(["list_orders", "list_orders", "list_orders", "missed"])
    {
        assert_eq!(
            (error.kind(), error.operation()),
            (ErrorKind::UnexpectedAnswer, Some(operation))
        );
        assert!(error.context().any(|(name, value)| name == "shop" && value == one.to_string()));
        let source = std::error::Error::source(error).unwrap();
        assert_eq!(source.downcast_ref(), Some(&EndlessList::Repeated { page: 3 }));
    }
    let query = OrderQuery::Released;
    let walked = bazaar.for_each_page(&query, |_| std::future::ready(Ok(()))).await.unwrap_err();
    assert_eq!(walked.kind(), ErrorKind::UnexpectedAnswer);
    // It is no trap: once the list is in order again, it is read.
    bazaar.book().goes_round = false;
    assert_eq!(engine.sync(&one, at(0)).await.unwrap().imported, 1);
}

#[test]
fn a_list_of_ever_new_tokens_ends_at_the_bound() {
    let mut walk = orderflow::ports::PageWalk::within(3);
    let token = |number: u32| Some(orderflow::ports::Cursor::new(number.to_string()));
    assert_eq!((walk.go_on(token(1)), walk.go_on(token(2))), (Ok(true), Ok(true)));
    assert_eq!(walk.go_on(token(3)), Err(EndlessList::TooLong { pages: 3 }));
    assert_eq!((walk.pages(), walk.go_on(None)), (2, Ok(false)));
}

#[tokio::test(start_paused = true)]
async fn a_run_stops_within_its_grace_while_a_shop_is_silent() {
    let (silent, quick) = (Bazaar::new(&["a"]), Bazaar::new(&["b"]));
    let mut policy = EnginePolicy::default();
    policy.shop_share_seconds = 3_600;
    let engine = engine_with(&[("1", &silent), ("2", &quick)], policy, |shop| shop);
    silent.book().hangs.insert("list");
    let begun = Instant::now();
    let shutdown = tokio::time::sleep(Duration::from_secs(5));
    let schedule = Schedule::default();
    engine.run(&schedule, shutdown, || at(0), |_| {}).await.unwrap();
    assert_eq!(begun.elapsed(), Duration::from_secs(15));
    // The engine is as good as before.
    silent.book().hangs.clear();
    engine.tick(&schedule, at(1)).await;
    assert_eq!(silent.book().acknowledged, ["a"]);
    let order = engine.store().order(&key("2", "b")).await.unwrap().unwrap();
    assert_eq!(order.state(), OrderState::AwaitingShipment);
}

#[tokio::test(start_paused = true)]
async fn a_run_goes_on_at_once_where_a_shop_has_more_to_read() {
    let slow = numbered(40);
    slow.book().page_size = Some(4);
    slow.book().answers_after = Some(Duration::from_secs(12));
    let engine = engine(&[("1", &slow)]);
    let shutdown = tokio::time::sleep(Duration::from_secs(250));
    let schedule = Schedule::default().with_every(Duration::from_secs(3_600));
    engine.run(&schedule, shutdown, || at(0), |_| {}).await.unwrap();
    assert_eq!(slow.book().cursors.len(), 10);
    let mut policy = EnginePolicy::default();
    policy.shop_share_seconds = 0;
    let refused = std::panic::catch_unwind(|| engine_with(&[("1", &slow)], policy, |shop| shop));
    assert!(refused.is_err(), "a share of nothing is a mistake");
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_adapter_of_one_shop_is_its_failure_and_stops_no_other() {
    for call in ["list", "get", "acknowledge", "confirm", "stock", "cancel"] {
        let (broken, good) = (Bazaar::new(&["a"]), Bazaar::new(&["b"]));
        let policy = EnginePolicy::default();
        let engine = engine_with(&[("1-broken", &broken), ("2-good", &good)], policy, |shop| {
            shop.with_offers([(orderflow::Sku::from_static("SKU-1"), None)])
        });
        for name in ["1-broken", "2-good"] {
            engine.sync(&shop(name), at(0)).await.unwrap();
        }
        engine.advance(at(0)).await.unwrap();
        packed(&engine, "1-broken", "a", "N-1").await;
        packed(&engine, "2-good", "b", "N-2").await;
        for (bazaar, id) in [(&broken, "c"), (&good, "d")] {
            bazaar.sell(id);
        }
        broken.book().panics.insert(call);
        for (name, id) in [("1-broken", "a"), ("2-good", "b")] {
            let body = format!("e1:{id}");
            engine.receive(&shop(name), &request(&body, SIGNED), at(0)).await.unwrap();
        }
        let report = engine.tick(&Schedule::default(), at(0)).await;
        assert_eq!(good.book().confirmed, ["b"], "{call}");
        assert_eq!(good.book().acknowledged, ["b", "d"], "{call}");
        assert_eq!(good.book().levels.len(), 1, "{call}");
        let mut outcomes = Vec::new();
        if call == "cancel" {
            let both = [key("1-broken", "c"), key("2-good", "d")];
            outcomes = engine.cancel_orders(&both, &CancelReason::OutOfStock, at(0)).await;
            assert_eq!(words(&outcomes), ["ambiguous", "done"]);
        }
        let mut told: Vec<String> = report.errors.iter().map(ToString::to_string).collect();
        told.extend(report.inbox.errors.iter().map(ToString::to_string));
        told.extend(report.outbox.errors.iter().map(ToString::to_string));
        told.extend(report.advanced.troubles.iter().map(|trouble| trouble.error.to_string()));
        told.extend(outcomes.iter().map(|outcome| format!("{outcome:?}")));
        let wanted = match call {
            "cancel" => "Ambiguous(".to_owned(),
            _ => format!("the adapter panicked: the call {call} of the bazaar is broken"),
        };
        assert!(told.iter().any(|words| words.contains(&wanted)), "{call}: {told:?}");

        // Once it is mended, nothing of the shop is lost.
        broken.book().panics.clear();
        engine.tick(&Schedule::default(), at(1)).await;
        assert_eq!(broken.book().confirmed, ["a"], "{call}");
        assert!(broken.book().acknowledged.contains(&"c".to_owned()), "{call}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_recovery_of_a_run_waits_for_a_slow_shop_no_longer_than_its_share() {
    let (slow, quick) = (Bazaar::new(&["a"]), Bazaar::new(&["b"]));
    let store: Arc<dyn orderflow::ports::store::Store> =
        Arc::new(orderflow::store::MemoryStore::new());
    let names = [("1-slow", &slow), ("2-quick", &quick)];
    let before = engine_on(Arc::clone(&store), &names, EnginePolicy::default(), |shop| shop);
    before.tick(&Schedule::default(), at(0)).await;
    for (name, id, bazaar) in [("1-slow", "a", &slow), ("2-quick", "b", &quick)] {
        packed(&before, name, id, "N-1").await;
        bazaar.book().hangs.insert("confirm");
    }
    // A crash while both are told.
    let tick = tokio::time::timeout(Duration::from_secs(5), async {
        before.tick(&Schedule::default(), at(0)).await
    });
    assert!(tick.await.is_err());
    drop(before);
    quick.book().hangs.clear();
    quick.sell("c");
    let engine = engine_on(store, &names, EnginePolicy::default(), |shop| shop);
    let shutdown = tokio::time::sleep(Duration::from_secs(50));
    engine.run(&Schedule::default(), shutdown, || at(0), |_| {}).await.unwrap();
    assert_eq!(quick.book().confirmed, ["b"]);
    assert_eq!(quick.book().acknowledged, ["b", "c"], "the ticks have begun");
    // What the slow one has left over is looked after by the ticks.
    slow.book().hangs.clear();
    engine.tick(&Schedule::default(), at(1)).await;
    assert_eq!(slow.book().confirmed, ["a"]);
}

#[tokio::test(start_paused = true)]
async fn an_order_that_a_platform_fails_to_show_is_asked_for_in_every_round_until_it_is_there() {
    let bazaar = Bazaar::new(&["a", "b", "c"]);
    bazaar.book().failing.insert("b".into());
    let store: Arc<dyn orderflow::ports::store::Store> =
        Arc::new(orderflow::store::MemoryStore::new());
    let names = [("1", &bazaar)];
    let first = engine_on(Arc::clone(&store), &names, EnginePolicy::default(), |shop| shop);
    let read = first.sync(&shop("1"), at(0)).await.unwrap();
    assert_eq!((read.imported, read.quarantined), (2, 1));
    // The horizon has moved on, and lists show the order no more.
    bazaar.book().unlisted.insert("b".into());
    for round in 1..4 {
        let read = first.sync(&shop("1"), at(round)).await.unwrap();
        assert_eq!(read.unread, 1, "{round}");
    }
    assert_eq!(bazaar.book().reads, ["b", "b", "b"]);
    // A restart forgets nothing.
    let second = engine_on(Arc::clone(&store), &names, EnginePolicy::default(), |shop| shop);
    assert_eq!(second.sync(&shop("1"), at(4)).await.unwrap().unread, 1);
    assert_eq!(store.quarantined().await.unwrap().len(), 1);
    bazaar.book().failing.clear();
    let read = second.sync(&shop("1"), at(5)).await.unwrap();
    assert_eq!((read.imported, read.unread), (1, 0));
    assert!(known(&second, "1", "b").await);
    assert_eq!(store.quarantined().await.unwrap(), []);
    let reads = bazaar.book().reads.len();
    second.sync(&shop("1"), at(6)).await.unwrap();
    assert_eq!(bazaar.book().reads.len(), reads, "what was read is not asked for again");
}

#[tokio::test(start_paused = true)]
async fn orders_that_fail_slowly_keep_no_other_that_was_kept_aside_from_its_turn() {
    let slow = numbered(40);
    let all: BTreeSet<String> = slow.book().orders.keys().cloned().collect();
    slow.book().failing.clone_from(&all);
    let mut policy = EnginePolicy::default();
    policy.concurrency = 4;
    let engine = engine_with(&[("1", &slow)], policy, |shop| shop);
    engine.tick(&Schedule::default(), at(0)).await;
    slow.book().unlisted = all;
    // The list and two answers fit into a share, so that eight orders are asked for in a round.
    slow.book().answers_after = Some(Duration::from_secs(8));
    let mut asked = BTreeSet::new();
    for round in 1..=6 {
        engine.tick(&Schedule::default(), at(round)).await;
        asked.extend(slow.book().reads.drain(..));
    }
    assert_eq!(asked.len(), 40);
}

#[tokio::test(start_paused = true)]
async fn news_of_a_known_order_that_a_platform_fails_to_show_is_not_given_up() {
    let bazaar = Bazaar::new(&["a"]);
    let engine = engine(&[("1", &bazaar)]);
    engine.sync(&shop("1"), at(0)).await.unwrap();
    bazaar.cancel_there("a");
    bazaar.book().failing.insert("a".into());
    engine.sync(&shop("1"), at(1)).await.unwrap();
    bazaar.book().unlisted.insert("a".into());
    engine.sync(&shop("1"), at(2)).await.unwrap();
    assert_eq!(engine.store().quarantined().await.unwrap().len(), 1);
    bazaar.book().failing.clear();
    engine.sync(&shop("1"), at(3)).await.unwrap();
    let order = engine.store().order(&key("1", "a")).await.unwrap().unwrap();
    assert_eq!(order.state(), OrderState::Cancelled);
    assert_eq!(engine.store().quarantined().await.unwrap(), []);
}
