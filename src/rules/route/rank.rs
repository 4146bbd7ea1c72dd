//! Which of the services that are left comes first.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::filter::{Promise, Schedule, ServiceRejection};
use super::{RouteFacts, RouteInput, RoutePolicy, ServiceAliases};
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
    /// Its price is below zero.
    Negative,
    /// It promises a day before the parcel can leave.
    ArrivesBeforeLeaving,
    /// Its service is not in the catalogue.
    UnknownService,
    /// Its price is in another currency than those that are compared.
    OtherCurrency,
}

impl std::fmt::Display for QuoteProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Stale => "is too old",
            Self::FromTheFuture => "is from the future",
            Self::Negative => "has a price below zero",
            Self::ArrivesBeforeLeaving => "promises a day before the parcel can leave",
            Self::UnknownService => "is for a service that is not in the catalogue",
            Self::OtherCurrency => "is in another currency than those compared",
        })
    }
}

/// What quotes are judged by, whatever their price.
pub(super) struct QuoteJudge<'a> {
    pub(super) facts: &'a RouteFacts<'a>,
    pub(super) policy: &'a RoutePolicy,
    pub(super) schedule: &'a Schedule<'a>,
    pub(super) now: DateTime<Utc>,
}

impl QuoteJudge<'_> {
    /// Why a quote cannot be used, if it cannot.
    pub(super) fn problem(&self, quote: &RateQuote) -> Option<QuoteProblem> {
        let service = self.facts.aliases.resolve(&quote.service);
        if !self.facts.services.iter().any(|known| known.key == *service) {
            return Some(QuoteProblem::UnknownService);
        }
        let age = self.now - quote.quoted_at;
        if age < TimeDelta::zero() {
            return Some(QuoteProblem::FromTheFuture);
        }
        if age > TimeDelta::hours(i64::from(self.policy.quote_ttl_hours)) {
            return Some(QuoteProblem::Stale);
        }
        if quote.total.is_negative() {
            return Some(QuoteProblem::Negative);
        }
        let deliver_on = quote.deliver_on?;
        let account = self.facts.accounts.get(&service.carrier);
        let leaves = self.schedule.leaves(account.and_then(|account| account.calendar.as_ref()))?;
        (deliver_on < leaves).then_some(QuoteProblem::ArrivesBeforeLeaving)
    }
}

/// What may be asked for each service: usable quotes, and contract prices for services without one.
#[derive(Debug, Default)]
pub(super) struct Offers<'a> {
    quoted: BTreeMap<&'a ServiceKey, Vec<&'a RateQuote>>,
    carded: BTreeMap<&'a ServiceKey, Vec<&'a RateQuote>>,
}

/// The prices of a service that pass the time filter.
#[derive(Debug, Clone, Default)]
pub(super) struct InTime<'a> {
    offers: Vec<&'a RateQuote>,
    by_card: bool,
}

impl<'a> InTime<'a> {
    /// The quotes among them; contract prices are none.
    pub(super) fn quotes(&self) -> impl Iterator<Item = &'a RateQuote> + '_ {
        self.offers.iter().copied().filter(|_| !self.by_card)
    }
}

impl<'a> Offers<'a> {
    pub(super) fn of(
        quotes: impl Iterator<Item = &'a RateQuote>,
        by_card: &'a [RateQuote],
        aliases: &'a ServiceAliases,
    ) -> Self {
        let mut offers = Self::default();
        for quote in quotes {
            offers.quoted.entry(aliases.resolve(&quote.service)).or_default().push(quote);
        }
        for quote in by_card {
            offers.carded.entry(aliases.resolve(&quote.service)).or_default().push(quote);
        }
        offers
    }

    /// The offers for a service that `rejects` lets pass. Where it lets none pass, the reason is that
    /// of the fastest.
    ///
    /// # Errors
    /// The reason of the fastest offer, or that of the service's usual days when it has no offer.
    pub(super) fn in_time(
        &self,
        service: &ServiceKey,
        rejects: impl Fn(Promise) -> Option<ServiceRejection>,
    ) -> Result<InTime<'a>, ServiceRejection> {
        let (all, by_card) = match (self.quoted.get(service), self.carded.get(service)) {
            (Some(quoted), _) => (quoted.as_slice(), false),
            (None, Some(carded)) => (carded.as_slice(), true),
            (None, None) => (&[][..], false),
        };
        if all.is_empty() {
            return rejects(Promise::default()).map_or(Ok(InTime::default()), Err);
        }
        let promise = |offer: &RateQuote| Promise {
            deliver_on: offer.deliver_on,
            transit_days: offer.transit_days,
        };
        let offers: Vec<&RateQuote> =
            all.iter().copied().filter(|offer| rejects(promise(offer)).is_none()).collect();
        if !offers.is_empty() {
            return Ok(InTime { offers, by_card });
        }
        let fastest = all.iter().min_by_key(|offer| {
            (offer.deliver_on.unwrap_or(NaiveDate::MAX), offer.transit_days.unwrap_or(u32::MAX))
        });
        match fastest.and_then(|offer| rejects(promise(offer))) {
            Some(why) => Err(why),
            None => Ok(InTime::default()),
        }
    }
}

/// The prices a decision is made with, one for each service, all of one kind and in one currency.
#[derive(Debug, Default)]
pub(super) struct Prices<'a> {
    best: BTreeMap<&'a ServiceKey, &'a RateQuote>,
    /// Services that have prices, but in other currencies.
    foreign: BTreeSet<&'a ServiceKey>,
    /// In which prices are compared.
    currency: Option<Currency>,
}

impl<'a> Prices<'a> {
    /// The prices of the services that are left: quotes if one of them has one, else contract prices
    /// if one of them has one, else none.
    pub(super) fn among<'s: 'a>(
        left: &[(&'s CarrierService, InTime<'a>)],
        input: &RouteInput<'_>,
        policy: &RoutePolicy,
    ) -> Self {
        let quotes = left.iter().any(|(_, in_time)| !in_time.by_card && !in_time.offers.is_empty());
        let priced: Vec<(&ServiceKey, &[&RateQuote])> = left
            .iter()
            .filter(|(_, in_time)| in_time.by_card != quotes && !in_time.offers.is_empty())
            .map(|(service, in_time)| (&service.key, in_time.offers.as_slice()))
            .collect();
        let Some(currency) = comparison_currency(&priced, input, policy) else {
            return Self::default();
        };
        let mut prices = Self { currency: Some(currency), ..Self::default() };
        for (service, offers) in priced {
            let offers = offers.iter().copied().filter(|offer| offer.total.currency == currency);
            match offers.min_by(|a, b| compare_quotes(a, b)) {
                Some(best) => {
                    prices.best.insert(service, best);
                }
                None => {
                    prices.foreign.insert(service);
                }
            }
        }
        prices
    }

    /// Why a service cannot be compared with the others by its price.
    pub(super) fn rejects(&self, service: &ServiceKey) -> Option<ServiceRejection> {
        if self.best.is_empty() || self.best.contains_key(service) {
            None
        } else if self.foreign.contains(service) {
            Some(ServiceRejection::OtherCurrency)
        } else {
            Some(ServiceRejection::NoQuote)
        }
    }

    /// Whether a price is left out because the others are in another currency.
    pub(super) fn is_foreign(&self, price: &Money) -> bool {
        self.currency.is_some_and(|currency| currency != price.currency)
    }

    pub(super) fn get(&self, service: &ServiceKey) -> Option<&'a RateQuote> {
        self.best.get(service).copied()
    }

    pub(super) fn total(&self, service: &ServiceKey) -> Option<Money> {
        self.get(service).map(|quote| quote.total)
    }

    pub(super) fn transit_days(&self, service: &CarrierService) -> u32 {
        let promised = self.get(&service.key).and_then(|quote| quote.transit_days);
        promised.unwrap_or(service.max_transit_days)
    }
}

/// Prices are compared in one currency: the policy's, else the order's, if any service has a price
/// in it; else the one most services have, ties by code.
fn comparison_currency(
    priced: &[(&ServiceKey, &[&RateQuote])],
    input: &RouteInput<'_>,
    policy: &RoutePolicy,
) -> Option<Currency> {
    let of = |offers: &[&RateQuote]| -> BTreeSet<Currency> {
        offers.iter().map(|offer| offer.total.currency).collect()
    };
    let all: Vec<Currency> = priced.iter().flat_map(|(_, offers)| of(offers)).collect();
    [policy.currency, Some(input.value.currency)]
        .into_iter()
        .flatten()
        .find(|wanted| all.contains(wanted))
        .or_else(|| main_currency(all.into_iter()))
}

/// The better of two offers for one service in one currency. Total, so that the order of quotes
/// never matters.
fn compare_quotes(a: &RateQuote, b: &RateQuote) -> Ordering {
    let arrival = |quote: &RateQuote| quote.deliver_on.unwrap_or(NaiveDate::MAX);
    let transit = |quote: &RateQuote| quote.transit_days.unwrap_or(u32::MAX);
    (a.total.amount, a.total.currency)
        .cmp(&(b.total.amount, b.total.currency))
        .then_with(|| arrival(a).cmp(&arrival(b)))
        .then_with(|| transit(a).cmp(&transit(b)))
        .then_with(|| b.guaranteed.cmp(&a.guaranteed))
        .then_with(|| a.token.cmp(&b.token))
        .then_with(|| b.quoted_at.cmp(&a.quoted_at))
        .then_with(|| a.service.cmp(&b.service))
        .then_with(|| a.name.cmp(&b.name))
}

/// The currency most of them have, ties by code.
pub(in crate::rules) fn main_currency(of: impl Iterator<Item = Currency>) -> Option<Currency> {
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
