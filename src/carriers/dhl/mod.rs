//! DHL: three products that share a name and nothing else.
//!
//! | Product | For | Module |
//! |---|---|---|
//! | DHL eCommerce Americas | light parcels from the United States and Canada | [`ecommerce`] |
//! | DHL Express (MyDHL API) | parcels over borders, and fast ones | [`express`] |
//! | Shipment Tracking - Unified | following parcels of any division | [`tracking`] |
//!
//! Each has hosts, credentials and numbers of its own; an adapter of one never asks another.

pub mod ecommerce;
mod events;
pub mod express;
mod shared;
pub mod tracking;
