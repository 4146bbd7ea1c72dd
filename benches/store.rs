//! W6: durable state. The SQLite store through its ports, beside appending the same bytes to a file
//! with one `fdatasync` a batch on the same disk, round by round.
//!
//! ```text
//! cargo bench --bench store -- [--quick]
//! ```
//!
//! A step is a new order with a payload of 1 KB, its import and review in the log, and one intent of
//! 0.2 KB: all in one commit, durable when answered. Every tenth repeats an earlier order and must
//! change nothing.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs,
    reason = "a bench that panics has failed"
)]

mod support;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt;
use orderflow::order::{Action, Actor, Event, PlatformLine, PlatformOrder, Review, apply, import};
use orderflow::ports::CancelLine;
use orderflow::ports::store::{
    Commit, Committed, IntendedEffect, Intent, OrderStore, Outbox, Settlement,
};
use orderflow::store::{SqliteOptions, SqliteStore, Synchronous};
use orderflow::{
    Currency, IdempotencyKey, LineId, Money, OrderKey, PlatformId, PlatformOrderId, ShopId, Sku,
};
use support::split_mix;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_225_600, 0).unwrap()
}

/// The commits of a round. `rising` numbers the orders as in real life; otherwise ids are random.
fn commits(count: usize, seed: u64, rising: bool) -> Vec<Commit> {
    let mut state = seed;
    let mut made: Vec<Commit> = Vec::with_capacity(count);
    for index in 0..count {
        if index > 10 && split_mix(&mut state).is_multiple_of(10) {
            let earlier = usize::try_from(split_mix(&mut state)).unwrap() % index;
            made.push(made[earlier].clone());
            continue;
        }
        let number = split_mix(&mut state) % 1_000_000_000_000_000;
        let id = if rising { format!("{seed:05}{index:010}") } else { format!("{number:015}") };
        let payload: String = (0..64).map(|_| format!("{:016x}", split_mix(&mut state))).collect();
        let shop = 1 + split_mix(&mut state) % 50;
        made.push(commit(&id, shop, payload));
    }
    made
}

fn commit(id: &str, shop: u64, payload: String) -> Commit {
    let key = OrderKey::new(
        PlatformId::from_static("bench"),
        ShopId::new(shop.to_string()).unwrap(),
        PlatformOrderId::new(id).unwrap(),
    );
    let money = Money::from_minor(1999, Currency::USD);
    let snapshot = PlatformOrder {
        paid_at: Some(now()),
        updated_at: Some(now()),
        lines: vec![PlatformLine {
            sku: Some(Sku::from_static("SKU")),
            ..PlatformLine::new(LineId::from_static("1"), "Thing", 1, money)
        }],
        raw: payload.into(),
        ..PlatformOrder::new(key.order.clone(), now(), money)
    };
    let imported = Event::once(
        Action::Imported { snapshot: Box::new(snapshot), needs_acknowledgement: false },
        now(),
        Actor::Platform,
    );
    let order = import(&key, &imported).unwrap().order;
    let review = Review::Approved { at: now(), by: Actor::System };
    let reviewed = Event::new(Action::Reviewed { review }, now(), Actor::System);
    let order = apply(&order, &reviewed, now()).unwrap().order;
    let intent = Intent {
        key: IdempotencyKey::derive(&["bench", &key.to_string()]),
        order: key,
        package: None,
        effect: IntendedEffect::Cancel {
            lines: vec![CancelLine {
                line: LineId::from_static("1"),
                units: 1,
                reason: orderflow::order::CancelReason::Seller("x".repeat(120)),
            }],
        },
        created_at: now(),
        due_at: now(),
        attempts: 0,
        resent_at: None,
    };
    let mut commit = Commit::new(order, None, vec![imported, reviewed]);
    commit.intents.push(intent);
    commit
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Appends as many bytes with one `fdatasync` a batch. Returns steps a second and the median sync.
fn append(folder: &Path, steps: usize, batch: usize) -> (f64, Duration) {
    let mut file = File::create(folder.join("append")).unwrap();
    let bytes = vec![b'x'; 5_000 * batch];
    let mut syncs = Vec::new();
    let begun = Instant::now();
    for _ in 0..steps.div_ceil(batch) {
        file.write_all(&bytes).unwrap();
        let sync = Instant::now();
        file.sync_data().unwrap();
        syncs.push(sync.elapsed().as_secs_f64());
    }
    let rate = steps as f64 / begun.elapsed().as_secs_f64();
    (rate, Duration::from_secs_f64(median(&mut syncs)))
}

async fn batches(folder: &Path, synchronous: Synchronous, batch: usize, all: &[Commit]) -> f64 {
    let file = folder.join(format!("{synchronous:?}-{batch}.sqlite"));
    let options = SqliteOptions::default().with_synchronous(synchronous);
    let store = SqliteStore::open_with(&file, options).unwrap();
    let chunks: Vec<Vec<Commit>> = all.chunks(batch).map(<[Commit]>::to_vec).collect();
    let begun = Instant::now();
    for chunk in chunks {
        let outcomes = store.commit(chunk).await.unwrap();
        assert!(outcomes.iter().all(|outcome| *outcome == Committed::Done));
    }
    let rate = all.len() as f64 / begun.elapsed().as_secs_f64();
    drop(store);
    std::fs::remove_file(file).unwrap();
    rate
}

/// Orders in flight at once, each with four steps awaited one after the other.
async fn in_flight(folder: &Path, flight: usize, all: &[Commit]) -> f64 {
    let file = folder.join(format!("flight-{flight}.sqlite"));
    let store = Arc::new(SqliteStore::open(&file).unwrap());
    let begun = Instant::now();
    let done = futures_util::stream::iter(all.iter().cloned())
        .map(|commit| {
            let store = Arc::clone(&store);
            async move {
                let mut order = commit.order.clone();
                let key = commit.intents[0].key;
                store.commit(vec![commit]).await.unwrap();
                for step in 0..3 {
                    let tag = Action::Tagged { tags: vec![format!("step-{step}")] };
                    let event = Event::new(tag, now(), Actor::System);
                    let after = apply(&order, &event, now()).unwrap().order;
                    let mut next = Commit::new(after.clone(), Some(order.version), vec![event]);
                    if step == 2 {
                        let outcome = "done".to_owned();
                        next.settled.push(Settlement { key, at: now(), outcome });
                    }
                    let outcome = store.commit(vec![next]).await.unwrap();
                    assert_eq!(outcome, [Committed::Done]);
                    order = after;
                }
            }
        })
        .buffer_unordered(flight)
        .count()
        .await;
    let rate = done as f64 / begun.elapsed().as_secs_f64();
    drop(store);
    std::fs::remove_file(file).unwrap();
    rate
}

/// Eight workers claim and settle due intents. Returns claims a second.
async fn claiming(folder: &Path, claim: u32, all: &[Commit]) -> f64 {
    let file = folder.join(format!("claim-{claim}.sqlite"));
    let store = Arc::new(SqliteStore::open(&file).unwrap());
    for chunk in all.chunks(500) {
        store.commit(chunk.to_vec()).await.unwrap();
    }
    let orders: Arc<BTreeMap<OrderKey, Commit>> =
        Arc::new(all.iter().map(|commit| (commit.order.key.clone(), commit.clone())).collect());
    let begun = Instant::now();
    let workers = (0..8).map(|worker| {
        let (store, orders) = (Arc::clone(&store), Arc::clone(&orders));
        async move {
            let mut keys = Vec::new();
            loop {
                let until = now() + TimeDelta::minutes(5);
                let intents =
                    store.claim(&format!("w{worker}"), now(), until, claim).await.unwrap();
                if intents.is_empty() {
                    return keys;
                }
                let commits = intents
                    .iter()
                    .map(|intent| {
                        let order = orders[&intent.order].order.clone();
                        let version = order.version;
                        let mut commit = Commit::new(order, Some(version), Vec::new());
                        let outcome = "done".to_owned();
                        commit.settled.push(Settlement { key: intent.key, at: now(), outcome });
                        commit
                    })
                    .collect();
                store.commit(commits).await.unwrap();
                keys.extend(intents.into_iter().map(|intent| intent.key));
            }
        }
    });
    let mut keys: Vec<IdempotencyKey> =
        futures_util::future::join_all(workers).await.into_iter().flatten().collect();
    let rate = keys.len() as f64 / begun.elapsed().as_secs_f64();
    let total = keys.len();
    keys.sort();
    keys.dedup();
    assert_eq!((keys.len(), total), (orders.len(), orders.len()), "none twice, none lost");
    rate
}

fn main() {
    let quick = std::env::args().any(|word| word == "--quick");
    let rounds = if quick { 1 } else { 5 };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let folder = folder.path();

    println!("W6a steps/s, medians of {rounds} rounds; every tenth step is a repetition");
    println!("batch     FULL   NORMAL   append+fdatasync   FULL/append   fdatasync");
    for batch in [1, 10, 100, 1_000] {
        let steps = match (batch, quick) {
            (1, _) => 1_000,
            (10, false) => 5_000,
            (_, false) => 20_000,
            _ => 3_000,
        };
        let (mut full, mut normal, mut limit, mut sync) = (vec![], vec![], vec![], vec![]);
        for round in 0..rounds {
            let all = commits(steps, 100 + round, true);
            full.push(runtime.block_on(batches(folder, Synchronous::Full, batch, &all)));
            normal.push(runtime.block_on(batches(folder, Synchronous::Normal, batch, &all)));
            let (rate, duration) = append(folder, steps, batch);
            limit.push(rate);
            sync.push(duration.as_secs_f64());
        }
        let (full, normal) = (median(&mut full), median(&mut normal));
        let (limit, sync) = (median(&mut limit), median(&mut sync));
        let note = if sync < 50e-6 { " (does not reach a disk)" } else { "" };
        println!(
            "{batch:>5} {full:>8.0} {normal:>8.0} {limit:>18.0} {:>13.2} {:>8.0} us{note}",
            full / limit,
            sync * 1e6
        );
    }

    println!("W6b steps/s in batches of 100: random and rising ids");
    let steps = if quick { 3_000 } else { 20_000 };
    let (mut random, mut rising) = (vec![], vec![]);
    for round in 0..rounds {
        for (ids, rates) in [(false, &mut random), (true, &mut rising)] {
            let all = commits(steps, 200 + round, ids);
            rates.push(runtime.block_on(batches(folder, Synchronous::Full, 100, &all)));
        }
    }
    println!("random {:.0}, rising {:.0}", median(&mut random), median(&mut rising));

    println!("W6c orders/s of four steps, each durable before the next");
    for flight in [1, 16, 64, 256] {
        let orders = if quick || flight == 1 { 500 } else { 5_000 };
        let mut rates: Vec<f64> = (0..rounds)
            .map(|round| {
                let mut all = commits(orders, 300 + round, true);
                let mut seen = std::collections::BTreeSet::new();
                all.retain(|commit| seen.insert(commit.order.key.clone()));
                runtime.block_on(in_flight(folder, flight, &all))
            })
            .collect();
        println!("{flight:>4} in flight: {:.0}", median(&mut rates));
    }

    println!("W6d claims/s of 8 workers, each claim settled");
    for claim in [1, 10, 100] {
        let intents = if quick || claim == 1 { 2_000 } else { 20_000 };
        let mut rates: Vec<f64> = (0..rounds)
            .map(|round| {
                let folder = tempfile::tempdir_in(folder).unwrap();
                let mut all = commits(intents, 400 + round, true);
                let mut seen = std::collections::BTreeSet::new();
                all.retain(|commit| seen.insert(commit.order.key.clone()));
                runtime.block_on(claiming(folder.path(), claim, &all))
            })
            .collect();
        println!("{claim:>4} a claim: {:.0}", median(&mut rates));
    }
}
