//! What buyers ask for after the sale, read from every shop and written to its orders.

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future;

use super::commit::Alongside;
use super::ingest::endless;
use super::round::contained;
use super::time::{earlier, later};
use super::{Engine, Schedule};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{OrderKey, ShopKey};
use crate::order::{Action, Actor, AfterSaleCase, CaseKind, OrderCase};
use crate::ports::{PageWalk, PlatformItem, Unreadable};

/// A window begins this long before the end of the last one: platforms show what changed with some
/// delay, and a case that changes while its list is read may move to another page.
const OVERLAP: TimeDelta = TimeDelta::minutes(30);

/// What reading the cases of a shop brought.
#[derive(Debug, Default)]
pub struct CaseReport {
    /// Cases that the platform listed.
    pub read: u64,
    /// Of these, new or changed ones.
    pub changed: u64,
    /// Cases that belong to no order of the store: the platform names none, or one that was never
    /// imported. Nobody else will tell of them.
    pub unmatched: Vec<AfterSaleCase>,
    /// Cases that could not be read, each with the reason.
    pub unreadable: Vec<Unreadable>,
    /// Why the orders of some cases could not be read for now: the next reading goes over the same
    /// window again.
    pub errors: Vec<Error>,
}

/// Shops and what reading their cases brought.
pub(super) type CasesRead = Vec<(ShopKey, Result<CaseReport>)>;

impl Engine {
    /// Reads the cases of every shop whose platform has some and that is due by
    /// [`Schedule::cases_every`]. [`Engine::run`] does this beside its ticks; a host that calls
    /// [`Engine::tick`] by itself calls it now and then.
    pub async fn cases_due(
        &self,
        schedule: &Schedule,
        now: DateTime<Utc>,
    ) -> Vec<(ShopKey, Result<CaseReport>)> {
        let Some(pause) = schedule.cases_every else { return Vec::new() };
        let pause = TimeDelta::from_std(pause).unwrap_or(TimeDelta::MAX);
        let begin = earlier(now, TimeDelta::days(i64::from(schedule.case_days)));
        let due = self.0.shops.keys().filter(|shop| self.may_read_cases(shop, now));
        let read = future::join_all(due.map(|shop| async move {
            let known = self.shop_states().get(shop).and_then(|state| state.cases_until);
            let from = known.map_or(begin, |until| earlier(until, OVERLAP).max(begin));
            let reading = self.read_cases(shop, from, now, now);
            (shop, contained(shop, "list_cases", reading).await.and_then(|report| report))
        }))
        .await;
        let mut told = CasesRead::new();
        for (shop, outcome) in read {
            let mut states = self.shop_states();
            let state = states.entry(shop.clone()).or_default();
            state.cases_at = Some(later(now, pause));
            if outcome.as_ref().is_ok_and(|report| report.errors.is_empty()) {
                state.cases_until = Some(now);
            }
            drop(states);
            if let Err(error) = &outcome {
                self.stop_if_refused(shop, error, now);
            }
            told.push((shop.clone(), outcome));
        }
        told
    }

    /// Whether the cases of any shop are due to be read.
    pub(super) fn has_cases_to_read(&self, schedule: &Schedule, now: DateTime<Utc>) -> bool {
        schedule.cases_every.is_some()
            && self.0.shops.keys().any(|shop| self.may_read_cases(shop, now))
    }

    fn may_read_cases(&self, shop: &ShopKey, now: DateTime<Utc>) -> bool {
        let able = self.0.shops.get(shop).is_some_and(|known| known.adapter.after_sale().is_some());
        let next = self.shop_states().get(shop).and_then(|state| state.cases_at);
        able && !self.is_stopped(shop, now) && next.is_none_or(|next| next <= now)
    }

    /// Reads the cases changed in `[from, to)` and writes them to their orders: complaints and
    /// whatever waits for the seller are [exceptions](Engine::exceptions) until they are closed,
    /// a wish to cancel holds its order, and claims and disputes count in KPI-05 and KPI-20.
    /// Answering is [`AfterSale::answer`](crate::ports::AfterSale::answer) of the shop's adapter.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] when the platform shows no cases; of the list or the store;
    /// [`ErrorKind::UnexpectedAnswer`] when the list does not end.
    pub async fn read_cases(
        &self,
        shop: &ShopKey,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<CaseReport> {
        let known = self.shop(shop)?;
        let Some(ability) = known.adapter.after_sale() else {
            return Err(Error::unsupported("the platform shows no cases of buyers"));
        };
        let mut report = CaseReport::default();
        let mut walk = PageWalk::new();
        loop {
            let asked = ability.cases(from, to, walk.cursor());
            let page = self.patiently(shop, "list_cases", asked).await?;
            for item in page.items {
                match item {
                    PlatformItem::Read(case) => {
                        report.read += 1;
                        Box::pin(self.take_case(shop, *case, now, &mut report)).await?;
                    }
                    PlatformItem::Unreadable(unreadable) => report.unreadable.push(unreadable),
                }
            }
            if !walk.go_on(page.next).map_err(|list| endless(list, shop, "list_cases"))? {
                return Ok(report);
            }
        }
    }

    async fn take_case(
        &self,
        shop: &ShopKey,
        case: AfterSaleCase,
        now: DateTime<Utc>,
        report: &mut CaseReport,
    ) -> Result<()> {
        let Some(order) = case.order.clone() else {
            report.unmatched.push(case);
            return Ok(());
        };
        let key = OrderKey::new(shop.platform.clone(), shop.shop.clone(), order);
        let known = self.0.store.order(&key).await?;
        // A wish that is over was granted or taken back, and the case does not say which: the order
        // does, and nothing of it may leave before it was asked.
        let ends_wish = |known: &OrderCase| {
            known.case.id == case.id && known.case.open && known.case.kind == CaseKind::Cancellation
        };
        let must_ask = match &known {
            Some(order) => !case.open && order.cases.iter().any(ends_wish),
            // The store may know it by the id of its pack, or not at all.
            None => true,
        };
        if !must_ask {
            report.changed += u64::from(self.write_case(&key, &case, now).await?);
            return Ok(());
        }
        // On the heap: a future within futures grows with each, and threads have small stacks.
        let read = self.patiently(shop, "get_order", Box::pin(self.refresh(&key, now)));
        match contained(shop, "get_order", read).await.and_then(|read| read) {
            Ok(order) => {
                report.changed += u64::from(self.write_case(&order.key, &case, now).await?);
            }
            Err(error) if error.kind() == ErrorKind::AuthRejected => return Err(error),
            // The platform does not show it: what the case says is all there is.
            Err(error) if error.kind() == ErrorKind::NotFound && known.is_some() => {
                report.changed += u64::from(self.write_case(&key, &case, now).await?);
            }
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::NotFound
                        | ErrorKind::Rejected
                        | ErrorKind::InvalidInput
                        | ErrorKind::Unsupported
                ) =>
            {
                report.unmatched.push(case);
            }
            // It cannot be read for now, or not as it is: the window is read again.
            Err(error) => {
                let error = error.with_context("order", &key);
                report.errors.push(error.with_context("case", &case.id));
            }
        }
        Ok(())
    }

    /// Writes how a case stands to its order, unless the order knows it.
    async fn write_case(
        &self,
        key: &OrderKey,
        case: &AfterSaleCase,
        now: DateTime<Utc>,
    ) -> Result<bool> {
        let changed = self
            .change(key, None, &Actor::Platform, now, |order| {
                let mut case = case.clone();
                if order.erased_at.is_some() {
                    case.reason = None;
                }
                let known = order.cases.iter().map(|known| &known.case).any(|known| {
                    let newer = matches!(
                        (known.updated_at, case.updated_at),
                        (Some(known), Some(read)) if known > read
                    );
                    known.id == case.id && (newer || *known == case)
                });
                let action = Action::CaseSeen { case: Box::new(case) };
                Ok((!known).then(|| (vec![action], Alongside::default(), ())))
            })
            .await?;
        Ok(changed.is_some())
    }
}
