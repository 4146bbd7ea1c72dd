//! How the platform says yes and no: by the `code` of the body; the HTTP status is not reliable.

use std::sync::Arc;

use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue};
use serde::Deserialize;

use super::sign::CallSigner;
use crate::client::wire::string_or_number_opt;
use crate::client::{Body, Clock, Dialect, Outgoing, Problem, Response, Verdict};
use crate::error::{Error, ErrorKind, Result, VendorDetail};

const ACCESS_TOKEN: HeaderName = HeaderName::from_static("x-tts-access-token");

/// Signs every attempt with its own timestamp, and reads verdicts.
#[derive(Debug)]
pub(super) struct TikTokDialect {
    pub(super) signer: CallSigner,
    pub(super) clock: Arc<dyn Clock>,
    /// Token calls carry the secret itself and no signature; documents carry neither.
    pub(super) signs: bool,
}

/// A row of the code table.
#[derive(Debug, Clone, Copy)]
struct CodeRow {
    code: &'static str,
    kind: ErrorKind,
    message: &'static str,
}

const fn row(code: &'static str, kind: ErrorKind, message: &'static str) -> CodeRow {
    CodeRow { code, kind, message }
}

#[rustfmt::skip]
const CODES: &[CodeRow] = &[
    row("36009002", ErrorKind::RateLimited, "too many calls"),
    row("36009003", ErrorKind::Transient, "a fault on their side"),
    row("36009007", ErrorKind::Transient, "their side was too slow"),
    row("105002", ErrorKind::AuthExpired, "the access token has expired"),
    row("105005", ErrorKind::AuthRejected, "the app lacks the permission"),
    row("101000", ErrorKind::AuthRejected, "the token does not fit the shop"),
    row("106001", ErrorKind::AuthRejected, "the signature was refused"),
    row("106013", ErrorKind::Configuration, "the shop's cipher is missing"),
    row("36009009", ErrorKind::Configuration, "there is no such path"),
    row("36009010", ErrorKind::Configuration, "the path has no such method"),
    row("36009014", ErrorKind::Configuration, "there is no such version"),
    row("36009021", ErrorKind::Rejected, "the file is too large"),
    row("36009022", ErrorKind::Rejected, "the body was refused"),
    row("36009023", ErrorKind::Rejected, "the content type was refused"),
    row("36009033", ErrorKind::AuthRejected, "this address is not on the app's list"),
    row("36009043", ErrorKind::AuthRejected, "the shop is disabled"),
    row("36009044", ErrorKind::AuthRejected, "the seller is disabled"),
    row("36004004", ErrorKind::AuthRejected, "the authorisation code was used or is stale"),
    row("36004001", ErrorKind::AuthRejected, "the refresh token has expired"),
    // The detail could not be read; nothing is written by such a call.
    row("10002014", ErrorKind::Transient, "the order could not be read there"),
    row("10002015", ErrorKind::Transient, "the order could not be read there"),
    row("10037002", ErrorKind::Transient, "the order could not be read there"),
    row("10037003", ErrorKind::Transient, "the order could not be read there"),
    row("10037004", ErrorKind::Transient, "the order could not be read there"),
    row("10006402", ErrorKind::Transient, "the order could not be read there"),
    row("21001001", ErrorKind::Rejected, "a parameter was refused"),
    row("21011001", ErrorKind::NotFound, "there is no such package"),
    row("21011006", ErrorKind::Rejected, "the package has shipped"),
    row("21011029", ErrorKind::Rejected, "the units are outside of the fulfilment unit"),
    row("21011037", ErrorKind::Rejected, "there is no shipping service"),
    row("21011048", ErrorKind::Rejected, "the order has several packages"),
    row("10007014", ErrorKind::Rejected, "the package cannot be handled now"),
    row("25001011", ErrorKind::Rejected, "another request is being processed"),
    row("25001001", ErrorKind::Rejected, "the status does not allow it"),
    row("25011014", ErrorKind::Rejected, "the request cannot be refused"),
    row("45109001", ErrorKind::Rejected, "the time to write to the buyer is over"),
    // "The message may have been sent": a fault of theirs, which a call that must not repeat
    // reports as unknown.
    row("45101001", ErrorKind::Transient, "a fault on their side, the message may have been sent"),
];

/// What one code stands for depends on its words: missing sign, bad token, a wrong clock, a cipher
/// that does not belong there. Nothing was done in any of these cases.
const OVERLOADED: &str = "36009004";

fn overloaded(words: &str) -> (ErrorKind, &'static str) {
    let words = words.to_ascii_lowercase();
    let says = |part: &str| words.contains(part);
    if says("timestamp") {
        (ErrorKind::Configuration, "the clock is more than five minutes behind or ahead of theirs")
    } else if says("access_token") || says("access-token") || says("access token") {
        (ErrorKind::AuthExpired, "the access token was refused")
    } else {
        (ErrorKind::Configuration, "a parameter every call has was refused")
    }
}

#[derive(Deserialize)]
struct Head {
    #[serde(default, deserialize_with = "string_or_number_opt")]
    code: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    request_id: Option<String>,
}

/// Whether a body begins as a success does, so that a page of orders is not read twice.
fn begins_well(body: &[u8]) -> bool {
    let mut significant = body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).take(10);
    br#"{"code":0,"#.iter().all(|wanted| significant.next() == Some(*wanted))
}

impl Dialect for TikTokDialect {
    fn adapter(&self) -> &'static str {
        "tiktok-shop"
    }

    fn prepare(&self, outgoing: &mut Outgoing, _attempt_id: &str) -> Result<()> {
        if !self.signs {
            return Ok(());
        }
        // Demanded on every call, those without a body included.
        outgoing
            .headers
            .entry(CONTENT_TYPE)
            .or_insert_with(|| HeaderValue::from_static("application/json"));
        let decoded: Vec<(String, String)> = outgoing
            .query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| Ok((name.to_owned(), decoded(value)?)))
            .collect::<Result<_>>()?;
        let query: Vec<(&str, &str)> =
            decoded.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let body: &[u8] = match &outgoing.body {
            Body::Empty => b"",
            Body::Bytes { bytes, .. } => bytes,
        };
        let now = self.clock.now().timestamp();
        outgoing.query = self.signer.signed_query(&outgoing.path, &query, body, now);
        Ok(())
    }

    fn authorize(&self, outgoing: &mut Outgoing, token: HeaderValue) {
        outgoing.headers.insert(ACCESS_TOKEN, token);
    }

    fn request_id(&self, response: &Response) -> Option<String> {
        serde_json::from_slice::<Head>(&response.body).ok()?.request_id
    }

    fn verdict(&self, _operation: &'static str, response: &Response) -> Verdict {
        let status = response.status.as_u16();
        let good_status = response.status.is_success();
        if good_status && begins_well(&response.body) {
            return Verdict::Good;
        }
        let head = serde_json::from_slice::<Head>(&response.body).ok();
        let code = head.as_ref().and_then(|head| head.code.as_deref());
        if good_status && (code == Some("0") || (head.is_none() && !looks_like_a_page(response))) {
            // What is no JSON at all is for the reader of the answer to name.
            return Verdict::Good;
        }
        let words = head.as_ref().and_then(|head| head.message.as_deref()).unwrap_or_default();
        let by_code = code.filter(|code| *code != "0");
        let (kind, message) = match by_code {
            Some(OVERLOADED) => overloaded(words),
            Some(code) => match CODES.iter().find(|row| row.code == code) {
                Some(row) => (row.kind, row.message),
                None if words.to_ascii_lowercase().contains("not found")
                    || words.to_ascii_lowercase().contains("not exist") =>
                {
                    (ErrorKind::NotFound, "there is no such thing")
                }
                None if response.status.is_server_error() => {
                    (ErrorKind::Transient, "a fault on their side")
                }
                None if status == 429 => (ErrorKind::RateLimited, "too many calls"),
                None => (ErrorKind::Rejected, "the request was refused"),
            },
            None => match status {
                429 => (ErrorKind::RateLimited, "too many calls"),
                401 => (ErrorKind::AuthExpired, "the access token was refused"),
                403 => (ErrorKind::AuthRejected, "access is not granted"),
                404 => (ErrorKind::NotFound, "there is no such thing"),
                500..=599 => (ErrorKind::Transient, "a fault on their side"),
                400..=499 => (ErrorKind::Rejected, "the request was refused"),
                _ => (ErrorKind::UnexpectedAnswer, "the answer is none that is promised"),
            },
        };
        let mut vendor = VendorDetail::with_status(status);
        if let Some(head) = head {
            vendor.code = head.code;
            vendor.message = head.message.filter(|words| !words.trim().is_empty());
            vendor.request_id = head.request_id;
        }
        Verdict::Refused(Box::new(Problem { kind, pause: None, message, vendor }))
    }
}

/// A page of HTML from a gateway under a good status.
fn looks_like_a_page(response: &Response) -> bool {
    response.body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<')
}

/// The kind and message of a failure of one item.
pub(super) fn item_error(error: &super::wire::ItemError) -> Error {
    let code = error.code.as_deref().unwrap_or_default();
    let row = CODES.iter().find(|row| row.code == code);
    let (kind, message) =
        row.map_or((ErrorKind::Rejected, "the item was refused"), |row| (row.kind, row.message));
    let mut vendor = VendorDetail::with_status(200);
    vendor.code = error.code.clone();
    vendor.message = error.message.clone();
    Error::new(kind, message).with_vendor(vendor)
}

/// Undoes the percent-encoding of our own query.
fn decoded(value: &str) -> Result<String> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        let escape = (byte == b'%').then(|| rest.next().zip(rest.next())).flatten();
        bytes.push(match escape {
            Some((high, low)) => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                digit(high)
                    .zip(digit(low))
                    .and_then(|(high, low)| u8::try_from(high * 16 + low).ok())
                    .ok_or_else(|| Error::invalid("query", "is not percent-encoded"))?
            }
            None => byte,
        });
    }
    String::from_utf8(bytes).map_err(|_| Error::invalid("query", "is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};

    use super::*;

    fn kind(status: u16, body: &str) -> Option<ErrorKind> {
        let dialect = TikTokDialect {
            signer: CallSigner::new("key", "secret"),
            clock: Arc::new(crate::client::SystemClock),
            signs: true,
        };
        let status = StatusCode::from_u16(status).unwrap();
        let body = body.to_owned().into();
        match dialect.verdict("call", &Response { status, headers: HeaderMap::new(), body }) {
            Verdict::Good => None,
            Verdict::Refused(problem) => Some(problem.kind),
        }
    }

    #[test]
    fn the_code_of_the_body_decides_whatever_the_status() {
        use ErrorKind::{
            AuthExpired, AuthRejected, Configuration, NotFound, RateLimited, Rejected, Transient,
        };
        let cases = [
            (36_009_002, RateLimited),
            (36_009_003, Transient),
            (36_009_007, Transient),
            (105_002, AuthExpired),
            (105_005, AuthRejected),
            (101_000, AuthRejected),
            (106_001, AuthRejected),
            (106_013, Configuration),
            (36_009_009, Configuration),
            (36_009_010, Configuration),
            (36_009_014, Configuration),
            (36_009_021, Rejected),
            (36_009_022, Rejected),
            (36_009_023, Rejected),
            (36_009_033, AuthRejected),
            (36_009_043, AuthRejected),
            (36_009_044, AuthRejected),
            (36_004_004, AuthRejected),
            (36_004_001, AuthRejected),
            (10_002_014, Transient),
            (10_002_015, Transient),
            (10_037_002, Transient),
            (10_037_003, Transient),
            (10_037_004, Transient),
            (10_006_402, Transient),
            (21_001_001, Rejected),
            (21_011_001, NotFound),
            (21_011_006, Rejected),
            (21_011_029, Rejected),
            (21_011_037, Rejected),
            (21_011_048, Rejected),
            (10_007_014, Rejected),
            (25_001_011, Rejected),
            (25_001_001, Rejected),
            (25_011_014, Rejected),
            (45_109_001, Rejected),
            (45_101_001, Transient),
            (99_999_999, Rejected),
        ];
        for (code, wanted) in cases {
            for status in [200, 400, 401] {
                for code_text in [code.to_string(), format!("\"{code}\"")] {
                    let body = format!(r#"{{"code":{code_text},"message":"no","data":null}}"#);
                    assert_eq!(kind(status, &body), Some(wanted), "{code} under {status}");
                }
            }
        }
        let by_words = [
            ("Invalid timestamp", Configuration),
            ("Invalid access_token", AuthExpired),
            ("Unexpected identifier shop_cipher", Configuration),
        ];
        for (words, wanted) in by_words {
            let body = format!(r#"{{"code":36009004,"message":"{words}"}}"#);
            assert_eq!(kind(400, &body), Some(wanted), "{words}");
        }
        assert_eq!(kind(200, r#" { "code" : 0, "data": {}}"#), None);
        assert_eq!(kind(200, r#"{"message":"late code","code":0,"data":{}}"#), None);
        assert_eq!(kind(502, "<html>"), Some(Transient));
        assert_eq!(kind(429, ""), Some(RateLimited));
    }
}
