//! Tracking answers to events.

use chrono::{DateTime, NaiveDateTime, TimeDelta};

use super::dialect::{complaints_of, plain_text};
use super::events;
use super::map::read_day;
use super::wire::{TrackDetail, TrackEvent};
use crate::carriers::events::unreadable_history;
use crate::shipment::{EventTime, Milestone, TrackOutcome, TrackingEvent};

/// Codes that mean "no status yet".
const NOT_YET: [&str; 4] = ["150001", "150002", "150003", "150009"];

/// The outcome of one number.
pub(super) fn tracked(answer: TrackDetail) -> TrackOutcome {
    let failed = answer.status_code.as_deref().is_some_and(|status| !status.starts_with('2'));
    if answer.has_error() || failed {
        return failure(&answer);
    }
    if answer.tracking_events.is_unreadable() {
        return unreadable_history();
    }
    let category = answer.status_category.as_deref().and_then(events::category);
    let estimated_delivery = answer
        .delivery_date_expectation
        .as_ref()
        .and_then(|expected| {
            [
                &expected.predicted_delivery_date,
                &expected.expected_delivery_date,
                &expected.guaranteed_delivery_date,
            ]
            .into_iter()
            .find_map(|date| date.as_deref().and_then(read_day))
        })
        .or_else(|| answer.expected_delivery_date.as_deref().and_then(read_day));
    let events = answer
        .tracking_events
        .into_iter()
        .enumerate()
        .filter_map(|(index, reported)| {
            let mut event = event(reported)?;
            // The category speaks of the newest event, which is listed first. It only helps where
            // the code is unknown: it calls "Delivered, To Original Sender" delivered.
            if let (0, Milestone::Other, Some(category)) = (index, event.milestone, category) {
                event.milestone = category;
            }
            Some(event)
        })
        .collect();
    TrackOutcome::Found { events, estimated_delivery }
}

impl TrackDetail {
    fn has_error(&self) -> bool {
        self.error.as_ref().is_some_and(|error| !error.is_null())
    }
}

/// Why one number of a batch has no history.
fn failure(answer: &TrackDetail) -> TrackOutcome {
    let complaints = answer
        .error
        .as_ref()
        .map(|error| complaints_of(&serde_json::json!({ "error": error })))
        .unwrap_or_default();
    let code = complaints.iter().find_map(|complaint| complaint.code.as_deref()).unwrap_or("");
    let status = answer.status_code.as_deref().unwrap_or("");
    let known = complaints
        .iter()
        .any(|complaint| complaint.code.as_deref().is_some_and(|code| NOT_YET.contains(&code)));
    // Without a code of their own a 404 says the same.
    if known || (status == "404" && matches!(code, "" | "404")) {
        return TrackOutcome::NotFoundYet;
    }
    let words = complaints.into_iter().find_map(|complaint| complaint.message);
    TrackOutcome::Failed {
        reason: match words {
            Some(words) => shortened(&words),
            None => format!("status {status}"),
        },
        retry: status.starts_with('5') || status == "429",
    }
}

/// Their words about a number, which may quote it, but nothing longer.
fn shortened(words: &str) -> String {
    words.chars().filter(|letter| !letter.is_control()).take(200).collect()
}

/// One event; `None` for one that tells no time at all, which nothing can be done with.
pub(super) fn event(reported: TrackEvent) -> Option<TrackingEvent> {
    let time = event_time(&reported)?;
    let raw_code = reported.event_code.unwrap_or_default().trim().to_owned();
    let raw_text = reported.event_type.unwrap_or_default();
    let (milestone, reason) = events::meaning(&raw_code, &plain_text(&raw_text));
    let place: Vec<String> = [reported.event_city, reported.event_state, reported.event_country]
        .into_iter()
        .flatten()
        .map(|part| part.trim().to_owned())
        .filter(|part| !part.is_empty())
        .collect();
    Some(TrackingEvent {
        time,
        place: (!place.is_empty()).then(|| place.join(", ")),
        raw_code,
        raw_text,
        milestone,
        reason,
    })
}

/// The instant from local time and offset; without offset the local time, marked as such. The
/// GMT time they give is wrong by a day at times and is only used when there is nothing else.
fn event_time(reported: &TrackEvent) -> Option<EventTime> {
    let Some(text) = reported.event_timestamp.as_deref().map(str::trim).filter(|t| !t.is_empty())
    else {
        let gmt = reported.gmt_timestamp.as_deref()?.trim();
        return DateTime::parse_from_rfc3339(gmt)
            .map(|instant| EventTime::Instant(instant.to_utc()))
            .ok();
    };
    let offset = reported.gmt_offset.as_deref().and_then(offset_minutes);
    let Some(local) = local_time(text) else {
        // A real offset behind the time, seen nowhere yet but unmistakable.
        return match DateTime::parse_from_rfc3339(text) {
            Ok(instant) => Some(EventTime::Instant(instant.to_utc())),
            Err(_) => read_day(text).map(EventTime::Date),
        };
    };
    Some(match offset.and_then(|minutes| local.checked_sub_signed(TimeDelta::minutes(minutes))) {
        Some(utc) => EventTime::Instant(utc.and_utc()),
        None => EventTime::Local(local),
    })
}

/// A local time; a `Z` behind it is not meant.
fn local_time(text: &str) -> Option<NaiveDateTime> {
    let text = text.strip_suffix(['Z', 'z']).unwrap_or(text);
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M"]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
}

/// Minutes east of UTC, from `-05:00` or `-300`.
fn offset_minutes(text: &str) -> Option<i64> {
    let text = text.trim();
    let (sign, digits) = match text.split_at_checked(1)? {
        ("-", digits) => (-1, digits),
        ("+", digits) => (1, digits),
        _ => (1, text),
    };
    let minutes: i64 = match digits.split_once(':') {
        Some((hours, minutes)) => {
            let (hours, minutes) = (hours.parse::<u8>().ok()?, minutes.parse::<u8>().ok()?);
            i64::from(hours) * 60 + i64::from(minutes)
        }
        None => i64::from(digits.parse::<u16>().ok()?),
    };
    // No zone is further from UTC than 14 hours.
    (minutes <= 14 * 60).then_some(sign * minutes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_read_as_hours_or_minutes() {
        assert_eq!(offset_minutes("-05:00"), Some(-300));
        assert_eq!(offset_minutes("-420"), Some(-420));
        assert_eq!(offset_minutes("+09:30"), Some(570));
        assert_eq!(offset_minutes("0"), Some(0));
        for nonsense in ["", "-", "EST", "-9999", "é5:00", "--5:00"] {
            assert_eq!(offset_minutes(nonsense), None, "{nonsense}");
        }
    }

    fn time(json: &str) -> Option<EventTime> {
        event_time(&serde_json::from_str(json).unwrap())
    }

    #[test]
    fn the_instant_comes_from_local_time_and_offset_never_from_the_wrong_gmt_day() {
        let late = r#"{"eventTimestamp":"2024-11-21T23:28:00","GMTOffset":"-06:00",
            "GMTTimestamp":"2024-11-21T05:28:33Z"}"#;
        let Some(EventTime::Instant(at)) = time(late) else { panic!("no instant") };
        assert_eq!(at.to_rfc3339(), "2024-11-22T05:28:00+00:00");
    }

    #[test]
    fn without_offset_a_time_stays_local_even_with_a_false_z() {
        let local = |text| Some(EventTime::Local(local_time(text).unwrap()));
        assert_eq!(
            time(r#"{"eventTimestamp":"2023-08-02T07:31:00Z"}"#),
            local("2023-08-02T07:31:00")
        );
        assert_eq!(time(r#"{"eventTimestamp":"","GMTTimestamp":null}"#), None);
        assert!(matches!(time(r#"{"eventTimestamp":"2023-08-02"}"#), Some(EventTime::Date(_))));
    }
}
