//! Where parcels leave from.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::address::{Contact, Country};
use crate::calendar::WorkCalendar;
use crate::ids::{PlatformId, Sku, WarehouseId};
use crate::money::Money;

/// Who runs the stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FulfillmentChannel {
    /// The seller's own warehouse.
    MerchantFulfilled,
    /// A warehouse in the market's country.
    Overseas,
    /// The platform stores and ships.
    PlatformFulfilled,
    /// A supplier ships (drop-ship).
    Supplier,
    /// A logistics company ships.
    ThirdParty,
}

/// A warehouse or another place that parcels leave from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warehouse {
    /// Its id.
    pub id: WarehouseId,
    /// Who runs it.
    pub channel: FulfillmentChannel,
    /// The sender printed on labels.
    pub sender: Contact,
    /// Working days, cut-off and zone.
    pub calendar: WorkCalendar,
    /// Whether it takes orders.
    pub enabled: bool,
    /// Platforms it may serve; empty is all.
    pub platforms: BTreeSet<PlatformId>,
    /// Countries it may serve; empty is all.
    pub countries: BTreeSet<Country>,
    /// Parcels it can still take today; `None` is no limit.
    pub capacity_left: Option<u32>,
    /// Handling cost of one parcel.
    pub unit_cost: Option<Money>,
    /// Usual days on the way, by destination country.
    pub transit_days: BTreeMap<Country, u32>,
    /// Smaller wins when everything else is equal.
    pub priority: u32,
}

/// Units of a SKU in a warehouse, and what is promised of them.
///
/// ```
/// use orderflow::warehouse::StockLevel;
///
/// let level = StockLevel { on_hand: 10, reserved: 3, committed: 2, buffer: 1 };
/// assert_eq!((level.available(), level.reported()), (4, 4));
/// let oversold = StockLevel { on_hand: 4, ..level };
/// assert_eq!((oversold.available(), oversold.reported()), (-2, 0));
/// assert!(oversold.is_oversold());
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StockLevel {
    /// On the shelf.
    pub on_hand: u32,
    /// Set aside for paid orders.
    pub reserved: u32,
    /// Promised to acknowledged orders and not shipped.
    pub committed: u32,
    /// Never promised.
    pub buffer: u32,
}

impl StockLevel {
    /// `on_hand − reserved − committed − buffer`; negative when more was promised than there is.
    #[must_use]
    pub const fn available(self) -> i64 {
        self.on_hand as i64 - self.reserved as i64 - self.committed as i64 - self.buffer as i64
    }

    /// What channels are told: the available units, at least 0.
    #[must_use]
    pub const fn reported(self) -> u32 {
        let available = self.available();
        // Cannot exceed `on_hand`.
        if available > 0 { available as u32 } else { 0 }
    }

    /// Whether more was promised to orders than is on the shelf. The buffer promises nothing.
    #[must_use]
    pub const fn is_oversold(self) -> bool {
        self.reserved as u64 + self.committed as u64 > self.on_hand as u64
    }
}

/// Units available per warehouse and SKU: a view for pure decisions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockView {
    units: BTreeMap<WarehouseId, BTreeMap<Sku, i64>>,
}

impl StockView {
    /// An empty view: nothing is available anywhere.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the units available of a SKU in a warehouse. Negative is oversold.
    pub fn set(&mut self, warehouse: WarehouseId, sku: Sku, units: i64) {
        self.units.entry(warehouse).or_default().insert(sku, units);
    }

    /// Units available, at least 0.
    #[must_use]
    pub fn available(&self, warehouse: &WarehouseId, sku: &Sku) -> u32 {
        let units = self.units.get(warehouse).and_then(|skus| skus.get(sku)).copied().unwrap_or(0);
        u32::try_from(units.max(0)).unwrap_or(u32::MAX)
    }

    /// Units available over all warehouses, at least 0 each.
    #[must_use]
    pub fn total(&self, sku: &Sku) -> u32 {
        self.units
            .keys()
            .map(|warehouse| self.available(warehouse, sku))
            .fold(0, u32::saturating_add)
    }
}
