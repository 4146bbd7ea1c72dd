//! What the writer does: SQL only, everything serialised beforehand.

use rusqlite::{Connection, OptionalExtension, params};

use super::sqlite_schema::{nanos, sql, to_i64, to_json, to_u64};
use super::{check_commit, is_closed, other_content, stale_erasure};
use crate::error::Result;
use crate::order::{DeadlineKind, Order};
use crate::ports::store::{Commit, Committed, Intent, Settlement, StoredDocument};

/// An order as its row.
pub(super) struct Row {
    order: Order,
    json: String,
    state: &'static str,
    closed: bool,
    placed_at: i64,
    ship_by: Option<i64>,
    buyer: Option<String>,
}

impl Row {
    pub(super) fn of(order: Order) -> Result<Self> {
        Ok(Self {
            json: to_json("an order", &order)?,
            state: order.state().as_str(),
            closed: is_closed(&order),
            placed_at: nanos(order.placed_at),
            ship_by: order.deadline(DeadlineKind::ShipBy).map(|deadline| nanos(deadline.at)),
            buyer: order.buyer.id.as_ref().map(ToString::to_string),
            order,
        })
    }
}

/// A commit ready to be written.
pub(super) struct Prepared {
    row: Row,
    expected: Option<u64>,
    /// Id and JSON.
    events: Vec<(String, String)>,
    /// With the JSON of the effect.
    intents: Vec<(Intent, String)>,
    settled: Vec<Settlement>,
    /// With kind and format.
    documents: Vec<(StoredDocument, String, String)>,
}

impl Prepared {
    pub(super) fn of(commit: Commit) -> Result<Self> {
        check_commit(&commit)?;
        let events = commit.events.iter();
        let events = events.map(|event| Ok((event.id.to_string(), to_json("an event", event)?)));
        let intents = commit.intents.into_iter().map(|intent| {
            let json = to_json("an intent", &intent.effect)?;
            Ok((intent, json))
        });
        let documents = commit.documents.into_iter().map(|document| {
            let kind = to_json("a document", &document.document.kind)?;
            let format = to_json("a document", &document.document.format)?;
            Ok((document, kind, format))
        });
        Ok(Self {
            events: events.collect::<Result<_>>()?,
            intents: intents.collect::<Result<_>>()?,
            documents: documents.collect::<Result<_>>()?,
            row: Row::of(commit.order)?,
            expected: commit.expected,
            settled: commit.settled,
        })
    }
}

struct Known {
    id: i64,
    version: u64,
    last_seq: i64,
    last_event: Option<String>,
}

fn known(connection: &Connection, order: &Order) -> Result<Option<Known>> {
    let doing = "read an order";
    let key = &order.key;
    connection
        .prepare_cached(
            "SELECT id, version, last_seq, last_event FROM orders
             WHERE platform = ?1 AND shop = ?2 AND ext_id = ?3",
        )
        .map_err(sql(doing))?
        .query_row(params![key.platform.as_str(), key.shop.as_str(), key.order.as_str()], |row| {
            Ok(Known {
                id: row.get(0)?,
                version: to_u64(row.get(1)?),
                last_seq: row.get(2)?,
                last_event: row.get(3)?,
            })
        })
        .optional()
        .map_err(sql(doing))
}

pub(super) fn commit(connection: &Connection, commit: &Prepared) -> Result<Committed> {
    let doing = "write a commit";
    let order = &commit.row.order;
    let known = known(connection, order)?;
    let found = known.as_ref().map(|known| known.version);
    let last_event = commit.events.last().map(|(id, _)| id);
    if found != commit.expected {
        let repeated = found == Some(order.version)
            && last_event.is_some()
            && known.as_ref().is_some_and(|known| known.last_event.as_ref() == last_event);
        return Ok(if repeated { Committed::Done } else { Committed::Conflict { found } });
    }
    let (mut seq, last) =
        known.as_ref().map_or((0, None), |known| (known.last_seq, known.last_event.as_ref()));
    let written = to_i64(u64::try_from(commit.events.len()).unwrap_or(0));
    let id = write_row(
        connection,
        &commit.row,
        known.as_ref().map(|known| known.id),
        seq.saturating_add(written),
        last_event.or(last),
    )?;
    let mut insert = connection
        .prepare_cached("INSERT INTO events (order_id, seq, event_id, json) VALUES (?1,?2,?3,?4)")
        .map_err(sql(doing))?;
    for (event, json) in &commit.events {
        seq = seq.saturating_add(1);
        insert.execute(params![id, seq, event, json]).map_err(sql(doing))?;
    }
    for (intent, json) in &commit.intents {
        write_intent(connection, id, intent, json)?;
    }
    for settled in &commit.settled {
        connection
            .prepare_cached(
                "UPDATE intents SET settled_at = ?2, outcome = ?3, lease_owner = NULL,
                        lease_until = NULL
                 WHERE key = ?1 AND settled_at IS NULL",
            )
            .and_then(|mut update| {
                update.execute(params![settled.key.to_string(), nanos(settled.at), settled.outcome])
            })
            .map_err(sql(doing))?;
    }
    for (document, kind, format) in &commit.documents {
        connection
            .prepare_cached(
                "INSERT INTO documents
                    (order_id, package, key, position, kind, format, dpi, bytes)
                 VALUES (?1,?2,?3,?4,?5,?6,?7,?8)
                 ON CONFLICT (package, key, position) DO NOTHING",
            )
            .and_then(|mut insert| {
                insert.execute(params![
                    id,
                    document.package.as_str(),
                    document.key.to_string(),
                    document.position,
                    kind,
                    format,
                    document.document.dpi,
                    document.document.bytes.expose(),
                ])
            })
            .map_err(sql(doing))?;
    }
    Ok(Committed::Done)
}

/// Writes the row of an order and its facts; returns the row's id.
fn write_row(
    connection: &Connection,
    row: &Row,
    id: Option<i64>,
    last_seq: i64,
    last_event: Option<&String>,
) -> Result<i64> {
    let doing = "write an order";
    let key = &row.order.key;
    let version = to_i64(row.order.version);
    let id = if let Some(id) = id {
        connection
            .prepare_cached(
                "UPDATE orders SET version = ?2, last_seq = ?3, last_event = ?4, state = ?5,
                        closed = ?6, placed_at = ?7, ship_by = ?8, buyer = ?9
                 WHERE id = ?1",
            )
            .and_then(|mut update| {
                update.execute(params![
                    id,
                    version,
                    last_seq,
                    last_event,
                    row.state,
                    row.closed,
                    row.placed_at,
                    row.ship_by,
                    row.buyer
                ])
            })
            .map_err(sql(doing))?;
        id
    } else {
        connection
            .prepare_cached(
                "INSERT INTO orders (platform, shop, ext_id, version, last_seq, last_event, state,
                                     closed, placed_at, ship_by, buyer)
                 VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)",
            )
            .and_then(|mut insert| {
                insert.insert(params![
                    key.platform.as_str(),
                    key.shop.as_str(),
                    key.order.as_str(),
                    version,
                    last_seq,
                    last_event,
                    row.state,
                    row.closed,
                    row.placed_at,
                    row.ship_by,
                    row.buyer
                ])
            })
            .map_err(sql(doing))?
    };
    connection
        .prepare_cached(
            "INSERT INTO order_payloads (order_id, json) VALUES (?1, ?2)
             ON CONFLICT (order_id) DO UPDATE SET json = excluded.json",
        )
        .and_then(|mut write| write.execute(params![id, row.json]))
        .map_err(sql(doing))?;
    Ok(id)
}

fn write_intent(connection: &Connection, order: i64, intent: &Intent, json: &str) -> Result<()> {
    let doing = "write an intent";
    let key = intent.key.to_string();
    let package = intent.package.as_ref().map(ToString::to_string);
    let written = connection
        .prepare_cached(
            "INSERT INTO intents
                (key, order_id, package, effect, json, created_at, due_at, attempts)
             VALUES (?1,?2,?3,?4,?5,?6,?7,?8)
             ON CONFLICT (key) DO NOTHING",
        )
        .and_then(|mut insert| {
            insert.execute(params![
                key,
                order,
                package,
                intent.effect.as_str(),
                json,
                nanos(intent.created_at),
                nanos(intent.due_at),
                intent.attempts
            ])
        })
        .map_err(sql(doing))?;
    if written > 0 {
        return Ok(());
    }
    // An erased intent has no content left to compare; its key alone says that it was.
    let equal: bool = connection
        .prepare_cached(
            "SELECT order_id = ?2 AND (json IS NULL OR (package IS ?3 AND json = ?4))
             FROM intents WHERE key = ?1",
        )
        .and_then(|mut select| {
            select.query_row(params![key, order, package, json], |row| row.get(0))
        })
        .map_err(sql(doing))?;
    if equal { Ok(()) } else { Err(other_content(intent)) }
}

/// Replaces the facts of an order and drops the contents of everything beside them.
pub(super) fn erase(connection: &Connection, row: &Row) -> Result<bool> {
    let doing = "erase an order";
    let Some(known) = known(connection, &row.order)? else { return Ok(false) };
    if known.version != row.order.version {
        return Err(stale_erasure(&row.order, known.version));
    }
    write_row(connection, row, Some(known.id), known.last_seq, known.last_event.as_ref())?;
    for statement in [
        "UPDATE events SET json = NULL WHERE order_id = ?1",
        "UPDATE intents SET json = NULL, lease_owner = NULL, lease_until = NULL,
                settled_at = coalesce(settled_at, 0), outcome = coalesce(outcome, 'erased')
         WHERE order_id = ?1",
        "DELETE FROM documents WHERE order_id = ?1",
    ] {
        connection.execute(statement, params![known.id]).map_err(sql(doing))?;
    }
    let key = &row.order.key;
    connection
        .execute(
            "DELETE FROM quarantine WHERE platform = ?1 AND shop = ?2 AND ext_id = ?3",
            params![key.platform.as_str(), key.shop.as_str(), key.order.as_str()],
        )
        .map_err(sql(doing))?;
    Ok(true)
}
