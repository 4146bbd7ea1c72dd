//! Deadlines: where they come from and when they are.

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::calendar::{CalendarError, END_OF_DAY, WorkCalendar};
use crate::ids::PlatformId;
use crate::order::{Deadline, DeadlineKind, DeadlineSource, Order, OrderState, PlatformDeadline};
use crate::shipment::UploadState;

/// What a span is counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Anchor {
    /// When the order was placed.
    OrderCreated,
    /// When it became ready to ship.
    OrderPaid,
    /// When it was acknowledged.
    Acknowledged,
    /// When the last parcel was confirmed as shipped.
    ShipConfirmed,
    /// When the buyer asked to cancel.
    CancelRequested,
}

/// How long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Span {
    /// Wall-clock hours; calendars are ignored.
    Elapsed {
        /// How many.
        hours: u32,
    },
    /// Working days of a calendar.
    BusinessDays {
        /// How many, strictly after the start day.
        days: u32,
        /// Whose.
        calendar: Box<WorkCalendar>,
        /// At which local time of the last day. Default 23:59:59.
        #[serde(default = "end_of_day")]
        end_of_day: NaiveTime,
    },
}

const fn end_of_day() -> NaiveTime {
    END_OF_DAY
}

/// Which orders a rule is for. Empty fields are for all; the more fields are set, the more
/// specific the rule is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SlaScope {
    /// Platform.
    pub platform: Option<PlatformId>,
    /// Site.
    pub site: Option<String>,
    /// Category, as a tag of the order.
    pub category: Option<String>,
    /// The service the buyer chose, word for word.
    pub service: Option<String>,
}

impl SlaScope {
    fn fits(&self, order: &Order) -> bool {
        self.platform.as_ref().is_none_or(|platform| *platform == order.key.platform)
            && self.site.is_none_or_eq(order.site.as_deref())
            && self.category.as_ref().is_none_or(|category| order.tags.contains(category))
            && self.service.is_none_or_eq(order.requested_service.as_deref())
    }

    /// Category and service level outweigh site, site outweighs platform.
    fn specificity(&self) -> u8 {
        u8::from(self.platform.is_some())
            + 2 * u8::from(self.site.is_some())
            + 4 * u8::from(self.service.is_some())
            + 8 * u8::from(self.category.is_some())
    }
}

trait NoneOrEq {
    fn is_none_or_eq(&self, other: Option<&str>) -> bool;
}

impl NoneOrEq for Option<String> {
    fn is_none_or_eq(&self, other: Option<&str>) -> bool {
        self.as_deref().is_none_or(|own| Some(own) == other)
    }
}

/// What happens when a deadline is missed. For display.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Penalty {
    /// Kind, for example `rating`.
    pub kind: String,
    /// Words for people.
    pub text: String,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlaRule {
    /// Its name, shown as the source of deadlines.
    pub name: String,
    /// For which orders.
    #[serde(default)]
    pub scope: SlaScope,
    /// What is due.
    pub kind: DeadlineKind,
    /// Counted from when.
    pub anchor: Anchor,
    /// How long.
    pub span: Span,
    /// What happens when it is missed.
    #[serde(default)]
    pub penalty: Option<Penalty>,
}

/// The rules of a shop and the presets behind them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SlaRules {
    /// The shop's own.
    pub shop: Vec<SlaRule>,
    /// Used where the shop has none.
    pub presets: Vec<SlaRule>,
}

fn anchor_of(order: &Order, anchor: Anchor) -> Option<DateTime<Utc>> {
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
        Anchor::CancelRequested => {
            order.cancel_request.as_ref().and_then(|request| request.requested_at)
        }
    }
}

impl Span {
    /// The instant this long after `anchor`.
    ///
    /// # Errors
    /// [`CalendarError`] when the calendar cannot answer.
    pub fn after(&self, anchor: DateTime<Utc>) -> Result<DateTime<Utc>, CalendarError> {
        match self {
            Self::Elapsed { hours } => anchor
                .checked_add_signed(TimeDelta::hours(i64::from(*hours)))
                .ok_or(CalendarError::OutOfRange),
            Self::BusinessDays { days, calendar, end_of_day } => {
                calendar.deadline_after(anchor, *days, *end_of_day)
            }
        }
    }
}

/// Every deadline of an order: the platform's own value first, then the most specific rule of the
/// shop, then the most specific preset. A changed instant gets the next version.
///
/// Rules of equal weight are taken by name, so that their order in the list does not matter.
///
/// # Errors
/// [`CalendarError`] of the rule that would have set a deadline.
pub fn deadlines(
    order: &Order,
    platform: &[PlatformDeadline],
    rules: &SlaRules,
) -> Result<Vec<Deadline>, CalendarError> {
    let mut found: Vec<Deadline> = Vec::new();
    for theirs in platform {
        let begins = order.paid_at.unwrap_or(order.placed_at);
        match found.iter_mut().find(|deadline| deadline.kind == theirs.kind) {
            Some(known) => known.at = known.at.min(theirs.at),
            None => found.push(Deadline {
                kind: theirs.kind,
                at: theirs.at,
                starts_at: begins,
                source: DeadlineSource::Platform,
                version: 1,
            }),
        }
    }
    let sets = [
        (&rules.shop, DeadlineSource::ShopRule as fn(String) -> DeadlineSource),
        (&rules.presets, DeadlineSource::Preset),
    ];
    for (set, source) in sets {
        let mut fitting: Vec<&SlaRule> = set.iter().filter(|rule| rule.scope.fits(order)).collect();
        fitting.sort_by(|a, b| {
            b.scope.specificity().cmp(&a.scope.specificity()).then_with(|| a.name.cmp(&b.name))
        });
        for rule in fitting {
            if found.iter().any(|deadline| deadline.kind == rule.kind) {
                continue;
            }
            let Some(anchor) = anchor_of(order, rule.anchor) else { continue };
            found.push(Deadline {
                kind: rule.kind,
                at: rule.span.after(anchor)?,
                starts_at: anchor,
                source: source(rule.name.clone()),
                version: 1,
            });
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
    Ok(found)
}

/// Whether what a deadline asks for is done.
#[must_use]
pub fn is_met(order: &Order, kind: DeadlineKind) -> bool {
    use DeadlineKind as K;
    let shipped = || {
        matches!(
            order.state(),
            OrderState::AwaitingCollection
                | OrderState::InTransit
                | OrderState::PartiallyDelivered
                | OrderState::Delivered
                | OrderState::Completed
        )
    };
    let live = || order.packages.iter().filter(|package| package.is_shipped());
    match kind {
        K::PayBy | K::AutoCancelUnlessPaid => order.paid_at.is_some(),
        K::AcknowledgeBy | K::AutoCancelUnlessAcknowledged => {
            !order.needs_acknowledgement || order.acknowledged_at.is_some()
        }
        K::ShipBy | K::AutoCancelUnlessShipped => shipped(),
        K::UploadTrackingBy => {
            shipped()
                && live().all(|package| {
                    matches!(package.upload.state, UploadState::Uploaded | UploadState::NotRequired)
                })
        }
        K::CollectBy | K::AutoCancelUnlessCollected => {
            shipped() && live().all(crate::shipment::Package::is_accepted)
        }
        K::DeliverBy | K::AutoCancelUnlessDelivered => {
            matches!(order.state(), OrderState::Delivered | OrderState::Completed)
        }
        K::RespondToCancelBy => order.cancel_request.is_none(),
        // Answers to messages are judged per message, not per order.
        K::ReplyBy => true,
    }
}

/// The earliest deadline that is not met, if the order is still alive.
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

/// Presets with the numbers that the platforms' sellers work by.
pub mod presets {
    use super::{Anchor, DeadlineKind, PlatformId, SlaRule, SlaScope, Span};

    /// The day these numbers were last compared with their sources.
    pub const AS_OF: &str = "2026-06-27";

    /// A shop that must acknowledge within one hour, ship within 48 (or 72) hours of payment by the
    /// service the buyer chose, and upload tracking within 24 hours of shipping: the strictest
    /// numbers told for platforms with acknowledgement.
    #[must_use]
    pub fn acknowledged_orders(platform: &PlatformId) -> Vec<SlaRule> {
        let scope = |service: Option<&str>| SlaScope {
            platform: Some(platform.clone()),
            service: service.map(str::to_owned),
            ..SlaScope::default()
        };
        let rule = |name: &str, service, kind, anchor, hours| SlaRule {
            name: name.to_owned(),
            scope: scope(service),
            kind,
            anchor,
            span: Span::Elapsed { hours },
            penalty: None,
        };
        vec![
            rule("acknowledge-1h", None, DeadlineKind::AcknowledgeBy, Anchor::OrderCreated, 1),
            rule("ship-72h", None, DeadlineKind::ShipBy, Anchor::OrderPaid, 72),
            rule("ship-two-day-48h", Some("TWO_DAY"), DeadlineKind::ShipBy, Anchor::OrderPaid, 48),
            rule("upload-24h", None, DeadlineKind::UploadTrackingBy, Anchor::ShipConfirmed, 24),
        ]
    }
}
