//! Filters, rules and ranking with their numbers.

use super::*;

#[test]
fn the_cheapest_service_that_keeps_the_promise_is_chosen() {
    let mut routing = Routing::new();
    assert_eq!(routing.chosen().as_deref(), Some("ECONOMY"));
    routing.deliver_by = Some(now() + TimeDelta::days(6));
    assert_eq!(routing.chosen().as_deref(), Some("GROUND"));
    routing.deliver_by = Some(now() + TimeDelta::days(3));
    assert_eq!(routing.chosen().as_deref(), Some("EXPRESS"));
    let decision = routing.decide();
    assert!(matches!(decision.rejected[0].1, ServiceRejection::MissesDeliverBy { .. }));
    routing.speed = SpeedClass::Expedited;
    routing.deliver_by = None;
    assert_eq!(routing.chosen().as_deref(), Some("EXPRESS"));
}

#[test]
fn a_forced_service_that_cannot_take_the_parcel_is_never_replaced_silently() {
    let mut routing = Routing::new();
    routing.rules =
        vec![rule("r1", 0, RouteCondition::default(), RouteAction::Force(key_of("GROUND")))];
    assert_eq!(routing.chosen().as_deref(), Some("GROUND"));
    routing.services[1].enabled = false;
    let decision = routing.decide();
    assert_eq!(decision.chosen, None);
    assert_eq!(decision.forced_by.as_deref(), Some("r1"));
}

#[test]
fn contents_coverage_and_currency_are_hard_limits() {
    let mut routing = Routing::new();
    routing.batteries = true;
    assert!(
        routing
            .decide()
            .rejected
            .iter()
            .all(|(_, why)| { *why == ServiceRejection::OverLimit { what: "batteries".into() } })
    );
    let mut routing = Routing::new();
    routing.services[0].coverage.excluded_states = vec!["CO".into()];
    assert_eq!(routing.chosen().as_deref(), Some("GROUND"));
    let mut routing = Routing::new();
    routing.quotes[0] = quote("ECONOMY", 1, Currency::MXN);
    assert_eq!(routing.chosen().as_deref(), Some("GROUND"));
}

#[test]
fn without_quotes_light_parcels_take_economy_and_a_preference_wins() {
    let mut routing = Routing::new();
    routing.quotes.clear();
    assert_eq!(routing.chosen().as_deref(), Some("ECONOMY"));
    routing.rules = vec![rule(
        "prefer",
        0,
        RouteCondition::default(),
        RouteAction::Prefer {
            service: key_of("GROUND"),
            discount: orderflow::Money::from_minor(100, Currency::USD).amount,
        },
    )];
    assert_eq!(routing.chosen().as_deref(), Some("GROUND"));
}

#[test]
fn late_more_than_5_percent_of_at_least_30_is_persistently_late() {
    let late = |decided, late| CarrierReliability { decided, late }.is_persistently_late();
    assert!(!late(29, 29));
    assert!(!late(40, 2));
    assert!(late(39, 2));
}

#[test]
fn a_quote_of_24_hours_is_used_and_older_ones_and_those_of_the_future_are_not() {
    let mut routing = Routing::new();
    routing.quotes[0].quoted_at = now() - hours(24);
    assert_eq!(routing.chosen().as_deref(), Some("ECONOMY"));
    routing.quotes[0].quoted_at = now() - hours(24) - TimeDelta::seconds(1);
    assert_eq!(routing.chosen().as_deref(), Some("GROUND"));
    assert_eq!(routing.decide().ignored_quotes, [(key_of("ECONOMY"), QuoteProblem::Stale)]);
    routing.quotes[0].quoted_at = now() + TimeDelta::seconds(1);
    assert_eq!(routing.chosen().as_deref(), Some("GROUND"));
    assert_eq!(routing.decide().ignored_quotes[0].1, QuoteProblem::FromTheFuture);
    assert_eq!(routing.reason("ECONOMY"), Some(ServiceRejection::NoQuote));
}

#[test]
fn the_hard_filters_report_the_first_that_fails_in_their_order() {
    // From the last filter to the first: each new fault hides the ones after it.
    let mut routing = Routing::new();
    let reason = |routing: &Routing| routing.reason("GROUND");
    routing.services[1].capacity_left = Some(0);
    assert_eq!(reason(&routing), Some(ServiceRejection::NoCapacity));
    routing.deliver_by = Some(now() + TimeDelta::days(3));
    let arrives = NaiveDate::from_ymd_opt(2026, 3, 9).unwrap();
    assert_eq!(reason(&routing), Some(ServiceRejection::MissesDeliverBy { arrives }));
    routing.max_transit_days = Some(4);
    assert_eq!(reason(&routing), Some(ServiceRejection::TransitTooLong { days: 5, most: 4 }));
    routing.speed = SpeedClass::Expedited;
    assert_eq!(reason(&routing), Some(ServiceRejection::TooSlow));
    routing.weight = Grams::new(31_751);
    let what = "31751 g of 31750 g".to_owned();
    assert_eq!(reason(&routing), Some(ServiceRejection::OverLimit { what }));
    routing.services[1].coverage.countries = vec![Country::new("CA").unwrap()];
    assert_eq!(reason(&routing), Some(ServiceRejection::NotServed { what: "US".into() }));
    routing.accepted = Some(BTreeSet::from([key_of("ECONOMY")]));
    assert_eq!(reason(&routing), Some(ServiceRejection::PlatformRefuses));
    let closed = CarrierAccount::new().with_usable(false);
    routing.accounts.insert(CarrierId::from_static("carrier"), closed);
    assert_eq!(reason(&routing), Some(ServiceRejection::AccountUnusable));
    routing.services[1].enabled = false;
    assert_eq!(reason(&routing), Some(ServiceRejection::Disabled));
}

#[test]
fn coverage_is_asked_from_country_over_state_and_city_to_the_kind_of_address() {
    type Change = fn(&mut Coverage, &mut Address);
    let cases: [(Change, Option<&str>); 12] = [
        (|c, _| c.no_residential = true, Some("home addresses")),
        (|c, _| c.no_remote = true, Some("remote places")),
        (
            |c, a| (c.no_po_box, a.lines) = (true, vec!["P.O. Box 7".into()]),
            Some("post-office boxes"),
        ),
        (|c, _| c.excluded_postcode_prefixes = vec!["802".into()], Some("postcode 80202")),
        (|c, _| c.postcode_prefixes = vec!["81".into()], Some("postcode 80202")),
        (|c, _| c.excluded_cities = vec!["DENVER".into()], Some("the city of Denver")),
        (|c, _| c.cities = vec!["Boulder".into()], Some("the city of Denver")),
        (|c, _| c.excluded_states = vec!["CO".into()], Some("US CO")),
        (|c, _| c.states = vec!["NY".into()], Some("US CO")),
        (|c, _| c.countries = vec![Country::new("CA").unwrap()], Some("US")),
        (|_, a| a.country = None, Some("an unknown country")),
        (|c, _| c.cities = vec!["denver".into()], None),
    ];
    for (change, expected) in cases {
        let mut routing = Routing::new();
        routing.remote = true;
        change(&mut routing.services[0].coverage, &mut routing.address);
        let expected = expected.map(|what| ServiceRejection::NotServed { what: what.into() });
        assert_eq!(routing.reason("ECONOMY"), expected);
    }
}

#[test]
fn size_value_and_liquids_are_limits_too() {
    let mut routing = Routing::new();
    let mm = Millimetres::new;
    let over = |what: &str| Some(ServiceRejection::OverLimit { what: what.into() });
    routing.dimensions = Some(Dimensions::new(mm(1_500), mm(500), mm(401)));
    assert_eq!(routing.reason("GROUND"), over("length plus girth 3302 mm of 3300 mm"));
    routing.services[1].max_length = Some(mm(1_499));
    assert_eq!(routing.reason("GROUND"), over("length 1500 mm of 1499 mm"));
    routing.dimensions = None;
    routing.services[1].max_value = Some(usd(1999));
    assert_eq!(routing.reason("GROUND"), over("value 20.00 USD of 19.99 USD"));
    routing.services[1].max_value = Some(usd(2000));
    assert_eq!(routing.reason("GROUND"), None);
    routing.liquids = true;
    routing.services[1].liquids = false;
    assert_eq!(routing.reason("GROUND"), over("liquids"));
}

#[test]
fn a_parcel_leaves_only_on_a_day_and_before_a_cutoff_of_both_warehouse_and_carrier() {
    // Wednesday 10:00 in New York; express needs two days.
    let mut routing = Routing::new();
    let friday = Utc.with_ymd_and_hms(2026, 3, 6, 22, 0, 0).unwrap();
    routing.deliver_by = Some(friday);
    assert_eq!(routing.chosen().as_deref(), Some("EXPRESS"));
    let zone = chrono_tz::America::New_York;
    let nine = NaiveTime::from_hms_opt(9, 0, 0).unwrap();
    let collects = CarrierAccount::new().with_calendar(WorkCalendar::weekdays(zone, nine));
    routing.accounts.insert(CarrierId::from_static("carrier"), collects);
    let arrives = NaiveDate::from_ymd_opt(2026, 3, 7).unwrap();
    assert_eq!(routing.reason("EXPRESS"), Some(ServiceRejection::MissesDeliverBy { arrives }));
    // A carrier that works when the warehouse does not never meets it.
    let mut weekend = WorkCalendar::weekdays(zone, nine);
    weekend.working_weekdays = [false, false, false, false, false, true, true];
    let collects = CarrierAccount::new().with_calendar(weekend);
    routing.accounts.insert(CarrierId::from_static("carrier"), collects);
    assert_eq!(routing.reason("EXPRESS"), Some(ServiceRejection::NoWorkingDay));
}

#[test]
fn an_overloaded_carrier_takes_nothing_more() {
    let mut routing = Routing::new();
    let full = CarrierAccount::new().with_capacity_left(0);
    routing.accounts.insert(CarrierId::from_static("carrier"), full);
    assert_eq!(routing.decide().chosen, None);
    assert_eq!(routing.reason("GROUND"), Some(ServiceRejection::NoCapacity));
}

#[test]
fn every_condition_of_a_rule_must_hold() {
    let holds = |change: fn(&mut RouteCondition)| {
        let mut routing = Routing::new();
        routing.tags.insert("fragile".into());
        routing.skus.insert(Sku::from_static("A-1"));
        routing.warehouse = Some(WarehouseId::from_static("main"));
        routing.distance_km = Some(800);
        routing.zone = Some(5);
        routing.max_transit_days = Some(9);
        let mut condition = always();
        change(&mut condition);
        routing.rules = vec![rule("r", 0, condition, only(&["GROUND"]))];
        routing.chosen().as_deref() == Some("GROUND")
    };
    let yes: [fn(&mut RouteCondition); 20] = [
        |_| {},
        |c| c.platforms = vec![PlatformId::from_static("market")],
        |c| c.shops = vec![ShopId::from_static("shop-1")],
        |c| c.countries = vec![Country::US],
        |c| c.states = vec!["NY".into(), "CO".into()],
        |c| c.postcode_prefixes = vec!["802".into()],
        |c| c.min_weight = Some(Grams::new(900)),
        |c| c.max_weight = Some(Grams::new(901)),
        |c| c.min_value = Some(Decimal::from(20)),
        |c| c.max_value = Some(Decimal::new(2001, 2)),
        |c| c.tags = vec!["fragile".into()],
        |c| c.skus = vec![Sku::from_static("A-1")],
        |c| c.speeds = vec![SpeedClass::Standard],
        |c| c.min_speed = Some(SpeedClass::Standard),
        |c| c.max_transit_days = Some(9),
        |c| c.warehouses = vec![WarehouseId::from_static("main")],
        |c| c.logistics = vec![LogisticsMode::SellerCarrier],
        |c| (c.min_distance_km, c.max_distance_km) = (Some(800), Some(801)),
        |c| c.zones = vec![5],
        |c| c.residential = Some(true),
    ];
    for (number, change) in yes.into_iter().enumerate() {
        assert!(holds(change), "condition {number}");
    }
    let no: [fn(&mut RouteCondition); 21] = [
        |c| c.platforms = vec![PlatformId::from_static("other")],
        |c| c.shops = vec![ShopId::from_static("shop-2")],
        |c| c.countries = vec![Country::new("CA").unwrap()],
        |c| c.states = vec!["NY".into()],
        |c| c.postcode_prefixes = vec!["803".into()],
        |c| c.min_weight = Some(Grams::new(901)),
        |c| c.max_weight = Some(Grams::new(900)),
        |c| c.min_value = Some(Decimal::new(2001, 2)),
        |c| c.max_value = Some(Decimal::from(20)),
        // A SKU is no tag, and a tag is no SKU.
        |c| c.tags = vec!["A-1".into()],
        |c| c.skus = vec![Sku::from_static("fragile")],
        |c| c.speeds = vec![SpeedClass::Expedited],
        |c| c.min_speed = Some(SpeedClass::Expedited),
        |c| c.max_transit_days = Some(8),
        |c| c.warehouses = vec![WarehouseId::from_static("east")],
        |c| c.logistics = vec![LogisticsMode::PlatformLabel],
        |c| c.min_distance_km = Some(801),
        |c| c.max_distance_km = Some(800),
        |c| c.zones = vec![4],
        |c| c.residential = Some(false),
        |c| (c.zones, c.states) = (vec![5], vec!["NY".into()]),
    ];
    for (number, change) in no.into_iter().enumerate() {
        assert!(!holds(change), "condition {number}");
    }
}

#[test]
fn rules_run_by_priority_then_id_and_a_final_one_is_the_last() {
    let mut routing = Routing::new();
    let mut first = rule("b", -1, always(), only(&["GROUND", "EXPRESS"]));
    let second = rule("a", 0, always(), RouteAction::Exclude(BTreeSet::from([key_of("GROUND")])));
    routing.rules = vec![second.clone(), first.clone()];
    assert_eq!(routing.chosen().as_deref(), Some("EXPRESS"));
    assert_eq!(routing.decide().decided_by, None);
    first.stop = true;
    routing.rules = vec![second, first];
    assert_eq!(routing.chosen().as_deref(), Some("GROUND"));
    assert_eq!(routing.decide().decided_by.as_deref(), Some("b"));
    let by = ServiceRejection::ByRule { rule: "b".into() };
    assert_eq!(routing.reason("ECONOMY"), Some(by));
}

#[test]
fn an_older_name_of_a_service_means_its_successor_everywhere() {
    let mut routing = Routing::new();
    routing.aliases = ServiceAliases::new().with(key_of("OLD"), key_of("GROUND"));
    routing.quotes[1].service = key_of("OLD");
    routing.rules = vec![rule("r", 0, always(), RouteAction::Force(key_of("OLD")))];
    routing.accepted = Some(BTreeSet::from([key_of("OLD")]));
    let decision = routing.decide();
    let chosen = decision.chosen.unwrap();
    assert_eq!((chosen.service, chosen.cost), (key_of("GROUND"), Some(usd(800))));
    assert_eq!(routing.reason("ECONOMY"), Some(ServiceRejection::PlatformRefuses));
}

#[test]
fn ties_go_to_shorter_transit_then_fewer_delays_then_priority_then_the_key() {
    let mut routing = Routing::new();
    routing.services = ["A", "B", "C", "D"].map(|code| service(code, 5, CostTier::Low)).to_vec();
    routing.quotes = ["A", "B", "C", "D"].map(|code| quote(code, 500, Currency::USD)).to_vec();
    assert_eq!(routing.chosen().as_deref(), Some("A"));
    routing.services[1].priority = 0;
    routing.services[0].priority = 1;
    assert_eq!(routing.chosen().as_deref(), Some("B"));
    let rate = |decided, late| CarrierReliability { decided, late };
    routing.reliability = BTreeMap::from([
        (key_of("A"), rate(100, 4)),
        (key_of("B"), rate(100, 4)),
        (key_of("C"), rate(200, 7)),
        (key_of("D"), rate(100, 60)),
    ]);
    assert_eq!(routing.chosen().as_deref(), Some("C"));
    routing.quotes[3].transit_days = Some(4);
    assert_eq!(routing.chosen().as_deref(), Some("D"));
    let decision = routing.decide();
    assert_eq!(decision.late_services, [key_of("D")]);
    assert!(decision.chosen.unwrap().reasons.iter().any(|r| r.ends_with("is persistently late")));
    // Demoted, the late one loses the tie, but not to a dearer one.
    routing.policy.demote_late = true;
    assert_eq!(routing.chosen().as_deref(), Some("C"));
    routing.quotes[3].total = usd(499);
    assert_eq!(routing.chosen().as_deref(), Some("D"));
}

#[test]
fn without_quotes_price_classes_come_in_order_and_453_grams_is_light() {
    let mut routing = Routing::new();
    routing.quotes.clear();
    routing.services = [
        ("H", CostTier::High),
        ("M", CostTier::Medium),
        ("ML", CostTier::MediumLow),
        ("L", CostTier::Low),
    ]
    .map(|(code, tier)| service(code, 5, tier))
    .to_vec();
    let order: Vec<String> =
        routing.decide().ranked.iter().map(|(key, _)| key.service.to_string()).collect();
    assert_eq!(order, ["L", "ML", "M", "H"]);
    let mut ground = service("A-GROUND", 5, CostTier::Medium);
    ground.economy = false;
    let mut post = service("Z-POST", 5, CostTier::Medium);
    post.economy = true;
    routing.services = vec![ground, post];
    routing.weight = Grams::new(453);
    assert_eq!(routing.chosen().as_deref(), Some("Z-POST"));
    routing.weight = Grams::new(454);
    assert_eq!(routing.chosen().as_deref(), Some("A-GROUND"));
}

#[test]
fn the_guides_catalogue_has_their_transit_days_and_price_classes() {
    let catalogue = ServiceCatalogue::preset("guide_catalogue").unwrap();
    assert_eq!(catalogue.as_of.to_string(), "2026-11-25");
    let facts = |name: &str| {
        let service = catalogue.find(name).unwrap();
        (service.min_transit_days, service.max_transit_days, service.cost_tier)
    };
    let (low, medium, high) = (CostTier::Low, CostTier::Medium, CostTier::High);
    assert_eq!(facts("USPS First Class"), (2, 5, low));
    assert_eq!(facts("USPS Priority Mail"), (1, 3, medium));
    assert_eq!(facts("UPS Ground"), (1, 5, medium));
    assert_eq!(facts("FedEx Ground"), (1, 5, medium));
    assert_eq!(facts("DHL eCommerce"), (2, 8, low));
    assert_eq!(facts("Amazon Shipping"), (2, 5, CostTier::MediumLow));
    for expedited in ["USPS Priority Mail Express", "UPS Next Day Air", "FedEx Express"] {
        assert_eq!(facts(expedited), (1, 2, high));
        assert!(catalogue.find(expedited).unwrap().speed >= SpeedClass::Expedited);
    }
    assert!(catalogue.find("USPS Priority Mail").unwrap().speed >= SpeedClass::Expedited);
    let old = ServiceKey::new(
        CarrierId::from_static("usps"),
        ServiceCode::from_static("FIRST-CLASS_PACKAGE_SERVICE"),
    );
    let aliases = catalogue.aliases();
    assert_eq!(aliases.resolve(&old).service.as_str(), "USPS_GROUND_ADVANTAGE");
    assert_eq!(ServiceCatalogue::preset("nothing"), None);
    let findings =
        lint_routes(&[], &catalogue.services(), &RateCards::default(), &catalogue.aliases());
    assert_eq!(findings, []);
}

#[test]
fn a_promise_that_has_passed_and_a_preference_are_told_as_what_they_are() {
    let mut routing = Routing::new();
    routing.deliver_by = Some(now() - TimeDelta::hours(30));
    let reasons = routing.decide().chosen.unwrap().reasons;
    assert!(reasons[0].ends_with("has passed and nobody can keep it"), "{}", reasons[0]);
    routing.deliver_by = Some(now() + TimeDelta::days(20));
    let reasons = routing.decide().chosen.unwrap().reasons;
    assert!(!reasons[0].contains("passed"), "{}", reasons[0]);

    let mut routing = Routing::new();
    routing.quotes.clear();
    let by_price = routing.decide().chosen.unwrap();
    assert!(by_price.reasons[0].contains("by price class (Low)"), "{}", by_price.reasons[0]);
    let discount = Decimal::ONE;
    let prefer = RouteAction::Prefer { service: key_of("EXPRESS"), discount };
    routing.rules = vec![rule("fast", 0, always(), prefer)];
    let preferred = routing.decide().chosen.unwrap();
    assert_eq!(preferred.service, key_of("EXPRESS"));
    assert_eq!(preferred.reasons[0], "without quotes EXPRESS comes first because rules prefer it");
}
