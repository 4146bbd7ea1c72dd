//! Carriers. Each vendor is one folder with the same file names.

#[cfg(feature = "usps")]
pub mod usps;
