//! Many shops side by side: none waits for another, and one that is locked out stops alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{StreamExt, future, stream};
use tokio::time::{Instant, timeout_at};

use super::ingest::Reading;
use super::round::{Kept, Part, Turn, Worked, contained, is_past, no_answer, within};
use super::time::later;
use super::{Engine, Shop, SyncReport};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{OrderKey, PlatformOrderId, ShopKey, Sku};
use crate::order::{Order, OrderFilter, OrderSort, OrderState};
use crate::ports::PageWalk;

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
    /// When its orders are to be compared with the platform's list the next time.
    pub(super) compare_at: Option<DateTime<Utc>>,
    /// When its buyers' cases are to be read the next time.
    pub(super) cases_at: Option<DateTime<Utc>>,
    /// Until when they were read.
    pub(super) cases_until: Option<DateTime<Utc>>,
    /// When the platform's figures are to be read the next time.
    pub(super) figures_at: Option<DateTime<Utc>>,
    /// The list that is being read over several rounds.
    pub(super) reading: Option<Reading>,
    /// The notices that are being collected over several rounds.
    pub(super) collecting: Option<PageWalk>,
    /// The open orders that are still to be read again one by one.
    rereading: Option<BTreeSet<PlatformOrderId>>,
    /// Orders that the platform failed to show, and how often since: they are asked for again. `None`
    /// until the first call after a start has looked which are in quarantine.
    pub(super) aside: Option<BTreeMap<PlatformOrderId, u32>>,
    /// Behind which order the next round begins, when the last one did not come to the end.
    pub(super) advanced_to: Option<OrderKey>,
    /// SKUs whose level the shop was not told of; `None` is all of them, as after a start.
    pub(super) untold: Option<BTreeSet<Sku>>,
}

/// What came of asking for one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SingleRead {
    /// It was read, and is known by this id.
    Read(PlatformOrderId),
    /// The platform failed for now.
    Failed,
    /// It does not show the order.
    Refused,
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

    /// Reads every shop that is due, all at the same time, each within its share.
    pub(super) async fn read_shops(
        &self,
        part: &Part<'_>,
        now: DateTime<Utc>,
        errors: &mut Vec<Error>,
    ) -> Vec<(ShopKey, SyncReport)> {
        let due: Vec<&Shop> = self
            .0
            .shops
            .values()
            .filter(|shop| self.is_due(shop, now) && !part.round.is_silent(&shop.key))
            .collect();
        let read = future::join_all(due.into_iter().map(|shop| async move {
            let until = self.until(Turn::Share(part), &shop.key);
            let read = contained(&shop.key, "list_orders", self.read_shop(shop, until, now));
            (shop.key.clone(), read.await.and_then(|read| read))
        }))
        .await;
        let mut synced = Vec::new();
        for (shop, outcome) in read {
            match outcome {
                Ok(report) => {
                    if report.is_silent() {
                        part.round.note_silent(&shop);
                        errors.push(no_answer(&shop, "list_orders"));
                    } else if report.more {
                        part.round.note_unfinished(&shop);
                    }
                    synced.push((shop, report));
                }
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

    /// Reads a shop until an instant. What is not read by then makes it due again at once.
    async fn read_shop(
        &self,
        shop: &Shop,
        until: Instant,
        now: DateTime<Utc>,
    ) -> Result<SyncReport> {
        let until = Some(until);
        let mut report = self.sync_until(&shop.key, until, now).await?;
        if report.more {
            return Ok(report);
        }
        self.shop_states().entry(shop.key.clone()).or_default().stopped = None;
        let limits = shop.adapter.limits();
        if !(limits.lists_cancelled && limits.lists_movements) && self.may_reread(shop, now) {
            report.add(self.read_open_until(&shop.key, until, now).await?);
        }
        if !report.more && shop.adapter.missed_notices().is_some() {
            let (_, more) = self.collect_until(&shop.key, until, now).await?;
            report.more = more;
        }
        if !report.more {
            self.shop_states().entry(shop.key.clone()).or_default().asked_at = Some(now);
        }
        Ok(report)
    }

    /// Whether the open orders of a shop are due to be read again.
    pub(super) fn may_reread(&self, shop: &Shop, now: DateTime<Utc>) -> bool {
        let pause = TimeDelta::minutes(i64::from(shop.reread_minutes));
        let read = self.shop_states().get(&shop.key).and_then(|state| state.reread_at);
        read.is_none_or(|read| later(read, pause) <= now)
    }

    /// Reads every open order of a shop again, one by one: for platforms whose lists leave out
    /// cancelled orders, or orders of which only the parcel moved. One that cannot be read now is
    /// read the next time.
    ///
    /// # Errors
    /// Of the store; of the adapter when it refuses the credentials.
    pub async fn read_open_again(&self, shop: &ShopKey, now: DateTime<Utc>) -> Result<SyncReport> {
        self.read_open_until(shop, None, now).await
    }

    pub(super) async fn read_open_until(
        &self,
        shop: &ShopKey,
        until: Option<Instant>,
        now: DateTime<Utc>,
    ) -> Result<SyncReport> {
        let known = self.shop(shop)?;
        let mut kept = Kept::take(self, shop, |state| &mut state.rereading);
        let left = match &mut kept.value {
            Some(left) => left,
            None => kept.value.insert(self.open_orders_of(known, now).await?),
        };
        let mut report = SyncReport::default();
        let ids = left.iter().cloned().collect();
        let asked = |id: PlatformOrderId, _| {
            left.remove(&id);
        };
        if !self.read_each(known, ids, until, now, &mut report, asked).await? {
            report.more = true;
            return Ok(report);
        }
        kept.value = None;
        self.shop_states().entry(shop.clone()).or_default().reread_at = Some(now);
        Ok(report)
    }

    /// Asks for orders one by one, some at a time, until an instant. Each answer is taken in and told
    /// to `asked` before the next. Returns whether all of them were asked for.
    pub(super) async fn read_each(
        &self,
        shop: &Shop,
        ids: Vec<PlatformOrderId>,
        until: Option<Instant>,
        now: DateTime<Utc>,
        report: &mut SyncReport,
        mut asked: impl FnMut(PlatformOrderId, SingleRead) + Send,
    ) -> Result<bool> {
        let mut left = ids.len();
        let mut answers = stream::iter(ids)
            .map(|id| async move {
                let answer = shop.adapter.get_order(&id).await;
                (id, answer)
            })
            .buffer_unordered(self.0.policy.concurrency);
        loop {
            if left > 0 && is_past(until) {
                return Ok(false);
            }
            let Some(answer) = within(until, answers.next()).await else { return Ok(false) };
            let Some((id, answer)) = answer else { return Ok(true) };
            let outcome = match answer {
                Ok(snapshot) => {
                    let answered = snapshot.id.clone();
                    report.seen += 1;
                    self.take_in(shop, vec![snapshot], now, report).await?;
                    SingleRead::Read(answered)
                }
                Err(error) if error.kind() == ErrorKind::AuthRejected => return Err(error),
                Err(error) => {
                    report.unread += 1;
                    if error.is_passing() { SingleRead::Failed } else { SingleRead::Refused }
                }
            };
            asked(id, outcome);
            left -= 1;
        }
    }

    async fn open_orders_of(
        &self,
        shop: &Shop,
        now: DateTime<Utc>,
    ) -> Result<BTreeSet<PlatformOrderId>> {
        let filter = OrderFilter {
            shops: vec![shop.key.shop.clone()],
            platforms: vec![shop.key.platform.clone()],
            states: OrderState::ALL.iter().copied().filter(|state| !state.is_terminal()).collect(),
            ..OrderFilter::default()
        };
        let (mut ids, mut offset) = (BTreeSet::new(), 0);
        loop {
            let page = self.0.store.find(&filter, OrderSort::Placed, now, offset, PAGE).await?;
            if page.orders.is_empty() {
                return Ok(ids);
            }
            offset += page.orders.len() as u64;
            ids.extend(page.orders.into_iter().map(|order| order.key.order));
        }
    }

    /// Works on items of many shops: those of one shop a bounded number at a time, the shops beside
    /// each other, each for as long as its turn lasts, so that one that answers slowly or never
    /// keeps none of the others waiting for longer. Results come in the order of the items.
    pub(super) async fn per_shop<T, R, F, Fut>(
        &self,
        turn: Turn<'_>,
        items: Vec<T>,
        shop_of: impl Fn(&T) -> ShopKey + Send,
        work: F,
    ) -> Vec<Worked<R>>
    where
        T: Send,
        R: Send,
        F: Fn(T) -> Fut + Send + Sync,
        Fut: Future<Output = R> + Send,
    {
        self.per_shop_bounded(turn, self.0.policy.concurrency, items, shop_of, work).await
    }

    /// As [`Engine::per_shop`], so many items of a shop at a time.
    pub(super) async fn per_shop_bounded<T, R, F, Fut>(
        &self,
        turn: Turn<'_>,
        bound: usize,
        items: Vec<T>,
        shop_of: impl Fn(&T) -> ShopKey + Send,
        work: F,
    ) -> Vec<Worked<R>>
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
        let work = &work;
        let done = future::join_all(
            groups.into_iter().map(|(shop, group)| self.one_group(turn, bound, shop, group, work)),
        )
        .await;
        let mut results: Vec<(usize, Worked<R>)> = done.into_iter().flatten().collect();
        results.sort_by_key(|(place, _)| *place);
        results.into_iter().map(|(_, result)| result).collect()
    }

    async fn one_group<T, R, F, Fut>(
        &self,
        turn: Turn<'_>,
        bound: usize,
        shop: ShopKey,
        group: Vec<(usize, T)>,
        work: &F,
    ) -> Vec<(usize, Worked<R>)>
    where
        T: Send,
        R: Send,
        F: Fn(T) -> Fut + Send + Sync,
        Fut: Future<Output = R> + Send,
    {
        let begun_at = Instant::now();
        let may_judge = match turn {
            Turn::Share(part) | Turn::BeginWithin(part) => part.may_judge(&shop),
            Turn::Patience => false,
        };
        let end = match turn {
            Turn::Share(_) | Turn::BeginWithin(_) => Some(self.until(turn, &shop)),
            Turn::Patience => None,
        };
        let hard = if matches!(turn, Turn::Share(_)) { end } else { None };
        let mut results: BTreeMap<usize, Worked<R>> =
            group.iter().map(|(place, _)| (*place, Worked::NotBegun)).collect();
        let mut begun: Vec<usize> = Vec::with_capacity(group.len());
        let (mut finished, mut is_silent) = (0_usize, false);
        let mut rest = group.into_iter();
        let mut running = stream::FuturesUnordered::new();
        loop {
            while running.len() < bound && !is_past(end) {
                let Some((place, item)) = rest.next() else { break };
                begun.push(place);
                let result = work(item);
                let shop = &shop;
                running.push(async move { (place, contained(shop, "call", result).await) });
            }
            if running.is_empty() || is_past(hard) {
                break;
            }
            let until = hard.unwrap_or_else(|| Instant::now() + self.patience());
            match timeout_at(until, running.next()).await {
                Ok(Some((place, result))) => {
                    finished += 1;
                    results.insert(place, result.map_or_else(Worked::Broken, Worked::Done));
                }
                Ok(None) => break,
                Err(_) => {
                    is_silent = finished == 0;
                    break;
                }
            }
        }
        drop(running);
        for place in begun {
            if let Some(result @ Worked::NotBegun) = results.get_mut(&place) {
                *result = Worked::GivenUp;
            }
        }
        if let Turn::Share(part) | Turn::BeginWithin(part) = turn {
            part.spend(&shop, begun_at.elapsed());
            // What was given up waits for its pause; only what was not begun can be done at once.
            let is_cut = results.values().any(|result| matches!(result, Worked::NotBegun));
            if is_silent && may_judge {
                part.round.note_silent(&shop);
            } else if is_cut && !is_silent {
                part.round.note_unfinished(&shop);
            }
        }
        results.into_iter().collect()
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
