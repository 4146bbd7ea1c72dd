//! What a marketplace adapter does.

use std::fmt::Debug;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::PageWalk;
use crate::error::Result;
use crate::ids::{
    IdempotencyKey, LineId, PackageId, PlatformId, PlatformOrderId, ServiceCode, Sku,
    TrackingNumber, WarehouseId,
};
use crate::money::Money;
use crate::order::{AfterSaleCase, CaseKind, LogisticsMode, PlatformOrder};
use crate::personal::Personal;
use crate::shipment::{Label, NumberChanges, RateQuote, RateRequest};

/// A marketplace, seen through one shop's account.
///
/// Object-safe; every call may fail with an [`Error`](crate::Error) that says whether to send again.
#[async_trait]
pub trait MarketplaceAdapter: Debug + Send + Sync + 'static {
    /// Which platform this is.
    fn platform(&self) -> PlatformId;

    /// What the platform can and cannot do. Asked before acting.
    fn limits(&self) -> PlatformLimits;

    /// One page of orders. An order that cannot be read is an [`Unreadable`] item of the page; it
    /// never costs the others.
    async fn list_orders(
        &self,
        query: &OrderQuery,
        cursor: Option<&Cursor>,
    ) -> Result<Page<PlatformOrder>>;

    /// One order.
    async fn get_order(&self, id: &PlatformOrderId) -> Result<PlatformOrder>;

    /// Tells the platform that a parcel has left, with its tracking number. Telling it twice is
    /// success ([`Confirmed::already`]); another number for the same units is a
    /// [`Conflict`](crate::ErrorKind::Conflict).
    async fn confirm_shipment(
        &self,
        notice: &ShipmentNotice,
        key: &IdempotencyKey,
    ) -> Result<Confirmed>;

    /// The platform's name for a carrier's service, if shipments can be confirmed with it.
    /// Checked *before* a label is bought.
    fn carrier_name(&self, carrier: &crate::CarrierId, service: &ServiceCode) -> CarrierNaming;

    /// Acknowledging orders.
    fn acknowledge(&self) -> Option<&dyn Acknowledge> {
        None
    }

    /// Cancelling orders.
    fn cancellations(&self) -> Option<&dyn Cancellations> {
        None
    }

    /// Refunding buyers.
    fn refunds(&self) -> Option<&dyn Refunds> {
        None
    }

    /// Changing a tracking number that the platform already has.
    fn tracking_updates(&self) -> Option<&dyn TrackingUpdates> {
        None
    }

    /// Labels that the platform itself sells or issues.
    fn labels(&self) -> Option<&dyn PlatformLabels> {
        None
    }

    /// Stock levels.
    fn stock(&self) -> Option<&dyn StockPush> {
        None
    }

    /// Messages to buyers.
    fn messages(&self) -> Option<&dyn BuyerMessages> {
        None
    }

    /// Notifications sent by the platform.
    fn webhooks(&self) -> Option<&dyn Webhooks> {
        None
    }

    /// Notifications that were sent and did not arrive.
    fn missed_notices(&self) -> Option<&dyn MissedNotices> {
        None
    }

    /// Splitting and combining orders into parcels on the platform.
    fn parcels(&self) -> Option<&dyn PlatformParcels> {
        None
    }

    /// What buyers ask for after the sale: cancellations, claims, returns, refunds.
    fn after_sale(&self) -> Option<&dyn AfterSale> {
        None
    }

    /// The figures by which the platform judges the seller.
    fn figures(&self) -> Option<&dyn SellerFigures> {
        None
    }
}

/// How a carrier is called on a platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CarrierNaming {
    /// By the platform's own code.
    Code(String),
    /// By a free name; the platform then wants a tracking page.
    Other {
        /// The name shown.
        name: String,
    },
    /// Not at all: a label of this carrier cannot be confirmed here.
    Unsupported,
}

/// What a platform can and cannot do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PlatformLimits {
    /// Orders must be acknowledged.
    pub needs_acknowledgement: bool,
    /// Part of an order, or part of a line, may be shipped.
    pub partial_shipment: bool,
    /// Several parcels may carry units of one line.
    pub packages_per_line_many: bool,
    /// Orders to one address may share a parcel.
    pub combine_orders: bool,
    /// An order may leave in several parcels.
    pub split_orders: bool,
    /// Shipping without a tracking number is possible.
    pub untracked_allowed: bool,
    /// How often a tracking number may be changed after upload.
    pub tracking_update: NumberChanges,
    /// A buyer's wish to cancel may be refused.
    pub cancel_request_refusable: bool,
    /// The platform puts deadlines on orders.
    pub platform_deadlines: bool,
    /// Recipients may be masked.
    pub masked_recipient: bool,
    /// Largest page of a list.
    pub page_size: u32,
    /// How far back orders can be listed, in days.
    pub history_days: u32,
    /// How long the platform takes until a change shows up in lists, in seconds.
    pub listing_lag_seconds: u32,
    /// Lists of changed orders contain those that were cancelled. Where they do not, open orders are
    /// read again one by one.
    pub lists_cancelled: bool,
    /// A parcel that moves makes its order appear in lists of changed orders. Where it does not, open
    /// orders are read again one by one.
    pub lists_movements: bool,
    /// There is a test environment.
    pub sandbox: bool,
}

impl Default for PlatformLimits {
    fn default() -> Self {
        Self {
            needs_acknowledgement: false,
            partial_shipment: false,
            packages_per_line_many: false,
            combine_orders: false,
            split_orders: false,
            untracked_allowed: false,
            tracking_update: NumberChanges::NEVER,
            cancel_request_refusable: false,
            platform_deadlines: false,
            masked_recipient: false,
            page_size: 100,
            history_days: 30,
            listing_lag_seconds: 120,
            lists_cancelled: true,
            lists_movements: true,
            sandbox: false,
        }
    }
}

/// Which orders to list. The window is half-open: `from` is in, `to` is out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OrderQuery {
    /// Placed in a window.
    Created {
        /// Begin.
        from: DateTime<Utc>,
        /// End.
        to: DateTime<Utc>,
    },
    /// Changed in a window.
    Updated {
        /// Begin.
        from: DateTime<Utc>,
        /// End.
        to: DateTime<Utc>,
    },
    /// Waiting for the seller's first step: acknowledgement where the platform wants one, else
    /// shipment. As far back as the platform lists by itself.
    Released,
}

/// The platform's token for the next page, kept word for word.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(String);

impl Cursor {
    /// Wraps a token.
    #[must_use]
    pub fn new(token: impl Into<String>) -> Self {
        Self(token.into())
    }

    /// The token.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// What could be read, and what could not.
    pub items: Vec<PlatformItem<T>>,
    /// Where to go on; `None` is the end.
    pub next: Option<Cursor>,
}

/// An item of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlatformItem<T> {
    /// Read.
    Read(Box<T>),
    /// Not readable; kept so that nothing is lost.
    Unreadable(Unreadable),
}

/// An order that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreadable {
    /// Its id, if at least that could be read.
    pub id: Option<PlatformOrderId>,
    /// Why, naming the field.
    pub reason: String,
    /// The platform's bytes of it.
    pub raw: Personal<String>,
    /// The platform failed for now: it is to be asked for this order again, one by one, until it
    /// answers.
    #[serde(default)]
    pub is_passing: bool,
}

impl Unreadable {
    /// An order that asking again would not make readable.
    #[must_use]
    pub fn new(
        id: Option<PlatformOrderId>,
        reason: impl Into<String>,
        raw: impl Into<Personal<String>>,
    ) -> Self {
        Self { id, reason: reason.into(), raw: raw.into(), is_passing: false }
    }

    /// One that the platform failed to show for now.
    #[must_use]
    pub fn passing(mut self) -> Self {
        self.is_passing = true;
        self
    }
}

impl<T> From<Unreadable> for PlatformItem<T> {
    fn from(unreadable: Unreadable) -> Self {
        Self::Unreadable(unreadable)
    }
}

/// Tells the platform that a parcel has left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShipmentNotice {
    /// Which order.
    pub order: PlatformOrderId,
    /// Our parcel, for logs.
    pub package: PackageId,
    /// What is in it.
    pub lines: Vec<ShipmentNoticeLine>,
    /// Who carries it.
    pub carrier: crate::CarrierId,
    /// With which service.
    pub service: ServiceCode,
    /// Under which number; `None` only where the platform allows untracked shipping.
    pub number: Option<TrackingNumber>,
    /// A page that shows where it is.
    pub tracking_url: Option<String>,
    /// When it really left.
    pub shipped_at: DateTime<Utc>,
    /// The service the buyer chose, word for word, where the platform wants it back.
    pub requested_service: Option<String>,
    /// Whether the lines are shipped although the buyer asked to cancel.
    pub override_cancel_request: bool,
}

/// Units of a line in a shipped parcel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShipmentNoticeLine {
    /// Which line.
    pub line: LineId,
    /// The seller's own name for it, at most 30 characters where the platform wants one.
    pub reference: Option<String>,
    /// How many units.
    pub units: u32,
}

/// The platform took a shipment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmed {
    /// It had it before.
    pub already: bool,
    /// The order as the platform showed it with its answer.
    pub order: Option<Box<PlatformOrder>>,
}

/// Acknowledging orders.
#[async_trait]
pub trait Acknowledge: Send + Sync {
    /// Accepts an order. Doing it twice is success.
    async fn acknowledge(&self, order: &PlatformOrderId) -> Result<Acknowledged>;
}

/// The platform took an acknowledgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledged {
    /// It had been acknowledged before.
    pub already: bool,
    /// The order as the platform showed it with its answer.
    pub order: Option<Box<PlatformOrder>>,
}

/// Cancelling orders, wholly or by lines.
#[async_trait]
pub trait Cancellations: Send + Sync {
    /// Cancels units of an order, until as many of each line are cancelled as named. `Ok` means that the platform has
    /// taken the cancellation of all of them: units that were cancelled before count as taken, so
    /// that asking twice is success. It does not mean that a read shows it yet, nor that the buyer's
    /// money is back. What became of the order is what the next read says.
    ///
    /// # Errors
    /// [`Rejected`](crate::ErrorKind::Rejected) when units have shipped or the platform refuses the
    /// reason. Where a platform takes the lines in several calls, those before the refused one stay
    /// cancelled: read the order again. [`Unsupported`](crate::ErrorKind::Unsupported), before
    /// anything is sent, for a part of an order where the platform cancels whole orders only, or for
    /// a reason it has no word for. [`InvalidInput`](crate::ErrorKind::InvalidInput) when no line is
    /// named or a line is none of the order's, [`NotFound`](crate::ErrorKind::NotFound) when there is
    /// no such order. After an error that [is ambiguous](crate::Error::is_ambiguous) the units may be
    /// cancelled; the same call may be sent again.
    async fn cancel(&self, order: &PlatformOrderId, lines: &[CancelLine]) -> Result<()>;

    /// Refuses a buyer's wish to cancel. `Ok` means that the platform has the refusal and the order
    /// goes on. `reason` is the platform's own code where it wants one.
    ///
    /// # Errors
    /// [`Unsupported`](crate::ErrorKind::Unsupported) where the platform lets nobody refuse
    /// ([`PlatformLimits::cancel_request_refusable`]), [`NotFound`](crate::ErrorKind::NotFound) when
    /// no wish waits for an answer, also when it was answered before.
    async fn refuse_request(&self, order: &PlatformOrderId, reason: &str) -> Result<()>;
}

/// Units to cancel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelLine {
    /// Which line.
    pub line: LineId,
    /// How many units of the line shall be cancelled in all, those of before included: so that the same
    /// call may be sent again.
    pub units: u32,
    /// Why.
    pub reason: crate::order::CancelReason,
}

/// Refunding buyers.
#[async_trait]
pub trait Refunds: Send + Sync {
    /// Gives money back for shipped lines. Never sent again after a lost answer: look first.
    async fn refund(
        &self,
        order: &PlatformOrderId,
        lines: &[RefundLine],
        key: &IdempotencyKey,
    ) -> Result<()>;
}

/// Money to give back for a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundLine {
    /// Which line.
    pub line: LineId,
    /// `None` refunds the line wholly, with tax and shipping.
    pub amount: Option<Money>,
    /// Tax that goes back with a partial amount.
    pub tax: Option<Money>,
    /// Why, in the platform's words or ours.
    pub reason: String,
    /// A comment for the buyer.
    pub comment: Option<String>,
}

/// Changing a tracking number that the platform already has.
#[async_trait]
pub trait TrackingUpdates: Send + Sync {
    /// Replaces the number `old` by the one of the notice.
    async fn update_tracking(&self, old: &TrackingNumber, notice: &ShipmentNotice) -> Result<()>;
}

/// Labels that the platform itself sells or issues.
#[async_trait]
pub trait PlatformLabels: Send + Sync {
    /// Prices, where the seller may choose.
    async fn rates(&self, order: &PlatformOrderId, request: &RateRequest)
    -> Result<Vec<RateQuote>>;

    /// Buys or fetches the label of a parcel. Looks first: a label that exists is returned.
    async fn buy(&self, request: &PlatformLabelRequest, key: &IdempotencyKey) -> Result<Label>;

    /// The labels that exist for an order: for recovery after a lost answer.
    async fn existing(&self, order: &PlatformOrderId) -> Result<Vec<Label>>;

    /// Gives a label back.
    async fn discard(&self, label: &crate::shipment::LabelRecord) -> Result<()>;
}

/// A parcel to label through the platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformLabelRequest {
    /// Which order.
    pub order: PlatformOrderId,
    /// Our parcel.
    pub package: PackageId,
    /// How the order is shipped.
    pub logistics: LogisticsMode,
    /// What is in it.
    pub lines: Vec<ShipmentNoticeLine>,
    /// What to buy.
    pub label: crate::shipment::LabelRequest,
}

/// Stock levels on the platform.
#[async_trait]
pub trait StockPush: Send + Sync {
    /// Sets absolute quantities. One outcome per level, in order.
    async fn push_stock(&self, levels: &[StockLevel]) -> Vec<Result<()>>;
}

/// Units available of a SKU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockLevel {
    /// Which SKU.
    pub sku: Sku,
    /// Where it is offered, on platforms that count stock by listing. An adapter that needs one and
    /// cannot find it by the SKU answers that level with [`Invalid`](crate::ErrorKind::InvalidInput).
    #[serde(default)]
    pub listing: Option<Listing>,
    /// At which place, where the platform knows several.
    pub warehouse: Option<WarehouseId>,
    /// How many units can be sold.
    pub units: u32,
}

/// An offer on a platform, in the platform's ids.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Listing {
    /// The item or product.
    pub item: String,
    /// The variation or the platform's own id of the SKU, where an item has several.
    pub variant: Option<String>,
}

/// Messages to buyers.
#[async_trait]
pub trait BuyerMessages: Send + Sync {
    /// Sends a message about an order, at most once per key.
    async fn send_message(
        &self,
        order: &PlatformOrderId,
        text: &Personal<String>,
        key: &IdempotencyKey,
    ) -> Result<()>;

    /// Whether sending again after a lost answer is harmless, because the platform takes the key or
    /// the adapter looks first whether the message is there. Default no: a person is asked to look.
    fn may_repeat(&self) -> bool {
        false
    }
}

/// Notifications sent by the platform: verify and read, no I/O.
pub trait Webhooks: Send + Sync {
    /// Checks signature and age, then reads. A notice is a hint: read the order again.
    ///
    /// # Errors
    /// [`AuthRejected`](crate::ErrorKind::AuthRejected) when the signature does not fit,
    /// [`UnexpectedAnswer`](crate::ErrorKind::UnexpectedAnswer) when the body is not readable,
    /// [`Rejected`](crate::ErrorKind::Rejected) when it is about another shop than the adapter's.
    fn receive(&self, request: &WebhookRequest<'_>, now: DateTime<Utc>) -> Result<WebhookNotice>;
}

/// A notification as it came in.
#[derive(Clone, Copy)]
pub struct WebhookRequest<'a> {
    /// The verb, for example `POST`.
    pub method: &'a str,
    /// Path and query as received.
    pub path_and_query: &'a str,
    /// Headers, names in any case.
    pub headers: &'a [(&'a str, &'a str)],
    /// The bytes as received.
    pub body: &'a [u8],
}

impl WebhookRequest<'_> {
    /// A header by name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }
}

impl Debug for WebhookRequest<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WebhookRequest({}, {} bytes)", self.method, self.body.len())
    }
}

/// What a notification says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookNotice {
    /// The platform's id of it, for de-duplication.
    pub event_id: crate::EventId,
    /// Its kind, word for word.
    pub kind: String,
    /// The order it is about, if any.
    pub order: Option<PlatformOrderId>,
    /// When it was sent, if it says so.
    pub sent_at: Option<DateTime<Utc>>,
}

/// Notifications that were sent and did not arrive.
#[async_trait]
pub trait MissedNotices: Send + Sync {
    /// One page of them, as far back as the platform keeps them.
    async fn missed(&self, cursor: Option<&Cursor>) -> Result<Page<WebhookNotice>>;
}

/// Splitting and combining orders into parcels on the platform.
#[async_trait]
pub trait PlatformParcels: Send + Sync {
    /// Splits an order into the given parcels; all units must be in one. A platform that makes new
    /// orders of the parts returns their keys. Never sent again after a lost answer: look first.
    async fn split(
        &self,
        order: &PlatformOrderId,
        parcels: &[Vec<ShipmentNoticeLine>],
    ) -> Result<Vec<ParcelParts>>;

    /// Combines orders to one address into one parcel.
    async fn combine(&self, orders: &[PlatformOrderId]) -> Result<Vec<ParcelParts>>;
}

/// What became of a split or of a combination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParcelParts {
    /// The platform's id of the parcel, once it has one.
    pub package: Option<crate::ids::PlatformPackageId>,
    /// The orders in it, as far as the platform says.
    pub orders: Vec<PlatformOrderId>,
    /// The lines in it, as far as the platform says.
    pub lines: Vec<LineId>,
}

/// What buyers ask for after the sale.
#[async_trait]
pub trait AfterSale: Send + Sync {
    /// One page of the cases changed in a window, `from` in and `to` out.
    async fn cases(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        cursor: Option<&Cursor>,
    ) -> Result<Page<AfterSaleCase>>;

    /// One case.
    async fn case(&self, kind: &CaseKind, id: &str) -> Result<AfterSaleCase>;

    /// Answers a case. An answer the platform has no call for is
    /// [`Unsupported`](crate::ErrorKind::Unsupported), before anything is sent.
    async fn answer(
        &self,
        case: &AfterSaleCase,
        answer: &CaseAnswer,
        key: &IdempotencyKey,
    ) -> Result<()>;
}

/// What the seller answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CaseAnswer {
    /// Grants what was asked for.
    Accept,
    /// Gives a part of the money back; the buyer keeps the goods.
    PartialRefund {
        /// How much.
        amount: Money,
    },
    /// Takes the goods back first.
    AllowReturn,
    /// The goods came back as they should: the money may go.
    Received,
    /// Refuses.
    Refuse {
        /// Why, as the platform's own code.
        reason: String,
        /// What else to say.
        comment: Option<Personal<String>>,
    },
}

/// The figures by which the platform judges the seller.
#[async_trait]
pub trait SellerFigures: Send + Sync {
    /// All figures the platform shows now.
    async fn stated(&self) -> Result<Vec<StatedFigure>>;
}

/// A figure as the platform states it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatedFigure {
    /// The platform's name for it, word for word.
    pub name: String,
    /// The number of the KPI it corresponds to, for example `KPI-06`; `None` when there is none.
    pub kpi: Option<String>,
    /// As a fraction of 1, with the decimals given: 0.0228 is 2.28 %.
    #[serde(with = "rust_decimal::serde::str")]
    pub value: rust_decimal::Decimal,
    /// Its numerator, if given.
    pub numerator: Option<u64>,
    /// Its denominator, if given.
    pub denominator: Option<u64>,
    /// The value with everything the platform left out in the seller's favour, if given.
    #[serde(default, with = "rust_decimal::serde::str_option")]
    pub value_with_excluded: Option<rust_decimal::Decimal>,
    /// Begin of the window it is about.
    pub from: DateTime<Utc>,
    /// End of it.
    pub to: DateTime<Utc>,
}

/// Conveniences over every adapter. Nobody implements this by hand.
#[async_trait]
pub trait MarketplaceExt: MarketplaceAdapter {
    /// All pages of a query, handed to `store` one after the other. Returns how many items they had.
    ///
    /// # Errors
    /// Of the adapter or of `store`; [`UnexpectedAnswer`](crate::ErrorKind::UnexpectedAnswer) with an
    /// [`EndlessList`](super::EndlessList) as its source when the platform's list does not end.
    async fn for_each_page<F, Fut>(&self, query: &OrderQuery, mut store: F) -> Result<u64>
    where
        F: FnMut(Page<PlatformOrder>) -> Fut + Send,
        Fut: Future<Output = Result<()>> + Send,
    {
        let mut walk = PageWalk::new();
        let mut items = 0_u64;
        loop {
            let page = self.list_orders(query, walk.cursor()).await?;
            items += page.items.len() as u64;
            let next = page.next.clone();
            store(page).await?;
            if !walk.go_on(next).map_err(|list| list.of(&self.platform(), "list_orders"))? {
                return Ok(items);
            }
        }
    }
}

impl<T: MarketplaceAdapter + ?Sized> MarketplaceExt for T {}
