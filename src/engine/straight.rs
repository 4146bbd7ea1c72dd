//! Straight through: from the platform's list to the uploaded number without a person.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use tokio::sync::mpsc;

use super::labels::{Buying, Known, wants_label};
use super::{AdvanceReport, Engine, ItemOutcome, PackageRef, SyncReport, Trouble};
use crate::error::Result;
use crate::ids::ShopKey;
use crate::order::Order;
use crate::ports::{OrderQuery, PageWalk};

/// How orders go straight through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct StraightOptions {
    /// Orders in flight at once. Default 16.
    pub in_flight: usize,
    /// Whether shipment is confirmed and uploaded as soon as the label is bought, for houses in which
    /// packing is not recorded. Default yes.
    pub confirm: bool,
}

impl Default for StraightOptions {
    fn default() -> Self {
        Self { in_flight: 16, confirm: true }
    }
}

impl StraightOptions {
    /// Sets how many orders are in flight at once, at least 1.
    #[must_use]
    pub const fn with_in_flight(mut self, orders: usize) -> Self {
        self.in_flight = if orders == 0 { 1 } else { orders };
        self
    }

    /// Sets whether shipment is confirmed as soon as the label is bought.
    #[must_use]
    pub const fn with_confirm(mut self, confirm: bool) -> Self {
        self.confirm = confirm;
        self
    }
}

/// What went straight through.
#[derive(Debug, Default)]
pub struct StraightReport {
    /// What reading brought.
    pub read: SyncReport,
    /// Review, acknowledgement, allocation.
    pub advanced: AdvanceReport,
    /// Labels bought.
    pub labels: u64,
    /// Purchases whose answer was lost; recovery goes on.
    pub ambiguous: u64,
    /// Parcels confirmed.
    pub shipped: u64,
}

/// What became of one order.
#[derive(Default)]
struct Passed {
    advanced: AdvanceReport,
    labels: u64,
    ambiguous: u64,
    shipped: u64,
}

impl Engine {
    /// Reads the orders placed in a window and takes each through to the uploaded number while
    /// later pages are still being read. Every step is written down as everywhere else, so that a
    /// crash at any instant loses and repeats nothing. Memory does not grow with the window: reading
    /// waits while enough orders are in flight.
    ///
    /// # Errors
    /// Of reading or the store; troubles of single orders are in the report.
    pub async fn straight_through(
        &self,
        shop: &ShopKey,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        options: &StraightOptions,
        now: DateTime<Utc>,
    ) -> Result<StraightReport> {
        let known = self.shop(shop)?;
        let (sender, receiver) = mpsc::channel::<(Order, Arc<Vec<Order>>)>(options.in_flight);
        let query = OrderQuery::Created { from, to };
        let reading = async move {
            let sender = &sender;
            let mut walk = PageWalk::new();
            let pages = self.read_pages(known, &query, &mut walk, None, now, |orders| async move {
                let recent = self.recent_of_buyers(&orders, now).await.unwrap_or_default();
                let recent = Arc::new(recent);
                for order in orders {
                    // The receiver lives as long as this call.
                    let _ = sender.send((order, Arc::clone(&recent))).await;
                }
            });
            pages.await
        };
        let buying = &Buying::default();
        let passing = futures_util::stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|item| (item, receiver))
        })
        .map(|(order, recent)| async move { self.pass(order, &recent, options, buying, now).await })
        .buffer_unordered(options.in_flight)
        .fold(Passed::default(), |mut sum, one| async move {
            sum.advanced.add(one.advanced);
            sum.labels += one.labels;
            sum.ambiguous += one.ambiguous;
            sum.shipped += one.shipped;
            sum
        });
        let (read, passed) = futures_util::future::join(reading, passing).await;
        Ok(StraightReport {
            read: read?,
            advanced: passed.advanced,
            labels: passed.labels,
            ambiguous: passed.ambiguous,
            shipped: passed.shipped,
        })
    }

    async fn pass(
        &self,
        order: Order,
        recent: &[Order],
        options: &StraightOptions,
        buying: &Buying,
        now: DateTime<Utc>,
    ) -> Passed {
        let (order, advanced) = self.advance_one(order, recent, now).await;
        let mut passed = Passed { advanced, ..Passed::default() };
        let key = order.key.clone();
        let parcels: Vec<PackageRef> = order
            .packages
            .iter()
            .filter(|package| wants_label(package))
            .map(|package| PackageRef { order: key.clone(), package: package.id.clone() })
            .collect();
        let mut held = Some(order);
        for item in &parcels {
            let known = Known { order: held.take(), read_at: Some(now) };
            match self.buy_one(item, known, buying, now).await {
                Ok((ItemOutcome::Done(_), order)) => {
                    passed.labels += 1;
                    held = order;
                }
                Ok((ItemOutcome::Ambiguous(_), _)) => {
                    passed.ambiguous += 1;
                    continue;
                }
                Ok((ItemOutcome::Failed(error), _)) | Err(error) => {
                    let order = key.clone();
                    passed.advanced.troubles.push(Trouble { order, step: "buy label", error });
                    continue;
                }
                Ok(_) => continue,
            }
            if !options.confirm {
                continue;
            }
            // Several parcels change the same order: only the last read is known to be fresh.
            let known = Known { order: held.take(), read_at: Some(now) };
            match self.confirm_one(item, known, now, now).await {
                Ok(ItemOutcome::Done(())) => passed.shipped += 1,
                Ok(_) => {}
                Err(error) => {
                    let order = key.clone();
                    passed.advanced.troubles.push(Trouble { order, step: "confirm", error });
                }
            }
        }
        passed
    }
}
