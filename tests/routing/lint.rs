//! Mistakes in rules are named; compiled routes follow the day.

use super::*;

pub(super) fn lint(rules: &[RouteRule]) -> Vec<RouteFinding> {
    let services = Routing::new().services;
    lint_routes(rules, &services, &RateCards::default(), &ServiceAliases::new())
}

#[test]
fn lint_names_the_rule_and_the_field_of_every_mistake() {
    let of_state = |state: &str| RouteCondition { states: vec![state.into()], ..always() };
    let mut wide = rule("1-wide", 0, of_state("CO"), only(&["GROUND"]));
    wide.stop = true;
    let mut narrow = of_state("CO");
    narrow.min_weight = Some(Grams::new(10));
    let empty = RouteCondition {
        min_weight: Some(Grams::new(10)),
        max_weight: Some(Grams::new(10)),
        ..always()
    };
    let speeds = RouteCondition {
        speeds: vec![SpeedClass::Economy],
        min_speed: Some(SpeedClass::Standard),
        ..always()
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
    let rules = [rule("f", 0, always(), RouteAction::Force(key_of("GROUND")))];
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
fn services_that_fill_up_or_are_switched_off_leave_compiled_routes_at_once() {
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
