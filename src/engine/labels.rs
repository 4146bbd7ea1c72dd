//! Buying labels in bulk: intent first, purchase, result; one item's failure never costs another.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future;
use tokio::time::Instant;

use super::commit::Alongside;
use super::round::{Turn, Worked, contained, no_answer};
use super::time::{bounded, later, seconds_later};
use super::{Carrier, Engine, Purchases, Shop};
use crate::error::{Error, ErrorKind, Result, Retry};
use crate::ids::{IdempotencyKey, OrderKey, PackageId, ShopKey};
use crate::order::{Action, Actor, DeadlineKind, ExceptionKind, LogisticsMode, Order};
use crate::ports::store::{IntendedEffect, Intent, StoredDocument};
use crate::ports::{CarrierNaming, Recovery, Silent};
use crate::rules::RouteDecision;
use crate::shipment::{
    DocumentKind, Label, LabelRecord, LabelRequest, LabelState, Package, ServiceChoice,
};

/// A parcel to work on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PackageRef {
    /// Its order.
    pub order: OrderKey,
    /// The parcel.
    pub package: PackageId,
}

/// What the caller knows already and need not be read again.
#[derive(Default)]
pub(super) struct Known {
    /// The order as it is in the store.
    pub(super) order: Option<Order>,
    /// When the platform's view of it was read.
    pub(super) read_at: Option<DateTime<Utc>>,
}

/// What the purchases of one call share.
#[derive(Default)]
pub(super) struct Buying {
    /// Nothing is bought.
    pub(super) dry_run: bool,
    /// Carriers that gave no price in time.
    pub(super) silent: Silent,
}

/// How a batch is worked through.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct BatchOptions {
    /// Do everything up to the purchase and say what would happen.
    pub dry_run: bool,
    /// Parcels of one shop under way at once; 0 takes the engine's own bound.
    pub concurrency: usize,
}

impl BatchOptions {
    /// Asks for a dry run.
    #[must_use]
    pub const fn dry_run(mut self) -> Self {
        self.dry_run = true;
        self
    }

    /// Bounds the parcels of one shop that are under way at once.
    #[must_use]
    pub const fn with_concurrency(mut self, calls: usize) -> Self {
        self.concurrency = calls;
        self
    }
}

/// How far a batch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Items finished, whatever their outcome.
    pub done: usize,
    /// Items in all.
    pub total: usize,
}

/// What became of one item of a batch.
#[derive(Debug)]
pub enum ItemOutcome<T> {
    /// Done.
    Done(T),
    /// Nothing to do, or not possible now, and why.
    Skipped(String),
    /// Failed for certain.
    Failed(Error),
    /// It may have worked; recovery goes on under this key.
    Ambiguous(IdempotencyKey),
    /// A dry run would have bought this.
    WouldBuy(Box<ServiceChoice>),
}

impl<T> ItemOutcome<T> {
    /// Whether it is done.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        matches!(self, Self::Done(_))
    }
}

impl Engine {
    /// Parcels that wait for a label, urgent and early-due orders first.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`].
    pub async fn awaiting_labels(&self, now: DateTime<Utc>) -> Result<Vec<PackageRef>> {
        self.awaiting_labels_where(now, |_| true).await
    }

    /// Of the parcels that wait for a label those whose run is due.
    pub(super) async fn due_for_labels(&self, now: DateTime<Utc>) -> Result<Vec<PackageRef>> {
        self.awaiting_labels_where(now, |order| self.is_run_due(order, now)).await
    }

    /// Whether the first run after an order was paid is over, or the next would come too late for it.
    fn is_run_due(&self, order: &Order, now: DateTime<Utc>) -> bool {
        let Some(slots) = &self.0.policy.print_slots else { return true };
        let Ok(shop) = self.shop(&order.key.shop_key()) else { return true };
        let next_after = |at| slots.next(at, shop.calendar.zone);
        let is_over =
            next_after(order.paid_at.unwrap_or(order.placed_at)).is_none_or(|run| run <= now);
        let ship_by = order.deadline(DeadlineKind::ShipBy).map(|deadline| deadline.at);
        is_over || ship_by.is_some_and(|by| next_after(now).is_none_or(|run| by <= run))
    }

    async fn awaiting_labels_where(
        &self,
        now: DateTime<Utc>,
        wanted: impl Fn(&Order) -> bool + Send + Sync,
    ) -> Result<Vec<PackageRef>> {
        let mut waiting = Vec::new();
        self.for_open_orders(|order| {
            if order.is_held(now) || !wanted(order) {
                return;
            }
            let due = order
                .deadline(DeadlineKind::ShipBy)
                .map_or(DateTime::<Utc>::MAX_UTC, |deadline| deadline.at);
            for package in order.packages.iter().filter(|package| wants_label(package)) {
                let item = PackageRef { order: order.key.clone(), package: package.id.clone() };
                waiting.push(((std::cmp::Reverse(order.priority), due), item));
            }
        })
        .await?;
        waiting.sort();
        Ok(waiting.into_iter().map(|(_, item)| item).collect())
    }

    /// Buys labels for parcels: one outcome per item, in the order given. A second run over the
    /// same list buys only what is missing. The platform is read again first when its last read is
    /// older than the lifecycle allows. A carrier that gives no price within
    /// [`shop_share_seconds`](super::EnginePolicy::shop_share_seconds) is left out for the rest of the
    /// call; the reasons of each choice that was made without it say so.
    ///
    /// Each parcel is one purchase with its own key, number, void and upload, also where an order
    /// leaves in several: what is bought for one is never at stake for another, and parcels of one
    /// order may go with different carriers. Where a carrier sells several pieces as one shipment
    /// ([`MultiPiece`](crate::ports::MultiPiece)), a host that wants that buys through the adapter and
    /// enters the numbers ([`Action::TrackingEntered`]).
    ///
    /// A number that the carrier sold within 120 days for another parcel that is still on its way is an
    /// incident of the new one ([`ExceptionKind::LabelUnknown`]); its label stands.
    ///
    /// # Errors
    /// Only when the store fails as a whole; everything else is the outcome of an item, also a
    /// platform that cannot be read again.
    pub async fn buy_labels(
        &self,
        items: &[PackageRef],
        options: &BatchOptions,
        now: DateTime<Utc>,
        progress: impl Fn(Progress) + Send + Sync,
    ) -> Result<Vec<ItemOutcome<LabelRecord>>> {
        self.buy_labels_in(Turn::Patience, items, options, now, progress).await
    }

    pub(super) async fn buy_labels_in(
        &self,
        turn: Turn<'_>,
        items: &[PackageRef],
        options: &BatchOptions,
        now: DateTime<Utc>,
        progress: impl Fn(Progress) + Send + Sync,
    ) -> Result<Vec<ItemOutcome<LabelRecord>>> {
        let unread = self.unreadable_shops(turn, items, now).await?;
        let bound =
            if options.concurrency == 0 { self.0.policy.concurrency } else { options.concurrency };
        let done = AtomicUsize::new(0);
        let total = items.len();
        let buying = &Buying { dry_run: options.dry_run, silent: Silent::default() };
        let (unread, done, progress) = (&unread, &done, &progress);
        let worked = self
            .per_shop_bounded(
                turn,
                bound,
                items.to_vec(),
                |item: &PackageRef| item.order.shop_key(),
                |item| async move {
                    let outcome = match unread.get(&item.order.shop_key()) {
                        Some(error) => ItemOutcome::Failed(again(error)),
                        None => match self.buy_one(&item, Known::default(), buying, now).await {
                            Ok((outcome, _)) => outcome,
                            Err(error) => ItemOutcome::Failed(error),
                        },
                    };
                    let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                    progress(Progress { done, total });
                    outcome
                },
            )
            .await;
        let mut outcomes = Vec::with_capacity(total);
        for (item, worked) in items.iter().zip(worked) {
            let was_begun = matches!(worked, Worked::GivenUp | Worked::Broken(_));
            let mut outcome = outcome_of(worked);
            // A purchase that was written down has a key to look for it by.
            if was_begun
                && let Some(order) = self.0.store.order(&item.order).await?
                && let Some(label) = order.package(&item.package).map(|package| &package.label)
                && matches!(label.state, LabelState::Requested | LabelState::Unknown)
                && let Some(key) = label.key
            {
                outcome = ItemOutcome::Ambiguous(key);
            }
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }

    /// Reads the shops of some items again where that is due, beside each other. Shops that cannot
    /// be read, or not in their turn, cost only their own items.
    pub(super) async fn unreadable_shops(
        &self,
        turn: Turn<'_>,
        items: &[PackageRef],
        now: DateTime<Utc>,
    ) -> Result<BTreeMap<ShopKey, Error>> {
        let shops: BTreeSet<ShopKey> = items.iter().map(|item| item.order.shop_key()).collect();
        let read = future::join_all(shops.into_iter().map(|shop| async move {
            let until = self.until(turn, &shop);
            let read = self.read_if_stale(&shop, until, now);
            let outcome = contained(&shop, "list_orders", read).await.and_then(|read| read);
            (shop, outcome)
        }))
        .await;
        let mut unread = BTreeMap::new();
        for (shop, outcome) in read {
            match outcome {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::Storage => return Err(error),
                Err(error) => {
                    unread.insert(shop, error);
                }
            }
        }
        Ok(unread)
    }

    /// When the platform's view of a shop was read last.
    pub(super) async fn read_at(
        &self,
        shop: &ShopKey,
        known: Option<DateTime<Utc>>,
    ) -> Result<DateTime<Utc>> {
        match known {
            Some(read_at) => Ok(read_at),
            None => Ok(self.0.store.horizon(shop).await?.unwrap_or(DateTime::<Utc>::MIN_UTC)),
        }
    }

    /// Reads the platform again when half of what the lifecycle allows has passed: the batch itself
    /// takes time too.
    async fn read_if_stale(
        &self,
        shop: &ShopKey,
        until: Instant,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let allowed = TimeDelta::seconds(i64::from(self.0.policy.lifecycle.freshness_seconds) / 2);
        let fresh = self.0.store.horizon(shop).await?.is_some_and(|known| {
            // A horizon in the future is the trace of a wrong clock: nothing is known until then.
            known <= now && now.signed_duration_since(known) < allowed
        });
        if !fresh && self.sync_until(shop, Some(until), now).await?.more {
            return Err(no_answer(shop, "list_orders"));
        }
        Ok(())
    }

    /// Buys one label. Returns the order as it is then, where it is at hand.
    pub(super) async fn buy_one(
        &self,
        item: &PackageRef,
        known: Known,
        buying: &Buying,
        now: DateTime<Utc>,
    ) -> Result<(ItemOutcome<LabelRecord>, Option<Order>)> {
        let dry_run = buying.dry_run;
        let known_rest = Known { order: None, read_at: known.read_at };
        let order = match known.order {
            Some(order) => order,
            None => self.load(&item.order).await?,
        };
        let skip = |why: &str| Ok((ItemOutcome::Skipped(why.to_owned()), None));
        let Some(package) = order.package(&item.package) else {
            return skip("the order has no such parcel");
        };
        match package.label.state {
            LabelState::Purchased | LabelState::Printed | LabelState::VoidRequested => {
                return skip("it has a label");
            }
            LabelState::Requested | LabelState::Unknown => {
                return match package.label.key {
                    Some(key) if self.may_look_for(&key, now).await? => {
                        Ok((self.recover_purchase(&key, now).await?, None))
                    }
                    _ => skip(ELSEWHERE),
                };
            }
            LabelState::None | LabelState::Voided => {}
        }
        if !wants_label(package) {
            return skip("it needs no label");
        }
        if order.logistics == LogisticsMode::PlatformFulfilled {
            return skip("the platform ships it");
        }
        if order.logistics == LogisticsMode::PlatformLabel {
            if dry_run {
                return skip("the platform issues the label, at its own price");
            }
            let Some(_under_way) = self.under_way(&item.package) else { return skip(ELSEWHERE) };
            return self.buy_of_platform(order, known_rest, item, now).await;
        }
        let choice = match self.fresh_choice(package, now) {
            Some(choice) => choice,
            None => match self.choose(&order, package, &buying.silent, now).await? {
                Ok(choice) => choice,
                Err(decision) => {
                    return Ok((self.no_service(order, item, &decision, now).await?, None));
                }
            },
        };
        if dry_run {
            return Ok((ItemOutcome::WouldBuy(Box::new(choice)), Some(order)));
        }
        let Some(_under_way) = self.under_way(&item.package) else { return skip(ELSEWHERE) };
        self.purchase(order, known.read_at, item, choice, now).await
    }

    /// The stored choice, unless its price is too old. A choice without a price stands.
    fn fresh_choice(&self, package: &Package, now: DateTime<Utc>) -> Option<ServiceChoice> {
        let ttl = TimeDelta::hours(i64::from(self.0.policy.route.quote_ttl_hours));
        package.choice.clone().filter(|choice| {
            choice.quoted_at.is_none_or(|quoted_at| now.signed_duration_since(quoted_at) <= ttl)
        })
    }

    async fn no_service(
        &self,
        order: Order,
        item: &PackageRef,
        decision: &RouteDecision,
        now: DateTime<Utc>,
    ) -> Result<ItemOutcome<LabelRecord>> {
        let rejected = decision.rejected.iter().map(|(key, why)| format!("{key} {why}"));
        let ignored =
            decision.ignored_quotes.iter().map(|(key, why)| format!("the quote of {key} {why}"));
        let incomparable = decision
            .incomparable
            .iter()
            .map(|rule| format!("rule {rule} limits a value in another currency"));
        let why: Vec<String> = rejected.chain(ignored).chain(incomparable).collect();
        let detail = if why.is_empty() {
            "no carrier service is configured".to_owned()
        } else {
            why.join("; ")
        };
        self.change(&item.order, Some(order), &Actor::System, now, |_| {
            let action = Action::IncidentRaised {
                kind: ExceptionKind::NoService,
                package: Some(item.package.clone()),
                detail: detail.clone(),
            };
            Ok(Some((vec![action], Alongside::default(), ())))
        })
        .await?;
        Ok(ItemOutcome::Failed(
            Error::new(ErrorKind::Rejected, format!("no service takes the parcel: {detail}"))
                .with_context("package", &item.package),
        ))
    }

    async fn purchase(
        &self,
        order: Order,
        read_at: Option<DateTime<Utc>>,
        item: &PackageRef,
        choice: ServiceChoice,
        now: DateTime<Utc>,
    ) -> Result<(ItemOutcome<LabelRecord>, Option<Order>)> {
        let carrier = self.carrier(&choice.service.carrier)?;
        let shop = self.shop(&item.order.shop_key())?;
        let read_at = self.read_at(&shop.key, read_at).await?;
        let written = self
            .change(&item.order, Some(order), &Actor::System, now, |order| {
                let Some(package) = order.package(&item.package) else { return Ok(None) };
                if !matches!(package.label.state, LabelState::None | LabelState::Voided) {
                    return Ok(None);
                }
                let attempt = package.label.attempts.saturating_add(1);
                let key =
                    IdempotencyKey::derive(&["label", item.package.as_str(), &attempt.to_string()]);
                let request = self.label_request(carrier, shop, order, package, &choice, now)?;
                let mut actions = Vec::new();
                if package.choice.as_ref() != Some(&choice) {
                    actions.push(Action::Routed {
                        package: item.package.clone(),
                        choice: choice.clone(),
                    });
                }
                actions.push(Action::LabelRequested {
                    package: item.package.clone(),
                    key,
                    platform_read_at: read_at,
                });
                let intent = Intent {
                    key,
                    order: item.order.clone(),
                    package: Some(item.package.clone()),
                    effect: IntendedEffect::BuyLabel { request: Box::new(request.clone()) },
                    created_at: now,
                    // The creator works on it; others may only when it seems to have died.
                    due_at: seconds_later(now, self.0.policy.lease_seconds),
                    attempts: 0,
                    resent_at: None,
                };
                let alongside = Alongside { intents: vec![intent], ..Alongside::default() };
                Ok(Some((actions, alongside, (key, request))))
            })
            .await?;
        let Some((order, (key, request))) = written else {
            return Ok((ItemOutcome::Skipped(ELSEWHERE.into()), None));
        };
        self.purchases().begun_here.insert(key);
        let answer = carrier.adapter.buy_label(&request, &key).await;
        self.settle_purchase(Some(order), &item.order, &item.package, key, answer, now).await
    }

    pub(super) fn purchases(&self) -> MutexGuard<'_, Purchases> {
        self.0.purchases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps everybody else in this process from buying for a parcel until it is dropped; `None`
    /// when somebody does already.
    fn under_way(&self, package: &PackageId) -> Option<UnderWay<'_>> {
        let free = self.purchases().under_way.insert(package.clone());
        free.then(|| UnderWay { engine: self, package: package.clone() })
    }

    /// Whether this process may look what became of a purchase whose answer is awaited: its own at
    /// once, another's only when that one seems to have died. Of two that ask, one may.
    async fn may_look_for(&self, key: &IdempotencyKey, now: DateTime<Utc>) -> Result<bool> {
        let Some((intent, None)) = self.0.store.intent(key).await? else { return Ok(false) };
        let own = self.purchases().begun_here.contains(key);
        if !own && intent.due_at > now {
            return Ok(false);
        }
        let until = seconds_later(now, self.0.policy.lease_seconds);
        self.0.store.claim_one(key, &self.0.worker, now, until).await
    }

    fn label_request(
        &self,
        carrier: &Carrier,
        shop: &Shop,
        order: &Order,
        package: &Package,
        choice: &ServiceChoice,
        now: DateTime<Utc>,
    ) -> Result<LabelRequest> {
        let rate = self.rate_request(order, package, now)?;
        let named = shop.adapter.carrier_name(&choice.service.carrier, &choice.service.service);
        if named == CarrierNaming::Unsupported {
            return Err(Error::unsupported(format!(
                "{} cannot be named on {}",
                choice.service, shop.key.platform
            )));
        }
        Ok(LabelRequest {
            account: carrier.account.clone(),
            sender: rate.sender,
            recipient: rate.recipient,
            service: choice.service.clone(),
            token: choice.token.clone(),
            weight: rate.weight,
            dimensions: rate.dimensions,
            value: rate.value,
            customs: rate.customs,
            mailing_date: rate.mailing_date,
            format: self.0.policy.label_format.clone(),
            references: vec![package.id.to_string(), order.key.order.to_string()],
            warehouse: package.warehouse.clone(),
        })
    }

    /// Writes down what became of a purchase. A result is never dropped: the order is loaded again
    /// as often as somebody else changes it meanwhile.
    pub(super) async fn settle_purchase(
        &self,
        order: Option<Order>,
        order_key: &OrderKey,
        package: &PackageId,
        key: IdempotencyKey,
        answer: Result<Label>,
        now: DateTime<Utc>,
    ) -> Result<(ItemOutcome<LabelRecord>, Option<Order>)> {
        let package = package.clone();
        match answer {
            Ok(label) => {
                let mut record = label.record;
                record.key = key;
                // A platform ships several orders under one number; a carrier's label has its own.
                let noted = match order.as_ref().map(|order| order.logistics) {
                    Some(LogisticsMode::PlatformLabel) => None,
                    _ => Some(self.note_number(&record, now).await),
                };
                let has_paper =
                    label.documents.iter().any(|document| document.kind == DocumentKind::Label);
                let documents: Vec<StoredDocument> = label
                    .documents
                    .into_iter()
                    .zip(0..)
                    .map(|(document, position)| StoredDocument {
                        order: order_key.clone(),
                        package: package.clone(),
                        key,
                        position,
                        document,
                    })
                    .collect();
                let changed = self
                    .change(order_key, order, &Actor::Carrier, now, |order| {
                        let mut alongside = Alongside::settle(key, now, "bought");
                        let waits = order.package(&package).is_some_and(|parcel| {
                            matches!(
                                parcel.label.state,
                                LabelState::Requested | LabelState::Unknown
                            )
                        });
                        let known = order.package(&package).is_some_and(|parcel| {
                            parcel
                                .label
                                .record
                                .iter()
                                .chain(&parcel.label.voided)
                                .any(|label| label.number == record.number)
                        });
                        let action = if waits {
                            alongside.documents.clone_from(&documents);
                            let mut actions = vec![Action::LabelPurchased {
                                package: package.clone(),
                                record: record.clone(),
                            }];
                            if !has_paper && order.logistics != LogisticsMode::PlatformLabel {
                                // Paid for, and nothing to stick on the parcel.
                                actions.push(Action::IncidentRaised {
                                    kind: ExceptionKind::LabelUnknown,
                                    package: Some(package.clone()),
                                    detail: format!(
                                        "{} sold {} without a label that can be printed: print it \
                                         at the carrier, or void it",
                                        record.carrier, record.number
                                    ),
                                });
                            }
                            return Ok(Some((actions, alongside, ())));
                        } else if known {
                            return Ok(Some((Vec::new(), alongside, ())));
                        } else {
                            // Paid for, and not wanted: a person must have it voided.
                            Action::IncidentRaised {
                                kind: ExceptionKind::LabelUnknown,
                                package: Some(package.clone()),
                                detail: format!(
                                    "{} sold a label that is not needed: void {}",
                                    record.carrier, record.number
                                ),
                            }
                        };
                        Ok(Some((vec![action], alongside, ())))
                    })
                    .await?;
                self.purchases().begun_here.remove(&key);
                let mut order = changed.map(|(order, ())| order);
                if let Some(noted) = noted {
                    // What cannot be remembered or told costs nothing of what was sold.
                    let told = match noted {
                        Ok(is_new) => {
                            self.tell_shared_number(order_key, &package, &record, is_new, now).await
                        }
                        Err(error) => Err(error),
                    };
                    match told {
                        Ok(told) => order = told.or(order),
                        Err(error) => {
                            tracing::warn!(%error, "whether a number stands twice is not known");
                        }
                    }
                }
                Ok((ItemOutcome::Done(record), order))
            }
            Err(error) if error.may_have_acted() => {
                self.change(order_key, order, &Actor::System, now, |_| {
                    let action = Action::LabelUnknown { package: package.clone() };
                    Ok(Some((vec![action], Alongside::default(), ())))
                })
                .await?;
                let due = seconds_later(now, self.0.policy.upload_pause_seconds);
                self.0.store.postpone(&key, due).await?;
                Ok((ItemOutcome::Ambiguous(key), None))
            }
            Err(error) => {
                self.change(order_key, order, &Actor::Carrier, now, |_| {
                    let action =
                        Action::LabelFailed { package: package.clone(), reason: error.to_string() };
                    Ok(Some((vec![action], Alongside::settle(key, now, "failed"), ())))
                })
                .await?;
                self.purchases().begun_here.remove(&key);
                Ok((ItemOutcome::Failed(error), None))
            }
        }
    }

    /// Finds out what became of a purchase whose answer was lost. When it surely was not bought and
    /// the order may still ship, it is bought now, under the same key.
    pub(super) async fn recover_purchase(
        &self,
        key: &IdempotencyKey,
        now: DateTime<Utc>,
    ) -> Result<ItemOutcome<LabelRecord>> {
        let Some((intent, None)) = self.0.store.intent(key).await? else {
            return Ok(ItemOutcome::Skipped("the purchase is settled".into()));
        };
        if let (IntendedEffect::BuyPlatformLabel { request }, Some(package)) =
            (&intent.effect, &intent.package)
        {
            let Some(_under_way) = self.under_way(package) else {
                return Ok(ItemOutcome::Ambiguous(*key));
            };
            return self.recover_of_platform(&intent, request, now).await;
        }
        let (IntendedEffect::BuyLabel { request }, Some(package)) =
            (&intent.effect, &intent.package)
        else {
            return Ok(ItemOutcome::Skipped("the intent is not a purchase".into()));
        };
        let Some(_under_way) = self.under_way(package) else {
            // Whoever buys it at this moment settles it.
            return Ok(ItemOutcome::Ambiguous(*key));
        };
        let carrier = self.carrier(&request.service.carrier)?;
        let looked_for = intent.looked_for(request);
        match carrier.adapter.recover_label(&looked_for).await {
            Ok(Recovery::Found(label)) => {
                let settled =
                    self.settle_purchase(None, &intent.order, package, *key, Ok(*label), now);
                Ok(settled.await?.0)
            }
            Ok(Recovery::Absent) => {
                let order = self.load(&intent.order).await?;
                let wanted = order.package(package).is_some_and(|package| {
                    !package.contents.is_empty() && package.shipped.is_none()
                }) && !order.is_held(now)
                    && order.cancel_request.is_none()
                    && !order.state().is_terminal();
                if carrier.adapter.late_duplicates().is_some() {
                    self.watch_for_duplicates(&intent, request, now).await?;
                }
                if wanted {
                    // Written down before it is sent: what settles with time begins anew.
                    if !self.0.store.resend(key, now).await? {
                        return Ok(ItemOutcome::Skipped("the purchase is settled".into()));
                    }
                    let answer = carrier.adapter.buy_label(request, key).await;
                    let settled =
                        self.settle_purchase(None, &intent.order, package, *key, answer, now);
                    return Ok(settled.await?.0);
                }
                let package = package.clone();
                self.change(&intent.order, None, &Actor::Carrier, now, |_| {
                    let action = Action::LabelConfirmedAbsent { package: package.clone() };
                    Ok(Some((vec![action], Alongside::settle(*key, now, "absent"), ())))
                })
                .await?;
                Ok(ItemOutcome::Skipped("it was not bought, and is no longer wanted".into()))
            }
            Ok(Recovery::Unknowable { reason }) => {
                // A person must look; asking again every few seconds would only cost calls.
                self.0.store.postpone(key, later(now, TimeDelta::hours(1))).await?;
                let package = package.clone();
                self.change(&intent.order, None, &Actor::Carrier, now, |_| {
                    let action = Action::IncidentRaised {
                        kind: ExceptionKind::LabelUnknown,
                        package: Some(package.clone()),
                        detail: reason.clone(),
                    };
                    Ok(Some((vec![action], Alongside::default(), ())))
                })
                .await?;
                Ok(ItemOutcome::Ambiguous(*key))
            }
            Err(error) => {
                let pause = match error.retry() {
                    Retry::After(pause) => bounded(pause),
                    _ => TimeDelta::seconds(i64::from(self.0.policy.upload_pause_seconds)),
                };
                self.0.store.postpone(key, later(now, pause)).await?;
                Ok(ItemOutcome::Ambiguous(*key))
            }
        }
    }
}

/// Why an item is left alone.
pub(super) const ELSEWHERE: &str = "somebody else is buying it";

/// A parcel that somebody in this process is buying for.
struct UnderWay<'a> {
    engine: &'a Engine,
    package: PackageId,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.engine.purchases().under_way.remove(&self.package);
    }
}

/// The outcome of an item, also of one that its shop gave no answer about.
pub(super) fn outcome_of<T>(worked: Worked<ItemOutcome<T>>) -> ItemOutcome<T> {
    match worked {
        Worked::Done(outcome) => outcome,
        Worked::Broken(error) => ItemOutcome::Failed(error),
        Worked::GivenUp => ItemOutcome::Failed(Error::new(
            ErrorKind::Ambiguous,
            "the shop gave no answer: whether it was done is not known",
        )),
        Worked::NotBegun => ItemOutcome::Skipped("the shop gave no answer before its turn".into()),
    }
}

/// The same error for another item: errors are not cloned, since their sources are not.
pub(super) fn again(error: &Error) -> Error {
    Error::new(error.kind(), error.to_string()).with_retry(error.retry())
}

/// Whether a parcel waits for a label.
pub(super) fn wants_label(package: &Package) -> bool {
    package.shipped.is_none()
        && package.undeliverable.is_none()
        && !package.contents.is_empty()
        && package.tracking.is_none()
        && !package.has_live_label()
}
