//! Paper: labels merged for the printer, the papers of a warehouse, bar codes, printers.
//!
//! - [`merge`] puts hundreds of labels into one print-ready document per format.
//!
//! Nothing here leaves the process, and nothing asks the time.

pub mod barcode;
pub mod hand_over;
pub mod manifest;
pub mod merge;
pub mod packing_slip;
pub mod paper;
pub mod pick_list;
mod words;

pub use words::Words;
