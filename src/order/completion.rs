//! When an order that arrived is closed.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{Order, OrderState};

/// Who decides that an order is completed, and when.
///
/// A platform that says so completes the order under every policy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CompletionPolicy {
    /// Only the platform, for example when it has settled the money.
    PlatformOnly,
    /// The delivery of the last parcel.
    #[default]
    OnDelivered,
    /// So many days of 24 hours after the delivery of the last parcel, for example when the time
    /// for returns is over, and not before every claim and dispute is closed.
    AfterDays(u32),
}

impl CompletionPolicy {
    /// Whether an order is to be completed at `now`: all its parcels are delivered, it is not
    /// completed yet, and this policy's time has come.
    #[must_use]
    pub fn is_due(self, order: &Order, now: DateTime<Utc>) -> bool {
        if order.completed_at.is_some() || order.state() != OrderState::Delivered {
            return false;
        }
        match self {
            Self::PlatformOnly => false,
            Self::OnDelivered => true,
            // What the buyer still complains about is not over.
            Self::AfterDays(_) if order.cases.iter().any(|known| known.is_open_complaint()) => {
                false
            }
            Self::AfterDays(days) => order
                .packages
                .iter()
                .filter_map(|package| package.movement.delivered_at)
                .max()
                .and_then(|delivered| {
                    delivered.checked_add_signed(TimeDelta::days(i64::from(days)))
                })
                .is_some_and(|due| due <= now),
        }
    }
}
