//! Platforms that label parcels themselves: from the sale to the buyer's door through the engine.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use orderflow::calendar::WorkCalendar;
use orderflow::carriers::usps::{USPS, Usps, UspsConfig, catalogue};
use orderflow::client::{MemoryRefreshTokenStore, Quota, RetryPolicy, StoredToken};
use orderflow::engine::{BatchOptions, Carrier, Engine, ItemOutcome, PackageRef, Shop};
use orderflow::order::{
    Action, Actor, ExceptionKind, Order, OrderFilter, OrderSort, OrderState, UnitStatus,
};
use orderflow::platforms::mercado_libre::{
    MercadoLibre, MercadoLibreConfig, Site, quota as mercado_quota,
};
use orderflow::platforms::tiktok_shop::{TikTokShop, TikTokShopConfig, quota as tiktok_quota};
use orderflow::ports::{MarketplaceAdapter, WebhookRequest};
use orderflow::sandbox::mercado_libre::{self as mercado, MercadoLibreStandIn, Way};
use orderflow::sandbox::tiktok_shop::{
    self as tiktok, SandboxOrder, SandboxUnit, Shipping, TikTokShopStandIn,
};
use orderflow::sandbox::usps::UspsStandIn;
use orderflow::sandbox::{Fault, Faults, Ledger, Sandbox, VirtualClock};
use orderflow::shipment::{LabelState, UploadState};
use orderflow::store::{MemoryStock, MemoryStore};
use orderflow::warehouse::{FulfillmentChannel, Warehouse};
use orderflow::{
    Address, Contact, Country, PlatformOrderId, ShopId, ShopKey, Sku, TrackingNumber, WarehouseId,
};

use super::house::{at, policy};
use super::scripted;

const SELLER: u64 = 779_432_305;

/// An engine with one shop.
pub(super) struct World {
    pub(super) engine: Engine,
    adapter: Arc<dyn MarketplaceAdapter>,
    pub(super) shop: ShopKey,
    clock: VirtualClock,
    ledger: Ledger,
}

/// Warehouses and what lies in them.
type Places<'a> = &'a [(&'static str, &'a [&'static str])];

fn warehouse(id: &'static str, calendar: &WorkCalendar) -> Warehouse {
    Warehouse {
        id: WarehouseId::from_static(id),
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
    }
}

fn world(
    adapter: Arc<dyn MarketplaceAdapter>,
    places: Places<'_>,
    carrier: Option<Carrier>,
    clock: VirtualClock,
    ledger: Ledger,
) -> World {
    let calendar =
        WorkCalendar::weekdays(chrono_tz::UTC, NaiveTime::from_hms_opt(16, 0, 0).unwrap());
    let stock = MemoryStock::new();
    for (place, skus) in places {
        for sku in *skus {
            stock.set(WarehouseId::from_static(place), Sku::from_static(sku), 100_000);
        }
    }
    let shop = ShopKey::new(adapter.platform(), ShopId::from_static("shop"));
    let mut engine = Engine::builder(Arc::new(MemoryStore::new()), Arc::new(stock))
        .shop(Shop::new(shop.clone(), adapter.clone(), calendar.clone()))
        .policy(policy());
    for (place, _) in places {
        engine = engine.warehouse(warehouse(place, &calendar));
    }
    if let Some(carrier) = carrier {
        engine = engine.carrier(carrier);
    }
    World { engine: engine.build().unwrap(), adapter, shop, clock, ledger }
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
    (world(Arc::new(adapter), &[("main", &skus)], None, clock, ledger), market)
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

const GOODS: [&str; 4] = ["MUG-BLUE-11", "TOWEL-BATH", "LAMP-CLIP", "FRAME-A4"];

fn tiktok_shop(region: &'static str, faults: Faults) -> (World, Arc<TikTokShopStandIn>) {
    tiktok_shop_at(region, faults, &[("main", &GOODS)])
}

/// A shop on TikTok Shop whose seller has an account with USPS.
fn tiktok_shop_at(
    region: &'static str,
    faults: Faults,
    places: Places<'_>,
) -> (World, Arc<TikTokShopStandIn>) {
    let (clock, ledger) = (VirtualClock::new(at(0)), Ledger::new());
    let market = TikTokShopStandIn::new(ledger.clone(), "38abcd", "app-secret", "GCP_cipher");
    let sandbox = Sandbox::new(clock.clone(), ledger.clone())
        .with(market.clone())
        .with(Arc::new(UspsStandIn::new(ledger.clone())))
        .with_faults(faults);
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
    let usps = Usps::new(
        UspsConfig::new("key", "secret", "12345678", "903001234", "903001234", "1234567890")
            .with_base(sandbox.base_url("usps"))
            .with_quota(plenty())
            .with_retry(RetryPolicy::none())
            .with_clock(Arc::new(clock.clone())),
        sandbox.transport(),
    )
    .unwrap();
    let carrier = Carrier::new(Arc::new(usps), catalogue());
    (world(Arc::new(adapter), places, Some(carrier), clock, ledger), market)
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
        let items = self.engine.parcels_where(|_, package| package.shipped.is_none()).await;
        self.ship_these(&items.unwrap()).await;
    }

    async fn ship_these(&self, items: &[PackageRef]) {
        let now = self.clock_now();
        for outcome in self.engine.mark_printed(items, now).await.unwrap() {
            assert!(outcome.is_done(), "{outcome:?}");
        }
        for outcome in self.engine.mark_packed(items, now).await.unwrap() {
            assert!(outcome.is_done(), "{outcome:?}");
        }
        let shipped = self.engine.confirm_shipments(items, now, now, |_| {}).await.unwrap();
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

    async fn only_order(&self) -> Order {
        let mut orders = self.orders().await;
        assert_eq!(orders.len(), 1);
        orders.remove(0)
    }

    /// Sets another number on the only parcel and has the platform told.
    async fn correct_number(&self, number: &TrackingNumber) {
        let (order, now) = (self.only_order().await, self.clock_now());
        let entered = Action::TrackingEntered {
            package: order.packages[0].id.clone(),
            carrier: USPS,
            service: None,
            number: number.clone(),
        };
        let person = Actor::Person("Kim".into());
        self.engine.act(&order.key, vec![entered], person, now).await.unwrap();
        self.engine.upload_due(now).await.unwrap();
    }

    /// The carrier's numbers that the platform shows for an order, and where it says they are.
    async fn shown(&self, id: &PlatformOrderId) -> Vec<(String, UnitStatus)> {
        let order = self.adapter.get_order(id).await.unwrap();
        let groups = order.lines.into_iter().flat_map(|line| line.units);
        groups
            .filter_map(|group| Some((group.shipment?.number?.to_string(), group.status)))
            .collect()
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
    for (hours, state) in
        [(7, OrderState::InTransit), (13, OrderState::InTransit), (61, OrderState::Delivered)]
    {
        world.clock.set(at(hours));
        world.read_again().await;
        world.assert_all(count, state).await;
    }
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

/// Stores the notifications that a stand-in has queued. Returns how many.
async fn deliver(world: &World, market: &MercadoLibreStandIn) -> usize {
    let notices = market.take_notices();
    for body in &notices {
        let request = WebhookRequest {
            method: "POST",
            path_and_query: "/",
            headers: &[],
            body: body.as_slice(),
        };
        world.engine.receive(&world.shop, &request, world.clock_now()).await.unwrap();
    }
    notices.len()
}

#[tokio::test(start_paused = true)]
async fn a_notification_of_a_mercado_libre_shipment_moves_its_order_at_once() {
    let (world, market) = mercado_libre(Faults::none());
    sell(&market, 3, 2);
    world.import().await;
    // All open orders have just been read: their next turn is half an hour away.
    world.read_again().await;
    deliver(&world, &market).await;
    world.engine.work_inbox(at(0)).await.unwrap();
    let moved = world.orders().await.remove(0).key;
    market.set_shipment(moved.order.as_str(), "ready_to_ship", Some("picked_up"), at(0));
    assert_eq!(deliver(&world, &market).await, 1);
    let report = world.engine.work_inbox(at(0)).await.unwrap();
    assert_eq!((report.done, report.orders_read, report.errors.len()), (1, 1, 0));
    for order in world.orders().await {
        let state =
            if order.key == moved { OrderState::InTransit } else { OrderState::AwaitingShipment };
        assert_eq!(order.state(), state);
    }
}

#[tokio::test(start_paused = true)]
async fn a_mercado_libre_order_whose_shipment_fails_costs_no_other_and_is_read_in_a_later_round() {
    let faults = scripted("mercado-libre", "/shipments/", 0, 1, Fault::ServerError);
    let (world, market) = mercado_libre(faults);
    let count = sell(&market, 3, 4);
    let report = world.engine.sync(&world.shop, at(0)).await.unwrap();
    assert_eq!((report.imported, report.quarantined), (count as u64 - 1, 1));
    let kept = world.engine.store().quarantined().await.unwrap().remove(0);
    assert!(kept.order.is_some() && kept.reason.contains("get_shipment"), "{}", kept.reason);
    let report = world.engine.sync(&world.shop, at(1)).await.unwrap();
    assert_eq!((report.imported, report.unread), (1, 0));
    assert_eq!(world.orders().await.len(), count);
    assert_eq!(world.engine.store().quarantined().await.unwrap(), []);
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
        for (hours, state) in [(20, OrderState::InTransit), (40, OrderState::Delivered)] {
            world.clock.set(at(hours));
            for id in &ids {
                assert!(market.move_on(id, at(hours)));
            }
            world.read_again().await;
            world.assert_all(ids.len(), state).await;
        }
        let moved = |order: &Order| order.packages[0].movement.accepted_at;
        assert!(world.orders().await.iter().all(|order| moved(order) == Some(at(20))));
        world.assert_clean().await;
        assert_eq!(world.ledger.labels().len(), ids.len());
    }
}

#[tokio::test(start_paused = true)]
async fn a_tiktok_shop_label_whose_answer_was_lost_is_recovered_without_a_second_one() {
    for (region, path) in [("US", "/202309/packages"), ("GB", "/202309/packages"), ("TH", "/ship")]
    {
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
        // The hour is over by our clock; the platform has not said so yet.
        let late = at(3);
        let still = world.orders().await.remove(0);
        world.engine.advance(late).await.unwrap();
        assert!(still.is_held(late) && world.orders().await[0].packages.is_empty());
        world.clock.set(at(1));
        world.read_again().await;
        world.engine.advance(at(1)).await.unwrap();
        let released = world.orders().await.remove(0);
        assert!(!released.is_held(at(1)) && !released.packages.is_empty(), "{:?}", released.review);
        let open = world.engine.exceptions(at(1)).await.unwrap();
        assert!(!open.iter().any(|item| address(&item.kind)), "{open:?}");
    }
}

/// An order of one mug and one towel, past its hour of remorse.
fn mug_and_towel(shipping: Shipping) -> SandboxOrder {
    let mut order = tiktok::generate(4, 1, at(-6), at(-2), "US", shipping).remove(0);
    let goods = [("1729382476852921560", "MUG-BLUE-11"), ("1729382476852921561", "TOWEL-BATH")];
    order.units = goods
        .into_iter()
        .enumerate()
        .map(|(index, (sku_id, seller_sku))| SandboxUnit {
            id: format!("{}{index:02}", order.id),
            sku_id: sku_id.to_owned(),
            seller_sku: seller_sku.to_owned(),
            title: seller_sku.to_owned(),
            cents: 1_299,
        })
        .collect();
    order
}

#[tokio::test(start_paused = true)]
async fn a_tiktok_shop_order_travels_under_the_sellers_label_from_the_sale_to_its_end() {
    let (world, market) = tiktok_shop("US", Faults::none());
    let sale = mug_and_towel(Shipping::Seller);
    let id = PlatformOrderId::new(sale.id.clone()).unwrap();
    market.place(sale);
    world.import().await;
    let bought = world.buy().await;
    assert!(matches!(bought[..], [ItemOutcome::Done(_)]), "{bought:?}");
    assert_eq!(world.shown(&id).await, [], "a label alone tells the platform nothing");
    world.ship().await;
    let order = world.only_order().await;
    let number = order.packages[0].tracking.as_ref().unwrap().number.clone();
    assert_eq!(order.state(), OrderState::AwaitingCollection);
    assert_eq!(order.packages[0].upload.state, UploadState::Uploaded);
    let both = |number: &TrackingNumber, status: UnitStatus| {
        vec![(number.to_string(), status.clone()), (number.to_string(), status)]
    };
    assert_eq!(world.shown(&id).await, both(&number, UnitStatus::Shipped));

    // A wrong number is entered and put right within the 72 hours that the platform allows.
    let wrong = TrackingNumber::from_static("9400111899223197428490");
    for (hours, entered) in [(1, &wrong), (2, &number)] {
        world.clock.set(at(hours));
        world.correct_number(entered).await;
        let parcel = world.only_order().await.packages.remove(0);
        assert_eq!(parcel.upload.state, UploadState::Uploaded, "{hours}");
        assert_eq!(parcel.upload.number.as_ref(), Some(entered));
        assert_eq!(world.shown(&id).await, both(entered, UnitStatus::Shipped));
        world.read_again().await;
    }

    // Where a seller's parcel is, its carrier knows: the platform's word alone moves nothing.
    world.clock.set(at(20));
    assert!(market.move_on(id.as_str(), at(20)));
    world.read_again().await;
    assert_eq!(world.only_order().await.state(), OrderState::AwaitingCollection);
    for (hours, state) in [(24, OrderState::InTransit), (24 * 7, OrderState::Delivered)] {
        world.clock.set(at(hours));
        world.engine.track(at(hours)).await.unwrap();
        assert_eq!(world.only_order().await.state(), state);
    }
    assert!(market.move_on(id.as_str(), at(24 * 7)));
    world.read_again().await;
    assert_eq!(world.only_order().await.state(), OrderState::Delivered);
    world.clock.set(at(24 * 20));
    assert!(market.complete(id.as_str(), at(24 * 20)));
    world.read_again().await;
    let order = world.only_order().await;
    assert_eq!(order.state(), OrderState::Completed);
    assert_eq!(order.incidents, []);
    world.assert_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_number_is_not_changed_after_the_platforms_window_and_a_person_hears_of_it() {
    let (world, market) = tiktok_shop("US", Faults::none());
    let sale = mug_and_towel(Shipping::Seller);
    let id = PlatformOrderId::new(sale.id.clone()).unwrap();
    market.place(sale);
    world.import().await;
    world.buy().await;
    world.ship().await;
    let number = world.only_order().await.packages[0].tracking.clone().unwrap().number;
    world.clock.set(at(73));
    world.correct_number(&TrackingNumber::from_static("9400111899223197428490")).await;
    let order = world.only_order().await;
    assert_eq!(order.packages[0].upload.state, UploadState::Rejected);
    let kinds: Vec<_> = order.incidents.iter().map(|incident| incident.kind).collect();
    assert_eq!(kinds, [ExceptionKind::UploadConflict]);
    assert_eq!(world.shown(&id).await[0].0, number.to_string());
}

#[tokio::test(start_paused = true)]
async fn a_tiktok_shop_order_leaves_in_two_parcels_one_after_the_other() {
    let places: Places<'_> = &[("main", &["MUG-BLUE-11"]), ("second", &["TOWEL-BATH"])];
    let (world, market) = tiktok_shop_at("US", Faults::none(), places);
    let sale = mug_and_towel(Shipping::Seller);
    let id = PlatformOrderId::new(sale.id.clone()).unwrap();
    market.place(sale);
    world.import().await;
    let bought = world.buy().await;
    assert_eq!(bought.iter().filter(|outcome| outcome.is_done()).count(), 2, "{bought:?}");
    let parcels = world.engine.parcels_where(|_, _| true).await.unwrap();
    assert_eq!(parcels.len(), 2);

    world.ship_these(&parcels[..1]).await;
    world.clock.set(at(1));
    world.read_again().await;
    let order = world.only_order().await;
    assert_eq!(order.state(), OrderState::PartiallyShipped);
    let on_platform = world.adapter.get_order(&id).await.unwrap();
    assert_eq!(on_platform.status.as_deref(), Some("PARTIALLY_SHIPPING"));
    // The first parcel moves on alone: the order is still only partly shipped.
    world.clock.set(at(20));
    assert!(market.move_on(id.as_str(), at(20)));
    world.read_again().await;
    assert_eq!(world.only_order().await.state(), OrderState::PartiallyShipped);

    world.clock.set(at(21));
    world.ship_these(&parcels[1..]).await;
    world.read_again().await;
    let order = world.only_order().await;
    let uploads: BTreeSet<_> =
        order.packages.iter().map(|parcel| parcel.upload.number.clone().unwrap()).collect();
    assert_eq!(uploads.len(), 2, "each parcel has its own number");
    world.clock.set(at(24 * 9));
    world.engine.track(at(24 * 9)).await.unwrap();
    let order = world.only_order().await;
    assert_eq!(order.state(), OrderState::Delivered);
    assert_eq!(order.incidents, []);
    world.assert_clean().await;
}

#[tokio::test(start_paused = true)]
async fn two_orders_of_one_buyer_are_combined_and_leave_in_one_parcel_under_one_label() {
    let (world, market) = tiktok_shop("TH", Faults::none());
    let mut ids = Vec::new();
    for seed in [4, 5] {
        let mut sale =
            tiktok::generate(seed, 1, at(-6), at(-2), "TH", Shipping::Platform).remove(0);
        "Ana Smith".clone_into(&mut sale.name);
        "1 Example Street".clone_into(&mut sale.street);
        sale.postcode = "10110";
        ids.push(PlatformOrderId::new(sale.id.clone()).unwrap());
        market.place(sale);
    }
    world.import().await;
    let made = world.adapter.parcels().unwrap().combine(&ids).await.unwrap();
    assert_eq!((made.len(), &made[0].orders), (1, &ids));
    world.clock.set(at(0) + TimeDelta::minutes(5));
    world.read_again().await;
    let bought = world.buy().await;
    assert_eq!(bought.iter().filter(|outcome| outcome.is_done()).count(), 2, "{bought:?}");
    let number = |order: &Order| order.packages[0].tracking.as_ref().unwrap().number.clone();
    let orders = world.orders().await;
    assert_eq!(number(&orders[0]), number(&orders[1]));
    assert_eq!(world.ledger.labels().len(), 1, "one parcel is one label");
    world.ship().await;
    world.read_again().await;
    world.assert_all(2, OrderState::AwaitingCollection).await;
    for (hours, state) in [(20, OrderState::InTransit), (40, OrderState::Delivered)] {
        world.clock.set(at(hours));
        for id in &ids {
            assert!(market.move_on(id.as_str(), at(hours)));
        }
        world.read_again().await;
        world.assert_all(2, state).await;
    }
    world.assert_clean().await;
}

#[tokio::test(start_paused = true)]
async fn an_order_on_hold_waits_without_an_alarm_and_ships_once_it_is_released() {
    for shipping in [Shipping::Platform, Shipping::Seller] {
        let (world, market) = tiktok_shop("US", Faults::none());
        let mut sale = mug_and_towel(shipping);
        sale.placed_at = at(0) - TimeDelta::minutes(10);
        sale.paid_at = sale.placed_at;
        market.place(sale);
        world.engine.fetch_window(&world.shop, at(-1), at(0), at(0)).await.unwrap();
        let report = world.engine.advance(at(0)).await.unwrap();
        assert!(report.troubles.is_empty() && report.needs_person == 0, "{report:?}");
        let held = world.only_order().await;
        assert!(held.is_held(at(0)) && held.recipient.is_none() && held.packages.is_empty());
        assert!(world.engine.awaiting_labels(at(0)).await.unwrap().is_empty());
        let alerts = world.engine.alerts(at(0)).await.unwrap();
        assert!(alerts.is_empty(), "{shipping:?}: {alerts:?}");
        assert!(world.engine.exceptions(at(0)).await.unwrap().is_empty());

        world.clock.set(at(1));
        world.read_again().await;
        world.engine.advance(at(1)).await.unwrap();
        let bought = world.buy().await;
        assert!(matches!(bought[..], [ItemOutcome::Done(_)]), "{shipping:?}: {bought:?}");
        world.ship().await;
        let order = world.only_order().await;
        assert_eq!(order.state(), OrderState::AwaitingCollection);
        assert_eq!(order.incidents, []);
        assert!(world.engine.alerts(at(1)).await.unwrap().is_empty());
        world.assert_clean().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_parcel_that_moves_before_it_was_confirmed_here_counts_as_shipped_and_is_pointed_out() {
    let (world, market) = tiktok_shop("US", Faults::none());
    let sale = mug_and_towel(Shipping::Platform);
    let id = sale.id.clone();
    market.place(sale);
    world.import().await;
    world.buy().await;
    world.clock.set(at(20));
    assert!(market.move_on(&id, at(20)));
    world.read_again().await;
    let order = world.only_order().await;
    assert_eq!(order.state(), OrderState::InTransit);
    let kinds: Vec<_> = order.incidents.iter().map(|incident| incident.kind).collect();
    assert_eq!(kinds, [ExceptionKind::ScannedBeforeConfirm]);
    // Heard of late: read for the first time again when it had arrived.
    world.clock.set(at(40));
    assert!(market.move_on(&id, at(40)));
    world.read_again().await;
    assert_eq!(world.only_order().await.state(), OrderState::Delivered);
}
