//! Carriers. Each vendor is one folder with the same file names.

#[cfg(any(feature = "usps", feature = "fedex", feature = "dhl"))]
mod account;
#[cfg(any(feature = "usps", feature = "fedex", feature = "dhl"))]
mod amounts;
#[cfg(any(feature = "usps", feature = "fedex", feature = "dhl"))]
mod asking;
#[cfg(any(feature = "usps", feature = "fedex", feature = "dhl"))]
mod events;
#[cfg(any(feature = "usps", feature = "fedex", feature = "dhl"))]
mod fitting;
#[cfg(any(feature = "usps", feature = "fedex", feature = "dhl"))]
mod images;
#[cfg(any(feature = "usps", feature = "fedex", feature = "dhl"))]
mod pickups;
#[cfg(any(feature = "usps", feature = "fedex"))]
mod signed;

#[cfg(feature = "dhl")]
pub mod dhl;
#[cfg(feature = "fedex")]
pub mod fedex;
#[cfg(feature = "usps")]
pub mod usps;

#[cfg(any(feature = "usps", feature = "fedex", feature = "dhl"))]
pub use fitting::AddressMisfit;
