//! Reading orders.

use super::house::*;
use orderflow::ErrorKind;
use orderflow::order::{DeadlineKind, HoldReason, LogisticsMode, UnitStatus};
use orderflow::platforms::tiktok_shop::{Reading, read_search_page};
use orderflow::ports::PlatformItem;
use serde_json::{Value, json};

#[test]
fn the_official_order_reads_as_expected() {
    let mut order = order_with(|_| {});
    assert!(order.raw.as_str().contains("576461413038785752"));
    order.raw = String::new().into();
    let value = serde_json::to_value(&order).unwrap();
    if std::env::var_os("ORDERFLOW_WRITE_EXPECTED").is_some() {
        let path = format!(
            "{}/tests/fixtures/tiktok-shop/OrderBatchGetOrderDetailResponse.expect.json",
            env!("CARGO_MANIFEST_DIR")
        );
        std::fs::write(path, serde_json::to_string_pretty(&value).unwrap() + "\n").unwrap();
    }
    assert_eq!(value, json_fixture("OrderBatchGetOrderDetailResponse.expect.json"));
}

#[test]
fn every_word_for_a_unit_has_its_meaning_and_a_new_one_is_kept() {
    use UnitStatus::{Cancelled, Delivered, InTransit, New, Shipped, Unknown};
    let unknown = |word: &str| Unknown(word.to_owned());
    let words = [
        ("UNPAID", New),
        ("AWAITING_SHIPMENT", New),
        ("TO_SHIP", New),
        ("AWAITING_COLLECTION", Shipped),
        ("IN_TRANSIT", InTransit),
        ("DELIVERED", Delivered),
        ("COMPLETED", Delivered),
        ("CANCELLED", Cancelled),
        ("CANCEL", Cancelled),
        ("TELEPORTED", unknown("TELEPORTED")),
    ];
    for (word, meaning) in words {
        let order = order_with(|order| units(order, &[json!({"display_status": word})]));
        assert_eq!(order.lines[0].units[0].status, meaning, "{word}");
        // Without a word of its own a unit stands where its order stands.
        let order = order_with(|order| {
            order["status"] = json!(word);
            units(order, &[json!({"display_status": null, "package_status": null})]);
        });
        assert_eq!(order.lines[0].units[0].status, meaning, "order {word}");
        assert_eq!(order.status.as_deref(), Some(word));
    }
    let packages = [
        ("TO_FULFILL", New),
        ("PROCESSING", Shipped),
        ("FULFILLING", InTransit),
        ("COMPLETED", Delivered),
        ("CANCELLED", unknown("package CANCELLED")),
        ("STOCKING", unknown("STOCKING")),
    ];
    for (word, meaning) in packages {
        let patch = json!({"display_status": null, "package_status": word});
        let order = order_with(|order| units(order, &[patch]));
        assert_eq!(order.lines[0].units[0].status, meaning, "package {word}");
    }
}

#[test]
fn a_partly_shipped_order_shows_each_unit_where_it_stands() {
    let order = order_with(|order| {
        order["status"] = json!("PARTIALLY_SHIPPING");
        units(
            order,
            &[
                json!({"id": "3", "display_status": "AWAITING_SHIPMENT"}),
                json!({"id": "1", "display_status": "IN_TRANSIT", "tracking_number": "T1"}),
                json!({"id": "2", "display_status": "AWAITING_SHIPMENT"}),
            ],
        );
    });
    let line = &order.lines[0];
    assert_eq!((line.quantity, line.unit_ids.join(",")), (3, "1,2,3".to_owned()));
    let groups: Vec<_> = line.units.iter().map(|g| (g.status.clone(), g.units)).collect();
    assert_eq!(groups, [(UnitStatus::InTransit, 1), (UnitStatus::New, 2)]);
    assert!(order.check().is_ok());
}

#[test]
fn an_order_on_hold_is_held_as_long_as_the_platform_says_so_and_has_no_address() {
    let order = order_with(|order| order["status"] = json!("ON_HOLD"));
    assert_eq!(order.recipient, None);
    assert_eq!(order.holds.len(), 1);
    assert_eq!(order.holds[0].reason, HoldReason::PlatformRemorse);
    assert_eq!(order.holds[0].until, None, "our clock ends no hold of the platform");
    let expected = |order: &orderflow::order::PlatformOrder| {
        let text = &order.attributes["hold_expected_until"];
        chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp()
    };
    assert_eq!(expected(&order), 1_619_611_563 + 3_600);
    let release = order_with(|order| {
        order["status"] = json!("ON_HOLD");
        order["order_type"] = json!("PRE_ORDER");
    });
    assert_eq!((release.holds[0].until, expected(&release)), (None, 1_619_611_762));
    let waiting = order_with(|order| order["status"] = json!("AWAITING_SHIPMENT"));
    assert!(waiting.holds.is_empty() && !waiting.attributes.contains_key("hold_expected_until"));
}

/// Writes numbers as strings and whole numbers in strings as numbers, and puts `null` where there is
/// an empty list.
fn otherwise_typed(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Array(items) if items.is_empty() => *value = json!(null),
        serde_json::Value::Array(items) => items.iter_mut().for_each(otherwise_typed),
        serde_json::Value::Object(fields) => fields.values_mut().for_each(otherwise_typed),
        serde_json::Value::Number(number) => *value = json!(number.to_string()),
        serde_json::Value::Bool(truth) => *value = json!(truth.to_string()),
        serde_json::Value::String(text) => {
            let number = text.parse::<u64>().ok().filter(|number| number.to_string() == *text);
            if let Some(number) = number {
                *value = json!(number);
            }
        }
        serde_json::Value::Null => {}
    }
}

#[test]
fn an_order_whose_fields_have_other_types_reads_as_the_same_order() {
    let plain = order_with(|_| {});
    let mut odd = order_with(otherwise_typed);
    assert_ne!(odd.raw, plain.raw);
    odd.raw = plain.raw.clone();
    assert_eq!(odd, plain);
}

#[test]
fn what_may_be_left_out_may_also_be_null_or_an_empty_list() {
    let optional = |name: &str| !matches!(name, "id" | "status" | "create_time" | "line_items");
    for nothing in [json!(null), json!([])] {
        let order = order_with(|order| {
            for (name, value) in order.as_object_mut().unwrap() {
                // A list in place of a text or a number is none of their slips.
                if optional(name) && (nothing.is_null() || value.is_object() || value.is_array()) {
                    *value = nothing.clone();
                }
            }
        });
        assert!(order.check().is_ok() && !order.lines.is_empty(), "{nothing}");
    }
}

#[test]
fn a_list_ends_where_no_token_is_and_nowhere_else() {
    let next = |token: &str| {
        let body = format!(r#"{{"code":0,"data":{{"orders":[]{token}}}}}"#);
        let page = read_search_page(body.as_bytes(), &Reading::default());
        page.map(|page| page.next.map(|next| next.as_str().to_owned()))
    };
    for end in ["", r#","next_page_token":"""#, r#","next_page_token":" ""#] {
        assert_eq!(next(end).unwrap(), None, "{end}");
    }
    for end in ["null", "false"] {
        assert_eq!(next(&format!(",\"next_page_token\":{end}")).unwrap(), None, "{end}");
    }
    for (token, kept) in [(r#""b2Zmc2V0PTA=""#, "b2Zmc2V0PTA="), ("17", "17"), (r#""0""#, "0")] {
        let found = next(&format!(",\"next_page_token\":{token}")).unwrap();
        assert_eq!(found.as_deref(), Some(kept));
    }
    for odd in ["true", "{}", "[1]"] {
        let error = next(&format!(",\"next_page_token\":{odd}")).unwrap_err();
        assert_eq!(error.kind(), orderflow::ErrorKind::UnexpectedAnswer, "{odd}");
    }
    let nothing = br#"{"code":0,"data":{"orders":null,"next_page_token":null}}"#;
    assert!(read_search_page(nothing, &Reading::default()).unwrap().items.is_empty());
}

#[test]
fn units_of_one_sku_with_different_prices_are_lines_of_their_own_whatever_their_order() {
    let patches = [
        json!({"id": "11", "original_price": "10.00", "sale_price": "8.50"}),
        json!({"id": "12", "original_price": "10.00", "sale_price": "10.00"}),
        json!({"id": "13", "original_price": "10.00", "sale_price": "8.50"}),
        json!({"id": "14", "original_price": "10.00", "sale_price": "0", "is_gift": true}),
    ];
    let order = order_with(|order| units(order, &patches));
    let ids: Vec<_> = order.lines.iter().map(|line| line.id.as_str()).collect();
    let sku = "2729382476852921560";
    assert_eq!(ids, [sku, &format!("{sku}-12"), &format!("{sku}-14")]);
    let first = &order.lines[0];
    assert_eq!(first.unit_ids, ["11", "13"]);
    assert_eq!(first.line_total.unwrap().amount.to_string(), "20.00");
    assert_eq!(first.discount.unwrap().amount.to_string(), "3.00");
    assert_eq!(first.tax.unwrap().amount.to_string(), "42.4");
    let mut turned = patches.to_vec();
    turned.reverse();
    let other = order_with(|order| units(order, &turned));
    assert_eq!(other.lines, order.lines);
}

#[test]
fn who_ships_follows_from_two_fields_and_a_new_kind_of_fulfilment_is_not_ours() {
    let cases = [
        ("FULFILLMENT_BY_SELLER", "TIKTOK", LogisticsMode::PlatformLabel),
        ("FULFILLMENT_BY_SELLER", "SELLER", LogisticsMode::SellerCarrier),
        ("FULFILLMENT_BY_TIKTOK", "TIKTOK", LogisticsMode::PlatformFulfilled),
        ("FULFILLMENT_BY_DILAYANI_TOKOPEDIA", "TIKTOK", LogisticsMode::PlatformFulfilled),
        ("FULFILLMENT_BY_DRONE", "SELLER", LogisticsMode::PlatformFulfilled),
    ];
    for (kind, shipping, mode) in cases {
        let order = order_with(|order| {
            order["fulfillment_type"] = json!(kind);
            order["shipping_type"] = json!(shipping);
        });
        assert_eq!(order.logistics, mode, "{kind} {shipping}");
    }
}

#[test]
fn city_and_state_come_from_the_names_of_levels_and_a_masked_recipient_is_marked() {
    let order = order_with(|order| {
        order["status"] = json!("AWAITING_SHIPMENT");
        order["recipient_address"]["name"] = json!("D*** K***");
        order["recipient_address"]["district_info"] = json!([
            {"address_level": "L0", "address_level_name": "country", "address_name": "United States"},
            {"address_level": "L3", "address_level_name": "city", "address_name": "San Jose"},
            {"address_level": "L1", "address_level_name": "State", "address_name": "California",
             "iso_code": "US-CA"}
        ]);
    });
    let address = &order.recipient.as_ref().unwrap().address;
    assert_eq!((address.city.as_str(), address.state.as_deref()), ("San Jose", Some("CA")));
    assert_eq!(address.lines.len(), 2, "a pair of quotes is no line");
    assert_eq!(order.attributes["recipient_masked"], "true");
}

#[test]
fn deadlines_are_those_the_platform_sends_and_zero_is_none() {
    let order = order_with(|order| {
        order["status"] = json!("AWAITING_SHIPMENT");
        order["rts_sla_time"] = json!(1_700_000_001);
        order["tts_sla_time"] = json!(0);
        order["delivery_sla_time"] = json!(null);
        order["delivery_option_required_delivery_time"] = json!(1_700_000_002);
        order["shipping_due_time"] = json!(null);
        order["cancel_order_sla_time"] = json!(1_700_000_003);
        order["collection_due_time"] = json!(1_700_000_004);
        order["delivery_due_time"] = json!(1_700_000_005);
    });
    let due: Vec<_> = order.deadlines.iter().map(|due| (due.kind, due.at.timestamp())).collect();
    assert_eq!(
        due,
        [
            (DeadlineKind::ShipBy, 1_700_000_001),
            (DeadlineKind::DeliverBy, 1_700_000_002),
            (DeadlineKind::AutoCancelUnlessShipped, 1_700_000_003),
            (DeadlineKind::AutoCancelUnlessCollected, 1_700_000_004),
            (DeadlineKind::AutoCancelUnlessDelivered, 1_700_000_005),
        ]
    );
}

#[test]
fn an_unreadable_order_costs_only_itself_and_names_its_field() {
    let mut body = json_fixture("OrderBatchGetOrderDetailResponse.json");
    let good = body["data"]["orders"][0].clone();
    let mut bad = good.clone();
    bad["id"] = json!("42");
    bad["line_items"][0]["sale_price"] = json!("canary");
    body["data"]["orders"] = json!([bad, "no order", good]);
    body["data"]["next_page_token"] = json!(false);
    let page = read_search_page(body.to_string().as_bytes(), &Reading::default()).unwrap();
    assert_eq!((page.items.len(), page.next), (3, None));
    let PlatformItem::Unreadable(first) = &page.items[0] else { panic!("it was read") };
    assert_eq!(first.id.as_ref().unwrap().as_str(), "42");
    assert!(first.reason.contains("line_items[0].sale_price"), "{}", first.reason);
    assert!(!first.reason.contains("canary") && first.raw.as_str().contains("canary"));
    assert!(matches!(&page.items[1], PlatformItem::Unreadable(item) if item.id.is_none()));
    assert!(matches!(&page.items[2], PlatformItem::Read(_)));
}

#[test]
fn a_completed_order_is_completed_also_where_no_instant_of_the_change_is_told() {
    let mut body = json_fixture("OrderBatchGetOrderDetailResponse.json");
    let order = &mut body["data"]["orders"][0];
    order["status"] = json!("COMPLETED");
    order["update_time"] = json!(null);
    order["delivery_time"] = json!(1_700_000_500);
    let read = |body: &Value| {
        let page = read_search_page(body.to_string().as_bytes(), &Reading::default()).unwrap();
        let PlatformItem::Read(order) = &page.items[0] else { panic!("unreadable") };
        (order.completed_at.map(|at| at.timestamp()), order.placed_at.timestamp())
    };
    assert_eq!(read(&body).0, Some(1_700_000_500));
    for field in ["delivery_time", "collection_time", "rts_time", "paid_time"] {
        body["data"]["orders"][0][field] = json!(null);
    }
    let (completed, placed) = read(&body);
    assert_eq!(completed, Some(placed));
}

#[test]
fn a_package_given_up_on_its_way_is_lost_whatever_its_unit_shows() {
    let mut body = json_fixture("OrderBatchGetOrderDetailResponse.json");
    for (shown, lost) in [("IN_TRANSIT", true), ("DELIVERED", false)] {
        let order = &mut body["data"]["orders"][0];
        order["status"] = json!("IN_TRANSIT");
        for unit in order["line_items"].as_array_mut().unwrap() {
            unit["display_status"] = json!(shown);
            unit["package_status"] = json!("CANCELLED");
        }
        let page = read_search_page(body.to_string().as_bytes(), &Reading::default()).unwrap();
        let PlatformItem::Read(order) = &page.items[0] else { panic!("unreadable") };
        let unknown = UnitStatus::Unknown("package CANCELLED".to_owned());
        assert_eq!(order.lines[0].units[0].status == unknown, lost, "{shown}");
    }
}

#[test]
fn hostile_bytes_are_an_error_and_never_a_panic() {
    let whole = fixture("OrderBatchGetOrderDetailResponse.json");
    for cut in (0..whole.len()).step_by(37) {
        let Some(part) = whole.get(..cut) else { continue };
        let error = read_search_page(part.as_bytes(), &Reading::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedAnswer);
    }
    let empty: Value = json!({"code": 0, "data": {}});
    let page = read_search_page(empty.to_string().as_bytes(), &Reading::default()).unwrap();
    assert!(page.items.is_empty());
}

#[test]
fn an_order_that_is_cancelled_or_unknown_outweighs_a_unit_that_seems_ready() {
    let unknown = |word: &str| UnitStatus::Unknown(word.to_owned());
    for (order_word, unit, meaning) in [
        ("CANCELLED", json!({"display_status": "TO_SHIP"}), UnitStatus::Cancelled),
        ("CANCEL", json!({"display_status": "AWAITING_SHIPMENT"}), UnitStatus::Cancelled),
        (
            "CANCELLED",
            json!({"display_status": null, "package_status": "TO_FULFILL"}),
            UnitStatus::Cancelled,
        ),
        ("RISK_REVIEW", json!({"display_status": "TO_SHIP"}), unknown("RISK_REVIEW")),
        ("RISK_REVIEW", json!({"display_status": "IN_TRANSIT"}), UnitStatus::InTransit),
        ("UNPAID", json!({"display_status": "TO_SHIP"}), UnitStatus::New),
        ("PARTIALLY_SHIPPING", json!({"display_status": "TO_SHIP"}), UnitStatus::New),
        ("AWAITING_SHIPMENT", json!({"display_status": "CANCELLED"}), UnitStatus::Cancelled),
    ] {
        let order = order_with(|order| {
            order["status"] = json!(order_word);
            units(order, std::slice::from_ref(&unit));
        });
        assert_eq!(order.lines[0].units[0].status, meaning, "{order_word} with {unit}");
    }
}

#[test]
fn an_order_in_a_status_that_is_new_is_held_under_that_word() {
    let held = order_with(|order| order["status"] = json!("RISK_REVIEW"));
    let reasons: Vec<_> = held.holds.iter().map(|hold| hold.reason.clone()).collect();
    assert_eq!(reasons, [HoldReason::Other("RISK_REVIEW".to_owned())]);
    assert_eq!(held.status.as_deref(), Some("RISK_REVIEW"));
    let partly = order_with(|order| order["status"] = json!("PARTIALLY_SHIPPING"));
    assert!(partly.holds.is_empty());
}

#[test]
fn a_unit_that_is_listed_twice_is_one_unit_and_one_that_contradicts_itself_is_no_order() {
    let twice = |patch: serde_json::Value| {
        let mut body = json_fixture("OrderBatchGetOrderDetailResponse.json");
        units(&mut body["data"]["orders"][0], &[json!({"id": "7"}), patch]);
        orderflow::platforms::tiktok_shop::read_search_page(
            body.to_string().as_bytes(),
            &orderflow::platforms::tiktok_shop::Reading::default(),
        )
        .unwrap()
        .items
        .remove(0)
    };
    let PlatformItem::Read(order) = twice(json!({"id": "7"})) else { panic!("it can be read") };
    assert_eq!((order.lines.len(), order.lines[0].quantity), (1, 1));
    let PlatformItem::Unreadable(no_order) = twice(json!({"id": "7", "package_id": "other"}))
    else {
        panic!("two states of one unit")
    };
    assert!(no_order.reason.contains("line_items.id 7"), "{}", no_order.reason);
}

#[test]
fn an_own_label_is_only_for_orders_that_say_so() {
    for (word, mode) in [
        (json!("SELLER"), LogisticsMode::SellerCarrier),
        (json!(" seller "), LogisticsMode::SellerCarrier),
        (json!("tiktok"), LogisticsMode::PlatformLabel),
        (json!("DRONE"), LogisticsMode::PlatformLabel),
        (json!(null), LogisticsMode::PlatformLabel),
    ] {
        let order = order_with(|order| order["shipping_type"] = word.clone());
        assert_eq!(order.logistics, mode, "{word}");
    }
}
