//! Many shops as one inbox: none waits for another, none harms another, nothing is asked for twice.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use orderflow::engine::{Engine, EnginePolicy, Received, Schedule, TickReport};
use orderflow::order::{Actor, CancelReason, OrderFilter, OrderSort, OrderState, Priority};
use orderflow::ports::OrderQuery;
use orderflow::rules::poll_plan;
use orderflow::store::SqliteStore;
use orderflow::{ErrorKind, ShopId, Sku};

use super::bazaar::{
    Bazaar, SIGNED, engine, engine_on, engine_with, key, notice, request, shop, words,
};
use super::house::at;

#[tokio::test(start_paused = true)]
async fn a_shop_whose_credentials_are_refused_stops_alone_and_says_so() {
    let (locked, open) = (Bazaar::new(&["a"]), Bazaar::new(&["b"]));
    locked.book().locked_out = true;
    let engine = engine(&[("locked", &locked), ("open", &open)]);
    let report = engine.tick(&Schedule::default(), at(0)).await;
    assert_eq!(report.stopped.len(), 1);
    assert_eq!(report.stopped[0].shop, shop("locked"));
    assert!(report.stopped[0].reason.contains("withdrew the consent"));
    assert_eq!(open.book().acknowledged, ["b"]);

    // It is left alone, until its pause is over or a person says so.
    locked.book().locked_out = false;
    let later = at(0) + chrono::TimeDelta::minutes(10);
    let report = engine.tick(&Schedule::default(), later).await;
    assert_eq!((report.stopped.len(), locked.book().lists), (1, 0));
    engine.resume_shop(&shop("locked"));
    let report = engine.tick(&Schedule::default(), later).await;
    assert!(report.stopped.is_empty() && report.errors.is_empty(), "{:?}", report.errors);
    assert_eq!(locked.book().acknowledged, ["a"]);
}

#[tokio::test(start_paused = true)]
async fn a_shop_that_stays_locked_out_is_tried_again_after_its_pause() {
    let locked = Bazaar::new(&["a"]);
    locked.book().locked_out = true;
    let engine = engine(&[("locked", &locked)]);
    engine.tick(&Schedule::default(), at(0)).await;
    let report = engine.tick(&Schedule::default(), at(1)).await;
    assert_eq!((report.stopped[0].since, report.errors.len()), (at(0), 1));
    locked.book().locked_out = false;
    let report = engine.tick(&Schedule::default(), at(2)).await;
    assert!(report.stopped.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_shop_that_may_be_read_and_not_written_to_stops_alone_and_says_so() {
    let (limited, open) = (Bazaar::new(&["a", "b"]), Bazaar::new(&["c"]));
    limited.book().read_only = true;
    let engine = engine(&[("limited", &limited), ("open", &open)]);
    let report = engine.tick(&Schedule::default(), at(0)).await;
    assert_eq!(report.stopped.len(), 1);
    assert_eq!(report.stopped[0].shop, shop("limited"));
    assert!(report.stopped[0].reason.contains("right to write"), "{:?}", report.stopped[0]);
    assert_eq!(open.book().acknowledged, ["c"]);
    // Nothing is lost: once the right is back, both are acknowledged.
    limited.book().read_only = false;
    engine.resume_shop(&shop("limited"));
    let report = engine.tick(&Schedule::default(), at(1)).await;
    assert!(report.stopped.is_empty() && report.errors.is_empty(), "{:?}", report.errors);
    assert_eq!(limited.book().acknowledged, ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn a_slow_shop_keeps_no_other_waiting() {
    let ids: Vec<String> = (0..20).map(|number| format!("o-{number}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let (slow, quick) = (Bazaar::new(&ids), Bazaar::new(&ids));
    let mut policy = EnginePolicy::default();
    policy.shop_share_seconds = 86_400;
    let engine = engine_with(&[("slow", &slow), ("quick", &quick)], policy, |shop| shop);
    for name in ["slow", "quick"] {
        engine.sync(&shop(name), at(0)).await.unwrap();
    }
    slow.book().answers_after = Some(Duration::from_secs(600));
    let schedule = Schedule::default();
    let mut tick = Box::pin(engine.tick(&schedule, at(0)));
    let first = tokio::time::timeout(Duration::from_secs(300), &mut tick).await;
    // The slow shop is still being read; the quick one was read beside it.
    assert!(first.is_err());
    assert_eq!((slow.book().lists, quick.book().lists), (1, 2));
    tick.await;
    assert_eq!((slow.book().acknowledged.len(), quick.book().acknowledged.len()), (20, 20));
}

#[tokio::test(start_paused = true)]
async fn orders_of_a_quick_shop_go_on_while_a_slow_one_answers() {
    let (slow, quick) = (Bazaar::new(&["a", "b", "c"]), Bazaar::new(&["d"]));
    let mut policy = EnginePolicy::default();
    policy.concurrency = 1;
    let engine = engine_with(&[("a-slow", &slow), ("quick", &quick)], policy, |shop| shop);
    for name in ["a-slow", "quick"] {
        engine.sync(&shop(name), at(0)).await.unwrap();
    }
    slow.book().answers_after = Some(Duration::from_secs(600));
    let timed = tokio::time::timeout(Duration::from_secs(1), engine.advance(at(0))).await;
    assert!(timed.is_err());
    assert_eq!(quick.book().acknowledged, ["d"]);
}

#[tokio::test(start_paused = true)]
async fn a_shop_is_read_as_often_as_its_plan_says() {
    let bazaar = Bazaar::new(&["a"]);
    let plan = poll_plan(20, true, true);
    let engine =
        engine_with(&[("1", &bazaar)], EnginePolicy::default(), |shop| shop.with_poll(plan));
    let minutes = |minutes| at(0) + chrono::TimeDelta::minutes(minutes);
    for minute in 0..=30 {
        engine.tick(&Schedule::default(), minutes(minute)).await;
    }
    assert_eq!((plan.every_minutes, bazaar.book().lists), (15, 3));
}

#[tokio::test(start_paused = true)]
async fn a_notification_is_stored_once_and_its_order_read_once() {
    let bazaar = Bazaar::new(&["a", "b"]);
    let engine = engine(&[("1", &bazaar)]);
    let one = shop("1");
    let take = async |text: &str| engine.receive(&one, &request(text, SIGNED), at(0)).await;
    assert_eq!(take("e1:a").await.unwrap(), Received::New);
    assert_eq!(take("e1:a").await.unwrap(), Received::Repeated);
    assert_eq!(take("e2:a").await.unwrap(), Received::New);
    assert!(bazaar.book().reads.is_empty());
    let report = engine.work_inbox(at(0)).await.unwrap();
    assert_eq!((report.done, report.orders_read, report.waiting), (2, 1, 0));
    assert_eq!(bazaar.book().reads, ["a"]);
    // Heard of again after it was worked on: still the same one.
    assert_eq!(take("e1:a").await.unwrap(), Received::Repeated);
    assert_eq!(engine.work_inbox(at(0)).await.unwrap().done, 0);
    let order = engine.store().order(&key("1", "a")).await.unwrap().unwrap();
    assert_eq!(order.state(), OrderState::AwaitingShipment);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_one_shops_notifications_keeps_no_other_shop_waiting() {
    let (flooded, quiet) = (Bazaar::new(&["a"]), Bazaar::new(&["b"]));
    let engine = engine(&[("1", &flooded), ("2", &quiet)]);
    flooded.book().shaky = true;
    for number in 0..2_100 {
        engine.receive(&shop("1"), &request(&format!("e{number}:a"), SIGNED), at(0)).await.unwrap();
    }
    engine.receive(&shop("2"), &request("e1:b", SIGNED), at(0)).await.unwrap();
    let report = engine.work_inbox(at(1)).await.unwrap();
    assert_eq!((report.done, report.waiting), (1, 2_000));
    assert!(engine.store().order(&key("2", "b")).await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn notifications_in_the_wrong_order_end_in_what_the_platform_says_now() {
    let bazaar = Bazaar::new(&["a"]);
    let engine = engine(&[("1", &bazaar)]);
    engine.sync(&shop("1"), at(0)).await.unwrap();
    bazaar.cancel_there("a");
    // The cancellation is told first; the sale, told late, does not undo it.
    for text in ["e2-cancelled:a", "e1-sold:a"] {
        engine.receive(&shop("1"), &request(text, SIGNED), at(1)).await.unwrap();
        engine.work_inbox(at(1)).await.unwrap();
        let order = engine.store().order(&key("1", "a")).await.unwrap().unwrap();
        assert_eq!(order.state(), OrderState::Cancelled);
    }
    let order = engine.store().order(&key("1", "a")).await.unwrap().unwrap();
    engine.sync(&shop("1"), at(2)).await.unwrap();
    let again = engine.store().order(&key("1", "a")).await.unwrap().unwrap();
    assert_eq!(again.version, order.version, "what was heard before brings nothing");
}

// Not in virtual time: that runs on while the store's own thread works.
#[tokio::test]
async fn a_notification_that_was_answered_is_worked_on_after_the_process_died() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("orders.sqlite");
    let bazaar = Bazaar::new(&["a"]);
    let start = || {
        let store = Arc::new(SqliteStore::open(&file).unwrap());
        engine_on(store, &[("1", &bazaar)], EnginePolicy::default(), |shop| shop)
    };
    let first = start();
    first.receive(&shop("1"), &request("e1:a", SIGNED), at(0)).await.unwrap();
    drop(first);
    let second = start();
    let take = second.receive(&shop("1"), &request("e1:a", SIGNED), at(1)).await.unwrap();
    assert_eq!(take, Received::Repeated);
    let report = second.work_inbox(at(1)).await.unwrap();
    assert_eq!((report.done, report.orders_read), (1, 1));
    assert!(second.store().order(&key("1", "a")).await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn push_and_poll_make_the_same_order_of_the_same_news() {
    let bazaar = Bazaar::new(&["a"]);
    let (pushed, polled) = (engine(&[("1", &bazaar)]), engine(&[("1", &bazaar)]));
    for step in 0..2 {
        let text = format!("e{step}:a");
        pushed.receive(&shop("1"), &request(&text, SIGNED), at(step)).await.unwrap();
        pushed.work_inbox(at(step)).await.unwrap();
        polled.sync(&shop("1"), at(step)).await.unwrap();
        let mut orders = Vec::new();
        for engine in [&pushed, &polled] {
            let order = engine.store().order(&key("1", "a")).await.unwrap().unwrap();
            orders.push(serde_json::to_value(order).unwrap());
        }
        assert_eq!(orders[0], orders[1]);
        bazaar.cancel_there("a");
    }
    // Each hears by the other way as well: nothing new.
    let versions = async |engine: &Engine| {
        engine.store().order(&key("1", "a")).await.unwrap().unwrap().version
    };
    let before = (versions(&pushed).await, versions(&polled).await);
    pushed.sync(&shop("1"), at(2)).await.unwrap();
    polled.receive(&shop("1"), &request("e9:a", SIGNED), at(2)).await.unwrap();
    polled.work_inbox(at(2)).await.unwrap();
    assert_eq!((versions(&pushed).await, versions(&polled).await), before);
}

#[tokio::test(start_paused = true)]
async fn a_shop_catches_up_from_where_it_stopped_and_a_window_on_demand_moves_nothing() {
    let bazaar = Bazaar::new(&["a"]);
    let engine = engine(&[("1", &bazaar)]);
    engine.sync(&shop("1"), at(0)).await.unwrap();
    // The last twelve hours, on demand.
    let report = engine.fetch_window(&shop("1"), at(-12), at(0), at(1)).await.unwrap();
    assert_eq!((report.seen, report.unchanged), (1, 1));
    // Three days later the time between is read, with ten minutes of overlap.
    engine.sync(&shop("1"), at(72)).await.unwrap();
    let asked = bazaar.book().asked.clone();
    assert_eq!(asked[1], OrderQuery::Created { from: at(-12), to: at(0) });
    let (OrderQuery::Updated { to: end, .. }, OrderQuery::Updated { from, to }) =
        (&asked[0], &asked[2])
    else {
        panic!("{asked:?}")
    };
    assert_eq!(*from, *end - chrono::TimeDelta::minutes(10));
    assert!(*to > at(71) && *to <= at(72), "{to}");
}

#[tokio::test(start_paused = true)]
async fn a_filter_looks_through_the_orders_of_all_shops_at_once() {
    let (one, two) = (Bazaar::new(&["a", "b"]), Bazaar::new(&["c"]));
    let engine = engine(&[("one", &one), ("two", &two)]);
    for name in ["one", "two"] {
        engine.sync(&shop(name), at(0)).await.unwrap();
    }
    one.cancel_there("b");
    engine.sync(&shop("one"), at(1)).await.unwrap();
    let find = async |filter: OrderFilter| {
        let found = engine.find_orders(&filter, OrderSort::Placed, at(1), 10).await.unwrap();
        let mut ids: Vec<_> = found.into_iter().map(|order| order.key.order.to_string()).collect();
        ids.sort();
        ids
    };
    assert_eq!(find(OrderFilter::default()).await, ["a", "b", "c"]);
    let open = OrderFilter { states: vec![OrderState::AwaitingShipment], ..OrderFilter::default() };
    assert_eq!(find(open.clone()).await, ["a", "c"]);
    let of_two = OrderFilter { shops: vec![ShopId::from_static("two")], ..open };
    assert_eq!(find(of_two).await, ["c"]);
}

#[tokio::test(start_paused = true)]
async fn a_notification_without_the_right_signature_leaves_no_trace() {
    let bazaar = Bazaar::new(&["a"]);
    let engine = engine(&[("1", &bazaar)]);
    let forged = engine.receive(&shop("1"), &request("e1:a", &[]), at(0)).await.unwrap_err();
    assert_eq!(forged.kind(), ErrorKind::AuthRejected);
    assert!(engine.store().pending(&shop("1"), 10).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_notice_that_cannot_be_worked_on_now_stays_and_one_that_never_can_is_kept_aside() {
    let bazaar = Bazaar::new(&["a"]);
    let engine = engine(&[("1", &bazaar)]);
    for text in ["e1:a", "e2:gone"] {
        engine.receive(&shop("1"), &request(text, SIGNED), at(0)).await.unwrap();
    }
    bazaar.book().shaky = true;
    let report = engine.work_inbox(at(0)).await.unwrap();
    assert_eq!((report.done, report.waiting), (0, 2));
    bazaar.book().shaky = false;
    let report = engine.work_inbox(at(1)).await.unwrap();
    assert_eq!((report.done, report.waiting, report.errors.len()), (2, 0, 1));
    let aside = engine.store().quarantined().await.unwrap();
    assert_eq!(aside[0].order.as_ref().unwrap().as_str(), "gone");
}

#[tokio::test(start_paused = true)]
async fn a_notice_that_names_no_order_makes_the_shop_be_read() {
    let bazaar = Bazaar::new(&["a"]);
    let engine = engine(&[("1", &bazaar)]);
    engine.receive(&shop("1"), &request("e1:", SIGNED), at(0)).await.unwrap();
    assert_eq!(engine.work_inbox(at(0)).await.unwrap().done, 1);
    assert!(engine.store().order(&key("1", "a")).await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn missed_notifications_come_in_through_the_same_door() {
    let bazaar = Bazaar::new(&[]);
    let engine = engine(&[("1", &bazaar)]);
    bazaar.sell("late");
    bazaar.book().unlisted.insert("late".into());
    bazaar.book().missed = vec![notice("e9:late")];
    engine.tick(&Schedule::default(), at(0)).await;
    engine.tick(&Schedule::default(), at(1)).await;
    assert!(engine.store().order(&key("1", "late")).await.unwrap().is_some());
    assert_eq!(bazaar.book().reads, ["late"]);
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_that_no_list_shows_is_found_by_reading_open_orders_again() {
    let bazaar = Bazaar::forgetful(&["a", "b"]);
    let engine = engine(&[("1", &bazaar)]);
    engine.tick(&Schedule::default(), at(0)).await;
    bazaar.cancel_there("a");
    engine.tick(&Schedule::default(), at(1)).await;
    let state = async |id| engine.store().order(&key("1", id)).await.unwrap().unwrap().state();
    assert_eq!(state("a").await, OrderState::Cancelled);
    assert_eq!(state("b").await, OrderState::AwaitingShipment);
    let reads = bazaar.book().reads.len();
    // Closed orders are not read for ever.
    engine.tick(&Schedule::default(), at(2)).await;
    assert_eq!(bazaar.book().reads.len(), reads + 1);
}

#[tokio::test(start_paused = true)]
async fn the_daily_comparison_names_what_is_missing_extra_and_unlike_and_mends_it() {
    let bazaar = Bazaar::new(&["same", "changed", "gone"]);
    let engine = engine(&[("1", &bazaar)]);
    engine.sync(&shop("1"), at(0)).await.unwrap();
    bazaar.sell("new");
    bazaar.cancel_there("changed");
    bazaar.book().orders.remove("gone");
    let found = engine.compare_shop(&shop("1"), at(-24), at(1), at(1)).await.unwrap();
    assert_eq!(found.missing, [key("1", "new")]);
    assert_eq!(found.extra, [key("1", "gone")]);
    assert_eq!(found.mismatched, [key("1", "changed")]);
    assert_eq!((found.compared, found.unreadable.len(), found.errors.len()), (2, 0, 0));
    let again = engine.compare_shop(&shop("1"), at(-24), at(1), at(2)).await.unwrap();
    assert!(again.missing.is_empty() && again.mismatched.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_running_engine_compares_every_shop_once_a_day_beside_its_ticks() {
    let (bazaar, hanging) = (Bazaar::new(&["same", "gone"]), Bazaar::new(&["lost"]));
    let engine = engine(&[("1", &bazaar), ("2", &hanging)]);
    for name in ["1", "2"] {
        engine.sync(&shop(name), at(0)).await.unwrap();
    }
    bazaar.book().orders.remove("gone");
    hanging.book().unlisted.insert("lost".into());
    hanging.book().hangs.insert("get");
    let begun = tokio::time::Instant::now();
    let clock = move || at(0) + TimeDelta::from_std(begun.elapsed()).unwrap();
    let schedule = Schedule::default().with_every(Duration::from_secs(3_600));
    let shutdown = tokio::time::sleep(Duration::from_secs(50 * 3_600));
    let (mut ticks, mut told) = (0, Vec::new());
    let report = |tick: TickReport| {
        ticks += 1;
        told.extend(tick.compared.into_iter().map(|(shop, found)| {
            (begun.elapsed().as_secs() / 3_600, shop, found.extra, found.errors.len())
        }));
    };
    engine.run(&schedule, shutdown, clock, report).await.unwrap();
    assert!(ticks >= 49, "{ticks}");
    let days: Vec<_> = told.iter().map(|(hour, shop, ..)| (hour / 24, shop.clone())).collect();
    let expected = [0, 1, 2].map(|day| [(day, shop("1")), (day, shop("2"))]).concat();
    assert_eq!(days, expected, "{told:?}");
    for (_, which, extra, errors) in told {
        let gone = if which == shop("1") { vec![key("1", "gone")] } else { vec![] };
        // Whether an order is extra is not known where the platform does not answer.
        assert_eq!((extra, errors), (gone, usize::from(which == shop("2"))));
    }
    let never = schedule.with_comparison(None, 7);
    assert!(engine.compare_due(&never, at(500)).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_daily_comparison_shows_which_orders_could_not_be_read_and_why() {
    let bazaar = Bazaar::new(&["good", "failing", "odd"]);
    let engine = engine(&[("1", &bazaar)]);
    {
        let mut book = bazaar.book();
        book.failing.insert("failing".into());
        book.orders.get_mut("odd").unwrap().lines.clear();
    }
    let found = engine.compare_shop(&shop("1"), at(-24), at(1), at(1)).await.unwrap();
    let shown: Vec<_> = found
        .unreadable
        .iter()
        .map(|bad| (bad.id.as_ref().unwrap().as_str(), bad.reason.as_str()))
        .collect();
    assert_eq!(shown, [("failing", "503"), ("odd", "lines: the order has no goods")]);
    assert_eq!(found.missing, [key("1", "good")]);
    assert_eq!(engine.store().quarantined().await.unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn every_order_that_a_notification_names_in_vain_is_kept_with_its_name() {
    let bazaar = Bazaar::new(&[]);
    let engine = engine(&[("1", &bazaar)]);
    for body in ["e1:x", "e2:y"] {
        engine.receive(&shop("1"), &request(body, SIGNED), at(0)).await.unwrap();
    }
    engine.work_inbox(at(0)).await.unwrap();
    let kept = engine.store().quarantined().await.unwrap();
    let named: std::collections::BTreeSet<_> =
        kept.into_iter().map(|entry| entry.order.unwrap().to_string()).collect();
    assert_eq!(named, std::collections::BTreeSet::from(["x".to_owned(), "y".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn a_sale_in_one_shop_is_told_to_every_shop_that_offers_the_goods() {
    let (one, two, silent) = (Bazaar::new(&["a"]), Bazaar::new(&[]), Bazaar::new(&[]));
    let sku = Sku::from_static("SKU-1");
    let engine = engine_with(
        &[("one", &one), ("two", &two), ("silent", &silent)],
        EnginePolicy::default(),
        |known| match known.key.shop.as_str() {
            "silent" => known,
            _ => known.with_offers([(sku.clone(), None)]),
        },
    );
    // After a start every level is told.
    engine.push_stock(at(0)).await.unwrap();
    assert_eq!(two.book().levels, [(sku.clone(), 100)]);
    engine.tick(&Schedule::default(), at(0)).await;
    assert_eq!(two.book().levels.last(), Some(&(sku.clone(), 98)));
    assert_eq!(one.book().levels.last(), Some(&(sku.clone(), 98)));
    // Nothing moved: nothing is told.
    let told = engine.push_stock(at(1)).await.unwrap().told;
    assert_eq!((told, silent.book().levels.len()), (0, 0));

    // What a shop does not take is told again; cancelling gives the units back.
    two.book().refuses_stock = true;
    let outcomes = engine.cancel_orders(&[key("one", "a")], &CancelReason::OutOfStock, at(1)).await;
    assert_eq!(words(&outcomes), ["done"]);
    let report = engine.tick(&Schedule::default(), at(2)).await;
    assert_eq!(report.channels.failed.len(), 1);
    assert_eq!(one.book().levels.last(), Some(&(sku.clone(), 100)));
    two.book().refuses_stock = false;
    engine.tick(&Schedule::default(), at(3)).await;
    assert_eq!(two.book().levels.last(), Some(&(sku, 100)));
}

#[tokio::test(start_paused = true)]
async fn a_platforms_figures_are_kept_and_stand_beside_ours() {
    let bazaar = Bazaar::new(&["a", "b"]);
    let engine = engine(&[("1", &bazaar)]);
    engine.sync(&shop("1"), at(0)).await.unwrap();
    engine.cancel_orders(&[key("1", "a")], &CancelReason::OutOfStock, at(1)).await;
    engine.read_figures(&shop("1"), at(2)).await.unwrap();
    assert_eq!(engine.store().figures(&shop("1"), at(0)).await.unwrap().len(), 1);
    let checks = engine.compare_figures(&shop("1"), at(24)).await.unwrap();
    assert_eq!(checks.len(), 1);
    assert!(checks[0].agrees, "{:?}", checks[0]);
}

#[tokio::test(start_paused = true)]
async fn every_call_over_many_shops_can_be_spawned() {
    let bazaar = Bazaar::new(&["a", "b"]);
    let engine = engine(&[("1", &bazaar)]);
    let told = tokio::spawn(async move {
        let one = shop("1");
        engine.receive(&one, &request("e1:a", SIGNED), at(0)).await.unwrap();
        engine.work_inbox(at(0)).await.unwrap();
        engine.collect_missed(&one, at(0)).await.unwrap();
        engine.compare_shop(&one, at(-24), at(0), at(0)).await.unwrap();
        engine.read_open_again(&one, at(0)).await.unwrap();
        engine.push_stock(at(0)).await.unwrap();
        let all = [key("1", "a"), key("1", "b")];
        engine.acknowledge_orders(&all, at(0)).await;
        engine.set_priority(&all, Priority::High, &Actor::System, at(0)).await;
        engine.contact_buyers(&[(key("1", "a"), "hello".to_owned().into())], at(0)).await;
        engine.cancel_orders(&all[..1], &CancelReason::OutOfStock, at(0)).await;
        engine.refund_orders(&[(key("1", "b"), Vec::new())], at(0)).await;
        engine.read_figures(&one, at(0)).await.unwrap();
        engine.compare_figures(&one, at(0)).await.unwrap().len()
    });
    assert_eq!(told.await.unwrap(), 1);
}
