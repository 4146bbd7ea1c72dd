//! Telling the platform: acknowledging, shipping, cancelling, refunding, stock and labels.

use super::house::*;
use chrono::NaiveDate;
use orderflow::order::{CancelReason, LogisticsMode};
use orderflow::ports::{
    CancelLine, MarketplaceAdapter, PlatformLabelRequest, RefundLine, ShipmentNotice, StockLevel,
};
use orderflow::shipment::{LabelFormat, LabelRequest, RateRequest, ServiceKey};
use orderflow::{
    Address, CarrierId, Contact, Country, Dimensions, Error, ErrorKind, Grams, LineId, Millimetres,
    PackageId, Retry, ServiceCode, Sku, TrackingNumber,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

#[tokio::test]
async fn acknowledging_twice_is_success_after_a_look() {
    let done = fixture("post_orders_purchaseOrderId_acknowledge.response.json");
    let (first, script) = shop(vec![ok(done)]);
    let taken = first.acknowledge().unwrap().acknowledge(&id("1796277083022")).await.unwrap();
    assert!(!taken.already && taken.order.is_some());
    let call = &script.calls()[0];
    assert!(call.url.ends_with("/v3/orders/1796277083022/acknowledge") && call.body.is_empty());

    let refusal = fixture("errors/400_already_acknowledged.json");
    let open = order_with(|order| rows(order, json!([row("Created", 1)])));
    let (again, _) = shop(vec![status(400, refusal.clone()), ok(fixture(ORDER))]);
    assert!(again.acknowledge().unwrap().acknowledge(&id("1")).await.unwrap().already);
    let (not, _) = shop(vec![status(400, refusal), ok(open)]);
    let error = not.acknowledge().unwrap().acknowledge(&id("1")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
}

/// Removes what the official example has and the adapter has no source for.
fn without_return_center(mut body: Value) -> Value {
    let lines = &mut body["orderShipment"]["orderLines"]["orderLine"];
    for line in lines.as_array_mut().unwrap() {
        let row = &mut line["orderLineStatuses"]["orderLineStatus"][0];
        row.as_object_mut().unwrap().remove("returnCenterAddress");
    }
    lines.as_array_mut().unwrap().truncate(1);
    body
}

/// The order before anything of it has left.
fn open_order() -> String {
    order_with(|order| {
        order["orderDate"] = json!(1_478_284_060_000_i64);
        rows(order, json!([row("Acknowledged", 1)]));
    })
}

#[tokio::test]
async fn the_ship_request_is_that_of_the_official_example() {
    let example = json_fixture("post_orders_purchaseOrderId_shipping.request.json");
    let official = without_return_center(example);
    let url = official["orderShipment"]["orderLines"]["orderLine"][0]["orderLineStatuses"]
        ["orderLineStatus"][0]["trackingInfo"]["trackingURL"]
        .as_str()
        .unwrap()
        .to_owned();
    let answer = fixture("post_orders_purchaseOrderId_shipping.response.json");
    // The example's answer is about another parcel than its request.
    let (shop, script) = shop(vec![ok(open_order()), ok(answer), ok(shipped_order())]);
    let notice = ShipmentNotice { tracking_url: Some(url), ..notice() };
    let confirmed = shop.confirm_shipment(&notice, &key()).await.unwrap();
    assert!(!confirmed.already && confirmed.order.is_some());
    assert_eq!(script.body(1), official);
}

#[tokio::test]
async fn a_stranger_among_carriers_needs_a_tracking_page() {
    let stranger = ShipmentNotice { carrier: CarrierId::new("amazon").unwrap(), ..notice() };
    let (shop, script) = shop(vec![ok(open_order()), ok(shipped_order())]);
    let error = shop.confirm_shipment(&stranger, &key()).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("tracking_url")));
    assert!(script.calls().is_empty());
    let page = Some("https://track.test/22344".to_owned());
    let stranger = ShipmentNotice { tracking_url: page, ..stranger };
    shop.confirm_shipment(&stranger, &key()).await.unwrap();
    let row = &script.body(1)["orderShipment"]["orderLines"]["orderLine"][0]["orderLineStatuses"]["orderLineStatus"]
        [0]["trackingInfo"];
    assert_eq!(row["carrierName"], json!({"otherCarrier": "amazon"}));
}

#[tokio::test]
async fn wrong_input_names_its_field_and_is_never_sent() {
    let mut no_units = notice();
    no_units.lines[0].units = 0;
    let mut twice = notice();
    twice.lines.push(twice.lines[0].clone());
    let cases = [
        (ShipmentNotice { number: None, ..notice() }, "number"),
        (ShipmentNotice { lines: Vec::new(), ..notice() }, "lines"),
        (no_units, "lines.units"),
        (twice, "lines.line"),
    ];
    for (notice, field) in cases {
        let (shop, script) = shop(Vec::new());
        let error = shop.confirm_shipment(&notice, &key()).await.unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some(field)));
        assert!(script.calls().is_empty());
    }
}

#[tokio::test]
async fn a_lost_or_repeated_shipment_is_decided_by_what_the_order_shows() {
    let shown = |number: &'static str| {
        order_with(move |order| {
            let info = &mut line_of(order)["orderLineStatuses"]["orderLineStatus"][0];
            info["trackingInfo"]["trackingNumber"] = json!(number);
        })
    };
    let open = || order_with(|order| rows(order, json!([row("Acknowledged", 1)])));
    let over = || status(400, fixture("errors/400_over_shipped.json"));
    let broken = || status(500, fixture("errors/500_system.json"));
    type Outcome = std::result::Result<bool, ErrorKind>;
    let cases: Vec<(Answer, Answer, Outcome)> = vec![
        (Answer::Lost, ok(shown("22344")), Ok(true)),
        (over(), ok(shown("22344")), Ok(true)),
        (broken(), ok(shown("22344")), Ok(true)),
        (ok("<html>"), ok(shown("22344")), Ok(true)),
        (Answer::Lost, ok(shown("99999")), Err(ErrorKind::Conflict)),
        (over(), ok(shown("99999")), Err(ErrorKind::Conflict)),
        (Answer::Lost, ok(open()), Err(ErrorKind::Transient)),
        (over(), ok(open()), Err(ErrorKind::Rejected)),
        (Answer::Lost, Answer::Lost, Err(ErrorKind::Ambiguous)),
        (over(), broken(), Err(ErrorKind::Ambiguous)),
    ];
    for (index, (first, second, outcome)) in cases.into_iter().enumerate() {
        let (shop, script) = shop(vec![ok(open()), first, second]);
        let got = shop.confirm_shipment(&notice(), &key()).await;
        let kind = got.as_ref().map(|got| got.already).map_err(Error::kind);
        assert_eq!(kind, outcome, "case {index}");
        assert_eq!(script.calls().len(), 3, "case {index}");
        if outcome == Err(ErrorKind::Transient) {
            let advice = got.unwrap_err().retry();
            assert_eq!(advice, Retry::After(Duration::from_secs(2)));
        }
    }
}

/// An order with errors listed beside it, under a good status.
fn beside_errors(order: &str) -> String {
    let mut body: Value = serde_json::from_str(order).unwrap();
    let listed = json!({"error": [{"code": "INVALID_REQUEST_CONTENT.GMP_ORDER_API"}]});
    body["errors"] = listed;
    body.to_string()
}

#[tokio::test]
async fn a_shipment_counts_when_the_order_shows_it_and_not_because_the_status_is_good() {
    let cases = [
        (shipped_order(), None, Ok(false)),
        (open_order(), Some(ok(shipped_order())), Ok(false)),
        (beside_errors(&shipped_order()), Some(ok(shipped_order())), Ok(false)),
        (open_order(), Some(ok(open_order())), Err(ErrorKind::Ambiguous)),
        (beside_errors(&open_order()), Some(ok(open_order())), Err(ErrorKind::Ambiguous)),
        (open_order(), Some(status(500, "")), Err(ErrorKind::Ambiguous)),
    ];
    for (index, (answer, look, outcome)) in cases.into_iter().enumerate() {
        let answers = [ok(open_order()), ok(answer)].into_iter().chain(look).collect();
        let (shop, script) = shop(answers);
        let got = shop.confirm_shipment(&notice(), &key()).await;
        if let Err(error) = &got {
            assert_eq!(error.retry(), Retry::LookFirst, "case {index}");
            let code = error.vendor().unwrap().code.as_deref();
            let listed = (index == 4).then_some("INVALID_REQUEST_CONTENT.GMP_ORDER_API");
            assert_eq!(code, listed, "case {index}");
        }
        let kind = got.as_ref().map(|got| got.already).map_err(Error::kind);
        assert_eq!(kind, outcome, "case {index}");
        assert_eq!(script.answers.lock().unwrap().len(), 0, "case {index}");
    }
}

#[tokio::test]
async fn a_cancellation_counts_when_the_order_shows_it_and_not_because_the_status_is_good() {
    let gone = || order_with(|order| rows(order, json!([row("Cancelled", 1)])));
    let cases = [
        (gone(), None, Ok(())),
        (open_order(), Some(ok(gone())), Ok(())),
        (beside_errors(&gone()), Some(ok(gone())), Ok(())),
        (open_order(), Some(ok(open_order())), Err(ErrorKind::Ambiguous)),
        (beside_errors(&open_order()), Some(Answer::Lost), Err(ErrorKind::Ambiguous)),
    ];
    for (index, (answer, look, outcome)) in cases.into_iter().enumerate() {
        let before = ok(open_order());
        let (shop, _) = shop([before, ok(answer)].into_iter().chain(look).collect());
        let got = shop.cancellations().unwrap().cancel(&id("1"), &[cancel(1)]).await;
        assert_eq!(got.map_err(|error| error.kind()), outcome, "case {index}");
    }
    let (shop, script) = shop(Vec::new());
    let error = shop.cancellations().unwrap().cancel(&id("1"), &[cancel(1), cancel(1)]).await;
    assert_eq!(error.unwrap_err().field(), Some("lines.line"));
    assert!(script.calls().is_empty());
}

#[tokio::test]
async fn a_plain_refusal_is_not_looked_after() {
    let refused = status(400, fixture("errors/400_invalid_date.json"));
    let (shop, script) = shop(vec![ok(open_order()), refused]);
    let error = shop.confirm_shipment(&notice(), &key()).await.unwrap_err();
    assert_eq!((error.kind(), script.calls().len()), (ErrorKind::Rejected, 2));
}

#[tokio::test]
async fn a_changed_number_is_sent_as_a_partial_update() {
    let under = |number: &'static str| {
        order_with(move |order| {
            let info = &mut line_of(order)["orderLineStatuses"]["orderLineStatus"][0];
            info["trackingInfo"]["trackingNumber"] = json!(number);
        })
    };
    let answer = fixture("post_orders_purchaseOrderId_shipping.response.json");
    let (shop, script) = shop(vec![ok(under("11111")), ok(answer), ok(under("22344"))]);
    let old = TrackingNumber::new("11111").unwrap();
    shop.tracking_updates().unwrap().update_tracking(&old, &notice()).await.unwrap();
    let sent = script.body(1);
    assert_eq!(sent["orderShipment"]["processMode"], "PARTIAL_UPDATE");
    let row = &sent["orderShipment"]["orderLines"]["orderLine"][0]["orderLineStatuses"]["orderLineStatus"]
        [0];
    assert_eq!(row["trackingInfo"]["trackingNumber"], "11111");
    assert_eq!(row["currentTrackingInfo"]["trackingNumber"], "22344");
}

fn cancel(units: u32) -> CancelLine {
    let line = LineId::new("1").unwrap();
    CancelLine { line, units, reason: CancelReason::BuyerRequest }
}

#[tokio::test]
async fn the_cancel_request_is_that_of_the_official_example() {
    let answer = fixture("post_orders_purchaseOrderId_cancel.response.json");
    let (shop, script) = shop(vec![ok(open_order()), ok(answer)]);
    shop.cancellations().unwrap().cancel(&id("1"), &[cancel(1)]).await.unwrap();
    let mut official = json_fixture("post_orders_purchaseOrderId_cancel.request.json");
    // The reference names EACH and EA alike.
    official["orderCancellation"]["orderLines"]["orderLine"][0]["orderLineStatuses"]["orderLineStatus"]
        [0]["statusQuantity"]["unitOfMeasurement"] = json!("EACH");
    assert_eq!(script.body(1), official);
}

#[tokio::test]
async fn a_cancellation_that_is_there_already_is_success_and_a_shipped_line_is_a_refusal() {
    let gone = || order_with(|order| rows(order, json!([row("Cancelled", 1)])));
    let open = || order_with(|order| rows(order, json!([row("Created", 1)])));
    let refused = || status(400, fixture("errors/400_cancel_after_ship.json"));
    let cases = [
        (refused(), gone(), Ok(())),
        (Answer::Lost, gone(), Ok(())),
        (refused(), fixture(ORDER), Err(ErrorKind::Rejected)),
        (Answer::Lost, open(), Err(ErrorKind::Transient)),
    ];
    for (first, second, outcome) in cases {
        let (shop, _) = shop(vec![ok(open()), first, ok(second)]);
        let got = shop.cancellations().unwrap().cancel(&id("1"), &[cancel(1)]).await;
        assert_eq!(got.map_err(|error| error.kind()), outcome);
    }
    let (shop, script) = shop(Vec::new());
    let refusal = shop.cancellations().unwrap().refuse_request(&id("1"), "no").await;
    assert_eq!(refusal.unwrap_err().kind(), ErrorKind::Unsupported);
    assert!(script.calls().is_empty());
}

#[tokio::test]
async fn a_cancellation_of_more_units_sends_the_rest_and_one_that_is_there_sends_nothing() {
    let with = |cancelled: u32| {
        order_with(move |order| {
            line_of(order)["orderLineQuantity"]["amount"] = json!("4");
            let (gone, open) = (row("Cancelled", cancelled), row("Acknowledged", 4 - cancelled));
            let shown: Vec<_> = [(cancelled, gone), (4 - cancelled, open)]
                .into_iter()
                .filter_map(|(units, row)| (units > 0).then_some(row))
                .collect();
            rows(order, json!(shown));
        })
    };
    let (shop_a, script) = shop(vec![ok(with(1)), ok(with(3))]);
    shop_a.cancellations().unwrap().cancel(&id("1"), &[cancel(3)]).await.unwrap();
    let sent = &script.body(1)["orderCancellation"]["orderLines"]["orderLine"][0];
    let status = &sent["orderLineStatuses"]["orderLineStatus"][0];
    assert_eq!(status["statusQuantity"]["amount"], "2");
    let (shop_b, script) = shop(vec![ok(with(3))]);
    shop_b.cancellations().unwrap().cancel(&id("1"), &[cancel(3)]).await.unwrap();
    assert_eq!(script.calls().len(), 1, "the order is read, and nothing sent");
    // A lost answer after which nothing more is cancelled.
    let (shop_c, _) = shop(vec![ok(with(1)), Answer::Lost, ok(with(1))]);
    let lost = shop_c.cancellations().unwrap().cancel(&id("1"), &[cancel(3)]).await;
    assert_eq!(lost.unwrap_err().kind(), ErrorKind::Transient);
    let (shop_d, _) = shop(vec![ok(with(1))]);
    let other = CancelLine { line: LineId::new("9").unwrap(), ..cancel(1) };
    let error = shop_d.cancellations().unwrap().cancel(&id("1"), &[other]).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("lines.line")));
}

fn refund(line: &str, amount: Option<&str>) -> RefundLine {
    RefundLine {
        line: LineId::new(line).unwrap(),
        amount: amount.map(usd),
        tax: amount.map(usd),
        reason: "Merchandise not received".to_owned(),
        comment: Some("test test".to_owned()),
    }
}

fn refunded() -> Answer {
    // The official file has no example answer of its own; every order call answers an order.
    ok(fixture("post_orders_purchaseOrderId_shipping.response.json"))
}

#[tokio::test]
async fn the_refund_request_is_that_of_the_official_example() {
    let (shop, script) = shop(vec![refunded()]);
    let lines = [refund("4", Some("0.1"))];
    shop.refunds().unwrap().refund(&id("2577453162650"), &lines, &key()).await.unwrap();
    assert_eq!(script.body(0), json_fixture("post_orders_purchaseOrderId_refund.request.json"));
}

#[tokio::test]
async fn whole_and_partial_refunds_never_share_a_request() {
    let two = || {
        order_with(|order| {
            let mut second = line_of(order).clone();
            second["lineNumber"] = json!("2");
            order["orderLines"]["orderLine"].as_array_mut().unwrap().push(second);
        })
    };
    let lines = [refund("2", Some("1.00")), refund("1", None)];
    let (shop_a, script) = shop(vec![ok(two()), refunded(), refunded()]);
    shop_a.refunds().unwrap().refund(&id("1"), &lines, &key()).await.unwrap();
    let sent = |index: usize| script.body(index)["orderRefund"]["orderLines"]["orderLine"].clone();
    assert_eq!(
        (sent(1)[0]["isFullRefund"].clone(), sent(1)[1].clone()),
        (json!(true), json!(null))
    );
    let charge = &sent(1)[0]["refunds"]["refund"][0]["refundCharges"]["refundCharge"][0]["charge"];
    assert_eq!(charge["chargeAmount"]["amount"], json!(-5));
    assert_eq!(
        (sent(2)[0]["isFullRefund"].clone(), sent(2)[1].clone()),
        (json!(false), json!(null))
    );

    let (shop_b, _) = shop(vec![ok(two()), refunded(), status(429, "")]);
    let error = shop_b.refunds().unwrap().refund(&id("1"), &lines, &key()).await.unwrap_err();
    assert_eq!(error.retry(), Retry::LookFirst);
}

#[tokio::test]
async fn a_refund_that_can_be_no_payment_names_its_field_and_is_never_sent() {
    let euros = |text: &str| {
        let eur = orderflow::Currency::new("EUR").unwrap();
        Some(orderflow::Money::new(text.parse().unwrap(), eur))
    };
    let one = || refund("1", Some("1.00"));
    let cases = [
        (vec![RefundLine { amount: euros("1.00"), ..one() }], "lines.amount"),
        (vec![RefundLine { tax: euros("1.00"), ..one() }], "lines.tax"),
        (vec![refund("1", Some("0.001"))], "lines.amount"),
        (vec![RefundLine { tax: Some(usd("0.001")), ..one() }], "lines.tax"),
        (vec![refund("1", Some("0"))], "lines.amount"),
        (vec![refund("1", Some("-1.00"))], "lines.amount"),
        (vec![RefundLine { tax: Some(usd("-1.00")), ..one() }], "lines.tax"),
        (vec![one(), one()], "lines.line"),
        (vec![one(), refund("1", None)], "lines.line"),
    ];
    for (lines, field) in cases {
        let (shop, script) = shop(Vec::new());
        let error = shop.refunds().unwrap().refund(&id("1"), &lines, &key()).await.unwrap_err();
        let told = (error.kind(), error.field());
        assert_eq!(told, (ErrorKind::InvalidInput, Some(field)), "{error}");
        assert!(script.calls().is_empty());
    }
    let (shop, _) = shop(vec![refunded()]);
    let exact = [refund("1", Some("1.000"))];
    shop.refunds().unwrap().refund(&id("1"), &exact, &key()).await.unwrap();
}

#[tokio::test]
async fn a_refund_whose_answer_is_lost_is_not_sent_again() {
    let (shop, script) = shop(vec![Answer::Lost]);
    let lines = [refund("1", Some("1.00"))];
    let error = shop.refunds().unwrap().refund(&id("1"), &lines, &key()).await.unwrap_err();
    assert_eq!((error.kind(), script.calls().len()), (ErrorKind::Ambiguous, 1));
}

#[tokio::test]
async fn stock_goes_out_as_in_the_official_example() {
    let (shop, script) = shop(vec![ok(fixture("put_inventory.response.json"))]);
    let sku = Sku::new("97964_KFTest").unwrap();
    let level = StockLevel { sku, listing: None, warehouse: None, units: 10 };
    let outcomes = shop.stock().unwrap().push_stock(&[level]).await;
    assert!(outcomes.len() == 1 && outcomes[0].is_ok());
    assert_eq!(script.body(0), json_fixture("put_inventory.request.json"));
    assert_eq!(script.calls()[0].url, "https://walmart.test/v3/inventory?sku=97964_KFTest");
}

fn sender() -> Contact {
    Contact {
        name: "Test Seller".into(),
        company: Some("Test Company".into()),
        phone: Some("12253".into()),
        email: Some("test@walmart.com".into()),
        address: Address {
            lines: vec!["Add1".into(), "Add2".into()],
            city: "Anchorage".to_owned(),
            state: Some("AK".to_owned()),
            postal_code: Some("99501".to_owned()),
            country: Some(Country::US),
            residential: None,
        },
    }
}

fn size() -> Dimensions {
    let inches = |n: i64| Millimetres::from_inches(n.into()).unwrap();
    Dimensions::new(inches(13), inches(9), inches(2))
}

fn label_request() -> PlatformLabelRequest {
    let carrier = CarrierId::new("fedex").unwrap();
    PlatformLabelRequest {
        order: id("97108719025934786"),
        package: PackageId::new("p1").unwrap(),
        logistics: LogisticsMode::SellerCarrier,
        lines: notice().lines,
        label: LabelRequest {
            account: None,
            sender: sender(),
            recipient: sender(),
            service: ServiceKey::new(carrier, ServiceCode::new("FEDEX_2_DAY").unwrap()),
            token: None,
            weight: Grams::from_pounds(13.into()).unwrap(),
            dimensions: Some(size()),
            value: None,
            customs: None,
            mailing_date: NaiveDate::from_ymd_opt(2026, 1, 1).unwrap(),
            format: LabelFormat::Pdf,
            references: Vec::new(),
            warehouse: None,
        },
    }
}

fn glass_order() -> Answer {
    ok(order_with(|order| line_of(order)["item"]["sku"] = json!("PRECISE3PGLASS9")))
}

#[tokio::test]
async fn a_label_is_bought_as_in_the_official_example_and_fetched_apart() {
    let (shop, script) = shop(vec![
        glass_order(),
        ok(r#"{"data": []}"#),
        ok(fixture("post_shipping_labels.response.sample1.json")),
        ok("%PDF-1.7 label"),
    ]);
    let label = shop.labels().unwrap().buy(&label_request(), &key()).await.unwrap();
    assert_eq!(label.record.number.as_str(), "10015361751436");
    assert_eq!(label.record.formats, [LabelFormat::Pdf]);
    let mut official = json_fixture("post_shipping_labels.request.sample1.json");
    official.as_object_mut().unwrap().remove("hazmat");
    official["boxDimensions"]["boxHeight"] = json!(2);
    let mut sent = script.body(2);
    // Grams and millimetres are whole and rounded up: the sizes come back a little larger.
    for name in ["boxWeight", "boxLength", "boxWidth", "boxHeight"] {
        let more = sent["boxDimensions"][name].as_f64().unwrap()
            - official["boxDimensions"][name].as_f64().unwrap();
        assert!((0.0..0.05).contains(&more), "{name} {more}");
        sent["boxDimensions"][name] = official["boxDimensions"][name].clone();
    }
    assert_eq!(sent, official);
    let fetched = &script.calls()[3];
    assert!(fetched.url.ends_with("/v3/shipping/labels/carriers/FedEx/trackings/10015361751436"));
    assert_eq!(fetched.headers["accept"], "application/pdf");
}

#[tokio::test]
async fn a_label_that_exists_is_returned_and_a_possible_twin_is_a_conflict() {
    let existing =
        json!({"data": [json_fixture("post_shipping_labels.response.sample1.json")["data"]]});
    let list = || ok(existing.to_string());
    let (one, script) = shop(vec![glass_order(), list(), ok("%PDF-1.7 label")]);
    one.labels().unwrap().buy(&label_request(), &key()).await.unwrap();
    assert!(script.calls().iter().all(|call| call.method != http::Method::POST));

    let twins = order_with(|order| {
        line_of(order)["item"]["sku"] = json!("PRECISE3PGLASS9");
        line_of(order)["orderLineQuantity"]["amount"] = json!("2");
    });
    let (two, _) = shop(vec![ok(twins), list()]);
    let error = two.labels().unwrap().buy(&label_request(), &key()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
}

#[tokio::test]
async fn rates_labels_and_their_return_read_the_official_examples() {
    let (shop, script) = shop(vec![
        ok(fixture(ORDER)),
        ok(fixture("post_shipping_labels_shipping-estimates.response.sample1.json")),
        ok(fixture("get_shipping_labels_purchase-orders_purchaseOrderId.response.sample1.json")),
        ok("%PDF-1.7 label"),
        ok(fixture(
            "delete_shipping_labels_carriers_carrierShortName_trackings_trackingNo.response.json",
        )),
    ]);
    let labels = shop.labels().unwrap();
    let request = RateRequest {
        sender: sender(),
        recipient: sender(),
        weight: Grams::new(500),
        dimensions: Some(size()),
        value: None,
        customs: None,
        mailing_date: NaiveDate::from_ymd_opt(2026, 1, 1).unwrap(),
    };
    let rates = labels.rates(&id("1815367951431"), &request).await.unwrap();
    let read: Vec<_> = rates.iter().map(|r| (r.service.to_string(), r.total)).collect();
    assert_eq!(
        read,
        [
            ("usps/PRIORITY_MAIL".to_owned(), usd("7.2")),
            ("fedex/FEDEX_GROUND".to_owned(), usd("11.87"))
        ]
    );
    assert_eq!(rates[0].deliver_on, NaiveDate::from_ymd_opt(2023, 10, 2));
    let example = json_fixture("post_shipping_labels_shipping-estimates.request.sample1.json");
    let names =
        |value: &Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<String>>();
    let (sent, mut official) = (script.body(1), names(&example));
    official.remove("carriers");
    assert_eq!(names(&sent), official);
    assert_eq!(names(&sent["boxDimensions"]), names(&example["boxDimensions"]));
    assert_eq!(names(&sent["fromAddress"]), names(&example["fromAddress"]));

    let existing = labels.existing(&id("65108826634074798")).await.unwrap();
    assert_eq!(existing[0].record.number.as_str(), "14300153617516");
    labels.discard(&existing[0].record).await.unwrap();
    let last = script.calls().pop().unwrap();
    assert_eq!(last.method, http::Method::DELETE);
    assert!(last.url.ends_with("/carriers/FedEx/trackings/14300153617516"));
}
