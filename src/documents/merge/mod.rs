//! Many labels in one document, in the order given.
//!
//! A batch is merged by format: PDF files become one PDF, pictures become pages of another, and
//! printer languages are put one after the other. Formats are never mixed unless asked for. One item
//! that cannot be taken costs only that item: [`Merged::items`] has an outcome per document, at the
//! same place.
//!
//! A PDF file whose table is lost, such as one that was cut off, is read by looking for its objects. It
//! is taken only if all that its pages name is there and unpacks; else it is
//! [damaged](MergeFault::Damaged), never a blank page. So is a stream whose stated length does not fit.
//! Of whole files nothing is unpacked, because that takes longer than copying them: a changed bit in
//! the content of a page goes unseen unless it [shall be checked](MergeOptions::with_contents_checked),
//! and one in a picture or a font always does. An encrypted file is [refused](MergeFault::Encrypted),
//! even where its password is empty.
//!
//! What is merged is what is given: for a label printer, leave out what
//! [is no label](DocumentKind::is_label), such as invoices on A4.
//!
//! ```
//! use orderflow::documents::merge::merge;
//! use orderflow::shipment::{Document, DocumentKind, LabelFormat};
//!
//! let label = |text: &str| {
//!     Document::new(DocumentKind::Label, LabelFormat::Zpl, text.as_bytes().to_vec())
//! };
//! let batch = [label("^XA^FO40,40^FD1^FS^XZ"), label("^XA^FO40,40^FD2"), label("^XA^FD3^FS^XZ")];
//! let merged = merge(&batch);
//! assert_eq!(
//!     merged.documents[0].bytes.expose(),
//!     b"^XA^FO40,40^FD1^FS^XZ\n^XA^FD3^FS^XZ\n",
//! );
//! let refused: Vec<usize> = merged.faults().map(|(place, _)| place).collect();
//! assert_eq!(refused, [1]);
//! ```

mod pages;
mod picture;
mod printer;
mod rectangle;
mod source;
mod syntax;
mod unpacking;

use std::io::Write;

use crate::shipment::{Document, DocumentKind, LabelFormat};
use pages::PageWriter;

/// Why a document is not in the merged one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MergeFault {
    /// There are no bytes.
    #[error("the document is empty")]
    Empty,
    /// The bytes are of another format than stated.
    #[error("the document is stated to be {} and looks like {}", stated.extension(), found.as_ref().map_or("none known", LabelFormat::extension))]
    WrongFormat {
        /// What the document says it is.
        stated: LabelFormat,
        /// What its first bytes say; `None` is unknown.
        found: Option<LabelFormat>,
    },
    /// Documents of this format cannot be put together.
    #[error("documents in the format {0} cannot be merged")]
    Unsupported(String),
    /// It is encrypted, be it with an empty password that lets anybody read it. Nothing is decrypted
    /// here.
    #[error("the document is encrypted: take the encryption off first")]
    Encrypted,
    /// It does not follow its format.
    #[error("the document is damaged: {what}")]
    Damaged {
        /// What is wrong.
        what: &'static str,
    },
    /// It has no page.
    #[error("the document has no page")]
    NoPages,
    /// It would cost more memory than any label is worth, or is larger than any paper.
    #[error("{what} is over the limit of {limit}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Bytes, pieces or points.
        limit: u64,
    },
    /// A picture is larger than the page at its own resolution, and scaling would spoil bar codes.
    #[error("the picture is {width} by {height} thousandths of an inch and does not fit the page")]
    DoesNotFit {
        /// Thousandths of an inch.
        width: u32,
        /// Thousandths of an inch.
        height: u32,
    },
}

/// Where a document came to lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// Index in [`Merged::documents`].
    pub document: usize,
    /// Its first page, or label of a printer language, from 0.
    pub first: usize,
    /// Pages or labels.
    pub count: usize,
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// One document per format, in the order in which the formats came. Pictures make a PDF of their
    /// own unless [they go among the pages](MergeOptions::with_pictures_among_pages).
    pub documents: Vec<Document>,
    /// One outcome per document given, at the same place.
    pub items: Vec<Result<Placed, MergeFault>>,
}

impl Merged {
    /// What was refused, with the place in the batch.
    pub fn faults(&self) -> impl Iterator<Item = (usize, &MergeFault)> {
        self.items
            .iter()
            .enumerate()
            .filter_map(|(place, item)| item.as_ref().err().map(|fault| (place, fault)))
    }

    /// The document of a format.
    #[must_use]
    pub fn document(&self, format: &LabelFormat) -> Option<&Document> {
        self.documents.iter().find(|document| document.format == *format)
    }
}

/// The page that pictures are put on, in thousandths of an inch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageSize {
    /// Thousandths of an inch.
    pub width: u32,
    /// Thousandths of an inch.
    pub height: u32,
}

impl PageSize {
    /// Four by six inches, the usual label.
    pub const LABEL: Self = Self { width: 4_000, height: 6_000 };
    /// ISO A6, 105 by 148 mm.
    pub const A6: Self = Self { width: 4_134, height: 5_827 };
    /// ISO A4, 210 by 297 mm.
    pub const A4: Self = Self { width: 8_268, height: 11_693 };
    /// US Letter.
    pub const LETTER: Self = Self { width: 8_500, height: 11_000 };
}

/// How to merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct MergeOptions {
    /// The page for pictures: 4 by 6 inches unless told.
    pub page: PageSize,
    /// Pictures become pages of the same document as PDF files, in batch order, instead of one of
    /// their own.
    pub pictures_among_pages: bool,
    /// Contents of pages and forms are unpacked to see whether they do, in whole files too.
    pub contents_checked: bool,
}

impl Default for MergeOptions {
    fn default() -> Self {
        Self { page: PageSize::LABEL, pictures_among_pages: false, contents_checked: false }
    }
}

impl MergeOptions {
    /// Puts pictures on pages of this size.
    #[must_use]
    pub const fn with_page(mut self, page: PageSize) -> Self {
        self.page = page;
        self
    }

    /// Puts pictures among the pages of PDF files.
    #[must_use]
    pub const fn with_pictures_among_pages(mut self) -> Self {
        self.pictures_among_pages = true;
        self
    }

    /// Refuses PDF files in which the content of a page, or a form that it draws, does not unpack: such
    /// a page would come out blank or cut. Takes about 10 microseconds more for a label of text and bars,
    /// which is more than copying it. Damaged files are looked at so without being told.
    #[must_use]
    pub const fn with_contents_checked(mut self) -> Self {
        self.contents_checked = true;
        self
    }
}

/// Merges a batch, pictures on pages of 4 by 6 inches.
#[must_use]
pub fn merge(batch: &[Document]) -> Merged {
    merge_with(batch, &MergeOptions::default())
}

/// Merges a batch.
///
/// Time and memory grow with the bytes given: the result is about as large as the batch, and
/// nothing else is kept.
#[must_use]
pub fn merge_with(batch: &[Document], options: &MergeOptions) -> Merged {
    let mut groups: Vec<Group> = Vec::new();
    let items = batch
        .iter()
        .map(|document| {
            let class = Class::of(&document.format, options)?;
            let bytes = document.bytes.expose();
            check_format(&document.format, bytes)?;
            let index = groups.iter().position(|group| group.class == class);
            let index = index.unwrap_or_else(|| {
                let room = batch
                    .iter()
                    .filter(|other| Class::of(&other.format, options).as_ref() == Ok(&class))
                    .map(|other| other.bytes.expose().len().saturating_add(256))
                    .sum();
                groups.push(Group::new(class, document.kind, room));
                groups.len().saturating_sub(1)
            });
            let Some(group) = groups.get_mut(index) else { return Err(MergeFault::Empty) };
            let (first, count) = group.add(document, options)?;
            if group.kind != document.kind {
                group.kind = DocumentKind::Other;
            }
            Ok(Placed { document: index, first, count })
        })
        .collect();
    finish(groups, items)
}

/// Turns groups into documents; a group in which nothing was placed is dropped.
fn finish(groups: Vec<Group>, mut items: Vec<Result<Placed, MergeFault>>) -> Merged {
    let mut documents = Vec::new();
    for (index, group) in groups.into_iter().enumerate() {
        let (format, kind) = (group.class.format(), group.kind);
        let finished = match group.count() {
            0 => continue,
            _ => group.finish(),
        };
        let new = documents.len();
        let fault = match finished {
            Ok(bytes) => {
                documents.push(Document::new(kind, format, bytes));
                None
            }
            Err(fault) => Some(fault),
        };
        for item in &mut items {
            if let Ok(placed) = item
                && placed.document == index
            {
                match &fault {
                    // Documents made before this one may have been dropped.
                    None => placed.document = new,
                    Some(fault) => *item = Err(fault.clone()),
                }
            }
        }
    }
    Merged { documents, items }
}

/// Merges PDF files and pictures into one PDF that is written away as it grows, so that memory holds
/// one file at a time. Pictures come among the pages.
///
/// # Errors
/// What the writer says; nothing is known then of what it kept. A document that cannot be taken is
/// no error but an outcome.
pub fn merge_into<'a>(
    batch: impl IntoIterator<Item = &'a Document>,
    options: &MergeOptions,
    writer: &mut impl Write,
) -> std::io::Result<Vec<Result<Placed, MergeFault>>> {
    let mut pages = PageWriter::new(0);
    let mut items = Vec::new();
    for document in batch {
        items.push(add_pages(&mut pages, document, options));
        writer.write_all(&pages.drain())?;
    }
    if pages.page_count() > 0 {
        let rest = pages.finish().map_err(std::io::Error::other)?;
        writer.write_all(&rest)?;
    }
    writer.flush()?;
    Ok(items)
}

fn add_pages(
    pages: &mut PageWriter,
    document: &Document,
    options: &MergeOptions,
) -> Result<Placed, MergeFault> {
    let bytes = document.bytes.expose();
    check_format(&document.format, bytes)?;
    let first = pages.page_count();
    let count = match &document.format {
        LabelFormat::Pdf => pages.add_file(bytes, options.contents_checked)?,
        LabelFormat::Png => picture::add(pages, bytes, document.dpi, options.page).map(|()| 1)?,
        other => return Err(MergeFault::Unsupported(other.extension().to_owned())),
    };
    Ok(Placed { document: 0, first, count })
}

/// What can lie in one document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Pages,
    Pictures,
    Zpl,
    Epl,
}

impl Class {
    fn of(format: &LabelFormat, options: &MergeOptions) -> Result<Self, MergeFault> {
        match format {
            LabelFormat::Pdf => Ok(Self::Pages),
            LabelFormat::Png if options.pictures_among_pages => Ok(Self::Pages),
            LabelFormat::Png => Ok(Self::Pictures),
            LabelFormat::Zpl => Ok(Self::Zpl),
            LabelFormat::Epl => Ok(Self::Epl),
            LabelFormat::Other(name) => Err(MergeFault::Unsupported(name.clone())),
        }
    }

    const fn format(self) -> LabelFormat {
        match self {
            Self::Pages | Self::Pictures => LabelFormat::Pdf,
            Self::Zpl => LabelFormat::Zpl,
            Self::Epl => LabelFormat::Epl,
        }
    }
}

enum Content {
    Pages(PageWriter),
    Commands { bytes: Vec<u8>, labels: usize },
}

struct Group {
    class: Class,
    kind: DocumentKind,
    content: Content,
}

impl Group {
    fn new(class: Class, kind: DocumentKind, room: usize) -> Self {
        let content = match class {
            Class::Pages | Class::Pictures => Content::Pages(PageWriter::new(room)),
            Class::Zpl | Class::Epl => {
                Content::Commands { bytes: Vec::with_capacity(room), labels: 0 }
            }
        };
        Self { class, kind, content }
    }

    fn count(&self) -> usize {
        match &self.content {
            Content::Pages(pages) => pages.page_count(),
            Content::Commands { labels, .. } => *labels,
        }
    }

    /// Adds a document, giving its first page or label and how many there are.
    fn add(
        &mut self,
        document: &Document,
        options: &MergeOptions,
    ) -> Result<(usize, usize), MergeFault> {
        match &mut self.content {
            Content::Pages(pages) => {
                add_pages(pages, document, options).map(|placed| (placed.first, placed.count))
            }
            Content::Commands { bytes, labels } => {
                let text = document.bytes.expose();
                let count = match self.class {
                    Class::Epl => printer::count_epl(text)?,
                    _ => printer::count_zpl(text)?,
                };
                bytes.extend_from_slice(text);
                if !text.ends_with(b"\n") {
                    bytes.push(b'\n');
                }
                let first = *labels;
                *labels = labels.saturating_add(count);
                Ok((first, count))
            }
        }
    }

    fn finish(self) -> Result<Vec<u8>, MergeFault> {
        match self.content {
            Content::Pages(pages) => pages.finish(),
            Content::Commands { bytes, .. } => Ok(bytes),
        }
    }
}

/// What the first bytes say a document is.
fn found_format(bytes: &[u8]) -> Option<LabelFormat> {
    let head = bytes.get(..bytes.len().min(1024)).unwrap_or_default();
    let has = |word: &[u8]| memchr::memmem::find(head, word).is_some();
    if head.starts_with(b"\x89PNG\r\n\x1A\n") {
        Some(LabelFormat::Png)
    } else if head.starts_with(b"%PDF-") || has(b"%PDF-") {
        Some(LabelFormat::Pdf)
    } else if has(b"^XA") || head.trim_ascii_start().starts_with(b"~") {
        Some(LabelFormat::Zpl)
    } else if printer::looks_like_epl(head) {
        Some(LabelFormat::Epl)
    } else {
        None
    }
}

fn check_format(stated: &LabelFormat, bytes: &[u8]) -> Result<(), MergeFault> {
    if bytes.is_empty() {
        return Err(MergeFault::Empty);
    }
    let found = found_format(bytes);
    // A file that lost its beginning is damaged, not another format.
    if found.is_none() || found.as_ref() == Some(stated) {
        return Ok(());
    }
    Err(MergeFault::WrongFormat { stated: stated.clone(), found })
}
