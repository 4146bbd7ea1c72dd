//! TikTok Shop Open Platform, API 202309 and later, all markets.
//!
//! # Credentials
//! The app's key and secret, a refresh token of the seller (the consent page brings a code, and
//! [`TikTokShop::authorize`] exchanges it), and the shop's cipher, which [`TikTokShop::shops_of`] lists.
//! Access and refresh tokens are renewed as a pair; the new refresh token is stored before the new
//! access token is first used. A host that calls beyond this adapter signs with [`CallSigner`].
//!
//! # Limits
//! The platform publishes no table and sets limits by app, shop and load: see [`quota`] for careful
//! defaults. No fulfilment call takes an idempotency key, so shipping, cancelling, splitting and
//! buying labels are never sent twice blindly: after a lost answer the adapter reads the order and
//! says what it found. Answers to cancellations and returns do carry a key.
//!
//! # Quirks
//! - The `code` of the body decides, whatever the HTTP status; a good code may carry errors of single
//!   items. One code (`36009004`) stands for many mistakes and is told apart by its words.
//! - Notifications of all shops of an app carry the same signature. With
//!   [`TikTokShopConfig::with_shop_id`] one that is about another shop is
//!   [`Rejected`](crate::ErrorKind::Rejected); without it a host must give every shop an address of
//!   its own.
//! - Instants count seconds, in some messages milliseconds: both are read.
//! - The lifetimes of tokens are instants. A token whose lifetime is no instant to come is used for
//!   five minutes and renewed then. The clock must be right: calls signed more than five minutes ago or
//!   thirty seconds ahead are refused.
//! - An order lists single units. Units of one SKU and price are one line, named by the SKU id;
//!   [`PlatformLine::unit_ids`](crate::order::PlatformLine::unit_ids) keeps them, and parts of a line
//!   take the smallest ids that are open.
//! - Deadlines that are advice, or win an advantage only (`recommended_shipping_time`,
//!   `fast_dispatch_sla_time`, `pick_up_cut_off_time`), are none that can be missed, and are left in
//!   the raw text.
//! - An order on hold has no address and must not ship until the platform itself says otherwise; when
//!   that may be expected is the attribute `hold_expected_until`. Under the platform's shipping the recipient
//!   is masked; the attribute `recipient_masked` tells.
//! - A cancelled *package* is lost or damaged: its units read as unknown, not as cancelled.
//! - Cancelling as out of stock sets the stock of the listing to 0.
//! - All warehouses of a SKU go into one stock update: the others are read and sent along.
//! - A second parcel with the same contents as an existing label of the platform is a
//!   [`Conflict`](crate::ErrorKind::Conflict), since the platform keeps no reference of ours.
//! - No call takes a label back. It lapses with its order, which the seller may cancel as a whole
//!   until the carrier has collected it; discarding a label says where its package stands.
//! - Where the platform combines nothing, orders of one buyer to one address are marked as shipped
//!   under one number, at most 20 of them.
//!
//! # Beyond the common abilities
//! [`TikTokShop::handover_options`] and [`TikTokShop::ship_packages`] for many packages at once,
//! [`TikTokShop::price_detail`], [`TikTokShop::cancel_eligibility`] and
//! [`TikTokShop::reject_reasons`] for the keys of reasons, [`TikTokShop::subscribe`] for
//! notifications, [`TikTokShop::uncombine`].
//!
//! # What is unsure
//! - Which shipping call a market takes: [`MARKETS`], [`TikTokShopConfig::with_market`]. For the
//!   United Kingdom one text has packages created, another says that only the United States create
//!   them; they are created where dimensions are known, and shipped or created without them otherwise.
//! - How many packages one call ships: [`TikTokShopConfig::with_ship_batch`].
//! - In the version 202512 of creating packages the numbers of its `ship_type` contradict each other:
//!   `1` is taken as a whole order and `2` as a part. It is not the default
//!   ([`TikTokShopConfig::with_packages_version`]).
//! - The keys of reasons to cancel: [`TikTokShopConfig::with_cancel_reason`].
//! - The names of carriers: [`TikTokShopConfig::with_carrier`]. Which providers the platform takes
//!   depends on the order's delivery option, and is checked when a shipment is confirmed. Before a label
//!   is bought only the carrier is known: declared carriers count as taken, and so do those whose id is
//!   the name of a provider in a list that was read by then. A host that wants to route by the
//!   platform's own lists reads those of its delivery options at the start
//!   ([`TikTokShop::shipping_providers`]; the attribute `delivery_option_id` of orders names them).
//! - Which of several live versions a shop should be read with:
//!   [`TikTokShopConfig::with_detail_version`], [`TikTokShopConfig::with_cancellations_version`],
//!   [`TikTokShopConfig::with_eligibility_version`].
//! - Whether a whole order that awaits collection may still be cancelled: the seller pages of the
//!   United States say so, the reference does not; the call is sent and the platform decides.
//! - How the package of a cancelled order is called; `CANCELLED` is documented for lost and damaged
//!   ones, and is read as a label that nobody can use any more.
//! - Whether the spent refresh token dies at once; it is treated as if it did.
//! - Whether a stock of 0 is accepted: the reference says 1 to 99,999, clients send 0, and so does
//!   this adapter.
//! - How long orders can be listed back: `history_days` of the limits is a guess.
//! - Cases name SKUs, so a line whose units differ in price is named by its SKU alone.

mod auth;
mod calls;
mod cases;
mod config;
mod dialect;
mod figures;
mod handover;
mod labels;
mod map;
mod prices;
mod reasons;
mod settle;
mod sides;
mod sign;
mod topics;
mod webhooks;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use serde::Deserialize;

pub use calls::ShippingProvider;
pub use config::{
    API_HOST, AUTH_HOST, HandoverChoice, MARKETS, Market, PlatformShipping, SellerShipping,
    TikTokShopConfig,
};
pub use handover::{Handover, HandoverOptions, PackageToShip, PickupSlot};
pub use map::{Reading, read_search_page};
pub use prices::PriceDetail;
pub use reasons::{CancelEligibility, RejectReason};
pub use sign::CallSigner;
pub use topics::{ORDER_TOPICS, Subscription};

use self::calls::{GetOrder, ListShops, MarkShipped, SelfShipment, Service};
use self::calls::{SearchOrders, ShipPackage, UpdateShipping};
use self::config::Versions;
use self::map::{ReadOrder, Unit};
use self::webhooks::Receiver;
use crate::client::wire::{or_empty, string_or_number};
use crate::client::{Client, Clock, RefreshTokenSource, RetryPolicy, Transport};
use crate::error::{Error, ErrorKind, Result, Retry};
use crate::ids::{
    CarrierId, IdempotencyKey, PlatformId, PlatformOrderId, ServiceCode, Sku, TrackingNumber,
};
use crate::order::{LogisticsMode, PlatformOrder, UnitStatus};
use crate::platforms::lines;
use crate::ports::{
    AfterSale, BuyerMessages, Cancellations, CarrierNaming, Confirmed, Cursor, Listing,
    MarketplaceAdapter, OrderQuery, Page, PlatformItem, PlatformLabels, PlatformLimits,
    PlatformParcels, SellerFigures, ShipmentNotice, StockPush, TrackingUpdates, Webhooks,
};
use crate::shipment::NumberChanges;

/// TikTok Shop's id as a platform.
pub const TIKTOK_SHOP: PlatformId = PlatformId::from_static("tiktok-shop");

/// Names of the quota buckets, and their limits per shop.
pub mod quota {
    use crate::client::Quota;

    /// Bucket of the token call.
    pub const TOKEN: &str = "token";
    /// Bucket of searches and details of orders.
    pub const ORDERS: &str = "orders";
    /// Bucket of shipping, labels, splitting and combining.
    pub const FULFILMENT: &str = "fulfilment";
    /// Bucket of cancellations and returns.
    pub const AFTER_SALE: &str = "after_sale";
    /// Bucket of stock.
    pub const INVENTORY: &str = "inventory";
    /// Bucket of messages.
    pub const MESSAGES: &str = "messages";
    /// Bucket of everything else.
    pub const OTHER: &str = "other";

    /// Nothing is published; half of the lowest figure that third parties name.
    pub const LIMIT: Quota = Quota::per_second(10).with_burst(10);

    pub(super) const ALL: [&str; 7] =
        [TOKEN, ORDERS, FULFILMENT, AFTER_SALE, INVENTORY, MESSAGES, OTHER];
}

/// How long to wait before sending again what was looked for and not found.
const AFTER_LOOKING: Duration = Duration::from_secs(2);
/// "within 72 hours of shipping".
const CHANGES_WITHIN: u32 = 72;

/// A shop that a seller's consent covers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct AuthorizedShop {
    /// Its id.
    #[serde(deserialize_with = "string_or_number")]
    pub id: String,
    /// Its name; may be empty.
    #[serde(default, deserialize_with = "or_empty")]
    pub name: String,
    /// Its region, for example `US` or `GB`.
    pub region: String,
    /// `LOCAL` or `CROSS_BORDER`, word for word.
    #[serde(default)]
    pub seller_type: Option<String>,
    /// What calls about the shop carry.
    pub cipher: String,
}

/// What a seller's consent brought, without the secrets, which are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Consent {
    /// The seller's id for this app.
    pub open_id: Option<String>,
    /// The seller's name.
    pub seller_name: Option<String>,
    /// The seller's region.
    pub region: Option<String>,
    /// What the seller allows.
    pub scopes: Vec<String>,
}

/// A shop on TikTok Shop.
pub struct TikTokShop {
    client: Client,
    /// For documents, which lie on hosts of their own.
    transport: Arc<dyn Transport>,
    retry: RetryPolicy,
    cipher: String,
    reading: Reading,
    market: Option<Market>,
    versions: Versions,
    handover: HandoverChoice,
    ship_batch: usize,
    carriers: BTreeMap<CarrierId, String>,
    cancel_reasons: BTreeMap<String, String>,
    receiver: Receiver,
    clock: Arc<dyn Clock>,
    /// Shipping providers by delivery option; they hardly ever change.
    providers: Mutex<BTreeMap<String, Vec<ShippingProvider>>>,
    /// Where SKUs are offered: configured, or learned from orders.
    listings: Mutex<BTreeMap<Sku, Listing>>,
    /// What was bought for packages whose label could not be read yet: nothing else tells the price.
    bought: Mutex<BTreeMap<String, Service>>,
}

impl std::fmt::Debug for TikTokShop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The transport is the host's and may hold anything.
        f.debug_struct("TikTokShop")
            .field("client", &self.client)
            .field("region", &self.reading.region)
            .finish_non_exhaustive()
    }
}

fn exchange(config: &TikTokShopConfig, transport: Arc<dyn Transport>) -> Result<auth::Exchange> {
    for (field, value) in
        [("app_key", config.app_key.as_str()), ("app_secret", config.app_secret.as_str())]
    {
        if value.trim().is_empty() {
            return Err(Error::new(ErrorKind::Configuration, "is empty").with_field(field));
        }
    }
    let signer = CallSigner::new(config.app_key.clone(), config.app_secret.as_str());
    let dialect = dialect::TikTokDialect {
        signer: signer.clone(),
        clock: config.clock.clone(),
        signs: false,
    };
    let mut builder =
        Client::builder(Arc::new(dialect), transport, &config.auth_host, &config.account)
            .retry(config.retry)
            .clock(config.clock.clone())
            .secret(config.app_secret.as_str())
            .quota(quota::TOKEN, quota::LIMIT);
    for (bucket, limit) in &config.quotas {
        builder = builder.quota(bucket.as_str(), *limit);
    }
    Ok(auth::Exchange {
        client: builder.build()?,
        signer,
        app_secret: config.app_secret.clone(),
        clock: config.clock.clone(),
        unanswered: std::sync::atomic::AtomicBool::new(false),
    })
}

/// What calls the shop, and what signs for it.
fn caller(
    config: &TikTokShopConfig,
    transport: Arc<dyn Transport>,
) -> Result<(Client, CallSigner)> {
    let exchange = exchange(config, transport.clone())?;
    let signer = exchange.signer.clone();
    let dialect =
        dialect::TikTokDialect { signer: signer.clone(), clock: config.clock.clone(), signs: true };
    let tokens = RefreshTokenSource::new(config.tokens.clone(), Arc::new(exchange));
    let mut builder =
        Client::builder(Arc::new(dialect), transport, &config.api_host, &config.account)
            .token_source(Arc::new(tokens))
            .retry(config.retry)
            .clock(config.clock.clone())
            .secret(config.app_secret.as_str());
    for bucket in quota::ALL {
        builder = builder.quota(bucket, quota::LIMIT);
    }
    for (bucket, limit) in &config.quotas {
        builder = builder.quota(bucket.as_str(), *limit);
    }
    Ok((builder.build()?, signer))
}

impl TikTokShop {
    /// Checks the configuration. Nothing is sent.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] when keys, the shop's cipher, addresses or quotas cannot be right.
    pub fn new(config: TikTokShopConfig, transport: Arc<dyn Transport>) -> Result<Self> {
        if config.shop_cipher.trim().is_empty() {
            return Err(Error::new(
                ErrorKind::Configuration,
                "is empty: TikTokShop::shops_of lists the shops with their ciphers",
            )
            .with_field("shop_cipher"));
        }
        for (name, version) in config.versions.named() {
            if version.len() != 6 || !version.bytes().all(|digit| digit.is_ascii_digit()) {
                return Err(
                    Error::new(ErrorKind::Configuration, "has not six digits").with_field(name)
                );
            }
        }
        if config.ship_batch == 0 {
            return Err(
                Error::new(ErrorKind::Configuration, "must be at least 1").with_field("ship_batch")
            );
        }
        let (client, signer) = caller(&config, transport.clone())?;
        Ok(Self {
            client,
            transport,
            retry: config.retry,
            cipher: config.shop_cipher,
            reading: Reading {
                region: config.region,
                remorse: TimeDelta::minutes(i64::from(config.remorse_minutes)),
            },
            market: config.market,
            versions: config.versions,
            handover: config.handover,
            ship_batch: config.ship_batch,
            carriers: config.carriers,
            cancel_reasons: config.cancel_reasons,
            receiver: Receiver { signer, shop_id: config.shop_id },
            clock: config.clock,
            providers: Mutex::default(),
            listings: Mutex::new(config.listings),
            bought: Mutex::default(),
        })
    }

    /// Exchanges the code that the consent page handed back, and stores the refresh token under the
    /// configured account before it returns. A code is good once.
    ///
    /// # Errors
    /// [`ErrorKind::AuthRejected`] for a code that was used or is stale, [`ErrorKind::Storage`] when
    /// the token cannot be stored: the seller must then consent again.
    pub async fn authorize(
        config: &TikTokShopConfig,
        transport: Arc<dyn Transport>,
        code: &str,
    ) -> Result<Consent> {
        let exchange = exchange(config, transport)?;
        let granted = exchange.grant("authorized_code", "auth_code", code).await?;
        config.tokens.save(&config.account, &granted.stored()).await?;
        Ok(granted.consent())
    }

    /// The shops that the seller's consent covers, for a host that has no cipher yet: `config` may
    /// name an empty one. The refresh token is taken from and stored in the configuration's store, as
    /// ever; do not call it beside a [`TikTokShop`] of the same account.
    ///
    /// # Errors
    /// As every call; [`ErrorKind::Configuration`] when keys, addresses or quotas cannot be right.
    pub async fn shops_of(
        config: &TikTokShopConfig,
        transport: Arc<dyn Transport>,
    ) -> Result<Vec<AuthorizedShop>> {
        Ok(caller(config, transport)?.0.call(&ListShops::new()).await?.shops)
    }

    /// The shops that the token is good for, with their ciphers.
    ///
    /// # Errors
    /// As every call.
    pub async fn shops(&self) -> Result<Vec<AuthorizedShop>> {
        Ok(self.client.call(&ListShops::new()).await?.shops)
    }

    async fn read(&self, id: &PlatformOrderId) -> Result<ReadOrder> {
        let call = GetOrder {
            id,
            version: &self.versions.detail,
            cipher: &self.cipher,
            reading: &self.reading,
        };
        let read = self.client.call(&call).await?;
        self.learn(&read.order);
        Ok(read)
    }

    /// Remembers where the SKUs of an order are offered.
    fn learn(&self, order: &PlatformOrder) {
        let mut listings = self.listings.lock().unwrap_or_else(PoisonError::into_inner);
        for line in &order.lines {
            let Some(sku) = &line.sku else { continue };
            let (product, variant) =
                (line.attributes.get("product_id"), line.attributes.get("sku_id"));
            if let (Some(item), Some(variant)) = (product, variant)
                && !listings.contains_key(sku)
            {
                let listing = Listing { item: item.clone(), variant: Some(variant.clone()) };
                listings.insert(sku.clone(), listing);
            }
        }
    }

    fn market(&self, operation: &'static str) -> Result<&Market> {
        self.market.as_ref().ok_or_else(|| {
            Error::unsupported("nothing is known of how this market ships")
                .with_operation(TIKTOK_SHOP.as_str(), operation)
                .with_context("region", &self.reading.region)
        })
    }

    /// The provider of a carrier for an order.
    async fn provider(&self, carrier: &CarrierId, order: &PlatformOrder) -> Result<String> {
        let wanted = self.carriers.get(carrier).map_or(carrier.as_str(), String::as_str);
        let option = order.attributes.get("delivery_option_id").ok_or_else(|| {
            Error::new(ErrorKind::UnexpectedAnswer, "the order names no delivery option")
        })?;
        let providers = self.shipping_providers(option).await?;
        let found = providers.into_iter().find(|provider| is_called(provider, wanted));
        found.map(|provider| provider.id).ok_or_else(|| {
            Error::invalid("carrier", "is none of the providers of the order's delivery option")
        })
    }

    async fn own_shipment(
        &self,
        notice: &ShipmentNotice,
        number: &TrackingNumber,
        order: &PlatformOrder,
    ) -> Result<SelfShipment> {
        Ok(SelfShipment {
            tracking_number: number.as_str().to_owned(),
            shipping_provider_id: self.provider(&notice.carrier, order).await?,
        })
    }

    async fn ship(
        &self,
        notice: &ShipmentNotice,
        number: &TrackingNumber,
        before: &ReadOrder,
        units: &[String],
    ) -> Result<()> {
        let market = self.market("confirm_shipment")?;
        match market.seller {
            SellerShipping::MarkShipped => {
                let own = self.own_shipment(notice, number, &before.order).await?;
                let call = MarkShipped::new(&self.cipher, &notice.order, units, &own)?;
                self.client.call(&call).await.map(|_| ())
            }
            SellerShipping::ShipPackage => {
                let waiting = settle::waiting(&before.units, &notice.lines);
                let package = waiting.first().ok_or_else(|| {
                    Error::new(
                        ErrorKind::Rejected,
                        "no package of the platform holds exactly these units: split the order first",
                    )
                })?;
                let own = self.own_shipment(notice, number, &before.order).await?;
                let call = ShipPackage::new(&self.cipher, package, None, Some(&own))?;
                self.client.call(&call).await.map(|_| ())
            }
        }
    }
}

/// Whether a provider has this id or name.
fn is_called(provider: &ShippingProvider, wanted: &str) -> bool {
    provider.id == wanted || provider.name.eq_ignore_ascii_case(wanted)
}

/// The error for a call that was looked for and has not happened: safe to send again.
fn not_there(operation: &'static str, lost: Error) -> Error {
    Error::new(ErrorKind::Transient, "the answer was lost, and nothing had happened there")
        .with_operation(TIKTOK_SHOP.as_str(), operation)
        .with_retry(Retry::After(AFTER_LOOKING))
        .with_source(lost)
}

/// What must be true of an order before anything of it is shipped.
fn may_ship(order: &PlatformOrder, override_cancel_request: bool) -> Result<()> {
    let refused = |why: &str| Err(Error::new(ErrorKind::Rejected, why));
    match order.status.as_deref() {
        Some("ON_HOLD") => return refused("the order is on hold: the buyer may still reconsider"),
        Some("UNPAID") => return refused("the order is not paid"),
        Some("CANCELLED" | "CANCEL") => return refused("the order is cancelled"),
        _ => {}
    }
    if order.cancel_request.is_some() && !override_cancel_request {
        return refused("the buyer asks to cancel: answer that first");
    }
    Ok(())
}

#[async_trait]
impl MarketplaceAdapter for TikTokShop {
    fn platform(&self) -> PlatformId {
        TIKTOK_SHOP
    }

    fn limits(&self) -> PlatformLimits {
        let market = self.market.as_ref();
        let units = market.is_some_and(|market| market.split_units);
        PlatformLimits {
            needs_acknowledgement: false,
            partial_shipment: units,
            packages_per_line_many: units,
            combine_orders: market.is_some_and(|market| market.combine),
            split_orders: true,
            untracked_allowed: false,
            tracking_update: NumberChanges::MANY.within_hours(CHANGES_WITHIN),
            cancel_request_refusable: true,
            platform_deadlines: true,
            masked_recipient: true,
            page_size: calls::PAGE_SIZE,
            history_days: 180,
            sandbox: false,
            ..PlatformLimits::default()
        }
    }

    async fn list_orders(
        &self,
        query: &OrderQuery,
        cursor: Option<&Cursor>,
    ) -> Result<Page<PlatformOrder>> {
        let call = SearchOrders { query, cursor, cipher: &self.cipher, reading: &self.reading };
        let page = self.client.call(&call).await?;
        for item in &page.items {
            if let PlatformItem::Read(order) = item {
                self.learn(order);
            }
        }
        Ok(page)
    }

    async fn get_order(&self, id: &PlatformOrderId) -> Result<PlatformOrder> {
        Ok(self.read(id).await?.order)
    }

    async fn confirm_shipment(
        &self,
        notice: &ShipmentNotice,
        _key: &IdempotencyKey,
    ) -> Result<Confirmed> {
        let named = |error: Error| match error.operation() {
            Some(_) => error,
            None => error
                .with_operation(TIKTOK_SHOP.as_str(), "confirm_shipment")
                .with_context("order", &notice.order),
        };
        // What is wrong with the notice is told before anything is asked.
        lines::check(&notice.lines).map_err(named)?;
        let Some(number) = &notice.number else {
            return Err(Error::invalid("number", "nothing ships here without a number"));
        };
        self.market("confirm_shipment")?;
        // There is no key: what the platform already has under our number is not sent again.
        let before = self.read(&notice.order).await?;
        let units = settle::to_ship(&before.units, &notice.lines, Some(number)).map_err(named)?;
        if units.is_empty() {
            return Ok(Confirmed { already: true, order: Some(Box::new(before.order)) });
        }
        if before.order.logistics != LogisticsMode::SellerCarrier {
            return Err(named(Error::unsupported(
                "the platform ships this order: its own label is to be used",
            )));
        }
        may_ship(&before.order, notice.override_cancel_request).map_err(named)?;
        let error = match self.ship(notice, number, &before, &units).await {
            Ok(()) => return Ok(Confirmed { already: false, order: None }),
            Err(error) => named(error),
        };
        if !(error.is_ambiguous() || error.kind() == ErrorKind::Rejected) {
            return Err(error);
        }
        let Ok(after) = self.read(&notice.order).await else { return Err(error) };
        match settle::to_ship(&after.units, &notice.lines, Some(number)) {
            Ok(left) if left.is_empty() => {
                Ok(Confirmed { already: true, order: Some(Box::new(after.order)) })
            }
            Ok(left) if left == units && error.is_ambiguous() => {
                Err(not_there("confirm_shipment", error))
            }
            Err(conflict) if conflict.kind() == ErrorKind::Conflict => Err(named(conflict)),
            _ => Err(error),
        }
    }

    fn carrier_name(&self, carrier: &CarrierId, _service: &ServiceCode) -> CarrierNaming {
        let lists = self.providers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut listed = lists.values().flatten();
        match self.carriers.get(carrier) {
            Some(name) => CarrierNaming::Code(name.clone()),
            // Carriers that nobody declared: those that a list of the platform calls as we do.
            None => listed
                .find(|provider| is_called(provider, carrier.as_str()))
                .map_or(CarrierNaming::Unsupported, |known| {
                    CarrierNaming::Code(known.name.clone())
                }),
        }
    }

    fn cancellations(&self) -> Option<&dyn Cancellations> {
        Some(self)
    }

    fn tracking_updates(&self) -> Option<&dyn TrackingUpdates> {
        Some(self)
    }

    fn labels(&self) -> Option<&dyn PlatformLabels> {
        Some(self)
    }

    fn stock(&self) -> Option<&dyn StockPush> {
        Some(self)
    }

    fn messages(&self) -> Option<&dyn BuyerMessages> {
        Some(self)
    }

    fn webhooks(&self) -> Option<&dyn Webhooks> {
        Some(&self.receiver)
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

#[async_trait]
impl TrackingUpdates for TikTokShop {
    async fn update_tracking(&self, old: &TrackingNumber, notice: &ShipmentNotice) -> Result<()> {
        let named = |error: Error| match error.operation() {
            Some(_) => error,
            None => error
                .with_operation(TIKTOK_SHOP.as_str(), "update_tracking")
                .with_context("order", &notice.order),
        };
        lines::check(&notice.lines).map_err(named)?;
        let Some(number) = &notice.number else {
            return Err(Error::invalid("number", "nothing ships here without a number"));
        };
        let before = self.read(&notice.order).await?;
        let has = |numbers: &[&TrackingNumber]| {
            notice.lines.iter().all(|line| {
                let of_line = before.units.iter().filter(|unit| unit.line == line.line);
                let under = of_line
                    .filter(|unit| numbers.iter().any(|number| settle::left_under(unit, number)));
                under.count() >= usize::try_from(line.units).unwrap_or(usize::MAX)
            })
        };
        let under: Vec<&Unit> =
            before.units.iter().filter(|unit| settle::left_under(unit, old)).collect();
        if has(&[number]) && (under.is_empty() || number == old) {
            return Ok(());
        }
        if before.order.logistics != LogisticsMode::SellerCarrier {
            return Err(named(Error::unsupported("the platform's own numbers do not change")));
        }
        // Some may have the new number since an earlier call.
        if under.is_empty() || !has(&[old, number]) {
            return Err(named(
                Error::new(
                    ErrorKind::Conflict,
                    "the order does not show the number that is to be replaced",
                )
                .with_retry(Retry::Never),
            ));
        }
        let window = TimeDelta::hours(i64::from(CHANGES_WITHIN));
        let now = self.clock.now();
        if under.iter().filter_map(|unit| unit.shipped_at).any(|at| now - at > window) {
            return Err(named(Error::new(
                ErrorKind::Rejected,
                "a number may be changed within 72 hours of shipping, which are over",
            )));
        }
        let own = self.own_shipment(notice, number, &before.order).await.map_err(named)?;
        // An order in one piece is addressed by itself, a split one by its packages.
        let packages: BTreeSet<Option<&str>> =
            under.iter().map(|unit| unit.package.as_deref()).collect();
        let whole = packages.len() == 1
            && before
                .units
                .iter()
                .filter(|unit| unit.status != UnitStatus::Cancelled)
                .all(|unit| settle::left_under(unit, old));
        if whole {
            let call = UpdateShipping::of_order(&self.cipher, &notice.order, &own)?;
            return self.client.call(&call).await.map(|_| ());
        }
        let Some(packages) = packages.into_iter().collect::<Option<Vec<&str>>>() else {
            return Err(named(Error::new(
                ErrorKind::UnexpectedAnswer,
                "the order left in parts, and the package of this one is not shown",
            )));
        };
        let mut failed: Option<Error> = None;
        for package in packages {
            let call = UpdateShipping::of_package(&self.cipher, package, &own)?;
            if let Err(error) = self.client.call(&call).await {
                // The others may take it; the first reason stands for all that did not.
                failed = Some(failed.unwrap_or(error).with_context("package", package));
            }
        }
        failed.map_or(Ok(()), Err)
    }
}
