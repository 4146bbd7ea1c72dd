//! Key figures: the worked examples with their numbers, the boundaries of every definition, and what
//! holds whatever the orders are.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics has failed, which is what it is for"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, TimeDelta, TimeZone, Utc};
use orderflow::order::{
    Actor, CancelReason, CancelledUnits, Deadline, DeadlineKind, DeadlineSource, ExceptionKind,
    Incident, LogisticsMode, Order, ReturnedUnits,
};
use orderflow::rules::CarrierReliability;
use orderflow::rules::kpi::*;
use orderflow::shipment::{Milestone, ServiceKey, UploadState};
use orderflow::{
    CarrierId, Currency, Grams, Money, PlatformId, ServiceCode, ShopId, ShopKey, Sku, WarehouseId,
};
use proptest::prelude::*;
use rust_decimal::Decimal;
use support::{after, confirmed, hours, labelled, labelled_twice, line_id, now, tracked, usd};

fn day(day: i64) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 1, 0, 0, 0).unwrap() + TimeDelta::days(day)
}

fn march() -> KpiQuery {
    KpiQuery::new(Window::new(day(0), day(31)), day(20))
}

fn seed() -> KpiTargets {
    KpiTargets::preset("seed").unwrap()
}

/// Paid on the first day, to be shipped on the fourth.
fn paid() -> OrderRow {
    OrderRow { paid_at: Some(day(1)), ship_by: Some(day(4)), ..OrderRow::placed(day(1)) }
}

fn shipped(at: DateTime<Utc>) -> OrderRow {
    OrderRow { ship_confirmed_at: Some(at), fully_shipped: true, ..paid() }
}

fn cancelled(at: DateTime<Utc>, by: CancelledBy) -> OrderRow {
    OrderRow { cancellation: Some(Cancellation { at, by }), ..paid() }
}

fn kpi(query: &KpiQuery, rows: &[OrderRow], id: KpiId) -> Kpi {
    let facts: OrderFacts = rows.iter().cloned().collect();
    query.count(&facts).unwrap().total(id, DenominatorMode::Decided, &seed())
}

/// What one order is to a figure: numerator, denominator, pending, excluded.
fn one(query: &KpiQuery, row: &OrderRow, id: KpiId) -> (u64, u64, u64, u64) {
    let kpi = kpi(query, std::slice::from_ref(row), id);
    (kpi.numerator, kpi.denominator, kpi.pending, kpi.excluded.total())
}

const HIT: (u64, u64, u64, u64) = (1, 1, 0, 0);
const MISS: (u64, u64, u64, u64) = (0, 1, 0, 0);
const PENDING: (u64, u64, u64, u64) = (0, 0, 1, 0);
const EXCLUDED: (u64, u64, u64, u64) = (0, 0, 0, 1);
const OUTSIDE: (u64, u64, u64, u64) = (0, 0, 0, 0);

fn worked_example() -> Vec<OrderRow> {
    let mut rows = vec![shipped(day(3)); 6];
    rows.push(shipped(day(5)));
    rows.push(paid());
    rows.push(OrderRow { ship_by: Some(day(25)), ..paid() });
    rows.push(cancelled(day(2), CancelledBy::Buyer));
    rows
}

#[test]
fn the_worked_example_of_on_time_shipping_gives_six_of_eight() {
    let rows = worked_example();
    let on_time = kpi(&march(), &rows, KpiId::OnTimeShipping);
    assert_eq!((on_time.numerator, on_time.denominator, on_time.pending), (6, 8, 1));
    assert_eq!(on_time.excluded.of(ExclusionReason::CancelledByBuyer), 1);
    assert_eq!(on_time.excluded.total(), 1);
    assert_eq!(on_time.ratio().unwrap().percent(), "75.00 %");
    let late = kpi(&march(), &rows, KpiId::LateShipping);
    assert_eq!(late.ratio().unwrap().percent(), "25.00 %");
    assert_eq!(late.health, Health::Critical);
    assert_eq!(
        on_time.to_string(),
        "KPI-01 on-time shipping rate: 75.00 % (6 of 8, 1 pending, 1 cancelled by the buyer before \
         the deadline), critical"
    );
}

#[test]
fn the_worked_example_in_the_literal_mode_gives_six_of_ten() {
    let facts: OrderFacts = worked_example().into_iter().collect();
    let counters = march().count(&facts).unwrap();
    let literal = |id| counters.total(id, DenominatorMode::AllOrders, &seed());
    let on_time = literal(KpiId::OnTimeShipping);
    assert_eq!((on_time.numerator, on_time.denominator, on_time.pending), (6, 10, 0));
    assert_eq!(on_time.excluded.total(), 0);
    assert_eq!(literal(KpiId::LateShipping).numerator, 4);
}

#[test]
fn ninety_five_percent_is_healthy_and_five_percent_late_is_not_above_five() {
    let mut rows = vec![shipped(day(3)); 19];
    rows.push(shipped(day(5)));
    assert_eq!(kpi(&march(), &rows, KpiId::OnTimeShipping).health, Health::Healthy);
    assert_eq!(kpi(&march(), &rows, KpiId::LateShipping).health, Health::Healthy);
    rows.pop();
    rows.pop();
    rows.push(shipped(day(5)));
    assert_eq!(kpi(&march(), &rows, KpiId::OnTimeShipping).health, Health::Warning);
    assert_eq!(kpi(&march(), &rows, KpiId::LateShipping).health, Health::Warning);
    let ten = |late: usize| {
        let mut rows = vec![shipped(day(3)); 10 - late];
        rows.extend(vec![shipped(day(5)); late]);
        kpi(&march(), &rows, KpiId::LateShipping).health
    };
    assert_eq!(ten(1), Health::Warning, "exactly 10 % is not above 10 %");
    assert_eq!(ten(2), Health::Critical);
}

#[test]
fn nothing_over_nothing_is_no_data_and_never_a_hundred_percent() {
    for id in KpiId::ALL.into_iter().filter(|id| id.is_of_orders()) {
        let kpi = kpi(&march(), &[], id);
        assert_eq!((kpi.value, kpi.health), (None, Health::NoData), "{id}");
    }
    let pending = OrderRow { ship_by: Some(day(25)), ..paid() };
    assert_eq!(kpi(&march(), &[pending], KpiId::OnTimeShipping).health, Health::NoData);
}

#[test]
fn shipping_is_on_time_up_to_the_very_microsecond_of_the_deadline() {
    let by = day(4);
    let tick = TimeDelta::microseconds(1);
    let on_time = |row: &OrderRow| one(&march(), row, KpiId::OnTimeShipping);
    assert_eq!(on_time(&shipped(by)), HIT);
    assert_eq!(on_time(&shipped(by + tick)), MISS);
    let due = |at| OrderRow { ship_by: Some(at), ..paid() };
    assert_eq!(on_time(&due(day(20))), MISS, "a deadline that is now has come");
    assert_eq!(on_time(&due(day(20) + tick)), PENDING);
    let partly = OrderRow { fully_shipped: false, ..shipped(day(2)) };
    assert_eq!(on_time(&partly), MISS, "the last unit decides");
    assert_eq!(on_time(&OrderRow { ship_by: None, ..shipped(day(2)) }), EXCLUDED);
}

#[test]
fn who_cancels_and_when_decides_whether_shipping_counts() {
    use CancelledBy as By;
    let before = day(4) - TimeDelta::microseconds(1);
    let on_time = |at, by| one(&march(), &cancelled(at, by), KpiId::OnTimeShipping);
    for by in [By::Buyer, By::Platform, By::Seller, By::NotAcknowledged, By::Undeliverable] {
        assert_eq!(on_time(before, by), EXCLUDED, "{by:?} before");
        assert_eq!(on_time(day(4), by), MISS, "{by:?} at the deadline");
        assert_eq!(on_time(day(5), by), MISS, "{by:?} after");
    }
    assert_eq!(on_time(before, By::NotShipped), MISS);
    let reason = |by| {
        let kpi = kpi(&march(), &[cancelled(before, by)], KpiId::OnTimeShipping);
        kpi.excluded.iter().next().unwrap().0
    };
    assert_eq!(reason(By::Buyer), ExclusionReason::CancelledByBuyer);
    assert_eq!(reason(By::Seller), ExclusionReason::CancelledBySeller);
    assert_eq!(reason(By::Platform), ExclusionReason::CancelledByPlatform);
}

#[test]
fn what_happens_after_as_of_has_not_happened_yet() {
    let query = KpiQuery::new(Window::new(day(0), day(31)), day(3));
    let on_time = |row: &OrderRow| one(&query, row, KpiId::OnTimeShipping);
    assert_eq!(on_time(&shipped(day(3))), HIT);
    assert_eq!(on_time(&shipped(day(3) + hours(1))), PENDING);
    assert_eq!(on_time(&cancelled(day(3) + hours(1), CancelledBy::Buyer)), PENDING);
    let row = OrderRow { complaint_at: Some(day(3) + hours(1)), ..paid() };
    assert_eq!(one(&query, &row, KpiId::Complaint), MISS);
    let later = OrderRow { paid_at: Some(day(5)), ..paid() };
    assert_eq!(one(&query, &later, KpiId::Complaint), EXCLUDED, "not paid yet");
}

#[test]
fn tests_platform_fulfilled_and_unpaid_orders_never_count_in_either_mode() {
    let rows = [
        OrderRow { test: true, ..shipped(day(3)) },
        OrderRow { platform_fulfilled: true, ..shipped(day(3)) },
        OrderRow { paid_at: None, ..shipped(day(3)) },
    ];
    let facts: OrderFacts = rows.into_iter().collect();
    let counters = march().count(&facts).unwrap();
    for mode in [DenominatorMode::Decided, DenominatorMode::AllOrders] {
        for id in [KpiId::OnTimeShipping, KpiId::HandlingTime, KpiId::Complaint] {
            let kpi = counters.total(id, mode, &seed());
            assert_eq!((kpi.denominator, kpi.pending), (0, 0), "{id}");
            let reasons: Vec<_> = kpi.excluded.iter().collect();
            let each = [
                (ExclusionReason::Test, 1),
                (ExclusionReason::PlatformFulfilled, 1),
                (ExclusionReason::NeverPaid, 1),
            ];
            assert_eq!(reasons, each, "{id}");
        }
    }
}

#[test]
fn the_window_is_half_open_at_the_cohort_instant_of_each_figure() {
    let query = KpiQuery::new(Window::new(day(1), day(5)), day(20));
    let at = |paid_at| OrderRow { paid_at: Some(paid_at), ..OrderRow::placed(day(0)) };
    assert_eq!(one(&query, &at(day(1)), KpiId::Complaint), MISS);
    assert_eq!(one(&query, &at(day(5)), KpiId::Complaint), OUTSIDE);
    assert_eq!(one(&query, &at(day(0)), KpiId::Complaint), OUTSIDE);
    assert_eq!(one(&query, &shipped(day(5)), KpiId::HandlingTime), OUTSIDE);
    assert_eq!(one(&query, &shipped(day(4)), KpiId::HandlingTime), HIT);
    let promised = |by| OrderRow { deliver_by: Some(by), ..shipped(day(3)) };
    assert_eq!(one(&query, &promised(day(5)), KpiId::DeliveryDelay), OUTSIDE);
    assert_eq!(one(&query, &promised(day(4)), KpiId::DeliveryDelay), HIT);
}

#[test]
fn both_bases_of_shipping_can_be_chosen() {
    let scanned_late = OrderRow { accepted_at: Some(day(5)), ..shipped(day(3)) };
    let never_scanned = shipped(day(3));
    let by_scan =
        march().under(KpiPolicy::default().with_ship_time_basis(ShipTimeBasis::CarrierAccepted));
    for (row, confirmed, accepted) in [
        (&scanned_late, HIT, MISS),
        (&never_scanned, HIT, MISS),
        (&OrderRow { accepted_at: Some(day(4)), ..shipped(day(3)) }, HIT, HIT),
    ] {
        assert_eq!(one(&march(), row, KpiId::OnTimeShipping), confirmed);
        assert_eq!(one(&by_scan, row, KpiId::OnTimeShipping), accepted);
    }
}

#[test]
fn cancellation_counts_all_or_only_what_is_the_sellers_fault() {
    use CancelledBy as By;
    let both = |by| {
        let row = cancelled(day(2), by);
        let all = one(&march(), &row, KpiId::Cancellation);
        (all, one(&march(), &row, KpiId::SellerFaultCancellation))
    };
    for by in [By::Buyer, By::Platform, By::Undeliverable] {
        assert_eq!(both(by), (HIT, MISS), "{by:?}");
    }
    for by in [By::Seller, By::NotAcknowledged, By::NotShipped] {
        assert_eq!(both(by), (HIT, HIT), "{by:?}");
    }
    assert_eq!(one(&march(), &paid(), KpiId::Cancellation), MISS, "in progress is not cancelled");
    let mut rows = vec![paid(); 97];
    rows.extend(vec![cancelled(day(2), By::Buyer); 3]);
    assert_eq!(kpi(&march(), &rows, KpiId::Cancellation).health, Health::Healthy);
    rows.push(cancelled(day(2), By::Buyer));
    assert_eq!(kpi(&march(), &rows, KpiId::Cancellation).health, Health::Warning);
}

#[test]
fn handling_time_is_a_mean_with_percentiles_by_nearest_rank() {
    let rows: Vec<OrderRow> = (1..=10).map(|n| shipped(day(1) + hours(n))).collect();
    let counted = kpi(&march().with_percentiles(), &rows, KpiId::HandlingTime);
    let times = counted.durations().unwrap();
    assert_eq!(times.mean(), Some(TimeDelta::minutes(330)));
    assert_eq!(times.percentile(50), Some(hours(5)));
    assert_eq!(times.percentile(90), Some(hours(9)));
    assert_eq!(times.percentile(95), Some(hours(10)));
    let plain = kpi(&march(), &rows, KpiId::HandlingTime);
    assert_eq!(plain.durations().unwrap().mean(), Some(TimeDelta::minutes(330)));
    assert_eq!(plain.durations().unwrap().percentile(50), None, "values were not kept");
    assert_eq!(plain.value.unwrap().to_string(), "5:30:00 h");
    let partly = OrderRow { fully_shipped: false, ..shipped(day(2)) };
    assert_eq!(one(&march(), &partly, KpiId::HandlingTime), PENDING);
}

#[test]
fn handling_time_is_measured_by_each_platforms_own_target() {
    let facts: OrderFacts = [shipped(day(1) + hours(24)), shipped(day(1) + hours(24))]
        .into_iter()
        .chain([shipped(day(1) + hours(27))])
        .collect();
    let counters = march().count(&facts).unwrap();
    let health = |preset: &str| {
        let targets = KpiTargets::preset(preset).unwrap();
        counters.total(KpiId::HandlingTime, DenominatorMode::Decided, &targets).health
    };
    // 25 hours in the mean.
    assert_eq!(health("mercado_libre_seed"), Health::Warning);
    assert_eq!(health("tiktok_seed"), Health::Healthy);
    assert_eq!(health("seed"), Health::Healthy, "without a target");
}

#[test]
fn delivery_is_delayed_when_late_or_missing_once_the_promise_is_due() {
    let delay = |row: &OrderRow| one(&march(), row, KpiId::DeliveryDelay);
    let row = |by, at: Option<DateTime<Utc>>| OrderRow {
        deliver_by: Some(by),
        delivered_at: at,
        ..shipped(day(3))
    };
    assert_eq!(delay(&row(day(8), Some(day(8)))), MISS, "equal is in time");
    assert_eq!(delay(&row(day(8), Some(day(8) + TimeDelta::microseconds(1)))), HIT);
    assert_eq!(delay(&row(day(20), None)), HIT, "due now and not there");
    assert_eq!(delay(&row(day(21), Some(day(9)))), PENDING, "not due yet");
    assert_eq!(delay(&OrderRow { deliver_by: None, ..shipped(day(3)) }), EXCLUDED);
    let cancelled = OrderRow { deliver_by: Some(day(8)), ..cancelled(day(2), CancelledBy::Buyer) };
    assert_eq!(delay(&cancelled), EXCLUDED);
}

#[test]
fn every_needed_number_must_be_on_the_platform_and_in_time() {
    let row = |uploaded_at: Option<DateTime<Utc>>| OrderRow {
        number_needed: true,
        uploaded_at,
        upload_by: Some(day(4)),
        ..shipped(day(3))
    };
    let both = |row: &OrderRow| {
        let plain = one(&march(), row, KpiId::TrackingUpload);
        (plain, one(&march(), row, KpiId::TrackingUploadInTime))
    };
    assert_eq!(both(&row(Some(day(4)))), (HIT, HIT));
    assert_eq!(both(&row(Some(day(5)))), (HIT, MISS));
    assert_eq!(both(&row(Some(day(21)))), (MISS, MISS), "after as_of");
    assert_eq!(both(&row(None)), (MISS, MISS));
    let open = OrderRow { upload_by: Some(day(25)), ..row(None) };
    assert_eq!(both(&open), (MISS, PENDING));
    assert_eq!(both(&OrderRow { upload_by: None, ..row(Some(day(4))) }), (HIT, EXCLUDED));
    assert_eq!(both(&OrderRow { number_needed: false, ..row(None) }), (EXCLUDED, EXCLUDED));
    assert_eq!(both(&OrderRow { fully_shipped: false, ..row(None) }), (PENDING, PENDING));
}

#[test]
fn a_number_is_valid_with_a_scan_and_invalid_after_48_hours_without() {
    let row = |uploaded_at, accepted_at| OrderRow {
        number_needed: true,
        uploaded_at: Some(uploaded_at),
        accepted_at,
        ..shipped(day(3))
    };
    let valid = |row: &OrderRow| one(&march(), row, KpiId::ValidTracking);
    let tick = TimeDelta::microseconds(1);
    assert_eq!(valid(&row(day(4), Some(day(20)))), HIT);
    assert_eq!(valid(&row(day(18), None)), MISS, "exactly 48 hours");
    assert_eq!(valid(&row(day(18) + tick, None)), PENDING);
    assert_eq!(valid(&row(day(18) + tick, Some(day(19)))), HIT);
    let wrong = OrderRow { numbers_valid: false, ..row(day(19), Some(day(20))) };
    assert_eq!(valid(&wrong), MISS, "a wrong number is decided at once");
    let patient = march().under(KpiPolicy::default().with_scan_grace_hours(72));
    assert_eq!(one(&patient, &row(day(18), None), KpiId::ValidTracking), PENDING);
    assert_eq!(valid(&OrderRow { uploaded_at: None, ..row(day(4), None) }), OUTSIDE);
}

#[test]
fn acknowledgement_is_judged_once_done_or_due() {
    let row = |at: Option<DateTime<Utc>>, by| OrderRow {
        needs_acknowledgement: true,
        acknowledged_at: at,
        acknowledge_by: Some(by),
        ..paid()
    };
    let acked = |row: &OrderRow| one(&march(), row, KpiId::Acknowledgement);
    assert_eq!(acked(&row(Some(day(2)), day(2))), HIT);
    assert_eq!(acked(&row(Some(day(3)), day(2))), MISS);
    assert_eq!(acked(&row(None, day(20))), MISS);
    assert_eq!(acked(&row(None, day(21))), PENDING);
    assert_eq!(acked(&OrderRow { needs_acknowledgement: false, ..row(None, day(2)) }), EXCLUDED);
    assert_eq!(acked(&OrderRow { acknowledge_by: None, ..row(None, day(2)) }), EXCLUDED);
    let times = [row(Some(day(1) + TimeDelta::minutes(20)), day(2))];
    let mean = kpi(&march(), &times, KpiId::TimeToAcknowledge);
    assert_eq!(mean.durations().unwrap().mean(), Some(TimeDelta::minutes(20)));
    assert_eq!(mean.health, Health::Healthy);
}

#[test]
fn defects_are_configured_and_an_order_is_defective_once() {
    let defect = |row: &OrderRow| one(&march(), row, KpiId::OrderDefect);
    let (complaint, review) = (Some(day(2)), Some(day(3)));
    assert_eq!(
        defect(&OrderRow { complaint_at: complaint, negative_review_at: review, ..paid() }),
        HIT
    );
    assert_eq!(defect(&OrderRow { negative_review_at: review, ..paid() }), HIT);
    assert_eq!(defect(&OrderRow { seller_refund_at: review, ..paid() }), HIT);
    for by in [CancelledBy::Seller, CancelledBy::NotAcknowledged, CancelledBy::NotShipped] {
        assert_eq!(defect(&cancelled(day(2), by)), HIT, "{by:?}");
    }
    assert_eq!(defect(&cancelled(day(2), CancelledBy::Buyer)), MISS);
    let disputed = OrderRow { dispute_at: review, ..paid() };
    assert_eq!(defect(&disputed), MISS, "not in the default");
    let strict = march().under(KpiPolicy::default().with_defects([Defect::Dispute]));
    assert_eq!(one(&strict, &disputed, KpiId::OrderDefect), HIT);
    assert_eq!(
        one(&strict, &OrderRow { complaint_at: complaint, ..paid() }, KpiId::OrderDefect),
        MISS
    );
    assert_eq!(one(&march(), &disputed, KpiId::Dispute), HIT);
    assert_eq!(
        one(&march(), &OrderRow { exception_at: review, ..paid() }, KpiId::ExceptionRate),
        HIT
    );
}

#[test]
fn processing_is_accurate_without_a_mistake_that_is_known() {
    let accuracy = |row: &OrderRow| one(&march(), row, KpiId::ProcessingAccuracy);
    assert_eq!(accuracy(&shipped(day(3))), HIT);
    assert_eq!(accuracy(&OrderRow { mistake_at: Some(day(9)), ..shipped(day(3)) }), MISS);
    assert_eq!(accuracy(&OrderRow { mistake_at: Some(day(21)), ..shipped(day(3)) }), HIT);
    let mut rows = vec![shipped(day(3)); 199];
    rows.push(OrderRow { mistake_at: Some(day(9)), ..shipped(day(3)) });
    let kpi = kpi(&march(), &rows, KpiId::ProcessingAccuracy);
    assert_eq!(kpi.ratio().unwrap().percent(), "99.50 %");
    assert_eq!(kpi.health, Health::Healthy);
}

#[test]
fn logistics_cost_is_never_added_across_currencies_without_rates() {
    let row = |cost: Option<Money>, label: Money| OrderRow {
        product_cost: cost,
        order_value: Some(usd(10_000)),
        label_costs: vec![label],
        ..shipped(day(3))
    };
    let brl = |cents| Money::from_minor(cents, Currency::BRL);
    let facts: OrderFacts =
        [row(Some(usd(2_000)), usd(500)), row(None, usd(1_900))].into_iter().collect();
    let costs = march().count(&facts).unwrap().total_costs();
    let ratio = costs.ratio(None).unwrap().unwrap();
    assert_eq!((ratio.labels, ratio.products), (usd(2_400), usd(12_000)));
    assert_eq!(ratio.percent(), "20.00 %");
    assert_eq!(ratio.valued_by_price, 1, "flagged: the price stands in for the cost");
    assert_eq!(ratio.judge(seed().of(KpiId::LogisticsCost).unwrap()), Health::Healthy);

    let facts: OrderFacts =
        [row(Some(usd(2_000)), usd(500)), row(Some(usd(2_000)), brl(1_000))].into_iter().collect();
    let costs = march().count(&facts).unwrap().total_costs();
    assert_eq!(costs.ratio(None), Err(CostError::SeveralCurrencies(Currency::BRL, Currency::USD)));
    let mut rates = ExchangeRates {
        to: Currency::USD,
        rates: BTreeMap::from([(Currency::BRL, Decimal::new(2, 1))]),
        as_of: day(20),
    };
    let ratio = costs.ratio(Some(&rates)).unwrap().unwrap();
    assert_eq!(ratio.percent(), "17.50 %");
    rates.rates.clear();
    assert_eq!(costs.ratio(Some(&rates)), Err(CostError::NoRate(Currency::BRL)));
    let unknown = OrderRow { product_cost: None, order_value: None, ..row(None, usd(1)) };
    let facts: OrderFacts = [unknown].into_iter().collect();
    let costs = march().count(&facts).unwrap().total_costs();
    assert_eq!((costs.unvalued, costs.ratio(None)), (1, Ok(None)));
}

#[test]
fn percent_texts_have_two_decimals_and_round_halves_up() {
    let percent = |n, d| Ratio::new(n, d).unwrap().percent();
    assert_eq!(percent(1, 3), "33.33 %");
    assert_eq!(percent(2, 3), "66.67 %");
    assert_eq!(percent(1, 80_000), "0.00 %");
    assert_eq!(percent(1, 20_000), "0.01 %", "0.005 is rounded up");
    assert_eq!(percent(1, 1), "100.00 %");
    assert_eq!(percent(u64::MAX, u64::MAX), "100.00 %");
}

// Groups, periods, series.

fn of_shop(row: OrderRow, shop: &'static str, carrier: Option<&'static str>) -> OrderRow {
    let keys = RowKeys {
        shop: Some(ShopId::from_static(shop)),
        carrier: carrier.map(CarrierId::from_static),
        ..RowKeys::default()
    };
    OrderRow { keys, ..row }
}

#[test]
fn groups_come_in_order_and_what_is_not_known_is_its_own_group() {
    let rows = [
        of_shop(shipped(day(3)), "b", Some("x")),
        of_shop(shipped(day(5)), "a", None),
        of_shop(shipped(day(3)), "a", Some("y")),
        of_shop(shipped(day(3)), "a", Some("x")),
    ];
    let facts: OrderFacts = rows.into_iter().collect();
    let query = march().grouped_by([Dimension::Shop, Dimension::Carrier]);
    let counters = query.count(&facts).unwrap();
    let names: Vec<String> = counters.groups().map(|group| group.key().to_string()).collect();
    assert_eq!(names, ["a / unknown", "a / x", "a / y", "b / x"]);
    let group = counters.groups().next().unwrap();
    let kpi = group.kpi(KpiId::OnTimeShipping, DenominatorMode::Decided, &seed());
    assert_eq!((kpi.numerator, kpi.denominator), (0, 1));
    let found = counters.group(&group.key()).unwrap();
    assert_eq!(found.number(), group.number());
}

#[test]
fn a_scope_leaves_other_orders_out() {
    let facts: OrderFacts = [
        of_shop(shipped(day(3)), "b", Some("x")),
        of_shop(shipped(day(3)), "a", None),
        of_shop(shipped(day(3)), "a", Some("x")),
    ]
    .into_iter()
    .collect();
    let scope = KpiScope {
        shops: vec![ShopId::from_static("a")],
        carriers: vec![CarrierId::from_static("x")],
        ..KpiScope::default()
    };
    let counters = march().within(scope).count(&facts).unwrap();
    let kpi = counters.total(KpiId::OnTimeShipping, DenominatorMode::Decided, &seed());
    assert_eq!(kpi.denominator, 1);
}

#[test]
fn an_order_counts_once_for_each_of_its_skus() {
    let skus = |names: &[&'static str]| RowKeys {
        skus: names.iter().map(|name| Sku::from_static(name)).collect(),
        ..RowKeys::default()
    };
    let rows = [
        OrderRow { keys: skus(&["B", "A", "A"]), ..shipped(day(3)) },
        OrderRow { keys: skus(&["B"]), ..shipped(day(5)) },
        shipped(day(3)),
    ];
    let facts: OrderFacts = rows.into_iter().collect();
    let counters = march().grouped_by([Dimension::Sku]).count(&facts).unwrap();
    let rates: Vec<(String, u64, u64)> = counters
        .groups()
        .map(|group| {
            let kpi = group.kpi(KpiId::OnTimeShipping, DenominatorMode::Decided, &seed());
            (group.key().to_string(), kpi.numerator, kpi.denominator)
        })
        .collect();
    let expected = [("unknown".to_owned(), 1, 1), ("A".to_owned(), 1, 1), ("B".to_owned(), 1, 2)];
    assert_eq!(rates, expected);
    let scope = KpiScope { skus: vec![Sku::from_static("B")], ..KpiScope::default() };
    let kpi = march().within(scope).count(&facts).unwrap().total(
        KpiId::OnTimeShipping,
        DenominatorMode::Decided,
        &seed(),
    );
    assert_eq!((kpi.numerator, kpi.denominator), (1, 2), "an order fits with one of its SKUs");
}

fn date(month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, month, day).unwrap()
}

#[test]
fn a_series_merges_counts_and_never_averages_averages() {
    // One of one on the first day, one of three on the second: two of four, not 67 %.
    let at = |paid_at, late: bool| OrderRow {
        paid_at: Some(paid_at),
        ..shipped(if late { day(5) } else { day(3) })
    };
    let facts: OrderFacts = [
        of_shop(at(day(0), false), "a", None),
        of_shop(at(day(1), false), "a", None),
        of_shop(at(day(1), true), "b", None),
        of_shop(at(day(1), true), "a", None),
    ]
    .into_iter()
    .collect();
    let daily = Periods { unit: PeriodUnit::Day, zone: chrono_tz::UTC };
    let query = KpiQuery::new(Window::new(day(0), day(3)), day(20))
        .grouped_by([Dimension::Shop])
        .per(daily);
    let counters = query.count(&facts).unwrap();
    let series: Vec<(NaiveDate, u64, u64)> = counters
        .series(KpiId::OnTimeShipping, DenominatorMode::Decided, &seed())
        .into_iter()
        .map(|(day, kpi)| (day, kpi.numerator, kpi.denominator))
        .collect();
    assert_eq!(series, [(date(3, 1), 1, 1), (date(3, 2), 1, 3), (date(3, 3), 0, 0)]);
    let all = counters.total(KpiId::OnTimeShipping, DenominatorMode::Decided, &seed());
    assert_eq!(all.ratio().unwrap().percent(), "50.00 %");
}

#[test]
fn periods_are_local_days_weeks_from_monday_and_months() {
    let zone = chrono_tz::America::New_York;
    let window = Window::of_dates(date(3, 5), date(4, 2), zone);
    // Sunday the 8th has 23 hours; 03:59 UTC on Monday is still Sunday there.
    let instants = [
        Utc.with_ymd_and_hms(2026, 3, 8, 5, 0, 0).unwrap(),
        Utc.with_ymd_and_hms(2026, 3, 9, 3, 59, 59).unwrap(),
        Utc.with_ymd_and_hms(2026, 3, 9, 4, 0, 0).unwrap(),
        Utc.with_ymd_and_hms(2026, 4, 1, 3, 59, 59).unwrap(),
        Utc.with_ymd_and_hms(2026, 4, 1, 4, 0, 0).unwrap(),
    ];
    let facts: OrderFacts = instants
        .iter()
        .map(|at| OrderRow { paid_at: Some(*at), ..OrderRow::placed(*at) })
        .collect();
    let counted = |unit| -> Vec<(NaiveDate, u64)> {
        let query = KpiQuery::new(window, day(60)).per(Periods { unit, zone });
        let counters = query.count(&facts).unwrap();
        let series = counters.series(KpiId::Complaint, DenominatorMode::Decided, &seed());
        series
            .into_iter()
            .map(|(day, kpi)| (day, kpi.denominator))
            .filter(|(_, count)| *count > 0)
            .collect()
    };
    let days = [(date(3, 8), 2), (date(3, 9), 1), (date(3, 31), 1), (date(4, 1), 1)];
    assert_eq!(counted(PeriodUnit::Day), days);
    assert_eq!(
        counted(PeriodUnit::Week),
        [(date(3, 2), 2), (date(3, 9), 1), (date(3, 30), 2)],
        "the first week begins before the window"
    );
    assert_eq!(counted(PeriodUnit::Month), [(date(3, 1), 4), (date(4, 1), 1)]);
}

#[test]
fn a_question_without_an_answer_says_why() {
    let facts = OrderFacts::new();
    let mut query = KpiQuery::new(Window::new(day(1), day(0)), day(20));
    let empty = KpiError::EmptyWindow { from: day(1), to: day(0) };
    assert_eq!(query.count(&facts), Err(empty));
    query = march();
    query.group_by.insert(Dimension::Period);
    assert_eq!(query.count(&facts), Err(KpiError::NoPeriods));
    let ages = Window::new(DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
    let daily = Periods { unit: PeriodUnit::Day, zone: chrono_tz::Asia::Tokyo };
    let query = KpiQuery::new(ages, DateTime::<Utc>::MAX_UTC);
    assert!(query.count(&facts).is_ok());
    assert_eq!(query.per(daily).count(&facts), Err(KpiError::TooManyPeriods));
    let other = march().grouped_by([Dimension::Shop]).count(&facts).unwrap();
    let merged = march().count(&facts).unwrap().merge(&other);
    assert_eq!(merged, Err(KpiError::DifferentQueries));
}

// Targets.

#[test]
fn every_preset_loads_and_carries_its_date_and_source() {
    let presets = target_presets().unwrap();
    let names: BTreeSet<&str> = presets.iter().map(|preset| preset.name.as_str()).collect();
    assert_eq!(names.len(), presets.len());
    for preset in &presets {
        assert!(preset.source.len() > 20, "{}", preset.name);
        assert!(preset.as_of >= NaiveDate::from_ymd_opt(2025, 1, 1).unwrap());
        assert!(!KpiTargets::preset(&preset.name).unwrap().targets.is_empty());
    }
    let seed = seed();
    let healthy = |id| seed.of(id).unwrap().healthy;
    assert_eq!(healthy(KpiId::OnTimeShipping), Limit::AtLeast(9_500));
    assert_eq!(healthy(KpiId::Cancellation), Limit::AtMost(300));
    assert_eq!(healthy(KpiId::Complaint), Limit::AtMost(100));
    assert_eq!(healthy(KpiId::DeliveryDelay), Limit::AtMost(500));
    assert_eq!(healthy(KpiId::TrackingUpload), Limit::AtLeast(9_800));
    assert_eq!(healthy(KpiId::ValidTracking), Limit::AtLeast(9_500));
    assert_eq!(healthy(KpiId::ReplyRate), Limit::MoreThan(9_000));
    assert_eq!(healthy(KpiId::ProcessingAccuracy), Limit::AtLeast(9_950));
    assert_eq!(healthy(KpiId::LogisticsCost), Limit::Between(1_500, 3_000));
    let walmart = KpiTargets::preset("walmart_us").unwrap();
    let cancellation = walmart.of(KpiId::SellerFaultCancellation).unwrap();
    assert_eq!((cancellation.healthy, cancellation.days), (Limit::AtMost(200), Some(30)));
    assert_eq!(walmart.of(KpiId::Complaint), seed.of(KpiId::Complaint), "built on the seed");
    let tiktok = KpiTargets::preset("tiktok_us_2025_10").unwrap();
    assert_eq!(tiktok.of(KpiId::LateShipping).unwrap().healthy, Limit::AtMost(400));
    assert_eq!(tiktok.of(KpiId::LateShipping).unwrap().critical, Some(Limit::AtLeast(1_000)));
}

#[test]
fn an_unknown_or_circular_preset_is_an_error_that_names_it() {
    let error = KpiTargets::preset("nobody").unwrap_err();
    assert!(error.to_string().contains("\"nobody\""), "{error}");
    assert!(matches!(error, TargetError::UnknownPreset { known, .. } if known.len() > 5));
    let mut presets = target_presets().unwrap();
    presets[0].extends = Some(presets[0].name.clone());
    let circular = KpiTargets::from_presets(&presets, "seed");
    assert!(matches!(circular, Err(TargetError::Unreadable(_))));
    assert!(matches!(read_target_presets("[{}]"), Err(TargetError::Unreadable(_))));
}

// Parcels, messages, units, exceptions.

fn parcel(service: &'static str, accepted: i64, delivered: Option<i64>) -> ParcelRow {
    ParcelRow {
        keys: RowKeys {
            carrier: Some(CarrierId::from_static("post")),
            service: Some(ServiceCode::from_static(service)),
            ..RowKeys::default()
        },
        accepted_at: Some(day(accepted)),
        delivered_at: delivered.map(day),
        deliver_by: Some(day(accepted + 5)),
        label_cost: Some(usd(500)),
        weight: Some(Grams::new(2_000)),
        ..ParcelRow::default()
    }
}

#[test]
fn a_carrier_is_measured_by_transit_sign_off_promise_cost_and_loss() {
    let query = KpiQuery::new(Window::new(day(0), day(31)), day(40))
        .grouped_by([Dimension::Carrier, Dimension::Service]);
    let lost = ParcelRow { ended: Some((ParcelEnd::Lost, day(15))), ..parcel("slow", 4, None) };
    let parcels = [
        parcel("slow", 1, Some(3)),
        parcel("slow", 1, Some(9)),
        lost,
        parcel("slow", 9, None),  // 31 days: decided
        parcel("slow", 10, None), // exactly 30 days: not above 30
        ParcelRow { label_cost: Some(usd(700)), weight: None, ..parcel("slow", 30, Some(32)) },
        ParcelRow { test: true, ..parcel("slow", 1, Some(2)) },
        parcel("fast", 1, Some(2)),
    ];
    let grouped = query.carrier_performance(&parcels).unwrap();
    let slow = grouped.groups.values().nth(1).unwrap();
    let (fast, targets) = (grouped.groups.values().next().unwrap(), seed());
    assert_eq!(fast.transit.mean(), Some(TimeDelta::days(1)));
    let ratio = |id| {
        let kpi = slow.kpi(id, &query, &targets);
        (kpi.numerator, kpi.denominator, kpi.pending, kpi.excluded.total())
    };
    assert_eq!(ratio(KpiId::SignOff), (3, 5, 1, 1));
    assert_eq!(ratio(KpiId::ParcelLoss), (1, 5, 1, 1));
    assert_eq!(ratio(KpiId::CarrierOnTime), (2, 6, 0, 1));
    let transit = slow.kpi(KpiId::TransitTime, &query, &targets);
    assert_eq!(transit.durations().unwrap().percentile(50), Some(TimeDelta::days(2)));
    assert_eq!(transit.durations().unwrap().percentile(90), Some(TimeDelta::days(8)));
    assert_eq!(slow.cost_per_parcel()[&Currency::USD].amount, Decimal::new(53_333, 4));
    assert_eq!(slow.cost_per_kilogram()[&Currency::USD].amount, Decimal::new(25, 1));

    let reliability = carrier_reliability(&grouped, None).unwrap();
    let key = |service| {
        ServiceKey::new(CarrierId::from_static("post"), ServiceCode::from_static(service))
    };
    assert_eq!(reliability[&key("slow")], CarrierReliability { decided: 6, late: 4 });
    assert_eq!(reliability[&key("fast")], CarrierReliability { decided: 1, late: 0 });
}

#[test]
fn routing_takes_orders_where_a_service_has_no_parcels() {
    let keys = |service| RowKeys {
        carrier: Some(CarrierId::from_static("post")),
        service: Some(ServiceCode::from_static(service)),
        ..RowKeys::default()
    };
    let promised = |service, delivered: i64| OrderRow {
        keys: keys(service),
        deliver_by: Some(day(8)),
        delivered_at: Some(day(delivered)),
        ..shipped(day(3))
    };
    let facts: OrderFacts =
        [promised("a", 7), promised("a", 9), promised("b", 9)].into_iter().collect();
    let by_service = march().grouped_by([Dimension::Carrier, Dimension::Service]);
    let orders = by_service.count(&facts).unwrap();
    let parcels = by_service.carrier_performance(&[parcel("b", 1, Some(2))]).unwrap();
    let reliability = carrier_reliability(&parcels, Some(&orders)).unwrap();
    let found: Vec<(&str, u32, u32)> = reliability
        .iter()
        .map(|(key, counts)| (key.service.as_str(), counts.decided, counts.late))
        .collect();
    assert_eq!(found, [("a", 2, 1), ("b", 1, 0)], "parcels and orders are never added up");
    let ungrouped = march().count(&facts).unwrap();
    let error = carrier_reliability(&parcels, Some(&ungrouped));
    assert_eq!(error, Err(KpiError::NotGroupedBy("carrier and service")));
}

#[test]
fn a_service_late_in_two_consecutive_weeks_is_to_be_changed() {
    let weekly = Periods { unit: PeriodUnit::Week, zone: chrono_tz::UTC };
    // 2 March 2026 is a Monday.
    let window = Window::new(day(1), day(29));
    let query = KpiQuery::new(window, day(60))
        .grouped_by([Dimension::Carrier, Dimension::Service])
        .per(weekly);
    let week = |service: &'static str, week: i64, late: usize, all: usize| {
        (0..all).map(move |n| OrderRow {
            keys: RowKeys {
                carrier: Some(CarrierId::from_static("post")),
                service: Some(ServiceCode::from_static(service)),
                ..RowKeys::default()
            },
            deliver_by: Some(day(1 + 7 * week)),
            delivered_at: Some(day(if n < late { 2 } else { 0 } + 7 * week)),
            ..shipped(day(0))
        })
    };
    let facts: OrderFacts = week("late", 0, 6, 100)
        .chain(week("late", 1, 2, 19))
        .chain(week("edge", 0, 1, 20)) // exactly 5 %
        .chain(week("edge", 1, 9, 20))
        .chain(week("gap", 0, 9, 20))
        .chain(week("gap", 2, 9, 20))
        .collect();
    let alerts = carrier_delay_alerts(&query.count(&facts).unwrap()).unwrap();
    assert_eq!(alerts.len(), 1);
    assert_eq!(alerts[0].service.service.as_str(), "late");
    assert_eq!((alerts[0].first.0, alerts[0].second.0), (date(3, 2), date(3, 9)));
    assert!(alerts[0].to_string().contains("6.00 % late in the week of 2026-03-02"));
    let daily = march().grouped_by([Dimension::Carrier, Dimension::Service]);
    let error = carrier_delay_alerts(&daily.count(&facts).unwrap());
    assert_eq!(error, Err(KpiError::NotGroupedBy("week")));
}

#[test]
fn messages_are_answered_within_24_hours_or_their_own_deadline() {
    let message = |answered: Option<i64>| MessageRow {
        keys: RowKeys::default(),
        received_at: day(5),
        needs_answer: true,
        answered_at: answered.map(|after| day(5) + hours(after)),
        reply_by: None,
    };
    let rows = [
        message(Some(24)),
        message(Some(25)),
        message(None),
        MessageRow { reply_by: Some(day(5) + hours(48)), ..message(Some(30)) },
        MessageRow { reply_by: Some(day(25)), ..message(None) },
        MessageRow { needs_answer: false, ..message(None) },
    ];
    let counts = march().reply_rate(&rows).unwrap().total();
    assert_eq!((counts.numerator, counts.denominator, counts.pending), (2, 4, 1));
    assert_eq!(counts.excluded.of(ExclusionReason::NotNeeded), 1);
    let exactly = Counts { numerator: 9, denominator: 10, ..Counts::default() };
    let target = seed().of(KpiId::ReplyRate).cloned();
    let kpi = Kpi::new(KpiId::ReplyRate, march().window, exactly, None, target);
    assert_eq!(kpi.health, Health::Warning, "90 % is not above 90 %");
}

#[test]
fn returns_are_units_of_a_sku_over_its_delivered_units() {
    let units = |sku: &'static str, delivered, returned: &[(u32, i64)]| UnitsRow {
        keys: RowKeys { skus: vec![Sku::from_static(sku)], ..RowKeys::default() },
        test: false,
        platform_fulfilled: false,
        delivered_at: day(5),
        delivered,
        returned: returned.iter().map(|(units, at)| (*units, day(*at))).collect(),
    };
    let rows = [units("A", 8, &[(1, 9), (1, 10), (3, 21)]), units("B", 2, &[]), units("A", 2, &[])];
    let grouped = march().grouped_by([Dimension::Sku]).return_rate(&rows).unwrap();
    let rates: Vec<(u64, u64)> =
        grouped.groups.values().map(|counts| (counts.numerator, counts.denominator)).collect();
    assert_eq!(rates, [(2, 10), (0, 2)], "what comes back after as_of has not come back");
}

#[test]
fn upload_latency_and_resolution_are_durations_of_their_own_rows() {
    let uploaded = |seconds| ParcelRow {
        ship_confirmed_at: Some(day(3)),
        uploaded_at: Some(day(3) + TimeDelta::seconds(seconds)),
        ..ParcelRow::default()
    };
    let mut parcels: Vec<ParcelRow> = (0..19).map(|_| uploaded(60)).collect();
    parcels.push(uploaded(600));
    let total = march().upload_latency(&parcels).unwrap().total();
    assert_eq!(total.percentile(50), Some(TimeDelta::seconds(60)));
    assert_eq!(total.percentile(95), Some(TimeDelta::seconds(60)));
    let target = seed().of(KpiId::UploadLatency).cloned();
    let kpi = Kpi::of_durations(KpiId::UploadLatency, march().window, total, target);
    assert_eq!(kpi.health, Health::Healthy, "95 of 100 within two minutes");

    let exception = |resolved: Option<i64>| ExceptionRow {
        keys: RowKeys::default(),
        opened_at: day(2),
        resolved_at: resolved.map(day),
    };
    let rows = [exception(Some(4)), exception(Some(3)), exception(None), exception(Some(25))];
    let total = march().exception_resolution(&rows).unwrap().total();
    assert_eq!((total.count(), total.mean()), (2, Some(hours(36))));
}

#[test]
fn grouped_counters_merge_and_can_be_stored() {
    let query = march().grouped_by([Dimension::Carrier, Dimension::Service]);
    let parcels = [parcel("a", 1, Some(3)), parcel("b", 2, Some(9)), parcel("a", 4, None)];
    let all = query.carrier_performance(&parcels).unwrap();
    let mut parts = query.carrier_performance(&parcels[..1]).unwrap();
    parts.merge(&query.carrier_performance(&parcels[1..]).unwrap());
    assert_eq!(parts, all);
    let text = serde_json::to_string(&all).unwrap();
    assert_eq!(serde_json::from_str::<Grouped<CarrierCounts>>(&text).unwrap(), all);
}

// A platform's own figures.

#[test]
fn a_platforms_figure_agrees_to_its_own_decimals_or_is_explained() {
    let ours = kpi(&march(), &worked_example(), KpiId::LateShipping); // 2 of 8
    let theirs = |value: &str| PlatformFigure {
        shop: ShopKey::new(PlatformId::from_static("market"), ShopId::from_static("1")),
        kpi: KpiId::LateShipping,
        name: "delayed_handling_time".into(),
        value: value.parse().unwrap(),
        numerator: None,
        denominator: None,
        window: march().window,
        read_at: day(20),
        value_with_excluded: None,
    };
    let check = |figure| cross_check(&ours, figure).unwrap();
    assert!(check(theirs("0.25")).agrees);
    assert!(check(theirs("0.25")).explanations.is_empty());
    assert_eq!(check(theirs("0.3")).explanations, [Explanation::Rounding]);
    let other = PlatformFigure {
        window: Window::new(day(0), day(60)),
        numerator: Some(3),
        denominator: Some(10),
        ..theirs("0.30")
    };
    let checked = check(other);
    assert!(!checked.agrees);
    assert_eq!(checked.difference, Some("5".parse().unwrap()));
    assert_eq!(
        checked.explanations,
        [
            Explanation::OtherWindow { theirs: Window::new(day(0), day(60)) },
            Explanation::OtherDenominator { ours: 8, theirs: 10 },
            Explanation::OtherNumerator { ours: 2, theirs: 3 },
            Explanation::Pending(1),
            Explanation::Excluded(1),
        ]
    );
    let protected =
        PlatformFigure { value_with_excluded: Some("0.25".parse().unwrap()), ..theirs("0.10") };
    assert_eq!(check(protected).explanations[0], Explanation::TheyExclude);
    assert_eq!(cross_check(&kpi(&march(), &[], KpiId::Complaint), theirs("0.1")), None);
    let nothing = kpi(&march(), &[], KpiId::LateShipping);
    let checked = cross_check(&nothing, theirs("0.1")).unwrap();
    assert_eq!((checked.difference, checked.explanations.len()), (None, 1));
}

// From orders.

fn with_deadlines(mut order: Order) -> Order {
    order.deadlines = [
        (DeadlineKind::AcknowledgeBy, 1),
        (DeadlineKind::ShipBy, 48),
        (DeadlineKind::UploadTrackingBy, 72),
        (DeadlineKind::DeliverBy, 120),
    ]
    .map(|(kind, after)| Deadline {
        kind,
        at: now() + hours(after),
        starts_at: now(),
        source: DeadlineSource::Platform,
        version: 1,
    })
    .to_vec();
    order
}

fn expected_keys() -> RowKeys {
    RowKeys {
        shop: Some(ShopId::from_static("shop-1")),
        platform: Some(PlatformId::from_static("market")),
        site: Some("US".into()),
        region: Some("US-CO".into()),
        skus: vec![Sku::from_static("SKU-1")],
        ..RowKeys::default()
    }
}

#[test]
fn an_order_gives_the_row_a_host_would_write() {
    let (order, package) = labelled("row", &[("1", 2)]);
    let before = order_row(&order, &OrderExtras::default());
    assert!(!before.fully_shipped && before.ship_confirmed_at.is_none());
    assert_eq!(before.keys, expected_keys());
    let order = after(order, vec![confirmed(&package)]);
    let order = after(order, vec![tracked(&package, &[Milestone::Accepted, Milestone::Delivered])]);
    let mut order = with_deadlines(order);
    order.packages[0].upload.state = UploadState::Uploaded;
    order.packages[0].upload.uploaded_at = Some(now() + hours(1));
    let extras = OrderExtras {
        complaint_at: Some(now() + hours(9)),
        product_cost: Some(usd(400)),
        ..OrderExtras::default()
    };
    let shipped = order.packages[0].shipped.as_ref().unwrap().confirmed_at;
    let row = OrderRow {
        keys: RowKeys {
            carrier: Some(CarrierId::from_static("carrier")),
            service: Some(ServiceCode::from_static("GROUND")),
            warehouse: Some(WarehouseId::from_static("main")),
            ..expected_keys()
        },
        paid_at: Some(now() - hours(2)),
        needs_acknowledgement: true,
        acknowledged_at: Some(now()),
        acknowledge_by: Some(now() + hours(1)),
        ship_by: Some(now() + hours(48)),
        fully_shipped: true,
        ship_confirmed_at: Some(shipped),
        accepted_at: Some(now() + hours(1)),
        number_needed: true,
        uploaded_at: Some(now() + hours(1)),
        upload_by: Some(now() + hours(72)),
        deliver_by: Some(now() + hours(120)),
        delivered_at: Some(now() + hours(2)),
        complaint_at: Some(now() + hours(9)),
        product_cost: Some(usd(400)),
        order_value: Some(usd(1_000)),
        label_costs: vec![usd(523)],
        ..OrderRow::placed(now() - hours(2))
    };
    assert_eq!(order_row(&order, &extras), row);

    let mut from_order = OrderFacts::new();
    from_order.push_order(&order, &extras);
    let from_row: OrderFacts = [row].into_iter().collect();
    let query = KpiQuery::new(Window::new(day(0), day(31)), day(31)).grouped_by([
        Dimension::Carrier,
        Dimension::Region,
        Dimension::Sku,
    ]);
    assert_eq!(query.count(&from_order).unwrap(), query.count(&from_row).unwrap());
}

#[test]
fn the_last_parcel_decides_for_an_order_shipped_in_parts() {
    let (order, first, second) = labelled_twice("parts");
    let order = after(order, vec![confirmed(&first)]);
    let half = order_row(&order, &OrderExtras::default());
    assert!(!half.fully_shipped);
    assert!(half.ship_confirmed_at.is_some() && half.number_needed);
    let order = after(order, vec![confirmed(&second), tracked(&first, &[Milestone::Delivered])]);
    let whole = order_row(&order, &OrderExtras::default());
    assert!(whole.fully_shipped && whole.ship_confirmed_at > half.ship_confirmed_at);
    assert_eq!(whole.delivered_at, None, "one parcel is still on its way");
    assert_eq!(whole.accepted_at, None, "one parcel was never scanned");
    assert_eq!(parcel_rows(&order, &OrderExtras::default()).len(), 2);
}

#[test]
fn cancellations_of_an_order_weigh_by_the_sellers_fault() {
    let (mut order, _) = labelled("cancelled", &[("1", 2)]);
    let units = |reason, at| CancelledUnits { line: line_id("1"), units: 1, reason, at };
    order.packages.clear();
    order.cancellations.push(units(CancelReason::OutOfStock, now()));
    assert_eq!(order_row(&order, &OrderExtras::default()).cancellation, None, "one unit is left");
    order.cancellations.push(units(CancelReason::BuyerRequest, now() + hours(1)));
    let cancellation = order_row(&order, &OrderExtras::default()).cancellation.unwrap();
    assert_eq!((cancellation.by, cancellation.at), (CancelledBy::Seller, now() + hours(1)));
    order.cancellations[0].reason = CancelReason::NotShipped;
    let cancellation = order_row(&order, &OrderExtras::default()).cancellation.unwrap();
    assert_eq!(cancellation.by, CancelledBy::NotShipped);
}

#[test]
fn units_incidents_and_numbers_of_an_order_become_rows() {
    let (order, package) = labelled("rows", &[("1", 3)]);
    let order = after(order, vec![confirmed(&package), tracked(&package, &[Milestone::Delivered])]);
    let mut order = order;
    order.returns.push(ReturnedUnits {
        line: line_id("1"),
        units: 2,
        reason: None,
        at: now() + hours(90),
        restock: true,
    });
    let units = units_rows(&order, &OrderExtras::default());
    assert_eq!(units.len(), 1);
    assert_eq!((units[0].delivered, &units[0].returned), (3, &vec![(2, now() + hours(90))]));
    order.incidents.clear();
    let incident = |kind, at| Incident {
        kind,
        package: None,
        detail: String::new(),
        first_at: at,
        last_at: at,
        count: 1,
        resolved_at: Some(at + hours(5)),
    };
    order.incidents.push(incident(ExceptionKind::ShippingMistake, now() + hours(30)));
    order.incidents.push(incident(ExceptionKind::ComplaintOpened, now() + hours(40)));
    let extras =
        OrderExtras { exceptions: vec![(now() + hours(10), None)], ..OrderExtras::default() };
    let row = order_row(&order, &extras);
    assert_eq!(row.mistake_at, Some(now() + hours(30)));
    assert_eq!(row.complaint_at, Some(now() + hours(40)));
    assert_eq!(row.exception_at, Some(now() + hours(10)));
    assert_eq!(exception_rows(&order, &extras).len(), 3);
    let tracking = order.packages[0].tracking.as_mut().unwrap();
    (tracking.carrier, tracking.manual) = (CarrierId::from_static("usps"), true);
    assert!(!order_row(&order, &extras).numbers_valid, "typed in, and no number of that carrier");
    order.logistics = LogisticsMode::PlatformFulfilled;
    assert!(order_row(&order, &extras).platform_fulfilled);
    let _ = Actor::System;
}

// What holds whatever the orders are.

const SHOPS: [&str; 3] = ["a", "b", "c"];
const SKUS: [&str; 3] = ["S1", "S2", "S3"];

/// Instants on a coarse grid, so that equal ones occur; with a fraction of a second now and then, so
/// that both ways to store a table are taken.
fn instant(fine: bool) -> impl Strategy<Value = DateTime<Utc>> {
    (0_i64..60, 0_i64..4, 0_i64..3).prop_map(move |(days, quarter, fraction)| {
        let fraction = if fine { TimeDelta::microseconds(fraction) } else { TimeDelta::zero() };
        day(-15) + TimeDelta::days(days) + hours(6 * quarter) + fraction
    })
}

fn maybe(fine: bool) -> impl Strategy<Value = Option<DateTime<Utc>>> {
    prop::option::weighted(0.7, instant(fine))
}

fn keys() -> impl Strategy<Value = RowKeys> {
    let name = |names: [&'static str; 3]| prop::option::of(prop::sample::select(names.to_vec()));
    (
        name(SHOPS),
        name(["x", "y", "z"]),
        name(["CO", "NY", "TX"]),
        prop::collection::vec(0..3_usize, 0..3),
    )
        .prop_map(|(shop, carrier, region, skus)| RowKeys {
            shop: shop.map(ShopId::from_static),
            carrier: carrier.map(CarrierId::from_static),
            region: region.map(str::to_owned),
            skus: skus.into_iter().map(|sku| Sku::from_static(SKUS[sku])).collect(),
            ..RowKeys::default()
        })
}

fn row(fine: bool) -> impl Strategy<Value = OrderRow> {
    let by = prop::sample::select(vec![
        CancelledBy::Buyer,
        CancelledBy::Platform,
        CancelledBy::Undeliverable,
        CancelledBy::Seller,
        CancelledBy::NotAcknowledged,
        CancelledBy::NotShipped,
    ]);
    let rarely = prop::bool::weighted(0.05);
    let instants = prop::collection::vec(maybe(fine), 16);
    let flags = (rarely, prop::bool::weighted(0.05), any::<[bool; 4]>());
    (keys(), instant(fine), instants, flags, by, prop::bool::weighted(0.2)).prop_map(
        |(keys, created_at, at, (test, platform_fulfilled, bits), by, is_cancelled)| OrderRow {
            keys,
            test,
            platform_fulfilled,
            paid_at: at[0],
            needs_acknowledgement: bits[0],
            acknowledged_at: at[1],
            acknowledge_by: at[2],
            ship_by: at[3],
            fully_shipped: bits[1] && at[4].is_some(),
            ship_confirmed_at: at[4],
            accepted_at: at[5],
            number_needed: bits[2],
            uploaded_at: at[6],
            upload_by: at[7],
            numbers_valid: bits[3],
            deliver_by: at[8],
            delivered_at: at[9],
            cancellation: at[10].filter(|_| is_cancelled).map(|at| Cancellation { at, by }),
            complaint_at: at[11],
            dispute_at: at[12],
            negative_review_at: at[13],
            exception_at: at[14],
            mistake_at: at[15],
            label_costs: vec![usd(500)],
            product_cost: Some(usd(2_000)),
            ..OrderRow::placed(created_at)
        },
    )
}

fn table() -> impl Strategy<Value = Vec<OrderRow>> {
    any::<bool>().prop_flat_map(|fine| prop::collection::vec(row(fine), 0..40))
}

/// The definitions, word for word, for one order: cohort instant and counts; `None` when the order is
/// not of the cohort.
fn oracle(row: &OrderRow, id: KpiId, query: &KpiQuery) -> Option<(DateTime<Utc>, Counts)> {
    let as_of = query.as_of;
    let seen = |at: Option<DateTime<Utc>>| at.filter(|at| *at <= as_of);
    let placed_or_paid = || seen(row.paid_at).or_else(|| seen(Some(row.created_at)));
    let cohort = match id {
        KpiId::HandlingTime
        | KpiId::TrackingUpload
        | KpiId::TrackingUploadInTime
        | KpiId::ProcessingAccuracy => seen(row.ship_confirmed_at),
        KpiId::DeliveryDelay => row.deliver_by.or_else(placed_or_paid),
        KpiId::ValidTracking => seen(row.uploaded_at),
        KpiId::Acknowledgement => seen(Some(row.created_at)),
        KpiId::TimeToAcknowledge => seen(row.acknowledged_at),
        _ => placed_or_paid(),
    }?;
    let hit = Counts { numerator: 1, denominator: 1, ..Counts::default() };
    let miss = Counts { denominator: 1, ..Counts::default() };
    let pending = Counts { pending: 1, ..Counts::default() };
    let excluded =
        |reason| Counts { excluded: BTreeMap::from([(reason, 1)]).into(), ..Counts::default() };
    let judge = |good: bool| if good { hit } else { miss };
    let never = if row.test {
        Some(ExclusionReason::Test)
    } else if row.platform_fulfilled {
        Some(ExclusionReason::PlatformFulfilled)
    } else if seen(row.paid_at).is_none() {
        Some(ExclusionReason::NeverPaid)
    } else {
        None
    };
    if let Some(reason) = never {
        return Some((cohort, excluded(reason)));
    }
    let cancelled = row.cancellation.filter(|cancellation| cancellation.at <= as_of);
    let fault = cancelled.is_some_and(|cancellation| cancellation.by.is_seller_fault());
    let shipped_at = match query.policy.ship_time_basis {
        ShipTimeBasis::ShipConfirmed => row.ship_confirmed_at,
        ShipTimeBasis::CarrierAccepted => row.accepted_at,
    };
    let shipped_at = seen(shipped_at).filter(|_| row.fully_shipped);
    let counts = match id {
        KpiId::OnTimeShipping | KpiId::LateShipping => {
            let on_time = match (shipped_at, cancelled, row.ship_by) {
                (Some(_), _, None) => excluded(ExclusionReason::NoDeadline),
                (Some(at), _, Some(by)) => judge(at <= by),
                (None, Some(cancelled), by) => {
                    let before = by.is_none_or(|by| cancelled.at < by);
                    match cancelled.by {
                        CancelledBy::NotShipped => miss,
                        CancelledBy::Buyer if before => excluded(ExclusionReason::CancelledByBuyer),
                        CancelledBy::Seller if before => {
                            excluded(ExclusionReason::CancelledBySeller)
                        }
                        _ if before => excluded(ExclusionReason::CancelledByPlatform),
                        _ => miss,
                    }
                }
                (None, None, None) => excluded(ExclusionReason::NoDeadline),
                (None, None, Some(by)) if by <= as_of => miss,
                (None, None, Some(_)) => pending,
            };
            if id == KpiId::LateShipping {
                Counts { numerator: on_time.denominator - on_time.numerator, ..on_time }
            } else {
                on_time
            }
        }
        KpiId::Cancellation => judge(cancelled.is_some()),
        KpiId::SellerFaultCancellation => judge(fault),
        KpiId::Complaint => judge(seen(row.complaint_at).is_some()),
        KpiId::Dispute => judge(seen(row.dispute_at).is_some()),
        KpiId::ExceptionRate => judge(seen(row.exception_at).is_some()),
        KpiId::OrderDefect => judge(
            seen(row.complaint_at).is_some()
                || seen(row.negative_review_at).is_some()
                || seen(row.seller_refund_at).is_some()
                || fault,
        ),
        KpiId::HandlingTime if row.fully_shipped => hit,
        KpiId::HandlingTime => pending,
        KpiId::TrackingUpload | KpiId::TrackingUploadInTime if !row.number_needed => {
            excluded(ExclusionReason::NotNeeded)
        }
        KpiId::TrackingUploadInTime if row.upload_by.is_none() => {
            excluded(ExclusionReason::NoDeadline)
        }
        KpiId::TrackingUpload | KpiId::TrackingUploadInTime if !row.fully_shipped => pending,
        KpiId::TrackingUpload => judge(seen(row.uploaded_at).is_some()),
        KpiId::TrackingUploadInTime => match (seen(row.uploaded_at), row.upload_by.unwrap()) {
            (Some(at), by) => judge(at <= by),
            (None, by) if by <= as_of => miss,
            (None, _) => pending,
        },
        KpiId::ProcessingAccuracy if !row.fully_shipped => pending,
        KpiId::ProcessingAccuracy => judge(seen(row.mistake_at).is_none()),
        KpiId::DeliveryDelay => match (cancelled, row.deliver_by) {
            (Some(_), _) => excluded(ExclusionReason::Cancelled),
            (None, None) => excluded(ExclusionReason::NoDeadline),
            (None, Some(by)) if by > as_of => pending,
            (None, Some(by)) => judge(seen(row.delivered_at).is_none_or(|at| at > by)),
        },
        KpiId::ValidTracking if !row.numbers_valid => miss,
        KpiId::ValidTracking if !row.fully_shipped => pending,
        KpiId::ValidTracking if seen(row.accepted_at).is_some() => hit,
        KpiId::ValidTracking if as_of >= cohort + hours(48) => miss,
        KpiId::ValidTracking => pending,
        KpiId::Acknowledgement => match (row.needs_acknowledgement, row.acknowledge_by) {
            (false, _) => excluded(ExclusionReason::NotNeeded),
            (true, None) => excluded(ExclusionReason::NoDeadline),
            (true, Some(by)) => match seen(row.acknowledged_at) {
                Some(at) => judge(at <= by),
                None if by <= as_of => miss,
                None => pending,
            },
        },
        KpiId::TimeToAcknowledge => hit,
        _ => return None,
    };
    Some((cohort, counts))
}

fn in_mode(counts: Counts, mode: DenominatorMode, id: KpiId) -> Counts {
    if mode == DenominatorMode::Decided || id.is_duration() {
        return counts;
    }
    let mut all = Counts { numerator: counts.numerator, ..Counts::default() };
    all.denominator = counts.denominator + counts.pending;
    let mut kept = BTreeMap::new();
    for (reason, count) in counts.excluded.iter() {
        if reason.is_always() {
            kept.insert(reason, count);
        } else {
            all.denominator += count;
        }
    }
    all.excluded = kept.into();
    all
}

fn period(at: DateTime<Utc>, periods: Periods) -> NaiveDate {
    use chrono::Datelike;
    let local = at.with_timezone(&periods.zone).date_naive();
    match periods.unit {
        PeriodUnit::Day => local,
        PeriodUnit::Week => {
            local - TimeDelta::days(i64::from(local.weekday().num_days_from_monday()))
        }
        PeriodUnit::Month => local.with_day(1).unwrap(),
    }
}

fn any_query() -> impl Strategy<Value = KpiQuery> {
    let dimensions = prop::sample::subsequence(
        vec![Dimension::Shop, Dimension::Carrier, Dimension::Region, Dimension::Sku],
        0..=4,
    );
    let zone = prop::sample::select(vec![
        chrono_tz::UTC,
        chrono_tz::America::New_York,
        chrono_tz::Asia::Kolkata,
    ]);
    let unit = prop::sample::select(vec![PeriodUnit::Day, PeriodUnit::Week, PeriodUnit::Month]);
    let periods = prop::option::of((zone, unit));
    let basis = any::<bool>();
    let scope = prop::option::weighted(0.3, (0..3_usize, any::<bool>()));
    (dimensions, periods, basis, scope, 0_i64..50, 0_i64..25).prop_map(
        |(dimensions, periods, basis, scope, as_of, from)| {
            let window = Window::new(day(from - 10), day(from + 20));
            let mut query =
                KpiQuery::new(window, day(as_of - 10)).grouped_by(dimensions).with_percentiles();
            if let Some((zone, unit)) = periods {
                query = query.per(Periods { unit, zone });
            }
            if basis {
                let basis = ShipTimeBasis::CarrierAccepted;
                query = query.under(KpiPolicy::default().with_ship_time_basis(basis));
            }
            if let Some((place, by_sku)) = scope {
                query = query.within(if by_sku {
                    KpiScope { skus: vec![Sku::from_static(SKUS[place])], ..KpiScope::default() }
                } else {
                    KpiScope {
                        shops: vec![ShopId::from_static(SHOPS[place])],
                        ..KpiScope::default()
                    }
                });
            }
            query
        },
    )
}

/// The groups of an order whose cohort instant is `at`.
fn groups_of(row: &OrderRow, at: DateTime<Utc>, query: &KpiQuery) -> Vec<GroupKey> {
    if !query.window.contains(at) || !query.scope.fits(&row.keys) {
        return Vec::new();
    }
    let mut key = GroupKey {
        period: query.periods.map(|periods| period(at, periods)),
        ..GroupKey::default()
    };
    for dimension in &query.group_by {
        if !matches!(dimension, Dimension::Sku | Dimension::Period) {
            key.parts.insert(*dimension, row.keys.part(*dimension).map(str::to_owned));
        }
    }
    if !query.group_by.contains(&Dimension::Sku) {
        return vec![key];
    }
    let wanted = |sku: &Sku| query.scope.skus.is_empty() || query.scope.skus.contains(sku);
    let mut skus: BTreeSet<Option<String>> = row
        .keys
        .skus
        .iter()
        .filter(|sku| wanted(sku))
        .map(|sku| Some(sku.as_str().to_owned()))
        .collect();
    if row.keys.skus.is_empty() {
        skus.insert(None);
    }
    skus.into_iter()
        .map(|sku| {
            let mut own = key.clone();
            own.parts.insert(Dimension::Sku, sku);
            own
        })
        .collect()
}

fn naive(rows: &[OrderRow], id: KpiId, query: &KpiQuery) -> BTreeMap<GroupKey, Counts> {
    let mut groups: BTreeMap<GroupKey, Counts> = BTreeMap::new();
    for row in rows {
        if let Some((at, counts)) = oracle(row, id, query) {
            for key in groups_of(row, at, query) {
                let sum = groups.entry(key).or_default();
                *sum = sum.merge(&counts);
            }
        }
    }
    groups
}

fn counted(counters: &KpiCounters, id: KpiId, mode: DenominatorMode) -> BTreeMap<GroupKey, Counts> {
    let reader = counters.reader(id, mode).unwrap();
    counters
        .groups()
        .map(|group| (group.key(), group.counts(&reader)))
        .filter(|(_, counts)| counts.cohort() > 0)
        .collect()
}

fn ids() -> impl Iterator<Item = KpiId> {
    KpiId::ALL.into_iter().filter(|id| id.is_of_orders() && *id != KpiId::LogisticsCost)
}

proptest! {
    #[test]
    fn columns_give_what_the_definitions_say_order_by_order(
        rows in table(),
        query in any_query(),
    ) {
        let facts: OrderFacts = rows.iter().cloned().collect();
        let counters = query.count(&facts).unwrap();
        for id in ids() {
            let naive = naive(&rows, id, &query);
            for mode in [DenominatorMode::Decided, DenominatorMode::AllOrders] {
                let expected: BTreeMap<_, _> = naive
                    .iter()
                    .map(|(key, counts)| (key.clone(), in_mode(*counts, mode, id)))
                    .map(|(key, counts)| match (id, mode) {
                        (KpiId::LateShipping, DenominatorMode::AllOrders) => {
                            let on_time = naive[&key].denominator - naive[&key].numerator;
                            let numerator = counts.denominator - on_time;
                            (key, Counts { numerator, ..counts })
                        }
                        _ => (key, counts),
                    })
                    .collect();
                prop_assert_eq!(counted(&counters, id, mode), expected, "{} {:?}", id, mode);
            }
        }
    }

    #[test]
    fn every_order_of_a_cohort_is_counted_in_exactly_one_place(
        rows in table(),
        query in any_query(),
    ) {
        let facts: OrderFacts = rows.iter().cloned().collect();
        let counters = query.count(&facts).unwrap();
        for id in ids() {
            let cohort: u64 = rows
                .iter()
                .filter_map(|row| {
                    let (at, _) = oracle(row, id, &query)?;
                    Some(groups_of(row, at, &query).len() as u64)
                })
                .sum();
            for mode in [DenominatorMode::Decided, DenominatorMode::AllOrders] {
                let kpi = counters.total(id, mode, &seed());
                prop_assert!(kpi.numerator <= kpi.denominator);
                let all = kpi.denominator + kpi.pending + kpi.excluded.total();
                prop_assert_eq!(all, cohort, "{} {:?}", id, mode);
            }
        }
    }

    #[test]
    fn durations_are_those_of_the_orders_counted(rows in table(), query in any_query()) {
        let facts: OrderFacts = rows.iter().cloned().collect();
        let counters = query.count(&facts).unwrap();
        let mut expected: Vec<i64> = Vec::new();
        for row in &rows {
            if let Some((at, counts)) = oracle(row, KpiId::HandlingTime, &query)
                && counts.denominator == 1
            {
                let span = row.ship_confirmed_at.unwrap() - row.paid_at.unwrap();
                let times = groups_of(row, at, &query).len();
                expected.extend(vec![span.num_microseconds().unwrap(); times]);
            }
        }
        expected.sort_unstable();
        let kpi = counters.total(KpiId::HandlingTime, DenominatorMode::Decided, &seed());
        match kpi.durations() {
            None => prop_assert!(expected.is_empty()),
            Some(durations) => {
                let sum: i128 = expected.iter().map(|span| i128::from(*span)).sum();
                prop_assert_eq!((durations.count() as usize, durations.sum_micros()), (expected.len(), sum));
                let rank = (expected.len() * 90).div_ceil(100) - 1;
                let p90 = TimeDelta::microseconds(expected[rank]);
                prop_assert_eq!(durations.percentile(90), Some(p90));
            }
        }
    }

    #[test]
    fn neither_the_order_of_rows_nor_of_merging_changes_anything(
        rows in table(),
        query in any_query(),
        cut in any::<prop::sample::Index>(),
        turn in any::<prop::sample::Index>(),
    ) {
        let count = |rows: &[OrderRow]| query.count_each(rows.iter().cloned()).unwrap();
        let all = count(&rows);
        let mut turned = rows.clone();
        turned.reverse();
        if !turned.is_empty() {
            let by = turn.index(turned.len());
            turned.rotate_left(by);
        }
        prop_assert_eq!(&count(&turned), &all);
        let cut = cut.index(rows.len() + 1);
        let middle = cut / 2;
        let (a, b, c) = (count(&rows[..middle]), count(&rows[middle..cut]), count(&rows[cut..]));
        let left = a.merge(&b).unwrap().merge(&c).unwrap();
        prop_assert_eq!(&left, &all);
        prop_assert_eq!(&a.merge(&b.merge(&c).unwrap()).unwrap(), &all);
        prop_assert_eq!(&c.merge(&a).unwrap().merge(&b).unwrap(), &all);
    }

    #[test]
    fn parts_of_a_table_merge_into_the_whole(
        rows in table(),
        query in any_query(),
        cut in any::<prop::sample::Index>(),
    ) {
        let facts: OrderFacts = rows.iter().cloned().collect();
        let cut = cut.index(rows.len() + 1);
        let first = query.count_rows(&facts, 0..cut).unwrap();
        let second = query.count_rows(&facts, cut..usize::MAX).unwrap();
        prop_assert_eq!(&first.merge(&second).unwrap(), &query.count(&facts).unwrap());
    }

    #[test]
    fn one_order_more_gives_what_counting_all_gives(
        rows in table(),
        query in any_query(),
        cut in any::<prop::sample::Index>(),
    ) {
        let cut = cut.index(rows.len() + 1);
        let ready = query.count_each(rows[..cut].iter().cloned()).unwrap();
        let mut live = LiveCounters::new(&ready).unwrap();
        for row in &rows[cut..] {
            live.add(row).unwrap();
        }
        let all = query.count_each(rows.iter().cloned()).unwrap();
        prop_assert_eq!(live.counters().unwrap(), all);
    }

    #[test]
    fn tables_keep_their_rows_and_append_and_store_without_loss(
        first in table(),
        second in table(),
        query in any_query(),
    ) {
        let facts: OrderFacts = first.iter().cloned().collect();
        let mut both = facts.clone();
        both.append(&second.iter().cloned().collect());
        let mut expected: Vec<OrderRow> = first.iter().chain(&second).cloned().collect();
        let mut found: Vec<OrderRow> = both.rows().collect();
        for row in expected.iter_mut().chain(&mut found) {
            row.keys.skus.sort();
            row.keys.skus.dedup();
        }
        prop_assert_eq!(&found, &expected);
        let text = serde_json::to_string(&both).unwrap();
        let again: OrderFacts = serde_json::from_str(&text).unwrap();
        let counters = query.count(&both).unwrap();
        prop_assert_eq!(&query.count(&again).unwrap(), &counters);
        let text = serde_json::to_string(&counters).unwrap();
        prop_assert_eq!(&serde_json::from_str::<KpiCounters>(&text).unwrap(), &counters);
    }

    #[test]
    fn a_rate_is_compared_exactly_whatever_its_size(
        numerator in any::<u64>(),
        denominator in 1_u64..,
        limit in 0_u32..20_000,
    ) {
        let ratio = Ratio::new(numerator, denominator).unwrap();
        let left = u128::from(numerator) * 10_000;
        let right = u128::from(limit) * u128::from(denominator);
        prop_assert_eq!(ratio.compare(limit), left.cmp(&right));
        prop_assert!(ratio.percent().ends_with(" %"));
    }
}

#[test]
fn many_groups_come_out_alike_by_every_way_of_counting() {
    // Few orders are sorted, many are partitioned, in order or not.
    let zone = chrono_tz::UTC;
    let query = KpiQuery::new(Window::new(day(0), day(90)), day(90))
        .grouped_by([Dimension::Shop, Dimension::Carrier, Dimension::Region])
        .per(Periods { unit: PeriodUnit::Day, zone });
    let mut state = 7_u64;
    let mut next = |n: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) % n
    };
    let mut rows: Vec<OrderRow> = (0..40_000_i64)
        .map(|index| {
            let paid = day(0) + TimeDelta::seconds(index * 90 * 86_400 / 40_000);
            let keys = RowKeys {
                shop: Some(ShopId::new(format!("s{}", next(12))).unwrap()),
                carrier: Some(CarrierId::new(format!("c{}", next(7))).unwrap()),
                region: Some(format!("r{}", next(8))),
                ..RowKeys::default()
            };
            OrderRow {
                keys,
                paid_at: Some(paid),
                ship_by: Some(paid + hours(48)),
                ship_confirmed_at: Some(paid + TimeDelta::minutes(next(4_000) as i64)),
                fully_shipped: next(10) > 0,
                deliver_by: Some(paid + hours(120)),
                delivered_at: (next(3) > 0).then(|| paid + hours(next(200) as i64)),
                ..OrderRow::placed(paid)
            }
        })
        .collect();
    let in_order = query.count(&rows.iter().cloned().collect()).unwrap();
    let small = rows.chunks(500).map(|part| query.count(&part.iter().cloned().collect()).unwrap());
    let merged = small.reduce(|all, part| all.merge(&part).unwrap()).unwrap();
    assert_eq!(merged, in_order);
    for index in (1..rows.len()).rev() {
        rows.swap(index, next(index as u64 + 1) as usize);
    }
    let shuffled = query.count(&rows.iter().cloned().collect()).unwrap();
    assert_eq!(shuffled, in_order);
    for id in [KpiId::OnTimeShipping, KpiId::HandlingTime, KpiId::DeliveryDelay] {
        assert_eq!(
            counted(&in_order, id, DenominatorMode::Decided),
            naive(&rows, id, &query),
            "{id}"
        );
    }
}

#[test]
fn damaged_tables_and_counters_are_refused() {
    let facts: OrderFacts = [of_shop(shipped(day(3)), "a", Some("x"))].into_iter().collect();
    let mut value = serde_json::to_value(&facts).unwrap();
    value["keys"][0] = serde_json::json!([9]);
    let error = serde_json::from_value::<OrderFacts>(value.clone()).unwrap_err();
    assert!(error.to_string().contains("a name is missing"), "{error}");
    value["keys"][0] = serde_json::json!([1, 1]);
    assert!(serde_json::from_value::<OrderFacts>(value).is_err());
    let query = march().grouped_by([Dimension::Shop]).with_kpis([KpiId::OnTimeShipping]);
    let text = serde_json::to_string(&query.count(&facts).unwrap()).unwrap();
    let damaged = text.replace("\"keys\":[0]", "\"keys\":[0,1]");
    assert_ne!(text, damaged);
    assert!(serde_json::from_str::<KpiCounters>(&damaged).is_err());
}

#[test]
fn instants_at_the_ends_of_time_do_not_overflow() {
    let (first, last) = (DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
    let row = |a, b| OrderRow {
        paid_at: Some(a),
        ship_by: Some(b),
        ship_confirmed_at: Some(b),
        fully_shipped: true,
        uploaded_at: Some(b),
        number_needed: true,
        deliver_by: Some(a),
        delivered_at: Some(b),
        ..OrderRow::placed(a)
    };
    let rows = [row(first, last), row(last, first), row(first, first), row(last, last)];
    let query = KpiQuery::new(Window::new(first, last), last).with_percentiles();
    let facts: OrderFacts = rows.iter().cloned().collect();
    let counters = query.count(&facts).unwrap();
    for id in ids() {
        let kpi = counters.total(id, DenominatorMode::Decided, &seed());
        assert!(kpi.numerator <= kpi.denominator, "{kpi}");
    }
    let mut live = LiveCounters::new(&counters).unwrap();
    live.add(&rows[0]).unwrap();
    let _ = query.count_each(rows).unwrap();
    assert_eq!(
        Window::of_dates(NaiveDate::MIN, NaiveDate::MAX, chrono_tz::Asia::Tokyo).from.timestamp()
            < 0,
        true
    );
}
