//! Following parcels.

use std::collections::{BTreeMap, HashMap};
use std::sync::PoisonError;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use super::Engine;
use super::commit::Alongside;
use super::labels::PackageRef;
use super::round::{caught, within};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{CarrierId, PackageId, TrackingNumber};
use crate::order::{Action, Actor};
use crate::rules::next_track_poll;
use crate::shipment::{Package, TrackOutcome};

/// Numbers asked for in one call of an adapter; it divides them by its own limit.
const BATCH: usize = 350;

/// What following parcels came to.
#[derive(Debug, Default)]
pub struct TrackReport {
    /// Parcels asked for.
    pub asked: u64,
    /// Parcels with news.
    pub moved: u64,
    /// Parcels delivered now.
    pub delivered: u64,
    /// Parcels the carrier does not know yet.
    pub not_found: u64,
    /// What did not work.
    pub errors: Vec<Error>,
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
                let numbers: Vec<TrackingNumber> =
                    batch.iter().map(|(number, _)| number.clone()).collect();
                report.asked += numbers.len() as u64;
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
                        let mut answers: HashMap<_, _> = answers
                            .into_iter()
                            .map(|answer| (answer.number, answer.outcome))
                            .collect();
                        // By number, never by place: an answer may be missing or out of order.
                        for (number, item) in batch {
                            let Some(outcome) = answers.remove(number) else { continue };
                            self.take_tracking(item, outcome, now, &mut report).await?;
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

    async fn take_tracking(
        &self,
        item: &PackageRef,
        outcome: TrackOutcome,
        now: DateTime<Utc>,
        report: &mut TrackReport,
    ) -> Result<()> {
        let (events, estimated_delivery) = match outcome {
            TrackOutcome::Found { events, estimated_delivery } => (events, estimated_delivery),
            TrackOutcome::NotFoundYet => {
                report.not_found += 1;
                return Ok(());
            }
            TrackOutcome::Failed { reason, retry } => {
                let kind = if retry { ErrorKind::Transient } else { ErrorKind::Rejected };
                report.errors.push(Error::new(kind, reason).with_context("package", &item.package));
                return Ok(());
            }
        };
        let changed = self
            .change(&item.order, None, &Actor::Carrier, now, |order| {
                let Some(package) = order.package(&item.package) else { return Ok(None) };
                let movement = &package.movement;
                let news = events.iter().any(|event| !movement.events.contains(event))
                    || (estimated_delivery.is_some()
                        && estimated_delivery != movement.estimated_delivery);
                let was_delivered = package.is_delivered();
                Ok(news.then(|| {
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
