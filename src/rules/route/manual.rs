//! A person picks the service.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::filter::{Schedule, hard_filter};
use super::rank::Prices;
use super::{RouteFacts, RouteInput, RoutePolicy, ServiceRejection, route};
use crate::money::Money;
use crate::order::Actor;
use crate::shipment::{ServiceChoice, ServiceKey};

/// A service that a person picked, with what the rules had said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManualRoute {
    /// The choice, ready to be bought.
    pub choice: ServiceChoice,
    /// Who picked it.
    pub by: Actor,
    /// When.
    pub at: DateTime<Utc>,
    /// Why, in the person's words.
    pub why: String,
    /// What routing would have chosen; `None` when no service could take the parcel.
    pub instead_of: Option<ServiceKey>,
    /// The rule that had left the picked service out, if one had.
    pub overridden_rule: Option<String>,
    /// What the pick costs more than routing's choice; negative is cheaper. `None` when one of
    /// both has no price or they are in different currencies.
    pub extra_cost: Option<Money>,
}

/// Why a pick is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OverrideRefused {
    /// Nobody says why: an override is audited with its reason.
    #[error("why is empty: picking a service by hand needs a reason")]
    NoReason,
    /// The catalogue does not have it.
    #[error("{0} is not in the catalogue")]
    UnknownService(ServiceKey),
    /// It cannot take the parcel; no person can change that.
    #[error("{service} {why}")]
    Impossible {
        /// Which.
        service: ServiceKey,
        /// Why not.
        why: ServiceRejection,
    },
}

/// Routes a parcel by a person's pick. Rules and prices may be overruled, hard filters not. The
/// answer names who picked, what was overruled and what it costs more, so that it can be audited.
///
/// # Errors
/// [`OverrideRefused`] when `why` is blank, the service does not exist or a hard filter fails.
pub fn override_service(
    input: &RouteInput<'_>,
    facts: &RouteFacts<'_>,
    policy: &RoutePolicy,
    pick: &ServiceKey,
    by: Actor,
    why: impl Into<String>,
    now: DateTime<Utc>,
) -> Result<ManualRoute, OverrideRefused> {
    let why = why.into();
    if why.trim().is_empty() {
        return Err(OverrideRefused::NoReason);
    }
    let pick = facts.aliases.resolve(pick);
    let service = super::unique_services(facts.services)
        .into_iter()
        .find(|service| service.key == *pick)
        .ok_or_else(|| OverrideRefused::UnknownService(pick.clone()))?;
    let by_card = facts.card_quotes(input, now);
    let account = facts.accounts.get(&pick.carrier);
    let schedule = Schedule::of(input, now);
    let (offers, _) = facts.offers(&by_card, policy, &schedule, now);
    let in_time = hard_filter(input, service, account, facts.aliases, &offers, &schedule)
        .map_err(|why| OverrideRefused::Impossible { service: pick.clone(), why })?;
    let prices = Prices::among(&[(service, in_time)], input, policy);

    let decision = route(input, facts, policy, now);
    let overridden_rule = decision.rejected.into_iter().find_map(|(key, why)| match why {
        ServiceRejection::ByRule { rule } if key == *pick => Some(rule),
        _ => None,
    });
    let quote = prices.get(pick);
    let cost = quote.map(|quote| quote.total);
    let usual = decision.chosen.filter(|chosen| chosen.service != *pick);
    let extra_cost = match (&usual, cost) {
        (Some(usual), Some(cost)) => usual.cost.and_then(|usual| cost.checked_sub(&usual).ok()),
        _ => None,
    };
    let mut reasons = vec![format!("{by} picked {}: {why}", service.name)];
    if let Some(rule) = &overridden_rule {
        reasons.push(format!("against rule {rule}"));
    }
    match (&usual, extra_cost) {
        (Some(usual), Some(more)) => {
            reasons.push(format!("instead of {}, {more} more", usual.service));
        }
        (Some(usual), None) => reasons.push(format!("instead of {}", usual.service)),
        (None, _) => {}
    }
    Ok(ManualRoute {
        choice: ServiceChoice {
            service: pick.clone(),
            cost,
            deliver_on: quote.and_then(|quote| quote.deliver_on),
            token: quote.and_then(|quote| quote.token.clone()),
            quoted_at: quote.map(|quote| quote.quoted_at),
            reasons,
        },
        by,
        at: now,
        why,
        instead_of: usual.map(|usual| usual.service),
        overridden_rule,
        extra_cost,
    })
}
