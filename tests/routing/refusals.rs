//! What is set aside or refused, and that it is said.

use super::*;

/// The plain decision, which the compiled form must share.
fn decide_both_ways(routing: &Routing) -> orderflow::rules::RouteDecision {
    let plain = routing.decide();
    let compiled = routing.compiled();
    routing.with(|input, _| {
        let live = LiveFacts {
            quotes: &routing.quotes,
            reliability: &routing.reliability,
            accounts: &routing.accounts,
        };
        assert_eq!(compiled.explain(input, &live, now()), plain);
        let fast = compiled.decide(input, &live, now());
        assert_eq!(
            fast.service.map(|service| &service.key),
            plain.chosen.as_ref().map(|chosen| &chosen.service)
        );
        assert_eq!(fast.rule.map(|rule| &rule.id), plain.decided_by.as_ref());
    });
    plain
}

#[test]
fn a_value_limit_of_a_service_in_another_currency_is_a_reason_and_never_passed_over() {
    let mut routing = Routing::new();
    routing.value = Money::from_minor(500_000, Currency::BRL);
    routing.services[0].max_value = Some(usd(10_000));
    for quotes in [routing.quotes.clone(), Vec::new()] {
        routing.quotes = quotes;
        let decision = decide_both_ways(&routing);
        let why =
            ServiceRejection::ValueNotComparable { limit: Currency::USD, order: Currency::BRL };
        assert_eq!(why.to_string(), "value limit in USD cannot be compared with an order in BRL");
        assert_eq!(routing.reason("ECONOMY"), Some(why));
        assert_eq!(decision.chosen.unwrap().service, key_of("GROUND"));
    }
    routing.services[0].max_value = Some(Money::from_minor(500_000, Currency::BRL));
    assert_eq!(routing.reason("ECONOMY"), None);
}

#[test]
fn a_rule_with_a_value_limit_in_another_currency_is_left_out_and_named() {
    let dear = RouteCondition {
        min_value: Some(Decimal::TEN),
        value_currency: Some(Currency::USD),
        ..always()
    };
    let mut routing = Routing::new();
    routing.rules = vec![
        rule("dear", 0, dear.clone(), only(&["EXPRESS"])),
        rule("last", 1, always(), RouteAction::Force(key_of("GROUND"))),
        rule("never", 2, dear, only(&["ECONOMY"])),
    ];
    let decision = decide_both_ways(&routing);
    assert_eq!(decision.incomparable, [""; 0]);
    assert_eq!(decision.chosen, None, "what is forced is left out by the rule before it");

    routing.value = Money::from_minor(2_000, Currency::BRL);
    let decision = decide_both_ways(&routing);
    // The rule behind the last one would not have had its turn.
    assert_eq!(decision.incomparable, ["dear"]);
    let chosen = decision.chosen.unwrap();
    assert_eq!(chosen.service, key_of("GROUND"));
    let said = "rule dear is left out: value limit in USD cannot be compared with an order in BRL";
    assert!(chosen.reasons.iter().any(|reason| reason == said), "{:?}", chosen.reasons);

    // Where something else of it does not hold, there is nothing to compare.
    routing.rules[0].condition.tags = vec!["gift".into()];
    assert_eq!(decide_both_ways(&routing).incomparable, [""; 0]);
}

#[test]
fn a_quote_that_promises_a_day_before_the_parcel_can_leave_is_set_aside() {
    let mut routing = Routing::new();
    routing.deliver_by = Some(now() + TimeDelta::days(1));
    let day = |days: i64| (now() + TimeDelta::days(days)).date_naive();
    routing.quotes[0].deliver_on = Some(day(-1));
    let decision = decide_both_ways(&routing);
    assert_eq!(decision.ignored_quotes, [(key_of("ECONOMY"), QuoteProblem::ArrivesBeforeLeaving)]);
    assert_ne!(decision.chosen.map(|chosen| chosen.service), Some(key_of("ECONOMY")));
    routing.quotes[0].deliver_on = Some(day(0));
    let decision = decide_both_ways(&routing);
    assert_eq!(decision.ignored_quotes, []);
    assert_eq!(decision.chosen.unwrap().service, key_of("ECONOMY"));
    // The carrier collects only from tomorrow on.
    let noon = NaiveTime::from_hms_opt(0, 0, 0).unwrap();
    let later = WorkCalendar::weekdays(chrono_tz::America::New_York, noon);
    let account = CarrierAccount::new().with_calendar(later);
    routing.accounts.insert(CarrierId::from_static("carrier"), account);
    assert_eq!(
        decide_both_ways(&routing).ignored_quotes,
        [(key_of("ECONOMY"), QuoteProblem::ArrivesBeforeLeaving)]
    );
}

#[test]
fn a_price_below_zero_never_wins_and_one_of_zero_may() {
    let mut routing = Routing::new();
    routing.quotes[2] = quote("EXPRESS", -1, Currency::USD);
    let decision = decide_both_ways(&routing);
    assert_eq!(decision.ignored_quotes, [(key_of("EXPRESS"), QuoteProblem::Negative)]);
    let chosen = decision.chosen.unwrap();
    assert_eq!(chosen.service, key_of("ECONOMY"));
    let said = "a quote of carrier/EXPRESS has a price below zero";
    assert!(chosen.reasons.iter().any(|reason| reason == said), "{:?}", chosen.reasons);
    routing.quotes[2] = quote("EXPRESS", 0, Currency::USD);
    assert_eq!(decide_both_ways(&routing).chosen.unwrap().service, key_of("EXPRESS"));
}

#[test]
fn a_forced_service_that_the_catalogue_does_not_have_is_named() {
    let mut routing = Routing::new();
    routing.rules = vec![rule("f", 0, always(), RouteAction::Force(key_of("ZEPPELIN")))];
    let decision = decide_both_ways(&routing);
    assert_eq!(decision.chosen, None);
    let why = ServiceRejection::UnknownService { rule: "f".into() };
    assert_eq!(why.to_string(), "is asked for by rule f and not in the catalogue");
    assert!(decision.rejected.contains(&(key_of("ZEPPELIN"), why)), "{:?}", decision.rejected);
}

#[test]
fn quotes_that_drop_out_are_told_with_their_reason() {
    let mut routing = Routing::new();
    routing.quotes.push(quote("ZEPPELIN", 1, Currency::USD));
    routing.quotes.push(quote("GROUND", 1, Currency::MXN));
    let decision = decide_both_ways(&routing);
    assert_eq!(
        decision.ignored_quotes,
        [
            (key_of("GROUND"), QuoteProblem::OtherCurrency),
            (key_of("ZEPPELIN"), QuoteProblem::UnknownService)
        ]
    );
    let reasons = decision.chosen.unwrap().reasons.join("\n");
    assert!(reasons.contains("a quote of carrier/ZEPPELIN is for a service"), "{reasons}");
}

#[test]
fn a_pick_by_hand_without_a_reason_is_refused() {
    let routing = Routing::new();
    for why in ["", "  "] {
        let refused = routing.with(|input, facts| {
            let by = Actor::Person("Kim".into());
            override_service(input, facts, &routing.policy, &key_of("EXPRESS"), by, why, now())
        });
        let refused = refused.unwrap_err();
        assert_eq!(refused, OverrideRefused::NoReason);
        assert!(refused.to_string().starts_with("why is empty"), "{refused}");
    }
}

#[test]
fn large_letters_and_blanks_of_places_decide_nothing() {
    let only_there = |condition| vec![rule("there", 0, condition, only(&["GROUND"]))];
    let of = |state: &str, prefix: &str| RouteCondition {
        states: if state.is_empty() { Vec::new() } else { vec![state.into()] },
        postcode_prefixes: if prefix.is_empty() { Vec::new() } else { vec![prefix.into()] },
        ..always()
    };
    for (state, code, condition, holds) in [
        ("CA", "90210", of("ca", ""), true),
        ("são  paulo", "01310-100", of("São Paulo", ""), true),
        ("CA", "SW1A 1AA", of("", "sw1a"), true),
        ("CA", "sw1a1aa", of("", "SW1A 1"), true),
        ("CA", "SW1A 1AA", of("ca", "Sw1 A1a"), true),
        ("CA", "SW1", of("", "SW1A"), false),
        ("CO", "SW1A 1AA", of("ca", "sw1a"), false),
        // Longer than any postcode, and still exact.
        ("CA", "0123456789012345678901234567", of("", "0123456789012345678901234"), true),
        ("CA", "0123456789012345678901234567", of("", "0123456789012345678901239"), false),
    ] {
        for quotes in [true, false] {
            let mut routing = Routing::new();
            routing.rules = only_there(condition.clone());
            routing.address.state = Some(state.into());
            routing.address.postal_code = Some(code.into());
            if !quotes {
                routing.quotes.clear();
            }
            let chosen = decide_both_ways(&routing).chosen.unwrap().service;
            let wanted = if holds { key_of("GROUND") } else { key_of("ECONOMY") };
            assert_eq!(chosen, wanted, "{state} {code} {condition:?}");
        }
    }
    let mut routing = Routing::new();
    routing.services[0].coverage.excluded_states = vec!["co".into()];
    routing.services[1].coverage.excluded_postcode_prefixes = vec!["8 02".into()];
    let decision = decide_both_ways(&routing);
    assert_eq!(decision.chosen.unwrap().service, key_of("EXPRESS"));
    // Zones are found in the same way.
    let mut near = chart();
    near.areas[1].postcode_prefixes = vec!["8 02".into()];
    let cards = RateCards::new(
        BTreeMap::from([("c".to_owned(), near)]),
        vec![card("EXPRESS", [100, 200, 300, 400], 2)],
    );
    let mut routing = Routing::new();
    routing.quotes.clear();
    routing.cards = Some(cards.unwrap());
    routing.address.postal_code = Some(" 80202".into());
    assert_eq!(decide_both_ways(&routing).chosen.unwrap().cost, Some(usd(200)));
}

#[test]
fn a_state_is_one_by_code_and_by_name_in_coverage_and_in_rules() {
    let brazil = Country::new("BR");
    for (country, rule_says, address_says, holds) in [
        (Some(Country::US), "CO", "Colorado", true),
        (Some(Country::US), "colorado", "CO", true),
        (Some(Country::US), "Colorado", "US-CO", true),
        (Some(Country::US), "CO", "California", false),
        // The same two letters are another state in another country.
        (Some(Country::US), "MS", "Mississippi", true),
        (brazil, "MS", "Mato Grosso do Sul", true),
        (brazil, "Mississippi", "MS", false),
        (brazil, "Mato Grosso do Sul", "MS", true),
        // Where no states are known, the words decide.
        (Country::new("DE"), "BY", "Bayern", false),
        (None, "CO", "Colorado", false),
        (None, "CO", "c o", true),
    ] {
        let mut routing = Routing::new();
        routing.address.country = country;
        routing.address.state = Some(address_says.into());
        let condition = RouteCondition { states: vec![rule_says.into()], ..always() };
        let there = rule("there", 0, condition, only(&["EXPRESS"]));
        routing.rules = vec![RouteRule { stop: true, ..there }];
        let decision = decide_both_ways(&routing);
        let context = format!("{country:?} {rule_says} {address_says}");
        assert_eq!(decision.decided_by.is_some(), holds, "{context}");
        routing.rules.clear();
        for service in &mut routing.services {
            service.coverage.countries.clear();
            service.coverage.excluded_states = vec![rule_says.into()];
        }
        if country.is_some() {
            assert_eq!(decide_both_ways(&routing).chosen.is_none(), holds, "{context}");
        }
    }
}

#[test]
fn lint_knows_that_a_states_name_is_its_code() {
    let of = |countries: Vec<Country>, state: &str| RouteCondition {
        countries,
        states: vec![state.into()],
        ..always()
    };
    let wide = || RouteRule { stop: true, ..rule("a", 0, of(Vec::new(), "CO"), only(&["GROUND"])) };
    let hides = |countries: Vec<Country>| {
        let narrow = rule("b", 1, of(countries, "Colorado"), only(&["EXPRESS"]));
        super::lint::lint(&[wide(), narrow]).iter().any(|finding| {
            matches!(finding, RouteFinding::Unreachable { rule, by } if rule == "b" && by == "a")
        })
    };
    assert!(hides(vec![Country::US]));
    assert!(!hides(vec![Country::US, Country::new("DE").unwrap()]));
    assert!(!hides(Vec::new()), "elsewhere the two are not one");
}
