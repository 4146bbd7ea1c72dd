//! What holds whatever the orders are.

use super::*;

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
        KpiId::HandlingTime if row.fully_shipped && row.paid_at > Some(cohort) => {
            excluded(ExclusionReason::Contradictory)
        }
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
        KpiId::TimeToAcknowledge if row.created_at > cohort => {
            excluded(ExclusionReason::Contradictory)
        }
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
    #![proptest_config(ProptestConfig::with_cases(96))]

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
    // Few orders are sorted; of many those in order are counted where they stand, those in no order
    // are partitioned first. One group has more orders than a narrow counter holds.
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
            let busy = next(8) == 0;
            let mut any = |n: u64| if busy { 0 } else { next(n) };
            let keys = RowKeys {
                shop: Some(ShopId::new(format!("s{}", any(40))).unwrap()),
                carrier: Some(CarrierId::new(format!("c{}", any(7))).unwrap()),
                region: Some(format!("r{}", any(12))),
                ..RowKeys::default()
            };
            let second = if busy { 5 * 86_400 } else { index * 90 * 86_400 / 40_000 };
            let paid = day(0) + TimeDelta::seconds(second);
            OrderRow {
                keys,
                paid_at: Some(paid),
                ship_by: Some(paid + hours(48)),
                ship_confirmed_at: Some(paid + TimeDelta::minutes(next(4_000) as i64)),
                fully_shipped: next(10) > 0,
                deliver_by: Some(paid + hours(120)),
                delivered_at: (next(3) > 0).then(|| paid + hours(next(200) as i64)),
                test: next(20) == 0,
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
    // One instant with a fraction of a second, and the table keeps all of them in microseconds.
    let outside = OrderRow::placed(day(-9) + TimeDelta::microseconds(1));
    let fine: OrderFacts = rows.iter().cloned().chain([outside]).collect();
    let fine = query.count(&fine).unwrap();
    for id in [KpiId::OnTimeShipping, KpiId::HandlingTime, KpiId::DeliveryDelay] {
        let expected = naive(&rows, id, &query);
        assert_eq!(counted(&in_order, id, DenominatorMode::Decided), expected, "{id}");
        assert_eq!(counted(&fine, id, DenominatorMode::Decided), expected, "{id}");
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
    let ages = Window::of_dates(NaiveDate::MIN, NaiveDate::MAX, chrono_tz::Asia::Tokyo);
    assert!(ages.from < ages.to);
}
