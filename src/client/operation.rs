//! A vendor call as a value, and the vendor's way of saying yes and no.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use crate::error::{Error, ErrorKind, Result, VendorDetail};

/// Whether a call may be sent again when it is not known what the first one did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// Reading, or writing an absolute value: again and again.
    Freely,
    /// The vendor recognises the key sent along and answers as the first time.
    WithKey,
    /// Must not happen twice. After a time-out or a 5xx the answer is
    /// [`ErrorKind::Ambiguous`]; only a 429, which says that nothing was done, is repeated.
    Never,
}

/// A call to a vendor: how it is asked and how the answer is read. Tested with bytes, no runtime.
pub trait Operation: Send + Sync {
    /// What a good answer becomes.
    type Output: Send;

    /// The name in errors, spans and quotas, for example `get_order`.
    const NAME: &'static str;

    /// Whether it may be repeated.
    const REPEAT: Repeat;

    /// The quota bucket this call draws from. Calls of one bucket share their limit.
    const QUOTA: &'static str = "default";

    /// Whether the call carries an access token. Token calls themselves do not.
    const AUTHORIZED: bool = true;

    /// Builds the request. Fails before anything is sent when the input is wrong.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] that names the field.
    fn request(&self) -> Result<Outgoing>;

    /// Reads an answer that the dialect has found good.
    ///
    /// # Errors
    /// [`ErrorKind::UnexpectedAnswer`] that names the place in the answer.
    fn parse(&self, response: Response) -> Result<Self::Output>;
}

/// A request body.
#[derive(Clone, Default)]
pub enum Body {
    /// No body.
    #[default]
    Empty,
    /// Bytes with their content type.
    Bytes {
        /// The media type.
        content_type: &'static str,
        /// The bytes.
        bytes: Bytes,
    },
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            // Bodies hold personal data: only their kind and size may print.
            Self::Bytes { content_type, bytes } => {
                write!(f, "{content_type}, {} bytes", bytes.len())
            }
        }
    }
}

/// A request as the vendor folder writes it: a path below the configured base address.
#[derive(Clone)]
#[must_use]
pub struct Outgoing {
    /// The verb.
    pub method: Method,
    /// Path below the base address, beginning with `/`, already percent-encoded.
    pub path: String,
    /// The query without `?`, already encoded. Never logged: it may hold ids of people.
    pub query: String,
    /// Headers beyond those the stack adds.
    pub headers: HeaderMap,
    /// The body.
    pub body: Body,
}

impl Outgoing {
    fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            query: String::new(),
            headers: HeaderMap::new(),
            body: Body::Empty,
        }
    }

    /// A `GET`.
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    /// A `POST`.
    pub fn post(path: impl Into<String>) -> Self {
        Self::new(Method::POST, path)
    }

    /// A `PUT`.
    pub fn put(path: impl Into<String>) -> Self {
        Self::new(Method::PUT, path)
    }

    /// A `DELETE`.
    pub fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path)
    }

    /// Appends `name=value` to the query, percent-encoding the value.
    pub fn query(mut self, name: &str, value: impl AsRef<str>) -> Self {
        if !self.query.is_empty() {
            self.query.push('&');
        }
        self.query.push_str(name);
        self.query.push('=');
        self.query.push_str(&percent_encode(value.as_ref()));
        self
    }

    /// Appends `name=value` when there is a value.
    pub fn query_opt(self, name: &str, value: Option<impl AsRef<str>>) -> Self {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    /// Sets a header. A value that cannot be a header value is an input error.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] that names the header.
    pub fn header(mut self, name: HeaderName, value: &str) -> Result<Self> {
        let value = HeaderValue::from_str(value)
            .map_err(|_| Error::invalid(name.as_str(), "is not usable as a header value"))?;
        self.headers.insert(name, value);
        Ok(self)
    }

    /// Sets a JSON body.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when the value cannot be written as JSON.
    pub fn json(mut self, value: &impl serde::Serialize) -> Result<Self> {
        let bytes = serde_json::to_vec(value).map_err(|error| {
            Error::new(ErrorKind::InvalidInput, "the request cannot be written as JSON")
                .with_source(error)
        })?;
        self.body = Body::Bytes { content_type: "application/json", bytes: bytes.into() };
        Ok(self)
    }

    /// Sets a form body (`application/x-www-form-urlencoded`).
    pub fn form(mut self, fields: &[(&str, &str)]) -> Self {
        let text = fields
            .iter()
            .map(|(name, value)| format!("{}={}", percent_encode(name), percent_encode(value)))
            .collect::<Vec<_>>()
            .join("&");
        self.body =
            Body::Bytes { content_type: "application/x-www-form-urlencoded", bytes: text.into() };
        self
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}

/// Percent-encodes everything but unreserved characters (RFC 3986), so that an id with `/`, `%`
/// or `&` stays one path segment or one query value.
#[must_use]
pub fn percent_encode(text: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            for nibble in [byte >> 4, byte & 15] {
                encoded.extend(DIGITS.get(usize::from(nibble)).map(|digit| char::from(*digit)));
            }
        }
    }
    encoded
}

/// An answer, read to its end.
#[derive(Clone)]
pub struct Response {
    /// HTTP status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl Response {
    /// A header as text, if present and readable.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Decodes the body as JSON; the error names the path of the field that does not fit.
    ///
    /// # Errors
    /// [`ErrorKind::UnexpectedAnswer`] with status and path, never with the content.
    pub fn json<'a, T: serde::Deserialize<'a>>(&'a self) -> Result<T> {
        super::wire::decode(&self.body)
            .map_err(|error| error.with_vendor(VendorDetail::with_status(self.status.as_u16())))
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({}, {} bytes)", self.status, self.body.len())
    }
}

/// What an answer says about limits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hints {
    /// Calls left in the current window.
    pub remaining: Option<u32>,
    /// When more calls will be allowed.
    pub replenished_at: Option<DateTime<Utc>>,
}

/// A refusal as the vendor's tables classify it.
#[derive(Debug, Clone)]
pub struct Problem {
    /// Our kind.
    pub kind: ErrorKind,
    /// A pause they asked for in the body. `Retry-After` is read by the stack itself.
    pub pause: Option<Duration>,
    /// Our words for it.
    pub message: &'static str,
    /// Their words.
    pub vendor: VendorDetail,
}

/// Whether an answer is good.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// Parse it.
    Good,
    /// Refused.
    Refused(Box<Problem>),
}

/// How one vendor says yes and no, and what it reveals of its limits. Pure.
pub trait Dialect: fmt::Debug + Send + Sync + 'static {
    /// The adapter's name in errors and spans.
    fn adapter(&self) -> &'static str;

    /// Adds what every attempt needs: fixed headers, a fresh correlation id per attempt. The
    /// stack hands in a unique id; it is also the one in spans.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] when a configured value cannot be sent.
    fn prepare(&self, outgoing: &mut Outgoing, attempt_id: &str) -> Result<()>;

    /// Puts the access token where the vendor wants it. The value is marked sensitive.
    fn authorize(&self, outgoing: &mut Outgoing, token: HeaderValue);

    /// Limits learned from the headers of any answer.
    fn observe(&self, response: &Response, now: DateTime<Utc>) -> Hints {
        let _ = (response, now);
        Hints::default()
    }

    /// The vendor's request or correlation id for a support case. By default the headers that most
    /// vendors use.
    fn request_id(&self, response: &Response) -> Option<String> {
        ["x-request-id", "request-id", "x-correlation-id"]
            .iter()
            .find_map(|name| response.header(name))
            .map(str::to_owned)
    }

    /// Classifies an answer: status table first, then the vendor's code table. Must accept
    /// anything: HTML, empty and truncated bodies included.
    fn verdict(&self, operation: &'static str, response: &Response) -> Verdict;
}
