//! What the carrier's event codes mean, as tables.
//!
//! The meanings come from captured answers and from reading open clients; a test keeps them equal
//! to `event-status-map.csv` beside the fixtures, which names the evidence of each row. No
//! official list was found.

use crate::carriers::events::{EventRow, because, on, row};
use crate::shipment::{Milestone, ReasonGroup};

use Milestone::{
    Accepted, ArrivedDestination, ArrivedHub, AttemptFailed, AvailableForPickup, Delivered,
    DepartedHub, Exception, Lost, OutForDelivery, PreAdvice, ReturnStarted,
};
use ReasonGroup::{Carrier, Consignee, Customs, Shipper, Unknown, Weather};

pub(super) const EVENTS: &[EventRow] = &[
    // Not with the carrier yet: 80 to 83 are movements of a consolidator, not of the carrier.
    on("GX", PreAdvice),
    on("MA", PreAdvice),
    on("GC", PreAdvice),
    on("89", PreAdvice),
    on("80", PreAdvice),
    on("81", PreAdvice),
    on("82", PreAdvice),
    on("83", PreAdvice),
    on("TM", Accepted),
    on("03", Accepted),
    on("OA", Accepted),
    on("UA", Accepted),
    // Drop-shipped parcels enter near their destination; after another acceptance this is
    // movement, which the fold of events does by itself.
    on("AD", Accepted),
    on("10", ArrivedHub),
    on("A1", ArrivedHub),
    on("T1", DepartedHub),
    on("TL", DepartedHub),
    on("NT", DepartedHub),
    on("L1", ArrivedHub),
    on("EF", DepartedHub),
    on("SF", DepartedHub),
    on("PC", ArrivedDestination),
    on("07", ArrivedDestination),
    because("08", Exception, Carrier),
    because("15", Exception, Carrier),
    on("06", DepartedHub),
    on("OF", OutForDelivery),
    on("59", OutForDelivery),
    on("01", Delivered),
    // Clients disagree: delivered to an agent, or to one who returns it. The text decides.
    on("17", Delivered),
    on("43", Delivered),
    // "Awaiting delivery scan" is never a delivery.
    on("DX", ArrivedDestination),
    on("DN", ArrivedDestination),
    on("14", AvailableForPickup),
    on("16", AvailableForPickup),
    because("02", AttemptFailed, Consignee),
    because("30", AttemptFailed, Consignee),
    because("51", AttemptFailed, Consignee),
    because("52", AttemptFailed, Consignee),
    because("53", AttemptFailed, Consignee),
    because("54", AttemptFailed, Consignee),
    because("55", AttemptFailed, Consignee),
    because("56", AttemptFailed, Consignee),
    because("71", AttemptFailed, Unknown),
    because("H0", Exception, Unknown),
    because("19", Exception, Unknown),
    because("05", Exception, Consignee),
    because("04", ReturnStarted, Consignee),
    because("09", ReturnStarted, Unknown),
    because("21", ReturnStarted, Consignee),
    because("22", ReturnStarted, Consignee),
    because("23", ReturnStarted, Consignee),
    because("24", ReturnStarted, Consignee),
    because("25", ReturnStarted, Consignee),
    because("26", ReturnStarted, Consignee),
    because("27", ReturnStarted, Consignee),
    because("28", ReturnStarted, Consignee),
    because("29", ReturnStarted, Unknown),
    because("31", ReturnStarted, Consignee),
    because("41", ReturnStarted, Shipper),
    because("42", ReturnStarted, Shipper),
    because("44", ReturnStarted, Shipper),
    because("11", Lost, Carrier),
];

/// A phrase that decides whatever the code is. Lower case; the first that occurs wins.
pub(super) struct PhraseRow {
    pub(super) phrase: &'static str,
    pub(super) milestone: Milestone,
    pub(super) reason: Option<ReasonGroup>,
}

const fn phrase(
    phrase: &'static str,
    milestone: Milestone,
    reason: Option<ReasonGroup>,
) -> PhraseRow {
    PhraseRow { phrase, milestone, reason }
}

pub(super) const PHRASES: &[PhraseRow] = &[
    // Its code and its category say "delivered".
    phrase("to original sender", Milestone::Returned, None),
    phrase("awaiting delivery scan", ArrivedDestination, None),
    phrase("mail recovery center", Lost, Some(Carrier)),
    phrase("seized", Exception, Some(Customs)),
    // No numeric codes of customs are verified.
    phrase("out of customs", Milestone::CustomsCleared, None),
    phrase("customs clearance processing complete", Milestone::CustomsCleared, None),
    phrase("cleared customs", Milestone::CustomsCleared, None),
    phrase("customs", Milestone::CustomsStarted, Some(Customs)),
    phrase("held at post office, at customer request", AvailableForPickup, None),
    phrase("label cancelled", Exception, Some(Shipper)),
    phrase("label canceled", Exception, Some(Shipper)),
    phrase("animal interference", Exception, Some(Consignee)),
    phrase("weather", Exception, Some(Weather)),
    phrase("dangerous conditions", Exception, Some(Unknown)),
    // Whatever the code: while the item is awaited, nothing was accepted.
    phrase("usps awaiting item", PreAdvice, None),
];

/// What an event means. An unknown code without a telling phrase is [`Milestone::Other`].
pub(super) fn meaning(code: &str, text: &str) -> (Milestone, Option<ReasonGroup>) {
    let text = text.to_ascii_lowercase();
    if let Some(row) = PHRASES.iter().find(|row| text.contains(row.phrase)) {
        return (row.milestone, row.reason);
    }
    if code == "17" && text.contains("return") {
        return (ReturnStarted, None);
    }
    match row(EVENTS, code) {
        Some(row) => (row.milestone, row.reason),
        None => (Milestone::Other, None),
    }
}

/// What a status category means, for a newest event whose code is unknown.
pub(super) const CATEGORIES: &[(&str, Milestone)] = &[
    ("Pre-Shipment", PreAdvice),
    ("Accepted", Accepted),
    ("In Transit", DepartedHub),
    ("Moving Through Network", DepartedHub),
    ("Arriving Late", DepartedHub),
    ("Arriving Early", DepartedHub),
    ("Arriving On Time", DepartedHub),
    ("Out for Delivery", OutForDelivery),
    ("Delivered", Delivered),
    ("Delivered to Agent", Delivered),
    ("Available for Pickup", AvailableForPickup),
    ("Delivery Attempt", AttemptFailed),
    ("Delivery Attempt: Action Needed", AttemptFailed),
    ("Return to Sender", ReturnStarted),
    ("Alert", Exception),
];

/// The meaning of a status category, if it is a known one.
pub(super) fn category(name: &str) -> Option<Milestone> {
    CATEGORIES
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name.trim()))
        .map(|(_, milestone)| *milestone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carriers::events::reviewed;

    /// Which of our milestones each word of the reviewed files allows.
    fn allowed(unified: &str) -> &'static [Milestone] {
        match unified {
            "pre_transit" => &[PreAdvice],
            "accepted" => &[Accepted],
            "in_transit" => &[ArrivedHub, DepartedHub, ArrivedDestination],
            "out_for_delivery" => &[OutForDelivery],
            "delivered" => &[Delivered],
            "available_for_pickup" => &[AvailableForPickup],
            "attempted" => &[AttemptFailed],
            "exception" | "cancelled" => &[Exception],
            "returned" => &[ReturnStarted, Milestone::Returned],
            "lost" => &[Lost],
            "customs" => &[Milestone::CustomsStarted, Milestone::CustomsCleared],
            other => panic!("no milestone for {other}"),
        }
    }

    #[test]
    fn every_event_code_means_what_the_reviewed_file_says() {
        let mut codes = 0;
        for row in reviewed("usps", "event-status-map.csv") {
            let [code, text, unified, possession, ..] = row.as_slice() else { panic!("{row:?}") };
            if code.is_empty() {
                for part in text.split('/').map(|part| part.trim().trim_matches('*')) {
                    let (milestone, _) = meaning("zz", &format!("x {part} y"));
                    assert!(allowed(unified).contains(&milestone), "{part}: {milestone:?}");
                }
                continue;
            }
            codes += 1;
            let found = EVENTS.iter().find(|row| row.code == code).expect(code);
            assert!(allowed(unified).contains(&found.milestone), "{code}: {:?}", found.milestone);
            // What the carrier does not hold is never accepted, and the other way round.
            assert_eq!(found.milestone == PreAdvice, possession == "no", "{code}");
        }
        assert_eq!(codes, EVENTS.len(), "the table has rows that the reviewed file has not");
    }

    #[test]
    fn every_status_category_means_what_the_reviewed_file_says() {
        let rows = reviewed("usps", "status-category-map.csv");
        assert_eq!(rows.len(), CATEGORIES.len());
        for row in rows {
            let milestone = category(&row[0]).expect(&row[0]);
            assert!(allowed(&row[1]).contains(&milestone), "{row:?}");
        }
    }

    #[test]
    fn phrases_decide_before_codes() {
        let meaning = |code, text| meaning(code, text).0;
        assert_eq!(meaning("01", "Delivered, To Original Sender"), Milestone::Returned);
        assert_eq!(meaning("01", "Delivered, In/At Mailbox"), Delivered);
        assert_eq!(meaning("DX", "Awaiting Delivery Scan"), ArrivedDestination);
        assert_eq!(meaning("17", "Tendered to Returns Agent"), ReturnStarted);
        assert_eq!(meaning("17", "Delivered to Agent for Final Delivery"), Delivered);
        assert_eq!(meaning("03", "Arrived, USPS Awaiting Item"), PreAdvice);
        assert_eq!(meaning("??", "Inbound Into Customs"), Milestone::CustomsStarted);
        assert_eq!(meaning("??", "Inbound Out of Customs"), Milestone::CustomsCleared);
        assert_eq!(meaning("??", "A new thing"), Milestone::Other);
    }
}
