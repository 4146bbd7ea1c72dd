//! Messages to buyers about a pack.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::calls::{Get, Resource, Send, SendMessage, number};
use super::wire::{instant_opt, or_empty};
use super::{MERCADO_LIBRE, MercadoLibre, not_there, quota, refused};
use crate::client::percent_encode;
use crate::client::wire::string_or_number_opt;
use crate::error::{Error, Result, VendorDetail};
use crate::ids::{IdempotencyKey, PlatformOrderId};
use crate::personal::Personal;
use crate::ports::BuyerMessages;

/// "≤350 characters".
const LONGEST: usize = 350;
/// A message of the same words that is younger than this is ours: there is no key to tell by.
const SAME_MESSAGE: TimeDelta = TimeDelta::hours(24);
/// How many of the newest messages are looked through.
const LOOKED_THROUGH: u32 = 50;

#[derive(Deserialize)]
struct Conversation {
    #[serde(default)]
    conversation_status: Option<ConversationStatus>,
    #[serde(default, deserialize_with = "or_empty")]
    messages: Vec<Message>,
}

#[derive(Deserialize)]
struct ConversationStatus {
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    substatus: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default, deserialize_with = "or_empty")]
    from: Party,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default, deserialize_with = "or_empty")]
    message_date: Dates,
}

#[derive(Default, Deserialize)]
struct Party {
    #[serde(default, deserialize_with = "string_or_number_opt")]
    user_id: Option<String>,
}

#[derive(Default, Deserialize)]
struct Dates {
    #[serde(default, deserialize_with = "instant_opt")]
    created: Option<DateTime<Utc>>,
}

impl Resource for Conversation {
    const NAME: &'static str = "get_messages";
    const QUOTA: &'static str = quota::MESSAGES_READ;
}

#[derive(Serialize)]
struct Body<'a> {
    from: User,
    to: User,
    text: &'a str,
}

#[derive(Serialize)]
struct User {
    user_id: u64,
}

fn check(text: &str) -> Result<()> {
    if text.trim().is_empty() {
        return Err(Error::invalid("text", "is empty"));
    }
    if text.chars().count() > LONGEST {
        return Err(Error::invalid("text", format!("is longer than {LONGEST} characters")));
    }
    if text.chars().any(|letter| u32::from(letter) > 0xFF) {
        return Err(Error::invalid("text", "has letters beyond ISO 8859-1"));
    }
    Ok(())
}

impl Conversation {
    /// Nobody may write now. The code names why.
    fn blocked(&self) -> Option<Error> {
        let status = self.conversation_status.as_ref()?;
        if status.status.as_deref() != Some("blocked") {
            return None;
        }
        let mut vendor = VendorDetail::with_status(200);
        vendor.code = status.substatus.clone().or(Some("blocked".to_owned()));
        Some(refused("send_message", "the conversation is blocked").with_vendor(vendor))
    }

    fn has(&self, seller: &str, text: &str, since: DateTime<Utc>) -> bool {
        self.messages.iter().any(|message| {
            message.from.user_id.as_deref() == Some(seller)
                && message.text.as_deref().map(str::trim) == Some(text.trim())
                && message.status.as_deref() != Some("rejected")
                && message.message_date.created.is_none_or(|at| at >= since)
        })
    }
}

impl MercadoLibre {
    fn conversation_path(&self, pack: &str) -> String {
        format!("/messages/packs/{}/sellers/{}", percent_encode(pack), self.seller)
    }

    async fn conversation(&self, pack: &str) -> Result<Conversation> {
        let call = Get::<Conversation>::new(self.conversation_path(pack))
            .with("tag", "post_sale")
            // A plain read would mark the buyer's messages as read.
            .with("mark_as_read", "false")
            .with("limit", LOOKED_THROUGH.to_string())
            .with("offset", "0");
        Ok(self.client.call(&call).await?.0)
    }
}

#[async_trait]
impl BuyerMessages for MercadoLibre {
    async fn send_message(
        &self,
        order: &PlatformOrderId,
        text: &Personal<String>,
        _key: &IdempotencyKey,
    ) -> Result<()> {
        const NAME: &str = "send_message";
        check(text.as_str())?;
        let known = self.look(order).await?.order;
        // The pack's id, or the order's own where there is no pack: the same as our own id.
        let pack = known.id.as_str();
        let seller = self.seller.to_string();
        let since = self.clock.now().checked_sub_signed(SAME_MESSAGE).unwrap_or_default();
        let before = self.conversation(pack).await?;
        if before.has(&seller, text.as_str(), since) {
            return Ok(());
        }
        if let Some(error) = before.blocked() {
            return Err(error);
        }
        let agent = if self.message_agent { self.site.message_agent() } else { None };
        let to = match agent {
            Some(agent) => agent,
            None => {
                let buyer = known.buyer.id.as_ref().ok_or_else(|| {
                    refused(NAME, "the platform does not name the buyer of this sale")
                })?;
                number("buyer", buyer.as_str())?
            }
        };
        let body = Body {
            from: User { user_id: self.seller },
            to: User { user_id: to },
            text: text.as_str(),
        };
        let call = Send::<_, SendMessage>::new(self.conversation_path(pack), body)
            .with("tag", "post_sale");
        let error = match self.client.call(&call).await {
            Ok(()) => return Ok(()),
            Err(error) if error.is_ambiguous() => error,
            Err(error) => return Err(error),
        };
        match self.conversation(pack).await {
            Ok(now) if now.has(&seller, text.as_str(), since) => Ok(()),
            Ok(_) => Err(not_there(NAME, error)),
            Err(_) => Err(error),
        }
    }
}

/// A reason for which a seller may begin a conversation.
#[derive(Serialize)]
struct OptionBody<'a> {
    option_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
}

/// `GET …/caps_available`.
#[derive(Deserialize)]
struct Cap {
    option_id: String,
    #[serde(default)]
    cap_available: u32,
}

impl Resource for Vec<Cap> {
    const NAME: &'static str = "get_message_options";
    const QUOTA: &'static str = quota::MESSAGES_READ;
}

impl MercadoLibre {
    /// The reasons for which the seller may still begin a conversation about an order, and how often,
    /// for example `("OTHER", 1)`.
    ///
    /// # Errors
    /// Whatever the call failed with.
    pub async fn message_options(&self, order: &PlatformOrderId) -> Result<Vec<(String, u32)>> {
        let path = format!(
            "/messages/action_guide/packs/{}/caps_available",
            percent_encode(order.as_str())
        );
        let call = Get::<Vec<Cap>>::new(path).with("tag", "post_sale");
        let (caps, _) = self.client.call(&call).await?;
        Ok(caps.into_iter().map(|cap| (cap.option_id, cap.cap_available)).collect())
    }

    /// Begins a conversation for one of the reasons; `text` goes with `OTHER` only. Never sent again
    /// after a lost answer: the reason's count tells.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) when the text is too long or not
    /// Latin; otherwise whatever the call failed with.
    pub async fn begin_conversation(
        &self,
        order: &PlatformOrderId,
        option: &str,
        text: Option<&Personal<String>>,
    ) -> Result<()> {
        if let Some(text) = text {
            check(text.as_str())?;
        }
        let path =
            format!("/messages/action_guide/packs/{}/option", percent_encode(order.as_str()));
        let body = OptionBody { option_id: option, text: text.map(Personal::as_str) };
        let call = Send::<_, SendMessage>::new(path, body).with("tag", "post_sale");
        let sent = self.client.call(&call).await;
        sent.map_err(|error| error.with_operation(MERCADO_LIBRE.as_str(), "begin_conversation"))
    }
}
