//! Guards: what must hold before an event may happen.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::event::Action;
use super::{Order, PaymentState, Review};
use crate::ids::PackageId;
use crate::shipment::Package;

/// A condition an event depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Guard {
    /// The payment is ready to ship and not taken back in full.
    Paid,
    /// No hold is open.
    NoHold,
    /// The review passed.
    Reviewed,
    /// Acknowledged, on platforms that want it.
    Acknowledged,
    /// The parcel has a warehouse and contents.
    Allocated,
    /// The address is complete and not masked, unless the platform writes it on the label itself.
    Address,
    /// A label was bought and not voided, or a number was typed in.
    Label,
    /// A number is there and the platform can name its carrier, or untracked shipping is allowed.
    Tracking,
    /// The quantity fits the open units.
    Quantity,
    /// The platform's view was read a short time ago and nobody asks to cancel.
    Fresh,
}

impl Guard {
    /// The name that the domain's documentation gives to it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Paid => "G-PAID",
            Self::NoHold => "G-NOHOLD",
            Self::Reviewed => "G-REVIEWED",
            Self::Acknowledged => "G-ACKED",
            Self::Allocated => "G-ALLOC",
            Self::Address => "G-ADDR",
            Self::Label => "G-LABEL",
            Self::Tracking => "G-TRACKING",
            Self::Quantity => "G-QTY",
            Self::Fresh => "G-FRESH",
        }
    }
}

impl std::fmt::Display for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

/// What a host may decide about the lifecycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LifecyclePolicy {
    /// How old the last read of the platform may be when a label is bought or a shipment
    /// confirmed. Default 10 minutes.
    pub freshness_seconds: u32,
}

impl Default for LifecyclePolicy {
    fn default() -> Self {
        Self { freshness_seconds: 600 }
    }
}

impl LifecyclePolicy {
    /// Sets how old the last read of the platform may be.
    #[must_use]
    pub const fn with_freshness_seconds(mut self, seconds: u32) -> Self {
        self.freshness_seconds = seconds;
        self
    }
}

/// Why a guard does not hold, in words; `None` when it does.
pub(super) fn objection(
    guard: Guard,
    order: &Order,
    action: &Action,
    policy: &LifecyclePolicy,
    now: DateTime<Utc>,
) -> Option<String> {
    match guard {
        Guard::Paid => {
            if order.paid_at.is_none() {
                return Some("the order is not paid".into());
            }
            let all_back = !order.payments.is_empty()
                && order.payments.iter().all(|payment| {
                    matches!(
                        payment.state,
                        PaymentState::Refunded
                            | PaymentState::Refunding
                            | PaymentState::ChargedBack
                    )
                });
            all_back.then(|| "the payment was taken back".into())
        }
        Guard::NoHold => order
            .holds
            .iter()
            .find(|hold| hold.is_open(now))
            .map(|hold| format!("hold {} is open ({:?})", hold.id, hold.reason)),
        Guard::Reviewed => match &order.review {
            Review::Approved { .. } => None,
            Review::Pending => Some("the order has not been reviewed".into()),
            Review::NeedsPerson { findings, .. } | Review::Refused { findings, .. } => {
                Some(format!("the review found: {}", findings.join("; ")))
            }
        },
        Guard::Acknowledged => (order.needs_acknowledgement && order.acknowledged_at.is_none())
            .then(|| "the platform has no acknowledgement".into()),
        Guard::Allocated => match package(order, action) {
            Some(package) if package.warehouse.is_some() && !package.contents.is_empty() => None,
            _ => Some("the parcel has no warehouse or no contents".into()),
        },
        Guard::Address => address_objection(order),
        Guard::Label => match package(order, action) {
            Some(package)
                if package.has_live_label()
                    || package.tracking.as_ref().is_some_and(|tracking| tracking.manual) =>
            {
                None
            }
            _ => Some("there is no live label and no number was typed in".into()),
        },
        Guard::Tracking => {
            let Action::ShipmentConfirmed { carrier_named, untracked_allowed, .. } = action else {
                return None;
            };
            let tracked = package(order, action).is_some_and(|package| package.tracking.is_some());
            match (tracked, carrier_named, untracked_allowed) {
                (true, true, _) | (false, _, true) => None,
                (true, false, _) => Some("the platform cannot name the carrier".into()),
                (false, _, false) => Some("the parcel has no tracking number".into()),
            }
        }
        Guard::Quantity => {
            let package = package(order, action)?;
            if package.contents.is_empty() {
                return Some("the parcel is empty".into());
            }
            package.contents.iter().find_map(|packed| {
                let counters = super::counters(order, &packed.line)?;
                let room = counters.active().saturating_sub(counters.shipped);
                (packed.units > room).then(|| {
                    format!("line {}: {} units, {room} may ship", packed.line, packed.units)
                })
            })
        }
        Guard::Fresh => {
            let read_at = match action {
                Action::LabelRequested { platform_read_at, .. }
                | Action::ShipmentConfirmed { platform_read_at, .. } => *platform_read_at,
                _ => return None,
            };
            if order.cancel_request.is_some() {
                return Some("the buyer asks to cancel".into());
            }
            let age = now - read_at;
            (age > TimeDelta::seconds(i64::from(policy.freshness_seconds)))
                .then(|| format!("the platform was last read {} minutes ago", age.num_minutes()))
        }
    }
}

fn package<'a>(order: &'a Order, action: &Action) -> Option<&'a Package> {
    order.package(package_id(action)?)
}

/// The parcel an action is about.
pub(super) const fn package_id(action: &Action) -> Option<&PackageId> {
    match action {
        Action::Routed { package, .. }
        | Action::LabelRequested { package, .. }
        | Action::LabelPurchased { package, .. }
        | Action::LabelFailed { package, .. }
        | Action::LabelUnknown { package }
        | Action::LabelConfirmedAbsent { package }
        | Action::LabelPrinted { package, .. }
        | Action::VoidRequested { package, .. }
        | Action::LabelVoided { package }
        | Action::VoidRejected { package, .. }
        | Action::Released { package }
        | Action::PickingStarted { package }
        | Action::Picked { package }
        | Action::Checked { package }
        | Action::PickRejected { package, .. }
        | Action::Packed { package, .. }
        | Action::Unpacked { package }
        | Action::HandedOver { package }
        | Action::TrackingEntered { package, .. }
        | Action::ShipmentConfirmed { package, .. }
        | Action::UploadStarted { package, .. }
        | Action::Uploaded { package, .. }
        | Action::UploadPostponed { package, .. }
        | Action::UploadLeftOut { package, .. }
        | Action::UploadRejected { package, .. }
        | Action::Tracked { package, .. }
        | Action::DeliveredOnPlatform { package, .. }
        | Action::UndeliverableResolved { package, .. } => Some(package),
        _ => None,
    }
}

fn address_objection(order: &Order) -> Option<String> {
    // The platform prints the label: whatever it shows of the address, it knows it all.
    if order.logistics.is_addressed_by_platform() {
        return None;
    }
    let Some(recipient) = &order.recipient else {
        return Some("there is no recipient".into());
    };
    let address = &recipient.address;
    if address.is_masked() {
        return Some("the address is masked".into());
    }
    let missing: Vec<&str> = [
        ("name", recipient.name.is_blank() && recipient.company.is_none()),
        ("street", address.line1().trim().is_empty()),
        ("city", address.city.trim().is_empty()),
        ("country", address.country.is_none()),
    ]
    .into_iter()
    .filter_map(|(name, missing)| missing.then_some(name))
    .collect();
    (!missing.is_empty()).then(|| format!("the address lacks {}", missing.join(", ")))
}
