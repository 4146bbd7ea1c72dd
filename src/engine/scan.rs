//! The scan check at packing.

use chrono::{DateTime, Utc};

use super::Engine;
use super::commit::Alongside;
use super::labels::PackageRef;
use crate::error::{Error, ErrorKind, Result};
use crate::ids::Sku;
use crate::order::{Action, Actor};
use crate::rules::{PickCheckError, PickDifference, check_pick};
use crate::shipment::WarehouseState;

impl Engine {
    /// Checks what was scanned for a parcel against what it holds. What fits makes the parcel packed;
    /// anything else sends it back to picking, with the difference as an incident.
    ///
    /// # Errors
    /// Of the store; [`ErrorKind::NotFound`] when there is no such parcel;
    /// [`ErrorKind::InvalidInput`] when it holds goods without a SKU; [`ErrorKind::Conflict`] when the
    /// lifecycle does not allow it now.
    pub async fn check_scan(
        &self,
        item: &PackageRef,
        scanned: &[(Sku, u32)],
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Result<PickDifference> {
        let mut found = PickDifference::default();
        self.change(&item.order, None, by, now, |order| {
            let package = order.package(&item.package).ok_or_else(|| {
                Error::new(ErrorKind::NotFound, "the order has no such parcel")
                    .with_context("package", &item.package)
            })?;
            found = check_pick(order, package, scanned).map_err(|error| match error {
                PickCheckError::NoSku(_) => Error::invalid("scanned", error.to_string()),
            })?;
            let mut actions = Vec::new();
            if found.is_none() {
                actions.push(Action::Packed { package: item.package.clone(), weight: None });
            } else {
                // Whoever scans has begun to pick, also where nobody said so.
                if package.work == WarehouseState::NotReleased {
                    actions.push(Action::Released { package: item.package.clone() });
                }
                let reason = found.to_string();
                actions.push(Action::PickRejected { package: item.package.clone(), reason });
            }
            Ok(Some((actions, Alongside::default(), ())))
        })
        .await?;
        Ok(found)
    }
}
