//! Applying events and writing them, with reload on conflict.

use chrono::{DateTime, Utc};

use super::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{EventId, IdempotencyKey, LineId, OrderKey};
use crate::order::{Action, Actor, Effect, Event, EventKind, Order, Rejected, apply_under};
use crate::ports::store::{Commit, Committed, IntendedEffect, Intent, Settlement, StoredDocument};
use crate::ports::{StockMove, StockReturn};

/// How often a lost race is run again before it is reported. Each loss means that somebody else
/// made progress.
const RACES: u32 = 16;

/// What is written together with events.
#[derive(Clone, Default)]
pub(super) struct Alongside {
    pub(super) intents: Vec<Intent>,
    pub(super) settled: Vec<Settlement>,
    pub(super) documents: Vec<StoredDocument>,
}

impl Alongside {
    pub(super) fn settle(key: IdempotencyKey, at: DateTime<Utc>, outcome: &str) -> Self {
        Self {
            settled: vec![Settlement { key, at, outcome: outcome.to_owned() }],
            ..Self::default()
        }
    }
}

impl From<Rejected> for Error {
    fn from(rejected: Rejected) -> Self {
        Self::new(ErrorKind::Rejected, rejected.to_string()).with_source(rejected)
    }
}

/// Applies actions one after the other; the effects of all of them come with the order.
pub(super) fn apply_all(
    engine: &Engine,
    order: &Order,
    actions: Vec<Action>,
    actor: &Actor,
    now: DateTime<Utc>,
) -> std::result::Result<(Order, Vec<Event>, Vec<Effect>), Rejected> {
    let events = actions.into_iter().map(|action| {
        let mut event = Event::new(action, now, actor.clone());
        // Writing the same event twice counts as written. Two workers that begin the same purchase
        // at the same instant must not both believe that it is theirs.
        if event.kind() == EventKind::LabelRequested {
            event.id = EventId::of_content(&[event.id.as_str(), &engine.0.worker]);
        }
        event
    });
    apply_events(engine, order, events.collect(), now)
}

/// As [`apply_all`], for events that exist already. Events that were applied before are left out.
pub(super) fn apply_events(
    engine: &Engine,
    order: &Order,
    events: Vec<Event>,
    now: DateTime<Utc>,
) -> std::result::Result<(Order, Vec<Event>, Vec<Effect>), Rejected> {
    let mut order = order.clone();
    let mut applied = Vec::with_capacity(events.len());
    let mut effects = Vec::new();
    for event in events {
        let transition = apply_under(&order, &event, now, &engine.0.policy.lifecycle)?;
        if !transition.repeated {
            order = transition.order;
            effects.extend(transition.effects);
            applied.push(event);
        }
    }
    Ok((order, applied, effects))
}

impl Engine {
    /// Writes one commit. `Ok(None)` is a lost race.
    pub(super) async fn write(
        &self,
        before: Option<&Order>,
        after: Order,
        events: Vec<Event>,
        effects: &[Effect],
        mut alongside: Alongside,
        now: DateTime<Utc>,
    ) -> Result<Option<Order>> {
        alongside.intents.extend(self.stock_intents(&after, effects, now));
        if events.is_empty() && alongside.settled.is_empty() && alongside.intents.is_empty() {
            return Ok(Some(after));
        }
        let commit = Commit {
            order: after.clone(),
            expected: before.map(|order| order.version),
            events,
            intents: alongside.intents,
            settled: alongside.settled,
            documents: alongside.documents,
        };
        let outcome = self.0.store.commit(vec![commit]).await?;
        match outcome.first() {
            Some(Committed::Done) => Ok(Some(after)),
            Some(Committed::Conflict { .. }) => Ok(None),
            None => Err(Error::new(ErrorKind::Storage, "the store gave no outcome of a commit")),
        }
    }

    /// Loads an order, decides on actions, applies and writes them; again after a lost race.
    /// `decide` returns `None` when there is nothing to do.
    pub(super) async fn change<T>(
        &self,
        key: &OrderKey,
        known: Option<Order>,
        actor: &Actor,
        now: DateTime<Utc>,
        mut decide: impl FnMut(&Order) -> Result<Option<(Vec<Action>, Alongside, T)>> + Send,
    ) -> Result<Option<(Order, T)>>
    where
        T: Send,
    {
        let mut known = known;
        for _ in 0..RACES {
            let order = match known.take() {
                Some(order) => order,
                None => self.load(key).await?,
            };
            let Some((actions, alongside, value)) = decide(&order)? else { return Ok(None) };
            let (after, events, effects) = apply_all(self, &order, actions, actor, now)?;
            if let Some(after) =
                self.write(Some(&order), after, events, &effects, alongside, now).await?
            {
                return Ok(Some((after, value)));
            }
        }
        Err(Error::new(ErrorKind::Conflict, "the order changes faster than it can be written")
            .with_context("order", key))
    }

    /// Applies actions of a person or the host, audited under `actor`.
    ///
    /// # Errors
    /// [`ErrorKind::Rejected`] when the lifecycle refuses one of them (its source is the exact
    /// [`Rejected`]); nothing is changed then.
    pub async fn act(
        &self,
        key: &OrderKey,
        actions: Vec<Action>,
        actor: Actor,
        now: DateTime<Utc>,
    ) -> Result<Order> {
        let changed = self
            .change(key, None, &actor, now, |_| {
                Ok(Some((actions.clone(), Alongside::default(), ())))
            })
            .await?;
        match changed {
            Some((order, ())) => Ok(order),
            None => self.load(key).await,
        }
    }

    /// Loads an order that must exist.
    pub(super) async fn load(&self, key: &OrderKey) -> Result<Order> {
        self.0.store.order(key).await?.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "the store has no such order")
                .with_context("order", key)
        })
    }

    /// Stock that comes back or leaves is written down with the events that cause it.
    pub(super) fn stock_intents(
        &self,
        order: &Order,
        effects: &[Effect],
        now: DateTime<Utc>,
    ) -> Vec<Intent> {
        effects
            .iter()
            .filter_map(|effect| {
                let (name, part, package, intended) = match effect {
                    Effect::ReleaseStock { line } => (
                        "release",
                        line.to_string(),
                        None,
                        IntendedEffect::ReleaseStock { line: line.clone() },
                    ),
                    Effect::ConsumeStock { package } => (
                        "consume",
                        package.to_string(),
                        Some(package.clone()),
                        IntendedEffect::ConsumeStock {
                            moves: stock_moves(order, order.package(package)?),
                        },
                    ),
                    Effect::TakeBackStock { number } => (
                        "take back",
                        number.to_string(),
                        None,
                        IntendedEffect::TakeBackStock { returned: stock_return(order, *number)? },
                    ),
                    _ => return None,
                };
                let version = order.version.to_string();
                let key = IdempotencyKey::derive(&[name, &order.key.to_string(), &part, &version]);
                Some(Intent {
                    key,
                    order: order.key.clone(),
                    package,
                    effect: intended,
                    created_at: now,
                    due_at: now,
                    attempts: 0,
                    resent_at: None,
                })
            })
            .collect()
    }
}

/// The units of a parcel as stock moves.
pub(super) fn stock_moves(order: &Order, package: &crate::shipment::Package) -> Vec<StockMove> {
    package
        .contents
        .iter()
        .filter_map(|packed| {
            let sku = order.line(&packed.line)?.sku.clone()?;
            Some(StockMove {
                order: order.key.clone(),
                line: packed.line.clone(),
                sku,
                warehouse: package.warehouse.clone(),
                units: packed.units,
                package: Some(package.id.clone()),
            })
        })
        .collect()
}

/// The units of a line that its order wants from stock in all: those that left and those that still
/// shall. `None` for goods without SKU.
pub(super) fn wanted_of(order: &Order, line: &LineId) -> Option<StockMove> {
    let counters = crate::order::counters(order, line)?;
    let left = order
        .packages
        .iter()
        .filter(|package| package.shipped.is_some())
        .map(|package| package.units_of(line))
        .fold(0, u32::saturating_add);
    Some(StockMove {
        order: order.key.clone(),
        line: line.clone(),
        sku: order.line(line)?.sku.clone()?,
        warehouse: None,
        units: counters.active().saturating_sub(counters.shipped).saturating_add(left),
        package: None,
    })
}

/// A return of an order as the stock system needs it; `None` for goods without SKU.
fn stock_return(order: &Order, number: u32) -> Option<StockReturn> {
    let index = usize::try_from(number).ok()?.checked_sub(1)?;
    let units = order.returns.get(index)?;
    Some(StockReturn {
        order: order.key.clone(),
        line: units.line.clone(),
        number,
        sku: order.line(&units.line)?.sku.clone()?,
        // They usually go back to where they came from.
        warehouse: order
            .packages
            .iter()
            .find(|package| package.is_delivered() && package.units_of(&units.line) > 0)
            .and_then(|package| package.warehouse.clone()),
        units: units.units,
        sellable: units.restock,
    })
}
