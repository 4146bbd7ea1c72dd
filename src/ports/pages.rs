//! A walk through a platform's list that always ends.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use super::Cursor;
use crate::error::{Error, ErrorKind};
use crate::ids::PlatformId;

/// Why a list was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndlessList {
    /// A page led to one that had been read before.
    #[error("the platform repeated a page token on page {page}: its list would go round for ever")]
    Repeated {
        /// The page that named the token, from 1.
        page: u32,
    },
    /// The list has more pages than a list can have.
    #[error("the platform's list does not end: {pages} pages were read")]
    TooLong {
        /// How many pages were read.
        pages: u32,
    },
}

impl EndlessList {
    /// As an error of this crate: [`ErrorKind::UnexpectedAnswer`] of an operation, with this as its
    /// source.
    #[must_use]
    pub fn of(self, platform: &PlatformId, operation: &'static str) -> Error {
        Error::new(ErrorKind::UnexpectedAnswer, self.to_string())
            .with_operation(platform.as_str(), operation)
            .with_source(self)
    }
}

/// Where a walk through a list is. It knows the tokens it came by, so that a list that leads back to
/// any earlier page, not only to the last one, ends with an error; and it bounds the pages of a list
/// that makes up new tokens for ever.
///
/// Memory: about 20 bytes a page. A token is known again by 64 bits of a keyed hash: among 100,000 pages one
/// is taken for another once in four thousand million walks.
///
/// ```
/// use orderflow::ports::{Cursor, EndlessList, PageWalk};
///
/// let mut walk = PageWalk::new();
/// assert_eq!(walk.go_on(Some(Cursor::new("A"))), Ok(true));
/// assert_eq!(walk.go_on(Some(Cursor::new("B"))), Ok(true));
/// assert_eq!(walk.go_on(Some(Cursor::new("A"))), Err(EndlessList::Repeated { page: 3 }));
/// ```
#[derive(Debug, Clone)]
pub struct PageWalk {
    cursor: Option<Cursor>,
    seen: HashSet<u64>,
    hashes: RandomState,
    pages: u32,
    most: u32,
}

impl Default for PageWalk {
    fn default() -> Self {
        Self::new()
    }
}

impl PageWalk {
    /// The pages of a list at most, unless declared otherwise. A busy shop's week is a few thousand.
    pub const MOST_PAGES: u32 = 100_000;

    /// At the first page, for [`PageWalk::MOST_PAGES`] pages at most.
    #[must_use]
    pub fn new() -> Self {
        Self::within(Self::MOST_PAGES)
    }

    /// At the first page, for so many pages at most.
    #[must_use]
    pub fn within(most: u32) -> Self {
        Self { cursor: None, seen: HashSet::new(), hashes: RandomState::new(), pages: 0, most }
    }

    /// The token of the page to read now; `None` is the first page.
    #[must_use]
    pub fn cursor(&self) -> Option<&Cursor> {
        self.cursor.as_ref()
    }

    /// How many pages were read.
    #[must_use]
    pub fn pages(&self) -> u32 {
        self.pages
    }

    /// Notes that the page was read and which one it names next. Returns whether there is another.
    ///
    /// # Errors
    /// [`EndlessList`] when the list would not end. The walk stays where it was.
    pub fn go_on(&mut self, next: Option<Cursor>) -> Result<bool, EndlessList> {
        let page = self.pages.saturating_add(1);
        if let Some(next) = &next {
            if self.seen.contains(&self.hashes.hash_one(next.as_str())) {
                return Err(EndlessList::Repeated { page });
            }
            if page >= self.most {
                return Err(EndlessList::TooLong { pages: page });
            }
            self.seen.insert(self.hashes.hash_one(next.as_str()));
        }
        self.pages = page;
        let more = next.is_some();
        self.cursor = next;
        Ok(more)
    }
}
