//! A stand-in of the marketplace, at the HTTP level.
//!
//! Payloads follow the published examples: three shapes of errors, amounts as numbers, quantities
//! as texts, instants as epoch milliseconds, a page token that is a whole query string.

mod after_sale;
mod generate;
mod webhooks;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use http::{Method, StatusCode};
use serde_json::{Value, json};

pub use after_sale::SandboxReturn;
pub use generate::{Article, CATALOGUE, GenerateOptions, SandboxLine, SandboxOrder, generate};
pub use webhooks::SentNotification;

use super::ledger::ConfirmedParcel;
use super::{Answer, Asked, Ledger, Quirk, StandIn, lock, percent_decode};
use crate::platforms::walmart::carriers::is_known;

const PLATFORM: &str = "walmart";
/// How long an access token lives.
const TOKEN_LIFE: TimeDelta = TimeDelta::seconds(900);
/// "limit of 30 characters".
const REFERENCE_LENGTH: usize = 30;
const METHODS: [&str; 6] = ["Standard", "Express", "OneDay", "Freight", "WhiteGlove", "Value"];
/// Orders that a duplicated page repeats.
const REPEATED: usize = 5;

/// A half-open window of time.
type Window = (DateTime<Utc>, DateTime<Utc>);

#[derive(Debug, Clone)]
struct Row {
    status: &'static str,
    units: u32,
    tracking: Option<Value>,
}

#[derive(Debug)]
struct Kept {
    order: SandboxOrder,
    rows: BTreeMap<String, Vec<Row>>,
    /// What was refunded of each line, in hundredths.
    refunded: BTreeMap<String, u32>,
    modified: DateTime<Utc>,
}

#[derive(Debug, Default)]
struct Market {
    orders: BTreeMap<String, Kept>,
    by_created: BTreeSet<(DateTime<Utc>, String)>,
    by_modified: BTreeSet<(DateTime<Utc>, String)>,
    tokens: BTreeMap<String, DateTime<Utc>>,
    issued: u64,
    correlations: BTreeSet<String>,
    stock: BTreeMap<String, i64>,
    returns: BTreeMap<String, after_sale::Return>,
    hooks: webhooks::Hooks,
}

/// Acts the marketplace out.
#[derive(Debug)]
pub struct WalmartStandIn {
    market: Mutex<Market>,
    ledger: Ledger,
}

fn error(status: StatusCode, code: &str, field: &str, description: &str, severity: &str) -> Answer {
    let body = json!({"errors": {"error": [{
        "code": code, "field": field, "description": description,
        "info": "Request content is invalid.", "severity": severity, "category": "DATA",
        "causes": [], "errorIdentifiers": {"entry": []}
    }]}});
    Answer::json(status, body.to_string())
}

fn unauthorized() -> Answer {
    let body = json!({"error": [{
        "code": "UNAUTHORIZED.GMP_GATEWAY_API", "field": "UNAUTHORIZED",
        "description": "Unauthorized",
        "info": "Unauthorized token or incorrect authorization header.",
        "severity": "ERROR", "category": "DATA", "causes": [], "errorIdentifiers": {}
    }]});
    Answer::json(StatusCode::UNAUTHORIZED, body.to_string())
}

fn not_found() -> Answer {
    error(
        StatusCode::NOT_FOUND,
        "CONTENT_NOT_FOUND.GMP_ORDER_API",
        "data",
        "CONTENT_NOT_FOUND",
        "INFO",
    )
}

fn invalid(description: &str) -> Answer {
    error(
        StatusCode::BAD_REQUEST,
        "INVALID_REQUEST_CONTENT.GMP_ORDER_API",
        "data",
        description,
        "ERROR",
    )
}

fn good(body: &Value) -> Answer {
    Answer::json(StatusCode::OK, body.to_string())
}

impl WalmartStandIn {
    /// An empty marketplace that writes to `ledger`.
    #[must_use]
    pub fn new(ledger: Ledger) -> Arc<Self> {
        Arc::new(Self { market: Mutex::new(Market::default()), ledger })
    }

    /// Lets an order appear.
    pub fn place(&self, order: SandboxOrder) {
        let lines: Vec<(String, u32)> =
            order.lines.iter().map(|line| (line.number.clone(), line.units)).collect();
        self.ledger.order_placed(PLATFORM, &order.id, &lines);
        let mut market = lock(&self.market);
        let rows = order
            .lines
            .iter()
            .map(|line| {
                let row = Row { status: "Created", units: line.units, tracking: None };
                (line.number.clone(), vec![row])
            })
            .collect();
        market.by_created.insert((order.placed_at, order.id.clone()));
        market.by_modified.insert((order.placed_at, order.id.clone()));
        let (id, placed_at) = (order.id.clone(), order.placed_at);
        let kept = Kept { modified: placed_at, order, rows, refunded: BTreeMap::new() };
        market.orders.insert(id.clone(), kept);
        market.tell(webhooks::CREATED, &id, placed_at);
    }

    /// The buyer asks to cancel. Returns whether there is such an order.
    pub fn ask_to_cancel(&self, order: &str, now: DateTime<Utc>) -> bool {
        let mut market = lock(&self.market);
        let found = match market.orders.get_mut(order) {
            Some(kept) => {
                kept.order.intent_to_cancel = true;
                true
            }
            None => false,
        };
        if found {
            market.touch(order, now);
            market.tell(webhooks::INTENT_TO_CANCEL, order, now);
        }
        found
    }

    /// The platform learns that everything shipped of an order arrived. Returns whether there is
    /// such an order.
    pub fn deliver(&self, order: &str, now: DateTime<Utc>) -> bool {
        let mut market = lock(&self.market);
        let Some(kept) = market.orders.get_mut(order) else { return false };
        for row in kept.rows.values_mut().flatten() {
            if row.status == "Shipped" {
                row.status = "Delivered";
            }
        }
        market.touch(order, now);
        true
    }

    /// Somebody ships everything that is open in the platform's own screens. Returns whether there is
    /// such an order.
    pub fn ship_by_hand(&self, order: &str, number: &str, now: DateTime<Utc>) -> bool {
        let mut market = lock(&self.market);
        let Some(kept) = market.orders.get_mut(order) else { return false };
        for row in kept.rows.values_mut().flatten() {
            if matches!(row.status, "Created" | "Acknowledged") {
                row.status = "Shipped";
                row.tracking = Some(json!({
                    "shipDateTime": now.timestamp_millis(),
                    "carrierName": {"carrier": "UPS"},
                    "methodCode": "Standard",
                    "trackingNumber": number,
                }));
            }
        }
        market.touch(order, now);
        true
    }

    /// Cancels what has not shipped, as the platform does by itself. Returns whether there is such an
    /// order.
    pub fn cancel_by_platform(&self, order: &str, now: DateTime<Utc>) -> bool {
        let mut market = lock(&self.market);
        let Some(kept) = market.orders.get_mut(order) else { return false };
        for row in kept.rows.values_mut().flatten() {
            if matches!(row.status, "Created" | "Acknowledged") {
                row.status = "Cancelled";
            }
        }
        market.touch(order, now);
        market.tell(webhooks::AUTO_CANCELLED, order, now);
        self.ledger.order_cancelled(PLATFORM, order);
        true
    }

    fn login(&self, asked: &Asked<'_>, now: DateTime<Utc>) -> Answer {
        if !asked.header("authorization").is_some_and(|value| value.starts_with("Basic ")) {
            return unauthorized();
        }
        let mut market = lock(&self.market);
        market.issued += 1;
        let token = format!("sandbox-token-{}", market.issued);
        market.tokens.insert(token.clone(), now + TOKEN_LIFE);
        good(&json!({"access_token": token, "token_type": "Bearer", "expires_in": 900}))
    }

    /// Checks what every call needs. `Some` is the refusal.
    fn check(market: &mut Market, asked: &Asked<'_>, now: DateTime<Utc>) -> Option<Answer> {
        if asked.quirk == Some(Quirk::TokenExpired) {
            market.tokens.clear();
        }
        let live = asked
            .header("wm_sec.access_token")
            .and_then(|token| market.tokens.get(token))
            .is_some_and(|until| now < *until);
        if !live {
            return Some(unauthorized());
        }
        for name in ["wm_qos.correlation_id", "wm_svc.name"] {
            if asked.header(name).is_none() {
                return Some(error(
                    StatusCode::BAD_REQUEST,
                    "INVALID_REQUEST_HEADER.GMP_GATEWAY_API",
                    name,
                    "Mandatory header is missing",
                    "ERROR",
                ));
            }
        }
        // A repeated id would be answered from the first call: writes must use a fresh one.
        if *asked.method != Method::GET {
            let id = asked.header("wm_qos.correlation_id").unwrap_or_default().to_owned();
            if !market.correlations.insert(id) {
                return Some(invalid("The correlation id was used before"));
            }
        }
        None
    }
}

impl Market {
    fn touch(&mut self, id: &str, now: DateTime<Utc>) {
        if let Some(kept) = self.orders.get_mut(id) {
            self.by_modified.remove(&(kept.modified, id.to_owned()));
            kept.modified = now;
            self.by_modified.insert((now, id.to_owned()));
        }
    }

    fn list(&self, asked: &Asked<'_>, released: bool, now: DateTime<Utc>) -> Answer {
        let limit: usize = asked
            .query_value("limit")
            .and_then(|limit| limit.parse().ok())
            .unwrap_or(100)
            .clamp(1, 200);
        let offset: usize =
            asked.query_value("soIndex").and_then(|offset| offset.parse().ok()).unwrap_or(0);
        let window = |from: &str, to: &str| -> Result<Option<Window>, ()> {
            let read = |name: &str| asked.query_value(name).map(|text| parse_date(&text));
            match (read(from), read(to)) {
                (None, None) => Ok(None),
                (from, to) => {
                    let from = from.unwrap_or(Some(now - TimeDelta::days(7))).ok_or(())?;
                    Ok(Some((from, to.unwrap_or(Some(now)).ok_or(())?)))
                }
            }
        };
        let created = window("createdStartDate", "createdEndDate");
        let modified = window("lastModifiedStartDate", "lastModifiedEndDate");
        let (Ok(created), Ok(modified)) = (created, modified) else {
            return error(
                StatusCode::BAD_REQUEST,
                "INVALID_REQUEST.GMP_ORDER_API",
                "data",
                "Invalid Date format value",
                "ERROR",
            );
        };
        // One more than asked for tells whether there is another page.
        let (index, (from, to)) = match (created, modified) {
            (_, Some(window)) => (&self.by_modified, window),
            (Some(window), None) => (&self.by_created, window),
            (None, None) if released => (&self.by_created, (DateTime::UNIX_EPOCH, now)),
            (None, None) => (&self.by_created, (now - TimeDelta::days(7), now)),
        };
        let visible = |kept: &Kept| {
            kept.order.placed_at <= now
                && (!released || kept.rows.values().flatten().any(|row| row.status == "Created"))
        };
        let ids: Vec<&String> = index
            .range((from, String::new())..(to, String::new()))
            .map(|(_, id)| id)
            .filter(|id| self.orders.get(*id).is_some_and(visible))
            .skip(offset)
            .take(limit + 1)
            .collect();
        if ids.is_empty() {
            return not_found();
        }
        let more = ids.len() > limit;
        let mut orders: Vec<Value> = ids
            .into_iter()
            .take(limit)
            .filter_map(|id| self.orders.get(id))
            .map(order_json)
            .collect();
        let count = orders.len();
        if asked.quirk == Some(Quirk::DuplicatedPage) {
            let repeated: Vec<Value> = orders.iter().take(REPEATED).cloned().collect();
            orders.extend(repeated);
        }
        if asked.quirk == Some(Quirk::ReorderedPage) {
            orders.reverse();
        }
        let mut meta = json!({"totalCount": count, "limit": limit});
        if more {
            let rest: Vec<&str> = asked
                .query
                .split('&')
                .filter(|pair| {
                    !["limit=", "soIndex=", "hasMoreElements="]
                        .iter()
                        .any(|name| pair.starts_with(name))
                        && !pair.is_empty()
                })
                .collect();
            let token = format!(
                "?limit={limit}&hasMoreElements=true&soIndex={}&{}",
                offset + limit,
                rest.join("&")
            );
            if let Some(meta) = meta.as_object_mut() {
                meta.insert("nextCursor".into(), token.into());
            }
        }
        good(&json!({"list": {"meta": meta, "elements": {"order": orders}}}))
    }

    fn acknowledge(&mut self, id: &str, ledger: &Ledger, now: DateTime<Utc>) -> Answer {
        let Some(kept) = self.orders.get_mut(id) else { return not_found() };
        if kept.rows.values().flatten().any(|row| row.status != "Created") {
            return invalid(&format!(
                "Failed when called acknowledge API for '{id}'. Some or all qty in higher status"
            ));
        }
        for row in kept.rows.values_mut().flatten() {
            row.status = "Acknowledged";
        }
        let body = json!({"order": order_json(kept)});
        ledger.acknowledged(PLATFORM, id);
        self.touch(id, now);
        good(&body)
    }

    fn ship(&mut self, id: &str, body: &[u8], ledger: &Ledger, now: DateTime<Utc>) -> Answer {
        let Some(kept) = self.orders.get_mut(id) else { return not_found() };
        let Ok(body) = serde_json::from_slice::<Value>(body) else {
            return invalid("The request is not readable");
        };
        let update = body.pointer("/orderShipment/processMode").and_then(Value::as_str)
            == Some("PARTIAL_UPDATE");
        let over = || {
            invalid(&format!(
                "Failed when called shipConfirm API for {id}. Qty OverShipped : Some or All \
                 Line(s)/Qty cannot be Shipped due to invalid Lines Or invalid Qty Or Qty more than allowed"
            ))
        };
        let mut rows = kept.rows.clone();
        let mut confirmed = Vec::new();
        for line in array(body.pointer("/orderShipment/orderLines/orderLine")) {
            let Some(number) = line.get("lineNumber").and_then(Value::as_str) else {
                return invalid("lineNumber is missing");
            };
            let reference = line.get("sellerOrderId").and_then(Value::as_str).unwrap_or_default();
            if !(1..=REFERENCE_LENGTH).contains(&reference.chars().count()) {
                return invalid("sellerOrderId is missing or longer than 30 characters");
            }
            let overridden =
                line.get("intentToCancelOverride").and_then(Value::as_bool).unwrap_or(false);
            if kept.order.intent_to_cancel && !overridden {
                return invalid("The buyer asked to cancel; intentToCancelOverride is needed");
            }
            let Some(states) = rows.get_mut(number) else { return over() };
            for status in array(line.pointer("/orderLineStatuses/orderLineStatus")) {
                let Some(tracking) = status.get("trackingInfo").cloned() else {
                    return invalid("trackingInfo is missing");
                };
                let units: u32 = status
                    .pointer("/statusQuantity/amount")
                    .and_then(Value::as_str)
                    .and_then(|amount| amount.parse().ok())
                    .unwrap_or(0);
                if let Some(refused) = check_tracking(&tracking, kept.order.placed_at, now) {
                    return refused;
                }
                if update {
                    let Some(new) = status.pointer("/currentTrackingInfo/trackingNumber").cloned()
                    else {
                        return invalid("currentTrackingInfo is missing");
                    };
                    let old = tracking.get("trackingNumber").cloned();
                    for row in states.iter_mut() {
                        let shown = row.tracking.as_ref().and_then(|t| t.get("trackingNumber"));
                        if shown != old.as_ref() {
                            continue;
                        }
                        if let Some(known) = row.tracking.as_mut().and_then(Value::as_object_mut) {
                            known.insert("trackingNumber".into(), new.clone());
                        }
                    }
                    continue;
                }
                let Some(open) = states
                    .iter_mut()
                    .find(|row| row.status == "Acknowledged" && row.units >= units && units > 0)
                else {
                    return over();
                };
                open.units -= units;
                let number_text = tracking
                    .get("trackingNumber")
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned();
                states.push(Row { status: "Shipped", units, tracking: Some(tracking) });
                confirmed.push(ConfirmedParcel {
                    platform: PLATFORM.to_owned(),
                    order: id.to_owned(),
                    line: number.to_owned(),
                    units,
                    number: number_text,
                    confirmed_at: now,
                });
            }
            states.retain(|row| row.units > 0);
        }
        kept.rows = rows;
        let body = json!({"order": order_json(kept)});
        for parcel in confirmed {
            ledger.parcel_confirmed(parcel);
        }
        self.touch(id, now);
        good(&body)
    }

    fn cancel(&mut self, id: &str, body: &[u8], ledger: &Ledger, now: DateTime<Utc>) -> Answer {
        let Some(kept) = self.orders.get_mut(id) else { return not_found() };
        let Ok(body) = serde_json::from_slice::<Value>(body) else {
            return invalid("The request is not readable");
        };
        let mut rows = kept.rows.clone();
        for line in array(body.pointer("/orderCancellation/orderLines/orderLine")) {
            let number = line.get("lineNumber").and_then(Value::as_str).unwrap_or_default();
            let Some(states) = rows.get_mut(number) else { return invalid("unknown line") };
            for status in array(line.pointer("/orderLineStatuses/orderLineStatus")) {
                let units: u32 = status
                    .pointer("/statusQuantity/amount")
                    .and_then(Value::as_str)
                    .and_then(|amount| amount.parse().ok())
                    .unwrap_or(0);
                let Some(open) = states.iter_mut().find(|row| {
                    matches!(row.status, "Created" | "Acknowledged") && row.units >= units
                }) else {
                    return invalid(&format!(
                        "Unable to process this request. The Line: {number} of PO: {id} is in SHIPPED status"
                    ));
                };
                open.units -= units;
                states.push(Row { status: "Cancelled", units, tracking: None });
            }
            states.retain(|row| row.units > 0);
        }
        kept.rows = rows;
        if kept.rows.values().flatten().all(|row| row.status == "Cancelled") {
            ledger.order_cancelled(PLATFORM, id);
        }
        let body = json!({"order": order_json(kept)});
        self.touch(id, now);
        good(&body)
    }

    fn inventory(&mut self, asked: &Asked<'_>, ledger: &Ledger) -> Answer {
        let Some(sku) = asked.query_value("sku") else { return invalid("sku is missing") };
        if *asked.method == Method::PUT {
            let amount = serde_json::from_slice::<Value>(asked.body)
                .ok()
                .and_then(|body| body.pointer("/quantity/amount").and_then(Value::as_i64));
            let Some(amount) = amount else { return invalid("quantity.amount is missing") };
            self.stock.insert(sku.clone(), amount);
            ledger.stock_pushed(PLATFORM, &sku, u32::try_from(amount.max(0)).unwrap_or(u32::MAX));
        }
        let amount = self.stock.get(&sku).copied().unwrap_or(0);
        good(&json!({"sku": sku, "quantity": {"unit": "EACH", "amount": amount}}))
    }
}

/// A list that XML-minded platforms write as one object when it has one element.
fn array(value: Option<&Value>) -> Vec<Value> {
    match value {
        Some(Value::Array(items)) => items.clone(),
        Some(Value::Null) | None => Vec::new(),
        Some(one) => vec![one.clone()],
    }
}

fn check_tracking(
    tracking: &Value,
    placed_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Option<Answer> {
    let carrier = tracking.pointer("/carrierName/carrier").and_then(Value::as_str);
    let other = tracking.pointer("/carrierName/otherCarrier").and_then(Value::as_str);
    let url = tracking.get("trackingURL").and_then(Value::as_str);
    match carrier {
        Some(carrier) if !is_known(carrier) => return Some(invalid("carrier is none of the list")),
        None if other.is_none() || url.is_none_or(str::is_empty) => {
            return Some(invalid("carrierName is missing, or otherCarrier without trackingURL"));
        }
        _ => {}
    }
    let method = tracking.get("methodCode").and_then(Value::as_str);
    if method.is_some_and(|method| !METHODS.contains(&method)) {
        return Some(invalid("methodCode is none of the list"));
    }
    if tracking.get("trackingNumber").and_then(Value::as_str).is_none_or(str::is_empty) {
        return Some(invalid("trackingNumber is missing"));
    }
    let may_have_left = placed_at.timestamp_millis()..=now.timestamp_millis();
    match tracking.get("shipDateTime").and_then(Value::as_i64) {
        Some(millis) if may_have_left.contains(&millis) => None,
        _ => Some(invalid("shipDateTime is missing, before the order or in the future")),
    }
}

/// Accepts `2020-03-16` and `2020-03-16T10:30:15Z`, no milliseconds.
fn parse_date(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(date) = text.parse::<NaiveDate>() {
        return Some(date.and_time(chrono::NaiveTime::MIN).and_utc());
    }
    chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%SZ")
        .ok()
        .map(|local| local.and_utc())
}

fn cents(cents: u32) -> Value {
    // An amount as a JSON number with two decimals, as the platform writes it.
    serde_json::from_str(&format!("{}.{:02}", cents / 100, cents % 100)).unwrap_or(Value::Null)
}

fn order_json(kept: &Kept) -> Value {
    let order = &kept.order;
    let lines: Vec<Value> = order
        .lines
        .iter()
        .map(|line| {
            let statuses: Vec<Value> = kept
                .rows
                .get(&line.number)
                .into_iter()
                .flatten()
                .map(|row| {
                    json!({
                        "status": row.status,
                        "statusQuantity": {"unitOfMeasurement": "EACH", "amount": row.units.to_string()},
                        "cancellationReason": null,
                        "trackingInfo": row.tracking,
                    })
                })
                .collect();
            let price = line.article.cents * line.units;
            json!({
                "lineNumber": line.number,
                "item": {
                    "productName": line.article.title,
                    "sku": line.article.sku,
                    "imageUrl": format!("https://images.example/{}.jpg", line.article.sku),
                    "weight": {"value": line.article.pounds, "unit": "POUND"}
                },
                "charges": {"charge": [{
                    "chargeType": "PRODUCT",
                    "chargeName": "ItemPrice",
                    "chargeAmount": {"currency": "USD", "amount": cents(price)},
                    "tax": {"taxName": "Tax1", "taxAmount": {"currency": "USD", "amount": cents(price / 12)}}
                }]},
                "orderLineQuantity": {"unitOfMeasurement": "EACH", "amount": line.units.to_string()},
                "statusDate": kept.modified.timestamp_millis(),
                "orderLineStatuses": {"orderLineStatus": statuses},
                "intentToCancel": order.intent_to_cancel.then_some("Y"),
                "fulfillment": {
                    "fulfillmentOption": "S2H",
                    "shipMethod": "VALUE",
                    "pickUpDateTime": order.ship_by.timestamp_millis()
                }
            })
        })
        .collect();
    json!({
        "purchaseOrderId": order.id,
        "customerOrderId": order.customer_order,
        "customerEmailId": format!("{}@relay.walmart.com", order.customer_order),
        "orderType": "REGULAR",
        "orderDate": order.placed_at.timestamp_millis(),
        "shippingInfo": {
            "phone": order.phone,
            "estimatedDeliveryDate": order.deliver_by.timestamp_millis(),
            "estimatedShipDate": order.ship_by.timestamp_millis(),
            "methodCode": "Value",
            "postalAddress": {
                "name": order.name,
                "address1": order.street,
                "address2": order.apartment,
                "city": order.city,
                "state": order.state,
                "postalCode": order.zip,
                "country": "USA",
                "addressType": "RESIDENTIAL"
            }
        },
        "orderLines": {"orderLine": lines}
    })
}

impl StandIn for WalmartStandIn {
    fn name(&self) -> &'static str {
        "walmart"
    }

    fn answer(&self, asked: &Asked<'_>, now: DateTime<Utc>) -> Answer {
        if asked.path == "/v3/token" {
            return self.login(asked, now);
        }
        let mut market = lock(&self.market);
        if let Some(refused) = Self::check(&mut market, asked, now) {
            return refused;
        }
        let segments: Vec<String> =
            asked.path.trim_matches('/').split('/').map(percent_decode).collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match (asked.method.as_str(), segments.as_slice()) {
            ("GET", ["v3", "orders"]) => market.list(asked, false, now),
            ("GET", ["v3", "orders", "released"]) => market.list(asked, true, now),
            ("GET", ["v3", "orders", id]) => match market.orders.get(*id) {
                Some(kept) => good(&json!({"order": order_json(kept)})),
                None => not_found(),
            },
            ("POST", ["v3", "orders", id, "acknowledge"]) => {
                market.acknowledge(id, &self.ledger, now)
            }
            ("POST", ["v3", "orders", id, "shipping"]) => {
                market.ship(id, asked.body, &self.ledger, now)
            }
            ("POST", ["v3", "orders", id, "cancel"]) => {
                market.cancel(id, asked.body, &self.ledger, now)
            }
            ("POST", ["v3", "orders", id, "refund"]) => market.refund(id, asked.body, now),
            ("GET", ["v3", "returns"]) => market.list_returns(asked),
            ("POST", ["v3", "returns", id, "refund"]) => market.refund_return(id, asked.body, now),
            ("GET", ["v3", "insights", "performance", name, "summary"]) => {
                market.figure(name, asked, now)
            }
            ("GET", ["v3", "webhooks", "eventTypes"]) => webhooks::Hooks::event_types(),
            ("GET", ["v3", "webhooks", "subscriptions"]) => market.hooks.list(),
            ("POST", ["v3", "webhooks", "subscriptions"]) => market.hooks.subscribe(asked.body),
            ("PATCH", ["v3", "webhooks", "subscriptions", id]) => {
                market.hooks.switch(id, asked.body)
            }
            ("DELETE", ["v3", "webhooks", "subscriptions", id]) => market.hooks.unsubscribe(id),
            ("POST", ["v3", "webhooks", "test"]) => market.hooks.test(asked.body, now),
            ("GET" | "PUT", ["v3", "inventory"]) => market.inventory(asked, &self.ledger),
            _ => error(
                StatusCode::NOT_FOUND,
                "CONTENT_NOT_FOUND.GMP_GATEWAY_API",
                "path",
                &format!("this request was not expected: {} {}", asked.method, asked.path),
                "ERROR",
            ),
        }
    }

    fn too_many_calls(&self) -> Answer {
        let body = json!({"error": [{
            "code": "REQUEST_THRESHOLD_VIOLATED.GMP_GATEWAY_API",
            "field": "REQUEST_THRESHOLD_VIOLATED",
            "description": "Request threshold violated", "info": "Too many requests",
            "severity": "ERROR", "category": "DATA", "causes": [], "errorIdentifiers": {}
        }]});
        Answer::json(StatusCode::TOO_MANY_REQUESTS, body.to_string())
    }

    fn failure(&self) -> Answer {
        error(
            StatusCode::INTERNAL_SERVER_ERROR,
            "SYSTEM_ERROR.GMP_ORDER_API",
            "data",
            "System error",
            "ERROR",
        )
    }
}
