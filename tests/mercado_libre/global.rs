//! Global Selling: claims, messages and splits have paths and bodies of their own.

use std::sync::Arc;

use super::house::*;
use orderflow::ErrorKind;
use orderflow::LineId;
use orderflow::platforms::mercado_libre::{MercadoLibreConfig, Site};
use orderflow::ports::{
    AfterSale, BuyerMessages, CaseAnswer, CaseKind, MarketplaceAdapter, PlatformParcels,
    ShipmentNoticeLine,
};
use serde_json::{Value, json};

/// A shop across borders of the seller that an example names.
fn abroad(
    seller: u64,
    answers: Vec<Answer>,
) -> (orderflow::platforms::mercado_libre::MercadoLibre, Arc<Script>) {
    let config = MercadoLibreConfig::new(
        "5503910054141466",
        "client-secret-canary",
        seller,
        Site::mexico(),
        "shop",
        Arc::new(tokens("shop", "TG-canary-refresh")),
    )
    .with_base_url("https://mercado.test")
    .with_retry(orderflow::client::RetryPolicy::none())
    .with_global_selling(true);
    scripted(config, answers)
}

fn bodies(script: &Script) -> Vec<(String, Value)> {
    let calls = script.calls();
    let body = |bytes: &[u8]| serde_json::from_slice(bytes).unwrap_or(Value::Null);
    calls.into_iter().map(|call| (call.url, body(&call.body))).collect()
}

/// An order of one line with two units, without a pack.
fn order(number: u64) -> Answer {
    let mut order = json_fixture("order_pack_catalog.response.json");
    order["id"] = json!(number);
    order["pack_id"] = Value::Null;
    ok(order.to_string())
}

#[tokio::test]
async fn claims_are_searched_by_the_seller_and_answered_below_their_own_path() {
    let claim = || fixture("cbt_claim_dispute.response.json");
    let found = format!(r#"{{"paging":{{"total":1,"offset":0,"limit":30}},"data":[{}]}}"#, claim());
    let (shop, script) = abroad(
        1_317_418_851,
        vec![ok(found), ok(claim()), ok("[]"), ok(claim()), ok(claim()), ok("{}")],
    );
    let (from, to) = (at("2024-08-22T22:00:00Z"), at("2024-08-22T23:00:00Z"));
    let case = read_items(shop.cases(from, to, None).await.unwrap()).remove(0);
    assert_eq!((case.id.as_str(), case.kind.clone()), ("5294651094", CaseKind::Dispute));
    assert_eq!(case.order, Some(id("2000009106789766")));
    assert_eq!(case.reason.as_deref(), Some("PDD9942"));
    assert_eq!(case.updated_at, Some(at("2024-08-22T22:49:09Z")));
    assert_eq!(case.actions, ["send_message_to_mediator"]);
    shop.answer(&case, &CaseAnswer::Accept, &key()).await.unwrap();
    shop.write_in_claim(&case.id, "We agree.").await.unwrap();
    let calls = bodies(&script);
    let base = "https://mercado.test/marketplace/v2/claims";
    assert!(calls[0].0.starts_with(&format!("{base}/search?user_id=1317418851&range=")));
    assert_eq!(calls[1].0, format!("{base}/5294651094"));
    assert_eq!(calls[2].0, format!("{base}/5294651094/expected-resolutions"));
    assert_eq!(calls[3].0, format!("{base}/5294651094/expected-resolutions/refund"));
    assert_eq!(calls[5].0, format!("{base}/5294651094/actions/send-message"));
    assert_eq!(calls[5].1, json!({"receiver_role": "mediator", "message": "We agree."}));
}

#[tokio::test]
async fn a_message_names_nobody_and_what_was_said_is_not_said_again() {
    let conversation = || ok(fixture("cbt_messages_pack.response.json"));
    let answers = vec![
        missing(),
        order(2_315_686_468),
        conversation(),
        missing(),
        order(2_315_686_468),
        conversation(),
        ok("{}"),
    ];
    let clock = orderflow::sandbox::VirtualClock::new(at("2020-03-13T18:00:00Z"));
    let config = MercadoLibreConfig::new(
        "5503910054141466",
        "client-secret-canary",
        523_132_944,
        Site::mexico(),
        "shop",
        Arc::new(tokens("shop", "TG-canary-refresh")),
    )
    .with_base_url("https://mercado.test")
    .with_global_selling(true)
    .with_clock(Arc::new(clock));
    // The documented orders have a shipment each: these have none.
    let answers = answers.into_iter().map(without_shipment).collect();
    let (shop, script) = scripted(config, answers);
    let pack = id("2315686468");
    let said = "This is a message to buyer".to_owned().into();
    shop.send_message(&pack, &said, &key()).await.unwrap();
    let news = "It has left".to_owned().into();
    shop.send_message(&pack, &news, &key()).await.unwrap();
    let calls = bodies(&script);
    let path = "https://mercado.test/marketplace/messages/packs/2315686468";
    assert_eq!(calls[2].0, format!("{path}?limit=50&offset=0"));
    assert_eq!(calls[6], (path.to_owned(), json!({"text": "It has left"})));
    let error = shop.message_options(&pack).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(script.calls().len(), 7);
}

fn without_shipment(answer: Answer) -> Answer {
    match answer {
        Answer::Full(200, body) if body.contains("order_items") => {
            let mut order: Value = serde_json::from_str(&body).unwrap();
            order["shipping"] = json!({"id": null});
            ok(order.to_string())
        }
        other => other,
    }
}

#[tokio::test]
async fn a_conversation_is_read_in_pages_and_unread_ones_are_listed() {
    let mut last = json_fixture("cbt_messages_pack.response.json");
    last["paging"]["total"] = json!(2);
    last["messages"][0]["message_date"]["created"] = json!("2020-03-12T15:14:10Z");
    last["messages"][0]["from"]["user_id"] = json!(441_782_523);
    let mut first = json_fixture("cbt_messages_pack.response.json");
    first["paging"]["total"] = json!(2);
    let unread = json!({"results": [{"resource": "/packs/123123123", "count": 1}], "userId": 2});
    let answers = vec![ok(first.to_string()), ok(last.to_string()), ok(unread.to_string())];
    let (shop, script) = abroad(523_132_944, answers);
    let messages = shop.messages_about(&id("2315686468")).await.unwrap();
    let by_seller: Vec<bool> = messages.iter().map(|message| message.from_seller).collect();
    assert_eq!(by_seller, [false, true], "the oldest first");
    let unread = shop.unread_conversations().await.unwrap();
    assert_eq!((unread[0].pack.clone(), unread[0].count), (id("123123123"), 1));
    let urls: Vec<String> = script.calls().into_iter().map(|call| call.url).collect();
    assert!(urls[1].ends_with("?limit=50&offset=1"), "{}", urls[1]);
    assert!(urls[2].contains("/marketplace/messages/unread?role=seller"), "{}", urls[2]);
}

#[tokio::test]
async fn a_split_is_written_as_in_the_official_example() {
    let shipment = json!({"id": 5, "status": "ready_to_ship", "substatus": "ready_to_print",
        "logistic": {"mode": "me2", "type": "drop_off"}});
    let answers = vec![
        missing(),
        order(2_000_000_000_000_002),
        ok(shipment.to_string()),
        missing(),
        ok("{}"),
    ];
    let config = config().with_global_selling(true).with_split_reason("IRREGULAR_SHAPE");
    let (shop, script) = scripted(config, answers);
    let part = || {
        vec![ShipmentNoticeLine {
            line: LineId::new("2000000000000002-MLB3737188005").unwrap(),
            reference: None,
            units: 1,
        }]
    };
    let parts = shop.split(&id("2000000000000002"), &[part(), part()]).await.unwrap();
    assert_eq!(parts.len(), 2);
    let (url, body) = bodies(&script).pop().unwrap();
    assert_eq!(url, "https://mercado.test/marketplace/shipments/5/split");
    assert_eq!(body, json_fixture("cbt_split.request.json"));
}

#[tokio::test]
async fn stock_cancelling_and_billing_data_across_borders_are_not_claimed() {
    let (shop, script) = abroad(1, Vec::new());
    assert!(shop.stock().is_none() && shop.cancellations().is_none());
    assert!(shop.messages().is_some() && shop.after_sale().is_some() && shop.parcels().is_some());
    let error = shop.billing_info(&id("1")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(script.calls().is_empty());
}
