//! Key figures: the worked examples with their numbers, the boundaries of every definition, and what
//! holds whatever the orders are.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics has failed, which is what it is for"
)]

#[path = "kpi/groups.rs"]
mod groups;
#[path = "kpi/orders.rs"]
mod orders;
#[path = "kpi/properties.rs"]
mod properties;
#[path = "kpi/rows.rs"]
mod rows;
mod support;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, TimeDelta, TimeZone, Utc};
use orderflow::order::{
    CancelReason, CancelledUnits, Deadline, DeadlineKind, DeadlineSource, ExceptionKind, Incident,
    LogisticsMode, Order, ReturnedUnits,
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

fn of_shop(row: OrderRow, shop: &'static str, carrier: Option<&'static str>) -> OrderRow {
    let keys = RowKeys {
        shop: Some(ShopId::from_static(shop)),
        carrier: carrier.map(CarrierId::from_static),
        ..RowKeys::default()
    };
    OrderRow { keys, ..row }
}

fn date(month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, month, day).unwrap()
}

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
fn a_time_below_zero_is_a_bad_fact_counted_apart_and_never_averaged_in() {
    let good = shipped(day(1) + hours(10));
    let bad = shipped(day(1) - hours(9));
    for query in [march(), march().with_percentiles()] {
        let counted = kpi(&query, &[good.clone(), bad.clone()], KpiId::HandlingTime);
        assert_eq!(counted.excluded.of(ExclusionReason::Contradictory), 1);
        assert_eq!((counted.numerator, counted.denominator), (1, 1));
        assert_eq!(counted.durations().unwrap().mean(), Some(hours(10)));
    }
    let acknowledged = |at| OrderRow { acknowledged_at: Some(at), ..paid() };
    let rows = [acknowledged(day(1) + hours(1)), acknowledged(day(1) - hours(1))];
    let counted = kpi(&march(), &rows, KpiId::TimeToAcknowledge);
    assert_eq!(counted.excluded.of(ExclusionReason::Contradictory), 1);
    assert_eq!(counted.durations().unwrap().mean(), Some(hours(1)));

    let parcel = |confirmed: i64, accepted: i64, delivered: i64| ParcelRow {
        ship_confirmed_at: Some(day(confirmed)),
        uploaded_at: Some(day(3)),
        accepted_at: Some(day(accepted)),
        delivered_at: Some(day(delivered)),
        ..ParcelRow::default()
    };
    let parcels = [parcel(2, 4, 6), parcel(5, 6, 5)];
    let uploads = march().upload_latency(&parcels).unwrap().total();
    assert_eq!((uploads.count(), uploads.contradictory()), (1, 1));
    let kpi = Kpi::of_durations(KpiId::UploadLatency, march().window, uploads, None);
    assert_eq!(kpi.excluded.of(ExclusionReason::Contradictory), 1);
    let carriers = march().carrier_performance(&parcels).unwrap().total();
    let transit = carriers.kpi(KpiId::TransitTime, &march(), &seed());
    assert_eq!(transit.excluded.of(ExclusionReason::Contradictory), 1);
    assert_eq!(transit.durations().unwrap().mean(), Some(TimeDelta::days(2)));
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
    assert_eq!(health("seed"), Health::NoTarget);
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

#[test]
fn six_percent_of_returns_is_not_below_walmarts_six_percent() {
    let target = KpiTargets::preset("walmart_us").unwrap().of(KpiId::ReturnRate).cloned().unwrap();
    assert_eq!(target.judge(Ratio::new(6, 100).unwrap()), Health::Warning);
    assert_eq!(target.judge(Ratio::new(59, 1_000).unwrap()), Health::Healthy);
}
