//! What the three products say alike: words of events, where no code tells.

use crate::shipment::{Milestone, ReasonGroup};

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
    // Says what may happen, not what did.
    say(&["PLANNED FOR DELIVERY"], Other),
    say(&["AT_SHIPPER"], Returned),
    say(&["DELIVERED AT SHIPPER"], Returned),
    say(&["RETURNS DELIVERED"], Returned),
    say(&["RETURN", "DELIVERED"], Returned),
    say(&["AT_PARCELSHOP"], AvailableForPickup),
    say(&["DELIVERED", "PARCELSHOP"], AvailableForPickup),
    say(&["DELIVERED TO PICK-UP"], AvailableForPickup),
    say(&["DELIVERED TO AGENT"], DepartedHub),
    blame(&["DELIVERY ATTEMPT"], AttemptFailed, Consignee),
    blame(&["ATTEMPTED DELIVERY"], AttemptFailed, Consignee),
    blame(&["NOT HOME"], AttemptFailed, Consignee),
    blame(&["NO ONE HOME"], AttemptFailed, Consignee),
    blame(&["REFUSED"], Exception, Consignee),
    blame(&["STORAGE PERIOD ENDED"], ReturnStarted, Consignee),
    blame(&["INSUFFICIENT ADDRESS"], Exception, Consignee),
    blame(&["INCORRECT ADDRESS"], Exception, Consignee),
    blame(&["NOT", "DELIVERED"], Exception, Unknown),
    blame(&["NOT", "DELIVERABLE"], Exception, Consignee),
    blame(&["UNDELIVER"], Exception, Unknown),
    blame(&["DESTROYED"], Lost, Carrier),
    blame(&["LOST"], Lost, Carrier),
    say(&["RETURN"], ReturnStarted),
    say(&["OUT FOR DELIVERY"], OutForDelivery),
    say(&["OUT WITH COURIER"], OutForDelivery),
    say(&["LOADED ONTO THE DELIVERY VEHICLE"], OutForDelivery),
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
    say(&["PROCESSED"], ArrivedHub),
];

/// What words say, where they say anything. Words say less than codes: "delivered" alone counts
/// only after every other meaning of it.
pub(super) fn by_words(text: &str) -> Option<(Milestone, Option<ReasonGroup>)> {
    let text = text.to_uppercase();
    TABLE
        .iter()
        .find(|row| row.all.iter().all(|word| text.contains(word)))
        .map(|row| (row.milestone, row.reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delivered_to_somebody_else_is_no_delivery() {
        for (text, milestone) in [
            ("DELIVERED TO AGENT FOR FINAL DELIVERY", DepartedHub),
            ("DELIVERED TO PICK-UP LOCATION - CUSTOMER NOTIFIED", AvailableForPickup),
            ("DELIVERED_AT_PARCELSHOP", AvailableForPickup),
            ("DELIVERED_AT_SHIPPER", Returned),
            ("RETURNS DELIVERED", Returned),
            ("Shipment could not be delivered", Exception),
            ("DELIVERED", Delivered),
        ] {
            assert_eq!(by_words(text).map(|(milestone, _)| milestone), Some(milestone), "{text}");
        }
        assert_eq!(by_words("Reticulating splines"), None);
    }
}
