//! Tokens: an authorisation code becomes a pair, and a pair becomes the next one.
//!
//! The lifetimes in the answer are instants, not durations. However odd they are, the next refresh
//! token beside them is kept: the one that was exchanged may be spent.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::Consent;
use super::sign::CallSigner;
use crate::client::{
    Anonymous, Client, Exchanged, Operation, Outgoing, RefreshExchange, Repeat, Response,
    StoredToken, Token,
};
use crate::error::{Error, ErrorKind, Result};
use crate::personal::Personal;

/// For how long an access token is used whose lifetime cannot be read, is over by our clock, or is a
/// duration where an instant is promised. It is renewed with the next refresh token then.
const DOUBTFUL_LIFE: Duration = Duration::from_secs(300);

/// Exchanges refresh tokens at the host that issues tokens, which is not the host of the calls.
pub(super) struct Exchange {
    pub(super) client: Client,
    pub(super) signer: CallSigner,
    pub(super) app_secret: Personal<String>,
    pub(super) clock: std::sync::Arc<dyn crate::client::Clock>,
    /// Whether the last exchange was sent and its answer lost.
    pub(super) unanswered: AtomicBool,
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exchange([redacted])")
    }
}

#[async_trait]
impl RefreshExchange for Exchange {
    async fn exchange(&self, _http: &Anonymous, refresh: &StoredToken) -> Result<Exchanged> {
        let secret = refresh.secret.as_str();
        match self.grant("refresh_token", "refresh_token", secret).await {
            Ok(granted) => {
                self.unanswered.store(false, Ordering::Relaxed);
                granted.exchanged(self.clock.now())
            }
            // Whether the old token dies with the exchange is not documented, and whether it was
            // exchanged cannot be asked. It is still in the store: the next fetch tries it once
            // more and learns the truth.
            Err(error) if error.is_ambiguous() => {
                self.unanswered.store(true, Ordering::Relaxed);
                Err(Error::new(
                    ErrorKind::Transient,
                    "the answer with the next refresh token was lost; the stored one may be spent",
                )
                .with_operation(super::TIKTOK_SHOP.as_str(), FetchToken::NAME)
                .with_source(error))
            }
            Err(error)
                if error.kind() == ErrorKind::AuthRejected
                    && self.unanswered.load(Ordering::Relaxed) =>
            {
                Err(Error::new(
                    ErrorKind::AuthRejected,
                    "the refresh token was spent by a call whose answer was lost: the seller must \
                     authorise the app again",
                )
                .with_operation(super::TIKTOK_SHOP.as_str(), FetchToken::NAME)
                .with_source(error))
            }
            Err(error) => Err(error),
        }
    }
}

impl Exchange {
    /// `grant` is the value of `grant_type`, `name` the parameter of the secret that is exchanged.
    pub(super) async fn grant(&self, grant: &str, name: &str, secret: &str) -> Result<Granted> {
        let call = FetchToken {
            app_key: self.signer.app_key(),
            app_secret: self.app_secret.as_str(),
            grant,
            name,
            secret,
        };
        self.client.call(&call).await
    }
}

/// What the seller's consent brings.
#[derive(Deserialize)]
pub(super) struct Granted {
    access_token: String,
    #[serde(default)]
    access_token_expire_in: Value,
    refresh_token: String,
    #[serde(default)]
    refresh_token_expire_in: Value,
    #[serde(default)]
    open_id: Value,
    #[serde(default)]
    seller_name: Value,
    #[serde(default)]
    seller_base_region: Value,
    #[serde(default)]
    granted_scopes: Value,
}

impl Granted {
    /// Whom it is from.
    pub(super) fn consent(&self) -> Consent {
        let scopes = self.granted_scopes.as_array().into_iter().flatten();
        Consent {
            open_id: text(&self.open_id),
            seller_name: text(&self.seller_name),
            region: text(&self.seller_base_region),
            scopes: scopes.filter_map(text).collect(),
        }
    }

    /// The refresh token as it is kept.
    pub(super) fn stored(&self) -> StoredToken {
        let stored = StoredToken::new(self.refresh_token.clone());
        let until = instant(&self.refresh_token_expire_in);
        until.map_or(stored.clone(), |until| stored.with_expires_at(until))
    }

    fn exchanged(&self, now: DateTime<Utc>) -> Result<Exchanged> {
        let life = instant(&self.access_token_expire_in)
            .and_then(|until| until.signed_duration_since(now).to_std().ok())
            .filter(|life| life.as_secs() > 0)
            .unwrap_or(DOUBTFUL_LIFE);
        let access = Token::new(&self.access_token, life)?;
        Ok(Exchanged::new(access).with_refresh(self.stored()))
    }
}

/// A text, which may be written as a number.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// An instant in whole seconds since 1970.
fn instant(stated: &Value) -> Option<DateTime<Utc>> {
    super::map::instant(text(stated)?.trim().parse().ok())
}

struct FetchToken<'a> {
    app_key: &'a str,
    app_secret: &'a str,
    grant: &'a str,
    name: &'a str,
    secret: &'a str,
}

impl Operation for FetchToken<'_> {
    type Output = Granted;
    const NAME: &'static str = "token";
    // A code is good once, and a refresh token may be: sent again, it could only be refused.
    const REPEAT: Repeat = Repeat::Never;
    const QUOTA: &'static str = super::quota::TOKEN;
    const AUTHORIZED: bool = false;

    fn request(&self) -> Result<Outgoing> {
        let path = match self.grant {
            "refresh_token" => "/api/v2/token/refresh",
            _ => "/api/v2/token/get",
        };
        Ok(Outgoing::get(path)
            .query("app_key", self.app_key)
            .query("app_secret", self.app_secret)
            .query(self.name, self.secret)
            .query("grant_type", self.grant))
    }

    fn parse(&self, response: Response) -> Result<Granted> {
        super::wire::data(&response)
    }
}
