//! Groups, periods, series and targets.

use super::*;

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

/// So many rows that some groups have hundreds, so many groups that most have few, and every reason
/// not to count: the table's own way of counting must come to what one row at a time comes to.
#[test]
fn many_groups_of_many_rows_count_as_one_row_at_a_time_does() {
    let mut state = 7_u64;
    let mut draw = |below: u64| {
        // xorshift
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    let rows: Vec<OrderRow> = (0..9_000)
        .map(|number| {
            let minutes = |draw: u64| TimeDelta::minutes(i64::try_from(draw).unwrap());
            // Half of all orders fall on one day of one shop.
            let hot = number % 2 == 0;
            let paid_at = if hot { day(3) } else { day(0) + minutes(draw(31 * 1_440)) };
            let shop = if hot { 0 } else { draw(60) };
            let keys = RowKeys {
                shop: Some(ShopId::new(format!("shop-{shop:02}")).unwrap()),
                carrier: (draw(9) > 0).then(|| CarrierId::new(format!("c{}", draw(8))).unwrap()),
                region: Some(format!("r{}", draw(if hot { 1 } else { 5 }))),
                ..RowKeys::default()
            };
            let left = paid_at + minutes(draw(5_000));
            let kind = draw(40);
            OrderRow {
                keys,
                test: kind == 0,
                platform_fulfilled: kind == 1,
                paid_at: (kind != 2).then_some(paid_at),
                ship_by: (kind != 3).then_some(paid_at + TimeDelta::days(1)),
                deliver_by: (kind != 4).then_some(paid_at + TimeDelta::days(4)),
                ship_confirmed_at: (kind > 8).then_some(left),
                fully_shipped: kind > 8,
                delivered_at: (kind > 12).then_some(left + minutes(draw(9_000))),
                cancellation: (5..8).contains(&kind).then_some(Cancellation {
                    at: left,
                    by: if kind == 5 { CancelledBy::Seller } else { CancelledBy::Buyer },
                }),
                complaint_at: (draw(50) == 0).then_some(left),
                ..OrderRow::placed(paid_at)
            }
        })
        .collect();
    let daily = Periods { unit: PeriodUnit::Day, zone: chrono_tz::America::Sao_Paulo };
    let ids = [
        KpiId::OnTimeShipping,
        KpiId::Cancellation,
        KpiId::SellerFaultCancellation,
        KpiId::HandlingTime,
        KpiId::Complaint,
        KpiId::DeliveryDelay,
    ];
    let dimensions = [Dimension::Shop, Dimension::Carrier, Dimension::Region];
    for grouped in 1..=dimensions.len() {
        let query = KpiQuery::new(Window::new(day(0), day(31)), day(25))
            .with_kpis(ids)
            .grouped_by(dimensions.into_iter().take(grouped))
            .per(daily);
        let facts: OrderFacts = rows.iter().cloned().collect();
        let whole = query.count(&facts).unwrap();
        let mut live = LiveCounters::new(&query.count(&OrderFacts::new()).unwrap()).unwrap();
        for row in &rows {
            live.add(row).unwrap();
        }
        assert!(live.counters().unwrap() == whole, "{grouped} dimensions");
        // Microseconds go another way than whole seconds.
        let mut odd = rows.clone();
        odd[0].complaint_at = odd[0].paid_at.map(|at| at + TimeDelta::microseconds(1));
        let finer = query.count(&odd.iter().cloned().collect::<OrderFacts>()).unwrap();
        odd.reverse();
        assert!(query.count(&odd.into_iter().collect::<OrderFacts>()).unwrap() == finer);
    }
}

#[test]
fn counters_of_one_scope_merge_whatever_order_its_lists_are_in() {
    let facts: OrderFacts = [
        of_shop(shipped(day(3)), "b", Some("x")),
        of_shop(shipped(day(3)), "a", None),
        of_shop(shipped(day(5)), "c", Some("x")),
    ]
    .into_iter()
    .collect();
    let of = |shops: &[&'static str]| {
        let shops = shops.iter().map(|shop| ShopId::from_static(shop)).collect();
        let scope = KpiScope { shops, ..KpiScope::default() };
        march().grouped_by([Dimension::Shop]).within(scope).count(&facts).unwrap()
    };
    let (one, other) = (of(&["a", "b"]), of(&["b", "a", "b"]));
    let merged = one.merge(&other).unwrap();
    assert_eq!(other.merge(&one).unwrap(), merged);
    assert_eq!(merged, one.merge(&one).unwrap());
    assert_eq!(merged.orders(), 6);
    let three = merged.merge(&other).unwrap();
    assert_eq!(other.merge(&other).unwrap().merge(&one).unwrap(), three);
    let stored = serde_json::to_string(&merged).unwrap();
    assert_eq!(serde_json::from_str::<KpiCounters>(&stored).unwrap(), merged);
    assert_eq!(one.merge(&of(&["a", "c"])), Err(KpiError::DifferentQueries));
}
