//! Which notifications Walmart sends, and where to: `/v3/webhooks`.

use http::Method;
use serde::{Deserialize, Serialize};

use super::config::WebhookAuth;
use super::{Walmart, quota};
use crate::client::wire::or_empty;
use crate::client::{Operation, Outgoing, Repeat, Response, percent_encode};
use crate::error::{Error, ErrorKind, Result};
use crate::personal::Personal;

/// A kind of event that Walmart tells of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventType {
    /// Its name, for example `PO_CREATED`.
    pub event_type: String,
    /// Its version, for example `V1`.
    pub event_version: String,
    /// The group it belongs to, for example `ORDER`.
    pub resource_name: String,
}

/// A subscription as Walmart keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Walmart's id of it.
    pub id: String,
    /// What it tells of.
    pub event: EventType,
    /// Where it is sent to, if the answer says so.
    pub url: Option<String>,
    /// `ACTIVE` or `INACTIVE`, word for word.
    pub status: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireSubscription {
    subscription_id: String,
    #[serde(flatten)]
    event: EventType,
    #[serde(default)]
    event_url: Option<String>,
    status: String,
}

impl From<WireSubscription> for Subscription {
    fn from(wire: WireSubscription) -> Self {
        let WireSubscription { subscription_id: id, event, event_url: url, status } = wire;
        Self { id, event, url, status }
    }
}

/// The examples have a list of `events`, the schemas a list of `event`, bare or below `events`.
#[derive(Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
struct Events<T> {
    #[serde(
        default = "Vec::new",
        alias = "eventTypes",
        alias = "event",
        deserialize_with = "or_empty"
    )]
    events: Vec<Wrapped<T>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Wrapped<T> {
    Bare(T),
    Listed { event: Vec<T> },
}

impl<T> Events<T> {
    fn into_vec(self) -> Vec<T> {
        let flat = self.events.into_iter().flat_map(|event| match event {
            Wrapped::Bare(event) => vec![event],
            Wrapped::Listed { event } => event,
        });
        flat.collect()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AuthDetails<'a> {
    auth_method: &'static str,
    auth_header_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_name: Option<&'a Personal<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<&'a Personal<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<&'a Personal<String>>,
}

impl<'a> AuthDetails<'a> {
    /// How a subscription is told to prove where its notifications come from.
    fn of(auth: &'a WebhookAuth) -> Result<Self> {
        match auth {
            WebhookAuth::Hmac { header, secret } => Ok(Self {
                auth_method: "HMAC",
                auth_header_name: header,
                user_name: None,
                password: None,
                client_secret: Some(secret),
            }),
            WebhookAuth::Basic { header, user, password } => Ok(Self {
                auth_method: "BASIC_AUTH",
                auth_header_name: header,
                user_name: Some(user),
                password: Some(password),
                client_secret: None,
            }),
            WebhookAuth::None | WebhookAuth::Signed { .. } => Err(Error::new(
                ErrorKind::Configuration,
                "subscribing needs HMAC or a user and password, or anybody could send notifications",
            )
            .with_field("webhook_auth")),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SentSubscription<'a> {
    #[serde(flatten)]
    event: &'a EventType,
    event_url: &'a str,
    auth_details: AuthDetails<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
}

impl<'a> SentSubscription<'a> {
    fn new(
        event: &'a EventType,
        url: &'a str,
        auth: &'a WebhookAuth,
        status: Option<&'static str>,
    ) -> Result<Self> {
        if !url.starts_with("https://") {
            return Err(Error::invalid("url", "must begin with https://"));
        }
        Ok(Self { event, event_url: url, auth_details: AuthDetails::of(auth)?, status })
    }
}

/// `GET /v3/webhooks/eventTypes`.
struct ListEventTypes;

impl Operation for ListEventTypes {
    type Output = Vec<EventType>;
    const NAME: &'static str = "event_types";
    const REPEAT: Repeat = Repeat::Freely;
    const QUOTA: &'static str = quota::WEBHOOKS;

    fn request(&self) -> Result<Outgoing> {
        Ok(Outgoing::get("/v3/webhooks/eventTypes"))
    }

    fn parse(&self, response: Response) -> Result<Self::Output> {
        Ok(response.json::<Events<EventType>>()?.into_vec())
    }
}

/// `GET /v3/webhooks/subscriptions`.
struct ListSubscriptions;

impl Operation for ListSubscriptions {
    type Output = Vec<Subscription>;
    const NAME: &'static str = "subscriptions";
    const REPEAT: Repeat = Repeat::Freely;
    const QUOTA: &'static str = quota::WEBHOOKS;

    fn request(&self) -> Result<Outgoing> {
        Ok(Outgoing::get("/v3/webhooks/subscriptions"))
    }

    fn parse(&self, response: Response) -> Result<Self::Output> {
        let listed = response.json::<Events<WireSubscription>>()?.into_vec();
        Ok(listed.into_iter().map(Subscription::from).collect())
    }
}

/// `POST /v3/webhooks/subscriptions`.
struct Subscribe<'a> {
    events: &'a [EventType],
    url: &'a str,
    auth: &'a WebhookAuth,
}

impl Operation for Subscribe<'_> {
    type Output = Vec<Subscription>;
    const NAME: &'static str = "subscribe";
    // A second subscription to the same events would send everything twice.
    const REPEAT: Repeat = Repeat::Never;
    const QUOTA: &'static str = quota::WEBHOOKS;

    fn request(&self) -> Result<Outgoing> {
        #[derive(Serialize)]
        struct Body<'a> {
            events: Vec<SentSubscription<'a>>,
        }
        let sent = |event| SentSubscription::new(event, self.url, self.auth, Some("ACTIVE"));
        let events = self.events.iter().map(sent).collect::<Result<_>>()?;
        Outgoing::post("/v3/webhooks/subscriptions").json(&Body { events })
    }

    fn parse(&self, response: Response) -> Result<Self::Output> {
        let made = response.json::<Events<WireSubscription>>()?.into_vec();
        Ok(made.into_iter().map(Subscription::from).collect())
    }
}

/// `PATCH /v3/webhooks/subscriptions/{subscriptionId}`.
struct SwitchSubscription<'a> {
    id: &'a str,
    active: bool,
}

fn subscription_path(id: &str) -> String {
    format!("/v3/webhooks/subscriptions/{}", percent_encode(id))
}

impl Operation for SwitchSubscription<'_> {
    type Output = ();
    const NAME: &'static str = "switch_subscription";
    const REPEAT: Repeat = Repeat::Freely;
    const QUOTA: &'static str = quota::WEBHOOKS;

    fn request(&self) -> Result<Outgoing> {
        #[derive(Serialize)]
        struct Body {
            status: &'static str,
        }
        let mut outgoing = Outgoing::post(subscription_path(self.id));
        outgoing.method = Method::PATCH;
        outgoing.json(&Body { status: if self.active { "ACTIVE" } else { "INACTIVE" } })
    }

    fn parse(&self, _response: Response) -> Result<()> {
        // What the answer holds has no example.
        Ok(())
    }
}

/// `DELETE /v3/webhooks/subscriptions/{subscriptionId}`.
struct Unsubscribe<'a> {
    id: &'a str,
}

impl Operation for Unsubscribe<'_> {
    type Output = ();
    const NAME: &'static str = "unsubscribe";
    const REPEAT: Repeat = Repeat::Freely;
    const QUOTA: &'static str = quota::WEBHOOKS;

    fn request(&self) -> Result<Outgoing> {
        Ok(Outgoing::delete(subscription_path(self.id)))
    }

    fn parse(&self, response: Response) -> Result<()> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Receipt {
            #[serde(rename = "subscriptionId")]
            _subscription_id: String,
        }
        response.json::<Receipt>().map(|_| ())
    }
}

/// `POST /v3/webhooks/test`.
struct TestSubscription<'a> {
    event: &'a EventType,
    url: &'a str,
    auth: &'a WebhookAuth,
}

impl Operation for TestSubscription<'_> {
    type Output = ();
    const NAME: &'static str = "test_subscription";
    const REPEAT: Repeat = Repeat::Freely;
    const QUOTA: &'static str = quota::WEBHOOKS;

    fn request(&self) -> Result<Outgoing> {
        let body = SentSubscription::new(self.event, self.url, self.auth, None)?;
        Outgoing::post("/v3/webhooks/test").json(&body)
    }

    fn parse(&self, _response: Response) -> Result<()> {
        Ok(())
    }
}

/// Subscriptions to notifications, for setting a shop up. Only the United States have them; in
/// other markets Walmart answers with an error of its own.
impl Walmart {
    /// The kinds of event that this seller can subscribe to. Names differ between documents, so ask
    /// before subscribing.
    ///
    /// # Errors
    /// Of the call.
    pub async fn event_types(&self) -> Result<Vec<EventType>> {
        self.client.call(&ListEventTypes).await
    }

    /// What is subscribed to.
    ///
    /// # Errors
    /// Of the call.
    pub async fn subscriptions(&self) -> Result<Vec<Subscription>> {
        self.client.call(&ListSubscriptions).await
    }

    /// Lets notifications of `events` be sent to `url` (`https://…`), proved as configured by
    /// [`with_webhook_auth`](super::WalmartConfig::with_webhook_auth). Events that are sent there
    /// already are not subscribed to again; all subscriptions of `events` to `url` are returned.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] without a proof that a subscription can agree on;
    /// [`ErrorKind::InvalidInput`] when the address is not `https`; of the calls.
    pub async fn subscribe(&self, events: &[EventType], url: &str) -> Result<Vec<Subscription>> {
        let auth = &self.receiver.auth;
        // What is wrong is told before anything is asked.
        let _ = Subscribe { events, url, auth }.request()?;
        let wanted = |known: &Subscription| {
            known.url.as_deref() == Some(url) && events.contains(&known.event)
        };
        let mut found: Vec<_> = self.subscriptions().await?.into_iter().filter(wanted).collect();
        for known in found.iter_mut().filter(|known| known.status != "ACTIVE") {
            self.client.call(&SwitchSubscription { id: &known.id, active: true }).await?;
            "ACTIVE".clone_into(&mut known.status);
        }
        let is_new = |event: &&EventType| found.iter().all(|known| known.event != **event);
        let missing: Vec<EventType> = events.iter().filter(is_new).cloned().collect();
        if !missing.is_empty() {
            let made = self.client.call(&Subscribe { events: &missing, url, auth }).await?;
            found.extend(made);
        }
        Ok(found)
    }

    /// Turns a subscription on or off.
    ///
    /// # Errors
    /// Of the call.
    pub async fn switch_subscription(&self, id: &str, active: bool) -> Result<()> {
        self.client.call(&SwitchSubscription { id, active }).await
    }

    /// Ends a subscription. One that is gone is success.
    ///
    /// # Errors
    /// Of the call.
    pub async fn unsubscribe(&self, id: &str) -> Result<()> {
        match self.client.call(&Unsubscribe { id }).await {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// Lets Walmart send a test notification to `url`.
    ///
    /// # Errors
    /// As [`subscribe`](Self::subscribe).
    pub async fn test_subscription(&self, event: &EventType, url: &str) -> Result<()> {
        let auth = &self.receiver.auth;
        self.client.call(&TestSubscription { event, url, auth }).await
    }
}
