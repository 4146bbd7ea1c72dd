//! Returns, refunds and the figures sellers are judged by.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use http::StatusCode;
use serde_json::{Value, json};

use super::{Kept, Market, WalmartStandIn, array, cents, good, invalid, not_found, order_json};
use crate::sandbox::{Answer, Asked, lock};

/// Returns on a page unless the seller asks for fewer or more.
const PAGE: usize = 10;
/// Most returns on a page.
const LARGEST_PAGE: usize = 200;

/// What a buyer sends back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxReturn {
    /// Its id.
    pub id: String,
    /// The purchase order.
    pub order: String,
    /// The line of it.
    pub line: String,
    /// How many units.
    pub units: u32,
    /// Why, for example `DAMAGED`.
    pub reason: &'static str,
    /// When it was asked for.
    pub opened_at: DateTime<Utc>,
}

#[derive(Debug)]
pub(super) struct Return {
    asked: SandboxReturn,
    status: &'static str,
    refunded: u32,
    changed_at: DateTime<Utc>,
}

impl WalmartStandIn {
    /// Lets a buyer ask to send something back.
    pub fn open_return(&self, asked: SandboxReturn) {
        let changed_at = asked.opened_at;
        let opened = Return { asked, status: "INITIATED", refunded: 0, changed_at };
        lock(&self.market).returns.insert(opened.asked.id.clone(), opened);
    }

    /// The goods of a return arrive at the seller. Says whether there is such a return.
    pub fn deliver_return(&self, id: &str, now: DateTime<Utc>) -> bool {
        let mut market = lock(&self.market);
        let Some(known) = market.returns.get_mut(id) else { return false };
        known.status = "DELIVERED";
        known.changed_at = now;
        true
    }

    /// How many units of a return were refunded.
    #[must_use]
    pub fn refunded_units(&self, id: &str) -> u32 {
        lock(&self.market).returns.get(id).map_or(0, |known| known.refunded)
    }

    /// What was refunded of an order's line outside of returns, in hundredths.
    #[must_use]
    pub fn refunded_cents(&self, order: &str, line: &str) -> u32 {
        let market = lock(&self.market);
        let refunds = market.orders.get(order).map(|kept| &kept.refunded);
        refunds.and_then(|refunds| refunds.get(line).copied()).unwrap_or_default()
    }
}

impl Market {
    pub(super) fn list_returns(&self, asked: &Asked<'_>) -> Answer {
        let edge = |name: &str| {
            asked.query_value(name).map(|text| {
                DateTime::parse_from_rfc3339(&text)
                    .map(|at| at.to_utc())
                    .map_err(|_| name.to_owned())
            })
        };
        let (from, to) = match (
            edge("returnLastModifiedStartDate").transpose(),
            edge("returnLastModifiedEndDate").transpose(),
        ) {
            (Ok(from), Ok(to)) => (from, to),
            (Err(name), _) | (_, Err(name)) => return invalid(&format!("{name} is no date")),
        };
        let id = asked.query_value("returnOrderId");
        let whole = |name: &str, usual: usize| {
            asked.query_value(name).and_then(|text| text.parse().ok()).unwrap_or(usual)
        };
        let (limit, offset) = (whole("limit", PAGE).clamp(1, LARGEST_PAGE), whole("offset", 0));
        let mut found: Vec<&Return> = self
            .returns
            .values()
            .filter(|known| id.as_ref().is_none_or(|id| known.asked.id == *id))
            .filter(|known| from.is_none_or(|from| from <= known.changed_at))
            .filter(|known| to.is_none_or(|to| known.changed_at <= to))
            .collect();
        found.sort_by_key(|known| (known.changed_at, &known.asked.id));
        let total = found.len();
        let shown: Vec<Value> = found
            .into_iter()
            .skip(offset)
            .take(limit)
            .map(|known| self.return_json(known))
            .collect();
        let mut meta = json!({"totalCount": total, "limit": limit});
        if offset + limit < total
            && let Some(meta) = meta.as_object_mut()
        {
            let kept: Vec<&str> = asked
                .query
                .split('&')
                .filter(|pair| !pair.starts_with("limit=") && !pair.starts_with("offset="))
                .collect();
            let next = format!("?limit={limit}&offset={}&{}", offset + limit, kept.join("&"));
            meta.insert("nextCursor".into(), next.into());
        }
        good(&json!({"meta": meta, "returnOrders": shown}))
    }

    fn return_json(&self, known: &Return) -> Value {
        let stamp = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Millis, true);
        let order = self.orders.get(&known.asked.order).map(|kept| &kept.order);
        let price = order
            .and_then(|order| order.lines.iter().find(|line| line.number == known.asked.line))
            .map_or(0, |line| line.article.cents);
        json!({
            "returnOrderId": known.asked.id,
            "customerOrderId": order.map(|order| order.customer_order.as_str()),
            "refundMode": "POST_DELIVERY",
            "returnOrderDate": stamp(known.asked.opened_at),
            "returnType": "REFUND",
            "totalRefundAmount": {
                "currencyAmount": cents(price * known.asked.units), "currencyUnit": "USD"
            },
            "returnOrderLines": [{
                "returnOrderLineNumber": 1,
                "returnReason": known.asked.reason,
                "purchaseOrderId": known.asked.order,
                "purchaseOrderLineNumber": known.asked.line.parse::<u32>().unwrap_or(1),
                "quantity": {"unitOfMeasure": "EACH", "measurementValue": known.asked.units},
                "refundedQty": known.refunded,
                "returnExpectedFlag": true,
                "isKeepIt": false,
                "status": known.status,
                "statusTime": stamp(known.changed_at)
            }]
        })
    }

    pub(super) fn refund_return(&mut self, id: &str, body: &[u8], now: DateTime<Utc>) -> Answer {
        let Some(known) = self.returns.get_mut(id) else { return not_found() };
        let order = self.orders.get(&known.asked.order).map(|kept| &kept.order.customer_order);
        let Ok(body) = serde_json::from_slice::<Value>(body) else {
            return invalid("The request is not readable");
        };
        let customer_order = body.get("customerOrderId").and_then(Value::as_str);
        if customer_order.is_none() || customer_order != order.map(String::as_str) {
            return invalid("customerOrderId is missing or of another order");
        }
        let mut refunded = known.refunded;
        for line in array(body.get("refundLines")) {
            let number = line.get("returnOrderLineNumber").and_then(Value::as_u64);
            let units = line.pointer("/quantity/measurementValue").and_then(Value::as_u64);
            let (Some(1), Some(units)) =
                (number, units.and_then(|units| u32::try_from(units).ok()))
            else {
                return invalid("refundLines holds a line that the return does not have");
            };
            refunded = refunded.saturating_add(units);
        }
        if refunded > known.asked.units || refunded == known.refunded {
            return invalid("refundLines has more units than are left to refund, or none");
        }
        known.refunded = refunded;
        known.changed_at = now;
        if known.refunded == known.asked.units {
            known.status = "COMPLETED";
        }
        good(&json!({
            "returnOrderId": id,
            "customerOrderId": customer_order,
            "refundLines": body.get("refundLines")
        }))
    }

    /// Gives money back for what was shipped.
    pub(super) fn refund(&mut self, id: &str, body: &[u8], now: DateTime<Utc>) -> Answer {
        let Some(kept) = self.orders.get_mut(id) else { return not_found() };
        let Ok(body) = serde_json::from_slice::<Value>(body) else {
            return invalid("The request is not readable");
        };
        let lines = array(body.pointer("/orderRefund/orderLines/orderLine"));
        if lines.is_empty() {
            return invalid("orderLine is missing");
        }
        let mut refunds = kept.refunded.clone();
        for line in lines {
            let number = line.get("lineNumber").and_then(Value::as_str).unwrap_or_default();
            if let Err(why) = take_refund(kept, &mut refunds, number, &line) {
                return invalid(&why);
            }
        }
        kept.refunded = refunds;
        let body = json!({"order": order_json(kept)});
        self.touch(id, now);
        good(&body)
    }

    /// The figures that follow from what happened here; the others are not shown, as to a new seller.
    pub(super) fn figure(&self, name: &str, asked: &Asked<'_>, now: DateTime<Utc>) -> Answer {
        let days = asked.query_value("reportDuration").and_then(|days| days.parse().ok());
        let Some(days) = days.filter(|days| [14, 30, 60, 90].contains(days)) else {
            return invalid("reportDuration is none of 14, 30, 60, 90");
        };
        let since = now.checked_sub_signed(TimeDelta::days(days)).unwrap_or(now);
        let orders: Vec<&Kept> =
            self.orders.values().filter(|kept| kept.order.placed_at >= since).collect();
        let is = |kept: &Kept, status: &str| {
            kept.rows.values().flatten().all(|row| row.status == status)
        };
        let shipped = || orders.iter().filter(|kept| is(kept, "Shipped"));
        let share = match name {
            "cancellations" => {
                (orders.iter().filter(|kept| is(kept, "Cancelled")).count(), orders.len())
            }
            "vtr" => {
                let numbered =
                    |kept: &&&Kept| kept.rows.values().flatten().all(|row| row.tracking.is_some());
                (shipped().filter(numbered).count(), shipped().count())
            }
            "returns" => {
                let came_back = |kept: &&&Kept| {
                    self.returns.values().any(|known| known.asked.order == kept.order.id)
                };
                (shipped().filter(came_back).count(), shipped().count())
            }
            _ => (0, 0),
        };
        let (part, whole) = share;
        if whole == 0 {
            return Answer::json(StatusCode::NO_CONTENT, String::new());
        }
        let hundredths = u32::try_from((part * 20_000 + whole) / (2 * whole)).unwrap_or(10_000);
        let figure = json!({"cumulativeRate": cents(hundredths), "reportDuration": days});
        good(&json!({"status": "OK", "payload": figure}))
    }
}

/// Adds what a line of a refund gives back, if the line was shipped and has as much left.
fn take_refund(
    kept: &Kept,
    refunds: &mut BTreeMap<String, u32>,
    number: &str,
    line: &Value,
) -> Result<(), String> {
    let shipped: u32 = kept
        .rows
        .get(number)
        .into_iter()
        .flatten()
        .filter(|row| row.status == "Shipped")
        .map(|row| row.units)
        .sum();
    let sold = kept.order.lines.iter().find(|sold| sold.number == number);
    let Some(sold) = sold.filter(|_| shipped > 0) else {
        return Err(format!("Line {number} is not shipped: only shipped lines are refunded"));
    };
    // The price and the tax beside it.
    let price = sold.article.cents * shipped;
    let most = price + price / 12;
    let mut asked = 0_u32;
    for entry in array(line.pointer("/refunds/refund")) {
        for charge in array(entry.pointer("/refundCharges/refundCharge")) {
            let amount = |path: &str| {
                let amount = charge.pointer(path).map(Value::to_string);
                match amount {
                    None => Some(0),
                    Some(text) => hundredths(&text),
                }
            };
            let parts =
                (amount("/charge/chargeAmount/amount"), amount("/charge/tax/taxAmount/amount"));
            let (Some(charge), Some(tax)) = parts else {
                return Err(format!("Line {number}: amounts of refunds are negative"));
            };
            asked = asked.saturating_add(charge).saturating_add(tax);
        }
    }
    let full = line.get("isFullRefund").and_then(Value::as_bool).unwrap_or(false);
    let before = refunds.get(number).copied().unwrap_or_default();
    let after = if full { most } else { before.saturating_add(asked) };
    if after > most || after == before {
        return Err(format!("Line {number}: the refund is more than is left, or nothing"));
    }
    refunds.insert(number.to_owned(), after);
    Ok(())
}

/// A negative amount with at most two decimals, as `-0.1`.
fn hundredths(text: &str) -> Option<u32> {
    let digits = text.strip_prefix('-')?;
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let part = format!("{part:0<2}");
    if part.len() > 2 {
        return None;
    }
    whole.parse::<u32>().ok()?.checked_mul(100)?.checked_add(part.parse().ok()?)
}
