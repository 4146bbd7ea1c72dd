//! Access tokens: `POST /oauth/token` with the code of a sign-in, then with refresh tokens that are
//! good once.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde::Deserialize;
use serde_json::Value;

use crate::client::{
    Anonymous, Exchanged, Operation, Outgoing, RefreshExchange, Repeat, Response, StoredToken,
    Token, wire,
};
use crate::error::{Error, ErrorKind, Result};
use crate::personal::Personal;

/// For how long an access token is used whose lifetime is not said or cannot be read. The refresh
/// token that came with it is good all the same, and the one before it is spent.
const DOUBTFUL_LIFE: Duration = Duration::from_secs(300);

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
    /// Seconds.
    #[serde(default)]
    expires_in: Value,
    #[serde(default)]
    refresh_token: Option<String>,
    #[serde(default)]
    user_id: Value,
}

impl TokenAnswer {
    fn refresh(&self) -> Option<StoredToken> {
        let token = self.refresh_token.as_deref().filter(|token| !token.trim().is_empty())?;
        Some(StoredToken::new(token))
    }

    fn life(&self) -> Duration {
        // 21600 and 21600.0 alike.
        let seconds: Option<Decimal> = number(&self.expires_in);
        let seconds = seconds.and_then(|seconds| seconds.trunc().to_u64()).filter(|s| *s > 0);
        seconds.map_or(DOUBTFUL_LIFE, Duration::from_secs)
    }
}

/// A number, which may be written as a text.
fn number<T: FromStr>(value: &Value) -> Option<T> {
    match value {
        Value::Number(number) => number.to_string().parse().ok(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
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
        let exchanged = Exchanged::new(Token::new(&answer.access_token, answer.life())?);
        Ok(match answer.refresh() {
            Some(refresh) => exchanged.with_refresh(refresh),
            None => exchanged,
        })
    }
}

/// The code that the sign-in page handed back, exchanged once for the first refresh token.
pub(super) struct ExchangeCode<'a> {
    pub(super) client_id: &'a str,
    pub(super) client_secret: &'a str,
    pub(super) code: &'a str,
    pub(super) redirect_uri: &'a str,
    /// Where the application has PKCE switched on.
    pub(super) verifier: Option<&'a str>,
}

/// Who signed in, with the first refresh token.
pub(super) struct SignedIn {
    pub(super) seller: u64,
    pub(super) refresh: StoredToken,
}

impl Operation for ExchangeCode<'_> {
    type Output = SignedIn;
    const NAME: &'static str = "authorize";
    // Spends the code.
    const REPEAT: Repeat = Repeat::Never;
    const QUOTA: &'static str = super::quota::TOKEN;
    const AUTHORIZED: bool = false;

    fn request(&self) -> Result<Outgoing> {
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("client_id", self.client_id),
            ("client_secret", self.client_secret),
            ("code", self.code),
            ("redirect_uri", self.redirect_uri),
        ];
        fields.extend(self.verifier.map(|verifier| ("code_verifier", verifier)));
        Ok(Outgoing::post("/oauth/token").form(&fields))
    }

    fn parse(&self, response: Response) -> Result<SignedIn> {
        let answer: TokenAnswer = response.json()?;
        let refresh = answer.refresh().ok_or_else(|| {
            wire::unexpected("refresh_token is missing: the application lacks offline_access")
        })?;
        let seller = number(&answer.user_id)
            .ok_or_else(|| wire::unexpected("user_id is missing or no number"))?;
        Ok(SignedIn { seller, refresh })
    }
}
