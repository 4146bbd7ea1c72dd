//! Bulk operations over shops: one answer for each order, and no effect twice.

use std::sync::Arc;

use orderflow::engine::{EnginePolicy, ItemOutcome, Schedule};
use orderflow::order::{Actor, CancelReason, OrderState, Priority, UnitGroup, UnitStatus};
use orderflow::ports::{RefundLine, Stock};
use orderflow::store::{MemoryStock, MemoryStore, SqliteStore};
use orderflow::{Currency, ErrorKind, LineId, Money, Personal, Sku, WarehouseId};

use super::bazaar::{Bazaar, SIGNED, builder_over, engine, engine_on, key, request, shop, words};
use super::house::at;
use super::support::usd;

#[tokio::test(start_paused = true)]
async fn bulk_operations_answer_for_each_order_across_shops() {
    let (one, two) = (Bazaar::new(&["a"]), Bazaar::new(&["b", "c"]));
    let engine = engine(&[("one", &one), ("two", &two)]);
    for name in ["one", "two"] {
        engine.sync(&shop(name), at(0)).await.unwrap();
    }
    let all = [key("two", "b"), key("one", "a"), key("two", "nowhere"), key("two", "c")];
    let outcomes = engine.acknowledge_orders(&all, at(0)).await;
    assert_eq!(words(&outcomes), ["done", "done", "failed", "done"]);
    let again = engine.acknowledge_orders(&all[..2], at(0)).await;
    assert_eq!(words(&again), ["skipped", "skipped"]);

    let actor = Actor::Person("ana".into());
    let outcomes = engine.set_priority(&all, Priority::Urgent, &actor, at(0)).await;
    assert_eq!(words(&outcomes), ["done", "done", "failed", "done"]);
    let order = engine.store().order(&all[0]).await.unwrap().unwrap();
    assert_eq!(order.priority, Priority::Urgent);

    let texts: Vec<_> =
        all.iter().map(|key| (key.clone(), Personal::new("sorry".into()))).collect();
    let outcomes = engine.contact_buyers(&texts, at(0)).await;
    assert_eq!(words(&outcomes), ["done", "done", "failed", "done"]);
    let again = engine.contact_buyers(&texts[..2], at(1)).await;
    assert_eq!(words(&again), ["skipped", "skipped"]);
    assert_eq!((one.book().messages.len(), two.book().messages.len()), (1, 2));

    let reason = CancelReason::OutOfStock;
    let outcomes = engine.cancel_orders(&all, &reason, at(1)).await;
    assert_eq!(words(&outcomes), ["done", "done", "failed", "done"]);
    let again = engine.cancel_orders(&all[..1], &reason, at(2)).await;
    assert_eq!((words(&again), two.book().cancelled.len()), (vec!["skipped"], 2));
    let order = engine.store().order(&all[0]).await.unwrap().unwrap();
    assert_eq!(order.state(), OrderState::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn money_that_may_have_gone_is_not_sent_again() {
    let bazaar = Bazaar::new(&["a"]);
    let engine = engine(&[("1", &bazaar)]);
    engine.sync(&shop("1"), at(0)).await.unwrap();
    bazaar.book().loses_answers = true;
    let line = RefundLine {
        line: LineId::from_static("1"),
        amount: Some(usd(500)),
        tax: None,
        reason: "damaged".into(),
        comment: None,
    };
    let refund = [(key("1", "a"), vec![line])];
    assert_eq!(words(&engine.refund_orders(&refund, at(0)).await), ["ambiguous"]);
    assert_eq!(words(&engine.refund_orders(&refund, at(0)).await), ["ambiguous"]);
    engine.work_outbox(at(1)).await.unwrap();
    assert_eq!(words(&engine.refund_orders(&refund, at(2)).await), ["skipped"]);
    assert_eq!(bazaar.book().refunds, 1);
    // A person hears of it.
    let order = engine.store().order(&key("1", "a")).await.unwrap().unwrap();
    assert!(order.incidents.iter().any(|incident| incident.detail.contains("refund")));
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_whose_answer_was_lost_is_finished_by_the_outbox() {
    let bazaar = Bazaar::new(&["a"]);
    let engine = engine(&[("1", &bazaar)]);
    engine.sync(&shop("1"), at(0)).await.unwrap();
    bazaar.book().loses_answers = true;
    let outcomes = engine.cancel_orders(&[key("1", "a")], &CancelReason::OutOfStock, at(0)).await;
    assert_eq!(words(&outcomes), ["ambiguous"]);
    bazaar.book().loses_answers = false;
    engine.work_outbox(at(1)).await.unwrap();
    assert!(engine.store().unsettled().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_waits_in_the_outbox_while_the_credentials_are_refused() {
    let bazaar = Bazaar::new(&["a"]);
    let engine = engine(&[("1", &bazaar)]);
    engine.sync(&shop("1"), at(0)).await.unwrap();
    bazaar.book().loses_answers = true;
    engine.cancel_orders(&[key("1", "a")], &CancelReason::OutOfStock, at(0)).await;
    (bazaar.book().loses_answers, bazaar.book().read_only) = (false, true);
    let report = engine.work_outbox(at(1)).await.unwrap();
    assert_eq!((report.waiting, engine.stopped_shops().len()), (1, 1));
    assert_eq!(engine.store().unsettled().await.unwrap().len(), 1);
    bazaar.book().read_only = false;
    engine.work_outbox(at(2)).await.unwrap();
    assert!(engine.store().unsettled().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn refunds_of_many_shops_are_answered_one_by_one() {
    let (one, two) = (Bazaar::new(&["a"]), Bazaar::new(&["b"]));
    let engine = engine(&[("one", &one), ("two", &two)]);
    for name in ["one", "two"] {
        engine.sync(&shop(name), at(0)).await.unwrap();
    }
    two.book().loses_answers = true;
    let line = RefundLine {
        line: LineId::from_static("1"),
        amount: Some(usd(500)),
        tax: None,
        reason: "damaged".into(),
        comment: None,
    };
    let wanted = [key("two", "b"), key("one", "a"), key("one", "nowhere"), key("nobody", "a")]
        .map(|key| (key, vec![line.clone()]));
    let outcomes = engine.refund_orders(&wanted, at(0)).await;
    assert_eq!(words(&outcomes), ["ambiguous", "done", "failed", "failed"]);
    assert_eq!((one.book().refunds, two.book().refunds), (1, 1));
}

fn of_line(line: &str, cents: i64) -> RefundLine {
    RefundLine {
        line: LineId::new(line).unwrap(),
        amount: Some(usd(cents)),
        tax: None,
        reason: "damaged".into(),
        comment: None,
    }
}

#[tokio::test(start_paused = true)]
async fn an_item_that_is_twice_in_a_call_is_sent_once() {
    let bazaar = Bazaar::new(&["a"]);
    let engine = engine(&[("1", &bazaar)]);
    engine.sync(&shop("1"), at(0)).await.unwrap();
    let refund = (key("1", "a"), vec![of_line("1", 500)]);
    let outcomes = engine.refund_orders(&[refund.clone(), refund], at(0)).await;
    assert_eq!((words(&outcomes), bazaar.book().refunds), (vec!["done", "skipped"], 1));
    let text = (key("1", "a"), Personal::new("sorry".to_owned()));
    let outcomes = engine.contact_buyers(&[text.clone(), text], at(0)).await;
    assert_eq!((words(&outcomes), bazaar.book().messages.len()), (vec!["done", "skipped"], 1));
    let both = [key("1", "a"), key("1", "a")];
    let outcomes = engine.cancel_orders(&both, &CancelReason::OutOfStock, at(0)).await;
    assert_eq!((words(&outcomes), bazaar.book().cancelled.len()), (vec!["done", "skipped"], 1));
}

#[tokio::test]
async fn two_engines_on_one_file_send_the_same_refund_once() {
    let folder = tempfile::tempdir().unwrap();
    let bazaar = Bazaar::new(&["a"]);
    bazaar.book().answers_after = Some(std::time::Duration::from_millis(20));
    let on_file = || {
        let store = SqliteStore::open(folder.path().join("orders.sqlite")).unwrap();
        engine_on(Arc::new(store), &[("1", &bazaar)], EnginePolicy::default(), |shop| shop)
    };
    let (one, two) = (on_file(), on_file());
    one.sync(&shop("1"), at(0)).await.unwrap();
    let refund = [(key("1", "a"), vec![of_line("1", 500)])];
    let (a, b, c) = tokio::join!(
        one.refund_orders(&refund, at(0)),
        two.refund_orders(&refund, at(0)),
        one.refund_orders(&refund, at(0)),
    );
    assert_eq!(bazaar.book().refunds, 1);
    let mut all = [words(&a), words(&b), words(&c)].concat();
    all.sort_unstable();
    assert_eq!(all.iter().filter(|word| **word == "done").count(), 1, "{all:?}");
    assert!(!all.contains(&"failed"), "{all:?}");
    assert_eq!(words(&two.refund_orders(&refund, at(1)).await), ["skipped"]);
}

#[tokio::test(start_paused = true)]
async fn a_refund_that_cannot_be_right_is_not_sent_and_names_its_field() {
    let bazaar = Bazaar::new(&["a"]);
    let engine = engine(&[("1", &bazaar)]);
    engine.sync(&shop("1"), at(0)).await.unwrap();
    let euro = RefundLine {
        amount: Some(Money::from_minor(500, Currency::new("EUR").unwrap())),
        ..of_line("1", 0)
    };
    let cases = [
        (vec![], "lines"),
        (vec![of_line("9", 500)], "lines[0].line"),
        (vec![of_line("1", 500), of_line("1", 400)], "lines[1].line"),
        (vec![euro], "lines[0].amount"),
        (vec![of_line("1", -500)], "lines[0].amount"),
        (vec![of_line("1", 0)], "lines[0].amount"),
        (vec![of_line("1", 100_000_000)], "lines[0].amount"),
        (vec![RefundLine { tax: Some(usd(-1)), ..of_line("1", 500) }], "lines[0].tax"),
    ];
    for (lines, field) in cases {
        let outcome = engine.refund_orders(&[(key("1", "a"), lines)], at(0)).await.remove(0);
        let ItemOutcome::Failed(error) = outcome else { panic!("{field}: {outcome:?}") };
        assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some(field)));
    }
    let empty = [(key("1", "a"), Personal::new("  ".to_owned()))];
    assert_eq!(words(&engine.contact_buyers(&empty, at(0)).await), ["failed"]);
    let book = bazaar.book();
    assert_eq!((book.refunds, book.messages.len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn what_was_refunded_is_written_down_and_no_more_than_is_left_goes_back() {
    let bazaar = Bazaar::new(&["a"]);
    let engine = engine(&[("1", &bazaar)]);
    engine.sync(&shop("1"), at(0)).await.unwrap();
    let refund = |cents| [(key("1", "a"), vec![of_line("1", cents)])];
    assert_eq!(words(&engine.refund_orders(&refund(500), at(0)).await), ["done"]);
    let order = engine.store().order(&key("1", "a")).await.unwrap().unwrap();
    assert_eq!(order.lines[0].refunded, Some(usd(500)));
    let wholly = RefundLine { amount: None, ..of_line("1", 0) };
    let outcomes = engine.refund_orders(&[(key("1", "a"), vec![wholly])], at(0)).await;
    assert_eq!(words(&outcomes), ["done"]);
    assert_eq!(words(&engine.refund_orders(&refund(1), at(0)).await), ["failed"]);
    assert_eq!(bazaar.book().refunds, 2);
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_that_the_platform_took_holds_the_order_until_it_is_seen() {
    let bazaar = Bazaar::new(&["a"]);
    let engine = engine(&[("1", &bazaar)]);
    engine.sync(&shop("1"), at(0)).await.unwrap();
    bazaar.book().cancels_late = true;
    let outcomes = engine.cancel_orders(&[key("1", "a")], &CancelReason::OutOfStock, at(0)).await;
    assert_eq!(words(&outcomes), ["done"]);
    engine.tick(&Schedule::default(), at(1)).await;
    let order = engine.store().order(&key("1", "a")).await.unwrap().unwrap();
    assert_ne!(order.state(), OrderState::Cancelled);
    assert!(order.is_held(at(1)), "nothing ships while the cancellation is under way");
    bazaar.cancel_there("a");
    engine.read_open_again(&shop("1"), at(2)).await.unwrap();
    let order = engine.store().order(&key("1", "a")).await.unwrap().unwrap();
    assert_eq!((order.state(), order.is_held(at(2))), (OrderState::Cancelled, false));
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_that_the_platform_refuses_leaves_no_hold_and_may_be_asked_for_again() {
    let bazaar = Bazaar::new(&["a"]);
    let engine = engine(&[("1", &bazaar)]);
    engine.sync(&shop("1"), at(0)).await.unwrap();
    bazaar.book().read_only = true;
    let all = [key("1", "a")];
    assert_eq!(
        words(&engine.cancel_orders(&all, &CancelReason::OutOfStock, at(0)).await),
        ["failed"]
    );
    let order = engine.store().order(&all[0]).await.unwrap().unwrap();
    assert!(!order.is_held(at(0)));
    bazaar.book().read_only = false;
    assert_eq!(
        words(&engine.cancel_orders(&all, &CancelReason::OutOfStock, at(1)).await),
        ["done"]
    );
    assert_eq!(bazaar.book().cancelled.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_item_whose_shop_hangs_or_panics_is_ambiguous_under_its_key() {
    for broken in ["hangs", "panics"] {
        let bazaar = Bazaar::new(&["a"]);
        let engine = engine(&[("1", &bazaar)]);
        engine.sync(&shop("1"), at(0)).await.unwrap();
        match broken {
            "hangs" => bazaar.book().hangs.insert("refund"),
            _ => bazaar.book().panics.insert("refund"),
        };
        let refund = [(key("1", "a"), vec![of_line("1", 500)])];
        let outcome = engine.refund_orders(&refund, at(0)).await.remove(0);
        let ItemOutcome::Ambiguous(intent) = outcome else { panic!("{broken}: {outcome:?}") };
        assert!(engine.store().intent(&intent).await.unwrap().is_some());
        assert_eq!(words(&engine.refund_orders(&refund, at(0)).await), ["ambiguous"]);
        assert_eq!(bazaar.book().refunds, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_set_aside_for_an_order_is_what_it_still_has_to_ship() {
    let sku = [Sku::from_static("SKU-1")];
    for (ordered, shipped, cancelled) in
        [(3, 0, 1), (3, 0, 2), (3, 0, 3), (3, 1, 1), (3, 1, 2), (5, 2, 2), (2, 2, 0), (1, 0, 1)]
    {
        let main = WarehouseId::from_static("main");
        let stock = Arc::new(MemoryStock::new().with(main.clone(), sku[0].clone(), 10));
        let bazaar = Bazaar::new(&["a"]);
        let show = |units: Vec<UnitGroup>, hour| {
            let mut book = bazaar.book();
            let order = book.orders.get_mut("a").unwrap();
            order.lines[0].quantity = ordered;
            order.lines[0].units = units;
            order.updated_at = Some(at(hour));
        };
        let engine = builder_over(
            Arc::new(MemoryStore::new()),
            Arc::clone(&stock),
            &[("1", &bazaar)],
            EnginePolicy::default(),
            |shop| shop,
        )
        .build()
        .unwrap();
        let new = |units| UnitGroup::new(UnitStatus::New, units);
        let left = UnitGroup::shipped(shipped.max(1), "123456789012".parse().unwrap());
        let gone = UnitGroup::new(UnitStatus::Cancelled, cancelled);
        let parts = |groups: Vec<UnitGroup>| groups.into_iter().filter(|g| g.units > 0).collect();
        show(vec![new(ordered)], 0);
        for hour in [0, 1] {
            engine.tick(&Schedule::default(), at(hour)).await;
        }
        if shipped > 0 {
            show(parts(vec![left.clone(), new(ordered - shipped)]), 1);
            engine.tick(&Schedule::default(), at(2)).await;
        }
        let mut groups = vec![gone, new(ordered - shipped - cancelled)];
        groups.extend((shipped > 0).then_some(left));
        show(parts(groups), 2);
        for hour in [3, 4] {
            engine.tick(&Schedule::default(), at(hour)).await;
        }
        let on_hand = stock.on_hand(&main, &sku[0]);
        let free = stock.view(&sku, None).await.unwrap().total(&sku[0]);
        let case = format!("{ordered} ordered, {shipped} shipped, {cancelled} cancelled");
        assert_eq!(on_hand, 10 - shipped, "{case}");
        assert_eq!(on_hand - free, ordered - shipped - cancelled, "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_over_a_notification_is_an_error_of_that_notification() {
    let bazaar = Bazaar::new(&["a"]);
    let engine = engine(&[("1", &bazaar)]);
    let refused = engine.receive(&shop("1"), &request("bomb", SIGNED), at(0)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Ambiguous);
    assert!(engine.receive(&shop("1"), &request("e1:a", SIGNED), at(0)).await.is_ok());
}
