//! Published and captured answers, byte for byte, beside what they mean to us.

use orderflow::carriers::usps::{TrackingVersion, Usps, UspsConfig};
use orderflow::client::RetryPolicy;
use orderflow::ports::{
    AddressVerdict, CarrierAdapter, ManifestRequest, Manifests, PickupRequest, Pickups, Recovery,
    ValidateAddress, VoidLabel, VoidOutcome,
};
use orderflow::shipment::{LabelFormat, LabelIntent, ServiceKey, TrackOutcome, TransitState, fold};
use orderflow::{ErrorKind, Grams, Retry, ServiceCode, TrackingNumber};
use serde_json::{Value, json};

use super::house::{
    canned, canned_with, contact, fixture, key, noon, parcel, purchase, recipient, sender, today,
};

const JSON: &str = "application/json";

/// Compares with the reviewed expectation beside the fixture.
pub(crate) fn expect(fixture_name: &str, actual: &impl serde::Serialize) {
    let actual = serde_json::to_value(actual).unwrap();
    let stem = fixture_name.rsplit_once('.').map_or(fixture_name, |(stem, _)| stem);
    let name = format!("{stem}.expect.json");
    let path = format!("{}/tests/fixtures/usps/{name}", env!("CARGO_MANIFEST_DIR"));
    let expected: Value = std::fs::read(&path)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_else(|| panic!("no {name}; it should hold, after review:\n{actual:#}"));
    assert_eq!(actual, expected, "{name}; got:\n{actual:#}");
}

fn v3(config: UspsConfig) -> UspsConfig {
    config.with_tracking_version(TrackingVersion::V3)
}

async fn track(usps: &Usps, number: &'static str) -> TrackOutcome {
    usps.track(&[TrackingNumber::from_static(number)]).await.unwrap().remove(0).outcome
}

#[tokio::test(start_paused = true)]
async fn shipping_options_become_quotes_for_own_packaging() {
    let file = "shipping-options-all-classes.response.json";
    let quotes = canned(200, JSON, fixture(file)).rates(&parcel()).await.unwrap();
    expect(file, &quotes);
    // Media mail is offered only to those who ask for it.
    let with_media =
        |config: UspsConfig| config.with_services([ServiceCode::from_static("MEDIA_MAIL")]);
    let quotes = canned_with(with_media, 200, JSON, fixture(file)).rates(&parcel()).await.unwrap();
    assert_eq!(quotes.len(), 1);
    assert_eq!(quotes[0].total.amount.to_string(), "45.13");
}

#[tokio::test(start_paused = true)]
async fn captured_labels_are_read_from_multipart() {
    for file in [
        "label-ground-advantage.response.multipart.txt",
        "label-zone01-insured.response.multipart.txt",
        "label-with-return-label.response.multipart.txt",
    ] {
        let unix = fixture(file);
        let windows = String::from_utf8(unix.clone()).unwrap().replace('\n', "\r\n").into_bytes();
        let boundary = String::from_utf8_lossy(&unix).lines().next().unwrap()[2..].to_owned();
        let header: &'static str =
            Box::leak(format!("multipart/form-data; boundary={boundary}").into_boxed_str());
        for (content_type, body) in [(header, unix.clone()), (header, windows), (JSON, unix)] {
            let usps = canned(200, content_type, body);
            let label = usps.buy_label(&purchase("PK-1"), &key("PK-1")).await.unwrap();
            let kinds: Vec<_> = label.documents.iter().map(|document| document.kind).collect();
            let pdf = |bytes: &[u8]| bytes.starts_with(b"%PDF-1.4") && bytes.ends_with(b"%%EOF\n");
            assert!(label.documents.iter().all(|document| pdf(document.bytes.expose())), "{file}");
            expect(file, &json!({"record": label.record, "documents": kinds}));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_label_as_vendor_json_is_read_with_the_metadata_at_either_level() {
    let nested = fixture("return-label-embedded.response.json");
    let mut flat: Value = serde_json::from_slice(&nested).unwrap();
    let metadata = flat["labelMetadata"].take();
    let mut flat = flat.as_object().unwrap().clone();
    flat.remove("labelMetadata");
    flat.extend(metadata.as_object().unwrap().clone());
    for body in [nested, serde_json::to_vec(&flat).unwrap()] {
        let usps = canned(200, "application/vnd.usps.labels+json", body);
        let label = usps.buy_label(&purchase("PK-1"), &key("PK-1")).await.unwrap();
        assert_eq!(label.record.number.as_str(), "9234690361980900000142");
        assert_eq!(label.record.cost.postage.amount.to_string(), "18.76");
        assert_eq!(label.documents.len(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn the_carriers_own_number_is_kept_whatever_its_check_digit() {
    let body = json!({"trackingNumber": "420631189262593519935271903671", "postage": 7.99});
    let usps = canned(200, JSON, body.to_string());
    let label = usps.buy_label(&purchase("PK-1"), &key("PK-1")).await.unwrap();
    assert_eq!(label.record.number.as_str(), "9262593519935271903671");
    assert!(label.documents.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_label_answer_without_number_or_readable_image_is_looked_into_not_bought_again() {
    for body in [
        &b"{}"[..],
        b"{\"trackingNumber\":\"1\"}",
        b"{\"trackingNumber\":\"1\",\"postage\":1.0,\"labelImage\":\"%%%\"}",
        b"",
        b"<html>",
        b"--b\r\n\r\n--b--",
        &fixture("container-label.response.multipart.txt"),
        &fixture("label-masked.response.multipart.txt"),
    ] {
        let usps = canned(200, JSON, body.to_vec());
        let error = usps.buy_label(&purchase("PK-1"), &key("PK-1")).await.unwrap_err();
        assert_eq!((error.kind(), error.retry()), (ErrorKind::Ambiguous, Retry::LookFirst));
    }
}

#[tokio::test(start_paused = true)]
async fn a_label_whose_price_cannot_be_read_in_full_stands_and_costs_what_nobody_stated() {
    let bought = async |postage: Value, fee: Value| {
        let body = json!({"trackingNumber": "9400109104250532908587", "postage": postage,
            "labelImage": "JVBERi0xLjQ=", "fees": [{"name": 7, "price": fee}]});
        let usps = canned(200, JSON, body.to_string());
        usps.buy_label(&purchase("PK-1"), &key("PK-1")).await.unwrap().record.cost
    };
    let whole = bought(json!(5.25), json!("0.40")).await;
    assert_eq!(whole.total().unwrap().to_string(), "5.65 USD");
    assert_eq!(whole.fees[0].name, "7");
    for (postage, fee) in
        [(json!("NaN"), json!(1)), (json!(5), json!("NaN")), (json!(5), json!(null))]
    {
        assert!(bought(postage, fee).await.unstated);
    }
}

#[tokio::test(start_paused = true)]
async fn forms_are_read_in_all_spellings() {
    let request = ManifestRequest {
        sender: sender(),
        mailing_date: today(),
        numbers: vec![TrackingNumber::from_static("9234690361980900000142")],
    };
    for (file, number) in [
        ("SCANForm-LabelShipment-response.multipart.txt", "XXXXXXXXXXXXXXXXXXXXXXXXXX"),
        ("SCANForm-ManifestMIDShipment-response.multipart.txt", "XXXXXXXXXXXXXXXXXXXXXXXXXX"),
        ("scan-form-vendor-json.response.json", "string"),
    ] {
        let manifest = canned(200, JSON, fixture(file)).create_manifest(&request).await.unwrap();
        assert_eq!(manifest.number, number, "{file}");
        assert_eq!(manifest.labels.len(), 1);
        assert!(manifest.documents[0].bytes.expose().starts_with(b"%PDF"), "{file}");
    }
    let form = json!({"manifestNumber": "1", "SCANFormImage": "JVBERi0="});
    let spelt = json!({"SCANFormMetaData": {"manifestNumber": "1"}, "SCANFormImage": "JVBERi0="});
    for body in [form, spelt] {
        let manifest = canned(200, JSON, body.to_string()).create_manifest(&request).await.unwrap();
        assert_eq!((manifest.number.as_str(), manifest.labels), ("1", request.numbers.clone()));
    }
}

#[tokio::test(start_paused = true)]
async fn pickups_are_read_flat_and_nested() {
    let request = PickupRequest {
        place: contact("John Smith", "4120 Bingham Ave", "Saint Louis", "MO", "63116"),
        date: today(),
        window: None,
        parcels: vec![(
            ServiceKey::new(orderflow::carriers::usps::USPS, ServiceCode::from_static("PRIORITY")),
            1,
        )],
        weight: Grams::new(1_000),
        location: None,
        instructions: None,
    };
    for (file, confirmation, date) in [
        ("pickup-create.response.json", "{Confirmation Number}", "2023-04-20"),
        ("pickup-create-nested.response.json", "string", "2019-08-24"),
    ] {
        let pickup = canned(200, JSON, fixture(file)).schedule_pickup(&request).await.unwrap();
        assert_eq!(
            (pickup.confirmation.as_str(), pickup.date.to_string()),
            (confirmation, date.into())
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_is_read() {
    let file = "label-cancel.response.json";
    let label = canned(200, JSON, r#"{"trackingNumber":"9234690361980900000142","postage":1}"#)
        .buy_label(&purchase("PK-1"), &key("PK-1"))
        .await
        .unwrap();
    let outcome = canned(200, JSON, fixture(file)).void_label(&label.record).await.unwrap();
    assert_eq!(outcome, VoidOutcome::Voided);
    let dispute = r#"{"trackingNumber":"1","status":"DISPUTED","disputeId":103789}"#;
    let outcome = canned(200, JSON, dispute).void_label(&label.record).await.unwrap();
    assert_eq!(outcome, VoidOutcome::RefundRequested { reference: Some("103789".into()) });
    let new_word = r#"{"trackingNumber":"1","status":"PENDING"}"#;
    let error = canned(200, JSON, new_word).void_label(&label.record).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedAnswer, "unknown is not success");
}

#[tokio::test(start_paused = true)]
async fn the_published_address_is_deliverable_and_its_empty_correction_is_no_remark() {
    let usps = canned(200, JSON, fixture("address.response.json"));
    let check = usps.validate(&recipient().address).await.unwrap();
    assert_eq!(check.verdict, AddressVerdict::Deliverable);
    assert_eq!(check.residential, Some(false));
    assert_eq!(check.remarks, ["Single Response - exact match"]);
    let standard = check.standardized.unwrap();
    assert_eq!((standard.line1(), standard.city.as_str()), ("3120 M ST NW", "WASHINGTON"));
    assert_eq!(standard.postal_code.as_deref(), Some("20007-3704"));
}

#[tokio::test(start_paused = true)]
async fn every_confirmation_letter_and_correction_has_its_verdict() {
    use AddressVerdict::{Ambiguous, Deliverable, Undeliverable, UnitMissing};
    let cases = [
        (json!({"DPVConfirmation": "Y"}), "", Deliverable),
        (json!({"DPVConfirmation": "D"}), "", UnitMissing),
        (json!({"DPVConfirmation": "S"}), "", UnitMissing),
        (json!({"DPVConfirmation": "N"}), "", Undeliverable),
        (json!({"DPVConfirmation": "Q"}), "", Undeliverable),
        (json!({}), "", Undeliverable),
        (json!({"DPVConfirmation": "Y"}), "32", UnitMissing),
        (json!({"DPVConfirmation": "Y"}), "22", Ambiguous),
        (json!({"DPVConfirmation": "Y", "vacant": "Y"}), "", Undeliverable),
        (json!({"DPVConfirmation": "Y", "carrierRoute": "R777"}), "", Undeliverable),
        (json!({"DPVConfirmation": "Y", "carrierRoute": "R779"}), "22", Undeliverable),
    ];
    for (info, correction, verdict) in cases {
        let body = json!({
            "address": {"streetAddress": "1 A ST", "city": "X", "state": "MA", "ZIPCode": 1201},
            "additionalInfo": info,
            "corrections": [{"code": correction, "text": ""}],
        });
        let usps = canned(200, JSON, body.to_string());
        let check = usps.validate(&recipient().address).await.unwrap();
        assert_eq!(check.verdict, verdict, "{body}");
        // A ZIP that came as a number gets its zero back.
        assert_eq!(check.standardized.unwrap().postal_code.as_deref(), Some("01201"));
    }
}

#[tokio::test(start_paused = true)]
async fn captured_histories_become_events() {
    for (file, number) in [
        ("tracking-v3-detail-delivered.response.json", "9400109104250532908587"),
        ("tracking-v3-detail-delivered-gmt-bug.response.json", "9261290289104185136058"),
        ("tracking-v3-detail-doc.response.json", "XXXXXXXXXXXXXXXXXXXX"),
    ] {
        let single = track(&canned_with(v3, 200, JSON, fixture(file)), number).await;
        let batch = format!("[{}]", String::from_utf8(fixture(file)).unwrap());
        assert_eq!(track(&canned(200, JSON, batch), number).await, single);
        expect(file, &single);
    }
}

#[tokio::test(start_paused = true)]
async fn events_at_a_consolidator_are_no_acceptance() {
    let body = fixture("tracking-v3-detail-delivered-gmt-bug.response.json");
    let number = TrackingNumber::from_static("9261290289104185136058");
    let TrackOutcome::Found { events, .. } =
        track(&canned_with(v3, 200, JSON, body), "9261290289104185136058").await
    else {
        panic!()
    };
    let folded = fold(&orderflow::carriers::usps::USPS, &number, events, None);
    assert_eq!(folded.state, TransitState::Delivered);
    // Four scans of the partner came before; the first of the carrier itself is the plant's.
    assert_eq!(folded.accepted_at.unwrap().to_rfc3339(), "2024-11-22T22:20:00+00:00");
}

#[tokio::test(start_paused = true)]
async fn the_category_speaks_only_for_an_unknown_code() {
    let status = |category: &str, code: &str, text: &str| {
        json!([{"trackingNumber": "1", "statusCategory": category, "trackingEvents": [
            {"eventCode": code, "eventType": text, "eventTimestamp": "2026-03-03T10:00:00"},
        ]}])
    };
    use orderflow::shipment::Milestone as M;
    for (category, code, text, milestone) in [
        ("Delivered", "Z9", "Something new", M::Delivered),
        ("Delivered", "01", "Delivered, To Original Sender", M::Returned),
        ("Delivered", "DX", "Delivery, Awaiting Delivery Scan", M::ArrivedDestination),
        ("Alert", "03", "USPS in possession of item", M::Accepted),
        ("A new category", "Z9", "Something new", M::Other),
    ] {
        let body = status(category, code, text).to_string();
        let TrackOutcome::Found { events, .. } = track(&canned(200, JSON, body), "1").await else {
            panic!()
        };
        assert_eq!(events[0].milestone, milestone, "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_number_of_a_batch_has_its_own_outcome() {
    let failed = |number: &str, status: &str, code: &str| {
        json!({"trackingNumber": number, "statusCode": status, "error": {
            "message": "m", "errors": [{"code": code, "detail": "why"}]}})
    };
    let body = json!([
        failed("5", "503", "999999"),
        failed("4", "404", "150010"),
        failed("3", "404", "150009"),
        {"trackingNumber": "420631182", "statusCode": 404, "error": {"message": "m"}},
        {"trackingNumber": "1", "trackingEvents": null},
        {"error": {"message": "no number at all"}},
    ]);
    let numbers = ["1", "420631182", "3", "4", "5", "6"].map(TrackingNumber::from_static);
    for status in [200, 207, 404] {
        let usps = canned(status, JSON, body.to_string());
        let tracked = usps.track(&numbers).await.unwrap();
        let outcomes: Vec<_> = tracked.into_iter().map(|tracked| tracked.outcome).collect();
        let failure = |reason: &str, retry| TrackOutcome::Failed { reason: reason.into(), retry };
        assert_eq!(
            outcomes,
            [
                TrackOutcome::Found { events: Vec::new(), estimated_delivery: None },
                TrackOutcome::NotFoundYet,
                TrackOutcome::NotFoundYet,
                failure("why", false),
                failure("why", true),
                failure("the answer leaves this number out", true),
            ]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_odd_field_of_a_history_costs_only_itself() {
    let event = |at: Value, code: Value| {
        json!({"eventTimestamp": at, "eventCode": code, "eventType": 12, "eventCity": [],
               "GMTOffset": {}})
    };
    let body = json!([
        {"trackingNumber": "1", "status": 7, "statusCategory": [], "deliveryDateExpectation": "soon",
         "trackingEvents": [event(json!("2026-03-04T10:00:00"), json!(3)), "?",
                            event(json!("some day"), json!("10")),
                            event(json!("2026-03-03T10:00:00"), json!("03"))]},
        {"trackingNumber": "2", "trackingEvents": "none"},
        "?"]);
    let usps = canned(200, JSON, body.to_string());
    let tracked = usps.track(&["1", "2", "3"].map(TrackingNumber::from_static)).await.unwrap();
    let TrackOutcome::Found { events, .. } = &tracked[0].outcome else { panic!("{tracked:?}") };
    let read: Vec<_> = events.iter().map(|e| (e.raw_code.as_str(), e.raw_text.as_str())).collect();
    assert_eq!(read, [("3", "12"), ("03", "12")]);
    let failed = |reason: &str, retry| TrackOutcome::Failed { reason: reason.into(), retry };
    assert_eq!(tracked[1].outcome, failed("no event of the history can be read", false));
    assert_eq!(tracked[2].outcome, failed("the answer leaves this number out", true));
}

#[tokio::test(start_paused = true)]
async fn an_odd_field_of_a_quote_costs_only_itself_and_no_price_is_guessed() {
    let option = |class: &str, base: Value, whole: Value| {
        json!({"mailClass": class, "rateOptions": [{"commitment": {"name": 3, "guaranteedDelivery": 2},
            "totalBasePrice": base, "totalPrice": whole,
            "rates": [{"mailClass": class, "rateIndicator": "SP", "SKU": 12, "productName": []}]}, "?"]})
    };
    let body = json!({"pricingOptions": [{"shippingOptions": [
        option("USPS_GROUND_ADVANTAGE", json!("5.25"), json!("NaN")),
        // What is asked for cannot be read: the price with extras would be a guess.
        option("PRIORITY_MAIL", json!("NaN"), json!(9)),
        7]}]});
    let quotes = canned(200, JSON, body.to_string()).rates(&parcel()).await.unwrap();
    let read: Vec<_> = quotes
        .iter()
        .map(|quote| (quote.service.service.as_str(), quote.total.to_string()))
        .collect();
    assert_eq!(read, [("USPS_GROUND_ADVANTAGE", "5.25 USD".to_owned())]);
    let nothing = canned(200, JSON, r#"{"pricingOptions": [1]}"#.to_owned());
    assert_eq!(nothing.rates(&parcel()).await.unwrap_err().kind(), ErrorKind::UnexpectedAnswer);
}

#[tokio::test(start_paused = true)]
async fn a_summary_of_the_retired_form_is_no_history() {
    let usps = canned_with(v3, 200, JSON, fixture("tracking-v3-summary.response.json"));
    let error = usps.track(&[TrackingNumber::from_static("1")]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedAnswer);
}

#[tokio::test(start_paused = true)]
async fn every_code_of_the_reference_is_treated_as_it_says() {
    use ErrorKind as K;
    let never = Retry::Never;
    let after = |seconds| Retry::After(std::time::Duration::from_secs(seconds));
    let exhausted = Retry::Exhausted { attempts: 5 };
    let table = [
        ("010001", K::Rejected, never),
        ("010005", K::Rejected, never),
        ("010006", K::Rejected, never),
        ("020001", K::AlreadyDone, never),
        ("030004", K::Rejected, never),
        ("030007", K::Rejected, never),
        ("030008", K::Rejected, never),
        ("030024", K::Rejected, never),
        ("040001", K::Rejected, never),
        ("040002", K::Rejected, never),
        ("100001", K::Rejected, never),
        ("100002", K::Rejected, never),
        ("100003", K::Rejected, never),
        ("100004", K::Rejected, never),
        ("100005", K::Transient, after(300)),
        ("100006", K::Rejected, never),
        ("100007", K::Rejected, never),
        ("150001", K::NotFound, never),
        ("150002", K::NotFound, never),
        ("150009", K::NotFound, never),
        ("150010", K::Rejected, never),
        ("150012", K::Rejected, never),
        ("160034", K::Rejected, never),
        ("160174", K::Rejected, never),
        ("160184", K::Rejected, never),
        ("160185", K::NotFound, never),
        ("160186", K::AlreadyDone, never),
        ("160187", K::Rejected, never),
        ("160301", K::Rejected, never),
        ("160302", K::Configuration, never),
        ("160307", K::Rejected, never),
        ("160311", K::Rejected, never),
        ("160312", K::Transient, exhausted),
        ("160320", K::Rejected, never),
        ("160368", K::Transient, after(60)),
        ("160377", K::Transient, after(86_400)),
        ("160378", K::NotFound, never),
        ("160384", K::Rejected, never),
        ("160397", K::Rejected, never),
        ("160398", K::Rejected, never),
        ("123456", K::Rejected, never),
    ];
    let inventory = String::from_utf8(fixture("error-codes.csv")).unwrap();
    for (code, kind, retry) in table {
        assert!(code == "123456" || inventory.contains(code), "{code} is not documented");
        // A number has lost its zeros; they come back.
        let number: u32 = code.parse().unwrap();
        for written in [json!(code), json!(number)] {
            let body = json!({"apiVersion": "v3", "error": {"code": "400", "message": "Bad",
                "errors": [{"status": "400", "code": written, "title": "t",
                    "detail": "d<SUP>reg;</SUP> &amp; e", "source": {"parameter": "p"}}]}});
            let patient = |config: UspsConfig| config.with_retry(RetryPolicy::default());
            let usps = canned_with(patient, 400, JSON, body.to_string());
            let error = usps.rates(&parcel()).await.unwrap_err();
            assert_eq!((error.kind(), error.retry()), (kind, retry), "{code}: {error}");
            let vendor = error.vendor().unwrap();
            assert_eq!(vendor.code.as_deref(), Some(code));
            assert_eq!(vendor.field.as_deref(), Some("p"));
            assert_eq!(vendor.message.as_deref(), Some("d & e"));
        }
    }
    for not_offered in ["030001", "030002", "030020", "160306"] {
        let body = json!({"error": {"errors": [{"code": not_offered}]}});
        assert!(canned(400, JSON, body.to_string()).rates(&parcel()).await.unwrap().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn statuses_decide_where_no_code_does() {
    use ErrorKind as K;
    for (status, kind) in [
        (301, K::UnexpectedAnswer),
        (400, K::Rejected),
        (401, K::AuthRejected),
        (403, K::AuthRejected),
        (404, K::NotFound),
        (409, K::Conflict),
        (412, K::Conflict),
        (429, K::RateLimited),
        (500, K::Transient),
        (502, K::Transient),
        (503, K::Transient),
    ] {
        for body in ["", "<html>Bad Gateway</html>", "{", "[]", "null", "{\"error\":null}"] {
            let error = canned(status, "text/html", body).rates(&parcel()).await.unwrap_err();
            // The page of a proxy does not say that what was asked for is not there.
            let kind = if status == 404 { K::UnexpectedAnswer } else { kind };
            assert_eq!(error.kind(), kind, "{status} {body:?}");
        }
        let shape = canned(status, JSON, fixture("error-shape.json"));
        assert_eq!(shape.rates(&parcel()).await.unwrap_err().kind(), kind);
    }
}

#[tokio::test(start_paused = true)]
async fn a_fault_while_buying_is_ambiguous_and_a_refusal_is_not() {
    for (status, kind) in
        [(500, ErrorKind::Ambiguous), (503, ErrorKind::Ambiguous), (400, ErrorKind::Rejected)]
    {
        let usps = canned(status, "text/html", "<html>");
        let error = usps.buy_label(&purchase("PK-1"), &key("PK-1")).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn only_their_word_proves_that_there_is_no_label() {
    let intent = LabelIntent {
        key: key("PK-1"),
        request: purchase("PK-1"),
        created_at: noon(),
        sent_at: noon(),
    };
    for (code, absent) in [("160185", true), ("160378", true), ("160379", false), ("160383", false)]
    {
        let body = json!({"error": {"errors": [{"code": code}]}}).to_string();
        let recovery = canned(400, JSON, body).recover_label(&intent).await.unwrap();
        assert_eq!(recovery == Recovery::Absent, absent, "{code}");
        assert_eq!(matches!(recovery, Recovery::Unknowable { .. }), !absent, "{code}");
    }
    for status in [404, 500, 429] {
        assert!(canned(status, "text/html", "").recover_label(&intent).await.is_err());
    }
}

#[test]
fn a_number_has_a_public_page() {
    let usps = canned(200, JSON, "");
    let number = TrackingNumber::from_static("9234690361980900000142");
    assert_eq!(
        usps.tracking_url(&number).as_deref(),
        Some("https://tools.usps.com/go/TrackConfirmAction?tLabels=9234690361980900000142")
    );
    assert!(usps.limits().formats.contains(&LabelFormat::Zpl));
}
