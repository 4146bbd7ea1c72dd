//! How Walmart says yes and no.

use chrono::{DateTime, TimeDelta, Utc};
use http::header::ACCEPT;
use http::{HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::Value;

use super::config::Market;
use crate::client::{Dialect, Hints, Outgoing, Problem, Response, Verdict};
use crate::error::{Error, ErrorKind, Result, VendorDetail};

const ACCESS_TOKEN: HeaderName = HeaderName::from_static("wm_sec.access_token");
const CORRELATION_ID: HeaderName = HeaderName::from_static("wm_qos.correlation_id");
const MARKET: HeaderName = HeaderName::from_static("wm_market");
const GLOBAL_VERSION: HeaderName = HeaderName::from_static("wm_global_version");
const SERVICE_NAME: HeaderName = HeaderName::from_static("wm_svc.name");

/// The operations that read a list, for which "nothing found" is an empty list.
pub(super) const LISTS: &[&str] = &["list_orders", "list_labels"];

/// Walmart's headers and tables.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct WalmartDialect {
    pub(super) market: Market,
}

/// A row of the status table: what a status means when no code says more.
struct StatusRow {
    status: u16,
    kind: ErrorKind,
    message: &'static str,
}

const STATUSES: &[StatusRow] = &[
    // "400 INVALID_REQUEST…": understood and refused.
    StatusRow { status: 400, kind: ErrorKind::Rejected, message: "the request was refused" },
    // The token is missing, wrong or older than 900 s: renewed once.
    StatusRow { status: 401, kind: ErrorKind::AuthExpired, message: "the token was refused" },
    // A good token without the scope: only the seller can change that.
    StatusRow { status: 403, kind: ErrorKind::AuthRejected, message: "access is not granted" },
    StatusRow { status: 404, kind: ErrorKind::NotFound, message: "there is no such thing" },
    // Nothing was processed before the server gave up waiting for the request.
    StatusRow { status: 408, kind: ErrorKind::Transient, message: "the request came too slowly" },
    StatusRow { status: 413, kind: ErrorKind::Rejected, message: "the request is too large" },
    // "429 REQUEST_THRESHOLD_VIOLATED": the gateway turned it away, nothing was done.
    StatusRow { status: 429, kind: ErrorKind::RateLimited, message: "too many calls" },
];

/// A row of the code table; codes are compared by the part before the dot.
struct CodeRow {
    code: &'static str,
    kind: ErrorKind,
    message: &'static str,
}

const CODES: &[CodeRow] = &[
    // Seen with 401 from the gateway, also for a token in the wrong header.
    CodeRow {
        code: "UNAUTHORIZED",
        kind: ErrorKind::AuthExpired,
        message: "the token was refused",
    },
    // The gateway's token bucket is empty; nothing was done.
    CodeRow {
        code: "REQUEST_THRESHOLD_VIOLATED",
        kind: ErrorKind::RateLimited,
        message: "too many calls",
    },
    // Four ways to say that the request itself is wrong: sending it again cannot help.
    CodeRow {
        code: "INVALID_REQUEST",
        kind: ErrorKind::Rejected,
        message: "the request was refused",
    },
    CodeRow {
        code: "INVALID_REQUEST_PARAM",
        kind: ErrorKind::Rejected,
        message: "a parameter was refused",
    },
    CodeRow {
        code: "INVALID_REQUEST_CONTENT",
        kind: ErrorKind::Rejected,
        message: "the content was refused",
    },
    CodeRow {
        code: "MALFORMED_REQUEST_CONTENT",
        kind: ErrorKind::Rejected,
        message: "the content could not be read there",
    },
    // Also how an empty list is told, with severity INFO.
    CodeRow {
        code: "CONTENT_NOT_FOUND",
        kind: ErrorKind::NotFound,
        message: "there is no such thing",
    },
    // Their own faults: pass by themselves, whatever the status.
    CodeRow { code: "SYSTEM_ERROR", kind: ErrorKind::Transient, message: "a fault on their side" },
    CodeRow {
        code: "INVALID_SYSTEM_STATE",
        kind: ErrorKind::Transient,
        message: "a fault on their side",
    },
    CodeRow {
        code: "DOWNSTREAM_SYSTEM_TIME_OUT",
        kind: ErrorKind::Transient,
        message: "a system behind theirs was too slow",
    },
];

impl Dialect for WalmartDialect {
    fn adapter(&self) -> &'static str {
        "walmart"
    }

    fn prepare(&self, outgoing: &mut Outgoing, attempt_id: &str) -> Result<()> {
        // Never the same twice: a repeated id is said to be answered from the first call.
        let id = HeaderValue::from_str(attempt_id).map_err(|_| {
            Error::new(ErrorKind::Configuration, "the attempt id is not usable as a header value")
        })?;
        outgoing.headers.insert(CORRELATION_ID, id);
        outgoing.headers.insert(SERVICE_NAME, HeaderValue::from_static("Walmart Marketplace"));
        if let Some(market) = self.market.header() {
            outgoing.headers.insert(MARKET, HeaderValue::from_static(market));
            outgoing.headers.insert(GLOBAL_VERSION, HeaderValue::from_static("3.1"));
        }
        // Without it some calls answer XML. Label downloads have set their own.
        outgoing
            .headers
            .entry(ACCEPT)
            .or_insert_with(|| HeaderValue::from_static("application/json"));
        Ok(())
    }

    fn authorize(&self, outgoing: &mut Outgoing, token: HeaderValue) {
        outgoing.headers.insert(ACCESS_TOKEN, token);
    }

    fn observe(&self, response: &Response, now: DateTime<Utc>) -> Hints {
        let remaining = response
            .header("x-current-token-count")
            .and_then(|text| text.trim().parse::<i64>().ok())
            .map(|count| u32::try_from(count.max(0)).unwrap_or(u32::MAX));
        let replenished_at = ["x-next-replenishment-time", "x-next-replenish-time"]
            .iter()
            .find_map(|name| response.header(name))
            .and_then(|text| instant(text, now));
        Hints { remaining, replenished_at }
    }

    fn request_id(&self, response: &Response) -> Option<String> {
        ["wm_qos.correlation_id", "x-request-id", "x-correlation-id"]
            .iter()
            .find_map(|name| response.header(name))
            .map(str::to_owned)
    }

    fn verdict(&self, operation: &'static str, response: &Response) -> Verdict {
        let status = response.status.as_u16();
        let good_status = response.status.is_success();
        if good_status && !looks_refused(&response.body) {
            return Verdict::Good;
        }
        let found = first_error(&response.body);
        let name = found.code.as_deref().map(code_name).unwrap_or_default();
        if status == 404 && name == "CONTENT_NOT_FOUND" && LISTS.contains(&operation) {
            return Verdict::Good;
        }
        let row = CODES.iter().find(|row| row.code == name);
        let (kind, message) = match (STATUSES.iter().find(|row| row.status == status), row) {
            // Who turned it away before it was processed knows best: 401, 403 and 429.
            (Some(by_status), _) if matches!(status, 401 | 403 | 429) => {
                (by_status.kind, by_status.message)
            }
            // A fault of theirs stays one whatever the body says.
            _ if response.status.is_server_error() => {
                (ErrorKind::Transient, "a fault on their side")
            }
            (_, Some(by_code)) => (by_code.kind, by_code.message),
            (Some(by_status), None) => (by_status.kind, by_status.message),
            (None, None) if good_status => {
                (ErrorKind::Rejected, "the answer lists errors under a good status")
            }
            (None, None) if response.status.is_client_error() => {
                (ErrorKind::Rejected, "the request was refused")
            }
            (None, None) => (ErrorKind::UnexpectedAnswer, "the status is none that is promised"),
        };
        let mut vendor = VendorDetail::with_status(status);
        vendor.code = found.code;
        vendor.message = found.message;
        vendor.field = found.field;
        Verdict::Refused(Box::new(Problem { kind, pause: None, message, vendor }))
    }
}

/// The part of a code before its service: `SYSTEM_ERROR.GMP_ORDER_API`.
fn code_name(code: &str) -> &str {
    code.split('.').next().unwrap_or(code).trim()
}

/// Whether a good status carries nothing but errors, as label calls may.
fn looks_refused(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Probe {
        #[serde(default)]
        errors: Option<Value>,
        #[serde(default)]
        error: Option<Value>,
        #[serde(default)]
        data: Option<serde::de::IgnoredAny>,
        #[serde(default)]
        list: Option<serde::de::IgnoredAny>,
        #[serde(default)]
        order: Option<serde::de::IgnoredAny>,
        #[serde(default)]
        sku: Option<serde::de::IgnoredAny>,
    }
    // Only a body whose beginning names errors is worth a second reading.
    let head = body.get(..body.len().min(64)).unwrap_or(body);
    if !head.windows(6).any(|word| word == b"\"error") {
        return false;
    }
    serde_json::from_slice::<Probe>(body).is_ok_and(|probe| {
        let listed = probe.errors.as_ref().or(probe.error.as_ref());
        listed.is_some_and(|value| first_object(value).is_some())
            && probe.data.is_none()
            && probe.list.is_none()
            && probe.order.is_none()
            && probe.sku.is_none()
    })
}

/// The code of the first error that a body lists. Their words stay behind: only refusals are redacted.
pub(super) fn first_code(body: &[u8]) -> Option<String> {
    first_error(body).code
}

/// What could be made out of an error body.
#[derive(Default)]
struct Found {
    code: Option<String>,
    message: Option<String>,
    field: Option<String>,
}

/// Reads the first error of `{"errors":{"error":[…]}}`, `{"error":[…]}`, `{"errors":[…]}`, of XML
/// with any prefix, and keeps a text as it is.
fn first_error(body: &[u8]) -> Found {
    if let Ok(value) = serde_json::from_slice::<Value>(body) {
        let listed = value.get("errors").or_else(|| value.get("error"));
        let Some(error) = listed.and_then(first_object) else { return Found::default() };
        let text = |name: &str| match error.get(name) {
            Some(Value::String(text)) if !text.trim().is_empty() => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        return Found {
            code: text("code"),
            message: text("description").or_else(|| text("info")),
            field: text("field"),
        };
    }
    let head = body.get(..body.len().min(8_192)).unwrap_or(body);
    let text = String::from_utf8_lossy(head);
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Found::default();
    }
    if !trimmed.starts_with('<') {
        // Plain text from the edge.
        let broken_json = trimmed.starts_with(['{', '[']);
        return Found { message: (!broken_json).then(|| trimmed.to_owned()), ..Found::default() };
    }
    Found {
        code: element(trimmed, "code"),
        message: element(trimmed, "description")
            .or_else(|| element(trimmed, "info"))
            .or_else(|| element(trimmed, "title")),
        field: element(trimmed, "field"),
    }
}

/// The first error object below `errors` or `error`, however deep it is wrapped.
fn first_object(value: &Value) -> Option<&serde_json::Map<String, Value>> {
    match value {
        Value::Array(items) => items.iter().find_map(first_object),
        Value::Object(fields) if fields.contains_key("code") => Some(fields),
        Value::Object(fields) => fields.get("error").and_then(first_object),
        _ => None,
    }
}

/// The text of the first XML element of that local name.
fn element(xml: &str, name: &str) -> Option<String> {
    let mut rest = xml;
    while let Some((_, after)) = rest.split_once('<') {
        let (tag, inner) = after.split_once('>')?;
        let local = tag.split_whitespace().next().unwrap_or_default();
        let local = local.rsplit(':').next().unwrap_or_default();
        if local == name {
            let text = inner.split('<').next().unwrap_or_default().trim();
            return (!text.is_empty()).then(|| text.to_owned());
        }
        rest = inner;
    }
    None
}

/// Reads an instant from seconds to go, epoch seconds, epoch milliseconds or ISO 8601: all have
/// been seen.
fn instant(text: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    const A_DAY: i64 = 86_400;
    const MILLIS_SINCE_1973: i64 = 100_000_000_000;
    let text = text.trim();
    if let Ok(number) = text.parse::<i64>() {
        return match number {
            i64::MIN..0 => None,
            0..=A_DAY => now.checked_add_signed(TimeDelta::seconds(number)),
            MILLIS_SINCE_1973.. => DateTime::from_timestamp_millis(number),
            _ => DateTime::from_timestamp(number, 0),
        };
    }
    DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc())
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};

    use super::*;

    #[test]
    fn replenishment_is_read_from_seconds_milliseconds_and_text() {
        let now: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
        let cases = [
            ("30", Some("2026-01-01T00:00:30Z")),
            ("1767225630", Some("2026-01-01T00:00:30Z")),
            ("1767225630000", Some("2026-01-01T00:00:30Z")),
            ("2026-01-01T00:00:30Z", Some("2026-01-01T00:00:30Z")),
            ("-5", None),
            ("soon", None),
        ];
        for name in ["x-next-replenishment-time", "x-next-replenish-time"] {
            for (text, wanted) in cases {
                let mut headers = HeaderMap::new();
                headers.insert(name, HeaderValue::from_static(text));
                headers.insert("x-current-token-count", HeaderValue::from_static("7"));
                let response = Response { status: StatusCode::OK, headers, body: "".into() };
                let hints = WalmartDialect::default().observe(&response, now);
                assert_eq!(hints.remaining, Some(7));
                assert_eq!(hints.replenished_at, wanted.map(|at| at.parse().unwrap()), "{text}");
            }
        }
    }
}
