//! A paper as blocks, printed as PDF or shown as HTML.
//!
//! ```
//! use orderflow::documents::paper::{Block, Fonts, Paper};
//!
//! let paper = Paper::new("Prateleira São João").with(Block::text("Caneca azul — 2 peças"));
//! let printed = paper.pdf(&Fonts::default());
//! assert!(printed.bytes.expose().starts_with(b"%PDF-"));
//! assert!(printed.uncovered.is_empty());
//! ```

mod fonts;
mod html;
mod layout;
mod write;

use std::collections::BTreeMap;

pub use fonts::{FontFault, Fonts};

use super::barcode::{BarcodeFault, Code128, Qr};
use super::merge::PageSize;
use crate::personal::Personal;
use crate::shipment::{Document, DocumentKind, LabelFormat};

/// A part of a paper, from top to bottom.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Block {
    /// A line above what belongs together.
    Heading(String),
    /// Text; it wraps, and line ends stay.
    Text(String),
    /// Text that must be seen.
    Strong(String),
    /// Names and values, beside each other.
    Fields(Vec<(String, String)>),
    /// A table.
    Table(Table),
    /// A bar code with its text below. Where the page is too narrow for bars that scanners read, a
    /// QR symbol stands for it.
    Code128(Code128),
    /// A two-dimensional code.
    Qr(Qr),
    /// Lines to write on, each with what it is for below it.
    Lines(Vec<String>),
    /// What follows begins a new page.
    NewPage,
}

impl Block {
    /// Text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A text as a code that scanners read: Code 128 where that holds it, QR for all else.
    ///
    /// ```
    /// use orderflow::documents::paper::Block;
    ///
    /// assert!(matches!(Block::code("WEB-1045"), Ok(Block::Code128(_))));
    /// assert!(matches!(Block::code("订单 1045"), Ok(Block::Qr(_))));
    /// assert!(Block::code("").is_err());
    /// ```
    ///
    /// # Errors
    /// [`BarcodeFault`] for an empty text, or one that is too long for both.
    pub fn code(text: &str) -> Result<Self, BarcodeFault> {
        Code128::new(text).map(Self::Code128).or_else(|_| Qr::new(text).map(Self::Qr))
    }
}

/// A table whose header is repeated on every page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Column {
    title: String,
    share: u32,
}

/// What stands in a table.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cell {
    /// Text.
    Text(String),
    /// Text that must be seen, for counts and places.
    Strong(String),
    /// A box to tick.
    Tick,
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl Table {
    /// A table without columns.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a column whose width is a share of all shares; at least 1.
    #[must_use]
    pub fn with_column(mut self, title: impl Into<String>, share: u32) -> Self {
        self.columns.push(Column { title: title.into(), share: share.max(1) });
        self
    }

    /// Adds a row. Cells beyond the columns are not shown; missing ones stay empty.
    pub fn push(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// Rows so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// A paper: a title and blocks.
#[derive(Clone, PartialEq, Eq)]
pub struct Paper {
    title: String,
    language: &'static str,
    page_words: (String, String),
    reference: Option<String>,
    size: PageSize,
    blocks: Vec<Block>,
}

// Papers may name the person a parcel goes to.
impl std::fmt::Debug for Paper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Paper({:?}, {} blocks)", self.title, self.blocks.len())
    }
}

impl Paper {
    /// An empty paper in English on A4.
    #[must_use]
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            language: "en",
            page_words: ("page".to_owned(), "of".to_owned()),
            reference: None,
            size: PageSize::A4,
            blocks: Vec::new(),
        }
    }

    /// The size of its pages, at least one and a half inches each way. Small ones get small margins.
    #[must_use]
    pub const fn with_size(mut self, size: PageSize) -> Self {
        self.size = size;
        self
    }

    /// The language it is in, as an ISO 639-1 code, with the words of "page 1 of 2".
    #[must_use]
    pub fn with_language(mut self, language: &'static str, page: &str, of: &str) -> Self {
        self.language = language;
        self.page_words = (page.to_owned(), of.to_owned());
        self
    }

    /// What tells it from others of its title, for example a number: it stands at the foot of every
    /// page, for loose ones.
    #[must_use]
    pub fn with_reference(mut self, reference: impl Into<String>) -> Self {
        self.reference = Some(reference.into());
        self
    }

    /// Adds a block.
    #[must_use]
    pub fn with(mut self, block: Block) -> Self {
        self.push(block);
        self
    }

    /// Adds a block.
    pub fn push(&mut self, block: Block) {
        self.blocks.push(block);
    }

    /// Adds a code for a text, if a code can hold it.
    #[must_use]
    pub(super) fn with_code(mut self, text: &str) -> Self {
        self.blocks.extend(Block::code(text).ok());
        self
    }

    /// Its title.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The paper as PDF with its fonts embedded.
    ///
    /// Characters that no font covers are printed as their number, for example `[U+1F600]`, and
    /// listed in [`Printed::uncovered`].
    #[must_use]
    pub fn pdf(&self, fonts: &Fonts) -> Printed {
        print_together([self], fonts)
    }

    /// The paper as one HTML file that needs no network and prints like the PDF.
    #[must_use]
    pub fn html(&self) -> Personal<String> {
        Personal::new(html::html(self))
    }
}

/// Papers as one PDF, in the order given, each beginning on a page of its own and with its own size
/// and count of pages. Each font is embedded once, so that hundreds of packing slips stay small: 500
/// of them have about 0.6 MB together and 6.5 MB one by one. Title and language of the file are those
/// of the first.
///
/// ```
/// use orderflow::documents::paper::{Block, Fonts, Paper, print_together};
///
/// let slips: Vec<Paper> =
///     (1..=3).map(|slip| Paper::new(format!("Slip {slip}")).with(Block::text("1 mug"))).collect();
/// assert_eq!(print_together(&slips, &Fonts::default()).pages, 3);
/// ```
#[must_use]
pub fn print_together<'a>(papers: impl IntoIterator<Item = &'a Paper>, fonts: &Fonts) -> Printed {
    let mut title = None;
    let mut uncovered: BTreeMap<char, usize> = BTreeMap::new();
    let mut laid_out = Vec::new();
    for paper in papers {
        title.get_or_insert((paper.title.as_str(), paper.language));
        let done = layout::lay_out(paper, fonts);
        for (letter, count) in &done.uncovered {
            let sum = uncovered.entry(*letter).or_default();
            *sum = sum.saturating_add(*count);
        }
        laid_out.push(done);
    }
    let pages = laid_out.iter().map(|done| done.pages.len()).sum();
    let (title, language) = title.unwrap_or(("", "en"));
    let bytes = Personal::new(write::pdf(title, language, fonts, &laid_out));
    Printed { bytes, pages, uncovered }
}

/// A paper as PDF.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Printed {
    /// The file.
    pub bytes: Personal<Vec<u8>>,
    /// Its pages.
    pub pages: usize,
    /// Characters that no font covers, or whose script needs shaping, with how often they came:
    /// printed as their numbers. A font added with [`Fonts::with_font`] covers more.
    pub uncovered: BTreeMap<char, usize>,
}

impl Printed {
    /// The file as a document to store or print.
    #[must_use]
    pub fn into_document(self, kind: DocumentKind) -> Document {
        Document::new(kind, LabelFormat::Pdf, self.bytes.into_inner())
    }
}
