//! Short hands of these tests.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use orderflow::client::{MemoryRefreshTokenStore, Quota, RefreshTokenStore, StoredToken};
use orderflow::order::PlatformOrder;
use orderflow::platforms::tiktok_shop::{
    Reading, TikTokShop, TikTokShopConfig, quota, read_search_page,
};
use orderflow::ports::{PlatformItem, ShipmentNotice, ShipmentNoticeLine};
use orderflow::sandbox::tiktok_shop::{SandboxOrder, Shipping, TikTokShopStandIn, generate};
use orderflow::sandbox::{Faults, Ledger, Sandbox, VirtualClock};
use orderflow::{
    CarrierId, IdempotencyKey, PackageId, PlatformOrderId, ServiceCode, TrackingNumber,
};
use serde_json::{Value, json};

pub(super) fn at(hours: i64) -> DateTime<Utc> {
    "2026-03-04T14:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::hours(hours)
}

pub(super) fn fixture(name: &str) -> String {
    let path = format!("{}/tests/fixtures/tiktok-shop/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

pub(super) fn json_fixture(name: &str) -> Value {
    serde_json::from_str(&fixture(name)).unwrap()
}

pub(super) struct House {
    pub(super) clock: VirtualClock,
    pub(super) ledger: Ledger,
    pub(super) market: Arc<TikTokShopStandIn>,
    pub(super) tokens: MemoryRefreshTokenStore,
    pub(super) shop: TikTokShop,
}

pub(super) fn config(region: &str, sandbox: &Sandbox) -> TikTokShopConfig {
    let mut config =
        TikTokShopConfig::new("38abcd", "app-secret-canary", "GCP_cipher", region, "shop")
            .with_api_host(sandbox.base_url("tiktok-shop"))
            .with_auth_host(sandbox.base_url("tiktok-shop"))
            .with_clock(Arc::new(sandbox.clock().clone()));
    let plenty = Quota::per_second(100_000).with_burst(100_000);
    for bucket in [
        quota::TOKEN,
        quota::ORDERS,
        quota::FULFILMENT,
        quota::AFTER_SALE,
        quota::INVENTORY,
        quota::MESSAGES,
        quota::OTHER,
    ] {
        config = config.with_quota(bucket, plenty);
    }
    config
}

pub(super) fn house_with(
    region: &str,
    faults: Faults,
    change: impl FnOnce(TikTokShopConfig) -> TikTokShopConfig,
) -> House {
    let (clock, ledger) = (VirtualClock::new(at(0)), Ledger::new());
    let market =
        TikTokShopStandIn::new(ledger.clone(), "38abcd", "app-secret-canary", "GCP_cipher");
    let sandbox =
        Sandbox::new(clock.clone(), ledger.clone()).with(market.clone()).with_faults(faults);
    let tokens = MemoryRefreshTokenStore::new().with_token("shop", StoredToken::new("refresh-0"));
    let config = config(region, &sandbox).with_token_store(Arc::new(tokens.clone()));
    let shop = TikTokShop::new(change(config), sandbox.transport()).unwrap();
    House { clock, ledger, market, tokens, shop }
}

pub(super) fn house(region: &str) -> House {
    house_with(region, Faults::none(), |config| config)
}

impl House {
    pub(super) async fn stored(&self) -> String {
        self.tokens.load("shop").await.unwrap().unwrap().secret.as_str().to_owned()
    }

    /// An order of one line with `units` units, past its hour of remorse.
    pub(super) fn place(
        &self,
        region: &'static str,
        shipping: Shipping,
        units: usize,
    ) -> PlatformOrderId {
        let order = order(u64::try_from(units).unwrap(), region, shipping, units);
        let id = PlatformOrderId::new(order.id.clone()).unwrap();
        self.market.place(order);
        id
    }
}

pub(super) fn order(
    seed: u64,
    region: &'static str,
    shipping: Shipping,
    units: usize,
) -> SandboxOrder {
    let mut order = generate(seed, 1, at(-3), at(-2), region, shipping).remove(0);
    let first = order.units[0].clone();
    order.units = (0..units)
        .map(|index| {
            let mut unit = first.clone();
            unit.id = format!("{}{index:02}", order.id);
            unit
        })
        .collect();
    order
}

pub(super) fn key() -> IdempotencyKey {
    IdempotencyKey::derive(&["test"])
}

pub(super) fn number(text: &str) -> TrackingNumber {
    TrackingNumber::new(text).unwrap()
}

pub(super) fn notice(order: &PlatformOrder, units: u32, text: &str) -> ShipmentNotice {
    ShipmentNotice {
        order: order.id.clone(),
        package: PackageId::new("p1").unwrap(),
        lines: vec![ShipmentNoticeLine { line: order.lines[0].id.clone(), reference: None, units }],
        carrier: CarrierId::from_static("usps"),
        service: ServiceCode::from_static("GROUND"),
        number: Some(number(text)),
        tracking_url: None,
        shipped_at: at(0),
        requested_service: None,
        override_cancel_request: false,
    }
}

pub(super) fn read_page(body: &str) -> Vec<PlatformOrder> {
    let page = read_search_page(body.as_bytes(), &Reading::default()).unwrap();
    page.items
        .into_iter()
        .map(|item| match item {
            PlatformItem::Read(order) => *order,
            PlatformItem::Unreadable(item) => panic!("{}", item.reason),
        })
        .collect()
}

/// The official order, changed by `change`.
pub(super) fn order_with(change: impl FnOnce(&mut Value)) -> PlatformOrder {
    let mut body = json_fixture("OrderBatchGetOrderDetailResponse.json");
    change(&mut body["data"]["orders"][0]);
    read_page(&body.to_string()).remove(0)
}

/// Copies of the official unit, each changed by its own patch.
pub(super) fn units(order: &mut Value, patches: &[Value]) {
    let unit = order["line_items"][0].clone();
    let units = patches.iter().map(|patch| {
        let mut unit = unit.clone();
        for (name, value) in patch.as_object().unwrap() {
            unit[name] = value.clone();
        }
        unit
    });
    order["line_items"] = json!(units.collect::<Vec<_>>());
}
