//! Bulk operations over shops: one answer for each order, and no effect twice.

use orderflow::order::{Actor, CancelReason, OrderState, Priority};
use orderflow::ports::RefundLine;
use orderflow::{LineId, Personal};

use super::bazaar::{Bazaar, engine, key, shop, words};
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
