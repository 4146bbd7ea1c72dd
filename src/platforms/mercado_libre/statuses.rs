//! What every status and substatus of a shipment means for its units.

use crate::order::ExceptionKind;

/// What a shipment's status means for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// The shipping is not paid yet.
    Unpaid,
    /// To be shipped; there is no label yet.
    Waiting,
    /// To be shipped; the label can be had.
    LabelReady,
    /// Labelled, and not yet scanned by anybody: still with the seller as far as the platform knows.
    Collection,
    /// Physically on its way.
    Moving,
    /// At the buyer.
    Delivered,
    /// Coming back, or something is wrong on the way: not a success, not the end either.
    Astray,
    /// Back at the seller or the warehouse.
    Returned,
    /// The shipment is cancelled; the order may still be open.
    Void,
    /// Must not ship: suspicion of fraud.
    Fraud,
    /// Must not ship for now.
    Hold,
    /// Old words that say nothing of their own.
    Legacy,
}

/// A row of the table. `*` stands for no substatus.
pub(super) struct Row {
    pub(super) status: &'static str,
    pub(super) substatus: &'static str,
    pub(super) effect: Effect,
    /// What a person should know, if anything.
    pub(super) note: Option<&'static str>,
}

impl Row {
    /// Which exception the row is, if it is one (section 6.3 of the reference). Where the platform only
    /// says that somebody must look, the parcel is stuck.
    pub(super) fn trouble(&self) -> Option<ExceptionKind> {
        use ExceptionKind as Kind;
        let attempt = matches!(
            self.substatus,
            "receiver_absent" | "refused_delivery" | "not_localized" | "waiting_for_withdrawal"
        );
        let customs = self.substatus.contains("customs")
            || self.substatus.starts_with("import_tax_")
            || self.substatus == "awaiting_tax_documentation";
        match (self.status, self.substatus) {
            ("pending", "cost_exceeded") | ("handling", "agency_unavailable") => {
                return Some(Kind::Stuck);
            }
            ("delivered", "damaged" | "double_refund") => return Some(Kind::ComplaintOpened),
            ("ready_to_ship", "delayed") => return Some(Kind::ShipOverdue),
            _ => {}
        }
        match (self.effect, self.note?) {
            (Effect::Astray, "coming back") => Some(Kind::ReturnToSender),
            (Effect::Astray, "lost or damaged") => Some(Kind::PossiblyLost),
            (Effect::Moving, "a delivery failed") => Some(Kind::AttemptFailed),
            (Effect::Astray | Effect::Moving, _) if customs => Some(Kind::CustomsHold),
            (Effect::Moving, "delayed") => Some(Kind::CarrierDelay),
            (Effect::Astray, "not delivered") if attempt => Some(Kind::AttemptFailed),
            (Effect::Astray, _) | (Effect::Moving, "somebody must act") => Some(Kind::Stuck),
            _ => None,
        }
    }
}

const fn row(
    status: &'static str,
    substatus: &'static str,
    effect: Effect,
    note: &'static str,
) -> Row {
    Row { status, substatus, effect, note: if note.is_empty() { None } else { Some(note) } }
}

/// The row of a status. `None` when one of the words is unknown.
pub(super) fn find(status: &str, substatus: Option<&str>) -> Option<&'static Row> {
    let substatus = substatus.map(str::trim).filter(|text| !text.is_empty()).unwrap_or("*");
    TABLE
        .binary_search_by(|row| (row.status, row.substatus).cmp(&(status, substatus)))
        .ok()
        .and_then(|index| TABLE.get(index))
}

/// Every official row and those seen live, sorted so that it can be searched.
#[rustfmt::skip]
pub(super) const TABLE: &[Row] = &[
    row("active", "*", Effect::Legacy, ""),
    row("cancelled", "*", Effect::Void, "the shipment is cancelled, the order is not"),
    row("cancelled", "cancelled_manually", Effect::Void, "the shipment is cancelled, the order is not"),
    row("cancelled", "closed_by_user", Effect::Void, "the shipment is cancelled, the order is not"),
    row("cancelled", "closed_store", Effect::Void, "the shipment is cancelled, the order is not"),
    row("cancelled", "dismissed", Effect::Void, "the shipment is cancelled, the order is not"),
    row("cancelled", "fraudulent", Effect::Void, "the shipment is cancelled, the order is not"),
    row("cancelled", "inferred_shipped", Effect::Moving, "sent outside of the platform"),
    row("cancelled", "label_expired", Effect::Void, "the shipment is cancelled, the order is not"),
    row("cancelled", "out_of_range", Effect::Void, "the shipment is cancelled, the order is not"),
    row("cancelled", "pack_partially_cancelled", Effect::Void, "the shipment is cancelled, the order is not"),
    row("cancelled", "pack_splitted", Effect::Void, "replaced by new shipments"),
    row("cancelled", "recovered", Effect::Void, "the shipment is cancelled, the order is not"),
    row("cancelled", "rejected_manually", Effect::Void, "the shipment is cancelled, the order is not"),
    row("cancelled", "return_expired", Effect::Void, "the shipment is cancelled, the order is not"),
    row("cancelled", "return_session_expired", Effect::Void, "the shipment is cancelled, the order is not"),
    row("cancelled", "service_unavailable", Effect::Void, "the shipment is cancelled, the order is not"),
    row("cancelled", "shipped_outside_me", Effect::Moving, "sent outside of the platform"),
    row("cancelled", "shipped_outside_me_trusted", Effect::Moving, "sent outside of the platform"),
    row("cancelled", "time_expired", Effect::Void, "the shipment is cancelled, the order is not"),
    row("cancelled", "unfulfillable", Effect::Void, "the shipment is cancelled, the order is not"),
    row("closed", "*", Effect::Delivered, "closed"),
    row("delivered", "*", Effect::Delivered, ""),
    row("delivered", "damaged", Effect::Delivered, "something is wrong although it arrived"),
    row("delivered", "double_refund", Effect::Delivered, "something is wrong although it arrived"),
    row("delivered", "fulfilled_feedback", Effect::Delivered, ""),
    row("delivered", "inferred", Effect::Delivered, ""),
    row("delivered", "no_action_taken", Effect::Delivered, ""),
    row("error", "*", Effect::Astray, "error"),
    row("handling", "*", Effect::Waiting, ""),
    row("handling", "agency_unavailable", Effect::Waiting, "the agency is not available"),
    row("handling", "invoice_pending", Effect::Waiting, "upload the invoice"),
    row("handling", "manufacturing", Effect::Waiting, ""),
    row("handling", "regenerating", Effect::Waiting, ""),
    row("handling", "return_confirmed", Effect::Astray, "a return is under way"),
    row("handling", "waiting_for_label_generation", Effect::Waiting, ""),
    row("handling", "waiting_for_return_confirmation", Effect::Astray, "a return is under way"),
    row("not_delivered", "*", Effect::Astray, "coming back"),
    row("not_delivered", "agency_unavailable", Effect::Astray, "not delivered"),
    row("not_delivered", "awaiting_tax_documentation", Effect::Astray, "not delivered"),
    row("not_delivered", "cancelled_measurement_exceeded", Effect::Astray, "not delivered"),
    row("not_delivered", "claimed_me", Effect::Astray, "not delivered"),
    row("not_delivered", "confiscated", Effect::Astray, "lost or damaged"),
    row("not_delivered", "damaged", Effect::Astray, "lost or damaged"),
    row("not_delivered", "delayed", Effect::Astray, "not delivered"),
    row("not_delivered", "delayed_to_hub", Effect::Astray, "coming back"),
    row("not_delivered", "destroyed", Effect::Astray, "lost or damaged"),
    row("not_delivered", "detained_at_customs", Effect::Astray, "not delivered"),
    row("not_delivered", "detained_at_origin", Effect::Astray, "not delivered"),
    row("not_delivered", "double_refund", Effect::Astray, "not delivered"),
    row("not_delivered", "import_tax_expired", Effect::Astray, "not delivered"),
    row("not_delivered", "import_tax_rejected", Effect::Astray, "not delivered"),
    row("not_delivered", "in_storage", Effect::Astray, "coming back"),
    row("not_delivered", "lost", Effect::Astray, "lost or damaged"),
    row("not_delivered", "negative_feedback", Effect::Astray, "not delivered"),
    row("not_delivered", "not_localized", Effect::Astray, "not delivered"),
    row("not_delivered", "not_recovered", Effect::Astray, "lost or damaged"),
    row("not_delivered", "pending_recovery", Effect::Astray, "coming back"),
    row("not_delivered", "picked_up_for_return", Effect::Astray, "coming back"),
    row("not_delivered", "receiver_absent", Effect::Astray, "not delivered"),
    row("not_delivered", "recovered", Effect::Returned, "the goods are back"),
    row("not_delivered", "refunded_by_delay", Effect::Astray, "not delivered"),
    row("not_delivered", "refused_delivery", Effect::Astray, "not delivered"),
    row("not_delivered", "rejected_damaged", Effect::Astray, "lost or damaged"),
    row("not_delivered", "retained", Effect::Astray, "not delivered"),
    row("not_delivered", "return_failed", Effect::Astray, "lost or damaged"),
    row("not_delivered", "returned", Effect::Returned, "the goods are back"),
    row("not_delivered", "returned_to_agency", Effect::Astray, "coming back"),
    row("not_delivered", "returned_to_hub", Effect::Astray, "coming back"),
    row("not_delivered", "returned_to_warehouse", Effect::Returned, "the goods are back"),
    row("not_delivered", "returning_to_hub", Effect::Astray, "coming back"),
    row("not_delivered", "returning_to_sender", Effect::Astray, "coming back"),
    row("not_delivered", "returning_to_warehouse", Effect::Astray, "coming back"),
    row("not_delivered", "rider_not_found", Effect::Astray, "not delivered"),
    row("not_delivered", "shipment_stopped", Effect::Astray, "coming back"),
    row("not_delivered", "soon_to_be_returned", Effect::Astray, "coming back"),
    row("not_delivered", "stolen", Effect::Astray, "lost or damaged"),
    row("not_delivered", "to_review", Effect::Astray, "not delivered"),
    row("not_delivered", "unclaimed", Effect::Astray, "lost or damaged"),
    row("not_delivered", "waiting_for_withdrawal", Effect::Astray, "not delivered"),
    row("not_specified", "*", Effect::Legacy, ""),
    row("not_verified", "*", Effect::Legacy, ""),
    row("pending", "*", Effect::Waiting, ""),
    row("pending", "buffered", Effect::Waiting, "the label comes on the buffering date"),
    row("pending", "cost_exceeded", Effect::Waiting, "the shipping costs more than was paid"),
    row("pending", "creating_route", Effect::Waiting, ""),
    row("pending", "creating_shipping_order", Effect::Waiting, ""),
    row("pending", "fraudulent", Effect::Fraud, ""),
    row("pending", "manufacturing", Effect::Waiting, ""),
    row("pending", "reviewed", Effect::Waiting, ""),
    row("pending", "shipment_paid", Effect::Waiting, ""),
    row("pending", "under_review", Effect::Fraud, ""),
    row("pending", "waiting_for_payment", Effect::Unpaid, ""),
    row("ready_to_ship", "*", Effect::LabelReady, ""),
    row("ready_to_ship", "authorized_by_carrier", Effect::Moving, ""),
    row("ready_to_ship", "claimed_me", Effect::Astray, "stuck before the first mile"),
    row("ready_to_ship", "delayed", Effect::Collection, "handed over late"),
    row("ready_to_ship", "dropped_off", Effect::Moving, ""),
    row("ready_to_ship", "in_hub", Effect::Moving, ""),
    row("ready_to_ship", "in_packing_list", Effect::Collection, ""),
    row("ready_to_ship", "in_pickup_list", Effect::Collection, ""),
    row("ready_to_ship", "in_plp", Effect::Collection, ""),
    row("ready_to_ship", "in_transit", Effect::Moving, ""),
    row("ready_to_ship", "in_warehouse", Effect::Waiting, ""),
    row("ready_to_ship", "invoice_pending", Effect::Waiting, "upload the invoice"),
    row("ready_to_ship", "looking_for_driver", Effect::Collection, ""),
    row("ready_to_ship", "measures_ready", Effect::Collection, ""),
    row("ready_to_ship", "on_hold", Effect::Hold, ""),
    row("ready_to_ship", "on_route_to_pickup", Effect::Collection, ""),
    row("ready_to_ship", "packed", Effect::Collection, ""),
    row("ready_to_ship", "picked_up", Effect::Moving, ""),
    row("ready_to_ship", "picking_up", Effect::Collection, ""),
    row("ready_to_ship", "printed", Effect::Collection, ""),
    row("ready_to_ship", "ready_for_dropoff", Effect::Collection, ""),
    row("ready_to_ship", "ready_for_pickup", Effect::Collection, ""),
    row("ready_to_ship", "ready_for_pkl_creation", Effect::Collection, ""),
    row("ready_to_ship", "ready_to_pack", Effect::Waiting, ""),
    row("ready_to_ship", "ready_to_print", Effect::LabelReady, ""),
    row("ready_to_ship", "rejected_in_hub", Effect::Astray, "stuck before the first mile"),
    row("ready_to_ship", "shipping_order_initialized", Effect::Collection, ""),
    row("ready_to_ship", "soon_to_pickup", Effect::Collection, ""),
    row("ready_to_ship", "stale", Effect::Astray, "stuck before the first mile"),
    row("ready_to_ship", "waiting_for_carrier_authorization", Effect::Collection, ""),
    row("ready_to_ship", "waiting_for_last_mile_authorization", Effect::Collection, ""),
    row("shipped", "*", Effect::Moving, ""),
    row("shipped", "at_customs", Effect::Moving, "delayed"),
    row("shipped", "at_the_door", Effect::Moving, ""),
    row("shipped", "awaiting_tax_documentation", Effect::Moving, "somebody must act"),
    row("shipped", "bad_address", Effect::Moving, "a delivery failed"),
    row("shipped", "buyer_edt_limit_stale", Effect::Moving, "delayed"),
    row("shipped", "buyer_rescheduled", Effect::Moving, ""),
    row("shipped", "changed_address", Effect::Moving, ""),
    row("shipped", "claimed_me", Effect::Moving, "somebody must act"),
    row("shipped", "contact_with_carrier_required", Effect::Moving, "somebody must act"),
    row("shipped", "dangerous_area", Effect::Moving, "a delivery failed"),
    row("shipped", "delayed", Effect::Moving, "delayed"),
    row("shipped", "delayed_at_customs", Effect::Moving, "delayed"),
    row("shipped", "delivery_blocked", Effect::Moving, "a delivery failed"),
    row("shipped", "delivery_failed", Effect::Moving, "a delivery failed"),
    row("shipped", "dropped_off", Effect::Moving, ""),
    row("shipped", "failover", Effect::Moving, ""),
    row("shipped", "first_visit", Effect::Moving, ""),
    row("shipped", "forwarded_to_third", Effect::Moving, ""),
    row("shipped", "import_taxes_paid", Effect::Moving, ""),
    row("shipped", "left_customs", Effect::Moving, ""),
    row("shipped", "missing_recipient_documentation", Effect::Moving, "somebody must act"),
    row("shipped", "missing_recipient_payment", Effect::Moving, "somebody must act"),
    row("shipped", "missing_sender_documentation", Effect::Moving, "somebody must act"),
    row("shipped", "missing_sender_payment", Effect::Moving, "somebody must act"),
    row("shipped", "need_review", Effect::Moving, "somebody must act"),
    row("shipped", "negative_feedback", Effect::Moving, "somebody must act"),
    row("shipped", "not_localized", Effect::Moving, "a delivery failed"),
    row("shipped", "operator_intervention", Effect::Moving, "somebody must act"),
    row("shipped", "out_for_delivery", Effect::Moving, ""),
    row("shipped", "picked_up", Effect::Moving, ""),
    row("shipped", "receiver_absent", Effect::Moving, "a delivery failed"),
    row("shipped", "reclaimed", Effect::Moving, "somebody must act"),
    row("shipped", "refused_delivery", Effect::Moving, "a delivery failed"),
    row("shipped", "retained", Effect::Moving, "somebody must act"),
    row("shipped", "soon_deliver", Effect::Moving, ""),
    row("shipped", "stale", Effect::Moving, "somebody must act"),
    row("shipped", "unauthorized_receiver", Effect::Moving, "a delivery failed"),
    row("shipped", "waiting_for_confirmation", Effect::Moving, ""),
    row("shipped", "waiting_for_withdrawal", Effect::Moving, "the buyer must collect it"),
    row("stale_ready_to_ship", "*", Effect::Astray, "stuck before the first mile"),
    row("stale_shipped", "*", Effect::Moving, "somebody must act"),
    row("to_be_agreed", "*", Effect::Waiting, "arrange with the buyer"),
];
