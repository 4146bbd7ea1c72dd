//! Orders: facts, and the state derived from them.
//!
//! An [`Order`] holds facts per line, package, payment and hold. Its headline state is *derived*
//! ([`derive_state`]), never assigned, and facts change only by [`apply`]ing an [`Event`]. What a
//! platform says is a [`PlatformOrder`]; [`reconcile`] turns it into events.

mod apply;
mod cancel;
mod case;
mod completion;
mod counters;
mod deadline;
mod erase;
mod event;
mod facts;
mod filter;
mod guard;
mod hold;
mod incident;
mod lifecycle;
mod merge;
mod payment;
mod reconcile;
mod snapshot;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use apply::{Effect, Rejected, Transition, apply, apply_under, import, replay};
pub use case::{AfterSaleCase, CaseKind, OrderCase};
pub use completion::CompletionPolicy;
pub use counters::{InvariantBroken, LineCounters, LineState, check_invariants, counters};
pub use deadline::{Deadline, DeadlineKind, DeadlineSource, Requirements, ShipTimeBasis};
pub use erase::erase;
pub use event::{
    Action, Actor, Allocation, BackorderedUnits, CancelReason, CancelledUnits, Event, EventKind,
    PlannedPackage, ReturnedUnits,
};
pub use filter::{OrderFilter, OrderSort, TimeRange};
pub use guard::{Guard, LifecyclePolicy};
pub use hold::{Hold, HoldReason};
#[cfg(feature = "engine")]
pub(crate) use hold::{cancel_sent, unread};
pub use incident::{AddressProblem, ExceptionKind, Incident};
pub use lifecycle::{
    EVENTS, EventRow, OrderState, Stage, TRANSITIONS, TransitionRow, derive_stage, derive_state,
};
pub use payment::{Payment, PaymentMethod, PaymentState};
#[cfg(feature = "engine")]
pub(crate) use reconcile::is_older;
pub use reconcile::{content_hash, reconcile};
pub use snapshot::{
    CancelRequest, PlatformBuyer, PlatformDeadline, PlatformHold, PlatformLine, PlatformOrder,
    PlatformShipment, PlatformTrouble, RefusedRequest, SnapshotFault, UnitGroup, UnitStatus,
};

use crate::address::Contact;
use crate::ids::{EventId, HoldId, LineId, OrderKey, PackageId, Sku};
use crate::money::Money;
use crate::personal::Personal;
use crate::shipment::Package;
use crate::units::Grams;

/// Who arranges the transport of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogisticsMode {
    /// The platform issues label and number; nothing is uploaded.
    PlatformLabel,
    /// The seller buys the label and uploads the number.
    SellerCarrier,
    /// The platform stores and ships: nothing to do here.
    PlatformFulfilled,
}

impl LogisticsMode {
    /// Whether the platform itself writes the recipient on the parcel. What it shows of the address
    /// may then be masked or missing, and is no ground to stop the order.
    #[must_use]
    pub const fn is_addressed_by_platform(self) -> bool {
        matches!(self, Self::PlatformLabel | Self::PlatformFulfilled)
    }
}

/// How fast a service is, or how fast the buyer wants it. Ordered: later is faster.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum SpeedClass {
    /// Cheapest, slowest.
    Economy,
    /// The usual.
    #[default]
    Standard,
    /// Two or three days, paid for.
    Expedited,
    /// The next day.
    NextDay,
}

/// How urgent an order is. Ordered: later is more urgent.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// May wait.
    Low,
    /// The usual.
    #[default]
    Normal,
    /// Before the usual.
    High,
    /// First in every queue.
    Urgent,
}

/// What the automatic review or a person decided.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum Review {
    /// Not reviewed yet.
    #[default]
    Pending,
    /// Approved.
    Approved {
        /// When.
        at: DateTime<Utc>,
        /// By whom.
        by: Actor,
    },
    /// A person must decide.
    NeedsPerson {
        /// When the review found so.
        at: DateTime<Utc>,
        /// What was found, as sentences.
        findings: Vec<String>,
    },
    /// Not to be shipped.
    Refused {
        /// When.
        at: DateTime<Utc>,
        /// What was found, as sentences.
        findings: Vec<String>,
    },
}

/// An order with all its facts.
///
/// Built by [`import`], changed by [`apply`]. Fields are public to read; code that writes them
/// by hand steps outside the guarantees of the lifecycle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Identity.
    pub key: OrderKey,
    /// Number of events applied; the version that stores compare.
    pub version: u64,
    /// The number the buyer sees.
    pub number: Option<String>,
    /// Site or market.
    pub site: Option<String>,
    /// Buyer.
    pub buyer: PlatformBuyer,
    /// Whom it goes to.
    pub recipient: Option<Contact>,
    /// Raised when the recipient changes.
    pub recipient_version: u32,
    /// Who arranges the transport.
    pub logistics: LogisticsMode,
    /// The service the buyer chose, word for word.
    pub requested_service: Option<String>,
    /// How fast that is.
    pub speed: SpeedClass,
    /// What the buyer pays in all. The platform's figure, never recomputed.
    pub total: Money,
    /// Buyer's note.
    pub note: Option<Personal<String>>,
    /// Tags by rules and people.
    pub tags: BTreeSet<String>,
    /// How urgent.
    pub priority: Priority,
    /// Whether the platform marks it as a test.
    pub test: bool,
    /// When it was placed.
    pub placed_at: DateTime<Utc>,
    /// When it first became ready to ship.
    pub paid_at: Option<DateTime<Utc>>,
    /// When it was imported.
    pub imported_at: DateTime<Utc>,
    /// Lines.
    pub lines: Vec<Line>,
    /// Packages.
    pub packages: Vec<Package>,
    /// Number of packages ever planned; numbers the next one.
    pub packages_planned: u32,
    /// Payments.
    pub payments: Vec<Payment>,
    /// Holds, also released ones.
    pub holds: Vec<Hold>,
    /// Cancelled units.
    pub cancellations: Vec<CancelledUnits>,
    /// Returned units.
    pub returns: Vec<ReturnedUnits>,
    /// Units that could not be allocated.
    pub backorders: Vec<BackorderedUnits>,
    /// Review.
    pub review: Review,
    /// Whether this platform wants an acknowledgement.
    pub needs_acknowledgement: bool,
    /// When it was acknowledged.
    pub acknowledged_at: Option<DateTime<Utc>>,
    /// Open wish of the buyer to cancel.
    pub cancel_request: Option<CancelRequest>,
    /// What of it a person refused: the order ships although the platform may go on showing the wish.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_refused: Option<RefusedRequest>,
    /// What buyers asked for after the sale, as far as it was read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cases: Vec<OrderCase>,
    /// Deadlines, one of a kind.
    pub deadlines: Vec<Deadline>,
    /// What happened that somebody should know of.
    pub incidents: Vec<Incident>,
    /// When it was completed.
    pub completed_at: Option<DateTime<Utc>>,
    /// What the platform said last.
    pub platform: PlatformFacts,
    /// Further facts of the platform, word for word.
    pub attributes: BTreeMap<String, String>,
    /// Further facts that may name a person: they never print, and erasure removes them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub personal_attributes: BTreeMap<String, Personal<String>>,
    /// Events applied, so that a repetition changes nothing.
    pub applied: BTreeSet<EventId>,
    /// Set when personal data was erased.
    pub erased_at: Option<DateTime<Utc>>,
}

/// What the platform said last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformFacts {
    /// Its status of the order, word for word.
    pub status: Option<String>,
    /// Its stamp of the last change.
    pub updated_at: Option<DateTime<Utc>>,
    /// Hash of the snapshot last merged.
    pub content_hash: String,
    /// Statuses this crate does not know, word for word.
    pub unknown_statuses: BTreeSet<String>,
    /// Whether it shows a wish of the buyer to cancel.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub asks_to_cancel: bool,
    /// What it said is wrong, until it says so no longer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub troubles: Vec<PlatformTrouble>,
    /// The raw bytes of the last read, to replay mapping errors.
    pub raw: Personal<String>,
}

/// A line of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Id on the platform.
    pub id: LineId,
    /// Ids of the single units, on platforms that have them.
    pub unit_ids: Vec<String>,
    /// Stock keeping unit.
    pub sku: Option<Sku>,
    /// Title.
    pub title: String,
    /// Variant attributes.
    pub attributes: BTreeMap<String, String>,
    /// Further facts that may name a person: they never print, and erasure removes them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub personal_attributes: BTreeMap<String, Personal<String>>,
    /// Units ordered: the one stored counter.
    pub ordered: u32,
    /// Price of a unit.
    pub unit_price: Money,
    /// Total as the platform states it. Whether the discount is off it already differs between
    /// platforms.
    pub line_total: Option<Money>,
    /// Tax; `None` is unknown.
    pub tax: Option<Money>,
    /// What the buyer pays for transport.
    pub shipping: Option<Money>,
    /// Discount, positive.
    pub discount: Option<Money>,
    /// Refunded so far.
    pub refunded: Option<Money>,
    /// Weight of a unit.
    pub weight: Option<Grams>,
    /// Picture.
    pub image_url: Option<String>,
    /// Units that belong together across lines share a bundle.
    pub bundle: Option<String>,
}

impl Order {
    /// The headline state, derived from the facts.
    #[must_use]
    pub fn state(&self) -> OrderState {
        derive_state(self)
    }

    /// A line by id.
    #[must_use]
    pub fn line(&self, id: &LineId) -> Option<&Line> {
        self.lines.iter().find(|line| line.id == *id)
    }

    /// A package by id.
    #[must_use]
    pub fn package(&self, id: &PackageId) -> Option<&Package> {
        self.packages.iter().find(|package| package.id == *id)
    }

    /// Whether any hold blocks at `now`.
    #[must_use]
    pub fn is_held(&self, now: DateTime<Utc>) -> bool {
        self.holds.iter().any(|hold| hold.is_open(now))
    }

    /// A hold by id.
    #[must_use]
    pub fn hold(&self, id: &HoldId) -> Option<&Hold> {
        self.holds.iter().find(|hold| hold.id == *id)
    }

    /// The deadline of a kind.
    #[must_use]
    pub fn deadline(&self, kind: DeadlineKind) -> Option<&Deadline> {
        self.deadlines.iter().find(|deadline| deadline.kind == kind)
    }

    /// Units of a line that are neither cancelled nor in a parcel that counts.
    #[must_use]
    pub fn open_units(&self, line: &LineId) -> u32 {
        counters(self, line).map_or(0, |counters| counters.open())
    }

    /// Weight of the goods in some units of lines; `None` when a weight is unknown.
    #[must_use]
    pub fn goods_weight(&self, contents: &[crate::shipment::PackedLine]) -> Option<Grams> {
        contents.iter().try_fold(Grams::ZERO, |sum, packed| {
            let unit = self.line(&packed.line)?.weight?;
            Some(sum.saturating_add(unit.saturating_mul(packed.units)))
        })
    }
}
