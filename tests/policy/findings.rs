//! What can be read and cannot work.

use orderflow::order::DeadlineKind;
use orderflow::rules::kpi::{KpiId, KpiTargets, Limit, Target, target_presets};
use orderflow::rules::{
    Anchor, MAX_CALENDAR_DAYS, MAX_ELAPSED_HOURS, Policy, PolicyFinding, SlaRule, Span, presets,
};
use serde_json::{Value, json};

use super::strict::FULL;

/// The findings of the filled policy after a change.
fn after(pointer: &str, value: Value) -> Vec<PolicyFinding> {
    let mut text: Value = serde_json::from_str(FULL).unwrap();
    *text.pointer_mut(pointer).unwrap_or_else(|| panic!("there is no {pointer}")) = value;
    Policy::from_json(&text.to_string()).unwrap().validate()
}

fn fields(found: &[PolicyFinding]) -> Vec<&str> {
    found.iter().map(|finding| finding.field.as_str()).collect()
}

fn rule(kind: &str, anchor: &str, span: Value) -> Vec<PolicyFinding> {
    let text =
        json!({ "sla_rules": [{ "name": "r", "kind": kind, "anchor": anchor, "span": span }] });
    Policy::from_json(&text.to_string()).unwrap().validate()
}

#[test]
fn every_value_that_cannot_work_is_found_at_its_place_and_nowhere_else() {
    for (pointer, value, field) in [
        (
            "/calendars/here/special_hours",
            json!({ "2026-12-25": { "opens": "08:00:00", "closes": "09:00:00" } }),
            "calendars.here.special_hours.2026-12-25",
        ),
        ("/calendars/here/hours", json!(null), "calendars.here.special_hours"),
        ("/shops/0/site", json!(" "), "shops[0].site"),
        ("/shops/0/kpi_targets", json!("walmart_us"), "shops[0].kpi_targets"),
        ("/shops/0/review/manual_over/amount", json!("-1"), "shops[0].review.manual_over.amount"),
        ("/review/manual_over/amount", json!("-0.01"), "review.manual_over.amount"),
        (
            "/shops/0/review/manual_over/currency",
            json!("EUR"),
            "shops[0].review.manual_over.currency",
        ),
        ("/sla_rules/0/scope/category", json!(""), "sla_rules[0].scope.category"),
        ("/sla_rules/0/scope/platform", json!("walmart"), "sla_rules[0].scope.platform"),
        ("/sla_rules/0/penalty/kind", json!(""), "sla_rules[0].penalty.kind"),
        ("/classification/value_bands", json!([["0", "low"]]), "classification.value_bands[0]"),
        ("/classification/value_bands", json!([["1", " "]]), "classification.value_bands[0]"),
        (
            "/classification/weight_classes",
            json!([[0, "none"]]),
            "classification.weight_classes[0]",
        ),
        ("/classification/urgent_tags", json!([""]), "classification.urgent_tags[0]"),
        ("/allocation/box_size/width", json!(0), "allocation.box_size.height"),
        ("/route_rules/0/id", json!(""), "route_rules[0].id"),
        (
            "/route_rules/0/then/prefer/discount",
            json!("-0.10"),
            "route_rules[0].then.prefer.discount",
        ),
        (
            "/route_rules/0/when",
            json!({ "min_value": "9", "max_value": "3" }),
            "route_rules[0].when.max_value",
        ),
        (
            "/route_rules/0/when",
            json!({ "min_distance_km": 9, "max_distance_km": 9 }),
            "route_rules[0].when.max_distance_km",
        ),
        (
            "/route_rules/0/when",
            json!({ "max_distance_km": 0 }),
            "route_rules[0].when.max_distance_km",
        ),
        (
            "/route_rules/0/when",
            json!({ "postcode_prefixes": [""] }),
            "route_rules[0].when.postcode_prefixes[0]",
        ),
        ("/route_rules/2/then/exclude", json!([]), "route_rules[2].then.exclude"),
        ("/catalogues", json!(["guide_catalogue", "guide_catalogue"]), "catalogues[1]"),
        ("/services/0/name", json!(""), "services[0].name"),
        ("/services/0/min_transit_days", json!(6), "services[0].min_transit_days"),
        (
            "/services/1/max_value",
            json!({ "amount": "-1", "currency": "BRL" }),
            "services[1].max_value.amount",
        ),
        ("/services/0/coverage/cities", json!([""]), "services[0].coverage.cities[0]"),
        ("/carrier_names/0/code/code", json!(""), "carrier_names[0].code.code"),
        ("/carrier_names/0/site", json!(""), "carrier_names[0].site"),
        ("/carrier_names/1/code/other/name", json!(" "), "carrier_names[1].code.other.name"),
        (
            "/carrier_names/1/code/other/url",
            json!("post.example/{number}"),
            "carrier_names[1].code.other.url",
        ),
        (
            "/carrier_names/1/code/other/url",
            json!("ftp://post.example"),
            "carrier_names[1].code.other.url",
        ),
        (
            "/carrier_names/1/code/other/url",
            json!("https:///track"),
            "carrier_names[1].code.other.url",
        ),
        (
            "/carrier_names/2",
            json!({ "carrier": "post", "code": { "code": "Q" } }),
            "carrier_names[2].code",
        ),
        (
            "/carrier_names/2",
            json!({ "carrier": "post",
            "code": { "other": { "name": "Post", "url": "https://post.example/{number}" } } }),
            "carrier_names[2]",
        ),
        (
            "/alerts",
            json!({ "ship_ladder": { "steps": [], "breach_channels": ["sms"], "scale_below_hours": 24 } }),
            "alerts.ship_ladder.steps",
        ),
        ("/alerts/ship_ladder/breach_channels", json!([]), "alerts.ship_ladder.breach_channels"),
        ("/alerts/ship_ladder/steps/1/channels", json!([]), "alerts.ship_ladder.steps[1].channels"),
        (
            "/alerts/ship_ladder/steps/0/hours_left",
            json!(90_000),
            "alerts.ship_ladder.steps[0].hours_left",
        ),
        ("/alerts", json!({ "stuck_hours": 100_000 }), "alerts.stuck_hours"),
        ("/alerts", json!({ "acknowledge_minutes": 100_000 }), "alerts.acknowledge_minutes"),
        (
            "/alerts/pending_overdue_hours/platforms/mercado-libre",
            json!(100_000),
            "alerts.pending_overdue_hours.platforms.mercado-libre",
        ),
        ("/exceptions", json!({ "lost_days": 4_000 }), "exceptions.lost_days"),
        ("/messages", json!({ "survey_until_hours": 25 }), "messages.survey_until_hours"),
        ("/polling", json!({ "ceiling_minutes": 1_441 }), "polling.ceiling_minutes"),
        ("/polling", json!({ "acknowledge_minutes": 2_000 }), "polling.acknowledge_minutes"),
        ("/tracking", json!({ "moving_hours": 200 }), "tracking.moving_hours"),
        ("/route/quote_ttl_hours", json!(90_000), "route.quote_ttl_hours"),
        (
            "/shops/0/review/duplicate_window_hours",
            json!(90_000),
            "shops[0].review.duplicate_window_hours",
        ),
        ("/sla_rules/0/scope/site", json!("MLA"), "sla_rules[0].scope.site"),
        (
            "/route_rules/0/when",
            json!({ "platforms": ["walmart"] }),
            "route_rules[0].when.platforms[0]",
        ),
        ("/route_rules/0/when", json!({ "shops": ["1", "2"] }), "route_rules[0].when.shops[1]"),
        (
            "/route_rules/0/when",
            json!({ "max_value": "9", "value_currency": "USD" }),
            "route_rules[0].when.value_currency",
        ),
        ("/services/0/max_value/currency", json!("USD"), "services[0].max_value.currency"),
        ("/carrier_names/0/platform", json!("mercado_libre"), "carrier_names[0].platform"),
        ("/alerts/pending_overdue_hours/default", json!(0), "alerts.pending_overdue_hours.default"),
        (
            "/alerts/logistics_delay_hours/platforms/mercado-libre",
            json!(0),
            "alerts.logistics_delay_hours.platforms.mercado-libre",
        ),
        ("/alerts", json!({ "stuck_hours": 0 }), "alerts.stuck_hours"),
        ("/alerts", json!({ "upload_last_hours": 0 }), "alerts.upload_last_hours"),
        (
            "/shop_alerts",
            json!({ "late_critical_percent": 101 }),
            "shop_alerts.late_critical_percent",
        ),
        ("/shop_alerts", json!({ "carrier_percent": 101 }), "shop_alerts.carrier_percent"),
        ("/shop_alerts", json!({ "missed_readings": 0 }), "shop_alerts.missed_readings"),
        ("/exceptions", json!({ "lost_days": 0 }), "exceptions.lost_days"),
        (
            "/exceptions",
            json!({ "delay_hours": { "default": 0 } }),
            "exceptions.delay_hours.default",
        ),
        ("/messages", json!({ "reply_hours": 0 }), "messages.reply_hours"),
        ("/tracking", json!({ "give_up_days": 0 }), "tracking.give_up_days"),
        ("/polling", json!({ "floor_minutes": 0 }), "polling.floor_minutes"),
        ("/polling", json!({ "ceiling_minutes": 4 }), "polling.floor_minutes"),
        ("/polling", json!({ "acknowledge_minutes": 4 }), "polling.acknowledge_minutes"),
    ] {
        let found = after(pointer, value);
        assert_eq!(fields(&found), [field], "{found:?}");
        assert!(!found[0].reason.is_empty());
    }
}

#[test]
fn every_reversed_range_of_a_rule_is_told_not_only_the_first() {
    let found = after(
        "/route_rules/0/when",
        json!({ "min_weight": 2, "max_weight": 1, "min_value": "2", "max_value": "1",
                "min_distance_km": 2, "max_distance_km": 1 }),
    );
    assert_eq!(
        fields(&found),
        ["max_distance_km", "max_value", "max_weight"].map(|f| format!("route_rules[0].when.{f}"))
    );
}

#[test]
fn spans_of_nothing_and_beyond_all_calendars_are_found() {
    let elapsed = |hours: u32| json!({ "elapsed": { "hours": hours } });
    let calendar = |days: u32| json!({ "calendar_days": { "days": days, "zone": "UTC" } });
    assert_eq!(rule("ship_by", "order_paid", elapsed(MAX_ELAPSED_HOURS)), []);
    assert_eq!(rule("ship_by", "order_paid", calendar(MAX_CALENDAR_DAYS)), []);
    for hours in [0, MAX_ELAPSED_HOURS + 1, u32::MAX] {
        let found = rule("ship_by", "order_paid", elapsed(hours));
        assert_eq!(fields(&found), ["sla_rules[0].span.elapsed.hours"]);
    }
    for days in [0, MAX_CALENDAR_DAYS + 1, 3_000_000, u32::MAX] {
        let found = rule("ship_by", "order_paid", calendar(days));
        assert_eq!(fields(&found), ["sla_rules[0].span.calendar_days.days"]);
    }
    let until = |days: u32, end: &str| {
        let span = json!({ "calendar_days": { "days": days, "zone": "UTC", "end_of_day": end } });
        rule("ship_by", "order_paid", span)
    };
    assert_eq!(until(0, "23:59:59"), []);
    assert_eq!(fields(&until(0, "18:00:00")), ["sla_rules[0].span.calendar_days.days"]);
    assert_eq!(fields(&until(2, "00:00:00")), ["sla_rules[0].span.calendar_days.end_of_day"]);
    let business = |days: u32, end: &str| {
        let calendar = json!({ "zone": "UTC", "cutoff": "14:00:00",
            "half_days": { "2026-12-24": "15:00:00" },
            "working_weekdays": [true, true, true, true, true, false, false] });
        let span = json!({ "days": days, "calendar": calendar, "end_of_day": end });
        rule("ship_by", "order_paid", json!({ "business_days": span }))
    };
    assert_eq!(business(0, "15:00:00"), []);
    assert_eq!(business(1, "09:00:00"), []);
    for (days, end) in [(0, "14:59:59"), (0, "00:00:00"), (3, "00:00:00")] {
        let found = business(days, end);
        assert_eq!(fields(&found), ["sla_rules[0].span.business_days.end_of_day"]);
    }
}

#[test]
fn anchors_that_never_come_or_come_too_late_are_found() {
    let day = json!({ "elapsed": { "hours": 24 } });
    for (kind, anchor) in [
        ("ship_by", "ship_by"),
        ("ship_by", "message_received"),
        ("ship_by", "ship_confirmed"),
        ("ship_by", "cancel_requested"),
        ("reply_by", "order_paid"),
        ("reply_by", "ship_by"),
        ("pay_by", "order_paid"),
        ("auto_cancel_unless_paid", "ship_confirmed"),
        ("acknowledge_by", "acknowledged"),
        ("respond_to_cancel_by", "order_created"),
        ("auto_cancel_unless_shipped", "ship_confirmed"),
        ("deliver_by", "message_received"),
    ] {
        let found = rule(kind, anchor, day.clone());
        assert_eq!(fields(&found), ["sla_rules[0].anchor"], "{kind} from {anchor}");
        let reason = &found[0].reason;
        assert!(reason.contains(kind) || reason.contains(anchor), "{reason}");
    }
    for (kind, anchor) in [
        ("reply_by", "message_received"),
        ("respond_to_cancel_by", "cancel_requested"),
        ("auto_cancel_unless_shipped", "ship_by"),
        ("upload_tracking_by", "ship_confirmed"),
        ("deliver_by", "ship_by"),
        ("pay_by", "order_created"),
        ("ship_by", "acknowledged"),
    ] {
        assert_eq!(rule(kind, anchor, day.clone()), [], "{kind} from {anchor}");
    }
    assert!(!Anchor::ShipBy.suits(DeadlineKind::ShipBy));
}

#[test]
fn every_preset_of_deadlines_is_sound() {
    for name in presets::names() {
        let mut text = json!({ "sla_rules": [] });
        text["sla_rules"] = serde_json::to_value(presets::load(name).unwrap().rules).unwrap();
        assert_eq!(Policy::from_json(&text.to_string()).unwrap().validate(), [], "{name}");
    }
}

#[test]
fn presets_that_say_different_things_about_the_same_orders_are_found() {
    let found = |platform: &str, names: &[&str]| {
        let text = json!({
            "calendars": { "c": { "zone": "UTC", "cutoff": "12:00:00",
                "working_weekdays": [true, true, true, true, true, true, true] } },
            "shops": [{ "platform": platform, "shop": "1", "calendar": "c", "currency": "USD",
                "sla_presets": names }]
        });
        Policy::from_json(&text.to_string()).unwrap().validate()
    };
    let hours = found("walmart", &["walmart", "walmart_4h"]);
    assert_eq!(fields(&hours), ["shops[0].sla_presets[1]"]);
    assert!(hours[0].reason.contains("acknowledge_by"), "{}", hours[0]);
    let days = found("walmart", &["walmart_us", "walmart_us_8_days"]);
    assert!(days[0].reason.contains("auto_cancel_unless_shipped"), "{}", days[0]);
    // One that only adds to the other, or has the same rules, contradicts nothing.
    assert_eq!(found("walmart", &["walmart", "acknowledged_orders"]), []);
    assert_eq!(fields(&found("walmart", &["walmart", "walmart"])), ["shops[0].sla_presets[1]"]);
}

#[test]
fn a_rule_that_another_one_hides_is_found() {
    let mut text = json!({ "sla_rules": [] });
    let rule = |name: &str, hours: u32, anchor: &str| {
        json!({ "name": name, "kind": "ship_by", "anchor": anchor,
                "span": { "elapsed": { "hours": hours } } })
    };
    text["sla_rules"] = json!([rule("a", 24, "order_paid"), rule("b", 48, "order_paid")]);
    let found = Policy::from_json(&text.to_string()).unwrap().validate();
    assert_eq!(fields(&found), ["sla_rules[1]"]);
    // Another anchor may be there when the first is not.
    text["sla_rules"] = json!([rule("a", 24, "order_paid"), rule("b", 48, "order_created")]);
    assert_eq!(Policy::from_json(&text.to_string()).unwrap().validate(), []);
}

#[test]
fn targets_out_of_range_and_contradictions_are_found() {
    let target = |id: &str, target: Value| {
        let text = json!({ "kpi_targets": { "targets": { id: target } } });
        let found = Policy::from_json(&text.to_string()).unwrap().validate();
        found.into_iter().map(|finding| finding.field).collect::<Vec<_>>()
    };
    let at = |id: &str, field: &str| vec![format!("kpi_targets.targets.{id}.{field}")];
    let rate = "on_time_shipping";
    for wrong in [
        json!({ "at_least": 10_001 }),
        json!({ "at_most": 20_000 }),
        json!({ "more_than": 10_000 }),
        json!({ "less_than": 0 }),
        json!({ "between": [3000, 1500] }),
        json!({ "mean_seconds_at_most": 60 }),
        json!({ "p95_seconds_at_most": 60 }),
    ] {
        assert_eq!(target(rate, json!({ "healthy": wrong })), at(rate, "healthy"), "{wrong}");
    }
    let time = "handling_time";
    assert_eq!(target(time, json!({ "healthy": { "at_least": 10 } })), at(time, "healthy"));
    for (healthy, critical) in [
        (json!({ "at_least": 9500 }), json!({ "less_than": 9600 })),
        (json!({ "at_least": 9500 }), json!({ "at_most": 9500 })),
        (json!({ "at_most": 300 }), json!({ "at_least": 200 })),
        (json!({ "between": [1500, 3000] }), json!({ "more_than": 2000 })),
    ] {
        let both = json!({ "healthy": healthy, "critical": critical });
        assert_eq!(target(rate, both), at(rate, "critical"), "{healthy} {critical}");
    }
    let means = json!({ "healthy": { "mean_seconds_at_most": 9 }, "critical": { "mean_seconds_above": 8 } });
    assert_eq!(target(time, means), at(time, "critical"));
    for (healthy, critical) in [
        (json!({ "at_least": 9500 }), json!({ "less_than": 9500 })),
        (json!({ "at_most": 500 }), json!({ "more_than": 500 })),
        (json!({ "at_least": 10_000 }), json!({ "less_than": 10_000 })),
        (json!({ "at_most": 0 }), json!({ "more_than": 0 })),
    ] {
        let sound = json!({ "healthy": healthy, "critical": critical, "days": 1 });
        assert!(target(rate, sound).is_empty(), "{healthy} {critical}");
    }
    let days = json!({ "healthy": { "at_least": 1 }, "days": 0 });
    assert_eq!(target(rate, days), at(rate, "days"));
    for preset in target_presets().unwrap() {
        for (id, target) in KpiTargets::preset(&preset.name).unwrap().targets {
            assert_eq!(target.faults(id), [], "{}", preset.name);
        }
    }
    assert!(!Target::new(Limit::AtLeast(1)).faults(KpiId::TransitTime).is_empty());
}

#[test]
fn a_rule_with_an_absurd_span_cannot_answer() {
    let now = chrono::DateTime::UNIX_EPOCH;
    assert!(Span::Elapsed { hours: MAX_ELAPSED_HOURS }.after(now).is_ok());
    assert!(Span::Elapsed { hours: MAX_ELAPSED_HOURS + 1 }.after(now).is_err());
    let text = json!({ "name": "r", "kind": "ship_by", "anchor": "order_paid",
        "span": { "calendar_days": { "days": MAX_CALENDAR_DAYS + 1, "zone": "UTC" } } });
    let rule: SlaRule = serde_json::from_value(text).unwrap();
    assert!(rule.span.after(now).is_err());
}

#[test]
fn goods_that_customs_would_not_understand_are_found() {
    for (field, value) in
        [("hs_code", json!("69.12")), ("unit_weight", json!(0)), ("description", json!(" "))]
    {
        let found = after(&format!("/customs/goods/MUG-1/{field}"), value);
        assert_eq!(fields(&found), [format!("customs.goods.MUG-1.{field}")]);
    }
}

#[test]
fn runs_that_are_missing_doubled_or_backwards_are_found() {
    let run = "10:00:00";
    for (pointer, value, field) in [
        ("/print_slots/normal", json!([]), "print_slots.normal"),
        ("/print_slots/promotion", json!([run, run]), "print_slots.promotion[1]"),
        ("/print_slots/promotions/0/last", json!("2026-11-25"), "print_slots.promotions[0].last"),
    ] {
        assert_eq!(fields(&after(pointer, value)), [field]);
    }
}

#[test]
fn a_value_without_a_currency_is_found_where_shops_sell_in_several() {
    let found = |condition: Value| {
        let mut text: Value = serde_json::from_str(FULL).unwrap();
        let mut other = text["shops"][0].clone();
        other["shop"] = json!("2");
        other["currency"] = json!("USD");
        other["review"] = json!(null);
        text["shops"].as_array_mut().unwrap().push(other);
        text["route_rules"][0]["when"] = condition;
        Policy::from_json(&text.to_string()).unwrap().validate()
    };
    let at = ["route_rules[0].when.value_currency"];
    assert_eq!(fields(&found(json!({ "min_value": "5" }))), at);
    assert_eq!(found(json!({ "min_value": "5", "value_currency": "USD" })), []);
    assert_eq!(found(json!({ "min_value": "5", "shops": ["2"] })), []);
    let never = json!({ "min_value": "5", "shops": ["2"], "value_currency": "BRL" });
    assert_eq!(fields(&found(never)), at);
}

#[test]
fn a_misspelt_platform_is_found_and_one_of_the_hosts_own_is_not() {
    let found = |platform: &str| {
        let text = json!({
            "calendars": { "c": { "zone": "UTC", "cutoff": "12:00:00",
                "working_weekdays": [true, true, true, true, true, true, true] } },
            "shops": [{ "platform": platform, "shop": "1", "calendar": "c", "currency": "USD" }],
            "alerts": { "pending_overdue_hours": { "default": 24, "platforms": { platform: 24 } } }
        });
        Policy::from_json(&text.to_string()).unwrap().validate()
    };
    for (platform, meant) in [
        ("tiktok_shop", "tiktok-shop"),
        ("TikTokShop", "tiktok-shop"),
        ("tiktok", "tiktok-shop"),
        ("tik-tok-shop", "tiktok-shop"),
        ("mercadolivre", "mercado-libre"),
        ("Walmart", "walmart"),
        ("walmrt", "walmart"),
    ] {
        let misspelt = found(platform);
        assert_eq!(fields(&misspelt), ["shops[0].platform"]);
        assert!(misspelt[0].reason.contains(meant), "{}", misspelt[0]);
    }
    for own in ["bazaar", "walmart-ca", "walmart", "csv", "amazon", "ebay", "shop", "market"] {
        assert_eq!(found(own), [], "{own}");
    }
}

#[test]
fn a_deadline_after_the_one_that_follows_it_is_found() {
    let rules = |ship: u32, deliver: u32, anchor: &str| {
        let rule = |kind: &str, hours: u32| {
            json!({ "name": kind, "kind": kind, "anchor": anchor,
                    "span": { "elapsed": { "hours": hours } } })
        };
        let text = json!({ "sla_rules": [rule("deliver_by", deliver), rule("ship_by", ship)] });
        Policy::from_json(&text.to_string()).unwrap().validate()
    };
    let found = rules(72, 48, "order_paid");
    assert_eq!(fields(&found), ["sla_rules[1].span"]);
    assert_eq!(found[0].reason, "ship_by is due after deliver_by, which sla_rules[0] sets");
    assert_eq!(rules(48, 48, "order_paid"), []);
}
