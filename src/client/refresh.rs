//! Refresh tokens that are good for one use: the new one is stored before anything else happens.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::auth::{Anonymous, Token, TokenSource};
use crate::error::{Error, ErrorKind, Result};
use crate::personal::Personal;

/// A refresh token as it is kept. Serialisation is faithful; `Debug` hides the token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StoredToken {
    /// The refresh token.
    pub secret: Personal<String>,
    /// When it ceases to be good, if the vendor says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
}

impl StoredToken {
    /// A refresh token without a known end.
    #[must_use]
    pub fn new(secret: impl Into<String>) -> Self {
        Self { secret: Personal::new(secret.into()), expires_at: None }
    }

    /// Sets when it ceases to be good.
    #[must_use]
    pub fn with_expires_at(mut self, expires_at: DateTime<Utc>) -> Self {
        self.expires_at = Some(expires_at);
        self
    }
}

/// Where refresh tokens survive a restart. `store::SqliteStore` is one, beside the orders.
///
/// Many vendors exchange a refresh token once: the answer brings the next one, and whoever loses
/// it has locked the shop out until a person signs in again.
#[async_trait]
pub trait RefreshTokenStore: fmt::Debug + Send + Sync + 'static {
    /// Reads the token saved last for an account.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`].
    async fn load(&self, account: &str) -> Result<Option<StoredToken>>;

    /// Saves a token in place of the last one. When this returns, a crash must not lose it.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`].
    async fn save(&self, account: &str, token: &StoredToken) -> Result<()>;
}

/// Keeps refresh tokens as long as the process lives. For tests and for tokens that do not rotate.
#[derive(Clone, Default)]
pub struct MemoryRefreshTokenStore {
    tokens: Arc<Mutex<HashMap<String, StoredToken>>>,
}

impl MemoryRefreshTokenStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the token a person has obtained by signing in.
    #[must_use]
    pub fn with_token(self, account: &str, token: StoredToken) -> Self {
        self.lock().insert(account.to_owned(), token);
        self
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, StoredToken>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryRefreshTokenStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryRefreshTokenStore({} accounts)", self.lock().len())
    }
}

#[async_trait]
impl RefreshTokenStore for MemoryRefreshTokenStore {
    async fn load(&self, account: &str) -> Result<Option<StoredToken>> {
        Ok(self.lock().get(account).cloned())
    }

    async fn save(&self, account: &str, token: &StoredToken) -> Result<()> {
        self.lock().insert(account.to_owned(), token.clone());
        Ok(())
    }
}

/// What an exchange brings.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Exchanged {
    /// The new access token.
    pub access: Token,
    /// The next refresh token; `None` when the old one stays good.
    pub refresh: Option<StoredToken>,
}

impl Exchanged {
    /// An exchange after which the refresh token stays good.
    #[must_use]
    pub const fn new(access: Token) -> Self {
        Self { access, refresh: None }
    }

    /// Adds the refresh token that takes the place of the spent one.
    #[must_use]
    pub fn with_refresh(mut self, refresh: StoredToken) -> Self {
        self.refresh = Some(refresh);
        self
    }
}

/// A vendor's call that exchanges a refresh token for an access token.
#[async_trait]
pub trait RefreshExchange: fmt::Debug + Send + Sync + 'static {
    /// Exchanges `refresh`.
    ///
    /// # Errors
    /// [`ErrorKind::AuthRejected`] when the vendor no longer takes it; otherwise whatever the call
    /// failed with.
    async fn exchange(&self, http: &Anonymous, refresh: &StoredToken) -> Result<Exchanged>;
}

/// A [`TokenSource`] for vendors with refresh tokens, rotating or not.
///
/// The next refresh token is saved before the access token that came with it is handed out. If
/// saving fails, callers get the store's error, the pair stays in memory, and the next fetch tries
/// to save it again instead of spending a refresh token that is already spent.
pub struct RefreshTokenSource {
    store: Arc<dyn RefreshTokenStore>,
    exchange: Arc<dyn RefreshExchange>,
    /// A pair that could not be saved yet. The lock also keeps exchanges apart when one source
    /// serves several clients.
    unsaved: tokio::sync::Mutex<Option<Exchanged>>,
}

impl RefreshTokenSource {
    /// Joins a store and a vendor's exchange. One source serves one account.
    #[must_use]
    pub fn new(store: Arc<dyn RefreshTokenStore>, exchange: Arc<dyn RefreshExchange>) -> Self {
        Self { store, exchange, unsaved: tokio::sync::Mutex::default() }
    }
}

impl fmt::Debug for RefreshTokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshTokenSource")
            .field("store", &self.store)
            .field("exchange", &self.exchange)
            .finish_non_exhaustive()
    }
}

/// How long a refused exchange waits for another process to save what it was given: some ten seconds
/// in all, for the faster one may still wait for its answer.
const OTHERS_SAVE_WITHIN: [std::time::Duration; 5] = [
    std::time::Duration::ZERO,
    std::time::Duration::from_millis(250),
    std::time::Duration::from_secs(1),
    std::time::Duration::from_secs(3),
    std::time::Duration::from_secs(6),
];

/// How many tokens of others are followed before a refusal is believed: more processes than that on
/// one account are hardly meant.
const FOLLOWED: usize = 16;

impl RefreshTokenSource {
    /// Exchanges a token. One that is refused because another process was faster is no loss: the
    /// store has the next one by then, or in a moment.
    async fn exchange_or_follow(
        &self,
        http: &Anonymous,
        mut stored: StoredToken,
    ) -> Result<Exchanged> {
        let mut refused = match self.exchange.exchange(http, &stored).await {
            Err(error) if error.kind() == ErrorKind::AuthRejected => error,
            outcome => return outcome,
        };
        // Of many processes that lose, one is faster with the next token, too: each one that is new
        // is a reason to wait again.
        for _ in 0..FOLLOWED {
            let Some(next) = self.saved_by_another(http, &stored).await? else { break };
            refused = match self.exchange.exchange(http, &next).await {
                Err(error) if error.kind() == ErrorKind::AuthRejected => error,
                outcome => return outcome,
            };
            stored = next;
        }
        Err(refused)
    }

    /// Waits for another token than a refused one.
    async fn saved_by_another(
        &self,
        http: &Anonymous,
        refused: &StoredToken,
    ) -> Result<Option<StoredToken>> {
        for pause in OTHERS_SAVE_WITHIN {
            tokio::time::sleep(pause).await;
            if let Some(next) = self.store.load(http.account()).await?
                && next.secret != refused.secret
            {
                return Ok(Some(next));
            }
        }
        Ok(None)
    }
}

#[async_trait]
impl TokenSource for RefreshTokenSource {
    async fn fetch(&self, http: &Anonymous) -> Result<Token> {
        let mut unsaved = self.unsaved.lock().await;
        let exchanged = match unsaved.take() {
            Some(pair) => pair,
            None => {
                let stored = self.store.load(http.account()).await?.ok_or_else(|| {
                    Error::new(
                        ErrorKind::AuthRejected,
                        "there is no refresh token for the account: somebody has to sign in",
                    )
                })?;
                self.exchange_or_follow(http, stored).await?
            }
        };
        if let Some(refresh) = &exchanged.refresh {
            // Before the await: also a fetch that is cut off in here must not lose the pair.
            *unsaved = Some(exchanged.clone());
            self.store.save(http.account(), refresh).await?;
            *unsaved = None;
        }
        Ok(exchanged.access)
    }
}
