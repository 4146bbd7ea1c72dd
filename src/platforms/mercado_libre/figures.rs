//! The reputation figures: `GET /users/{id}`.

use async_trait::async_trait;
use chrono::TimeDelta;
use rust_decimal::Decimal;
use serde::Deserialize;

use super::calls::{Get, Resource};
use super::{MercadoLibre, quota};
use crate::client::wire::exact_decimal_opt;
use crate::error::Result;
use crate::ports::{SellerFigures, StatedFigure};

#[derive(Deserialize)]
struct User {
    #[serde(default)]
    seller_reputation: Option<Reputation>,
}

#[derive(Deserialize)]
struct Reputation {
    #[serde(default)]
    metrics: Option<Metrics>,
}

#[derive(Deserialize)]
struct Metrics {
    #[serde(default)]
    sales: Option<Sales>,
    #[serde(default)]
    claims: Option<Metric>,
    #[serde(default)]
    delayed_handling_time: Option<Metric>,
    #[serde(default)]
    cancellations: Option<Metric>,
}

#[derive(Deserialize)]
struct Sales {
    #[serde(default)]
    completed: Option<u64>,
}

#[derive(Deserialize)]
struct Metric {
    #[serde(default)]
    period: Option<String>,
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    rate: Option<Decimal>,
    #[serde(default)]
    value: Option<u64>,
    #[serde(default)]
    excluded: Option<Excluded>,
}

#[derive(Deserialize)]
struct Excluded {
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    real_rate: Option<Decimal>,
}

impl Resource for User {
    const NAME: &'static str = "seller_figures";
    const QUOTA: &'static str = quota::ACCOUNT;
}

/// `60 days`.
fn days(period: &str) -> Option<i64> {
    let (count, unit) = period.trim().split_once(' ')?;
    let count: i64 = count.parse().ok()?;
    (unit.starts_with("day") && (1..=3_660).contains(&count)).then_some(count)
}

#[async_trait]
impl SellerFigures for MercadoLibre {
    async fn stated(&self) -> Result<Vec<StatedFigure>> {
        let call = Get::<User>::new(format!("/users/{}", self.seller));
        let (user, _) = self.client.call(&call).await?;
        let to = self.clock.now();
        let Some(metrics) = user.seller_reputation.and_then(|reputation| reputation.metrics) else {
            return Ok(Vec::new());
        };
        let sales = metrics.sales.and_then(|sales| sales.completed);
        let rows = [
            ("claims", "KPI-05", metrics.claims, sales),
            // Of dispatches by the platform's own transport, whose number is not told.
            ("delayed_handling_time", "KPI-09", metrics.delayed_handling_time, None),
            ("cancellations", "KPI-02", metrics.cancellations, sales),
        ];
        let figure =
            |(name, kpi, metric, denominator): (&str, &str, Option<Metric>, Option<u64>)| {
                let metric = metric?;
                // A figure without a window cannot be compared with anything.
                let from =
                    to.checked_sub_signed(TimeDelta::days(days(metric.period.as_deref()?)?))?;
                Some(StatedFigure {
                    name: name.to_owned(),
                    kpi: Some(kpi.to_owned()),
                    value: metric.rate?,
                    numerator: metric.value,
                    denominator,
                    value_with_excluded: metric.excluded.and_then(|excluded| excluded.real_rate),
                    from,
                    to,
                })
            };
        Ok(rows.into_iter().filter_map(figure).collect())
    }
}
