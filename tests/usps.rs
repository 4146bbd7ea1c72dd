//! The carrier adapter against published answers and against the stand-in.

// The exemption of tests does not reach the functions that tests share.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "usps/abroad.rs"]
mod abroad;
#[path = "usps/answers.rs"]
mod answers;
#[path = "usps/hostile.rs"]
mod hostile;
#[path = "usps/house.rs"]
mod house;
#[path = "usps/journey.rs"]
mod journey;
#[path = "usps/push.rs"]
mod push;
#[path = "usps/quota.rs"]
mod quota;
