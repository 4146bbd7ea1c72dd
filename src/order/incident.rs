//! Incidents: what happened to an order that somebody should know of.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::PackageId;

/// Every kind of exception. Some are conditions seen from facts and time, some are incidents
/// recorded by events; the exception list shows both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ExceptionKind {
    /// The ship-by deadline is near.
    ShipAtRisk,
    /// The ship-by deadline has passed.
    ShipOverdue,
    /// The buyer asks when it ships.
    BuyerUrging,
    /// A person must decide about the order before it goes on.
    ReviewNeeded,
    /// The address is not usable.
    Address(AddressProblem),
    /// Not enough stock.
    OutOfStock,
    /// More promised than there is.
    Oversold,
    /// The payment does not add up.
    PaymentAnomaly,
    /// The buyer asks to cancel.
    CancelRequested,
    /// The address changed after a label was bought.
    AddressChangedAfterLabel,
    /// No movement for too long.
    CarrierDelay,
    /// The same place for too long.
    Stuck,
    /// Held in customs.
    CustomsHold,
    /// A delivery attempt failed.
    AttemptFailed,
    /// The parcel comes back.
    ReturnToSender,
    /// No scan for very long.
    PossiblyLost,
    /// The promised day of delivery has passed.
    DeliveryOverdue,
    /// Shipped, but the carrier has not scanned it.
    Uncollected,
    /// Wrong goods, address or weight.
    ShippingMistake,
    /// The carrier refused to sell a label.
    LabelFailed,
    /// It is not known whether a label was bought.
    LabelUnknown,
    /// No service may carry the parcel.
    NoService,
    /// The platform refused the tracking number.
    UploadRejected,
    /// The platform has another tracking number.
    UploadConflict,
    /// The platform could take only one of several numbers.
    PartialUpload,
    /// Stock could not be pushed to a channel.
    StockSyncFailed,
    /// The platform's status contradicts our facts.
    StateMismatch,
    /// The platform sent a status this crate does not know.
    UnknownPlatformStatus,
    /// An order could not be read.
    ImportFailure,
    /// Fetching failed.
    SyncFailed,
    /// Credentials are refused.
    AuthRejected,
    /// Tracking was given up.
    TrackingExpired,
    /// The carrier scanned it before it was confirmed.
    ScannedBeforeConfirm,
    /// The buyer complained.
    ComplaintOpened,
}

/// What is wrong with an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AddressProblem {
    /// A required field is empty.
    Incomplete,
    /// No service goes there.
    Unserviceable,
    /// Postcode, state or country do not fit, or verification failed.
    Unrecognised,
    /// The platform hides it.
    Masked,
    /// A line exceeds the carrier's limit and cannot be split between words.
    TooLong,
    /// Postcode and place contradict each other.
    PostcodeMismatch,
}

/// Something that happened once or several times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// What.
    pub kind: ExceptionKind,
    /// To which parcel.
    pub package: Option<PackageId>,
    /// Details, without personal data.
    pub detail: String,
    /// First time.
    pub first_at: DateTime<Utc>,
    /// Last time.
    pub last_at: DateTime<Utc>,
    /// How often.
    pub count: u32,
    /// When it was over.
    pub resolved_at: Option<DateTime<Utc>>,
}
