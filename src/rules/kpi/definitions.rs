//! What each figure counts: its cohort, and what one order is to it.
//!
//! The functions of this file are the definitions. Everything else in this module only applies them
//! to many orders at once.

use std::fmt;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::ticks::Tick;

/// A fact that did not happen, or a deadline that does not exist: later than every instant.
pub(super) const NEVER: i64 = i64::MAX;

/// A figure of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum KpiId {
    /// KPI-01: shipped by `ship_by`, of the orders whose shipping is decided.
    OnTimeShipping,
    /// KPI-09: the rest of KPI-01.
    LateShipping,
    /// KPI-02: cancelled in full, whoever did it, of the paid orders.
    Cancellation,
    /// KPI-02, only what counts against the seller.
    SellerFaultCancellation,
    /// KPI-05: with a complaint or claim, of the paid orders.
    Complaint,
    /// KPI-12: with a configured defect, of the paid orders.
    OrderDefect,
    /// KPI-20: with a dispute, of the paid orders.
    Dispute,
    /// K-EXC: with an exception, of the paid orders.
    ExceptionRate,
    /// KPI-03 and KPI-04: payment to the last ship confirmation.
    HandlingTime,
    /// KPI-07: every number that is needed is on the platform, of the shipped orders.
    TrackingUpload,
    /// KPI-07, by `tracking_upload_by`.
    TrackingUploadInTime,
    /// KPI-13: without a shipping mistake, of the shipped orders.
    ProcessingAccuracy,
    /// KPI-18: what labels cost, over what the goods cost.
    LogisticsCost,
    /// KPI-06: late or missing, of the orders promised by `deliver_by`.
    DeliveryDelay,
    /// KPI-08: valid numbers with a scan, of the orders uploaded and decided.
    ValidTracking,
    /// KPI-10: acknowledged by `ack_by`, of those that need it and are decided.
    Acknowledgement,
    /// K-ACKTIME: placed to acknowledged.
    TimeToAcknowledge,
    /// KPI-11: answered by `reply_by`, of the messages that need an answer.
    ReplyRate,
    /// KPI-16: units returned, of the units delivered.
    ReturnRate,
    /// KPI-17: acceptance to delivery.
    TransitTime,
    /// KPI-17: delivered, of the parcels decided.
    SignOff,
    /// KPI-17: delivered by `deliver_by`, of the parcels decided.
    CarrierOnTime,
    /// KPI-17: lost or returned, of the parcels decided.
    ParcelLoss,
    /// K-UPLAT: ship confirmation to upload.
    UploadLatency,
    /// K-EXC: an exception opened to resolved.
    ExceptionResolution,
}

impl KpiId {
    /// Every figure, in order.
    pub const ALL: [Self; 25] = [
        Self::OnTimeShipping,
        Self::LateShipping,
        Self::Cancellation,
        Self::SellerFaultCancellation,
        Self::Complaint,
        Self::OrderDefect,
        Self::Dispute,
        Self::ExceptionRate,
        Self::HandlingTime,
        Self::TrackingUpload,
        Self::TrackingUploadInTime,
        Self::ProcessingAccuracy,
        Self::LogisticsCost,
        Self::DeliveryDelay,
        Self::ValidTracking,
        Self::Acknowledgement,
        Self::TimeToAcknowledge,
        Self::ReplyRate,
        Self::ReturnRate,
        Self::TransitTime,
        Self::SignOff,
        Self::CarrierOnTime,
        Self::ParcelLoss,
        Self::UploadLatency,
        Self::ExceptionResolution,
    ];

    /// The code of the catalogue, for example `KPI-01`. Variants of one figure share it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::OnTimeShipping => "KPI-01",
            Self::LateShipping => "KPI-09",
            Self::Cancellation | Self::SellerFaultCancellation => "KPI-02",
            Self::Complaint => "KPI-05",
            Self::OrderDefect => "KPI-12",
            Self::Dispute => "KPI-20",
            Self::ExceptionRate | Self::ExceptionResolution => "K-EXC",
            Self::HandlingTime => "KPI-03/04",
            Self::TrackingUpload | Self::TrackingUploadInTime => "KPI-07",
            Self::ProcessingAccuracy => "KPI-13",
            Self::LogisticsCost => "KPI-18",
            Self::DeliveryDelay => "KPI-06",
            Self::ValidTracking => "KPI-08",
            Self::Acknowledgement => "KPI-10",
            Self::TimeToAcknowledge => "K-ACKTIME",
            Self::ReplyRate => "KPI-11",
            Self::ReturnRate => "KPI-16",
            Self::TransitTime | Self::SignOff | Self::CarrierOnTime | Self::ParcelLoss => "KPI-17",
            Self::UploadLatency => "K-UPLAT",
        }
    }

    /// Name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OnTimeShipping => "on-time shipping rate",
            Self::LateShipping => "late shipping rate",
            Self::Cancellation => "cancellation rate",
            Self::SellerFaultCancellation => "cancellation rate by the seller's fault",
            Self::Complaint => "complaint rate",
            Self::OrderDefect => "order defect rate",
            Self::Dispute => "dispute rate",
            Self::ExceptionRate => "exception rate",
            Self::HandlingTime => "handling time",
            Self::TrackingUpload => "tracking upload rate",
            Self::TrackingUploadInTime => "tracking upload rate in time",
            Self::ProcessingAccuracy => "processing accuracy",
            Self::LogisticsCost => "logistics cost ratio",
            Self::DeliveryDelay => "delivery delay rate",
            Self::ValidTracking => "valid tracking rate",
            Self::Acknowledgement => "acknowledgement rate",
            Self::TimeToAcknowledge => "time to acknowledge",
            Self::ReplyRate => "reply rate",
            Self::ReturnRate => "return rate",
            Self::TransitTime => "transit time",
            Self::SignOff => "sign-off rate",
            Self::CarrierOnTime => "carrier on-time share",
            Self::ParcelLoss => "share of lost and returned parcels",
            Self::UploadLatency => "upload latency",
            Self::ExceptionResolution => "time to resolve exceptions",
        }
    }

    /// Whether the figure is computed from [`OrderFacts`](super::OrderFacts); the others come from
    /// the tables of parcels, messages, units and exceptions.
    #[must_use]
    pub const fn is_of_orders(self) -> bool {
        self.cohort().is_some() || matches!(self, Self::LogisticsCost)
    }

    /// Whether the figure is a duration; the others are ratios.
    #[must_use]
    pub const fn is_duration(self) -> bool {
        matches!(
            self,
            Self::HandlingTime
                | Self::TimeToAcknowledge
                | Self::TransitTime
                | Self::UploadLatency
                | Self::ExceptionResolution
        )
    }

    pub(super) const fn cohort(self) -> Option<Cohort> {
        Some(match self {
            Self::OnTimeShipping
            | Self::LateShipping
            | Self::Cancellation
            | Self::SellerFaultCancellation
            | Self::Complaint
            | Self::OrderDefect
            | Self::Dispute
            | Self::ExceptionRate => Cohort::Paid,
            Self::HandlingTime
            | Self::TrackingUpload
            | Self::TrackingUploadInTime
            | Self::ProcessingAccuracy => Cohort::ShipConfirmed,
            Self::DeliveryDelay => Cohort::DeliverBy,
            Self::ValidTracking => Cohort::Uploaded,
            Self::Acknowledgement => Cohort::Created,
            Self::TimeToAcknowledge => Cohort::Acknowledged,
            _ => return None,
        })
    }
}

impl fmt::Display for KpiId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code(), self.name())
    }
}

/// A set of figures: what is not in it costs nothing.
///
/// ```
/// use orderflow::rules::kpi::{KpiId, KpiSet};
///
/// let asked = KpiSet::of([KpiId::OnTimeShipping, KpiId::Complaint]);
/// assert!(asked.contains(KpiId::Complaint) && !asked.contains(KpiId::Dispute));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Vec<KpiId>", into = "Vec<KpiId>")]
pub struct KpiSet(u32);

impl KpiSet {
    /// Some figures.
    #[must_use]
    pub fn of(ids: impl IntoIterator<Item = KpiId>) -> Self {
        ids.into_iter().fold(Self(0), |set, id| Self(set.0 | Self::bit(id)))
    }

    /// Every figure.
    #[must_use]
    pub fn all() -> Self {
        Self::of(KpiId::ALL)
    }

    const fn bit(id: KpiId) -> u32 {
        1 << (id as u32)
    }

    /// Whether a figure is in it.
    #[must_use]
    pub const fn contains(self, id: KpiId) -> bool {
        self.0 & Self::bit(id) != 0
    }

    /// The figures in it, in order.
    pub fn iter(self) -> impl Iterator<Item = KpiId> {
        KpiId::ALL.into_iter().filter(move |id| self.contains(*id))
    }
}

impl FromIterator<KpiId> for KpiSet {
    fn from_iter<T: IntoIterator<Item = KpiId>>(ids: T) -> Self {
        Self::of(ids)
    }
}

impl From<Vec<KpiId>> for KpiSet {
    fn from(ids: Vec<KpiId>) -> Self {
        Self::of(ids)
    }
}

impl From<KpiSet> for Vec<KpiId> {
    fn from(set: KpiSet) -> Self {
        set.iter().collect()
    }
}

/// The instant of an order that must lie in the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Cohort {
    Paid,
    ShipConfirmed,
    DeliverBy,
    Uploaded,
    Created,
    Acknowledged,
}

impl Cohort {
    pub(super) const ALL: [Self; 6] = [
        Self::Paid,
        Self::ShipConfirmed,
        Self::DeliverBy,
        Self::Uploaded,
        Self::Created,
        Self::Acknowledged,
    ];
}

/// Why an order of the cohort does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ExclusionReason {
    /// The platform marks it as a test. Always excluded.
    Test,
    /// The platform stores and ships it. Always excluded.
    PlatformFulfilled,
    /// It was never paid. Always excluded; it stands where it was placed in time.
    NeverPaid,
    /// The buyer cancelled before the deadline.
    CancelledByBuyer,
    /// The platform cancelled before the deadline, not for want of shipment.
    CancelledByPlatform,
    /// The seller cancelled before the deadline; KPI-02 counts it.
    CancelledBySeller,
    /// Cancelled in full.
    Cancelled,
    /// There is no deadline to judge by.
    NoDeadline,
    /// Nothing of this kind is needed.
    NotNeeded,
    /// Its instants contradict each other: what came first would have taken a negative time.
    Contradictory,
}

impl ExclusionReason {
    /// Every reason, in order.
    pub const ALL: [Self; 10] = [
        Self::Test,
        Self::PlatformFulfilled,
        Self::NeverPaid,
        Self::CancelledByBuyer,
        Self::CancelledByPlatform,
        Self::CancelledBySeller,
        Self::Cancelled,
        Self::NoDeadline,
        Self::NotNeeded,
        Self::Contradictory,
    ];

    /// Whether no mode brings it back into the denominator.
    #[must_use]
    pub const fn is_always(self) -> bool {
        matches!(self, Self::Test | Self::PlatformFulfilled | Self::NeverPaid)
    }
}

impl fmt::Display for ExclusionReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Test => "test order",
            Self::PlatformFulfilled => "the platform ships it",
            Self::NeverPaid => "never paid",
            Self::CancelledByBuyer => "cancelled by the buyer before the deadline",
            Self::CancelledByPlatform => "cancelled by the platform before the deadline",
            Self::CancelledBySeller => "cancelled by the seller before the deadline",
            Self::Cancelled => "cancelled",
            Self::NoDeadline => "no deadline to judge by",
            Self::NotNeeded => "not needed",
            Self::Contradictory => "instants contradict each other",
        })
    }
}

/// Which orders are in the denominator.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DenominatorMode {
    /// Only those whose outcome can no longer change. The others are pending.
    #[default]
    Decided,
    /// The literal formula: every order of the cohort that is not a test, shipped by the platform
    /// or unpaid. Nothing is pending.
    AllOrders,
}

pub use crate::order::ShipTimeBasis;

/// Who cancelled an order in full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelledBy {
    /// The buyer.
    Buyer,
    /// The platform, for a reason that is not the seller's fault.
    Platform,
    /// The parcel came back or was lost.
    Undeliverable,
    /// The seller.
    Seller,
    /// The platform, because it was not acknowledged in time.
    NotAcknowledged,
    /// The platform, because it was not shipped in time.
    NotShipped,
}

impl CancelledBy {
    pub(super) const fn bits(self) -> u16 {
        match self {
            Self::Buyer => 0,
            Self::Platform => 1,
            Self::Undeliverable => 2,
            Self::Seller => 3,
            Self::NotAcknowledged => 4,
            Self::NotShipped => 5,
        }
    }

    pub(super) const fn from_bits(bits: u16) -> Self {
        match bits {
            0 => Self::Buyer,
            1 => Self::Platform,
            2 => Self::Undeliverable,
            3 => Self::Seller,
            4 => Self::NotAcknowledged,
            _ => Self::NotShipped,
        }
    }

    /// Whether it counts against the seller.
    #[must_use]
    pub const fn is_seller_fault(self) -> bool {
        self.bits() >= Self::Seller.bits()
    }

    const fn exclusion(self) -> ExclusionReason {
        match self {
            Self::Buyer => ExclusionReason::CancelledByBuyer,
            Self::Seller => ExclusionReason::CancelledBySeller,
            _ => ExclusionReason::CancelledByPlatform,
        }
    }
}

/// What may make an order defective (KPI-12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Defect {
    /// A complaint or claim.
    Complaint,
    /// A negative review.
    NegativeReview,
    /// Cancelled by the platform because it was not acknowledged.
    CancelledNotAcknowledged,
    /// Cancelled by the platform because it was not shipped.
    CancelledNotShipped,
    /// Cancelled by the seller.
    CancelledBySeller,
    /// A refund by the seller's fault.
    SellerRefund,
    /// A dispute. Not in the default.
    Dispute,
    /// A shipping mistake. Not in the default.
    ShippingMistake,
}

/// Defects that count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Vec<Defect>", into = "Vec<Defect>")]
pub struct DefectSet(u8);

impl DefectSet {
    const ALL: [Defect; 8] = [
        Defect::Complaint,
        Defect::NegativeReview,
        Defect::CancelledNotAcknowledged,
        Defect::CancelledNotShipped,
        Defect::CancelledBySeller,
        Defect::SellerRefund,
        Defect::Dispute,
        Defect::ShippingMistake,
    ];

    /// Some defects.
    #[must_use]
    pub fn of(defects: impl IntoIterator<Item = Defect>) -> Self {
        defects.into_iter().fold(Self(0), |set, defect| Self(set.0 | 1 << (defect as u8)))
    }

    /// Whether a defect counts.
    #[must_use]
    pub const fn contains(self, defect: Defect) -> bool {
        self.0 & (1 << (defect as u8)) != 0
    }
}

impl Default for DefectSet {
    /// Everything but disputes and shipping mistakes.
    fn default() -> Self {
        Self::of(Self::ALL.into_iter().take(6))
    }
}

impl From<Vec<Defect>> for DefectSet {
    fn from(defects: Vec<Defect>) -> Self {
        Self::of(defects)
    }
}

impl From<DefectSet> for Vec<Defect> {
    fn from(set: DefectSet) -> Self {
        DefectSet::ALL.into_iter().filter(|defect| set.contains(*defect)).collect()
    }
}

/// What a shop decides about its figures. What is only decided when a figure is read (the
/// [`DenominatorMode`], targets) is not here: counters serve every choice of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct KpiPolicy {
    /// Which instant counts as shipped.
    pub ship_time_basis: ShipTimeBasis,
    /// Which defects make an order defective.
    pub defects: DefectSet,
    /// How long after upload a scan may be missing before KPI-08 counts it as invalid, in hours.
    /// Default 48.
    pub scan_grace_hours: u32,
    /// After how many days on the way KPI-17 takes a parcel for decided. Default 30.
    pub parcel_decided_days: u32,
    /// How long an answer to a message may take when the message has no deadline of its own, in
    /// hours. Default 24.
    pub reply_hours: u32,
}

impl Default for KpiPolicy {
    fn default() -> Self {
        Self {
            ship_time_basis: ShipTimeBasis::default(),
            defects: DefectSet::default(),
            scan_grace_hours: 48,
            parcel_decided_days: 30,
            reply_hours: 24,
        }
    }
}

impl KpiPolicy {
    /// Chooses which instant counts as shipped.
    #[must_use]
    pub const fn with_ship_time_basis(mut self, basis: ShipTimeBasis) -> Self {
        self.ship_time_basis = basis;
        self
    }

    /// Chooses which defects count.
    #[must_use]
    pub fn with_defects(mut self, defects: impl IntoIterator<Item = Defect>) -> Self {
        self.defects = DefectSet::of(defects);
        self
    }

    /// Chooses the grace of KPI-08.
    #[must_use]
    pub const fn with_scan_grace_hours(mut self, hours: u32) -> Self {
        self.scan_grace_hours = hours;
        self
    }

    pub(super) fn scan_grace_micros(&self) -> i64 {
        micros_of(TimeDelta::hours(i64::from(self.scan_grace_hours)))
    }
}

pub(super) fn micros_of(span: TimeDelta) -> i64 {
    span.num_microseconds().unwrap_or(i64::MAX)
}

impl KpiId {
    /// Everything an order can be to this figure; its place in the list is its code.
    pub(super) const fn outcomes(self) -> &'static [Outcome] {
        use Outcome::{Excluded, Hit, Miss, Pending};
        match self {
            Self::OnTimeShipping | Self::LateShipping => &[
                Miss,
                Hit,
                Pending,
                Excluded(Why::CancelledByBuyer),
                Excluded(Why::CancelledByPlatform),
                Excluded(Why::CancelledBySeller),
                Excluded(Why::NoDeadline),
            ],
            Self::DeliveryDelay => {
                &[Miss, Hit, Pending, Excluded(Why::Cancelled), Excluded(Why::NoDeadline)]
            }
            Self::TrackingUpload => &[Miss, Hit, Pending, Excluded(Why::NotNeeded)],
            Self::TrackingUploadInTime | Self::Acknowledgement => {
                &[Miss, Hit, Pending, Excluded(Why::NotNeeded), Excluded(Why::NoDeadline)]
            }
            Self::ProcessingAccuracy | Self::ValidTracking => &[Miss, Hit, Pending],
            Self::HandlingTime => &[Miss, Pending, Excluded(Why::Contradictory)],
            Self::TimeToAcknowledge => &[Miss, Excluded(Why::Contradictory)],
            _ => &[Miss, Hit],
        }
    }

    /// The code of an outcome. An outcome that is not in the list does not occur.
    pub(super) fn code_of(self, outcome: Outcome) -> u16 {
        let place = self.outcomes().iter().position(|known| *known == outcome);
        place.and_then(|place| u16::try_from(place).ok()).unwrap_or(0)
    }
}

/// What an order of the cohort is to a ratio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// In the denominator only.
    Miss,
    /// In the numerator and the denominator.
    Hit,
    /// Not decided.
    Pending,
    /// Does not count.
    Excluded(ExclusionReason),
}

use ExclusionReason as Why;

/// Bits of the questions that decide KPI-01, and the table of their answers.
pub(super) mod shipping {
    use super::{CancelledBy, Outcome, Tick, Why};

    pub(in super::super) const BITS: u32 = 9;

    /// The answer for one combination of bits, as [`question`] makes them.
    pub(in super::super) fn outcome(bits: u16) -> Outcome {
        let is = |bit: u16| bits & (1 << bit) != 0;
        let (shipped, in_time, has_due, due) = (is(0), is(1), is(2), is(3));
        let (cancelled, cancelled_before, by) = (is(4), is(5), CancelledBy::from_bits(bits >> 6));
        if shipped {
            return match (has_due, in_time) {
                (false, _) => Outcome::Excluded(Why::NoDeadline),
                (true, true) => Outcome::Hit,
                (true, false) => Outcome::Miss,
            };
        }
        if cancelled && by == CancelledBy::NotShipped {
            return Outcome::Miss;
        }
        // Before a deadline that does not exist is still before.
        if cancelled && (cancelled_before || !has_due) {
            return Outcome::Excluded(by.exclusion());
        }
        match (has_due, due || cancelled) {
            (false, _) => Outcome::Excluded(Why::NoDeadline),
            (true, true) => Outcome::Miss,
            (true, false) => Outcome::Pending,
        }
    }

    /// By whom the order was cancelled, as the bits say.
    pub(in super::super) fn cancelled_by(bits: u16) -> Option<CancelledBy> {
        (bits & (1 << 4) != 0).then(|| CancelledBy::from_bits(bits >> 6))
    }

    /// Asks the questions: `shipped_at` is when the last unit so far left, on the chosen basis, and
    /// `whole` is 1 if it was the last active one, else 0.
    #[inline(always)]
    pub(in super::super) fn question<T: Tick>(
        shipped_at: T,
        whole: u16,
        ship_by: T,
        cancelled_at: T,
        cancelled_by: u16,
        as_of: T,
    ) -> u16 {
        (u16::from(shipped_at <= as_of) & whole)
            | u16::from(shipped_at <= ship_by) << 1
            | u16::from(ship_by != T::NEVER) << 2
            | u16::from(ship_by <= as_of) << 3
            | u16::from(cancelled_at <= as_of) << 4
            | u16::from(cancelled_at < ship_by) << 5
            | cancelled_by << 6
    }
}

/// Bits of the questions that decide KPI-06, and the table of their answers.
pub(super) mod delivery {
    use super::{Outcome, Tick, Why};

    pub(in super::super) const BITS: u32 = 4;

    pub(in super::super) fn outcome(bits: u16) -> Outcome {
        let is = |bit: u16| bits & (1 << bit) != 0;
        let (cancelled, has_due, due, late) = (is(0), is(1), is(2), is(3));
        match (cancelled, has_due, due, late) {
            (true, ..) => Outcome::Excluded(Why::Cancelled),
            (_, false, ..) => Outcome::Excluded(Why::NoDeadline),
            (_, _, false, _) => Outcome::Pending,
            (.., true) => Outcome::Hit,
            (.., false) => Outcome::Miss,
        }
    }

    #[inline(always)]
    pub(in super::super) fn question<T: Tick>(
        deliver_by: T,
        delivered_at: T,
        cancelled_at: T,
        as_of: T,
    ) -> u16 {
        u16::from(cancelled_at <= as_of)
            | u16::from(deliver_by != T::NEVER) << 1
            | u16::from(deliver_by <= as_of) << 2
            | u16::from(delivered_at > deliver_by) << 3
    }
}

/// KPI-07. `by` is the instant until which an upload counts.
#[inline(always)]
pub(super) fn tracking_upload<T: Tick>(
    fully_shipped: bool,
    needed: bool,
    uploaded_at: T,
    by: T,
) -> Outcome {
    if !needed {
        Outcome::Excluded(Why::NotNeeded)
    } else if !fully_shipped {
        Outcome::Pending
    } else if uploaded_at <= by {
        Outcome::Hit
    } else {
        Outcome::Miss
    }
}

/// KPI-07 in time: by `upload_by`, decided once uploaded or due.
#[inline(always)]
pub(super) fn tracking_upload_in_time<T: Tick>(
    fully_shipped: bool,
    needed: bool,
    uploaded_at: T,
    upload_by: T,
    as_of: T,
) -> Outcome {
    if !needed {
        Outcome::Excluded(Why::NotNeeded)
    } else if upload_by == T::NEVER {
        Outcome::Excluded(Why::NoDeadline)
    } else if !fully_shipped || (uploaded_at > as_of && upload_by > as_of) {
        Outcome::Pending
    } else if uploaded_at <= upload_by {
        Outcome::Hit
    } else {
        Outcome::Miss
    }
}

/// KPI-08. An upload at or before `overdue` has had its grace.
#[inline(always)]
pub(super) fn valid_tracking<T: Tick>(
    fully_shipped: bool,
    numbers_valid: bool,
    uploaded_at: T,
    scanned_at: T,
    overdue: T,
    as_of: T,
) -> Outcome {
    if !numbers_valid {
        Outcome::Miss
    } else if !fully_shipped {
        Outcome::Pending
    } else if scanned_at <= as_of {
        Outcome::Hit
    } else if uploaded_at <= overdue {
        Outcome::Miss
    } else {
        Outcome::Pending
    }
}

/// KPI-10.
#[inline(always)]
pub(super) fn acknowledgement<T: Tick>(
    needed: bool,
    acknowledged_at: T,
    acknowledge_by: T,
    as_of: T,
) -> Outcome {
    if !needed {
        Outcome::Excluded(Why::NotNeeded)
    } else if acknowledge_by == T::NEVER {
        Outcome::Excluded(Why::NoDeadline)
    } else if acknowledged_at > as_of && acknowledge_by > as_of {
        Outcome::Pending
    } else if acknowledged_at <= acknowledge_by {
        Outcome::Hit
    } else {
        Outcome::Miss
    }
}
