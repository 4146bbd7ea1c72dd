//! How a shop on TikTok Shop is reached.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::client::{
    Clock, MemoryRefreshTokenStore, Quota, RefreshTokenStore, RetryPolicy, StoredToken, SystemClock,
};
use crate::ids::{CarrierId, Sku};
use crate::personal::Personal;
use crate::ports::Listing;

/// Where calls are answered, for every market.
pub const API_HOST: &str = "https://open-api.tiktokglobalshop.com";
/// Where tokens are issued.
pub const AUTH_HOST: &str = "https://auth.tiktok-shops.com";

/// How parcels are handled in a market.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlatformShipping {
    /// Creating the package buys the label.
    CreatePackage,
    /// The package exists with the order; shipping it arranges the label. Where it does not exist
    /// yet, scheduling its handover makes it.
    ShipPackage,
    /// Creating the package where its dimensions are known; else shipping the one that exists.
    CreateOrShip,
}

/// How a package that is shipped gets to the platform's carrier.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandoverChoice {
    /// Nothing is said: as the platform has it set for the shop.
    #[default]
    ByPlatform,
    /// The seller brings it.
    DropOff,
    /// The carrier fetches it in the first slot that is free.
    FirstPickup,
}

/// How a seller with an own carrier says that a parcel left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SellerShipping {
    /// Any units of an order are marked, as one parcel.
    MarkShipped,
    /// A package that the platform made is shipped with the seller's own number.
    ShipPackage,
}

/// What a market allows. Rules of a platform change: this is data, with the day it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Market {
    /// The market, for example `US`.
    pub region: &'static str,
    /// How labels of the platform come about.
    pub platform: PlatformShipping,
    /// How own carriers are told.
    pub seller: SellerShipping,
    /// An order is split by single units; else only by whole SKUs.
    pub split_units: bool,
    /// Orders are combined on the platform before they ship.
    pub combine: bool,
}

const fn market(
    region: &'static str,
    platform: PlatformShipping,
    seller: SellerShipping,
) -> Market {
    let marks = matches!(seller, SellerShipping::MarkShipped);
    Market { region, platform, seller, split_units: marks, combine: !marks }
}

impl Market {
    /// A market of a host's own making, for one that is missing from [`MARKETS`] or has changed.
    #[must_use]
    pub const fn new(
        region: &'static str,
        platform: PlatformShipping,
        seller: SellerShipping,
    ) -> Self {
        market(region, platform, seller)
    }

    /// Sets whether an order is split by single units.
    #[must_use]
    pub const fn with_split_units(mut self, split_units: bool) -> Self {
        self.split_units = split_units;
        self
    }

    /// Sets whether orders are combined on the platform.
    #[must_use]
    pub const fn with_combine(mut self, combine: bool) -> Self {
        self.combine = combine;
        self
    }
}

/// The markets as the platform's fulfilment overview described them, as of November 2026.
#[rustfmt::skip]
pub const MARKETS: &[Market] = {
    use PlatformShipping::{CreateOrShip, CreatePackage, ShipPackage as Arranged};
    use SellerShipping::{MarkShipped, ShipPackage as WithOwnNumber};
    &[
        market("US", CreatePackage, MarkShipped),
        market("JP", CreatePackage, MarkShipped),
        market("GB", CreateOrShip, MarkShipped),
        market("ES", Arranged, MarkShipped),
        market("IE", Arranged, MarkShipped),
        market("IT", Arranged, MarkShipped),
        market("DE", Arranged, MarkShipped),
        market("FR", Arranged, MarkShipped),
        market("ID", Arranged, WithOwnNumber),
        market("MY", Arranged, WithOwnNumber),
        market("PH", Arranged, WithOwnNumber),
        market("SG", Arranged, WithOwnNumber),
        market("TH", Arranged, WithOwnNumber),
        market("VN", Arranged, WithOwnNumber),
        market("BR", Arranged, WithOwnNumber),
        market("MX", Arranged, WithOwnNumber),
    ]
};

/// Versions of the resources of which several are live. A version is a year and a month.
#[derive(Debug, Clone)]
pub(super) struct Versions {
    pub(super) detail: String,
    pub(super) packages: String,
    pub(super) cancellations: String,
    pub(super) eligibility: String,
}

impl Versions {
    /// The versions by the name of their setting.
    pub(super) fn named(&self) -> [(&'static str, &str); 4] {
        [
            ("detail_version", &self.detail),
            ("packages_version", &self.packages),
            ("cancellations_version", &self.cancellations),
            ("eligibility_version", &self.eligibility),
        ]
    }
}

/// How a shop on TikTok Shop is reached. Secrets never print.
#[derive(Debug, Clone)]
#[must_use]
pub struct TikTokShopConfig {
    pub(super) app_key: String,
    pub(super) app_secret: Personal<String>,
    pub(super) shop_cipher: String,
    pub(super) account: String,
    pub(super) shop_id: Option<String>,
    pub(super) tokens: Arc<dyn RefreshTokenStore>,
    pub(super) api_host: String,
    pub(super) auth_host: String,
    pub(super) market: Option<Market>,
    pub(super) region: String,
    pub(super) versions: Versions,
    pub(super) handover: HandoverChoice,
    pub(super) ship_batch: usize,
    pub(super) remorse_minutes: u32,
    pub(super) carriers: BTreeMap<CarrierId, String>,
    pub(super) listings: BTreeMap<Sku, Listing>,
    pub(super) cancel_reasons: BTreeMap<String, String>,
    pub(super) quotas: Vec<(String, Quota)>,
    pub(super) retry: RetryPolicy,
    pub(super) clock: Arc<dyn Clock>,
}

impl TikTokShopConfig {
    /// Starts with the app's key and secret, the shop's cipher (see
    /// [`shops_of`](super::TikTokShop::shops_of)) and the shop's region, for example `US` or `GB`.
    /// `account` names the shop in logs and in the store of refresh tokens.
    pub fn new(
        app_key: impl Into<String>,
        app_secret: impl Into<String>,
        shop_cipher: impl Into<String>,
        region: impl Into<String>,
        account: impl Into<String>,
    ) -> Self {
        let region: String = region.into().trim().to_ascii_uppercase();
        // The platform says GB, and people say UK.
        let region = if region == "UK" { "GB".to_owned() } else { region };
        Self {
            app_key: app_key.into(),
            app_secret: Personal::new(app_secret.into()),
            shop_cipher: shop_cipher.into(),
            account: account.into(),
            shop_id: None,
            tokens: Arc::new(MemoryRefreshTokenStore::new()),
            api_host: API_HOST.to_owned(),
            auth_host: AUTH_HOST.to_owned(),
            market: MARKETS.iter().find(|market| market.region == region).copied(),
            cancel_reasons: default_reasons(&region),
            region,
            versions: Versions {
                detail: "202309".to_owned(),
                packages: "202309".to_owned(),
                cancellations: "202309".to_owned(),
                eligibility: "202512".to_owned(),
            },
            handover: HandoverChoice::ByPlatform,
            ship_batch: 20,
            remorse_minutes: 60,
            carriers: default_carriers(),
            listings: BTreeMap::new(),
            quotas: Vec::new(),
            retry: RetryPolicy::default(),
            clock: Arc::new(SystemClock),
        }
    }

    /// Sets the platform's id of the shop, as [`shops`](super::TikTokShop::shops) lists it:
    /// notifications about another shop are refused then.
    pub fn with_shop_id(mut self, shop_id: impl Into<String>) -> Self {
        self.shop_id = Some(shop_id.into());
        self
    }

    /// Sets where refresh tokens survive a restart. Default: in memory, which is good for tests.
    pub fn with_token_store(mut self, tokens: Arc<dyn RefreshTokenStore>) -> Self {
        self.tokens = tokens;
        self
    }

    /// Starts from a refresh token kept in memory only; a restart of the process loses its
    /// successors, and the seller has to consent again.
    pub fn with_refresh_token(mut self, refresh_token: impl Into<String>) -> Self {
        let store = MemoryRefreshTokenStore::new()
            .with_token(&self.account, StoredToken::new(refresh_token));
        self.tokens = Arc::new(store);
        self
    }

    /// Sets where calls are answered. Default [`API_HOST`].
    pub fn with_api_host(mut self, host: impl Into<String>) -> Self {
        self.api_host = host.into();
        self
    }

    /// Sets where tokens are issued. Default [`AUTH_HOST`].
    pub fn with_auth_host(mut self, host: impl Into<String>) -> Self {
        self.auth_host = host.into();
        self
    }

    /// Sets what the shop's market allows, in place of the row of [`MARKETS`].
    pub fn with_market(mut self, market: Market) -> Self {
        self.market = Some(market);
        self
    }

    /// Sets the version of the order detail, six digits. Default `202309`; `202507` is known, too.
    pub fn with_detail_version(mut self, version: impl Into<String>) -> Self {
        self.versions.detail = version.into();
        self
    }

    /// Sets the version of creating packages, six digits. Default `202309`; from `202512` on units
    /// are named one by one, and it is said whether they are the whole order.
    pub fn with_packages_version(mut self, version: impl Into<String>) -> Self {
        self.versions.packages = version.into();
        self
    }

    /// Sets the version of the search for cancellations, six digits. Default `202309`; `202602` is
    /// known, too.
    pub fn with_cancellations_version(mut self, version: impl Into<String>) -> Self {
        self.versions.cancellations = version.into();
        self
    }

    /// Sets the version of the question whether an order may be cancelled, six digits. Default
    /// `202512`; `202309` and `202602` are known, too.
    pub fn with_eligibility_version(mut self, version: impl Into<String>) -> Self {
        self.versions.eligibility = version.into();
        self
    }

    /// Sets how packages that are shipped get to the platform's carriers. Default: nothing is said.
    pub fn with_handover(mut self, handover: HandoverChoice) -> Self {
        self.handover = handover;
        self
    }

    /// Sets how many packages one call ships, at least 1. Default 20; the platform's maximum is not
    /// published.
    pub fn with_ship_batch(mut self, packages: usize) -> Self {
        self.ship_batch = packages;
        self
    }

    /// Sets for how long after payment a buyer may cancel without asking. Default 60 minutes.
    pub fn with_remorse_minutes(mut self, minutes: u32) -> Self {
        self.remorse_minutes = minutes;
        self
    }

    /// Sets the platform's name for a carrier, as its list of shipping providers spells it, or the
    /// provider's id. Upper and lower case do not matter.
    pub fn with_carrier(mut self, carrier: CarrierId, provider: impl Into<String>) -> Self {
        self.carriers.insert(carrier, provider.into());
        self
    }

    /// Sets where a SKU is offered, for stock levels that do not say so themselves. Listings of
    /// SKUs seen in orders are learned.
    pub fn with_listing(mut self, sku: Sku, listing: Listing) -> Self {
        self.listings.insert(sku, listing);
        self
    }

    /// Sets the platform's key of a reason to cancel. `ours` is `out_of_stock`, `pricing_error`,
    /// `buyer_request` or `unserviceable`; keys differ by market and change.
    pub fn with_cancel_reason(mut self, ours: impl Into<String>, key: impl Into<String>) -> Self {
        self.cancel_reasons.insert(ours.into(), key.into());
        self
    }

    /// Sets the limit of a bucket; see [`quota`](super::quota) for their names.
    pub fn with_quota(mut self, bucket: impl Into<String>, quota: Quota) -> Self {
        self.quotas.push((bucket.into(), quota));
        self
    }

    /// Sets how often and how long a call is tried.
    pub fn with_retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// Sets the wall clock, for tests and simulations. Calls are signed with its time.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }
}

fn default_carriers() -> BTreeMap<CarrierId, String> {
    let rows = [
        (CarrierId::from_static("usps"), "USPS"),
        (CarrierId::from_static("ups"), "UPS"),
        (CarrierId::from_static("fedex"), "FedEx"),
        (CarrierId::from_static("dhl"), "DHL"),
        (CarrierId::from_static("dhl-express"), "DHL Express"),
        (CarrierId::from_static("dhl-ecommerce"), "DHL eCommerce"),
        (CarrierId::from_static("royal-mail"), "Royal Mail"),
        (CarrierId::from_static("evri"), "Evri"),
    ];
    rows.into_iter().map(|(carrier, name)| (carrier, name.to_owned())).collect()
}

/// The keys seen for paid orders.
fn default_reasons(region: &str) -> BTreeMap<String, String> {
    let out_of_stock = match region {
        "GB" => "seller_cancel_reason_out_of_stock_uk",
        _ => "seller_cancel_reason_out_of_stock",
    };
    let rows = [
        ("out_of_stock", out_of_stock),
        ("pricing_error", "seller_cancel_reason_wrong_price"),
        ("unserviceable", "seller_cancel_paid_reason_address_not_deliver"),
        ("buyer_request", "seller_cancel_paid_reason_buyer_requested_cancellation"),
    ];
    rows.into_iter().map(|(ours, key)| (ours.to_owned(), key.to_owned())).collect()
}
