//! Plain facts of orders, in columns: what figures are computed from.

use std::borrow::Cow;
use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::definitions::{CancelledBy, NEVER, ShipTimeBasis};
use super::query::Dimension;
use super::ticks::{Column, Instants};
use crate::ids::{CarrierId, PlatformId, ServiceCode, ShopId, Sku, WarehouseId};
use crate::money::Money;

/// What figures are grouped and filtered by. A part that is not known is its own group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RowKeys {
    /// Shop.
    pub shop: Option<ShopId>,
    /// Platform.
    pub platform: Option<PlatformId>,
    /// Site or market.
    pub site: Option<String>,
    /// Carrier; of several parcels the one that was confirmed last.
    pub carrier: Option<CarrierId>,
    /// Service of that carrier.
    pub service: Option<ServiceCode>,
    /// Warehouse it left from.
    pub warehouse: Option<WarehouseId>,
    /// Region of the buyer, in the host's terms, for example country and state.
    pub region: Option<String>,
    /// Stock keeping units; an order has one for each kind of goods.
    pub skus: Vec<Sku>,
}

impl RowKeys {
    /// The one value of a dimension; `None` when it is not known, and for SKU and period.
    #[must_use]
    pub fn part(&self, dimension: Dimension) -> Option<&str> {
        match dimension {
            Dimension::Shop => self.shop.as_ref().map(ShopId::as_str),
            Dimension::Platform => self.platform.as_ref().map(PlatformId::as_str),
            Dimension::Site => self.site.as_deref(),
            Dimension::Carrier => self.carrier.as_ref().map(CarrierId::as_str),
            Dimension::Service => self.service.as_ref().map(ServiceCode::as_str),
            Dimension::Warehouse => self.warehouse.as_ref().map(WarehouseId::as_str),
            Dimension::Region => self.region.as_deref(),
            Dimension::Sku | Dimension::Period => None,
        }
    }
}

/// That an order was cancelled in full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancellation {
    /// When its last unit was.
    pub at: DateTime<Utc>,
    /// By whom.
    pub by: CancelledBy,
}

/// The facts of one order that figures need. Made from an [`Order`](crate::order::Order) by
/// [`order_row`](super::order_row), or filled by a host from its own database.
///
/// Instants are kept to the microsecond.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderRow {
    /// What it is grouped by.
    #[serde(default)]
    pub keys: RowKeys,
    /// Whether it is a test.
    #[serde(default)]
    pub test: bool,
    /// Whether the platform stores and ships it.
    #[serde(default)]
    pub platform_fulfilled: bool,
    /// When it was placed.
    pub created_at: DateTime<Utc>,
    /// When it first became ready to ship.
    pub paid_at: Option<DateTime<Utc>>,
    /// Whether it must be acknowledged.
    #[serde(default)]
    pub needs_acknowledgement: bool,
    /// When it was acknowledged.
    pub acknowledged_at: Option<DateTime<Utc>>,
    /// Until when it must be.
    pub acknowledge_by: Option<DateTime<Utc>>,
    /// Until when its last unit must leave.
    pub ship_by: Option<DateTime<Utc>>,
    /// Whether every active unit has left.
    #[serde(default)]
    pub fully_shipped: bool,
    /// When the last parcel so far was confirmed.
    pub ship_confirmed_at: Option<DateTime<Utc>>,
    /// When the last parcel was first scanned; only set once every shipped parcel was.
    pub accepted_at: Option<DateTime<Utc>>,
    /// Whether a shipped parcel needs its number on the platform.
    #[serde(default)]
    pub number_needed: bool,
    /// When the last needed number reached the platform; only set once every one did.
    pub uploaded_at: Option<DateTime<Utc>>,
    /// Until when they must.
    pub upload_by: Option<DateTime<Utc>>,
    /// Whether every number has a valid form and the carrier is the one that was named.
    #[serde(default = "yes")]
    pub numbers_valid: bool,
    /// When it was promised.
    pub deliver_by: Option<DateTime<Utc>>,
    /// When the last parcel arrived; only set once every one did.
    pub delivered_at: Option<DateTime<Utc>>,
    /// That it was cancelled in full.
    pub cancellation: Option<Cancellation>,
    /// When the first complaint or claim was opened.
    pub complaint_at: Option<DateTime<Utc>>,
    /// When the first dispute was opened.
    pub dispute_at: Option<DateTime<Utc>>,
    /// When the first negative review was written.
    pub negative_review_at: Option<DateTime<Utc>>,
    /// When the seller first refunded by his own fault.
    pub seller_refund_at: Option<DateTime<Utc>>,
    /// When the first exception was opened.
    pub exception_at: Option<DateTime<Utc>>,
    /// When the first shipping mistake was found: wrong goods, quantity, address or number.
    pub mistake_at: Option<DateTime<Utc>>,
    /// What the goods cost the seller.
    pub product_cost: Option<Money>,
    /// What the buyer paid; stands in for an unknown cost of the goods.
    pub order_value: Option<Money>,
    /// What its labels cost, one sum a currency, voided ones left out.
    #[serde(default)]
    pub label_costs: Vec<Money>,
}

const fn yes() -> bool {
    true
}

impl OrderRow {
    /// An order about which nothing but its placing is known.
    #[must_use]
    pub const fn placed(created_at: DateTime<Utc>) -> Self {
        Self {
            keys: RowKeys {
                shop: None,
                platform: None,
                site: None,
                carrier: None,
                service: None,
                warehouse: None,
                region: None,
                skus: Vec::new(),
            },
            test: false,
            platform_fulfilled: false,
            created_at,
            paid_at: None,
            needs_acknowledgement: false,
            acknowledged_at: None,
            acknowledge_by: None,
            ship_by: None,
            fully_shipped: false,
            ship_confirmed_at: None,
            accepted_at: None,
            number_needed: false,
            uploaded_at: None,
            upload_by: None,
            numbers_valid: true,
            deliver_by: None,
            delivered_at: None,
            cancellation: None,
            complaint_at: None,
            dispute_at: None,
            negative_review_at: None,
            seller_refund_at: None,
            exception_at: None,
            mistake_at: None,
            product_cost: None,
            order_value: None,
            label_costs: Vec::new(),
        }
    }

    pub(super) fn packed(&self) -> PackedRow {
        let at = |instant: Option<DateTime<Utc>>| instant.map_or(NEVER, instant_micros);
        let flag = |set: bool, bit: u16| if set { bit } else { 0 };
        let by = self.cancellation.map_or(0, |cancellation| cancellation.by.bits());
        PackedRow {
            instants: [
                instant_micros(self.created_at),
                at(self.paid_at),
                at(self.acknowledged_at),
                at(self.acknowledge_by),
                at(self.ship_by),
                at(self.ship_confirmed_at),
                at(self.accepted_at),
                at(self.uploaded_at),
                at(self.upload_by),
                at(self.deliver_by),
                at(self.delivered_at),
                at(self.cancellation.map(|cancellation| cancellation.at)),
                at(self.complaint_at),
                at(self.dispute_at),
                at(self.negative_review_at),
                at(self.seller_refund_at),
                at(self.exception_at),
                at(self.mistake_at),
            ],
            flags: by
                | flag(self.test, flags::TEST)
                | flag(self.platform_fulfilled, flags::PLATFORM_FULFILLED)
                | flag(self.needs_acknowledgement, flags::NEEDS_ACKNOWLEDGEMENT)
                | flag(self.fully_shipped, flags::FULLY_SHIPPED)
                | flag(self.number_needed, flags::NUMBER_NEEDED)
                | flag(self.numbers_valid, flags::NUMBERS_VALID),
        }
    }

    pub(super) fn costs(&self) -> Option<Costs> {
        let costs = Costs {
            product: self.product_cost,
            value: self.order_value,
            labels: self.label_costs.clone(),
        };
        (costs != Costs::default()).then_some(costs)
    }
}

/// The microsecond of an instant; an instant at the very end of time is not *never*.
pub(super) fn instant_micros(instant: DateTime<Utc>) -> i64 {
    instant.timestamp_micros().min(NEVER - 1)
}

/// Bits of the flag column; the lowest three say who cancelled.
pub(super) mod flags {
    pub(in super::super) const CANCELLED_BY: u16 = 7;
    pub(in super::super) const TEST: u16 = 1 << 3;
    pub(in super::super) const PLATFORM_FULFILLED: u16 = 1 << 4;
    pub(in super::super) const NEEDS_ACKNOWLEDGEMENT: u16 = 1 << 5;
    pub(in super::super) const FULLY_SHIPPED: u16 = 1 << 6;
    pub(in super::super) const NUMBER_NEEDED: u16 = 1 << 7;
    pub(in super::super) const NUMBERS_VALID: u16 = 1 << 8;
}

/// The instants of an order, in the order of their columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    Created,
    Paid,
    Acknowledged,
    AcknowledgeBy,
    ShipBy,
    ShipConfirmed,
    Accepted,
    Uploaded,
    UploadBy,
    DeliverBy,
    Delivered,
    Cancelled,
    Complaint,
    Dispute,
    NegativeReview,
    SellerRefund,
    Exception,
    Mistake,
}

pub(super) const INSTANTS: usize = 18;

impl From<ShipTimeBasis> for At {
    fn from(basis: ShipTimeBasis) -> Self {
        match basis {
            ShipTimeBasis::ShipConfirmed => Self::ShipConfirmed,
            ShipTimeBasis::CarrierAccepted => Self::Accepted,
        }
    }
}

/// One order as numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PackedRow {
    pub(super) instants: [i64; INSTANTS],
    pub(super) flags: u16,
}

impl PackedRow {
    pub(super) fn at(&self, which: At) -> i64 {
        self.instants.get(which as usize).copied().unwrap_or(NEVER)
    }
}

/// The texts of a dimension and their numbers. Number 0 is "not known".
#[derive(Debug, Clone, Default)]
pub(super) struct Dictionary {
    texts: Vec<String>,
    numbers: HashMap<String, u32>,
}

impl Dictionary {
    fn number(&mut self, text: Option<&str>) -> u32 {
        let Some(text) = text else { return 0 };
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        self.texts.push(text.to_owned());
        let number = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.numbers.insert(text.to_owned(), number);
        number
    }

    /// Texts by number; number 0 is left out.
    pub(super) fn texts(&self) -> &[String] {
        &self.texts
    }

    pub(super) fn text(&self, number: u32) -> Option<&str> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        self.texts.get(index).map(String::as_str)
    }

    fn from_texts(texts: Vec<String>) -> Option<Self> {
        let numbers: HashMap<String, u32> = texts.iter().cloned().zip(1..).collect();
        (numbers.len() == texts.len()).then_some(Self { texts, numbers })
    }
}

/// Sums of an order that have a currency. Few questions need them, so they stand aside.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Costs {
    pub(super) product: Option<Money>,
    pub(super) value: Option<Money>,
    pub(super) labels: Vec<Money>,
}

/// A table of order facts, a column a fact. Columns that no row fills take no memory, and while every
/// instant is a whole second an instant takes four bytes, else eight.
///
/// ```
/// use chrono::{TimeZone, Utc};
/// use orderflow::rules::kpi::{OrderFacts, OrderRow};
///
/// let placed = Utc.with_ymd_and_hms(2026, 3, 4, 15, 0, 0).unwrap();
/// let facts: OrderFacts = [OrderRow::placed(placed)].into_iter().collect();
/// assert_eq!(facts.len(), 1);
/// ```
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(try_from = "StoredFacts", into = "StoredFacts")]
pub struct OrderFacts {
    rows: usize,
    dictionaries: [Dictionary; 8],
    keys: [Column<u32>; 7],
    /// Where the SKUs of each row end; empty while no row has one.
    sku_ends: Vec<u32>,
    skus: Vec<u32>,
    instants: Instants,
    flags: Column<u16>,
    costs: HashMap<usize, Costs>,
    /// Dimensions of which some row has no value.
    unknown: [bool; 8],
}

/// Flags of a row of which nothing is known.
const PLAIN: u16 = flags::NUMBERS_VALID;

impl OrderFacts {
    /// An empty table.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of orders.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rows
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Adds an order.
    pub fn push(&mut self, row: &OrderRow) {
        let before = self.rows;
        let columns = self.keys.iter_mut().zip(&mut self.dictionaries).zip(&mut self.unknown);
        for (dimension, ((column, dictionary), unknown)) in
            Dimension::SINGLE.into_iter().zip(columns)
        {
            let number = dictionary.number(row.keys.part(dimension));
            *unknown |= number == 0;
            column.push(number, 0, before);
        }
        if let Some(unknown) = self.unknown.last_mut() {
            *unknown |= row.keys.skus.is_empty();
        }
        self.push_skus(&row.keys.skus);
        let packed = row.packed();
        self.instants.push(&packed, before);
        self.flags.push(packed.flags, PLAIN, before);
        if let Some(costs) = row.costs() {
            self.costs.insert(before, costs);
        }
        self.rows = before.saturating_add(1);
    }

    fn push_skus(&mut self, skus: &[Sku]) {
        if skus.is_empty() && self.sku_ends.is_empty() {
            return;
        }
        self.sku_ends.resize(self.rows, self.skus.len().try_into().unwrap_or(u32::MAX));
        let [.., dictionary] = &mut self.dictionaries;
        let mut numbers: Vec<u32> =
            skus.iter().map(|sku| dictionary.number(Some(sku.as_str()))).collect();
        numbers.sort_unstable();
        numbers.dedup();
        self.skus.extend(numbers);
        self.sku_ends.push(self.skus.len().try_into().unwrap_or(u32::MAX));
    }

    /// Adds the orders of another table behind these.
    pub fn append(&mut self, other: &Self) {
        let (before, rows) = (self.rows, other.rows);
        let maps: Vec<Vec<u32>> = self
            .dictionaries
            .iter_mut()
            .zip(&other.dictionaries)
            .map(|(own, theirs)| {
                std::iter::once(0)
                    .chain(theirs.texts.iter().map(|text| own.number(Some(text))))
                    .collect()
            })
            .collect();
        let translate = |map: &[u32], number: &u32| {
            usize::try_from(*number).ok().and_then(|index| map.get(index)).copied().unwrap_or(0)
        };
        for ((column, theirs), map) in self.keys.iter_mut().zip(&other.keys).zip(&maps) {
            let numbers: Vec<u32> = theirs.0.iter().map(|number| translate(map, number)).collect();
            column.extend(before, &numbers, rows, 0);
        }
        if !(self.sku_ends.is_empty() && other.sku_ends.is_empty()) {
            let offset = u32::try_from(self.skus.len()).unwrap_or(u32::MAX);
            self.sku_ends.resize(before, offset);
            self.sku_ends.extend(other.sku_ends.iter().map(|end| end.saturating_add(offset)));
            if let Some(map) = maps.last() {
                self.skus.extend(other.skus.iter().map(|number| translate(map, number)));
            }
            let end = u32::try_from(self.skus.len()).unwrap_or(u32::MAX);
            self.sku_ends.resize(before.saturating_add(rows), end);
        }
        self.instants.append(before, &other.instants, rows);
        self.flags.extend(before, &other.flags.0, rows, PLAIN);
        self.costs.extend(
            other.costs.iter().map(|(row, costs)| (before.saturating_add(*row), costs.clone())),
        );
        for (own, theirs) in self.unknown.iter_mut().zip(other.unknown) {
            *own |= theirs;
        }
        self.rows = before.saturating_add(rows);
    }

    /// Whether some row has no value of a dimension.
    pub(super) fn has_unknown(&self, dimension: Dimension) -> bool {
        self.unknown.get(dimension as usize).copied().unwrap_or(true)
    }

    pub(super) fn dictionary(&self, dimension: Dimension) -> Option<&Dictionary> {
        self.dictionaries.get(dimension as usize)
    }

    /// Numbers of a dimension for some rows; empty when no row has one.
    pub(super) fn key_column(&self, dimension: Dimension) -> &[u32] {
        self.keys.get(dimension as usize).map_or(&[], |column| column.0.as_slice())
    }

    pub(super) const fn instants(&self) -> &Instants {
        &self.instants
    }

    pub(super) fn flag_column(&self) -> &[u16] {
        &self.flags.0
    }

    pub(super) fn skus_of(&self, row: usize) -> &[u32] {
        let end = |row: usize| {
            self.sku_ends.get(row).and_then(|end| usize::try_from(*end).ok()).unwrap_or(0)
        };
        let begin = row.checked_sub(1).map_or(0, end);
        self.skus.get(begin..end(row)).unwrap_or(&[])
    }

    pub(super) fn costs_of(&self, row: usize) -> Option<&Costs> {
        self.costs.get(&row)
    }

    pub(super) fn key_of(&self, dimension: Dimension, row: usize) -> u32 {
        self.key_column(dimension).get(row).copied().unwrap_or(0)
    }

    pub(super) fn packed_row(&self, row: usize) -> PackedRow {
        let instants = self.instants.row(row);
        PackedRow { instants, flags: self.flags.0.get(row).copied().unwrap_or(PLAIN) }
    }

    /// An order of the table, as it was pushed: SKUs in the order of their numbers and without
    /// repetition, instants to the microsecond.
    #[must_use]
    pub fn row(&self, row: usize) -> Option<OrderRow> {
        if row >= self.rows {
            return None;
        }
        let packed = self.packed_row(row);
        let at = |which: At| {
            let micros = packed.at(which);
            (micros != NEVER).then(|| DateTime::from_timestamp_micros(micros)).flatten()
        };
        let has = |flag: u16| packed.flags & flag != 0;
        let text = |dimension: Dimension| {
            self.dictionary(dimension)?.text(self.key_of(dimension, row)).map(str::to_owned)
        };
        let skus = self.dictionary(Dimension::Sku).map_or_else(Vec::new, |dictionary| {
            self.skus_of(row)
                .iter()
                .filter_map(|number| Sku::new(dictionary.text(*number)?).ok())
                .collect()
        });
        let costs = self.costs_of(row).map_or(Cow::Owned(Costs::default()), Cow::Borrowed);
        Some(OrderRow {
            keys: RowKeys {
                shop: text(Dimension::Shop).and_then(|text| ShopId::new(text).ok()),
                platform: text(Dimension::Platform).and_then(|text| PlatformId::new(text).ok()),
                site: text(Dimension::Site),
                carrier: text(Dimension::Carrier).and_then(|text| CarrierId::new(text).ok()),
                service: text(Dimension::Service).and_then(|text| ServiceCode::new(text).ok()),
                warehouse: text(Dimension::Warehouse).and_then(|text| WarehouseId::new(text).ok()),
                region: text(Dimension::Region),
                skus,
            },
            test: has(flags::TEST),
            platform_fulfilled: has(flags::PLATFORM_FULFILLED),
            created_at: at(At::Created).unwrap_or(DateTime::<Utc>::MAX_UTC),
            paid_at: at(At::Paid),
            needs_acknowledgement: has(flags::NEEDS_ACKNOWLEDGEMENT),
            acknowledged_at: at(At::Acknowledged),
            acknowledge_by: at(At::AcknowledgeBy),
            ship_by: at(At::ShipBy),
            fully_shipped: has(flags::FULLY_SHIPPED),
            ship_confirmed_at: at(At::ShipConfirmed),
            accepted_at: at(At::Accepted),
            number_needed: has(flags::NUMBER_NEEDED),
            uploaded_at: at(At::Uploaded),
            upload_by: at(At::UploadBy),
            numbers_valid: has(flags::NUMBERS_VALID),
            deliver_by: at(At::DeliverBy),
            delivered_at: at(At::Delivered),
            cancellation: at(At::Cancelled).map(|at| Cancellation {
                at,
                by: CancelledBy::from_bits(packed.flags & flags::CANCELLED_BY),
            }),
            complaint_at: at(At::Complaint),
            dispute_at: at(At::Dispute),
            negative_review_at: at(At::NegativeReview),
            seller_refund_at: at(At::SellerRefund),
            exception_at: at(At::Exception),
            mistake_at: at(At::Mistake),
            product_cost: costs.product,
            order_value: costs.value,
            label_costs: costs.labels.clone(),
        })
    }

    /// Every order of the table.
    pub fn rows(&self) -> impl Iterator<Item = OrderRow> + '_ {
        (0..self.rows).filter_map(|row| self.row(row))
    }
}

impl Extend<OrderRow> for OrderFacts {
    fn extend<T: IntoIterator<Item = OrderRow>>(&mut self, rows: T) {
        for row in rows {
            self.push(&row);
        }
    }
}

impl FromIterator<OrderRow> for OrderFacts {
    fn from_iter<T: IntoIterator<Item = OrderRow>>(rows: T) -> Self {
        let mut facts = Self::new();
        facts.extend(rows);
        facts
    }
}

/// A stored table whose columns do not fit each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("stored order facts are damaged: {0}")]
pub struct DamagedFacts(&'static str);

/// How a table is stored.
#[derive(Serialize, Deserialize)]
struct StoredFacts {
    rows: usize,
    names: Vec<Vec<String>>,
    keys: Vec<Vec<u32>>,
    sku_ends: Vec<u32>,
    skus: Vec<u32>,
    instants: Vec<Vec<i64>>,
    flags: Vec<u16>,
    costs: std::collections::BTreeMap<usize, Costs>,
}

impl From<OrderFacts> for StoredFacts {
    fn from(facts: OrderFacts) -> Self {
        Self {
            rows: facts.rows,
            names: facts.dictionaries.into_iter().map(|dictionary| dictionary.texts).collect(),
            keys: facts.keys.into_iter().map(|column| column.0).collect(),
            sku_ends: facts.sku_ends,
            skus: facts.skus,
            instants: facts.instants.to_micros().into_iter().map(|column| column.0).collect(),
            flags: facts.flags.0,
            costs: facts.costs.into_iter().collect(),
        }
    }
}

impl TryFrom<StoredFacts> for OrderFacts {
    type Error = DamagedFacts;

    fn try_from(stored: StoredFacts) -> Result<Self, DamagedFacts> {
        let fits = |length: usize| length == 0 || length == stored.rows;
        let columns = stored.keys.iter().all(|column| fits(column.len()))
            && stored.instants.iter().all(|column| fits(column.len()))
            && fits(stored.flags.len())
            && fits(stored.sku_ends.len());
        if !columns {
            return Err(DamagedFacts("a column is shorter or longer than the table"));
        }
        let last = stored.sku_ends.last().copied().unwrap_or(0);
        if !stored.sku_ends.is_sorted() || usize::try_from(last).ok() != Some(stored.skus.len()) {
            return Err(DamagedFacts("the ends of the SKU lists do not fit the lists"));
        }
        let known = |numbers: &[u32], names: Option<&Vec<String>>| {
            let most = names.map_or(0, Vec::len);
            numbers.iter().all(|number| usize::try_from(*number).is_ok_and(|n| n <= most))
        };
        let named = stored
            .keys
            .iter()
            .zip(&stored.names)
            .all(|(numbers, names)| known(numbers, Some(names)))
            && known(&stored.skus, stored.names.last());
        if !named {
            return Err(DamagedFacts("a name is missing"));
        }
        let dictionaries: Vec<Dictionary> = stored
            .names
            .into_iter()
            .map(Dictionary::from_texts)
            .collect::<Option<_>>()
            .ok_or(DamagedFacts("a name occurs twice"))?;
        let mut unknown = [false; 8];
        for (unknown, numbers) in unknown.iter_mut().zip(&stored.keys) {
            *unknown = stored.rows > 0 && (numbers.is_empty() || numbers.contains(&0));
        }
        if let Some(unknown) = unknown.last_mut() {
            let starts = std::iter::once(&0).chain(&stored.sku_ends);
            *unknown = stored.rows > 0
                && (stored.sku_ends.is_empty()
                    || starts.zip(&stored.sku_ends).any(|(start, end)| start == end));
        }
        Ok(Self {
            unknown,
            rows: stored.rows,
            dictionaries: dictionaries
                .try_into()
                .map_err(|_| DamagedFacts("the number of dimensions differs"))?,
            keys: stored
                .keys
                .into_iter()
                .map(Column)
                .collect::<Vec<_>>()
                .try_into()
                .map_err(|_| DamagedFacts("the number of key columns differs"))?,
            sku_ends: stored.sku_ends,
            skus: stored.skus,
            instants: Instants::of_micros(
                stored
                    .instants
                    .into_iter()
                    .map(Column)
                    .collect::<Vec<_>>()
                    .try_into()
                    .map_err(|_| DamagedFacts("the number of instants differs"))?,
            ),
            flags: Column(stored.flags),
            costs: stored.costs.into_iter().collect(),
        })
    }
}
