//! Whether streams unpack: one that does not would leave the page blank or cut.
//!
//! Sources: ISO 32000-1, section 7.4.4 (FlateDecode); RFC 1950 (the header and the sum).

use flate2::{Decompress, FlushDecompress, Status};

use super::MergeFault;
use super::source::{Source, is_deflate};
use super::syntax::{Value, lookup, members};

/// Bytes that the streams of one file which are looked into may grow to.
const MOST_UNPACKED: u64 = 128 * 1024 * 1024;

/// Bytes unpacked at a time. They are thrown away.
const PIECE: usize = 32 * 1024;

/// Bytes of the header before packed data, and of the sum behind them.
const HEADER: usize = 2;
const SUM: usize = 4;

/// Unpacks streams and keeps nothing of them.
#[derive(Debug)]
pub(super) struct Unpacking {
    state: Decompress,
    piece: Vec<u8>,
    left: u64,
}

impl Unpacking {
    pub(super) fn new() -> Self {
        Self { state: Decompress::new(true), piece: vec![0; PIECE], left: MOST_UNPACKED }
    }

    /// Gives the next file its whole bound.
    pub(super) const fn next_file(&mut self) {
        self.left = MOST_UNPACKED;
    }

    /// Looks at a stream. What is packed in another way is not looked into.
    pub(super) fn check(
        &mut self,
        source: &Source<'_>,
        dictionary: &[u8],
        data: &[u8],
    ) -> Result<(), MergeFault> {
        let filter = lookup(dictionary, b"Filter").and_then(|filter| source.resolve(filter));
        // Of several, the first is the one that was applied last.
        let outer = match filter {
            Some(Value::Array(inner)) => members(inner).next(),
            other => other,
        };
        if data.is_empty() || !outer.is_some_and(is_deflate) || self.end(data, true)?.is_some() {
            return Ok(());
        }
        // A length that is too short by a few bytes costs only the sum, and every reader prints it.
        let bare = data.get(HEADER..).unwrap_or_default();
        match self.end(bare, false)? {
            Some(end) if bare.len().saturating_sub(end) < SUM => Ok(()),
            _ => Err(MergeFault::Damaged { what: "the content of a page does not unpack" }),
        }
    }

    /// Where packed data end; `None` is nowhere.
    fn end(&mut self, data: &[u8], headed: bool) -> Result<Option<usize>, MergeFault> {
        self.state.reset(headed);
        loop {
            let (read, made) = (self.state.total_in(), self.state.total_out());
            let at = usize::try_from(read).unwrap_or(usize::MAX);
            let rest = data.get(at..).unwrap_or_default();
            let outcome = self.state.decompress(rest, &mut self.piece, FlushDecompress::None);
            let grown = self.state.total_out().saturating_sub(made);
            self.left = self.left.checked_sub(grown).ok_or(MergeFault::TooLarge {
                what: "the unpacked content of a file",
                limit: MOST_UNPACKED,
            })?;
            match outcome {
                Ok(Status::StreamEnd) => {
                    return Ok(usize::try_from(self.state.total_in()).ok());
                }
                Ok(_) if grown > 0 || self.state.total_in() > read => {}
                _ => return Ok(None),
            }
        }
    }
}
