//! Giving labels back.

use chrono::{DateTime, Utc};

use super::Engine;
use super::commit::Alongside;
use super::time::seconds_later;
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{IdempotencyKey, OrderKey, PackageId};
use crate::order::{Action, Actor, ExceptionKind, LogisticsMode, Order, OrderState};
use crate::ports::VoidOutcome;
use crate::ports::store::{IntendedEffect, Intent};
use crate::rules::VoidVerdict;
use crate::shipment::{LabelRecord, LabelState};

impl Engine {
    /// Asks the carrier to void a parcel's label: written down first, settled after. One that is surely
    /// too late by the carrier's window is refused without asking.
    ///
    /// A label whose money was asked back instead, and one of a carrier that takes none back, are given
    /// up like void ones: not printed, not used, and another may be bought. An incident says what is
    /// left for a person to see to.
    ///
    /// # Errors
    /// Of the adapter or the store.
    pub async fn void_label(
        &self,
        order: Order,
        package: &PackageId,
        reason: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<Order>> {
        let order_key = order.key.clone();
        let written = self
            .change(&order_key, Some(order), &Actor::System, now, |order| {
                let Some(parcel) = order.package(package) else { return Ok(None) };
                let (Some(record), true) = (
                    &parcel.label.record,
                    matches!(parcel.label.state, LabelState::Purchased | LabelState::Printed),
                ) else {
                    return Ok(None);
                };
                // What was refused may be asked again by a person: each time is one of its own.
                let version = order.version.to_string();
                let number = record.number.as_str();
                let key = IdempotencyKey::derive(&["void", package.as_str(), number, &version]);
                let action =
                    Action::VoidRequested { package: package.clone(), reason: reason.to_owned() };
                let intent = Intent {
                    key,
                    order: order.key.clone(),
                    package: Some(package.clone()),
                    effect: IntendedEffect::VoidLabel { record: Box::new(record.clone()) },
                    created_at: now,
                    due_at: seconds_later(now, self.0.policy.lease_seconds),
                    attempts: 0,
                    resent_at: None,
                };
                let alongside = Alongside { intents: vec![intent], ..Alongside::default() };
                Ok(Some((vec![action], alongside, (key, record.clone()))))
            })
            .await?;
        match written {
            None => Ok(None),
            Some((_, (key, record))) => {
                self.send_void(&order_key, package, key, &record, now).await.map(Some)
            }
        }
    }

    pub(super) async fn send_void(
        &self,
        order: &OrderKey,
        package: &PackageId,
        key: IdempotencyKey,
        record: &LabelRecord,
        now: DateTime<Utc>,
    ) -> Result<Order> {
        let shop = self.shop(&order.shop_key())?;
        let known = self.load(order).await?;
        let outcome = if known.logistics == LogisticsMode::PlatformLabel {
            let discarded = match shop.adapter.labels() {
                Some(ability) => ability.discard(record).await.map(|()| VoidOutcome::Voided),
                None => Err(Error::unsupported("the platform takes no labels back")),
            };
            match discarded {
                // It lapses with its order: nothing has to be given back.
                Err(error)
                    if error.kind() == ErrorKind::Unsupported
                        && known.state() == OrderState::Cancelled =>
                {
                    Ok(VoidOutcome::Voided)
                }
                other => other,
            }
        } else {
            let verdict = match known.package(package) {
                Some(parcel) => self.verdict_on(&known, parcel, record, now).await?,
                None => None,
            };
            match (verdict, self.carrier(&record.carrier)?.adapter.void()) {
                (Some(VoidVerdict::TooLate), _) => Err(Error::new(
                    ErrorKind::Rejected,
                    "the carrier takes labels back until they are closed or scanned: it is too late",
                )),
                (Some(VoidVerdict::Never), _) | (_, None) => {
                    Err(Error::unsupported("the carrier takes no such label back"))
                }
                (_, Some(ability)) => ability.void_label(record).await,
            }
        };
        let given_up = |why: String| {
            let told = Action::IncidentRaised {
                kind: ExceptionKind::LabelFailed,
                package: Some(package.clone()),
                detail: format!("label {} is given up: {why}", record.number),
            };
            vec![Action::LabelVoided { package: package.clone() }, told]
        };
        let (actions, word) = match outcome {
            Ok(VoidOutcome::Voided) => {
                (vec![Action::LabelVoided { package: package.clone() }], "voided")
            }
            Ok(VoidOutcome::RefundRequested { reference }) => {
                let reference = reference.as_deref().unwrap_or("no reference");
                (
                    given_up(format!("a refund was asked for instead of a void ({reference})")),
                    "refund requested",
                )
            }
            Err(error)
                if error.kind() == ErrorKind::Unsupported
                    && known.logistics != LogisticsMode::PlatformLabel =>
            {
                (given_up(error.message().to_owned()), "given up")
            }
            Err(error) if error.may_have_acted() || error.is_passing() => {
                let due = seconds_later(now, self.0.policy.upload_pause_seconds);
                self.0.store.postpone(&key, due).await?;
                return self.load(order).await;
            }
            Err(error) => {
                let reason = error.to_string();
                (vec![Action::VoidRejected { package: package.clone(), reason }], "refused")
            }
        };
        let changed = self
            .change(order, None, &Actor::Carrier, now, |_| {
                Ok(Some((actions.clone(), Alongside::settle(key, now, word), ())))
            })
            .await?;
        match changed {
            Some((order, ())) => Ok(order),
            None => self.load(order).await,
        }
    }
}
