//! Notifications of platforms: verified, stored durably, answered, worked on later. They end in the
//! same function as polling, so that duplicates and a wrong order do no harm.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use futures_util::future;
use tokio::time::Instant;

use super::Engine;
use super::ingest::{SyncReport, endless};
use super::round::{Kept, Part, Turn, contained, is_past, within};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{EventId, OrderKey, ShopKey};
use crate::personal::Personal;
use crate::ports::store::QuarantineEntry;
use crate::ports::{PageWalk, PlatformItem, WebhookRequest};

/// Notices of one shop looked at in one call.
const AT_ONCE: u32 = 2_000;
/// Pages of missed notices.
const MOST_PAGES: u32 = 1_000;

/// What became of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// Stored: answer the platform with success.
    New,
    /// It was there already: answer with success.
    Repeated,
}

/// What working on notifications came to.
#[derive(Debug, Default)]
pub struct InboxReport {
    /// Notices that are done.
    pub done: u64,
    /// Orders read because of them.
    pub orders_read: u64,
    /// Notices that stay for the next time.
    pub waiting: u64,
    /// What did not work.
    pub errors: Vec<Error>,
}

impl Engine {
    /// Takes a notification in: signature and age are checked and it is stored before this returns,
    /// so that the host may answer at once. Nothing is read from the platform;
    /// [`Engine::work_inbox`] does that.
    ///
    /// # Errors
    /// - [`ErrorKind::AuthRejected`] when it is not from the platform, or too old: answer with 401 and
    ///   forget it.
    /// - [`ErrorKind::UnexpectedAnswer`] when its origin is proven and its body cannot be read:
    ///   answer with 400. A platform that sends it again changes nothing; polling finds what it was
    ///   about.
    /// - [`ErrorKind::Rejected`] when it is about another shop than this one, where both are known:
    ///   it came to the wrong address. Answer with 404, and compare the addresses that are subscribed.
    /// - [`ErrorKind::Unsupported`] when the shop takes none: answer with 404.
    /// - [`ErrorKind::Configuration`] when the engine has no such shop.
    /// - [`ErrorKind::Ambiguous`] when the adapter panicked: answer with 500.
    /// - [`ErrorKind::Storage`]: answer with 500, the platform sends it again.
    pub async fn receive(
        &self,
        shop: &ShopKey,
        request: &WebhookRequest<'_>,
        now: DateTime<Utc>,
    ) -> Result<Received> {
        let known = self.shop(shop)?;
        let Some(ability) = known.adapter.webhooks() else {
            return Err(Error::unsupported("the shop takes no notifications"));
        };
        let notice = contained(shop, "receive", async { ability.receive(request, now) }).await??;
        let is_new = self.0.store.receive(shop, &notice, now).await?;
        Ok(if is_new { Received::New } else { Received::Repeated })
    }

    /// Fetches the notifications that a platform could not deliver, into the same inbox.
    ///
    /// # Errors
    /// Of the adapter or the store; [`ErrorKind::UnexpectedAnswer`] when the platform's list does not
    /// end. What was read until then is in the inbox.
    pub async fn collect_missed(&self, shop: &ShopKey, now: DateTime<Utc>) -> Result<u64> {
        Ok(self.collect_until(shop, None, now).await?.0)
    }

    /// Collects until an instant. Returns how many notices are new, and whether there are more.
    pub(super) async fn collect_until(
        &self,
        shop: &ShopKey,
        until: Option<Instant>,
        now: DateTime<Utc>,
    ) -> Result<(u64, bool)> {
        let known = self.shop(shop)?;
        let Some(ability) = known.adapter.missed_notices() else { return Ok((0, false)) };
        let mut kept = Kept::take(self, shop, |state| &mut state.collecting);
        let mut walk = kept.value.take().unwrap_or_else(|| PageWalk::within(MOST_PAGES));
        let mut new = 0;
        loop {
            // Where this is dropped or fails, the next call begins with the first page again.
            let Some(page) = within(until, ability.missed(walk.cursor())).await.transpose()? else {
                kept.value = Some(walk);
                return Ok((new, true));
            };
            for item in page.items {
                // One that cannot be read names no order; polling finds what it was about.
                if let PlatformItem::Read(notice) = item {
                    new += u64::from(self.0.store.receive(shop, &notice, now).await?);
                }
            }
            if !walk.go_on(page.next).map_err(|list| endless(list, shop, "missed"))? {
                return Ok((new, false));
            }
            if is_past(until) {
                kept.value = Some(walk);
                return Ok((new, true));
            }
        }
    }

    /// Works on stored notifications: each order they name is read once, however many name it. A
    /// notice without an order makes its shop be read. What fails for a while stays, and what a shop
    /// has no time for in its share ([`EnginePolicy::shop_share_seconds`](super::EnginePolicy)); an
    /// order that cannot be read at all is kept in quarantine.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`]; what goes wrong with single orders is in the report.
    pub async fn work_inbox(&self, now: DateTime<Utc>) -> Result<InboxReport> {
        self.work_inbox_in(&self.round().part(), now).await
    }

    pub(super) async fn work_inbox_in(
        &self,
        part: &Part<'_>,
        now: DateTime<Utc>,
    ) -> Result<InboxReport> {
        let mut named: BTreeMap<OrderKey, Vec<EventId>> = BTreeMap::new();
        let mut unnamed: BTreeMap<ShopKey, Vec<EventId>> = BTreeMap::new();
        let mut report = InboxReport::default();
        for shop in self.0.shops.keys() {
            let notices = self.0.store.pending(shop, AT_ONCE).await?;
            if self.is_stopped(shop, now) || part.round.is_silent(shop) {
                report.waiting += notices.len() as u64;
                continue;
            }
            for notice in notices {
                match notice.order {
                    Some(order) => {
                        let key = OrderKey::new(shop.platform.clone(), shop.shop.clone(), order);
                        named.entry(key).or_default().push(notice.event_id);
                    }
                    None => unnamed.entry(shop.clone()).or_default().push(notice.event_id),
                }
            }
        }
        // What names its order costs one call and goes first.
        let read = self
            .per_shop(
                Turn::Share(part),
                named.keys().cloned().collect(),
                OrderKey::shop_key,
                |key| async move { self.refresh(&key, now).await.map(|_| ()) },
            )
            .await;
        for ((key, events), outcome) in named.into_iter().zip(read) {
            let Some(outcome) = outcome.done(|error| report.errors.push(error)) else {
                report.waiting += events.len() as u64;
                continue;
            };
            report.orders_read += u64::from(outcome.is_ok());
            self.finish(&key.shop_key(), events, Some(&key), outcome, now, &mut report).await?;
        }
        let read = future::join_all(unnamed.keys().map(|shop| async move {
            let may_judge = part.may_judge(shop);
            let until = self.until(Turn::Share(part), shop);
            let read = contained(shop, "list_orders", self.read_all(shop, until, now));
            (may_judge, read.await.and_then(|read| read))
        }))
        .await;
        for ((shop, events), (may_judge, outcome)) in unnamed.into_iter().zip(read) {
            match outcome {
                // Pages that were read are kept; the notice waits until all of them are.
                Ok(read) if read.more => {
                    report.waiting += events.len() as u64;
                    if !read.is_silent() {
                        part.round.note_unfinished(&shop);
                    } else if may_judge {
                        part.round.note_silent(&shop);
                    }
                }
                other => {
                    let outcome = other.map(|_| ());
                    self.finish(&shop, events, None, outcome, now, &mut report).await?;
                }
            }
        }
        Ok(report)
    }

    async fn read_all(
        &self,
        shop: &ShopKey,
        until: Instant,
        now: DateTime<Utc>,
    ) -> Result<SyncReport> {
        let mut read = self.sync_until(shop, Some(until), now).await?;
        let known = self.shop(shop)?;
        let limits = known.adapter.limits();
        // Every open order is read again as often as the plan says and no more: a notice that names
        // none must not cost the shop its whole share.
        let lists_all = limits.lists_cancelled && limits.lists_movements;
        if !read.more && !lists_all && self.may_reread(known, now) {
            read.add(self.read_open_until(shop, Some(until), now).await?);
        }
        Ok(read)
    }

    async fn finish(
        &self,
        shop: &ShopKey,
        events: Vec<EventId>,
        order: Option<&OrderKey>,
        outcome: Result<()>,
        now: DateTime<Utc>,
        report: &mut InboxReport,
    ) -> Result<()> {
        if let Err(error) = outcome {
            if error.kind() == ErrorKind::Storage {
                return Err(error);
            }
            self.stop_if_refused(shop, &error, now);
            let is_final = matches!(
                error.kind(),
                ErrorKind::NotFound
                    | ErrorKind::UnexpectedAnswer
                    | ErrorKind::Rejected
                    // An id that no call can carry names nothing.
                    | ErrorKind::InvalidInput
                    | ErrorKind::Unsupported
            );
            if let (Some(key), true) = (order, is_final) {
                // A notice is a hint: asking for ever would find nothing else.
                let entry = QuarantineEntry {
                    shop: shop.clone(),
                    order: Some(key.order.clone()),
                    reason: format!("a notification named it: {error}"),
                    // Entries are told apart by their bytes.
                    raw: Personal::new(serde_json::json!({ "named": key.order }).to_string()),
                    seen_at: now,
                };
                self.0.store.quarantine(&entry).await?;
            } else {
                report.waiting += events.len() as u64;
                report.errors.push(error.with_context("shop", shop));
                return Ok(());
            }
            report.errors.push(error.with_context("shop", shop));
        }
        for event in events {
            self.0.store.processed(shop, &event).await?;
            report.done += 1;
        }
        Ok(())
    }
}
