//! The carrier adapter against official samples and captured answers.

// The exemption of tests does not reach the functions that tests share.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "fedex/abroad.rs"]
mod abroad;
#[path = "fedex/answers.rs"]
mod answers;
#[path = "fedex/house.rs"]
mod house;
#[path = "fedex/journey.rs"]
mod journey;
