//! The HTTP stack as an adapter sees it: a scripted vendor in virtual time, then real sockets.
#![cfg(feature = "client")]
// Clippy excuses test functions only, not the stand-ins beside them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use orderflow::client::{
    Anonymous, Client, ClientBuilder, Clock, Dialect, Exchanged, Hints, MemoryRefreshTokenStore,
    Operation, Outgoing, Problem, Quota, RefreshExchange, RefreshTokenSource, RefreshTokenStore,
    Repeat, Response, RetryPolicy, StoredToken, Token, TokenSource, Transport, TransportError,
    Verdict, WireRequest, bearer,
};
use orderflow::error::VendorDetail;
use orderflow::{Error, ErrorKind, Result, Retry};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

const SECOND: Duration = Duration::from_secs(1);
const CANARY: &str = "canary-5f2e";

// ---- a vendor ---------------------------------------------------------------------------------

#[derive(Debug)]
struct TestDialect;

impl Dialect for TestDialect {
    fn adapter(&self) -> &'static str {
        "vendor"
    }

    fn prepare(&self, outgoing: &mut Outgoing, attempt_id: &str) -> Result<()> {
        let id = HeaderValue::from_str(attempt_id).unwrap();
        outgoing.headers.insert(HeaderName::from_static("x-attempt"), id);
        Ok(())
    }

    fn authorize(&self, outgoing: &mut Outgoing, token: HeaderValue) {
        outgoing.headers.insert(AUTHORIZATION, bearer(&token));
    }

    fn observe(&self, response: &Response, now: DateTime<Utc>) -> Hints {
        let number = |name| response.header(name).and_then(|text| text.parse::<u32>().ok());
        Hints {
            remaining: number("x-remaining"),
            replenished_at: number("x-reset-in").map(|s| now + TimeDelta::seconds(i64::from(s))),
        }
    }

    fn verdict(&self, _: &'static str, response: &Response) -> Verdict {
        let kind = match response.status.as_u16() {
            200..=299 => return Verdict::Good,
            401 => ErrorKind::AuthExpired,
            404 => ErrorKind::NotFound,
            429 => ErrorKind::RateLimited,
            500..=599 => ErrorKind::Transient,
            _ => ErrorKind::Rejected,
        };
        let mut vendor = VendorDetail::with_status(response.status.as_u16());
        vendor.code = response.header("x-code").map(str::to_owned);
        vendor.message = Some(String::from_utf8_lossy(&response.body).into_owned());
        Verdict::Refused(Box::new(Problem { kind, pause: None, message: "refused", vendor }))
    }
}

macro_rules! operation {
    ($type:ident, $path:literal, $repeat:ident, $quota:literal) => {
        struct $type;

        impl Operation for $type {
            type Output = u32;
            const NAME: &'static str = stringify!($type);
            const REPEAT: Repeat = Repeat::$repeat;
            const QUOTA: &'static str = $quota;

            fn request(&self) -> Result<Outgoing> {
                Outgoing::post($path).query("buyer", CANARY).json(&CANARY)
            }

            fn parse(&self, response: Response) -> Result<u32> {
                response.json()
            }
        }
    };
}

operation!(Read, "/read", Freely, "default");
operation!(Stock, "/stock", Freely, "stock");
operation!(BuyWithKey, "/keyed", WithKey, "default");
operation!(BuyOnce, "/buy", Never, "default");
operation!(FetchToken, "/token", Freely, "token");

fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> Response {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
        .collect();
    let status = StatusCode::from_u16(status).unwrap();
    Response { status, headers, body: body.as_bytes().to_vec().into() }
}

fn ok() -> Step {
    Step::Answer(answer(200, &[], "7"))
}

fn status(status: u16) -> Step {
    Step::Answer(answer(status, &[("x-request-id", "R-1")], "their words"))
}

enum Step {
    Answer(Response),
    Slowly(Duration, Response),
    Hang,
    Reset,
    Refuse,
}

/// Plays its steps in order; when they are used up, everything is fine.
#[derive(Default)]
struct Script {
    steps: Mutex<VecDeque<Step>>,
    sent: Mutex<Vec<WireRequest>>,
}

impl Script {
    fn new(steps: impl IntoIterator<Item = Step>) -> Arc<Self> {
        Arc::new(Self { steps: Mutex::new(steps.into_iter().collect()), sent: Mutex::default() })
    }

    fn count(&self) -> usize {
        self.sent.lock().unwrap().len()
    }

    fn headers(&self, name: &str) -> Vec<String> {
        let sent = self.sent.lock().unwrap();
        let text = |request: &WireRequest| request.headers[name].to_str().unwrap().to_owned();
        sent.iter().map(text).collect()
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Script({:?})", self.sent.lock().unwrap())
    }
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: WireRequest) -> Result<Response, TransportError> {
        self.sent.lock().unwrap().push(request);
        let step = self.steps.lock().unwrap().pop_front();
        match step.unwrap_or_else(ok) {
            Step::Answer(response) => Ok(response),
            Step::Slowly(pause, response) => {
                sleep(pause).await;
                Ok(response)
            }
            Step::Hang => std::future::pending().await,
            Step::Reset => Err(TransportError::after_send("connection reset")),
            Step::Refuse => Err(TransportError::before_send("connection refused")),
        }
    }
}

/// 1994-11-06T08:49:37Z, and going on as tokio's time does.
#[derive(Debug)]
struct TestClock(Instant);

impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(784_111_777, 0).unwrap()
            + TimeDelta::from_std(self.0.elapsed()).unwrap()
    }
}

fn builder(script: &Arc<Script>) -> ClientBuilder {
    let transport = Arc::clone(script) as Arc<dyn Transport>;
    Client::builder(Arc::new(TestDialect), transport, "https://vendor.test/v3/", "shop")
        .clock(Arc::new(TestClock(Instant::now())))
}

fn client(script: &Arc<Script>) -> Client {
    builder(script).build().unwrap()
}

/// Hands out `token-1`, `token-2`, …, each good for an hour and a second in the making.
#[derive(Debug, Clone, Default)]
struct Tokens {
    fetched: Arc<AtomicU32>,
}

impl Tokens {
    fn count(&self) -> u32 {
        self.fetched.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl TokenSource for Tokens {
    async fn fetch(&self, _: &Anonymous) -> Result<Token> {
        let number = self.fetched.fetch_add(1, Ordering::SeqCst) + 1;
        sleep(SECOND).await;
        Token::new(format!("token-{number}"), Duration::from_secs(3_600))
    }
}

fn authorized(script: &Arc<Script>) -> (Client, Tokens) {
    let tokens = Tokens::default();
    (builder(script).token_source(Arc::new(tokens.clone())).build().unwrap(), tokens)
}

// ---- retry ------------------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn retry_after_is_obeyed_in_seconds_and_as_date() {
    for value in ["7", "Retry-After: 7", "Sun, 06 Nov 1994 08:49:44 GMT"] {
        let script = Script::new([Step::Answer(answer(429, &[("retry-after", value)], ""))]);
        let start = Instant::now();
        assert_eq!(client(&script).call(&Read).await.unwrap(), 7);
        assert_eq!(start.elapsed().as_secs(), 7, "{value}");
        assert_eq!(script.count(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_beyond_the_bound_is_returned_and_not_slept() {
    let script = Script::new([Step::Answer(answer(429, &[("retry-after", "3600")], ""))]);
    let start = Instant::now();
    let error = client(&script).call(&Read).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(error.retry(), Retry::After(Duration::from_secs(3_600)));
    assert_eq!((start.elapsed(), script.count()), (Duration::ZERO, 1));
}

#[tokio::test(start_paused = true)]
async fn a_buy_once_call_is_never_sent_again_after_a_time_out_a_reset_or_a_500() {
    for step in [Step::Hang, Step::Reset, status(500), status(503)] {
        let script = Script::new([step]);
        let error = client(&script).call(&BuyOnce).await.unwrap_err();
        assert_eq!((error.kind(), error.retry()), (ErrorKind::Ambiguous, Retry::LookFirst));
        assert_eq!(error.operation(), Some("BuyOnce"));
        assert_eq!(script.count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_429_or_a_refused_connection_is_repeated_even_for_a_buy_once_call() {
    let script = Script::new([status(429), Step::Refuse, status(429)]);
    assert_eq!(client(&script).call(&BuyOnce).await.unwrap(), 7);
    assert_eq!(script.count(), 4);
}

#[tokio::test(start_paused = true)]
async fn faults_are_retried_until_attempts_are_used_up() {
    let script = Script::new((0..9).map(|_| status(503)));
    let error = client(&script).call(&Read).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transient);
    assert_eq!(error.retry(), Retry::Exhausted { attempts: 5 });
    assert_eq!(script.count(), 5);
    let mut ids = script.headers("x-attempt");
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 5, "every attempt has an id of its own");
}

#[tokio::test(start_paused = true)]
async fn a_keyed_call_is_repeated_but_stays_ambiguous_once_an_answer_was_lost() {
    let script = Script::new([Step::Reset, ok()]);
    assert_eq!(client(&script).call(&BuyWithKey).await.unwrap(), 7);
    let script = Script::new([Step::Reset, Step::Refuse, Step::Refuse, Step::Refuse, Step::Refuse]);
    let error = client(&script).call(&BuyWithKey).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Ambiguous, Retry::LookFirst));
    assert_eq!(script.count(), 5);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_bounds_attempts_that_hang() {
    let script = Script::new((0..9).map(|_| Step::Hang));
    let policy = RetryPolicy::default().with_deadline(50 * SECOND);
    let start = Instant::now();
    let error = builder(&script).retry(policy).build().unwrap().call(&Read).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transient);
    assert!(start.elapsed() <= 50 * SECOND + Duration::from_millis(1), "{:?}", start.elapsed());
    assert_eq!(script.count(), 2, "30 s, a pause, and what is left");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_for_reasons_is_returned_at_once_with_what_they_said() {
    let headers = [("x-request-id", "R-9"), ("x-code", "0042")];
    let script = Script::new([Step::Answer(answer(422, &headers, "no such service"))]);
    let error = client(&script).call(&BuyWithKey).await.unwrap_err();
    let vendor = error.vendor().unwrap();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Rejected, Retry::Never));
    assert_eq!((vendor.status, vendor.code.as_deref()), (Some(422), Some("0042")));
    assert_eq!(vendor.message.as_deref(), Some("no such service"));
    assert_eq!(vendor.request_id.as_deref(), Some("R-9"));
    assert_eq!(script.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn html_and_truncated_answers_become_typed_errors() {
    let html = "<html><title>502 Bad Gateway</title></html>";
    let script =
        Script::new((0..5).map(|_| Step::Answer(answer(502, &[("x-request-id", "R-2")], html))));
    let error = client(&script).call(&Read).await.unwrap_err();
    let vendor = error.vendor().unwrap();
    assert_eq!(error.retry(), Retry::Exhausted { attempts: 5 });
    assert_eq!((vendor.status, vendor.request_id.as_deref()), (Some(502), Some("R-2")));

    let cut = || Step::Answer(answer(201, &[("x-request-id", "R-3")], "[1, 2"));
    let script = Script::new([cut(), cut(), cut()]);
    let client = client(&script);
    let reading = client.call(&Read).await.unwrap_err();
    assert_eq!((reading.kind(), reading.retry()), (ErrorKind::UnexpectedAnswer, Retry::Never));
    for bought in
        [client.call(&BuyOnce).await.unwrap_err(), client.call(&BuyWithKey).await.unwrap_err()]
    {
        let vendor = bought.vendor().unwrap();
        assert_eq!((bought.kind(), bought.retry()), (ErrorKind::Ambiguous, Retry::LookFirst));
        assert_eq!((vendor.status, vendor.request_id.as_deref()), (Some(201), Some("R-3")));
    }
    assert_eq!(script.count(), 3);
}

// ---- limits -----------------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn every_attempt_draws_a_permit() {
    let script = Script::new([status(500)]);
    let policy = RetryPolicy::default().with_base(Duration::from_millis(1));
    let client =
        builder(&script).quota("default", Quota::per_minute(6)).retry(policy).build().unwrap();
    let start = Instant::now();
    client.call(&Read).await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 10);
    client.call(&Read).await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 20);
}

#[tokio::test(start_paused = true)]
async fn hints_from_headers_delay_the_next_call_of_that_bucket_only() {
    let headers = [("x-remaining", "0"), ("x-reset-in", "12")];
    let script = Script::new([Step::Answer(answer(200, &headers, "7"))]);
    let client = client(&script);
    let start = Instant::now();
    client.call(&Read).await.unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO);
    client.call(&Stock).await.unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO, "another bucket is not delayed");
    client.call(&Read).await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 12);
}

#[tokio::test(start_paused = true)]
async fn a_permit_that_comes_too_late_is_a_rate_limit_with_the_pause() {
    let script = Script::new([]);
    let client = builder(&script).quota("default", Quota::per_hour(1)).build().unwrap();
    client.call(&BuyOnce).await.unwrap();
    let error = client.call(&BuyOnce).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(error.retry(), Retry::After(Duration::from_secs(3_600)));
    assert_eq!(script.count(), 1);
}

// ---- tokens -----------------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn ten_callers_with_an_expired_token_cause_one_refresh() {
    let script = Script::new([]);
    let (client, tokens) = authorized(&script);
    client.call(&Read).await.unwrap();
    tokio::time::advance(Duration::from_secs(3_601)).await;
    let mut callers = JoinSet::new();
    for _ in 0..10 {
        let client = client.clone();
        callers.spawn(async move { client.call(&Read).await });
    }
    assert!(callers.join_all().await.iter().all(Result::is_ok));
    assert_eq!((tokens.count(), script.count()), (2, 11));
    assert!(script.headers("authorization")[1..].iter().all(|sent| sent == "Bearer token-2"));
}

#[tokio::test(start_paused = true)]
async fn a_401_earns_one_refresh_and_one_re_send_even_for_a_buy_once_call() {
    let script = Script::new([status(401)]);
    let (client, tokens) = authorized(&script);
    assert_eq!(client.call(&BuyOnce).await.unwrap(), 7);
    assert_eq!(script.headers("authorization"), ["Bearer token-1", "Bearer token-2"]);
    assert_eq!(tokens.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_second_401_means_that_the_credentials_are_refused() {
    let script = Script::new([status(401), status(401)]);
    let (client, tokens) = authorized(&script);
    let error = client.call(&Read).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::AuthRejected, Retry::Never));
    assert_eq!((tokens.count(), script.count()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_late_401_does_not_throw_away_a_newer_token() {
    // Both leave with token-1; the slow one is refused when token-2 is long in use.
    let slow = Step::Slowly(10 * SECOND, answer(401, &[], ""));
    let script = Script::new([ok(), slow, status(401)]);
    let (client, tokens) = authorized(&script);
    client.call(&Read).await.unwrap();
    let (first, second) = tokio::join!(client.call(&Read), client.call(&Read));
    assert!(first.is_ok() && second.is_ok());
    assert_eq!(tokens.count(), 2);
    assert_eq!(script.headers("authorization").last().unwrap(), "Bearer token-2");
}

#[tokio::test(start_paused = true)]
async fn futures_dropped_at_any_moment_leave_the_client_usable() {
    let script = Script::new([Step::Hang]);
    let tokens = Tokens::default();
    let client = builder(&script)
        .token_source(Arc::new(tokens.clone()))
        .quota("default", Quota::per_minute(6))
        .build()
        .unwrap();
    let brief = Duration::from_millis(500);
    assert!(timeout(brief, client.call(&Read)).await.is_err(), "mid-refresh");
    assert!(timeout(2 * SECOND, client.call(&Read)).await.is_err(), "mid-call");
    assert_eq!(script.count(), 1);
    assert!(timeout(brief, client.call(&Read)).await.is_err(), "mid-permit");
    assert_eq!(script.count(), 1);
    let start = Instant::now();
    assert_eq!(client.call(&Read).await.unwrap(), 7);
    assert!(start.elapsed() <= 10 * SECOND, "the dropped waiter has kept no permit");
    assert_eq!((tokens.count(), script.count()), (1, 2));
}

/// Obtains its token through the stack.
#[derive(Debug)]
struct ByCall;

#[async_trait]
impl TokenSource for ByCall {
    async fn fetch(&self, http: &Anonymous) -> Result<Token> {
        let number = http.call(&FetchToken).await?;
        Token::new(format!("token-{number}"), Duration::from_secs(60))
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_call_goes_through_the_stack_and_its_refusal_is_not_one_of_the_order() {
    let script = Script::new([status(503), ok(), ok()]);
    let client = builder(&script).token_source(Arc::new(ByCall)).build().unwrap();
    assert_eq!(client.call(&BuyOnce).await.unwrap(), 7);
    assert_eq!(script.count(), 3, "the token call was repeated");

    let script = Script::new([status(400)]);
    let client = builder(&script).token_source(Arc::new(ByCall)).build().unwrap();
    let error = client.call(&BuyOnce).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AuthRejected);
    assert_eq!((error.operation(), script.count()), (Some("FetchToken"), 1));
    assert!(error.to_string().contains("needed for BuyOnce"), "{error}");
}

/// Exchanges `refresh-n` for `access-n` and `refresh-(n+1)`, each refresh token once.
#[derive(Debug, Default)]
struct Rotating {
    spent: Mutex<Vec<String>>,
}

#[async_trait]
impl RefreshExchange for Rotating {
    async fn exchange(&self, _: &Anonymous, refresh: &StoredToken) -> Result<Exchanged> {
        let mut spent = self.spent.lock().unwrap();
        assert!(!spent.contains(refresh.secret.expose()), "spent twice");
        spent.push(refresh.secret.expose().clone());
        let number = spent.len();
        let access = Token::new(format!("access-{number}"), Duration::from_secs(60))?;
        Ok(Exchanged::new(access).with_refresh(StoredToken::new(format!("refresh-{}", number + 1))))
    }
}

/// Two processes with one shop: the other one is faster, and saves what it got a moment later.
#[derive(Debug)]
struct Beaten {
    store: MemoryRefreshTokenStore,
    inner: Rotating,
    saves: bool,
}

#[async_trait]
impl RefreshExchange for Beaten {
    async fn exchange(&self, http: &Anonymous, refresh: &StoredToken) -> Result<Exchanged> {
        if refresh.secret.expose() != "refresh-1" {
            return self.inner.exchange(http, refresh).await;
        }
        if self.saves {
            let store = self.store.clone();
            tokio::spawn(async move {
                sleep(SECOND / 10).await;
                store.save("shop", &StoredToken::new("refresh-2")).await.unwrap();
            });
        }
        Err(Error::new(ErrorKind::AuthRejected, "spent"))
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_race_for_a_refresh_token_is_harmless_once_the_winner_has_saved_the_next_one() {
    for saves in [true, false] {
        let store =
            MemoryRefreshTokenStore::new().with_token("shop", StoredToken::new("refresh-1"));
        let exchange = Beaten { store: store.clone(), inner: Rotating::default(), saves };
        let source = RefreshTokenSource::new(Arc::new(store.clone()), Arc::new(exchange));
        let script = Script::new([]);
        let client = builder(&script).token_source(Arc::new(source)).build().unwrap();
        let outcome = client.call(&Read).await;
        if saves {
            outcome.unwrap();
            // The store holds what came of the winner's token, so the winner goes on with that.
            assert_eq!(store.load("shop").await.unwrap().unwrap().secret.expose(), "refresh-2");
            assert_eq!(script.headers("authorization"), ["Bearer access-1"]);
        } else {
            assert_eq!(outcome.unwrap_err().kind(), ErrorKind::AuthRejected);
        }
    }
}

/// Fails to save as often as told.
#[derive(Debug)]
struct Shaky {
    inner: MemoryRefreshTokenStore,
    failures: AtomicU32,
}

#[async_trait]
impl RefreshTokenStore for Shaky {
    async fn load(&self, account: &str) -> Result<Option<StoredToken>> {
        self.inner.load(account).await
    }

    async fn save(&self, account: &str, token: &StoredToken) -> Result<()> {
        sleep(SECOND).await;
        let left = self.failures.load(Ordering::SeqCst);
        if left > 0 {
            self.failures.store(left - 1, Ordering::SeqCst);
            return Err(Error::new(ErrorKind::Storage, "disk full"));
        }
        self.inner.save(account, token).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_rotated_refresh_token_is_saved_before_its_access_token_is_used() {
    let store = Arc::new(Shaky {
        inner: MemoryRefreshTokenStore::new().with_token("shop", StoredToken::new("refresh-1")),
        failures: AtomicU32::new(1),
    });
    let exchange = Arc::new(Rotating::default());
    let source = RefreshTokenSource::new(store.clone(), exchange.clone());
    let script = Script::new([]);
    let client = builder(&script).token_source(Arc::new(source)).build().unwrap();

    let error = client.call(&Read).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage);
    assert_eq!(script.count(), 0, "nothing was sent with a pair that is not saved");

    // The caller goes away while the pair is being saved; it is saved all the same.
    assert!(timeout(SECOND / 2, client.call(&Read)).await.is_err());
    assert_eq!(script.count(), 0);
    client.call(&Read).await.unwrap();
    let saved = store.load("shop").await.unwrap().unwrap();
    assert_eq!(saved.secret.expose(), "refresh-2");
    assert_eq!(exchange.spent.lock().unwrap().len(), 1);
    assert_eq!(script.headers("authorization"), ["Bearer access-1"]);

    tokio::time::advance(61 * SECOND).await;
    client.call(&Read).await.unwrap();
    assert_eq!(script.headers("authorization")[1], "Bearer access-2");
}

// ---- what is written down ---------------------------------------------------------------------

mod spans {
    use std::fmt;
    use std::sync::{Arc, Mutex};

    use tracing::field::{Field, Visit};
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Subscriber};
    use tracing_subscriber::layer::{Context, Layer};

    /// Writes down every field of every span and event.
    #[derive(Clone, Default)]
    pub(super) struct Capture(pub(super) Arc<Mutex<String>>);

    impl Visit for &Capture {
        fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
            use fmt::Write;
            write!(self.0.lock().unwrap(), "{field}={value:?} ").unwrap();
        }
    }

    impl<S: Subscriber> Layer<S> for Capture {
        fn on_new_span(&self, span: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
            self.0.lock().unwrap().push_str(span.metadata().name());
            self.0.lock().unwrap().push(' ');
            span.record(&mut &*self);
        }

        fn on_record(&self, _: &Id, values: &Record<'_>, _: Context<'_, S>) {
            values.record(&mut &*self);
        }

        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            event.record(&mut &*self);
        }
    }
}

#[derive(Debug)]
struct CanaryTokens;

#[async_trait]
impl TokenSource for CanaryTokens {
    async fn fetch(&self, http: &Anonymous) -> Result<Token> {
        http.call(&FetchToken).await?;
        Token::new(format!("{CANARY}-token"), Duration::from_secs(60))
    }
}

#[tokio::test(start_paused = true)]
async fn no_secret_is_in_any_error_debug_or_span() {
    use tracing_subscriber::layer::SubscriberExt;
    let capture = spans::Capture::default();
    let subscriber = tracing_subscriber::registry().with(capture.clone());
    let guard = tracing::subscriber::set_default(subscriber);
    // While there is one subscriber only, a span first met by another test's thread is switched off
    // for all threads. With a second one every span is asked of both.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());

    // The vendor echoes everything: token, client secret, query and body.
    let echo = format!("bad {CANARY}-token for {CANARY}-client-secret, buyer={CANARY}");
    let headers = [("x-echo", echo.as_str()), ("x-code", CANARY), ("x-request-id", "R-4")];
    let refusal = |status| Step::Answer(answer(status, &headers, &echo));
    let script = Script::new([
        ok(),
        refusal(503),
        refusal(401),
        refusal(500),
        refusal(422),
        Step::Answer(answer(200, &headers, &format!("{{\"{CANARY}\": 1"))),
    ]);
    let client = builder(&script)
        .token_source(Arc::new(CanaryTokens))
        .secret(format!("{CANARY}-client-secret"))
        .secret(CANARY)
        .build()
        .unwrap();
    let mut seen = format!("{client:?} {script:?} {:?}", builder(&script));
    for _ in 0..2 {
        let error = client.call(&BuyWithKey).await.unwrap_err();
        seen.push_str(&format!("{error} {error:?} "));
    }
    seen.push_str(&format!("{client:?} {script:?}"));
    drop(guard);

    let spans = capture.0.lock().unwrap().clone();
    assert!(!seen.contains("canary"), "{seen}");
    assert!(!spans.contains("canary"), "{spans}");
    for field in [
        "vendor_call",
        "adapter=\"vendor\"",
        "operation=\"BuyWithKey\"",
        "attempt=",
        "attempt_id=",
        "status=422",
        "outcome=\"rejected\"",
        "duration_ms=",
    ] {
        assert!(spans.contains(field), "{field} is missing in {spans}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_and_what_a_request_hides_are_known_without_configuration() {
    let echo = format!("bad {CANARY}-token");
    let script = Script::new([ok(), Step::Answer(answer(422, &[], &echo))]);
    let client = builder(&script).token_source(Arc::new(CanaryTokens)).build().unwrap();
    let error = client.call(&Read).await.unwrap_err();
    assert_eq!(error.vendor().unwrap().message.as_deref(), Some("bad [redacted]"));
}

#[test]
fn public_types_can_be_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Client>();
    shared::<Anonymous>();
    shared::<Token>();
    shared::<orderflow::client::TokenCell>();
    shared::<orderflow::client::Limits>();
    shared::<TransportError>();
    fn object_safe(_: &dyn TokenSource, _: &dyn RefreshTokenStore, _: &dyn Clock) {}
    let _ = object_safe;
}

#[tokio::test]
async fn an_id_of_dots_cannot_climb_to_another_resource() {
    struct Climb;
    impl Operation for Climb {
        type Output = u32;
        const NAME: &'static str = "climb";
        const REPEAT: Repeat = Repeat::Freely;
        fn request(&self) -> Result<Outgoing> {
            Ok(Outgoing::get("/orders/../admin"))
        }
        fn parse(&self, response: Response) -> Result<u32> {
            response.json()
        }
    }
    let script = Script::new([]);
    let error = client(&script).call(&Climb).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("path")));
    assert_eq!(script.count(), 0);
}

// ---- real sockets -----------------------------------------------------------------------------

#[cfg(feature = "reqwest")]
mod sockets {
    use orderflow::client::ReqwestTransport;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use wiremock::matchers::{body_json, header, method, path, query_param};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;

    fn real(base: &str) -> ClientBuilder {
        let transport = Arc::new(ReqwestTransport::new().unwrap());
        let quick = RetryPolicy::default().with_base(Duration::from_millis(1));
        Client::builder(Arc::new(TestDialect), transport, base, "shop").retry(quick)
    }

    /// A server that answers one connection with these bytes and closes it.
    async fn answers_with(bytes: Vec<u8>) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = [0; 4_096];
            let _ = socket.read(&mut request).await.unwrap();
            socket.write_all(&bytes).await.unwrap();
        });
        base
    }

    #[tokio::test]
    async fn a_429_then_a_200_are_two_requests() {
        let server = MockServer::start().await;
        let asked = || {
            Mock::given(method("POST"))
                .and(path("/v3/read"))
                .and(query_param("buyer", CANARY))
                .and(header("content-type", "application/json"))
                .and(body_json(CANARY))
        };
        let limited = ResponseTemplate::new(429).insert_header("retry-after", "0");
        asked().respond_with(limited).up_to_n_times(1).expect(1).mount(&server).await;
        let good = ResponseTemplate::new(200).set_body_string("7");
        asked().respond_with(good).expect(1).mount(&server).await;
        let client = real(&format!("{}/v3", server.uri())).build().unwrap();
        assert_eq!(client.call(&Read).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn an_attempt_that_takes_too_long_is_ambiguous_for_a_buy_once_call() {
        let server = MockServer::start().await;
        let slow = ResponseTemplate::new(200).set_delay(Duration::from_secs(60));
        Mock::given(path("/buy")).respond_with(slow).expect(1).mount(&server).await;
        let patience = Duration::from_millis(200);
        let client = real(&server.uri()).attempt_timeout(patience).build().unwrap();
        let error = client.call(&BuyOnce).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Ambiguous);
    }

    #[tokio::test]
    async fn an_oversized_answer_is_not_read_to_its_end_nor_asked_for_again() {
        let server = MockServer::start().await;
        let large = ResponseTemplate::new(200).set_body_string("7".repeat(100_000));
        Mock::given(path("/read")).respond_with(large).expect(1).mount(&server).await;
        let client = real(&server.uri()).max_response(1_000).build().unwrap();
        let error = client.call(&Read).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedAnswer);
        assert!(error.message().contains("1000 bytes"), "{error}");

        // Without an announced length, too.
        let mut bytes = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_vec();
        bytes.resize(100_000, b'7');
        let base = answers_with(bytes).await;
        let transport = ReqwestTransport::new().unwrap();
        let request = WireRequest::new(http::Method::GET, base).with_max_response(1_000);
        assert!(transport.send(request).await.unwrap_err().is_too_large());
    }

    #[tokio::test]
    async fn a_refused_connection_is_before_send_and_a_cut_answer_is_after_send() {
        let transport = ReqwestTransport::new().unwrap();
        let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let closed = format!("http://{}/?q={CANARY}", free.local_addr().unwrap());
        drop(free);
        let refused =
            transport.send(WireRequest::new(http::Method::GET, closed)).await.unwrap_err();
        assert!(refused.is_before_send(), "{refused}");
        assert!(!format!("{refused} {refused:?}").contains(CANARY));

        let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"half\":".to_vec();
        let base = answers_with(cut).await;
        let lost = transport.send(WireRequest::new(http::Method::GET, base)).await.unwrap_err();
        assert!(!lost.is_before_send() && !lost.is_too_large(), "{lost}");

        let base = answers_with(Vec::new()).await;
        let reset = transport.send(WireRequest::new(http::Method::GET, base)).await.unwrap_err();
        assert!(!reset.is_before_send(), "{reset}");
    }

    #[tokio::test]
    async fn a_redirect_is_an_answer_and_not_followed() {
        let server = MockServer::start().await;
        let away = ResponseTemplate::new(307).insert_header("location", "/elsewhere");
        Mock::given(path("/buy")).respond_with(away).expect(1).mount(&server).await;
        Mock::given(path("/elsewhere"))
            .respond_with(ResponseTemplate::new(200))
            .expect(0)
            .mount(&server)
            .await;
        let error = real(&server.uri()).build().unwrap().call(&BuyOnce).await.unwrap_err();
        assert_eq!(error.vendor().unwrap().status, Some(307));
    }
}
