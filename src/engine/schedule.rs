//! Doing whatever is due.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;

use super::cases::CasesRead;
use super::compare::Compared;
use super::figures::FiguresRead;
use super::round::{Part, Turn, Worked};
use super::{
    AdvanceReport, BatchOptions, CaseReport, ChannelReport, Comparison, Engine, InboxReport,
    ItemOutcome, OutboxReport, PackageRef, StoppedShop, SyncReport, TrackReport,
};
use crate::error::{Error, Result};
use crate::ids::ShopKey;
use crate::ports::StatedFigure;
use crate::rules::alert::Notification;

/// What a tick may do, and how often [`Engine::run`] calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Schedule {
    /// Pause between two ticks of [`Engine::run`]. Default 60 seconds.
    pub every: Duration,
    /// Whether labels are bought without a person, at the runs of
    /// [`EnginePolicy::print_slots`](super::EnginePolicy::print_slots) where there are some. Default
    /// no: it costs money.
    pub buy_labels: bool,
    /// Whether parcels that are packed are confirmed as shipped without a person. Default yes.
    pub confirm_packed: bool,
    /// How long a tick that has begun may go on once [`Engine::run`] is told to stop. Default 10
    /// seconds: what a supervisor commonly waits before it kills a process.
    pub grace: Duration,
    /// How often [`Engine::run`] compares the orders of each shop with the platform's list, first
    /// when it starts. Default a day; `None` never.
    pub compare_every: Option<Duration>,
    /// How many days back the orders were placed that are compared. Default 7.
    pub compare_days: u32,
    /// How often [`Engine::run`] reads what buyers ask for after the sale, first when it starts.
    /// Default 15 minutes; `None` never.
    pub cases_every: Option<Duration>,
    /// How many days back cases changed that are read when it starts. Default 30.
    pub case_days: u32,
    /// How often [`Engine::run`] reads the figures by which the platforms judge the seller, first
    /// when it starts. Default a day; `None` never.
    pub figures_every: Option<Duration>,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            every: Duration::from_secs(60),
            buy_labels: false,
            confirm_packed: true,
            grace: Duration::from_secs(10),
            compare_every: Some(Duration::from_secs(24 * 60 * 60)),
            compare_days: 7,
            cases_every: Some(Duration::from_secs(15 * 60)),
            case_days: 30,
            figures_every: Some(Duration::from_secs(24 * 60 * 60)),
        }
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

    /// Sets how long a tick may go on after [`Engine::run`] was told to stop.
    #[must_use]
    pub const fn with_grace(mut self, time: Duration) -> Self {
        self.grace = time;
        self
    }

    /// Sets how often the orders of each shop are compared with the platform's list, and how many
    /// days back.
    #[must_use]
    pub const fn with_comparison(mut self, every: Option<Duration>, days: u32) -> Self {
        self.compare_every = every;
        self.compare_days = days;
        self
    }

    /// Sets how often buyers' cases are read, and how many days back at the start.
    #[must_use]
    pub const fn with_cases(mut self, every: Option<Duration>, days: u32) -> Self {
        self.cases_every = every;
        self.case_days = days;
        self
    }

    /// Sets how often the platforms' figures are read.
    #[must_use]
    pub const fn with_figures(mut self, every: Option<Duration>) -> Self {
        self.figures_every = every;
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
    /// Shops whose orders were compared with the platform's list since the last report: by
    /// [`Engine::run`] alone.
    pub compared: Vec<(ShopKey, Comparison)>,
    /// Shops whose buyers' cases were read since the last report: by [`Engine::run`] alone.
    pub cases: Vec<(ShopKey, CaseReport)>,
    /// Shops whose figures were read since the last report: by [`Engine::run`] alone.
    pub figures: Vec<(ShopKey, Vec<StatedFigure>)>,
    /// Shops that are left alone because the platform refuses their credentials.
    pub stopped: Vec<StoppedShop>,
    /// Shops that gave no answer within their share: the rest of the tick went on without them.
    pub silent: BTreeSet<ShopKey>,
    /// Shops that had more to do than their share: the next tick goes on there.
    pub unfinished: BTreeSet<ShopKey>,
    /// What the staff must hear of, each stage once.
    pub alerts: Vec<Notification>,
    /// What did not work as a whole; the other parts went on.
    pub errors: Vec<Error>,
}

impl Engine {
    /// Does whatever is due at `now`: outbox, notifications, synchronisation of every shop, review,
    /// acknowledgement and allocation, purchases if wanted, confirmation of packed parcels,
    /// uploads, tracking, alerts. One part's failure never stops the others; call it again.
    ///
    /// No shop holds up the others for longer than its share
    /// ([`EnginePolicy::shop_share_seconds`](super::EnginePolicy)) in each part, and one that does
    /// not answer at all for longer than one share. Dropping the future is safe at any point, like a
    /// crash: what was under way is looked for by the next ticks.
    pub async fn tick(&self, schedule: &Schedule, now: DateTime<Utc>) -> TickReport {
        let mut report = TickReport::default();
        let round = self.round();
        match self.work_outbox_in(&round.part_with_others(), now).await {
            Ok(outbox) => report.outbox = outbox,
            Err(error) => report.errors.push(error),
        }
        match self.work_inbox_in(&round.part(), now).await {
            Ok(inbox) => report.inbox = inbox,
            Err(error) => report.errors.push(error),
        }
        report.synced = self.read_shops(&round.part(), now, &mut report.errors).await;
        match self.advance_in(&round.part_with_others(), now).await {
            Ok(advanced) => report.advanced = advanced,
            Err(error) => report.errors.push(error),
        }
        if schedule.buy_labels {
            match self.buy_due(&round.part_with_others(), now, &mut report.errors).await {
                Ok(bought) => report.labels_bought = bought,
                Err(error) => report.errors.push(error),
            }
        }
        if schedule.confirm_packed {
            match self.confirm_due(&round.part(), now, &mut report.errors).await {
                Ok(shipped) => report.shipped = shipped,
                Err(error) => report.errors.push(error),
            }
        }
        if let Err(error) = self.upload_due_in(&round.part(), now).await {
            report.errors.push(error);
        }
        match self.track(now).await {
            Ok(tracked) => report.tracked = tracked,
            Err(error) => report.errors.push(error),
        }
        match self.push_stock_in(&round.part_with_others(), now).await {
            Ok(channels) => report.channels = channels,
            Err(error) => report.errors.push(error),
        }
        (report.silent, report.unfinished) = round.end();
        report.stopped = self.stopped_shops();
        match self.alerts(now).await {
            Ok(alerts) => report.alerts = alerts,
            Err(error) => report.errors.push(error),
        }
        report
    }

    async fn buy_due(
        &self,
        part: &Part<'_>,
        now: DateTime<Utc>,
        errors: &mut Vec<Error>,
    ) -> Result<u64> {
        let mut items = self.due_for_labels(now).await?;
        items.retain(|item| !part.round.is_silent(&item.order.shop_key()));
        let turn = Turn::BeginWithin(part);
        let options = BatchOptions::default();
        let outcomes = self.buy_labels_in(turn, &items, &options, now, |_| {}).await?;
        Ok(done(&items, outcomes, errors))
    }

    async fn confirm_due(
        &self,
        part: &Part<'_>,
        now: DateTime<Utc>,
        errors: &mut Vec<Error>,
    ) -> Result<u64> {
        let mut items = self.packed(now).await?;
        items.retain(|item| !part.round.is_silent(&item.order.shop_key()));
        let turn = Turn::Share(part);
        let outcomes = self.confirm_shipments_in(turn, &items, now, now, |_| {}).await?;
        Ok(done(&items, outcomes, errors))
    }

    /// Begins every upload that the facts ask for but no intent stands for.
    ///
    /// # Errors
    /// Of the store or an adapter.
    pub async fn upload_due(&self, now: DateTime<Utc>) -> Result<u64> {
        self.upload_due_in(&self.round().part(), now).await
    }

    async fn upload_due_in(&self, part: &Part<'_>, now: DateTime<Utc>) -> Result<u64> {
        let mut due = self
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
        due.retain(|item| {
            let shop = item.order.shop_key();
            !self.is_stopped(&shop, now) && !part.round.is_silent(&shop)
        });
        let worked = self
            .per_shop(
                Turn::Share(part),
                due,
                |item: &PackageRef| item.order.shop_key(),
                |item| async move { self.begin_upload(&item.order, &item.package, now).await },
            )
            .await;
        let (mut uploaded, mut failure) = (0, None);
        for outcome in worked {
            match outcome {
                Worked::Done(Ok(begun)) => uploaded += u64::from(begun),
                Worked::Done(Err(error)) | Worked::Broken(error) => {
                    failure = failure.or(Some(error));
                }
                Worked::GivenUp | Worked::NotBegun => {}
            }
        }
        failure.map_or(Ok(uploaded), Err)
    }

    /// Recovers, each shop within its share ([`EnginePolicy::shop_share_seconds`](super::EnginePolicy)):
    /// what a slow one has left over is looked after by the ticks, and nothing of it is bought again
    /// before. Then ticks on the schedule until `shutdown` resolves. A tick that has begun then may
    /// go on for [`Schedule::grace`] and is dropped after it, which is as safe as a crash: what was
    /// under way is looked for at the next start. `clock` gives the time of each tick; `report` gets
    /// what each did. A tick after which a shop has more to do is followed by the next one at once.
    /// Beside the ticks, orders are compared with the platforms' lists ([`Engine::compare_due`]), and
    /// buyers' cases and the platforms' figures are read ([`Engine::cases_due`],
    /// [`Engine::figures_due`]).
    ///
    /// Needs a tokio runtime with its timer.
    ///
    /// # Errors
    /// When the store does not say at the start which intents are open: nothing must be bought then.
    pub async fn run(
        &self,
        schedule: &Schedule,
        shutdown: impl Future<Output = ()> + Send,
        clock: impl Fn() -> DateTime<Utc> + Send,
        mut report: impl FnMut(TickReport) + Send,
    ) -> Result<()> {
        let mut shutdown = std::pin::pin!(shutdown);
        let round = self.round();
        let part = round.part_with_others();
        let recovery = self.recover_in(Turn::Share(&part), clock());
        let (recovered, told) = within_grace(recovery, shutdown.as_mut(), schedule.grace).await;
        recovered.transpose()?;
        if told {
            return Ok(());
        }
        let mut beside = Beside::default();
        loop {
            let now = clock();
            beside.begin_due(self, schedule, now);
            let tick = beside.go_on_during(self.tick(schedule, now));
            let (done, told) = within_grace(tick, shutdown.as_mut(), schedule.grace).await;
            let has_more = done.as_ref().is_some_and(|done| !done.unfinished.is_empty());
            if let Some(mut done) = done {
                beside.tell(&mut done);
                report(done);
            }
            if told {
                return Ok(());
            }
            let pause = if has_more { Duration::ZERO } else { schedule.every };
            let pause = beside.go_on_during(tokio::time::sleep(pause));
            tokio::select! {
                () = &mut shutdown => return Ok(()),
                () = pause => {}
            }
        }
    }
}

/// What goes on beside the ticks and may take longer than one.
#[derive(Default)]
struct Beside<'a> {
    underway: FuturesUnordered<BoxFuture<'a, Found>>,
    comparing: bool,
    reading_cases: bool,
    reading_figures: bool,
    found: Vec<Found>,
}

enum Found {
    Compared(Compared),
    Cases(CasesRead),
    Figures(FiguresRead),
}

impl<'a> Beside<'a> {
    /// Begins what is due and not under way.
    fn begin_due(&mut self, engine: &'a Engine, schedule: &'a Schedule, now: DateTime<Utc>) {
        if !self.comparing && engine.has_to_compare(schedule, now) {
            self.comparing = true;
            let work = async move { Found::Compared(engine.compare_due(schedule, now).await) };
            self.underway.push(Box::pin(work));
        }
        if !self.reading_cases && engine.has_cases_to_read(schedule, now) {
            self.reading_cases = true;
            let work = async move { Found::Cases(engine.cases_due(schedule, now).await) };
            self.underway.push(Box::pin(work));
        }
        if !self.reading_figures && engine.has_figures_to_read(schedule, now) {
            self.reading_figures = true;
            let work = async move { Found::Figures(engine.figures_due(schedule, now).await) };
            self.underway.push(Box::pin(work));
        }
    }

    /// Awaits work, and meanwhile goes on with what is under way.
    async fn go_on_during<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        while !self.underway.is_empty() {
            tokio::select! {
                biased;
                done = &mut work => return done,
                Some(found) = self.underway.next() => {
                    match &found {
                        Found::Compared(_) => self.comparing = false,
                        Found::Cases(_) => self.reading_cases = false,
                        Found::Figures(_) => self.reading_figures = false,
                    }
                    self.found.push(found);
                }
            }
        }
        work.await
    }

    /// Adds what was found since the last report.
    fn tell(&mut self, report: &mut TickReport) {
        for found in self.found.drain(..) {
            let errors = &mut report.errors;
            match found {
                Found::Compared(shops) => report.compared.extend(good(shops, errors)),
                Found::Cases(shops) => report.cases.extend(good(shops, errors)),
                Found::Figures(shops) => report.figures.extend(good(shops, errors)),
            }
        }
    }
}

/// What worked; the rest is told with its shop.
fn good<T>(shops: Vec<(ShopKey, Result<T>)>, errors: &mut Vec<Error>) -> Vec<(ShopKey, T)> {
    let mut good = Vec::with_capacity(shops.len());
    for (shop, outcome) in shops {
        match outcome {
            Ok(value) => good.push((shop, value)),
            Err(error) => errors.push(error.with_context("shop", shop)),
        }
    }
    good
}

/// Awaits work; once told to stop, only for so long. Returns what it came to, unless it was dropped,
/// and whether it was told to stop.
async fn within_grace<T>(
    work: impl Future<Output = T>,
    mut shutdown: Pin<&mut (impl Future<Output = ()> + Send)>,
    grace: Duration,
) -> (Option<T>, bool) {
    let mut work = std::pin::pin!(work);
    tokio::select! {
        biased;
        done = &mut work => (Some(done), false),
        () = &mut shutdown => (tokio::time::timeout(grace, work).await.ok(), true),
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
