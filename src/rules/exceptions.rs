//! Everything that needs attention, in one list.
//!
//! Conditions are seen from facts and time and close by themselves when they are over; incidents
//! were recorded by events. One open item per order, kind and parcel.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::alert::PerPlatform;
use super::ladder::{Ladder, Level};
use super::review::{Finding, ReviewPolicy, payment_anomaly, validate};
use super::sla::is_met;
use crate::ids::{OrderKey, PackageId, ShopKey};
use crate::order::{
    AddressProblem, AfterSaleCase, Deadline, DeadlineKind, ExceptionKind, Incident, LogisticsMode,
    Order, OrderState, Priority, Review,
};
use crate::shipment::{Package, TransitState};
use crate::units::Grams;

/// How bad an exception is. Ordered: later is worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// For reports.
    Info,
    /// Soon.
    Warning,
    /// Now.
    Urgent,
    /// Too late, or about to be.
    Critical,
}

/// When conditions become exceptions. All of it is configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ExceptionPolicy {
    /// The warning ladder for ship-by.
    pub ladder: Ladder,
    /// No movement for this long after shipping is a delay, in hours. Default 48; TikTok Shop 72.
    pub delay_hours: PerPlatform<u32>,
    /// No first scan for this long after shipping, in hours. Default 24.
    pub uncollected_hours: u32,
    /// The same place for this long, in hours. Default 72.
    pub stuck_hours: u32,
    /// In customs for this long, in hours. Default 48.
    pub customs_hours: u32,
    /// No scan for this long after acceptance, in days. Default 10.
    pub lost_days: u32,
    /// Tracking is given up after this long, in days. Default 90.
    pub tracking_days: u32,
    /// What validation asks for.
    pub review: ReviewPolicy,
}

impl Default for ExceptionPolicy {
    fn default() -> Self {
        Self {
            ladder: Ladder::default(),
            delay_hours: PerPlatform::usual_delay_hours(),
            uncollected_hours: 24,
            stuck_hours: 72,
            customs_hours: 48,
            lost_days: 10,
            tracking_days: 90,
            review: ReviewPolicy::default(),
        }
    }
}

/// One line of the exception list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExceptionItem {
    /// Which order.
    pub order: OrderKey,
    /// Which parcel.
    pub package: Option<PackageId>,
    /// What.
    pub kind: ExceptionKind,
    /// How bad.
    pub severity: Severity,
    /// In words, without personal data.
    pub detail: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// When it becomes a breach, if that is known.
    pub due_at: Option<DateTime<Utc>>,
    /// How urgent the order is.
    pub priority: Priority,
    /// How often it happened.
    pub count: u32,
}

impl ExceptionItem {
    /// Kinds that come first whatever their age: addresses, overselling and near deadlines.
    const fn comes_first(&self) -> bool {
        matches!(
            self.kind,
            ExceptionKind::Address(_)
                | ExceptionKind::Oversold
                | ExceptionKind::ShipAtRisk
                | ExceptionKind::ShipOverdue
        )
    }
}

/// The exceptions of some orders at `now`, sorted: addresses, overselling and near deadlines
/// first, then by breach time, severity, age and key. The order of `orders` does not matter; an order
/// that is among them twice is in the list once.
#[must_use]
pub fn exceptions<'a>(
    orders: impl IntoIterator<Item = &'a Order>,
    policy: &ExceptionPolicy,
    now: DateTime<Utc>,
) -> Vec<ExceptionItem> {
    let found = orders.into_iter().flat_map(|order| of_order(order, policy, now)).collect();
    let mut seen = BTreeSet::new();
    let mut items = sort_exceptions(found);
    items.retain(|item| seen.insert(item.key()));
    items
}

/// Sorts items of several lists into one list, as [`exceptions`] does.
#[must_use]
pub fn sort_exceptions(mut items: Vec<ExceptionItem>) -> Vec<ExceptionItem> {
    items.sort_by(|a, b| {
        b.comes_first()
            .cmp(&a.comes_first())
            .then_with(|| due(a).cmp(&due(b)))
            .then_with(|| b.severity.cmp(&a.severity))
            .then_with(|| a.since.cmp(&b.since))
            .then_with(|| a.order.cmp(&b.order))
            .then_with(|| a.kind.cmp(&b.kind))
            .then_with(|| a.package.cmp(&b.package))
    });
    items
}

fn due(item: &ExceptionItem) -> DateTime<Utc> {
    item.due_at.unwrap_or(DateTime::<Utc>::MAX_UTC)
}

fn of_order(order: &Order, policy: &ExceptionPolicy, now: DateTime<Utc>) -> Vec<ExceptionItem> {
    if order.test {
        return Vec::new();
    }
    let mut found: BTreeMap<(ExceptionKind, Option<PackageId>), ExceptionItem> = BTreeMap::new();
    let ship_by = order.deadline(DeadlineKind::ShipBy);
    let mut add = |kind, severity, detail: String, since, package: Option<&Package>, due_at| {
        let package = package.map(|package| package.id.clone());
        found
            .entry((kind, package.clone()))
            // One item for all: what it says names each of them.
            .and_modify(|item| {
                if !item.detail.contains(&detail) {
                    item.detail = format!("{}; {detail}", item.detail);
                }
            })
            .or_insert_with(|| ExceptionItem {
                order: order.key.clone(),
                package,
                kind,
                severity,
                detail: detail.clone(),
                since,
                due_at,
                priority: order.priority,
                count: 1,
            });
    };
    let state = order.state();
    if state == OrderState::Cancelled || order.logistics == LogisticsMode::PlatformFulfilled {
        // What is left to do then is recorded as incidents.
    } else {
        if matches!(state, OrderState::AwaitingShipment | OrderState::PartiallyShipped) {
            let mut unusable = false;
            for finding in validate(order, &policy.review, now) {
                if let Finding::Address { problem, .. } = &finding {
                    unusable = true;
                    add(
                        ExceptionKind::Address(*problem),
                        Severity::Urgent,
                        finding.to_string(),
                        order.imported_at,
                        None,
                        ship_by.map(|deadline| deadline.at),
                    );
                }
            }
            let payment = payment_anomaly(order, policy.review.funds_grace_hours, now);
            let is_payment = |incident: &Incident| {
                incident.kind == ExceptionKind::PaymentAnomaly && incident.resolved_at.is_none()
            };
            let payment_is_told = payment.is_some() || order.incidents.iter().any(is_payment);
            // What else the review found: too little stock, a note, a likely duplicate. The payment
            // is an exception of its own.
            if let Review::NeedsPerson { at, findings } = &order.review
                && !unusable
            {
                let payment = Finding::PaymentAnomaly.to_string();
                let others: Vec<&str> = findings
                    .iter()
                    .map(String::as_str)
                    .filter(|finding| !(payment_is_told && *finding == payment))
                    .collect();
                if findings.is_empty() || !others.is_empty() {
                    add(
                        ExceptionKind::ReviewNeeded,
                        Severity::Warning,
                        others.join("; "),
                        *at,
                        None,
                        ship_by.map(|deadline| deadline.at),
                    );
                }
            }
            if let Some(why) = payment {
                add(
                    ExceptionKind::PaymentAnomaly,
                    Severity::Urgent,
                    why.to_string(),
                    order.paid_at.unwrap_or(order.imported_at),
                    None,
                    ship_by.map(|deadline| deadline.at),
                );
            }
            for short in &order.backorders {
                add(
                    ExceptionKind::OutOfStock,
                    Severity::Warning,
                    format!("line {}: {} units are short", short.line, short.units),
                    short_since(order),
                    None,
                    ship_by.map(|deadline| deadline.at),
                );
            }
        }
        if let Some(request) = order.cancel_request.as_ref().filter(|_| !state.is_terminal()) {
            add(
                ExceptionKind::CancelRequested,
                Severity::Urgent,
                "the buyer asks to cancel".to_owned(),
                request.requested_at.unwrap_or(order.imported_at),
                None,
                request.respond_by.or(ship_by.map(|deadline| deadline.at)),
            );
        }
        if let Some(deadline) = ship_by.filter(|_| {
            order.paid_at.is_some() && !state.is_terminal() && !is_met(order, DeadlineKind::ShipBy)
        }) {
            let held = order
                .holds
                .iter()
                .find(|hold| hold.is_open(now))
                .map_or_else(String::new, |hold| format!(" (on hold: {:?})", hold.reason));
            match policy.ladder.level(deadline, now) {
                Some(Level::Breach) => add(
                    ExceptionKind::ShipOverdue,
                    Severity::Critical,
                    format!("should have shipped by {}{held}", deadline.at),
                    deadline.at,
                    None,
                    Some(deadline.at),
                ),
                Some(level) => add(
                    ExceptionKind::ShipAtRisk,
                    if level == Level::L3 { Severity::Urgent } else { Severity::Warning },
                    format!(
                        "ship by {}: {} hours left{held}",
                        deadline.at,
                        (deadline.at - now).num_hours()
                    ),
                    at_risk_since(&policy.ladder, deadline),
                    None,
                    Some(deadline.at),
                ),
                None => {}
            }
        }
        // What has not left misses the promise too; what has is told by parcel.
        if let Some(deadline) = order.deadline(DeadlineKind::DeliverBy).filter(|deadline| {
            deadline.at < now
                && matches!(state, OrderState::AwaitingShipment | OrderState::PartiallyShipped)
        }) {
            add(
                ExceptionKind::DeliveryOverdue,
                Severity::Urgent,
                format!("not shipped; should have arrived by {}", deadline.at),
                deadline.at,
                None,
                Some(deadline.at),
            );
        }
        for package in order.packages.iter().filter(|package| package.is_shipped()) {
            movement(order, package, policy, now, &mut add);
        }
    }
    // Buyers complain about what is cancelled, too, and about what the platform sent.
    let mut cases: Vec<&AfterSaleCase> =
        order.cases.iter().filter(|known| known.needs_seller()).map(|known| &known.case).collect();
    cases.sort_by_key(|case| (case.respond_by.is_none(), case.respond_by, &case.id));
    for case in cases {
        let answer =
            case.respond_by.map_or_else(String::new, |until| format!(", answer by {until}"));
        add(
            case.exception(),
            Severity::Urgent,
            format!("{} {}: {}{answer}", case.kind, case.id, case.status),
            case.opened_at.or(case.updated_at).unwrap_or(order.imported_at),
            None,
            case.respond_by,
        );
    }
    for incident in order.incidents.iter().filter(|incident| incident.resolved_at.is_none()) {
        // What the order shows by itself and what was recorded of it are one exception; a payment has
        // no parcel, whatever the record says.
        let package = match incident.kind {
            ExceptionKind::PaymentAnomaly | ExceptionKind::CancelRequested => None,
            _ => incident.package.clone(),
        };
        found
            .entry((incident.kind, package.clone()))
            .and_modify(|item| item.count = item.count.max(incident.count))
            .or_insert_with(|| ExceptionItem {
                order: order.key.clone(),
                package,
                kind: incident.kind,
                severity: severity_of(incident.kind),
                detail: incident.detail.clone(),
                since: incident.first_at,
                due_at: ship_by
                    .filter(|_| !is_met(order, DeadlineKind::ShipBy))
                    .map(|deadline| deadline.at),
                priority: order.priority,
                count: incident.count,
            });
    }
    found.into_values().collect()
}

/// When the ladder of a deadline began.
fn at_risk_since(ladder: &Ladder, deadline: &Deadline) -> DateTime<Utc> {
    let span = deadline.at.signed_duration_since(deadline.starts_at);
    let begin = ladder.steps.iter().map(|step| ladder.threshold(step, span)).max();
    begin.and_then(|left| deadline.at.checked_sub_signed(left)).unwrap_or(deadline.starts_at)
}

/// Since when units are short.
fn short_since(order: &Order) -> DateTime<Utc> {
    let open = order.incidents.iter().filter(|incident| {
        incident.kind == ExceptionKind::OutOfStock && incident.resolved_at.is_none()
    });
    open.map(|incident| incident.first_at).min().unwrap_or(order.imported_at)
}

fn movement(
    order: &Order,
    package: &Package,
    policy: &ExceptionPolicy,
    now: DateTime<Utc>,
    add: &mut impl FnMut(
        ExceptionKind,
        Severity,
        String,
        DateTime<Utc>,
        Option<&Package>,
        Option<DateTime<Utc>>,
    ),
) {
    let Some(shipped) = &package.shipped else { return };
    let movement = &package.movement;
    let number =
        package.tracking.as_ref().map_or_else(|| "no number".to_owned(), |t| t.number.to_string());
    let hours = |hours: u32| TimeDelta::hours(i64::from(hours));
    let package_ref = Some(package);
    match movement.state {
        TransitState::Returning | TransitState::Returned if !package.is_delivered() => {
            let since = movement.sent_back_at().or(movement.last_scan_at);
            let since = since.unwrap_or(shipped.confirmed_at);
            let detail = format!("{number} comes back");
            add(ExceptionKind::ReturnToSender, Severity::Urgent, detail, since, package_ref, None);
        }
        TransitState::Lost | TransitState::Destroyed => {
            let since = movement.last_scan_at.unwrap_or(shipped.confirmed_at);
            let detail = format!("{number} is lost or destroyed");
            add(ExceptionKind::PossiblyLost, Severity::Urgent, detail, since, package_ref, None);
        }
        TransitState::AttemptFailed => {
            let since = movement.last_scan_at.unwrap_or(shipped.confirmed_at);
            let detail = format!("{number}: a delivery attempt failed");
            add(ExceptionKind::AttemptFailed, Severity::Warning, detail, since, package_ref, None);
        }
        _ => {}
    }
    if movement.state.is_terminal() || package.is_delivered() {
        return;
    }
    let accepted = movement.accepted_at.is_some();
    let last =
        movement.last_scan_at.map_or(shipped.confirmed_at, |scan| scan.max(shipped.confirmed_at));
    let silent = now - last;
    // A scan that finds it where it was is no movement.
    let here = movement.standing_since().map_or(last, |since| since.max(shipped.confirmed_at));
    let stays = now - here;
    // Each stands for itself: that a parcel is stuck by now does not end its delay.
    if !accepted && silent >= hours(policy.uncollected_hours) {
        let detail = format!("{number}: not scanned for {} hours", silent.num_hours());
        add(ExceptionKind::Uncollected, Severity::Warning, detail, last, package_ref, None);
    }
    if silent >= hours(*policy.delay_hours.of(&order.key.platform)) {
        let detail = format!("{number}: no movement for {} hours", silent.num_hours());
        add(ExceptionKind::CarrierDelay, Severity::Warning, detail, last, package_ref, None);
    } else if movement.state == TransitState::Delayed {
        let detail = format!("{number}: the carrier reports trouble");
        add(ExceptionKind::CarrierDelay, Severity::Warning, detail, last, package_ref, None);
    }
    if movement.state == TransitState::CustomsHold {
        if stays >= hours(policy.customs_hours) {
            let detail = format!("{number}: in customs for {} hours", stays.num_hours());
            add(ExceptionKind::CustomsHold, Severity::Warning, detail, here, package_ref, None);
        }
    } else if accepted && stays >= hours(policy.stuck_hours) {
        let detail = format!("{number}: at the same place for {} hours", stays.num_hours());
        add(ExceptionKind::Stuck, Severity::Warning, detail, here, package_ref, None);
    }
    if accepted && silent >= TimeDelta::days(i64::from(policy.lost_days)) {
        let detail = format!("{number}: no scan for {} days", silent.num_days());
        add(ExceptionKind::PossiblyLost, Severity::Urgent, detail, last, package_ref, None);
    }
    if now - shipped.confirmed_at >= TimeDelta::days(i64::from(policy.tracking_days)) {
        let detail = format!("{number}: no end after {} days", policy.tracking_days);
        add(ExceptionKind::TrackingExpired, Severity::Warning, detail, last, package_ref, None);
    }
    if let Some(deadline) =
        order.deadline(DeadlineKind::DeliverBy).filter(|deadline| deadline.at < now)
    {
        let detail = format!("{number}: should have arrived by {}", deadline.at);
        let due = Some(deadline.at);
        add(
            ExceptionKind::DeliveryOverdue,
            Severity::Urgent,
            detail,
            deadline.at,
            package_ref,
            due,
        );
    }
}

const fn severity_of(kind: ExceptionKind) -> Severity {
    match kind {
        ExceptionKind::ShipOverdue | ExceptionKind::AuthRejected => Severity::Critical,
        ExceptionKind::BuyerUrging
        | ExceptionKind::CancelRequested
        | ExceptionKind::Oversold
        | ExceptionKind::LabelUnknown
        | ExceptionKind::UploadRejected
        | ExceptionKind::UploadConflict
        | ExceptionKind::AddressChangedAfterLabel
        | ExceptionKind::ReturnToSender
        | ExceptionKind::Address(AddressProblem::Unserviceable) => Severity::Urgent,
        _ => Severity::Warning,
    }
}

/// The exception report of a time of day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExceptionReport {
    /// Everything open, sorted.
    pub open: Vec<ExceptionItem>,
    /// How many are open of each kind.
    pub by_kind: Vec<(ExceptionKind, u32)>,
    /// How many are new since the last report.
    pub new: u32,
    /// How many of the last report are over.
    pub resolved: u32,
    /// How many become a breach within 24 hours.
    pub due_within_a_day: u32,
    /// The oldest.
    pub oldest: Option<DateTime<Utc>>,
}

/// Compares the open exceptions with those of the last report.
#[must_use]
pub fn exception_report(
    open: Vec<ExceptionItem>,
    last: &[ExceptionItem],
    now: DateTime<Utc>,
) -> ExceptionReport {
    let key = |item: &ExceptionItem| (item.order.clone(), item.kind, item.package.clone());
    let before: std::collections::BTreeSet<_> = last.iter().map(key).collect();
    let present: std::collections::BTreeSet<_> = open.iter().map(key).collect();
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let mut by_kind: BTreeMap<ExceptionKind, u32> = BTreeMap::new();
    for item in &open {
        *by_kind.entry(item.kind).or_default() += 1;
    }
    ExceptionReport {
        by_kind: by_kind.into_iter().collect(),
        new: count(present.difference(&before).count()),
        resolved: count(before.difference(&present).count()),
        due_within_a_day: count(
            open.iter()
                .filter(|item| {
                    item.due_at.is_some_and(|due| now < due && due - now <= TimeDelta::hours(24))
                })
                .count(),
        ),
        oldest: open.iter().map(|item| item.since).min(),
        open,
    }
}

/// Something that does not work with a shop as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShopTrouble {
    /// Which shop.
    pub shop: ShopKey,
    /// [`SyncFailed`](ExceptionKind::SyncFailed), [`AuthRejected`](ExceptionKind::AuthRejected),
    /// [`ImportFailure`](ExceptionKind::ImportFailure) or
    /// [`StockSyncFailed`](ExceptionKind::StockSyncFailed).
    pub kind: ExceptionKind,
    /// The last error in words, without secrets.
    pub error: String,
    /// The vendor's id of the request, for its support.
    pub request_id: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
}

/// An exception of a shop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShopException {
    /// Which shop.
    pub shop: ShopKey,
    /// What.
    pub kind: ExceptionKind,
    /// How bad.
    pub severity: Severity,
    /// The last error, with the request id if there is one.
    pub detail: String,
    /// What to try.
    pub suggestion: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// How often.
    pub count: u32,
}

/// The exceptions of shops: one per shop and kind, with the last error and what to try; worst
/// first. The order of `troubles` does not matter.
#[must_use]
pub fn shop_exceptions(troubles: &[ShopTrouble]) -> Vec<ShopException> {
    let mut sorted: Vec<&ShopTrouble> = troubles.iter().collect();
    sorted.sort_by(|a, b| {
        (&a.shop, a.kind, a.at, &a.error, &a.request_id).cmp(&(
            &b.shop,
            b.kind,
            b.at,
            &b.error,
            &b.request_id,
        ))
    });
    let mut found: Vec<ShopException> = Vec::new();
    for trouble in sorted {
        let detail = match &trouble.request_id {
            Some(id) => format!("{} (request {id})", trouble.error),
            None => trouble.error.clone(),
        };
        match found.last_mut() {
            Some(known) if known.shop == trouble.shop && known.kind == trouble.kind => {
                known.count = known.count.saturating_add(1);
                known.detail = detail;
            }
            _ => found.push(ShopException {
                shop: trouble.shop.clone(),
                kind: trouble.kind,
                severity: severity_of(trouble.kind),
                detail,
                suggestion: suggestion(trouble.kind).to_owned(),
                since: trouble.at,
                count: 1,
            }),
        }
    }
    found.sort_by(|a, b| {
        b.severity
            .cmp(&a.severity)
            .then_with(|| a.since.cmp(&b.since))
            .then_with(|| a.shop.cmp(&b.shop))
            .then_with(|| a.kind.cmp(&b.kind))
    });
    found
}

const fn suggestion(kind: ExceptionKind) -> &'static str {
    match kind {
        ExceptionKind::AuthRejected => {
            "sign in to the platform again and store new credentials; nothing is sent before"
        }
        ExceptionKind::ImportFailure => {
            "the order is kept as it came: look at it on the platform and read it again"
        }
        ExceptionKind::StockSyncFailed => {
            "check the SKU on the platform; the newest quantity is sent again by itself"
        }
        _ => {
            "check the connection; it is tried again with growing pauses; give the request id to \
             the platform's support when it stays"
        }
    }
}

/// Whether a weight measured by the carrier is so far from ours that the wrong goods may be in the
/// parcel: more than `percent` of ours away. The default of the trade is 30 percent.
///
/// ```
/// use orderflow::Grams;
/// use orderflow::rules::is_weight_suspicious;
///
/// assert!(!is_weight_suspicious(Grams::new(1_000), Grams::new(1_300), 30));
/// assert!(is_weight_suspicious(Grams::new(1_000), Grams::new(1_301), 30));
/// assert!(is_weight_suspicious(Grams::new(1_000), Grams::new(699), 30));
/// ```
#[must_use]
pub fn is_weight_suspicious(ours: Grams, theirs: Grams, percent: u32) -> bool {
    let (ours, theirs) = (u64::from(ours.get()), u64::from(theirs.get()));
    100 * ours.abs_diff(theirs) > u64::from(percent) * ours
}
