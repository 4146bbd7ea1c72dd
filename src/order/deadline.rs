//! Deadlines as facts: what is due when, and who says so.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DeadlineKind {
    /// Payment by the buyer.
    PayBy,
    /// Acknowledgement by the seller.
    AcknowledgeBy,
    /// Every active unit confirmed as shipped.
    ShipBy,
    /// Tracking numbers on the platform.
    UploadTrackingBy,
    /// First scan by the carrier.
    CollectBy,
    /// Arrival at the buyer.
    DeliverBy,
    /// Answer to a message.
    ReplyBy,
    /// Answer to a request to cancel.
    RespondToCancelBy,
    /// The platform cancels by itself when not paid.
    AutoCancelUnlessPaid,
    /// The platform cancels by itself when not acknowledged.
    AutoCancelUnlessAcknowledged,
    /// The platform cancels by itself when not shipped.
    AutoCancelUnlessShipped,
    /// The platform cancels by itself when not collected.
    AutoCancelUnlessCollected,
    /// The platform cancels by itself when not delivered.
    AutoCancelUnlessDelivered,
}

/// Who set a deadline.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeadlineSource {
    /// The platform put it on the order.
    Platform,
    /// A rule of the shop, by its name.
    ShopRule(String),
    /// A preset of this crate, by its name.
    Preset(String),
}

/// Which instant says that a parcel has left.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum ShipTimeBasis {
    /// The shop confirmed it as shipped.
    #[default]
    ShipConfirmed,
    /// The carrier scanned it for the first time.
    CarrierAccepted,
}

/// What a deadline to ship asks for beside the shipment itself.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(default, deny_unknown_fields)]
pub struct Requirements {
    /// Whether the platform must have the tracking number, too.
    pub tracking: bool,
    /// Which instant counts as shipped.
    pub ship_time_basis: ShipTimeBasis,
}

impl Requirements {
    /// Whether nothing is asked for beyond what is usual.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

/// A deadline of an order.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Deadline {
    /// What is due.
    pub kind: DeadlineKind,
    /// When at the latest. Equal is in time.
    pub at: DateTime<Utc>,
    /// When its span began; scales short ladders.
    pub starts_at: DateTime<Utc>,
    /// Who says so.
    pub source: DeadlineSource,
    /// Raised each time `at` changes, so that warnings can fire again.
    pub version: u32,
    /// What [`DeadlineKind::ShipBy`] asks for beside the shipment.
    #[serde(default, skip_serializing_if = "Requirements::is_usual")]
    pub requires: Requirements,
}
