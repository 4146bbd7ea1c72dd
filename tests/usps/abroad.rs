//! Parcels to other countries, and those that customs sees within the country.

use orderflow::carriers::usps::{
    FIRST_CLASS_INTERNATIONAL, GROUND_ADVANTAGE, PRIORITY_MAIL_EXPRESS_INTERNATIONAL,
    PRIORITY_MAIL_INTERNATIONAL, USPS, catalogue,
};
use orderflow::client::RetryPolicy;
use orderflow::order::AddressProblem;
use orderflow::personal::Personal;
use orderflow::ports::{CarrierAdapter, PickupRequest, Pickups, Recovery, VoidLabel, VoidOutcome};
use orderflow::shipment::number::{Validity, validate};
use orderflow::shipment::{
    CustomsDeclaration, DutiesPayer, ExportReason, LabelFormat, LabelIntent, LabelRequest,
    RateRequest, ServiceKey, TaxId, TaxIdOwner,
};
use orderflow::{Country, Currency, ErrorKind, Grams, Money, ServiceCode};
use serde_json::json;

use super::answers::expect;
use super::house::{
    Fate, canned, contact, export, fixture, foreigner, house, house_with, key, mugs, noon, parcel,
    sender, today,
};

const JSON: &str = "application/json";
const COUNTER: &str = "/international-labels/v3/international-label";
const OPTIONS: &str = "/shipments/v3/options/search";

fn to_london() -> RateRequest {
    RateRequest { recipient: foreigner("GB"), customs: Some(Box::new(mugs())), ..parcel() }
}

#[tokio::test(start_paused = true)]
async fn options_to_another_country_become_quotes() {
    let file = "shipping-options-international.response.json";
    let quotes = canned(200, JSON, fixture(file)).rates(&to_london()).await.unwrap();
    expect(file, &quotes);
    let file = "shipping-options-canada.response.json";
    let quotes = canned(200, JSON, fixture(file)).rates(&to_london()).await.unwrap();
    assert_eq!(quotes.len(), 1);
    assert_eq!(quotes[0].service.service.as_str(), PRIORITY_MAIL_EXPRESS_INTERNATIONAL);
    assert_eq!(quotes[0].total.to_string(), "65.64 USD");
    // The prices API answers in another shape, without what a label call needs.
    for file in
        ["intl-prices-base-rates-list.response.json", "intl-prices-base-rates.response.json"]
    {
        let error = canned(200, JSON, fixture(file)).rates(&to_london()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedAnswer, "{file}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_price_for_entry_where_the_parcel_is_goes_before_one_for_a_service_centre() {
    let rate = |facility: &str, price: f64| {
        json!({"totalBasePrice": price, "rates": [{
            "mailClass": PRIORITY_MAIL_INTERNATIONAL, "rateIndicator": "SP",
            "destinationEntryFacilityType": facility, "price": price,
        }]})
    };
    let body = json!({"pricingOptions": [{"shippingOptions": [{
        "mailClass": PRIORITY_MAIL_INTERNATIONAL,
        "rateOptions": [rate("INTERNATIONAL_SERVICE_CENTER", 30.5), rate("NONE", 41.25)],
    }]}]});
    let quotes = canned(200, JSON, body.to_string()).rates(&to_london()).await.unwrap();
    assert_eq!(quotes.len(), 1);
    assert_eq!(quotes[0].total.to_string(), "41.25 USD");
}

#[tokio::test(start_paused = true)]
async fn a_quote_abroad_is_asked_in_one_call_and_is_what_the_label_costs() {
    let house = house();
    let quotes = house.usps.rates(&to_london()).await.unwrap();
    assert_eq!(house.wire.count(OPTIONS), 1);
    assert_eq!(
        house.wire.body(OPTIONS),
        json!({
            "pricingOptions": [{
                "priceType": "COMMERCIAL",
                "paymentAccount": {"accountType": "EPS", "accountNumber": "1000123456"},
            }],
            "originZIPCode": "60601",
            "foreignPostalCode": "W1A 1AA",
            "destinationCountryCode": "GB",
            "packageDescription": {
                "weight": 1.5433, "length": 9.06, "width": 5.91, "height": 2.37,
                "mailClass": "ALL", "mailingDate": "2026-03-03",
            },
        })
    );
    let classes: Vec<_> = quotes.iter().map(|quote| quote.service.service.as_str()).collect();
    assert_eq!(
        classes,
        [
            FIRST_CLASS_INTERNATIONAL,
            PRIORITY_MAIL_EXPRESS_INTERNATIONAL,
            PRIORITY_MAIL_INTERNATIONAL
        ]
    );
    for quote in quotes {
        let code = quote.service.service.as_str().to_owned();
        let request = LabelRequest { service: quote.service, token: quote.token, ..export("PK-1") };
        let label = house.usps.buy_label(&request, &key(&code)).await.unwrap();
        assert_eq!(label.record.cost.total().unwrap(), quote.total);
        assert_eq!(label.record.service.as_str(), code);
        assert_eq!(validate("usps", label.record.number.as_str()), Validity::Valid);
        assert_eq!(label.record.number.as_str().len(), 13);
    }
    // A packet ends at four pounds; nowhere is not offered; nor are duties paid by the sender.
    let heavy = RateRequest { weight: Grams::new(5_000), ..to_london() };
    assert_eq!(house.usps.rates(&heavy).await.unwrap().len(), 2);
    let mut prepaid = to_london();
    prepaid.customs.as_mut().unwrap().duties = DutiesPayer::Sender;
    assert!(house.usps.rates(&prepaid).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_country_without_mail_is_not_offered_and_one_that_does_not_exist_is_named() {
    let no_group = json!({"error": {"errors": [{"code": "030013"}]}}).to_string();
    assert!(canned(400, JSON, no_group).rates(&to_london()).await.unwrap().is_empty());
    let nowhere = RateRequest { recipient: foreigner("ZZ"), ..to_london() };
    let error = house().usps.rates(&nowhere).await.unwrap_err();
    assert_eq!(error.field(), Some("recipient.address.country"));
}

#[tokio::test(start_paused = true)]
async fn a_purchase_abroad_is_written_as_the_specification_says() {
    let house = house();
    let mut request = export("PK-1");
    request.references.push("ORDER 7".into());
    let customs = request.customs.as_mut().unwrap();
    let tax_id = |owner, kind: &str, number: &str| TaxId {
        owner,
        kind: kind.to_owned(),
        number: Personal::new(number.to_owned()),
        country: None,
    };
    customs.tax_ids = vec![
        tax_id(TaxIdOwner::Sender, "IOSS", "IM0123456789"),
        tax_id(TaxIdOwner::Recipient, "CPF", "11144477735"),
    ];
    house.usps.buy_label(&request, &key("PK-1")).await.unwrap();
    let expected = json!({
        "imageInfo": {"imageType": "PDF", "labelType": "4X6LABEL"},
        "toAddress": {
            "firstName": "Jo", "lastName": "Buyer", "streetAddress": "10 Kendall Lane",
            "city": "London", "postalCode": "W1A 1AA", "province": "Greater London",
            "country": "United Kingdom", "countryISOAlpha2Code": "GB", "phone": "+442079460000",
        },
        "fromAddress": {
            "firstName": "Wanda", "lastName": "Shipper", "firm": "Wanda Shipper",
            "streetAddress": "1 Depot Road", "city": "Chicago", "state": "IL",
            "ZIPCode": "60601", "phone": "5550100199",
        },
        "packageDescription": {
            "weightUOM": "lb", "weight": 1.5433, "dimensionsUOM": "in",
            "length": 9.06, "width": 5.91, "height": 2.37,
            "mailClass": "PRIORITY_MAIL_INTERNATIONAL", "processingCategory": "MACHINABLE",
            "destinationEntryFacilityType": "NONE", "rateIndicator": "SP",
            "mailingDate": "2026-03-03",
            "customerReference": [{"referenceNumber": "PK-1"}, {"referenceNumber": "ORDER 7"}],
        },
        "customsForm": {
            "customsContentType": "MERCHANDISE",
            "AESITN": "NO EEI 30.37(a)",
            "invoiceNumber": "INV-7",
            "importersReference": {"referenceType": "TAX_CODE", "reference": "11144477735"},
            "exportersReference": {"referenceType": "VAT_NUMBER", "reference": "IM0123456789"},
            "contents": [
                {
                    "itemDescription": "Ceramic mug", "itemQuantity": 2, "itemTotalValue": 25,
                    "weightUOM": "lb", "itemTotalWeight": 0.8818,
                    "HSTariffNumber": "691200", "countryofOrigin": "MX",
                },
                {
                    "itemDescription": "Tea towel", "itemQuantity": 1, "itemTotalValue": 4.99,
                    "weightUOM": "lb", "itemTotalWeight": 0.1984, "countryofOrigin": "US",
                },
            ],
        },
    });
    assert_eq!(house.wire.body(COUNTER), expected);
}

#[tokio::test(start_paused = true)]
async fn every_reason_for_export_has_its_content_type() {
    let house = house();
    for (reason, content_type) in [
        (ExportReason::Sale, "MERCHANDISE"),
        (ExportReason::Gift, "GIFT"),
        (ExportReason::Sample, "COMMERCIAL_SAMPLE"),
        (ExportReason::Return, "RETURNED_GOODS"),
        (ExportReason::Repair, "OTHER"),
        (ExportReason::Documents, "DOCUMENT"),
    ] {
        let mut request = export("PK-1");
        request.customs.as_mut().unwrap().reason = reason;
        house.usps.buy_label(&request, &key(content_type)).await.unwrap();
        let form = &house.wire.body(COUNTER)["customsForm"];
        assert_eq!(form["customsContentType"], content_type);
        // "Required when customsContentType is OTHER."
        assert_eq!(form.get("contentComments").is_some(), content_type == "OTHER");
    }
}

#[tokio::test(start_paused = true)]
async fn what_customs_could_not_use_is_refused_with_its_field_before_anything_is_sent() {
    type Spoil = fn(&mut CustomsDeclaration);
    let cases: [(Spoil, &str); 11] = [
        (|c| c.items.clear(), "customs.items"),
        (|c| c.items = vec![c.items[1].clone(); 31], "customs.items.unit_weight"),
        (|c| c.items[0].description = "x".repeat(31), "customs.items.description"),
        (|c| c.items[0].description = "Merchandise".into(), "customs.items.description"),
        (|c| c.items[0].description.push('\u{202e}'), "customs.items.description"),
        (|c| c.items[0].units = 9, "customs.items.unit_weight"),
        (
            |c| {
                for item in &mut c.items {
                    item.unit_value.currency = Currency::MXN;
                }
            },
            "customs.items.unit_value",
        ),
        (|c| c.export_reference = None, "customs.export_reference"),
        (|c| c.export_reference = Some("x".repeat(36)), "customs.export_reference"),
        (|c| c.duties = DutiesPayer::Sender, "customs.duties"),
        (
            |c| {
                let id = TaxId {
                    owner: TaxIdOwner::Sender,
                    kind: "VAT".into(),
                    number: Personal::new("1".into()),
                    country: None,
                };
                c.tax_ids = vec![id.clone(), id];
            },
            "customs.tax_ids",
        ),
    ];
    let house = house();
    for (index, (spoil, field)) in cases.into_iter().enumerate() {
        let mut request = export("PK-1");
        spoil(request.customs.as_mut().unwrap());
        let error = house.usps.buy_label(&request, &key("PK-1")).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.field()),
            (ErrorKind::InvalidInput, Some(field)),
            "{index}: {error}"
        );
    }
    let mut many = export("PK-1");
    let customs = many.customs.as_mut().unwrap();
    customs.items = vec![customs.items[1].clone(); 31];
    customs.items.iter_mut().for_each(|item| item.unit_weight = Grams::new(1));
    let mut unmeasured = export("PK-1");
    unmeasured.dimensions = None;
    let mut undeclared = export("PK-1");
    undeclared.customs = None;
    let mut crowded = export("PK-1");
    crowded.references = ["1", "2", "3"].map(str::to_owned).to_vec();
    let mut domestic = export("PK-1");
    domestic.service.service = ServiceCode::from_static(GROUND_ADVANTAGE);
    let mut inland = export("PK-1");
    inland.recipient = contact("Joe Q. Buyer", "1 Main St", "Saint Louis", "MO", "63118");
    for (request, field) in [
        (many, "customs.items"),
        (unmeasured, "dimensions"),
        (undeclared, "customs"),
        (crowded, "references"),
        (domestic, "service"),
        (inland, "service"),
    ] {
        let error = house.usps.buy_label(&request, &key("PK-1")).await.unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some(field)));
    }
    for format in [LabelFormat::Png, LabelFormat::Epl, LabelFormat::Other("SVG".into())] {
        let request = LabelRequest { format, ..export("PK-1") };
        let error = house.usps.buy_label(&request, &key("PK-1")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }
    assert!(house.wire.seen.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_exporters_own_exemption_stands_in_and_a_long_invoice_number_is_left_out() {
    let house = house_with(|config| config.with_export_exemption("NO EEI 30.36"));
    let mut request = export("PK-1");
    let customs = request.customs.as_mut().unwrap();
    customs.export_reference = None;
    customs.invoice = Some("2000003508419013-1".to_owned());
    house.usps.buy_label(&request, &key("PK-1")).await.unwrap();
    let form = &house.wire.body(COUNTER)["customsForm"];
    assert_eq!(form["AESITN"], "NO EEI 30.36");
    assert!(form.get("invoiceNumber").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_foreign_address_is_fitted_between_words_or_named_as_too_long() {
    let house = house();
    let mut request = export("PK-1");
    let long = "1234 Northwest Extraordinarily Long Boulevard Building Seven Floor Twelve";
    request.recipient.address.lines = vec![long.into()];
    request.recipient.address.state = None;
    request.recipient.address.postal_code = None;
    request.recipient.address.country = Country::new("HK");
    house.usps.buy_label(&request, &key("PK-1")).await.unwrap();
    let to = &house.wire.body(COUNTER)["toAddress"];
    assert_eq!(to["streetAddress"], "1234 Northwest Extraordinarily Long Boulevard");
    assert_eq!(to["secondaryAddress"], "Building Seven Floor Twelve");
    assert!(to.get("postalCode").is_none() && to.get("province").is_none());

    type Spoil = fn(&mut orderflow::Address);
    let cases: [(Spoil, &str, AddressProblem); 6] = [
        (|a| a.city = "x".repeat(29), "recipient.address.city", AddressProblem::TooLong),
        (|a| a.city.clear(), "recipient.address.city", AddressProblem::Incomplete),
        (|a| a.state = Some("x".repeat(41)), "recipient.address.state", AddressProblem::TooLong),
        (
            |a| a.postal_code = Some("123456789012".into()),
            "recipient.address.postal_code",
            AddressProblem::TooLong,
        ),
        (
            |a| {
                a.country = Country::new("CA").filter(|_| {
                    a.postal_code = None;
                    true
                })
            },
            "recipient.address.postal_code",
            AddressProblem::Incomplete,
        ),
        (|a| a.lines = vec!["1 M*** St".into()], "recipient.address", AddressProblem::Masked),
    ];
    for (spoil, field, problem) in cases {
        let mut request = export("PK-1");
        spoil(&mut request.recipient.address);
        let error = house.usps.buy_label(&request, &key("PK-2")).await.unwrap_err();
        let source = std::error::Error::source(&error).unwrap();
        let misfit = source.downcast_ref::<orderflow::carriers::usps::AddressMisfit>().unwrap();
        assert_eq!((error.field(), misfit.problem), (Some(field), problem));
    }
    // The sender posts from within the country.
    let mut request = export("PK-1");
    request.sender = foreigner("GB");
    let error = house.usps.buy_label(&request, &key("PK-2")).await.unwrap_err();
    assert_eq!(error.field(), Some("sender.address.country"));
}

#[tokio::test(start_paused = true)]
async fn published_answers_of_the_international_counter_are_read() {
    for file in ["intl-label.response.json", "intl-label-reprint.response.json"] {
        for status in [200, 201] {
            let usps = canned(status, "application/vnd.usps.labels+json", fixture(file));
            let label = usps.buy_label(&export("PK-1"), &key("PK-1")).await.unwrap();
            assert_eq!(label.record.number.as_str(), "EZ000012162US");
            assert_eq!(label.record.cost.postage.to_string(), "286.03 USD");
            let extras: Vec<_> =
                label.record.cost.extras.iter().map(|extra| extra.name.as_str()).collect();
            let battery = "HAZMAT Class 9 - Lithium batteries, unmarked package";
            assert_eq!(extras, ["Hazardous Material", battery]);
            assert!(label.documents[0].bytes.expose().starts_with(b"\x89PNG"));
        }
    }
    let record = house().usps.buy_label(&export("PK-1"), &key("PK-1")).await.unwrap().record;
    let refund = canned(200, JSON, fixture("intl-label-cancel-refund.response.json"));
    assert_eq!(
        refund.void_label(&record).await.unwrap(),
        VoidOutcome::RefundRequested { reference: Some("103789".into()) }
    );
    let unknown = canned(400, JSON, fixture("intl-label-cancel-not-found.error.json"));
    assert_eq!(unknown.void_label(&record).await.unwrap_err().kind(), ErrorKind::Rejected);
}

#[tokio::test(start_paused = true)]
async fn a_label_abroad_is_charged_once_found_by_its_key_and_given_back() {
    let house = house_with(|config| config.with_retry(RetryPolicy::none()));
    let intent = |reference: &str| LabelIntent {
        key: key(reference),
        request: export(reference),
        created_at: noon(),
        sent_at: noon(),
    };
    house.wire.next(COUNTER, Fate::LoseAnswer);
    let error = house.usps.buy_label(&export("PK-1"), &key("PK-1")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Ambiguous);
    let Recovery::Found(found) = house.usps.recover_label(&intent("PK-1")).await.unwrap() else {
        panic!("the label was sold")
    };
    assert_eq!(house.ledger.labels()[0].number, found.record.number.as_str());
    let absent = house.usps.recover_label(&intent("PK-2")).await.unwrap();
    assert_eq!(absent, Recovery::Absent);
    let again = house.usps.buy_label(&export("PK-1"), &key("PK-1")).await.unwrap();
    assert_eq!((again.record, house.ledger.labels().len()), (found.record.clone(), 1));

    assert_eq!(house.usps.void_label(&found.record).await.unwrap(), VoidOutcome::Voided);
    assert_eq!(house.usps.void_label(&found.record).await.unwrap(), VoidOutcome::Voided);
    assert!(house.ledger.labels()[0].voided_at.is_some());
    assert_eq!(house.wire.count("/labels/v3/label"), 0, "all of it went over its own counter");

    let zpl = LabelRequest { format: LabelFormat::Zpl, ..export("PK-3") };
    let label = house.usps.buy_label(&zpl, &key("PK-3")).await.unwrap();
    assert!(label.documents[0].bytes.expose().starts_with(b"^XA"));
    let tracked = house.usps.track(&[label.record.number]).await.unwrap();
    assert!(matches!(tracked[0].outcome, orderflow::shipment::TrackOutcome::Found { .. }));
}

/// A soldier at a military post office.
fn soldier() -> LabelRequest {
    let mut request = super::house::purchase("PK-1");
    request.recipient = contact("Nick Fury", "PSC 123 BOX 1234", "APO", "AE", "09008-0041");
    request
}

#[tokio::test(start_paused = true)]
async fn a_military_post_office_gets_a_customs_form_in_the_domestic_label() {
    let house = house();
    let error = house.usps.buy_label(&soldier(), &key("1")).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("customs")));
    let mut declared = soldier();
    let mut customs = mugs();
    // Not asked for there.
    customs.export_reference = None;
    customs.tax_ids = vec![TaxId {
        owner: TaxIdOwner::Sender,
        kind: "EIN".into(),
        number: Personal::new("12-3456789".into()),
        country: None,
    }];
    declared.customs = Some(Box::new(customs));
    house.usps.buy_label(&declared, &key("1")).await.unwrap();
    let body = house.wire.body("/labels/v3/label");
    assert_eq!(body["customsForm"]["contents"][0]["itemDescription"], "Ceramic mug");
    assert_eq!(body["customsForm"]["exportersReference"], "12-3456789");
    assert!(body["customsForm"].get("AESITN").is_none());
    assert_eq!(body["fromAddress"]["firm"], "Wanda Shipper");
    assert_eq!(body["toAddress"]["state"], "AE");
    assert_eq!(body["imageInfo"]["receiptOption"], "NONE");
    let png = LabelRequest { format: LabelFormat::Png, ..declared };
    let error = house.usps.buy_label(&png, &key("2")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[tokio::test(start_paused = true)]
async fn territories_behind_a_customs_line_need_a_form_and_the_others_do_not() {
    let house = house();
    for (state, zip, country, needed) in [
        ("GU", "96910", "US", true),
        ("", "96910", "GU", true),
        ("AS", "96799", "US", true),
        ("", "96950", "MP", true),
        ("", "96940", "PW", true),
        ("PR", "00901", "US", false),
        ("", "00901", "PR", false),
        ("VI", "00802", "US", false),
        ("HI", "96813", "US", false),
    ] {
        let mut request = super::house::purchase("PK-1");
        request.recipient = contact("Joe Buyer", "1 Main St", "Town", state, zip);
        request.recipient.address.country = Country::new(country);
        let bought = house.usps.buy_label(&request, &key(zip)).await;
        assert_eq!(bought.is_err(), needed, "{state} {zip} {country} {bought:?}");
        let declared = LabelRequest { customs: Some(Box::new(mugs())), ..request };
        house.usps.buy_label(&declared, &key(&format!("{state}{zip}"))).await.unwrap();
        let told = house.wire.body("/labels/v3/label").get("customsForm").is_some();
        assert_eq!(told, needed || state == "VI", "{state} {zip} {country}");
    }
    // Within one of them there is no line to cross; out of one there is.
    let guam = |name: &str| contact(name, "1 Main St", "Hagatna", "GU", "96910");
    let mut local = super::house::purchase("PK-1");
    (local.sender, local.recipient) = (guam("Wanda Shipper"), guam("Joe Buyer"));
    house.usps.buy_label(&local, &key("local")).await.unwrap();
    local.recipient = super::house::recipient();
    let error = house.usps.buy_label(&local, &key("out")).await.unwrap_err();
    assert_eq!(error.field(), Some("customs"));
}

#[test]
fn services_to_other_countries_are_none_within_the_country() {
    for service in catalogue() {
        let abroad = service.coverage.countries.is_empty();
        for code in ["US", "PR", "GU", "PW"] {
            let left_out =
                service.coverage.excluded_countries.contains(&Country::new(code).unwrap());
            assert_eq!(left_out, abroad, "{} {code}", service.name);
        }
    }
    let packet = ServiceCode::from_static(FIRST_CLASS_INTERNATIONAL);
    let packet = catalogue().into_iter().find(|service| service.key.service == packet).unwrap();
    assert_eq!(packet.max_value, Some(Money::from_minor(40_000, Currency::USD)));
}

#[tokio::test(start_paused = true)]
async fn parcels_to_other_countries_are_counted_as_such_for_the_driver() {
    let house = house();
    let service = |code| ServiceKey::new(USPS, ServiceCode::new(code).unwrap());
    let request = PickupRequest {
        place: sender(),
        date: today(),
        window: None,
        parcels: vec![
            (service("First-Class Package International Service"), 2),
            (service(PRIORITY_MAIL_INTERNATIONAL), 1),
        ],
        weight: Grams::new(4_000),
        location: None,
        instructions: None,
    };
    house.usps.schedule_pickup(&request).await.unwrap();
    assert_eq!(
        house.wire.body("/pickup/v3/carrier-pickup")["packages"],
        json!([{"packageType": "INTERNATIONAL", "packageCount": 3}])
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_personal_leaves_through_the_errors_of_an_export() {
    let house = house();
    let mut request = export("PK-1");
    request.recipient.address.lines = vec!["canary-street".repeat(9).as_str().into()];
    request.customs.as_mut().unwrap().tax_ids = vec![TaxId {
        owner: TaxIdOwner::Recipient,
        kind: "CPF".into(),
        number: Personal::new("canary-number".repeat(4)),
        country: None,
    }];
    let error = house.usps.buy_label(&request, &key("1")).await.unwrap_err();
    assert_eq!(error.field(), Some("customs.tax_ids.number"));
    let text = format!("{error} {error:?}");
    request.customs.as_mut().unwrap().tax_ids.clear();
    let error = house.usps.buy_label(&request, &key("1")).await.unwrap_err();
    assert_eq!(error.field(), Some("recipient.address.lines"));
    let text = format!("{text} {error} {error:?}");
    assert!(!text.contains("canary"), "{text}");
}

#[cfg(feature = "conformance")]
mod suite {
    //! The suite for carriers with a parcel to another country.

    use std::sync::Arc;

    use async_trait::async_trait;
    use orderflow::carriers::usps::Usps;
    use orderflow::conformance::carriers;
    use orderflow::ports::{
        CarrierAdapter, CarrierLimits, Manifests, Pickups, Recovery, TrackingPush, VoidLabel,
    };
    use orderflow::shipment::{Label, LabelIntent, LabelRequest, RateQuote, RateRequest, Tracked};
    use orderflow::{CarrierId, IdempotencyKey, Result, TrackingNumber};

    use super::{export, house, noon, to_london};

    /// The carrier without its check of addresses, which knows those of the country only.
    #[derive(Debug)]
    struct WithoutAddresses(Usps);

    #[async_trait]
    impl CarrierAdapter for WithoutAddresses {
        fn carrier(&self) -> CarrierId {
            self.0.carrier()
        }

        fn limits(&self) -> CarrierLimits {
            self.0.limits()
        }

        async fn rates(&self, request: &RateRequest) -> Result<Vec<RateQuote>> {
            self.0.rates(request).await
        }

        async fn buy_label(&self, request: &LabelRequest, key: &IdempotencyKey) -> Result<Label> {
            self.0.buy_label(request, key).await
        }

        async fn recover_label(&self, intent: &LabelIntent) -> Result<Recovery> {
            self.0.recover_label(intent).await
        }

        async fn track(&self, numbers: &[TrackingNumber]) -> Result<Vec<Tracked>> {
            self.0.track(numbers).await
        }

        fn tracking_url(&self, number: &TrackingNumber) -> Option<String> {
            self.0.tracking_url(number)
        }

        fn void(&self) -> Option<&dyn VoidLabel> {
            self.0.void()
        }

        fn manifests(&self) -> Option<&dyn Manifests> {
            self.0.manifests()
        }

        fn pickups(&self) -> Option<&dyn Pickups> {
            self.0.pickups()
        }

        fn push(&self) -> Option<&dyn TrackingPush> {
            self.0.push()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_suite_for_carriers_passes_with_a_parcel_to_another_country() {
        let house = house();
        let fixture = carriers::Fixture {
            rate: to_london(),
            label: Box::new(|offer, number| LabelRequest {
                service: offer.service.clone(),
                token: offer.token.clone(),
                ..export(&format!("PK-{number}"))
            }),
            now: noon(),
            pushed: None,
        };
        let report = carriers::run(Arc::new(WithoutAddresses(house.usps)), &fixture).await;
        report.assert_passed();
        let missing =
            ["it sells labels", "no ability addresses", "no ability pieces", "no ability push"];
        assert_eq!(report.skipped_because(), missing.into(), "{report}");
        assert!(!house.ledger.labels().is_empty());
    }
}
