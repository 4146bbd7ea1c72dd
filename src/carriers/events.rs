//! Rows of the tables of event codes.

use crate::shipment::{Milestone, ReasonGroup};

/// What a code means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EventRow {
    pub(super) code: &'static str,
    pub(super) milestone: Milestone,
    pub(super) reason: Option<ReasonGroup>,
}

pub(super) const fn on(code: &'static str, milestone: Milestone) -> EventRow {
    EventRow { code, milestone, reason: None }
}

pub(super) const fn because(
    code: &'static str,
    milestone: Milestone,
    reason: ReasonGroup,
) -> EventRow {
    EventRow { code, milestone, reason: Some(reason) }
}

/// The rows of a reviewed table beside a carrier's fixtures, without its heading.
#[cfg(test)]
pub(super) fn reviewed(vendor: &str, file: &str) -> Vec<Vec<String>> {
    let path = format!("{}/tests/fixtures/{vendor}/{file}", env!("CARGO_MANIFEST_DIR"));
    let mut table = csv::ReaderBuilder::new().flexible(true).from_path(path).unwrap();
    table.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}
