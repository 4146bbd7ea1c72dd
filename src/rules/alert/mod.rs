//! Alerts: which facts the staff must hear of, when, how urgently, and on which channels.
//!
//! An [`OrderWatch`] holds what the rules look at, taken from an order once per version;
//! [`evaluate`] compares it with `now` and with what was fired before. One fact gives one alert:
//! a rule fires again only when its stage rises, and everything due for an order at one time is
//! merged into one [`Notification`]. Sending is somebody else's task.
//!
//! | Rule | Fires | Source |
//! |---|---|---|
//! | [`AlertRule::PendingOverdue`] | so long after payment, not every parcel printed | ALR-01, ALR-02 |
//! | [`AlertRule::LogisticsDelay`] | so long without a scan after shipping | ALR-03, ALR-04 |
//! | [`AlertRule::BuyerUrging`] | the buyer asks when it ships | ALR-05 |
//! | [`AlertRule::OutOfStock`] | open units that no warehouse has | ALR-06 |
//! | [`AlertRule::ShipBy`] | the ladder before ship-by | ALR-07 to ALR-10 |
//! | [`AlertRule::Acknowledge`] | 30 minutes after the order, then the scaled ladder | A-ACK |
//! | [`AlertRule::Uncollected`] | shipped, no first scan | A-UNCOLLECTED |
//! | [`AlertRule::Upload`] | 2 minutes, 1 hour, then 6 hours before the deadline | A-UPLOAD |
//! | [`AlertRule::DeliveryOverdue`] | the promised day has passed | A-DELIVERY |
//! | [`AlertRule::Stuck`] | same place, on its way back, lost, in customs | A-STUCK |
//! | [`AlertRule::Address`], [`Payment`](AlertRule::Payment), [`CancelRequest`](AlertRule::CancelRequest), [`Oversold`](AlertRule::Oversold), [`Mistake`](AlertRule::Mistake) | when found | A-ADDRESS … A-MISTAKE |
//! | [`AlertRule::Reply`] | 4 hours before the answer to a buyer is due | A-REPLY |
//! | [`AlertRule::Sync`], [`LateRate`](AlertRule::LateRate), [`Carrier`](AlertRule::Carrier), [`Returns`](AlertRule::Returns) | by [`evaluate_shop`] | A-SYNC, A-RATE, A-CARRIER, A-RETURNS |

mod evaluate;
mod policy;
mod shop;
mod watch;

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use evaluate::{evaluate, evaluate_alerts, next_change, sort_notifications};
pub use policy::{AlertPolicy, PerPlatform, QuietHours, UnknownAlertPreset};
pub use shop::{Fraction, ServiceDelay, ShopWatch, ShopWatchOptions, SkuReturns, evaluate_shop};
pub use watch::{OrderWatch, UnansweredMessage, WatchedDeadline, WatchedParcel};

use super::exceptions::Severity;
use super::ladder::{Channel, Level};
use crate::ids::{OrderKey, PackageId, ShopKey};

/// A rule that can fire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AlertRule {
    /// Paid long ago, and not every parcel is printed or shipped.
    PendingOverdue,
    /// Shipped, and no scan for too long.
    LogisticsDelay,
    /// The buyer asks when it ships.
    BuyerUrging,
    /// Units are open that no warehouse has.
    OutOfStock,
    /// Ship-by is near or over.
    ShipBy,
    /// Not acknowledged.
    Acknowledge,
    /// Shipped, and no first scan.
    Uncollected,
    /// The tracking number is not on the platform.
    Upload,
    /// The promised day of delivery has passed.
    DeliveryOverdue,
    /// Stuck, on its way back, lost, or held in customs.
    Stuck,
    /// The address is not usable.
    Address,
    /// The payment does not add up.
    Payment,
    /// The buyer asks to cancel.
    CancelRequest,
    /// More promised than there is.
    Oversold,
    /// Wrong goods, address or weight.
    Mistake,
    /// A message of a buyer is not answered.
    Reply,
    /// A shop cannot be read or written.
    Sync,
    /// A shop ships late too often.
    LateRate,
    /// A carrier's service is late too often.
    Carrier,
    /// A SKU comes back more often than before.
    Returns,
}

impl AlertRule {
    /// Every rule.
    pub const ALL: [Self; 20] = [
        Self::PendingOverdue,
        Self::LogisticsDelay,
        Self::BuyerUrging,
        Self::OutOfStock,
        Self::ShipBy,
        Self::Acknowledge,
        Self::Uncollected,
        Self::Upload,
        Self::DeliveryOverdue,
        Self::Stuck,
        Self::Address,
        Self::Payment,
        Self::CancelRequest,
        Self::Oversold,
        Self::Mistake,
        Self::Reply,
        Self::Sync,
        Self::LateRate,
        Self::Carrier,
        Self::Returns,
    ];

    /// The rule as a word, as serialised.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PendingOverdue => "pending_overdue",
            Self::LogisticsDelay => "logistics_delay",
            Self::BuyerUrging => "buyer_urging",
            Self::OutOfStock => "out_of_stock",
            Self::ShipBy => "ship_by",
            Self::Acknowledge => "acknowledge",
            Self::Uncollected => "uncollected",
            Self::Upload => "upload",
            Self::DeliveryOverdue => "delivery_overdue",
            Self::Stuck => "stuck",
            Self::Address => "address",
            Self::Payment => "payment",
            Self::CancelRequest => "cancel_request",
            Self::Oversold => "oversold",
            Self::Mistake => "mistake",
            Self::Reply => "reply",
            Self::Sync => "sync",
            Self::LateRate => "late_rate",
            Self::Carrier => "carrier",
            Self::Returns => "returns",
        }
    }
}

impl fmt::Display for AlertRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What kind of trouble a parcel is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParcelTrouble {
    /// No movement after shipping.
    Silent,
    /// No first scan.
    Uncollected,
    /// At the same place.
    SamePlace,
    /// On its way back.
    Returning,
    /// Lost or destroyed.
    Lost,
    /// Held in customs.
    Customs,
}

/// The fact behind an alert: the same fact never fires a stage twice.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertFact {
    /// The order itself.
    Order,
    /// A version of its deadline: a deadline that moves fires anew.
    Deadline(u32),
    /// A parcel and its trouble.
    Parcel(PackageId, ParcelTrouble),
    /// A parcel without a sign, and the last one there was: another sign and another silence fire
    /// anew.
    Silence(PackageId, ParcelTrouble, DateTime<Utc>),
    /// Something that was found: since when, and the so-manieth time or version of it. What was
    /// resolved and is found again fires anew.
    Occurrence(DateTime<Utc>, u32),
    /// A message of the buyer, by its id.
    Message(String),
    /// A service, SKU or other subject of a shop-wide rule.
    Subject(String),
}

/// Nanoseconds and all: two facts that differ have keys that differ.
fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

impl fmt::Display for AlertFact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Order => f.write_str("order"),
            Self::Deadline(version) => write!(f, "deadline {version}"),
            Self::Parcel(package, trouble) => write!(f, "parcel {package} {trouble:?}"),
            Self::Silence(package, trouble, since) => {
                write!(f, "parcel {package} {trouble:?} since {}", stamp(*since))
            }
            Self::Occurrence(since, count) => {
                write!(f, "occurrence {count} since {}", stamp(*since))
            }
            Self::Message(id) => write!(f, "message {id}"),
            Self::Subject(subject) => write!(f, "subject {subject}"),
        }
    }
}

/// An alert that was fired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FiredAlert {
    /// By which rule.
    pub rule: AlertRule,
    /// About which fact.
    pub fact: AlertFact,
    /// At which stage.
    pub stage: u8,
    /// When.
    pub at: DateTime<Utc>,
    /// Whether somebody took notice of it: then it is not repeated before the next stage.
    #[serde(default)]
    pub acknowledged: bool,
}

/// An alert to send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// By which rule.
    pub rule: AlertRule,
    /// About which fact.
    pub fact: AlertFact,
    /// How far it has come; a rule fires each stage once. The first is 1.
    pub stage: u8,
    /// The level of the ladder, for rules that have one.
    pub level: Option<Level>,
    /// How bad.
    pub severity: Severity,
    /// On which channels, sorted; none is for reports only.
    pub channels: Vec<Channel>,
    /// In words, without personal data.
    pub text: String,
    /// Since when the condition holds.
    pub since: DateTime<Utc>,
    /// The deadline it is about.
    pub due_at: Option<DateTime<Utc>>,
    /// Earlier stages that this one replaces because the check came late.
    pub superseded: Vec<u8>,
    /// Whether this stage was sent before and is repeated.
    pub repeated: bool,
}

impl Alert {
    /// What to store so that it does not fire again.
    #[must_use]
    pub fn fired(&self, at: DateTime<Utc>) -> FiredAlert {
        FiredAlert {
            rule: self.rule,
            fact: self.fact.clone(),
            stage: self.stage,
            at,
            acknowledged: false,
        }
    }

    /// A key that is unique for a subject, rule, fact and stage, for stores and for sending at
    /// most once: `subject` is the order's or shop's key.
    #[must_use]
    pub fn key(&self, subject: &str) -> String {
        fired_key(subject, self.rule, &self.fact, self.stage)
    }
}

/// The key of [`Alert::key`] for any stage.
#[must_use]
pub fn fired_key(subject: &str, rule: AlertRule, fact: &AlertFact, stage: u8) -> String {
    format!("alert|{subject}|{rule}|{fact}|{stage}")
}

/// Everything due for one order or shop at one time: send it as one message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// About which order; `None` is about the shop.
    pub order: Option<OrderKey>,
    /// Of which shop.
    pub shop: ShopKey,
    /// The worst of its alerts.
    pub severity: Severity,
    /// The channels of all its alerts, sorted.
    pub channels: Vec<Channel>,
    /// What for, worst first.
    pub alerts: Vec<Alert>,
    /// Whether the order goes first in every queue from now on: the buyer urged, or the last
    /// level before ship-by is reached.
    pub make_urgent: bool,
}

impl Notification {
    pub(super) fn merged(
        order: Option<OrderKey>,
        shop: ShopKey,
        mut alerts: Vec<Alert>,
    ) -> Option<Self> {
        alerts.sort_by(|a, b| {
            b.severity
                .cmp(&a.severity)
                .then_with(|| a.due_at.is_none().cmp(&b.due_at.is_none()))
                .then_with(|| a.due_at.cmp(&b.due_at))
                .then_with(|| a.rule.cmp(&b.rule))
                .then_with(|| a.fact.cmp(&b.fact))
        });
        let severity = alerts.iter().map(|alert| alert.severity).max()?;
        let mut channels: Vec<Channel> =
            alerts.iter().flat_map(|alert| alert.channels.iter().copied()).collect();
        channels.sort_unstable();
        channels.dedup();
        let make_urgent = order.is_some()
            && alerts.iter().any(|alert| {
                alert.rule == AlertRule::BuyerUrging
                    || (alert.rule == AlertRule::ShipBy
                        && alert.level.is_some_and(|level| level >= Level::L3))
            });
        Some(Self { order, shop, severity, channels, alerts, make_urgent })
    }

    /// The same with fewer alerts; `None` when none is left.
    #[must_use]
    pub fn retain(self, keep: impl FnMut(&Alert) -> bool) -> Option<Self> {
        let mut alerts = self.alerts;
        alerts.retain(keep);
        Self::merged(self.order, self.shop, alerts)
    }

    /// When a channel may carry this notification: at once, except that e-mail waits for the end
    /// of quiet hours. Text messages and calls never wait.
    #[must_use]
    pub fn send_at(
        &self,
        channel: Channel,
        quiet: Option<&QuietHours>,
        now: DateTime<Utc>,
    ) -> DateTime<Utc> {
        match (channel, quiet) {
            (Channel::Email, Some(quiet)) => quiet.end_after(now).unwrap_or(now),
            _ => now,
        }
    }

    /// One line for each alert.
    #[must_use]
    pub fn text(&self) -> String {
        let lines: Vec<&str> = self.alerts.iter().map(|alert| alert.text.as_str()).collect();
        lines.join("\n")
    }
}
