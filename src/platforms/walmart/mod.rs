//! Walmart Marketplace, seller-fulfilled orders of the United States and Canada, API version 3.
//!
//! # Credentials
//! The seller's own client id and secret from the developer portal. Tokens last 900 seconds and are
//! renewed by the client. The sandbox ([`SANDBOX`]) takes the same keys.
//!
//! # Limits
//! Lists reach back 180 days and show at most 20 000 orders a search; see [`quota`] for calls per
//! minute. No call takes an idempotency key, so shipping, cancelling, refunding and buying labels
//! are never sent twice blindly: after a lost answer the adapter reads the order and says what it
//! found.
//!
//! # Quirks
//! - There is no status of a whole order, no unpaid state, no messaging, and a buyer's wish to
//!   cancel cannot be refused, only overridden by shipping.
//! - The next page is a whole query string, sent back word for word; an empty list is a 404.
//! - A good status is no proof: shipping and cancelling count when the order shows them, in the answer or
//!   read again; else the error is [`Ambiguous`](crate::ErrorKind::Ambiguous).
//! - A repeated correlation id may be answered from the first call: every attempt has a new one.
//! - A carrier without a name in Walmart's list needs a tracking page.
//! - One refund request must not mix lines refunded wholly and in part: two requests are sent, and
//!   when the second fails the error says [`LookFirst`](crate::Retry::LookFirst).
//! - A label's document is fetched apart. When that fails the label comes without documents, since
//!   it is bought; buying it again fetches them. A label whose order may have a second parcel with
//!   the same contents is a [`Conflict`](crate::ErrorKind::Conflict), since Walmart keeps no
//!   reference of ours.
//! - A return is answered by its refund and nothing else. Refunded units are read first and after a
//!   lost answer; a replacement is not ours to answer.
//! - Label answers hold no price: it comes from the quote's token and reads zero without one.
//!
//! # Markets
//! [`WalmartConfig::with_market`]. Canada is reached through the Global API (headers `WM_MARKET` and
//! `WM_GLOBAL_VERSION`), whose orders, acknowledging, shipping, cancelling, refunds and stock are those
//! of the United States. There is no sandbox, orders are to be acknowledged within four hours, a
//! number once uploaded is final, and a cancellation knows two reasons. Labels, returns, figures and
//! notifications are abilities of the United States alone. Mexico is not offered: it has another form
//! of order, of which only the calls that are being switched off are documented.
//!
//! # What is unsure
//! - Whether a `PRODUCT` amount is per line or per unit: [`WalmartConfig::with_line_amount`].
//! - The time of day meant by the estimated ship date: the end of its calendar day in
//!   [`WalmartConfig::with_zone`].
//! - How webhook signatures are encoded: base64 and hexadecimal are both taken.
//! - Whether an empty list of returns is a 404, as an empty list of orders is: a 404 is an error.
//! - The unit of measure in the refund of a return: `EA`, as in the official example.
//! - Figures of seller performance: the form of their answers is known from programs that read them,
//!   not from a specification. A figure answered with a 404 is left out of what is stated, and only when
//!   none is there is that an error; items that did not arrive are asked for under both names in use.
//!   On-time shipment is not asked for, since two addresses of it are in use.
//! - Whether Walmart subtracts units of open orders from the stock it is told: in the reference's example
//!   it does. The engine tells what can still be sold, its own open orders taken off, so units of orders
//!   that Walmart counts too would be held back twice; there is no switch for that. A host that finds so
//!   tells [`StockPush`] itself, with the units on the shelf.
//! - Which carriers and reasons for refunds Canada takes: those of its older specification.
//! - What a whole refund must state: the line's product amount is sent along with `isFullRefund`.

mod auth;
mod calls;
pub(crate) mod carriers;
mod config;
mod dialect;
mod figures;
mod labels;
mod map;
mod returns;
mod settle;
mod subscriptions;
mod webhooks;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

pub use config::{LineAmount, Market, PRODUCTION, SANDBOX, WalmartConfig, WebhookAuth};
pub use subscriptions::{EventType, Subscription};

use self::calls::{
    AcknowledgeOrder, CancelLines, GetOrder, ListOrders, PutInventory, RefundEntry, RefundLines,
    RefundPart, ShipLines,
};
use self::labels::{BoxItem, BuyLabel, DiscardLabel, DownloadLabel, EstimateRates, ListLabels};
use self::map::Reading;
use self::webhooks::Receiver;
use crate::client::{Client, Clock, Operation, Transport};
use crate::error::{Error, ErrorKind, Result, Retry, VendorDetail};
use crate::ids::TrackingNumber;
use crate::ids::{CarrierId, IdempotencyKey, PlatformId, PlatformOrderId, ServiceCode};
use crate::money::Money;
use crate::order::{PlatformOrder, UnitStatus};
use crate::platforms::lines;
use crate::ports::{
    Acknowledge, Acknowledged, AfterSale, CancelLine, Cancellations, CarrierNaming, Confirmed,
    Cursor, MarketplaceAdapter, OrderQuery, Page, PlatformLabelRequest, PlatformLabels,
    PlatformLimits, RefundLine, Refunds, SellerFigures, ShipmentNotice, StockLevel, StockPush,
    TrackingUpdates, Webhooks,
};
use crate::shipment::{Label, LabelFormat, LabelRecord, NumberChanges, RateQuote, RateRequest};

/// Walmart's id as a platform.
pub const WALMART: PlatformId = PlatformId::from_static("walmart");

/// Names of the quota buckets, and their limits per seller.
pub mod quota {
    use crate::client::Quota;

    /// Bucket of the token call.
    pub const TOKEN: &str = "token";
    /// Bucket of lists and single orders.
    pub const ORDERS: &str = "orders";
    /// Bucket of acknowledging.
    pub const ACKNOWLEDGE: &str = "acknowledge";
    /// Bucket of shipping and tracking updates.
    pub const SHIP: &str = "ship";
    /// Bucket of cancelling.
    pub const CANCEL: &str = "cancel";
    /// Bucket of refunding.
    pub const REFUND: &str = "refund";
    /// Bucket of stock.
    pub const INVENTORY: &str = "inventory";
    /// Bucket of labels.
    pub const LABELS: &str = "labels";

    /// Bucket of returns and their refunds.
    pub const RETURNS: &str = "returns";
    /// Bucket of the figures of seller performance.
    pub const FIGURES: &str = "figures";
    /// Bucket of subscriptions to notifications.
    pub const WEBHOOKS: &str = "webhooks";

    /// "all orders and single order 5000/min".
    pub const ORDERS_LIMIT: Quota = Quota::per_minute(4_950).with_burst(50);
    /// "ship, cancel, refund 60/min each".
    pub const WRITE_LIMIT: Quota = Quota::per_minute(55).with_burst(5);
    /// "inventory PUT/GET 200/min".
    pub const INVENTORY_LIMIT: Quota = Quota::per_minute(190).with_burst(10);

    /// "returns 50/min".
    pub const RETURNS_LIMIT: Quota = Quota::per_minute(48).with_burst(5);

    /// "performance reports 1/min each": seven of them.
    pub const FIGURES_LIMIT: Quota = Quota::per_minute(7).with_burst(7);

    pub(super) const DEFAULTS: &[(&str, Quota)] = &[
        (ORDERS, ORDERS_LIMIT),
        // Nothing is stated for acknowledging, labels and subscriptions: as the other writes.
        (ACKNOWLEDGE, WRITE_LIMIT),
        (LABELS, WRITE_LIMIT),
        (SHIP, WRITE_LIMIT),
        (CANCEL, WRITE_LIMIT),
        (REFUND, WRITE_LIMIT),
        (INVENTORY, INVENTORY_LIMIT),
        (RETURNS, RETURNS_LIMIT),
        (FIGURES, FIGURES_LIMIT),
        (WEBHOOKS, WRITE_LIMIT),
    ];
}

/// How long to wait before sending again what was looked for and not found.
const AFTER_LOOKING: Duration = Duration::from_secs(2);

/// A shop on Walmart.
#[derive(Debug)]
pub struct Walmart {
    client: Client,
    reading: Reading,
    receiver: Receiver,
    clock: Arc<dyn Clock>,
}

impl Walmart {
    /// Checks the configuration. Nothing is sent.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] when keys, address or quotas cannot be right.
    pub fn new(config: WalmartConfig, transport: Arc<dyn Transport>) -> Result<Self> {
        for (field, key) in
            [("client_id", &config.client_id), ("client_secret", &config.client_secret)]
        {
            if key.is_blank() {
                return Err(
                    Error::new(ErrorKind::Configuration, "the key is empty").with_field(field)
                );
            }
        }
        if config.webhook_auth.is_open() {
            return Err(Error::new(
                ErrorKind::Configuration,
                "the secret of notifications is empty: anybody could send them",
            )
            .with_field("webhook_auth"));
        }
        let tokens = auth::KeyTokens {
            client_id: config.client_id.clone(),
            client_secret: config.client_secret.clone(),
        };
        let mut builder = Client::builder(
            Arc::new(dialect::WalmartDialect { market: config.market }),
            transport,
            &config.base_url,
            &config.account,
        )
        .token_source(Arc::new(tokens))
        .retry(config.retry)
        .clock(config.clock.clone())
        .secret(config.client_id.as_str())
        .secret(config.client_secret.as_str());
        for (bucket, quota) in quota::DEFAULTS {
            builder = builder.quota(*bucket, *quota);
        }
        let reading = Reading::of(&config);
        for (bucket, quota) in config.quotas {
            builder = builder.quota(bucket, quota);
        }
        Ok(Self {
            client: builder.build()?,
            reading,
            receiver: Receiver { auth: config.webhook_auth },
            clock: config.clock,
        })
    }

    /// Whether this is the market that has every ability.
    fn is_american(&self) -> bool {
        self.reading.market == Market::UnitedStates
    }

    async fn read(&self, id: &PlatformOrderId) -> Result<PlatformOrder> {
        self.client.call(&GetOrder { id, reading: self.reading }).await
    }

    /// The order after a write that was answered well. A good status proves nothing: the order in the
    /// answer, or the one that is read then, has to show what was asked for.
    async fn proven(
        &self,
        operation: &'static str,
        id: &PlatformOrderId,
        shown: map::Receipt,
        is_there: impl Fn(&PlatformOrder) -> bool,
    ) -> Result<PlatformOrder> {
        if let Some(order) = shown.order.filter(&is_there) {
            return Ok(order);
        }
        let vendor = VendorDetail { code: shown.code, ..VendorDetail::default() };
        let unproven = Error::new(
            ErrorKind::Ambiguous,
            "the call was answered well, and the order does not show what it asked for",
        )
        .with_retry(Retry::LookFirst)
        .with_vendor(vendor)
        .with_operation(WALMART.as_str(), operation)
        .with_context("order", id);
        match self.read(id).await {
            Ok(order) if is_there(&order) => Ok(order),
            Ok(_) => Err(unproven),
            Err(unread) => Err(unproven.with_source(unread)),
        }
    }
}

/// Reads the answer to a list of orders, as this adapter does it: for payloads that were kept, and
/// for measuring. Every order is read by itself, so that one that cannot be read costs only itself.
///
/// # Errors
/// [`ErrorKind::UnexpectedAnswer`] when the bytes are no list of orders.
pub fn read_list_page(body: &[u8], config: &WalmartConfig) -> Result<Page<PlatformOrder>> {
    map::page(body, Reading::of(config))
}

/// Whether a refusal carries these words of theirs.
fn says(error: &Error, words: &str) -> bool {
    let message = error.vendor().and_then(|vendor| vendor.message.as_deref()).unwrap_or_default();
    error.kind() == ErrorKind::Rejected
        && message.to_ascii_lowercase().contains(&words.to_ascii_lowercase())
}

/// The error for a call that was looked for and has not happened: safe to send again.
fn not_there(operation: &'static str, lost: Error) -> Error {
    Error::new(ErrorKind::Transient, "the answer was lost, and nothing had happened there")
        .with_operation(WALMART.as_str(), operation)
        .with_retry(Retry::After(AFTER_LOOKING))
        .with_source(lost)
}

#[async_trait]
impl MarketplaceAdapter for Walmart {
    fn platform(&self) -> PlatformId {
        WALMART
    }

    fn limits(&self) -> PlatformLimits {
        PlatformLimits {
            needs_acknowledgement: true,
            partial_shipment: true,
            packages_per_line_many: true,
            combine_orders: false,
            split_orders: true,
            untracked_allowed: false,
            tracking_update: if self.is_american() {
                NumberChanges::MANY
            } else {
                NumberChanges::NEVER
            },
            cancel_request_refusable: false,
            platform_deadlines: true,
            masked_recipient: false,
            page_size: calls::PAGE_SIZE,
            history_days: 180,
            sandbox: self.is_american(),
            ..PlatformLimits::default()
        }
    }

    async fn list_orders(
        &self,
        query: &OrderQuery,
        cursor: Option<&Cursor>,
    ) -> Result<Page<PlatformOrder>> {
        self.client.call(&ListOrders { query, cursor, reading: self.reading }).await
    }

    async fn get_order(&self, id: &PlatformOrderId) -> Result<PlatformOrder> {
        self.read(id).await
    }

    async fn confirm_shipment(
        &self,
        notice: &ShipmentNotice,
        _key: &IdempotencyKey,
    ) -> Result<Confirmed> {
        let call = ShipLines { notice, replaces: None, reading: self.reading };
        // What is wrong with the notice is told before anything is asked.
        let _ = call.request()?;
        // There is no key, and the platform refuses a repetition only when no units are left: what
        // it already has under our number is not sent again.
        let before = self.read(&notice.order).await?;
        let missing = settle::missing(&before, notice);
        if missing.is_empty() && !notice.lines.is_empty() {
            return Ok(Confirmed { already: true, order: Some(Box::new(before)) });
        }
        let rest = ShipmentNotice {
            lines: missing,
            // Never before the order, never in the future: clocks differ by seconds.
            shipped_at: notice.shipped_at.min(self.clock.now()).max(before.placed_at),
            ..notice.clone()
        };
        let call = ShipLines { notice: &rest, replaces: None, reading: self.reading };
        let error = match self.client.call(&call).await {
            Ok(shown) => {
                let is_there = |order: &PlatformOrder| settle::missing(order, notice).is_empty();
                let order = self.proven("confirm_shipment", &notice.order, shown, is_there).await?;
                return Ok(Confirmed { already: false, order: Some(Box::new(order)) });
            }
            Err(error) => error,
        };
        if !(error.is_ambiguous() || says(&error, "OverShipped")) {
            return Err(error);
        }
        let order = match self.read(&notice.order).await {
            Ok(order) => order,
            Err(_) if error.is_ambiguous() => return Err(error),
            // "OverShipped" may be the echo of our own earlier call: not yet a refusal.
            Err(unread) => {
                return Err(Error::new(
                    ErrorKind::Ambiguous,
                    "the units are said to be shipped, and the order could not be read",
                )
                .with_operation(WALMART.as_str(), "confirm_shipment")
                .with_source(unread));
            }
        };
        match settle::shipped(&order, notice) {
            settle::Shown::Ours => Ok(Confirmed { already: true, order: Some(Box::new(order)) }),
            settle::Shown::Another => Err(Error::new(
                ErrorKind::Conflict,
                "the units were shipped under another tracking number",
            )
            .with_operation(WALMART.as_str(), "confirm_shipment")
            .with_context("order", &notice.order)),
            settle::Shown::PartlyOurs => Err(error),
            settle::Shown::Not if error.is_ambiguous() => Err(not_there("confirm_shipment", error)),
            settle::Shown::Not => Err(error),
        }
    }

    fn carrier_name(&self, carrier: &CarrierId, _service: &ServiceCode) -> CarrierNaming {
        carriers::naming(carrier.as_str(), self.reading.market)
    }

    fn acknowledge(&self) -> Option<&dyn Acknowledge> {
        Some(self)
    }

    fn cancellations(&self) -> Option<&dyn Cancellations> {
        Some(self)
    }

    fn refunds(&self) -> Option<&dyn Refunds> {
        Some(self)
    }

    fn tracking_updates(&self) -> Option<&dyn TrackingUpdates> {
        self.is_american().then_some(self as &dyn TrackingUpdates)
    }

    fn labels(&self) -> Option<&dyn PlatformLabels> {
        self.is_american().then_some(self as &dyn PlatformLabels)
    }

    fn stock(&self) -> Option<&dyn StockPush> {
        Some(self)
    }

    fn after_sale(&self) -> Option<&dyn AfterSale> {
        self.is_american().then_some(self as &dyn AfterSale)
    }

    fn webhooks(&self) -> Option<&dyn Webhooks> {
        // Without a way to check who sent it, a notification proves nothing.
        (self.is_american() && !matches!(self.receiver.auth, WebhookAuth::None))
            .then_some(&self.receiver as &dyn Webhooks)
    }

    fn figures(&self) -> Option<&dyn SellerFigures> {
        self.is_american().then_some(self as &dyn SellerFigures)
    }
}

#[async_trait]
impl Acknowledge for Walmart {
    async fn acknowledge(&self, id: &PlatformOrderId) -> Result<Acknowledged> {
        let error = match self.client.call(&AcknowledgeOrder { id, reading: self.reading }).await {
            Ok(order) => {
                return Ok(Acknowledged { already: false, order: order.map(Box::new) });
            }
            Err(error) => error,
        };
        if !says(&error, "higher status") {
            return Err(error);
        }
        let order = self.read(id).await?;
        let still_new = order
            .lines
            .iter()
            .flat_map(|line| &line.units)
            .any(|group| group.units > 0 && group.status == UnitStatus::New);
        if still_new {
            return Err(error);
        }
        Ok(Acknowledged { already: true, order: Some(Box::new(order)) })
    }
}

#[async_trait]
impl Cancellations for Walmart {
    async fn cancel(&self, order: &PlatformOrderId, lines: &[CancelLine]) -> Result<()> {
        lines::once(lines.iter().map(|line| &line.line))?;
        // Walmart takes how many more, and no key.
        let before = self.read(order).await?;
        let left = settle::left_to_cancel(&before, lines)?;
        if left.is_empty() {
            return Ok(());
        }
        let call = CancelLines { order, lines: &left, reading: self.reading };
        let error = match self.client.call(&call).await {
            Ok(shown) => {
                let is_there = |order: &PlatformOrder| settle::shows_cancelled(order, lines);
                return self.proven("cancel", order, shown, is_there).await.map(|_| ());
            }
            Err(error) => error,
        };
        if !(error.is_ambiguous() || error.kind() == ErrorKind::Rejected) {
            return Err(error);
        }
        let Ok(now) = self.read(order).await else { return Err(error) };
        match settle::cancelled(&before, &now, lines) {
            settle::Cancelled::All => Ok(()),
            settle::Cancelled::None if error.is_ambiguous() => Err(not_there("cancel", error)),
            settle::Cancelled::None | settle::Cancelled::Unclear => Err(error),
        }
    }

    async fn refuse_request(&self, _order: &PlatformOrderId, _reason: &str) -> Result<()> {
        Err(Error::unsupported(
            "Walmart lets nobody refuse a wish to cancel; shipping with the override is the answer",
        )
        .with_operation(WALMART.as_str(), "refuse_request"))
    }
}

impl Walmart {
    /// Refuses an amount that can be no payment in the market: of another currency, below zero, or with
    /// parts of its smallest coin.
    fn payable(&self, field: &'static str, money: Money) -> Result<()> {
        let currency = self.reading.market.currency();
        if money.currency != currency {
            return Err(Error::invalid(field, format!("must be in {currency}")));
        }
        if money.is_negative() {
            return Err(Error::invalid(field, "must not be below zero"));
        }
        if money.amount.normalize().scale() > currency.minor_digits() {
            return Err(Error::invalid(field, "has parts of the smallest coin"));
        }
        Ok(())
    }
}

#[async_trait]
impl Refunds for Walmart {
    async fn refund(
        &self,
        order: &PlatformOrderId,
        lines: &[RefundLine],
        _key: &IdempotencyKey,
    ) -> Result<()> {
        if lines.is_empty() {
            return Err(Error::invalid("lines", "a refund needs at least one line"));
        }
        lines::once(lines.iter().map(|line| &line.line))?;
        let mut partly = Vec::new();
        for line in lines {
            let Some(amount) = line.amount else { continue };
            self.payable("lines.amount", amount)?;
            if amount.amount.is_zero() {
                return Err(Error::invalid("lines.amount", "must be above zero"));
            }
            if let Some(tax) = line.tax {
                self.payable("lines.tax", tax)?;
            }
            partly.push(RefundEntry { line, parts: vec![RefundPart { amount, tax: line.tax }] });
        }
        let mut wholly = Vec::new();
        if partly.len() < lines.len() {
            let known = self.read(order).await?;
            for line in lines.iter().filter(|line| line.amount.is_none()) {
                let amount = known
                    .lines
                    .iter()
                    .find(|known| known.id == line.line)
                    .and_then(settle::paid_for_goods)
                    .ok_or_else(|| {
                        Error::invalid("lines.line", "is no line of the order that cost anything")
                    })?;
                let parts = vec![RefundPart { amount, tax: None }];
                wholly.push(RefundEntry { line, parts });
            }
        }
        let (has_full, has_partial) = (!wholly.is_empty(), !partly.is_empty());
        if has_full {
            let call = RefundLines { order, lines: wholly, reading: self.reading };
            self.client.call(&call).await?;
        }
        if has_partial {
            let call = RefundLines { order, lines: partly, reading: self.reading };
            let sent = self.client.call(&call).await;
            sent.map_err(|error| match has_full {
                // Sending all of it again would refund the first part twice.
                true => error
                    .with_retry(Retry::LookFirst)
                    .with_context("refunded_before", "the lines to refund wholly"),
                false => error,
            })?;
        }
        Ok(())
    }
}

#[async_trait]
impl TrackingUpdates for Walmart {
    async fn update_tracking(&self, old: &TrackingNumber, notice: &ShipmentNotice) -> Result<()> {
        let call = ShipLines { notice, replaces: Some(old), reading: self.reading };
        let _ = call.request()?;
        let before = self.read(&notice.order).await?;
        if settle::missing(&before, notice).is_empty() {
            return Ok(());
        }
        if !settle::has_number(&before, notice, old) {
            return Err(Error::new(
                ErrorKind::Conflict,
                "the order does not show the number that is to be replaced",
            )
            .with_retry(Retry::Never)
            .with_operation(WALMART.as_str(), "update_tracking")
            .with_context("order", &notice.order));
        }
        let error = match self.client.call(&call).await {
            // Which of the two fields takes the new number is not documented beyond doubt: only an
            // order that shows it is a success.
            Ok(_) if settle::missing(&self.read(&notice.order).await?, notice).is_empty() => {
                return Ok(());
            }
            Ok(_) => {
                return Err(Error::new(
                    ErrorKind::UnexpectedAnswer,
                    "the change was taken, but the order does not show the new number",
                )
                .with_retry(Retry::LookFirst)
                .with_operation(WALMART.as_str(), "update_tracking")
                .with_context("order", &notice.order));
            }
            Err(error) => error,
        };
        if !(error.is_ambiguous() || error.kind() == ErrorKind::Rejected) {
            return Err(error);
        }
        let Ok(order) = self.read(&notice.order).await else { return Err(error) };
        match settle::shipped(&order, notice) {
            settle::Shown::Ours => Ok(()),
            settle::Shown::PartlyOurs => Err(error),
            _ if error.is_ambiguous() => Err(not_there("update_tracking", error)),
            _ => Err(error),
        }
    }
}

#[async_trait]
impl PlatformLabels for Walmart {
    async fn rates(
        &self,
        order: &PlatformOrderId,
        request: &RateRequest,
    ) -> Result<Vec<RateQuote>> {
        let order = self.read(order).await?;
        let items = BoxItem::of_order(&order)?;
        let now = self.clock.now();
        self.client.call(&EstimateRates { order: &order, items: &items, request, now }).await
    }

    async fn buy(&self, request: &PlatformLabelRequest, key: &IdempotencyKey) -> Result<Label> {
        let order = self.read(&request.order).await?;
        let items = BoxItem::of_lines(&order, &request.lines)?;
        if items.is_empty() {
            return Err(Error::invalid("lines", "a label needs at least one line"));
        }
        let existing = self.client.call(&ListLabels { order: &request.order }).await?;
        let found = existing.into_iter().find(|label| label.holds(&items));
        let sold = match found {
            Some(_) if settle::may_have_twin(&order, &items) => {
                // It may be this parcel's label or its twin's: one number on two parcels, or one
                // label too many, are both wrong.
                return Err(Error::new(
                    ErrorKind::Conflict,
                    "a label for the same contents exists, and the order may have two such parcels",
                )
                .with_operation(WALMART.as_str(), "buy_label")
                .with_context("order", &request.order));
            }
            Some(label) => label,
            None => {
                let label = &request.label;
                let call = BuyLabel { order: &request.order, items: &items, label };
                self.client.call(&call).await?
            }
        };
        let png = request.label.format == LabelFormat::Png;
        // The label is bought: a document that is late must not make it look as if it were not.
        let record = sold.record(*key, Some(&request.label), self.clock.now(), Vec::new())?;
        match self.client.call(&DownloadLabel { sold: &sold, png }).await {
            Ok(document) => Ok(labels::with_document(record, document)),
            Err(_) => Ok(Label { record, documents: Vec::new() }),
        }
    }

    async fn existing(&self, order: &PlatformOrderId) -> Result<Vec<Label>> {
        let sold = self.client.call(&ListLabels { order }).await?;
        let mut labels = Vec::with_capacity(sold.len());
        for label in sold {
            // Walmart does not know our key: one that is the same every time stands in for it.
            let key =
                IdempotencyKey::derive(&["walmart-label", order.as_str(), &label.tracking_no]);
            let record = label.record(key, None, self.clock.now(), Vec::new())?;
            let download = DownloadLabel { sold: &label, png: false };
            labels.push(match self.client.call(&download).await {
                Ok(document) => labels::with_document(record, document),
                Err(_) => Label { record, documents: Vec::new() },
            });
        }
        Ok(labels)
    }

    async fn discard(&self, label: &LabelRecord) -> Result<()> {
        match self.client.call(&DiscardLabel { label }).await {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }
}

#[async_trait]
impl StockPush for Walmart {
    async fn push_stock(&self, levels: &[StockLevel]) -> Vec<Result<()>> {
        let mut outcomes = Vec::with_capacity(levels.len());
        for level in levels {
            outcomes.push(self.client.call(&PutInventory { level }).await);
        }
        outcomes
    }
}
