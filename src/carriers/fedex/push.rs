//! News of parcels that the carrier sends by itself (Advanced Integrated Visibility).

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::wire::{NumberResults, TrackAnswer};
use super::{Fedex, track};
use crate::carriers::signed::is_signed;
use crate::client::wire::{Readable, unexpected};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::TrackingNumber;
use crate::ports::{Handshake, PushNotice, TrackingPush, WebhookRequest};
use crate::shipment::Tracked;

/// The guide shows the answer of a tracking call; whether it is wrapped like one is not said.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pushed {
    output: Option<TrackAnswer>,
    #[serde(default)]
    complete_track_results: Readable<NumberResults>,
}

#[async_trait]
impl TrackingPush for Fedex {
    fn receive(&self, request: &WebhookRequest<'_>, _now: DateTime<Utc>) -> Result<PushNotice> {
        let refused = |words: &str| {
            Error::new(ErrorKind::AuthRejected, words).with_operation(super::FEDEX.as_str(), "push")
        };
        let token = self
            .config
            .push_token
            .as_ref()
            .ok_or_else(|| refused("no security token is configured"))?;
        let signature =
            request.header("fdx-signature").ok_or_else(|| refused("there is no signature"))?;
        if !is_signed(token.as_str().as_bytes(), &[request.body], signature) {
            return Err(refused("the signature does not fit"));
        }
        let pushed: Pushed = serde_json::from_slice(request.body)
            .map_err(|_| unexpected("what was pushed is no tracking answer"))?;
        let Pushed { output, complete_track_results } = pushed;
        let answer = output.unwrap_or(TrackAnswer { complete_track_results });
        let tracked: Vec<Tracked> = track::outcomes(answer)
            .into_iter()
            .filter_map(|(number, outcome)| {
                Some(Tracked { number: TrackingNumber::new(number).ok()?, outcome })
            })
            .collect();
        if tracked.is_empty() {
            return Err(unexpected("what was pushed names no parcel"));
        }
        Ok(PushNotice::Tracking(tracked))
    }

    async fn subscribe(&self, numbers: &[TrackingNumber]) -> Result<Vec<Result<()>>> {
        // The account is subscribed on the portal, with all its shipments.
        Ok(numbers.iter().map(|_| Ok(())).collect())
    }

    async fn confirm(&self, _handshake: &Handshake) -> Result<()> {
        Err(Error::unsupported("the carrier asks for no handshake"))
    }
}
