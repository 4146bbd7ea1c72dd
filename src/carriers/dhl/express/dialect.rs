//! How the carrier says no: HTTP status first, then the number its text begins with.

use http::header::{ACCEPT, ACCEPT_LANGUAGE, AUTHORIZATION, HeaderName};
use http::{HeaderValue, StatusCode};
use serde::Deserialize;

use super::config::DhlExpressConfig;
use crate::carriers::dhl::shared::basic;
use crate::client::wire::{OneOrMany, string_or_number_opt};
use crate::client::{Dialect, Outgoing, Problem, Response, Verdict};
use crate::error::{Error, ErrorKind, Result, VendorDetail};

use ErrorKind::{AuthRejected, Configuration, NotFound, RateLimited, Rejected, Transient};

const VERSION: HeaderName = HeaderName::from_static("x-version");
/// Echoed in the answer, 1 to 36 characters. Not a key: the same twice makes two shipments.
const MESSAGE_REFERENCE: HeaderName = HeaderName::from_static("message-reference");

/// The carrier's way of answering, with the login that every call carries.
pub(super) struct ExpressDialect {
    login: HeaderValue,
    version: HeaderValue,
}

impl std::fmt::Debug for ExpressDialect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ExpressDialect")
    }
}

impl ExpressDialect {
    pub(super) fn new(config: &DhlExpressConfig) -> Result<Self> {
        let unusable = |field: &'static str| {
            Error::new(ErrorKind::Configuration, "cannot be sent in a header").with_field(field)
        };
        let login = basic(config.user.as_str(), config.password.as_str());
        let mut login = HeaderValue::from_str(&login).map_err(|_| unusable("user"))?;
        login.set_sensitive(true);
        let version = HeaderValue::from_str(&config.version).map_err(|_| unusable("version"))?;
        Ok(Self { login, version })
    }
}

/// The numbers that have a meaning of their own: from, to.
const CODES: &[(u32, u32, ErrorKind, &str)] = &[
    (996, 996, Rejected, "the product is not available on this way"),
    (998, 998, Rejected, "a date has another form"),
    (1_001, 1_001, Rejected, "the product is not available on this way"),
    (3_000, 3_008, Rejected, "the place or postal code was not found"),
    (7_008, 7_008, Rejected, "an extra service is not possible"),
    (7_096, 7_096, Rejected, "an extra service is not possible"),
    (7_163, 7_163, Rejected, "an extra service is not possible"),
    (8_003, 8_003, Configuration, "the account may not do this"),
    (8_007, 8_007, Configuration, "the account is not valid"),
    (410_138, 410_138, Rejected, "the product is not available for this payer"),
];

/// Whether a refusal says that the place does not exist: "3501" is among them in the carrier's own
/// list, and in its samples also something else, so it counts only for addresses.
pub(super) fn is_place_unknown(error: &Error) -> bool {
    let code = error.vendor().and_then(|vendor| vendor.code.as_deref()?.parse::<u32>().ok());
    code.is_some_and(|code| (3_000..=3_008).contains(&code) || code == 3_501)
}

fn by_status(status: StatusCode) -> (ErrorKind, &'static str) {
    match status.as_u16() {
        401 => (AuthRejected, "user and password are refused"),
        403 => (AuthRejected, "the user may not do this"),
        404 => (NotFound, "not found"),
        408 => (Transient, "they waited too long for the request"),
        409 => (ErrorKind::Conflict, "it conflicts with what they have"),
        422 => (Rejected, "a field is missing or wrong"),
        429 => (RateLimited, "too many requests"),
        400..=499 => (Rejected, "refused"),
        500..=599 => (Transient, "a fault on their side"),
        _ => (ErrorKind::UnexpectedAnswer, "a status that means nothing here"),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ErrorBody {
    detail: Option<String>,
    title: Option<String>,
    message: Option<String>,
    #[serde(default)]
    additional_details: OneOrMany<String>,
    /// In the place of their own number where they have none.
    #[serde(default, deserialize_with = "string_or_number_opt")]
    status: Option<String>,
}

/// "7008: words".
fn leading_code(text: &str) -> Option<&str> {
    let (code, _) = text.trim().split_once(':')?;
    (!code.is_empty() && code.len() <= 8 && code.bytes().all(|byte| byte.is_ascii_digit()))
        .then_some(code)
}

/// "#/content/packages/0/weight: words", also in the middle of a text.
fn pointed_at(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("#/")?;
    let place: &str = rest
        .split(|letter: char| letter.is_whitespace() || matches!(letter, ':' | ',' | '\'' | '.'))
        .next()?;
    (!place.is_empty()).then(|| format!("#/{place}"))
}

impl Dialect for ExpressDialect {
    fn adapter(&self) -> &'static str {
        "dhl-express"
    }

    fn prepare(&self, outgoing: &mut Outgoing, attempt_id: &str) -> Result<()> {
        let headers = &mut outgoing.headers;
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static("application/json"));
        headers.entry(ACCEPT_LANGUAGE).or_insert(HeaderValue::from_static("eng"));
        headers.insert(AUTHORIZATION, self.login.clone());
        headers.insert(VERSION, self.version.clone());
        let id: String = attempt_id.chars().take(36).collect();
        let id = HeaderValue::from_str(&id)
            .map_err(|_| Error::new(ErrorKind::Configuration, "an attempt's id cannot be sent"))?;
        headers.insert(MESSAGE_REFERENCE, id);
        Ok(())
    }

    fn authorize(&self, _outgoing: &mut Outgoing, _token: HeaderValue) {
        // There are no tokens: every call carries user and password.
    }

    fn request_id(&self, response: &Response) -> Option<String> {
        ["invocation-id", "message-reference"]
            .iter()
            .find_map(|name| response.header(name))
            .map(str::to_owned)
    }

    fn verdict(&self, _operation: &'static str, response: &Response) -> Verdict {
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
            let texts: Vec<&str> = body
                .detail
                .iter()
                .chain(body.additional_details.iter())
                .map(|text| text.trim())
                .filter(|text| !text.is_empty())
                .collect();
            let own_status = body.status.as_deref().map(str::trim);
            problem.vendor.code =
                texts.iter().find_map(|text| leading_code(text)).map(str::to_owned).or_else(|| {
                    // Only a number that is not the status again.
                    own_status
                        .filter(|status| *status != response.status.as_str() && !status.is_empty())
                        .map(str::to_owned)
                });
            problem.vendor.field = texts.iter().find_map(|text| pointed_at(text));
            problem.vendor.message =
                if texts.is_empty() { body.title.or(body.message) } else { Some(texts.join("; ")) };
        }
        let code = problem.vendor.code.as_deref().and_then(|code| code.parse::<u32>().ok());
        let known =
            code.and_then(|code| CODES.iter().find(|(from, to, ..)| (*from..=*to).contains(&code)));
        // A refusal has a better word; a login, a limit and a fault stay what they are.
        if let Some((_, _, kind, message)) = known
            && matches!(response.status.as_u16(), 400 | 404 | 422)
            && problem.kind == Rejected
        {
            problem.kind = *kind;
            problem.message = message;
        }
        Verdict::Refused(Box::new(problem))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderMap;

    fn refused(status: u16, body: &str) -> Problem {
        let response = Response {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: bytes::Bytes::copy_from_slice(body.as_bytes()),
        };
        let config = DhlExpressConfig::new("user", "password", "1");
        match ExpressDialect::new(&config).unwrap().verdict("any", &response) {
            Verdict::Refused(problem) => *problem,
            Verdict::Good => panic!("{status} is not good"),
        }
    }

    #[test]
    fn every_official_error_example_is_understood_and_keeps_its_words() {
        let path = format!(
            "{}/tests/fixtures/dhl/express/official-error-examples.json",
            env!("CARGO_MANIFEST_DIR")
        );
        let examples: serde_json::Value =
            serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let examples = examples.as_object().unwrap();
        assert!(examples.len() > 30, "{}", examples.len());
        for (call, body) in examples {
            let status = call.split(' ').nth(2).unwrap();
            // What a dry run would refuse comes under a good status.
            if status.starts_with('2') {
                continue;
            }
            let problem = refused(status.parse().unwrap(), &body.to_string());
            let kinds: &[ErrorKind] = match status {
                "400" => &[Rejected, Configuration],
                "403" => &[AuthRejected],
                "404" => &[NotFound],
                "422" => &[Rejected],
                _ => &[Transient],
            };
            assert!(kinds.contains(&problem.kind), "{call}: {:?}", problem.kind);
            let detail = body["detail"].as_str().unwrap().trim();
            let words = problem.vendor.message.unwrap();
            assert!(words.starts_with(detail), "{call}: {words}");
            if let Some(code) = leading_code(detail) {
                assert_eq!(problem.vendor.code.as_deref(), Some(code), "{call}");
            }
            if status == "422" && detail.starts_with("#/") {
                let field = problem.vendor.field.unwrap();
                assert!(detail.starts_with(&field), "{call}: {field}");
            }
        }
    }

    #[test]
    fn known_numbers_say_it_better_wherever_they_stand() {
        for (status, body, kind, code) in [
            (
                400,
                r#"{"detail":"8003: Account not allowed","status":"400"}"#,
                Configuration,
                "8003",
            ),
            (400, r#"{"detail":"many","additionalDetails":["996: no"]}"#, Rejected, "996"),
            (400, r#"{"detail":"no","status":"998"}"#, Rejected, "998"),
            (500, r#"{"detail":"999: Process failure","code":"500"}"#, Transient, "999"),
            (401, r#"{"detail":"8003: no"}"#, AuthRejected, "8003"),
        ] {
            let problem = refused(status, body);
            assert_eq!(
                (problem.kind, problem.vendor.code.as_deref()),
                (kind, Some(code)),
                "{body}"
            );
        }
        assert_eq!(refused(503, "<html>").kind, Transient);
        assert_eq!(refused(429, "").kind, RateLimited);
        assert_eq!(refused(302, "").kind, ErrorKind::UnexpectedAnswer);
        let plain =
            refused(400, r#"{"detail":"Parameters: cityName (maxLength=45)","status":"400"}"#);
        assert_eq!(plain.vendor.code, None);
    }
}
