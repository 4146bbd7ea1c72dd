//! Stateful stand-ins of the vendors at the HTTP level.
//!
//! Orders appear, acknowledgements are remembered, labels are sold once per key, parcels move as
//! the virtual clock advances. The same stand-ins work as an in-process transport (thousands of
//! orders in a test, no sockets) and as a loopback server (real HTTP in the examples). Their
//! payloads come from the vendors' published examples, not from this crate's wire types. A
//! [`Ledger`] of what was sold and confirmed is the witness for "nothing twice, nothing lost".

#[cfg(feature = "dhl")]
pub mod dhl;
mod faults;
#[cfg(feature = "fedex")]
pub mod fedex;
mod ledger;
#[cfg(feature = "mercado-libre")]
pub mod mercado_libre;
#[cfg(any(
    feature = "dhl",
    feature = "fedex",
    feature = "mercado-libre",
    feature = "tiktok-shop",
    feature = "usps"
))]
#[allow(dead_code, reason = "who prints what depends on the vendors that are switched on")]
mod paper;
mod serve;
#[cfg(feature = "tiktok-shop")]
pub mod tiktok_shop;
#[cfg(feature = "usps")]
pub mod usps;
#[cfg(feature = "walmart")]
pub mod walmart;

use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, Method, StatusCode};

pub use faults::{Fault, Faults, ScriptedFault};
pub use serve::{InProcess, LoopbackServer, Sandbox};

pub use ledger::{ConfirmedParcel, Ledger, LedgerFinding, SoldLabel};

/// The sandbox's own time. It stands still until told otherwise.
#[derive(Debug, Clone)]
pub struct VirtualClock(Arc<Mutex<DateTime<Utc>>>);

impl VirtualClock {
    /// A clock that shows `now`.
    #[must_use]
    pub fn new(now: DateTime<Utc>) -> Self {
        Self(Arc::new(Mutex::new(now)))
    }

    /// What it shows.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        *lock(&self.0)
    }

    /// Sets it.
    pub fn set(&self, now: DateTime<Utc>) {
        *lock(&self.0) = now;
    }

    /// Moves it forward.
    pub fn advance(&self, by: TimeDelta) {
        let mut now = lock(&self.0);
        *now += by;
    }
}

impl crate::client::Clock for VirtualClock {
    fn now(&self) -> DateTime<Utc> {
        Self::now(self)
    }
}

/// A stand-in must go on serving after a test thread panicked while holding its lock.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A request as a stand-in sees it.
#[derive(Debug)]
pub struct Asked<'a> {
    /// The verb.
    pub method: &'a Method,
    /// Path below the stand-in's own prefix, beginning with `/`, still percent-encoded.
    pub path: &'a str,
    /// Query without `?`, still encoded.
    pub query: &'a str,
    /// Headers.
    pub headers: &'a HeaderMap,
    /// Body.
    pub body: &'a [u8],
    /// A vendor-shaped oddity to act out with this answer, if it applies to the call.
    pub quirk: Option<Quirk>,
}

impl Asked<'_> {
    /// A header as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The access token, where the vendor wants it in the usual header.
    #[must_use]
    pub fn bearer(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }

    /// A decoded query value.
    #[must_use]
    pub fn query_value(&self, name: &str) -> Option<String> {
        self.query.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=')?;
            (key == name).then(|| percent_decode(value))
        })
    }
}

/// Decodes `%XX`; anything that is not an escape stays as it is.
#[must_use]
pub fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut ahead = rest.clone();
        let escape = ahead.next().zip(ahead.next()).and_then(|(high, low)| {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            digit(high).zip(digit(low)).and_then(|(high, low)| u8::try_from(high * 16 + low).ok())
        });
        match escape {
            Some(byte) => {
                bytes.push(byte);
                rest = ahead;
            }
            None => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// An answer of a stand-in.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

impl Answer {
    /// A JSON answer.
    #[must_use]
    pub fn json(status: StatusCode, body: impl Into<Bytes>) -> Self {
        let mut headers = HeaderMap::new();
        headers
            .insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
        Self { status, headers, body: body.into() }
    }
}

/// Vendor-shaped oddities that a stand-in acts out by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Quirk {
    /// The access token has just expired, whatever it said.
    TokenExpired,
    /// A page of a list repeats orders of the page before.
    DuplicatedPage,
    /// The orders of a page come in another order.
    ReorderedPage,
    /// Tracking leaves out the newest events for now.
    LateTracking,
    /// Tracking adds a contradictory event after the truth.
    ContradictoryTracking,
}

/// What becomes of a parcel with a carrier.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scenario {
    /// Delivered when promised.
    #[default]
    Normal,
    /// No movement for four days on the way, then delivered.
    Delayed,
    /// The address turns out wrong; the parcel goes back to the sender.
    Returned,
    /// No movement after it left the origin, and none any more.
    Lost,
}

/// One vendor, acted out.
pub trait StandIn: Debug + Send + Sync + 'static {
    /// Path prefix it is mounted at, without slashes, for example `walmart`.
    fn name(&self) -> &'static str;

    /// Answers a request at `now`. State changes happen in here and nowhere else, so that a fault
    /// may drop the answer after the effect.
    fn answer(&self, asked: &Asked<'_>, now: DateTime<Utc>) -> Answer;

    /// What the vendor says when there were too many calls.
    fn too_many_calls(&self) -> Answer {
        Answer::json(StatusCode::TOO_MANY_REQUESTS, r#"{"error":"too many requests"}"#)
    }

    /// What the vendor says when it fails.
    fn failure(&self) -> Answer {
        Answer::json(StatusCode::INTERNAL_SERVER_ERROR, r#"{"error":"internal error"}"#)
    }
}
