//! What carriers ask for parcels, and which service is chosen.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use futures_util::{StreamExt as _, future, stream};

use super::Engine;
use super::labels::PackageRef;
use super::round::caught;
use crate::address::{Address, Country};
use crate::error::{Error, ErrorKind, Result};
use crate::money::Money;
use crate::order::{DeadlineKind, Order};
use crate::ports::{CarrierNaming, ParcelQuotes, Silent};
use crate::rules::{RouteDecision, RouteFacts, RouteInput, declare, route};
use crate::shipment::{
    Package, RateRequest, ServiceChoice, ServiceKey, crosses_border, is_behind_customs_line,
};

impl Engine {
    /// What every carrier asks for parcels, whatever the rules say: for comparing carriers, and for
    /// showing a person what there is. One answer for each item, in order; buys nothing and changes
    /// nothing. A carrier that gives no price within
    /// [`shop_share_seconds`](super::EnginePolicy::shop_share_seconds) is left out for the rest of the
    /// call, and each parcel says so.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`]. A parcel that no carrier can be asked about, for example without an
    /// address, has the reason in its own answer.
    pub async fn quote_parcels(
        &self,
        items: &[PackageRef],
        now: DateTime<Utc>,
    ) -> Result<Vec<Result<ParcelQuotes>>> {
        let mut requests: Vec<Result<RateRequest>> = Vec::new();
        for item in items {
            let order = match self.load(&item.order).await {
                Err(error) if error.kind() == ErrorKind::Storage => return Err(error),
                other => other,
            };
            requests.push(order.and_then(|order| {
                let package = order.package(&item.package).ok_or_else(|| {
                    Error::new(ErrorKind::NotFound, "the order has no such parcel")
                        .with_context("package", &item.package)
                })?;
                self.rate_request(&order, package, now)
            }));
        }
        let silent = &Silent::default();
        Ok(stream::iter(requests)
            .map(|request| async move {
                match request {
                    Ok(request) => Ok(self.prices(&request, silent).await),
                    Err(error) => Err(error),
                }
            })
            .buffered(self.0.policy.concurrency.max(1))
            .collect()
            .await)
    }

    /// Prices of every carrier that sells, all asked at once, each for no longer than a share. A
    /// carrier that does not answer costs only its own offers, and the call one share.
    async fn prices(&self, request: &RateRequest, silent: &Silent) -> ParcelQuotes {
        let sellers = self.0.carriers.iter().filter(|(_, carrier)| carrier.adapter.limits().sells);
        let answers = future::join_all(sellers.map(|(id, carrier)| async move {
            let asked = silent.rates(carrier.adapter.as_ref(), request, self.share());
            (id, caught(id.as_str(), "rates", asked).await.and_then(|answer| answer))
        }))
        .await;
        let mut prices = ParcelQuotes { quotes: Vec::new(), failed: Vec::new() };
        for (id, answer) in answers {
            match answer {
                Ok(offers) => prices.quotes.extend(offers),
                Err(error) => prices.failed.push((id.clone(), error)),
            }
        }
        prices
    }

    /// Routes a parcel: quotes if wanted, then the rules. The refused decision comes back as `Err`.
    pub(super) async fn choose(
        &self,
        order: &Order,
        package: &Package,
        silent: &Silent,
        now: DateTime<Utc>,
    ) -> Result<std::result::Result<ServiceChoice, Box<RouteDecision>>> {
        let shop = self.shop(&order.key.shop_key())?;
        let Some(recipient) = &order.recipient else {
            return Err(Error::invalid("recipient", "the order has no recipient"));
        };
        let calendar = self.calendar_of(&order.key.shop_key(), package.warehouse.as_ref())?;
        let services: Vec<_> =
            self.0.carriers.values().flat_map(|carrier| carrier.services.clone()).collect();
        let mut prices = ParcelQuotes { quotes: Vec::new(), failed: Vec::new() };
        if self.0.policy.ask_for_quotes {
            prices = self.prices(&self.rate_request(order, package, now)?, silent).await;
            // Nothing can be compared.
            if prices.quotes.is_empty() && !prices.failed.is_empty() {
                return Err(prices.failed.swap_remove(0).1);
            }
        }
        let accepted: BTreeSet<ServiceKey> = services
            .iter()
            .map(|service| service.key.clone())
            .filter(|key| {
                shop.adapter.carrier_name(&key.carrier, &key.service) != CarrierNaming::Unsupported
            })
            .collect();
        let skus = package
            .contents
            .iter()
            .filter_map(|packed| order.line(&packed.line)?.sku.clone())
            .collect();
        let input = RouteInput {
            logistics: order.logistics,
            warehouse: package.warehouse.as_ref(),
            dimensions: package.dimensions,
            tags: &order.tags,
            skus: &skus,
            speed: order.speed,
            deliver_by: order.deadline(DeadlineKind::DeliverBy).map(|deadline| deadline.at),
            batteries: order.tags.contains("battery"),
            liquids: order.tags.contains("liquid"),
            platform_accepts: Some(&accepted),
            ..RouteInput::new(
                &order.key.platform,
                &order.key.shop,
                &recipient.address,
                calendar,
                package.weight,
                order.total,
            )
        };
        let facts = RouteFacts {
            rules: &self.0.policy.route_rules,
            quotes: &prices.quotes,
            ..RouteFacts::new(&services)
        };
        let decision = route(&input, &facts, &self.0.policy.route, now);
        let Some(mut choice) = decision.chosen.clone() else { return Ok(Err(Box::new(decision))) };
        for (carrier, error) in &prices.failed {
            choice.reasons.push(format!("without an offer of {carrier}: {}", error.message()));
        }
        Ok(Ok(choice))
    }

    pub(super) fn rate_request(
        &self,
        order: &Order,
        package: &Package,
        now: DateTime<Utc>,
    ) -> Result<RateRequest> {
        let recipient = order
            .recipient
            .clone()
            .ok_or_else(|| Error::invalid("recipient", "the order has no recipient"))?;
        let calendar = self.calendar_of(&order.key.shop_key(), package.warehouse.as_ref())?;
        let departure = calendar
            .next_departure(now)
            .map_err(|error| Error::new(ErrorKind::Configuration, error.to_string()))?;
        let sender = self.sender(package)?;
        let (from, to) = (&sender.address, &recipient.address);
        let customs = if crosses_border(from, to) {
            let declaration = declare(order, package, &self.0.policy.customs)
                .map_err(|gap| Error::invalid("customs", gap.to_string()))?;
            declaration.check(package.weight)?;
            Some(Box::new(declaration))
        } else if crosses_customs_line(from, to) {
            // Not every carrier asks for it here, so what is not known is the adapter's to refuse.
            declare(order, package, &self.0.policy.customs)
                .ok()
                .filter(|declaration| declaration.check(package.weight).is_ok())
                .map(Box::new)
        } else {
            None
        };
        Ok(RateRequest {
            sender,
            recipient,
            weight: package.weight,
            dimensions: package.dimensions,
            value: Some(worth(order, package)),
            customs,
            mailing_date: calendar.local_date(departure),
        })
    }

    pub(super) fn sender(&self, package: &Package) -> Result<crate::Contact> {
        self.0
            .warehouses
            .iter()
            .find(|warehouse| Some(&warehouse.id) == package.warehouse.as_ref())
            .map(|warehouse| warehouse.sender.clone())
            .ok_or_else(|| {
                Error::new(ErrorKind::Configuration, "the parcel's warehouse is not configured")
                    .with_context("package", &package.id)
            })
    }
}

/// Whether a parcel that stays in the United States is seen by customs all the same.
fn crosses_customs_line(from: &Address, to: &Address) -> bool {
    let behind = |address: &Address| {
        address.country == Some(Country::US)
            && address.state.as_deref().is_some_and(is_behind_customs_line)
    };
    behind(from) || behind(to)
}

/// What the goods in a parcel are worth: that of the whole order where its lines do not tell.
fn worth(order: &Order, package: &Package) -> Money {
    let goods =
        package.contents.iter().try_fold(Money::zero(order.total.currency), |sum, packed| {
            let line = order.line(&packed.line)?;
            sum.checked_add(&line.unit_price.times(packed.units).ok()?).ok()
        });
    goods.filter(|goods| !goods.is_zero()).unwrap_or(order.total)
}
