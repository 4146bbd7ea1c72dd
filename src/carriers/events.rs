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

/// What a table says of a code, which carriers spell in either case.
pub(super) fn row(table: &'static [EventRow], code: &str) -> Option<&'static EventRow> {
    table.iter().find(|row| row.code.eq_ignore_ascii_case(code.trim()))
}

/// The word of the reviewed tables for a milestone; "info" where it moves nothing.
#[cfg(test)]
pub(super) fn reviewed_word(milestone: Milestone) -> &'static str {
    match milestone {
        Milestone::PreAdvice => "pre_transit",
        Milestone::Accepted => "accepted",
        Milestone::DepartedHub | Milestone::ArrivedHub | Milestone::ArrivedDestination => {
            "in_transit"
        }
        Milestone::CustomsStarted | Milestone::CustomsCleared => "customs",
        Milestone::OutForDelivery => "out_for_delivery",
        Milestone::AvailableForPickup => "available_for_pickup",
        Milestone::Delivered => "delivered",
        Milestone::AttemptFailed => "attempted",
        Milestone::Exception => "exception",
        Milestone::ReturnStarted | Milestone::Returned => "returned",
        Milestone::Lost => "lost",
        _ => "info",
    }
}

/// The rows of a reviewed table beside a carrier's fixtures, without its heading.
#[cfg(test)]
pub(super) fn reviewed(vendor: &str, file: &str) -> Vec<Vec<String>> {
    let path = format!("{}/tests/fixtures/{vendor}/{file}", env!("CARGO_MANIFEST_DIR"));
    let mut table = csv::ReaderBuilder::new().flexible(true).from_path(path).unwrap();
    table.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}
