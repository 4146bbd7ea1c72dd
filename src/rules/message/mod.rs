//! Messages to buyers: which are due, in whose language, with which words; and what buyers ask.
//!
//! Nothing is sent here. [`due_messages`] says which messages an order gives cause for and under
//! which key each may be sent once; [`Templates`] turn them into text; [`MessageClassifier`] sorts
//! what buyers write.

mod classify;
mod template;

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

pub use classify::{KeywordClassifier, MessageClass, MessageClassifier};
pub use template::{
    ContentFinding, ContentPolicy, MissingValue, Placeholder, Template, TemplateError, Templates,
    UnknownTemplateSet,
};

use super::exceptions::ExceptionItem;
use crate::address::Country;
use crate::calendar::local_time;
use crate::ids::{OrderKey, PackageId};
use crate::order::{
    AddressProblem, CancelReason, DeadlineKind, ExceptionKind, Order, OrderState, Review,
};
use crate::personal::Personal;
use crate::shipment::{EventTime, Milestone, UploadState};

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MessageKind {
    /// A parcel is on its way, with its number.
    Shipped,
    /// A parcel reached a point that buyers care about.
    Milestone,
    /// Everything arrived.
    Delivered,
    /// Something holds a parcel up. Sent before the buyer asks.
    Delay,
    /// The address lacks something.
    AddressConfirm,
    /// Cancelled because it is out of stock.
    CancelRefund,
    /// How was it?
    Survey,
}

impl MessageKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Shipped,
        Self::Milestone,
        Self::Delivered,
        Self::Delay,
        Self::AddressConfirm,
        Self::CancelRefund,
        Self::Survey,
    ];

    /// The kind as a word, as serialised.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shipped => "shipped",
            Self::Milestone => "milestone",
            Self::Delivered => "delivered",
            Self::Delay => "delay",
            Self::AddressConfirm => "address_confirm",
            Self::CancelRefund => "cancel_refund",
            Self::Survey => "survey",
        }
    }
}

/// A language that messages are written in.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Locale {
    /// English.
    #[default]
    En,
    /// Spanish.
    Es,
    /// Portuguese.
    Pt,
    /// Chinese.
    Zh,
}

impl Locale {
    /// The language of a country, as far as the marketplaces go; English elsewhere.
    #[must_use]
    pub fn of_country(country: Country) -> Self {
        match country.as_str() {
            "BR" | "PT" => Self::Pt,
            "AR" | "BO" | "CL" | "CO" | "CR" | "DO" | "EC" | "ES" | "GT" | "HN" | "MX" | "NI"
            | "PA" | "PE" | "PY" | "SV" | "UY" | "VE" => Self::Es,
            "CN" | "HK" | "MO" | "TW" => Self::Zh,
            _ => Self::En,
        }
    }

    /// The language of an order's recipient.
    #[must_use]
    pub fn of_order(order: &Order) -> Self {
        order
            .recipient
            .as_ref()
            .and_then(|recipient| recipient.address.country)
            .map_or(Self::En, Self::of_country)
    }
}

/// When messages are due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct MessagePolicy {
    /// Hours from delivery until the survey. Default 12.
    pub survey_hours: u32,
    /// Hours from delivery after which no survey is sent any more. Default 24.
    pub survey_until_hours: u32,
    /// Hours from a buyer's message until its answer is due. Default 24.
    pub reply_hours: u32,
    /// Hours after which news of a movement are no news any more. Default 48.
    pub milestone_hours: u32,
}

impl Default for MessagePolicy {
    fn default() -> Self {
        Self { survey_hours: 12, survey_until_hours: 24, reply_hours: 24, milestone_hours: 48 }
    }
}

/// Until when a buyer's message wants its answer.
#[must_use]
pub fn reply_by(received_at: DateTime<Utc>, policy: &MessagePolicy) -> DateTime<Utc> {
    received_at
        .checked_add_signed(TimeDelta::hours(i64::from(policy.reply_hours)))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// What this order's buyer said or did that the order itself does not know.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuyerFacts {
    /// A complaint or return is open: no survey.
    pub complaint_open: bool,
}

/// A message that is due. Send it once per [`key`](Self::key).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DueMessage {
    /// About which order.
    pub order: OrderKey,
    /// About which parcel.
    pub package: Option<PackageId>,
    /// What it is about.
    pub kind: MessageKind,
    /// In which language.
    pub locale: Locale,
    /// Under which key it may be sent once.
    pub key: String,
    /// Since when it is due.
    pub due_at: DateTime<Utc>,
    /// What its template may speak of. Names are personal.
    pub values: BTreeMap<Placeholder, Personal<String>>,
}

/// Where the host's knowledge enters a message.
#[derive(Clone, Copy)]
pub struct MessageContext<'a> {
    /// The shop's name for buyers.
    pub shop: &'a str,
    /// The zone whose days buyers are told: theirs if it is known, else the shop's. A promise until
    /// the end of the 11th in New York is the 12th in UTC.
    pub zone: Tz,
    /// The tracking page of a parcel, by carrier and number.
    pub tracking_url: &'a dyn Fn(&crate::CarrierId, &crate::TrackingNumber) -> Option<String>,
    /// The order's open exceptions.
    pub exceptions: &'a [ExceptionItem],
    /// What the order does not know.
    pub buyer: BuyerFacts,
}

impl fmt::Debug for MessageContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageContext")
            .field("shop", &self.shop)
            .field("zone", &self.zone)
            .field("exceptions", &self.exceptions)
            .field("buyer", &self.buyer)
            .finish_non_exhaustive()
    }
}

/// Every message that an order gives cause for at `now`, by time and key, whatever was sent before:
/// the caller leaves out the keys that it sent. Pure.
///
/// | Message | Cause | Once per |
/// |---|---|---|
/// | shipped | the platform has the number, or shipment is confirmed where it needs none | parcel |
/// | milestone | arrived at a hub, cleared customs, out for delivery | milestone and parcel |
/// | delivered | every parcel arrived | order |
/// | delay | no movement, stuck, customs, coming back, promise broken | exception; a parcel that stands still once, whatever it is called |
/// | address_confirm | the address is not usable | version of the address |
/// | cancel_refund | cancelled because it is out of stock | order |
/// | survey | 12 hours after delivery, not after 24; not while a complaint is open | order |
#[must_use]
pub fn due_messages(
    order: &Order,
    context: &MessageContext<'_>,
    policy: &MessagePolicy,
    now: DateTime<Utc>,
) -> Vec<DueMessage> {
    let mut due = Vec::new();
    if order.test || order.erased_at.is_some() {
        return due;
    }
    let mut add = |kind: MessageKind,
                   package: Option<&crate::shipment::Package>,
                   detail: &str,
                   due_at: DateTime<Utc>| {
        if due_at > now {
            return;
        }
        let mut key = format!("message|{}|{}", order.key, kind.as_str());
        for part in [package.map_or("", |package| package.id.as_str()), detail] {
            if !part.is_empty() {
                key.push('|');
                key.push_str(part);
            }
        }
        due.push(DueMessage {
            order: order.key.clone(),
            package: package.map(|package| package.id.clone()),
            kind,
            locale: Locale::of_order(order),
            key,
            due_at,
            values: values(order, package, context),
        });
    };
    for package in order.packages.iter().filter(|package| package.is_shipped()) {
        let Some(shipped) = &package.shipped else { continue };
        match (package.upload.state, package.upload.uploaded_at) {
            (UploadState::NotRequired, _) => {
                add(MessageKind::Shipped, Some(package), "", shipped.confirmed_at);
            }
            (_, Some(uploaded_at)) => add(MessageKind::Shipped, Some(package), "", uploaded_at),
            _ => {}
        }
        for event in &package.movement.events {
            let word = match event.milestone {
                Milestone::ArrivedHub => "arrived_hub",
                Milestone::CustomsCleared => "customs_cleared",
                Milestone::OutForDelivery => "out_for_delivery",
                _ => continue,
            };
            let at = event.time.approximate();
            let age = now.signed_duration_since(at);
            let fresh = age <= TimeDelta::hours(i64::from(policy.milestone_hours));
            if fresh && !package.is_delivered() && !matches!(event.time, EventTime::Date(_)) {
                add(MessageKind::Milestone, Some(package), word, at);
            }
        }
    }
    let state = order.state();
    let delivered_at = order
        .packages
        .iter()
        .filter(|package| package.is_shipped())
        .filter_map(|package| package.movement.delivered_at)
        .max()
        .filter(|_| matches!(state, OrderState::Delivered | OrderState::Completed));
    if let Some(delivered_at) = delivered_at {
        add(MessageKind::Delivered, None, "", delivered_at);
        let after =
            |hours: u32| delivered_at.checked_add_signed(TimeDelta::hours(i64::from(hours)));
        let returned = !order.returns.is_empty();
        if let (Some(survey), Some(end)) =
            (after(policy.survey_hours), after(policy.survey_until_hours))
            && now <= end
            && !context.buyer.complaint_open
            && !returned
        {
            add(MessageKind::Survey, None, "", survey);
        }
    }
    let own = || context.exceptions.iter().filter(|item| item.order == order.key);
    for item in own() {
        let package =
            item.package.as_ref().and_then(|id| order.packages.iter().find(|p| p.id == *id));
        match item.kind {
            // A parcel that stands still is one thing for its buyer, in customs, stuck or silent: it
            // is told when the first of them is found, and again when it falls silent after another
            // sign of it.
            kind if is_standstill(kind) => {
                let of_parcel = own().filter(|other| {
                    is_standstill(other.kind) && other.package == item.package
                });
                let since = of_parcel.map(|other| other.since).max().unwrap_or(item.since);
                // `since` is the last sign of the parcel, not the moment it became a delay.
                let word = format!("standstill {}", since.timestamp());
                add(MessageKind::Delay, package, &word, now);
            }
            ExceptionKind::ReturnToSender | ExceptionKind::DeliveryOverdue => {
                let word = format!("{:?} {}", item.kind, item.since.timestamp());
                add(MessageKind::Delay, package, &word, now);
            }
            ExceptionKind::Address(problem)
                // Asking the buyer brings nothing when the platform hides what was answered.
                if problem != AddressProblem::Masked && !is_refused(order) =>
            {
                let version = format!("address {}", order.recipient_version);
                add(MessageKind::AddressConfirm, None, &version, item.since);
            }
            _ => {}
        }
    }
    if state == OrderState::Cancelled
        && let Some(cancelled) = order
            .cancellations
            .iter()
            .filter(|units| units.reason == CancelReason::OutOfStock)
            .map(|units| units.at)
            .max()
    {
        add(MessageKind::CancelRefund, None, "", cancelled);
    }
    due.sort_by(|a, b| a.due_at.cmp(&b.due_at).then_with(|| a.key.cmp(&b.key)));
    due.dedup_by(|a, b| a.key == b.key);
    // A milestone seen twice keeps its first time only.
    let mut seen = std::collections::BTreeSet::new();
    due.retain(|message| seen.insert(message.key.clone()));
    due
}

const fn is_standstill(kind: ExceptionKind) -> bool {
    matches!(kind, ExceptionKind::CarrierDelay | ExceptionKind::Stuck | ExceptionKind::CustomsHold)
}

fn is_refused(order: &Order) -> bool {
    matches!(order.review, Review::Refused { .. })
}

fn values(
    order: &Order,
    package: Option<&crate::shipment::Package>,
    context: &MessageContext<'_>,
) -> BTreeMap<Placeholder, Personal<String>> {
    let mut values = BTreeMap::new();
    let mut set = |placeholder: Placeholder, text: Option<String>| {
        if let Some(text) = text.filter(|text| !text.trim().is_empty()) {
            values.insert(placeholder, Personal::new(text));
        }
    };
    let number = order.number.clone().unwrap_or_else(|| order.key.order.to_string());
    set(Placeholder::OrderId, Some(number));
    set(Placeholder::Shop, Some(context.shop.to_owned()));
    let name = order
        .recipient
        .as_ref()
        .map(|recipient| recipient.name.as_str().to_owned())
        .or_else(|| order.buyer.name.as_ref().map(|name| name.as_str().to_owned()));
    set(Placeholder::BuyerName, name);
    let item = |title: &str, units: u32| {
        if units == 1 { title.to_owned() } else { format!("{units} × {title}") }
    };
    let items: Vec<String> = match package {
        Some(package) => package
            .contents
            .iter()
            .filter_map(|packed| Some(item(&order.line(&packed.line)?.title, packed.units)))
            .collect(),
        None => order.lines.iter().map(|line| item(&line.title, line.ordered)).collect(),
    };
    set(Placeholder::Items, Some(items.join(", ")));
    if let Some(tracking) = package.and_then(|package| package.tracking.as_ref()) {
        set(Placeholder::Carrier, Some(tracking.carrier.to_string()));
        set(Placeholder::TrackingNumber, Some(tracking.number.to_string()));
        set(Placeholder::TrackingUrl, (context.tracking_url)(&tracking.carrier, &tracking.number));
    }
    let estimate = package
        .and_then(|package| {
            package
                .movement
                .estimated_delivery
                .or_else(|| package.choice.as_ref().and_then(|choice| choice.deliver_on))
        })
        .map(|day| day.to_string())
        .or_else(|| {
            order
                .deadline(DeadlineKind::DeliverBy)
                .map(|deadline| local_time(context.zone, deadline.at).date().to_string())
        });
    set(Placeholder::Eta, estimate);
    values
}

/// What a buyer answered to the survey.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SurveyAnswer {
    /// 1 is worst, 5 is best.
    pub score: u8,
    /// In the buyer's words.
    pub text: Personal<String>,
    /// When.
    pub at: DateTime<Utc>,
}

impl SurveyAnswer {
    /// Whether it counts as a defect where the shop decided that bad answers do: up to this score.
    #[must_use]
    pub const fn is_defect(&self, up_to: u8) -> bool {
        self.score <= up_to
    }
}
