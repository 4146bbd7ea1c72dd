//! What alert rules look at, taken from an order once per version.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{AlertRule, ParcelTrouble};
use crate::ids::{OrderKey, PackageId};
use crate::order::{
    Deadline, DeadlineKind, ExceptionKind, HoldReason, LogisticsMode, Order, OrderState,
};
use crate::rules::review::{Finding, ReviewPolicy, payment_anomaly, recipient_findings};
use crate::rules::sla::is_met;
use crate::shipment::{Package, TransitState, UploadState};

/// A deadline that is not met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct WatchedDeadline {
    /// When at the latest.
    pub at: DateTime<Utc>,
    /// When its span began.
    pub starts_at: DateTime<Utc>,
    /// Which version of it.
    pub version: u32,
}

impl From<&Deadline> for WatchedDeadline {
    fn from(deadline: &Deadline) -> Self {
        Self { at: deadline.at, starts_at: deadline.starts_at, version: deadline.version }
    }
}

/// A parcel under way whose end is not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchedParcel {
    /// Which.
    pub package: PackageId,
    /// When shipment was confirmed.
    pub shipped_at: DateTime<Utc>,
    /// The last sign of it: the last scan, or shipping.
    pub last_sign_at: DateTime<Utc>,
    /// Since when it is where it is: scans that find it there again change nothing.
    pub here_since: DateTime<Utc>,
    /// Whether the carrier has scanned it.
    pub accepted: bool,
    /// Whether its number has still to reach the platform.
    pub upload_open: bool,
    /// Whether it is under way: nothing further is expected of parcels that arrived or came back.
    pub moving: bool,
    /// Trouble that needs no waiting: on its way back, lost; or customs, which waits.
    pub trouble: Option<ParcelTrouble>,
}

/// A buyer's message that wants an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnansweredMessage {
    /// Its id on the platform.
    pub id: String,
    /// When it came.
    pub received_at: DateTime<Utc>,
    /// Until when the answer is due.
    pub reply_by: DateTime<Utc>,
}

/// What alert rules look at. Make one per order with [`OrderWatch::of`], keep it while the order's
/// version stays, and evaluate it as often as you like: nothing in it depends on the time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderWatch {
    /// Which order.
    pub order: OrderKey,
    /// When it was placed.
    pub placed_at: DateTime<Utc>,
    /// When it became ready to ship.
    pub paid_at: Option<DateTime<Utc>>,
    /// Whether nothing is to be watched any more: closed, a test, or shipped by the platform.
    pub closed: bool,
    /// Whether a parcel is neither printed nor shipped, or units are in no parcel yet.
    pub unprinted: bool,
    /// Whether an acknowledgement is missing.
    pub unacknowledged: bool,
    /// Until when it is due.
    pub acknowledge_by: Option<WatchedDeadline>,
    /// Ship-by, unless it is met.
    pub ship_by: Option<WatchedDeadline>,
    /// Until when numbers must be on the platform, unless they are.
    pub upload_by: Option<WatchedDeadline>,
    /// The promise to the buyer, unless it is kept.
    pub deliver_by: Option<WatchedDeadline>,
    /// Parcels whose upload or end is open.
    pub parcels: Vec<WatchedParcel>,
    /// Facts that alert at once: the rule, how often it happened, and since when.
    pub found: Vec<(AlertRule, u32, DateTime<Utc>)>,
    /// Holds that are not released: they do not stop the clock, but alerts name them.
    pub holds: Vec<(HoldReason, Option<DateTime<Utc>>)>,
    /// Messages that want an answer. Orders do not know them: add them with
    /// [`OrderWatch::with_messages`].
    pub messages: Vec<UnansweredMessage>,
}

impl OrderWatch {
    /// What there is to watch about an order, where its review asks for nothing special.
    #[must_use]
    pub fn of(order: &Order) -> Self {
        Self::under(order, &ReviewPolicy::default())
    }

    /// What there is to watch about an order whose shop reviews like this: whether money must have
    /// arrived some hours after payment is its decision.
    #[must_use]
    pub fn under(order: &Order, review: &ReviewPolicy) -> Self {
        let state = order.state();
        let alive = !order.test && order.logistics != LogisticsMode::PlatformFulfilled;
        let closed = !alive || state.is_terminal();
        let waits = matches!(state, OrderState::AwaitingShipment | OrderState::PartiallyShipped);
        let unmet = |kind| {
            order
                .deadline(kind)
                .filter(|_| !closed && !is_met(order, kind))
                .map(WatchedDeadline::from)
        };
        let mut watch = Self {
            order: order.key.clone(),
            placed_at: order.placed_at,
            paid_at: order.paid_at,
            closed,
            unprinted: waits && is_unprinted(order),
            unacknowledged: !closed
                && order.needs_acknowledgement
                && order.acknowledged_at.is_none()
                && order.paid_at.is_some(),
            acknowledge_by: unmet(DeadlineKind::AcknowledgeBy),
            ship_by: unmet(DeadlineKind::ShipBy).filter(|_| order.paid_at.is_some()),
            upload_by: order
                .deadline(DeadlineKind::UploadTrackingBy)
                .filter(|_| !closed)
                .map(WatchedDeadline::from),
            deliver_by: unmet(DeadlineKind::DeliverBy).filter(|_| order.paid_at.is_some()),
            parcels: Vec::new(),
            found: Vec::new(),
            holds: order
                .holds
                .iter()
                .filter(|hold| hold.released_at.is_none())
                .map(|hold| (hold.reason.clone(), hold.until))
                .collect(),
            messages: Vec::new(),
        };
        if alive {
            watch.parcels = order.packages.iter().filter_map(parcel).collect();
            watch.found = found(order, review, waits);
        }
        watch
    }

    /// Adds the messages of the buyer that want an answer.
    #[must_use]
    pub fn with_messages(mut self, messages: impl IntoIterator<Item = UnansweredMessage>) -> Self {
        self.messages.extend(messages);
        self.messages.sort_by(|a, b| a.reply_by.cmp(&b.reply_by).then_with(|| a.id.cmp(&b.id)));
        self
    }

    /// Adds that the buyer asked when it ships, for hosts that classify messages themselves.
    #[must_use]
    pub fn with_urging(mut self, times: u32, since: DateTime<Utc>) -> Self {
        self.found.push((AlertRule::BuyerUrging, times, since));
        self
    }
}

fn is_unprinted(order: &Order) -> bool {
    order.lines.iter().any(|line| order.open_units(&line.id) > 0)
        || order.packages.iter().any(|package| {
            package.shipped.is_none()
                && package.undeliverable.is_none()
                && !package.contents.is_empty()
                && package.label.printed_at.is_none()
        })
}

fn parcel(package: &Package) -> Option<WatchedParcel> {
    let shipped = package.shipped.as_ref().filter(|_| package.undeliverable.is_none())?;
    let movement = &package.movement;
    let upload_open =
        !matches!(package.upload.state, UploadState::Uploaded | UploadState::NotRequired);
    let trouble = match movement.state {
        TransitState::Returning | TransitState::Returned if !package.is_delivered() => {
            Some(ParcelTrouble::Returning)
        }
        TransitState::Lost | TransitState::Destroyed => Some(ParcelTrouble::Lost),
        TransitState::CustomsHold => Some(ParcelTrouble::Customs),
        _ => None,
    };
    let moving = !package.is_delivered() && !movement.state.is_terminal();
    (upload_open || moving || trouble.is_some()).then(|| WatchedParcel {
        package: package.id.clone(),
        shipped_at: shipped.confirmed_at,
        last_sign_at: movement
            .last_scan_at
            .map_or(shipped.confirmed_at, |scan| scan.max(shipped.confirmed_at)),
        here_since: movement
            .standing_since()
            .map_or(shipped.confirmed_at, |since| since.max(shipped.confirmed_at)),
        accepted: package.is_accepted(),
        upload_open,
        moving,
        trouble,
    })
}

/// When the platform's hour of remorse ended, or ends by itself; `None` while nobody says when. An
/// order without such an hour counts from its import.
fn remorse_over_at(order: &Order) -> Option<DateTime<Utc>> {
    order
        .holds
        .iter()
        .filter(|hold| hold.reason == HoldReason::PlatformRemorse)
        .map(|hold| match (hold.released_at, hold.until) {
            (Some(released), Some(until)) => Some(released.min(until)),
            (released, until) => released.or(until),
        })
        .try_fold(order.imported_at, |last, end| Some(last.max(end?)))
}

/// The first instant more than a span after another.
fn just_after(at: DateTime<Utc>, span: TimeDelta) -> Option<DateTime<Utc>> {
    at.checked_add_signed(span)?.checked_add_signed(TimeDelta::nanoseconds(1))
}

/// Facts that need no waiting: recorded incidents, and what the order itself shows.
fn found(
    order: &Order,
    review: &ReviewPolicy,
    waits: bool,
) -> Vec<(AlertRule, u32, DateTime<Utc>)> {
    let mut found: Vec<(AlertRule, u32, DateTime<Utc>)> = Vec::new();
    let mut add = |rule: AlertRule, count: u32, since: DateTime<Utc>| {
        if !found.contains(&(rule, count, since)) {
            found.push((rule, count, since));
        }
    };
    let is_open = |kind: ExceptionKind| {
        let mut open = order.incidents.iter().filter(|incident| incident.resolved_at.is_none());
        open.any(|incident| incident.kind == kind)
    };
    for incident in order.incidents.iter().filter(|incident| incident.resolved_at.is_none()) {
        let rule = match incident.kind {
            ExceptionKind::BuyerUrging => AlertRule::BuyerUrging,
            ExceptionKind::Oversold => AlertRule::Oversold,
            ExceptionKind::PaymentAnomaly => AlertRule::Payment,
            ExceptionKind::CancelRequested => AlertRule::CancelRequest,
            ExceptionKind::ShippingMistake => AlertRule::Mistake,
            ExceptionKind::Address(_) | ExceptionKind::AddressChangedAfterLabel => {
                AlertRule::Address
            }
            ExceptionKind::OutOfStock => AlertRule::OutOfStock,
            _ => continue,
        };
        add(rule, incident.count, incident.first_at);
    }
    if waits && !order.backorders.is_empty() && !is_open(ExceptionKind::OutOfStock) {
        add(AlertRule::OutOfStock, 1, order.imported_at);
    }
    let held_for = |reason: HoldReason| {
        order.holds.iter().find(|hold| hold.released_at.is_none() && hold.reason == reason)
    };
    if waits {
        let unusable = |in_remorse| {
            recipient_findings(order, review, in_remorse)
                .iter()
                .any(|finding| matches!(finding, Finding::Address { .. }))
        };
        let version = order.recipient_version.max(1);
        // The address comes before the hold that was placed because of it: one fact, one instant.
        if unusable(true) {
            add(AlertRule::Address, version, order.imported_at);
        } else if let Some(since) = remorse_over_at(order).filter(|_| unusable(false)) {
            add(AlertRule::Address, version, since);
        } else if let Some(hold) = held_for(HoldReason::Address) {
            add(AlertRule::Address, version, hold.placed_at);
        }
    }
    if waits && !is_open(ExceptionKind::PaymentAnomaly) {
        let paid_at = order.paid_at.unwrap_or(order.imported_at);
        if payment_anomaly(order, None, order.imported_at).is_some() {
            add(AlertRule::Payment, 1, paid_at);
        } else if let Some(hours) = review.funds_grace_hours
            && payment_anomaly(order, Some(hours), DateTime::<Utc>::MAX_UTC).is_some()
            && let Some(late) = just_after(paid_at, TimeDelta::hours(i64::from(hours)))
        {
            add(AlertRule::Payment, 1, late);
        }
    }
    if let Some(request) = &order.cancel_request
        && !is_open(ExceptionKind::CancelRequested)
        && !order.state().is_terminal()
    {
        add(AlertRule::CancelRequest, 1, request.requested_at.unwrap_or(order.imported_at));
    }
    found
}
