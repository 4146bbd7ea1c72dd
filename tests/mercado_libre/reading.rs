//! Reading orders, packs, shipments and lists.

use std::sync::Arc;

use super::house::*;
use chrono::TimeDelta;
use orderflow::order::{DeadlineKind, HoldReason, LogisticsMode, UnitStatus};
use orderflow::platforms::mercado_libre::{MercadoLibre, Site, read_search_page};
use orderflow::ports::{MarketplaceAdapter, MarketplaceExt, OrderQuery, PlatformItem};
use orderflow::sandbox::Faults;
use orderflow::sandbox::mercado_libre::{Way, generate};
use orderflow::{Currency, ErrorKind};
use serde_json::{Value, json};

fn page_of(orders: &[Value]) -> String {
    json!({"results": orders, "paging": {"total": orders.len(), "offset": 0, "limit": 50}})
        .to_string()
}

fn only(body: &str) -> orderflow::order::PlatformOrder {
    read_items(read_search_page(body.as_bytes()).unwrap()).remove(0)
}

#[test]
fn the_official_search_page_reads_as_expected() {
    let body = fixture("orders_search.response.json");
    let page = read_search_page(body.as_bytes()).unwrap();
    assert!(page.next.is_none());
    let orders = read_items(page);
    assert!(body.contains(orders[0].raw.as_str()));
    expect("orders_search.response.expect.json", orders);
}

#[test]
fn real_and_documented_orders_read_as_expected() {
    for name in ["order_pack_catalog", "order_real_mlc_flex_2025", "order_gross_price_discount"] {
        let order = json_fixture(&format!("{name}.response.json"));
        expect(&format!("{name}.response.expect.json"), vec![only(&page_of(&[order]))]);
    }
}

#[test]
fn the_orders_of_one_pack_are_one_unit_of_work() {
    let first = json_fixture("order_pack_catalog.response.json");
    let mut second = first.clone();
    second["id"] = json!(2_000_009_713_473_609_u64);
    second["order_items"][0]["item"]["id"] = json!("MLB1");
    second["total_amount"] = json!(10.5);
    let page = read_search_page(page_of(&[first, second]).as_bytes()).unwrap();
    let orders = read_items(page);
    assert_eq!(orders.len(), 1);
    let pack = &orders[0];
    assert_eq!(pack.id.as_str(), "2000006556183755");
    let lines: Vec<_> = pack.lines.iter().map(|line| line.id.as_str()).collect();
    assert_eq!(lines, ["2000009713473608-MLB3737188005", "2000009713473609-MLB1"]);
    assert_eq!(pack.total.amount.to_string(), "136.42");
    assert_eq!(pack.total.currency, Currency::BRL);
    assert!(pack.check().is_ok());
}

#[test]
fn an_item_that_occurs_twice_in_an_order_has_two_line_ids() {
    let mut order = json_fixture("order_pack_catalog.response.json");
    let mut again = order["order_items"][0].clone();
    again["element_id"] = json!(2);
    order["order_items"].as_array_mut().unwrap().push(again);
    assert!(only(&page_of(&[order])).check().is_ok());
}

#[test]
fn an_unreadable_order_costs_only_itself_and_names_its_field() {
    let good = json_fixture("order_pack_catalog.response.json");
    let mut bad = good.clone();
    bad["pack_id"] = json!(7);
    bad["order_items"][0]["quantity"] = json!("canary");
    let page = read_search_page(page_of(&[good, bad, json!("no order")]).as_bytes()).unwrap();
    let bad: Vec<_> = page
        .items
        .iter()
        .filter_map(|item| match item {
            PlatformItem::Unreadable(item) => Some(item),
            PlatformItem::Read(_) => None,
        })
        .collect();
    assert_eq!((page.items.len(), bad.len()), (3, 2));
    assert_eq!(bad[0].id, Some(id("7")));
    assert!(bad[0].reason.contains("order_items[0].quantity"), "{}", bad[0].reason);
    assert!(!bad[0].reason.contains("canary") && bad[0].raw.as_str().contains("canary"));
    assert_eq!(bad[1].id, None);
}

#[test]
fn an_id_that_is_empty_or_went_through_floating_point_is_no_order() {
    let good = json_fixture("order_pack_catalog.response.json").to_string();
    let own = json_fixture("order_pack_catalog.response.json")["pack_id"].to_string();
    for id in
        ["\"\"", "\" \"", "1.5", "2.000003508897537e+15", "1e+30", "{}", "[7]", "-5", "\"a/../x\""]
    {
        let odd = good.replace(&format!("\"pack_id\":{own}"), &format!("\"pack_id\":{id}"));
        assert_ne!(odd, good);
        let bytes = format!(r#"{{"results":[{odd},{good}],"paging":{{"total":2}}}}"#);
        let page = read_search_page(bytes.as_bytes()).unwrap();
        let (bad, read): (Vec<_>, Vec<_>) =
            page.items.iter().partition(|item| matches!(item, PlatformItem::Unreadable(_)));
        let ([PlatformItem::Unreadable(first)], 1) = (bad.as_slice(), read.len()) else {
            panic!("{id}: {:?}", page.items)
        };
        assert!(first.reason.contains("pack_id"), "{id}: {}", first.reason);
    }
}

#[test]
fn order_statuses_and_tags_decide_before_the_shipment_does() {
    let with = |status: &str, tags: &[&str]| {
        let mut order = json_fixture("order_pack_catalog.response.json");
        order["status"] = json!(status);
        order["tags"] = json!(tags);
        only(&page_of(&[order]))
    };
    let unit = |order: &orderflow::order::PlatformOrder| order.lines[0].units[0].status.clone();
    for unpaid in ["confirmed", "payment_required", "payment_in_process", "partially_paid"] {
        let order = with(unpaid, &[]);
        assert_eq!((order.paid_at, unit(&order)), (None, UnitStatus::New), "{unpaid}");
    }
    for paid in ["paid", "partially_refunded", "pending_cancel"] {
        let order = with(paid, &["paid"]);
        assert_eq!(order.paid_at, Some(at("2024-11-01T13:35:42Z")), "{paid}");
        assert_eq!(unit(&order), UnitStatus::New, "{paid}");
    }
    for gone in ["cancelled", "invalid"] {
        assert_eq!(unit(&with(gone, &[])), UnitStatus::Cancelled, "{gone}");
    }
    assert_eq!(unit(&with("paid", &["paid", "unfulfilled"])), UnitStatus::Cancelled);
    assert_eq!(unit(&with("levitating", &[])), UnitStatus::Unknown("levitating".to_owned()));
    let reasons = |order: orderflow::order::PlatformOrder| -> Vec<HoldReason> {
        order.holds.into_iter().map(|hold| hold.reason).collect()
    };
    assert_eq!(reasons(with("paid", &["fraud_risk_detected"])), [HoldReason::Fraud]);
    assert_eq!(reasons(with("pending_cancel", &[])), [HoldReason::Other("pending_cancel".into())]);
    assert_eq!(reasons(with("partially_paid", &[])), [HoldReason::PaymentAnomaly]);
    assert!(with("paid", &["test_order"]).test);
}

#[test]
fn every_payment_status_has_its_state_and_an_unknown_one_is_kept() {
    use orderflow::order::PaymentState as S;
    let with = |status: &str, refunded: f64| {
        let mut order = json_fixture("order_pack_catalog.response.json");
        order["payments"][0]["status"] = json!(status);
        order["payments"][0]["transaction_amount_refunded"] = json!(refunded);
        only(&page_of(&[order]))
    };
    for (status, refunded, state) in [
        ("approved", 0.0, S::Paid),
        ("approved", 12.5, S::PartiallyRefunded),
        ("pending", 0.0, S::Pending),
        ("in_process", 0.0, S::Pending),
        ("authorized", 0.0, S::Authorized),
        ("rejected", 0.0, S::Failed),
        ("cancelled", 0.0, S::Failed),
        ("refunded", 125.92, S::Refunded),
        ("charged_back", 0.0, S::ChargedBack),
        ("in_mediation", 0.0, S::Paid),
        ("in_mediation", 12.5, S::PartiallyRefunded),
    ] {
        let order = with(status, refunded);
        assert_eq!(order.payments[0].state, state, "{status}");
        assert!(!order.attributes.contains_key("payments.unknown_status"), "{status}");
    }
    let held = |status| -> Vec<HoldReason> {
        with(status, 0.0).holds.into_iter().map(|hold| hold.reason).collect()
    };
    assert_eq!(held("charged_back"), [HoldReason::PaymentAnomaly]);
    assert_eq!(held("in_mediation"), [HoldReason::Other("in_mediation".to_owned())]);
    let order = with("evaporated", 0.0);
    assert!(order.payments.is_empty());
    assert_eq!(order.attributes["payments.unknown_status"], "evaporated");
}

#[test]
fn why_an_order_was_cancelled_is_kept_word_for_word_whatever_the_group() {
    for (group, code, wanted) in [
        (Some("mediations"), Some("refunded"), "mediations: refunded"),
        (Some("fiscal"), Some("x"), "fiscal: x"),
        (Some("buyer"), Some("buyer_cancel_express"), "buyer: buyer_cancel_express"),
        (Some("fraud"), None, "fraud"),
        (Some("item"), None, "item"),
        (Some("shipment"), Some("shipment_not_delivered"), "shipment: shipment_not_delivered"),
        (Some("delivery"), None, "delivery"),
        (Some("seller"), Some("out_of_stock"), "seller: out_of_stock"),
        (Some("internal"), Some("pack_splitted"), "internal: pack_splitted"),
        (Some("weather"), Some("hail"), "weather: hail"),
        (None, Some("hail"), "hail"),
        (None, None, "cancelled"),
    ] {
        let mut order = json_fixture("order_pack_catalog.response.json");
        order["status"] = json!("cancelled");
        order["cancel_detail"] = json!({"group": group, "code": code, "description": null,
            "requested_by": "buyer", "date": "2024-11-02T09:34:59.000-04:00"});
        let order = only(&page_of(&[order]));
        assert_eq!(order.lines[0].units[0].reason.as_deref(), Some(wanted));
        assert_eq!(order.attributes.get("cancel_detail.group").map(String::as_str), group);
        assert_eq!(order.attributes["cancel_detail.requested_by"], "buyer");
    }
}

#[test]
fn an_empty_id_is_called_by_its_own_name() {
    let mut order = json_fixture("order_pack_catalog.response.json");
    order["pack_id"] = Value::Null;
    order["id"] = json!("");
    let page = read_search_page(page_of(&[order]).as_bytes()).unwrap();
    let [PlatformItem::Unreadable(item)] = page.items.as_slice() else { panic!("{page:?}") };
    assert!(item.reason.contains("id is no number"), "{}", item.reason);
    assert!(!item.reason.contains("pack_id"), "{}", item.reason);
}

/// The official order as a sale of somebody else, without a pack.
fn bought_by_us() -> Value {
    let mut order = json_fixture("order_pack_catalog.response.json");
    order["seller"]["id"] = json!(111);
    order["buyer"]["id"] = json!(SELLER);
    order
}

#[tokio::test]
async fn what_the_account_bought_is_no_sale_of_the_shop() {
    let (shop, script) = scripted(config(), vec![missing(), ok(bought_by_us().to_string())]);
    let error = shop.get_order(&id("2000009713473608")).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::NotFound, Some("seller.id")), "{error}");
    assert_eq!(script.calls().len(), 2);

    // In a pack it makes the pack none of ours, in a list it costs only itself.
    let pack = json!({"id": 2_000_006_556_183_755_u64, "orders": [{"id": 2_000_009_713_473_608_u64}],
        "shipment": {"id": null}});
    let answers = vec![ok(pack.to_string()), ok(bought_by_us().to_string())];
    let (shop, _) = scripted(config(), answers);
    let error = shop.get_order(&id("2000006556183755")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    let mut own = json_fixture("order_pack_catalog.response.json");
    own["id"] = json!(7);
    own["pack_id"] = Value::Null;
    own["shipping"] = json!({"id": null});
    let mut silent = own.clone();
    silent["id"] = json!(8);
    silent["seller"] = Value::Null;
    let page = json!({"results": [bought_by_us(), own, silent],
        "paging": {"total": 3, "offset": 0, "limit": 50}});
    let (shop, _) = scripted(config(), vec![ok(page.to_string())]);
    let query =
        OrderQuery::Created { from: at("2024-11-01T00:00:00Z"), to: at("2024-11-02T00:00:00Z") };
    let page = shop.list_orders(&query, None).await.unwrap();
    let (bad, read): (Vec<_>, Vec<_>) =
        page.items.iter().partition(|item| matches!(item, PlatformItem::Unreadable(_)));
    let [PlatformItem::Unreadable(bad)] = bad.as_slice() else { panic!("{bad:?}") };
    assert!(bad.reason.contains("no sale of this seller's"), "{}", bad.reason);
    assert!(!bad.is_passing);
    assert_eq!(read.len(), 2, "one that names no seller is taken");
}

#[tokio::test]
async fn across_borders_an_order_names_the_sellers_id_of_its_site() {
    let mut order = bought_by_us();
    order["pack_id"] = Value::Null;
    order["shipping"] = json!({"id": null});
    let (shop, _) =
        scripted(config().with_global_selling(true), vec![missing(), ok(order.to_string())]);
    assert!(shop.get_order(&id("2000009713473608")).await.is_ok());
}

#[tokio::test]
async fn a_pack_is_read_whole_with_its_shipment_and_its_deadline() {
    let pack = json!({"id": 2_000_006_556_183_755_u64, "status": "released", "status_detail": null,
        "orders": [{"id": 2_000_009_713_473_608_u64}], "shipment": {"id": 40_531_399_184_u64},
        "date_created": "2024-11-01T09:34:59.000-0400"});
    let (shop, script) = scripted(
        config(),
        vec![
            ok(pack.to_string()),
            ok(fixture("order_pack_catalog.response.json")),
            ok(fixture("cbt_shipment_new_format.response.json")),
            ok(fixture("shipment_sla.response.json")),
        ],
    );
    let order = shop.get_order(&id("2000006556183755")).await.unwrap();
    let urls: Vec<_> = script.calls().into_iter().map(|call| call.url).collect();
    assert_eq!(
        urls,
        [
            "https://mercado.test/packs/2000006556183755",
            "https://mercado.test/orders/2000009713473608",
            "https://mercado.test/shipments/40531399184",
            "https://mercado.test/shipments/40531399184/sla",
        ]
    );
    assert_eq!(script.calls()[2].headers["x-format-new"], "true");
    let recipient = order.recipient.as_ref().unwrap();
    assert_eq!(recipient.name.as_str(), "Test Buyer");
    assert_eq!(recipient.phone, None, "a masked phone is none");
    assert_eq!(recipient.address.line1(), "lalalalala 12312");
    assert_eq!(recipient.address.state.as_deref(), Some("DIF"));
    assert_eq!(recipient.address.residential, Some(false));
    let due = |kind| order.deadlines.iter().find(|due| due.kind == kind).map(|due| due.at);
    assert_eq!(due(DeadlineKind::ShipBy), Some(at("2024-05-23T02:59:59Z")));
    assert_eq!(due(DeadlineKind::DeliverBy), Some(at("2021-05-13T05:00:00Z")));
    assert_eq!(order.logistics, LogisticsMode::PlatformLabel);
    let group = &order.lines[0].units[0];
    assert_eq!(group.status, UnitStatus::Acknowledged, "labelled, and not scanned");
    assert_eq!(order.attributes["shipping.tracking_number"], "MMXQP014735497E");
    assert_eq!(order.requested_service.as_deref(), Some("Envío internacional"));
    serde_json::from_str::<Value>(order.raw.as_str()).expect("the bytes of all calls are JSON");
    expect("pack_with_shipment.expect.json", vec![order]);
}

#[tokio::test]
async fn the_detail_of_a_packs_status_may_be_nothing_a_word_or_an_object() {
    for (detail, kept) in [
        (Value::Null, None),
        (json!("splitted"), Some("splitted")),
        (json!({"code": "splitted", "description": "two boxes"}), Some("splitted")),
        (json!([1]), Some("[1]")),
    ] {
        let pack = json!({"id": 7, "status": "cancelled", "status_detail": detail,
            "orders": [{"id": 5}], "shipment": {"id": null}});
        let mut order = json_fixture("order_pack_catalog.response.json");
        (order["id"], order["pack_id"]) = (json!(5), json!(7));
        order["shipping"] = json!({"id": null});
        let (shop, _) = scripted(config(), vec![ok(pack.to_string()), ok(order.to_string())]);
        let read = shop.get_order(&id("7")).await.unwrap();
        let attribute = read.attributes.get("pack.status_detail").map(String::as_str);
        assert_eq!(attribute, kept, "{detail}");
    }
}

#[tokio::test]
async fn an_order_without_a_pack_and_without_a_shipment_is_arranged_with_the_buyer() {
    let mut order = json_fixture("orders_search.response.json")["results"][0].clone();
    order["tags"] = json!(["no_shipping", "paid"]);
    order["seller"]["id"] = json!(SELLER);
    let (shop, _) = scripted(config(), vec![missing(), ok(order.to_string())]);
    let order = shop.get_order(&id("1068825849")).await.unwrap();
    assert_eq!((order.id.as_str(), order.logistics), ("1068825849", LogisticsMode::SellerCarrier));
    assert!(order.recipient.is_none() && order.deadlines.is_empty());
}

#[tokio::test]
async fn the_old_view_of_a_shipment_reads_too() {
    let order = json_fixture("order_pack_catalog.response.json");
    let old = json!({"id": 1, "status": "shipped", "substatus": "delayed", "mode": "me1",
        "logistic_type": "default", "tracking_number": "T1",
        "status_history": {"date_shipped": "2024-11-02T10:00:00.000-04:00"},
        "shipping_option": {"name": "Normal", "estimated_handling_limit": {"date": "2024-11-03T00:00:00.000-03:00"}},
        "receiver_address": {"receiver_name": "Ana", "receiver_phone": "11 5555", "street_name": "Rua A",
            "street_number": 7, "zip_code": "01310-100", "city": {"name": "São Paulo"},
            "state": {"id": "BR-SP"}, "country": {"id": "BR"}, "comment": "fundos"}});
    let answers = vec![missing(), ok(order.to_string()), missing(), ok(old.to_string()), missing()];
    let (shop, _) = scripted(config(), answers);
    let order = shop.get_order(&id("2000009713473608")).await.unwrap();
    assert_eq!(order.logistics, LogisticsMode::SellerCarrier);
    let contact = order.recipient.unwrap();
    assert_eq!(contact.address.line1(), "Rua A 7");
    assert_eq!(contact.phone.unwrap().as_str(), "11 5555");
    let parcel = order.lines[0].units[0].shipment.clone().unwrap();
    assert_eq!(parcel.shipped_at, Some(at("2024-11-02T14:00:00Z")));
    assert_eq!(order.deadlines[0].at, at("2024-11-03T03:00:00Z"));
    assert_eq!(order.attributes["shipping.note"], "delayed");
}

#[tokio::test]
async fn a_parcel_left_when_its_history_first_shows_it_in_other_hands() {
    let order = json_fixture("order_pack_catalog.response.json");
    let shipment = json!({"id": 1, "status": "shipped", "substatus": null, "last_updated": "2026-08-03T11:00:00.000-04:00",
        "logistic": {"mode": "me2", "type": "drop_off"}});
    let answers = vec![
        missing(),
        ok(order.to_string()),
        missing(),
        ok(shipment.to_string()),
        ok(fixture("shipment_history_real_47634280810.response.json")),
    ];
    let (shop, _) = scripted(config(), answers);
    let order = shop.get_order(&id("2000009713473608")).await.unwrap();
    let parcel = order.lines[0].units[0].shipment.clone().unwrap();
    assert_eq!(parcel.shipped_at, Some(at("2026-08-03T14:53:42Z")));
    assert_eq!(order.updated_at, Some(at("2026-08-03T15:00:00Z")), "the parcel's stamp is newer");
}

#[tokio::test]
async fn a_search_names_the_filters_that_work_and_closes_its_window_before_the_end() {
    let empty = r#"{"results":[],"paging":{"total":0,"offset":0,"limit":50}}"#;
    let (shop, script) = scripted(config(), vec![ok(empty), ok(empty)]);
    let (from, to) = (at("2026-01-01T00:00:00Z"), at("2026-01-02T00:00:00Z"));
    shop.list_orders(&OrderQuery::Updated { from, to }, None).await.unwrap();
    shop.list_orders(&OrderQuery::Created { from, to }, None).await.unwrap();
    let urls: Vec<_> = script.calls().into_iter().map(|call| call.url).collect();
    assert_eq!(
        urls[0],
        "https://mercado.test/orders/search?seller=779432305\
         &order.date_last_updated.from=2026-01-01T00%3A00%3A00.000-00%3A00\
         &order.date_last_updated.to=2026-01-01T23%3A59%3A59.999-00%3A00\
         &sort=date_asc&offset=0&limit=50"
    );
    assert!(urls[1].contains("order.date_created.from="), "{}", urls[1]);
}

#[tokio::test]
async fn a_huge_total_over_an_empty_page_is_no_reason_to_look_into_ever_smaller_windows() {
    let lying = r#"{"results":[],"paging":{"total":9000000,"offset":0,"limit":50}}"#;
    let (shop, script) = scripted(config(), (0..40).map(|_| ok(lying)).collect());
    let (from, to) = (at("2026-01-01T00:00:00Z"), at("2026-01-08T00:00:00Z"));
    let page = shop.list_orders(&OrderQuery::Updated { from, to }, None).await.unwrap();
    assert_eq!((page.items.len(), page.next), (0, None));
    assert_eq!(script.calls().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_long_list_comes_in_pages_and_deep_ones_are_cut_into_windows() {
    let house = house_with(Faults::none(), |config| config.with_deepest_offset(60));
    let packs = generate(7, 240, noon() - TimeDelta::days(3), noon());
    let mut wanted: Vec<String> = packs.iter().map(|pack| pack.id()).collect();
    packs.into_iter().for_each(|pack| house.market.place(pack));
    let query = OrderQuery::Created { from: noon() - TimeDelta::days(4), to: noon() };
    let found = std::sync::Mutex::new(Vec::new());
    house
        .shop
        .for_each_page(&query, |page| {
            found.lock().unwrap().extend(read_items(page));
            async { Ok(()) }
        })
        .await
        .unwrap();
    let found = found.into_inner().unwrap();
    let mut ids: Vec<String> = found.iter().map(|order| order.id.to_string()).collect();
    ids.sort();
    wanted.sort();
    assert_eq!(ids, wanted, "every pack once, whichever page its orders were on");
    assert!(found.iter().any(|order| order.lines.len() > 1), "packs are among them");
    for order in &found {
        assert!(order.check().is_ok() && order.recipient.is_some(), "{}", order.id);
        let site = order.site.clone().unwrap();
        let currency = Site::new(&site).currency().unwrap();
        assert_eq!(order.total.currency, currency, "{site}");
    }
}

#[tokio::test(start_paused = true)]
async fn cancelled_orders_are_not_listed_and_limits_say_so() {
    let house = house();
    let pack = house.sale(1, Way::DropOff);
    house.market.cancel(&pack.id(), "buyer", "buyer_cancel_express", noon());
    let query = OrderQuery::Created { from: noon() - TimeDelta::days(1), to: noon() };
    let page = house.shop.list_orders(&query, None).await.unwrap();
    assert!(page.items.is_empty());
    let limits = house.shop.limits();
    assert!(!limits.lists_cancelled && !limits.lists_movements && limits.platform_deadlines);
    let order = house.shop.get_order(&id(pack.id())).await.unwrap();
    let group = &order.lines[0].units[0];
    assert_eq!(group.status, UnitStatus::Cancelled);
    assert_eq!(group.reason.as_deref(), Some("buyer: buyer_cancel_express"));
}

#[tokio::test(start_paused = true)]
async fn released_orders_are_those_that_wait_for_the_seller() {
    let house = house();
    let open = house.sale(1, Way::DropOff);
    let full = house.sale(2, Way::Full);
    let left = house.sale(3, Way::DropOff);
    house.market.set_shipment(&left.id(), "shipped", None, noon());
    house.clock.advance(TimeDelta::minutes(1));
    let page = house.shop.list_orders(&OrderQuery::Released, None).await.unwrap();
    let ids: Vec<String> = read_items(page).iter().map(|order| order.id.to_string()).collect();
    assert_eq!(ids, [open.id()]);
    let order = house.shop.get_order(&id(full.id())).await.unwrap();
    assert_eq!(order.logistics, LogisticsMode::PlatformFulfilled);
}

#[tokio::test(start_paused = true)]
async fn an_order_id_leads_to_its_pack() {
    let house = house();
    let pack = house.sale(1, Way::DropOff);
    let by_order = house.shop.get_order(&id(pack.items[0].order.to_string())).await.unwrap();
    let by_pack = house.shop.get_order(&id(pack.id())).await.unwrap();
    assert_eq!(by_order, by_pack);
}

#[tokio::test]
async fn global_selling_reads_below_its_own_paths() {
    let mut order = json_fixture("order_pack_catalog.response.json");
    order["id"] = json!(2_497_671_750_u64);
    order["pack_id"] = json!(2_000_000_580_342_535_u64);
    order["shipping"] = json!({"id": null});
    let mut second = order.clone();
    second["id"] = json!(2_483_140_131_u64);
    second["pack_id"] = Value::Null;
    let answers = vec![
        ok(fixture("cbt_orders_search.response.json")),
        ok(order.to_string()),
        ok(second.to_string()),
        missing(),
    ];
    let (shop, script) = scripted(config().with_global_selling(true), answers);
    let (from, to) = (at("2026-01-01T00:00:00Z"), at("2026-01-02T00:00:00Z"));
    let page = shop.list_orders(&OrderQuery::Updated { from, to }, None).await.unwrap();
    let ids: Vec<_> = read_items(page).iter().map(|order| order.id.to_string()).collect();
    assert_eq!(ids, ["2000000580342535", "2483140131"]);
    let urls: Vec<_> = script.calls().into_iter().map(|call| call.url).collect();
    assert!(
        urls[0]
            .contains("/marketplace/orders/search?seller.id=779432305&site=MLB&last_updated.from=")
    );
    assert!(urls[1].ends_with("/marketplace/orders/2497671750"), "{}", urls[1]);
    assert!(urls[3].ends_with("/marketplace/orders/pack/2000000580342535"), "{}", urls[3]);
}

#[tokio::test]
async fn a_broken_shipment_costs_only_its_order_in_a_list() {
    let order = json_fixture("order_pack_catalog.response.json");
    let (shop, _) =
        scripted(config(), vec![ok(page_of(&[order])), missing(), ok(r#"{"id": 5, "status": 7}"#)]);
    let (from, to) = (at("2026-01-01T00:00:00Z"), at("2026-01-02T00:00:00Z"));
    let page = shop.list_orders(&OrderQuery::Created { from, to }, None).await.unwrap();
    let PlatformItem::Unreadable(item) = &page.items[0] else { panic!("{page:?}") };
    assert_eq!(item.id, Some(id("2000006556183755")));
    assert!(item.reason.contains("status"), "{}", item.reason);
}

#[tokio::test]
async fn a_foreign_cursor_is_refused_before_anything_is_asked() {
    let (shop, script) = scripted(config(), Vec::new());
    let cursor = orderflow::ports::Cursor::new("offset=7");
    let error = shop.list_orders(&OrderQuery::Released, Some(&cursor)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(script.calls().is_empty());
}

#[test]
fn a_configuration_that_cannot_work_is_refused() {
    let script = Arc::new(Script::default());
    let kind = |config| MercadoLibre::new(config, script.clone()).unwrap_err().kind();
    assert_eq!(kind(config().with_base_url("http://mercado.test")), ErrorKind::Configuration);
    assert_eq!(kind(config().with_cancel_words("x".repeat(160))), ErrorKind::Configuration);
}

#[tokio::test]
async fn a_shipment_leads_to_its_order_by_its_own_word_or_by_its_items() {
    let order = json_fixture("order_pack_catalog.response.json");
    let shipment = |order: Value| {
        json!({"id": 7, "order_id": order, "status": "shipped", "substatus": null,
            "logistic": {"mode": "me2", "type": "drop_off"}})
        .to_string()
    };
    let items =
        fixture("shipment_items.response.json").replace("\"order_id\": 0", "\"order_id\": 5");
    for (named, asked) in [(json!(5), 0), (Value::Null, 1)] {
        let mut answers = vec![ok(shipment(named))];
        answers.extend((0..asked).map(|_| ok(items.clone())));
        answers.push(ok(order.to_string()));
        // The pack, the shipment again, and its history.
        answers.extend([missing(), ok(shipment(json!(5))), missing()]);
        let (shop, script) = scripted(config(), answers);
        let read = shop.get_order(&id("shipments/7")).await.unwrap();
        assert_eq!(read.id, id("2000006556183755"));
        assert_eq!(read.lines[0].units[0].status, UnitStatus::InTransit);
        let urls: Vec<_> = script.calls().into_iter().map(|call| call.url).collect();
        assert_eq!(urls[0], "https://mercado.test/shipments/7");
        assert!(asked == 0 || urls[1] == "https://mercado.test/shipments/7/items", "{}", urls[1]);
        assert_eq!(urls[1 + asked], "https://mercado.test/orders/5");
    }
    let (shop, _) = scripted(config(), vec![ok(shipment(Value::Null)), ok("[]")]);
    let error = shop.get_order(&id("shipments/7")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

/// So many orders without packs and without shipments, from this id on.
fn plain(from: u64, count: u64) -> Vec<Value> {
    let order = |number| {
        let mut order = json_fixture("order_pack_catalog.response.json");
        order["id"] = json!(from + number);
        order["pack_id"] = Value::Null;
        order["shipping"] = json!({"id": null});
        order
    };
    (0..count).map(order).collect()
}

fn day() -> OrderQuery {
    OrderQuery::Updated { from: at("2026-01-01T00:00:00Z"), to: at("2026-01-02T00:00:00Z") }
}

#[tokio::test]
async fn what_fails_for_one_order_costs_only_that_order_which_is_to_be_asked_for_again() {
    for failure in [status(503, "{}"), status(502, "<html>"), status(500, ""), Answer::Lost] {
        let mut orders = plain(1, 3);
        orders[1]["shipping"] = json!({"id": 9});
        let (shop, _) = scripted(config(), vec![ok(page_of(&orders)), failure]);
        let page = shop.list_orders(&day(), None).await.unwrap();
        let [PlatformItem::Read(one), PlatformItem::Unreadable(bad), PlatformItem::Read(three)] =
            page.items.as_slice()
        else {
            panic!("{page:?}")
        };
        assert_eq!((&one.id, &three.id, &bad.id), (&id("1"), &id("3"), &Some(id("2"))));
        assert!(bad.is_passing && bad.reason.contains("get_shipment"), "{}", bad.reason);
        assert!(bad.raw.as_str().contains("order_items"));
    }
    // What is refused for good is not asked for again.
    let mut orders = plain(1, 2);
    orders[0]["shipping"] = json!({"id": 9});
    let (shop, _) = scripted(config(), vec![ok(page_of(&orders)), status(451, "{}")]);
    let page = shop.list_orders(&day(), None).await.unwrap();
    let PlatformItem::Unreadable(bad) = &page.items[0] else { panic!("{page:?}") };
    assert!(!bad.is_passing);
    // Limits and credentials are about the shop.
    for (code, kind) in [(429, ErrorKind::RateLimited), (401, ErrorKind::AuthRejected)] {
        let answers = vec![ok(page_of(&orders)), status(code, "{}"), status(code, "{}")];
        let (shop, _) = scripted(config(), answers);
        assert_eq!(shop.list_orders(&day(), None).await.unwrap_err().kind(), kind);
    }
}

#[tokio::test]
async fn a_page_of_which_no_order_can_be_read_for_now_fails_as_a_whole() {
    let mut orders = plain(1, 2);
    for order in &mut orders {
        order["shipping"] = json!({"id": 9});
    }
    let (shop, _) =
        scripted(config(), vec![ok(page_of(&orders)), status(503, "{}"), status(503, "{}")]);
    let error = shop.list_orders(&day(), None).await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Transient, Some("list_orders")));
    assert!(error.message().contains("get_shipment"), "{error}");
}

#[tokio::test]
async fn what_a_page_says_of_its_list_never_ends_the_walk_early() {
    let page = |from: u64, count: u64, paging: &Value| {
        let mut body = json!({"results": plain(from, count), "paging": paging});
        if paging.as_str() == Some("missing") {
            body.as_object_mut().unwrap().remove("paging");
        }
        ok(body.to_string())
    };
    let all = |total: u64, limit: u64| json!({"total": total, "offset": 0, "limit": limit});
    for paging in [
        json!("missing"),
        Value::Null,
        json!({}),
        json!({"total": null, "offset": null, "limit": null}),
        json!({"total": 0, "offset": 0, "limit": 50}),
        all(70, 1_000),
        all(70, 0),
        json!({"total": "70", "offset": "0", "limit": "50"}),
        json!({"total": 70}),
    ] {
        let (shop, script) = scripted(config(), vec![page(1, 50, &paging), page(51, 20, &paging)]);
        let count = shop.for_each_page(&day(), |_| async { Ok(()) }).await.unwrap();
        assert_eq!(count, 70, "{paging}");
        let urls: Vec<_> = script.calls().into_iter().map(|call| call.url).collect();
        assert!(urls[1].ends_with("&offset=50&limit=50"), "{paging}: {}", urls[1]);
    }
    // A platform that shows fewer than it was asked for is asked for the next ones, and none are left
    // out.
    let short = all(70, 50);
    let (shop, script) = scripted(config(), vec![page(1, 30, &short), page(31, 40, &short)]);
    assert_eq!(shop.for_each_page(&day(), |_| async { Ok(()) }).await.unwrap(), 70);
    assert!(script.calls()[1].url.ends_with("&offset=30&limit=50"));
    // A reader without a place in the list says so instead of ending it.
    let body = |paging: Value| json!({"results": plain(1, 50), "paging": paging}).to_string();
    let next = |paging| read_search_page(body(paging).as_bytes()).map(|page| page.next);
    assert_eq!(next(Value::Null).unwrap_err().kind(), ErrorKind::UnexpectedAnswer);
    let cursor = |offset: &str| Some(orderflow::ports::Cursor::new(offset));
    assert_eq!(next(json!({"offset": 100, "limit": 9_999})).unwrap(), cursor("150"));
    assert_eq!(next(json!({"offset": 100, "limit": 50, "total": 150})).unwrap(), None);
}

#[tokio::test]
async fn orders_that_move_up_because_others_left_the_list_are_shown_too() {
    let page = |from: u64, count: u64, total: u64| {
        let paging = json!({"total": total, "offset": 0, "limit": 50});
        ok(json!({"results": plain(from, count), "paging": paging}).to_string())
    };
    // Two of the first page leave before the second one is read: the 51st and 52nd are now the 49th
    // and 50th.
    let answers = vec![page(1, 50, 120), page(53, 50, 118), page(51, 50, 118), page(101, 20, 118)];
    let (shop, script) = scripted(config(), answers);
    let found = std::sync::Mutex::new(std::collections::BTreeSet::new());
    shop.for_each_page(&day(), |page| {
        found.lock().unwrap().extend(read_items(page).into_iter().map(|order| order.id));
        async { Ok(()) }
    })
    .await
    .unwrap();
    let wanted: std::collections::BTreeSet<_> = (1..=120).map(|n| id(n.to_string())).collect();
    assert_eq!(found.into_inner().unwrap(), wanted);
    let urls: Vec<_> = script.calls().into_iter().map(|call| call.url).collect();
    let offsets: Vec<&str> = urls
        .iter()
        .map(|url| url.split_once("&offset=").unwrap().1.split_once('&').unwrap().0)
        .collect();
    assert_eq!(offsets, ["0", "50", "48", "98"]);
}

#[tokio::test(start_paused = true)]
async fn a_sale_cancelled_during_a_walk_takes_no_other_out_of_it() {
    let house = house();
    let mut packs = generate(7, 160, noon() - TimeDelta::days(3), noon());
    packs.sort_by_key(|pack| pack.placed_at);
    let ids: Vec<String> = packs.iter().map(|pack| pack.id()).collect();
    packs.into_iter().for_each(|pack| house.market.place(pack));
    let query = OrderQuery::Created { from: noon() - TimeDelta::days(4), to: noon() };
    let found = std::sync::Mutex::new(std::collections::BTreeSet::new());
    house
        .shop
        .for_each_page(&query, |page| {
            let mut found = found.lock().unwrap();
            if found.is_empty() {
                for pack in &ids[..20] {
                    house.market.cancel(pack, "buyer", "buyer_cancel_express", noon());
                }
            }
            found.extend(read_items(page).into_iter().map(|order| order.id.to_string()));
            async { Ok(()) }
        })
        .await
        .unwrap();
    let found = found.into_inner().unwrap();
    let missing: Vec<&String> = ids[20..].iter().filter(|pack| !found.contains(*pack)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
