//! Access tokens: `POST /v3/token` with the seller's keys, good for 900 seconds.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use serde::Deserialize;

use crate::client::{Anonymous, Operation, Outgoing, Repeat, Response, Token, TokenSource, wire};
use crate::error::{Error, ErrorKind, Result};
use crate::personal::Personal;

/// What a token is good for when the answer does not say: "expires_in": 900.
const USUAL_LIFETIME: u64 = 900;

/// Fetches tokens with the seller's own keys.
pub(super) struct KeyTokens {
    pub(super) client_id: Personal<String>,
    pub(super) client_secret: Personal<String>,
}

impl fmt::Debug for KeyTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyTokens([redacted])")
    }
}

#[async_trait]
impl TokenSource for KeyTokens {
    async fn fetch(&self, http: &Anonymous) -> Result<Token> {
        let pair = format!("{}:{}", self.client_id.as_str(), self.client_secret.as_str());
        let call = FetchToken { basic: Personal::new(format!("Basic {}", STANDARD.encode(pair))) };
        http.call(&call).await
    }
}

struct FetchToken {
    basic: Personal<String>,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    #[serde(default, deserialize_with = "wire::string_or_number_opt")]
    expires_in: Option<String>,
}

impl Operation for FetchToken {
    type Output = Token;
    const NAME: &'static str = "token";
    const REPEAT: Repeat = Repeat::Freely;
    const QUOTA: &'static str = super::quota::TOKEN;
    const AUTHORIZED: bool = false;

    fn request(&self) -> Result<Outgoing> {
        let mut outgoing = Outgoing::post("/v3/token")
            .header(AUTHORIZATION, self.basic.as_str())?
            .form(&[("grant_type", "client_credentials")]);
        for value in outgoing.headers.values_mut() {
            value.set_sensitive(true);
        }
        Ok(outgoing)
    }

    fn parse(&self, response: Response) -> Result<Token> {
        let answer: TokenAnswer = response.json()?;
        let seconds = match answer.expires_in {
            None => USUAL_LIFETIME,
            Some(text) => text.trim().parse().map_err(|_| {
                Error::new(ErrorKind::UnexpectedAnswer, "the token's lifetime is no whole number")
            })?,
        };
        Token::new(answer.access_token, Duration::from_secs(seconds))
    }
}
