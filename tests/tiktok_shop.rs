//! The TikTok Shop adapter against official examples, shared vectors and its stand-in.
#![cfg(all(feature = "tiktok-shop", feature = "sandbox", feature = "conformance"))]
// Clippy excuses test functions only, not the stand-ins beside them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "tiktok_shop/handover.rs"]
mod handover;
#[path = "tiktok_shop/house.rs"]
mod house;
#[path = "tiktok_shop/journey.rs"]
mod journey;
#[path = "tiktok_shop/official.rs"]
mod official;
#[path = "tiktok_shop/parcels.rs"]
mod parcels;
#[path = "tiktok_shop/prices.rs"]
mod prices;
#[path = "tiktok_shop/reading.rs"]
mod reading;
#[path = "tiktok_shop/repeats.rs"]
mod repeats;
#[path = "tiktok_shop/vectors.rs"]
mod vectors;
