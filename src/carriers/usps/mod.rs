//! USPS: the postal service of the United States, through its REST APIs (version 3).
//!
//! # Credentials
//!
//! | What | Where from |
//! |---|---|
//! | consumer key and secret | an app on the developer portal, approved for each API it uses |
//! | CRID, MID, manifest MID | the Business Customer Gateway; both MIDs enrolled for USPS Ship |
//! | payment account | an EPS, permit or meter account that pays for labels |
//!
//! Two tokens are kept, both good for eight hours and fetched once for all callers: OAuth for
//! every call, a payment authorization for labels. The token call grants fewer scopes without
//! saying so when the app is not approved for an API; that is a configuration error here.
//!
//! # Limits
//!
//! A new app may make 60 calls an hour in all; more on request, set with
//! [`UspsConfig::with_quota`], or with [`UspsConfig::with_api_quota`] where one API was given a limit
//! of its own. So a parcel is quoted with one call for all services, numbers are tracked 35 at a
//! time, and both tokens are cached. 70 lb and 108 in of length plus girth, 130 in for Ground
//! Advantage.
//!
//! # Other countries and customs
//!
//! - To other countries there are a counter and a quota of their own. Quotes tell no day of arrival.
//!   Labels come as PDF, ZPL or TIFF, with the customs form; two references; the size is needed.
//! - Customs wants values in USD and descriptions of at most 30 characters; nothing is cut, so
//!   longer ones are refused with `customs.items.description`. An invoice number of more than 15
//!   characters is left out. An ITN or exemption is needed:
//!   [`UspsConfig::with_export_exemption`].
//! - Duties paid by the sender are not sold: what they cost is told in a form that no specification
//!   shows.
//! - Military post offices, Guam, American Samoa, the Northern Marianas and the freely associated
//!   states have domestic prices but need a declaration, sent with the domestic label. For the
//!   Virgin Islands one is sent if there is one. Puerto Rico needs none.
//!
//! # Quirks
//!
//! - A quote's token holds mail class, processing category, rate indicator and entry facility: the
//!   label call needs all of them. Only prices for the sender's own packaging are offered; a
//!   flat-rate price is cheaper at times but only holds in that box.
//! - Labels are sold once per `X-Idempotency-Key`. A lost purchase is found by reprinting under the
//!   key, which buys nothing. A label can be reprinted three times and until its mailing date.
//! - A cancelled label is void at once before it was reported (00:30 Central after the mailing
//!   date, 15 minutes after a SCAN form); later it becomes a refund request.
//! - Postage, fees and extra services of a label are kept apart: whether the first includes the
//!   second is not documented. Quotes include fees.
//! - Tracking times are local with an offset; their GMT twin has a wrong day at times. Times
//!   without offset stay local.
//! - Since 1 April 2026 tracking is free only for parcels of one's own mailer id.
//! - A tracking number from their answer is never refused: published ones fail their check digit.
//! - A street line over 50 characters goes on in the second line, split between words. What still
//!   does not fit is an input error with an [`AddressMisfit`] as source; nothing is cut.
//! - A SCAN form is not handed out again. Labels of which the carrier says that they are on a form already
//!   count as closed, without a document; one of a form whose answer was lost stands for all of it.
//!   Parcels are accepted without a form too.
//! - Cancelling a pickup needs the entity tag of a read not older than an hour; it is read first.
//! - A pickup that exists already for the place and day is returned if this adapter ordered it;
//!   otherwise the error is [`ErrorKind::AlreadyDone`], because the carrier does not name it.
//!
//! # What is not here
//!
//! Return labels, containers, label broker, checks of foreign addresses. Subscriptions to tracking
//! are here but could not be verified: see [`UspsPush`]. Whether the test environment gives tracking
//! events is unknown.

mod abroad;
mod address;
mod auth;
mod calls;
mod catalogue;
mod config;
mod customs;
mod dialect;
mod events;
mod map;
mod multipart;
mod pickup;
mod push;
mod quota;
mod track;
mod wire;

use std::collections::HashSet;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

pub use crate::carriers::AddressMisfit;
pub use catalogue::{
    CATALOGUE_AS_OF, FIRST_CLASS_INTERNATIONAL, GROUND_ADVANTAGE, PRIORITY_MAIL,
    PRIORITY_MAIL_EXPRESS, PRIORITY_MAIL_EXPRESS_INTERNATIONAL, PRIORITY_MAIL_INTERNATIONAL,
    catalogue,
};
pub use config::{
    AccountType, DEFAULT_QUOTA, PRODUCTION, PriceType, PrinterDpi, TEST, TrackingVersion,
    UspsConfig,
};

pub use push::{PushScope, PushSigned, UspsPush};
pub use quota::Api;

use self::quota::{InternationalLimit, OfApi, OwnLimit};
use crate::address::Address;
use crate::carriers::asking::Pieces;
use crate::carriers::pickups::{Ordered, Stop};
use crate::client::{Client, Token, TokenCell, Transport, percent_encode};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{CarrierId, IdempotencyKey, TrackingNumber};
use crate::ports::{
    AddressCheck, CarrierAdapter, CarrierLimits, IdempotencySupport, Manifest, ManifestRequest,
    Manifests, Pickup, PickupRequest, Pickups, Recovery, TrackingPush, ValidateAddress, VoidLabel,
    VoidOutcome,
};
use crate::shipment::{
    Label, LabelFormat, LabelIntent, LabelRecord, LabelRequest, RateQuote, RateRequest, Tracked,
};

/// The carrier's id.
pub const USPS: CarrierId = CarrierId::from_static("usps");

/// Numbers in one tracking call (version 3.2).
const TRACK_BATCH: usize = 35;
/// Tracking calls under way at once.
const TRACK_CONCURRENCY: usize = 4;

/// Codes that mean "this service is not offered for this parcel": no error of the whole quote.
const NOT_OFFERED: [&str; 6] = ["030001", "030002", "030013", "030020", "030022", "160306"];

/// One account with the carrier. Cheap to clone; clones share tokens and limits.
///
/// ```no_run
/// # fn run(transport: std::sync::Arc<dyn orderflow::client::Transport>) -> orderflow::Result<()> {
/// use orderflow::carriers::usps::{TEST, Usps, UspsConfig};
///
/// let config = UspsConfig::new("key", "secret", "12345678", "903123456", "903123457", "1000123456");
/// let usps = Usps::new(config.with_base(TEST), transport)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Usps {
    config: Arc<UspsConfig>,
    client: Client,
    payment: TokenCell,
    ordered: Ordered,
    forms: Arc<Mutex<Forms>>,
    /// When a subscription to the mailer id was last asked for.
    subscribed_at: Arc<tokio::sync::Mutex<Option<DateTime<Utc>>>>,
}

/// Refusals that one call for a form takes, each of which names one label that is closed already. The next
/// call goes on where it ended.
const FORM_REFUSALS: usize = 20;

/// What is known of SCAN forms that the carrier does not hand out again.
#[derive(Debug, Default)]
struct Forms {
    /// Sets of labels whose form had no answer. A form takes all of its labels or none.
    lost: Vec<HashSet<TrackingNumber>>,
    /// Labels that were found to be on a form.
    closed: HashSet<TrackingNumber>,
}

impl Forms {
    fn lost(&mut self, numbers: Vec<TrackingNumber>) {
        self.lost.push(numbers.into_iter().collect());
    }

    /// One label of a lost form that is closed shows that all of it are. Of several forms that may have
    /// taken it, only what they share is sure.
    fn found_closed(&mut self, number: TrackingNumber) {
        let mut sets = self.lost.iter().filter(|set| set.contains(&number));
        let first = sets.next().into_iter().flatten();
        let others: Vec<_> = sets.collect();
        let shared: Vec<TrackingNumber> =
            first.filter(|known| others.iter().all(|set| set.contains(known))).cloned().collect();
        self.closed.extend(shared);
        self.closed.insert(number);
        let Self { lost, closed } = self;
        lost.retain(|set| !set.iter().all(|known| closed.contains(known)));
    }

    /// Takes the labels out that are closed.
    fn take_closed(&self, numbers: &mut Vec<TrackingNumber>) -> Vec<TrackingNumber> {
        let (closed, open) =
            std::mem::take(numbers).into_iter().partition(|number| self.closed.contains(number));
        *numbers = open;
        closed
    }
}

impl Usps {
    /// Checks the configuration. Nothing is sent.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] that names the field.
    pub fn new(config: UspsConfig, transport: Arc<dyn Transport>) -> Result<Self> {
        config.check()?;
        let config = Arc::new(config);
        let account = config.account_name.as_deref().unwrap_or(&config.crid);
        let mut builder =
            Client::builder(Arc::new(dialect::UspsDialect), transport, &config.base, account)
                .token_source(Arc::new(auth::UspsTokens(Arc::clone(&config))))
                .secret(config.consumer_key.as_str())
                .secret(config.consumer_secret.as_str())
                .secret(config.account_number.as_str());
        builder = config.calls.of(builder, &["default"]);
        for (api, quota) in &config.api_quotas {
            builder = builder.quota(api.as_str(), *quota);
        }
        if let Some(push) = &config.push {
            builder = builder.secret(push.secret.as_str());
        }
        Ok(Self {
            client: builder.build()?,
            config,
            payment: TokenCell::new(),
            ordered: Ordered::default(),
            forms: Arc::default(),
            subscribed_at: Arc::default(),
        })
    }

    fn forms(&self) -> MutexGuard<'_, Forms> {
        self.forms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn call<O: OfApi>(&self, operation: &O) -> Result<O::Output> {
        call(&self.client, &self.config, operation).await
    }

    /// The payment authorization, fetched once for all callers.
    async fn payment(&self) -> Result<Token> {
        let (client, config) = (self.client.clone(), Arc::clone(&self.config));
        self.payment
            .get(|| async move { call(&client, &config, &auth::AuthorizePayment(&config)).await })
            .await
    }

    /// Runs a call that carries the payment token. Which of the two tokens a refusal is about is
    /// not documented; the stack has renewed the access token by then, so the payment token is
    /// renewed once. Such a refusal says that nothing was done.
    async fn paid<T, F>(&self, call: impl Fn(Token) -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let token = self.payment().await?;
        match call(token.clone()).await {
            Err(error) if error.kind() == ErrorKind::AuthRejected => {
                self.payment.invalidate(&token);
                call(self.payment().await?).await
            }
            outcome => outcome,
        }
    }

    async fn buy(&self, request: &LabelRequest, key: &IdempotencyKey) -> Result<Label> {
        let config = &*self.config;
        // What is wrong with the input is found before a token is fetched.
        map::purchase(config, request)?;
        self.paid(|payment| async move {
            self.call(&calls::BuyLabel { config, request, key, payment: &payment }).await
        })
        .await
    }

    async fn reprint(&self, intent: &LabelIntent) -> Result<Label> {
        let (config, request, key) = (&*self.config, &intent.request, &intent.key);
        self.paid(|payment| async move {
            self.call(&calls::ReprintByKey { config, request, key, payment: &payment }).await
        })
        .await
    }
}

/// Calls under the limit of the app, or of the API where that has one of its own.
async fn call<O: OfApi>(client: &Client, config: &UspsConfig, operation: &O) -> Result<O::Output> {
    let api = operation.api();
    if !config.api_quotas.iter().any(|(known, _)| *known == api) {
        client.call(operation).await
    } else if api == O::API {
        client.call(&OwnLimit(operation)).await
    } else {
        client.call(&InternationalLimit(operation)).await
    }
}

/// A number as the carrier may spell it back.
fn canonical(number: &str) -> String {
    crate::shipment::number::without_routing(number).1
}

fn vendor_code(error: &Error) -> Option<&str> {
    error.vendor()?.code.as_deref()
}

#[async_trait]
impl CarrierAdapter for Usps {
    fn carrier(&self) -> CarrierId {
        USPS
    }

    fn limits(&self) -> CarrierLimits {
        CarrierLimits {
            sells: true,
            idempotency: IdempotencySupport::Key,
            formats: vec![LabelFormat::Pdf, LabelFormat::Zpl, LabelFormat::Png, LabelFormat::Epl],
            max_weight: Some(catalogue::MAX_WEIGHT),
            max_length_plus_girth: Some(catalogue::GROUND_GIRTH),
            street_line_length: 50,
            street_lines: 2,
            name_length: 50,
            track_batch: 35,
            manifest_size: 40_000,
            concurrent_labels: 8,
            sandbox: true,
        }
    }

    async fn rates(&self, request: &RateRequest) -> Result<Vec<RateQuote>> {
        if !abroad::is_offered(request) && !address::is_domestic(&request.recipient.address) {
            return Ok(Vec::new());
        }
        let operation = calls::ShippingOptions { config: &self.config, request };
        match self.call(&operation).await {
            Err(error) if vendor_code(&error).is_some_and(|code| NOT_OFFERED.contains(&code)) => {
                Ok(Vec::new())
            }
            outcome => outcome,
        }
    }

    async fn buy_label(&self, request: &LabelRequest, key: &IdempotencyKey) -> Result<Label> {
        self.buy(request, key).await
    }

    async fn recover_label(&self, intent: &LabelIntent) -> Result<Recovery> {
        let error = match self.reprint(intent).await {
            Ok(label) => return Ok(Recovery::Found(Box::new(label))),
            Err(error) => error,
        };
        match (error.kind(), vendor_code(&error)) {
            // Only their own word for it proves that there is no label; a bare 404 may be a proxy.
            (ErrorKind::NotFound, Some("160185" | "160378" | "160179")) => Ok(Recovery::Absent),
            // It exists but is not printed again. The same purchase under the same key gives the
            // label already made and charges nothing.
            (_, Some("160381" | "160382")) => match self.buy(&intent.request, &intent.key).await {
                Ok(label) => Ok(Recovery::Found(Box::new(label))),
                Err(refused) if refused.is_passing() || refused.is_ambiguous() => Err(refused),
                Err(refused) => Ok(Recovery::Unknowable {
                    reason: format!("it was bought but is not handed out again: {refused}"),
                }),
            },
            (ErrorKind::Rejected, _) => Ok(Recovery::Unknowable { reason: error.to_string() }),
            _ => Err(error),
        }
    }

    async fn track(&self, numbers: &[TrackingNumber]) -> Result<Vec<Tracked>> {
        let version = self.config.tracking;
        let pieces = Pieces {
            size: match version {
                TrackingVersion::V3 => 1,
                TrackingVersion::V3r2 => TRACK_BATCH,
            },
            at_once: TRACK_CONCURRENCY,
            canonical,
        };
        let usps = self;
        pieces
            .ask(numbers, |piece| {
                let usps = usps.clone();
                async move {
                    match (version, piece.as_slice()) {
                        (TrackingVersion::V3, [number]) => {
                            let outcome = usps.call(&calls::TrackOne(number)).await?;
                            Ok(vec![(number.as_str().to_owned(), outcome)])
                        }
                        _ => usps.call(&calls::TrackMany(&piece)).await,
                    }
                }
            })
            .await
    }

    fn tracking_url(&self, number: &TrackingNumber) -> Option<String> {
        let number = percent_encode(number.as_str());
        Some(format!("https://tools.usps.com/go/TrackConfirmAction?tLabels={number}"))
    }

    fn void(&self) -> Option<&dyn VoidLabel> {
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

    fn push(&self) -> Option<&dyn TrackingPush> {
        self.config.push.as_ref().map(|_| self as &dyn TrackingPush)
    }
}

#[async_trait]
impl VoidLabel for Usps {
    async fn void_label(&self, label: &LabelRecord) -> Result<VoidOutcome> {
        let outcome = self
            .paid(|payment| async move {
                self.call(&calls::CancelLabel { label, payment: &payment }).await
            })
            .await;
        match outcome {
            Err(error) if error.is_already_done() => Ok(match vendor_code(&error) {
                Some("160364") => VoidOutcome::RefundRequested { reference: None },
                _ => VoidOutcome::Voided,
            }),
            outcome => outcome,
        }
    }
}

#[async_trait]
impl Manifests for Usps {
    async fn create_manifest(&self, request: &ManifestRequest) -> Result<Manifest> {
        let mut open = request.clone();
        let mut before = Vec::new();
        let mut refusals = 0;
        loop {
            before.extend(self.forms().take_closed(&mut open.numbers));
            if open.numbers.is_empty() && !before.is_empty() {
                return Ok(Manifest {
                    number: String::new(),
                    labels: before,
                    documents: Vec::new(),
                });
            }
            match self.call(&calls::CreateScanForm(&open)).await {
                Ok(mut manifest) => {
                    manifest.labels.extend(before);
                    return Ok(manifest);
                }
                Err(error) if error.is_ambiguous() => {
                    self.forms().lost(open.numbers);
                    return Err(error);
                }
                // Only a refusal that names a label of the list leaves something to try.
                Err(refused) => {
                    let Some(closed) = map::closed_before(&refused, &open.numbers) else {
                        return Err(refused);
                    };
                    self.forms().found_closed(closed);
                    refusals += 1;
                    if refusals == FORM_REFUSALS {
                        return Err(refused);
                    }
                }
            }
        }
    }
}

#[async_trait]
impl Pickups for Usps {
    async fn schedule_pickup(&self, request: &PickupRequest) -> Result<Pickup> {
        let stop = Stop::of(request, "");
        let operation = calls::SchedulePickup { config: &self.config, request };
        match self.call(&operation).await {
            Ok(pickup) => {
                self.ordered.confirmed(stop, &pickup);
                Ok(pickup)
            }
            Err(error) if error.is_already_done() => {
                // Two orders for one place and day are told by the carrier itself.
                match self.ordered.known(&stop) {
                    Some(pickup) => Ok(self.call(&calls::GetPickup(&pickup)).await?.0),
                    None => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }

    async fn cancel_pickup(&self, pickup: &Pickup) -> Result<()> {
        let (_, etag) = self.call(&calls::GetPickup(pickup)).await?;
        self.call(&calls::CancelPickup { pickup, etag }).await?;
        self.ordered.cancelled(pickup);
        Ok(())
    }
}

#[async_trait]
impl ValidateAddress for Usps {
    async fn validate(&self, address: &Address) -> Result<AddressCheck> {
        match self.call(&calls::CheckAddress(address)).await {
            Err(error) => map::address_refused(&error).ok_or(error),
            outcome => outcome,
        }
    }
}
