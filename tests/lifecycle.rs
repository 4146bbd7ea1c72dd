//! The lifecycle: the reviewed grid, its invariants, and what reconciling promises.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics has failed, which is what it is for"
)]

mod support;

use std::fmt::Write as _;

use chrono::TimeDelta;
use orderflow::order::{
    Action, Actor, CancelReason, CancelRequest, CancelledUnits, CompletionPolicy, EVENTS, Event,
    EventKind, ExceptionKind, Guard, Hold, HoldReason, Incident, LogisticsMode, Order, OrderFilter,
    OrderState, PlatformOrder, PlatformTrouble, Rejected, ReturnedUnits, Stage, TRANSITIONS,
    UnitGroup, UnitStatus, apply, check_invariants, counters, derive_stage, erase, reconcile,
    replay,
};
use orderflow::shipment::{
    EventTime, LabelState, Milestone, TrackingEvent, TransitState, UndeliverableResolution,
    UploadState,
};
use orderflow::{CarrierId, HoldId, PackageId, TrackingNumber};
use proptest::prelude::*;
use support::*;

/// One order in every state, each with the parcel that events name.
fn order_in(state: OrderState) -> (Order, PackageId) {
    let one = [("1", 2)];
    match state {
        OrderState::Unpaid => {
            let mut unpaid = snapshot("grid", &one);
            unpaid.paid_at = None;
            let order = import_of(&unpaid);
            let package = PackageId::derive(&order.key, 1);
            (order, package)
        }
        OrderState::AwaitingShipment => labelled("grid", &one),
        OrderState::PartiallyShipped => {
            let (order, first, second) = labelled_twice("grid");
            (after(order, vec![confirmed(&first)]), second)
        }
        OrderState::AwaitingCollection => {
            let (order, package) = labelled("grid", &one);
            (after(order, vec![confirmed(&package)]), package)
        }
        OrderState::InTransit => {
            let (order, package) = order_in(OrderState::AwaitingCollection);
            (after(order, vec![tracked(&package, &[Milestone::Accepted])]), package)
        }
        OrderState::PartiallyDelivered => {
            let (order, first, second) = labelled_twice("grid");
            let moves = vec![
                confirmed(&first),
                confirmed(&second),
                tracked(&first, &[Milestone::Accepted, Milestone::Delivered]),
            ];
            (after(order, moves), second)
        }
        OrderState::Delivered => {
            let (order, package) = order_in(OrderState::InTransit);
            (
                after(order, vec![tracked(&package, &[Milestone::Accepted, Milestone::Delivered])]),
                package,
            )
        }
        OrderState::Completed => {
            let (order, package) = order_in(OrderState::Delivered);
            (after(order, vec![Action::Completed { completed_at: now() }]), package)
        }
        OrderState::Cancelled => {
            let order = imported("grid", &one);
            let package = PackageId::derive(&order.key, 1);
            (after(order, vec![cancel(&[("1", 2)])]), package)
        }
    }
}

fn cancel(units: &[(&str, u32)]) -> Action {
    Action::Cancelled {
        units: units
            .iter()
            .map(|(line, units)| CancelledUnits {
                line: line_id(line),
                units: *units,
                reason: CancelReason::OutOfStock,
                at: now(),
            })
            .collect(),
    }
}

/// A representative action of every kind, about `package`.
fn action_of(kind: EventKind, order: &Order, package: &PackageId) -> Action {
    let package = package.clone();
    let line = order.lines[0].id.clone();
    match kind {
        EventKind::Imported => Action::Imported {
            snapshot: Box::new(snapshot("grid", &[("1", 2)])),
            needs_acknowledgement: true,
        },
        EventKind::Updated => Action::Updated { snapshot: Box::new(snapshot("grid", &[("1", 2)])) },
        EventKind::Paid => Action::Paid { paid_at: now(), payments: Vec::new() },
        EventKind::PaymentTimedOut => Action::PaymentTimedOut,
        EventKind::Reviewed => approved(),
        EventKind::Acknowledged => acknowledged(),
        EventKind::DeadlinesSet => Action::DeadlinesSet { deadlines: Vec::new() },
        EventKind::Allocated => allocated(order, &[]),
        EventKind::Routed => Action::Routed {
            package,
            choice: orderflow::shipment::ServiceChoice {
                service: orderflow::shipment::ServiceKey::new(
                    CarrierId::from_static("carrier"),
                    orderflow::ServiceCode::from_static("GROUND"),
                ),
                cost: None,
                deliver_on: None,
                token: None,
                quoted_at: None,
                reasons: Vec::new(),
            },
        },
        EventKind::LabelRequested => label_requested(&package),
        EventKind::LabelPurchased => purchased(&package, "N-2"),
        EventKind::LabelFailed => Action::LabelFailed { package, reason: "no".into() },
        EventKind::LabelUnknown => Action::LabelUnknown { package },
        EventKind::LabelConfirmedAbsent => Action::LabelConfirmedAbsent { package },
        EventKind::LabelPrinted => Action::LabelPrinted { package, job: None },
        EventKind::VoidRequested => Action::VoidRequested { package, reason: "x".into() },
        EventKind::LabelVoided => Action::LabelVoided { package },
        EventKind::VoidRejected => Action::VoidRejected { package, reason: "x".into() },
        EventKind::Released => Action::Released { package },
        EventKind::PickingStarted => Action::PickingStarted { package },
        EventKind::Picked => Action::Picked { package },
        EventKind::Checked => Action::Checked { package },
        EventKind::PickRejected => Action::PickRejected { package, reason: "short".into() },
        EventKind::Packed => Action::Packed { package, weight: None },
        EventKind::Unpacked => Action::Unpacked { package },
        EventKind::HandedOver => Action::HandedOver { package },
        EventKind::TrackingEntered => Action::TrackingEntered {
            package,
            carrier: CarrierId::from_static("carrier"),
            service: None,
            number: TrackingNumber::from_static("M-1"),
        },
        EventKind::ShipmentConfirmed => confirmed(&package),
        EventKind::ShippedElsewhere => Action::ShippedElsewhere {
            package: PackageId::derive(&order.key, 9),
            contents: Vec::new(),
            carrier: None,
            number: None,
            shipped_at: now(),
        },
        EventKind::UploadStarted => Action::UploadStarted { key: label_key(&package), package },
        EventKind::Uploaded => Action::Uploaded { package, number: None },
        EventKind::UploadLeftOut => Action::UploadLeftOut { package, reason: "x".into() },
        EventKind::UploadPostponed => Action::UploadPostponed { package, reason: "x".into() },
        EventKind::UploadRejected => {
            Action::UploadRejected { package, reason: "x".into(), conflict: false }
        }
        EventKind::Tracked => tracked(&package, &[Milestone::Accepted, Milestone::Delivered]),
        EventKind::DeliveredOnPlatform => {
            Action::DeliveredOnPlatform { package, delivered_at: now() }
        }
        EventKind::Completed => Action::Completed { completed_at: now() },
        EventKind::CancelRequested => Action::CancelRequested {
            request: CancelRequest {
                lines: Vec::new(),
                reason: None,
                requested_at: None,
                respond_by: None,
            },
        },
        EventKind::Cancelled => cancel(&[(line.as_str(), 1)]),
        EventKind::CancelRequestClosed => Action::CancelRequestClosed,
        EventKind::UndeliverableResolved => {
            Action::UndeliverableResolved { package, resolution: UndeliverableResolution::Reship }
        }
        EventKind::ReturnReceived => Action::ReturnReceived {
            units: ReturnedUnits { line, units: 1, reason: None, at: now(), restock: true },
        },
        EventKind::Refunded => Action::Refunded { line, amount: usd(100) },
        EventKind::HoldPlaced => Action::HoldPlaced { hold: hold("h1") },
        EventKind::HoldReleased => Action::HoldReleased { hold: HoldId::from_static("h1") },
        EventKind::IncidentRaised => Action::IncidentRaised {
            kind: orderflow::order::ExceptionKind::BuyerUrging,
            package: None,
            detail: String::new(),
        },
        EventKind::CaseSeen => Action::CaseSeen {
            case: Box::new(orderflow::order::AfterSaleCase {
                id: "c1".into(),
                kind: orderflow::order::CaseKind::Claim,
                order: None,
                lines: Vec::new(),
                status: "opened".into(),
                open: true,
                reason: None,
                amount: None,
                opened_at: None,
                updated_at: None,
                respond_by: None,
                actions: Vec::new(),
            }),
        },
        EventKind::IncidentResolved => Action::IncidentResolved {
            kind: orderflow::order::ExceptionKind::BuyerUrging,
            package: None,
        },
        EventKind::PrioritySet => {
            Action::PrioritySet { priority: orderflow::order::Priority::Urgent }
        }
        EventKind::Tagged => Action::Tagged { tags: vec!["gift".into()] },
        EventKind::RecipientCorrected => {
            Action::RecipientCorrected { recipient: Box::new(recipient()) }
        }
        EventKind::PlatformCorrected => Action::PlatformCorrected {
            snapshot: Box::new(snapshot("grid", &[("1", 2)])),
            reason: "x".into(),
        },
    }
}

fn hold(id: &str) -> Hold {
    Hold {
        id: HoldId::new(id).unwrap(),
        reason: HoldReason::Manual,
        note: None,
        placed_at: now(),
        until: None,
        released_at: None,
    }
}

#[test]
fn the_state_and_event_grid_is_the_reviewed_one() {
    let mut grid = String::from(
        "# What each event does to an order in each state.\n\
         # `-> state` is accepted, `not here` is refused by the table, anything else by a guard or a track.\n",
    );
    for state in OrderState::ALL {
        let (order, package) = order_in(state);
        assert_eq!(order.state(), state);
        writeln!(grid, "\n[{state}]").unwrap();
        for kind in EventKind::ALL {
            let event = Event::new(action_of(*kind, &order, &package), now(), Actor::System);
            let outcome = match apply(&order, &event, now()) {
                Ok(transition) => format!("-> {}", transition.to),
                Err(Rejected::NotAllowed { .. }) => "not here".to_owned(),
                Err(Rejected::Guard { guard, .. }) => guard.to_string(),
                Err(Rejected::Track { track, state, .. }) => format!("{track} is {state}"),
                Err(Rejected::UnknownPackage(_)) => "no such parcel".to_owned(),
                Err(Rejected::Quantity { wanted, possible, .. }) => {
                    format!("{wanted} units wanted, {possible} possible")
                }
                Err(other) => other.to_string(),
            };
            writeln!(grid, "{:<16} {outcome}", kind.code()).unwrap();
        }
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lifecycle_grid.txt");
    if std::env::var_os("ORDERFLOW_WRITE_GRID").is_some() {
        std::fs::write(path, &grid).unwrap();
    }
    let reviewed =
        std::fs::read_to_string(path).expect("the reviewed grid is part of the repository");
    for (line, (ours, theirs)) in grid.lines().zip(reviewed.lines()).enumerate() {
        assert_eq!(ours, theirs, "line {} of tests/lifecycle_grid.txt", line + 1);
    }
    assert_eq!(grid, reviewed);
}

#[test]
fn every_event_has_exactly_one_row_in_the_table() {
    for kind in EventKind::ALL {
        assert_eq!(EVENTS.iter().filter(|row| row.event == *kind).count(), 1, "{kind:?}");
    }
    assert_eq!(EVENTS.len(), EventKind::ALL.len());
}

#[test]
fn the_headline_falls_only_by_a_voided_label_a_reshipment_or_a_correction() {
    for row in TRANSITIONS {
        if row.to.rank() < row.from.rank() {
            for kind in row.by {
                // Cancelling what was shipped and is being voided leaves only what never shipped.
                let cancelled_while_voiding = *kind == EventKind::Cancelled
                    && row.from == OrderState::PartiallyShipped
                    && row.to == OrderState::AwaitingShipment;
                assert!(
                    cancelled_while_voiding
                        || matches!(
                            kind,
                            EventKind::LabelVoided
                                | EventKind::UndeliverableResolved
                                | EventKind::PlatformCorrected
                        ),
                    "{} -> {} by {kind:?}",
                    row.from,
                    row.to
                );
            }
        }
    }
}

#[test]
fn applying_the_same_event_twice_changes_nothing() {
    let (order, package) = order_in(OrderState::AwaitingCollection);
    let event = Event::new(tracked(&package, &[Milestone::Accepted]), now(), Actor::Carrier);
    let once = apply(&order, &event, now()).unwrap();
    let twice = apply(&once.order, &event, now()).unwrap();
    assert!(twice.repeated);
    assert_eq!(once.order, twice.order);
}

#[test]
fn replaying_the_log_yields_the_same_order() {
    let snapshot = snapshot("log", &[("1", 2)]);
    let first = Event::once(
        Action::Imported { snapshot: Box::new(snapshot), needs_acknowledgement: true },
        now() - hours(1),
        Actor::Platform,
    );
    let mut log = vec![first];
    let mut order = orderflow::order::import(&key("log"), &log[0]).unwrap().order;
    let package = PackageId::derive(&order.key, 1);
    for action in [
        approved(),
        acknowledged(),
        allocated(&order, &[(1, &[("1", 2)])]),
        label_requested(&package),
        purchased(&package, "N-1"),
        Action::LabelPrinted { package: package.clone(), job: None },
        confirmed(&package),
        tracked(&package, &[Milestone::Accepted, Milestone::Delivered]),
    ] {
        let event = Event::new(action, now(), Actor::System);
        order = apply(&order, &event, now()).unwrap().order;
        log.push(event);
    }
    assert_eq!(replay(&key("log"), &log).unwrap(), order);
    let text = serde_json::to_string(&log).unwrap();
    let read: Vec<Event> = serde_json::from_str(&text).unwrap();
    assert_eq!(replay(&key("log"), &read).unwrap(), order);
}

#[test]
fn a_held_order_buys_no_label_and_ships_nothing_but_keeps_tracking() {
    let (order, package) = labelled("held", &[("1", 1)]);
    let held = after(order, vec![Action::HoldPlaced { hold: hold("h1") }]);
    let refused = apply(&held, &Event::new(confirmed(&package), now(), Actor::System), now());
    assert!(matches!(refused, Err(Rejected::Guard { guard: Guard::NoHold, .. })));
    let moved = after(held.clone(), vec![tracked(&package, &[Milestone::PreAdvice])]);
    assert_eq!(derive_stage(&moved, now()), Some(Stage::OnHold));
    let released = after(moved, vec![Action::HoldReleased { hold: HoldId::from_static("h1") }]);
    assert_eq!(after(released, vec![confirmed(&package)]).state(), OrderState::AwaitingCollection);
}

#[test]
fn releasing_one_hold_never_releases_another() {
    let order = after(
        imported("holds", &[("1", 1)]),
        vec![
            Action::HoldPlaced { hold: hold("h1") },
            Action::HoldPlaced { hold: hold("h2") },
            Action::HoldReleased { hold: HoldId::from_static("h1") },
        ],
    );
    assert!(order.is_held(now()));
}

#[test]
fn a_stale_view_of_the_platform_buys_no_label() {
    let order = after(imported("stale", &[("1", 1)]), vec![approved(), acknowledged()]);
    let package = PackageId::derive(&order.key, 1);
    let order = after(order.clone(), vec![allocated(&order, &[(1, &[("1", 1)])])]);
    let action = Action::LabelRequested {
        package: package.clone(),
        key: label_key(&package),
        platform_read_at: now() - hours(1),
    };
    let refused = apply(&order, &Event::new(action, now(), Actor::System), now());
    assert!(matches!(refused, Err(Rejected::Guard { guard: Guard::Fresh, .. })));
}

#[test]
fn a_scan_before_confirmation_confirms_and_tells() {
    let (order, package) = labelled("early", &[("1", 1)]);
    let scanned = after(order, vec![tracked(&package, &[Milestone::Accepted])]);
    assert_eq!(scanned.state(), OrderState::InTransit);
    let parcel = scanned.package(&package).unwrap();
    assert!(parcel.shipped.as_ref().unwrap().implicit);
    assert_eq!(parcel.upload.state, UploadState::Pending);
    assert_eq!(scanned.incidents.len(), 1);
}

#[test]
fn a_day_that_may_be_the_labels_own_is_no_earlier_parcel_and_no_mismatch() {
    // Bought at 19:30 in New York on the 3rd; the carrier says the 3rd.
    let scanned = |label: &str| {
        let (mut order, package) = labelled("1", &[("1", 1)]);
        order.packages[0].label.record.as_mut().unwrap().purchased_at = label.parse().unwrap();
        let day = "2026-03-03".parse().unwrap();
        let scan = TrackingEvent { time: EventTime::Date(day), ..scan(0, Milestone::Accepted) };
        let tracking = Action::Tracked {
            package: package.clone(),
            events: vec![scan],
            estimated_delivery: None,
        };
        after(order, vec![confirmed(&package), tracking])
    };
    let order = scanned("2026-03-04T00:30:00Z");
    assert_eq!(order.packages[0].movement.state, TransitState::Accepted);
    assert!(order.incidents.is_empty());
    let order = scanned("2026-03-05T12:00:01Z");
    assert_eq!(order.packages[0].movement.state, TransitState::NotFoundYet);
    assert_eq!(order.incidents[0].kind, ExceptionKind::StateMismatch);
}

#[test]
fn voiding_the_only_label_reopens_the_order_and_allows_another_purchase() {
    let (order, package) = labelled("void", &[("1", 1)]);
    let shipped = after(order, vec![confirmed(&package)]);
    let reopened = after(
        shipped,
        vec![
            Action::VoidRequested { package: package.clone(), reason: "wrong".into() },
            Action::LabelVoided { package: package.clone() },
        ],
    );
    assert_eq!(reopened.state(), OrderState::AwaitingShipment);
    let parcel = reopened.package(&package).unwrap();
    assert_eq!((parcel.label.state, parcel.label.voided.len()), (LabelState::Voided, 1));
    let again = after(reopened, vec![label_requested(&package), purchased(&package, "N-9")]);
    assert_eq!(again.package(&package).unwrap().label.state, LabelState::Purchased);
}

#[test]
fn a_cancellation_by_the_platform_empties_a_labelled_parcel_so_that_it_is_voided() {
    let (order, package) = labelled("gone", &[("1", 2)]);
    let event = Event::new(cancel(&[("1", 2)]), now(), Actor::Platform);
    let cancelled = apply(&order, &event, now()).unwrap();
    assert_eq!(cancelled.to, OrderState::Cancelled);
    assert!(cancelled.order.package(&package).unwrap().contents.is_empty());
    // The seller must void first.
    let event = Event::new(cancel(&[("1", 2)]), now(), Actor::System);
    assert!(matches!(apply(&order, &event, now()), Err(Rejected::Quantity { .. })));
}

#[test]
fn reconciling_what_we_know_yields_nothing() {
    let snapshot = snapshot("same", &[("1", 1)]);
    let order = import_of(&snapshot);
    assert!(reconcile(&order, &snapshot, now()).is_empty());
}

#[test]
fn an_older_snapshot_yields_nothing() {
    let mut newer = snapshot("old", &[("1", 1)]);
    newer.updated_at = Some(now());
    let order = import_of(&newer);
    let mut older = snapshot("old", &[("1", 1)]);
    older.updated_at = Some(now() - hours(1));
    older.site = Some("CA".into());
    assert!(reconcile(&order, &older, now()).is_empty());
}

fn take(order: &Order, snapshot: &orderflow::order::PlatformOrder) -> Order {
    reconcile(order, snapshot, now()).into_iter().fold(order.clone(), |order, event| {
        apply(&order, &event, now()).unwrap_or_else(|why| panic!("{:?}: {why}", event.kind())).order
    })
}

fn group(status: UnitStatus, units: u32, number: Option<&str>) -> UnitGroup {
    UnitGroup {
        status,
        units,
        shipment: number.map(|number| orderflow::order::PlatformShipment {
            collected_at: None,
            delivered_at: None,
            package: None,
            carrier: Some("Carrier".into()),
            number: Some(TrackingNumber::new(number).unwrap()),
            url: None,
            shipped_at: Some(now()),
        }),
        reason: None,
    }
}

#[test]
fn a_shipment_made_in_the_platforms_own_screens_becomes_a_parcel() {
    let base = snapshot("else", &[("1", 2)]);
    let order = import_of(&base);
    let mut shipped = base.clone();
    shipped.updated_at = Some(now());
    shipped.lines[0].units = vec![group(UnitStatus::Shipped, 2, Some("X-1"))];
    let known = take(&order, &shipped);
    assert_eq!(known.state(), OrderState::AwaitingCollection);
    assert_eq!(known.packages.len(), 1);
    assert!(reconcile(&known, &shipped, now()).is_empty());
}

#[test]
fn an_order_that_arrived_and_was_completed_in_one_word_of_the_platform_is_completed() {
    for first_seen in [false, true] {
        let base = snapshot("done", &[("1", 2)]);
        let mut done = base.clone();
        done.updated_at = Some(now());
        done.completed_at = Some(now());
        done.lines[0].units = vec![group(UnitStatus::Delivered, 2, Some("X-1"))];
        let known = if first_seen {
            let mut fresh = import_of(&done);
            fresh.platform.content_hash = String::new();
            take(&fresh, &done)
        } else {
            take(&import_of(&base), &done)
        };
        assert_eq!((known.state(), known.completed_at), (OrderState::Completed, Some(now())));
        let refused = |incident: &Incident| incident.detail.contains("E-COMPLETE");
        assert!(!known.incidents.iter().any(refused), "{:?}", known.incidents);
    }
}

#[test]
fn what_was_agreed_on_is_kept_where_the_platform_shows_nothing_for_what_was_cancelled() {
    let mut base = snapshot("nothing", &[("1", 2)]);
    base.total = usd(2599);
    let line = &mut base.lines[0];
    (line.tax, line.shipping, line.discount) = (Some(usd(100)), Some(usd(499)), Some(usd(50)));
    let order = import_of(&base);
    let mut gone = base.clone();
    gone.updated_at = Some(now());
    gone.total = usd(0);
    let line = &mut gone.lines[0];
    line.unit_price = usd(0);
    for amount in [&mut line.line_total, &mut line.tax, &mut line.shipping, &mut line.discount] {
        *amount = Some(usd(0));
    }
    line.units = vec![group(UnitStatus::Cancelled, 2, None)];
    let known = take(&order, &gone);
    assert_eq!((known.state(), known.total), (OrderState::Cancelled, usd(2599)));
    let (line, before) = (&known.lines[0], &order.lines[0]);
    assert_eq!((line.unit_price, line.line_total), (before.unit_price, before.line_total));
    assert_eq!(
        (line.tax, line.shipping, line.discount),
        (before.tax, before.shipping, before.discount)
    );
    // What is free, or dearer, is taken over as long as it is shown.
    let mut dearer = base.clone();
    dearer.updated_at = Some(now());
    dearer.total = usd(3000);
    assert_eq!(take(&order, &dearer).total, usd(3000));
}

#[test]
fn a_parcel_was_collected_and_delivered_when_the_platform_says_and_not_when_it_said_so() {
    let hours = |hours| now() - chrono::TimeDelta::hours(hours);
    let mut base = snapshot("when", &[("1", 2)]);
    base.logistics = LogisticsMode::PlatformLabel;
    let order = import_of(&base);
    let found = |collected, delivered| {
        let mut seen = base.clone();
        seen.updated_at = Some(hours(1));
        let mut units = group(UnitStatus::Delivered, 2, Some("X-1"));
        let parcel = units.shipment.as_mut().unwrap();
        (parcel.collected_at, parcel.delivered_at) = (collected, delivered);
        seen.lines[0].units = vec![units];
        let (mut moved, mut arrived) = (None, None);
        for event in reconcile(&order, &seen, now()) {
            match event.action {
                Action::Tracked { events, .. } => moved = Some(events[0].time),
                Action::DeliveredOnPlatform { delivered_at, .. } => arrived = Some(delivered_at),
                _ => {}
            }
        }
        (moved.unwrap(), arrived.unwrap())
    };
    let at = |collected, delivered| {
        (orderflow::shipment::EventTime::Instant(hours(collected)), hours(delivered))
    };
    assert_eq!(found(Some(hours(30)), Some(hours(8))), at(30, 8));
    assert_eq!(found(None, None), at(1, 1));
    // What lies in the future has not happened, also by a clock of theirs that is ahead.
    assert_eq!(found(Some(hours(-5)), Some(hours(-5))), at(1, 1));
    let mut ahead = base.clone();
    ahead.updated_at = Some(hours(-5));
    ahead.lines[0].units = vec![group(UnitStatus::Delivered, 2, Some("X-1"))];
    let arrived =
        reconcile(&order, &ahead, now()).into_iter().find_map(|event| match event.action {
            Action::DeliveredOnPlatform { delivered_at, .. } => Some(delivered_at),
            _ => None,
        });
    assert_eq!(arrived, Some(now()));
}

#[test]
fn a_parcel_of_the_platforms_moves_on_the_platforms_word_and_one_of_the_sellers_does_not() {
    let cases = [
        (LogisticsMode::PlatformLabel, OrderState::InTransit),
        (LogisticsMode::PlatformFulfilled, OrderState::InTransit),
        (LogisticsMode::SellerCarrier, OrderState::AwaitingCollection),
    ];
    for (logistics, moved) in cases {
        let mut base = snapshot("moves", &[("1", 2)]);
        base.logistics = logistics;
        let mut order = import_of(&base);
        let whole = |status: UnitStatus| vec![group(status, 2, Some("X-1"))];
        let half = vec![
            group(UnitStatus::InTransit, 1, Some("X-1")),
            group(UnitStatus::Shipped, 1, Some("X-1")),
        ];
        let said = [
            (1, whole(UnitStatus::Shipped), OrderState::AwaitingCollection),
            (2, half, OrderState::AwaitingCollection),
            (3, whole(UnitStatus::InTransit), moved),
            (4, whole(UnitStatus::InTransit), moved),
            (5, whole(UnitStatus::Delivered), OrderState::Delivered),
        ];
        for (minutes, units, state) in said {
            let mut shown = base.clone();
            shown.updated_at = Some(now() - TimeDelta::minutes(10 - minutes));
            shown.lines[0].units = units;
            order = take(&order, &shown);
            assert_eq!(order.state(), state, "{logistics:?} after {minutes} minutes");
        }
        let movement = &order.packages[0].movement;
        let told = TimeDelta::minutes(if moved == OrderState::InTransit { 7 } else { 5 });
        assert_eq!(movement.accepted_at, Some(now() - told), "{logistics:?}: told once");
        assert_eq!(movement.events.len(), usize::from(moved == OrderState::InTransit));
    }
}

#[test]
fn an_upload_that_the_platform_shows_is_over() {
    let (order, package) = labelled("seen", &[("1", 1)]);
    let sent = after(
        order,
        vec![
            confirmed(&package),
            Action::UploadStarted { package: package.clone(), key: label_key(&package) },
        ],
    );
    let mut shown = snapshot("seen", &[("1", 1)]);
    shown.updated_at = Some(now());
    shown.lines[0].units = vec![group(UnitStatus::Shipped, 1, Some("N-seen"))];
    let known = take(&sent, &shown);
    assert_eq!(known.package(&package).unwrap().upload.state, UploadState::Uploaded);
}

#[test]
fn an_uncancelled_order_comes_back() {
    let base = snapshot("back", &[("1", 1)]);
    let order = import_of(&base);
    let mut gone = base.clone();
    gone.updated_at = Some(now());
    gone.lines[0].units = vec![group(UnitStatus::Cancelled, 1, None)];
    let cancelled = take(&order, &gone);
    assert_eq!(cancelled.state(), OrderState::Cancelled);
    let mut back = base;
    back.updated_at = Some(now() + hours(1));
    let again = take(&cancelled, &back);
    assert_eq!(again.state(), OrderState::AwaitingShipment);
    assert!(reconcile(&again, &back, now()).is_empty());
}

#[test]
fn unknown_statuses_are_kept_word_for_word_and_change_no_state() {
    let mut odd = snapshot("odd", &[("1", 1)]);
    odd.lines[0].units = vec![group(UnitStatus::Unknown("Teleported".into()), 1, None)];
    let order = import_of(&odd);
    assert_eq!(order.state(), OrderState::AwaitingShipment);
    assert!(order.platform.unknown_statuses.contains("Teleported"));
    let [incident] = order.incidents.as_slice() else { panic!("{:?}", order.incidents) };
    assert_eq!(incident.kind, ExceptionKind::UnknownPlatformStatus);
    assert!(incident.detail.contains("Teleported"));
}

#[test]
fn erasing_leaves_no_personal_text_and_keeps_every_figure() {
    let (order, _) = labelled("erase", &[("1", 2)]);
    let erased = erase(&order, now());
    let text = serde_json::to_string(&erased).unwrap();
    for canary in ["Núñez", "Example Street", "Apt 4", "5550100", "relay@", "80202"] {
        assert!(!text.contains(canary), "{canary}");
    }
    assert!(text.contains("\"802\"") && text.contains("Denver"));
    assert_eq!(erased.total, order.total);
    assert_eq!(erased.state(), order.state());
    assert_eq!(erase(&erased, now() + hours(1)), erased);
    assert!(!format!("{order:?}").contains("Example Street"));
}

#[test]
fn filters_combine_with_and_and_lists_with_or() {
    let (order, _) = labelled("filter", &[("1", 1)]);
    let matches = |filter: OrderFilter| filter.matches(&order, now());
    assert!(matches(OrderFilter::default()));
    assert!(matches(OrderFilter {
        states: vec![OrderState::Cancelled, OrderState::AwaitingShipment],
        cities: vec!["DENVER".into()],
        postcode_prefixes: vec!["802".into()],
        label_printed: Some(false),
        numbers: vec![TrackingNumber::from_static("N-filter")],
        ..OrderFilter::default()
    }));
    assert!(!matches(OrderFilter {
        states: vec![OrderState::AwaitingShipment],
        cities: vec!["Boston".into()],
        ..OrderFilter::default()
    }));
    assert!(!matches(OrderFilter { held: Some(true), ..OrderFilter::default() }));
    assert!(!matches(OrderFilter { label_printed: Some(true), ..OrderFilter::default() }));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happens in whatever order: no promise about quantities breaks, and no accepted
    /// event leads to a change of the headline that the table does not have.
    #[test]
    fn random_walks_keep_every_promise(
        picks in prop::collection::vec((0_usize..EventKind::ALL.len(), 0_usize..2, any::<bool>()), 1..60),
    ) {
        let (mut order, first, second) = labelled_twice("walk");
        let packages = [first, second];
        let mut at = now();
        for (kind, package, platform) in picks {
            at += chrono::TimeDelta::seconds(1);
            let actor = if platform { Actor::Platform } else { Actor::System };
            let action = action_of(EventKind::ALL[kind], &order, &packages[package]);
            let event = Event::new(action, at, actor);
            match apply(&order, &event, now()) {
                Ok(transition) => {
                    prop_assert!(check_invariants(&transition.order).is_ok());
                    order = transition.order;
                }
                Err(Rejected::Transition { event, from, to }) => {
                    prop_assert!(false, "{event:?} leads from {from} to {to}");
                }
                Err(Rejected::Invariant(broken)) => prop_assert!(false, "{broken}"),
                Err(_) => {}
            }
        }
        for line in &order.lines {
            let counters = counters(&order, &line.id).unwrap();
            prop_assert_eq!(
                counters.open() + counters.allocated + counters.shipped + counters.cancelled,
                counters.ordered
            );
        }
    }

    /// Events of different tracks commute.
    #[test]
    fn tracks_do_not_depend_on_each_others_order(seed in any::<u64>()) {
        let (order, package) = labelled("tracks", &[("1", 1)]);
        let order = after(order, vec![confirmed(&package)]);
        let mut events: Vec<Event> = [
            Action::LabelPrinted { package: package.clone(), job: None },
            Action::HandedOver { package: package.clone() },
            tracked(&package, &[Milestone::Accepted, Milestone::OutForDelivery]),
            Action::UploadStarted { package: package.clone(), key: label_key(&package) },
        ]
        .into_iter()
        .map(|action| Event::new(action, now(), Actor::System))
        .collect();
        let apply_in = |events: &[Event]| {
            events
                .iter()
                .fold(order.clone(), |order, event| apply(&order, event, now()).unwrap().order)
        };
        let straight = apply_in(&events);
        let mut state = seed;
        for i in (1..events.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            events.swap(i, usize::try_from(state >> 33).unwrap() % (i + 1));
        }
        prop_assert_eq!(straight, apply_in(&events));
    }

    /// Reconciling twice is reconciling once, whatever the platform says.
    #[test]
    fn reconciling_is_idempotent(
        picks in prop::collection::vec((0_usize..7, 1_u32..4, prop::option::of(0_u8..3)), 1..4),
        request in any::<bool>(),
        platform in any::<bool>(),
    ) {
        let mut base = snapshot("idem", &[("1", 4)]);
        if platform {
            base.logistics = LogisticsMode::PlatformLabel;
        }
        let mut order = import_of(&base);
        let mut said = base;
        let mut left = 4_u32;
        said.lines[0].units = picks
            .iter()
            .map(|(status, units, number)| {
                let units = (*units).min(left);
                left -= units;
                let status = [
                    UnitStatus::New,
                    UnitStatus::Acknowledged,
                    UnitStatus::Shipped,
                    UnitStatus::InTransit,
                    UnitStatus::Delivered,
                    UnitStatus::Cancelled,
                    UnitStatus::Unknown("?".into()),
                ][*status].clone();
                group(status, units, number.map(|n| ["P", "Q", "R"][usize::from(n)]))
            })
            .filter(|group| group.units > 0)
            .collect();
        said.updated_at = Some(now());
        if request {
            said.cancel_request = Some(CancelRequest {
                lines: Vec::new(),
                reason: Some("changed my mind".into()),
                requested_at: None,
                respond_by: None,
            });
        }
        for event in reconcile(&order, &said, now()) {
            if let Ok(transition) = apply(&order, &event, now()) {
                order = transition.order;
            }
        }
        prop_assert!(check_invariants(&order).is_ok());
        prop_assert!(reconcile(&order, &said, now()).is_empty());
    }
}

#[test]
fn an_order_is_completed_when_its_policy_says_so_and_never_before_the_last_parcel_arrived() {
    let (order, first, second) = labelled_twice("completion");
    let moves = vec![
        confirmed(&first),
        confirmed(&second),
        tracked(&first, &[Milestone::Accepted, Milestone::Delivered]),
    ];
    let partly = after(order, moves);
    let delivered =
        after(partly.clone(), vec![tracked(&second, &[Milestone::Accepted, Milestone::Delivered])]);
    let last = now() + hours(2);
    for policy in [
        CompletionPolicy::PlatformOnly,
        CompletionPolicy::OnDelivered,
        CompletionPolicy::AfterDays(0),
        CompletionPolicy::AfterDays(3),
    ] {
        assert!(!policy.is_due(&partly, last + hours(1_000)), "{policy:?}");
    }
    assert!(!CompletionPolicy::PlatformOnly.is_due(&delivered, last + hours(1_000)));
    assert!(CompletionPolicy::OnDelivered.is_due(&delivered, last));
    let after_three = CompletionPolicy::AfterDays(3);
    assert!(!after_three.is_due(&delivered, last + hours(72) - chrono::TimeDelta::seconds(1)));
    assert!(after_three.is_due(&delivered, last + hours(72)));
    assert!(!CompletionPolicy::AfterDays(u32::MAX).is_due(&delivered, last + hours(72)));
    let completed = after(delivered, vec![Action::Completed { completed_at: last }]);
    assert!(!CompletionPolicy::OnDelivered.is_due(&completed, last));
}

#[test]
fn a_snapshot_with_two_lines_of_one_id_is_neither_imported_nor_merged() {
    use orderflow::order::{Actor, Rejected, import};
    let mut twice = snapshot("twice", &[("1", 2)]);
    let mut again = twice.lines[0].clone();
    again.quantity = 5;
    twice.lines.push(again);
    let action =
        Action::Imported { snapshot: Box::new(twice.clone()), needs_acknowledgement: true };
    let event = Event::new(action, now(), Actor::System);
    let refused = import(&key("twice"), &event);
    assert!(matches!(refused, Err(Rejected::DuplicateLine(line)) if line == line_id("1")));
    let order = imported("twice", &[("1", 2)]);
    let event = Event::new(Action::Updated { snapshot: Box::new(twice) }, now(), Actor::System);
    let refused = orderflow::order::apply(&order, &event, now());
    assert!(matches!(refused, Err(Rejected::DuplicateLine(_))), "{refused:?}");
}

fn open_mismatch(order: &Order) -> Option<&str> {
    let open = order.incidents.iter().find(|incident| {
        incident.kind == ExceptionKind::StateMismatch && incident.resolved_at.is_none()
    });
    open.map(|incident| incident.detail.as_str())
}

#[test]
fn a_quantity_that_shrinks_without_a_cancellation_holds_the_order_until_it_is_explained() {
    let first = snapshot("fewer", &[("1", 3)]);
    let order = import_of(&first);
    let mut fewer = snapshot("fewer", &[("1", 1)]);
    fewer.updated_at = Some(now());
    let held = take(&order, &fewer);
    assert!(open_mismatch(&held).is_some_and(|detail| detail.contains("fewer units")));
    assert!(held.is_held(now()));
    // The two units were cancelled: the platform says so, or a person does.
    let mut explained = fewer.clone();
    explained.updated_at = Some(now() + hours(1));
    explained.lines[0].quantity = 3;
    explained.lines[0].units =
        vec![group(UnitStatus::Cancelled, 2, None), group(UnitStatus::New, 1, None)];
    let free = take(&held, &explained);
    assert!(!free.is_held(now()));
    let cancelled = apply(&order, &Event::new(cancel(&[("1", 2)]), now(), Actor::System), now());
    let known = take(&cancelled.unwrap().order, &fewer);
    assert!(!known.is_held(now()) && open_mismatch(&known).is_none());
}

#[test]
fn a_line_that_is_replaced_by_another_holds_the_order() {
    let order = import_of(&snapshot("swap", &[("1", 1), ("2", 1)]));
    let mut swapped = snapshot("swap", &[("9", 1), ("2", 1)]);
    swapped.updated_at = Some(now());
    let held = take(&order, &swapped);
    assert!(open_mismatch(&held).is_some_and(|detail| detail.ends_with("line 1")));
    assert!(held.is_held(now()));
}

/// A snapshot of one line whose single unit stands so, some minutes after the import.
fn unit_at(id: &str, minutes: i64, status: UnitStatus, number: Option<&str>) -> PlatformOrder {
    let mut later = snapshot(id, &[("1", 1)]);
    later.updated_at = Some(now() + TimeDelta::minutes(minutes));
    later.lines[0].units = vec![group(status, 1, number)];
    later
}

#[test]
fn a_parcel_shipped_elsewhere_without_a_number_moves_and_arrives_on_the_platforms_word() {
    let mut order = import_of(&snapshot("plain", &[("1", 1)]));
    for (minutes, status, state) in [
        (1, UnitStatus::Shipped, OrderState::AwaitingCollection),
        (2, UnitStatus::InTransit, OrderState::InTransit),
        (3, UnitStatus::Delivered, OrderState::Delivered),
    ] {
        order = take(&order, &unit_at("plain", minutes, status, None));
        assert_eq!((order.state(), order.packages.len()), (state, 1));
    }
}

#[test]
fn a_parcel_shipped_elsewhere_is_known_by_its_number_also_without_its_carrier() {
    let mut two = snapshot("bare", &[("1", 2)]);
    two.updated_at = Some(now());
    let mut bare = group(UnitStatus::Shipped, 1, Some("123456789012"));
    bare.shipment.as_mut().unwrap().carrier = None;
    two.lines[0].units = vec![bare, group(UnitStatus::New, 1, None)];
    let order = take(&import_of(&snapshot("bare", &[("1", 2)])), &two);
    two.updated_at = Some(now() + hours(1));
    let again = take(&order, &two);
    assert_eq!((again.packages.len(), again.open_units(&line_id("1"))), (1, 1));
}

#[test]
fn a_parcel_that_the_platform_shows_as_returned_came_back_and_somebody_hears_of_it() {
    let number = Some("123456789012");
    let order = import_of(&snapshot("back", &[("1", 1)]));
    let moving = take(&order, &unit_at("back", 1, UnitStatus::InTransit, number));
    let back = take(&moving, &unit_at("back", 2, UnitStatus::Returned, number));
    assert_eq!(back.packages[0].movement.state, TransitState::Returned);
    assert_eq!(back.packages[0].units_of(&line_id("1")), 1);
    // One that had arrived is a return of the buyer: a person is told once and decides.
    let arrived = take(&moving, &unit_at("back", 2, UnitStatus::Delivered, number));
    let told = take(&arrived, &unit_at("back", 3, UnitStatus::Returned, number));
    let told = take(&told, &unit_at("back", 4, UnitStatus::Returned, number));
    let open: Vec<_> = told
        .incidents
        .iter()
        .filter(|incident| incident.kind == ExceptionKind::ReturnToSender)
        .map(|incident| incident.count)
        .collect();
    assert_eq!((open, told.state()), (vec![1], OrderState::Delivered));
    // One that is first seen so is not to be shipped.
    let late = take(&order, &unit_at("back", 1, UnitStatus::Returned, number));
    assert_eq!(late.open_units(&line_id("1")), 0);
}

#[test]
fn what_the_platform_says_is_wrong_is_an_incident_for_as_long_as_it_says_so() {
    let trouble = |minutes, kind: Option<ExceptionKind>| {
        let mut snapshot = unit_at("odd", minutes, UnitStatus::New, None);
        snapshot.troubles = kind
            .map(|kind| PlatformTrouble { kind, detail: "lost/by carrier".to_owned() })
            .into_iter()
            .collect();
        snapshot
    };
    let open = |order: &Order| {
        let open = order.incidents.iter().filter(|incident| incident.resolved_at.is_none());
        open.map(|incident| (incident.kind, incident.count)).collect::<Vec<_>>()
    };
    let order = import_of(&snapshot("odd", &[("1", 1)]));
    let lost = take(&order, &trouble(1, Some(ExceptionKind::PossiblyLost)));
    let lost = take(&lost, &trouble(2, Some(ExceptionKind::PossiblyLost)));
    assert_eq!(open(&lost), [(ExceptionKind::PossiblyLost, 1)]);
    let stuck = take(&lost, &trouble(3, Some(ExceptionKind::Stuck)));
    assert_eq!(open(&stuck), [(ExceptionKind::Stuck, 1)]);
    assert!(open(&take(&stuck, &trouble(4, None))).is_empty());
}
