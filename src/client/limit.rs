//! How fast a vendor may be called: one bucket per account and quota name.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::operation::Hints;
use crate::error::{Error, ErrorKind, Result};

/// The longest pause learned from an answer. Their clock may be wrong; ours must not stand still.
const MAX_LEARNED_PAUSE: Duration = Duration::from_secs(60);

/// A vendor's limit for one bucket: `calls` every `per`, evenly spread, of which up to `burst` may
/// be made at once after a rest.
///
/// In the worst window of length `per` this lets `calls + burst - 1` through: choose both so that
/// the sum stays within the vendor's sentence.
///
/// ```
/// use std::time::Duration;
/// use orderflow::client::Quota;
///
/// // "5000 requests per hour", of which a screenful of orders may go out at once
/// let quota = Quota::per_hour(4_950).with_burst(50);
/// assert_eq!(quota.per, Duration::from_secs(3_600));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// The period.
    pub per: Duration,
    /// Calls per period, at least 1.
    pub calls: u32,
    /// Calls that may be made at once after a rest, at least 1.
    pub burst: u32,
}

impl Quota {
    /// `calls` every second, one at a time.
    #[must_use]
    pub const fn per_second(calls: u32) -> Self {
        Self { per: Duration::from_secs(1), calls, burst: 1 }
    }

    /// `calls` every minute, one at a time.
    #[must_use]
    pub const fn per_minute(calls: u32) -> Self {
        Self { per: Duration::from_secs(60), calls, burst: 1 }
    }

    /// `calls` every hour, one at a time.
    #[must_use]
    pub const fn per_hour(calls: u32) -> Self {
        Self { per: Duration::from_secs(3_600), calls, burst: 1 }
    }

    /// Sets how many calls may be made at once after a rest.
    #[must_use]
    pub const fn with_burst(mut self, burst: u32) -> Self {
        self.burst = burst;
        self
    }

    /// Refuses quotas under which nothing could ever be sent.
    pub(super) fn check(self, name: &str) -> Result<()> {
        if self.per.is_zero() || self.calls == 0 || self.burst == 0 {
            return Err(Error::new(
                ErrorKind::Configuration,
                format!("the quota {name} allows no calls: period, calls and burst start at 1"),
            ));
        }
        Ok(())
    }

    /// The time after which one more call is allowed, rounded up so that the limit is kept.
    fn interval(self) -> Duration {
        let nanos = self.per.as_nanos().div_ceil(u128::from(self.calls.max(1)));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

/// The buckets of any number of accounts. Cheap to clone; clones share the buckets.
///
/// Each [`Client`](super::Client) has its own unless told otherwise. Hand the same `Limits` to
/// several clients of one account (one per host, say) and their calls count together.
#[derive(Clone, Default)]
pub struct Limits {
    buckets: Arc<Mutex<Buckets>>,
}

/// By account and quota name.
type Buckets = HashMap<(String, String), Arc<Bucket>>;

impl Limits {
    /// No buckets yet; they appear with the first call that draws from them.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The bucket of an account, created with `quota` when it is new. Without a quota it is
    /// unlimited until an answer says otherwise.
    pub(super) fn bucket(&self, account: &str, name: &str, quota: Option<Quota>) -> Arc<Bucket> {
        let mut buckets = lock(&self.buckets);
        let key = (account.to_owned(), name.to_owned());
        Arc::clone(buckets.entry(key).or_insert_with(|| Arc::new(Bucket::new(quota))))
    }
}

impl fmt::Debug for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Limits({} buckets)", lock(&self.buckets).len())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while holding these locks; a poisoned one still holds a valid value.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One limit. Callers are served in the order in which they came.
#[derive(Debug)]
pub(super) struct Bucket {
    quota: Option<Quota>,
    /// Held by the caller whose turn it is. A waiter that is dropped leaves the queue.
    turn: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// When the bucket will be full again if nobody calls ("theoretical arrival time").
    full_at: Option<Instant>,
    /// Learned from an answer: nothing may be sent before.
    paused_until: Option<Instant>,
}

impl Bucket {
    fn new(quota: Option<Quota>) -> Self {
        Self { quota, turn: tokio::sync::Mutex::new(()), state: Mutex::default() }
    }

    /// Waits for a permit, at most until `deadline`.
    ///
    /// Nothing is taken before the permit is returned: dropping this future costs nothing.
    ///
    /// # Errors
    /// The pause after which to ask again, when the deadline comes first.
    pub(super) async fn acquire(&self, deadline: Instant) -> Result<Permit<'_>, Duration> {
        let Ok(_turn) = timeout_at(deadline, self.turn.lock()).await else {
            let now = Instant::now();
            return Err(self.earliest(now).saturating_duration_since(now));
        };
        loop {
            let now = Instant::now();
            let earliest = self.earliest(now);
            if earliest <= now {
                self.take(now);
                return Ok(Permit { bucket: self, spent: false });
            }
            if earliest >= deadline {
                return Err(earliest.saturating_duration_since(now));
            }
            // An answer to another call may extend the pause meanwhile, so look again after.
            sleep_until(earliest).await;
        }
    }

    /// When the next call may be made.
    fn earliest(&self, now: Instant) -> Instant {
        let state = lock(&self.state);
        let by_rate = self.quota.map_or(now, |quota| {
            let spare = quota.interval().saturating_mul(quota.burst.saturating_sub(1));
            let full_at = state.full_at.unwrap_or(now).max(now);
            full_at.checked_sub(spare).unwrap_or(now)
        });
        by_rate.max(state.paused_until.unwrap_or(now))
    }

    fn take(&self, now: Instant) {
        if let Some(quota) = self.quota {
            let mut state = lock(&self.state);
            let full_at = state.full_at.unwrap_or(now).max(now);
            state.full_at = full_at.checked_add(quota.interval());
        }
    }

    fn give_back(&self) {
        if let Some(quota) = self.quota {
            let mut state = lock(&self.state);
            state.full_at = state.full_at.and_then(|full_at| full_at.checked_sub(quota.interval()));
        }
    }

    /// Sends nothing for `pause`, or for a minute if that is less.
    pub(super) fn pause(&self, pause: Duration) {
        let until = Instant::now().checked_add(pause.min(MAX_LEARNED_PAUSE));
        let mut state = lock(&self.state);
        state.paused_until = state.paused_until.max(until);
    }

    /// Learns from an answer that arrived at `now` by the wall clock.
    pub(super) fn learn(&self, hints: Hints, now: DateTime<Utc>) {
        let Some(remaining) = hints.remaining else { return };
        if remaining == 0
            && let Some(at) = hints.replenished_at
        {
            self.pause((at - now).to_std().unwrap_or(Duration::ZERO));
        }
        // They count less left than we do: somebody else uses the account too.
        if let Some(quota) = self.quota {
            let missing = quota.interval().saturating_mul(quota.burst.saturating_sub(remaining));
            let full_at = Instant::now().checked_add(missing.min(MAX_LEARNED_PAUSE));
            let mut state = lock(&self.state);
            state.full_at = state.full_at.max(full_at);
        }
    }
}

/// Leave to send once. Dropped unspent, it goes back into the bucket.
#[must_use = "a permit that is not spent goes back into the bucket"]
#[derive(Debug)]
pub(super) struct Permit<'a> {
    bucket: &'a Bucket,
    spent: bool,
}

impl Permit<'_> {
    /// Marks the permit as used, right before sending.
    pub(super) fn spend(mut self) {
        self.spent = true;
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if !self.spent {
            self.bucket.give_back();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::JoinSet;
    use tokio::time::timeout;

    use super::*;

    fn bucket(quota: Quota) -> Arc<Bucket> {
        Arc::new(Bucket::new(Some(quota)))
    }

    fn far() -> Instant {
        Instant::now() + Duration::from_secs(86_400)
    }

    async fn send(bucket: &Bucket) {
        bucket.acquire(far()).await.unwrap().spend();
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_goes_out_at_once_and_the_rest_at_the_rate() {
        let bucket = bucket(Quota::per_second(2).with_burst(3));
        let start = Instant::now();
        let mut at = Vec::new();
        for _ in 0..6 {
            send(&bucket).await;
            at.push(start.elapsed().as_millis());
        }
        assert_eq!(at, [0, 0, 0, 500, 1000, 1500]);
    }

    #[tokio::test(start_paused = true)]
    async fn waiters_are_served_in_the_order_they_came_and_a_dropped_one_gives_its_place_back() {
        let bucket = bucket(Quota::per_second(1));
        let start = Instant::now();
        let mut tasks = JoinSet::new();
        for name in 0..5_u32 {
            let bucket = Arc::clone(&bucket);
            tasks.spawn(async move {
                // Number 1 loses patience while it waits.
                let patience = Duration::from_millis(if name == 1 { 500 } else { 60_000 });
                let served = timeout(patience, send(&bucket)).await.is_ok();
                (name, served, start.elapsed().as_millis())
            });
            tokio::task::yield_now().await;
        }
        let mut served: Vec<_> = tasks.join_all().await;
        served.sort_unstable();
        assert_eq!(
            served,
            [(0, true, 0), (1, false, 500), (2, true, 1000), (3, true, 2000), (4, true, 3000)]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_unspent_permit_goes_back_into_the_bucket() {
        let bucket = bucket(Quota::per_hour(1));
        drop(bucket.acquire(far()).await.unwrap());
        let start = Instant::now();
        send(&bucket).await;
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_beyond_the_deadline_is_refused_at_once_with_the_pause() {
        let bucket = bucket(Quota::per_minute(1));
        send(&bucket).await;
        let start = Instant::now();
        let refused = bucket.acquire(start + Duration::from_secs(10)).await.unwrap_err();
        assert_eq!((refused, start.elapsed()), (Duration::from_secs(60), Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn hints_pause_the_bucket_but_never_longer_than_a_minute() {
        let now = DateTime::UNIX_EPOCH;
        let bucket = Bucket::new(None);
        for (ahead, waited) in [(10, 10), (-10, 0), (86_400, 60)] {
            let replenished_at = Some(now + chrono::TimeDelta::seconds(ahead));
            bucket.learn(Hints { remaining: Some(0), replenished_at }, now);
            let start = Instant::now();
            send(&bucket).await;
            assert_eq!(start.elapsed().as_secs(), waited);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn hints_of_less_left_than_we_count_take_the_burst_away() {
        let bucket = bucket(Quota::per_second(1).with_burst(10));
        bucket.learn(Hints { remaining: Some(1), replenished_at: None }, DateTime::UNIX_EPOCH);
        let start = Instant::now();
        send(&bucket).await;
        send(&bucket).await;
        assert_eq!(start.elapsed(), Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn accounts_and_names_have_buckets_of_their_own() {
        let limits = Limits::new();
        let quota = Some(Quota::per_hour(1));
        send(&limits.bucket("a", "orders", quota)).await;
        let start = Instant::now();
        send(&limits.bucket("b", "orders", quota)).await;
        send(&limits.bucket("a", "stock", quota)).await;
        assert_eq!(start.elapsed(), Duration::ZERO);
        send(&limits.clone().bucket("a", "orders", quota)).await;
        assert_eq!(start.elapsed(), Duration::from_secs(3_600));
    }
}
