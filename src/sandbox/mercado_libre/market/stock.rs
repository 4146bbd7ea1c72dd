//! Stock by item and by user product.

use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

use super::super::{Answer, Asked, PLATFORM, bad, empty, failure, good, not_found};
use super::{Desk, Market, body_of, text};

impl Market {
    pub(super) fn item(&mut self, desk: &Desk<'_>, id: &str, asked: &Asked<'_>) -> Answer {
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

    pub(super) fn read_stock(&self, id: &str) -> Answer {
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

    pub(super) fn write_stock(
        &mut self,
        desk: &Desk<'_>,
        id: &str,
        kind: &str,
        asked: &Asked<'_>,
    ) -> Answer {
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
}
