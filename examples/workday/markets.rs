//! The shops: which account on which platform, and the stand-in behind it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use orderflow::client::{
    MemoryRefreshTokenStore, Quota, RefreshTokenStore, RetryPolicy, StoredToken, Transport,
};
use orderflow::platforms::csv::{CSV, CsvShop, Mapping};
use orderflow::platforms::mercado_libre::{self, MERCADO_LIBRE, MercadoLibre, MercadoLibreConfig};
use orderflow::platforms::tiktok_shop::{self, TIKTOK_SHOP, TikTokShop, TikTokShopConfig};
use orderflow::platforms::walmart::{self, WALMART, Walmart, WalmartConfig};
use orderflow::ports::{Listing, MarketplaceAdapter};
use orderflow::sandbox::mercado_libre::{CLIENT_ID, CLIENT_SECRET, MercadoLibreStandIn, Way};
use orderflow::sandbox::tiktok_shop::{Shipping, TikTokShopStandIn};
use orderflow::sandbox::walmart::{
    CATALOGUE, GenerateOptions, SandboxOrder, WalmartStandIn, generate,
};
use orderflow::sandbox::{ConfirmedParcel, Ledger, LoopbackServer, Sandbox, VirtualClock};
use orderflow::{PlatformId, ShopId, ShopKey, Sku};

use crate::Failure;
use crate::house::ZONE;

/// Orders of the night with an address that nothing can be sent to; all are at the largest shop.
pub const ADDRESS_PROBLEMS: usize = 5;
/// Every shop but the largest gets one order of so many.
const SHARE: usize = 10;

/// What the shops on TikTok Shop offer, by the numbers the stand-in gives it: SKU and its id there.
const TIKTOK_OFFERS: [(&str, &str); 4] = [
    ("MUG-BLUE-11", "1729382476852921560"),
    ("TOWEL-BATH", "1729382476852921561"),
    ("LAMP-CLIP", "1729382476852921562"),
    ("FRAME-A4", "1729382476852921563"),
];
const TIKTOK_PRODUCT: &str = "1729592969712207008";

const APP_KEY: &str = "38abcd";
const APP_SECRET: &str = "app-secret";

/// Where a shop's orders come from.
pub enum Source {
    Walmart(Arc<WalmartStandIn>),
    MercadoLibre(Arc<MercadoLibreStandIn>, mercado_libre::Site),
    TikTokShop(Arc<TikTokShopStandIn>, &'static str, Shipping),
    File { orders: PathBuf, shipments: PathBuf, ledger: Ledger },
}

/// A shop of the day.
pub struct Market {
    pub key: ShopKey,
    /// How it is called on the screen.
    pub label: &'static str,
    /// The account's place on the sandbox's server.
    place: &'static str,
    pub source: Source,
    tokens: MemoryRefreshTokenStore,
}

/// A notification as it comes in.
pub struct Notice {
    pub authorization: Option<String>,
    pub body: Vec<u8>,
}

impl Notice {
    /// What somebody else might send: about another account, or with a signature that does not fit.
    pub fn forged(real: &Self) -> Self {
        let body = match &real.authorization {
            Some(_) => real.body.clone(),
            None => {
                br#"{"resource":"/orders/1","user_id":1,"topic":"orders_v2","application_id":1}"#
                    .to_vec()
            }
        };
        let authorization = real.authorization.as_ref().map(|_| "0".repeat(64));
        Self { authorization, body }
    }
}

/// The seller's seven shops. Files of the CSV shop lie in `out`.
pub fn all(ledger: &Ledger, out: &Path) -> Vec<Market> {
    let market = |label, platform: PlatformId, place: &'static str, source| Market {
        key: ShopKey::new(platform, ShopId::from_static(place)),
        label,
        place,
        source,
        tokens: MemoryRefreshTokenStore::new(),
    };
    let mercado = |label, place, seller, site| {
        let stand_in = MercadoLibreStandIn::new(seller, ledger.clone());
        market(label, MERCADO_LIBRE, place, Source::MercadoLibre(stand_in, site))
    };
    let tiktok = |label, place, region, shipping| {
        let stand_in = TikTokShopStandIn::new(ledger.clone(), APP_KEY, APP_SECRET, place);
        market(label, TIKTOK_SHOP, place, Source::TikTokShop(stand_in, region, shipping))
    };
    let file = Source::File {
        orders: out.join("orders.csv"),
        shipments: out.join("shipments.csv"),
        ledger: ledger.clone(),
    };
    use mercado_libre::Site;
    vec![
        mercado("Mercado Libre, Brazil", "mercado-libre-br", 779_432_305, Site::brazil()),
        mercado("Mercado Libre, Mexico", "mercado-libre-mx", 779_432_306, Site::mexico()),
        mercado("Mercado Libre, Argentina", "mercado-libre-ar", 779_432_307, Site::argentina()),
        market(
            "Walmart, US",
            WALMART,
            "walmart-us",
            Source::Walmart(WalmartStandIn::new(ledger.clone())),
        ),
        tiktok("TikTok Shop, US", "tiktok-shop-us", "US", Shipping::Seller),
        tiktok("TikTok Shop, UK", "tiktok-shop-gb", "GB", Shipping::Platform),
        market("CSV file, US", CSV, "csv-us", file),
    ]
}

/// The stand-ins of all shops, each at its own place.
pub fn mount(markets: &[Market], sandbox: Sandbox) -> Sandbox {
    markets.iter().fold(sandbox, |sandbox, market| match &market.source {
        Source::Walmart(stand_in) => sandbox.with_named(market.place, stand_in.clone()),
        Source::MercadoLibre(stand_in, _) => sandbox.with_named(market.place, stand_in.clone()),
        Source::TikTokShop(stand_in, ..) => sandbox.with_named(market.place, stand_in.clone()),
        Source::File { .. } => sandbox,
    })
}

/// How accounts are reached: the stand-ins are on this machine, so pauses are short and quotas
/// generous.
pub struct Line {
    pub http: Arc<dyn Transport>,
    pub clock: VirtualClock,
    pub plenty: Quota,
    pub retry: RetryPolicy,
}

impl Line {
    pub fn new(http: Arc<dyn Transport>, clock: VirtualClock) -> Self {
        Self {
            http,
            clock,
            plenty: Quota::per_second(100_000).with_burst(100_000),
            retry: RetryPolicy::default()
                .with_max_attempts(6)
                .with_base(Duration::from_millis(20))
                .with_cap(Duration::from_millis(500)),
        }
    }
}

impl Market {
    /// The account as the engine sees it.
    pub fn adapter(
        &self,
        server: &LoopbackServer,
        line: &Line,
    ) -> Result<Arc<dyn MarketplaceAdapter>, Failure> {
        let base = server.base_url(self.place);
        let clock = Arc::new(line.clock.clone());
        Ok(match &self.source {
            Source::Walmart(_) => {
                use walmart::quota::{ACKNOWLEDGE, CANCEL, INVENTORY, ORDERS, SHIP};
                let account = WalmartConfig::new("client-id", "client-secret", self.place)
                    .with_base_url(base)
                    .with_retry(line.retry)
                    .with_zone(ZONE)
                    .with_clock(clock);
                let account = [ORDERS, ACKNOWLEDGE, SHIP, CANCEL, INVENTORY]
                    .into_iter()
                    .fold(account, |account, bucket| account.with_quota(bucket, line.plenty));
                Arc::new(Walmart::new(account, line.http.clone())?)
            }
            Source::MercadoLibre(stand_in, site) => {
                use mercado_libre::quota::{LABELS, ORDERS, SEARCH, SHIPMENTS};
                let account = MercadoLibreConfig::new(
                    CLIENT_ID,
                    CLIENT_SECRET,
                    stand_in.seller(),
                    site.clone(),
                    self.place,
                    Arc::new(self.tokens.clone()),
                )
                .with_base_url(base)
                .with_retry(line.retry)
                .with_clock(clock);
                let account = [SEARCH, ORDERS, SHIPMENTS, LABELS]
                    .into_iter()
                    .fold(account, |account, bucket| account.with_quota(bucket, line.plenty));
                Arc::new(MercadoLibre::new(account, line.http.clone())?)
            }
            Source::TikTokShop(stand_in, region, _) => {
                use tiktok_shop::quota::{AFTER_SALE, FULFILMENT, ORDERS, OTHER, TOKEN};
                stand_in.set_document_base(&base);
                let account =
                    TikTokShopConfig::new(APP_KEY, APP_SECRET, self.place, *region, self.place)
                        .with_token_store(Arc::new(self.tokens.clone()))
                        .with_api_host(base.clone())
                        .with_auth_host(base)
                        .with_retry(line.retry)
                        .with_clock(clock);
                let account = [TOKEN, ORDERS, FULFILMENT, AFTER_SALE, OTHER]
                    .into_iter()
                    .fold(account, |account, bucket| account.with_quota(bucket, line.plenty));
                Arc::new(TikTokShop::new(account, line.http.clone())?)
            }
            Source::File { orders, shipments, ledger } => {
                // The export is there before its first order.
                write_orders(orders, ledger, &[])?;
                Arc::new(CsvShop::open(orders, Mapping::preset("orderflow")?, shipments)?)
            }
        })
    }

    /// The seller signs in: what the platform hands out is kept for the account.
    pub async fn sign_in(&self) -> Result<(), Failure> {
        let token = match &self.source {
            Source::MercadoLibre(stand_in, _) => stand_in.sign_in(),
            Source::TikTokShop(stand_in, ..) => stand_in.sign_in(),
            Source::Walmart(_) | Source::File { .. } => return Ok(()),
        };
        Ok(self.tokens.save(self.place, &StoredToken::new(token)).await?)
    }

    /// The goods whose stock the shop is told, and where it offers them. Other shops sell the same
    /// goods from the same shelf.
    pub fn offers(&self) -> Vec<(Sku, Option<Listing>)> {
        match &self.source {
            Source::Walmart(_) => {
                CATALOGUE.iter().map(|article| (Sku::from_static(article.sku), None)).collect()
            }
            Source::TikTokShop(..) => TIKTOK_OFFERS
                .into_iter()
                .map(|(sku, id)| {
                    let (item, variant) = (TIKTOK_PRODUCT.to_owned(), Some(id.to_owned()));
                    (Sku::from_static(sku), Some(Listing { item, variant }))
                })
                .collect(),
            Source::MercadoLibre(..) | Source::File { .. } => Vec::new(),
        }
    }

    /// The level of an offer that the platform was told last, by the witness.
    pub fn level_there(
        &self,
        ledger: &Ledger,
        sku: &Sku,
        listing: Option<&Listing>,
    ) -> Option<u32> {
        let id = listing.and_then(|listing| listing.variant.as_deref()).unwrap_or(sku.as_str());
        ledger.stock_level(self.key.platform.as_str(), id)
    }

    /// Orders that the shop gets of the night's.
    pub fn share(&self, orders: usize) -> usize {
        let small = orders / SHARE;
        match &self.source {
            Source::Walmart(_) => orders - 6 * small,
            _ => small,
        }
    }

    /// Lets the night's orders appear.
    pub fn overnight(
        &self,
        count: usize,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<(), Failure> {
        match &self.source {
            Source::Walmart(stand_in) => {
                let options = GenerateOptions::default().with_address_problems(ADDRESS_PROBLEMS);
                for order in generate(42, count, from, to, &options) {
                    stand_in.place(order);
                }
            }
            Source::MercadoLibre(stand_in, site) => {
                // The generator takes its three sites in turn.
                let packs = orderflow::sandbox::mercado_libre::generate(42, 3 * count, from, to);
                for mut pack in packs.into_iter().filter(|pack| pack.site == site.code()) {
                    // The seller has no carrier of his own here: the platform labels everything.
                    if pack.way != Way::Flex {
                        pack.way = Way::DropOff;
                    }
                    stand_in.place(pack);
                }
            }
            Source::TikTokShop(stand_in, region, shipping) => {
                // Buyers may cancel for an hour: what came in later is for the next morning.
                let to = to - TimeDelta::hours(1);
                let seed = if *region == "GB" { 44 } else { 43 };
                let orders = orderflow::sandbox::tiktok_shop::generate(
                    seed, count, from, to, region, *shipping,
                );
                for order in orders {
                    stand_in.place(order);
                }
            }
            Source::File { orders, ledger, .. } => {
                let mut sold = generate(45, count, from, to, &GenerateOptions::default());
                // The web shop sells to other countries too.
                for (order, place) in sold.iter_mut().rev().zip(ABROAD) {
                    (order.street, order.city) = (place.street.into(), place.city.into());
                    (order.state, order.zip) = (place.state.into(), place.postal_code.into());
                }
                write_orders(orders, ledger, &sold)?;
            }
        }
        Ok(())
    }

    /// The notifications that the platform sends now.
    pub fn notices(&self) -> Vec<Notice> {
        match &self.source {
            Source::MercadoLibre(stand_in, _) => {
                let bodies = stand_in.take_notices().into_iter();
                bodies.map(|body| Notice { authorization: None, body }).collect()
            }
            Source::TikTokShop(stand_in, ..) => stand_in
                .notifications()
                .into_iter()
                .map(|sent| Notice { authorization: Some(sent.authorization), body: sent.body })
                .collect(),
            Source::Walmart(_) | Source::File { .. } => Vec::new(),
        }
    }

    /// A file confirms nothing by itself: what its export says is what the witness is told.
    pub fn witness(&self) -> Result<(), Failure> {
        let Source::File { shipments, ledger, .. } = &self.source else { return Ok(()) };
        for row in csv::Reader::from_path(shipments)?.deserialize() {
            let row: Shipment = row?;
            ledger.parcel_confirmed(ConfirmedParcel {
                platform: self.key.platform.to_string(),
                order: row.order_id,
                line: row.line_id,
                units: row.units,
                number: row.tracking_number,
                confirmed_at: row.shipped_at,
            });
        }
        Ok(())
    }
}

/// A buyer's place in another country.
struct Abroad {
    country: &'static str,
    street: &'static str,
    city: &'static str,
    state: &'static str,
    postal_code: &'static str,
}

/// Where the last orders of the web shop's night go.
#[rustfmt::skip]
const ABROAD: [Abroad; 2] = [
    Abroad { country: "DE", street: "Unter den Linden 77", city: "Berlin", state: "BE", postal_code: "10117" },
    Abroad { country: "CA", street: "200 Front Street W", city: "Toronto", state: "ON", postal_code: "M5V 3L9" },
];

/// A row of the tracking export.
#[derive(serde::Deserialize)]
struct Shipment {
    order_id: String,
    line_id: String,
    units: u32,
    tracking_number: String,
    shipped_at: DateTime<Utc>,
}

/// Writes the orders of the seller's own web shop as its export has them.
fn write_orders(path: &Path, ledger: &Ledger, orders: &[SandboxOrder]) -> Result<(), Failure> {
    let mut file = csv::Writer::from_path(path)?;
    file.write_record([
        "order_id",
        "placed_at",
        "recipient_name",
        "phone",
        "address_line_1",
        "city",
        "state",
        "postal_code",
        "country",
        "currency",
        "sku",
        "title",
        "quantity",
        "unit_price",
        "weight_lb",
    ])?;
    for order in orders {
        let id = format!("WEB-{}", order.id);
        let abroad = ABROAD.iter().find(|place| place.city == order.city);
        for line in &order.lines {
            let cents = rust_decimal::Decimal::new(i64::from(line.article.cents), 2);
            file.write_record([
                id.as_str(),
                &order.placed_at.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
                &order.name,
                &order.phone,
                &order.street,
                &order.city,
                &order.state,
                &order.zip,
                abroad.map_or("US", |place| place.country),
                "USD",
                line.article.sku,
                line.article.title,
                &line.units.to_string(),
                &cents.to_string(),
                line.article.pounds,
            ])?;
        }
        let lines: Vec<(String, u32)> =
            order.lines.iter().map(|line| (line.article.sku.to_owned(), line.units)).collect();
        ledger.order_placed(CSV.as_str(), &id, &lines);
    }
    file.flush()?;
    Ok(())
}
