//! What all tests of CSV files need.

use chrono::{DateTime, Utc};
use orderflow::order::PlatformOrder;
use orderflow::platforms::csv::{CsvOrders, Mapping, RowError};

pub(crate) fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

pub(crate) fn mapping() -> Mapping {
    Mapping::preset("orderflow").unwrap()
}

pub(crate) fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/fixtures/csv/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

pub(crate) fn read(file: &[u8], mapping: &Mapping) -> (Vec<PlatformOrder>, Vec<RowError>) {
    let (mut orders, mut errors) = (Vec::new(), Vec::new());
    match CsvOrders::new(file, mapping) {
        Ok(rows) => {
            for row in rows {
                match row {
                    Ok(order) => orders.push(order),
                    Err(error) => errors.push(error),
                }
            }
        }
        Err(error) => errors.push(*error),
    }
    (orders, errors)
}

pub(crate) const HEADER: &str =
    "order_id,placed_at,recipient_name,address_1,city,postal_code,country,currency,sku,qty,price";

/// A file of good rows: id and SKU of each.
pub(crate) fn file(rows: &[(&str, &str)]) -> String {
    let mut file = format!("{}\n", HEADER.replace("address_1", "address1"));
    for (id, sku) in rows {
        file.push_str(&row(id, sku));
        file.push('\n');
    }
    file
}

pub(crate) fn row(id: &str, sku: &str) -> String {
    format!("{id},2026-03-01,Canary Name,1 Canary Street,Denver,80202,US,USD,{sku},2,10.00")
}
