//! DHL Shipment Tracking - Unified: one API that follows parcels of every division.
//!
//! It sells nothing. [`DhlTracking`] is a carrier all the same, because following parcels is what it
//! does for an engine: it offers no service, and a purchase is
//! [unsupported](crate::ErrorKind::Unsupported), so that nothing is ever bought from it by mistake.
//!
//! # Credentials
//!
//! One key of an application. Push needs a key that was approved for it.
//!
//! # Limits
//!
//! One number in a call. A fresh key is granted one call in five seconds and 250 a day, as is widely
//! quoted ([`DEFAULT_QUOTA`]): the API is a second source, or one for push, and not for asking after
//! thousands of parcels. A subscription holds ten numbers and costs two calls.
//!
//! # Quirks
//!
//! - **One number may stand for many shipments** that have nothing to do with each other. Only exactly
//!   one that fits is an answer; otherwise the outcome is a failure that begins with "ambiguous" and
//!   names the divisions. [`Question`] narrows it down.
//! - The API has five codes for statuses. Words refine them, within bounds: nothing counts as
//!   delivered that was handed to an agent, a shop or back to the sender.
//! - The status at the top may contradict the newest event, which it repeats: events count.
//! - Times come with offset and without in one history. Streets that some divisions put in front of a
//!   city are left out.
//! - Pushed bodies are not signed: a token in a header protects the hook. Read the shipment again when
//!   it matters. Whether the handshake carries the token is not documented
//!   ([`DhlTrackingConfig::with_open_handshake`]).

mod calls;
mod config;
mod dialect;
mod push;
mod track;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;

pub use config::{DEFAULT_QUOTA, DhlTrackingConfig, PRODUCTION, TEST};

use crate::address::Country;
use crate::carriers::asking::Pieces;
use crate::client::{Client, Transport, percent_encode};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{CarrierId, IdempotencyKey, TrackingNumber};
use crate::ports::{CarrierAdapter, CarrierLimits, IdempotencySupport, Recovery, TrackingPush};
use crate::shipment::{
    Label, LabelIntent, LabelRequest, RateQuote, RateRequest, TrackOutcome, Tracked,
};

/// The carrier whose parcels are followed, where nobody says otherwise.
pub const DHL: CarrierId = CarrierId::from_static("dhl");

/// Numbers of one subscription.
const PUSH_BATCH: usize = 10;

/// One key of the API. Cheap to clone; clones share limits.
///
/// ```no_run
/// # fn run(transport: std::sync::Arc<dyn orderflow::client::Transport>) -> orderflow::Result<()> {
/// use orderflow::carriers::dhl::tracking::{DhlTracking, DhlTrackingConfig};
///
/// let config = DhlTrackingConfig::new("key").with_service("parcel-de");
/// let dhl = DhlTracking::new(config, transport)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct DhlTracking {
    config: Arc<DhlTrackingConfig>,
    client: Client,
}

/// What is known of a shipment that is asked for. The more is known, the fewer it can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Its number.
    pub number: TrackingNumber,
    /// The division that carries it, in the API's words.
    pub service: Option<String>,
    /// Where it goes.
    pub country: Option<Country>,
    /// Where it goes; for some divisions it also unlocks more of the history.
    pub postal_code: Option<String>,
}

impl Question {
    /// Asks for a number of which nothing else is known.
    #[must_use]
    pub const fn new(number: TrackingNumber) -> Self {
        Self { number, service: None, country: None, postal_code: None }
    }
}

impl DhlTracking {
    /// Checks the configuration. Nothing is sent.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] that names the field.
    pub fn new(config: DhlTrackingConfig, transport: Arc<dyn Transport>) -> Result<Self> {
        config.check()?;
        let dialect = Arc::new(dialect::TrackingDialect::new(&config)?);
        let mut builder = Client::builder(dialect, transport, &config.base, "dhl-tracking")
            .secret(config.key.as_str());
        if let Some(hook) = &config.hook {
            builder = builder.secret(hook.token.as_str());
        }
        let client = config.calls.of(builder, &["default"]).build()?;
        Ok(Self { config: Arc::new(config), client })
    }

    /// Asks for one shipment of which more is known than its number.
    ///
    /// # Errors
    /// As [`Client::call`](crate::client::Client::call); a number nobody knows is an outcome.
    pub async fn ask(&self, question: &Question) -> Result<Tracked> {
        let outcome = ask(&self.client, question).await?;
        Ok(Tracked { number: question.number.clone(), outcome })
    }
}

async fn ask(client: &Client, question: &Question) -> Result<TrackOutcome> {
    match client.call(&calls::TrackOne(question)).await {
        Ok(shipments) => Ok(track::outcome(question, shipments)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(TrackOutcome::NotFoundYet),
        Err(error) => Err(error),
    }
}

#[async_trait]
impl CarrierAdapter for DhlTracking {
    fn carrier(&self) -> CarrierId {
        self.config.carrier.clone()
    }

    /// It prints nothing and sells nothing: no formats, no labels, no manifests.
    fn limits(&self) -> CarrierLimits {
        CarrierLimits {
            sells: false,
            idempotency: IdempotencySupport::None,
            formats: Vec::new(),
            track_batch: 1,
            manifest_size: 0,
            concurrent_labels: 0,
            sandbox: true,
            ..CarrierLimits::default()
        }
    }

    /// Nothing is offered.
    async fn rates(&self, _request: &RateRequest) -> Result<Vec<RateQuote>> {
        Ok(Vec::new())
    }

    /// # Errors
    /// [`ErrorKind::Unsupported`], always.
    async fn buy_label(&self, _request: &LabelRequest, _key: &IdempotencyKey) -> Result<Label> {
        Err(Error::unsupported("this API only follows parcels")
            .with_operation("dhl-tracking", "buy_label"))
    }

    /// Nothing was ever bought here; what another adapter of the same carrier bought is not known.
    async fn recover_label(&self, _intent: &LabelIntent) -> Result<Recovery> {
        Ok(Recovery::Unknowable { reason: "this API sells nothing and finds no purchases".into() })
    }

    async fn track(&self, numbers: &[TrackingNumber]) -> Result<Vec<Tracked>> {
        // Numbers are compared as they are spelt: what differs is another question.
        let pieces = Pieces { size: 1, at_once: self.config.concurrency, canonical: str::to_owned };
        let answers = pieces
            .ask(numbers, |piece| {
                let (client, service) = (self.client.clone(), self.config.service.clone());
                async move {
                    let mut outcomes = Vec::with_capacity(piece.len());
                    for number in piece {
                        let question =
                            Question { service: service.clone(), ..Question::new(number) };
                        let outcome = ask(&client, &question).await?;
                        outcomes.push((question.number.as_str().to_owned(), outcome));
                    }
                    Ok(outcomes)
                }
            })
            .await?;
        Ok(answers)
    }

    fn tracking_url(&self, number: &TrackingNumber) -> Option<String> {
        let page = self.config.tracking_page.as_deref()?;
        Some(format!("{page}{}", percent_encode(number.as_str())))
    }

    fn push(&self) -> Option<&dyn TrackingPush> {
        self.config.hook.is_some().then_some(self as &dyn TrackingPush)
    }
}
