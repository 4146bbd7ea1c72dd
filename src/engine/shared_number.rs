//! One number on two parcels: a carrier may give a number again that a parcel of ours still travels
//! under.

use chrono::{DateTime, TimeDelta, Utc};

use super::Engine;
use super::commit::Alongside;
use crate::error::Result;
use crate::ids::{OrderKey, PackageId};
use crate::order::{Action, Actor, ExceptionKind, Order, OrderFilter, OrderSort};
use crate::shipment::{LabelRecord, Package};

/// How long a number is one parcel's. Carriers use numbers again; none documents when, and the
/// shortest time customary is four months.
const OWN: TimeDelta = TimeDelta::days(120);

/// What the store remembers of a number that was sold, and of one that was sold again.
fn remembered(record: &LabelRecord) -> (String, String) {
    let sold = format!("number/{}/{}", record.carrier, record.number);
    let again = format!("{sold}/again");
    (sold, again)
}

impl Engine {
    /// Remembers a number before its label is written. Returns whether it is new: only for one that is
    /// not, orders have to be searched.
    pub(super) async fn note_number(
        &self,
        record: &LabelRecord,
        now: DateTime<Utc>,
    ) -> Result<bool> {
        let (sold, again) = remembered(record);
        let is_new = self.0.store.fire(&sold, now).await?;
        if !is_new {
            // Whoever sold it first may be writing its label at this moment, and looks for this.
            self.0.store.fire(&again, now).await?;
        }
        Ok(is_new)
    }

    /// Tells of another live parcel under the number of a label that is written. Returns the order as
    /// it is then, where something was told.
    pub(super) async fn tell_shared_number(
        &self,
        order: &OrderKey,
        package: &PackageId,
        record: &LabelRecord,
        is_new: bool,
        now: DateTime<Utc>,
    ) -> Result<Option<Order>> {
        if is_new {
            let sold_again = self.0.store.fired(&[remembered(record).1]).await?;
            if sold_again.iter().all(Option::is_none) {
                return Ok(None);
            }
        }
        let filter = OrderFilter { numbers: vec![record.number.clone()], ..OrderFilter::default() };
        let found = self.0.store.find(&filter, OrderSort::Placed, now, 0, u32::MAX).await?;
        let others: Vec<String> = found
            .orders
            .iter()
            .flat_map(|other| other.packages.iter().map(move |parcel| (&other.key, parcel)))
            .filter(|(key, parcel)| {
                (*key, &parcel.id) != (order, package) && travels_under(parcel, record, now)
            })
            .map(|(key, parcel)| format!("{} of {key}", parcel.id))
            .collect();
        if others.is_empty() {
            return Ok(None);
        }
        let action = Action::IncidentRaised {
            kind: ExceptionKind::LabelUnknown,
            package: Some(package.clone()),
            detail: format!(
                "{} sold number {} for more than one parcel: it stands on {} too",
                record.carrier,
                record.number,
                others.join(", ")
            ),
        };
        let changed = self
            .change(order, None, &Actor::Carrier, now, |_| {
                Ok(Some((vec![action.clone()], Alongside::default(), ())))
            })
            .await?;
        Ok(changed.map(|(order, ())| order))
    }
}

/// Whether a parcel is still on its way under a number of a carrier.
fn travels_under(parcel: &Package, sold: &LabelRecord, now: DateTime<Utc>) -> bool {
    parcel.has_live_label()
        && parcel.undeliverable.is_none()
        && !parcel.movement.state.is_terminal()
        && parcel.label.record.as_ref().is_some_and(|record| {
            record.carrier == sold.carrier
                && record.number == sold.number
                && now.signed_duration_since(record.purchased_at) <= OWN
        })
}
