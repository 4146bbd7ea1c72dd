//! News of parcels that the carrier sends by itself (subscriptions to tracking).

use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::wire::{TrackDetail, TrackEvent};
use super::{USPS, Usps, map};
use crate::carriers::signed::is_signed;
use crate::client::wire::{OneOrMany, string_or_number_opt, unexpected};
use crate::client::{Operation, Outgoing, Repeat, Response};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::TrackingNumber;
use crate::personal::Personal;
use crate::ports::{Handshake, PushNotice, TrackingPush, WebhookRequest};
use crate::shipment::{TrackOutcome, Tracked};

/// Shortest secret a subscription takes.
const SECRET_LENGTH: usize = 32;
/// Nothing longer is read: a history has some kilobytes.
const LARGEST_BODY: usize = 1 << 20;
/// Longest challenge that is echoed.
const CHALLENGE_LENGTH: usize = 512;
/// A subscription of a mailer id is asked for again after a day, in case it was dropped.
const ASK_AGAIN: TimeDelta = TimeDelta::days(1);

/// What the signature of pushed news covers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PushSigned {
    /// The envelope's time and its payload, one behind the other.
    #[default]
    TimestampAndPayload,
    /// The whole body.
    Body,
}

/// Which parcels a subscription is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PushScope {
    /// All of the account's mailer id, with one subscription.
    #[default]
    Mailer,
    /// Each number with a subscription of its own.
    Numbers,
}

/// How the carrier sends news of parcels.
///
/// The specification of subscriptions is not public. Open clients agree on the envelope and on an
/// HMAC with SHA-256, not on the header's name, what is signed, and how it is written; so all of
/// that can be set (Base64 and hexadecimal digits are both understood). **Nothing of it was
/// verified with a live subscription: try one before relying on it**, and keep on polling.
///
/// ```
/// use orderflow::carriers::usps::{PushSigned, UspsPush};
///
/// let push = UspsPush::new("0123456789abcdef0123456789abcdef")
///     .with_signature("X-USPS-Hmac-Signature", PushSigned::Body)
///     .with_listener("https://shop.example/usps", "ops@shop.example");
/// assert!(!format!("{push:?}").contains("0123456789"));
/// ```
#[derive(Clone)]
#[must_use]
pub struct UspsPush {
    pub(super) secret: Personal<String>,
    header: String,
    signed: PushSigned,
    listener: Option<(String, Personal<String>)>,
    scope: PushScope,
}

impl UspsPush {
    /// Takes what is signed with this secret, of at least 32 characters, in the header `X-HMAC`.
    pub fn new(secret: impl Into<String>) -> Self {
        Self {
            secret: Personal::new(secret.into()),
            header: "X-HMAC".to_owned(),
            signed: PushSigned::default(),
            listener: None,
            scope: PushScope::default(),
        }
    }

    /// Sets the header the signature is in, and what it covers.
    pub fn with_signature(mut self, header: impl Into<String>, signed: PushSigned) -> Self {
        self.header = header.into();
        self.signed = signed;
        self
    }

    /// Sets where news is sent to (`https`) and who is mailed when that fails. Without it nothing is
    /// subscribed to here. An account may have ten listeners.
    pub fn with_listener(mut self, url: impl Into<String>, email: impl Into<String>) -> Self {
        self.listener = Some((url.into(), Personal::new(email.into())));
        self
    }

    /// Sets what is subscribed to. Default the whole mailer id.
    pub fn with_scope(mut self, scope: PushScope) -> Self {
        self.scope = scope;
        self
    }

    /// What cannot be right.
    pub(super) fn problem(&self) -> Option<(&'static str, &'static str)> {
        let no_https = |(url, _): &(String, Personal<String>)| !url.starts_with("https://");
        if self.secret.as_str().chars().count() < SECRET_LENGTH {
            Some(("push.secret", "the secret of a subscription has at least 32 characters"))
        } else if http::HeaderName::try_from(self.header.as_str()).is_err() {
            Some(("push.header", "is not the name of a header"))
        } else if self.listener.as_ref().is_some_and(no_https) {
            Some(("push.listener", "the listener must be at an https address"))
        } else if self.listener.as_ref().is_some_and(|(_, email)| email.is_blank()) {
            Some(("push.email", "somebody must be told when the listener fails"))
        } else {
            None
        }
    }
}

impl fmt::Debug for UspsPush {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UspsPush")
            .field("header", &self.header)
            .field("signed", &self.signed)
            .field("listener", &self.listener.as_ref().map(|(url, _)| url))
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

// ---- Subscribing ----

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Subscription<'a> {
    #[serde(rename = "listenerURL")]
    listener_url: &'a str,
    secret: &'a str,
    admin_notification: [Admin<'a>; 1],
    filter_properties: Filter<'a>,
}

#[derive(Serialize)]
struct Admin<'a> {
    email: &'a str,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Filter<'a> {
    Mailer {
        #[serde(rename = "MID")]
        mid: &'a str,
    },
    #[serde(rename_all = "camelCase")]
    Number { tracking_number: &'a str, tracking_event_types: [&'static str; 1] },
}

/// Subscribes to one number, or to all of the mailer id.
pub(super) struct Subscribe<'a> {
    push: &'a UspsPush,
    listener: &'a (String, Personal<String>),
    mid: &'a str,
    number: Option<&'a TrackingNumber>,
}

impl Operation for Subscribe<'_> {
    type Output = ();
    const NAME: &'static str = "subscribe";
    // The same subscription twice is refused with the first one's id.
    const REPEAT: Repeat = Repeat::Freely;

    fn request(&self) -> Result<Outgoing> {
        let (url, email) = self.listener;
        Outgoing::post("/subscriptions-tracking/v3/subscriptions").json(&Subscription {
            listener_url: url,
            secret: self.push.secret.as_str(),
            admin_notification: [Admin { email: email.as_str() }],
            filter_properties: match self.number {
                None => Filter::Mailer { mid: self.mid },
                Some(number) => Filter::Number {
                    tracking_number: number.as_str(),
                    tracking_event_types: ["ALL_UPDATES"],
                },
            },
        })
    }

    fn parse(&self, _response: Response) -> Result<()> {
        Ok(())
    }
}

/// Whether a refusal says that there is such a subscription: it names its id
/// ("subscriptionId : 019db15c-…"), which errors may hide.
fn is_there_already(error: &Error) -> bool {
    let message = error.vendor().and_then(|vendor| vendor.message.as_deref()).unwrap_or_default();
    error.kind() == ErrorKind::Rejected
        && message.split_once("subscriptionId").is_some_and(|(_, id)| {
            let id = id.trim_start_matches([' ', ':', '=', '"']);
            let is_id = |byte: &u8| byte.is_ascii_hexdigit() || *byte == b'-';
            id.starts_with("[redacted]") || id.bytes().take_while(is_id).count() == 36
        })
}

impl Usps {
    async fn subscribe_once(
        &self,
        push: &UspsPush,
        listener: &(String, Personal<String>),
        number: Option<&TrackingNumber>,
    ) -> Result<()> {
        match self.call(&Subscribe { push, listener, mid: &self.config.mid, number }).await {
            Err(error) if is_there_already(&error) => Ok(()),
            outcome => outcome,
        }
    }
}

// ---- Receiving ----

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    #[serde(default, deserialize_with = "string_or_number_opt")]
    subscription_id: Option<String>,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    timestamp: Option<String>,
    /// JSON as a text.
    payload: Option<String>,
    challenge: Option<String>,
}

fn refused(words: &str) -> Error {
    Error::new(ErrorKind::AuthRejected, words).with_operation(USPS.as_str(), "push")
}

/// A question whether the listener is ours. Nothing tells that the carrier signs it, and answering
/// it gives nothing away: its own text goes back, if it is one that can do no harm there.
fn handshake(envelope: &Envelope) -> Option<Handshake> {
    let challenge = envelope.challenge.as_deref().filter(|_| envelope.payload.is_none())?;
    let harmless = (1..=CHALLENGE_LENGTH).contains(&challenge.len())
        && challenge.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~+/=".contains(&byte));
    harmless.then(|| Handshake {
        subscription: envelope.subscription_id.clone().unwrap_or_default(),
        secret: Personal::new(challenge.to_owned()),
        echo: Some(challenge.to_owned()),
    })
}

/// Histories as tracking answers them, or single events without the list around them: which of the
/// two is sent is not documented.
fn news(payload: &str) -> Result<Vec<Tracked>> {
    let details: OneOrMany<TrackDetail> = serde_json::from_str(payload)
        .map_err(|_| unexpected("what was pushed is no tracking answer"))?;
    let details = details.into_vec();
    let lone = serde_json::from_str::<OneOrMany<TrackEvent>>(payload)
        .map(OneOrMany::into_vec)
        .ok()
        .filter(|events| events.len() == details.len())
        .unwrap_or_default();
    let lone = lone.into_iter().map(Some).chain(std::iter::repeat_with(|| None));
    let mut tracked = Vec::with_capacity(details.len());
    for (detail, event) in details.into_iter().zip(lone) {
        let Some(number) = detail.tracking_number.as_deref().map(super::canonical) else {
            continue;
        };
        let Ok(number) = TrackingNumber::new(number) else { continue };
        if detail.tracking_events.is_unreadable() {
            continue;
        }
        let bare = detail.tracking_events.is_empty();
        let mut outcome = map::tracked(detail);
        if let (true, TrackOutcome::Found { events, .. }) = (bare, &mut outcome) {
            events.extend(event.and_then(super::track::event));
        }
        tracked.push(Tracked { number, outcome });
    }
    Ok(tracked)
}

#[async_trait]
impl TrackingPush for Usps {
    fn receive(&self, request: &WebhookRequest<'_>, _now: DateTime<Utc>) -> Result<PushNotice> {
        let push = self.config.push.as_ref().ok_or_else(|| refused("no secret is configured"))?;
        if request.body.len() > LARGEST_BODY {
            return Err(refused("it is longer than any news"));
        }
        let envelope = serde_json::from_slice::<Envelope>(request.body);
        if let Ok(envelope) = &envelope
            && let Some(handshake) = handshake(envelope)
        {
            return Ok(PushNotice::Handshake(handshake));
        }
        let signature =
            request.header(&push.header).ok_or_else(|| refused("there is no signature"))?;
        let secret = push.secret.as_str().as_bytes();
        let fits = match (push.signed, &envelope) {
            (PushSigned::Body, _) => is_signed(secret, &[request.body], signature),
            (
                PushSigned::TimestampAndPayload,
                Ok(Envelope { timestamp: Some(timestamp), payload: Some(payload), .. }),
            ) => is_signed(secret, &[timestamp.as_bytes(), payload.as_bytes()], signature),
            _ => false,
        };
        if !fits {
            return Err(refused("the signature does not fit"));
        }
        let payload = envelope
            .ok()
            .and_then(|envelope| envelope.payload)
            .ok_or_else(|| unexpected("what was pushed has no payload"))?;
        let tracked = news(&payload)?;
        if tracked.is_empty() {
            return Err(unexpected("what was pushed names no parcel"));
        }
        Ok(PushNotice::Tracking(tracked))
    }

    /// Numbers are asked for one after the other; after a failure that passes the others are not
    /// asked for and have the same error.
    async fn subscribe(&self, numbers: &[TrackingNumber]) -> Result<Vec<Result<()>>> {
        let all_good = || Ok(numbers.iter().map(|_| Ok(())).collect());
        let Some(push) = &self.config.push else {
            return Err(Error::unsupported("no secret is configured"));
        };
        // Without a listener somebody else subscribes.
        let (Some(listener), false) = (&push.listener, numbers.is_empty()) else {
            return all_good();
        };
        if push.scope == PushScope::Mailer {
            let mut asked_at = self.subscribed_at.lock().await;
            let now = self.config.calls.clock.now();
            if asked_at.is_none_or(|asked| now.signed_duration_since(asked) >= ASK_AGAIN) {
                self.subscribe_once(push, listener, None).await?;
                *asked_at = Some(now);
            }
            return all_good();
        }
        let mut outcomes: Vec<Result<()>> = Vec::with_capacity(numbers.len());
        let mut numbers = numbers.iter();
        for number in numbers.by_ref() {
            let outcome = self.subscribe_once(push, listener, Some(number)).await;
            let stopped = outcome
                .as_ref()
                .err()
                .filter(|error| error.is_passing() || error.kind() == ErrorKind::AuthRejected)
                .map(|error| (error.kind(), error.message().to_owned(), error.retry()));
            outcomes.push(outcome);
            if let Some((kind, message, retry)) = stopped {
                outcomes.extend(numbers.map(|_| {
                    let message = format!("not asked for, because of another number: {message}");
                    Err(Error::new(kind, message)
                        .with_retry(retry)
                        .with_operation(USPS.as_str(), Subscribe::NAME))
                }));
                break;
            }
        }
        Ok(outcomes)
    }

    async fn confirm(&self, _handshake: &Handshake) -> Result<()> {
        // The echo in the HTTP answer is all the carrier wants.
        Ok(())
    }
}
