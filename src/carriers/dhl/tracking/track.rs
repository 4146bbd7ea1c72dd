//! Which shipment a number means, and what became of it.

use std::collections::BTreeMap;

use super::Question;
use super::wire::{Place, Shipment, Status};
use crate::address::Country;
use crate::carriers::dhl::events::{by_words, close_returns};
use crate::carriers::events::{day, event_time, unreadable_history};
use crate::client::wire::filled;
use crate::shipment::number::normalize;
use crate::shipment::{Milestone, ReasonGroup, TrackOutcome, TrackingEvent};

use Milestone::{
    ArrivedHub, AvailableForPickup, Delivered, DepartedHub, Exception, Other, OutForDelivery,
    PreAdvice, ReturnStarted, Returned,
};

/// The outcome of a question. One number may stand for many shipments that have nothing to do with
/// each other: only exactly one that fits is an answer.
pub(super) fn outcome(question: &Question, shipments: Vec<Shipment>) -> TrackOutcome {
    let total = shipments.len();
    let mut fitting: Vec<Shipment> =
        shipments.into_iter().filter(|shipment| fits(question, shipment)).collect();
    match (fitting.pop(), fitting.is_empty()) {
        (Some(only), true) => found(&only),
        (Some(last), false) => {
            fitting.push(last);
            TrackOutcome::Failed { reason: ambiguous(&fitting), retry: false }
        }
        (None, _) if total == 0 => TrackOutcome::NotFoundYet,
        (None, _) => TrackOutcome::Failed {
            reason: format!("none of {total} shipments in the answer is the one asked for"),
            retry: false,
        },
    }
}

/// "ambiguous: 9 of ecommerce, 1 of express".
fn ambiguous(fitting: &[Shipment]) -> String {
    let mut services: BTreeMap<String, usize> = BTreeMap::new();
    for shipment in fitting {
        let service = filled(shipment.service.as_deref()).unwrap_or_else(|| "no service".into());
        *services.entry(service.chars().take(40).collect()).or_default() += 1;
    }
    let list: Vec<String> =
        services.iter().map(|(service, count)| format!("{count} of {service}")).collect();
    format!("ambiguous: the number is that of {} shipments, {}", fitting.len(), list.join(", "))
}

fn fits(question: &Question, shipment: &Shipment) -> bool {
    let same = |given: Option<&str>, wanted: &str| {
        given.is_none_or(|given| given.trim().eq_ignore_ascii_case(wanted.trim()))
    };
    let to = shipment.destination.as_ref().and_then(|place| place.address.as_ref());
    let country = to.and_then(|to| to.country_code.as_deref());
    let code = to.and_then(|to| to.postal_code.as_deref()).map(normalize);
    is_named(question.number.as_str(), shipment)
        && question
            .service
            .as_ref()
            .is_none_or(|service| same(shipment.service.as_deref(), service))
        && question.country.as_ref().is_none_or(|wanted: &Country| same(country, wanted.as_str()))
        && question.postal_code.as_ref().is_none_or(|wanted| {
            let wanted = normalize(wanted);
            // "60091" and "60091-1234" are one place.
            code.as_ref()
                .is_none_or(|code| code.starts_with(&wanted) || wanted.starts_with(code.as_str()))
        })
}

/// Whether a shipment has the number: as its id, or as a piece's. Pieces are spelt with a letter
/// more in front, or a digit less.
fn is_named(number: &str, shipment: &Shipment) -> bool {
    let wanted = normalize(number);
    if shipment.id.as_deref().is_some_and(|id| normalize(id) == wanted) {
        return true;
    }
    let near = |known: &str| {
        let known = normalize(known);
        let (long, short) =
            if known.len() >= wanted.len() { (&known, &wanted) } else { (&wanted, &known) };
        // What is shorter than this is part of too many numbers.
        short.len() >= 8
            && long.len() - short.len() <= 1
            && (long.ends_with(short.as_str()) || long.starts_with(short.as_str()))
    };
    shipment.id.as_deref().is_some_and(near)
        || shipment.details.iter().any(|details| details.piece_ids.iter().any(|id| near(id)))
}

pub(super) fn found(shipment: &Shipment) -> TrackOutcome {
    let returned = shipment.return_flag == Some(true);
    if shipment.events.is_unreadable() && shipment.status.is_none() {
        return unreadable_history();
    }
    let mut events: Vec<TrackingEvent> =
        shipment.events.iter().filter_map(|event| read(event, returned)).collect();
    // The status at the top repeats the newest event, and contradicts it at times: it counts only
    // for a moment that no event tells of.
    if let Some(status) = shipment.status.as_ref().and_then(|status| read(status, returned))
        && !events.iter().any(|event| event.time == status.time)
    {
        events.push(status);
    }
    close_returns(&mut events);
    TrackOutcome::Found {
        events,
        estimated_delivery: shipment.estimated_time_of_delivery.as_deref().and_then(day),
    }
}

fn read(status: &Status, returned: bool) -> Option<TrackingEvent> {
    let time = event_time(status.timestamp.as_deref()?)?;
    let code = filled(status.status_code.as_deref());
    let mut texts: Vec<String> = Vec::with_capacity(3);
    for text in [&status.status, &status.description, &status.remark] {
        texts.extend(filled(text.as_deref()).filter(|text| !texts.contains(text)));
    }
    // A remark explains; it is no status.
    let words = [&status.status, &status.description].map(|text| text.as_deref().unwrap_or(""));
    let (milestone, reason) = meaning(code.as_deref(), &words.join(" "), returned);
    Some(TrackingEvent {
        time,
        place: status.location.as_ref().and_then(place),
        raw_code: code.or_else(|| texts.first().cloned()).unwrap_or_default(),
        raw_text: texts.join(": "),
        milestone,
        reason,
    })
}

/// What an event means: its code first, then what its words may make of that code.
fn meaning(code: Option<&str>, words: &str, returned: bool) -> (Milestone, Option<ReasonGroup>) {
    let said = by_words(words);
    let said_milestone = said.map(|(milestone, _)| milestone);
    match code.map(str::to_ascii_lowercase).as_deref() {
        // Whatever the words say: one official sample says "DELIVERED" here.
        Some("pre-transit") => (PreAdvice, None),
        Some("transit") => match said {
            Some((Delivered | PreAdvice | Other, _)) | None => (DepartedHub, None),
            Some(said) => said,
        },
        Some("delivered") => match said_milestone {
            _ if returned => (Returned, None),
            Some(ReturnStarted | Returned) => (Returned, None),
            Some(elsewhere @ (AvailableForPickup | ArrivedHub | DepartedHub | OutForDelivery)) => {
                (elsewhere, None)
            }
            // Papers, not the parcel.
            Some(Other) => (Other, None),
            // Freight: papers were handed over, which is all that is known.
            _ if words.to_uppercase().contains("DOCUMENT HANDOVER") => (Other, None),
            _ => (Delivered, None),
        },
        Some("failure") => match said {
            Some((Delivered | PreAdvice | Other, _)) | None => {
                (Exception, Some(ReasonGroup::Unknown))
            }
            Some((milestone, reason)) => (milestone, reason.or(Some(ReasonGroup::Unknown))),
        },
        // Unknown, missing or new: the last state holds, but for a label that was made.
        _ if said_milestone == Some(PreAdvice) => (PreAdvice, None),
        _ => (Other, None),
    }
}

/// City and country. Some divisions put a street in front of the city, which may be the buyer's:
/// parts with digits are left out.
fn place(place: &Place) -> Option<String> {
    let address = place.address.as_ref()?;
    let locality = filled(address.address_locality.as_deref()).unwrap_or_default();
    let mut parts: Vec<&str> = locality
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty() && !part.chars().any(|letter| letter.is_ascii_digit()))
        .collect();
    let country = address.country_code.as_deref().map(str::trim).unwrap_or_default();
    if !country.is_empty() && parts.last() != Some(&country) {
        parts.push(country);
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_decides_and_words_refine_it_within_bounds() {
        let of = |code, words| meaning(Some(code), words, false).0;
        for (code, words, milestone) in [
            ("pre-transit", "DELIVERED", PreAdvice),
            ("transit", "OUT FOR DELIVERY", Milestone::OutForDelivery),
            ("transit", "ARRIVED AT CUSTOMS", Milestone::CustomsStarted),
            ("transit", "DELIVERED", DepartedHub),
            ("transit", "DELIVERED_AT_SHIPPER", Returned),
            ("transit", "przesyłka oczekuje", DepartedHub),
            ("delivered", "DELIVERED IN/AT MAILBOX", Delivered),
            ("delivered", "DELIVERED_AT_PARCELSHOP", AvailableForPickup),
            ("delivered", "DELIVERED TO AGENT", DepartedHub),
            ("delivered", "RETURNED TO SHIPPER", Returned),
            ("delivered", "Document Handover (if no POD)", Other),
            ("delivered", "doręczona", Delivered),
            ("delivered", "Partially delivered", OutForDelivery),
            ("delivered", "PARCEL_WILL_BE_DELIVERED_SOON", DepartedHub),
            ("delivered", "PAPER POD HAS BEEN SUCCESSFULLY DELIVERED", Other),
            ("failure", "RECIPIENT NOT HOME", Milestone::AttemptFailed),
            ("failure", "REFUSED", Exception),
            ("failure", "STORAGE PERIOD ENDED", ReturnStarted),
            ("failure", "DELIVERED", Exception),
            ("unknown", "LABEL CREATED", PreAdvice),
            ("unknown", "OUT FOR DELIVERY", Other),
            ("brand-new", "DELIVERED", Other),
        ] {
            assert_eq!(of(code, words), milestone, "{code} {words}");
        }
        assert_eq!(meaning(Some("delivered"), "DELIVERED", true).0, Returned);
        assert_eq!(meaning(None, "Gated out", false), (Other, None));
        assert!(meaning(Some("failure"), "?", false).1.is_some());
    }

    #[test]
    fn a_place_is_a_city_and_never_a_street() {
        let of = |locality: &str, country: Option<&str>| {
            place(&Place {
                address: Some(super::super::wire::PlaceAddress {
                    country_code: country.map(str::to_owned),
                    postal_code: None,
                    address_locality: Some(locality.to_owned()),
                }),
            })
        };
        assert_eq!(of("Oderweg 2, AMSTERDAM", Some("NL")).as_deref(), Some("AMSTERDAM, NL"));
        assert_eq!(of("Wilmette, IL, US", Some("US")).as_deref(), Some("Wilmette, IL, US"));
        assert_eq!(of("", None), None);
    }
}
