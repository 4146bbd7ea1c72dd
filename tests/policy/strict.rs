//! What no policy may contain: unknown fields, and lists where objects are meant.

use orderflow::rules::Policy;
use serde_json::Value;

/// A policy in which every part is filled.
pub(crate) const FULL: &str = r#"{
    "calendars": { "here": {
        "zone": "America/Sao_Paulo",
        "working_weekdays": [true, true, true, true, true, true, false],
        "holidays": ["2026-07-09"],
        "holiday_calendar": "BR",
        "half_days": { "2026-12-24": "10:00:00" },
        "cutoff": "12:00:00",
        "hours": { "opens": "08:00:00", "closes": "18:00:00" },
        "special_hours": { "2026-12-24": { "opens": "08:00:00", "closes": "12:00:00" } }
    } },
    "shops": [ {
        "platform": "mercado-libre", "shop": "1", "site": "MLB", "calendar": "here",
        "currency": "BRL", "orders_per_day": 60, "push": true,
        "sla_presets": ["mercado_libre"], "kpi_targets": "mercado_libre_seed",
        "completion": { "after_days": 14 },
        "review": {
            "manual_over": { "amount": "900.00", "currency": "BRL" }, "notes_need_person": true,
            "duplicate_window_hours": 12, "phone_required": true, "funds_grace_hours": 72
        }
    } ],
    "sla_rules": [
        {
            "name": "ship", "kind": "ship_by", "anchor": "order_paid",
            "scope": { "platform": "mercado-libre", "site": "MLB", "category": "toys", "service": "X" },
            "span": { "elapsed": { "hours": 48 } },
            "requires": { "tracking": true, "ship_time_basis": "carrier_accepted" },
            "penalty": { "kind": "rating", "text": "The rating sinks." }
        },
        {
            "name": "deliver", "kind": "deliver_by", "anchor": "ship_by",
            "span": { "calendar_days": { "days": 6, "zone": "UTC", "end_of_day": "23:59:59" } }
        },
        {
            "name": "acknowledge", "kind": "acknowledge_by", "anchor": "order_created",
            "span": { "business_days": { "days": 1, "end_of_day": "18:00:00", "calendar": {
                "zone": "UTC", "working_weekdays": [true, true, true, true, true, true, true],
                "cutoff": "12:00:00"
            } } }
        }
    ],
    "review": { "manual_over": { "amount": "500.00", "currency": "USD" } },
    "classification": {
        "value_bands": [["50", "low"]], "currency": "USD", "weight_classes": [[453, "light"]],
        "expedited_priority": "high", "urgent_tags": ["gift"]
    },
    "allocation": {
        "preferences": ["priority"], "max_splits": 3, "min_split_value": "5", "allow_partial": true,
        "packaging": 60, "default_unit_weight": 300,
        "box_size": { "length": 300, "width": 200, "height": 100 }
    },
    "route": { "quote_ttl_hours": 12, "light_max": 400, "demote_late": true, "currency": "USD" },
    "route_rules": [
        {
            "id": "prefer", "priority": 1, "when": { "min_weight": 100, "max_weight": 453 },
            "then": { "prefer": {
                "service": { "carrier": "post", "service": "GROUND" }, "discount": "0.50"
            } },
            "stop": false
        },
        { "id": "only", "priority": 2, "when": { "tags": ["a"] },
          "then": { "only": [{ "carrier": "post", "service": "GROUND" }] } },
        { "id": "exclude", "priority": 3, "when": { "tags": ["b"] },
          "then": { "exclude": [{ "carrier": "post", "service": "AIR" }] } },
        { "id": "force", "priority": 4, "when": { "tags": ["c"] },
          "then": { "force": { "carrier": "post", "service": "GROUND" } } }
    ],
    "rate_cards": {
        "charts": { "home": {
            "areas": [{ "zone": "2", "country": "US", "postcode_prefixes": ["80"] }],
            "elsewhere": null
        } },
        "cards": [{
            "service": { "carrier": "post", "service": "GROUND" }, "currency": "USD",
            "chart": "home", "max_weight": 454, "steps": [454],
            "zones": { "2": { "transit_days": 2, "prices": ["4.10"] } }
        }]
    },
    "catalogues": ["guide_catalogue"],
    "services": [
        {
            "key": { "carrier": "post", "service": "GROUND" }, "name": "Ground", "enabled": true,
            "speed": "standard", "min_transit_days": 2, "max_transit_days": 5, "cost_tier": "low",
            "coverage": {
                "countries": ["US"], "states": [], "excluded_states": ["HI"],
                "postcode_prefixes": [], "excluded_postcode_prefixes": ["969"], "cities": [],
                "excluded_cities": ["Adak"], "no_po_box": true, "no_residential": false,
                "no_remote": true
            },
            "max_weight": 30000, "max_length_plus_girth": 2500, "max_length": 1200,
            "max_value": { "amount": "1000.00", "currency": "BRL" }, "batteries": false,
            "liquids": false, "economy": true, "capacity_left": 10, "priority": 1
        },
        {
            "key": { "carrier": "post", "service": "AIR" }, "name": "Air", "enabled": true,
            "speed": "expedited", "min_transit_days": 1, "max_transit_days": 2, "cost_tier": "high",
            "coverage": {}, "max_weight": null, "max_length_plus_girth": null, "max_length": null,
            "max_value": null, "batteries": false, "liquids": false, "economy": false,
            "capacity_left": null, "priority": 2
        }
    ],
    "carrier_names": [
        { "platform": "mercado-libre", "site": "MLB", "carrier": "post", "service": "GROUND",
          "code": { "code": "P-1" } },
        { "platform": null, "site": null, "carrier": "post", "service": null, "code":
          { "other": { "name": "Post", "url": "https://post.example/{number}" } } },
        { "carrier": "nobody", "code": "unsupported" }
    ],
    "print_slots": {
        "normal": ["09:30:00"], "promotion": ["09:30:00", "14:00:00"],
        "promotions": [{ "first": "2026-11-26", "last": "2026-11-30" }]
    },
    "customs": {
        "goods": { "MUG-1": {
            "description": "Ceramic mug", "origin": "CN", "hs_code": "691200", "unit_weight": 400
        } },
        "origin": "BR", "allow_missing_hs_code": true, "duties": "sender"
    },
    "alerts": {
        "pending_overdue_hours": { "default": 24, "platforms": { "mercado-libre": 20 } },
        "logistics_delay_hours": { "default": 48, "platforms": { "mercado-libre": 40 } },
        "ship_ladder": {
            "steps": [
                { "level": "l1", "hours_left": 24, "percent_left": 50, "channels": ["email"] },
                { "level": "l3", "hours_left": 6, "percent_left": 10, "channels": ["sms"] }
            ],
            "breach_channels": ["phone"], "scale_below_hours": 24
        },
        "repeat_hours": 4, "disabled": ["stuck"], "promotion": true,
        "channels": { "stuck": ["email"] },
        "quiet": { "zone": "America/Sao_Paulo", "from": "22:00:00", "to": "07:00:00" }
    },
    "shop_alerts": {}, "exceptions": {}, "messages": {}, "polling": {}, "tracking": {},
    "kpi_targets": { "targets": {
        "on_time_shipping": { "healthy": { "at_least": 9700 }, "critical": { "less_than": 9000 }, "days": 30 },
        "logistics_cost": { "healthy": { "between": [1500, 3000] } },
        "handling_time": { "healthy": { "mean_seconds_at_most": 3600 } }
    } }
}"#;

/// Objects whose keys are data.
const MAPS: &[&str] = &[
    "goods",
    "calendars",
    "half_days",
    "special_hours",
    "platforms",
    "channels",
    "targets",
    "charts",
    "zones",
];

fn full() -> Value {
    let policy = Policy::from_json(FULL).unwrap();
    // As written again it has every field of every part.
    serde_json::to_value(&policy).unwrap()
}

/// The pointers of all objects, with their paths as errors write them.
fn objects(value: &Value, pointer: &str, path: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            found.push((pointer.to_owned(), path.to_owned()));
            for (key, value) in fields {
                let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                objects(value, &format!("{pointer}/{key}"), &below, found);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                objects(value, &format!("{pointer}/{index}"), &format!("{path}[{index}]"), found);
            }
        }
        _ => {}
    }
}

fn all_objects() -> Vec<(String, String)> {
    let mut found = Vec::new();
    objects(&full(), "", "", &mut found);
    found
}

#[test]
fn the_filled_policy_is_sound() {
    assert_eq!(Policy::from_json(FULL).unwrap().validate(), []);
}

#[test]
fn an_unknown_field_is_refused_in_every_part_and_its_place_is_named() {
    let mut parts = 0;
    for (pointer, path) in all_objects() {
        let last = pointer.rsplit('/').next().unwrap();
        if MAPS.contains(&last) {
            continue;
        }
        let mut text = full();
        let part = text.pointer_mut(&pointer).unwrap().as_object_mut().unwrap();
        part.insert("zzz_unknown".to_owned(), Value::Null);
        let error = Policy::from_json(&text.to_string())
            .expect_err(&format!("an unknown field in `{path}` is accepted"));
        assert!(
            error.field.starts_with(path.as_str()) && error.field.len() <= path.len() + 12,
            "{path}: {error}"
        );
        // A choice of one field says that there must not be two.
        let is_choice = error.field == path;
        assert!(is_choice || error.reason.contains("unknown field `zzz_unknown`"), "{error}");
        parts += 1;
    }
    assert!(parts > 70, "only {parts} parts were tried");
}

#[test]
fn a_list_in_place_of_an_object_is_refused_everywhere() {
    assert_eq!(Policy::from_json("[]").unwrap_err().field, ".");
    for (pointer, path) in all_objects() {
        let mut text = full();
        *text.pointer_mut(&pointer).unwrap() = Value::Array(Vec::new());
        let error = Policy::from_json(&text.to_string())
            .expect_err(&format!("a list is accepted for `{path}`"));
        let path = if path.is_empty() { "." } else { &path };
        assert!(error.field.starts_with(path), "{path}: {error}");
    }
    let error = Policy::from_json(r#"{"tracking": [6, 4, 1, 2, 90]}"#).unwrap_err();
    assert_eq!(error.field, "tracking");
    assert!(error.reason.contains("not a list"), "{error}");
}

#[test]
fn misspelt_fields_of_nested_parts_are_told_with_the_known_ones() {
    for (text, field, known) in [
        (
            r#"{"calendars": {"c": {"zone": "UTC", "cutoff": "12:00:00", "holiday_calender": "US",
                "working_weekdays": [true, true, true, true, true, true, true]}}}"#,
            "calendars.c.holiday_calender",
            "`holiday_calendar`",
        ),
        (
            r#"{"kpi_targets": {"targets": {"handling_time": {"health": {"at_least": 1}}}}}"#,
            "kpi_targets.targets.handling_time.health",
            "`healthy`",
        ),
        (
            r#"{"alerts": {"channels": {"stuck": ["telex"]}}}"#,
            "alerts.channels.stuck[0]",
            "`email`",
        ),
        (r#"{"alerts": {"stuck_hour": 3}}"#, "alerts.stuck_hour", "`stuck_hours`"),
        (r#"{"review": {"phone": true}}"#, "review.phone", "`phone_required`"),
        (
            r#"{"sla_rules": [{"name": "r", "kind": "ship_by", "anchor": "order_paid",
                "span": {"elapsed": {"hours": 4, "minutes": 5}}}]}"#,
            "sla_rules[0].span.elapsed.minutes",
            "`hours`",
        ),
    ] {
        let error = Policy::from_json(text).unwrap_err();
        assert_eq!(error.field, field, "{error}");
        assert!(error.reason.contains(known), "{error}");
    }
}

#[test]
fn a_key_that_stands_twice_is_refused_and_named_wherever_it_is() {
    for (text, field) in [
        (r#"{"calendars": {"a": 1}, "calendars": {}}"#, None),
        (
            r#"{"alerts": {"pending_overdue_hours": {"default": 1, "platforms": {"p": 1, "p": 2}}}}"#,
            Some("alerts.pending_overdue_hours.platforms.p"),
        ),
        (
            r#"{"customs": {"goods": {"A": {}, "B": {}, "A": {"origin": "CN"}}}}"#,
            Some("customs.goods.A"),
        ),
        (
            r#"{"rate_cards": {"charts": {}, "cards": [{"service": {"carrier": "c", "service": "s"},
                "currency": "USD", "chart": "c", "steps": [1], "zones": {
                "2": {"transit_days": 1, "prices": ["1"]}, "2": {"transit_days": 1, "prices": ["2"]}}}]}}"#,
            None,
        ),
    ] {
        let error = Policy::from_json(text).unwrap_err();
        if let Some(field) = field {
            assert_eq!(error.field, field, "{error}");
            assert_eq!(error.reason, "occurs twice in its object");
        }
    }
    let error = Policy::from_json(r#"{"polling": {"floor_minutes": 5, "floor_minutes": 6}}"#);
    assert!(error.unwrap_err().to_string().contains("floor_minutes"));
    // The same key of two objects is none of these.
    assert!(Policy::from_json(FULL).is_ok());
}
