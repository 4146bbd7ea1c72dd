//! The end of the carriers' day: every label is on one manifest, and on one only.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};

use super::Engine;
use super::labels::PackageRef;
use crate::error::{Error, Result};
use crate::ids::{CarrierId, TrackingNumber, WarehouseId};
use crate::order::{LogisticsMode, Order};
use crate::ports::{Manifest, ManifestRequest};
use crate::rules::{LabelStanding, VoidVerdict, void_verdict};
use crate::shipment::{LabelRecord, LabelState, Package, crosses_border};

/// What became of the labels of one carrier, warehouse and day.
#[derive(Debug)]
#[non_exhaustive]
pub struct DayEnd {
    /// Whose labels.
    pub carrier: CarrierId,
    /// Where the parcels leave from.
    pub warehouse: WarehouseId,
    /// The day printed on the labels.
    pub mailing_date: NaiveDate,
    /// Which labels were to be on it.
    pub numbers: Vec<TrackingNumber>,
    /// What the carrier answered.
    pub outcome: DayEndOutcome,
}

/// What a carrier answered when its day was closed.
#[derive(Debug)]
pub enum DayEndOutcome {
    /// The labels that it names are closed; those of [`DayEnd::numbers`] that it leaves out are not,
    /// and may be given again.
    Closed(Manifest),
    /// The carrier has no manifests, or none for this service: hand the parcels over as they are.
    NotNeeded,
    /// It was not closed; an [`Ambiguous`](crate::ErrorKind::Ambiguous) error says that it may have been.
    Failed(Error),
}

/// How the store remembers that a label is on a manifest.
fn on_manifest(carrier: &CarrierId, number: &TrackingNumber) -> String {
    format!("manifest/{carrier}/{number}")
}

/// A label that can be given back or closed.
fn live_label(package: &Package) -> Option<&LabelRecord> {
    let is_live = matches!(package.label.state, LabelState::Purchased | LabelState::Printed);
    package.label.record.as_ref().filter(|_| is_live)
}

impl Engine {
    /// Closes the day for the labels of parcels: one manifest for each carrier, warehouse and mailing
    /// date, or several where a carrier bounds them. Labels that are on a manifest already, that a
    /// carrier has scanned, or that a platform issued are left out, so that a second call closes only
    /// what came since.
    ///
    /// What a manifest closes can often not be voided any more: call it when the driver comes.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage). What goes wrong at one carrier is in its own
    /// entry.
    pub async fn close_day(&self, items: &[PackageRef], now: DateTime<Utc>) -> Result<Vec<DayEnd>> {
        type Group = BTreeMap<TrackingNumber, crate::Contact>;
        let mut groups: BTreeMap<(CarrierId, WarehouseId, NaiveDate, bool), Group> =
            BTreeMap::new();
        let keys: Vec<_> = items.iter().map(|item| item.order.clone()).collect();
        let orders = self.0.store.orders(&keys).await?;
        for (item, order) in items.iter().zip(&orders) {
            let Some(order) = order else { continue };
            let Some(package) = order.package(&item.package) else { continue };
            let (Some(record), Some(warehouse)) = (live_label(package), &package.warehouse) else {
                continue;
            };
            if package.is_accepted() || order.logistics != LogisticsMode::SellerCarrier {
                continue;
            }
            let calendar = self.calendar_of(&order.key.shop_key(), Some(warehouse))?;
            let date = record.mailing_date.unwrap_or_else(|| calendar.local_date(now));
            let sender = self.sender(package)?;
            let covered = self.carrier(&record.carrier).is_ok_and(|known| {
                known.adapter.manifests().is_some_and(|ability| ability.covers(&record.service))
            });
            groups
                .entry((record.carrier.clone(), warehouse.clone(), date, covered))
                .or_default()
                .insert(record.number.clone(), sender);
        }
        let mut ends = Vec::new();
        for ((carrier, warehouse, mailing_date, covered), mut open) in groups {
            let names: Vec<String> =
                open.keys().map(|number| on_manifest(&carrier, number)).collect();
            let closed = self.0.store.fired(&names).await?;
            let mut closed = closed.iter();
            open.retain(|_, _| closed.next().is_none_or(Option::is_none));
            let Some(sender) = open.values().next().cloned() else { continue };
            let numbers: Vec<TrackingNumber> = open.into_keys().collect();
            let known = self.carrier(&carrier);
            let size = known.as_ref().map_or(0, |known| known.adapter.limits().manifest_size);
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            for numbers in numbers.chunks(if size == 0 { numbers.len() } else { size }) {
                let request = ManifestRequest {
                    sender: sender.clone(),
                    mailing_date,
                    numbers: numbers.to_vec(),
                };
                let outcome = match &known {
                    Ok(known) => match known.adapter.manifests().filter(|_| covered) {
                        Some(ability) => ability
                            .create_manifest(&request)
                            .await
                            .map_or_else(DayEndOutcome::Failed, DayEndOutcome::Closed),
                        None => DayEndOutcome::NotNeeded,
                    },
                    Err(error) => DayEndOutcome::Failed(super::labels::again(error)),
                };
                if let DayEndOutcome::Closed(manifest) = &outcome {
                    let asked: BTreeSet<&TrackingNumber> = numbers.iter().collect();
                    for number in manifest.labels.iter().filter(|number| asked.contains(number)) {
                        self.0.store.fire(&on_manifest(&carrier, number), now).await?;
                    }
                }
                ends.push(DayEnd {
                    carrier: carrier.clone(),
                    warehouse: warehouse.clone(),
                    mailing_date,
                    numbers: request.numbers,
                    outcome,
                });
            }
        }
        Ok(ends)
    }

    /// Whether a parcel's label can still be given back, and until when, by what is known of its
    /// carrier ([`EnginePolicy::void_windows`](super::EnginePolicy::void_windows)). `None` where
    /// there is no label to give back or nothing is known; the carrier has the last word.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage); [`NotFound`](crate::ErrorKind::NotFound) when
    /// there is no such order.
    pub async fn void_verdict(
        &self,
        item: &PackageRef,
        now: DateTime<Utc>,
    ) -> Result<Option<VoidVerdict>> {
        let order = self.load(&item.order).await?;
        let Some(package) = order.package(&item.package) else { return Ok(None) };
        match live_label(package) {
            Some(record) => self.verdict_on(&order, package, record, now).await,
            None => Ok(None),
        }
    }

    pub(super) async fn verdict_on(
        &self,
        order: &Order,
        package: &Package,
        record: &LabelRecord,
        now: DateTime<Utc>,
    ) -> Result<Option<VoidVerdict>> {
        let windows = &self.0.policy.void_windows;
        let Some(window) = windows.iter().find(|window| window.carrier == record.carrier) else {
            return Ok(None);
        };
        let mut standing = LabelStanding::new(record.mailing_date);
        let closed = self.0.store.fired(&[on_manifest(&record.carrier, &record.number)]).await?;
        if closed.iter().any(Option::is_some) {
            standing = standing.manifested();
        }
        if package.is_accepted() {
            standing = standing.scanned();
        }
        let leaves = order.recipient.as_ref().is_some_and(|recipient| {
            self.sender(package)
                .is_ok_and(|sender| crosses_border(&sender.address, &recipient.address))
        });
        if leaves {
            standing = standing.international();
        }
        Ok(Some(void_verdict(window, &standing, now)))
    }
}
