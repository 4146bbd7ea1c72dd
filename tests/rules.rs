//! The rules: worked examples with their numbers, and what holds whatever the input.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics has failed, which is what it is for"
)]

#[path = "rules/allocation.rs"]
mod allocation;
mod support;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use orderflow::calendar::WorkCalendar;
use orderflow::order::{
    Action, AddressProblem, Deadline, DeadlineKind, DeadlineSource, ExceptionKind, LogisticsMode,
    Order, PlatformDeadline, PlatformOrder, Requirements, Review,
};
use orderflow::rules::{
    self, AllocationPolicy, AllocationPreference, Anchor, ExceptionPolicy, Finding, Fired, Ladder,
    Level, ReviewContext, ReviewPolicy, ReviewVerdict, SlaRule, SlaRules, SlaScope, Span,
    WarehouseRejection, allocate, dashboard, deadlines, exceptions, may_acknowledge, review,
    validate, warning,
};
use orderflow::shipment::Milestone;
use orderflow::warehouse::{FulfillmentChannel, StockView, Warehouse};
use orderflow::{Address, Currency, Grams, Money, PackageId, Sku, WarehouseId};
use proptest::prelude::*;
use support::*;

fn calendar() -> WorkCalendar {
    WorkCalendar::weekdays(chrono_tz::America::New_York, NaiveTime::from_hms_opt(14, 0, 0).unwrap())
}

fn warehouse(id: &str) -> Warehouse {
    Warehouse {
        id: WarehouseId::new(id).unwrap(),
        channel: FulfillmentChannel::MerchantFulfilled,
        sender: recipient(),
        calendar: calendar(),
        enabled: true,
        platforms: BTreeSet::new(),
        countries: BTreeSet::new(),
        capacity_left: None,
        unit_cost: None,
        transit_days: BTreeMap::new(),
        priority: 0,
    }
}

fn stock(entries: &[(&str, &str, i64)]) -> StockView {
    let mut view = StockView::new();
    for (warehouse, sku, units) in entries {
        view.set(WarehouseId::new(*warehouse).unwrap(), Sku::new(*sku).unwrap(), *units);
    }
    view
}

fn ladder_deadline(hours_of_span: i64) -> Deadline {
    let at = Utc.with_ymd_and_hms(2026, 11, 28, 18, 0, 0).unwrap();
    Deadline {
        kind: DeadlineKind::ShipBy,
        at,
        starts_at: at - hours(hours_of_span),
        source: DeadlineSource::Platform,
        version: 1,
        requires: Requirements::default(),
    }
}

#[test]
fn the_ladder_fires_at_24_12_and_6_hours_and_at_the_deadline() {
    let (ladder, deadline) = (Ladder::default(), ladder_deadline(72));
    let level = |day, hour, minute, second| {
        ladder.level(&deadline, Utc.with_ymd_and_hms(2026, 11, day, hour, minute, second).unwrap())
    };
    assert_eq!(level(27, 17, 59, 59), None);
    assert_eq!(level(27, 18, 0, 0), Some(Level::L1));
    assert_eq!(level(28, 6, 0, 0), Some(Level::L2));
    assert_eq!(level(28, 12, 0, 0), Some(Level::L3));
    assert_eq!(level(28, 18, 0, 0), Some(Level::Breach));
}

#[test]
fn one_hour_to_acknowledge_warns_at_30_15_and_6_minutes() {
    let (ladder, deadline) = (Ladder::default(), ladder_deadline(1));
    let left = |minutes| ladder.level(&deadline, deadline.at - TimeDelta::minutes(minutes));
    assert_eq!(left(31), None);
    assert_eq!(left(30), Some(Level::L1));
    assert_eq!(left(15), Some(Level::L2));
    assert_eq!(left(6), Some(Level::L3));
}

#[test]
fn a_moved_deadline_arms_the_ladder_again() {
    let (ladder, mut deadline) = (Ladder::default(), ladder_deadline(72));
    let fired = Some(Fired { version: 1, level: Level::L3 });
    let now = deadline.at - hours(5);
    assert_eq!(warning(&ladder, &deadline, now, fired), None);
    deadline.at += hours(10);
    deadline.version = 2;
    assert_eq!(warning(&ladder, &deadline, now, fired).unwrap().level, Level::L1.max(Level::L1));
}

fn rule(name: &str, scope: SlaScope, span: u32) -> SlaRule {
    SlaRule {
        name: name.into(),
        scope,
        kind: DeadlineKind::ShipBy,
        anchor: Anchor::OrderPaid,
        span: Span::Elapsed { hours: span },
        requires: Requirements::default(),
        penalty: None,
    }
}

#[test]
fn the_platforms_own_deadline_outranks_rules_and_the_most_specific_rule_wins() {
    let order = imported("sla", &[("1", 1)]);
    let by_service = SlaScope { service: Some("Value".into()), ..SlaScope::default() };
    let rules = SlaRules {
        shop: vec![rule("general", SlaScope::default(), 72), rule("value", by_service, 48)],
        presets: vec![rule("preset", SlaScope::default(), 24)],
    };
    let found = deadlines(&order, &[], &rules).unwrap();
    assert_eq!(found[0].source, DeadlineSource::ShopRule("value".into()));
    assert_eq!(found[0].at, order.paid_at.unwrap() + hours(48));
    let platform = [PlatformDeadline { kind: DeadlineKind::ShipBy, at: now() }];
    let found = deadlines(&order, &platform, &rules).unwrap();
    assert_eq!((found.len(), found[0].at), (1, now()));
    assert_eq!(found[0].source, DeadlineSource::Platform);
}

#[test]
fn an_acknowledging_platform_gives_one_hour_48_or_72_hours_and_24_hours() {
    let mut two_day = snapshot("walk", &[("1", 1)]);
    two_day.requested_service = Some("TWO_DAY".into());
    let presets = rules::presets::acknowledged_orders(&key("x").platform);
    let rules = SlaRules { shop: Vec::new(), presets };
    let at = |order: &Order, kind| {
        deadlines(order, &[], &rules)
            .unwrap()
            .into_iter()
            .find(|deadline| deadline.kind == kind)
            .map(|deadline| deadline.at)
    };
    let standard = imported("std", &[("1", 1)]);
    let placed = standard.placed_at;
    assert_eq!(at(&standard, DeadlineKind::AcknowledgeBy), Some(placed + hours(1)));
    assert_eq!(at(&standard, DeadlineKind::ShipBy), Some(placed + hours(72)));
    assert_eq!(at(&import_of(&two_day), DeadlineKind::ShipBy), Some(placed + hours(48)));
    assert_eq!(at(&standard, DeadlineKind::UploadTrackingBy), None);
    let (labelled, package) = labelled("shp", &[("1", 1)]);
    let shipped = after(labelled, vec![confirmed(&package)]);
    let confirmed_at = shipped.packages[0].shipped.as_ref().unwrap().confirmed_at;
    assert_eq!(at(&shipped, DeadlineKind::UploadTrackingBy), Some(confirmed_at + hours(24)));
}

fn address_case(change: impl FnOnce(&mut Address)) -> Vec<Finding> {
    let mut given = snapshot("addr", &[("1", 1)]);
    change(&mut given.recipient.as_mut().unwrap().address);
    validate(&import_of(&given), &ReviewPolicy::default(), now())
}

fn problem(findings: &[Finding]) -> Option<AddressProblem> {
    findings.iter().find_map(|finding| match finding {
        Finding::Address { problem, .. } => Some(*problem),
        _ => None,
    })
}

#[test]
fn address_problems_are_found_and_named() {
    assert_eq!(address_case(|_| {}), []);
    type Change = fn(&mut Address);
    let cases: [(Change, AddressProblem); 7] = [
        (|a| a.city.clear(), AddressProblem::Incomplete),
        (|a| a.lines.clear(), AddressProblem::Incomplete),
        (|a| a.postal_code = None, AddressProblem::Incomplete),
        (|a| a.postal_code = Some("8020".into()), AddressProblem::Unrecognised),
        (|a| a.state = Some("ZZ".into()), AddressProblem::Unrecognised),
        (|a| a.state = Some("FL".into()), AddressProblem::PostcodeMismatch),
        (|a| a.lines = vec!["12 ****".into()], AddressProblem::Masked),
    ];
    for (change, expected) in cases {
        assert_eq!(problem(&address_case(change)), Some(expected));
    }
}

#[test]
fn countries_and_states_that_there_are_not_are_found_and_every_way_to_write_one_is_taken() {
    let case = |country: &str, state: &str, code: &str| {
        let findings = address_case(|address| {
            address.country = orderflow::Country::new(country);
            address.state = (!state.is_empty()).then(|| state.to_owned());
            address.postal_code = (!code.is_empty()).then(|| code.to_owned());
        });
        findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    };
    for (country, state, code) in [
        ("US", "CO", "80202"),
        ("US", "co", "80202"),
        ("US", "Colorado", "80202-1234"),
        ("US", "TN", "42223"),
        ("US", "ky", "42223"),
        ("US", "AS", "96799"),
        ("US", "FM", "96941"),
        ("US", "MH", "96960"),
        ("US", "MP", "96950"),
        ("US", "PW", "96940"),
        ("US", "GU", "96910"),
        ("US", "VI", "00802"),
        ("US", "PR", "00901"),
        ("US", "HI", "96701"),
        ("AS", "", "96799"),
        ("FM", "", "96941"),
        ("PW", "", "96940"),
        ("BR", "SP", "01310-100"),
        ("BR", "BR-SP", "01310-100"),
        ("BR", "sao paulo", "01310-100"),
        ("MX", "Ciudad de México", "06600"),
        ("AR", "Capital Federal", "1425"),
        ("CA", "Québec", "H2X 1Y4"),
        ("AU", "nsw", "2000"),
        ("DE", "Bayern", "80331"),
        ("BR", "", "01310-100"),
    ] {
        assert_eq!(case(country, state, code), "", "{country} {state} {code}");
    }
    for (country, state, code, wanted) in [
        ("ZZ", "CO", "80202", "address not recognised: country"),
        ("UK", "", "SW1A 1AA", "address not recognised: country"),
        ("BR", "Colorado", "01310-100", "address not recognised: state"),
        ("MX", "TX", "06600", "address not recognised: state"),
        ("AR", "Lima", "1425", "address not recognised: state"),
        ("CA", "Ohio", "H2X 1Y4", "address not recognised: state"),
        ("AU", "Otago", "2000", "address not recognised: state"),
        ("US", "Ontario", "80202", "address not recognised: state"),
        ("US", "", "80202", "address incomplete: state is missing"),
        ("US", "TN", "40202", "postcode and place contradict each other (postcode and state)"),
        ("US", "HI", "96799", "postcode and place contradict each other (postcode and state)"),
        ("US", "Florida", "80202", "postcode and place contradict each other (postcode and state)"),
    ] {
        assert_eq!(case(country, state, code), wanted, "{country} {state} {code}");
    }
}

#[test]
fn what_a_platform_hides_is_no_finding_where_it_prints_the_label_itself() {
    let mut given = snapshot("hidden", &[("1", 1)]);
    let recipient = given.recipient.as_mut().unwrap();
    recipient.name = "J*****".into();
    recipient.address.lines = vec!["1*****".into()];
    let findings = |given: &PlatformOrder| {
        problem(&validate(&import_of(given), &ReviewPolicy::default(), now()))
    };
    given.logistics = LogisticsMode::SellerCarrier;
    assert_eq!(findings(&given), Some(AddressProblem::Masked));
    given.logistics = LogisticsMode::PlatformLabel;
    assert_eq!(findings(&given), None);
}

#[test]
fn a_missing_address_is_no_finding_while_the_order_is_unpaid() {
    let mut given = snapshot("unpaid", &[("1", 1)]);
    given.recipient = None;
    given.paid_at = None;
    assert_eq!(validate(&import_of(&given), &ReviewPolicy::default(), now()), []);
    given.paid_at = Some(now());
    assert_eq!(
        problem(&validate(&import_of(&given), &ReviewPolicy::default(), now())),
        Some(AddressProblem::Incomplete)
    );
}

#[test]
fn an_address_that_the_platform_writes_itself_is_no_finding_however_little_it_shows() {
    use orderflow::order::LogisticsMode;
    let hidden = |recipient: &mut orderflow::Contact| {
        recipient.name = "A*****".into();
        recipient.phone = None;
        recipient.address.lines = vec!["1*****".into()];
        recipient.address.postal_code = Some("8****".into());
        recipient.address.city = String::new();
    };
    let mut phone = ReviewPolicy::default();
    phone.phone_required = true;
    for mode in [
        LogisticsMode::PlatformLabel,
        LogisticsMode::PlatformFulfilled,
        LogisticsMode::SellerCarrier,
    ] {
        let ours = mode == LogisticsMode::SellerCarrier;
        let mut shown = snapshot("masked", &[("1", 1)]);
        shown.logistics = mode;
        hidden(shown.recipient.as_mut().unwrap());
        let masked = import_of(&shown);
        shown.recipient = None;
        let absent = import_of(&shown);
        for order in [masked, absent] {
            let findings = validate(&order, &phone, now());
            assert_eq!(findings.is_empty(), !ours, "{mode:?}: {findings:?}");
            assert_eq!(problem(&findings).is_some(), ours, "{mode:?}: {findings:?}");
            let open = exceptions(&[order], &ExceptionPolicy::default(), now());
            let address = open.iter().any(|item| matches!(item.kind, ExceptionKind::Address(_)));
            assert_eq!(address, ours, "{mode:?}: {open:?}");
        }
    }
}

#[test]
fn a_label_of_the_platform_needs_no_readable_address_and_one_of_a_carrier_does() {
    use orderflow::order::{Actor, Event, Guard, LogisticsMode, Rejected, apply};
    for mode in [LogisticsMode::PlatformLabel, LogisticsMode::SellerCarrier] {
        let mut shown = snapshot("masked", &[("1", 1)]);
        shown.logistics = mode;
        shown.recipient.as_mut().unwrap().address.lines = vec!["1*****".into()];
        let order = after(import_of(&shown), vec![approved(), acknowledged()]);
        let order = after(order.clone(), vec![allocated(&order, &[(1, &[("1", 1)])])]);
        let package = PackageId::derive(&order.key, 1);
        let event = Event::new(label_requested(&package), now(), Actor::System);
        match apply(&order, &event, now()) {
            Ok(_) => assert_eq!(mode, LogisticsMode::PlatformLabel),
            Err(Rejected::Guard { guard, .. }) => {
                assert_eq!((guard, mode), (Guard::Address, LogisticsMode::SellerCarrier));
            }
            Err(other) => panic!("{mode:?}: {other}"),
        }
    }
}

#[test]
fn a_line_may_be_one_cent_off_but_not_two() {
    let mut given = snapshot("sum", &[("1", 3)]);
    given.lines[0].line_total = Some(usd(3001));
    assert_eq!(validate(&import_of(&given), &ReviewPolicy::default(), now()), []);
    given.lines[0].line_total = Some(usd(3002));
    assert_eq!(
        validate(&import_of(&given), &ReviewPolicy::default(), now()),
        [Finding::LineSum { line: line_id("1") }]
    );
}

#[test]
fn the_same_goods_to_the_same_place_within_a_day_need_a_person() {
    let mut first = snapshot("twin-1", &[("1", 1)]);
    first.buyer.id = Some(orderflow::BuyerId::from_static("b"));
    let mut second = first.clone();
    second.id = orderflow::PlatformOrderId::from_static("twin-2");
    first.placed_at -= hours(1);
    let (first, second) = (import_of(&first), import_of(&second));
    let warehouses = [warehouse("main")];
    let stock = stock(&[("main", "SKU-1", 5)]);
    let policy = ReviewPolicy::default();
    let recent = [first.clone(), second.clone()];
    let context = ReviewContext {
        policy: &policy,
        warehouses: &warehouses,
        stock: &stock,
        reserved: false,
        recent: &recent,
    };
    assert_eq!(review(&first, &context, now()), ReviewVerdict::Approve);
    assert_eq!(
        review(&second, &context, now()),
        ReviewVerdict::NeedsPerson(vec![Finding::PossibleDuplicate { of: first.key.clone() }])
    );
}

#[test]
fn a_twin_in_another_city_or_one_that_was_cancelled_is_no_duplicate() {
    let mut first = snapshot("twin-1", &[("1", 1)]);
    first.buyer.id = Some(orderflow::BuyerId::from_static("b"));
    let mut second = first.clone();
    second.id = orderflow::PlatformOrderId::from_static("twin-2");
    first.placed_at -= hours(1);
    let suspects = |first: &Order| {
        let recent = [first.clone()];
        let (policy, stock) = (ReviewPolicy::default(), stock(&[("main", "SKU-1", 5)]));
        let context = ReviewContext {
            policy: &policy,
            warehouses: &[warehouse("main")],
            stock: &stock,
            reserved: false,
            recent: &recent,
        };
        review(&import_of(&second), &context, now()) != ReviewVerdict::Approve
    };
    let twin = import_of(&first);
    assert!(suspects(&twin));
    let cancelled = after(
        twin,
        vec![Action::Cancelled {
            units: vec![orderflow::order::CancelledUnits {
                line: line_id("1"),
                units: 1,
                reason: orderflow::order::CancelReason::BuyerRequest,
                at: now(),
            }],
        }],
    );
    assert!(!suspects(&cancelled), "who cancels and orders again wants it once");
    let mut elsewhere = first.clone();
    elsewhere.recipient.as_mut().unwrap().address.city = "Aurora".into();
    assert!(!suspects(&import_of(&elsewhere)));
    let mut spelt = first.clone();
    let address = &mut spelt.recipient.as_mut().unwrap().address;
    address.city = format!(" {} ", address.city.to_uppercase());
    assert!(suspects(&import_of(&spelt)));
}

#[test]
fn stock_of_a_warehouse_that_may_not_ship_the_order_does_not_count_and_none_counts_twice() {
    let order = imported("stock", &[("1", 4)]);
    let stock = stock(&[("main", "SKU-1", 2), ("other", "SKU-1", 9)]);
    let policy = ReviewPolicy::default();
    let available = |warehouses: &[Warehouse]| {
        let context = ReviewContext {
            policy: &policy,
            warehouses,
            stock: &stock,
            reserved: false,
            recent: &[],
        };
        match review(&order, &context, now()) {
            ReviewVerdict::NeedsPerson(findings) => match findings.as_slice() {
                [Finding::ShortStock { available, needed: 4, .. }] => Some(*available),
                _ => panic!("{findings:?}"),
            },
            _ => None,
        }
    };
    let main = warehouse("main");
    assert_eq!(available(&[main.clone(), warehouse("other")]), None);
    assert_eq!(available(&[main.clone(), main.clone()]), Some(2));
    let changes: [fn(&mut Warehouse); 4] = [
        |warehouse| warehouse.enabled = false,
        |warehouse| warehouse.channel = FulfillmentChannel::PlatformFulfilled,
        |warehouse| {
            warehouse.platforms = BTreeSet::from([orderflow::PlatformId::from_static("elsewhere")]);
        },
        |warehouse| {
            warehouse.countries = BTreeSet::from([orderflow::Country::new("BR").unwrap()]);
        },
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut other = warehouse("other");
        change(&mut other);
        assert_eq!(available(&[main.clone(), other]), Some(2), "change {number}");
    }
    // One that is full today can ship it tomorrow.
    let mut full = warehouse("other");
    full.capacity_left = Some(0);
    assert_eq!(available(&[main, full]), None);
}

#[test]
fn a_limit_in_another_currency_than_the_order_needs_a_person_and_says_why() {
    let order = imported("limit", &[("1", 1)]);
    let stock = stock(&[("main", "SKU-1", 5)]);
    let verdict = |currency| {
        let mut policy = ReviewPolicy::default();
        policy.manual_over = Some(Money::from_minor(9_000_000, currency));
        let context = ReviewContext {
            policy: &policy,
            warehouses: &[warehouse("main")],
            stock: &stock,
            reserved: false,
            recent: &[],
        };
        review(&order, &context, now())
    };
    assert_eq!(verdict(Currency::USD), ReviewVerdict::Approve);
    let ReviewVerdict::NeedsPerson(findings) = verdict(Currency::BRL) else { panic!() };
    let said: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert_eq!(said, ["value limit in BRL cannot be compared with an order in USD"]);
}

#[test]
fn an_order_is_acknowledged_only_when_approved_in_stock_and_addressable() {
    let order = imported("ack", &[("1", 1)]);
    let policy = ReviewPolicy::default();
    assert_eq!(may_acknowledge(&order, &policy, true, now()).len(), 1);
    let order = after(order, vec![approved()]);
    assert!(may_acknowledge(&order, &policy, true, now()).is_empty());
    assert_eq!(may_acknowledge(&order, &policy, false, now()).len(), 1);
    let mut elsewhere = order;
    elsewhere.recipient.as_mut().unwrap().address.city = String::new();
    assert_eq!(may_acknowledge(&elsewhere, &policy, true, now()).len(), 1);
}

fn with_deadline(order: Order, kind: DeadlineKind, at: DateTime<Utc>) -> Order {
    let deadline = Deadline {
        kind,
        at,
        starts_at: at - hours(72),
        source: DeadlineSource::Platform,
        version: 1,
        requires: Requirements::default(),
    };
    after(order, vec![Action::DeadlinesSet { deadlines: vec![deadline] }])
}

#[test]
fn a_parcel_without_movement_for_48_hours_is_delayed_and_after_72_stuck() {
    let (order, package) = labelled("slow", &[("1", 1)]);
    let order = after(order, vec![confirmed(&package), tracked(&package, &[Milestone::Accepted])]);
    let kinds = |after_hours: i64| -> Vec<ExceptionKind> {
        exceptions([&order], &ExceptionPolicy::default(), now() + hours(1 + after_hours))
            .iter()
            .map(|item| item.kind)
            .collect()
    };
    assert_eq!(kinds(47), []);
    assert_eq!(kinds(48), [ExceptionKind::CarrierDelay]);
    assert_eq!(kinds(72), [ExceptionKind::CarrierDelay, ExceptionKind::Stuck]);
    assert_eq!(
        kinds(240),
        [ExceptionKind::PossiblyLost, ExceptionKind::CarrierDelay, ExceptionKind::Stuck]
    );
}

#[test]
fn exceptions_come_sorted_by_breach_and_close_by_themselves() {
    let soon = with_deadline(imported("soon", &[("1", 1)]), DeadlineKind::ShipBy, now() + hours(2));
    let late = with_deadline(imported("late", &[("1", 1)]), DeadlineKind::ShipBy, now() - hours(2));
    let policy = ExceptionPolicy::default();
    let list = exceptions([&soon, &late], &policy, now());
    assert_eq!(list, exceptions([&late, &soon], &policy, now()));
    let kinds: Vec<_> = list.iter().map(|item| item.kind).collect();
    assert_eq!(kinds, [ExceptionKind::ShipOverdue, ExceptionKind::ShipAtRisk]);
    let (labelled, package) = labelled("ok", &[("1", 1)]);
    let shipped = after(
        with_deadline(labelled, DeadlineKind::ShipBy, now() - hours(2)),
        vec![confirmed(&package)],
    );
    assert!(exceptions([&shipped], &policy, now()).is_empty());
}

#[test]
fn on_time_shipping_counts_decided_orders_and_95_percent_is_healthy() {
    let shipped = |id: &str, due: DateTime<Utc>| {
        let (order, package) = labelled(id, &[("1", 1)]);
        after(with_deadline(order, DeadlineKind::ShipBy, due), vec![confirmed(&package)])
    };
    let mut orders: Vec<Order> =
        (0..19).map(|i| shipped(&format!("t{i}"), now() + hours(1))).collect();
    orders.push(shipped("late", now() - hours(1)));
    let from = now() - hours(24);
    let figures = dashboard(&orders, from, now() + hours(1));
    assert_eq!((figures.shipped_on_time, figures.ship_decided), (19, 20));
    assert_eq!(figures.is_on_time_healthy(), Some(true));
    let open = with_deadline(imported("open", &[("1", 1)]), DeadlineKind::ShipBy, now() + hours(9));
    orders.push(open);
    let missed =
        with_deadline(imported("missed", &[("1", 1)]), DeadlineKind::ShipBy, now() - hours(9));
    orders.push(missed);
    let figures = dashboard(&orders, from, now() + hours(1));
    assert_eq!((figures.shipped_on_time, figures.ship_decided), (19, 21));
    assert_eq!(figures.is_on_time_healthy(), Some(false));
    assert_eq!(dashboard([], from, now()).is_on_time_healthy(), None);
}

#[test]
fn on_time_shipping_of_the_day_is_kpi_01() {
    use orderflow::rules::kpi::{
        DenominatorMode, KpiId, KpiQuery, KpiTargets, OrderExtras, OrderFacts, Window,
    };
    let (from, to) = (now() - hours(24), now() + hours(3));
    let shipped = |id: &str, due| {
        let (order, package) = labelled(id, &[("1", 1)]);
        after(with_deadline(order, DeadlineKind::ShipBy, due), vec![confirmed(&package)])
    };
    let late = shipped("late", now() - hours(1));
    let mut tracked = shipped("tracked", now() + hours(1));
    tracked.deadlines[0].requires.tracking = true;
    let units = vec![orderflow::order::CancelledUnits {
        line: line_id("1"),
        units: 1,
        reason: orderflow::order::CancelReason::NotShipped,
        at: now(),
    }];
    let given_up = after(
        with_deadline(imported("given up", &[("1", 1)]), DeadlineKind::ShipBy, now() - hours(1)),
        vec![Action::Cancelled { units }],
    );
    let mut paid_before = shipped("paid before", now() + hours(1));
    paid_before.paid_at = Some(from - hours(1));
    // What is shipped after the end of the window is not shipped yet.
    for (order, to, expected) in [
        (&late, to, (0, 1)),
        (&tracked, to, (1, 1)),
        (&given_up, to, (0, 1)),
        (&paid_before, to, (0, 0)),
        (&shipped("soon", now() + hours(1)), now() - hours(1), (0, 0)),
    ] {
        let figures = dashboard([order], from, to);
        assert_eq!((figures.shipped_on_time, figures.ship_decided), expected, "{}", order.key);
        let mut facts = OrderFacts::new();
        facts.push_order(order, &OrderExtras::default());
        let kpi = KpiQuery::new(Window::new(from, to), to).count(&facts).unwrap().total(
            KpiId::OnTimeShipping,
            DenominatorMode::Decided,
            &KpiTargets::default(),
        );
        assert_eq!((kpi.numerator, kpi.denominator), (expected.0.into(), expected.1.into()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_ladder_level_fires_at_most_once_for_any_checks(
        minutes in prop::collection::vec(-200_i64..3000, 1..40),
    ) {
        // Looks come in any order: the clock of a second worker may be behind.
        let (ladder, deadline) = (Ladder::default(), ladder_deadline(72));
        let mut fired: Option<Fired> = None;
        let mut levels = Vec::new();
        for left in minutes {
            if let Some(sent) = warning(&ladder, &deadline, deadline.at - TimeDelta::minutes(left), fired) {
                levels.push(sent.level);
                fired = Some(Fired { version: 1, level: sent.level });
            }
        }
        let mut unique = levels.clone();
        unique.dedup();
        prop_assert_eq!(&levels, &unique);
        prop_assert!(levels.is_sorted());
    }

    #[test]
    fn a_deadline_never_moves_earlier_as_its_anchor_moves_later(
        start in 1_700_000_000_i64..1_800_000_000, later in 0_i64..2_000_000, days in 0_u32..8,
    ) {
        let span = Span::BusinessDays {
            days,
            calendar: Box::new(calendar()),
            end_of_day: orderflow::calendar::END_OF_DAY,
        };
        let at = |seconds| span.after(DateTime::from_timestamp(seconds, 0).unwrap()).unwrap();
        prop_assert!(at(start) <= at(start + later));
    }

    #[test]
    fn allocation_conserves_units_and_never_takes_more_than_there_is(
        wanted in prop::collection::vec(1_u32..6, 1..5),
        have in prop::collection::vec((0_usize..6, 0_usize..5, 0_i64..8), 0..20),
        splits in 1_usize..4,
        partial in any::<bool>(),
        reverse in any::<bool>(),
    ) {
        let names: Vec<String> = (0..wanted.len()).map(|i| i.to_string()).collect();
        let lines: Vec<(&str, u32)> =
            names.iter().map(String::as_str).zip(wanted.iter().copied()).collect();
        let order = after(imported("prop", &lines), vec![approved(), acknowledged()]);
        let ids = ["a", "b", "c", "d", "e", "f"];
        let mut view = StockView::new();
        for (warehouse, sku, units) in &have {
            view.set(
                WarehouseId::from_static(ids[*warehouse]),
                Sku::new(format!("SKU-{sku}")).unwrap(),
                *units,
            );
        }
        let mut policy = AllocationPolicy::default();
        policy.max_splits = splits;
        policy.allow_partial = partial;
        let mut warehouses: Vec<Warehouse> = ids.iter().map(|id| warehouse(id)).collect();
        let straight = allocate(&order, &warehouses, &view, &policy, now());
        if reverse {
            warehouses.reverse();
        }
        let verdict = allocate(&order, &warehouses, &view, &policy, now());
        prop_assert_eq!(&straight, &verdict);
        let plan = verdict.allocation;
        prop_assert!(plan.packages.len() <= splits);
        for (line, units) in &lines {
            let planned: u32 = plan
                .packages
                .iter()
                .flat_map(|package| &package.contents)
                .filter(|packed| packed.line.as_str() == *line)
                .map(|packed| packed.units)
                .sum();
            let short: u32 = plan
                .backordered
                .iter()
                .filter(|short| short.line.as_str() == *line)
                .map(|short| short.units)
                .sum();
            prop_assert!(planned + short <= *units);
            if partial || !plan.packages.is_empty() {
                prop_assert_eq!(planned + short, *units);
            }
        }
        for package in &plan.packages {
            for packed in &package.contents {
                let sku = Sku::new(format!("SKU-{}", packed.line)).unwrap();
                prop_assert!(packed.units <= view.available(&package.warehouse, &sku));
            }
        }
        // What is planned can be applied.
        let applied = after(order, vec![Action::Allocated { allocation: plan }]);
        prop_assert!(orderflow::order::check_invariants(&applied).is_ok());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Absurd dates, amounts and quantities get answers, not panics.
    #[test]
    fn no_order_however_absurd_makes_a_rule_panic(
        placed in prop::sample::select(vec![
            DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC, DateTime::UNIX_EPOCH, now(),
        ]),
        due in prop::sample::select(vec![DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC, now()]),
        at in prop::sample::select(vec![
            DateTime::<Utc>::MIN_UTC + hours(24 * 400), DateTime::<Utc>::MAX_UTC - hours(24 * 800), now(),
        ]),
        units in prop::sample::select(vec![0_u32, 1, 7, u32::MAX]),
        cents in prop::sample::select(vec![i64::MIN, -1, 0, 1, i64::MAX]),
        huge in any::<bool>(),
        text in ".{0,40}",
    ) {
        let mut said = snapshot("absurd", &[("1", units), ("2", 1)]);
        said.placed_at = placed;
        said.paid_at = Some(due);
        said.updated_at = None;
        let price = if huge {
            Money::new(rust_decimal::Decimal::MAX, Currency::USD)
        } else {
            usd(cents)
        };
        said.total = price;
        for line in &mut said.lines {
            line.unit_price = price;
            line.line_total = Some(price);
            line.tax = Some(price);
            line.shipping = Some(price);
            line.weight = Some(Grams::new(u32::MAX));
        }
        let address = &mut said.recipient.as_mut().unwrap().address;
        address.city.clone_from(&text);
        address.lines = vec![text.clone().into()];
        address.postal_code = Some(text.clone());
        address.state = Some(text);
        said.deadlines = vec![PlatformDeadline { kind: DeadlineKind::ShipBy, at: due }];
        let order = import_of(&said);
        let rules = SlaRules {
            shop: vec![rule("r", SlaScope::default(), u32::MAX)],
            presets: rules::presets::acknowledged_orders(&order.key.platform),
        };
        let found = deadlines(&order, &said.deadlines, &rules);
        let mut order = order;
        if let Ok(found) = found {
            order = after(order, vec![Action::DeadlinesSet { deadlines: found }]);
        }
        let policy = ReviewPolicy::default();
        let warehouses = [warehouse("a"), warehouse("b")];
        let view = stock(&[("a", "SKU-1", i64::MAX), ("b", "SKU-2", i64::MIN)]);
        let context = ReviewContext {
            policy: &policy,
            warehouses: &warehouses,
            stock: &view,
            reserved: false,
            recent: std::slice::from_ref(&order),
        };
        let _ = validate(&order, &policy, at);
        let _ = review(&order, &context, at);
        let mut split = AllocationPolicy::default();
        split.allow_partial = true;
        split.min_split_value = Some(rust_decimal::Decimal::ONE);
        let _ = allocate(&order, &warehouses, &view, &split, at);
        let _ = exceptions([&order], &ExceptionPolicy::default(), at);
        let _ = dashboard([&order, &order, &order], placed, due);
        for deadline in &order.deadlines {
            let _ = warning(&Ladder::default(), deadline, at, None);
        }
        let _ = calendar().deadline_after(placed, 3, orderflow::calendar::END_OF_DAY);
        let _ = calendar().next_departure(due);
        let _ = calendar().end_of_calendar_day(placed, u64::MAX);
        let _ = orderflow::order::reconcile(&order, &said, at);
        let _ = orderflow::order::OrderFilter::default().matches(&order, at);
        let _ = price.split(&[1, u32::MAX, 0]);
        let _ = price.times(units);
    }
}

#[test]
fn the_review_of_an_approved_order_is_kept() {
    let order = after(imported("kept", &[("1", 1)]), vec![approved()]);
    assert!(matches!(order.review, Review::Approved { .. }));
    assert_eq!(order.packages, Vec::new());
    assert!(order.package(&PackageId::derive(&order.key, 1)).is_none());
}

#[test]
fn the_day_at_five_shows_sales_hot_sellers_parcels_and_uploads() {
    let (from, to) = (now() - hours(7), now() + hours(3));
    let (shipped, package) = labelled("1", &[("1", 3)]);
    let shipped = after(shipped, vec![confirmed(&package)]);
    let (sent, package) = labelled("2", &[("1", 1), ("2", 4)]);
    let sent = after(
        sent,
        vec![
            confirmed(&package),
            Action::UploadStarted { package: package.clone(), key: label_key(&package) },
            Action::Uploaded { package, number: None },
        ],
    );
    let mut cancelled = imported("3", &[("2", 9)]);
    let units = vec![orderflow::order::CancelledUnits {
        line: line_id("2"),
        units: 9,
        reason: orderflow::order::CancelReason::BuyerRequest,
        at: now(),
    }];
    cancelled = after(cancelled, vec![Action::Cancelled { units }]);
    let mut test = imported("4", &[("2", 9)]);
    test.test = true;
    let orders = [shipped, sent, cancelled, test];
    let day = dashboard(&orders, from, to);
    assert_eq!((day.orders, day.cancelled), (3, 1));
    // Two orders of 10 and 20 dollars; what was cancelled and what was a test is no sale.
    assert_eq!(day.paid_value[&Currency::USD], usd(3000).amount);
    assert_eq!(day.average_order_value[&Currency::USD], usd(1500).amount);
    let hot: Vec<_> = day.hot_sellers.iter().map(|hot| (hot.sku.as_str(), hot.units)).collect();
    assert_eq!(hot, [("SKU-1", 4), ("SKU-2", 4)]);
    let units = vec![orderflow::order::CancelledUnits {
        line: line_id("1"),
        units: 9,
        reason: orderflow::order::CancelReason::BuyerRequest,
        at: now(),
    }];
    let cut = after(imported("5", &[("1", 10)]), vec![Action::Cancelled { units }]);
    assert_eq!(dashboard([&cut], from, to).hot_sellers[0].units, 1);
    assert_eq!((day.parcels_shipped, day.parcels_uploaded), (2, 1));
    assert_eq!(day.labels_by_service.values().sum::<u32>(), 2);
    assert_eq!(day.time_to_acknowledge.unwrap().count, 2);
    assert_eq!(day.upload_latency.unwrap().count, 1);
    // The order of orders does not matter, and another day has nothing.
    assert_eq!(day, dashboard(orders.iter().rev(), from, to));
    assert_eq!(dashboard(&orders, to, to + hours(9)).orders, 0);
}

#[test]
fn the_dashboard_counts_incidents_open_at_its_end_and_resolved_within() {
    let raised = |order: Order, kind| {
        after(
            order,
            vec![Action::IncidentRaised { kind, package: None, detail: "seen".to_owned() }],
        )
    };
    let order = raised(imported("1", &[("1", 1)]), ExceptionKind::BuyerUrging);
    let mut order = raised(order, ExceptionKind::Oversold);
    let first = order.incidents[0].first_at;
    order.incidents[1].resolved_at = Some(first + hours(2));
    let count = |from, to| {
        let figures = dashboard([&order], from, to);
        (figures.incidents_open, figures.incidents_resolved)
    };
    assert_eq!(count(first - hours(5), first), (0, 0));
    assert_eq!(count(first, first + hours(2)), (2, 0));
    assert_eq!(count(first, first + hours(3)), (1, 1));
    assert_eq!(count(first + hours(3), first + hours(9)), (1, 0));
}

#[test]
fn amounts_in_another_currency_and_texts_that_no_label_can_show_are_found() {
    let policy = ReviewPolicy::default();
    let found = |change: &dyn Fn(&mut Order)| {
        let mut order = imported("1", &[("1", 1)]);
        change(&mut order);
        validate(&order, &policy, now())
    };
    let euros = Money::new(1_000.into(), Currency::new("EUR").unwrap());
    let line = orderflow::LineId::from_static("1");
    let mixed = [Finding::MixedCurrency { line }];
    assert_eq!(found(&|order| order.lines[0].tax = Some(euros)), mixed);
    assert_eq!(found(&|order| order.lines[0].shipping = Some(euros)), mixed);
    assert_eq!(found(&|order| order.lines[0].discount = Some(euros)), mixed);
    let odd = |change: &dyn Fn(&mut orderflow::Contact)| {
        problem(&found(&|order| change(order.recipient.as_mut().unwrap())))
    };
    let unrecognised = Some(AddressProblem::Unrecognised);
    assert_eq!(odd(&|contact| contact.name = "Ana\u{0}".into()), unrecognised);
    assert_eq!(odd(&|contact| contact.name = "\u{202e}anA".into()), unrecognised);
    assert_eq!(odd(&|contact| contact.address.city = "Den\nver".into()), unrecognised);
    let long = "x".repeat(201);
    assert_eq!(
        odd(&|contact| contact.address.lines[0] = long.as_str().into()),
        Some(AddressProblem::TooLong)
    );
    assert_eq!(odd(&|_| {}), None);
}

/// An order whose units are planned in one parcel from one warehouse, without a label.
fn planned_to(id: &str, change: impl FnOnce(&mut orderflow::Contact)) -> Order {
    let order = after(imported(id, &[("1", 1)]), vec![approved(), acknowledged()]);
    let action = allocated(&order, &[(1, &[("1", 1)])]);
    let mut order = after(order, vec![action]);
    change(order.recipient.as_mut().unwrap());
    order
}

#[test]
fn house_numbers_that_differ_only_in_a_mark_or_blank_never_share_a_parcel() {
    let shares = |a: &str, b: &str| {
        let to = |id, line: &str| {
            planned_to(id, |recipient| recipient.address.lines = vec![line.into()])
        };
        !rules::combinable(&[to("a", a), to("b", b)], now()).is_empty()
    };
    for (a, b) in [
        ("1/23 Main Street", "12/3 Main Street"),
        ("1 23rd Street", "12 3rd Street"),
        ("5-1 Main Street", "51 Main Street"),
    ] {
        assert!(shares(a, a), "{a}");
        assert!(!shares(a, b), "{a} and {b}");
    }
    assert!(shares("12 EXAMPLE street.", "12 Example  Street"));
    let by_state =
        |state: &str| planned_to("b", |recipient| recipient.address.state = Some(state.into()));
    let first = planned_to("a", |recipient| recipient.address.state = Some("CO".into()));
    assert!(!rules::combinable(&[first, by_state("Colorado")], now()).is_empty());
    let hidden = |id| planned_to(id, |recipient| recipient.name = "**".into());
    assert!(rules::combinable(&[hidden("a"), hidden("b")], now()).is_empty());
}

/// What the review says of an order with an earlier twin, all in stock.
fn reviewed(order: &Order, recent: &[Order], policy: &ReviewPolicy) -> ReviewVerdict {
    let stock = stock(&[("main", "SKU-1", 5)]);
    let warehouses = [warehouse("main")];
    let context =
        ReviewContext { policy, warehouses: &warehouses, stock: &stock, reserved: false, recent };
    review(order, &context, now())
}

#[test]
fn a_twin_is_one_however_its_address_is_spelt() {
    let mut first = snapshot("twin-1", &[("1", 1)]);
    first.buyer.id = Some(orderflow::BuyerId::from_static("b"));
    let mut second = first.clone();
    second.id = orderflow::PlatformOrderId::from_static("twin-2");
    first.placed_at -= hours(1);
    let address = &mut second.recipient.as_mut().unwrap().address;
    let line = format!("{}.", address.line1().to_uppercase());
    address.lines[0] = line.into();
    let twin = Finding::PossibleDuplicate { of: key("twin-1") };
    let verdict = reviewed(&import_of(&second), &[import_of(&first)], &ReviewPolicy::default());
    assert_eq!(verdict, ReviewVerdict::NeedsPerson(vec![twin]));
}

#[test]
fn an_order_without_goods_is_rejected_and_one_with_a_note_needs_a_person_where_the_shop_says_so() {
    let policy = ReviewPolicy::default();
    let mut empty = imported("none", &[("1", 1)]);
    empty.lines.clear();
    let verdict = reviewed(&empty, &[], &policy);
    assert_eq!(verdict, ReviewVerdict::Reject(vec![Finding::NoLines]));
    let mut noted = imported("note", &[("1", 1)]);
    noted.note = Some("Please leave it at the door".to_owned().into());
    assert_eq!(reviewed(&noted, &[], &policy), ReviewVerdict::Approve);
    let mut careful = ReviewPolicy::default();
    careful.notes_need_person = true;
    let verdict = reviewed(&noted, &[], &careful);
    assert_eq!(verdict, ReviewVerdict::NeedsPerson(vec![Finding::BuyerNote]));
    noted.note = Some(" ".to_owned().into());
    assert_eq!(
        reviewed(&noted, &[], &careful),
        ReviewVerdict::Approve,
        "a blank note says nothing"
    );
}

#[test]
fn what_an_order_lacks_or_contradicts_is_found_and_named() {
    let mut policy = ReviewPolicy::default();
    policy.phone_required = true;
    let found = |change: &dyn Fn(&mut Order)| {
        let mut order = imported("odd", &[("1", 1)]);
        order.recipient.as_mut().unwrap().phone = Some("+1 303 555 0100".to_owned().into());
        change(&mut order);
        validate(&order, &policy, now())
    };
    let masked =
        |field: &str| Finding::Address { problem: AddressProblem::Masked, field: field.to_owned() };
    assert_eq!(found(&|_| {}), []);
    assert_eq!(
        found(&|order| order.paid_at = Some(order.placed_at - hours(1))),
        [Finding::PaidBeforePlaced]
    );
    let promised = |order: &mut Order| {
        let early = order.placed_at - hours(1);
        *order = with_deadline(order.clone(), DeadlineKind::DeliverBy, early);
    };
    assert_eq!(found(&promised), [Finding::PromisedBeforePlaced]);
    let line = || line_id("1");
    assert_eq!(
        found(&|order| order.lines[0].ordered = 0)[0],
        Finding::ZeroQuantity { line: line() }
    );
    assert_eq!(found(&|order| order.lines[0].sku = None), [Finding::MissingSku { line: line() }]);
    let twice = |order: &mut Order| order.lines.push(order.lines[0].clone());
    assert_eq!(found(&twice), [Finding::DuplicateLine { line: line() }]);
    let phone = |text: Option<&str>| {
        let text = text.map(|text| text.to_owned().into());
        found(&move |order: &mut Order| {
            order.recipient.as_mut().unwrap().phone.clone_from(&text);
        })
    };
    assert_eq!(phone(None), [Finding::MissingPhone]);
    assert_eq!(phone(Some(" ")), [Finding::MissingPhone]);
    assert_eq!(phone(Some("+1 ****12")), [masked("phone")]);
    let hidden = |order: &mut Order| order.recipient.as_mut().unwrap().name = "**".into();
    assert_eq!(found(&hidden), [masked("name")]);
    let payment: orderflow::order::Payment = serde_json::from_value(serde_json::json!({
        "id": "p", "amount": { "amount": "-10", "currency": "USD" }, "method": null,
        "state": "paid", "paid_at": null, "refunded": { "amount": "-1", "currency": "USD" }
    }))
    .unwrap();
    assert_eq!(
        found(&|order| order.payments.push(payment.clone())),
        [
            Finding::NegativeAmount { field: "amount of payment p".into() },
            Finding::NegativeAmount { field: "refund of payment p".into() },
        ]
    );
}

#[test]
fn an_address_that_no_carrier_can_use_stands_against_acknowledging() {
    let order = after(imported("ack", &[("1", 1)]), vec![approved()]);
    let policy = ReviewPolicy::default();
    assert!(may_acknowledge(&order, &policy, true, now()).is_empty());
    let mut lost = order;
    lost.recipient.as_mut().unwrap().address.lines.clear();
    let against = may_acknowledge(&lost, &policy, true, now());
    assert_eq!(against, ["address incomplete: street is missing"]);
}

#[test]
fn a_region_is_one_however_its_addresses_write_the_state() {
    use orderflow::order::OrderFilter;
    use orderflow::rules::analytics::{PlaceLevel, RegionPolicy, Sale, regions};
    use orderflow::rules::kpi::{OrderExtras, Window, order_row};
    let window = Window::new(now() - hours(9_000), now() + hours(9_000));
    let orders: Vec<Order> = ["CO", "Colorado", "co", "US-CO"]
        .map(|state| {
            let mut order = imported("region", &[("1", 1)]);
            order.recipient.as_mut().unwrap().address.state = Some(state.into());
            order
        })
        .to_vec();
    for order in &orders {
        let row = order_row(order, &OrderExtras::default());
        assert_eq!(row.keys.region.as_deref(), Some("US-CO"));
        let tags = rules::classify(order, None, &rules::ClassificationPolicy::default()).tags;
        assert!(tags.contains("region:US-CO"), "{tags:?}");
        for (region, fits) in [("CO", true), ("colorado", true), ("CA", false)] {
            let filter = OrderFilter { regions: vec![region.into()], ..OrderFilter::default() };
            assert_eq!(filter.matches(order, now()), fits, "{region}");
        }
    }
    use orderflow::shipment::is_behind_customs_line;
    assert!(is_behind_customs_line("gu") && is_behind_customs_line("Guam"));
    assert!(!is_behind_customs_line("Hawaii") && !is_behind_customs_line(""));
    let sales: Vec<Sale> = orders.iter().filter_map(Sale::of).collect();
    let found = regions(&sales, &window, PlaceLevel::State, &RegionPolicy::default());
    let found: Vec<_> = found.iter().map(|one| (one.region.as_deref(), one.orders)).collect();
    assert_eq!(found, [(Some("US-CO"), 4)]);
}

#[test]
fn a_misspelt_field_is_refused_wherever_it_would_mean_everything() {
    fn refuses<T: serde::de::DeserializeOwned>(json: &str, field: &str) {
        let error = serde_json::from_str::<T>(json).err().map(|error| error.to_string());
        assert!(error.as_ref().is_some_and(|text| text.contains(field)), "{json}: {error:?}");
    }
    use orderflow::rules::{analytics, kpi, message};
    refuses::<kpi::KpiScope>(r#"{"shop":["a"]}"#, "shop");
    refuses::<kpi::KpiPolicy>(r#"{"ship_time":"x"}"#, "ship_time");
    refuses::<kpi::OrderRow>(r#"{"created_at":"2026-03-04T00:00:00Z","shipby":null}"#, "shipby");
    refuses::<kpi::OrderRow>(
        r#"{"created_at":"2026-03-04T00:00:00Z","keys":{"regions":"x"}}"#,
        "regions",
    );
    let mut query =
        serde_json::to_value(kpi::KpiQuery::new(kpi::Window::new(now() - hours(1), now()), now()))
            .unwrap();
    assert!(serde_json::from_value::<kpi::KpiQuery>(query.clone()).is_ok());
    query["grouped_by"] = serde_json::json!([]);
    refuses::<kpi::KpiQuery>(&query.to_string(), "grouped_by");
    refuses::<orderflow::order::OrderFilter>(r#"{"shopz":["a"]}"#, "shopz");
    refuses::<orderflow::order::OrderFilter>(r#"{"placed":{"form":null}}"#, "form");
    refuses::<rules::CarrierAccount>(r#"{"usabel":false}"#, "usabel");
    refuses::<SlaRules>(r#"{"preset":[]}"#, "preset");
    refuses::<analytics::TrendPolicy>(r#"{"fast":1}"#, "fast");
    refuses::<message::KeywordClassifier>(r#"{"cancels":[]}"#, "cancels");
}
