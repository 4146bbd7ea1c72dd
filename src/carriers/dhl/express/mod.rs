//! DHL Express, through the MyDHL API version 3.1: parcels over borders, and fast ones.
//!
//! # Credentials
//!
//! A user and a password of the API, and an account number. There are no tokens. Every call names the
//! version it was written for.
//!
//! # Limits
//!
//! 999 pieces in a shipment and 999 lines in a declaration; up to 200 numbers in an enquiry; three
//! street lines of 45 characters; hand-over at most ten days ahead. Test logins have 500 calls a day.
//!
//! # Quirks
//!
//! - **There is no idempotency.** A purchase whose answer was lost is looked for by its reference,
//!   which names the purchase. Its paper is not to be had again: [`LostWaybill`] says whether it
//!   counts as bought without anything to print, or is given up. Whether new shipments are found at
//!   once is not documented, so until [`DhlExpressConfig::with_settling_time`] has passed "not found"
//!   is no answer; several under one reference are left to a person. A shipment that shows other
//!   references is somebody else's; one that shows none is taken for what was asked for, as the official
//!   sample shows none. What appears later still, or was given up, is told of with its number
//!   ([`LateDuplicates`]).
//! - **There is no void and no end-of-day call**, so the adapter has neither ability. A waybill that is
//!   never handed over is customarily not billed: its label is never printed again, and its pickup is
//!   cancelled. The data of the manifest are sent with the purchase.
//! - A quote holds up to three prices. Only the one in the billing currency counts, and zero is none.
//!   Products that need an agreement are quoted to everybody
//!   ([`DhlExpressConfig::with_agreements`]).
//! - Labels are PDF, ZPL and EPL, never PNG. A document that cannot be read is kept as it came; the
//!   number of its shipment is never lost.
//! - All pieces come on one label unless a label for each is asked for, which
//!   [`MultiPiece`] does. A piece has a number of its own (`JD…`).
//! - Checkpoints come oldest first, in local time; their offset only for one waybill at a time
//!   ([`DhlExpressConfig::with_exact_times`]). A partial delivery is one when every piece has arrived.
//! - Firm, name and phone are required: who has no firm is one, and platforms hide phones
//!   ([`DhlExpressConfig::with_fallback_phone`]).
//! - The check of an address tells whether the carrier serves the place. It does not look at streets,
//!   and its remarks say so.
//! - Weights of declared goods are for a line, prices for a piece of goods; HS numbers of more than
//!   six digits are given as those of the country of export.
//! - Military post offices (APO, FPO, DPO) are the post's alone, and territories of the United States are
//!   countries of their own, sold over a border with a declaration. Written as a state, nothing is offered
//!   to them and a purchase is refused with `address.state`.
//! - A field of another form costs only itself; a product whose price cannot be read is not offered.
//! - Pickups are ordered without customs data, for parcels that weigh the same. Each order brings a
//!   driver, and no call lists them: the adapter remembers what it ordered for a place and day until it is
//!   dropped, and after an answer that was lost it orders none before somebody looked
//!   ([`DhlExpress::settle_pickup`]).
//!
//! # What is not here
//!
//! Landed cost, pieces added later, uploads of documents, proof of delivery, service points, breakbulk.

mod calls;
mod catalogue;
mod config;
mod customs;
mod dialect;
mod events;
mod map;
mod track;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;

pub use catalogue::{
    CATALOGUE_AS_OF, DOMESTIC, ECONOMY_SELECT, ECONOMY_SELECT_EU, HALF_PAST_TEN, NINE, NOON,
    WORLDWIDE, WORLDWIDE_DOCUMENTS, WORLDWIDE_EU, catalogue,
};
pub use config::{DEFAULT_QUOTA, DhlExpressConfig, LostWaybill, PRODUCTION, TEST};

use self::track::FoundShipment;
use crate::address::Address;
use crate::carriers::asking;
use crate::carriers::fitting::outside_the_states;
use crate::carriers::pickups::{Ordered, Stop};
use crate::client::{Client, Transport, percent_encode};
use crate::error::{Error, ErrorKind, Result, Retry};
use crate::ids::{CarrierId, IdempotencyKey, TrackingNumber};
use crate::ports::{
    AddressCheck, AddressVerdict, CarrierAdapter, CarrierLimits, IdempotencySupport, LateDuplicate,
    LateDuplicates, MultiPiece, Pickup, PickupRequest, Pickups, Pieces, PiecesIntent,
    PiecesRecovery, PiecesRequest, Recovery, ValidateAddress,
};
use crate::shipment::{
    Label, LabelFormat, LabelIntent, LabelRecord, LabelRequest, RateQuote, RateRequest,
    TrackOutcome, Tracked,
};

/// The carrier's id.
pub const DHL_EXPRESS: CarrierId = CarrierId::from_static("dhl-express");

/// Tracking calls under way at once.
const TRACK_CONCURRENCY: usize = 4;

/// One account with the carrier. Cheap to clone; clones share limits.
///
/// ```no_run
/// # fn run(transport: std::sync::Arc<dyn orderflow::client::Transport>) -> orderflow::Result<()> {
/// use orderflow::carriers::dhl::express::{DhlExpress, DhlExpressConfig, TEST};
///
/// let config = DhlExpressConfig::new("user", "password", "123456789").with_base(TEST);
/// let dhl = DhlExpress::new(config, transport)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct DhlExpress {
    config: Arc<DhlExpressConfig>,
    client: Client,
    ordered: Ordered,
}

/// What became of a lost purchase.
enum Lost {
    Found(FoundShipment),
    Absent,
    Unknowable(String),
}

impl DhlExpress {
    /// Checks the configuration. Nothing is sent.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] that names the field.
    pub fn new(config: DhlExpressConfig, transport: Arc<dyn Transport>) -> Result<Self> {
        config.check()?;
        let config = Arc::new(config);
        let account = config.account_name.as_deref().unwrap_or("dhl-express");
        let dialect = Arc::new(dialect::ExpressDialect::new(&config)?);
        let mut builder = Client::builder(dialect, transport, &config.base, account)
            .secret(config.user.as_str())
            .secret(config.password.as_str())
            .secret(config.account_number.as_str());
        if let Some(duties) = &config.duties_account {
            builder = builder.secret(duties.as_str());
        }
        let client = config.calls.of(builder, &["default", "track"]).build()?;
        Ok(Self { config, client, ordered: Ordered::default() })
    }

    /// Tells what became of a pickup whose answer was lost, after somebody looked: what was found, or that
    /// there is none and another may be ordered. Until then, every order for the place and day is refused as
    /// [`ErrorKind::Ambiguous`], for the carrier has no call that lists pickups.
    pub fn settle_pickup(&self, request: &PickupRequest, found: Option<&Pickup>) {
        self.ordered.settle(Stop::of(request, ""), found);
    }

    async fn look_for(&self, intent: &LabelIntent) -> Result<Lost> {
        let find = calls::FindPurchase { config: &self.config, intent };
        let age = self.config.calls.clock.now().signed_duration_since(intent.sent_at);
        let settled = age >= self.config.settle;
        let mut unclear = None;
        let mut found = match self.client.call(&find).await {
            Ok(Ok(found)) => found,
            Ok(Err(why)) => {
                unclear = Some(why);
                Vec::new()
            }
            // Their own "no data" has words; a page of something in between has none.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                if error.vendor().is_none_or(|vendor| vendor.message.is_none()) {
                    unclear = Some(error.to_string());
                }
                Vec::new()
            }
            Err(error) => return Err(error),
        };
        // What was sent again may still be on its way into the search.
        let is_whole = settled || !intent.was_sent_again();
        if self.config.lost == LostWaybill::GiveUp && !found.is_empty() && is_whole {
            // A waybill that was given up keeps its reference: later there may be several.
            for one in &found {
                tracing::warn!(waybill = %one.number, "a lost waybill is given up");
            }
            return Ok(Lost::Absent);
        }
        if self.config.lost == LostWaybill::GiveUp {
            found.clear();
        }
        if found.len() > 1 {
            let numbers: Vec<&str> = found.iter().map(|one| one.number.as_str()).collect();
            return Ok(Lost::Unknowable(format!(
                "several shipments have this reference: {}",
                numbers.join(", ")
            )));
        }
        if let Some(found) = found.pop() {
            return Ok(Lost::Found(found));
        }
        if !settled {
            let wait = (self.config.settle - age).to_std().unwrap_or_default();
            return Err(Error::new(
                ErrorKind::Transient,
                "the shipment is not found yet; new ones may be found with a delay",
            )
            .with_retry(Retry::After(wait)));
        }
        Ok(match unclear {
            Some(why) => Lost::Unknowable(format!("whether it was sold cannot be told: {why}")),
            None => Lost::Absent,
        })
    }

    async fn track_kind(&self, pieces: bool, numbers: &[TrackingNumber]) -> Result<Vec<Tracked>> {
        // Offsets are told for one shipment at a time, and not for pieces.
        let one_by_one = self.config.exact_times && !pieces;
        let asking = asking::Pieces {
            size: if one_by_one { 1 } else { self.config.track_batch },
            at_once: TRACK_CONCURRENCY,
            canonical: crate::shipment::number::normalize,
        };
        asking
            .ask(numbers, |piece| {
                let client = self.client.clone();
                async move {
                    let answer = match piece.as_slice() {
                        [only] if one_by_one => client.call(&calls::TrackOne(only)).await,
                        many => client.call(&calls::TrackMany(many)).await,
                    };
                    match answer {
                        // Nobody's number: normal before the first scan.
                        Err(error) if error.kind() == ErrorKind::NotFound => Ok(piece
                            .iter()
                            .map(|number| (number.as_str().to_owned(), TrackOutcome::NotFoundYet))
                            .collect()),
                        answer => answer,
                    }
                }
            })
            .await
    }
}

#[async_trait]
impl CarrierAdapter for DhlExpress {
    fn carrier(&self) -> CarrierId {
        DHL_EXPRESS
    }

    fn limits(&self) -> CarrierLimits {
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        CarrierLimits {
            sells: true,
            idempotency: IdempotencySupport::ReferenceLookup,
            formats: vec![LabelFormat::Pdf, LabelFormat::Zpl, LabelFormat::Epl],
            max_weight: Some(map::HEAVIEST),
            max_length_plus_girth: None,
            street_line_length: count(map::LINE_LENGTH),
            street_lines: count(map::LINES),
            name_length: count(map::COMPANY_LENGTH),
            track_batch: count(self.config.track_batch),
            manifest_size: 0,
            concurrent_labels: 4,
            sandbox: true,
        }
    }

    async fn rates(&self, request: &RateRequest) -> Result<Vec<RateQuote>> {
        let ends = [&request.sender.address, &request.recipient.address];
        if ends.into_iter().any(|end| outside_the_states(end).is_some()) {
            return Ok(Vec::new());
        }
        self.client.call(&calls::Rates { config: &self.config, request }).await
    }

    async fn buy_label(&self, request: &LabelRequest, key: &IdempotencyKey) -> Result<Label> {
        self.client.call(&calls::Ship { config: &self.config, request, key: *key }).await
    }

    async fn recover_label(&self, intent: &LabelIntent) -> Result<Recovery> {
        match self.look_for(intent).await? {
            Lost::Found(found) => {
                let LabelIntent { request, key, .. } = intent;
                let label = map::found_label(&self.config, request, *key, found.number)?;
                Ok(Recovery::Found(Box::new(label)))
            }
            Lost::Absent => Ok(Recovery::Absent),
            Lost::Unknowable(reason) => Ok(Recovery::Unknowable { reason }),
        }
    }

    async fn track(&self, numbers: &[TrackingNumber]) -> Result<Vec<Tracked>> {
        asking::by_kind(numbers, &[false, true], track::is_piece, |pieces, some| async move {
            self.track_kind(pieces, &some).await
        })
        .await
    }

    fn tracking_url(&self, number: &TrackingNumber) -> Option<String> {
        let page = self.config.tracking_page.as_deref()?;
        Some(format!("{page}{}", percent_encode(number.as_str())))
    }

    fn late_duplicates(&self) -> Option<&dyn LateDuplicates> {
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
}

#[async_trait]
impl LateDuplicates for DhlExpress {
    /// There is no void, so a duplicate is told of and never given back.
    async fn give_back_duplicates(
        &self,
        intent: &LabelIntent,
        kept: &[LabelRecord],
    ) -> Result<Vec<LateDuplicate>> {
        let find = calls::FindPurchase { config: &self.config, intent };
        let found = match self.client.call(&find).await {
            Ok(found) => found.unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        Ok(found
            .into_iter()
            .filter(|one| {
                !kept.iter().any(|label| {
                    label.number.as_str() == one.number
                        || label.carrier_reference.as_ref() == Some(&one.number)
                })
            })
            .map(|one| LateDuplicate {
                number: one.number,
                still_live: Some(
                    "the carrier has no void: never hand it over, and ask for the money if it is \
                     billed"
                        .to_owned(),
                ),
            })
            .collect())
    }
}

#[async_trait]
impl MultiPiece for DhlExpress {
    fn max_pieces(&self) -> u32 {
        u32::try_from(map::MOST).unwrap_or(u32::MAX)
    }

    async fn buy_pieces(&self, request: &PiecesRequest, key: &IdempotencyKey) -> Result<Pieces> {
        self.client.call(&calls::ShipPieces { config: &self.config, request, key: *key }).await
    }

    async fn recover_pieces(&self, intent: &PiecesIntent) -> Result<PiecesRecovery> {
        let PiecesIntent { request, key, .. } = intent;
        match self.look_for(&intent.as_label()).await? {
            Lost::Found(found) if found.pieces.len() == request.pieces.len() => {
                let pieces =
                    map::found_pieces(&self.config, request, *key, &found.number, &found.pieces)?;
                Ok(PiecesRecovery::Found(Box::new(pieces)))
            }
            Lost::Found(found) => Ok(PiecesRecovery::Unknowable {
                reason: format!(
                    "shipment {} exists, with {} pieces known of {}",
                    found.number,
                    found.pieces.len(),
                    request.pieces.len()
                ),
            }),
            Lost::Absent => Ok(PiecesRecovery::Absent),
            Lost::Unknowable(reason) => Ok(PiecesRecovery::Unknowable { reason }),
        }
    }
}

#[async_trait]
impl Pickups for DhlExpress {
    async fn schedule_pickup(&self, request: &PickupRequest) -> Result<Pickup> {
        // What is wrong with the request is told even where a driver comes already.
        map::pickup_body(&self.config, request)?;
        let order = calls::SchedulePickup { config: &self.config, request };
        self.ordered.once(Stop::of(request, ""), self.client.call(&order)).await
    }

    async fn cancel_pickup(&self, pickup: &Pickup) -> Result<()> {
        for number in map::pickup_numbers(pickup) {
            match self.client.call(&calls::CancelPickup { config: &self.config, number }).await {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                outcome => outcome?,
            }
        }
        self.ordered.cancelled(pickup);
        Ok(())
    }
}

#[async_trait]
impl ValidateAddress for DhlExpress {
    /// Whether the carrier serves the place: `Deliverable` says nothing about the street.
    async fn validate(&self, address: &Address) -> Result<AddressCheck> {
        match self.client.call(&calls::CheckPlace(address)).await {
            Err(error)
                if error.kind() == ErrorKind::NotFound || dialect::is_place_unknown(&error) =>
            {
                let words = error.vendor().and_then(|vendor| vendor.message.clone());
                Ok(AddressCheck {
                    verdict: AddressVerdict::Undeliverable,
                    standardized: None,
                    residential: None,
                    remarks: words.into_iter().collect(),
                })
            }
            outcome => outcome,
        }
    }
}
