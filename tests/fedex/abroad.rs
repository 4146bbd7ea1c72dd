//! Parcels over a border, shipments of several pieces, and news that is pushed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use orderflow::carriers::fedex::{CONNECT_PLUS, catalogue};
use orderflow::personal::Personal;
use orderflow::ports::{
    CarrierAdapter, MultiPiece, Piece, PiecesIntent, PiecesRecovery, PiecesRequest, PushNotice,
    WebhookRequest,
};
use orderflow::shipment::{
    CustomsDeclaration, CustomsItem, DocumentKind, DutiesPayer, ExportReason, LabelFormat,
    LabelRequest, RateRequest, TaxId, TaxIdOwner, TrackOutcome,
};
use orderflow::{Country, Currency, ErrorKind, Grams, Money, ServiceCode, Sku};
use serde_json::{Value, json};
use sha2::Sha256;

use super::house::{Says, canadian, fixture, house, house_with, key, noon, parcel, purchase};

const RATES: &str = "/rate/v1/rates/quotes";
const SHIP: &str = "/ship/v1/shipments";
const TRACK: &str = "/track/v1/trackingnumbers";
const CANCEL: &str = "/ship/v1/shipments/cancel";
const REFERENCES: &str = "/track/v1/referencenumbers";

fn mugs() -> CustomsDeclaration {
    CustomsDeclaration {
        invoice: Some("INV-7".to_owned()),
        ..CustomsDeclaration::sale(vec![
            CustomsItem {
                description: "Ceramic mug".to_owned(),
                units: 2,
                unit_value: Money::from_minor(1250, Currency::USD),
                unit_weight: Grams::new(200),
                origin: Country::new("MX").unwrap(),
                hs_code: Some("691200".to_owned()),
                sku: Some(Sku::from_static("MUG-1")),
            },
            CustomsItem {
                description: "Tea towel".to_owned(),
                units: 1,
                unit_value: Money::from_minor(499, Currency::USD),
                unit_weight: Grams::new(90),
                origin: Country::US,
                hs_code: None,
                sku: None,
            },
        ])
    }
}

fn abroad(customs: Option<CustomsDeclaration>) -> LabelRequest {
    let mut request = purchase("PK-1");
    request.recipient = canadian("Jo Buyer");
    request.service.service = ServiceCode::from_static(CONNECT_PLUS);
    request.customs = customs.map(Box::new);
    request
}

/// An answer for pieces with these numbers, with a commercial invoice for all.
fn sold(numbers: &[&str]) -> String {
    let label = STANDARD.encode(b"%PDF-1.4 label");
    let pieces: Vec<Value> = numbers
        .iter()
        .map(|number| {
            json!({
                "trackingNumber": number,
                "netRateAmount": 61.5,
                "packageDocuments": [
                    { "contentType": "LABEL", "docType": "PDF", "encodedLabel": label }
                ],
            })
        })
        .collect();
    json!({ "output": { "transactionShipments": [{
        "masterTrackingNumber": numbers[0],
        "shipDatestamp": "2026-03-03",
        "pieceResponses": pieces,
        "shipmentDocuments": [
            { "contentType": "COMMERCIAL_INVOICE", "docType": "PDF",
              "encodedLabel": STANDARD.encode(b"%PDF-1.4 invoice") },
            { "contentType": "MERGED_LABEL_DOCUMENTS", "docType": "PDF", "encodedLabel": label },
        ],
        "completedShipmentDetail": { "shipmentRating": {
            "actualRateType": "PAYOR_ACCOUNT_SHIPMENT",
            "shipmentRateDetails": [
                { "rateType": "PAYOR_ACCOUNT_SHIPMENT", "totalNetCharge": 61.5, "currency": "USD" }
            ],
        } },
    }] } })
    .to_string()
}

#[tokio::test(start_paused = true)]
async fn a_parcel_over_a_border_is_never_sent_without_what_customs_asks() {
    let house = house();
    let refused = house.fedex.buy_label(&abroad(None), &key("1")).await.unwrap_err();
    assert_eq!((refused.kind(), refused.field()), (ErrorKind::InvalidInput, Some("customs")));
    let request = RateRequest { recipient: canadian("Jo"), ..parcel() };
    let refused = house.fedex.rates(&request).await.unwrap_err();
    assert_eq!(refused.field(), Some("customs"));
    let mut heavy = mugs();
    heavy.items[0].units = 9;
    let refused = house.fedex.buy_label(&abroad(Some(heavy)), &key("1")).await.unwrap_err();
    assert_eq!(refused.field(), Some("customs.items.unit_weight"));
    assert!(house.carrier.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn customs_is_told_each_kind_of_goods_its_worth_its_origin_and_who_pays() {
    let house = house();
    house.carrier.says(SHIP, Says::text(200, &sold(&["794953535000"])));
    let mut declaration = mugs();
    declaration.duties = DutiesPayer::Sender;
    declaration.export_reference = Some("NO_EEI_30_37_A".to_owned());
    declaration.tax_ids = vec![
        TaxId {
            owner: TaxIdOwner::Sender,
            kind: "EORI".to_owned(),
            number: Personal::new("GB123456789000".to_owned()),
            country: None,
        },
        TaxId {
            owner: TaxIdOwner::Recipient,
            kind: "CPF".to_owned(),
            number: Personal::new("11144477735".to_owned()),
            country: None,
        },
    ];
    let label = house.fedex.buy_label(&abroad(Some(declaration)), &key("1")).await.unwrap();
    let body = house.carrier.body(SHIP);
    let shipment = &body["requestedShipment"];
    let customs = &shipment["customsClearanceDetail"];
    assert_eq!(customs["totalCustomsValue"], json!({ "amount": 29.99, "currency": "USD" }));
    assert_eq!(customs["isDocumentOnly"], false);
    assert_eq!(customs["commercialInvoice"]["shipmentPurpose"], "SOLD");
    assert_eq!(customs["commercialInvoice"]["termsOfSale"], "DDP");
    assert_eq!(
        customs["commercialInvoice"]["customerReferences"],
        json!([{ "customerReferenceType": "INVOICE_NUMBER", "value": "INV-7" }])
    );
    assert_eq!(customs["dutiesPayment"]["paymentType"], "SENDER");
    assert_eq!(
        customs["dutiesPayment"]["payor"]["responsibleParty"]["accountNumber"]["value"],
        "740561073"
    );
    assert_eq!(
        customs["commodities"],
        json!([
            {
                "description": "Ceramic mug", "countryOfManufacture": "MX",
                "harmonizedCode": "691200", "partNumber": "MUG-1",
                "quantity": 2, "quantityUnits": "PCS", "numberOfPieces": 2,
                "unitPrice": { "amount": 12.5, "currency": "USD" },
                "customsValue": { "amount": 25, "currency": "USD" },
                "weight": { "units": "LB", "value": 0.88 },
            },
            {
                "description": "Tea towel", "countryOfManufacture": "US",
                "quantity": 1, "quantityUnits": "PCS", "numberOfPieces": 1,
                "unitPrice": { "amount": 4.99, "currency": "USD" },
                "customsValue": { "amount": 4.99, "currency": "USD" },
                "weight": { "units": "LB", "value": 0.19 },
            },
        ])
    );
    assert_eq!(customs["exportDetail"]["exportComplianceStatement"], "NO_EEI_30_37_A");
    assert_eq!(shipment["shipper"]["tins"][0]["tinType"], "BUSINESS_NATIONAL");
    assert_eq!(shipment["recipients"][0]["tins"][0]["tinType"], "PERSONAL_NATIONAL");
    assert_eq!(
        shipment["shippingDocumentSpecification"]["shippingDocumentTypes"],
        json!(["COMMERCIAL_INVOICE"])
    );
    let kinds: Vec<_> = label.documents.iter().map(|document| document.kind).collect();
    assert_eq!(kinds, [DocumentKind::Label, DocumentKind::Customs]);
    // What the recipient pays is the recipient's, and papers need no invoice.
    let mut papers = mugs();
    papers.reason = ExportReason::Documents;
    house.fedex.buy_label(&abroad(Some(papers)), &key("2")).await.unwrap();
    let body = house.carrier.body(SHIP);
    let customs = &body["requestedShipment"]["customsClearanceDetail"];
    assert_eq!(customs["dutiesPayment"], json!({ "paymentType": "RECIPIENT" }));
    assert_eq!(customs["commercialInvoice"]["termsOfSale"], "DAP");
    assert_eq!(customs["isDocumentOnly"], true);
    assert!(body["requestedShipment"].get("shippingDocumentSpecification").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_quote_over_a_border_names_the_goods_and_no_ground_economy() {
    let house = house_with(|config| config.with_hub_id("5531"));
    let answer = json!({ "output": { "rateReplyDetails": [] } });
    house.carrier.says(RATES, Says::text(200, &answer.to_string()));
    let customs = Some(Box::new(mugs()));
    let request = RateRequest { recipient: canadian("Jo"), customs, ..parcel() };
    house.fedex.rates(&request).await.unwrap();
    let body = house.carrier.body(RATES);
    let shipment = &body["requestedShipment"];
    assert_eq!(shipment["customsClearanceDetail"]["commodities"].as_array().unwrap().len(), 2);
    assert!(shipment.get("smartPostInfoDetail").is_none());
    // Within the country customs is not told, whatever the request carries.
    let request = RateRequest { customs: Some(Box::new(mugs())), ..parcel() };
    house.fedex.rates(&request).await.unwrap();
    let body = house.carrier.body(RATES);
    assert!(body["requestedShipment"].get("customsClearanceDetail").is_none());
}

#[test]
fn services_over_a_border_are_none_within_the_country() {
    for service in catalogue() {
        let abroad = service.coverage.countries.is_empty();
        assert_eq!(service.coverage.excluded_countries.contains(&Country::US), abroad);
    }
}

fn lost_once() -> PiecesIntent {
    PiecesIntent { key: key("1"), request: pieces(), created_at: noon(), sent_at: noon() }
}

fn pieces() -> PiecesRequest {
    let piece = |grams, reference: &str| Piece {
        weight: Grams::new(grams),
        dimensions: None,
        references: vec![reference.to_owned()],
    };
    PiecesRequest {
        shipment: abroad(Some(mugs())),
        pieces: vec![piece(700, "PK-1"), piece(1_500, "PK-2"), piece(900, "PK-3")],
    }
}

#[tokio::test(start_paused = true)]
async fn several_pieces_are_one_purchase_with_one_price_and_a_label_each() {
    let house = house_with(|config| config.with_declared_value(true));
    let numbers = ["794953535000", "794953535011", "794953535022"];
    house.carrier.says(SHIP, Says::text(200, &sold(&numbers)));
    let mut request = pieces();
    request.shipment.value = Some(Money::from_minor(2999, Currency::USD));
    let bought = house.fedex.buy_pieces(&request, &key("1")).await.unwrap();
    assert_eq!(bought.number.as_str(), numbers[0]);
    let labels: Vec<_> = bought.labels.iter().map(|label| label.record.number.as_str()).collect();
    assert_eq!(labels, numbers);
    // Each piece repeats the price of the whole; it is paid once.
    let costs: Vec<_> = bought.labels.iter().map(|label| label.record.cost.total().ok()).collect();
    assert_eq!(costs, [Some(Money::from_minor(6150, Currency::USD)), None, None]);
    let masters: Vec<_> =
        bought.labels.iter().map(|label| label.record.carrier_reference.as_deref()).collect();
    assert_eq!(masters, [Some(numbers[0]); 3]);
    assert_eq!(bought.documents.len(), 1);
    assert_eq!(bought.documents[0].kind, DocumentKind::Customs);

    let body = house.carrier.body(SHIP);
    let shipment = &body["requestedShipment"];
    let lines = shipment["requestedPackageLineItems"].as_array().unwrap();
    let told: Vec<_> = lines
        .iter()
        .map(|line| (line["sequenceNumber"].as_u64(), line["weight"]["value"].as_f64()))
        .collect();
    assert_eq!(told, [(Some(1), Some(1.6)), (Some(2), Some(3.4)), (Some(3), Some(2.0))]);
    assert_eq!(shipment["totalPackageCount"], 3);
    assert_eq!(shipment["totalWeight"], 7.0);
    // What is declared is the worth of the whole.
    let declared: Vec<bool> =
        lines.iter().map(|line| line.get("declaredValue").is_some()).collect();
    assert_eq!(declared, [true, false, false]);
    // Every piece is found by the purchase.
    let purchases: Vec<_> =
        lines.iter().map(|line| &line["customerReferences"][0]["value"]).collect();
    assert!(purchases.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(lines[2]["customerReferences"][1]["value"], "PK-3");
}

#[tokio::test(start_paused = true)]
async fn pieces_without_a_label_each_are_no_success() {
    let house = house();
    house.carrier.says(SHIP, Says::text(200, &sold(&["794953535000", "794953535011"])));
    let error = house.fedex.buy_pieces(&pieces(), &key("1")).await.unwrap_err();
    assert!(error.is_ambiguous(), "{error:?}");
    assert!(error.to_string().contains("2 labels for 3 pieces"), "{error}");
    let mut none = pieces();
    none.pieces.clear();
    let refused = house.fedex.buy_pieces(&none, &key("1")).await.unwrap_err();
    assert_eq!(refused.field(), Some("pieces"));
    none.pieces = vec![pieces().pieces[0].clone(); 41];
    assert_eq!(none.pieces.len(), house.fedex.max_pieces() as usize + 1);
    let refused = house.fedex.buy_pieces(&none, &key("1")).await.unwrap_err();
    assert_eq!(refused.field(), Some("pieces"));
}

#[tokio::test(start_paused = true)]
async fn a_paper_that_cannot_be_read_costs_neither_the_label_nor_the_number() {
    let invoice = STANDARD.encode(b"%PDF-1.4 invoice");
    for spoilt in ["&&&".to_owned(), STANDARD.encode(b"no paper")] {
        let house = house();
        let answer = sold(&["794953535000"]).replace(&invoice, &spoilt);
        house.carrier.says(SHIP, Says::text(200, &answer));
        let label = house.fedex.buy_label(&abroad(Some(mugs())), &key("1")).await.unwrap();
        assert_eq!(label.record.number.as_str(), "794953535000");
        let kinds: Vec<_> = label.documents.iter().map(|document| document.kind).collect();
        assert_eq!(kinds, [DocumentKind::Label, DocumentKind::Other]);
        assert_eq!(label.documents[1].format, LabelFormat::Other("damaged pdf".into()));
        assert_eq!(label.documents[1].bytes.expose(), spoilt.as_bytes());

        let answer = sold(&["794953535000", "794953535011", "794953535022"]);
        house.carrier.says(SHIP, Says::text(200, &answer.replace(&invoice, &spoilt)));
        let bought = house.fedex.buy_pieces(&pieces(), &key("2")).await.unwrap();
        assert_eq!(bought.labels.len(), 3);
        assert_eq!(bought.documents[0].kind, DocumentKind::Other);
    }
}

#[tokio::test(start_paused = true)]
async fn pieces_whose_answer_was_lost_are_given_back_as_one() {
    let house = house();
    house.carrier.says(SHIP, Says::Nothing);
    let error = house.fedex.buy_pieces(&pieces(), &key("1")).await.unwrap_err();
    assert!(error.is_ambiguous());
    let found = json!({ "output": { "completeTrackResults": [{
        "trackingNumber": "794953535000",
        "trackResults": [{ "scanEvents": [
            { "date": "2026-03-03T09:00:00-06:00", "eventType": "OC", "eventDescription": "made" }
        ] }],
    }] } });
    house.carrier.says(REFERENCES, Says::text(200, &found.to_string()));
    let gone = json!({ "output": { "cancelledShipment": true } });
    house.carrier.says(CANCEL, Says::text(200, &gone.to_string()));
    let recovery = house.fedex.recover_pieces(&lost_once()).await.unwrap();
    assert_eq!(recovery, PiecesRecovery::Absent);
    assert_eq!(house.carrier.body(CANCEL)["trackingNumber"], "794953535000");

    // Every piece is found, and once one is cancelled the others are refused: their history decides.
    let piece = |number: &str, event: &str| {
        json!({ "trackingNumber": number, "trackResults": [{
            "trackingNumberInfo": { "trackingNumber": number },
            "scanEvents": [{ "date": "2026-03-03T09:00:00-06:00", "eventType": event,
                             "eventDescription": "scan" }],
        }] })
    };
    let numbers = ["794953535000", "794953535011", "794953535022"];
    let all = |event: &str| {
        let pieces = numbers.map(|number| piece(number, event));
        Says::text(200, &json!({ "output": { "completeTrackResults": pieces } }).to_string())
    };
    house.carrier.says(REFERENCES, all("OC"));
    let refused = json!({ "errors": [{ "code": "SHIPMENT.DELETE.ERROR", "message": "no" }] });
    house.carrier.says(CANCEL, Says::text(400, &refused.to_string()));
    house.carrier.says(TRACK, all("CA"));
    let recovery = house.fedex.recover_pieces(&lost_once()).await.unwrap();
    assert_eq!(recovery, PiecesRecovery::Absent);
    house.carrier.says(TRACK, all("OC"));
    let recovery = house.fedex.recover_pieces(&lost_once()).await.unwrap();
    assert!(matches!(recovery, PiecesRecovery::Unknowable { .. }), "{recovery:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_pushed_is_taken_with_its_signature_and_not_without() {
    let without = house();
    assert!(without.fedex.push().is_none());
    let house = house_with(|config| config.with_push_token("canary-token"));
    assert!(!format!("{:?}", house.fedex).contains("canary-token"));
    let push = house.fedex.push().unwrap();
    let wrapped = fixture("track-122816215025810.response.json");
    let inner: Value = serde_json::from_slice(&wrapped).unwrap();
    let bare = serde_json::to_vec(&inner["output"]).unwrap();
    for body in [&wrapped, &bare] {
        let mut mac = Hmac::<Sha256>::new_from_slice(b"canary-token").unwrap();
        mac.update(body);
        let digest = mac.finalize().into_bytes();
        let base64 = STANDARD.encode(digest);
        let hexadecimal: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        for signature in [&base64, &hexadecimal] {
            let headers = [("FDX-Signature", signature.as_str())];
            let request =
                WebhookRequest { method: "POST", path_and_query: "/push", headers: &headers, body };
            let PushNotice::Tracking(tracked) = push.receive(&request, noon()).unwrap() else {
                panic!("no news")
            };
            assert_eq!(tracked[0].number.as_str(), "122816215025810");
            assert!(matches!(tracked[0].outcome, TrackOutcome::Found { .. }));
            let mut forged = body.clone();
            forged.push(b' ');
            let request = WebhookRequest { body: &forged, ..request };
            let refused = push.receive(&request, noon()).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::AuthRejected);
        }
    }
    let unsigned =
        WebhookRequest { method: "POST", path_and_query: "/push", headers: &[], body: &wrapped };
    assert_eq!(push.receive(&unsigned, noon()).unwrap_err().kind(), ErrorKind::AuthRejected);
    let numbers = [orderflow::TrackingNumber::from_static("122816215025810")];
    assert!(push.subscribe(&numbers).await.unwrap()[0].is_ok());
}
