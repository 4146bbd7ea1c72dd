//! The counter: quotes, addresses, labels, forms and pickups.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use http::header::{CONTENT_TYPE, ETAG, IF_MATCH};
use http::{HeaderMap, HeaderValue, StatusCode};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::abroad;
use super::rates::{self, Offer, Parcel, dollars};
use super::{
    Answer, Asked, End, PickupOrder, Sold, State, answer, bad_request, paper, refusal, wants_json,
};
use crate::money::{Currency, Money};
use crate::sandbox::{Ledger, SoldLabel};

pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn read_date(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text.get(..10)?, "%Y-%m-%d").ok()
}

/// ZIPs nobody has been given.
pub(super) fn is_unknown_zip(zip: &str) -> bool {
    zip.len() < 5 || matches!(zip.get(..5), Some("00000" | "99999"))
}

/// `POST /options/search`.
pub(super) fn options(asked: &Asked<'_>, now: DateTime<Utc>) -> Answer {
    let Ok(body) = serde_json::from_slice::<Value>(asked.body) else {
        return bad_request("", "the body is not JSON", "");
    };
    if body.get("destinationCountryCode").is_some() {
        return abroad::options(&body);
    }
    let (origin, destination) = (text(&body, "/originZIPCode"), text(&body, "/destinationZIPCode"));
    if is_unknown_zip(origin) || is_unknown_zip(destination) {
        let detail = "Could not find zone from provided ZIPs, date, and mail class";
        return bad_request("030001", detail, "destinationZIPCode");
    }
    let description = body.get("packageDescription").cloned().unwrap_or_default();
    if let Some(refused) = lacks_size(&description) {
        return refused;
    }
    let parcel = Parcel::read(rates::zone(origin, destination), &description);
    if parcel.is_too_heavy() {
        let detail = "Package weight does not qualify for this product.";
        return bad_request("030004", detail, "packageDescription.weight");
    }
    let mailing = read_date(text(&description, "/mailingDate")).unwrap_or(now.date_naive());
    let price_type = body.pointer("/pricingOptions/0/priceType").cloned().unwrap_or_default();
    answer(
        StatusCode::OK,
        &json!({
            "originZIPCode": origin,
            "destinationZIPCode": destination,
            "pricingOptions": rates::options(&price_type, parcel, Some(mailing)),
        }),
    )
}

/// A refusal unless weight and sides are there.
pub(super) fn lacks_size(description: &Value) -> Option<Answer> {
    ["weight", "length", "width", "height"]
        .into_iter()
        .find(|side| {
            !description.get(side).is_some_and(|side| side.as_f64().is_some_and(|side| side > 0.0))
        })
        .map(|side| {
            let detail = "One or more required field(s) are missing from the request";
            bad_request("030010", detail, &format!("packageDescription.{side}"))
        })
}

/// `GET /address`.
pub(super) fn address(asked: &Asked<'_>) -> Answer {
    let given = |name: &str| asked.query_value(name).unwrap_or_default();
    let (street, secondary) = (given("streetAddress"), given("secondaryAddress"));
    let (city, state, zip) = (given("city"), given("state"), given("ZIPCode"));
    if street.trim().is_empty() || is_unknown_zip(&zip) {
        return bad_request("010005", "Address Not Found", "streetAddress");
    }
    if street.contains("Several") {
        let detail = "Multiple addresses were found for the information you entered, and no \
            default exists.";
        return bad_request("010006", detail, "streetAddress");
    }
    let lacks_unit = street.contains("Tower") && secondary.is_empty();
    let dpv = if !street.bytes().any(|byte| byte.is_ascii_digit()) {
        "N"
    } else if lacks_unit {
        "D"
    } else {
        "Y"
    };
    let corrections = if lacks_unit {
        json!([{"code": "32", "text": "Default address: The address you entered was found but more \
            information is needed (such as an apartment, suite, or box number)."}])
    } else {
        json!([{"code": "", "text": ""}])
    };
    let yes_no = |yes: bool| if yes { "Y" } else { "N" };
    answer(
        StatusCode::OK,
        &json!({
            "firm": null,
            "address": {
                "streetAddress": street.to_uppercase(),
                "streetAddressAbbreviation": null,
                "secondaryAddress": if secondary.is_empty() {
                    Value::Null
                } else {
                    secondary.to_uppercase().into()
                },
                "city": city.to_uppercase(),
                "cityAbbreviation": null,
                "state": state,
                "postalCode": null,
                "province": null,
                "ZIPCode": zip,
                "ZIPPlus4": "3704",
                "urbanization": null,
                "country": null,
                "countryISOCode": null,
            },
            "additionalInfo": {
                "deliveryPoint": "20",
                "carrierRoute": if street.contains("Phantom") { "R777" } else { "C036" },
                "DPVConfirmation": dpv,
                "DPVCMRA": "N",
                "business": "N",
                "centralDeliveryPoint": "N",
                "vacant": yes_no(street.contains("Vacant")),
            },
            "corrections": corrections,
            "matches": [{"code": "31", "text": "Single Response - exact match"}],
        }),
    )
}

/// Weights 3, 1, 3, 1 … from the right: what is missing to the next ten.
fn check_digit(body: &str) -> u32 {
    let sum: u32 = body
        .bytes()
        .rev()
        .zip([3, 1].into_iter().cycle())
        .map(|(digit, weight)| u32::from(digit.saturating_sub(b'0')) * weight)
        .sum();
    (10 - sum % 10) % 10
}

/// City, state and ZIP of an address, and why it cannot be sent to.
fn read_place(body: &Value, role: &str) -> Result<[String; 3], Box<Answer>> {
    let part = |name: &str| text(body, &format!("/{role}/{name}")).trim().to_owned();
    let (street, city, state, zip) =
        (part("streetAddress"), part("city"), part("state"), part("ZIPCode"));
    let parameter = |name: &str| format!("{role}.{name}");
    check_lines(body, role)?;
    if street.is_empty() || city.is_empty() || is_unknown_zip(&zip) {
        return Err(Box::new(bad_request(
            "010005",
            "Address Not Found",
            &parameter("streetAddress"),
        )));
    }
    if street.contains("Phantom") {
        let detail = "Address supplied is not a deliverable address: R777 Phantom Route physical \
            address is not deliverable.";
        return Err(Box::new(bad_request("160320", detail, &parameter("streetAddress"))));
    }
    if zip.len() != 5 || state.len() != 2 {
        return Err(Box::new(bad_request("010002", "Invalid ZIP Code", &parameter("ZIPCode"))));
    }
    Ok([city, state, zip])
}

/// A refusal unless there is a name and every line fits.
pub(super) fn check_lines(body: &Value, role: &str) -> Result<(), Box<Answer>> {
    let part = |name: &str| text(body, &format!("/{role}/{name}")).trim().to_owned();
    let has_name =
        !part("firm").is_empty() || (!part("firstName").is_empty() && !part("lastName").is_empty());
    if !has_name {
        let detail = "must provide either first and last name or firm";
        return Err(Box::new(bad_request("160168", detail, role)));
    }
    for (field, value, longest) in [
        ("streetAddress", part("streetAddress"), 50),
        ("secondaryAddress", part("secondaryAddress"), 50),
        ("city", part("city"), 28),
    ] {
        if value.chars().count() > longest {
            let detail = format!("must be no longer than {longest} characters");
            return Err(Box::new(bad_request("", &detail, &format!("{role}.{field}"))));
        }
    }
    Ok(())
}

impl State {
    /// `POST /label`: sold once per key.
    pub(super) fn sell(
        &mut self,
        asked: &Asked<'_>,
        abroad: bool,
        now: DateTime<Utc>,
        ledger: &Ledger,
    ) -> Answer {
        let digest: [u8; 32] = Sha256::digest(asked.body).into();
        let key = asked.header("x-idempotency-key").map(str::to_owned);
        if let Some(known) = key.as_ref().and_then(|key| self.by_key.get(key)) {
            return match self.labels.get(known) {
                Some(sold) if sold.digest == digest => printed(asked, sold),
                _ => bad_request(
                    "",
                    "the idempotency key was used for a label with another payload",
                    "X-Idempotency-Key",
                ),
            };
        }
        match self.price(asked, abroad, key.clone(), digest, now) {
            Err(refused) => *refused,
            Ok((number, sold, cents)) => {
                ledger.label_sold(SoldLabel {
                    carrier: "usps".to_owned(),
                    number: number.clone(),
                    key: key.clone(),
                    reference: sold.reference.clone(),
                    cost: Money::new(Decimal::new(i64::from(cents), 2), Currency::USD),
                    sold_at: now,
                    voided_at: None,
                });
                let answer = printed(asked, &sold);
                if let Some(key) = key {
                    self.by_key.insert(key, number.clone());
                }
                self.labels.insert(number, sold);
                answer
            }
        }
    }

    /// Checks a purchase and makes the label, its number and its price in cents.
    fn price(
        &self,
        asked: &Asked<'_>,
        abroad: bool,
        key: Option<String>,
        digest: [u8; 32],
        now: DateTime<Utc>,
    ) -> Result<(String, Sold, u32), Box<Answer>> {
        let body: Value = serde_json::from_slice(asked.body)
            .map_err(|_| Box::new(bad_request("", "the body is not JSON", "")))?;
        let to = if abroad {
            abroad::read_place(&body, "toAddress")?
        } else {
            read_place(&body, "toAddress")?
        };
        let from = read_place(&body, "fromAddress")?;
        abroad::check_customs(&body, abroad, &from, &to)?;
        let description = body.get("packageDescription").cloned().unwrap_or_default();
        let mailing_date = read_date(text(&description, "/mailingDate"))
            .filter(|date| {
                // A shop west of here may still have yesterday.
                (-1..=45).contains(&(*date - now.date_naive()).num_days())
            })
            .ok_or_else(|| {
                let detail = "cannot be in the past or more than 45 days in the future";
                Box::new(bad_request("160001", detail, "packageDescription.mailingDate"))
            })?;
        let [_, _, origin] = &from;
        let [city, state, destination] = &to;
        let zone = if abroad { abroad::zone(&body)? } else { rates::zone(origin, destination) };
        let parcel = Parcel::read(zone, &description);
        if parcel.is_too_heavy() {
            let detail = "Package weight does not qualify for this product.";
            return Err(Box::new(bad_request("030004", detail, "packageDescription.weight")));
        }
        let (class, indicator) =
            (text(&description, "/mailClass"), text(&description, "/rateIndicator"));
        let offer = Offer::find(abroad, class, indicator)
            .filter(|offer| offer.takes(parcel))
            .filter(|_| !text(&description, "/processingCategory").is_empty())
            .ok_or_else(|| {
                let detail = "Could not find working sku from SSF ingredients";
                Box::new(bad_request("030002", detail, "packageDescription.mailClass"))
            })?;
        let image_type = match text(&body, "/imageInfo/imageType") {
            "" => "PDF",
            image_type => image_type,
        };
        let receipt = text(&body, "/imageInfo/receiptOption");
        if !abroad && image_type.starts_with("ZPL") && matches!(receipt, "" | "SAME_PAGE") {
            let detail = "ZPL format does not support same page receipt functionality.";
            return Err(Box::new(bad_request("160009", detail, "imageInfo.receiptOption")));
        }
        abroad::check_format(&body, image_type)?;
        let references: Vec<&str> = description
            .get("customerReference")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .map(|reference| text(reference, "/referenceNumber"))
            .collect();
        if references.len() > if abroad { 2 } else { 4 }
            || references.iter().any(|text| !(1..=30).contains(&text.len()))
        {
            let detail = "at most 4 references of 1 to 30 characters";
            return Err(Box::new(bad_request("", detail, "packageDescription.customerReference")));
        }

        let service_type = match class {
            "PRIORITY_MAIL" => "055",
            "PRIORITY_MAIL_EXPRESS" => "701",
            _ => "346",
        };
        let serial = self.labels.len() + 1;
        let number = if abroad {
            abroad::number(class, serial)
        } else {
            let unchecked = format!("92{service_type}903619809{serial:07}");
            format!("{unchecked}{}", check_digit(&unchecked))
        };
        let postage = offer.postage(parcel);
        let fees: Vec<Value> = rates::fees(parcel)
            .into_iter()
            .map(|(name, sku, cents)| json!({"name": name, "price": dollars(cents), "SKU": sku}))
            .collect();
        let fee_cents: u32 = rates::fees(parcel).into_iter().map(|(_, _, cents)| cents).sum();
        let part = |name: &str| text(&body, &format!("/toAddress/{name}"));
        let metadata = if abroad {
            abroad::metadata(&body, &number, dollars(postage), &offer.sku(parcel), zone, &fees)
        } else {
            json!({
            "labelAddress": {
                "streetAddress": part("streetAddress").to_uppercase(),
                "secondaryAddress": part("secondaryAddress").to_uppercase(),
                "city": city.to_uppercase(),
                "state": state,
                "ZIPCode": destination,
                "firstName": part("firstName").to_uppercase(),
                "lastName": part("lastName").to_uppercase(),
                "firm": part("firm").to_uppercase(),
                "ignoreBadAddress": false,
            },
            "routingInformation": format!("420{destination}"),
            "trackingNumber": number,
            "postage": dollars(postage),
            "extraServices": [{"name": "USPS Tracking", "price": 0.0, "SKU": "DXTU0EXXXCX0000"}],
            "zone": format!("{zone:02}"),
            "commitment": offer.commitment(zone, mailing_date),
            "weightUOM": "LB",
            "weight": description.get("weight"),
            "dimensionalWeight": 0.0,
            "fees": fees,
            "bannerText": "USPS TRACKING # USPS Ship",
            "retailDistributionCode": "01",
            "serviceTypeCode": service_type,
            "constructCode": "C03",
            "SKU": offer.sku(parcel),
            "labelBrokerID": "",
            "links": [{
                "rel": ["Tracking URL"],
                "href": format!(
                    "https://tools.usps.com/go/TrackConfirmAction_input?origTrackNum={number}"
                ),
                "method": "GET",
            }],
            })
        };
        let name = format!("{} {} {}", part("firstName"), part("lastName"), part("firm"));
        let addressee = [
            name.split_whitespace().collect::<Vec<_>>().join(" "),
            format!("{} {}", part("streetAddress"), part("secondaryAddress")),
            format!("{city} {state} {destination}"),
        ];
        let sold = Sold {
            key,
            digest,
            number: number.clone(),
            abroad,
            metadata: metadata.to_string().into(),
            image_type: image_type.to_owned(),
            addressee,
            reference: references.first().copied().unwrap_or_default().to_owned(),
            days: offer.days(zone),
            from,
            to,
            mailing_date,
            sold_at: now,
            handed_over: None,
            end: None,
            on_form: false,
            reprints: 0,
        };
        Ok((number, sold, postage + fee_cents))
    }

    /// `POST /label-reprint`: at most three times, until the mailing date.
    pub(super) fn reprint(
        &mut self,
        asked: &Asked<'_>,
        abroad: bool,
        number: &str,
        now: DateTime<Utc>,
    ) -> Answer {
        let sold = self.labels.get_mut(number).filter(|sold| sold.abroad == abroad);
        let Some(sold) = sold else {
            return bad_request("160185", "Order not found", "trackingNumber");
        };
        let refused = match sold.end {
            Some(End::Cancelled) => Some(("160379", "Canceled labels are unavailable for reprint")),
            Some(End::Disputed) => Some(("160380", "Disputed labels are unavailable for reprint")),
            // The mailing date ends later in the west.
            None if now.date_naive() > sold.mailing_date + TimeDelta::days(1) => {
                Some(("160381", "Labels past their mailingDate are unavailable for reprint"))
            }
            None if sold.reprints >= 3 => {
                Some(("160382", "This label has reached the reprint limit of 3 reprints"))
            }
            None => None,
        };
        if let Some((code, detail)) = refused {
            return bad_request(code, detail, "trackingNumber");
        }
        sold.reprints += 1;
        let body: Value = serde_json::from_slice(asked.body).unwrap_or_default();
        let mut copy = sold.clone();
        if let Some(image_type) = body.pointer("/imageInfo/imageType").and_then(Value::as_str) {
            image_type.clone_into(&mut copy.image_type);
        }
        let image = STANDARD.encode(image(&copy));
        let info = json!({"reprintNumber": copy.reprints});
        // Nested here, at the top in the answer to a purchase.
        let mut answer = if wants_json(asked) {
            Answer::json(
                StatusCode::OK,
                format!(
                    "{{\"labelMetadata\":{},\"labelImage\":\"{image}\",\"reprintInfo\":{info}}}",
                    copy.metadata
                ),
            )
        } else {
            multipart(&[
                ("labelMetadata", "application/json", copy.metadata.to_string()),
                ("labelImage", media_type(&copy.image_type), image),
                ("reprintInfo", "application/json", info.to_string()),
            ])
        };
        if let Some(key) = copy.key.as_deref().and_then(|key| HeaderValue::from_str(key).ok()) {
            answer.headers.insert("x-idempotency-key", key);
        }
        answer
    }

    /// `DELETE /label/{number}`.
    pub(super) fn cancel(
        &mut self,
        abroad: bool,
        number: &str,
        now: DateTime<Utc>,
        ledger: &Ledger,
    ) -> Answer {
        let sold = self.labels.get_mut(number).filter(|sold| sold.abroad == abroad);
        let Some(sold) = sold else {
            return bad_request("160185", "Order not found", "trackingNumber");
        };
        match sold.end {
            Some(End::Cancelled) => {
                return bad_request("160186", "Order already canceled", "trackingNumber");
            }
            Some(End::Disputed) => {
                let detail = "The refund request was rejected. Please try again after 24 hours.";
                return bad_request("160377", detail, "trackingNumber");
            }
            None if sold.on_form => {
                let detail = "Labels associated with a scan form cannot be canceled";
                return bad_request("160174", detail, "trackingNumber");
            }
            None => {}
        }
        // Reported at 00:30 Central on the day after the mailing date.
        let reported =
            (sold.mailing_date + TimeDelta::days(1)).and_hms_opt(6, 30, 0).map(|at| at.and_utc());
        if reported.is_some_and(|reported| now >= reported) {
            sold.end = Some(End::Disputed);
            answer(
                StatusCode::OK,
                &json!({"trackingNumber": number, "status": "DISPUTED", "disputeId": "103789"}),
            )
        } else {
            sold.end = Some(End::Cancelled);
            ledger.label_voided(number, now);
            answer(StatusCode::OK, &json!({"trackingNumber": number, "status": "CANCELED"}))
        }
    }

    /// `POST /scan-form`.
    pub(super) fn scan_form(&mut self, asked: &Asked<'_>) -> Answer {
        let body: Value = serde_json::from_slice(asked.body).unwrap_or_default();
        let numbers: Vec<String> = body
            .pointer("/shipment/trackingNumbers")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|number| number.as_str().map(str::to_owned))
            .collect();
        let (mailing, entry) = (text(&body, "/mailingDate"), text(&body, "/entryFacilityZIPCode"));
        if numbers.is_empty() || mailing.is_empty() || entry.is_empty() {
            return bad_request("", "required fields are missing", "shipment");
        }
        for number in &numbers {
            let refused = match self.labels.get(number) {
                None => Some(("160160", "is not eligible for SCAN Form".to_owned())),
                Some(sold) if sold.end.is_some() => Some((
                    "160397",
                    "has been canceled and is not eligible to be added to a SCAN Form".to_owned(),
                )),
                Some(sold) if sold.on_form => Some((
                    "160398",
                    "has manifested and is not eligible to be added to a SCAN Form".to_owned(),
                )),
                Some(sold) if sold.mailing_date.to_string() != mailing => Some((
                    "160006",
                    format!(
                        "with mailing date [{}] does not match SCAN Form request mailing date \
                         [{mailing}]",
                        sold.mailing_date
                    ),
                )),
                Some(_) => None,
            };
            if let Some((code, detail)) = refused {
                return bad_request(code, &format!("barcode {number} {detail}"), "shipment");
            }
        }
        for number in &numbers {
            if let Some(sold) = self.labels.get_mut(number) {
                sold.on_form = true;
            }
        }
        self.forms += 1;
        let manifest = format!("92750903619809{:012}", self.forms);
        let metadata = json!({
            "form": "5630",
            "imageType": "PDF",
            "labelType": "8.5x11LABEL",
            "mailingDate": mailing,
            "overwriteMailingDate": false,
            "entryFacilityZIPCode": entry,
            "destinationEntryFacilityType": "NONE",
            "shipment": {"trackingNumbers": numbers},
            "manifestNumber": manifest,
            "trackingNumbers": numbers,
            "fromAddress": body.get("fromAddress"),
        });
        let count = format!("{} labels, {mailing}", numbers.len());
        let form = STANDARD.encode(paper::pdf(&["PS Form 5630 (sample)", &manifest, &count]));
        if wants_json(asked) {
            answer(StatusCode::OK, &json!({"SCANFormMetadata": metadata, "SCANFormImage": form}))
        } else {
            multipart(&[
                ("Scan Form Response", "application/json", metadata.to_string()),
                ("label", "application/pdf", form),
            ])
        }
    }

    /// `POST /subscriptions`: the same one twice is refused with the id of the first.
    pub(super) fn subscribe(&mut self, asked: &Asked<'_>) -> Answer {
        let body: Value = serde_json::from_slice(asked.body).unwrap_or_default();
        let listener = text(&body, "/listenerURL");
        let filter = body.get("filterProperties").map(Value::to_string).unwrap_or_default();
        if !listener.starts_with("https://") || text(&body, "/secret").len() < 32 {
            return bad_request("", "an https listener and a secret are needed", "listenerURL");
        }
        let wanted = (listener.to_owned(), filter);
        let known = self.subscriptions.iter().position(|known| *known == wanted);
        let id = |index: usize| format!("019db15c-05e8-7432-95dc-{index:012x}");
        if let Some(index) = known {
            let detail = format!("Duplicate subscription. subscriptionId : {}", id(index));
            return bad_request("", &detail, "listenerURL");
        }
        self.subscriptions.push(wanted);
        answer(
            StatusCode::CREATED,
            &json!({
                "subscriptionId": id(self.subscriptions.len() - 1),
                "listenerURL": listener,
                "status": "ENABLED",
            }),
        )
    }

    /// `POST /carrier-pickup`.
    pub(super) fn order_pickup(&mut self, asked: &Asked<'_>) -> Answer {
        let body: Value = serde_json::from_slice(asked.body).unwrap_or_default();
        let date = text(&body, "/pickupDate").to_owned();
        let place = body.pointer("/pickupAddress/address").map(Value::to_string);
        let (Some(place), false) = (place, date.is_empty()) else {
            return bad_request("020003", "Invalid pickup details.", "pickupAddress");
        };
        if self.pickups.values().any(|known| known.place == place && known.date == date) {
            let detail = "Pickup already exists for this address.";
            return bad_request("020001", detail, "pickupAddress");
        }
        self.pickups_ordered += 1;
        let number = format!("WTC{:09}", self.pickups_ordered);
        let mut published = body;
        if let Some(fields) = published.as_object_mut() {
            fields.insert("confirmationNumber".to_owned(), number.clone().into());
            // Published answers hold texts for counts and weight.
            let weight = fields.get("estimatedWeight").map(Value::to_string).unwrap_or_default();
            fields.insert("estimatedWeight".to_owned(), weight.into());
        }
        let order = PickupOrder { place, date, body: published, version: 1 };
        let mut answer = answer(StatusCode::OK, &order.body);
        tag(&mut answer.headers, &order);
        self.pickups.insert(number, order);
        answer
    }

    /// `GET /carrier-pickup/{number}`: an array, says the specification.
    pub(super) fn read_pickup(&self, number: &str) -> Answer {
        let Some(order) = self.pickups.get(number) else {
            return bad_request("020015", "Case number not found.", "confirmationNumber");
        };
        let mut answer = answer(StatusCode::OK, &json!([order.body]));
        tag(&mut answer.headers, order);
        answer
    }

    /// `DELETE /carrier-pickup/{number}`.
    pub(super) fn cancel_pickup(&mut self, asked: &Asked<'_>, number: &str) -> Answer {
        let Some(order) = self.pickups.get(number) else {
            return bad_request("020015", "Case number not found.", "confirmationNumber");
        };
        if asked.header(IF_MATCH.as_str()) != Some(&etag(order)) {
            let title = "Precondition Failed";
            return refusal(StatusCode::PRECONDITION_FAILED, "", title, "If-Match", "If-Match");
        }
        self.pickups.remove(number);
        Answer::json(StatusCode::OK, "")
    }
}

fn etag(order: &PickupOrder) -> String {
    format!("\"{}\"", order.version)
}

fn tag(headers: &mut HeaderMap, order: &PickupOrder) {
    if let Ok(value) = HeaderValue::from_str(&etag(order)) {
        headers.insert(ETAG, value);
    }
}

fn media_type(image_type: &str) -> &'static str {
    match image_type {
        "PDF" => "application/pdf",
        "PNG" => "image/png",
        _ => "application/octet-stream",
    }
}

/// The label as bytes.
fn image(sold: &Sold) -> Vec<u8> {
    let [name, street, town] = &sold.addressee;
    let lines = ["SAMPLE - NOT POSTAGE", name, street, town, &sold.number, &sold.reference];
    match sold.image_type.as_str() {
        "PNG" => paper::PNG.to_vec(),
        kind if kind.starts_with("ZPL") => paper::zpl(&lines),
        _ => paper::pdf(&lines),
    }
}

/// The answer to a purchase, in the form asked for.
fn printed(asked: &Asked<'_>, sold: &Sold) -> Answer {
    let image = STANDARD.encode(image(sold));
    let mut answer = if wants_json(asked) {
        let rest = sold.metadata.strip_prefix('{').unwrap_or_default();
        Answer::json(StatusCode::OK, format!("{{\"labelImage\":\"{image}\",{rest}"))
    } else {
        multipart(&[
            ("labelMetadata", "application/json", sold.metadata.to_string()),
            ("labelImage", media_type(&sold.image_type), image),
        ])
    };
    if sold.abroad {
        answer.status = StatusCode::CREATED;
    }
    answer
}

/// Parts as the carrier writes them: `filename` before `name`, and a boundary with a plus sign.
fn multipart(parts: &[(&str, &str, String)]) -> Answer {
    const BOUNDARY: &str = "ENBLgudt45Tp+D7b8eMPXPg+";
    let mut body = String::new();
    for (name, content_type, content) in parts {
        let file = match *content_type {
            "application/json" => String::new(),
            "application/pdf" => format!("filename=\"{name}.pdf\"; "),
            _ => format!("filename=\"{name}\"; "),
        };
        body.push_str(&format!(
            "--{BOUNDARY}\r\nContent-Type: {content_type}\r\n\
             Content-Disposition: form-data; {file}name=\"{name}\"\r\n\r\n{content}\r\n"
        ));
    }
    body.push_str(&format!("--{BOUNDARY}--\r\n"));
    let mut answer = Answer::json(StatusCode::OK, body);
    let kind = HeaderValue::from_static("multipart/form-data; boundary=ENBLgudt45Tp+D7b8eMPXPg+");
    answer.headers.insert(CONTENT_TYPE, kind);
    answer
}
