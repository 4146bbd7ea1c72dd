//! What the three products say alike: words of events, where no code tells.

use crate::carriers::events::{EventRow, row};
use crate::shipment::{Milestone, ReasonGroup, TrackingEvent};

use Milestone::{
    ArrivedHub, AttemptFailed, AvailableForPickup, CustomsCleared, CustomsStarted, Delivered,
    DepartedHub, Exception, Lost, Other, OutForDelivery, PreAdvice, ReturnStarted, Returned,
};
use ReasonGroup::{Carrier, Consignee, Customs, Unknown};

/// A row of the table of words: every one of `all` must occur in the text, in capitals.
struct Words {
    all: &'static [&'static str],
    milestone: Milestone,
    reason: Option<ReasonGroup>,
}

const fn say(all: &'static [&'static str], milestone: Milestone) -> Words {
    Words { all, milestone, reason: None }
}

const fn blame(all: &'static [&'static str], milestone: Milestone, reason: ReasonGroup) -> Words {
    Words { all, milestone, reason: Some(reason) }
}

/// In order: the first that fits decides. Deliveries to somebody who is not the buyer come before
/// deliveries, and what was not done before what was.
const TABLE: &[Words] = &[
    // About papers and plans, not about the parcel.
    say(&["PLANNED FOR DELIVERY"], Other),
    say(&["PROOF OF DELIVERY"], Other),
    say(&["PAPER POD"], Other),
    say(&["RETURN ORDER"], Other),
    // The end of a way back.
    say(&["AT SHIPPER"], Returned),
    say(&["RETURN DELIVERED"], Returned),
    say(&["RETURNS DELIVERED"], Returned),
    say(&["RETURNED TO SENDER DELIVERED"], Returned),
    say(&["DELIVERED BACK"], Returned),
    // Not the buyer, but where the buyer goes.
    blame(&["STORAGE PERIOD ENDED"], ReturnStarted, Consignee),
    say(&["DELIVERED AT PARCELSHOP"], AvailableForPickup),
    say(&["DELIVERED AT PARCELSTATION"], AvailableForPickup),
    say(&["DELIVERED", "SERVICEPOINT"], AvailableForPickup),
    say(&["DELIVERED TO POST OFFICE"], AvailableForPickup),
    say(&["DELIVERED TO PICK-UP"], AvailableForPickup),
    say(&["DELIVERED TO AGENT"], DepartedHub),
    say(&["DELIVERED AT DEPOT"], DepartedHub),
    // The driver comes back, not the parcel.
    say(&["RETURN TO HUB"], ArrivedHub),
    say(&["RETURNED FROM", "ROUTE"], ArrivedHub),
    // What was not done, and what follows from it.
    blame(&["NOT BE DELIVERED", "RETURN"], ReturnStarted, Consignee),
    blame(&["BE RETURNED"], ReturnStarted, Consignee),
    blame(&["RETURN", "TO SENDER"], ReturnStarted, Consignee),
    blame(&["RETURN", "TO THE SENDER"], ReturnStarted, Consignee),
    blame(&["RETURN", "TO SHIPPER"], ReturnStarted, Consignee),
    say(&["OUT FOR", "DELIVERY ATTEMPT"], OutForDelivery),
    say(&["DELIVERY ATTEMPT SUCCESSFUL"], Delivered),
    blame(&["DELIVERY ATTEMPT"], AttemptFailed, Consignee),
    blame(&["ATTEMPTED DELIVERY"], AttemptFailed, Consignee),
    blame(&["NOT HOME"], AttemptFailed, Consignee),
    blame(&["NO ONE HOME"], AttemptFailed, Consignee),
    blame(&["REFUSED"], Exception, Consignee),
    blame(&["INSUFFICIENT ADDRESS"], Exception, Consignee),
    blame(&["INCORRECT ADDRESS"], Exception, Consignee),
    blame(&["NOT DELIVERED"], Exception, Unknown),
    blame(&["NOT BE DELIVERED"], Exception, Unknown),
    blame(&["COULDN", "DELIVERED"], Exception, Unknown),
    blame(&["NOT DELIVERABLE"], Exception, Consignee),
    blame(&["UNDELIVER"], Exception, Unknown),
    blame(&["DELIVERY FAILED"], Exception, Unknown),
    // Soon, which is not yet.
    say(&["BE DELIVERED"], DepartedHub),
    say(&["PARTIAL", "DELIVER"], OutForDelivery),
    say(&["PARTLY DELIVERED"], OutForDelivery),
    blame(&["DESTROYED"], Lost, Carrier),
    blame(&[" LOST"], Lost, Carrier),
    say(&["RETURN"], ReturnStarted),
    say(&["OUT FOR DELIVERY"], OutForDelivery),
    say(&["OUT WITH COURIER"], OutForDelivery),
    say(&["LOADED", "DELIVERY VEHICLE"], OutForDelivery),
    say(&["AVAILABLE FOR PICK"], AvailableForPickup),
    say(&["READY FOR PICK"], AvailableForPickup),
    say(&["READY FOR COLLECTION"], AvailableForPickup),
    say(&["AWAITING COLLECTION"], AvailableForPickup),
    say(&["CUSTOMS", "CLEARED"], CustomsCleared),
    say(&["CLEARANCE", "COMPLETE"], CustomsCleared),
    blame(&["CUSTOMS", "HELD"], CustomsStarted, Customs),
    say(&["CUSTOMS"], CustomsStarted),
    say(&["CLEARANCE"], CustomsStarted),
    blame(&["DAMAGE"], Exception, Carrier),
    blame(&["DELAY"], Exception, Carrier),
    say(&["LABEL CREATED"], PreAdvice),
    say(&["INSTRUCTION DATA"], PreAdvice),
    say(&["DELIVERED"], Delivered),
    say(&["DEPARTED"], DepartedHub),
    say(&["ARRIVED"], ArrivedHub),
    say(&["ARRIVAL"], ArrivedHub),
    say(&["PROCESSED"], ArrivedHub),
];

/// What words say, where they say anything. Words say less than codes: "delivered" alone counts
/// only after every other meaning of it.
pub(super) fn by_words(text: &str) -> Option<(Milestone, Option<ReasonGroup>)> {
    let text = text.to_uppercase().replace('_', " ");
    TABLE
        .iter()
        .find(|row| row.all.iter().all(|word| text.contains(word)))
        .map(|row| (row.milestone, row.reason))
}

/// What an event means: by its code, else by its words. What neither tells is [`Milestone::Other`].
pub(super) fn by_code_or_words(
    table: &'static [EventRow],
    code: &str,
    words: &str,
) -> (Milestone, Option<ReasonGroup>) {
    match row(table, code) {
        Some(row) => (row.milestone, row.reason),
        None => by_words(words).unwrap_or((Other, None)),
    }
}

/// A delivery after the way back has begun is one to the sender: no product says so by itself.
pub(super) fn close_returns(events: &mut [TrackingEvent]) {
    let began = events
        .iter()
        .filter(|event| event.milestone == ReturnStarted)
        .map(|event| event.time.approximate())
        .min();
    let Some(began) = began else { return };
    for event in events {
        if event.milestone == Delivered && event.time.approximate() > began {
            event.milestone = Returned;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shipment::EventTime;

    #[test]
    fn a_delivery_on_the_way_back_is_a_return_and_one_before_it_stays_a_delivery() {
        let event = |hour, milestone| TrackingEvent {
            time: EventTime::Instant(chrono::DateTime::UNIX_EPOCH + chrono::TimeDelta::hours(hour)),
            place: None,
            raw_code: String::new(),
            raw_text: String::new(),
            milestone,
            reason: None,
        };
        // Newest first, as some products tell it.
        let mut events = [event(30, Delivered), event(20, ReturnStarted), event(10, Delivered)];
        close_returns(&mut events);
        let milestones = events.map(|event| event.milestone);
        assert_eq!(milestones, [Returned, ReturnStarted, Delivered]);
        let mut only = [event(10, Delivered)];
        close_returns(&mut only);
        assert_eq!(only[0].milestone, Delivered);
    }

    #[test]
    fn delivered_to_somebody_else_is_no_delivery() {
        for (text, milestone) in [
            ("DELIVERED TO AGENT FOR FINAL DELIVERY", DepartedHub),
            ("DELIVERED TO PICK-UP LOCATION - CUSTOMER NOTIFIED", AvailableForPickup),
            ("DELIVERED_AT_PARCELSHOP", AvailableForPickup),
            ("DELIVERED_AT_SHIPPER", Returned),
            ("RETURNS DELIVERED", Returned),
            ("Shipment could not be delivered", Exception),
            (
                "The shipment could not be delivered and will be returned to the sender",
                ReturnStarted,
            ),
            ("Shipment ready to be delivered on the next working day", DepartedHub),
            ("Partially delivered", OutForDelivery),
            ("The shipment has been dropped off at Parcelshop by sender", Other),
            ("PARCEL_RETURNED_FROM_ROUTE", ArrivedHub),
            ("OUT FOR SECOND DELIVERY ATTEMPT", OutForDelivery),
            ("SECOND DELIVERY ATTEMPT SUCCESSFUL", Delivered),
            ("DELIVERED", Delivered),
        ] {
            let read = by_words(text).map_or(Other, |(milestone, _)| milestone);
            assert_eq!(read, milestone, "{text}");
        }
        assert_eq!(by_words("Reticulating splines"), None);
    }

    #[test]
    fn words_call_nothing_delivered_that_the_reviewed_codes_do_not() {
        let rows = crate::carriers::events::reviewed("dhl/ecommerce", "event-codes.csv");
        for row in rows {
            if let Some((Delivered, _)) = by_words(&row[1]) {
                assert_eq!(row[3], "delivered", "{row:?}");
            }
            if let Some((Returned | ReturnStarted, _)) = by_words(&row[1]) {
                assert!(["returned", "exception"].contains(&row[3].as_str()), "{row:?}");
            }
        }
        let rows =
            crate::carriers::events::reviewed("dhl/tracking", "status-codes-all-services.csv");
        for row in rows {
            let words = format!("{} {}", row[1], row[2]).to_uppercase();
            let later = ["WILL BE", "READY TO BE", "COULD NOT", "COULDN", "RETURN"];
            if later.iter().any(|word| words.contains(word)) {
                let read = by_words(&words).map(|(milestone, _)| milestone);
                assert_ne!(read, Some(Delivered), "{row:?}");
            }
        }
    }
}
