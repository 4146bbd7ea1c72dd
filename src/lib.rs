#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    all(
        feature = "mercado-libre",
        feature = "walmart",
        feature = "tiktok-shop",
        feature = "usps",
        feature = "fedex",
        feature = "reqwest",
        feature = "engine",
        feature = "sqlite"
    ),
    doc = include_str!("../README.md")
)]
#![cfg_attr(
    not(all(
        feature = "mercado-libre",
        feature = "walmart",
        feature = "tiktok-shop",
        feature = "usps",
        feature = "fedex",
        feature = "reqwest",
        feature = "engine",
        feature = "sqlite"
    )),
    doc = "Turns marketplace orders into delivered parcels. Some default features are switched off."
)]

// floor 0: vocabulary
pub mod address;
pub mod calendar;
pub mod error;
pub mod ids;
pub mod money;
pub mod personal;
pub mod units;

// floor 1: domain
pub mod customer;
pub mod order;
pub mod shipment;
pub mod warehouse;

// floor 2: ports, and rules beside them
pub mod ports;
pub mod rules;

// floor 3: client, and papers beside it
#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "documents")]
pub mod documents;

// floor 4: adapters
pub mod carriers;
pub mod platforms;

// floor 5: stores
pub mod store;

// floor 6: engine
#[cfg(feature = "engine")]
pub mod engine;

// floor 7: sandbox
#[cfg(feature = "sandbox")]
pub mod sandbox;

// floor 7: suites for implementations
#[cfg(feature = "conformance")]
pub mod conformance;

pub use address::{Address, Contact, Country};
pub use error::{Error, ErrorKind, Result, Retry, VendorDetail};
pub use ids::{
    BuyerId, CarrierId, EventId, HoldId, IdempotencyKey, InvalidId, LineId, OrderKey, PackageId,
    PaymentId, PlatformId, PlatformOrderId, PlatformPackageId, ServiceCode, ShopId, ShopKey, Sku,
    TrackingNumber, WarehouseId,
};
pub use money::{Currency, Money, MoneyError};
pub use personal::Personal;
pub use units::{Dimensions, Grams, Millimetres, UnitError};
