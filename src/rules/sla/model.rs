//! What a deadline rule says.

use std::cmp::Ordering;

use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::calendar::{
    CalendarError, END_OF_DAY, WorkCalendar, local_time, resolve_local, written,
};
use crate::ids::PlatformId;
use crate::order::{DeadlineKind, Order, Requirements};

/// The longest span in calendar days, about forty years. Longer ones are mistakes.
pub const MAX_CALENDAR_DAYS: u32 = 14_610;

/// The longest span in hours: that of [`MAX_CALENDAR_DAYS`].
pub const MAX_ELAPSED_HOURS: u32 = 24 * MAX_CALENDAR_DAYS;

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
    /// When the buyer wrote a message. Such rules are asked per message, by
    /// [`reply_deadline`](super::reply_deadline).
    MessageReceived,
    /// When the buyer asked to cancel.
    CancelRequested,
    /// The ship-by deadline in force, whoever set it.
    ShipBy,
}

/// How long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Span {
    /// Wall-clock hours; calendars are ignored.
    Elapsed {
        /// How many.
        hours: u32,
    },
    /// Local days, worked or not.
    CalendarDays {
        /// How many.
        days: u32,
        /// Whose days.
        zone: Tz,
        /// At which local time of the last day; the anchor's own when missing.
        #[serde(
            default,
            skip_serializing_if = "Option::is_none",
            deserialize_with = "written::optional_time"
        )]
        end_of_day: Option<NaiveTime>,
    },
    /// Working days of a calendar.
    BusinessDays {
        /// How many, strictly after the start day.
        days: u32,
        /// Whose, with zone and cut-off.
        calendar: Box<WorkCalendar>,
        /// At which local time of the last day. Default 23:59:59.
        #[serde(default = "end_of_day", deserialize_with = "written::time")]
        end_of_day: NaiveTime,
    },
}

const fn end_of_day() -> NaiveTime {
    END_OF_DAY
}

impl Anchor {
    /// Whether a deadline of this kind can be counted from here. The others never come about, or
    /// their thing is done by then:
    ///
    /// - an answer to a message counts from the message, and nothing else does;
    /// - an answer to a wish to cancel counts from the wish, and nothing else does;
    /// - payment does not count from the payment or the shipment, nor acknowledgement from the
    ///   acknowledgement or the shipment, nor shipment from the shipment;
    /// - the ship-by deadline does not count from itself.
    #[must_use]
    pub const fn suits(self, kind: DeadlineKind) -> bool {
        use DeadlineKind as K;
        match kind {
            K::ReplyBy => matches!(self, Self::MessageReceived),
            K::RespondToCancelBy => matches!(self, Self::CancelRequested),
            _ if matches!(self, Self::MessageReceived | Self::CancelRequested) => false,
            K::PayBy | K::AutoCancelUnlessPaid => {
                !matches!(self, Self::OrderPaid | Self::ShipConfirmed)
            }
            K::AcknowledgeBy | K::AutoCancelUnlessAcknowledged => {
                !matches!(self, Self::Acknowledged | Self::ShipConfirmed)
            }
            K::ShipBy => !matches!(self, Self::ShipConfirmed | Self::ShipBy),
            K::AutoCancelUnlessShipped => !matches!(self, Self::ShipConfirmed),
            K::UploadTrackingBy
            | K::CollectBy
            | K::DeliverBy
            | K::AutoCancelUnlessCollected
            | K::AutoCancelUnlessDelivered => true,
        }
    }
}

impl Span {
    /// The instant this long after `anchor`, never before it: a time of the day that had passed at
    /// the anchor is due at once.
    ///
    /// A later anchor never gives an earlier instant, with one exception: calendar days at the
    /// anchor's own local time, for anchors in an hour that clocks show twice.
    ///
    /// # Errors
    /// [`CalendarError`] when the calendar cannot answer; `OutOfRange` also for more than
    /// [`MAX_ELAPSED_HOURS`], [`MAX_CALENDAR_DAYS`] or
    /// [`MAX_WORKING_DAYS`](crate::calendar::MAX_WORKING_DAYS).
    pub fn after(&self, anchor: DateTime<Utc>) -> Result<DateTime<Utc>, CalendarError> {
        let at = match self {
            Self::Elapsed { hours } if *hours > MAX_ELAPSED_HOURS => {
                return Err(CalendarError::OutOfRange);
            }
            Self::CalendarDays { days, .. } if *days > MAX_CALENDAR_DAYS => {
                return Err(CalendarError::OutOfRange);
            }
            Self::Elapsed { hours } => anchor
                .checked_add_signed(TimeDelta::hours(i64::from(*hours)))
                .ok_or(CalendarError::OutOfRange)?,
            Self::CalendarDays { days, zone, end_of_day } => {
                let local = local_time(*zone, anchor);
                let day = local
                    .date()
                    .checked_add_days(Days::new(u64::from(*days)))
                    .ok_or(CalendarError::OutOfRange)?;
                let time = end_of_day.unwrap_or(local.time());
                resolve_local(*zone, day.and_time(time))
            }
            Self::BusinessDays { days, calendar, end_of_day } => {
                calendar.deadline_after(anchor, *days, *end_of_day)?
            }
        };
        Ok(at.max(anchor))
    }

    /// About how long, in hours, weekends and holidays not counted: to compare spans.
    fn hours(&self) -> u64 {
        match self {
            Self::Elapsed { hours } => u64::from(*hours),
            Self::CalendarDays { days, .. } | Self::BusinessDays { days, .. } => {
                24 * u64::from(*days)
            }
        }
    }
}

/// Which orders a rule is for. Empty fields are for all; the more fields are set, the more
/// specific the rule is.
///
/// The order of precedence is: platform, site, category and service; platform, site and service;
/// platform and category; platform. Between scopes with as many fields, category outweighs service,
/// service outweighs site, and site outweighs platform.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SlaScope {
    /// Platform.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<PlatformId>,
    /// Site.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// Category, as a tag of the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// The service the buyer chose, word for word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
}

impl SlaScope {
    /// Whether an order is within the scope.
    #[must_use]
    pub fn fits(&self, order: &Order) -> bool {
        let is = |own: &Option<String>, other: &Option<String>| own.is_none() || own == other;
        self.platform.as_ref().is_none_or(|platform| *platform == order.key.platform)
            && is(&self.site, &order.site)
            && self.category.as_ref().is_none_or(|category| order.tags.contains(category))
            && is(&self.service, &order.requested_service)
    }

    /// How specific the scope is: greater wins.
    pub(super) fn specificity(&self) -> (u8, [bool; 4]) {
        let fields = [
            self.category.is_some(),
            self.service.is_some(),
            self.site.is_some(),
            self.platform.is_some(),
        ];
        (fields.iter().map(|set| u8::from(*set)).sum(), fields)
    }
}

/// What happens when a deadline is missed. For display.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Penalty {
    /// Kind, for example `rating`.
    pub kind: String,
    /// Words for people.
    pub text: String,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
    /// What a deadline to ship asks for beside the shipment. Holds also where the platform itself
    /// says when.
    #[serde(default)]
    pub requires: Requirements,
    /// What happens when it is missed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub penalty: Option<Penalty>,
}

/// The rules of a shop and the presets behind them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SlaRules {
    /// The shop's own.
    pub shop: Vec<SlaRule>,
    /// Used where the shop has none.
    pub presets: Vec<SlaRule>,
}

impl SlaRules {
    /// What happens when a deadline of this kind is missed, by the rule that comes first for the
    /// order and has words for it. Rules tell this also for deadlines the platform set.
    #[must_use]
    pub fn penalty(&self, order: &Order, kind: DeadlineKind) -> Option<&Penalty> {
        [&self.shop, &self.presets].into_iter().find_map(|set| {
            fitting(set, order)
                .into_iter()
                .filter(|rule| rule.kind == kind)
                .find_map(|rule| rule.penalty.as_ref())
        })
    }
}

/// The rules for an order, in the order in which they are taken.
pub(super) fn fitting<'a>(set: &'a [SlaRule], order: &Order) -> Vec<&'a SlaRule> {
    let mut rules: Vec<&SlaRule> = set.iter().filter(|rule| rule.scope.fits(order)).collect();
    rules.sort_by(|a, b| precedence(a, b));
    rules
}

/// The most specific rule first; those of equal weight by name, then the shorter one, then by what
/// they say: the order they were listed in never decides.
fn precedence(a: &SlaRule, b: &SlaRule) -> Ordering {
    b.scope
        .specificity()
        .cmp(&a.scope.specificity())
        .then_with(|| a.name.cmp(&b.name))
        .then_with(|| a.span.hours().cmp(&b.span.hours()))
        .then_with(|| if a == b { Ordering::Equal } else { said(a).cmp(&said(b)) })
}

/// All that a rule says, as text: two rules that differ differ in it.
fn said(rule: &SlaRule) -> String {
    format!("{rule:?}")
}
