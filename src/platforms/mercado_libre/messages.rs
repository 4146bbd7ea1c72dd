//! Messages to buyers about a pack.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::calls::{Get, Resource, Send, SendMessage, number};
use super::wire::{Paging, instant_opt};
use super::{MERCADO_LIBRE, MercadoLibre, not_there, quota, refused, unsupported};
use crate::client::percent_encode;
use crate::client::wire::{or_empty, string_or_number_opt, unexpected};
use crate::error::{Error, Result, VendorDetail};
use crate::ids::{IdempotencyKey, PlatformOrderId};
use crate::order::PlatformOrder;
use crate::personal::Personal;
use crate::ports::BuyerMessages;

/// "≤350 characters".
const LONGEST: usize = 350;
/// A message of the same words that is younger than this is ours: there is no key to tell by.
const SAME_MESSAGE: TimeDelta = TimeDelta::hours(24);
/// How many of the newest messages are looked through.
const LOOKED_THROUGH: u32 = 50;

/// A message about a sale.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BuyerMessage {
    /// Its id.
    pub id: Option<String>,
    /// Whether the seller wrote it.
    pub from_seller: bool,
    /// What it says.
    pub text: Personal<String>,
    /// `available`, `moderated`, `rejected` or `pending_translation`.
    pub status: Option<String>,
    /// When it was written.
    pub sent_at: Option<DateTime<Utc>>,
    /// When the other one read it.
    pub read_at: Option<DateTime<Utc>>,
}

/// A pack about which the buyer has written something that nobody has read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnreadConversation {
    /// The pack, or the order that has none.
    pub pack: PlatformOrderId,
    /// How many messages.
    pub count: u32,
}

#[derive(Deserialize)]
struct Unread {
    #[serde(default, deserialize_with = "or_empty")]
    results: Vec<UnreadRow>,
}

#[derive(Deserialize)]
struct UnreadRow {
    /// `/packs/1977056109/sellers/378136913`.
    resource: String,
    #[serde(default)]
    count: u32,
}

impl UnreadRow {
    fn read(self) -> Result<UnreadConversation> {
        let path = self.resource.trim_start_matches('/');
        let id = path.strip_prefix("packs/").and_then(|rest| rest.split('/').next());
        let pack = id.and_then(|id| PlatformOrderId::new(id).ok());
        let pack = pack.ok_or_else(|| {
            unexpected("results.resource names no pack")
                .with_operation(MERCADO_LIBRE.as_str(), Unread::NAME)
        })?;
        Ok(UnreadConversation { pack, count: self.count })
    }
}

impl Resource for Unread {
    const NAME: &'static str = "unread_conversations";
    const QUOTA: &'static str = quota::MESSAGES_READ;
}

#[derive(Deserialize)]
struct Conversation {
    #[serde(default, deserialize_with = "or_empty")]
    paging: Paging,
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
    #[serde(default, deserialize_with = "string_or_number_opt")]
    id: Option<String>,
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
    #[serde(default, deserialize_with = "instant_opt")]
    read: Option<DateTime<Utc>>,
}

impl Message {
    fn read(self, seller: &str) -> BuyerMessage {
        BuyerMessage {
            id: self.id,
            from_seller: self.from.user_id.as_deref() == Some(seller),
            text: Personal::new(self.text.unwrap_or_default()),
            status: self.status,
            sent_at: self.message_date.created,
            read_at: self.message_date.read,
        }
    }
}

impl Resource for Conversation {
    const NAME: &'static str = "get_messages";
    const QUOTA: &'static str = quota::MESSAGES_READ;
}

#[derive(Serialize)]
struct Body<'a> {
    /// Across borders nobody is named: the pack tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<User>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<User>,
    text: &'a str,
}

#[derive(Serialize)]
struct User {
    user_id: u64,
}

/// The bounds of length and letters are those of the local sites.
fn check(text: &str, global: bool) -> Result<()> {
    if text.trim().is_empty() {
        return Err(Error::invalid("text", "is empty"));
    }
    if global {
        return Ok(());
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
        let pack = percent_encode(pack);
        match self.paths.global {
            true => format!("/marketplace/messages/packs/{pack}"),
            false => format!("/messages/packs/{pack}/sellers/{}", self.seller),
        }
    }

    async fn conversation(&self, pack: &str, offset: u64) -> Result<Conversation> {
        let mut call = Get::<Conversation>::new(self.conversation_path(pack));
        if !self.paths.global {
            // A plain read would mark the buyer's messages as read; across borders that is a call of
            // its own.
            call = call.with("tag", "post_sale").with("mark_as_read", "false");
        }
        let call =
            call.with("limit", LOOKED_THROUGH.to_string()).with("offset", offset.to_string());
        Ok(self.client.call(&call).await?.0)
    }

    /// What buyer and seller have written about a pack, the oldest first, without marking anything
    /// as read. Takes the id of the pack, or of an order that has none.
    ///
    /// # Errors
    /// Whatever the calls failed with.
    pub async fn messages_about(&self, pack: &PlatformOrderId) -> Result<Vec<BuyerMessage>> {
        let seller = self.seller.to_string();
        let mut found: Vec<BuyerMessage> = Vec::new();
        let mut place = Some(0);
        while let Some(offset) = place {
            let page = self.conversation(pack.as_str(), offset).await?;
            place = page.paging.next(offset, page.messages.len() as u64, LOOKED_THROUGH.into());
            found.extend(page.messages.into_iter().map(|message| message.read(&seller)));
        }
        found.sort_by_key(|message| message.sent_at);
        Ok(found)
    }

    /// Packs whose buyers have written what the seller has not read, at most 500.
    ///
    /// # Errors
    /// Whatever the call failed with.
    pub async fn unread_conversations(&self) -> Result<Vec<UnreadConversation>> {
        let prefix = if self.paths.global { "/marketplace" } else { "" };
        let call = Get::<Unread>::new(format!("{prefix}/messages/unread"))
            .with("role", "seller")
            .with("tag", "post_sale");
        let (answer, _) = self.client.call(&call).await?;
        answer.results.into_iter().map(UnreadRow::read).collect()
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
        check(text.as_str(), self.paths.global)?;
        let known = self.look(order).await?.order;
        // The pack's id, or the order's own where there is no pack: the same as our own id.
        let pack = known.id.as_str();
        let seller = self.seller.to_string();
        let since = self.clock.now().checked_sub_signed(SAME_MESSAGE).unwrap_or_default();
        let before = self.conversation(pack, 0).await?;
        if before.has(&seller, text.as_str(), since) {
            return Ok(());
        }
        if let Some(error) = before.blocked() {
            return Err(error);
        }
        let to = self.addressee(&known)?;
        let from = to.as_ref().map(|_| User { user_id: self.seller });
        let body = Body { from, to, text: text.as_str() };
        let mut call = Send::<_, SendMessage>::new(self.conversation_path(pack), body);
        if !self.paths.global {
            call = call.with("tag", "post_sale");
        }
        let error = match self.client.call(&call).await {
            Ok(()) => return Ok(()),
            Err(error) if error.is_ambiguous() => error,
            Err(error) => return Err(error),
        };
        match self.conversation(pack, 0).await {
            Ok(now) if now.has(&seller, text.as_str(), since) => Ok(()),
            Ok(_) => Err(not_there(NAME, error)),
            Err(_) => Err(error),
        }
    }

    fn may_repeat(&self) -> bool {
        true
    }
}

impl MercadoLibre {
    /// Who a message goes to: the agent where one stands between, else the buyer; across borders it
    /// is not said.
    fn addressee(&self, order: &PlatformOrder) -> Result<Option<User>> {
        if self.paths.global {
            return Ok(None);
        }
        let agent = if self.message_agent { self.site.message_agent() } else { None };
        if let Some(user_id) = agent {
            return Ok(Some(User { user_id }));
        }
        let buyer = order.buyer.id.as_ref().ok_or_else(|| {
            refused("send_message", "the platform does not name the buyer of this sale")
        })?;
        Ok(Some(User { user_id: number("buyer", buyer.as_str())? }))
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
    fn local_guide(&self) -> Result<()> {
        match self.paths.global {
            true => Err(unsupported("begin_conversation", "the reasons are those of local sites")),
            false => Ok(()),
        }
    }

    /// The reasons for which the seller may still begin a conversation about an order, and how often,
    /// for example `("OTHER", 1)`.
    ///
    /// # Errors
    /// Whatever the call failed with.
    pub async fn message_options(&self, order: &PlatformOrderId) -> Result<Vec<(String, u32)>> {
        self.local_guide()?;
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
            check(text.as_str(), self.paths.global)?;
        }
        self.local_guide()?;
        let path =
            format!("/messages/action_guide/packs/{}/option", percent_encode(order.as_str()));
        let body = OptionBody { option_id: option, text: text.map(Personal::as_str) };
        let call = Send::<_, SendMessage>::new(path, body).with("tag", "post_sale");
        let sent = self.client.call(&call).await;
        sent.map_err(|error| error.with_operation(MERCADO_LIBRE.as_str(), "begin_conversation"))
    }
}
