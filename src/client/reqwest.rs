//! The real transport.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use ::reqwest::{Client, Request, Url, redirect, retry};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};

use super::operation::Response;
use super::redact;
use super::transport::{Transport, TransportError, WireRequest};
use crate::error::{Error, ErrorKind, Result};

/// A connection that does not stand after this time has carried nothing.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Shorter than the idle time-out of common load balancers (60 s), so that a pooled connection is
/// rarely closed under a request.
const POOL_IDLE: Duration = Duration::from_secs(50);

/// [`Transport`] over HTTP/1.1 and HTTP/2 with rustls and the certificates of the platform.
///
/// Connections are pooled and shared by clones. Redirects are not followed and nothing is retried
/// in here: [`Client`](super::Client) decides about every request that leaves. Proxies are taken
/// from the usual environment variables.
#[derive(Clone)]
pub struct ReqwestTransport {
    client: Client,
}

impl ReqwestTransport {
    /// Creates a transport with a connection pool of its own. Share one between all clients of a
    /// process.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] when TLS cannot be set up, for example without any trusted
    /// certificate on the machine.
    pub fn new() -> Result<Self> {
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false)
            .tcp_nodelay(true)
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(POOL_IDLE)
            .build()
            .map_err(|error| {
                Error::new(
                    ErrorKind::Configuration,
                    format!("the HTTP transport cannot be set up: {}", describe(&error)),
                )
            })?;
        Ok(Self { client })
    }
}

impl fmt::Debug for ReqwestTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReqwestTransport")
    }
}

#[async_trait]
impl Transport for ReqwestTransport {
    async fn send(&self, wire: WireRequest) -> Result<Response, TransportError> {
        let limit = wire.max_response;
        let url = Url::parse(&wire.url)
            .map_err(|_| TransportError::before_send("the address cannot be parsed"))?;
        let mut request = Request::new(wire.method, url);
        *request.headers_mut() = wire.headers;
        if !wire.body.is_empty() {
            *request.body_mut() = Some(wire.body.into());
        }
        let mut answer = self.client.execute(request).await.map_err(|error| {
            let text = describe(&error);
            // Only these two kinds prove that not one byte of the request was written.
            if error.is_connect() || error.is_builder() {
                TransportError::before_send(format!("cannot connect: {text}"))
            } else {
                TransportError::after_send(format!("no answer: {text}"))
            }
        })?;

        let announced = answer.content_length().unwrap_or(0);
        if announced > limit {
            return Err(TransportError::too_large(limit));
        }
        let status = answer.status();
        let headers = std::mem::take(answer.headers_mut());
        let body = read(&mut answer, limit).await?;
        Ok(Response { status, headers, body })
    }
}

/// Reads the body to its end, never holding more than `limit` bytes and one chunk.
async fn read(answer: &mut ::reqwest::Response, limit: u64) -> Result<Bytes, TransportError> {
    let mut first = Bytes::new();
    let mut rest: Option<BytesMut> = None;
    let mut size = 0_u64;
    while let Some(chunk) = answer.chunk().await.map_err(|error| {
        TransportError::after_send(format!("the answer was cut short: {}", describe(&error)))
    })? {
        size = size.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
        if size > limit {
            return Err(TransportError::too_large(limit));
        }
        // Most answers arrive as one chunk: that one is not copied.
        match &mut rest {
            Some(buffer) => buffer.extend_from_slice(&chunk),
            None if first.is_empty() => first = chunk,
            None => {
                let mut buffer = BytesMut::with_capacity(first.len() + chunk.len());
                buffer.extend_from_slice(&first);
                buffer.extend_from_slice(&chunk);
                rest = Some(buffer);
            }
        }
    }
    Ok(rest.map_or(first, BytesMut::freeze))
}

/// The innermost cause. The outer texts of reqwest repeat the address with its query.
fn describe(error: &::reqwest::Error) -> String {
    let mut cause: &dyn StdError = error;
    if error.source().is_none() {
        return "the request could not be made".to_owned();
    }
    while let Some(source) = cause.source() {
        cause = source;
    }
    redact::clean(&cause.to_string(), &[])
}
