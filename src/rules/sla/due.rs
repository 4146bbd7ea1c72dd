//! What is due soon, without looking at everything.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

/// Deadlines in order of their instants: what is due within some hours is found without looking
/// at the rest.
///
/// A key is what the deadline belongs to, for example an order, or an order and a kind. Each has
/// one instant at a time.
///
/// ```
/// use chrono::{TimeDelta, TimeZone, Utc};
/// use orderflow::rules::DueIndex;
///
/// let noon = Utc.with_ymd_and_hms(2026, 3, 4, 12, 0, 0).unwrap();
/// let mut index = DueIndex::new();
/// index.insert("b", noon + TimeDelta::hours(9));
/// index.insert("a", noon + TimeDelta::hours(3));
/// index.insert("late", noon - TimeDelta::hours(1));
/// let due: Vec<_> = index.due_within(noon, TimeDelta::hours(4)).map(|(key, _)| *key).collect();
/// assert_eq!(due, ["late", "a"]);
/// ```
#[derive(Debug, Clone)]
pub struct DueIndex<K> {
    by_instant: BTreeSet<(DateTime<Utc>, K)>,
    by_key: BTreeMap<K, DateTime<Utc>>,
}

impl<K: Ord + Clone> Default for DueIndex<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Ord + Clone> DueIndex<K> {
    /// An empty index.
    #[must_use]
    pub const fn new() -> Self {
        Self { by_instant: BTreeSet::new(), by_key: BTreeMap::new() }
    }

    /// Sets when a key is due and answers when it was before.
    pub fn insert(&mut self, key: K, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let before = self.remove(&key);
        self.by_instant.insert((at, key.clone()));
        self.by_key.insert(key, at);
        before
    }

    /// Forgets a key and answers when it was due.
    pub fn remove(&mut self, key: &K) -> Option<DateTime<Utc>> {
        let (key, at) = self.by_key.remove_entry(key)?;
        let entry = (at, key);
        self.by_instant.remove(&entry);
        Some(at)
    }

    /// When a key is due.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<DateTime<Utc>> {
        self.by_key.get(key).copied()
    }

    /// What is due at `now` plus `span` or before, earliest first, equal instants by key. What is
    /// overdue comes first.
    pub fn due_within(
        &self,
        now: DateTime<Utc>,
        span: TimeDelta,
    ) -> impl Iterator<Item = (&K, DateTime<Utc>)> {
        let until = now.checked_add_signed(span).unwrap_or(DateTime::<Utc>::MAX_UTC);
        self.by_instant.iter().take_while(move |(at, _)| *at <= until).map(|(at, key)| (key, *at))
    }

    /// The key due first.
    #[must_use]
    pub fn first(&self) -> Option<(&K, DateTime<Utc>)> {
        self.by_instant.first().map(|(at, key)| (key, *at))
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }
}

impl<K: Ord + Clone> FromIterator<(K, DateTime<Utc>)> for DueIndex<K> {
    /// Of several instants for a key, the last counts.
    fn from_iter<I: IntoIterator<Item = (K, DateTime<Utc>)>>(items: I) -> Self {
        let by_key: BTreeMap<K, DateTime<Utc>> = items.into_iter().collect();
        let by_instant = by_key.iter().map(|(key, at)| (*at, key.clone())).collect();
        Self { by_instant, by_key }
    }
}
