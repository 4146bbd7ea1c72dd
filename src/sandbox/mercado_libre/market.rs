//! What the platform remembers, and how it answers.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

use super::{
    Answer, Asked, DELIVERED_AFTER, Kept, Ledger, PICKED_UP_AFTER, PLATFORM, Quirk, SHIPPED_AFTER,
    SandboxClaim, SandboxItem, Way, bad, bodies, created, document, empty, failure, good,
    not_found,
};
use crate::money::{Currency, Money};
use crate::sandbox::{ConfirmedParcel, SoldLabel};

/// Orders that a duplicated page repeats.
const REPEATED: usize = 5;

#[derive(Debug)]
pub(super) struct ProductStock {
    pub(super) version: u64,
    pub(super) depots: Vec<(String, String)>,
    pub(super) units: BTreeMap<String, u64>,
    pub(super) contested: u32,
}

#[derive(Debug, Default)]
pub(super) struct Market {
    pub(super) packs: BTreeMap<String, Kept>,
    pub(super) orders: BTreeMap<u64, String>,
    pub(super) shipments: BTreeMap<u64, String>,
    pub(super) items: BTreeMap<String, String>,
    pub(super) quantities: BTreeMap<String, u64>,
    pub(super) stock: BTreeMap<String, ProductStock>,
    pub(super) claims: BTreeMap<u64, SandboxClaim>,
    pub(super) notices: Vec<Value>,
    pub(super) missed: Vec<Value>,
    pub(super) tokens: BTreeMap<String, DateTime<Utc>>,
    pub(super) refresh: String,
    pub(super) issued: u64,
    pub(super) told: u64,
}

/// Who answers, and when.
pub(super) struct Desk<'a> {
    pub(super) seller: u64,
    pub(super) ledger: &'a Ledger,
    pub(super) now: DateTime<Utc>,
}

fn body_of(asked: &Asked<'_>) -> Option<Value> {
    serde_json::from_slice(asked.body).ok()
}

fn text<'a>(body: &'a Value, name: &str) -> Option<&'a str> {
    body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn whole(asked: &Asked<'_>, name: &str, default: usize) -> usize {
    asked.query_value(name).and_then(|text| text.parse().ok()).unwrap_or(default)
}

impl Market {
    pub(super) fn notify(&mut self, seller: u64, topic: &str, resource: &str, at: DateTime<Utc>) {
        self.told += 1;
        let stamp = at.to_rfc3339_opts(SecondsFormat::Millis, true);
        self.notices.push(json!({
            "_id": format!("sandbox-{}", self.told),
            "resource": resource,
            "user_id": seller,
            "topic": topic,
            "application_id": super::CLIENT_ID.parse::<u64>().unwrap_or_default(),
            "attempts": 1,
            "sent": stamp,
            "received": stamp
        }));
    }

    /// Moves parcels that were printed, as the clock goes on.
    pub(super) fn let_time_pass(&mut self, seller: u64, ledger: &Ledger, now: DateTime<Utc>) {
        let mut moved = Vec::new();
        for (id, kept) in &mut self.packs {
            let Some(printed_at) = kept.printed_at else { continue };
            loop {
                let (at, status, substatus) = match (kept.status, kept.substatus) {
                    ("ready_to_ship", Some("printed")) => {
                        (printed_at + PICKED_UP_AFTER, "ready_to_ship", Some("picked_up"))
                    }
                    ("ready_to_ship", Some("picked_up")) => {
                        (printed_at + SHIPPED_AFTER, "shipped", None)
                    }
                    ("shipped", _) => (printed_at + DELIVERED_AFTER, "delivered", None),
                    _ => break,
                };
                if now < at {
                    break;
                }
                kept.to(status, substatus, at);
                if substatus == Some("picked_up") {
                    confirm(ledger, id, kept, at);
                }
                moved.push((kept.pack.shipment, at));
            }
        }
        for (shipment, at) in moved {
            self.notify(seller, "shipments", &format!("/shipments/{shipment}"), at);
        }
    }

    pub(super) fn serve(&mut self, desk: &Desk<'_>, asked: &Asked<'_>, path: &[&str]) -> Answer {
        let (global, path) = match path {
            ["marketplace", rest @ ..] => (true, rest),
            local => (false, local),
        };
        match (asked.method.as_str(), path) {
            ("GET", ["orders", "search"]) => self.search(desk, asked, global),
            ("GET", ["orders", "pack", id]) if global => self.pack(id),
            ("GET", ["packs", id]) => self.pack(id),
            ("GET", ["orders", id]) => match self.order(id) {
                Some((kept, item)) => good(&bodies::order(kept, item, desk.seller)),
                None => not_found("Order"),
            },
            ("GET", ["orders", id, "feedback"]) => self.read_feedback(id),
            ("POST", ["orders", id, "feedback"]) => self.feedback(desk, id, asked),
            ("GET", ["shipments", id, rest @ ..]) => self.read_shipment(desk, asked, id, rest),
            ("POST", ["shipments", id, "seller_notifications"]) => self.report(desk, id, asked),
            ("POST", ["shipments", id, "tracking"]) if global => self.tracking(desk, id, asked),
            ("PUT", ["shipments", id]) => self.custom(desk, id, asked),
            ("POST", ["shipments", id, "process", "ready_to_ship"]) => self.ready(desk, id),
            ("POST", ["shipments", id, "split"]) => self.split(desk, id, asked),
            ("GET", ["shipment_labels"]) => self.labels(desk, asked),
            ("GET", ["missed_feeds"]) => self.missed(asked),
            ("GET", ["messages", "packs", pack, "sellers", _]) => self.conversation(desk, pack),
            ("POST", ["messages", "packs", pack, "sellers", _]) => self.message(desk, pack, asked),
            ("GET", ["messages", "action_guide", "packs", _, "caps_available"]) => {
                good(&json!([{"option_id": "OTHER", "cap_available": 1}]))
            }
            ("GET", ["users", user, "items", "search"]) if *user == desk.seller.to_string() => {
                let sku = asked.query_value("seller_sku").unwrap_or_default();
                let found: Vec<&String> = self.items.get(&sku).into_iter().collect();
                good(&json!({"seller_id": user, "results": found,
                    "paging": {"limit": 50, "offset": 0, "total": found.len()}}))
            }
            ("GET", ["users", user]) if *user == desk.seller.to_string() => good(&reputation()),
            ("PUT", ["items", id]) => self.item(desk, id, asked),
            ("GET", ["user-products", id, "stock"]) => self.read_stock(id),
            ("PUT", ["user-products", id, "stock", "type", kind]) => {
                self.write_stock(desk, id, kind, asked)
            }
            ("GET", ["post-purchase", "v1", "claims", "search"]) => self.claims(desk, asked),
            (method, ["post-purchase", "v1", "claims", id, rest @ ..]) => {
                self.claim(desk, asked, method, id, rest)
            }
            _ => failure(
                StatusCode::NOT_FOUND,
                "resource not found",
                &format!("this request was not expected: {} {}", asked.method, asked.path),
            ),
        }
    }

    fn order(&self, id: &str) -> Option<(&Kept, &SandboxItem)> {
        let id: u64 = id.parse().ok()?;
        let kept = self.packs.get(self.orders.get(&id)?)?;
        Some((kept, kept.pack.items.iter().find(|item| item.order == id)?))
    }

    fn pack(&self, id: &str) -> Answer {
        let found = self.packs.get(id).and_then(|kept| Some((kept, kept.pack.pack?)));
        match found {
            Some((kept, id)) => good(&bodies::pack(kept, id)),
            None => not_found("Pack"),
        }
    }

    fn by_shipment(&mut self, id: &str) -> Option<(String, &mut Kept)> {
        let pack = self.shipments.get(&id.parse().ok()?)?.clone();
        let kept = self.packs.get_mut(&pack)?;
        Some((pack, kept))
    }

    fn search(&self, desk: &Desk<'_>, asked: &Asked<'_>, global: bool) -> Answer {
        let (seller, created, updated) = match global {
            true => ("seller.id", "date_created", "last_updated"),
            false => ("seller", "order.date_created", "order.date_last_updated"),
        };
        if asked.query_value(seller) != Some(desk.seller.to_string()) {
            return failure(StatusCode::FORBIDDEN, "access_denied", "Caller is not allowed");
        }
        let edge = |name: &str, end: &str| {
            let text = asked.query_value(&format!("{name}.{end}"))?;
            DateTime::parse_from_rfc3339(&text).ok().map(|at| at.to_utc())
        };
        let within = |at: DateTime<Utc>, name: &str| {
            edge(name, "from").is_none_or(|from| from <= at)
                && edge(name, "to").is_none_or(|to| at <= to)
        };
        let status = asked.query_value("order.status");
        let (offset, limit) = (whole(asked, "offset", 0), whole(asked, "limit", 50).clamp(1, 50));
        let mut found: Vec<(&Kept, &SandboxItem)> = self
            .packs
            .values()
            .filter(|kept| kept.pack.placed_at <= desk.now)
            .filter(|kept| within(kept.pack.placed_at, created) && within(kept.touched, updated))
            .flat_map(|kept| kept.pack.items.iter().map(move |item| (kept, item)))
            // A seller's search never shows them.
            .filter(|(kept, item)| !kept.is_cancelled(item.order))
            .filter(|_| status.as_deref().is_none_or(|status| status == "paid"))
            .collect();
        found.sort_by_key(|(kept, item)| (kept.pack.placed_at, item.order));
        let total = found.len();
        let mut results: Vec<Value> = found
            .into_iter()
            .skip(offset)
            .take(limit)
            .map(|(kept, item)| match global {
                true => json!({
                    "id": kept.pack.pack.unwrap_or(item.order),
                    "buyer": {"id": kept.pack.buyer},
                    "orders": [{"id": item.order, "items": null, "payments": [], "mediations": [],
                        "seller": {"id": desk.seller}}],
                    "shipment": {"id": kept.pack.shipment, "payments": []}
                }),
                false => bodies::order(kept, item, desk.seller),
            })
            .collect();
        if asked.quirk == Some(Quirk::DuplicatedPage) {
            let repeated: Vec<Value> = results.iter().take(REPEATED).cloned().collect();
            results.extend(repeated);
        }
        if asked.quirk == Some(Quirk::ReorderedPage) {
            results.reverse();
        }
        good(&json!({
            "query": "", "display": "complete", "results": results,
            "paging": {"total": total, "offset": offset, "limit": limit},
            "sort": {"id": "date_asc", "name": "Date ascending"},
            "available_sorts": [{"id": "date_desc", "name": "Date descending"}],
            "filters": [], "available_filters": []
        }))
    }

    fn read_shipment(
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

    fn report(&mut self, desk: &Desk<'_>, id: &str, asked: &Asked<'_>) -> Answer {
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

    fn set_number(&mut self, desk: &Desk<'_>, id: &str, number: Option<String>) -> Answer {
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

    fn custom(&mut self, desk: &Desk<'_>, id: &str, asked: &Asked<'_>) -> Answer {
        let is_custom = self.by_shipment(id).is_some_and(|(_, kept)| kept.pack.way == Way::Custom);
        if !is_custom {
            return bad("invalid_shipping_mode", "Only custom shipments take a number here");
        }
        let number = body_of(asked).and_then(|b| text(&b, "tracking_number").map(str::to_owned));
        self.set_number(desk, id, number)
    }

    fn tracking(&mut self, desk: &Desk<'_>, id: &str, asked: &Asked<'_>) -> Answer {
        let own = self.by_shipment(id).is_some_and(|(_, kept)| kept.pack.way == Way::OwnCarrier);
        if !own {
            return failure(StatusCode::NOT_ACCEPTABLE, "not_acceptable", "mode me1 only");
        }
        let number = body_of(asked).and_then(|b| text(&b, "tracking_id").map(str::to_owned));
        self.set_number(desk, id, number)
    }

    fn ready(&mut self, desk: &Desk<'_>, id: &str) -> Answer {
        let Some((_, kept)) = self.by_shipment(id) else { return not_found("Shipment") };
        if !matches!(kept.status, "pending" | "handling") {
            return bad("invalid_status", "The shipment does not wait for the goods");
        }
        kept.to("ready_to_ship", Some("ready_to_print"), desk.now);
        good(&json!({"status": 200}))
    }

    fn split(&mut self, desk: &Desk<'_>, id: &str, asked: &Asked<'_>) -> Answer {
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

    fn labels(&mut self, desk: &Desk<'_>, asked: &Asked<'_>) -> Answer {
        let ids = asked.query_value("shipment_ids").unwrap_or_default();
        let ids: Vec<&str> = ids.split(',').filter(|id| !id.is_empty()).collect();
        if ids.is_empty() || ids.len() > 50 {
            return bad("bad_request", "between 1 and 50 shipment_ids are taken");
        }
        let kind = asked.query_value("response_type").unwrap_or_default();
        self.print(desk, &ids, &kind)
    }

    fn print(&mut self, desk: &Desk<'_>, ids: &[&str], kind: &str) -> Answer {
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
            "zpl2" => document("text/plain", paper::zpl(&lines)),
            _ => bad("bad_request", "response_type is pdf or zpl2"),
        }
    }

    fn read_feedback(&self, id: &str) -> Answer {
        let Some((kept, item)) = self.order(id) else { return not_found("Order") };
        let sale = kept.feedback.get(&item.order).cloned().unwrap_or(Value::Null);
        good(&json!({"sale": sale, "purchase": null}))
    }

    fn feedback(&mut self, desk: &Desk<'_>, id: &str, asked: &Asked<'_>) -> Answer {
        let Some(body) = body_of(asked) else { return bad("bad_request", "not readable") };
        let Some(order) = self.order(id).map(|(_, item)| item.order) else {
            return not_found("Order");
        };
        let Some(pack) = self.orders.get(&order).cloned() else { return not_found("Order") };
        let Some(kept) = self.packs.get_mut(&pack) else { return not_found("Order") };
        if kept.feedback.contains_key(&order) {
            return bad("feedback_already_exists", "The feedback was given before");
        }
        let Some(fulfilled) = body.get("fulfilled").and_then(Value::as_bool) else {
            return bad("bad_request", "fulfilled is missing");
        };
        if text(&body, "message").is_none_or(|message| message.chars().count() >= 160) {
            return bad("bad_request", "message is missing or too long");
        }
        if !fulfilled {
            let Some(reason) = text(&body, "reason") else {
                return bad("bad_request", "reason is missing");
            };
            if kept.has_left() {
                return bad("not_fulfilled_feedback_not_allowed", "The shipment has left");
            }
            kept.cancelled.insert(order, ("seller", reason.to_owned()));
            if kept.cancelled.len() == kept.pack.items.len() {
                kept.to("cancelled", None, desk.now);
                desk.ledger.order_cancelled(PLATFORM, &pack);
            }
        }
        let given = json!({
            "role": "seller", "fulfilled": fulfilled, "message": body.get("message"),
            "reason": body.get("reason"), "restock_item": body.get("restock_item"),
            "order_id": order, "status": "active", "date_created": bodies::stamp(desk.now)
        });
        kept.feedback.insert(order, given.clone());
        kept.touched = desk.now;
        self.notify(desk.seller, "orders_v2", &format!("/orders/{order}"), desk.now);
        created(&given)
    }

    // ---- messages and notifications ---------------------------------------------------------------

    fn conversation(&self, desk: &Desk<'_>, pack: &str) -> Answer {
        let Some(kept) = self.packs.get(pack) else { return not_found("Pack") };
        let mut messages = kept.messages.clone();
        messages.reverse();
        good(&json!({
            "paging": {"limit": 50, "offset": 0, "total": messages.len()},
            "conversation_status": {
                "path": format!("/packs/{pack}/seller/{}", desk.seller),
                "status": if kept.blocked.is_some() { "blocked" } else { "active" },
                "substatus": kept.blocked,
                "status_update_allowed": false, "claim_id": null, "shipping_id": null
            },
            "messages": messages,
            "seller_max_message_length": 350, "buyer_max_message_length": 3500
        }))
    }

    fn message(&mut self, desk: &Desk<'_>, pack: &str, asked: &Asked<'_>) -> Answer {
        let Some(body) = body_of(asked) else { return bad("bad_request", "not readable") };
        let Some(kept) = self.packs.get_mut(pack) else { return not_found("Pack") };
        if kept.blocked.is_some() {
            let body = json!({"status_code": 403, "code": "forbidden",
                "message": "blocked_conversation_send_message_forbidden"});
            return Answer::json(StatusCode::FORBIDDEN, body.to_string());
        }
        let text = text(&body, "text").unwrap_or_default();
        if text.is_empty() || text.chars().count() > 350 {
            return bad("bad_request", "The text is missing or too long");
        }
        if asked.query_value("tag").as_deref() != Some("post_sale") {
            return bad("bad_request", "The tag is missing");
        }
        let at = desk.now.to_rfc3339_opts(SecondsFormat::Millis, true);
        let message = json!({
            "id": format!("sandbox{}{}", pack, kept.messages.len()),
            "site_id": kept.pack.site,
            "from": body.get("from"), "to": body.get("to"),
            "status": "available", "subject": null, "text": text,
            "message_date": {"received": at, "available": at, "notified": at, "created": at, "read": null},
            "message_moderation": {"status": "clean", "reason": null, "source": "online", "moderation_date": at},
            "message_attachments": null
        });
        kept.messages.push(message.clone());
        created(&message)
    }

    fn missed(&self, asked: &Asked<'_>) -> Answer {
        if asked.query_value("app_id").as_deref() != Some(super::CLIENT_ID) {
            return failure(StatusCode::FORBIDDEN, "access_denied", "Another application");
        }
        let (offset, limit) = (whole(asked, "offset", 0), whole(asked, "limit", 10));
        let messages: Vec<&Value> = self.missed.iter().skip(offset).take(limit).collect();
        good(&json!({"messages": messages}))
    }

    // ---- stock ----------------------------------------------------------------------------------

    fn item(&mut self, desk: &Desk<'_>, id: &str, asked: &Asked<'_>) -> Answer {
        let Some(sku) = self.items.iter().find(|(_, item)| *item == id).map(|(sku, _)| sku) else {
            return not_found("Item");
        };
        let body = body_of(asked).unwrap_or_default();
        let units = body
            .get("available_quantity")
            .or_else(|| body.pointer("/variations/0/available_quantity"))
            .and_then(Value::as_u64);
        let Some(units) = units else { return bad("bad_request", "available_quantity is missing") };
        desk.ledger.stock_pushed(PLATFORM, sku, u32::try_from(units).unwrap_or(u32::MAX));
        self.quantities.insert(id.to_owned(), units);
        good(&json!({"id": id, "available_quantity": units}))
    }

    fn read_stock(&self, id: &str) -> Answer {
        let Some(stock) = self.stock.get(id) else {
            return failure(StatusCode::NOT_FOUND, "not_found", "stock-locations not found");
        };
        let of = |store: &str| stock.units.get(store).copied().unwrap_or(0);
        let mut locations: Vec<Value> = stock
            .depots
            .iter()
            .map(|(store, node)| {
                json!({"type": "seller_warehouse", "store_id": store, "network_node_id": node,
                    "quantity": of(store)})
            })
            .collect();
        if locations.is_empty() {
            locations.push(json!({"type": "selling_address", "quantity": of("")}));
        }
        let mut answer = good(&json!({"locations": locations, "id": id}));
        answer.headers.insert("x-version", HeaderValue::from(stock.version));
        answer
    }

    fn write_stock(&mut self, desk: &Desk<'_>, id: &str, kind: &str, asked: &Asked<'_>) -> Answer {
        let Some(stock) = self.stock.get_mut(id) else {
            return failure(StatusCode::NOT_FOUND, "not_found", "stock-locations not found");
        };
        let Some(version) = asked.header("x-version") else {
            return bad("bad_request", "Missing X-Version header");
        };
        if stock.contested > 0 {
            stock.contested -= 1;
            stock.version += 1;
        }
        if version != stock.version.to_string() {
            return failure(StatusCode::CONFLICT, "conflict", "Version mismatch");
        }
        let body = body_of(asked).unwrap_or_default();
        match (kind, stock.depots.is_empty()) {
            ("selling_address", true) => {
                let Some(units) = body.get("quantity").and_then(Value::as_u64) else {
                    return bad("bad_request", "quantity is missing");
                };
                stock.units.insert(String::new(), units);
            }
            ("seller_warehouse", false) => {
                let locations = body.get("locations").and_then(Value::as_array);
                for location in locations.into_iter().flatten() {
                    let store = text(location, "store_id").unwrap_or_default().to_owned();
                    let units = location.get("quantity").and_then(Value::as_u64).unwrap_or(0);
                    stock.units.insert(store, units);
                }
            }
            _ => return bad("bad_request", "The user product has no stock of this type"),
        }
        stock.version += 1;
        let all: u64 = stock.units.values().sum();
        desk.ledger.stock_pushed(PLATFORM, id, u32::try_from(all).unwrap_or(u32::MAX));
        empty(StatusCode::NO_CONTENT)
    }

    // ---- claims ---------------------------------------------------------------------------------

    fn claims(&self, desk: &Desk<'_>, asked: &Asked<'_>) -> Answer {
        if asked.query_value("players.user_id") != Some(desk.seller.to_string())
            || asked.query_value("players.role").as_deref() != Some("respondent")
        {
            return bad("bad_request", "players.role and players.user_id come together");
        }
        let range = asked.query_value("range").unwrap_or_default();
        let edge = |word: &str| {
            let (_, rest) = range.split_once(&format!(":{word}:"))?;
            // The stamps hold colons themselves: the next word ends them.
            let end = rest.find(":before:").unwrap_or(rest.len());
            DateTime::parse_from_rfc3339(rest.get(..end)?).ok().map(|at| at.to_utc())
        };
        let (after, before) = (edge("after"), edge("before"));
        let mut found: Vec<&SandboxClaim> = self
            .claims
            .values()
            .filter(|claim| after.is_none_or(|at| claim.changed_at > at))
            .filter(|claim| before.is_none_or(|at| claim.changed_at < at))
            .collect();
        found.sort_by_key(|claim| (claim.changed_at, claim.id));
        let (offset, limit) = (whole(asked, "offset", 0), whole(asked, "limit", 30));
        let total = found.len();
        let data: Vec<Value> = found
            .into_iter()
            .skip(offset)
            .take(limit)
            .map(|claim| bodies::claim(claim, desk.seller))
            .collect();
        good(&json!({"paging": {"offset": offset, "limit": limit, "total": total}, "data": data}))
    }

    fn claim(
        &mut self,
        desk: &Desk<'_>,
        asked: &Asked<'_>,
        method: &str,
        id: &str,
        rest: &[&str],
    ) -> Answer {
        let claim = id.parse().ok().and_then(|id: u64| self.claims.get_mut(&id));
        let Some(claim) = claim else { return not_found("Claim") };
        let seller = desk.seller;
        let offered = match (method, rest) {
            ("GET", []) => return good(&bodies::claim(claim, seller)),
            ("GET", ["expected-resolutions"]) => {
                let rows = claim.offered.iter().map(|word| {
                    json!({"player_role": "respondent", "user_id": seller, "status": "pending",
                        "expected_resolution": word})
                });
                return good(&rows.collect());
            }
            ("GET", ["partial-refund", "available-offers"]) => {
                let offers: Vec<Value> = [10_u64, 20, 50]
                    .iter()
                    .map(|percent| {
                        let cents = claim.cents * percent / 100;
                        let amount = format!("{}.{:02}", cents / 100, cents % 100);
                        let amount: Value = serde_json::from_str(&amount).unwrap_or_default();
                        json!({"percentage": percent, "amount": amount})
                    })
                    .collect();
                let currency = match claim.site {
                    "MLB" => "BRL",
                    "MLM" => "MXN",
                    _ => "ARS",
                };
                return good(&json!({"currency_id": currency, "available_offers": offers}));
            }
            ("POST", ["expected-resolutions", "refund"]) => "refund",
            ("POST", ["expected-resolutions", "allow-return"]) => "allow_return",
            ("POST", ["expected-resolutions", "partial-refund"]) => {
                let percent =
                    body_of(asked).and_then(|body| body.get("percentage").and_then(Value::as_u64));
                if !percent.is_some_and(|percent| [10, 20, 50].contains(&percent)) {
                    return bad("bad_request", "the percentage is none of the offers");
                }
                "partial_refund"
            }
            ("POST", ["actions", "open-dispute"]) => {
                claim.stage = "dispute";
                claim.changed_at = desk.now;
                claim.offered.push("open_dispute");
                return good(&bodies::claim(claim, seller));
            }
            ("POST", ["actions", "send-message"]) => {
                claim.offered.push("message");
                return created(&json!({"execution_response_code": 201}));
            }
            _ => return not_found("Resource"),
        };
        if claim.resolution.is_some() {
            return bad("bad_request", "The claim is closed");
        }
        claim.offered.push(offered);
        claim.changed_at = desk.now;
        if offered == "refund" {
            claim.resolution = Some("payment_refunded");
        }
        created(&json!([{"player_role": "respondent", "user_id": seller,
            "expected_resolution": offered, "status": "pending"}]))
    }
}

fn confirm(ledger: &Ledger, pack: &str, kept: &Kept, at: DateTime<Utc>) {
    for (line, units) in kept.pack.lines() {
        ledger.parcel_confirmed(ConfirmedParcel {
            platform: PLATFORM.to_owned(),
            order: pack.to_owned(),
            line,
            units,
            number: kept.tracking.clone().unwrap_or_default(),
            confirmed_at: at,
        });
    }
}

/// As the documentation shows it, wrapped in the user.
fn reputation() -> Value {
    let metric = |rate: &str, value: u64| {
        let rate: Value = serde_json::from_str(rate).unwrap_or_default();
        json!({"period": "60 days", "rate": rate, "value": value,
            "excluded": {"real_rate": rate, "real_value": value}})
    };
    json!({"seller_reputation": {
        "level_id": "5_green", "power_seller_status": "platinum",
        "transactions": {"canceled": 12, "completed": 488, "period": "historic", "total": 500},
        "metrics": {
            "sales": {"period": "60 days", "completed": 244},
            "claims": metric("0.0123", 3),
            "delayed_handling_time": metric("0.041", 10),
            "cancellations": metric("0.0082", 2)
        }
    }})
}

/// Papers as bytes: small, valid, and readable for a person who opens one.
mod paper {
    /// One page with the lines on it.
    pub(super) fn pdf(lines: &[&str]) -> Vec<u8> {
        let mut stream = String::from("BT /F1 12 Tf 14 TL 20 400 Td\n");
        for line in lines {
            let plain: String =
                line.chars().filter(|c| c.is_ascii_alphanumeric() || *c == ' ').collect();
            stream.push_str(&format!("({plain}) Tj T*\n"));
        }
        stream.push_str("ET");
        let objects = [
            "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
            "<</Type/Pages/Kids[3 0 R]/Count 1>>".to_owned(),
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 288 432]/Contents 4 0 R\
             /Resources<</Font<</F1 5 0 R>>>>>>"
                .to_owned(),
            format!("<</Length {}>>\nstream\n{stream}\nendstream", stream.len()),
            "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>".to_owned(),
        ];
        let mut document = String::from("%PDF-1.4\n");
        let mut offsets = Vec::with_capacity(objects.len());
        for (index, object) in objects.iter().enumerate() {
            offsets.push(document.len());
            document.push_str(&format!("{} 0 obj\n{object}\nendobj\n", index + 1));
        }
        let table = document.len();
        document.push_str(&format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1));
        for offset in offsets {
            document.push_str(&format!("{offset:010} 00000 n \n"));
        }
        document.push_str(&format!(
            "trailer\n<</Size {}/Root 1 0 R>>\nstartxref\n{table}\n%%EOF\n",
            objects.len() + 1
        ));
        document.into_bytes()
    }

    /// One block for each line.
    pub(super) fn zpl(lines: &[&str]) -> Vec<u8> {
        lines
            .iter()
            .map(|line| format!("^XA^CF0,30^FO40,40^FD{line}^FS^XZ\n"))
            .collect::<String>()
            .into_bytes()
    }
}
