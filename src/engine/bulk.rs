//! Bulk operations over orders of many shops: one outcome per item, in the order given. A shop that
//! gives no answer costs only its own items.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::commit::Alongside;
use super::labels::outcome_of;
use super::round::{Turn, Worked};
use super::time::seconds_later;
use super::{Engine, ItemOutcome};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{IdempotencyKey, OrderKey, PackageId};
use crate::money::{Money, MoneyError};
use crate::order::{
    Action, Actor, CancelReason, Hold, HoldReason, Line, LogisticsMode, Order, Priority, Review,
    cancel_sent, counters,
};
use crate::personal::Personal;
use crate::ports::store::{IntendedEffect, Intent};
use crate::ports::{CancelLine, RefundLine};

/// The outcome of an effect that its platform refused.
pub(super) const REFUSED: &str = "refused";

/// Whether an effect is still to be asked for.
enum Attempt {
    /// Under this key.
    New(IdempotencyKey),
    /// It was.
    Before(ItemOutcome<()>),
}

impl Engine {
    /// One outcome for each item, also for those of a shop that gives no answer
    /// ([`EnginePolicy::patience_seconds`](super::EnginePolicy)): what was begun is ambiguous, under
    /// the key of its intent where one is written down (`is_intent` tells it); the rest was not sent.
    /// An item that is in the call again is one with the first.
    async fn answered<T, F, Fut>(
        &self,
        items: &[T],
        order_of: impl Fn(&T) -> &OrderKey + Send + Sync,
        is_intent: impl Fn(&T, &IntendedEffect) -> bool + Send + Sync,
        work: F,
    ) -> Vec<ItemOutcome<()>>
    where
        T: Clone + PartialEq + Send + Sync,
        F: Fn(T) -> Fut + Send + Sync,
        Fut: Future<Output = ItemOutcome<()>> + Send,
    {
        let mut of_order: BTreeMap<&OrderKey, Vec<&T>> = BTreeMap::new();
        let mut once = Vec::with_capacity(items.len());
        let first: Vec<bool> = items
            .iter()
            .map(|item| {
                let known = of_order.entry(order_of(item)).or_default();
                let first = !known.contains(&item);
                if first {
                    known.push(item);
                    once.push(item.clone());
                }
                first
            })
            .collect();
        let shop_of = |item: &T| order_of(item).shop_key();
        let worked = self.per_shop(Turn::Patience, once, shop_of, work).await;
        let unclear = worked.iter().any(|one| matches!(one, Worked::GivenUp | Worked::Broken(_)));
        // Should the store fail too, the error of the item says that it is not known.
        let open = match unclear {
            true => self.0.store.unsettled().await.unwrap_or_default(),
            false => Vec::new(),
        };
        let mut worked = worked.into_iter();
        let mut outcomes = Vec::with_capacity(items.len());
        for (item, first) in items.iter().zip(first) {
            let done = if first { worked.next() } else { None };
            outcomes.push(match done {
                None => ItemOutcome::Skipped("the same is in this call already".into()),
                Some(Worked::Done(outcome)) => outcome,
                Some(broken) => {
                    let of_item = |intent: &&Intent| {
                        intent.order == *order_of(item) && is_intent(item, &intent.effect)
                    };
                    match open.iter().find(of_item) {
                        Some(intent) if !matches!(broken, Worked::NotBegun) => {
                            ItemOutcome::Ambiguous(intent.key)
                        }
                        _ => outcome_of(broken),
                    }
                }
            });
        }
        outcomes
    }

    /// Acknowledges orders that are approved, committing their stock first.
    pub async fn acknowledge_orders(
        &self,
        orders: &[OrderKey],
        now: DateTime<Utc>,
    ) -> Vec<ItemOutcome<()>> {
        self.answered(
            orders,
            |key| key,
            |_, _| false,
            |key| async move {
                self.acknowledge_one(&key, now).await.unwrap_or_else(ItemOutcome::Failed)
            },
        )
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
        let is_cancel =
            |_: &OrderKey, effect: &IntendedEffect| matches!(effect, IntendedEffect::Cancel { .. });
        self.answered(
            orders,
            |key| key,
            is_cancel,
            |key| async move {
                self.cancel_one(&key, reason, now).await.unwrap_or_else(ItemOutcome::Failed)
            },
        )
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

    /// Gives money back for lines of orders, and writes down what was given. The same lines and
    /// amounts of one order are refunded once, however often they are asked for; after a lost answer a
    /// person must look.
    ///
    /// An item fails with [`ErrorKind::InvalidInput`] naming the field, and nothing is sent, when it
    /// has no lines, names a line twice or one that the order has not, or an amount that is not
    /// positive, not in the order's currency or more than is left of the line with its tax and
    /// shipping.
    pub async fn refund_orders(
        &self,
        refunds: &[(OrderKey, Vec<RefundLine>)],
        now: DateTime<Utc>,
    ) -> Vec<ItemOutcome<()>> {
        self.answered(
            refunds,
            |(key, _)| key,
            |(_, wanted), effect| {
                matches!(effect, IntendedEffect::Refund { lines } if lines == wanted)
            },
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
                self.refund_one(&key, lines, now).await.unwrap_or_else(ItemOutcome::Failed)
            },
        )
        .await
    }

    async fn refund_one(
        &self,
        key: &OrderKey,
        lines: Vec<RefundLine>,
        now: DateTime<Utc>,
    ) -> Result<ItemOutcome<()>> {
        let content = serde_json::to_string(&lines).unwrap_or_default();
        // What was given already is answered so, also where nothing more could be.
        let known = self.attempt("refund", &content, key).await?;
        if let Attempt::Before(outcome) = known {
            return Ok(outcome);
        }
        refundable(&self.load(key).await?, &lines)?;
        self.intend_and_send("refund", &content, key, IntendedEffect::Refund { lines }, now).await
    }

    /// Writes to the buyers of some orders. The same text is sent once per order; one without a word
    /// is refused.
    pub async fn contact_buyers(
        &self,
        messages: &[(OrderKey, Personal<String>)],
        now: DateTime<Utc>,
    ) -> Vec<ItemOutcome<()>> {
        self.answered(
            messages,
            |(key, _)| key,
            |(_, wanted), effect| {
                matches!(effect, IntendedEffect::Message { text } if text == wanted)
            },
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
                if text.expose().trim().is_empty() {
                    return ItemOutcome::Failed(Error::invalid("text", "a message says something"));
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

    /// Refuses the buyer's wish to cancel an order: the platform is told, where it takes such an
    /// answer, and the order goes on. Where it takes none and goes on showing the wish, the parcel is
    /// confirmed over it.
    ///
    /// # Errors
    /// [`ErrorKind::Rejected`] when the buyer has no open wish; of the
    /// adapter or the store: nothing is changed here then.
    pub async fn refuse_cancellation(
        &self,
        order: &OrderKey,
        reason: &str,
        person: &str,
        now: DateTime<Utc>,
    ) -> Result<Order> {
        if self.load(order).await?.cancel_request.is_none() {
            return Err(Error::new(ErrorKind::Rejected, "the buyer does not ask to cancel")
                .with_context("order", order));
        }
        let shop = self.shop(&order.shop_key())?;
        if let Some(ability) = shop.adapter.cancellations() {
            match ability.refuse_request(&order.order, reason).await {
                Err(error) if error.kind() != ErrorKind::Unsupported => return Err(error),
                _ => {}
            }
        }
        let closed = vec![Action::CancelRequestClosed];
        self.act(order, closed, Actor::Person(person.to_owned()), now).await
    }

    /// Puts orders first, or last.
    pub async fn set_priority(
        &self,
        orders: &[OrderKey],
        priority: Priority,
        actor: &Actor,
        now: DateTime<Utc>,
    ) -> Vec<ItemOutcome<()>> {
        self.answered(
            orders,
            |key| key,
            |_, _| false,
            |key| async move {
                let action = Action::PrioritySet { priority };
                match self.act(&key, vec![action], actor.clone(), now).await {
                    Ok(_) => ItemOutcome::Done(()),
                    Err(error) => ItemOutcome::Failed(error),
                }
            },
        )
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
        let key = match self.attempt(name, content, order).await? {
            Attempt::Before(outcome) => return Ok(outcome),
            Attempt::New(key) => key,
        };
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
        let is_cancel = matches!(intent.effect, IntendedEffect::Cancel { .. });
        self.change(order, None, &Actor::System, now, |order| {
            let alongside = Alongside { intents: vec![intent.clone()], ..Alongside::default() };
            // Nothing leaves while the platform is told, nor until it shows what it made of it.
            let actions = if is_cancel { hold_for_cancel(order, now) } else { Vec::new() };
            Ok(Some((actions, alongside, ())))
        })
        .await?;
        // Of all that wrote the intent at the same time, here or in other processes, one sends it.
        if !self.0.store.claim_one(&key, &self.0.worker, now, intent.due_at).await? {
            return self.asked_before(&key).await;
        }
        match self.0.store.intent(&key).await? {
            // Another sent it between, and its answer was lost.
            Some((known, None)) if known.attempts > 0 => {
                self.0.store.postpone(&key, known.due_at).await?;
                return Ok(ItemOutcome::Ambiguous(key));
            }
            Some((_, None)) => {}
            _ => return self.asked_before(&key).await,
        }
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
                (REFUSED, ItemOutcome::Failed(error))
            }
        };
        self.settle_sent(&intent, word, now).await?;
        if is_cancel {
            // What the platform made of it; should this fail, the next poll says it.
            let _ = self.refresh(order, now).await;
        }
        Ok(outcome)
    }

    /// The key of the next attempt at an effect. A refusal is an answer and ends its attempt: it may be
    /// asked for again.
    async fn attempt(&self, name: &str, content: &str, order: &OrderKey) -> Result<Attempt> {
        let order = order.to_string();
        let mut key = IdempotencyKey::derive(&[name, &order, content]);
        let mut refused: u64 = 0;
        loop {
            match self.0.store.intent(&key).await? {
                None => return Ok(Attempt::New(key)),
                Some((_, Some(outcome))) if outcome == REFUSED => {
                    refused += 1;
                    key = IdempotencyKey::derive(&[name, &order, content, &refused.to_string()]);
                }
                Some(_) => return Ok(Attempt::Before(self.asked_before(&key).await?)),
            }
        }
    }

    /// What is known of an effect that somebody else asked for.
    async fn asked_before(&self, key: &IdempotencyKey) -> Result<ItemOutcome<()>> {
        Ok(match self.0.store.intent(key).await? {
            Some((_, Some(outcome))) => {
                ItemOutcome::Skipped(format!("it was asked for before: {outcome}"))
            }
            _ => ItemOutcome::Ambiguous(*key),
        })
    }

    /// Settles an effect with what its answer means for the order: money that went back is written
    /// down, and an order whose cancellation was refused is held no longer.
    pub(super) async fn settle_sent(
        &self,
        intent: &Intent,
        word: &str,
        now: DateTime<Utc>,
    ) -> Result<()> {
        self.change(&intent.order, None, &Actor::System, now, |order| {
            let actions = match &intent.effect {
                IntendedEffect::Cancel { .. } if word == REFUSED => release_of_cancel(order),
                IntendedEffect::Refund { lines } if word != REFUSED => refunded(order, lines),
                _ => Vec::new(),
            };
            Ok(Some((actions, Alongside::settle(intent.key, now, word), ())))
        })
        .await?;
        Ok(())
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

/// The hold of an order that its platform is told to cancel, until it shows the cancellation.
fn hold_for_cancel(order: &Order, now: DateTime<Utc>) -> Vec<Action> {
    if order.state().is_terminal() {
        return Vec::new();
    }
    let hold = Hold {
        id: cancel_sent(),
        reason: HoldReason::Other("cancellation sent".to_owned()),
        note: Some("the platform was told to cancel and does not show it yet".to_owned()),
        placed_at: now,
        until: None,
        released_at: None,
    };
    vec![Action::HoldPlaced { hold }]
}

fn release_of_cancel(order: &Order) -> Vec<Action> {
    let held =
        order.holds.iter().any(|hold| hold.id == cancel_sent() && hold.released_at.is_none());
    if held { vec![Action::HoldReleased { hold: cancel_sent() }] } else { Vec::new() }
}

/// Goods, tax and shipping of a line.
fn with_charges(line: &Line) -> std::result::Result<Money, MoneyError> {
    let goods = match line.line_total {
        Some(total) => total,
        None => line.unit_price.times(line.ordered)?,
    };
    let charges = line.tax.iter().chain(&line.shipping);
    charges.copied().try_fold(goods, |sum, charge| sum.checked_add(&charge))
}

/// The most that is left to give back of a line: whether the discount is off its total already is
/// for each platform to say, so it is not taken off here.
fn left_to_refund(order: &Order, line: &Line) -> Result<Money> {
    let refunded = line.refunded.unwrap_or(Money::zero(order.total.currency));
    with_charges(line).and_then(|most| most.checked_sub(&refunded)).map_err(|_| {
        Error::invalid("lines", format!("what line {} cost cannot be computed", line.id))
    })
}

/// Checks what is to be refunded against the order, before anything is sent.
fn refundable(order: &Order, lines: &[RefundLine]) -> Result<()> {
    if lines.is_empty() {
        return Err(Error::invalid("lines", "a refund names at least one line"));
    }
    if order.paid_at.is_none() {
        return Err(Error::invalid("order", "it is not paid: there is nothing to give back"));
    }
    for (place, wanted) in lines.iter().enumerate() {
        let field = |name: &str| format!("lines[{place}].{name}");
        let Some(line) = order.line(&wanted.line) else {
            let why = format!("the order has no line {}", wanted.line);
            return Err(Error::invalid(field("line"), why));
        };
        if lines.iter().take(place).any(|before| before.line == wanted.line) {
            let why = format!("line {} is named twice", wanted.line);
            return Err(Error::invalid(field("line"), why));
        }
        let left = left_to_refund(order, line)?;
        if left.is_zero() || left.amount.is_sign_negative() {
            let why = format!("nothing is left to refund of line {}", wanted.line);
            return Err(Error::invalid(field("amount"), why));
        }
        let mut sum = Money::zero(order.total.currency);
        for (name, amount) in [("amount", wanted.amount), ("tax", wanted.tax)] {
            let Some(amount) = amount else { continue };
            if amount.currency != order.total.currency {
                let (theirs, ours) = (amount.currency, order.total.currency);
                return Err(Error::invalid(
                    field(name),
                    format!("{theirs}, but the order is in {ours}"),
                ));
            }
            let digits = amount.currency.minor_digits();
            if amount.amount.normalize().scale() > digits {
                let why = format!("{amount} has parts smaller than the currency's {digits} digits");
                return Err(Error::invalid(field(name), why));
            }
            if amount.amount.is_sign_negative() || (name == "amount" && amount.is_zero()) {
                return Err(Error::invalid(field(name), format!("{amount} is not to be refunded")));
            }
            let beyond = |_| Error::invalid(field(name), "it cannot be added up");
            sum = sum.checked_add(&amount).map_err(beyond)?;
        }
        if sum.amount > left.amount {
            let why = format!("{sum} are more than the {left} left of line {}", wanted.line);
            return Err(Error::invalid(field("amount"), why));
        }
    }
    Ok(())
}

/// What was given back for each line; one that was refunded wholly got all that was left of it.
fn refunded(order: &Order, lines: &[RefundLine]) -> Vec<Action> {
    if order.erased_at.is_some() {
        return Vec::new();
    }
    lines
        .iter()
        .filter_map(|given| {
            let line = order.line(&given.line)?;
            let amount = match (given.amount, given.tax) {
                (None, _) => wholly(line).or_else(|| left_to_refund(order, line).ok())?,
                (Some(amount), None) => amount,
                (Some(amount), Some(tax)) => amount.checked_add(&tax).ok()?,
            };
            Some(Action::Refunded { line: line.id.clone(), amount })
        })
        .collect()
}

/// What a buyer paid for a line, its discount taken off; nothing when some of it went back before.
fn wholly(line: &Line) -> Option<Money> {
    if line.refunded.is_some() {
        return None;
    }
    let most = with_charges(line).ok()?;
    line.discount.map_or(Some(most), |discount| most.checked_sub(&discount).ok())
}

/// The units that have not left.
fn cancellable(order: &Order, reason: &CancelReason) -> Vec<CancelLine> {
    order
        .lines
        .iter()
        .filter_map(|line| {
            let counters = counters(order, &line.id)?;
            let open = counters.active().saturating_sub(counters.shipped);
            let units = counters.cancelled.saturating_add(open);
            (open > 0).then(|| CancelLine { line: line.id.clone(), units, reason: reason.clone() })
        })
        .collect()
}
