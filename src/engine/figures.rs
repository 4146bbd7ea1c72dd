//! The platforms' own figures, kept beside ours and compared with them.

use chrono::{DateTime, TimeDelta, Utc};

use super::Engine;
use super::time::earlier;
use crate::error::{Error, ErrorKind, Result};
use crate::ids::ShopKey;
use crate::order::TimeRange;
use crate::ports::StatedFigure;
use crate::rules::kpi::{
    CrossCheck, DenominatorMode, KpiId, KpiQuery, KpiScope, KpiTargets, OrderExtras,
    PlatformFigure, Window, cross_check,
};

impl Engine {
    /// Reads the figures by which the platform judges the seller, and keeps them.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] when the platform shows none; of the adapter or the store.
    pub async fn read_figures(
        &self,
        shop: &ShopKey,
        now: DateTime<Utc>,
    ) -> Result<Vec<StatedFigure>> {
        let known = self.shop(shop)?;
        let Some(ability) = known.adapter.figures() else {
            return Err(Error::unsupported("the platform shows no figures of the seller"));
        };
        let stated = ability.stated().await?;
        self.0.store.keep_figures(shop, now, &stated).await?;
        Ok(stated)
    }

    /// The figures a platform stated last, each beside ours of the same window and, where they
    /// differ, with what may explain it. Figures without a counterpart here are left out.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`]; [`ErrorKind::Configuration`] when a stated window ends before it
    /// begins.
    pub async fn compare_figures(
        &self,
        shop: &ShopKey,
        now: DateTime<Utc>,
    ) -> Result<Vec<CrossCheck>> {
        let mut latest = std::collections::BTreeMap::new();
        for (at, figure) in self.0.store.figures(shop, DateTime::<Utc>::MIN_UTC).await? {
            latest.insert(figure.name.clone(), (at, figure));
        }
        let mut checks = Vec::new();
        for (read_at, figure) in latest.into_values() {
            let kpi = KpiId::ALL.into_iter().find(|id| figure.kpi.as_deref() == Some(id.code()));
            let Some(kpi) = kpi else { continue };
            let window = Window::new(figure.from, figure.to);
            // Orders ship and arrive later than they are placed.
            let placed = TimeRange {
                from: Some(earlier(figure.from, TimeDelta::days(30))),
                to: Some(figure.to),
            };
            let facts = self.order_facts(placed, now, |_| OrderExtras::default()).await?;
            let scope = KpiScope {
                shops: vec![shop.shop.clone()],
                platforms: vec![shop.platform.clone()],
                ..KpiScope::default()
            };
            let counters = KpiQuery::new(window, now.min(figure.to))
                .with_kpis([kpi])
                .within(scope)
                .count(&facts)
                .map_err(|error| {
                    Error::new(ErrorKind::Configuration, error.to_string())
                        .with_context("figure", &figure.name)
                })?;
            let ours = counters.total(kpi, DenominatorMode::Decided, &KpiTargets::default());
            let theirs = PlatformFigure {
                shop: shop.clone(),
                kpi,
                name: figure.name,
                value: figure.value,
                numerator: figure.numerator,
                denominator: figure.denominator,
                window,
                read_at,
                value_with_excluded: figure.value_with_excluded,
            };
            checks.extend(cross_check(&ours, theirs));
        }
        Ok(checks)
    }
}
