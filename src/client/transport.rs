//! The one seam between the stack and the network.

use std::error::Error as StdError;
use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method};

use super::operation::Response;
use super::redact::{self, SafeHeaders};

/// The largest answer read by default, in bytes: 64 MiB.
pub const DEFAULT_MAX_RESPONSE: u64 = 64 * 1024 * 1024;

/// Sends one request and reads one answer to its end.
///
/// A transport neither retries nor follows redirects nor judges the status: the stack above does,
/// and it must know of every request that leaves. Implement it to run adapters against something
/// other than the network.
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// Sends the request.
    ///
    /// # Errors
    /// [`TransportError`], which tells whether the other side may have acted. An answer that ends
    /// before its announced length is an [after-send](TransportError::after_send) error.
    async fn send(&self, request: WireRequest) -> Result<Response, TransportError>;
}

/// A request as it goes over the wire.
///
/// `Debug` shows the verb, the address without query, the names of headers and the size of the
/// body. Header values print only if they are on the allow-list of harmless ones.
#[derive(Clone)]
#[non_exhaustive]
pub struct WireRequest {
    /// The verb.
    pub method: Method,
    /// The absolute address, query included.
    pub url: String,
    /// All headers except those of the connection itself.
    pub headers: HeaderMap,
    /// The body; empty when there is none.
    pub body: Bytes,
    /// How many bytes of answer to read at most; more is [`TransportError::too_large`].
    pub max_response: u64,
}

impl WireRequest {
    /// A request without headers and body that accepts an answer of [`DEFAULT_MAX_RESPONSE`].
    #[must_use]
    pub fn new(method: Method, url: impl Into<String>) -> Self {
        Self {
            method,
            url: url.into(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            max_response: DEFAULT_MAX_RESPONSE,
        }
    }

    /// Sets the headers.
    #[must_use]
    pub fn with_headers(mut self, headers: HeaderMap) -> Self {
        self.headers = headers;
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets how many bytes of answer to read at most.
    #[must_use]
    pub fn with_max_response(mut self, bytes: u64) -> Self {
        self.max_response = bytes;
        self
    }
}

impl fmt::Debug for WireRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.url.split(['?', '#']).next().unwrap_or_default();
        f.debug_struct("WireRequest")
            .field("method", &self.method)
            .field("url", &address)
            .field("headers", &SafeHeaders(&self.headers))
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish_non_exhaustive()
    }
}

/// How far a failed request had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    BeforeSend,
    AfterSend,
    TooLarge,
}

/// Why there is no answer. Its text has been through redaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransportError {
    stage: Stage,
    message: String,
}

impl TransportError {
    /// Nothing can have reached them: the name did not resolve, the connection was refused, the
    /// TLS handshake failed. Any call may be sent again.
    #[must_use]
    pub fn before_send(message: impl AsRef<str>) -> Self {
        Self::new(Stage::BeforeSend, message.as_ref())
    }

    /// They may have acted: a time-out, a reset while reading, an answer cut short. When in doubt,
    /// this is the one to use.
    #[must_use]
    pub fn after_send(message: impl AsRef<str>) -> Self {
        Self::new(Stage::AfterSend, message.as_ref())
    }

    /// The answer is larger than [`WireRequest::max_response`]. They have acted; asking again
    /// would only read as much again.
    #[must_use]
    pub fn too_large(limit: u64) -> Self {
        Self::new(Stage::TooLarge, &format!("the answer is larger than {limit} bytes"))
    }

    fn new(stage: Stage, message: &str) -> Self {
        Self { stage, message: redact::clean(message, &[]) }
    }

    /// Whether it is certain that nothing reached them.
    #[must_use]
    pub fn is_before_send(&self) -> bool {
        self.stage == Stage::BeforeSend
    }

    /// Whether the answer was larger than allowed.
    #[must_use]
    pub fn is_too_large(&self) -> bool {
        self.stage == Stage::TooLarge
    }

    /// What happened, in words without secrets.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for TransportError {}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use http::header::{AUTHORIZATION, CONTENT_TYPE};

    use super::*;

    // Pins object safety.
    fn _object_safe(_: &dyn Transport) {}

    #[test]
    fn a_request_prints_neither_query_nor_header_values_nor_body() {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer canary"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let request = WireRequest::new(Method::POST, "https://vendor.test/v1/labels?name=canary")
            .with_headers(headers)
            .with_body("canary");
        let text = format!("{request:?}");
        assert!(!text.contains("canary"), "{text}");
        assert!(text.contains("https://vendor.test/v1/labels"), "{text}");
        assert!(text.contains("application/json") && text.contains("authorization"), "{text}");
    }
}
