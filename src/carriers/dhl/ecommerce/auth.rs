//! Logging in: a token an hour.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;

use super::config::DhlEcommerceConfig;
use crate::client::wire::string_or_number_opt;
use crate::client::{Anonymous, Operation, Outgoing, Repeat, Response, Token, TokenSource};
use crate::error::Result;

/// "Expires in 3600" (authentication reference).
const ONE_HOUR: Duration = Duration::from_secs(3_600);
/// The carrier suggests renewing every 15 to 30 minutes.
const RENEW_AFTER: f64 = 0.5;

#[derive(Deserialize)]
struct LoginAnswer {
    access_token: String,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    expires_in: Option<String>,
}

pub(super) struct Login<'a>(&'a DhlEcommerceConfig);

impl Operation for Login<'_> {
    type Output = Token;
    const NAME: &'static str = "login";
    const REPEAT: Repeat = Repeat::Freely;
    const QUOTA: &'static str = "oauth";
    const AUTHORIZED: bool = false;

    fn request(&self) -> Result<Outgoing> {
        Ok(Outgoing::post("/auth/v4/accesstoken").form(&[
            ("client_id", self.0.client_id.as_str()),
            ("client_secret", self.0.client_secret.as_str()),
            ("grant_type", "client_credentials"),
        ]))
    }

    fn parse(&self, response: Response) -> Result<Token> {
        let answer: LoginAnswer = response.json()?;
        let lifetime = answer
            .expires_in
            .and_then(|seconds| seconds.trim().parse().ok())
            .map_or(ONE_HOUR, Duration::from_secs);
        Ok(Token::new(answer.access_token, lifetime)?.with_renew_after(RENEW_AFTER))
    }
}

/// Where the HTTP stack gets the access token.
pub(super) struct DhlTokens(pub(super) Arc<DhlEcommerceConfig>);

impl std::fmt::Debug for DhlTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DhlTokens")
    }
}

#[async_trait]
impl TokenSource for DhlTokens {
    async fn fetch(&self, http: &Anonymous) -> Result<Token> {
        http.call(&Login(&self.0)).await
    }
}
