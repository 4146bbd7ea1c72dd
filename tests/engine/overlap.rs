//! Several callers at once, and a carrier that knows no keys: what is sold twice is paid twice.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use orderflow::calendar::WorkCalendar;
use orderflow::engine::{BatchOptions, Carrier, Engine, ItemOutcome, PackageRef, Schedule, Shop};
use orderflow::order::{
    DeadlineKind, ExceptionKind, Order, OrderFilter, OrderSort, PlatformOrder, Requirements,
};
use orderflow::ports::store::Store;
use orderflow::ports::{
    CarrierAdapter, CarrierLimits, CarrierNaming, Confirmed, Cursor, IdempotencySupport,
    LateDuplicate, LateDuplicates, MarketplaceAdapter, OrderQuery, Page, PlatformItem,
    PlatformLimits, Recovery, ShipmentNotice,
};
use orderflow::rules::{Anchor, SlaRule, SlaRules, SlaScope, Span};
use orderflow::shipment::{
    CarrierService, CostTier, Coverage, Document, DocumentKind, Label, LabelCost, LabelFormat,
    LabelIntent, LabelRecord, LabelRequest, Milestone, RateQuote, RateRequest, ServiceKey,
    TrackOutcome, Tracked,
};
use orderflow::store::{MemoryStock, MemoryStore, SqliteStore};
use orderflow::warehouse::{FulfillmentChannel, Warehouse};
use orderflow::{
    CarrierId, Currency, Error, ErrorKind, IdempotencyKey, Money, PlatformId, PlatformOrderId,
    Result, ServiceCode, ShopId, ShopKey, Sku, TrackingNumber, WarehouseId,
};

use super::house::at;
use super::support::{recipient, scan, snapshot};

/// A marketplace with some orders, which may be down.
#[derive(Debug, Default)]
struct Stall {
    orders: Vec<PlatformOrder>,
    down: AtomicBool,
    panics: AtomicBool,
}

impl Stall {
    fn with(count: usize) -> Self {
        let orders = (0..count)
            .map(|number| {
                let mut order = snapshot(&format!("o-{number:03}"), &[("1", 1)]);
                order.placed_at = at(-2);
                order.paid_at = Some(at(-2));
                order.updated_at = Some(at(-1));
                order
            })
            .collect();
        Self { orders, ..Self::default() }
    }
}

#[async_trait]
impl MarketplaceAdapter for Stall {
    fn platform(&self) -> PlatformId {
        PlatformId::from_static("stall")
    }
    fn limits(&self) -> PlatformLimits {
        PlatformLimits::default()
    }
    async fn list_orders(
        &self,
        _query: &OrderQuery,
        _cursor: Option<&Cursor>,
    ) -> Result<Page<PlatformOrder>> {
        assert!(!self.panics.load(Ordering::SeqCst), "the stall fell over");
        if self.down.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Transient, "down"));
        }
        let items = self.orders.iter().cloned().map(|o| PlatformItem::Read(Box::new(o))).collect();
        Ok(Page { items, next: None })
    }
    async fn get_order(&self, id: &PlatformOrderId) -> Result<PlatformOrder> {
        let found = self.orders.iter().find(|order| order.id == *id).cloned();
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
}

/// Knows no keys, takes a second to answer, and finds a label by its reference only once sold.
#[derive(Debug, Default)]
struct Pony {
    sold: Mutex<Vec<(String, Label)>>,
    backwards: bool,
    /// Purchases never arrive, and no answer comes.
    loses: AtomicBool,
    /// Answers come without a label in them.
    paperless: bool,
    /// Every label has the same number.
    repeats: bool,
    /// What it was told of purchases it looked for: when they were intended, and last sent.
    told: Mutex<Vec<(DateTime<Utc>, DateTime<Utc>)>>,
    /// The numbers that were to be kept, each time duplicates were looked for.
    kept: Mutex<Vec<Vec<String>>>,
    hangs: AtomicBool,
    panics: AtomicBool,
}

impl Pony {
    fn sold(&self) -> usize {
        self.sold.lock().unwrap().len()
    }

    async fn hang(&self) {
        if self.hangs.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
    }
}

#[async_trait]
impl CarrierAdapter for Pony {
    fn carrier(&self) -> CarrierId {
        CarrierId::from_static("pony")
    }
    fn limits(&self) -> CarrierLimits {
        let mut limits = CarrierLimits::default();
        limits.idempotency = IdempotencySupport::ReferenceLookup;
        limits
    }
    async fn rates(&self, _request: &RateRequest) -> Result<Vec<RateQuote>> {
        self.hang().await;
        Ok(vec![RateQuote {
            service: ServiceKey::new(self.carrier(), ServiceCode::from_static("RIDE")),
            name: "Ride".into(),
            total: Money::from_minor(500, Currency::USD),
            deliver_on: None,
            transit_days: Some(1),
            guaranteed: false,
            token: None,
            quoted_at: at(0),
        }])
    }
    async fn buy_label(&self, request: &LabelRequest, key: &IdempotencyKey) -> Result<Label> {
        self.hang().await;
        if self.loses.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Ambiguous, "the answer was lost"));
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        let mut sold = self.sold.lock().unwrap();
        let label = Label {
            record: LabelRecord {
                key: *key,
                carrier: self.carrier(),
                service: request.service.service.clone(),
                number: TrackingNumber::new(if self.repeats {
                    "PONY-AGAIN".to_owned()
                } else {
                    format!("PONY{:06}", sold.len())
                })
                .unwrap(),
                carrier_reference: None,
                cost: LabelCost::plain(Money::from_minor(500, Currency::USD)),
                purchased_at: at(0),
                mailing_date: None,
                formats: vec![LabelFormat::Pdf],
            },
            documents: if self.paperless {
                Vec::new()
            } else {
                vec![Document::new(DocumentKind::Label, LabelFormat::Pdf, vec![1])]
            },
        };
        sold.push((request.references[0].clone(), label.clone()));
        Ok(label)
    }
    async fn recover_label(&self, intent: &LabelIntent) -> Result<Recovery> {
        self.hang().await;
        self.told.lock().unwrap().push((intent.created_at, intent.sent_at));
        let sold = self.sold.lock().unwrap();
        let found = sold.iter().find(|(reference, _)| *reference == intent.request.references[0]);
        Ok(found.map_or(Recovery::Absent, |(_, label)| Recovery::Found(Box::new(label.clone()))))
    }
    async fn track(&self, numbers: &[TrackingNumber]) -> Result<Vec<Tracked>> {
        assert!(!self.panics.load(Ordering::SeqCst), "the pony is lame");
        let mut answers: Vec<Tracked> = numbers
            .iter()
            .map(|number| {
                let mut event = scan(0, Milestone::Accepted);
                event.place = Some(number.to_string());
                let found = TrackOutcome::Found { events: vec![event], estimated_delivery: None };
                Tracked { number: number.clone(), outcome: found }
            })
            .collect();
        if self.backwards {
            answers.reverse();
            answers.pop();
        }
        Ok(answers)
    }
    fn tracking_url(&self, _number: &TrackingNumber) -> Option<String> {
        None
    }
    fn late_duplicates(&self) -> Option<&dyn LateDuplicates> {
        Some(self)
    }
}

#[async_trait]
impl LateDuplicates for Pony {
    async fn give_back_duplicates(
        &self,
        _intent: &LabelIntent,
        kept: &[LabelRecord],
    ) -> Result<Vec<LateDuplicate>> {
        let mut asked = self.kept.lock().unwrap();
        asked.push(kept.iter().map(|label| label.number.to_string()).collect());
        // It appears at the second look, and is not taken back.
        let still_live = Some("it was picked up".to_owned());
        let late = LateDuplicate { number: "PONY-LATE".into(), still_live };
        Ok(if asked.len() == 2 { vec![late] } else { Vec::new() })
    }
}

fn service() -> CarrierService {
    CarrierService {
        key: ServiceKey::new(CarrierId::from_static("pony"), ServiceCode::from_static("RIDE")),
        name: "Ride".into(),
        enabled: true,
        speed: orderflow::order::SpeedClass::Standard,
        min_transit_days: 1,
        max_transit_days: 1,
        cost_tier: CostTier::Low,
        coverage: Coverage::default(),
        max_weight: None,
        max_length_plus_girth: None,
        max_length: None,
        max_value: None,
        batteries: true,
        liquids: true,
        economy: true,
        capacity_left: None,
        priority: 0,
    }
}

fn shop(name: &'static str) -> ShopKey {
    ShopKey::new(PlatformId::from_static("stall"), ShopId::from_static(name))
}

fn engine(
    store: Arc<dyn Store>,
    shops: &[(&'static str, Arc<Stall>)],
    pony: &Arc<Pony>,
    worker: &str,
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
    let stock = MemoryStock::new().with(warehouse.id.clone(), Sku::from_static("SKU-1"), 1_000);
    let mut builder = Engine::builder(store, Arc::new(stock))
        .carrier(Carrier::new(pony.clone(), vec![service()]))
        .warehouse(warehouse)
        .worker(worker);
    for (name, stall) in shops {
        builder = builder.shop(Shop::new(shop(name), stall.clone(), calendar.clone()));
    }
    builder.build().unwrap()
}

async fn ready(engine: &Engine, names: &[&'static str]) -> Vec<PackageRef> {
    for name in names {
        engine.sync(&shop(name), at(0)).await.unwrap();
    }
    engine.advance(at(0)).await.unwrap();
    engine.awaiting_labels(at(0)).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn overlapping_callers_never_buy_two_labels_for_one_parcel() {
    let pony = Arc::new(Pony::default());
    let stall = Arc::new(Stall::with(10));
    let engine = engine(Arc::new(MemoryStore::new()), &[("1", stall)], &pony, "w");
    let items = ready(&engine, &["1"]).await;
    assert_eq!(items.len(), 10);
    let twice: Vec<PackageRef> = items.iter().chain(&items).cloned().collect();
    let options = BatchOptions::default();
    let schedule = Schedule::default().with_buy_labels(true);
    let (a, b, _, d) = tokio::join!(
        engine.buy_labels(&twice, &options, at(0), |_| {}),
        engine.buy_labels(&items, &options, at(0), |_| {}),
        engine.tick(&schedule, at(0)),
        engine.recover(at(0)),
    );
    d.unwrap();
    let outcomes: Vec<ItemOutcome<LabelRecord>> =
        a.unwrap().into_iter().chain(b.unwrap()).collect();
    assert!(!outcomes.iter().any(|outcome| matches!(outcome, ItemOutcome::Failed(_))));
    assert_eq!(pony.sold(), 10);
    engine.work_outbox(at(1)).await.unwrap();
    assert_eq!((pony.sold(), engine.store().unsettled().await.unwrap().len()), (10, 0));
}

// Not in virtual time: that runs on while the stores' own threads work.
#[tokio::test]
async fn two_processes_on_one_file_never_buy_two_labels_for_one_parcel() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("orders.db");
    let pony = Arc::new(Pony::default());
    let stall = Arc::new(Stall::with(20));
    let open = |worker| {
        let store = Arc::new(SqliteStore::open(&file).unwrap());
        engine(store, &[("1", stall.clone())], &pony, worker)
    };
    let (one, two) = (open("one"), open("two"));
    let items = ready(&one, &["1"]).await;
    let options = BatchOptions::default();
    let (a, b) = tokio::join!(
        one.buy_labels(&items, &options, at(0), |_| {}),
        two.buy_labels(&items, &options, at(0), |_| {}),
    );
    let (a, b) = (a.unwrap(), b.unwrap());
    let done = a.iter().chain(&b).filter(|outcome| outcome.is_done()).count();
    assert_eq!((pony.sold(), done), (20, 20));
    two.work_outbox(at(1)).await.unwrap();
    assert_eq!(pony.sold(), 20);
}

#[tokio::test(start_paused = true)]
async fn one_shops_outage_stops_nobody_else() {
    for panics in [false, true] {
        let pony = Arc::new(Pony::default());
        let (up, down) = (Arc::new(Stall::with(3)), Arc::new(Stall::with(3)));
        let stalls = [("down", down.clone()), ("up", up)];
        let engine = engine(Arc::new(MemoryStore::new()), &stalls, &pony, "w");
        ready(&engine, &["down", "up"]).await;
        let fault = if panics { &down.panics } else { &down.down };
        fault.store(true, Ordering::SeqCst);
        let schedule = Schedule::default().with_buy_labels(true);
        let report = engine.tick(&schedule, at(1)).await;
        assert_eq!(report.labels_bought, 3);
        // The shop itself, and each of its parcels, say why.
        assert_eq!(report.errors.len(), 4);
        let why = if panics { "the stall fell over" } else { "down" };
        assert!(report.errors.iter().all(|error| error.to_string().contains(why)), "{panics}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_adapter_of_a_carrier_is_told_and_the_round_goes_on() {
    let pony = Arc::new(Pony::default());
    let stall = Arc::new(Stall::with(2));
    let engine = engine(Arc::new(MemoryStore::new()), &[("1", stall)], &pony, "w");
    let items = ready(&engine, &["1"]).await;
    engine.buy_labels(&items, &BatchOptions::default(), at(0), |_| {}).await.unwrap();
    pony.panics.store(true, Ordering::SeqCst);
    let report = engine.tick(&Schedule::default(), at(1)).await;
    let [error] = report.tracked.errors.as_slice() else { panic!("{:?}", report.tracked) };
    assert_eq!(error.operation(), Some("track"));
    assert!(error.message().contains("the adapter panicked: the pony is lame"), "{error}");
    pony.panics.store(false, Ordering::SeqCst);
    assert!(engine.tick(&Schedule::default(), at(2)).await.tracked.errors.is_empty());
}

#[tokio::test(start_paused = true)]
async fn tracking_answers_are_taken_by_number_and_not_by_place() {
    let pony = Arc::new(Pony { backwards: true, ..Pony::default() });
    let stall = Arc::new(Stall::with(4));
    let engine = engine(Arc::new(MemoryStore::new()), &[("1", stall)], &pony, "w");
    let items = ready(&engine, &["1"]).await;
    engine.buy_labels(&items, &BatchOptions::default(), at(0), |_| {}).await.unwrap();
    engine.track(at(1)).await.unwrap();
    let all = OrderFilter::default();
    let found = engine.store().find(&all, OrderSort::Placed, at(1), 0, 10).await.unwrap();
    let mut seen = 0;
    for package in found.orders.iter().flat_map(|order| &order.packages) {
        for event in &package.movement.events {
            seen += 1;
            let number = &package.tracking.as_ref().unwrap().number;
            assert_eq!(event.place.as_deref(), Some(number.as_str()));
        }
    }
    assert_eq!(seen, 3);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_ran_ahead_is_told_and_buys_nothing_until_it_is_set_right() {
    let pony = Arc::new(Pony::default());
    let stall = Arc::new(Stall::with(2));
    let engine = engine(Arc::new(MemoryStore::new()), &[("1", stall)], &pony, "w");
    let items = ready(&engine, &["1"]).await;
    engine.sync(&shop("1"), at(24 * 36_500)).await.unwrap();
    let error = engine.sync(&shop("1"), at(1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    let outcomes =
        engine.buy_labels(&items, &BatchOptions::default(), at(1), |_| {}).await.unwrap();
    assert!(outcomes.iter().all(|outcome| matches!(outcome, ItemOutcome::Failed(_))));
    assert_eq!(pony.sold(), 0);
    engine.reset_horizon(&shop("1"), at(0)).await.unwrap();
    engine.buy_labels(&items, &BatchOptions::default(), at(1), |_| {}).await.unwrap();
    assert_eq!(pony.sold(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_order_that_contradicts_itself_is_kept_aside_and_the_others_go_on() {
    let pony = Arc::new(Pony::default());
    let mut stall = Stall::with(5);
    let line = stall.orders[0].lines[0].clone();
    stall.orders[0].lines.push(line);
    stall.orders[1].lines.clear();
    stall.orders[2].lines[0].quantity = 7;
    stall.orders[3].placed_at = chrono::DateTime::<chrono::Utc>::MIN_UTC;
    let engine = engine(Arc::new(MemoryStore::new()), &[("1", Arc::new(stall))], &pony, "w");
    let report = engine.sync(&shop("1"), at(0)).await.unwrap();
    assert_eq!((report.imported, report.quarantined), (1, 4));
    let mut reasons: Vec<String> =
        engine.store().quarantined().await.unwrap().into_iter().map(|kept| kept.reason).collect();
    reasons.sort();
    assert!(reasons[0].starts_with("lines.1.units: 1 units have a status, 7 were ordered"));
    assert_eq!(reasons[1], "lines: line id 1 occurs twice");
    assert_eq!(reasons[2], "lines: the order has no goods");
    assert!(reasons[3].starts_with("placed_at: "), "{reasons:?}");
}

#[tokio::test(start_paused = true)]
async fn a_deadline_rule_that_cannot_answer_costs_no_order_and_is_told() {
    let rule = |name: &str, kind: DeadlineKind, hours| SlaRule {
        name: name.into(),
        scope: SlaScope::default(),
        kind,
        anchor: Anchor::OrderCreated,
        span: Span::Elapsed { hours },
        requires: Requirements::default(),
        penalty: None,
    };
    let sla = SlaRules {
        shop: vec![
            rule("forever", DeadlineKind::DeliverBy, u32::MAX),
            rule("collect", DeadlineKind::CollectBy, 30),
        ],
        presets: Vec::new(),
    };
    let calendar = WorkCalendar::every_day(chrono_tz::UTC);
    let stall = Arc::new(Stall::with(2));
    let engine = Engine::builder(Arc::new(MemoryStore::new()), Arc::new(MemoryStock::new()))
        .shop(Shop::new(shop("1"), stall, calendar).with_sla(sla))
        .build()
        .unwrap();
    let report = engine.sync(&shop("1"), at(0)).await.unwrap();
    assert_eq!((report.imported, report.quarantined), (2, 0));
    // Read again, it is not told again.
    let earlier = at(-12);
    engine.fetch_window(&shop("1"), earlier, at(1), at(1)).await.unwrap();
    let all = OrderFilter::default();
    let found = engine.store().find(&all, OrderSort::Placed, at(0), 0, 10).await.unwrap();
    assert_eq!(found.orders.len(), 2);
    for order in &found.orders {
        assert!(order.deadline(DeadlineKind::CollectBy).is_some());
        assert!(order.deadline(DeadlineKind::DeliverBy).is_none());
        let told = order
            .incidents
            .iter()
            .find(|incident| incident.kind == ExceptionKind::ImportFailure)
            .unwrap();
        assert!(told.detail.contains("`forever`"), "{}", told.detail);
        assert_eq!((told.count, order.incidents.len()), (1, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn an_engine_with_a_shop_of_another_platform_is_not_built() {
    let calendar = WorkCalendar::every_day(chrono_tz::UTC);
    let stranger = ShopKey::new(PlatformId::from_static("bazaar"), ShopId::from_static("1"));
    let build = |shops: Vec<ShopKey>| {
        let store = Arc::new(MemoryStore::new());
        let mut builder = Engine::builder(store, Arc::new(MemoryStock::new()));
        for key in shops {
            builder = builder.shop(Shop::new(key, Arc::new(Stall::default()), calendar.clone()));
        }
        builder.build().map(drop).map_err(|error| error.to_string())
    };
    assert!(build(vec![stranger]).unwrap_err().contains("is for platform stall"));
    assert!(build(vec![shop("1"), shop("1")]).unwrap_err().contains("occurs twice"));
    assert_eq!(build(vec![shop("1")]), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_carrier_that_hangs_keeps_no_shop_from_being_read() {
    let pony = Arc::new(Pony::default());
    let stalls = [("a", Arc::new(Stall::with(1)))];
    let engine = engine(Arc::new(MemoryStore::new()), &stalls, &pony, "w");
    let items = ready(&engine, &["a"]).await;
    pony.hangs.store(true, Ordering::SeqCst);
    let options = BatchOptions::default();
    let buying = engine.buy_labels(&items, &options, at(0), |_| {});
    assert!(tokio::time::timeout(Duration::from_secs(200), buying).await.is_ok());
    // The purchase waits in the outbox, which is worked on before anything else.
    let report = engine.tick(&Schedule::default(), at(1)).await;
    assert!(report.silent.is_empty(), "{:?}", report.silent);
    assert_eq!(report.synced.len(), 1);
    let unasked = engine.quote_parcels(&items, at(1)).await.unwrap();
    let failed = &unasked[0].as_ref().unwrap().failed;
    assert_eq!((failed.len(), failed[0].1.kind()), (1, ErrorKind::Transient));
}

#[tokio::test(start_paused = true)]
async fn a_carrier_that_hangs_costs_a_whole_batch_one_share() {
    let pony = Arc::new(Pony::default());
    let stalls = [("a", Arc::new(Stall::with(40)))];
    let engine = engine(Arc::new(MemoryStore::new()), &stalls, &pony, "w");
    let items = ready(&engine, &["a"]).await;
    pony.hangs.store(true, Ordering::SeqCst);
    let begun = tokio::time::Instant::now();
    let answers = engine.quote_parcels(&items, at(0)).await.unwrap();
    assert_eq!(begun.elapsed(), Duration::from_secs(30));
    for answer in &answers {
        let failed = &answer.as_ref().unwrap().failed;
        assert_eq!((failed.len(), failed[0].1.kind()), (1, ErrorKind::Transient));
    }
    let last = answers.last().unwrap().as_ref().unwrap();
    assert!(last.failed[0].1.message().contains("not asked again"), "{:?}", last.failed);
    let begun = tokio::time::Instant::now();
    let outcomes =
        engine.buy_labels(&items, &BatchOptions::default(), at(0), |_| {}).await.unwrap();
    assert_eq!(begun.elapsed(), Duration::from_secs(30));
    assert!(outcomes.iter().all(|outcome| matches!(outcome, ItemOutcome::Failed(_))));
    // The next call asks again.
    pony.hangs.store(false, Ordering::SeqCst);
    let answers = engine.quote_parcels(&items, at(0)).await.unwrap();
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap().failed.is_empty()));
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_again_is_looked_for_from_then_on_and_its_duplicates_stay_on_record() {
    let pony = Arc::new(Pony::default());
    let stall = Arc::new(Stall::with(1));
    let engine = engine(Arc::new(MemoryStore::new()), &[("1", stall)], &pony, "w");
    let items = ready(&engine, &["1"]).await;
    pony.loses.store(true, Ordering::SeqCst);
    engine.buy_labels(&items, &BatchOptions::default(), at(0), |_| {}).await.unwrap();
    // Absent, and sent once more: that answer is lost too.
    engine.work_outbox(at(1)).await.unwrap();
    pony.loses.store(false, Ordering::SeqCst);
    engine.work_outbox(at(3)).await.unwrap();
    assert_eq!(*pony.told.lock().unwrap(), [(at(0), at(0)), (at(0), at(1))]);
    assert_eq!(pony.sold(), 1);
    for hour in 4..10 {
        engine.work_outbox(at(hour)).await.unwrap();
    }
    // The one that was sold is kept; what appeared later is for a person, once.
    assert_eq!(*pony.kept.lock().unwrap(), [["PONY000000"], ["PONY000000"]]);
    let order = only_order(&engine).await;
    let mut open = order.incidents.iter().filter(|one| one.resolved_at.is_none());
    let incident = open.find(|one| one.kind == ExceptionKind::LabelUnknown).unwrap();
    assert!(incident.detail.contains("PONY-LATE (it was picked up)"), "{incident:?}");
    assert!(engine.store().unsettled().await.unwrap().is_empty());
}

async fn only_order(engine: &Engine) -> Order {
    let all = OrderFilter::default();
    let found = engine.store().find(&all, OrderSort::Placed, at(0), 0, 2).await.unwrap().orders;
    assert_eq!(found.len(), 1);
    found.into_iter().next().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_number_on_two_live_parcels_is_told_and_costs_no_label() {
    let pony = Arc::new(Pony { repeats: true, ..Pony::default() });
    let stall = Arc::new(Stall::with(3));
    let engine = engine(Arc::new(MemoryStore::new()), &[("1", stall)], &pony, "w");
    let items = ready(&engine, &["1"]).await;
    let all = OrderFilter::default();
    let told = async || {
        let found = engine.store().find(&all, OrderSort::Placed, at(0), 0, 9).await.unwrap();
        let incidents = found.orders.into_iter().flat_map(|order| order.incidents);
        incidents.filter(|one| one.kind == ExceptionKind::LabelUnknown).collect::<Vec<_>>()
    };
    let options = BatchOptions::default();
    let buy = async |items: &[PackageRef], hours| {
        let bought = engine.buy_labels(items, &options, at(hours), |_| {}).await.unwrap();
        assert!(bought.iter().all(ItemOutcome::is_done), "{bought:?}");
    };
    buy(&items[..1], 0).await;
    assert!(told().await.is_empty());
    buy(&items[1..2], 1).await;
    let incidents = told().await;
    assert_eq!(incidents.len(), 1);
    let words = &incidents[0].detail;
    assert!(words.contains("PONY-AGAIN") && words.contains(items[0].package.as_str()), "{words}");
    assert_eq!(incidents[0].package.as_ref(), Some(&items[1].package));
    // Four months later it is a new one's.
    buy(&items[2..], 24 * 125).await;
    assert_eq!(told().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_number_sold_for_two_parcels_at_once_is_told() {
    let pony = Arc::new(Pony { repeats: true, ..Pony::default() });
    let stall = Arc::new(Stall::with(4));
    let engine = engine(Arc::new(MemoryStore::new()), &[("1", stall)], &pony, "w");
    let items = ready(&engine, &["1"]).await;
    engine.buy_labels(&items, &BatchOptions::default(), at(0), |_| {}).await.unwrap();
    let all = OrderFilter::default();
    let found = engine.store().find(&all, OrderSort::Placed, at(0), 0, 9).await.unwrap().orders;
    let told =
        |order: &Order| order.incidents.iter().any(|one| one.kind == ExceptionKind::LabelUnknown);
    // Each but perhaps the first knows of another.
    assert!(found.iter().filter(|order| told(order)).count() >= 3, "{found:?}");
}

#[tokio::test(start_paused = true)]
async fn a_label_sold_without_paper_is_for_a_person() {
    let pony = Arc::new(Pony { paperless: true, ..Pony::default() });
    let stall = Arc::new(Stall::with(1));
    let engine = engine(Arc::new(MemoryStore::new()), &[("1", stall)], &pony, "w");
    let items = ready(&engine, &["1"]).await;
    engine.buy_labels(&items, &BatchOptions::default(), at(0), |_| {}).await.unwrap();
    let order = only_order(&engine).await;
    let incident = order.incidents.iter().find(|one| one.kind == ExceptionKind::LabelUnknown);
    assert!(incident.unwrap().detail.contains("PONY000000"), "{incident:?}");
}
