//! Which notifications the platform sends, and where to.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::calls::{Nothing, calls, get};
use super::{TikTokShop, map, quota, wire};
use crate::client::wire::{integer_opt, or_empty};
use crate::client::{Operation, Outgoing, Repeat, Response};
use crate::error::{Error, Result};

/// The topics that tell of everything an order goes through.
pub const ORDER_TOPICS: [&str; 5] = [
    "ORDER_STATUS_CHANGE",
    "RECIPIENT_ADDRESS_UPDATE",
    "PACKAGE_UPDATE",
    "CANCELLATION_STATUS_CHANGE",
    "RETURN_STATUS_CHANGE",
];

/// "Max length: 255 characters".
const LONGEST_ADDRESS: usize = 255;
const PATH: &str = "/event/202309/webhooks";

/// A topic whose notifications the shop sends somewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Subscription {
    /// The topic, word for word, for example `ORDER_STATUS_CHANGE`.
    pub topic: String,
    /// Where its notifications go.
    pub address: String,
    /// Since when.
    pub created_at: Option<DateTime<Utc>>,
    /// When the address was last set.
    pub updated_at: Option<DateTime<Utc>>,
}

calls! {
    /// `GET /event/202309/webhooks`.
    ListTopics = "subscriptions", Freely, OTHER => Topics;
    /// `PUT /event/202309/webhooks`: an absolute value.
    SetTopic = "subscribe", Freely, OTHER => Nothing;
    /// `DELETE /event/202309/webhooks`.
    DropTopic = "unsubscribe", Freely, OTHER => Nothing;
}

#[derive(Deserialize)]
pub(super) struct Topics {
    #[serde(default, deserialize_with = "or_empty")]
    webhooks: Vec<WireTopic>,
}

#[derive(Deserialize)]
struct WireTopic {
    event_type: String,
    address: String,
    #[serde(default, deserialize_with = "integer_opt")]
    create_time: Option<i64>,
    #[serde(default, deserialize_with = "integer_opt")]
    update_time: Option<i64>,
}

fn check_topic(topic: &str) -> Result<()> {
    if topic.trim().is_empty() {
        return Err(Error::invalid("topic", "is empty"));
    }
    Ok(())
}

impl TikTokShop {
    /// Where the shop's notifications go, topic by topic.
    ///
    /// # Errors
    /// As every call.
    pub async fn subscriptions(&self) -> Result<Vec<Subscription>> {
        let call = ListTopics(get(PATH.to_owned(), &self.cipher));
        let known = self.client.call(&call).await?.webhooks;
        Ok(known
            .into_iter()
            .map(|known| Subscription {
                topic: known.event_type,
                address: known.address,
                created_at: map::instant(known.create_time),
                updated_at: map::instant(known.update_time),
            })
            .collect())
    }

    /// Has the notifications of a topic ([`ORDER_TOPICS`] or any other of the platform's) sent to an
    /// address of at most 255 characters. A topic has one address; a later one takes its place. What
    /// arrives is checked and read by the adapter's
    /// [`webhooks`](crate::ports::MarketplaceAdapter::webhooks).
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) when the topic is empty or the address is too
    /// long or not HTTPS, before anything is sent.
    pub async fn subscribe(&self, topic: &str, address: &str) -> Result<()> {
        check_topic(topic)?;
        if !address.starts_with("https://") || address.chars().count() > LONGEST_ADDRESS {
            let why = "must begin with https:// and have at most 255 characters";
            return Err(Error::invalid("address", why));
        }
        let body = json!({"event_type": topic, "address": address});
        let call = Outgoing::put(PATH).query("shop_cipher", &self.cipher).json(&body)?;
        self.client.call(&SetTopic(call)).await.map(|_| ())
    }

    /// Has the notifications of a topic sent no more.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) when the topic is empty; as every call.
    pub async fn unsubscribe(&self, topic: &str) -> Result<()> {
        check_topic(topic)?;
        let call = Outgoing::delete(PATH)
            .query("shop_cipher", &self.cipher)
            .json(&json!({ "event_type": topic }))?;
        self.client.call(&DropTopic(call)).await.map(|_| ())
    }
}
