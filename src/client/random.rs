//! Unpredictable enough for jitter and correlation ids; never for secrets or idempotency keys.

use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Draws 64 bits: a counter under a hash whose key the operating system drew for this process.
fn bits() -> u64 {
    static KEY: OnceLock<RandomState> = OnceLock::new();
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    KEY.get_or_init(RandomState::new).hash_one(COUNTER.fetch_add(1, Ordering::Relaxed))
}

/// Draws from `[0, 1)`.
pub(super) fn unit() -> f64 {
    // 32 bits are plenty for jitter and convert without loss.
    f64::from(u32::try_from(bits() >> 32).unwrap_or(0)) / (f64::from(u32::MAX) + 1.0)
}

/// Draws the id of one attempt, a version 4 UUID.
pub(super) fn attempt_id() -> String {
    let bytes = (u128::from(bits()) << 64 | u128::from(bits())).to_be_bytes();
    uuid::Builder::from_random_bytes(bytes).into_uuid().hyphenated().to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn attempt_ids_are_unique_and_jitter_stays_below_one() {
        let ids: HashSet<_> = (0..10_000).map(|_| attempt_id()).collect();
        assert_eq!(ids.len(), 10_000);
        assert!((0..10_000).map(|_| unit()).all(|draw| (0.0..1.0).contains(&draw)));
    }
}
