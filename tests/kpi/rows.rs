//! Parcels, messages, units, exceptions, and the figures of platforms.

use super::*;

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
        test: false,
        platform_fulfilled: false,
        opened_at: day(2),
        resolved_at: resolved.map(day),
    };
    let rows = [exception(Some(4)), exception(Some(3)), exception(None), exception(Some(25))];
    let total = march().exception_resolution(&rows).unwrap().total();
    assert_eq!((total.count(), total.mean()), (2, Some(hours(36))));
    let test = ExceptionRow { test: true, ..exception(Some(4)) };
    let theirs = ExceptionRow { platform_fulfilled: true, ..exception(Some(4)) };
    let total = march().exception_resolution(&[test, theirs]).unwrap().total();
    assert_eq!(total.count(), 0, "tests and what the platform ships never count");
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
