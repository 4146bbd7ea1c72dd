//! Doing whatever is due.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{
    AdvanceReport, BatchOptions, ChannelReport, Engine, InboxReport, ItemOutcome, OutboxReport,
    PackageRef, StoppedShop, SyncReport, TrackReport,
};
use crate::error::{Error, Result};
use crate::ids::ShopKey;
use crate::rules::alert::Notification;

/// What a tick may do, and how often [`Engine::run`] calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Schedule {
    /// Pause between two ticks of [`Engine::run`]. Default 60 seconds.
    pub every: Duration,
    /// Whether labels are bought without a person. Default no: it costs money.
    pub buy_labels: bool,
    /// Whether parcels that are packed are confirmed as shipped without a person. Default yes.
    pub confirm_packed: bool,
}

impl Default for Schedule {
    fn default() -> Self {
        Self { every: Duration::from_secs(60), buy_labels: false, confirm_packed: true }
    }
}

impl Schedule {
    /// Sets the pause between two ticks.
    #[must_use]
    pub const fn with_every(mut self, pause: Duration) -> Self {
        self.every = pause;
        self
    }

    /// Sets whether labels are bought without a person.
    #[must_use]
    pub const fn with_buy_labels(mut self, buy: bool) -> Self {
        self.buy_labels = buy;
        self
    }

    /// Sets whether packed parcels are confirmed without a person.
    #[must_use]
    pub const fn with_confirm_packed(mut self, confirm: bool) -> Self {
        self.confirm_packed = confirm;
        self
    }
}

/// What a tick did.
#[derive(Debug, Default)]
pub struct TickReport {
    /// Notifications worked on.
    pub inbox: InboxReport,
    /// Per shop that was due, what reading it brought.
    pub synced: Vec<(ShopKey, SyncReport)>,
    /// Outbox.
    pub outbox: OutboxReport,
    /// Orders taken further.
    pub advanced: AdvanceReport,
    /// Labels bought.
    pub labels_bought: u64,
    /// Parcels confirmed as shipped.
    pub shipped: u64,
    /// Parcels followed.
    pub tracked: TrackReport,
    /// Stock levels told to the shops.
    pub channels: ChannelReport,
    /// Shops that are left alone because the platform refuses their credentials.
    pub stopped: Vec<StoppedShop>,
    /// What the staff must hear of, each stage once.
    pub alerts: Vec<Notification>,
    /// What did not work as a whole; the other parts went on.
    pub errors: Vec<Error>,
}

impl Engine {
    /// Does whatever is due at `now`: outbox, notifications, synchronisation of every shop, review,
    /// acknowledgement and allocation, purchases if wanted, confirmation of packed parcels,
    /// uploads, tracking, alerts. One part's failure never stops the others; call it again.
    pub async fn tick(&self, schedule: &Schedule, now: DateTime<Utc>) -> TickReport {
        let mut report = TickReport::default();
        match self.work_outbox(now).await {
            Ok(outbox) => report.outbox = outbox,
            Err(error) => report.errors.push(error),
        }
        match self.work_inbox(now).await {
            Ok(inbox) => report.inbox = inbox,
            Err(error) => report.errors.push(error),
        }
        report.synced = self.read_shops(now, &mut report.errors).await;
        match self.advance(now).await {
            Ok(advanced) => report.advanced = advanced,
            Err(error) => report.errors.push(error),
        }
        if schedule.buy_labels {
            match self.buy_due(now, &mut report.errors).await {
                Ok(bought) => report.labels_bought = bought,
                Err(error) => report.errors.push(error),
            }
        }
        if schedule.confirm_packed {
            match self.confirm_due(now, &mut report.errors).await {
                Ok(shipped) => report.shipped = shipped,
                Err(error) => report.errors.push(error),
            }
        }
        if let Err(error) = self.upload_due(now).await {
            report.errors.push(error);
        }
        match self.track(now).await {
            Ok(tracked) => report.tracked = tracked,
            Err(error) => report.errors.push(error),
        }
        match self.push_stock(now).await {
            Ok(channels) => report.channels = channels,
            Err(error) => report.errors.push(error),
        }
        report.stopped = self.stopped_shops();
        match self.alerts(now).await {
            Ok(alerts) => report.alerts = alerts,
            Err(error) => report.errors.push(error),
        }
        report
    }

    async fn buy_due(&self, now: DateTime<Utc>, errors: &mut Vec<Error>) -> Result<u64> {
        let items = self.awaiting_labels(now).await?;
        let outcomes = self.buy_labels(&items, &BatchOptions::default(), now, |_| {}).await?;
        Ok(done(&items, outcomes, errors))
    }

    async fn confirm_due(&self, now: DateTime<Utc>, errors: &mut Vec<Error>) -> Result<u64> {
        let items = self.packed(now).await?;
        let outcomes = self.confirm_shipments(&items, now, now, |_| {}).await?;
        Ok(done(&items, outcomes, errors))
    }

    /// Begins every upload that the facts ask for but no intent stands for.
    ///
    /// # Errors
    /// Of the store or an adapter.
    pub async fn upload_due(&self, now: DateTime<Utc>) -> Result<u64> {
        let due = self
            .parcels_where(|order, package| {
                package.shipped.is_some()
                    && !order.is_held(now)
                    && matches!(
                        package.upload.state,
                        crate::shipment::UploadState::Pending
                            | crate::shipment::UploadState::UpdatePending
                    )
            })
            .await?;
        let done = self
            .per_shop(
                due.into_iter()
                    .filter(|item| !self.is_stopped(&item.order.shop_key(), now))
                    .collect(),
                |item: &PackageRef| item.order.shop_key(),
                |item| async move { self.begin_upload(&item.order, &item.package, now).await },
            )
            .await;
        let mut uploaded = 0;
        for one in done {
            uploaded += u64::from(one?);
        }
        Ok(uploaded)
    }

    /// Recovers, then ticks on the schedule until `shutdown` resolves. A tick that has begun is
    /// finished first. `clock` gives the time of each tick; `report` gets what each did.
    ///
    /// # Errors
    /// When recovery at the start fails: nothing must be bought before it has been done.
    pub async fn run(
        &self,
        schedule: &Schedule,
        shutdown: impl Future<Output = ()> + Send,
        clock: impl Fn() -> DateTime<Utc> + Send,
        mut report: impl FnMut(TickReport) + Send,
    ) -> Result<()> {
        self.recover(clock()).await?;
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            report(self.tick(schedule, clock()).await);
            tokio::select! {
                () = &mut shutdown => return Ok(()),
                () = tokio::time::sleep(schedule.every) => {}
            }
        }
    }
}

/// How many items are done. What failed is told, with the order it belongs to.
fn done<T>(items: &[PackageRef], outcomes: Vec<ItemOutcome<T>>, errors: &mut Vec<Error>) -> u64 {
    let mut done = 0;
    for (item, outcome) in items.iter().zip(outcomes) {
        match outcome {
            ItemOutcome::Done(_) => done += 1,
            ItemOutcome::Failed(error) => errors.push(error.with_context("order", &item.order)),
            _ => {}
        }
    }
    done
}
