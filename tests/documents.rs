//! Paper: merged labels, warehouse papers, bar codes, printers.

// The exemption of tests does not reach the functions that tests share.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing
)]

#[path = "documents/damage.rs"]
mod damage;
#[cfg(all(feature = "ipp", feature = "reqwest"))]
#[path = "documents/ipp.rs"]
mod ipp;
#[path = "documents/labels.rs"]
mod labels;
#[path = "documents/merging.rs"]
mod merging;
#[path = "documents/papers.rs"]
mod papers;
#[path = "documents/printing.rs"]
mod printing;
mod support;
#[path = "documents/tools.rs"]
mod tools;
