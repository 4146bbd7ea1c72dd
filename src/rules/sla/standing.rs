//! Whether what a deadline asks for was done, and when.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};

use crate::ids::PackageId;
use crate::order::{
    Deadline, DeadlineKind, LineState, Order, OrderState, Requirements, ShipTimeBasis, counters,
};
use crate::shipment::{Package, UploadState};

/// What is missing before a deadline is met.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Missing {
    /// The payment.
    Payment,
    /// The acknowledgement.
    Acknowledgement,
    /// Shipment of so many units.
    Shipment {
        /// Active units that have not shipped.
        units: u64,
    },
    /// The tracking number of a parcel on the platform.
    Tracking {
        /// Which parcel.
        package: PackageId,
    },
    /// The carrier's first scan of a parcel.
    Collection {
        /// Which parcel.
        package: PackageId,
    },
    /// Delivery of the order.
    Delivery,
    /// An answer to the buyer's wish to cancel.
    CancelAnswer,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Payment => f.write_str("the order is not paid"),
            Self::Acknowledgement => f.write_str("the order is not acknowledged"),
            Self::Shipment { units: 1 } => f.write_str("1 unit has not shipped"),
            Self::Shipment { units } => write!(f, "{units} units have not shipped"),
            Self::Tracking { package } => {
                write!(f, "the platform does not have the tracking number of parcel {package}")
            }
            Self::Collection { package } => {
                write!(f, "the carrier has not scanned parcel {package}")
            }
            Self::Delivery => f.write_str("the order is not delivered"),
            Self::CancelAnswer => f.write_str("the wish to cancel is not answered"),
        }
    }
}

/// Parcels that count and have something in them.
fn live(order: &Order) -> impl Iterator<Item = &Package> {
    order.packages.iter().filter(|package| package.is_shipped() && !package.contents.is_empty())
}

fn is_shipped(order: &Order) -> bool {
    matches!(
        order.state(),
        OrderState::AwaitingCollection
            | OrderState::InTransit
            | OrderState::PartiallyDelivered
            | OrderState::Delivered
            | OrderState::Completed
    )
}

fn is_delivered(order: &Order) -> bool {
    matches!(order.state(), OrderState::Delivered | OrderState::Completed)
}

fn unshipped(order: &Order) -> Missing {
    let units = order
        .lines
        .iter()
        .filter_map(|line| counters(order, &line.id))
        .filter(|counters| counters.state() != LineState::Cancelled)
        .map(|counters| u64::from(counters.active().saturating_sub(counters.shipped)))
        .sum();
    Missing::Shipment { units }
}

/// What the deadline of a kind asks for.
fn requires(order: &Order, kind: DeadlineKind) -> Requirements {
    order.deadline(kind).map_or_else(Requirements::default, |deadline| deadline.requires)
}

/// Whether the platform was given a number at any time; parcels it numbered itself need none.
fn is_handed_in(package: &Package) -> bool {
    package.upload.state == UploadState::NotRequired || package.upload.uploaded_at.is_some()
}

fn is_up_to_date(package: &Package) -> bool {
    matches!(package.upload.state, UploadState::Uploaded | UploadState::NotRequired)
}

/// What is missing before the deadline of a kind is met; nothing when it is met, in time or not.
///
/// Shipping is done when every active unit is ship-confirmed; where the deadline
/// [requires](Deadline::requires) it, each parcel must also have been scanned by the carrier, and
/// its number handed to the platform. Answers to messages are judged per message, never here.
#[must_use]
pub fn missing(order: &Order, kind: DeadlineKind) -> Vec<Missing> {
    use DeadlineKind as K;
    let per_parcel = |is_done: fn(&Package) -> bool, missing: fn(PackageId) -> Missing| {
        live(order)
            .filter(move |package| !is_done(package))
            .map(move |package| missing(package.id.clone()))
    };
    let collection = |package| Missing::Collection { package };
    let tracking = |package| Missing::Tracking { package };
    let unless = |done: bool, missing: Missing| if done { Vec::new() } else { vec![missing] };
    match kind {
        K::PayBy | K::AutoCancelUnlessPaid => unless(order.paid_at.is_some(), Missing::Payment),
        K::AcknowledgeBy | K::AutoCancelUnlessAcknowledged => unless(
            !order.needs_acknowledgement || order.acknowledged_at.is_some(),
            Missing::Acknowledgement,
        ),
        K::DeliverBy | K::AutoCancelUnlessDelivered => {
            unless(is_delivered(order), Missing::Delivery)
        }
        K::RespondToCancelBy => unless(order.cancel_request.is_none(), Missing::CancelAnswer),
        K::ReplyBy => Vec::new(),
        K::ShipBy
        | K::UploadTrackingBy
        | K::CollectBy
        | K::AutoCancelUnlessShipped
        | K::AutoCancelUnlessCollected
            if !is_shipped(order) =>
        {
            vec![unshipped(order)]
        }
        K::UploadTrackingBy => per_parcel(is_up_to_date, tracking).collect(),
        K::CollectBy | K::AutoCancelUnlessCollected => {
            per_parcel(Package::is_accepted, collection).collect()
        }
        K::ShipBy | K::AutoCancelUnlessShipped => {
            let asked = requires(order, kind);
            let mut missing = Vec::new();
            if asked.ship_time_basis == ShipTimeBasis::CarrierAccepted {
                missing.extend(per_parcel(Package::is_accepted, collection));
            }
            if asked.tracking {
                missing.extend(per_parcel(is_handed_in, tracking));
            }
            missing
        }
    }
}

/// Whether what a deadline asks for is done, in time or not.
#[must_use]
pub fn is_met(order: &Order, kind: DeadlineKind) -> bool {
    missing(order, kind).is_empty()
}

/// When what a deadline asks for was done: with several parcels, when the last of them was.
///
/// `None` while something is [`missing`]. Also `None` where the facts do not keep the instant: an
/// answered wish to cancel, an acknowledgement that was never asked for, messages.
#[must_use]
pub fn met_at(order: &Order, kind: DeadlineKind) -> Option<DateTime<Utc>> {
    use DeadlineKind as K;
    if !is_met(order, kind) {
        return None;
    }
    let shipped_at =
        |package: &Package| package.shipped.as_ref().map(|shipped| shipped.confirmed_at);
    match kind {
        K::PayBy | K::AutoCancelUnlessPaid => order.paid_at,
        K::AcknowledgeBy | K::AutoCancelUnlessAcknowledged => order.acknowledged_at,
        K::ShipBy | K::AutoCancelUnlessShipped => {
            let asked = requires(order, kind);
            let left = |package: &Package| match asked.ship_time_basis {
                ShipTimeBasis::ShipConfirmed => shipped_at(package),
                ShipTimeBasis::CarrierAccepted => package.movement.accepted_at,
            };
            let handed_in =
                |package: &Package| package.upload.uploaded_at.filter(|_| asked.tracking);
            live(order).map(|package| left(package).max(handed_in(package))).max().flatten()
        }
        K::UploadTrackingBy => live(order)
            .map(|package| package.upload.uploaded_at.or_else(|| shipped_at(package)))
            .max()
            .flatten(),
        K::CollectBy | K::AutoCancelUnlessCollected => {
            live(order).map(|package| package.movement.accepted_at).max().flatten()
        }
        K::DeliverBy | K::AutoCancelUnlessDelivered => {
            let all = live(order).all(Package::is_delivered);
            let last = live(order).filter_map(|package| package.movement.delivered_at).max();
            // A platform may close an order whose delivery nobody reported.
            if all { last } else { order.completed_at }
        }
        K::RespondToCancelBy | K::ReplyBy => None,
    }
}

/// How a deadline stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Met by the deadline; exactly then is in time.
    InTime,
    /// Met after it.
    Late {
        /// How long after.
        by: TimeDelta,
    },
    /// Not met, and there is time left.
    Open {
        /// How much.
        left: TimeDelta,
    },
    /// Not met, and the time is up.
    Missed {
        /// For how long.
        since: TimeDelta,
    },
}

/// The judgement on a deadline, with its reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadlineVerdict {
    /// How it stands.
    pub standing: Standing,
    /// When it was met, if it was by then and the instant is known.
    pub met_at: Option<DateTime<Utc>>,
    /// What is missing today.
    pub missing: Vec<Missing>,
}

/// Judges a deadline of an order as of an instant.
///
/// What was done after `as_of` counts as not done yet. A deadline that is met at an instant nobody
/// wrote down (see [`met_at`]) counts as met in time. A deadline without an answer is missed from
/// its very instant on, as the ladder and the ratios have it.
#[must_use]
pub fn judge(order: &Order, deadline: &Deadline, as_of: DateTime<Utc>) -> DeadlineVerdict {
    let missing = missing(order, deadline.kind);
    let done_at = met_at(order, deadline.kind);
    let is_done = missing.is_empty() && done_at.is_none_or(|at| at <= as_of);
    let standing = match done_at {
        Some(at) if is_done && at > deadline.at => Standing::Late { by: at - deadline.at },
        _ if is_done => Standing::InTime,
        _ if as_of < deadline.at => Standing::Open { left: deadline.at - as_of },
        _ => Standing::Missed { since: as_of - deadline.at },
    };
    DeadlineVerdict { standing, met_at: done_at.filter(|_| is_done), missing }
}

impl fmt::Display for DeadlineVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = |time: &TimeDelta| time.num_minutes();
        match &self.standing {
            Standing::InTime => f.write_str("met in time")?,
            Standing::Late { by } => write!(f, "met {} minutes late", minutes(by))?,
            Standing::Open { left } => write!(f, "open, {} minutes left", minutes(left))?,
            Standing::Missed { since } => write!(f, "missed {} minutes ago", minutes(since))?,
        }
        self.missing.iter().try_for_each(|missing| write!(f, "; {missing}"))
    }
}
