//! The figures by which Walmart judges a seller: `GET /v3/insights/performance/{figure}/summary`.
//! The OpenAPI file has none of these calls: the names are those of the guide.

use async_trait::async_trait;
use chrono::TimeDelta;
use http::StatusCode;
use rust_decimal::Decimal;
use serde::Deserialize;

use super::{Walmart, quota};
use crate::client::wire::{exact_decimal_opt, unexpected};
use crate::client::{Operation, Outgoing, Repeat, Response};
use crate::error::{ErrorKind, Result};
use crate::ports::{SellerFigures, StatedFigure};

/// A figure, and the days it is judged over.
struct Figure {
    name: &'static str,
    days: u16,
    /// Of ours; `None` where theirs counts something else, or the opposite.
    kpi: Option<&'static str>,
}

/// What sellers are judged by, over the windows of the performance standards.
const FIGURES: &[Figure] = &[
    // The share that arrived in time; ours is the share that did not.
    Figure { name: "otd", days: 30, kpi: None },
    Figure { name: "vtr", days: 30, kpi: Some("KPI-08") },
    Figure { name: "cancellations", days: 30, kpi: Some("KPI-02") },
    // Within 48 hours; ours is within 24 unless told otherwise.
    Figure { name: "srr", days: 30, kpi: None },
    Figure { name: "returns", days: 60, kpi: None },
    Figure { name: "negativeFeedback", days: 60, kpi: None },
    // Items that did not arrive.
    Figure { name: "inr", days: 60, kpi: None },
];

/// What the guide calls `inr` is `itemNotReceived` in programs that read it.
const ALSO_CALLED: (&str, &str) = ("inr", "itemNotReceived");

struct Summary {
    name: &'static str,
    days: u16,
}

/// The rates are in percent: 73.18.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rates {
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    cumulative_rate: Option<Decimal>,
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    overall_rate: Option<Decimal>,
    /// Without what the seller could not help: the one that standards are about.
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    seller_accountable_rate: Option<Decimal>,
}

impl Rates {
    /// The figure that counts, and the one with everything in it.
    fn shown(&self) -> Option<(Decimal, Option<Decimal>)> {
        let whole = self.cumulative_rate.or(self.overall_rate);
        match self.seller_accountable_rate {
            Some(accountable) => Some((accountable, whole)),
            None => whole.map(|whole| (whole, None)),
        }
    }
}

impl Operation for Summary {
    type Output = Option<Rates>;
    const NAME: &'static str = "seller_figures";
    const REPEAT: Repeat = Repeat::Freely;
    const QUOTA: &'static str = quota::FIGURES;

    fn request(&self) -> Result<Outgoing> {
        let path = format!("/v3/insights/performance/{}/summary", self.name);
        Ok(Outgoing::get(path).query("reportDuration", self.days.to_string()))
    }

    fn parse(&self, response: Response) -> Result<Self::Output> {
        #[derive(Deserialize)]
        struct Answer {
            payload: Rates,
        }
        if response.status == StatusCode::NO_CONTENT {
            return Ok(None);
        }
        Ok(Some(response.json::<Answer>()?.payload))
    }
}

fn fraction(percent: Decimal) -> Result<Decimal> {
    if !(Decimal::ZERO..=Decimal::ONE_HUNDRED).contains(&percent) {
        return Err(unexpected("payload has a rate that is no percentage"));
    }
    Ok((percent / Decimal::ONE_HUNDRED).normalize())
}

impl Walmart {
    async fn rates_of(&self, figure: &Figure) -> Result<Option<Rates>> {
        let (name, other) = ALSO_CALLED;
        let answer = self.client.call(&Summary { name: figure.name, days: figure.days }).await;
        match answer {
            Err(error) if error.kind() == ErrorKind::NotFound && figure.name == name => {
                self.client.call(&Summary { name: other, days: figure.days }).await
            }
            answer => answer,
        }
    }
}

#[async_trait]
impl SellerFigures for Walmart {
    async fn stated(&self) -> Result<Vec<StatedFigure>> {
        let to = self.clock.now();
        let mut stated = Vec::with_capacity(FIGURES.len());
        let mut unknown = None;
        for figure in FIGURES {
            let rates = match self.rates_of(figure).await {
                // A figure that was moved or taken away costs none of the others.
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    unknown = Some(error.with_context("figure", figure.name));
                    continue;
                }
                other => other?,
            };
            // A new account has none.
            let Some((value, whole)) = rates.as_ref().and_then(Rates::shown) else { continue };
            let from = to
                .checked_sub_signed(TimeDelta::days(i64::from(figure.days)))
                .ok_or_else(|| unexpected("the clock stands before the calendar"))?;
            stated.push(StatedFigure {
                name: figure.name.to_owned(),
                kpi: figure.kpi.map(str::to_owned),
                value: fraction(value)?,
                numerator: None,
                denominator: None,
                value_with_excluded: whole.map(fraction).transpose()?,
                from,
                to,
            });
        }
        match unknown {
            Some(error) if stated.is_empty() => Err(error),
            _ => Ok(stated),
        }
    }
}
