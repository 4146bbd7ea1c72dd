//! Orders from CSV files: fixtures, faults, properties, and the shop over a file.
#![cfg(all(feature = "csv", feature = "conformance"))]
// Clippy excuses test functions only, not the stand-ins beside them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "csv_orders/faults.rs"]
mod faults;
#[path = "csv_orders/hostile.rs"]
mod hostile;
#[path = "csv_orders/house.rs"]
mod house;
#[path = "csv_orders/properties.rs"]
mod properties;
#[path = "csv_orders/reading.rs"]
mod reading;
#[path = "csv_orders/shop.rs"]
mod shop;
#[path = "csv_orders/spread.rs"]
mod spread;
#[path = "csv_orders/spreadsheet.rs"]
mod spreadsheet;
