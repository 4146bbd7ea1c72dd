//! What a carrier adapter does.

use std::fmt::Debug;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde::{Deserialize, Serialize};

use super::marketplace::WebhookRequest;
use crate::address::{Address, Contact};
use crate::error::Result;
use crate::ids::{CarrierId, IdempotencyKey, ServiceCode, TrackingNumber};
use crate::money::Money;
use crate::personal::Personal;
use crate::shipment::{
    Document, Label, LabelFormat, LabelIntent, LabelRecord, LabelRequest, RateQuote, RateRequest,
    ServiceKey, Tracked,
};
use crate::units::{Dimensions, Grams, Millimetres};

/// A carrier, seen through one account.
#[async_trait]
pub trait CarrierAdapter: Debug + Send + Sync + 'static {
    /// Which carrier this is.
    fn carrier(&self) -> CarrierId;

    /// What the carrier can and cannot do. Asked before acting.
    fn limits(&self) -> CarrierLimits;

    /// What the carrier offers for a parcel. A service that is not offered is not in the answer;
    /// that is no error.
    async fn rates(&self, request: &RateRequest) -> Result<Vec<RateQuote>>;

    /// Buys a label. The key is stored by the caller before this is called; where the carrier
    /// knows keys, the same key with the same request returns the label already bought.
    ///
    /// A lost answer is [`Ambiguous`](crate::ErrorKind::Ambiguous): go on with
    /// [`recover_label`](Self::recover_label), never by buying again.
    async fn buy_label(&self, request: &LabelRequest, key: &IdempotencyKey) -> Result<Label>;

    /// Finds out what became of a purchase whose answer was lost. Only the vendor's documented
    /// answer that there is none means [`Absent`](Recovery::Absent); a new shipment that may still
    /// be on its way into the vendor's search is waited for from [`LabelIntent::sent_at`] on.
    async fn recover_label(&self, intent: &LabelIntent) -> Result<Recovery>;

    /// Asks for numbers, as many at once as the caller likes: one outcome per number, in order.
    async fn track(&self, numbers: &[TrackingNumber]) -> Result<Vec<Tracked>>;

    /// A public page that shows where a parcel is.
    fn tracking_url(&self, number: &TrackingNumber) -> Option<String>;

    /// Voiding labels.
    fn void(&self) -> Option<&dyn VoidLabel> {
        None
    }

    /// Shipments of a purchase that appear after it was found absent.
    fn late_duplicates(&self) -> Option<&dyn LateDuplicates> {
        None
    }

    /// End-of-day manifests.
    fn manifests(&self) -> Option<&dyn Manifests> {
        None
    }

    /// Pickups.
    fn pickups(&self) -> Option<&dyn Pickups> {
        None
    }

    /// Checking addresses.
    fn addresses(&self) -> Option<&dyn ValidateAddress> {
        None
    }

    /// Several parcels as one shipment.
    fn pieces(&self) -> Option<&dyn MultiPiece> {
        None
    }

    /// News of parcels that the carrier sends by itself.
    fn push(&self) -> Option<&dyn TrackingPush> {
        None
    }
}

/// What became of a purchase whose answer was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recovery {
    /// It was bought; here it is.
    Found(Box<Label>),
    /// It was surely not bought, or was found and given back. Buying is safe.
    Absent,
    /// The carrier cannot tell. A person must look; nothing is bought.
    Unknowable {
        /// Why it cannot be told.
        reason: String,
    },
}

/// What a carrier can and cannot do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CarrierLimits {
    /// Whether it sells labels at all. One that only follows parcels offers nothing, and refuses a
    /// purchase as [`Unsupported`](crate::ErrorKind::Unsupported).
    pub sells: bool,
    /// How a lost purchase is found again.
    pub idempotency: IdempotencySupport,
    /// Formats it prints labels in, best first; none where it sells none.
    pub formats: Vec<LabelFormat>,
    /// Largest weight of a parcel.
    pub max_weight: Option<Grams>,
    /// Largest length plus girth.
    pub max_length_plus_girth: Option<Millimetres>,
    /// Longest street line, in characters.
    pub street_line_length: u32,
    /// Street lines there are.
    pub street_lines: u32,
    /// Longest name, in characters.
    pub name_length: u32,
    /// Numbers asked for in one call.
    pub track_batch: u32,
    /// Labels on one manifest.
    pub manifest_size: u32,
    /// Label calls worth having under way at once; 0 where it sells none.
    pub concurrent_labels: u32,
    /// There is a test environment.
    pub sandbox: bool,
}

impl Default for CarrierLimits {
    fn default() -> Self {
        Self {
            sells: true,
            idempotency: IdempotencySupport::None,
            formats: vec![LabelFormat::Pdf],
            max_weight: None,
            max_length_plus_girth: None,
            street_line_length: 35,
            street_lines: 2,
            name_length: 35,
            track_batch: 1,
            manifest_size: 1_000,
            concurrent_labels: 8,
            sandbox: false,
        }
    }
}

/// How a lost purchase is found again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdempotencySupport {
    /// The carrier knows keys.
    Key,
    /// The carrier finds shipments by a reference of ours.
    ReferenceLookup,
    /// It cannot be found: a person must look.
    None,
}

/// Voiding labels.
#[async_trait]
pub trait VoidLabel: Send + Sync {
    /// Gives a label back. A label that is void already is success.
    async fn void_label(&self, label: &LabelRecord) -> Result<VoidOutcome>;
}

/// What became of a void.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VoidOutcome {
    /// The label is void.
    Voided,
    /// A refund was asked for; the label is still live.
    RefundRequested {
        /// The carrier's id of the claim.
        reference: Option<String>,
    },
}

/// Shipments that appear after their purchase was found absent and sent again. For carriers that do
/// not know keys and show new shipments with a delay.
#[async_trait]
pub trait LateDuplicates: Send + Sync {
    /// Looks for every shipment of a purchase and gives back those that are not `kept`. Shipments
    /// that are given back already are not in the answer.
    async fn give_back_duplicates(
        &self,
        intent: &LabelIntent,
        kept: &[LabelRecord],
    ) -> Result<Vec<LateDuplicate>>;
}

/// A shipment nobody wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LateDuplicate {
    /// The carrier's number of it.
    pub number: String,
    /// Why it is still live; `None` when it was given back.
    pub still_live: Option<String>,
}

/// End-of-day manifests.
#[async_trait]
pub trait Manifests: Send + Sync {
    /// Whether labels of a service belong on a manifest: some carriers close one network and not the
    /// other. Default: all of them do.
    fn covers(&self, _service: &ServiceCode) -> bool {
        true
    }

    /// Closes a set of labels for hand-over.
    ///
    /// A lost answer is [`Ambiguous`](crate::ErrorKind::Ambiguous), and the same call is the way on: labels
    /// that are closed already are no failure. They are among [`Manifest::labels`], with their form where
    /// the carrier hands it out again.
    async fn create_manifest(&self, request: &ManifestRequest) -> Result<Manifest>;
}

/// A set of labels to close.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestRequest {
    /// Where the parcels leave from.
    pub sender: Contact,
    /// The day on the labels.
    pub mailing_date: NaiveDate,
    /// Which labels; all of one day, origin and account.
    pub numbers: Vec<TrackingNumber>,
}

/// A closed set of labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The carrier's number of it. Empty where all labels were closed before and it does not say under
    /// which.
    pub number: String,
    /// Which labels are closed: those on it, and those asked for that had been closed before.
    pub labels: Vec<TrackingNumber>,
    /// The forms to hand over: one, or several where a carrier parts its parcels, for example by
    /// whether they leave the country. Empty where it gives none, or none again.
    pub documents: Vec<Document>,
}

/// Pickups.
#[async_trait]
pub trait Pickups: Send + Sync {
    /// Orders a driver. A pickup already ordered for the same place and day is returned, as far as the
    /// carrier or the adapter, while it lives, remembers it: carriers know no keys for pickups, so what
    /// must survive a restart is kept by the caller.
    ///
    /// A lost answer is [`Ambiguous`](crate::ErrorKind::Ambiguous). The next call for the place and day
    /// orders nothing where the carrier cannot be asked: it is `Ambiguous` too, until somebody looked.
    async fn schedule_pickup(&self, request: &PickupRequest) -> Result<Pickup>;

    /// Cancels it.
    async fn cancel_pickup(&self, pickup: &Pickup) -> Result<()>;
}

/// A driver to order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PickupRequest {
    /// Where.
    pub place: Contact,
    /// On which local day.
    pub date: NaiveDate,
    /// Between which local times, where the carrier lets one choose.
    pub window: Option<(NaiveTime, NaiveTime)>,
    /// How many parcels, by service.
    pub parcels: Vec<(ServiceKey, u32)>,
    /// How heavy in all.
    pub weight: Grams,
    /// Where exactly, in the carrier's words.
    pub location: Option<String>,
    /// For the driver.
    pub instructions: Option<String>,
}

/// A driver ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pickup {
    /// The carrier's confirmation.
    pub confirmation: String,
    /// On which local day.
    pub date: NaiveDate,
    /// What it costs, if anything.
    pub cost: Option<Money>,
    /// What the carrier wants to hear again when it is cancelled. Opaque.
    #[serde(default)]
    pub reference: Option<String>,
}

/// Checking addresses.
#[async_trait]
pub trait ValidateAddress: Send + Sync {
    /// What the carrier thinks of an address.
    async fn validate(&self, address: &Address) -> Result<AddressCheck>;
}

/// Several parcels of one sender to one recipient as one shipment: often cheaper, and cleared at a
/// border together.
#[async_trait]
pub trait MultiPiece: Send + Sync {
    /// Most parcels of one shipment in one call.
    fn max_pieces(&self) -> u32;

    /// Buys one label for each piece, in the order given. The key is stored by the caller before this
    /// is called.
    ///
    /// A lost answer is [`Ambiguous`](crate::ErrorKind::Ambiguous): go on with
    /// [`recover_pieces`](Self::recover_pieces), never by buying again.
    async fn buy_pieces(&self, request: &PiecesRequest, key: &IdempotencyKey) -> Result<Pieces>;

    /// Finds out what became of a purchase whose answer was lost. Everything
    /// [`recover_label`](CarrierAdapter::recover_label) promises holds here too: what was sent again
    /// may be several shipments, and each of them may still be on its way into the vendor's search.
    async fn recover_pieces(&self, intent: &PiecesIntent) -> Result<PiecesRecovery>;
}

/// What a carrier is asked to sell for several parcels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PiecesRequest {
    /// Everything the pieces share, customs included. Its weight, size and references are not used;
    /// its value is that of the whole shipment.
    pub shipment: LabelRequest,
    /// The pieces, at least one.
    pub pieces: Vec<Piece>,
}

/// A purchase of several pieces that was intended: what is needed to find out what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PiecesIntent {
    /// The key it was sent under.
    pub key: IdempotencyKey,
    /// What was asked for.
    pub request: PiecesRequest,
    /// When the intent was written down.
    pub created_at: DateTime<Utc>,
    /// When it was last sent. Whatever shows a new shipment with a delay is given that delay from
    /// here.
    pub sent_at: DateTime<Utc>,
}

impl PiecesIntent {
    /// The same purchase as one of a single label: what looks for shipments by the key, as
    /// [`LateDuplicates`] does, finds those of several pieces with it.
    #[must_use]
    pub fn as_label(&self) -> LabelIntent {
        let Self { key, request, created_at, sent_at } = self;
        LabelIntent {
            key: *key,
            request: request.shipment.clone(),
            created_at: *created_at,
            sent_at: *sent_at,
        }
    }
}

/// One of several parcels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// How heavy, packaging included.
    pub weight: Grams,
    /// How big.
    pub dimensions: Option<Dimensions>,
    /// References printed on its label or stored with it, the package id first.
    pub references: Vec<String>,
}

/// Several labels that were bought as one shipment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pieces {
    /// The number of the shipment; voiding it voids every piece.
    pub number: TrackingNumber,
    /// One label for each piece, in the order of the request. What the shipment costs stands on the
    /// first; the others have [`LabelCost::unstated`](crate::shipment::LabelCost::unstated).
    pub labels: Vec<Label>,
    /// Documents of the whole shipment, for example a commercial invoice.
    pub documents: Vec<Document>,
}

/// What became of a purchase of several pieces whose answer was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PiecesRecovery {
    /// It was bought; here it is.
    Found(Box<Pieces>),
    /// It was surely not bought, or was found and given back. Buying is safe.
    Absent,
    /// The carrier cannot tell. A person must look; nothing is bought.
    Unknowable {
        /// Why it cannot be told.
        reason: String,
    },
}

/// News of parcels that a carrier sends by itself. Polling goes on beside it, more slowly.
#[async_trait]
pub trait TrackingPush: Send + Sync {
    /// Checks what a carrier sent and reads it. Pure.
    ///
    /// # Errors
    /// [`AuthRejected`](crate::ErrorKind::AuthRejected) when the signature or secret does not fit,
    /// [`UnexpectedAnswer`](crate::ErrorKind::UnexpectedAnswer) when the body is not readable.
    fn receive(&self, request: &WebhookRequest<'_>, now: DateTime<Utc>) -> Result<PushNotice>;

    /// Asks the carrier to send news of parcels: one outcome for each number, in order. Where a
    /// carrier sends news of a whole account, numbers are not asked about and all outcomes are good.
    async fn subscribe(&self, numbers: &[TrackingNumber]) -> Result<Vec<Result<()>>>;

    /// Answers a carrier that asked whether the hook is ours.
    async fn confirm(&self, handshake: &Handshake) -> Result<()>;
}

/// What a carrier sent by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushNotice {
    /// News of parcels. The same news may come again, and late.
    Tracking(Vec<Tracked>),
    /// The carrier asks whether the hook is ours: see [`TrackingPush::confirm`].
    Handshake(Handshake),
    /// A word about the subscription itself, with the carrier's words.
    Subscription {
        /// Whether it works from now on.
        active: bool,
        /// In the carrier's words.
        detail: String,
    },
}

/// A question whether a hook is ours.
#[derive(Clone, PartialEq, Eq)]
pub struct Handshake {
    /// The carrier's id of the subscription.
    pub subscription: String,
    /// What to show it.
    pub secret: Personal<String>,
    /// What the HTTP answer must contain, where the carrier wants an echo.
    pub echo: Option<String>,
}

impl Debug for Handshake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handshake")
            .field("subscription", &self.subscription)
            .finish_non_exhaustive()
    }
}

/// What a carrier thinks of an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressCheck {
    /// The verdict.
    pub verdict: AddressVerdict,
    /// The address as the carrier writes it.
    pub standardized: Option<Address>,
    /// Home (`Some(true)`) or business; only a hint.
    pub residential: Option<bool>,
    /// The carrier's remarks.
    pub remarks: Vec<String>,
}

/// Whether a parcel would arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AddressVerdict {
    /// Yes.
    Deliverable,
    /// The building is right, the apartment or suite is missing or wrong.
    UnitMissing,
    /// Several addresses fit.
    Ambiguous,
    /// No.
    Undeliverable,
}
