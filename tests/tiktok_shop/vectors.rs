//! Signatures of calls and notifications against the shared vectors.

use super::house::*;
use orderflow::platforms::tiktok_shop::CallSigner;
use orderflow::ports::{MarketplaceAdapter, WebhookRequest};
use orderflow::{ErrorKind, sandbox::Faults};
use serde_json::Value;

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

#[test]
fn every_shared_vector_of_a_call_signs_as_expected() {
    let vectors = json_fixture("signing-vectors.json");
    let vectors = vectors["vectors"].as_array().unwrap();
    assert!(vectors.len() >= 6);
    for vector in vectors {
        let query = vector["query"].as_object().unwrap();
        let pairs: Vec<(&str, &str)> =
            query.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect();
        let multipart = text(vector, "content_type").starts_with("multipart/form-data");
        let body = if multipart { "" } else { text(vector, "body") };
        let signer =
            CallSigner::new(query["app_key"].as_str().unwrap(), text(vector, "app_secret"));
        let sign = signer.sign(text(vector, "path"), &pairs, body.as_bytes());
        assert_eq!(sign, text(vector, "expected_sign"), "{}", text(vector, "name"));
    }
}

#[test]
fn every_shared_vector_of_a_notification_is_taken_and_every_forgery_refused() {
    let vectors = json_fixture("webhook-vectors.json");
    for vector in vectors["vectors"].as_array().unwrap() {
        let (body, sign) = (text(vector, "raw_body"), text(&vector["header"], "Authorization"));
        let signer = CallSigner::new(text(vector, "app_key"), text(vector, "app_secret"));
        assert!(signer.verifies_notification(body.as_bytes(), sign));
        assert!(!signer.verifies_notification(format!("{body} ").as_bytes(), sign));
        let other = serde_json::to_string_pretty(&serde_json::from_str::<Value>(body).unwrap());
        assert!(!signer.verifies_notification(other.unwrap().as_bytes(), sign));
        for forged in [format!("Bearer {sign}"), String::new(), sign[..62].to_owned()] {
            assert!(!signer.verifies_notification(body.as_bytes(), &forged), "{forged}");
        }
        let stranger = CallSigner::new(text(vector, "app_key"), "another");
        assert!(!stranger.verifies_notification(body.as_bytes(), sign));
    }
    assert!(!CallSigner::new("key", "").verifies_notification(b"{}", &"0".repeat(64)));
}

#[test]
fn the_secret_does_not_print() {
    let signer = CallSigner::new("key", "secret-canary");
    assert!(!format!("{signer:?}").contains("canary"));
    let house = house_with("US", Faults::none(), |config| {
        assert!(!format!("{config:?}").contains("canary"));
        config
    });
    assert!(!format!("{:?}", house.shop).contains("canary"));
}

fn receive(body: &str, secret: &str) -> orderflow::Result<orderflow::ports::WebhookNotice> {
    receive_at(&house("US"), body, secret)
}

fn receive_at(
    house: &House,
    body: &str,
    secret: &str,
) -> orderflow::Result<orderflow::ports::WebhookNotice> {
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(b"38abcd");
    mac.update(body.as_bytes());
    let sign: String = mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect();
    let headers = [("authorization", sign.as_str())];
    let request = WebhookRequest {
        method: "POST",
        path_and_query: "/hook",
        headers: &headers,
        body: body.as_bytes(),
    };
    house.shop.webhooks().unwrap().receive(&request, at(0))
}

#[test]
fn a_notification_about_another_shop_of_the_app_is_refused_where_the_shop_is_known() {
    let known =
        house_with("US", Faults::none(), |config| config.with_shop_id("7495540735365777507"));
    let body = |shop: &str| format!(r#"{{"type":1,"tts_notification_id":"7"{shop}}}"#);
    let take = |house: &House, shop: &str| receive_at(house, &body(shop), "app-secret-canary");
    let (ours, others) =
        (r#","shop_id":"7495540735365777507""#, r#","shop_id":7495540735365777508"#);
    let refused = take(&known, others).unwrap_err();
    assert_eq!((refused.kind(), refused.field()), (ErrorKind::Rejected, Some("shop_id")));
    for (house, shop) in [(&known, ours), (&known, ""), (&house("US"), others)] {
        assert_eq!(take(house, shop).unwrap().event_id.as_str(), "7", "{shop}");
    }
    // A stranger learns nothing of it.
    let forged = receive_at(&known, &body(others), "another").unwrap_err();
    assert_eq!(forged.kind(), ErrorKind::AuthRejected);
}

#[test]
fn milliseconds_are_told_from_seconds_and_what_is_neither_is_no_instant() {
    let sent = |timestamp: &str| {
        let body = format!(r#"{{"type":1,"tts_notification_id":"7","timestamp":{timestamp}}}"#);
        receive(&body, "app-secret-canary").unwrap().sent_at.map(|at| at.to_rfc3339())
    };
    let wanted = Some("2024-06-13T19:06:25+00:00".to_owned());
    assert_eq!(sent("1718305585"), wanted);
    assert_eq!(sent("1718305585000"), wanted);
    assert_eq!(sent(r#""1718305585000""#), wanted);
    for neither in ["0", "-5", "1718305585000000", "99999999999", "9223372036854775807"] {
        assert_eq!(sent(neither), None, "{neither}");
    }
}

#[test]
fn every_published_kind_of_notification_has_its_name_and_a_new_one_keeps_its_number() {
    let kinds = [
        (1, "ORDER_STATUS_CHANGE"),
        (2, "REVERSE_STATUS_UPDATE"),
        (3, "RECIPIENT_ADDRESS_UPDATE"),
        (4, "PACKAGE_UPDATE"),
        (5, "PRODUCT_STATUS_CHANGE"),
        (6, "SELLER_DEAUTHORIZATION"),
        (7, "UPCOMING_AUTHORIZATION_EXPIRATION"),
        (11, "CANCELLATION_STATUS_CHANGE"),
        (12, "RETURN_STATUS_CHANGE"),
        (13, "NEW_CONVERSATION"),
        (14, "NEW_MESSAGE"),
        (15, "PRODUCT_INFORMATION_CHANGE"),
        (16, "PRODUCT_CREATION"),
        (36, "INVOICE_STATUS_CHANGE"),
        (37, "PRODUCT_AUDIT_STATUS_CHANGE"),
        (42, "42"),
    ];
    for (number, name) in kinds {
        let body = serde_json::json!({"type": number, "tts_notification_id": "7", "data": {}});
        let notice = receive(&body.to_string(), "app-secret-canary").unwrap();
        assert_eq!((notice.kind.as_str(), notice.event_id.as_str()), (name, "7"));
    }
    let unsigned = receive(r#"{"type": 1}"#, "another").unwrap_err();
    assert_eq!(unsigned.kind(), ErrorKind::AuthRejected);
}

#[test]
fn official_notifications_read_as_expected_and_repetitions_are_told_apart() {
    let names = [
        "OrderStatusChangeEvent",
        "PackageUpdateEvent",
        "SellerDeauthorizationEvent",
        "ProductCreationEvent",
        "ProductInformationChangeEvent",
    ];
    for name in names {
        let body = fixture(&format!("{name}.json"));
        let first = receive(&body, "app-secret-canary").unwrap();
        assert_eq!(first, receive(&body, "app-secret-canary").unwrap(), "{name}");
        let wanted = json_fixture(&format!("{name}.expect.json"));
        let mut read = serde_json::to_value(&first).unwrap();
        if wanted.get("event_id").is_none() {
            // Older ones have no id: another body is another notification.
            let other = receive(&format!("{body} "), "app-secret-canary").unwrap();
            assert_ne!(first.event_id, other.event_id, "{name}");
            read.as_object_mut().unwrap().remove("event_id");
        }
        assert_eq!(read, wanted, "{name}");
    }
}

#[test]
fn a_cancelled_order_is_named_whether_the_word_is_cancel_or_cancelled() {
    for word in ["CANCEL", "CANCELLED"] {
        let body = serde_json::json!({
            "type": 1, "tts_notification_id": "8", "timestamp": 1_644_412_885,
            "data": {"order_id": "576486316948490001", "order_status": word}
        });
        let notice = receive(&body.to_string(), "app-secret-canary").unwrap();
        assert_eq!(notice.order.unwrap().as_str(), "576486316948490001", "{word}");
        assert_eq!(notice.event_id.as_str(), "8");
    }
}
