//! FedEx, through its REST APIs.
//!
//! # Credentials
//!
//! Key and secret of a project on the developer portal, and an account number. Tracking is granted
//! to projects of its own: many accounts have a second pair for it
//! ([`FedexConfig::with_track_credentials`]). A provider that ships for sellers logs in with the
//! seller's child key beside its own ([`Grant`]). Tokens are good for an hour and fetched once for
//! all callers; too many logins from one address are refused for about ten minutes.
//!
//! # Limits
//!
//! 1,400 calls in 10 seconds and 500,000 a day for each project; 30 numbers in one tracking call;
//! street lines of 35 characters, three of them; 150 lb. One official table says 70 lb for Ground.
//!
//! # Quirks
//!
//! - **There is no idempotency.** The transaction id is an echo. A purchase whose answer was lost
//!   is looked for by its reference, which names the purchase. A shipment that is found has no
//!   paper any more: it is cancelled, which is free until the first scan, and the answer is that
//!   buying is safe. New shipments are found with a delay that is not documented, so until
//!   [`FedexConfig::with_settling_time`] has passed since the last sending "not found" is no answer,
//!   and what appears later still is given back ([`LateDuplicates`]). Only the carrier's own code
//!   means that there is none.
//! - One quote answer holds several prices of a service in several currencies. The account's price
//!   in the configured currency counts, never the lowest of all.
//! - Each piece of a shipment repeats the price of the whole. The cost of a label is the
//!   shipment's; where it is missing, it is [unstated](crate::shipment::LabelCost::unstated).
//! - A cancellation is one only if the answer says so; its status does not.
//! - Ground to homes is another service than Ground to businesses. An address without a firm counts
//!   as a home where nobody said.
//! - A phone number is needed on labels; platforms hide those of buyers
//!   ([`FedexConfig::with_fallback_phone`]).
//! - Times come with offset, without, and at midnight for days. Numbers are used again after a
//!   while: the parcel that moved last is meant.
//! - The end of search dates is spelt in two ways by official sources
//!   ([`FedexConfig::with_reference_end_field`]).
//! - Over a border the commercial invoice is made by the carrier and comes with the label. Who pays
//!   duties decides between DAP and DDP. Tax numbers have six kinds only, so a number's own name goes
//!   along as its use.
//! - Military post offices (APO, FPO, DPO) are the post's alone, and territories are countries of their
//!   own: `PR` as a country is sold over a border, with a declaration. Whether `PR` is taken as a state of
//!   the United States is not documented, so nothing is offered to it and a purchase is refused with
//!   `address.state`.
//! - A parcel that is delivered may be told of without a scan: the delivery counts at the instant that
//!   is given for it.
//! - A field of another form costs only itself; an offer whose price cannot be read is none.
//! - What is pushed has no id: the same news may come again, late and in any order, and is folded like
//!   any other. The guide shows its signature in two spellings; both are taken.
//! - Ground is closed at the end of the day for the whole account, whatever origin a close names; Express
//!   needs no closing. After it Ground labels cannot be cancelled any more. Where a close is refused or its
//!   answer is lost, the form of each label is asked for again: labels that an earlier close took along,
//!   also that of another origin, are closed with its form, and those without a form are left out. What the
//!   carrier answers when there is nothing to close, or nothing to print again, is not documented.
//! - Express and Ground have drivers of their own, so a pickup is for one of them. Each order brings a
//!   driver, and no call lists them: the adapter remembers what it ordered for a place and day until it is
//!   dropped, and after an answer that was lost it orders none before somebody looked
//!   ([`Fedex::settle_pickup`]).
//!
//! # What is not here
//!
//! Freight, return tags, uploads of trade documents, more than 40 pieces in one shipment (the carrier
//! answers those later), and the subscriptions to push, which are made on the developer portal.

mod auth;
mod calls;
mod catalogue;
mod config;
mod customs;
mod dialect;
mod events;
mod map;
mod push;
mod ship;
mod track;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;

pub use catalogue::{
    CATALOGUE_AS_OF, CONNECT_PLUS, EXPRESS_SAVER, GROUND, GROUND_ECONOMY, HOME_DELIVERY,
    INTERNATIONAL_ECONOMY, INTERNATIONAL_PRIORITY, PRIORITY_OVERNIGHT, STANDARD_OVERNIGHT, TWO_DAY,
    catalogue,
};
pub use config::{DEFAULT_QUOTA, FedexConfig, Grant, HandOver, PRODUCTION, SANDBOX, Signature};

use crate::address::Address;
use crate::carriers::asking::{Pieces, once_more};
use crate::carriers::fitting::outside_the_states;
use crate::carriers::pickups::{Ordered, Stop};
use crate::client::{Client, Transport, percent_encode};
use crate::error::{Error, ErrorKind, Result, Retry};
use crate::ids::{CarrierId, IdempotencyKey, ServiceCode, TrackingNumber};
use crate::ports::{
    AddressCheck, CarrierAdapter, CarrierLimits, IdempotencySupport, LateDuplicate, LateDuplicates,
    Manifest, ManifestRequest, Manifests, MultiPiece, Pickup, PickupRequest, Pickups,
    Pieces as SoldPieces, PiecesIntent, PiecesRecovery, PiecesRequest, Recovery, TrackingPush,
    ValidateAddress, VoidLabel, VoidOutcome,
};
use crate::shipment::{
    Label, LabelFormat, LabelIntent, LabelRecord, LabelRequest, RateQuote, RateRequest, Tracked,
};

/// The carrier's id.
pub const FEDEX: CarrierId = CarrierId::from_static("fedex");

/// Pieces of a shipment that is answered at once.
const MAX_PIECES: u32 = 40;
/// Numbers in one tracking call.
const TRACK_BATCH: usize = 30;
/// Tracking calls under way at once.
const TRACK_CONCURRENCY: usize = 4;

/// One account with the carrier. Cheap to clone; clones share tokens and limits.
///
/// ```no_run
/// # fn run(transport: std::sync::Arc<dyn orderflow::client::Transport>) -> orderflow::Result<()> {
/// use orderflow::carriers::fedex::{Fedex, FedexConfig, SANDBOX};
///
/// let config = FedexConfig::new("key", "secret", "740561073").with_base(SANDBOX);
/// let fedex = Fedex::new(config, transport)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Fedex {
    config: Arc<FedexConfig>,
    ship: Client,
    track: Client,
    ordered: Ordered,
}

impl Fedex {
    /// Checks the configuration. Nothing is sent.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] that names the field.
    pub fn new(config: FedexConfig, transport: Arc<dyn Transport>) -> Result<Self> {
        config.check()?;
        let config = Arc::new(config);
        let client = |project: auth::Project, account: &str| {
            let tokens = auth::FedexTokens { config: Arc::clone(&config), project };
            let (transport, dialect) = (Arc::clone(&transport), Arc::new(dialect::FedexDialect));
            let mut builder = Client::builder(dialect, transport, &config.base, account)
                .token_source(Arc::new(tokens))
                .secret(config.ship.id.as_str())
                .secret(config.ship.secret.as_str())
                .secret(config.account_number.as_str());
            if let Some(track) = &config.track {
                builder = builder.secret(track.id.as_str()).secret(track.secret.as_str());
            }
            if let Grant::Provider { child_key, child_secret }
            | Grant::Parent { child_key, child_secret } = &config.grant
            {
                builder = builder.secret(child_key.as_str()).secret(child_secret.as_str());
            }
            config.calls.of(builder, &["default", "track"]).build()
        };
        let account = config.account_name.as_deref().unwrap_or("fedex");
        let ship = client(auth::Project::Ship, account)?;
        let track = match config.track {
            Some(_) => client(auth::Project::Track, &format!("{account}/track"))?,
            None => ship.clone(),
        };
        Ok(Self { config, ship, track, ordered: Ordered::default() })
    }

    /// Tells what became of a pickup whose answer was lost, after somebody looked: what was found, or that
    /// there is none and another may be ordered. Until then, every order for the place and day is refused as
    /// [`ErrorKind::Ambiguous`], for the carrier has no call that lists pickups.
    pub fn settle_pickup(&self, request: &PickupRequest, found: Option<&Pickup>) {
        self.ordered.settle(Stop::of(request, map::pickup_network(request)), found);
    }

    /// What the carrier's search says of a purchase.
    async fn look_for(&self, intent: &LabelIntent) -> Result<track::FoundPurchase> {
        let find = calls::FindPurchase { config: &self.config, intent };
        match once_more(|| self.track.call(&find)).await {
            Err(error) if error.kind() == ErrorKind::UnexpectedAnswer => {
                Ok(track::FoundPurchase::unclear(error.to_string()))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let code = error.vendor().and_then(|vendor| vendor.code.as_deref());
                if code.is_some_and(track::is_absent_code) {
                    return Ok(track::FoundPurchase::default());
                }
                Ok(track::FoundPurchase::unclear(error.to_string()))
            }
            answer => answer,
        }
    }

    /// Gives back the shipments that were found of a purchase, each by its own number, but those
    /// that are kept.
    async fn give_back(
        &self,
        found: Vec<(String, bool)>,
        kept: &[LabelRecord],
    ) -> Result<Vec<LateDuplicate>> {
        let mut answers = Vec::new();
        for (number, cancelled) in found {
            let is_kept = kept.iter().any(|label| {
                label.number.as_str() == number || label.carrier_reference.as_ref() == Some(&number)
            });
            if cancelled || is_kept {
                continue;
            }
            let watched = TrackingNumber::new(number.clone()).ok();
            let still_live = match self.cancel(&number, watched.as_ref()).await {
                Ok(()) => None,
                Err(error) if error.is_passing() || error.is_ambiguous() => return Err(error),
                Err(error) => Some(error.to_string()),
            };
            answers.push(LateDuplicate { number, still_live });
        }
        Ok(answers)
    }

    /// The labels of a day whose close was refused or had no answer that are closed all the same: by an
    /// earlier call whose answer was lost, or by that of another origin. Only a form proves it, so each label
    /// is asked about; with none closed, what became of the close is the answer.
    async fn closed_before(&self, request: &ManifestRequest, close: Error) -> Result<Manifest> {
        let mut before =
            Manifest { number: String::new(), labels: Vec::new(), documents: Vec::new() };
        for number in &request.numbers {
            let again = calls::ReprintGround { config: &self.config, request, number };
            match self.ship.call(&again).await {
                Ok(form) => {
                    if before.labels.is_empty() {
                        before.number = form.number;
                    }
                    before.labels.push(number.clone());
                    for document in form.documents {
                        if !before.documents.contains(&document) {
                            before.documents.push(document);
                        }
                    }
                }
                Err(error) if error.is_passing() || error.is_ambiguous() => {
                    return Err(if close.is_ambiguous() { close } else { error });
                }
                Err(_) => {}
            }
        }
        if before.labels.is_empty() { Err(close) } else { Ok(before) }
    }

    /// Cancels a shipment. What the cancellation of a piece whose shipment is cancelled already is
    /// answered is not documented: its own history says whether it is.
    async fn cancel(&self, number: &str, watched: Option<&TrackingNumber>) -> Result<()> {
        let cancel = calls::Cancel { config: &self.config, number };
        match once_more(|| self.ship.call(&cancel)).await {
            Err(refused) if refused.kind() == ErrorKind::Rejected => {
                let Some(watched) = watched else { return Err(refused) };
                match self.track(std::slice::from_ref(watched)).await.as_deref() {
                    Ok([tracked]) if track::is_cancelled(&tracked.outcome) => Ok(()),
                    _ => Err(refused),
                }
            }
            answer => answer,
        }
    }
}

#[async_trait]
impl CarrierAdapter for Fedex {
    fn carrier(&self) -> CarrierId {
        FEDEX
    }

    fn limits(&self) -> CarrierLimits {
        CarrierLimits {
            sells: true,
            idempotency: IdempotencySupport::ReferenceLookup,
            formats: vec![LabelFormat::Pdf, LabelFormat::Zpl, LabelFormat::Png, LabelFormat::Epl],
            max_weight: Some(catalogue::MAX_WEIGHT),
            max_length_plus_girth: None,
            street_line_length: 35,
            street_lines: 3,
            name_length: 35,
            track_batch: 30,
            manifest_size: u32::MAX,
            concurrent_labels: 8,
            sandbox: true,
        }
    }

    async fn rates(&self, request: &RateRequest) -> Result<Vec<RateQuote>> {
        let ends = [&request.sender.address, &request.recipient.address];
        if ends.into_iter().any(|end| outside_the_states(end).is_some()) {
            return Ok(Vec::new());
        }
        self.ship.call(&calls::Rates { config: &self.config, request }).await
    }

    async fn buy_label(&self, request: &LabelRequest, key: &IdempotencyKey) -> Result<Label> {
        self.ship.call(&calls::Ship { config: &self.config, request, key: *key }).await
    }

    async fn recover_label(&self, intent: &LabelIntent) -> Result<Recovery> {
        let found = self.look_for(intent).await?;
        let is_found = !found.shipments.is_empty();
        let live: Vec<String> = self
            .give_back(found.shipments, &[])
            .await?
            .into_iter()
            .filter_map(|one| Some(format!("{}: {}", one.number, one.still_live?)))
            .collect();
        if !live.is_empty() {
            let live = live.join("; ");
            return Ok(Recovery::Unknowable {
                reason: format!("what was sold exists and is not cancelled: {live}"),
            });
        }
        // What was sent once is one shipment: once that is given back there is no other to wait for.
        if is_found && found.unclear.is_none() && !intent.was_sent_again() {
            return Ok(Recovery::Absent);
        }
        let age = self.config.calls.clock.now().signed_duration_since(intent.sent_at);
        if age < self.config.settle {
            let wait = (self.config.settle - age).to_std().unwrap_or_default();
            return Err(Error::new(
                ErrorKind::Transient,
                "the shipment is not found yet; new ones are found with a delay",
            )
            .with_retry(Retry::After(wait)));
        }
        Ok(match found.unclear {
            Some(why) => Recovery::Unknowable {
                reason: format!("whether it was sold cannot be told: {why}"),
            },
            None => Recovery::Absent,
        })
    }

    async fn track(&self, numbers: &[TrackingNumber]) -> Result<Vec<Tracked>> {
        let pieces = Pieces {
            size: TRACK_BATCH,
            at_once: TRACK_CONCURRENCY,
            canonical: crate::shipment::number::normalize,
        };
        pieces
            .ask(numbers, |piece| {
                let client = self.track.clone();
                async move { client.call(&calls::TrackMany(&piece)).await }
            })
            .await
    }

    fn tracking_url(&self, number: &TrackingNumber) -> Option<String> {
        let number = percent_encode(number.as_str());
        Some(format!("https://www.fedex.com/fedextrack/?trknbr={number}"))
    }

    fn void(&self) -> Option<&dyn VoidLabel> {
        Some(self)
    }

    fn late_duplicates(&self) -> Option<&dyn LateDuplicates> {
        Some(self)
    }

    fn manifests(&self) -> Option<&dyn Manifests> {
        Some(self)
    }

    fn pickups(&self) -> Option<&dyn Pickups> {
        Some(self)
    }

    fn addresses(&self) -> Option<&dyn ValidateAddress> {
        Some(self)
    }

    fn pieces(&self) -> Option<&dyn MultiPiece> {
        Some(self)
    }

    fn push(&self) -> Option<&dyn TrackingPush> {
        self.config.push_token.as_ref().map(|_| self as &dyn TrackingPush)
    }
}

#[async_trait]
impl MultiPiece for Fedex {
    fn max_pieces(&self) -> u32 {
        MAX_PIECES
    }

    async fn buy_pieces(
        &self,
        request: &PiecesRequest,
        key: &IdempotencyKey,
    ) -> Result<SoldPieces> {
        let count = u32::try_from(request.pieces.len()).unwrap_or(u32::MAX);
        if !(1..=MAX_PIECES).contains(&count) {
            return Err(Error::invalid("pieces", format!("must be 1 to {MAX_PIECES}")));
        }
        self.ship.call(&calls::ShipPieces { config: &self.config, request, key: *key }).await
    }

    async fn recover_pieces(&self, intent: &PiecesIntent) -> Result<PiecesRecovery> {
        // Every piece carries the purchase's reference, and one cancellation cancels them all.
        Ok(match self.recover_label(&intent.as_label()).await? {
            // A purchase that is found is given back: there is no paper any more.
            Recovery::Absent | Recovery::Found(_) => PiecesRecovery::Absent,
            Recovery::Unknowable { reason } => PiecesRecovery::Unknowable { reason },
        })
    }
}

#[async_trait]
impl LateDuplicates for Fedex {
    async fn give_back_duplicates(
        &self,
        intent: &LabelIntent,
        kept: &[LabelRecord],
    ) -> Result<Vec<LateDuplicate>> {
        self.give_back(self.look_for(intent).await?.shipments, kept).await
    }
}

#[async_trait]
impl VoidLabel for Fedex {
    async fn void_label(&self, label: &LabelRecord) -> Result<VoidOutcome> {
        let number = label.carrier_reference.as_deref().unwrap_or(label.number.as_str());
        self.cancel(number, Some(&label.number)).await?;
        Ok(VoidOutcome::Voided)
    }
}

#[async_trait]
impl Manifests for Fedex {
    /// Ground is closed; Express needs no closing.
    fn covers(&self, service: &ServiceCode) -> bool {
        catalogue::is_ground(service.as_str())
    }

    async fn create_manifest(&self, request: &ManifestRequest) -> Result<Manifest> {
        match self.ship.call(&calls::CloseGround { config: &self.config, request }).await {
            Err(error) if error.kind() == ErrorKind::Rejected || error.is_ambiguous() => {
                self.closed_before(request, error).await
            }
            outcome => outcome,
        }
    }
}

#[async_trait]
impl Pickups for Fedex {
    async fn schedule_pickup(&self, request: &PickupRequest) -> Result<Pickup> {
        // What is wrong with the request is told even where a driver comes already.
        map::pickup_body(&self.config, request)?;
        let stop = Stop::of(request, map::pickup_network(request));
        let order = calls::SchedulePickup { config: &self.config, request };
        self.ordered.once(stop, self.ship.call(&order)).await
    }

    async fn cancel_pickup(&self, pickup: &Pickup) -> Result<()> {
        match self.ship.call(&calls::CancelPickup { config: &self.config, pickup }).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            outcome => outcome?,
        }
        self.ordered.cancelled(pickup);
        Ok(())
    }
}

#[async_trait]
impl ValidateAddress for Fedex {
    async fn validate(&self, address: &Address) -> Result<AddressCheck> {
        self.ship.call(&calls::CheckAddress(address)).await
    }
}
