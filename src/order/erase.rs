//! Erasing personal data while keeping what analytics need.

use chrono::{DateTime, Utc};

use super::Order;
use crate::address::{Address, Contact};
use crate::personal::Personal;

/// Characters of a postcode that are kept: enough for regions, too few for a street.
const POSTCODE_PREFIX: usize = 3;

/// Blanks every personal field: names, phones, e-mails, street lines, notes, facts that may name a
/// person and the raw payload.
///
/// Country, state, city, the first three characters of the postcode, and every number stay, so that
/// figures over erased orders are the figures they were. Erasing twice changes nothing. Retention
/// is the host's policy; 30 days after delivery is usual.
#[must_use]
pub fn erase(order: &Order, now: DateTime<Utc>) -> Order {
    if order.erased_at.is_some() {
        return order.clone();
    }
    let mut erased = order.clone();
    erased.recipient = erased.recipient.map(|recipient| Contact {
        name: Personal::default(),
        company: None,
        phone: None,
        email: None,
        address: Address {
            lines: Vec::new(),
            postal_code: recipient
                .address
                .postal_code
                .map(|code| code.chars().take(POSTCODE_PREFIX).collect()),
            ..recipient.address
        },
    });
    erased.buyer.name = None;
    erased.buyer.email = None;
    erased.note = None;
    erased.platform.raw = Personal::default();
    erased.personal_attributes.clear();
    for line in &mut erased.lines {
        line.personal_attributes.clear();
    }
    if let Some(request) = &mut erased.cancel_request {
        request.reason = None;
    }
    for known in &mut erased.cases {
        known.case.reason = None;
    }
    for hold in &mut erased.holds {
        hold.note = None;
    }
    erased.erased_at = Some(now);
    erased
}
