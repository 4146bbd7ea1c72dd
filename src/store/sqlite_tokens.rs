//! Refresh tokens beside the orders, so that they survive a restart without a store of the host's.

use async_trait::async_trait;
use rusqlite::{OptionalExtension, params};

use super::sqlite::SqliteStore;
use super::sqlite_schema::{instant, nanos, sql};
use crate::client::{RefreshTokenStore, StoredToken};
use crate::error::Result;

/// Tokens lie in the file as they are: whoever may read the file may act for the seller. Give the
/// file to nobody, or keep tokens in a vault behind a [`RefreshTokenStore`] of your own. One account's
/// name is one token: name accounts of several shops differently.
#[async_trait]
impl RefreshTokenStore for SqliteStore {
    async fn load(&self, account: &str) -> Result<Option<StoredToken>> {
        let account = account.to_owned();
        let found = self
            .read(move |connection| {
                connection
                    .prepare_cached(
                        "SELECT secret, expires_at FROM refresh_tokens WHERE account = ?1",
                    )
                    .and_then(|mut statement| {
                        statement
                            .query_row(params![account], |row| {
                                Ok((row.get::<_, String>(0)?, row.get::<_, Option<i64>>(1)?))
                            })
                            .optional()
                    })
                    .map_err(sql("read a refresh token"))
            })
            .await?;
        Ok(found.map(|(secret, expires_at)| {
            let token = StoredToken::new(secret);
            match expires_at {
                Some(at) => token.with_expires_at(instant(at)),
                None => token,
            }
        }))
    }

    async fn save(&self, account: &str, token: &StoredToken) -> Result<()> {
        let (account, secret) = (account.to_owned(), token.secret.expose().clone());
        let expires_at = token.expires_at.map(nanos);
        self.write(move |connection| {
            connection
                .prepare_cached(
                    "INSERT INTO refresh_tokens (account, secret, expires_at) VALUES (?1, ?2, ?3)
                     ON CONFLICT (account) DO UPDATE
                     SET secret = excluded.secret, expires_at = excluded.expires_at",
                )
                .and_then(|mut statement| statement.execute(params![account, secret, expires_at]))
                .map_err(sql("save a refresh token"))?;
            Ok(())
        })
        .await
    }
}
