//! Carriers. Each vendor is one folder with the same file names.

#[cfg(any(feature = "usps", feature = "fedex"))]
mod asking;
#[cfg(any(feature = "usps", feature = "fedex"))]
mod events;
#[cfg(any(feature = "usps", feature = "fedex"))]
mod fitting;
#[cfg(any(feature = "usps", feature = "fedex"))]
mod images;
#[cfg(any(feature = "usps", feature = "fedex"))]
mod signed;

#[cfg(feature = "fedex")]
pub mod fedex;
#[cfg(feature = "usps")]
pub mod usps;

#[cfg(any(feature = "usps", feature = "fedex"))]
pub use fitting::AddressMisfit;
