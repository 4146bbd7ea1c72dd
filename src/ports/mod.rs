//! What a host or a vendor implements: traits only.
//!
//! Required methods are what every vendor has. The rest are *abilities*, reached through accessors
//! whose presence is the proof: no default method pretends success.

mod carrier;
#[cfg(any(feature = "client", feature = "engine"))]
mod carrier_bulk;
#[cfg(any(feature = "client", feature = "engine"))]
mod caught;
mod marketplace;
mod pages;
mod print;
mod stock;
pub mod store;

pub use crate::order::{AfterSaleCase, CaseKind};
pub use carrier::{
    AddressCheck, AddressVerdict, CarrierAdapter, CarrierLimits, Handshake, IdempotencySupport,
    LateDuplicate, LateDuplicates, Manifest, ManifestRequest, Manifests, MultiPiece, Pickup,
    PickupRequest, Pickups, Piece, Pieces, PiecesIntent, PiecesRecovery, PiecesRequest, PushNotice,
    Recovery, TrackingPush, ValidateAddress, VoidLabel, VoidOutcome,
};
#[cfg(feature = "engine")]
pub(crate) use carrier_bulk::Silent;
#[cfg(any(feature = "client", feature = "engine"))]
pub use carrier_bulk::{
    BulkOptions, CarrierExt, Enquiry, EnquiryReport, ParcelQuotes, PurchaseOutcome, quotes,
};
#[cfg(feature = "engine")]
pub(crate) use caught::caught;
pub use marketplace::{
    Acknowledge, Acknowledged, AfterSale, BuyerMessages, CancelLine, Cancellations, CarrierNaming,
    CaseAnswer, Confirmed, Cursor, Listing, MarketplaceAdapter, MarketplaceExt, MissedNotices,
    OrderQuery, Page, ParcelParts, PlatformItem, PlatformLabelRequest, PlatformLabels,
    PlatformLimits, PlatformParcels, RefundLine, Refunds, SellerFigures, ShipmentNotice,
    ShipmentNoticeLine, StatedFigure, StockLevel, StockPush, TrackingUpdates, Unreadable,
    WebhookNotice, WebhookRequest, Webhooks,
};
pub use pages::{EndlessList, PageWalk};
pub use print::{PrintJob, PrintReceipt, PrintTransport};
pub use stock::{Stock, StockError, StockMove, StockReturn};
