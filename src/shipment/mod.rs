//! Parcels: what is in them, and their four independent tracks.
//!
//! Label, warehouse work, movement and upload run in parallel and are never squeezed into one state.

mod customs;
mod fold;
mod label;
pub mod number;
mod service;
mod tracking;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use customs::{
    CustomsDeclaration, CustomsFault, CustomsItem, DutiesPayer, ExportReason, TaxId, TaxIdOwner,
    crosses_border, is_behind_customs_line, is_hs_code,
};
pub use fold::{FoldFinding, FoldedTracking, TransitState, fold};
pub use label::{Charge, Document, DocumentKind, Label, LabelCost, LabelFormat, LabelRecord};
pub use service::{
    CarrierService, CostTier, Coverage, LabelIntent, LabelRequest, RateQuote, RateRequest,
    ServiceChoice, ServiceKey,
};
pub use tracking::{EventTime, Milestone, ReasonGroup, TrackOutcome, Tracked, TrackingEvent};

use crate::ids::{
    CarrierId, IdempotencyKey, LineId, PackageId, PlatformPackageId, TrackingNumber, WarehouseId,
};
use crate::units::{Dimensions, Grams};

/// A parcel of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// Its id.
    pub id: PackageId,
    /// The platform's id, if it has one.
    pub platform_id: Option<PlatformPackageId>,
    /// What is in it.
    pub contents: Vec<PackedLine>,
    /// Where it leaves from.
    pub warehouse: Option<WarehouseId>,
    /// How heavy, packaging included.
    pub weight: Grams,
    /// How big.
    pub dimensions: Option<Dimensions>,
    /// The service chosen for it.
    pub choice: Option<ServiceChoice>,
    /// Label track.
    pub label: LabelTrack,
    /// Warehouse track.
    pub work: WarehouseState,
    /// Movement track.
    pub movement: MovementTrack,
    /// Upload track.
    pub upload: UploadTrack,
    /// The number the parcel travels under and who carries it.
    pub tracking: Option<TrackingRef>,
    /// When shipment was confirmed, if it was.
    pub shipped: Option<ShipConfirmation>,
    /// Set when a parcel that came back or was lost has been dealt with.
    pub undeliverable: Option<UndeliverableResolution>,
}

impl Package {
    /// A planned parcel: nothing has been done with it yet.
    #[must_use]
    pub fn planned(id: PackageId, contents: Vec<PackedLine>, weight: Grams) -> Self {
        Self {
            id,
            platform_id: None,
            contents,
            warehouse: None,
            weight,
            dimensions: None,
            choice: None,
            label: LabelTrack::default(),
            work: WarehouseState::NotReleased,
            movement: MovementTrack::default(),
            upload: UploadTrack::default(),
            tracking: None,
            shipped: None,
            undeliverable: None,
        }
    }

    /// Units of a line in this parcel.
    #[must_use]
    pub fn units_of(&self, line: &LineId) -> u32 {
        self.contents
            .iter()
            .filter(|packed| packed.line == *line)
            .map(|packed| packed.units)
            .fold(0, u32::saturating_add)
    }

    /// Whether the parcel counts as shipped: confirmed and not written off. Voiding the label
    /// takes the confirmation back.
    #[must_use]
    pub fn is_shipped(&self) -> bool {
        self.shipped.is_some() && self.undeliverable.is_none()
    }

    /// Whether it was delivered. A return after delivery does not undo that.
    #[must_use]
    pub fn is_delivered(&self) -> bool {
        self.movement.delivered_at.is_some()
    }

    /// Whether the carrier has it: a first physical scan or anything after it.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.movement.accepted_at.is_some()
    }

    /// Whether it has a label that was bought and not voided.
    #[must_use]
    pub fn has_live_label(&self) -> bool {
        matches!(
            self.label.state,
            LabelState::Purchased | LabelState::Printed | LabelState::VoidRequested
        )
    }

    /// The headline of the parcel, derived from its tracks.
    #[must_use]
    pub fn state(&self) -> PackageState {
        use TransitState as T;
        if self.label.state == LabelState::Voided && self.tracking.is_none() {
            return PackageState::Voided;
        }
        match self.movement.state {
            T::Delivered => return PackageState::Delivered,
            T::Returning => return PackageState::Returning,
            T::Returned => return PackageState::Returned,
            T::Lost | T::Destroyed => return PackageState::Lost,
            T::OutForDelivery => return PackageState::OutForDelivery,
            _ => {}
        }
        if self.is_accepted() {
            return PackageState::InTransit;
        }
        if self.is_shipped() {
            return PackageState::AwaitingCollection;
        }
        if matches!(self.work, WarehouseState::Packed | WarehouseState::HandedOver) {
            return PackageState::Packed;
        }
        match self.label.state {
            LabelState::Printed => PackageState::Printed,
            LabelState::Purchased | LabelState::VoidRequested => PackageState::Labelled,
            _ => PackageState::Planned,
        }
    }
}

/// Units of a line in a parcel.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PackedLine {
    /// Which line.
    pub line: LineId,
    /// How many units, at least 1.
    pub units: u32,
}

/// Headline of a parcel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PackageState {
    /// Planned, no label yet.
    Planned,
    /// Label bought.
    Labelled,
    /// Label printed.
    Printed,
    /// Packed.
    Packed,
    /// Shipment confirmed, no scan yet.
    AwaitingCollection,
    /// With the carrier.
    InTransit,
    /// On the delivery round.
    OutForDelivery,
    /// Delivered.
    Delivered,
    /// On its way back.
    Returning,
    /// Back.
    Returned,
    /// Lost or destroyed.
    Lost,
    /// Its label was voided.
    Voided,
}

/// Label track of a parcel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelTrack {
    /// Where it stands.
    pub state: LabelState,
    /// The key of the purchase under way or done.
    pub key: Option<IdempotencyKey>,
    /// The label bought.
    pub record: Option<LabelRecord>,
    /// Labels of this parcel that were voided.
    pub voided: Vec<LabelRecord>,
    /// Purchases begun for this parcel so far, whatever became of them.
    pub attempts: u32,
    /// When it was first printed.
    pub printed_at: Option<DateTime<Utc>>,
    /// How often it was printed.
    pub prints: u32,
}

/// State of the label track.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum LabelState {
    /// No label.
    #[default]
    None,
    /// The intent is written; the answer is awaited.
    Requested,
    /// Sent, answer lost: only recovery may go on.
    Unknown,
    /// Bought.
    Purchased,
    /// Printed at least once.
    Printed,
    /// The carrier was asked to void it.
    VoidRequested,
    /// Void.
    Voided,
}

/// State of the warehouse track. Steps may be skipped forward, never backward, except by
/// rejecting a pick or unpacking.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum WarehouseState {
    /// The warehouse does not know of it.
    #[default]
    NotReleased,
    /// On a pick list.
    Released,
    /// Being picked.
    Picking,
    /// Picked.
    Picked,
    /// Checked.
    Checked,
    /// Packed.
    Packed,
    /// With the carrier's driver.
    HandedOver,
}

/// Movement track of a parcel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MovementTrack {
    /// Where it stands, folded from all events.
    pub state: TransitState,
    /// Every event known, deduplicated, in order of time.
    pub events: Vec<TrackingEvent>,
    /// First physical scan.
    pub accepted_at: Option<DateTime<Utc>>,
    /// Delivery.
    pub delivered_at: Option<DateTime<Utc>>,
    /// Last physical scan.
    pub last_scan_at: Option<DateTime<Utc>>,
    /// When the carrier was last asked.
    pub polled_at: Option<DateTime<Utc>>,
    /// The carrier's present estimate.
    pub estimated_delivery: Option<chrono::NaiveDate>,
}

impl MovementTrack {
    /// Since when a parcel is where it is: the first of the last scans that name one place, or that
    /// all say customs. `None` before the first scan.
    #[must_use]
    pub fn standing_since(&self) -> Option<DateTime<Utc>> {
        let is_scan = |event: &&TrackingEvent| {
            !matches!(event.milestone, Milestone::PreAdvice | Milestone::Other)
        };
        let mut scans = self.events.iter().rev().filter(is_scan);
        let last = scans.next()?;
        let in_customs = |event: &TrackingEvent| event.milestone == Milestone::CustomsStarted;
        let stays = |event: &&TrackingEvent| {
            (last.place.is_some() && event.place == last.place)
                || (in_customs(last) && in_customs(event))
        };
        let first = scans.take_while(stays).last().unwrap_or(last);
        Some(first.time.approximate())
    }

    /// When it was first told that the parcel comes back; `None` while nobody says so.
    #[must_use]
    pub fn sent_back_at(&self) -> Option<DateTime<Utc>> {
        let is_return = |event: &&TrackingEvent| {
            matches!(event.milestone, Milestone::ReturnStarted | Milestone::Returned)
        };
        self.events.iter().find(is_return).map(|event| event.time.approximate())
    }
}

/// Upload track of a parcel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadTrack {
    /// Where it stands.
    pub state: UploadState,
    /// The number the platform has.
    pub number: Option<TrackingNumber>,
    /// When the platform took it.
    pub uploaded_at: Option<DateTime<Utc>>,
    /// How often sending was begun.
    pub attempts: u32,
}

/// State of the upload track.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum UploadState {
    /// The platform made the number itself.
    NotRequired,
    /// Not shipped yet.
    #[default]
    NotDue,
    /// To be sent.
    Pending,
    /// Being sent.
    InFlight,
    /// The platform has it.
    Uploaded,
    /// The platform refused it.
    Rejected,
    /// The number changed after upload.
    UpdatePending,
}

/// How often, and how long, a tracking number may be changed after upload.
///
/// ```
/// use orderflow::shipment::NumberChanges;
///
/// assert_eq!(NumberChanges::NEVER.most, Some(0));
/// let window = NumberChanges::MANY.within_hours(72);
/// assert_eq!(window.within_hours, Some(72));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NumberChanges {
    /// At most so many changes; `None` is as many as needed.
    pub most: Option<u32>,
    /// Only within so many hours of shipping; `None` is always.
    pub within_hours: Option<u32>,
}

impl NumberChanges {
    /// Never.
    pub const NEVER: Self = Self { most: Some(0), within_hours: None };
    /// Once.
    pub const ONCE: Self = Self { most: Some(1), within_hours: None };
    /// As often as needed.
    pub const MANY: Self = Self { most: None, within_hours: None };

    /// The same, only within so many hours of shipping.
    #[must_use]
    pub const fn within_hours(mut self, hours: u32) -> Self {
        self.within_hours = Some(hours);
        self
    }
}

/// The number a parcel travels under.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TrackingRef {
    /// Who carries it.
    pub carrier: CarrierId,
    /// With which service, if known.
    pub service: Option<crate::ids::ServiceCode>,
    /// Under which number.
    pub number: TrackingNumber,
    /// Whether a person typed it in.
    pub manual: bool,
}

/// The fact that shipment was confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShipConfirmation {
    /// When it was confirmed here.
    pub confirmed_at: DateTime<Utc>,
    /// When the parcel was really given away.
    pub shipped_at: DateTime<Utc>,
    /// Whether a carrier scan said so before we did.
    pub implicit: bool,
}

/// What was done about a parcel that came back or was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UndeliverableResolution {
    /// Its units are cancelled and refunded.
    Cancelled,
    /// Its units are open again and will be sent anew.
    Reship,
}
