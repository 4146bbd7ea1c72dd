//! Handing parcels to the platform's carriers: when they may be fetched, and many at once.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::calls::{
    GetPackage, ListProviders, SelfShipment, ShippingProvider, calls, get, order_path,
    package_path, post,
};
use super::config::HandoverChoice;
use super::wire::{self, ItemError};
use super::{TIKTOK_SHOP, TikTokShop, dialect, map, not_there, quota};
use crate::client::wire::{integer_opt, lenient_bool_opt, or_empty, string_or_number, unexpected};
use crate::client::{Operation, Outgoing, Repeat, Response};
use crate::error::{Error, ErrorKind, Result, Retry};
use crate::ids::{PlatformOrderId, PlatformPackageId, TrackingNumber};

/// A time in which the carrier fetches parcels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PickupSlot {
    /// Begin.
    pub from: DateTime<Utc>,
    /// End.
    pub to: DateTime<Utc>,
}

/// How a parcel gets to the platform's carrier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Handover {
    /// The carrier fetches it, in a slot of [`TikTokShop::handover_options`] if one is named.
    Pickup(Option<PickupSlot>),
    /// The seller brings it to the carrier.
    DropOff,
}

/// How a package may be handed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HandoverOptions {
    /// The carrier fetches it at the door.
    pub pickup: bool,
    /// The seller may bring it.
    pub drop_off: bool,
    /// A van collects it; United Kingdom only.
    pub van_collection: bool,
    /// Slots that are still free, earliest first.
    pub slots: Vec<PickupSlot>,
    /// A page that lists where it may be brought.
    pub drop_off_points: Option<String>,
}

/// A package to ship together with others.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct PackageToShip {
    package: PlatformPackageId,
    handover: Option<Handover>,
    own: Option<SelfShipment>,
}

impl PackageToShip {
    /// A package that the platform's carrier takes, handed over as the platform likes.
    pub const fn new(package: PlatformPackageId) -> Self {
        Self { package, handover: None, own: None }
    }

    /// Sets how it is handed over.
    pub const fn with_handover(mut self, handover: Handover) -> Self {
        self.handover = Some(handover);
        self
    }

    /// Says that the seller ships it: under which number, and with which provider, by the id that
    /// [`TikTokShop::shipping_providers`] lists.
    pub fn with_own_carrier(
        mut self,
        number: &TrackingNumber,
        provider_id: impl Into<String>,
    ) -> Self {
        self.own = Some(SelfShipment {
            tracking_number: number.as_str().to_owned(),
            shipping_provider_id: provider_id.into(),
        });
        self
    }
}

/// What a call that ships a package says about it. Nothing is a body the platform has taken for
/// its own shipping.
pub(super) fn shipping(
    handover: Option<&Handover>,
    own: Option<&SelfShipment>,
) -> serde_json::Value {
    let mut body = json!({});
    let Some(fields) = body.as_object_mut() else { return body };
    match handover {
        Some(Handover::DropOff) => {
            fields.insert("handover_method".to_owned(), json!("DROP_OFF"));
        }
        Some(Handover::Pickup(slot)) => {
            fields.insert("handover_method".to_owned(), json!("PICKUP"));
            if let Some(slot) = slot {
                let slot = json!({
                    "start_time": slot.from.timestamp(), "end_time": slot.to.timestamp()
                });
                fields.insert("pickup_slot".to_owned(), slot);
            }
        }
        None => {}
    }
    if let Some(own) = own {
        fields.insert("self_shipment".to_owned(), json!(own));
    }
    body
}

calls! {
    /// `GET …/packages/{id}/handover_time_slots`, or `…/orders/{id}/handover_time_slots`.
    GetSlots = "handover_options", Freely, FULFILMENT => Slots;
    /// `POST …/packages/ship`. There is no key.
    ShipPackages = "ship_packages", Never, FULFILMENT => Shipped;
    /// `POST …/packages/schedule`: makes the package and arranges it. There is no key.
    SchedulePackage = "schedule_package", Never, FULFILMENT => Scheduled;
}

#[derive(Deserialize)]
pub(super) struct Slots {
    #[serde(default, deserialize_with = "lenient_bool_opt")]
    can_pickup: Option<bool>,
    #[serde(default, deserialize_with = "lenient_bool_opt")]
    can_drop_off: Option<bool>,
    #[serde(default, deserialize_with = "lenient_bool_opt")]
    can_van_collection: Option<bool>,
    #[serde(default)]
    drop_off_point_url: Option<String>,
    #[serde(default, deserialize_with = "or_empty")]
    pickup_slots: Vec<WireSlot>,
}

#[derive(Deserialize)]
struct WireSlot {
    #[serde(default, deserialize_with = "integer_opt")]
    start_time: Option<i64>,
    #[serde(default, deserialize_with = "integer_opt")]
    end_time: Option<i64>,
    /// Their spelling, and the one they may correct it to.
    #[serde(default, alias = "available", deserialize_with = "lenient_bool_opt")]
    avaliable: Option<bool>,
}

impl GetSlots {
    fn of_package(cipher: &str, package: &str) -> Self {
        Self(get(package_path(package, "/handover_time_slots"), cipher))
    }

    fn of_units(cipher: &str, order: &PlatformOrderId, units: &[String]) -> Self {
        // A list is one value joined by commas.
        let units = units.join(",");
        let path = order_path(order, "/handover_time_slots");
        Self(get(path, cipher).query("order_line_item_ids", units))
    }
}

impl Slots {
    fn read(self) -> Result<HandoverOptions> {
        let mut slots = Vec::with_capacity(self.pickup_slots.len());
        for slot in self.pickup_slots.iter().filter(|slot| slot.avaliable == Some(true)) {
            let at = |seconds: Option<i64>, field: &'static str| {
                map::instant(seconds)
                    .ok_or_else(|| unexpected(format!("pickup_slots.{field} is no instant")))
            };
            slots.push(PickupSlot {
                from: at(slot.start_time, "start_time")?,
                to: at(slot.end_time, "end_time")?,
            });
        }
        slots.sort_unstable();
        Ok(HandoverOptions {
            pickup: self.can_pickup == Some(true),
            drop_off: self.can_drop_off == Some(true),
            van_collection: self.can_van_collection == Some(true),
            slots,
            drop_off_points: self.drop_off_point_url.filter(|page| !page.trim().is_empty()),
        })
    }
}

#[derive(Deserialize)]
pub(super) struct Shipped {
    #[serde(default, deserialize_with = "or_empty")]
    errors: Vec<ItemError>,
}

impl ShipPackages {
    fn new(cipher: &str, packages: &[&PackageToShip]) -> Result<Self> {
        let packages: Vec<_> = packages
            .iter()
            .map(|package| {
                let mut body = shipping(package.handover.as_ref(), package.own.as_ref());
                if let Some(fields) = body.as_object_mut() {
                    fields.insert("id".to_owned(), json!(package.package.as_str()));
                }
                body
            })
            .collect();
        let body = json!({ "packages": packages });
        post("/fulfillment/202309/packages/ship".to_owned(), cipher).json(&body).map(Self)
    }
}

#[derive(Deserialize)]
pub(super) struct Scheduled {
    #[serde(deserialize_with = "string_or_number")]
    pub(super) package_id: String,
}

impl SchedulePackage {
    pub(super) fn new(
        cipher: &str,
        order: &PlatformOrderId,
        units: &[String],
        handover: Option<&Handover>,
    ) -> Result<Self> {
        let mut body = shipping(handover, None);
        if let Some(fields) = body.as_object_mut() {
            fields.insert("order_id".to_owned(), json!(order.as_str()));
            fields.insert("order_line_item_ids".to_owned(), json!(units));
        }
        post("/fulfillment/202309/packages/schedule".to_owned(), cipher).json(&body).map(Self)
    }
}

/// What is to be handed over.
pub(super) enum Goods<'a> {
    Package(&'a str),
    Units(&'a PlatformOrderId, &'a [String]),
}

impl TikTokShop {
    /// How a package of the platform may be handed to its carrier.
    ///
    /// # Errors
    /// As every call.
    pub async fn handover_options(&self, package: &PlatformPackageId) -> Result<HandoverOptions> {
        self.client.call(&GetSlots::of_package(&self.cipher, package.as_str())).await?.read()
    }

    /// The handover that the configuration wants for a parcel; none leaves it to the platform.
    pub(super) async fn handover_of(&self, goods: Goods<'_>) -> Result<Option<Handover>> {
        match self.handover {
            HandoverChoice::ByPlatform => return Ok(None),
            HandoverChoice::DropOff => return Ok(Some(Handover::DropOff)),
            HandoverChoice::FirstPickup => {}
        }
        let call = match goods {
            Goods::Package(package) => GetSlots::of_package(&self.cipher, package),
            Goods::Units(order, units) => GetSlots::of_units(&self.cipher, order, units),
        };
        let options = self.client.call(&call).await?.read()?;
        let now = self.clock.now();
        match options.slots.into_iter().find(|slot| slot.to > now) {
            Some(slot) => Ok(Some(Handover::Pickup(Some(slot)))),
            None => Err(Error::new(ErrorKind::Rejected, "no time for a pickup is free")),
        }
    }

    /// Ships packages that the platform has made, many in one call. One outcome per package, in
    /// order: the call succeeds as a whole and names the packages it did not take. After a lost
    /// answer every package of the call is looked up.
    ///
    /// # Errors
    /// Per package: [`InvalidInput`](ErrorKind::InvalidInput) when it is named twice,
    /// [`Rejected`](ErrorKind::Rejected) in the platform's words when it was not taken, and an error
    /// that says to look first when nothing is known of it.
    pub async fn ship_packages(&self, packages: &[PackageToShip]) -> Vec<Result<()>> {
        let mut outcomes: Vec<Option<Result<()>>> = Vec::with_capacity(packages.len());
        let mut seen = BTreeSet::new();
        let mut due = Vec::with_capacity(packages.len());
        for (place, package) in packages.iter().enumerate() {
            let again = !seen.insert(&package.package);
            outcomes.push(again.then(|| Err(Error::invalid("package", "is named twice"))));
            if !again {
                due.push((place, package));
            }
        }
        for batch in due.chunks(self.ship_batch) {
            let named: Vec<&PackageToShip> = batch.iter().map(|(_, package)| *package).collect();
            let answered = self.ship_together(&named).await;
            for ((place, _), outcome) in batch.iter().zip(answered) {
                if let Some(waiting) = outcomes.get_mut(*place) {
                    *waiting = Some(outcome);
                }
            }
        }
        outcomes
            .into_iter()
            .map(|outcome| outcome.unwrap_or_else(|| Err(unexpected("no outcome was given"))))
            .collect()
    }

    async fn ship_together(&self, batch: &[&PackageToShip]) -> Vec<Result<()>> {
        let sent = match ShipPackages::new(&self.cipher, batch) {
            Ok(call) => self.client.call(&call).await,
            Err(error) => Err(error),
        };
        let mut outcomes = Vec::with_capacity(batch.len());
        match sent {
            Ok(done) => {
                let names = |error: &ItemError, package: &PackageToShip| {
                    let id = error.detail.as_ref().and_then(|detail| detail.package_id.as_deref());
                    id == Some(package.package.as_str())
                };
                // An error that names none of them may be about any of them.
                let unnamed = done
                    .errors
                    .iter()
                    .find(|error| !batch.iter().any(|package| names(error, package)));
                for package in batch {
                    let refused = done.errors.iter().find(|error| names(error, package));
                    outcomes.push(match (refused, unnamed) {
                        (Some(error), _) => Err(named(dialect::item_error(error), package)),
                        (None, None) => Ok(()),
                        (None, Some(error)) => {
                            self.look(package, &dialect::item_error(error), false).await
                        }
                    });
                }
            }
            Err(error) if error.is_ambiguous() => {
                for package in batch {
                    outcomes.push(self.look(package, &error, true).await);
                }
            }
            Err(error) => {
                outcomes.extend(batch.iter().map(|package| Err(named(like(&error), package))));
            }
        }
        outcomes
    }

    /// What became of a package whose outcome was not told.
    async fn look(&self, package: &PackageToShip, why: &Error, lost: bool) -> Result<()> {
        let call = GetPackage::new(&self.cipher, package.package.as_str());
        let status = match self.client.call(&call).await {
            Ok(detail) => detail.package_status.unwrap_or_default(),
            Err(_) => String::new(),
        };
        match status.as_str() {
            "PROCESSING" | "FULFILLING" | "COMPLETED" => Ok(()),
            "TO_FULFILL" if lost => Err(named(not_there("ship_packages", like(why)), package)),
            "TO_FULFILL" => Err(named(like(why), package)),
            _ => Err(named(like(why).with_retry(Retry::LookFirst), package)),
        }
    }

    /// The carriers that a delivery option allows, with the ids that calls name them by. They are
    /// asked for once.
    ///
    /// # Errors
    /// As every call.
    pub async fn shipping_providers(&self, delivery_option: &str) -> Result<Vec<ShippingProvider>> {
        let known = {
            let providers = self.providers.lock().unwrap_or_else(PoisonError::into_inner);
            providers.get(delivery_option).cloned()
        };
        if let Some(providers) = known {
            return Ok(providers);
        }
        let call = ListProviders::new(&self.cipher, delivery_option);
        let read = self.client.call(&call).await?.shipping_providers;
        let mut providers = self.providers.lock().unwrap_or_else(PoisonError::into_inner);
        providers.insert(delivery_option.to_owned(), read.clone());
        Ok(read)
    }
}

fn named(error: Error, package: &PackageToShip) -> Error {
    let error = match error.operation() {
        Some(_) => error,
        None => error.with_operation(TIKTOK_SHOP.as_str(), "ship_packages"),
    };
    error.with_context("package", &package.package)
}

/// The same error for another package: one cause, many outcomes.
fn like(error: &Error) -> Error {
    let same = Error::new(error.kind(), error.message()).with_retry(error.retry());
    match error.vendor() {
        Some(vendor) => same.with_vendor(vendor.clone()),
        None => same,
    }
}
