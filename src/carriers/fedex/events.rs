//! What the carrier's event codes mean, as tables.
//!
//! From the status tables of the official guide and from captured answers; a test keeps them equal
//! to `event-status-map.csv` and `exception-code-map.csv` beside the fixtures, which name the
//! evidence of each row. No code says "lost".

use crate::carriers::events::{EventRow, because, on, row};
use crate::shipment::{Milestone, ReasonGroup};

use Milestone::{
    Accepted, ArrivedDestination, ArrivedHub, AttemptFailed, AvailableForPickup, CustomsCleared,
    CustomsStarted, Delivered, DepartedHub, Exception, Other, OutForDelivery, PreAdvice,
    ReturnStarted,
};
use ReasonGroup::{Carrier, Consignee, Customs, Shipper, Unknown};

pub(super) const EVENTS: &[EventRow] = &[
    on("OC", PreAdvice),
    on("OX", PreAdvice),
    on("MD", PreAdvice),
    on("EP", PreAdvice),
    on("DS", PreAdvice),
    because("DR", PreAdvice, Carrier),
    because("PD", PreAdvice, Carrier),
    on("RP", PreAdvice),
    on("RG", PreAdvice),
    // The shipment will not move any more: it stays what it was, and says why.
    because("LP", Other, Shipper),
    because("LC", Other, Shipper),
    because("RD", Other, Shipper),
    because("CA", Exception, Shipper),
    on("DO", Accepted),
    on("IP", Accepted),
    on("PU", Accepted),
    on("PX", Accepted),
    on("AP", Accepted),
    on("OF", Accepted),
    on("TR", DepartedHub),
    on("IT", DepartedHub),
    on("IX", DepartedHub),
    on("OW", DepartedHub),
    on("AA", ArrivedHub),
    on("AC", ArrivedHub),
    on("AF", ArrivedHub),
    on("AR", ArrivedHub),
    on("AX", ArrivedHub),
    on("DP", DepartedHub),
    on("EA", DepartedHub),
    on("EO", DepartedHub),
    on("FD", ArrivedDestination),
    on("LO", DepartedHub),
    on("PF", DepartedHub),
    on("PL", ArrivedHub),
    on("PM", DepartedHub),
    on("SF", ArrivedHub),
    on("SP", DepartedHub),
    on("CH", DepartedHub),
    on("PR", DepartedHub),
    on("AS", DepartedHub),
    on("CP", CustomsStarted),
    because("CD", CustomsStarted, Customs),
    on("CC", CustomsCleared),
    on("OD", OutForDelivery),
    on("ED", OutForDelivery),
    on("AD", OutForDelivery),
    on("HL", AvailableForPickup),
    on("HP", AvailableForPickup),
    on("DL", Delivered),
    because("DE", Exception, Unknown),
    because("SE", Exception, Unknown),
    because("DY", Exception, Carrier),
    because("DD", Exception, Carrier),
    because("RL", Exception, Carrier),
    on("RS", ReturnStarted),
    on("RT", ReturnStarted),
    // Estimates and requests: nothing moves.
    on("AE", Other),
    on("AO", Other),
    on("US", Other),
    on("HA", Other),
    on("RR", Other),
    on("RM", Other),
    on("RC", Other),
    on("RA", Other),
    on("IN", Other),
];

/// What an exception code says about a delivery or shipment exception (`DE`, `SE`), and about
/// nothing else: other events carry them as remarks.
pub(super) const EXCEPTIONS: &[EventRow] = &[
    because("07", AttemptFailed, Consignee),
    because("007", AttemptFailed, Consignee),
    because("08", AttemptFailed, Consignee),
    because("15", AttemptFailed, Consignee),
    because("03", Exception, Consignee),
    because("083", Exception, Unknown),
    because("099", Exception, Unknown),
    because("A47", DepartedHub, Carrier),
    on("A3", DepartedHub),
    because("A52", Exception, Carrier),
    because("A25", CustomsStarted, Customs),
];

/// What an event means. An unknown code is [`Milestone::Other`].
pub(super) fn meaning(event: &str, exceptions: &[&str]) -> (Milestone, Option<ReasonGroup>) {
    let Some(found) = row(EVENTS, event) else { return (Other, None) };
    if matches!(found.code, "DE" | "SE")
        && let Some(exception) = exceptions.iter().find_map(|code| row(EXCEPTIONS, code))
    {
        return (exception.milestone, exception.reason);
    }
    (found.milestone, found.reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carriers::events::reviewed;

    fn unified(milestone: Milestone) -> &'static [&'static str] {
        match milestone {
            PreAdvice => &["pre_transit"],
            Accepted => &["accepted"],
            DepartedHub | ArrivedHub | ArrivedDestination => &["in_transit"],
            CustomsStarted => &["customs"],
            // The event is customs, the state after it is in transit.
            CustomsCleared => &["in_transit"],
            OutForDelivery => &["out_for_delivery"],
            AvailableForPickup => &["available_for_pickup"],
            Delivered => &["delivered"],
            AttemptFailed => &["attempted"],
            Exception => &["exception", "cancelled", "attempted"],
            ReturnStarted => &["returned"],
            Other => &["keep", "cancelled"],
            _ => &[],
        }
    }

    #[test]
    fn every_event_code_of_the_reviewed_table_is_known_and_means_the_same() {
        let rows = reviewed("fedex", "event-status-map.csv");
        assert_eq!(rows.len(), EVENTS.len());
        for row in rows {
            let (milestone, _) = meaning(&row[0], &[]);
            assert!(unified(milestone).contains(&row[2].as_str()), "{row:?} is {milestone:?}");
        }
    }

    #[test]
    fn every_exception_code_of_the_reviewed_table_decides_a_delivery_exception() {
        let rows = reviewed("fedex", "exception-code-map.csv");
        assert_eq!(rows.len(), EXCEPTIONS.len());
        for row in rows {
            let (milestone, _) = meaning("DE", &[&row[0]]);
            assert!(unified(milestone).contains(&row[2].as_str()), "{row:?} is {milestone:?}");
        }
        assert_eq!(meaning("OD", &["07"]).0, OutForDelivery, "a remark decides nothing");
    }

    #[test]
    fn codes_are_compared_without_case_and_unknown_ones_change_nothing() {
        assert_eq!(meaning("Ow", &[]).0, DepartedHub);
        assert_eq!(meaning("ZZ", &["07"]), (Other, None));
        assert_eq!(meaning("DE", &["NEW"]), (Exception, Some(Unknown)));
    }
}
