//! Tracking: what carriers report, in one vocabulary.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::{CarrierId, EventId, TrackingNumber};

/// What an event means for the parcel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Milestone {
    /// Only data so far; the parcel is not with the carrier.
    PreAdvice,
    /// First physical scan.
    Accepted,
    /// Arrived at a hub.
    ArrivedHub,
    /// Left a hub, or moving.
    DepartedHub,
    /// Customs began.
    CustomsStarted,
    /// Customs ended.
    CustomsCleared,
    /// Near the buyer.
    ArrivedDestination,
    /// On the delivery round.
    OutForDelivery,
    /// Nobody there, no access, …
    AttemptFailed,
    /// Waits to be fetched.
    AvailableForPickup,
    /// Delivered.
    Delivered,
    /// On its way back.
    ReturnStarted,
    /// Back at the sender.
    Returned,
    /// Lost or destroyed.
    Lost,
    /// Something else went wrong; it may still move.
    Exception,
    /// A code this crate does not know. Kept, never an error, changes nothing.
    Other,
}

impl Milestone {
    /// Whether it proves that the carrier has or had the parcel in hand. Data, unknown codes and trouble
    /// do not.
    #[must_use]
    pub const fn is_physical(self) -> bool {
        !matches!(self, Self::PreAdvice | Self::Other | Self::Exception)
    }
}

/// Who or what caused trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasonGroup {
    /// Damaged, missorted, lost, no capacity.
    Carrier,
    /// Bad data, not ready.
    Shipper,
    /// Refused, absent, wrong address, closed.
    Consignee,
    /// Delay, papers, duties, prohibited.
    Customs,
    /// Weather and other force majeure.
    Weather,
    /// Not stated.
    Unknown,
}

/// When an event happened, as precisely as the carrier says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventTime {
    /// An instant.
    Instant(DateTime<Utc>),
    /// A local wall-clock time whose zone the carrier left out; read as UTC for ordering only.
    Local(chrono::NaiveDateTime),
    /// Only a day.
    Date(NaiveDate),
}

impl EventTime {
    /// An instant for ordering: the instant itself, a local time read as UTC, a day's beginning.
    #[must_use]
    pub fn approximate(&self) -> DateTime<Utc> {
        match self {
            Self::Instant(instant) => *instant,
            Self::Local(local) => local.and_utc(),
            Self::Date(date) => date.and_time(chrono::NaiveTime::MIN).and_utc(),
        }
    }
}

/// One event in the life of a parcel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackingEvent {
    /// When.
    pub time: EventTime,
    /// Where, in the carrier's words (city, state, country). Not the recipient's street.
    pub place: Option<String>,
    /// The carrier's code, word for word.
    pub raw_code: String,
    /// The carrier's text, word for word.
    pub raw_text: String,
    /// What it means.
    pub milestone: Milestone,
    /// Who or what caused trouble, for the events that tell of some.
    pub reason: Option<ReasonGroup>,
}

impl TrackingEvent {
    /// The same report read twice has the same id: a hash of carrier, number, time, code, place.
    #[must_use]
    pub fn id(&self, carrier: &CarrierId, number: &TrackingNumber) -> EventId {
        let time = match &self.time {
            EventTime::Instant(instant) => instant.to_rfc3339(),
            EventTime::Local(local) => local.to_string(),
            EventTime::Date(date) => date.to_string(),
        };
        EventId::of_content(&[
            carrier.as_str(),
            number.as_str(),
            &time,
            &self.raw_code,
            self.place.as_deref().unwrap_or(""),
        ])
    }
}

/// What a carrier answered about one number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tracked {
    /// The number asked for.
    pub number: TrackingNumber,
    /// What became of the question.
    pub outcome: TrackOutcome,
}

/// The outcome of asking for one number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrackOutcome {
    /// The whole history the carrier gave, in any order.
    Found {
        /// The events.
        events: Vec<TrackingEvent>,
        /// The carrier's present estimate of arrival.
        estimated_delivery: Option<NaiveDate>,
    },
    /// The carrier does not know the number (yet). Normal in the first hours.
    NotFoundYet,
    /// This one number failed; others of the same question may have worked.
    Failed {
        /// Why, redacted.
        reason: String,
        /// Whether asking again can help.
        retry: bool,
    },
}
