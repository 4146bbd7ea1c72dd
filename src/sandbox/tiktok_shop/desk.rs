//! The calls, one by one.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::generate::{SandboxOrder, SandboxUnit, Shipping};
use super::{Case, Kept, Market, PLATFORM, REMORSE, REPEATED, UnitState, good, refused};
use crate::money::{Currency, Money};
use crate::sandbox::ledger::{ConfirmedParcel, SoldLabel};
use crate::sandbox::{Answer, Asked, Ledger, Quirk, paper};

pub(super) fn text<'a>(body: &'a Value, name: &str) -> &'a str {
    body.get(name).and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn texts(body: &Value, name: &str) -> Vec<String> {
    let items = body.get(name).and_then(Value::as_array);
    items.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn gone() -> Answer {
    refused(200, 21_011_001, "package not found")
}

/// The status of a whole order, from its units.
pub(super) fn order_status(kept: &Kept, now: DateTime<Utc>) -> &'static str {
    let live: Vec<&str> =
        kept.units.iter().map(|unit| unit.status).filter(|status| *status != "CANCELLED").collect();
    let Some(first) = live.first().copied() else { return "CANCELLED" };
    if live.iter().all(|status| *status == "AWAITING_SHIPMENT") {
        return if now < kept.order.paid_at + REMORSE { "ON_HOLD" } else { first };
    }
    if live.contains(&"AWAITING_SHIPMENT") {
        return "PARTIALLY_SHIPPING";
    }
    ["AWAITING_COLLECTION", "IN_TRANSIT", "DELIVERED"]
        .into_iter()
        .find(|status| live.contains(status))
        .unwrap_or("COMPLETED")
}

/// The currency of a market.
pub(super) fn currency_in(region: &str) -> &'static str {
    match region {
        "GB" => "GBP",
        "DE" => "EUR",
        "TH" => "THB",
        _ => "USD",
    }
}

pub(super) fn amount(cents: u32) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

fn masked(text: &str) -> String {
    text.chars().take(1).chain("*****".chars()).collect()
}

/// One buyer per name and house.
fn user_of(order: &SandboxOrder) -> String {
    let text = order.name.bytes().chain(order.street.bytes());
    let number =
        text.fold(0_u64, |sum, byte| sum.wrapping_mul(1_000_003).wrapping_add(u64::from(byte)));
    format!("7021{:015}", number % 1_000_000_000_000_000)
}

fn order_json(kept: &Kept, now: DateTime<Utc>) -> Value {
    let order = &kept.order;
    let status = order_status(kept, now);
    let currency = currency_in(order.region);
    let total: u32 = order.units.iter().map(|unit| unit.cents).sum();
    let platform = order.shipping == Shipping::Platform;
    let items: Vec<Value> = order
        .units
        .iter()
        .zip(&kept.units)
        .map(|(unit, state)| unit_json(unit, state, currency))
        .collect();
    let stamp = |at: DateTime<Utc>| at.timestamp();
    let hide = |text: &str| if platform { masked(text) } else { text.to_owned() };
    let mut body = json!({
        "buyer_email": "v2b2V5@chat.seller.tiktok.com",
        "buyer_message": "",
        "commerce_platform": "TIKTOK_SHOP",
        "create_time": stamp(order.placed_at),
        "delivery_option_id": "7091146663229654785",
        "delivery_option_name": "Standard shipping",
        "delivery_type": "HOME_DELIVERY",
        "fulfillment_type": "FULFILLMENT_BY_SELLER",
        "id": order.id,
        "is_buyer_request_cancel": kept.asks_to_cancel,
        "is_cod": false,
        "is_on_hold_order": status == "ON_HOLD",
        "line_items": items,
        "order_type": "NORMAL",
        "paid_time": stamp(order.paid_at),
        "payment": {
            "currency": currency, "original_shipping_fee": "0",
            "original_total_product_price": amount(total), "platform_discount": "0",
            "seller_discount": "0", "shipping_fee": "0", "sub_total": amount(total),
            "tax": "0", "total_amount": amount(total)
        },
        "payment_method_name": "CCDC",
        "rts_sla_time": stamp(order.paid_at + TimeDelta::days(2)),
        "tts_sla_time": stamp(order.paid_at + TimeDelta::days(3)),
        "delivery_sla_time": stamp(order.paid_at + TimeDelta::days(8)),
        "shipping_due_time": stamp(order.paid_at + TimeDelta::days(7)),
        "shipping_type": if platform { "TIKTOK" } else { "SELLER" },
        "status": status,
        "update_time": stamp(kept.updated),
        "user_id": user_of(order),
        "warehouse_id": "6955005333819123123"
    });
    if status != "ON_HOLD"
        && let Some(fields) = body.as_object_mut()
    {
        let levels = match order.region {
            "GB" => [("L0", "Country"), ("L1", "County"), ("L2", "Town")],
            _ => [("L0", "Country"), ("L1", "State"), ("L2", "City")],
        };
        let country = match order.region {
            "GB" => "United Kingdom",
            "TH" => "Thailand",
            _ => "United States",
        };
        let districts: Vec<Value> = levels
            .into_iter()
            .zip([country, order.state, order.city])
            .map(|((level, name), place)| {
                json!({"address_level": level, "address_level_name": name, "address_name": place})
            })
            .collect();
        let address = json!({
            "address_line1": hide(&order.street), "address_line2": "",
            "district_info": districts, "name": hide(&order.name),
            "phone_number": "(+1)213-***-1234", "postal_code": order.postcode,
            "region_code": order.region
        });
        fields.insert("recipient_address".to_owned(), address);
    }
    body
}

fn unit_json(unit: &SandboxUnit, state: &UnitState, currency: &str) -> Value {
    let mut body = json!({
        "currency": currency,
        "display_status": state.status,
        "id": unit.id,
        "is_gift": false,
        "original_price": amount(unit.cents),
        "platform_discount": "0",
        "product_id": "1729582718312380123",
        "product_name": unit.title,
        "sale_price": amount(unit.cents),
        "seller_discount": "0",
        "seller_sku": unit.seller_sku,
        "sku_id": unit.sku_id,
        "sku_name": "Default"
    });
    if let Some(fields) = body.as_object_mut() {
        if let Some(package) = &state.package {
            fields.insert("package_id".to_owned(), json!(package));
        }
        if let Some(number) = &state.number {
            fields.insert("tracking_number".to_owned(), json!(number));
            fields.insert("shipping_provider_name".to_owned(), json!(state.provider));
        }
        if let Some(at) = state.shipped_at {
            fields.insert("rts_time".to_owned(), json!(at.timestamp()));
        }
    }
    body
}

impl Market {
    pub(super) fn search(&self, asked: &Asked<'_>, body: &Value, now: DateTime<Utc>) -> Answer {
        let number = |name: &str| body.get(name).and_then(Value::as_i64);
        if asked.query_value("page_size").is_none() {
            return refused(400, 36_009_004, "page_size is missing");
        }
        let by_update = asked.query_value("sort_field").as_deref() == Some("update_time");
        let size: usize = asked
            .query_value("page_size")
            .and_then(|size| size.parse().ok())
            .unwrap_or(20)
            .clamp(1, 100);
        let skip: usize =
            asked.query_value("page_token").and_then(|token| token.parse().ok()).unwrap_or(0);
        let inside = |at: DateTime<Utc>, name: &str| {
            number(&format!("{name}_ge")).is_none_or(|from| from <= at.timestamp())
                && number(&format!("{name}_lt")).is_none_or(|to| at.timestamp() < to)
        };
        let status = body.get("order_status").and_then(Value::as_str);
        let mut found: Vec<&Kept> = self
            .orders
            .values()
            .filter(|kept| {
                kept.order.placed_at <= now
                    && inside(kept.order.placed_at, "create_time")
                    && inside(kept.updated, "update_time")
                    && status.is_none_or(|status| order_status(kept, now) == status)
            })
            .collect();
        found.sort_by_key(|kept| {
            let at = if by_update { kept.updated } else { kept.order.placed_at };
            (at, kept.order.id.clone())
        });
        let more = found.len() > skip.saturating_add(size);
        let mut orders: Vec<Value> =
            found.iter().skip(skip).take(size).map(|kept| order_json(kept, now)).collect();
        if asked.quirk == Some(Quirk::DuplicatedPage) {
            let repeated: Vec<Value> = orders.iter().take(REPEATED).cloned().collect();
            orders.extend(repeated);
        }
        if asked.quirk == Some(Quirk::ReorderedPage) {
            orders.reverse();
        }
        let token = if more { (skip + size).to_string() } else { String::new() };
        good(&json!({"orders": orders, "next_page_token": token, "total_count": found.len()}))
    }

    pub(super) fn detail(&self, asked: &Asked<'_>, now: DateTime<Utc>) -> Answer {
        let ids = asked.query_value("ids").unwrap_or_default();
        let orders: Vec<Value> = ids
            .split(',')
            .filter_map(|id| self.orders.get(id))
            .map(|kept| order_json(kept, now))
            .collect();
        good(&json!({ "orders": orders }))
    }

    /// Gives units a parcel. `Some` is the refusal.
    pub(super) fn leave(
        &mut self,
        order: &str,
        units: &[String],
        parcel: (&str, &str, &str),
        now: DateTime<Utc>,
    ) -> Option<Answer> {
        let Some(kept) = self.orders.get_mut(order) else {
            return Some(refused(200, 21_001_001, "order does not exist"));
        };
        if order_status(kept, now) == "ON_HOLD" || kept.asks_to_cancel {
            return Some(refused(200, 21_011_029, "the order cannot be shipped now"));
        }
        let open = |unit: &UnitState| unit.status == "AWAITING_SHIPMENT";
        let all = units.iter().all(|id| kept.units.iter().any(|u| u.id == *id && open(u)));
        if units.is_empty() || !all {
            return Some(refused(200, 21_011_006, "package already shipped"));
        }
        let (package, number, provider) = parcel;
        for unit in kept.units.iter_mut().filter(|unit| units.contains(&unit.id)) {
            unit.status = "AWAITING_COLLECTION";
            unit.package = Some(package.to_owned());
            unit.number = Some(number.to_owned());
            unit.provider = Some(provider.to_owned());
            unit.shipped_at = Some(now);
        }
        kept.updated = now;
        let status = order_status(kept, now);
        self.notify(order, status, now);
        None
    }

    pub(super) fn confirmed(
        &self,
        order: &str,
        units: &[String],
        number: &str,
        ledger: &Ledger,
        now: DateTime<Utc>,
    ) {
        let Some(kept) = self.orders.get(order) else { return };
        let mut lines: BTreeMap<&str, u32> = BTreeMap::new();
        for unit in kept.order.units.iter().filter(|unit| units.contains(&unit.id)) {
            *lines.entry(&unit.sku_id).or_default() += 1;
        }
        for (line, units) in lines {
            ledger.parcel_confirmed(ConfirmedParcel {
                platform: PLATFORM.to_owned(),
                order: order.to_owned(),
                line: line.to_owned(),
                units,
                number: number.to_owned(),
                confirmed_at: now,
            });
        }
    }

    pub(super) fn new_package(&mut self) -> String {
        self.issued += 1;
        format!("1153{:015}", self.issued)
    }

    pub(super) fn mark_shipped(
        &mut self,
        order: &str,
        body: &Value,
        ledger: &Ledger,
        now: DateTime<Utc>,
    ) -> Answer {
        let units = texts(body, "order_line_item_ids");
        let number = text(body, "tracking_number").to_owned();
        let Some(provider) = provider(text(body, "shipping_provider_id")) else {
            return refused(200, 21_001_001, "shipping_provider_id is invalid");
        };
        if number.is_empty() {
            return refused(200, 21_001_001, "tracking_number is missing");
        }
        let known = self.orders.get(order).map(|kept| &kept.order);
        if known.is_some_and(|order| !UNIT_MARKETS.contains(&order.region)) {
            return refused(200, 21_001_001, "the market does not support this call");
        }
        if known.is_some_and(|order| order.shipping != Shipping::Seller) {
            return refused(200, 21_001_001, "the order is not shipped by the seller");
        }
        let package = self.new_package();
        if let Some(refusal) = self.leave(order, &units, (&package, &number, provider), now) {
            return refusal;
        }
        self.confirmed(order, &units, &number, ledger, now);
        good(&json!({
            "order_id": order, "order_line_item_ids": units, "package_id": package,
            "warning": {"message": ""}
        }))
    }

    pub(super) fn update_number(
        &mut self,
        kind: &str,
        id: &str,
        body: &Value,
        ledger: &Ledger,
        now: DateTime<Utc>,
    ) -> Answer {
        let number = text(body, "tracking_number").to_owned();
        let Some(provider) = provider(text(body, "shipping_provider_id")) else {
            return refused(200, 21_001_001, "shipping_provider_id is invalid");
        };
        // "orders not split use the first, split ones the second".
        let in_parts = |kept: &Kept| {
            let mut live = kept.units.iter().filter(|unit| unit.status != "CANCELLED");
            let first = live.next().map(|unit| &unit.package);
            live.any(|unit| Some(&unit.package) != first)
        };
        if kind == "orders" && self.orders.get(id).is_some_and(in_parts) {
            return refused(200, 21_011_048, "the order has several packages");
        }
        let mut changed = false;
        for (order, kept) in &mut self.orders {
            for unit in &mut kept.units {
                let meant = match kind {
                    "orders" => order == id && unit.number.is_some(),
                    _ => unit.package.as_deref() == Some(id) && unit.number.is_some(),
                };
                if meant && unit.shipped_at.is_none_or(|at| now - at <= TimeDelta::hours(72)) {
                    unit.number = Some(number.clone());
                    unit.provider = Some(provider.to_owned());
                    kept.updated = now;
                    changed = true;
                }
            }
        }
        // A correction moves no units: the ledger keeps what was confirmed.
        let _ = ledger;
        if changed { good(&json!({})) } else { gone() }
    }

    pub(super) fn create_package(
        &mut self,
        body: &Value,
        ledger: &Ledger,
        now: DateTime<Utc>,
    ) -> Answer {
        let order = text(body, "order_id").to_owned();
        let units = units_of(body);
        let known = self.orders.get(&order);
        if known.is_some_and(|kept| kept.order.shipping != Shipping::Platform) {
            return refused(200, 21_001_001, "the order is shipped by the seller");
        }
        let package = self.new_package();
        let region = self.orders.get(&order).map_or("US", |kept| kept.order.region);
        let (prefix, carrier, provider) = match region {
            "GB" => ("RM", "Royal Mail", "7117858858072016687"),
            _ => ("9400", "USPS", "7117858858072016686"),
        };
        let number = format!("{prefix}{package}");
        if let Some(refusal) = self.leave(&order, &units, (&package, &number, carrier), now) {
            return refusal;
        }
        sell(ledger, &package, &number, now);
        self.confirmed(&order, &units, &number, ledger, now);
        good(&json!({
            "create_time": now.timestamp(), "order_id": order, "order_line_item_ids": units,
            "package_id": package,
            "shipping_service_info": {
                "id": "288233559123860015", "name": "Standard shipping", "price": "5.20",
                "currency": currency_in(region), "earliest_delivery_days": 2,
                "latest_delivery_days": 5, "shipping_provider_id": provider,
                "shipping_provider_name": carrier
            }
        }))
    }

    pub(super) fn ship_package(
        &mut self,
        package: &str,
        body: &Value,
        ledger: &Ledger,
        now: DateTime<Utc>,
    ) -> Answer {
        // A combined package holds units of several orders.
        let found: Vec<(String, Vec<String>)> = self
            .orders
            .iter()
            .filter_map(|(order, kept)| {
                let units =
                    kept.units.iter().filter(|unit| unit.package.as_deref() == Some(package));
                let units: Vec<String> = units.map(|unit| unit.id.clone()).collect();
                (!units.is_empty()).then(|| (order.clone(), units))
            })
            .collect();
        if found.is_empty() {
            return gone();
        }
        let own = body.get("self_shipment");
        let own_number = own.map(|own| text(own, "tracking_number").to_owned());
        let number = own_number.unwrap_or_else(|| format!("RM{package}"));
        for (order, units) in &found {
            if let Some(refusal) = self.leave(order, units, (package, &number, "Royal Mail"), now) {
                return refusal;
            }
        }
        if body.get("handover_method").is_some() {
            self.handovers.insert(package.to_owned(), body.clone());
        }
        sell(ledger, package, &number, now);
        for (order, units) in &found {
            self.confirmed(order, units, &number, ledger, now);
        }
        good(&json!({}))
    }

    fn unit_of(&self, package: &str) -> Option<&UnitState> {
        let mut units = self.orders.values().flat_map(|kept| &kept.units);
        units.find(|unit| unit.package.as_deref() == Some(package))
    }

    pub(super) fn package(&self, package: &str) -> Answer {
        let Some(unit) = self.unit_of(package) else { return gone() };
        let status = match unit.status {
            "CANCELLED" => "CANCELLED",
            "AWAITING_SHIPMENT" => "TO_FULFILL",
            "AWAITING_COLLECTION" => "PROCESSING",
            "IN_TRANSIT" => "FULFILLING",
            _ => "COMPLETED",
        };
        good(&json!({
            "package_id": package, "package_status": status,
            "shipping_provider_name": unit.provider, "tracking_number": unit.number
        }))
    }

    pub(super) fn shipping_document(&self, package: &str, base: &str) -> Answer {
        match self.unit_of(package).and_then(|unit| unit.number.as_ref()) {
            Some(number) => good(&json!({
                "doc_url": format!("{base}/documents/{number}"), "tracking_number": number
            })),
            None => gone(),
        }
    }

    pub(super) fn cancel(&mut self, body: &Value, ledger: &Ledger, now: DateTime<Utc>) -> Answer {
        let order = text(body, "order_id").to_owned();
        let units = texts(body, "order_line_item_ids");
        let reason = text(body, "cancel_reason").to_owned();
        let Some(kept) = self.orders.get_mut(&order) else {
            return refused(200, 25_001_001, "order does not exist");
        };
        if !CANCEL_REASONS.contains(&reason.as_str()) {
            return refused(200, 25_001_001, "cancel_reason is invalid");
        }
        let region = kept.order.region;
        let in_part = kept.units.iter().any(|unit| {
            unit.status != "CANCELLED" && !units.is_empty() && !units.contains(&unit.id)
        });
        if in_part && !(matches!(region, "US" | "GB") && reason.contains("out_of_stock")) {
            return refused(200, 25_001_001, "the order can only be cancelled as a whole");
        }
        let meant = |unit: &UnitState| units.is_empty() || units.contains(&unit.id);
        // A whole order may be cancelled until its carrier collects it.
        let collected = |unit: &UnitState| match unit.status {
            "AWAITING_SHIPMENT" | "CANCELLED" => false,
            "AWAITING_COLLECTION" => !units.is_empty() || kept.order.shipping != Shipping::Platform,
            _ => true,
        };
        if kept.units.iter().filter(|unit| meant(unit)).any(collected) {
            return refused(200, 25_001_001, "the status does not allow it");
        }
        self.drop_units(&order, &units, ledger, now);
        let id = format!("4036{order}");
        let case = Case {
            id: id.clone(),
            order,
            status: "CANCELLATION_REQUEST_COMPLETE",
            role: "SELLER",
            reason,
            updated: now,
        };
        self.cases.push(case);
        good(&json!({"cancel_id": id, "cancel_status": "CANCELLATION_REQUEST_SUCCESS"}))
    }

    fn drop_units(&mut self, order: &str, units: &[String], ledger: &Ledger, now: DateTime<Utc>) {
        let Some(kept) = self.orders.get_mut(order) else { return };
        for unit in &mut kept.units {
            let meant = units.is_empty() || units.contains(&unit.id);
            if meant && matches!(unit.status, "AWAITING_SHIPMENT" | "AWAITING_COLLECTION") {
                unit.status = "CANCELLED";
            }
        }
        kept.updated = now;
        kept.asks_to_cancel = false;
        let status = order_status(kept, now);
        if status == "CANCELLED" {
            ledger.order_cancelled(PLATFORM, order);
        }
        self.notify(order, status, now);
    }

    pub(super) fn find_cases(&self, body: &Value) -> Answer {
        let (orders, ids) = (texts(body, "order_ids"), texts(body, "cancel_ids"));
        let statuses = texts(body, "cancel_status");
        let any = |list: &[String], value: &str| list.is_empty() || list.iter().any(|v| v == value);
        let number = |name: &str| body.get(name).and_then(Value::as_i64);
        let found: Vec<Value> = self
            .cases
            .iter()
            .filter(|case| {
                any(&orders, &case.order)
                    && any(&ids, &case.id)
                    && any(&statuses, case.status)
                    && number("update_time_ge").is_none_or(|from| from <= case.updated.timestamp())
                    && number("update_time_lt").is_none_or(|to| case.updated.timestamp() < to)
            })
            .map(|case| {
                json!({
                    "cancel_id": case.id, "cancel_line_items": [], "order_id": case.order,
                    "cancel_reason": case.reason, "cancel_status": case.status,
                    "cancel_type": if case.role == "BUYER" { "BUYER_CANCEL" } else { "CANCEL" },
                    "role": case.role, "create_time": case.updated.timestamp(),
                    "update_time": case.updated.timestamp(),
                    "seller_next_action_response": [{
                        "action": "SELLER_RESPOND_CANCEL",
                        "deadline": (case.updated + TimeDelta::hours(24)).timestamp()
                    }]
                })
            })
            .collect();
        good(&json!({"cancellations": found, "next_page_token": "", "total_count": found.len()}))
    }

    pub(super) fn answer_case(
        &mut self,
        id: &str,
        call: &str,
        ledger: &Ledger,
        now: DateTime<Utc>,
    ) -> Answer {
        let pending = "CANCELLATION_REQUEST_PENDING";
        let found = self.cases.iter_mut().find(|case| case.id == id && case.status == pending);
        let Some(case) = found else {
            return refused(200, 25_001_001, "the status does not allow it");
        };
        case.updated = now;
        let order = case.order.clone();
        if call == "approve" {
            case.status = "CANCELLATION_REQUEST_SUCCESS";
            self.drop_units(&order, &[], ledger, now);
        } else {
            case.status = "CANCELLATION_REQUEST_CANCELLED";
            if let Some(kept) = self.orders.get_mut(&order) {
                kept.asks_to_cancel = false;
                kept.updated = now;
            }
        }
        good(&json!({}))
    }

    pub(super) fn stock_of(&self, body: &Value) -> Answer {
        let skus: Vec<Value> = texts(body, "sku_ids")
            .into_iter()
            .map(|sku| {
                let units = self.stock.get(&sku).copied().unwrap_or(100);
                json!({
                    "id": sku, "seller_sku": "", "total_available_quantity": units,
                    "total_committed_quantity": 0,
                    "warehouse_inventory": [{
                        "available_quantity": units, "committed_quantity": 0,
                        "warehouse_id": WAREHOUSE
                    }]
                })
            })
            .collect();
        good(&json!({"inventory": [{"product_id": "1729592969712207008", "skus": skus}]}))
    }

    pub(super) fn set_stock(&mut self, body: &Value, ledger: &Ledger) -> Answer {
        for sku in body.get("skus").and_then(Value::as_array).into_iter().flatten() {
            let place = sku.pointer("/inventory/0/warehouse_id").and_then(Value::as_str);
            if place.is_some_and(|place| place != WAREHOUSE) {
                return good(&json!({"errors": [{
                    "code": 12_052_990, "message": "The warehouse does not exist",
                    "detail": {"sku_id": text(sku, "id")}
                }]}));
            }
            let units = sku.pointer("/inventory/0/quantity").and_then(Value::as_u64);
            let Some(units) = units.and_then(|units| u32::try_from(units).ok()) else {
                return refused(200, 36_009_022, "quantity is missing");
            };
            self.stock.insert(text(sku, "id").to_owned(), units);
            ledger.stock_pushed(PLATFORM, text(sku, "id"), units);
        }
        good(&json!({"errors": []}))
    }

    pub(super) fn message(&mut self, conversation: &str, body: &Value) -> Answer {
        let content: Value = serde_json::from_str(text(body, "content")).unwrap_or(Value::Null);
        let words = text(&content, "content").to_owned();
        if words.is_empty() {
            return refused(200, 36_009_022, "content is not a JSON text");
        }
        self.messages.push((conversation.to_owned(), words));
        good(&json!({"message_id": "7494560109732334261"}))
    }
}

/// The units of a package, as its version names them.
fn units_of(body: &Value) -> Vec<String> {
    let named = body.get("order_line_item").and_then(Value::as_array);
    match named {
        Some(units) => units.iter().map(|unit| text(unit, "order_line_id").to_owned()).collect(),
        None => texts(body, "order_line_item_ids"),
    }
}

/// The one warehouse of the shop.
const WAREHOUSE: &str = "7054915283043174149";

/// Markets in which sellers mark any units as shipped, and in which the units of one SKU may go into
/// several packages.
pub(super) const UNIT_MARKETS: [&str; 8] = ["US", "GB", "ES", "IE", "IT", "DE", "FR", "JP"];

/// The keys of reasons with which sellers cancel paid orders, as far as they have been seen.
const CANCEL_REASONS: [&str; 5] = [
    "seller_cancel_reason_out_of_stock",
    "seller_cancel_reason_out_of_stock_uk",
    "seller_cancel_reason_wrong_price",
    "seller_cancel_paid_reason_address_not_deliver",
    "seller_cancel_paid_reason_buyer_requested_cancellation",
];

/// Carriers that sellers may name, by the platform's id.
pub(super) const PROVIDERS: [(&str, &str); 5] = [
    ("7117858858072016686", "USPS"),
    ("7117859084333745966", "UPS"),
    ("7117858858072016687", "Royal Mail"),
    ("7117858858072016688", "FedEx"),
    ("7117858858072016689", "DHL eCommerce"),
];

fn provider(id: &str) -> Option<&'static str> {
    PROVIDERS.iter().find(|(known, _)| *known == id).map(|(_, name)| *name)
}

pub(super) fn sell(ledger: &Ledger, package: &str, number: &str, now: DateTime<Utc>) {
    ledger.label_sold(SoldLabel {
        carrier: PLATFORM.to_owned(),
        number: number.to_owned(),
        key: None,
        reference: package.to_owned(),
        cost: Money::from_minor(520, Currency::USD),
        sold_at: now,
        voided_at: None,
    });
}

/// A page with the number on it: small and valid.
pub(super) fn document(number: &str) -> Answer {
    let mut headers = HeaderMap::new();
    headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/pdf"));
    Answer { status: StatusCode::OK, headers, body: paper::pdf(&[number]).into() }
}
