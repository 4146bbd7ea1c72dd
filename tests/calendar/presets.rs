//! The presets: their numbers, where they are from, and how they are read.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use orderflow::PlatformId;
use orderflow::order::{Action, Actor, Event};
use orderflow::order::{
    DeadlineKind, DeadlineSource, Order, PlatformDeadline, ShipTimeBasis, import,
};
use orderflow::rules::presets::{self, Preset, PresetError};
use orderflow::rules::{Anchor, SlaRules, Span, deadlines, reply_deadline};

use super::support::{hours, key, snapshot};
use super::{local, utc};

use DeadlineKind as K;

const PACIFIC: chrono_tz::Tz = chrono_tz::America::Los_Angeles;

/// An order of a platform, placed and paid at an instant.
fn order(platform: &str, paid_at: DateTime<Utc>, service: Option<&str>) -> Order {
    let mut said = snapshot("preset", &[("1", 1)]);
    (said.placed_at, said.paid_at) = (paid_at, Some(paid_at));
    said.requested_service = service.map(str::to_owned);
    let mut key = key("preset");
    key.platform = PlatformId::new(platform).unwrap();
    let imported = Action::Imported { snapshot: Box::new(said), needs_acknowledgement: true };
    import(&key, &Event::once(imported, paid_at, Actor::Platform)).unwrap().order
}

fn only(preset: Preset) -> SlaRules {
    SlaRules { shop: Vec::new(), presets: preset.rules }
}

fn at(order: &Order, rules: &SlaRules, kind: K) -> Option<DateTime<Utc>> {
    deadlines(order, &[], rules)
        .unwrap()
        .into_iter()
        .find(|deadline| deadline.kind == kind)
        .map(|deadline| deadline.at)
}

fn default(platform: &str) -> SlaRules {
    only(presets::default_for(&PlatformId::new(platform).unwrap()).unwrap())
}

#[test]
fn every_preset_is_dated_has_a_source_and_answers_for_an_order_of_its_platform() {
    let names: Vec<_> = presets::names().collect();
    assert!(names.len() >= 8, "{names:?}");
    for name in names {
        let preset = presets::load(name).unwrap();
        assert!(preset.as_of >= NaiveDate::from_ymd_opt(2025, 10, 1).unwrap(), "{name}");
        assert!(preset.source.len() > 20, "{name}");
        assert!(preset.rules.iter().all(|rule| rule.penalty.is_some()), "{name}");
        assert!(preset.rules.iter().all(|rule| rule.scope.platform == preset.platform), "{name}");
        let platform = preset.platform.clone().map_or("any".to_owned(), |id| id.to_string());
        let order = order(&platform, utc("2026-03-04T18:00:00Z"), None);
        let rules = only(preset);
        assert!(at(&order, &rules, K::ShipBy).is_some(), "{name}");
        assert!(rules.penalty(&order, K::ShipBy).is_some(), "{name}");
    }
    assert!(presets::AS_OF.parse::<NaiveDate>().is_ok());
}

#[test]
fn an_unknown_preset_is_an_error_that_lists_the_known_ones() {
    let error = presets::load("walmart_5h").unwrap_err();
    assert!(
        matches!(&error, PresetError::Unknown { name, known } if name == "walmart_5h" && known.len() > 5)
    );
    let text = error.to_string();
    assert!(text.contains("`walmart_5h`") && text.contains("walmart_4h"), "{text}");
    assert_eq!(presets::default_for(&PlatformId::from_static("nowhere")), None);
}

#[test]
fn walmart_by_default_wants_one_hour_48_or_72_hours_and_24_hours_twice() {
    let paid = utc("2026-03-06T12:00:00Z");
    let rules = default("walmart");
    let standard = order("walmart", paid, Some("VALUE"));
    assert_eq!(at(&standard, &rules, K::AcknowledgeBy), Some(paid + hours(1)));
    assert_eq!(at(&standard, &rules, K::ShipBy), Some(paid + hours(72)));
    assert_eq!(
        at(&order("walmart", paid, Some("TWO_DAY")), &rules, K::ShipBy),
        Some(paid + hours(48))
    );
    assert_eq!(
        at(&order("walmart", paid, Some("THREE_DAY")), &rules, K::ShipBy),
        Some(paid + hours(72))
    );
    assert_eq!(at(&standard, &rules, K::AutoCancelUnlessShipped), None);
    let upload = rules.presets.iter().find(|rule| rule.kind == K::UploadTrackingBy).unwrap();
    assert_eq!(
        (upload.anchor, &upload.span),
        (Anchor::ShipConfirmed, &Span::Elapsed { hours: 24 })
    );
    let reply = reply_deadline(&standard, paid, &rules).unwrap().unwrap();
    assert_eq!(
        (reply.at, reply.source),
        (paid + hours(24), DeadlineSource::Preset("reply-24h".into()))
    );
    assert_eq!(rules.penalty(&standard, K::AcknowledgeBy).unwrap().kind, "cancellation");
}

#[test]
fn walmart_may_be_taken_with_four_hours_to_acknowledge() {
    let paid = utc("2026-03-06T12:00:00Z");
    let rules = only(presets::load("walmart_4h").unwrap());
    let standard = order("walmart", paid, None);
    assert_eq!(at(&standard, &rules, K::AcknowledgeBy), Some(paid + hours(4)));
    assert_eq!(at(&standard, &rules, K::ShipBy), Some(paid + hours(72)), "the rest stays");
    assert_eq!(rules.presets.iter().filter(|rule| rule.kind == K::AcknowledgeBy).count(), 1);
}

#[test]
fn walmart_cancels_by_itself_four_calendar_days_after_the_expected_ship_date_or_eight() {
    let expected = local(PACIFIC, "2026-03-06T23:59:59");
    let theirs = [PlatformDeadline { kind: K::ShipBy, at: expected }];
    for (name, day) in [("walmart_us", "2026-03-10"), ("walmart_us_8_days", "2026-03-14")] {
        let rules = only(presets::load(name).unwrap());
        let order = order("walmart", utc("2026-03-04T12:00:00Z"), None);
        let found = deadlines(&order, &theirs, &rules).unwrap();
        let of = |kind| found.iter().find(|deadline| deadline.kind == kind).unwrap();
        assert_eq!(of(K::ShipBy).source, DeadlineSource::Platform);
        assert_eq!(of(K::AutoCancelUnlessShipped).at, local(PACIFIC, &format!("{day}T23:59:59")));
        let message = utc("2026-03-04T12:00:00Z");
        let reply = reply_deadline(&order, message, &rules).unwrap().unwrap();
        assert_eq!(reply.at, message + hours(48));
    }
}

#[test]
fn tiktok_by_default_wants_72_hours_with_tracking() {
    let paid = utc("2026-03-06T12:00:00Z");
    let order = order("tiktok-shop", paid, None);
    let found = deadlines(&order, &[], &default("tiktok-shop")).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].kind, found[0].at), (K::ShipBy, paid + hours(72)));
    assert!(found[0].requires.tracking);
    assert_eq!(found[0].requires.ship_time_basis, ShipTimeBasis::ShipConfirmed);
}

#[test]
fn tiktok_in_the_united_states_counts_business_days_in_pacific_time() {
    let preset = presets::load("tiktok_us_2025_10").unwrap();
    let rules = only(preset.clone());
    let of = |paid: &str, kind| at(&order("tiktok-shop", local(PACIFIC, paid), None), &rules, kind);
    let end = |date: &str| Some(local(PACIFIC, &format!("{date}T23:59:59")));
    // Thursday at 23:59 is in time, at 23:59:01 it counts for Friday.
    assert_eq!(of("2026-03-05T23:59:00", K::ShipBy), end("2026-03-09"));
    assert_eq!(of("2026-03-05T23:59:01", K::ShipBy), end("2026-03-10"));
    // Memorial Day 2026 is Monday 25 May.
    assert_eq!(of("2026-05-22T10:00:00", K::ShipBy), end("2026-05-27"));
    assert_eq!(of("2026-05-23T10:00:00", K::ShipBy), end("2026-05-28"));
    // Friday 3 July 2026 is off for Saturday the 4th.
    assert_eq!(of("2026-07-01T10:00:00", K::ShipBy), end("2026-07-06"));
    assert_eq!(of("2026-03-02T10:00:00", K::DeliverBy), end("2026-03-10"));
    assert_eq!(of("2026-03-02T10:00:00", K::AutoCancelUnlessShipped), end("2026-03-11"));
    let scanned = preset.with_ship_time_basis(ShipTimeBasis::CarrierAccepted);
    let found =
        deadlines(&order("tiktok-shop", utc("2026-03-02T18:00:00Z"), None), &[], &only(scanned));
    let ship = found.unwrap().into_iter().find(|deadline| deadline.kind == K::ShipBy).unwrap();
    assert_eq!(ship.requires.ship_time_basis, ShipTimeBasis::CarrierAccepted);
    assert!(ship.requires.tracking);
}

#[test]
fn tiktok_orders_made_on_demand_are_cancelled_business_days_after_their_dispatch_deadline() {
    let rules = only(presets::load("tiktok_us_2025_10").unwrap());
    let theirs = [PlatformDeadline { kind: K::ShipBy, at: local(PACIFIC, "2026-03-06T23:59:59") }];
    for (category, date) in
        [("MADE_TO_ORDER", "2026-03-12"), ("BACK_ORDER", "2026-03-12"), ("PRE_ORDER", "2026-03-13")]
    {
        let mut order = order("tiktok-shop", utc("2026-02-20T18:00:00Z"), None);
        order.tags.insert(category.to_owned());
        let found = deadlines(&order, &theirs, &rules).unwrap();
        let cancel =
            found.iter().find(|deadline| deadline.kind == K::AutoCancelUnlessShipped).unwrap();
        assert_eq!(cancel.at, local(PACIFIC, &format!("{date}T23:59:59")), "{category}");
    }
}

#[test]
fn tiktoks_policy_for_the_united_states_leaves_other_sites_alone() {
    let rules = only(presets::load("tiktok_us_2025_10").unwrap());
    let mut order = order("tiktok-shop", utc("2026-03-04T18:00:00Z"), None);
    order.site = Some("GB".into());
    assert_eq!(deadlines(&order, &[], &rules), Ok(Vec::new()));
}

#[test]
fn mercado_libre_wants_two_to_seven_days_by_category_and_two_when_it_is_unknown() {
    let paid = utc("2026-03-06T12:00:00Z");
    let preset = presets::default_for(&PlatformId::from_static("mercado-libre")).unwrap();
    let rules = only(
        preset
            .clone()
            .with_category_days("furniture", 7)
            .unwrap()
            .with_category_days("toys", 3)
            .unwrap(),
    );
    for (category, days) in [("furniture", 7), ("toys", 3), ("unheard of", 2)] {
        let mut order = order("mercado-libre", paid, None);
        order.tags.insert(category.to_owned());
        assert_eq!(at(&order, &rules, K::ShipBy), Some(paid + TimeDelta::days(days)), "{category}");
        assert_eq!(rules.penalty(&order, K::ShipBy).unwrap().kind, "rating");
    }
    for days in [0, 1, 8, u32::MAX] {
        assert_eq!(
            preset.clone().with_category_days("toys", days),
            Err(PresetError::DaysOutOfBounds { days, least: 2, most: 7 })
        );
    }
    let again =
        preset.with_category_days("toys", 3).unwrap().with_category_days("toys", 4).unwrap();
    assert_eq!(at(&tagged("toys", paid), &only(again), K::ShipBy), Some(paid + hours(96)));
    let named = only(presets::load("mercado_libre_72h").unwrap());
    assert_eq!(at(&order("mercado-libre", paid, None), &named, K::ShipBy), Some(paid + hours(72)));
    let walmart = presets::load("walmart").unwrap().with_category_days("toys", 3);
    assert_eq!(walmart, Err(PresetError::NotByCategory("walmart".into())));
}

fn tagged(category: &str, paid: DateTime<Utc>) -> Order {
    let mut order = order("mercado-libre", paid, None);
    order.tags.insert(category.to_owned());
    order
}

#[test]
fn each_platform_has_one_default() {
    for platform in ["walmart", "tiktok-shop", "mercado-libre"] {
        let defaults: Vec<_> = presets::names()
            .map(|name| presets::load(name).unwrap())
            .filter(|preset| preset.is_default())
            .filter(|preset| preset.platform.as_ref().is_some_and(|id| id.as_str() == platform))
            .collect();
        assert_eq!(defaults.len(), 1, "{platform}");
    }
}

#[test]
fn presets_that_are_wrong_are_refused_with_the_field() {
    let field = |text: &str| match presets::from_json(text) {
        Err(PresetError::Invalid { field, .. }) => field,
        other => panic!("{text}: {other:?}"),
    };
    let preset = |more: &str| {
        format!(r#"{{"presets":[{{"name":"a","as_of":"2026-01-01","source":"s"{more}}}]}}"#)
    };
    assert!(presets::from_json(&preset("")).is_ok());
    assert_eq!(field(&preset(r#","extends":"b""#)), "presets[0].extends");
    assert_eq!(
        field(&preset(r#","rules":[{"name":"r","kind":"ship_buy"}]"#)),
        "presets[0].rules[0].kind"
    );
    assert_eq!(field(&preset(r#","sauce":1"#)), "presets[0].sauce");
    let rule =
        r#"{"name":"r","kind":"ship_by","anchor":"order_paid","span":{"elapsed":{"hours":1}}}"#;
    assert_eq!(field(&preset(&format!(r#","rules":[{rule},{rule}]"#))), "presets[0].rules");
    let twice = preset("").replace("]}", r#",{"name":"a","as_of":"2026-01-01","source":"s"}]}"#);
    assert_eq!(field(&twice), "presets[1].name");
    assert!(!field("").is_empty());
    assert!(!field(&format!("{} x", preset(""))).is_empty());
}
