//! The daily look whether the platform and the store know the same orders.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future;
use tokio::time::Instant;

use super::ingest::{checked, endless};
use super::round::{contained, no_answer, within};
use super::time::{earlier, later};
use super::{Engine, Schedule, SyncReport};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{OrderKey, ShopKey};
use crate::order::{Action, OrderFilter, OrderSort, TimeRange, reconcile};
use crate::ports::{OrderQuery, PageWalk, PlatformItem, Unreadable};

const PAGE: u32 = 256;

/// How the platform's list and the store differed. Whatever could be mended is mended: missing
/// orders are imported, differences become events.
#[derive(Debug, Default)]
pub struct Comparison {
    /// Orders on both sides.
    pub compared: u64,
    /// On the platform, not in the store.
    pub missing: Vec<OrderKey>,
    /// In the store, and the platform does not know them.
    pub extra: Vec<OrderKey>,
    /// On both sides, and not alike.
    pub mismatched: Vec<OrderKey>,
    /// Orders that could not be read, each with the reason; they are in quarantine now.
    pub unreadable: Vec<Unreadable>,
    /// Orders whose single read failed; whether they are extra is not known.
    pub errors: Vec<Error>,
}

/// Shops and how their comparison ended.
pub(super) type Compared = Vec<(ShopKey, Result<Comparison>)>;

/// After daily work that failed, the next attempt.
pub(super) const AGAIN: TimeDelta = TimeDelta::hours(1);

impl Engine {
    /// Compares every shop whose last comparison by this process is longer ago than
    /// [`Schedule::compare_every`], over [`Schedule::compare_days`]: orders placed since then, up to
    /// where the shop was read. A shop that was never read, or whose credentials are refused, waits.
    /// [`Engine::run`] does this beside its ticks; a host that calls [`Engine::tick`] by itself calls
    /// it now and then.
    pub async fn compare_due(
        &self,
        schedule: &Schedule,
        now: DateTime<Utc>,
    ) -> Vec<(ShopKey, Result<Comparison>)> {
        let Some(pause) = schedule.compare_every else { return Vec::new() };
        let pause = TimeDelta::from_std(pause).unwrap_or(TimeDelta::MAX);
        let from = earlier(now, TimeDelta::days(i64::from(schedule.compare_days)));
        let due = self.0.shops.keys().filter(|shop| self.may_compare(shop, now));
        let found = future::join_all(due.map(|shop| async move {
            // What came after that is not missing: it was not looked for yet.
            let horizon = match self.0.store.horizon(shop).await {
                Ok(horizon) => horizon?,
                Err(error) => return Some((shop, Err(error))),
            };
            let comparing = self.compare_shop(shop, from, horizon.min(now), now);
            Some((shop, contained(shop, "list_orders", comparing).await.and_then(|found| found)))
        }))
        .await;
        let mut compared = Compared::new();
        for (shop, outcome) in found.into_iter().flatten() {
            let pause = if outcome.is_ok() { pause } else { pause.min(AGAIN) };
            self.shop_states().entry(shop.clone()).or_default().compare_at =
                Some(later(now, pause));
            if let Err(error) = &outcome {
                self.stop_if_refused(shop, error, now);
            }
            compared.push((shop.clone(), outcome));
        }
        compared
    }

    /// Whether any shop is due to be compared.
    pub(super) fn has_to_compare(&self, schedule: &Schedule, now: DateTime<Utc>) -> bool {
        schedule.compare_every.is_some()
            && self.0.shops.keys().any(|shop| self.may_compare(shop, now))
    }

    fn may_compare(&self, shop: &ShopKey, now: DateTime<Utc>) -> bool {
        let next = self.shop_states().get(shop).and_then(|state| state.compare_at);
        !self.is_stopped(shop, now) && next.is_none_or(|next| next <= now)
    }

    /// Waits for one answer of a shop, and no longer than the policy's patience.
    pub(super) async fn patiently<T>(
        &self,
        shop: &ShopKey,
        operation: &'static str,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let until = Instant::now() + self.patience();
        within(Some(until), call).await.unwrap_or_else(|| Err(no_answer(shop, operation)))
    }

    /// Compares the orders placed in `[from, to)` with the platform's list.
    ///
    /// # Errors
    /// Of the list or the store; [`ErrorKind::UnexpectedAnswer`] when the list does not end.
    pub async fn compare_shop(
        &self,
        shop: &ShopKey,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Comparison> {
        let known = self.shop(shop)?;
        let key_of = |id| OrderKey::new(shop.platform.clone(), shop.shop.clone(), id);
        let mut found = Comparison::default();
        let mut listed = BTreeSet::new();
        let mut report = SyncReport::default();
        let mut walk = PageWalk::new();
        let query = OrderQuery::Created { from, to };
        loop {
            let page = self
                .patiently(shop, "list_orders", known.adapter.list_orders(&query, walk.cursor()))
                .await?;
            let mut snapshots = Vec::new();
            for item in page.items {
                let read = match item {
                    PlatformItem::Read(snapshot) => checked(*snapshot),
                    PlatformItem::Unreadable(unreadable) => Err(unreadable),
                };
                match read {
                    Ok(snapshot) => snapshots.push(snapshot),
                    Err(unreadable) => {
                        listed.extend(unreadable.id.clone().map(key_of));
                        found.unreadable.push(unreadable);
                    }
                }
            }
            let keys: Vec<OrderKey> =
                snapshots.iter().map(|snapshot| key_of(snapshot.id.clone())).collect();
            let stored = self.0.store.orders(&keys).await?;
            for ((key, snapshot), order) in keys.into_iter().zip(&snapshots).zip(stored) {
                if !listed.insert(key.clone()) {
                    continue;
                }
                match order {
                    None => found.missing.push(key),
                    Some(order) => {
                        found.compared += 1;
                        let differs = reconcile(&order, snapshot, now)
                            .iter()
                            .any(|event| !matches!(event.action, Action::Updated { .. }));
                        if differs {
                            found.mismatched.push(key);
                        }
                    }
                }
            }
            self.take_in(known, snapshots, now, &mut report).await?;
            if !walk.go_on(page.next).map_err(|list| endless(list, shop, "list_orders"))? {
                break;
            }
        }
        let filter = OrderFilter {
            shops: vec![shop.shop.clone()],
            platforms: vec![shop.platform.clone()],
            placed: TimeRange { from: Some(from), to: Some(to) },
            ..OrderFilter::default()
        };
        let mut offset = 0;
        loop {
            let page = self.0.store.find(&filter, OrderSort::Placed, now, offset, PAGE).await?;
            if page.orders.is_empty() {
                break;
            }
            offset += page.orders.len() as u64;
            for order in page.orders.into_iter().filter(|order| !listed.contains(&order.key)) {
                // Lists leave out what they like, for example cancelled orders: a single read decides.
                let read = known.adapter.get_order(&order.key.order);
                let read = self.patiently(shop, "get_order", read).await;
                match read.map(checked) {
                    Ok(Err(unreadable)) => found.unreadable.push(unreadable),
                    Ok(Ok(snapshot)) => {
                        found.compared += 1;
                        let before = report.updated;
                        self.take_in(known, vec![snapshot], now, &mut report).await?;
                        if report.updated > before {
                            found.mismatched.push(order.key);
                        }
                    }
                    Err(error) if error.kind() == ErrorKind::NotFound => {
                        found.extra.push(order.key);
                    }
                    Err(error) => found.errors.push(error.with_context("order", &order.key)),
                }
            }
        }
        for unreadable in &found.unreadable {
            self.put_aside(known, unreadable.clone(), now, &mut report).await?;
        }
        Ok(found)
    }
}
