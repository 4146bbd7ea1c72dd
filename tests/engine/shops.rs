//! Many shops as one inbox: none waits for another, none harms another, nothing is asked for twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use orderflow::calendar::WorkCalendar;
use orderflow::engine::{Engine, EnginePolicy, ItemOutcome, Received, Schedule, Shop};
use orderflow::order::{
    Actor, CancelReason, OrderFilter, OrderSort, OrderState, PlatformOrder, Priority, UnitGroup,
    UnitStatus,
};
use orderflow::ports::store::Store;
use orderflow::ports::{
    Acknowledge, Acknowledged, BuyerMessages, CancelLine, Cancellations, CarrierNaming, Confirmed,
    Cursor, MarketplaceAdapter, MissedNotices, OrderQuery, Page, PlatformItem, PlatformLimits,
    RefundLine, Refunds, SellerFigures, ShipmentNotice, StatedFigure, StockLevel, StockPush,
    WebhookNotice, WebhookRequest, Webhooks,
};
use orderflow::rules::poll_plan;
use orderflow::store::{MemoryStock, MemoryStore, SqliteStore};
use orderflow::warehouse::{FulfillmentChannel, Warehouse};
use orderflow::{
    CarrierId, Error, ErrorKind, EventId, IdempotencyKey, LineId, OrderKey, Personal, PlatformId,
    PlatformOrderId, Result, ServiceCode, ShopId, ShopKey, Sku, WarehouseId,
};

use super::house::at;
use super::support::{recipient, snapshot, usd};

/// What a bazaar does besides selling.
#[derive(Debug, Default)]
struct Book {
    orders: BTreeMap<String, PlatformOrder>,
    /// Orders that lists leave out.
    unlisted: BTreeSet<String>,
    locked_out: bool,
    /// Reading is allowed, writing is not.
    read_only: bool,
    /// Answers to single reads fail for a while.
    shaky: bool,
    refuses_stock: bool,
    loses_answers: bool,
    answers_after: Option<Duration>,
    reads: Vec<String>,
    acknowledged: Vec<String>,
    cancelled: Vec<String>,
    refunds: usize,
    messages: Vec<String>,
    levels: Vec<(Sku, u32)>,
    lists: usize,
    asked: Vec<OrderQuery>,
    missed: Vec<WebhookNotice>,
}

/// A marketplace with every ability.
#[derive(Debug, Default)]
struct Bazaar {
    book: Mutex<Book>,
    lists_everything: bool,
}

impl Bazaar {
    fn new(ids: &[&str]) -> Arc<Self> {
        let bazaar = Self { lists_everything: true, ..Self::default() };
        for id in ids {
            bazaar.sell(id);
        }
        Arc::new(bazaar)
    }

    /// One whose lists leave out what they like.
    fn forgetful(ids: &[&str]) -> Arc<Self> {
        let bazaar = Self::default();
        ids.iter().for_each(|id| bazaar.sell(id));
        Arc::new(bazaar)
    }

    fn sell(&self, id: &str) {
        let mut order = snapshot(id, &[("1", 2)]);
        order.placed_at = at(-2);
        order.paid_at = Some(at(-2));
        order.updated_at = Some(at(-1));
        self.book().orders.insert(id.into(), order);
    }

    fn cancel_there(&self, id: &str) {
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

    fn book(&self) -> std::sync::MutexGuard<'_, Book> {
        self.book.lock().unwrap()
    }

    async fn wait(&self) -> Result<()> {
        let (locked_out, pause) = {
            let book = self.book();
            (book.locked_out, book.answers_after)
        };
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
        limits.needs_acknowledgement = true;
        limits.lists_cancelled = self.lists_everything;
        limits.lists_movements = self.lists_everything;
        limits
    }
    async fn list_orders(
        &self,
        query: &OrderQuery,
        _cursor: Option<&Cursor>,
    ) -> Result<Page<PlatformOrder>> {
        self.wait().await?;
        let mut book = self.book();
        book.lists += 1;
        book.asked.push(query.clone());
        let listed = book.orders.iter().filter(|(id, order)| {
            !book.unlisted.contains(*id)
                && (self.lists_everything
                    || order.lines[0].units[0].status != UnitStatus::Cancelled)
        });
        let items = listed.map(|(_, order)| PlatformItem::Read(Box::new(order.clone()))).collect();
        Ok(Page { items, next: None })
    }
    async fn get_order(&self, id: &PlatformOrderId) -> Result<PlatformOrder> {
        self.wait().await?;
        let mut book = self.book();
        book.reads.push(id.to_string());
        if book.shaky {
            return Err(Error::new(ErrorKind::Transient, "try again"));
        }
        let found = book.orders.get(id.as_str()).cloned();
        found.ok_or_else(|| Error::new(ErrorKind::NotFound, "no such order"))
    }
    async fn confirm_shipment(
        &self,
        _notice: &ShipmentNotice,
        _key: &IdempotencyKey,
    ) -> Result<Confirmed> {
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
    fn figures(&self) -> Option<&dyn SellerFigures> {
        Some(self)
    }
}

#[async_trait]
impl Acknowledge for Bazaar {
    async fn acknowledge(&self, order: &PlatformOrderId) -> Result<Acknowledged> {
        self.wait().await?;
        self.write()?;
        self.book().acknowledged.push(order.to_string());
        Ok(Acknowledged { already: false, order: None })
    }
}

#[async_trait]
impl Cancellations for Bazaar {
    async fn cancel(&self, order: &PlatformOrderId, lines: &[CancelLine]) -> Result<()> {
        assert_eq!(lines.iter().map(|line| line.units).sum::<u32>(), 2);
        self.write()?;
        self.book().cancelled.push(order.to_string());
        self.cancel_there(order.as_str());
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
        self.lost()
    }
}

#[async_trait]
impl StockPush for Bazaar {
    async fn push_stock(&self, levels: &[StockLevel]) -> Vec<Result<()>> {
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
        Ok(())
    }
}

impl Webhooks for Bazaar {
    fn receive(&self, request: &WebhookRequest<'_>, _now: DateTime<Utc>) -> Result<WebhookNotice> {
        if request.header("signature") != Some("right") {
            return Err(Error::new(ErrorKind::AuthRejected, "the signature does not fit"));
        }
        let text = std::str::from_utf8(request.body).unwrap();
        Ok(notice(text))
    }
}

/// `event:order`, or `event:` when it names none.
fn notice(text: &str) -> WebhookNotice {
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
    async fn missed(&self, _cursor: Option<&Cursor>) -> Result<Page<WebhookNotice>> {
        let missed = self.book().missed.clone();
        let items = missed.into_iter().map(|notice| PlatformItem::Read(Box::new(notice)));
        Ok(Page { items: items.collect(), next: None })
    }
}

#[async_trait]
impl SellerFigures for Bazaar {
    async fn stated(&self) -> Result<Vec<StatedFigure>> {
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

fn shop(name: &'static str) -> ShopKey {
    ShopKey::new(PlatformId::from_static("bazaar"), ShopId::from_static(name))
}

fn key(shop_name: &'static str, id: &str) -> OrderKey {
    let shop = shop(shop_name);
    OrderKey::new(shop.platform, shop.shop, PlatformOrderId::new(id).unwrap())
}

fn engine(shops: &[(&'static str, &Arc<Bazaar>)]) -> Engine {
    engine_with(shops, EnginePolicy::default(), |shop| shop)
}

fn engine_with(
    shops: &[(&'static str, &Arc<Bazaar>)],
    policy: EnginePolicy,
    decide: impl Fn(Shop) -> Shop,
) -> Engine {
    engine_on(Arc::new(MemoryStore::new()), shops, policy, decide)
}

fn engine_on(
    store: Arc<dyn Store>,
    shops: &[(&'static str, &Arc<Bazaar>)],
    policy: EnginePolicy,
    decide: impl Fn(Shop) -> Shop,
) -> Engine {
    let calendar = WorkCalendar::every_day(chrono_tz::UTC);
    let warehouse = Warehouse {
        id: WarehouseId::from_static("main"),
        channel: FulfillmentChannel::MerchantFulfilled,
        sender: recipient(),
        calendar: calendar.clone(),
        enabled: true,
        platforms: Default::default(),
        countries: Default::default(),
        capacity_left: None,
        unit_cost: None,
        transit_days: BTreeMap::new(),
        priority: 0,
    };
    let stock = MemoryStock::new().with(warehouse.id.clone(), Sku::from_static("SKU-1"), 100);
    let mut builder = Engine::builder(store, Arc::new(stock)).policy(policy).warehouse(warehouse);
    for (name, bazaar) in shops {
        let bazaar: Arc<Bazaar> = Arc::clone(bazaar);
        builder = builder.shop(decide(Shop::new(shop(name), bazaar, calendar.clone())));
    }
    builder.build().unwrap()
}

fn words<T>(outcomes: &[ItemOutcome<T>]) -> Vec<&'static str> {
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

fn request<'a>(body: &'a str, headers: &'a [(&'a str, &'a str)]) -> WebhookRequest<'a> {
    WebhookRequest { method: "POST", path_and_query: "/hook", headers, body: body.as_bytes() }
}

const SIGNED: &[(&str, &str)] = &[("Signature", "right")];

#[tokio::test(start_paused = true)]
async fn a_shop_whose_credentials_are_refused_stops_alone_and_says_so() {
    let (locked, open) = (Bazaar::new(&["a"]), Bazaar::new(&["b"]));
    locked.book().locked_out = true;
    let engine = engine(&[("locked", &locked), ("open", &open)]);
    let report = engine.tick(&Schedule::default(), at(0)).await;
    assert_eq!(report.stopped.len(), 1);
    assert_eq!(report.stopped[0].shop, shop("locked"));
    assert!(report.stopped[0].reason.contains("withdrew the consent"));
    assert_eq!(open.book().acknowledged, ["b"]);

    // It is left alone, until its pause is over or a person says so.
    locked.book().locked_out = false;
    let later = at(0) + chrono::TimeDelta::minutes(10);
    let report = engine.tick(&Schedule::default(), later).await;
    assert_eq!((report.stopped.len(), locked.book().lists), (1, 0));
    engine.resume_shop(&shop("locked"));
    let report = engine.tick(&Schedule::default(), later).await;
    assert!(report.stopped.is_empty() && report.errors.is_empty(), "{:?}", report.errors);
    assert_eq!(locked.book().acknowledged, ["a"]);
}

#[tokio::test(start_paused = true)]
async fn a_shop_that_stays_locked_out_is_tried_again_after_its_pause() {
    let locked = Bazaar::new(&["a"]);
    locked.book().locked_out = true;
    let engine = engine(&[("locked", &locked)]);
    engine.tick(&Schedule::default(), at(0)).await;
    let report = engine.tick(&Schedule::default(), at(1)).await;
    assert_eq!((report.stopped[0].since, report.errors.len()), (at(0), 1));
    locked.book().locked_out = false;
    let report = engine.tick(&Schedule::default(), at(2)).await;
    assert!(report.stopped.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_shop_that_may_be_read_and_not_written_to_stops_alone_and_says_so() {
    let (limited, open) = (Bazaar::new(&["a", "b"]), Bazaar::new(&["c"]));
    limited.book().read_only = true;
    let engine = engine(&[("limited", &limited), ("open", &open)]);
    let report = engine.tick(&Schedule::default(), at(0)).await;
    assert_eq!(report.stopped.len(), 1);
    assert_eq!(report.stopped[0].shop, shop("limited"));
    assert!(report.stopped[0].reason.contains("right to write"), "{:?}", report.stopped[0]);
    assert_eq!(open.book().acknowledged, ["c"]);
    // Nothing is lost: once the right is back, both are acknowledged.
    limited.book().read_only = false;
    engine.resume_shop(&shop("limited"));
    let report = engine.tick(&Schedule::default(), at(1)).await;
    assert!(report.stopped.is_empty() && report.errors.is_empty(), "{:?}", report.errors);
    assert_eq!(limited.book().acknowledged, ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn a_slow_shop_keeps_no_other_waiting() {
    let ids: Vec<String> = (0..20).map(|number| format!("o-{number}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let (slow, quick) = (Bazaar::new(&ids), Bazaar::new(&ids));
    let engine = engine(&[("slow", &slow), ("quick", &quick)]);
    for name in ["slow", "quick"] {
        engine.sync(&shop(name), at(0)).await.unwrap();
    }
    slow.book().answers_after = Some(Duration::from_secs(600));
    let schedule = Schedule::default();
    let mut tick = Box::pin(engine.tick(&schedule, at(0)));
    let first = tokio::time::timeout(Duration::from_secs(300), &mut tick).await;
    // The slow shop is still being read; the quick one was read beside it.
    assert!(first.is_err());
    assert_eq!((slow.book().lists, quick.book().lists), (1, 2));
    tick.await;
    assert_eq!((slow.book().acknowledged.len(), quick.book().acknowledged.len()), (20, 20));
}

#[tokio::test(start_paused = true)]
async fn orders_of_a_quick_shop_go_on_while_a_slow_one_answers() {
    let (slow, quick) = (Bazaar::new(&["a", "b", "c"]), Bazaar::new(&["d"]));
    let mut policy = EnginePolicy::default();
    policy.concurrency = 1;
    let engine = engine_with(&[("a-slow", &slow), ("quick", &quick)], policy, |shop| shop);
    for name in ["a-slow", "quick"] {
        engine.sync(&shop(name), at(0)).await.unwrap();
    }
    slow.book().answers_after = Some(Duration::from_secs(600));
    let timed = tokio::time::timeout(Duration::from_secs(1), engine.advance(at(0))).await;
    assert!(timed.is_err());
    assert_eq!(quick.book().acknowledged, ["d"]);
}

#[tokio::test(start_paused = true)]
async fn a_shop_is_read_as_often_as_its_plan_says() {
    let bazaar = Bazaar::new(&["a"]);
    let plan = poll_plan(20, true, true);
    let engine =
        engine_with(&[("1", &bazaar)], EnginePolicy::default(), |shop| shop.with_poll(plan));
    let minutes = |minutes| at(0) + chrono::TimeDelta::minutes(minutes);
    for minute in 0..=30 {
        engine.tick(&Schedule::default(), minutes(minute)).await;
    }
    assert_eq!((plan.every_minutes, bazaar.book().lists), (15, 3));
}

#[tokio::test(start_paused = true)]
async fn a_notification_is_stored_once_and_its_order_read_once() {
    let bazaar = Bazaar::new(&["a", "b"]);
    let engine = engine(&[("1", &bazaar)]);
    let one = shop("1");
    let take = async |text: &str| engine.receive(&one, &request(text, SIGNED), at(0)).await;
    assert_eq!(take("e1:a").await.unwrap(), Received::New);
    assert_eq!(take("e1:a").await.unwrap(), Received::Repeated);
    assert_eq!(take("e2:a").await.unwrap(), Received::New);
    assert!(bazaar.book().reads.is_empty());
    let report = engine.work_inbox(at(0)).await.unwrap();
    assert_eq!((report.done, report.orders_read, report.waiting), (2, 1, 0));
    assert_eq!(bazaar.book().reads, ["a"]);
    // Heard of again after it was worked on: still the same one.
    assert_eq!(take("e1:a").await.unwrap(), Received::Repeated);
    assert_eq!(engine.work_inbox(at(0)).await.unwrap().done, 0);
    let order = engine.store().order(&key("1", "a")).await.unwrap().unwrap();
    assert_eq!(order.state(), OrderState::AwaitingShipment);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_one_shops_notifications_keeps_no_other_shop_waiting() {
    let (flooded, quiet) = (Bazaar::new(&["a"]), Bazaar::new(&["b"]));
    let engine = engine(&[("1", &flooded), ("2", &quiet)]);
    flooded.book().shaky = true;
    for number in 0..2_100 {
        engine.receive(&shop("1"), &request(&format!("e{number}:a"), SIGNED), at(0)).await.unwrap();
    }
    engine.receive(&shop("2"), &request("e1:b", SIGNED), at(0)).await.unwrap();
    let report = engine.work_inbox(at(1)).await.unwrap();
    assert_eq!((report.done, report.waiting), (1, 2_000));
    assert!(engine.store().order(&key("2", "b")).await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn notifications_in_the_wrong_order_end_in_what_the_platform_says_now() {
    let bazaar = Bazaar::new(&["a"]);
    let engine = engine(&[("1", &bazaar)]);
    engine.sync(&shop("1"), at(0)).await.unwrap();
    bazaar.cancel_there("a");
    // The cancellation is told first; the sale, told late, does not undo it.
    for text in ["e2-cancelled:a", "e1-sold:a"] {
        engine.receive(&shop("1"), &request(text, SIGNED), at(1)).await.unwrap();
        engine.work_inbox(at(1)).await.unwrap();
        let order = engine.store().order(&key("1", "a")).await.unwrap().unwrap();
        assert_eq!(order.state(), OrderState::Cancelled);
    }
    let order = engine.store().order(&key("1", "a")).await.unwrap().unwrap();
    engine.sync(&shop("1"), at(2)).await.unwrap();
    let again = engine.store().order(&key("1", "a")).await.unwrap().unwrap();
    assert_eq!(again.version, order.version, "what was heard before brings nothing");
}

#[tokio::test(start_paused = true)]
async fn a_notification_that_was_answered_is_worked_on_after_the_process_died() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("orders.sqlite");
    let bazaar = Bazaar::new(&["a"]);
    let start = || {
        let store = Arc::new(SqliteStore::open(&file).unwrap());
        engine_on(store, &[("1", &bazaar)], EnginePolicy::default(), |shop| shop)
    };
    let first = start();
    first.receive(&shop("1"), &request("e1:a", SIGNED), at(0)).await.unwrap();
    drop(first);
    let second = start();
    let take = second.receive(&shop("1"), &request("e1:a", SIGNED), at(1)).await.unwrap();
    assert_eq!(take, Received::Repeated);
    let report = second.work_inbox(at(1)).await.unwrap();
    assert_eq!((report.done, report.orders_read), (1, 1));
    assert!(second.store().order(&key("1", "a")).await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn push_and_poll_make_the_same_order_of_the_same_news() {
    let bazaar = Bazaar::new(&["a"]);
    let (pushed, polled) = (engine(&[("1", &bazaar)]), engine(&[("1", &bazaar)]));
    for step in 0..2 {
        let text = format!("e{step}:a");
        pushed.receive(&shop("1"), &request(&text, SIGNED), at(step)).await.unwrap();
        pushed.work_inbox(at(step)).await.unwrap();
        polled.sync(&shop("1"), at(step)).await.unwrap();
        let mut orders = Vec::new();
        for engine in [&pushed, &polled] {
            let order = engine.store().order(&key("1", "a")).await.unwrap().unwrap();
            orders.push(serde_json::to_value(order).unwrap());
        }
        assert_eq!(orders[0], orders[1]);
        bazaar.cancel_there("a");
    }
    // Each hears by the other way as well: nothing new.
    let versions = async |engine: &Engine| {
        engine.store().order(&key("1", "a")).await.unwrap().unwrap().version
    };
    let before = (versions(&pushed).await, versions(&polled).await);
    pushed.sync(&shop("1"), at(2)).await.unwrap();
    polled.receive(&shop("1"), &request("e9:a", SIGNED), at(2)).await.unwrap();
    polled.work_inbox(at(2)).await.unwrap();
    assert_eq!((versions(&pushed).await, versions(&polled).await), before);
}

#[tokio::test(start_paused = true)]
async fn a_shop_catches_up_from_where_it_stopped_and_a_window_on_demand_moves_nothing() {
    let bazaar = Bazaar::new(&["a"]);
    let engine = engine(&[("1", &bazaar)]);
    engine.sync(&shop("1"), at(0)).await.unwrap();
    // The last twelve hours, on demand.
    let report = engine.fetch_window(&shop("1"), at(-12), at(0), at(1)).await.unwrap();
    assert_eq!((report.seen, report.unchanged), (1, 1));
    // Three days later the time between is read, with ten minutes of overlap.
    engine.sync(&shop("1"), at(72)).await.unwrap();
    let asked = bazaar.book().asked.clone();
    assert_eq!(asked[1], OrderQuery::Created { from: at(-12), to: at(0) });
    let (OrderQuery::Updated { to: end, .. }, OrderQuery::Updated { from, to }) =
        (&asked[0], &asked[2])
    else {
        panic!("{asked:?}")
    };
    assert_eq!(*from, *end - chrono::TimeDelta::minutes(10));
    assert!(*to > at(71) && *to <= at(72), "{to}");
}

#[tokio::test(start_paused = true)]
async fn a_filter_looks_through_the_orders_of_all_shops_at_once() {
    let (one, two) = (Bazaar::new(&["a", "b"]), Bazaar::new(&["c"]));
    let engine = engine(&[("one", &one), ("two", &two)]);
    for name in ["one", "two"] {
        engine.sync(&shop(name), at(0)).await.unwrap();
    }
    one.cancel_there("b");
    engine.sync(&shop("one"), at(1)).await.unwrap();
    let find = async |filter: OrderFilter| {
        let found = engine.find_orders(&filter, OrderSort::Placed, at(1), 10).await.unwrap();
        let mut ids: Vec<_> = found.into_iter().map(|order| order.key.order.to_string()).collect();
        ids.sort();
        ids
    };
    assert_eq!(find(OrderFilter::default()).await, ["a", "b", "c"]);
    let open = OrderFilter { states: vec![OrderState::AwaitingShipment], ..OrderFilter::default() };
    assert_eq!(find(open.clone()).await, ["a", "c"]);
    let of_two = OrderFilter { shops: vec![ShopId::from_static("two")], ..open };
    assert_eq!(find(of_two).await, ["c"]);
}

#[tokio::test(start_paused = true)]
async fn a_notification_without_the_right_signature_leaves_no_trace() {
    let bazaar = Bazaar::new(&["a"]);
    let engine = engine(&[("1", &bazaar)]);
    let forged = engine.receive(&shop("1"), &request("e1:a", &[]), at(0)).await.unwrap_err();
    assert_eq!(forged.kind(), ErrorKind::AuthRejected);
    assert!(engine.store().pending(&shop("1"), 10).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_notice_that_cannot_be_worked_on_now_stays_and_one_that_never_can_is_kept_aside() {
    let bazaar = Bazaar::new(&["a"]);
    let engine = engine(&[("1", &bazaar)]);
    for text in ["e1:a", "e2:gone"] {
        engine.receive(&shop("1"), &request(text, SIGNED), at(0)).await.unwrap();
    }
    bazaar.book().shaky = true;
    let report = engine.work_inbox(at(0)).await.unwrap();
    assert_eq!((report.done, report.waiting), (0, 2));
    bazaar.book().shaky = false;
    let report = engine.work_inbox(at(1)).await.unwrap();
    assert_eq!((report.done, report.waiting, report.errors.len()), (2, 0, 1));
    let aside = engine.store().quarantined().await.unwrap();
    assert_eq!(aside[0].order.as_ref().unwrap().as_str(), "gone");
}

#[tokio::test(start_paused = true)]
async fn a_notice_that_names_no_order_makes_the_shop_be_read() {
    let bazaar = Bazaar::new(&["a"]);
    let engine = engine(&[("1", &bazaar)]);
    engine.receive(&shop("1"), &request("e1:", SIGNED), at(0)).await.unwrap();
    assert_eq!(engine.work_inbox(at(0)).await.unwrap().done, 1);
    assert!(engine.store().order(&key("1", "a")).await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn missed_notifications_come_in_through_the_same_door() {
    let bazaar = Bazaar::new(&[]);
    let engine = engine(&[("1", &bazaar)]);
    bazaar.sell("late");
    bazaar.book().unlisted.insert("late".into());
    bazaar.book().missed = vec![notice("e9:late")];
    engine.tick(&Schedule::default(), at(0)).await;
    engine.tick(&Schedule::default(), at(1)).await;
    assert!(engine.store().order(&key("1", "late")).await.unwrap().is_some());
    assert_eq!(bazaar.book().reads, ["late"]);
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_that_no_list_shows_is_found_by_reading_open_orders_again() {
    let bazaar = Bazaar::forgetful(&["a", "b"]);
    let engine = engine(&[("1", &bazaar)]);
    engine.tick(&Schedule::default(), at(0)).await;
    bazaar.cancel_there("a");
    engine.tick(&Schedule::default(), at(1)).await;
    let state = async |id| engine.store().order(&key("1", id)).await.unwrap().unwrap().state();
    assert_eq!(state("a").await, OrderState::Cancelled);
    assert_eq!(state("b").await, OrderState::AwaitingShipment);
    let reads = bazaar.book().reads.len();
    // Closed orders are not read for ever.
    engine.tick(&Schedule::default(), at(2)).await;
    assert_eq!(bazaar.book().reads.len(), reads + 1);
}

#[tokio::test(start_paused = true)]
async fn the_daily_comparison_names_what_is_missing_extra_and_unlike_and_mends_it() {
    let bazaar = Bazaar::new(&["same", "changed", "gone"]);
    let engine = engine(&[("1", &bazaar)]);
    engine.sync(&shop("1"), at(0)).await.unwrap();
    bazaar.sell("new");
    bazaar.cancel_there("changed");
    bazaar.book().orders.remove("gone");
    let found = engine.compare_shop(&shop("1"), at(-24), at(1), at(1)).await.unwrap();
    assert_eq!(found.missing, [key("1", "new")]);
    assert_eq!(found.extra, [key("1", "gone")]);
    assert_eq!(found.mismatched, [key("1", "changed")]);
    assert_eq!((found.compared, found.unreadable, found.errors.len()), (2, 0, 0));
    let again = engine.compare_shop(&shop("1"), at(-24), at(1), at(2)).await.unwrap();
    assert!(again.missing.is_empty() && again.mismatched.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_sale_in_one_shop_is_told_to_every_shop_that_offers_the_goods() {
    let (one, two, silent) = (Bazaar::new(&["a"]), Bazaar::new(&[]), Bazaar::new(&[]));
    let sku = Sku::from_static("SKU-1");
    let engine = engine_with(
        &[("one", &one), ("two", &two), ("silent", &silent)],
        EnginePolicy::default(),
        |known| match known.key.shop.as_str() {
            "silent" => known,
            _ => known.with_offers([(sku.clone(), None)]),
        },
    );
    // After a start every level is told.
    engine.push_stock(at(0)).await.unwrap();
    assert_eq!(two.book().levels, [(sku.clone(), 100)]);
    engine.tick(&Schedule::default(), at(0)).await;
    assert_eq!(two.book().levels.last(), Some(&(sku.clone(), 98)));
    assert_eq!(one.book().levels.last(), Some(&(sku.clone(), 98)));
    // Nothing moved: nothing is told.
    let told = engine.push_stock(at(1)).await.unwrap().told;
    assert_eq!((told, silent.book().levels.len()), (0, 0));

    // What a shop does not take is told again; cancelling gives the units back.
    two.book().refuses_stock = true;
    let outcomes = engine.cancel_orders(&[key("one", "a")], &CancelReason::OutOfStock, at(1)).await;
    assert_eq!(words(&outcomes), ["done"]);
    let report = engine.tick(&Schedule::default(), at(2)).await;
    assert_eq!(report.channels.failed.len(), 1);
    assert_eq!(one.book().levels.last(), Some(&(sku.clone(), 100)));
    two.book().refuses_stock = false;
    engine.tick(&Schedule::default(), at(3)).await;
    assert_eq!(two.book().levels.last(), Some(&(sku, 100)));
}

#[tokio::test(start_paused = true)]
async fn bulk_operations_answer_for_each_order_across_shops() {
    let (one, two) = (Bazaar::new(&["a"]), Bazaar::new(&["b", "c"]));
    let engine = engine(&[("one", &one), ("two", &two)]);
    for name in ["one", "two"] {
        engine.sync(&shop(name), at(0)).await.unwrap();
    }
    let all = [key("two", "b"), key("one", "a"), key("two", "nowhere"), key("two", "c")];
    let outcomes = engine.acknowledge_orders(&all, at(0)).await;
    assert_eq!(words(&outcomes), ["done", "done", "failed", "done"]);
    let again = engine.acknowledge_orders(&all[..2], at(0)).await;
    assert_eq!(words(&again), ["skipped", "skipped"]);

    let actor = Actor::Person("ana".into());
    let outcomes = engine.set_priority(&all, Priority::Urgent, &actor, at(0)).await;
    assert_eq!(words(&outcomes), ["done", "done", "failed", "done"]);
    let order = engine.store().order(&all[0]).await.unwrap().unwrap();
    assert_eq!(order.priority, Priority::Urgent);

    let texts: Vec<_> =
        all.iter().map(|key| (key.clone(), Personal::new("sorry".into()))).collect();
    let outcomes = engine.contact_buyers(&texts, at(0)).await;
    assert_eq!(words(&outcomes), ["done", "done", "failed", "done"]);
    let again = engine.contact_buyers(&texts[..2], at(1)).await;
    assert_eq!(words(&again), ["skipped", "skipped"]);
    assert_eq!((one.book().messages.len(), two.book().messages.len()), (1, 2));

    let reason = CancelReason::OutOfStock;
    let outcomes = engine.cancel_orders(&all, &reason, at(1)).await;
    assert_eq!(words(&outcomes), ["done", "done", "failed", "done"]);
    let again = engine.cancel_orders(&all[..1], &reason, at(2)).await;
    assert_eq!((words(&again), two.book().cancelled.len()), (vec!["skipped"], 2));
    let order = engine.store().order(&all[0]).await.unwrap().unwrap();
    assert_eq!(order.state(), OrderState::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn money_that_may_have_gone_is_not_sent_again() {
    let bazaar = Bazaar::new(&["a"]);
    let engine = engine(&[("1", &bazaar)]);
    engine.sync(&shop("1"), at(0)).await.unwrap();
    bazaar.book().loses_answers = true;
    let line = RefundLine {
        line: LineId::from_static("1"),
        amount: Some(usd(500)),
        tax: None,
        reason: "damaged".into(),
        comment: None,
    };
    let refund = [(key("1", "a"), vec![line])];
    assert_eq!(words(&engine.refund_orders(&refund, at(0)).await), ["ambiguous"]);
    assert_eq!(words(&engine.refund_orders(&refund, at(0)).await), ["ambiguous"]);
    engine.work_outbox(at(1)).await.unwrap();
    assert_eq!(words(&engine.refund_orders(&refund, at(2)).await), ["skipped"]);
    assert_eq!(bazaar.book().refunds, 1);
    // A person hears of it.
    let order = engine.store().order(&key("1", "a")).await.unwrap().unwrap();
    assert!(order.incidents.iter().any(|incident| incident.detail.contains("refund")));
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_whose_answer_was_lost_is_finished_by_the_outbox() {
    let bazaar = Bazaar::new(&["a"]);
    let engine = engine(&[("1", &bazaar)]);
    engine.sync(&shop("1"), at(0)).await.unwrap();
    bazaar.book().loses_answers = true;
    let outcomes = engine.cancel_orders(&[key("1", "a")], &CancelReason::OutOfStock, at(0)).await;
    assert_eq!(words(&outcomes), ["ambiguous"]);
    bazaar.book().loses_answers = false;
    engine.work_outbox(at(1)).await.unwrap();
    assert!(engine.store().unsettled().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_waits_in_the_outbox_while_the_credentials_are_refused() {
    let bazaar = Bazaar::new(&["a"]);
    let engine = engine(&[("1", &bazaar)]);
    engine.sync(&shop("1"), at(0)).await.unwrap();
    bazaar.book().loses_answers = true;
    engine.cancel_orders(&[key("1", "a")], &CancelReason::OutOfStock, at(0)).await;
    (bazaar.book().loses_answers, bazaar.book().read_only) = (false, true);
    let report = engine.work_outbox(at(1)).await.unwrap();
    assert_eq!((report.waiting, engine.stopped_shops().len()), (1, 1));
    assert_eq!(engine.store().unsettled().await.unwrap().len(), 1);
    bazaar.book().read_only = false;
    engine.work_outbox(at(2)).await.unwrap();
    assert!(engine.store().unsettled().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn refunds_of_many_shops_are_answered_one_by_one() {
    let (one, two) = (Bazaar::new(&["a"]), Bazaar::new(&["b"]));
    let engine = engine(&[("one", &one), ("two", &two)]);
    for name in ["one", "two"] {
        engine.sync(&shop(name), at(0)).await.unwrap();
    }
    two.book().loses_answers = true;
    let line = RefundLine {
        line: LineId::from_static("1"),
        amount: Some(usd(500)),
        tax: None,
        reason: "damaged".into(),
        comment: None,
    };
    let wanted = [key("two", "b"), key("one", "a"), key("one", "nowhere"), key("nobody", "a")]
        .map(|key| (key, vec![line.clone()]));
    let outcomes = engine.refund_orders(&wanted, at(0)).await;
    assert_eq!(words(&outcomes), ["ambiguous", "done", "failed", "failed"]);
    assert_eq!((one.book().refunds, two.book().refunds), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_platforms_figures_are_kept_and_stand_beside_ours() {
    let bazaar = Bazaar::new(&["a", "b"]);
    let engine = engine(&[("1", &bazaar)]);
    engine.sync(&shop("1"), at(0)).await.unwrap();
    engine.cancel_orders(&[key("1", "a")], &CancelReason::OutOfStock, at(1)).await;
    engine.read_figures(&shop("1"), at(2)).await.unwrap();
    assert_eq!(engine.store().figures(&shop("1"), at(0)).await.unwrap().len(), 1);
    let checks = engine.compare_figures(&shop("1"), at(24)).await.unwrap();
    assert_eq!(checks.len(), 1);
    assert!(checks[0].agrees, "{:?}", checks[0]);
}

#[tokio::test(start_paused = true)]
async fn every_call_over_many_shops_can_be_spawned() {
    let bazaar = Bazaar::new(&["a", "b"]);
    let engine = engine(&[("1", &bazaar)]);
    let told = tokio::spawn(async move {
        let one = shop("1");
        engine.receive(&one, &request("e1:a", SIGNED), at(0)).await.unwrap();
        engine.work_inbox(at(0)).await.unwrap();
        engine.collect_missed(&one, at(0)).await.unwrap();
        engine.compare_shop(&one, at(-24), at(0), at(0)).await.unwrap();
        engine.read_open_again(&one, at(0)).await.unwrap();
        engine.push_stock(at(0)).await.unwrap();
        let all = [key("1", "a"), key("1", "b")];
        engine.acknowledge_orders(&all, at(0)).await;
        engine.set_priority(&all, Priority::High, &Actor::System, at(0)).await;
        engine.contact_buyers(&[(key("1", "a"), "hello".to_owned().into())], at(0)).await;
        engine.cancel_orders(&all[..1], &CancelReason::OutOfStock, at(0)).await;
        engine.refund_orders(&[(key("1", "b"), Vec::new())], at(0)).await;
        engine.read_figures(&one, at(0)).await.unwrap();
        engine.compare_figures(&one, at(0)).await.unwrap().len()
    });
    assert_eq!(told.await.unwrap(), 1);
}
