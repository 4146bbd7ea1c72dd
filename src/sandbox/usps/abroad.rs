//! The counter for other countries, and what customs asks there.

use http::StatusCode;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::desk::{check_lines, is_unknown_zip, lacks_size, text};
use super::rates::{self, Parcel};
use super::{Answer, answer, bad_request};

/// `POST /options/search` with a country.
pub(super) fn options(body: &Value) -> Answer {
    let (origin, country) = (text(body, "/originZIPCode"), text(body, "/destinationCountryCode"));
    if is_unknown_zip(origin) {
        return bad_request("030010", "originZIPCode is not valid", "originZIPCode");
    }
    let Some(group) = rates::group(country) else {
        return no_group();
    };
    let description = body.get("packageDescription").cloned().unwrap_or_default();
    if let Some(refused) = lacks_size(&description) {
        return refused;
    }
    let parcel = Parcel::read(group, &description);
    if parcel.is_too_heavy() {
        let detail = "Package weight does not qualify for this product.";
        return bad_request("030004", detail, "packageDescription.weight");
    }
    answer(
        StatusCode::OK,
        &json!({
            "originZIPCode": origin,
            "foreignPostalCode": body.get("foreignPostalCode"),
            "destinationCountryCode": country,
            "pricingOptions": rates::options(&json!("COMMERCIAL_BASE"), parcel, None),
        }),
    )
}

fn no_group() -> Answer {
    let detail = "There was no valid international price group for the provided country, date, \
        mail class, and rate indicator.";
    bad_request("030013", detail, "destinationCountryCode")
}

/// The price group of a label's country.
pub(super) fn zone(body: &Value) -> Result<u8, Box<Answer>> {
    rates::group(text(body, "/toAddress/countryISOAlpha2Code")).ok_or_else(|| Box::new(no_group()))
}

/// City, province and postcode of an address abroad, and why it cannot be sent to.
pub(super) fn read_place(body: &Value, role: &str) -> Result<[String; 3], Box<Answer>> {
    let part = |name: &str| text(body, &format!("/{role}/{name}")).trim().to_owned();
    check_lines(body, role)?;
    for field in ["streetAddress", "city", "country", "countryISOAlpha2Code"] {
        if part(field).is_empty() {
            let parameter = format!("{role}.{field}");
            return Err(Box::new(bad_request("", "must not be null", &parameter)));
        }
    }
    let postcode = part("postalCode");
    let letter_first = postcode.starts_with(|first: char| first.is_ascii_alphabetic());
    if part("countryISOAlpha2Code") == "CA" && !letter_first {
        let detail = "required to begin with an alphabetical character for countryISOAlpha2Code CA";
        return Err(Box::new(bad_request("160197", detail, "internationalAddress.postalCode")));
    }
    for (field, text, longest) in
        [("postalCode", &postcode, 11), ("province", &part("province"), 40)]
    {
        if text.chars().count() > longest {
            let detail = format!("must be no longer than {longest} characters");
            return Err(Box::new(bad_request("", &detail, &format!("{role}.{field}"))));
        }
    }
    Ok([part("city"), part("province"), postcode])
}

/// Domestic places behind a customs line.
const OVERSEAS: [&str; 9] = ["AA", "AE", "AP", "GU", "AS", "MP", "PW", "FM", "MH"];

/// A refusal where a form is needed and not there, or says what cannot be.
pub(super) fn check_customs(
    body: &Value,
    abroad: bool,
    from: &[String; 3],
    to: &[String; 3],
) -> Result<(), Box<Answer>> {
    let refused =
        |code, detail: &str, parameter: &str| Err(Box::new(bad_request(code, detail, parameter)));
    let Some(form) = body.get("customsForm").filter(|form| !form.is_null()) else {
        let [_, from_state, _] = from;
        let [_, to_state, to_zip] = to;
        if abroad {
            return refused("160133", "must not be null", "customsForm");
        }
        if from_state != to_state
            && [from_state, to_state].iter().any(|state| OVERSEAS.contains(&state.as_str()))
        {
            let detail = format!("Customs form data required toAddress ZIP code {to_zip}");
            return refused("160140", &detail, "zip5");
        }
        return Ok(());
    };
    if text(body, "/fromAddress/firm").trim().is_empty() {
        let detail = "firm is required in From Address for labels with customs form.";
        return refused("160023", detail, "firm");
    }
    if text(form, "/customsContentType").is_empty() {
        return refused("160133", "must not be null", "customsForm.customsContentType");
    }
    if text(form, "/customsContentType") == "OTHER" && text(form, "/contentComments").is_empty() {
        let detail = "required when customsContentType is OTHER";
        return refused("160237", detail, "customsForm.contentComments");
    }
    if abroad && !(1..=35).contains(&text(form, "/AESITN").chars().count()) {
        return refused("160133", "must not be null", "customsForm.AESITN");
    }
    let contents = form.get("contents").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if !(1..=30).contains(&contents.len()) {
        return refused("160133", "1 to 30 contents", "customsForm.contents");
    }
    let decimal = |value: Option<&Value>| {
        value.and_then(|value| value.to_string().parse::<Decimal>().ok()).unwrap_or_default()
    };
    let (mut weight, mut worth) = (Decimal::ZERO, Decimal::ZERO);
    for content in contents {
        let description = text(content, "/itemDescription");
        let says_nothing = ["none", "not applicable", "n/a", "null", "gift", "merchandise"]
            .contains(&description.to_lowercase().as_str());
        if says_nothing || !(1..=30).contains(&description.chars().count()) {
            let detail = "cannot be any of the following: 'None', 'Not Applicable', 'N/A', 'Null', \
                'Gift', 'Merchandise'";
            return refused("160050", detail, "contents.itemDescription");
        }
        if content.get("itemQuantity").and_then(Value::as_u64).is_none_or(|count| count == 0) {
            return refused("160051", "must be greater than or equal to 1", "itemQuantity");
        }
        let (total_weight, total_value) =
            (decimal(content.get("itemTotalWeight")), decimal(content.get("itemTotalValue")));
        if total_weight <= Decimal::ZERO {
            return refused("160198", "must not be null", "contents.itemTotalWeight");
        }
        if total_value <= Decimal::ZERO {
            return refused("160199", "must not be null", "contents.itemTotalValue");
        }
        if text(content, "/countryofOrigin").len() != 2 {
            let detail = "is not a valid Country Code";
            return refused("160253", detail, "contents.countryOfOrigin");
        }
        weight = weight.saturating_add(total_weight);
        worth = worth.saturating_add(total_value);
    }
    if weight > decimal(body.pointer("/packageDescription/weight")) {
        let detail = format!("total weight of all of the content items: {weight} is too much");
        return refused("160205", &detail, "packageDescription.weight");
    }
    let class = text(body, "/packageDescription/mailClass");
    if class.starts_with("FIRST-CLASS") && worth > Decimal::from(400) {
        let detail = "cannot exceed $400 for FIRST-CLASS_PACKAGE_INTERNATIONAL_SERVICE";
        return refused("160201", detail, "packageOptions.packageValue");
    }
    if let Some(refused) = body.get("packageDescription").filter(|_| abroad).and_then(lacks_size) {
        return Err(Box::new(refused));
    }
    Ok(())
}

/// Labels with a customs form come in fewer formats.
pub(super) fn check_format(body: &Value, image_type: &str) -> Result<(), Box<Answer>> {
    let has_form = body.get("customsForm").is_some_and(|form| !form.is_null());
    if has_form && !["PDF", "TIFF", "ZPL203DPI", "ZPL300DPI"].contains(&image_type) {
        let detail = "is not supported for labels with customs forms";
        return Err(Box::new(bad_request("", detail, "imageInfo.imageType")));
    }
    Ok(())
}

/// A number of the Universal Postal Union (S10), with its check digit.
pub(super) fn number(class: &str, serial: usize) -> String {
    let prefix = match class {
        "PRIORITY_MAIL_EXPRESS_INTERNATIONAL" => "EZ",
        "PRIORITY_MAIL_INTERNATIONAL" => "CZ",
        _ => "LZ",
    };
    let digits = format!("{:08}", serial % 100_000_000);
    let sum: u32 = digits
        .bytes()
        .zip([8, 6, 4, 2, 3, 5, 9, 7])
        .map(|(digit, weight)| u32::from(digit.saturating_sub(b'0')) * weight)
        .sum();
    let check = match 11 - sum % 11 {
        10 => 0,
        11 => 5,
        digit => digit,
    };
    format!("{prefix}{digits}{check}US")
}

/// What the label call answers, without images.
pub(super) fn metadata(
    body: &Value,
    number: &str,
    postage: Value,
    sku: &str,
    group: u8,
    fees: &[Value],
) -> Value {
    json!({
        "labelAddress": body.get("toAddress"),
        "internationalTrackingNumber": number,
        "constructCode": "I01",
        "postage": postage,
        "extraServices": [],
        "internationalPriceGroup": format!("{group:02}"),
        "weightUOM": "lb",
        "weight": body.pointer("/packageDescription/weight"),
        "dimensionalWeight": "0.0",
        "mailingDate": body.pointer("/packageDescription/mailingDate"),
        "fees": fees,
        "SKU": sku,
    })
}
