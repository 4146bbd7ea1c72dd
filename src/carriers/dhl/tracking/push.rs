//! News that the carrier sends by itself.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::calls::{Confirm, Subscribe};
use super::track::found;
use super::wire::{Pushed, Shipment};
use super::{DhlTracking, PUSH_BATCH};
use crate::carriers::dhl::shared::{same, same_credentials};
use crate::client::wire::{decode, filled, unexpected};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::TrackingNumber;
use crate::personal::Personal;
use crate::ports::{Handshake, PushNotice, TrackingPush, WebhookRequest};
use crate::shipment::{TrackOutcome, Tracked};

const OPERATION: &str = "receive_push";

#[async_trait]
impl TrackingPush for DhlTracking {
    fn receive(&self, request: &WebhookRequest<'_>, _now: DateTime<Utc>) -> Result<PushNotice> {
        let refused = |why: &'static str| {
            Error::new(ErrorKind::AuthRejected, why).with_operation("dhl-tracking", OPERATION)
        };
        let Some(hook) = &self.config.hook else {
            return Err(refused("no hook is configured"));
        };
        let given = request.header(&hook.header).map_or("", str::trim);
        let is_scheme = hook.header.eq_ignore_ascii_case("authorization");
        let fits = if is_scheme { same_credentials } else { same };
        let trusted = fits(given, hook.token.as_str());
        if !trusted && !self.config.open_handshake {
            return Err(refused("the token does not fit"));
        }
        let pushed: Pushed = decode(request.body)
            .map_err(|error| error.with_operation("dhl-tracking", OPERATION))?;
        let is_question = pushed.scope == "subscription.validate";
        if !trusted && !is_question {
            return Err(refused("the token does not fit"));
        }
        self.read(pushed).map_err(|error| error.with_operation("dhl-tracking", OPERATION))
    }

    /// Ten numbers share a subscription, which costs two calls of the key's quota. A subscription
    /// expires: subscribe again while parcels are on their way.
    async fn subscribe(&self, numbers: &[TrackingNumber]) -> Result<Vec<Result<()>>> {
        let Some(hook) = &self.config.hook else {
            return Err(Error::unsupported("no hook is configured").with_field("hook"));
        };
        let mut outcomes = Vec::with_capacity(numbers.len());
        for batch in numbers.chunks(PUSH_BATCH) {
            let service = self.config.service.as_deref();
            let answer = self.client.call(&Subscribe { hook, service, numbers: batch }).await;
            match answer {
                Ok(()) => outcomes.extend(batch.iter().map(|_| Ok(()))),
                Err(error) if error.is_already_done() => {
                    outcomes.extend(batch.iter().map(|_| Ok(())));
                }
                // Each number of the batch was refused, with the same words.
                Err(error) => outcomes.extend(batch.iter().map(|number| {
                    let mut copy = Error::new(error.kind(), error.message())
                        .with_retry(error.retry())
                        .with_context("number", number);
                    if let Some(vendor) = error.vendor() {
                        copy = copy.with_vendor(vendor.clone());
                    }
                    Err(copy)
                })),
            }
        }
        Ok(outcomes)
    }

    async fn confirm(&self, handshake: &Handshake) -> Result<()> {
        let secret = handshake.secret.as_str();
        self.client.call(&Confirm { subscription: &handshake.subscription, secret }).await
    }
}

impl DhlTracking {
    fn read(&self, pushed: Pushed) -> Result<PushNotice> {
        let detail = |words: &str| words.chars().take(200).collect::<String>();
        match pushed.scope.as_str() {
            "subscription.validate" => Ok(PushNotice::Handshake(Handshake {
                subscription: subscription_id(pushed.own.as_deref())?,
                secret: Personal::new(
                    filled(pushed.secret.as_deref())
                        .ok_or_else(|| unexpected("the question has no secret"))?,
                ),
                echo: None,
            })),
            "subscription.ready" => {
                Ok(PushNotice::Subscription { active: true, detail: detail(&pushed.scope) })
            }
            "subscription.failure" => {
                let failure = pushed.failure;
                let words: Vec<String> = failure
                    .into_iter()
                    .flat_map(|failure| [failure.title, failure.detail])
                    .filter_map(|text| filled(text.as_deref()))
                    .collect();
                Ok(PushNotice::Subscription { active: false, detail: detail(&words.join(": ")) })
            }
            "subscription.push" if pushed.shipments.is_unreadable() => {
                Err(unexpected("no shipment of the news can be read"))
            }
            "subscription.push" => Ok(PushNotice::Tracking(news(pushed.shipments.into_vec()))),
            other => Err(unexpected(format!("{:?} is no news that is known", detail(other)))),
        }
    }
}

/// One outcome for each number; one that stands for several shipments is not taken for one of them.
fn news(shipments: Vec<Shipment>) -> Vec<Tracked> {
    let mut by_number: BTreeMap<String, Vec<Shipment>> = BTreeMap::new();
    for shipment in shipments {
        if let Some(id) = filled(shipment.id.as_deref()) {
            by_number.entry(id).or_default().push(shipment);
        }
    }
    by_number
        .into_iter()
        .filter_map(|(id, shipments)| {
            let number = TrackingNumber::new(id).ok()?;
            let outcome = match shipments.as_slice() {
                [only] => found(only),
                _ => TrackOutcome::Failed {
                    reason: format!("ambiguous: {} shipments have this number", shipments.len()),
                    retry: false,
                },
            };
            Some(Tracked { number, outcome })
        })
        .collect()
}

/// The end of the subscription's own address. The address itself is never followed.
fn subscription_id(own: Option<&str>) -> Result<String> {
    let id = own.and_then(|own| own.trim().trim_end_matches('/').rsplit('/').next());
    filled(id).ok_or_else(|| unexpected("the question names no subscription"))
}
