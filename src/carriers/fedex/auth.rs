//! Logging in: a token an hour, for each project.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;

use super::config::{Credentials, FedexConfig, Grant};
use crate::client::wire::string_or_number_opt;
use crate::client::{Anonymous, Operation, Outgoing, Repeat, Response, Token, TokenSource};
use crate::error::Result;

/// "Valid for one hour" (authorization specification).
const ONE_HOUR: Duration = Duration::from_secs(3_600);
/// Renewed in the background from 55 minutes on: too many logins from one address are answered
/// with 403 for about ten minutes.
const RENEW_AFTER: f64 = 0.91;

#[derive(Deserialize)]
struct LoginAnswer {
    access_token: String,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    expires_in: Option<String>,
}

/// Logs in with the credentials of a project.
pub(super) struct Login<'a> {
    credentials: &'a Credentials,
    grant: &'a Grant,
}

impl Operation for Login<'_> {
    type Output = Token;
    const NAME: &'static str = "login";
    const REPEAT: Repeat = Repeat::Freely;
    const QUOTA: &'static str = "oauth";
    const AUTHORIZED: bool = false;

    fn request(&self) -> Result<Outgoing> {
        let mut fields = vec![
            ("client_id", self.credentials.id.as_str()),
            ("client_secret", self.credentials.secret.as_str()),
        ];
        let (grant, child) = match self.grant {
            Grant::ClientCredentials => ("client_credentials", None),
            Grant::Provider { child_key, child_secret } => {
                ("csp_credentials", Some((child_key, child_secret)))
            }
            Grant::Parent { child_key, child_secret } => {
                ("client_pc_credentials", Some((child_key, child_secret)))
            }
        };
        fields.push(("grant_type", grant));
        if let Some((key, secret)) = child {
            // With a capital K, as in the specification.
            fields.push(("child_Key", key.as_str()));
            fields.push(("child_secret", secret.as_str()));
        }
        Ok(Outgoing::post("/oauth/token").form(&fields))
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

/// Which of the two projects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Project {
    Ship,
    Track,
}

/// Where the HTTP stack gets the access token.
pub(super) struct FedexTokens {
    pub(super) config: Arc<FedexConfig>,
    pub(super) project: Project,
}

impl std::fmt::Debug for FedexTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FedexTokens({:?})", self.project)
    }
}

#[async_trait]
impl TokenSource for FedexTokens {
    async fn fetch(&self, http: &Anonymous) -> Result<Token> {
        let credentials = match (self.project, &self.config.track) {
            (Project::Track, Some(track)) => track,
            _ => &self.config.ship,
        };
        http.call(&Login { credentials, grant: &self.config.grant }).await
    }
}
