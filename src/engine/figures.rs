//! The platforms' own figures, kept beside ours and compared with them.

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future;

use super::compare::AGAIN;
use super::round::contained;
use super::time::{earlier, later};
use super::{Engine, Schedule};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::ShopKey;
use crate::order::TimeRange;
use crate::ports::StatedFigure;
use crate::rules::kpi::{
    CrossCheck, DenominatorMode, KpiId, KpiQuery, KpiScope, KpiTargets, OrderExtras,
    PlatformFigure, Window, cross_check,
};

/// Shops and the figures their platforms stated.
pub(super) type FiguresRead = Vec<(ShopKey, Result<Vec<StatedFigure>>)>;

impl Engine {
    /// Reads the figures of every shop whose platform shows some and that is due by
    /// [`Schedule::figures_every`]. [`Engine::run`] does this beside its ticks; a host that calls
    /// [`Engine::tick`] by itself calls it now and then.
    pub async fn figures_due(
        &self,
        schedule: &Schedule,
        now: DateTime<Utc>,
    ) -> Vec<(ShopKey, Result<Vec<StatedFigure>>)> {
        let Some(pause) = schedule.figures_every else { return Vec::new() };
        let pause = TimeDelta::from_std(pause).unwrap_or(TimeDelta::MAX);
        let due = self.0.shops.keys().filter(|shop| self.may_read_figures(shop, now));
        let read = future::join_all(due.map(|shop| async move {
            let reading = self.patiently(shop, "seller_figures", self.read_figures(shop, now));
            (shop, contained(shop, "seller_figures", reading).await.and_then(|stated| stated))
        }))
        .await;
        let mut told = FiguresRead::new();
        for (shop, outcome) in read {
            let pause = if outcome.is_ok() { pause } else { pause.min(AGAIN) };
            self.shop_states().entry(shop.clone()).or_default().figures_at =
                Some(later(now, pause));
            if let Err(error) = &outcome {
                self.stop_if_refused(shop, error, now);
            }
            told.push((shop.clone(), outcome));
        }
        told
    }

    /// Whether the figures of any shop are due to be read.
    pub(super) fn has_figures_to_read(&self, schedule: &Schedule, now: DateTime<Utc>) -> bool {
        schedule.figures_every.is_some()
            && self.0.shops.keys().any(|shop| self.may_read_figures(shop, now))
    }

    fn may_read_figures(&self, shop: &ShopKey, now: DateTime<Utc>) -> bool {
        let able = self.0.shops.get(shop).is_some_and(|known| known.adapter.figures().is_some());
        let next = self.shop_states().get(shop).and_then(|state| state.figures_at);
        able && !self.is_stopped(shop, now) && next.is_none_or(|next| next <= now)
    }

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
