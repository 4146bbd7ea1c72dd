//! Analytics: thresholds at their very edge, and what holds whatever the order of sales.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics has failed, which is what it is for"
)]

mod support;

use chrono::{DateTime, NaiveDate, TimeDelta, TimeZone, Utc};
use orderflow::order::{Action, CancelReason, CancelledUnits};
use orderflow::rules::analytics::{
    Capacity, ForecastFactors, ForecastInput, Frequency, Growth, PlaceLevel, RankBy, RegionPolicy,
    ReturnReason, Sale, SegmentPolicy, SoldItem, Trend, TrendPolicy, average_order_value,
    growing_regions, hours_of_day, periodic_report, promotion_forecast, regions, repeat_purchase,
    return_reasons, sales_trend, segments, sku_ranking,
};
use orderflow::rules::kpi::{KpiId, KpiTargets, OrderFacts, OrderRow, PeriodUnit, Ratio, Window};
use orderflow::shipment::Milestone;
use orderflow::{BuyerId, Currency, Money, PlatformId, ShopId, ShopKey, Sku};
use proptest::prelude::*;
use support::*;

fn day(day: i64) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 1, 0, 0, 0).unwrap() + TimeDelta::days(day - 1)
}

fn week() -> Window {
    Window::new(day(8), day(15))
}

fn sale(at: DateTime<Utc>, items: &[(&str, u32)]) -> Sale {
    Sale {
        shop: ShopKey::new(PlatformId::from_static("market"), ShopId::from_static("1")),
        buyer: None,
        created_at: at,
        paid_at: Some(at),
        cancelled: false,
        total: usd(1_000),
        country: Some("US".into()),
        state: Some("CO".into()),
        city: Some("Denver".into()),
        items: items
            .iter()
            .map(|(sku, units)| SoldItem {
                sku: Sku::new(*sku).unwrap(),
                units: *units,
                value: Some(usd(100 * i64::from(*units))),
            })
            .collect(),
        accepted_at: None,
        delivered_at: None,
        deliver_by: None,
    }
}

fn trend_of(before: u32, now: u32) -> (Growth, bool, bool) {
    let mut sales = Vec::new();
    if before > 0 {
        sales.push(sale(day(2), &[("A", before)]));
    }
    if now > 0 {
        sales.push(sale(day(9), &[("A", now)]));
    }
    let found = sales_trend(&sales, &week(), &TrendPolicy::default());
    (found[0].growth, found[0].fast, found[0].slow)
}

#[test]
fn twenty_percent_and_ten_units_are_fast_and_minus_twenty_percent_is_slow() {
    assert_eq!(trend_of(10, 12), (Growth::Changed { now: 12, before: 10 }, true, false));
    assert!(!trend_of(1_000, 1_199).1);
    assert!(!trend_of(5, 9).1, "nine units are too few");
    assert!(trend_of(5, 10).1);
    assert!(trend_of(10, 8).2);
    assert!(!trend_of(1_000, 801).2);
    assert_eq!(trend_of(0, 50).0, Growth::New);
    assert!(!trend_of(0, 50).1, "what is new has no rate");
    assert_eq!(trend_of(10, 12).0.to_string(), "+20.00 %");
    assert_eq!(trend_of(3, 2).0.to_string(), "-33.33 %");
}

#[test]
fn thirty_days_without_a_sale_are_slow() {
    let trend = |last: DateTime<Utc>| {
        sales_trend(&[sale(last, &[("A", 1)])], &week(), &TrendPolicy::default())[0].slow
    };
    assert!(trend(week().to - TimeDelta::days(30)));
    // A second later it is not: thirty days are not over, and it had no sales to lose.
    assert!(!trend(week().to - TimeDelta::days(30) + TimeDelta::seconds(1)));
}

#[test]
fn the_window_before_is_of_equal_length_and_both_are_half_open() {
    let sales = [
        sale(day(1), &[("A", 1)]),
        sale(day(8) - TimeDelta::seconds(1), &[("A", 2)]),
        sale(day(8), &[("A", 4)]),
        sale(day(15) - TimeDelta::seconds(1), &[("A", 8)]),
        sale(day(15), &[("A", 16)]),
        Sale { cancelled: true, ..sale(day(9), &[("A", 32)]) },
    ];
    let found = &sales_trend(&sales, &week(), &TrendPolicy::default())[0];
    assert_eq!((found.units_before, found.units), (3, 12));
    assert_eq!((found.orders_before, found.orders), (2, 2));
    assert_eq!(found.last_sold_at, Some(day(15) - TimeDelta::seconds(1)));
}

#[test]
fn a_warehouse_would_pay_from_thirty_percent_of_orders_and_seven_days() {
    let to = |state: &str, transit_hours: i64| Sale {
        state: Some(state.into()),
        accepted_at: Some(day(9)),
        delivered_at: Some(day(9) + hours(transit_hours)),
        ..sale(day(8), &[])
    };
    let hints = |sales: &[Sale]| -> Vec<String> {
        regions(sales, &week(), PlaceLevel::State, &RegionPolicy::default())
            .into_iter()
            .filter(|region| region.warehouse_hint)
            .filter_map(|region| region.region)
            .collect()
    };
    let mut sales: Vec<Sale> = (0..3).map(|_| to("CA", 7 * 24)).collect();
    sales.extend((0..7).map(|number| to(["NJ", "NY", "TX", "WA"][number % 4], 24)));
    assert_eq!(hints(&sales), ["US-CA"]);
    sales[0].delivered_at = Some(day(9) + hours(7 * 24) - TimeDelta::seconds(1));
    assert_eq!(hints(&sales), [""; 0], "a second less in the mean");
    sales[0].delivered_at = Some(day(9) + hours(7 * 24));
    sales.push(to("FL", 24));
    assert_eq!(hints(&sales), [""; 0], "three of eleven are less than thirty percent");
}

#[test]
fn regions_show_shares_delays_and_what_is_not_known() {
    let mut late = sale(day(8), &[]);
    late.deliver_by = Some(day(10));
    late.delivered_at = Some(day(11));
    late.accepted_at = Some(day(9));
    let mut open = sale(day(8), &[]);
    open.deliver_by = Some(day(20));
    let mut nowhere = sale(day(8), &[]);
    nowhere.country = None;
    let mut backwards = sale(day(8), &[]);
    backwards.accepted_at = Some(day(11));
    backwards.delivered_at = Some(day(9));
    let sales = [late, open, nowhere, backwards];
    let found = regions(&sales, &week(), PlaceLevel::City, &RegionPolicy::default());
    assert_eq!(found[0].region.as_deref(), Some("US-CO-Denver"));
    assert_eq!(found[0].share, Ratio::new(3, 4));
    assert_eq!(found[0].delayed, Ratio::new(1, 1), "an open promise is not decided");
    let mut after = sales[1].clone();
    after.delivered_at = Some(day(25));
    let later = regions([&after], &week(), PlaceLevel::City, &RegionPolicy::default());
    assert_eq!(later[0].delayed, None, "what came after the window is not known at its end");
    assert_eq!((found[0].transits, found[0].mean_transit_seconds), (1, Some(2 * 86_400)));
    assert_eq!(found[1].region, None);
    assert_eq!(found[1].delayed, None);
}

#[test]
fn a_region_grows_when_it_rose_three_times_in_a_row() {
    let windows: Vec<Window> =
        (0..4).map(|week| Window::new(day(1 + 7 * week), day(8 + 7 * week))).collect();
    let sales = |counts: [usize; 4]| -> Vec<Sale> {
        counts
            .iter()
            .zip(0..)
            .flat_map(|(count, week)| (0..*count).map(move |_| sale(day(2 + 7 * week), &[])))
            .collect()
    };
    assert_eq!(growing_regions(&sales([1, 2, 3, 4]), &windows, PlaceLevel::State), ["US-CO"]);
    assert_eq!(growing_regions(&sales([0, 1, 2, 3]), &windows, PlaceLevel::State), ["US-CO"]);
    assert_eq!(growing_regions(&sales([1, 2, 2, 3]), &windows, PlaceLevel::State), [""; 0]);
    assert_eq!(growing_regions(&sales([1, 2, 3, 4]), &windows[1..], PlaceLevel::State), [""; 0]);
}

#[test]
fn hours_are_those_of_the_shops_clock_in_any_zone() {
    let at = |hour, minute| Utc.with_ymd_and_hms(2026, 3, 8, hour, minute, 0).unwrap();
    let count = |zone, instant| {
        let found = hours_of_day(&[sale(instant, &[])], &week(), zone);
        assert_eq!(found.len(), 24);
        found.into_iter().find(|hour| hour.orders == 1).unwrap().hour
    };
    // Clocks in New York go from 2 to 3 on this morning.
    assert_eq!(count(chrono_tz::America::New_York, at(6, 59)), 1);
    assert_eq!(count(chrono_tz::America::New_York, at(7, 0)), 3);
    assert_eq!(count(chrono_tz::Asia::Kolkata, at(18, 29)), 23);
    assert_eq!(count(chrono_tz::Asia::Kolkata, at(18, 30)), 0);
    let unpaid = Sale { paid_at: None, ..sale(at(7, 0), &[]) };
    let found = hours_of_day(&[unpaid], &week(), chrono_tz::UTC);
    assert_eq!(found[7].share, Ratio::new(1, 1), "unpaid orders were placed too");
    assert_eq!(hours_of_day(&[], &week(), chrono_tz::UTC)[0].share, None);
}

#[test]
fn average_order_value_keeps_currencies_apart_and_rounds_half_up() {
    let of =
        |cents, currency| Sale { total: Money::from_minor(cents, currency), ..sale(day(9), &[]) };
    let sales = [
        of(1_000, Currency::USD),
        of(1_001, Currency::USD),
        of(500, Currency::BRL),
        Sale { cancelled: true, ..of(99_999, Currency::USD) },
        Sale { paid_at: None, ..of(99_999, Currency::USD) },
    ];
    let found = average_order_value(&sales, &week());
    assert_eq!(found[&Currency::USD].mean.to_string(), "10.01");
    assert_eq!((found[&Currency::USD].orders, found[&Currency::BRL].orders), (2, 1));
    assert_eq!(found[&Currency::USD].sum, Some(usd(2_001).amount));
    assert!(average_order_value(&[], &week()).is_empty());
    let most = Money::new(rust_decimal::Decimal::MAX, Currency::USD);
    let huge = [(); 2].map(|()| Sale { total: most, ..sale(day(9), &[]) });
    let found = average_order_value(&huge, &week());
    assert_eq!(found[&Currency::USD].sum, None, "more than an amount can be, and not cut");
    assert!(found[&Currency::USD].mean > most.amount - rust_decimal::Decimal::TEN);
}

#[test]
fn skus_are_ranked_by_units_orders_or_sales_and_equal_ones_by_name() {
    let sales = [
        sale(day(9), &[("B", 3), ("A", 3)]),
        sale(day(9), &[("C", 1)]),
        sale(day(10), &[("C", 1)]),
    ];
    let names = |by| -> Vec<String> {
        sku_ranking(&sales, &week(), by).into_iter().map(|rank| rank.sku.to_string()).collect()
    };
    assert_eq!(names(RankBy::Units), ["A", "B", "C"]);
    assert_eq!(names(RankBy::Orders), ["C", "A", "B"]);
    assert_eq!(names(RankBy::Sales(Currency::USD)), ["A", "B", "C"]);
    let found = sku_ranking(&sales, &week(), RankBy::Units);
    assert_eq!(found[0].sales[&Currency::USD].to_string(), "3.00");
}

fn by(buyer: &'static str, at: DateTime<Utc>, cents: i64) -> Sale {
    Sale { buyer: Some(BuyerId::from_static(buyer)), total: usd(cents), ..sale(at, &[]) }
}

#[test]
fn who_has_two_orders_by_the_end_of_the_window_returns() {
    let sales = [
        by("old", day(1), 100),
        by("old", day(9), 100),
        by("twice", day(9), 100),
        by("twice", day(10), 100),
        by("once", day(9), 100),
        by("gone", day(2), 100),
        by("later", day(9), 100),
        by("later", day(20), 100),
        sale(day(9), &[]),
    ];
    let found = repeat_purchase(&sales, &week());
    assert_eq!((found.customers, found.returning_customers), (4, 2));
    assert_eq!(found.rate, Ratio::new(2, 4));
    assert_eq!((found.orders, found.orders_of_returning), (5, 2));
    assert_eq!(found.unknown_buyers, 1);
    assert_eq!(repeat_purchase(&[], &week()).rate, None);
}

#[test]
fn the_best_five_percent_of_twelve_months_are_vips() {
    let names: Vec<BuyerId> = (0..21).map(|n| BuyerId::new(format!("b{n:02}")).unwrap()).collect();
    let mut sales: Vec<Sale> = names
        .iter()
        .zip(1..)
        .map(|(buyer, n)| Sale {
            buyer: Some(buyer.clone()),
            total: usd(n * 100),
            ..sale(day(9), &[])
        })
        .collect();
    let found = segments(&sales, Currency::USD, &SegmentPolicy::default(), day(15));
    let vips: Vec<&str> =
        found.iter().filter(|s| s.vip).map(|segment| segment.buyer.as_str()).collect();
    assert_eq!(vips, ["b20", "b19"], "5 % of 21 is more than one");
    // Thirteen months ago counts no more.
    let long_ago = Utc.with_ymd_and_hms(2025, 2, 15, 0, 0, 0).unwrap();
    sales.push(Sale { total: usd(1_000_000), ..by("whale", long_ago, 0) });
    let again = segments(&sales, Currency::USD, &SegmentPolicy::default(), day(15));
    assert_eq!(found, again);
    let often: Vec<Sale> = (0..5).map(|n| by("fan", day(9 + n % 3), 100)).collect();
    let found = segments(&often, Currency::USD, &SegmentPolicy::default(), day(15));
    assert_eq!((found[0].frequency, found[0].orders, found[0].vip), (Frequency::Often, 5, true));
}

#[test]
fn reasons_are_normalised_and_counted_in_units() {
    use ReturnReason as R;
    for (words, reason) in [
        ("NOT_AS_DESCRIBED", R::NotAsDescribed),
        ("Defective", R::Defective),
        ("arrived broken", R::DamagedInTransit),
        ("wrong_item", R::WrongItem),
        ("It is too small", R::SizeOrFit),
        ("I changed my mind", R::ChangedMind),
        ("arrived late", R::Late),
        ("arrived later than promised", R::Late),
        ("sizes run small", R::SizeOrFit),
        ("fitted badly", R::SizeOrFit),
        ("TRANSIT_DAMAGE", R::DamagedInTransit),
        ("damage during transit", R::DamagedInTransit),
        ("llegaron rotos", R::Defective),
        ("faltan piezas", R::WrongItem),
        ("tiene fallas", R::Defective),
        ("the plate is ugly", R::Other),
        ("smells of latex in the fitness room", R::Other),
        ("LLEGÓ DAÑADO", R::DamagedInTransit),
        ("me enviaron otro producto", R::WrongItem),
        ("no es como en la descripción", R::NotAsDescribed),
        ("não funciona", R::Defective),
        ("o tamanho é pequeno demais", R::SizeOrFit),
        ("llegó tarde", R::Late),
        ("me arrependi", R::ChangedMind),
        ("与描述不符", R::NotAsDescribed),
        ("尺码太小", R::SizeOrFit),
        ("快递太慢", R::Late),
        ("", R::Other),
    ] {
        assert_eq!(ReturnReason::of(words), reason, "{words}");
    }
    let found = return_reasons([(Some("late"), 1), (Some("size"), 3), (None, 1)]);
    assert_eq!(found[0].reason, R::SizeOrFit);
    assert_eq!(found[0].share, Ratio::new(3, 5));
    assert_eq!(found[1].reason, R::Late);
    assert!(return_reasons(std::iter::empty()).is_empty());
}

#[test]
fn a_promotion_is_five_to_ten_usual_days_rounded_up() {
    let input = |orders: &'static [u32], capacity| ForecastInput {
        orders_per_day: orders,
        factors: ForecastFactors::default(),
        capacity,
    };
    assert_eq!(promotion_forecast(&input(&[], Capacity::default())), None);
    let found = promotion_forecast(&input(&[10, 11, 11], Capacity::default())).unwrap();
    assert_eq!((found.low.orders, found.high.orders), (54, 107));
    assert_eq!((found.high.paper, found.high.staff_minutes), (214, 428));
    assert!(found.short.is_empty());
    let mut capacity = Capacity::default();
    capacity.labels = Some(107);
    capacity.staff_minutes = Some(427);
    let found = promotion_forecast(&input(&[10, 11, 11], capacity)).unwrap();
    assert_eq!(found.short, ["1 minutes of work are short: 428 needed, 427 there"]);
    let huge = promotion_forecast(&input(&[u32::MAX; 3], Capacity::default())).unwrap();
    assert_eq!(huge.high.orders, u64::from(u32::MAX) * 10);
}

#[test]
fn an_order_becomes_the_sale_of_what_is_left_of_it() {
    let (order, package) = labelled("1", &[("1", 3), ("2", 1)]);
    let order = after(
        order,
        vec![confirmed(&package), tracked(&package, &[Milestone::Accepted, Milestone::Delivered])],
    );
    let sold = Sale::of(&order).unwrap();
    assert_eq!(sold.items[0].units, 3);
    assert_eq!(sold.items[0].value, Some(usd(3_000)));
    assert_eq!(sold.accepted_at, Some(now() + hours(1)));
    assert_eq!(sold.delivered_at, Some(now() + hours(2)));
    assert_eq!((sold.country.as_deref(), sold.state.as_deref()), (Some("US"), Some("CO")));
    let cut = after(
        imported("2", &[("1", 3), ("2", 1)]),
        vec![Action::Cancelled {
            units: vec![CancelledUnits {
                line: line_id("1"),
                units: 2,
                reason: CancelReason::OutOfStock,
                at: now(),
            }],
        }],
    );
    assert_eq!(Sale::of(&cut).unwrap().items[0].units, 1);
    assert_eq!(Sale::of(&cut).unwrap().items[0].value, Some(usd(1_000)));
    // The platform's total is the truth; without one the discount is taken off.
    for stated in [Some(usd(2_000)), None] {
        let mut cheaper = cut.clone();
        cheaper.lines[0].discount = Some(usd(1_000));
        cheaper.lines[0].line_total = stated;
        let sold = Sale::of(&cheaper).unwrap();
        assert_eq!(sold.items[0].value, Some(usd(667)), "a third of 20.00");
    }
    let mut test = order;
    test.test = true;
    assert_eq!(Sale::of(&test), None);
    let text = serde_json::to_string(&sold).unwrap();
    assert_eq!(serde_json::from_str::<Sale>(&text).unwrap(), sold);
}

#[test]
fn the_week_is_compared_with_the_week_before_and_what_misses_its_target_stands_out() {
    let mut facts = OrderFacts::new();
    let mut push = |at: DateTime<Utc>, late: bool| {
        let mut row = OrderRow::placed(at);
        row.paid_at = Some(at);
        row.ship_by = Some(at + hours(24));
        row.fully_shipped = true;
        row.ship_confirmed_at = Some(at + hours(if late { 25 } else { 1 }));
        facts.push(&row);
    };
    for number in 0..10 {
        push(day(3), false);
        push(day(10), number == 0);
    }
    let sales = [sale(day(10), &[("A", 12)]), sale(day(3), &[("A", 10)])];
    let monday = NaiveDate::from_ymd_opt(2026, 3, 12).unwrap();
    let report = periodic_report(
        &facts,
        &sales,
        (PeriodUnit::Week, monday, chrono_tz::UTC),
        &[KpiId::OnTimeShipping, KpiId::HandlingTime, KpiId::Complaint],
        &KpiTargets::preset("seed").unwrap(),
        day(20),
    )
    .unwrap();
    assert_eq!((report.window.from, report.window.to), (day(9), day(16)));
    assert_eq!((report.before.from, report.before.to), (day(2), day(9)));
    let on_time = &report.kpis[0];
    assert_eq!((on_time.now.numerator, on_time.before.numerator), (9, 10));
    assert_eq!(on_time.trend, Trend::Down);
    assert_eq!(report.kpis[1].trend, Trend::Up);
    assert_eq!(report.kpis[2].trend, Trend::Same);
    assert_eq!(report.outliers, [KpiId::OnTimeShipping]);
    assert_eq!(report.best[0].units, 12);
    assert!(report.fast.iter().any(|trend| trend.sku.as_str() == "A"));
    let month = periodic_report(
        &OrderFacts::new(),
        &[],
        (PeriodUnit::Month, monday, chrono_tz::America::Sao_Paulo),
        &[KpiId::OnTimeShipping],
        &KpiTargets::default(),
        day(20),
    )
    .unwrap();
    assert_eq!(month.kpis[0].trend, Trend::Unknown);
    assert_eq!(month.window.from, Utc.with_ymd_and_hms(2026, 3, 1, 3, 0, 0).unwrap());
}

fn any_sale() -> impl Strategy<Value = Sale> {
    (
        0_i64..40,
        prop::option::of(0_usize..4),
        prop::collection::vec((0_usize..4, 1_u32..20), 0..4),
        any::<[bool; 3]>(),
        1_i64..100_000,
        -48_i64..400,
    )
        .prop_map(|(at, buyer, items, [paid, cancelled, dollars], cents, transit)| {
            let items: Vec<(&str, u32)> =
                items.into_iter().map(|(sku, units)| (["A", "B", "C", "D"][sku], units)).collect();
            let mut sale = sale(day(at), &items);
            sale.paid_at = paid.then_some(day(at));
            sale.cancelled = cancelled;
            sale.buyer = buyer.map(|n| BuyerId::from_static(["a", "b", "c", "d"][n]));
            sale.total =
                Money::from_minor(cents, if dollars { Currency::USD } else { Currency::BRL });
            sale.state = Some(["CO", "CA", "NJ"][usize::try_from(cents % 3).unwrap()].into());
            sale.accepted_at = Some(day(at));
            sale.delivered_at = (cents % 2 == 0).then_some(day(at) + hours(transit));
            sale.deliver_by = Some(day(at) + hours(100));
            sale
        })
}

proptest! {
    #[test]
    fn the_order_of_sales_changes_nothing(
        sales in prop::collection::vec(any_sale(), 0..30),
        turn in 0_usize..30,
    ) {
        let mut turned = sales.clone();
        if !turned.is_empty() {
            let places = turn % turned.len();
            turned.rotate_left(places);
            turned.reverse();
        }
        let window = week();
        let trend = TrendPolicy::default();
        prop_assert_eq!(sales_trend(&sales, &window, &trend), sales_trend(&turned, &window, &trend));
        let policy = RegionPolicy::default();
        prop_assert_eq!(
            regions(&sales, &window, PlaceLevel::State, &policy),
            regions(&turned, &window, PlaceLevel::State, &policy)
        );
        prop_assert_eq!(
            average_order_value(&sales, &window),
            average_order_value(&turned, &window)
        );
        prop_assert_eq!(
            sku_ranking(&sales, &window, RankBy::Units),
            sku_ranking(&turned, &window, RankBy::Units)
        );
        prop_assert_eq!(repeat_purchase(&sales, &window), repeat_purchase(&turned, &window));
        let policy = SegmentPolicy::default();
        prop_assert_eq!(
            segments(&sales, Currency::USD, &policy, day(20)),
            segments(&turned, Currency::USD, &policy, day(20))
        );
        prop_assert_eq!(
            hours_of_day(&sales, &window, chrono_tz::America::Lima),
            hours_of_day(&turned, &window, chrono_tz::America::Lima)
        );
    }

    #[test]
    fn shares_add_up_to_the_whole(sales in prop::collection::vec(any_sale(), 0..30)) {
        let window = week();
        let paid = sales
            .iter()
            .filter(|sale| !sale.cancelled && sale.paid_at.is_some_and(|at| window.contains(at)))
            .count() as u64;
        let policy = RegionPolicy::default();
        for level in [PlaceLevel::Country, PlaceLevel::State, PlaceLevel::City] {
            let found = regions(&sales, &window, level, &policy);
            prop_assert_eq!(found.iter().map(|region| region.orders).sum::<u64>(), paid);
        }
        let placed = sales.iter().filter(|sale| window.contains(sale.created_at)).count() as u64;
        let hours = hours_of_day(&sales, &window, chrono_tz::UTC);
        prop_assert_eq!(hours.iter().map(|hour| hour.orders).sum::<u64>(), placed);
        let found = repeat_purchase(&sales, &window);
        prop_assert!(found.returning_customers <= found.customers);
        prop_assert!(found.orders_of_returning <= found.orders);
        prop_assert_eq!(found.orders + found.unknown_buyers, paid);
    }
}
