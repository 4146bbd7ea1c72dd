//! Tracking answers to events.

use chrono::{FixedOffset, TimeZone as _};

use super::events::{PARTIAL, meaning};
use super::wire::{Event, TrackAnswer, TrackedShipment};
use crate::carriers::dhl::events::close_returns;
use crate::carriers::events::{day, time_of_day, unreadable_history};
use crate::client::wire::{Readable, filled};
use crate::ids::TrackingNumber;
use crate::shipment::number::normalize;
use crate::shipment::{EventTime, Milestone, TrackOutcome, TrackingEvent};

/// Whether a number is a piece's: those begin with a letter, shipments' are digits.
pub(super) fn is_piece(number: &str) -> bool {
    number.trim().starts_with(|letter: char| letter.is_ascii_alphabetic())
}

/// The outcome of each number asked for; what is left out is not known yet.
pub(super) fn outcomes(
    asked: &[TrackingNumber],
    answer: TrackAnswer,
) -> Vec<(String, TrackOutcome)> {
    let whole = answer.shipments.unreadable() == 0;
    let shipments = answer.shipments.into_vec();
    asked
        .iter()
        .filter_map(|number| {
            let wanted = normalize(number.as_str());
            let is = |known: Option<&String>| known.is_some_and(|known| normalize(known) == wanted);
            let outcome = shipments.iter().find_map(|shipment| {
                if is(shipment.shipment_tracking_number.as_ref()) {
                    return Some(found(shipment, &shipment.events, None));
                }
                let piece =
                    shipment.pieces.iter().find(|piece| is(piece.tracking_number.as_ref()))?;
                // Early on a piece has no history of its own.
                let own = if piece.events.is_empty() { &shipment.events } else { &piece.events };
                Some(found(shipment, own, Some(&piece.events)))
            });
            // What is missing may be what cannot be read.
            let outcome = outcome.or(whole.then_some(TrackOutcome::NotFoundYet))?;
            Some((number.as_str().to_owned(), outcome))
        })
        .collect()
}

/// Whether every piece of a shipment was delivered.
fn all_delivered(shipment: &TrackedShipment) -> bool {
    let delivered = |events: &[Event]| {
        events.iter().any(|event| {
            let code = event.type_code.as_deref().unwrap_or_default();
            !code.eq_ignore_ascii_case(PARTIAL) && meaning(code, "").0 == Milestone::Delivered
        })
    };
    !shipment.pieces.is_empty() && shipment.pieces.iter().all(|piece| delivered(&piece.events))
}

fn found(
    shipment: &TrackedShipment,
    events: &Readable<Event>,
    piece: Option<&[Event]>,
) -> TrackOutcome {
    if events.is_unreadable() {
        return unreadable_history();
    }
    // A piece that has its own delivery does not wait for the others.
    let complete = piece.is_none() && all_delivered(shipment);
    let mut events: Vec<TrackingEvent> =
        events.iter().filter_map(|event| read(event, complete)).collect();
    close_returns(&mut events);
    TrackOutcome::Found {
        events,
        estimated_delivery: shipment.estimated_delivery_date.as_deref().and_then(day),
    }
}

fn read(event: &Event, complete: bool) -> Option<TrackingEvent> {
    let date = day(event.date.as_deref()?)?;
    let raw_code = filled(event.type_code.as_deref()).unwrap_or_default();
    let description = filled(event.description.as_deref());
    let remarks = event.remarks.iter().filter_map(|remark| filled(remark.value.as_deref()));
    let raw_text = description.into_iter().chain(remarks).collect::<Vec<_>>().join(": ");
    let (mut milestone, reason) = meaning(&raw_code, &raw_text);
    if complete && raw_code.eq_ignore_ascii_case(PARTIAL) {
        milestone = Milestone::Delivered;
    }
    Some(TrackingEvent {
        time: time(date, event.time.as_deref(), event.gmt_offset.as_deref()),
        place: event.service_area.iter().find_map(|area| filled(area.description.as_deref())),
        raw_code,
        raw_text,
        milestone,
        reason,
    })
}

fn time(date: chrono::NaiveDate, time: Option<&str>, offset: Option<&str>) -> EventTime {
    time_of_day(date, time, |local| {
        let instant = offset.and_then(read_offset)?.from_local_datetime(&local).single()?;
        Some(instant.to_utc())
    })
}

/// "+09:00", with and without "GMT" in front and the colon.
fn read_offset(text: &str) -> Option<FixedOffset> {
    let text = text.trim();
    text.strip_prefix("GMT").unwrap_or(text).parse().ok()
}

/// A shipment that was found by its reference, with the numbers of its pieces.
pub(super) struct FoundShipment {
    pub(super) number: String,
    pub(super) pieces: Vec<String>,
}

/// The shipments of an answer that may be those of a purchase: one that shows other references, and not
/// the purchase's, is somebody else's.
///
/// # Errors
/// Where the answer says neither which shipments there are nor that there is none: that there is
/// none is a refusal with status 404, never an empty answer.
pub(super) fn shipments(
    purchase: &str,
    answer: TrackAnswer,
) -> Result<Vec<FoundShipment>, &'static str> {
    if answer.shipments.unreadable() > 0 {
        return Err("a shipment of the answer cannot be read");
    }
    let mut found: Vec<FoundShipment> = Vec::new();
    for shipment in answer.shipments {
        let Some(number) = filled(shipment.shipment_tracking_number.as_deref()) else {
            return Err("a shipment is found without its number");
        };
        let mut shown =
            shipment.shipper_references.iter().filter_map(|one| filled(one.value.as_deref()));
        let is_other = !shipment.shipper_references.is_empty()
            && !shown.any(|reference| reference.eq_ignore_ascii_case(purchase));
        if is_other || found.iter().any(|known| known.number == number) {
            continue;
        }
        let mut pieces: Vec<(u32, String)> = shipment
            .pieces
            .iter()
            .filter_map(|piece| {
                let place = piece.number.as_deref().and_then(|place| place.trim().parse().ok());
                Some((place.unwrap_or(u32::MAX), filled(piece.tracking_number.as_deref())?))
            })
            .collect();
        // In the order they were bought in; those without a place stay where they are.
        pieces.sort_by_key(|(place, _)| *place);
        let pieces = pieces.into_iter().map(|(_, number)| number).collect();
        found.push(FoundShipment { number, pieces });
    }
    if found.is_empty() { Err("the answer holds no shipment of the purchase") } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_instants_with_an_offset_and_local_without() {
        let date = chrono::NaiveDate::from_ymd_opt(2023, 8, 9).unwrap();
        let instant = |offset| match time(date, Some("13:56:21"), Some(offset)) {
            EventTime::Instant(at) => at.to_rfc3339(),
            other => format!("{other:?}"),
        };
        assert_eq!(instant("+09:00"), "2023-08-09T04:56:21+00:00");
        assert_eq!(instant("GMT-03:00"), "2023-08-09T16:56:21+00:00");
        assert!(matches!(time(date, Some("13:56:21"), None), EventTime::Local(_)));
        assert!(matches!(time(date, Some("13:56:21"), Some("soon")), EventTime::Local(_)));
        assert!(matches!(time(date, Some("noon"), Some("+09:00")), EventTime::Date(_)));
    }

    #[test]
    fn a_partial_delivery_is_one_only_when_every_piece_was_delivered() {
        let answer = |second: &str| {
            let json = format!(
                r#"{{"shipments":[{{"shipmentTrackingNumber":"1234567890",
                "events":[{{"date":"2026-03-04","time":"10:00:00","typeCode":"PD"}}],
                "pieces":[{{"trackingNumber":"JD01","events":[
                    {{"date":"2026-03-04","time":"10:00:00","typeCode":"OK"}}]}},
                  {{"trackingNumber":"JD02","events":[
                    {{"date":"2026-03-04","time":"10:00:00","typeCode":"{second}"}}]}}]}}]}}"#
            );
            serde_json::from_str::<TrackAnswer>(&json).unwrap()
        };
        let milestone = |number: &str, second| {
            let asked = [TrackingNumber::new(number).unwrap()];
            match outcomes(&asked, answer(second)).remove(0).1 {
                TrackOutcome::Found { events, .. } => events[0].milestone,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(milestone("1234567890", "WC"), Milestone::OutForDelivery);
        assert_eq!(milestone("1234567890", "OK"), Milestone::Delivered);
        assert_eq!(milestone("JD01", "WC"), Milestone::Delivered);
        assert_eq!(milestone("JD02", "WC"), Milestone::OutForDelivery);
    }
}
