//! Deadlines: where they come from, when they are, and whether they were met.
//!
//! The platform's own value comes first, then the most specific rule of the shop, then the most
//! specific preset ([`deadlines`]). Platforms change their numbers, so those are data:
//! [`presets`].

mod due;
mod model;
pub mod presets;
mod standing;

use std::fmt;

use chrono::{DateTime, Utc};

pub use due::DueIndex;
pub use model::{
    Anchor, MAX_CALENDAR_DAYS, MAX_ELAPSED_HOURS, Penalty, SlaRule, SlaRules, SlaScope, Span,
};
pub use standing::{DeadlineVerdict, Missing, Standing, is_met, judge, met_at, missing};

use crate::calendar::CalendarError;
use crate::order::{Deadline, DeadlineKind, DeadlineSource, Order, PlatformDeadline, Requirements};
use model::fitting;

fn anchor_of(order: &Order, anchor: Anchor, ship_by: Option<&Deadline>) -> Option<DateTime<Utc>> {
    match anchor {
        Anchor::OrderCreated => Some(order.placed_at),
        Anchor::OrderPaid => order.paid_at,
        Anchor::Acknowledged => order.acknowledged_at,
        Anchor::ShipConfirmed => order
            .packages
            .iter()
            .filter_map(|package| package.shipped.as_ref())
            .map(|shipped| shipped.confirmed_at)
            .max(),
        Anchor::MessageReceived => None,
        Anchor::CancelRequested => {
            order.cancel_request.as_ref().and_then(|request| request.requested_at)
        }
        Anchor::ShipBy => ship_by.map(|deadline| deadline.at),
    }
}

/// Every deadline of an order: the platform's own value first, then the most specific rule of the
/// shop, then the most specific preset. A changed instant gets the next version.
///
/// There may be several instants at which a platform cancels by itself, one for each thing that is
/// not done by then. Of several values the platform gives for one kind, the earliest counts; the
/// time it leaves to answer a wish to cancel counts while that wish is open. Rules of equal weight
/// are taken by name, then the shorter one, then by what they say, so that their order in the list
/// does not matter. A rule that cannot answer is passed over for the next one.
///
/// # Errors
/// [`SlaError`] with every rule that could not answer, and with the deadlines that could be set all
/// the same.
pub fn deadlines(
    order: &Order,
    platform: &[PlatformDeadline],
    rules: &SlaRules,
) -> Result<Vec<Deadline>, SlaError> {
    let shop = fitting(&rules.shop, order);
    let presets = fitting(&rules.presets, order);
    let ranked = || {
        let shop = shop.iter().map(|rule| (*rule, DeadlineSource::ShopRule as SourceOf));
        shop.chain(presets.iter().map(|rule| (*rule, DeadlineSource::Preset as SourceOf)))
    };
    let request = order.cancel_request.as_ref();
    let answer = request.and_then(|request| {
        Some(PlatformDeadline { kind: DeadlineKind::RespondToCancelBy, at: request.respond_by? })
    });
    let mut found: Vec<Deadline> = Vec::new();
    for theirs in platform.iter().chain(&answer) {
        let is_answer = theirs.kind == DeadlineKind::RespondToCancelBy;
        // A request that was withdrawn or answered leaves nothing to respond to.
        if is_answer && request.is_none() {
            continue;
        }
        let requested_at = request.filter(|_| is_answer).and_then(|request| request.requested_at);
        let begins = requested_at.or(order.paid_at).unwrap_or(order.placed_at);
        match found.iter_mut().find(|deadline| deadline.kind == theirs.kind) {
            Some(known) => known.at = known.at.min(theirs.at),
            None => found.push(Deadline {
                kind: theirs.kind,
                at: theirs.at,
                starts_at: begins,
                source: DeadlineSource::Platform,
                version: 1,
                requires: ranked()
                    .find(|(rule, _)| rule.kind == theirs.kind)
                    .map_or_else(Requirements::default, |(rule, _)| rule.requires),
            }),
        }
    }
    let mut faults = Vec::new();
    // Other rules may count from the ship-by deadline, so it is settled before them.
    let (ship_by, others): (Vec<_>, Vec<_>) =
        ranked().partition(|(rule, _)| rule.kind == DeadlineKind::ShipBy);
    for (rule, source) in ship_by.into_iter().chain(others) {
        if found.iter().any(|deadline| deadline.kind == rule.kind) {
            continue;
        }
        let ship_by = found.iter().find(|deadline| deadline.kind == DeadlineKind::ShipBy);
        let Some(anchor) = anchor_of(order, rule.anchor, ship_by) else { continue };
        match by_rule(rule, source, anchor) {
            Ok(deadline) => found.push(deadline),
            Err(reason) => {
                faults.push(SlaFault { source: source(rule.name.clone()), kind: rule.kind, reason })
            }
        }
    }
    for deadline in &mut found {
        if let Some(before) = order.deadline(deadline.kind) {
            deadline.version = if before.at == deadline.at {
                before.version
            } else {
                before.version.saturating_add(1)
            };
        }
    }
    found.sort_by_key(|deadline| deadline.kind);
    if faults.is_empty() { Ok(found) } else { Err(SlaError { deadlines: found, faults }) }
}

/// A deadline rule whose calendar or span cannot answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlaFault {
    /// Which rule, as it would have been the source of a deadline.
    pub source: DeadlineSource,
    /// Which deadline it would have set.
    pub kind: DeadlineKind,
    /// Why.
    pub reason: CalendarError,
}

impl fmt::Display for SlaFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            DeadlineSource::ShopRule(name) => write!(f, "deadline rule `{name}`")?,
            DeadlineSource::Preset(name) => write!(f, "deadline rule `{name}` of a preset")?,
            DeadlineSource::Platform => f.write_str("deadline of the platform")?,
        }
        write!(f, ": {}", self.reason)
    }
}

/// Rules that could not set a deadline. Nothing else is lost: the deadlines of the other rules and
/// of the platform are here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", faults.iter().map(SlaFault::to_string).collect::<Vec<_>>().join("; "))]
pub struct SlaError {
    /// The deadlines that could be set.
    pub deadlines: Vec<Deadline>,
    /// What is wrong, in the order in which the rules were asked; never empty.
    pub faults: Vec<SlaFault>,
}

impl SlaError {
    /// The deadlines that could be set, and those an order has already of kinds whose rule cannot
    /// answer: better an older instant than none.
    #[must_use]
    pub fn deadlines_for(&self, order: &Order) -> Vec<Deadline> {
        let is_set = |kind| self.deadlines.iter().any(|deadline| deadline.kind == kind);
        let is_faulty = |kind| self.faults.iter().any(|fault| fault.kind == kind);
        let older = order
            .deadlines
            .iter()
            .filter(|deadline| is_faulty(deadline.kind) && !is_set(deadline.kind));
        let mut deadlines: Vec<Deadline> = self.deadlines.iter().chain(older).cloned().collect();
        deadlines.sort_by_key(|deadline| deadline.kind);
        deadlines
    }
}

type SourceOf = fn(String) -> DeadlineSource;

fn by_rule(
    rule: &SlaRule,
    source: SourceOf,
    anchor: DateTime<Utc>,
) -> Result<Deadline, CalendarError> {
    Ok(Deadline {
        kind: rule.kind,
        at: rule.span.after(anchor)?,
        starts_at: anchor,
        source: source(rule.name.clone()),
        version: 1,
        requires: rule.requires,
    })
}

/// Until when a message that arrived at `received_at` must be answered; `None` when no rule says. A
/// rule that cannot answer is passed over for the next one, as in [`deadlines`].
///
/// # Errors
/// [`CalendarError`] of the first rule, when none of those that there are can answer.
pub fn reply_deadline(
    order: &Order,
    received_at: DateTime<Utc>,
    rules: &SlaRules,
) -> Result<Option<Deadline>, CalendarError> {
    let of_shop = fitting(&rules.shop, order).into_iter();
    let of_presets = fitting(&rules.presets, order).into_iter();
    let ranked = of_shop
        .map(|rule| (rule, DeadlineSource::ShopRule as SourceOf))
        .chain(of_presets.map(|rule| (rule, DeadlineSource::Preset as SourceOf)))
        .filter(|(rule, _)| {
            rule.kind == DeadlineKind::ReplyBy && rule.anchor == Anchor::MessageReceived
        });
    let mut fault = None;
    for (rule, source) in ranked {
        match by_rule(rule, source, received_at) {
            Ok(deadline) => return Ok(Some(deadline)),
            Err(reason) => fault = fault.or(Some(reason)),
        }
    }
    fault.map_or(Ok(None), Err)
}

/// The earliest deadline that is not met, if the order is still alive; instants at which the
/// platform cancels by itself count too.
#[must_use]
pub fn earliest_unmet(order: &Order) -> Option<&Deadline> {
    if order.state().is_terminal() {
        return None;
    }
    order
        .deadlines
        .iter()
        .filter(|deadline| !is_met(order, deadline.kind))
        .min_by_key(|deadline| (deadline.at, deadline.kind))
}
