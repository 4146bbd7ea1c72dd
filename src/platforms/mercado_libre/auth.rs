//! Access tokens: `POST /oauth/token` with a refresh token that is good once.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;

use crate::client::{
    Anonymous, Exchanged, Operation, Outgoing, RefreshExchange, Repeat, Response, StoredToken,
    Token, wire,
};
use crate::error::{Error, ErrorKind, Result};
use crate::personal::Personal;

/// Exchanges refresh tokens with the application's keys.
pub(super) struct AppKeys {
    pub(super) client_id: String,
    pub(super) client_secret: Personal<String>,
}

impl fmt::Debug for AppKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AppKeys([redacted])")
    }
}

#[async_trait]
impl RefreshExchange for AppKeys {
    async fn exchange(&self, http: &Anonymous, refresh: &StoredToken) -> Result<Exchanged> {
        let exchanged = http.call(&ExchangeToken { keys: self, refresh }).await;
        // Sent again, a spent token is refused for good; whether it was spent cannot be asked. It
        // is still in the store, so the next fetch tries it once more and learns the truth.
        exchanged.map_err(|error| match error.is_ambiguous() {
            true => Error::new(
                ErrorKind::Transient,
                "the answer with the next refresh token was lost; the stored one may be spent",
            )
            .with_operation(super::MERCADO_LIBRE.as_str(), ExchangeToken::NAME)
            .with_source(error),
            false => error,
        })
    }
}

struct ExchangeToken<'a> {
    keys: &'a AppKeys,
    refresh: &'a StoredToken,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    #[serde(deserialize_with = "wire::string_or_number")]
    expires_in: String,
    #[serde(default)]
    refresh_token: Option<String>,
}

impl Operation for ExchangeToken<'_> {
    type Output = Exchanged;
    const NAME: &'static str = "token";
    // Spends the refresh token.
    const REPEAT: Repeat = Repeat::Never;
    const QUOTA: &'static str = super::quota::TOKEN;
    const AUTHORIZED: bool = false;

    fn request(&self) -> Result<Outgoing> {
        Ok(Outgoing::post("/oauth/token").form(&[
            ("grant_type", "refresh_token"),
            ("client_id", &self.keys.client_id),
            ("client_secret", self.keys.client_secret.as_str()),
            ("refresh_token", self.refresh.secret.as_str()),
        ]))
    }

    fn parse(&self, response: Response) -> Result<Exchanged> {
        let answer: TokenAnswer = response.json()?;
        let seconds: u64 = answer.expires_in.trim().parse().map_err(|_| {
            Error::new(ErrorKind::UnexpectedAnswer, "the token's lifetime is no whole number")
        })?;
        let exchanged =
            Exchanged::new(Token::new(answer.access_token, Duration::from_secs(seconds))?);
        Ok(match answer.refresh_token.filter(|token| !token.trim().is_empty()) {
            Some(token) => exchanged.with_refresh(StoredToken::new(token)),
            None => exchanged,
        })
    }
}
