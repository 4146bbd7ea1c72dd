//! What the carrier's checkpoints mean, as a table.
//!
//! From the reference sample of the official specification and the carrier's list of statuses; a
//! test keeps it equal to `event-codes.csv` beside the fixtures.

use crate::carriers::dhl::events::by_code_or_words;
use crate::carriers::events::{EventRow, because, on};
use crate::shipment::{Milestone, ReasonGroup};

use Milestone::{
    Accepted, ArrivedDestination, ArrivedHub, AttemptFailed, AvailableForPickup, CustomsCleared,
    CustomsStarted, Delivered, DepartedHub, Exception, Lost, Other, OutForDelivery, PreAdvice,
    ReturnStarted,
};
use ReasonGroup::{Carrier, Consignee, Customs, Shipper};

/// Some pieces were delivered: a delivery only when all are.
pub(super) const PARTIAL: &str = "PD";

pub(super) const EVENTS: &[EventRow] = &[
    on("AF", ArrivedHub),
    on("AR", ArrivedDestination),
    on("CR", CustomsCleared),
    on("DF", DepartedHub),
    on("PL", ArrivedHub),
    on("TR", DepartedHub),
    on("AD", Other),
    because("BA", Exception, Consignee),
    on("BL", CustomsStarted),
    on("BN", CustomsStarted),
    on("BR", CustomsCleared),
    because("CA", AttemptFailed, Consignee),
    on("CC", AvailableForPickup),
    because("CD", CustomsStarted, Customs),
    on("CI", ArrivedHub),
    because("CM", Exception, Consignee),
    on("CS", Other),
    on("CU", DepartedHub),
    because("DD", Delivered, Carrier),
    on("DI", CustomsStarted),
    because("DM", Exception, Carrier),
    because("DP", Exception, Customs),
    because("DS", Lost, Carrier),
    on("ES", CustomsStarted),
    on("FD", DepartedHub),
    because("HI", Exception, Carrier),
    on("HN", DepartedHub),
    on("HO", DepartedHub),
    because("HP", CustomsStarted, Consignee),
    on("IA", Other),
    on("IC", CustomsStarted),
    because("IR", Exception, Carrier),
    on("LV", DepartedHub),
    because("MC", Exception, Carrier),
    because("MD", Exception, Carrier),
    because("MS", Exception, Carrier),
    because("NA", Exception, Carrier),
    because("ND", AttemptFailed, Consignee),
    because("NH", AttemptFailed, Consignee),
    because("OH", Exception, Carrier),
    on("OK", Delivered),
    on("PD", OutForDelivery),
    on("PU", Accepted),
    on("PY", Other),
    because("RD", Exception, Consignee),
    on("RR", CustomsStarted),
    on("RT", ReturnStarted),
    on("RW", Other),
    on("SA", Accepted),
    on("SC", Other),
    on("SI", Other),
    on("SM", DepartedHub),
    because("SS", Exception, Shipper),
    because("ST", Exception, Shipper),
    because("TD", Exception, Carrier),
    because("TI", Exception, Carrier),
    on("TP", DepartedHub),
    on("TT", Other),
    because("UD", CustomsStarted, Customs),
    on("UV", ArrivedHub),
    on("WC", OutForDelivery),
    on("DUMMY_PU", PreAdvice),
];

/// What a checkpoint means: by its code, else by its words. What neither tells is
/// [`Milestone::Other`].
pub(super) fn meaning(code: &str, words: &str) -> (Milestone, Option<ReasonGroup>) {
    by_code_or_words(EVENTS, code, words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carriers::events::{reviewed, reviewed_word};

    #[test]
    fn every_checkpoint_of_the_reviewed_table_is_known_and_means_the_same() {
        let rows = reviewed("dhl/express", "event-codes.csv");
        assert_eq!((rows.len(), EVENTS.len()), (62, 62));
        for row in rows {
            assert!(EVENTS.iter().any(|known| known.code == row[0]), "{row:?}");
            let (milestone, _) = meaning(&row[0], "");
            // A delivery of some pieces is on its way until all are there.
            let wanted = if row[0] == PARTIAL { "out_for_delivery" } else { row[5].as_str() };
            assert_eq!(reviewed_word(milestone), wanted, "{row:?} is {milestone:?}");
        }
        assert_eq!(meaning("DD", ""), (Delivered, Some(Carrier)));
    }

    #[test]
    fn an_unknown_checkpoint_is_judged_by_its_words_and_else_changes_nothing() {
        assert_eq!(meaning("ZZ", "Shipment is out with courier for delivery").0, OutForDelivery);
        assert_eq!(meaning("ZZ", "Reticulated"), (Other, None));
        assert_eq!(meaning("ok", "").0, Delivered);
    }
}
