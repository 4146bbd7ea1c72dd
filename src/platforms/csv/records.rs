//! From bytes to cells, in memory that does not grow with a row: a quote that is never closed makes
//! one row of the rest of the file, however much that is.

use std::io::{self, ErrorKind, Read};

use csv_core::ReadRecordResult;

/// How large a row can be, in bytes of its cells.
pub(super) const LARGEST_ROW: usize = 1 << 20;
/// How many cells a row can have.
const MOST_CELLS: usize = 1 << 18;
/// What is kept of a row that is too large, to tell whose it is.
const KEPT: usize = 1 << 16;

/// Where a row begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// As people count: the first row is 1, blank lines do not count.
    pub(super) number: u64,
    pub(super) line: u64,
    pub(super) byte: u64,
}

/// The rows of a file, one after the other, each over the last one.
pub(super) struct Records<R> {
    source: R,
    input: Vec<u8>,
    /// What of the input is still to be read.
    unread: std::ops::Range<usize>,
    core: csv_core::Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
    /// What goes beyond the bounds is written here, where nobody looks.
    beyond: [u8; 1 << 12],
    beyond_ends: [usize; 1 << 6],
    size: usize,
    cells: usize,
    byte: u64,
    rows: u64,
    ended: bool,
    /// How many bytes are read at once now.
    ahead: usize,
}

/// How many bytes are read of a place in the middle of a file, before it shows that more are wanted.
const FIRST_READ: usize = 1 << 12;

impl<R: Read> Records<R> {
    pub(super) fn new(source: R, delimiter: u8, buffer: usize) -> Self {
        Self {
            source,
            input: vec![0; buffer],
            unread: 0..0,
            core: csv_core::ReaderBuilder::new().delimiter(delimiter).build(),
            text: vec![0; 1 << 10],
            ends: vec![0; 1 << 6],
            beyond: [0; 1 << 12],
            beyond_ends: [0; 1 << 6],
            size: 0,
            cells: 0,
            byte: 0,
            rows: 0,
            ended: false,
            ahead: buffer,
        }
    }

    /// Where the rows come from.
    pub(super) fn source_mut(&mut self) -> &mut R {
        &mut self.source
    }

    /// Goes on with the row that begins at a byte, where the source is now.
    pub(super) fn begin_at(&mut self, byte: u64) {
        self.core.reset();
        (self.unread, self.byte, self.ended) = (0..0, byte, false);
        self.ahead = FIRST_READ;
    }

    /// Where the next row begins.
    pub(super) fn place(&self) -> Place {
        Place { number: self.rows + 1, line: self.core.line(), byte: self.byte }
    }

    fn refill(&mut self) -> io::Result<()> {
        loop {
            let ahead = self.ahead.min(self.input.len());
            match self.source.read(self.input.get_mut(..ahead).unwrap_or_default()) {
                Ok(read) => {
                    self.unread = 0..read;
                    self.ahead = ahead.saturating_mul(2);
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads the next row; `false` is the end.
    pub(super) fn advance(&mut self) -> io::Result<bool> {
        (self.size, self.cells) = (0, 0);
        while !self.ended {
            if self.unread.is_empty() {
                self.refill().inspect_err(|_| self.ended = true)?;
            }
            if self.size >= self.text.len() && self.text.len() < LARGEST_ROW {
                self.text.resize(self.text.len() * 2, 0);
            }
            if self.cells >= self.ends.len() && self.ends.len() < MOST_CELLS {
                self.ends.resize(self.ends.len() * 2, 0);
            }
            let input = self.input.get(self.unread.clone()).unwrap_or_default();
            let text = self.text.get_mut(self.size..).filter(|text| !text.is_empty());
            let ends = self.ends.get_mut(self.cells..).filter(|ends| !ends.is_empty());
            let (result, read, written, ended) = self.core.read_record(
                input,
                text.unwrap_or(&mut self.beyond),
                ends.unwrap_or(&mut self.beyond_ends),
            );
            self.unread.start += read;
            self.byte += u64::try_from(read).unwrap_or(0);
            self.size += written;
            self.cells += ended;
            match result {
                ReadRecordResult::Record => {
                    self.rows += 1;
                    return Ok(true);
                }
                ReadRecordResult::End => self.ended = true,
                ReadRecordResult::InputEmpty
                | ReadRecordResult::OutputFull
                | ReadRecordResult::OutputEndsFull => {}
            }
        }
        Ok(false)
    }

    /// Whether the row is larger than a row can be.
    pub(super) fn is_too_large(&self) -> bool {
        self.size > LARGEST_ROW || self.cells > MOST_CELLS
    }

    /// How many cells the row has.
    pub(super) fn cells(&self) -> usize {
        self.cells
    }

    /// The cells of the row, one after the other, and where each ends. Of a row that is too large
    /// only the beginning.
    pub(super) fn row(&self) -> (&[u8], &[usize]) {
        let most = if self.is_too_large() { KEPT } else { LARGEST_ROW };
        let size = self.size.min(most);
        let ends = self.ends.get(..self.cells.min(self.ends.len())).unwrap_or_default();
        // Ends rise, so that those beyond what is kept lie together.
        let whole = ends.partition_point(|end| *end <= size);
        (self.text.get(..size).unwrap_or_default(), ends.get(..whole).unwrap_or_default())
    }
}
