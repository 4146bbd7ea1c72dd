//! What a platform says about an order *now*: a snapshot, not a command.
//!
//! Adapters return [`PlatformOrder`]; [`reconcile`](crate::order::reconcile) turns the difference
//! to what we know into events. A snapshot never assigns a state.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::deadline::DeadlineKind;
use super::hold::HoldReason;
use super::incident::ExceptionKind;
use super::payment::Payment;
use super::{LogisticsMode, SpeedClass};
use crate::address::Contact;
use crate::ids::{BuyerId, LineId, PlatformOrderId, PlatformPackageId, Sku, TrackingNumber};
use crate::money::Money;
use crate::personal::Personal;
use crate::units::Grams;

/// An order as a platform shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformOrder {
    /// The key for all calls about it.
    pub id: PlatformOrderId,
    /// The number that the buyer sees, when it is another one.
    pub number: Option<String>,
    /// Site or market, for example `US`.
    pub site: Option<String>,
    /// The platform's own status of the whole order, word for word; platforms that only have
    /// statuses per line leave it empty.
    pub status: Option<String>,
    /// When the buyer placed it.
    pub placed_at: DateTime<Utc>,
    /// When the payment first became ready to ship (paid, or authorised on a platform that charges
    /// at shipment, or cash on delivery). `None` is unpaid.
    pub paid_at: Option<DateTime<Utc>>,
    /// The platform's own stamp of the last change.
    pub updated_at: Option<DateTime<Utc>>,
    /// Who buys. Names are not identity.
    pub buyer: PlatformBuyer,
    /// Whom it goes to; platforms leave it out while unpaid or in remorse.
    pub recipient: Option<Contact>,
    /// Who arranges the transport.
    pub logistics: LogisticsMode,
    /// The service the buyer chose, word for word.
    pub requested_service: Option<String>,
    /// How fast that is.
    pub speed: SpeedClass,
    /// What the buyer pays in all.
    pub total: Money,
    /// The lines.
    pub lines: Vec<PlatformLine>,
    /// Payments, if the platform shows them.
    pub payments: Vec<Payment>,
    /// Deadlines the platform put on the order.
    pub deadlines: Vec<PlatformDeadline>,
    /// Holds the platform put on it.
    pub holds: Vec<PlatformHold>,
    /// What the platform says is wrong with it. Each is an open incident while the platform says so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub troubles: Vec<PlatformTrouble>,
    /// Set while the buyer asks to cancel.
    pub cancel_request: Option<CancelRequest>,
    /// When the platform closed it.
    pub completed_at: Option<DateTime<Utc>>,
    /// A note by the buyer.
    pub note: Option<Personal<String>>,
    /// Whether the platform marks it as a test.
    pub test: bool,
    /// Further facts worth keeping, word for word, by the platform's names.
    pub attributes: BTreeMap<String, String>,
    /// Further facts that may name a person: they never print, and erasure removes them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub personal_attributes: BTreeMap<String, Personal<String>>,
    /// The platform's bytes of this order, so that mapping errors can be replayed. May be empty.
    pub raw: Personal<String>,
}

/// Something that the platform says is wrong with an order or its parcel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformTrouble {
    /// What it is in our terms.
    pub kind: ExceptionKind,
    /// The platform's own words.
    pub detail: String,
}

/// The buyer as the platform names him.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformBuyer {
    /// Identity on the platform.
    pub id: Option<BuyerId>,
    /// Name.
    pub name: Option<Personal<String>>,
    /// E-mail, often a relay.
    pub email: Option<Personal<String>>,
}

/// A line of a [`PlatformOrder`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformLine {
    /// Id on the platform.
    pub id: LineId,
    /// Ids of the single units, on platforms that list one unit a line.
    pub unit_ids: Vec<String>,
    /// Stock keeping unit; may be missing.
    pub sku: Option<Sku>,
    /// Title.
    pub title: String,
    /// Variant attributes, for example `color`.
    pub attributes: BTreeMap<String, String>,
    /// Further facts that may name a person: they never print, and erasure removes them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub personal_attributes: BTreeMap<String, Personal<String>>,
    /// Units ordered, at least 1 in a valid order; kept as sent.
    pub quantity: u32,
    /// Price of one unit.
    pub unit_price: Money,
    /// Total of the line as the platform states it, without tax. Whether the discount is off it
    /// already differs between platforms.
    pub line_total: Option<Money>,
    /// Tax of the line; `None` is unknown.
    pub tax: Option<Money>,
    /// What the buyer pays for the transport of this line.
    pub shipping: Option<Money>,
    /// Discount on the line, positive.
    pub discount: Option<Money>,
    /// Weight of one unit.
    pub weight: Option<Grams>,
    /// Picture.
    pub image_url: Option<String>,
    /// Where each unit stands. The units add up to `quantity`, unless the platform says otherwise.
    pub units: Vec<UnitGroup>,
}

impl PlatformLine {
    /// A line whose units are all new; everything else is unknown, and is set afterwards.
    #[must_use]
    pub fn new(id: LineId, title: impl Into<String>, quantity: u32, unit_price: Money) -> Self {
        Self {
            id,
            unit_ids: Vec::new(),
            sku: None,
            title: title.into(),
            attributes: BTreeMap::new(),
            personal_attributes: BTreeMap::new(),
            quantity,
            unit_price,
            line_total: None,
            tax: None,
            shipping: None,
            discount: None,
            weight: None,
            image_url: None,
            units: vec![UnitGroup::new(UnitStatus::New, quantity)],
        }
    }
}

impl UnitGroup {
    /// Units of which nothing but their status is known.
    #[must_use]
    pub const fn new(status: UnitStatus, units: u32) -> Self {
        Self { status, units, shipment: None, reason: None }
    }

    /// Units that left in a parcel under a number, of which no more is known.
    #[must_use]
    pub fn shipped(units: u32, number: TrackingNumber) -> Self {
        let parcel = PlatformShipment { number: Some(number), ..PlatformShipment::default() };
        Self { shipment: Some(parcel), ..Self::new(UnitStatus::Shipped, units) }
    }
}

/// Units of a line that share one status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitGroup {
    /// Where they stand.
    pub status: UnitStatus,
    /// How many.
    pub units: u32,
    /// The parcel they left in, once the platform knows it.
    pub shipment: Option<PlatformShipment>,
    /// Why they were cancelled or refunded, word for word.
    pub reason: Option<String>,
}

/// Where units stand on the platform, in our terms.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnitStatus {
    /// Not acknowledged yet, or a platform without acknowledgement.
    New,
    /// Acknowledged.
    Acknowledged,
    /// Marked as shipped, no scan known.
    Shipped,
    /// On the way.
    InTransit,
    /// Delivered.
    Delivered,
    /// Cancelled.
    Cancelled,
    /// Came back.
    Returned,
    /// A value this crate does not know, word for word. Never a success.
    Unknown(String),
}

/// A parcel as the platform knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformShipment {
    /// The platform's id of the parcel.
    pub package: Option<PlatformPackageId>,
    /// Carrier, word for word.
    pub carrier: Option<String>,
    /// Tracking number.
    pub number: Option<TrackingNumber>,
    /// Tracking page.
    pub url: Option<String>,
    /// When it was shipped.
    pub shipped_at: Option<DateTime<Utc>>,
    /// When the carrier got it, where the platform says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collected_at: Option<DateTime<Utc>>,
    /// When it arrived, where the platform says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<DateTime<Utc>>,
}

/// A deadline that the platform put on the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformDeadline {
    /// What is due.
    pub kind: DeadlineKind,
    /// When.
    pub at: DateTime<Utc>,
}

/// A hold that the platform put on the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformHold {
    /// Why.
    pub reason: HoldReason,
    /// When it ends, if known.
    pub until: Option<DateTime<Utc>>,
}

/// A buyer's wish to cancel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelRequest {
    /// Which lines; empty is the whole order.
    pub lines: Vec<LineId>,
    /// In the buyer's or platform's words.
    pub reason: Option<Personal<String>>,
    /// When it was made, if known.
    pub requested_at: Option<DateTime<Utc>>,
    /// Until when an answer is due.
    pub respond_by: Option<DateTime<Utc>>,
}

/// A wish to cancel that a person refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedRequest {
    /// When.
    pub at: DateTime<Utc>,
    /// Of which lines; empty is the whole order.
    pub lines: Vec<LineId>,
}

impl RefusedRequest {
    /// Whether a wish is this one: made before it was refused, or, where the platform does not say
    /// when, of no other lines.
    #[must_use]
    pub fn covers(&self, request: &CancelRequest) -> bool {
        match request.requested_at {
            Some(asked) => asked <= self.at,
            None => {
                self.lines.is_empty()
                    || (!request.lines.is_empty()
                        && request.lines.iter().all(|line| self.lines.contains(line)))
            }
        }
    }
}

/// Why a snapshot cannot be an order: it contradicts itself, or says what nobody can mean.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotFault {
    /// No line at all.
    #[error("lines: the order has no goods")]
    NoLines,
    /// Two lines with one id: whatever is done with one would be done with both.
    #[error("lines: line id {0} occurs twice")]
    DuplicateLine(LineId),
    /// A line without units.
    #[error("lines.{0}.quantity: is 0")]
    NoUnits(LineId),
    /// The statuses of a line's units do not add up to its quantity.
    #[error("lines.{line}.units: {units} units have a status, {quantity} were ordered")]
    UnitsDiffer {
        /// Which line.
        line: LineId,
        /// Units with a status.
        units: u64,
        /// Units ordered.
        quantity: u32,
    },
    /// An instant outside of the years 2000 to 2200.
    #[error("{field}: {at} is no time of an order")]
    ImpossibleInstant {
        /// Which field.
        field: &'static str,
        /// What it says.
        at: DateTime<Utc>,
    },
}

impl PlatformOrder {
    /// An order with the least a platform must say about one; everything else is unknown or absent,
    /// and is set afterwards. Unpaid, without lines, shipped by the seller.
    ///
    /// ```
    /// # use chrono::DateTime;
    /// # use orderflow::{Currency, LineId, Money, PlatformOrderId};
    /// # use orderflow::order::{PlatformLine, PlatformOrder};
    /// let placed_at = DateTime::from_timestamp(1_767_225_600, 0).unwrap();
    /// let price = Money::new(1250.into(), Currency::MXN);
    /// let order = PlatformOrder {
    ///     paid_at: Some(placed_at),
    ///     lines: vec![PlatformLine::new(LineId::new("1")?, "Mug", 1, price)],
    ///     ..PlatformOrder::new(PlatformOrderId::new("A-17")?, placed_at, price)
    /// };
    /// assert!(order.check().is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn new(id: PlatformOrderId, placed_at: DateTime<Utc>, total: Money) -> Self {
        Self {
            id,
            number: None,
            site: None,
            status: None,
            placed_at,
            paid_at: None,
            updated_at: None,
            buyer: PlatformBuyer::default(),
            recipient: None,
            logistics: LogisticsMode::SellerCarrier,
            requested_service: None,
            speed: SpeedClass::default(),
            total,
            lines: Vec::new(),
            payments: Vec::new(),
            deadlines: Vec::new(),
            holds: Vec::new(),
            troubles: Vec::new(),
            cancel_request: None,
            completed_at: None,
            note: None,
            test: false,
            attributes: BTreeMap::new(),
            personal_attributes: BTreeMap::new(),
            raw: Personal::new(String::new()),
        }
    }

    /// The first id that two lines have.
    pub(super) fn duplicate_line(&self) -> Option<&crate::ids::LineId> {
        let mut ids = std::collections::BTreeSet::new();
        self.lines.iter().map(|line| &line.id).find(|id| !ids.insert(*id))
    }

    /// Whether the snapshot can be an order. One that cannot is kept as unreadable, so that it
    /// neither ships wrongly nor stops the others.
    ///
    /// # Errors
    /// The first [`SnapshotFault`].
    pub fn check(&self) -> Result<(), SnapshotFault> {
        if self.lines.is_empty() {
            return Err(SnapshotFault::NoLines);
        }
        if let Some(line) = self.duplicate_line() {
            return Err(SnapshotFault::DuplicateLine(line.clone()));
        }
        for line in &self.lines {
            if line.quantity == 0 {
                return Err(SnapshotFault::NoUnits(line.id.clone()));
            }
            let units: u64 = line.units.iter().map(|group| u64::from(group.units)).sum();
            if units != u64::from(line.quantity) {
                return Err(SnapshotFault::UnitsDiffer {
                    line: line.id.clone(),
                    units,
                    quantity: line.quantity,
                });
            }
        }
        let instants = [
            ("placed_at", Some(self.placed_at)),
            ("paid_at", self.paid_at),
            ("updated_at", self.updated_at),
            ("completed_at", self.completed_at),
        ];
        let deadlines = self.deadlines.iter().map(|deadline| ("deadlines", Some(deadline.at)));
        for (field, at) in instants.into_iter().chain(deadlines) {
            if let Some(at) = at.filter(|at| !(FIRST..LAST).contains(&at.timestamp())) {
                return Err(SnapshotFault::ImpossibleInstant { field, at });
            }
        }
        Ok(())
    }
}

/// 1 January 2000.
const FIRST: i64 = 946_684_800;
/// 1 January 2200.
const LAST: i64 = 7_258_118_400;
