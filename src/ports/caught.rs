//! Adapters may be anybody's: one that panics costs its own item only.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;

use crate::error::{Error, ErrorKind};

/// Awaits work of an adapter: a panic is an error, and whether it acted before is not known. What the
/// caller itself remembers must be whole after any dropped future, for a panic drops the future.
pub(crate) async fn caught<T>(
    adapter: &str,
    operation: &'static str,
    work: impl Future<Output = T>,
) -> Result<T, Error> {
    AssertUnwindSafe(work).catch_unwind().await.map_err(|panic| {
        let words = panic.downcast_ref::<&str>().map(|words| (*words).to_owned());
        let words = words.or_else(|| panic.downcast_ref::<String>().cloned());
        let words = words.unwrap_or_else(|| "without words".to_owned());
        Error::new(ErrorKind::Ambiguous, format!("the adapter panicked: {words}"))
            .with_operation(adapter, operation)
    })
}
