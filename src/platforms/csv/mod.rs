//! Orders from CSV files: a reader ([`CsvOrders`]), and a shop over a file ([`CsvShop`]).
//!
//! # How a file is read
//! - A [`Mapping`] declares which column is which field and how cells are written. Nothing about
//!   content is guessed; only the delimiter is, when it is not declared.
//! - All cells are text: leading zeros survive. Cells are trimmed; UTF-8 with or without byte order
//!   mark. Cells are separated by `,`, `;`, `|` or tabs; a first line `sep=;`, as spreadsheets write it,
//!   names the delimiter.
//! - What a spreadsheet did to a cell is told, never guessed around: an id that became `1.23E+17`,
//!   `1045000000001.0`, `########` or `#REF!`, a leading apostrophe or formula, characters of zero width. The one form
//!   that is unambiguous, `="00123"`, reads as its text.
//! - Currencies and countries are codes that are assigned, or words that the mapping declares.
//! - Rows with the same order id are lines of one order. They need not be adjacent; the order of rows
//!   does not matter, and what is said of the order must agree in all of them. A [`CsvShop`] puts
//!   them together wherever they are in the file. A [`CsvOrders`] reads a stream: rows that do not
//!   follow each other must come within [`Mapping::look_back`] rows of the first, and those that come
//!   later are errors that name an order given out without them, which must not ship.
//! - Columns without a field become attributes: of the line, or of the order when the mapping says
//!   so in [`Mapping::order_columns`]. They may hold names and phone numbers, so that they are kept
//!   as personal: they do not print and are erased with the rest. Columns that name no person are
//!   declared in [`Mapping::plain_columns`].
//! - A row that cannot be taken is a [`RowError`] and never costs other orders; it costs the other
//!   rows of its own order, since half an order must not ship.
//! - An order that turns up again after it was given out is an error, never a second order.
//!
//! # Fields
//! A file must have the order id, SKU, quantity, recipient's name, first street line and city; and
//! country, currency and date of order, unless the mapping has defaults for them. A postcode is
//! wanted where the country uses one. Without a column for payments, orders count as paid when
//! placed. Without a line id the SKU names the line (`SKU#2` when it occurs again). Without prices an
//! order is worth nothing, which review reports.
//!
//! # Presets
//! - `orderflow`: the names of [`Field`] as columns (`order_id`, `placed_at`, `address_line_1`,
//!   `postal_code`, `unit_price`, `weight_grams` …) and common short forms (`email`, `phone`, `zip`,
//!   `price`, `qty`); amounts with a point; dates as `2026-03-01T12:00:00Z`, `2026-03-01 12:00:00`,
//!   `2026-03-01 12:00` or `2026-03-01`, in UTC.
//! - `tiktok_shop_orders`: the order export of TikTok Shop's Seller Center. It names no currency and
//!   writes dates differently by country: declare both with [`Mapping::with_currency`] and
//!   [`Mapping::with_dates`]. Without that the preset does not pass [`Mapping::check`].
//!
//! # Credentials
//! None.
//!
//! # Limits
//! - One row is at most 1 MiB and 262 144 cells, the header too. A larger one, as a quote that is
//!   never closed makes of the rest of a file, is a [`RowError`] that holds its beginning; it is
//!   passed over without being kept. Memory of the reader: the rows of the look-back, and up to 36 bytes
//!   an order. Memory of the shop: 40 bytes a row more.
//! - An order has at most 100 000 rows.
//! - The shop reads and writes files on the thread that polls it.
//! - No acknowledging, cancelling, refunding, changing of numbers, stock or messages: a file cannot
//!   take any of it.
//!
//! # Quirks
//! - A file knows no time of change: lists of changed orders contain all orders, and those without
//!   news bring no events.
//! - A cursor counts what was given out of which file. After a restart the file is read again up to
//!   there. A file that is written to while a list goes through it is a
//!   [`Conflict`](crate::ErrorKind::Conflict), told by length, time of writing and identity: orders of
//!   two versions are never mixed, and the list is to be begun again, as the engine does by itself.
//!   Whoever writes such files writes them under another name and renames them.
//! - Shipments are rows of the tracking export (`order_id, line_id, units, carrier, service,
//!   tracking_number, tracking_url, shipped_at`), on disk before the answer. What was told is shown
//!   in the orders from then on. The export is written by one process at a time.
//!
//! # What is unsure
//! - The columns of TikTok Shop's export come from public programs that read it, not from the
//!   vendor; the names of its address columns in the United States and the words of its status
//!   column are the least sure. A missing column is an error, an unknown status stays unknown.
//! - No presets for Walmart's and Mercado Libre's exports: their columns are not documented well
//!   enough, and the latter is a spreadsheet with dates in words. Declare a mapping.

mod codes;
mod config;
mod dates;
mod error;
mod export;
mod map;
mod read;
mod records;
mod report;
mod shop;
mod wire;

pub use config::{DEFAULT_LOOK_BACK, DecimalMark, Field, MAX_LOOK_BACK, Mapping};
pub use error::{MappingError, RowError, RowErrorCode};
pub use read::CsvOrders;
pub use report::ImportReport;
pub use shop::CsvShop;

use crate::ids::PlatformId;

/// The platform of orders that come from files.
pub const CSV: PlatformId = PlatformId::from_static("csv");
