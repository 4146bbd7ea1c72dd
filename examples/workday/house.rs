//! The seller's house: seven shops, five warehouses, four carrier accounts, and the sandbox around them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use orderflow::calendar::WorkCalendar;
use orderflow::carriers::dhl::ecommerce::{self as dhl, DhlEcommerce, DhlEcommerceConfig};
use orderflow::carriers::dhl::express::{
    self, DHL_EXPRESS, DhlExpress, DhlExpressConfig, WORLDWIDE,
};
use orderflow::carriers::dhl::tracking::{DhlTracking, DhlTrackingConfig};
use orderflow::carriers::fedex::{self, Fedex, FedexConfig};
use orderflow::carriers::usps::{self, Usps, UspsConfig};
use orderflow::client::ReqwestTransport;
use orderflow::engine::{Carrier, Engine, EnginePolicy, Shop};
use orderflow::order::{Order, OrderFilter, OrderSort};
use orderflow::ports::Stock;
use orderflow::ports::store::{IntendedEffect, Intent};
use orderflow::rules::{CustomsBook, CustomsFacts, SlaRules, presets};
use orderflow::sandbox::dhl::ecommerce::DhlEcommerceStandIn;
use orderflow::sandbox::dhl::express::DhlExpressStandIn;
use orderflow::sandbox::fedex::FedexStandIn;
use orderflow::sandbox::usps::UspsStandIn;
use orderflow::sandbox::{Faults, Ledger, LoopbackServer, Sandbox, VirtualClock};
use orderflow::sandbox::{mercado_libre, walmart};
use orderflow::store::{MemoryStock, SqliteStore};
use orderflow::warehouse::{FulfillmentChannel, Warehouse};
use orderflow::{
    Address, Contact, Country, Dimensions, ErrorKind, Grams, Millimetres, ServiceCode, ShopKey,
    Sku, WarehouseId,
};

use crate::Failure;
use crate::markets::{self, Line, Market};

/// The seller's zone: all times on the screen.
pub const ZONE: Tz = chrono_tz::America::New_York;

/// Everything the day needs.
pub struct House {
    pub engine: Engine,
    pub markets: Vec<Market>,
    pub clock: VirtualClock,
    pub ledger: Ledger,
    pub stock: Arc<MemoryStock>,
    pub post: Arc<UspsStandIn>,
    pub express: Arc<FedexStandIn>,
    pub light: Arc<DhlEcommerceStandIn>,
    pub courier: Arc<DhlExpressStandIn>,
    /// Where the courier's news of parcels are pushed to.
    pub news: DhlTracking,
    _server: LoopbackServer,
}

/// Starts the stand-ins on the loopback address and an engine on a SQLite file against them.
pub async fn open(
    file: &Path,
    out: &Path,
    start: DateTime<Utc>,
    faults: Faults,
    orders: usize,
) -> Result<House, Failure> {
    let clock = VirtualClock::new(start);
    let ledger = Ledger::new();
    let markets = markets::all(&ledger, out);
    let post = Arc::new(UspsStandIn::new(ledger.clone()));
    let express = Arc::new(FedexStandIn::new(ledger.clone()));
    let light = Arc::new(DhlEcommerceStandIn::new(ledger.clone()));
    let courier = Arc::new(DhlExpressStandIn::new(ledger.clone()));
    let sandbox = Sandbox::new(clock.clone(), ledger.clone())
        .with(post.clone())
        .with(express.clone())
        .with(light.clone())
        .with(courier.clone());
    let server = markets::mount(&markets, sandbox).with_faults(faults).serve().await?;

    let line = Line::new(Arc::new(ReqwestTransport::new()?), clock.clone());
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
        .with_quota(line.plenty)
        .with_retry(line.retry)
        .with_clock(Arc::new(clock.clone())),
        line.http.clone(),
    )?;

    let fedex = Fedex::new(
        FedexConfig::new("key", "secret", "740561073")
            .with_base(server.base_url("fedex"))
            .with_quota(line.plenty)
            .with_retry(line.retry)
            // The clock stands still while the batch is bought.
            .with_settling_time(TimeDelta::zero())
            .with_clock(Arc::new(clock.clone())),
        line.http.clone(),
    )?;

    let ecommerce = DhlEcommerce::new(
        DhlEcommerceConfig::new("key", "secret", "5323000", "USEWR1")
            .with_base(server.base_url("dhl-ecommerce"))
            .with_quota(line.plenty)
            .with_retry(line.retry)
            .with_settling_time(TimeDelta::zero())
            .with_manifest_wait(Duration::from_millis(20), Duration::from_secs(5))
            .with_clock(Arc::new(clock.clone())),
        line.http.clone(),
    )?;

    let worldwide = ServiceCode::from_static(WORLDWIDE);
    let courier_account = DhlExpress::new(
        DhlExpressConfig::new("user", "password", "968000123")
            .with_base(server.base_url("dhl-express"))
            .with_products([worldwide.clone()])
            .with_ready_at(ZONE, NaiveTime::from_hms_opt(16, 0, 0).unwrap_or_default())
            .with_quota(line.plenty)
            .with_retry(line.retry)
            .with_settling_time(TimeDelta::zero())
            .with_clock(Arc::new(clock.clone())),
        line.http.clone(),
    )?;
    let mut courier_services = express::catalogue();
    courier_services.retain(|service| service.key.service == worldwide);
    courier_services.iter_mut().for_each(|service| service.enabled = true);

    let news = DhlTracking::new(
        DhlTrackingConfig::new("key").with_carrier(DHL_EXPRESS).with_hook(
            "https://shop.example/hooks/dhl",
            HOOK_HEADER,
            HOOK_TOKEN,
        ),
        line.http.clone(),
    )?;

    let mut policy = EnginePolicy::default();
    policy.customs = customs_book();
    policy.route_rules = vec![serde_json::from_value(serde_json::json!({
        "id": "europe-by-courier",
        "when": { "countries": ["DE"] },
        "then": { "only": [{ "carrier": "dhl-express", "service": WORLDWIDE }] },
    }))?];
    let mm = Millimetres::new;
    policy.allocation.packaging = Grams::new(120);
    policy.allocation.box_size = Some(Dimensions::new(mm(280), mm(210), mm(120)));
    let warehouses: Vec<Warehouse> = SITES.iter().map(warehouse).collect();
    let stock = memory_stock(&warehouses, orders);
    let mut builder = Engine::builder(Arc::new(SqliteStore::open(file)?), stock.clone())
        .carrier(Carrier::new(Arc::new(usps), usps::catalogue()))
        .carrier(Carrier::new(Arc::new(fedex), fedex::catalogue()))
        .carrier(Carrier::new(Arc::new(ecommerce), dhl::catalogue()))
        .carrier(Carrier::new(Arc::new(courier_account), courier_services))
        .policy(policy);
    for warehouse in warehouses {
        builder = builder.warehouse(warehouse);
    }
    for market in &markets {
        market.sign_in().await?;
        let adapter = market.adapter(&server, &line)?;
        let rules = presets::default_for(&market.key.platform).map(|preset| preset.rules);
        let sla = SlaRules { shop: Vec::new(), presets: rules.unwrap_or_default() };
        let calendar = WorkCalendar::weekdays(ZONE, cutoff());
        let shop = Shop::new(market.key.clone(), adapter, calendar).with_sla(sla);
        builder = builder.shop(shop.with_offers(market.offers()));
    }
    let engine = builder.build()?;
    Ok(House {
        engine,
        markets,
        clock,
        ledger,
        stock,
        post,
        express,
        light,
        courier,
        news,
        _server: server,
    })
}

impl House {
    /// Looks at every order there is, of all shops.
    pub async fn look_at_all(
        &self,
        now: DateTime<Utc>,
        mut look: impl FnMut(&Order),
    ) -> Result<(), Failure> {
        let all = OrderFilter::default();
        let mut seen = 0;
        loop {
            let page = self.engine.store().find(&all, OrderSort::Placed, now, seen, 500).await?;
            if page.orders.is_empty() {
                return Ok(());
            }
            seen += page.orders.len() as u64;
            page.orders.iter().for_each(&mut look);
        }
    }

    /// Before another round of what did not work: a refresh token that is good once is gone when the
    /// answer with the next one is lost. The engine leaves such a shop alone until its seller has
    /// signed in again.
    pub async fn let_in_again(&self, now: DateTime<Utc>) -> Result<(), Failure> {
        for market in &self.markets {
            match self.engine.sync(&market.key, now).await {
                Err(error) if error.kind() == ErrorKind::AuthRejected => {
                    println!("       {}: the seller signs in again", market.label);
                    market.sign_in().await?;
                    self.engine.resume_shop(&market.key);
                }
                Ok(_) => self.engine.resume_shop(&market.key),
                // Whoever tries next sees what is wrong.
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// Intents whose end is not known. That a carrier may still show a shipment bought twice is watched
    /// for a week after an answer was lost: nothing is open by that.
    pub async fn open_intents(&self) -> Result<usize, Failure> {
        let unsettled = self.engine.store().unsettled().await?;
        let watch =
            |intent: &&Intent| matches!(intent.effect, IntendedEffect::WatchForDuplicates { .. });
        Ok(unsettled.iter().filter(|intent| !watch(intent)).count())
    }

    /// Goods that more than one shop is told the stock of.
    pub fn shared_goods(&self) -> Vec<Sku> {
        let mut shops: BTreeMap<Sku, usize> = BTreeMap::new();
        for (sku, _) in self.markets.iter().flat_map(Market::offers) {
            *shops.entry(sku).or_default() += 1;
        }
        shops.into_iter().filter(|(_, shops)| *shops > 1).map(|(sku, _)| sku).collect()
    }

    /// The level that each shop which offers a SKU was told last, by the witness.
    pub fn levels_there(&self, sku: &Sku) -> Vec<(&'static str, Option<u32>)> {
        let level = |market: &Market| {
            let listing = market.offers().into_iter().find(|(offered, _)| offered == sku)?.1;
            Some((market.label, market.level_there(&self.ledger, sku, listing.as_ref())))
        };
        self.markets.iter().filter_map(level).collect()
    }

    /// Levels that a shop shows and the shelf does not have.
    pub async fn wrong_levels(&self) -> Result<usize, Failure> {
        let offered: BTreeSet<Sku> =
            self.markets.iter().flat_map(Market::offers).map(|(sku, _)| sku).collect();
        let skus: Vec<Sku> = offered.into_iter().collect();
        let view = self.stock.view(&skus, None).await?;
        let wrong = |sku: &Sku| {
            let there = self.levels_there(sku).into_iter();
            there.filter(|(_, level)| *level != Some(view.total(sku))).count()
        };
        Ok(skus.iter().map(wrong).sum())
    }

    /// The name of a shop on the screen.
    pub fn label(&self, shop: &ShopKey) -> &'static str {
        self.markets.iter().find(|market| market.key == *shop).map_or("?", |market| market.label)
    }
}

/// What the courier shows our hook, and in which header.
pub const HOOK_HEADER: &str = "X-Hook-Token";
pub const HOOK_TOKEN: &str = "shown-by-the-courier-alone";

/// What customs asks of the goods that leave the country.
fn customs_book() -> CustomsBook {
    let goods = [
        ("MUG", "Stoneware mug", "691200"),
        ("TOWEL", "Cotton towel", "630260"),
        ("LAMP", "Electric lamp", "940521"),
        ("PAN", "Frying pan, steel", "732393"),
        ("POT", "Saucepan, steel", "732393"),
        ("KNIFE", "Kitchen knife", "821192"),
        ("BOARD", "Wooden cutting board", "441990"),
        ("FRAME", "Wooden picture frame", "441490"),
        ("PILLOW", "Cushion", "940490"),
        ("THROW", "Cotton throw", "630130"),
        ("CANDLE", "Scented candles", "340600"),
        ("VASE", "Glass vase", "701399"),
        ("CLOCK", "Wall clock", "910521"),
        ("HOOKS", "Wall hooks, brass", "830250"),
    ];
    let mut book = CustomsBook::default();
    book.origin = Some(Country::US);
    for article in walmart::CATALOGUE {
        let kind = article.sku.split('-').next().unwrap_or_default();
        let Some((_, what, code)) = goods.iter().find(|(known, ..)| *known == kind) else {
            continue;
        };
        let mut facts = CustomsFacts::default();
        facts.description = Some((*what).to_owned());
        facts.hs_code = Some((*code).to_owned());
        book.goods.insert(Sku::from_static(article.sku), facts);
    }
    // Goods of up to 2,500 dollars a kind need no filing.
    book.export_reference = Some("NOEEI 30.37(a)".to_owned());
    book
}

/// A warehouse and the countries it serves.
pub struct Site {
    pub id: &'static str,
    pub country: &'static str,
    abroad: &'static [&'static str],
    pub zone: Tz,
    street: &'static str,
    pub city: &'static str,
    state: &'static str,
    pub postal_code: &'static str,
    phone: &'static str,
}

#[rustfmt::skip]
pub const SITES: [Site; 5] = [
    Site { id: "newark", country: "US", abroad: &["DE", "CA"], zone: ZONE, street: "45 Dock Street",
        city: "Newark", state: "NJ", postal_code: "07102", phone: "2015550123" },
    Site { id: "sao-paulo", country: "BR", abroad: &[], zone: chrono_tz::America::Sao_Paulo, street: "Rua do Porto 45",
        city: "São Paulo", state: "SP", postal_code: "01310100", phone: "+551155550123" },
    Site { id: "mexico-city", country: "MX", abroad: &[], zone: chrono_tz::America::Mexico_City, street: "Avenida Puerto 45",
        city: "Ciudad de México", state: "CMX", postal_code: "01030", phone: "+525555550123" },
    Site { id: "buenos-aires", country: "AR", abroad: &[], zone: chrono_tz::America::Argentina::Buenos_Aires, street: "Calle Puerto 45",
        city: "Buenos Aires", state: "C", postal_code: "1001", phone: "+541155550123" },
    Site { id: "london", country: "GB", abroad: &[], zone: chrono_tz::Europe::London, street: "45 Wharf Road",
        city: "London", state: "", postal_code: "E14 9YU", phone: "+442055550123" },
];

fn cutoff() -> NaiveTime {
    NaiveTime::from_hms_opt(14, 0, 0).unwrap_or(NaiveTime::MIN)
}

fn warehouse(site: &Site) -> Warehouse {
    Warehouse {
        id: WarehouseId::from_static(site.id),
        channel: FulfillmentChannel::MerchantFulfilled,
        sender: Contact {
            name: "Harbor Goods".into(),
            company: Some("Harbor Goods LLC".into()),
            phone: Some(site.phone.into()),
            email: None,
            address: Address {
                lines: vec![site.street.into()],
                city: site.city.into(),
                state: (!site.state.is_empty()).then(|| site.state.into()),
                postal_code: Some(site.postal_code.into()),
                country: Country::new(site.country),
                residential: Some(false),
            },
        },
        calendar: WorkCalendar::weekdays(site.zone, cutoff()),
        enabled: true,
        platforms: Default::default(),
        countries: std::iter::once(&site.country)
            .chain(site.abroad)
            .filter_map(|code| Country::new(code))
            .collect(),
        capacity_left: None,
        unit_cost: None,
        transit_days: Default::default(),
        priority: 0,
    }
}

/// Every SKU in every warehouse, more than the day can sell.
fn memory_stock(warehouses: &[Warehouse], orders: usize) -> Arc<MemoryStock> {
    let stock = MemoryStock::new();
    let units = u32::try_from(orders * 10 + 100).unwrap_or(u32::MAX);
    let american = walmart::CATALOGUE.iter().map(|article| article.sku);
    let latin = mercado_libre::CATALOGUE.iter().map(|article| article.sku);
    let skus: BTreeSet<&'static str> = american.chain(latin).collect();
    for warehouse in warehouses {
        for sku in &skus {
            stock.set(warehouse.id.clone(), Sku::from_static(sku), units);
        }
    }
    Arc::new(stock)
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
