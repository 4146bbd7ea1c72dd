//! One shop, one warehouse, one carrier around an engine, everything in this process.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use orderflow::calendar::WorkCalendar;
use orderflow::carriers::usps::{Usps, UspsConfig, catalogue};
use orderflow::client::{Clock, Quota, RetryPolicy, Transport};
use orderflow::engine::{Carrier, Engine, EnginePolicy, Shop};
use orderflow::order::{Order, OrderFilter, OrderSort};
use orderflow::platforms::walmart::{WALMART, Walmart, WalmartConfig, quota};
use orderflow::ports::store::Store;
use orderflow::sandbox::usps::UspsStandIn;
use orderflow::sandbox::walmart::{CATALOGUE, GenerateOptions, WalmartStandIn, generate};
use orderflow::sandbox::{Faults, Ledger, Sandbox, VirtualClock};
use orderflow::store::{MemoryStock, MemoryStore};
use orderflow::warehouse::{FulfillmentChannel, Warehouse};
use orderflow::{
    Address, Contact, Country, Dimensions, Millimetres, ShopId, ShopKey, Sku, WarehouseId,
};

/// An instant some hours from the beginning of the story.
pub fn at(hours: i64) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 4, 14, 0, 0).unwrap() + TimeDelta::hours(hours)
}

pub struct House {
    pub engine: Engine,
    pub shop: ShopKey,
    pub clock: VirtualClock,
    pub ledger: Ledger,
    pub market: Arc<WalmartStandIn>,
}

pub fn policy() -> EnginePolicy {
    let mut policy = EnginePolicy::default();
    let mm = Millimetres::new;
    policy.allocation.box_size = Some(Dimensions::new(mm(250), mm(200), mm(100)));
    policy
}

pub fn house(faults: Faults) -> House {
    house_with(Arc::new(MemoryStore::new()), faults, policy(), RetryPolicy::default())
}

pub fn house_with(
    store: Arc<dyn Store>,
    faults: Faults,
    policy: EnginePolicy,
    retry: RetryPolicy,
) -> House {
    built(store, faults, policy, retry, |shop| shop)
}

/// A house without faults whose seller decided something.
pub fn house_of(decide: impl FnOnce(Shop) -> Shop) -> House {
    let store = Arc::new(MemoryStore::new());
    built(store, Faults::none(), policy(), RetryPolicy::default(), decide)
}

fn built(
    store: Arc<dyn Store>,
    faults: Faults,
    policy: EnginePolicy,
    retry: RetryPolicy,
    decide: impl FnOnce(Shop) -> Shop,
) -> House {
    let clock = VirtualClock::new(at(0));
    let ledger = Ledger::new();
    let market = WalmartStandIn::new(ledger.clone());
    let sandbox = Sandbox::new(clock.clone(), ledger.clone())
        .with(market.clone())
        .with(Arc::new(UspsStandIn::new(ledger.clone())))
        .with_faults(faults);
    let urls = [sandbox.base_url("walmart"), sandbox.base_url("usps")];
    let (engine, shop) = engine_of(
        store,
        &urls,
        sandbox.transport(),
        Arc::new(clock.clone()),
        policy,
        retry,
        decide,
    );
    House { engine, shop, clock, ledger, market }
}

/// An engine over a store that reaches the vendors at two addresses.
pub fn engine(
    store: Arc<dyn Store>,
    urls: &[String; 2],
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    policy: EnginePolicy,
    retry: RetryPolicy,
) -> (Engine, ShopKey) {
    engine_of(store, urls, transport, clock, policy, retry, |shop| shop)
}

fn engine_of(
    store: Arc<dyn Store>,
    [walmart, usps]: &[String; 2],
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    policy: EnginePolicy,
    retry: RetryPolicy,
    decide: impl FnOnce(Shop) -> Shop,
) -> (Engine, ShopKey) {
    let plenty = Quota::per_second(100_000).with_burst(100_000);
    let mut account = WalmartConfig::new("id", "secret", "shop-1")
        .with_base_url(walmart)
        .with_retry(retry)
        .with_clock(clock.clone());
    for bucket in [quota::ORDERS, quota::ACKNOWLEDGE, quota::SHIP, quota::CANCEL] {
        account = account.with_quota(bucket, plenty);
    }
    let walmart = Walmart::new(account, transport.clone()).unwrap();
    let usps = Usps::new(
        UspsConfig::new("key", "secret", "12345678", "903001234", "903001234", "1234567890")
            .with_base(usps)
            .with_quota(plenty)
            .with_retry(retry)
            .with_clock(clock),
        transport,
    )
    .unwrap();
    let calendar = WorkCalendar::weekdays(
        chrono_tz::America::New_York,
        NaiveTime::from_hms_opt(14, 0, 0).unwrap(),
    );
    let warehouse = Warehouse {
        id: WarehouseId::from_static("newark"),
        channel: FulfillmentChannel::MerchantFulfilled,
        sender: Contact {
            name: "Harbor Goods".into(),
            company: Some("Harbor Goods LLC".into()),
            phone: Some("2015550123".into()),
            email: None,
            address: Address {
                lines: vec!["45 Dock Street".into()],
                city: "Newark".into(),
                state: Some("NJ".into()),
                postal_code: Some("07102".into()),
                country: Country::new("US"),
                residential: Some(false),
            },
        },
        calendar: calendar.clone(),
        enabled: true,
        platforms: BTreeSet::new(),
        countries: BTreeSet::new(),
        capacity_left: None,
        unit_cost: None,
        transit_days: std::collections::BTreeMap::new(),
        priority: 0,
    };
    let stock = MemoryStock::new();
    for article in CATALOGUE {
        stock.set(warehouse.id.clone(), Sku::from_static(article.sku), 100_000);
    }
    let shop = ShopKey::new(WALMART, ShopId::from_static("shop-1"));
    let engine = Engine::builder(store, Arc::new(stock))
        .shop(decide(Shop::new(shop.clone(), Arc::new(walmart), calendar)))
        .carrier(Carrier::new(Arc::new(usps), catalogue()))
        .warehouse(warehouse)
        .policy(policy)
        .build()
        .unwrap();
    (engine, shop)
}

impl House {
    /// Lets orders of the last 12 hours appear, some with bad addresses.
    pub fn place(&self, count: usize, problems: usize) {
        let options = GenerateOptions::default().with_address_problems(problems);
        for order in generate(9, count, at(-12), at(0), &options) {
            self.market.place(order);
        }
    }

    pub async fn orders(&self) -> Vec<Order> {
        let all = OrderFilter::default();
        let found = self.engine.store().find(&all, OrderSort::Placed, at(0), 0, 10_000).await;
        found.unwrap().orders
    }

    pub async fn only_order(&self) -> Order {
        let orders = self.orders().await;
        assert_eq!(orders.len(), 1);
        orders.into_iter().next().unwrap()
    }

    /// Nothing lost, nothing twice, no intent open, and exactly `held` orders wait for a person.
    pub async fn assert_clean(&self, held: usize) {
        let orders = self.orders().await;
        assert_eq!(orders.len(), self.ledger.orders());
        let waiting: BTreeSet<String> = orders
            .iter()
            .filter(|order| order.packages.is_empty())
            .map(|order| order.key.order.to_string())
            .collect();
        assert_eq!(waiting.len(), held);
        assert_eq!(self.ledger.audit(&waiting), []);
        self.engine.work_outbox(at(10_000)).await.unwrap();
        assert_eq!(self.engine.store().unsettled().await.unwrap(), []);
    }
}
