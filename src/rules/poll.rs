//! How often to ask a platform for orders.

use serde::{Deserialize, Serialize};

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
    /// Minutes between two questions, 5 to 30.
    pub every_minutes: u32,
    /// How busy the shop is.
    pub tier: PollTier,
    /// What would help.
    pub advice: Option<PollAdvice>,
}

/// Plans polling for a shop. Shops with an acknowledgement clock are asked at least every 15
/// minutes.
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
    let every_minutes = if has_ack_clock && minutes > 15 { 15 } else { minutes };
    PollPlan { every_minutes, tier, advice }
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
