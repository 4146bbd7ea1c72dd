//! Claims, figures, and notifications that did not arrive.

use super::house::*;
use chrono::TimeDelta;
use orderflow::ports::{
    AfterSale, CaseAnswer, CaseKind, MarketplaceAdapter, MissedNotices, SellerFigures,
};
use orderflow::sandbox::mercado_libre::{SandboxClaim, Way};
use orderflow::sandbox::{Fault, Faults, ScriptedFault};
use orderflow::{Currency, ErrorKind, Money};
use serde_json::json;

fn claim(number: u64, changed_hours_ago: i64) -> SandboxClaim {
    let at = noon() - TimeDelta::hours(changed_hours_ago);
    SandboxClaim {
        id: number,
        order: 2_000_009_713_473_608,
        buyer: 6_427_433,
        site: "MLB",
        reason: "PDD9549",
        opened_at: at,
        changed_at: at,
        due_at: noon() + TimeDelta::days(2),
        stage: "claim",
        resolution: None,
        actions: vec!["refund", "send_message_to_complainant"],
        offered: Vec::new(),
        cents: 12_592,
    }
}

#[tokio::test]
async fn official_claims_read_with_kind_reason_and_actions() {
    let config = || {
        orderflow::platforms::mercado_libre::MercadoLibreConfig::new(
            "5503910054141466",
            "client-secret-canary",
            1_582_937_623,
            orderflow::platforms::mercado_libre::Site::brazil(),
            "shop",
            std::sync::Arc::new(tokens("shop", "TG-canary-refresh")),
        )
        .with_base_url("https://mercado.test")
        .with_retry(orderflow::client::RetryPolicy::none())
    };
    let token = fixture("oauth_refresh.response.json")
        .replace("\"user_id\": 1234567", "\"user_id\": 1582937623");
    let (shop, script) = scripted(
        config(),
        vec![
            ok(fixture("claim.response.json")),
            ok(fixture("claim_opened_with_actions.response.json")),
        ],
    );
    script.tokens.lock().unwrap().push_back(ok(token));
    let closed = shop.case(&CaseKind::Claim, "5256749420").await.unwrap();
    assert_eq!((closed.kind.clone(), closed.open), (CaseKind::Claim, false));
    assert_eq!(closed.reason.as_deref(), Some("PDD9549: payment_refunded"));
    assert_eq!(closed.order, Some(id("2000007819609432")));
    assert_eq!(closed.opened_at, Some(at("2024-03-14T12:28:44Z")));
    let open = shop.case(&CaseKind::Claim, "5204934310").await.unwrap();
    assert_eq!((open.kind.clone(), open.open), (CaseKind::Dispute, true));
    assert_eq!(open.actions, ["send_message_to_mediator"]);
    assert_eq!(open.respond_by, None);
}

#[tokio::test(start_paused = true)]
async fn claims_changed_in_a_window_come_in_pages_and_once() {
    let house = house();
    for number in 0..70 {
        house.market.open_claim(claim(number + 1, 1 + i64::try_from(number).unwrap() / 10));
    }
    house.market.open_claim(claim(500, 48));
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let from = noon() - TimeDelta::hours(24);
        let page = house.shop.cases(from, noon(), cursor.as_ref()).await.unwrap();
        cursor = page.next.clone();
        found.extend(read_items(page));
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(found.len(), 70);
    assert_eq!(found[0].respond_by, Some(noon() + TimeDelta::days(2)));
    let edge = noon() - TimeDelta::hours(48);
    let first = house.shop.cases(edge, edge + TimeDelta::hours(1), None).await.unwrap();
    assert_eq!(first.items.len(), 1, "the begin of a window is in it");
    let before = house.shop.cases(edge - TimeDelta::hours(1), edge, None).await.unwrap();
    assert!(before.items.is_empty(), "the end of a window is not");
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_changes_while_the_list_is_read_hides_no_other() {
    let house = house();
    for number in 0..120 {
        let changed_at = noon() - TimeDelta::minutes(300 - i64::try_from(number).unwrap() / 7);
        house.market.open_claim(SandboxClaim { changed_at, ..claim(number + 1, 5) });
    }
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let from = noon() - TimeDelta::hours(24);
        let page = house.shop.cases(from, noon(), cursor.as_ref()).await.unwrap();
        cursor = page.next.clone();
        found.extend(read_items(page).into_iter().map(|case| case.id));
        if cursor.is_none() {
            break;
        }
        // The first claims of the list leave the window.
        let moved = u64::try_from(found.len()).unwrap() / 50;
        house.market.open_claim(SandboxClaim { changed_at: noon(), ..claim(moved, 5) });
    }
    let all: Vec<String> = (1..=120).map(|number: u64| number.to_string()).collect();
    assert_eq!(found, all);
    let foreign = orderflow::ports::Cursor::new("50");
    let error = house.shop.cases(noon(), noon() + TimeDelta::hours(1), Some(&foreign)).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[tokio::test(start_paused = true)]
async fn a_refund_is_given_once_also_when_its_answer_is_lost() {
    let faults = Faults::scripted(vec![ScriptedFault {
        stand_in: "mercado-libre".into(),
        path: "expected-resolutions/refund".into(),
        from: 0,
        times: 1,
        fault: Fault::LostAfter,
    }]);
    let house = house_with(faults, |config| config);
    house.market.open_claim(claim(1, 1));
    let case = house.shop.case(&CaseKind::Claim, "1").await.unwrap();
    for _ in 0..2 {
        house.shop.answer(&case, &CaseAnswer::Accept, &key()).await.unwrap();
    }
    assert_eq!(house.market.answers_to(1), ["refund"]);
}

#[tokio::test(start_paused = true)]
async fn a_partial_refund_is_one_of_the_offers_to_the_cent() {
    let house = house();
    house.market.open_claim(claim(1, 1));
    let case = house.shop.case(&CaseKind::Claim, "1").await.unwrap();
    let part = |text: &str| CaseAnswer::PartialRefund {
        amount: Money::new(text.parse().unwrap(), Currency::BRL),
    };
    let error = house.shop.answer(&case, &part("25.00"), &key()).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("answer.amount")));
    house.shop.answer(&case, &part("25.18"), &key()).await.unwrap();
    assert_eq!(house.market.answers_to(1), ["partial_refund"]);
}

#[tokio::test(start_paused = true)]
async fn other_answers_go_to_their_calls_or_are_unsupported() {
    let house = house();
    house.market.open_claim(claim(1, 1));
    house.market.open_claim(claim(2, 1));
    let case = |number: &'static str| house.shop.case(&CaseKind::Claim, number);
    let first = case("1").await.unwrap();
    house.shop.answer(&first, &CaseAnswer::AllowReturn, &key()).await.unwrap();
    house.shop.answer(&first, &CaseAnswer::AllowReturn, &key()).await.unwrap();
    let refuse = |reason: &str| CaseAnswer::Refuse { reason: reason.into(), comment: None };
    let second = case("2").await.unwrap();
    // Nothing comes back by this claim.
    for (answer, kind) in
        [(refuse("no"), ErrorKind::Unsupported), (CaseAnswer::Received, ErrorKind::Rejected)]
    {
        let error = house.shop.answer(&second, &answer, &key()).await.unwrap_err();
        assert_eq!(error.kind(), kind);
    }
    house.shop.answer(&second, &refuse("open_dispute"), &key()).await.unwrap();
    house.shop.write_in_claim("1", "Vamos resolver.").await.unwrap();
    assert_eq!(house.market.answers_to(1), ["allow_return", "message"]);
    assert_eq!(house.market.answers_to(2), ["open_dispute"]);
    assert_eq!(case("2").await.unwrap().kind, CaseKind::Dispute);
}

#[tokio::test]
async fn reputation_figures_are_fractions_with_their_window_and_what_was_excluded() {
    let config =
        config().with_clock(std::sync::Arc::new(orderflow::sandbox::VirtualClock::new(noon())));
    let (shop, _) = scripted(config, vec![ok(fixture("user_seller_reputation.response.json"))]);
    let figures = shop.stated().await.unwrap();
    let row = |name: &str| figures.iter().find(|figure| figure.name == name).unwrap();
    let cancelled = row("cancellations");
    assert_eq!(cancelled.value.to_string(), "0");
    assert_eq!(cancelled.value_with_excluded.unwrap().to_string(), "0.0228");
    assert_eq!((cancelled.numerator, cancelled.denominator), (Some(0), Some(244)));
    assert_eq!((cancelled.from, cancelled.to), (noon() - TimeDelta::days(60), noon()));
    assert_eq!(cancelled.kpi.as_deref(), Some("KPI-02"));
    assert_eq!(row("claims").kpi.as_deref(), Some("KPI-05"));
    let late = row("delayed_handling_time");
    assert_eq!((late.kpi.as_deref(), late.denominator), (Some("KPI-09"), None));
    let (shop, _) = scripted(super::house::config(), vec![ok(json!({"id": 1}).to_string())]);
    assert!(shop.stated().await.unwrap().is_empty(), "a new seller has no figures");
}

#[tokio::test(start_paused = true)]
async fn missed_notifications_are_found_again_as_they_would_have_come() {
    let house = house();
    for seed in 0..60 {
        house.sale(seed, Way::DropOff);
    }
    let pushed = house.market.take_notices();
    let receive = |body: &[u8]| {
        let request = orderflow::ports::WebhookRequest {
            method: "POST",
            path_and_query: "/",
            headers: &[],
            body,
        };
        house.shop.webhooks().unwrap().receive(&request, noon()).unwrap()
    };
    let first = receive(&pushed[0]);
    for seed in 100..160 {
        house.sale(seed, Way::DropOff);
    }
    house.market.lose_notices();
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let page = house.shop.missed(cursor.as_ref()).await.unwrap();
        cursor = page.next.clone();
        found.extend(read_items(page));
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(found.len(), 60);
    assert!(found.iter().all(|notice| notice.kind == "orders_v2" && notice.order.is_some()));
    assert!(found.iter().all(|notice| notice.event_id != first.event_id));
}

/// Every type of claim in every stage, and words that nobody knows.
#[tokio::test]
async fn every_type_and_stage_of_a_claim_has_its_kind_and_unknown_words_are_kept() {
    let stages = ["claim", "dispute", "recontact", "stale", "none", "limbo"];
    let types = [
        ("return", CaseKind::Return),
        ("returns", CaseKind::Return),
        ("ml_case", CaseKind::Cancellation),
        // The seller's own cancellation is no wish of the buyer.
        ("cancel_sale", CaseKind::Other("cancel_sale".to_owned())),
        ("cancel_purchase", CaseKind::Cancellation),
        ("change", CaseKind::Replacement),
        ("fulfillment", CaseKind::Other("fulfillment".to_owned())),
        ("service", CaseKind::Other("service".to_owned())),
        ("levitation", CaseKind::Other("levitation".to_owned())),
    ];
    let mut rows: Vec<(&str, &str, bool, CaseKind)> = Vec::new();
    for stage in stages {
        for (kind, wanted) in &types {
            rows.push((kind, stage, false, wanted.clone()));
        }
        // Most claims have this type, whatever they are about.
        let (alone, with_return) = match stage {
            "dispute" => (CaseKind::Dispute, CaseKind::Dispute),
            _ => (CaseKind::Claim, CaseKind::Return),
        };
        rows.push(("mediations", stage, false, alone));
        rows.push(("mediations", stage, true, with_return));
    }
    for (kind, stage, comes_back, wanted) in rows {
        for (status, open) in [("opened", true), ("closed", false), ("reopened", true)] {
            let mut claim = json_fixture("claim.response.json");
            claim["type"] = json!(kind);
            claim["stage"] = json!(stage);
            claim["status"] = json!(status);
            let related: &[&str] = if comes_back { &["return"] } else { &[] };
            claim["related_entities"] = json!(related);
            let (shop, _) = scripted(config(), vec![ok(claim.to_string())]);
            let case = shop.case(&CaseKind::Claim, "5256749420").await.unwrap();
            let name = format!("{kind}/{stage}/{status}");
            assert_eq!((case.kind, case.open), (wanted.clone(), open), "{name}");
            assert_eq!(case.status, status, "{name}");
        }
    }
}

#[tokio::test]
async fn reasons_resolutions_and_actions_are_kept_word_for_word_with_the_earliest_deadline() {
    for (reason, resolution, wanted) in [
        ("PNR3430", None, "PNR3430"),
        ("PDD9549", Some("item_returned"), "PDD9549: item_returned"),
        ("CS1", Some("never_heard_of"), "CS1: never_heard_of"),
    ] {
        let mut claim = json_fixture("claim_opened_with_actions.response.json");
        claim["reason_id"] = json!(reason);
        claim["resolution"] = match resolution {
            Some(word) => json!({"reason": word}),
            None => json!(null),
        };
        claim["players"][1]["user_id"] = json!(SELLER);
        claim["players"][1]["available_actions"] = json!([
            {"action": "send_potential_shipping", "mandatory": true, "due_date": "2024-04-15T00:00:00.000-04:00"},
            {"action": "dance", "mandatory": false, "due_date": "2024-04-14T00:00:00.000-0400"},
            {"action": "refund", "mandatory": false, "due_date": null}
        ]);
        let (shop, _) = scripted(config(), vec![ok(claim.to_string())]);
        let case = shop.case(&CaseKind::Claim, "5204934310").await.unwrap();
        assert_eq!(case.reason.as_deref(), Some(wanted));
        assert_eq!(case.actions, ["send_potential_shipping", "dance", "refund"]);
        assert_eq!(case.respond_by, Some(at("2024-04-14T04:00:00Z")));
    }
}
