//! Marketplaces. Each vendor is one folder with the same file names.

#[cfg(feature = "csv")]
pub mod csv;
#[cfg(any(feature = "tiktok-shop", feature = "walmart"))]
mod lines;
#[cfg(feature = "mercado-libre")]
pub mod mercado_libre;
#[cfg(feature = "tiktok-shop")]
pub mod tiktok_shop;
#[cfg(feature = "walmart")]
pub mod walmart;
