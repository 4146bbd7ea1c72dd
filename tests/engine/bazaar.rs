//! A marketplace with every ability, whose answers tests can delay, lose and refuse.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use orderflow::calendar::WorkCalendar;
use orderflow::engine::{Engine, EngineBuilder, EnginePolicy, ItemOutcome, Shop};
use orderflow::order::{PlatformOrder, UnitGroup, UnitStatus};
use orderflow::ports::store::Store;
use orderflow::ports::{
    Acknowledge, Acknowledged, AfterSale, AfterSaleCase, BuyerMessages, CancelLine, Cancellations,
    CarrierNaming, CaseAnswer, CaseKind, Confirmed, Cursor, MarketplaceAdapter, MissedNotices,
    OrderQuery, Page, PlatformItem, PlatformLimits, RefundLine, Refunds, SellerFigures,
    ShipmentNotice, StatedFigure, StockLevel, StockPush, Unreadable, WebhookNotice, WebhookRequest,
    Webhooks,
};
use orderflow::store::{MemoryStock, MemoryStore};
use orderflow::warehouse::{FulfillmentChannel, Warehouse};
use orderflow::{
    CarrierId, Error, ErrorKind, EventId, IdempotencyKey, OrderKey, Personal, PlatformId,
    PlatformOrderId, Result, ServiceCode, ShopId, ShopKey, Sku, WarehouseId,
};

use super::house::at;
use super::support::{recipient, snapshot};

/// What a bazaar does besides selling.
#[derive(Debug, Default)]
pub(crate) struct Book {
    pub(crate) orders: BTreeMap<String, PlatformOrder>,
    /// Orders that lists leave out.
    pub(crate) unlisted: BTreeSet<String>,
    pub(crate) locked_out: bool,
    /// Reading is allowed, writing is not.
    pub(crate) read_only: bool,
    /// Answers to single reads fail for a while.
    pub(crate) shaky: bool,
    pub(crate) refuses_stock: bool,
    pub(crate) loses_answers: bool,
    pub(crate) answers_after: Option<Duration>,
    /// Calls of these names never end.
    pub(crate) hangs: BTreeSet<&'static str>,
    /// Calls of these names panic.
    pub(crate) panics: BTreeSet<&'static str>,
    /// Orders that it fails to show for a while, in lists and alone.
    pub(crate) failing: BTreeSet<String>,
    /// Acknowledgements of orders with smaller ids never end.
    pub(crate) hangs_below: Option<String>,
    /// Orders on a page; all of them, unless said.
    pub(crate) page_size: Option<usize>,
    /// Lists lead from page to page and back.
    pub(crate) goes_round: bool,
    pub(crate) confirmed: Vec<String>,
    pub(crate) cursors: Vec<Option<String>>,
    pub(crate) reads: Vec<String>,
    pub(crate) acknowledged: Vec<String>,
    pub(crate) cancelled: Vec<String>,
    /// As they were asked for.
    pub(crate) cancelled_units: Vec<u32>,
    pub(crate) refunds: usize,
    pub(crate) messages: Vec<String>,
    pub(crate) levels: Vec<(Sku, u32)>,
    pub(crate) lists: usize,
    /// Cancellations are taken, but not shown yet.
    pub(crate) cancels_late: bool,
    pub(crate) asked: Vec<OrderQuery>,
    pub(crate) missed: Vec<WebhookNotice>,
    pub(crate) cases: Vec<AfterSaleCase>,
    pub(crate) case_windows: Vec<(DateTime<Utc>, DateTime<Utc>)>,
    /// Orders that are shown under another id.
    pub(crate) known_as: BTreeMap<String, String>,
    pub(crate) takes_no_acknowledgement: bool,
    /// Sending a message again is harmless.
    pub(crate) looks_for_messages: bool,
}

/// A marketplace with every ability.
#[derive(Debug, Default)]
pub(crate) struct Bazaar {
    book: Mutex<Book>,
    lists_everything: bool,
}

impl Bazaar {
    pub(crate) fn new(ids: &[&str]) -> Arc<Self> {
        let bazaar = Self { lists_everything: true, ..Self::default() };
        for id in ids {
            bazaar.sell(id);
        }
        Arc::new(bazaar)
    }

    /// One whose lists leave out what they like.
    pub(crate) fn forgetful(ids: &[&str]) -> Arc<Self> {
        let bazaar = Self::default();
        ids.iter().for_each(|id| bazaar.sell(id));
        Arc::new(bazaar)
    }

    pub(crate) fn sell(&self, id: &str) {
        let mut order = snapshot(id, &[("1", 2)]);
        order.placed_at = at(-2);
        order.paid_at = Some(at(-2));
        order.updated_at = Some(at(-1));
        self.book().orders.insert(id.into(), order);
    }

    pub(crate) fn cancel_there(&self, id: &str) {
        let mut book = self.book();
        let order = book.orders.get_mut(id).unwrap();
        order.updated_at = Some(at(0));
        for line in &mut order.lines {
            line.units = vec![UnitGroup {
                reason: Some("the buyer".into()),
                ..UnitGroup::new(UnitStatus::Cancelled, line.quantity)
            }];
        }
    }

    pub(crate) fn book(&self) -> std::sync::MutexGuard<'_, Book> {
        self.book.lock().unwrap()
    }

    async fn wait(&self, call: &'static str) -> Result<()> {
        let (locked_out, pause, hangs) = {
            let book = self.book();
            (book.locked_out, book.answers_after, book.hangs.contains(call))
        };
        if hangs {
            std::future::pending::<()>().await;
        }
        let panics = self.book().panics.contains(call);
        assert!(!panics, "the call {call} of the bazaar is broken");
        if locked_out {
            return Err(Error::new(ErrorKind::AuthRejected, "the seller withdrew the consent"));
        }
        if let Some(pause) = pause {
            tokio::time::sleep(pause).await;
        }
        Ok(())
    }

    fn write(&self) -> Result<()> {
        match self.book().read_only {
            true => Err(Error::new(ErrorKind::AuthRejected, "the seller took the right to write")),
            false => Ok(()),
        }
    }

    fn lost(&self) -> Result<()> {
        match self.book().loses_answers {
            true => Err(Error::new(ErrorKind::Ambiguous, "the answer was lost")),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl MarketplaceAdapter for Bazaar {
    fn platform(&self) -> PlatformId {
        PlatformId::from_static("bazaar")
    }
    fn limits(&self) -> PlatformLimits {
        let mut limits = PlatformLimits::default();
        limits.needs_acknowledgement = !self.book().takes_no_acknowledgement;
        limits.lists_cancelled = self.lists_everything;
        limits.lists_movements = self.lists_everything;
        limits
    }
    async fn list_orders(
        &self,
        query: &OrderQuery,
        cursor: Option<&Cursor>,
    ) -> Result<Page<PlatformOrder>> {
        self.wait("list").await?;
        let mut book = self.book();
        book.lists += 1;
        book.asked.push(query.clone());
        book.cursors.push(cursor.map(|cursor| cursor.as_str().to_owned()));
        if book.goes_round {
            let next = if cursor.is_some_and(|c| c.as_str() == "A") { "B" } else { "A" };
            return Ok(Page { items: Vec::new(), next: Some(Cursor::new(next)) });
        }
        let listed = book.orders.iter().filter(|(id, order)| {
            !book.unlisted.contains(*id)
                && (self.lists_everything
                    || order.lines[0].units[0].status != UnitStatus::Cancelled)
        });
        let from: usize = cursor.map_or(0, |cursor| cursor.as_str().parse().unwrap());
        let size = book.page_size.unwrap_or(usize::MAX);
        let mut items: Vec<_> = listed
            .skip(from)
            .map(|(id, order)| match book.failing.contains(id) {
                false => PlatformItem::Read(Box::new(order.clone())),
                true => {
                    Unreadable::new(Some(order.id.clone()), "503", id.as_str()).passing().into()
                }
            })
            .collect();
        let next = (items.len() > size).then(|| Cursor::new((from + size).to_string()));
        items.truncate(size);
        Ok(Page { items, next })
    }
    async fn get_order(&self, id: &PlatformOrderId) -> Result<PlatformOrder> {
        self.wait("get").await?;
        let mut book = self.book();
        book.reads.push(id.to_string());
        if id.as_str().starts_with("..") {
            return Err(Error::invalid("order", "is no id of this bazaar"));
        }
        if book.shaky || book.failing.contains(id.as_str()) {
            return Err(Error::new(ErrorKind::Transient, "try again"));
        }
        let id = book.known_as.get(id.as_str()).map_or(id.as_str(), String::as_str);
        let found = book.orders.get(id).cloned();
        found.ok_or_else(|| Error::new(ErrorKind::NotFound, "no such order"))
    }
    async fn confirm_shipment(
        &self,
        notice: &ShipmentNotice,
        _key: &IdempotencyKey,
    ) -> Result<Confirmed> {
        self.wait("confirm").await?;
        self.book().confirmed.push(notice.order.to_string());
        Ok(Confirmed { already: false, order: None })
    }
    fn carrier_name(&self, _carrier: &CarrierId, _service: &ServiceCode) -> CarrierNaming {
        CarrierNaming::Code("PONY".into())
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
    fn stock(&self) -> Option<&dyn StockPush> {
        Some(self)
    }
    fn messages(&self) -> Option<&dyn BuyerMessages> {
        Some(self)
    }
    fn webhooks(&self) -> Option<&dyn Webhooks> {
        Some(self)
    }
    fn missed_notices(&self) -> Option<&dyn MissedNotices> {
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
impl Acknowledge for Bazaar {
    async fn acknowledge(&self, order: &PlatformOrderId) -> Result<Acknowledged> {
        let hangs = self.book().hangs_below.as_deref().is_some_and(|id| order.as_str() < id);
        if hangs {
            std::future::pending::<()>().await;
        }
        self.wait("acknowledge").await?;
        self.write()?;
        self.book().acknowledged.push(order.to_string());
        Ok(Acknowledged { already: false, order: None })
    }
}

#[async_trait]
impl Cancellations for Bazaar {
    async fn cancel(&self, order: &PlatformOrderId, lines: &[CancelLine]) -> Result<()> {
        self.book().cancelled_units.extend(lines.iter().map(|line| line.units));
        self.wait("cancel").await?;
        let sold: u32 =
            self.book().orders[order.as_str()].lines.iter().map(|line| line.quantity).sum();
        assert_eq!(lines.iter().map(|line| line.units).sum::<u32>(), sold);
        self.write()?;
        self.book().cancelled.push(order.to_string());
        if !self.book().cancels_late {
            self.cancel_there(order.as_str());
        }
        self.lost()
    }
    async fn refuse_request(&self, _order: &PlatformOrderId, _reason: &str) -> Result<()> {
        Ok(())
    }
}

#[async_trait]
impl Refunds for Bazaar {
    async fn refund(
        &self,
        _order: &PlatformOrderId,
        _lines: &[RefundLine],
        _key: &IdempotencyKey,
    ) -> Result<()> {
        self.book().refunds += 1;
        self.wait("refund").await?;
        self.lost()
    }
}

#[async_trait]
impl StockPush for Bazaar {
    async fn push_stock(&self, levels: &[StockLevel]) -> Vec<Result<()>> {
        if let Err(error) = self.wait("stock").await {
            let refused = |_| Err(Error::new(error.kind(), "the seller withdrew the consent"));
            return levels.iter().map(refused).collect();
        }
        let mut book = self.book();
        levels
            .iter()
            .map(|level| match book.refuses_stock {
                true => Err(Error::new(ErrorKind::Transient, "later")),
                false => {
                    book.levels.push((level.sku.clone(), level.units));
                    Ok(())
                }
            })
            .collect()
    }
}

#[async_trait]
impl BuyerMessages for Bazaar {
    async fn send_message(
        &self,
        order: &PlatformOrderId,
        _text: &Personal<String>,
        _key: &IdempotencyKey,
    ) -> Result<()> {
        self.book().messages.push(order.to_string());
        self.lost()
    }
    fn may_repeat(&self) -> bool {
        self.book().looks_for_messages
    }
}

impl Webhooks for Bazaar {
    fn receive(&self, request: &WebhookRequest<'_>, _now: DateTime<Utc>) -> Result<WebhookNotice> {
        assert!(request.body != b"bomb", "the bazaar reads no bombs");
        if request.header("signature") != Some("right") {
            return Err(Error::new(ErrorKind::AuthRejected, "the signature does not fit"));
        }
        let text = std::str::from_utf8(request.body).unwrap();
        Ok(notice(text))
    }
}

/// `event:order`, or `event:` when it names none.
pub(crate) fn notice(text: &str) -> WebhookNotice {
    let (event, order) = text.split_once(':').unwrap();
    WebhookNotice {
        event_id: EventId::new(event).unwrap(),
        kind: "order".into(),
        order: PlatformOrderId::new(order).ok(),
        sent_at: None,
    }
}

#[async_trait]
impl MissedNotices for Bazaar {
    async fn missed(&self, cursor: Option<&Cursor>) -> Result<Page<WebhookNotice>> {
        if self.book().goes_round {
            let next = if cursor.is_some_and(|c| c.as_str() == "A") { "B" } else { "A" };
            return Ok(Page { items: Vec::new(), next: Some(Cursor::new(next)) });
        }
        let missed = self.book().missed.clone();
        let items = missed.into_iter().map(|notice| PlatformItem::Read(Box::new(notice)));
        Ok(Page { items: items.collect(), next: None })
    }
}

#[async_trait]
impl AfterSale for Bazaar {
    async fn cases(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        _cursor: Option<&Cursor>,
    ) -> Result<Page<AfterSaleCase>> {
        self.wait("cases").await?;
        let mut book = self.book();
        book.case_windows.push((from, to));
        let inside =
            |case: &&AfterSaleCase| case.updated_at.is_some_and(|at| from <= at && at < to);
        let items = book.cases.iter().filter(inside).cloned();
        Ok(Page {
            items: items.map(|case| PlatformItem::Read(Box::new(case))).collect(),
            next: None,
        })
    }
    async fn case(&self, _kind: &CaseKind, id: &str) -> Result<AfterSaleCase> {
        let found = self.book().cases.iter().find(|case| case.id == id).cloned();
        found.ok_or_else(|| Error::new(ErrorKind::NotFound, "no such case"))
    }
    async fn answer(
        &self,
        _case: &AfterSaleCase,
        _answer: &CaseAnswer,
        _key: &IdempotencyKey,
    ) -> Result<()> {
        Err(Error::unsupported("this bazaar answers nothing"))
    }
}

#[async_trait]
impl SellerFigures for Bazaar {
    async fn stated(&self) -> Result<Vec<StatedFigure>> {
        self.wait("figures").await?;
        Ok(vec![StatedFigure {
            name: "cancellations".into(),
            kpi: Some("KPI-02".into()),
            value: rust_decimal::Decimal::new(5, 1),
            numerator: None,
            denominator: None,
            value_with_excluded: None,
            from: at(-24),
            to: at(24),
        }])
    }
}

pub(crate) fn shop(name: &'static str) -> ShopKey {
    ShopKey::new(PlatformId::from_static("bazaar"), ShopId::from_static(name))
}

pub(crate) fn key(shop_name: &'static str, id: &str) -> OrderKey {
    let shop = shop(shop_name);
    OrderKey::new(shop.platform, shop.shop, PlatformOrderId::new(id).unwrap())
}

pub(crate) fn engine(shops: &[(&'static str, &Arc<Bazaar>)]) -> Engine {
    engine_with(shops, EnginePolicy::default(), |shop| shop)
}

pub(crate) fn engine_with(
    shops: &[(&'static str, &Arc<Bazaar>)],
    policy: EnginePolicy,
    decide: impl Fn(Shop) -> Shop,
) -> Engine {
    engine_on(Arc::new(MemoryStore::new()), shops, policy, decide)
}

pub(crate) fn engine_on(
    store: Arc<dyn Store>,
    shops: &[(&'static str, &Arc<Bazaar>)],
    policy: EnginePolicy,
    decide: impl Fn(Shop) -> Shop,
) -> Engine {
    builder_on(store, shops, policy, decide).build().unwrap()
}

/// The same before it is built, for what else it may need.
pub(crate) fn builder_on(
    store: Arc<dyn Store>,
    shops: &[(&'static str, &Arc<Bazaar>)],
    policy: EnginePolicy,
    decide: impl Fn(Shop) -> Shop,
) -> EngineBuilder {
    let stock =
        MemoryStock::new().with(WarehouseId::from_static("main"), Sku::from_static("SKU-1"), 100);
    builder_over(store, Arc::new(stock), shops, policy, decide)
}

/// The same over a stock of the caller.
pub(crate) fn builder_over(
    store: Arc<dyn Store>,
    stock: Arc<MemoryStock>,
    shops: &[(&'static str, &Arc<Bazaar>)],
    policy: EnginePolicy,
    decide: impl Fn(Shop) -> Shop,
) -> EngineBuilder {
    let calendar = WorkCalendar::every_day(chrono_tz::UTC);
    let main = warehouse(WarehouseId::from_static("main"));
    let mut builder = Engine::builder(store, stock).policy(policy).warehouse(main);
    for (name, bazaar) in shops {
        let bazaar: Arc<Bazaar> = Arc::clone(bazaar);
        builder = builder.shop(decide(Shop::new(shop(name), bazaar, calendar.clone())));
    }
    builder
}

/// A warehouse that serves everybody every day.
pub(crate) fn warehouse(id: WarehouseId) -> Warehouse {
    Warehouse {
        id,
        channel: FulfillmentChannel::MerchantFulfilled,
        sender: recipient(),
        calendar: WorkCalendar::every_day(chrono_tz::UTC),
        enabled: true,
        platforms: Default::default(),
        countries: Default::default(),
        capacity_left: None,
        unit_cost: None,
        transit_days: BTreeMap::new(),
        priority: 0,
    }
}

pub(crate) fn words<T>(outcomes: &[ItemOutcome<T>]) -> Vec<&'static str> {
    outcomes
        .iter()
        .map(|outcome| match outcome {
            ItemOutcome::Done(_) => "done",
            ItemOutcome::Skipped(_) => "skipped",
            ItemOutcome::Failed(_) => "failed",
            ItemOutcome::Ambiguous(_) => "ambiguous",
            ItemOutcome::WouldBuy(_) => "would buy",
        })
        .collect()
}

pub(crate) fn request<'a>(body: &'a str, headers: &'a [(&'a str, &'a str)]) -> WebhookRequest<'a> {
    WebhookRequest { method: "POST", path_and_query: "/hook", headers, body: body.as_bytes() }
}

pub(crate) const SIGNED: &[(&str, &str)] = &[("Signature", "right")];
