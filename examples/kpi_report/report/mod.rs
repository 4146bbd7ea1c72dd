//! From a file of orders to a report: reading, counting, writing. No file is opened here and no
//! clock is read: what goes in decides what comes out, to the byte.

mod chart;
mod figures;
mod html;
mod lines;
mod mapping;
mod read;
mod sample;
mod text;

pub use figures::{Question, Report};
pub use html::html;
pub use mapping::{Field, Mapping};
pub use read::read_orders;
pub use sample::sample_csv;
pub use text::text;

use orderflow::rules::kpi::{KpiError, TargetError};

/// Why there is no report. What is wrong with single rows never is a reason.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The presets beside the example cannot be read.
    #[error("mappings.json: {0}")]
    Presets(String),
    /// There is no preset of this name.
    #[error("preset: there is none called {name:?}; there are {}", .known.join(", "))]
    UnknownPreset {
        /// The name.
        name: String,
        /// Those there are.
        known: Vec<String>,
    },
    /// There is no field of this name.
    #[error("map: there is no field {0:?}; --help lists them")]
    UnknownField(String),
    /// Not of the form `field=column`.
    #[error("map: {0:?} is not of the form field=column")]
    NotAMapping(String),
    /// A date format cannot be used.
    #[error("date-format: {0}")]
    DateFormat(String),
    /// Cells can only be parted by a character of one byte.
    #[error("delimiter: {0:?} is not an ASCII character")]
    Delimiter(char),
    /// Amounts without a currency.
    #[error("currency: the column of {0} needs one; give --currency or a column of currency")]
    NoCurrency(Field),
    /// The file has no first line.
    #[error("file: it is empty, there is no line with the names of the columns")]
    Empty,
    /// A quote in the names of the columns is never closed.
    #[error(
        "file: the quote that opens in line {0} is never closed, so all of the file is one cell"
    )]
    OpenQuote(u64),
    /// The file is UTF-16, as some spreadsheets write "Unicode text".
    #[error("file: it is UTF-16; save it as CSV in UTF-8")]
    Utf16,
    /// A column that is needed is not there.
    #[error("{field}: the file has no column {column:?}; it has {}{hint}", .columns.join(", "))]
    NoColumn {
        /// The field.
        field: Field,
        /// The column it is mapped to.
        column: String,
        /// Those there are.
        columns: Vec<String>,
        /// What may be the reason, as a further clause; or nothing.
        hint: String,
    },
    /// A field that is needed is mapped to nothing.
    #[error("{0}: it is needed and no column is named for it")]
    Unmapped(Field),
    /// Two columns have the name that a field is mapped to.
    #[error("{field}: the file has several columns {column:?}")]
    ColumnTwice {
        /// The field.
        field: Field,
        /// The column.
        column: String,
    },
    /// The file stopped.
    #[error("file: {0}")]
    Unreadable(String),
    /// The question about figures has no answer.
    #[error(transparent)]
    Figures(#[from] KpiError),
    /// There are no such targets.
    #[error(transparent)]
    Targets(#[from] TargetError),
}
