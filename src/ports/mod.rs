//! What a host or a vendor implements: traits only.
//!
//! Required methods are what every vendor has. The rest are *abilities*, reached through accessors
//! whose presence is the proof: no default method pretends success.

mod carrier;
mod marketplace;
mod stock;
pub mod store;

pub use carrier::{
    AddressCheck, AddressVerdict, CarrierAdapter, CarrierLimits, IdempotencySupport, Manifest,
    ManifestRequest, Manifests, Pickup, PickupRequest, Pickups, Recovery, ValidateAddress,
    VoidLabel, VoidOutcome,
};
pub use marketplace::{
    Acknowledge, Acknowledged, BuyerMessages, CancelLine, Cancellations, CarrierNaming, Confirmed,
    Cursor, MarketplaceAdapter, MarketplaceExt, OrderQuery, Page, PlatformItem,
    PlatformLabelRequest, PlatformLabels, PlatformLimits, RefundLine, Refunds, ShipmentNotice,
    ShipmentNoticeLine, StockLevel, StockPush, TrackingUpdates, Unreadable, WebhookNotice,
    WebhookRequest, Webhooks,
};
pub use stock::{Stock, StockError, StockMove, StockReturn};
