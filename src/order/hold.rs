//! Holds: reasons not to ship yet.
//!
//! Many holds may be open at once and each is released by its own id. A hold blocks allocation,
//! routing, label purchase, ship confirmation and upload; it does not stop the deadline clock, and
//! it does not block tracking, messages and cancellation.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::HoldId;

/// Why an order is held.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HoldReason {
    /// The platform lets the buyer reconsider; there may be no address yet.
    PlatformRemorse,
    /// The payment does not add up.
    PaymentAnomaly,
    /// The address is not usable.
    Address,
    /// Goods are missing.
    OutOfStock,
    /// The buyer asks to cancel.
    BuyerCancelRequest,
    /// A person must look.
    ManualReview,
    /// Suspicion of fraud.
    Fraud,
    /// A person said so.
    Manual,
    /// The buyer is changing the order.
    Amendment,
    /// A reason of the platform, word for word.
    Other(String),
}

/// A hold on an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Its id; releasing names it.
    pub id: HoldId,
    /// Why.
    pub reason: HoldReason,
    /// Explanation for people.
    pub note: Option<String>,
    /// Since when.
    pub placed_at: DateTime<Utc>,
    /// When it ends by itself, if it does. Evaluated, not scheduled.
    pub until: Option<DateTime<Utc>>,
    /// When it was released.
    pub released_at: Option<DateTime<Utc>>,
}

/// The hold of an order whose cancellation was sent to its platform and is not seen there yet.
pub(crate) const fn cancel_sent() -> HoldId {
    HoldId::from_static("engine:cancel-sent")
}

/// The hold of an order whose last reading contradicts itself or could not be read.
#[cfg(feature = "engine")]
pub(crate) const fn unread() -> HoldId {
    HoldId::from_static("engine:unread")
}

impl Hold {
    /// Whether the hold blocks at `now`.
    #[must_use]
    pub fn is_open(&self, now: DateTime<Utc>) -> bool {
        self.released_at.is_none() && self.until.is_none_or(|until| now < until)
    }
}
