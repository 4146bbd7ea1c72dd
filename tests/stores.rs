//! Stores and stock: the suites, and what a file must survive.
#![cfg(all(feature = "sqlite", feature = "conformance"))]
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends by panicking; what it shares is public to its files"
)]

mod support;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use orderflow::ErrorKind;
use orderflow::conformance::{stocks, stores};
use orderflow::order::{
    Action, Actor, Event, Order, OrderFilter, OrderSort, Priority, apply, erase,
};
use orderflow::ports::store::{
    Commit, Committed, Cursors, Documents, Fired, IntendedEffect, Intent, OrderStore, Outbox,
    StoredDocument,
};
use orderflow::shipment::{Document, DocumentKind, LabelFormat};
use orderflow::store::{MemoryStock, MemoryStore, SqliteOptions, SqliteStore, Synchronous};
use orderflow::{OrderKey, PackageId, PlatformOrderId, Sku};
use support::{hours, import_of, key, label_key, labelled, line_id, now, snapshot};

const CHILD: &str = "ORDERFLOW_TEST_STORE";

fn file() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orders.db");
    (folder, path)
}

/// A new order with its event.
fn new(id: &str) -> Commit {
    let snapshot = snapshot(id, &[("1", 1)]);
    let order = import_of(&snapshot);
    let action = Action::Imported { snapshot: Box::new(snapshot), needs_acknowledgement: true };
    Commit::new(order, None, vec![Event::once(action, now() - hours(1), Actor::Platform)])
}

/// The same order, urgent.
fn next(order: &Order) -> Commit {
    let urgent = Action::PrioritySet { priority: Priority::Urgent };
    let event = Event::new(urgent, now(), Actor::System);
    let after = apply(order, &event, now()).unwrap().order;
    Commit::new(after, Some(order.version), vec![event])
}

fn intent(key: &OrderKey) -> Intent {
    Intent {
        key: label_key(&PackageId::derive(key, 1)),
        order: key.clone(),
        package: None,
        effect: IntendedEffect::ReleaseStock { line: line_id("1") },
        created_at: now(),
        due_at: now(),
        attempts: 0,
        resent_at: None,
    }
}

fn document(key: &OrderKey, bytes: &[u8]) -> StoredDocument {
    let package = PackageId::derive(key, 1);
    StoredDocument {
        order: key.clone(),
        key: label_key(&package),
        package,
        position: 0,
        document: Document::new(DocumentKind::Label, LabelFormat::Pdf, bytes.to_vec()),
    }
}

#[tokio::test]
async fn the_store_in_memory_passes_the_suite() {
    stores::run(Arc::new(MemoryStore::new())).await.assert_passed();
}

#[tokio::test]
async fn the_store_in_a_file_passes_the_suite() {
    let (_folder, path) = file();
    stores::run(Arc::new(SqliteStore::open(path).unwrap())).await.assert_passed();
}

#[tokio::test]
async fn the_smallest_options_pass_the_suite_too() {
    let (_folder, path) = file();
    let options = SqliteOptions::default()
        .with_group(0)
        .with_readers(0)
        .with_synchronous(Synchronous::Normal);
    stores::run(Arc::new(SqliteStore::open_with(path, options).unwrap())).await.assert_passed();
}

#[tokio::test]
async fn the_stock_in_memory_passes_the_suite() {
    stocks::run(|on_hand| {
        let stock = MemoryStock::new();
        for (warehouse, units) in on_hand {
            stock.set(warehouse.clone(), Sku::from_static("SKU-1"), *units);
            stock.set(warehouse.clone(), Sku::from_static("SKU-2"), *units);
        }
        Arc::new(stock)
    })
    .await
    .assert_passed();
}

#[tokio::test]
async fn an_order_with_an_unused_label_stays_open_although_it_is_cancelled() {
    let (mut order, package) = labelled("1", &[("1", 1)]);
    order.packages[0].contents.clear();
    let units = vec![orderflow::order::CancelledUnits {
        line: line_id("1"),
        units: 1,
        reason: orderflow::order::CancelReason::BuyerRequest,
        at: now(),
    }];
    order.cancellations = units;
    assert!(order.state().is_terminal());
    assert!(order.package(&package).unwrap().has_live_label());
    assert!(!orderflow::store::is_closed(&order));
    let store = MemoryStore::new();
    store.commit(vec![Commit::new(order.clone(), None, Vec::new())]).await.unwrap();
    assert_eq!(store.open_orders(None, 9).await.unwrap(), vec![order.key]);
}

#[tokio::test]
async fn a_file_keeps_everything_when_it_is_opened_again() {
    let (_folder, path) = file();
    let mut commit = new("1");
    let (order, events) = (commit.order.clone(), commit.events.clone());
    let (intent, document) = (intent(&order.key), document(&order.key, b"%PDF"));
    commit.intents.push(intent.clone());
    commit.documents.push(document.clone());
    let shop = order.key.shop_key();
    {
        let store = SqliteStore::open(&path).unwrap();
        assert_eq!(store.commit(vec![commit]).await.unwrap(), vec![Committed::Done]);
        store.advance(&shop, now()).await.unwrap();
        assert!(store.fire("late", now()).await.unwrap());
        assert_eq!(store.claim("w", now(), now() + hours(1), 9).await.unwrap().len(), 1);
    }
    let left = std::fs::read_dir(path.parent().unwrap()).unwrap().count();
    assert_eq!(left, 1, "a clean end leaves one file");
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(store.order(&order.key).await.unwrap(), Some(order.clone()));
    assert_eq!(store.log(&order.key).await.unwrap(), events);
    assert_eq!(store.unsettled().await.unwrap(), vec![intent]);
    assert!(store.claim("v", now(), now() + hours(1), 9).await.unwrap().is_empty());
    let found = store.documents(&document.package, &document.key).await.unwrap();
    assert_eq!(found, vec![document]);
    assert_eq!(store.horizon(&shop).await.unwrap(), Some(now()));
    assert!(!store.fire("late", now()).await.unwrap());
    assert_eq!(store.open_orders(None, 9).await.unwrap(), vec![order.key]);
}

#[test]
fn a_file_of_a_newer_release_and_a_file_that_is_no_store_are_refused() {
    let (folder, path) = file();
    drop(SqliteStore::open(&path).unwrap());
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.execute("UPDATE meta SET value = 99 WHERE name = 'schema'", []).unwrap();
    drop(raw);
    let refused = SqliteStore::open(&path).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Configuration);
    assert!(refused.to_string().contains("newer"), "{refused}");

    let text = folder.path().join("text.db");
    std::fs::write(&text, "This is no database. ".repeat(400)).unwrap();
    assert_eq!(SqliteStore::open(text).unwrap_err().kind(), ErrorKind::Storage);
    assert_eq!(SqliteStore::open(":memory:").unwrap_err().kind(), ErrorKind::InvalidInput);
    let missing = folder.path().join("missing").join("orders.db");
    assert_eq!(SqliteStore::open(missing).unwrap_err().kind(), ErrorKind::Storage);
}

#[tokio::test]
async fn a_damaged_row_is_an_error_that_quotes_nothing() {
    let (_folder, path) = file();
    let store = SqliteStore::open(&path).unwrap();
    let order = new("1").order;
    store.commit(vec![new("1"), new("2")]).await.unwrap();
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.execute(
        "UPDATE order_payloads SET json = '{\"key\": \"Ana Canary\"}' WHERE order_id = 1",
        [],
    )
    .unwrap();
    drop(raw);
    let error = store.order(&order.key).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage);
    assert!(!format!("{error} {error:?}").contains("Canary"), "{error:?}");
    let found = store.find(&OrderFilter::default(), OrderSort::Placed, now(), 0, 9).await;
    assert_eq!(found.unwrap_err().kind(), ErrorKind::Storage);
    assert!(store.order(&key("2")).await.unwrap().is_some(), "the others can be read");
}

fn holds(folder: &Path, needle: &[u8]) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        bytes.windows(needle.len()).any(|window| window == needle)
    })
}

#[tokio::test]
async fn erased_data_is_gone_from_the_bytes_of_the_file() {
    const CANARY: &str = "Zyx Canary Wvu";
    let (folder, path) = file();
    let store = SqliteStore::open(&path).unwrap();
    let mut erased = Vec::new();
    for id in 0..30 {
        let mut snapshot = snapshot(&id.to_string(), &[("1", 1)]);
        if id % 2 == 0 {
            snapshot.recipient.as_mut().unwrap().name = CANARY.into();
            snapshot.raw = CANARY.repeat(1000).into();
        }
        let order = import_of(&snapshot);
        let action = Action::Imported { snapshot: Box::new(snapshot), needs_acknowledgement: true };
        let event = Event::once(action, now() - hours(1), Actor::Platform);
        let mut commit = Commit::new(order.clone(), None, vec![event]);
        if id % 2 == 0 {
            let label = CANARY.repeat(500);
            commit.documents.push(document(&order.key, label.as_bytes()));
            erased.push(order);
        }
        store.commit(vec![commit]).await.unwrap();
    }
    assert!(holds(folder.path(), CANARY.as_bytes()));
    for order in &erased {
        assert!(store.erase(&erase(order, now())).await.unwrap());
    }
    assert!(!holds(folder.path(), CANARY.as_bytes()));
    drop(store);
    assert!(!holds(folder.path(), CANARY.as_bytes()));
}

#[tokio::test]
async fn an_erasure_of_an_order_that_changed_meanwhile_is_refused() {
    let (_folder, path) = file();
    let file = SqliteStore::open(&path).unwrap();
    let memory = MemoryStore::new();
    for store in [&file as &dyn OrderStore, &memory] {
        let first = new("1");
        let old = first.order.clone();
        let second = next(&old);
        store.commit(vec![first, second.clone()]).await.unwrap();
        let refused = store.erase(&erase(&old, now())).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Conflict);
        assert_eq!(store.order(&old.key).await.unwrap(), Some(second.order));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_concurrent_commits_are_all_there_after_reopening() {
    let (_folder, path) = file();
    {
        let store = Arc::new(SqliteStore::open(&path).unwrap());
        let mut tasks = Vec::new();
        for id in 0..500 {
            let store = Arc::clone(&store);
            tasks.push(tokio::spawn(async move {
                let first = new(&id.to_string());
                let second = next(&first.order);
                assert_eq!(store.commit(vec![first]).await.unwrap(), vec![Committed::Done]);
                assert_eq!(store.commit(vec![second]).await.unwrap(), vec![Committed::Done]);
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
    }
    let store = SqliteStore::open(&path).unwrap();
    let page = store.find(&OrderFilter::default(), OrderSort::Placed, now(), 0, 9).await.unwrap();
    assert_eq!((page.total, page.orders.len()), (500, 9));
    for id in 0..500 {
        let key = key(&id.to_string());
        assert_eq!(store.order(&key).await.unwrap().unwrap().version, 2);
        assert_eq!(store.log(&key).await.unwrap().len(), 2);
    }
}

/// Not a test of its own: what the killed process does.
#[tokio::test]
async fn a_process_that_commits_until_it_is_killed() {
    let Ok(path) = std::env::var(CHILD) else { return };
    let store = SqliteStore::open(path).unwrap();
    let mut out = std::io::stdout();
    for id in 0..1_000_000_u32 {
        let mut first = new(&id.to_string());
        first.intents.push(intent(&first.order.key));
        let second = next(&first.order);
        assert_eq!(store.commit(vec![first, second]).await.unwrap(), [Committed::Done; 2]);
        writeln!(out, "\nstored {id}").unwrap();
        out.flush().unwrap();
    }
}

#[tokio::test]
async fn what_was_answered_survives_a_killed_process() {
    let (_folder, path) = file();
    let mut stored = Vec::new();
    for round in 0..2 {
        let path = if round == 0 { path.clone() } else { path.with_extension("second") };
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_process_that_commits_until_it_is_killed", "--nocapture"])
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut killed = false;
        for line in lines {
            let Ok(line) = line else { break };
            if let Some(id) = line.strip_prefix("stored ") {
                stored.push(id.to_owned());
            }
            if !killed && stored.len() >= 100 + 37 * round {
                child.kill().unwrap();
                killed = true;
            }
        }
        assert!(killed, "the child ended by itself");
        child.wait().unwrap();
        let store = SqliteStore::open(&path).unwrap();
        assert!(stored.len() >= 100);
        for id in stored.drain(..) {
            let key = OrderKey { order: PlatformOrderId::new(&id).unwrap(), ..key("x") };
            assert_eq!(store.order(&key).await.unwrap().unwrap().version, 2, "order {id}");
            assert_eq!(store.log(&key).await.unwrap().len(), 2, "order {id}");
            assert!(store.intent(&intent(&key).key).await.unwrap().is_some(), "order {id}");
        }
        // Every order that is there is whole.
        let all = OrderFilter::default();
        let page = store.find(&all, OrderSort::Placed, now(), 0, u32::MAX).await.unwrap();
        for order in page.orders {
            assert_eq!(order.version, 2);
            assert_eq!(store.log(&order.key).await.unwrap().len(), 2);
        }
    }
}

#[test]
fn a_file_of_another_program_is_left_as_it_is_and_a_new_one_is_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let foreign = folder.path().join("customers.db");
    let other = rusqlite::Connection::open(&foreign).unwrap();
    other.execute_batch("CREATE TABLE customers (name TEXT)").unwrap();
    drop(other);
    let before = std::fs::read(&foreign).unwrap();
    let error = SqliteStore::open(&foreign).unwrap_err();
    assert_eq!(error.kind(), orderflow::ErrorKind::Configuration);
    assert_eq!(std::fs::read(&foreign).unwrap(), before);
    assert!(SqliteStore::open("file:orders?mode=memory").is_err());
    let own = folder.path().join("orders.db");
    drop(SqliteStore::open(&own).unwrap());
    drop(SqliteStore::open(&own).unwrap());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&own).unwrap().permissions().mode() & 0o077, 0);
    }
}

#[tokio::test]
async fn a_line_that_no_warehouse_has_alone_is_set_aside_in_the_fullest_and_leaves_from_each() {
    use orderflow::WarehouseId;
    use orderflow::ports::{Stock, StockError, StockMove};

    let sku = Sku::from_static("SKU-1");
    let places = ["a", "b", "c"].map(WarehouseId::from_static);
    let stock = MemoryStock::new();
    for (place, units) in places.iter().zip([1, 4, 2]) {
        stock.set(place.clone(), sku.clone(), units);
    }
    let wanted = |id: &str, units| StockMove {
        order: key(id),
        line: line_id("1"),
        sku: sku.clone(),
        warehouse: None,
        units,
        package: None,
    };
    let free = async || {
        let view = stock.view(std::slice::from_ref(&sku), None).await.unwrap();
        places.clone().map(|place| view.available(&place, &sku))
    };
    stock.reserve(&wanted("first", 5)).await.unwrap();
    assert_eq!(free().await, [1, 0, 1], "the fullest first, and as few as will do");
    stock.commit(&wanted("first", 5)).await.unwrap();
    stock.commit(&wanted("first", 5)).await.unwrap();
    assert_eq!(free().await, [1, 0, 1]);
    let short = stock.reserve(&wanted("second", 3)).await.unwrap_err();
    assert!(matches!(short, StockError::Short { wanted: 3, available: 2, .. }), "{short}");
    // A parcel from each.
    let leaves = |place: &WarehouseId, package: &str, units| StockMove {
        warehouse: Some(place.clone()),
        package: Some(PackageId::new(package).unwrap()),
        ..wanted("first", units)
    };
    for _ in 0..2 {
        stock.consume(&leaves(&places[1], "p1", 4)).await.unwrap();
        stock.consume(&leaves(&places[2], "p2", 1)).await.unwrap();
    }
    assert_eq!(free().await, [1, 0, 1]);
    assert_eq!(places.clone().map(|place| stock.on_hand(&place, &sku)), [1, 0, 1]);
    stock.release(&key("first"), &line_id("1")).await.unwrap();
    assert_eq!(free().await, [1, 0, 1], "nothing of it is set aside any more");
    // Giving some back frees the smallest part first; releasing frees the rest.
    stock.set(places[1].clone(), sku.clone(), 4);
    stock.reserve(&wanted("third", 5)).await.unwrap();
    assert_eq!(free().await, [0, 0, 1]);
    stock.reduce(&wanted("third", 4)).await.unwrap();
    assert_eq!(free().await, [1, 0, 1]);
    stock.release(&key("third"), &line_id("1")).await.unwrap();
    assert_eq!(free().await, [1, 4, 1]);
}

#[tokio::test]
async fn a_refresh_token_survives_in_the_file_and_another_process_sees_the_newest() {
    use orderflow::client::{RefreshTokenStore, StoredToken};

    let (_folder, path) = file();
    let (one, two) = (SqliteStore::open(&path).unwrap(), SqliteStore::open(&path).unwrap());
    assert_eq!(one.load("shop").await.unwrap(), None);
    let ends = now() + hours(24);
    let first = StoredToken::new("R1").with_expires_at(ends);
    one.save("shop", &first).await.unwrap();
    one.save("other", &StoredToken::new("X")).await.unwrap();
    assert_eq!(two.load("shop").await.unwrap(), Some(first));
    two.save("shop", &StoredToken::new("R2")).await.unwrap();
    drop((one, two));
    let again = SqliteStore::open(&path).unwrap();
    assert_eq!(again.load("shop").await.unwrap(), Some(StoredToken::new("R2")));
    assert_eq!(again.load("other").await.unwrap(), Some(StoredToken::new("X")));
}
