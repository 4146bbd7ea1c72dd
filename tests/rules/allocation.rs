//! Which warehouse ships what, and the reasons.

use super::*;

use orderflow::rules::{AllocationShortfall, AllocationVerdict};

#[test]
fn one_warehouse_with_everything_beats_two_and_every_other_is_explained() {
    let order = after(imported("alloc", &[("1", 2), ("2", 1)]), vec![approved(), acknowledged()]);
    let mut closed = warehouse("closed");
    closed.enabled = false;
    let warehouses = [warehouse("b"), warehouse("a"), closed];
    let view = stock(&[("a", "SKU-1", 2), ("b", "SKU-1", 2), ("b", "SKU-2", 9)]);
    let verdict = allocate(&order, &warehouses, &view, &AllocationPolicy::default(), now());
    assert_eq!(verdict.allocation.packages.len(), 1);
    assert_eq!(verdict.allocation.packages[0].warehouse.as_str(), "b");
    let why: Vec<_> = verdict.rejected.iter().map(|r| (r.warehouse.as_str(), &r.why)).collect();
    assert!(matches!(why[0], ("a", WarehouseRejection::Short { needed: 1, available: 0, .. })));
    assert_eq!(why[1], ("closed", &WarehouseRejection::Disabled));
}

#[test]
fn an_order_is_split_over_the_fewest_warehouses_that_cover_it() {
    let order = after(imported("split", &[("1", 1), ("2", 1)]), vec![approved(), acknowledged()]);
    let view = stock(&[("a", "SKU-1", 1), ("b", "SKU-2", 1)]);
    let warehouses = [warehouse("a"), warehouse("b")];
    let verdict = allocate(&order, &warehouses, &view, &AllocationPolicy::default(), now());
    assert_eq!(verdict.allocation.packages.len(), 2);
    assert!(verdict.allocation.backordered.is_empty());
    let mut whole = AllocationPolicy::default();
    whole.max_splits = 1;
    let verdict = allocate(&order, &warehouses, &view, &whole, now());
    assert!(verdict.allocation.packages.is_empty());
    assert_eq!(verdict.allocation.backordered.len(), 2);
}

#[test]
fn a_split_that_two_warehouses_cover_is_found_however_many_others_there_are() {
    let order = after(imported("far", &[("1", 3), ("2", 3)]), vec![approved(), acknowledged()]);
    // The first holds some of both, and leads whoever takes it to a third.
    let view =
        stock(&[("w1", "SKU-1", 2), ("w1", "SKU-2", 2), ("w2", "SKU-1", 3), ("w3", "SKU-2", 3)]);
    let names = ["w1", "w2", "w3", "w4", "w5", "w6", "w7"];
    for count in 3..=names.len() {
        let warehouses: Vec<_> = names[..count].iter().map(|name| warehouse(name)).collect();
        let verdict = allocate(&order, &warehouses, &view, &AllocationPolicy::default(), now());
        let mut used: Vec<_> =
            verdict.allocation.packages.iter().map(|p| p.warehouse.as_str()).collect();
        used.sort_unstable();
        assert_eq!(used, ["w2", "w3"], "with {count}");
        assert!(verdict.allocation.backordered.is_empty());
    }
}

#[test]
fn the_shelf_is_counted_once_however_many_lines_want_of_it() {
    let mut order = imported("twice", &[("1", 1), ("2", 1), ("3", 1)]);
    order.lines[1].sku = order.lines[0].sku.clone();
    let order = after(order, vec![approved(), acknowledged()]);
    let view = stock(&[
        ("w1", "SKU-1", 10),
        ("w1", "SKU-3", 100),
        ("w2", "SKU-1", 60),
        ("w2", "SKU-3", 10),
    ]);
    let mut policy = AllocationPolicy::default();
    policy.preferences = vec![AllocationPreference::MostStockLeft];
    let verdict = allocate(&order, &[warehouse("w1"), warehouse("w2")], &view, &policy, now());
    assert_eq!(verdict.allocation.packages[0].warehouse.as_str(), "w1");
}

#[test]
fn what_nobody_has_is_backordered_and_the_rest_ships_only_if_allowed() {
    let order = after(imported("part", &[("1", 1), ("2", 3)]), vec![approved(), acknowledged()]);
    let view = stock(&[("a", "SKU-1", 1), ("a", "SKU-2", 2)]);
    let mut policy = AllocationPolicy::default();
    let verdict = allocate(&order, &[warehouse("a")], &view, &policy, now());
    assert!(verdict.allocation.packages.is_empty());
    assert_eq!(verdict.allocation.backordered.len(), 1);
    assert_eq!(verdict.allocation.backordered[0].units, 1);
    policy.allow_partial = true;
    let verdict = allocate(&order, &[warehouse("a")], &view, &policy, now());
    assert_eq!(verdict.allocation.packages.len(), 1);
    assert_eq!(verdict.allocation.backordered[0].line, line_id("2"));
}

/// Two lines of one bundle, or of none.
fn pair(id: &str, bundle: Option<&str>) -> Order {
    let mut order = imported(id, &[("1", 1), ("2", 1)]);
    for line in &mut order.lines {
        line.bundle = bundle.map(str::to_owned);
    }
    after(order, vec![approved(), acknowledged()])
}

fn plan(order: &Order, view: &StockView, policy: &AllocationPolicy) -> AllocationVerdict {
    allocate(order, &[warehouse("a"), warehouse("b"), warehouse("c")], view, policy, now())
}

#[test]
fn a_shortfall_has_the_reason_that_is_true() {
    let policy = AllocationPolicy::default();
    let apart = stock(&[("a", "SKU-1", 1), ("b", "SKU-2", 1)]);
    let reason = |verdict: &AllocationVerdict| verdict.allocation.reasons.join("; ");

    let verdict = plan(&pair("none", None), &stock(&[("a", "SKU-1", 1)]), &policy);
    assert_eq!(verdict.shortfall, Some(AllocationShortfall::OutOfStock));
    assert!(reason(&verdict).ends_with("partial shipment is not allowed"), "{}", reason(&verdict));

    let verdict = plan(&pair("bundle", Some("set")), &apart, &policy);
    assert_eq!(verdict.shortfall, Some(AllocationShortfall::BundleApart));
    assert_eq!(verdict.allocation.backordered.len(), 2);

    let mut single = AllocationPolicy::default();
    single.max_splits = 1;
    let verdict = plan(&pair("limit", None), &apart, &single);
    let limit = AllocationShortfall::TooManyParcels { needed: 2, most: 1 };
    assert_eq!(verdict.shortfall, Some(limit));
    assert!(reason(&verdict).contains("2 parcels where 1 is allowed"), "{}", reason(&verdict));

    let mut dear = AllocationPolicy::default();
    dear.min_split_value = Some("1000".parse().unwrap());
    let least = "1000".parse().unwrap();
    let verdict = plan(&pair("value", None), &apart, &dear);
    assert_eq!(verdict.shortfall, Some(AllocationShortfall::PartTooSmall { least }));

    // Partial shipment is allowed, but the part is worth too little.
    dear.allow_partial = true;
    let verdict = plan(&pair("part", None), &stock(&[("a", "SKU-1", 1)]), &dear);
    assert_eq!(verdict.shortfall, Some(AllocationShortfall::OutOfStock));
    assert!(reason(&verdict).contains("worth too little"), "{}", reason(&verdict));

    // The only shelf that has it may not serve the country.
    let mut foreign = warehouse("b");
    foreign.countries = [orderflow::Country::new("BR").unwrap()].into();
    let warehouses = [warehouse("a"), foreign];
    let verdict = allocate(&pair("abroad", None), &warehouses, &apart, &policy, now());
    let elsewhere = vec![WarehouseId::from_static("b")];
    let shortfall = AllocationShortfall::StockElsewhere { warehouses: elsewhere };
    assert_eq!(verdict.shortfall, Some(shortfall));
    assert_eq!(verdict.rejected[1].why, WarehouseRejection::CountryNotAllowed);
    let verdict = allocate(&pair("nobody", None), &warehouses[1..], &apart, &policy, now());
    assert_eq!(verdict.shortfall, Some(AllocationShortfall::NoWarehouse));

    let verdict = plan(&pair("fine", None), &apart, &policy);
    assert_eq!(verdict.shortfall, None);
}

#[test]
fn what_leaves_in_part_says_why_the_rest_does_not() {
    let mut policy = AllocationPolicy::default();
    policy.allow_partial = true;
    let verdict = plan(&pair("part", None), &stock(&[("a", "SKU-1", 1)]), &policy);
    assert_eq!(verdict.allocation.packages.len(), 1);
    assert_eq!(verdict.shortfall, Some(AllocationShortfall::OutOfStock));
    let reasons = &verdict.allocation.reasons;
    assert!(reasons[0].ends_with("the rest is backordered"), "{reasons:?}");
}

#[test]
fn of_two_entries_of_one_warehouse_the_order_does_not_matter() {
    let order = pair("twice", None);
    let view = stock(&[("a", "SKU-1", 1), ("a", "SKU-2", 1)]);
    let (open, mut full) = (warehouse("a"), warehouse("a"));
    full.capacity_left = Some(0);
    let policy = AllocationPolicy::default();
    let straight = allocate(&order, &[open.clone(), full.clone()], &view, &policy, now());
    assert_eq!(straight, allocate(&order, &[full, open], &view, &policy, now()));
}

#[test]
fn costs_of_warehouses_are_compared_in_one_currency() {
    let order = pair("cost", None);
    let everything = |id| [(id, "SKU-1", 9), (id, "SKU-2", 9)];
    let view = stock(&[everything("a"), everything("b"), everything("c")].concat());
    let costing = |id, minor, currency| {
        let mut warehouse = warehouse(id);
        warehouse.unit_cost = Some(Money::from_minor(minor, currency));
        warehouse
    };
    // 100 pesos are no more than 5 dollars, but nobody here knows: the order's currency counts.
    let warehouses = [
        costing("a", 10_000, Currency::MXN),
        costing("b", 500, Currency::USD),
        costing("c", 300, Currency::MXN),
    ];
    let policy = AllocationPolicy::default();
    let verdict = allocate(&order, &warehouses, &view, &policy, now());
    assert_eq!(verdict.allocation.packages[0].warehouse.as_str(), "b");
    let pesos = [warehouses[0].clone(), warehouses[2].clone(), warehouse("b")];
    let verdict = allocate(&order, &pesos, &view, &policy, now());
    assert_eq!(verdict.allocation.packages[0].warehouse.as_str(), "c");
}

#[test]
fn a_promise_is_a_day_for_allocation_as_it_is_for_routing() {
    let order = pair("day", None);
    let mut far = warehouse("a");
    far.transit_days = [(orderflow::Country::US, 3)].into();
    let view = stock(&[("a", "SKU-1", 1), ("a", "SKU-2", 1)]);
    let policy = AllocationPolicy::default();
    let leaves = far.calendar.next_departure(now()).unwrap();
    let day = far.calendar.local_date(leaves) + chrono::Days::new(3);
    // Early on the third day, hours before the parcel could be there by the clock.
    let due = |day: chrono::NaiveDate| {
        orderflow::calendar::resolve_local(
            chrono_tz::America::New_York,
            day.and_hms_opt(0, 30, 0).unwrap(),
        )
    };
    let promised = |day| {
        let mut order = order.clone();
        order.deadlines = vec![Deadline {
            kind: DeadlineKind::DeliverBy,
            at: due(day),
            starts_at: now(),
            source: DeadlineSource::Platform,
            version: 1,
            requires: Requirements::default(),
        }];
        allocate(&order, std::slice::from_ref(&far), &view, &policy, now())
    };
    assert_eq!(promised(day).allocation.packages.len(), 1);
    let late = promised(day.pred_opt().unwrap());
    assert_eq!(late.rejected[0].why, WarehouseRejection::MissesDeliverBy { arrives: day });
}

#[test]
fn a_bundle_is_placed_before_lines_that_can_be_divided_around_it() {
    // Four of one SKU and a bundle that wants one more of it: three and the rest at b, two at a.
    let mut order = imported("around", &[("1", 4), ("2", 1), ("3", 1)]);
    order.lines[1].sku = order.lines[0].sku.clone();
    order.lines[1].bundle = Some("set".into());
    order.lines[2].bundle = Some("set".into());
    let order = after(order, vec![approved(), acknowledged()]);
    let view = stock(&[("a", "SKU-1", 2), ("b", "SKU-1", 3), ("b", "SKU-3", 1)]);
    let verdict = plan(&order, &view, &AllocationPolicy::default());
    assert_eq!(verdict.shortfall, None, "{:?}", verdict.allocation.reasons);
    assert_eq!(verdict.allocation.packages.len(), 2);
}

#[test]
fn no_demand_takes_long_to_place_however_odd() {
    let names: Vec<String> = (0..24).map(|line| line.to_string()).collect();
    let lines: Vec<(&str, u32)> = names.iter().map(|name| (name.as_str(), 1)).collect();
    let mut order = imported("odd", &lines);
    for (place, line) in order.lines.iter_mut().enumerate() {
        line.bundle = Some(format!("b{}", place / 2));
        line.sku = Some(Sku::new(if place % 2 == 0 { "X" } else { "Y" }).unwrap());
    }
    let order = after(order, vec![approved(), acknowledged()]);
    let ids: Vec<String> = (0..16).map(|site| format!("w{site:02}")).collect();
    let mut view = StockView::new();
    for (place, id) in ids.iter().enumerate() {
        for (sku, units) in [("X", if place % 2 == 0 { 4 } else { 1 }), ("Y", 2)] {
            view.set(WarehouseId::new(id.as_str()).unwrap(), Sku::new(sku).unwrap(), units);
        }
    }
    let warehouses: Vec<Warehouse> = ids.iter().map(|id| warehouse(id)).collect();
    let mut policy = AllocationPolicy::default();
    policy.max_splits = 8;
    // An answer at all: without a bound on all sets together this takes minutes.
    let verdict = allocate(&order, &warehouses, &view, &policy, now());
    let parcels = verdict.allocation.packages.len();
    assert!(parcels <= 8 && (parcels > 0 || verdict.shortfall.is_some()));
}

/// Twelve bundles of two goods each over sixteen warehouses. What a bundle wants of the first and
/// what a warehouse has of each is told by the functions.
fn bundles(
    id: &str,
    sku: impl Fn(u32) -> String,
    wanted: impl Fn(u32) -> u32,
    there: impl Fn(u32, u32) -> i64,
) -> (Order, Vec<Warehouse>, StockView) {
    let lines: Vec<String> = (0..24).map(|line| line.to_string()).collect();
    let asked: Vec<(&str, u32)> =
        lines.iter().zip(0..).map(|(line, number)| (line.as_str(), wanted(number / 2))).collect();
    let mut order = imported(id, &asked);
    for (line, number) in order.lines.iter_mut().zip(0..) {
        line.bundle = Some(format!("set-{}", number / 2));
        line.sku = Sku::new(format!("{}-{}", sku(number / 2), number % 2)).ok();
    }
    let order = after(order, vec![approved(), acknowledged()]);
    let mut view = StockView::new();
    let mut all = Vec::new();
    for place in 0..16 {
        let own = warehouse(&format!("w{place:02}"));
        for bundle in 0..12 {
            for half in 0..2 {
                let sku = Sku::new(format!("{}-{half}", sku(bundle))).unwrap();
                view.set(own.id.clone(), sku, there(place, bundle));
            }
        }
        all.push(own);
    }
    (order, all, view)
}

#[test]
fn many_bundles_over_many_warehouses_are_allocated_no_worse_than_greedily() {
    // Each bundle lies whole at three warehouses.
    let lies = |place: u32, bundle: u32| (place * 5 + bundle * 7) % 16 < 3;
    let (order, warehouses, view) = bundles(
        "scattered",
        |bundle| format!("SET-{bundle}"),
        |_| 3,
        |place, bundle| if lies(place, bundle) { 3 } else { 0 },
    );
    let mut open: BTreeSet<u32> = (0..12).collect();
    let mut greedy = 0;
    while !open.is_empty() {
        let covers = |place: u32| open.iter().filter(|bundle| lies(place, **bundle)).count();
        let best = (0..16).rev().max_by_key(|place| covers(*place)).unwrap();
        open.retain(|bundle| !lies(best, *bundle));
        greedy += 1;
    }
    let mut policy = AllocationPolicy::default();
    policy.max_splits = 16;
    let verdict = allocate(&order, &warehouses, &view, &policy, now());
    let parcels = verdict.allocation.packages.len();
    assert_eq!(verdict.shortfall, None);
    assert!(parcels <= greedy, "{parcels} parcels, greedily {greedy}");
    assert!(verdict.allocation.reasons[0].starts_with("no single warehouse has everything"));
    // With fewer allowed the reason says how many would do.
    policy.max_splits = 2;
    let verdict = allocate(&order, &warehouses, &view, &policy, now());
    let Some(AllocationShortfall::TooManyParcels { needed, most: 2 }) = verdict.shortfall else {
        panic!("{:?}", verdict.shortfall)
    };
    assert!(needed <= greedy, "{needed}, greedily {greedy}");
}

#[test]
fn bundles_that_hardly_fit_are_given_up_after_a_bounded_search_and_still_allocated() {
    // All want the same two goods, in sizes that fit the shelves badly.
    for (case, shelf) in [("tight", 13), ("loose", 18), ("uneven", 0)] {
        let (order, warehouses, view) = bundles(
            case,
            |_| "SAME".to_owned(),
            |bundle| 5 + bundle % 3,
            |place, _| if shelf == 0 { 7 + i64::from(place * 5 % 9) } else { shelf },
        );
        for most in [2, 3, 6, 16] {
            let mut policy = AllocationPolicy::default();
            policy.max_splits = most;
            let verdict = allocate(&order, &warehouses, &view, &policy, now());
            let packages = &verdict.allocation.packages;
            assert!(packages.len() <= most, "{case}, {most}");
            let shipped: u32 =
                packages.iter().flat_map(|parcel| &parcel.contents).map(|line| line.units).sum();
            match &verdict.shortfall {
                None => assert_eq!(shipped, 144, "{case}, {most}"),
                Some(why) => assert!(
                    matches!(why, AllocationShortfall::TooManyParcels { .. }),
                    "{case}, {most}: {why}"
                ),
            }
            assert!(most < 16 || verdict.shortfall.is_none(), "{case}: {:?}", verdict.shortfall);
        }
    }
}

#[test]
fn a_bundle_of_which_one_line_is_left_still_leaves_whole() {
    let mut order = imported("rest", &[("1", 3)]);
    order.lines[0].bundle = Some("set".into());
    let order = after(order, vec![approved(), acknowledged()]);
    let apart = stock(&[("a", "SKU-1", 1), ("b", "SKU-1", 1), ("c", "SKU-1", 1)]);
    let mut policy = AllocationPolicy::default();
    policy.max_splits = 3;
    let verdict = plan(&order, &apart, &policy);
    assert_eq!(verdict.shortfall, Some(AllocationShortfall::BundleApart));
    assert!(verdict.allocation.packages.is_empty());
    // The same units of no bundle may be divided.
    let loose = after(imported("loose", &[("1", 3)]), vec![approved(), acknowledged()]);
    assert_eq!(plan(&loose, &apart, &policy).allocation.packages.len(), 3);
}

#[test]
fn a_warehouse_that_ships_after_the_deadline_is_not_used_where_another_is_in_time() {
    let order = after(imported("due", &[("1", 1)]), vec![approved(), acknowledged()]);
    let order = with_deadline(order, DeadlineKind::ShipBy, now() + hours(24));
    let mut slow = warehouse("a");
    slow.calendar = WorkCalendar {
        working_weekdays: [false, false, false, false, false, false, true],
        ..slow.calendar
    };
    let view = stock(&[("a", "SKU-1", 9), ("b", "SKU-1", 1)]);
    let warehouses = [slow, warehouse("b")];
    let verdict = allocate(&order, &warehouses, &view, &AllocationPolicy::default(), now());
    assert_eq!(verdict.allocation.packages[0].warehouse.as_str(), "b");
    assert!(matches!(verdict.rejected[0].why, WarehouseRejection::MissesShipBy { .. }));
}
