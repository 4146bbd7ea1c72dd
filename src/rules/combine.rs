//! Orders that may leave in one parcel.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::address::Contact;
use crate::ids::{OrderKey, ShopKey, WarehouseId};
use crate::order::{LogisticsMode, Order, OrderState, Review};
use crate::shipment::LabelState;

/// Orders of one shop that go to one recipient from one warehouse. Each keeps its own upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CombinedOrders {
    /// Of which shop.
    pub shop: ShopKey,
    /// From where.
    pub warehouse: WarehouseId,
    /// At least two orders, by key. The first one's parcel carries the label.
    pub orders: Vec<OrderKey>,
}

/// A recipient as compared: letters and digits only, in lower case.
type Place = (String, Vec<String>, String, String, String, String);

/// Groups orders that may share a parcel: same shop, same recipient and address, no hold, same
/// kind of transport, planned whole from one warehouse, and no label yet. Ask the platform's
/// limits first whether it allows that at all.
///
/// Pure; the order of `orders` does not matter. An order named twice counts once.
#[must_use]
pub fn combinable<'a>(
    orders: impl IntoIterator<Item = &'a Order>,
    now: DateTime<Utc>,
) -> Vec<CombinedOrders> {
    let mut groups: BTreeMap<(ShopKey, LogisticsMode, WarehouseId, Place), Vec<OrderKey>> =
        BTreeMap::new();
    for order in orders {
        let Some(warehouse) = only_warehouse(order) else { continue };
        let ready = order.state() == OrderState::AwaitingShipment
            && order.logistics != LogisticsMode::PlatformFulfilled
            && matches!(order.review, Review::Approved { .. })
            && !order.is_held(now)
            && order.cancel_request.is_none()
            && !order.test;
        let Some(place) = order.recipient.as_ref().filter(|_| ready).and_then(place) else {
            continue;
        };
        groups
            .entry((order.key.shop_key(), order.logistics, warehouse, place))
            .or_default()
            .push(order.key.clone());
    }
    groups
        .into_iter()
        .filter_map(|((shop, _, warehouse, _), mut orders)| {
            orders.sort();
            orders.dedup();
            (orders.len() > 1).then_some(CombinedOrders { shop, warehouse, orders })
        })
        .collect()
}

/// The warehouse of an order whose open units are all in one planned parcel without a label.
fn only_warehouse(order: &Order) -> Option<WarehouseId> {
    let [package] = order.packages.as_slice() else { return None };
    let planned = package.label.state == LabelState::None
        && package.shipped.is_none()
        && package.tracking.is_none();
    let whole = order.lines.iter().all(|line| order.open_units(&line.id) == 0);
    package.warehouse.clone().filter(|_| planned && whole)
}

/// `None` for an address that is hidden or empty: two hidden addresses are not the same place.
fn place(recipient: &Contact) -> Option<Place> {
    let address = &recipient.address;
    if address.is_masked() || address.line1().trim().is_empty() {
        return None;
    }
    let plain = |text: &str| -> String {
        let kept = text.chars().filter(|letter| letter.is_alphanumeric());
        kept.flat_map(char::to_lowercase).collect()
    };
    let name = if recipient.name.is_blank() {
        recipient.company.as_ref().map_or("", |company| company.as_str())
    } else {
        recipient.name.as_str()
    };
    let name = plain(name);
    if name.is_empty() || recipient.name.as_str().contains("***") {
        return None;
    }
    let lines = address
        .lines
        .iter()
        .map(|line| plain(line.as_str()))
        .filter(|line| !line.is_empty())
        .collect();
    Some((
        name,
        lines,
        plain(&address.city),
        plain(address.state.as_deref().unwrap_or("")),
        plain(address.postal_code.as_deref().unwrap_or("")),
        address.country.map(|country| country.to_string()).unwrap_or_default(),
    ))
}
