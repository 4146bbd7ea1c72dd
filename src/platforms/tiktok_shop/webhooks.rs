//! Notifications: proof of origin, then reading. No I/O.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::sign::CallSigner;
use crate::client::wire::{decode, string_or_number, string_or_number_opt};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{EventId, PlatformOrderId, hex};
use crate::ports::{WebhookNotice, WebhookRequest, Webhooks};

/// Checks and reads notifications.
#[derive(Debug)]
pub(super) struct Receiver {
    pub(super) signer: CallSigner,
    /// The platform's id of the shop, if the host told it.
    pub(super) shop_id: Option<String>,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(rename = "type", deserialize_with = "string_or_number")]
    kind: String,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    tts_notification_id: Option<String>,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    shop_id: Option<String>,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    timestamp: Option<String>,
    /// Its shape depends on the kind; of an unknown kind it may be anything.
    #[serde(default, borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(default, deserialize_with = "string_or_number_opt")]
    order_id: Option<String>,
    #[serde(default)]
    order_ids: Option<Vec<Id>>,
    #[serde(default)]
    package_list: Option<Vec<Package>>,
}

#[derive(Deserialize)]
struct Package {
    #[serde(default)]
    order_id_list: Option<Vec<Id>>,
}

#[derive(Deserialize)]
struct Id(#[serde(deserialize_with = "string_or_number")] String);

/// The one order that a notification is about. Where it names several, none: then the whole shop is
/// read, and none of them is left out.
fn the_order(data: &str) -> Option<String> {
    let data: Data = serde_json::from_str(data).ok()?;
    let packages = data.package_list.into_iter().flatten();
    let packed = packages.filter_map(|package| package.order_id_list).flatten();
    let listed = data.order_ids.into_iter().flatten().chain(packed).map(|Id(id)| id);
    let mut named = data.order_id.into_iter().chain(listed);
    let first = named.next()?;
    named.all(|id| id == first).then_some(first)
}

/// The names of the numbers, as far as they are published.
const KINDS: &[(i64, &str)] = &[
    (1, "ORDER_STATUS_CHANGE"),
    (2, "REVERSE_STATUS_UPDATE"),
    (3, "RECIPIENT_ADDRESS_UPDATE"),
    (4, "PACKAGE_UPDATE"),
    (5, "PRODUCT_STATUS_CHANGE"),
    (6, "SELLER_DEAUTHORIZATION"),
    (7, "UPCOMING_AUTHORIZATION_EXPIRATION"),
    (11, "CANCELLATION_STATUS_CHANGE"),
    (12, "RETURN_STATUS_CHANGE"),
    (13, "NEW_CONVERSATION"),
    (14, "NEW_MESSAGE"),
    (15, "PRODUCT_INFORMATION_CHANGE"),
    (16, "PRODUCT_CREATION"),
    (36, "INVOICE_STATUS_CHANGE"),
    (37, "PRODUCT_AUDIT_STATUS_CHANGE"),
];

impl Webhooks for Receiver {
    fn receive(&self, request: &WebhookRequest<'_>, _now: DateTime<Utc>) -> Result<WebhookNotice> {
        // No time is signed, so age proves nothing: repetitions are told by the notification's id.
        let given = request.header("authorization").unwrap_or_default();
        if !self.signer.verifies_notification(request.body, given) {
            return Err(Error::new(ErrorKind::AuthRejected, "the signature does not fit")
                .with_operation("tiktok-shop", "receive_webhook"));
        }
        let body: Body = decode(request.body)
            .map_err(|error| error.with_operation("tiktok-shop", "receive_webhook"))?;
        // All shops of an app sign with the same secret: only the id tells whose order it is.
        if let (Some(ours), Some(theirs)) = (&self.shop_id, &body.shop_id)
            && ours != theirs
        {
            return Err(Error::new(
                ErrorKind::Rejected,
                "the notification is about another shop of the app",
            )
            .with_operation("tiktok-shop", "receive_webhook")
            .with_field("shop_id")
            .with_context("shop_id", theirs));
        }
        let order = body.data.and_then(|data| the_order(data.get()));
        Ok(WebhookNotice {
            event_id: body
                .tts_notification_id
                .and_then(|id| EventId::new(id).ok())
                .unwrap_or_else(|| EventId::of_content(&[&hex(&Sha256::digest(request.body))])),
            kind: KINDS
                .iter()
                .find(|(number, _)| body.kind.trim().parse() == Ok(*number))
                .map_or(body.kind, |(_, name)| (*name).to_owned()),
            order: order.and_then(|id| PlatformOrderId::new(id).ok()),
            sent_at: super::map::instant(
                body.timestamp.and_then(|number| number.trim().parse().ok()),
            ),
        })
    }
}
