//! The calls, as values.

use http::header::HeaderName;

use super::Question;
use super::config::Hook;
use super::wire::{HookAuthentication, HookBody, Shipment, SubscriptionBody, TrackAnswer};
use crate::client::wire::unexpected;
use crate::client::{Operation, Outgoing, Repeat, Response, percent_encode};
use crate::error::Result;
use crate::ids::TrackingNumber;

const HOOK_SECRET: HeaderName = HeaderName::from_static("dhl-api-hook-secret");

/// Asks for one number: there is no call for several.
pub(super) struct TrackOne<'a>(pub(super) &'a Question);

impl Operation for TrackOne<'_> {
    type Output = Vec<Shipment>;
    const NAME: &'static str = "track";
    const REPEAT: Repeat = Repeat::Freely;

    fn request(&self) -> Result<Outgoing> {
        Ok(Outgoing::get("/track/shipments")
            .query("trackingNumber", self.0.number.as_str())
            .query_opt("service", self.0.service.as_deref())
            .query_opt("recipientPostalCode", self.0.postal_code.as_deref())
            .query("language", "en"))
    }

    fn parse(&self, response: Response) -> Result<Vec<Shipment>> {
        let shipments = response.json::<TrackAnswer>()?.shipments;
        if shipments.is_unreadable() {
            return Err(unexpected("no shipment of the answer can be read"));
        }
        Ok(shipments.into_vec())
    }
}

/// Asks for news of up to ten numbers.
pub(super) struct Subscribe<'a> {
    pub(super) hook: &'a Hook,
    pub(super) service: Option<&'a str>,
    pub(super) numbers: &'a [TrackingNumber],
}

impl Operation for Subscribe<'_> {
    type Output = ();
    const NAME: &'static str = "subscribe";
    // A second subscription brings the same news twice, which does no harm.
    const REPEAT: Repeat = Repeat::Freely;

    fn request(&self) -> Result<Outgoing> {
        Outgoing::post("/tracking/push/v1/subscription").json(&SubscriptionBody {
            hook: HookBody {
                uri: &self.hook.address,
                authentication: HookAuthentication {
                    kind: "ApiKeyAuthentication",
                    header: &self.hook.header,
                    token: self.hook.token.as_str(),
                },
            },
            format: "Default",
            kind: "Shipment",
            service: self.service,
            // With capitals here, without in what is sent.
            events: ["Pre-Transit", "Transit", "Delivered", "Failure", "Unknown"],
            shipment_ids: self.numbers.iter().map(TrackingNumber::as_str).collect(),
        })
    }

    fn parse(&self, _response: Response) -> Result<()> {
        Ok(())
    }
}

/// Says that a hook is ours.
pub(super) struct Confirm<'a> {
    pub(super) subscription: &'a str,
    pub(super) secret: &'a str,
}

impl Operation for Confirm<'_> {
    type Output = ();
    const NAME: &'static str = "confirm_subscription";
    const REPEAT: Repeat = Repeat::Freely;

    fn request(&self) -> Result<Outgoing> {
        let id = percent_encode(self.subscription);
        Outgoing::post(format!("/tracking/push/v1/subscription/{id}"))
            .header(HOOK_SECRET, self.secret)
    }

    fn parse(&self, _response: Response) -> Result<()> {
        Ok(())
    }
}
