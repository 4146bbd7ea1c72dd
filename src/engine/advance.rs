//! The automatic links: review, acknowledgement, allocation, completion.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future;

use super::commit::{Alongside, apply_all};
use super::ingest::open_moves;
use super::plan::{Facts, Step, plan};
use super::round::{Part, Turn, Worked, no_answer};
use super::time::earlier;
use super::{Engine, Shop};
use crate::error::{Error, Result};
use crate::ids::{BuyerId, OrderKey, ShopKey, Sku};
use crate::order::{
    Action, Actor, Effect, Event, ExceptionKind, Incident, LogisticsMode, Order, OrderFilter,
    OrderSort, OrderState, Review, TimeRange,
};
use crate::ports::StockError;
use crate::warehouse::StockView;

/// Orders loaded at once: memory does not grow with the number of orders.
const PAGE: u32 = 256;

/// Steps taken with one order in one call. More would mean that a step does not do what it says.
const STEPS: u32 = 12;

/// Something that did not work for one order. Others went on.
#[derive(Debug)]
pub struct Trouble {
    /// Which order.
    pub order: OrderKey,
    /// What was tried.
    pub step: &'static str,
    /// What went wrong.
    pub error: Error,
}

/// An order with changes that are not written yet.
struct Draft {
    /// As it is in the store.
    stored: Order,
    /// As it will be.
    order: Order,
    events: Vec<Event>,
    effects: Vec<Effect>,
}

impl Draft {
    /// Goes on from what is stored now. Always `true`: something has been done.
    fn restart(&mut self, order: Order) -> bool {
        self.stored = order.clone();
        self.order = order;
        self.events.clear();
        self.effects.clear();
        true
    }
}

/// What advancing orders came to.
#[derive(Debug, Default)]
pub struct AdvanceReport {
    /// Orders looked at.
    pub seen: u64,
    /// Orders approved now.
    pub approved: u64,
    /// Orders that a person must look at now.
    pub needs_person: u64,
    /// Orders acknowledged now.
    pub acknowledged: u64,
    /// Orders allocated now.
    pub allocated: u64,
    /// Orders with units short.
    pub backordered: u64,
    /// Orders completed now.
    pub completed: u64,
    /// What did not work.
    pub troubles: Vec<Trouble>,
}

impl AdvanceReport {
    pub(super) fn add(&mut self, other: Self) {
        self.seen += other.seen;
        self.approved += other.approved;
        self.needs_person += other.needs_person;
        self.acknowledged += other.acknowledged;
        self.allocated += other.allocated;
        self.backordered += other.backordered;
        self.completed += other.completed;
        self.troubles.extend(other.troubles);
    }
}

impl Engine {
    /// Takes every open order as far as it goes without spending money: deadlines, review,
    /// acknowledgement, allocation, completion, voiding labels of cancelled orders. One order's
    /// trouble never stops the others, and a shop's only its own: what does not fit into its share
    /// ([`EnginePolicy::shop_share_seconds`](super::EnginePolicy)) is left for the next call.
    ///
    /// # Errors
    /// Of the store; troubles of single orders are in the report.
    pub async fn advance(&self, now: DateTime<Utc>) -> Result<AdvanceReport> {
        self.advance_in(&self.round().part(), now).await
    }

    pub(super) async fn advance_in(
        &self,
        part: &Part<'_>,
        now: DateTime<Utc>,
    ) -> Result<AdvanceReport> {
        // Shops go on beside each other: orders of one are taken further page by page while another
        // still waits for its platform. Only keys are held of all of them.
        let mut shops: BTreeMap<ShopKey, Vec<OrderKey>> = BTreeMap::new();
        let mut after: Option<OrderKey> = None;
        loop {
            let keys = self.0.store.open_orders(after.as_ref(), PAGE).await?;
            let Some(last) = keys.last().cloned() else { break };
            for key in keys {
                shops.entry(key.shop_key()).or_default().push(key);
            }
            after = Some(last);
        }
        let going = shops
            .into_iter()
            .filter(|(shop, _)| !self.is_stopped(shop, now) && !part.round.is_silent(shop));
        let done = future::join_all(going.map(|(shop, mut keys)| async move {
            // After a round that did not come to the end, the next one begins behind the orders it
            // was stopped by: the same few never keep the others of their shop from their turn.
            let resume = self.shop_states().get_mut(&shop).and_then(|s| s.advanced_to.take());
            if let Some(resume) = resume {
                let behind = keys.partition_point(|key| *key <= resume);
                keys.rotate_left(behind);
            }
            let mut report = AdvanceReport::default();
            for page in keys.chunks(PAGE as usize) {
                let (done, stopped_by) = self.advance_some(Turn::Share(part), page, now).await?;
                report.add(done);
                if let Some(order) = stopped_by {
                    self.shop_states().entry(shop.clone()).or_default().advanced_to = Some(order);
                    break;
                }
            }
            Ok::<_, Error>(report)
        }))
        .await;
        let mut report = AdvanceReport::default();
        for one in done {
            report.add(one?);
        }
        Ok(report)
    }

    /// As [`Engine::advance`], for some orders, for as long as the shops answer
    /// ([`EnginePolicy::patience_seconds`](super::EnginePolicy)).
    ///
    /// # Errors
    /// Of the store; troubles of single orders are in the report.
    pub async fn advance_orders(
        &self,
        keys: &[OrderKey],
        now: DateTime<Utc>,
    ) -> Result<AdvanceReport> {
        Ok(self.advance_some(Turn::Patience, keys, now).await?.0)
    }

    /// Advances orders in their shops' turn. Returns also the last of the orders that had begun when
    /// the turn ended.
    async fn advance_some(
        &self,
        turn: Turn<'_>,
        keys: &[OrderKey],
        now: DateTime<Utc>,
    ) -> Result<(AdvanceReport, Option<OrderKey>)> {
        let orders: Vec<Order> = self.0.store.orders(keys).await?.into_iter().flatten().collect();
        let recent = self.recent_of_buyers(&orders, now).await?;
        let mut report = AdvanceReport::default();
        let recent = &recent;
        let known: Vec<OrderKey> = orders.iter().map(|order| order.key.clone()).collect();
        let done = self
            .per_shop(
                turn,
                orders,
                |order: &Order| order.key.shop_key(),
                |order| async move { self.advance_one(order, recent, now).await.1 },
            )
            .await;
        let (mut stopped_by, mut is_cut) = (None, false);
        for (key, one) in known.into_iter().zip(done) {
            match one {
                Worked::Done(one) => report.add(one),
                Worked::NotBegun if matches!(turn, Turn::Patience) => {
                    let error = no_answer(&key.shop_key(), "advance");
                    report.troubles.push(Trouble { order: key, step: "wait", error });
                }
                Worked::NotBegun => is_cut = true,
                Worked::Broken(error) => {
                    report.troubles.push(Trouble { order: key, step: "adapter", error });
                }
                Worked::GivenUp => {
                    let error = no_answer(&key.shop_key(), "advance");
                    stopped_by = Some(key.clone());
                    report.troubles.push(Trouble { order: key, step: "wait", error });
                }
            }
        }
        if is_cut && stopped_by.is_none() {
            // The share ended between two orders: the next round begins with this page.
            stopped_by = keys.first().cloned();
        }
        report.troubles.sort_by(|a, b| a.order.cmp(&b.order));
        Ok((report, stopped_by))
    }

    /// Orders of the same buyers within the window in which an equal order is suspicious.
    pub(super) async fn recent_of_buyers(
        &self,
        orders: &[Order],
        now: DateTime<Utc>,
    ) -> Result<Vec<Order>> {
        let unreviewed = |order: &&Order| {
            order.state() == OrderState::AwaitingShipment
                && !matches!(order.review, Review::Approved { .. })
        };
        let mut buyers: Vec<BuyerId> =
            orders.iter().filter(unreviewed).filter_map(|order| order.buyer.id.clone()).collect();
        buyers.sort();
        buyers.dedup();
        let earliest = orders.iter().filter(unreviewed).map(|order| order.placed_at).min();
        let (Some(earliest), false) = (earliest, buyers.is_empty()) else { return Ok(Vec::new()) };
        let hours =
            self.shops().map(|shop| shop.review.duplicate_window_hours).max().unwrap_or_default();
        let filter = OrderFilter {
            buyers,
            placed: TimeRange {
                from: Some(earlier(earliest, TimeDelta::hours(i64::from(hours)))),
                to: None,
            },
            ..OrderFilter::default()
        };
        Ok(self.0.store.find(&filter, OrderSort::Placed, now, 0, 4 * PAGE).await?.orders)
    }

    /// Takes an order as far as it goes. What only changes facts is gathered and written in one
    /// commit, before anything is sent to the outside and at the end.
    pub(super) async fn advance_one(
        &self,
        order: Order,
        recent: &[Order],
        now: DateTime<Utc>,
    ) -> (Order, AdvanceReport) {
        let mut report = AdvanceReport { seen: 1, ..AdvanceReport::default() };
        let key = order.key.clone();
        let mut draft =
            Draft { stored: order.clone(), order, events: Vec::new(), effects: Vec::new() };
        for _ in 0..STEPS {
            match self.one_step(&mut draft, recent, now, &mut report).await {
                Ok(true) => {}
                Ok(false) => break,
                Err((step, error)) => {
                    report.troubles.push(Trouble { order: key.clone(), step, error });
                    break;
                }
            }
        }
        if let Err(error) = self.flush(&mut draft, now).await {
            report.troubles.push(Trouble { order: key, step: "store", error });
        }
        (draft.stored, report)
    }

    /// Returns whether something was done.
    async fn one_step(
        &self,
        draft: &mut Draft,
        recent: &[Order],
        now: DateTime<Utc>,
        report: &mut AdvanceReport,
    ) -> std::result::Result<bool, (&'static str, Error)> {
        let at = |step| move |error| (step, error);
        let order = &draft.order;
        let shop = self.shop(&order.key.shop_key()).map_err(at("shop"))?;
        let waits =
            matches!(order.state(), OrderState::AwaitingShipment | OrderState::PartiallyShipped)
                && order.logistics != LogisticsMode::PlatformFulfilled;
        let (reserved, stock) = if waits && !is_past_allocation(order) {
            let reserved = self.reserve_all(order).await.map_err(at("reserve"))?;
            (reserved, self.stock_of(order).await.map_err(at("stock"))?)
        } else {
            (true, StockView::new())
        };
        let limits = shop.adapter.limits();
        let facts = Facts {
            limits: &limits,
            platform_deadlines: &[],
            sla: &shop.sla,
            completion: shop.completion,
            review: &shop.review,
            allocation: &self.0.policy.allocation,
            warehouses: &self.0.warehouses,
            stock: &stock,
            reserved,
            recent,
        };
        for step in plan(order, &facts, now) {
            let action = match step {
                Step::SetDeadlines(deadlines) => Action::DeadlinesSet { deadlines },
                Step::Review(review) => {
                    match &review {
                        Review::Approved { .. } => report.approved += 1,
                        _ => report.needs_person += 1,
                    }
                    Action::Reviewed { review }
                }
                Step::Acknowledge => {
                    self.flush(draft, now).await.map_err(at("store"))?;
                    return self
                        .acknowledge(shop, draft, now, report)
                        .await
                        .map_err(at("acknowledge"));
                }
                Step::Allocate(allocation) => {
                    if !limits.needs_acknowledgement
                        && let Some(why) =
                            self.commit_stock(order).await.map_err(at("commit stock"))?
                    {
                        return self.oversold(draft, why, now).map_err(at("commit stock"));
                    }
                    report.allocated += u64::from(!allocation.packages.is_empty());
                    report.backordered += u64::from(!allocation.backordered.is_empty());
                    Action::Allocated { allocation }
                }
                Step::VoidLabel(package) => {
                    self.flush(draft, now).await.map_err(at("store"))?;
                    let reason = "nothing is left to ship";
                    let voided = self
                        .void_label(draft.order.clone(), &package, reason, now)
                        .await
                        .map_err(at("void label"))?;
                    return Ok(voided.is_some_and(|order| draft.restart(order)));
                }
                Step::Complete => {
                    report.completed += 1;
                    Action::Completed { completed_at: now }
                }
                // These cost money or time; they have calls of their own.
                Step::Route(_) | Step::BuyLabel(_) | Step::RecoverLabel(_) | Step::Upload(_) => {
                    continue;
                }
            };
            return self.gather(draft, action, now).map_err(at("lifecycle"));
        }
        if waits_for_stock(order, reserved, now) {
            return self.short(draft, now).map_err(at("lifecycle"));
        }
        Ok(false)
    }

    /// Applies an action to the draft; nothing is written yet.
    fn gather(&self, draft: &mut Draft, action: Action, now: DateTime<Utc>) -> Result<bool> {
        let (order, events, effects) =
            apply_all(self, &draft.order, vec![action], &Actor::System, now)?;
        draft.order = order;
        draft.events.extend(events);
        draft.effects.extend(effects);
        Ok(true)
    }

    /// Writes what was gathered. After a lost race the draft starts again from what is stored:
    /// every decision in it is made anew.
    async fn flush(&self, draft: &mut Draft, now: DateTime<Utc>) -> Result<()> {
        if draft.events.is_empty() {
            return Ok(());
        }
        let events = std::mem::take(&mut draft.events);
        let effects = std::mem::take(&mut draft.effects);
        let after = draft.order.clone();
        let written = self
            .write(Some(&draft.stored), after, events, &effects, Alongside::default(), now)
            .await?;
        let order = match written {
            Some(order) => order,
            None => self.load(&draft.stored.key).await?,
        };
        draft.restart(order);
        Ok(())
    }

    async fn acknowledge(
        &self,
        shop: &Shop,
        draft: &mut Draft,
        now: DateTime<Utc>,
        report: &mut AdvanceReport,
    ) -> Result<bool> {
        let Some(ability) = shop.adapter.acknowledge() else {
            return Err(Error::unsupported("the platform takes no acknowledgement"));
        };
        // An acknowledgement is a promise: the stock behind it is committed first.
        if let Some(why) = self.commit_stock(&draft.order).await? {
            return self.oversold(draft, why, now);
        }
        let told = ability.acknowledge(&draft.order.key.order).await;
        told.inspect_err(|error| self.stop_if_refused(&shop.key, error, now))?;
        report.acknowledged += 1;
        self.gather(draft, Action::Acknowledged { acknowledged_at: now }, now)
    }

    /// Tells once that an approved order waits for goods.
    fn short(&self, draft: &mut Draft, now: DateTime<Utc>) -> Result<bool> {
        let kind = ExceptionKind::OutOfStock;
        let is_told = |incident: &Incident| incident.kind == kind && incident.resolved_at.is_none();
        if !draft.order.incidents.iter().any(is_told) {
            let detail = "approved, and stock is not there for every line".to_owned();
            let action = Action::IncidentRaised { kind, package: None, detail };
            self.gather(draft, action, now)?;
        }
        Ok(false)
    }

    fn oversold(&self, draft: &mut Draft, why: String, now: DateTime<Utc>) -> Result<bool> {
        let known = draft.order.incidents.iter().any(|incident| {
            incident.kind == ExceptionKind::Oversold && incident.resolved_at.is_none()
        });
        if !known {
            let action = Action::IncidentRaised {
                kind: ExceptionKind::Oversold,
                package: None,
                detail: why,
            };
            self.gather(draft, action, now)?;
        }
        Ok(false)
    }

    /// Commits the stock behind every open unit, or says why it cannot. Where parts of an order may
    /// ship, what there is of a line is committed, and the rest is backordered.
    async fn commit_stock(&self, order: &Order) -> Result<Option<String>> {
        let may_be_part = self.0.policy.allocation.allow_partial;
        for mut wanted in open_moves(order) {
            let mut outcome = self.0.stock.commit(&wanted).await;
            if let (true, Err(StockError::Short { available, .. })) = (may_be_part, &outcome) {
                wanted.units = wanted.units.min(*available);
                outcome = match wanted.units {
                    0 => Ok(()),
                    _ => self.0.stock.commit(&wanted).await,
                };
            }
            match outcome {
                Ok(()) => self.stock_moved(std::iter::once(&wanted.sku)),
                Err(StockError::Failed(error)) => return Err(error),
                Err(short) => {
                    return Ok(Some(format!("line {}: stock is short: {short}", wanted.line)));
                }
            }
        }
        Ok(None)
    }

    async fn stock_of(&self, order: &Order) -> Result<StockView> {
        let mut skus: Vec<Sku> = order.lines.iter().filter_map(|line| line.sku.clone()).collect();
        skus.sort();
        skus.dedup();
        self.0.stock.view(&skus, Some(&order.key)).await.map_err(stock_failure)
    }

    /// The zone and working days that a parcel of this order leaves by.
    pub(super) fn calendar_of(
        &self,
        shop: &ShopKey,
        warehouse: Option<&crate::WarehouseId>,
    ) -> Result<&crate::calendar::WorkCalendar> {
        let found = self.0.warehouses.iter().find(|known| Some(&known.id) == warehouse);
        match found {
            Some(warehouse) => Ok(&warehouse.calendar),
            None => Ok(&self.shop(shop)?.calendar),
        }
    }
}

/// Whether an order that somebody approved is not acknowledged because goods are missing.
fn waits_for_stock(order: &Order, reserved: bool, now: DateTime<Utc>) -> bool {
    order.needs_acknowledgement
        && order.acknowledged_at.is_none()
        && !reserved
        && matches!(order.review, Review::Approved { .. })
        && matches!(order.state(), OrderState::AwaitingShipment | OrderState::PartiallyShipped)
        && !order.is_held(now)
}

/// Whether stock no longer matters to the plan.
fn is_past_allocation(order: &Order) -> bool {
    matches!(order.review, Review::Approved { .. })
        && (!order.needs_acknowledgement || order.acknowledged_at.is_some())
        && order.lines.iter().all(|line| order.open_units(&line.id) == 0)
}

/// A stock system's answer as an error of this crate.
pub(super) fn stock_failure(error: StockError) -> Error {
    match error {
        StockError::Failed(error) => error,
        other => Error::new(crate::ErrorKind::Rejected, other.to_string()).with_source(other),
    }
}
