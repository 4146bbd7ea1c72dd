//! Reading a platform: pages become commits, the horizon moves last.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::commit::apply_events;
use super::time::earlier;
use super::{Engine, Shop};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{OrderKey, PlatformOrderId, ShopKey};
use crate::order::{
    Action, Actor, Effect, Event, ExceptionKind, Order, PlatformOrder, import, reconcile,
};
use crate::ports::store::{Commit, Committed, QuarantineEntry};
use crate::ports::{Cursor, OrderQuery, PlatformItem, StockError, StockMove, Unreadable};
use crate::rules;

/// Pages of one window. A busy shop's week is a few thousand; a list that goes on is a mistake of the
/// platform.
const MOST_PAGES: u64 = 100_000;

/// What reading a platform brought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SyncReport {
    /// Items on all pages.
    pub seen: u64,
    /// Orders that are new.
    pub imported: u64,
    /// Orders with news.
    pub updated: u64,
    /// Orders without news.
    pub unchanged: u64,
    /// Orders that could not be read; kept in quarantine.
    pub quarantined: u64,
    /// Pages read.
    pub pages: u64,
    /// Orders whose single read failed for now.
    pub unread: u64,
}

impl SyncReport {
    pub(super) fn add(&mut self, other: Self) {
        self.seen += other.seen;
        self.imported += other.imported;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
        self.quarantined += other.quarantined;
        self.pages += other.pages;
        self.unread += other.unread;
    }
}

impl Engine {
    /// Brings a shop up to date by time of change: from where the last call ended, overlapping, to
    /// just before now. The horizon moves only after every page is stored, so a failure in the
    /// middle costs nothing but reading again.
    ///
    /// # Errors
    /// Of the adapter or the store; [`ErrorKind::Configuration`] when a wrong clock moved the horizon
    /// into the future.
    pub async fn sync(&self, shop: &ShopKey, now: DateTime<Utc>) -> Result<SyncReport> {
        let known = self.shop(shop)?;
        let lag = TimeDelta::seconds(i64::from(known.adapter.limits().listing_lag_seconds));
        let to = earlier(now, lag);
        let overlap = TimeDelta::minutes(i64::from(self.0.policy.overlap_minutes));
        let from = match self.0.store.horizon(shop).await? {
            Some(horizon) if horizon > now => {
                return Err(Error::new(
                    ErrorKind::Configuration,
                    "the shop counts as read until a time in the future: a clock was wrong; see \
                     Engine::reset_horizon",
                )
                .with_context("horizon", horizon)
                .with_context("now", now));
            }
            Some(horizon) => earlier(horizon, overlap),
            None => earlier(now, TimeDelta::hours(i64::from(known.first_look_hours))),
        };
        if from >= to {
            return Ok(SyncReport::default());
        }
        let report = self.read(known, &OrderQuery::Updated { from, to }, now).await?;
        self.0.store.advance(shop, to).await?;
        Ok(report)
    }

    /// Reads the orders placed in a window, on demand. Moves no horizon.
    ///
    /// # Errors
    /// Of the adapter or the store.
    pub async fn fetch_window(
        &self,
        shop: &ShopKey,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<SyncReport> {
        let known = self.shop(shop)?;
        self.read(known, &OrderQuery::Created { from, to }, now).await
    }

    /// Reads one order again, for example because a notification named it.
    ///
    /// # Errors
    /// Of the adapter or the store.
    pub async fn refresh(&self, key: &OrderKey, now: DateTime<Utc>) -> Result<Order> {
        let shop = self.shop(&key.shop_key())?;
        let snapshot = shop.adapter.get_order(&key.order).await?;
        let mut report = SyncReport::default();
        snapshot.check().map_err(|fault| {
            Error::new(ErrorKind::UnexpectedAnswer, fault.to_string()).with_context("order", key)
        })?;
        // A platform may answer under another id than it was asked with: orders sold together are
        // known by the id of their pack.
        let answered = OrderKey { order: snapshot.id.clone(), ..key.clone() };
        self.take_in(shop, vec![snapshot], now, &mut report).await?;
        self.load(&answered).await
    }

    async fn read(
        &self,
        shop: &Shop,
        query: &OrderQuery,
        now: DateTime<Utc>,
    ) -> Result<SyncReport> {
        self.read_pages(shop, query, now, |_| std::future::ready(())).await
    }

    /// Reads every page of a query; `stored` gets the orders of each page that have news, as they
    /// are in the store then.
    pub(super) async fn read_pages<F>(
        &self,
        shop: &Shop,
        query: &OrderQuery,
        now: DateTime<Utc>,
        mut stored: impl FnMut(Vec<Order>) -> F + Send,
    ) -> Result<SyncReport>
    where
        F: Future<Output = ()> + Send,
    {
        let mut report = SyncReport::default();
        let mut cursor: Option<Cursor> = None;
        let mut tokens = std::collections::BTreeSet::new();
        loop {
            let page = shop.adapter.list_orders(query, cursor.as_ref()).await?;
            report.pages += 1;
            report.seen += page.items.len() as u64;
            let mut snapshots = Vec::with_capacity(page.items.len());
            for item in page.items {
                match item {
                    PlatformItem::Read(snapshot) => snapshots.push(*snapshot),
                    PlatformItem::Unreadable(unreadable) => {
                        self.put_aside(shop, unreadable, now, &mut report).await?;
                    }
                }
            }
            let news = self.take_in(shop, snapshots, now, &mut report).await?;
            stored(news).await;
            let Some(next) = page.next else {
                self.leave_quarantine(shop, now).await?;
                return Ok(report);
            };
            if report.pages >= MOST_PAGES {
                return Err(Error::new(
                    ErrorKind::UnexpectedAnswer,
                    format!("the platform's list does not end: {MOST_PAGES} pages were read"),
                )
                .with_operation(shop.key.platform.as_str(), "list_orders"));
            }
            if !tokens.insert(next.as_str().to_owned()) {
                return Err(Error::new(
                    ErrorKind::UnexpectedAnswer,
                    "the platform repeated a page token",
                )
                .with_operation(shop.key.platform.as_str(), "list_orders"));
            }
            cursor = Some(next);
        }
    }

    /// Keeps what is no order, so that it is neither lost nor in the way.
    pub(super) async fn put_aside(
        &self,
        shop: &Shop,
        unreadable: Unreadable,
        now: DateTime<Utc>,
        report: &mut SyncReport,
    ) -> Result<()> {
        report.quarantined += 1;
        let entry = QuarantineEntry {
            shop: shop.key.clone(),
            order: unreadable.id,
            reason: unreadable.reason,
            raw: unreadable.raw,
            seen_at: now,
        };
        self.0.store.quarantine(&entry).await
    }

    /// Orders that could be read after all need not be kept as unreadable.
    async fn leave_quarantine(&self, shop: &Shop, now: DateTime<Utc>) -> Result<()> {
        for entry in self.0.store.quarantined().await? {
            let (Some(id), true) = (entry.order, entry.shop == shop.key && entry.seen_at < now)
            else {
                continue;
            };
            let key = OrderKey::new(shop.key.platform.clone(), shop.key.shop.clone(), id);
            if self.0.store.order(&key).await?.is_some() {
                self.0.store.release(&shop.key, &key.order).await?;
            }
        }
        Ok(())
    }

    /// Stores what a page says: all orders of the page in one call of the store. The same order
    /// twice on one page is taken in twice, one after the other.
    pub(super) async fn take_in(
        &self,
        shop: &Shop,
        snapshots: Vec<PlatformOrder>,
        now: DateTime<Utc>,
        report: &mut SyncReport,
    ) -> Result<Vec<Order>> {
        let mut news = Vec::with_capacity(snapshots.len());
        let mut rounds: Vec<BTreeMap<PlatformOrderId, PlatformOrder>> = Vec::new();
        for snapshot in snapshots {
            if let Err(fault) = snapshot.check() {
                let raw = if snapshot.raw.expose().is_empty() {
                    // Adapters without bytes of their own: what they made of it is kept.
                    serde_json::to_string(&snapshot).unwrap_or_default().into()
                } else {
                    snapshot.raw.clone()
                };
                let unreadable =
                    Unreadable { id: Some(snapshot.id.clone()), reason: fault.to_string(), raw };
                self.put_aside(shop, unreadable, now, report).await?;
                continue;
            }
            match rounds.iter_mut().find(|round| !round.contains_key(&snapshot.id)) {
                Some(round) => {
                    round.insert(snapshot.id.clone(), snapshot);
                }
                None => rounds.push(BTreeMap::from([(snapshot.id.clone(), snapshot)])),
            }
        }
        for round in rounds {
            news.extend(
                self.take_in_round(shop, round.into_values().collect(), now, report).await?,
            );
        }
        Ok(news)
    }

    async fn take_in_round(
        &self,
        shop: &Shop,
        mut snapshots: Vec<PlatformOrder>,
        now: DateTime<Utc>,
        report: &mut SyncReport,
    ) -> Result<Vec<Order>> {
        let mut news = Vec::with_capacity(snapshots.len());
        // A lost race means that somebody else stored an order meanwhile: look at it again.
        for _ in 0..8 {
            if snapshots.is_empty() {
                return Ok(news);
            }
            let keys: Vec<OrderKey> = snapshots
                .iter()
                .map(|snapshot| {
                    OrderKey::new(
                        shop.key.platform.clone(),
                        shop.key.shop.clone(),
                        snapshot.id.clone(),
                    )
                })
                .collect();
            let known = self.0.store.orders(&keys).await?;
            let mut commits = Vec::new();
            let mut origins = Vec::new();
            for ((key, snapshot), order) in keys.into_iter().zip(snapshots).zip(known) {
                match self.news(shop, &key, &snapshot, order.as_ref(), now)? {
                    None => report.unchanged += 1,
                    Some((after, events, effects)) => {
                        self.reserve(&after, &effects).await?;
                        let mut commit =
                            Commit::new(after.clone(), order.as_ref().map(|o| o.version), events);
                        commit.intents = self.stock_intents(&after, &effects, now);
                        commits.push(commit);
                        origins.push((snapshot, after, order.is_none()));
                    }
                }
            }
            if commits.is_empty() {
                return Ok(news);
            }
            let outcomes = self.0.store.commit(commits).await?;
            snapshots = Vec::new();
            for ((snapshot, after, new), outcome) in origins.into_iter().zip(outcomes) {
                match outcome {
                    Committed::Done => {
                        report.imported += u64::from(new);
                        report.updated += u64::from(!new);
                        news.push(after);
                    }
                    Committed::Conflict { .. } => snapshots.push(snapshot),
                }
            }
        }
        Err(Error::new(ErrorKind::Conflict, "orders change faster than they can be stored"))
    }

    /// The events that a snapshot brings; `None` when it brings nothing.
    #[expect(clippy::type_complexity, reason = "a private triple that is taken apart at once")]
    fn news(
        &self,
        shop: &Shop,
        key: &OrderKey,
        snapshot: &PlatformOrder,
        known: Option<&Order>,
        now: DateTime<Utc>,
    ) -> Result<Option<(Order, Vec<Event>, Vec<Effect>)>> {
        let (mut order, mut events, mut effects) = match known {
            None => {
                let event = Event::once(
                    Action::Imported {
                        snapshot: Box::new(snapshot.clone()),
                        needs_acknowledgement: shop.adapter.limits().needs_acknowledgement,
                    },
                    now,
                    Actor::Platform,
                );
                let transition = import(key, &event)?;
                // What had happened on the platform before the import follows as events.
                let mut fresh = transition.order.clone();
                fresh.platform.content_hash = String::new();
                let mut events = vec![event];
                let mut effects = transition.effects;
                let mut order = transition.order;
                let later = reconcile(&fresh, snapshot, now)
                    .into_iter()
                    .filter(|event| !matches!(event.action, Action::Updated { .. }));
                self.apply_each(&mut order, later.collect(), &mut events, &mut effects, now);
                (order, events, effects)
            }
            Some(order) => {
                let news = reconcile(order, snapshot, now);
                if news.is_empty() {
                    return Ok(None);
                }
                let (mut after, mut events, mut effects) = (order.clone(), Vec::new(), Vec::new());
                self.apply_each(&mut after, news, &mut events, &mut effects, now);
                (after, events, effects)
            }
        };
        let (deadlines, fault) = match rules::deadlines(&order, &snapshot.deadlines, &shop.sla) {
            Ok(deadlines) => (deadlines, None),
            // A rule that cannot answer costs neither the order nor its other deadlines.
            Err(error) => (error.deadlines_for(&order), Some(error.to_string())),
        };
        if deadlines != order.deadlines {
            let event = Event::new(Action::DeadlinesSet { deadlines }, now, Actor::System);
            self.apply_each(&mut order, vec![event], &mut events, &mut effects, now);
        }
        let kind = ExceptionKind::ImportFailure;
        let is_told = order
            .incidents
            .iter()
            .any(|incident| incident.kind == kind && incident.resolved_at.is_none());
        // Once, however often the order is read again.
        if let Some(detail) = fault.filter(|_| !is_told) {
            let action = Action::IncidentRaised { kind, package: None, detail };
            let event = Event::new(action, now, Actor::System);
            self.apply_each(&mut order, vec![event], &mut events, &mut effects, now);
        }
        Ok(Some((order, events, effects)))
    }

    /// Applies events one by one. One that the lifecycle refuses becomes an incident: what the
    /// platform says is never lost and never stops the others.
    fn apply_each(
        &self,
        order: &mut Order,
        news: Vec<Event>,
        events: &mut Vec<Event>,
        effects: &mut Vec<Effect>,
        now: DateTime<Utc>,
    ) {
        for event in news {
            let outcome = apply_events(self, order, vec![event], now).or_else(|rejected| {
                let incident = Event::new(
                    Action::IncidentRaised {
                        kind: ExceptionKind::StateMismatch,
                        package: None,
                        detail: rejected.to_string(),
                    },
                    now,
                    Actor::Platform,
                );
                apply_events(self, order, vec![incident], now)
            });
            // An incident is possible in every state; nothing is left to refuse.
            if let Ok((after, applied, more)) = outcome {
                *order = after;
                events.extend(applied);
                effects.extend(more);
            }
        }
    }

    async fn reserve(&self, order: &Order, effects: &[Effect]) -> Result<()> {
        if effects.contains(&Effect::ReserveStock) {
            self.reserve_all(order).await?;
        }
        Ok(())
    }

    /// Sets every active, unshipped unit aside. Returns whether all of them are.
    pub(super) async fn reserve_all(&self, order: &Order) -> Result<bool> {
        let mut all = true;
        for wanted in open_moves(order) {
            match self.0.stock.reserve(&wanted).await {
                Ok(()) => self.stock_moved(std::iter::once(&wanted.sku)),
                Err(StockError::Short { .. } | StockError::QuantityDiffers { .. }) => all = false,
                Err(StockError::Failed(error)) => return Err(error),
            }
        }
        Ok(all)
    }
}

/// The units that an order still needs from stock.
pub(super) fn open_moves(order: &Order) -> Vec<StockMove> {
    order
        .lines
        .iter()
        .filter_map(|line| {
            let counters = crate::order::counters(order, &line.id)?;
            let units = counters.active().saturating_sub(counters.shipped);
            Some(StockMove {
                order: order.key.clone(),
                line: line.id.clone(),
                sku: line.sku.clone()?,
                warehouse: None,
                units,
                package: None,
            })
        })
        .filter(|wanted| wanted.units > 0)
        .collect()
}
