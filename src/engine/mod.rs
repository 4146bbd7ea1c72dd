//! The engine: plans are pure, effects are written down before they are sent.
//!
//! ```text
//! plan(&Order, &Facts, now) → steps      pure
//! write intent (with its key) → send → write result
//! on start-up, or when an answer was lost: recover by key
//! ```
//!
//! The host owns time and threads. Every call takes `now`; [`Engine::tick`] does whatever is due,
//! [`Engine::run`] calls it on a schedule until told to stop. Acknowledgements are not written down
//! first: doing one twice is success on every platform, so it is planned again from facts. Label
//! purchases, voids, shipment confirmations and stock that leaves are, because they are not.
//!
//! What platforms and carriers send by themselves comes in by [`Engine::receive`] and
//! [`Engine::receive_tracking`], and ends where reading and asking end: again, late or in any order it
//! does no harm.
//!
//! Calls over many shops bound the time of each ([`EnginePolicy::shop_share_seconds`],
//! [`EnginePolicy::patience_seconds`]); they need a tokio runtime with its timer. The future of any
//! call may be dropped at any point: it is as if the process had crashed there.

mod advance;
mod alert;
mod bulk;
mod cases;
mod channels;
mod commit;
mod compare;
mod day_end;
mod duplicates;
mod figures;
mod inbox;
mod ingest;
mod labels;
mod outbox;
mod plan;
mod platform_label;
#[cfg(feature = "documents")]
mod print;
mod quotes;
mod report;
mod round;
mod scan;
mod schedule;
mod shared_number;
mod ship;
mod shops;
mod straight;
mod time;
mod track;
mod void;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};

pub use advance::{AdvanceReport, Trouble};
pub use cases::CaseReport;
pub use channels::ChannelReport;
pub use compare::Comparison;
pub use day_end::{DayEnd, DayEndOutcome};
pub use inbox::{InboxReport, Received};
pub use ingest::SyncReport;
pub use labels::{BatchOptions, ItemOutcome, PackageRef, Progress};
pub use outbox::OutboxReport;
pub use plan::{Facts, Step, plan};
#[cfg(feature = "documents")]
pub use print::PrintReport;
pub use report::{PickItem, PickParcel};
pub use schedule::{Schedule, TickReport};
pub use ship::UploadTiming;
pub use shops::StoppedShop;
pub use straight::{StraightOptions, StraightReport};
pub use track::{TrackReport, TrackingReceived};

use self::shops::ShopState;
use crate::calendar::WorkCalendar;
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{CarrierId, IdempotencyKey, PackageId, ShopKey, Sku};
use crate::order::{CompletionPolicy, LifecyclePolicy};
use crate::ports::store::Store;
use crate::ports::{CarrierAdapter, Listing, MarketplaceAdapter, Stock};
use crate::rules::alert::AlertPolicy;
use crate::rules::{
    AllocationPolicy, CustomsBook, ExceptionPolicy, PollPlan, PrintSlots, ReviewPolicy,
    RoutePolicy, RouteRule, SlaRules, TrackPollPolicy, VoidWindow,
};
use crate::shipment::{CarrierService, LabelFormat};
use crate::warehouse::Warehouse;

/// A shop: an account on a platform and what its seller decided.
#[derive(Debug, Clone)]
pub struct Shop {
    /// Identity.
    pub key: ShopKey,
    /// The account.
    pub adapter: Arc<dyn MarketplaceAdapter>,
    /// Deadline rules.
    pub sla: SlaRules,
    /// Review.
    pub review: ReviewPolicy,
    /// When orders are completed. Default: on delivery.
    pub completion: CompletionPolicy,
    /// When shipment is confirmed and the platform told. Default: once the parcel is packed.
    pub upload_timing: UploadTiming,
    /// The shop's own working days and zone, for reports.
    pub calendar: WorkCalendar,
    /// How far back the first synchronisation looks, in hours. Default 7 days.
    pub first_look_hours: u32,
    /// How often a tick reads it, see [`poll_plan`](crate::rules::poll_plan). Default: at every tick.
    pub poll: Option<PollPlan>,
    /// Minutes after which open orders are read again one by one, on platforms whose lists do not
    /// show every change. Default 30.
    pub reread_minutes: u32,
    /// What it offers, and under which listing where the platform counts stock by listing: these
    /// levels are told when stock moves. Default: nothing.
    pub offers: BTreeMap<Sku, Option<Listing>>,
}

impl Shop {
    /// A shop with default decisions, in a zone of its own.
    #[must_use]
    pub fn new(key: ShopKey, adapter: Arc<dyn MarketplaceAdapter>, calendar: WorkCalendar) -> Self {
        Self {
            key,
            adapter,
            sla: SlaRules::default(),
            review: ReviewPolicy::default(),
            completion: CompletionPolicy::default(),
            upload_timing: UploadTiming::default(),
            calendar,
            first_look_hours: 7 * 24,
            poll: None,
            reread_minutes: 30,
            offers: BTreeMap::new(),
        }
    }

    /// Sets the deadline rules.
    #[must_use]
    pub fn with_sla(mut self, sla: SlaRules) -> Self {
        self.sla = sla;
        self
    }

    /// Sets what the seller decided about reviews.
    #[must_use]
    pub fn with_review(mut self, review: ReviewPolicy) -> Self {
        self.review = review;
        self
    }

    /// Sets how often a tick reads it.
    #[must_use]
    pub const fn with_poll(mut self, plan: PollPlan) -> Self {
        self.poll = Some(plan);
        self
    }

    /// Sets what it offers: levels of these SKUs are told when stock moves.
    #[must_use]
    pub fn with_offers(mut self, offers: impl IntoIterator<Item = (Sku, Option<Listing>)>) -> Self {
        self.offers = offers.into_iter().collect();
        self
    }

    /// Sets when orders are completed.
    #[must_use]
    pub const fn with_completion(mut self, completion: CompletionPolicy) -> Self {
        self.completion = completion;
        self
    }

    /// Sets when shipment is confirmed and the platform told.
    #[must_use]
    pub const fn with_upload_timing(mut self, timing: UploadTiming) -> Self {
        self.upload_timing = timing;
        self
    }
}

/// A carrier account and the services bought through it.
#[derive(Debug, Clone)]
pub struct Carrier {
    /// The account.
    pub adapter: Arc<dyn CarrierAdapter>,
    /// The services that may be used.
    pub services: Vec<CarrierService>,
    /// The host's name of the account, printed nowhere.
    pub account: Option<String>,
}

impl Carrier {
    /// A carrier with the services that may be used.
    #[must_use]
    pub const fn new(adapter: Arc<dyn CarrierAdapter>, services: Vec<CarrierService>) -> Self {
        Self { adapter, services, account: None }
    }
}

/// What a host decides for all shops.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EnginePolicy {
    /// The lifecycle.
    pub lifecycle: LifecyclePolicy,
    /// Allocation.
    pub allocation: AllocationPolicy,
    /// Routing.
    pub route: RoutePolicy,
    /// Routing rules.
    pub route_rules: Vec<RouteRule>,
    /// Exceptions.
    pub exceptions: ExceptionPolicy,
    /// Alerts.
    pub alerts: AlertPolicy,
    /// How often carriers are asked about parcels.
    pub tracking: TrackPollPolicy,
    /// Whether carriers are asked for prices before a service is chosen. Default yes.
    pub ask_for_quotes: bool,
    /// The language of labels.
    pub label_format: LabelFormat,
    /// What customs asks of goods, for parcels that cross a border.
    pub customs: CustomsBook,
    /// When a tick that may buy labels buys them, in each shop's zone: an order waits for the first
    /// run after it was paid, unless the next one would come after its ship-by. Default: at every tick.
    /// Calls that name their parcels do not wait.
    pub print_slots: Option<PrintSlots>,
    /// Until when carriers take labels back. A void that is surely too late is not sent. Default: the
    /// dated presets.
    pub void_windows: Vec<VoidWindow>,
    /// How far windows of synchronisation overlap, in minutes. Default 10.
    pub overlap_minutes: u32,
    /// Orders worked on at once. Default 16.
    pub concurrency: usize,
    /// How long a worker may keep an intent before another may take it, in seconds. Default 300.
    pub lease_seconds: u32,
    /// Pause before an upload that did not work is tried again, in seconds. Default 30.
    pub upload_pause_seconds: u32,
    /// Pause before a shop that refused its credentials is tried again, in minutes. Default 15.
    pub credential_pause_minutes: u32,
    /// How long one shop may keep each part of a tick (reading, acknowledging, uploading …) waiting,
    /// in seconds, at least 1. What it has not done by then it goes on with at the next tick, where
    /// it stopped; the orders of the others are worked on meanwhile. Default 30: with a tick a
    /// minute, uploads of the other shops stay within their 2 minutes while one shop hangs. An
    /// adapter of which a single call takes longer never gets on: give it more.
    pub shop_share_seconds: u32,
    /// How long a batch waits for the next answer of a shop or carrier before its other items there
    /// are given up, in seconds, at least 1: for calls that a host or a purchase waits for. Default
    /// 150: longer than a call with all its repetitions takes
    /// (two minutes with the crate's own HTTP stack), so that only adapters without bounds of
    /// their own are cut short.
    pub patience_seconds: u32,
}

impl Default for EnginePolicy {
    fn default() -> Self {
        Self {
            lifecycle: LifecyclePolicy::default(),
            allocation: AllocationPolicy::default(),
            route: RoutePolicy::default(),
            route_rules: Vec::new(),
            exceptions: ExceptionPolicy::default(),
            alerts: AlertPolicy::default(),
            tracking: TrackPollPolicy::default(),
            ask_for_quotes: true,
            label_format: LabelFormat::Pdf,
            customs: CustomsBook::default(),
            print_slots: None,
            void_windows: VoidWindow::presets(),
            overlap_minutes: 10,
            concurrency: 16,
            lease_seconds: 300,
            upload_pause_seconds: 30,
            credential_pause_minutes: 15,
            shop_share_seconds: 30,
            patience_seconds: 150,
        }
    }
}

struct Inner {
    store: Arc<dyn Store>,
    stock: Arc<dyn Stock>,
    shops: BTreeMap<ShopKey, Shop>,
    carriers: BTreeMap<CarrierId, Carrier>,
    warehouses: Vec<Warehouse>,
    policy: EnginePolicy,
    worker: String,
    /// When carriers were asked about parcels without news.
    asked: Mutex<HashMap<PackageId, DateTime<Utc>>>,
    purchases: Mutex<Purchases>,
    states: Mutex<BTreeMap<ShopKey, ShopState>>,
}

/// Purchases of this process.
#[derive(Default)]
struct Purchases {
    /// Parcels that somebody is buying for at this moment.
    under_way: HashSet<PackageId>,
    /// Purchases whose answer this process awaited itself: it may look for them before others may.
    begun_here: HashSet<IdempotencyKey>,
}

/// Runs orders from import to completion. Cheap to clone; all clones share everything.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("shops", &self.0.shops.keys().collect::<Vec<_>>())
            .field("carriers", &self.0.carriers.keys().collect::<Vec<_>>())
            .field("worker", &self.0.worker)
            .finish_non_exhaustive()
    }
}

/// Builds an [`Engine`].
#[must_use]
pub struct EngineBuilder(Inner, Vec<String>);

impl fmt::Debug for EngineBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EngineBuilder")
    }
}

impl EngineBuilder {
    /// Adds a shop.
    pub fn shop(mut self, shop: Shop) -> Self {
        let key = shop.key.clone();
        if shop.adapter.platform() != key.platform {
            let adapter = shop.adapter.platform();
            self.1.push(format!("the adapter of shop {key} is for platform {adapter}"));
        }
        if self.0.shops.insert(key.clone(), shop).is_some() {
            self.1.push(format!("shop {key} occurs twice"));
        }
        self
    }

    /// Adds a carrier.
    pub fn carrier(mut self, carrier: Carrier) -> Self {
        let id = carrier.adapter.carrier();
        if self.0.carriers.insert(id.clone(), carrier).is_some() {
            self.1.push(format!("carrier {id} occurs twice"));
        }
        self
    }

    /// Adds a warehouse.
    pub fn warehouse(mut self, warehouse: Warehouse) -> Self {
        self.0.warehouses.push(warehouse);
        self
    }

    /// Sets what the host decides for all shops.
    pub fn policy(mut self, policy: EnginePolicy) -> Self {
        self.0.policy = policy;
        self
    }

    /// Names this worker among several on one store. They must have
    /// different names. Default: one that no other process has.
    pub fn worker(mut self, name: impl Into<String>) -> Self {
        self.0.worker = name.into();
        self
    }

    /// Builds the engine.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] when there is no shop, a shop's adapter is for another platform,
    /// a shop, carrier or warehouse occurs twice, a service belongs to another carrier, or a bound is
    /// zero.
    pub fn build(self) -> Result<Engine> {
        let Self(inner, mistakes) = self;
        let wrong = |message: String| Err(Error::new(ErrorKind::Configuration, message));
        if let Some(mistake) = mistakes.into_iter().next() {
            return wrong(mistake);
        }
        if inner.shops.is_empty() {
            return wrong("the engine has no shop".into());
        }
        if inner.policy.concurrency == 0 {
            return wrong("concurrency must be at least 1".into());
        }
        if inner.policy.shop_share_seconds == 0 || inner.policy.patience_seconds == 0 {
            return wrong("a shop's share and the patience must be at least 1 second".into());
        }
        let mut ids = std::collections::BTreeSet::new();
        if let Some(twice) = inner.warehouses.iter().find(|warehouse| !ids.insert(&warehouse.id)) {
            return wrong(format!("warehouse {} occurs twice", twice.id));
        }
        for (id, carrier) in &inner.carriers {
            if let Some(odd) = carrier.services.iter().find(|service| service.key.carrier != *id) {
                return wrong(format!("service {} does not belong to carrier {id}", odd.key));
            }
        }
        Ok(Engine(Arc::new(inner)))
    }
}

/// A name that no other process has: workers are told apart by it.
fn worker_name() -> String {
    let started = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    format!("worker-{}-{:x}", std::process::id(), started.as_nanos())
}

impl Engine {
    /// Starts building an engine over a store and a stock system.
    pub fn builder(store: Arc<dyn Store>, stock: Arc<dyn Stock>) -> EngineBuilder {
        EngineBuilder(
            Inner {
                store,
                stock,
                shops: BTreeMap::new(),
                carriers: BTreeMap::new(),
                warehouses: Vec::new(),
                policy: EnginePolicy::default(),
                worker: worker_name(),
                asked: Mutex::default(),
                purchases: Mutex::default(),
                states: Mutex::default(),
            },
            Vec::new(),
        )
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.0.store
    }

    /// The shops.
    pub fn shops(&self) -> impl Iterator<Item = &Shop> {
        self.0.shops.values()
    }

    /// What the host decided.
    #[must_use]
    pub fn policy(&self) -> &EnginePolicy {
        &self.0.policy
    }

    fn shop(&self, key: &ShopKey) -> Result<&Shop> {
        self.0.shops.get(key).ok_or_else(|| {
            Error::new(ErrorKind::Configuration, format!("the engine has no shop {key}"))
        })
    }

    fn carrier(&self, id: &CarrierId) -> Result<&Carrier> {
        self.0.carriers.get(id).ok_or_else(|| {
            Error::new(ErrorKind::Configuration, format!("the engine has no carrier {id}"))
        })
    }

    /// Sets anew until when a shop counts as read, also backwards: after a wrong clock moved it into
    /// the future, reading refuses to go on.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`].
    pub async fn reset_horizon(&self, shop: &ShopKey, to: DateTime<Utc>) -> Result<()> {
        self.0.store.reset_horizon(shop, to).await
    }

    /// Until when everything the platform says about a shop is known here.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`].
    pub async fn known_until(&self, shop: &ShopKey) -> Result<Option<DateTime<Utc>>> {
        self.0.store.horizon(shop).await
    }
}
