//! What was paid, and how.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::PaymentId;
use crate::money::Money;

/// State of a payment.
///
/// `Pending → Authorized → Paid`; `Pending → Paid`; `Pending → Failed → Pending`;
/// `Paid → Refunding → PartiallyRefunded | Refunded | Paid (refused)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentState {
    /// Awaiting payment.
    Pending,
    /// Authorised; a platform that charges at shipment is ready to ship here.
    Authorized,
    /// Paid.
    Paid,
    /// Refused or expired; may be tried again.
    Failed,
    /// A refund is in progress.
    Refunding,
    /// Part of it went back.
    PartiallyRefunded,
    /// All of it went back.
    Refunded,
    /// Taken back through the buyer's bank.
    ChargedBack,
}

impl PaymentState {
    /// Whether the table of payment states allows the step to `next`.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        use PaymentState as P;
        matches!(
            (self, next),
            (P::Pending, P::Authorized | P::Paid | P::Failed)
                | (P::Authorized, P::Paid | P::Failed)
                | (P::Failed, P::Pending)
                | (P::Paid | P::PartiallyRefunded, P::Refunding | P::ChargedBack)
                | (P::Refunding, P::PartiallyRefunded | P::Refunded | P::Paid)
        )
    }
}

/// How the buyer pays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentMethod {
    /// Collected on delivery: ready to ship although nothing was paid.
    CashOnDelivery,
    /// Any other method, word for word.
    Other(String),
}

/// A payment of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// Its id on the platform.
    pub id: PaymentId,
    /// How much.
    pub amount: Money,
    /// How.
    pub method: Option<PaymentMethod>,
    /// Where it stands.
    pub state: PaymentState,
    /// When it was paid.
    pub paid_at: Option<DateTime<Utc>>,
    /// How much of it went back.
    pub refunded: Money,
}
