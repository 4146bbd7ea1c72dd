//! What buyers ask for after the sale reaches the one list, the figures and the holds.

use std::time::Duration;

use chrono::TimeDelta;
use orderflow::engine::{Schedule, StraightOptions, TickReport};
use orderflow::order::{
    Action, Actor, AfterSaleCase, CancelRequest, CaseKind, ExceptionKind, TimeRange,
};
use orderflow::ports::RefundLine;
use orderflow::rules::kpi::{DenominatorMode, KpiId, KpiQuery, KpiTargets, OrderExtras, Window};
use orderflow::sandbox::Faults;
use orderflow::sandbox::walmart::SandboxReturn;
use orderflow::{ErrorKind, PlatformOrderId};
use rust_decimal::Decimal;

use super::bazaar::{Bazaar, engine, key, shop, words};
use super::house::{at, house};

fn case(id: &str, order: &str, kind: CaseKind, changed: i64) -> AfterSaleCase {
    AfterSaleCase {
        id: id.into(),
        kind,
        order: Some(PlatformOrderId::new(order).unwrap()),
        lines: Vec::new(),
        status: "opened".into(),
        open: true,
        reason: Some("PDD9939".into()),
        amount: None,
        opened_at: Some(at(-1)),
        updated_at: Some(at(changed)),
        respond_by: None,
        actions: Vec::new(),
    }
}

/// What is open about an order: kinds and their words.
async fn open(engine: &orderflow::engine::Engine, now: i64) -> Vec<(ExceptionKind, String)> {
    let items = engine.exceptions(at(now)).await.unwrap();
    items.into_iter().map(|item| (item.kind, item.detail)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_complaint_stands_in_the_list_until_it_is_closed_and_counts_for_good() {
    let bazaar = Bazaar::new(&["calm", "angry"]);
    let engine = engine(&[("1", &bazaar)]);
    engine.sync(&shop("1"), at(0)).await.unwrap();
    let until = at(30);
    bazaar.book().cases =
        vec![AfterSaleCase { respond_by: Some(until), ..case("c1", "angry", CaseKind::Claim, 0) }];
    let report = engine.read_cases(&shop("1"), at(-24), at(1), at(1)).await.unwrap();
    assert_eq!((report.read, report.changed, report.unmatched.len()), (1, 1, 0));
    let again = engine.read_cases(&shop("1"), at(-24), at(1), at(2)).await.unwrap();
    assert_eq!((again.read, again.changed), (1, 0), "nothing new is written");
    let items = engine.exceptions(at(2)).await.unwrap();
    let complaint =
        items.iter().find(|item| item.kind == ExceptionKind::ComplaintOpened).expect("in the list");
    assert_eq!((complaint.order.clone(), complaint.due_at), (key("1", "angry"), Some(until)));
    assert_eq!(complaint.detail, format!("claim c1: opened, answer by {until}"));

    // It becomes a dispute, the order is cancelled, and the complaint stays in the list.
    bazaar.book().cases = vec![case("c1", "angry", CaseKind::Dispute, 2)];
    bazaar.cancel_there("angry");
    engine.sync(&shop("1"), at(3)).await.unwrap();
    engine.read_cases(&shop("1"), at(1), at(3), at(3)).await.unwrap();
    let told = open(&engine, 3).await;
    let dispute = (ExceptionKind::ComplaintOpened, "dispute c1: opened".to_owned());
    assert!(told.contains(&dispute), "{told:?}");

    let mut closed = case("c1", "angry", CaseKind::Dispute, 4);
    (closed.open, closed.status) = (false, "closed".into());
    bazaar.book().cases = vec![closed];
    engine.read_cases(&shop("1"), at(3), at(5), at(5)).await.unwrap();
    let told = open(&engine, 5).await;
    assert!(told.iter().all(|(kind, _)| *kind != ExceptionKind::ComplaintOpened), "{told:?}");

    let placed = TimeRange { from: Some(at(-24)), to: Some(at(24)) };
    let facts = engine.order_facts(placed, at(24), |_| OrderExtras::default()).await.unwrap();
    let counters = KpiQuery::new(Window::new(at(-24), at(24)), at(24))
        .with_kpis([KpiId::Complaint, KpiId::Dispute])
        .count(&facts)
        .unwrap();
    for kpi in [KpiId::Complaint, KpiId::Dispute] {
        let rate = counters.total(kpi, DenominatorMode::Decided, &KpiTargets::default());
        let value = rate.value.map(|value| value.to_string());
        assert_eq!(value.as_deref(), Some("50.00 %"), "{kpi:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_return_is_in_the_list_only_while_the_platform_waits_for_the_seller() {
    let bazaar = Bazaar::new(&["a"]);
    let engine = engine(&[("1", &bazaar)]);
    engine.sync(&shop("1"), at(0)).await.unwrap();
    let mut asked = case("r1", "a", CaseKind::Return, 0);
    asked.actions = vec!["SELLER_RESPOND_RETURN".into()];
    bazaar.book().cases = vec![asked.clone()];
    engine.read_cases(&shop("1"), at(-1), at(1), at(1)).await.unwrap();
    let waits = (ExceptionKind::ComplaintOpened, "return r1: opened".to_owned());
    assert!(open(&engine, 1).await.contains(&waits));
    (asked.actions, asked.updated_at) = (Vec::new(), Some(at(1)));
    bazaar.book().cases = vec![asked];
    engine.read_cases(&shop("1"), at(1), at(2), at(2)).await.unwrap();
    assert!(!open(&engine, 2).await.contains(&waits));
    let facts = engine.store().order(&key("1", "a")).await.unwrap().unwrap();
    assert_eq!(facts.cases[0].complained_at, None, "a return is no complaint");
}

#[tokio::test(start_paused = true)]
async fn a_wish_to_cancel_that_only_a_case_shows_holds_its_order_until_the_case_is_closed() {
    let bazaar = Bazaar::new(&["a"]);
    let engine = engine(&[("1", &bazaar)]);
    engine.sync(&shop("1"), at(0)).await.unwrap();
    bazaar.book().cases = vec![case("w1", "a", CaseKind::Cancellation, 0)];
    engine.read_cases(&shop("1"), at(-1), at(1), at(1)).await.unwrap();
    let held = engine.store().order(&key("1", "a")).await.unwrap().unwrap();
    assert!(held.is_held(at(1)) && held.cancel_request.is_some());
    // The order itself never says so, whatever else is new about it.
    bazaar.book().orders.get_mut("a").unwrap().updated_at = Some(at(1));
    bazaar.book().orders.get_mut("a").unwrap().note = Some("please".to_owned().into());
    engine.refresh(&key("1", "a"), at(2)).await.unwrap();
    let held = engine.store().order(&key("1", "a")).await.unwrap().unwrap();
    assert!(held.note.is_some() && held.is_held(at(2)));
    let mut closed = case("w1", "a", CaseKind::Cancellation, 2);
    closed.open = false;
    bazaar.book().cases = vec![closed];
    engine.read_cases(&shop("1"), at(1), at(3), at(3)).await.unwrap();
    let free = engine.store().order(&key("1", "a")).await.unwrap().unwrap();
    assert!(!free.is_held(at(3)) && free.cancel_request.is_none());
    assert!(free.incidents.iter().all(|incident| incident.resolved_at.is_some()));
}

#[tokio::test(start_paused = true)]
async fn an_old_case_that_is_over_ends_no_wish_that_the_order_shows() {
    let bazaar = Bazaar::new(&["a"]);
    let engine = engine(&[("1", &bazaar)]);
    engine.sync(&shop("1"), at(0)).await.unwrap();
    let request = CancelRequest {
        lines: Vec::new(),
        reason: None,
        requested_at: Some(at(0)),
        respond_by: None,
    };
    let asks = vec![Action::CancelRequested { request }];
    engine.act(&key("1", "a"), asks, Actor::Platform, at(0)).await.unwrap();
    let mut over = case("w0", "a", CaseKind::Cancellation, 0);
    over.open = false;
    bazaar.book().cases = vec![over];
    engine.read_cases(&shop("1"), at(-1), at(1), at(1)).await.unwrap();
    let order = engine.store().order(&key("1", "a")).await.unwrap().unwrap();
    assert!(order.is_held(at(1)) && order.cancel_request.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_case_that_came_late_changes_nothing_but_when_it_began() {
    let bazaar = Bazaar::new(&["a"]);
    let engine = engine(&[("1", &bazaar)]);
    engine.sync(&shop("1"), at(0)).await.unwrap();
    let mut closed = case("c1", "a", CaseKind::Return, 5);
    closed.open = false;
    let late = case("c1", "a", CaseKind::Claim, 1);
    for case in [&closed, &late] {
        let seen = vec![Action::CaseSeen { case: Box::new(case.clone()) }];
        engine.act(&key("1", "a"), seen, Actor::Platform, at(6)).await.unwrap();
    }
    let order = engine.store().order(&key("1", "a")).await.unwrap().unwrap();
    assert_eq!(order.cases.len(), 1);
    assert_eq!(order.cases[0].case, closed);
    assert_eq!(order.cases[0].complained_at, late.opened_at);
    assert_eq!(order.cases[0].closed_at, closed.updated_at);
}

#[tokio::test(start_paused = true)]
async fn a_case_of_an_order_in_a_pack_or_not_yet_imported_finds_it_and_others_are_told() {
    let bazaar = Bazaar::new(&["pack"]);
    let engine = engine(&[("1", &bazaar)]);
    engine.sync(&shop("1"), at(0)).await.unwrap();
    bazaar.sell("late");
    bazaar.book().known_as.insert("single".into(), "pack".into());
    let mut nameless = case("c3", "pack", CaseKind::Claim, 0);
    nameless.order = None;
    bazaar.book().cases = vec![
        case("c1", "single", CaseKind::Claim, 0),
        case("c2", "late", CaseKind::Claim, 0),
        nameless.clone(),
        case("c4", "unheard-of", CaseKind::Claim, 0),
    ];
    let report = engine.read_cases(&shop("1"), at(-1), at(1), at(1)).await.unwrap();
    assert_eq!((report.read, report.changed), (4, 2));
    let lost: Vec<&str> = report.unmatched.iter().map(|case| case.id.as_str()).collect();
    assert_eq!(lost, ["c3", "c4"]);
    for id in ["pack", "late"] {
        let order = engine.store().order(&key("1", id)).await.unwrap().unwrap();
        assert_eq!(order.cases.len(), 1, "{id}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_running_engine_reads_cases_and_figures_of_every_shop_on_their_schedule() {
    let (good, bad) = (Bazaar::new(&["a"]), Bazaar::new(&["b"]));
    let engine = engine(&[("1", &good), ("2", &bad)]);
    for name in ["1", "2"] {
        engine.sync(&shop(name), at(0)).await.unwrap();
    }
    good.book().cases = vec![case("c1", "a", CaseKind::Claim, 0)];
    bad.book().panics.insert("cases");
    bad.book().panics.insert("figures");
    let begun = tokio::time::Instant::now();
    let clock = move || at(1) + TimeDelta::from_std(begun.elapsed()).unwrap();
    let schedule = Schedule::default()
        .with_every(Duration::from_secs(600))
        .with_cases(Some(Duration::from_secs(3_600)), 30);
    let shutdown = tokio::time::sleep(Duration::from_secs(25 * 3_600));
    let (mut cases, mut figures, mut panics) = (Vec::new(), Vec::new(), 0);
    let report = |tick: TickReport| {
        cases.extend(tick.cases.into_iter().map(|(shop, found)| (shop, found.changed)));
        figures.extend(tick.figures.into_iter().map(|(shop, stated)| (shop, stated.len())));
        panics += tick
            .errors
            .iter()
            .filter(|error| error.kind() == ErrorKind::Ambiguous)
            .filter(|error| error.to_string().contains("panicked"))
            .count();
    };
    engine.run(&schedule, shutdown, clock, report).await.unwrap();
    assert!((24..=26).contains(&cases.len()), "{}", cases.len());
    assert_eq!(cases[0], (shop("1"), 1), "with the first ticks");
    assert!(cases[1..].iter().all(|read| *read == (shop("1"), 0)));
    assert_eq!(figures, [(shop("1"), 1), (shop("1"), 1)], "once a day");
    assert!(panics >= 24, "the other shop is told: {panics}");
    let windows = good.book().case_windows.clone();
    assert_eq!(windows[0].0, at(1) - TimeDelta::days(30));
    assert!(windows.windows(2).all(|pair| pair[1].0 < pair[0].1), "windows overlap");
    let never = schedule.with_cases(None, 30).with_figures(None);
    assert!(engine.cases_due(&never, at(500)).await.is_empty());
    assert!(engine.figures_due(&never, at(500)).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_window_of_cases_is_read_again_when_an_order_could_not_be_read_for_now() {
    let bazaar = Bazaar::new(&["a"]);
    let engine = engine(&[("1", &bazaar)]);
    bazaar.book().cases = vec![case("c1", "a", CaseKind::Claim, 0)];
    bazaar.book().shaky = true;
    let schedule = Schedule::default();
    let first = engine.cases_due(&schedule, at(1)).await;
    let report = first[0].1.as_ref().unwrap();
    assert_eq!((report.changed, report.errors.len(), report.unmatched.len()), (0, 1, 0));
    bazaar.book().shaky = false;
    assert!(engine.cases_due(&schedule, at(1)).await.is_empty(), "not due yet");
    let second = engine.cases_due(&schedule, at(24)).await;
    assert_eq!(second[0].1.as_ref().unwrap().changed, 1);
    let windows = bazaar.book().case_windows.clone();
    assert_eq!(windows[1].0, at(24) - TimeDelta::days(30));
}

#[tokio::test(start_paused = true)]
async fn a_return_a_refund_and_the_figures_go_through_the_platforms_own_calls() {
    let house = house(Faults::none());
    house.place(4, 0);
    let options = StraightOptions::default();
    let engine = &house.engine;
    engine.straight_through(&house.shop, at(-12), at(0), &options, at(0)).await.unwrap();
    let orders = house.orders().await;
    let (first, second) = (&orders[0], &orders[1]);
    let opened_at = at(1);
    house.market.open_return(SandboxReturn {
        id: "R1".into(),
        order: first.key.order.to_string(),
        line: first.lines[0].id.to_string(),
        units: first.lines[0].ordered,
        reason: "DAMAGED",
        opened_at,
    });
    house.clock.set(at(2));
    let report = engine.read_cases(&house.shop, at(-24), at(2), at(2)).await.unwrap();
    assert_eq!((report.read, report.changed, report.unreadable.len()), (1, 1, 0));
    let order = engine.store().order(&first.key).await.unwrap().unwrap();
    let case = &order.cases[0].case;
    assert_eq!((case.kind.clone(), case.status.as_str()), (CaseKind::Return, "INITIATED"));
    assert_eq!(
        (case.opened_at, case.lines.clone()),
        (Some(opened_at), vec![order.lines[0].id.clone()])
    );

    let whole = |line: &orderflow::LineId| RefundLine {
        line: line.clone(),
        amount: None,
        tax: None,
        reason: "Damaged item".into(),
        comment: None,
    };
    let wanted = [(second.key.clone(), vec![whole(&second.lines[0].id)])];
    let outcomes = engine.refund_orders(&wanted, at(2)).await;
    assert_eq!(words(&outcomes), ["done"], "{outcomes:?}");
    let line = second.lines[0].id.as_str();
    let cents = house.market.refunded_cents(second.key.order.as_str(), line);
    let sold = second.lines[0].line_total.unwrap().amount + second.lines[0].tax.unwrap().amount;
    assert_eq!(Decimal::new(cents.into(), 2), sold);

    let stated = engine.read_figures(&house.shop, at(2)).await.unwrap();
    let named: Vec<_> = stated.iter().map(|figure| (figure.name.as_str(), figure.value)).collect();
    let wanted =
        [("vtr", Decimal::ONE), ("cancellations", Decimal::ZERO), ("returns", Decimal::new(25, 2))];
    assert_eq!(named, wanted);
    let checks = engine.compare_figures(&house.shop, at(2)).await.unwrap();
    assert!(checks.iter().any(|check| check.theirs.name == "cancellations" && check.agrees));
}

#[tokio::test(start_paused = true)]
async fn a_wish_that_was_granted_holds_until_the_order_shows_what_became_of_it() {
    let bazaar = Bazaar::forgetful(&["a"]);
    let engine = engine(&[("1", &bazaar)]);
    engine.sync(&shop("1"), at(0)).await.unwrap();
    bazaar.book().cases = vec![case("w1", "a", CaseKind::Cancellation, 0)];
    engine.read_cases(&shop("1"), at(-1), at(1), at(1)).await.unwrap();
    // Granted on the platform's own screens.
    let mut granted = case("w1", "a", CaseKind::Cancellation, 1);
    (granted.open, granted.status) = (false, "SUCCESS".into());
    bazaar.book().cases = vec![granted];
    bazaar.cancel_there("a");
    bazaar.book().shaky = true;
    let report = engine.read_cases(&shop("1"), at(0), at(2), at(2)).await.unwrap();
    assert_eq!((report.changed, report.errors.len()), (0, 1));
    let held = engine.store().order(&key("1", "a")).await.unwrap().unwrap();
    assert!(held.is_held(at(2)), "nobody knows how it ended");
    bazaar.book().shaky = false;
    engine.read_cases(&shop("1"), at(0), at(2), at(2)).await.unwrap();
    let over = engine.store().order(&key("1", "a")).await.unwrap().unwrap();
    assert_eq!(over.state(), orderflow::order::OrderState::Cancelled);
    assert!(over.cancel_request.is_none());
}

#[tokio::test(start_paused = true)]
async fn two_wishes_by_case_are_one_of_all_their_lines_and_a_refused_one_does_not_come_back() {
    let bazaar = Bazaar::new(&["a"]);
    let engine = engine(&[("1", &bazaar)]);
    bazaar.book().orders.get_mut("a").unwrap().lines =
        ["1", "2"].map(|id| super::support::platform_line(id, 1)).to_vec();
    engine.sync(&shop("1"), at(0)).await.unwrap();
    let line = orderflow::LineId::from_static;
    let of = |id: &str, lines: &[&'static str], changed: i64| AfterSaleCase {
        lines: lines.iter().map(|id| line(id)).collect(),
        ..case(id, "a", CaseKind::Cancellation, changed)
    };
    let asked = async |now: i64| {
        engine.read_cases(&shop("1"), at(-2), at(now), at(now)).await.unwrap();
        let order = engine.store().order(&key("1", "a")).await.unwrap().unwrap();
        (order.is_held(at(now)), order.cancel_request.map(|request| request.lines))
    };
    bazaar.book().cases = vec![of("w1", &["1"], 0), of("w2", &["2"], 0)];
    assert_eq!(asked(1).await, (true, Some(vec![line("1"), line("2")])));
    let mut gone = of("w1", &["1"], 1);
    gone.open = false;
    bazaar.book().cases = vec![gone.clone(), of("w2", &["2"], 0)];
    assert_eq!(asked(2).await, (true, Some(vec![line("2")])));
    engine.refuse_cancellation(&key("1", "a"), "it left", "Kim", at(2)).await.unwrap();
    bazaar.book().orders.get_mut("a").unwrap().updated_at = Some(at(2));
    engine.refresh(&key("1", "a"), at(3)).await.unwrap();
    let mut talked = of("w2", &["2"], 3);
    talked.actions = vec!["send_message".into()];
    bazaar.book().cases = vec![gone.clone(), talked.clone()];
    assert_eq!(asked(4).await, (false, None), "a message in the case is no new wish");
    let told = open(&engine, 4).await;
    assert!(told.iter().all(|(kind, _)| *kind != ExceptionKind::CancelRequested), "{told:?}");
    bazaar.book().cases = vec![gone, talked, of("w3", &[], 4)];
    assert_eq!(asked(5).await, (true, Some(Vec::new())), "another case is");
}

#[tokio::test(start_paused = true)]
async fn a_refused_wish_for_one_line_does_not_silence_a_wish_for_another() {
    let bazaar = Bazaar::new(&["a"]);
    let engine = engine(&[("1", &bazaar)]);
    let line = orderflow::LineId::from_static;
    let wish = |lines: &[&'static str], now: i64| {
        let mut book = bazaar.book();
        let order = book.orders.get_mut("a").unwrap();
        order.updated_at = Some(at(now));
        order.cancel_request = Some(CancelRequest {
            lines: lines.iter().map(|id| line(id)).collect(),
            reason: None,
            requested_at: None,
            respond_by: None,
        });
    };
    bazaar.book().orders.get_mut("a").unwrap().lines =
        ["1", "2"].map(|id| super::support::platform_line(id, 1)).to_vec();
    wish(&["1"], 0);
    engine.sync(&shop("1"), at(1)).await.unwrap();
    let held =
        async |now: i64| engine.refresh(&key("1", "a"), at(now)).await.unwrap().is_held(at(now));
    assert!(held(1).await);
    engine.refuse_cancellation(&key("1", "a"), "no", "Kim", at(1)).await.unwrap();
    wish(&["1"], 2);
    assert!(!held(2).await, "the same wish");
    wish(&["1", "2"], 3);
    assert!(held(3).await, "a wish for more");
}

#[tokio::test(start_paused = true)]
async fn a_case_of_an_order_that_cannot_be_read_as_it_is_waits_for_it() {
    let bazaar = Bazaar::new(&["a"]);
    let engine = engine(&[("1", &bazaar)]);
    bazaar.book().orders.get_mut("a").unwrap().lines[0].quantity = 0;
    bazaar.book().cases = vec![case("w1", "a", CaseKind::Cancellation, 0)];
    let schedule = Schedule::default();
    let first = engine.cases_due(&schedule, at(1)).await;
    let report = first[0].1.as_ref().unwrap();
    assert_eq!((report.errors.len(), report.unmatched.len()), (1, 0));
    bazaar.sell("a");
    let second = engine.cases_due(&schedule, at(40)).await;
    assert_eq!(second[0].1.as_ref().unwrap().changed, 1);
    let held = engine.store().order(&key("1", "a")).await.unwrap().unwrap();
    assert!(held.is_held(at(40)));
}

#[tokio::test(start_paused = true)]
async fn an_erased_order_gets_no_words_of_its_buyer_back_by_a_case() {
    let bazaar = Bazaar::new(&["a"]);
    let engine = engine(&[("1", &bazaar)]);
    engine.sync(&shop("1"), at(0)).await.unwrap();
    bazaar.book().cases = vec![case("c1", "a", CaseKind::Claim, 0)];
    engine.read_cases(&shop("1"), at(-1), at(1), at(1)).await.unwrap();
    let order = engine.store().order(&key("1", "a")).await.unwrap().unwrap();
    assert!(engine.store().erase(&orderflow::order::erase(&order, at(2))).await.unwrap());
    let again = engine.read_cases(&shop("1"), at(-1), at(1), at(3)).await.unwrap();
    assert_eq!((again.read, again.changed), (1, 0));
    bazaar.book().cases = vec![case("c1", "a", CaseKind::Dispute, 1)];
    engine.read_cases(&shop("1"), at(0), at(2), at(4)).await.unwrap();
    let order = engine.store().order(&key("1", "a")).await.unwrap().unwrap();
    assert_eq!((order.cases[0].case.reason.clone(), order.cases.len()), (None, 1));
    assert!(order.cases[0].disputed_at.is_some());
    let filter = orderflow::order::OrderFilter {
        incidents: vec![ExceptionKind::ComplaintOpened],
        ..Default::default()
    };
    let found = engine.store().find(&filter, orderflow::order::OrderSort::Placed, at(4), 0, 9);
    assert_eq!(found.await.unwrap().orders.len(), 1, "the filter knows open complaints");
}
