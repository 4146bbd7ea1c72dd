//! What a host or a vendor implements: traits only.
//!
//! Required methods are what every vendor has. The rest are *abilities*, reached through accessors
//! whose presence is the proof: no default method pretends success.

mod carrier;
mod marketplace;
mod print;
mod stock;
pub mod store;

pub use carrier::{
    AddressCheck, AddressVerdict, CarrierAdapter, CarrierLimits, IdempotencySupport, Manifest,
    ManifestRequest, Manifests, Pickup, PickupRequest, Pickups, Recovery, ValidateAddress,
    VoidLabel, VoidOutcome,
};
pub use marketplace::{
    Acknowledge, Acknowledged, AfterSale, AfterSaleCase, BuyerMessages, CancelLine, Cancellations,
    CarrierNaming, CaseAnswer, CaseKind, Confirmed, Cursor, Listing, MarketplaceAdapter,
    MarketplaceExt, MissedNotices, OrderQuery, Page, ParcelParts, PlatformItem,
    PlatformLabelRequest, PlatformLabels, PlatformLimits, PlatformParcels, RefundLine, Refunds,
    SellerFigures, ShipmentNotice, ShipmentNoticeLine, StatedFigure, StockLevel, StockPush,
    TrackingUpdates, Unreadable, WebhookNotice, WebhookRequest, Webhooks,
};
pub use print::{PrintJob, PrintReceipt, PrintTransport};
pub use stock::{Stock, StockError, StockMove, StockReturn};
