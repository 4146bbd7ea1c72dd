//! How a client is put together.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;

use super::auth::{TokenCell, TokenSource};
use super::call::{Client, Core};
use super::clock::{Clock, SystemClock};
use super::limit::{Limits, Quota};
use super::operation::Dialect;
use super::redact::Secrets;
use super::retry::RetryPolicy;
use super::transport::{DEFAULT_MAX_RESPONSE, Transport};
use crate::error::{Error, ErrorKind, Result};

const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);

/// Puts a [`Client`] together; see [`Client::builder`].
#[must_use = "a builder does nothing until `build`"]
pub struct ClientBuilder {
    dialect: Arc<dyn Dialect>,
    transport: Arc<dyn Transport>,
    base: String,
    account: String,
    token_source: Option<Arc<dyn TokenSource>>,
    quotas: HashMap<String, Quota>,
    limits: Limits,
    retry: RetryPolicy,
    attempt_timeout: Duration,
    max_response: u64,
    clock: Arc<dyn Clock>,
    secrets: Secrets,
}

impl ClientBuilder {
    pub(super) fn new(
        dialect: Arc<dyn Dialect>,
        transport: Arc<dyn Transport>,
        base: &str,
        account: &str,
    ) -> Self {
        Self {
            dialect,
            transport,
            base: base.to_owned(),
            account: account.to_owned(),
            token_source: None,
            quotas: HashMap::new(),
            limits: Limits::new(),
            retry: RetryPolicy::default(),
            attempt_timeout: ATTEMPT_TIMEOUT,
            max_response: DEFAULT_MAX_RESPONSE,
            clock: Arc::new(SystemClock),
            secrets: Secrets::default(),
        }
    }

    /// Sets where access tokens come from. Without one, calls carry only what
    /// [`Dialect::prepare`] adds.
    pub fn token_source(mut self, source: Arc<dyn TokenSource>) -> Self {
        self.token_source = Some(source);
        self
    }

    /// Sets the limit of the bucket that operations name in
    /// [`QUOTA`](super::Operation::QUOTA). A bucket without a limit is unlimited until the vendor
    /// says otherwise.
    pub fn quota(mut self, bucket: impl Into<String>, quota: Quota) -> Self {
        self.quotas.insert(bucket.into(), quota);
        self
    }

    /// Shares buckets with other clients of the same account.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets how often and how long a call is tried.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Sets how long one attempt may take, from sending to the last byte of the answer. Default
    /// 30 s. What is left of [`RetryPolicy::deadline`] bounds it too.
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = timeout;
        self
    }

    /// Sets how many bytes an answer may have at most. Default 64 MiB.
    pub fn max_response(mut self, bytes: u64) -> Self {
        self.max_response = bytes;
        self
    }

    /// Sets the wall clock, for tests and simulations.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Names a configured secret, so that it is taken out of every error even if the vendor
    /// echoes it. Tokens and whatever a request carries under a telling name are known anyway.
    /// Texts under six characters are ignored.
    pub fn secret(mut self, secret: impl AsRef<str>) -> Self {
        self.secrets.add(secret.as_ref());
        self
    }

    /// Checks the configuration and builds the client. Nothing is sent.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] when the base address is not `https://host[:port][/path]`
    /// (`http` only for loopback, since tokens would travel in the clear), or when a quota, time-out
    /// or size allows nothing.
    pub fn build(self) -> Result<Client> {
        let adapter = self.dialect.adapter();
        let refuse = |message: String| {
            Error::new(ErrorKind::Configuration, message).with_context("adapter", adapter)
        };
        let base = check_base(&self.base)
            .map_err(|why| refuse(format!("the base address {why}")).with_field("base"))?;
        for (name, quota) in &self.quotas {
            quota.check(name)?;
        }
        if self.attempt_timeout.is_zero() || self.retry.deadline.is_zero() {
            return Err(refuse("a time-out of zero allows no call".to_owned()));
        }
        if self.max_response == 0 {
            return Err(refuse("an answer may have at least one byte".to_owned()));
        }
        Ok(Client::new(Core {
            dialect: self.dialect,
            transport: self.transport,
            base,
            account: self.account,
            tokens: self.token_source.map(|source| (source, TokenCell::new())),
            quotas: self.quotas,
            limits: self.limits,
            policy: self.retry,
            attempt_timeout: self.attempt_timeout,
            max_response: self.max_response,
            clock: self.clock,
            secrets: self.secrets,
        }))
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The base address is not checked yet and might hold credentials.
        f.debug_struct("ClientBuilder")
            .field("dialect", &self.dialect)
            .field("transport", &self.transport)
            .field("account", &self.account)
            .field("quotas", &self.quotas)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

/// Checks a base address and takes a trailing slash off. The reasons never repeat the address.
fn check_base(base: &str) -> Result<String, &'static str> {
    if base.contains(['?', '#', '\\']) || base.chars().any(|c| c.is_whitespace() || c.is_control())
    {
        return Err("has a query, a fragment or blanks");
    }
    let uri: Uri = base.parse().map_err(|_| "cannot be parsed")?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err("must be absolute");
    };
    if authority.as_str().contains('@') {
        return Err("must not hold credentials");
    }
    let host = authority.host();
    if host.is_empty() {
        return Err("has no host");
    }
    match scheme {
        "https" => {}
        "http" if is_loopback(host) => {}
        "http" => return Err("must be https: only loopback may be reached without TLS"),
        _ => return Err("must be https"),
    }
    Ok(base.trim_end_matches('/').to_owned())
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_address_is_absolute_encrypted_and_bare() {
        let good = [
            ("https://vendor.test", "https://vendor.test"),
            ("https://vendor.test/", "https://vendor.test"),
            ("https://vendor.test:8443/v3/", "https://vendor.test:8443/v3"),
            ("http://127.0.0.1:9999", "http://127.0.0.1:9999"),
            ("http://localhost:1/x", "http://localhost:1/x"),
            ("http://[::1]:80/", "http://[::1]:80"),
        ];
        for (base, kept) in good {
            assert_eq!(check_base(base).as_deref(), Ok(kept));
        }
        let bad = [
            "",
            "vendor.test",
            "/v3",
            "http://vendor.test",
            "http://127.0.0.1.evil.test",
            "ftp://vendor.test",
            "https://user:pass@vendor.test",
            "https://vendor.test/?a=b",
            "https://vendor.test/#x",
            "https://vendor.test/ ",
            "https://",
            "https:///path",
        ];
        for base in bad {
            assert!(check_base(base).is_err(), "{base}");
        }
    }
}
