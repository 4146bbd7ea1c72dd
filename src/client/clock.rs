//! Wall-clock time, asked for in one place.

use std::fmt;
use std::time::SystemTime;

use chrono::{DateTime, Utc};

/// Where the HTTP stack learns the time of day: for `Retry-After` dates and for limits that are
/// replenished at an instant. Pauses and time-outs use tokio's clock instead.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The current instant.
    fn now(&self) -> DateTime<Utc>;
}

/// The clock of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        SystemTime::now().into()
    }
}
