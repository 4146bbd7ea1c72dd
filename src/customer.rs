//! Customers: the people behind buyer ids, over orders and messages.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::{BuyerId, OrderKey, PlatformId};
use crate::money::Money;
use crate::personal::Personal;

/// A customer on one platform. Identity is `(platform, buyer)`, never a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    /// Where.
    pub platform: PlatformId,
    /// Who.
    pub buyer: BuyerId,
    /// Purchases, oldest first.
    pub purchases: Vec<Purchase>,
    /// Messages, oldest first.
    pub messages: Vec<Message>,
}

impl Customer {
    /// Whether the customer bought before `order`, by order of payment.
    #[must_use]
    pub fn is_returning(&self, order: &OrderKey) -> bool {
        self.purchases.first().is_some_and(|first| first.order != *order)
    }
}

/// A purchase in a customer's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purchase {
    /// The order.
    pub order: OrderKey,
    /// When it was paid.
    pub paid_at: DateTime<Utc>,
    /// For how much.
    pub total: Money,
}

/// A message of or to a buyer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// When it arrived or left.
    pub at: DateTime<Utc>,
    /// Whether the buyer wrote it.
    pub from_buyer: bool,
    /// The words.
    pub text: Personal<String>,
}
