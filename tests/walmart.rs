//! The Walmart adapter against official examples, a scripted vendor and hostile bytes.
#![cfg(feature = "walmart")]
// Clippy excuses test functions only, not the stand-ins beside them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[cfg(feature = "sandbox")]
#[path = "walmart/desk.rs"]
mod desk;
#[path = "walmart/house.rs"]
mod house;
#[path = "walmart/market.rs"]
mod market;
#[path = "walmart/reading.rs"]
mod reading;
#[path = "walmart/returns.rs"]
mod returns;
#[path = "walmart/setup.rs"]
mod setup;
#[path = "walmart/wire.rs"]
mod wire;
#[path = "walmart/writing.rs"]
mod writing;
