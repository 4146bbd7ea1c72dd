//! Packing, ship confirmation and telling the platform.

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};

use super::commit::Alongside;
use super::labels::{ItemOutcome, Known, PackageRef, Progress, again, outcome_of};
use super::round::Turn;
use super::time::{bounded, later, seconds_later};
use super::{Engine, Shop};
use crate::error::{Error, ErrorKind, Result, Retry};
use crate::ids::{IdempotencyKey, OrderKey, PackageId, ServiceCode, TrackingNumber};
use crate::order::{Action, Actor, DeadlineKind, Order};
use crate::ports::store::{IntendedEffect, Intent, Settlement};
use crate::ports::{Confirmed, PlatformLimits, ShipmentNotice, ShipmentNoticeLine};
use crate::rules::{UploadVerdict, judge_upload, only_slot};
use crate::shipment::{Package, UploadState, WarehouseState};

/// When shipment is confirmed and the platform told, without a person.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UploadTiming {
    /// When the parcel is packed: buyers are not told "shipped" of a parcel that is still on the
    /// table.
    #[default]
    OnShipConfirmed,
    /// As soon as the label is bought, on platforms and in shops that work like this.
    OnLabelPurchased,
}

/// The longest reference a platform takes for a line.
const REFERENCE_LENGTH: usize = 30;

impl Engine {
    /// Marks labels as printed. Printing again is counted and never buys.
    ///
    /// # Errors
    /// Of the store; what the lifecycle refuses is the outcome of an item.
    pub async fn mark_printed(
        &self,
        items: &[PackageRef],
        now: DateTime<Utc>,
    ) -> Result<Vec<ItemOutcome<()>>> {
        self.for_items(items, now, |package| {
            vec![Action::LabelPrinted { package: package.id.clone(), job: None }]
        })
        .await
    }

    /// Marks parcels as packed.
    ///
    /// # Errors
    /// Of the store; what the lifecycle refuses is the outcome of an item.
    pub async fn mark_packed(
        &self,
        items: &[PackageRef],
        now: DateTime<Utc>,
    ) -> Result<Vec<ItemOutcome<()>>> {
        self.for_items(items, now, |package| {
            if package.work >= WarehouseState::Packed {
                Vec::new()
            } else {
                vec![Action::Packed { package: package.id.clone(), weight: None }]
            }
        })
        .await
    }

    async fn for_items(
        &self,
        items: &[PackageRef],
        now: DateTime<Utc>,
        decide: impl Fn(&Package) -> Vec<Action> + Send + Sync,
    ) -> Result<Vec<ItemOutcome<()>>> {
        let decide = &decide;
        let outcomes = stream::iter(items.to_vec())
            .map(|item| async move {
                let changed = self
                    .change(&item.order, None, &Actor::System, now, |order| {
                        let actions = order.package(&item.package).map(decide).unwrap_or_default();
                        Ok((!actions.is_empty()).then(|| (actions, Alongside::default(), ())))
                    })
                    .await;
                match changed {
                    Ok(Some(_)) => ItemOutcome::Done(()),
                    Ok(None) => ItemOutcome::Skipped("nothing to do".into()),
                    Err(error) => ItemOutcome::Failed(error),
                }
            })
            .buffered(self.0.policy.concurrency)
            .collect()
            .await;
        Ok(outcomes)
    }

    /// Confirms that parcels have left and tells the platform at once: one outcome per item, in
    /// the order given. An upload that does not work now stays in the outbox and is sent again
    /// until the platform has it or refuses it; the item counts as done then, since it has shipped.
    ///
    /// # Errors
    /// Only when the store fails as a whole; a platform that cannot be read again is the outcome of
    /// its own items.
    pub async fn confirm_shipments(
        &self,
        items: &[PackageRef],
        shipped_at: DateTime<Utc>,
        now: DateTime<Utc>,
        progress: impl Fn(Progress) + Send + Sync,
    ) -> Result<Vec<ItemOutcome<()>>> {
        self.confirm_shipments_in(Turn::Patience, items, shipped_at, now, progress).await
    }

    pub(super) async fn confirm_shipments_in(
        &self,
        turn: Turn<'_>,
        items: &[PackageRef],
        shipped_at: DateTime<Utc>,
        now: DateTime<Utc>,
        progress: impl Fn(Progress) + Send + Sync,
    ) -> Result<Vec<ItemOutcome<()>>> {
        let unread = self.unreadable_shops(turn, items, now).await?;
        let done = std::sync::atomic::AtomicUsize::new(0);
        let total = items.len();
        let (unread, done, progress) = (&unread, &done, &progress);
        let worked = self
            .per_shop(
                turn,
                items.to_vec(),
                |item: &PackageRef| item.order.shop_key(),
                |item| async move {
                    let outcome = match unread.get(&item.order.shop_key()) {
                        Some(error) => ItemOutcome::Failed(again(error)),
                        None => {
                            match self.confirm_one(&item, Known::default(), shipped_at, now).await {
                                Ok(outcome) => outcome,
                                Err(error) => ItemOutcome::Failed(error),
                            }
                        }
                    };
                    let done = done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
                    progress(Progress { done, total });
                    outcome
                },
            )
            .await;
        Ok(worked.into_iter().map(outcome_of).collect())
    }

    /// Confirms and uploads one parcel.
    pub(super) async fn confirm_one(
        &self,
        item: &PackageRef,
        known: Known,
        shipped_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<ItemOutcome<()>> {
        if shipped_at.signed_duration_since(now) > TimeDelta::days(1) {
            return Err(Error::invalid("shipped_at", "lies more than a day in the future"));
        }
        if now.signed_duration_since(shipped_at) > TimeDelta::days(365) {
            return Err(Error::invalid("shipped_at", "lies more than a year in the past"));
        }
        let shop = self.shop(&item.order.shop_key())?;
        let read_at = self.read_at(&shop.key, known.read_at).await?;
        let limits = shop.adapter.limits();
        let written = self
            .change(&item.order, known.order, &Actor::System, now, |order| {
                let Some(package) = order.package(&item.package) else {
                    return Err(Error::new(ErrorKind::NotFound, "the order has no such parcel"));
                };
                if package.shipped.is_some() {
                    return Ok(None);
                }
                let named = package.tracking.as_ref().is_some_and(|tracking| {
                    let unknown = ServiceCode::from_static("unknown");
                    let service = tracking.service.as_ref().unwrap_or(&unknown);
                    // Of a label of its own the platform is told nothing, by no name.
                    package.upload.state == UploadState::NotRequired
                        || shop.adapter.carrier_name(&tracking.carrier, service)
                            != crate::ports::CarrierNaming::Unsupported
                });
                let mut actions = vec![Action::ShipmentConfirmed {
                    package: item.package.clone(),
                    shipped_at,
                    platform_read_at: read_at,
                    carrier_named: named,
                    untracked_allowed: limits.untracked_allowed,
                }];
                let mut alongside = Alongside::default();
                // Confirmation and the intent to upload are one commit: nothing lies between.
                if let Some(reason) = has_no_slot(order, package, now, &limits) {
                    let package = item.package.clone();
                    actions.push(Action::UploadLeftOut { package, reason });
                } else if let Some(intent) = self.upload_intent(order, package, shipped_at, now) {
                    actions.push(Action::UploadStarted {
                        package: item.package.clone(),
                        key: intent.key,
                    });
                    alongside.intents.push(intent);
                }
                let intent = alongside.intents.first().cloned();
                Ok(Some((actions, alongside, intent)))
            })
            .await?;
        match written {
            None => Ok(ItemOutcome::Skipped("it has shipped".into())),
            Some((order, intent)) => {
                let consumed = self.consume_now(&order, &item.package, now).await;
                match intent {
                    Some(intent) => {
                        self.send_upload(&intent, Some(order), consumed, now).await?;
                    }
                    None => self.settle_all(&item.order, consumed, now).await?,
                }
                Ok(ItemOutcome::Done(()))
            }
        }
    }

    /// The intent to tell the platform about a parcel; `None` when it need not be told.
    fn upload_intent(
        &self,
        order: &Order,
        package: &Package,
        shipped_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Option<Intent> {
        if package.upload.state == UploadState::NotRequired {
            return None;
        }
        let notice = self.notice(order, package, shipped_at)?;
        let number = notice.number.as_ref().map_or("untracked", TrackingNumber::as_str);
        let key = IdempotencyKey::derive(&[
            "upload",
            &order.key.to_string(),
            package.id.as_str(),
            number,
            &package.upload.attempts.to_string(),
        ]);
        Some(Intent {
            key,
            order: order.key.clone(),
            package: Some(package.id.clone()),
            effect: IntendedEffect::ConfirmShipment { notice: Box::new(notice) },
            created_at: now,
            due_at: seconds_later(now, self.0.policy.lease_seconds),
            attempts: 0,
            resent_at: None,
        })
    }

    fn notice(
        &self,
        order: &Order,
        package: &Package,
        shipped_at: DateTime<Utc>,
    ) -> Option<ShipmentNotice> {
        let tracking = package.tracking.as_ref();
        let carrier = tracking
            .map(|tracking| tracking.carrier.clone())
            .or_else(|| package.choice.as_ref().map(|choice| choice.service.carrier.clone()))?;
        let service = tracking
            .and_then(|tracking| tracking.service.clone())
            .or_else(|| package.choice.as_ref().map(|choice| choice.service.service.clone()))
            .unwrap_or(ServiceCode::from_static("unknown"));
        let number = tracking.map(|tracking| tracking.number.clone());
        let tracking_url = number
            .as_ref()
            .and_then(|number| self.0.carriers.get(&carrier)?.adapter.tracking_url(number));
        let reference: String = package.id.as_str().chars().take(REFERENCE_LENGTH).collect();
        Some(ShipmentNotice {
            order: order.key.order.clone(),
            package: package.id.clone(),
            lines: package
                .contents
                .iter()
                .map(|packed| ShipmentNoticeLine {
                    line: packed.line.clone(),
                    reference: Some(reference.clone()),
                    units: packed.units,
                })
                .collect(),
            carrier,
            service,
            number,
            tracking_url,
            shipped_at,
            requested_service: order.requested_service.clone(),
            override_cancel_request: order.cancel_refused.is_some(),
        })
    }

    /// Begins an upload that the facts ask for but no intent stands for: after a changed number, or
    /// when a scan confirmed the shipment for us.
    pub(super) async fn begin_upload(
        &self,
        key: &OrderKey,
        package: &PackageId,
        now: DateTime<Utc>,
    ) -> Result<bool> {
        let limits = self.shop(&key.shop_key())?.adapter.limits();
        let written = self
            .change(key, None, &Actor::System, now, |order| {
                let Some(parcel) = order.package(package) else { return Ok(None) };
                let (Some(shipped), true) = (
                    &parcel.shipped,
                    matches!(
                        parcel.upload.state,
                        UploadState::Pending | UploadState::UpdatePending
                    ),
                ) else {
                    return Ok(None);
                };
                if let Some(reason) = has_no_slot(order, parcel, shipped.confirmed_at, &limits) {
                    let left_out = Action::UploadLeftOut { package: package.clone(), reason };
                    return Ok(Some((vec![left_out], Alongside::default(), None)));
                }
                let Some(intent) = self.upload_intent(order, parcel, shipped.shipped_at, now)
                else {
                    return Ok(None);
                };
                let action = Action::UploadStarted { package: package.clone(), key: intent.key };
                let alongside = Alongside { intents: vec![intent.clone()], ..Alongside::default() };
                Ok(Some((vec![action], alongside, Some(intent))))
            })
            .await?;
        match written {
            Some((_, None)) => Ok(false),
            Some((order, Some(intent))) => {
                self.send_upload(&intent, Some(order), Vec::new(), now).await
            }
            None => Ok(false),
        }
    }

    /// Sends an upload and writes down what became of it, together with stock settlements that are
    /// due anyway. Returns whether the platform has it.
    pub(super) async fn send_upload(
        &self,
        intent: &Intent,
        order: Option<Order>,
        also: Vec<Settlement>,
        now: DateTime<Utc>,
    ) -> Result<bool> {
        let (IntendedEffect::ConfirmShipment { notice }, Some(package)) =
            (&intent.effect, &intent.package)
        else {
            return Ok(false);
        };
        let shop = self.shop(&intent.order.shop_key())?;
        let order = match order {
            Some(order) => order,
            None => self.load(&intent.order).await?,
        };
        let answer = insist(shop, &order, package, notice, &intent.key, now).await;
        let (action, mut alongside, uploaded) = match answer {
            Ok(_) => (
                Action::Uploaded { package: package.clone(), number: notice.number.clone() },
                Alongside::settle(intent.key, now, "uploaded"),
                true,
            ),
            Err(error)
                if error.may_have_acted()
                    || matches!(error.kind(), ErrorKind::AuthExpired | ErrorKind::AuthRejected) =>
            {
                self.stop_if_refused(&intent.order.shop_key(), &error, now);
                let action =
                    Action::UploadPostponed { package: package.clone(), reason: error.to_string() };
                let pause = match error.retry() {
                    Retry::After(pause) => bounded(pause),
                    _ => TimeDelta::zero(),
                }
                .max(TimeDelta::seconds(i64::from(self.0.policy.upload_pause_seconds)));
                self.0.store.postpone(&intent.key, later(now, pause)).await?;
                (action, Alongside::default(), false)
            }
            Err(error) => (
                Action::UploadRejected {
                    package: package.clone(),
                    reason: error.to_string(),
                    conflict: error.kind() == ErrorKind::Conflict,
                },
                Alongside::settle(intent.key, now, "refused"),
                false,
            ),
        };
        alongside.settled.extend(also);
        self.change(&intent.order, Some(order), &Actor::Platform, now, |order| {
            let state = order.package(package).map(|parcel| parcel.upload.state);
            let actions = match state {
                Some(UploadState::InFlight) => vec![action.clone()],
                // Reading the platform may have told the same before us.
                _ => Vec::new(),
            };
            if actions.is_empty() && alongside.settled.is_empty() {
                return Ok(None);
            }
            Ok(Some((actions, alongside.clone(), ())))
        })
        .await?;
        Ok(uploaded)
    }

    /// Parcels that may be confirmed, early-due orders first: packed ones, and in shops with
    /// [`UploadTiming::OnLabelPurchased`] all that have a label.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`].
    pub async fn packed(&self, now: DateTime<Utc>) -> Result<Vec<PackageRef>> {
        self.parcels_where(|order, package| {
            let at_once = self
                .shop(&order.key.shop_key())
                .is_ok_and(|shop| shop.upload_timing == UploadTiming::OnLabelPurchased);
            !order.is_held(now)
                && package.shipped.is_none()
                && (at_once || package.work >= WarehouseState::Packed)
                && (package.has_live_label() || package.tracking.is_some())
        })
        .await
    }

    /// Parcels of open orders for which `wanted` holds, early-due orders first.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`].
    pub async fn parcels_where(
        &self,
        wanted: impl Fn(&Order, &Package) -> bool + Send + Sync,
    ) -> Result<Vec<PackageRef>> {
        let mut found = Vec::new();
        self.for_open_orders(|order| {
            let due = order
                .deadline(DeadlineKind::ShipBy)
                .map_or(DateTime::<Utc>::MAX_UTC, |deadline| deadline.at);
            for package in order.packages.iter().filter(|package| wanted(order, package)) {
                let item = PackageRef { order: order.key.clone(), package: package.id.clone() };
                found.push((std::cmp::Reverse(order.priority), due, item));
            }
        })
        .await?;
        found.sort();
        Ok(found.into_iter().map(|(_, _, item)| item).collect())
    }
}

/// Why a parcel's number has no place on the platform, if it has none: one number per line is all
/// that some take, and a parcel confirmed before has given its own.
fn has_no_slot(
    order: &Order,
    package: &Package,
    confirmed_at: DateTime<Utc>,
    limits: &PlatformLimits,
) -> Option<String> {
    if limits.packages_per_line_many || package.upload.state == UploadState::NotRequired {
        return None;
    }
    let own = &package.tracking.as_ref()?.number;
    let shares_line = |other: &&Package| {
        other.contents.iter().any(|theirs| {
            theirs.units > 0 && package.contents.iter().any(|ours| ours.line == theirs.line)
        })
    };
    let others = order.packages.iter().filter(|other| other.id != package.id).filter(shares_line);
    let told = others.filter_map(|other| {
        let confirmed = other.shipped.as_ref().filter(|_| other.undeliverable.is_none())?;
        let is_told = matches!(other.upload.state, UploadState::InFlight | UploadState::Uploaded);
        let number = &other.tracking.as_ref().filter(|_| is_told)?.number;
        Some(((confirmed.confirmed_at, other.id.clone()), number))
    });
    let mine = ((confirmed_at, package.id.clone()), own);
    let (sent, left_out) = only_slot(told.chain([mine]))?;
    left_out.contains(&own).then(|| {
        format!("the platform takes one number per line and has {sent}: {own} is not told")
    })
}

/// Tells the platform of a parcel. Where it would not hear of one that had left before the buyer
/// asked to cancel, it is told that it has: goods on their way without a number help nobody. What a
/// person decides about the wish comes after.
async fn insist(
    shop: &Shop,
    order: &Order,
    package: &PackageId,
    notice: &ShipmentNotice,
    key: &IdempotencyKey,
    now: DateTime<Utc>,
) -> Result<Confirmed> {
    let mut notice = notice.clone();
    notice.override_cancel_request |= order.cancel_refused.is_some();
    let refused = match tell(shop, order, package, &notice, key, now).await {
        Err(error)
            if matches!(error.kind(), ErrorKind::Rejected | ErrorKind::InvalidInput)
                && !notice.override_cancel_request
                && shop.upload_timing == UploadTiming::OnShipConfirmed =>
        {
            error
        }
        other => return other,
    };
    // The wish may be younger than what is known here.
    match shop.adapter.get_order(&order.key.order).await {
        Ok(shown) if shown.cancel_request.is_some() => {
            notice.override_cancel_request = true;
            tell(shop, order, package, &notice, key, now).await
        }
        _ => Err(refused),
    }
}

/// Confirms, or updates the number where the platform already has another one of ours and still takes
/// a change.
async fn tell(
    shop: &Shop,
    order: &Order,
    package: &PackageId,
    notice: &ShipmentNotice,
    key: &IdempotencyKey,
    now: DateTime<Utc>,
) -> Result<Confirmed> {
    let upload = order.package(package).map(|package| &package.upload);
    let held = upload.and_then(|upload| upload.number.as_ref());
    let (Some(held), Some(wanted)) = (held, &notice.number) else {
        return shop.adapter.confirm_shipment(notice, key).await;
    };
    let limits = shop.adapter.limits();
    // The first sending and this one are no changes.
    let changes = upload.map_or(0, |upload| upload.attempts.saturating_sub(2));
    let allowed = &limits.tracking_update;
    match judge_upload(Some(held), Some(held), wanted, allowed, changes, notice.shipped_at, now) {
        UploadVerdict::Update => {
            let Some(ability) = shop.adapter.tracking_updates() else {
                return Err(Error::unsupported("the platform takes no other number"));
            };
            ability.update_tracking(held, notice).await?;
            Ok(Confirmed { already: false, order: None })
        }
        UploadVerdict::Conflict => Err(Error::new(
            ErrorKind::Conflict,
            "the platform has another number of the parcel and takes no change any more",
        )),
        // Saying the same again is success everywhere, and settles what a lost answer left open.
        UploadVerdict::Send | UploadVerdict::Done => {
            shop.adapter.confirm_shipment(notice, key).await
        }
    }
}
