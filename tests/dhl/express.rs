//! DHL Express: official samples, and the stand-in through the whole HTTP stack.

use std::sync::Arc;

use chrono::{NaiveTime, TimeDelta};
use orderflow::carriers::dhl::express::{
    DHL_EXPRESS, DOMESTIC, DhlExpress, DhlExpressConfig, LostWaybill, WORLDWIDE,
};
use orderflow::client::RetryPolicy;
use orderflow::conformance::{Report, carriers};
use orderflow::ports::{
    AddressVerdict, CarrierAdapter, MultiPiece, PickupRequest, Pickups, Piece, PiecesIntent,
    PiecesRecovery, PiecesRequest, Recovery, ValidateAddress,
};
use orderflow::sandbox::dhl::express::DhlExpressStandIn;
use orderflow::sandbox::{Fault, Faults, Ledger, Sandbox, Scenario, ScriptedFault, VirtualClock};
use orderflow::shipment::LabelIntent;
use orderflow::shipment::number::{Validity, validate};
use orderflow::shipment::{
    DocumentKind, DutiesPayer, EventTime, ExportReason, LabelFormat, LabelRequest, Milestone,
    RateRequest, ServiceKey, TaxId, TaxIdOwner, TrackOutcome, TransitState, fold,
};
use orderflow::{Currency, ErrorKind, Grams, MoneyError, Retry, ServiceCode, TrackingNumber};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::house::{
    self, Carrier, FAST, Says, abroad, as_transport, buy_patiently, fixture, fixtures_of, intent,
    key, noon, parcel, parcel_abroad, parisian, recipient, sender, shows_no_secret, size, today,
};

const RATES: &str = "POST /rates";
const SHIP: &str = "POST /shipments";
const TRACK: &str = "GET /tracking";

fn purchase(reference: &str) -> LabelRequest {
    house::purchase(DHL_EXPRESS, DOMESTIC, reference)
}

fn purchase_abroad(reference: &str) -> LabelRequest {
    abroad(house::purchase(DHL_EXPRESS, WORLDWIDE, reference))
}

fn config() -> DhlExpressConfig {
    DhlExpressConfig::new("canary-user", "canary-password", "canary-acct")
        .with_quota(FAST)
        .with_retry(RetryPolicy::none())
        .with_clock(Arc::new(VirtualClock::new(noon())))
}

struct House {
    dhl: DhlExpress,
    carrier: Arc<Carrier>,
}

fn house_with(change: impl FnOnce(DhlExpressConfig) -> DhlExpressConfig) -> House {
    let carrier = Arc::new(Carrier::default());
    let config = change(config().with_base(house::BASE));
    House { dhl: DhlExpress::new(config, as_transport(&carrier)).unwrap(), carrier }
}

fn house() -> House {
    house_with(|config| config)
}

// ---- Quotes ----

#[tokio::test(start_paused = true)]
async fn an_official_quote_is_in_the_currency_that_is_billed() {
    let house = house();
    house.carrier.says(RATES, Says::fixture(200, "express/rates-200.json"));
    let quotes = house.dhl.rates(&parcel_abroad()).await.unwrap();
    assert_eq!(quotes.len(), 1);
    let quote = &quotes[0];
    assert_eq!(quote.service.service.as_str(), "P");
    assert_eq!(quote.total.to_string(), "157.95 GBP");
    assert_eq!(quote.deliver_on.map(|day| day.to_string()).as_deref(), Some("2022-11-24"));
    assert_eq!((quote.transit_days, quote.token.as_deref()), (Some(3), Some("P")));
    let call = house.carrier.last();
    assert_eq!(call.headers["x-version"], "3.1.0");
    assert!(call.headers["message-reference"].len() <= 36);
    assert!(call.headers["authorization"].is_sensitive());
    // canary-user:canary-password
    let login = "Basic Y2FuYXJ5LXVzZXI6Y2FuYXJ5LXBhc3N3b3Jk";
    assert_eq!(call.headers["authorization"], login);
    let body = house.carrier.body("/rates");
    assert_eq!(body["plannedShippingDateAndTime"], "2026-03-03T17:10:00GMT+00:00");
    assert_eq!(body["isCustomsDeclarable"], true);
    assert_eq!(
        body["monetaryAmount"],
        json!([{"typeCode": "declaredValue", "value": 25, "currency": "USD"}])
    );
    assert_eq!(
        body["packages"],
        json!([{"weight": 0.7, "dimensions": {"length": 25.5, "width": 15, "height": 6}}])
    );
    let other = house_with(|config| config.with_currency(Currency::USD));
    other.carrier.says(RATES, Says::fixture(200, "express/rates-200.json"));
    assert!(other.dhl.rates(&parcel_abroad()).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn products_that_need_an_agreement_or_have_no_price_are_not_offered() {
    let product = |code: &str, agreement: bool, price: Value| {
        json!({"productCode": code, "isCustomerAgreement": agreement, "totalPrice": [
            {"currencyType": "PULCL", "price": 0}, {"currencyType": "BASEC",
            "priceCurrency": "EUR", "price": 1}, price]})
    };
    let billed =
        |price: Value| json!({"currencyType": "BILLC", "priceCurrency": "USD", "price": price});
    let answer = json!({"products": [
        product("P", false, billed(json!(49.5))),
        product("H", true, billed(json!(10))),
        product("Y", false, billed(json!(0))),
        product("J", false, billed(json!(5))),
        product("U", false, json!({"currencyType": "PULCL", "priceCurrency": "USD", "price": 9}))]});
    for (agreed, offered) in [(false, vec!["P"]), (true, vec!["P", "H"])] {
        let house = house_with(|config| {
            let list = agreed.then(|| ServiceCode::from_static("H"));
            config.with_agreements(list)
        });
        house.carrier.says(RATES, Says::json(200, &answer));
        let quotes = house.dhl.rates(&parcel_abroad()).await.unwrap();
        let codes: Vec<_> = quotes.iter().map(|quote| quote.service.service.as_str()).collect();
        assert_eq!(codes, offered);
    }
}

#[tokio::test(start_paused = true)]
async fn the_hour_of_hand_over_is_local_and_never_past() {
    let paris = chrono_tz::Tz::Europe__Paris;
    let at = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
    for (hour, mailed, planned) in [
        // 17:00 UTC is 18:00 in Paris.
        (20, 0, Ok("2026-03-03T20:00:00GMT+01:00")),
        (12, 0, Ok("2026-03-03T18:10:00GMT+01:00")),
        (12, 1, Ok("2026-03-04T12:00:00GMT+01:00")),
        (12, -1, Err("mailing_date")),
        (12, 11, Err("mailing_date")),
    ] {
        let house = house_with(|config| config.with_ready_at(paris, at(hour)));
        house.carrier.says(RATES, Says::text(200, r#"{"products":[]}"#));
        let mut request = parcel();
        request.mailing_date = today() + TimeDelta::days(mailed);
        let answer = house.dhl.rates(&request).await;
        match planned {
            Ok(planned) => {
                answer.unwrap();
                let body = house.carrier.body("/rates");
                assert_eq!(body["plannedShippingDateAndTime"], planned);
            }
            Err(field) => assert_eq!(answer.unwrap_err().field(), Some(field)),
        }
    }
}

// ---- Shipments ----

#[tokio::test(start_paused = true)]
async fn official_shipments_keep_their_number_whatever_became_of_their_documents() {
    for (file, number, kinds) in [
        (
            "express/shipment-domestic-doc-201.json",
            "5374534546",
            // The first is damaged as it was published.
            vec![DocumentKind::Other, DocumentKind::Label],
        ),
        (
            "express/shipment-nondoc-international-201.json",
            "1103733901",
            vec![DocumentKind::Label, DocumentKind::Label, DocumentKind::Customs],
        ),
    ] {
        let house = house();
        house.carrier.says(SHIP, Says::fixture(201, file));
        let label = house.dhl.buy_label(&purchase("PK-1"), &key("PK-1")).await.unwrap();
        assert_eq!(label.record.number.as_str(), number);
        assert_eq!(label.record.cost.total(), Err(MoneyError::Unstated));
        let read: Vec<_> = label.documents.iter().map(|document| document.kind).collect();
        assert_eq!(read, kinds, "{file}");
        assert_eq!(label.record.formats.len(), kinds.len());
    }
    let house = house();
    let damaged = json!({"shipmentTrackingNumber": "1103733901", "documents": [
        {"imageFormat": "PDF", "content": "JVBERi0xLjQ%%", "typeCode": "label"}]});
    house.carrier.says(SHIP, Says::json(201, &damaged));
    let label = house.dhl.buy_label(&purchase("PK-1"), &key("PK-1")).await.unwrap();
    assert_eq!(label.record.number.as_str(), "1103733901");
    assert_eq!(label.documents[0].kind, DocumentKind::Other);
    assert_eq!(label.documents[0].bytes.expose(), b"JVBERi0xLjQ%%");
}

#[tokio::test(start_paused = true)]
async fn a_parcel_over_a_border_carries_declaration_and_invoice() {
    let house = house_with(|config| config.with_paperless_trade(true).with_duties_account("987"));
    house.carrier.says(SHIP, Says::fixture(201, "express/shipment-nondoc-international-201.json"));
    let mut request = purchase_abroad("PK-1");
    let customs = request.customs.as_mut().unwrap();
    customs.duties = DutiesPayer::Sender;
    customs.export_reference = Some("NOEEI 30.37(a)".into());
    customs.tax_ids = vec![
        TaxId {
            owner: TaxIdOwner::Sender,
            kind: "IOSS".into(),
            number: "IM1234567890".to_owned().into(),
            country: orderflow::Country::new("FR"),
        },
        TaxId {
            owner: TaxIdOwner::Recipient,
            kind: "VAT".into(),
            number: "FR12345678901".to_owned().into(),
            country: None,
        },
    ];
    request.token = Some("P".into());
    house.dhl.buy_label(&request, &key("PK-1")).await.unwrap();
    let body = house.carrier.body("/shipments");
    assert_eq!((&body["productCode"], &body["localProductCode"]), (&json!("P"), &json!("P")));
    let content = &body["content"];
    assert_eq!((&content["incoterm"], &content["declaredValue"]), (&json!("DDP"), &json!(25)));
    assert_eq!(content["USFilingTypeValue"], "NOEEI 30.37(a)");
    assert_eq!(content["description"], "Ceramic mug");
    assert_eq!(
        content["exportDeclaration"]["lineItems"],
        json!([{"number": 1, "description": "Ceramic mug", "price": 12.5,
            "quantity": {"value": 2, "unitOfMeasurement": "PCS"},
            "commodityCodes": [{"typeCode": "outbound", "value": "691200"},
                               {"typeCode": "inbound", "value": "691200"}],
            "exportReasonType": "commercial_purpose_or_sale", "manufacturerCountry": "MX",
            "weight": {"netValue": 0.6, "grossValue": 0.6}}])
    );
    let invoice = &content["exportDeclaration"]["invoice"];
    assert_eq!(invoice, &json!({"number": "PK-1", "date": "2026-03-03"}));
    assert_eq!(body["valueAddedServices"], json!([{"serviceCode": "WY"}, {"serviceCode": "DD"}]));
    assert_eq!(body["accounts"][1], json!({"typeCode": "duties-taxes", "number": "987"}));
    let parties = &body["customerDetails"];
    assert_eq!(
        parties["shipperDetails"]["registrationNumbers"],
        json!([{"typeCode": "SDT", "number": "IM1234567890", "issuerCountryCode": "FR"}])
    );
    let receiver = &parties["receiverDetails"];
    assert_eq!(receiver["registrationNumbers"][0]["issuerCountryCode"], "FR");
    // Who has no firm is one, and empty lines are left out.
    assert_eq!(receiver["contactInformation"]["companyName"], "Jeanne Acheteuse");
    assert!(receiver["postalAddress"].get("addressLine2").is_none());
    let options = &body["outputImageProperties"]["imageOptions"];
    assert_eq!(options[1]["typeCode"], "invoice");
    let references = body["customerReferences"].as_array().unwrap();
    assert_eq!((references.len(), &references[1]["value"]), (2, &json!("PK-1")));
    assert_eq!(references[0]["value"].as_str().map(str::len), Some(25));
}

#[tokio::test(start_paused = true)]
async fn papers_and_parcels_inside_a_union_need_no_declaration() {
    let house = house();
    house.carrier.says(SHIP, Says::fixture(201, "express/shipment-domestic-doc-201.json"));
    let mut papers = purchase_abroad("PK-1");
    papers.customs.as_mut().unwrap().reason = ExportReason::Documents;
    let mut inside = purchase_abroad("PK-2");
    inside.sender = parisian();
    inside.recipient.address.country = orderflow::Country::new("DE");
    inside.customs = None;
    for request in [papers, inside] {
        house.dhl.buy_label(&request, &key("PK-1")).await.unwrap();
        let body = house.carrier.body("/shipments");
        assert_eq!(body["content"]["isCustomsDeclarable"], false);
        assert!(body["content"].get("exportDeclaration").is_none());
        assert_eq!(body["content"]["description"], "Merchandise");
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_sold_is_said_before_anything_is_sent() {
    let house = house_with(|config| config.with_account_name("ours"));
    type Spoil = fn(&mut LabelRequest);
    let cases: [(Spoil, ErrorKind, Option<&str>); 12] = [
        (|r| r.weight = Grams::ZERO, ErrorKind::InvalidInput, Some("weight")),
        (|r| r.account = Some("theirs".into()), ErrorKind::InvalidInput, Some("account")),
        (|r| r.references = vec!["x".repeat(36)], ErrorKind::InvalidInput, Some("references[0]")),
        (|r| r.recipient.phone = None, ErrorKind::InvalidInput, Some("recipient.phone")),
        (
            |r| r.recipient.address.lines = vec!["x".repeat(46).into()],
            ErrorKind::InvalidInput,
            Some("recipient.address.lines"),
        ),
        (
            |r| r.recipient.address.country = None,
            ErrorKind::InvalidInput,
            Some("recipient.address.country"),
        ),
        (
            |r| r.recipient.address.city = "M***".into(),
            ErrorKind::InvalidInput,
            Some("recipient.address"),
        ),
        (|r| r.recipient = parisian(), ErrorKind::InvalidInput, Some("customs")),
        (
            |r| {
                *r = abroad(r.clone());
                r.customs.as_mut().unwrap().items[0].hs_code = Some("69.12".into());
            },
            ErrorKind::InvalidInput,
            Some("customs.items.hs_code"),
        ),
        (
            |r| {
                *r = abroad(r.clone());
                r.customs.as_mut().unwrap().tax_ids.push(TaxId {
                    owner: TaxIdOwner::Sender,
                    kind: "ZZZ".into(),
                    number: "1".to_owned().into(),
                    country: None,
                });
            },
            ErrorKind::Unsupported,
            Some("customs.tax_ids"),
        ),
        (|r| r.format = LabelFormat::Png, ErrorKind::Unsupported, None),
        (
            |r| r.mailing_date = today() - TimeDelta::days(2),
            ErrorKind::InvalidInput,
            Some("mailing_date"),
        ),
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
async fn military_post_offices_and_territories_written_as_states_are_not_offered() {
    let house = house();
    for (city, state) in [("APO", "AE"), ("FPO", "AP"), ("San Juan", "PR"), ("Hagåtña", "Guam")] {
        let mut request = purchase("PK-1");
        request.recipient.address.city = city.into();
        request.recipient.address.state = Some(state.into());
        let asked = RateRequest { recipient: request.recipient.clone(), ..parcel() };
        assert!(house.dhl.rates(&asked).await.unwrap().is_empty(), "{state}");
        let error = house.dhl.buy_label(&request, &key("PK-1")).await.unwrap_err();
        assert_eq!(error.field(), Some("recipient.address.state"), "{state}");
    }
    // As a country it is sold over a border.
    let mut request = purchase("PK-1");
    request.recipient.address.country = orderflow::Country::new("PR");
    request.recipient.address.state = None;
    let error = house.dhl.buy_label(&request, &key("PK-1")).await.unwrap_err();
    assert_eq!(error.field(), Some("customs"));
    assert!(house.carrier.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn places_without_postal_codes_have_an_empty_one() {
    let house = house();
    house.carrier.says(SHIP, Says::fixture(201, "express/shipment-nondoc-international-201.json"));
    let mut request = purchase_abroad("PK-1");
    request.recipient.address.country = orderflow::Country::new("AE");
    request.recipient.address.postal_code = None;
    house.dhl.buy_label(&request, &key("PK-1")).await.unwrap();
    let body = house.carrier.body("/shipments");
    let place = &body["customerDetails"]["receiverDetails"]["postalAddress"];
    assert_eq!(place["postalCode"], "");
}

// ---- Several pieces ----

fn lost_once(request: PiecesRequest) -> PiecesIntent {
    PiecesIntent { key: key("PK-1"), request, created_at: noon(), sent_at: noon() }
}

fn pieces(request: LabelRequest, count: usize) -> PiecesRequest {
    let piece = |n: usize| Piece {
        weight: Grams::new(1_000),
        dimensions: Some(size()),
        references: vec![format!("PK-1-{n}")],
    };
    PiecesRequest { shipment: request, pieces: (1..=count).map(piece).collect() }
}

#[tokio::test(start_paused = true)]
async fn each_piece_has_its_own_label_and_the_price_stands_on_the_first() {
    let house = house();
    let png = "bm90IGEgcGRm";
    let answer = json!({"shipmentTrackingNumber": "1103733901",
        "packages": [{"referenceNumber": 2, "trackingNumber": "JD02"},
                     {"referenceNumber": 1, "trackingNumber": "JD01"}],
        "documents": [
            {"imageFormat": "PDF", "content": "JVBERi0xLjQ=", "typeCode": "label",
             "packageReferenceNumber": 2},
            {"imageFormat": "PDF", "content": png, "typeCode": "label",
             "packageReferenceNumber": 1},
            {"imageFormat": "PDF", "content": "JVBERi0xLjQ=", "typeCode": "invoice"}],
        "shipmentCharges": [{"currencyType": "BILLC", "priceCurrency": "USD", "price": 61.2}]});
    house.carrier.says(SHIP, Says::json(201, &answer));
    let request = pieces(purchase_abroad("unused"), 2);
    let bought = house.dhl.buy_pieces(&request, &key("PK-1")).await.unwrap();
    assert_eq!(bought.number.as_str(), "1103733901");
    let read: Vec<_> = bought
        .labels
        .iter()
        .map(|label| (label.record.number.as_str(), label.documents[0].kind))
        .collect();
    assert_eq!(read, [("JD01", DocumentKind::Other), ("JD02", DocumentKind::Label)]);
    assert_eq!(bought.labels[0].record.cost.total().unwrap().to_string(), "61.2 USD");
    assert!(bought.labels[1].record.cost.unstated);
    assert_eq!(bought.labels[1].record.carrier_reference.as_deref(), Some("1103733901"));
    assert_eq!(bought.documents[0].kind, DocumentKind::Customs);
    let body = house.carrier.body("/shipments");
    assert_eq!(
        body["getAdditionalInformation"],
        json!([{"typeCode": "linkLabelsByPieces", "isRequested": true}])
    );
    let packages = body["content"]["packages"].as_array().unwrap();
    assert_eq!((packages.len(), &packages[1]["weight"]), (2, &json!(1)));
    assert_eq!(packages[1]["customerReferences"][0]["value"], "PK-1-2");
    assert_eq!(body["customerReferences"].as_array().map(Vec::len), Some(1));
    let none = house.dhl.buy_pieces(&pieces(purchase("x"), 0), &key("PK-1")).await.unwrap_err();
    assert_eq!(none.field(), Some("pieces"));
}

// ---- Recovery ----

#[tokio::test(start_paused = true)]
async fn a_lost_purchase_is_looked_for_by_its_reference_and_never_sent_again() {
    let house = house();
    house.carrier.says(SHIP, Says::Nothing);
    let error = house.dhl.buy_label(&purchase("PK-1"), &key("PK-1")).await.unwrap_err();
    assert!(error.is_ambiguous());
    let sent = house.carrier.body("/shipments")["customerReferences"][0]["value"].clone();
    house.carrier.says(TRACK, Says::fixture(200, "express/tracking-200.json"));
    let lost = intent(purchase("PK-1"), "PK-1");
    let found = house.dhl.recover_label(&lost).await.unwrap();
    let Recovery::Found(label) = found else { panic!("{found:?}") };
    assert_eq!(label.record.number.as_str(), "1234567890");
    assert!(label.documents.is_empty() && label.record.cost.unstated);
    let query = house.carrier.last().query;
    let wanted = format!("shipmentReference={}&", sent.as_str().unwrap());
    assert!(query.starts_with(&wanted), "{query}");
    assert!(query.contains("dateRangeFrom=2026-03-02&dateRangeTo=2026-03-04"), "{query}");
    assert_eq!(house.carrier.calls().iter().filter(|call| call.verb == "POST").count(), 1);
    let giving_up = house_with(|config| config.with_lost_waybills(LostWaybill::GiveUp));
    giving_up.carrier.says(TRACK, Says::fixture(200, "express/tracking-200.json"));
    assert_eq!(giving_up.dhl.recover_label(&lost).await.unwrap(), Recovery::Absent);
    let two = json!({"shipments": [{"shipmentTrackingNumber": "1234567890"},
                                   {"shipmentTrackingNumber": "1234567891"}]});
    giving_up.carrier.says(TRACK, Says::json(200, &two));
    assert_eq!(giving_up.dhl.recover_label(&lost).await.unwrap(), Recovery::Absent);
    house.carrier.says(TRACK, Says::json(200, &two));
    let undecided = house.dhl.recover_label(&lost).await.unwrap();
    let Recovery::Unknowable { reason } = undecided else { panic!("{undecided:?}") };
    assert!(reason.contains("1234567890, 1234567891"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn not_found_is_no_answer_until_new_shipments_can_be_found() {
    let clock = VirtualClock::new(noon());
    let house = house_with(|config| config.with_clock(Arc::new(clock.clone())));
    house.carrier.says(TRACK, Says::text(404, r#"{"detail":"No data found","status":"404"}"#));
    let lost = intent(purchase("PK-1"), "PK-1");
    let early = house.dhl.recover_label(&lost).await.unwrap_err();
    assert_eq!(early.kind(), ErrorKind::Transient);
    clock.advance(TimeDelta::minutes(16));
    assert_eq!(house.dhl.recover_label(&lost).await.unwrap(), Recovery::Absent);
}

#[tokio::test(start_paused = true)]
async fn the_settling_time_begins_anew_with_every_sending() {
    let clock = VirtualClock::new(noon());
    let house = house_with(|config| config.with_clock(Arc::new(clock.clone())));
    house.carrier.says(TRACK, Says::text(404, r#"{"detail":"No data found","status":"404"}"#));
    let sent_at = noon() + TimeDelta::minutes(16);
    let again = LabelIntent { sent_at, ..intent(purchase("PK-1"), "PK-1") };
    clock.set(noon() + TimeDelta::minutes(20));
    let early = house.dhl.recover_label(&again).await.unwrap_err();
    assert_eq!(early.kind(), ErrorKind::Transient);
    clock.set(noon() + TimeDelta::minutes(40));
    assert_eq!(house.dhl.recover_label(&again).await.unwrap(), Recovery::Absent);
}

#[tokio::test(start_paused = true)]
async fn only_the_carriers_own_words_mean_that_nothing_was_sold() {
    let clock = VirtualClock::new(noon());
    let house = house_with(|config| config.with_clock(Arc::new(clock.clone())));
    let lost = intent(purchase("PK-1"), "PK-1");
    clock.advance(TimeDelta::hours(1));
    for (status, body) in [
        (200, r#"{"shipments":[{"status":"Success"}]}"#),
        (200, r#"{"detail":"a fault","status":"500"}"#),
        (200, "{}"),
        (200, r#"{"shipments":[]}"#),
        (200, "<html>"),
        (404, "<html>no such page</html>"),
    ] {
        house.carrier.says(TRACK, Says::text(status, body));
        match house.dhl.recover_label(&lost).await {
            Ok(Recovery::Unknowable { .. }) => {}
            Err(error) if error.kind() == ErrorKind::UnexpectedAnswer => {}
            other => panic!("{status} {body}: {other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_shipment_that_shows_other_references_is_somebody_elses() {
    let clock = VirtualClock::new(noon());
    let house = house_with(|config| config.with_clock(Arc::new(clock.clone())));
    house.carrier.says(SHIP, Says::Nothing);
    house.dhl.buy_label(&purchase("PK-1"), &key("PK-1")).await.unwrap_err();
    let sent = house.carrier.body("/shipments")["customerReferences"][0]["value"].clone();
    let lost = intent(purchase("PK-1"), "PK-1");
    let shipment = |number: &str, reference: &Value| {
        json!({"shipmentTrackingNumber": number,
               "shipperReferences": [{"value": "PK-1", "typeCode": "CU"}, {"value": reference}]})
    };
    let other = shipment("1234567891", &json!("AAAAAAAAAAAAAAAAAAAAAAAAA"));
    house.carrier.says(TRACK, Says::json(200, &json!({"shipments": [other]})));
    clock.advance(TimeDelta::hours(1));
    let undecided = house.dhl.recover_label(&lost).await.unwrap();
    assert!(matches!(undecided, Recovery::Unknowable { .. }), "{undecided:?}");
    let both = json!({"shipments": [other, shipment("1234567890", &sent)]});
    house.carrier.says(TRACK, Says::json(200, &both));
    let found = house.dhl.recover_label(&lost).await.unwrap();
    let Recovery::Found(label) = found else { panic!("{found:?}") };
    assert_eq!(label.record.number.as_str(), "1234567890");

    // What is found and not kept is told of: it cannot be given back.
    let watch = house.dhl.late_duplicates().unwrap();
    let kept = [house::record(DHL_EXPRESS, DOMESTIC, "1234567890")];
    assert!(watch.give_back_duplicates(&lost, &kept).await.unwrap().is_empty());
    let kept = [house::record(DHL_EXPRESS, DOMESTIC, "1234567899")];
    let told = watch.give_back_duplicates(&lost, &kept).await.unwrap();
    assert_eq!((told.len(), told[0].number.as_str()), (1, "1234567890"));
    assert!(told[0].still_live.as_deref().unwrap().contains("no void"), "{told:?}");
    let again = LabelIntent { sent_at: noon() + TimeDelta::days(3), ..lost };
    house.carrier.says(TRACK, Says::text(404, r#"{"detail":"No data found","status":"404"}"#));
    assert!(watch.give_back_duplicates(&again, &kept).await.unwrap().is_empty());
    // What was sent again later is looked for until then.
    assert!(house.carrier.last().query.contains("dateRangeTo=2026-03-07"));
}

// ---- Odd fields ----

#[tokio::test(start_paused = true)]
async fn an_odd_field_of_a_quote_costs_only_itself_and_no_price_is_guessed() {
    let product = |code: Value, price: Value, more: Value| {
        json!({"productCode": code, "isCustomerAgreement": "no", "deliveryCapabilities": more,
               "totalPrice": [{"currencyType": "PULCL", "priceCurrency": "USD", "price": 90},
                              {"currencyType": "BILLC", "priceCurrency": "USD", "price": price}]})
    };
    let days = json!({"totalTransitDays": [], "estimatedDeliveryDateAndTime": "some day"});
    let answer = json!({"products": [
        product(json!("P"), json!("49.5"), days),
        product(json!("U"), json!("NaN"), Value::Null),
        product(json!("D"), json!([5]), Value::Null),
        product(json!(8), json!(5), json!("?")),
        7,
    ]});
    let house = house();
    house.carrier.says(RATES, Says::json(200, &answer));
    let quotes = house.dhl.rates(&parcel_abroad()).await.unwrap();
    let read: Vec<_> = quotes
        .iter()
        .map(|quote| (quote.service.service.as_str(), quote.total.to_string(), quote.transit_days))
        .collect();
    assert_eq!(read, [("P", "49.5 USD".to_owned(), None)]);
}

#[tokio::test(start_paused = true)]
async fn an_odd_field_of_a_history_costs_only_itself() {
    let event = |date: Value, code: Value| {
        json!({"date": date, "time": [], "typeCode": code, "serviceArea": "MEMPHIS",
               "remarks": [7, {"value": 8}]})
    };
    let answer = json!({"shipments": [
        {"shipmentTrackingNumber": 1_234_567_890, "estimatedDeliveryDate": {}, "events": [
            event(json!("2026-03-03"), json!("PU")), event(json!("soon"), json!("WC")),
            event(json!("2026-03-04"), json!(17)), "?"], "pieces": "none"},
        "?"]});
    let house = house();
    house.carrier.says(TRACK, Says::json(200, &answer));
    let numbers = ["1234567890", "9999999999"].map(TrackingNumber::from_static);
    let answers = house.dhl.track(&numbers).await.unwrap();
    let TrackOutcome::Found { events, .. } = &answers[0].outcome else { panic!("{answers:?}") };
    let read: Vec<_> = events.iter().map(|e| (e.raw_code.as_str(), e.raw_text.as_str())).collect();
    assert_eq!(read, [("PU", "8"), ("17", "8")]);
    assert!(matches!(answers[1].outcome, TrackOutcome::Failed { retry: true, .. }), "{answers:?}");
}

// ---- Tracking ----

#[tokio::test(start_paused = true)]
async fn the_official_history_runs_oldest_first_and_ends_in_a_delivery() {
    let house = house();
    house.carrier.says(TRACK, Says::fixture(200, "express/tracking-200.json"));
    let numbers = ["1234567890", "JD012345678901234567", "9999999999"];
    let numbers = numbers.map(TrackingNumber::from_static);
    let answers = house.dhl.track(&numbers).await.unwrap();
    for answer in &answers[..2] {
        let TrackOutcome::Found { events, .. } = &answer.outcome else { panic!("{answer:?}") };
        assert_eq!(events[0].raw_code, "PU");
        let folded = fold(&DHL_EXPRESS, &answer.number, events.clone(), None);
        assert_eq!(folded.state, TransitState::Delivered);
        assert_eq!(folded.events.last().unwrap().milestone, Milestone::Delivered);
        assert!(events.iter().all(|event| matches!(event.time, EventTime::Local(_))));
        assert_eq!(events[0].place.as_deref(), Some("SYDNEY-AU"));
    }
    let TrackOutcome::Found { events, .. } = &answers[0].outcome else { panic!() };
    assert_eq!(events.len(), 13);
    assert!(events[3].raw_text.contains("on its way"), "{}", events[3].raw_text);
    assert_eq!(answers[2].outcome, TrackOutcome::NotFoundYet);
    let queries: Vec<String> = house.carrier.calls().into_iter().map(|call| call.query).collect();
    assert!(queries.iter().any(|query| query.starts_with("shipmentTrackingNumber=1234567890%2C")));
    assert!(queries.iter().any(|query| query.starts_with("pieceTrackingNumber=JD")));
}

#[tokio::test(start_paused = true)]
async fn exact_times_are_asked_for_one_shipment_at_a_time() {
    let house = house_with(|config| config.with_exact_times(true));
    let answer = json!({"shipments": [{"shipmentTrackingNumber": "1234567890", "events": [
        {"date": "2026-03-03", "time": "10:00:00", "GMTOffset": "+09:00", "typeCode": "PU"}]}]});
    house.carrier.says("GET /shipments/1234567890/tracking", Says::json(200, &answer));
    house.carrier.says("GET /shipments/1234567891/tracking", Says::text(404, "{}"));
    let numbers = ["1234567890", "1234567891"].map(TrackingNumber::from_static);
    let answers = house.dhl.track(&numbers).await.unwrap();
    let TrackOutcome::Found { events, .. } = &answers[0].outcome else { panic!() };
    let EventTime::Instant(at) = events[0].time else { panic!() };
    assert_eq!(at.to_rfc3339(), "2026-03-03T01:00:00+00:00");
    assert_eq!(answers[1].outcome, TrackOutcome::NotFoundYet);
    assert!(house.carrier.last().query.contains("requestGMTOffsetPerEvent=true"));
}

// ---- Places and pickups ----

#[tokio::test(start_paused = true)]
async fn the_verdict_on_an_address_says_that_streets_were_not_looked_at() {
    let house = house();
    let check = "GET /address-validate";
    let place = |code: &str| json!({"countryCode": "US", "postalCode": code, "cityName": "X"});
    for (says, verdict) in [
        (
            Says::json(200, &json!({"address": [place("1"), place("1")]})),
            AddressVerdict::Deliverable,
        ),
        (Says::json(200, &json!({"address": [place("1"), place("2")]})), AddressVerdict::Ambiguous),
        (Says::json(200, &json!({"address": []})), AddressVerdict::Undeliverable),
    ] {
        house.carrier.says(check, says);
        let checked = house.dhl.validate(&recipient().address).await.unwrap();
        assert_eq!(checked.verdict, verdict);
        assert!(checked.remarks.iter().any(|remark| remark.contains("does not check streets")));
        assert_eq!(checked.standardized, None);
    }
    house.carrier.says(check, Says::text(400, r#"{"detail":"3006: not found","status":"400"}"#));
    let checked = house.dhl.validate(&recipient().address).await.unwrap();
    assert_eq!(checked.verdict, AddressVerdict::Undeliverable);
    house.carrier.says(check, Says::text(400, r#"{"detail":"Parameters wrong","status":"400"}"#));
    assert_eq!(
        house.dhl.validate(&recipient().address).await.unwrap_err().kind(),
        ErrorKind::Rejected
    );
}

fn pickup() -> PickupRequest {
    let time = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
    PickupRequest {
        place: sender(),
        date: today() + TimeDelta::days(1),
        window: Some((time(14), time(18))),
        parcels: vec![(ServiceKey::new(DHL_EXPRESS, ServiceCode::from_static(WORLDWIDE)), 3)],
        weight: Grams::new(4_000),
        location: Some("reception".into()),
        instructions: Some("please ring".into()),
    }
}

#[tokio::test(start_paused = true)]
async fn a_pickup_is_confirmed_by_a_list_of_numbers_that_are_cancelled_together() {
    let house = house();
    house.carrier.says("POST /pickups", Says::fixture(201, "express/pickup-201.json"));
    let ordered = house.dhl.schedule_pickup(&pickup()).await.unwrap();
    assert_eq!(ordered.confirmation, "PRG221222000062");
    let body = house.carrier.body("/pickups");
    assert_eq!(body["plannedPickupDateAndTime"], "2026-03-04T14:00:00GMT+00:00");
    assert_eq!((&body["closeTime"], &body["location"]), (&json!("18:00"), &json!("reception")));
    let packages = body["shipmentDetails"][0]["packages"].as_array().unwrap();
    assert_eq!((packages.len(), &packages[0]["weight"]), (3, &json!(1.334)));
    house.carrier.says("DELETE /pickups/PRG221222000062", Says::text(200, ""));
    house.dhl.cancel_pickup(&ordered).await.unwrap();
    let two = json!({"dispatchConfirmationNumbers": ["PRG1", "PRG2"]});
    house.carrier.says("POST /pickups", Says::json(201, &two));
    let ordered = house.dhl.schedule_pickup(&pickup()).await.unwrap();
    house.carrier.says("DELETE /pickups/PRG1", Says::text(404, "{}"));
    house.carrier.says("DELETE /pickups/PRG2", Says::text(200, ""));
    house.dhl.cancel_pickup(&ordered).await.unwrap();
    assert!(house.carrier.last().query.starts_with("requestorName=Shipping&reason="));
    type Spoil = fn(&mut PickupRequest);
    let cases: [(Spoil, &str); 4] = [
        (|r| r.parcels.clear(), "parcels"),
        (|r| r.weight = Grams::ZERO, "weight"),
        (|r| r.instructions = Some("x".repeat(81)), "instructions"),
        (|r| r.date = today() - TimeDelta::days(1), "date"),
    ];
    for (spoil, field) in cases {
        let mut request = pickup();
        spoil(&mut request);
        let error = house.dhl.schedule_pickup(&request).await.unwrap_err();
        assert_eq!(error.field(), Some(field), "{error}");
    }
}

#[test]
fn what_the_carrier_cannot_do_is_no_ability() {
    let house = house();
    assert!(house.dhl.void().is_none() && house.dhl.manifests().is_none());
    assert!(house.dhl.push().is_none());
    assert!(house.dhl.pieces().is_some_and(|pieces| pieces.max_pieces() == 999));
    assert!(!house.dhl.limits().formats.contains(&LabelFormat::Png));
    let number = TrackingNumber::from_static("1234567890");
    assert_eq!(house.dhl.tracking_url(&number), None);
    let paged = house_with(|config| config.with_tracking_page("https://track.example/?n="));
    let url = paged.dhl.tracking_url(&number);
    assert_eq!(url.as_deref(), Some("https://track.example/?n=1234567890"));
}

// ---- Secrets, hostile answers ----

#[tokio::test(start_paused = true)]
async fn secrets_are_in_no_error_and_no_debug_text() {
    let house = house();
    shows_no_secret(&format!("{:?} {:?}", house.dhl, config()));
    let echo = json!({"detail": "8003: canary-user canary-password canary-acct",
        "additionalDetails": ["Y2FuYXJ5LXVzZXI6Y2FuYXJ5LXBhc3N3b3Jk"]});
    for status in [400, 401, 500] {
        house.carrier.says("*", Says::json(status, &echo));
        let error = house.dhl.buy_label(&purchase("PK-1"), &key("PK-1")).await.unwrap_err();
        let text = format!("{error} {error:?}");
        shows_no_secret(&text);
        assert!(!text.contains("Y2FuYXJ5LXVz") && !text.contains("canary-acct"), "{text}");
    }
}

#[test]
fn a_configuration_that_cannot_work_names_its_field() {
    type Spoil = fn(DhlExpressConfig) -> DhlExpressConfig;
    let cases: [(Spoil, &str); 6] = [
        (|_| DhlExpressConfig::new("", "p", "1"), "user"),
        (|_| DhlExpressConfig::new("u", "p", "1234567890123"), "account_number"),
        (|c| c.with_contents("x".repeat(71)), "contents"),
        (|c| c.with_track_batch(201), "track_batch"),
        (|c| c.with_version("3\n1"), "version"),
        (|c| c.with_settling_time(TimeDelta::seconds(-1)), "settling_time"),
    ];
    for (spoil, field) in cases {
        let carrier = Arc::new(Carrier::default());
        let error = DhlExpress::new(spoil(config()), as_transport(&carrier)).unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::Configuration, Some(field)));
    }
}

/// Hands the bytes to every call that reads an answer.
fn feed(status: u16, body: &[u8]) {
    house::in_virtual_time(async {
        let house = house();
        house.carrier.says("*", Says::This(status, bytes::Bytes::copy_from_slice(body)));
        if let Ok(label) = house.dhl.buy_label(&purchase("PK-1"), &key("PK-1")).await {
            assert!(!label.record.number.as_str().is_empty());
        }
        let several = pieces(purchase_abroad("x"), 2);
        if let Ok(bought) = house.dhl.buy_pieces(&several, &key("PK-1")).await {
            assert_eq!(bought.labels.len(), 2);
        }
        let _ = house.dhl.recover_pieces(&lost_once(several)).await;
        let _ = house.dhl.recover_label(&intent(purchase("PK-1"), "PK-1")).await;
        let _ = house.dhl.rates(&parcel()).await;
        let _ = house.dhl.validate(&recipient().address).await;
        let _ = house.dhl.schedule_pickup(&pickup()).await;
        let numbers = ["1234567890", "JD01"].map(TrackingNumber::from_static);
        let _ = house.dhl.track(&numbers).await;
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_pieces_of_a_shipment_are_written_as_they_are_and_never_lighter(
        grams in prop::collection::vec(1_u32..70_000, 1..6),
    ) {
        let request = PiecesRequest {
            shipment: purchase("PK-1"),
            pieces: grams
                .iter()
                .map(|grams| Piece {
                    weight: Grams::new(*grams),
                    dimensions: Some(size()),
                    references: vec!["PK-1".into()],
                })
                .collect(),
        };
        let body = house::in_virtual_time(async {
            let house = self::house();
            house.carrier.says(SHIP, Says::text(500, "{}"));
            let _ = house.dhl.buy_pieces(&request, &key("1")).await;
            house.carrier.body("/shipments")
        });
        let packages = body["content"]["packages"].as_array().unwrap();
        prop_assert_eq!(packages.len(), grams.len());
        for (package, grams) in packages.iter().zip(&grams) {
            let kilograms: rust_decimal::Decimal = package["weight"].to_string().parse().unwrap();
            prop_assert_eq!(kilograms, rust_decimal::Decimal::new(i64::from(*grams), 3));
        }
    }

    #[test]
    fn cut_and_mutated_answers_never_panic(
        file in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        status in prop_oneof![Just(201_u16), Just(400), Just(404), 200_u16..600],
    ) {
        let files = fixtures_of("express");
        let mut body = fixture(&format!("express/{}", file.get(&files)));
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
    dhl: DhlExpress,
    stand_in: Arc<DhlExpressStandIn>,
    ledger: Ledger,
    clock: VirtualClock,
}

fn town(
    change: impl FnOnce(DhlExpressConfig) -> DhlExpressConfig,
    act: impl FnOnce(DhlExpressStandIn) -> DhlExpressStandIn,
    faults: Faults,
) -> Town {
    let (clock, ledger) = (VirtualClock::new(noon()), Ledger::new());
    let stand_in = Arc::new(act(DhlExpressStandIn::new(ledger.clone())));
    let acted: Arc<dyn orderflow::sandbox::StandIn> = Arc::<DhlExpressStandIn>::clone(&stand_in);
    let sandbox = Sandbox::new(clock.clone(), ledger.clone()).with(acted).with_faults(faults);
    let config = config()
        .with_base(sandbox.base_url("dhl-express"))
        .with_settling_time(TimeDelta::zero())
        .with_clock(Arc::new(clock.clone()));
    let dhl = DhlExpress::new(change(config), sandbox.transport()).unwrap();
    Town { dhl, stand_in, ledger, clock }
}

fn quiet_town() -> Town {
    town(|config| config, |stand_in| stand_in, Faults::none())
}

#[tokio::test(start_paused = true)]
async fn the_adapter_passes_the_suite_of_carriers_at_home_and_abroad() {
    for border in [false, true] {
        let town = quiet_town();
        let fixture = carriers::Fixture {
            rate: if border { parcel_abroad() } else { parcel() },
            label: Box::new(move |quote, number| {
                let reference = format!("PK-{number}");
                let request = purchase(&reference);
                LabelRequest {
                    service: quote.service.clone(),
                    token: quote.token.clone(),
                    ..if border { abroad(request) } else { request }
                }
            }),
            now: noon(),
            pushed: None,
        };
        let report: Report = carriers::run(Arc::new(town.dhl), &fixture).await;
        assert!(report.failed.is_empty(), "{:#?}", report.failed);
        let missing = [
            "it sells labels",
            "the carrier knows no keys",
            "no ability void",
            "no ability manifests",
            "no ability push",
        ];
        assert_eq!(report.skipped_because(), missing.into());
    }
}

#[tokio::test(start_paused = true)]
async fn labels_come_in_every_format_the_limits_name_at_the_price_of_the_quote() {
    let town = quiet_town();
    let quotes = town.dhl.rates(&parcel_abroad()).await.unwrap();
    let codes: Vec<_> = quotes.iter().map(|quote| quote.service.service.as_str()).collect();
    assert_eq!(codes, ["P", "Y", "H"], "what needs an agreement is not offered");
    for format in town.dhl.limits().formats {
        let mut request = purchase_abroad("PK-1");
        request.format = format.clone();
        let label = town.dhl.buy_label(&request, &key(format.extension())).await.unwrap();
        assert_eq!(label.record.cost.total().unwrap(), quotes[0].total);
        let kinds: Vec<_> = label.documents.iter().map(|d| (d.kind, d.format.clone())).collect();
        let invoice = (DocumentKind::Customs, LabelFormat::Pdf);
        assert_eq!(kinds, [(DocumentKind::Label, format), invoice]);
        assert_eq!(validate("dhl", label.record.number.as_str()), Validity::Valid);
    }
}

#[tokio::test(start_paused = true)]
async fn a_purchase_whose_answer_is_lost_is_found_and_made_once() {
    let lost = || {
        Faults::scripted(vec![ScriptedFault {
            stand_in: "dhl-express".into(),
            path: "/shipments".into(),
            from: 0,
            times: 1,
            fault: Fault::LostAfter,
        }])
    };
    let delay = TimeDelta::minutes(5);
    let settle = |config: DhlExpressConfig| config.with_settling_time(TimeDelta::minutes(15));
    let town = town(settle, |stand_in| stand_in.with_reference_delay(delay), lost());
    let request = pieces(purchase_abroad("x"), 3);
    let error = town.dhl.buy_pieces(&request, &key("PK-1")).await.unwrap_err();
    assert!(error.is_ambiguous());
    let early = town.dhl.recover_pieces(&lost_once(request.clone())).await.unwrap_err();
    assert_eq!(early.kind(), ErrorKind::Transient);
    town.clock.advance(TimeDelta::minutes(6));
    let found = town.dhl.recover_pieces(&lost_once(request.clone())).await.unwrap();
    let PiecesRecovery::Found(found) = found else { panic!("{found:?}") };
    assert_eq!(found.labels.len(), 3);
    assert_eq!(town.ledger.labels().len(), 1);
    assert_eq!(town.ledger.labels()[0].number, found.number.as_str());
    let fewer = pieces(purchase_abroad("x"), 2);
    let undecided = town.dhl.recover_pieces(&lost_once(fewer)).await.unwrap();
    assert!(matches!(undecided, PiecesRecovery::Unknowable { .. }), "{undecided:?}");
}

#[tokio::test(start_paused = true)]
async fn pieces_sent_again_are_given_up_only_when_the_last_sending_can_be_found() {
    let lost = Faults::scripted(vec![ScriptedFault {
        stand_in: "dhl-express".into(),
        path: "/shipments".into(),
        from: 0,
        times: 2,
        fault: Fault::LostAfter,
    }]);
    let minutes = TimeDelta::minutes;
    let give_up = |config: DhlExpressConfig| {
        config.with_settling_time(minutes(15)).with_lost_waybills(LostWaybill::GiveUp)
    };
    let town = town(give_up, |stand_in| stand_in.with_reference_delay(minutes(5)), lost);
    let mut intent = lost_once(pieces(purchase_abroad("x"), 2));
    town.dhl.buy_pieces(&intent.request, &intent.key).await.unwrap_err();
    town.clock.advance(minutes(6));
    assert_eq!(town.dhl.recover_pieces(&intent).await.unwrap(), PiecesRecovery::Absent);
    intent.sent_at = town.clock.now();
    town.dhl.buy_pieces(&intent.request, &intent.key).await.unwrap_err();
    town.clock.advance(minutes(2));
    // The first waybill is found, and the second cannot be yet.
    let early = town.dhl.recover_pieces(&intent).await.unwrap_err();
    assert_eq!(early.kind(), ErrorKind::Transient);
    town.clock.advance(minutes(13));
    assert_eq!(town.dhl.recover_pieces(&intent).await.unwrap(), PiecesRecovery::Absent);
    assert_eq!(town.ledger.labels().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn parcels_travel_as_their_story_goes_and_so_do_their_pieces() {
    let town = quiet_town();
    let mut numbers = Vec::new();
    for (scenario, end) in [
        (Scenario::Normal, TransitState::Delivered),
        (Scenario::Delayed, TransitState::Delivered),
        (Scenario::Returned, TransitState::Returning),
        (Scenario::Lost, TransitState::InTransit),
    ] {
        let request = pieces(purchase_abroad("x"), 2);
        let key = key(&format!("{scenario:?}"));
        let bought = town.dhl.buy_pieces(&request, &key).await.unwrap();
        town.stand_in.set_scenario(bought.number.as_str(), scenario);
        numbers.push((bought.labels[1].record.number.clone(), end));
        numbers.push((bought.number, end));
    }
    let only: Vec<TrackingNumber> = numbers.iter().map(|(number, _)| number.clone()).collect();
    for (days, early) in [(0, true), (20, false)] {
        town.clock.advance(TimeDelta::days(days));
        let answers = town.dhl.track(&only).await.unwrap();
        for (answer, (number, end)) in answers.into_iter().zip(&numbers) {
            let TrackOutcome::Found { events, .. } = answer.outcome else { panic!("{number}") };
            let state = fold(&DHL_EXPRESS, number, events, None).state;
            assert_eq!(state, if early { TransitState::PreTransit } else { *end }, "{number}");
        }
    }
    let exact = town_exact(&town).await;
    assert!(matches!(exact, EventTime::Instant(_)));
}

/// The stand-in tells offsets when asked for one shipment.
async fn town_exact(town: &Town) -> EventTime {
    let sandbox =
        Sandbox::new(town.clock.clone(), town.ledger.clone())
            .with(Arc::<DhlExpressStandIn>::clone(&town.stand_in));
    let config = config().with_base(sandbox.base_url("dhl-express")).with_exact_times(true);
    let dhl = DhlExpress::new(config, sandbox.transport()).unwrap();
    let number = TrackingNumber::new(town.ledger.labels()[0].number.clone()).unwrap();
    match dhl.track(&[number]).await.unwrap().remove(0).outcome {
        TrackOutcome::Found { events, .. } => events[0].time,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_pickup_that_is_gone_is_cancelled_already() {
    let town = quiet_town();
    let ordered = town.dhl.schedule_pickup(&pickup()).await.unwrap();
    town.dhl.cancel_pickup(&ordered).await.unwrap();
    town.dhl.cancel_pickup(&ordered).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_stops_the_account() {
    let carrier = quiet_town();
    let sandbox =
        Sandbox::new(carrier.clock.clone(), carrier.ledger.clone())
            .with(Arc::<DhlExpressStandIn>::clone(&carrier.stand_in));
    let config = DhlExpressConfig::new("user", "wrong", "1")
        .with_base(sandbox.base_url("dhl-express"))
        .with_clock(Arc::new(carrier.clock.clone()));
    let dhl = DhlExpress::new(config, sandbox.transport()).unwrap();
    let error = dhl.rates(&parcel()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AuthRejected);
}

#[tokio::test(start_paused = true)]
async fn whatever_goes_wrong_every_parcel_has_one_waybill_in_the_end() {
    for seed in [1, 2, 3] {
        let patient = |config: DhlExpressConfig| config.with_retry(RetryPolicy::default());
        let town = town(patient, |stand_in| stand_in, Faults::seeded(seed, 250));
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

#[tokio::test(start_paused = true)]
async fn a_driver_comes_once_to_a_place_on_a_day_and_a_lost_answer_orders_no_second() {
    let lost = Faults::scripted(vec![ScriptedFault {
        stand_in: "dhl-express".into(),
        path: "/pickups".into(),
        from: 0,
        times: 1,
        fault: Fault::LostAfter,
    }]);
    let town = town(|config| config, |stand_in| stand_in, lost);
    let request = pickup();
    let first = town.dhl.schedule_pickup(&request).await.unwrap_err();
    assert!(first.is_ambiguous(), "{first:?}");
    let again = town.dhl.schedule_pickup(&request).await.unwrap_err();
    assert_eq!((again.kind(), again.retry()), (ErrorKind::Ambiguous, Retry::LookFirst));
    // Somebody looked and found none.
    town.dhl.settle_pickup(&request, None);
    let ordered = town.dhl.clone().schedule_pickup(&request).await.unwrap();
    let more = PickupRequest { weight: Grams::new(9_000), ..request.clone() };
    assert_eq!(town.dhl.schedule_pickup(&more).await.unwrap(), ordered);
    let tomorrow = PickupRequest { date: request.date + TimeDelta::days(1), ..request.clone() };
    assert_ne!(town.dhl.schedule_pickup(&tomorrow).await.unwrap(), ordered);
    town.dhl.cancel_pickup(&ordered).await.unwrap();
    assert_ne!(town.dhl.schedule_pickup(&request).await.unwrap(), ordered);
    // Somebody looked and found one.
    town.dhl.settle_pickup(&request, Some(&ordered));
    assert_eq!(town.dhl.schedule_pickup(&request).await.unwrap(), ordered);
}
