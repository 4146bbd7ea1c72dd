//! How the carrier says no: HTTP status first, then its own codes.

use http::header::{ACCEPT, AUTHORIZATION};
use http::{HeaderValue, StatusCode};
use serde::Deserialize;

use crate::client::wire::OneOrMany;
use crate::client::{Dialect, Outgoing, Problem, Response, Verdict, bearer};
use crate::error::{ErrorKind, Result, VendorDetail};

use ErrorKind::{AuthExpired, AuthRejected, NotFound, RateLimited, Rejected, Transient};

/// The carrier's way of answering.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct EcommerceDialect;

/// After a used-up volume, which the carrier counts by the week.
const QUOTA_PAUSE: std::time::Duration = std::time::Duration::from_secs(3_600);

/// The codes that have a meaning of their own; all others follow their status.
const CODES: &[(&str, ErrorKind, &str)] = &[
    ("400.0000001", Rejected, "a parameter of the query is missing"),
    ("400.0000004", AuthRejected, "the way of logging in is refused"),
    ("400.0000005", AuthRejected, "id and secret are refused"),
    ("401.0000007", AuthRejected, "id and secret are refused"),
    ("401.0000002", AuthExpired, "the access token is no longer good"),
    ("400.0204003", Rejected, "a field is missing or wrong"),
    ("400.0204009", Rejected, "refused by the systems behind"),
    ("400.0004004", Rejected, "the fields do not fit together"),
    ("405.0000001", Rejected, "this call does not exist"),
    ("500.0000002", Transient, "a fault on their side"),
    ("500.0000999", Transient, "a fault on their side"),
];

fn by_status(status: StatusCode) -> (ErrorKind, &'static str) {
    match status.as_u16() {
        401 => (AuthExpired, "the access token is refused"),
        403 => (AuthRejected, "the account may not do this"),
        404 => (NotFound, "not found"),
        408 => (Transient, "they waited too long for the request"),
        409 => (ErrorKind::Conflict, "it conflicts with what they have"),
        429 => (RateLimited, "too many requests"),
        400..=499 => (Rejected, "refused"),
        500..=599 => (Transient, "a fault on their side"),
        _ => (ErrorKind::UnexpectedAnswer, "a status that means nothing here"),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ErrorBody {
    #[serde(rename = "type")]
    kind: Option<String>,
    title: Option<String>,
    #[serde(default)]
    invalid_params: OneOrMany<InvalidParam>,
    fault: Option<Fault>,
}

/// A field they complain about.
#[derive(Debug, Default, Deserialize)]
pub(super) struct InvalidParam {
    pub(super) name: Option<String>,
    pub(super) path: Option<String>,
    pub(super) reason: Option<String>,
}

impl InvalidParam {
    /// The place in the request, as they point to it.
    pub(super) fn field(&self) -> Option<String> {
        let path = self.path.as_deref().map_or("", str::trim).trim_end_matches('/');
        let name = self.name.as_deref().map_or("", str::trim);
        match (path.is_empty(), name.is_empty()) {
            (_, false) if path.ends_with(name) => Some(path.to_owned()),
            (_, false) => Some(format!("{path}/{name}")),
            (false, true) => Some(path.to_owned()),
            (true, true) => None,
        }
    }
}

/// The gateway in front has another shape for what it refuses itself.
#[derive(Deserialize)]
struct Fault {
    faultstring: Option<String>,
    detail: Option<FaultDetail>,
}

#[derive(Deserialize)]
struct FaultDetail {
    errorcode: Option<String>,
}

/// Title and reasons in one text.
pub(super) fn words(title: Option<&str>, params: &[InvalidParam]) -> Option<String> {
    let reasons: Vec<&str> =
        params.iter().filter_map(|param| param.reason.as_deref().map(str::trim)).collect();
    let title = title.map(str::trim).filter(|title| !title.is_empty());
    match (title, reasons.is_empty()) {
        (Some(title), true) => Some(title.to_owned()),
        (Some(title), false) => Some(format!("{title}: {}", reasons.join("; "))),
        (None, false) => Some(reasons.join("; ")),
        (None, true) => None,
    }
}

impl Dialect for EcommerceDialect {
    fn adapter(&self) -> &'static str {
        "dhl-ecommerce"
    }

    fn prepare(&self, outgoing: &mut Outgoing, _attempt_id: &str) -> Result<()> {
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
        let (kind, message) = by_status(response.status);
        let mut problem = Problem {
            kind,
            pause: None,
            message,
            vendor: VendorDetail::with_status(response.status.as_u16()),
        };
        if let Ok(body) = serde_json::from_slice::<ErrorBody>(&response.body) {
            // The code is the end of an address that differs by host.
            let code = body.kind.as_deref().and_then(|kind| kind.rsplit('/').next());
            problem.vendor.code = code.map(str::to_owned).or_else(|| {
                body.fault.as_ref().and_then(|fault| fault.detail.as_ref()?.errorcode.clone())
            });
            problem.vendor.message = words(body.title.as_deref(), &body.invalid_params)
                .or_else(|| body.fault.and_then(|fault| fault.faultstring));
            problem.vendor.field = body.invalid_params.iter().find_map(InvalidParam::field);
        }
        let known = problem.vendor.code.as_deref().and_then(|code| {
            // A code tells its status: under another one it is not believed.
            let fits = code.starts_with(response.status.as_str());
            CODES.iter().find(|(known, ..)| fits && *known == code)
        });
        if let Some((_, kind, message)) = known {
            problem.kind = *kind;
            problem.message = message;
        }
        // Calls in a burst are let through soon; the volume of the week is used up for longer.
        let says_quota = |text: &Option<String>| {
            text.as_deref().is_some_and(|text| text.to_ascii_lowercase().contains("quota"))
        };
        if problem.kind == RateLimited
            && (says_quota(&problem.vendor.code) || says_quota(&problem.vendor.message))
        {
            problem.pause = Some(QUOTA_PAUSE);
            problem.message = "the account's volume is used up";
        }
        if operation == "login" && problem.kind == AuthExpired {
            problem.kind = AuthRejected;
            problem.message = "id and secret are refused";
        }
        Verdict::Refused(Box::new(problem))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderMap;

    fn refused(operation: &'static str, status: u16, body: &[u8]) -> Problem {
        let response = Response {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: bytes::Bytes::copy_from_slice(body),
        };
        match EcommerceDialect.verdict(operation, &response) {
            Verdict::Refused(problem) => *problem,
            Verdict::Good => panic!("{status} is not good"),
        }
    }

    #[test]
    fn every_published_refusal_is_understood_and_keeps_its_code() {
        for (file, operation, status, kind, code) in [
            ("error-400-invalid-credentials", "login", 400, AuthRejected, "400.0000005"),
            ("error-400-invalid-grant-type", "login", 400, AuthRejected, "400.0000004"),
            ("error-400-validation-failed", "buy_label", 400, Rejected, "400.0204003"),
            ("error-401-invalid-token", "track", 401, AuthExpired, "401.0000002"),
            ("error-405", "track", 405, Rejected, "405.0000001"),
            ("error-500-unknown-exception", "track", 500, Transient, "500.0000999"),
        ] {
            let path =
                format!("{}/tests/fixtures/dhl/ecommerce/{file}.json", env!("CARGO_MANIFEST_DIR"));
            let problem = refused(operation, status, &std::fs::read(path).unwrap());
            assert_eq!(problem.kind, kind, "{file}");
            assert_eq!(problem.vendor.code.as_deref(), Some(code), "{file}");
        }
    }

    #[test]
    fn a_field_they_complain_about_is_named_with_their_reason() {
        let body = br#"{"type":"https://x/docs/errors/400.0204003","title":"Static Validation Failed",
            "invalidParams":[{"name":"returnAddress","path":"/","reason":"required key not found"}]}"#;
        let problem = refused("buy_label", 400, body);
        assert_eq!(problem.vendor.field.as_deref(), Some("/returnAddress"));
        let words = "Static Validation Failed: required key not found";
        assert_eq!(problem.vendor.message.as_deref(), Some(words));
    }

    #[test]
    fn unknown_codes_other_shapes_and_no_json_follow_their_status() {
        for (status, body, kind, code) in [
            (400, r#"{"type":"x/400.9999999","title":"?"}"#, Rejected, Some("400.9999999")),
            (503, "<html>", Transient, None),
            (
                411,
                r#"{"fault":{"faultstring":"no length","detail":{"errorcode":"p.L"}}}"#,
                Rejected,
                Some("p.L"),
            ),
            (429, r#"{"title":"Spike arrest"}"#, RateLimited, None),
            (500, r#"{"type":"x/401.0000002"}"#, Transient, Some("401.0000002")),
            (302, "", ErrorKind::UnexpectedAnswer, None),
        ] {
            let problem = refused("any", status, body.as_bytes());
            assert_eq!((problem.kind, problem.vendor.code.as_deref()), (kind, code), "{body}");
        }
    }

    #[test]
    fn a_burst_passes_soon_and_a_used_up_volume_does_not() {
        let spike = refused("track", 429, br#"{"title":"Spike arrest violation"}"#);
        assert_eq!(spike.pause, None);
        let body = br#"{"fault":{"faultstring":"Rate limit quota violation",
            "detail":{"errorcode":"policies.ratelimit.QuotaViolation"}}}"#;
        let quota = refused("track", 429, body);
        assert_eq!((quota.kind, quota.pause), (RateLimited, Some(QUOTA_PAUSE)));
    }
}
