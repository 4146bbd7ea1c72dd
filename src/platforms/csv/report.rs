//! What an import brought.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::error::{RowError, RowErrorCode};
use crate::ids::PlatformOrderId;
use crate::order::{Order, PlatformOrder, reconcile};

/// What an import brought, order by order.
///
/// ```
/// use chrono::DateTime;
/// use orderflow::platforms::csv::{CsvOrders, ImportReport, Mapping};
///
/// let file = "order_id,sku,quantity,recipient_name,address_line_1,city,postal_code,country,\
///             placed_at,currency\n\
///             A-1,MUG,2,Ana Smith,1 Main St,Denver,80202,US,2026-03-01,USD\n\
///             A-2,MUG,none,Bo Lee,2 Main St,Denver,80202,US,2026-03-01,USD\n";
/// let now = DateTime::from_timestamp(1_772_800_000, 0).unwrap();
/// let mut report = ImportReport::default();
/// for read in CsvOrders::new(file.as_bytes(), &Mapping::preset("orderflow")?)? {
///     // An order with news is handed on; here nothing is known yet, so every order is news.
///     let _news = report.count(read, |_| None, now);
/// }
/// assert_eq!((report.imported, report.rejected.len()), (1, 1));
/// assert_eq!(
///     report.rejected[0].to_string(),
///     "row 3, column quantity: no whole number of at least 1",
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportReport {
    /// Orders that are new.
    pub imported: u64,
    /// Orders with news.
    pub updated: u64,
    /// Orders without news.
    pub unchanged: u64,
    /// Rows that were not taken.
    pub rejected: Vec<RowError>,
    /// Orders that were counted although further rows of them came later than the look-back: they
    /// lack lines and must not ship. Read such a file with a larger [`Mapping::look_back`], or as a
    /// [`CsvShop`], which puts them together wherever their rows are.
    ///
    /// [`Mapping::look_back`]: super::Mapping::look_back
    /// [`CsvShop`]: super::CsvShop
    #[serde(default)]
    pub incomplete: BTreeSet<PlatformOrderId>,
}

impl ImportReport {
    /// Counts what the reader gave and returns the order if it brings news. `known` finds the order
    /// as it is known so far. Before anything ships, look at [`ImportReport::incomplete`].
    pub fn count(
        &mut self,
        read: Result<PlatformOrder, RowError>,
        known: impl FnOnce(&PlatformOrder) -> Option<Order>,
        now: DateTime<Utc>,
    ) -> Option<PlatformOrder> {
        let snapshot = match read {
            Ok(snapshot) => snapshot,
            Err(error) => {
                if error.code == RowErrorCode::OrderAlreadyGiven {
                    self.incomplete.extend(error.order.clone());
                }
                self.rejected.push(error);
                return None;
            }
        };
        match known(&snapshot) {
            None => self.imported += 1,
            Some(order) if reconcile(&order, &snapshot, now).is_empty() => {
                self.unchanged += 1;
                return None;
            }
            Some(_) => self.updated += 1,
        }
        Some(snapshot)
    }
}
