//! One call from beginning to end.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use http::header::{CONTENT_TYPE, USER_AGENT};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tracing::Instrument;

use super::auth::{Anonymous, Token, TokenCell, TokenSource, reclassified};
use super::builder::ClientBuilder;
use super::clock::Clock;
use super::limit::{Bucket, Limits, Quota};
use super::operation::{Body, Dialect, Operation, Outgoing, Problem, Repeat, Response, Verdict};
use super::random;
use super::redact::Secrets;
use super::retry::{self, Decision, Failure, Progress, RetryPolicy, decide, settle};
use super::trace::Trace;
use super::transport::{Transport, WireRequest};
use crate::error::{Error, ErrorKind, Result, Retry, VendorDetail};

const OUR_NAME: &str = concat!("orderflow/", env!("CARGO_PKG_VERSION"));

/// Calls one account of one vendor. Cheap to clone; clones share token, limits and connections.
///
/// ```
/// # use std::sync::Arc;
/// # use std::time::Duration;
/// # use orderflow::client::{Client, Dialect, Quota, RetryPolicy, TokenSource, Transport};
/// # fn build(
/// #     dialect: Arc<dyn Dialect>, transport: Arc<dyn Transport>, tokens: Arc<dyn TokenSource>,
/// # ) -> orderflow::Result<Client> {
/// let client = Client::builder(dialect, transport, "https://api.vendor.example/v3", "shop-1")
///     .token_source(tokens)
///     .quota("orders", Quota::per_minute(300).with_burst(20))
///     .retry(RetryPolicy::default().with_deadline(Duration::from_secs(60)))
///     .build()?;
/// # Ok(client)
/// # }
/// ```
///
/// Calls must run within a tokio runtime whose time is enabled. Dropping a call's future stops
/// waiting, not necessarily the vendor; token and limits stay usable.
#[derive(Clone)]
pub struct Client {
    core: Arc<Core>,
}

impl Client {
    /// Starts a client for `account` of the vendor at the absolute address `base`, below which all
    /// paths of operations lie. The account's name appears in spans: it must not be a secret.
    pub fn builder(
        dialect: Arc<dyn Dialect>,
        transport: Arc<dyn Transport>,
        base: &str,
        account: &str,
    ) -> ClientBuilder {
        ClientBuilder::new(dialect, transport, base, account)
    }

    pub(super) fn new(core: Core) -> Self {
        Self { core: Arc::new(core) }
    }

    /// Performs a call: sends, waits, sends again where that is safe, and reads the answer.
    ///
    /// # Errors
    /// - Whatever [`Dialect::verdict`] says of a refusal, with status, code and request id.
    /// - [`ErrorKind::Transient`] or [`ErrorKind::RateLimited`] when attempts or time are used up.
    /// - [`ErrorKind::Ambiguous`] when the call is not [`Repeat::Freely`] and they may have acted:
    ///   an answer was lost, was a 5xx, or was good but cannot be read.
    /// - [`ErrorKind::AuthRejected`] when a fresh token is refused, or none is to be had.
    /// - [`ErrorKind::InvalidInput`] and [`ErrorKind::Configuration`] before anything is sent.
    pub async fn call<O: Operation>(&self, operation: &O) -> Result<O::Output> {
        self.core.call(operation, O::AUTHORIZED).await
    }

    /// The account this client calls for.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.core.account
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({:?})", self.core)
    }
}

/// What all clones of a client share.
pub(super) struct Core {
    pub(super) dialect: Arc<dyn Dialect>,
    pub(super) transport: Arc<dyn Transport>,
    /// Absolute, without a slash at the end.
    pub(super) base: String,
    pub(super) account: String,
    pub(super) tokens: Option<(Arc<dyn TokenSource>, TokenCell)>,
    pub(super) quotas: HashMap<String, Quota>,
    pub(super) limits: Limits,
    pub(super) policy: RetryPolicy,
    pub(super) attempt_timeout: Duration,
    pub(super) max_response: u64,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) secrets: Secrets,
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} at {}", self.dialect.adapter(), self.account, self.base)
    }
}

/// What the loop must know of an operation; it does not depend on the operation's type.
#[derive(Clone, Copy)]
struct Call {
    name: &'static str,
    quota: &'static str,
    repeat: Repeat,
    authorized: bool,
}

/// An answer the dialect found good, with what is needed if it cannot be read after all.
struct Good {
    response: Response,
    sent: Outgoing,
}

/// What came of one attempt.
enum Attempt {
    Good(Good),
    /// The token is no longer good.
    Expired(Failed),
    Failed(Failed),
}

struct Failed {
    failure: Failure,
    message: String,
    vendor: Option<VendorDetail>,
}

impl Failed {
    fn new(failure: Failure, message: impl Into<String>) -> Self {
        Self { failure, message: message.into(), vendor: None }
    }

    fn into_error(self, kind: ErrorKind) -> Error {
        let error = Error::new(kind, self.message);
        match self.vendor {
            Some(vendor) => error.with_vendor(vendor),
            None => error,
        }
    }
}

impl Core {
    /// The generic shell: builds the request, reads the answer, names the operation in errors.
    pub(super) async fn call<O: Operation>(
        self: &Arc<Self>,
        operation: &O,
        authorized: bool,
    ) -> Result<O::Output> {
        let mut trace = Trace::new(self.dialect.adapter(), &self.account, O::NAME);
        let span = trace.span();
        async {
            let call = Call { name: O::NAME, quota: O::QUOTA, repeat: O::REPEAT, authorized };
            let result = match operation.request() {
                Err(error) => Err(self.secrets.clean_error(error)),
                Ok(outgoing) => match self.exchange(call, outgoing, &mut trace).await {
                    Err(error) => Err(error),
                    Ok(good) => self.read(operation, good),
                },
            };
            // An error of the token call keeps the name of the token call.
            let result = result.map_err(|error| match error.operation() {
                Some(_) => error,
                None => error.with_operation(self.dialect.adapter(), O::NAME),
            });
            trace.finish(&result);
            result
        }
        .instrument(span)
        .await
    }

    fn read<O: Operation>(&self, operation: &O, good: Good) -> Result<O::Output> {
        let Good { response, sent } = good;
        let status = response.status;
        let request_id = self.dialect.request_id(&response);
        operation.parse(response).map_err(|error| {
            let secrets = self.secrets_of(&sent);
            let kind = match error.kind() {
                // Reading an id or amount of theirs with a check meant for our input.
                ErrorKind::InvalidInput => ErrorKind::UnexpectedAnswer,
                kind => kind,
            };
            let mut vendor = error.vendor().cloned().unwrap_or_default();
            vendor.status = vendor.status.or(Some(status.as_u16()));
            vendor.request_id = vendor.request_id.or(request_id);
            // They have acted, whatever we can make of their words.
            let settled = settle(O::REPEAT != Repeat::Freely, kind);
            let error = if settled == error.kind() {
                error
            } else {
                reclassified(Arc::new(error), settled)
            };
            secrets.clean_error(error.with_vendor(secrets.clean_vendor(vendor)))
        })
    }

    /// Attempts until an answer is good or the policy says stop.
    async fn exchange(
        self: &Arc<Self>,
        call: Call,
        outgoing: Outgoing,
        trace: &mut Trace,
    ) -> Result<Good> {
        let started = Instant::now();
        let deadline = after(started, self.policy.deadline);
        let quota = self.quotas.get(call.quota).copied();
        let bucket = self.limits.bucket(&self.bucket_owner(), call.quota, quota);
        let mut failures = 0;
        let mut uncertain = false;
        let mut renewed = false;
        loop {
            // Whatever keeps us from sending now does not settle what an earlier attempt did.
            let unsettled = |error: Error| match settle(uncertain, error.kind()) {
                kind if kind == error.kind() => error,
                kind => reclassified(Arc::new(error), kind),
            };
            let token = self.token(call, deadline).await.map_err(unsettled)?;
            let permit = bucket.acquire(deadline).await.map_err(|pause| {
                let message = format!("the limit of {} leaves no call in time", call.quota);
                unsettled(
                    Error::new(ErrorKind::RateLimited, message).with_retry(Retry::After(pause)),
                )
            })?;
            let remaining = deadline.saturating_duration_since(Instant::now());
            if remaining.is_zero() {
                return Err(unsettled(Error::new(ErrorKind::Transient, "no time is left")));
            }
            let id = random::attempt_id();
            let sent = self.prepare(&outgoing, token.as_ref(), &id).map_err(unsettled)?;
            let wire = self.wire(&sent).map_err(unsettled)?;
            permit.spend();
            trace.attempt(id);
            let limit = self.attempt_timeout.min(remaining);
            let failed = match self.attempt(call, wire, sent, limit, &bucket, trace).await {
                Attempt::Good(good) => return Ok(good),
                Attempt::Failed(failed) => failed,
                Attempt::Expired(mut failed) => match (&self.tokens, &token) {
                    (Some((_, cell)), Some(token)) => {
                        cell.invalidate(token);
                        if !renewed {
                            renewed = true;
                            trace.again(ErrorKind::AuthExpired, Duration::ZERO);
                            continue;
                        }
                        failed.reject();
                        failed
                    }
                    // Without a token there is nothing to renew.
                    _ => {
                        failed.reject();
                        failed
                    }
                },
            };
            failures += 1;
            let progress = Progress {
                attempt: failures,
                repeat: call.repeat,
                elapsed: started.elapsed(),
                uncertain,
            };
            match decide(&self.policy, progress, failed.failure, random::unit()) {
                Decision::Stop { kind, retry } => {
                    let error = failed.into_error(kind);
                    return Err(match retry {
                        Some(retry) => error.with_retry(retry),
                        None => error,
                    });
                }
                Decision::Pause(pause) => {
                    uncertain |= call.repeat != Repeat::Freely && failed.failure.may_have_acted();
                    trace.again(failed.failure.kind(), pause);
                    sleep(pause).await;
                }
            }
        }
    }

    /// Accounts of different vendors may have the same name.
    fn bucket_owner(&self) -> String {
        format!("{}/{}", self.dialect.adapter(), self.account)
    }

    /// The access token of a call, if it needs one.
    async fn token(self: &Arc<Self>, call: Call, deadline: Instant) -> Result<Option<Token>> {
        let Some((source, cell)) = self.tokens.as_ref().filter(|_| call.authorized) else {
            return Ok(None);
        };
        let fetch = || {
            let (source, http) = (Arc::clone(source), Anonymous { core: Arc::clone(self) });
            async move { source.fetch(&http).await }
        };
        let error = match timeout_at(deadline, cell.get(fetch)).await {
            Ok(Ok(token)) => return Ok(Some(token)),
            Ok(Err(error)) => self.secrets.clean_error(error),
            Err(_) => Error::new(ErrorKind::Transient, "no access token in time"),
        };
        // The caller must not take a verdict on the token for one on the call, which was not sent.
        let kind = match error.kind() {
            ErrorKind::AuthExpired
            | ErrorKind::Rejected
            | ErrorKind::NotFound
            | ErrorKind::InvalidInput => ErrorKind::AuthRejected,
            ErrorKind::Ambiguous | ErrorKind::Conflict | ErrorKind::AlreadyDone => {
                ErrorKind::Transient
            }
            kind => kind,
        };
        let error = if kind == error.kind() { error } else { reclassified(Arc::new(error), kind) };
        Err(error.with_context("needed for", call.name))
    }

    /// The request of one attempt as the vendor wants it.
    fn prepare(&self, outgoing: &Outgoing, token: Option<&Token>, id: &str) -> Result<Outgoing> {
        let mut sent = outgoing.clone();
        self.dialect.prepare(&mut sent, id).map_err(|error| self.secrets.clean_error(error))?;
        if let Some(token) = token {
            self.dialect.authorize(&mut sent, token.header_value());
        }
        Ok(sent)
    }

    fn wire(&self, sent: &Outgoing) -> Result<WireRequest> {
        if !is_safe_path(&sent.path) {
            return Err(Error::invalid(
                "path",
                "must begin with / and stay below the base address",
            ));
        }
        let mut url = format!("{}{}", self.base, sent.path);
        if !sent.query.is_empty() {
            url.push('?');
            url.push_str(&sent.query);
        }
        let mut wire = WireRequest::new(sent.method.clone(), url)
            .with_headers(sent.headers.clone())
            .with_max_response(self.max_response);
        wire.headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(OUR_NAME));
        if let Body::Bytes { content_type, bytes } = &sent.body {
            let value = HeaderValue::from_static(content_type);
            wire.headers.entry(CONTENT_TYPE).or_insert(value);
            wire.body = bytes.clone();
        }
        Ok(wire)
    }

    /// Sends once and weighs what comes back.
    async fn attempt(
        &self,
        call: Call,
        wire: WireRequest,
        sent: Outgoing,
        limit: Duration,
        bucket: &Bucket,
        trace: &mut Trace,
    ) -> Attempt {
        let begun = Instant::now();
        let response = match timeout(limit, self.transport.send(wire)).await {
            Err(_) => {
                let message = format!("no answer within {} ms", limit.as_millis());
                return Attempt::Failed(Failed::new(Failure::NoAnswer, message));
            }
            Ok(Err(error)) => {
                let failure = if error.is_before_send() {
                    Failure::NotSent
                } else if error.is_too_large() {
                    Failure::Unreadable
                } else {
                    Failure::NoAnswer
                };
                let message = self.secrets_of(&sent).clean(error.message());
                return Attempt::Failed(Failed::new(failure, message));
            }
            Ok(Ok(response)) => response,
        };
        trace.answered(&response, begun.elapsed());
        let now = self.clock.now();
        bucket.learn(self.dialect.observe(&response, now), now);
        if u64::try_from(response.body.len()).unwrap_or(u64::MAX) > self.max_response {
            let message = format!("the answer is larger than {} bytes", self.max_response);
            let mut failed = Failed::new(Failure::Unreadable, message);
            failed.vendor = Some(self.vendor(&response, VendorDetail::default(), &sent));
            return Attempt::Failed(failed);
        }
        match self.dialect.verdict(call.name, &response) {
            Verdict::Good => Attempt::Good(Good { response, sent }),
            Verdict::Refused(problem) => {
                let named = response
                    .header("retry-after")
                    .and_then(|value| retry::retry_after(value, now))
                    .max(problem.pause);
                self.refused(&response, *problem, named, &sent, bucket)
            }
        }
    }

    fn refused(
        &self,
        response: &Response,
        problem: Problem,
        pause: Option<Duration>,
        sent: &Outgoing,
        bucket: &Bucket,
    ) -> Attempt {
        let Problem { mut kind, message, vendor, .. } = problem;
        // The page of a proxy says nothing about what was asked for.
        if kind == ErrorKind::NotFound && is_html(response) {
            kind = ErrorKind::UnexpectedAnswer;
        }
        let failure = Failure::Refused { status: response.status.as_u16(), kind, pause };
        if let (ErrorKind::RateLimited, Some(pause)) = (failure.kind(), pause) {
            // The limit is the bucket's, so its other callers had better wait too.
            bucket.pause(pause);
        }
        let mut failed = Failed::new(failure, message);
        failed.vendor = Some(self.vendor(response, vendor, sent));
        if kind == ErrorKind::AuthExpired {
            Attempt::Expired(failed)
        } else {
            Attempt::Failed(failed)
        }
    }

    /// What the vendor said, completed by what every answer has, and cleaned.
    fn vendor(
        &self,
        response: &Response,
        mut detail: VendorDetail,
        sent: &Outgoing,
    ) -> VendorDetail {
        detail.status = detail.status.or(Some(response.status.as_u16()));
        detail.request_id = detail.request_id.or_else(|| self.dialect.request_id(response));
        self.secrets_of(sent).clean_vendor(detail)
    }

    /// The configured secrets and those a request carries, its token among them.
    fn secrets_of(&self, sent: &Outgoing) -> Secrets {
        let mut secrets = self.secrets.clone();
        secrets.add_request(sent);
        secrets
    }
}

impl Failed {
    /// Turns "the token has expired" into "the credentials are refused".
    fn reject(&mut self) {
        if let Failure::Refused { kind, .. } = &mut self.failure {
            *kind = ErrorKind::AuthRejected;
        }
        self.message = if self.message.is_empty() {
            "a fresh access token is refused".to_owned()
        } else {
            format!("a fresh access token is refused: {}", self.message)
        };
    }
}

fn is_html(response: &Response) -> bool {
    response.header("content-type").is_some_and(|kind| kind.to_ascii_lowercase().contains("html"))
}

/// `start + span`, or as good as never.
fn after(start: Instant, span: Duration) -> Instant {
    const THIRTY_YEARS: Duration = Duration::from_secs(30 * 365 * 86_400);
    start.checked_add(span.min(THIRTY_YEARS)).unwrap_or(start)
}

/// Whether a path can be appended to the base address without leaving it. An order id of `..` must
/// not climb to another resource, whichever way its dots are written.
fn is_safe_path(path: &str) -> bool {
    path.starts_with('/')
        && path.bytes().all(|byte| byte.is_ascii_graphic())
        && !path.contains(['?', '#', '\\'])
        && path.split('/').all(|segment| {
            !matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_cannot_leave_the_base_address() {
        for good in ["/", "/v3/orders/1%2F2", "/a.b/...", "/v3/orders//"] {
            assert!(is_safe_path(good), "{good}");
        }
        for bad in ["", "v3", "@evil.test", "/a/../b", "/a/%2e%2E", "/./a", "/a?b", "/a b", "/é"] {
            assert!(!is_safe_path(bad), "{bad}");
        }
    }
}
