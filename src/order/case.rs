//! What buyers ask for after the sale: claims, disputes, returns, refunds, cancellations.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::incident::ExceptionKind;
use super::merge::{close_cancel_request, place_cancel_request};
use super::snapshot::CancelRequest;
use super::{Order, reconcile};
use crate::ids::{LineId, PlatformOrderId};
use crate::money::Money;

/// A buyer's request after the sale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AfterSaleCase {
    /// The platform's id of it.
    pub id: String,
    /// What it is about.
    pub kind: CaseKind,
    /// Which order.
    pub order: Option<PlatformOrderId>,
    /// Which lines; empty is the whole order, or unknown.
    pub lines: Vec<LineId>,
    /// Its status, word for word.
    pub status: String,
    /// Whether it still runs.
    pub open: bool,
    /// Why, in the platform's words.
    pub reason: Option<String>,
    /// The money it is about.
    pub amount: Option<Money>,
    /// When it was opened.
    pub opened_at: Option<DateTime<Utc>>,
    /// When it last changed.
    pub updated_at: Option<DateTime<Utc>>,
    /// Until when the seller must answer.
    pub respond_by: Option<DateTime<Utc>>,
    /// What the seller may do, in the platform's words.
    pub actions: Vec<String>,
}

impl AfterSaleCase {
    /// Whether somebody must look at it: complaints and wishes to cancel while they run, anything
    /// else while the platform waits for the seller.
    #[must_use]
    pub fn needs_seller(&self) -> bool {
        let speaks_against_seller =
            matches!(self.kind, CaseKind::Claim | CaseKind::Dispute | CaseKind::Cancellation);
        self.open
            && (speaks_against_seller || self.respond_by.is_some() || !self.actions.is_empty())
    }
}

/// What a case is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CaseKind {
    /// The buyer wants to cancel.
    Cancellation,
    /// The buyer complains, and seller and buyer talk.
    Claim,
    /// The platform decides between them.
    Dispute,
    /// Goods come back.
    Return,
    /// Money goes back, goods stay.
    Refund,
    /// Goods are exchanged.
    Replacement,
    /// A value this crate does not know, word for word.
    Other(String),
}

impl std::fmt::Display for CaseKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Cancellation => "cancellation",
            Self::Claim => "claim",
            Self::Dispute => "dispute",
            Self::Return => "return",
            Self::Refund => "refund",
            Self::Replacement => "replacement",
            Self::Other(word) => word,
        })
    }
}

/// A case as an order remembers it: how it stands, and what it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderCase {
    /// As it was read last.
    pub case: AfterSaleCase,
    /// When it first was a complaint, a claim or a dispute: it stays one whatever becomes of it.
    pub complained_at: Option<DateTime<Utc>>,
    /// When it was first seen to be a dispute.
    pub disputed_at: Option<DateTime<Utc>>,
    /// When it was over.
    pub closed_at: Option<DateTime<Utc>>,
    /// When a person here refused what it asks for, whatever the platform goes on showing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused_at: Option<DateTime<Utc>>,
}

impl OrderCase {
    /// Whether it [needs the seller](AfterSaleCase::needs_seller) and no person answered it here.
    #[must_use]
    pub fn needs_seller(&self) -> bool {
        self.refused_at.is_none() && self.case.needs_seller()
    }

    /// Whether it is a claim or a dispute that runs.
    #[must_use]
    pub fn is_open_complaint(&self) -> bool {
        self.case.open && matches!(self.case.kind, CaseKind::Claim | CaseKind::Dispute)
    }
}

impl AfterSaleCase {
    /// Which exception it is while it [needs the seller](Self::needs_seller).
    #[must_use]
    pub const fn exception(&self) -> ExceptionKind {
        match self.kind {
            CaseKind::Cancellation => ExceptionKind::CancelRequested,
            _ => ExceptionKind::ComplaintOpened,
        }
    }
}

/// Takes in how a case stands. What is older than what is known changes only when things began.
pub(super) fn case_seen(order: &mut Order, case: &AfterSaleCase, at: DateTime<Utc>) {
    let mut case = case.clone();
    if order.erased_at.is_some() {
        case.reason = None;
    }
    let disputed = case.kind == CaseKind::Dispute;
    let complained_at = (disputed || case.kind == CaseKind::Claim)
        .then(|| case.opened_at.or(case.updated_at).unwrap_or(at));
    let disputed_at = disputed.then(|| case.updated_at.or(case.opened_at).unwrap_or(at));
    let closed_at = (!case.open).then(|| case.updated_at.unwrap_or(at));
    let is_wish = case.kind == CaseKind::Cancellation;
    let was_open = match order.cases.iter_mut().find(|known| known.case.id == case.id) {
        Some(known) => {
            known.complained_at = earliest(known.complained_at, complained_at);
            known.disputed_at = earliest(known.disputed_at, disputed_at);
            let stale = matches!(
                (case.updated_at, known.case.updated_at),
                (Some(theirs), Some(ours)) if theirs < ours
            );
            if stale {
                return;
            }
            let was_open = known.case.open;
            known.closed_at = closed_at.map(|closed| known.closed_at.unwrap_or(closed));
            known.case = case;
            was_open
        }
        None => {
            order.cases.push(OrderCase {
                case,
                complained_at,
                disputed_at,
                closed_at,
                refused_at: None,
            });
            false
        }
    };
    // What the order itself shows is for its own readings to say.
    if !is_wish || order.platform.asks_to_cancel {
        return;
    }
    match wish_of_cases(order) {
        Some(wish) if order.cancel_request.is_some() => order.cancel_request = Some(wish),
        Some(wish) if reconcile::accepts_cancel_requests(order.state()) => {
            place_cancel_request(order, &wish, at);
        }
        Some(_) => {}
        None if was_open && order.cancel_request.is_some() => close_cancel_request(order, at),
        None => {}
    }
}

/// What the buyer wants to cancel by the cases that are open and were not refused: the lines of all
/// of them, the whole order where one names none.
pub(super) fn wish_of_cases(order: &Order) -> Option<CancelRequest> {
    let open = order.cases.iter().filter(|known| {
        known.case.open && known.case.kind == CaseKind::Cancellation && known.refused_at.is_none()
    });
    let mut wish: Option<CancelRequest> = None;
    for known in open {
        let case = &known.case;
        let Some(wish) = &mut wish else {
            wish = Some(CancelRequest {
                lines: case.lines.clone(),
                reason: case.reason.clone().map(Into::into),
                requested_at: case.opened_at,
                respond_by: case.respond_by,
            });
            continue;
        };
        if wish.lines.is_empty() || case.lines.is_empty() {
            wish.lines.clear();
        } else {
            let more = case.lines.iter().filter(|line| !wish.lines.contains(line));
            let more: Vec<LineId> = more.cloned().collect();
            wish.lines.extend(more);
        }
        wish.requested_at = earliest(wish.requested_at, case.opened_at);
        wish.respond_by = earliest(wish.respond_by, case.respond_by);
    }
    wish
}

fn earliest(a: Option<DateTime<Utc>>, b: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    a.into_iter().chain(b).min()
}
