//! What may be written down about a call: an allow-list for headers, a sieve for texts.
//!
//! Queries and bodies are never written down, so there is no rule for them here.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use http::{HeaderMap, HeaderName};
use serde_json::Value;

use super::operation::{Body, Outgoing, percent_encode};
use crate::error::{Error, VendorDetail};

/// The longest vendor message kept, in characters.
const MAX_MESSAGE: usize = 500;
/// The longest code, field path or request id kept, in characters.
const MAX_LABEL: usize = 128;
/// Nothing behind this many bytes of a vendor message can end up in its first 500 characters.
const MAX_SCAN: usize = 16 * 1024;
/// Shorter values are no secrets, and taking them out would shred every text.
const MIN_SECRET: usize = 6;

const REDACTED: &str = "[redacted]";

/// Headers that say nothing about persons and open no doors.
const SAFE_HEADERS: [&str; 10] = [
    "accept",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "retry-after",
    "server",
    "user-agent",
    "x-correlation-id",
    "x-request-id",
];

/// Prints header names, and values only of those on the allow-list.
pub(super) struct SafeHeaders<'a>(pub(super) &'a HeaderMap);

impl SafeHeaders<'_> {
    fn is_safe(name: &HeaderName) -> bool {
        SAFE_HEADERS.contains(&name.as_str()) || name.as_str().contains("ratelimit")
    }
}

impl fmt::Debug for SafeHeaders<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.0.iter().map(|(name, value)| {
                let shown = value.to_str().ok().filter(|_| Self::is_safe(name));
                (name.as_str(), if value.is_sensitive() { None } else { shown })
            }))
            .finish()
    }
}

/// Texts that must not come back out of an error: configured ones and those one request carries.
#[derive(Clone, Default)]
pub(super) struct Secrets(Vec<String>);

impl Secrets {
    /// Remembers a secret, also in the spellings a vendor may echo it in.
    pub(super) fn add(&mut self, secret: &str) {
        let secret = secret.trim();
        if secret.len() < MIN_SECRET {
            return;
        }
        let json = Value::from(secret).to_string();
        for form in [secret.to_owned(), percent_encode(secret), json.trim_matches('"').to_owned()] {
            if !self.0.contains(&form) {
                self.0.push(form);
            }
        }
        // Longest first, or the rest of a secret would stay when another is its beginning.
        self.0.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    }

    /// Remembers what a request carries under a name that promises a secret. Only needed once
    /// something has gone wrong, so successful calls do not pay for it.
    pub(super) fn add_request(&mut self, request: &Outgoing) {
        for (name, value) in &request.headers {
            if (value.is_sensitive() || is_secret_name(name.as_str()))
                && let Ok(text) = value.to_str()
            {
                self.add(text);
                if let Some((_scheme, credentials)) = text.split_once(' ') {
                    self.add(credentials);
                }
            }
        }
        self.add_pairs(&request.query);
        if let Body::Bytes { content_type, bytes } = &request.body {
            if content_type.contains("json") {
                if let Ok(value) = serde_json::from_slice(bytes) {
                    self.add_json(&value, false);
                }
            } else if content_type.contains("form-urlencoded") {
                self.add_pairs(&String::from_utf8_lossy(bytes));
            }
        }
    }

    fn add_pairs(&mut self, pairs: &str) {
        for (name, value) in pairs.split('&').filter_map(|pair| pair.split_once('=')) {
            if is_secret_name(name) {
                self.add(value);
                self.add(&percent_decode(value));
            }
        }
    }

    fn add_json(&mut self, value: &Value, secret: bool) {
        match value {
            Value::String(text) if secret => self.add(text),
            Value::Array(items) => items.iter().for_each(|item| self.add_json(item, secret)),
            Value::Object(fields) => {
                for (name, field) in fields {
                    self.add_json(field, secret || is_secret_name(name));
                }
            }
            _ => {}
        }
    }

    fn remove_from<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut text = Cow::Borrowed(text);
        for secret in &self.0 {
            if text.contains(secret.as_str()) {
                text = Cow::Owned(text.replace(secret.as_str(), REDACTED));
            }
        }
        text
    }

    fn occur_in(&self, text: &str) -> bool {
        self.0.iter().any(|secret| text.contains(secret.as_str()))
    }

    /// A vendor's message, fit to be kept.
    pub(super) fn clean(&self, message: &str) -> String {
        sieve(&self.remove_from(message))
    }

    /// A code, path or id: kept as it is unless it carries a secret. The sieve would take a
    /// request id for a token.
    fn label(&self, text: &str) -> String {
        shorten(self.remove_from(text).chars().map(plain), MAX_LABEL)
    }

    /// What a vendor said, fit to be kept.
    pub(super) fn clean_vendor(&self, mut detail: VendorDetail) -> VendorDetail {
        detail.message = detail.message.map(|text| self.clean(&text));
        for text in [&mut detail.code, &mut detail.request_id, &mut detail.field] {
            *text = text.take().map(|text| self.label(&text));
        }
        detail
    }

    /// An error somebody else made. Its words are ours, so they stay unless a secret is in them;
    /// then the source, whose words cannot be changed, goes too.
    pub(super) fn clean_error(&self, error: Error) -> Error {
        let mut source = StdError::source(&error);
        let mut dirty = self.occur_in(&format!("{error} {error:?}"));
        while let Some(cause) = source {
            dirty = dirty || self.occur_in(&format!("{cause} {cause:?}"));
            source = cause.source();
        }
        if !dirty {
            return error;
        }
        let mut clean =
            Error::new(error.kind(), self.clean(error.message())).with_retry(error.retry());
        if let (Some(adapter), Some(operation)) = (error.adapter(), error.operation()) {
            clean = clean.with_operation(adapter, operation);
        }
        if let Some(field) = error.field() {
            clean = clean.with_field(self.label(field));
        }
        for (name, value) in error.context() {
            clean = clean.with_context(name, self.label(value));
        }
        if let Some(vendor) = error.vendor() {
            clean = clean.with_vendor(self.clean_vendor(vendor.clone()));
        }
        clean
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

/// Cleans a text of which only `secrets` are known.
pub(super) fn clean(text: &str, secrets: &[&str]) -> String {
    let mut known = Secrets::default();
    secrets.iter().for_each(|secret| known.add(secret));
    known.clean(text)
}

/// Whether a header, field or parameter of this name carries a secret.
fn is_secret_name(name: &str) -> bool {
    const PARTS: [&str; 8] =
        ["token", "secret", "password", "passwd", "authorization", "api_key", "api-key", "apikey"];
    let name = name.to_ascii_lowercase();
    name == "sign" || name == "cookie" || PARTS.iter().any(|part| name.contains(part))
}

fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let decoded = match byte {
            b'%' => {
                let mut digits = rest.clone();
                let high = digits.next().and_then(|digit| char::from(digit).to_digit(16));
                let low = digits.next().and_then(|digit| char::from(digit).to_digit(16));
                high.zip(low).and_then(|(high, low)| u8::try_from(high * 16 + low).ok())
            }
            _ => None,
        };
        if decoded.is_some() {
            rest.nth(1);
        }
        bytes.push(decoded.unwrap_or(if byte == b'+' { b' ' } else { byte }));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn plain(character: char) -> char {
    // A line break in a vendor's text must not start a line of its own in our log.
    if character.is_control() { ' ' } else { character }
}

fn shorten(text: impl Iterator<Item = char>, max: usize) -> String {
    let mut short: String = text.take(max + 1).collect();
    if let Some((last, _)) = short.char_indices().nth(max - 1)
        && short.chars().nth(max).is_some()
    {
        short.truncate(last);
        short.push('…');
    }
    short
}

/// What the word before promises about the next one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    /// `access_token`, `password`: a value follows after `:` or `=`.
    Name,
    /// The `:` or `=` has been read.
    Value,
    /// `Bearer`, `Basic`: credentials follow after a space, unless it is just the English word.
    Scheme,
}

/// Takes out e-mail addresses, values of secret names, credentials and whatever looks like them.
fn sieve(text: &str) -> String {
    let mut cut = text.len().min(MAX_SCAN);
    while !text.is_char_boundary(cut) {
        cut -= 1;
    }
    let mut rest = text.split_at(cut).0;
    let mut kept = String::with_capacity(rest.len().min(4 * MAX_MESSAGE));
    let mut before = Before::Nothing;
    while let Some(first) = rest.chars().next() {
        let opens_value =
            before == Before::Value && !" \"'\\:=".contains(first) && !ends_value(first);
        if !is_word(first) && !opens_value {
            before = match (before, first) {
                (Before::Name, ':' | '=') => Before::Value,
                (Before::Name | Before::Value, '"' | '\'' | '\\') => before,
                (_, _) if first.is_whitespace() => before,
                _ => Before::Nothing,
            };
            kept.push(plain(first));
            rest = rest.split_at(first.len_utf8()).1;
            continue;
        }
        let ends = |character: char| match before {
            Before::Value => ends_value(character),
            _ => !is_word(character),
        };
        let (word, tail) = rest.split_at(rest.find(ends).unwrap_or(rest.len()));
        rest = tail;
        let scheme = word.eq_ignore_ascii_case("bearer") || word.eq_ignore_ascii_case("basic");
        let credentials = word.len() >= 8 && word.bytes().any(|byte| byte.is_ascii_digit());
        let hide = match before {
            Before::Value => !scheme,
            Before::Scheme if credentials => true,
            _ => is_email(word) || looks_like_token(word),
        };
        kept.push_str(if hide { REDACTED } else { word });
        before = match before {
            Before::Value if scheme => Before::Value,
            _ if scheme => Before::Scheme,
            _ if !hide && is_secret_name(word) => Before::Name,
            _ => Before::Nothing,
        };
    }
    shorten(kept.trim().chars(), MAX_MESSAGE)
}

/// A value may hold any character of base64; it ends where a list or text would.
fn ends_value(character: char) -> bool {
    character.is_whitespace() || "\"'\\,;&<>{}[]()".contains(character)
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || "-_.+~@%".contains(character)
}

fn is_email(word: &str) -> bool {
    word.replace("%40", "@")
        .split_once('@')
        .is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.'))
}

/// Long runs that mix letters and digits, and letter runs longer than any word. Field paths,
/// order numbers and tracking numbers (digits only, or shorter) stay.
fn looks_like_token(word: &str) -> bool {
    word.split(['.', '%']).any(|piece| {
        let digits = piece.bytes().filter(u8::is_ascii_digit).count();
        let letters = piece.bytes().filter(u8::is_ascii_alphabetic).count();
        (piece.len() >= 16 && piece.starts_with("eyJ"))
            || (piece.len() >= 24 && digits >= 3 && letters >= 3)
            || (piece.len() >= 32 && letters == piece.len())
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn a_message_loses_secrets_and_addresses_and_keeps_what_helps() {
        let cases = [
            ("Order 1796277083022 not found", "Order 1796277083022 not found"),
            ("no parcel 9400111899223817000013", "no parcel 9400111899223817000013"),
            ("INVALID_SHIPMENT_LINE_STATUS_TRANSITION", "INVALID_SHIPMENT_LINE_STATUS_TRANSITION"),
            (
                "at shipments.packages.0.weight.unit.value.",
                "at shipments.packages.0.weight.unit.value.",
            ),
            ("unknown user jo.doe+x@shop.example!", "unknown user [redacted]!"),
            ("unknown user jo%40shop.example", "unknown user [redacted]"),
            ("Bearer abc123def456 is expired", "Bearer [redacted] is expired"),
            ("the bearer token is expired", "the bearer token is expired"),
            ("Authorization: Basic dXNlcjpw/c3M=, sorry", "Authorization: Basic [redacted], sorry"),
            (r#"{"access_token":"short","a":1}"#, r#"{"access_token":"[redacted]","a":1}"#),
            ("client_secret=hunter2&grant=x", "client_secret=[redacted]&grant=x"),
            ("password: /s3cr3t", "password: [redacted]"),
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIi.sig", "[redacted]"),
            ("id 3f2504e0-4f89-41d3-9a0c-0305e82c3301", "id [redacted]"),
            ("two\r\nlines\u{0}", "two  lines"),
        ];
        for (text, kept) in cases {
            assert_eq!(clean(text, &[]), kept);
        }
    }

    #[test]
    fn a_known_secret_is_found_in_every_spelling() {
        let secret = "p&ss \"w/rd";
        let text = "a p&ss \"w/rd b p%26ss%20%22w%2Frd c p&ss \\\"w/rd d";
        assert_eq!(clean(text, &[secret]), "a [redacted] b [redacted] c [redacted] d");
    }

    #[test]
    fn secrets_are_recognised_in_headers_queries_forms_and_json() {
        let mut secrets = Secrets::default();
        let request = Outgoing::post("/token")
            .query("access_token", "in-query")
            .form(&[("client_secret", "in form"), ("grant_type", "client_credentials")])
            .header(http::header::AUTHORIZATION, "Basic in-header")
            .unwrap();
        secrets.add_request(&request);
        let json = serde_json::json!({"auth": {"refresh_token": "in-json"}, "name": "harmless"});
        secrets.add_request(&Outgoing::post("/token").json(&json).unwrap());
        let text = "in-query, in form, in%20form, in-header, in-json, harmless, client_credentials";
        assert_eq!(
            secrets.clean(text),
            "[redacted], [redacted], [redacted], [redacted], [redacted], harmless, client_credentials"
        );
    }

    #[test]
    fn an_error_made_elsewhere_loses_its_source_only_when_a_secret_is_in_it() {
        let mut secrets = Secrets::default();
        secrets.add("canary-1");
        let harmless = Error::new(ErrorKind::NotFound, "m").with_source(std::io::Error::other("x"));
        assert!(StdError::source(&secrets.clean_error(harmless)).is_some());
        let leaking = Error::new(ErrorKind::NotFound, "says canary-1")
            .with_operation("a", "b")
            .with_context("c", "canary-1")
            .with_source(std::io::Error::other("canary-1"));
        let clean = secrets.clean_error(leaking);
        assert!(StdError::source(&clean).is_none());
        assert_eq!(clean.to_string(), "a b: not found: says [redacted], c [redacted]");
    }

    #[test]
    fn a_request_id_stays_readable_and_a_message_is_shortened() {
        let mut vendor = VendorDetail::with_status(400);
        vendor.request_id = Some("3f2504e0-4f89-41d3-9a0c-0305e82c3301".to_owned());
        vendor.message = Some("é ".repeat(1_000));
        let clean = Secrets::default().clean_vendor(vendor.clone());
        assert_eq!(clean.request_id, vendor.request_id);
        assert_eq!(clean.message.unwrap().chars().count(), 500);
    }

    proptest! {
        #[test]
        fn any_text_becomes_at_most_500_characters_without_the_secret(
            before in ".{0,600}", after in ".{0,600}",
        ) {
            let text = format!("{before}canary-secret{after}");
            let clean = clean(&text, &["canary-secret"]);
            prop_assert!(!clean.contains("canary-secret"));
            prop_assert!(clean.chars().count() <= 500);
        }
    }
}
