//! Validation, automatic review and the acknowledgement rule.

mod zip;

use std::collections::BTreeSet;
use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::allocate::{may_ship, unique_warehouses};
use crate::address::text::is_masked;
use crate::address::{Address, Contact, Country};
use crate::ids::{LineId, OrderKey, Sku};
use crate::money::{Currency, Money};
use crate::order::{
    AddressProblem, Guard, HoldReason, Order, OrderState, Payment, PaymentMethod, PaymentState,
    counters,
};
use crate::personal::Personal;
use crate::warehouse::{StockView, Warehouse};

/// Something found in an order. `Display` says it in a sentence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "finding")]
#[non_exhaustive]
pub enum Finding {
    /// No line at all.
    NoLines,
    /// A line without units.
    ZeroQuantity {
        /// Which line.
        line: LineId,
    },
    /// A line without SKU.
    MissingSku {
        /// Which line.
        line: LineId,
    },
    /// Two lines with one id.
    DuplicateLine {
        /// Which id.
        line: LineId,
    },
    /// An amount below zero.
    NegativeAmount {
        /// Which field.
        field: String,
    },
    /// Unit price times quantity is not the line's total.
    LineSum {
        /// Which line.
        line: LineId,
    },
    /// Amounts of several currencies in one order.
    MixedCurrency {
        /// Which line.
        line: LineId,
    },
    /// The address is not usable.
    Address {
        /// What is wrong.
        problem: AddressProblem,
        /// Where, as field name.
        field: String,
    },
    /// The phone is missing where it is needed.
    MissingPhone,
    /// Paid before it was placed.
    PaidBeforePlaced,
    /// Promised before it was placed.
    PromisedBeforePlaced,
    /// Not ready to ship.
    NotPaid,
    /// The payment contradicts the order.
    PaymentAnomaly,
    /// Too few units in the warehouses that may serve it.
    ShortStock {
        /// Which SKU.
        sku: Sku,
        /// How many are needed.
        needed: u32,
        /// How many there are.
        available: u32,
    },
    /// The same buyer, goods and address as another order of the last day that was not cancelled.
    PossibleDuplicate {
        /// Of which order.
        of: OrderKey,
    },
    /// Its value is above the limit for automatic approval.
    HighValue,
    /// Its value cannot be compared with the limit for automatic approval, which is in another
    /// currency: a person must look at it.
    LimitNotComparable {
        /// The currency of the limit.
        limit: Currency,
        /// That of the order.
        order: Currency,
    },
    /// The buyer wrote a note.
    BuyerNote,
    /// A hold is open.
    Held {
        /// Why.
        reason: HoldReason,
    },
    /// The platform sent a status this crate does not know.
    UnknownStatus,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoLines => f.write_str("the order has no goods"),
            Self::ZeroQuantity { line } => write!(f, "line {line} has no units"),
            Self::MissingSku { line } => write!(f, "line {line} has no SKU"),
            Self::DuplicateLine { line } => write!(f, "line {line} occurs twice"),
            Self::NegativeAmount { field } => write!(f, "{field} is negative"),
            Self::LineSum { line } => {
                write!(f, "line {line}: unit price times quantity is not its total")
            }
            Self::MixedCurrency { line } => write!(f, "line {line} is in another currency"),
            Self::Address { problem, field } => match problem {
                AddressProblem::Incomplete => write!(f, "address incomplete: {field} is missing"),
                AddressProblem::Unserviceable => {
                    write!(f, "no carrier service delivers to this address ({field})")
                }
                AddressProblem::Unrecognised => write!(f, "address not recognised: {field}"),
                AddressProblem::Masked => write!(f, "the platform hides the address ({field})"),
                AddressProblem::TooLong => {
                    write!(f, "address too long for the carrier's label: {field}")
                }
                AddressProblem::PostcodeMismatch => {
                    write!(f, "postcode and place contradict each other ({field})")
                }
            },
            Self::MissingPhone => f.write_str("the phone number is missing"),
            Self::PaidBeforePlaced => f.write_str("paid before it was placed"),
            Self::PromisedBeforePlaced => f.write_str("promised before it was placed"),
            Self::NotPaid => f.write_str("not paid"),
            Self::PaymentAnomaly => f.write_str("the payment contradicts the order"),
            Self::ShortStock { sku, needed, available } => {
                write!(f, "{sku}: {needed} needed, {available} available")
            }
            Self::PossibleDuplicate { of } => write!(f, "looks like order {of} again"),
            Self::HighValue => f.write_str("value above the limit for automatic approval"),
            Self::LimitNotComparable { limit, order } => {
                write!(f, "value limit in {limit} cannot be compared with an order in {order}")
            }
            Self::BuyerNote => f.write_str("the buyer wrote a note"),
            Self::Held { reason } => write!(f, "on hold ({reason:?})"),
            Self::UnknownStatus => f.write_str("the platform sent an unknown status"),
        }
    }
}

/// What a shop decides about reviews.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ReviewPolicy {
    /// Orders above this value need a person, and so do orders in another currency. Off by default.
    pub manual_over: Option<Money>,
    /// Whether a note by the buyer needs a person.
    pub notes_need_person: bool,
    /// How long ago an equal order makes one suspicious, in hours. Default 24.
    pub duplicate_window_hours: u32,
    /// Whether a phone number is needed. One that the platform hides does not count.
    pub phone_required: bool,
    /// Hours after which money that has not arrived is an anomaly. Off by default.
    pub funds_grace_hours: Option<u32>,
}

impl Default for ReviewPolicy {
    fn default() -> Self {
        Self {
            manual_over: None,
            notes_need_person: false,
            duplicate_window_hours: 24,
            phone_required: false,
            funds_grace_hours: None,
        }
    }
}

/// What a review knows beside the order.
#[derive(Debug, Clone, Copy)]
pub struct ReviewContext<'a> {
    /// The shop's decisions.
    pub policy: &'a ReviewPolicy,
    /// Warehouses. Stock of those that may not ship the order does not count.
    pub warehouses: &'a [Warehouse],
    /// Units available.
    pub stock: &'a StockView,
    /// Whether units are already set aside for this order, so that stock need not cover it again.
    pub reserved: bool,
    /// Recent orders of the same shop.
    pub recent: &'a [Order],
}

/// The outcome of an automatic review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReviewVerdict {
    /// Nothing found.
    Approve,
    /// A person must decide.
    NeedsPerson(Vec<Finding>),
    /// Not to be shipped.
    Reject(Vec<Finding>),
}

/// Completeness, accuracy and consistency of an order. Sorted; empty is a sound order.
///
/// A missing address is no finding while the order is unpaid or in the platform's remorse hour, and
/// no address is one where the platform labels the parcel itself.
#[must_use]
pub fn validate(order: &Order, policy: &ReviewPolicy, now: DateTime<Utc>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if order.lines.is_empty() {
        findings.push(Finding::NoLines);
    }
    let mut seen = BTreeSet::new();
    for line in &order.lines {
        if !seen.insert(&line.id) {
            findings.push(Finding::DuplicateLine { line: line.id.clone() });
        }
        if line.ordered == 0 {
            findings.push(Finding::ZeroQuantity { line: line.id.clone() });
        }
        if line.sku.is_none() {
            findings.push(Finding::MissingSku { line: line.id.clone() });
        }
        let amounts = [
            Some(&line.unit_price),
            line.line_total.as_ref(),
            line.tax.as_ref(),
            line.shipping.as_ref(),
            line.discount.as_ref(),
        ];
        if amounts.iter().flatten().any(|amount| amount.currency != order.total.currency) {
            findings.push(Finding::MixedCurrency { line: line.id.clone() });
        }
        for (name, money) in [
            ("unit price", Some(&line.unit_price)),
            ("total", line.line_total.as_ref()),
            ("tax", line.tax.as_ref()),
            ("shipping", line.shipping.as_ref()),
            ("discount", line.discount.as_ref()),
        ] {
            if money.is_some_and(Money::is_negative) {
                findings
                    .push(Finding::NegativeAmount { field: format!("{name} of line {}", line.id) });
            }
        }
        if let Some(total) = &line.line_total {
            // One smallest unit of rounding per line is normal.
            let sum = line.unit_price.amount.saturating_mul(Decimal::from(line.ordered));
            let unit = Decimal::new(1, total.currency.minor_digits());
            let discount = line.discount.map_or(Decimal::ZERO, |discount| discount.amount);
            let off = |expected: Decimal| expected.saturating_sub(total.amount).abs() > unit;
            if off(sum) && off(sum.saturating_sub(discount)) {
                findings.push(Finding::LineSum { line: line.id.clone() });
            }
        }
    }
    if order.total.is_negative() {
        findings.push(Finding::NegativeAmount { field: "total".into() });
    }
    for payment in &order.payments {
        for (name, money) in [("amount", &payment.amount), ("refund", &payment.refunded)] {
            if money.is_negative() {
                let field = format!("{name} of payment {}", payment.id);
                findings.push(Finding::NegativeAmount { field });
            }
        }
    }
    if order.paid_at.is_some_and(|paid_at| paid_at < order.placed_at) {
        findings.push(Finding::PaidBeforePlaced);
    }
    if order
        .deadline(crate::order::DeadlineKind::DeliverBy)
        .is_some_and(|deadline| deadline.at < order.placed_at)
    {
        findings.push(Finding::PromisedBeforePlaced);
    }
    let in_remorse = order
        .holds
        .iter()
        .any(|hold| hold.reason == HoldReason::PlatformRemorse && hold.is_open(now));
    findings.extend(recipient_findings(order, policy, in_remorse));
    findings.sort();
    findings.dedup();
    findings
}

/// What is wrong with name, phone and address of the recipient.
pub(super) fn recipient_findings(
    order: &Order,
    policy: &ReviewPolicy,
    in_remorse: bool,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    match &order.recipient {
        // It may be masked or missing as the platform likes: it is not we who use it.
        _ if order.logistics.is_addressed_by_platform() => {}
        None if order.paid_at.is_none() || in_remorse => {}
        None => findings.push(address(AddressProblem::Incomplete, "recipient")),
        Some(recipient) => {
            let no_company = recipient.company.as_ref().is_none_or(Personal::is_blank);
            if recipient.name.is_blank() && no_company {
                findings.push(address(AddressProblem::Incomplete, "name"));
            }
            if is_masked(recipient.name.as_str()) {
                findings.push(address(AddressProblem::Masked, "name"));
            }
            // Platforms hide phones where nobody needs them: only a phone that is needed is missed.
            match recipient.phone.as_ref().filter(|phone| !phone.is_blank()) {
                _ if !policy.phone_required => {}
                None => findings.push(Finding::MissingPhone),
                Some(phone) if is_masked(phone.as_str()) => {
                    findings.push(address(AddressProblem::Masked, "phone"));
                }
                Some(_) => {}
            }
            findings.extend(address_findings(&recipient.address));
            findings.extend(text_findings(recipient));
        }
    }
    findings
}

/// Names and streets longer than this are no names and streets. Carriers take 35 to 50.
const LONGEST_TEXT: usize = 200;

/// Texts that no label can show: too long for any, or with characters that are none: control
/// characters, and those that turn the direction of what follows.
fn text_findings(recipient: &Contact) -> Vec<Finding> {
    let given = &recipient.address;
    let mut texts: Vec<(&str, &str)> = vec![
        ("name", recipient.name.as_str()),
        ("company", recipient.company.as_ref().map_or("", |text| text.as_str())),
        ("city", &given.city),
        ("state", given.state.as_deref().unwrap_or("")),
        ("postcode", given.postal_code.as_deref().unwrap_or("")),
    ];
    texts.extend(given.lines.iter().map(|line| ("street", line.as_str())));
    let odd = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
    };
    let mut findings = Vec::new();
    for (field, text) in texts {
        if text.chars().any(odd) {
            findings.push(address(AddressProblem::Unrecognised, field));
        }
        if text.len() > LONGEST_TEXT && text.chars().count() > LONGEST_TEXT {
            findings.push(address(AddressProblem::TooLong, field));
        }
    }
    findings
}

fn address(problem: AddressProblem, field: &str) -> Finding {
    Finding::Address { problem, field: field.to_owned() }
}

fn address_findings(given: &Address) -> Vec<Finding> {
    if given.is_masked() {
        return vec![address(AddressProblem::Masked, "street, city or postcode")];
    }
    let mut findings = Vec::new();
    if given.line1().trim().is_empty() {
        findings.push(address(AddressProblem::Incomplete, "street"));
    }
    if given.city.trim().is_empty() {
        findings.push(address(AddressProblem::Incomplete, "city"));
    }
    let Some(country) = given.country.filter(|country| country.is_assigned()) else {
        findings.push(address(AddressProblem::Unrecognised, "country"));
        return findings;
    };
    let state = given.state.as_deref().map(str::trim).filter(|state| !state.is_empty());
    let state_code = state.and_then(|state| country.state_code(state));
    if state.is_some() && state_code.is_none() && country.has_known_states() {
        findings.push(address(AddressProblem::Unrecognised, "state"));
    }
    let code = given.postal_code.as_deref().unwrap_or("").trim();
    let Some(pattern) = postcode_pattern(country.as_str()) else { return findings };
    if code.is_empty() {
        findings.push(address(AddressProblem::Incomplete, "postcode"));
    } else if !pattern.iter().any(|pattern| fits(pattern, code)) {
        findings.push(address(AddressProblem::Unrecognised, "postcode"));
    } else if country == Country::US {
        if state.is_none() {
            findings.push(address(AddressProblem::Incomplete, "state"));
        }
        match (zip::states_of(code), state_code) {
            (None, _) => findings.push(address(AddressProblem::Unrecognised, "postcode")),
            (Some(states), Some(state)) if !states.contains(&state) => {
                findings.push(address(AddressProblem::PostcodeMismatch, "postcode and state"));
            }
            (Some(_), _) => {}
        }
    }
    findings
}

/// Postcode forms by country; `9` is a digit, `A` a letter. Source: Universal Postal Union,
/// addressing systems, and each country's post.
fn postcode_pattern(country: &str) -> Option<&'static [&'static str]> {
    Some(match country {
        // The islands that the post of the United States serves have its codes.
        "US" | "PR" | "VI" | "GU" | "AS" | "MP" | "FM" | "MH" | "PW" => {
            &["99999", "99999-9999", "999999999"]
        }
        "BR" => &["99999-999", "99999999"],
        "MX" | "DE" | "ES" | "FR" | "IT" | "PE" | "UY" => &["99999"],
        "AR" => &["9999", "A9999AAA"],
        "CL" => &["9999999", "999-9999"],
        "CO" | "CN" | "SG" => &["999999"],
        "CA" => &["A9A 9A9", "A9A9A9"],
        "GB" => &[
            "A9 9AA", "A99 9AA", "AA9 9AA", "AA99 9AA", "A9A 9AA", "AA9A 9AA", "A99AA", "A999AA",
            "AA99AA", "AA999AA", "A9A9AA", "AA9A9AA",
        ],
        "AT" | "AU" | "BE" | "CH" | "DK" | "NO" | "NZ" => &["9999"],
        "JP" => &["999-9999", "9999999"],
        _ => return None,
    })
}

fn fits(pattern: &str, code: &str) -> bool {
    pattern.len() == code.len()
        && pattern.bytes().zip(code.bytes()).all(|(wanted, byte)| match wanted {
            b'9' => byte.is_ascii_digit(),
            b'A' => byte.is_ascii_alphabetic(),
            other => other == byte,
        })
}

/// Reviews an order: approve, hand to a person, or reject. The same order and context always get
/// the same answer, and the findings come sorted.
#[must_use]
pub fn review(order: &Order, context: &ReviewContext<'_>, now: DateTime<Utc>) -> ReviewVerdict {
    let policy = context.policy;
    let mut findings = validate(order, policy, now);
    if findings.contains(&Finding::NoLines) {
        return ReviewVerdict::Reject(findings);
    }
    if order.paid_at.is_none() {
        findings.push(Finding::NotPaid);
    }
    if payment_anomaly(order, policy.funds_grace_hours, now).is_some() {
        findings.push(Finding::PaymentAnomaly);
    }
    findings.extend(
        order
            .holds
            .iter()
            .filter(|hold| hold.is_open(now))
            .map(|hold| Finding::Held { reason: hold.reason.clone() }),
    );
    if !context.reserved {
        findings.extend(stock_findings(order, context));
    }
    if let Some(twin) = duplicate_of(order, context, now) {
        findings.push(Finding::PossibleDuplicate { of: twin });
    }
    match policy.manual_over {
        Some(limit) if limit.currency != order.total.currency => {
            let (limit, order) = (limit.currency, order.total.currency);
            findings.push(Finding::LimitNotComparable { limit, order });
        }
        Some(limit) if order.total.amount > limit.amount => findings.push(Finding::HighValue),
        _ => {}
    }
    if policy.notes_need_person && order.note.as_ref().is_some_and(|note| !note.is_blank()) {
        findings.push(Finding::BuyerNote);
    }
    if !order.platform.unknown_statuses.is_empty() {
        findings.push(Finding::UnknownStatus);
    }
    findings.sort();
    findings.dedup();
    if findings.is_empty() { ReviewVerdict::Approve } else { ReviewVerdict::NeedsPerson(findings) }
}

fn stock_findings(order: &Order, context: &ReviewContext<'_>) -> Vec<Finding> {
    let mut needed = std::collections::BTreeMap::<&Sku, u32>::new();
    for line in &order.lines {
        if let Some(sku) = &line.sku {
            let open = counters(order, &line.id)
                .map_or(0, |counters| counters.active().saturating_sub(counters.shipped));
            let sum = needed.entry(sku).or_default();
            *sum = sum.saturating_add(open);
        }
    }
    // What a full warehouse has can leave tomorrow; what one has that may not ship the order never can.
    let mut eligible = unique_warehouses(context.warehouses);
    eligible.retain(|warehouse| may_ship(order, warehouse).is_ok());
    needed
        .into_iter()
        .filter_map(|(sku, needed)| {
            let available = eligible
                .iter()
                .map(|warehouse| context.stock.available(&warehouse.id, sku))
                .fold(0, u32::saturating_add);
            (available < needed).then(|| Finding::ShortStock {
                sku: sku.clone(),
                needed,
                available,
            })
        })
        .collect()
}

fn duplicate_of(
    order: &Order,
    context: &ReviewContext<'_>,
    now: DateTime<Utc>,
) -> Option<OrderKey> {
    let buyer = order.buyer.id.as_ref()?;
    let window = TimeDelta::hours(i64::from(context.policy.duplicate_window_hours));
    let goods = |order: &Order| {
        let mut goods: Vec<_> =
            order.lines.iter().map(|line| (line.sku.clone(), line.ordered)).collect();
        goods.sort();
        goods
    };
    let is_same_place = |a: &Order, b: &Order| match (&a.recipient, &b.recipient) {
        (Some(a), Some(b)) => a.address.place() == b.address.place(),
        (None, None) => true,
        _ => false,
    };
    context
        .recent
        .iter()
        .filter(|other| {
            other.key != order.key
                && other.key.shop_key() == order.key.shop_key()
                && other.buyer.id.as_ref() == Some(buyer)
                // The earlier of two is the original, whichever is reviewed first.
                && (other.placed_at, &other.key) < (order.placed_at, &order.key)
                && order.placed_at - other.placed_at < window
                && other.placed_at <= now
                // Who cancels and orders again wants it once.
                && other.state() != OrderState::Cancelled
                && goods(other) == goods(order)
                && is_same_place(other, order)
        })
        .map(|other| other.key.clone())
        .min()
}

/// The acknowledgement rule: approved, stock set aside for every line, address without findings.
/// Returns what stands against it, empty when the order may be acknowledged.
#[must_use]
pub fn may_acknowledge(
    order: &Order,
    policy: &ReviewPolicy,
    stock_reserved: bool,
    now: DateTime<Utc>,
) -> Vec<String> {
    let mut against = Vec::new();
    if !matches!(order.review, crate::order::Review::Approved { .. }) {
        against.push(format!("{}: not approved", Guard::Reviewed));
    }
    if !stock_reserved {
        against.push("stock is not set aside for every line".to_owned());
    }
    against.extend(
        validate(order, policy, now)
            .into_iter()
            .filter(|finding| matches!(finding, Finding::Address { .. }))
            .map(|finding| finding.to_string()),
    );
    against
}

/// How a payment contradicts an order that counts as paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PaymentAnomaly {
    /// A payment is in another currency than the order.
    Currency,
    /// A payment was taken back through the buyer's bank.
    ChargedBack,
    /// What is paid, authorised or due on delivery is less than the order's total.
    Short {
        /// How much there is.
        paid: Money,
        /// How much there should be.
        due: Money,
    },
    /// The money has not arrived within the time given for it.
    NotArrived,
    /// The amounts cannot be added.
    OutOfRange,
}

impl fmt::Display for PaymentAnomaly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Currency => f.write_str("a payment is in another currency than the order"),
            Self::ChargedBack => f.write_str("a payment was charged back"),
            Self::Short { paid, due } => write!(f, "{paid} of {due} are paid"),
            Self::NotArrived => f.write_str("shown as paid, but the money has not arrived"),
            Self::OutOfRange => f.write_str("the amounts of the payments cannot be added"),
        }
    }
}

/// Compares the payments of an order that counts as paid with the order; `None` when they agree or
/// the platform shows no payments.
///
/// Money that was refunded had been paid. Failed attempts beside a good payment are no anomaly.
#[must_use]
pub fn payment_anomaly(
    order: &Order,
    funds_grace_hours: Option<u32>,
    now: DateTime<Utc>,
) -> Option<PaymentAnomaly> {
    let paid_at = order.paid_at?;
    if order.payments.is_empty() {
        return None;
    }
    let on_delivery = |payment: &Payment| payment.method == Some(PaymentMethod::CashOnDelivery);
    let counts = |payment: &&Payment| {
        on_delivery(payment)
            || !matches!(
                payment.state,
                PaymentState::Pending | PaymentState::Failed | PaymentState::ChargedBack
            )
    };
    if order.payments.iter().any(|payment| payment.state == PaymentState::ChargedBack) {
        return Some(PaymentAnomaly::ChargedBack);
    }
    if order.payments.iter().any(|payment| payment.amount.currency != order.total.currency) {
        return Some(PaymentAnomaly::Currency);
    }
    let sum = order
        .payments
        .iter()
        .filter(counts)
        .try_fold(Money::zero(order.total.currency), |sum, payment| {
            sum.checked_add(&payment.amount)
        });
    let Ok(paid) = sum else { return Some(PaymentAnomaly::OutOfRange) };
    if paid.amount < order.total.amount {
        return Some(PaymentAnomaly::Short { paid, due: order.total });
    }
    let grace = TimeDelta::hours(i64::from(funds_grace_hours?));
    let arrived = order
        .payments
        .iter()
        .filter(counts)
        .all(|payment| on_delivery(payment) || payment.paid_at.is_some());
    (!arrived && now.signed_duration_since(paid_at) > grace).then_some(PaymentAnomaly::NotArrived)
}
