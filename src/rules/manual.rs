//! What a person does with an order: the review queue, its actions, and shipping by hand.

use std::cmp::Reverse;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::sla::earliest_unmet;
use crate::address::Contact;
use crate::ids::{HoldId, LineId};
use crate::order::{
    Action, Actor, CancelReason, CancelledUnits, Hold, HoldReason, LogisticsMode, Order,
    OrderState, Review, counters,
};

/// Orders that wait for a person: earliest unmet deadline first, then the most urgent, then by key.
#[must_use]
pub fn review_queue<'a>(orders: impl IntoIterator<Item = &'a Order>) -> Vec<&'a Order> {
    let mut queue: Vec<&Order> = orders
        .into_iter()
        .filter(|order| {
            matches!(order.review, Review::NeedsPerson { .. })
                && matches!(
                    order.state(),
                    OrderState::AwaitingShipment | OrderState::PartiallyShipped
                )
                && order.logistics != LogisticsMode::PlatformFulfilled
        })
        .collect();
    queue.sort_by_cached_key(|order| {
        let due = earliest_unmet(order).map_or(DateTime::<Utc>::MAX_UTC, |deadline| deadline.at);
        (due, Reverse(order.priority), order.key.clone())
    });
    queue
}

/// What a person decides about an order under review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ManualReview {
    /// Good as it is.
    Approve,
    /// Good with another recipient.
    ApproveWithRecipient(Box<Contact>),
    /// Good with fewer units of some lines; the rest is cancelled.
    ApproveFewer {
        /// How many units of a line are cancelled.
        cancel: Vec<(LineId, u32)>,
        /// Why.
        reason: CancelReason,
    },
    /// Not to be shipped: everything is cancelled.
    Reject {
        /// Why.
        reason: CancelReason,
    },
    /// Wait.
    Hold {
        /// Why, in words.
        note: String,
        /// Until when; open end without.
        until: Option<DateTime<Utc>>,
    },
}

/// Why a person's decision cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManualReviewError {
    /// Nobody is named as the one who decided.
    #[error("actor is empty: every decision of a person is recorded with a name")]
    NoActor,
    /// The order waits for nothing that a review could decide.
    #[error("the order is {state}: there is nothing to review")]
    NotReviewable {
        /// Where it stands.
        state: OrderState,
    },
    /// The order has no such line.
    #[error("the order has no line {0}")]
    UnknownLine(LineId),
    /// More units than are open, or none at all.
    #[error("line {line}: {wanted} of {possible} open units cannot be cancelled")]
    Quantity {
        /// Which line.
        line: LineId,
        /// How many were wanted.
        wanted: u32,
        /// How many are open.
        possible: u32,
    },
    /// Nothing would be left to ship: reject instead.
    #[error("nothing would be left to ship: reject the order instead")]
    NothingLeft,
    /// The new recipient lacks a field.
    #[error("recipient.{0} is empty")]
    RecipientIncomplete(&'static str),
}

/// What a decision comes to: actions for the order's log, and what must be cancelled on the platform
/// first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManualReviewPlan {
    /// To cancel on the platform before the actions are applied.
    pub cancel_on_platform: Vec<CancelledUnits>,
    /// The recipient to use from now on.
    pub recipient: Option<Box<Contact>>,
    /// To apply, in this order, under [`ManualReviewPlan::actor`].
    pub actions: Vec<Action>,
    /// The one who decided, for the audit.
    pub actor: Actor,
}

/// Plans what a person decided. Pure: nothing is done here, and nothing is decided without a name.
///
/// # Errors
/// [`ManualReviewError`]; nothing must be done then.
pub fn plan_manual_review(
    order: &Order,
    decision: &ManualReview,
    by: &str,
    now: DateTime<Utc>,
) -> Result<ManualReviewPlan, ManualReviewError> {
    let by = by.trim();
    if by.is_empty() {
        return Err(ManualReviewError::NoActor);
    }
    let state = order.state();
    if !matches!(
        state,
        OrderState::Unpaid | OrderState::AwaitingShipment | OrderState::PartiallyShipped
    ) {
        return Err(ManualReviewError::NotReviewable { state });
    }
    let actor = Actor::Person(by.to_owned());
    let approve = || Action::Reviewed { review: Review::Approved { at: now, by: actor.clone() } };
    let mut plan = ManualReviewPlan {
        cancel_on_platform: Vec::new(),
        recipient: None,
        actions: Vec::new(),
        actor: actor.clone(),
    };
    match decision {
        ManualReview::Approve => plan.actions.push(approve()),
        ManualReview::ApproveWithRecipient(recipient) => {
            if let Some(field) = missing_field(recipient) {
                return Err(ManualReviewError::RecipientIncomplete(field));
            }
            plan.recipient = Some(recipient.clone());
            plan.actions.push(approve());
        }
        ManualReview::ApproveFewer { cancel, reason } => {
            let units = fewer(order, cancel, reason, now)?;
            plan.cancel_on_platform.clone_from(&units);
            plan.actions.push(Action::Cancelled { units });
            plan.actions.push(approve());
        }
        ManualReview::Reject { reason } => {
            let units = order
                .lines
                .iter()
                .filter_map(|line| {
                    let units = counters(order, &line.id)?.open();
                    (units > 0).then(|| CancelledUnits {
                        line: line.id.clone(),
                        units,
                        reason: reason.clone(),
                        at: now,
                    })
                })
                .collect::<Vec<_>>();
            if units.is_empty() {
                return Err(ManualReviewError::NotReviewable { state });
            }
            plan.actions.push(Action::Reviewed {
                review: Review::Refused { at: now, findings: vec![format!("rejected by {by}")] },
            });
            plan.cancel_on_platform.clone_from(&units);
            plan.actions.push(Action::Cancelled { units });
        }
        ManualReview::Hold { note, until } => plan.actions.push(Action::HoldPlaced {
            hold: Hold {
                id: HoldId::from_static("person:review"),
                reason: HoldReason::ManualReview,
                note: Some(note.clone()),
                placed_at: now,
                until: *until,
                released_at: None,
            },
        }),
    }
    Ok(plan)
}

/// The first field that a recipient must have and lacks.
pub(super) fn missing_field(recipient: &Contact) -> Option<&'static str> {
    if recipient.name.is_blank() && recipient.company.is_none() {
        Some("name")
    } else if recipient.address.line1().trim().is_empty() {
        Some("street")
    } else if recipient.address.city.trim().is_empty() {
        Some("city")
    } else if recipient.address.country.is_none() {
        Some("country")
    } else {
        None
    }
}

fn fewer(
    order: &Order,
    cancel: &[(LineId, u32)],
    reason: &CancelReason,
    now: DateTime<Utc>,
) -> Result<Vec<CancelledUnits>, ManualReviewError> {
    let mut units: Vec<CancelledUnits> = Vec::new();
    for (line, wanted) in cancel {
        let known =
            counters(order, line).ok_or_else(|| ManualReviewError::UnknownLine(line.clone()))?;
        // The same line named twice counts together.
        let before: u32 = units
            .iter()
            .filter(|units| units.line == *line)
            .map(|units| units.units)
            .fold(0, u32::saturating_add);
        let possible = known.open().saturating_sub(before);
        if *wanted == 0 || *wanted > possible {
            return Err(ManualReviewError::Quantity {
                line: line.clone(),
                wanted: *wanted,
                possible,
            });
        }
        units.push(CancelledUnits {
            line: line.clone(),
            units: *wanted,
            reason: reason.clone(),
            at: now,
        });
    }
    let active: u64 = order
        .lines
        .iter()
        .filter_map(|line| Some(u64::from(counters(order, &line.id)?.active())))
        .sum();
    let cancelled: u64 = units.iter().map(|units| u64::from(units.units)).sum();
    if cancelled >= active {
        return Err(ManualReviewError::NothingLeft);
    }
    Ok(units)
}

/// What a person checks before typing in a tracking number: goods and address. Personal.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShipmentPreview {
    /// The order's number for buyers.
    pub order: String,
    /// Whom it goes to.
    pub recipient: Option<Contact>,
    /// What goes: title, SKU, open units.
    pub goods: Vec<(String, Option<crate::Sku>, u32)>,
    /// Holds, exceptions and guards that stand against shipping now, in words.
    pub against: Vec<String>,
}

impl fmt::Debug for ShipmentPreview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShipmentPreview")
            .field("order", &self.order)
            .field("goods", &self.goods)
            .field("against", &self.against)
            .finish_non_exhaustive()
    }
}

/// Shows an order to a person who ships it by hand.
#[must_use]
pub fn preview(order: &Order, now: DateTime<Utc>) -> ShipmentPreview {
    let mut against: Vec<String> = order
        .holds
        .iter()
        .filter(|hold| hold.is_open(now))
        .map(|hold| format!("on hold: {:?}", hold.reason))
        .collect();
    if order.paid_at.is_none() {
        against.push("not paid".to_owned());
    }
    if order.cancel_request.is_some() {
        against.push("the buyer asks to cancel".to_owned());
    }
    if !matches!(order.review, Review::Approved { .. }) {
        against.push("not approved".to_owned());
    }
    if order.needs_acknowledgement && order.acknowledged_at.is_none() {
        against.push("not acknowledged".to_owned());
    }
    if order.state().is_terminal() {
        against.push(format!("the order is {}", order.state()));
    }
    ShipmentPreview {
        order: order.number.clone().unwrap_or_else(|| order.key.order.to_string()),
        recipient: order.recipient.clone(),
        goods: order
            .lines
            .iter()
            .filter_map(|line| {
                let known = counters(order, &line.id)?;
                let left = known.active().saturating_sub(known.shipped);
                (left > 0).then(|| (line.title.clone(), line.sku.clone(), left))
            })
            .collect(),
        against,
    }
}
