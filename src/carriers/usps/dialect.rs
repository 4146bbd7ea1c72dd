//! How the carrier says no: HTTP status first, then its own codes.

use std::borrow::Cow;
use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION};
use http::{HeaderValue, StatusCode};
use serde_json::Value;

use crate::client::{Dialect, Outgoing, Problem, Response, Verdict, bearer};
use crate::error::{ErrorKind, Result, VendorDetail};

/// The carrier's way of answering.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct UspsDialect;

/// A row of the code table.
struct Row {
    code: &'static str,
    kind: ErrorKind,
    pause: Option<Duration>,
    message: &'static str,
}

const fn row(code: &'static str, kind: ErrorKind, message: &'static str) -> Row {
    Row { code, kind, pause: None, message }
}

const fn later(code: &'static str, seconds: u64, message: &'static str) -> Row {
    Row { code, kind: ErrorKind::Transient, pause: Some(Duration::from_secs(seconds)), message }
}

use ErrorKind::{AlreadyDone, Configuration, InvalidInput, NotFound, Rejected, Transient};

/// The codes that change what to do, out of about 700 documented ones (error inventory of
/// 2026-06); all others follow their status.
const CODES: &[Row] = &[
    row("010001", Rejected, "the address is not valid"),
    row("010002", Rejected, "the ZIP is not valid"),
    row("010003", Rejected, "the state is not valid"),
    row("010004", Rejected, "the city is not valid"),
    row("010005", Rejected, "the address was not found"),
    row("010006", Rejected, "several addresses fit; the unit is needed"),
    row("020001", AlreadyDone, "a pickup is already scheduled for this address and day"),
    row("020007", NotFound, "there is no such pickup"),
    row("020015", NotFound, "there is no such pickup"),
    row("030001", Rejected, "the service does not go there"),
    row("030002", Rejected, "the service is not offered for this parcel"),
    row("030004", Rejected, "the weight is not allowed for the service"),
    row("030007", Rejected, "dimensional weight applies: quote again and use the quote's token"),
    row("030008", Rejected, "the size is not allowed for the service"),
    row("030013", Rejected, "the service does not go to this country"),
    row("030020", Rejected, "the service is not offered for this parcel"),
    row("030022", Rejected, "the service is not offered for this parcel"),
    row("030023", Rejected, "the parcel must go as oversized"),
    row("030024", Rejected, "an extra service needs the value of the goods"),
    row("040001", Rejected, "no commitment for this pair of ZIPs"),
    row("040002", Rejected, "the acceptance date is out of range"),
    row("100001", Rejected, "payment problem: the account was not found"),
    row("100002", Rejected, "payment problem: the account is not active"),
    row("100003", Rejected, "payment problem: the account has no primary payment method"),
    row("100004", Rejected, "payment problem: the payment method is not active"),
    later("100005", 300, "payment problem: the card could not be checked, try again later"),
    row("100006", Rejected, "payment problem: the card was refused"),
    row("100007", Rejected, "payment problem: insufficient funds"),
    // Not known yet, which is normal for a young label.
    row("150001", NotFound, "no status yet"),
    row("150002", NotFound, "no status yet, or the number is wrong"),
    row("150003", NotFound, "no status yet"),
    row("150009", NotFound, "no status yet"),
    row("150010", Rejected, "the number may belong to another shipper, or access is not granted"),
    row("150012", Rejected, "shipped with fraudulent postage; tracking is withheld"),
    row("160023", Rejected, "a sender of a label with a customs form needs a firm"),
    row("160034", Rejected, "the date of the form is in the past or too far ahead"),
    row("160140", Rejected, "this ZIP needs a customs declaration"),
    row("160153", Rejected, "no tariff number was found for the goods: declare it"),
    row("160173", Configuration, "the manifest mailer id has no company name configured"),
    row("160174", Rejected, "the label is on a SCAN form and cannot be cancelled"),
    row("160179", NotFound, "there is no such label"),
    row("160184", Rejected, "the label cannot be cancelled any more"),
    row("160185", NotFound, "there is no such label"),
    row("160186", AlreadyDone, "the label is cancelled already"),
    row("160187", Rejected, "return labels cannot be cancelled"),
    row("160201", Rejected, "the goods are worth more than the service takes"),
    row("160205", Rejected, "the goods weigh more than the parcel"),
    row("160301", Rejected, "the label is not eligible for a refund"),
    row("160302", Configuration, "CRID or MID are not enrolled for labels"),
    row("160303", Configuration, "CRID or MID are not enrolled for return labels"),
    row("160305", Configuration, "CRID or MID are not enrolled for international labels"),
    row("160306", Rejected, "the service is not offered for this parcel"),
    row("160307", Rejected, "the address has no house number"),
    row("160308", Rejected, "the house number is not valid"),
    row("160309", Rejected, "the address has no box number"),
    row("160310", Rejected, "the box number is not valid"),
    row("160311", Rejected, "the address could not be confirmed"),
    later("160312", 2, "the address could not be checked"),
    row("160320", Rejected, "mail is not delivered to this address (phantom route)"),
    row("160364", AlreadyDone, "a refund was requested already"),
    later("160368", 60, "label broker is unavailable"),
    row("160369", Configuration, "the payment authorization names no payer"),
    later("160377", 86_400, "the refund request was refused for now, try again after 24 hours"),
    row("160378", NotFound, "there is no such label of the last 45 days"),
    row("160379", Rejected, "the label is cancelled and cannot be reprinted"),
    row("160380", Rejected, "the label is disputed and cannot be reprinted"),
    row("160381", Rejected, "the label is past its mailing date and cannot be reprinted"),
    row("160382", Rejected, "the label was reprinted as often as allowed"),
    row("160383", Rejected, "the label belongs to another mailer"),
    row("160384", Rejected, "the label was not made through this API"),
    row("160397", Rejected, "a cancelled label is in the list: leave it out and send again"),
    row("160398", Rejected, "a label of the list is on another form: leave it out and send again"),
    // OAuth answers with words instead of numbers.
    row("invalid_client", ErrorKind::AuthRejected, "consumer key or secret are refused"),
    row("unauthorized_client", ErrorKind::AuthRejected, "the app may not use this grant"),
    row("invalid_grant", ErrorKind::AuthRejected, "the grant is refused"),
    row("invalid_scope", Configuration, "a scope is not granted to the app"),
    row("unsupported_grant_type", Configuration, "the grant is not supported"),
    row("invalid_token", ErrorKind::AuthExpired, "the access token is no longer good"),
    row("insufficient_scope", Configuration, "the app was not granted this API"),
];

/// What a status means when no code says otherwise.
fn by_status(status: StatusCode) -> (ErrorKind, &'static str) {
    match status.as_u16() {
        401 => (ErrorKind::AuthExpired, "the access token is refused"),
        403 => (ErrorKind::AuthRejected, "the app may not do this"),
        404 => (NotFound, "not found"),
        408 => (Transient, "they waited too long for the request"),
        409 => (ErrorKind::Conflict, "it conflicts with what they have"),
        412 => (ErrorKind::Conflict, "it has changed since it was read"),
        429 => (ErrorKind::RateLimited, "too many requests"),
        400..=499 => (Rejected, "refused"),
        500..=599 => (Transient, "a fault on their side"),
        _ => (ErrorKind::UnexpectedAnswer, "a status that means nothing here"),
    }
}

impl Dialect for UspsDialect {
    fn adapter(&self) -> &'static str {
        "usps"
    }

    fn prepare(&self, outgoing: &mut Outgoing, _attempt_id: &str) -> Result<()> {
        // There is no header for a correlation id of ours.
        outgoing.headers.entry(ACCEPT).or_insert(HeaderValue::from_static("application/json"));
        Ok(())
    }

    fn authorize(&self, outgoing: &mut Outgoing, token: HeaderValue) {
        outgoing.headers.insert(AUTHORIZATION, bearer(&token));
    }

    fn verdict(&self, operation: &'static str, response: &Response) -> Verdict {
        if response.status.is_success() {
            return Verdict::Good;
        }
        // A batch whose numbers all failed still has an outcome for each of them.
        if operation == "track"
            && response.status.is_client_error()
            && super::multipart::trim_start(&response.body).first() == Some(&b'[')
        {
            return Verdict::Good;
        }
        let (kind, message) = by_status(response.status);
        let mut problem = Problem {
            kind,
            pause: None,
            message,
            vendor: VendorDetail::with_status(response.status.as_u16()),
        };
        let complaints = complaints(&response.body);
        let known = complaints.iter().find_map(|complaint| {
            let code = complaint.code.as_deref()?;
            Some((complaint, CODES.iter().find(|row| row.code == code)?))
        });
        if let Some((_, row)) = &known
            // A gateway that is overloaded is so whatever the body repeats of an older answer.
            && response.status != StatusCode::TOO_MANY_REQUESTS
        {
            problem.kind = match row.kind {
                InvalidInput => Rejected,
                kind => kind,
            };
            problem.pause = row.pause;
            problem.message = row.message;
        }
        if let Some(complaint) = known.map(|(complaint, _)| complaint).or(complaints.first()) {
            problem.vendor.code.clone_from(&complaint.code);
            problem.vendor.message.clone_from(&complaint.message);
            problem.vendor.field.clone_from(&complaint.field);
        }
        Verdict::Refused(Box::new(problem))
    }
}

/// One complaint of an error answer.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Complaint {
    pub(super) code: Option<String>,
    pub(super) message: Option<String>,
    pub(super) field: Option<String>,
}

/// Reads whatever can be read of an error body; anything else is no complaint.
fn complaints(body: &[u8]) -> Vec<Complaint> {
    let body = super::multipart::trim_start(body);
    if body.first() != Some(&b'{') {
        return Vec::new();
    }
    serde_json::from_slice::<Value>(body).map(|body| complaints_of(&body)).unwrap_or_default()
}

/// The complaints of an error object: the envelope of the APIs, or that of OAuth.
pub(super) fn complaints_of(body: &Value) -> Vec<Complaint> {
    match body.get("error") {
        // {"error":"invalid_client","error_description":"…"}
        Some(Value::String(code)) => vec![Complaint {
            code: Some(code.clone()),
            message: words(body.get("error_description")),
            field: None,
        }],
        Some(error) => {
            let details = match error.get("errors") {
                Some(Value::Array(details)) => details.as_slice(),
                Some(detail @ Value::Object(_)) => std::slice::from_ref(detail),
                _ => &[],
            };
            let mut complaints: Vec<Complaint> = details
                .iter()
                .map(|detail| Complaint {
                    code: code_text(detail.get("code")),
                    message: words(detail.get("detail")).or_else(|| words(detail.get("title"))),
                    field: words(detail.pointer("/source/parameter")),
                })
                .collect();
            if complaints.is_empty() {
                // The outer code repeats the status; it is kept only when nothing better is there.
                complaints.push(Complaint {
                    code: code_text(error.get("code")),
                    message: words(error.get("message")),
                    field: None,
                });
            }
            complaints
        }
        None => Vec::new(),
    }
}

/// A code word for word. Numbers have lost the zeros that count and get them back.
fn code_text(code: Option<&Value>) -> Option<String> {
    match code? {
        Value::String(code) if !code.trim().is_empty() => Some(code.trim().to_owned()),
        Value::Number(code) if code.as_u64().is_some_and(|code| code < 1_000) => {
            Some(code.to_string())
        }
        Value::Number(code) => Some(format!("{:0>6}", code.to_string())),
        _ => None,
    }
}

fn words(text: Option<&Value>) -> Option<String> {
    text?.as_str().map(|text| plain_text(text).into_owned()).filter(|text| !text.is_empty())
}

/// Takes HTML out of a text: superscripts with their content (they hold trademark signs, at times
/// as entities without ampersand), other tags, and entities.
pub(super) fn plain_text(text: &str) -> Cow<'_, str> {
    if !text.contains(['<', '&']) {
        return Cow::Borrowed(text.trim());
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['<', '&']) {
        let (before, from) = rest.split_at(at);
        plain.push_str(before);
        if let Some(tag) = from.strip_prefix('<') {
            let Some((name, after)) = tag.split_once('>') else {
                // Not a tag: an inequality, as in "Insurance <= $500".
                plain.push('<');
                rest = tag;
                continue;
            };
            if name.eq_ignore_ascii_case("sup") {
                let end = after.to_ascii_lowercase().find("</sup>");
                rest = end.and_then(|end| after.get(end + "</sup>".len()..)).unwrap_or(after);
            } else if name.starts_with(|first: char| first == '/' || first.is_ascii_alphabetic()) {
                rest = after;
            } else {
                plain.push('<');
                rest = tag;
            }
        } else {
            let entity = from.split_once(';').filter(|(name, _)| {
                (2..=9).contains(&name.len())
                    && name.bytes().skip(1).all(|byte| byte.is_ascii_alphanumeric() || byte == b'#')
            });
            match entity {
                Some((name, after)) => {
                    plain.push_str(match name {
                        "&amp" => "&",
                        "&lt" => "<",
                        "&gt" => ">",
                        "&quot" => "\"",
                        "&apos" | "&#39" => "'",
                        "&nbsp" | "&#160" => " ",
                        // Trademark signs and the like say nothing.
                        _ => "",
                    });
                    rest = after;
                }
                None => {
                    plain.push('&');
                    rest = from.get(1..).unwrap_or_default();
                }
            }
        }
    }
    plain.push_str(rest);
    Cow::Owned(plain.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_is_taken_out_of_texts_and_inequalities_stay() {
        for (html, plain) in [
            ("USPS Ground Advantage<SUP>&#153;</SUP>", "USPS Ground Advantage"),
            ("Priority Mail<SUP>reg;</SUP> package", "Priority Mail package"),
            ("Priority Mail&reg; Express", "Priority Mail Express"),
            ("Insurance <= $500", "Insurance <= $500"),
            ("A &amp; B & C;", "A & B & C;"),
            ("<b>bold</b> <", "bold <"),
            (" plain ", "plain"),
            ("<SUP>open", "open"),
        ] {
            assert_eq!(plain_text(html), plain, "{html}");
        }
    }

    #[test]
    fn every_row_of_the_code_table_is_documented_and_unique() {
        let path = format!("{}/tests/fixtures/usps/error-codes.csv", env!("CARGO_MANIFEST_DIR"));
        let inventory = std::fs::read_to_string(path).unwrap();
        for (index, row) in CODES.iter().enumerate() {
            let documented = row.code.parse::<u32>().is_err() || inventory.contains(row.code);
            assert!(documented, "{}", row.code);
            assert!(
                CODES.iter().skip(index + 1).all(|other| other.code != row.code),
                "{}",
                row.code
            );
        }
    }
}
