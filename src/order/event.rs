//! Events: the only way facts change.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::case::AfterSaleCase;
use super::deadline::Deadline;
use super::hold::Hold;
use super::incident::ExceptionKind;
use super::payment::Payment;
use super::snapshot::{CancelRequest, PlatformOrder};
use super::{Priority, Review};
use crate::ids::{
    CarrierId, EventId, HoldId, IdempotencyKey, LineId, PackageId, ServiceCode, TrackingNumber,
    WarehouseId,
};
use crate::money::Money;
use crate::shipment::{
    LabelRecord, PackedLine, ServiceChoice, TrackingEvent, UndeliverableResolution,
};
use crate::units::{Dimensions, Grams};

/// Who caused an event.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// This crate, by a rule.
    System,
    /// The platform.
    Platform,
    /// The carrier.
    Carrier,
    /// A person, by the host's name for him.
    Person(String),
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("system"),
            Self::Platform => f.write_str("platform"),
            Self::Carrier => f.write_str("carrier"),
            Self::Person(name) => write!(f, "person {name}"),
        }
    }
}

/// Something that happened, with its identity, time and cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its id. Applying the same id twice changes nothing.
    pub id: EventId,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// Who caused it.
    pub actor: Actor,
    /// What happened.
    pub action: Action,
}

impl Event {
    /// An event whose id is a hash of its time, cause and content.
    #[must_use]
    pub fn new(action: Action, at: DateTime<Utc>, actor: Actor) -> Self {
        let content = serde_json::to_string(&action).unwrap_or_else(|_| format!("{action:?}"));
        let id = EventId::of_content(&[
            &content,
            &at.timestamp_micros().to_string(),
            &actor.to_string(),
        ]);
        Self { id, at, actor, action }
    }

    /// An event whose id is a hash of its content alone, so that hearing of it again at another
    /// time is recognised: for facts that can only happen once.
    #[must_use]
    pub fn once(action: Action, at: DateTime<Utc>, actor: Actor) -> Self {
        let content = serde_json::to_string(&action).unwrap_or_else(|_| format!("{action:?}"));
        Self { id: EventId::of_content(&[&content]), at, actor, action }
    }

    /// An event with an id given by its source.
    #[must_use]
    pub const fn with_id(id: EventId, action: Action, at: DateTime<Utc>, actor: Actor) -> Self {
        Self { id, at, actor, action }
    }

    /// Which kind it is.
    #[must_use]
    pub const fn kind(&self) -> EventKind {
        self.action.kind()
    }
}

macro_rules! actions {
    ($( $(#[$meta:meta])* $id:literal $name:ident $({ $( $(#[$fmeta:meta])* $field:ident : $type:ty ),* $(,)? })? ),* $(,)?) => {
        /// What happened.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case", tag = "action")]
        pub enum Action {
            $( $(#[$meta])* $name $({ $( $(#[$fmeta])* $field : $type ),* })? ),*
        }

        /// An [`Action`] without its content: the columns of the lifecycle grid.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum EventKind {
            $( $(#[$meta])* $name ),*
        }

        impl Action {
            /// Which kind it is.
            #[must_use]
            pub const fn kind(&self) -> EventKind {
                match self { $( Self::$name { .. } => EventKind::$name ),* }
            }
        }

        impl EventKind {
            /// Every kind, in the order of the lifecycle.
            pub const ALL: &'static [Self] = &[ $( Self::$name ),* ];

            /// The name that the domain's documentation gives to it, for example `E-SHIP`.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $( Self::$name => $id ),* }
            }
        }
    };
}

actions! {
    /// The order became known.
    "E-IMPORT" Imported {
        /// What the platform said.
        snapshot: Box<PlatformOrder>,
        /// Whether this platform wants an acknowledgement.
        needs_acknowledgement: bool,
    },
    /// The platform said something new that changes no quantity: details, statuses, recipient.
    "E-UPDATE" Updated {
        /// What the platform said.
        snapshot: Box<PlatformOrder>,
    },
    /// The payment became ready to ship.
    "E-PAID" Paid {
        /// When.
        paid_at: DateTime<Utc>,
        /// Payments, if the platform shows them.
        payments: Vec<Payment>,
    },
    /// Unpaid too long.
    "E-PAYTIMEOUT" PaymentTimedOut,
    /// The review was done, automatically or by a person.
    "E-REVIEW" Reviewed {
        /// Its outcome.
        review: Review,
    },
    /// The platform took the acknowledgement, or says that it has one.
    "E-ACK" Acknowledged {
        /// When.
        acknowledged_at: DateTime<Utc>,
    },
    /// Deadlines were computed or changed.
    "E-DEADLINES" DeadlinesSet {
        /// All of them, one of a kind.
        deadlines: Vec<Deadline>,
    },
    /// Units were given to warehouses and parcels.
    "E-ALLOC" Allocated {
        /// The plan.
        allocation: Allocation,
    },
    /// A carrier's service was chosen for a parcel.
    "E-ROUTE" Routed {
        /// Which parcel.
        package: PackageId,
        /// Which service and why.
        choice: ServiceChoice,
    },
    /// The intent to buy a label was written down.
    "E-LABEL" LabelRequested {
        /// For which parcel.
        package: PackageId,
        /// Under which key.
        key: IdempotencyKey,
        /// When the platform's view of the order was last read.
        platform_read_at: DateTime<Utc>,
    },
    /// The carrier sold the label.
    "E-LABEL-BOUGHT" LabelPurchased {
        /// For which parcel.
        package: PackageId,
        /// What was sold.
        record: LabelRecord,
    },
    /// The carrier refused; nothing was bought.
    "E-LABEL-FAILED" LabelFailed {
        /// For which parcel.
        package: PackageId,
        /// Why, redacted.
        reason: String,
    },
    /// The answer was lost: it may have been bought.
    "E-LABEL-UNKNOWN" LabelUnknown {
        /// For which parcel.
        package: PackageId,
    },
    /// Recovery found that nothing was bought.
    "E-LABEL-ABSENT" LabelConfirmedAbsent {
        /// For which parcel.
        package: PackageId,
    },
    /// The label was printed. May repeat; never buys again.
    "E-PRINT" LabelPrinted {
        /// For which parcel.
        package: PackageId,
        /// In which print job, if it has a name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        job: Option<String>,
    },
    /// The carrier was asked to void the label.
    "E-VOIDREQ" VoidRequested {
        /// For which parcel.
        package: PackageId,
        /// Why.
        reason: String,
    },
    /// The label is void.
    "E-VOID" LabelVoided {
        /// For which parcel.
        package: PackageId,
    },
    /// The carrier will not void it.
    "E-VOIDNO" VoidRejected {
        /// For which parcel.
        package: PackageId,
        /// Why.
        reason: String,
    },
    /// The warehouse got it on a pick list.
    "E-RELEASE-WORK" Released {
        /// Which parcel.
        package: PackageId,
    },
    /// Picking began.
    "E-PICK" PickingStarted {
        /// Which parcel.
        package: PackageId,
    },
    /// Picked.
    "E-PICKED" Picked {
        /// Which parcel.
        package: PackageId,
    },
    /// Checked.
    "E-CHECKED" Checked {
        /// Which parcel.
        package: PackageId,
    },
    /// The pick was rejected: short, damaged, wrong.
    "E-PICKNO" PickRejected {
        /// Which parcel.
        package: PackageId,
        /// Why.
        reason: String,
    },
    /// Packed.
    "E-PACK" Packed {
        /// Which parcel.
        package: PackageId,
        /// Weight on the scale, if it was weighed.
        weight: Option<Grams>,
    },
    /// Packed, but opened again.
    "E-UNPACK" Unpacked {
        /// Which parcel.
        package: PackageId,
    },
    /// With the carrier's driver.
    "E-HANDOVER" HandedOver {
        /// Which parcel.
        package: PackageId,
    },
    /// A person typed in carrier and number.
    "E-MANUAL" TrackingEntered {
        /// For which parcel.
        package: PackageId,
        /// Carrier.
        carrier: CarrierId,
        /// Service, if known.
        service: Option<ServiceCode>,
        /// Number.
        number: TrackingNumber,
    },
    /// Shipment was confirmed.
    "E-SHIP" ShipmentConfirmed {
        /// Of which parcel.
        package: PackageId,
        /// When it really left.
        shipped_at: DateTime<Utc>,
        /// When the platform's view of the order was last read.
        platform_read_at: DateTime<Utc>,
        /// Whether the platform can name the carrier.
        carrier_named: bool,
        /// Whether the platform lets it ship without a number.
        untracked_allowed: bool,
    },
    /// The platform shows a shipment that was not confirmed here.
    "E-SHIP-SEEN" ShippedElsewhere {
        /// The parcel to create.
        package: PackageId,
        /// What is in it.
        contents: Vec<PackedLine>,
        /// Carrier, in the platform's word.
        carrier: Option<CarrierId>,
        /// Number.
        number: Option<TrackingNumber>,
        /// When.
        shipped_at: DateTime<Utc>,
    },
    /// Sending the number to the platform began.
    "E-UPLOAD" UploadStarted {
        /// Of which parcel.
        package: PackageId,
        /// Under which key.
        key: IdempotencyKey,
    },
    /// The platform has the number.
    "E-UPLOADED" Uploaded {
        /// Of which parcel.
        package: PackageId,
        /// Which number.
        number: Option<TrackingNumber>,
    },
    /// Sending did not work, but may later.
    "E-UPLOAD-LATER" UploadPostponed {
        /// Of which parcel.
        package: PackageId,
        /// Why, redacted.
        reason: String,
    },
    /// The platform has one place for a number and another parcel's is in it: this one is not told.
    "E-UPLOAD-PART" UploadLeftOut {
        /// Of which parcel.
        package: PackageId,
        /// Whose number the platform has, in words.
        reason: String,
    },
    /// The platform refused the number.
    "E-UPLOADNO" UploadRejected {
        /// Of which parcel.
        package: PackageId,
        /// Why, redacted.
        reason: String,
        /// Whether the platform holds another number.
        conflict: bool,
    },
    /// The carrier reported events; the whole history or a part of it, in any order.
    "E-MOVE" Tracked {
        /// Of which parcel.
        package: PackageId,
        /// What was reported.
        events: Vec<TrackingEvent>,
        /// The carrier's present estimate.
        estimated_delivery: Option<chrono::NaiveDate>,
    },
    /// The platform says that the parcel was delivered.
    "E-DELIVER" DeliveredOnPlatform {
        /// Which parcel.
        package: PackageId,
        /// When, as far as is known.
        delivered_at: DateTime<Utc>,
    },
    /// Completed: settled by the platform, or by policy.
    "E-COMPLETE" Completed {
        /// When.
        completed_at: DateTime<Utc>,
    },
    /// The buyer asks to cancel.
    "E-CANCELREQ" CancelRequested {
        /// What he asks.
        request: CancelRequest,
    },
    /// Units were cancelled.
    "E-CANCEL" Cancelled {
        /// Which.
        units: Vec<CancelledUnits>,
    },
    /// The wish to cancel was refused or taken back.
    "E-CANCELREJ" CancelRequestClosed,
    /// A parcel that came back or was lost was dealt with.
    "E-UNDELIVERABLE" UndeliverableResolved {
        /// Which parcel.
        package: PackageId,
        /// How.
        resolution: UndeliverableResolution,
    },
    /// A return arrived.
    "E-RETURN" ReturnReceived {
        /// Which units.
        units: ReturnedUnits,
    },
    /// Money went back.
    "E-REFUND" Refunded {
        /// For which line.
        line: LineId,
        /// How much.
        amount: Money,
    },
    /// A hold was placed.
    "E-HOLD" HoldPlaced {
        /// The hold.
        hold: Hold,
    },
    /// A hold was released.
    "E-RELEASE" HoldReleased {
        /// Which.
        hold: HoldId,
    },
    /// How a case of the buyer stands now.
    "E-CASE" CaseSeen {
        /// The case.
        case: Box<AfterSaleCase>,
    },
    /// Something happened that somebody should know of.
    "E-INCIDENT" IncidentRaised {
        /// What.
        kind: ExceptionKind,
        /// To which parcel.
        package: Option<PackageId>,
        /// Details, without personal data.
        detail: String,
    },
    /// It is over.
    "E-INCIDENT-OVER" IncidentResolved {
        /// What.
        kind: ExceptionKind,
        /// Of which parcel.
        package: Option<PackageId>,
    },
    /// Priority was set.
    "E-PRIORITY" PrioritySet {
        /// To what.
        priority: Priority,
    },
    /// Tags were added.
    "E-TAG" Tagged {
        /// Which.
        tags: Vec<String>,
    },
    /// A person corrected the recipient.
    "E-ADDRESS" RecipientCorrected {
        /// To what.
        recipient: Box<crate::address::Contact>,
    },
    /// The platform took something back: an un-cancel, a delivery that was none.
    "E-CORRECTION" PlatformCorrected {
        /// What the platform said.
        snapshot: Box<PlatformOrder>,
        /// Why, for the audit.
        reason: String,
    },
}

/// A plan: which units leave from where in which parcel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allocation {
    /// Parcels that replace every parcel without a label.
    pub packages: Vec<PlannedPackage>,
    /// Units that nobody has.
    pub backordered: Vec<BackorderedUnits>,
    /// Why, in words.
    pub reasons: Vec<String>,
}

/// A planned parcel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedPackage {
    /// Its id.
    pub id: PackageId,
    /// Where it leaves from.
    pub warehouse: WarehouseId,
    /// What is in it.
    pub contents: Vec<PackedLine>,
    /// How heavy, packaging included.
    pub weight: Grams,
    /// How big.
    pub dimensions: Option<Dimensions>,
}

/// Units of a line that could not be allocated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackorderedUnits {
    /// Which line.
    pub line: LineId,
    /// How many.
    pub units: u32,
}

/// Units of a line that were cancelled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelledUnits {
    /// Which line.
    pub line: LineId,
    /// How many.
    pub units: u32,
    /// Why.
    pub reason: CancelReason,
    /// When.
    pub at: DateTime<Utc>,
}

/// Why units were cancelled; decides who is at fault.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CancelReason {
    /// The buyer asked for it.
    BuyerRequest,
    /// Not paid in time.
    PaymentTimeout,
    /// The seller has none.
    OutOfStock,
    /// The price was wrong.
    PricingError,
    /// Suspicion of fraud.
    Fraud,
    /// Nobody delivers there.
    Unserviceable,
    /// The platform cancelled because it was not acknowledged in time.
    NotAcknowledged,
    /// The platform cancelled because it was not shipped in time.
    NotShipped,
    /// It came back or was lost.
    Undeliverable,
    /// Another reason of the seller, in words.
    Seller(String),
    /// A reason of the platform, word for word; empty when it gave none.
    Platform(String),
}

impl CancelReason {
    /// Whether the platforms count it against the seller.
    #[must_use]
    pub const fn is_seller_fault(&self) -> bool {
        matches!(
            self,
            Self::OutOfStock
                | Self::PricingError
                | Self::NotAcknowledged
                | Self::NotShipped
                | Self::Unserviceable
                | Self::Seller(_)
        )
    }
}

/// Units that came back from the buyer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnedUnits {
    /// Which line.
    pub line: LineId,
    /// How many.
    pub units: u32,
    /// Why, normalised by the caller or word for word.
    pub reason: Option<String>,
    /// When they arrived.
    pub at: DateTime<Utc>,
    /// Whether they can be sold again.
    pub restock: bool,
}
