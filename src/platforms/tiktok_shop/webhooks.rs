//! Notifications: proof of origin, then reading. No I/O.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::sign::CallSigner;
use crate::client::wire::{decode, string_or_number_opt};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{EventId, PlatformOrderId, hex};
use crate::ports::{WebhookNotice, WebhookRequest, Webhooks};

/// Checks and reads notifications.
#[derive(Debug)]
pub(super) struct Receiver {
    pub(super) signer: CallSigner,
}

#[derive(Deserialize)]
struct Body {
    #[serde(rename = "type")]
    kind: i64,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    tts_notification_id: Option<String>,
    #[serde(default)]
    timestamp: Option<i64>,
    #[serde(default)]
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(default, deserialize_with = "string_or_number_opt")]
    order_id: Option<String>,
    #[serde(default)]
    order_ids: Option<Vec<String>>,
    #[serde(default)]
    package_list: Option<Vec<Package>>,
}

#[derive(Deserialize)]
struct Package {
    #[serde(default)]
    order_id_list: Vec<String>,
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
        let order = body.data.and_then(|data| {
            let listed = data.order_ids.into_iter().flatten();
            let packed = data.package_list.into_iter().flatten().flat_map(|p| p.order_id_list);
            data.order_id.into_iter().chain(listed).chain(packed).next()
        });
        Ok(WebhookNotice {
            event_id: body
                .tts_notification_id
                .and_then(|id| EventId::new(id).ok())
                .unwrap_or_else(|| EventId::of_content(&[&hex(&Sha256::digest(request.body))])),
            kind: KINDS
                .iter()
                .find(|(number, _)| *number == body.kind)
                .map_or_else(|| body.kind.to_string(), |(_, name)| (*name).to_owned()),
            order: order.and_then(|id| PlatformOrderId::new(id).ok()),
            sent_at: super::map::instant(body.timestamp),
        })
    }
}
