//! News that the carrier sends by itself.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::DhlEcommerce;
use super::config::NumberOfLabel;
use super::track::{Kind, outcome};
use super::wire::TrackAnswer;
use crate::carriers::dhl::shared::{basic, same};
use crate::client::wire::decode;
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
        if !same(given, &wanted) {
            return Err(refused("user and password do not fit"));
        }
        let answer: TrackAnswer = decode(request.body)
            .map_err(|error| error.with_operation("dhl-ecommerce", "receive_push"))?;
        let order = match self.config.number {
            NumberOfLabel::LastMile => [Kind::LastMile, Kind::DhlPackage],
            NumberOfLabel::DhlPackage => [Kind::DhlPackage, Kind::LastMile],
        };
        let tracked = answer
            .packages
            .into_vec()
            .into_iter()
            .filter_map(|package| {
                let number = order.iter().find_map(|kind| kind.number(&package))?;
                Some((TrackingNumber::new(number).ok()?, package))
            })
            .map(|(number, package)| Tracked { number, outcome: outcome(package) })
            .collect();
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
