//! Tracking answers to events.

use chrono::{DateTime, NaiveDate};

use super::events;
use super::wire::{DateAndTime, NumberResults, Place, Scan, Status, TrackAnswer, TrackResult};
use crate::carriers::events::{day, event_time, unreadable_history};
use crate::error::ErrorKind;
use crate::shipment::{TrackOutcome, TrackingEvent};

/// The outcome of each number of an answer.
pub(super) fn outcomes(answer: TrackAnswer) -> Vec<(String, TrackOutcome)> {
    answer
        .complete_track_results
        .into_iter()
        .filter_map(|results| {
            let number = number_of(&results)?;
            Some((number, outcome(results)))
        })
        .collect()
}

/// The number that was asked for; the one of the first result where it is left out.
fn number_of(results: &NumberResults) -> Option<String> {
    results.tracking_number.clone().or_else(|| {
        results.track_results.iter().find_map(|result| {
            result.tracking_number_info.as_ref().and_then(|info| info.tracking_number.clone())
        })
    })
}

fn outcome(results: NumberResults) -> TrackOutcome {
    let unreadable = results.track_results.is_unreadable();
    let mut refused = None;
    let mut newest: Option<(Option<DateTime<chrono::Utc>>, TrackResult)> = None;
    for result in results.track_results {
        // A result with scans is a result, whatever its error field repeats.
        if result.scan_events.is_empty()
            && let Some(error) = result.error.as_ref().filter(|error| !error.is_empty())
        {
            refused.get_or_insert_with(|| match error.kind() {
                Some((ErrorKind::NotFound, _)) => TrackOutcome::NotFoundYet,
                _ => TrackOutcome::Failed { reason: reason(error), retry: false },
            });
            continue;
        }
        // One number may stand for several parcels, because numbers are used again after a while:
        // the one that moved last is meant.
        let last = result
            .scan_events
            .iter()
            .filter_map(|scan| scan.date.as_deref().and_then(event_time))
            .map(|time| time.approximate())
            .max();
        if newest.as_ref().is_none_or(|(known, _)| last > *known) {
            newest = Some((last, result));
        }
    }
    match (newest, refused) {
        (Some((_, result)), _) => found(result),
        (None, Some(refused)) => refused,
        (None, None) if unreadable => {
            TrackOutcome::Failed { reason: "the result cannot be read".to_owned(), retry: false }
        }
        (None, None) => TrackOutcome::NotFoundYet,
    }
}

/// What a search by reference says of a purchase.
#[derive(Debug, Default)]
pub(super) struct FoundPurchase {
    /// Every shipment by its own number, and whether it is cancelled.
    pub(super) shipments: Vec<(String, bool)>,
    /// Why the answer is not the whole truth; `None` where it is.
    pub(super) unclear: Option<String>,
}

impl FoundPurchase {
    pub(super) fn unclear(reason: impl Into<String>) -> Self {
        Self { shipments: Vec::new(), unclear: Some(reason.into()) }
    }
}

/// The shipments of a purchase. One entry may echo the reference in the place of its number and hold
/// several shipments. Only a result that says so in the carrier's own code means that there is none.
pub(super) fn purchase(reference: &str, answer: TrackAnswer) -> FoundPurchase {
    let mut purchase = FoundPurchase::default();
    if answer.complete_track_results.is_empty() {
        return FoundPurchase::unclear("the answer holds no results");
    }
    if answer.complete_track_results.unreadable() > 0 {
        purchase.unclear = Some("an entry of the answer cannot be read".to_owned());
    }
    for results in answer.complete_track_results {
        let outer = results.tracking_number.as_deref().map(str::trim);
        let outer = outer.filter(|text| !text.is_empty() && *text != reference).map(str::to_owned);
        if results.track_results.is_empty() || results.track_results.unreadable() > 0 {
            purchase.unclear = Some("an entry of the answer holds no result".to_owned());
        }
        for result in results.track_results {
            let error = result.error.as_ref().filter(|error| !error.is_empty());
            if let Some(error) = error.filter(|_| result.scan_events.is_empty()) {
                if !error.code.as_deref().is_some_and(is_absent_code) {
                    purchase.unclear = Some(reason(error));
                }
                continue;
            }
            let own = result
                .tracking_number_info
                .as_ref()
                .and_then(|info| info.tracking_number.as_deref())
                .map(str::trim)
                .filter(|own| !own.is_empty() && *own != reference)
                .map(str::to_owned)
                .or_else(|| outer.clone());
            let Some(number) = own else {
                purchase.unclear = Some("a shipment is found without its number".to_owned());
                continue;
            };
            let cancelled = is_cancelled(&found(result));
            match purchase.shipments.iter_mut().find(|(known, _)| *known == number) {
                Some((_, known)) => *known &= cancelled,
                None => purchase.shipments.push((number, cancelled)),
            }
        }
    }
    purchase
}

/// Whether a code says that no shipment has a reference. The common code of a 404 does not: it is
/// also that of a path that is not there.
pub(super) fn is_absent_code(code: &str) -> bool {
    [
        "TRACKING.REFERENCENUMBER.NOTFOUND",
        "TRACKING.REFERENCEVALUE.NOTFOUND",
        "TRACKING.TRACKINGNUMBER.NOTFOUND",
    ]
    .contains(&code.trim())
}

/// Whether the sender has cancelled the shipment.
pub(super) fn is_cancelled(outcome: &TrackOutcome) -> bool {
    let TrackOutcome::Found { events, .. } = outcome else { return false };
    events.iter().any(|event| event.raw_code.split(' ').next() == Some("CA"))
}

fn reason(error: &super::dialect::Complaint) -> String {
    let words = error.message.as_deref().filter(|message| !message.trim().is_empty());
    let words = words.or(error.code.as_deref()).unwrap_or_default();
    words.chars().filter(|letter| !letter.is_control()).take(200).collect()
}

fn found(result: TrackResult) -> TrackOutcome {
    let ancillary: Vec<String> = result
        .latest_status_detail
        .iter()
        .flat_map(|status| &status.ancillary_details)
        .filter_map(|detail| detail.reason.clone())
        .collect();
    let latest = result.latest_status_detail.as_ref().and_then(|status| status.code.clone());
    let delivery = result
        .latest_status_detail
        .as_ref()
        .and_then(|status| delivery(status, &result.date_and_times));
    let hidden = result.scan_events.is_unreadable();
    let mut events: Vec<TrackingEvent> = Vec::with_capacity(result.scan_events.len());
    for scan in result.scan_events {
        // Only the newest event is what the present state's reasons are about.
        let is_newest = events.is_empty()
            && latest.as_deref().is_some_and(|code| {
                scan.event_type.as_deref().is_some_and(|event| event.eq_ignore_ascii_case(code))
            });
        let reasons = if is_newest { ancillary.as_slice() } else { &[] };
        events.extend(event(scan, reasons));
    }
    // The scans may be hidden, or the last one not be readable.
    if let Some(delivery) = delivery
        && !events.iter().any(|event| event.raw_code == delivery.raw_code)
    {
        events.insert(0, delivery);
    }
    if hidden && events.is_empty() {
        return unreadable_history();
    }
    let estimated_delivery = estimate(&result.date_and_times).or_else(|| {
        let window = result.estimated_delivery_time_window?.window?;
        day(window.ends.as_deref()?)
    });
    TrackOutcome::Found { events, estimated_delivery }
}

fn estimate(times: &[DateAndTime]) -> Option<NaiveDate> {
    ["ESTIMATED_DELIVERY", "APPOINTMENT_DELIVERY", "COMMITMENT"].iter().find_map(|kind| {
        let time = times.iter().find(|time| time.kind.as_deref() == Some(kind))?;
        day(time.date_time.as_deref()?)
    })
}

/// The delivery that the present state tells of: at the instant that is given for it, else nowhere in
/// a history.
fn delivery(status: &Status, times: &[DateAndTime]) -> Option<TrackingEvent> {
    let raw_code = status.code.as_deref()?.trim().to_ascii_uppercase();
    if raw_code != "DL" {
        return None;
    }
    let time = times.iter().find(|time| time.kind.as_deref() == Some("ACTUAL_DELIVERY"))?;
    let time = time.date_time.as_deref().and_then(event_time)?;
    let words = status.description.as_deref().or(status.status_by_locale.as_deref());
    let (milestone, reason) = events::meaning(&raw_code, &[]);
    Some(TrackingEvent {
        time,
        place: status.scan_location.as_ref().and_then(place),
        raw_code,
        raw_text: words.unwrap_or_default().to_owned(),
        milestone,
        reason,
    })
}

/// City, state and country, as far as they are told.
fn place(place: &Place) -> Option<String> {
    let parts: Vec<&str> = [&place.city, &place.state_or_province_code, &place.country_code]
        .into_iter()
        .filter_map(|part| part.as_deref().map(str::trim).filter(|part| !part.is_empty()))
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn event(scan: Scan, further: &[String]) -> Option<TrackingEvent> {
    let time = scan.date.as_deref().and_then(event_time)?;
    let raw_code = scan.event_type.unwrap_or_default().trim().to_owned();
    let exception = scan.exception_code.filter(|code| !code.trim().is_empty());
    let codes: Vec<&str> = exception.iter().chain(further).map(|code| code.trim()).collect();
    let (milestone, reason) = events::meaning(&raw_code, &codes);
    let remark = scan.exception_description.filter(|text| !text.trim().is_empty());
    let raw_text = [scan.event_description, remark].into_iter().flatten().collect::<Vec<_>>();
    Some(TrackingEvent {
        time,
        place: scan.scan_location.as_ref().and_then(place),
        // The exception is part of the code: "DE 07" is not "DE 03".
        raw_code: match exception {
            Some(code) => format!("{raw_code} {}", code.trim()),
            None => raw_code,
        },
        raw_text: raw_text.join(": "),
        milestone,
        reason,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome_of(json: &str) -> TrackOutcome {
        outcomes(serde_json::from_str(json).unwrap()).remove(0).1
    }

    #[test]
    fn an_error_is_of_its_number_alone_and_an_empty_one_is_none() {
        let unknown = r#"{"completeTrackResults":[{"trackingNumber":"1","trackResults":[
            {"error":{"code":"TRACKING.TRACKINGNUMBER.NOTFOUND","message":"?"}}]}]}"#;
        assert_eq!(outcome_of(unknown), TrackOutcome::NotFoundYet);
        let other = r#"{"completeTrackResults":[{"trackingNumber":"1","trackResults":[
            {"error":{"code":"NEW.CODE","message":"Why."}}]}]}"#;
        let failed = TrackOutcome::Failed { reason: "Why.".into(), retry: false };
        assert_eq!(outcome_of(other), failed);
        let empty = r#"{"completeTrackResults":[{"trackingNumber":"1","trackResults":[
            {"error":{},"scanEvents":[]}]}]}"#;
        assert!(matches!(outcome_of(empty), TrackOutcome::Found { .. }));
    }

    #[test]
    fn of_two_parcels_under_one_number_the_one_that_moved_last_is_meant() {
        let json = r#"{"completeTrackResults":[{"trackingNumber":"1","trackResults":[
            {"scanEvents":[{"date":"2021-01-05T10:00:00-05:00","eventType":"DL"}]},
            {"scanEvents":[{"date":"2026-01-05T10:00:00-05:00","eventType":"PU"}]}]}]}"#;
        let TrackOutcome::Found { events, .. } = outcome_of(json) else { panic!() };
        assert_eq!(events[0].raw_code, "PU");
    }

    #[test]
    fn the_reason_of_a_delivery_exception_is_part_of_its_code() {
        let json = r#"{"completeTrackResults":[{"trackingNumber":"1","trackResults":[
            {"scanEvents":[{"date":"2026-01-05T10:00:00-05:00","eventType":"DE",
              "eventDescription":"Delivery exception","exceptionCode":"08",
              "exceptionDescription":"Customer not available"}]}]}]}"#;
        let TrackOutcome::Found { events, .. } = outcome_of(json) else { panic!() };
        assert_eq!(events[0].raw_code, "DE 08");
        assert_eq!(events[0].milestone, crate::shipment::Milestone::AttemptFailed);
        assert_eq!(events[0].raw_text, "Delivery exception: Customer not available");
    }
}
