//! Mercado Libre: the local sites of Brazil, Mexico, Argentina, Chile and Colombia (others by their
//! code), and Global Selling.
//!
//! The unit of work is the pack with its one shipment: an order's id here is the pack's id, or the
//! order's own where there is no pack. Reads take both, and `shipments/<id>`, by which notifications of
//! parcels are read. Line ids are `<order>-<item>[-<variation>]`.
//!
//! # Credentials
//! The application's client id and secret, the seller's user id, and a refresh token from the
//! seller's sign-in ([`MercadoLibre::authorize`] takes its code). Each refresh token is good once:
//! the next one is stored before the access token that came with it is used, and one refresh runs at
//! a time. Two processes of one shop share the store: the loser of a race gets `invalid_grant`, finds
//! there what the winner was given, and goes on with that. There is no test environment; test users
//! trade among themselves.
//!
//! # Limits
//! Searches reach 12 months back, 50 orders a page. Counted per application and endpoint, and here
//! per shop: several shops of one application share its limits by taking their parts of them
//! ([`MercadoLibreConfig::with_quota`]). See [`quota`]. Nothing takes an idempotency key: after a lost answer the adapter reads what happened
//! and says what it found. Stock by user product: 100 calls a minute. Labels: 50 shipments a call.
//!
//! # Quirks
//! - An account sells and buys. An order that names another seller is no sale of the shop's: read by its
//!   id it is [`NotFound`](crate::ErrorKind::NotFound), in a list it cannot be read. Global Selling is
//!   not checked: its sellers have another id on every site.
//! - A token whose lifetime is missing or no number is used for five minutes and renewed then.
//! - A search by the seller never shows cancelled orders, and a parcel that moves does not touch its
//!   order: [`PlatformLimits`] says both, so that open orders are read again one by one.
//! - Each order of a list takes calls of its own. One that fails for now costs only its order, which is
//!   [asked for again](crate::ports::Unreadable::is_passing); where all of a page fail, so does the page.
//! - Only `me1` and `custom` shipments are told of tracking numbers. For Mercado Envíos
//!   ([`LogisticsMode::PlatformLabel`]) there is nothing to upload, and trying to is
//!   [`Unsupported`](crate::ErrorKind::Unsupported).
//! - Orders tagged `fraud_risk_detected` are held; paid orders tagged `unfulfilled` count as
//!   cancelled. Neither can be labelled or confirmed.
//! - A cancelled shipment does not cancel its order: unless buyer and seller agreed on another way
//!   (`closed_by_user`), the order is held.
//! - Labels printed and not yet handed over read as [`UnitStatus::Acknowledged`]; failed deliveries and
//!   returns on their way stay [`UnitStatus::InTransit`] with a word in the attribute
//!   `shipping.note`, since neither is a success.
//! - A sale is cancelled whole, by feedback that says it was not fulfilled. It counts once.
//! - A return belongs to a claim and has an id of its own: [`MercadoLibre::goods_return`]. That goods
//!   came back as they should is said by [`CaseAnswer::Received`], what is wrong with them by
//!   [`MercadoLibre::review_return`].
//! - Notifications carry no signature: application and seller are compared, and whoever receives
//!   them may also check that they come from 54.88.218.97, 18.215.140.160, 18.213.114.129,
//!   18.206.34.84, 35.236.253.169, 35.245.91.34, 35.245.20.104 or 35.186.182.146. They want a 200
//!   within 500 ms: store first, work later.
//! - Labels in Zebra language come in a ZIP archive; a stored entry is taken out, a compressed one is
//!   handed on as [`LabelFormat::Other`]`("zip")`.
//!
//! # What is unsure
//! - How deep a search may be paged: [`MercadoLibreConfig::with_deepest_offset`].
//! - Whether sellers of a site write to the platform's agent:
//!   [`MercadoLibreConfig::with_message_agent`].
//! - The call that gives a `custom` shipment its number is from old clients, not from today's pages.
//! - That items are found by SKU with `seller_sku`, and how variations are written to: from clients.
//! - The meaning of most payment statuses; unknown ones are kept word for word.
//! - Global Selling's largest page: 50 is asked for. Whether its messages have bounds of length or
//!   letters. Its stock and how its
//!   sales are cancelled are not covered.
//! - How the files are uploaded that go with messages and with faults of returned goods: their names
//!   are taken ([`ReturnFault::evidence`]).
//! - Tax papers that the platform waits for (`invoice_pending`) are uploaded elsewhere: the calls are
//!   from old clients. To whom an invoice goes is [`MercadoLibre::billing_info`].

mod after_sale;
mod auth;
mod billing;
mod calls;
mod config;
mod dialect;
mod figures;
mod labels;
mod look;
mod map;
mod messages;
mod pages;
mod returns;
mod statuses;
mod stock;
mod webhooks;
mod wire;
mod writes;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

pub use billing::BillingInfo;
pub use config::{MercadoLibreConfig, PRODUCTION, Site};
pub use labels::LabelBatch;
pub use messages::{BuyerMessage, UnreadConversation};
pub use pages::read_search_page;
pub use returns::{
    GoodsReturn, ReturnFault, ReturnParcel, ReturnReason, ReturnReview, ReturnedLine,
};
pub use writes::TransportStep;

use self::calls::Paths;
use self::webhooks::Receiver;
use crate::client::{Client, Clock, RefreshTokenSource, Transport};
use crate::error::{Error, ErrorKind, Result, Retry};
use crate::ids::{CarrierId, IdempotencyKey, PlatformId, PlatformOrderId, ServiceCode};
use crate::order::PlatformOrder;
#[cfg(doc)]
use crate::order::{LogisticsMode, UnitStatus};
#[cfg(doc)]
use crate::ports::CaseAnswer;
use crate::ports::{
    AfterSale, BuyerMessages, Cancellations, CarrierNaming, Confirmed, Cursor, MarketplaceAdapter,
    MissedNotices, OrderQuery, Page, PlatformLabels, PlatformLimits, PlatformParcels,
    SellerFigures, ShipmentNotice, StockPush, Webhooks,
};
#[cfg(doc)]
use crate::shipment::LabelFormat;
use crate::shipment::NumberChanges;

/// Mercado Libre's id as a platform.
pub const MERCADO_LIBRE: PlatformId = PlatformId::from_static("mercado-libre");

/// "Only the last 12 months are searchable."
const HISTORY_DAYS: u32 = 365;

/// Names of the quota buckets, and their limits.
pub mod quota {
    use crate::client::Quota;

    /// Bucket of the token call.
    pub const TOKEN: &str = "token";
    /// Bucket of order searches.
    pub const SEARCH: &str = "search";
    /// Bucket of single orders and packs.
    pub const ORDERS: &str = "orders";
    /// Bucket of shipments and what hangs on them.
    pub const SHIPMENTS: &str = "shipments";
    /// Bucket of labels.
    pub const LABELS: &str = "labels";
    /// Bucket of items.
    pub const ITEMS: &str = "items";
    /// Bucket of stock by user product.
    pub const STOCK: &str = "stock";
    /// Bucket of reading messages.
    pub const MESSAGES_READ: &str = "messages_read";
    /// Bucket of writing messages.
    pub const MESSAGES_WRITE: &str = "messages_write";
    /// Bucket of claims.
    pub const CLAIMS: &str = "claims";
    /// Bucket of missed notifications and the seller's own page.
    pub const ACCOUNT: &str = "account";

    /// Nothing is documented for orders: the example of an application's `max_requests_per_hour`,
    /// 18,000, shared by its families of calls.
    pub const UNSTATED_LIMIT: Quota = Quota::per_minute(300).with_burst(20);
    /// "CBT order search 100/min"; the local search is not stated.
    pub const SEARCH_LIMIT: Quota = Quota::per_minute(95).with_burst(5);
    /// "user-product stock 100/min".
    pub const STOCK_LIMIT: Quota = Quota::per_minute(95).with_burst(5);
    /// "messages 500/min read and 500/min write".
    pub const MESSAGES_LIMIT: Quota = Quota::per_minute(480).with_burst(20);

    pub(super) const DEFAULTS: &[(&str, Quota)] = &[
        (SEARCH, SEARCH_LIMIT),
        (ORDERS, UNSTATED_LIMIT),
        (SHIPMENTS, UNSTATED_LIMIT),
        (LABELS, UNSTATED_LIMIT),
        (ITEMS, UNSTATED_LIMIT),
        (STOCK, STOCK_LIMIT),
        (MESSAGES_READ, MESSAGES_LIMIT),
        (MESSAGES_WRITE, MESSAGES_LIMIT),
        (CLAIMS, UNSTATED_LIMIT),
        (ACCOUNT, UNSTATED_LIMIT),
    ];
}

/// How long to wait before sending again what was looked for and not found.
const AFTER_LOOKING: Duration = Duration::from_secs(2);

/// A shop on Mercado Libre.
#[derive(Debug)]
pub struct MercadoLibre {
    client: Client,
    paths: Paths,
    seller: u64,
    site: Site,
    application: String,
    receiver: Receiver,
    deepest_offset: u32,
    released_days: u32,
    read_history: bool,
    message_agent: bool,
    split_reason: String,
    tracking_service: Option<u64>,
    cancel_words: String,
    clock: Arc<dyn Clock>,
}

impl MercadoLibre {
    /// Checks the configuration. Nothing is sent.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] when keys, seller, address or quotas cannot be right.
    pub fn new(config: MercadoLibreConfig, transport: Arc<dyn Transport>) -> Result<Self> {
        let refuse = |field: &str, why: &str| {
            Err(Error::new(ErrorKind::Configuration, why).with_field(field))
        };
        check_keys(&config)?;
        if config.seller == 0 {
            return refuse("seller", "the seller's user id is 0");
        }
        let words = config.cancel_words.unwrap_or_else(|| config.site.cancel_words().to_owned());
        if words.chars().count() >= writes::FEEDBACK_LENGTH {
            return refuse("cancel_words", "must be shorter than 160 characters");
        }
        let keys = auth::AppKeys {
            client_id: config.client_id.clone(),
            client_secret: config.client_secret.clone(),
        };
        let tokens = RefreshTokenSource::new(config.tokens, Arc::new(keys));
        let mut builder = Client::builder(
            Arc::new(dialect::MercadoLibreDialect),
            transport,
            &config.base_url,
            &config.account,
        )
        .token_source(Arc::new(tokens))
        .retry(config.retry)
        .clock(config.clock.clone())
        .secret(config.client_secret.as_str());
        for (bucket, quota) in quota::DEFAULTS {
            builder = builder.quota(*bucket, *quota);
        }
        for (bucket, quota) in config.quotas {
            builder = builder.quota(bucket, quota);
        }
        Ok(Self {
            client: builder.build()?,
            paths: Paths { global: config.global_selling },
            seller: config.seller,
            receiver: Receiver {
                application: config.client_id.clone(),
                seller: config.seller.to_string(),
            },
            application: config.client_id,
            tracking_service: config.tracking_service.or(config.site.tracking_service()),
            site: config.site,
            deepest_offset: config.deepest_offset,
            released_days: config.released_days,
            read_history: config.read_history,
            message_agent: config.message_agent,
            split_reason: config.split_reason,
            cancel_words: words,
            clock: config.clock,
        })
    }
}

impl MercadoLibre {
    /// Exchanges the code that the sign-in page handed back to `redirect_uri`, and stores the refresh
    /// token under the configured account before it returns. `verifier` is PKCE's, where the
    /// application has it switched on. A code is good once; only the main account may sign in.
    ///
    /// # Errors
    /// [`ErrorKind::AuthRejected`] for a code that was used or is stale, or when another seller than
    /// the configured one has signed in, and then nothing is stored; [`ErrorKind::Storage`] when the
    /// token cannot be stored: the seller must then sign in again.
    pub async fn authorize(
        config: &MercadoLibreConfig,
        transport: Arc<dyn Transport>,
        code: &str,
        redirect_uri: &str,
        verifier: Option<&str>,
    ) -> Result<()> {
        check_keys(config)?;
        let dialect = Arc::new(dialect::MercadoLibreDialect);
        let client = Client::builder(dialect, transport, &config.base_url, &config.account)
            .retry(config.retry)
            .clock(config.clock.clone())
            .secret(config.client_secret.as_str())
            .secret(code)
            .build()?;
        let call = auth::ExchangeCode {
            client_id: &config.client_id,
            client_secret: config.client_secret.as_str(),
            code,
            redirect_uri,
            verifier,
        };
        let signed_in = client.call(&call).await?;
        if signed_in.seller != config.seller {
            return Err(Error::new(ErrorKind::AuthRejected, "another seller has signed in")
                .with_operation(MERCADO_LIBRE.as_str(), "authorize")
                .with_field("seller")
                .with_context("signed_in", signed_in.seller));
        }
        config.tokens.save(&config.account, &signed_in.refresh).await
    }

    /// How sales across borders are cancelled and how their stock is told is not known.
    const fn local_only(&self) -> bool {
        !self.paths.global
    }
}

fn check_keys(config: &MercadoLibreConfig) -> Result<()> {
    let keys = [
        ("client_id", config.client_id.as_str()),
        ("client_secret", config.client_secret.as_str()),
    ];
    match keys.into_iter().find(|(_, key)| key.trim().is_empty()) {
        Some((field, _)) => {
            Err(Error::new(ErrorKind::Configuration, "the key is empty").with_field(field))
        }
        None => Ok(()),
    }
}

/// The error for a call that was looked for and has not happened: safe to send again.
fn not_there(operation: &'static str, lost: Error) -> Error {
    Error::new(ErrorKind::Transient, "the answer was lost, and nothing had happened there")
        .with_operation(MERCADO_LIBRE.as_str(), operation)
        .with_retry(Retry::After(AFTER_LOOKING))
        .with_source(lost)
}

/// An operation that the platform has no call for.
fn unsupported(operation: &'static str, why: &str) -> Error {
    Error::unsupported(why).with_operation(MERCADO_LIBRE.as_str(), operation)
}

/// A refusal of our own, for what the platform would refuse or must not be asked.
fn refused(operation: &'static str, why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Rejected, why).with_operation(MERCADO_LIBRE.as_str(), operation)
}

#[async_trait]
impl MarketplaceAdapter for MercadoLibre {
    fn platform(&self) -> PlatformId {
        MERCADO_LIBRE
    }

    fn limits(&self) -> PlatformLimits {
        PlatformLimits {
            needs_acknowledgement: false,
            partial_shipment: false,
            packages_per_line_many: false,
            combine_orders: false,
            // Only on the platform itself, by its own split.
            split_orders: false,
            untracked_allowed: false,
            tracking_update: NumberChanges::NEVER,
            cancel_request_refusable: false,
            platform_deadlines: true,
            masked_recipient: true,
            page_size: calls::PAGE_SIZE,
            history_days: HISTORY_DAYS,
            lists_cancelled: false,
            lists_movements: false,
            sandbox: false,
            ..PlatformLimits::default()
        }
    }

    async fn list_orders(
        &self,
        query: &OrderQuery,
        cursor: Option<&Cursor>,
    ) -> Result<Page<PlatformOrder>> {
        self.page(query, cursor).await
    }

    async fn get_order(&self, id: &PlatformOrderId) -> Result<PlatformOrder> {
        Ok(self.look(id).await?.order)
    }

    async fn confirm_shipment(
        &self,
        notice: &ShipmentNotice,
        _key: &IdempotencyKey,
    ) -> Result<Confirmed> {
        self.tell_shipped(notice).await
    }

    fn carrier_name(&self, carrier: &CarrierId, _service: &ServiceCode) -> CarrierNaming {
        // A carrier is a free text, or not named at all: the number and its page are.
        CarrierNaming::Other { name: carrier.as_str().to_owned() }
    }

    fn cancellations(&self) -> Option<&dyn Cancellations> {
        self.local_only().then_some(self as &dyn Cancellations)
    }

    fn labels(&self) -> Option<&dyn PlatformLabels> {
        Some(self)
    }

    fn stock(&self) -> Option<&dyn StockPush> {
        self.local_only().then_some(self as &dyn StockPush)
    }

    fn messages(&self) -> Option<&dyn BuyerMessages> {
        Some(self)
    }

    fn webhooks(&self) -> Option<&dyn Webhooks> {
        Some(&self.receiver)
    }

    fn missed_notices(&self) -> Option<&dyn MissedNotices> {
        Some(self)
    }

    fn parcels(&self) -> Option<&dyn PlatformParcels> {
        Some(self)
    }

    fn after_sale(&self) -> Option<&dyn AfterSale> {
        Some(self)
    }

    fn figures(&self) -> Option<&dyn SellerFigures> {
        Some(self)
    }
}
