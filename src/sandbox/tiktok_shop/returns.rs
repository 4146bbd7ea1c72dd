//! Returns, refunds and replacements that buyers ask for.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::desk::{currency_in, text, texts};
use super::{Market, good, refused};
use crate::sandbox::{Answer, Asked};

/// What a buyer asks for after delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReturnKind {
    /// Money, and the goods stay.
    Refund,
    /// Money for the goods.
    ReturnAndRefund,
    /// Other goods.
    Replacement,
}

impl ReturnKind {
    const fn word(self) -> &'static str {
        match self {
            Self::Refund => "REFUND",
            Self::ReturnAndRefund => "RETURN_AND_REFUND",
            Self::Replacement => "REPLACEMENT",
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Return {
    pub(super) id: String,
    order: String,
    kind: ReturnKind,
    pub(super) status: &'static str,
    created: DateTime<Utc>,
    updated: DateTime<Utc>,
    /// What the seller has answered, each under its key.
    pub(super) answers: Vec<(String, String)>,
    partial: Option<Value>,
}

const PENDING: &str = "RETURN_OR_REFUND_REQUEST_PENDING";
const REPLACEMENT_PENDING: &str = "REPLACEMENT_REQUEST_PENDING";
const SHIPPED_BACK: &str = "BUYER_SHIPPED_ITEM";

impl Return {
    /// What the seller is to do next.
    fn action(&self) -> Option<&'static str> {
        match (self.status, self.kind) {
            (PENDING, ReturnKind::Refund) => Some("SELLER_RESPOND_REFUND"),
            (PENDING, _) => Some("SELLER_RESPOND_RETURN"),
            (REPLACEMENT_PENDING, _) => Some("SELLER_RESPOND_REPLACEMENT"),
            (SHIPPED_BACK, _) => Some("SELLER_RESPOND_RECEIVE_PACKAGE"),
            _ => None,
        }
    }

    /// Where an answer leads; `None` when it does not fit.
    fn after(&self, call: &str, decision: &str) -> Option<&'static str> {
        Some(match (self.action()?, call, decision) {
            ("SELLER_RESPOND_REFUND", "approve", "APPROVE_REFUND")
            | ("SELLER_RESPOND_RECEIVE_PACKAGE", "approve", "APPROVE_RECEIVED_PACKAGE") => {
                "RETURN_OR_REFUND_REQUEST_SUCCESS"
            }
            ("SELLER_RESPOND_RETURN", "approve", "APPROVE_RETURN") => "AWAITING_BUYER_SHIP",
            ("SELLER_RESPOND_REPLACEMENT", "approve", "APPROVE_REPLACEMENT") => {
                "REPLACEMENT_REQUEST_COMPLETE"
            }
            // The buyer has to agree.
            (
                "SELLER_RESPOND_REFUND" | "SELLER_RESPOND_RETURN",
                "approve",
                "OFFER_PARTIAL_REFUND",
            ) => self.status,
            ("SELLER_RESPOND_REFUND", "reject", "REJECT_REFUND")
            | ("SELLER_RESPOND_RETURN", "reject", "REJECT_RETURN") => {
                "REFUND_OR_RETURN_REQUEST_REJECT"
            }
            ("SELLER_RESPOND_RECEIVE_PACKAGE", "reject", "REJECT_RECEIVED_PACKAGE") => {
                "REJECT_RECEIVE_PACKAGE"
            }
            ("SELLER_RESPOND_REPLACEMENT", "reject", "REJECT_REPLACEMENT") => {
                "REPLACEMENT_REQUEST_REJECT"
            }
            _ => return None,
        })
    }
}

impl Market {
    /// Opens a return for every unit of an order that has arrived.
    pub(super) fn open_return(
        &mut self,
        order: &str,
        kind: ReturnKind,
        now: DateTime<Utc>,
    ) -> Option<String> {
        let kept = self.orders.get(order)?;
        if !kept.units.iter().all(|unit| unit.status == "DELIVERED") {
            return None;
        }
        let id = format!("4037{:05}{order}", self.returns.len());
        let status = match kind {
            ReturnKind::Replacement => REPLACEMENT_PENDING,
            ReturnKind::Refund | ReturnKind::ReturnAndRefund => PENDING,
        };
        self.returns.push(Return {
            id: id.clone(),
            order: order.to_owned(),
            kind,
            status,
            created: now,
            updated: now,
            answers: Vec::new(),
            partial: None,
        });
        Some(id)
    }

    /// The buyer sends the goods of an approved return back.
    pub(super) fn send_back(&mut self, id: &str, now: DateTime<Utc>) -> bool {
        let waits = |known: &&mut Return| known.id == id && known.status == "AWAITING_BUYER_SHIP";
        let Some(known) = self.returns.iter_mut().find(waits) else { return false };
        known.status = SHIPPED_BACK;
        known.updated = now;
        true
    }

    fn return_json(&self, known: &Return) -> Value {
        let kept = self.orders.get(&known.order);
        let units = kept.map(|kept| kept.order.units.as_slice()).unwrap_or_default();
        let currency = kept.map_or("USD", |kept| currency_in(kept.order.region));
        let cents: u32 = units.iter().map(|unit| unit.cents).sum();
        let items: Vec<Value> = units
            .iter()
            .map(|unit| {
                json!({
                    "order_line_item_id": unit.id, "product_name": unit.title,
                    "return_line_item_id": format!("4{}", unit.id),
                    "seller_sku": unit.seller_sku, "sku_id": unit.sku_id, "sku_name": "Default"
                })
            })
            .collect();
        let actions: Vec<Value> = known
            .action()
            .map(|action| {
                let deadline = (known.updated + TimeDelta::hours(48)).timestamp();
                json!({"action": action, "deadline": deadline})
            })
            .into_iter()
            .collect();
        let mut body = json!({
            "create_time": known.created.timestamp(),
            "order_id": known.order,
            "refund_amount": {
                "currency": currency,
                "refund_total": format!("{}.{:02}", cents / 100, cents % 100)
            },
            "return_id": known.id,
            "return_line_items": items,
            "return_reason": "ecom_order_delivered_refund_and_return_reason_damaged",
            "return_status": known.status,
            "return_type": known.kind.word(),
            "role": "BUYER",
            "seller_next_action_response": actions,
            "update_time": known.updated.timestamp()
        });
        if let (Some(partial), Some(fields)) = (&known.partial, body.as_object_mut()) {
            fields.insert("partial_refund".to_owned(), partial.clone());
            fields.insert("seller_proposed_return_type".to_owned(), json!("PARTIAL_REFUND"));
        }
        body
    }

    pub(super) fn find_returns(&self, asked: &Asked<'_>, body: &Value) -> Answer {
        let (orders, ids) = (texts(body, "order_ids"), texts(body, "return_ids"));
        let any = |list: &[String], value: &str| list.is_empty() || list.iter().any(|v| v == value);
        let number = |name: &str| body.get(name).and_then(Value::as_i64);
        let page = |name: &str| asked.query_value(name).and_then(|text| text.parse().ok());
        let size = page("page_size").unwrap_or(10_usize).clamp(10, 50);
        let skip = page("page_token").unwrap_or(0);
        let found: Vec<&Return> = self
            .returns
            .iter()
            .filter(|known| {
                any(&orders, &known.order)
                    && any(&ids, &known.id)
                    && number("update_time_ge").is_none_or(|from| from <= known.updated.timestamp())
                    && number("update_time_lt").is_none_or(|to| known.updated.timestamp() < to)
            })
            .collect();
        let more = found.len() > skip.saturating_add(size);
        let token = if more { (skip + size).to_string() } else { String::new() };
        let shown: Vec<Value> =
            found.iter().skip(skip).take(size).map(|known| self.return_json(known)).collect();
        good(&json!({
            "return_orders": shown, "next_page_token": token, "total_count": found.len()
        }))
    }

    pub(super) fn answer_return(
        &mut self,
        asked: &Asked<'_>,
        id: &str,
        call: &str,
        body: &Value,
        now: DateTime<Utc>,
    ) -> Answer {
        let key = asked.query_value("idempotency_key").unwrap_or_default();
        let decision = text(body, "decision");
        let Some(known) = self.returns.iter_mut().find(|known| known.id == id) else {
            return refused(200, 25_001_001, "return does not exist");
        };
        if !key.is_empty() && known.answers.iter().any(|(used, _)| *used == key) {
            return good(&json!({}));
        }
        if call == "reject" && text(body, "reject_reason").is_empty() {
            return refused(200, 25_001_001, "reject_reason is missing");
        }
        let Some(status) = known.after(call, decision) else {
            return refused(200, 25_001_001, "the status does not allow it");
        };
        if decision == "OFFER_PARTIAL_REFUND" {
            let Some(partial) = body.get("partial_refund") else {
                return refused(200, 25_001_001, "partial_refund is missing");
            };
            known.partial = Some(partial.clone());
        }
        known.status = status;
        known.updated = now;
        known.answers.push((key, decision.to_owned()));
        good(&json!({}))
    }
}
