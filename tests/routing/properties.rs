//! What holds whatever the input.

use super::lint::lint;
use super::*;

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
                // Mostly preferences: many exclusions would leave nothing to prefer.
                action if number % 10 == 0 => RouteAction::Exclude(
                    action.services().take(1).cloned().collect(),
                ),
                action => RouteAction::Prefer {
                    service: action.services().next().cloned().unwrap_or(key_of("A")),
                    discount: Decimal::new(35, 2),
                },
            },
            ..rule(&format!("r{number}"), number, always(), only(&[]))
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
            ..always()
        };
        let discount = RouteAction::Prefer { service: key_of("GROUND"), discount: amount };
        routing.rules = vec![
            rule("a", i32::MIN, condition, only(&["GROUND"])),
            rule("b", i32::MAX, always(), discount.clone()),
            rule("c", i32::MAX, always(), discount),
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

    /// Slower and dearer: of a service of its own, of one that is known, in any currency, and as
    /// often as you like. The order is in dollars.
    #[test]
    fn a_slower_and_dearer_quote_never_changes_the_choice(
        more in prop::collection::vec(
            (prop::sample::select(vec!["SNAIL", "ECONOMY", "GROUND", "EXPRESS", "UNLISTED", "OFF"]),
             1_i64..10_000, 9_u32..30, prop::sample::select(vec!["USD", "EUR", "AED", "ZAR"])),
            1..6,
        ),
        due in prop::option::of(2_i64..12),
    ) {
        let mut routing = Routing::new();
        let mut slow = service("SNAIL", 30, CostTier::Low);
        slow.economy = true;
        routing.services.push(slow);
        let mut off = service("OFF", 1, CostTier::Low);
        off.enabled = false;
        routing.services.push(off);
        routing.deliver_by = due.map(|days| now() + TimeDelta::days(days));
        let before = routing.chosen();
        for (code, extra, days, currency) in more {
            let mut quote = quote(code, 3_000 + extra, currency.parse().unwrap());
            quote.transit_days = Some(days);
            routing.quotes.push(quote);
        }
        prop_assert_eq!(before, routing.chosen());
    }
}
