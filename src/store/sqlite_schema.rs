//! The tables, and how values are written into them.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, params};

use crate::error::{Error, ErrorKind, Result, Retry};

/// Raised with every change of the tables.
pub(super) const VERSION: i64 = 1;

const TABLES: &str = "
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE orders (
    id INTEGER PRIMARY KEY,
    platform TEXT NOT NULL,
    shop TEXT NOT NULL,
    ext_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    last_event TEXT,
    state TEXT NOT NULL,
    closed INTEGER NOT NULL,
    placed_at INTEGER NOT NULL,
    ship_by INTEGER,
    buyer TEXT
);
CREATE UNIQUE INDEX orders_key ON orders (platform, shop, ext_id);
CREATE INDEX orders_open ON orders (platform, shop, ext_id) WHERE closed = 0;
CREATE INDEX orders_placed ON orders (placed_at);
CREATE INDEX orders_state ON orders (state, placed_at);
CREATE INDEX orders_buyer ON orders (buyer) WHERE buyer IS NOT NULL;

CREATE TABLE order_payloads (order_id INTEGER PRIMARY KEY, json TEXT NOT NULL);

CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    order_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    event_id TEXT NOT NULL,
    json TEXT
);
CREATE UNIQUE INDEX events_order ON events (order_id, seq);

CREATE TABLE intents (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    order_id INTEGER NOT NULL,
    package TEXT,
    effect TEXT NOT NULL,
    json TEXT,
    created_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    lease_owner TEXT,
    lease_until INTEGER,
    settled_at INTEGER,
    outcome TEXT
);
CREATE INDEX intents_due ON intents (due_at, id) WHERE settled_at IS NULL;
CREATE INDEX intents_order ON intents (order_id);

CREATE TABLE documents (
    id INTEGER PRIMARY KEY,
    order_id INTEGER NOT NULL,
    package TEXT NOT NULL,
    key TEXT NOT NULL,
    position INTEGER NOT NULL,
    kind TEXT NOT NULL,
    format TEXT NOT NULL,
    dpi INTEGER,
    bytes BLOB NOT NULL
);
CREATE UNIQUE INDEX documents_place ON documents (package, key, position);
CREATE INDEX documents_order ON documents (order_id);

CREATE TABLE cursors (
    platform TEXT NOT NULL,
    shop TEXT NOT NULL,
    horizon INTEGER NOT NULL,
    PRIMARY KEY (platform, shop)
) WITHOUT ROWID;

CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY,
    platform TEXT NOT NULL,
    shop TEXT NOT NULL,
    hash BLOB NOT NULL,
    ext_id TEXT,
    reason TEXT NOT NULL,
    raw TEXT NOT NULL,
    seen_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX quarantine_bytes ON quarantine (platform, shop, hash);

CREATE TABLE inbox (
    id INTEGER PRIMARY KEY,
    platform TEXT NOT NULL,
    shop TEXT NOT NULL,
    event_id TEXT NOT NULL,
    json TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    processed INTEGER NOT NULL
);
CREATE UNIQUE INDEX inbox_event ON inbox (platform, shop, event_id);
CREATE INDEX inbox_pending ON inbox (id) WHERE processed = 0;

CREATE TABLE fired (key TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
";

/// What came later, and may be missing in a file: nothing that was there changes by it, so that the
/// release that wrote the file can still read it.
const LATER_TABLES: &str = "
CREATE TABLE IF NOT EXISTS figures (
    platform TEXT NOT NULL,
    shop TEXT NOT NULL,
    at INTEGER NOT NULL,
    name TEXT NOT NULL,
    json TEXT NOT NULL,
    PRIMARY KEY (platform, shop, at, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS resent (key TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS refresh_tokens (
    account TEXT PRIMARY KEY,
    secret TEXT NOT NULL,
    expires_at INTEGER
) WITHOUT ROWID;
";

/// Refuses a file that holds something else than a store of this crate.
pub(super) fn check_ours(connection: &Connection) -> Result<()> {
    let count = |statement: &str| {
        connection
            .query_row(statement, [], |row| row.get::<_, i64>(0))
            .map_err(sql("read the schema"))
    };
    let tables = count("SELECT count(*) FROM sqlite_master WHERE type = 'table'")?;
    let ours = count(
        "SELECT count(*) FROM sqlite_master WHERE type = 'table'
         AND name IN ('meta', 'orders', 'order_payloads', 'events', 'intents', 'documents')",
    )?;
    if tables > 0 && ours < 6 {
        return Err(Error::new(
            ErrorKind::Configuration,
            "the file is a database of another program: it is left as it is",
        ));
    }
    Ok(())
}

/// Creates the tables in a new file, or checks that an existing one can be read.
pub(super) fn prepare(connection: &mut Connection) -> Result<()> {
    let transaction = connection
        .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
        .map_err(sql("begin"))?;
    let known = transaction
        .query_row("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'meta'", [], |_| {
            Ok(())
        })
        .optional()
        .map_err(sql("read the schema"))?;
    if known.is_none() {
        transaction.execute_batch(TABLES).map_err(sql("create the tables"))?;
        transaction
            .execute("INSERT INTO meta (name, value) VALUES ('schema', ?1)", params![VERSION])
            .map_err(sql("create the tables"))?;
    }
    let found: i64 = transaction
        .query_row("SELECT value FROM meta WHERE name = 'schema'", [], |row| row.get(0))
        .map_err(sql("read the schema"))?;
    if found < 1 {
        return Err(Error::new(ErrorKind::Storage, "the file says no release that wrote it")
            .with_context("schema", found));
    }
    if found > VERSION {
        return Err(Error::new(
            ErrorKind::Configuration,
            "the file was written by a newer release of this crate",
        )
        .with_context("schema", found)
        .with_context("newest known", VERSION));
    }
    transaction.execute_batch(LATER_TABLES).map_err(sql("create the tables"))?;
    transaction.commit().map_err(sql("commit"))
}

/// An error of the database as one of this crate. Values never show up in it.
pub(super) fn sql(doing: &'static str) -> impl Fn(rusqlite::Error) -> Error {
    move |error| {
        let made = Error::new(ErrorKind::Storage, format!("the database failed to {doing}"));
        match error {
            rusqlite::Error::SqliteFailure(code, _) => {
                let made =
                    made.with_context("code", code.extended_code).with_context("meaning", code);
                match code.code {
                    // Somebody else writes; it passes.
                    rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked => {
                        made.with_retry(Retry::After(std::time::Duration::from_secs(1)))
                    }
                    _ => made,
                }
            }
            rusqlite::Error::QueryReturnedNoRows => made.with_context("meaning", "no such row"),
            _ => made.with_context("meaning", "a value of another type than promised"),
        }
    }
}

/// What is stored cannot be read. The cause may quote a value, so only its place is kept.
pub(super) fn unreadable(what: &'static str) -> impl Fn(serde_json::Error) -> Error {
    move |error| {
        Error::new(ErrorKind::Storage, format!("{what} in the store cannot be read"))
            .with_context("line", error.line())
            .with_context("column", error.column())
    }
}

/// An instant as nanoseconds, clamped to the years 1677 to 2262.
pub(super) fn nanos(at: DateTime<Utc>) -> i64 {
    at.timestamp_nanos_opt().unwrap_or(if at.timestamp() < 0 { i64::MIN } else { i64::MAX })
}

pub(super) fn instant(nanos: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_nanos(nanos)
}

pub(super) fn to_i64(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) fn to_u64(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

pub(super) fn to_json<T: serde::Serialize>(what: &'static str, value: &T) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|_| Error::new(ErrorKind::Storage, format!("{what} cannot be written as JSON")))
}

pub(super) fn from_json<T: serde::de::DeserializeOwned>(
    what: &'static str,
    json: &str,
) -> Result<T> {
    serde_json::from_str(json).map_err(unreadable(what))
}
