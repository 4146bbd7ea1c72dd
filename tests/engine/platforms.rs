//! Platforms that label parcels themselves: from the sale to the buyer's door through the engine.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use orderflow::calendar::WorkCalendar;
use orderflow::client::{MemoryRefreshTokenStore, Quota, RetryPolicy, StoredToken};
use orderflow::engine::{BatchOptions, Engine, ItemOutcome, Shop};
use orderflow::order::{ExceptionKind, Order, OrderFilter, OrderSort, OrderState};
use orderflow::platforms::mercado_libre::{
    MercadoLibre, MercadoLibreConfig, Site, quota as mercado_quota,
};
use orderflow::platforms::tiktok_shop::{TikTokShop, TikTokShopConfig, quota as tiktok_quota};
use orderflow::ports::MarketplaceAdapter;
use orderflow::sandbox::mercado_libre::{self as mercado, MercadoLibreStandIn, Way};
use orderflow::sandbox::tiktok_shop::{self as tiktok, Shipping, TikTokShopStandIn};
use orderflow::sandbox::{Fault, Faults, Ledger, Sandbox, VirtualClock};
use orderflow::shipment::{LabelState, UploadState};
use orderflow::store::{MemoryStock, MemoryStore};
use orderflow::warehouse::{FulfillmentChannel, Warehouse};
use orderflow::{Address, Contact, Country, ShopId, ShopKey, Sku, WarehouseId};

use super::house::{at, policy};
use super::scripted;

const SELLER: u64 = 779_432_305;

/// An engine with one shop, one warehouse and no carrier of its own.
pub(super) struct World {
    pub(super) engine: Engine,
    pub(super) shop: ShopKey,
    clock: VirtualClock,
    ledger: Ledger,
}

fn world(
    adapter: Arc<dyn MarketplaceAdapter>,
    skus: &[&'static str],
    clock: VirtualClock,
    ledger: Ledger,
) -> World {
    let calendar =
        WorkCalendar::weekdays(chrono_tz::UTC, NaiveTime::from_hms_opt(16, 0, 0).unwrap());
    let warehouse = Warehouse {
        id: WarehouseId::from_static("main"),
        channel: FulfillmentChannel::MerchantFulfilled,
        sender: Contact {
            name: "Harbor Goods".into(),
            company: None,
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
    for sku in skus {
        stock.set(warehouse.id.clone(), Sku::from_static(sku), 100_000);
    }
    let shop = ShopKey::new(adapter.platform(), ShopId::from_static("shop"));
    let engine = Engine::builder(Arc::new(MemoryStore::new()), Arc::new(stock))
        .shop(Shop::new(shop.clone(), adapter, calendar))
        .warehouse(warehouse)
        .policy(policy())
        .build()
        .unwrap();
    World { engine, shop, clock, ledger }
}

fn plenty() -> Quota {
    Quota::per_second(100_000).with_burst(100_000)
}

pub(super) fn mercado_libre(faults: Faults) -> (World, Arc<MercadoLibreStandIn>) {
    let (clock, ledger) = (VirtualClock::new(at(0)), Ledger::new());
    let market = MercadoLibreStandIn::new(SELLER, ledger.clone());
    let sandbox =
        Sandbox::new(clock.clone(), ledger.clone()).with(market.clone()).with_faults(faults);
    let config = MercadoLibreConfig::in_memory(
        mercado::CLIENT_ID,
        mercado::CLIENT_SECRET,
        SELLER,
        Site::brazil(),
        mercado::FIRST_REFRESH_TOKEN,
    )
    .with_base_url(sandbox.base_url("mercado-libre"))
    .with_retry(RetryPolicy::none())
    .with_clock(Arc::new(clock.clone()));
    let config = [
        mercado_quota::SEARCH,
        mercado_quota::ORDERS,
        mercado_quota::SHIPMENTS,
        mercado_quota::LABELS,
    ]
    .into_iter()
    .fold(config, |config, bucket| config.with_quota(bucket, plenty()));
    let adapter = MercadoLibre::new(config, sandbox.transport()).unwrap();
    let skus: Vec<&'static str> = mercado::CATALOGUE.iter().map(|article| article.sku).collect();
    (world(Arc::new(adapter), &skus, clock, ledger), market)
}

/// Sales of the last hours that the platform labels. Returns how many.
fn sell(market: &MercadoLibreStandIn, seed: u64, count: usize) -> usize {
    let mut placed = 0;
    for mut pack in mercado::generate(seed, count, at(-6), at(-1)) {
        pack.way = Way::DropOff;
        market.place(pack);
        placed += 1;
    }
    placed
}

fn tiktok_shop(region: &'static str, faults: Faults) -> (World, Arc<TikTokShopStandIn>) {
    let (clock, ledger) = (VirtualClock::new(at(0)), Ledger::new());
    let market = TikTokShopStandIn::new(ledger.clone(), "38abcd", "app-secret", "GCP_cipher");
    let sandbox =
        Sandbox::new(clock.clone(), ledger.clone()).with(market.clone()).with_faults(faults);
    let tokens = MemoryRefreshTokenStore::new().with_token("shop", StoredToken::new("refresh-0"));
    let config = TikTokShopConfig::new("38abcd", "app-secret", "GCP_cipher", region, "shop")
        .with_api_host(sandbox.base_url("tiktok-shop"))
        .with_auth_host(sandbox.base_url("tiktok-shop"))
        .with_token_store(Arc::new(tokens))
        .with_retry(RetryPolicy::none())
        .with_clock(Arc::new(clock.clone()));
    let config =
        [tiktok_quota::TOKEN, tiktok_quota::ORDERS, tiktok_quota::FULFILMENT, tiktok_quota::OTHER]
            .into_iter()
            .fold(config, |config, bucket| config.with_quota(bucket, plenty()));
    let adapter = TikTokShop::new(config, sandbox.transport()).unwrap();
    let skus = ["MUG-BLUE-11", "TOWEL-BATH", "LAMP-CLIP", "FRAME-A4"];
    (world(Arc::new(adapter), &skus, clock, ledger), market)
}

impl World {
    pub(super) async fn orders(&self) -> Vec<Order> {
        let all = OrderFilter::default();
        let now = self.clock_now();
        let found = self.engine.store().find(&all, OrderSort::Placed, now, 0, 10_000).await;
        found.unwrap().orders
    }

    fn clock_now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Reads the sales of the last hours and takes them as far as they go without a label.
    pub(super) async fn import(&self) {
        let now = self.clock_now();
        let window = (now - TimeDelta::hours(12), now);
        self.engine.fetch_window(&self.shop, window.0, window.1, now).await.unwrap();
        let report = self.engine.advance(now).await.unwrap();
        assert!(report.troubles.is_empty(), "{:?}", report.troubles);
        assert_eq!(report.needs_person, 0);
    }

    async fn buy(&self) -> Vec<ItemOutcome<orderflow::shipment::LabelRecord>> {
        let now = self.clock_now();
        let items = self.engine.awaiting_labels(now).await.unwrap();
        self.engine.buy_labels(&items, &BatchOptions::default(), now, |_| {}).await.unwrap()
    }

    /// Prints, packs and hands over every parcel with a label.
    async fn ship(&self) {
        let now = self.clock_now();
        let items = self.engine.parcels_where(|_, package| package.shipped.is_none()).await;
        let items = items.unwrap();
        for outcome in self.engine.mark_printed(&items, now).await.unwrap() {
            assert!(outcome.is_done(), "{outcome:?}");
        }
        for outcome in self.engine.mark_packed(&items, now).await.unwrap() {
            assert!(outcome.is_done(), "{outcome:?}");
        }
        let shipped = self.engine.confirm_shipments(&items, now, now, |_| {}).await.unwrap();
        for outcome in shipped {
            assert!(outcome.is_done(), "{outcome:?}");
        }
    }

    async fn read_again(&self) {
        let now = self.clock_now();
        let report = self.engine.read_open_again(&self.shop, now).await.unwrap();
        assert_eq!(report.unread, 0, "{report:?}");
    }

    async fn assert_all(&self, count: usize, state: OrderState) {
        let orders = self.orders().await;
        assert_eq!(orders.len(), count);
        for order in &orders {
            assert_eq!(order.state(), state, "{}", order.key);
            // A lost answer is an incident until it is found; nothing else may be one.
            let settled = order.incidents.iter().all(|incident| {
                incident.kind == ExceptionKind::LabelUnknown && incident.resolved_at.is_some()
            });
            assert!(settled, "{:?}", order.incidents);
            for package in &order.packages {
                assert_eq!(package.upload.state, UploadState::NotRequired);
            }
        }
        let open = self.engine.exceptions(self.clock_now()).await.unwrap();
        let address = open.iter().find(|item| matches!(item.kind, ExceptionKind::Address(_)));
        assert!(address.is_none(), "{address:?}");
    }

    async fn assert_clean(&self) {
        assert_eq!(self.ledger.audit(&BTreeSet::new()), []);
        assert_eq!(self.engine.store().unsettled().await.unwrap(), []);
    }
}

#[tokio::test(start_paused = true)]
async fn mercado_libre_parcels_reach_their_buyers_under_the_platforms_labels() {
    let (world, market) = mercado_libre(Faults::none());
    let count = sell(&market, 3, 12);
    world.import().await;
    let bought = world.buy().await;
    assert!(bought.iter().all(ItemOutcome::is_done), "{bought:?}");
    // Downloading prints: the platform shows that, and it ships nothing.
    world.read_again().await;
    world.assert_all(count, OrderState::AwaitingShipment).await;
    world.ship().await;
    world.assert_all(count, OrderState::AwaitingCollection).await;
    for hours in [7, 13, 61] {
        world.clock.set(at(hours));
        world.read_again().await;
    }
    world.assert_all(count, OrderState::Delivered).await;
    world.assert_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_mercado_libre_label_whose_answer_was_lost_is_fetched_again() {
    for fault in [Fault::LostAfter, Fault::LostBefore, Fault::Truncated] {
        let faults = scripted("mercado-libre", "/shipment_labels", 0, 1, fault);
        let (world, market) = mercado_libre(faults);
        let count = sell(&market, 5, 1);
        world.import().await;
        world.buy().await;
        let now = world.clock_now() + TimeDelta::minutes(10);
        world.clock.set(now);
        world.read_again().await;
        world.engine.recover(now).await.unwrap();
        world.buy().await;
        let orders = world.orders().await;
        assert_eq!(orders[0].packages[0].label.state, LabelState::Purchased, "{fault:?}");
        world.ship().await;
        world.clock.set(now + TimeDelta::hours(61));
        world.read_again().await;
        world.assert_all(count, OrderState::Delivered).await;
        world.assert_clean().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_mercado_libre_sale_cancelled_after_printing_ends_without_an_incident() {
    let (world, market) = mercado_libre(Faults::none());
    let count = sell(&market, 7, 1);
    world.import().await;
    world.buy().await;
    let order = world.orders().await.remove(0).key.order;
    world.clock.set(at(1));
    world.read_again().await;
    market.cancel(order.as_str(), "buyer", "buyer_cancel_express", at(1));
    world.clock.set(at(2));
    world.read_again().await;
    world.engine.advance(at(2)).await.unwrap();
    world.engine.work_outbox(at(2)).await.unwrap();
    world.assert_all(count, OrderState::Cancelled).await;
    assert_eq!(world.orders().await[0].packages[0].label.state, LabelState::Voided);
    assert_eq!(world.engine.store().unsettled().await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn tiktok_shop_parcels_reach_their_buyers_under_the_platforms_labels() {
    for region in ["US", "GB"] {
        let (world, market) = tiktok_shop(region, Faults::none());
        let orders = tiktok::generate(3, 12, at(-6), at(-2), region, Shipping::Platform);
        let ids: Vec<String> = orders.iter().map(|order| order.id.clone()).collect();
        orders.into_iter().for_each(|order| market.place(order));
        world.import().await;
        let bought = world.buy().await;
        assert!(bought.iter().all(ItemOutcome::is_done), "{region}: {bought:?}");
        // The platform counts an arranged package as waiting for collection; it is still here.
        world.clock.set(at(1));
        world.read_again().await;
        world.assert_all(ids.len(), OrderState::AwaitingShipment).await;
        world.ship().await;
        world.assert_all(ids.len(), OrderState::AwaitingCollection).await;
        for hours in [20, 40] {
            world.clock.set(at(hours));
            for id in &ids {
                assert!(market.move_on(id, at(hours)));
            }
            world.read_again().await;
        }
        world.assert_all(ids.len(), OrderState::Delivered).await;
        world.assert_clean().await;
        assert_eq!(world.ledger.labels().len(), ids.len());
    }
}

#[tokio::test(start_paused = true)]
async fn a_tiktok_shop_label_whose_answer_was_lost_is_recovered_without_a_second_one() {
    for (region, path) in [("US", "/202309/packages"), ("GB", "/ship")] {
        for fault in [Fault::LostAfter, Fault::Truncated, Fault::LostBefore] {
            let faults = scripted("tiktok-shop", path, 0, 1, fault);
            let (world, market) = tiktok_shop(region, faults);
            let order =
                tiktok::generate(4, 1, at(-6), at(-2), region, Shipping::Platform).remove(0);
            let id = order.id.clone();
            market.place(order);
            world.import().await;
            world.buy().await;
            let now = at(1);
            world.clock.set(now);
            // Reading first must not take the platform's number for somebody else's.
            world.read_again().await;
            world.engine.recover(now).await.unwrap();
            world.buy().await;
            assert_eq!(world.ledger.labels().len(), 1, "{region} {fault:?}");
            world.ship().await;
            for hours in [20, 40] {
                world.clock.set(at(hours));
                assert!(market.move_on(&id, at(hours)));
                world.read_again().await;
            }
            world.assert_all(1, OrderState::Delivered).await;
            world.assert_clean().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_label_that_the_platform_shows_before_its_answer_is_recovered_is_no_conflict() {
    // The purchase and the look that would settle it both fail: the label's state is unknown.
    let faults = Faults::scripted(vec![
        fault_at("/202309/packages", 0, 1, Fault::LostAfter),
        fault_at("/orders", 3, 1, Fault::LostBefore),
    ]);
    let (world, market) = tiktok_shop("US", faults);
    market.place(tiktok::generate(4, 1, at(-6), at(-2), "US", Shipping::Platform).remove(0));
    world.import().await;
    let bought = world.buy().await;
    assert!(matches!(bought[..], [ItemOutcome::Ambiguous(_)]), "{bought:?}");
    world.clock.set(at(1));
    world.read_again().await;
    let orders = world.orders().await;
    let kinds: Vec<_> = orders[0].incidents.iter().map(|incident| incident.kind).collect();
    assert_eq!(kinds, [ExceptionKind::LabelUnknown]);
    assert_eq!(world.engine.recover(at(1)).await.unwrap().labels_found, 1);
    assert_eq!(world.orders().await[0].packages[0].label.state, LabelState::Purchased);
    assert_eq!(world.ledger.labels().len(), 1);
}

fn fault_at(path: &str, from: u32, times: u32, fault: Fault) -> orderflow::sandbox::ScriptedFault {
    let stand_in = "tiktok-shop".into();
    orderflow::sandbox::ScriptedFault { stand_in, path: path.into(), from, times, fault }
}

#[tokio::test(start_paused = true)]
async fn an_order_in_its_hour_of_remorse_raises_nothing_and_goes_on_when_it_is_over() {
    for shipping in [Shipping::Platform, Shipping::Seller] {
        let (world, market) = tiktok_shop("US", Faults::none());
        let mut order = tiktok::generate(4, 1, at(-6), at(-2), "US", shipping).remove(0);
        order.placed_at = at(0) - TimeDelta::minutes(10);
        order.paid_at = order.placed_at;
        market.place(order);
        world.engine.fetch_window(&world.shop, at(-1), at(0), at(0)).await.unwrap();
        world.engine.advance(at(0)).await.unwrap();
        let held = world.orders().await.remove(0);
        assert!(held.is_held(at(0)) && held.recipient.is_none());
        let address = |kind: &ExceptionKind| matches!(kind, ExceptionKind::Address(_));
        let open = world.engine.exceptions(at(0)).await.unwrap();
        assert!(!open.iter().any(|item| address(&item.kind)), "{open:?}");
        world.clock.set(at(1));
        world.read_again().await;
        world.engine.advance(at(1)).await.unwrap();
        let released = world.orders().await.remove(0);
        assert!(!released.is_held(at(1)) && !released.packages.is_empty(), "{:?}", released.review);
        let open = world.engine.exceptions(at(1)).await.unwrap();
        assert!(!open.iter().any(|item| address(&item.kind)), "{open:?}");
    }
}
