//! The parts of a store over SQLite.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row as SqlRow, params, params_from_iter};

use super::sqlite::SqliteStore;
use super::sqlite_schema::{from_json, instant, nanos, sql, to_json, unreadable};
use super::sqlite_write::{self, Prepared, Row};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{
    EventId, IdempotencyKey, OrderKey, PackageId, PlatformId, PlatformOrderId, ShopId, ShopKey,
    digest,
};
use crate::order::{Event, Order, OrderFilter, OrderSort};
use crate::personal::Personal;
use crate::ports::store::{
    Commit, Committed, Cursors, Documents, Figures, Fired, Inbox, Intent, OrderPage, OrderStore,
    Outbox, Quarantine, QuarantineEntry, StoredDocument,
};
use crate::ports::{StatedFigure, WebhookNotice};
use crate::shipment::Document;

/// Runs a prepared query and makes a value of every row.
fn rows<T>(
    connection: &Connection,
    doing: &'static str,
    statement: &str,
    parameters: impl rusqlite::Params,
    mut make: impl FnMut(&SqlRow<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let mut statement = connection.prepare_cached(statement).map_err(sql(doing))?;
    let mut rows = statement.query(parameters).map_err(sql(doing))?;
    let mut made = Vec::new();
    while let Some(row) = rows.next().map_err(sql(doing))? {
        made.push(make(row)?);
    }
    Ok(made)
}

fn get<T: rusqlite::types::FromSql>(row: &SqlRow<'_>, column: usize) -> Result<T> {
    row.get(column).map_err(sql("read a value"))
}

fn execute(
    connection: &Connection,
    doing: &'static str,
    statement: &str,
    parameters: impl rusqlite::Params,
) -> Result<usize> {
    connection
        .prepare_cached(statement)
        .and_then(|mut statement| statement.execute(parameters))
        .map_err(sql(doing))
}

fn bad_id(what: &'static str) -> Error {
    Error::new(ErrorKind::Storage, format!("{what} in the store cannot be read"))
}

fn shop_of(row: &SqlRow<'_>, first: usize) -> Result<ShopKey> {
    let platform: String = get(row, first)?;
    let shop: String = get(row, first + 1)?;
    Ok(ShopKey::new(
        PlatformId::new(platform).map_err(|_| bad_id("a platform"))?,
        ShopId::new(shop).map_err(|_| bad_id("a shop"))?,
    ))
}

fn key_of(row: &SqlRow<'_>, first: usize) -> Result<OrderKey> {
    let shop = shop_of(row, first)?;
    let order: String = get(row, first + 2)?;
    let order = PlatformOrderId::new(order).map_err(|_| bad_id("an order id"))?;
    Ok(OrderKey::new(shop.platform, shop.shop, order))
}

fn load(connection: &Connection, key: &OrderKey) -> Result<Option<Order>> {
    let doing = "read an order";
    let json: Option<String> = connection
        .prepare_cached(
            "SELECT json FROM orders JOIN order_payloads ON order_payloads.order_id = orders.id
             WHERE platform = ?1 AND shop = ?2 AND ext_id = ?3",
        )
        .and_then(|mut select| {
            select
                .query_row(
                    params![key.platform.as_str(), key.shop.as_str(), key.order.as_str()],
                    |row| row.get(0),
                )
                .optional()
        })
        .map_err(sql(doing))?;
    json.map(|json| {
        from_json("an order", &json).map_err(|error: Error| error.with_context("order", key))
    })
    .transpose()
}

/// What a database can tell of a filter; the filter itself decides on what is left.
fn conditions(filter: &OrderFilter) -> (String, Vec<Value>) {
    let mut parts: Vec<String> = Vec::new();
    let mut values: Vec<Value> = Vec::new();
    let mut one_of = |column: &str, wanted: Vec<String>| {
        if !wanted.is_empty() {
            let marks = vec!["?"; wanted.len()].join(",");
            parts.push(format!("{column} IN ({marks})"));
            values.extend(wanted.into_iter().map(Value::Text));
        }
    };
    let text = |wanted: &dyn ToString| wanted.to_string();
    one_of("platform", filter.platforms.iter().map(|wanted| text(wanted)).collect());
    one_of("shop", filter.shops.iter().map(|wanted| text(wanted)).collect());
    one_of("ext_id", filter.orders.iter().map(|wanted| text(wanted)).collect());
    one_of("buyer", filter.buyers.iter().map(|wanted| text(wanted)).collect());
    one_of("state", filter.states.iter().map(|state| state.as_str().to_owned()).collect());
    for (column, range) in [("placed_at", filter.placed), ("ship_by", filter.ship_by)] {
        if let Some(from) = range.from {
            parts.push(format!("{column} >= ?"));
            values.push(Value::Integer(nanos(from)));
        }
        if let Some(to) = range.to {
            // Instants beyond the clamp are told apart by the filter.
            parts.push(format!("{column} <= ?"));
            values.push(Value::Integer(nanos(to)));
        }
    }
    let clause =
        if parts.is_empty() { String::new() } else { format!("WHERE {}", parts.join(" AND ")) };
    (clause, values)
}

/// SQLite takes this many values in one statement; a longer filter is applied to every order.
const MOST_VALUES: usize = 30_000;

fn find(
    connection: &Connection,
    filter: &OrderFilter,
    sort: OrderSort,
    now: DateTime<Utc>,
    offset: u64,
    limit: u32,
) -> Result<OrderPage> {
    let doing = "find orders";
    let (mut clause, mut values) = conditions(filter);
    if values.len() > MOST_VALUES {
        clause.clear();
        values.clear();
    }
    let mut statement = connection
        .prepare(&format!(
            "SELECT json FROM orders JOIN order_payloads ON order_payloads.order_id = orders.id
             {clause}"
        ))
        .map_err(sql(doing))?;
    let mut rows = statement.query(params_from_iter(values)).map_err(sql(doing))?;
    let mut matching: Vec<Order> = Vec::new();
    while let Some(row) = rows.next().map_err(sql(doing))? {
        let json = row.get_ref(0).map_err(sql(doing))?;
        let json = json.as_str().map_err(|_| bad_id("an order"))?;
        let order: Order = from_json("an order", json)?;
        if filter.matches(&order, now) {
            matching.push(order);
        }
    }
    matching.sort_by(|a, b| sort.compare(a, b));
    let total = u64::try_from(matching.len()).unwrap_or(u64::MAX);
    let orders = matching
        .into_iter()
        .skip(usize::try_from(offset).unwrap_or(usize::MAX))
        .take(usize::try_from(limit).unwrap_or(usize::MAX))
        .collect();
    Ok(OrderPage { orders, total })
}

#[async_trait]
impl OrderStore for SqliteStore {
    async fn order(&self, key: &OrderKey) -> Result<Option<Order>> {
        let key = key.clone();
        self.read(move |connection| load(connection, &key)).await
    }

    async fn orders(&self, keys: &[OrderKey]) -> Result<Vec<Option<Order>>> {
        let keys = keys.to_vec();
        self.read(move |connection| keys.iter().map(|key| load(connection, key)).collect()).await
    }

    async fn find(
        &self,
        filter: &OrderFilter,
        sort: OrderSort,
        now: DateTime<Utc>,
        offset: u64,
        limit: u32,
    ) -> Result<OrderPage> {
        let filter = filter.clone();
        self.read(move |connection| find(connection, &filter, sort, now, offset, limit)).await
    }

    async fn open_orders(&self, after: Option<&OrderKey>, limit: u32) -> Result<Vec<OrderKey>> {
        let after = after.map_or_else(Default::default, |key| {
            (key.platform.to_string(), key.shop.to_string(), key.order.to_string())
        });
        self.read(move |connection| {
            rows(
                connection,
                "list open orders",
                "SELECT platform, shop, ext_id FROM orders
                 WHERE closed = 0 AND (platform, shop, ext_id) > (?1, ?2, ?3)
                 ORDER BY platform, shop, ext_id LIMIT ?4",
                params![after.0, after.1, after.2, limit],
                |row| key_of(row, 0),
            )
        })
        .await
    }

    async fn log(&self, key: &OrderKey) -> Result<Vec<Event>> {
        let key = key.clone();
        self.read(move |connection| {
            rows(
                connection,
                "read a log",
                "SELECT json FROM events WHERE json IS NOT NULL AND order_id =
                    (SELECT id FROM orders WHERE platform = ?1 AND shop = ?2 AND ext_id = ?3)
                 ORDER BY seq",
                params![key.platform.as_str(), key.shop.as_str(), key.order.as_str()],
                |row| from_json("an event", &get::<String>(row, 0)?),
            )
        })
        .await
    }

    async fn commit(&self, commits: Vec<Commit>) -> Result<Vec<Committed>> {
        let prepared = commits.into_iter().map(Prepared::of).collect::<Result<Vec<_>>>()?;
        self.write(move |connection| {
            prepared.iter().map(|commit| sqlite_write::commit(connection, commit)).collect()
        })
        .await
    }

    async fn erase(&self, erased: &Order) -> Result<bool> {
        let row = Row::of(erased.clone())?;
        let known = self.write(move |connection| sqlite_write::erase(connection, &row)).await?;
        // The log beside the file still has the old pages.
        if known {
            self.checkpoint().await?;
        }
        Ok(known)
    }
}

const INTENT: &str = "platform, shop, ext_id, key, package, json, created_at, due_at, attempts,
    (SELECT at FROM resent WHERE resent.key = intents.key)";

fn intent_of(row: &SqlRow<'_>) -> Result<Intent> {
    let key: String = get(row, 3)?;
    let package: Option<String> = get(row, 4)?;
    Ok(Intent {
        key: key_from(&key)?,
        order: key_of(row, 0)?,
        package: package
            .map(PackageId::new)
            .transpose()
            .map_err(|_| bad_id("the parcel of an intent"))?,
        effect: from_json("an intent", &get::<String>(row, 5)?)?,
        created_at: instant(get(row, 6)?),
        due_at: instant(get(row, 7)?),
        attempts: get(row, 8)?,
        resent_at: get::<Option<i64>>(row, 9)?.map(instant),
    })
}

fn key_from(text: &str) -> Result<IdempotencyKey> {
    serde_json::from_value(serde_json::Value::String(text.to_owned()))
        .map_err(unreadable("the key of an intent"))
}

#[async_trait]
impl Outbox for SqliteStore {
    async fn claim(
        &self,
        worker: &str,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Intent>> {
        let worker = worker.to_owned();
        self.write(move |connection| {
            let doing = "claim intents";
            let due = rows(
                connection,
                doing,
                &format!(
                    "SELECT {INTENT}, intents.id FROM intents
                     JOIN orders ON orders.id = intents.order_id
                     WHERE settled_at IS NULL AND json IS NOT NULL AND due_at <= ?1
                       AND (lease_until IS NULL OR lease_until <= ?1)
                     ORDER BY due_at, intents.id LIMIT ?2"
                ),
                params![nanos(now), limit],
                |row| Ok((get::<i64>(row, 10)?, intent_of(row)?)),
            )?;
            for (id, _) in &due {
                execute(
                    connection,
                    doing,
                    "UPDATE intents SET lease_owner = ?2, lease_until = ?3 WHERE id = ?1",
                    params![id, worker, nanos(until)],
                )?;
            }
            Ok(due.into_iter().map(|(_, intent)| intent).collect())
        })
        .await
    }

    async fn claim_one(
        &self,
        key: &IdempotencyKey,
        worker: &str,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<bool> {
        let (key, worker) = (key.to_string(), worker.to_owned());
        self.write(move |connection| {
            execute(
                connection,
                "claim an intent",
                "UPDATE intents SET lease_owner = ?2, lease_until = ?4
                 WHERE key = ?1 AND settled_at IS NULL
                   AND (lease_until IS NULL OR lease_until <= ?3)",
                params![key, worker, nanos(now), nanos(until)],
            )
            .map(|changed| changed > 0)
        })
        .await
    }

    async fn postpone(&self, key: &IdempotencyKey, due_at: DateTime<Utc>) -> Result<()> {
        let key = key.to_string();
        self.write(move |connection| {
            execute(
                connection,
                "postpone an intent",
                "UPDATE intents SET due_at = ?2, attempts = attempts + 1, lease_owner = NULL,
                        lease_until = NULL
                 WHERE key = ?1 AND settled_at IS NULL",
                params![key, nanos(due_at)],
            )
            .map(drop)
        })
        .await
    }

    async fn resend(&self, key: &IdempotencyKey, at: DateTime<Utc>) -> Result<bool> {
        let key = key.to_string();
        self.write(move |connection| {
            execute(
                connection,
                "write down that an intent is sent again",
                "INSERT OR REPLACE INTO resent (key, at)
                 SELECT key, ?2 FROM intents WHERE key = ?1 AND settled_at IS NULL",
                params![key, nanos(at)],
            )
            .map(|changed| changed > 0)
        })
        .await
    }

    async fn unsettled(&self) -> Result<Vec<Intent>> {
        self.read(|connection| {
            rows(
                connection,
                "list intents",
                &format!(
                    "SELECT {INTENT} FROM intents JOIN orders ON orders.id = intents.order_id
                     WHERE settled_at IS NULL AND json IS NOT NULL
                     ORDER BY created_at, intents.id"
                ),
                [],
                intent_of,
            )
        })
        .await
    }

    async fn intent(&self, key: &IdempotencyKey) -> Result<Option<(Intent, Option<String>)>> {
        let key = key.to_string();
        self.read(move |connection| {
            let found = rows(
                connection,
                "read an intent",
                &format!(
                    "SELECT {INTENT}, outcome FROM intents
                     JOIN orders ON orders.id = intents.order_id
                     WHERE key = ?1 AND json IS NOT NULL"
                ),
                params![key],
                |row| Ok((intent_of(row)?, get(row, 10)?)),
            )?;
            Ok(found.into_iter().next())
        })
        .await
    }
}

#[async_trait]
impl Cursors for SqliteStore {
    async fn horizon(&self, shop: &ShopKey) -> Result<Option<DateTime<Utc>>> {
        let shop = shop.clone();
        self.read(move |connection| {
            let found = rows(
                connection,
                "read a horizon",
                "SELECT horizon FROM cursors WHERE platform = ?1 AND shop = ?2",
                params![shop.platform.as_str(), shop.shop.as_str()],
                |row| Ok(instant(get(row, 0)?)),
            )?;
            Ok(found.into_iter().next())
        })
        .await
    }

    async fn advance(&self, shop: &ShopKey, to: DateTime<Utc>) -> Result<()> {
        let shop = shop.clone();
        self.write(move |connection| {
            execute(
                connection,
                "move a horizon",
                "INSERT INTO cursors (platform, shop, horizon) VALUES (?1, ?2, ?3)
                 ON CONFLICT (platform, shop)
                 DO UPDATE SET horizon = max(horizon, excluded.horizon)",
                params![shop.platform.as_str(), shop.shop.as_str(), nanos(to)],
            )
            .map(drop)
        })
        .await
    }

    async fn reset_horizon(&self, shop: &ShopKey, to: DateTime<Utc>) -> Result<()> {
        let shop = shop.clone();
        self.write(move |connection| {
            execute(
                connection,
                "reset a horizon",
                "INSERT INTO cursors (platform, shop, horizon) VALUES (?1, ?2, ?3)
                 ON CONFLICT (platform, shop) DO UPDATE SET horizon = excluded.horizon",
                params![shop.platform.as_str(), shop.shop.as_str(), nanos(to)],
            )
            .map(drop)
        })
        .await
    }
}

#[async_trait]
impl Quarantine for SqliteStore {
    async fn quarantine(&self, entry: &QuarantineEntry) -> Result<()> {
        let entry = entry.clone();
        let hash = digest(&[entry.raw.as_str()]);
        self.write(move |connection| {
            execute(
                connection,
                "write to the quarantine",
                "INSERT INTO quarantine (platform, shop, hash, ext_id, reason, raw, seen_at)
                 VALUES (?1,?2,?3,?4,?5,?6,?7)
                 ON CONFLICT (platform, shop, hash) DO UPDATE SET seen_at = excluded.seen_at",
                params![
                    entry.shop.platform.as_str(),
                    entry.shop.shop.as_str(),
                    hash.as_slice(),
                    entry.order.as_ref().map(PlatformOrderId::as_str),
                    entry.reason,
                    entry.raw.as_str(),
                    nanos(entry.seen_at)
                ],
            )
            .map(drop)
        })
        .await
    }

    async fn quarantined(&self) -> Result<Vec<QuarantineEntry>> {
        self.read(|connection| {
            rows(
                connection,
                "read the quarantine",
                "SELECT platform, shop, ext_id, reason, raw, seen_at FROM quarantine
                 ORDER BY seen_at, id",
                [],
                |row| {
                    let order: Option<String> = get(row, 2)?;
                    Ok(QuarantineEntry {
                        shop: shop_of(row, 0)?,
                        order: order
                            .map(PlatformOrderId::new)
                            .transpose()
                            .map_err(|_| bad_id("an order id"))?,
                        reason: get(row, 3)?,
                        raw: Personal::new(get(row, 4)?),
                        seen_at: instant(get(row, 5)?),
                    })
                },
            )
        })
        .await
    }

    async fn release(&self, shop: &ShopKey, order: &PlatformOrderId) -> Result<()> {
        let key = OrderKey::new(shop.platform.clone(), shop.shop.clone(), order.clone());
        self.write(move |connection| {
            execute(
                connection,
                "release from the quarantine",
                "DELETE FROM quarantine WHERE platform = ?1 AND shop = ?2 AND ext_id = ?3",
                params![key.platform.as_str(), key.shop.as_str(), key.order.as_str()],
            )
            .map(drop)
        })
        .await
    }
}

#[async_trait]
impl Inbox for SqliteStore {
    async fn receive(
        &self,
        shop: &ShopKey,
        notice: &WebhookNotice,
        now: DateTime<Utc>,
    ) -> Result<bool> {
        let (shop, event) = (shop.clone(), notice.event_id.to_string());
        let json = to_json("a notice", notice)?;
        self.write(move |connection| {
            execute(
                connection,
                "write a notice",
                "INSERT INTO inbox (platform, shop, event_id, json, received_at, processed)
                 VALUES (?1,?2,?3,?4,?5,0) ON CONFLICT (platform, shop, event_id) DO NOTHING",
                params![shop.platform.as_str(), shop.shop.as_str(), event, json, nanos(now)],
            )
            .map(|written| written > 0)
        })
        .await
    }

    async fn pending(&self, shop: &ShopKey, limit: u32) -> Result<Vec<WebhookNotice>> {
        let shop = shop.clone();
        self.read(move |connection| {
            rows(
                connection,
                "list notices",
                "SELECT json FROM inbox WHERE processed = 0 AND platform = ?1 AND shop = ?2
                 ORDER BY id LIMIT ?3",
                params![shop.platform.as_str(), shop.shop.as_str(), limit],
                |row| from_json("a notice", &get::<String>(row, 0)?),
            )
        })
        .await
    }

    async fn processed(&self, shop: &ShopKey, event: &EventId) -> Result<()> {
        let (shop, event) = (shop.clone(), event.to_string());
        self.write(move |connection| {
            execute(
                connection,
                "mark a notice",
                "UPDATE inbox SET processed = 1
                 WHERE platform = ?1 AND shop = ?2 AND event_id = ?3",
                params![shop.platform.as_str(), shop.shop.as_str(), event],
            )
            .map(drop)
        })
        .await
    }
}

#[async_trait]
impl Fired for SqliteStore {
    async fn fire(&self, key: &str, at: DateTime<Utc>) -> Result<bool> {
        let key = key.to_owned();
        self.write(move |connection| {
            execute(
                connection,
                "remember a key",
                "INSERT INTO fired (key, at) VALUES (?1, ?2) ON CONFLICT (key) DO NOTHING",
                params![key, nanos(at)],
            )
            .map(|written| written > 0)
        })
        .await
    }

    async fn fired(&self, keys: &[String]) -> Result<Vec<Option<DateTime<Utc>>>> {
        let keys = keys.to_vec();
        self.read(move |connection| {
            let doing = "read a key";
            let mut select = connection
                .prepare_cached("SELECT at FROM fired WHERE key = ?1")
                .map_err(sql(doing))?;
            keys.iter()
                .map(|key| {
                    let at = select.query_row(params![key], |row| row.get(0)).optional();
                    Ok(at.map_err(sql(doing))?.map(instant))
                })
                .collect()
        })
        .await
    }
}

#[async_trait]
impl Figures for SqliteStore {
    async fn keep_figures(
        &self,
        shop: &ShopKey,
        at: DateTime<Utc>,
        figures: &[StatedFigure],
    ) -> Result<()> {
        let doing = "keep a figure";
        let texts = figures
            .iter()
            .map(|figure| Ok((figure.name.clone(), serde_json::to_string(figure)?)))
            .collect::<std::result::Result<Vec<_>, serde_json::Error>>()
            .map_err(unreadable("a figure"))?;
        let shop = shop.clone();
        self.write(move |connection| {
            for (name, json) in &texts {
                execute(
                    connection,
                    doing,
                    "INSERT INTO figures (platform, shop, at, name, json)
                     VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT (platform, shop, at, name) DO UPDATE SET json = excluded.json",
                    params![shop.platform.as_str(), shop.shop.as_str(), nanos(at), name, json],
                )?;
            }
            Ok(())
        })
        .await
    }

    async fn figures(
        &self,
        shop: &ShopKey,
        from: DateTime<Utc>,
    ) -> Result<Vec<(DateTime<Utc>, StatedFigure)>> {
        let shop = shop.clone();
        self.read(move |connection| {
            rows(
                connection,
                "read figures",
                "SELECT at, json FROM figures
                 WHERE platform = ?1 AND shop = ?2 AND at >= ?3 ORDER BY at, name",
                params![shop.platform.as_str(), shop.shop.as_str(), nanos(from)],
                |row| {
                    let json: String = get(row, 1)?;
                    let figure = serde_json::from_str(&json).map_err(unreadable("a figure"))?;
                    Ok((instant(get(row, 0)?), figure))
                },
            )
        })
        .await
    }
}

#[async_trait]
impl Documents for SqliteStore {
    async fn documents(
        &self,
        package: &PackageId,
        key: &IdempotencyKey,
    ) -> Result<Vec<StoredDocument>> {
        let (package, key) = (package.clone(), *key);
        self.read(move |connection| {
            rows(
                connection,
                "read documents",
                "SELECT platform, shop, ext_id, position, kind, format, dpi, bytes
                 FROM documents JOIN orders ON orders.id = documents.order_id
                 WHERE package = ?1 AND key = ?2 ORDER BY position",
                params![package.as_str(), key.to_string()],
                |row| {
                    let (kind, format): (String, String) = (get(row, 4)?, get(row, 5)?);
                    Ok(StoredDocument {
                        order: key_of(row, 0)?,
                        package: package.clone(),
                        key,
                        position: get(row, 3)?,
                        document: Document {
                            kind: from_json("a document", &kind)?,
                            format: from_json("a document", &format)?,
                            dpi: get(row, 6)?,
                            bytes: Personal::new(get(row, 7)?),
                        },
                    })
                },
            )
        })
        .await
    }
}
