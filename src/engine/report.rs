//! Lists and figures over the store.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::Engine;
use super::labels::PackageRef;
use crate::error::Result;
use crate::ids::{OrderKey, Sku};
use crate::order::{Order, OrderFilter, OrderSort, TimeRange};
use crate::rules::kpi::{OrderExtras, OrderFacts};
use crate::rules::{Dashboard, ExceptionItem, dashboard, exceptions};
use crate::shipment::LabelState;

/// Orders loaded at once.
const PAGE: u32 = 256;

/// A line of a pick list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PickItem {
    /// What to pick; lines without SKU are listed by title.
    pub sku: Option<Sku>,
    /// Its title.
    pub title: String,
    /// How many units in all.
    pub units: u32,
    /// How many for which parcel, in the order of the labels.
    pub parcels: Vec<(PickParcel, u32)>,
}

/// A parcel as it is printed on a pick list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct PickParcel {
    /// Order, as the platform names it.
    pub order: String,
    /// Parcel.
    pub package: String,
}

impl Engine {
    /// Calls `look` with every order that is not closed, page by page.
    pub(super) async fn for_open_orders(&self, mut look: impl FnMut(&Order) + Send) -> Result<()> {
        let mut after: Option<OrderKey> = None;
        loop {
            let keys = self.0.store.open_orders(after.as_ref(), PAGE).await?;
            let Some(last) = keys.last().cloned() else { return Ok(()) };
            for order in self.0.store.orders(&keys).await?.into_iter().flatten() {
                look(&order);
            }
            after = Some(last);
        }
    }

    /// Everything that needs attention, sorted.
    ///
    /// # Errors
    /// [`Storage`](crate::ErrorKind::Storage).
    pub async fn exceptions(&self, now: DateTime<Utc>) -> Result<Vec<ExceptionItem>> {
        let mut found = Vec::new();
        let policy = &self.0.policy.exceptions;
        self.for_open_orders(|order| {
            found.extend(exceptions([order], policy, now));
        })
        .await?;
        Ok(crate::rules::sort_exceptions(found))
    }

    /// The figures of the half-open window `[from, to)`.
    ///
    /// # Errors
    /// [`Storage`](crate::ErrorKind::Storage).
    pub async fn dashboard(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Dashboard> {
        let placed = TimeRange {
            from: Some(super::time::earlier(from, chrono::TimeDelta::days(30))),
            to: Some(to),
        };
        let mut orders = Vec::new();
        self.for_orders_placed(placed, to, |order| orders.push(order)).await?;
        Ok(dashboard(&orders, from, to))
    }

    /// The facts that key figures are counted from, of the orders placed in a range; 30 days before
    /// the window are usual, since orders ship and arrive later than they are placed.
    ///
    /// `extras` adds what an order does not know: complaints, disputes, what the goods cost.
    ///
    /// # Errors
    /// [`Storage`](crate::ErrorKind::Storage).
    pub async fn order_facts(
        &self,
        placed: TimeRange,
        now: DateTime<Utc>,
        extras: impl Fn(&Order) -> OrderExtras + Send + Sync,
    ) -> Result<OrderFacts> {
        let mut facts = OrderFacts::new();
        self.for_orders_placed(placed, now, |order| facts.push_order(&order, &extras(&order)))
            .await?;
        Ok(facts)
    }

    async fn for_orders_placed(
        &self,
        placed: TimeRange,
        now: DateTime<Utc>,
        mut look: impl FnMut(Order) + Send,
    ) -> Result<()> {
        let filter = OrderFilter { placed, ..OrderFilter::default() };
        let mut seen = 0;
        loop {
            let page = self.0.store.find(&filter, OrderSort::Placed, now, seen, PAGE).await?;
            if page.orders.is_empty() {
                return Ok(());
            }
            seen += page.orders.len() as u64;
            page.orders.into_iter().for_each(&mut look);
            if seen >= page.total {
                return Ok(());
            }
        }
    }

    /// The pick list of a wave, by SKU, parcels in the order given.
    ///
    /// # Errors
    /// [`Storage`](crate::ErrorKind::Storage).
    pub async fn pick_list(&self, wave: &[PackageRef]) -> Result<Vec<PickItem>> {
        let keys: Vec<OrderKey> = wave.iter().map(|item| item.order.clone()).collect();
        let orders = self.0.store.orders(&keys).await?;
        let mut items: BTreeMap<(Option<Sku>, String), PickItem> = BTreeMap::new();
        for (item, order) in wave.iter().zip(orders) {
            let Some(order) = order else { continue };
            let Some(package) = order.package(&item.package) else { continue };
            let parcel =
                PickParcel { order: order.key.order.to_string(), package: package.id.to_string() };
            for packed in &package.contents {
                let Some(line) = order.line(&packed.line) else { continue };
                // The same SKU is one row, whatever each listing calls it.
                let title = if line.sku.is_some() { String::new() } else { line.title.clone() };
                let row = items.entry((line.sku.clone(), title)).or_insert_with(|| PickItem {
                    sku: line.sku.clone(),
                    title: line.title.clone(),
                    units: 0,
                    parcels: Vec::new(),
                });
                row.units = row.units.saturating_add(packed.units);
                row.parcels.push((parcel.clone(), packed.units));
            }
        }
        Ok(items.into_values().collect())
    }

    /// The documents of a parcel's label, unless it is void or asked to be: nobody must stick it on then.
    ///
    /// # Errors
    /// [`Storage`](crate::ErrorKind::Storage).
    pub async fn label_documents(
        &self,
        item: &PackageRef,
    ) -> Result<Vec<crate::ports::store::StoredDocument>> {
        let Some(order) = self.0.store.order(&item.order).await? else { return Ok(Vec::new()) };
        let key = order
            .package(&item.package)
            .filter(|package| {
                matches!(package.label.state, LabelState::Purchased | LabelState::Printed)
            })
            .and_then(|package| package.label.record.as_ref())
            .map(|record| record.key);
        match key {
            Some(key) => self.0.store.documents(&item.package, &key).await,
            None => Ok(Vec::new()),
        }
    }
}
