//! The lifecycle as tables: what may happen when, and how the headline may change.
//!
//! [`EVENTS`] says in which states an event is accepted and under which guards; [`TRANSITIONS`]
//! says which changes of the headline an event may cause. Everything else is refused. Docs, tests
//! and [`apply`](super::apply) read the same rows.

use serde::{Deserialize, Serialize};

use super::event::EventKind;
use super::guard::Guard;
use super::{LogisticsMode, Order, Review, counters};
use crate::shipment::{LabelState, Package, WarehouseState};

/// The headline of an order, derived from its facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    /// Not paid.
    Unpaid,
    /// Paid, nothing shipped.
    AwaitingShipment,
    /// Some active units shipped.
    PartiallyShipped,
    /// All shipped, a parcel is not scanned yet.
    AwaitingCollection,
    /// All with carriers.
    InTransit,
    /// Some parcels arrived.
    PartiallyDelivered,
    /// All parcels arrived.
    Delivered,
    /// Closed.
    Completed,
    /// Nothing active is left.
    Cancelled,
}

impl OrderState {
    /// Every state, in order of progress.
    pub const ALL: [Self; 9] = [
        Self::Unpaid,
        Self::AwaitingShipment,
        Self::PartiallyShipped,
        Self::AwaitingCollection,
        Self::InTransit,
        Self::PartiallyDelivered,
        Self::Delivered,
        Self::Completed,
        Self::Cancelled,
    ];

    /// Progress; falls only by a voided label, a reshipment or a correction of the platform.
    #[must_use]
    pub const fn rank(self) -> u8 {
        match self {
            Self::Unpaid => 0,
            Self::AwaitingShipment => 10,
            Self::PartiallyShipped => 20,
            Self::AwaitingCollection => 30,
            Self::InTransit => 40,
            Self::PartiallyDelivered => 45,
            Self::Delivered => 50,
            Self::Completed => 60,
            Self::Cancelled => 100,
        }
    }

    /// Whether the order is closed for everything but returns, refunds and corrections.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled)
    }

    /// The state as a word, as serialised.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unpaid => "unpaid",
            Self::AwaitingShipment => "awaiting_shipment",
            Self::PartiallyShipped => "partially_shipped",
            Self::AwaitingCollection => "awaiting_collection",
            Self::InTransit => "in_transit",
            Self::PartiallyDelivered => "partially_delivered",
            Self::Delivered => "delivered",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl std::fmt::Display for OrderState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Derives the headline. First match wins.
///
/// ```text
/// nothing active                     → Cancelled
/// not paid                           → Unpaid
/// nothing shipped                    → AwaitingShipment
/// less shipped than active           → PartiallyShipped
/// completion recorded                → Completed
/// all parcels delivered, some        → Delivered, PartiallyDelivered
/// a parcel without acceptance scan   → AwaitingCollection
/// otherwise                          → InTransit
/// ```
#[must_use]
pub fn derive_state(order: &Order) -> OrderState {
    let (mut active, mut shipped) = (0_u64, 0_u64);
    for line in &order.lines {
        if let Some(counters) = counters(order, &line.id) {
            active += u64::from(counters.active());
            shipped += u64::from(counters.shipped);
        }
    }
    if active == 0 {
        return OrderState::Cancelled;
    }
    if order.paid_at.is_none() {
        return OrderState::Unpaid;
    }
    if shipped == 0 {
        return OrderState::AwaitingShipment;
    }
    if shipped < active {
        return OrderState::PartiallyShipped;
    }
    if order.completed_at.is_some() {
        return OrderState::Completed;
    }
    // A parcel emptied by a cancellation only waits for its label to be voided.
    let live = || {
        order.packages.iter().filter(|package| package.is_shipped() && !package.contents.is_empty())
    };
    if live().all(Package::is_delivered) {
        return OrderState::Delivered;
    }
    if live().any(Package::is_delivered) {
        return OrderState::PartiallyDelivered;
    }
    if live().any(|package| !package.is_accepted()) {
        return OrderState::AwaitingCollection;
    }
    OrderState::InTransit
}

/// Where an order that awaits shipment stands, for lists and counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// A hold is open. Wins over all.
    OnHold,
    /// The platform ships it.
    PlatformShips,
    /// Not reviewed.
    AwaitingReview,
    /// A person must decide.
    NeedsPerson,
    /// To be acknowledged.
    AwaitingAcknowledgement,
    /// No parcel planned.
    AwaitingAllocation,
    /// Units are short.
    OutOfStock,
    /// Planned, no label.
    AwaitingLabel,
    /// Every label bought.
    Labelled,
    /// Every label printed.
    LabelPrinted,
    /// Being picked.
    Picking,
    /// Every parcel packed.
    Packed,
}

/// Derives the stage of an order in [`OrderState::AwaitingShipment`] or
/// [`OrderState::PartiallyShipped`]; `None` in any other state.
#[must_use]
pub fn derive_stage(order: &Order, now: chrono::DateTime<chrono::Utc>) -> Option<Stage> {
    if !matches!(derive_state(order), OrderState::AwaitingShipment | OrderState::PartiallyShipped) {
        return None;
    }
    if order.is_held(now) {
        return Some(Stage::OnHold);
    }
    if order.logistics == LogisticsMode::PlatformFulfilled {
        return Some(Stage::PlatformShips);
    }
    match order.review {
        Review::Pending => return Some(Stage::AwaitingReview),
        Review::NeedsPerson { .. } | Review::Refused { .. } => return Some(Stage::NeedsPerson),
        Review::Approved { .. } => {}
    }
    if order.needs_acknowledgement && order.acknowledged_at.is_none() {
        return Some(Stage::AwaitingAcknowledgement);
    }
    if order.backorders.iter().any(|short| short.units > 0) {
        return Some(Stage::OutOfStock);
    }
    if order.lines.iter().any(|line| order.open_units(&line.id) > 0) {
        return Some(Stage::AwaitingAllocation);
    }
    let waiting = || {
        order
            .packages
            .iter()
            .filter(|package| package.shipped.is_none() && package.undeliverable.is_none())
    };
    let packed = |work| matches!(work, WarehouseState::Packed | WarehouseState::HandedOver);
    if waiting().all(|package| packed(package.work)) {
        return Some(Stage::Packed);
    }
    if waiting().any(|package| {
        matches!(
            package.work,
            WarehouseState::Picking | WarehouseState::Picked | WarehouseState::Checked
        )
    }) {
        return Some(Stage::Picking);
    }
    if waiting().all(|package| package.label.state == LabelState::Printed) {
        return Some(Stage::LabelPrinted);
    }
    if waiting().all(|package| package.has_live_label()) {
        return Some(Stage::Labelled);
    }
    Some(Stage::AwaitingLabel)
}

/// In which states an event is accepted, and what must hold.
#[derive(Debug, Clone, Copy)]
pub struct EventRow {
    /// Which event.
    pub event: EventKind,
    /// In which states.
    pub from: &'static [OrderState],
    /// Under which guards, checked in this order.
    pub guards: &'static [Guard],
    /// Why it is so, for the rows that surprise.
    pub note: &'static str,
}

/// A change of the headline that events may cause.
#[derive(Debug, Clone, Copy)]
pub struct TransitionRow {
    /// From.
    pub from: OrderState,
    /// To.
    pub to: OrderState,
    /// By which events.
    pub by: &'static [EventKind],
    /// When.
    pub note: &'static str,
}

use EventKind as E;
use Guard as G;
use OrderState as S;

const ALL: &[S] = &S::ALL;
const WAITING: &[S] = &[S::AwaitingShipment, S::PartiallyShipped];
const BEFORE_SCAN: &[S] =
    &[S::Unpaid, S::AwaitingShipment, S::PartiallyShipped, S::AwaitingCollection];
const NOT_CLOSED: &[S] = &[
    S::Unpaid,
    S::AwaitingShipment,
    S::PartiallyShipped,
    S::AwaitingCollection,
    S::InTransit,
    S::PartiallyDelivered,
    S::Delivered,
];
/// Tracks run in parallel: a print or a hand-over may be recorded after the parcel has moved on.
const AFTER_LABEL: &[S] = &[
    S::AwaitingShipment,
    S::PartiallyShipped,
    S::AwaitingCollection,
    S::InTransit,
    S::PartiallyDelivered,
    S::Delivered,
];
const PAID: &[S] = &[
    S::AwaitingShipment,
    S::PartiallyShipped,
    S::AwaitingCollection,
    S::InTransit,
    S::PartiallyDelivered,
    S::Delivered,
    S::Completed,
    S::Cancelled,
];

const fn row(event: E, from: &'static [S], guards: &'static [G], note: &'static str) -> EventRow {
    EventRow { event, from, guards, note }
}

/// Which events are accepted in which states.
#[rustfmt::skip]
pub const EVENTS: &[EventRow] = &[
    row(E::Imported,              &[],         &[], "only creates an order"),
    row(E::Updated,               ALL,         &[], ""),
    row(E::Paid,                  &[S::Unpaid], &[], "amount and currency are checked against the total"),
    row(E::PaymentTimedOut,       &[S::Unpaid], &[], ""),
    row(E::Reviewed,              WAITING,     &[], ""),
    row(E::Acknowledged,          WAITING,     &[G::Reviewed], "the platform's own acknowledgement needs no review of ours"),
    row(E::DeadlinesSet,          ALL,         &[], ""),
    row(E::Allocated,             WAITING,     &[G::Paid, G::NoHold], ""),
    row(E::Routed,                WAITING,     &[G::NoHold], ""),
    row(E::LabelRequested,        WAITING,     &[G::Paid, G::NoHold, G::Reviewed, G::Allocated, G::Address, G::Fresh], "written before the carrier is asked"),
    row(E::LabelPurchased,        ALL,         &[], "a purchase that happened is recorded whatever became of the order"),
    row(E::LabelFailed,           ALL,         &[], "as above"),
    row(E::LabelUnknown,          ALL,         &[], "as above"),
    row(E::LabelConfirmedAbsent,  ALL,         &[], "as above"),
    row(E::LabelPrinted,          AFTER_LABEL, &[], "may repeat"),
    row(E::VoidRequested,         &[S::AwaitingShipment, S::PartiallyShipped, S::AwaitingCollection, S::PartiallyDelivered, S::Cancelled], &[], "only before the first scan"),
    row(E::LabelVoided,           ALL,         &[], "the carrier's answer is recorded whatever became of the order"),
    row(E::VoidRejected,          ALL,         &[], "as above"),
    row(E::Released,              WAITING,     &[G::NoHold], ""),
    row(E::PickingStarted,        WAITING,     &[], ""),
    row(E::Picked,                WAITING,     &[], ""),
    row(E::Checked,               WAITING,     &[], ""),
    row(E::PickRejected,          WAITING,     &[], ""),
    row(E::Packed,                WAITING,     &[], ""),
    row(E::Unpacked,              WAITING,     &[], ""),
    row(E::HandedOver,            AFTER_LABEL, &[], "the driver may be faster than the record"),
    row(E::TrackingEntered,       &[S::AwaitingShipment, S::PartiallyShipped, S::AwaitingCollection], &[], "after upload it makes an update due"),
    row(E::ShipmentConfirmed,     WAITING,     &[G::Paid, G::NoHold, G::Reviewed, G::Acknowledged, G::Quantity, G::Label, G::Tracking, G::Fresh], ""),
    row(E::ShippedElsewhere,      WAITING,     &[], "somebody shipped it in the platform's own screens"),
    row(E::UploadStarted,         PAID,        &[G::NoHold], "written before the platform is told"),
    row(E::Uploaded,              PAID,        &[], ""),
    row(E::UploadPostponed,       PAID,        &[], ""),
    row(E::UploadLeftOut,         PAID,        &[], "one number per line is all that the platform takes"),
    row(E::UploadRejected,        PAID,        &[], ""),
    row(E::Tracked,               PAID,        &[], "after the end it only adds facts"),
    row(E::DeliveredOnPlatform,   &[S::PartiallyShipped, S::AwaitingCollection, S::InTransit, S::PartiallyDelivered, S::Delivered], &[], ""),
    row(E::Completed,             &[S::InTransit, S::PartiallyDelivered, S::Delivered], &[], "platforms may settle without a delivery scan"),
    row(E::CancelRequested,       BEFORE_SCAN, &[], "places a hold"),
    row(E::Cancelled,             BEFORE_SCAN, &[], "units not accepted by a carrier; their labels void or asked to be"),
    row(E::CancelRequestClosed,   NOT_CLOSED,  &[], ""),
    row(E::UndeliverableResolved, &[S::PartiallyShipped, S::AwaitingCollection, S::InTransit, S::PartiallyDelivered], &[], "the parcel must be back, lost or destroyed"),
    row(E::ReturnReceived,        &[S::PartiallyDelivered, S::Delivered, S::Completed], &[], ""),
    row(E::Refunded,              PAID,        &[], ""),
    row(E::HoldPlaced,            NOT_CLOSED,  &[], ""),
    row(E::HoldReleased,          ALL,         &[], ""),
    row(E::CaseSeen,              ALL,         &[], "buyers complain at any time"),
    row(E::IncidentRaised,        ALL,         &[], ""),
    row(E::IncidentResolved,      ALL,         &[], ""),
    row(E::PrioritySet,           ALL,         &[], ""),
    row(E::Tagged,                ALL,         &[], ""),
    row(E::RecipientCorrected,    &[S::Unpaid, S::AwaitingShipment, S::PartiallyShipped], &[], ""),
    row(E::PlatformCorrected,     &[S::Delivered, S::Cancelled], &[], "the platform takes something back; always audited"),
];

const fn change(from: S, to: S, by: &'static [E], note: &'static str) -> TransitionRow {
    TransitionRow { from, to, by, note }
}

/// Which changes of the headline are possible, and by what. Staying is always possible.
#[rustfmt::skip]
pub const TRANSITIONS: &[TransitionRow] = &[
    change(S::Unpaid,             S::AwaitingShipment,   &[E::Paid], ""),
    change(S::Unpaid,             S::Cancelled,          &[E::PaymentTimedOut, E::Cancelled], ""),
    change(S::AwaitingShipment,   S::PartiallyShipped,   &[E::ShipmentConfirmed, E::ShippedElsewhere, E::Tracked], ""),
    change(S::AwaitingShipment,   S::AwaitingCollection, &[E::ShipmentConfirmed, E::ShippedElsewhere], ""),
    change(S::AwaitingShipment,   S::InTransit,          &[E::Tracked], "a scan confirms the shipment for us"),
    change(S::AwaitingShipment,   S::PartiallyDelivered, &[E::Tracked], "as above, heard of late"),
    change(S::AwaitingShipment,   S::Delivered,          &[E::Tracked], "as above, heard of late"),
    change(S::AwaitingShipment,   S::Cancelled,          &[E::Cancelled], ""),
    change(S::PartiallyShipped,   S::AwaitingCollection, &[E::ShipmentConfirmed, E::ShippedElsewhere, E::Tracked, E::Cancelled], "the rest shipped or was cancelled"),
    change(S::PartiallyShipped,   S::InTransit,          &[E::Tracked, E::Cancelled, E::UndeliverableResolved], "as above"),
    change(S::PartiallyShipped,   S::PartiallyDelivered, &[E::ShipmentConfirmed, E::ShippedElsewhere, E::Tracked, E::Cancelled], "as above, a parcel had arrived"),
    change(S::PartiallyShipped,   S::Delivered,          &[E::Tracked, E::Cancelled, E::UndeliverableResolved], "as above, all parcels had arrived"),
    change(S::PartiallyShipped,   S::AwaitingShipment,   &[E::LabelVoided, E::UndeliverableResolved, E::Cancelled], "the only parcel out was taken back"),
    change(S::PartiallyShipped,   S::Cancelled,          &[E::Cancelled, E::UndeliverableResolved], ""),
    change(S::AwaitingCollection, S::PartiallyDelivered, &[E::Tracked, E::DeliveredOnPlatform], "carriers skip the first scan"),
    change(S::AwaitingCollection, S::Delivered,          &[E::Tracked, E::DeliveredOnPlatform], "carriers skip the first scan"),
    change(S::AwaitingCollection, S::InTransit,          &[E::Tracked, E::Cancelled], ""),
    change(S::AwaitingCollection, S::PartiallyShipped,   &[E::LabelVoided, E::UndeliverableResolved], ""),
    change(S::AwaitingCollection, S::AwaitingShipment,   &[E::LabelVoided, E::UndeliverableResolved], ""),
    change(S::AwaitingCollection, S::Cancelled,          &[E::Cancelled], "after the void"),
    change(S::InTransit,          S::PartiallyDelivered, &[E::Tracked, E::DeliveredOnPlatform], ""),
    change(S::InTransit,          S::Delivered,          &[E::Tracked, E::DeliveredOnPlatform, E::UndeliverableResolved], ""),
    change(S::InTransit,          S::Completed,          &[E::Completed], "the platform settles without a delivery scan"),
    change(S::InTransit,          S::PartiallyShipped,   &[E::UndeliverableResolved], "reship"),
    change(S::InTransit,          S::AwaitingShipment,   &[E::UndeliverableResolved], "reship"),
    change(S::InTransit,          S::Cancelled,          &[E::UndeliverableResolved], "refunded"),
    change(S::PartiallyDelivered, S::Delivered,          &[E::Tracked, E::DeliveredOnPlatform, E::UndeliverableResolved], ""),
    change(S::PartiallyDelivered, S::PartiallyShipped,   &[E::UndeliverableResolved, E::LabelVoided], "reship, or a parcel not scanned yet was taken back"),
    change(S::PartiallyDelivered, S::Completed,          &[E::Completed], "the rest is written off"),
    change(S::Delivered,          S::Completed,          &[E::Completed], ""),
    change(S::Delivered,          S::InTransit,          &[E::PlatformCorrected], "the delivery was none"),
    change(S::Delivered,          S::PartiallyDelivered, &[E::PlatformCorrected], "as above, for one of several parcels"),
    change(S::Delivered,          S::PartiallyShipped,   &[E::PlatformCorrected], "cancelled units are wanted after all"),
    change(S::Cancelled,          S::Unpaid,             &[E::PlatformCorrected], "un-cancelled"),
    change(S::Cancelled,          S::AwaitingShipment,   &[E::PlatformCorrected], "un-cancelled"),
    change(S::Cancelled,          S::PartiallyShipped,   &[E::PlatformCorrected], "un-cancelled"),
];

/// The row of an event.
pub(super) fn event_row(kind: E) -> Option<&'static EventRow> {
    EVENTS.iter().find(|row| row.event == kind)
}

/// Whether an event may change the headline like this.
pub(super) fn may_change(from: S, to: S, kind: E) -> bool {
    from == to
        || TRANSITIONS.iter().any(|row| row.from == from && row.to == to && row.by.contains(&kind))
}
