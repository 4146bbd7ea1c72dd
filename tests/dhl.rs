//! The three adapters against official samples, and two of them against their stand-ins.

// The exemption of tests does not reach the functions that tests share.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "dhl/ecommerce.rs"]
mod ecommerce;
#[path = "dhl/express.rs"]
mod express;
#[path = "dhl/house.rs"]
mod house;
#[path = "dhl/tracking.rs"]
mod tracking;
