//! Rows become orders, in memory that does not grow with the rows.

use std::collections::hash_map::RandomState;
use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher, BuildHasherDefault, Hasher};
use std::io::Read;
use std::sync::Arc;

use super::config::{Field, Mapping};
use super::error::{RowError, RowErrorCode};
use super::map::{self, Reading};
use super::wire::{Columns, Fault, Row, Rows, Texts};
use crate::ids::PlatformOrderId;
use crate::order::PlatformOrder;

/// 128 bits that stand for an order id.
pub(super) type Digest = (u64, u64);

/// Digests are evenly spread already.
#[derive(Default)]
pub(super) struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = self.0.rotate_left(32) ^ value;
    }
}

type SpreadHasher = BuildHasherDefault<Spread>;

/// Makes digests. The keys are drawn anew, so that nobody can choose ids that collide.
#[derive(Debug, Clone, Default)]
pub(super) struct Digests(RandomState, RandomState);

impl Digests {
    pub(super) fn of(&self, id: &str) -> Digest {
        (self.0.hash_one(id), self.1.hash_one(id))
    }
}

/// The rows of an order that may have more of them.
struct Pending {
    digest: Digest,
    rows: Vec<Row>,
}

/// The orders of a file, one after the other. See [the module](super).
///
/// Memory: the rows of the look-back, and up to 36 bytes for every order that was given out, so that
/// an order that turns up again is told from a new one. Such an order has been given out without its
/// later rows, which a stream cannot mend: each of them is an error with the code
/// [`OrderAlreadyGiven`](RowErrorCode::OrderAlreadyGiven) and the id of the order, which must not ship
/// ([`ImportReport::incomplete`](super::ImportReport::incomplete) gathers them). A
/// [`CsvShop`](super::CsvShop) looks through its file first and never gives out a part of an order.
pub struct CsvOrders<R> {
    rows: Rows<R>,
    reading: Arc<Reading>,
    look_back: u64,
    digests: Digests,
    seen: HashSet<Digest, SpreadHasher>,
    /// Where in `pending` an order is, counted from the first order of the file.
    open: HashMap<Digest, u64, SpreadHasher>,
    pending: VecDeque<Pending>,
    given: u64,
    held: Option<Row>,
    errors: VecDeque<RowError>,
    spare_records: Vec<Texts>,
    spare_lists: Vec<Vec<Row>>,
    ended: bool,
    /// Orders of which it is known that their rows lie too far apart to be held together here.
    spread: Arc<HashSet<Digest, SpreadHasher>>,
}

/// Orders by their digests.
pub(super) type DigestSet = HashSet<Digest, SpreadHasher>;

/// What comes of a file.
pub(super) enum Given {
    /// An order, or an error about a row.
    Read(Box<Result<PlatformOrder, RowError>>),
    /// An order whose rows must be gathered from all over the file.
    Spread(PlatformOrderId),
}

impl<R> std::fmt::Debug for CsvOrders<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CsvOrders").field("orders", &self.seen.len()).finish_non_exhaustive()
    }
}

impl<R: Read> CsvOrders<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// A [`RowError`] of row 1 when a required column is missing or the header cannot be read.
    /// The mapping itself is checked by [`Mapping::check`]; a file read with one that does not hold
    /// fails row by row.
    pub fn new(reader: R, mapping: &Mapping) -> Result<Self, Box<RowError>> {
        Self::knowing(reader, mapping, Digests::default(), Arc::default())
    }

    /// Reads a file of which is known which orders are spread over it.
    pub(super) fn knowing(
        reader: R,
        mapping: &Mapping,
        digests: Digests,
        spread: Arc<DigestSet>,
    ) -> Result<Self, Box<RowError>> {
        let rows = Rows::new(reader, mapping)?;
        Ok(Self {
            spread,
            rows,
            reading: Arc::new(Reading::new(mapping)),
            look_back: u64::from(mapping.look_back.min(super::MAX_LOOK_BACK)),
            digests,
            seen: HashSet::default(),
            open: HashMap::default(),
            pending: VecDeque::new(),
            given: 0,
            held: None,
            errors: VecDeque::new(),
            spare_records: Vec::new(),
            spare_lists: Vec::new(),
            ended: false,
        })
    }

    fn order_cell<'a>(row: &'a Row, columns: &Columns) -> &'a str {
        row.cell(columns.of(Field::OrderId))
    }

    /// Puts a row to its order, or says why it has none.
    fn place(&mut self, row: Row) {
        let columns = &self.rows.columns;
        // Most files keep the rows of an order together.
        if let Some(last) = self.pending.back_mut()
            && let Some(first) = last.rows.first()
            && Self::order_cell(first, columns) == Self::order_cell(&row, columns)
        {
            last.rows.push(row);
            return;
        }
        let id = match map::order_id(&row, columns, &self.reading) {
            Ok(id) => id,
            Err(fault) => {
                // A row that cannot be read at all says more than its id does.
                let fault = row.fault.as_deref().cloned().unwrap_or(fault);
                self.errors.push_back(row.error(fault, columns));
                self.spare_records.push(row.cells);
                return;
            }
        };
        let digest = self.digests.of(id.as_str());
        if self.seen.insert(digest) {
            let number = self.given + u64::try_from(self.pending.len()).unwrap_or(u64::MAX);
            if self.look_back > 0 {
                self.open.insert(digest, number);
            }
            let mut rows = self.spare_lists.pop().unwrap_or_default();
            rows.push(row);
            self.pending.push_back(Pending { digest, rows });
            return;
        }
        let place = self.open.get(&digest).and_then(|number| number.checked_sub(self.given));
        let place = place.and_then(|place| usize::try_from(place).ok());
        if let Some(pending) = place.and_then(|place| self.pending.get_mut(place)) {
            pending.rows.push(row);
            return;
        }
        if self.spread.contains(&digest) {
            // It was gathered when its first row came.
            self.spare_records.push(row.cells);
            return;
        }
        let message =
            "the order was given out before, without this row: its rows lie too far apart";
        let column = columns.of(Field::OrderId);
        let fault = Fault::new(column, RowErrorCode::OrderAlreadyGiven, message);
        let mut error = row.error(fault, columns);
        error.order = Some(id);
        self.errors.push_back(error);
        self.spare_records.push(row.cells);
    }

    /// Whether no further row can belong to the oldest order.
    fn is_complete(&self) -> bool {
        let Some(pending) = self.pending.front() else { return false };
        let Some(first) = pending.rows.first() else { return false };
        match &self.held {
            Some(row) if row.number.saturating_sub(first.number) > self.look_back => {
                // Rows that follow each other stay together, however many they are.
                let columns = &self.rows.columns;
                let goes_on = self.pending.len() == 1
                    && pending.rows.len() < super::MAX_LOOK_BACK as usize
                    && pending.rows.last().is_some_and(|last| last.number + 1 == row.number)
                    && Self::order_cell(first, columns) == Self::order_cell(row, columns);
                !goes_on
            }
            Some(_) => false,
            None => self.ended,
        }
    }

    fn give(&mut self) -> Option<Given> {
        let mut pending = self.pending.pop_front()?;
        self.given += 1;
        self.open.remove(&pending.digest);
        let columns = &self.rows.columns;
        if self.spread.contains(&pending.digest)
            && let Some(first) = pending.rows.first()
            && let Ok(id) = map::order_id(first, columns, &self.reading)
        {
            self.spare_records.extend(pending.rows.drain(..).map(|row| row.cells));
            self.spare_lists.push(pending.rows);
            return Some(Given::Spread(id));
        }
        let order = match map::order(&pending.rows, columns, &self.reading) {
            Ok(order) => Some(order),
            Err(faults) => {
                self.errors.extend(rejected(&pending.rows, faults, columns, &self.reading));
                None
            }
        };
        self.spare_records.extend(pending.rows.drain(..).map(|row| row.cells));
        self.spare_lists.push(pending.rows);
        order.map(|order| Given::Read(Box::new(Ok(order))))
    }

    /// The next order, or error, or order that is spread over the file.
    pub(super) fn next_given(&mut self) -> Option<Given> {
        loop {
            if let Some(error) = self.errors.pop_front() {
                return Some(Given::Read(Box::new(Err(error))));
            }
            if self.is_complete() {
                match self.give() {
                    Some(given) => return Some(given),
                    None => continue,
                }
            }
            if let Some(row) = self.held.take() {
                self.place(row);
                continue;
            }
            if self.ended {
                return None;
            }
            let spare = self.spare_records.pop().unwrap_or_default();
            match self.rows.next(spare) {
                Some(Ok(row)) => self.held = Some(row),
                Some(Err(error)) => {
                    self.ended = true;
                    self.errors.push_back(*error);
                }
                None => self.ended = true,
            }
        }
    }
}

/// An error for every row of an order that is not taken.
pub(super) fn rejected(
    rows: &[Row],
    faults: Vec<(usize, Fault)>,
    columns: &Columns,
    reading: &Reading,
) -> Vec<RowError> {
    let order: Option<PlatformOrderId> =
        rows.first().and_then(|row| map::order_id(row, columns, reading).ok());
    let mut by_row: Vec<Option<Fault>> = rows.iter().map(|_| None).collect();
    for (index, fault) in faults {
        if let Some(slot) = by_row.get_mut(index) {
            slot.get_or_insert(fault);
        }
    }
    let rest = || {
        let message = "another row of the order is not taken, so this one is not either";
        Fault::new(None, RowErrorCode::OrderRejected, message)
    };
    rows.iter()
        .zip(by_row)
        .map(|(row, fault)| {
            let mut error = row.error(fault.unwrap_or_else(rest), columns);
            error.order.clone_from(&order);
            error
        })
        .collect()
}

impl<R: Read> Iterator for CsvOrders<R> {
    type Item = Result<PlatformOrder, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            // Without knowledge of the file no order is spread.
            if let Given::Read(read) = self.next_given()? {
                return Some(*read);
            }
        }
    }
}
