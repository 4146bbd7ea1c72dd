//! Paper: labels merged for the printer, the papers of a warehouse, bar codes, printers.
//!
//! - [`merge`] puts hundreds of labels into one print-ready document per format.
//! - [`pick_list`], [`packing_slip`], [`hand_over`] and [`manifest`] are plain data that become a
//!   [`paper::Paper`], which prints as PDF and shows as HTML, each with a code to scan. Their [`Words`]
//!   are in four languages, and the fonts for all four are here.
//! - [`barcode`] has Code 128 and QR as shapes.
//! - [`mod@print`] sends documents to a printer in the house, or into a folder; with feature `ipp`,
//!   `ipp` sends them to a print server.
//!
//! Nothing leaves the process but what is printed, and nothing asks the time of day.

pub mod barcode;
pub mod hand_over;
#[cfg(feature = "ipp")]
pub mod ipp;
pub mod manifest;
pub mod merge;
pub mod packing_slip;
pub mod paper;
pub mod pick_list;
pub mod print;
mod words;

pub use words::Words;
