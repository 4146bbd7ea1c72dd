//! Official samples and captured answers, byte for byte, beside what they mean to us.

use chrono::{NaiveTime, TimeDelta};
use orderflow::carriers::fedex::{FEDEX, FedexConfig, Grant, TWO_DAY};
use orderflow::ports::{
    AddressVerdict, CarrierAdapter, ManifestRequest, Manifests, PickupRequest, Pickups, Recovery,
    ValidateAddress, VoidLabel, VoidOutcome,
};
use orderflow::shipment::{
    DocumentKind, LabelFormat, LabelIntent, LabelRecord, RateRequest, ServiceKey, TrackOutcome,
    TransitState, fold,
};
use orderflow::{Currency, ErrorKind, Grams, MoneyError, Retry, ServiceCode, TrackingNumber};
use serde_json::{Value, json};

use super::house::{
    self, House, Says, canadian, house, house_with, intent, key, noon, parcel, purchase, recipient,
    sender, today,
};

const RATES: &str = "/rate/v1/rates/quotes";
const SHIP: &str = "/ship/v1/shipments";
const CANCEL: &str = "/ship/v1/shipments/cancel";
const TRACK: &str = "/track/v1/trackingnumbers";
const REFERENCES: &str = "/track/v1/referencenumbers";
const ADDRESSES: &str = "/address/v1/addresses/resolve";
const CLOSE: &str = "/ship/v1/endofday/";
const PICKUPS: &str = "/pickup/v1/pickups";
const CANCEL_PICKUP: &str = "/pickup/v1/pickups/cancel";

/// Compares with the reviewed expectation beside the fixture.
fn expect(fixture_name: &str, actual: &impl serde::Serialize) {
    let actual = serde_json::to_value(actual).unwrap();
    let stem = fixture_name.strip_suffix(".json").unwrap();
    let name = format!("{stem}.expect.json");
    let path = format!("{}/tests/fixtures/fedex/{name}", env!("CARGO_MANIFEST_DIR"));
    let expected: Value = std::fs::read(&path)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_else(|| panic!("no {name}; it should hold, after review:\n{actual:#}"));
    assert_eq!(actual, expected, "{name}; got:\n{actual:#}");
}

async fn track(house: &House, number: &'static str) -> TrackOutcome {
    house.fedex.track(&[TrackingNumber::from_static(number)]).await.unwrap().remove(0).outcome
}

fn record(number: &str) -> LabelRecord {
    LabelRecord {
        key: key("PK-1"),
        carrier: FEDEX,
        service: purchase("PK-1").service.service,
        number: TrackingNumber::new(number).unwrap(),
        carrier_reference: None,
        cost: orderflow::shipment::LabelCost::unstated(Currency::USD),
        purchased_at: intent().created_at,
        mailing_date: Some(today()),
        formats: vec![LabelFormat::Pdf],
    }
}

// ---- Rates ----

#[tokio::test(start_paused = true)]
async fn a_captured_quote_is_the_accounts_price_in_one_currency_and_never_the_lowest_of_all() {
    let file = "rate-domestic-ca.response.json";
    let mut inland = parcel();
    (inland.sender, inland.recipient) = (canadian("Wanda Shipper"), canadian("Joe Buyer"));
    for (currency, price) in [("USD", "38.54 USD"), ("CAD", "52.76 CAD"), ("EUR", "38.54 USD")] {
        let house = house_with(|config| config.with_currency(Currency::new(currency).unwrap()));
        house.carrier.says(RATES, Says::fixture(200, file));
        let quotes = house.fedex.rates(&inland).await.unwrap();
        assert_eq!(quotes[0].total.to_string(), price);
        if currency == "USD" {
            expect(file, &quotes);
        }
        let body = house.carrier.body(RATES);
        assert_eq!(body["requestedShipment"]["preferredCurrency"], currency);
        // Kilograms and centimetres where the sender lives with them, always rounded up.
        let package = &body["requestedShipment"]["requestedPackageLineItems"][0];
        assert_eq!(package["weight"], json!({"units": "KG", "value": 0.7}));
        assert_eq!(package["dimensions"]["length"], 26);
    }
}

#[tokio::test(start_paused = true)]
async fn a_quote_asks_for_all_services_to_a_home_in_rounded_up_measures() {
    let house = house();
    house.carrier.says(RATES, Says::text(200, r#"{"output":{"rateReplyDetails":[]}}"#));
    assert!(house.fedex.rates(&parcel()).await.unwrap().is_empty());
    let body = house.carrier.body(RATES);
    let shipment = &body["requestedShipment"];
    assert!(shipment.get("serviceType").is_none());
    assert_eq!(shipment["recipient"]["address"]["residential"], true);
    assert_eq!(shipment["shipper"]["address"]["stateOrProvinceCode"], "IL");
    assert_eq!(shipment["shipDateStamp"], "2026-03-03");
    let package = &shipment["requestedPackageLineItems"][0];
    // 700 g are 1.5432 lb; 255 mm are 10.04 in.
    assert_eq!(package["weight"], json!({"units": "LB", "value": 1.6}));
    assert_eq!(
        package["dimensions"],
        json!({"length": 11, "width": 6, "height": 3, "units": "IN"})
    );
    let mut to_a_firm = parcel();
    to_a_firm.recipient.company = Some("ACME".into());
    house.fedex.rates(&to_a_firm).await.unwrap();
    let body = house.carrier.body(RATES);
    assert_eq!(body["requestedShipment"]["recipient"]["address"]["residential"], false);
}

#[tokio::test(start_paused = true)]
async fn days_and_prices_are_read_in_every_spelling_and_words_for_prices_are_none() {
    let answer = json!({"output": {"rateReplyDetails": [
        {"serviceType": "FEDEX_GROUND", "ratedShipmentDetails": [
            {"rateType": "LIST", "totalNetCharge": 9.10, "currency": "USD"},
            {"rateType": "ACCOUNT", "totalNetCharge": "8.70", "currency": "USD"}],
         "commit": {"dateDetail": {"dayCxsFormat": "2026-03-06T23:59:00"},
                    "transitDays": {"minimumTransitTime": "THREE_DAYS"}}},
        {"serviceType": "FEDEX_2_DAY", "ratedShipmentDetails": {"rateType": "ACCOUNT",
            "totalNetCharge": 20, "shipmentRateDetail": {"currency": "USD"}},
         "operationalDetail": {"commitDates": "2026-03-05", "transitTime": "TWO_DAYS"}},
        {"serviceType": "FEDEX_EXPRESS_SAVER", "ratedShipmentDetails": [
            {"rateType": "ACCOUNT", "totalNetCharge": "amount", "currency": "USD"}]},
        {"serviceType": "FEDEX_1_DAY_FREIGHT", "ratedShipmentDetails": [
            {"rateType": "ACCOUNT", "totalNetCharge": 1, "currency": "USD"}]}]}});
    let house = house();
    house.carrier.says(RATES, Says::text(200, &answer.to_string()));
    let quotes = house.fedex.rates(&parcel()).await.unwrap();
    let read: Vec<_> = quotes
        .iter()
        .map(|quote| {
            (
                quote.service.service.as_str(),
                quote.total.to_string(),
                quote.deliver_on.map(|day| day.to_string()),
                quote.transit_days,
            )
        })
        .collect();
    let day = |day: &str| Some(day.to_owned());
    assert_eq!(
        read,
        [
            ("FEDEX_GROUND", "8.70 USD".to_owned(), day("2026-03-06"), Some(3)),
            ("FEDEX_2_DAY", "20 USD".to_owned(), day("2026-03-05"), Some(2)),
        ],
        "freight is not offered, and a price that is a word is none"
    );
}

#[tokio::test(start_paused = true)]
async fn an_odd_field_of_a_quote_costs_only_itself_and_no_price_is_guessed() {
    let view = |kind: &str, charge: Value| json!({"rateType": kind, "totalNetCharge": charge, "currency": "USD"});
    let reply = |service: Value, views: Value| {
        json!({"serviceType": service, "serviceName": 5, "commit": "soon",
               "operationalDetail": {"commitDates": 7}, "ratedShipmentDetails": views})
    };
    let answer = json!({"output": {"rateReplyDetails": [
        reply(json!("FEDEX_GROUND"), json!([view("LIST", json!("NaN")), view("ACCOUNT", json!(8.7)), "?"])),
        // What the account pays cannot be read: the list price would be a guess.
        reply(json!("FEDEX_2_DAY"), json!([view("ACCOUNT", json!("NaN")), view("LIST", json!(30))])),
        // Nothing is carried for nothing.
        reply(json!("FEDEX_EXPRESS_SAVER"), json!([view("ACCOUNT", json!(0)), view("LIST", json!(-2))])),
        reply(json!(12), json!([view("ACCOUNT", json!(1))])),
        "STANDARD_OVERNIGHT",
    ]}});
    let house = house();
    house.carrier.says(RATES, Says::text(200, &answer.to_string()));
    let quotes = house.fedex.rates(&parcel()).await.unwrap();
    let read: Vec<_> = quotes
        .iter()
        .map(|quote| (quote.service.service.as_str(), &*quote.name, quote.total.to_string()))
        .collect();
    assert_eq!(read, [("FEDEX_GROUND", "5", "8.7 USD".to_owned())]);
    house.carrier.says(RATES, Says::text(200, r#"{"output":{"rateReplyDetails":["?"]}}"#));
    let nothing = house.fedex.rates(&parcel()).await.unwrap_err();
    assert_eq!(nothing.kind(), ErrorKind::UnexpectedAnswer);
}

#[tokio::test(start_paused = true)]
async fn military_post_offices_and_territories_written_as_states_are_not_offered() {
    let house = house();
    for (city, state) in [("APO", "AE"), ("DPO", "AA"), ("San Juan", "PR"), ("Hagåtña", "Guam")] {
        let mut request = purchase("PK-1");
        request.recipient.address.city = city.into();
        request.recipient.address.state = Some(state.into());
        let asked = RateRequest { recipient: request.recipient.clone(), ..parcel() };
        assert!(house.fedex.rates(&asked).await.unwrap().is_empty(), "{state}");
        let error = house.fedex.buy_label(&request, &key("PK-1")).await.unwrap_err();
        assert_eq!(error.field(), Some("recipient.address.state"), "{state}");
    }
    // As a country it is sold over a border.
    let mut request = purchase("PK-1");
    request.recipient.address.country = orderflow::Country::new("PR");
    request.recipient.address.state = None;
    let error = house.fedex.buy_label(&request, &key("PK-1")).await.unwrap_err();
    assert_eq!(error.field(), Some("customs"));
    assert!(house.carrier.calls().is_empty());
    for service in orderflow::carriers::fedex::catalogue() {
        let at_home = service.coverage.excluded_countries.is_empty();
        let excluded = |state: &str| service.coverage.excluded_states.iter().any(|s| s == state);
        assert_eq!(at_home, excluded("AE") && excluded("PR"), "{}", service.name);
    }
}

// ---- Ship ----

#[tokio::test(start_paused = true)]
async fn a_price_of_nothing_in_the_answer_to_a_purchase_is_one_that_nobody_stated() {
    let house = house();
    let fixture = house::fixture("ship-domestic-doc.response.json");
    for (charge, stated) in [
        (json!(0), None),
        (json!("0.00"), None),
        (json!(-4.5), None),
        (json!("NaN"), None),
        (json!("21.45"), Some("21.45 USD")),
    ] {
        let mut answer: Value = serde_json::from_slice(&fixture).unwrap();
        let shipped = &mut answer["output"]["transactionShipments"][0];
        shipped["completedShipmentDetail"] = json!({"shipmentRating": {
            "actualRateType": "PAYOR_ACCOUNT_SHIPMENT", "shipmentRateDetails": [
                {"rateType": "PAYOR_LIST_SHIPMENT", "totalNetCharge": 99, "currency": "USD"},
                {"rateType": "PAYOR_ACCOUNT_SHIPMENT", "totalNetCharge": charge, "currency": "USD"}]}});
        house.carrier.says(SHIP, Says::text(200, &answer.to_string()));
        let label = house.fedex.buy_label(&purchase("PK-1"), &key("PK-1")).await.unwrap();
        let total = label.record.cost.total().ok().map(|total| total.to_string());
        assert_eq!(total.as_deref(), stated, "{charge}");
        assert_eq!(label.record.cost.unstated, stated.is_none(), "{charge}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_label_whose_format_is_not_named_is_recognised_by_its_bytes() {
    use base64::Engine as _;
    for (bytes, format) in [
        (&b"%PDF-1.4 x startxref 0 %%EOF"[..], Some(LabelFormat::Pdf)),
        (b"%PDF-1.4 1 0 obj", Some(LabelFormat::Other("damaged pdf".to_owned()))),
        (b"\x89PNG\r\n", Some(LabelFormat::Png)),
        (b" ^XA^FDx^XZ", Some(LabelFormat::Zpl)),
        (b"N\nA50,0,0", Some(LabelFormat::Other(String::new()))),
        (b"", None),
    ] {
        let encoded = base64::engine::general_purpose::STANDARD.encode(bytes);
        let answer = json!({"output": {"transactionShipments": [{"pieceResponses": [{
            "trackingNumber": "794953535000",
            "packageDocuments": [{"contentType": "LABEL", "encodedLabel": encoded}]}]}]}});
        let house = house();
        house.carrier.says(SHIP, Says::text(200, &answer.to_string()));
        let bought = house.fedex.buy_label(&purchase("PK-1"), &key("PK-1")).await;
        let read = bought.ok().map(|label| label.documents[0].format.clone());
        assert_eq!(read, format, "{bytes:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn official_shipments_become_labels_with_the_price_of_the_whole() {
    // The paper of the first is cut off as it was published.
    for (file, format) in [
        ("ship-domestic-doc.response.json", LabelFormat::Other("damaged pdf".to_owned())),
        ("ship-return.response.json", LabelFormat::Pdf),
    ] {
        let house = house();
        house.carrier.says(SHIP, Says::fixture(200, file));
        let label = house.fedex.buy_label(&purchase("PK-1"), &key("PK-1")).await.unwrap();
        let documents: Vec<_> = label.documents.iter().map(|d| (d.kind, &d.format)).collect();
        assert_eq!(documents, [(DocumentKind::Label, &format)], "{file}");
        assert!(label.documents[0].bytes.expose().starts_with(b"%PDF-1.4"));
        expect(file, &label.record);
    }
}

#[tokio::test(start_paused = true)]
async fn a_shipment_without_rating_has_a_price_that_nobody_stated() {
    let house = house();
    house.carrier.says(SHIP, Says::fixture(200, "ship-return.response.json"));
    let label = house.fedex.buy_label(&purchase("PK-1"), &key("PK-1")).await.unwrap();
    // Its piece says 120: pieces repeat the whole or hold nothing.
    assert!(label.record.cost.unstated);
    assert_eq!(label.record.cost.total(), Err(MoneyError::Unstated));
}

#[tokio::test(start_paused = true)]
async fn a_purchase_names_itself_so_that_it_can_be_found_again() {
    let house = house();
    house.carrier.says(SHIP, Says::fixture(200, "ship-return.response.json"));
    let mut request = purchase("PK-1");
    request.references.push("order 7".into());
    request.format = LabelFormat::Zpl;
    house.fedex.buy_label(&request, &key("PK-1")).await.unwrap();
    let body = house.carrier.body(SHIP);
    let shipment = &body["requestedShipment"];
    let references = &shipment["requestedPackageLineItems"][0]["customerReferences"];
    let own = references[0]["value"].as_str().unwrap();
    assert_eq!(
        (references[0]["customerReferenceType"].as_str(), own.len()),
        (Some("CUSTOMER_REFERENCE"), 25)
    );
    assert_eq!(references[1], json!({"customerReferenceType": "P_O_NUMBER", "value": "PK-1"}));
    assert_eq!(references[2]["value"], "order 7");
    assert_eq!(shipment["recipients"].as_array().map(Vec::len), Some(1));
    assert_eq!(shipment["shipDatestamp"], "2026-03-03");
    assert_eq!(shipment["totalWeight"], json!(1.6));
    assert_eq!(shipment["labelSpecification"]["imageType"], "ZPLII");
    assert_eq!(shipment["labelSpecification"]["labelStockType"], "STOCK_4X6");
    assert_eq!(body["labelResponseOptions"], "LABEL");
    // Another purchase for the same parcel has another name.
    house.fedex.buy_label(&request, &key("PK-2")).await.unwrap();
    let again = house.carrier.body(SHIP);
    let references = &again["requestedShipment"]["requestedPackageLineItems"][0];
    assert_ne!(references["customerReferences"][0]["value"], own);
}

#[tokio::test(start_paused = true)]
async fn ground_economy_names_its_hub_and_the_class_of_its_weight() {
    let economy = |grams| orderflow::shipment::LabelRequest {
        service: ServiceKey::new(FEDEX, ServiceCode::from_static("SMART_POST")),
        weight: Grams::new(grams),
        ..purchase("PK-1")
    };
    let without = house().fedex.buy_label(&economy(400), &key("PK-1")).await.unwrap_err();
    assert_eq!(without.kind(), ErrorKind::Unsupported);
    let house = house_with(|config| config.with_hub_id("5531"));
    house.carrier.says(SHIP, Says::fixture(200, "ship-return.response.json"));
    // A pound has 453.59 g.
    for (grams, indicia) in [(453, "PRESORTED_STANDARD"), (454, "PARCEL_SELECT")] {
        house.fedex.buy_label(&economy(grams), &key("PK-1")).await.unwrap();
        let body = house.carrier.body(SHIP);
        let detail = &body["requestedShipment"]["smartPostInfoDetail"];
        assert_eq!(detail, &json!({"hubId": "5531", "indicia": indicia}));
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_sold_is_said_before_anything_is_sent() {
    let house = house();
    type Spoil = fn(&mut orderflow::shipment::LabelRequest);
    let cases: [(Spoil, ErrorKind, Option<&str>); 9] = [
        (|r| r.weight = Grams::ZERO, ErrorKind::InvalidInput, Some("weight")),
        (|r| r.weight = Grams::new(68_039), ErrorKind::InvalidInput, Some("weight")),
        (|r| r.references = vec!["x".repeat(31)], ErrorKind::InvalidInput, Some("references[0]")),
        (|r| r.recipient.phone = None, ErrorKind::InvalidInput, Some("recipient.phone")),
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
        (|r| r.recipient = canadian("Joe"), ErrorKind::InvalidInput, Some("customs")),
        (|r| r.format = LabelFormat::Other("gif".into()), ErrorKind::Unsupported, None),
    ];
    for (spoil, kind, field) in cases {
        let mut request = purchase("PK-1");
        spoil(&mut request);
        let error = house.fedex.buy_label(&request, &key("PK-1")).await.unwrap_err();
        assert_eq!((error.kind(), error.field()), (kind, field), "{error}");
    }
    assert!(house.carrier.calls().is_empty());
    let house = house_with(|config| config.with_fallback_phone("555 010 0111"));
    house.carrier.says(SHIP, Says::fixture(200, "ship-return.response.json"));
    let mut request = purchase("PK-1");
    request.recipient.phone = None;
    house.fedex.buy_label(&request, &key("PK-1")).await.unwrap();
    let body = house.carrier.body(SHIP);
    let recipient = &body["requestedShipment"]["recipients"][0]["contact"];
    assert_eq!(recipient["phoneNumber"], "5550100111");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_printed_or_carried_is_named_before_anything_is_sent() {
    let house = house();
    type Spoil = fn(&mut orderflow::shipment::LabelRequest);
    let mm = orderflow::Millimetres::new;
    let size = |a, b, c| Some(orderflow::Dimensions::new(mm(a), mm(b), mm(c)));
    let cases: [(Spoil, &str); 8] = [
        (|r| r.recipient.name = "Joe\0".into(), "recipient.name"),
        (|r| r.recipient.company = Some("A\u{202e}B".into()), "recipient.company"),
        (|r| r.recipient.address.lines = vec!["1 Main\u{7} St".into()], "recipient.address.lines"),
        (|r| r.recipient.address.city.push('\u{2067}'), "recipient.address.city"),
        (
            |r| r.sender.address.postal_code = Some("60601\u{1}".into()),
            "sender.address.postal_code",
        ),
        (|r| r.references = vec!["a\u{0}".into()], "references[0]"),
        (|r| r.weight = Grams::new(u32::MAX), "weight"),
        (|r| r.sender.phone = Some("555 010 0199\u{b}\u{0}".into()), "sender.phone"),
    ];
    for (spoil, field) in cases {
        let mut request = purchase("PK-1");
        spoil(&mut request);
        let error = house.fedex.buy_label(&request, &key("PK-1")).await.unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some(field)));
    }
    for dimensions in [size(10, 10, 0), size(0, 0, 0), size(u32::MAX, 1, 1)] {
        let request = orderflow::shipment::LabelRequest { dimensions, ..purchase("PK-1") };
        let error = house.fedex.buy_label(&request, &key("PK-1")).await.unwrap_err();
        assert_eq!(error.field(), Some("dimensions"));
    }
    assert!(house.carrier.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn labels_that_are_words_instead_of_bytes_are_refused_clearly() {
    let house = house();
    let answer = json!({"output": {"transactionShipments": [{"pieceResponses": [{
        "trackingNumber": "794953535000",
        "packageDocuments": [{"contentType": "LABEL", "docType": "PDF", "encodedLabel": "encoded label"}]}]}]}});
    house.carrier.says(SHIP, Says::text(200, &answer.to_string()));
    let error = house.fedex.buy_label(&purchase("PK-1"), &key("PK-1")).await.unwrap_err();
    // It was bought all the same: that is what must be found out.
    assert!(error.is_ambiguous() || error.kind() == ErrorKind::UnexpectedAnswer, "{error:?}");
    assert!(error.to_string().contains("not in the format it claims"), "{error}");
}

// ---- Recovery ----

fn found(number: &str, event: &str) -> Says {
    Says::text(
        200,
        &json!({"output": {"completeTrackResults": [{"trackingNumber": number, "trackResults": [
            {"scanEvents": [{"date": "2026-03-03T11:00:00-06:00", "eventType": event}]}]}]}})
        .to_string(),
    )
}

#[tokio::test(start_paused = true)]
async fn a_lost_purchase_is_never_repeated_blindly_but_looked_for_and_given_back() {
    let house = house();
    house.carrier.says(SHIP, Says::Nothing);
    let error = house.fedex.buy_label(&purchase("PK-1"), &key("PK-1")).await.unwrap_err();
    assert!(error.is_ambiguous());
    house.carrier.says(REFERENCES, found("794953535000", "OC"));
    house.carrier.says(CANCEL, Says::fixture(200, "ship-cancel.response.json"));
    assert_eq!(house.fedex.recover_label(&intent()).await.unwrap(), Recovery::Absent);
    let asked = house.carrier.body(REFERENCES);
    let shipped = house.carrier.body(SHIP);
    let package = &shipped["requestedShipment"]["requestedPackageLineItems"][0];
    let reference = &asked["referencesInformation"];
    assert_eq!(reference["value"], package["customerReferences"][0]["value"]);
    assert_eq!(reference["shipDateBegin"], "2026-03-02");
    assert_eq!(reference["shipDateEndDate"], "2026-03-04");
    let cancelled = house.carrier.body(CANCEL);
    assert_eq!(cancelled["trackingNumber"], "794953535000");
    assert_eq!(cancelled["deletionControl"], "DELETE_ALL_PACKAGES");
    let calls = house.carrier.calls();
    assert_eq!(calls.iter().filter(|call| *call == "POST /ship/v1/shipments").count(), 1);
}

#[tokio::test(start_paused = true)]
async fn not_found_is_an_answer_only_after_new_shipments_can_be_found() {
    let house = house();
    let nothing = r#"{"output":{"completeTrackResults":[{"trackResults":[{"error":
        {"code":"TRACKING.REFERENCENUMBER.NOTFOUND"}}]}]}}"#;
    let refused = r#"{"errors":[{"code":"TRACKING.REFERENCENUMBER.NOTFOUND"}]}"#;
    for (status, body) in [(200, r#"{"output":{}}"#), (200, nothing), (404, refused)] {
        house.carrier.says(REFERENCES, Says::text(status, body));
        let early = house.fedex.recover_label(&intent()).await.unwrap_err();
        assert_eq!(early.kind(), ErrorKind::Transient, "{body}");
        assert_eq!(early.retry(), Retry::After(std::time::Duration::from_secs(900)));
    }
    house.clock.advance(TimeDelta::minutes(15));
    assert_eq!(house.fedex.recover_label(&intent()).await.unwrap(), Recovery::Absent);
}

#[tokio::test(start_paused = true)]
async fn the_settling_time_begins_anew_with_every_sending() {
    let house = house();
    let nothing = r#"{"errors":[{"code":"TRACKING.REFERENCENUMBER.NOTFOUND"}]}"#;
    house.carrier.says(REFERENCES, Says::text(404, nothing));
    house.clock.advance(TimeDelta::minutes(20));
    let again = LabelIntent { sent_at: noon() + TimeDelta::minutes(16), ..intent() };
    let early = house.fedex.recover_label(&again).await.unwrap_err();
    assert_eq!(early.retry(), Retry::After(std::time::Duration::from_secs(660)));
    // One shipment that was given back is no proof about the second sending.
    house.carrier.says(REFERENCES, found("794953535000", "CA"));
    assert_eq!(house.fedex.recover_label(&again).await.unwrap_err().kind(), ErrorKind::Transient);
    house.clock.advance(TimeDelta::minutes(11));
    assert_eq!(house.fedex.recover_label(&again).await.unwrap(), Recovery::Absent);
}

#[tokio::test(start_paused = true)]
async fn only_the_carriers_own_words_mean_that_nothing_was_sold() {
    let house = house();
    house.clock.advance(TimeDelta::hours(1));
    let of =
        |result: Value| json!({"output": {"completeTrackResults": [{"trackResults": [result]}]}});
    let unavailable = of(json!({"error": {"code": "SYSTEM.UNAVAILABLE.EXCEPTION"}})).to_string();
    let incomplete = of(json!({"error": {"code": "REFERENCETYPE.INCOMPLETE"}})).to_string();
    let none = json!({"error": {"code": "TRACKING.REFERENCENUMBER.NOTFOUND"}});
    let odd = json!({"output": {"completeTrackResults": [{"trackResults": [none, "?"]}]}});
    let odd = odd.to_string();
    let nameless = of(json!({"scanEvents": [], "latestStatusDetail": {"code": "OC"}})).to_string();
    for (status, body) in [
        (200, unavailable.as_str()),
        (200, incomplete.as_str()),
        (200, nameless.as_str()),
        (200, r#"{"output":{"completeTrackResults":null}}"#),
        (200, r#"{"output":{"completeTrackResults":[{"trackResults":[]}]}}"#),
        (200, r#"{"output":{"completeTrackResults":["?"]}}"#),
        (200, odd.as_str()),
        (200, r#"{"output":{}}"#),
        (200, r#"{"output":[]}"#),
        (200, "<html>"),
        (404, "<html>no such page</html>"),
        (404, r#"{"errors":[{"code":"NOT.FOUND.ERROR"}]}"#),
    ] {
        house.carrier.says(REFERENCES, Says::text(status, body));
        match house.fedex.recover_label(&intent()).await {
            Ok(Recovery::Unknowable { .. }) => {}
            Err(error) if error.kind() == ErrorKind::UnexpectedAnswer => {}
            other => panic!("{status} {body}: {other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_shipment_under_a_reference_is_cancelled_by_its_own_number() {
    let house = house();
    let reference = purchase_reference_of(&house).await;
    let one = |number: &str| json!({"trackingNumberInfo": {"trackingNumber": number}});
    let both = json!({"output": {"completeTrackResults": [{
        "trackingNumber": reference, "trackResults": [one("794953535000"), one("794953535011")],
    }]}});
    house.carrier.says(REFERENCES, Says::text(200, &both.to_string()));
    house.carrier.says(CANCEL, Says::fixture(200, "ship-cancel.response.json"));
    assert_eq!(house.fedex.recover_label(&intent()).await.unwrap(), Recovery::Absent);
    let cancels = |house: &House| {
        house.carrier.calls().iter().filter(|call| call.contains("shipments/cancel")).count()
    };
    assert_eq!(cancels(&house), 2);
    assert_eq!(house.carrier.body(CANCEL)["trackingNumber"], "794953535011");

    // Later the one that is kept stays, and only the other is given back.
    let watch = house.fedex.late_duplicates().unwrap();
    let kept = [record("794953535011")];
    let given_back = watch.give_back_duplicates(&intent(), &kept).await.unwrap();
    let numbers: Vec<_> = given_back.iter().map(|one| (&*one.number, &one.still_live)).collect();
    assert_eq!(numbers, [("794953535000", &None)]);
    assert_eq!(house.carrier.body(CANCEL)["trackingNumber"], "794953535000");
}

/// The reference the purchase of [`intent`] is looked for by.
async fn purchase_reference_of(house: &House) -> Value {
    let nothing = r#"{"errors":[{"code":"TRACKING.REFERENCENUMBER.NOTFOUND"}]}"#;
    house.carrier.says(REFERENCES, Says::text(404, nothing));
    house.fedex.recover_label(&intent()).await.unwrap_err();
    house.carrier.body(REFERENCES)["referencesInformation"]["value"].clone()
}

#[tokio::test(start_paused = true)]
async fn a_found_shipment_that_cannot_be_cancelled_is_for_a_person() {
    let house = house();
    house.carrier.says(REFERENCES, found("794953535000", "PU"));
    let refused = r#"{"output":{"cancelledShipment":false,"message":"Shipment was picked up"}}"#;
    house.carrier.says(CANCEL, Says::text(200, refused));
    let Recovery::Unknowable { reason } = house.fedex.recover_label(&intent()).await.unwrap()
    else {
        panic!("a parcel under way is neither bought nor absent");
    };
    assert!(reason.contains("794953535000") && reason.contains("picked up"), "{reason}");
    // A cancelled one is no obstacle, and a fault while cancelling decides nothing.
    house.carrier.says(REFERENCES, found("794953535000", "CA"));
    assert_eq!(house.fedex.recover_label(&intent()).await.unwrap(), Recovery::Absent);
    house.carrier.says(REFERENCES, found("794953535000", "OC"));
    house.carrier.says(CANCEL, Says::text(503, ""));
    assert!(house.fedex.recover_label(&intent()).await.unwrap_err().is_passing());
}

// ---- Void ----

#[tokio::test(start_paused = true)]
async fn a_label_is_void_only_when_the_answer_says_so() {
    let house = house();
    house.carrier.says(CANCEL, Says::fixture(200, "ship-cancel.response.json"));
    let voided = house.fedex.void_label(&record("794953535000")).await.unwrap();
    assert_eq!(voided, VoidOutcome::Voided);
    house.carrier.says(CANCEL, Says::text(200, r#"{"output":{"cancelledShipment":false}}"#));
    house.carrier.says(TRACK, found("794953535000", "PU"));
    let error = house.fedex.void_label(&record("794953535000")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    // What says that it was cancelled before is success.
    house.carrier.says(TRACK, found("794953535000", "CA"));
    let again = house.fedex.void_label(&record("794953535000")).await.unwrap();
    assert_eq!(again, VoidOutcome::Voided);
    house.carrier.says(CANCEL, Says::text(200, r#"{"output":{}}"#));
    let error = house.fedex.void_label(&record("794953535000")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedAnswer);
}

// ---- Track ----

#[tokio::test(start_paused = true)]
async fn published_histories_are_read_event_by_event() {
    for (file, number) in [
        ("track-122816215025810.response.json", "122816215025810"),
        ("track-doc.response.json", "123456789012"),
        ("track-inconsistent-times.response.json", "738488882438"),
    ] {
        let house = house();
        house.carrier.says(TRACK, Says::fixture(200, file));
        expect(file, &track(&house, number).await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_captured_history_with_doubtful_times_ends_delivered() {
    let house = house();
    house.carrier.says(TRACK, Says::fixture(200, "track-inconsistent-times.response.json"));
    let TrackOutcome::Found { events, .. } = track(&house, "738488882438").await else { panic!() };
    let number = TrackingNumber::from_static("738488882438");
    let movement = fold(&FEDEX, &number, events, None);
    assert_eq!(movement.state, TransitState::Delivered);
    assert_eq!(movement.delivered_at.unwrap().to_rfc3339(), "2024-08-20T16:41:57+00:00");
}

#[tokio::test(start_paused = true)]
async fn an_odd_field_of_a_history_costs_only_itself() {
    let house = house();
    let results = json!({"output": {"completeTrackResults": [
        {"trackingNumber": 794_947_717_776_u64, "trackResults": [{
            "latestStatusDetail": "Delivered", "dateAndTimes": {"type": 7}, "error": {},
            "estimatedDeliveryTimeWindow": {"window": "today"},
            "scanEvents": [
                {"date": "2026-03-04T10:00:00-06:00", "eventType": 7, "eventDescription": true,
                 "scanLocation": "Memphis"},
                {"date": "some day", "eventType": "AR"},
                "?",
                {"date": "2026-03-03T10:00:00-06:00", "eventType": "PU", "scanLocation": {"city": 8}}]}]},
        {"trackingNumber": "399368623212", "trackResults": ["?"]},
        {"trackingNumber": "568838414941", "trackResults": [{"error": "no access", "scanEvents": []}]},
        {"trackingNumber": "797806677146", "trackResults": [{"scanEvents": ["?"]}]},
        "?"]}});
    house.carrier.says(TRACK, Says::text(200, &results.to_string()));
    let numbers = ["794947717776", "399368623212", "568838414941", "797806677146"]
        .map(TrackingNumber::from_static);
    let tracked = house.fedex.track(&numbers).await.unwrap();
    let TrackOutcome::Found { events, .. } = &tracked[0].outcome else { panic!("{tracked:?}") };
    let read: Vec<_> = events
        .iter()
        .map(|event| (event.raw_code.as_str(), event.raw_text.as_str(), event.place.as_deref()))
        .collect();
    assert_eq!(read, [("7", "true", None), ("PU", "", Some("8"))]);
    let reasons: Vec<_> = tracked[1..]
        .iter()
        .map(|answer| match &answer.outcome {
            TrackOutcome::Failed { reason, retry: false } => reason.as_str(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        reasons,
        ["the result cannot be read", "no access", "no event of the history can be read"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_delivery_without_a_scan_is_one_event_at_the_instant_that_is_given_for_it() {
    let house = house();
    let of = |status: &str, scans: Value| {
        let result = json!({"latestStatusDetail": {"code": status, "description": "Delivered",
                                "scanLocation": {"city": "CHICAGO", "stateOrProvinceCode": "IL"}},
            "dateAndTimes": [{"type": "ESTIMATED_DELIVERY", "dateTime": "2026-03-05T20:00:00-06:00"},
                             {"type": "ACTUAL_DELIVERY", "dateTime": "2026-03-04T16:20:00-06:00"}],
            "scanEvents": scans});
        json!({"output": {"completeTrackResults": [
            {"trackingNumber": "794947717776", "trackResults": [result]}]}})
    };
    let scan = |code: &str| json!({"date": "2026-03-04T16:20:00-06:00", "eventType": code});
    for (status, scans, codes) in [
        ("DL", json!([]), &["DL"][..]),
        ("DL", json!([{"date": "?", "eventType": "DL"}, scan("OD")]), &["DL", "OD"]),
        ("DL", json!([scan("DL"), scan("OD")]), &["DL", "OD"]),
        ("OD", json!([]), &[]),
    ] {
        house.carrier.says(TRACK, Says::text(200, &of(status, scans).to_string()));
        let TrackOutcome::Found { events, .. } = track(&house, "794947717776").await else {
            panic!()
        };
        let read: Vec<_> = events.iter().map(|event| event.raw_code.as_str()).collect();
        assert_eq!(read, codes);
        if let (Some(delivery), "DL") = (events.first(), status) {
            assert_eq!(delivery.milestone, orderflow::shipment::Milestone::Delivered);
            assert_eq!(delivery.time.approximate().to_rfc3339(), "2026-03-04T22:20:00+00:00");
        }
        if codes == ["DL"] {
            assert_eq!(events[0].place.as_deref(), Some("CHICAGO, IL"));
            assert_eq!(events[0].raw_text, "Delivered");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_has_thirty_numbers_and_an_outcome_for_each() {
    let house = house();
    house.carrier.says(TRACK, found("794953535000", "PU"));
    let numbers: Vec<TrackingNumber> =
        (0..61).map(|n| TrackingNumber::new(format!("7949535350{n:02}")).unwrap()).collect();
    let answers = house.fedex.track(&numbers).await.unwrap();
    assert_eq!(answers.len(), 61);
    assert_eq!(house.carrier.calls().len(), 3);
    assert!(matches!(answers[0].outcome, TrackOutcome::Found { .. }));
    assert!(matches!(answers[1].outcome, TrackOutcome::Failed { retry: true, .. }));
    house.carrier.says(TRACK, Says::fixture(400, "track-empty-number.error.json"));
    let one = track(&house, "794953535000").await;
    assert!(matches!(one, TrackOutcome::Failed { retry: false, .. }), "{one:?}");
}

#[tokio::test(start_paused = true)]
async fn tracking_may_have_credentials_of_its_own() {
    let house = house_with(|config| config.with_track_credentials("track-key", "track-secret"));
    house.carrier.says(TRACK, found("794953535000", "PU"));
    house.carrier.says(CANCEL, Says::fixture(200, "ship-cancel.response.json"));
    track(&house, "794953535000").await;
    let login = String::from_utf8(house.carrier.raw_body("/oauth/token").to_vec()).unwrap();
    assert!(login.contains("client_id=track-key") && login.contains("client_credentials"));
    house.fedex.void_label(&record("794953535000")).await.unwrap();
    let login = String::from_utf8(house.carrier.raw_body("/oauth/token").to_vec()).unwrap();
    assert!(login.contains("client_id=canary-key"), "{login}");
}

#[tokio::test(start_paused = true)]
async fn a_provider_logs_in_with_the_child_of_the_seller() {
    let house = house_with(|config| {
        config.with_grant(Grant::Provider {
            child_key: orderflow::Personal::new("child".to_owned()),
            child_secret: orderflow::Personal::new("child-secret".to_owned()),
        })
    });
    house.carrier.says(CANCEL, Says::fixture(200, "ship-cancel.response.json"));
    house.fedex.void_label(&record("794953535000")).await.unwrap();
    let login = String::from_utf8(house.carrier.raw_body("/oauth/token").to_vec()).unwrap();
    assert!(login.contains("grant_type=csp_credentials"), "{login}");
    assert!(login.contains("child_Key=child&child_secret=child-secret"), "{login}");
}

// ---- Addresses, end of day, pickups ----

#[tokio::test(start_paused = true)]
async fn an_address_is_deliverable_only_when_it_is_confirmed() {
    let answer = |attributes: Value| {
        json!({"output": {"resolvedAddresses": [{
            "streetLinesToken": ["1100 WYOMING ST", "APT 4"], "city": "SAINT LOUIS",
            "stateOrProvinceCode": "MO", "countryCode": "US",
            "parsedPostalCode": {"base": "63118", "addOn": "2628"},
            "classification": "RESIDENTIAL", "attributes": attributes,
            "customerMessage": [{"code": "X", "message": "Look twice."}, "And again."]}]}})
        .to_string()
    };
    let cases = [
        (json!({"Resolved": "true", "DPV": "true"}), AddressVerdict::Deliverable),
        (json!({"Resolved": true, "DPV": false}), AddressVerdict::Undeliverable),
        (json!({"Resolved": true}), AddressVerdict::Undeliverable),
        (json!({}), AddressVerdict::Undeliverable),
        (
            json!({"Resolved": true, "DPV": true, "SuiteRequiredButMissing": "true"}),
            AddressVerdict::UnitMissing,
        ),
        (json!({"Resolved": true, "MultipleMatches": true}), AddressVerdict::Ambiguous),
    ];
    for (attributes, verdict) in cases {
        let house = house();
        house.carrier.says(ADDRESSES, Says::text(200, &answer(attributes.clone())));
        let check = house.fedex.validate(&recipient().address).await.unwrap();
        assert_eq!(check.verdict, verdict, "{attributes}");
        assert_eq!(check.residential, Some(true));
        let standard = check.standardized.unwrap();
        assert_eq!(standard.postal_code.as_deref(), Some("63118-2628"));
        assert_eq!(standard.lines.len(), 2);
        assert_eq!(check.remarks, ["Look twice.", "And again."]);
    }
}

#[tokio::test(start_paused = true)]
async fn the_ground_day_is_closed_with_its_document() {
    let house = house();
    let answer = r#"{"transactionId":"t-1","output":{"closeDocuments":[{"type":"MANIFEST",
        "parts":[{"documentPartSequenceNumber":"0","image":"JVBERi0xLjQK"}]}]}}"#;
    house.carrier.says(CLOSE, Says::text(200, answer));
    let request = ManifestRequest {
        sender: sender(),
        mailing_date: today(),
        numbers: vec![TrackingNumber::from_static("794953535000")],
    };
    let manifest = house.fedex.create_manifest(&request).await.unwrap();
    assert_eq!((manifest.number.as_str(), manifest.labels.len()), ("t-1", 1));
    assert_eq!(manifest.documents[0].bytes.expose().as_slice(), b"%PDF-1.4\n");
    let body = house.carrier.body(CLOSE);
    assert_eq!((&body["closeReqType"], &body["closeDate"]), (&json!("GCDR"), &json!("2026-03-03")));
    // Without a form nobody knows whether there was anything to close.
    for output in [
        r#"{"closeDocuments":[]}"#,
        r#"{"alerts":[{"code":"NOTHING","message":"no shipments to close","alertType":"NOTE"}]}"#,
    ] {
        let answer = format!(r#"{{"transactionId":"t-2","output":{output}}}"#);
        house.carrier.says(CLOSE, Says::text(200, &answer));
        let error = house.fedex.create_manifest(&request).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Ambiguous, "{output}");
    }
    let nothing = ManifestRequest { numbers: Vec::new(), ..request };
    let error = house.fedex.create_manifest(&nothing).await.unwrap_err();
    assert_eq!(error.field(), Some("numbers"));
}

fn pickup(services: &[&'static str]) -> PickupRequest {
    PickupRequest {
        place: sender(),
        date: today(),
        window: Some((
            NaiveTime::from_hms_opt(14, 0, 0).unwrap(),
            NaiveTime::from_hms_opt(18, 0, 0).unwrap(),
        )),
        parcels: services
            .iter()
            .map(|code| (ServiceKey::new(FEDEX, ServiceCode::from_static(code)), 2))
            .collect(),
        weight: Grams::new(4_000),
        location: None,
        instructions: None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_pickup_is_ordered_for_one_network_and_cancelled_with_what_it_was_answered() {
    let house = house();
    house.carrier.says(PICKUPS, Says::fixture(200, "pickup-create.response.json"));
    house.carrier.says(CANCEL_PICKUP, Says::fixture(200, "pickup-cancel.response.json"));
    let ordered = house.fedex.schedule_pickup(&pickup(&[TWO_DAY])).await.unwrap();
    assert_eq!(ordered.confirmation, "3001");
    let body = house.carrier.body(PICKUPS);
    assert_eq!(body["carrierCode"], "FDXE");
    assert_eq!(body["originDetail"]["readyDateTimestamp"], "2026-03-03T14:00:00Z");
    assert_eq!(body["originDetail"]["customerCloseTime"], "18:00:00");
    house.fedex.cancel_pickup(&ordered).await.unwrap();
    let body = house.carrier.body(CANCEL_PICKUP);
    assert_eq!((&body["location"], &body["carrierCode"]), (&json!("COSA"), &json!("FDXE")));
    for (request, field) in [
        (pickup(&[TWO_DAY, "FEDEX_GROUND"]), "parcels"),
        (pickup(&[]), "parcels"),
        (PickupRequest { window: None, ..pickup(&[TWO_DAY]) }, "window"),
        (PickupRequest { location: Some("roof".into()), ..pickup(&[TWO_DAY]) }, "location"),
        (
            PickupRequest { instructions: Some("x".repeat(61)), ..pickup(&[TWO_DAY]) },
            "instructions",
        ),
    ] {
        let error = house.fedex.schedule_pickup(&request).await.unwrap_err();
        assert_eq!(error.field(), Some(field));
    }
}

// ---- Hostile answers ----

#[tokio::test(start_paused = true)]
async fn no_answer_however_damaged_makes_the_adapter_panic() {
    let files = [
        (RATES, "rate-domestic-ca.response.json"),
        (SHIP, "ship-domestic-doc.response.json"),
        (TRACK, "track-doc.response.json"),
        (CANCEL, "ship-cancel.response.json"),
    ];
    for (path, file) in files {
        let whole = super::house::fixture(file);
        for cut in (0..whole.len()).step_by(whole.len() / 40 + 1) {
            let house = house();
            let body = String::from_utf8_lossy(&whole[..cut]).into_owned();
            house.carrier.says(path, Says::text(200, &body));
            house.carrier.says(TRACK, Says::text(200, &body));
            let outcome = match path {
                RATES => house.fedex.rates(&parcel()).await.map(drop),
                SHIP => house.fedex.buy_label(&purchase("PK-1"), &key("PK-1")).await.map(drop),
                CANCEL => house.fedex.void_label(&record("794953535000")).await.map(drop),
                _ => house.fedex.track(&[TrackingNumber::from_static("1")]).await.map(drop),
            };
            assert!(outcome.is_err(), "{file} cut at {cut}");
        }
    }
}

#[test]
fn what_is_missing_of_a_configuration_is_named() {
    let transport = || std::sync::Arc::new(super::house::Carrier::default());
    let error = |config| {
        let made = orderflow::carriers::fedex::Fedex::new(config, transport());
        made.unwrap_err().field().map(str::to_owned)
    };
    assert_eq!(error(FedexConfig::new("", "s", "1")).as_deref(), Some("client_id"));
    assert_eq!(error(FedexConfig::new("k", "s", " ")).as_deref(), Some("account_number"));
    let track = FedexConfig::new("k", "s", "1").with_track_credentials("k", "");
    assert_eq!(error(track).as_deref(), Some("track_credentials"));
}
