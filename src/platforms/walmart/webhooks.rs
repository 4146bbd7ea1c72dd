//! Notifications: proof of origin, then reading. No I/O.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::config::WebhookAuth;
use crate::client::wire::{decode, string_or_number_opt};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{EventId, PlatformOrderId, hex};
use crate::ports::{WebhookNotice, WebhookRequest, Webhooks};

/// How old or how far ahead a signed timestamp may be. The reference names no limit.
const LARGEST_SKEW: TimeDelta = TimeDelta::minutes(5);

/// Checks and reads notifications.
#[derive(Debug)]
pub(super) struct Receiver {
    pub(super) auth: WebhookAuth,
}

#[derive(Deserialize)]
struct Body {
    source: Source,
    #[serde(default)]
    payload: Option<Payload>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Source {
    event_type: String,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    event_time: Option<String>,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    event_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    #[serde(default, deserialize_with = "string_or_number_opt")]
    purchase_order_id: Option<String>,
}

impl Webhooks for Receiver {
    fn receive(&self, request: &WebhookRequest<'_>, now: DateTime<Utc>) -> Result<WebhookNotice> {
        self.check(request, now)?;
        let body: Body = decode(request.body)
            .map_err(|error| error.with_operation("walmart", "receive_webhook"))?;
        let event_id = body
            .source
            .event_id
            .and_then(|id| EventId::new(id).ok())
            .unwrap_or_else(|| EventId::of_content(&[&hex(&Sha256::digest(request.body))]));
        Ok(WebhookNotice {
            event_id,
            kind: body.source.event_type,
            order: body
                .payload
                .and_then(|payload| payload.purchase_order_id)
                .and_then(|id| PlatformOrderId::new(id).ok()),
            sent_at: body.source.event_time.as_deref().and_then(instant),
        })
    }
}

impl Receiver {
    fn check(&self, request: &WebhookRequest<'_>, now: DateTime<Utc>) -> Result<()> {
        let fits = match &self.auth {
            WebhookAuth::None => {
                return Err(refused("no way to check notifications is configured"));
            }
            WebhookAuth::Hmac { header, secret } => {
                let given = request.header(header).map(signature_bytes).unwrap_or_default();
                given.iter().any(|given| signed(secret.as_str(), request.body, given))
            }
            WebhookAuth::Basic { header, user, password } => {
                let pair = STANDARD.encode(format!("{}:{}", user.as_str(), password.as_str()));
                request.header(header).is_some_and(|given| {
                    let given = given.trim();
                    let bare = match given.split_once(' ') {
                        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("basic") => rest.trim(),
                        _ => given,
                    };
                    same(bare, &pair)
                })
            }
            WebhookAuth::Signed { secret } => {
                let stamp = request.header("WM_SEC.TIMESTAMP").map(str::trim).unwrap_or_default();
                let at = stamp.parse().ok().and_then(|s| DateTime::from_timestamp(s, 0));
                let Some(at) = at else {
                    return Err(refused("WM_SEC.TIMESTAMP is missing or no time"));
                };
                if now.signed_duration_since(at).abs() > LARGEST_SKEW {
                    return Err(refused("WM_SEC.TIMESTAMP is too far from now"));
                }
                let text = format!(
                    "{}\n{}\n{stamp}\n{}",
                    request.method,
                    request.path_and_query,
                    hex(&Sha256::digest(request.body))
                );
                request
                    .header("WM_SEC.SIGNATURE")
                    .and_then(|given| STANDARD.decode(given.trim()).ok())
                    .is_some_and(|given| signed(secret.as_str(), text.as_bytes(), &given))
            }
        };
        if fits { Ok(()) } else { Err(refused("the signature does not fit")) }
    }
}

fn refused(message: &'static str) -> Error {
    Error::new(ErrorKind::AuthRejected, message).with_operation("walmart", "receive_webhook")
}

/// Whether `given` is the HMAC-SHA256 of the text; the time it takes does not tell.
fn signed(secret: &str, text: &[u8], given: &[u8]) -> bool {
    // An empty secret would let anybody sign.
    let Ok(mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return false };
    !secret.is_empty() && mac.chain_update(text).verify_slice(given).is_ok()
}

/// Whether two secrets are the same; the time it takes does not tell.
fn same(given: &str, expected: &str) -> bool {
    let Ok(mac) = Hmac::<Sha256>::new_from_slice(expected.as_bytes()) else { return false };
    signed(
        expected,
        given.as_bytes(),
        &mac.chain_update(expected.as_bytes()).finalize().into_bytes(),
    )
}

/// The readings of a signature whose encoding is not stated: hexadecimal and base64.
fn signature_bytes(text: &str) -> Vec<Vec<u8>> {
    let text = text.trim();
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect();
    let from_hex = digits.filter(|digits| digits.len() == 64).map(|digits| {
        digits
            .chunks_exact(2)
            .map(|pair| pair.iter().fold(0_u8, |byte, nibble| (byte << 4) | nibble))
            .collect()
    });
    from_hex.into_iter().chain(STANDARD.decode(text).ok()).collect()
}

fn instant(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    match text.parse() {
        Ok(millis) => DateTime::from_timestamp_millis(millis),
        Err(_) => DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc()),
    }
}
