//! One HTTP stack for all vendors.
//!
//! A vendor call is a value, an [`Operation`]; [`Client::call`] owns everything else, in one order:
//!
//! ```text
//! span → deadline and retry → token (one refresh for all callers, one re-send on 401)
//!      → quota permit per attempt → attempt time-out → transport
//!      → Dialect::observe (limits from headers) → Dialect::verdict (status table, then code table)
//! ```
//!
//! What may be sent again follows from [`Operation::REPEAT`] and from what is known:
//!
//! | What happened                    | `Freely`    | `WithKey`                  | `Never`     |
//! |----------------------------------|-------------|----------------------------|-------------|
//! | 429, or a row that says so       | again       | again                      | again       |
//! | not sent (refused, no such host) | again       | again                      | again       |
//! | answer lost, 5xx                 | again       | again, at last *ambiguous* | *ambiguous* |
//! | good answer that cannot be read  | error       | *ambiguous*                | *ambiguous* |
//! | refused for reasons              | error       | error                      | error       |
//!
//! *Ambiguous* is [`ErrorKind::Ambiguous`](crate::ErrorKind::Ambiguous) with the advice
//! [`Retry::LookFirst`](crate::Retry::LookFirst). Idempotency keys come from the caller and are the
//! same in every attempt; this stack makes none.
//!
//! A vendor folder implements [`Dialect`] once, [`Operation`] per call and [`TokenSource`] (or
//! [`RefreshExchange`] for rotating refresh tokens) if there are tokens, and builds its types from
//! the tolerant parts in [`wire`]. [`Transport`] is the seam to the network.

mod auth;
mod builder;
mod call;
mod clock;
mod limit;
mod operation;
mod random;
mod redact;
mod refresh;
#[cfg(feature = "reqwest")]
mod reqwest;
mod retry;
mod trace;
mod transport;
pub mod wire;

#[cfg(feature = "reqwest")]
pub use self::reqwest::ReqwestTransport;
pub use auth::{Anonymous, Token, TokenCell, TokenSource, bearer};
pub use builder::ClientBuilder;
pub use call::Client;
pub use clock::{Clock, SystemClock};
pub use limit::{Limits, Quota};
pub use operation::{
    Body, Dialect, Hints, Operation, Outgoing, Problem, Repeat, Response, Verdict, percent_encode,
};
pub use refresh::{
    Exchanged, MemoryRefreshTokenStore, RefreshExchange, RefreshTokenSource, RefreshTokenStore,
    StoredToken,
};
pub use retry::RetryPolicy;
pub use transport::{DEFAULT_MAX_RESPONSE, Transport, TransportError, WireRequest};
