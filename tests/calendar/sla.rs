//! Deadline rules: precedence, anchors, requirements, verdicts.

use chrono::{DateTime, TimeDelta, Utc};
use orderflow::order::{
    Action, CancelRequest, Deadline, DeadlineKind, DeadlineSource, Order, PlatformDeadline,
    Requirements, ShipTimeBasis,
};
use orderflow::rules::{
    Anchor, DueIndex, Ladder, Level, Missing, Penalty, SlaError, SlaRule, SlaRules, SlaScope, Span,
    Standing, deadlines, earliest_unmet, is_met, judge, met_at, missing, reply_deadline, warning,
};
use orderflow::shipment::Milestone;
use orderflow::{IdempotencyKey, PackageId, TrackingNumber};
use proptest::prelude::*;

use super::support::{
    after, confirmed, hours, import_of, imported, labelled, labelled_twice, now, snapshot, tracked,
};
use super::{clock, local, utc, weekdays};

use DeadlineKind as K;

fn rule(name: &str, kind: K, anchor: Anchor, span: u32) -> SlaRule {
    SlaRule {
        name: name.into(),
        scope: SlaScope::default(),
        kind,
        anchor,
        span: Span::Elapsed { hours: span },
        requires: Requirements::default(),
        penalty: None,
    }
}

fn scope(fields: [bool; 4]) -> SlaScope {
    let [platform, site, category, service] = fields;
    SlaScope {
        platform: platform.then(|| super::support::key("x").platform),
        site: site.then(|| "US".into()),
        category: category.then(|| "fragile".into()),
        service: service.then(|| "Value".into()),
    }
}

fn of_scope(name: &str, fields: [bool; 4]) -> SlaRule {
    SlaRule { scope: scope(fields), ..rule(name, K::ShipBy, Anchor::OrderPaid, 10) }
}

fn fragile() -> Order {
    let mut order = imported("scope", &[("1", 1)]);
    order.tags.insert("fragile".into());
    order
}

fn source_of(order: &Order, rules: &SlaRules) -> DeadlineSource {
    deadlines(order, &[], rules).unwrap().remove(0).source
}

#[test]
fn the_most_specific_rule_of_the_shop_comes_first_in_the_stated_order() {
    let order = fragile();
    // Platform, site, category, service.
    let stated = [
        ("platform, site, category, service", [true, true, true, true]),
        ("platform, site, service", [true, true, false, true]),
        ("platform, category", [true, false, true, false]),
        ("platform", [true, false, false, false]),
        ("any", [false; 4]),
    ];
    let mut rules = SlaRules {
        shop: stated.iter().map(|(name, fields)| of_scope(name, *fields)).collect(),
        presets: vec![of_scope("preset", [true; 4])],
    };
    for (name, _) in stated {
        assert_eq!(source_of(&order, &rules), DeadlineSource::ShopRule(name.into()));
        rules.shop.reverse();
        assert_eq!(source_of(&order, &rules), DeadlineSource::ShopRule(name.into()), "reversed");
        rules.shop.retain(|rule| rule.name != name);
    }
    assert_eq!(source_of(&order, &rules), DeadlineSource::Preset("preset".into()));
}

#[test]
fn a_rule_of_another_scope_does_not_apply() {
    let order = imported("other", &[("1", 1)]);
    for fields in [[false, false, true, false], [true, true, true, true]] {
        let rules = SlaRules { shop: vec![of_scope("fragile", fields)], presets: Vec::new() };
        assert_eq!(deadlines(&order, &[], &rules), Ok(Vec::new()));
    }
}

#[test]
fn the_platforms_value_wins_but_the_rule_still_says_what_is_required_and_what_it_costs() {
    let order = imported("own", &[("1", 1)]);
    let mut ship = rule("ship", K::ShipBy, Anchor::OrderPaid, 72);
    ship.requires.tracking = true;
    ship.penalty = Some(Penalty { kind: "rating".into(), text: "Fewer stars.".into() });
    let rules = SlaRules { shop: Vec::new(), presets: vec![ship] };
    let theirs = [
        PlatformDeadline { kind: K::ShipBy, at: now() + hours(5) },
        PlatformDeadline { kind: K::ShipBy, at: now() + hours(4) },
    ];
    let found = deadlines(&order, &theirs, &rules).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].at, &found[0].source), (now() + hours(4), &DeadlineSource::Platform));
    assert!(found[0].requires.tracking);
    assert_eq!(rules.penalty(&order, K::ShipBy).unwrap().kind, "rating");
    assert_eq!(rules.penalty(&order, K::DeliverBy), None);
}

#[test]
fn a_moved_deadline_gets_the_next_version_and_one_that_stands_keeps_its_own() {
    let mut order = imported("version", &[("1", 1)]);
    let mut at = now() + hours(10);
    for version in [1, 2, 3] {
        for _ in 0..2 {
            let theirs = [PlatformDeadline { kind: K::ShipBy, at }];
            let found = deadlines(&order, &theirs, &SlaRules::default()).unwrap();
            assert_eq!(found[0].version, version);
            order = after(order, vec![Action::DeadlinesSet { deadlines: found }]);
        }
        at += hours(1);
    }
}

#[test]
fn several_automatic_cancellations_stand_side_by_side_and_the_earliest_unmet_leads() {
    let (order, package) = labelled("cancel", &[("1", 1)]);
    let theirs = [
        PlatformDeadline { kind: K::AutoCancelUnlessShipped, at: now() + hours(20) },
        PlatformDeadline { kind: K::AutoCancelUnlessCollected, at: now() + hours(30) },
        PlatformDeadline { kind: K::AutoCancelUnlessDelivered, at: now() + hours(90) },
        PlatformDeadline { kind: K::ShipBy, at: now() + hours(24) },
    ];
    let found = deadlines(&order, &theirs, &SlaRules::default()).unwrap();
    assert_eq!(found.len(), 4);
    let order = after(order, vec![Action::DeadlinesSet { deadlines: found }]);
    let leads = |order: &Order| earliest_unmet(order).map(|deadline| deadline.kind);
    assert_eq!(leads(&order), Some(K::AutoCancelUnlessShipped));
    let order = after(order, vec![confirmed(&package)]);
    assert_eq!(leads(&order), Some(K::AutoCancelUnlessCollected));
    let order = after(order, vec![tracked(&package, &[Milestone::Accepted])]);
    assert_eq!(leads(&order), Some(K::AutoCancelUnlessDelivered));
    let order = after(order, vec![tracked(&package, &[Milestone::Accepted, Milestone::Delivered])]);
    assert_eq!(leads(&order), None);
}

#[test]
fn a_span_of_calendar_days_may_count_from_the_ship_by_deadline_whoever_set_it() {
    let zone = chrono_tz::America::Los_Angeles;
    let mut cancel = rule("cancel", K::AutoCancelUnlessShipped, Anchor::ShipBy, 0);
    cancel.span = Span::CalendarDays { days: 4, zone, end_of_day: None };
    let loops = SlaRule {
        scope: scope([true; 4]),
        ..rule("ship-by of itself", K::ShipBy, Anchor::ShipBy, 1)
    };
    let rules = SlaRules {
        shop: vec![cancel, loops],
        presets: vec![rule("ship", K::ShipBy, Anchor::OrderPaid, 72)],
    };
    let mut order = fragile();
    let at = |order: &Order, theirs: &[PlatformDeadline], kind| {
        deadlines(order, theirs, &rules)
            .unwrap()
            .into_iter()
            .find(|deadline| deadline.kind == kind)
            .map(|deadline| deadline.at)
    };
    // Over the change of clocks on 8 March the local time stays.
    let theirs = [PlatformDeadline { kind: K::ShipBy, at: local(zone, "2026-03-06T23:59:59") }];
    assert_eq!(
        at(&order, &theirs, K::AutoCancelUnlessShipped),
        Some(local(zone, "2026-03-10T23:59:59"))
    );
    let paid = order.paid_at.unwrap();
    assert_eq!(at(&order, &[], K::ShipBy), Some(paid + hours(72)));
    assert!(at(&order, &[], K::AutoCancelUnlessShipped).is_some());
    order.paid_at = None;
    assert_eq!(at(&order, &[], K::AutoCancelUnlessShipped), None);
}

#[test]
fn calendar_days_may_end_at_a_stated_time_of_the_last_day() {
    let zone = chrono_tz::America::New_York;
    let span = Span::CalendarDays { days: 2, zone, end_of_day: Some(clock(18, 0, 0)) };
    let due = span.after(local(zone, "2026-03-06T23:00:00")).unwrap();
    assert_eq!(due, local(zone, "2026-03-08T18:00:00"));
}

#[test]
fn days_told_as_hours_are_elapsed_time_and_ignore_calendars() {
    let friday = utc("2026-03-06T12:00:00Z");
    let days_as_hours = [(2, 48), (3, 72), (7, 168)];
    for (days, hours) in days_as_hours {
        assert_eq!(Span::Elapsed { hours }.after(friday), Ok(friday + TimeDelta::days(days)));
    }
}

#[test]
fn every_anchor_counts_from_its_own_fact() {
    let (order, package) = labelled("anchors", &[("1", 1)]);
    let order = after(order, vec![confirmed(&package)]);
    let shipped_at = order.packages[0].shipped.as_ref().unwrap().confirmed_at;
    let request = cancel_request(Some(now() - hours(1)), None);
    let order = Order { cancel_request: Some(request), ..order };
    let facts = [
        (Anchor::OrderCreated, Some(order.placed_at)),
        (Anchor::OrderPaid, order.paid_at),
        (Anchor::Acknowledged, order.acknowledged_at),
        (Anchor::ShipConfirmed, Some(shipped_at)),
        (Anchor::CancelRequested, Some(now() - hours(1))),
        (Anchor::MessageReceived, None),
    ];
    for (anchor, fact) in facts {
        let rules =
            SlaRules { shop: vec![rule("r", K::DeliverBy, anchor, 5)], presets: Vec::new() };
        let found = deadlines(&order, &[], &rules).unwrap();
        assert_eq!(found.first().map(|deadline| deadline.at), fact.map(|at| at + hours(5)));
        assert_eq!(found.first().map(|deadline| deadline.starts_at), fact);
    }
}

fn cancel_request(
    requested_at: Option<DateTime<Utc>>,
    respond_by: Option<DateTime<Utc>>,
) -> CancelRequest {
    CancelRequest { lines: Vec::new(), reason: None, requested_at, respond_by }
}

#[test]
fn the_time_the_platform_leaves_to_answer_a_wish_to_cancel_counts_while_the_wish_is_open() {
    let mut order = imported("wish", &[("1", 1)]);
    let answer = rule("answer", K::RespondToCancelBy, Anchor::CancelRequested, 48);
    let rules = SlaRules { shop: vec![answer], presets: Vec::new() };
    order.cancel_request = Some(cancel_request(Some(now()), None));
    let found = deadlines(&order, &[], &rules).unwrap().remove(0);
    assert_eq!(
        (found.at, found.source),
        (now() + hours(48), DeadlineSource::ShopRule("answer".into()))
    );
    order.cancel_request = Some(cancel_request(Some(now()), Some(now() + hours(24))));
    let found = deadlines(&order, &[], &rules).unwrap();
    assert_eq!((found[0].at, found[0].starts_at), (now() + hours(24), now()));
    assert_eq!(missing(&order, K::RespondToCancelBy), [Missing::CancelAnswer]);
    // Stored from before, but answered since.
    let stored = [PlatformDeadline { kind: K::RespondToCancelBy, at: found[0].at }];
    order.cancel_request = None;
    assert_eq!(deadlines(&order, &stored, &rules), Ok(Vec::new()));
    assert!(is_met(&order, K::RespondToCancelBy));
}

#[test]
fn a_rule_that_cannot_answer_costs_neither_its_deadline_nor_the_others() {
    let order = imported("fault", &[("1", 1)]);
    let absurd = |name: &str, kind| rule(name, kind, Anchor::OrderPaid, u32::MAX);
    let mut idle = weekdays(chrono_tz::UTC);
    idle.working_weekdays = [false; 7];
    let never = Span::BusinessDays {
        days: 2,
        calendar: Box::new(idle),
        end_of_day: orderflow::calendar::END_OF_DAY,
    };
    let rules = SlaRules {
        shop: vec![
            absurd("forever", K::ShipBy),
            SlaRule { span: never, ..rule("never", K::CollectBy, Anchor::OrderPaid, 0) },
            rule("deliver", K::DeliverBy, Anchor::ShipBy, 48),
        ],
        presets: vec![rule("usual", K::ShipBy, Anchor::OrderPaid, 24)],
    };
    let error: SlaError = deadlines(&order, &[], &rules).unwrap_err();
    let paid = order.paid_at.unwrap();
    let found: Vec<_> = error.deadlines.iter().map(|due| (due.kind, due.at)).collect();
    assert_eq!(found, [(K::ShipBy, paid + hours(24)), (K::DeliverBy, paid + hours(72))]);
    let faults: Vec<_> = error.faults.iter().map(|fault| (&fault.source, fault.kind)).collect();
    let of = |name: &str| DeadlineSource::ShopRule(name.into());
    assert_eq!(faults, [(&of("forever"), K::ShipBy), (&of("never"), K::CollectBy)]);
    let text = error.to_string();
    assert!(text.contains("`forever`") && text.contains("`never`"), "{text}");

    // What an order has already stays, until a rule can answer again.
    let mut known = order.clone();
    known.deadlines = deadlines(
        &order,
        &[],
        &SlaRules {
            shop: vec![rule("collect", K::CollectBy, Anchor::OrderPaid, 9)],
            ..SlaRules::default()
        },
    )
    .unwrap();
    let kinds: Vec<_> = error.deadlines_for(&known).iter().map(|due| due.kind).collect();
    assert_eq!(kinds, [K::ShipBy, K::CollectBy, K::DeliverBy]);
    assert_eq!(error.deadlines_for(&order), error.deadlines);
}

#[test]
fn nothing_is_due_before_what_it_counts_from() {
    let midnight = clock(0, 0, 0);
    let zone = chrono_tz::America::New_York;
    let anchor = local(zone, "2026-03-04T13:00:00");
    let calendar = Box::new(weekdays(zone));
    let business = Span::BusinessDays { days: 0, calendar, end_of_day: midnight };
    let calendar_days = Span::CalendarDays { days: 0, zone, end_of_day: Some(clock(9, 0, 0)) };
    for span in [business, calendar_days] {
        assert_eq!(span.after(anchor), Ok(anchor), "{span:?}");
    }
}

#[test]
fn of_two_rules_of_one_name_and_scope_the_shorter_counts() {
    let order = imported("twins", &[("1", 1)]);
    let twins = [72, 24, 48].map(|span| rule("twin", K::ShipBy, Anchor::OrderPaid, span)).to_vec();
    let rules = SlaRules { shop: twins, presets: Vec::new() };
    let found = deadlines(&order, &[], &rules).unwrap();
    assert_eq!(found[0].at, order.paid_at.unwrap() + hours(24));
}

#[test]
fn a_reply_is_due_per_message() {
    let order = imported("reply", &[("1", 1)]);
    let preset = rule("reply-24h", K::ReplyBy, Anchor::MessageReceived, 24);
    let own = rule("reply-6h", K::ReplyBy, Anchor::MessageReceived, 6);
    let mut rules = SlaRules { shop: Vec::new(), presets: vec![preset] };
    assert_eq!(deadlines(&order, &[], &rules), Ok(Vec::new()));
    let due = reply_deadline(&order, now(), &rules).unwrap().unwrap();
    assert_eq!((due.kind, due.at, due.starts_at), (K::ReplyBy, now() + hours(24), now()));
    rules.shop.push(own);
    let due = reply_deadline(&order, now(), &rules).unwrap().unwrap();
    assert_eq!(due.source, DeadlineSource::ShopRule("reply-6h".into()));
    assert_eq!(reply_deadline(&order, now(), &SlaRules::default()), Ok(None));
}

#[test]
fn a_reply_rule_that_cannot_answer_is_passed_over_for_the_next_one() {
    let order = imported("reply", &[("1", 1)]);
    let mut never = weekdays(chrono_tz::UTC);
    never.working_weekdays = [false; 7];
    let span =
        Span::BusinessDays { days: 1, calendar: Box::new(never), end_of_day: clock(17, 0, 0) };
    let broken = SlaRule { span, ..rule("never", K::ReplyBy, Anchor::MessageReceived, 1) };
    let preset = rule("reply-24h", K::ReplyBy, Anchor::MessageReceived, 24);
    let mut rules = SlaRules { shop: vec![broken], presets: vec![preset] };
    let due = reply_deadline(&order, now(), &rules).unwrap().unwrap();
    assert_eq!(due.source, DeadlineSource::Preset("reply-24h".into()));
    rules.presets.clear();
    assert!(reply_deadline(&order, now(), &rules).is_err());
}

fn uploaded(package: &PackageId, number: &str) -> Vec<Action> {
    vec![
        Action::UploadStarted {
            package: package.clone(),
            key: IdempotencyKey::derive(&["upload", package.as_str()]),
        },
        Action::Uploaded {
            package: package.clone(),
            number: Some(TrackingNumber::new(number).unwrap()),
        },
    ]
}

fn due(kind: K, at: DateTime<Utc>, requires: Requirements) -> Deadline {
    Deadline {
        kind,
        at,
        starts_at: at - hours(72),
        source: DeadlineSource::Platform,
        version: 1,
        requires,
    }
}

fn with(order: Order, deadline: Deadline) -> Order {
    after(order, vec![Action::DeadlinesSet { deadlines: vec![deadline] }])
}

#[test]
fn every_active_unit_must_be_confirmed_before_an_order_counts_as_shipped() {
    let (order, first, second) = labelled_twice("units");
    assert_eq!(missing(&order, K::ShipBy), [Missing::Shipment { units: 3 }]);
    let order = after(order, vec![confirmed(&first)]);
    assert_eq!(missing(&order, K::ShipBy), [Missing::Shipment { units: 2 }]);
    assert_eq!(Missing::Shipment { units: 2 }.to_string(), "2 units have not shipped");
    assert_eq!(met_at(&order, K::ShipBy), None);
    let order = after(order, vec![confirmed(&second)]);
    assert!(is_met(&order, K::ShipBy));
    let last = order.package(&second).unwrap().shipped.as_ref().unwrap().confirmed_at;
    assert_eq!(met_at(&order, K::ShipBy), Some(last), "the last parcel decides");
}

#[test]
fn where_tracking_is_required_the_number_must_reach_the_platform_by_the_deadline() {
    let (order, package) = labelled("tracking", &[("1", 1)]);
    let tracking = Requirements { tracking: true, ..Requirements::default() };
    let order =
        after(with(order, due(K::ShipBy, now() + hours(9), tracking)), vec![confirmed(&package)]);
    assert_eq!(missing(&order, K::ShipBy), [Missing::Tracking { package: package.clone() }]);
    assert_eq!(earliest_unmet(&order).map(|deadline| deadline.kind), Some(K::ShipBy));
    let order = after(order, uploaded(&package, "N-tracking"));
    assert!(is_met(&order, K::ShipBy));
    let uploaded_at = order.packages[0].upload.uploaded_at.unwrap();
    assert!(uploaded_at > order.packages[0].shipped.as_ref().unwrap().confirmed_at);
    assert_eq!(met_at(&order, K::ShipBy), Some(uploaded_at));
    // Exactly then is in time; a second earlier it would have been late.
    let standing = |at| judge(&order, &due(K::ShipBy, at, tracking), now() + hours(50)).standing;
    assert_eq!(standing(uploaded_at), Standing::InTime);
    let second = TimeDelta::seconds(1);
    assert_eq!(standing(uploaded_at - second), Standing::Late { by: second });
}

#[test]
fn the_first_scan_may_be_what_counts_as_shipped() {
    let (order, package) = labelled("scan", &[("1", 1)]);
    let scan =
        Requirements { ship_time_basis: ShipTimeBasis::CarrierAccepted, ..Requirements::default() };
    let order =
        after(with(order, due(K::ShipBy, now() + hours(9), scan)), vec![confirmed(&package)]);
    assert_eq!(missing(&order, K::ShipBy), [Missing::Collection { package: package.clone() }]);
    let order = after(order, vec![tracked(&package, &[Milestone::Accepted])]);
    assert_eq!(met_at(&order, K::ShipBy), Some(now() + hours(1)));
    let usual = with(order, due(K::ShipBy, now() + hours(9), Requirements::default()));
    assert!(met_at(&usual, K::ShipBy) < Some(now() + hours(1)));
}

#[test]
fn a_verdict_says_how_a_deadline_stands_and_what_is_missing() {
    let (order, package) = labelled("verdict", &[("1", 1)]);
    let deadline = due(K::ShipBy, now() + hours(2), Requirements::default());
    let open = with(order, deadline.clone());
    let verdict = judge(&open, &deadline, now());
    assert_eq!(verdict.standing, Standing::Open { left: hours(2) });
    assert_eq!(verdict.to_string(), "open, 120 minutes left; 1 unit has not shipped");
    // The instant itself is a breach for what is not done, and in time for what is.
    assert_eq!(judge(&open, &deadline, deadline.at).standing, Standing::Missed { since: hours(0) });
    assert_eq!(
        judge(&open, &deadline, deadline.at + hours(1)).to_string(),
        "missed 60 minutes ago; 1 unit has not shipped"
    );
    let shipped = after(open, vec![confirmed(&package)]);
    let at = met_at(&shipped, K::ShipBy).unwrap();
    let verdict = judge(&shipped, &deadline, now() + hours(9));
    assert_eq!((verdict.standing, verdict.met_at), (Standing::InTime, Some(at)));
    assert_eq!(verdict.to_string(), "met in time");
    // Looking back to before it was done.
    assert_eq!(judge(&shipped, &deadline, at - TimeDelta::seconds(1)).met_at, None);
}

#[test]
fn payment_acknowledgement_upload_collection_and_delivery_are_met_at_their_own_instants() {
    let mut unpaid = snapshot("unpaid", &[("1", 1)]);
    unpaid.paid_at = None;
    let unpaid = import_of(&unpaid);
    assert_eq!(missing(&unpaid, K::PayBy), [Missing::Payment]);
    assert_eq!(missing(&unpaid, K::AutoCancelUnlessAcknowledged), [Missing::Acknowledgement]);
    let (order, package) = labelled("instants", &[("1", 1)]);
    assert_eq!(met_at(&order, K::AutoCancelUnlessPaid), order.paid_at);
    assert_eq!(met_at(&order, K::AcknowledgeBy), Some(now()));
    let order = after(order, vec![confirmed(&package)]);
    assert_eq!(
        missing(&order, K::UploadTrackingBy),
        [Missing::Tracking { package: package.clone() }]
    );
    assert_eq!(missing(&order, K::CollectBy), [Missing::Collection { package: package.clone() }]);
    assert_eq!(missing(&order, K::DeliverBy), [Missing::Delivery]);
    let order = after(order, uploaded(&package, "N-instants"));
    assert_eq!(met_at(&order, K::UploadTrackingBy), order.packages[0].upload.uploaded_at);
    let order = after(order, vec![tracked(&package, &[Milestone::Accepted, Milestone::Delivered])]);
    assert_eq!(met_at(&order, K::CollectBy), Some(now() + hours(1)));
    assert_eq!(met_at(&order, K::DeliverBy), Some(now() + hours(2)));
}

#[test]
fn deadlines_stored_before_requirements_are_still_read() {
    let text = r#"{"kind":"ship_by","at":"2026-03-04T15:00:00Z","starts_at":"2026-03-01T15:00:00Z",
        "source":"platform","version":1}"#;
    let deadline: Deadline = serde_json::from_str(text).unwrap();
    assert!(deadline.requires.is_usual());
    assert!(!serde_json::to_string(&deadline).unwrap().contains("requires"));
    let tracking = Requirements { tracking: true, ..Requirements::default() };
    let asked = due(K::ShipBy, now(), tracking);
    let again = serde_json::from_str(&serde_json::to_string(&asked).unwrap());
    assert_eq!(again.ok(), Some(asked));
}

#[test]
fn the_worked_example_of_the_ladder_fires_each_level_at_its_second() {
    let mut deadline = due(K::ShipBy, utc("2026-11-28T18:00:00Z"), Requirements::default());
    let level = |deadline: &Deadline, at: &str| {
        warning(&Ladder::default(), deadline, utc(at), None).map(|warning| warning.level)
    };
    for (at, expected) in [
        ("2026-11-27T17:59:59Z", None),
        ("2026-11-27T18:00:00Z", Some(Level::L1)),
        ("2026-11-28T05:59:59Z", Some(Level::L1)),
        ("2026-11-28T06:00:00Z", Some(Level::L2)),
        ("2026-11-28T12:00:00Z", Some(Level::L3)),
        ("2026-11-28T13:00:00Z", Some(Level::L3)),
        ("2026-11-28T17:59:59Z", Some(Level::L3)),
        ("2026-11-28T18:00:00Z", Some(Level::Breach)),
    ] {
        assert_eq!(level(&deadline, at), expected, "{at}");
    }
    // An acknowledgement due within one hour: 30, 15 and 6 minutes left.
    deadline.starts_at = deadline.at - hours(1);
    for (at, expected) in [
        ("2026-11-28T17:29:59Z", None),
        ("2026-11-28T17:30:00Z", Some(Level::L1)),
        ("2026-11-28T17:45:00Z", Some(Level::L2)),
        ("2026-11-28T17:54:00Z", Some(Level::L3)),
    ] {
        assert_eq!(level(&deadline, at), expected, "{at}");
    }
}

#[test]
fn a_rule_of_business_days_is_written_as_data() {
    let zone = chrono_tz::America::New_York;
    let text = r#"{"name":"two days","kind":"ship_by","anchor":"order_paid","requires":{"tracking":true},
        "span":{"business_days":{"days":2,"calendar":{"zone":"America/New_York",
        "working_weekdays":[true,true,true,true,true,false,false],"holiday_calendar":"US",
        "cutoff":"14:00:00"}}}}"#;
    let rule: SlaRule = serde_json::from_str(text).unwrap();
    assert_eq!(
        rule.span.after(local(zone, "2026-03-06T12:00:00")),
        weekdays(zone).deadline_after(
            local(zone, "2026-03-06T12:00:00"),
            2,
            orderflow::calendar::END_OF_DAY
        )
    );
    assert!(rule.requires.tracking);
    let error = serde_json::from_str::<SlaRule>(&text.replace("anchor", "ancor")).unwrap_err();
    assert!(error.to_string().contains("ancor"), "{error}");
}

fn any_rule() -> impl Strategy<Value = SlaRule> {
    let kind = prop::sample::select(vec![K::ShipBy, K::DeliverBy, K::ReplyBy]);
    let anchor = prop::sample::select(vec![
        Anchor::OrderPaid,
        Anchor::OrderCreated,
        Anchor::ShipBy,
        Anchor::MessageReceived,
    ]);
    let span = prop_oneof![
        (1_u32..4).prop_map(|days| Span::Elapsed { hours: 24 * days }),
        (1_u32..4).prop_map(|days| Span::CalendarDays {
            days,
            zone: chrono_tz::UTC,
            end_of_day: None
        }),
        (0_u32..4).prop_map(|days| Span::BusinessDays {
            days,
            calendar: Box::new(weekdays(chrono_tz::UTC)),
            end_of_day: clock(18, 0, 0),
        }),
        Just(Span::Elapsed { hours: u32::MAX }),
    ];
    let name = prop::sample::select(vec!["a", "b"]);
    (name, kind, anchor, span, any::<[bool; 2]>(), any::<bool>(), 0_u8..3).prop_map(
        |(name, kind, anchor, span, [site, service], tracking, penalty)| SlaRule {
            scope: scope([false, site, false, service]),
            span,
            requires: Requirements { tracking, ..Requirements::default() },
            penalty: (penalty > 0)
                .then(|| Penalty { kind: format!("p{penalty}"), text: String::new() }),
            ..rule(name, kind, anchor, 1)
        },
    )
}

/// Rules, and the same in another order.
fn shuffled_rules() -> impl Strategy<Value = (Vec<SlaRule>, Vec<SlaRule>)> {
    prop::collection::vec(any_rule(), 0..10)
        .prop_flat_map(|rules| (Just(rules.clone()), Just(rules).prop_shuffle()))
}

proptest! {
    #[test]
    fn the_order_in_which_rules_are_listed_changes_nothing(
        shop in shuffled_rules(), presets in shuffled_rules(), platform in any::<bool>(),
    ) {
        let order = imported("shuffled", &[("1", 1)]);
        let listed = SlaRules { shop: shop.0, presets: presets.0 };
        let shuffled = SlaRules { shop: shop.1, presets: presets.1 };
        let theirs = PlatformDeadline { kind: K::ShipBy, at: now() };
        let platform = if platform { vec![theirs] } else { Vec::new() };
        prop_assert_eq!(
            deadlines(&order, &platform, &listed),
            deadlines(&order, &platform, &shuffled)
        );
        prop_assert_eq!(
            reply_deadline(&order, now(), &listed),
            reply_deadline(&order, now(), &shuffled)
        );
        for kind in [K::ShipBy, K::DeliverBy, K::ReplyBy] {
            prop_assert_eq!(listed.penalty(&order, kind), shuffled.penalty(&order, kind));
        }
    }

    #[test]
    fn deadlines_do_not_depend_on_the_order_of_rules_and_values(
        hours_of in prop::collection::vec(0_u32..200, 5), rotate in 0_usize..5, late in 0_i64..90,
    ) {
        let order = fragile();
        let all: Vec<SlaRule> = hours_of
            .iter()
            .enumerate()
            .map(|(index, span)| SlaRule {
                scope: scope([index & 1 == 0, index & 2 == 0, index == 4, index > 2]),
                name: format!("r{index}"),
                ..rule("", if index == 3 { K::DeliverBy } else { K::ShipBy }, Anchor::OrderPaid, *span)
            })
            .collect();
        let theirs = vec![
            PlatformDeadline { kind: K::CollectBy, at: now() + hours(late) },
            PlatformDeadline { kind: K::CollectBy, at: now() },
            PlatformDeadline { kind: K::PayBy, at: now() },
        ];
        let rules = SlaRules { shop: all.clone(), presets: all };
        let straight = deadlines(&order, &theirs, &rules).unwrap();
        let (mut turned, mut values) = (rules, theirs);
        turned.shop.rotate_left(rotate);
        turned.presets.reverse();
        values.rotate_left(rotate % 3);
        prop_assert_eq!(&straight, &deadlines(&order, &values, &turned).unwrap());
        prop_assert!(straight.iter().zip(straight.iter().skip(1)).all(|(a, b)| a.kind < b.kind));
    }

    #[test]
    fn an_index_of_due_instants_lists_what_a_scan_finds(
        entries in prop::collection::vec((0_u8..40, 0_i64..100), 0..80),
        removed in prop::collection::vec(0_u8..40, 0..10),
        span in 0_i64..100,
    ) {
        let mut index = DueIndex::new();
        let mut plain = std::collections::BTreeMap::new();
        for (key, at) in entries {
            prop_assert_eq!(index.insert(key, now() + hours(at)), plain.insert(key, now() + hours(at)));
        }
        for key in removed {
            prop_assert_eq!(index.remove(&key), plain.remove(&key));
        }
        let mut expected: Vec<_> =
            plain.iter().filter(|(_, at)| **at <= now() + hours(span)).map(|(key, at)| (*at, *key)).collect();
        expected.sort_unstable();
        let found: Vec<_> = index.due_within(now(), hours(span)).map(|(key, at)| (at, *key)).collect();
        prop_assert_eq!(found, expected);
        prop_assert_eq!(index.len(), plain.len());
        let rebuilt: DueIndex<u8> = plain.into_iter().collect();
        prop_assert_eq!(rebuilt.first(), index.first());
    }
}
