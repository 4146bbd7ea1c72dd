//! Routing: every line of its rules with its numbers, and what holds whatever the input.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics has failed, which is what it is for"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use orderflow::calendar::WorkCalendar;
use orderflow::order::{Actor, LogisticsMode, SpeedClass};
use orderflow::rules::{
    CarrierAccount, CarrierReliability, CompiledRoutes, LiveFacts, OverrideRefused, QuoteProblem,
    RateCard, RateCardFault, RateCards, RouteAction, RouteCondition, RouteFacts, RouteFinding,
    RouteInput, RoutePolicy, RouteRule, RoutedParcel, ServiceAliases, ServiceCatalogue,
    ServiceRejection, ZoneArea, ZoneChart, ZoneRates, cost_against_baseline, lint_routes,
    monthly_volume, override_service, packaging_share, price_spread, route,
};
use orderflow::shipment::{CarrierService, CostTier, Coverage, RateQuote, ServiceKey};
use orderflow::{
    Address, CarrierId, Country, Currency, Dimensions, Grams, Millimetres, Money, PlatformId,
    ServiceCode, ShopId, Sku, WarehouseId,
};
use proptest::prelude::*;
use rust_decimal::Decimal;
use support::*;

fn calendar() -> WorkCalendar {
    WorkCalendar::weekdays(chrono_tz::America::New_York, NaiveTime::from_hms_opt(14, 0, 0).unwrap())
}

fn rule(id: &str, priority: i32, condition: RouteCondition, action: RouteAction) -> RouteRule {
    RouteRule { id: id.into(), priority, condition, action, stop: false }
}

fn only(codes: &[&'static str]) -> RouteAction {
    RouteAction::Only(codes.iter().map(|code| key_of(code)).collect())
}

fn any() -> RouteCondition {
    RouteCondition::default()
}

fn service(code: &'static str, days: u32, tier: CostTier) -> CarrierService {
    CarrierService {
        key: key_of(code),
        name: code.to_owned(),
        enabled: true,
        speed: if days <= 2 { SpeedClass::Expedited } else { SpeedClass::Standard },
        min_transit_days: 1,
        max_transit_days: days,
        cost_tier: tier,
        coverage: Coverage::default(),
        max_weight: Some(Grams::new(31_750)),
        max_length_plus_girth: Some(Millimetres::new(3_300)),
        max_length: None,
        max_value: None,
        batteries: false,
        liquids: true,
        economy: tier == CostTier::Low,
        capacity_left: None,
        priority: 0,
    }
}

fn key_of(code: &'static str) -> ServiceKey {
    ServiceKey::new(CarrierId::from_static("carrier"), ServiceCode::from_static(code))
}

fn quote(code: &'static str, cents: i64, currency: Currency) -> RateQuote {
    RateQuote {
        service: key_of(code),
        name: code.to_owned(),
        total: Money::from_minor(cents, currency),
        deliver_on: None,
        transit_days: None,
        guaranteed: false,
        token: None,
        quoted_at: now(),
    }
}

#[derive(Debug, Clone)]
struct Routing {
    address: Address,
    calendar: WorkCalendar,
    tags: BTreeSet<String>,
    services: Vec<CarrierService>,
    rules: Vec<RouteRule>,
    quotes: Vec<RateQuote>,
    reliability: BTreeMap<ServiceKey, CarrierReliability>,
    deliver_by: Option<DateTime<Utc>>,
    batteries: bool,
    liquids: bool,
    speed: SpeedClass,
    policy: RoutePolicy,
    weight: Grams,
    value: Money,
    dimensions: Option<Dimensions>,
    warehouse: Option<WarehouseId>,
    remote: bool,
    distance_km: Option<u32>,
    zone: Option<u32>,
    logistics: LogisticsMode,
    skus: BTreeSet<Sku>,
    max_transit_days: Option<u32>,
    accepted: Option<BTreeSet<ServiceKey>>,
    cards: Option<RateCards>,
    accounts: BTreeMap<CarrierId, CarrierAccount>,
    aliases: ServiceAliases,
}

impl Routing {
    fn new() -> Self {
        Self {
            address: recipient().address,
            calendar: calendar(),
            tags: BTreeSet::new(),
            services: vec![
                service("ECONOMY", 8, CostTier::Low),
                service("GROUND", 5, CostTier::Medium),
                service("EXPRESS", 2, CostTier::High),
            ],
            rules: Vec::new(),
            quotes: vec![
                quote("ECONOMY", 500, Currency::USD),
                quote("GROUND", 800, Currency::USD),
                quote("EXPRESS", 3000, Currency::USD),
            ],
            reliability: BTreeMap::new(),
            deliver_by: None,
            batteries: false,
            liquids: false,
            speed: SpeedClass::Standard,
            policy: RoutePolicy::default(),
            weight: Grams::new(900),
            value: usd(2000),
            dimensions: None,
            warehouse: None,
            remote: false,
            distance_km: None,
            zone: None,
            logistics: LogisticsMode::SellerCarrier,
            skus: BTreeSet::new(),
            max_transit_days: None,
            accepted: None,
            cards: None,
            accounts: BTreeMap::new(),
            aliases: ServiceAliases::new(),
        }
    }

    fn decide(&self) -> orderflow::rules::RouteDecision {
        self.with(|input, facts| route(input, facts, &self.policy, now()))
    }

    fn with<T>(&self, ask: impl FnOnce(&RouteInput<'_>, &RouteFacts<'_>) -> T) -> T {
        let order = key("route");
        let input = RouteInput {
            warehouse: self.warehouse.as_ref(),
            remote: self.remote,
            distance_km: self.distance_km,
            zone: self.zone,
            dimensions: self.dimensions,
            logistics: self.logistics,
            tags: &self.tags,
            skus: &self.skus,
            speed: self.speed,
            deliver_by: self.deliver_by,
            max_transit_days: self.max_transit_days,
            batteries: self.batteries,
            liquids: self.liquids,
            platform_accepts: self.accepted.as_ref(),
            ..RouteInput::new(
                &order.platform,
                &order.shop,
                &self.address,
                &self.calendar,
                self.weight,
                self.value,
            )
        };
        let facts = RouteFacts {
            services: &self.services,
            rules: &self.rules,
            quotes: &self.quotes,
            cards: self.cards.as_ref(),
            reliability: &self.reliability,
            accounts: &self.accounts,
            aliases: &self.aliases,
        };
        ask(&input, &facts)
    }

    fn compiled(&self) -> CompiledRoutes {
        CompiledRoutes::new(
            self.rules.clone(),
            &self.services,
            self.cards.clone().unwrap_or_default(),
            self.aliases.clone(),
            self.policy.clone(),
        )
        .unwrap()
    }

    fn reason(&self, code: &'static str) -> Option<ServiceRejection> {
        let rejected = self.decide().rejected;
        rejected.into_iter().find(|(key, _)| *key == key_of(code)).map(|(_, why)| why)
    }

    fn chosen(&self) -> Option<String> {
        self.decide().chosen.map(|choice| choice.service.service.to_string())
    }
}

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
    routing.services[1].max_value = Some(Money::from_minor(1, Currency::MXN));
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
        let mut condition = any();
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
    let mut first = rule("b", -1, any(), only(&["GROUND", "EXPRESS"]));
    let second = rule("a", 0, any(), RouteAction::Exclude(BTreeSet::from([key_of("GROUND")])));
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
    routing.rules = vec![rule("r", 0, any(), RouteAction::Force(key_of("OLD")))];
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

fn chart() -> ZoneChart {
    let area = |zone: &str, country: &str, prefixes: &[&str]| ZoneArea {
        zone: zone.into(),
        country: Country::new(country).unwrap(),
        postcode_prefixes: prefixes.iter().map(|prefix| (*prefix).to_owned()).collect(),
    };
    ZoneChart {
        areas: vec![
            area("near", "US", &["80", "81"]),
            area("door", "US", &["802"]),
            area("far", "US", &[]),
        ],
        elsewhere: Some("world".into()),
    }
}

fn card(code: &'static str, cents: [i64; 4], days: u32) -> RateCard {
    let zones = ["door", "near", "far", "world"].into_iter().zip(cents).map(|(zone, cents)| {
        let prices = (1..=3).map(|step| Decimal::new(cents * step, 2)).collect();
        (zone.to_owned(), ZoneRates { transit_days: days, prices })
    });
    RateCard {
        service: key_of(code),
        currency: Currency::USD,
        chart: "c".into(),
        max_weight: None,
        steps: vec![Grams::new(500), Grams::new(1_000), Grams::new(30_000)],
        zones: zones.collect(),
    }
}

fn cards(cards: Vec<RateCard>) -> RateCards {
    RateCards::new(BTreeMap::from([("c".to_owned(), chart())]), cards).unwrap()
}

#[test]
fn rate_cards_price_by_the_longest_prefix_and_the_first_step_that_fits() {
    let all = cards(vec![card("GROUND", [100, 200, 300, 400], 3)]);
    let price = |code: Option<&str>, country: &str, grams: u32| {
        let mut to = recipient().address;
        to.postal_code = code.map(Into::into);
        to.country = Country::new(country);
        all.price(&all.cards()[0], &to, Grams::new(grams)).map(|(money, _)| money)
    };
    assert_eq!(price(Some("80202"), "US", 500), Some(usd(100)));
    assert_eq!(price(Some("80101"), "US", 501), Some(usd(400)));
    assert_eq!(price(None, "US", 1_001), Some(usd(900)));
    assert_eq!(price(Some("80202"), "CA", 1), Some(usd(400)));
    assert_eq!(price(Some("80202"), "US", 30_001), None);
}

#[test]
fn rate_cards_are_used_only_when_there_is_no_usable_quote() {
    let mut routing = Routing::new();
    routing.cards = Some(cards(vec![card("EXPRESS", [100, 200, 300, 400], 2)]));
    assert_eq!(routing.chosen().as_deref(), Some("ECONOMY"));
    routing.quotes.clear();
    let chosen = routing.decide().chosen.unwrap();
    assert_eq!((chosen.service, chosen.cost), (key_of("EXPRESS"), Some(usd(200))));
    assert_eq!(routing.reason("GROUND"), Some(ServiceRejection::NoQuote));
    // Above the last weight step there is no price, and price classes decide.
    routing.weight = Grams::new(30_500);
    let chosen = routing.decide().chosen.unwrap();
    assert_eq!((chosen.service, chosen.cost), (key_of("ECONOMY"), None));
}

#[test]
fn mistakes_in_rate_cards_name_the_card_and_the_field() {
    let fault = |change: fn(&mut RateCard)| {
        let mut wrong = card("GROUND", [1, 2, 3, 4], 3);
        change(&mut wrong);
        let charts = BTreeMap::from([("c".to_owned(), chart())]);
        let error = RateCards::new(charts, vec![wrong]).unwrap_err();
        assert!(error.to_string().contains("carrier/GROUND"), "{error}");
        (error.field, error.fault)
    };
    assert_eq!(fault(|c| c.chart = "x".into()), ("chart".into(), RateCardFault::Unknown));
    assert_eq!(fault(|c| c.steps.clear()), ("steps".into(), RateCardFault::Empty));
    assert_eq!(fault(|c| c.steps.reverse()), ("steps".into(), RateCardFault::NotAscending));
    assert_eq!(
        fault(|c| c.max_weight = Some(Grams::new(30_001))),
        ("max_weight".into(), RateCardFault::AboveLastStep)
    );
    assert_eq!(
        fault(|c| c.steps.truncate(2)),
        ("zones.door.prices".into(), RateCardFault::WrongCount { steps: 2, prices: 3 })
    );
    assert_eq!(
        fault(|c| c.zones.get_mut("far").unwrap().prices[0] = Decimal::NEGATIVE_ONE),
        ("zones.far.prices".into(), RateCardFault::Negative)
    );
    assert_eq!(
        fault(|c| {
            let rates = c.zones.remove("far").unwrap();
            c.zones.insert("moon".into(), rates);
        }),
        ("zones.moon".into(), RateCardFault::Unknown)
    );
    let twice = vec![card("GROUND", [1; 4], 3), card("GROUND", [2; 4], 3)];
    let charts = BTreeMap::from([("c".to_owned(), chart())]);
    assert_eq!(RateCards::new(charts, twice).unwrap_err().fault, RateCardFault::Duplicate);
    let mut two = chart();
    two.areas.push(ZoneArea {
        zone: "far".into(),
        country: Country::US,
        postcode_prefixes: vec!["802".into()],
    });
    let error = RateCards::new(BTreeMap::from([("c".into(), two)]), Vec::new()).unwrap_err();
    assert_eq!((error.field.as_str(), error.fault), ("areas[3]", RateCardFault::Duplicate));
}

#[test]
fn rules_and_rate_cards_survive_serialisation_and_misspelt_conditions_are_refused() {
    let all = cards(vec![card("GROUND", [100, 200, 300, 400], 3)]);
    let text = serde_json::to_string(&all).unwrap();
    assert_eq!(serde_json::from_str::<RateCards>(&text).unwrap(), all);
    let mut condition = any();
    condition.states = vec!["CO".into()];
    let mut given = rule("r", 3, condition, only(&["GROUND"]));
    given.stop = true;
    let text = serde_json::to_string(&given).unwrap();
    assert_eq!(serde_json::from_str::<RouteRule>(&text).unwrap(), given);
    let misspelt = text.replace("\"states\"", "\"state\"");
    let error = serde_json::from_str::<RouteRule>(&misspelt).unwrap_err();
    assert!(error.to_string().contains("`state`"), "{error}");
}

#[test]
fn a_persons_pick_overrules_rules_but_no_hard_filter_and_says_what_it_costs() {
    let mut routing = Routing::new();
    routing.rules = vec![rule("cheap", 0, any(), only(&["ECONOMY"]))];
    let pick = |routing: &Routing, code| {
        let by = Actor::Person("Kim".into());
        routing.with(|input, facts| {
            override_service(input, facts, &routing.policy, &key_of(code), by, "gift", now())
        })
    };
    let manual = pick(&routing, "EXPRESS").unwrap();
    assert_eq!(manual.choice.service, key_of("EXPRESS"));
    assert_eq!(manual.instead_of, Some(key_of("ECONOMY")));
    assert_eq!(manual.overridden_rule.as_deref(), Some("cheap"));
    assert_eq!(manual.extra_cost, Some(usd(2500)));
    assert_eq!((manual.by, manual.at), (Actor::Person("Kim".into()), now()));
    assert!(manual.choice.reasons[0].contains("gift"));
    routing.services[2].max_weight = Some(Grams::new(1));
    assert!(matches!(
        pick(&routing, "EXPRESS"),
        Err(OverrideRefused::Impossible { why: ServiceRejection::OverLimit { .. }, .. })
    ));
    assert_eq!(pick(&routing, "X"), Err(OverrideRefused::UnknownService(key_of("X"))));
    let same = pick(&routing, "ECONOMY").unwrap();
    assert_eq!((same.instead_of, same.extra_cost, same.overridden_rule), (None, None, None));
}

fn parcel(carrier: &'static str, cents: i64, baseline: i64, day: u32) -> RoutedParcel {
    let service =
        ServiceKey::new(CarrierId::from_static(carrier), ServiceCode::from_static("GROUND"));
    let at = Utc.with_ymd_and_hms(2026, 3, day, 12, 0, 0).unwrap();
    RoutedParcel::new(service, usd(cents), at, Grams::new(1_000)).with_baseline(usd(baseline))
}

#[test]
fn savings_are_counted_against_a_baseline_per_currency() {
    let mut parcels = vec![parcel("a", 800, 1000, 1), parcel("b", 600, 1000, 1)];
    let mut unknown = parcel("a", 500, 1, 1);
    unknown.baseline = None;
    parcels.push(unknown);
    let report = &cost_against_baseline(&parcels).unwrap()[&Currency::USD];
    assert_eq!((report.compared, report.left_out), (2, 1));
    assert_eq!((report.cost, report.baseline), (usd(1400), usd(2000)));
    // 30 %, the seller guides' best case.
    assert_eq!(report.saved_basis_points(), Some(3_000));
}

#[test]
fn carriers_20_percent_apart_are_shown_as_such() {
    let offer = |carrier: &'static str, cents, currency| {
        let mut offer = quote("GROUND", cents, currency);
        offer.service.carrier = CarrierId::from_static(carrier);
        offer
    };
    let mut quotes = vec![
        offer("a", 1000, Currency::USD),
        offer("a", 1500, Currency::USD),
        offer("b", 800, Currency::USD),
        offer("c", 1, Currency::MXN),
    ];
    let spread = price_spread(&quotes).unwrap();
    assert_eq!((spread.difference, spread.basis_points), (usd(200), Some(2_000)));
    assert_eq!(spread.by_carrier[0].0.as_str(), "b");
    quotes.reverse();
    assert_eq!(price_spread(&quotes), Some(spread));
    assert_eq!(price_spread(&quotes[1..2]), None);
}

#[test]
fn a_carrier_is_worth_negotiating_with_from_1000_parcels_a_local_month() {
    let mut parcels = vec![parcel("a", 1, 1, 10); 999];
    parcels.extend(vec![parcel("b", 1, 1, 10); 1_000]);
    // Midnight in UTC is still February in New York.
    let mut early = parcel("a", 1, 1, 1);
    early.bought_at = Utc.with_ymd_and_hms(2026, 3, 1, 0, 0, 0).unwrap();
    parcels.push(early);
    let volume = monthly_volume(&parcels, chrono_tz::America::New_York);
    let rows: Vec<_> = volume
        .iter()
        .map(|row| (row.month, row.carrier.as_str(), row.parcels, row.is_worth_negotiating()))
        .collect();
    assert_eq!(rows, [(2, "a", 1, false), (3, "a", 999, false), (3, "b", 1_000, true)]);
}

#[test]
fn packaging_counts_with_its_weight_and_with_the_space_it_bills() {
    let mm = Millimetres::new;
    // 300 x 200 x 100 mm over 5,000 is 1,200 g; the scales say 1,000 g, 100 g of it packaging.
    let bulky = parcel("a", 1, 1, 1)
        .with_packaging(Grams::new(100))
        .with_dimensions(Dimensions::new(mm(300), mm(200), mm(100)));
    let share = packaging_share([&bulky], 5_000);
    assert_eq!((share.billable_grams, share.packaging_grams, share.bulk_grams), (1_200, 100, 200));
    assert_eq!(share.basis_points(), Some(2_500));
    assert_eq!(packaging_share([], 5_000).basis_points(), None);
}

fn lint(rules: &[RouteRule]) -> Vec<RouteFinding> {
    let services = Routing::new().services;
    lint_routes(rules, &services, &RateCards::default(), &ServiceAliases::new())
}

#[test]
fn lint_names_the_rule_and_the_field_of_every_mistake() {
    let of_state = |state: &str| RouteCondition { states: vec![state.into()], ..any() };
    let mut wide = rule("1-wide", 0, of_state("CO"), only(&["GROUND"]));
    wide.stop = true;
    let mut narrow = of_state("CO");
    narrow.min_weight = Some(Grams::new(10));
    let empty = RouteCondition {
        min_weight: Some(Grams::new(10)),
        max_weight: Some(Grams::new(10)),
        ..any()
    };
    let speeds = RouteCondition {
        speeds: vec![SpeedClass::Economy],
        min_speed: Some(SpeedClass::Standard),
        ..any()
    };
    let exclude = |codes: &[&'static str]| {
        RouteAction::Exclude(codes.iter().map(|code| key_of(code)).collect())
    };
    let rules = [
        wide.clone(),
        rule("2-narrow", 0, narrow, only(&["EXPRESS"])),
        rule("3-empty", 0, empty, only(&["EXPRESS"])),
        rule("4-speeds", 0, speeds, only(&["EXPRESS"])),
        rule("5-only", 0, of_state("NY"), only(&["EXPRESS"])),
        rule("6-exclude", 0, of_state("NY"), exclude(&["EXPRESS"])),
        rule("7-unknown", 0, of_state("TX"), RouteAction::Force(key_of("ZEPPELIN"))),
        rule("8-twin", 0, of_state("WA"), only(&["GROUND"])),
        rule("8-twin", 1, of_state("WA"), only(&["GROUND"])),
    ];
    let findings = lint(&rules);
    let text: Vec<String> = findings
        .iter()
        .map(|finding| format!("{:?} {}", finding.rule().unwrap_or("-"), finding.field()))
        .collect();
    for expected in [
        "\"2-narrow\" when",
        "\"3-empty\" max_weight",
        "\"4-speeds\" speeds",
        "\"6-exclude\" then",
        "\"7-unknown\" then",
        "\"8-twin\" id",
    ] {
        assert!(text.iter().any(|line| line == expected), "{expected} is not in {text:?}");
    }
    assert!(
        findings
            .contains(&RouteFinding::Unreachable { rule: "2-narrow".into(), by: "1-wide".into() })
    );
    assert!(findings.contains(&RouteFinding::NothingLeft { rule: "6-exclude".into() }));
    assert!(findings.iter().any(|finding| matches!(
        finding,
        RouteFinding::Uncovered { rule: Some(rule), example }
            if rule == "7-unknown" && example.destination.state.as_deref() == Some("TX")
    )));
    let one = [wide];
    assert_eq!(lint(&one), []);
}

#[test]
fn a_disabled_service_is_found_where_it_is_forced_and_a_doubled_one_in_the_catalogue() {
    let mut services = Routing::new().services;
    services[1].enabled = false;
    services.push(services[0].clone());
    let rules = [rule("f", 0, any(), RouteAction::Force(key_of("GROUND")))];
    let findings = lint_routes(&rules, &services, &RateCards::default(), &ServiceAliases::new());
    assert!(findings.contains(&RouteFinding::DuplicateService { service: key_of("ECONOMY") }));
    assert!(
        findings.contains(&RouteFinding::ForcesDisabled {
            rule: "f".into(),
            service: key_of("GROUND")
        })
    );
}

#[test]
fn a_day_in_the_sandbox_of_capacity_switches_services_of_compiled_routes() {
    let mut routing = Routing::new();
    routing.quotes.clear();
    let mut compiled = routing.compiled();
    let chosen = |compiled: &CompiledRoutes| {
        routing.with(|input, _| {
            let routed = compiled.decide(input, &LiveFacts::default(), now());
            routed.service.map(|service| service.key.service.to_string())
        })
    };
    assert_eq!(chosen(&compiled).as_deref(), Some("ECONOMY"));
    assert!(compiled.set_capacity_left(&key_of("ECONOMY"), Some(0)));
    assert_eq!(chosen(&compiled).as_deref(), Some("GROUND"));
    assert!(compiled.set_enabled(&key_of("GROUND"), false));
    assert_eq!(chosen(&compiled).as_deref(), Some("EXPRESS"));
    assert!(compiled.set_capacity_left(&key_of("ECONOMY"), None));
    assert_eq!(chosen(&compiled).as_deref(), Some("ECONOMY"));
    assert!(!compiled.set_enabled(&key_of("X"), true));
}

const CODES: [&str; 6] = ["A", "B", "C", "D", "E", "OLD"];

fn some<T: Clone + std::fmt::Debug + 'static>(
    from: &[T],
    most: usize,
) -> impl Strategy<Value = Vec<T>> + use<T> {
    // Most conditions of most rules are not set.
    let from = from.to_vec();
    prop_oneof![
        3 => Just(Vec::new()),
        1 => prop::collection::vec(prop::sample::select(from), 1..=most),
    ]
}

fn maybe<T: Clone + std::fmt::Debug + 'static>(
    from: &[T],
) -> impl Strategy<Value = Option<T>> + use<T> {
    let from = from.to_vec();
    prop_oneof![3 => Just(None), 1 => prop::sample::select(from).prop_map(Some)]
}

fn texts(from: &[&str]) -> Vec<String> {
    from.iter().map(|text| (*text).to_owned()).collect()
}

fn countries() -> Vec<Country> {
    ["US", "CA", "MX", "BR"].into_iter().filter_map(Country::new).collect()
}

fn shops() -> Vec<ShopId> {
    ["shop-1", "shop-2"].map(ShopId::from_static).to_vec()
}

fn platforms() -> Vec<PlatformId> {
    ["market", "other"].map(PlatformId::from_static).to_vec()
}

fn tags() -> Vec<String> {
    texts(&["gift", "vip", "a tag of some length"])
}

fn skus() -> Vec<Sku> {
    ["S1", "S2", "S3"].map(Sku::from_static).to_vec()
}

fn warehouses() -> Vec<WarehouseId> {
    ["main", "east"].map(WarehouseId::from_static).to_vec()
}

fn amounts() -> Vec<Decimal> {
    ["-1", "0", "19.99", "20", "20.00", "20.001", "20.0000000001", "100"]
        .map(|text| text.parse().unwrap())
        .to_vec()
}

fn speeds() -> [SpeedClass; 4] {
    [SpeedClass::Economy, SpeedClass::Standard, SpeedClass::Expedited, SpeedClass::NextDay]
}

fn modes() -> [LogisticsMode; 3] {
    [LogisticsMode::PlatformLabel, LogisticsMode::SellerCarrier, LogisticsMode::PlatformFulfilled]
}

fn conditions() -> impl Strategy<Value = RouteCondition> {
    let grams = [0, 1, 500, 501, 1_000, 40_000].map(Grams::new);
    let places = (
        some(&platforms(), 2),
        some(&shops(), 2),
        some(&countries(), 3),
        some(&texts(&["CO", "NY", "Colorado"]), 2),
        some(&texts(&["", "8", "80", "802", "80202", "80202-1234", "9"]), 3),
        some(&warehouses(), 1),
        maybe(&[true, false]),
    );
    let goods = (
        maybe(&grams),
        maybe(&grams),
        maybe(&amounts()),
        maybe(&amounts()),
        some(&tags(), 2),
        some(&skus(), 2),
    );
    let ways = (
        some(&modes(), 2),
        some(&speeds(), 2),
        maybe(&speeds()),
        maybe(&[0, 1, 3, 8]),
        maybe(&[0, 10, 500]),
        maybe(&[0, 10, 500]),
        some(&[1, 2, 8], 2),
    );
    (places, goods, ways).prop_map(|(places, goods, ways)| RouteCondition {
        platforms: places.0,
        shops: places.1,
        countries: places.2,
        states: places.3,
        postcode_prefixes: places.4,
        warehouses: places.5,
        residential: places.6,
        min_weight: goods.0,
        max_weight: goods.1,
        min_value: goods.2,
        max_value: goods.3,
        tags: goods.4,
        skus: goods.5,
        logistics: ways.0,
        speeds: ways.1,
        min_speed: ways.2,
        max_transit_days: ways.3,
        min_distance_km: ways.4,
        max_distance_km: ways.5,
        zones: ways.6,
    })
}

fn actions() -> impl Strategy<Value = RouteAction> {
    let code = prop::sample::select(CODES.to_vec());
    let set = prop::collection::btree_set(code.clone().prop_map(key_of), 0..5);
    let discounts = ["0.01", "2", "-1.5", "0.00001", "0.000000001"];
    let discount = prop::sample::select(discounts.to_vec());
    prop_oneof![
        1 => code.clone().prop_map(|code| RouteAction::Force(key_of(code))),
        3 => set.clone().prop_map(RouteAction::Only),
        3 => set.prop_map(RouteAction::Exclude),
        3 => (code, discount).prop_map(|(code, discount)| RouteAction::Prefer {
            service: key_of(code),
            discount: discount.parse().unwrap(),
        }),
    ]
}

fn rule_sets() -> impl Strategy<Value = Vec<RouteRule>> {
    let one = (0..4_i32, 0..40_u32, conditions(), actions(), any_bool());
    prop::collection::vec(one, 0..14).prop_map(|rules| {
        let rules = rules.into_iter();
        rules
            .map(|(priority, id, condition, action, stop)| RouteRule {
                stop,
                ..rule(&format!("r{id}"), priority, condition, action)
            })
            .collect()
    })
}

fn any_bool() -> impl Strategy<Value = bool> {
    proptest::bool::ANY
}

fn catalogues() -> impl Strategy<Value = Vec<CarrierService>> {
    let one = (
        1..6_u32,
        0..4_usize,
        prop::bits::u16::ANY,
        0..3_u32,
        prop::sample::select(speeds().to_vec()),
    );
    prop::collection::vec(one, 5).prop_map(|rows| {
        let tiers = [CostTier::Low, CostTier::MediumLow, CostTier::Medium, CostTier::High];
        let make = |(code, (days, tier, bits, priority, speed)): (
            &&'static str,
            (u32, usize, u16, u32, SpeedClass),
        )| {
            let is = |bit: u16| bits & (1 << bit) != 0;
            let rarely = |bit: u16| is(bit) && is(bit + 1);
            let mut service = service(code, days, tiers[tier]);
            service.speed = speed;
            service.priority = priority;
            service.enabled = !rarely(0);
            service.batteries = is(2);
            service.liquids = is(3);
            service.economy = is(4);
            service.max_weight = is(5).then_some(Grams::new(20_000));
            service.capacity_left = rarely(6).then_some(0);
            service.coverage.countries = if is(8) { countries()[..3].to_vec() } else { Vec::new() };
            service.coverage.excluded_states = if is(9) { texts(&["NY"]) } else { Vec::new() };
            service.coverage.excluded_postcode_prefixes =
                if is(10) { texts(&["9"]) } else { Vec::new() };
            service.coverage.no_po_box = is(11);
            service.coverage.no_residential = rarely(12);
            service.coverage.no_remote = is(13);
            service.max_value = is(14).then_some(usd(5_000));
            service.max_length_plus_girth = is(15).then_some(Millimetres::new(2_000));
            service
        };
        CODES.iter().zip(rows).map(make).collect()
    })
}

fn rate_cards() -> impl Strategy<Value = Option<RateCards>> {
    let price = prop::sample::select(vec![100_i64, 101, 150, 300]);
    let one = (prop::array::uniform4(price), 1..9_u32, 0..30_u8);
    let all = prop::collection::vec(prop::option::weighted(0.8, one), 6).prop_map(|rows| {
        let rows = CODES.iter().zip(rows).filter_map(|(code, row)| Some((*code, row?)));
        let made = rows.map(|(code, (cents, days, odd))| {
            let mut card = card(code, cents, days);
            match odd {
                0..=3 => card.max_weight = Some(Grams::new(900)),
                4..=8 => {
                    card.zones.remove("near");
                }
                9 => card.currency = Currency::MXN,
                _ => {}
            }
            card
        });
        cards(made.collect())
    });
    prop::option::weighted(0.7, all)
}

fn parcels() -> impl Strategy<Value = Routing> {
    let place = (
        prop::option::weighted(0.95, prop::sample::select(countries())),
        maybe(&texts(&["CO", "NY", "Colorado", "ZZ"])),
        prop::option::weighted(
            0.8,
            prop::sample::select(texts(&[
                "80202",
                "80202-1234",
                "90210",
                "8",
                "",
                "K1A 0B1",
                "802é",
            ])),
        ),
        prop::option::of(any_bool()),
        any_bool(),
    );
    let goods = (
        prop::sample::select(vec![0, 1, 499, 500, 501, 900, 1_000, 19_999, 31_000]),
        prop::sample::select(amounts()),
        prop::collection::btree_set(prop::sample::select(tags()), 0..3),
        prop::collection::btree_set(prop::sample::select(skus()), 0..3),
        (any_bool(), any_bool(), any_bool()),
    );
    let way = (
        prop::sample::select(speeds().to_vec()),
        maybe(&[1_u32, 3, 5, 8]),
        maybe(&[1_i64, 2, 4, 9, -3]),
        maybe(&[0, 10, 499, 500]),
        maybe(&[1, 2, 7]),
        prop::sample::select(modes().to_vec()),
        maybe(&warehouses()),
    );
    (place, goods, way).prop_map(|(place, goods, way)| {
        let mut parcel = Routing::new();
        parcel.address.country = place.0;
        parcel.address.state = place.1;
        parcel.address.postal_code = place.2;
        parcel.address.residential = place.3;
        if place.4 {
            parcel.address.lines = vec!["PO Box 5".into()];
        }
        parcel.weight = Grams::new(goods.0);
        parcel.value = Money::new(goods.1, Currency::USD);
        parcel.tags = goods.2;
        parcel.skus = goods.3;
        (parcel.batteries, parcel.remote) = (goods.4.0, goods.4.1);
        let mm = Millimetres::new;
        parcel.dimensions = goods.4.2.then(|| Dimensions::new(mm(900), mm(400), mm(300)));
        parcel.speed = way.0;
        parcel.max_transit_days = way.1;
        parcel.deliver_by = way.2.map(|days| now() + TimeDelta::days(days));
        parcel.distance_km = way.3;
        parcel.zone = way.4;
        parcel.logistics = way.5;
        parcel.warehouse = way.6;
        parcel.quotes.clear();
        parcel.aliases = ServiceAliases::new().with(key_of("OLD"), key_of("E"));
        parcel
    })
}

fn live_quotes() -> impl Strategy<Value = Vec<RateQuote>> {
    let one = (
        prop::sample::select(CODES.to_vec()),
        prop::sample::select(vec![100_i64, 150, 151, 900]),
        prop::sample::select(vec![-1_i64, 0, 5, 24, 25]),
        prop::option::of(1..9_u32),
        prop::bool::weighted(0.1),
    );
    let quotes = prop::collection::vec(one, 1..8).prop_map(|rows| {
        let make = |(code, cents, age, days, foreign)| {
            let currency = if foreign { Currency::MXN } else { Currency::USD };
            let mut made = quote(code, cents, currency);
            made.quoted_at = now() - hours(age);
            made.transit_days = days;
            made
        };
        rows.into_iter().map(make).collect()
    });
    prop_oneof![2 => Just(Vec::new()), 1 => quotes]
}

fn standings() -> impl Strategy<
    Value = (BTreeMap<CarrierId, CarrierAccount>, BTreeMap<ServiceKey, CarrierReliability>, bool),
> {
    let account = prop::option::weighted(
        0.3,
        (0..8_u8).prop_map(|kind| match kind {
            0 => CarrierAccount::new().with_usable(false),
            1 => CarrierAccount::new().with_capacity_left(0),
            2 => CarrierAccount::new().with_calendar(calendar()),
            _ => CarrierAccount::new().with_capacity_left(7),
        }),
    );
    let rate =
        (0..100_u32, 0..30_u32).prop_map(|(decided, late)| CarrierReliability { decided, late });
    let rates = prop::collection::btree_map(
        prop::sample::select(CODES.to_vec()).prop_map(key_of),
        rate,
        0..5,
    );
    (account, rates, any_bool()).prop_map(|(account, rates, demote)| {
        let accounts = account.map(|account| (CarrierId::from_static("carrier"), account));
        (accounts.into_iter().collect(), rates, demote)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    /// One catalogue and rule set, several parcels: the compiled form answers what the plain one does.
    #[test]
    fn compiled_routes_answer_what_the_plain_form_answers(
        rules in rule_sets(),
        services in catalogues(),
        cards in rate_cards(),
        inputs in prop::collection::vec((parcels(), live_quotes()), 1..6),
        (accounts, reliability, demote) in standings(),
    ) {
        let mut base = Routing::new();
        (base.rules, base.services, base.cards) = (rules, services, cards);
        base.aliases = ServiceAliases::new().with(key_of("OLD"), key_of("E"));
        base.policy.demote_late = demote;
        let compiled = base.compiled();
        for (mut parcel, quotes) in inputs {
            parcel.rules.clone_from(&base.rules);
            parcel.services.clone_from(&base.services);
            parcel.cards.clone_from(&base.cards);
            parcel.policy = base.policy.clone();
            parcel.accounts.clone_from(&accounts);
            parcel.reliability.clone_from(&reliability);
            parcel.quotes = quotes;
            let plain = parcel.decide();
            parcel.with(|input, _| {
                let live = LiveFacts {
                    quotes: &parcel.quotes,
                    reliability: &reliability,
                    accounts: &accounts,
                };
                let fast = compiled.decide(input, &live, now());
                let chosen = plain.chosen.as_ref();
                prop_assert_eq!(fast.rule.map(|rule| &rule.id), plain.decided_by.as_ref());
                prop_assert_eq!(
                    fast.service.map(|service| &service.key),
                    chosen.map(|chosen| &chosen.service)
                );
                prop_assert_eq!(fast.price, chosen.and_then(|chosen| chosen.cost));
                prop_assert_eq!(fast.transit_days, plain.transit_days);
                prop_assert_eq!(&compiled.explain(input, &live, now()), &plain);
                Ok(())
            })?;
        }
    }

    #[test]
    fn what_lint_reports_is_so(
        rules in rule_sets(),
        services in catalogues(),
        cards in rate_cards(),
        inputs in prop::collection::vec(parcels(), 1..20),
    ) {
        let cards = cards.unwrap_or_default();
        let aliases = ServiceAliases::new().with(key_of("OLD"), key_of("E"));
        // Ids that are there once: a finding names its rule by it.
        let mut seen = BTreeSet::new();
        let rules: Vec<RouteRule> =
            rules.into_iter().filter(|rule| seen.insert(rule.id.clone())).collect();
        let findings = lint_routes(&rules, &services, &cards, &aliases);
        let never: BTreeSet<&str> = findings
            .iter()
            .filter(|f| matches!(f, RouteFinding::Unreachable { .. } | RouteFinding::NeverHolds { .. }))
            .filter_map(RouteFinding::rule)
            .collect();
        let empty: BTreeSet<&str> = findings
            .iter()
            .filter(|finding| matches!(finding, RouteFinding::NothingLeft { .. }))
            .filter_map(RouteFinding::rule)
            .collect();
        for mut parcel in inputs {
            parcel.rules.clone_from(&rules);
            parcel.services.clone_from(&services);
            let mut ran: Vec<&RouteRule> = parcel.with(|input, _| {
                rules.iter().filter(|rule| rule.condition.holds(input)).collect()
            });
            ran.sort_by(|a, b| (a.priority, &a.id).cmp(&(b.priority, &b.id)));
            let last = ran.iter().position(|rule| rule.is_final()).map_or(ran.len(), |at| at + 1);
            ran.truncate(last);
            for rule in &ran {
                prop_assert!(!never.contains(rule.id.as_str()), "{} ran", rule.id);
                if empty.contains(rule.id.as_str()) {
                    prop_assert_eq!(parcel.decide().chosen, None);
                }
            }
        }
        for finding in &findings {
            if let RouteFinding::Uncovered { example, .. } = finding {
                let calendar = WorkCalendar::every_day(chrono_tz::UTC);
                let facts = RouteFacts {
                    rules: &rules,
                    cards: Some(&cards),
                    aliases: &aliases,
                    ..RouteFacts::new(&services)
                };
                let decision = route(&example.input(&calendar), &facts, &RoutePolicy::default(), now());
                prop_assert_eq!(decision.chosen, None);
            }
        }
    }

    #[test]
    fn no_list_order_changes_a_decision(
        rules in rule_sets(), services in catalogues(), quotes in live_quotes(), parcel in parcels(),
        turn in 0_usize..14,
    ) {
        let mut parcel = parcel;
        (parcel.rules, parcel.services, parcel.quotes) = (rules, services, quotes);
        let straight = parcel.decide();
        parcel.services.rotate_left(turn % 5);
        parcel.services.reverse();
        let rules = turn % parcel.rules.len().max(1);
        let quotes = turn % parcel.quotes.len().max(1);
        parcel.rules.rotate_left(rules);
        parcel.rules.reverse();
        parcel.quotes.rotate_left(quotes);
        parcel.quotes.reverse();
        prop_assert_eq!(straight, parcel.decide());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    /// Hundreds of rules in one bucket, none of which names a place.
    #[test]
    fn rules_without_any_exact_condition_are_found_too(
        rules in prop::collection::vec((conditions(), actions(), 0..12_u8), 150..300),
        cards in rate_cards(),
        inputs in prop::collection::vec(parcels(), 1..20),
    ) {
        let mut base = Routing::new();
        base.cards = cards;
        base.services = CODES.iter().map(|code| service(code, 4, CostTier::Low)).collect();
        let rules = rules.into_iter().zip(0..);
        base.rules = rules.map(|((condition, action, stop), number)| RouteRule {
            condition: RouteCondition {
                platforms: Vec::new(),
                shops: Vec::new(),
                countries: Vec::new(),
                states: Vec::new(),
                postcode_prefixes: Vec::new(),
                warehouses: Vec::new(),
                skus: Vec::new(),
                ..condition
            },
            stop: stop == 0,
            action: match action {
                RouteAction::Force(key) => RouteAction::Exclude(BTreeSet::from([key])),
                RouteAction::Prefer { service, discount } => {
                    RouteAction::Prefer { service, discount: discount.round_dp(5) }
                }
                action => action,
            },
            ..rule(&format!("r{number}"), number, any(), only(&[]))
        }).collect();
        let compiled = base.compiled();
        for mut parcel in inputs {
            parcel.rules.clone_from(&base.rules);
            parcel.services.clone_from(&base.services);
            parcel.cards.clone_from(&base.cards);
            parcel.aliases = base.aliases.clone();
            let plain = parcel.decide();
            parcel.with(|input, _| {
                let fast = compiled.decide(input, &LiveFacts::default(), now());
                prop_assert_eq!(fast.rule.map(|rule| &rule.id), plain.decided_by.as_ref());
                prop_assert_eq!(
                    fast.service.map(|service| &service.key),
                    plain.chosen.as_ref().map(|chosen| &chosen.service)
                );
                prop_assert_eq!(&compiled.explain(input, &LiveFacts::default(), now()), &plain);
                Ok(())
            })?;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Absurd dates and amounts get answers, not panics.
    #[test]
    fn no_parcel_however_absurd_makes_routing_panic(
        due in prop::sample::select(vec![DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC, now()]),
        quoted in prop::sample::select(vec![DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC, now()]),
        at in prop::sample::select(vec![DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC, now()]),
        amount in prop::sample::select(vec![Decimal::MIN, Decimal::MAX, Decimal::ZERO, Decimal::new(1, 28)]),
        grams in prop::sample::select(vec![0, u32::MAX]),
        days in prop::sample::select(vec![0, 1, u32::MAX]),
        text in ".{0,40}",
    ) {
        let mut routing = Routing::new();
        routing.deliver_by = Some(due);
        routing.quotes[0].quoted_at = quoted;
        routing.quotes[0].total.amount = amount;
        routing.quotes[1].transit_days = Some(days);
        routing.services[2].max_transit_days = days;
        routing.value.amount = amount;
        routing.weight = Grams::new(grams);
        routing.dimensions = Some(Dimensions::new(
            Millimetres::new(grams), Millimetres::new(grams), Millimetres::new(grams),
        ));
        routing.max_transit_days = Some(days);
        routing.address.postal_code = Some(text.clone());
        routing.address.state = Some(text.clone());
        routing.address.city.clone_from(&text);
        routing.policy.quote_ttl_hours = u32::MAX;
        let condition = RouteCondition {
            min_value: Some(amount),
            max_value: Some(amount),
            max_weight: Some(Grams::new(grams)),
            max_transit_days: Some(days),
            states: vec![text.clone()],
            postcode_prefixes: vec![text],
            ..any()
        };
        let discount = RouteAction::Prefer { service: key_of("GROUND"), discount: amount };
        routing.rules = vec![
            rule("a", i32::MIN, condition, only(&["GROUND"])),
            rule("b", i32::MAX, any(), discount.clone()),
            rule("c", i32::MAX, any(), discount),
        ];
        let compiled = routing.compiled();
        let plain = routing.with(|input, facts| {
            let _ = override_service(
                input, facts, &routing.policy, &key_of("GROUND"), Actor::System, "", at,
            );
            let live = LiveFacts { quotes: &routing.quotes, ..LiveFacts::default() };
            let _ = compiled.decide(input, &live, at);
            let _ = compiled.decide(input, &LiveFacts::default(), at);
            route(input, facts, &routing.policy, at)
        });
        let _ = plain.chosen;
        let _ = lint(&routing.rules);
        let parcel = RoutedParcel::new(key_of("GROUND"), routing.value, at, routing.weight)
            .with_baseline(routing.value)
            .with_dimensions(routing.dimensions.unwrap());
        let _ = cost_against_baseline([&parcel, &parcel]).map(|reports| {
            reports.values().map(|report| report.saved_basis_points()).collect::<Vec<_>>()
        });
        let _ = monthly_volume([&parcel, &parcel], chrono_tz::America::New_York);
        let _ = packaging_share([&parcel, &parcel], 0).basis_points();
        let _ = price_spread(&routing.quotes);
    }

    #[test]
    fn routing_does_not_depend_on_the_order_of_lists(
        prices in prop::collection::vec(1_i64..5, 3), rotate in 0_usize..3, swap in any_bool(),
    ) {
        let mut routing = Routing::new();
        for (quote, cents) in routing.quotes.iter_mut().zip(&prices) {
            quote.total = usd(*cents);
        }
        let straight = routing.decide();
        routing.services.rotate_left(rotate);
        routing.quotes.rotate_right(rotate);
        if swap {
            routing.quotes.swap(0, 2);
        }
        prop_assert_eq!(straight, routing.decide());
    }

    #[test]
    fn a_slower_and_dearer_quote_never_changes_the_choice(extra in 1_i64..10_000, days in 9_u32..30) {
        let mut routing = Routing::new();
        let before = routing.chosen();
        let mut slow = service("SNAIL", days, CostTier::Low);
        slow.economy = true;
        routing.services.push(slow);
        routing.quotes.push(quote("SNAIL", 500 + extra, Currency::USD));
        prop_assert_eq!(before, routing.chosen());
    }
}
