//! What is wrong with the lines of a request before anything is sent.

use std::collections::BTreeSet;

use crate::error::{Error, Result};
use crate::ids::LineId;
use crate::ports::ShipmentNoticeLine;

/// Refuses what cannot be meant: no lines, a line twice, no units.
pub(crate) fn check(lines: &[ShipmentNoticeLine]) -> Result<()> {
    if lines.is_empty() {
        return Err(Error::invalid("lines", "at least one line is needed"));
    }
    if lines.iter().any(|line| line.units == 0) {
        return Err(Error::invalid("lines.units", "must be at least 1"));
    }
    once(lines.iter().map(|line| &line.line))
}

/// Refuses a line that is named twice: one of the two would be told and the other lost.
pub(crate) fn once<'a>(lines: impl Iterator<Item = &'a LineId>) -> Result<()> {
    let mut seen = BTreeSet::new();
    for line in lines {
        if !seen.insert(line) {
            return Err(Error::invalid("lines.line", "a line is named twice"));
        }
    }
    Ok(())
}
