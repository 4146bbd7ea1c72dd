//! Returns and their refunds.

use chrono::{DateTime, Utc};
use orderflow::ErrorKind;
use orderflow::ports::{
    AfterSaleCase, CaseAnswer, CaseKind, Cursor, MarketplaceAdapter, PlatformItem,
};
use serde_json::{Value, json};

use super::house::{Answer, at, fixture, json_fixture, key, ok, shop, usd};

const RETURNS: &str = "get_returns.response.json";
const ID: &str = "103738048909818825";

fn window() -> (DateTime<Utc>, DateTime<Utc>) {
    (at("2026-01-01T00:00:00Z"), at("2026-01-02T00:00:00Z"))
}

/// The official return, as a refund with `refunded` of its three units refunded.
fn returned(refunded: u32) -> String {
    let mut value = json_fixture(RETURNS);
    let order = &mut value["returnOrders"][0];
    order["returnType"] = "REFUND".into();
    order["returnOrderLines"][0]["refundedQty"] = refunded.into();
    order["returnOrderLines"][0]["status"] = "DELIVERED".into();
    value.to_string()
}

fn receipt() -> Answer {
    ok(json!({"returnOrderId": ID, "customerOrderId": "1", "refundLines": []}).to_string())
}

async fn case() -> AfterSaleCase {
    let (shop, _) = shop(vec![ok(returned(1))]);
    shop.after_sale().unwrap().case(&CaseKind::Return, ID).await.unwrap()
}

#[tokio::test]
async fn a_list_of_returns_is_read_as_in_the_official_example() {
    let (shop, script) =
        shop(vec![ok(fixture(RETURNS)), ok(json!({"meta": {}, "returnOrders": []}).to_string())]);
    let (from, to) = window();
    let after_sale = shop.after_sale().unwrap();
    let page = after_sale.cases(from, to, None).await.unwrap();
    let cases: Vec<AfterSaleCase> = page
        .items
        .into_iter()
        .map(|item| match item {
            PlatformItem::Read(case) => *case,
            PlatformItem::Unreadable(bad) => panic!("{bad:?}"),
        })
        .collect();
    let wanted: Vec<AfterSaleCase> =
        serde_json::from_str(&fixture("get_returns.response.expect.json")).unwrap();
    assert_eq!(cases, wanted);
    assert_eq!(page.next, Some(Cursor::new("?sellerId=151&limit=10&offset=10")));
    let last = after_sale.cases(from, to, page.next.as_ref()).await.unwrap();
    assert!(last.items.is_empty() && last.next.is_none());
    let urls: Vec<String> = script.calls().iter().map(|call| call.url.clone()).collect();
    assert!(urls[0].contains("returnLastModifiedStartDate=2026-01-01T00%3A00%3A00Z"), "{urls:?}");
    assert!(urls[1].ends_with("/v3/returns?sellerId=151&limit=10&offset=10"), "{urls:?}");
}

#[tokio::test]
async fn one_bad_return_costs_only_itself() {
    let mut value: Value = json_fixture(RETURNS);
    let good = value["returnOrders"][0].clone();
    let mut bad = good.clone();
    bad["totalRefundAmount"]["currencyAmount"] = "canary".into();
    value["returnOrders"] = json!([good, bad]);
    let (shop, _) = shop(vec![ok(value.to_string())]);
    let (from, to) = window();
    let page = shop.after_sale().unwrap().cases(from, to, None).await.unwrap();
    let [PlatformItem::Read(_), PlatformItem::Unreadable(bad)] = page.items.as_slice() else {
        panic!("{page:?}");
    };
    assert!(bad.reason.contains("currencyAmount") && !bad.reason.contains("canary"), "{bad:?}");
}

#[tokio::test]
async fn a_return_that_is_refunded_in_part_is_open_and_the_rest_is_refunded() {
    let case = case().await;
    assert_eq!(
        (case.open, case.status.as_str(), case.amount),
        (true, "DELIVERED", Some(usd("127.45")))
    );
    let (shop, script) = shop(vec![ok(returned(1)), receipt()]);
    let after_sale = shop.after_sale().unwrap();
    after_sale.answer(&case, &CaseAnswer::Accept, &key()).await.unwrap();
    // The official request with this return's own order: two of three units are due.
    let mut wanted = json_fixture("post_returns_returnOrderId_refund.request.json");
    wanted["customerOrderId"] = "1234567891234".into();
    assert_eq!(script.body(1), wanted);
    assert!(script.calls()[1].url.ends_with(&format!("/v3/returns/{ID}/refund")));
}

#[tokio::test]
async fn what_is_refunded_already_is_not_refunded_again() {
    let (shop, script) = shop(vec![ok(returned(3))]);
    let after_sale = shop.after_sale().unwrap();
    after_sale.answer(&case().await, &CaseAnswer::Received, &key()).await.unwrap();
    assert_eq!(script.calls().len(), 1);
}

#[tokio::test]
async fn a_refund_of_a_return_whose_answer_is_lost_is_looked_after_and_never_sent_again() {
    for (after, wanted) in [(3, None), (1, Some(ErrorKind::Ambiguous))] {
        let (shop, script) = shop(vec![ok(returned(1)), Answer::Lost, ok(returned(after))]);
        let after_sale = shop.after_sale().unwrap();
        let outcome = after_sale.answer(&case().await, &CaseAnswer::Accept, &key()).await;
        assert_eq!(outcome.err().map(|error| error.kind()), wanted);
        assert_eq!(script.calls().len(), 3);
    }
}

#[tokio::test]
async fn answers_without_a_call_are_refused_before_anything_is_sent() {
    let (shop, script) = shop(vec![]);
    let mut replacement = case().await;
    replacement.kind = CaseKind::Replacement;
    let refuse = CaseAnswer::Refuse { reason: "x".into(), comment: None };
    let partial = CaseAnswer::PartialRefund { amount: usd("1.00") };
    let after_sale = shop.after_sale().unwrap();
    for (case, answer) in [
        (case().await, refuse),
        (case().await, partial),
        (case().await, CaseAnswer::AllowReturn),
        (replacement, CaseAnswer::Accept),
    ] {
        let error = after_sale.answer(&case, &answer, &key()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }
    assert!(script.calls().is_empty());
}

#[tokio::test]
async fn an_unknown_return_is_not_found() {
    let (shop, _) = shop(vec![ok(json!({"meta": {}, "returnOrders": []}).to_string())]);
    let case = shop.after_sale().unwrap().case(&CaseKind::Return, "1").await;
    assert_eq!(case.unwrap_err().kind(), ErrorKind::NotFound);
}
