//! Splitting an order into packages, and combining the packages of several orders.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::desk::{UNIT_MARKETS, order_status, text, texts};
use super::generate::Shipping;
use super::{Kept, Market, good, refused};
use crate::sandbox::{Answer, Asked};

fn is_untouched(kept: &Kept, now: DateTime<Utc>) -> bool {
    order_status(kept, now) == "AWAITING_SHIPMENT" && !kept.asks_to_cancel
}

impl Market {
    pub(super) fn split(&mut self, order: &str, body: &Value, now: DateTime<Utc>) -> Answer {
        let groups: Vec<(String, Vec<String>)> = body
            .get("splittable_groups")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .map(|group| (text(group, "id").to_owned(), texts(group, "order_line_item_ids")))
            .collect();
        let Some(kept) = self.orders.get(order) else {
            return refused(200, 21_001_001, "order does not exist");
        };
        if !is_untouched(kept, now) {
            return refused(200, 21_011_006, "package already shipped");
        }
        let mut places: BTreeMap<&str, &str> = BTreeMap::new();
        for (group, units) in &groups {
            for unit in units {
                let known = kept.units.iter().any(|known| known.id == *unit);
                if !known || places.insert(unit, group).is_some() {
                    return refused(200, 21_001_001, "order_line_item_ids is invalid");
                }
            }
        }
        if groups.len() < 2 || places.len() < kept.units.len() {
            return refused(200, 21_001_001, "splittable_groups is invalid");
        }
        if !UNIT_MARKETS.contains(&kept.order.region) {
            let mut of_sku: BTreeMap<&str, &str> = BTreeMap::new();
            for unit in &kept.order.units {
                let Some(place) = places.get(unit.id.as_str()).copied() else { continue };
                if of_sku.insert(&unit.sku_id, place).is_some_and(|other| other != place) {
                    let words = "split same sku in Multi Package not allow";
                    return refused(200, 21_011_048, words);
                }
            }
        }
        let made: Vec<(String, String, Vec<String>)> =
            groups.into_iter().map(|(group, units)| (self.new_package(), group, units)).collect();
        if let Some(kept) = self.orders.get_mut(order) {
            for (package, _, units) in &made {
                for unit in kept.units.iter_mut().filter(|unit| units.contains(&unit.id)) {
                    unit.package = Some(package.clone());
                }
            }
            kept.updated = now;
        }
        let packages: Vec<Value> = made
            .iter()
            .map(|(package, group, _)| json!({"id": package, "splittable_group_id": group}))
            .collect();
        good(&json!({ "packages": packages }))
    }

    /// Orders of one recipient that wait with a package each, with the first one's id as name.
    fn combinable(&self, now: DateTime<Utc>) -> Vec<(String, Vec<String>)> {
        let mut places: BTreeMap<(&str, &str, &str), Vec<String>> = BTreeMap::new();
        for (id, kept) in &self.orders {
            let order = &kept.order;
            let packed = kept.units.iter().all(|unit| unit.package.is_some());
            if order.shipping == Shipping::Platform && packed && is_untouched(kept, now) {
                let place = (order.name.as_str(), order.street.as_str(), order.postcode);
                places.entry(place).or_default().push(id.clone());
            }
        }
        let several = places.into_values().filter(|orders| orders.len() > 1);
        several.filter_map(|orders| Some((orders.first()?.clone(), orders))).collect()
    }

    pub(super) fn find_combinable(&self, asked: &Asked<'_>, now: DateTime<Utc>) -> Answer {
        let number = |name: &str| asked.query_value(name).and_then(|text| text.parse().ok());
        let size = number("page_size").unwrap_or(20_usize).clamp(1, 50);
        let skip = number("page_token").unwrap_or(0);
        let found = self.combinable(now);
        let page: Vec<Value> = found
            .iter()
            .skip(skip)
            .take(size)
            .map(|(id, orders)| json!({"id": id, "order_ids": orders}))
            .collect();
        let more = found.len() > skip.saturating_add(size);
        let token = if more { (skip + size).to_string() } else { String::new() };
        good(&json!({
            "combinable_packages": page, "next_page_token": token, "total_count": found.len()
        }))
    }

    pub(super) fn combine(&mut self, body: &Value, now: DateTime<Utc>) -> Answer {
        let (mut packages, mut errors) = (Vec::new(), Vec::new());
        let asked = body.get("combinable_packages").and_then(Value::as_array);
        for group in asked.into_iter().flatten() {
            let orders = texts(group, "order_ids");
            let offered = self.combinable(now);
            let fits = |offer: &(String, Vec<String>)| {
                orders.len() > 1 && orders.iter().all(|id| offer.1.contains(id))
            };
            if !offered.iter().any(fits) {
                errors.push(json!({
                    "code": 10_007_014, "message": "fulfillment not allow combine package",
                    "detail": {"package_id": text(group, "id")}
                }));
                continue;
            }
            let package = self.new_package();
            for order in &orders {
                let Some(kept) = self.orders.get_mut(order) else { continue };
                for unit in &mut kept.units {
                    unit.package = Some(package.clone());
                }
                kept.updated = now;
            }
            packages.push(json!({"id": package, "order_ids": orders}));
        }
        good(&json!({"packages": packages, "errors": errors}))
    }
}
