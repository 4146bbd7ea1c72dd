//! The two tokens: OAuth for every call, and the payment authorization for labels.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::config::{AccountType, UspsConfig};
use super::wire::{LoginAnswer, LoginRequest, PaymentAnswer, PaymentRequest, Role};
use crate::client::{Anonymous, Operation, Outgoing, Repeat, Response, Token, TokenSource};
use crate::error::{Error, ErrorKind, Result};

/// "Valid for 8 hours" (payments specification 3.1.20), and what clients see of OAuth tokens.
const EIGHT_HOURS: Duration = Duration::from_secs(8 * 3_600);
/// Both tokens are renewed in the background from here on.
const RENEW_AFTER: f64 = 0.9;

/// Logs in with the client credentials of the app.
pub(super) struct Login<'a>(pub(super) &'a UspsConfig);

impl Operation for Login<'_> {
    type Output = Token;
    const NAME: &'static str = "login";
    const REPEAT: Repeat = Repeat::Freely;
    // One login in eight hours must not wait behind the quota of the calls it is for.
    const QUOTA: &'static str = "oauth";
    const AUTHORIZED: bool = false;

    fn request(&self) -> Result<Outgoing> {
        Outgoing::post("/oauth2/v3/token").json(&LoginRequest {
            client_id: self.0.consumer_key.as_str(),
            client_secret: self.0.consumer_secret.as_str(),
            grant_type: "client_credentials",
        })
    }

    fn parse(&self, response: Response) -> Result<Token> {
        let answer: LoginAnswer = response.json()?;
        // An app that was not approved for an API gets a token all the same, with a smaller scope.
        if let Some(granted) = &answer.scope {
            let missing: Vec<&str> = self
                .0
                .scopes
                .iter()
                .map(String::as_str)
                .filter(|wanted| !granted.split_whitespace().any(|scope| scope == *wanted))
                .collect();
            if !missing.is_empty() {
                return Err(Error::new(
                    ErrorKind::Configuration,
                    format!("the app was not granted: {}", missing.join(", ")),
                )
                .with_field("scopes"));
            }
        }
        let lifetime = answer
            .expires_in
            .and_then(|seconds| seconds.trim().parse().ok())
            .map_or(EIGHT_HOURS, Duration::from_secs);
        Ok(Token::new(answer.access_token, lifetime)?.with_renew_after(RENEW_AFTER))
    }
}

/// Authorizes payment for labels.
pub(super) struct AuthorizePayment<'a>(pub(super) &'a UspsConfig);

impl Operation for AuthorizePayment<'_> {
    type Output = Token;
    const NAME: &'static str = "authorize_payment";
    const REPEAT: Repeat = Repeat::Freely;

    fn request(&self) -> Result<Outgoing> {
        let config = self.0;
        let number = Some(config.account_number.as_str());
        let permit = config.account_type == AccountType::Permit;
        let role = |role_name| Role {
            role_name,
            crid: &config.crid,
            mid: &config.mid,
            manifest_mid: &config.manifest_mid,
            account_type: config.account_type.as_str(),
            account_number: number.filter(|_| !permit),
            permit_number: number.filter(|_| permit),
            permit_zip: config.permit_zip.as_deref().filter(|_| permit),
        };
        Outgoing::post("/payments/v3/payment-authorization")
            .json(&PaymentRequest { roles: [role("PAYER"), role("LABEL_OWNER")] })
    }

    fn parse(&self, response: Response) -> Result<Token> {
        let answer: PaymentAnswer = response.json()?;
        Ok(Token::new(answer.payment_authorization_token, EIGHT_HOURS)?
            .with_renew_after(RENEW_AFTER))
    }
}

/// Where the HTTP stack gets the access token.
pub(super) struct UspsTokens(pub(super) Arc<UspsConfig>);

impl std::fmt::Debug for UspsTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("UspsTokens")
    }
}

#[async_trait]
impl TokenSource for UspsTokens {
    async fn fetch(&self, http: &Anonymous) -> Result<Token> {
        http.call(&Login(&self.0)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, StatusCode};

    fn answer(file: &str) -> Response {
        let path = format!("{}/tests/fixtures/usps/{file}", env!("CARGO_MANIFEST_DIR"));
        let body = std::fs::read(path).unwrap().into();
        Response { status: StatusCode::OK, headers: HeaderMap::new(), body }
    }

    fn config() -> UspsConfig {
        UspsConfig::new("key", "canary-secret", "12345678", "903123456", "903123457", "1000123456")
    }

    #[test]
    fn published_logins_are_read_with_their_lifetime_as_text() {
        let config = config().with_scopes(["labels", "tracking"]);
        for file in [
            "oauth-token.client-credentials.response.json",
            "oauth-token.authorization-code.response.json",
        ] {
            let token = Login(&config).parse(answer(file)).unwrap();
            assert_eq!(token.lifetime(), Duration::from_secs(11_111), "{file}");
        }
    }

    #[test]
    fn a_login_with_a_smaller_scope_is_a_configuration_error() {
        let response = answer("oauth-token.client-credentials.response.json");
        let error = Login(&config()).parse(response).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.message().ends_with("payments, shipments"), "{error}");
    }

    #[test]
    fn the_published_payment_authorization_is_read() {
        let config = config();
        let response = answer("payment-authorization.response.json");
        let token = AuthorizePayment(&config).parse(response).unwrap();
        assert_eq!(token.lifetime(), EIGHT_HOURS);
    }

    #[test]
    fn a_permit_is_named_by_its_number_and_zip() {
        let config = config().with_account_type(AccountType::Permit, Some("20260".into()));
        let outgoing = AuthorizePayment(&config).request().unwrap();
        let crate::client::Body::Bytes { bytes, .. } = outgoing.body else { panic!() };
        let body: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let payer = &body["roles"][0];
        assert_eq!(
            (&payer["roleName"], &payer["accountType"]),
            (&"PAYER".into(), &"PERMIT".into())
        );
        assert_eq!(
            (&payer["permitNumber"], &payer["permitZIP"]),
            (&"1000123456".into(), &"20260".into())
        );
        assert!(payer.get("accountNumber").is_none());
    }
}
