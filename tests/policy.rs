//! The policy document: read, checked, and what presets bring.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics has failed, which is what it is for"
)]

#[path = "policy/findings.rs"]
mod findings;
#[path = "policy/strict.rs"]
mod strict;

use chrono::{NaiveDate, NaiveTime};
use orderflow::calendar::WorkCalendar;
use orderflow::rules::kpi::KpiId;
use orderflow::rules::{
    CarrierMap, CarrierMapRow, Policy, PolicyPresetError, Span, check_poll_interval, poll_plan,
};
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
        (
            r#"{"calendars": {"c": {"zone": "UTC", "cutoff": "12:00:00", "working_weekdays": [true, true, true, true, true, true, true], "special_hours": {"2026-12-24": {"opens": "18:00:00", "closes": "09:00:00"}}}}}"#,
            "calendars.c.special_hours.2026-12-24",
            "must be later than `opens`",
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
            "route_rules[0].when.max_weight",
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
            r#"{{"alerts": {{"ship_ladder": {{"breach_channels": ["phone"], "scale_below_hours": 24, "steps": [{steps}]}}}}}}"#
        )
    };
    let step = |level: &str, hours: u32, percent: u32| {
        format!(
            r#"{{"level": "{level}", "hours_left": {hours}, "percent_left": {percent}, "channels": ["sms"]}}"#
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

#[test]
fn dates_and_times_of_toml_itself_are_read_like_text() {
    let native = r#"
        [calendars.here]
        zone = "America/New_York"
        working_weekdays = [true, true, true, true, true, false, false]
        cutoff = 14:00:00
        holidays = [2026-12-25, "2026-12-28"]
        half_days = { 2026-12-24 = 11:00:00 }
        hours = { opens = 08:30:00, closes = "17:00:00" }
        special_hours = { 2026-12-31 = { opens = 09:00:00, closes = 12:00:00 } }

        [[sla_rules]]
        name = "deliver"
        kind = "deliver_by"
        anchor = "order_paid"
        span = { calendar_days = { days = 3, zone = "UTC", end_of_day = 18:00:00 } }

        [alerts.quiet]
        zone = "UTC"
        from = 22:00:00
        to = 07:00:00
    "#;
    let policy: Policy = toml::from_str(native).unwrap();
    let calendar: &WorkCalendar = &policy.calendars["here"];
    let time = |h, m| NaiveTime::from_hms_opt(h, m, 0).unwrap();
    let day = |d| NaiveDate::from_ymd_opt(2026, 12, d).unwrap();
    assert_eq!(calendar.cutoff, time(14, 0));
    assert_eq!(calendar.holidays.iter().copied().collect::<Vec<_>>(), [day(25), day(28)]);
    assert_eq!(calendar.half_days[&day(24)], time(11, 0));
    assert_eq!(calendar.hours.unwrap().opens(), time(8, 30));
    assert_eq!(calendar.special_hours[&day(31)].closes(), time(12, 0));
    let end = Some(time(18, 0));
    let zone = chrono_tz::UTC;
    assert_eq!(policy.sla_rules[0].span, Span::CalendarDays { days: 3, zone, end_of_day: end });
    assert_eq!(policy.alerts.quiet.unwrap().from, time(22, 0));
    // Written again they are text, in every format.
    let text = toml::to_string(&policy).unwrap();
    assert_eq!(toml::from_str::<Policy>(&text).unwrap(), policy);

    for (wrong, reason) in [
        ("cutoff = 2026-12-24", "2026-12-24"),
        ("cutoff = 14", "a local date or time as text"),
        ("cutoff = { hour = 14 }", "a local date or time as text"),
        ("cutoff = \"noon\"", "noon"),
    ] {
        let text = native.replace("cutoff = 14:00:00", wrong);
        let error = toml::from_str::<Policy>(&text).unwrap_err().to_string();
        assert!(error.contains(reason), "{wrong}: {error}");
    }
}

#[test]
fn the_bounds_of_the_poll_plan_are_decided_by_the_policy() {
    let mut policy = read(SHOP);
    let shop = policy.shops[0].key();
    policy.shops[0].orders_per_day = 150;
    assert_eq!(policy.poll_plan(&shop), Ok(poll_plan(150, false, false)));
    policy.polling.floor_minutes = 8;
    assert_eq!(policy.poll_plan(&shop).unwrap().every_minutes, 8);
    policy.shops[0].orders_per_day = 10;
    policy.shops[0].push = true;
    assert_eq!(policy.poll_plan(&shop).unwrap().every_minutes, 30);
    policy.polling.ceiling_minutes = 20;
    assert_eq!(policy.poll_plan(&shop).unwrap().every_minutes, 20);
    // A shop that must acknowledge is asked more often.
    let text = SHOP
        .replace("mercado-libre", "walmart")
        .replace(r#""currency""#, r#""push": true, "currency""#);
    let mut policy = read(&text);
    let shop = policy.shops[0].key();
    assert_eq!(policy.poll_plan(&shop).unwrap().every_minutes, 15);
    policy.polling.acknowledge_minutes = 7;
    assert_eq!(policy.poll_plan(&shop).unwrap().every_minutes, 7);
    assert_eq!(check_poll_interval(7, true, 0), None);
    let stranger = ShopKey::new(PlatformId::from_static("walmart"), ShopId::from_static("9"));
    assert!(policy.poll_plan(&stranger).is_err());
}

proptest! {
    #[test]
    fn the_order_of_rows_never_decides_how_a_carrier_is_called(
        rows in prop::collection::vec((0_u8..8, 0_u8..3), 1..8).prop_map(|rows| {
            rows.into_iter().map(|(set, code)| {
                let text = serde_json::json!({
                    "platform": (set & 4 != 0).then_some("csv"),
                    "site": (set & 2 != 0).then_some("US"),
                    "carrier": "post",
                    "service": (set & 1 != 0).then_some("GROUND"),
                    "code": { "code": format!("C{code}") },
                });
                serde_json::from_value::<CarrierMapRow>(text).unwrap()
            }).collect::<Vec<_>>()
        }).prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())),
    ) {
        let (rows, shuffled) = rows;
        let name = |rows: Vec<CarrierMapRow>| {
            let (platform, carrier) = (PlatformId::from_static("csv"), "post".parse().unwrap());
            let service = "GROUND".parse().unwrap();
            CarrierMap::new(rows).code(&platform, Some("US"), &carrier, &service).cloned()
        };
        prop_assert_eq!(name(rows), name(shuffled));
    }

    #[test]
    fn no_text_breaks_reading_a_policy(text in ".{0,300}") {
        let _ = Policy::from_json(&text).map(|policy| policy.validate());
    }
}
