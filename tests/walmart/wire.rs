//! What lies on the wire: errors, headers, webhooks, hostile bytes.

use super::house::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use hmac::{Hmac, KeyInit, Mac};
use orderflow::client::RetryPolicy;
use orderflow::platforms::walmart::{WALMART, Walmart, WalmartConfig, WebhookAuth};
use orderflow::ports::{MarketplaceAdapter, WebhookRequest};
use orderflow::{Error, ErrorKind};
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

async fn refusal(answer: Answer) -> Error {
    // A refused token is renewed once, so the script says it twice.
    let again = match &answer {
        Answer::Full(401, body, _) => vec![status(401, body.clone())],
        _ => Vec::new(),
    };
    let (shop, _) = shop(std::iter::once(answer).chain(again).collect());
    shop.get_order(&id("1")).await.unwrap_err()
}

#[tokio::test]
async fn every_error_example_has_its_kind_and_code() {
    use ErrorKind as K;
    let cases = [
        ("400_already_acknowledged", 400, K::Rejected, "INVALID_REQUEST_CONTENT.GMP_ORDER_API"),
        ("400_cancel_after_ship", 400, K::Rejected, "INVALID_REQUEST_CONTENT.GMP_ORDER_API"),
        ("400_invalid_date", 400, K::Rejected, "INVALID_REQUEST.GMP_ORDER_API"),
        ("400_over_shipped", 400, K::Rejected, "INVALID_REQUEST_CONTENT.GMP_ORDER_API"),
        ("401_unauthorized", 401, K::AuthRejected, "UNAUTHORIZED.GMP_GATEWAY_API"),
        ("404_no_orders", 404, K::NotFound, "CONTENT_NOT_FOUND.GMP_ORDER_API"),
        ("429_throttled", 429, K::RateLimited, "REQUEST_THRESHOLD_VIOLATED.GMP_GATEWAY_API"),
        ("500_system", 500, K::Transient, "SYSTEM_ERROR.GMP_ORDER_API"),
    ];
    let files = std::fs::read_dir(path("errors")).unwrap().count();
    assert_eq!(files, cases.len(), "an error example without a row here");
    for (name, code, kind, vendor) in cases {
        let error = refusal(status(code, fixture(&format!("errors/{name}.json")))).await;
        assert_eq!(error.kind(), kind, "{name}");
        let detail = error.vendor().unwrap();
        assert_eq!((detail.status, detail.code.as_deref()), (Some(code), Some(vendor)), "{name}");
        assert!(detail.message.is_some(), "{name}");
    }
}

#[tokio::test]
async fn every_status_and_every_shape_of_error_has_its_kind() {
    use ErrorKind as K;
    let coded = |code: &str| format!(r#"{{"errors":[{{"code":"{code}.X","description":"d"}}]}}"#);
    let xml = r#"<?xml version="1.0"?><ns2:errors xmlns:ns2="x"><ns2:error>
        <ns2:code>SYSTEM_ERROR.GMP</ns2:code><ns2:description>d</ns2:description>
        </ns2:error></ns2:errors>"#;
    let cases: Vec<(u16, String, ErrorKind)> = vec![
        (400, String::new(), K::Rejected),
        (403, String::new(), K::AuthRejected),
        (404, "<html><title>Not here</title></html>".to_owned(), K::NotFound),
        (408, String::new(), K::Transient),
        (409, String::new(), K::Rejected),
        (413, "too large".to_owned(), K::Rejected),
        (429, String::new(), K::RateLimited),
        (500, "<html>".to_owned(), K::Transient),
        (502, String::new(), K::Transient),
        (503, coded("INVALID_REQUEST"), K::Transient),
        (504, coded("DOWNSTREAM_SYSTEM_TIME_OUT"), K::Transient),
        (302, String::new(), K::UnexpectedAnswer),
        (400, coded("INVALID_REQUEST_PARAM"), K::Rejected),
        (400, coded("MALFORMED_REQUEST_CONTENT"), K::Rejected),
        (400, coded("SYSTEM_ERROR"), K::Transient),
        (400, coded("INVALID_SYSTEM_STATE"), K::Transient),
        (400, coded("REQUEST_THRESHOLD_VIOLATED"), K::RateLimited),
        (400, coded("CONTENT_NOT_FOUND"), K::NotFound),
        (400, xml.to_owned(), K::Transient),
        (200, coded("INVALID_REQUEST"), K::Rejected),
        (400, r#"{"error":[{"code":"INVALID_REQUEST.X"}]}"#.to_owned(), K::Rejected),
        (400, r#"{"errors":{"error":{"code":"SYSTEM_ERROR.X"}}}"#.to_owned(), K::Transient),
    ];
    for (code, body, kind) in cases {
        let error = refusal(status(code, body.clone())).await;
        assert_eq!(error.kind(), kind, "{code} {body}");
    }
    let plain = refusal(status(400, "edge says no")).await;
    assert_eq!(plain.vendor().unwrap().message.as_deref(), Some("edge says no"));
}

#[tokio::test]
async fn headers_are_walmarts_and_every_attempt_has_a_new_correlation_id() {
    let policy = RetryPolicy::default().with_base(Duration::from_millis(1));
    let (shop, script) = shop_with(
        config().with_retry(policy),
        vec![status(500, ""), status(500, ""), ok(fixture(ORDER))],
    );
    shop.get_order(&id("1")).await.unwrap();
    let calls = script.calls();
    let ids: BTreeSet<_> = calls
        .iter()
        .map(|call| call.headers["wm_qos.correlation_id"].to_str().unwrap().to_owned())
        .collect();
    assert_eq!((calls.len(), ids.len()), (3, 3));
    let headers = &calls[0].headers;
    assert_eq!(headers["wm_sec.access_token"], "eyJraWQiOiI1MWY3MjM0Ny0wYWY5LTRhZ.....");
    assert_eq!(headers["wm_svc.name"], "Walmart Marketplace");
    assert_eq!(headers["accept"], "application/json");
    assert!(!headers.contains_key("authorization"));
    let seen = script.seen.lock().unwrap();
    let pair = STANDARD.encode("client-id-canary:client-secret-canary");
    assert_eq!(seen[0].headers["authorization"], format!("Basic {pair}"));
    assert_eq!(&seen[0].body[..], b"grant_type=client_credentials");
}

#[tokio::test]
async fn no_spelling_of_a_hint_disturbs_a_call() {
    for value in ["1", "1580821866000", "2020-02-04T13:11:06Z", "soon", "-5"] {
        let headers = vec![("x-current-token-count", "5"), ("x-next-replenishment-time", value)];
        let body = fixture(ORDER).into_bytes();
        let (shop, _) = shop(vec![Answer::Full(200, body, headers), ok(fixture(ORDER))]);
        shop.get_order(&id("1")).await.unwrap();
        shop.get_order(&id("1")).await.unwrap();
    }
}

#[test]
fn secrets_never_print_and_empty_keys_are_refused() {
    let auth = WebhookAuth::Hmac { header: "x".to_owned(), secret: "hook-canary".into() };
    let hooked = config().with_webhook_auth(auth);
    assert!(!format!("{hooked:?}").contains("canary"));
    let (shop, _) = shop_with(hooked, Vec::new());
    assert!(!format!("{shop:?}").contains("canary"));
    assert_eq!(shop.platform(), WALMART);
    let empty = WalmartConfig::new("", "x", "shop");
    let error = Walmart::new(empty, Arc::new(Script::default())).unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::Configuration, Some("client_id")));
    let header = || "x".to_owned();
    for open in [
        WebhookAuth::Basic { header: header(), user: "".into(), password: "".into() },
        WebhookAuth::Hmac { header: header(), secret: "".into() },
        WebhookAuth::Signed { secret: "".into() },
    ] {
        let config = config().with_webhook_auth(open);
        let error = Walmart::new(config, Arc::new(Script::default())).unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::Configuration, Some("webhook_auth")));
    }
}

const NOTICE: &[u8] = br#"{"source":{"eventType":"PO_CREATED",
    "eventTime":"2026-01-01T00:00:00Z","eventId":"e1"},"payload":{"purchaseOrderId":"42"}}"#;

fn mac(secret: &str, text: &[u8]) -> Vec<u8> {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.chain_update(text).finalize().into_bytes().to_vec()
}

fn hexed(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn receive(auth: WebhookAuth, headers: &[(&str, &str)], body: &[u8], now: &str) -> Option<String> {
    let (shop, _) = shop_with(config().with_webhook_auth(auth), Vec::new());
    let request = WebhookRequest { method: "POST", path_and_query: "/hooks?a=b", headers, body };
    // Without a way to check the sender there is no ability at all.
    match shop.webhooks()?.receive(&request, at(now)) {
        Ok(notice) => {
            assert_eq!((notice.kind.as_str(), notice.order), ("PO_CREATED", Some(id("42"))));
            assert_eq!(notice.sent_at, Some(at("2026-01-01T00:00:00Z")));
            Some(notice.event_id.as_str().to_owned())
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::AuthRejected);
            None
        }
    }
}

const NOW: &str = "2026-01-01T00:00:10Z";

#[test]
fn a_signed_body_is_taken_in_base64_and_hex_and_nothing_else() {
    let auth = || WebhookAuth::Hmac { header: "X-Sign".to_owned(), secret: "s3cret".into() };
    let good = mac("s3cret", NOTICE);
    for text in [STANDARD.encode(&good), hexed(&good), hexed(&good).to_uppercase()] {
        assert_eq!(receive(auth(), &[("x-sign", &text)], NOTICE, NOW).as_deref(), Some("e1"));
    }
    let other = STANDARD.encode(mac("another", NOTICE));
    let cut = STANDARD.encode(&good[..16]);
    for headers in [vec![], vec![("x-sign", other.as_str())], vec![("x-sign", cut.as_str())]] {
        assert_eq!(receive(auth(), &headers, NOTICE, NOW), None);
    }
    let signed = STANDARD.encode(&good);
    assert_eq!(receive(auth(), &[("x-sign", &signed)], b"{}", NOW), None);
    assert_eq!(receive(WebhookAuth::None, &[("x-sign", &signed)], NOTICE, NOW), None);
}

#[test]
fn a_user_and_password_are_taken_with_and_without_basic() {
    let auth = || WebhookAuth::Basic {
        header: "Authorization".to_owned(),
        user: "abc".into(),
        password: "test".into(),
    };
    let pair = STANDARD.encode("abc:test");
    for text in [pair.clone(), format!("Basic {pair}"), format!("basic {pair}")] {
        assert!(receive(auth(), &[("authorization", &text)], NOTICE, NOW).is_some());
    }
    for text in ["", "Basic", "abc:test", &STANDARD.encode("abc:tesu")] {
        assert!(receive(auth(), &[("authorization", text)], NOTICE, NOW).is_none());
    }
}

#[test]
fn the_newer_signature_covers_verb_path_time_and_body() {
    let auth = || WebhookAuth::Signed { secret: "s3cret".into() };
    let sign = |stamp: &str, method: &str| {
        let text = format!("{method}\n/hooks?a=b\n{stamp}\n{}", hexed(&Sha256::digest(NOTICE)));
        STANDARD.encode(mac("s3cret", text.as_bytes()))
    };
    let stamp = at(NOW).timestamp().to_string();
    let late = (at(NOW) - TimeDelta::minutes(6)).timestamp().to_string();
    let cases = [
        (stamp.clone(), sign(&stamp, "POST"), true),
        (stamp.clone(), sign(&stamp, "PUT"), false),
        (stamp.clone(), sign(&late, "POST"), false),
        (late.clone(), sign(&late, "POST"), false),
        ("now".to_owned(), sign("now", "POST"), false),
    ];
    for (stamp, signature, good) in cases {
        let headers =
            [("WM_SEC.TIMESTAMP", stamp.as_str()), ("wm_sec.signature", signature.as_str())];
        assert_eq!(receive(auth(), &headers, NOTICE, NOW).is_some(), good, "{stamp}");
    }
}

#[test]
fn a_well_signed_body_that_is_no_notification_is_unexpected() {
    let auth = WebhookAuth::Hmac { header: "x".to_owned(), secret: "s3cret".into() };
    let (shop, _) = shop_with(config().with_webhook_auth(auth), Vec::new());
    let sign = STANDARD.encode(mac("s3cret", b"[]"));
    let headers = [("x", sign.as_str())];
    let request =
        WebhookRequest { method: "POST", path_and_query: "/", headers: &headers, body: b"[]" };
    let error = shop.webhooks().unwrap().receive(&request, at(NOW)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedAnswer);
}

/// Breaks a fixture: bytes changed, cut off, doubled.
fn mutated(name: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let bytes = fixture(name).into_bytes();
    let length = bytes.len();
    let change =
        (0..length, prop_oneof![any::<u8>(), Just(b'"'), Just(b'9'), Just(b'{'), Just(b'-')]);
    (proptest::collection::vec(change, 1..8), 0..=length, any::<bool>()).prop_map(
        move |(changes, end, cut)| {
            let mut bytes = bytes.clone();
            for (place, byte) in changes {
                bytes[place] = byte;
            }
            if cut {
                bytes.truncate(end);
            }
            bytes
        },
    )
}

fn run(work: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn broken_lists_never_panic(bytes in mutated("get_orders.response.json"), code in 200_u16..600) {
        run(async {
            for code in [200, code] {
                let (shop, _) = shop(vec![status(code, bytes.clone()), status(code, bytes.clone())]);
                let _ = shop.list_orders(&created(), None).await;
            }
        });
    }

    #[test]
    fn broken_orders_never_panic(bytes in mutated(ORDER)) {
        run(async {
            let (shop, _) = shop((0..4).map(|_| ok(bytes.clone())).collect());
            let _ = shop.get_order(&id("1")).await;
            let _ = shop.confirm_shipment(&notice(), &key()).await;
        });
    }

    #[test]
    fn broken_errors_never_panic(
        bytes in mutated("errors/429_throttled.json"),
        noise in proptest::collection::vec(any::<u8>(), 0..64),
        code in 200_u16..600,
    ) {
        run(async {
            for body in [bytes, noise] {
                let (shop, _) = shop(vec![status(code, body.clone()), status(code, body)]);
                let _ = shop.get_order(&id("1")).await;
            }
        });
    }
}
