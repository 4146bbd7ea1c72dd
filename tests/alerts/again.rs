//! What happens a second time is told a second time, and nothing else is.

use super::*;

use orderflow::order::{
    Actor, Allocation, BackorderedUnits, CancelRequest, Event, Hold, HoldReason, Review,
};
use orderflow::rules::alert::WatchedDeadline;
use orderflow::rules::{Ladder, LadderStep};
use orderflow::shipment::TrackingEvent;
use orderflow::{HoldId, LineId};

fn cancel_request() -> CancelRequest {
    CancelRequest { lines: Vec::new(), reason: None, requested_at: None, respond_by: None }
}

/// Applies one action at an instant.
fn then(order: Order, action: Action, at: DateTime<Utc>) -> Order {
    orderflow::order::apply(&order, &Event::new(action, at, Actor::System), at).unwrap().order
}

fn fire(order: &Order, fired: &mut Vec<FiredAlert>, at: DateTime<Utc>) -> Vec<AlertRule> {
    let mut policy = AlertPolicy::default();
    policy.disabled = [AlertRule::PendingOverdue].into();
    let Some(found) = evaluate(&watch_of(order), fired, &policy, at) else { return Vec::new() };
    fired.extend(found.alerts.iter().map(|alert| alert.fired(at)));
    rules(&found)
}

#[test]
fn a_second_wish_to_cancel_is_told_like_the_first() {
    let mut fired = Vec::new();
    let ask = || Action::CancelRequested { request: cancel_request() };
    let order = then(waiting("1", Vec::new()), ask(), now());
    assert_eq!(fire(&order, &mut fired, now()), [AlertRule::CancelRequest]);
    assert_eq!(fire(&order, &mut fired, now() + hours(1)), []);
    let order = then(order, Action::CancelRequestClosed, now() + hours(2));
    assert_eq!(fire(&order, &mut fired, now() + hours(2)), []);
    let order = then(order, ask(), now() + hours(3));
    assert_eq!(fire(&order, &mut fired, now() + hours(3)), [AlertRule::CancelRequest]);
    assert_eq!(fire(&order, &mut fired, now() + hours(4)), []);
}

#[test]
fn a_second_shortage_is_told_like_the_first_and_looking_again_tells_nothing() {
    let mut fired = Vec::new();
    let short = |units: u32| Action::Allocated {
        allocation: Allocation {
            backordered: vec![BackorderedUnits { line: LineId::from_static("1"), units }]
                .into_iter()
                .filter(|short| short.units > 0)
                .collect(),
            ..Allocation::default()
        },
    };
    let order = then(waiting("1", Vec::new()), short(2), now());
    assert_eq!(fire(&order, &mut fired, now()), [AlertRule::OutOfStock]);
    // The same shortage, planned again, and half of it gone.
    let order = then(order, short(1), now() + hours(1));
    assert_eq!(fire(&order, &mut fired, now() + hours(1)), []);
    let order = then(order, short(0), now() + hours(2));
    assert_eq!(order.incidents.len(), 1);
    assert!(order.incidents[0].resolved_at.is_some());
    let order = then(order, short(1), now() + hours(3));
    assert_eq!(fire(&order, &mut fired, now() + hours(3)), [AlertRule::OutOfStock]);
    assert_eq!(fire(&order, &mut fired, now() + hours(9)), []);
    let items = exceptions([&order], &ExceptionPolicy::default(), now() + hours(9));
    let short: Vec<_> =
        items.iter().filter(|item| item.kind == ExceptionKind::OutOfStock).collect();
    assert_eq!(short.len(), 1);
    assert_eq!(short[0].since, now() + hours(3));
}

#[test]
fn a_shortage_says_why_and_is_over_when_the_platform_ships_the_units_itself() {
    let short = |reason: &str| Action::Allocated {
        allocation: Allocation {
            backordered: vec![BackorderedUnits { line: LineId::from_static("1"), units: 1 }],
            reasons: vec![reason.to_owned()],
            ..Allocation::default()
        },
    };
    let order = then(waiting("1", Vec::new()), short("more than 2 parcels"), now());
    assert_eq!(order.incidents[0].detail, "more than 2 parcels");
    let order = then(order, short("nobody has it"), now() + hours(1));
    assert_eq!((order.incidents.len(), order.incidents[0].count), (1, 1));
    assert_eq!(order.incidents[0].detail, "nobody has it");
    let (key, units) = (order.key.clone(), order.lines[0].ordered);
    let order = then(
        order,
        Action::ShippedElsewhere {
            package: orderflow::PackageId::derive(&key, 9),
            contents: vec![orderflow::shipment::PackedLine {
                line: LineId::from_static("1"),
                units,
            }],
            carrier: None,
            number: None,
            shipped_at: now(),
        },
        now() + hours(2),
    );
    assert!(order.backorders.is_empty());
    assert!(order.incidents[0].resolved_at.is_some());
}

#[test]
fn a_hold_for_an_address_that_was_told_tells_nothing_new() {
    let mut fired = Vec::new();
    let mut bad = snapshot("1", &[("1", 1)]);
    bad.recipient.as_mut().unwrap().address.city = String::new();
    let mut order = after(import_of(&bad), vec![]);
    order.needs_acknowledgement = false;
    assert_eq!(fire(&order, &mut fired, now()), [AlertRule::Address]);
    let hold = Hold {
        id: HoldId::from_static("address"),
        reason: HoldReason::Address,
        note: None,
        placed_at: now() + hours(1),
        until: None,
        released_at: None,
    };
    let held = then(order, Action::HoldPlaced { hold }, now() + hours(1));
    assert_eq!(fire(&held, &mut fired, now() + hours(1)), []);
}

#[test]
fn one_of_two_bad_addresses_that_is_mended_makes_the_other_no_news() {
    let raise = |kind| Action::IncidentRaised { kind, package: None, detail: "seen".to_owned() };
    let (first, second) = (
        ExceptionKind::Address(AddressProblem::Unserviceable),
        ExceptionKind::AddressChangedAfterLabel,
    );
    let mut fired = Vec::new();
    let order = then(waiting("1", Vec::new()), raise(first), now());
    assert_eq!(fire(&order, &mut fired, now()), [AlertRule::Address]);
    let order = then(order, raise(second), now() + hours(1));
    assert_eq!(fire(&order, &mut fired, now() + hours(1)), [AlertRule::Address]);
    let mended = Action::IncidentResolved { kind: first, package: None };
    let order = then(order, mended, now() + hours(2));
    assert_eq!(fire(&order, &mut fired, now() + hours(2)), []);
}

#[test]
fn a_parcel_that_moves_and_stops_again_is_told_again() {
    let (order, package) = labelled("1", &[("1", 1)]);
    let mut order = after(order, vec![confirmed(&package)]);
    order.packages[0].upload.state = orderflow::shipment::UploadState::Uploaded;
    let mut fired = Vec::new();
    let mut watch = watch_of(&order);
    let policy = AlertPolicy::default();
    let mut look = |watch: &OrderWatch, at: DateTime<Utc>| {
        let found = evaluate(watch, &fired, &policy, at);
        let found = found.map_or(Vec::new(), |found| found.alerts);
        fired.extend(found.iter().map(|alert| alert.fired(at)));
        found.into_iter().map(|alert| alert.rule).collect::<Vec<_>>()
    };
    let scan = |watch: &mut OrderWatch, at| {
        watch.parcels[0].last_sign_at = at;
        watch.parcels[0].here_since = at;
        watch.parcels[0].accepted = true;
    };
    let first = watch.parcels[0].shipped_at + hours(1);
    scan(&mut watch, first);
    assert_eq!(look(&watch, first + hours(48)), [AlertRule::LogisticsDelay]);
    assert_eq!(look(&watch, first + hours(72)), [AlertRule::Stuck]);
    assert_eq!(look(&watch, first + hours(100)), []);
    let second = first + hours(101);
    scan(&mut watch, second);
    assert_eq!(look(&watch, second), []);
    assert_eq!(look(&watch, second + hours(48)), [AlertRule::LogisticsDelay]);
    assert_eq!(look(&watch, second + hours(72)), [AlertRule::Stuck]);
    // Its way back is one fact, however often it is scanned there.
    watch.parcels[0].trouble = Some(orderflow::rules::alert::ParcelTrouble::Returning);
    watch.parcels[0].moving = false;
    assert_eq!(look(&watch, second + hours(80)), [AlertRule::Stuck]);
    scan(&mut watch, second + hours(90));
    assert_eq!(look(&watch, second + hours(91)), []);
}

#[test]
fn a_deadline_that_appears_later_does_not_tell_again_that_nobody_acknowledged() {
    let mut watch = watch_of(&waiting("1", Vec::new()));
    watch.unacknowledged = true;
    watch.unprinted = false;
    let placed = watch.placed_at;
    let policy = AlertPolicy::default();
    let first = evaluate(&watch, &[], &policy, placed + minutes(30)).unwrap();
    let mut fired = vec![only(AlertRule::Acknowledge, &first).fired(placed + minutes(30))];
    let by = |at, version| WatchedDeadline { at, starts_at: placed, version };
    watch.acknowledge_by = Some(by(placed + hours(4), 1));
    assert_eq!(evaluate(&watch, &fired, &policy, placed + minutes(60)), None);
    // Half of the four hours are left: the ladder begins, and what was told is not superseded.
    let ladder = evaluate(&watch, &fired, &policy, placed + hours(2)).unwrap();
    let alert = only(AlertRule::Acknowledge, &ladder);
    assert_eq!((alert.stage, alert.level), (2, Some(Level::L1)));
    assert!(alert.superseded.is_empty());
    fired.push(alert.fired(placed + hours(2)));
    // Moved later, the ladder starts anew; that half an hour has passed is known.
    watch.acknowledge_by = Some(by(placed + hours(24), 2));
    assert_eq!(evaluate(&watch, &fired, &policy, placed + hours(3)), None);
    let again = evaluate(&watch, &fired, &policy, placed + hours(12)).unwrap();
    assert_eq!(only(AlertRule::Acknowledge, &again).level, Some(Level::L1));
    // Who looks for the first time then is told what this replaces.
    let late = evaluate(&watch, &[], &policy, placed + hours(18)).unwrap();
    let alert = only(AlertRule::Acknowledge, &late);
    assert_eq!((alert.level, alert.superseded.as_slice()), (Some(Level::L2), [1, 2].as_slice()));
}

#[test]
fn a_ladder_of_one_step_replaces_no_step_that_it_does_not_have() {
    let only_last = Ladder {
        steps: vec![LadderStep {
            level: Level::L3,
            hours_left: 6,
            percent_left: 10,
            channels: vec![Channel::Phone],
        }],
        ..Ladder::default()
    };
    let mut policy = AlertPolicy::default();
    policy.ship_ladder = only_last.clone();
    policy.acknowledge_ladder = only_last;
    let due = deadline(DeadlineKind::ShipBy, now(), now() + hours(48));
    let mut watch = watch_of(&waiting("1", vec![due]));
    watch.unprinted = false;
    let found = evaluate(&watch, &[], &policy, now() + hours(43)).unwrap();
    assert!(only(AlertRule::ShipBy, &found).superseded.is_empty());
    let breach = evaluate(&watch, &[], &policy, now() + hours(48)).unwrap();
    assert_eq!(only(AlertRule::ShipBy, &breach).superseded, [3]);
    watch.unacknowledged = true;
    watch.acknowledge_by = watch.ship_by;
    let found = evaluate(&watch, &[], &policy, now() + hours(43)).unwrap();
    assert_eq!(only(AlertRule::Acknowledge, &found).superseded, [1]);
}

#[test]
fn a_host_that_waits_for_the_next_change_hears_every_repetition() {
    let mut policy = AlertPolicy::default();
    policy.repeat_hours = Some(8);
    let mut watch = watch_of(&waiting("1", Vec::new()));
    watch.unprinted = false;
    watch.found = vec![(AlertRule::OutOfStock, 1, now())];
    let first = evaluate(&watch, &[], &policy, now()).unwrap();
    let mut fired = vec![first.alerts[0].fired(now())];
    assert_eq!(next_change(&watch, &fired, &policy, now()), Some(now() + hours(8)));
    let again = evaluate(&watch, &fired, &policy, now() + hours(8)).unwrap();
    assert!(again.alerts[0].repeated);
    fired[0].acknowledged = true;
    assert_eq!(next_change(&watch, &fired, &policy, now()), None);
}

#[test]
fn scans_that_find_a_parcel_where_it_was_do_not_move_it() {
    let (order, package) = labelled("1", &[("1", 1)]);
    let mut order = after(order, vec![confirmed(&package)]);
    order.packages[0].upload.state = orderflow::shipment::UploadState::Uploaded;
    for (milestone, kind) in [
        (Milestone::ArrivedHub, ExceptionKind::Stuck),
        (Milestone::CustomsStarted, ExceptionKind::CustomsHold),
    ] {
        // A scan a day, always the same.
        let days = [0, 24, 48, 72, 96].map(|hour| support::scan(hour, milestone));
        let mut events = vec![support::scan(-1, Milestone::Accepted)];
        events[0].place = Some("ELSEWHERE".into());
        events.extend(days);
        let action = Action::Tracked { package: package.clone(), events, estimated_delivery: None };
        let order = then(order.clone(), action, now() + hours(97));
        let at = now() + hours(97);
        let found = exceptions([&order], &ExceptionPolicy::default(), at);
        assert!(found.iter().any(|item| item.kind == kind), "{found:?}");
        let told = evaluate(&watch_of(&order), &[], &AlertPolicy::default(), at).unwrap();
        assert!(rules(&told).contains(&AlertRule::Stuck), "{told:?}");
        // Every look finds the same fact.
        let fired: Vec<_> = told.alerts.iter().map(|alert| alert.fired(at)).collect();
        let later = evaluate(&watch_of(&order), &fired, &AlertPolicy::default(), at + hours(2));
        assert!(later.is_none_or(|later| !rules(&later).contains(&AlertRule::Stuck)));
    }
}

#[test]
fn exceptions_name_everything_once_leave_tests_out_and_know_since_when() {
    let due = deadline(DeadlineKind::ShipBy, now() - hours(52), now() + hours(20));
    let order = waiting("1", vec![due.clone()]);
    let policy = ExceptionPolicy::default();
    let since = |at| {
        let items = exceptions([&order], &policy, at);
        items.iter().find(|item| item.kind == ExceptionKind::ShipAtRisk).unwrap().since
    };
    // The same at every look: when the first warning was due.
    assert_eq!((since(now()), since(now() + hours(9))), (now() - hours(4), now() - hours(4)));
    let mut short = waiting("2", Vec::new());
    let units = |line| BackorderedUnits { line: LineId::new(line).unwrap(), units: 1 };
    short.backorders = vec![units("1"), units("2")];
    let items = exceptions([&short], &policy, now());
    let item = items.iter().find(|item| item.kind == ExceptionKind::OutOfStock).unwrap();
    assert_eq!(item.detail, "line 1: 1 units are short; line 2: 1 units are short");
    let mut test = waiting("3", vec![due]);
    test.test = true;
    assert_eq!(exceptions([&test], &policy, now() + hours(30)), []);
}

#[test]
fn an_order_that_is_given_twice_and_a_fact_that_was_recorded_too_are_one_exception() {
    let mut order = waiting("1", Vec::new());
    order.payments = vec![orderflow::order::Payment {
        id: orderflow::PaymentId::from_static("p"),
        amount: support::usd(1),
        method: None,
        state: orderflow::order::PaymentState::Paid,
        paid_at: None,
        refunded: support::usd(0),
    }];
    let policy = ExceptionPolicy::default();
    let kinds = |order: &Order| {
        let items = exceptions([order, order], &policy, now());
        items.iter().map(|item| (item.kind, item.count)).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&order), [(ExceptionKind::PaymentAnomaly, 1)]);
    // The platform's report of it, with a parcel or without, and the review's.
    order.incidents = vec![orderflow::order::Incident {
        kind: ExceptionKind::PaymentAnomaly,
        package: Some(orderflow::PackageId::derive(&order.key, 1)),
        detail: "charged back".into(),
        first_at: now(),
        last_at: now(),
        count: 2,
        resolved_at: None,
    }];
    let found = "the payment contradicts the order".to_owned();
    order.review = Review::NeedsPerson { at: now(), findings: vec![found.clone()] };
    assert_eq!(kinds(&order), [(ExceptionKind::PaymentAnomaly, 2)]);
    order.review =
        Review::NeedsPerson { at: now(), findings: vec![found, "the buyer wrote a note".into()] };
    let items = exceptions([&order], &policy, now());
    let review = items.iter().find(|item| item.kind == ExceptionKind::ReviewNeeded).unwrap();
    assert_eq!(review.detail, "the buyer wrote a note");
}

#[test]
fn an_exception_of_a_parcel_closes_only_when_its_own_condition_is_over() {
    let look = |book: &mut ExceptionBook, order: &Order, at: DateTime<Utc>| {
        let found = exceptions([order], &ExceptionPolicy::default(), at);
        let changes = book.update(&found, at);
        let kinds = |keys: Vec<ExceptionKey>| -> Vec<ExceptionKind> {
            keys.into_iter().map(|key| key.kind).collect()
        };
        (kinds(changes.opened), kinds(changes.closed))
    };
    let none: Vec<ExceptionKind> = Vec::new();
    let (order, package) = labelled("1", &[("1", 1)]);
    let order = after(order, vec![confirmed(&package)]);
    let mut book = ExceptionBook::new();
    let opened = |kind| (vec![kind], none.clone());
    assert_eq!(look(&mut book, &order, now() + hours(30)), opened(ExceptionKind::Uncollected));
    assert_eq!(look(&mut book, &order, now() + hours(50)), opened(ExceptionKind::CarrierDelay));
    assert_eq!(look(&mut book, &order, now() + hours(80)), (none.clone(), none.clone()));
    let end = now() + hours(24 * 91);
    assert_eq!(look(&mut book, &order, end), opened(ExceptionKind::TrackingExpired));

    let (order, package) = labelled("2", &[("1", 1)]);
    let order = after(order, vec![confirmed(&package), tracked(&package, &[Milestone::Accepted])]);
    let mut book = ExceptionBook::new();
    for (hour, kind) in [
        (50, ExceptionKind::CarrierDelay),
        (80, ExceptionKind::Stuck),
        (24 * 11, ExceptionKind::PossiblyLost),
        (24 * 91, ExceptionKind::TrackingExpired),
    ] {
        assert_eq!(look(&mut book, &order, now() + hours(hour)), opened(kind), "{hour}");
    }
    // One scan elsewhere ends all of them but the last: its end is still not known.
    let elsewhere = Some("BOISE, ID".to_owned());
    let events = vec![TrackingEvent { place: elsewhere, ..scan(24 * 91, Milestone::DepartedHub) }];
    let action = Action::Tracked { package, events, estimated_delivery: None };
    let (opened, mut closed) = look(&mut book, &after(order, vec![action]), end + hours(1));
    closed.sort_unstable();
    assert_eq!(opened, none);
    assert_eq!(
        closed,
        [ExceptionKind::CarrierDelay, ExceptionKind::Stuck, ExceptionKind::PossiblyLost]
    );
}

#[test]
fn a_promise_broken_before_anything_left_is_an_exception_like_the_alert() {
    let promise = now() + hours(10);
    let order = waiting("1", vec![deadline(DeadlineKind::DeliverBy, now(), promise)]);
    let policy = ExceptionPolicy::default();
    assert_eq!(exceptions([&order], &policy, promise), []);
    let found = exceptions([&order], &policy, promise + minutes(1));
    let [item] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(
        (item.kind, item.severity, &item.package, item.due_at),
        (ExceptionKind::DeliveryOverdue, Severity::Urgent, &None, Some(promise))
    );
}

#[test]
fn every_kind_of_incident_is_in_the_list_with_its_parcel_until_it_is_resolved() {
    use AddressProblem as A;
    use ExceptionKind as K;
    use Severity::{Critical, Urgent, Warning};
    let kinds = [
        (K::BuyerUrging, Urgent),
        (K::Address(A::Unserviceable), Urgent),
        (K::OutOfStock, Warning),
        (K::Oversold, Urgent),
        (K::AddressChangedAfterLabel, Urgent),
        (K::ReturnToSender, Urgent),
        (K::ShippingMistake, Warning),
        (K::LabelFailed, Warning),
        (K::LabelUnknown, Urgent),
        (K::NoService, Warning),
        (K::UploadRejected, Urgent),
        (K::UploadConflict, Urgent),
        (K::PartialUpload, Warning),
        (K::StockSyncFailed, Warning),
        (K::StateMismatch, Warning),
        (K::UnknownPlatformStatus, Warning),
        (K::ImportFailure, Warning),
        (K::SyncFailed, Warning),
        (K::AuthRejected, Critical),
        (K::TrackingExpired, Warning),
        (K::ScannedBeforeConfirm, Warning),
        (K::ComplaintOpened, Warning),
    ];
    for (kind, severity) in kinds {
        let (order, package) = labelled("1", &[("1", 1)]);
        let raised = Action::IncidentRaised {
            kind,
            package: Some(package.clone()),
            detail: "seen".to_owned(),
        };
        let mut order = after(order, vec![raised]);
        let found = exceptions([&order], &ExceptionPolicy::default(), now());
        let [item] = found.as_slice() else { panic!("{kind:?}: {found:?}") };
        assert_eq!((item.kind, item.severity), (kind, severity));
        assert_eq!((&item.package, item.detail.as_str()), (&Some(package), "seen"));
        order.incidents[0].resolved_at = Some(now());
        assert_eq!(exceptions([&order], &ExceptionPolicy::default(), now()), [], "{kind:?}");
    }
}

#[test]
fn a_parcel_is_found_coming_back_or_without_an_end_after_ninety_days() {
    let (order, package) = labelled("1", &[("1", 1)]);
    let shipped = after(order, vec![confirmed(&package)]);
    let kinds = |order: &Order, at| -> Vec<(ExceptionKind, DateTime<Utc>)> {
        let found = exceptions([order], &ExceptionPolicy::default(), at);
        found.into_iter().map(|item| (item.kind, item.since)).collect()
    };
    let days = |days: i64| now() + hours(24 * days);
    let expired =
        |at| kinds(&shipped, at).iter().any(|(kind, _)| *kind == ExceptionKind::TrackingExpired);
    let confirmed_at = shipped.packages[0].shipped.as_ref().unwrap().confirmed_at;
    assert!(!expired(confirmed_at + hours(24 * 90) - minutes(1)));
    assert!(expired(confirmed_at + hours(24 * 90)));
    // Since when it comes back, whatever is scanned on the way, and also once it is back.
    let mut way = vec![Milestone::Accepted, Milestone::ReturnStarted];
    for further in [Milestone::ArrivedHub, Milestone::Returned] {
        way.push(further);
        let back = after(shipped.clone(), vec![tracked(&package, &way)]);
        assert_eq!(
            kinds(&back, now() + hours(9)),
            [(ExceptionKind::ReturnToSender, now() + hours(2))]
        );
    }
    let home = after(shipped.clone(), vec![tracked(&package, &way)]);
    assert!(
        !kinds(&home, days(100)).iter().any(|(kind, _)| *kind == ExceptionKind::TrackingExpired)
    );
}

#[test]
fn addresses_and_overselling_come_before_what_is_due_earlier() {
    let raised = |id: &str, kind, due: i64| {
        let order = waiting(id, vec![deadline(DeadlineKind::ShipBy, now(), now() + hours(due))]);
        let raised = Action::IncidentRaised { kind, package: None, detail: "seen".to_owned() };
        after(order, vec![raised])
    };
    let orders = [
        raised("a", ExceptionKind::LabelFailed, 100),
        raised("b", ExceptionKind::Oversold, 300),
        raised("c", ExceptionKind::Address(AddressProblem::Unserviceable), 200),
        raised("d", ExceptionKind::BuyerUrging, 150),
    ];
    let found = exceptions(&orders, &ExceptionPolicy::default(), now());
    let kinds: Vec<ExceptionKind> = found.iter().map(|item| item.kind).collect();
    assert_eq!(
        kinds,
        [
            ExceptionKind::Address(AddressProblem::Unserviceable),
            ExceptionKind::Oversold,
            ExceptionKind::LabelFailed,
            ExceptionKind::BuyerUrging,
        ]
    );
}
