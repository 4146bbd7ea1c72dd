//! Shipments of a purchase that appear after it was found absent and sent again: they stay on record
//! until the carrier has surely shown what there is, and are given back.

use chrono::{DateTime, TimeDelta, Utc};

use super::Engine;
use super::commit::Alongside;
use super::time::later;
use crate::error::Result;
use crate::ids::IdempotencyKey;
use crate::order::{Action, Actor, ExceptionKind};
use crate::ports::store::{IntendedEffect, Intent};
use crate::shipment::{LabelIntent, LabelRecord, LabelRequest};

/// How long after the last sending a shipment is looked for. No carrier documents how late a new
/// one may be found; a week is longer than any delay met.
const WATCH: TimeDelta = TimeDelta::days(7);
/// How often in the first day.
const OFTEN: TimeDelta = TimeDelta::hours(1);
/// How often after it.
const SELDOM: TimeDelta = TimeDelta::hours(12);

impl Intent {
    /// What an adapter is told of a purchase it looks for.
    pub(super) fn looked_for(&self, request: &LabelRequest) -> LabelIntent {
        LabelIntent {
            key: self.key,
            request: request.clone(),
            created_at: self.created_at,
            sent_at: self.sent_at(),
        }
    }
}

impl Engine {
    /// Keeps the possible duplicates of a purchase on record.
    pub(super) async fn watch_for_duplicates(
        &self,
        purchase: &Intent,
        request: &LabelRequest,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let watch = Intent {
            key: IdempotencyKey::derive(&["duplicates", &purchase.key.to_string()]),
            order: purchase.order.clone(),
            package: purchase.package.clone(),
            effect: IntendedEffect::WatchForDuplicates {
                request: Box::new(request.clone()),
                purchase: purchase.key,
            },
            created_at: now,
            due_at: later(now, OFTEN),
            attempts: 0,
            resent_at: None,
        };
        if self.0.store.intent(&watch.key).await?.is_some() {
            return Ok(());
        }
        self.change(&purchase.order, None, &Actor::System, now, |_| {
            let alongside = Alongside { intents: vec![watch.clone()], ..Alongside::default() };
            Ok(Some((Vec::new(), alongside, ())))
        })
        .await?;
        Ok(())
    }

    /// Gives back what has appeared. Returns whether the watch is over.
    pub(super) async fn look_for_duplicates(
        &self,
        watch: &Intent,
        request: &LabelRequest,
        purchase: &IdempotencyKey,
        now: DateTime<Utc>,
    ) -> Result<bool> {
        let Some((bought, outcome)) = self.0.store.intent(purchase).await? else {
            self.settle(watch, "the purchase is erased", now).await?;
            return Ok(true);
        };
        if outcome.is_none() {
            // While its answer is awaited, nobody knows which shipment is the one to keep.
            self.0.store.postpone(&watch.key, later(now, OFTEN)).await?;
            return Ok(false);
        }
        let carrier = self.carrier(&request.service.carrier)?;
        let Some(ability) = carrier.adapter.late_duplicates() else {
            self.settle(watch, "the carrier cannot look", now).await?;
            return Ok(true);
        };
        let order = self.load(&watch.order).await?;
        let kept: Vec<LabelRecord> = order
            .packages
            .iter()
            .flat_map(|parcel| parcel.label.record.iter().chain(&parcel.label.voided))
            .filter(|label| label.key == *purchase)
            .cloned()
            .collect();
        let found = ability.give_back_duplicates(&bought.looked_for(request), &kept).await?;
        let live: Vec<String> = found
            .iter()
            .filter_map(|one| {
                let why = one.still_live.as_deref()?;
                Some(format!("{} ({why})", one.number))
            })
            .collect();
        if !live.is_empty() {
            let action = Action::IncidentRaised {
                kind: ExceptionKind::LabelUnknown,
                package: watch.package.clone(),
                detail: format!(
                    "{} sold a shipment twice, and one is not given back: {}",
                    request.service.carrier,
                    live.join(", ")
                ),
            };
            self.change(&watch.order, None, &Actor::Carrier, now, |_| {
                let settled = Alongside::settle(watch.key, now, "a person must give it back");
                Ok(Some((vec![action.clone()], settled, ())))
            })
            .await?;
            return Ok(true);
        }
        let age = now.signed_duration_since(bought.sent_at());
        if age >= WATCH {
            self.settle(watch, "watched to the end", now).await?;
            return Ok(true);
        }
        let pause = if age < TimeDelta::days(1) { OFTEN } else { SELDOM };
        self.0.store.postpone(&watch.key, later(now, pause)).await?;
        Ok(false)
    }
}
