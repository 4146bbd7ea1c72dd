//! Telling shipments, cancelling, labels, messages, stock, splitting.

use super::house::*;
use chrono::TimeDelta;
use orderflow::order::{CancelReason, LogisticsMode, UnitStatus};
use orderflow::platforms::mercado_libre::TransportStep;
use orderflow::ports::{
    BuyerMessages, CancelLine, Cancellations, Listing, MarketplaceAdapter, PlatformLabelRequest,
    PlatformLabels, PlatformParcels, ShipmentNoticeLine, StockLevel, StockPush,
};
use orderflow::sandbox::mercado_libre::{SandboxPack, Way, generate};
use orderflow::sandbox::{Fault, Faults, ScriptedFault};
use orderflow::shipment::{LabelFormat, LabelRequest, ServiceKey};
use orderflow::{
    Address, CarrierId, Contact, ErrorKind, Grams, PackageId, PlatformPackageId, Retry,
    ServiceCode, Sku, WarehouseId,
};
use serde_json::{Value, json};

fn fault(path: &str, fault: Fault) -> Faults {
    Faults::scripted(vec![ScriptedFault {
        stand_in: "mercado-libre".into(),
        path: path.into(),
        from: 0,
        times: 1,
        fault,
    }])
}

#[tokio::test(start_paused = true)]
async fn a_parcel_of_the_sellers_own_carrier_is_told_with_the_sites_service() {
    let house = house();
    let pack = house.sale(1, Way::OwnCarrier);
    let order = house.shop.get_order(&id(pack.id())).await.unwrap();
    assert_eq!(order.logistics, LogisticsMode::SellerCarrier);
    let first = house.shop.confirm_shipment(&notice(&order, "BR1"), &key()).await.unwrap();
    let second = house.shop.confirm_shipment(&notice(&order, "BR1"), &key()).await.unwrap();
    assert_eq!((first.already, second.already), (false, true));
    let told = house.ledger.confirmations();
    assert_eq!((told.len(), told[0].number.as_str(), told[0].units), (1, "BR1", 3));
    let other = house.shop.confirm_shipment(&notice(&order, "BR2"), &key()).await.unwrap_err();
    assert_eq!((other.kind(), other.retry()), (ErrorKind::Conflict, Retry::Never));
    assert_eq!(house.ledger.confirmations().len(), 1);
}

#[tokio::test]
async fn the_notification_is_written_as_in_the_official_example() {
    let order = json_fixture("order_pack_catalog.response.json");
    let shipment = json!({"id": 44_028_792_542_u64, "status": "pending", "substatus": null,
        "logistic": {"mode": "me1", "type": "default"}});
    let answers = vec![
        missing(),
        ok(order.to_string()),
        missing(),
        ok(shipment.to_string()),
        missing(),
        ok("{}"),
    ];
    let (shop, script) = scripted(config(), answers);
    let line = "2000009713473608-MLB3737188005";
    let mut told = notice(
        &orderflow::order::PlatformOrder::new(
            id("2000009713473608"),
            noon(),
            orderflow::Money::zero(orderflow::Currency::BRL),
        ),
        "OP123456789AR",
    );
    told.tracking_url = Some("http://www.url.test/40886674732".to_owned());
    told.shipped_at = at("2023-01-16T17:03:51.175Z");
    told.lines = vec![ShipmentNoticeLine {
        line: orderflow::LineId::new(line).unwrap(),
        reference: None,
        units: 2,
    }];
    shop.confirm_shipment(&told, &key()).await.unwrap();
    let call = script.calls().pop().unwrap();
    assert!(call.url.ends_with("/shipments/44028792542/seller_notifications"), "{}", call.url);
    let sent: Value = serde_json::from_slice(&call.body).unwrap();
    let mut wanted = json_fixture("me1_seller_notification_shipped.request.json");
    // The service belongs to the site, and the offset too.
    wanted["payload"]["service_id"] = json!(11);
    wanted["payload"]["date"] = json!("2023-01-16T14:03:51.175-03:00");
    assert_eq!(sent, wanted);
}

#[tokio::test(start_paused = true)]
async fn a_lost_confirmation_is_looked_for_and_never_sent_blindly() {
    for (lost, already) in [(Fault::LostAfter, true), (Fault::LostBefore, false)] {
        let house = house_with(fault("/seller_notifications", lost), |config| config);
        let pack = house.sale(1, Way::OwnCarrier);
        let order = house.shop.get_order(&id(pack.id())).await.unwrap();
        let told = notice(&order, "BR1");
        match house.shop.confirm_shipment(&told, &key()).await {
            Ok(confirmed) => assert_eq!(confirmed.already, already),
            Err(error) => {
                assert!(error.is_passing(), "{error}");
                assert!(house.ledger.confirmations().is_empty());
                house.shop.confirm_shipment(&told, &key()).await.unwrap();
            }
        }
        assert_eq!(house.ledger.confirmations().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn custom_shipments_take_the_number_itself() {
    let house = house();
    let pack = house.sale(1, Way::Custom);
    let order = house.shop.get_order(&id(pack.id())).await.unwrap();
    assert!(!house.shop.confirm_shipment(&notice(&order, "C1"), &key()).await.unwrap().already);
    assert_eq!(house.ledger.confirmations()[0].number, "C1");
}

#[tokio::test(start_paused = true)]
async fn there_is_nothing_to_upload_for_the_platforms_own_transport() {
    let house = house();
    for (seed, way) in [(1, Way::DropOff), (2, Way::Flex), (3, Way::Full), (4, Way::Arranged)] {
        let pack = house.sale(seed, way);
        let order = house.shop.get_order(&id(pack.id())).await.unwrap();
        let error = house.shop.confirm_shipment(&notice(&order, "X1"), &key()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{way:?}");
    }
    assert!(house.ledger.confirmations().is_empty());
}

#[tokio::test(start_paused = true)]
async fn suspected_fraud_and_refunded_sales_never_ship() {
    let house = house();
    for (seed, way, tag) in [
        (1, Way::OwnCarrier, "fraud_risk_detected"),
        (2, Way::DropOff, "fraud_risk_detected"),
        (3, Way::OwnCarrier, "unfulfilled"),
        (4, Way::DropOff, "unfulfilled"),
    ] {
        let mut pack = generate(seed, 1, noon() - TimeDelta::hours(5), noon()).remove(0);
        pack.way = way;
        pack.tags = vec![tag];
        house.market.place(pack.clone());
        let order = house.shop.get_order(&id(pack.id())).await.unwrap();
        let error = if way == Way::DropOff {
            house.shop.buy(&label_request(&pack, LabelFormat::Pdf), &key()).await.unwrap_err()
        } else {
            house.shop.confirm_shipment(&notice(&order, "F1"), &key()).await.unwrap_err()
        };
        assert_eq!(error.kind(), ErrorKind::Rejected, "{way:?} {tag}");
    }
    assert!(house.ledger.confirmations().is_empty() && house.market.labels_printed() == 0);
}

#[tokio::test(start_paused = true)]
async fn steps_of_the_sellers_own_transport_are_reported_once() {
    let house = house();
    let pack = house.sale(1, Way::OwnCarrier);
    let order = house.shop.get_order(&id(pack.id())).await.unwrap();
    house.shop.confirm_shipment(&notice(&order, "BR1"), &key()).await.unwrap();
    for step in [TransportStep::OutForDelivery, TransportStep::Delivered, TransportStep::Delivered]
    {
        house.shop.report_transport(&order.id, step, "entregue", noon()).await.unwrap();
    }
    let order = house.shop.get_order(&order.id).await.unwrap();
    assert_eq!(order.lines[0].units[0].status, UnitStatus::Delivered);
    let mailed = house.sale(2, Way::DropOff);
    let step = TransportStep::Delivered;
    let error = house.shop.report_transport(&id(mailed.id()), step, "x", noon()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

fn cancel(order: &orderflow::order::PlatformOrder, reason: CancelReason) -> Vec<CancelLine> {
    let line = |line: &orderflow::order::PlatformLine| CancelLine {
        line: line.id.clone(),
        units: line.quantity,
        reason: reason.clone(),
    };
    order.lines.iter().map(line).collect()
}

#[tokio::test(start_paused = true)]
async fn a_sale_is_cancelled_whole_by_one_feedback() {
    let house = house_with(fault("/feedback", Fault::LostAfter), |config| config);
    let pack = house.sale(1, Way::OwnCarrier);
    let order = house.shop.get_order(&id(pack.id())).await.unwrap();
    let lines = cancel(&order, CancelReason::OutOfStock);
    let mut part = lines.clone();
    part[0].units = 1;
    let error = house.shop.cancel(&order.id, &part).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "a part of a sale cannot be cancelled");
    let nameless = cancel(&order, CancelReason::Seller("bored".into()));
    let error = house.shop.cancel(&order.id, &nameless).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "a reason without a word is refused");
    // The answer is lost, and the feedback is found.
    house.shop.cancel(&order.id, &lines).await.unwrap();
    house.shop.cancel(&order.id, &lines).await.unwrap();
    let order = house.shop.get_order(&order.id).await.unwrap();
    let group = &order.lines[0].units[0];
    assert_eq!(group.status, UnitStatus::Cancelled);
    assert_eq!(group.reason.as_deref(), Some("seller: OUT_OF_STOCK"));
}

fn contact() -> Contact {
    Contact {
        name: "Ana".into(),
        company: None,
        phone: None,
        email: None,
        address: Address {
            lines: vec!["Rua A 1".into()],
            city: "São Paulo".into(),
            state: Some("SP".into()),
            postal_code: Some("01310100".into()),
            country: orderflow::Country::new("BR"),
            residential: None,
        },
    }
}

fn label_request(pack: &SandboxPack, format: LabelFormat) -> PlatformLabelRequest {
    PlatformLabelRequest {
        order: id(pack.id()),
        package: PackageId::new("p1").unwrap(),
        logistics: LogisticsMode::PlatformLabel,
        lines: Vec::new(),
        label: LabelRequest {
            account: None,
            sender: contact(),
            recipient: contact(),
            service: ServiceKey::new(
                CarrierId::from_static("mercado-envios"),
                ServiceCode::from_static("drop_off"),
            ),
            token: None,
            weight: Grams::new(700),
            dimensions: None,
            value: None,
            customs: None,
            mailing_date: noon().date_naive(),
            format,
            references: Vec::new(),
            warehouse: None,
        },
    }
}

#[tokio::test(start_paused = true)]
async fn a_label_is_downloaded_as_often_as_wanted_and_the_parcel_moves_on_with_the_clock() {
    let house = house();
    let pack = house.sale(1, Way::DropOff);
    assert!(house.shop.existing(&id(pack.id())).await.unwrap().is_empty());
    let first = house.shop.buy(&label_request(&pack, LabelFormat::Pdf), &key()).await.unwrap();
    let again = house.shop.buy(&label_request(&pack, LabelFormat::Zpl), &key()).await.unwrap();
    assert_eq!(first.record.number, again.record.number);
    assert!(first.documents[0].bytes.expose().starts_with(b"%PDF"));
    assert!(again.documents[0].bytes.expose().starts_with(b"^XA"));
    assert_eq!(house.market.labels_printed(), 1);
    let found = house.shop.existing(&id(pack.id())).await.unwrap();
    assert_eq!(found[0].record.number, first.record.number);
    let unit = async |hours| {
        house.clock.advance(TimeDelta::hours(hours));
        let order = house.shop.get_order(&id(pack.id())).await.unwrap();
        order.lines[0].units[0].clone()
    };
    assert_eq!(unit(0).await.status, UnitStatus::Acknowledged, "printed, and not handed over");
    let moving = unit(7).await;
    assert_eq!(moving.status, UnitStatus::InTransit);
    assert_eq!(moving.shipment.unwrap().shipped_at, Some(noon() + TimeDelta::hours(6)));
    assert_eq!(unit(60).await.status, UnitStatus::Delivered);
    assert!(house.ledger.audit(&Default::default()).is_empty());
    let late = house.shop.buy(&label_request(&pack, LabelFormat::Pdf), &key()).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Rejected, "a delivered parcel has no label to print");
}

#[tokio::test(start_paused = true)]
async fn labels_that_the_platform_does_not_make_are_said_so() {
    let house = house();
    for (seed, way) in [(1, Way::Full), (2, Way::OwnCarrier), (3, Way::Arranged)] {
        let pack = house.sale(seed, way);
        let request = label_request(&pack, LabelFormat::Pdf);
        let error = house.shop.buy(&request, &key()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{way:?}");
    }
    let pack = house.sale(4, Way::DropOff);
    house.market.set_shipment(&pack.id(), "pending", Some("buffered"), noon());
    let request = label_request(&pack, LabelFormat::Pdf);
    let error = house.shop.buy(&request, &key()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    assert!(error.message().contains("pending/buffered"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn one_bad_shipment_does_not_cost_a_batch_its_labels() {
    let house = house();
    let good: Vec<SandboxPack> = (0..60).map(|seed| house.sale(seed, Way::DropOff)).collect();
    let bad = house.sale(99, Way::Full);
    let mut shipments: Vec<PlatformPackageId> = good
        .iter()
        .chain([&bad])
        .map(|pack| PlatformPackageId::new(pack.shipment.to_string()).unwrap())
        .collect();
    // The bad one is in the second call: the first holds fifty in one document.
    shipments.swap(55, 60);
    let batch = house.shop.download_labels(&shipments, &LabelFormat::Pdf).await.unwrap();
    assert_eq!(batch.documents[0].0.len(), 50);
    assert_eq!(batch.documents.iter().map(|(ids, _)| ids.len()).sum::<usize>(), 60);
    assert_eq!(batch.refused.len(), 1);
    assert_eq!(batch.refused[0].0.as_str(), bad.shipment.to_string());
    let code = batch.refused[0].1.vendor().unwrap().code.clone();
    assert_eq!(code.as_deref(), Some("SHPLAB0218"));
}

#[tokio::test(start_paused = true)]
async fn a_message_is_sent_once_however_often_it_is_asked_for() {
    let house = house_with(fault("/sellers/", Fault::LostAfter), |config| config);
    let pack = house.sale(1, Way::DropOff);
    let text = "Olá, seu pedido saiu.".to_owned().into();
    let order = id(pack.id());
    for _ in 0..3 {
        house.shop.send_message(&order, &text, &key()).await.unwrap();
    }
    assert_eq!(house.market.messages_about(&pack.id()), ["Olá, seu pedido saiu."]);
}

#[tokio::test(start_paused = true)]
async fn messages_that_cannot_be_are_refused_before_they_are_sent() {
    let house = house();
    let pack = house.sale(1, Way::DropOff);
    let order = id(pack.id());
    for text in ["é".repeat(351), "saiu 📦".to_owned(), "  ".to_owned()] {
        let error = house.shop.send_message(&order, &text.into(), &key()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert_eq!(error.field(), Some("text"));
    }
    house.shop.send_message(&order, &"é".repeat(350).into(), &key()).await.unwrap();
    house.market.block_conversation(&pack.id(), "blocked_by_buyer");
    let text = "outra".to_owned().into();
    let error = house.shop.send_message(&order, &text, &key()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    assert_eq!(error.vendor().unwrap().code.as_deref(), Some("blocked_by_buyer"));
}

fn level(sku: &'static str, item: Option<&str>, units: u32) -> StockLevel {
    StockLevel {
        sku: Sku::from_static(sku),
        listing: item.map(|item| Listing { item: item.to_owned(), variant: None }),
        warehouse: None,
        units,
    }
}

#[tokio::test(start_paused = true)]
async fn stock_is_set_by_item_and_an_unknown_sku_costs_only_its_own_level() {
    let house = house();
    house.market.offer("A", "MLB1");
    house.market.offer("B", "MLB2");
    let levels = [level("A", None, 3), level("NOWHERE", None, 1), level("B", Some("MLB2"), 0)];
    let outcomes = house.shop.push_stock(&levels).await;
    assert!(outcomes[0].is_ok() && outcomes[2].is_ok());
    assert_eq!(outcomes[1].as_ref().unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(house.ledger.stock_level("mercado-libre", "A"), Some(3));
    assert_eq!(house.ledger.stock_level("mercado-libre", "B"), Some(0));
}

#[tokio::test(start_paused = true)]
async fn a_user_products_stock_is_read_again_when_somebody_else_wrote_first() {
    let house = house();
    house.market.keep_stock("MLAU1", &[]);
    house.market.contest_stock("MLAU1", 2);
    let outcomes = house.shop.push_stock(&[level("A", Some("MLAU1"), 9)]).await;
    assert!(outcomes[0].is_ok(), "{outcomes:?}");
    assert_eq!(house.market.stock_of("MLAU1", ""), Some(9));
    house.market.contest_stock("MLAU1", 50);
    let outcomes = house.shop.push_stock(&[level("A", Some("MLAU1"), 7)]).await;
    let error = outcomes[0].as_ref().unwrap_err();
    assert!(error.kind() == ErrorKind::Conflict && matches!(error.retry(), Retry::After(_)));
    assert_eq!(house.market.stock_of("MLAU1", ""), Some(9));
}

#[tokio::test(start_paused = true)]
async fn stock_at_several_depots_names_the_depot() {
    let house = house();
    house.market.keep_stock("MLMU2", &[("10", "MXP1"), ("11", "MXP2")]);
    let mut levels = [level("A", Some("MLMU2"), 4), level("A", Some("MLMU2"), 4)];
    levels[1].warehouse = Some(WarehouseId::new("MXP2").unwrap());
    let outcomes = house.shop.push_stock(&levels).await;
    assert_eq!(outcomes[0].as_ref().unwrap_err().field(), Some("warehouse"));
    assert!(outcomes[1].is_ok(), "{outcomes:?}");
    assert_eq!(house.market.stock_of("MLMU2", "11"), Some(4));
}

#[tokio::test(start_paused = true)]
async fn a_pack_is_split_into_two_parcels_with_all_of_its_units() {
    let house = house_with(fault("/split", Fault::LostAfter), |config| config);
    let pack = house.sale(1, Way::DropOff);
    let order = house.shop.get_order(&id(pack.id())).await.unwrap();
    let part = |units| {
        vec![ShipmentNoticeLine { line: order.lines[0].id.clone(), reference: None, units }]
    };
    let error = house.shop.split(&order.id, &[part(1), part(1)]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let error = house.shop.split(&order.id, &[part(1), part(1), part(1)]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let parts = house.shop.split(&order.id, &[part(1), part(2)]).await.unwrap();
    assert_eq!(parts.len(), 2);
    let split = house.shop.get_order(&order.id).await.unwrap();
    assert_eq!(split.lines[0].units[0].reason.as_deref(), Some("internal: pack_splitted"));
    assert_eq!(split.attributes["pack.status_detail"], "splitted");
    let error = house.shop.combine(&[order.id]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[tokio::test(start_paused = true)]
async fn goods_that_were_made_are_said_to_be_ready() {
    let house = house();
    let pack = house.sale(1, Way::DropOff);
    house.market.set_shipment(&pack.id(), "pending", Some("manufacturing"), noon());
    house.shop.mark_ready_to_ship(&id(pack.id())).await.unwrap();
    house.shop.mark_ready_to_ship(&id(pack.id())).await.unwrap();
    let label = house.shop.buy(&label_request(&pack, LabelFormat::Pdf), &key()).await;
    assert!(label.is_ok(), "{label:?}");
}
