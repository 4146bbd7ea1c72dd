//! The seller's house: one shop, one warehouse, one carrier account, and the sandbox around them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use orderflow::calendar::WorkCalendar;
use orderflow::carriers::usps::{Usps, UspsConfig, catalogue};
use orderflow::client::{Quota, ReqwestTransport, RetryPolicy, Transport};
use orderflow::engine::{Carrier, Engine, EnginePolicy, Shop};
use orderflow::platforms::walmart::{WALMART, Walmart, WalmartConfig, quota};
use orderflow::rules::{AllocationPolicy, SlaRules, presets};
use orderflow::sandbox::usps::UspsStandIn;
use orderflow::sandbox::walmart::{CATALOGUE, WalmartStandIn};
use orderflow::sandbox::{Faults, Ledger, LoopbackServer, Sandbox, VirtualClock};
use orderflow::store::{MemoryStock, SqliteStore};
use orderflow::warehouse::{FulfillmentChannel, Warehouse};
use orderflow::{
    Address, Contact, Country, Dimensions, Grams, Millimetres, ShopId, ShopKey, Sku, WarehouseId,
};

/// The shop's zone: all times on the screen.
pub const ZONE: Tz = chrono_tz::America::New_York;

/// Everything the day needs.
pub struct House {
    pub engine: Engine,
    pub shop: ShopKey,
    pub clock: VirtualClock,
    pub ledger: Ledger,
    pub market: Arc<WalmartStandIn>,
    pub post: Arc<UspsStandIn>,
    _server: LoopbackServer,
}

/// Starts the stand-ins on the loopback address and an engine on a SQLite file against them.
pub async fn open(
    file: &Path,
    start: DateTime<Utc>,
    faults: Faults,
    orders: usize,
) -> Result<House, Box<dyn std::error::Error>> {
    let clock = VirtualClock::new(start);
    let ledger = Ledger::new();
    let market = WalmartStandIn::new(ledger.clone());
    let post = Arc::new(UspsStandIn::new(ledger.clone()));
    let server = Sandbox::new(clock.clone(), ledger.clone())
        .with(market.clone())
        .with(post.clone())
        .with_faults(faults)
        .serve()
        .await?;

    let http: Arc<dyn Transport> = Arc::new(ReqwestTransport::new()?);
    // The stand-ins are on this machine: short pauses and generous quotas.
    let retry = RetryPolicy::default()
        .with_max_attempts(6)
        .with_base(Duration::from_millis(20))
        .with_cap(Duration::from_millis(500));
    let plenty = Quota::per_second(100_000).with_burst(100_000);

    let mut account = WalmartConfig::new("client-id", "client-secret", "shop-1")
        .with_base_url(server.base_url("walmart"))
        .with_retry(retry)
        .with_zone(ZONE)
        .with_clock(Arc::new(clock.clone()));
    for bucket in [quota::ORDERS, quota::ACKNOWLEDGE, quota::SHIP, quota::CANCEL] {
        account = account.with_quota(bucket, plenty);
    }
    let walmart = Walmart::new(account, http.clone())?;
    let usps = Usps::new(
        UspsConfig::new(
            "consumer-key",
            "consumer-secret",
            "12345678",
            "903001234",
            "903001234",
            "1234567890",
        )
        .with_base(server.base_url("usps"))
        .with_quota(plenty)
        .with_retry(retry)
        .with_clock(Arc::new(clock.clone())),
        http,
    )?;

    let cutoff = NaiveTime::from_hms_opt(14, 0, 0).unwrap_or(NaiveTime::MIN);
    let calendar = WorkCalendar::weekdays(ZONE, cutoff);
    let warehouse = Warehouse {
        id: WarehouseId::from_static("newark"),
        channel: FulfillmentChannel::MerchantFulfilled,
        sender: sender(),
        calendar: calendar.clone(),
        enabled: true,
        platforms: Default::default(),
        countries: Default::default(),
        capacity_left: None,
        unit_cost: None,
        transit_days: Default::default(),
        priority: 0,
    };
    let stock = memory_stock(&warehouse.id, orders);

    let shop = ShopKey::new(WALMART, ShopId::from_static("shop-1"));
    let sla = SlaRules { shop: Vec::new(), presets: presets::load("walmart")?.rules };
    let mut policy = EnginePolicy::default();
    let mm = Millimetres::new;
    policy.allocation = AllocationPolicy::default();
    policy.allocation.packaging = Grams::new(120);
    policy.allocation.box_size = Some(Dimensions::new(mm(280), mm(210), mm(120)));
    let store = Arc::new(SqliteStore::open(file)?);
    let engine = Engine::builder(store, stock)
        .shop(Shop::new(shop.clone(), Arc::new(walmart), calendar).with_sla(sla))
        .carrier(Carrier::new(Arc::new(usps), catalogue()))
        .warehouse(warehouse)
        .policy(policy)
        .build()?;
    Ok(House { engine, shop, clock, ledger, market, post, _server: server })
}

fn memory_stock(warehouse: &WarehouseId, orders: usize) -> Arc<MemoryStock> {
    let stock = MemoryStock::new();
    let units = u32::try_from(orders * 10 + 100).unwrap_or(u32::MAX);
    for item in CATALOGUE {
        stock.set(warehouse.clone(), Sku::from_static(item.sku), units);
    }
    Arc::new(stock)
}

fn sender() -> Contact {
    Contact {
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
    }
}

/// A local time of the day as an instant.
pub fn local(day: chrono::NaiveDate, hour: u32, minute: u32) -> DateTime<Utc> {
    let time = NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or(NaiveTime::MIN);
    orderflow::calendar::resolve_local(ZONE, day.and_time(time))
}

/// Hours as a difference.
pub const fn hours(hours: i64) -> TimeDelta {
    TimeDelta::hours(hours)
}
