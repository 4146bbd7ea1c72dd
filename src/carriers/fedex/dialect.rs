//! How the carrier says no: HTTP status first, then its own codes.

use http::header::{ACCEPT, AUTHORIZATION, HeaderName};
use http::{HeaderValue, StatusCode};
use serde::Deserialize;

use crate::client::wire::{OneOrMany, string_or_number_opt};
use crate::client::{Dialect, Outgoing, Problem, Response, Verdict, bearer};
use crate::error::{Error, ErrorKind, Result, VendorDetail};

/// Echoed in the answer. Not a key: the same id twice makes two shipments.
const TRANSACTION_ID: HeaderName = HeaderName::from_static("x-customer-transaction-id");
const LOCALE: HeaderName = HeaderName::from_static("x-locale");

/// The carrier's way of answering.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct FedexDialect;

use ErrorKind::{AuthExpired, AuthRejected, Configuration, NotFound, RateLimited, Rejected};

/// The codes that change what to do; all others follow their status.
const CODES: &[(&str, ErrorKind, &str)] = &[
    ("NOT.AUTHORIZED.ERROR", AuthExpired, "the access token is no longer good"),
    ("LOGIN.REAUTHENTICATE.ERROR", AuthExpired, "the access token is no longer good"),
    ("AUTHENTICATION.TOKEN.INVALID", AuthExpired, "the access token is no longer good"),
    ("FORBIDDEN.ERROR", AuthRejected, "the project may not do this"),
    ("UNAUTHORIZED.USAGE", AuthRejected, "the project may not do this"),
    ("BAD.REQUEST.ERROR", Rejected, "refused as malformed"),
    ("NOT.FOUND.ERROR", NotFound, "not found"),
    ("ACCOUNT.NUMBER.MISMATCH", Configuration, "the account is not one of the project"),
    (
        "ACCOUNTNUMBER.REGISTRATION.REQUIRED",
        Configuration,
        "the account is not registered for this project",
    ),
    ("SHIPMENT.USER.UNAUTHORIZED", Configuration, "the account may not ship with this project"),
    ("TRACKING.TRACKINGNUMBER.NOTFOUND", NotFound, "no status yet, or the number is wrong"),
    ("TRACKING.REFERENCENUMBER.NOTFOUND", NotFound, "no shipment has this reference"),
    ("TRACKING.REFERENCEVALUE.NOTFOUND", NotFound, "no shipment has this reference"),
    ("STANDARDIZED.ADDRESS.NOTFOUND", Rejected, "the address was not found"),
    ("AVAILABILITY.SHIP.DATE.INVALID", Rejected, "the ship date is out of range"),
    ("PICKUP.REQUESTED.PREVIOUS.DAY", Rejected, "the pickup day is in the past"),
    ("PICKUP.POSTALCODE.MISSING", Rejected, "the pickup has no postal code"),
    ("PICKUP.NUMBER.EXPIRED", NotFound, "there is no such pickup any more"),
];

/// What a status means when no code says otherwise.
fn by_status(status: StatusCode) -> (ErrorKind, &'static str) {
    match status.as_u16() {
        401 => (AuthExpired, "the access token is refused"),
        403 => (AuthRejected, "the project may not do this, or logged in too often"),
        404 => (NotFound, "not found"),
        408 => (ErrorKind::Transient, "they waited too long for the request"),
        409 => (ErrorKind::Conflict, "it conflicts with what they have"),
        429 => (RateLimited, "too many requests"),
        400..=499 => (Rejected, "refused"),
        500..=599 => (ErrorKind::Transient, "a fault on their side"),
        _ => (ErrorKind::UnexpectedAnswer, "a status that means nothing here"),
    }
}

#[derive(Deserialize)]
struct ErrorBody {
    #[serde(default)]
    errors: OneOrMany<Complaint>,
    /// The odd shape of one 404.
    error: Option<String>,
    error_detail: Option<String>,
}

/// One complaint of an error answer.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Complaint {
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) code: Option<String>,
    pub(super) message: Option<String>,
}

/// The complaint about one of several things. One in another form is one all the same: without it
/// the thing would count as found.
pub(super) fn complaint_opt<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<Complaint>, D::Error> {
    let raw = <&serde_json::value::RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(raw.get()).unwrap_or_else(|_| {
        let words = serde_json::from_str(raw.get()).ok();
        let message = words.unwrap_or_else(|| "an error that cannot be read".to_owned());
        Some(Complaint { code: None, message: Some(message) })
    }))
}

impl Complaint {
    /// The kind of a known code.
    pub(super) fn kind(&self) -> Option<(ErrorKind, &'static str)> {
        let code = self.code.as_deref()?.trim();
        CODES.iter().find(|(known, ..)| *known == code).map(|(_, kind, text)| (*kind, *text))
    }

    /// An object without anything in it is no complaint.
    pub(super) fn is_empty(&self) -> bool {
        self.code.as_deref().is_none_or(|code| code.trim().is_empty())
            && self.message.as_deref().is_none_or(|message| message.trim().is_empty())
    }
}

fn complaints(body: &[u8]) -> Vec<Complaint> {
    let Ok(body) = serde_json::from_slice::<ErrorBody>(body) else { return Vec::new() };
    let odd = body.error.map(|code| Complaint { code: Some(code), message: body.error_detail });
    body.errors.into_iter().chain(odd).filter(|complaint| !complaint.is_empty()).collect()
}

impl Dialect for FedexDialect {
    fn adapter(&self) -> &'static str {
        "fedex"
    }

    fn prepare(&self, outgoing: &mut Outgoing, attempt_id: &str) -> Result<()> {
        outgoing.headers.entry(ACCEPT).or_insert(HeaderValue::from_static("application/json"));
        outgoing.headers.entry(LOCALE).or_insert(HeaderValue::from_static("en_US"));
        // About 40 characters are echoed.
        let id: String = attempt_id.chars().take(40).collect();
        let id = HeaderValue::from_str(&id)
            .map_err(|_| Error::new(ErrorKind::Configuration, "an attempt's id cannot be sent"))?;
        outgoing.headers.insert(TRANSACTION_ID, id);
        Ok(())
    }

    fn authorize(&self, outgoing: &mut Outgoing, token: HeaderValue) {
        outgoing.headers.insert(AUTHORIZATION, bearer(&token));
    }

    fn request_id(&self, response: &Response) -> Option<String> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Head {
            transaction_id: Option<String>,
        }
        serde_json::from_slice::<Head>(&response.body).ok()?.transaction_id
    }

    fn verdict(&self, operation: &'static str, response: &Response) -> Verdict {
        if response.status.is_success() {
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
        let known = complaints.iter().find_map(|complaint| Some((complaint, complaint.kind()?)));
        // Only what the caller did wrong has a better word; a fault on their side stays one.
        if let Some((_, (kind, message))) = known
            && response.status.is_client_error()
            && response.status != StatusCode::TOO_MANY_REQUESTS
        {
            problem.kind = kind;
            problem.message = message;
        }
        // A refused login is no token that has run out.
        if operation == "login" && problem.kind == AuthExpired {
            problem.kind = AuthRejected;
            problem.message = "key or secret of the project are refused";
        }
        if let Some(complaint) = known.map(|(complaint, _)| complaint).or(complaints.first()) {
            problem.vendor.code = complaint.code.as_deref().map(|code| code.trim().to_owned());
            problem.vendor.message.clone_from(&complaint.message);
        }
        Verdict::Refused(Box::new(problem))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderMap;

    fn refused(status: u16, body: &str) -> Problem {
        refused_by("any", status, body)
    }

    fn refused_by(operation: &'static str, status: u16, body: &str) -> Problem {
        let response = Response {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: bytes::Bytes::copy_from_slice(body.as_bytes()),
        };
        match FedexDialect.verdict(operation, &response) {
            Verdict::Refused(problem) => *problem,
            Verdict::Good => panic!("{status} is not good"),
        }
    }

    #[test]
    fn the_status_decides_and_known_codes_say_it_better() {
        let cases = [
            (401, r#"{"errors":[{"code":"NOT.AUTHORIZED.ERROR"}]}"#, AuthExpired),
            (403, r#"{"errors":[{"code":"FORBIDDEN.ERROR"}]}"#, AuthRejected),
            (404, r#"{"error":"not_found","error_detail":"no route"}"#, NotFound),
            (400, r#"{"errors":{"code":"ACCOUNT.NUMBER.MISMATCH"}}"#, Configuration),
            (400, r#"{"errors":[{"code":"SOME.NEW.CODE","message":"?"}]}"#, Rejected),
            (429, r#"{"errors":[{"code":"NOT.FOUND.ERROR"}]}"#, RateLimited),
            (500, r#"{"errors":[{"code":"NOT.FOUND.ERROR"}]}"#, ErrorKind::Transient),
            (503, "<html>", ErrorKind::Transient),
            (422, "", Rejected),
            (302, "", ErrorKind::UnexpectedAnswer),
        ];
        for (status, body, kind) in cases {
            assert_eq!(refused(status, body).kind, kind, "{status} {body}");
        }
    }

    #[test]
    fn an_unknown_code_is_kept_word_for_word() {
        let problem = refused(400, r#"{"errors":[{"code":"SOME.NEW.CODE","message":"Why."}]}"#);
        assert_eq!(problem.vendor.code.as_deref(), Some("SOME.NEW.CODE"));
        assert_eq!(problem.vendor.message.as_deref(), Some("Why."));
    }

    #[test]
    fn every_official_error_example_is_understood_and_keeps_its_code() {
        let path = format!(
            "{}/tests/fixtures/fedex/official-error-examples.json",
            env!("CARGO_MANIFEST_DIR")
        );
        let examples: serde_json::Value =
            serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let mut seen = 0;
        for (call, by_status) in examples.as_object().unwrap() {
            let operation = if call == "POST /oauth/token" { "login" } else { "any" };
            for (status, body) in by_status.as_object().unwrap() {
                let problem = refused_by(operation, status.parse().unwrap(), &body.to_string());
                let kinds: &[ErrorKind] = match status.as_str() {
                    "400" => &[Rejected, Configuration, NotFound],
                    "401" if operation == "login" => &[AuthRejected],
                    "401" => &[AuthExpired],
                    "403" => &[AuthRejected],
                    "404" => &[NotFound],
                    _ => &[ErrorKind::Transient],
                };
                assert!(kinds.contains(&problem.kind), "{call} {status}: {:?}", problem.kind);
                let code = body.pointer("/errors/0/code").and_then(|code| code.as_str());
                if let Some(code) = code {
                    assert_eq!(problem.vendor.code.as_deref(), Some(code), "{call} {status}");
                }
                seen += 1;
            }
        }
        assert!(seen > 100, "{seen}");
    }
}
