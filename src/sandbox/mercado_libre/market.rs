//! What the platform remembers, and how it answers: orders, packs, feedback and messages here, the
//! rest in the modules below.

mod claims;
mod parcels;
mod stock;

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use http::StatusCode;
use serde_json::{Value, json};

use super::{
    Answer, Asked, DELIVERED_AFTER, Kept, Ledger, PICKED_UP_AFTER, PLATFORM, Quirk, SHIPPED_AFTER,
    SandboxClaim, SandboxItem, bad, bodies, created, failure, good, not_found,
};
use crate::sandbox::ConfirmedParcel;

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
            ("POST", ["messages", "packs", pack, "sellers", _]) => {
                match asked.query_value("tag").as_deref() {
                    Some("post_sale") => self.message(desk, pack, asked),
                    _ => bad("bad_request", "The tag is missing"),
                }
            }
            ("GET", ["messages", "packs", pack]) if global => self.conversation(desk, pack),
            ("POST", ["messages", "packs", pack]) if global => self.message(desk, pack, asked),
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
            ("GET", ["post-purchase", "v1", "claims", "search"]) => {
                let by = |name: &str| asked.query_value(name).unwrap_or_default();
                match (by("players.role").as_str(), by("players.user_id")) {
                    ("respondent", user) if user == desk.seller.to_string() => {
                        self.claims(desk, asked)
                    }
                    _ => bad("bad_request", "players.role and players.user_id come together"),
                }
            }
            ("GET", ["v2", "claims", "search"]) if global => match asked.query_value("user_id") {
                Some(user) if user == desk.seller.to_string() => self.claims(desk, asked),
                _ => bad("bad_request", "user_id is missing"),
            },
            (method, ["v2", "claims", id, rest @ ..]) if global => {
                self.claim(desk, asked, method, id, rest)
            }
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
        let at = desk.now.to_rfc3339_opts(SecondsFormat::Millis, true);
        let message = json!({
            "id": format!("sandbox{}{}", pack, kept.messages.len()),
            "site_id": kept.pack.site,
            // Across borders nobody is named.
            "from": body.get("from").cloned().unwrap_or_else(|| json!({"user_id": desk.seller})),
            "to": body.get("to").cloned().unwrap_or_else(|| json!({"user_id": kept.pack.buyer})),
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
