//! One stock, many shops: after a sale or a return every shop that offers the goods is told.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::advance::stock_failure;
use super::{Engine, Shop};
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
    /// ([`Shop::with_offers`]) are told.
    ///
    /// # Errors
    /// Of the stock system; what shops do not take is in the report.
    pub async fn push_stock(&self, now: DateTime<Utc>) -> Result<ChannelReport> {
        let mut due: BTreeMap<ShopKey, BTreeSet<Sku>> = BTreeMap::new();
        {
            let mut states = self.shop_states();
            for shop in self.0.shops.values().filter(|shop| !shop.offers.is_empty()) {
                let state = states.entry(shop.key.clone()).or_default();
                // What changes from here on is told the next time.
                let untold = state.untold.replace(BTreeSet::new());
                let skus = untold.unwrap_or_else(|| shop.offers.keys().cloned().collect());
                due.insert(shop.key.clone(), skus);
            }
        }
        let due: Vec<(ShopKey, BTreeSet<Sku>)> =
            due.into_iter().filter(|(_, skus)| !skus.is_empty()).collect();
        let outcomes = self
            .per_shop(
                due,
                |(shop, _): &(ShopKey, BTreeSet<Sku>)| shop.clone(),
                |(shop, skus)| async move {
                    let outcome = match self.shop(&shop) {
                        Ok(known) if !self.is_stopped(&shop, now) => self.tell(known, &skus).await,
                        Ok(_) => Ok((0, skus.iter().map(|sku| (sku.clone(), None)).collect())),
                        Err(error) => Err(error),
                    };
                    (shop, skus, outcome)
                },
            )
            .await;
        let mut report = ChannelReport::default();
        let mut failure = None;
        for (shop, skus, outcome) in outcomes {
            let untold: BTreeSet<Sku> = match outcome {
                Ok((told, failed)) => {
                    report.told += told;
                    let untold = failed.iter().map(|(sku, _)| sku.clone()).collect();
                    for (sku, error) in failed {
                        if let Some(error) = error {
                            self.stop_if_refused(&shop, &error, now);
                            report.failed.push((shop.clone(), sku, error));
                        }
                    }
                    untold
                }
                Err(error) => {
                    failure = failure.or(Some(error));
                    skus
                }
            };
            if let Some(known) = &mut self.shop_states().entry(shop).or_default().untold {
                known.extend(untold);
            }
        }
        failure.map_or(Ok(report), Err)
    }

    /// Tells one shop. Returns how many levels it took, and which it did not.
    async fn tell(
        &self,
        shop: &Shop,
        skus: &BTreeSet<Sku>,
    ) -> Result<(u64, Vec<(Sku, Option<Error>)>)> {
        let Some(ability) = shop.adapter.stock() else {
            return Err(Error::unsupported("the platform takes no stock levels")
                .with_context("shop", &shop.key));
        };
        let skus: Vec<Sku> = skus.iter().cloned().collect();
        let (mut told, mut failed) = (0, Vec::new());
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
                    Some(Ok(())) => told += 1,
                    Some(Err(error)) => failed.push((level.sku, Some(error))),
                    None => failed.push((level.sku, None)),
                }
            }
        }
        Ok((told, failed))
    }
}
