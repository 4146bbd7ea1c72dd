//! Labels that the platform itself issues: bought through the shop, not through a carrier.

use chrono::{DateTime, Utc};

use super::commit::Alongside;
use super::labels::{ELSEWHERE, Known};
use super::time::seconds_later;
use super::{Engine, ItemOutcome, PackageRef, Shop};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{CarrierId, IdempotencyKey, ServiceCode};
use crate::order::{Action, Actor, Order};
use crate::ports::store::{IntendedEffect, Intent};
use crate::ports::{PlatformLabelRequest, PlatformLabels, ShipmentNoticeLine};
use crate::shipment::{LabelRecord, LabelRequest, LabelState, Package, ServiceKey};

fn ability(shop: &Shop) -> Result<&dyn PlatformLabels> {
    shop.adapter.labels().ok_or_else(|| {
        Error::unsupported("the platform issues the label, but its adapter offers none")
            .with_context("shop", &shop.key)
    })
}

impl Engine {
    /// Fetches or buys the platform's label of a parcel: written down first, settled after.
    pub(super) async fn buy_of_platform(
        &self,
        order: Order,
        known: Known,
        item: &PackageRef,
        now: DateTime<Utc>,
    ) -> Result<(ItemOutcome<LabelRecord>, Option<Order>)> {
        let shop = self.shop(&item.order.shop_key())?;
        let labels = ability(shop)?;
        let read_at = self.read_at(&shop.key, known.read_at).await?;
        let written = self
            .change(&item.order, Some(order), &Actor::System, now, |order| {
                let Some(package) = order.package(&item.package) else { return Ok(None) };
                if !matches!(package.label.state, LabelState::None | LabelState::Voided) {
                    return Ok(None);
                }
                let attempt = package.label.attempts.saturating_add(1);
                let key =
                    IdempotencyKey::derive(&["label", item.package.as_str(), &attempt.to_string()]);
                let request = self.platform_request(shop, order, package, now)?;
                let action = Action::LabelRequested {
                    package: item.package.clone(),
                    key,
                    platform_read_at: read_at,
                };
                let intent = Intent {
                    key,
                    order: item.order.clone(),
                    package: Some(item.package.clone()),
                    effect: IntendedEffect::BuyPlatformLabel { request: Box::new(request.clone()) },
                    created_at: now,
                    // The creator works on it; others may only when it seems to have died.
                    due_at: seconds_later(now, self.0.policy.lease_seconds),
                    attempts: 0,
                    resent_at: None,
                };
                let alongside = Alongside { intents: vec![intent], ..Alongside::default() };
                Ok(Some((vec![action], alongside, (key, request))))
            })
            .await?;
        let Some((order, (key, request))) = written else {
            return Ok((ItemOutcome::Skipped(ELSEWHERE.into()), None));
        };
        self.purchases().begun_here.insert(key);
        let answer = labels.buy(&request, &key).await;
        self.settle_purchase(Some(order), &item.order, &item.package, key, answer, now).await
    }

    fn platform_request(
        &self,
        shop: &Shop,
        order: &Order,
        package: &Package,
        now: DateTime<Utc>,
    ) -> Result<PlatformLabelRequest> {
        let calendar = self.calendar_of(&shop.key, package.warehouse.as_ref())?;
        let departure = calendar
            .next_departure(now)
            .map_err(|error| Error::new(ErrorKind::Configuration, error.to_string()))?;
        // The platform chooses the carrier; until it says which, its own name stands for one.
        let carrier = CarrierId::new(shop.key.platform.as_str())?;
        let service = order
            .requested_service
            .as_deref()
            .and_then(|service| ServiceCode::new(service).ok())
            .unwrap_or(ServiceCode::from_static("platform"));
        let lines = package.contents.iter().map(|packed| ShipmentNoticeLine {
            line: packed.line.clone(),
            reference: None,
            units: packed.units,
        });
        Ok(PlatformLabelRequest {
            order: order.key.order.clone(),
            package: package.id.clone(),
            logistics: order.logistics,
            lines: lines.collect(),
            label: LabelRequest {
                account: None,
                sender: self.sender(package)?,
                // Often masked, or not shown at all: the platform knows it.
                recipient: order.recipient.clone().unwrap_or_default(),
                service: ServiceKey::new(carrier, service),
                token: None,
                weight: package.weight,
                dimensions: package.dimensions,
                value: Some(order.total),
                customs: None,
                mailing_date: calendar.local_date(departure),
                format: self.0.policy.label_format.clone(),
                references: vec![package.id.to_string(), order.key.order.to_string()],
                warehouse: package.warehouse.clone(),
            },
        })
    }

    /// Finds out what became of a platform's label whose answer was lost. Asking again is how: an
    /// adapter looks first and returns the label that exists.
    pub(super) async fn recover_of_platform(
        &self,
        intent: &Intent,
        request: &PlatformLabelRequest,
        now: DateTime<Utc>,
    ) -> Result<ItemOutcome<LabelRecord>> {
        let Some(package) = &intent.package else {
            return Ok(ItemOutcome::Skipped("the intent names no parcel".into()));
        };
        let labels = ability(self.shop(&intent.order.shop_key())?)?;
        let order = self.load(&intent.order).await?;
        let wanted = order
            .package(package)
            .is_some_and(|package| !package.contents.is_empty() && package.shipped.is_none())
            && !order.is_held(now)
            && order.cancel_request.is_none()
            && !order.state().is_terminal();
        let answer = if wanted {
            labels.buy(request, &intent.key).await
        } else {
            // No longer wanted: only look, and say what is there.
            match labels.existing(&request.order).await {
                Ok(found) => match found.into_iter().next() {
                    Some(label) => Ok(label),
                    None => {
                        self.change(&intent.order, Some(order), &Actor::Carrier, now, |_| {
                            let action = Action::LabelConfirmedAbsent { package: package.clone() };
                            let settled = Alongside::settle(intent.key, now, "absent");
                            Ok(Some((vec![action], settled, ())))
                        })
                        .await?;
                        return Ok(ItemOutcome::Skipped(
                            "it was not bought, and is no longer wanted".into(),
                        ));
                    }
                },
                Err(error) => Err(error),
            }
        };
        let settled =
            self.settle_purchase(Some(order), &intent.order, package, intent.key, answer, now);
        Ok(settled.await?.0)
    }
}
