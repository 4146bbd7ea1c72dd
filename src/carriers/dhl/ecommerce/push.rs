//! News that the carrier sends by itself.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::DhlEcommerce;
use super::track::{Kind, outcome};
use super::wire::TrackAnswer;
use crate::carriers::dhl::shared::{basic, same_credentials};
use crate::client::wire::{decode, unexpected};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::TrackingNumber;
use crate::ports::{Handshake, PushNotice, TrackingPush, WebhookRequest};
use crate::shipment::Tracked;

#[async_trait]
impl TrackingPush for DhlEcommerce {
    /// The body is a tracking answer with the whole history of one parcel; user and password are
    /// those that [`register_hook`](DhlEcommerce::register_hook) told the carrier.
    fn receive(&self, request: &WebhookRequest<'_>, _now: DateTime<Utc>) -> Result<PushNotice> {
        let refused = |why| {
            Error::new(ErrorKind::AuthRejected, why).with_operation("dhl-ecommerce", "receive_push")
        };
        let Some(hook) = &self.config.hook else {
            return Err(refused("no hook is configured"));
        };
        let wanted = basic(hook.user.as_str(), hook.password.as_str());
        let given = request.header("authorization").map_or("", str::trim);
        if !same_credentials(given, &wanted) {
            return Err(refused("user and password do not fit"));
        }
        let answer: TrackAnswer = decode(request.body)
            .map_err(|error| error.with_operation("dhl-ecommerce", "receive_push"))?;
        if answer.packages.is_unreadable() {
            return Err(unexpected("no parcel of the news can be read")
                .with_operation("dhl-ecommerce", "receive_push"));
        }
        // A parcel may have got the last mile's number after its label had the carrier's own.
        let mut tracked = Vec::new();
        for package in answer.packages.into_vec() {
            let numbers = [Kind::DhlPackage, Kind::LastMile]
                .map(|kind| TrackingNumber::new(kind.number(&package)?).ok());
            let outcome = outcome(package);
            tracked.extend(
                numbers
                    .into_iter()
                    .flatten()
                    .map(|number| Tracked { number, outcome: outcome.clone() }),
            );
        }
        Ok(PushNotice::Tracking(tracked))
    }

    /// News come for the whole account, once [`register_hook`](DhlEcommerce::register_hook) has been
    /// called: no number is asked about.
    async fn subscribe(&self, numbers: &[TrackingNumber]) -> Result<Vec<Result<()>>> {
        Ok(numbers.iter().map(|_| Ok(())).collect())
    }

    /// The carrier asks nothing before it sends.
    async fn confirm(&self, _handshake: &Handshake) -> Result<()> {
        Err(Error::unsupported("the carrier has no handshake"))
    }
}
