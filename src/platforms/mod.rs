//! Marketplaces. Each vendor is one folder with the same file names.

#[cfg(feature = "walmart")]
pub mod walmart;
