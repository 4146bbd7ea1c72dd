//! The reference: everything in maps behind one lock.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{check_commit, is_closed, other_content, stale_erasure};
use crate::error::Result;
use crate::ids::{EventId, IdempotencyKey, OrderKey, PackageId, PlatformOrderId, ShopKey};
use crate::order::{Event, Order, OrderFilter, OrderSort};
use crate::ports::store::{
    Commit, Committed, Cursors, Documents, Figures, Fired, Inbox, Intent, OrderPage, OrderStore,
    Outbox, Quarantine, QuarantineEntry, StoredDocument,
};
use crate::ports::{StatedFigure, WebhookNotice};

/// A store in memory: the reference implementation. Gone with the process.
///
/// ```
/// use std::sync::Arc;
/// use orderflow::ports::store::Store;
/// use orderflow::store::MemoryStore;
///
/// let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
/// ```
#[derive(Default)]
pub struct MemoryStore(Mutex<State>);

#[derive(Default)]
struct State {
    orders: BTreeMap<OrderKey, KeptOrder>,
    open: BTreeSet<OrderKey>,
    intents: BTreeMap<IdempotencyKey, KeptIntent>,
    waiting: BTreeSet<IdempotencyKey>,
    next_intent: u64,
    cursors: BTreeMap<ShopKey, DateTime<Utc>>,
    quarantine: Vec<QuarantineEntry>,
    inbox: Vec<KeptNotice>,
    fired: BTreeMap<String, DateTime<Utc>>,
    figures: BTreeMap<ShopKey, BTreeMap<(DateTime<Utc>, String), StatedFigure>>,
    documents: BTreeMap<(PackageId, IdempotencyKey, u32), StoredDocument>,
}

struct KeptOrder {
    order: Order,
    log: Vec<Event>,
    last_event: Option<EventId>,
}

struct KeptIntent {
    place: u64,
    /// Its order, also once its content was erased.
    order: OrderKey,
    intent: Option<Intent>,
    lease_until: Option<DateTime<Utc>>,
    outcome: Option<String>,
}

struct KeptNotice {
    shop: ShopKey,
    notice: WebhookNotice,
    processed: bool,
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryStore({} orders)", self.lock().orders.len())
    }
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn commit(&mut self, commit: Commit) -> Result<Committed> {
        check_commit(&commit)?;
        let key = commit.order.key.clone();
        let kept = self.orders.get(&key);
        let found = kept.map(|kept| kept.order.version);
        if found != commit.expected {
            let repeated = found == Some(commit.order.version)
                && commit.events.last().is_some_and(|last| {
                    kept.is_some_and(|kept| kept.last_event.as_ref() == Some(&last.id))
                });
            return Ok(if repeated { Committed::Done } else { Committed::Conflict { found } });
        }
        let mut new: BTreeMap<IdempotencyKey, Intent> = BTreeMap::new();
        for intent in commit.intents {
            let known = match self.intents.get(&intent.key) {
                Some(kept) => Some(kept.intent.as_ref()),
                None => new.get(&intent.key).map(Some),
            };
            match known {
                None => {
                    new.insert(intent.key, intent);
                }
                Some(Some(known)) if !same_content(known, &intent) => {
                    return Err(other_content(&intent));
                }
                Some(_) => {}
            }
        }
        // From here on nothing fails.
        if is_closed(&commit.order) {
            self.open.remove(&key);
        } else {
            self.open.insert(key.clone());
        }
        let last_event = commit.events.last().map(|event| event.id.clone());
        match self.orders.get_mut(&key) {
            Some(kept) => {
                kept.order = commit.order;
                kept.log.extend(commit.events);
                kept.last_event = last_event.or_else(|| kept.last_event.take());
            }
            None => {
                let kept = KeptOrder { order: commit.order, log: commit.events, last_event };
                self.orders.insert(key.clone(), kept);
            }
        }
        for (intent_key, intent) in new {
            let place = self.next_intent;
            self.next_intent += 1;
            self.waiting.insert(intent_key);
            let kept = KeptIntent {
                place,
                order: key.clone(),
                intent: Some(intent),
                lease_until: None,
                outcome: None,
            };
            self.intents.insert(intent_key, kept);
        }
        for settled in commit.settled {
            if self.waiting.remove(&settled.key)
                && let Some(kept) = self.intents.get_mut(&settled.key)
            {
                kept.outcome = Some(settled.outcome);
                kept.lease_until = None;
            }
        }
        for document in commit.documents {
            let place = (document.package.clone(), document.key, document.position);
            self.documents.entry(place).or_insert(document);
        }
        Ok(Committed::Done)
    }

    /// Intents that are not over and fit, with their places.
    fn waiting(&self, fits: impl Fn(&KeptIntent, &Intent) -> bool) -> Vec<(u64, Intent)> {
        self.waiting
            .iter()
            .filter_map(|key| {
                let kept = self.intents.get(key)?;
                let intent = kept.intent.as_ref()?;
                fits(kept, intent).then(|| (kept.place, intent.clone()))
            })
            .collect()
    }
}

fn same_content(a: &Intent, b: &Intent) -> bool {
    a.order == b.order && a.package == b.package && a.effect == b.effect
}

#[async_trait]
impl OrderStore for MemoryStore {
    async fn order(&self, key: &OrderKey) -> Result<Option<Order>> {
        Ok(self.lock().orders.get(key).map(|kept| kept.order.clone()))
    }

    async fn orders(&self, keys: &[OrderKey]) -> Result<Vec<Option<Order>>> {
        let state = self.lock();
        Ok(keys.iter().map(|key| state.orders.get(key).map(|kept| kept.order.clone())).collect())
    }

    async fn find(
        &self,
        filter: &OrderFilter,
        sort: OrderSort,
        now: DateTime<Utc>,
        offset: u64,
        limit: u32,
    ) -> Result<OrderPage> {
        let state = self.lock();
        let mut matching: Vec<&Order> = state
            .orders
            .values()
            .map(|kept| &kept.order)
            .filter(|order| filter.matches(order, now))
            .collect();
        matching.sort_by(|a, b| sort.compare(a, b));
        let total = u64::try_from(matching.len()).unwrap_or(u64::MAX);
        let orders = matching
            .into_iter()
            .skip(usize::try_from(offset).unwrap_or(usize::MAX))
            .take(usize::try_from(limit).unwrap_or(usize::MAX))
            .cloned()
            .collect();
        Ok(OrderPage { orders, total })
    }

    async fn open_orders(&self, after: Option<&OrderKey>, limit: u32) -> Result<Vec<OrderKey>> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        Ok(self
            .lock()
            .open
            .range::<OrderKey, _>((from, Bound::Unbounded))
            .take(usize::try_from(limit).unwrap_or(usize::MAX))
            .cloned()
            .collect())
    }

    async fn log(&self, key: &OrderKey) -> Result<Vec<Event>> {
        Ok(self.lock().orders.get(key).map(|kept| kept.log.clone()).unwrap_or_default())
    }

    async fn commit(&self, commits: Vec<Commit>) -> Result<Vec<Committed>> {
        let mut state = self.lock();
        commits.into_iter().map(|commit| state.commit(commit)).collect()
    }

    async fn erase(&self, erased: &Order) -> Result<bool> {
        let mut state = self.lock();
        let state = &mut *state;
        let Some(kept) = state.orders.get_mut(&erased.key) else { return Ok(false) };
        if kept.order.version != erased.version {
            return Err(stale_erasure(erased, kept.order.version));
        }
        kept.order = erased.clone();
        kept.log.clear();
        if is_closed(erased) {
            state.open.remove(&erased.key);
        } else {
            state.open.insert(erased.key.clone());
        }
        for (key, kept) in &mut state.intents {
            if kept.order == erased.key {
                kept.intent = None;
                kept.lease_until = None;
                state.waiting.remove(key);
            }
        }
        let shop = erased.key.shop_key();
        state.documents.retain(|_, document| document.order != erased.key);
        state
            .quarantine
            .retain(|entry| entry.shop != shop || entry.order.as_ref() != Some(&erased.key.order));
        Ok(true)
    }
}

#[async_trait]
impl Outbox for MemoryStore {
    async fn claim(
        &self,
        _worker: &str,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Intent>> {
        let mut state = self.lock();
        let mut due = state.waiting(|kept, intent| {
            intent.due_at <= now && kept.lease_until.is_none_or(|lease| lease <= now)
        });
        due.sort_by_key(|(place, intent)| (intent.due_at, *place));
        due.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        for (_, intent) in &due {
            if let Some(kept) = state.intents.get_mut(&intent.key) {
                kept.lease_until = Some(until);
            }
        }
        Ok(due.into_iter().map(|(_, intent)| intent).collect())
    }

    async fn claim_one(
        &self,
        key: &IdempotencyKey,
        _worker: &str,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<bool> {
        let mut state = self.lock();
        if !state.waiting.contains(key) {
            return Ok(false);
        }
        let Some(kept) = state.intents.get_mut(key) else { return Ok(false) };
        if kept.lease_until.is_some_and(|lease| lease > now) {
            return Ok(false);
        }
        kept.lease_until = Some(until);
        Ok(true)
    }

    async fn postpone(&self, key: &IdempotencyKey, due_at: DateTime<Utc>) -> Result<()> {
        let mut state = self.lock();
        if state.waiting.contains(key)
            && let Some(kept) = state.intents.get_mut(key)
        {
            kept.lease_until = None;
            if let Some(intent) = &mut kept.intent {
                intent.due_at = due_at;
                intent.attempts = intent.attempts.saturating_add(1);
            }
        }
        Ok(())
    }

    async fn resend(&self, key: &IdempotencyKey, at: DateTime<Utc>) -> Result<bool> {
        let mut state = self.lock();
        if !state.waiting.contains(key) {
            return Ok(false);
        }
        let Some(intent) = state.intents.get_mut(key).and_then(|kept| kept.intent.as_mut()) else {
            return Ok(false);
        };
        intent.resent_at = Some(at);
        Ok(true)
    }

    async fn unsettled(&self) -> Result<Vec<Intent>> {
        let mut waiting = self.lock().waiting(|_, _| true);
        waiting.sort_by_key(|(place, intent)| (intent.created_at, *place));
        Ok(waiting.into_iter().map(|(_, intent)| intent).collect())
    }

    async fn intent(&self, key: &IdempotencyKey) -> Result<Option<(Intent, Option<String>)>> {
        Ok(self.lock().intents.get(key).and_then(|kept| {
            kept.intent.as_ref().map(|intent| (intent.clone(), kept.outcome.clone()))
        }))
    }
}

#[async_trait]
impl Cursors for MemoryStore {
    async fn horizon(&self, shop: &ShopKey) -> Result<Option<DateTime<Utc>>> {
        Ok(self.lock().cursors.get(shop).copied())
    }

    async fn advance(&self, shop: &ShopKey, to: DateTime<Utc>) -> Result<()> {
        let mut state = self.lock();
        let at = state.cursors.entry(shop.clone()).or_insert(to);
        *at = to.max(*at);
        Ok(())
    }

    async fn reset_horizon(&self, shop: &ShopKey, to: DateTime<Utc>) -> Result<()> {
        self.lock().cursors.insert(shop.clone(), to);
        Ok(())
    }
}

#[async_trait]
impl Quarantine for MemoryStore {
    async fn quarantine(&self, entry: &QuarantineEntry) -> Result<()> {
        let mut state = self.lock();
        let known = state
            .quarantine
            .iter_mut()
            .find(|kept| kept.shop == entry.shop && kept.raw == entry.raw);
        match known {
            Some(kept) => kept.seen_at = entry.seen_at,
            None => state.quarantine.push(entry.clone()),
        }
        Ok(())
    }

    async fn quarantined(&self) -> Result<Vec<QuarantineEntry>> {
        let mut entries = self.lock().quarantine.clone();
        entries.sort_by_key(|entry| entry.seen_at);
        Ok(entries)
    }

    async fn release(&self, shop: &ShopKey, order: &PlatformOrderId) -> Result<()> {
        self.lock()
            .quarantine
            .retain(|entry| entry.shop != *shop || entry.order.as_ref() != Some(order));
        Ok(())
    }
}

#[async_trait]
impl Inbox for MemoryStore {
    async fn receive(
        &self,
        shop: &ShopKey,
        notice: &WebhookNotice,
        _now: DateTime<Utc>,
    ) -> Result<bool> {
        let mut state = self.lock();
        let known = state
            .inbox
            .iter()
            .any(|kept| kept.shop == *shop && kept.notice.event_id == notice.event_id);
        if !known {
            let kept = KeptNotice { shop: shop.clone(), notice: notice.clone(), processed: false };
            state.inbox.push(kept);
        }
        Ok(!known)
    }

    async fn pending(&self, shop: &ShopKey, limit: u32) -> Result<Vec<WebhookNotice>> {
        Ok(self
            .lock()
            .inbox
            .iter()
            .filter(|kept| !kept.processed && kept.shop == *shop)
            .take(usize::try_from(limit).unwrap_or(usize::MAX))
            .map(|kept| kept.notice.clone())
            .collect())
    }

    async fn processed(&self, shop: &ShopKey, event: &EventId) -> Result<()> {
        for kept in &mut self.lock().inbox {
            if kept.shop == *shop && kept.notice.event_id == *event {
                kept.processed = true;
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Fired for MemoryStore {
    async fn fire(&self, key: &str, at: DateTime<Utc>) -> Result<bool> {
        let mut state = self.lock();
        let new = !state.fired.contains_key(key);
        if new {
            state.fired.insert(key.to_owned(), at);
        }
        Ok(new)
    }

    async fn fired(&self, keys: &[String]) -> Result<Vec<Option<DateTime<Utc>>>> {
        let state = self.lock();
        Ok(keys.iter().map(|key| state.fired.get(key).copied()).collect())
    }
}

#[async_trait]
impl Figures for MemoryStore {
    async fn keep_figures(
        &self,
        shop: &ShopKey,
        at: DateTime<Utc>,
        figures: &[StatedFigure],
    ) -> Result<()> {
        let mut state = self.lock();
        let kept = state.figures.entry(shop.clone()).or_default();
        kept.extend(figures.iter().map(|figure| ((at, figure.name.clone()), figure.clone())));
        Ok(())
    }

    async fn figures(
        &self,
        shop: &ShopKey,
        from: DateTime<Utc>,
    ) -> Result<Vec<(DateTime<Utc>, StatedFigure)>> {
        let state = self.lock();
        let kept = state.figures.get(shop).into_iter().flatten();
        let wanted = kept.filter(|((at, _), _)| *at >= from);
        Ok(wanted.map(|((at, _), figure)| (*at, figure.clone())).collect())
    }
}

#[async_trait]
impl Documents for MemoryStore {
    async fn documents(
        &self,
        package: &PackageId,
        key: &IdempotencyKey,
    ) -> Result<Vec<StoredDocument>> {
        let (first, last) = ((package.clone(), *key, 0), (package.clone(), *key, u32::MAX));
        Ok(self.lock().documents.range(first..=last).map(|(_, kept)| kept.clone()).collect())
    }
}
