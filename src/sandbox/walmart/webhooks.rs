//! Subscriptions to notifications, and the notifications that would be sent.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use http::StatusCode;
use serde_json::{Value, json};
use sha2::Sha256;

use super::{Kept, Market, WalmartStandIn, array, error, good, invalid};
use crate::sandbox::{Answer, lock};

/// What the marketplace tells of: the kind of event and its group.
const EVENTS: [(&str, &str); 3] =
    [(CREATED, "ORDER"), (AUTO_CANCELLED, "ORDER"), (INTENT_TO_CANCEL, "ORDER")];
pub(super) const CREATED: &str = "PO_CREATED";
pub(super) const AUTO_CANCELLED: &str = "PO_LINE_AUTOCANCELLED";
pub(super) const INTENT_TO_CANCEL: &str = "INTENT_TO_CANCEL";

/// A notification as it would come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentNotification {
    /// Where it is sent to.
    pub url: String,
    /// Name and value of the header that proves where it comes from.
    pub proof: (String, String),
    /// The body.
    pub body: Vec<u8>,
}

/// Subscriptions by id, and what was not drained yet.
#[derive(Debug, Default)]
pub(super) struct Hooks {
    subscriptions: BTreeMap<String, Value>,
    waiting: Vec<SentNotification>,
    issued: u64,
}

fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

/// The header that a subscription agreed on; none where it agreed on nothing that can be checked.
fn proof(subscription: &Value, body: &[u8]) -> Option<(String, String)> {
    let value = match text(subscription, "/authDetails/authMethod") {
        "BASIC_AUTH" => {
            let (user, password) = (
                text(subscription, "/authDetails/userName"),
                text(subscription, "/authDetails/password"),
            );
            format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
        }
        "HMAC" => {
            let secret = text(subscription, "/authDetails/clientSecret");
            let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
            STANDARD.encode(mac.chain_update(body).finalize().into_bytes())
        }
        _ => return None,
    };
    let name = text(subscription, "/authDetails/authHeaderName");
    (!name.is_empty()).then(|| (name.to_owned(), value))
}

fn check(subscription: &Value) -> Option<Answer> {
    let event = (text(subscription, "/eventType"), text(subscription, "/resourceName"));
    if !EVENTS.contains(&event) || text(subscription, "/eventVersion") != "V1" {
        return Some(invalid("eventType, eventVersion and resourceName are none of the list"));
    }
    if !text(subscription, "/eventUrl").starts_with("https://") {
        return Some(invalid("eventUrl is missing or not https"));
    }
    if proof(subscription, b"").is_none() {
        return Some(invalid("authDetails is missing or none that is known"));
    }
    None
}

fn no_subscription() -> Answer {
    let code = "CONTENT_NOT_FOUND.GMP_WEBHOOKS_API";
    error(StatusCode::NOT_FOUND, code, "subscriptionId", "There is no such subscription", "ERROR")
}

impl Hooks {
    pub(super) fn event_types() -> Answer {
        let events = EVENTS.map(
            |(kind, group)| json!({"resourceName": group, "eventType": kind, "eventVersion": "V1"}),
        );
        good(&json!({ "events": events }))
    }

    pub(super) fn list(&self) -> Answer {
        good(&json!({"events": self.subscriptions.values().collect::<Vec<_>>()}))
    }

    pub(super) fn subscribe(&mut self, body: &[u8]) -> Answer {
        let body: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
        let asked = array(body.get("events"));
        if asked.is_empty() {
            return invalid("events is missing");
        }
        if let Some(refused) = asked.iter().find_map(check) {
            return refused;
        }
        let mut made = Vec::new();
        for mut subscription in asked {
            self.issued += 1;
            let id = format!("620b45a0-b321-11ea-ac13-{:012}", self.issued);
            if let Some(fields) = subscription.as_object_mut() {
                fields.insert("subscriptionId".into(), json!(id));
                fields.insert("partnerId".into(), json!("10000000359"));
                fields.entry("status").or_insert(json!("ACTIVE"));
            }
            let mut shown = subscription.clone();
            if let Some(fields) = shown.as_object_mut() {
                // As in the official answer.
                fields.retain(|name, _| !matches!(&**name, "authDetails" | "eventUrl" | "headers"));
            }
            made.push(shown);
            self.subscriptions.insert(id, subscription);
        }
        good(&json!({ "events": made }))
    }

    pub(super) fn switch(&mut self, id: &str, body: &[u8]) -> Answer {
        let body: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
        let status = text(&body, "/status").to_owned();
        if !matches!(&*status, "ACTIVE" | "INACTIVE") {
            return invalid("status is missing or none of ACTIVE, INACTIVE");
        }
        let known = self.subscriptions.get_mut(id).and_then(Value::as_object_mut);
        let Some(known) = known else { return no_subscription() };
        known.insert("status".into(), json!(status));
        good(&json!({"subscriptionId": id, "status": status}))
    }

    pub(super) fn unsubscribe(&mut self, id: &str) -> Answer {
        match self.subscriptions.remove(id) {
            Some(_) => good(&json!({
                "subscriptionId": id, "message": "Successfully deleted subscription"
            })),
            None => no_subscription(),
        }
    }

    /// A test sends what a subscription would, and keeps nothing.
    pub(super) fn test(&mut self, body: &[u8], now: DateTime<Utc>) -> Answer {
        let asked: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
        if let Some(refused) = check(&asked) {
            return refused;
        }
        let kind = text(&asked, "/eventType").to_owned();
        self.send(&asked, &kind, &json!({"partnerId": "10000000359"}), now);
        good(&json!({"message": "Eventurl successfully validated"}))
    }

    fn send(&mut self, subscription: &Value, kind: &str, payload: &Value, now: DateTime<Utc>) {
        self.issued += 1;
        let body = json!({
            "source": {
                "eventType": kind, "eventTime": now.to_rfc3339(),
                "eventId": format!("sandbox-event-{}", self.issued)
            },
            "payload": payload
        });
        let body = body.to_string().into_bytes();
        if let Some(proof) = proof(subscription, &body) {
            let url = text(subscription, "/eventUrl").to_owned();
            self.waiting.push(SentNotification { url, proof, body });
        }
    }

    /// Tells everybody who wants to know of an order.
    pub(super) fn tell(&mut self, kind: &str, kept: &Kept, now: DateTime<Utc>) {
        let order = &kept.order;
        let lines: Vec<Value> = order
            .lines
            .iter()
            .map(|line| {
                json!({
                    "lineNumber": line.number, "sku": line.article.sku,
                    "productName": line.article.title
                })
            })
            .collect();
        let payload = json!({
            "partnerId": "10000000359", "purchaseOrderId": order.id,
            "customerOrderId": order.customer_order,
            "orderDate": order.placed_at.timestamp_millis(),
            "estimatedShipDate": order.ship_by.timestamp_millis(),
            "estimatedDeliveryDate": order.deliver_by.timestamp_millis(),
            "orderLines": lines
        });
        let wanted = |known: &&Value| {
            text(known, "/eventType") == kind && text(known, "/status") == "ACTIVE"
        };
        let told: Vec<Value> = self.subscriptions.values().filter(wanted).cloned().collect();
        for subscription in told {
            self.send(&subscription, kind, &payload, now);
        }
    }
}

impl Market {
    pub(super) fn tell(&mut self, kind: &str, order: &str, now: DateTime<Utc>) {
        if let Some(kept) = self.orders.get(order) {
            self.hooks.tell(kind, kept, now);
        }
    }
}

impl WalmartStandIn {
    /// Takes the notifications that would have been sent since the last time, with their proof: to
    /// those who subscribed before the order was placed, or its buyer or the platform wanted it cancelled.
    #[must_use]
    pub fn notifications(&self) -> Vec<SentNotification> {
        std::mem::take(&mut lock(&self.market).hooks.waiting)
    }
}
