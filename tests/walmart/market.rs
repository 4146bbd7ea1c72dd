//! Canada: the same calls with its own words, and fewer abilities.

use super::house::*;
use orderflow::order::{CancelReason, DeadlineKind};
use orderflow::platforms::walmart::{Market, WebhookAuth};
use orderflow::ports::{CancelLine, CarrierNaming, MarketplaceAdapter, StockLevel};
use orderflow::shipment::NumberChanges;
use orderflow::{CarrierId, Currency, LineId, ServiceCode, Sku};
use serde_json::json;

fn canadian() -> orderflow::platforms::walmart::WalmartConfig {
    config().with_market(Market::Canada)
}

/// The official order, as sold in Canada.
fn sold_there() -> String {
    order_with(|order| {
        order["shippingInfo"]["postalAddress"]["country"] = json!("CAN");
        order["shippingInfo"]["methodCode"] = json!("ONE_DAY");
        let charge = &mut line_of(order)["charges"]["charge"][0];
        charge["chargeAmount"] = json!({"amount": 5});
        charge["tax"] = json!(null);
        rows(order, json!([row("CREATED", 1)]));
    })
}

#[tokio::test]
async fn every_call_to_canada_names_its_market_and_calls_to_the_united_states_name_none() {
    let (there, script) = shop_with(canadian(), vec![ok(sold_there())]);
    there.get_order(&id("1")).await.unwrap();
    let seen = script.seen.lock().unwrap().clone();
    assert_eq!(seen.len(), 2, "a token and an order");
    for request in &seen {
        assert_eq!(request.headers["wm_market"], "ca");
        assert_eq!(request.headers["wm_global_version"], "3.1");
    }
    let (here, script) = shop(vec![ok(fixture(ORDER))]);
    here.get_order(&id("1")).await.unwrap();
    let headers = &script.calls()[0].headers;
    assert!(!headers.contains_key("wm_market") && !headers.contains_key("wm_global_version"));
}

#[tokio::test]
async fn a_canadian_order_has_its_site_currency_and_four_hours_to_be_acknowledged() {
    let (there, _) = shop_with(canadian(), vec![ok(sold_there())]);
    let order = there.get_order(&id("1")).await.unwrap();
    assert_eq!(order.site.as_deref(), Some("CA"));
    assert_eq!(order.total.currency, Currency::new("CAD").unwrap());
    assert_eq!(order.recipient.unwrap().address.country.unwrap().as_str(), "CA");
    let due: Vec<_> = order.deadlines.iter().map(|due| (due.kind, due.at)).collect();
    // Placed at 22:33:27; nothing is known of automatic cancellations.
    let wanted = [
        (DeadlineKind::AcknowledgeBy, at("2021-06-16T02:33:27Z")),
        (DeadlineKind::ShipBy, at("2021-06-18T03:59:59Z")),
        (DeadlineKind::DeliverBy, at("2021-06-25T19:00:00Z")),
    ];
    assert_eq!(due, wanted);
    let later = canadian().with_auto_cancel_days(6);
    let (there, _) = shop_with(later, vec![ok(sold_there())]);
    let order = there.get_order(&id("1")).await.unwrap();
    assert_eq!(order.deadlines[3].kind, DeadlineKind::AutoCancelUnlessShipped);
    assert_eq!(order.deadlines[3].at, at("2021-06-24T03:59:59Z"));
}

#[tokio::test]
async fn a_shipment_to_canada_has_its_carrier_names_and_the_method_as_it_came() {
    let (there, script) = shop_with(canadian(), vec![ok(sold_there()), ok(shipped_order())]);
    let mut notice = notice();
    notice.carrier = CarrierId::new("canada-post").unwrap();
    notice.requested_service = Some("ONE_DAY".to_owned());
    there.confirm_shipment(&notice, &key()).await.unwrap();
    let row = &script.body(1)["orderShipment"]["orderLines"]["orderLine"][0]["orderLineStatuses"]["orderLineStatus"]
        [0]["trackingInfo"];
    assert_eq!(row["carrierName"], json!({"carrier": "CPC"}));
    assert_eq!(row["methodCode"], "ONE_DAY");
    let naming = there.carrier_name(&notice.carrier, &ServiceCode::new("ground").unwrap());
    assert_eq!(naming, CarrierNaming::Code("CPC".to_owned()));
}

#[tokio::test]
async fn canada_knows_two_reasons_to_cancel() {
    let cases = [
        (CancelReason::BuyerRequest, "CUSTOMER_REQUESTED_SELLER_TO_CANCEL"),
        (CancelReason::OutOfStock, "CANCEL_BY_SELLER"),
        (CancelReason::Fraud, "CANCEL_BY_SELLER"),
    ];
    for (reason, word) in cases {
        let gone = order_with(|order| {
            line_of(order)["orderLineQuantity"]["amount"] = json!("3");
            rows(order, json!([row("CREATED", 1), row("CANCELLED", 2)]));
        });
        let whole = order_with(|order| {
            line_of(order)["orderLineQuantity"]["amount"] = json!("3");
            rows(order, json!([row("CREATED", 3)]));
        });
        let (there, script) = shop_with(canadian(), vec![ok(whole), ok(gone)]);
        // Two of the line's units, not the line.
        let line = CancelLine { line: LineId::new("1").unwrap(), units: 2, reason };
        there.cancellations().unwrap().cancel(&id("1"), &[line]).await.unwrap();
        let row = &script.body(1)["orderCancellation"]["orderLines"]["orderLine"][0]["orderLineStatuses"]
            ["orderLineStatus"][0];
        assert_eq!(row["cancellationReason"], word);
        assert_eq!(row["statusQuantity"]["amount"], "2");
    }
}

#[tokio::test]
async fn canada_takes_stock_and_has_no_ability_that_is_american_alone() {
    let (there, script) = shop_with(canadian(), vec![ok(fixture("put_inventory.response.json"))]);
    let sku = Sku::new("97964_KFTest").unwrap();
    let level = StockLevel { sku, listing: None, warehouse: None, units: 10 };
    assert!(there.stock().unwrap().push_stock(&[level]).await[0].is_ok());
    assert_eq!(script.calls()[0].headers["wm_market"], "ca");

    let auth = WebhookAuth::Hmac { header: "x".to_owned(), secret: "s".into() };
    let (there, _) = shop_with(canadian().with_webhook_auth(auth.clone()), Vec::new());
    let (here, _) = shop_with(config().with_webhook_auth(auth), Vec::new());
    for (shop, american) in [(&here, true), (&there, false)] {
        let found = [
            shop.tracking_updates().is_some(),
            shop.labels().is_some(),
            shop.after_sale().is_some(),
            shop.webhooks().is_some(),
            shop.figures().is_some(),
            shop.limits().sandbox,
            shop.limits().tracking_update == NumberChanges::MANY,
        ];
        assert_eq!(found, [american; 7]);
        assert!(shop.acknowledge().is_some() && shop.refunds().is_some());
    }
}
