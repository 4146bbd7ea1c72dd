//! Counts lines and quotes of a file while it is read: a reader of cells tells neither in which line
//! of an editor a row begins nor that a quote is never closed.

use std::collections::VecDeque;
use std::io::Read;

/// Where a byte stands in its cell.
#[derive(Clone, Copy)]
enum Place {
    /// Before the first byte of a cell.
    Start,
    /// In a cell without quotes, or behind those of a cell.
    Plain,
    /// In quotes that opened in this line.
    Quoted(u64),
    /// Behind a quote in quotes: it closes them, or another one follows.
    Quote(u64),
}

/// A reader that watches what goes through it.
pub(super) struct Watched<R> {
    input: R,
    delimiter: u8,
    /// Bytes read.
    read: u64,
    /// The line of the next byte.
    reached: u64,
    /// Ends of lines that nobody asked about yet, each with its first byte and the byte behind it.
    ends: VecDeque<(u64, u64)>,
    /// The line of what was asked about last.
    line: u64,
    place: Place,
    is_after_return: bool,
    is_ended: bool,
}

impl<R: Read> Watched<R> {
    pub(super) fn new(input: R, delimiter: u8) -> Self {
        Self {
            input,
            delimiter,
            read: 0,
            reached: 1,
            ends: VecDeque::new(),
            line: 1,
            place: Place::Start,
            is_after_return: false,
            is_ended: false,
        }
    }

    /// The line of the first byte from a place on that is not the end of a line. Places must come in
    /// order.
    pub(super) fn line_at(&mut self, mut byte: u64) -> u64 {
        while let Some((begin, end)) = self.ends.front().copied() {
            if end > byte && begin > byte {
                break;
            }
            byte = byte.max(end);
            self.ends.pop_front();
            self.line += 1;
        }
        self.line
    }

    /// The line in which a quote opens that the end of the file does not close.
    pub(super) fn open_quote(&self) -> Option<u64> {
        match self.place {
            Place::Quoted(line) if self.is_ended => Some(line),
            _ => None,
        }
    }

    /// The line that was reached.
    pub(super) const fn reached(&self) -> u64 {
        self.reached
    }

    fn see(&mut self, byte: u8) {
        let is_end = matches!(byte, b'\r' | b'\n');
        if byte == b'\n' && self.is_after_return {
            if let Some((_, end)) = self.ends.back_mut().filter(|(_, end)| *end == self.read) {
                *end += 1;
            }
        } else if is_end {
            self.ends.push_back((self.read, self.read + 1));
            self.reached += 1;
        }
        self.is_after_return = byte == b'\r';
        self.read += 1;
        let parts = is_end || byte == self.delimiter;
        self.place = match (self.place, byte) {
            (Place::Start, b'"') => Place::Quoted(self.reached),
            (Place::Quoted(line), b'"') => Place::Quote(line),
            (Place::Quoted(line), _) | (Place::Quote(line), b'"') => Place::Quoted(line),
            (Place::Start | Place::Plain | Place::Quote(_), _) if parts => Place::Start,
            (Place::Start | Place::Plain | Place::Quote(_), _) => Place::Plain,
        };
    }
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.is_ended |= count == 0 && !buffer.is_empty();
        for byte in buffer.iter().take(count) {
            self.see(*byte);
        }
        Ok(count)
    }
}
