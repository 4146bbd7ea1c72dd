//! DHL eCommerce Americas, through its API version 4: light parcels that start in the United States
//! or Canada, mostly delivered by the post office.
//!
//! # Credentials
//!
//! A client id and secret, a pickup account number, and the distribution center the carrier assigns
//! to it. Tokens are good for an hour and fetched once for all callers.
//!
//! # Limits
//!
//! One parcel, one label, one call. Package ids have at most 30 characters. Up to ten numbers of one
//! kind in an enquiry. The carrier publishes neither rates of calls nor lengths of texts: see
//! [`DEFAULT_QUOTA`] and [`DhlEcommerceConfig::with_text_length`].
//!
//! # Quirks
//!
//! - **A purchase is found again by its package id**, which names the purchase's key. What a second
//!   purchase under the same id does is not documented, so none is sent: the label is looked for.
//!   What the carrier says of a label it does not know is not documented either; the status 404 and
//!   an answer without labels count as "never sold"
//!   ([`DhlEcommerceConfig::with_absent_codes`]), any other refusal leaves it to a person.
//!   A label that appears after its purchase was found absent and sent again is given back, as far as the
//!   search by package id shows it ([`LateDuplicates`]).
//! - A label that was sold under another package id is nobody's here: the purchase is looked into.
//! - A field of another form costs only itself; a product whose price cannot be read is not offered.
//! - A label's answer has no price. Its cost is the one of the quote, whose token carries it; bought
//!   without a quote it is [unstated](crate::shipment::LabelCost::unstated).
//! - A parcel has three numbers. [`NumberOfLabel`] says which one becomes the label's.
//! - Products without a price are not offered. Names of products change; ids do not.
//! - Whether bytes are Base64 is said by the answer, not by the format. A label that cannot be read
//!   is kept as it came; its number is never lost.
//! - Only domestic labels are voided. International ones that never get on a manifest are customarily
//!   not charged.
//! - A manifest lists its parcels: an empty list would close everything that is open. It is made in
//!   the background, and one that is complete may have refused parcels:
//!   [`DhlEcommerce::close_day`] names them. Domestic and international parcels get a form each. One that
//!   is not ready in time is asked for again by the same call. Where the answer to the request itself was
//!   lost, its id is not to be had: the parcels are then refused by the next one, with a code that is
//!   not documented ([`DhlEcommerceConfig::with_closed_codes`]).
//! - Times of events come with abbreviations of zones; `LT` is local to a place nobody names.
//! - News are pushed for a whole pickup account, with user and password, and dropped after two more
//!   tries: keep asking.
//! - Customs values are given for one piece of goods each, which the reference leaves open. Military
//!   post offices and the Pacific territories want a declaration although nothing crosses a border:
//!   without one the adapter refuses, and names `customs`
//!   ([`DhlEcommerceConfig::with_customs_states`]).
//!
//! # What is not here
//!
//! Return labels, dangerous goods, duties in advance. There is no call for pickups (they are arranged
//! with the account) and none that checks an address.

mod auth;
mod calls;
mod catalogue;
mod config;
mod dialect;
mod events;
mod map;
mod push;
mod track;
mod wire;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::time::{Instant, sleep};

pub use catalogue::{
    CATALOGUE_AS_OF, EXPEDITED, EXPEDITED_MAX, GROUND, PACKET_INTERNATIONAL, PARCEL_DIRECT,
    PARCEL_EXPEDITED, PARCEL_STANDARD, VOLUMETRIC_DIVISOR, billed_pounds, catalogue,
};
pub use config::{
    DEFAULT_QUOTA, DhlEcommerceConfig, Endorsement, NumberOfLabel, PRODUCTION, SANDBOX,
};

use self::track::Kind;
use crate::carriers::asking::{Pieces, by_kind, once_more};
use crate::client::{Client, Transport, percent_encode};
use crate::error::{Error, ErrorKind, Result, Retry};
use crate::ids::{CarrierId, IdempotencyKey, TrackingNumber};
use crate::ports::{
    CarrierAdapter, CarrierLimits, IdempotencySupport, LateDuplicate, LateDuplicates, Manifest,
    ManifestRequest, Manifests, Recovery, TrackingPush, VoidLabel, VoidOutcome,
};
use crate::shipment::number::normalize;
use crate::shipment::{
    Document, Label, LabelFormat, LabelIntent, LabelRecord, LabelRequest, RateQuote, RateRequest,
    TrackOutcome, Tracked,
};

/// The carrier's id.
pub const DHL_ECOMMERCE: CarrierId = CarrierId::from_static("dhl-ecommerce");

/// Numbers in one tracking call.
const TRACK_BATCH: usize = 10;
/// Tracking calls under way at once.
const TRACK_CONCURRENCY: usize = 4;
/// Pages of one tracking call: ten numbers that were each used ten times.
const TRACK_PAGES: usize = 10;
/// A manifest of "everything open" holds the last 20,000 labels; nothing says that more fit.
const MANIFEST_SIZE: u32 = 20_000;

/// One pickup account with the carrier. Cheap to clone; clones share tokens and limits.
///
/// ```no_run
/// # fn run(transport: std::sync::Arc<dyn orderflow::client::Transport>) -> orderflow::Result<()> {
/// use orderflow::carriers::dhl::ecommerce::{DhlEcommerce, DhlEcommerceConfig, SANDBOX};
///
/// let config = DhlEcommerceConfig::new("id", "secret", "5234567", "USORD1").with_base(SANDBOX);
/// let dhl = DhlEcommerce::new(config, transport)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct DhlEcommerce {
    config: Arc<DhlEcommerceConfig>,
    client: Client,
    /// Manifests that were asked for and not seen complete, by their parcels.
    under_way: Arc<Mutex<HashMap<Vec<String>, String>>>,
}

/// A day that was closed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClosedDay {
    /// The carrier's id of the request.
    pub request_id: String,
    /// The forms: one for domestic parcels, one for international ones.
    pub documents: Vec<DayDocument>,
    /// Parcels that are on no form, and why.
    pub refused: Vec<RefusedParcel>,
}

/// A form to hand over.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DayDocument {
    /// The carrier's number of it.
    pub manifest_id: String,
    /// Whether it is for international parcels.
    pub international: bool,
    /// How many parcels are on it, if the carrier says so.
    pub parcels: Option<u32>,
    /// The form.
    pub document: Option<Document>,
}

/// A label under the id of a purchase.
struct FoundLabel {
    product: Option<String>,
    own: Option<String>,
    last_mile: Option<String>,
}

/// A parcel that a manifest refused.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RefusedParcel {
    /// The carrier's number of it.
    pub dhl_package_id: String,
    /// The carrier's code, word for word.
    pub code: Option<String>,
    /// The carrier's words.
    pub reason: String,
}

impl DhlEcommerce {
    /// Checks the configuration. Nothing is sent.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] that names the field.
    pub fn new(config: DhlEcommerceConfig, transport: Arc<dyn Transport>) -> Result<Self> {
        config.check()?;
        let config = Arc::new(config);
        let account = config.account_name.as_deref().unwrap_or("dhl-ecommerce");
        let dialect = Arc::new(dialect::EcommerceDialect);
        let mut builder = Client::builder(dialect, transport, &config.base, account)
            .token_source(Arc::new(auth::DhlTokens(Arc::clone(&config))))
            .secret(config.client_id.as_str())
            .secret(config.client_secret.as_str())
            .secret(config.pickup.as_str());
        if let Some(hook) = &config.hook {
            builder = builder.secret(hook.user.as_str()).secret(hook.password.as_str());
        }
        let client = config.calls.of(builder, &["default", "track"]).build()?;
        Ok(Self { config, client, under_way: Arc::default() })
    }

    /// Closes the day for the parcels named, waits until the forms are ready, and tells of each
    /// parcel that was refused.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when no parcel is named; [`ErrorKind::NotFound`] when a number is
    /// none of the account's; [`ErrorKind::Ambiguous`] when the forms are not ready in time, with the
    /// request's id as context `request`: go on with [`closed_day`](Self::closed_day).
    pub async fn close_day(&self, numbers: &[TrackingNumber]) -> Result<ClosedDay> {
        let ids: Vec<String> =
            self.package_ids(numbers).await?.into_iter().map(|(id, _)| id).collect();
        self.close_ids(&ids).await
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<Vec<String>, String>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn close_ids(&self, ids: &[String]) -> Result<ClosedDay> {
        let mut parcels = ids.to_vec();
        parcels.sort();
        // One that is being made would refuse to be asked for again, parcel by parcel.
        let known = self.under_way().get(&parcels).cloned();
        let request_id = if let Some(request_id) = known {
            request_id
        } else {
            let close = calls::CloseDay { config: &self.config, dhl_package_ids: ids };
            let request_id = self.client.call(&close).await?;
            self.under_way().insert(parcels.clone(), request_id.clone());
            request_id
        };
        let closed = self.closed_in_time(&request_id).await;
        // What cannot be read now may be read later; what is not there never will be.
        if closed.as_ref().map_or_else(|error| error.kind() == ErrorKind::NotFound, |_| true) {
            self.under_way().remove(&parcels);
        }
        closed
    }

    async fn closed_in_time(&self, request_id: &str) -> Result<ClosedDay> {
        let until = Instant::now().checked_add(self.config.manifest_wait);
        loop {
            match self.closed_day(request_id).await {
                Ok(Some(closed)) => return Ok(closed),
                Ok(None) => {}
                // The manifest is made, whatever becomes of a question about it.
                Err(error) if error.is_passing() => {}
                Err(error) => return Err(error.with_context("request", request_id)),
            }
            if until.is_none_or(|until| Instant::now() >= until) {
                return Err(Error::new(
                    ErrorKind::Ambiguous,
                    "the manifest is asked for and not ready yet",
                )
                .with_context("request", request_id));
            }
            sleep(self.config.manifest_poll).await;
        }
    }

    /// What became of a day that was asked to be closed; `None` while it is being worked on.
    ///
    /// # Errors
    /// As [`Client::call`](crate::client::Client::call).
    pub async fn closed_day(&self, request_id: &str) -> Result<Option<ClosedDay>> {
        self.client.call(&calls::DayState { config: &self.config, request_id }).await
    }

    /// Tells the carrier to send news of the whole pickup account to the configured hook. An
    /// account has one hook.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] when no hook is configured.
    pub async fn register_hook(&self) -> Result<()> {
        self.client.call(&calls::RegisterHook(&self.config)).await
    }

    /// The carrier's own number of each parcel, beside the number given.
    async fn package_ids(
        &self,
        numbers: &[TrackingNumber],
    ) -> Result<Vec<(String, TrackingNumber)>> {
        let mut known: HashMap<String, String> = HashMap::new();
        for kind in [Kind::LastMile, Kind::Package] {
            let others: Vec<TrackingNumber> = numbers
                .iter()
                .filter(|number| Kind::of(number.as_str()) == kind)
                .cloned()
                .collect();
            for piece in others.chunks(TRACK_BATCH) {
                for package in pages(&self.client, &self.config, kind, piece).await?.0 {
                    if let (Some(number), Some(id)) =
                        (kind.number(&package), Kind::DhlPackage.number(&package))
                    {
                        known.insert(normalize(&number), id);
                    }
                }
            }
        }
        let mut seen = HashSet::new();
        let mut ids = Vec::with_capacity(numbers.len());
        for number in numbers {
            let id = if Kind::of(number.as_str()) == Kind::DhlPackage {
                number.as_str().to_owned()
            } else {
                known.get(&normalize(number.as_str())).cloned().ok_or_else(|| {
                    Error::new(ErrorKind::NotFound, "a number is none of this account's parcels")
                        .with_field("numbers")
                        .with_context("number", number)
                })?
            };
            if seen.insert(id.clone()) {
                ids.push((id, number.clone()));
            }
        }
        Ok(ids)
    }

    async fn track_kind(&self, kind: Kind, numbers: &[TrackingNumber]) -> Result<Vec<Tracked>> {
        let pieces = Pieces { size: TRACK_BATCH, at_once: TRACK_CONCURRENCY, canonical: normalize };
        pieces
            .ask(numbers, |piece| {
                let (client, config) = (self.client.clone(), Arc::clone(&self.config));
                async move {
                    let (packages, whole) = match pages(&client, &config, kind, &piece).await {
                        Ok(answer) => answer,
                        Err(error) if error.kind() == ErrorKind::NotFound => (Vec::new(), true),
                        Err(error) => return Err(error),
                    };
                    let mut outcomes = track::outcomes(kind, packages);
                    // What is missing may be what cannot be read.
                    if !whole {
                        return Ok(outcomes);
                    }
                    // What they do not know they leave out.
                    for number in piece {
                        let asked = normalize(number.as_str());
                        if !outcomes.iter().any(|(known, _)| normalize(known) == asked) {
                            outcomes.push((number.as_str().to_owned(), TrackOutcome::NotFoundYet));
                        }
                    }
                    Ok(outcomes)
                }
            })
            .await
    }
}

/// All pages of an enquiry, and whether all of them can be read.
async fn pages(
    client: &Client,
    config: &DhlEcommerceConfig,
    kind: Kind,
    numbers: &[TrackingNumber],
) -> Result<(Vec<wire::TrackedPackage>, bool)> {
    let (mut packages, mut whole) = (Vec::new(), true);
    for page in 0..TRACK_PAGES {
        let ask = calls::TrackPage { path: &config.tracking_path, kind, numbers, page };
        let answer = client.call(&ask).await?;
        packages.extend(answer.packages);
        whole &= answer.whole;
        if !answer.more {
            break;
        }
    }
    Ok((packages, whole))
}

#[async_trait]
impl CarrierAdapter for DhlEcommerce {
    fn carrier(&self) -> CarrierId {
        DHL_ECOMMERCE
    }

    fn limits(&self) -> CarrierLimits {
        let text = u32::try_from(self.config.text_length).unwrap_or(u32::MAX);
        CarrierLimits {
            sells: true,
            idempotency: IdempotencySupport::ReferenceLookup,
            formats: vec![LabelFormat::Pdf, LabelFormat::Zpl, LabelFormat::Png],
            max_weight: Some(catalogue::MAX_WEIGHT),
            max_length_plus_girth: None,
            street_line_length: text,
            street_lines: u32::try_from(map::LINES).unwrap_or(u32::MAX),
            name_length: text,
            track_batch: u32::try_from(TRACK_BATCH).unwrap_or(u32::MAX),
            manifest_size: MANIFEST_SIZE,
            concurrent_labels: 4,
            sandbox: true,
        }
    }

    async fn rates(&self, request: &RateRequest) -> Result<Vec<RateQuote>> {
        self.client.call(&calls::Products { config: &self.config, request }).await
    }

    async fn buy_label(&self, request: &LabelRequest, key: &IdempotencyKey) -> Result<Label> {
        self.client.call(&calls::BuyLabel { config: &self.config, request, key: *key }).await
    }

    async fn recover_label(&self, intent: &LabelIntent) -> Result<Recovery> {
        let find =
            calls::FindLabel { config: &self.config, request: &intent.request, key: intent.key };
        match once_more(|| self.client.call(&find)).await {
            Ok(Some(label)) => return Ok(Recovery::Found(Box::new(label))),
            Ok(None) => {}
            Err(error) if self.means_absent(&error) => {}
            Err(error) if decides_nothing(&error) => {
                return Ok(Recovery::Unknowable {
                    reason: format!("whether the label was sold cannot be told: {error}"),
                });
            }
            Err(error) => return Err(error),
        }
        let age = self.config.calls.clock.now().signed_duration_since(intent.sent_at);
        if age < self.config.settle {
            let wait = (self.config.settle - age).to_std().unwrap_or_default();
            return Err(Error::new(
                ErrorKind::Transient,
                "the label is not found, and its purchase may still be under way",
            )
            .with_retry(Retry::After(wait)));
        }
        Ok(Recovery::Absent)
    }

    async fn track(&self, numbers: &[TrackingNumber]) -> Result<Vec<Tracked>> {
        by_kind(numbers, &Kind::ALL, Kind::of, |kind, some| async move {
            self.track_kind(kind, &some).await
        })
        .await
    }

    fn tracking_url(&self, number: &TrackingNumber) -> Option<String> {
        let page = self.config.tracking_page.as_deref()?;
        Some(format!("{page}{}", percent_encode(number.as_str())))
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

    fn push(&self) -> Option<&dyn TrackingPush> {
        self.config.hook.is_some().then_some(self as &dyn TrackingPush)
    }
}

impl DhlEcommerce {
    /// Voids by the carrier's own number. What a second void is answered is not documented: a label that
    /// is gone is void.
    async fn void_number(&self, number: &str) -> Result<()> {
        match self.client.call(&calls::VoidOne { config: &self.config, number }).await {
            Ok(()) => Ok(()),
            Err(error) if self.means_absent(&error) => Ok(()),
            Err(refused) if refused.kind() == ErrorKind::Rejected => {
                let look_up = calls::LookUp { config: &self.config, number };
                match once_more(|| self.client.call(&look_up)).await {
                    Ok(false) => Ok(()),
                    Err(error) if self.means_absent(&error) => Ok(()),
                    _ => Err(refused),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Their own "not found" has a code or words; a page of something in between has neither.
    fn means_absent(&self, error: &Error) -> bool {
        let Some(vendor) = error.vendor() else { return false };
        let is_theirs = vendor.code.is_some() || vendor.message.is_some();
        error.kind() == ErrorKind::NotFound && is_theirs
            || vendor.code.as_ref().is_some_and(|code| self.config.absent_codes.contains(code))
    }
}

/// Whether looking again gives nothing better than this answer.
fn decides_nothing(error: &Error) -> bool {
    use ErrorKind::{NotFound, Rejected, UnexpectedAnswer};
    [NotFound, Rejected, UnexpectedAnswer].contains(&error.kind())
}

#[async_trait]
impl VoidLabel for DhlEcommerce {
    async fn void_label(&self, label: &LabelRecord) -> Result<VoidOutcome> {
        if !catalogue::is_domestic(label.service.as_str()) {
            return Err(Error::unsupported(
                "the carrier voids domestic labels only; an international one is left off the manifest",
            ));
        }
        let number = label.carrier_reference.as_deref().unwrap_or(label.number.as_str());
        if Kind::of(number) == Kind::LastMile {
            // Not found would then mean a wrong number, and not a label that is gone.
            return Err(Error::invalid(
                "carrier_reference",
                "labels are voided by the carrier's own number of the parcel, which is not known",
            ));
        }
        self.void_number(number).await.map(|()| VoidOutcome::Voided)
    }
}

#[async_trait]
impl LateDuplicates for DhlEcommerce {
    /// By the package id, which both purchases share: which of two labels under one id the carrier
    /// shows is not documented, so a label that it does not show stays unknown.
    async fn give_back_duplicates(
        &self,
        intent: &LabelIntent,
        kept: &[LabelRecord],
    ) -> Result<Vec<LateDuplicate>> {
        let find = calls::FindAll { config: &self.config, key: intent.key };
        let found = match once_more(|| self.client.call(&find)).await {
            Ok(found) => found,
            Err(error) if self.means_absent(&error) || decides_nothing(&error) => Vec::new(),
            Err(error) => return Err(error),
        };
        let mut duplicates = Vec::new();
        for label in found {
            let is_kept = [&label.own, &label.last_mile].into_iter().flatten().any(|number| {
                kept.iter().any(|kept| {
                    kept.carrier_reference.as_ref() == Some(number)
                        || normalize(kept.number.as_str()) == normalize(number)
                })
            });
            if is_kept {
                continue;
            }
            let product =
                label.product.as_deref().unwrap_or(intent.request.service.service.as_str());
            let still_live = match &label.own {
                None => Some("the carrier's own number of it is not known".to_owned()),
                Some(_) if !catalogue::is_domestic(product) => {
                    Some("the carrier voids domestic labels only: leave it off the manifest".into())
                }
                Some(own) => match self.void_number(own).await {
                    Ok(()) => None,
                    Err(error) if error.is_passing() || error.is_ambiguous() => return Err(error),
                    Err(error) => Some(error.to_string()),
                },
            };
            let number = label.own.or(label.last_mile).unwrap_or_default();
            duplicates.push(LateDuplicate { number, still_live });
        }
        Ok(duplicates)
    }
}

#[async_trait]
impl Manifests for DhlEcommerce {
    async fn create_manifest(&self, request: &ManifestRequest) -> Result<Manifest> {
        let ids = self.package_ids(&request.numbers).await?;
        let only: Vec<String> = ids.iter().map(|(id, _)| id.clone()).collect();
        let closed = self.close_ids(&only).await?;
        let (before, refused): (Vec<RefusedParcel>, Vec<RefusedParcel>) =
            closed.refused.into_iter().partition(|parcel| {
                parcel.code.as_ref().is_some_and(|code| self.config.closed_codes.contains(code))
            });
        for refused in &refused {
            tracing::warn!(
                parcel = %refused.dhl_package_id,
                code = refused.code.as_deref().unwrap_or_default(),
                "the manifest refuses a parcel"
            );
        }
        let labels: Vec<TrackingNumber> = ids
            .into_iter()
            .filter(|(id, _)| !refused.iter().any(|no| no.dhl_package_id == *id))
            .map(|(_, number)| number)
            .collect();
        if labels.is_empty() {
            let first = refused.first();
            let why = first.map_or_else(String::new, |refused| format!(": {}", refused.reason));
            return Err(Error::new(
                ErrorKind::Rejected,
                format!("the manifest refuses every parcel{why}"),
            )
            .with_context("request", &closed.request_id));
        }
        let numbers: Vec<&str> = closed
            .documents
            .iter()
            .map(|form| form.manifest_id.as_str())
            .filter(|id| !id.is_empty())
            .collect();
        let number = match numbers.as_slice() {
            // Nothing was closed now.
            [] if before.len() == labels.len() => String::new(),
            [] => closed.request_id.clone(),
            numbers => numbers.join(", "),
        };
        let documents = closed.documents.into_iter().filter_map(|form| form.document).collect();
        Ok(Manifest { number, labels, documents })
    }
}
