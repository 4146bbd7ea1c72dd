//! Reading lists and orders.

use super::house::*;
use chrono::DateTime;
use orderflow::order::{DeadlineKind, LogisticsMode, PlatformOrder, UnitStatus};
use orderflow::platforms::walmart::LineAmount;
use orderflow::ports::{MarketplaceAdapter, MarketplaceExt, OrderQuery, Page, PlatformItem};
use orderflow::{Country, ErrorKind, Grams, LineId};
use serde_json::{Value, json};

#[tokio::test]
async fn the_official_list_reads_as_expected_and_its_cursor_goes_back_word_for_word() {
    let list = fixture("get_orders.response.json");
    let (shop, script) = shop(vec![ok(list.clone()), ok(r#"{"list":{"elements":{"order":[]}}}"#)]);
    let first = shop.list_orders(&created(), None).await.unwrap();
    let cursor = first.next.clone().unwrap();
    let second = shop.list_orders(&created(), Some(&cursor)).await.unwrap();
    assert!(second.items.is_empty() && second.next.is_none());
    let urls: Vec<_> = script.calls().into_iter().map(|call| call.url).collect();
    assert_eq!(
        urls[0],
        "https://walmart.test/v3/orders?createdStartDate=2026-01-01T00%3A00%3A00Z\
         &createdEndDate=2026-01-02T00%3A00%3A00Z&limit=200&productInfo=true"
    );
    let expected = json_fixture("get_orders.response.json");
    let sent = expected["list"]["meta"]["nextCursor"].as_str().unwrap();
    assert_eq!(urls[1], format!("https://walmart.test/v3/orders{sent}"));
    let orders = read_items(first);
    for order in &orders {
        assert!(
            list.contains(order.raw.as_str()) && order.raw.as_str().contains(order.id.as_str())
        );
    }
    expect("get_orders.response.expect.json", orders);
}

#[tokio::test]
async fn released_orders_and_changed_orders_have_their_own_addresses() {
    let window = (at("2026-01-01T00:00:00.123Z"), at("2026-01-02T00:00:00.999Z"));
    let updated = OrderQuery::Updated { from: window.0, to: window.1 };
    let body = fixture("get_orders_released.response.json");
    let (shop, script) = shop(vec![ok(body.clone()), ok(body)]);
    let released = shop.list_orders(&OrderQuery::Released, None).await.unwrap();
    shop.list_orders(&updated, None).await.unwrap();
    let urls: Vec<_> = script.calls().into_iter().map(|call| call.url).collect();
    assert_eq!(urls[0], "https://walmart.test/v3/orders/released?limit=200&productInfo=true");
    assert!(urls[1].contains("lastModifiedStartDate=2026-01-01T00%3A00%3A00Z&"), "{}", urls[1]);
    expect("get_orders_released.response.expect.json", read_items(released));
}

#[tokio::test]
async fn an_empty_list_is_a_404_with_that_code_and_no_other_404() {
    let (one, _) = shop(vec![status(404, fixture("errors/404_no_orders.json"))]);
    let page = one.list_orders(&created(), None).await.unwrap();
    assert_eq!(page, Page { items: Vec::new(), next: None });
    let (other, _) = shop(vec![status(404, "no such route")]);
    let error = other.list_orders(&created(), None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let (order, _) = shop(vec![status(404, fixture("errors/404_no_orders.json"))]);
    assert_eq!(order.get_order(&id("1")).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn what_may_be_left_out_may_be_missing_null_or_an_empty_list() {
    for nothing in [None, Some(Value::Null), Some(json!([]))] {
        let put = |within: &mut Value, name: &str| {
            let fields = within.as_object_mut().unwrap();
            match &nothing {
                None => drop(fields.remove(name)),
                Some(nothing) => drop(fields.insert(name.to_owned(), nothing.clone())),
            }
        };
        let mut list = json_fixture("get_orders.response.json");
        put(&mut list["list"], "meta");
        for order in list["list"]["elements"]["order"].as_array_mut().unwrap() {
            put(order, "shipNode");
            for line in order["orderLines"]["orderLine"].as_array_mut().unwrap() {
                put(&mut line["charges"]["charge"][0], "tax");
                put(line, "fulfillment");
            }
            for (place, name) in [("charges", "charge"), ("item", "weight")] {
                put(&mut order["orderLines"]["orderLine"][0][place], name);
            }
            put(&mut order["shippingInfo"], "postalAddress");
        }
        let first = &mut list["list"]["elements"]["order"][0];
        put(first, "shippingInfo");
        for name in ["charges", "orderLineStatuses"] {
            put(&mut first["orderLines"]["orderLine"][0], name);
        }
        let (one, _) = shop(vec![ok(list.to_string())]);
        let page = one.list_orders(&created(), None).await.unwrap();
        assert!(page.next.is_none());
        let orders = read_items(page);
        assert_eq!(orders.len(), 6, "{nothing:?}");
        assert!(orders[0].recipient.is_none() && orders[0].lines[0].unit_price.is_zero());

        let mut empty = json!({"list": {"elements": {}}});
        put(&mut empty["list"]["elements"], "order");
        let mut without = json!({"list": {"meta": {}}});
        put(&mut without["list"], "elements");
        for body in [empty, without] {
            let (one, _) = shop(vec![ok(body.to_string())]);
            let page = one.list_orders(&created(), None).await.unwrap();
            assert!(page.items.is_empty() && page.next.is_none(), "{body}");
        }
    }
}

#[tokio::test]
async fn an_unreadable_order_costs_only_itself_and_names_its_field() {
    let mut list = json_fixture("get_orders.response.json");
    let orders = &mut list["list"]["elements"]["order"];
    orders[1]["orderLines"]["orderLine"][0]["orderLineQuantity"]["amount"] = json!("canary");
    orders[2] = json!("not an order");
    let (shop, _) = shop(vec![ok(list.to_string())]);
    let page = shop.list_orders(&created(), None).await.unwrap();
    assert_eq!(page.items.len(), 6);
    let bad: Vec<_> = page
        .items
        .iter()
        .filter_map(|item| match item {
            PlatformItem::Unreadable(item) => Some(item),
            PlatformItem::Read(_) => None,
        })
        .collect();
    assert_eq!(bad.len(), 2);
    assert_eq!(bad[0].id, Some(id("3796235970012")));
    assert!(bad[0].reason.contains("orderLines.orderLine[0].orderLineQuantity.amount"));
    assert!(!bad[0].reason.contains("canary") && bad[0].raw.as_str().contains("canary"));
    assert_eq!((bad[1].id.clone(), bad[1].raw.as_str()), (None, "\"not an order\""));
}

async fn page_of(body: String) -> orderflow::Result<Page<PlatformOrder>> {
    let (shop, _) = shop(vec![ok(body)]);
    shop.list_orders(&created(), None).await
}

#[tokio::test]
async fn good_orders_read_the_same_beside_good_and_beside_bad_ones() {
    let list = json_fixture("get_orders.response.json");
    let good = page_of(list.to_string()).await.unwrap();
    let mut with_bad = list.clone();
    let orders = with_bad["list"]["elements"]["order"].as_array_mut().unwrap();
    orders.insert(1, json!({"purchaseOrderId": "1"}));
    let mut mixed = page_of(with_bad.to_string()).await.unwrap();
    assert!(matches!(mixed.items.remove(1), PlatformItem::Unreadable(_)));
    assert_eq!(mixed, good);
    // However the list is written, and whatever else is called an order.
    let spaced = serde_json::to_string_pretty(&list).unwrap().replace("[", " [\n ");
    let read = read_items(page_of(spaced).await.unwrap());
    assert_eq!(read.len(), good.items.len());
    let (orders, meta) = (&list["list"]["elements"]["order"], &list["list"]["meta"]);
    let others = json!({"order": orders, "nextCursor": meta["nextCursor"]});
    let odd = format!(r#"{{"list": {{"meta": {others}, "elements": {{"order": {orders}}}}}}}"#);
    assert_eq!(page_of(odd).await.unwrap(), good);
}

#[tokio::test]
async fn what_is_no_list_is_an_error_and_an_empty_list_is_a_page() {
    let list = json_fixture("get_orders.response.json").to_string();
    let empty = page_of(r#"{"list":{"elements":{"order":[ ]}}}"#.to_owned()).await.unwrap();
    assert_eq!(empty, Page { items: Vec::new(), next: None });
    let end = list.rfind(']').unwrap();
    let comma = format!("{},{}", &list[..end], &list[end..]);
    let begin = format!("{}{}", &list[..list.len() - 1], "");
    for bad in [comma, begin, format!("{list}]"), list.replacen("[", "[,", 1)] {
        let error = page_of(bad).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedAnswer);
    }
}

#[tokio::test]
async fn a_single_order_in_a_list_may_be_written_without_brackets() {
    let mut list = json_fixture("get_orders.response.json");
    let only = list["list"]["elements"]["order"][0].clone();
    list["list"]["elements"]["order"] = only;
    list["list"]["meta"]["nextCursor"] = json!("");
    let (shop, _) = shop(vec![ok(list.to_string())]);
    let page = shop.list_orders(&created(), None).await.unwrap();
    assert_eq!((page.items.len(), page.next), (1, None));
}

#[tokio::test]
async fn a_repeated_cursor_ends_the_walk_with_an_error() {
    let body = fixture("get_orders.response.json");
    let (shop, _) = shop(vec![ok(body.clone()), ok(body)]);
    let walked = shop.for_each_page(&created(), |_| async { Ok(()) }).await;
    assert_eq!(walked.unwrap_err().kind(), ErrorKind::UnexpectedAnswer);
}

#[tokio::test]
async fn an_order_reads_the_same_bare_and_wrapped() {
    let wrapped = read(fixture(ORDER)).await;
    let mut bare = read(json_fixture(ORDER)["order"].to_string()).await;
    bare.raw = wrapped.raw.clone();
    assert_eq!(bare, wrapped);
    expect("get_orders_purchaseOrderId.response.ORDER.expect.json", vec![wrapped]);
}

#[tokio::test]
async fn the_official_answers_to_writes_read_as_the_orders_they_show() {
    for name in ["acknowledge", "shipping", "cancel"] {
        let name = format!("post_orders_purchaseOrderId_{name}.response");
        let order = read(fixture(&format!("{name}.json"))).await;
        expect(&format!("{name}.expect.json"), vec![order]);
    }
}

#[tokio::test]
async fn a_line_in_several_parcels_keeps_each_number_with_its_units_and_the_rest_open() {
    let body = order_with(|order| {
        line_of(order)["orderLineQuantity"]["amount"] = json!("6");
        let parcel = |units: u32, number: &str| {
            let mut row = row("Shipped", units);
            row["trackingInfo"] = json!({"shipDateTime": 1_623_835_855_000_i64,
                "carrierName": {"carrier": "UPS"}, "trackingNumber": number});
            row
        };
        let rest = [row("Acknowledged", 1), row("Cancelled", 1)];
        let parcels = [parcel(1, "1Z-A"), parcel(3, "1Z-B")];
        rows(order, parcels.into_iter().chain(rest).collect());
    });
    let order = read(body).await;
    let groups: Vec<_> = order.lines[0]
        .units
        .iter()
        .map(|group| {
            let number = group.shipment.as_ref().and_then(|shipment| shipment.number.as_ref());
            (group.status.clone(), group.units, number.map(|number| number.as_str().to_owned()))
        })
        .collect();
    assert_eq!(
        groups,
        [
            (UnitStatus::Shipped, 1, Some("1Z-A".to_owned())),
            (UnitStatus::Shipped, 3, Some("1Z-B".to_owned())),
            (UnitStatus::Acknowledged, 1, None),
            (UnitStatus::Cancelled, 1, None),
        ]
    );
}

#[tokio::test]
async fn every_line_status_has_its_meaning_and_a_new_word_is_kept() {
    let cases = [
        ("Created", UnitStatus::New),
        ("Acknowledged", UnitStatus::Acknowledged),
        ("Shipped", UnitStatus::Shipped),
        ("Delivered", UnitStatus::Delivered),
        ("Cancelled", UnitStatus::Cancelled),
        ("Refund", UnitStatus::Shipped),
        ("Teleported", UnitStatus::Unknown("Teleported".to_owned())),
    ];
    for (word, meaning) in cases {
        let order = read(order_with(|order| rows(order, json!([row(word, 1)])))).await;
        assert_eq!(order.lines[0].units[0].status, meaning, "{word}");
    }
}

#[tokio::test]
async fn a_refund_row_beside_the_full_count_is_not_counted_again() {
    let body = order_with(|order| rows(order, json!([row("Delivered", 1), row("Refund", 1)])));
    let order = read(body).await;
    let units: Vec<_> = order.lines[0].units.iter().map(|group| group.status.clone()).collect();
    assert_eq!(units, [UnitStatus::Delivered]);
}

#[tokio::test]
async fn refunds_in_several_steps_are_read_with_the_units_that_no_other_row_holds() {
    let cases = [
        (1, json!([row("Refund", 1), row("Refund", 1)]), vec![(UnitStatus::Shipped, 1)]),
        (
            2,
            json!([row("Delivered", 1), row("Refund", 1), row("Refund", 1)]),
            vec![(UnitStatus::Delivered, 1), (UnitStatus::Shipped, 1)],
        ),
        (
            3,
            json!([row("Refund", 2), row("Refund", 2)]),
            vec![(UnitStatus::Shipped, 2), (UnitStatus::Shipped, 1)],
        ),
    ];
    for (quantity, given, wanted) in cases {
        let body = order_with(|order| {
            line_of(order)["orderLineQuantity"]["amount"] = json!(quantity);
            rows(order, given);
        });
        let order = read(body).await;
        let units = order.lines[0].units.iter().map(|group| (group.status.clone(), group.units));
        assert_eq!(units.collect::<Vec<_>>(), wanted);
        assert!(order.check().is_ok());
    }
}

#[tokio::test]
async fn amounts_are_exact_and_may_be_per_line_or_per_unit() {
    let body = order_with(|order| {
        let line = line_of(order);
        line["orderLineQuantity"]["amount"] = json!(3);
        line["charges"]["charge"] = json!([
            {"chargeType": "PRODUCT", "chargeAmount": {"currency": "USD", "amount": "30.03"},
             "tax": {"taxAmount": {"currency": "USD", "amount": 2.1}}},
            {"chargeType": "SHIPPING", "chargeAmount": {"currency": "USD", "amount": 4.99},
             "tax": null},
            {"chargeType": "PRODUCT", "chargeName": "SubscriptionDiscount",
             "chargeAmount": {"currency": "USD", "amount": -1.5}}
        ]);
    });
    let per_line = read(body.clone()).await;
    let line = &per_line.lines[0];
    assert_eq!((line.unit_price, line.line_total), (usd("10.01"), Some(usd("30.03"))));
    assert_eq!((line.tax, line.shipping), (Some(usd("2.1")), Some(usd("4.99"))));
    assert_eq!((line.discount, per_line.total), (Some(usd("1.5")), usd("35.62")));
    let (shop, _) = shop_with(config().with_line_amount(LineAmount::PerUnit), vec![ok(body)]);
    let per_unit = shop.get_order(&id("1")).await.unwrap();
    let line = &per_unit.lines[0];
    assert_eq!((line.unit_price, line.line_total), (usd("30.03"), Some(usd("90.09"))));
    assert_eq!(per_unit.total, usd("95.68"));
}

#[tokio::test]
async fn deadlines_end_the_days_of_the_configured_zone() {
    let kinds = |order: &PlatformOrder| {
        order.deadlines.iter().map(|due| (due.kind, due.at)).collect::<Vec<_>>()
    };
    let order = read(fixture(ORDER)).await;
    assert_eq!(
        kinds(&order),
        [
            (DeadlineKind::ShipBy, at("2021-06-18T03:59:59Z")),
            (DeadlineKind::DeliverBy, at("2021-06-25T19:00:00Z")),
            (DeadlineKind::AutoCancelUnlessShipped, at("2021-06-22T03:59:59Z")),
        ]
    );
    let other = config().with_zone(chrono_tz::America::Los_Angeles).with_auto_cancel_days(6);
    let (shop, _) = shop_with(other, vec![ok(fixture(ORDER))]);
    let order = shop.get_order(&id("1")).await.unwrap();
    assert_eq!(kinds(&order)[0].1, at("2021-06-17T06:59:59Z"));
    assert_eq!(kinds(&order)[2].1, at("2021-06-23T06:59:59Z"));
}

#[tokio::test]
async fn a_wish_to_cancel_counts_only_on_open_lines() {
    let wish = |status: &'static str, wish: Value| {
        order_with(move |order| {
            line_of(order)["intentToCancel"] = wish;
            rows(order, json!([row(status, 1)]));
        })
    };
    let asked = read(wish("Acknowledged", json!("CUSTOMER_ASKED"))).await.cancel_request.unwrap();
    assert_eq!(asked.reason.as_ref().map(|reason| reason.as_str()), Some("CUSTOMER_ASKED"));
    assert_eq!(asked.lines, [LineId::new("1").unwrap()]);
    for (status, value) in [
        ("Shipped", json!("true")),
        ("Created", json!("")),
        ("Created", json!("false")),
        ("Created", json!(false)),
        ("Created", json!(null)),
    ] {
        assert_eq!(read(wish(status, value)).await.cancel_request, None);
    }
}

#[tokio::test]
async fn weight_country_node_and_identity_are_in_our_terms() {
    let body = order_with(|order| {
        line_of(order)["item"]["weight"] = json!({"value": "2", "unit": "LB"});
        order["shipNode"]["type"] = json!("WFSFulfilled");
        line_of(order)["fulfillment"]["shippingProgramType"] = json!("TWO_DAY");
    });
    let order = read(body).await;
    assert_eq!(order.lines[0].weight.map(Grams::get), Some(908));
    assert_eq!(order.logistics, LogisticsMode::PlatformFulfilled);
    assert_eq!(order.recipient.unwrap().address.country, Some(Country::US));
    assert_eq!(order.buyer.id.unwrap().as_str(), "591A65E8DCAE4471719DE70DCE2DAF2C");
    assert_eq!(order.speed, orderflow::order::SpeedClass::Expedited);
    assert_eq!(order.updated_at, DateTime::from_timestamp_millis(1_623_835_855_623));
    let named = read(order_with(|order| order["buyerId"] = json!(42))).await;
    assert_eq!(named.buyer.id.unwrap().as_str(), "42");
}
