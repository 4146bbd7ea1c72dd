//! Which rules fire now.

use chrono::{DateTime, TimeDelta, Utc};

use super::policy::AlertPolicy;
use super::watch::{OrderWatch, WatchedDeadline, WatchedParcel};
use super::{Alert, AlertFact, AlertRule, FiredAlert, Notification, ParcelTrouble};
use crate::ids::PackageId;
use crate::rules::exceptions::Severity;
use crate::rules::ladder::{Channel, Ladder, Level};

const MAIL: &[Channel] = &[Channel::Email];
const MAIL_SYSTEM: &[Channel] = &[Channel::System, Channel::Email];
const SMS: &[Channel] = &[Channel::Sms];
const SMS_SYSTEM: &[Channel] = &[Channel::System, Channel::Sms];
const CRITICAL: &[Channel] = &[Channel::System, Channel::Sms, Channel::Phone];

/// A condition that stands, without anything allocated: most of what stands was fired before.
struct Standing<'a> {
    rule: AlertRule,
    fact: Fact<'a>,
    stage: u8,
    level: Option<Level>,
    severity: Severity,
    usual: Usual<'a>,
    since: DateTime<Utc>,
    due_at: Option<DateTime<Utc>>,
    what: What<'a>,
}

impl Standing<'_> {
    /// Whether an earlier alert of the rule was about the same.
    fn was_told_by(&self, fact: &AlertFact) -> bool {
        // That an order is not acknowledged is told once, with or without a deadline.
        let is_first = self.rule == AlertRule::Acknowledge && matches!(self.fact, Fact::Order);
        is_first || self.fact.is(fact)
    }

    /// Whether the rule has a stage below the one that stands.
    fn has_stage(&self, stage: u8) -> bool {
        let Usual::Ladder(ladder, level) = self.usual else { return true };
        // The stages of a ladder follow those that come before it.
        let before_ladder = self.stage.saturating_sub(level as u8).saturating_sub(1);
        stage <= before_ladder
            || ladder.steps.iter().any(|step| step.level as u8 + before_ladder + 1 == stage)
    }
}

/// An [`AlertFact`] by reference.
#[derive(Clone, Copy)]
enum Fact<'a> {
    Order,
    Deadline(u32),
    Parcel(&'a PackageId, ParcelTrouble),
    Silence(&'a PackageId, ParcelTrouble, DateTime<Utc>),
    Occurrence(DateTime<Utc>, u32),
    Message(&'a str),
}

impl Fact<'_> {
    fn is(self, stored: &AlertFact) -> bool {
        match (self, stored) {
            (Self::Order, AlertFact::Order) => true,
            (Self::Deadline(own), AlertFact::Deadline(theirs)) => own == *theirs,
            (Self::Occurrence(since, own), AlertFact::Occurrence(known, theirs)) => {
                own == *theirs && since == *known
            }
            (Self::Silence(package, trouble, since), AlertFact::Silence(known, before, at)) => {
                since == *at && package == known && trouble == *before
            }
            (Self::Parcel(package, trouble), AlertFact::Parcel(known, before)) => {
                package == known && trouble == *before
            }
            (Self::Message(id), AlertFact::Message(known)) => id == known,
            _ => false,
        }
    }

    fn owned(self) -> AlertFact {
        match self {
            Self::Order => AlertFact::Order,
            Self::Deadline(version) => AlertFact::Deadline(version),
            Self::Parcel(package, trouble) => AlertFact::Parcel(package.clone(), trouble),
            Self::Silence(package, trouble, since) => {
                AlertFact::Silence(package.clone(), trouble, since)
            }
            Self::Occurrence(since, count) => AlertFact::Occurrence(since, count),
            Self::Message(id) => AlertFact::Message(id.to_owned()),
        }
    }
}

/// The channels of a rule, unless the policy names others.
#[derive(Clone, Copy)]
enum Usual<'a> {
    Listed(&'static [Channel]),
    /// Those of a ladder at its level.
    Ladder(&'a Ladder, Level),
}

/// What the text says.
#[derive(Clone, Copy)]
enum What<'a> {
    Unprinted,
    Silent(&'a PackageId),
    Found,
    Before(&'static str),
    Uncollected(&'a PackageId),
    NotUploaded(&'a PackageId),
    Trouble(&'a PackageId, ParcelTrouble),
    Message,
}

/// The notification due for an order at `now`, if any: every rule that reached a stage it was not
/// fired at before, merged. Pure; give `fired` what earlier notifications left behind.
///
/// A late check fires only the highest stage due and names those it replaces.
#[must_use]
pub fn evaluate(
    watch: &OrderWatch,
    fired: &[FiredAlert],
    policy: &AlertPolicy,
    now: DateTime<Utc>,
) -> Option<Notification> {
    let mut alerts: Vec<Alert> = Vec::new();
    standing(watch, policy, now, &mut |stands| {
        let before = fired
            .iter()
            .filter(|known| known.rule == stands.rule && stands.was_told_by(&known.fact))
            .max_by_key(|known| (known.stage, known.at));
        let repeated = match before {
            None => false,
            Some(before) if before.stage < stands.stage => false,
            Some(before) => {
                let again = policy.repeat_hours.is_some_and(|hours| {
                    !before.acknowledged
                        && elapsed(before.at, now) >= TimeDelta::hours(i64::from(hours))
                });
                if before.stage > stands.stage || !again {
                    return;
                }
                true
            }
        };
        // Whoever was told 30 minutes after the order was told that much of its deadline.
        let told_early = stands.rule == AlertRule::Acknowledge
            && fired.iter().any(|known| {
                known.rule == AlertRule::Acknowledge && known.fact == AlertFact::Order
            });
        let lowest = before.map_or(u8::from(told_early), |before| before.stage);
        alerts.push(alert(&stands, watch, policy, now, lowest, repeated));
    });
    if alerts.is_empty() {
        return None;
    }
    Notification::merged(Some(watch.order.clone()), watch.order.shop_key(), alerts)
}

/// [`evaluate`] over many orders, worst first: by severity, then by the earliest deadline, then by
/// key. The order of `watches` does not matter.
#[must_use]
pub fn evaluate_alerts<'a>(
    watches: impl IntoIterator<Item = (&'a OrderWatch, &'a [FiredAlert])>,
    policy: &AlertPolicy,
    now: DateTime<Utc>,
) -> Vec<Notification> {
    let mut due: Vec<Notification> = watches
        .into_iter()
        .filter_map(|(watch, fired)| evaluate(watch, fired, policy, now))
        .collect();
    sort_notifications(&mut due);
    due
}

/// Sorts notifications as [`evaluate_alerts`] gives them, for those that come from several policies.
pub fn sort_notifications(due: &mut [Notification]) {
    let earliest = |notification: &Notification| {
        notification
            .alerts
            .iter()
            .filter_map(|alert| alert.due_at)
            .min()
            .unwrap_or(DateTime::<Utc>::MAX_UTC)
    };
    due.sort_by(|a, b| {
        b.severity
            .cmp(&a.severity)
            .then_with(|| earliest(a).cmp(&earliest(b)))
            .then_with(|| a.order.cmp(&b.order))
    });
}

fn alert(
    stands: &Standing<'_>,
    watch: &OrderWatch,
    policy: &AlertPolicy,
    now: DateTime<Utc>,
    fired_stage: u8,
    repeated: bool,
) -> Alert {
    let channels = match stands.usual {
        Usual::Listed(usual) => policy.channels_of(stands.rule, usual),
        Usual::Ladder(ladder, level) => {
            let mut channels = ladder.channels(level);
            channels.sort_unstable();
            channels.dedup();
            channels
        }
    };
    let first = fired_stage.saturating_add(1);
    Alert {
        rule: stands.rule,
        fact: stands.fact.owned(),
        stage: stands.stage,
        level: stands.level,
        severity: stands.severity,
        channels,
        text: text(stands, watch, now),
        since: stands.since,
        due_at: stands.due_at,
        superseded: if repeated {
            Vec::new()
        } else {
            (first..stands.stage).filter(|stage| stands.has_stage(*stage)).collect()
        },
        repeated,
    }
}

/// `now - since`, without overflow.
fn elapsed(since: DateTime<Utc>, now: DateTime<Utc>) -> TimeDelta {
    now.signed_duration_since(since)
}

fn hours(hours: u32) -> TimeDelta {
    TimeDelta::hours(i64::from(hours))
}

fn minutes(minutes: u32) -> TimeDelta {
    TimeDelta::minutes(i64::from(minutes))
}

fn text(stands: &Standing<'_>, watch: &OrderWatch, now: DateTime<Utc>) -> String {
    let order = &watch.order;
    let waited = elapsed(stands.since, now).num_hours();
    let held: Vec<String> = watch
        .holds
        .iter()
        .filter(|(_, until)| until.is_none_or(|until| now < until))
        .map(|(reason, _)| format!("{reason:?}"))
        .collect();
    let held =
        if held.is_empty() { String::new() } else { format!(" (on hold: {})", held.join(", ")) };
    match stands.what {
        What::Unprinted => {
            format!("order {order}: paid {waited} hours ago and not printed{held}")
        }
        What::Silent(package) => {
            format!("order {order}: parcel {package} has not moved for {waited} hours")
        }
        What::Uncollected(package) => {
            format!("order {order}: parcel {package} was not scanned for {waited} hours")
        }
        What::NotUploaded(package) => {
            let waited = elapsed(stands.since, now).num_minutes();
            format!(
                "order {order}: the number of parcel {package} is not on the platform after \
                 {waited} minutes"
            )
        }
        What::Trouble(package, trouble) => {
            let trouble = match trouble {
                ParcelTrouble::Returning => "comes back".to_owned(),
                ParcelTrouble::Lost => "is lost or destroyed".to_owned(),
                ParcelTrouble::Customs => format!("is in customs for {waited} hours"),
                _ => format!("is at the same place for {waited} hours"),
            };
            format!("order {order}: parcel {package} {trouble}")
        }
        What::Message => format!("order {order}: a message of the buyer is not answered"),
        What::Before(what) => match stands.due_at.map(|due| elapsed(now, due)) {
            Some(left) if left > TimeDelta::zero() && left < TimeDelta::hours(2) => {
                format!("order {order}: {} minutes left to {what}{held}", left.num_minutes())
            }
            Some(left) if left > TimeDelta::zero() => {
                format!("order {order}: {} hours left to {what}{held}", left.num_hours())
            }
            Some(_) => format!("order {order}: too late to {what}{held}"),
            None => {
                let waited = elapsed(stands.since, now).num_minutes();
                format!("order {order}: nobody did {what} it for {waited} minutes{held}")
            }
        },
        What::Found => {
            let what = match stands.rule {
                AlertRule::BuyerUrging => "the buyer asks when it ships",
                AlertRule::OutOfStock => "units are out of stock",
                AlertRule::Address => "the address is not usable",
                AlertRule::Payment => "the payment does not add up",
                AlertRule::CancelRequest => "the buyer asks to cancel",
                AlertRule::Oversold => "more was sold than there is",
                _ => "the shipment is wrong",
            };
            format!("order {order}: {what}")
        }
    }
}

/// Tells `tell` every condition that stands at `now`, each at its highest stage.
fn standing<'a>(
    watch: &'a OrderWatch,
    policy: &'a AlertPolicy,
    now: DateTime<Utc>,
    tell: &mut impl FnMut(Standing<'a>),
) {
    if !watch.closed {
        before_shipping(watch, policy, now, tell);
    }
    for (rule, count, since) in &watch.found {
        if !policy.is_on(*rule) || *since > now {
            continue;
        }
        let (severity, usual) = match rule {
            AlertRule::BuyerUrging | AlertRule::CancelRequest | AlertRule::Oversold => {
                (Severity::Urgent, SMS_SYSTEM)
            }
            _ => (Severity::Warning, MAIL_SYSTEM),
        };
        tell(Standing {
            rule: *rule,
            fact: Fact::Occurrence(*since, *count),
            stage: 1,
            level: None,
            severity,
            usual: Usual::Listed(usual),
            since: *since,
            due_at: watch.ship_by.map(|deadline| deadline.at),
            what: What::Found,
        });
    }
    for parcel in &watch.parcels {
        one_parcel(watch, parcel, policy, now, tell);
    }
    if let Some(deadline) = watch.deliver_by.filter(|deadline| deadline.at < now)
        && policy.is_on(AlertRule::DeliveryOverdue)
    {
        tell(Standing {
            rule: AlertRule::DeliveryOverdue,
            fact: Fact::Deadline(deadline.version),
            stage: 1,
            level: None,
            severity: Severity::Urgent,
            usual: Usual::Listed(SMS_SYSTEM),
            since: deadline.at,
            due_at: Some(deadline.at),
            what: What::Before("deliver"),
        });
    }
    if policy.is_on(AlertRule::Reply) {
        for message in &watch.messages {
            if elapsed(now, message.reply_by) <= hours(policy.reply_hours) {
                tell(Standing {
                    rule: AlertRule::Reply,
                    fact: Fact::Message(&message.id),
                    stage: 1,
                    level: None,
                    severity: Severity::Warning,
                    usual: Usual::Listed(MAIL_SYSTEM),
                    since: message.received_at,
                    due_at: Some(message.reply_by),
                    what: What::Message,
                });
            }
        }
    }
}

fn before_shipping<'a>(
    watch: &'a OrderWatch,
    policy: &'a AlertPolicy,
    now: DateTime<Utc>,
    tell: &mut impl FnMut(Standing<'a>),
) {
    if let Some(paid_at) = watch.paid_at.filter(|_| watch.unprinted)
        && policy.is_on(AlertRule::PendingOverdue)
    {
        let limit = hours(*policy.pending_overdue_hours.of(&watch.order.platform));
        if elapsed(paid_at, now) >= limit {
            tell(Standing {
                rule: AlertRule::PendingOverdue,
                fact: Fact::Order,
                stage: 1,
                level: None,
                severity: Severity::Warning,
                usual: Usual::Listed(MAIL_SYSTEM),
                since: paid_at,
                due_at: watch.ship_by.map(|deadline| deadline.at),
                what: What::Unprinted,
            });
        }
    }
    if let Some(deadline) = &watch.ship_by
        && policy.is_on(AlertRule::ShipBy)
        && let Some(level) = level_of(&policy.ship_ladder, deadline, now)
    {
        tell(Standing {
            rule: AlertRule::ShipBy,
            fact: Fact::Deadline(deadline.version),
            stage: level as u8 + 1,
            level: Some(level),
            severity: severity_of(level),
            usual: Usual::Ladder(&policy.ship_ladder, level),
            since: deadline.starts_at,
            due_at: Some(deadline.at),
            what: What::Before("ship"),
        });
    }
    if watch.unacknowledged && policy.is_on(AlertRule::Acknowledge) {
        acknowledge(watch, policy, now, tell);
    }
}

/// 30 minutes after the order, then the ladder of the deadline, if there is one.
fn acknowledge<'a>(
    watch: &'a OrderWatch,
    policy: &'a AlertPolicy,
    now: DateTime<Utc>,
    tell: &mut impl FnMut(Standing<'a>),
) {
    let deadline = watch.acknowledge_by.as_ref();
    let level = deadline.and_then(|deadline| level_of(&policy.acknowledge_ladder, deadline, now));
    let late = elapsed(watch.placed_at, now) >= minutes(policy.acknowledge_minutes);
    if level.is_none() && !late {
        return;
    }
    // The ladder belongs to a version of the deadline, the 30 minutes to the order.
    let fact = match (deadline, level) {
        (Some(deadline), Some(_)) => Fact::Deadline(deadline.version),
        _ => Fact::Order,
    };
    tell(Standing {
        rule: AlertRule::Acknowledge,
        fact,
        stage: level.map_or(1, |level| level as u8 + 2),
        level,
        severity: level.map_or(Severity::Warning, severity_of),
        usual: level.map_or(Usual::Listed(SMS_SYSTEM), |level| {
            Usual::Ladder(&policy.acknowledge_ladder, level)
        }),
        since: watch.placed_at,
        due_at: deadline.map(|deadline| deadline.at),
        what: What::Before("acknowledge"),
    });
}

fn one_parcel<'a>(
    watch: &'a OrderWatch,
    parcel: &'a WatchedParcel,
    policy: &'a AlertPolicy,
    now: DateTime<Utc>,
    tell: &mut impl FnMut(Standing<'a>),
) {
    let package = &parcel.package;
    if parcel.upload_open
        && policy.is_on(AlertRule::Upload)
        && let Some((stage, severity, usual)) = upload_stage(watch, parcel, policy, now)
    {
        tell(Standing {
            rule: AlertRule::Upload,
            fact: Fact::Parcel(package, ParcelTrouble::Silent),
            stage,
            level: None,
            severity,
            usual: Usual::Listed(usual),
            since: parcel.shipped_at,
            due_at: watch.upload_by.map(|deadline| deadline.at),
            what: What::NotUploaded(package),
        });
    }
    let silent = elapsed(parcel.last_sign_at, now);
    let stays = elapsed(parcel.here_since, now);
    let stuck = match parcel.trouble {
        Some(trouble @ (ParcelTrouble::Returning | ParcelTrouble::Lost)) => {
            Some((trouble, Severity::Urgent))
        }
        Some(ParcelTrouble::Customs) => (stays >= hours(policy.customs_hours))
            .then_some((ParcelTrouble::Customs, Severity::Warning)),
        _ => (parcel.moving && parcel.accepted && stays >= hours(policy.stuck_hours))
            .then_some((ParcelTrouble::SamePlace, Severity::Warning)),
    };
    if let Some((trouble, severity)) = stuck
        && policy.is_on(AlertRule::Stuck)
    {
        // On its way back a parcel is scanned as well, and nothing is new about it.
        let fact = match trouble {
            ParcelTrouble::Returning | ParcelTrouble::Lost => Fact::Parcel(package, trouble),
            _ => Fact::Silence(package, trouble, parcel.here_since),
        };
        tell(Standing {
            rule: AlertRule::Stuck,
            fact,
            stage: 1,
            level: None,
            severity,
            usual: Usual::Listed(MAIL),
            since: parcel.here_since,
            due_at: None,
            what: What::Trouble(package, trouble),
        });
    }
    if !parcel.moving {
        return;
    }
    let platform = &watch.order.platform;
    if policy.is_on(AlertRule::LogisticsDelay)
        && silent >= hours(*policy.logistics_delay_hours.of(platform))
    {
        tell(Standing {
            rule: AlertRule::LogisticsDelay,
            fact: Fact::Silence(package, ParcelTrouble::Silent, parcel.last_sign_at),
            stage: 1,
            level: None,
            severity: Severity::Warning,
            usual: Usual::Listed(MAIL_SYSTEM),
            since: parcel.last_sign_at,
            due_at: None,
            what: What::Silent(package),
        });
    }
    if !parcel.accepted
        && policy.is_on(AlertRule::Uncollected)
        && silent >= hours(policy.uncollected_hours)
    {
        tell(Standing {
            rule: AlertRule::Uncollected,
            fact: Fact::Parcel(package, ParcelTrouble::Uncollected),
            stage: 1,
            level: None,
            severity: Severity::Warning,
            usual: Usual::Listed(MAIL),
            since: parcel.shipped_at,
            due_at: None,
            what: What::Uncollected(package),
        });
    }
}

/// 1 is noted for reports, 2 mailed, 3 the last hours before the deadline, 4 too late.
fn upload_stage(
    watch: &OrderWatch,
    parcel: &WatchedParcel,
    policy: &AlertPolicy,
    now: DateTime<Utc>,
) -> Option<(u8, Severity, &'static [Channel])> {
    let since = elapsed(parcel.shipped_at, now);
    if let Some(deadline) = &watch.upload_by {
        let left = elapsed(now, deadline.at);
        if left <= TimeDelta::zero() {
            return Some((4, Severity::Critical, CRITICAL));
        }
        if left <= hours(policy.upload_last_hours) {
            return Some((3, Severity::Urgent, SMS));
        }
    }
    if since > minutes(policy.upload_mail_minutes) {
        Some((2, Severity::Warning, MAIL))
    } else if since > minutes(policy.upload_note_minutes) {
        Some((1, Severity::Info, &[]))
    } else {
        None
    }
}

const fn severity_of(level: Level) -> Severity {
    match level {
        Level::L1 | Level::L2 => Severity::Warning,
        Level::L3 => Severity::Urgent,
        Level::Breach => Severity::Critical,
    }
}

fn level_of(ladder: &Ladder, deadline: &WatchedDeadline, now: DateTime<Utc>) -> Option<Level> {
    ladder.level_between(deadline.starts_at, deadline.at, now)
}

/// The next instant at which [`evaluate`] may answer differently although nothing happened to the
/// order: the next threshold after `now`, or the next repetition of what was fired and not
/// acknowledged. `None` means never. A host that keeps a queue of these instants looks only at
/// orders that are due.
#[must_use]
pub fn next_change(
    watch: &OrderWatch,
    fired: &[FiredAlert],
    policy: &AlertPolicy,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let mut next: Option<DateTime<Utc>> = None;
    let mut consider = |instant: Option<DateTime<Utc>>| {
        if let Some(instant) = instant.filter(|instant| *instant > now) {
            next = Some(next.map_or(instant, |known| known.min(instant)));
        }
    };
    let after = |at: DateTime<Utc>, span: TimeDelta| at.checked_add_signed(span);
    let before = |at: DateTime<Utc>, span: TimeDelta| at.checked_sub_signed(span);
    // A condition that holds only strictly after an instant begins one step of the clock later.
    let just_after = |at: DateTime<Utc>, span: TimeDelta| {
        after(at, span).and_then(|at| at.checked_add_signed(TimeDelta::nanoseconds(1)))
    };
    if let Some(repeat_hours) = policy.repeat_hours {
        for known in fired.iter().filter(|known| !known.acknowledged) {
            consider(after(known.at, hours(repeat_hours)));
        }
    }
    let platform = &watch.order.platform;
    let mut ladder = |ladder: &Ladder, deadline: &WatchedDeadline| {
        let span = deadline.at.signed_duration_since(deadline.starts_at);
        for step in &ladder.steps {
            consider(before(deadline.at, ladder.threshold(step, span)));
        }
        consider(Some(deadline.at));
    };
    if !watch.closed {
        if let Some(deadline) = &watch.ship_by {
            ladder(&policy.ship_ladder, deadline);
        }
        if let Some(deadline) = watch.acknowledge_by.as_ref().filter(|_| watch.unacknowledged) {
            ladder(&policy.acknowledge_ladder, deadline);
        }
        if watch.unacknowledged {
            consider(after(watch.placed_at, minutes(policy.acknowledge_minutes)));
        }
        if let Some(paid_at) = watch.paid_at.filter(|_| watch.unprinted) {
            consider(after(paid_at, hours(*policy.pending_overdue_hours.of(platform))));
        }
    }
    for parcel in &watch.parcels {
        if parcel.upload_open {
            consider(just_after(parcel.shipped_at, minutes(policy.upload_note_minutes)));
            consider(just_after(parcel.shipped_at, minutes(policy.upload_mail_minutes)));
            if let Some(deadline) = &watch.upload_by {
                consider(before(deadline.at, hours(policy.upload_last_hours)));
                consider(Some(deadline.at));
            }
        }
        let sign = parcel.last_sign_at;
        consider(after(sign, hours(*policy.logistics_delay_hours.of(platform))));
        consider(after(sign, hours(policy.uncollected_hours)));
        consider(after(parcel.here_since, hours(policy.stuck_hours)));
        consider(after(parcel.here_since, hours(policy.customs_hours)));
    }
    if let Some(deadline) = &watch.deliver_by {
        consider(just_after(deadline.at, TimeDelta::zero()));
    }
    for message in &watch.messages {
        consider(before(message.reply_by, hours(policy.reply_hours)));
    }
    for (_, _, since) in &watch.found {
        consider(Some(*since));
    }
    next
}
