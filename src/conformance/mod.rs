//! What every adapter, store and stock system must do, as suites to run against one's own.
//!
//! ```
//! # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # runtime.block_on(async {
//! use std::sync::Arc;
//! use orderflow::conformance;
//! use orderflow::store::MemoryStore;
//!
//! conformance::stores::run(Arc::new(MemoryStore::new())).await.assert_passed();
//! # });
//! ```

mod carrier;
mod marketplace;
mod stock;
mod store;

use std::collections::BTreeSet;
use std::fmt;

/// The suite for marketplaces.
pub mod marketplaces {
    pub use super::marketplace::{Fixture, run};
}

/// The suite for carriers.
pub mod carriers {
    pub use super::carrier::{Fixture, MakeLabelRequest, PushedNews, run};
}

/// The suite for stores.
pub mod stores {
    pub use super::store::run;
}

/// The suite for stock systems.
pub mod stocks {
    pub use super::stock::run;
}

/// What became of a suite.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Cards that hold.
    pub passed: Vec<&'static str>,
    /// Cards that do not apply, with the reason.
    pub skipped: Vec<(&'static str, String)>,
    /// Cards that do not hold, with what was found.
    pub failed: Vec<(&'static str, String)>,
}

impl Report {
    /// Whether every card that applies holds.
    #[must_use]
    pub const fn is_passed(&self) -> bool {
        self.failed.is_empty() && !self.passed.is_empty()
    }

    /// Why cards were skipped, each reason once: what the adapter does not declare.
    #[must_use]
    pub fn skipped_because(&self) -> BTreeSet<&str> {
        self.skipped.iter().map(|(_, why)| why.as_str()).collect()
    }

    /// Ends the test with the list of what does not hold.
    ///
    /// # Panics
    /// When a card does not hold.
    #[expect(clippy::panic, reason = "this is how a test ends")]
    pub fn assert_passed(&self) {
        if !self.is_passed() {
            panic!("{self}");
        }
    }

    fn card(&mut self, name: &'static str, outcome: Outcome) {
        match outcome {
            Ok(()) => self.passed.push(name),
            Err(found) => self.failed.push((name, found)),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} passed, {} skipped, {} failed",
            self.passed.len(),
            self.skipped.len(),
            self.failed.len()
        )?;
        for (name, why) in &self.skipped {
            writeln!(f, "skipped: {name}: {why}")?;
        }
        for (name, found) in &self.failed {
            writeln!(f, "failed: {name}: {found}")?;
        }
        Ok(())
    }
}

/// `Err` says what was found instead.
type Outcome = Result<(), String>;

fn that(holds: bool, otherwise: impl FnOnce() -> String) -> Outcome {
    if holds { Ok(()) } else { Err(otherwise()) }
}

fn same<T: PartialEq + fmt::Debug>(what: &str, found: &T, wanted: &T) -> Outcome {
    that(found == wanted, || format!("{what}: found {found:?}, wanted {wanted:?}"))
}

/// Any error, as words.
fn said<E: fmt::Display>(error: E) -> String {
    error.to_string()
}

/// Runs futures side by side on one task, without a runtime: each is polled in turn.
async fn together<F: Future + Unpin>(futures: Vec<F>) -> Vec<F::Output> {
    let mut running: Vec<Result<F::Output, F>> = futures.into_iter().map(Err).collect();
    std::future::poll_fn(move |context| {
        let mut waits = false;
        for slot in &mut running {
            if let Err(future) = slot {
                match std::pin::Pin::new(future).poll(context) {
                    std::task::Poll::Ready(output) => *slot = Ok(output),
                    std::task::Poll::Pending => waits = true,
                }
            }
        }
        if waits {
            return std::task::Poll::Pending;
        }
        std::task::Poll::Ready(running.drain(..).filter_map(Result::ok).collect())
    })
    .await
}
