//! The daily look whether the platform and the store know the same orders.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::ingest::{checked, endless};
use super::{Engine, SyncReport};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{OrderKey, ShopKey};
use crate::order::{Action, OrderFilter, OrderSort, TimeRange, reconcile};
use crate::ports::{OrderQuery, PageWalk, PlatformItem, Unreadable};

const PAGE: u32 = 256;

/// How the platform's list and the store differed. Whatever could be mended is mended: missing
/// orders are imported, differences become events.
#[derive(Debug, Default)]
pub struct Comparison {
    /// Orders on both sides.
    pub compared: u64,
    /// On the platform, not in the store.
    pub missing: Vec<OrderKey>,
    /// In the store, and the platform does not know them.
    pub extra: Vec<OrderKey>,
    /// On both sides, and not alike.
    pub mismatched: Vec<OrderKey>,
    /// Orders that could not be read, each with the reason; they are in quarantine now.
    pub unreadable: Vec<Unreadable>,
    /// Orders whose single read failed; whether they are extra is not known.
    pub errors: Vec<Error>,
}

impl Engine {
    /// Compares the orders placed in `[from, to)` with the platform's list.
    ///
    /// # Errors
    /// Of the list or the store; [`ErrorKind::UnexpectedAnswer`] when the list does not end.
    pub async fn compare_shop(
        &self,
        shop: &ShopKey,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Comparison> {
        let known = self.shop(shop)?;
        let key_of = |id| OrderKey::new(shop.platform.clone(), shop.shop.clone(), id);
        let mut found = Comparison::default();
        let mut listed = BTreeSet::new();
        let mut report = SyncReport::default();
        let mut walk = PageWalk::new();
        let query = OrderQuery::Created { from, to };
        loop {
            let page = known.adapter.list_orders(&query, walk.cursor()).await?;
            let mut snapshots = Vec::new();
            for item in page.items {
                let read = match item {
                    PlatformItem::Read(snapshot) => checked(*snapshot),
                    PlatformItem::Unreadable(unreadable) => Err(unreadable),
                };
                match read {
                    Ok(snapshot) => snapshots.push(snapshot),
                    Err(unreadable) => {
                        listed.extend(unreadable.id.clone().map(key_of));
                        found.unreadable.push(unreadable);
                    }
                }
            }
            let keys: Vec<OrderKey> =
                snapshots.iter().map(|snapshot| key_of(snapshot.id.clone())).collect();
            let stored = self.0.store.orders(&keys).await?;
            for ((key, snapshot), order) in keys.into_iter().zip(&snapshots).zip(stored) {
                if !listed.insert(key.clone()) {
                    continue;
                }
                match order {
                    None => found.missing.push(key),
                    Some(order) => {
                        found.compared += 1;
                        let differs = reconcile(&order, snapshot, now)
                            .iter()
                            .any(|event| !matches!(event.action, Action::Updated { .. }));
                        if differs {
                            found.mismatched.push(key);
                        }
                    }
                }
            }
            self.take_in(known, snapshots, now, &mut report).await?;
            if !walk.go_on(page.next).map_err(|list| endless(list, shop, "list_orders"))? {
                break;
            }
        }
        let filter = OrderFilter {
            shops: vec![shop.shop.clone()],
            platforms: vec![shop.platform.clone()],
            placed: TimeRange { from: Some(from), to: Some(to) },
            ..OrderFilter::default()
        };
        let mut offset = 0;
        loop {
            let page = self.0.store.find(&filter, OrderSort::Placed, now, offset, PAGE).await?;
            if page.orders.is_empty() {
                break;
            }
            offset += page.orders.len() as u64;
            for order in page.orders.into_iter().filter(|order| !listed.contains(&order.key)) {
                // Lists leave out what they like, for example cancelled orders: a single read decides.
                let read = known.adapter.get_order(&order.key.order).await;
                match read.map(checked) {
                    Ok(Err(unreadable)) => found.unreadable.push(unreadable),
                    Ok(Ok(snapshot)) => {
                        found.compared += 1;
                        let before = report.updated;
                        self.take_in(known, vec![snapshot], now, &mut report).await?;
                        if report.updated > before {
                            found.mismatched.push(order.key);
                        }
                    }
                    Err(error) if error.kind() == ErrorKind::NotFound => {
                        found.extra.push(order.key);
                    }
                    Err(error) => found.errors.push(error.with_context("order", &order.key)),
                }
            }
        }
        for unreadable in &found.unreadable {
            self.put_aside(known, unreadable.clone(), now, &mut report).await?;
        }
        Ok(found)
    }
}
