//! What a store does: one atomic write for everything that belongs together.
//!
//! The engine changes state through [`Commit`]s: an order's new facts, the events that led to
//! them, the outside effects it intends or has settled, and documents, all or nothing. A store
//! that answers `Ok` has made it durable.

use std::fmt::Debug;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::ids::{EventId, IdempotencyKey, OrderKey, PackageId, PlatformOrderId, ShopKey};
use crate::order::{Event, Order, OrderFilter, OrderSort};
use crate::personal::Personal;
use crate::shipment::{Document, LabelRequest};

/// All or nothing: what belongs together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The order after the events.
    pub order: Order,
    /// The version the order must have in the store; `None` is a new order.
    pub expected: Option<u64>,
    /// The events that led there, in order.
    pub events: Vec<Event>,
    /// Outside effects intended: written before they are sent.
    pub intents: Vec<Intent>,
    /// Intents that are over.
    pub settled: Vec<Settlement>,
    /// Documents to keep.
    pub documents: Vec<StoredDocument>,
}

impl Commit {
    /// A commit of an order and its events, nothing else.
    #[must_use]
    pub const fn new(order: Order, expected: Option<u64>, events: Vec<Event>) -> Self {
        Self {
            order,
            expected,
            events,
            intents: Vec::new(),
            settled: Vec::new(),
            documents: Vec::new(),
        }
    }
}

/// What became of a [`Commit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// Durable.
    Done,
    /// The order has another version (or exists, or does not): load again and plan again. Nothing
    /// of this commit was written.
    Conflict {
        /// The version in the store; `None` when there is no such order.
        found: Option<u64>,
    },
}

/// An outside effect that is intended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The key it is sent under. Unique in the store.
    pub key: IdempotencyKey,
    /// Which order it is about.
    pub order: OrderKey,
    /// Which parcel, if any.
    pub package: Option<PackageId>,
    /// What is intended.
    pub effect: IntendedEffect,
    /// When it was written down.
    pub created_at: DateTime<Utc>,
    /// When it may be worked on.
    pub due_at: DateTime<Utc>,
    /// How often sending was begun.
    pub attempts: u32,
    /// When it was last sent again, where the first sending surely did nothing. What settles with
    /// time is measured from here: see [`Intent::sent_at`].
    #[serde(default)]
    pub resent_at: Option<DateTime<Utc>>,
}

impl Intent {
    /// When it was last sent.
    #[must_use]
    pub fn sent_at(&self) -> DateTime<Utc> {
        self.resent_at.map_or(self.created_at, |again| again.max(self.created_at))
    }
}

/// What is intended, with everything needed to send it or to find out what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "effect")]
#[non_exhaustive]
pub enum IntendedEffect {
    /// Buy a label.
    BuyLabel {
        /// What is asked for.
        request: Box<LabelRequest>,
    },
    /// Fetch or buy a label of the platform.
    BuyPlatformLabel {
        /// What is asked for.
        request: Box<super::PlatformLabelRequest>,
    },
    /// Tell the platform that a parcel has left.
    ConfirmShipment {
        /// What it is told.
        notice: Box<super::ShipmentNotice>,
    },
    /// Look for shipments of a purchase that was found absent and sent again, and give back what
    /// appears late.
    WatchForDuplicates {
        /// What was asked for.
        request: Box<LabelRequest>,
        /// The key of the purchase.
        purchase: IdempotencyKey,
    },
    /// Void a label.
    VoidLabel {
        /// Which one.
        record: Box<crate::shipment::LabelRecord>,
    },
    /// Cancel units on the platform.
    Cancel {
        /// Which.
        lines: Vec<super::CancelLine>,
    },
    /// Write to the buyer.
    Message {
        /// What.
        text: Personal<String>,
    },
    /// Give money back.
    Refund {
        /// For which lines.
        lines: Vec<super::RefundLine>,
    },
    /// Give back stock that is set aside for units of a line that are cancelled.
    ReleaseStock {
        /// Which line.
        line: crate::ids::LineId,
    },
    /// Take a parcel's units off the shelf.
    ConsumeStock {
        /// What left.
        moves: Vec<super::StockMove>,
    },
    /// Take back what a buyer returned.
    TakeBackStock {
        /// What came back.
        returned: super::StockReturn,
    },
}

impl IntendedEffect {
    /// The effect as a word, for queries.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::BuyLabel { .. } => "buy_label",
            Self::BuyPlatformLabel { .. } => "buy_platform_label",
            Self::WatchForDuplicates { .. } => "watch_for_duplicates",
            Self::ConfirmShipment { .. } => "confirm_shipment",
            Self::VoidLabel { .. } => "void_label",
            Self::Cancel { .. } => "cancel",
            Self::Message { .. } => "message",
            Self::Refund { .. } => "refund",
            Self::ReleaseStock { .. } => "release_stock",
            Self::ConsumeStock { .. } => "consume_stock",
            Self::TakeBackStock { .. } => "take_back_stock",
        }
    }
}

/// An intent that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// Which.
    pub key: IdempotencyKey,
    /// When.
    pub at: DateTime<Utc>,
    /// How it ended, in a word or two, redacted.
    pub outcome: String,
}

/// A document kept beside an order, outside its facts because it is large.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredDocument {
    /// Which order.
    pub order: OrderKey,
    /// Which parcel.
    pub package: PackageId,
    /// The key of the purchase it came with.
    pub key: IdempotencyKey,
    /// Its place among the documents of that purchase, from 0.
    pub position: u32,
    /// The document.
    pub document: Document,
}

impl Debug for StoredDocument {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StoredDocument({}, {:?})", self.package, self.document)
    }
}

/// A slice of the orders of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderPage {
    /// Orders, sorted.
    pub orders: Vec<Order>,
    /// How many orders match in all.
    pub total: u64,
}

/// Orders and their logs.
#[async_trait]
pub trait OrderStore: Debug + Send + Sync {
    /// An order by key.
    async fn order(&self, key: &OrderKey) -> Result<Option<Order>>;

    /// Several orders at once, in the order asked; `None` for unknown ones.
    async fn orders(&self, keys: &[OrderKey]) -> Result<Vec<Option<Order>>>;

    /// Orders selected by a filter at `now`, sorted, from `offset` at most `limit`.
    async fn find(
        &self,
        filter: &OrderFilter,
        sort: OrderSort,
        now: DateTime<Utc>,
        offset: u64,
        limit: u32,
    ) -> Result<OrderPage>;

    /// Keys of orders that are not closed, so that work can be planned without loading closed
    /// ones; after `after` in key order, at most `limit`.
    async fn open_orders(&self, after: Option<&OrderKey>, limit: u32) -> Result<Vec<OrderKey>>;

    /// The events of an order, oldest first.
    async fn log(&self, key: &OrderKey) -> Result<Vec<Event>>;

    /// Writes commits, each all or nothing, in order; one outcome per commit. All commits of the
    /// call may share one sync. A commit that repeats what is stored (same order, version and
    /// events) is [`Committed::Done`].
    async fn commit(&self, commits: Vec<Commit>) -> Result<Vec<Committed>>;

    /// Erases personal data of an order: its facts are replaced, and the contents of its events,
    /// intents and documents are dropped. Returns whether there was such an order.
    async fn erase(&self, erased: &Order) -> Result<bool>;
}

/// Intents that are not over.
#[async_trait]
pub trait Outbox: Debug + Send + Sync {
    /// Takes due intents for this worker until `until`: nobody else gets them before. Oldest due
    /// first, at most `limit`.
    async fn claim(
        &self,
        worker: &str,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Intent>>;

    /// Takes one intent for this worker until `until`, due or not. `false` when it is over or
    /// another lease runs: of two that ask at once, one gets it.
    async fn claim_one(
        &self,
        key: &IdempotencyKey,
        worker: &str,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<bool>;

    /// Puts an intent off: not before `due_at`. Counts an attempt and frees the lease.
    async fn postpone(&self, key: &IdempotencyKey, due_at: DateTime<Utc>) -> Result<()>;

    /// Writes down that an intent is sent again at `at`, before it is; `false` when it is over, and
    /// then it must not be sent.
    async fn resend(&self, key: &IdempotencyKey, at: DateTime<Utc>) -> Result<bool>;

    /// Every intent that is not over, oldest first.
    async fn unsettled(&self) -> Result<Vec<Intent>>;

    /// An intent by key, also when it is over, with its outcome then.
    async fn intent(&self, key: &IdempotencyKey) -> Result<Option<(Intent, Option<String>)>>;
}

/// How far each shop was read.
#[async_trait]
pub trait Cursors: Debug + Send + Sync {
    /// Until when everything of a shop was read.
    async fn horizon(&self, shop: &ShopKey) -> Result<Option<DateTime<Utc>>>;

    /// Moves it. Never backwards: an earlier instant changes nothing.
    async fn advance(&self, shop: &ShopKey, to: DateTime<Utc>) -> Result<()>;

    /// Sets it anew, also backwards: for a horizon that a wrong clock moved too far.
    async fn reset_horizon(&self, shop: &ShopKey, to: DateTime<Utc>) -> Result<()>;
}

/// Orders that could not be read, kept so that nothing is lost.
#[async_trait]
pub trait Quarantine: Debug + Send + Sync {
    /// Keeps one. The same bytes of the same shop again only renew its stamp.
    async fn quarantine(&self, entry: &QuarantineEntry) -> Result<()>;

    /// Everything kept, oldest first.
    async fn quarantined(&self) -> Result<Vec<QuarantineEntry>>;

    /// Forgets the entries of an order that could be read after all.
    async fn release(&self, shop: &ShopKey, order: &PlatformOrderId) -> Result<()>;
}

/// An order that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantineEntry {
    /// From which shop.
    pub shop: ShopKey,
    /// Its id, if at least that could be read.
    pub order: Option<PlatformOrderId>,
    /// Why, naming the field.
    pub reason: String,
    /// The platform's bytes of it.
    pub raw: Personal<String>,
    /// When it was last seen.
    pub seen_at: DateTime<Utc>,
}

/// Notifications of platforms, stored before they are answered.
#[async_trait]
pub trait Inbox: Debug + Send + Sync {
    /// Stores one. `false` when it is there already.
    async fn receive(
        &self,
        shop: &ShopKey,
        notice: &super::WebhookNotice,
        now: DateTime<Utc>,
    ) -> Result<bool>;

    /// Notices of a shop not yet processed, oldest first, at most `limit`. One shop's backlog never
    /// stands before another's.
    async fn pending(&self, shop: &ShopKey, limit: u32) -> Result<Vec<super::WebhookNotice>>;

    /// Marks one as processed.
    async fn processed(&self, shop: &ShopKey, event: &EventId) -> Result<()>;
}

/// What was fired or sent, so that it is not fired or sent again: alerts, notices to buyers,
/// reports. Keys are chosen by the caller.
#[async_trait]
pub trait Fired: Debug + Send + Sync {
    /// Remembers a key. `false` when it was there already.
    async fn fire(&self, key: &str, at: DateTime<Utc>) -> Result<bool>;

    /// Which of some keys were fired, and when.
    async fn fired(&self, keys: &[String]) -> Result<Vec<Option<DateTime<Utc>>>>;
}

/// Figures as platforms state them, kept beside ours.
#[async_trait]
pub trait Figures: Debug + Send + Sync {
    /// Keeps what a platform stated at an instant. The same figure of the same instant again
    /// replaces what was kept.
    async fn keep_figures(
        &self,
        shop: &ShopKey,
        at: DateTime<Utc>,
        figures: &[super::StatedFigure],
    ) -> Result<()>;

    /// What was stated of a shop from an instant on, oldest first, of one instant by name.
    async fn figures(
        &self,
        shop: &ShopKey,
        from: DateTime<Utc>,
    ) -> Result<Vec<(DateTime<Utc>, super::StatedFigure)>>;
}

/// Documents kept beside orders.
#[async_trait]
pub trait Documents: Debug + Send + Sync {
    /// The documents of a parcel's purchase, by position.
    async fn documents(
        &self,
        package: &PackageId,
        key: &IdempotencyKey,
    ) -> Result<Vec<StoredDocument>>;
}

/// Everything the engine keeps. Implemented by every type that implements the parts.
pub trait Store:
    OrderStore + Outbox + Cursors + Quarantine + Inbox + Fired + Figures + Documents + 'static
{
}

impl<T> Store for T where
    T: OrderStore + Outbox + Cursors + Quarantine + Inbox + Fired + Figures + Documents + 'static
{
}
