//! One span per call, one event per attempt. Neither holds a query, a body or a secret.

use std::time::Duration;

use tokio::time::Instant;
use tracing::{Span, debug, field};

use super::operation::Response;
use super::redact::SafeHeaders;
use crate::error::{Error, ErrorKind};

/// Collects what happened during a call and writes it into the span when it ends, however it ends:
/// a call that is dropped half-way leaves `outcome = "dropped"`.
pub(super) struct Trace {
    span: Span,
    started: Instant,
    attempts: u32,
    attempt_id: String,
    status: Option<u16>,
    outcome: &'static str,
}

impl Trace {
    pub(super) fn new(adapter: &'static str, account: &str, operation: &'static str) -> Self {
        let span = tracing::info_span!(
            "vendor_call",
            adapter,
            account,
            operation,
            attempt = field::Empty,
            attempt_id = field::Empty,
            status = field::Empty,
            outcome = field::Empty,
            duration_ms = field::Empty,
        );
        Self {
            span,
            started: Instant::now(),
            attempts: 0,
            attempt_id: String::new(),
            status: None,
            outcome: "dropped",
        }
    }

    pub(super) fn span(&self) -> Span {
        self.span.clone()
    }

    /// A request is about to leave.
    pub(super) fn attempt(&mut self, id: String) {
        self.attempts += 1;
        self.attempt_id = id;
        self.status = None;
    }

    /// An answer has arrived.
    pub(super) fn answered(&mut self, response: &Response, took: Duration) {
        self.status = Some(response.status.as_u16());
        debug!(
            attempt = self.attempts,
            attempt_id = self.attempt_id,
            status = response.status.as_u16(),
            duration_ms = millis(took),
            headers = ?SafeHeaders(&response.headers),
            "answered"
        );
    }

    /// The call goes on after a failed attempt.
    pub(super) fn again(&self, kind: ErrorKind, pause: Duration) {
        debug!(
            attempt = self.attempts,
            attempt_id = self.attempt_id,
            kind = kind.as_str(),
            pause_ms = millis(pause),
            "sending again"
        );
    }

    pub(super) fn finish<T>(&mut self, result: &Result<T, Error>) {
        self.outcome = result.as_ref().err().map_or("ok", |error| error.kind().as_str());
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        if self.attempts > 0 {
            self.span.record("attempt", self.attempts);
            self.span.record("attempt_id", self.attempt_id.as_str());
        }
        if let Some(status) = self.status {
            self.span.record("status", status);
        }
        self.span.record("outcome", self.outcome);
        self.span.record("duration_ms", millis(self.started.elapsed()));
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
