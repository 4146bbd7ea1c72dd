//! What happens to an order between import and upload: classification, a person's review, orders
//! that share a parcel, carriers' names, numbers that change, and how often one asks.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics has failed, which is what it is for"
)]

mod support;

use chrono::{DateTime, Utc};
use orderflow::order::{
    Actor, CancelReason, Deadline, DeadlineKind, DeadlineSource, Event, LogisticsMode, Order,
    OrderState, Priority, Requirements, Review, SpeedClass, Stage, apply, derive_stage,
};
use orderflow::rules::{
    AllocationPolicy, CarrierCode, CarrierMap, ClassificationPolicy, ManualReview,
    ManualReviewError, PollAdvice, PollFinding, PollTier, TrackPollPolicy, UploadVerdict, allocate,
    check_poll_interval, classify, combinable, judge_upload, next_track_poll, only_slot,
    plan_manual_review, poll_plan, preview, review_queue,
};
use orderflow::shipment::{Milestone, NumberChanges};
use orderflow::warehouse::{FulfillmentChannel, StockView, Warehouse};
use orderflow::{
    CarrierId, Currency, Grams, Money, PlatformId, ServiceCode, Sku, TrackingNumber, WarehouseId,
};
use proptest::prelude::*;
use support::*;

fn tags(order: &Order, earlier: Option<u32>) -> Vec<String> {
    classify(order, earlier, &ClassificationPolicy::default()).tags.into_iter().collect()
}

#[test]
fn an_order_is_tagged_by_what_is_known_of_it_and_by_nothing_else() {
    let order = imported("1", &[("1", 1)]);
    assert_eq!(
        tags(&order, Some(0)),
        [
            "buyer:first",
            "country:US",
            "logistics:seller_carrier",
            "place:residential",
            "platform:market",
            "region:US-CO",
            "site:US",
            "speed:standard",
            "value:low",
            "weight:light",
        ]
    );
    let mut order = order;
    order.recipient = None;
    order.lines[0].weight = None;
    order.site = None;
    order.total = Money::new(order.total.amount, Currency::MXN);
    assert_eq!(
        tags(&order, None),
        ["logistics:seller_carrier", "platform:market", "speed:standard"]
    );
}

#[test]
fn bands_end_where_they_say_and_speed_raises_the_priority() {
    let policy = ClassificationPolicy::default();
    let mut order = imported("1", &[("1", 1)]);
    for (cents, band) in [(4_999, "low"), (5_000, "medium"), (19_999, "medium"), (20_000, "high")] {
        order.total = usd(cents);
        assert!(tags(&order, None).contains(&format!("value:{band}")), "{cents}");
    }
    for (grams, class) in [(453, "light"), (454, "medium"), (9_072, "medium"), (9_073, "heavy")] {
        order.lines[0].weight = Some(Grams::new(grams));
        assert!(tags(&order, None).contains(&format!("weight:{class}")), "{grams}");
    }
    assert_eq!(classify(&order, None, &policy).priority, Priority::Normal);
    order.speed = SpeedClass::NextDay;
    assert_eq!(classify(&order, None, &policy).priority, Priority::High);
    order.priority = Priority::Urgent;
    assert_eq!(classify(&order, None, &policy).priority, Priority::Urgent);
    order.priority = Priority::Normal;
    order.tags.insert("vip".into());
    let mut policy = policy;
    policy.urgent_tags.insert("vip".into());
    assert_eq!(classify(&order, None, &policy).priority, Priority::Urgent);
}

fn needs_person(id: &str, due: Option<DateTime<Utc>>, priority: Priority) -> Order {
    let mut order = imported(id, &[("1", 3), ("2", 1)]);
    order.review = Review::NeedsPerson { at: now(), findings: vec!["look".into()] };
    order.priority = priority;
    order.deadlines = due
        .map(|at| Deadline {
            kind: DeadlineKind::ShipBy,
            at,
            starts_at: now(),
            source: DeadlineSource::Platform,
            version: 1,
            requires: Requirements::default(),
        })
        .into_iter()
        .collect();
    order
}

#[test]
fn the_review_queue_is_sorted_by_deadline_then_priority_then_key() {
    let orders = [
        needs_person("d", None, Priority::Urgent),
        needs_person("c", Some(now() + hours(9)), Priority::Normal),
        needs_person("b", Some(now() + hours(9)), Priority::High),
        needs_person("a", Some(now() + hours(2)), Priority::Low),
        imported("pending", &[("1", 1)]),
    ];
    let ids = |orders: &[Order]| -> Vec<String> {
        review_queue(orders).into_iter().map(|order| order.key.order.to_string()).collect()
    };
    assert_eq!(ids(&orders), ["a", "b", "c", "d"]);
    let mut turned = orders.clone();
    turned.reverse();
    assert_eq!(ids(&turned), ids(&orders));
}

/// Applies what a decision planned, as its actor.
fn carried_out(order: &Order, decision: &ManualReview) -> Order {
    let plan = plan_manual_review(order, decision, "ana", now()).unwrap();
    assert_eq!(plan.actor, Actor::Person("ana".into()));
    plan.actions.into_iter().fold(order.clone(), |order, action| {
        let event = Event::new(action, now(), plan.actor.clone());
        apply(&order, &event, now()).unwrap().order
    })
}

#[test]
fn a_person_approves_corrects_shortens_rejects_or_waits_and_is_named() {
    let order = needs_person("1", None, Priority::Normal);
    let approved = carried_out(&order, &ManualReview::Approve);
    assert_eq!(approved.review, Review::Approved { at: now(), by: Actor::Person("ana".into()) });
    let fewer = ManualReview::ApproveFewer {
        cancel: vec![(line_id("1"), 2), (line_id("2"), 1)],
        reason: CancelReason::OutOfStock,
    };
    let shortened = carried_out(&order, &fewer);
    assert_eq!(shortened.open_units(&line_id("1")), 1);
    assert_eq!(shortened.open_units(&line_id("2")), 0);
    let reject = ManualReview::Reject { reason: CancelReason::Fraud };
    let rejected = carried_out(&order, &reject);
    assert_eq!(rejected.state(), OrderState::Cancelled);
    let hold = ManualReview::Hold { note: "call first".into(), until: Some(now() + hours(5)) };
    let held = carried_out(&order, &hold);
    assert_eq!(derive_stage(&held, now()), Some(Stage::OnHold));
    assert!(!held.is_held(now() + hours(5)));
    let corrected = ManualReview::ApproveWithRecipient(Box::new(recipient()));
    let plan = plan_manual_review(&order, &corrected, "ana", now()).unwrap();
    assert_eq!(plan.recipient.as_deref(), Some(&recipient()));
}

#[test]
fn a_decision_that_cannot_be_carried_out_says_why_and_does_nothing() {
    let order = needs_person("1", None, Priority::Normal);
    let refused = |decision: &ManualReview, by: &str| {
        plan_manual_review(&order, decision, by, now()).unwrap_err()
    };
    let fewer = |cancel: Vec<(&str, u32)>| ManualReview::ApproveFewer {
        cancel: cancel.into_iter().map(|(line, units)| (line_id(line), units)).collect(),
        reason: CancelReason::OutOfStock,
    };
    assert_eq!(refused(&ManualReview::Approve, "  "), ManualReviewError::NoActor);
    let quantity =
        |wanted, possible| ManualReviewError::Quantity { line: line_id("1"), wanted, possible };
    assert_eq!(refused(&fewer(vec![("1", 4)]), "ana"), quantity(4, 3));
    assert_eq!(refused(&fewer(vec![("1", 0)]), "ana"), quantity(0, 3));
    assert_eq!(refused(&fewer(vec![("1", 2), ("1", 2)]), "ana"), quantity(2, 1));
    assert_eq!(
        refused(&fewer(vec![("9", 1)]), "ana"),
        ManualReviewError::UnknownLine(line_id("9"))
    );
    assert_eq!(refused(&fewer(vec![("1", 3), ("2", 1)]), "ana"), ManualReviewError::NothingLeft);
    let mut nameless = recipient();
    nameless.name = "".into();
    assert_eq!(
        refused(&ManualReview::ApproveWithRecipient(Box::new(nameless)), "ana"),
        ManualReviewError::RecipientIncomplete("name")
    );
    let (order, package) = labelled("2", &[("1", 1)]);
    let shipped = after(order, vec![confirmed(&package)]);
    assert_eq!(
        plan_manual_review(&shipped, &ManualReview::Approve, "ana", now()),
        Err(ManualReviewError::NotReviewable { state: OrderState::AwaitingCollection })
    );
}

#[test]
fn a_preview_shows_what_is_open_and_what_stands_against_shipping() {
    let order = needs_person("1", None, Priority::Normal);
    let shown = preview(&order, now());
    assert_eq!(shown.goods.len(), 2);
    assert_eq!(shown.against, ["not approved", "not acknowledged"]);
    assert!(!format!("{shown:?}").contains("Núñez"));
    let (ready, _) = labelled("2", &[("1", 2)]);
    assert_eq!(preview(&ready, now()).against, [""; 0]);
}

fn planned(id: &str) -> Order {
    let order = after(imported(id, &[("1", 1)]), vec![approved(), acknowledged()]);
    let plan = allocated(&order, &[(1, &[("1", 1)])]);
    after(order, vec![plan])
}

#[test]
fn orders_to_one_recipient_may_share_a_parcel_whatever_the_spelling() {
    let mut second = planned("b");
    let address = &mut second.recipient.as_mut().unwrap().address;
    address.lines = vec!["12 EXAMPLE STREET.".into(), "apt. 4".into()];
    address.city = " denver".into();
    let orders = [second, planned("a"), planned("a")];
    let groups = combinable(&orders, now());
    assert_eq!(groups.len(), 1);
    let ids: Vec<&str> = groups[0].orders.iter().map(|key| key.order.as_str()).collect();
    assert_eq!(ids, ["a", "b"]);
}

#[test]
fn what_is_held_labelled_elsewhere_or_hidden_never_shares_a_parcel() {
    let alone = |change: &dyn Fn(&mut Order)| {
        let mut other = planned("b");
        change(&mut other);
        combinable(&[planned("a"), other], now()).is_empty()
    };
    assert!(!alone(&|_| {}));
    assert!(alone(&|order| order.key.shop = orderflow::ShopId::from_static("shop-2")));
    assert!(alone(&|order| order.logistics = LogisticsMode::PlatformLabel));
    assert!(alone(&|order| order.packages[0].warehouse = Some(WarehouseId::from_static("x"))));
    assert!(alone(&|order| order.recipient.as_mut().unwrap().name = "Another".into()));
    assert!(alone(&|order| order.test = true));
    assert!(alone(&|order| order.packages.clear()));
    let hold = orderflow::order::Hold {
        id: orderflow::HoldId::from_static("h"),
        reason: orderflow::order::HoldReason::Manual,
        note: None,
        placed_at: now(),
        until: None,
        released_at: None,
    };
    assert!(alone(&|order| order.holds.push(hold.clone())));
    let mut first = planned("a");
    first.recipient.as_mut().unwrap().address.lines = vec!["*** ***".into()];
    let second = Order { key: key("b"), ..first.clone() };
    assert!(combinable(&[first, second], now()).is_empty(), "two hidden addresses are not one");
    let (labelled_one, _) = labelled("c", &[("1", 1)]);
    assert!(combinable(&[planned("a"), labelled_one], now()).is_empty());
}

#[test]
fn the_most_specific_name_of_a_carrier_counts() {
    let map: CarrierMap = serde_json::from_str(
        r#"[
            { "carrier": "c", "code": { "code": "any" } },
            { "carrier": "c", "service": "EXPRESS", "code": { "code": "service" } },
            { "site": "MLB", "carrier": "c", "code": { "code": "site" } },
            { "platform": "p", "carrier": "c", "code": { "code": "platform" } },
            { "site": "MLA", "carrier": "c", "service": "EXPRESS", "code": { "code": "both" } },
            { "platform": "p", "carrier": "c", "service": "EXPRESS", "code": "unsupported" },
            { "platform": "p", "site": "MLB", "carrier": "c",
              "code": { "other": { "name": "C", "url": "https://c.example/{number}" } } }
        ]"#,
    )
    .unwrap();
    let (p, q) = (PlatformId::from_static("p"), PlatformId::from_static("q"));
    let carrier = CarrierId::from_static("c");
    let (express, ground) = (ServiceCode::from_static("EXPRESS"), ServiceCode::from_static("G"));
    let code = |text: &str| CarrierCode::Code(text.to_owned());
    assert_eq!(map.code(&q, None, &carrier, &ground), Some(&code("any")));
    assert_eq!(map.code(&q, None, &carrier, &express), Some(&code("service")));
    assert_eq!(map.code(&q, Some("MLB"), &carrier, &express), Some(&code("site")));
    assert_eq!(map.code(&p, None, &carrier, &ground), Some(&code("platform")));
    // A row of the platform comes before one that names more, but no platform.
    assert_eq!(map.code(&p, Some("MLA"), &carrier, &express), Some(&CarrierCode::Unsupported));
    assert_eq!(map.code(&q, Some("MLA"), &carrier, &express), Some(&code("both")));
    assert_eq!(map.code(&p, None, &carrier, &express), Some(&CarrierCode::Unsupported));
    assert!(matches!(
        map.code(&p, Some("MLB"), &carrier, &express),
        Some(CarrierCode::Other { .. })
    ));
    assert_eq!(map.code(&p, None, &CarrierId::from_static("d"), &ground), None);
    let text = serde_json::to_string(&map).unwrap();
    assert_eq!(serde_json::from_str::<CarrierMap>(&text).unwrap(), map);
}

#[test]
fn a_number_on_the_platform_is_done_updated_or_a_conflict_and_never_overwritten() {
    let (ours, old, theirs) = (
        TrackingNumber::from_static("N1"),
        TrackingNumber::from_static("N0"),
        TrackingNumber::from_static("X"),
    );
    let shipped = now();
    let judge = |there: Option<&TrackingNumber>, allowed: NumberChanges, changes, hour| {
        judge_upload(there, Some(&old), &ours, &allowed, changes, shipped, shipped + hours(hour))
    };
    let window = NumberChanges::MANY.within_hours(72);
    assert_eq!(judge(None, NumberChanges::NEVER, 0, 1), UploadVerdict::Send);
    assert_eq!(judge(Some(&ours), NumberChanges::NEVER, 0, 1), UploadVerdict::Done);
    assert_eq!(judge(Some(&old), NumberChanges::NEVER, 0, 1), UploadVerdict::Conflict);
    assert_eq!(judge(Some(&old), NumberChanges::ONCE, 0, 1), UploadVerdict::Update);
    assert_eq!(judge(Some(&old), NumberChanges::ONCE, 1, 1), UploadVerdict::Conflict);
    assert_eq!(judge(Some(&old), window, 9, 72), UploadVerdict::Update);
    assert_eq!(judge(Some(&old), window, 9, 73), UploadVerdict::Conflict);
    assert_eq!(judge(Some(&theirs), NumberChanges::MANY, 0, 1), UploadVerdict::Conflict);
}

#[test]
fn a_platform_with_one_slot_gets_the_first_number_and_the_others_are_named() {
    let numbers = ["B", "A", "C", "A"].map(|text| TrackingNumber::new(text).unwrap());
    let slot = only_slot([(2, &numbers[0]), (1, &numbers[1]), (3, &numbers[2]), (4, &numbers[3])]);
    let (first, rest) = slot.unwrap();
    assert_eq!(first.as_str(), "A");
    assert_eq!(rest.iter().map(|number| number.as_str()).collect::<Vec<_>>(), ["B", "C"]);
    let again = [(1, &numbers[1]), (2, &numbers[0]), (3, &numbers[2]), (4, &numbers[0])];
    let (_, rest) = only_slot(again).unwrap();
    assert_eq!(rest.iter().map(|number| number.as_str()).collect::<Vec<_>>(), ["B", "C"]);
    assert_eq!(only_slot(Vec::<(u8, &TrackingNumber)>::new()), None);
}

#[test]
fn every_row_of_the_poll_plan() {
    for (orders, push, minutes, tier) in [
        (100, false, 5, PollTier::High),
        (100, true, 10, PollTier::High),
        (99, false, 10, PollTier::High),
        (51, false, 10, PollTier::High),
        (99, true, 15, PollTier::Medium),
        (50, false, 15, PollTier::Medium),
        (50, true, 30, PollTier::Medium),
        (49, false, 15, PollTier::Low),
        (0, true, 30, PollTier::Low),
    ] {
        let plan = poll_plan(orders, push, false);
        assert_eq!((plan.every_minutes, plan.tier), (minutes, tier), "{orders} {push}");
        assert_eq!(plan.advice, (orders >= 100 && !push).then_some(PollAdvice::EnablePush));
        let with_clock = poll_plan(orders, push, true);
        assert_eq!(with_clock.every_minutes, minutes.min(15));
    }
    assert_eq!(check_poll_interval(11, false, 51), Some(PollFinding::TooSlow));
    assert_eq!(check_poll_interval(10, false, 51), None);
    assert_eq!(check_poll_interval(30, true, 500), None);
    assert_eq!(check_poll_interval(30, false, 50), None);
}

#[test]
fn carriers_are_asked_by_where_the_parcel_stands_and_not_after_its_end() {
    let policy = TrackPollPolicy::default();
    let (order, package) = labelled("1", &[("1", 1)]);
    let bought = &order.packages[0];
    assert_eq!(next_track_poll(bought, None, &policy, now()), Some(now()));
    let order = after(order, vec![confirmed(&package)]);
    let asked = now() + hours(10);
    let pause = |milestones: &[Milestone]| {
        let order = if milestones.is_empty() {
            order.clone()
        } else {
            after(order.clone(), vec![tracked(&package, milestones)])
        };
        next_track_poll(&order.packages[0], Some(asked), &policy, asked)
            .map(|next| (next - asked).num_hours())
    };
    assert_eq!(pause(&[]), Some(6));
    assert_eq!(pause(&[Milestone::PreAdvice]), Some(6));
    assert_eq!(pause(&[Milestone::Accepted]), Some(4));
    assert_eq!(pause(&[Milestone::Accepted, Milestone::OutForDelivery]), Some(1));
    assert_eq!(pause(&[Milestone::Accepted, Milestone::AttemptFailed]), Some(2));
    assert_eq!(pause(&[Milestone::Accepted, Milestone::CustomsStarted]), Some(2));
    assert_eq!(pause(&[Milestone::Accepted, Milestone::Delivered]), None);
    assert_eq!(pause(&[Milestone::Accepted, Milestone::Lost]), None);
    let late = next_track_poll(&order.packages[0], Some(asked), &policy, now() + hours(24 * 90));
    assert!(late.is_some());
    let given_up = now() + hours(24 * 90 + 1);
    assert_eq!(next_track_poll(&order.packages[0], Some(asked), &policy, given_up), None);
}

#[test]
fn a_part_is_not_shipped_when_the_part_left_would_not_be_worth_it() {
    let warehouse = Warehouse {
        id: WarehouseId::from_static("a"),
        channel: FulfillmentChannel::MerchantFulfilled,
        sender: recipient(),
        calendar: orderflow::calendar::WorkCalendar::every_day(chrono_tz::UTC),
        enabled: true,
        platforms: std::collections::BTreeSet::new(),
        countries: std::collections::BTreeSet::new(),
        capacity_left: None,
        unit_cost: None,
        transit_days: std::collections::BTreeMap::new(),
        priority: 0,
    };
    let order = imported("1", &[("1", 3), ("2", 1)]);
    let mut stock = StockView::new();
    stock.set(warehouse.id.clone(), Sku::from_static("SKU-1"), 3);
    let mut policy = AllocationPolicy::default();
    policy.allow_partial = true;
    let parcels = |policy: &AllocationPolicy| {
        let found = allocate(&order, std::slice::from_ref(&warehouse), &stock, policy, now());
        found.allocation.packages.len()
    };
    assert_eq!(parcels(&policy), 1);
    policy.min_split_value = Some(10.into());
    assert_eq!(parcels(&policy), 1, "the part left is worth exactly 10");
    policy.min_split_value = Some(11.into());
    assert_eq!(parcels(&policy), 0);
}

proptest! {
    #[test]
    fn a_decision_never_cancels_more_than_is_open(
        cancel in prop::collection::vec((0_usize..3, 0_u32..6), 0..6),
    ) {
        let order = needs_person("1", None, Priority::Normal);
        let cancel = cancel
            .into_iter()
            .map(|(line, units)| (line_id(["1", "2", "9"][line]), units))
            .collect();
        let decision = ManualReview::ApproveFewer { cancel, reason: CancelReason::OutOfStock };
        if let Ok(plan) = plan_manual_review(&order, &decision, "ana", now()) {
            let after = plan.actions.into_iter().fold(order.clone(), |order, action| {
                let event = Event::new(action, now(), plan.actor.clone());
                apply(&order, &event, now()).unwrap().order
            });
            prop_assert!(after.state() == OrderState::AwaitingShipment);
        }
    }

    #[test]
    fn no_time_is_too_far_for_asking_carriers(seconds in any::<i64>()) {
        let at = DateTime::from_timestamp(seconds % 8_000_000_000_000, 0).unwrap();
        let (order, package) = labelled("1", &[("1", 1)]);
        let order = after(order, vec![confirmed(&package)]);
        let _ = next_track_poll(&order.packages[0], Some(at), &TrackPollPolicy::default(), at);
    }
}

#[test]
fn a_void_window_reads_dates_and_times_as_every_other_document_does() {
    use orderflow::rules::VoidWindow;
    let window = |date: &str, time: &str| {
        toml::from_str::<VoidWindow>(&format!(
            "name = \"own\"\ncarrier = \"post\"\nas_of = {date}\nsource = \"the contract\"\n\
             [until.local_time]\ndays_after_mailing = 1\ntime = {time}\nzone = \"UTC\"\n"
        ))
    };
    assert_eq!(
        window("2026-03-04", "00:30:00").unwrap(),
        window("\"2026-03-04\"", "\"00:30:00\"").unwrap()
    );
    assert!(window("\"yesterday\"", "\"00:30:00\"").is_err());
    assert!(window("\"2026-03-04\"", "\"noon\"").is_err());
}

#[test]
fn every_void_window_is_dated_has_a_source_and_ends_as_it_says() {
    use orderflow::rules::{LabelStanding, VoidVerdict, VoidWindow, void_verdict};
    let windows = VoidWindow::presets();
    assert_eq!(windows.len(), 4);
    assert!(windows.iter().all(|window| !window.source.is_empty()));
    let day = chrono::NaiveDate::from_ymd_opt(2026, 3, 7);
    let label = LabelStanding::new(day);
    let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    let verdict = |name: &str, label: LabelStanding, now: &str| {
        void_verdict(&VoidWindow::preset(name).unwrap(), &label, at(now))
    };
    // Clocks jump in Chicago on the night of the 8th: half past midnight is before that.
    let until = Some(at("2026-03-08T06:30:00Z"));
    let possible = VoidVerdict::Possible { until };
    assert_eq!(verdict("usps", label, "2026-03-08T06:29:59Z"), possible);
    assert_eq!(verdict("usps", label, "2026-03-08T06:30:00Z"), VoidVerdict::RefundOnly);
    assert_eq!(
        verdict("usps", label.manifested(), "2026-03-07T12:00:00Z"),
        VoidVerdict::RefundOnly
    );
    assert_eq!(
        verdict("fedex", label, "2026-04-07T12:00:00Z"),
        VoidVerdict::Possible { until: None }
    );
    assert_eq!(verdict("fedex", label.scanned(), "2026-03-07T12:00:00Z"), VoidVerdict::TooLate);
    assert_eq!(
        verdict("dhl-ecommerce", label.international(), "2026-03-07T12:00:00Z"),
        VoidVerdict::Never
    );
    assert_eq!(verdict("dhl-express", label, "2026-03-07T12:00:00Z"), VoidVerdict::Never);
    let timeless = LabelStanding::new(None);
    assert_eq!(
        verdict("usps", timeless, "2026-03-09T12:00:00Z"),
        VoidVerdict::Possible { until: None }
    );
}

#[test]
fn a_declaration_is_made_of_what_is_known_and_names_what_is_not() {
    use orderflow::Country;
    use orderflow::rules::{CustomsBook, CustomsFacts, declare};
    let (order, package) = labelled("1", &[("1", 2), ("2", 1)]);
    let parcel = order.package(&package).unwrap();
    let mut book = CustomsBook::default();
    let gap = declare(&order, parcel, &book).unwrap_err();
    assert_eq!((gap.field, gap.line.as_str()), ("origin", "1"));
    assert!(gap.to_string().starts_with("customs.goods.SKU-1.origin"), "{gap}");
    book.origin = Country::new("MX");
    let mut facts = CustomsFacts::default();
    facts.hs_code = Some("691200".to_owned());
    facts.origin = Country::new("CN");
    facts.description = Some("Ceramic mug".to_owned());
    book.goods.insert(Sku::from_static("SKU-1"), facts);
    assert_eq!(declare(&order, parcel, &book).unwrap_err().field, "hs_code");
    book.allow_missing_hs_code = true;
    let declared = declare(&order, parcel, &book).unwrap();
    let told: Vec<_> = declared
        .items
        .iter()
        .map(|item| (item.description.as_str(), item.units, item.origin.as_str()))
        .collect();
    assert_eq!(told, [("Ceramic mug", 2, "CN"), ("Thing 2", 1, "MX")]);
    assert_eq!(declared.value().unwrap(), usd(3000));
    assert_eq!(declared.invoice.as_deref(), Some("1"));
    let mut weightless = order.clone();
    weightless.lines[1].weight = None;
    assert_eq!(declare(&weightless, parcel, &book).unwrap_err().field, "unit_weight");
}

#[test]
fn what_customs_would_refuse_names_the_field() {
    use orderflow::shipment::{CustomsDeclaration, CustomsItem};
    use orderflow::{Country, Grams, Money};
    let good = || {
        CustomsDeclaration::sale(vec![CustomsItem {
            description: "Mug".to_owned(),
            units: 2,
            unit_value: usd(100),
            unit_weight: Grams::new(100),
            origin: Country::US,
            hs_code: Some("691200".to_owned()),
            sku: None,
        }])
    };
    let refused = |change: fn(&mut CustomsDeclaration)| {
        let mut declaration = good();
        change(&mut declaration);
        declaration.check(Grams::new(250)).unwrap_err().field
    };
    good().check(Grams::new(200)).unwrap();
    assert_eq!(refused(|d| d.items.clear()), "customs.items");
    assert_eq!(refused(|d| d.items[0].description = " ".into()), "customs.items.description");
    assert_eq!(refused(|d| d.items[0].description = "a\u{7}".into()), "customs.items.description");
    assert_eq!(refused(|d| d.items[0].units = 0), "customs.items.units");
    assert_eq!(refused(|d| d.items[0].unit_value = usd(0)), "customs.items.unit_value");
    assert_eq!(refused(|d| d.items[0].hs_code = Some("69.12".into())), "customs.items.hs_code");
    assert_eq!(refused(|d| d.items[0].unit_weight = Grams::ZERO), "customs.items.unit_weight");
    assert_eq!(refused(|d| d.items[0].units = 3), "customs.items.unit_weight");
    assert_eq!(
        refused(|d| {
            let mut other = d.items[0].clone();
            other.unit_value = Money::from_minor(1, orderflow::Currency::MXN);
            other.unit_weight = Grams::new(1);
            d.items.push(other);
        }),
        "customs.items.unit_value"
    );
}

#[test]
fn what_is_scanned_must_be_what_is_in_the_parcel() {
    use orderflow::rules::{PickCheckError, check_pick};
    let (mut order, package) = labelled("1", &[("1", 2), ("2", 1)]);
    let parcel = order.package(&package).unwrap().clone();
    let sku = |id: &'static str| Sku::from_static(id);
    let check = |order: &Order, scanned: &[(&'static str, u32)]| {
        let scanned: Vec<_> = scanned.iter().map(|(id, units)| (sku(id), *units)).collect();
        check_pick(order, &parcel, &scanned)
    };
    // In any order, in several goes, and nothing counts as nothing.
    let right = [("SKU-2", 1), ("SKU-1", 1), ("SKU-9", 0), ("SKU-1", 1)];
    assert!(check(&order, &right).unwrap().is_none());
    let wrong = check(&order, &[("SKU-1", 3), ("SKU-9", 2)]).unwrap();
    assert_eq!(wrong.to_string(), "short of: 1 × SKU-2; too many: 1 × SKU-1; wrong: 2 × SKU-9");
    assert_eq!(check(&order, &[]).unwrap().short.len(), 2);
    order.lines[1].sku = None;
    assert_eq!(check(&order, &right), Err(PickCheckError::NoSku(line_id("2"))));
}

#[test]
fn labels_are_printed_twice_a_day_and_three_or_four_times_in_a_promotion() {
    use orderflow::rules::PrintSlots;
    let zone = chrono_tz::America::New_York;
    let day = |text: &str| text.parse::<chrono::NaiveDate>().unwrap();
    let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    let slots = PrintSlots::default().with_promotion(day("2026-11-27"), day("2026-11-27"));
    let local = |runs: Vec<DateTime<Utc>>| {
        let time = |run: DateTime<Utc>| run.with_timezone(&zone).format("%H:%M").to_string();
        runs.into_iter().map(time).collect::<Vec<_>>()
    };
    assert_eq!(local(slots.of_day(day("2026-11-26"), zone)), ["09:30", "15:00"]);
    let friday = local(slots.of_day(day("2026-11-27"), zone));
    assert_eq!(friday, ["09:30", "14:00", "19:00"]);
    let slots = slots.with_late_run();
    let friday = local(slots.of_day(day("2026-11-27"), zone));
    assert_eq!(friday, ["09:30", "14:00", "19:00", "22:00"]);
    // From the last run of one day to the first of the next, and a run that begins now is over.
    assert_eq!(slots.next(at("2026-11-26T20:00:00Z"), zone), Some(at("2026-11-27T14:30:00Z")));
    assert_eq!(slots.next(at("2026-11-28T03:00:00Z"), zone), Some(at("2026-11-28T14:30:00Z")));
    // A promotion that prints nothing hides the usual runs only while it lasts.
    let mut silent = PrintSlots::default().with_promotion(day("2026-11-20"), day("2026-12-20"));
    silent.promotion.clear();
    assert_eq!(silent.next(at("2026-11-26T20:00:00Z"), zone), Some(at("2026-12-21T14:30:00Z")));
    silent.normal.clear();
    assert_eq!(silent.next(at("2026-11-26T20:00:00Z"), zone), None);
}
