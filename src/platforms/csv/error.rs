//! What is wrong with a row.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::config::Field;
use crate::ids::PlatformOrderId;
use crate::personal::Personal;

/// Why a row was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RowErrorCode {
    /// The file could not be read further.
    Unreadable,
    /// The row has bytes that are not UTF-8.
    NotUtf8,
    /// The file is UTF-16, as spreadsheets write "Unicode text": it is to be saved as UTF-8.
    Utf16,
    /// The row has more or fewer cells than the header.
    CellCount,
    /// The row is larger than a row can be: most likely a quote that is never closed.
    TooLarge,
    /// The header has no column for a field that is required.
    MissingColumn,
    /// Two columns have the same name.
    DuplicateColumn,
    /// A required cell is empty.
    Empty,
    /// An id was turned into a number in scientific notation (`1.23E+17`): its digits are lost.
    ScientificNotation,
    /// An id or postcode was turned into a number with decimals (`1045000000001.0`): leading zeros and
    /// the digits beyond the fifteenth may be lost.
    DecimalNotation,
    /// What a spreadsheet shows in place of a value: `########` of a column that is too narrow, or an
    /// error such as `#N/A` or `#REF!`.
    SpreadsheetError,
    /// An id or postcode that begins with a formula's `=` or with the apostrophe by which
    /// spreadsheets mark texts: neither is part of it, and what is meant is not guessed. The form
    /// `="00123"` is understood.
    SpreadsheetMark,
    /// An id or postcode with characters that nobody sees, for example of zero width: two that look
    /// the same would differ.
    InvisibleCharacter,
    /// The cell cannot be an id: too long, or with control characters.
    BadId,
    /// The cell is no whole number of at least 1.
    BadQuantity,
    /// The cell is no amount in the declared notation.
    BadAmount,
    /// The amount is below zero.
    NegativeAmount,
    /// The cell is no currency code of ISO 4217.
    BadCurrency,
    /// The cell fits none of the declared date formats, or is no time of an order.
    BadDate,
    /// The cell is no country code of ISO 3166-1 and no word that the mapping declares.
    BadCountry,
    /// A field of the order differs between two of its rows.
    Disagreement,
    /// Two rows of an order have the same line id.
    DuplicateLine,
    /// The order was given out before this row came, which lies further away than the look-back: what
    /// was given out is a part of it only. A reader of a stream cannot take it back; see
    /// [`ImportReport::incomplete`](super::ImportReport::incomplete). A [`CsvShop`](super::CsvShop)
    /// finds such rows first.
    OrderAlreadyGiven,
    /// Nothing is wrong with this row, but another row of its order was not taken.
    OrderRejected,
}

/// A row that was not taken, and why. Neither the message nor `Debug` repeats what is in the row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub struct RowError {
    /// Which row; the header is row 1, blank lines do not count.
    pub row: u64,
    /// On which line of the file it begins, from 1.
    pub line: u64,
    /// Which column, by its name in the file; `None` when it is about the whole row.
    pub column: Option<String>,
    /// What kind of fault.
    pub code: RowErrorCode,
    /// In words.
    pub message: String,
    /// The order, if its id could be read.
    pub order: Option<PlatformOrderId>,
    /// The cells of the row, comma-separated. Left out when a report is serialised.
    #[serde(skip)]
    pub raw: Personal<String>,
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "row {}", self.row)?;
        if self.line != self.row {
            write!(f, " (line {})", self.line)?;
        }
        if let Some(column) = &self.column {
            write!(f, ", column {column}")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Why a mapping cannot work, whatever the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MappingError {
    /// There is no preset of this name.
    #[error("there is no preset {0:?}")]
    UnknownPreset(String),
    /// Neither columns nor a default say what a field is.
    #[error("{0} has neither a column nor a default")]
    Undeclared(Field),
    /// A column is claimed by two fields.
    #[error("column {column:?} is declared as {first} and as {second}")]
    ClaimedTwice {
        /// The column.
        column: String,
        /// One field.
        first: Field,
        /// The other.
        second: Field,
    },
    /// The delimiter is none of comma, semicolon, tab and vertical bar.
    #[error("the delimiter must be a comma, a semicolon, a tab or a vertical bar")]
    Delimiter,
    /// A number is outside of its bounds.
    #[error("{name} must be at most {most}")]
    TooLarge {
        /// Which number.
        name: &'static str,
        /// The bound.
        most: u32,
    },
    /// A date format that cannot be understood.
    #[error("{0:?} is no date format")]
    DateFormat(String),
    /// No date format is declared, though a column holds dates.
    #[error("no date format is declared")]
    NoDateFormat,
}
