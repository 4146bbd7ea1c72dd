//! The process dies at every boundary of a purchase and an upload; the ledger is the witness.
//!
//! The stand-ins live in this process behind a loopback server and survive. A child process runs
//! the engine on a SQLite file and aborts before or after its n-th write or request, for every n
//! there is; another child then takes over.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use orderflow::client::{
    ReqwestTransport, Response, RetryPolicy, Transport, TransportError, WireRequest,
};
use orderflow::engine::BatchOptions;
use orderflow::order::{Event, Order, OrderFilter, OrderSort};
use orderflow::ports::store::{
    Commit, Committed, Cursors, Documents, Figures, Fired, Inbox, Intent, OrderPage, OrderStore,
    Outbox, Quarantine, QuarantineEntry, StoredDocument,
};
use orderflow::ports::{StatedFigure, WebhookNotice};
use orderflow::sandbox::usps::UspsStandIn;
use orderflow::sandbox::walmart::{GenerateOptions, WalmartStandIn, generate};
use orderflow::sandbox::{Ledger, Sandbox, VirtualClock};
use orderflow::store::SqliteStore;
use orderflow::{EventId, IdempotencyKey, OrderKey, PackageId, PlatformOrderId, Result, ShopKey};

use super::house::{at, engine, policy};

/// Counts boundaries and dies at the one it was told.
#[derive(Debug)]
struct Fuse {
    left: AtomicU64,
}

impl Fuse {
    fn burn(&self) {
        if self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            std::process::abort();
        }
    }
}

#[derive(Debug)]
struct DyingTransport {
    inner: ReqwestTransport,
    fuse: Arc<Fuse>,
}

#[async_trait]
impl Transport for DyingTransport {
    async fn send(&self, request: WireRequest) -> std::result::Result<Response, TransportError> {
        self.fuse.burn();
        let answer = self.inner.send(request).await;
        self.fuse.burn();
        answer
    }
}

#[derive(Debug)]
struct DyingStore {
    inner: SqliteStore,
    fuse: Arc<Fuse>,
}

#[async_trait]
impl OrderStore for DyingStore {
    async fn order(&self, key: &OrderKey) -> Result<Option<Order>> {
        self.inner.order(key).await
    }
    async fn orders(&self, keys: &[OrderKey]) -> Result<Vec<Option<Order>>> {
        self.inner.orders(keys).await
    }
    async fn find(
        &self,
        filter: &OrderFilter,
        sort: OrderSort,
        now: DateTime<Utc>,
        offset: u64,
        limit: u32,
    ) -> Result<OrderPage> {
        self.inner.find(filter, sort, now, offset, limit).await
    }
    async fn open_orders(&self, after: Option<&OrderKey>, limit: u32) -> Result<Vec<OrderKey>> {
        self.inner.open_orders(after, limit).await
    }
    async fn log(&self, key: &OrderKey) -> Result<Vec<Event>> {
        self.inner.log(key).await
    }
    async fn commit(&self, commits: Vec<Commit>) -> Result<Vec<Committed>> {
        self.fuse.burn();
        let outcome = self.inner.commit(commits).await;
        self.fuse.burn();
        outcome
    }
    async fn erase(&self, erased: &Order) -> Result<bool> {
        self.inner.erase(erased).await
    }
}

#[async_trait]
impl Outbox for DyingStore {
    async fn claim(
        &self,
        worker: &str,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Intent>> {
        self.inner.claim(worker, now, until, limit).await
    }
    async fn claim_one(
        &self,
        key: &IdempotencyKey,
        worker: &str,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<bool> {
        self.inner.claim_one(key, worker, now, until).await
    }
    async fn postpone(&self, key: &IdempotencyKey, due_at: DateTime<Utc>) -> Result<()> {
        self.fuse.burn();
        self.inner.postpone(key, due_at).await
    }
    async fn resend(&self, key: &IdempotencyKey, at: DateTime<Utc>) -> Result<bool> {
        self.fuse.burn();
        self.inner.resend(key, at).await
    }
    async fn unsettled(&self) -> Result<Vec<Intent>> {
        self.inner.unsettled().await
    }
    async fn intent(&self, key: &IdempotencyKey) -> Result<Option<(Intent, Option<String>)>> {
        self.inner.intent(key).await
    }
}

#[async_trait]
impl Cursors for DyingStore {
    async fn horizon(&self, shop: &ShopKey) -> Result<Option<DateTime<Utc>>> {
        self.inner.horizon(shop).await
    }
    async fn reset_horizon(&self, shop: &ShopKey, to: DateTime<Utc>) -> Result<()> {
        self.inner.reset_horizon(shop, to).await
    }
    async fn advance(&self, shop: &ShopKey, to: DateTime<Utc>) -> Result<()> {
        self.fuse.burn();
        self.inner.advance(shop, to).await
    }
}

#[async_trait]
impl Quarantine for DyingStore {
    async fn quarantine(&self, entry: &QuarantineEntry) -> Result<()> {
        self.inner.quarantine(entry).await
    }
    async fn quarantined(&self) -> Result<Vec<QuarantineEntry>> {
        self.inner.quarantined().await
    }
    async fn release(&self, shop: &ShopKey, order: &PlatformOrderId) -> Result<()> {
        self.inner.release(shop, order).await
    }
}

#[async_trait]
impl Inbox for DyingStore {
    async fn receive(
        &self,
        shop: &ShopKey,
        notice: &WebhookNotice,
        now: DateTime<Utc>,
    ) -> Result<bool> {
        self.inner.receive(shop, notice, now).await
    }
    async fn pending(&self, shop: &ShopKey, limit: u32) -> Result<Vec<WebhookNotice>> {
        self.inner.pending(shop, limit).await
    }
    async fn processed(&self, shop: &ShopKey, event: &EventId) -> Result<()> {
        self.inner.processed(shop, event).await
    }
}

#[async_trait]
impl Fired for DyingStore {
    async fn fire(&self, key: &str, at: DateTime<Utc>) -> Result<bool> {
        self.inner.fire(key, at).await
    }
    async fn fired(&self, keys: &[String]) -> Result<Vec<Option<DateTime<Utc>>>> {
        self.inner.fired(keys).await
    }
}

#[async_trait]
impl Figures for DyingStore {
    async fn keep_figures(
        &self,
        shop: &ShopKey,
        at: DateTime<Utc>,
        figures: &[StatedFigure],
    ) -> Result<()> {
        self.inner.keep_figures(shop, at, figures).await
    }
    async fn figures(
        &self,
        shop: &ShopKey,
        from: DateTime<Utc>,
    ) -> Result<Vec<(DateTime<Utc>, StatedFigure)>> {
        self.inner.figures(shop, from).await
    }
}

#[async_trait]
impl Documents for DyingStore {
    async fn documents(
        &self,
        package: &PackageId,
        key: &IdempotencyKey,
    ) -> Result<Vec<StoredDocument>> {
        self.inner.documents(package, key).await
    }
}

const CHILD: &str = "ORDERFLOW_TEST_CHILD";

/// What a child does: recover, then the day from fetching to uploading.
#[test]
fn child_that_may_die() {
    let Ok(orders) = std::env::var(CHILD) else {
        println!("skipped: only runs as a child of the crash test");
        return;
    };
    let words: Vec<&str> = orders.split('|').collect();
    let [fuse, file, walmart, usps] = words.as_slice() else { panic!("four words") };
    let fuse = Arc::new(Fuse { left: AtomicU64::new(fuse.parse().unwrap()) });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = DyingStore { inner: SqliteStore::open(file).unwrap(), fuse: fuse.clone() };
        let transport =
            DyingTransport { inner: ReqwestTransport::new().unwrap(), fuse: fuse.clone() };
        let (engine, shop) = engine(
            Arc::new(store),
            &[(*walmart).to_owned(), (*usps).to_owned()],
            Arc::new(transport),
            Arc::new(VirtualClock::new(at(0))),
            policy(),
            RetryPolicy::none(),
        );
        let now = at(0);
        engine.recover(now).await.unwrap();
        engine.fetch_window(&shop, at(-12), now, now).await.unwrap();
        engine.advance(now).await.unwrap();
        let items = engine.awaiting_labels(now).await.unwrap();
        engine.buy_labels(&items, &BatchOptions::default(), now, |_| {}).await.unwrap();
        let items = engine
            .parcels_where(|_, package| package.shipped.is_none() && package.has_live_label())
            .await
            .unwrap();
        engine.mark_packed(&items, now).await.unwrap();
        engine.confirm_shipments(&items, now, now, |_| {}).await.unwrap();
        engine.recover(now).await.unwrap();
        assert!(engine.store().unsettled().await.unwrap().is_empty());
    });
}

fn child(fuse: u64, file: &std::path::Path, urls: &[String; 2]) -> bool {
    let words = format!("{fuse}|{}|{}|{}", file.display(), urls[0], urls[1]);
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::child_that_may_die", "--nocapture", "--test-threads", "1"])
        .env(CHILD, words)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap()
        .success()
}

#[test]
fn a_crash_at_any_boundary_loses_no_order_and_buys_no_second_label() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let _guard = runtime.enter();
    let mut boundaries = 0;
    for fuse in 1_u64..400 {
        let ledger = Ledger::new();
        let market = WalmartStandIn::new(ledger.clone());
        let sandbox = Sandbox::new(VirtualClock::new(at(0)), ledger.clone())
            .with(market.clone())
            .with(Arc::new(UspsStandIn::new(ledger.clone())));
        let server = runtime.block_on(sandbox.serve()).unwrap();
        let urls = [server.base_url("walmart"), server.base_url("usps")];
        for order in generate(3, 1, at(-12), at(0), &GenerateOptions::default()) {
            market.place(order);
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("orders.sqlite");
        let survived = child(fuse, &file, &urls);
        // Whoever takes over has no fuse.
        assert!(child(u64::MAX, &file, &urls), "after a crash at boundary {fuse}");
        assert_eq!(ledger.audit(&std::collections::BTreeSet::new()), [], "boundary {fuse}");
        assert_eq!(ledger.labels().len(), 1, "boundary {fuse}");
        assert!(!ledger.confirmations().is_empty(), "boundary {fuse}");
        if survived {
            break;
        }
        boundaries += 1;
    }
    // Token, list, acknowledge, rates, payment, label, shipping: each request and write twice.
    assert!(boundaries >= 20, "only {boundaries} boundaries were met");
    println!("{boundaries} boundaries, none lost or bought twice");
}
