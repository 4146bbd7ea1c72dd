//! What to do next with an order: pure and total.

use chrono::{DateTime, Utc};

use crate::ids::PackageId;
use crate::order::{
    Actor, Allocation, CompletionPolicy, Deadline, ExceptionKind, HoldReason, LogisticsMode, Order,
    OrderState, PlatformDeadline, Review,
};
use crate::ports::PlatformLimits;
use crate::rules::{
    self, AllocationPolicy, Finding, ReviewContext, ReviewPolicy, ReviewVerdict, SlaRules,
};
use crate::shipment::{LabelState, UploadState};
use crate::warehouse::{StockView, Warehouse};

/// Everything a plan depends on, beside the order and the time.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// What the platform can do.
    pub limits: &'a PlatformLimits,
    /// Deadlines the platform put on the order, as last read; empty keeps those stored.
    pub platform_deadlines: &'a [PlatformDeadline],
    /// The shop's deadline rules.
    pub sla: &'a SlaRules,
    /// When the shop's orders are completed.
    pub completion: CompletionPolicy,
    /// What the shop decides about reviews.
    pub review: &'a ReviewPolicy,
    /// What the shop decides about allocation.
    pub allocation: &'a AllocationPolicy,
    /// Warehouses.
    pub warehouses: &'a [Warehouse],
    /// Units available to this order.
    pub stock: &'a StockView,
    /// Whether every open unit of the order is set aside.
    pub reserved: bool,
    /// Recent orders of the same shop, to recognise duplicates.
    pub recent: &'a [Order],
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Store deadlines that are new or have moved.
    SetDeadlines(Vec<Deadline>),
    /// Store the outcome of the review.
    Review(Review),
    /// Acknowledge the order on the platform.
    Acknowledge,
    /// Store the allocation.
    Allocate(Allocation),
    /// Choose a service for a parcel.
    Route(PackageId),
    /// Buy a label for a parcel. Costs money: the engine does it only when told to.
    BuyLabel(PackageId),
    /// Find out what became of a purchase.
    RecoverLabel(PackageId),
    /// Void the label of a parcel that has nothing left in it.
    VoidLabel(PackageId),
    /// Tell the platform about a parcel that has left.
    Upload(PackageId),
    /// Complete the order.
    Complete,
}

/// Plans what can be done now, in this order. Pure: the same order, facts and time give the same
/// steps. An order on which nothing can be done gives none.
///
/// Doing a step changes the facts; plan again afterwards.
#[must_use]
pub fn plan(order: &Order, facts: &Facts<'_>, now: DateTime<Utc>) -> Vec<Step> {
    let mut steps = Vec::new();
    let state = order.state();
    if order.logistics == LogisticsMode::PlatformFulfilled {
        return steps;
    }
    let platform: Vec<PlatformDeadline> = if facts.platform_deadlines.is_empty() {
        order
            .deadlines
            .iter()
            .filter(|deadline| deadline.source == crate::order::DeadlineSource::Platform)
            .map(|deadline| PlatformDeadline { kind: deadline.kind, at: deadline.at })
            .collect()
    } else {
        facts.platform_deadlines.to_vec()
    };
    // A rule that cannot answer leaves its deadline as it is; the import of the order tells it.
    let deadlines = rules::deadlines(order, &platform, facts.sla)
        .unwrap_or_else(|error| error.deadlines_for(order));
    if deadlines != order.deadlines {
        steps.push(Step::SetDeadlines(deadlines));
    }
    for package in &order.packages {
        if matches!(package.label.state, LabelState::Requested | LabelState::Unknown) {
            steps.push(Step::RecoverLabel(package.id.clone()));
        }
        let abandoned = package.contents.is_empty() || state == OrderState::Cancelled;
        let live = matches!(package.label.state, LabelState::Purchased | LabelState::Printed);
        // What the carrier refused once is left to a person: it would refuse it at every tick.
        let refused = order.incidents.iter().any(|incident| {
            incident.kind == ExceptionKind::LabelFailed
                && incident.package.as_ref() == Some(&package.id)
                && incident.resolved_at.is_none()
        });
        if abandoned && live && !refused && !package.is_accepted() {
            steps.push(Step::VoidLabel(package.id.clone()));
        }
        if package.shipped.is_some()
            && matches!(package.upload.state, UploadState::Pending | UploadState::UpdatePending)
            && !order.is_held(now)
        {
            steps.push(Step::Upload(package.id.clone()));
        }
    }
    if matches!(state, OrderState::AwaitingShipment | OrderState::PartiallyShipped) {
        steps.extend(before_shipment(order, facts, now));
    }
    if facts.completion.is_due(order, now) {
        steps.push(Step::Complete);
    }
    steps
}

/// Review, acknowledgement, allocation, routing, purchase: one at a time, because each depends on
/// the one before.
fn before_shipment(order: &Order, facts: &Facts<'_>, now: DateTime<Utc>) -> Vec<Step> {
    let context = ReviewContext {
        policy: facts.review,
        warehouses: facts.warehouses,
        stock: facts.stock,
        reserved: facts.reserved,
        recent: facts.recent,
    };
    match &order.review {
        Review::Approved { .. } => {}
        Review::Refused { .. } => return Vec::new(),
        Review::Pending | Review::NeedsPerson { .. } => {
            let review = match rules::review(order, &context, now) {
                ReviewVerdict::Approve => Review::Approved { at: now, by: Actor::System },
                // Nobody can do anything about it, and it ends by itself.
                ReviewVerdict::NeedsPerson(findings) if findings.iter().all(is_remorse) => {
                    return Vec::new();
                }
                ReviewVerdict::NeedsPerson(findings) => Review::NeedsPerson {
                    at: now,
                    findings: findings.iter().map(ToString::to_string).collect(),
                },
                ReviewVerdict::Reject(findings) => Review::Refused {
                    at: now,
                    findings: findings.iter().map(ToString::to_string).collect(),
                },
            };
            return if same_outcome(&order.review, &review) {
                Vec::new()
            } else {
                vec![Step::Review(review)]
            };
        }
    }
    if order.is_held(now) {
        return Vec::new();
    }
    if order.needs_acknowledgement && order.acknowledged_at.is_none() {
        return if rules::may_acknowledge(order, facts.review, facts.reserved, now).is_empty() {
            vec![Step::Acknowledge]
        } else {
            Vec::new()
        };
    }
    let unallocated = order.lines.iter().any(|line| order.open_units(&line.id) > 0);
    if unallocated {
        let verdict = rules::allocate(order, facts.warehouses, facts.stock, facts.allocation, now);
        let allocation = verdict.allocation;
        let nothing_new =
            allocation.packages.is_empty() && allocation.backordered == order.backorders;
        return if nothing_new { Vec::new() } else { vec![Step::Allocate(allocation)] };
    }
    order
        .packages
        .iter()
        .filter(|package| {
            package.shipped.is_none()
                && package.undeliverable.is_none()
                && !package.contents.is_empty()
                && matches!(package.label.state, LabelState::None | LabelState::Voided)
                && package.tracking.is_none()
        })
        .map(|package| match package.choice {
            None => Step::Route(package.id.clone()),
            Some(_) => Step::BuyLabel(package.id.clone()),
        })
        .collect()
}

fn is_remorse(finding: &Finding) -> bool {
    matches!(finding, Finding::Held { reason: HoldReason::PlatformRemorse })
}

/// Whether a review says the same as the stored one, whenever it was made.
fn same_outcome(stored: &Review, fresh: &Review) -> bool {
    match (stored, fresh) {
        (Review::NeedsPerson { findings: a, .. }, Review::NeedsPerson { findings: b, .. })
        | (Review::Refused { findings: a, .. }, Review::Refused { findings: b, .. }) => a == b,
        (Review::Approved { .. }, Review::Approved { .. }) => true,
        _ => false,
    }
}
