//! Access tokens: fetched once for all callers, renewed early, thrown away exactly.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use http::HeaderValue;
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::Instrument;

use super::call::Core;
use super::operation::Operation;
use crate::error::{Error, ErrorKind, Result};

/// After which part of its lifetime a token is renewed.
const RENEW_AFTER: f64 = 0.8;
/// After a renewal that failed while the old token is still good, the next try comes this late.
const RENEWAL_PAUSE: Duration = Duration::from_secs(15);

/// An access token. Its value never prints.
#[derive(Clone)]
pub struct Token {
    value: HeaderValue,
    lifetime: Duration,
    renew_after: f64,
    /// Which fetch of its cell it came from. Two fetches may bring the same value.
    generation: u64,
}

impl Token {
    /// Takes a token that is good for `lifetime` from now on, as in `expires_in`.
    ///
    /// # Errors
    /// [`ErrorKind::UnexpectedAnswer`] when the token is empty or cannot be sent in a header.
    pub fn new(secret: impl AsRef<str>, lifetime: Duration) -> Result<Self> {
        let unusable = || Error::new(ErrorKind::UnexpectedAnswer, "the token cannot be used");
        let secret = secret.as_ref();
        if secret.is_empty() || !secret.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return Err(unusable());
        }
        let mut value = HeaderValue::from_str(secret).map_err(|_| unusable())?;
        value.set_sensitive(true);
        Ok(Self { value, lifetime, renew_after: RENEW_AFTER, generation: 0 })
    }

    /// Sets after which part of its lifetime (0 to 1, by default 0.8) the token is renewed in the
    /// background while callers go on using it.
    #[must_use]
    pub fn with_renew_after(mut self, part: f64) -> Self {
        self.renew_after = part.clamp(0.0, 1.0);
        self
    }

    /// The token as a header value, marked sensitive, without `Bearer`.
    #[must_use]
    pub fn header_value(&self) -> HeaderValue {
        self.value.clone()
    }

    /// The token itself. Every call is a place to check that it does not end in a log.
    #[must_use]
    pub fn expose(&self) -> &str {
        // Checked to be visible ASCII when it was taken.
        self.value.to_str().unwrap_or_default()
    }

    /// How long the token is good, counted from when it was fetched.
    #[must_use]
    pub const fn lifetime(&self) -> Duration {
        self.lifetime
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token([redacted], {:?})", self.lifetime)
    }
}

/// `Bearer` and the token, marked sensitive: what most vendors want in `Authorization`.
///
/// ```
/// use http::HeaderValue;
/// let value = orderflow::client::bearer(&HeaderValue::from_static("abc"));
/// assert_eq!(value, "Bearer abc");
/// assert!(value.is_sensitive());
/// ```
#[must_use]
pub fn bearer(token: &HeaderValue) -> HeaderValue {
    let mut bytes = b"Bearer ".to_vec();
    bytes.extend_from_slice(token.as_bytes());
    // A prefix of plain letters cannot make a good header value bad.
    let mut value =
        HeaderValue::from_maybe_shared(bytes::Bytes::from(bytes)).unwrap_or_else(|_| token.clone());
    value.set_sensitive(true);
    value
}

/// How a vendor's access token is obtained.
///
/// The stack calls [`fetch`](Self::fetch) when there is no good token, never twice at a time for
/// one client, and runs it to its end even if every caller that waits for it is dropped.
#[async_trait]
pub trait TokenSource: fmt::Debug + Send + Sync + 'static {
    /// Fetches a token that is not the current one.
    ///
    /// # Errors
    /// [`ErrorKind::AuthRejected`] when the credentials are refused; otherwise whatever the token
    /// call failed with. Every waiting caller receives it.
    async fn fetch(&self, http: &Anonymous) -> Result<Token>;
}

/// The HTTP stack without authorization, for the calls that obtain it. Retries, limits, time-outs
/// and redaction are those of the [`Client`](super::Client).
#[derive(Clone)]
pub struct Anonymous {
    pub(super) core: Arc<Core>,
}

impl Anonymous {
    /// Performs a call without an access token.
    ///
    /// # Errors
    /// As [`Client::call`](super::Client::call); a 401 is [`ErrorKind::AuthRejected`] at once,
    /// since there is nothing to renew.
    pub async fn call<O: Operation>(&self, operation: &O) -> Result<O::Output> {
        self.core.call(operation, false).await
    }

    /// The account whose token is wanted.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.core.account
    }
}

impl fmt::Debug for Anonymous {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Anonymous({:?})", self.core)
    }
}

/// Holds one token for any number of callers. Cheap to clone; clones share the token.
///
/// [`Client`](super::Client) has one for its [`TokenSource`]. An adapter that needs a second token
/// (one for payments, say) keeps a `TokenCell` of its own:
///
/// ```
/// # use std::time::Duration;
/// # use orderflow::client::{Token, TokenCell};
/// # async fn run() -> orderflow::Result<()> {
/// let cell = TokenCell::new();
/// // `client` is cheap to clone into the future
/// let token = cell.get(|| async { Token::new("from the vendor", Duration::from_secs(28_800)) }).await?;
/// // … refused with it? Then throw away this one, not a newer one somebody else has fetched.
/// cell.invalidate(&token);
/// # Ok(())
/// # }
/// ```
///
/// A fetch runs on its own task: callers that are dropped do not stop it, so a rotating refresh
/// token that has been spent is never lost half-way. All callers that come meanwhile wait for the
/// same fetch and share its error. From 80 % of its lifetime a token is renewed in the background
/// while callers still get it; a failed renewal bothers nobody as long as the token is good.
#[derive(Clone, Default)]
pub struct TokenCell {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    generation: u64,
    held: Option<Held>,
    flight: Option<Flight>,
    /// No renewal of a good token before this instant.
    renewal_not_before: Option<Instant>,
}

struct Held {
    token: Token,
    /// `None` where the lifetime is beyond the clock.
    renew_at: Option<Instant>,
    expires_at: Option<Instant>,
}

type Outcome = Result<Token, Arc<Error>>;
type Flight = watch::Receiver<Option<Outcome>>;

impl Held {
    fn new(token: Token, since: Instant) -> Self {
        let renew_at = since.checked_add(token.lifetime.mul_f64(token.renew_after));
        Self { renew_at, expires_at: since.checked_add(token.lifetime), token }
    }
}

impl TokenCell {
    /// An empty cell.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The current token, or the one `fetch` brings. Must be called within a tokio runtime.
    ///
    /// `fetch` is called at most once, and only if no fetch is under way.
    ///
    /// # Errors
    /// Whatever the fetch failed with, for every caller that waited for it. The next caller
    /// fetches anew.
    pub async fn get<F, Fut>(&self, fetch: F) -> Result<Token>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<Token>> + Send + 'static,
    {
        let mut flight = match self.look(fetch) {
            Ok(token) => return Ok(token),
            Err(flight) => flight,
        };
        let interrupted =
            || Error::new(ErrorKind::Transient, "fetching the access token was interrupted");
        match flight.wait_for(Option::is_some).await {
            Ok(outcome) => match &*outcome {
                Some(Ok(token)) => Ok(token.clone()),
                Some(Err(error)) => Err(share(error)),
                None => Err(interrupted()),
            },
            // The task is gone: it panicked, or its runtime was shut down.
            Err(_) => Err(interrupted()),
        }
    }

    /// Throws `used` away, unless a newer token has taken its place. Tells whether it did.
    pub fn invalidate(&self, used: &Token) -> bool {
        let mut state = self.lock();
        let current = state.held.as_ref().is_some_and(|held| {
            held.token.generation == used.generation && held.token.value == used.value
        });
        if current {
            state.held = None;
        }
        current
    }

    /// A good token, or the fetch to wait for.
    fn look<F, Fut>(&self, fetch: F) -> Result<Token, Flight>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<Token>> + Send + 'static,
    {
        let now = Instant::now();
        let mut state = self.lock();
        // A flight whose task is gone without an outcome is none.
        let under_way =
            state.flight.as_ref().filter(|flight| flight.has_changed().is_ok()).cloned();
        let good = state
            .held
            .as_ref()
            .filter(|held| held.expires_at.is_none_or(|at| now < at))
            .map(|held| (held.token.clone(), held.renew_at.is_some_and(|at| at <= now)));
        let renewable = state.renewal_not_before.is_none_or(|at| at <= now);
        match (good, under_way) {
            (Some((token, due)), under_way) => {
                if due && renewable && under_way.is_none() {
                    self.start(&mut state, fetch(), now);
                }
                Ok(token)
            }
            (None, Some(flight)) => Err(flight),
            (None, None) => Err(self.start(&mut state, fetch(), now)),
        }
    }

    fn start(
        &self,
        state: &mut State,
        fetch: impl Future<Output = Result<Token>> + Send + 'static,
        since: Instant,
    ) -> Flight {
        let (sender, flight) = watch::channel(None);
        let cell = self.clone();
        let task = async move {
            let fetched = fetch.await;
            let outcome = cell.settle(fetched, since);
            sender.send_replace(Some(outcome));
        };
        state.flight = Some(flight.clone());
        tokio::spawn(task.in_current_span());
        flight
    }

    /// Takes in what a fetch brought. Lifetimes count from before the fetch, as the vendor's do.
    fn settle(&self, fetched: Result<Token>, since: Instant) -> Outcome {
        let mut state = self.lock();
        state.flight = None;
        match fetched {
            Ok(mut token) => {
                state.generation += 1;
                token.generation = state.generation;
                state.held = Some(Held::new(token.clone(), since));
                state.renewal_not_before = None;
                Ok(token)
            }
            Err(error) => {
                state.renewal_not_before = Instant::now().checked_add(RENEWAL_PAUSE);
                Err(Arc::new(error))
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change to the state is a single assignment: a poisoned lock holds a valid value.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for TokenCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("TokenCell")
            .field("token", &state.held.as_ref().map(|held| &held.token))
            .field("fetching", &state.flight.is_some())
            .finish()
    }
}

/// The same error for one more waiter.
fn share(error: &Arc<Error>) -> Error {
    reclassified(Arc::clone(error), error.kind()).with_retry(error.retry())
}

/// An error in every respect like `error` but of another kind, with the advice that kind implies.
pub(super) fn reclassified(error: Arc<Error>, kind: ErrorKind) -> Error {
    let mut copy = Error::new(kind, error.message());
    if let (Some(adapter), Some(operation)) = (error.adapter(), error.operation()) {
        copy = copy.with_operation(adapter, operation);
    }
    if let Some(field) = error.field() {
        copy = copy.with_field(field);
    }
    for (name, value) in error.context() {
        copy = copy.with_context(name, value);
    }
    if let Some(vendor) = error.vendor() {
        copy = copy.with_vendor(vendor.clone());
    }
    if error.source().is_some() { copy.with_source(SharedSource(error)) } else { copy }
}

/// The source of an error that several callers hold.
struct SharedSource(Arc<Error>);

impl fmt::Display for SharedSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.source().map_or(Ok(()), |source| fmt::Display::fmt(source, f))
    }
}

impl fmt::Debug for SharedSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.source().map_or(Ok(()), |source| fmt::Debug::fmt(source, f))
    }
}

impl StdError for SharedSource {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source().and_then(StdError::source)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::task::JoinSet;
    use tokio::time::{advance, sleep, timeout};

    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    /// A vendor that takes a second per token and counts them.
    #[derive(Clone, Default)]
    struct Vendor {
        calls: Arc<AtomicU32>,
        failing: bool,
    }

    impl Vendor {
        fn calls(&self) -> u32 {
            self.calls.load(Ordering::SeqCst)
        }

        fn fetch(&self) -> impl Future<Output = Result<Token>> + Send + 'static {
            let (calls, failing) = (Arc::clone(&self.calls), self.failing);
            async move {
                let number = calls.fetch_add(1, Ordering::SeqCst) + 1;
                sleep(Duration::from_secs(1)).await;
                if failing {
                    return Err(Error::new(ErrorKind::AuthRejected, "no")
                        .with_operation("vendor", "token")
                        .with_source(std::io::Error::other("why")));
                }
                Token::new(format!("token-{number}"), HOUR)
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn ten_callers_cause_one_fetch_and_share_its_error() {
        let vendor = Vendor { failing: true, ..Vendor::default() };
        let cell = TokenCell::new();
        let mut callers = JoinSet::new();
        for _ in 0..10 {
            let (cell, vendor) = (cell.clone(), vendor.clone());
            callers.spawn(async move { cell.get(|| vendor.fetch()).await });
        }
        for outcome in callers.join_all().await {
            let error = outcome.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AuthRejected);
            assert_eq!(error.to_string(), "vendor token: authorization rejected: no");
            assert_eq!(error.source().unwrap().to_string(), "why");
        }
        assert_eq!(vendor.calls(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_dropped_while_fetching_neither_stops_nor_repeats_the_fetch() {
        let vendor = Vendor::default();
        let cell = TokenCell::new();
        let patience = Duration::from_millis(10);
        assert!(timeout(patience, cell.get(|| vendor.fetch())).await.is_err());
        let token = cell.get(|| vendor.fetch()).await.unwrap();
        assert_eq!((token.expose(), vendor.calls()), ("token-1", 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_fetch_whose_task_dies_is_reported_and_the_next_caller_fetches() {
        let cell = TokenCell::new();
        let died = cell.get(|| async { panic!("a bug in an adapter") }).await.unwrap_err();
        assert_eq!(died.kind(), ErrorKind::Transient);
        let vendor = Vendor::default();
        assert_eq!(cell.get(|| vendor.fetch()).await.unwrap().expose(), "token-1");
    }

    #[tokio::test(start_paused = true)]
    async fn from_80_percent_of_its_life_a_token_is_renewed_behind_the_callers_back() {
        let vendor = Vendor::default();
        let cell = TokenCell::new();
        cell.get(|| vendor.fetch()).await.unwrap();
        advance(HOUR.mul_f64(0.79)).await;
        cell.get(|| vendor.fetch()).await.unwrap();
        assert_eq!(vendor.calls(), 1);
        advance(HOUR.mul_f64(0.02)).await;
        let asked = Instant::now();
        assert_eq!(cell.get(|| vendor.fetch()).await.unwrap().expose(), "token-1");
        assert_eq!(asked.elapsed(), Duration::ZERO);
        sleep(Duration::from_secs(2)).await;
        assert_eq!(cell.get(|| vendor.fetch()).await.unwrap().expose(), "token-2");
        assert_eq!(vendor.calls(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_renewal_bothers_nobody_while_the_token_is_good() {
        let vendor = Vendor::default();
        let broken = Vendor { failing: true, ..Vendor::default() };
        let cell = TokenCell::new();
        cell.get(|| vendor.fetch()).await.unwrap();
        advance(HOUR.mul_f64(0.9)).await;
        for _ in 0..10 {
            assert_eq!(cell.get(|| broken.fetch()).await.unwrap().expose(), "token-1");
            sleep(Duration::from_secs(2)).await;
        }
        assert_eq!(broken.calls(), 2, "one renewal, and one more after a pause");
        advance(HOUR).await;
        assert!(cell.get(|| broken.fetch()).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn invalidation_does_not_throw_away_a_newer_token() {
        let vendor = Vendor::default();
        let cell = TokenCell::new();
        let old = cell.get(|| vendor.fetch()).await.unwrap();
        assert!(cell.invalidate(&old));
        let new = cell.get(|| vendor.fetch()).await.unwrap();
        assert!(!cell.invalidate(&old));
        assert_eq!(cell.get(|| vendor.fetch()).await.unwrap().expose(), new.expose());
        assert_eq!(vendor.calls(), 2);
    }

    #[test]
    fn a_token_never_prints_and_must_fit_into_a_header() {
        let token = Token::new("canary", HOUR).unwrap();
        assert!(!format!("{token:?} {:?}", token.header_value()).contains("canary"));
        for bad in ["", "a\nb", "é"] {
            assert_eq!(Token::new(bad, HOUR).unwrap_err().kind(), ErrorKind::UnexpectedAnswer);
        }
    }
}
