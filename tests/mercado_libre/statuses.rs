//! Every shipment status and substatus, the official ones and those seen live.

use std::collections::BTreeSet;

use super::house::*;
use orderflow::order::{HoldReason, LogisticsMode, PlatformOrder, UnitStatus};
use orderflow::ports::MarketplaceAdapter;
use serde_json::json;

async fn read(mode: &str, status: &str, substatus: Option<&str>) -> PlatformOrder {
    let order = json_fixture("order_pack_catalog.response.json");
    let shipment = json!({"id": 44_028_792_542_u64, "status": status, "substatus": substatus,
        "tracking_number": "MEL1", "logistic": {"mode": mode, "type": "drop_off"}});
    // Deadline or history, whichever is asked for, is not there.
    let answers =
        vec![missing(), ok(order.to_string()), missing(), ok(shipment.to_string()), missing()];
    let (shop, _) = scripted(config(), answers);
    shop.get_order(&id("2000009713473608")).await.unwrap()
}

fn official() -> Vec<(String, Option<String>)> {
    let list = json_fixture("shipment_statuses.response.json");
    let mut rows = Vec::new();
    for status in list.as_array().unwrap() {
        let name = status["id"].as_str().unwrap();
        rows.push((name.to_owned(), None));
        for substatus in status["substatuses"].as_array().unwrap() {
            rows.push((name.to_owned(), substatus["id"].as_str().map(str::to_owned)));
        }
    }
    rows.extend(
        [
            ("ready_to_ship", "soon_to_pickup"),
            ("shipped", "first_visit"),
            ("shipped", "unauthorized_receiver"),
        ]
        .map(|(status, substatus)| (status.to_owned(), Some(substatus.to_owned()))),
    );
    rows
}

/// What the words mean, written down a second time and by another rule: by status, with exceptions.
fn meaning(status: &str, substatus: Option<&str>) -> UnitStatus {
    let handed_over = ["picked_up", "dropped_off", "authorized_by_carrier", "in_hub", "in_transit"];
    let not_labelled =
        ["ready_to_print", "invoice_pending", "ready_to_pack", "in_warehouse", "on_hold"];
    let stuck = ["stale", "claimed_me", "rejected_in_hub"];
    let outside = ["shipped_outside_me", "shipped_outside_me_trusted", "inferred_shipped"];
    let back = ["returned", "returned_to_warehouse", "recovered"];
    let returning = ["waiting_for_return_confirmation", "return_confirmed"];
    let is = |words: &[&str]| substatus.is_some_and(|word| words.contains(&word));
    match status {
        "handling" if is(&returning) => UnitStatus::InTransit,
        "to_be_agreed" | "pending" | "handling" => UnitStatus::New,
        "ready_to_ship" if substatus.is_none() || is(&not_labelled) => UnitStatus::New,
        "ready_to_ship" if is(&handed_over) || is(&stuck) => UnitStatus::InTransit,
        // Labelled, but nobody has scanned it.
        "ready_to_ship" => UnitStatus::Acknowledged,
        "shipped" | "stale_shipped" | "stale_ready_to_ship" | "error" => UnitStatus::InTransit,
        "delivered" | "closed" => UnitStatus::Delivered,
        "not_delivered" if is(&back) => UnitStatus::Returned,
        "not_delivered" => UnitStatus::InTransit,
        "cancelled" if is(&outside) => UnitStatus::InTransit,
        "cancelled" => UnitStatus::New,
        other => UnitStatus::Unknown(other.to_owned()),
    }
}

#[tokio::test]
async fn every_official_status_and_substatus_has_its_meaning() {
    let rows = official();
    assert!(rows.len() > 150, "{}", rows.len());
    for (status, substatus) in rows {
        let order = read("me2", &status, substatus.as_deref()).await;
        let group = &order.lines[0].units[0];
        let name = format!("{status}/{substatus:?}");
        assert_eq!(group.status, meaning(&status, substatus.as_deref()), "{name}");
        assert_eq!(group.units, 2, "{name}");
        assert_eq!(order.attributes["shipping.status"], status, "{name}");
        assert_eq!(order.attributes.get("shipping.substatus"), substatus.as_ref(), "{name}");
        assert!(order.check().is_ok(), "{name}");
        let left = matches!(group.status, UnitStatus::InTransit | UnitStatus::Delivered);
        if left {
            assert!(group.shipment.is_some(), "{name}");
        }
    }
}

#[tokio::test]
async fn what_must_not_ship_is_held_and_what_is_not_paid_is_unpaid() {
    let reasons = |order: &PlatformOrder| -> Vec<HoldReason> {
        order.holds.iter().map(|hold| hold.reason.clone()).collect()
    };
    for word in ["under_review", "fraudulent"] {
        assert_eq!(reasons(&read("me2", "pending", Some(word)).await), [HoldReason::Fraud]);
    }
    let held = read("me2", "ready_to_ship", Some("on_hold")).await;
    assert_eq!(reasons(&held), [HoldReason::Other("ready_to_ship/on_hold".into())]);
    let unpaid = read("me2", "pending", Some("waiting_for_payment")).await;
    assert_eq!(unpaid.paid_at, None);
    let paid = read("me2", "pending", Some("shipment_paid")).await;
    assert!(paid.paid_at.is_some() && paid.holds.is_empty());
}

#[tokio::test]
async fn a_cancelled_shipment_holds_its_order_unless_buyer_and_seller_agreed() {
    let lapsed = read("me2", "cancelled", Some("label_expired")).await;
    assert_eq!(lapsed.holds[0].reason, HoldReason::Other("cancelled/label_expired".into()));
    let agreed = read("me2", "cancelled", Some("closed_by_user")).await;
    assert!(agreed.holds.is_empty());
    assert_eq!(agreed.logistics, LogisticsMode::SellerCarrier);
}

#[tokio::test]
async fn unknown_words_are_kept_and_never_a_success() {
    for (status, substatus, kept) in [
        ("teleported", None, "teleported"),
        ("delivered", Some("to_a_cat"), "delivered/to_a_cat"),
        ("ready_to_ship", Some("nearly"), "ready_to_ship/nearly"),
    ] {
        let order = read("me2", status, substatus).await;
        assert_eq!(order.lines[0].units[0].status, UnitStatus::Unknown(kept.to_owned()));
    }
}

#[tokio::test]
async fn the_mode_says_who_labels_and_a_mode_of_tomorrow_buys_nothing() {
    for (mode, wanted) in [
        ("me2", LogisticsMode::PlatformLabel),
        ("me1", LogisticsMode::SellerCarrier),
        ("custom", LogisticsMode::SellerCarrier),
        ("not_specified", LogisticsMode::SellerCarrier),
        ("me3", LogisticsMode::PlatformLabel),
    ] {
        assert_eq!(read(mode, "pending", None).await.logistics, wanted, "{mode}");
    }
}

#[tokio::test]
async fn failed_deliveries_and_losses_carry_a_word_for_people() {
    let mut notes = BTreeSet::new();
    for (status, substatus) in [
        ("shipped", "receiver_absent"),
        ("not_delivered", "lost"),
        ("not_delivered", "returning_to_sender"),
        ("delivered", "damaged"),
    ] {
        let order = read("me2", status, Some(substatus)).await;
        notes.insert(order.attributes["shipping.note"].clone());
    }
    assert_eq!(notes.len(), 4, "{notes:?}");
}

#[tokio::test]
async fn exception_rows_are_told_as_the_trouble_that_they_are() {
    use orderflow::order::ExceptionKind as Kind;
    for (status, substatus, kind) in [
        ("not_delivered", "lost", Some(Kind::PossiblyLost)),
        ("not_delivered", "stolen", Some(Kind::PossiblyLost)),
        ("not_delivered", "returning_to_sender", Some(Kind::ReturnToSender)),
        ("not_delivered", "refused_delivery", Some(Kind::AttemptFailed)),
        ("not_delivered", "detained_at_customs", Some(Kind::CustomsHold)),
        ("shipped", "receiver_absent", Some(Kind::AttemptFailed)),
        ("shipped", "delayed", Some(Kind::CarrierDelay)),
        ("shipped", "delayed_at_customs", Some(Kind::CustomsHold)),
        ("shipped", "missing_sender_documentation", Some(Kind::Stuck)),
        ("ready_to_ship", "stale", Some(Kind::Stuck)),
        ("ready_to_ship", "rejected_in_hub", Some(Kind::Stuck)),
        ("ready_to_ship", "delayed", Some(Kind::ShipOverdue)),
        ("delivered", "damaged", Some(Kind::ComplaintOpened)),
        ("pending", "cost_exceeded", Some(Kind::Stuck)),
        ("handling", "agency_unavailable", Some(Kind::Stuck)),
        ("shipped", "out_for_delivery", None),
        ("delivered", "inferred", None),
        ("ready_to_ship", "printed", None),
        ("handling", "invoice_pending", None),
    ] {
        let order = read("me2", status, Some(substatus)).await;
        let kinds: Vec<_> = order.troubles.iter().map(|trouble| trouble.kind).collect();
        assert_eq!(kinds, kind.into_iter().collect::<Vec<_>>(), "{status}/{substatus}");
        assert!(order.troubles.iter().all(|trouble| trouble.detail.contains(substatus)));
    }
}
