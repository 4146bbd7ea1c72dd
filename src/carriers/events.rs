//! Rows of the tables of event codes, and when events happened.

use chrono::NaiveDate;
#[cfg(any(feature = "fedex", feature = "dhl"))]
use chrono::{DateTime, NaiveDateTime, NaiveTime};

#[cfg(any(feature = "fedex", feature = "dhl"))]
use crate::shipment::EventTime;
use crate::shipment::{Milestone, ReasonGroup, TrackOutcome};

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

/// What is known where a history has events and none can be read.
pub(super) fn unreadable_history() -> TrackOutcome {
    TrackOutcome::Failed { reason: "no event of the history can be read".to_owned(), retry: false }
}

/// What a table says of a code, which carriers spell in either case.
pub(super) fn row(table: &'static [EventRow], code: &str) -> Option<&'static EventRow> {
    table.iter().find(|row| row.code.eq_ignore_ascii_case(code.trim()))
}

/// The day at the beginning of a date or a time.
pub(super) fn day(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text.trim().get(..10)?, "%Y-%m-%d").ok()
}

/// A time in one text: with offset an instant, without one a local time; with thousandths and
/// without. `-0500` behind a blank has been seen too.
#[cfg(any(feature = "fedex", feature = "dhl"))]
pub(super) fn event_time(text: &str) -> Option<EventTime> {
    let text = text.trim();
    let instant = DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f %z"))
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"));
    if let Ok(instant) = instant {
        return Some(EventTime::Instant(instant.to_utc()));
    }
    match NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f") {
        // Midnight without offset is a day: nothing is picked up at midnight sharp.
        Ok(local) if local.time() == NaiveTime::MIN => Some(EventTime::Date(local.date())),
        Ok(local) => Some(EventTime::Local(local)),
        Err(_) => day(text).map(EventTime::Date),
    }
}

/// A day and a time of day in two texts; a time that cannot be read leaves the day. `instant` knows
/// what a local time is where the answer names a zone or an offset.
#[cfg(feature = "dhl")]
pub(super) fn time_of_day(
    date: NaiveDate,
    time: Option<&str>,
    instant: impl FnOnce(NaiveDateTime) -> Option<DateTime<chrono::Utc>>,
) -> EventTime {
    let time = time.map(str::trim).and_then(|time| {
        ["%H:%M:%S", "%H:%M:%S%.f", "%H:%M"]
            .iter()
            .find_map(|form| NaiveTime::parse_from_str(time, form).ok())
    });
    let Some(time) = time else { return EventTime::Date(date) };
    let local = NaiveDateTime::new(date, time);
    instant(local).map_or(EventTime::Local(local), EventTime::Instant)
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

#[cfg(all(test, any(feature = "fedex", feature = "dhl")))]
mod tests {
    use super::*;

    #[test]
    fn times_come_with_offset_without_and_edited() {
        let at = |text| match event_time(text) {
            Some(EventTime::Instant(at)) => at.to_rfc3339(),
            other => format!("{other:?}"),
        };
        assert_eq!(at("2024-08-20T12:41:57-04:00"), "2024-08-20T16:41:57+00:00");
        assert_eq!(at("2024-08-12T15:18:10 -0500"), "2024-08-12T20:18:10+00:00");
        assert_eq!(at("2016-04-13T13:23:14Z"), "2016-04-13T13:23:14+00:00");
        assert_eq!(at("2016-04-13T13:23:14.123+02:00"), "2016-04-13T11:23:14.123+00:00");
        assert!(matches!(event_time("2024-08-15T00:00:00"), Some(EventTime::Date(_))));
        assert!(matches!(event_time("2024-08-15T07:00:00"), Some(EventTime::Local(_))));
        assert!(matches!(event_time("2019-08-30T08:59:00.5"), Some(EventTime::Local(_))));
        assert_eq!(event_time("yesterday"), None);
        assert_eq!(event_time("é024-08-15"), None);
    }
}
