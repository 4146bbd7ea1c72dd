//! The Mercado Libre adapter against published examples, a scripted vendor and the stand-in.
#![cfg(all(feature = "mercado-libre", feature = "sandbox", feature = "conformance"))]
// Clippy excuses test functions only, not the stand-ins beside them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "mercado_libre/after_sale.rs"]
mod after_sale;
#[path = "mercado_libre/conformance.rs"]
mod conformance;
#[path = "mercado_libre/global.rs"]
mod global;
#[path = "mercado_libre/house.rs"]
mod house;
#[path = "mercado_libre/lifecycle.rs"]
mod lifecycle;
#[path = "mercado_libre/official.rs"]
mod official;
#[path = "mercado_libre/reading.rs"]
mod reading;
#[path = "mercado_libre/statuses.rs"]
mod statuses;
#[path = "mercado_libre/wire.rs"]
mod wire;
#[path = "mercado_libre/writing.rs"]
mod writing;
