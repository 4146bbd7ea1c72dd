//! Reading a platform: pages become commits, the horizon moves last.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use super::commit::{Alongside, apply_events};
use super::round::{Kept, is_past, within};
use super::shops::SingleRead;
use super::time::earlier;
use super::{Engine, Shop};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{OrderKey, PlatformOrderId, ShopKey};
use crate::order::{
    Action, Actor, Effect, Event, ExceptionKind, Hold, HoldReason, Order, OrderState,
    PlatformOrder, import, is_older, reconcile, unread,
};
use crate::ports::store::{Commit, Committed, QuarantineEntry};
use crate::ports::{
    EndlessList, OrderQuery, PageWalk, PlatformItem, StockError, StockMove, Unreadable,
};
use crate::rules;

/// A window that is being read, over several rounds where it does not fit into one.
pub(super) struct Reading {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    /// Until when the shop counted as read when this began: another horizon asks for another window.
    horizon: Option<DateTime<Utc>>,
    walk: PageWalk,
}

impl std::fmt::Debug for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reading({} to {}, page {})", self.from, self.to, self.walk.pages())
    }
}

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
    /// The shop has more than fits into its share of a round
    /// ([`EnginePolicy::shop_share_seconds`](super::EnginePolicy)): the next round goes on there.
    pub more: bool,
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
        self.more |= other.more;
    }

    /// Whether the time passed without a single answer.
    pub(super) fn is_silent(&self) -> bool {
        self.more && *self == Self { more: true, ..Self::default() }
    }
}

impl Engine {
    /// Brings a shop up to date by time of change: from where the last call ended, overlapping, to
    /// just before now. The horizon moves only after every page is stored, so a failure in the
    /// middle costs nothing but reading again. A window that a round had no time to finish is read to
    /// its end first, from the page it stopped at. An order that the platform fails to show
    /// ([`Unreadable::is_passing`]) costs only itself: it is kept in quarantine, and every later call
    /// asks for it again until the platform shows or refuses it.
    ///
    /// # Errors
    /// Of the adapter or the store; [`ErrorKind::Configuration`] when a wrong clock moved the horizon
    /// into the future; [`ErrorKind::UnexpectedAnswer`] when the platform's list does not end.
    pub async fn sync(&self, shop: &ShopKey, now: DateTime<Utc>) -> Result<SyncReport> {
        self.sync_until(shop, None, now).await
    }

    pub(super) async fn sync_until(
        &self,
        shop: &ShopKey,
        until: Option<Instant>,
        now: DateTime<Utc>,
    ) -> Result<SyncReport> {
        let mut report = SyncReport::default();
        let aside = self.kept_aside(shop).await?;
        // What was left of an older window first, then what came since.
        loop {
            let was_begun = self.sync_window(shop, until, now, &mut report).await?;
            if report.more {
                return Ok(report);
            }
            if !was_begun {
                break;
            }
            let to = self.end_of_window(shop, now)?;
            if self.0.store.horizon(shop).await?.is_some_and(|known| to <= known) {
                break;
            }
        }
        self.read_aside(shop, aside, until, now, &mut report).await?;
        Ok(report)
    }

    /// The orders that the platform failed to show in an earlier call. After a start, which of those
    /// in quarantine they are is not known any more: each is asked for once.
    /// Those that failed least often come first, so that a few that fail slowly keep no other from its
    /// turn.
    async fn kept_aside(&self, shop: &ShopKey) -> Result<Vec<PlatformOrderId>> {
        let known = self.shop_states().entry(shop.clone()).or_default().aside.clone();
        let Some(known) = known else {
            let kept = self.0.store.quarantined().await?;
            let kept = kept.into_iter().filter(|entry| entry.shop == *shop);
            let kept: BTreeMap<_, _> =
                kept.filter_map(|entry| entry.order).map(|order| (order, 0)).collect();
            let ids = kept.keys().cloned().collect();
            self.shop_states().entry(shop.clone()).or_default().aside = Some(kept);
            return Ok(ids);
        };
        let mut ids: Vec<(PlatformOrderId, u32)> = known.into_iter().collect();
        ids.sort_by_key(|(_, failed)| *failed);
        Ok(ids.into_iter().map(|(id, _)| id).collect())
    }

    /// Asks again for orders that were kept aside. Those that the platform still fails to show stay
    /// aside; those it refuses stay in quarantine.
    async fn read_aside(
        &self,
        shop: &ShopKey,
        aside: Vec<PlatformOrderId>,
        until: Option<Instant>,
        now: DateTime<Utc>,
        report: &mut SyncReport,
    ) -> Result<()> {
        if aside.is_empty() {
            return Ok(());
        }
        let known = self.shop(shop)?;
        let mut read = Vec::new();
        let asked = |id: PlatformOrderId, outcome: SingleRead| {
            let mut states = self.shop_states();
            let state = states.entry(shop.clone()).or_default();
            let aside = state.aside.get_or_insert_default();
            match outcome {
                SingleRead::Failed => {
                    let failed = aside.entry(id).or_default();
                    *failed = failed.saturating_add(1);
                }
                SingleRead::Refused => {
                    aside.remove(&id);
                }
                SingleRead::Read(answered) => {
                    aside.remove(&id);
                    read.push((id, answered));
                }
            }
        };
        // What there is no time for stays aside, and does not make the shop unfinished: a platform
        // that fails must not be asked without a pause.
        self.read_each(known, aside, until, now, report, asked).await?;
        for (id, answered) in read {
            let key = OrderKey::new(shop.platform.clone(), shop.shop.clone(), answered);
            if self.0.store.order(&key).await?.is_some() {
                self.0.store.release(shop, &id).await?;
            }
        }
        Ok(())
    }

    /// Until when a list shows everything now.
    fn end_of_window(&self, shop: &ShopKey, now: DateTime<Utc>) -> Result<DateTime<Utc>> {
        let lag = self.shop(shop)?.adapter.limits().listing_lag_seconds;
        Ok(earlier(now, TimeDelta::seconds(i64::from(lag))))
    }

    /// Reads one window. Returns whether it was one that an earlier call had begun.
    async fn sync_window(
        &self,
        shop: &ShopKey,
        until: Option<Instant>,
        now: DateTime<Utc>,
        report: &mut SyncReport,
    ) -> Result<bool> {
        let known = self.shop(shop)?;
        let horizon = self.0.store.horizon(shop).await?;
        if let Some(horizon) = horizon.filter(|horizon| *horizon > now) {
            return Err(Error::new(
                ErrorKind::Configuration,
                "the shop counts as read until a time in the future: a clock was wrong; see \
                 Engine::reset_horizon",
            )
            .with_context("horizon", horizon)
            .with_context("now", now));
        }
        let mut kept = Kept::take(self, shop, |state| &mut state.reading);
        // A window that ends after now is the trace of a wrong clock.
        let fits = |reading: &Reading| reading.horizon == horizon && reading.to <= now;
        let begun = kept.value.take().filter(fits);
        let was_begun = begun.is_some();
        let reading = match begun {
            Some(reading) => reading,
            None => {
                let to = self.end_of_window(shop, now)?;
                let overlap = TimeDelta::minutes(i64::from(self.0.policy.overlap_minutes));
                let from = match horizon {
                    Some(horizon) => earlier(horizon, overlap),
                    None => earlier(now, TimeDelta::hours(i64::from(known.first_look_hours))),
                };
                if from >= to {
                    return Ok(false);
                }
                Reading { from, to, horizon, walk: PageWalk::new() }
            }
        };
        let reading = kept.value.insert(reading);
        let query = OrderQuery::Updated { from: reading.from, to: reading.to };
        let none = |_| std::future::ready(());
        let read = self.read_pages(known, &query, &mut reading.walk, until, now, none).await;
        let to = reading.to;
        // A token may be what was refused: after an error the window is read anew.
        let read = read.inspect_err(|_| kept.value = None)?;
        let has_more = read.more;
        report.add(read);
        if !has_more {
            kept.value = None;
            self.0.store.advance(shop, to).await?;
        }
        Ok(was_begun)
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
        let snapshot = match checked(snapshot) {
            Ok(snapshot) => snapshot,
            Err(unreadable) => {
                let error = Error::new(ErrorKind::UnexpectedAnswer, unreadable.reason.clone())
                    .with_context("order", key);
                Box::pin(self.put_aside(shop, unreadable, now, &mut report)).await?;
                return Err(error);
            }
        };
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
        let none = |_| std::future::ready(());
        self.read_pages(shop, query, &mut PageWalk::new(), None, now, none).await
    }

    /// Reads the pages of a query from where the walk is, until the end or an instant, if there is
    /// one; `stored` gets the orders of each page that have news, as they are in the store then.
    pub(super) async fn read_pages<F>(
        &self,
        shop: &Shop,
        query: &OrderQuery,
        walk: &mut PageWalk,
        until: Option<Instant>,
        now: DateTime<Utc>,
        mut stored: impl FnMut(Vec<Order>) -> F + Send,
    ) -> Result<SyncReport>
    where
        F: Future<Output = ()> + Send,
    {
        let mut report = SyncReport::default();
        loop {
            let asked = within(until, shop.adapter.list_orders(query, walk.cursor())).await;
            let Some(page) = asked.transpose()? else {
                report.more = true;
                return Ok(report);
            };
            report.pages += 1;
            report.seen += page.items.len() as u64;
            let mut snapshots = Vec::with_capacity(page.items.len());
            for item in page.items {
                match item {
                    PlatformItem::Read(snapshot) => snapshots.push(*snapshot),
                    PlatformItem::Unreadable(unreadable) => {
                        Box::pin(self.put_aside(shop, unreadable, now, &mut report)).await?;
                    }
                }
            }
            let news = self.take_in(shop, snapshots, now, &mut report).await?;
            stored(news).await;
            let more = walk.go_on(page.next);
            if !more.map_err(|list| endless(list, &shop.key, "list_orders"))? {
                self.leave_quarantine(shop, now).await?;
                return Ok(report);
            }
            if is_past(until) {
                report.more = true;
                return Ok(report);
            }
        }
    }

    /// Keeps what is no order, so that it is neither lost nor in the way. An order that is known from
    /// before waits until it can be read again: what it became in the meantime nobody knows.
    pub(super) async fn put_aside(
        &self,
        shop: &Shop,
        unreadable: Unreadable,
        now: DateTime<Utc>,
        report: &mut SyncReport,
    ) -> Result<()> {
        report.quarantined += 1;
        if let (Some(id), false) = (&unreadable.id, unreadable.is_passing)
            && Box::pin(self.hold_known(shop, id, &unreadable.reason, now, report)).await?
        {
            return Ok(());
        }
        if let (Some(id), true) = (&unreadable.id, unreadable.is_passing) {
            self.ask_again(&shop.key, id);
        }
        let entry = QuarantineEntry {
            shop: shop.key.clone(),
            order: unreadable.id,
            reason: unreadable.reason,
            raw: unreadable.raw,
            seen_at: now,
        };
        self.0.store.quarantine(&entry).await
    }

    /// Holds an order that is known and has not left. The answer alone may have been broken: the order
    /// is read once more before. Returns whether it could be read then.
    async fn hold_known(
        &self,
        shop: &Shop,
        id: &PlatformOrderId,
        reason: &str,
        now: DateTime<Utc>,
        report: &mut SyncReport,
    ) -> Result<bool> {
        let key = OrderKey::new(shop.key.platform.clone(), shop.key.shop.clone(), id.clone());
        let may_leave = |order: &Order| {
            let ships = matches!(
                order.state(),
                OrderState::Unpaid | OrderState::AwaitingShipment | OrderState::PartiallyShipped
            );
            ships && !is_unread(order)
        };
        if !self.0.store.order(&key).await?.as_ref().is_some_and(may_leave) {
            return Ok(false);
        }
        match self.patiently(&shop.key, "get_order", shop.adapter.get_order(id)).await {
            Ok(snapshot) if snapshot.check().is_ok() => {
                self.take_in_round(shop, vec![snapshot], now, report).await?;
                return Ok(true);
            }
            Err(error) if error.kind() == ErrorKind::AuthRejected => return Err(error),
            _ => {}
        }
        let why = format!("the platform's last word of it cannot be read: {reason}");
        let held = self
            .change(&key, None, &Actor::System, now, |order| {
                let hold = may_leave(order).then(|| hold_unread(&why, now));
                Ok(hold.map(|actions| (actions, Alongside::default(), ())))
            })
            .await?;
        if held.is_some() {
            self.ask_again(&shop.key, id);
        }
        Ok(false)
    }

    fn ask_again(&self, shop: &ShopKey, order: &PlatformOrderId) {
        let mut states = self.shop_states();
        let state = states.entry(shop.clone()).or_default();
        // Before the first call after a start nobody remembers; the quarantine does.
        if let Some(aside) = &mut state.aside {
            aside.entry(order.clone()).or_default();
        }
    }

    /// Orders that could be read after all need not be kept as unreadable.
    async fn leave_quarantine(&self, shop: &Shop, now: DateTime<Utc>) -> Result<()> {
        let aside = self.shop_states().get(&shop.key).and_then(|state| state.aside.clone());
        let aside = aside.unwrap_or_default();
        for entry in self.0.store.quarantined().await? {
            let (Some(id), true) = (entry.order, entry.shop == shop.key && entry.seen_at < now)
            else {
                continue;
            };
            // An older version of it may be known; the one that was not shown is still to be read.
            if aside.contains_key(&id) {
                continue;
            }
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
            let snapshot = match checked(snapshot) {
                Ok(snapshot) => snapshot,
                Err(unreadable) => {
                    Box::pin(self.put_aside(shop, unreadable, now, report)).await?;
                    continue;
                }
            };
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
                let mut news = reconcile(order, snapshot, now);
                if is_unread(order) && !is_older(snapshot, order) {
                    news.extend(release_unread(now));
                }
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

/// An order that can be one, or what is kept of one that contradicts itself.
pub(super) fn checked(snapshot: PlatformOrder) -> std::result::Result<PlatformOrder, Unreadable> {
    let Err(fault) = snapshot.check() else { return Ok(snapshot) };
    let raw = if snapshot.raw.expose().is_empty() {
        // Adapters without bytes of their own: what they made of it is kept.
        serde_json::to_string(&snapshot).unwrap_or_default().into()
    } else {
        snapshot.raw
    };
    Err(Unreadable::new(Some(snapshot.id), fault.to_string(), raw))
}

fn is_unread(order: &Order) -> bool {
    order.holds.iter().any(|hold| hold.id == unread() && hold.released_at.is_none())
}

fn hold_unread(why: &str, now: DateTime<Utc>) -> Vec<Action> {
    let hold = Hold {
        id: unread(),
        reason: HoldReason::ManualReview,
        note: Some(why.to_owned()),
        placed_at: now,
        until: None,
        released_at: None,
    };
    let kind = ExceptionKind::ImportFailure;
    vec![
        Action::HoldPlaced { hold },
        Action::IncidentRaised { kind, package: None, detail: why.to_owned() },
    ]
}

fn release_unread(now: DateTime<Utc>) -> impl Iterator<Item = Event> {
    let over = [
        Action::HoldReleased { hold: unread() },
        Action::IncidentResolved { kind: ExceptionKind::ImportFailure, package: None },
    ];
    over.into_iter().map(move |action| Event::new(action, now, Actor::System))
}

/// A list without an end as an error that names shop and operation.
pub(super) fn endless(list: EndlessList, shop: &ShopKey, operation: &'static str) -> Error {
    list.of(&shop.platform, operation).with_context("shop", shop)
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
