//! DHL eCommerce Americas: published answers, and the stand-in through the whole HTTP stack.

use std::sync::Arc;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use orderflow::carriers::dhl::ecommerce::{
    DHL_ECOMMERCE, DhlEcommerce, DhlEcommerceConfig, GROUND, NumberOfLabel, PARCEL_STANDARD,
    VOLUMETRIC_DIVISOR, billed_pounds, catalogue,
};
use orderflow::client::RetryPolicy;
use orderflow::conformance::{Report, carriers};
use orderflow::ports::{
    CarrierAdapter, ManifestRequest, Manifests, PushNotice, Recovery, VoidLabel, VoidOutcome,
    WebhookRequest,
};
use orderflow::sandbox::dhl::ecommerce::DhlEcommerceStandIn;
use orderflow::sandbox::{Fault, Faults, Ledger, Sandbox, Scenario, ScriptedFault, VirtualClock};
use orderflow::shipment::{
    Coverage, DocumentKind, DutiesPayer, EventTime, LabelFormat, LabelRequest, Milestone,
    RateRequest, TaxId, TaxIdOwner, TrackOutcome, TransitState, fold,
};
use orderflow::{Country, ErrorKind, Grams, MoneyError, TrackingNumber};
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::house::{
    self, Carrier, FAST, Says, abroad, as_transport, buy_patiently, fixture, fixtures_of, intent,
    key, noon, parcel, parcel_abroad, sender, shows_no_secret, today,
};

const PRODUCTS: &str = "POST /shipping/v4/products";
const LABEL: &str = "POST /shipping/v4/label";
const FIND: &str = "GET /shipping/v4/label/canary-account";
const VOID: &str = "DELETE /shipping/v4/label/canary-account";
const CLOSE: &str = "POST /shipping/v4/manifest";
const DAY: &str = "GET /shipping/v4/manifest/canary-account/11111111-2222-3333-4444-555555555555";
const TRACK: &str = "GET /tracking/v4/package/open";

fn purchase(reference: &str) -> LabelRequest {
    house::purchase(DHL_ECOMMERCE, GROUND, reference)
}

fn config() -> DhlEcommerceConfig {
    DhlEcommerceConfig::new("canary-id", "canary-secret", "canary-account", "USORD1")
        .with_quota(FAST)
        .with_retry(RetryPolicy::none())
        .with_clock(Arc::new(VirtualClock::new(noon())))
}

struct House {
    dhl: DhlEcommerce,
    carrier: Arc<Carrier>,
}

fn house_with(change: impl FnOnce(DhlEcommerceConfig) -> DhlEcommerceConfig) -> House {
    let carrier = Arc::new(Carrier::default());
    let config = change(config().with_base(house::BASE));
    House { dhl: DhlEcommerce::new(config, as_transport(&carrier)).unwrap(), carrier }
}

fn house() -> House {
    house_with(|config| config)
}

// ---- Quotes ----

#[tokio::test(start_paused = true)]
async fn quotes_are_by_id_and_products_without_a_price_are_not_offered() {
    let house = house();
    house.carrier.says(PRODUCTS, Says::fixture(200, "ecommerce/constructed-products-200.json"));
    let quotes = house.dhl.rates(&parcel()).await.unwrap();
    let read: Vec<_> = quotes
        .iter()
        .map(|quote| (quote.service.service.as_str(), quote.total.to_string(), quote.transit_days))
        .collect();
    assert_eq!(read, [("GND", "6.42 USD".into(), Some(6)), ("EXP", "7.1 USD".into(), None)]);
    let body = house.carrier.body("/shipping/v4/products");
    assert!(body.get("orderedProductId").is_none());
    // 700 g are 1.5432 lb.
    assert_eq!(body["packageDetail"]["weight"], json!({"value": 1.55, "unitOfMeasure": "LB"}));
    assert_eq!(body["packageDetail"]["dimension"]["length"], json!(10.04));
    assert_eq!(
        body["rate"],
        json!({"calculate": true, "currency": "USD", "rateDate": "2026-03-03"})
    );
    let without = json!({"products": [{"orderedProductId": "GND"},
        {"orderedProductId": "EXP", "rate": {"amount": 0, "currency": "USD"}},
        {"orderedProductId": "RGN", "rate": {"amount": 5, "currency": "USD"}},
        {"orderedProductId": "MAX", "rate": {"amount": 5, "currency": "CAD"}}]});
    house.carrier.says(PRODUCTS, Says::json(200, &without));
    assert!(house.dhl.rates(&parcel()).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_good_answer_that_complains_and_offers_nothing_is_a_refusal_with_its_field() {
    let house = house();
    let says = json!({"products": [], "invalidParams":
        [{"name": "weight", "path": "/packageDetail", "reason": "too heavy"}]});
    house.carrier.says(PRODUCTS, Says::json(200, &says));
    let error = house.dhl.rates(&parcel()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    assert_eq!(error.vendor().unwrap().field.as_deref(), Some("/packageDetail/weight"));
    assert_eq!(error.vendor().unwrap().message.as_deref(), Some("too heavy"));
}

// ---- Labels ----

#[tokio::test(start_paused = true)]
async fn a_damaged_label_never_loses_its_number() {
    let house = house();
    house.carrier.says(LABEL, Says::sold("ecommerce/label-create-200.json"));
    let label = house.dhl.buy_label(&purchase("PK-1"), &key("PK-1")).await.unwrap();
    assert_eq!(label.record.number.as_str(), "987654321");
    assert_eq!(label.record.carrier_reference.as_deref(), Some("987654321"));
    assert_eq!(label.record.cost.total(), Err(MoneyError::Unstated));
    assert_eq!(label.documents.len(), 1);
    assert_eq!(label.documents[0].kind, DocumentKind::Other);
    assert_eq!(label.documents[0].bytes.expose(), b"AAAAASUVORK5CYII=");
}

#[tokio::test(start_paused = true)]
async fn how_bytes_travel_is_said_by_the_answer_and_the_number_by_the_configuration() {
    let house = house_with(|config| config.with_number_of_label(NumberOfLabel::LastMile));
    house.carrier.says(LABEL, Says::sold("ecommerce/constructed-label-zpl-200.json"));
    let mut request = purchase("PK-1");
    request.format = LabelFormat::Zpl;
    request.token = Some("6.42 USD".into());
    let label = house.dhl.buy_label(&request, &key("PK-1")).await.unwrap();
    assert_eq!(label.record.number.as_str(), "918273645");
    assert_eq!(label.record.carrier_reference.as_deref(), Some("987654321"));
    assert_eq!(label.record.cost.total().unwrap().to_string(), "6.42 USD");
    assert!(label.documents[0].bytes.expose().starts_with(b"^XA"));
    assert_eq!(house.carrier.last().query, "format=ZPL");
}

#[tokio::test(start_paused = true)]
async fn a_purchase_is_named_by_its_key_in_at_most_30_characters() {
    let house = house();
    house.carrier.says(LABEL, Says::sold("ecommerce/label-create-200.json"));
    let mut request = purchase("PK-1");
    request.references.push("order 7".into());
    house.dhl.buy_label(&request, &key("PK-1")).await.unwrap();
    let body = house.carrier.body("/shipping/v4/label");
    let id = body["packageDetail"]["packageId"].as_str().unwrap().to_owned();
    assert!(id.len() <= 30);
    assert_eq!(body["packageDetail"]["packageReference"], "PK-1");
    assert_eq!(body["packageDetail"]["billingReference1"], "order 7");
    assert_eq!(body["orderedProductId"], "GND");
    assert_eq!(body["distributionCenter"], "USORD1");
    assert_eq!(body["returnAddress"]["companyName"], "Depot");
    assert_eq!(body["consigneeAddress"]["address2"], "Apt 4");
    assert_eq!(body["consigneeAddress"]["state"], "MO");
    house.dhl.buy_label(&request, &key("PK-2")).await.unwrap();
    let again = house.carrier.body("/shipping/v4/label");
    assert_ne!(again["packageDetail"]["packageId"], json!(id));
}

#[tokio::test(start_paused = true)]
async fn a_parcel_over_a_border_carries_its_declaration() {
    let house = house();
    house.carrier.says(LABEL, Says::sold("ecommerce/label-create-200.json"));
    let mut request = abroad(house::purchase(DHL_ECOMMERCE, PARCEL_STANDARD, "PK-1"));
    let customs = request.customs.as_mut().unwrap();
    customs.duties = DutiesPayer::Sender;
    customs.tax_ids.push(TaxId {
        owner: TaxIdOwner::Recipient,
        kind: "CPF".into(),
        number: "12345678909".to_owned().into(),
        country: None,
    });
    house.dhl.buy_label(&request, &key("PK-1")).await.unwrap();
    let body = house.carrier.body("/shipping/v4/label");
    assert_eq!(
        body["customsDetails"],
        json!([{"itemDescription": "Ceramic mug", "countryOfOrigin": "MX", "hsCode": "691200",
            "packagedQuantity": 2, "itemValue": 12.5, "currency": "USD"}])
    );
    assert_eq!(
        body["packageDetail"]["shippingCost"],
        json!({"currency": "USD", "declaredValue": 25, "dutiesPaid": true})
    );
    assert_eq!(body["consigneeAddress"]["taxId"], "12345678909");
    assert_eq!(body["consigneeAddress"]["country"], "FR");
    assert!(body["consigneeAddress"].get("state").is_none());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_sold_is_said_before_anything_is_sent() {
    let house = house_with(|config| config.with_account_name("ours"));
    type Spoil = fn(&mut LabelRequest);
    let cases: [(Spoil, ErrorKind, Option<&str>); 11] = [
        (|r| r.weight = Grams::ZERO, ErrorKind::InvalidInput, Some("weight")),
        (|r| r.account = Some("theirs".into()), ErrorKind::InvalidInput, Some("account")),
        (
            |r| r.references = ["a", "b", "c", "d"].map(str::to_owned).to_vec(),
            ErrorKind::InvalidInput,
            Some("references"),
        ),
        (
            |r| r.recipient.address.lines = vec!["x".repeat(36).into()],
            ErrorKind::InvalidInput,
            Some("recipient.address.lines"),
        ),
        (
            |r| r.recipient.address.country = None,
            ErrorKind::InvalidInput,
            Some("recipient.address.country"),
        ),
        (
            |r| r.recipient.address.state = Some("Bavaria".into()),
            ErrorKind::InvalidInput,
            Some("recipient.address.state"),
        ),
        (|r| r.sender = house::parisian(), ErrorKind::InvalidInput, Some("sender.address.country")),
        (|r| r.recipient = house::parisian(), ErrorKind::InvalidInput, Some("customs")),
        (
            |r| {
                *r = abroad(r.clone());
                r.recipient.address.country = orderflow::Country::new("JP");
                r.recipient.phone = None;
            },
            ErrorKind::InvalidInput,
            Some("recipient.phone"),
        ),
        (
            |r| {
                *r = abroad(r.clone());
                r.customs.as_mut().unwrap().export_reference = Some("X20260303123456".into());
            },
            ErrorKind::Unsupported,
            Some("customs.export_reference"),
        ),
        (|r| r.format = LabelFormat::Epl, ErrorKind::Unsupported, None),
    ];
    for (spoil, kind, field) in cases {
        let mut request = purchase("PK-1");
        spoil(&mut request);
        let error = house.dhl.buy_label(&request, &key("PK-1")).await.unwrap_err();
        assert_eq!((error.kind(), error.field()), (kind, field), "{error}");
    }
    assert!(house.carrier.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_printed_or_carried_is_named_before_anything_is_sent() {
    let house = house();
    house::names_what_cannot_be_sent(&house.dhl, &purchase("PK-1")).await;
    assert!(house.carrier.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_street_too_long_for_a_line_goes_on_in_the_next() {
    let house = house();
    house.carrier.says(LABEL, Says::sold("ecommerce/label-create-200.json"));
    let mut request = purchase("PK-1");
    request.recipient.address.lines =
        vec!["1234 Northwest Extraordinarily Long Boulevard Building Seven".into()];
    house.dhl.buy_label(&request, &key("PK-1")).await.unwrap();
    let to = house.carrier.body("/shipping/v4/label")["consigneeAddress"].clone();
    assert_eq!(to["address1"], "1234 Northwest Extraordinarily Long");
    assert_eq!(to["address2"], "Boulevard Building Seven");
}

#[tokio::test(start_paused = true)]
async fn a_label_under_another_package_id_is_somebody_elses_also_where_it_is_the_only_one() {
    let house = house();
    house.carrier.says(LABEL, Says::fixture(200, "ecommerce/label-create-200.json"));
    let error = house.dhl.buy_label(&purchase("PK-1"), &key("PK-1")).await.unwrap_err();
    assert!(error.is_ambiguous(), "{error:?}");
    // Without an id it is the answer to what was just asked.
    let fixture = fixture("ecommerce/label-create-200.json");
    let mut nameless: Value = serde_json::from_slice(&fixture).unwrap();
    nameless["labels"][0].as_object_mut().unwrap().remove("packageId");
    house.carrier.says(LABEL, Says::json(200, &nameless));
    let label = house.dhl.buy_label(&purchase("PK-1"), &key("PK-1")).await.unwrap();
    assert_eq!(label.record.number.as_str(), "987654321");
}

// ---- Odd fields ----

#[tokio::test(start_paused = true)]
async fn an_odd_field_of_a_quote_costs_only_itself_and_no_price_is_guessed() {
    let house = house();
    let product = |id: Value, amount: Value, more: Value| {
        json!({"orderedProductId": id, "productName": 7, "estimatedDeliveryDate": more,
               "rate": {"amount": amount, "currency": "USD"}})
    };
    let answer = json!({"products": [
        product(json!("GND"), json!("4.10"), json!("soon")),
        product(json!("EXP"), json!("NaN"), Value::Null),
        product(json!("MAX"), json!(-1), Value::Null),
        product(json!(12), json!(5), Value::Null),
        "EXP",
    ]});
    house.carrier.says(PRODUCTS, Says::json(200, &answer));
    let quotes = house.dhl.rates(&parcel()).await.unwrap();
    let read: Vec<_> =
        quotes.iter().map(|quote| (quote.name.as_str(), quote.total.to_string())).collect();
    assert_eq!(read, [("7", "4.10 USD".to_owned())]);
    house.carrier.says(PRODUCTS, Says::text(200, r#"{"products": ["GND", 7]}"#));
    let nothing = house.dhl.rates(&parcel()).await.unwrap_err();
    assert_eq!(nothing.kind(), ErrorKind::UnexpectedAnswer);
}

#[tokio::test(start_paused = true)]
async fn an_odd_field_of_a_history_costs_only_itself() {
    let house = house();
    let event = |date: Value, id: Value| json!({"date": date, "time": 12, "primaryEventId": id});
    let answer = json!({"total": [], "packages": [
        {"package": {"dhlPackageId": "4231402267890349", "expectedDelivery": 20_260_305},
         "events": [event(json!("2026-03-04"), json!(600)), event(json!("some day"), json!(580)),
                    "?", event(json!("2026-03-03"), json!({}))]},
        "?"]});
    house.carrier.says(TRACK, Says::json(200, &answer));
    let numbers =
        ["4231402267890349", "4231402267890350"].map(|number| TrackingNumber::new(number).unwrap());
    let tracked = house.dhl.track(&numbers).await.unwrap();
    let TrackOutcome::Found { events, .. } = &tracked[0].outcome else { panic!("{tracked:?}") };
    let codes: Vec<_> = events.iter().map(|event| event.raw_code.as_str()).collect();
    assert_eq!(codes, ["600", ""]);
    // What cannot be read may be the other one: it is not said to be unknown.
    assert!(matches!(tracked[1].outcome, TrackOutcome::Failed { retry: true, .. }), "{tracked:?}");
}

// ---- Recovery ----

#[tokio::test(start_paused = true)]
async fn a_label_that_appears_late_is_given_back_and_the_kept_one_is_not() {
    let house = house();
    house.carrier.says(LABEL, Says::Nothing);
    house.dhl.buy_label(&purchase("PK-1"), &key("PK-1")).await.unwrap_err();
    let id = house.carrier.body("/shipping/v4/label")["packageDetail"]["packageId"].clone();
    let label = |number: &str| json!({"packageId": id, "dhlPackageId": number});
    let stranger = json!({"packageId": "OTHER", "dhlPackageId": "4231000000000003"});
    let both = json!({"orderedProductId": "GND", "labels":
        [label("4231000000000001"), label("4231000000000002"), stranger]});
    house.carrier.says(FIND, Says::json(200, &both));
    house.carrier.says(VOID, Says::json(200, &json!({})));
    let watch = house.dhl.late_duplicates().unwrap();
    let lost = intent(purchase("PK-1"), "PK-1");
    let kept = [house::record(DHL_ECOMMERCE, GROUND, "4231000000000002")];
    let found = watch.give_back_duplicates(&lost, &kept).await.unwrap();
    let told: Vec<_> = found.iter().map(|one| (&*one.number, &one.still_live)).collect();
    assert_eq!(told, [("4231000000000001", &None)]);
    let void = house.carrier.last();
    assert_eq!((&*void.verb, &*void.query), ("DELETE", "dhlPackageId=4231000000000001"));

    // One that cannot be voided is told of.
    let abroad = json!({"orderedProductId": "PLY", "labels": [label("4231000000000001")]});
    house.carrier.says(FIND, Says::json(200, &abroad));
    let found = watch.give_back_duplicates(&lost, &kept).await.unwrap();
    assert!(found[0].still_live.as_deref().unwrap().contains("domestic"), "{found:?}");
    let gone = json!({"type": "https://x/docs/errors/404.0204001", "title": "Label not found"});
    house.carrier.says(FIND, Says::json(404, &gone));
    assert!(watch.give_back_duplicates(&lost, &kept).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_lost_purchase_is_looked_for_by_its_package_id_and_never_sent_again() {
    let house = house();
    house.carrier.says(LABEL, Says::Nothing);
    let error = house.dhl.buy_label(&purchase("PK-1"), &key("PK-1")).await.unwrap_err();
    assert!(error.is_ambiguous());
    let sent = house.carrier.body("/shipping/v4/label")["packageDetail"]["packageId"].clone();
    let label = fixture("ecommerce/constructed-label-zpl-200.json");
    let mut answer: Value = serde_json::from_slice(&label).unwrap();
    answer["labels"][0]["packageId"] = sent.clone();
    house.carrier.says(FIND, Says::json(200, &answer));
    let found = house.dhl.recover_label(&intent(purchase("PK-1"), "PK-1")).await.unwrap();
    let Recovery::Found(label) = found else { panic!("{found:?}") };
    assert_eq!(label.record.number.as_str(), "987654321");
    let asked = house.carrier.last();
    assert_eq!(asked.query, format!("packageId={}", sent.as_str().unwrap()));
    assert_eq!(house.carrier.calls().iter().filter(|call| call.verb == "POST").count(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_found_was_never_sold_only_after_a_while_and_a_refusal_decides_nothing() {
    let clock = VirtualClock::new(noon());
    let house = house_with(|config| config.with_clock(Arc::new(clock.clone())));
    let lost = intent(purchase("PK-1"), "PK-1");
    let gone = json!({"type": "https://x/docs/errors/404.0204001", "title": "Label not found"});
    for absent in [Says::json(404, &gone), Says::json(200, &json!({"labels": []}))] {
        clock.set(noon());
        house.carrier.says(FIND, absent);
        let early = house.dhl.recover_label(&lost).await.unwrap_err();
        assert_eq!(early.kind(), ErrorKind::Transient);
        clock.advance(TimeDelta::minutes(3));
        assert_eq!(house.dhl.recover_label(&lost).await.unwrap(), Recovery::Absent);
    }
    let unknown = json!({"type": "https://x/docs/errors/400.0204777", "title": "No such package"});
    house.carrier.says(FIND, Says::json(400, &unknown));
    let undecided = house.dhl.recover_label(&lost).await.unwrap();
    let Recovery::Unknowable { reason } = undecided else { panic!("{undecided:?}") };
    assert!(reason.contains("No such package"), "{reason}");
    let told = house_with(|config| {
        config.with_absent_codes(["400.0204777"]).with_settling_time(TimeDelta::zero())
    });
    told.carrier.says(FIND, Says::json(400, &unknown));
    assert_eq!(told.dhl.recover_label(&lost).await.unwrap(), Recovery::Absent);
}

#[tokio::test(start_paused = true)]
async fn only_the_carriers_own_words_mean_that_nothing_was_sold() {
    let clock = VirtualClock::new(noon());
    let house = house_with(|config| config.with_clock(Arc::new(clock.clone())));
    let lost = intent(purchase("PK-1"), "PK-1");
    clock.advance(TimeDelta::hours(1));
    let others = r#"{"labels":[{"packageId":"OTHER","dhlPackageId":"4231000000000001"}]}"#;
    for (status, body) in [
        (200, r#"{"title":"Unknown","type":"https://x/docs/errors/500.0000002"}"#),
        (200, "{}"),
        (200, r#"{"labels":null}"#),
        (200, others),
        (200, "<html>"),
        (404, "<html>no such page</html>"),
    ] {
        house.carrier.says(FIND, Says::text(status, body));
        let undecided = house.dhl.recover_label(&lost).await.unwrap();
        assert!(matches!(undecided, Recovery::Unknowable { .. }), "{status} {body}: {undecided:?}");
    }
}

// ---- Voiding and the end of the day ----

#[tokio::test(start_paused = true)]
async fn international_labels_are_not_voided_and_that_is_said() {
    let house = house();
    house.carrier.says(LABEL, Says::sold("ecommerce/constructed-label-zpl-200.json"));
    let mut label = house.dhl.buy_label(&purchase("PK-1"), &key("PK-1")).await.unwrap().record;
    house.carrier.says(VOID, Says::text(200, ""));
    assert_eq!(house.dhl.void_label(&label).await.unwrap(), VoidOutcome::Voided);
    assert_eq!(house.carrier.last().query, "dhlPackageId=987654321");
    house.carrier.says(VOID, Says::text(400, "{}"));
    house.carrier.says(FIND, Says::text(404, r#"{"title":"Label not found"}"#));
    assert_eq!(house.dhl.void_label(&label).await.unwrap(), VoidOutcome::Voided);
    house.carrier.says(FIND, Says::text(404, "<html>no such page</html>"));
    assert_eq!(house.dhl.void_label(&label).await.unwrap_err().kind(), ErrorKind::Rejected);
    house.carrier.says(FIND, Says::fixture(200, "ecommerce/label-create-200.json"));
    assert_eq!(house.dhl.void_label(&label).await.unwrap_err().kind(), ErrorKind::Rejected);
    label.service = orderflow::ServiceCode::from_static(PARCEL_STANDARD);
    let before = house.carrier.calls().len();
    assert_eq!(house.dhl.void_label(&label).await.unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(house.carrier.calls().len(), before);
}

fn day(numbers: &[&'static str]) -> ManifestRequest {
    ManifestRequest {
        sender: sender(),
        mailing_date: today(),
        numbers: numbers.iter().map(|number| TrackingNumber::from_static(number)).collect(),
    }
}

#[tokio::test(start_paused = true)]
async fn parcels_to_other_countries_get_a_form_of_their_own_and_it_is_kept() {
    let house = house();
    house
        .carrier
        .says(CLOSE, Says::fixture(200, "ecommerce/constructed-manifest-created-200.json"));
    let form = |id: &str, abroad: bool, data: &str| {
        json!({"manifestId": id, "isInternational": abroad, "total": 1, "manifestData": data,
            "encodeType": "BASE64", "format": "PDF"})
    };
    let answer = json!({"status": "COMPLETED", "manifestSummary": {"total": 2}, "manifests": [
        form("DSM0001", false, "JVBERi0xLjQK"), form("DSM0002", true, "JVBERi0xLjcK"),
    ]});
    house.carrier.says(DAY, Says::text(200, &answer.to_string()));
    let numbers = ["4200000000000001", "4200000000000002"];
    let manifest = house.dhl.create_manifest(&day(&numbers)).await.unwrap();
    assert_eq!((manifest.number.as_str(), manifest.labels.len()), ("DSM0001, DSM0002", 2));
    let forms: Vec<&[u8]> =
        manifest.documents.iter().map(|form| form.bytes.expose().as_slice()).collect();
    assert_eq!(forms, [b"%PDF-1.4\n", b"%PDF-1.7\n"]);
}

#[tokio::test(start_paused = true)]
async fn a_complete_manifest_may_have_refused_parcels_and_each_is_named() {
    let house = house();
    house
        .carrier
        .says(CLOSE, Says::fixture(200, "ecommerce/constructed-manifest-created-200.json"));
    house
        .carrier
        .says(DAY, Says::fixture(200, "ecommerce/constructed-manifest-partly-invalid-200.json"));
    let numbers = ["4200000000000001", "4200000000000002"];
    let manifest = house.dhl.create_manifest(&day(&numbers)).await.unwrap();
    assert_eq!(manifest.number, "DSM0001");
    assert_eq!(manifest.labels, [TrackingNumber::from_static("4200000000000001")]);
    assert!(manifest.documents[0].bytes.expose().starts_with(b"%PDF"));
    let body = house.carrier.body("/shipping/v4/manifest");
    assert_eq!(
        body,
        json!({"pickup": "canary-account", "manifests": [{"dhlPackageIds": numbers}]})
    );
    let closed = house.dhl.close_day(&day(&numbers).numbers).await.unwrap();
    assert_eq!(closed.refused.len(), 1);
    assert_eq!(closed.refused[0].code.as_deref(), Some("CONSTRUCTED"));
    assert_eq!(closed.refused[0].reason, "constructed example");
    let none = house.dhl.create_manifest(&day(&["4200000000000002"])).await.unwrap_err();
    assert_eq!(none.kind(), ErrorKind::Rejected);
}

#[tokio::test(start_paused = true)]
async fn an_empty_manifest_is_never_asked_for_because_it_would_close_everything() {
    let house = house();
    let error = house.dhl.create_manifest(&day(&[])).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("numbers")));
    assert!(house.carrier.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_manifest_that_does_not_get_ready_is_waited_for_so_long_and_can_be_asked_for_later() {
    let house = house_with(|config| {
        config.with_manifest_wait(Duration::from_secs(5), Duration::from_secs(60))
    });
    house
        .carrier
        .says(CLOSE, Says::fixture(200, "ecommerce/constructed-manifest-created-200.json"));
    house
        .carrier
        .says(DAY, Says::fixture(200, "ecommerce/constructed-manifest-in-progress-200.json"));
    let began = tokio::time::Instant::now();
    let error = house.dhl.create_manifest(&day(&["4200000000000001"])).await.unwrap_err();
    assert!(error.is_ambiguous());
    assert!(began.elapsed() <= Duration::from_secs(66));
    let request = error.context().find(|(name, _)| *name == "request").unwrap().1.to_owned();
    // The same call waits for the same manifest.
    house.dhl.create_manifest(&day(&["4200000000000001"])).await.unwrap_err();
    let calls = house.carrier.calls();
    assert_eq!(calls.iter().filter(|call| call.path == "/shipping/v4/manifest").count(), 1);
    house
        .carrier
        .says(DAY, Says::fixture(200, "ecommerce/constructed-manifest-partly-invalid-200.json"));
    let closed = house.dhl.closed_day(&request).await.unwrap().unwrap();
    assert_eq!(closed.documents[0].parcels, Some(1));
    assert!(!closed.documents[0].international);
}

// ---- Tracking ----

async fn track(house: &House, number: &'static str) -> TrackOutcome {
    house.dhl.track(&[TrackingNumber::from_static(number)]).await.unwrap().remove(0).outcome
}

#[tokio::test(start_paused = true)]
async fn a_history_has_instants_where_the_zone_is_known_and_local_times_where_not() {
    let house = house();
    house.carrier.says(TRACK, Says::fixture(200, "ecommerce/constructed-tracking-200.json"));
    let TrackOutcome::Found { events, .. } = track(&house, "4200000000000001").await else {
        panic!()
    };
    let read: Vec<_> =
        events.iter().map(|event| (event.raw_code.as_str(), event.milestone)).collect();
    assert_eq!(
        read,
        [
            ("600", Milestone::Delivered),
            ("598", Milestone::OutForDelivery),
            ("200", Milestone::Accepted),
            ("238", Milestone::PreAdvice)
        ]
    );
    assert_eq!(events[0].raw_text, "DELIVERED: IN/AT MAILBOX");
    assert_eq!(events[0].place.as_deref(), Some("Hebron, KY, US"));
    let EventTime::Instant(at) = events[0].time else { panic!() };
    assert_eq!(at.to_rfc3339(), "2024-05-05T18:02:00+00:00");
    assert!(matches!(events[3].time, EventTime::Local(_)));
    let number = TrackingNumber::from_static("4200000000000001");
    assert_eq!(fold(&DHL_ECOMMERCE, &number, events, None).state, TransitState::Delivered);
    let unknown = "ecommerce/constructed-tracking-unknown-200.json";
    for says in [Says::fixture(200, unknown), Says::text(404, "{}")] {
        house.carrier.says(TRACK, says);
        assert_eq!(track(&house, "4200000000000001").await, TrackOutcome::NotFoundYet);
    }
}

#[tokio::test(start_paused = true)]
async fn numbers_are_asked_for_by_kind_ten_at_a_time_and_pages_are_turned() {
    let house = house();
    let page = |from: usize, count: usize, total: usize| {
        let packages: Vec<Value> = (from..from + count)
            .map(|n| {
                json!({"package": {"dhlPackageId": format!("42000000000000{n:02}")},
                "events": [{"date": "2026-03-03", "time": "09:00:00", "timeZone": "ET",
                    "primaryEventId": 200}]})
            })
            .collect();
        json!({"total": total, "packages": packages})
    };
    house.carrier.says(TRACK, Says::json(200, &page(0, 10, 10)));
    let mut numbers: Vec<TrackingNumber> =
        (0..12).map(|n| TrackingNumber::new(format!("42000000000000{n:02}")).unwrap()).collect();
    numbers.push(TrackingNumber::from_static("420191429374869903508237399523"));
    let answers = house.dhl.track(&numbers).await.unwrap();
    assert_eq!(answers.len(), 13);
    assert!(matches!(answers[9].outcome, TrackOutcome::Found { .. }));
    assert_eq!(answers[12].outcome, TrackOutcome::NotFoundYet);
    let queries: Vec<String> = house.carrier.calls().into_iter().map(|call| call.query).collect();
    assert_eq!(queries.iter().filter(|query| query.starts_with("dhlPackageId=")).count(), 2);
    assert_eq!(queries.iter().filter(|query| query.starts_with("trackingId=")).count(), 1);
    house.carrier.says(TRACK, Says::json(200, &page(0, 10, 25)));
    house.dhl.track(&numbers[..1]).await.unwrap();
    assert!(house.carrier.last().query.contains("offset=20"), "{}", house.carrier.last().query);
}

#[tokio::test(start_paused = true)]
async fn a_refused_enquiry_of_one_kind_spoils_no_other_kind() {
    let house = house();
    let numbers = ["4200000000000001", "420191429374869903508237399523"];
    let numbers = numbers.map(TrackingNumber::from_static);
    house.carrier.says(TRACK, Says::text(429, "{}"));
    let error = house.dhl.track(&numbers).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    house.carrier.says(
        "GET /tracking/v4/package/open?dhlPackageId",
        Says::fixture(200, "ecommerce/constructed-tracking-200.json"),
    );
    let answers = house.dhl.track(&numbers).await.unwrap();
    assert!(matches!(answers[0].outcome, TrackOutcome::Found { .. }));
    assert!(matches!(answers[1].outcome, TrackOutcome::Failed { retry: true, .. }));
}

// ---- Push ----

#[tokio::test(start_paused = true)]
async fn pushed_news_are_believed_with_user_and_password_only() {
    let house = house_with(|config| {
        config.with_hook("https://shop.example/dhl", "canary-user", "canary-password")
    });
    let push = house.dhl.push().unwrap();
    let body = fixture("ecommerce/constructed-tracking-200.json");
    let request = |headers: &'static [(&'static str, &'static str)]| WebhookRequest {
        method: "POST",
        path_and_query: "/dhl",
        headers,
        body: &body,
    };
    // canary-user:canary-password
    let good = &[("Authorization", "Basic Y2FuYXJ5LXVzZXI6Y2FuYXJ5LXBhc3N3b3Jk")];
    let notice = push.receive(&request(good), Utc::now()).unwrap();
    let PushNotice::Tracking(news) = notice else { panic!("{notice:?}") };
    assert_eq!(news[0].number.as_str(), "4200000000000001");
    let TrackOutcome::Found { events, .. } = &news[0].outcome else { panic!() };
    assert_eq!(events.len(), 4);
    for bad in [&[][..], &[("Authorization", "Basic Y2FuYXJ5")], &[("Authorization", "")]] {
        let error = push.receive(&request(bad), Utc::now()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AuthRejected);
    }
    // The name of the scheme is in any case, what follows it is not.
    let lower = &[("authorization", "basic Y2FuYXJ5LXVzZXI6Y2FuYXJ5LXBhc3N3b3Jk")];
    assert!(push.receive(&request(lower), Utc::now()).is_ok());
    let other = &[("authorization", "basic y2fuyxj5lxvzzxi6y2fuyxj5lxbhc3n3b3jk")];
    assert!(push.receive(&request(other), Utc::now()).is_err());
    for body in [&b"<html>"[..], br#"{"packages":["?"]}"#] {
        let garbled = WebhookRequest { body, ..request(good) };
        let error = push.receive(&garbled, Utc::now()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedAnswer);
    }
    house.carrier.says("POST /account/v4/webhooks", Says::text(200, "{}"));
    house.dhl.register_hook().await.unwrap();
    let body = house.carrier.body("/account/v4/webhooks");
    assert_eq!((&body["hookType"], &body["active"]), (&json!("TRACK_EVENTS"), &json!(true)));
    assert!(self::house().dhl.push().is_none());
}

// ---- Secrets, hostile answers, size ----

#[tokio::test(start_paused = true)]
async fn secrets_are_in_no_error_and_no_debug_text() {
    let hooked = |config: DhlEcommerceConfig| {
        config.with_hook("https://shop.example/dhl", "canary-user", "canary-password")
    };
    let house = house_with(hooked);
    shows_no_secret(&format!("{:?} {:?}", house.dhl, hooked(config())));
    let echo = format!(r#"{{"type":"x/400.0204003","title":"{}"}}"#, house::CANARIES.join(" "));
    house.carrier.says("*", Says::text(400, &echo));
    let error = house.dhl.buy_label(&purchase("PK-1"), &key("PK-1")).await.unwrap_err();
    shows_no_secret(&format!("{error} {error:?}"));
}

#[test]
fn a_configuration_that_cannot_work_names_its_field() {
    type Spoil = fn(DhlEcommerceConfig) -> DhlEcommerceConfig;
    let cases: [(Spoil, &str); 6] = [
        (|_| DhlEcommerceConfig::new("", "s", "p", "d"), "client_id"),
        (|c| c.with_customs_states(["Bavaria"]), "customs_states"),
        (|_| DhlEcommerceConfig::new("i", "s", " ", "d"), "pickup"),
        (|_| DhlEcommerceConfig::new("i", "s", "p", ""), "distribution_center"),
        (|c| c.with_delivery_service("NEXT"), "delivery_service"),
        (|c| c.with_hook("http://shop.example", "u", "p"), "hook"),
    ];
    for (spoil, field) in cases {
        let carrier = Arc::new(Carrier::default());
        let error = DhlEcommerce::new(spoil(config()), as_transport(&carrier)).unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::Configuration, Some(field)));
    }
}

/// A purchase to a place that the United States count as theirs.
fn to(state: Option<&str>, country: &str, zip: &str) -> LabelRequest {
    let mut request = purchase("PK-1");
    let address = &mut request.recipient.address;
    (address.state, address.postal_code) = (state.map(Into::into), Some(zip.into()));
    address.country = orderflow::Country::new(country);
    request
}

#[tokio::test(start_paused = true)]
async fn what_customs_sees_inside_the_country_is_refused_without_a_declaration() {
    let house = house();
    let behind = [
        (Some("AE"), "US", "09012"),
        (Some("Armed Forces Pacific"), "US", "96201"),
        (Some("gu"), "US", "96910"),
        (None, "GU", "96910"),
        (None, "MH", "96960"),
    ];
    for (state, country, zip) in behind {
        let request = to(state, country, zip);
        let refused = house.dhl.buy_label(&request, &key("1")).await.unwrap_err();
        assert_eq!((refused.kind(), refused.field()), (ErrorKind::InvalidInput, Some("customs")));
        let quoted = RateRequest { recipient: request.recipient.clone(), ..parcel() };
        let refused = house.dhl.rates(&quoted).await.unwrap_err();
        assert_eq!(refused.field(), Some("customs"), "{state:?} {country}");
    }
    assert!(house.carrier.calls().is_empty(), "refused before anything is sent");
    house.carrier.says(LABEL, Says::sold("ecommerce/label-create-200.json"));
    // Declared it goes, and so does what customs may or may not see.
    let mut declared = to(Some("AE"), "US", "09012");
    declared.customs = Some(Box::new(house::declaration()));
    house.dhl.buy_label(&declared, &key("1")).await.unwrap();
    assert_eq!(house.carrier.body("/shipping/v4/label")["customsDetails"][0]["hsCode"], "691200");
    for (state, country, zip) in [(Some("AK"), "US", "99501"), (None, "PR", "00901")] {
        house.dhl.buy_label(&to(state, country, zip), &key("2")).await.unwrap();
    }
    // A seller who was told otherwise says so.
    let strict = house_with(|config| config.with_customs_states(["Alaska", "PR"]));
    strict.carrier.says(LABEL, Says::sold("ecommerce/label-create-200.json"));
    for (state, country, zip) in [(Some("AK"), "US", "99501"), (None, "PR", "00901")] {
        let request = to(state, country, zip);
        let refused = strict.dhl.buy_label(&request, &key("3")).await.unwrap_err();
        assert_eq!(refused.field(), Some("customs"));
    }
    strict.dhl.buy_label(&to(Some("AE"), "US", "09012"), &key("3")).await.unwrap();
}

#[test]
fn size_weighs_as_the_vectors_of_a_client_say() {
    let file: Value =
        serde_json::from_slice(&fixture("ecommerce/dimensional-weight-vectors.json")).unwrap();
    let decimal = |value: &Value| value.to_string().parse::<Decimal>().unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    assert_eq!(vectors.len(), 13);
    for vector in vectors {
        let inches = vector["dim"].as_array().unwrap().iter().map(|side| {
            let side = decimal(side);
            if vector["dim_unit"] == "CM" { side / Decimal::new(254, 2) } else { side }
        });
        let inches: Vec<Decimal> = inches.collect();
        let weight = decimal(&vector["weight"]);
        let pounds = match vector["weight_unit"].as_str().unwrap() {
            "LB" => weight,
            "OZ" => weight / Decimal::from(16),
            // The source converts with 2.205.
            "KG" => weight * Decimal::new(2_205, 3),
            "G" => weight * Decimal::new(2_205, 6),
            other => panic!("{other}"),
        };
        let divisor = vector.get("divisor").map_or(VOLUMETRIC_DIVISOR, decimal);
        let billed = billed_pounds(pounds, [inches[0], inches[1], inches[2]], divisor).unwrap();
        assert_eq!(billed, decimal(&vector["billed_lb"]), "{vector}");
    }
    assert_eq!(billed_pounds(Decimal::TEN, [Decimal::ONE_HUNDRED; 3], Decimal::ZERO), None);
}

/// Hands the bytes to every call that reads an answer.
fn feed(status: u16, body: &[u8]) {
    house::in_virtual_time(async {
        let house = house();
        house.carrier.says("*", Says::This(status, bytes::Bytes::copy_from_slice(body)));
        let bought = house.dhl.buy_label(&purchase("PK-1"), &key("PK-1")).await;
        if let Ok(label) = bought {
            assert!(!label.record.number.as_str().is_empty());
            let _ = house.dhl.void_label(&label.record).await;
        }
        let _ = house.dhl.rates(&parcel()).await;
        let _ = house.dhl.recover_label(&intent(purchase("PK-1"), "PK-1")).await;
        let _ = house.dhl.create_manifest(&day(&["4200000000000001"])).await;
        let _ = track_any(&house).await;
    });
}

async fn track_any(house: &House) -> usize {
    let numbers = ["4200000000000001", "420191429374869903508237399523"];
    let numbers = numbers.map(TrackingNumber::from_static);
    house.dhl.track(&numbers).await.map_or(0, |answers| answers.len())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// What is written can be read back: nothing lighter, smaller or cheaper than it is.
    #[test]
    fn a_parcel_is_written_as_it_is_and_never_lighter(
        grams in 700_u32..19_000,
        sides in prop::array::uniform3(1_u32..1_500),
        units in 1_u32..9,
        cents in 1_i64..100_000,
    ) {
        let mm = orderflow::Millimetres::new;
        let mut request = abroad(house::purchase(DHL_ECOMMERCE, PARCEL_STANDARD, "PK-1"));
        request.weight = Grams::new(grams);
        request.dimensions =
            Some(orderflow::Dimensions::new(mm(sides[0]), mm(sides[1]), mm(sides[2])));
        let goods = &mut request.customs.as_mut().unwrap().items[0];
        goods.units = units;
        goods.unit_weight = Grams::new(1);
        goods.unit_value = orderflow::Money::from_minor(cents, orderflow::Currency::USD);
        let body = house::in_virtual_time(async {
            let house = self::house();
            house.carrier.says(LABEL, Says::sold("ecommerce/label-create-200.json"));
            house.dhl.buy_label(&request, &key("1")).await.unwrap();
            house.carrier.body("/shipping/v4/label")
        });
        let number = |pointer: &str| -> Decimal {
            body.pointer(pointer).unwrap().to_string().parse().unwrap()
        };
        let pound = Decimal::new(45_359_237, 5);
        let written = number("/packageDetail/weight/value") * pound;
        prop_assert!(written >= Decimal::from(grams), "{written} of {grams} g");
        prop_assert!(written < Decimal::from(grams) + pound / Decimal::ONE_HUNDRED);
        let inch = Decimal::new(254, 1);
        for (name, side) in [("length", 0), ("width", 1), ("height", 2)] {
            let sides = request.dimensions.unwrap();
            let wanted = [sides.length, sides.width, sides.height][side].get();
            let written = number(&format!("/packageDetail/dimension/{name}")) * inch;
            prop_assert!(written >= Decimal::from(wanted), "{name}: {written} of {wanted} mm");
        }
        prop_assert_eq!(number("/customsDetails/0/packagedQuantity"), Decimal::from(units));
        let value = Decimal::new(cents, 2);
        prop_assert_eq!(number("/customsDetails/0/itemValue"), value);
        let declared = number("/packageDetail/shippingCost/declaredValue");
        prop_assert_eq!(declared, value * Decimal::from(units));
    }

    #[test]
    fn cut_and_mutated_answers_never_panic(
        file in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        status in prop_oneof![Just(200_u16), Just(400), Just(404), 200_u16..600],
    ) {
        let files = fixtures_of("ecommerce");
        let mut body = fixture(&format!("ecommerce/{}", file.get(&files)));
        for (at, to) in changes {
            let at = at.index(body.len());
            body[at] = to;
        }
        body.truncate(cut.index(body.len()) + 1);
        feed(status, &body);
    }

    #[test]
    fn random_answers_never_panic(
        body in prop::collection::vec(any::<u8>(), 0..300),
        status in 200_u16..600,
    ) {
        feed(status, &body);
    }
}

// ---- The stand-in ----

struct Town {
    dhl: DhlEcommerce,
    stand_in: Arc<DhlEcommerceStandIn>,
    ledger: Ledger,
    clock: VirtualClock,
}

fn town(change: impl FnOnce(DhlEcommerceConfig) -> DhlEcommerceConfig, faults: Faults) -> Town {
    let (clock, ledger) = (VirtualClock::new(noon()), Ledger::new());
    let stand_in = Arc::new(DhlEcommerceStandIn::new(ledger.clone()));
    let acted: Arc<dyn orderflow::sandbox::StandIn> = Arc::<DhlEcommerceStandIn>::clone(&stand_in);
    let sandbox = Sandbox::new(clock.clone(), ledger.clone()).with(acted).with_faults(faults);
    let config = config()
        .with_base(sandbox.base_url("dhl-ecommerce"))
        .with_settling_time(TimeDelta::zero())
        .with_clock(Arc::new(clock.clone()));
    let dhl = DhlEcommerce::new(change(config), sandbox.transport()).unwrap();
    Town { dhl, stand_in, ledger, clock }
}

fn quiet_town() -> Town {
    town(|config| config, Faults::none())
}

#[tokio::test(start_paused = true)]
async fn the_adapter_passes_the_suite_of_carriers_with_either_number() {
    for number in [NumberOfLabel::DhlPackage, NumberOfLabel::LastMile] {
        let change = |config: DhlEcommerceConfig| {
            config.with_number_of_label(number).with_hook("https://shop.example/dhl", "u", "p")
        };
        let town = town(change, Faults::none());
        let account = carriers::Fixture {
            rate: parcel(),
            label: Box::new(|quote, number| LabelRequest {
                service: quote.service.clone(),
                token: quote.token.clone(),
                ..purchase(&format!("PK-{number}"))
            }),
            now: noon(),
            pushed: Some(carriers::PushedNews {
                // u:p
                headers: vec![("authorization".into(), "Basic dTpw".into())],
                body: fixture("ecommerce/constructed-tracking-200.json"),
                number: TrackingNumber::from_static("4200000000000001"),
            }),
        };
        let report: Report = carriers::run(Arc::new(town.dhl), &account).await;
        assert!(report.failed.is_empty(), "{:#?}", report.failed);
        let missing = [
            "it sells labels",
            "the carrier knows no keys",
            "no ability pickups",
            "no ability addresses",
            "no ability pieces",
        ];
        assert_eq!(report.skipped_because(), missing.into());
    }
}

#[tokio::test(start_paused = true)]
async fn labels_come_in_every_format_the_limits_name_at_the_price_of_the_quote() {
    let town = quiet_town();
    let quote = town.dhl.rates(&parcel()).await.unwrap().remove(0);
    for format in town.dhl.limits().formats {
        let mut request = purchase("PK-1");
        request.format = format.clone();
        request.token.clone_from(&quote.token);
        let label = town.dhl.buy_label(&request, &key(format.extension())).await.unwrap();
        assert_eq!(label.documents[0].format, format);
        assert_eq!(label.documents[0].kind, DocumentKind::Label);
        assert_eq!(label.record.cost.total().unwrap(), quote.total);
    }
    let abroad_quotes = town.dhl.rates(&parcel_abroad()).await.unwrap();
    let ids: Vec<_> = abroad_quotes.iter().map(|q| q.service.service.as_str().to_owned()).collect();
    assert_eq!(ids, ["PKY", "PLY", "PLT"]);
}

#[tokio::test(start_paused = true)]
async fn a_purchase_whose_answer_is_lost_is_found_and_paid_once() {
    for fault in [Fault::LostAfter, Fault::Truncated] {
        let lost = Faults::scripted(vec![ScriptedFault {
            stand_in: "dhl-ecommerce".into(),
            path: "/shipping/v4/label".into(),
            from: 0,
            times: 1,
            fault,
        }]);
        let town = town(|config| config, lost);
        let error = town.dhl.buy_label(&purchase("PK-1"), &key("PK-1")).await.unwrap_err();
        assert!(error.is_ambiguous(), "{error:?}");
        let found = town.dhl.recover_label(&intent(purchase("PK-1"), "PK-1")).await.unwrap();
        assert!(matches!(found, Recovery::Found(_)), "{found:?}");
        // A second purchase under the same key would be a second label: it is refused.
        let twice = town.dhl.buy_label(&purchase("PK-1"), &key("PK-1")).await.unwrap_err();
        assert_eq!(twice.kind(), ErrorKind::Rejected);
        assert_eq!(town.ledger.labels().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn parcels_travel_as_their_story_goes() {
    let town = quiet_town();
    let mut numbers = Vec::new();
    for (scenario, end) in [
        (Scenario::Normal, TransitState::Delivered),
        (Scenario::Delayed, TransitState::Delivered),
        (Scenario::Returned, TransitState::Returning),
        (Scenario::Lost, TransitState::InTransit),
    ] {
        let request = purchase("PK-1");
        let label = town.dhl.buy_label(&request, &key(&format!("{scenario:?}"))).await.unwrap();
        town.stand_in.set_scenario(label.record.number.as_str(), scenario);
        numbers.push((label.record.number, end));
    }
    let only: Vec<TrackingNumber> = numbers.iter().map(|(number, _)| number.clone()).collect();
    let states = |answers: Vec<orderflow::shipment::Tracked>| {
        answers
            .into_iter()
            .map(|answer| match answer.outcome {
                TrackOutcome::Found { events, .. } => {
                    fold(&DHL_ECOMMERCE, &answer.number, events, None).state
                }
                other => panic!("{other:?}"),
            })
            .collect::<Vec<_>>()
    };
    let early = states(town.dhl.track(&only).await.unwrap());
    assert!(early.iter().all(|state| *state == TransitState::PreTransit));
    town.clock.advance(TimeDelta::days(20));
    let late = states(town.dhl.track(&only).await.unwrap());
    let ends: Vec<TransitState> = numbers.into_iter().map(|(_, end)| end).collect();
    assert_eq!(late, ends);
}

#[tokio::test(start_paused = true)]
async fn a_day_is_closed_once_and_what_is_on_it_is_not_voided() {
    let town = quiet_town();
    let home = town.dhl.buy_label(&purchase("PK-1"), &key("1")).await.unwrap().record;
    let request = abroad(house::purchase(DHL_ECOMMERCE, PARCEL_STANDARD, "PK-2"));
    let away = town.dhl.buy_label(&request, &key("2")).await.unwrap().record;
    let voided = town.dhl.buy_label(&purchase("PK-3"), &key("3")).await.unwrap().record;
    town.dhl.void_label(&voided).await.unwrap();
    let numbers = [home.number.clone(), away.number.clone(), voided.number.clone()];
    let closed = town.dhl.close_day(&numbers).await.unwrap();
    let forms: Vec<bool> = closed.documents.iter().map(|form| form.international).collect();
    assert_eq!(forms, [false, true]);
    assert_eq!(closed.refused.len(), 1);
    assert_eq!(closed.refused[0].dhl_package_id, voided.number.as_str());
    assert_eq!(town.dhl.void_label(&home).await.unwrap_err().kind(), ErrorKind::Rejected);
    let again = town.dhl.close_day(&numbers[..1]).await.unwrap();
    assert_eq!(again.refused[0].code.as_deref(), Some("MANIFESTED_ALREADY"));
}

#[tokio::test(start_paused = true)]
async fn parcels_closed_by_a_request_whose_answer_was_lost_count_as_closed_where_their_code_is_known()
 {
    for known in [false, true] {
        let lost = Faults::scripted(vec![ScriptedFault {
            stand_in: "dhl-ecommerce".into(),
            path: "/shipping/v4/manifest".into(),
            from: 0,
            times: 1,
            fault: Fault::LostAfter,
        }]);
        let codes = known.then_some("MANIFESTED_ALREADY");
        let town = town(|config| config.with_closed_codes(codes), lost);
        let label = town.dhl.buy_label(&purchase("PK-1"), &key("1")).await.unwrap().record;
        let request = ManifestRequest { numbers: vec![label.number.clone()], ..day(&[]) };
        let error = town.dhl.create_manifest(&request).await.unwrap_err();
        assert!(error.is_ambiguous(), "{error:?}");
        match town.dhl.create_manifest(&request).await {
            Ok(closed) if known => {
                assert_eq!((closed.labels, closed.documents.len()), (vec![label.number], 0));
                assert_eq!(closed.number, "");
            }
            Err(refused) if !known => assert_eq!(refused.kind(), ErrorKind::Rejected),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_catalogue_covers_a_territory_with_the_products_that_are_quoted_for_it() {
    let town = quiet_town();
    for code in ["PR", "VI", "GU", "AS", "MP"] {
        let country = Country::new(code).unwrap();
        let mut request = parcel_abroad();
        let address = &mut request.recipient.address;
        (address.country, address.state) = (Some(country), None);
        address.postal_code = Some("00901".into());
        let quotes = town.dhl.rates(&request).await.unwrap();
        let mut quoted: Vec<_> =
            quotes.iter().map(|quote| quote.service.service.as_str().to_owned()).collect();
        let mut covered: Vec<_> = catalogue()
            .into_iter()
            .filter(|row| {
                let Coverage { countries, excluded_countries, .. } = &row.coverage;
                (countries.is_empty() || countries.contains(&country))
                    && !excluded_countries.contains(&country)
            })
            .map(|row| row.key.service.as_str().to_owned())
            .collect();
        quoted.sort();
        covered.sort();
        assert_eq!(quoted, covered, "{code}");
        assert_eq!(covered, ["EXP", "GND", "MAX"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_label_whose_answer_cannot_be_read_is_asked_for_again() {
    let fault = |from, fault| ScriptedFault {
        stand_in: "dhl-ecommerce".into(),
        path: "/shipping/v4/label".into(),
        from,
        times: 1,
        fault,
    };
    let faults = vec![fault(0, Fault::LostAfter), fault(1, Fault::Truncated)];
    let town = town(|config| config, Faults::scripted(faults));
    town.dhl.buy_label(&purchase("PK-1"), &key("1")).await.unwrap_err();
    let found = town.dhl.recover_label(&intent(purchase("PK-1"), "1")).await.unwrap();
    let Recovery::Found(label) = found else { panic!("{found:?}") };
    assert_eq!(label.record.number.as_str(), town.ledger.labels()[0].number);
}

#[tokio::test(start_paused = true)]
async fn whatever_goes_wrong_every_parcel_has_one_label_in_the_end() {
    for seed in [1, 2, 3] {
        let patient = |config: DhlEcommerceConfig| config.with_retry(RetryPolicy::default());
        let town = town(patient, Faults::seeded(seed, 250));
        let mut numbers = Vec::new();
        for n in 0..20 {
            let text = format!("PK-{n}");
            numbers.push(buy_patiently(&town.dhl, &purchase(&text), &text).await.record.number);
        }
        let sold = town.ledger.labels();
        assert_eq!(sold.len(), 20, "seed {seed}");
        assert!(sold.iter().zip(&numbers).all(|(sold, number)| sold.number == number.as_str()));
    }
}
