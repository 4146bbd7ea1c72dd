//! Shipments: reading them, what the seller tells of them, labels.

use std::collections::BTreeMap;

use chrono::DateTime;
use http::StatusCode;
use serde_json::{Value, json};

use super::super::{Answer, Asked, Way, bad, bodies, document, empty, failure, good, not_found};
use super::{Desk, Market, body_of, confirm, text};
use crate::money::{Currency, Money};
use crate::sandbox::{SoldLabel, paper};

impl Market {
    pub(super) fn read_shipment(
        &mut self,
        desk: &Desk<'_>,
        asked: &Asked<'_>,
        id: &str,
        rest: &[&str],
    ) -> Answer {
        let now = desk.now;
        let Some((_, kept)) = self.by_shipment(id) else { return not_found("Shipment") };
        if asked.header("x-format-new") != Some("true") {
            return bad("bad_request", "the old format is not acted out: x-format-new is missing");
        }
        match rest {
            [] => good(&bodies::shipment(kept)),
            ["sla"] if kept.pack.way == Way::Full || kept.status == "cancelled" => not_found("Sla"),
            ["sla"] => good(&bodies::sla(kept, now)),
            ["history"] => good(&bodies::history(kept)),
            ["items"] => {
                let rows = kept.pack.items.iter().map(|item| {
                    json!({"item_id": item.item, "description": item.article.title,
                        "quantity": item.units, "variation_id": null, "order_id": item.order,
                        "dimensions": {"height": 10, "length": 28, "weight": 765, "width": 26}})
                });
                good(&rows.collect())
            }
            ["costs"] => good(&json!({"gross_amount": 0, "receiver": {"cost": 0}, "senders": []})),
            ["labels"] => self.print(desk, &[id], "pdf"),
            _ => not_found("Resource"),
        }
    }

    // ---- what the seller tells ------------------------------------------------------------------

    pub(super) fn report(&mut self, desk: &Desk<'_>, id: &str, asked: &Asked<'_>) -> Answer {
        let Some(body) = body_of(asked) else { return bad("bad_request", "not readable") };
        let Some((pack, kept)) = self.by_shipment(id) else { return not_found("Shipment") };
        if kept.pack.way != Way::OwnCarrier {
            return bad("invalid_shipping_mode", "Only shipments of mode me1 are notified");
        }
        if kept.cancelled.len() == kept.pack.items.len() {
            return bad("invalid_status", "The shipment is cancelled");
        }
        let number = text(&body, "tracking_number");
        if number.is_some() && body.pointer("/payload/service_id").and_then(Value::as_u64).is_none()
        {
            return bad("bad_request", "service_id is mandatory with a tracking_number");
        }
        let at = body
            .pointer("/payload/date")
            .and_then(Value::as_str)
            .and_then(|date| DateTime::parse_from_rfc3339(date).ok());
        let Some(at) = at.map(|at| at.to_utc()).filter(|at| *at <= desk.now) else {
            return bad("bad_request", "payload.date is missing or in the future");
        };
        let (status, substatus) = match (text(&body, "status"), text(&body, "substatus")) {
            (Some("shipped"), Some("null")) => ("shipped", None),
            (Some("shipped"), Some("out_for_delivery")) => ("shipped", Some("out_for_delivery")),
            (Some("shipped"), Some("receiver_absent")) => ("shipped", Some("receiver_absent")),
            (Some("shipped"), Some("bad_address")) => ("shipped", Some("bad_address")),
            (Some("not_delivered"), Some("returning_to_sender")) => {
                ("not_delivered", Some("returning_to_sender"))
            }
            (Some("delivered"), Some("null")) => ("delivered", None),
            _ => return bad("bad_request", "status or substatus is unknown"),
        };
        if matches!(kept.status, "delivered" | "not_delivered") {
            return bad("invalid_status", "The status is final");
        }
        let news = kept.tracking.is_none();
        if let Some(number) = number {
            kept.tracking = Some(number.to_owned());
        }
        kept.to(status, substatus, at);
        kept.moved = desk.now;
        if news && kept.tracking.is_some() {
            confirm(desk.ledger, &pack, kept, desk.now);
        }
        let shipment = kept.pack.shipment;
        self.notify(desk.seller, "shipments", &format!("/shipments/{shipment}"), desk.now);
        good(&json!({"status": 200}))
    }

    pub(super) fn set_number(
        &mut self,
        desk: &Desk<'_>,
        id: &str,
        number: Option<String>,
    ) -> Answer {
        let Some((pack, kept)) = self.by_shipment(id) else { return not_found("Shipment") };
        let Some(number) = number else { return bad("bad_request", "the number is missing") };
        let news = kept.tracking.is_none();
        kept.tracking = Some(number);
        kept.to("shipped", None, desk.now);
        if news {
            confirm(desk.ledger, &pack, kept, desk.now);
        }
        let body = bodies::shipment(kept);
        let shipment = kept.pack.shipment;
        self.notify(desk.seller, "shipments", &format!("/shipments/{shipment}"), desk.now);
        good(&body)
    }

    pub(super) fn custom(&mut self, desk: &Desk<'_>, id: &str, asked: &Asked<'_>) -> Answer {
        let is_custom = self.by_shipment(id).is_some_and(|(_, kept)| kept.pack.way == Way::Custom);
        if !is_custom {
            return bad("invalid_shipping_mode", "Only custom shipments take a number here");
        }
        let number = body_of(asked).and_then(|b| text(&b, "tracking_number").map(str::to_owned));
        self.set_number(desk, id, number)
    }

    pub(super) fn tracking(&mut self, desk: &Desk<'_>, id: &str, asked: &Asked<'_>) -> Answer {
        let own = self.by_shipment(id).is_some_and(|(_, kept)| kept.pack.way == Way::OwnCarrier);
        if !own {
            return failure(StatusCode::NOT_ACCEPTABLE, "not_acceptable", "mode me1 only");
        }
        let number = body_of(asked).and_then(|b| text(&b, "tracking_id").map(str::to_owned));
        self.set_number(desk, id, number)
    }

    pub(super) fn ready(&mut self, desk: &Desk<'_>, id: &str) -> Answer {
        let Some((_, kept)) = self.by_shipment(id) else { return not_found("Shipment") };
        if !matches!(kept.status, "pending" | "handling") {
            return bad("invalid_status", "The shipment does not wait for the goods");
        }
        kept.to("ready_to_ship", Some("ready_to_print"), desk.now);
        good(&json!({"status": 200}))
    }

    pub(super) fn split(&mut self, desk: &Desk<'_>, id: &str, asked: &Asked<'_>) -> Answer {
        let Some(body) = body_of(asked) else { return bad("SPLIT_ERROR_400", "not readable") };
        let Some((_, kept)) = self.by_shipment(id) else { return not_found("Shipment") };
        if kept.substatus == Some("pack_splitted") || kept.has_left() {
            return bad("SPLIT_ERROR_400", "The shipment can not be split");
        }
        let mut asked_for: BTreeMap<u64, u64> = BTreeMap::new();
        let packs = body.get("packs").and_then(Value::as_array).cloned().unwrap_or_default();
        for order in packs.iter().filter_map(|pack| pack.get("orders")?.as_array()).flatten() {
            let id = order.get("id").and_then(Value::as_u64).unwrap_or_default();
            *asked_for.entry(id).or_default() +=
                order.get("quantity").and_then(Value::as_u64).unwrap_or_default();
        }
        let wanted: BTreeMap<u64, u64> =
            kept.pack.items.iter().map(|item| (item.order, u64::from(item.units))).collect();
        if packs.len() != 2 || asked_for != wanted {
            let message = "Order quantity mismatch. The total items quantity in the new packs should match the original shipment total quantity.";
            let body = json!({"message": message, "error": "SPLIT_ERROR_400", "status": 400, "cause": null});
            return Answer::json(StatusCode::BAD_REQUEST, body.to_string());
        }
        let orders: Vec<u64> = wanted.into_keys().collect();
        for order in &orders {
            kept.cancelled.insert(*order, ("internal", "pack_splitted".to_owned()));
        }
        kept.touched = desk.now;
        kept.to("cancelled", Some("pack_splitted"), desk.now);
        for order in orders {
            self.notify(desk.seller, "orders_v2", &format!("/orders/{order}"), desk.now);
        }
        empty(StatusCode::OK)
    }

    pub(super) fn labels(&mut self, desk: &Desk<'_>, asked: &Asked<'_>) -> Answer {
        let ids = asked.query_value("shipment_ids").unwrap_or_default();
        let ids: Vec<&str> = ids.split(',').filter(|id| !id.is_empty()).collect();
        if ids.is_empty() || ids.len() > 50 {
            return bad("bad_request", "between 1 and 50 shipment_ids are taken");
        }
        let kind = asked.query_value("response_type").unwrap_or_default();
        self.print(desk, &ids, &kind)
    }

    pub(super) fn print(&mut self, desk: &Desk<'_>, ids: &[&str], kind: &str) -> Answer {
        let mut lines = Vec::new();
        // One bad id spoils the whole call, and nothing is printed.
        for id in ids {
            let Some((pack, kept)) = self.by_shipment(id) else { return not_found("Shipment") };
            if kept.pack.way == Way::Full {
                return bad("SHPLAB0218", "INVALID_SHIPMENT_FF_PUBLIC");
            }
            let labelled = matches!(kept.pack.way, Way::DropOff | Way::Flex);
            let printable = matches!(kept.substatus, Some("ready_to_print" | "printed"));
            if !labelled || kept.status != "ready_to_ship" || !printable {
                return bad("invalid_shipment", "The shipment has no label in this status");
            }
            lines.push(format!("{pack} {}", kept.tracking.clone().unwrap_or_default()));
        }
        for id in ids {
            let Some((_, kept)) = self.by_shipment(id) else { continue };
            if kept.printed_at.is_none() {
                kept.printed_at = Some(desk.now);
                kept.to("ready_to_ship", Some("printed"), desk.now);
                let currency = Currency::new(kept.pack.currency).unwrap_or(Currency::USD);
                desk.ledger.label_sold(SoldLabel {
                    carrier: "mercado-envios".to_owned(),
                    number: kept.tracking.clone().unwrap_or_default(),
                    key: None,
                    reference: id.to_string(),
                    cost: Money::zero(currency),
                    sold_at: desk.now,
                    voided_at: None,
                });
            }
        }
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        match kind {
            "pdf" => document("application/pdf", paper::pdf(&lines)),
            // A block for each label.
            "zpl2" => {
                let blocks = lines.iter().flat_map(|line| paper::zpl(&[line]));
                document("text/plain", blocks.collect())
            }
            _ => bad("bad_request", "response_type is pdf or zpl2"),
        }
    }
}
