//! Orders that may leave in one parcel.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::address::text::{is_masked, words};
use crate::address::{Contact, Place};
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

/// A recipient as compared: the words of the name, and the place.
type Recipient = (String, Place);

/// Groups orders that may share a parcel: same shop, same recipient and address but for the spelling, no hold, same
/// kind of transport, planned whole from one warehouse, and no label yet. Ask the platform's
/// limits first whether it allows that at all.
///
/// Pure; the order of `orders` does not matter. An order named twice counts once.
#[must_use]
pub fn combinable<'a>(
    orders: impl IntoIterator<Item = &'a Order>,
    now: DateTime<Utc>,
) -> Vec<CombinedOrders> {
    let mut groups: BTreeMap<(ShopKey, LogisticsMode, WarehouseId, Recipient), Vec<OrderKey>> =
        BTreeMap::new();
    for order in orders {
        let Some(warehouse) = only_warehouse(order) else { continue };
        let ready = order.state() == OrderState::AwaitingShipment
            && order.logistics != LogisticsMode::PlatformFulfilled
            && matches!(order.review, Review::Approved { .. })
            && !order.is_held(now)
            && order.cancel_request.is_none()
            && !order.test;
        let Some(recipient) = order.recipient.as_ref().filter(|_| ready).and_then(compared) else {
            continue;
        };
        groups
            .entry((order.key.shop_key(), order.logistics, warehouse, recipient))
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
fn compared(recipient: &Contact) -> Option<Recipient> {
    let address = &recipient.address;
    if address.is_masked() || address.line1().trim().is_empty() {
        return None;
    }
    let name = if recipient.name.is_blank() {
        recipient.company.as_ref().map_or("", |company| company.as_str())
    } else {
        recipient.name.as_str()
    };
    let name = words(name);
    if name.is_empty() || is_masked(recipient.name.as_str()) {
        return None;
    }
    Some((name, address.place()))
}
