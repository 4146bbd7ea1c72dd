//! How the API says no.

use http::header::{ACCEPT, HeaderName};
use http::{HeaderValue, StatusCode};
use serde::Deserialize;

use super::config::DhlTrackingConfig;
use crate::client::wire::string_or_number_opt;
use crate::client::{Dialect, Outgoing, Problem, Response, Verdict};
use crate::error::{Error, ErrorKind, Result, VendorDetail};

const KEY: HeaderName = HeaderName::from_static("dhl-api-key");

/// The API's way of answering, with the key that every call carries.
pub(super) struct TrackingDialect(HeaderValue);

impl std::fmt::Debug for TrackingDialect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TrackingDialect")
    }
}

impl TrackingDialect {
    pub(super) fn new(config: &DhlTrackingConfig) -> Result<Self> {
        let mut key = HeaderValue::from_str(config.key.as_str().trim()).map_err(|_| {
            Error::new(ErrorKind::Configuration, "cannot be sent in a header").with_field("key")
        })?;
        key.set_sensitive(true);
        Ok(Self(key))
    }
}

fn by_status(status: StatusCode) -> (ErrorKind, &'static str) {
    match status.as_u16() {
        401 => (ErrorKind::AuthRejected, "the key is refused"),
        403 => (ErrorKind::AuthRejected, "the key may not do this"),
        404 => (ErrorKind::NotFound, "the number is not known yet"),
        408 => (ErrorKind::Transient, "they waited too long for the request"),
        409 => (ErrorKind::AlreadyDone, "there is such a subscription already"),
        429 => (ErrorKind::RateLimited, "too many requests"),
        400..=499 => (ErrorKind::Rejected, "refused"),
        500..=599 => (ErrorKind::Transient, "a fault on their side"),
        _ => (ErrorKind::UnexpectedAnswer, "a status that means nothing here"),
    }
}

#[derive(Deserialize)]
struct ErrorBody {
    title: Option<String>,
    detail: Option<String>,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    status: Option<String>,
}

impl Dialect for TrackingDialect {
    fn adapter(&self) -> &'static str {
        "dhl-tracking"
    }

    fn prepare(&self, outgoing: &mut Outgoing, _attempt_id: &str) -> Result<()> {
        outgoing.headers.entry(ACCEPT).or_insert(HeaderValue::from_static("application/json"));
        outgoing.headers.insert(KEY, self.0.clone());
        Ok(())
    }

    fn authorize(&self, _outgoing: &mut Outgoing, _token: HeaderValue) {
        // There are no tokens: every call carries the key.
    }

    fn verdict(&self, _operation: &'static str, response: &Response) -> Verdict {
        if response.status.is_success() {
            return Verdict::Good;
        }
        let (kind, message) = by_status(response.status);
        let mut vendor = VendorDetail::with_status(response.status.as_u16());
        if let Ok(body) = serde_json::from_slice::<ErrorBody>(&response.body) {
            vendor.message = match (body.title, body.detail) {
                (Some(title), Some(detail)) => Some(format!("{title}: {detail}")),
                (title, detail) => title.or(detail),
            };
            // Only a number that is not the status again.
            vendor.code = body.status.filter(|code| code != response.status.as_str());
        }
        Verdict::Refused(Box::new(Problem { kind, pause: None, message, vendor }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderMap;

    #[test]
    fn every_published_refusal_is_understood_and_keeps_its_words() {
        for (file, status, kind, words) in [
            ("error-bad-input", 400, ErrorKind::Rejected, "Invalid input: Input is invalid"),
            ("error-unauthorized", 401, ErrorKind::AuthRejected, "Unauthorized: Unauthorized"),
            ("error-not-found", 404, ErrorKind::NotFound, "No result found: No shipment"),
        ] {
            let path =
                format!("{}/tests/fixtures/dhl/tracking/{file}.json", env!("CARGO_MANIFEST_DIR"));
            let response = Response {
                status: StatusCode::from_u16(status).unwrap(),
                headers: HeaderMap::new(),
                body: std::fs::read(path).unwrap().into(),
            };
            let dialect = TrackingDialect::new(&DhlTrackingConfig::new("k")).unwrap();
            let Verdict::Refused(problem) = dialect.verdict("track", &response) else { panic!() };
            assert_eq!(problem.kind, kind, "{file}");
            let message = problem.vendor.message.unwrap();
            assert!(message.starts_with(words), "{message}");
            assert_eq!(problem.vendor.code, None);
        }
    }
}
