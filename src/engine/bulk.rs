//! Bulk operations over orders of many shops: one outcome per item, in the order given. A shop that
//! gives no answer costs only its own items.

use chrono::{DateTime, Utc};

use super::commit::Alongside;
use super::labels::outcome_of;
use super::round::Turn;
use super::time::seconds_later;
use super::{Engine, ItemOutcome};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{IdempotencyKey, OrderKey, PackageId, ShopKey};
use crate::order::{Action, Actor, CancelReason, LogisticsMode, Order, Priority, Review, counters};
use crate::personal::Personal;
use crate::ports::store::{IntendedEffect, Intent};
use crate::ports::{CancelLine, RefundLine};

impl Engine {
    /// One outcome for each item, also for those of a shop that gives no answer
    /// ([`EnginePolicy::patience_seconds`](super::EnginePolicy)): what was begun is ambiguous, the
    /// rest was not sent.
    async fn answered<T, F, Fut>(
        &self,
        items: Vec<T>,
        shop_of: impl Fn(&T) -> ShopKey + Send,
        work: F,
    ) -> Vec<ItemOutcome<()>>
    where
        T: Send,
        F: Fn(T) -> Fut + Send + Sync,
        Fut: Future<Output = ItemOutcome<()>> + Send,
    {
        let worked = self.per_shop(Turn::Patience, items, shop_of, work).await;
        worked.into_iter().map(outcome_of).collect()
    }

    /// Acknowledges orders that are approved, committing their stock first.
    pub async fn acknowledge_orders(
        &self,
        orders: &[OrderKey],
        now: DateTime<Utc>,
    ) -> Vec<ItemOutcome<()>> {
        self.answered(orders.to_vec(), OrderKey::shop_key, |key| async move {
            self.acknowledge_one(&key, now).await.unwrap_or_else(ItemOutcome::Failed)
        })
        .await
    }

    async fn acknowledge_one(&self, key: &OrderKey, now: DateTime<Utc>) -> Result<ItemOutcome<()>> {
        let skip = |why: &str| Ok(ItemOutcome::Skipped(why.to_owned()));
        let order = self.load(key).await?;
        if !order.needs_acknowledgement {
            return skip("the platform wants no acknowledgement");
        }
        if order.acknowledged_at.is_some() {
            return skip("it is acknowledged");
        }
        if order.is_held(now) {
            return skip("it is on hold");
        }
        if matches!(order.review, Review::NeedsPerson { .. }) {
            return skip("a person must review it first");
        }
        let mut report = self.advance_orders(std::slice::from_ref(key), now).await?;
        if let Some(trouble) = report.troubles.pop() {
            return Ok(ItemOutcome::Failed(trouble.error));
        }
        match self.load(key).await?.acknowledged_at {
            Some(_) => Ok(ItemOutcome::Done(())),
            None => skip("it is not ready to be acknowledged"),
        }
    }

    /// Cancels what has not left of some orders: live labels are voided first, then the platform is
    /// told, written down before. Platforms give the money of cancelled units back by themselves;
    /// for units that left see [`Engine::refund_orders`].
    pub async fn cancel_orders(
        &self,
        orders: &[OrderKey],
        reason: &CancelReason,
        now: DateTime<Utc>,
    ) -> Vec<ItemOutcome<()>> {
        self.answered(orders.to_vec(), OrderKey::shop_key, |key| async move {
            self.cancel_one(&key, reason, now).await.unwrap_or_else(ItemOutcome::Failed)
        })
        .await
    }

    async fn cancel_one(
        &self,
        key: &OrderKey,
        reason: &CancelReason,
        now: DateTime<Utc>,
    ) -> Result<ItemOutcome<()>> {
        let shop = self.shop(&key.shop_key())?;
        if shop.adapter.cancellations().is_none() {
            return Err(Error::unsupported("the platform takes no cancellations"));
        }
        let mut order = self.load(key).await?;
        if order.state().is_terminal() {
            return Ok(ItemOutcome::Skipped(format!("the order is {}", order.state())));
        }
        let labelled: Vec<PackageId> = order
            .packages
            .iter()
            .filter(|package| package.shipped.is_none() && package.has_live_label())
            // A platform's label lapses with its order.
            .filter(|_| order.logistics != LogisticsMode::PlatformLabel)
            .map(|package| package.id.clone())
            .collect();
        for package in labelled {
            if let Some(after) = self.void_label(order.clone(), &package, "cancelled", now).await? {
                order = after;
            }
            if order.package(&package).is_some_and(crate::shipment::Package::has_live_label) {
                return Err(Error::new(
                    ErrorKind::Rejected,
                    "the order has a label that is not void: void it first",
                )
                .with_context("package", &package));
            }
        }
        let lines = cancellable(&order, reason);
        if lines.is_empty() {
            return Ok(ItemOutcome::Skipped("nothing is left to cancel".into()));
        }
        let content = serde_json::to_string(&lines).unwrap_or_default();
        let effect = IntendedEffect::Cancel { lines };
        self.intend_and_send("cancel", &content, key, effect, now).await
    }

    /// Gives money back for lines of orders. The same lines and amounts of one order are refunded
    /// once, however often they are asked for; after a lost answer a person must look.
    pub async fn refund_orders(
        &self,
        refunds: &[(OrderKey, Vec<RefundLine>)],
        now: DateTime<Utc>,
    ) -> Vec<ItemOutcome<()>> {
        self.answered(
            refunds.to_vec(),
            |(key, _): &(OrderKey, Vec<RefundLine>)| key.shop_key(),
            |(key, lines)| async move {
                let shop = self.shop(&key.shop_key());
                match shop.map(|shop| shop.adapter.refunds().is_some()) {
                    Err(error) => return ItemOutcome::Failed(error),
                    Ok(false) => {
                        let why = "the platform takes no refunds through this adapter";
                        return ItemOutcome::Failed(Error::unsupported(why));
                    }
                    Ok(true) => {}
                }
                let content = serde_json::to_string(&lines).unwrap_or_default();
                let effect = IntendedEffect::Refund { lines };
                self.intend_and_send("refund", &content, &key, effect, now)
                    .await
                    .unwrap_or_else(ItemOutcome::Failed)
            },
        )
        .await
    }

    /// Writes to the buyers of some orders. The same text is sent once per order.
    pub async fn contact_buyers(
        &self,
        messages: &[(OrderKey, Personal<String>)],
        now: DateTime<Utc>,
    ) -> Vec<ItemOutcome<()>> {
        self.answered(
            messages.to_vec(),
            |(key, _): &(OrderKey, Personal<String>)| key.shop_key(),
            |(key, text)| async move {
                let shop = self.shop(&key.shop_key());
                match shop.map(|shop| shop.adapter.messages().is_some()) {
                    Err(error) => return ItemOutcome::Failed(error),
                    Ok(false) => {
                        let why = "the platform takes no messages through this adapter";
                        return ItemOutcome::Failed(Error::unsupported(why));
                    }
                    Ok(true) => {}
                }
                let content = text.expose().clone();
                let effect = IntendedEffect::Message { text };
                self.intend_and_send("message", &content, &key, effect, now)
                    .await
                    .unwrap_or_else(ItemOutcome::Failed)
            },
        )
        .await
    }

    /// Puts orders first, or last.
    pub async fn set_priority(
        &self,
        orders: &[OrderKey],
        priority: Priority,
        actor: &Actor,
        now: DateTime<Utc>,
    ) -> Vec<ItemOutcome<()>> {
        self.answered(orders.to_vec(), OrderKey::shop_key, |key| async move {
            let action = Action::PrioritySet { priority };
            match self.act(&key, vec![action], actor.clone(), now).await {
                Ok(_) => ItemOutcome::Done(()),
                Err(error) => ItemOutcome::Failed(error),
            }
        })
        .await
    }

    /// Writes an effect down, sends it and settles it. What was asked for before is not sent again.
    async fn intend_and_send(
        &self,
        name: &str,
        content: &str,
        order: &OrderKey,
        effect: IntendedEffect,
        now: DateTime<Utc>,
    ) -> Result<ItemOutcome<()>> {
        let key = IdempotencyKey::derive(&[name, &order.to_string(), content]);
        match self.0.store.intent(&key).await? {
            Some((_, Some(outcome))) if outcome != "refused" => {
                return Ok(ItemOutcome::Skipped(format!("it was asked for before: {outcome}")));
            }
            Some((_, None)) => return Ok(ItemOutcome::Ambiguous(key)),
            _ => {}
        }
        let intent = Intent {
            key,
            order: order.clone(),
            package: None,
            effect,
            created_at: now,
            due_at: seconds_later(now, self.0.policy.lease_seconds),
            attempts: 0,
            resent_at: None,
        };
        self.change(order, None, &Actor::System, now, |_| {
            let alongside = Alongside { intents: vec![intent.clone()], ..Alongside::default() };
            Ok(Some((Vec::new(), alongside, ())))
        })
        .await?;
        let sent = self.send_effect(&intent).await;
        let (word, outcome) = match sent {
            Ok(word) => (word, ItemOutcome::Done(())),
            Err(error) if error.may_have_acted() => {
                // The outbox looks after it; a refund that may have gone is not sent again there.
                let due = seconds_later(now, self.0.policy.upload_pause_seconds);
                self.0.store.postpone(&key, due).await?;
                return Ok(ItemOutcome::Ambiguous(key));
            }
            Err(error) => {
                self.stop_if_refused(&order.shop_key(), &error, now);
                ("refused", ItemOutcome::Failed(error))
            }
        };
        self.settle(&intent, word, now).await?;
        if matches!(intent.effect, IntendedEffect::Cancel { .. }) {
            // What the platform made of it; should this fail, the next poll says it.
            let _ = self.refresh(order, now).await;
        }
        Ok(outcome)
    }

    async fn send_effect(&self, intent: &Intent) -> Result<&'static str> {
        let adapter = &self.shop(&intent.order.shop_key())?.adapter;
        let order = &intent.order.order;
        let missing = || Error::unsupported("the platform has no such ability");
        match &intent.effect {
            IntendedEffect::Cancel { lines } => {
                adapter.cancellations().ok_or_else(missing)?.cancel(order, lines).await?;
                Ok("cancelled")
            }
            IntendedEffect::Refund { lines } => {
                let ability = adapter.refunds().ok_or_else(missing)?;
                ability.refund(order, lines, &intent.key).await?;
                Ok("refunded")
            }
            IntendedEffect::Message { text } => {
                let ability = adapter.messages().ok_or_else(missing)?;
                ability.send_message(order, text, &intent.key).await?;
                Ok("sent")
            }
            _ => Err(missing()),
        }
    }
}

/// The units that have not left.
fn cancellable(order: &Order, reason: &CancelReason) -> Vec<CancelLine> {
    order
        .lines
        .iter()
        .filter_map(|line| {
            let counters = counters(order, &line.id)?;
            let units = counters.active().saturating_sub(counters.shipped);
            (units > 0).then(|| CancelLine { line: line.id.clone(), units, reason: reason.clone() })
        })
        .collect()
}
