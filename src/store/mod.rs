//! Stores: where orders, their logs and everything around them is kept.
//!
//! | Type | Keeps in | For |
//! |---|---|---|
//! | [`MemoryStore`] | this process | tests, trying things out, the reference for other stores |
//! | `SqliteStore` (feature `sqlite`) | one file | one machine, durable at every step |
//! | [`MemoryStock`] | this process | stock where there is no other stock system |
//!
//! Another database is a type that implements the traits of [`ports::store`](crate::ports::store);
//! the suites of the feature `conformance` check it.

mod memory;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "sqlite")]
mod sqlite_parts;
#[cfg(feature = "sqlite")]
mod sqlite_schema;
#[cfg(all(feature = "sqlite", feature = "client"))]
mod sqlite_tokens;
#[cfg(feature = "sqlite")]
mod sqlite_write;
mod stock;

pub use memory::MemoryStore;
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteOptions, SqliteStore, Synchronous};
pub use stock::MemoryStock;

use crate::error::{Error, ErrorKind, Result};
use crate::order::Order;
use crate::ports::store::{Commit, Intent};
use crate::shipment::UploadState;

/// Whether nothing is left to do for an order, so that
/// [`open_orders`](crate::ports::store::OrderStore::open_orders) leaves it out.
///
/// An order in a final state stays open while a parcel of it has a live label that no carrier has
/// seen (it has to be voided) or a tracking number that the platform does not have yet, and while a
/// case of the buyer waits for the seller.
#[must_use]
pub fn is_closed(order: &Order) -> bool {
    order.state().is_terminal()
        && !order.cases.iter().any(|known| known.needs_seller())
        && !order.packages.iter().any(|package| {
            (package.has_live_label() && !package.is_accepted())
                || matches!(
                    package.upload.state,
                    UploadState::Pending | UploadState::InFlight | UploadState::UpdatePending
                )
        })
}

/// What belongs together must belong to one order.
fn check_commit(commit: &Commit) -> Result<()> {
    let key = &commit.order.key;
    if commit.intents.iter().any(|intent| intent.order != *key) {
        return Err(Error::invalid("intents", "an intent belongs to another order")
            .with_context("order", key));
    }
    if commit.documents.iter().any(|document| document.order != *key) {
        return Err(Error::invalid("documents", "a document belongs to another order")
            .with_context("order", key));
    }
    Ok(())
}

fn other_content(intent: &Intent) -> Error {
    Error::new(ErrorKind::Conflict, "an intent of that key exists with other content")
        .with_context("intent", intent.key)
        .with_context("order", &intent.order)
}

fn stale_erasure(erased: &Order, found: u64) -> Error {
    Error::new(ErrorKind::Conflict, "the order was changed since it was read to be erased")
        .with_context("order", &erased.key)
        .with_context("found", found)
}
