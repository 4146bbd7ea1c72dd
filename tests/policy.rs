//! The policy document: read, checked, and what presets bring.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics has failed, which is what it is for"
)]

use orderflow::rules::kpi::KpiId;
use orderflow::rules::{Policy, PolicyPresetError};
use orderflow::{PlatformId, ShopId, ShopKey};
use proptest::prelude::*;

fn read(text: &str) -> Policy {
    Policy::from_json(text).unwrap()
}

fn fields(text: &str) -> Vec<String> {
    read(text).validate().into_iter().map(|finding| finding.field).collect()
}

const SHOP: &str = r#"{
    "calendars": { "here": { "zone": "America/Sao_Paulo", "cutoff": "12:00:00",
        "working_weekdays": [true, true, true, true, true, true, false] } },
    "shops": [ { "platform": "mercado-libre", "shop": "1", "calendar": "here", "currency": "BRL" } ]
}"#;

#[test]
fn an_empty_policy_is_sound_and_has_every_default() {
    let policy = read("{}");
    assert_eq!(policy, Policy::default());
    assert_eq!(policy.validate(), []);
    assert_eq!(policy.allocation.max_splits, 2);
}

#[test]
fn what_cannot_be_read_names_its_field() {
    for (text, field, reason) in [
        (r#"{"alerst": {}}"#, "alerst", "unknown field"),
        (r#"{"shops": [{"platform": "p"}]}"#, "shops[0]", "missing field `shop`"),
        (
            r#"{"shops": [{"platform": "p", "shop": "1", "calendar": "c", "currency": "EURO"}]}"#,
            "shops[0].currency",
            "EURO",
        ),
        (
            r#"{"calendars": {"c": {"zone": "Mars/Base", "cutoff": "12:00:00", "working_weekdays": [true, true, true, true, true, true, true]}}}"#,
            "calendars.c.zone",
            "Mars/Base",
        ),
        (r#"{"route_rules": [{"id": "r"}]}"#, "route_rules[0]", "missing field `then`"),
        (r#"{"alerts": {"stuck_hours": -1}}"#, "alerts.stuck_hours", "invalid value"),
        ("{} {}", ".", "trailing"),
        ("", ".", "EOF"),
    ] {
        let error = Policy::from_json(text).unwrap_err();
        assert_eq!(error.field, field, "{text}: {error}");
        assert!(error.reason.contains(reason), "{text}: {error}");
    }
}

#[test]
fn what_cannot_work_names_its_field_and_the_reason() {
    let shop =
        |change: &str| SHOP.replace("\"shop\": \"1\",", &format!("\"shop\": \"1\", {change}"));
    assert_eq!(fields(SHOP), [""; 0]);
    assert_eq!(
        fields(&SHOP.replace(r#""calendar": "here""#, r#""calendar": "there""#)),
        ["shops[0].calendar"]
    );
    assert_eq!(fields(&shop(r#""sla_presets": ["walmart_4h"],"#)), ["shops[0].sla_presets[0]"]);
    assert_eq!(fields(&shop(r#""sla_presets": ["nobody"],"#)), ["shops[0].sla_presets[0]"]);
    assert_eq!(fields(&shop(r#""kpi_targets": "nobody","#)), ["shops[0].kpi_targets"]);
    let twice = SHOP.replace(
        r#""currency": "BRL" }"#,
        r#""currency": "BRL" }, { "platform": "mercado-libre", "shop": "1", "calendar": "here", "currency": "BRL" }"#,
    );
    assert_eq!(fields(&twice), ["shops[1].shop"]);
    let idle = SHOP.replace(
        "[true, true, true, true, true, true, false]",
        "[false, false, false, false, false, false, false]",
    );
    assert_eq!(fields(&idle), ["calendars.here.working_weekdays"]);

    for (text, field) in [
        (r#"{"allocation": {"max_splits": 0}}"#, "allocation.max_splits"),
        (r#"{"allocation": {"min_split_value": "-1"}}"#, "allocation.min_split_value"),
        (
            r#"{"allocation": {"preferences": ["priority", "priority"]}}"#,
            "allocation.preferences[1]",
        ),
        (r#"{"route": {"quote_ttl_hours": 0}}"#, "route.quote_ttl_hours"),
        (r#"{"catalogues": ["nobody"]}"#, "catalogues[0]"),
        (r#"{"alerts": {"repeat_hours": 0}}"#, "alerts.repeat_hours"),
        (r#"{"alerts": {"upload_note_minutes": 61}}"#, "alerts.upload_note_minutes"),
        (r#"{"shop_alerts": {"late_warn_percent": 11}}"#, "shop_alerts.late_warn_percent"),
        (r#"{"messages": {"survey_hours": 25}}"#, "messages.survey_hours"),
        (r#"{"tracking": {"moving_hours": 0}}"#, "tracking.moving_hours"),
        (
            r#"{"classification": {"value_bands": [["50", "low"], ["50", "medium"]]}}"#,
            "classification.value_bands[1]",
        ),
        (
            r#"{"sla_rules": [{"name": " ", "kind": "ship_by", "anchor": "order_paid", "span": {"elapsed": {"hours": 0}}}]}"#,
            "sla_rules[0].name",
        ),
        (
            r#"{"route_rules": [{"id": "r", "when": {"min_weight": 500, "max_weight": 500}, "then": {"only": []}}]}"#,
            "route_rules[0].max_weight",
        ),
    ] {
        let found = read(text).validate();
        assert!(found.iter().any(|finding| finding.field == field), "{text}: {found:?}");
        assert!(found.iter().all(|finding| !finding.reason.is_empty()));
    }
}

#[test]
fn a_ladder_must_climb() {
    let ladder = |steps: &str| {
        format!(
            r#"{{"alerts": {{"ship_ladder": {{"breach_channels": [], "scale_below_hours": 24, "steps": [{steps}]}}}}}}"#
        )
    };
    let step = |level: &str, hours: u32, percent: u32| {
        format!(
            r#"{{"level": "{level}", "hours_left": {hours}, "percent_left": {percent}, "channels": []}}"#
        )
    };
    let sound = [step("L1", 24, 50), step("L2", 12, 25)].join(",");
    assert_eq!(fields(&ladder(&sound.to_lowercase())), [""; 0]);
    let wrong = [step("L2", 12, 25), step("L1", 12, 101), step("Breach", 1, 0)].join(",");
    assert_eq!(
        fields(&ladder(&wrong.to_lowercase())),
        [
            "alerts.ship_ladder.steps[1].hours_left",
            "alerts.ship_ladder.steps[1].level",
            "alerts.ship_ladder.steps[1].percent_left",
            "alerts.ship_ladder.steps[1].percent_left",
            "alerts.ship_ladder.steps[2].level",
            "alerts.ship_ladder.steps[2].percent_left",
        ]
    );
}

#[test]
fn the_seeds_load_by_name_and_shops_get_their_platforms_presets() {
    let seeds = Policy::preset("seeds").unwrap();
    assert_eq!(seeds.validate(), []);
    assert!(Policy::presets().any(|name| name == "seeds"));
    assert_eq!(Policy::preset("nobody"), None);
    let tiktok = PlatformId::from_static("tiktok-shop");
    assert_eq!(*seeds.alerts.pending_overdue_hours.of(&tiktok), 48);
    assert_eq!(*seeds.exceptions.delay_hours.of(&tiktok), 72);
    assert_eq!(seeds.all_services().len(), 10);

    let policy = read(SHOP);
    let shop = policy.shops[0].key();
    let rules = policy.sla_rules(&shop).unwrap();
    assert!(rules.presets.iter().any(|rule| rule.name == "ship-2-days"));
    assert!(policy.targets(&shop).unwrap().of(KpiId::OnTimeShipping).is_some());
    assert_eq!(policy.calendar(&shop).unwrap().zone, chrono_tz::America::Sao_Paulo);
    let stranger = ShopKey::new(tiktok, ShopId::from_static("9"));
    assert_eq!(policy.sla_rules(&stranger), Err(PolicyPresetError::UnknownShop(stranger.clone())));
    let misspelt = SHOP.replace("\"shop\": \"1\",", "\"shop\": \"1\", \"sla_presets\": [\"x\"],");
    assert!(matches!(read(&misspelt).sla_rules(&shop), Err(PolicyPresetError::Sla(_))));
}

#[test]
fn a_policy_survives_json_and_toml() {
    let mut policy = Policy::preset("seeds").unwrap();
    let shops = read(SHOP);
    policy.calendars = shops.calendars;
    policy.shops = shops.shops;
    let json = serde_json::to_string(&policy).unwrap();
    assert_eq!(read(&json), policy);
    let text = toml::to_string(&policy).unwrap();
    assert_eq!(toml::from_str::<Policy>(&text).unwrap(), policy);
}

proptest! {
    #[test]
    fn no_text_breaks_reading_a_policy(text in ".{0,300}") {
        let _ = Policy::from_json(&text).map(|policy| policy.validate());
    }
}
