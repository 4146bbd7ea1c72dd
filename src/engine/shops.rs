//! Many shops side by side: none waits for another, and one that is locked out stops alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{StreamExt, future, stream};

use super::time::later;
use super::{Engine, Shop, SyncReport};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{OrderKey, ShopKey, Sku};
use crate::order::{Order, OrderFilter, OrderSort, OrderState};

/// Orders read again at once from the store.
const PAGE: u32 = 256;

/// A shop that the platform does not let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoppedShop {
    /// Which shop.
    pub shop: ShopKey,
    /// Since when.
    pub since: DateTime<Utc>,
    /// When it is tried again without being told to.
    pub next_try: DateTime<Utc>,
    /// What the platform said.
    pub reason: String,
}

/// What this process remembers of a shop.
#[derive(Debug, Default)]
pub(super) struct ShopState {
    /// When it was read last.
    asked_at: Option<DateTime<Utc>>,
    /// When its open orders were read again one by one.
    reread_at: Option<DateTime<Utc>>,
    stopped: Option<StoppedShop>,
    /// SKUs whose level the shop was not told of; `None` is all of them, as after a start.
    pub(super) untold: Option<BTreeSet<Sku>>,
}

impl Engine {
    pub(super) fn shop_states(&self) -> MutexGuard<'_, BTreeMap<ShopKey, ShopState>> {
        self.0.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shops that are left alone because the platform refused their credentials.
    #[must_use]
    pub fn stopped_shops(&self) -> Vec<StoppedShop> {
        self.shop_states().values().filter_map(|state| state.stopped.clone()).collect()
    }

    /// Goes on with a shop at once, for example after its seller logged in again.
    pub fn resume_shop(&self, shop: &ShopKey) {
        if let Some(state) = self.shop_states().get_mut(shop) {
            state.stopped = None;
            state.asked_at = None;
        }
    }

    /// Whether a shop is left alone at `now`.
    pub(super) fn is_stopped(&self, shop: &ShopKey, now: DateTime<Utc>) -> bool {
        let states = self.shop_states();
        states
            .get(shop)
            .and_then(|state| state.stopped.as_ref())
            .is_some_and(|stopped| stopped.next_try > now)
    }

    /// Stops a shop whose credentials were refused; any other error changes nothing.
    pub(super) fn stop_if_refused(&self, shop: &ShopKey, error: &Error, now: DateTime<Utc>) {
        if error.kind() != ErrorKind::AuthRejected {
            return;
        }
        let pause = TimeDelta::minutes(i64::from(self.0.policy.credential_pause_minutes));
        let mut states = self.shop_states();
        let state = states.entry(shop.clone()).or_default();
        let since = state.stopped.as_ref().map_or(now, |stopped| stopped.since);
        state.stopped = Some(StoppedShop {
            shop: shop.clone(),
            since,
            next_try: later(now, pause),
            reason: error.to_string(),
        });
    }

    /// Reads every shop that is due, all at the same time.
    pub(super) async fn read_shops(
        &self,
        now: DateTime<Utc>,
        errors: &mut Vec<Error>,
    ) -> Vec<(ShopKey, SyncReport)> {
        let due: Vec<&Shop> = self.0.shops.values().filter(|shop| self.is_due(shop, now)).collect();
        let read = future::join_all(
            due.into_iter()
                .map(|shop| async move { (shop.key.clone(), self.read_shop(shop, now).await) }),
        )
        .await;
        let mut synced = Vec::new();
        for (shop, outcome) in read {
            match outcome {
                Ok(report) => synced.push((shop, report)),
                Err(error) => {
                    self.stop_if_refused(&shop, &error, now);
                    errors.push(error.with_context("shop", &shop));
                }
            }
        }
        synced
    }

    fn is_due(&self, shop: &Shop, now: DateTime<Utc>) -> bool {
        if self.is_stopped(&shop.key, now) {
            return false;
        }
        let Some(plan) = shop.poll else { return true };
        let every = TimeDelta::minutes(i64::from(plan.every_minutes));
        let states = self.shop_states();
        let asked = states.get(&shop.key).and_then(|state| state.asked_at);
        asked.is_none_or(|asked| later(asked, every) <= now)
    }

    async fn read_shop(&self, shop: &Shop, now: DateTime<Utc>) -> Result<SyncReport> {
        let mut report = self.sync(&shop.key, now).await?;
        {
            let mut states = self.shop_states();
            let state = states.entry(shop.key.clone()).or_default();
            state.asked_at = Some(now);
            state.stopped = None;
        }
        let limits = shop.adapter.limits();
        if !(limits.lists_cancelled && limits.lists_movements) {
            let pause = TimeDelta::minutes(i64::from(shop.reread_minutes));
            let read = self.shop_states().get(&shop.key).and_then(|state| state.reread_at);
            if read.is_none_or(|read| later(read, pause) <= now) {
                report.add(self.read_open_again(&shop.key, now).await?);
            }
        }
        if shop.adapter.missed_notices().is_some() {
            self.collect_missed(&shop.key, now).await?;
        }
        Ok(report)
    }

    /// Reads every open order of a shop again, one by one: for platforms whose lists leave out
    /// cancelled orders, or orders of which only the parcel moved. One that cannot be read now is
    /// read the next time.
    ///
    /// # Errors
    /// Of the store; of the adapter when it refuses the credentials.
    pub async fn read_open_again(&self, shop: &ShopKey, now: DateTime<Utc>) -> Result<SyncReport> {
        let known = self.shop(shop)?;
        let filter = OrderFilter {
            shops: vec![shop.shop.clone()],
            platforms: vec![shop.platform.clone()],
            states: OrderState::ALL.iter().copied().filter(|state| !state.is_terminal()).collect(),
            ..OrderFilter::default()
        };
        let mut keys: Vec<OrderKey> = Vec::new();
        loop {
            let offset = u32::try_from(keys.len()).unwrap_or(u32::MAX);
            let page =
                self.0.store.find(&filter, OrderSort::Placed, now, u64::from(offset), PAGE).await?;
            if page.orders.is_empty() {
                break;
            }
            keys.extend(page.orders.into_iter().map(|order| order.key));
        }
        let mut report = SyncReport::default();
        let mut answers = stream::iter(keys)
            .map(|key| async move { known.adapter.get_order(&key.order).await })
            .buffer_unordered(self.0.policy.concurrency);
        while let Some(answer) = answers.next().await {
            match answer {
                Ok(snapshot) => {
                    report.seen += 1;
                    self.take_in(known, vec![snapshot], now, &mut report).await?;
                }
                Err(error) if error.kind() == ErrorKind::AuthRejected => return Err(error),
                Err(_) => report.unread += 1,
            }
        }
        drop(answers);
        self.shop_states().entry(shop.clone()).or_default().reread_at = Some(now);
        Ok(report)
    }

    /// Works on items of many shops: those of one shop a bounded number at a time, the shops beside
    /// each other, so that one that answers slowly keeps none of the others waiting. Results come in
    /// the order of the items.
    pub(super) async fn per_shop<T, R, F, Fut>(
        &self,
        items: Vec<T>,
        shop_of: impl Fn(&T) -> ShopKey + Send,
        work: F,
    ) -> Vec<R>
    where
        T: Send,
        R: Send,
        F: Fn(T) -> Fut + Send + Sync,
        Fut: Future<Output = R> + Send,
    {
        let mut groups: BTreeMap<ShopKey, Vec<(usize, T)>> = BTreeMap::new();
        for (place, item) in items.into_iter().enumerate() {
            groups.entry(shop_of(&item)).or_default().push((place, item));
        }
        let (bound, work) = (self.0.policy.concurrency, &work);
        let done = future::join_all(groups.into_values().map(|group| {
            stream::iter(group)
                .map(move |(place, item)| {
                    let result = work(item);
                    async move { (place, result.await) }
                })
                .buffer_unordered(bound)
                .collect::<Vec<_>>()
        }))
        .await;
        let mut results: Vec<(usize, R)> = done.into_iter().flatten().collect();
        results.sort_by_key(|(place, _)| *place);
        results.into_iter().map(|(_, result)| result).collect()
    }

    /// The whole inbox: orders of all shops that a filter selects, sorted.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`].
    pub async fn find_orders(
        &self,
        filter: &OrderFilter,
        sort: OrderSort,
        now: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Order>> {
        Ok(self.0.store.find(filter, sort, now, 0, limit).await?.orders)
    }
}
