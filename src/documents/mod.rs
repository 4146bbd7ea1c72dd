//! Paper: labels merged for the printer, the papers of a warehouse, bar codes, printers.
//!
//! - [`merge`] puts hundreds of labels into one print-ready document per format.
//!
//! Nothing here leaves the process, and nothing asks the time.

pub mod merge;
