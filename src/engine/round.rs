//! Whose turn it is, and for how long: no shop holds up the others.
//!
//! A round is one call over all shops. Each shop has a share of time in each part of it. Work that
//! does not fit in is left for the next round; a shop that gave no answer at all within its share is
//! left alone for the rest of the round, so that it costs the others one share and not one in each
//! part.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::Engine;
use super::shops::ShopState;
use crate::error::{Error, ErrorKind};
use crate::ids::ShopKey;
pub(super) use crate::ports::caught;

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Awaits a future until an instant, if there is one; `None` when the instant came first. The future
/// is dropped then.
pub(super) async fn within<T>(
    until: Option<Instant>,
    future: impl Future<Output = T>,
) -> Option<T> {
    match until {
        Some(until) => timeout_at(until, future).await.ok(),
        None => Some(future.await),
    }
}

pub(super) fn is_past(until: Option<Instant>) -> bool {
    until.is_some_and(|until| until <= Instant::now())
}

/// One call over all shops.
pub(super) struct Round {
    share: Duration,
    silent: Mutex<BTreeSet<ShopKey>>,
    unfinished: Mutex<BTreeSet<ShopKey>>,
}

impl Round {
    /// A part whose work the platform alone answers: who is silent in it is left alone afterwards.
    pub(super) fn part(&self) -> Part<'_> {
        Part { round: self, judges_shop: true, spent: Mutex::default() }
    }

    /// A part whose work may wait for a carrier or a stock source, whose silence says nothing of the
    /// shop.
    pub(super) fn part_with_others(&self) -> Part<'_> {
        Part { judges_shop: false, ..self.part() }
    }

    /// Whether a shop gave no answer in an earlier part.
    pub(super) fn is_silent(&self, shop: &ShopKey) -> bool {
        lock(&self.silent).contains(shop)
    }

    pub(super) fn note_silent(&self, shop: &ShopKey) {
        lock(&self.silent).insert(shop.clone());
    }

    pub(super) fn note_unfinished(&self, shop: &ShopKey) {
        lock(&self.unfinished).insert(shop.clone());
    }

    /// The shops that gave no answer, and those that had more to do than their share.
    pub(super) fn end(self) -> (BTreeSet<ShopKey>, BTreeSet<ShopKey>) {
        let take = |shops: Mutex<_>| shops.into_inner().unwrap_or_else(PoisonError::into_inner);
        let silent: BTreeSet<ShopKey> = take(self.silent);
        let unfinished: BTreeSet<ShopKey> = take(self.unfinished);
        let unfinished = unfinished.difference(&silent).cloned().collect();
        (silent, unfinished)
    }
}

/// A part of a round, for example all uploads.
pub(super) struct Part<'a> {
    pub(super) round: &'a Round,
    judges_shop: bool,
    spent: Mutex<BTreeMap<ShopKey, Duration>>,
}

impl Part<'_> {
    /// What is left of a shop's share.
    pub(super) fn left(&self, shop: &ShopKey) -> Duration {
        if self.round.is_silent(shop) {
            return Duration::ZERO;
        }
        let spent = lock(&self.spent).get(shop).copied().unwrap_or_default();
        self.round.share.saturating_sub(spent)
    }

    /// Whether silence until the end of what is left now would be the shop's own.
    pub(super) fn may_judge(&self, shop: &ShopKey) -> bool {
        self.judges_shop && !lock(&self.spent).contains_key(shop)
    }

    pub(super) fn spend(&self, shop: &ShopKey, time: Duration) {
        *lock(&self.spent).entry(shop.clone()).or_default() += time;
    }
}

/// How long one shop's items may take.
#[derive(Clone, Copy)]
pub(super) enum Turn<'a> {
    /// Until the shop's share is used up; what has begun by then is dropped, as in a crash.
    Share(&'a Part<'a>),
    /// Nothing begins after the share; what has begun is awaited as below. For what costs money.
    BeginWithin(&'a Part<'a>),
    /// As long as something gets done now and then.
    Patience,
}

/// What became of an item in its shop's turn.
#[derive(Debug)]
pub(super) enum Worked<R> {
    /// Done, well or badly.
    Done(R),
    /// It was begun, and the shop gave no answer: it may have acted.
    GivenUp,
    /// It was begun, and an adapter panicked: it may have acted.
    Broken(Error),
    /// It was not begun.
    NotBegun,
}

impl<R> Worked<R> {
    /// The result of what was done; a panic is an error to tell.
    pub(super) fn done(self, tell: impl FnOnce(Error)) -> Option<R> {
        match self {
            Self::Done(result) => Some(result),
            Self::Broken(error) => {
                tell(error);
                None
            }
            Self::GivenUp | Self::NotBegun => None,
        }
    }
}

/// Awaits work on one shop: a panic in its adapter is its own error, and the other shops go on.
pub(super) async fn contained<T>(
    shop: &ShopKey,
    operation: &'static str,
    work: impl Future<Output = T>,
) -> Result<T, Error> {
    let done = caught(shop.platform.as_str(), operation, work).await;
    done.map_err(|error| error.with_context("shop", shop))
}

impl Engine {
    pub(super) fn round(&self) -> Round {
        Round { share: self.share(), silent: Mutex::default(), unfinished: Mutex::default() }
    }

    pub(super) fn share(&self) -> Duration {
        Duration::from_secs(u64::from(self.0.policy.shop_share_seconds))
    }

    pub(super) fn patience(&self) -> Duration {
        Duration::from_secs(u64::from(self.0.policy.patience_seconds))
    }

    /// Until when one shop may be read in its turn.
    pub(super) fn until(&self, turn: Turn<'_>, shop: &ShopKey) -> Instant {
        let time = match turn {
            Turn::Share(part) | Turn::BeginWithin(part) => part.left(shop),
            Turn::Patience => self.patience(),
        };
        Instant::now() + time
    }
}

/// An answer that did not come within the bound.
pub(super) fn no_answer(shop: &ShopKey, operation: &'static str) -> Error {
    Error::new(ErrorKind::Transient, "the shop gave no answer within its share of the round")
        .with_operation(shop.platform.as_str(), operation)
        .with_context("shop", shop)
}

/// Something that a call over a shop goes on with the next time. It is taken out of what the process
/// remembers of the shop and put back when this is dropped, also when the call itself is dropped.
pub(super) struct Kept<'a, T> {
    engine: &'a Engine,
    shop: &'a ShopKey,
    slot: fn(&mut ShopState) -> &mut Option<T>,
    pub(super) value: Option<T>,
}

impl<'a, T> Kept<'a, T> {
    pub(super) fn take(
        engine: &'a Engine,
        shop: &'a ShopKey,
        slot: fn(&mut ShopState) -> &mut Option<T>,
    ) -> Self {
        let value = slot(engine.shop_states().entry(shop.clone()).or_default()).take();
        Self { engine, shop, slot, value }
    }
}

impl<T> Drop for Kept<'_, T> {
    fn drop(&mut self) {
        if let Some(value) = self.value.take() {
            let mut states = self.engine.shop_states();
            *(self.slot)(states.entry(self.shop.clone()).or_default()) = Some(value);
        }
    }
}
