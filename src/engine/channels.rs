//! One stock, many shops: after a sale or a return every shop that offers the goods is told.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::Engine;
use super::advance::stock_failure;
use super::round::{Part, Turn};
use crate::error::{Error, Result};
use crate::ids::{ShopKey, Sku};
use crate::ports::StockLevel;

/// SKUs whose level is read and told at once.
const AT_ONCE: usize = 200;

/// What telling the shops came to.
#[derive(Debug, Default)]
pub struct ChannelReport {
    /// Levels that shops took.
    pub told: u64,
    /// Levels that were not taken; they are told again the next time.
    pub failed: Vec<(ShopKey, Sku, Error)>,
}

impl Engine {
    /// Notes that the levels of some SKUs changed.
    pub(super) fn stock_moved<'a>(&self, skus: impl Iterator<Item = &'a Sku> + Clone) {
        let mut states = self.shop_states();
        for shop in self.0.shops.values().filter(|shop| !shop.offers.is_empty()) {
            let state = states.entry(shop.key.clone()).or_default();
            if let Some(untold) = &mut state.untold {
                untold.extend(skus.clone().filter(|sku| shop.offers.contains_key(*sku)).cloned());
            }
        }
    }

    /// Notes that every shop must be told every level, for example after stock-taking.
    pub fn stock_counted(&self) {
        for state in self.shop_states().values_mut() {
            state.untold = None;
        }
    }

    /// Tells every shop the levels that changed since it was told last; after a start all of them.
    /// Levels are absolute, so telling one twice does no harm. Only shops with offers
    /// ([`Shop::with_offers`](super::Shop::with_offers)) are told, each within its share; the rest is told the next time.
    ///
    /// # Errors
    /// Of the stock system; what shops do not take is in the report.
    pub async fn push_stock(&self, now: DateTime<Utc>) -> Result<ChannelReport> {
        self.push_stock_in(&self.round().part(), now).await
    }

    pub(super) async fn push_stock_in(
        &self,
        part: &Part<'_>,
        now: DateTime<Utc>,
    ) -> Result<ChannelReport> {
        let mut due = Vec::new();
        {
            let mut states = self.shop_states();
            for shop in self.0.shops.values().filter(|shop| !shop.offers.is_empty()) {
                let state = states.entry(shop.key.clone()).or_default();
                // What changes from here on is told the next time.
                let untold = state.untold.replace(BTreeSet::new());
                let skus = untold.unwrap_or_else(|| shop.offers.keys().cloned().collect());
                due.push(Untold { engine: self, shop: shop.key.clone(), skus });
            }
        }
        due.retain(|untold| {
            !untold.skus.is_empty()
                && !self.is_stopped(&untold.shop, now)
                && !part.round.is_silent(&untold.shop)
        });
        let outcomes = self
            .per_shop(
                Turn::Share(part),
                due,
                |untold: &Untold<'_>| untold.shop.clone(),
                |mut untold| async move {
                    let mut report = ChannelReport::default();
                    let outcome = self.tell(&mut untold, &mut report).await;
                    (report, outcome)
                },
            )
            .await;
        let mut report = ChannelReport::default();
        let mut failure = None;
        for worked in outcomes {
            let done = worked.done(|error| failure = failure.take().or(Some(error)));
            let Some((one, outcome)) = done else { continue };
            report.told += one.told;
            for (shop, _, error) in &one.failed {
                self.stop_if_refused(shop, error, now);
            }
            report.failed.extend(one.failed);
            failure = failure.or(outcome.err());
        }
        failure.map_or(Ok(report), Err)
    }

    /// Tells one shop. What it took is untold no more.
    async fn tell(&self, untold: &mut Untold<'_>, report: &mut ChannelReport) -> Result<()> {
        let shop = self.shop(&untold.shop)?;
        let Some(ability) = shop.adapter.stock() else {
            return Err(Error::unsupported("the platform takes no stock levels")
                .with_context("shop", &shop.key));
        };
        let skus: Vec<Sku> = untold.skus.iter().cloned().collect();
        for part in skus.chunks(AT_ONCE) {
            let view = self.0.stock.view(part, None).await.map_err(stock_failure)?;
            let levels: Vec<StockLevel> = part
                .iter()
                .map(|sku| StockLevel {
                    sku: sku.clone(),
                    listing: shop.offers.get(sku).cloned().flatten(),
                    warehouse: None,
                    units: view.total(sku),
                })
                .collect();
            let mut outcomes = ability.push_stock(&levels).await.into_iter();
            for level in levels {
                match outcomes.next() {
                    Some(Ok(())) => {
                        report.told += 1;
                        untold.skus.remove(&level.sku);
                    }
                    Some(Err(error)) => {
                        report.failed.push((shop.key.clone(), level.sku, error));
                    }
                    None => {}
                }
            }
        }
        Ok(())
    }
}

/// Levels that a shop is to be told. What it was not told when this is dropped, for whatever reason,
/// is told the next time.
struct Untold<'a> {
    engine: &'a Engine,
    shop: ShopKey,
    skus: BTreeSet<Sku>,
}

impl Drop for Untold<'_> {
    fn drop(&mut self) {
        let mut states = self.engine.shop_states();
        if let Some(state) = states.get_mut(&self.shop)
            && let Some(untold) = &mut state.untold
        {
            untold.append(&mut self.skus);
        }
    }
}
