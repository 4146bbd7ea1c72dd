//! Intents that are not over: recovery after a crash, retries, stock that moved.

use chrono::{DateTime, TimeDelta, Utc};

use super::Engine;
use super::bulk::REFUSED;
use super::commit::{Alongside, wanted_of};
use super::labels::ItemOutcome;
use super::round::{Part, Turn, Worked};
use super::time::{later, seconds_later};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{OrderKey, PackageId};
use crate::order::{Action, Actor, ExceptionKind, Order};
use crate::ports::StockError;
use crate::ports::store::{IntendedEffect, Intent, Settlement};

/// Intents taken at once.
const CLAIM: u32 = 64;

/// What working on the outbox came to.
#[derive(Debug, Default)]
pub struct OutboxReport {
    /// Intents looked at.
    pub taken: u64,
    /// Purchases that had been made: found again, not made twice.
    pub labels_found: u64,
    /// Shipments that the platform has now.
    pub uploaded: u64,
    /// Intents that are still not over.
    pub waiting: u64,
    /// What did not work.
    pub errors: Vec<Error>,
}

impl Engine {
    /// Looks after every intent that is not over, due or not. To be called once when a process
    /// starts, while no other worker runs on the store; with several, call
    /// [`Engine::work_outbox`], which takes only what nobody else keeps.
    ///
    /// A shop that gives no answer is given up after a while
    /// ([`EnginePolicy::patience_seconds`](super::EnginePolicy)); its intents wait for the outbox.
    ///
    /// # Errors
    /// Of the store; what goes wrong with single intents is in the report.
    pub async fn recover(&self, now: DateTime<Utc>) -> Result<OutboxReport> {
        self.recover_in(Turn::Patience, now).await
    }

    pub(super) async fn recover_in(
        &self,
        turn: Turn<'_>,
        now: DateTime<Utc>,
    ) -> Result<OutboxReport> {
        let mut report = OutboxReport::default();
        let intents = self.0.store.unsettled().await?;
        self.look_after_all(turn, intents, now, &mut report).await;
        Ok(report)
    }

    /// Takes due intents that no other worker keeps, and looks after them, those of each shop within
    /// its share.
    ///
    /// # Errors
    /// Of the store; what goes wrong with single intents is in the report.
    pub async fn work_outbox(&self, now: DateTime<Utc>) -> Result<OutboxReport> {
        self.work_outbox_in(&self.round().part(), now).await
    }

    pub(super) async fn work_outbox_in(
        &self,
        part: &Part<'_>,
        now: DateTime<Utc>,
    ) -> Result<OutboxReport> {
        let mut report = OutboxReport::default();
        let until = seconds_later(now, self.0.policy.lease_seconds);
        loop {
            let intents = self.0.store.claim(&self.0.worker, now, until, CLAIM).await?;
            if intents.is_empty() {
                return Ok(report);
            }
            self.look_after_all(Turn::Share(part), intents, now, &mut report).await;
        }
    }

    async fn look_after_all(
        &self,
        turn: Turn<'_>,
        intents: Vec<Intent>,
        now: DateTime<Utc>,
        report: &mut OutboxReport,
    ) {
        let keys: Vec<_> =
            intents.iter().map(|intent| (intent.key, intent.order.shop_key())).collect();
        let done = self
            .per_shop(
                turn,
                intents,
                |intent: &Intent| intent.order.shop_key(),
                |intent| async move {
                    let mut report = OutboxReport::default();
                    self.look_after(&intent, now, &mut report).await;
                    report
                },
            )
            .await;
        for ((key, shop), one) in keys.into_iter().zip(done) {
            let begun = !matches!(one, Worked::NotBegun);
            let Some(one) = one.done(|error| report.errors.push(error)) else {
                // What was begun may be at the shop: it is looked for or sent again under its key,
                // as after any answer that was lost.
                report.taken += u64::from(begun);
                report.waiting += 1;
                let pause = self.0.policy.upload_pause_seconds.max(1);
                if let Err(error) = self.0.store.postpone(&key, seconds_later(now, pause)).await {
                    report.errors.push(error.with_context("shop", &shop));
                }
                continue;
            };
            report.taken += one.taken;
            report.labels_found += one.labels_found;
            report.uploaded += one.uploaded;
            report.waiting += one.waiting;
            report.errors.extend(one.errors);
        }
    }

    async fn look_after(&self, intent: &Intent, now: DateTime<Utc>, report: &mut OutboxReport) {
        report.taken += 1;
        match self.one_intent(intent, now, report).await {
            Ok(true) => {}
            Ok(false) => report.waiting += 1,
            Err(error) => {
                report.waiting += 1;
                report.errors.push(error);
                let due = seconds_later(now, self.0.policy.upload_pause_seconds);
                // Should even this fail, the lease frees the intent when it ends.
                if let Err(error) = self.0.store.postpone(&intent.key, due).await {
                    report.errors.push(error);
                }
            }
        }
    }

    /// Returns whether the intent is over.
    async fn one_intent(
        &self,
        intent: &Intent,
        now: DateTime<Utc>,
        report: &mut OutboxReport,
    ) -> Result<bool> {
        match &intent.effect {
            IntendedEffect::BuyLabel { .. } | IntendedEffect::BuyPlatformLabel { .. } => {
                match self.recover_purchase(&intent.key, now).await? {
                    ItemOutcome::Done(_) => {
                        report.labels_found += 1;
                        Ok(true)
                    }
                    ItemOutcome::Ambiguous(_) => Ok(false),
                    ItemOutcome::Failed(error) => {
                        report.errors.push(error);
                        Ok(true)
                    }
                    ItemOutcome::Skipped(_) | ItemOutcome::WouldBuy(_) => Ok(true),
                }
            }
            IntendedEffect::WatchForDuplicates { request, purchase } => {
                self.look_for_duplicates(intent, request, purchase, now).await
            }
            IntendedEffect::ConfirmShipment { .. } => {
                let order = self.load(&intent.order).await?;
                if order.is_held(now) {
                    self.0.store.postpone(&intent.key, later(now, TimeDelta::minutes(5))).await?;
                    return Ok(false);
                }
                let uploaded = self.send_upload(intent, Some(order), Vec::new(), now).await?;
                report.uploaded += u64::from(uploaded);
                Ok(self.0.store.intent(&intent.key).await?.is_none_or(|(_, over)| over.is_some()))
            }
            IntendedEffect::VoidLabel { record } => {
                let Some(package) = &intent.package else { return Ok(true) };
                self.send_void(&intent.order, package, intent.key, record, now).await?;
                Ok(self.0.store.intent(&intent.key).await?.is_none_or(|(_, over)| over.is_some()))
            }
            IntendedEffect::ReleaseStock { line } => {
                let order = self.load(&intent.order).await?;
                let released = match wanted_of(&order, line) {
                    Some(wanted) => self.0.stock.reduce(&wanted).await,
                    None => self.0.stock.release(&intent.order, line).await,
                };
                self.stock_moved(order.lines.iter().filter_map(|line| line.sku.as_ref()));
                self.stock_settled(intent, released, now).await
            }
            IntendedEffect::ConsumeStock { moves } => {
                let mut outcome = Ok(());
                for shipped in moves {
                    outcome = outcome.and(self.0.stock.consume(shipped).await);
                }
                self.stock_moved(moves.iter().map(|shipped| &shipped.sku));
                self.stock_settled(intent, outcome, now).await
            }
            IntendedEffect::TakeBackStock { returned } => {
                let outcome = self.0.stock.take_back(returned).await;
                self.stock_moved(std::iter::once(&returned.sku));
                self.stock_settled(intent, outcome, now).await
            }
            IntendedEffect::Cancel { lines } => {
                let shop = self.shop(&intent.order.shop_key())?;
                let Some(ability) = shop.adapter.cancellations() else {
                    return Err(Error::unsupported("the platform takes no cancellations"));
                };
                match ability.cancel(&intent.order.order, lines).await {
                    Ok(()) => self.settle_sent(intent, "cancelled", now).await?,
                    Err(error) if error.may_have_acted() || is_open(&error) => {
                        self.stop_if_refused(&intent.order.shop_key(), &error, now);
                        return Err(error);
                    }
                    Err(error) => {
                        self.settle_sent(intent, REFUSED, now).await?;
                        return Err(error);
                    }
                }
                Ok(true)
            }
            IntendedEffect::Message { text } if self.may_repeat_messages(&intent.order) => {
                let shop = self.shop(&intent.order.shop_key())?;
                let Some(ability) = shop.adapter.messages() else {
                    return Err(Error::unsupported("the platform takes no messages"));
                };
                match ability.send_message(&intent.order.order, text, &intent.key).await {
                    Ok(()) => self.settle(intent, "sent", now).await?,
                    Err(error) if error.may_have_acted() || is_open(&error) => {
                        self.stop_if_refused(&intent.order.shop_key(), &error, now);
                        return Err(error);
                    }
                    Err(error) => {
                        self.settle_sent(intent, REFUSED, now).await?;
                        return Err(error);
                    }
                }
                Ok(true)
            }
            IntendedEffect::Message { .. } | IntendedEffect::Refund { .. } => {
                // Money that may have gone is not sent again without looking, and no buyer wants to
                // read the same twice: a person must look.
                let detail = match &intent.effect {
                    IntendedEffect::Refund { .. } => {
                        "whether the refund was made is not known: look on the platform"
                    }
                    _ => "whether the message reached the buyer is not known: look on the platform",
                };
                let action = Action::IncidentRaised {
                    kind: ExceptionKind::StateMismatch,
                    package: None,
                    detail: detail.into(),
                };
                self.change(&intent.order, None, &Actor::System, now, |_| {
                    let settled = Alongside::settle(intent.key, now, "unclear");
                    Ok(Some((vec![action.clone()], settled, ())))
                })
                .await?;
                Ok(true)
            }
        }
    }

    fn may_repeat_messages(&self, order: &OrderKey) -> bool {
        let shop = self.shop(&order.shop_key());
        let ability = shop.ok().and_then(|shop| shop.adapter.messages());
        ability.is_some_and(|messages| messages.may_repeat())
    }

    /// What is out of the warehouse is out, whatever the stock system counted: a shortage at this
    /// point is settled and shows up in the next stock-taking.
    async fn stock_settled(
        &self,
        intent: &Intent,
        outcome: std::result::Result<(), StockError>,
        now: DateTime<Utc>,
    ) -> Result<bool> {
        let word = match outcome {
            Ok(()) => "moved",
            Err(StockError::Failed(error)) => return Err(error),
            Err(_) => "moved, stock differs",
        };
        self.settle(intent, word, now).await?;
        Ok(true)
    }

    pub(super) async fn settle(
        &self,
        intent: &Intent,
        word: &str,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let settlement = Settlement { key: intent.key, at: now, outcome: word.to_owned() };
        self.settle_all(&intent.order, vec![settlement], now).await
    }

    pub(super) async fn settle_all(
        &self,
        order: &OrderKey,
        settled: Vec<Settlement>,
        now: DateTime<Utc>,
    ) -> Result<()> {
        self.change(order, None, &Actor::System, now, |_| {
            let alongside = Alongside { settled: settled.clone(), ..Alongside::default() };
            Ok((!settled.is_empty()).then(|| (Vec::new(), alongside, ())))
        })
        .await?;
        Ok(())
    }

    /// Takes a shipped parcel's units off the shelf right away and returns what is settled by that;
    /// what does not work now stays in the outbox.
    pub(super) async fn consume_now(
        &self,
        order: &Order,
        package: &PackageId,
        now: DateTime<Utc>,
    ) -> Vec<Settlement> {
        let effects = [crate::order::Effect::ConsumeStock { package: package.clone() }];
        let mut settled = Vec::new();
        for intent in self.stock_intents(order, &effects, now) {
            let IntendedEffect::ConsumeStock { moves } = &intent.effect else { continue };
            for shipped in moves {
                if self.0.stock.consume(shipped).await.is_err() {
                    return settled;
                }
                self.stock_moved(std::iter::once(&shipped.sku));
            }
            settled.push(Settlement { key: intent.key, at: now, outcome: "moved".to_owned() });
        }
        settled
    }
}

/// Whether a refusal says nothing about what was asked for: it passes, or the seller must log in.
fn is_open(error: &Error) -> bool {
    error.is_passing() || error.kind() == ErrorKind::AuthRejected
}
