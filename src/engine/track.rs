//! Following parcels.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::PoisonError;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use super::Engine;
use super::commit::Alongside;
use super::labels::PackageRef;
use super::round::{caught, within};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{CarrierId, PackageId, TrackingNumber};
use crate::order::{Action, Actor, ExceptionKind, Order};
use crate::ports::{Handshake, PushNotice, WebhookRequest};
use crate::rules::next_track_poll;
use crate::shipment::number::normalize;
use crate::shipment::{
    FoldFinding, Package, TrackOutcome, Tracked, TrackingEvent, TrackingRef, fold,
};

/// Numbers asked for in one call of an adapter; it divides them by its own limit.
const BATCH: usize = 350;

/// What following parcels came to.
#[derive(Debug, Default)]
pub struct TrackReport {
    /// Parcels asked for, or told of by what was pushed.
    pub asked: u64,
    /// Parcels with news.
    pub moved: u64,
    /// Parcels delivered now.
    pub delivered: u64,
    /// Parcels the carrier does not know yet.
    pub not_found: u64,
    /// What was pushed about numbers that no parcel of an open order has, as it came. Asking for
    /// parcels leaves this empty.
    pub unknown: Vec<Tracked>,
    /// What did not work.
    pub errors: Vec<Error>,
}

/// What a carrier sent by itself came to.
#[derive(Debug)]
#[non_exhaustive]
pub enum TrackingReceived {
    /// News of parcels, written down. Answer with success.
    Taken(TrackReport),
    /// The carrier asks whether the hook is ours: answer with [`Handshake::echo`] where there is one,
    /// and go on with [`TrackingPush::confirm`](crate::ports::TrackingPush::confirm).
    Handshake(Handshake),
    /// A word about the subscription itself. Answer with success, and tell the staff when it ended.
    Subscription {
        /// Whether it works from now on.
        active: bool,
        /// In the carrier's words.
        detail: String,
    },
}

impl Engine {
    /// Asks carriers for every parcel that is due: often near delivery, seldom before the first
    /// scan, not at all after the end.
    ///
    /// # Errors
    /// Of the store; what goes wrong with single carriers or parcels is in the report.
    pub async fn track(&self, now: DateTime<Utc>) -> Result<TrackReport> {
        let mut due: BTreeMap<CarrierId, Vec<(TrackingNumber, PackageRef)>> = BTreeMap::new();
        let policy = &self.0.policy.tracking;
        self.for_open_orders(|order| {
            let is_due = |package: &&Package| {
                let polled = self.asked_at(&package.id);
                next_track_poll(package, polled, policy, now).is_some_and(|next| next <= now)
            };
            for package in order.packages.iter().filter(is_due) {
                if let Some(tracking) = &package.tracking {
                    due.entry(tracking.carrier.clone()).or_default().push((
                        tracking.number.clone(),
                        PackageRef { order: order.key.clone(), package: package.id.clone() },
                    ));
                }
            }
        })
        .await?;
        let mut report = TrackReport::default();
        for (id, parcels) in due {
            // A carrier of which the host has no account is followed elsewhere.
            let Some(carrier) = self.0.carriers.get(&id) else { continue };
            for batch in parcels.chunks(BATCH) {
                report.asked += batch.len() as u64;
                let mut seen = HashSet::with_capacity(batch.len());
                let numbers: Vec<TrackingNumber> = batch
                    .iter()
                    .filter(|(number, _)| seen.insert(number))
                    .map(|(number, _)| number.clone())
                    .collect();
                let until = Instant::now() + self.patience();
                let asked = caught(id.as_str(), "track", carrier.adapter.track(&numbers));
                let Some(answer) = within(Some(until), asked).await else {
                    let silent = "the carrier gave no answer; its parcels are asked for later";
                    report.errors.push(
                        Error::new(ErrorKind::Transient, silent)
                            .with_operation(id.as_str(), "track"),
                    );
                    break;
                };
                match answer.and_then(|answer| answer) {
                    Ok(answers) => {
                        self.remember_asked(batch.iter().map(|(_, item)| &item.package), now);
                        let answers: HashMap<_, _> = answers
                            .iter()
                            .map(|answer| (&answer.number, &answer.outcome))
                            .collect();
                        // By number, never by place: an answer may be missing or out of order, and
                        // orders that share a parcel share its number.
                        for (number, item) in batch {
                            let Some(outcome) = answers.get(number) else { continue };
                            self.take_tracking(item, outcome, Source::Asked, now, &mut report)
                                .await?;
                        }
                    }
                    Err(error) => report.errors.push(error),
                }
            }
        }
        Ok(report)
    }

    /// When this process asked about a parcel last. An answer without news is worth no entry in the
    /// order's log; after a restart a parcel is asked for once more, which is harmless.
    fn asked_at(&self, package: &PackageId) -> Option<DateTime<Utc>> {
        self.0.asked.lock().unwrap_or_else(PoisonError::into_inner).get(package).copied()
    }

    fn remember_asked<'a>(
        &self,
        packages: impl Iterator<Item = &'a PackageId>,
        now: DateTime<Utc>,
    ) {
        let mut asked = self.0.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.extend(packages.map(|package| (package.clone(), now)));
        // What is older than a day says nothing that the order does not say.
        asked.retain(|_, at| now.signed_duration_since(*at) < TimeDelta::days(1));
    }

    /// Takes what a carrier's [`TrackingPush`](crate::ports::TrackingPush) read, and writes it down
    /// exactly as [`track`](Self::track) does with what it asked for. The same news again, late, or in
    /// another order changes nothing; a parcel that was told of is not asked about for a while.
    ///
    /// `carrier` is the one on the labels: an API that follows parcels for another adapter gives that
    /// one's. Numbers are compared without blanks, dashes and case. A number that no parcel of an open
    /// order has comes back in [`TrackReport::unknown`]: that of a label which is not written down yet
    /// (asking finds its news later), of an order that is closed, of a parcel that somebody else ships
    /// on the same account, or a parcel's second number, which some carriers send along.
    ///
    /// Each call reads the open orders once, however many numbers it is given: where news come by the
    /// second, gather those of some seconds.
    ///
    /// # Errors
    /// Of the store: let the carrier send it again. What goes wrong with single parcels is in the
    /// report.
    pub async fn take_tracked(
        &self,
        carrier: &CarrierId,
        news: Vec<Tracked>,
        now: DateTime<Utc>,
    ) -> Result<TrackReport> {
        let mut report = TrackReport::default();
        let told: HashSet<String> =
            news.iter().map(|tracked| normalize(tracked.number.as_str())).collect();
        if told.is_empty() {
            return Ok(report);
        }
        let mut places: HashMap<String, Vec<PackageRef>> = HashMap::new();
        self.for_open_orders(|order| {
            for package in &order.packages {
                let Some(tracking) = &package.tracking else { continue };
                let number = normalize(tracking.number.as_str());
                if tracking.carrier == *carrier && told.contains(&number) {
                    let item = PackageRef { order: order.key.clone(), package: package.id.clone() };
                    places.entry(number).or_default().push(item);
                }
            }
        })
        .await?;
        for tracked in news {
            let Some(items) = places.get(&normalize(tracked.number.as_str())) else {
                report.unknown.push(tracked);
                continue;
            };
            for item in items {
                report.asked += 1;
                self.take_tracking(item, &tracked.outcome, Source::Pushed, now, &mut report)
                    .await?;
            }
            if matches!(tracked.outcome, TrackOutcome::Found { .. }) {
                self.remember_asked(items.iter().map(|item| &item.package), now);
            }
        }
        Ok(report)
    }

    /// Takes what a carrier sent to a hook: verified by its adapter, read, and written down before
    /// this returns, so that the host may answer at once.
    ///
    /// # Errors
    /// - [`ErrorKind::AuthRejected`] when it is not from the carrier: answer with 401 and forget it.
    /// - [`ErrorKind::UnexpectedAnswer`] when it cannot be read: answer with 400; asking finds what it
    ///   was about.
    /// - [`ErrorKind::Unsupported`] when the account has no hook: answer with 404.
    /// - [`ErrorKind::Configuration`] when the engine has no such carrier.
    /// - [`ErrorKind::Storage`]: answer with 500, the carrier sends it again.
    pub async fn receive_tracking(
        &self,
        carrier: &CarrierId,
        request: &WebhookRequest<'_>,
        now: DateTime<Utc>,
    ) -> Result<TrackingReceived> {
        let known = self.carrier(carrier)?;
        let Some(ability) = known.adapter.push() else {
            return Err(Error::unsupported("the carrier's account takes no pushed news"));
        };
        Ok(match ability.receive(request, now)? {
            PushNotice::Tracking(news) => {
                TrackingReceived::Taken(self.take_tracked(carrier, news, now).await?)
            }
            PushNotice::Handshake(handshake) => TrackingReceived::Handshake(handshake),
            PushNotice::Subscription { active, detail } => {
                TrackingReceived::Subscription { active, detail }
            }
        })
    }

    async fn take_tracking(
        &self,
        item: &PackageRef,
        outcome: &TrackOutcome,
        source: Source,
        now: DateTime<Utc>,
        report: &mut TrackReport,
    ) -> Result<()> {
        let (events, estimate) = match outcome {
            TrackOutcome::Found { events, estimated_delivery } => (events, *estimated_delivery),
            TrackOutcome::NotFoundYet => {
                report.not_found += 1;
                return Ok(());
            }
            TrackOutcome::Failed { reason, retry } => {
                let kind = if *retry { ErrorKind::Transient } else { ErrorKind::Rejected };
                report
                    .errors
                    .push(Error::new(kind, reason.as_str()).with_context("package", &item.package));
                return Ok(());
            }
        };
        let changed = self
            .change(&item.order, None, &Actor::Carrier, now, |order| {
                let Some(package) = order.package(&item.package) else { return Ok(None) };
                let Some(tracking) = &package.tracking else { return Ok(None) };
                // What was pushed may be overtaken on its way: its estimate is then an old one.
                let is_late =
                    source == Source::Pushed && newest(events) < newest(&package.movement.events);
                let estimated_delivery = estimate.filter(|_| !is_late);
                let was_delivered = package.is_delivered();
                let is_news = says_more(order, package, tracking, events)
                    || (estimated_delivery.is_some()
                        && estimated_delivery != package.movement.estimated_delivery);
                Ok(is_news.then(|| {
                    let action = Action::Tracked {
                        package: item.package.clone(),
                        events: events.clone(),
                        estimated_delivery,
                    };
                    (vec![action], Alongside::default(), was_delivered)
                }))
            })
            .await;
        match changed {
            Ok(Some((order, was_delivered))) => {
                report.moved += 1;
                let delivered = order.package(&item.package).is_some_and(Package::is_delivered);
                report.delivered += u64::from(delivered && !was_delivered);
            }
            Ok(None) => {}
            Err(error) if error.kind() == ErrorKind::Storage => return Err(error),
            Err(error) => report.errors.push(error),
        }
        Ok(())
    }
}

/// How an answer came here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// It was asked for, so nothing is newer.
    Asked,
    /// The carrier sent it, at whatever time it was written.
    Pushed,
}

fn newest(events: &[TrackingEvent]) -> Option<DateTime<Utc>> {
    events.iter().map(|event| event.time.approximate()).max()
}

/// Whether events tell anything that the parcel does not know. Those it has in other words, and those
/// of an earlier parcel under its number once that was told, are no news: carriers send the whole
/// history each time, and each entry of an order's log stays for ever.
fn says_more(
    order: &Order,
    package: &Package,
    tracking: &TrackingRef,
    events: &[TrackingEvent],
) -> bool {
    let known = &package.movement.events;
    if events.iter().all(|event| known.contains(event)) {
        return false;
    }
    let created = package.label.record.as_ref().map(|record| record.purchased_at);
    let all = known.iter().chain(events).cloned();
    let folded = fold(&tracking.carrier, &tracking.number, all, created);
    let reuse_is_told = || {
        order.incidents.iter().any(|incident| {
            incident.kind == ExceptionKind::StateMismatch
                && incident.package.as_ref() == Some(&package.id)
        })
    };
    folded.events != *known
        || (folded.findings.contains(&FoldFinding::ReusedNumber) && !reuse_is_told())
}
