//! Rate cards, picks by hand and what routing saved.

use super::*;

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
fn a_quote_for_a_service_that_cannot_be_chosen_counts_as_none() {
    let cards = cards(vec![card("EXPRESS", [100, 200, 300, 400], 2)]);
    let changes: [fn(&mut Routing); 5] = [
        |routing| routing.quotes[0].service = key_of("UNLISTED"),
        |routing| routing.services[0].enabled = false,
        |routing| routing.services[0].max_weight = Some(Grams::new(1)),
        |routing| routing.rules = vec![rule("r", 0, always(), only(&["GROUND", "EXPRESS"]))],
        |routing| routing.deliver_by = Some(now() + TimeDelta::days(6)),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut routing = Routing::new();
        routing.quotes.truncate(1);
        change(&mut routing);
        // By price class, as without any quote; with cards, by cards.
        let chosen = routing.decide().chosen.unwrap();
        assert_eq!(chosen.cost, None, "change {number}");
        assert_ne!(routing.reason("GROUND"), Some(ServiceRejection::NoQuote), "change {number}");
        routing.cards = Some(cards.clone());
        let chosen = routing.decide().chosen.unwrap();
        assert_eq!((chosen.service, chosen.cost), (key_of("EXPRESS"), Some(usd(200))));
    }
}

#[test]
fn a_card_for_a_service_that_cannot_be_chosen_counts_as_none() {
    let mut routing = Routing::new();
    routing.quotes.clear();
    let both = vec![card("UNLISTED", [1, 2, 3, 4], 1), card("ECONOMY", [100, 200, 300, 400], 2)];
    routing.cards = Some(cards(both));
    routing.services[0].enabled = false;
    let decision = routing.decide();
    assert_eq!(decision.chosen.unwrap().service, key_of("GROUND"));
    let routes = routing.compiled();
    routing.with(|input, _| {
        let routed = routes.decide(input, &LiveFacts::default(), now());
        assert_eq!(routed.service.unwrap().key, key_of("GROUND"));
        assert_eq!(routed.price, None);
    });
    // A card that is too slow is no reason to take its service by its usual days.
    routing.services[0].enabled = true;
    routing.services[0].max_transit_days = 1;
    routing.max_transit_days = Some(1);
    let decision = routing.decide();
    assert_eq!(decision.chosen, None);
    routing.with(|input, _| {
        assert_eq!(routing.compiled().decide(input, &LiveFacts::default(), now()).service, None);
    });
}

#[test]
fn prices_are_compared_in_the_currency_of_the_policy_or_of_the_order() {
    let euro: Currency = "EUR".parse().unwrap();
    let mut routing = Routing::new();
    // Two services in euro, one in the order's dollars.
    routing.quotes[1] = quote("GROUND", 1, euro);
    routing.quotes[2] = quote("EXPRESS", 2, euro);
    assert_eq!(routing.chosen().as_deref(), Some("ECONOMY"));
    assert_eq!(routing.reason("GROUND"), Some(ServiceRejection::OtherCurrency));
    routing.policy.currency = Some(euro);
    assert_eq!(routing.chosen().as_deref(), Some("GROUND"));
    // Nobody has a price in the policy's currency, nor in the order's: most decide.
    routing.policy.currency = Some(Currency::MXN);
    routing.value = Money::from_minor(2000, Currency::MXN);
    assert_eq!(routing.chosen().as_deref(), Some("GROUND"));
}

#[test]
fn of_the_quotes_for_a_service_the_cheapest_in_the_right_currency_that_arrives_in_time_counts() {
    let euro: Currency = "EUR".parse().unwrap();
    let mut routing = Routing::new();
    routing.quotes = vec![
        quote("GROUND", 500, euro),
        quote("GROUND", 600, Currency::USD),
        quote("EXPRESS", 700, Currency::USD),
    ];
    let chosen = routing.decide().chosen.unwrap();
    assert_eq!((chosen.service, chosen.cost), (key_of("GROUND"), Some(usd(600))));
    // Two offers of one service, the cheap one too slow for the promise.
    let mut slow = quote("GROUND", 100, Currency::USD);
    slow.transit_days = Some(9);
    let mut fast = quote("GROUND", 650, Currency::USD);
    fast.transit_days = Some(3);
    routing.quotes = vec![slow, fast, quote("EXPRESS", 700, Currency::USD)];
    routing.deliver_by = Some(now() + TimeDelta::days(4));
    let chosen = routing.decide().chosen.unwrap();
    assert_eq!((chosen.service, chosen.cost), (key_of("GROUND"), Some(usd(650))));
    // Where no offer is in time, the reason is that of the fastest.
    routing.max_transit_days = Some(2);
    let why = ServiceRejection::TransitTooLong { days: 3, most: 2 };
    assert_eq!(routing.reason("GROUND"), Some(why));
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
    let mut condition = always();
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
    routing.rules = vec![rule("cheap", 0, always(), only(&["ECONOMY"]))];
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
