//! Bulk resolutions: one decision for many exceptions, one outcome for each.
//!
//! Planning is pure: guards are checked per item, nothing is done. Whoever executes the steps does
//! so item by item; one item's refusal never costs another.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::exception_book::ExceptionKey;
use super::manual::missing_field;
use crate::address::Contact;
use crate::ids::{CarrierId, LineId, OrderKey, PackageId, PaymentId, TrackingNumber};
use crate::money::Money;
use crate::order::{ExceptionKind, Order, OrderState, PaymentState, Priority, counters};
use crate::shipment::LabelState;

/// What is to be done about exceptions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Resolution {
    /// Write to the buyers, with a template.
    ContactBuyers {
        /// The template's name.
        template: String,
    },
    /// Cancel what has not left and give the money back.
    CancelAndRefund,
    /// Ask the carriers where parcels are: one message per carrier with all numbers.
    CarrierEnquiry,
    /// Put the orders first, or last.
    SetPriority(Priority),
    /// Choose warehouses anew.
    Reallocate,
    /// Choose services anew.
    Reroute,
    /// Use another recipient.
    CorrectAddress(Box<Contact>),
    /// Do again what failed.
    Retry,
    /// Not to be bothered with.
    Dismiss {
        /// Why.
        reason: String,
    },
}

/// What a platform lets a seller do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolutionAbilities {
    /// Cancel orders.
    pub cancel: bool,
    /// Refund buyers. Platforms that refund a cancelled order by themselves need none.
    pub refund: bool,
    /// A cancelled order is refunded by the platform.
    pub refunds_cancelled: bool,
    /// Write to buyers.
    pub messages: bool,
}

/// One thing to do for an item, in this order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ResolutionStep {
    /// Write to the buyer.
    Message {
        /// With which template.
        template: String,
    },
    /// Ask the carrier to void the label of a parcel, and go on only when it did.
    VoidLabel {
        /// Which parcel.
        package: PackageId,
    },
    /// Cancel units on the platform.
    Cancel {
        /// Units by line.
        lines: Vec<(LineId, u32)>,
    },
    /// Give money back.
    Refund {
        /// Of which payment; `None` when the platform shows none.
        payment: Option<PaymentId>,
        /// How much.
        amount: Money,
    },
    /// Ask the carrier about parcels: part of that carrier's one message.
    Enquire {
        /// Which carrier.
        carrier: CarrierId,
        /// Which numbers.
        numbers: Vec<TrackingNumber>,
    },
    /// Change the priority.
    Prioritise(Priority),
    /// Replace the plan of parcels without a label.
    Reallocate,
    /// Choose the service of a parcel anew.
    Reroute {
        /// Which parcel.
        package: PackageId,
    },
    /// Replace the recipient and review anew.
    ReplaceRecipient(Box<Contact>),
    /// Buy the label of a parcel again, after recovery where its fate is not known.
    RetryLabel {
        /// Which parcel.
        package: PackageId,
    },
    /// Send the number of a parcel again.
    RetryUpload {
        /// Which parcel.
        package: PackageId,
    },
    /// Read the order again.
    ReadAgain,
    /// Dismiss the exception.
    Dismiss {
        /// Why.
        reason: String,
    },
}

/// Why nothing can be done for an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ResolutionRefusal {
    /// The order is not there.
    UnknownOrder,
    /// The order is closed.
    Closed {
        /// Where it stands.
        state: OrderState,
    },
    /// The platform has no such ability.
    NotOnThisPlatform {
        /// Which.
        what: String,
    },
    /// A parcel is with the carrier: its units can no longer be cancelled.
    AlreadyWithCarrier {
        /// Which parcel.
        package: PackageId,
    },
    /// Whether a label was bought is not known: find out first.
    LabelUnknown {
        /// Which parcel.
        package: PackageId,
    },
    /// The parcel has a label: void it first.
    HasLabel {
        /// Which parcel.
        package: PackageId,
    },
    /// More would be given back than was paid.
    RefundTooHigh {
        /// What would be given back.
        wanted: Money,
        /// What is left of what was paid.
        possible: Money,
    },
    /// The amounts do not fit together.
    Amounts {
        /// In words.
        why: String,
    },
    /// Nothing is there that the resolution could act on.
    NothingToDo,
    /// The new recipient lacks something.
    RecipientIncomplete {
        /// Which field.
        field: String,
    },
    /// A reason is wanted and blank.
    NoReason,
}

impl fmt::Display for ResolutionRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownOrder => f.write_str("the order is not known"),
            Self::Closed { state } => write!(f, "the order is {state}"),
            Self::NotOnThisPlatform { what } => write!(f, "the platform does not let you {what}"),
            Self::AlreadyWithCarrier { package } => {
                write!(f, "parcel {package} is with the carrier")
            }
            Self::LabelUnknown { package } => {
                write!(f, "it is not known whether parcel {package} has a label: find out first")
            }
            Self::HasLabel { package } => write!(f, "parcel {package} has a label: void it first"),
            Self::RefundTooHigh { wanted, possible } => {
                write!(f, "{wanted} would be given back of {possible}")
            }
            Self::Amounts { why } => write!(f, "the amounts do not fit together: {why}"),
            Self::NothingToDo => f.write_str("there is nothing to do"),
            Self::RecipientIncomplete { field } => write!(f, "the new recipient lacks {field}"),
            Self::NoReason => f.write_str("a reason is wanted"),
        }
    }
}

/// What is to be done for one item, or why nothing is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolutionPlan {
    /// Which exception.
    pub item: ExceptionKey,
    /// Its steps, or the refusal.
    pub outcome: Result<Vec<ResolutionStep>, ResolutionRefusal>,
}

/// Plans a resolution for many exceptions: one outcome per item, in the order given. Pure.
///
/// `orders` finds the order of an item, `abilities` what its platform lets the seller do.
///
/// Guards of cancelling: the platform allows it; no parcel is with the carrier; no label's fate is
/// unknown; live labels are voided first; and never more is given back than was paid.
#[must_use]
pub fn plan_resolution<'a>(
    items: &[ExceptionKey],
    resolution: &Resolution,
    orders: impl Fn(&OrderKey) -> Option<&'a Order>,
    abilities: impl Fn(&OrderKey) -> ResolutionAbilities,
) -> Vec<ResolutionPlan> {
    // Two exceptions of one order must not cancel it twice, nor write to its buyer twice.
    let mut planned: BTreeSet<OrderKey> = BTreeSet::new();
    items
        .iter()
        .map(|item| {
            let outcome = match orders(&item.order) {
                None => Err(ResolutionRefusal::UnknownOrder),
                Some(order) => {
                    let once = matches!(
                        resolution,
                        Resolution::ContactBuyers { .. }
                            | Resolution::CancelAndRefund
                            | Resolution::Reallocate
                            | Resolution::CorrectAddress(_)
                    );
                    if once && planned.contains(&item.order) {
                        Err(ResolutionRefusal::NothingToDo)
                    } else {
                        steps(item, order, resolution, abilities(&item.order))
                    }
                }
            };
            if outcome.is_ok() {
                planned.insert(item.order.clone());
            }
            ResolutionPlan { item: item.clone(), outcome }
        })
        .collect()
}

fn steps(
    item: &ExceptionKey,
    order: &Order,
    resolution: &Resolution,
    abilities: ResolutionAbilities,
) -> Result<Vec<ResolutionStep>, ResolutionRefusal> {
    let unable = |what: &str| ResolutionRefusal::NotOnThisPlatform { what: what.to_owned() };
    match resolution {
        Resolution::ContactBuyers { template } => {
            if !abilities.messages {
                return Err(unable("write to buyers"));
            }
            Ok(vec![ResolutionStep::Message { template: template.clone() }])
        }
        Resolution::CancelAndRefund => cancel_and_refund(order, abilities),
        Resolution::CarrierEnquiry => {
            let mut numbers: BTreeMap<CarrierId, Vec<TrackingNumber>> = BTreeMap::new();
            for package in &order.packages {
                let wanted = item.package.as_ref().is_none_or(|id| *id == package.id);
                if let Some(tracking) =
                    package.tracking.as_ref().filter(|_| wanted && package.is_shipped())
                {
                    numbers
                        .entry(tracking.carrier.clone())
                        .or_default()
                        .push(tracking.number.clone());
                }
            }
            non_empty(
                numbers
                    .into_iter()
                    .map(|(carrier, numbers)| ResolutionStep::Enquire { carrier, numbers })
                    .collect(),
            )
        }
        Resolution::SetPriority(priority) => {
            open(order)?;
            if order.priority == *priority {
                return Err(ResolutionRefusal::NothingToDo);
            }
            Ok(vec![ResolutionStep::Prioritise(*priority)])
        }
        Resolution::Reallocate => {
            open(order)?;
            no_label_in_the_way(order)?;
            Ok(vec![ResolutionStep::Reallocate])
        }
        Resolution::Reroute => {
            open(order)?;
            let mut wanted = Vec::new();
            for package in order.packages.iter().filter(|package| {
                item.package.as_ref().is_none_or(|id| *id == package.id)
                    && package.shipped.is_none()
                    && !package.contents.is_empty()
            }) {
                without_label(package)?;
                wanted.push(ResolutionStep::Reroute { package: package.id.clone() });
            }
            non_empty(wanted)
        }
        Resolution::CorrectAddress(recipient) => {
            open(order)?;
            no_label_in_the_way(order)?;
            let missing =
                |field: &str| ResolutionRefusal::RecipientIncomplete { field: field.to_owned() };
            if let Some(field) = missing_field(recipient) {
                return Err(missing(field));
            }
            Ok(vec![ResolutionStep::ReplaceRecipient(recipient.clone())])
        }
        Resolution::Retry => retry(item, order),
        Resolution::Dismiss { reason } => {
            if reason.trim().is_empty() {
                return Err(ResolutionRefusal::NoReason);
            }
            Ok(vec![ResolutionStep::Dismiss { reason: reason.trim().to_owned() }])
        }
    }
}

fn non_empty(steps: Vec<ResolutionStep>) -> Result<Vec<ResolutionStep>, ResolutionRefusal> {
    if steps.is_empty() { Err(ResolutionRefusal::NothingToDo) } else { Ok(steps) }
}

fn open(order: &Order) -> Result<(), ResolutionRefusal> {
    let state = order.state();
    if state.is_terminal() { Err(ResolutionRefusal::Closed { state }) } else { Ok(()) }
}

fn without_label(package: &crate::shipment::Package) -> Result<(), ResolutionRefusal> {
    let package_id = || package.id.clone();
    if matches!(package.label.state, LabelState::Requested | LabelState::Unknown) {
        return Err(ResolutionRefusal::LabelUnknown { package: package_id() });
    }
    if package.has_live_label() {
        return Err(ResolutionRefusal::HasLabel { package: package_id() });
    }
    Ok(())
}

fn no_label_in_the_way(order: &Order) -> Result<(), ResolutionRefusal> {
    let waiting = || order.packages.iter().filter(|package| package.shipped.is_none());
    waiting().try_for_each(without_label)?;
    let units_left = order.lines.iter().any(|line| order.open_units(&line.id) > 0);
    if units_left || waiting().next().is_some() {
        Ok(())
    } else {
        Err(ResolutionRefusal::NothingToDo)
    }
}

fn cancel_and_refund(
    order: &Order,
    abilities: ResolutionAbilities,
) -> Result<Vec<ResolutionStep>, ResolutionRefusal> {
    open(order)?;
    if !abilities.cancel {
        return Err(ResolutionRefusal::NotOnThisPlatform { what: "cancel orders".to_owned() });
    }
    if !abilities.refund && !abilities.refunds_cancelled {
        return Err(ResolutionRefusal::NotOnThisPlatform { what: "refund buyers".to_owned() });
    }
    let mut steps = Vec::new();
    for package in order.packages.iter().filter(|package| package.undeliverable.is_none()) {
        if package.is_accepted() {
            return Err(ResolutionRefusal::AlreadyWithCarrier { package: package.id.clone() });
        }
        match package.label.state {
            LabelState::Requested | LabelState::Unknown => {
                return Err(ResolutionRefusal::LabelUnknown { package: package.id.clone() });
            }
            LabelState::Purchased | LabelState::Printed => {
                steps.push(ResolutionStep::VoidLabel { package: package.id.clone() });
            }
            LabelState::None | LabelState::VoidRequested | LabelState::Voided => {}
        }
    }
    let lines: Vec<(LineId, u32)> = order
        .lines
        .iter()
        .filter_map(|line| {
            let active = counters(order, &line.id)?.active();
            (active > 0).then(|| (line.id.clone(), active))
        })
        .collect();
    if lines.is_empty() {
        return Err(ResolutionRefusal::NothingToDo);
    }
    steps.push(ResolutionStep::Cancel { lines });
    if order.paid_at.is_some() && !abilities.refunds_cancelled {
        steps.extend(refunds(order)?);
    }
    Ok(steps)
}

/// What is left of every payment. What was only authorised was not taken and is not given back.
fn refunds(order: &Order) -> Result<Vec<ResolutionStep>, ResolutionRefusal> {
    let amounts = |error: crate::MoneyError| ResolutionRefusal::Amounts { why: error.to_string() };
    if order.payments.is_empty() {
        let mut given = Money::zero(order.total.currency);
        for refunded in order.lines.iter().filter_map(|line| line.refunded.as_ref()) {
            given = given.checked_add(refunded).map_err(amounts)?;
        }
        let left = order.total.checked_sub(&given).map_err(amounts)?;
        if left.is_negative() {
            return Err(ResolutionRefusal::RefundTooHigh { wanted: given, possible: order.total });
        }
        return Ok(if left.is_zero() {
            Vec::new()
        } else {
            vec![ResolutionStep::Refund { payment: None, amount: left }]
        });
    }
    let mut steps = Vec::new();
    for payment in &order.payments {
        if !matches!(payment.state, PaymentState::Paid | PaymentState::PartiallyRefunded) {
            continue;
        }
        let left = payment.amount.checked_sub(&payment.refunded).map_err(amounts)?;
        if left.is_negative() {
            return Err(ResolutionRefusal::RefundTooHigh {
                wanted: payment.refunded,
                possible: payment.amount,
            });
        }
        if !left.is_zero() {
            steps.push(ResolutionStep::Refund { payment: Some(payment.id.clone()), amount: left });
        }
    }
    Ok(steps)
}

fn retry(item: &ExceptionKey, order: &Order) -> Result<Vec<ResolutionStep>, ResolutionRefusal> {
    let package = || item.package.clone().ok_or(ResolutionRefusal::NothingToDo);
    match item.kind {
        ExceptionKind::LabelFailed | ExceptionKind::LabelUnknown | ExceptionKind::NoService => {
            open(order)?;
            Ok(vec![ResolutionStep::RetryLabel { package: package()? }])
        }
        ExceptionKind::UploadRejected
        | ExceptionKind::UploadConflict
        | ExceptionKind::PartialUpload => {
            Ok(vec![ResolutionStep::RetryUpload { package: package()? }])
        }
        ExceptionKind::OutOfStock | ExceptionKind::Oversold => {
            open(order)?;
            no_label_in_the_way(order)?;
            Ok(vec![ResolutionStep::Reallocate])
        }
        ExceptionKind::StateMismatch
        | ExceptionKind::UnknownPlatformStatus
        | ExceptionKind::ImportFailure
        | ExceptionKind::SyncFailed
        | ExceptionKind::PaymentAnomaly => Ok(vec![ResolutionStep::ReadAgain]),
        _ => Err(ResolutionRefusal::NothingToDo),
    }
}

/// One message to a carrier about all parcels in question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarrierEnquiry {
    /// Which carrier.
    pub carrier: CarrierId,
    /// Which numbers, sorted, each once.
    pub numbers: Vec<TrackingNumber>,
}

impl CarrierEnquiry {
    /// The message. Without names and addresses.
    #[must_use]
    pub fn text(&self) -> String {
        let numbers: Vec<&str> = self.numbers.iter().map(TrackingNumber::as_str).collect();
        format!(
            "Please tell us where these {} parcels are and when they will arrive:\n{}",
            numbers.len(),
            numbers.join("\n")
        )
    }
}

/// Gathers the enquiries of many plans: one message per carrier with all its numbers.
#[must_use]
pub fn carrier_enquiries<'a>(
    plans: impl IntoIterator<Item = &'a ResolutionPlan>,
) -> Vec<CarrierEnquiry> {
    let mut numbers: BTreeMap<CarrierId, BTreeSet<TrackingNumber>> = BTreeMap::new();
    for step in plans.into_iter().filter_map(|plan| plan.outcome.as_ref().ok()).flatten() {
        if let ResolutionStep::Enquire { carrier, numbers: theirs } = step {
            numbers.entry(carrier.clone()).or_default().extend(theirs.iter().cloned());
        }
    }
    numbers
        .into_iter()
        .map(|(carrier, numbers)| CarrierEnquiry {
            carrier,
            numbers: numbers.into_iter().collect(),
        })
        .collect()
}
