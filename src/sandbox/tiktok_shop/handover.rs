//! Handing packages over, what prices are made of, and where notifications go.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::desk::{amount, currency_in, sell, text, texts};
use super::{Market, good, refused};
use crate::sandbox::{Answer, Ledger};

/// A slot that is over, one that is taken and two that are free.
pub(super) fn slots(now: DateTime<Utc>) -> Answer {
    let slot = |hours: i64, free: bool| {
        let from = now + TimeDelta::hours(hours);
        json!({
            "avaliable": free, "start_time": from.timestamp(),
            "end_time": (from + TimeDelta::hours(2)).timestamp()
        })
    };
    good(&json!({
        "can_drop_off": true, "can_pickup": true, "can_van_collection": false,
        "drop_off_point_url": "https://sandbox.invalid/points",
        "pickup_slots": [slot(-5, true), slot(20, true), slot(2, false), slot(4, true)]
    }))
}

impl Market {
    /// Each package by itself: the call succeeds, and names those that were not taken.
    pub(super) fn ship_packages(
        &mut self,
        body: &Value,
        ledger: &Ledger,
        now: DateTime<Utc>,
    ) -> Answer {
        let packages = body.get("packages").and_then(Value::as_array).cloned().unwrap_or_default();
        let mut errors = Vec::new();
        for package in &packages {
            let id = text(package, "id");
            let answer = self.ship_package(id, package, ledger, now);
            let told: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
            let code = told.get("code").and_then(Value::as_i64).unwrap_or(0);
            if code != 0 {
                errors.push(json!({
                    "code": code, "message": text(&told, "message"),
                    "detail": {"package_id": id}
                }));
            }
        }
        good(&json!({ "errors": errors }))
    }

    pub(super) fn schedule_package(
        &mut self,
        body: &Value,
        ledger: &Ledger,
        now: DateTime<Utc>,
    ) -> Answer {
        let order = text(body, "order_id").to_owned();
        let units = texts(body, "order_line_item_ids");
        let package = self.new_package();
        let number = format!("EU{package}");
        if let Some(refusal) = self.leave(&order, &units, (&package, &number, "DHL"), now) {
            return refusal;
        }
        if body.get("handover_method").is_some() {
            self.handovers.insert(package.clone(), body.clone());
        }
        sell(ledger, &package, &number, now);
        self.confirmed(&order, &units, &number, ledger, now);
        good(&json!({
            "create_time": now.timestamp(), "order_id": order, "order_line_item_ids": units,
            "package_id": package, "shipping_provider_name": "DHL", "tracking_number": number
        }))
    }

    /// Gives every order that is taken out a package of its own.
    pub(super) fn uncombine(&mut self, package: &str, body: &Value, now: DateTime<Utc>) -> Answer {
        let mut made = Vec::new();
        for order in texts(body, "order_ids") {
            let id = self.new_package();
            let Some(kept) = self.orders.get_mut(&order) else {
                return refused(200, 21_001_001, "order does not exist");
            };
            let inside = |unit: &super::UnitState| unit.package.as_deref() == Some(package);
            if !kept.units.iter().all(|u| inside(u) && u.status == "AWAITING_SHIPMENT") {
                return refused(200, 10_007_014, "package in freeze status");
            }
            for unit in &mut kept.units {
                unit.package = Some(id.clone());
            }
            kept.updated = now;
            made.push(json!({"id": id, "order_ids": [order]}));
        }
        good(&json!({ "packages": made }))
    }

    pub(super) fn price_detail(&self, order: &str) -> Answer {
        let Some(kept) = self.orders.get(order) else {
            return refused(200, 36_009_022, "order does not exist");
        };
        let currency = currency_in(kept.order.region);
        let price = |cents: u32| {
            json!({
                "currency": currency, "payment": amount(cents), "total": amount(cents),
                "sku_list_price": amount(cents), "sku_sale_price": amount(cents),
                "subtotal": amount(cents), "subtotal_deduction_seller": "0.00",
                "subtotal_deduction_platform": "0.00", "tax_amount": "0.00"
            })
        };
        let mut whole = price(kept.order.units.iter().map(|unit| unit.cents).sum());
        let units = kept.order.units.iter().map(|unit| {
            let mut one = price(unit.cents);
            if let Some(fields) = one.as_object_mut() {
                fields.insert("id".to_owned(), json!(unit.id));
            }
            one
        });
        let units: Vec<Value> = units.collect();
        if let Some(fields) = whole.as_object_mut() {
            fields.insert("line_items".to_owned(), json!(units));
        }
        good(&whole)
    }

    pub(super) fn topics(&self) -> Answer {
        let known: Vec<Value> = self
            .topics
            .iter()
            .map(|(topic, (address, since))| {
                json!({
                    "event_type": topic, "address": address,
                    "create_time": since.timestamp(), "update_time": since.timestamp()
                })
            })
            .collect();
        good(&json!({"total_count": known.len(), "webhooks": known}))
    }

    pub(super) fn set_topic(&mut self, body: &Value, now: DateTime<Utc>) -> Answer {
        let place = (text(body, "address").to_owned(), now);
        self.topics.insert(text(body, "event_type").to_owned(), place);
        good(&json!({}))
    }

    pub(super) fn drop_topic(&mut self, body: &Value) -> Answer {
        self.topics.remove(text(body, "event_type"));
        good(&json!({}))
    }
}
