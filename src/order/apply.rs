//! Applying events: the only door through which facts change.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::counters::{InvariantBroken, check_invariants};
use super::event::{Action, Actor, Event, EventKind};
use super::guard::{self, Guard, LifecyclePolicy};
use super::lifecycle::{OrderState, derive_state, event_row, may_change};
use super::snapshot::PlatformOrder;
use super::{Order, PlatformFacts, Priority, Review};
use super::{facts, merge};
use crate::ids::{HoldId, LineId, OrderKey, PackageId};

/// What an applied event led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// The order after it.
    pub order: Order,
    /// The headline before.
    pub from: OrderState,
    /// The headline after.
    pub to: OrderState,
    /// What must be done now.
    pub effects: Vec<Effect>,
    /// Whether the event had been applied before; then nothing changed.
    pub repeated: bool,
}

/// Something that must be done because of an event. The engine does it, at least once and keyed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Effect {
    /// Set stock aside for every open unit.
    ReserveStock,
    /// Commit what was set aside.
    CommitStock,
    /// Take the parcel's units off the shelf.
    ConsumeStock {
        /// Which parcel.
        package: PackageId,
    },
    /// Give back what is set aside for a line.
    ReleaseStock {
        /// Which line.
        line: LineId,
    },
    /// Take back, or write off, what the buyer returned.
    TakeBackStock {
        /// Which return of the order, from 1.
        number: u32,
    },
    /// Send the parcel's number to the platform.
    UploadTracking {
        /// Which parcel.
        package: PackageId,
    },
    /// Ask the carrier to void the parcel's label.
    VoidLabel {
        /// Which parcel.
        package: PackageId,
    },
    /// Tell the buyer that it is on its way.
    NotifyShipped {
        /// Which parcel.
        package: PackageId,
    },
    /// Tell the buyer that it arrived.
    NotifyDelivered {
        /// Which parcel.
        package: PackageId,
    },
    /// Close every alert about this order.
    CloseAlerts,
}

/// Why an event was refused. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejected {
    /// The event is not possible in this state.
    #[error("{} is not possible while the order is {state}", event.code())]
    NotAllowed {
        /// Which event.
        event: EventKind,
        /// In which state.
        state: OrderState,
    },
    /// A guard does not hold.
    #[error("{guard}: {why}")]
    Guard {
        /// Which guard.
        guard: Guard,
        /// Why, in words.
        why: String,
    },
    /// A track of the parcel does not allow it.
    #[error("{} is not possible: the parcel's {track} is {state}", event.code())]
    Track {
        /// Which event.
        event: EventKind,
        /// Which track.
        track: &'static str,
        /// Where it stands.
        state: String,
    },
    /// The order has no such parcel.
    #[error("the order has no parcel {0}")]
    UnknownPackage(PackageId),
    /// The order has no such line.
    #[error("the order has no line {0}")]
    UnknownLine(LineId),
    /// The order has no such hold.
    #[error("the order has no hold {0}")]
    UnknownHold(HoldId),
    /// More units than there are.
    #[error("line {line}: {wanted} units wanted, {possible} possible")]
    Quantity {
        /// Which line.
        line: LineId,
        /// How many were wanted.
        wanted: u32,
        /// How many are possible.
        possible: u32,
    },
    /// Something about the payment does not add up.
    #[error("payment: {0}")]
    Payment(String),
    /// The headline may not change like this.
    #[error("{} may not change the order from {from} to {to}", event.code())]
    Transition {
        /// Which event.
        event: EventKind,
        /// From.
        from: OrderState,
        /// To.
        to: OrderState,
    },
    /// The snapshot belongs to another order.
    #[error("the snapshot is of order {0}, not of this one")]
    OtherOrder(String),
    /// Two lines of the snapshot have one id: nobody can say which of them counts.
    #[error("the snapshot has more than one line {0}")]
    DuplicateLine(LineId),
    /// A promise about quantities would break.
    #[error(transparent)]
    Invariant(#[from] InvariantBroken),
    /// The log does not begin with an import.
    #[error("the log does not begin with an import")]
    NoImport,
}

/// Applies an event under the default [`LifecyclePolicy`].
///
/// Pure: the same order, event and `now` give the same answer. Applying an event whose id was
/// applied before changes nothing and says so.
///
/// # Errors
/// [`Rejected`] with the exact reason; the order is unchanged.
pub fn apply(order: &Order, event: &Event, now: DateTime<Utc>) -> Result<Transition, Rejected> {
    apply_under(order, event, now, &LifecyclePolicy::default())
}

/// Applies an event under a policy of the host. See [`apply`].
///
/// # Errors
/// [`Rejected`] with the exact reason; the order is unchanged.
pub fn apply_under(
    order: &Order,
    event: &Event,
    now: DateTime<Utc>,
    policy: &LifecyclePolicy,
) -> Result<Transition, Rejected> {
    let from = derive_state(order);
    if order.applied.contains(&event.id) {
        return Ok(Transition {
            order: order.clone(),
            from,
            to: from,
            effects: Vec::new(),
            repeated: true,
        });
    }
    let kind = event.kind();
    let row = event_row(kind)
        .filter(|row| row.from.contains(&from))
        .ok_or(Rejected::NotAllowed { event: kind, state: from })?;
    // What the platform itself acknowledged needs no review of ours.
    let by_platform = event.actor == Actor::Platform;
    for guard in row.guards {
        if by_platform && *guard == Guard::Reviewed && kind == EventKind::Acknowledged {
            continue;
        }
        if let Some(why) = guard::objection(*guard, order, &event.action, policy, now) {
            return Err(Rejected::Guard { guard: *guard, why });
        }
    }
    let mut changed = order.clone();
    let mut effects = Vec::new();
    facts::change(&mut changed, event, &mut effects)?;
    check_invariants(&changed)?;
    let to = derive_state(&changed);
    if !may_change(from, to, kind) {
        return Err(Rejected::Transition { event: kind, from, to });
    }
    if to == OrderState::Cancelled && from != to {
        effects.push(Effect::CloseAlerts);
    }
    changed.applied.insert(event.id.clone());
    changed.version = changed.version.saturating_add(1);
    Ok(Transition { order: changed, from, to, effects, repeated: false })
}

/// Creates an order from an [`Action::Imported`] event.
///
/// # Errors
/// [`Rejected::NotAllowed`] for any other event, [`Rejected::OtherOrder`] for a snapshot of another
/// order, [`Rejected::DuplicateLine`] for one with two lines of one id.
pub fn import(key: &OrderKey, event: &Event) -> Result<Transition, Rejected> {
    let Action::Imported { snapshot, needs_acknowledgement } = &event.action else {
        return Err(Rejected::NotAllowed { event: event.kind(), state: OrderState::Unpaid });
    };
    if snapshot.id != key.order {
        return Err(Rejected::OtherOrder(snapshot.id.to_string()));
    }
    if let Some(line) = snapshot.duplicate_line() {
        return Err(Rejected::DuplicateLine(line.clone()));
    }
    let mut order = empty(key, snapshot, *needs_acknowledgement, event.at);
    order.applied.insert(event.id.clone());
    order.version = 1;
    let state = derive_state(&order);
    let effects = if order.paid_at.is_some() { vec![Effect::ReserveStock] } else { Vec::new() };
    Ok(Transition { order, from: state, to: state, effects, repeated: false })
}

/// Rebuilds an order from its log: the same events yield the same order.
///
/// # Errors
/// [`Rejected`] when the log does not begin with an import or an event does not apply. Guards are
/// checked against each event's own time.
pub fn replay(key: &OrderKey, log: &[Event]) -> Result<Order, Rejected> {
    let (first, rest) = log.split_first().ok_or(Rejected::NoImport)?;
    if first.kind() != EventKind::Imported {
        return Err(Rejected::NoImport);
    }
    // Freshness was judged when the event happened and is not judged again.
    let policy = LifecyclePolicy::default().with_freshness_seconds(u32::MAX);
    rest.iter().try_fold(import(key, first)?.order, |order, event| {
        apply_under(&order, event, event.at, &policy).map(|transition| transition.order)
    })
}

fn empty(
    key: &OrderKey,
    snapshot: &PlatformOrder,
    needs_acknowledgement: bool,
    at: DateTime<Utc>,
) -> Order {
    let mut order = Order {
        key: key.clone(),
        version: 0,
        number: None,
        site: None,
        buyer: snapshot.buyer.clone(),
        recipient: None,
        recipient_version: 0,
        logistics: snapshot.logistics,
        requested_service: None,
        speed: snapshot.speed,
        total: snapshot.total,
        note: None,
        tags: std::collections::BTreeSet::new(),
        priority: Priority::default(),
        test: snapshot.test,
        placed_at: snapshot.placed_at,
        paid_at: snapshot.paid_at,
        imported_at: at,
        lines: Vec::new(),
        packages: Vec::new(),
        packages_planned: 0,
        payments: snapshot.payments.clone(),
        holds: Vec::new(),
        cancellations: Vec::new(),
        returns: Vec::new(),
        backorders: Vec::new(),
        review: Review::Pending,
        needs_acknowledgement,
        acknowledged_at: None,
        cancel_request: None,
        cancel_refused: None,
        cases: Vec::new(),
        deadlines: Vec::new(),
        incidents: Vec::new(),
        completed_at: None,
        platform: PlatformFacts::default(),
        attributes: std::collections::BTreeMap::new(),
        personal_attributes: std::collections::BTreeMap::new(),
        applied: std::collections::BTreeSet::new(),
        erased_at: None,
    };
    merge::merge_snapshot(&mut order, snapshot, at);
    order
}
