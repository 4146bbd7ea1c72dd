//! Which of the services that are left comes first.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::filter::Promise;
use super::{RouteInput, RoutePolicy, ServiceAliases};
use crate::money::{Currency, Money};
use crate::shipment::{CarrierService, RateQuote, ServiceKey};

/// How reliable a service has been, from KPI-06 and KPI-17.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarrierReliability {
    /// Parcels decided.
    pub decided: u32,
    /// Of those, late.
    pub late: u32,
}

impl CarrierReliability {
    /// Late more often than 5 % over at least 30 parcels.
    #[must_use]
    pub const fn is_persistently_late(self) -> bool {
        self.decided >= 30 && 100 * (self.late as u64) > 5 * (self.decided as u64)
    }

    pub(super) fn compare(self, other: Self) -> Ordering {
        let cross = |a: u32, b: u32| u64::from(a) * u64::from(b.max(1));
        cross(self.late, other.decided).cmp(&cross(other.late, self.decided))
    }
}

/// Why a quote is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum QuoteProblem {
    /// Older than the policy allows.
    Stale,
    /// Asked for after now: some clock is wrong.
    FromTheFuture,
}

impl std::fmt::Display for QuoteProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Stale => "is too old",
            Self::FromTheFuture => "is from the future",
        })
    }
}

/// Whether a quote can be used at an instant.
pub(super) fn quote_problem(
    quote: &RateQuote,
    policy: &RoutePolicy,
    now: DateTime<Utc>,
) -> Option<QuoteProblem> {
    let age = now - quote.quoted_at;
    if age < TimeDelta::zero() {
        Some(QuoteProblem::FromTheFuture)
    } else if age > TimeDelta::hours(i64::from(policy.quote_ttl_hours)) {
        Some(QuoteProblem::Stale)
    } else {
        None
    }
}

/// The prices a decision is made with, by service: of several for one service the cheapest, then
/// the one that arrives first.
#[derive(Debug, Default)]
pub(super) struct Prices<'a> {
    best: BTreeMap<&'a ServiceKey, &'a RateQuote>,
    currency: Option<Currency>,
}

impl<'a> Prices<'a> {
    pub(super) fn of(
        quotes: impl Iterator<Item = &'a RateQuote>,
        aliases: &'a ServiceAliases,
    ) -> Self {
        let mut best: BTreeMap<&ServiceKey, &RateQuote> = BTreeMap::new();
        for quote in quotes {
            best.entry(aliases.resolve(&quote.service))
                .and_modify(|known| {
                    if compare_quotes(quote, known) == Ordering::Less {
                        *known = quote;
                    }
                })
                .or_insert(quote);
        }
        let currency = main_currency(best.values().map(|quote| quote.total.currency));
        Self { best, currency }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.best.is_empty()
    }

    pub(super) fn get(&self, service: &ServiceKey) -> Option<&'a RateQuote> {
        self.best.get(service).copied()
    }

    pub(super) fn total(&self, service: &ServiceKey) -> Option<Money> {
        self.get(service).map(|quote| quote.total)
    }

    /// The currency in which prices are compared.
    pub(super) const fn currency(&self) -> Option<Currency> {
        self.currency
    }

    pub(super) fn promise(&self, service: &ServiceKey) -> Promise {
        self.get(service).map_or_else(Promise::default, |quote| Promise {
            deliver_on: quote.deliver_on,
            transit_days: quote.transit_days,
        })
    }

    pub(super) fn transit_days(&self, service: &CarrierService) -> u32 {
        self.promise(&service.key).transit_days.unwrap_or(service.max_transit_days)
    }
}

/// The better of two offers for one service. Total, so that the order of quotes never matters.
pub(super) fn compare_quotes(a: &RateQuote, b: &RateQuote) -> Ordering {
    let arrival = |quote: &RateQuote| quote.deliver_on.unwrap_or(NaiveDate::MAX);
    let transit = |quote: &RateQuote| quote.transit_days.unwrap_or(u32::MAX);
    (a.total.currency, a.total.amount)
        .cmp(&(b.total.currency, b.total.amount))
        .then_with(|| arrival(a).cmp(&arrival(b)))
        .then_with(|| transit(a).cmp(&transit(b)))
        .then_with(|| b.guaranteed.cmp(&a.guaranteed))
        .then_with(|| a.token.cmp(&b.token))
        .then_with(|| b.quoted_at.cmp(&a.quoted_at))
        .then_with(|| a.service.cmp(&b.service))
        .then_with(|| a.name.cmp(&b.name))
}

/// Prices are compared in one currency: the one most of them have, ties by code.
pub(super) fn main_currency(of: impl Iterator<Item = Currency>) -> Option<Currency> {
    let mut counts: BTreeMap<Currency, u32> = BTreeMap::new();
    for currency in of {
        *counts.entry(currency).or_default() += 1;
    }
    counts.into_iter().max_by(|a, b| a.1.cmp(&b.1).then_with(|| b.0.cmp(&a.0))).map(|(c, _)| c)
}

/// One service as ranking sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Runner<'a> {
    pub(super) service: &'a CarrierService,
    /// The price minus what rules pretend it is cheaper by; `None` without prices.
    pub(super) cost: Option<Decimal>,
    /// By how much rules prefer it.
    pub(super) discount: Decimal,
    pub(super) transit_days: u32,
    pub(super) reliability: CarrierReliability,
}

impl Runner<'_> {
    /// The order of preference: cost, or without prices preference, price class and weight; then
    /// what [`Self::compare_ties`] says.
    pub(super) fn compare(
        &self,
        other: &Self,
        input: &RouteInput<'_>,
        policy: &RoutePolicy,
    ) -> Ordering {
        match (self.cost, other.cost) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => {
                // Light parcels go by economy services first, heavy ones by ground.
                let light = input.weight <= policy.light_max;
                let key = |runner: &Self| {
                    let service = runner.service;
                    (Reverse(runner.discount), service.cost_tier, service.economy != light)
                };
                key(self).cmp(&key(other))
            }
        }
        .then_with(|| self.compare_ties(other, policy))
    }

    /// Shorter longest transit, then lower delay rate, then priority, then the key. Where the
    /// policy demotes them, persistently late services lose ties.
    pub(super) fn compare_ties(&self, other: &Self, policy: &RoutePolicy) -> Ordering {
        let demoted =
            |runner: &Self| policy.demote_late && runner.reliability.is_persistently_late();
        demoted(self)
            .cmp(&demoted(other))
            .then_with(|| self.transit_days.cmp(&other.transit_days))
            .then_with(|| self.reliability.compare(other.reliability))
            .then_with(|| self.service.priority.cmp(&other.service.priority))
            .then_with(|| self.service.key.cmp(&other.service.key))
    }
}
