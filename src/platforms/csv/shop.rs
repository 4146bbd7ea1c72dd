//! A shop whose orders come in a file and whose shipments go into another.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::{Cursor as Bytes, Read, Seek};
#[cfg(unix)]
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use async_trait::async_trait;

use super::CSV;
use super::config::{Field, MAX_LOOK_BACK, Mapping};
use super::error::{RowError, RowErrorCode};
use super::export::{Export, Told};
use super::map::{self, Reading};
use super::read::{CsvOrders, Digest, DigestSet, Digests, Given, rejected};
use super::wire::{Fault, Row, Rows, Texts};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{
    CarrierId, IdempotencyKey, LineId, PlatformId, PlatformOrderId, ServiceCode, TrackingNumber,
};
use crate::order::{PlatformLine, PlatformOrder, PlatformShipment, UnitGroup, UnitStatus};
use crate::ports::{
    CarrierNaming, Confirmed, Cursor, MarketplaceAdapter, OrderQuery, Page, PlatformItem,
    PlatformLimits, ShipmentNotice, Unreadable,
};
use crate::shipment::NumberChanges;

/// Orders on a page.
const PAGE_SIZE: u32 = 500;

/// Where the orders come from.
#[derive(Clone)]
enum Source {
    File(PathBuf),
    Bytes(Arc<[u8]>),
}

trait ReadSeek: Read + Seek + Send {}
impl<T: Read + Seek + Send> ReadSeek for T {}

/// By which a changed file is told: its length, when it was written, and which file it is where the
/// system says so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Stamp {
    length: u64,
    written: u128,
    identity: (u64, u64),
}

impl Stamp {
    fn of(facts: &Metadata) -> Self {
        #[cfg(unix)]
        let identity = (facts.dev(), facts.ino());
        #[cfg(not(unix))]
        let identity = (0, 0);
        let written = facts.modified().ok();
        let written = written.and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
        Self { length: facts.len(), written: written.unwrap_or_default().as_nanos(), identity }
    }
}

/// As cursors carry it.
impl std::fmt::Display for Stamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { length, written, identity: (device, file) } = self;
        write!(f, "{length}.{written}.{device}.{file}")
    }
}

impl Source {
    fn open(&self) -> Result<(Box<dyn ReadSeek>, Stamp)> {
        match self {
            Self::File(path) => {
                let file = File::open(path).map_err(|error| unreadable(path, error))?;
                let facts = file.metadata().map_err(|error| unreadable(path, error))?;
                Ok((Box::new(file), Stamp::of(&facts)))
            }
            Self::Bytes(bytes) => Ok((Box::new(Bytes::new(bytes.clone())), self.stamp()?)),
        }
    }

    fn stamp(&self) -> Result<Stamp> {
        match self {
            Self::File(path) => {
                let facts = std::fs::metadata(path).map_err(|error| unreadable(path, error))?;
                Ok(Stamp::of(&facts))
            }
            Self::Bytes(bytes) => Ok(Stamp { length: bytes.len() as u64, ..Stamp::default() }),
        }
    }
}

fn unreadable(path: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Storage, "the file of orders cannot be read")
        .with_operation(CSV.as_str(), "read")
        .with_context("path", path.display())
        .with_source(error)
}

/// A list that goes on where the last page ended.
struct Session {
    /// Of the file that it began with.
    stamp: Stamp,
    orders: CsvOrders<Box<dyn ReadSeek>>,
    given: u64,
}

/// Where a row is.
#[derive(Debug, Clone, Copy)]
struct Place {
    digest: Digest,
    byte: u64,
    number: u64,
    line: u64,
}

/// Where the rows of each order are: 40 bytes a row.
struct Index {
    stamp: Stamp,
    /// The file, open, to read single rows from.
    rows: Rows<Box<dyn ReadSeek>>,
    places: Vec<Place>,
    /// Orders with rows further apart than the look-back.
    spread: Arc<DigestSet>,
}

/// Where the rows of an order are, in the order of the file. Places are sorted.
fn places_of(places: &[Place], digest: Digest) -> &[Place] {
    let from = places.partition_point(|place| place.digest < digest);
    let places = places.get(from..).unwrap_or_default();
    places.get(..places.partition_point(|place| place.digest == digest)).unwrap_or_default()
}

/// The orders of which a reader that holds so many rows would give out a part. Places are sorted.
fn spread(places: &[Place], look_back: u32) -> DigestSet {
    places
        .chunk_by(|a, b| a.digest == b.digest)
        .filter_map(|rows| {
            let (first, last) = (rows.first()?, rows.last()?);
            (last.number - first.number > u64::from(look_back)).then_some(first.digest)
        })
        .collect()
}

struct State {
    session: Option<Session>,
    index: Option<Index>,
    export: Export,
}

/// A shop over a file of orders. See [the module](super) for what it does and does not.
pub struct CsvShop {
    platform: PlatformId,
    source: Source,
    mapping: Mapping,
    reading: Reading,
    digests: Digests,
    page_size: u32,
    state: Mutex<State>,
}

impl std::fmt::Debug for CsvShop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CsvShop").field("platform", &self.platform).finish_non_exhaustive()
    }
}

impl CsvShop {
    /// A shop over a file, which may grow and change. Shipments are written to `export`, which is
    /// made if it does not exist and may have one writer.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] when the mapping cannot work or another shop writes to `export`,
    /// [`ErrorKind::Storage`] when `export` cannot be opened or is not a file of shipments. The file
    /// of orders is not looked at yet.
    pub fn open(
        orders: impl Into<PathBuf>,
        mapping: Mapping,
        export: impl AsRef<Path>,
    ) -> Result<Self> {
        Self::new(Source::File(orders.into()), mapping, export.as_ref())
    }

    /// A shop over orders that are in memory, for example an upload.
    ///
    /// # Errors
    /// As [`CsvShop::open`].
    pub fn from_bytes(
        orders: impl Into<Arc<[u8]>>,
        mapping: Mapping,
        export: impl AsRef<Path>,
    ) -> Result<Self> {
        Self::new(Source::Bytes(orders.into()), mapping, export.as_ref())
    }

    fn new(source: Source, mapping: Mapping, export: &Path) -> Result<Self> {
        mapping.check().map_err(|error| {
            Error::new(ErrorKind::Configuration, error.to_string())
                .with_operation(CSV.as_str(), "mapping")
        })?;
        let state = State { session: None, index: None, export: Export::open(export)? };
        Ok(Self {
            platform: CSV,
            source,
            reading: Reading::new(&mapping),
            mapping,
            digests: Digests::default(),
            page_size: PAGE_SIZE,
            state: Mutex::new(state),
        })
    }

    /// Names the platform that the file was exported from, instead of [`CSV`].
    #[must_use]
    pub fn with_platform(mut self, platform: PlatformId) -> Self {
        self.platform = platform;
        self
    }

    /// Declares how many orders a page has, at least 1; 500 unless declared.
    #[must_use]
    pub fn with_page_size(mut self, orders: u32) -> Self {
        self.page_size = orders.max(1);
        self
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is whole before the lock is let go, so a panic elsewhere spoils nothing.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of_file(&self, error: &RowError) -> Error {
        Error::new(ErrorKind::UnexpectedAnswer, error.to_string())
            .with_operation(self.platform.as_str(), "read")
    }

    /// What is said of a file that is not the one that was begun with: what it gives out from here on
    /// would be parts of two files.
    fn changed(&self) -> Error {
        let words =
            "the file of orders was written to while it was read: read it again from its beginning";
        Error::new(ErrorKind::Conflict, words).with_operation(self.platform.as_str(), "read")
    }

    fn unchanged(&self, since: &Stamp) -> Result<()> {
        if self.source.stamp()? == *since { Ok(()) } else { Err(self.changed()) }
    }

    /// A list from its `given`-th item on, of the file that the cursor is for.
    fn session(&self, state: &mut State, given: u64, file: Option<&str>) -> Result<Session> {
        if let Some(session) = state.session.take().filter(|s| given > 0 && s.given == given)
            && file.is_none_or(|file| file == session.stamp.to_string())
        {
            self.unchanged(&session.stamp)?;
            return Ok(session);
        }
        let Index { stamp: indexed, spread, .. } = self.index(state)?;
        let (indexed, spread) = (indexed.clone(), Arc::clone(spread));
        let (reader, stamp) = self.source.open()?;
        if stamp != indexed || file.is_some_and(|file| file != stamp.to_string()) {
            return Err(self.changed());
        }
        let mut orders = CsvOrders::knowing(reader, &self.mapping, self.digests.clone(), spread)
            .map_err(|error| self.of_file(&error))?;
        // After a restart the file is read again up to the place.
        for _ in 0..given {
            if orders.next_given().is_none() {
                break;
            }
        }
        Ok(Session { stamp, orders, given })
    }

    fn page(&self, query: &OrderQuery, cursor: Option<&Cursor>) -> Result<Page<PlatformOrder>> {
        let place = cursor.map(Cursor::as_str);
        let (given, file) = place.map_or(("0", None), |place| match place.split_once('@') {
            Some((given, file)) => (given, Some(file)),
            None => (place, None),
        });
        let given: u64 =
            given.parse().map_err(|_| Error::invalid("cursor", "is none of this shop's"))?;
        let wanted = |order: &PlatformOrder| match query {
            OrderQuery::Created { from, to } => *from <= order.placed_at && order.placed_at < *to,
            OrderQuery::Updated { .. } | OrderQuery::Released => true,
        };
        let mut state = self.state();
        let mut session = self.session(&mut state, given, file)?;
        let most = usize::try_from(self.page_size).unwrap_or(usize::MAX);
        let mut items = Vec::new();
        while items.len() < most {
            let Some(given) = session.orders.next_given() else {
                self.unchanged(&session.stamp)?;
                return Ok(Page { items, next: None });
            };
            session.given += 1;
            let read = match given {
                Given::Read(read) => read.map_err(|error| vec![error]),
                Given::Spread(id) => match self.gather(&mut state, &id)? {
                    Some(read) => read,
                    // Its rows have other ids now: the file has changed, which is told at the end of the
                    // page.
                    None => continue,
                },
            };
            match read {
                Ok(mut order) if wanted(&order) => {
                    let told = state.export.of(&order.id);
                    show(&mut order, told);
                    let open = |order: &PlatformOrder| {
                        order.lines.iter().flat_map(|line| &line.units).any(|group| {
                            matches!(group.status, UnitStatus::New | UnitStatus::Acknowledged)
                        })
                    };
                    if !matches!(query, OrderQuery::Released) || open(&order) {
                        items.push(PlatformItem::Read(Box::new(order)));
                    }
                }
                Ok(_) => {}
                Err(errors) => items.extend(errors.into_iter().map(|error| {
                    Unreadable::new(error.order.clone(), error.to_string(), error.raw).into()
                })),
            }
        }
        self.unchanged(&session.stamp)?;
        let next = Some(Cursor::new(format!("{}@{}", session.given, session.stamp)));
        state.session = Some(session);
        Ok(Page { items, next })
    }

    /// Looks where the rows of all orders are, unless the file is as it was.
    fn index<'a>(&self, state: &'a mut State) -> Result<&'a mut Index> {
        let stamp = self.source.stamp()?;
        let index = match state.index.take().filter(|index| index.stamp == stamp) {
            Some(index) => index,
            None => {
                let (file, stamp) = self.source.open()?;
                let mut rows =
                    Rows::new(file, &self.mapping).map_err(|error| self.of_file(&error))?;
                let mut places = Vec::new();
                let mut spare = Texts::default();
                while let Some(row) = rows.next(spare) {
                    let row = row.map_err(|error| self.of_file(&error))?;
                    let id = row.cell(rows.columns.of(Field::OrderId));
                    places.push(Place {
                        digest: self.digests.of(id),
                        byte: row.byte,
                        number: row.number,
                        line: row.line,
                    });
                    spare = row.cells;
                }
                places.sort_unstable_by_key(|place| (place.digest, place.number));
                places.shrink_to_fit();
                let spread = Arc::new(spread(&places, self.mapping.look_back));
                self.unchanged(&stamp)?;
                Index { stamp, rows, places, spread }
            }
        };
        Ok(state.index.insert(index))
    }

    /// An order of all its rows, wherever they are in the file; `None` when it has none.
    fn gather(
        &self,
        state: &mut State,
        id: &PlatformOrderId,
    ) -> Result<Option<std::result::Result<PlatformOrder, Vec<RowError>>>> {
        let Index { stamp, rows: reader, places, .. } = self.index(state)?;
        let mut rows: Vec<Row> = Vec::new();
        for place in places_of(places, self.digests.of(id.as_str())) {
            reader.go_to(place.byte).map_err(|error| {
                Error::new(ErrorKind::Storage, "the file of orders cannot be read")
                    .with_operation(self.platform.as_str(), "read")
                    .with_source(error)
            })?;
            let Some(row) = reader.next(Texts::default()) else { continue };
            let mut row = row.map_err(|error| self.of_file(&error))?;
            (row.number, row.line) = (place.number, place.line);
            let columns = &reader.columns;
            if row.cell(columns.of(Field::OrderId)) != id.as_str() {
                continue;
            }
            if rows.len() >= MAX_LOOK_BACK as usize {
                let message = format!("the order has more than {MAX_LOOK_BACK} rows");
                let fault = Fault::new(None, RowErrorCode::TooLarge, message);
                let mut error = row.error(fault, columns);
                error.order = Some(id.clone());
                return Ok(Some(Err(vec![error])));
            }
            rows.push(row);
        }
        self.unchanged(stamp)?;
        if rows.is_empty() {
            return Ok(None);
        }
        let read = map::order(&rows, &reader.columns, &self.reading)
            .map_err(|faults| rejected(&rows, faults, &reader.columns, &self.reading));
        Ok(Some(read))
    }

    fn read(&self, state: &mut State, id: &PlatformOrderId) -> Result<PlatformOrder> {
        let fail = |kind, words: String| {
            Error::new(kind, words)
                .with_operation(self.platform.as_str(), "get_order")
                .with_context("order", id)
        };
        let mut order = match self.gather(state, id)? {
            Some(Ok(order)) => order,
            Some(Err(errors)) => {
                let words: Vec<String> = errors.iter().map(ToString::to_string).collect();
                return Err(fail(ErrorKind::UnexpectedAnswer, words.join("; ")));
            }
            None => return Err(fail(ErrorKind::NotFound, "the file has no such order".into())),
        };
        show(&mut order, state.export.of(id));
        Ok(order)
    }

    fn confirm(&self, notice: &ShipmentNotice) -> Result<Confirmed> {
        let refuse = |kind, words: &str| {
            Error::new(kind, words)
                .with_operation(self.platform.as_str(), "confirm_shipment")
                .with_context("order", &notice.order)
        };
        let Some(number) = &notice.number else {
            return Err(refuse(ErrorKind::Unsupported, "a shipment needs a tracking number"));
        };
        if notice.tracking_url.as_deref().is_some_and(|url| url.chars().any(char::is_control)) {
            return Err(Error::invalid("tracking_url", "has control characters"));
        }
        let mut wanted: BTreeMap<&LineId, u32> = BTreeMap::new();
        for line in &notice.lines {
            let units = wanted.entry(&line.line).or_default();
            *units = units.saturating_add(line.units);
        }
        if wanted.is_empty() || wanted.values().any(|units| *units == 0) {
            return Err(Error::invalid("lines", "a shipment needs units of at least one line"));
        }
        let mut state = self.state();
        let order = self.read(&mut state, &notice.order)?;
        let mut rows = Vec::new();
        for (id, units) in wanted {
            let line = order
                .lines
                .iter()
                .find(|line| line.id == *id)
                .ok_or_else(|| Error::invalid("lines.line", "the order has no such line"))?;
            let (ours, open) = standing(line, number);
            let missing = units.saturating_sub(ours);
            if missing > open {
                return Err(if line.units.iter().any(|group| group.shipment.is_some()) {
                    refuse(ErrorKind::Conflict, "the units left under another tracking number")
                } else {
                    refuse(ErrorKind::Rejected, "the line has fewer units to ship")
                });
            }
            if missing > 0 {
                rows.push(Told {
                    order_id: notice.order.clone(),
                    line_id: id.clone(),
                    units: missing,
                    carrier: notice.carrier.as_str().to_owned(),
                    service: notice.service.as_str().to_owned(),
                    tracking_number: number.clone(),
                    tracking_url: notice.tracking_url.clone(),
                    shipped_at: notice.shipped_at,
                });
            }
        }
        if rows.is_empty() {
            return Ok(Confirmed { already: true, order: Some(Box::new(order)) });
        }
        state.export.add(rows)?;
        let order = self.read(&mut state, &notice.order).ok().map(Box::new);
        Ok(Confirmed { already: false, order })
    }
}

/// Units under a number, and units that can still leave.
fn standing(line: &PlatformLine, number: &TrackingNumber) -> (u32, u32) {
    let sum = |wanted: &dyn Fn(&UnitGroup) -> bool| {
        let groups = line.units.iter().filter(|group| wanted(group));
        groups.map(|group| group.units).fold(0, u32::saturating_add)
    };
    let ours = sum(&|group| {
        group.shipment.as_ref().and_then(|shipment| shipment.number.as_ref()) == Some(number)
    });
    let open = sum(&|group| {
        group.shipment.is_none()
            && matches!(
                group.status,
                UnitStatus::New | UnitStatus::Acknowledged | UnitStatus::Shipped
            )
    });
    (ours, open)
}

/// Puts what was told of an order into what the file says of it.
fn show(order: &mut PlatformOrder, told: &[Told]) {
    if told.is_empty() {
        return;
    }
    for line in &mut order.lines {
        let Some(said) = line.units.first().map(|group| group.status.clone()) else { continue };
        // What is further in the file than shipped stays so; what was cancelled never left.
        let status = match said {
            UnitStatus::Cancelled => continue,
            UnitStatus::New | UnitStatus::Acknowledged => UnitStatus::Shipped,
            ref other => other.clone(),
        };
        let mut groups: Vec<UnitGroup> = Vec::new();
        let mut left = line.quantity;
        for row in told.iter().filter(|row| row.line_id == line.id) {
            let units = row.units.min(left);
            left -= units;
            let same = |group: &&mut UnitGroup| {
                group.shipment.as_ref().and_then(|shipment| shipment.number.as_ref())
                    == Some(&row.tracking_number)
            };
            if let Some(group) = groups.iter_mut().find(same) {
                group.units += units;
            } else if units > 0 {
                groups.push(UnitGroup {
                    shipment: Some(PlatformShipment {
                        package: None,
                        carrier: Some(row.carrier.clone()),
                        number: Some(row.tracking_number.clone()),
                        url: row.tracking_url.clone(),
                        shipped_at: Some(row.shipped_at),
                        collected_at: None,
                        delivered_at: None,
                    }),
                    ..UnitGroup::new(status.clone(), units)
                });
            }
        }
        if left > 0 {
            groups.push(UnitGroup::new(said, left));
        }
        line.units = groups;
    }
}

#[async_trait]
impl MarketplaceAdapter for CsvShop {
    fn platform(&self) -> PlatformId {
        self.platform.clone()
    }

    fn limits(&self) -> PlatformLimits {
        PlatformLimits {
            partial_shipment: true,
            packages_per_line_many: true,
            combine_orders: true,
            split_orders: true,
            tracking_update: NumberChanges::NEVER,
            page_size: self.page_size,
            // A file has no age: a hundred years stand for all of it.
            history_days: 36_500,
            listing_lag_seconds: 0,
            ..PlatformLimits::default()
        }
    }

    async fn list_orders(
        &self,
        query: &OrderQuery,
        cursor: Option<&Cursor>,
    ) -> Result<Page<PlatformOrder>> {
        self.page(query, cursor)
    }

    async fn get_order(&self, id: &PlatformOrderId) -> Result<PlatformOrder> {
        self.read(&mut self.state(), id)
    }

    async fn confirm_shipment(
        &self,
        notice: &ShipmentNotice,
        _key: &IdempotencyKey,
    ) -> Result<Confirmed> {
        self.confirm(notice)
    }

    fn carrier_name(&self, carrier: &CarrierId, _service: &ServiceCode) -> CarrierNaming {
        CarrierNaming::Other { name: carrier.as_str().to_owned() }
    }
}
