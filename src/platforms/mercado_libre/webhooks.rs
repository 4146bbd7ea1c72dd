//! Notifications: whose they are, then reading. No I/O.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::look::OF_SHIPMENT;
use super::pages::is_id;
use super::wire::parse_instant;
use crate::client::wire::{OneOrMany, decode, filled, string_or_number_opt};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{EventId, PlatformOrderId};
use crate::ports::{WebhookNotice, WebhookRequest, Webhooks};

/// Checks and reads notifications.
#[derive(Debug)]
pub(super) struct Receiver {
    pub(super) application: String,
    pub(super) seller: String,
}

/// A notification, pushed or found among the missed ones.
#[derive(Debug, Deserialize)]
pub(super) struct Notice {
    #[serde(default, deserialize_with = "string_or_number_opt")]
    resource: Option<String>,
    #[serde(default)]
    topic: Option<String>,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    user_id: Option<String>,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    application_id: Option<String>,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    sent: Option<String>,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    received: Option<String>,
    /// One of the two, at times both.
    #[serde(default, rename = "_id", deserialize_with = "string_or_number_opt")]
    own_id: Option<String>,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    id: Option<String>,
    #[serde(default)]
    actions: OneOrMany<String>,
}

impl Webhooks for Receiver {
    fn receive(&self, request: &WebhookRequest<'_>, now: DateTime<Utc>) -> Result<WebhookNotice> {
        let notice: Notice = decode(request.body)
            .map_err(|error| error.with_operation("mercado-libre", "receive_webhook"))?;
        // There is no signature: that the ids are ours is all that can be checked here, and the
        // notice is no more than a hint to read the resource again.
        if notice.application_id.as_deref() != Some(self.application.as_str()) {
            return Err(refused("the notification is for another application"));
        }
        if notice.user_id.as_deref() != Some(self.seller.as_str()) {
            return Err(refused("the notification is about another seller"));
        }
        notice.read(now)
    }
}

fn refused(message: &'static str) -> Error {
    Error::new(ErrorKind::AuthRejected, message).with_operation("mercado-libre", "receive_webhook")
}

impl Notice {
    pub(super) fn is_about(&self, seller: &str) -> bool {
        self.user_id.as_deref() == Some(seller)
    }

    /// Reads what it says; `now` is when it came.
    pub(super) fn read(&self, now: DateTime<Utc>) -> Result<WebhookNotice> {
        let missing = |field: &str| {
            Error::new(ErrorKind::UnexpectedAnswer, format!("the notification has no {field}"))
                .with_operation("mercado-libre", "receive_webhook")
        };
        let topic = self.topic.as_deref().filter(|t| !t.trim().is_empty());
        let topic = topic.ok_or_else(|| missing("topic"))?;
        let resource = self.resource.as_deref().filter(|r| !r.trim().is_empty());
        let resource = resource.ok_or_else(|| missing("resource"))?;
        let path = resource.trim().trim_start_matches('/');
        // One change may be told in several attempts, which differ in their count and not in when
        // the change was first sent; another change of the same resource has another stamp. Without
        // any it may be another change: reading once too often does no harm.
        let stamps = [&self.sent, &self.own_id, &self.id, &self.received];
        let stamp = stamps.into_iter().find_map(|stamp| filled(stamp.as_deref()));
        let stamp = stamp.unwrap_or_else(|| now.to_rfc3339());
        let order = order_of(topic, path)?;
        let event_id = EventId::of_content(&["mercado-libre", topic, path, &stamp]);
        let kind = match &*self.actions {
            [first, ..] => format!("{topic}/{first}"),
            [] => topic.to_owned(),
        };
        Ok(WebhookNotice {
            event_id,
            kind,
            order: order.and_then(|id| PlatformOrderId::new(id).ok()),
            sent_at: self.sent.as_deref().and_then(parse_instant),
        })
    }
}

/// What to read the order by: its own id, or its shipment. Claims and messages name only themselves.
///
/// # Errors
/// A resource that should be an order or a shipment and has no id that could be one: nothing signs it,
/// so anybody may have written it.
fn order_of<'a>(topic: &str, path: &'a str) -> Result<Option<&'a str>> {
    let tail = path.strip_prefix("marketplace/").unwrap_or(path);
    let about_shipments = matches!(topic, "shipments" | "marketplace_shipments");
    let about_orders = matches!(
        topic,
        "orders_v2"
            | "orders"
            | "orders feedback"
            | "marketplace_orders"
            | "marketplace_orders_on_site"
    );
    let prefix = match (about_shipments, about_orders) {
        (true, _) => OF_SHIPMENT,
        (false, true) => "orders/",
        (false, false) => return Ok(None),
    };
    let Some(rest) = tail.strip_prefix(prefix) else { return Ok(None) };
    // Without what may follow the id: all of it is about the one order or parcel.
    let Some(id) = rest.split('/').next().filter(|id| !id.is_empty()) else { return Ok(None) };
    if !is_id(id) {
        return Err(Error::new(
            ErrorKind::UnexpectedAnswer,
            "the notification names nothing that could be an order",
        )
        .with_operation("mercado-libre", "receive_webhook")
        .with_field("resource"));
    }
    Ok(match about_shipments {
        true => tail.get(..OF_SHIPMENT.len() + id.len()),
        false => Some(id),
    })
}
