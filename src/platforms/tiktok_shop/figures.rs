//! The figures that the platform states about a shop.

use async_trait::async_trait;
use chrono::{DateTime, Days, NaiveTime, Utc};
use rust_decimal::Decimal;
use serde::Deserialize;

use super::calls::{calls, get};
use super::{TIKTOK_SHOP, TikTokShop, quota, wire};
use crate::client::wire::{exact_decimal_opt, integer_opt, unexpected};
use crate::client::{Operation, Outgoing, Repeat, Response};
use crate::error::{Error, ErrorKind, Result};
use crate::ports::{SellerFigures, StatedFigure};

/// The period whose chats are judged: the platform wants one and names none.
const DAYS: Days = Days::new(7);

calls! {
    /// `GET /customer_service/202407/performance`.
    GetPerformance = "seller_figures", Freely, MESSAGES => Answer;
}

#[derive(Deserialize)]
pub(super) struct Answer {
    #[serde(default)]
    performance: Option<Performance>,
}

#[derive(Deserialize)]
struct Performance {
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    response_percentage: Option<Decimal>,
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    satisfaction_percentage: Option<Decimal>,
    #[serde(default, deserialize_with = "integer_opt")]
    support_session_count: Option<u64>,
}

#[async_trait]
impl SellerFigures for TikTokShop {
    /// How chats of the seven days before today (UTC) were answered: the share that got a first
    /// answer within 24 hours, and the share of the rated ones that pleased. No call is known that
    /// states figures about shipping.
    async fn stated(&self) -> Result<Vec<StatedFigure>> {
        let today = self.clock.now().date_naive();
        let first = today.checked_sub_days(DAYS).ok_or_else(|| {
            Error::new(ErrorKind::Configuration, "the clock is at the beginning of time")
                .with_operation(TIKTOK_SHOP.as_str(), "seller_figures")
        })?;
        let path = "/customer_service/202407/performance".to_owned();
        let call = get(path, &self.cipher)
            .query("support_date_ge", first.to_string())
            .query("support_date_lt", today.to_string());
        let told = self.client.call(&GetPerformance(call)).await?.performance;
        let told = told.ok_or_else(|| unexpected("performance is missing"))?;
        let midnight =
            |day: chrono::NaiveDate| -> DateTime<Utc> { day.and_time(NaiveTime::MIN).and_utc() };
        let figure =
            |name: &str, kpi: Option<&str>, percent: Decimal, of: Option<u64>| StatedFigure {
                name: name.to_owned(),
                kpi: kpi.map(str::to_owned),
                value: percent / Decimal::ONE_HUNDRED,
                numerator: None,
                denominator: of,
                value_with_excluded: None,
                from: midnight(first),
                to: midnight(today),
            };
        let answered = told.response_percentage.map(|percent| {
            figure("response_percentage", Some("KPI-11"), percent, told.support_session_count)
        });
        // Of how many ratings is not told.
        let pleased = told
            .satisfaction_percentage
            .map(|percent| figure("satisfaction_percentage", None, percent, None));
        Ok(answered.into_iter().chain(pleased).collect())
    }
}
