//! Alerts, exceptions and what is done about them: worked examples, and what holds always.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics has failed, which is what it is for"
)]

mod support;

#[path = "alerts/again.rs"]
mod again;
#[path = "alerts/properties.rs"]
mod properties;

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use orderflow::order::{
    Action, AddressProblem, CancelReason, CancelledUnits, Deadline, DeadlineKind, DeadlineSource,
    ExceptionKind, Order, Payment, PaymentState, Priority, Requirements,
};
use orderflow::rules::alert::{
    Alert, AlertFact, AlertPolicy, AlertRule, FiredAlert, Fraction, Notification, OrderWatch,
    ParcelTrouble, QuietHours, ServiceDelay, ShopWatch, ShopWatchOptions, SkuReturns,
    UnansweredMessage, evaluate, evaluate_alerts, evaluate_shop, next_change,
};
use orderflow::rules::{
    Channel, ExceptionBook, ExceptionBookError, ExceptionItem, ExceptionKey, ExceptionPolicy,
    ExceptionStatus, Level, PaymentAnomaly, PrintSlots, Resolution, ResolutionAbilities,
    ResolutionRefusal, ResolutionStep, Severity, ShopTrouble, carrier_enquiries, exceptions,
    is_weight_suspicious, next_report, payment_anomaly, plan_resolution, report_times,
    shop_exceptions,
};
use orderflow::shipment::{Milestone, ServiceKey};
use orderflow::{
    CarrierId, Currency, Grams, OrderKey, PaymentId, PlatformId, ServiceCode, ShopId, ShopKey, Sku,
};
use proptest::prelude::*;
use support::*;

fn at(day: u32, hour: u32, minute: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, day, hour, minute, 0).unwrap()
}

fn minutes(minutes: i64) -> TimeDelta {
    TimeDelta::minutes(minutes)
}

fn deadline(kind: DeadlineKind, starts_at: DateTime<Utc>, at: DateTime<Utc>) -> Deadline {
    Deadline {
        kind,
        at,
        starts_at,
        source: DeadlineSource::Platform,
        version: 1,
        requires: Requirements::default(),
    }
}

/// A paid, acknowledged order with the given deadlines.
fn waiting(id: &str, deadlines: Vec<Deadline>) -> Order {
    let mut order = after(imported(id, &[("1", 2)]), vec![approved(), acknowledged()]);
    order.deadlines = deadlines;
    order
}

fn watch_of(order: &Order) -> OrderWatch {
    OrderWatch::of(order)
}

fn rules(notification: &Notification) -> Vec<AlertRule> {
    notification.alerts.iter().map(|alert| alert.rule).collect()
}

fn only(rule: AlertRule, notification: &Notification) -> &Alert {
    notification.alerts.iter().find(|alert| alert.rule == rule).unwrap()
}

#[test]
fn the_ship_by_ladder_fires_each_level_and_a_late_check_only_the_highest() {
    let ship_by = at(28, 18, 0);
    let mut order =
        waiting("1", vec![deadline(DeadlineKind::ShipBy, ship_by - hours(72), ship_by)]);
    order.paid_at = Some(ship_by - hours(20));
    let watch = watch_of(&order);
    let policy = AlertPolicy::default();
    let level = |now| {
        evaluate(&watch, &[], &policy, now)
            .map(|found| only(AlertRule::ShipBy, &found).level.unwrap())
    };
    assert_eq!(level(at(27, 17, 59)), None);
    assert_eq!(level(at(27, 18, 0)), Some(Level::L1));
    assert_eq!(level(at(28, 6, 0)), Some(Level::L2));
    assert_eq!(level(at(28, 12, 0)), Some(Level::L3));
    assert_eq!(level(at(28, 18, 0)), Some(Level::Breach));
    let late = evaluate(&watch, &[], &policy, at(28, 13, 0)).unwrap();
    let alert = only(AlertRule::ShipBy, &late);
    assert_eq!((alert.stage, alert.superseded.as_slice()), (3, [1, 2].as_slice()));
    assert_eq!(alert.channels, [Channel::Sms, Channel::Phone]);
    assert!(late.make_urgent);
    let breach = evaluate(&watch, &[], &policy, ship_by).unwrap();
    assert_eq!(breach.severity, Severity::Critical);
    assert_eq!(breach.channels, [Channel::System, Channel::Sms, Channel::Phone]);
}

#[test]
fn rules_that_fire_together_are_one_notification() {
    // 48 hours after payment with a limit of 72 hours is also the first level of the ladder.
    let paid = at(10, 9, 0);
    let mut order = waiting("1", vec![deadline(DeadlineKind::ShipBy, paid, paid + hours(72))]);
    order.paid_at = Some(paid);
    order.key.platform = PlatformId::from_static("tiktok-shop");
    let policy = AlertPolicy::preset("seeds").unwrap();
    let watch = watch_of(&order);
    assert_eq!(evaluate(&watch, &[], &policy, paid + hours(48) - minutes(1)), None);
    let found = evaluate(&watch, &[], &policy, paid + hours(48)).unwrap();
    assert_eq!(rules(&found), [AlertRule::PendingOverdue, AlertRule::ShipBy]);
    assert_eq!(found.channels, [Channel::System, Channel::Email]);
    assert_eq!(found.text().lines().count(), 2);
    // Sent once: the same look again brings nothing.
    let fired: Vec<FiredAlert> =
        found.alerts.iter().map(|alert| alert.fired(paid + hours(48))).collect();
    assert_eq!(evaluate(&watch, &fired, &policy, paid + hours(49)), None);
    let next = evaluate(&watch, &fired, &policy, paid + hours(60)).unwrap();
    assert_eq!(rules(&next), [AlertRule::ShipBy]);
    assert_eq!(only(AlertRule::ShipBy, &next).superseded, [0_u8; 0]);
}

#[test]
fn pending_and_silent_hours_differ_by_platform() {
    let policy = AlertPolicy::preset("seeds").unwrap();
    for (platform, pending, silent) in
        [("mercado-libre", 24, 48), ("tiktok-shop", 48, 72), ("elsewhere", 24, 48)]
    {
        let paid = at(10, 9, 0);
        let mut order = waiting("1", Vec::new());
        order.key.platform = PlatformId::new(platform).unwrap();
        order.paid_at = Some(paid);
        let watch = watch_of(&order);
        assert_eq!(evaluate(&watch, &[], &policy, paid + hours(pending) - minutes(1)), None);
        let found = evaluate(&watch, &[], &policy, paid + hours(pending)).unwrap();
        assert_eq!(rules(&found), [AlertRule::PendingOverdue], "{platform}");

        let (order, package) = labelled("2", &[("1", 1)]);
        let mut order = after(order, vec![confirmed(&package)]);
        order.key.platform = PlatformId::new(platform).unwrap();
        order.packages[0].upload.state = orderflow::shipment::UploadState::Uploaded;
        let shipped = order.packages[0].shipped.as_ref().unwrap().confirmed_at;
        let watch = watch_of(&order);
        let rules_at =
            |now| evaluate(&watch, &[], &policy, now).map_or(Vec::new(), |found| rules(&found));
        assert_eq!(rules_at(shipped + hours(24) - minutes(1)), []);
        assert_eq!(rules_at(shipped + hours(24)), [AlertRule::Uncollected]);
        assert!(
            !rules_at(shipped + hours(silent) - minutes(1)).contains(&AlertRule::LogisticsDelay)
        );
        assert!(rules_at(shipped + hours(silent)).contains(&AlertRule::LogisticsDelay));
    }
}

#[test]
fn a_printed_order_is_no_longer_pending() {
    let (order, package) = labelled("1", &[("1", 1)]);
    let policy = AlertPolicy::default();
    let late = now() + hours(100);
    assert!(watch_of(&order).unprinted);
    assert!(evaluate(&watch_of(&order), &[], &policy, late).is_some());
    let printed = after(order, vec![Action::LabelPrinted { package, job: None }]);
    assert!(!watch_of(&printed).unprinted);
    assert_eq!(evaluate(&watch_of(&printed), &[], &policy, late), None);
}

#[test]
fn a_missing_acknowledgement_warns_after_30_minutes_and_climbs_the_scaled_ladder() {
    let placed = now() - hours(2);
    let mut order = imported("1", &[("1", 1)]);
    order.deadlines = vec![deadline(DeadlineKind::AcknowledgeBy, placed, placed + hours(1))];
    let watch = watch_of(&order);
    let policy = AlertPolicy::default();
    let stage = |minute| {
        evaluate(&watch, &[], &policy, placed + minutes(minute))
            .map(|found| only(AlertRule::Acknowledge, &found).stage)
    };
    assert_eq!(stage(29), None);
    // 30 minutes after the order are also half of the hour: one alert, the higher stage.
    assert_eq!(stage(30), Some(2));
    assert_eq!(stage(45), Some(3));
    assert_eq!(stage(54), Some(4));
    assert_eq!(stage(60), Some(5));
    order.deadlines = vec![deadline(DeadlineKind::AcknowledgeBy, placed, placed + hours(4))];
    let watch = watch_of(&order);
    let found = evaluate(&watch, &[], &policy, placed + minutes(30)).unwrap();
    let alert = only(AlertRule::Acknowledge, &found);
    assert_eq!((alert.stage, alert.level), (1, None));
    assert_eq!(alert.channels, [Channel::System, Channel::Sms]);
    let acknowledged = after(order, vec![approved(), acknowledged()]);
    assert_eq!(evaluate(&watch_of(&acknowledged), &[], &policy, placed + hours(3)), None);
}

#[test]
fn a_missing_upload_is_noted_mailed_and_at_last_texted() {
    let (order, package) = labelled("1", &[("1", 1)]);
    let mut order = after(order, vec![confirmed(&package)]);
    let shipped = order.packages[0].shipped.as_ref().unwrap().confirmed_at;
    order.deadlines = vec![deadline(DeadlineKind::UploadTrackingBy, shipped, shipped + hours(24))];
    let watch = watch_of(&order);
    let policy = AlertPolicy::default();
    let found = |after: TimeDelta| evaluate(&watch, &[], &policy, shipped + after);
    assert_eq!(found(minutes(2)), None);
    let noted = found(minutes(2) + TimeDelta::seconds(1)).unwrap();
    assert_eq!((noted.severity, noted.channels.as_slice()), (Severity::Info, [].as_slice()));
    assert_eq!(only(AlertRule::Upload, &found(minutes(61)).unwrap()).channels, [Channel::Email]);
    let late = found(hours(18)).unwrap();
    assert_eq!(only(AlertRule::Upload, &late).channels, [Channel::Sms]);
    assert_eq!(only(AlertRule::Upload, &found(hours(24)).unwrap()).severity, Severity::Critical);
    let uploaded = after(
        order,
        vec![
            Action::UploadStarted { package: package.clone(), key: label_key(&package) },
            Action::Uploaded { package, number: None },
        ],
    );
    let quiet = evaluate(&watch_of(&uploaded), &[], &policy, shipped + hours(19));
    assert_eq!(quiet, None);
}

#[test]
fn a_parcel_that_stays_comes_back_or_is_lost_is_told_with_its_trouble() {
    let policy = AlertPolicy::default();
    let (order, package) = labelled("1", &[("1", 1)]);
    let mut order = after(order, vec![confirmed(&package)]);
    order.packages[0].upload.state = orderflow::shipment::UploadState::Uploaded;
    let case = |milestones: &[Milestone], hour: i64| {
        let order = after(order.clone(), vec![tracked(&package, milestones)]);
        let found = evaluate(&watch_of(&order), &[], &policy, now() + hours(hour))?;
        let alert = found.alerts.iter().find(|alert| alert.rule == AlertRule::Stuck)?;
        match &alert.fact {
            AlertFact::Parcel(_, trouble) | AlertFact::Silence(_, trouble, _) => Some(*trouble),
            _ => None,
        }
    };
    let moving = [Milestone::Accepted, Milestone::ArrivedHub];
    assert_eq!(case(&moving, 1 + 71), None);
    assert_eq!(case(&moving, 1 + 72), Some(ParcelTrouble::SamePlace));
    let customs = [Milestone::Accepted, Milestone::CustomsStarted];
    assert_eq!(case(&customs, 1 + 47), None);
    assert_eq!(case(&customs, 1 + 48), Some(ParcelTrouble::Customs));
    let back = [Milestone::Accepted, Milestone::ReturnStarted];
    assert_eq!(case(&back, 2), Some(ParcelTrouble::Returning));
    assert_eq!(case(&[Milestone::Accepted, Milestone::Lost], 2), Some(ParcelTrouble::Lost));
    assert_eq!(case(&[Milestone::Accepted, Milestone::Delivered], 500), None);
}

#[test]
fn what_is_found_alerts_at_once_and_again_only_when_it_happens_again() {
    let raise = |order: Order, kind| {
        after(
            order,
            vec![Action::IncidentRaised { kind, package: None, detail: "seen".to_owned() }],
        )
    };
    let policy = AlertPolicy::default();
    let order = raise(imported("1", &[("1", 1)]), ExceptionKind::BuyerUrging);
    let order = after(order, vec![approved(), acknowledged()]);
    let found = evaluate(&watch_of(&order), &[], &policy, now() + hours(1)).unwrap();
    assert_eq!(rules(&found), [AlertRule::BuyerUrging]);
    assert_eq!(found.channels, [Channel::System, Channel::Sms]);
    assert!(found.make_urgent);
    let fired = [found.alerts[0].fired(now())];
    assert_eq!(evaluate(&watch_of(&order), &fired, &policy, now() + hours(1)), None);
    let again = raise(order, ExceptionKind::BuyerUrging);
    assert!(evaluate(&watch_of(&again), &fired, &policy, now() + hours(1)).is_some());
    for (kind, rule) in [
        (ExceptionKind::Oversold, AlertRule::Oversold),
        (ExceptionKind::PaymentAnomaly, AlertRule::Payment),
        (ExceptionKind::CancelRequested, AlertRule::CancelRequest),
        (ExceptionKind::ShippingMistake, AlertRule::Mistake),
        (ExceptionKind::Address(AddressProblem::Unserviceable), AlertRule::Address),
        (ExceptionKind::OutOfStock, AlertRule::OutOfStock),
    ] {
        let order = raise(waiting("2", Vec::new()), kind);
        let found = evaluate(&watch_of(&order), &[], &policy, now() + minutes(1)).unwrap();
        assert_eq!(rules(&found), [rule], "{kind:?}");
    }
}

#[test]
fn an_unusable_address_alerts_unless_the_platform_still_hides_it_for_the_remorse_hour() {
    let policy = AlertPolicy::default();
    let mut bad = snapshot("1", &[("1", 1)]);
    bad.recipient.as_mut().unwrap().address.city = String::new();
    let order = after(import_of(&bad), vec![]);
    let found = evaluate(&watch_of(&order), &[], &policy, now()).unwrap();
    assert!(rules(&found).contains(&AlertRule::Address));
    let mut hidden = snapshot("2", &[("1", 1)]);
    hidden.recipient = None;
    hidden.holds = vec![orderflow::order::PlatformHold {
        reason: orderflow::order::HoldReason::PlatformRemorse,
        until: Some(now() + hours(1)),
    }];
    let mut order = import_of(&hidden);
    order.needs_acknowledgement = false;
    let watch = watch_of(&order);
    let over = now() + hours(1);
    assert_eq!(evaluate(&watch, &[], &policy, over - minutes(1)), None);
    assert_eq!(next_change(&watch, &[], &policy, now()), Some(over));
    // The hour ended by itself: nobody releases the hold, and still there is no address.
    let found = evaluate(&watch, &[], &policy, over).unwrap();
    assert_eq!(rules(&found), [AlertRule::Address]);
    let kinds = |at| -> Vec<ExceptionKind> {
        let found = exceptions([&order], &ExceptionPolicy::default(), at);
        found.iter().map(|item| item.kind).collect()
    };
    assert_eq!(kinds(over - minutes(1)), []);
    assert_eq!(kinds(over), [ExceptionKind::Address(AddressProblem::Incomplete)]);
    // That somebody releases it later is no news.
    let fired = [found.alerts[0].fired(over)];
    order.holds[0].released_at = Some(over + hours(2));
    assert_eq!(evaluate(&watch_of(&order), &fired, &policy, over + hours(3)), None);
}

#[test]
fn a_broken_promise_and_an_unanswered_message_alert() {
    let policy = AlertPolicy::default();
    let promise = now() + hours(10);
    let order = waiting("1", vec![deadline(DeadlineKind::DeliverBy, now(), promise)]);
    let mut watch = watch_of(&order);
    watch.unprinted = false;
    assert_eq!(evaluate(&watch, &[], &policy, promise), None);
    let found = evaluate(&watch, &[], &policy, promise + minutes(1)).unwrap();
    assert_eq!(rules(&found), [AlertRule::DeliveryOverdue]);

    let message =
        UnansweredMessage { id: "m-1".to_owned(), received_at: now(), reply_by: now() + hours(24) };
    let mut watch = watch_of(&waiting("2", Vec::new())).with_messages([message]);
    watch.unprinted = false;
    assert_eq!(evaluate(&watch, &[], &policy, now() + hours(20) - minutes(1)), None);
    let found = evaluate(&watch, &[], &policy, now() + hours(20)).unwrap();
    assert_eq!(rules(&found), [AlertRule::Reply]);
}

#[test]
fn closed_orders_tests_and_platform_shipments_are_left_alone() {
    let due = deadline(DeadlineKind::ShipBy, now(), now() + hours(1));
    let policy = AlertPolicy::default();
    let late = now() + hours(500);
    let mut test = waiting("1", vec![due.clone()]);
    test.test = true;
    assert_eq!(evaluate(&watch_of(&test), &[], &policy, late), None);
    let mut full = waiting("2", vec![due.clone()]);
    full.logistics = orderflow::order::LogisticsMode::PlatformFulfilled;
    assert_eq!(evaluate(&watch_of(&full), &[], &policy, late), None);
    let cancelled = after(
        waiting("3", vec![due]),
        vec![Action::Cancelled {
            units: vec![CancelledUnits {
                line: line_id("1"),
                units: 2,
                reason: CancelReason::OutOfStock,
                at: now(),
            }],
        }],
    );
    assert_eq!(evaluate(&watch_of(&cancelled), &[], &policy, late), None);
}

#[test]
fn a_switched_off_rule_is_silent_except_during_a_promotion() {
    let order = waiting("1", vec![deadline(DeadlineKind::ShipBy, now(), now() + hours(30))]);
    let mut policy = AlertPolicy::default();
    policy.disabled.extend([AlertRule::ShipBy, AlertRule::PendingOverdue]);
    let late = now() + hours(29);
    assert_eq!(evaluate(&watch_of(&order), &[], &policy, late), None);
    policy.promotion = true;
    assert!(evaluate(&watch_of(&order), &[], &policy, late).is_some());
    policy.channels.insert(AlertRule::PendingOverdue, vec![Channel::Phone, Channel::Phone]);
    let found = evaluate(&watch_of(&order), &[], &policy, late).unwrap();
    assert_eq!(only(AlertRule::PendingOverdue, &found).channels, [Channel::Phone]);
}

#[test]
fn the_promotion_days_of_the_print_slots_switch_every_rule_on() {
    let zone = chrono_tz::America::New_York;
    let day = "2026-11-27".parse().unwrap();
    let slots = PrintSlots::default().with_promotion(day, day);
    let mut policy = AlertPolicy::default();
    policy.disabled.insert(AlertRule::ShipBy);
    let is_on = |text: &str| {
        let at: DateTime<Utc> = text.parse().unwrap();
        policy.at(&slots, at, zone).is_on(AlertRule::ShipBy)
    };
    // The day is the shop's: it begins and ends five hours after that of UTC.
    assert!(!is_on("2026-11-27T04:59:59Z"));
    assert!(is_on("2026-11-27T05:00:00Z"));
    assert!(is_on("2026-11-28T04:59:59Z"));
    assert!(!is_on("2026-11-28T05:00:00Z"));
    assert!(!policy.is_on(AlertRule::ShipBy), "the policy itself stays");
}

#[test]
fn an_alert_is_repeated_only_while_nobody_took_notice() {
    let order = waiting("1", Vec::new());
    let watch = watch_of(&order);
    let mut policy = AlertPolicy::default();
    let first = now() + hours(40);
    let mut fired = vec![evaluate(&watch, &[], &policy, first).unwrap().alerts[0].fired(first)];
    assert_eq!(evaluate(&watch, &fired, &policy, first + hours(100)), None);
    policy.repeat_hours = Some(12);
    assert_eq!(evaluate(&watch, &fired, &policy, first + hours(12) - minutes(1)), None);
    let again = evaluate(&watch, &fired, &policy, first + hours(12)).unwrap();
    assert!(again.alerts[0].repeated);
    fired[0].acknowledged = true;
    assert_eq!(evaluate(&watch, &fired, &policy, first + hours(100)), None);
}

#[test]
fn quiet_hours_delay_mail_and_never_texts_or_calls() {
    let quiet = QuietHours {
        zone: chrono_tz::America::Mexico_City,
        from: NaiveTime::from_hms_opt(22, 0, 0).unwrap(),
        to: NaiveTime::from_hms_opt(8, 0, 0).unwrap(),
    };
    let order = waiting("1", vec![deadline(DeadlineKind::ShipBy, now(), now() + hours(72))]);
    // 23:30 in Mexico City, six hours behind.
    let night = at(11, 5, 30);
    let found = evaluate(&watch_of(&order), &[], &AlertPolicy::default(), night).unwrap();
    assert_eq!(found.send_at(Channel::Email, Some(&quiet), night), at(11, 14, 0));
    assert_eq!(found.send_at(Channel::Email, None, night), night);
    for channel in [Channel::System, Channel::Sms, Channel::Phone] {
        assert_eq!(found.send_at(channel, Some(&quiet), night), night);
    }
}

#[test]
fn a_moved_deadline_fires_anew_for_its_new_version() {
    let ship_by = now() + hours(100);
    let mut order = waiting("1", vec![deadline(DeadlineKind::ShipBy, now(), ship_by)]);
    order.paid_at = Some(now() + hours(1_000)); // keeps the overdue rule out of the way
    let policy = AlertPolicy::default();
    let seen = ship_by - hours(3);
    let found = evaluate(&watch_of(&order), &[], &policy, seen).unwrap();
    let fired = [found.alerts[0].fired(seen)];
    // Later: what lies ahead of the new instant is armed again.
    order.deadlines[0].at = ship_by + hours(40);
    order.deadlines[0].version = 2;
    let watch = watch_of(&order);
    assert_eq!(evaluate(&watch, &fired, &policy, seen), None);
    let level = |now| {
        only(AlertRule::ShipBy, &evaluate(&watch, &fired, &policy, now).unwrap()).level.unwrap()
    };
    assert_eq!(level(ship_by + hours(16)), Level::L1);
    assert_eq!(level(ship_by + hours(34)), Level::L3);
    // Earlier: at once.
    order.deadlines[0].at = seen + hours(5);
    order.deadlines[0].version = 3;
    let found = evaluate(&watch_of(&order), &fired, &policy, seen).unwrap();
    assert_eq!(only(AlertRule::ShipBy, &found).level, Some(Level::L3));
}

fn shop() -> ShopKey {
    ShopKey::new(PlatformId::from_static("market"), ShopId::from_static("shop-1"))
}

fn shop_rules(watch: &ShopWatch, now: DateTime<Utc>) -> Vec<(AlertRule, u8)> {
    let policy = AlertPolicy::default();
    evaluate_shop(watch, &[], &policy, &ShopWatchOptions::default(), now)
        .map_or(Vec::new(), |found| {
            found.alerts.iter().map(|alert| (alert.rule, alert.stage)).collect()
        })
}

#[test]
fn rates_are_compared_exactly_and_strictly() {
    let mut watch = ShopWatch::new(shop(), 10);
    for (part, whole, expected) in [
        (0, 0, vec![]),
        (1, 20, vec![]),
        (51, 1_000, vec![(AlertRule::LateRate, 1)]),
        (1, 10, vec![(AlertRule::LateRate, 1)]),
        (101, 1_000, vec![(AlertRule::LateRate, 2)]),
    ] {
        watch.late = Fraction::new(part, whole);
        assert_eq!(shop_rules(&watch, now()), expected, "{part} of {whole}");
    }
    assert_eq!(Fraction::new(1, 8).percent_text(), "12.50 %");
    assert_eq!(Fraction::new(1, 800).percent_text(), "0.13 %");
    assert_eq!(Fraction::new(u64::MAX, u64::MAX).percent_text(), "100.00 %");
    assert_eq!(Fraction::new(0, 0).percent_text(), "none");
}

#[test]
fn a_shop_that_is_silent_failing_or_refused_is_told() {
    let mut watch = ShopWatch::new(shop(), 10);
    watch.last_read_at = Some(now());
    assert_eq!(shop_rules(&watch, now() + minutes(29)), []);
    assert_eq!(shop_rules(&watch, now() + minutes(30)), [(AlertRule::Sync, 1)]);
    let mut never_read = ShopWatch::new(shop(), 10);
    never_read.watched_since = Some(now());
    assert_eq!(shop_rules(&never_read, now() + minutes(29)), []);
    assert_eq!(shop_rules(&never_read, now() + minutes(30)), [(AlertRule::Sync, 1)]);
    watch.failing = Some((now(), "stock cannot be pushed".to_owned()));
    watch.rejected_at = Some(now());
    let found = evaluate_shop(
        &watch,
        &[],
        &AlertPolicy::default(),
        &ShopWatchOptions::default(),
        now() + minutes(45),
    )
    .unwrap();
    assert_eq!((found.alerts.len(), found.severity), (3, Severity::Critical));
    let fired: Vec<FiredAlert> = found.alerts.iter().map(|alert| alert.fired(now())).collect();
    let again = evaluate_shop(
        &watch,
        &fired,
        &AlertPolicy::default(),
        &ShopWatchOptions::default(),
        now() + minutes(55),
    );
    assert_eq!(again, None);
}

#[test]
fn a_service_late_in_two_weeks_and_a_sku_that_comes_back_are_told() {
    let mut watch = ShopWatch::new(shop(), 10);
    let service = ServiceKey::new(CarrierId::from_static("c"), ServiceCode::from_static("S"));
    let delay =
        |before, last| ServiceDelay { service: service.clone(), before, last, until: now() };
    watch.services = vec![delay(Fraction::new(6, 100), Fraction::new(5, 100))];
    assert_eq!(shop_rules(&watch, now()), []);
    watch.services = vec![delay(Fraction::new(6, 100), Fraction::new(51, 1_000))];
    assert_eq!(shop_rules(&watch, now()), [(AlertRule::Carrier, 1)]);
    watch.services.clear();

    let returns = |now_: (u64, u64), before: &[(u64, u64)]| SkuReturns {
        sku: Sku::from_static("MUG"),
        now: Fraction::new(now_.0, now_.1),
        before: before.iter().map(|(part, whole)| Fraction::new(*part, *whole)).collect(),
        until: now(),
    };
    // Twice the mean and three points above it, at least five units.
    let before = [(3, 100), (3, 100), (3, 100), (3, 100)];
    assert!(returns((6, 100), &before).is_jump());
    assert!(!returns((59, 1_000), &before).is_jump());
    assert!(!returns((4, 50), &before).is_jump());
    let low = [(1, 100), (1, 100), (1, 100), (1, 100), (50, 100)];
    assert!(!returns((39, 1_000), &low).is_jump(), "three points above are 4 %");
    assert!(returns((4_000, 100_000), &low).is_jump(), "a fifth period does not count");
    assert!(!returns((90, 100), &[]).is_jump());
    assert!(returns((u64::MAX / 2, u64::MAX), &[(1, u64::MAX); 4]).is_jump());
    watch.returns = vec![returns((6, 100), &before)];
    assert_eq!(shop_rules(&watch, now()), [(AlertRule::Returns, 1)]);
}

#[test]
fn an_exception_opens_closes_by_itself_and_comes_back_as_another_occurrence() {
    let mut order = waiting("1", vec![deadline(DeadlineKind::ShipBy, now(), now() + hours(72))]);
    let policy = ExceptionPolicy::default();
    let mut book = ExceptionBook::new();
    let found = exceptions([&order], &policy, now() + hours(60));
    let changes = book.update(&found, now() + hours(60));
    assert_eq!(changes.opened.len(), 1);
    let key = changes.opened[0].clone();
    assert_eq!(key.kind, ExceptionKind::ShipAtRisk);
    assert_eq!(book.update(&found, now() + hours(61)), orderflow::rules::BookChanges::default());
    book.begin(&key, "ana", now() + hours(61)).unwrap();
    // More time: the condition is gone.
    order.deadlines[0].at = now() + hours(200);
    let changes = book.update(&exceptions([&order], &policy, now() + hours(62)), now() + hours(62));
    assert_eq!(changes.closed, std::slice::from_ref(&key));
    assert_eq!(
        book.get(&key).unwrap().status,
        ExceptionStatus::Resolved { at: now() + hours(62), by: None }
    );
    assert_eq!(
        book.begin(&key, "ana", now() + hours(62)),
        Err(ExceptionBookError::Closed { order: order.key.clone(), kind: key.kind })
    );
    assert_eq!(book.times_to_resolve(now(), now() + hours(100)), [2 * 3600]);
    let back = exceptions([&order], &policy, now() + hours(180));
    assert_eq!(book.update(&back, now() + hours(180)).opened, std::slice::from_ref(&key));
    assert_eq!(book.get(&key).unwrap().occurrences, 2);
    assert_eq!(book.dismiss(&key, "ana", "  ", now()), Err(ExceptionBookError::NoReason));
    book.dismiss(&key, "ana", "agreed with the buyer", now() + hours(181)).unwrap();
    let still = exceptions([&order], &policy, now() + hours(182));
    assert_eq!(book.update(&still, now() + hours(182)), orderflow::rules::BookChanges::default());
    let text = serde_json::to_string(&book).unwrap();
    assert_eq!(serde_json::from_str::<ExceptionBook>(&text).unwrap(), book);
}

#[test]
fn the_report_comes_at_nine_and_at_three_of_the_shops_day() {
    let zone = chrono_tz::America::Sao_Paulo;
    let next = |instant| next_report(instant, zone, &report_times()).unwrap();
    assert_eq!(next(at(10, 11, 59)), at(10, 12, 0));
    assert_eq!(next(at(10, 12, 0)), at(10, 18, 0));
    assert_eq!(next(at(10, 18, 0)), at(11, 12, 0));
    assert_eq!(next_report(now(), zone, &[]), None);
    // Samoa had no 30 December 2011.
    let apia = chrono_tz::Pacific::Apia;
    let before = Utc.with_ymd_and_hms(2011, 12, 30, 1, 30, 0).unwrap();
    let after = next_report(before, apia, &report_times()).unwrap();
    assert!(after > before && after - before < hours(24), "{after}");
    assert!(next_report(DateTime::<Utc>::MAX_UTC, zone, &report_times()).is_none());
}

#[test]
fn payments_that_contradict_an_order_are_named() {
    let mut order = imported("1", &[("1", 1)]);
    let payment = |cents, state| Payment {
        id: PaymentId::from_static("p"),
        amount: usd(cents),
        method: None,
        state,
        paid_at: None,
        refunded: usd(0),
    };
    let mut judge = |payments: Vec<Payment>, grace| {
        order.payments = payments;
        payment_anomaly(&order, grace, now() + hours(50))
    };
    assert_eq!(judge(Vec::new(), Some(0)), None);
    assert_eq!(judge(vec![payment(1_000, PaymentState::Paid)], None), None);
    assert_eq!(judge(vec![payment(1_000, PaymentState::Authorized)], None), None);
    assert_eq!(
        judge(vec![payment(1_000, PaymentState::Failed), payment(1_000, PaymentState::Paid)], None),
        None
    );
    assert_eq!(
        judge(vec![payment(1_000, PaymentState::Pending)], None),
        Some(PaymentAnomaly::Short { paid: usd(0), due: usd(1_000) })
    );
    assert_eq!(
        judge(vec![payment(1_000, PaymentState::ChargedBack)], None),
        Some(PaymentAnomaly::ChargedBack)
    );
    let mut pesos = payment(1_000, PaymentState::Paid);
    pesos.amount.currency = Currency::MXN;
    assert_eq!(judge(vec![pesos], None), Some(PaymentAnomaly::Currency));
    assert_eq!(
        judge(vec![payment(1_000, PaymentState::Paid)], Some(48)),
        Some(PaymentAnomaly::NotArrived)
    );
}

#[test]
fn every_payment_anomaly_and_wish_to_cancel_is_in_the_exception_list() {
    let mut order = imported("1", &[("1", 1)]);
    order.payments = vec![Payment {
        id: PaymentId::from_static("p"),
        amount: usd(1),
        method: None,
        state: PaymentState::Paid,
        paid_at: None,
        refunded: usd(0),
    }];
    order.cancel_request = Some(orderflow::order::CancelRequest {
        lines: Vec::new(),
        reason: None,
        requested_at: Some(now()),
        respond_by: Some(now() + hours(48)),
    });
    let kinds: Vec<ExceptionKind> = exceptions([&order], &ExceptionPolicy::default(), now())
        .iter()
        .map(|item| item.kind)
        .collect();
    assert_eq!(kinds, [ExceptionKind::CancelRequested, ExceptionKind::PaymentAnomaly]);
}

#[test]
fn troubles_of_a_shop_are_one_exception_each_with_the_last_error_and_what_to_try() {
    let trouble = |kind, error: &str, hour| ShopTrouble {
        shop: shop(),
        kind,
        error: error.to_owned(),
        request_id: Some(format!("r-{hour}")),
        at: now() + hours(hour),
    };
    let mut troubles = vec![
        trouble(ExceptionKind::SyncFailed, "no answer", 1),
        trouble(ExceptionKind::AuthRejected, "token refused", 3),
        trouble(ExceptionKind::SyncFailed, "502", 2),
    ];
    let found = shop_exceptions(&troubles);
    troubles.reverse();
    assert_eq!(found, shop_exceptions(&troubles));
    assert_eq!(found[0].kind, ExceptionKind::AuthRejected);
    assert_eq!((found[1].count, found[1].since), (2, now() + hours(1)));
    assert_eq!(found[1].detail, "502 (request r-2)");
    assert!(found[1].suggestion.contains("request id"));
}

fn everything() -> ResolutionAbilities {
    ResolutionAbilities { cancel: true, refund: true, refunds_cancelled: false, messages: true }
}

fn resolve_one(
    order: &Order,
    kind: ExceptionKind,
    resolution: &Resolution,
    abilities: ResolutionAbilities,
) -> Result<Vec<ResolutionStep>, ResolutionRefusal> {
    let package = order.packages.first().map(|package| package.id.clone());
    let item = ExceptionKey { order: order.key.clone(), kind, package };
    let orders = BTreeMap::from([(order.key.clone(), order)]);
    let find = |key: &OrderKey| orders.get(key).copied();
    plan_resolution(&[item], resolution, find, |_| abilities).remove(0).outcome
}

#[test]
fn cancelling_voids_labels_first_and_gives_back_what_is_left_of_what_was_paid() {
    let kind = ExceptionKind::OutOfStock;
    let cancel = Resolution::CancelAndRefund;
    let (mut order, package) = labelled("1", &[("1", 2)]);
    let whole = |amount| ResolutionStep::Refund { payment: None, amount };
    let steps = resolve_one(&order, kind, &cancel, everything()).unwrap();
    assert_eq!(
        steps,
        [
            ResolutionStep::VoidLabel { package: package.clone() },
            ResolutionStep::Cancel { lines: vec![(line_id("1"), 2)] },
            whole(usd(1_000)),
        ]
    );
    order.payments = vec![Payment {
        id: PaymentId::from_static("p"),
        amount: usd(1_000),
        method: None,
        state: PaymentState::PartiallyRefunded,
        paid_at: Some(now()),
        refunded: usd(400),
    }];
    let steps = resolve_one(&order, kind, &cancel, everything()).unwrap();
    assert_eq!(
        steps[2],
        ResolutionStep::Refund { payment: Some(PaymentId::from_static("p")), amount: usd(600) }
    );
    order.payments[0].refunded = usd(1_200);
    assert_eq!(
        resolve_one(&order, kind, &cancel, everything()),
        Err(ResolutionRefusal::RefundTooHigh { wanted: usd(1_200), possible: usd(1_000) })
    );
    order.payments.clear();
    let unable = ResolutionAbilities { cancel: false, ..everything() };
    assert!(matches!(
        resolve_one(&order, kind, &cancel, unable),
        Err(ResolutionRefusal::NotOnThisPlatform { .. })
    ));
    let by_platform =
        ResolutionAbilities { refund: false, refunds_cancelled: true, ..everything() };
    assert_eq!(resolve_one(&order, kind, &cancel, by_platform).unwrap().len(), 2);
    let gone = after(order, vec![confirmed(&package), tracked(&package, &[Milestone::Accepted])]);
    assert_eq!(
        resolve_one(&gone, kind, &cancel, everything()),
        Err(ResolutionRefusal::AlreadyWithCarrier { package })
    );
}

#[test]
fn a_label_whose_fate_is_unknown_stops_every_resolution_that_would_buy_or_cancel() {
    let order = after(imported("1", &[("1", 1)]), vec![approved(), acknowledged()]);
    let plan = allocated(&order, &[(1, &[("1", 1)])]);
    let package = orderflow::PackageId::derive(&order.key, 1);
    let order = after(
        order,
        vec![plan, label_requested(&package), Action::LabelUnknown { package: package.clone() }],
    );
    let refused = Err(ResolutionRefusal::LabelUnknown { package });
    for resolution in [Resolution::CancelAndRefund, Resolution::Reallocate, Resolution::Reroute] {
        let outcome = resolve_one(&order, ExceptionKind::LabelUnknown, &resolution, everything());
        assert_eq!(outcome, refused, "{resolution:?}");
    }
    assert!(
        resolve_one(&order, ExceptionKind::LabelUnknown, &Resolution::Retry, everything()).is_ok()
    );
}

#[test]
fn one_order_is_cancelled_once_however_many_exceptions_it_has() {
    let (order, package) = labelled("1", &[("1", 1)]);
    let item = |kind, package| ExceptionKey { order: order.key.clone(), kind, package };
    let unknown =
        ExceptionKey { order: key("nobody"), kind: ExceptionKind::OutOfStock, package: None };
    let items = [
        item(ExceptionKind::OutOfStock, None),
        item(ExceptionKind::AddressChangedAfterLabel, Some(package)),
        unknown,
    ];
    let orders = BTreeMap::from([(order.key.clone(), &order)]);
    let find = |key: &OrderKey| orders.get(key).copied();
    let plans = plan_resolution(&items, &Resolution::CancelAndRefund, find, |_| everything());
    assert!(plans[0].outcome.is_ok());
    assert_eq!(plans[1].outcome, Err(ResolutionRefusal::NothingToDo));
    assert_eq!(plans[2].outcome, Err(ResolutionRefusal::UnknownOrder));
}

#[test]
fn an_enquiry_is_one_message_per_carrier_with_every_number_once() {
    let shipped = |id: &str| {
        let (order, package) = labelled(id, &[("1", 1)]);
        after(order, vec![confirmed(&package)])
    };
    let orders = [shipped("b"), shipped("a")];
    let items: Vec<ExceptionKey> = orders
        .iter()
        .flat_map(|order| {
            [ExceptionKind::CarrierDelay, ExceptionKind::Stuck].map(|kind| ExceptionKey {
                order: order.key.clone(),
                kind,
                package: Some(order.packages[0].id.clone()),
            })
        })
        .collect();
    let find = |key: &OrderKey| orders.iter().find(|order| order.key == *key);
    let plans = plan_resolution(&items, &Resolution::CarrierEnquiry, find, |_| everything());
    let enquiries = carrier_enquiries(&plans);
    assert_eq!(enquiries.len(), 1);
    let numbers: Vec<&str> = enquiries[0].numbers.iter().map(|number| number.as_str()).collect();
    assert_eq!(numbers, ["N-a", "N-b"]);
    assert!(enquiries[0].text().contains("2 parcels"));
}

#[test]
fn a_correction_of_the_address_names_what_it_lacks() {
    let order = waiting("1", Vec::new());
    let kind = ExceptionKind::Address(AddressProblem::Incomplete);
    let mut contact = recipient();
    let correct = |contact: &orderflow::Contact| {
        let resolution = Resolution::CorrectAddress(Box::new(contact.clone()));
        resolve_one(&order, kind, &resolution, everything())
    };
    assert!(correct(&contact).is_ok());
    contact.address.city = "  ".to_owned();
    assert_eq!(
        correct(&contact),
        Err(ResolutionRefusal::RecipientIncomplete { field: "city".to_owned() })
    );
    let urgent = Resolution::SetPriority(Priority::Urgent);
    assert_eq!(
        resolve_one(&order, kind, &urgent, everything()),
        Ok(vec![ResolutionStep::Prioritise(Priority::Urgent)])
    );
    let blank = Resolution::Dismiss { reason: " ".to_owned() };
    assert_eq!(resolve_one(&order, kind, &blank, everything()), Err(ResolutionRefusal::NoReason));
}

#[test]
fn exceptions_of_one_order_and_kind_are_one_item() {
    let order = waiting("1", vec![deadline(DeadlineKind::ShipBy, now(), now() + hours(1))]);
    let items: Vec<ExceptionItem> =
        exceptions([&order, &order], &ExceptionPolicy::default(), now() + hours(2));
    let mut book = ExceptionBook::new();
    book.update(&items, now() + hours(2));
    assert_eq!(book.records().count(), 1);
}

#[test]
fn money_that_does_not_arrive_alerts_after_the_hours_the_shop_grants() {
    let mut order = waiting("1", Vec::new());
    order.payments = vec![Payment {
        id: PaymentId::from_static("p"),
        amount: order.total,
        method: None,
        state: PaymentState::Paid,
        paid_at: None,
        refunded: usd(0),
    }];
    let paid = order.paid_at.unwrap();
    let mut policy = ExceptionPolicy::default();
    policy.review.funds_grace_hours = Some(3);
    let alerts = |at| {
        let watch = OrderWatch::under(&order, &policy.review);
        evaluate(&watch, &[], &AlertPolicy::default(), at).map_or(Vec::new(), |found| rules(&found))
    };
    for (after, expected) in [(hours(3), false), (hours(3) + TimeDelta::seconds(1), true)] {
        let listed = exceptions([&order], &policy, paid + after);
        let is_listed = listed.iter().any(|item| item.kind == ExceptionKind::PaymentAnomaly);
        assert_eq!(
            (is_listed, alerts(paid + after).contains(&AlertRule::Payment)),
            (expected, expected)
        );
    }
    let unasked = evaluate(&watch_of(&order), &[], &AlertPolicy::default(), paid + hours(9));
    assert_eq!(unasked, None, "off by default");
}

#[test]
fn a_live_label_stops_choosing_another_warehouse_and_another_address() {
    let (order, package) = labelled("1", &[("1", 1)]);
    let kind = ExceptionKind::AddressChangedAfterLabel;
    let correct = Resolution::CorrectAddress(Box::new(recipient()));
    for resolution in [Resolution::Reallocate, Resolution::Reroute, correct] {
        assert_eq!(
            resolve_one(&order, kind, &resolution, everything()),
            Err(ResolutionRefusal::HasLabel { package: package.clone() }),
            "{resolution:?}"
        );
    }
}

#[test]
fn a_weight_is_suspicious_beyond_thirty_percent_of_ours_and_not_at_it() {
    let ours = Grams::new(1_000);
    for (theirs, expected) in
        [(700, false), (699, true), (1_300, false), (1_301, true), (1_000, false)]
    {
        assert_eq!(is_weight_suspicious(ours, Grams::new(theirs), 30), expected, "{theirs}");
    }
}
