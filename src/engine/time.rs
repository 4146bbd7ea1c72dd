//! Instants and pauses that never overflow.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// The longest pause that is taken from a vendor's word. Deadlines of uploads are hours away: a
/// vendor that asks for years is asked again within the hour.
const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);

/// `now + span`, or the last instant there is.
pub(super) fn later(now: DateTime<Utc>, span: TimeDelta) -> DateTime<Utc> {
    now.checked_add_signed(span).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// `now - span`, or the first instant there is.
pub(super) fn earlier(now: DateTime<Utc>, span: TimeDelta) -> DateTime<Utc> {
    now.checked_sub_signed(span).unwrap_or(DateTime::<Utc>::MIN_UTC)
}

/// So many seconds after `now`.
pub(super) fn seconds_later(now: DateTime<Utc>, seconds: u32) -> DateTime<Utc> {
    later(now, TimeDelta::seconds(i64::from(seconds)))
}

/// A pause that a vendor asked for, within bounds.
pub(super) fn bounded(pause: Duration) -> TimeDelta {
    TimeDelta::from_std(pause.min(LONGEST_PAUSE)).unwrap_or_default()
}
