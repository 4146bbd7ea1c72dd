//! How often to ask a platform for orders.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::shipment::{Package, TransitState};

/// How busy a shop is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PollTier {
    /// Below 50 orders a day.
    Low,
    /// About 50, or more with push.
    Medium,
    /// Many.
    High,
}

/// What would help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PollAdvice {
    /// Let the platform push.
    EnablePush,
}

/// How often to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PollPlan {
    /// Minutes between two questions: 5 to 30, or within the bounds of a [`PollPolicy`].
    pub every_minutes: u32,
    /// How busy the shop is.
    pub tier: PollTier,
    /// What would help.
    pub advice: Option<PollAdvice>,
}

/// The bounds of poll plans. All of it is configuration.
///
/// ```
/// use orderflow::rules::PollPolicy;
///
/// // A platform whose rate limit allows no question every five minutes.
/// let policy: PollPolicy = serde_json::from_str(r#"{ "floor_minutes": 8 }"#)?;
/// assert_eq!(policy.plan(150, false, true).every_minutes, 8);
/// assert_eq!(policy.plan(20, true, false).every_minutes, 30);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct PollPolicy {
    /// Fewest minutes between two questions: a platform's rate limit may raise it. Default 5.
    pub floor_minutes: u32,
    /// Most minutes between two questions. Default 30.
    pub ceiling_minutes: u32,
    /// Most minutes for shops with an acknowledgement clock. Default 15.
    pub acknowledge_minutes: u32,
}

impl Default for PollPolicy {
    fn default() -> Self {
        Self::USUAL
    }
}

impl PollPolicy {
    const USUAL: Self = Self { floor_minutes: 5, ceiling_minutes: 30, acknowledge_minutes: 15 };

    /// As [`poll_plan`], within these bounds. The floor outweighs the other two: it is what the
    /// platform bears.
    #[must_use]
    pub const fn plan(
        &self,
        orders_per_day: u32,
        push_active: bool,
        has_ack_clock: bool,
    ) -> PollPlan {
        let (minutes, tier, advice) = match (orders_per_day, push_active) {
            (100.., false) => (5, PollTier::High, Some(PollAdvice::EnablePush)),
            (100.., true) => (10, PollTier::High, None),
            (51..=99, false) => (10, PollTier::High, None),
            (51..=99, true) => (15, PollTier::Medium, None),
            (50, false) => (15, PollTier::Medium, None),
            (50, true) => (30, PollTier::Medium, None),
            (_, false) => (15, PollTier::Low, None),
            (_, true) => (30, PollTier::Low, None),
        };
        let mut every_minutes = minutes;
        if has_ack_clock && every_minutes > self.acknowledge_minutes {
            every_minutes = self.acknowledge_minutes;
        }
        if every_minutes > self.ceiling_minutes {
            every_minutes = self.ceiling_minutes;
        }
        if every_minutes < self.floor_minutes {
            every_minutes = self.floor_minutes;
        }
        PollPlan { every_minutes, tier, advice }
    }
}

/// Plans polling for a shop within the usual bounds; [`PollPolicy::plan`] has others. Shops with an
/// acknowledgement clock are asked at least every 15 minutes.
///
/// ```
/// use orderflow::rules::{PollTier, poll_plan};
///
/// assert_eq!(poll_plan(150, false, true).every_minutes, 5);
/// assert_eq!(poll_plan(20, true, true).every_minutes, 15);
/// assert_eq!(poll_plan(60, true, false).tier, PollTier::Medium);
/// ```
#[must_use]
pub const fn poll_plan(orders_per_day: u32, push_active: bool, has_ack_clock: bool) -> PollPlan {
    PollPolicy::USUAL.plan(orders_per_day, push_active, has_ack_clock)
}

/// Something wrong with a chosen interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PollFinding {
    /// More than 50 orders a day without push, asked less often than every 10 minutes.
    TooSlow,
}

/// Judges an interval that a host chose.
#[must_use]
pub const fn check_poll_interval(
    every_minutes: u32,
    push_active: bool,
    orders_per_day: u32,
) -> Option<PollFinding> {
    if orders_per_day > 50 && !push_active && every_minutes > 10 {
        Some(PollFinding::TooSlow)
    } else {
        None
    }
}

/// How often a carrier is asked about a parcel. All of it is configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct TrackPollPolicy {
    /// Hours between two questions before the first scan. Default 6.
    pub before_scan_hours: u32,
    /// Hours while it moves. Default 4.
    pub moving_hours: u32,
    /// Hours on the day of delivery. Default 1.
    pub out_for_delivery_hours: u32,
    /// Hours while it is in trouble. Default 2.
    pub trouble_hours: u32,
    /// Days from shipping after which nobody asks any more: exception `TrackingExpired`. Default 90.
    pub give_up_days: u32,
}

impl Default for TrackPollPolicy {
    fn default() -> Self {
        Self {
            before_scan_hours: 6,
            moving_hours: 4,
            out_for_delivery_hours: 1,
            trouble_hours: 2,
            give_up_days: 90,
        }
    }
}

/// When a carrier is to be asked about a parcel next: at once when it never was, then by where the
/// parcel stands. `None` when there is nothing to ask: no label and not shipped, arrived, come back,
/// lost, or given up.
///
/// `polled_at` is when the carrier answered last, with or without news.
#[must_use]
pub fn next_track_poll(
    package: &Package,
    polled_at: Option<DateTime<Utc>>,
    policy: &TrackPollPolicy,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let begun = match (&package.shipped, &package.label.record) {
        (Some(shipped), _) => shipped.confirmed_at,
        (None, Some(record)) if package.has_live_label() => record.purchased_at,
        _ => return None,
    };
    let state = package.movement.state;
    let age = now.signed_duration_since(begun);
    if state.is_terminal() || age > TimeDelta::days(i64::from(policy.give_up_days)) {
        return None;
    }
    let hours = match state {
        TransitState::NotFoundYet | TransitState::PreTransit => policy.before_scan_hours,
        TransitState::OutForDelivery => policy.out_for_delivery_hours,
        TransitState::AttemptFailed
        | TransitState::CustomsHold
        | TransitState::Delayed
        | TransitState::AvailableForPickup => policy.trouble_hours,
        _ => policy.moving_hours,
    };
    let last = polled_at.max(package.movement.polled_at);
    match last {
        None => Some(begun),
        Some(last) => last.checked_add_signed(TimeDelta::hours(i64::from(hours))),
    }
}
