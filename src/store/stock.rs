//! Stock in memory.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::ids::{LineId, OrderKey, PackageId, Sku, WarehouseId};
use crate::ports::{Stock, StockError, StockMove, StockReturn};
use crate::warehouse::{StockLevel, StockView};

/// Stock in memory, for hosts without a stock system and for tests.
///
/// Without a warehouse in the move, the first one by id with enough units is taken; where none has
/// enough alone, several, the fullest first.
///
/// What was consumed is remembered per line, parcel and warehouse; the same quantity of it again is
/// taken for a repetition.
///
/// ```
/// use orderflow::store::MemoryStock;
/// use orderflow::{Sku, WarehouseId};
///
/// let stock = MemoryStock::new().with(
///     WarehouseId::from_static("main"),
///     Sku::from_static("MUG"),
///     12,
/// );
/// ```
#[derive(Default)]
pub struct MemoryStock(Mutex<State>);

type Place = (Sku, WarehouseId);

#[derive(Default)]
struct State {
    on_hand: BTreeMap<Place, u32>,
    /// Units that are never promised.
    buffers: BTreeMap<Place, u32>,
    /// Units set aside over all lines: the sum over `lines`, kept so that no query adds them up.
    aside: BTreeMap<Place, u32>,
    lines: BTreeMap<(OrderKey, LineId), Kept>,
}

#[derive(Default)]
struct Kept {
    set_aside: Option<SetAside>,
    /// What left, by parcel and warehouse.
    consumed: Vec<(Option<PackageId>, WarehouseId, u32)>,
    /// Returns that were taken back.
    returned: Vec<u32>,
}

impl Kept {
    fn is_empty(&self) -> bool {
        self.set_aside.is_none() && self.consumed.is_empty() && self.returned.is_empty()
    }
}

/// Units set aside for a line, none of the parts empty.
struct SetAside {
    parts: Vec<(Place, u32)>,
    committed: bool,
}

impl SetAside {
    fn units(&self) -> u32 {
        self.parts.iter().fold(0, |sum, (_, units)| sum.saturating_add(*units))
    }

    fn at(&self, place: &Place) -> u32 {
        self.parts.iter().find(|(of, _)| of == place).map_or(0, |(_, units)| *units)
    }
}

impl fmt::Debug for MemoryStock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryStock({} places)", self.lock().on_hand.len())
    }
}

impl MemoryStock {
    /// No stock anywhere.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the units on hand of a SKU in a warehouse, as a stock-taking does.
    pub fn set(&self, warehouse: WarehouseId, sku: Sku, on_hand: u32) {
        self.lock().on_hand.insert((sku, warehouse), on_hand);
    }

    /// The same with some units on hand.
    #[must_use]
    pub fn with(self, warehouse: WarehouseId, sku: Sku, on_hand: u32) -> Self {
        self.set(warehouse, sku, on_hand);
        self
    }

    /// Keeps some units of a SKU in a warehouse from being promised.
    pub fn set_buffer(&self, warehouse: WarehouseId, sku: Sku, units: u32) {
        self.lock().buffers.insert((sku, warehouse), units);
    }

    /// Units on hand of a SKU in a warehouse, also those that are set aside.
    #[must_use]
    pub fn on_hand(&self, warehouse: &WarehouseId, sku: &Sku) -> u32 {
        self.lock().on_hand.get(&(sku.clone(), warehouse.clone())).copied().unwrap_or(0)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn free(&self, place: &Place) -> u32 {
        u32::try_from(self.level(place).available().max(0)).unwrap_or(u32::MAX)
    }

    fn level(&self, place: &Place) -> StockLevel {
        let units = |of: &BTreeMap<Place, u32>| of.get(place).copied().unwrap_or(0);
        StockLevel {
            on_hand: units(&self.on_hand),
            // Reserved and committed units are kept as one sum.
            reserved: units(&self.aside),
            committed: 0,
            buffer: units(&self.buffers),
        }
    }

    /// Every place of a SKU, by warehouse.
    fn places<'a>(&'a self, sku: &'a Sku) -> impl Iterator<Item = &'a Place> {
        self.on_hand.keys().filter(move |(of, _)| of == sku)
    }

    fn give_back(&mut self, place: &Place, units: u32) {
        if let Some(aside) = self.aside.get_mut(place) {
            *aside = aside.saturating_sub(units);
        }
    }

    /// Sets units aside, or says how many there are.
    fn take_aside(
        &mut self,
        wanted: &StockMove,
        units: u32,
    ) -> Result<Vec<(Place, u32)>, StockError> {
        let mut free: Vec<(Place, u32)> = match &wanted.warehouse {
            Some(warehouse) => {
                let place = (wanted.sku.clone(), warehouse.clone());
                let free = self.free(&place);
                vec![(place, free)]
            }
            None => {
                self.places(&wanted.sku).map(|place| (place.clone(), self.free(place))).collect()
            }
        };
        let parts = match free.iter().find(|(_, free)| *free >= units) {
            Some((place, _)) => vec![(place.clone(), units)],
            None => {
                // The fullest first: as few warehouses as will do.
                free.sort_by(|(a, at_a), (b, at_b)| at_b.cmp(at_a).then_with(|| a.cmp(b)));
                let mut left = units;
                let mut parts = Vec::new();
                for (place, free) in &free {
                    let taken = left.min(*free);
                    if taken > 0 {
                        parts.push((place.clone(), taken));
                        left = left.saturating_sub(taken);
                    }
                }
                if left > 0 {
                    let available = units.saturating_sub(left);
                    let (sku, wanted) = (wanted.sku.clone(), units);
                    return Err(StockError::Short { sku, wanted, available });
                }
                parts
            }
        };
        for (place, units) in &parts {
            let aside = self.aside.entry(place.clone()).or_default();
            *aside = aside.saturating_add(*units);
        }
        Ok(parts)
    }

    /// Gives units of a line back, those at `first` before others. Returns how many could not be.
    fn give_back_of(&mut self, kept: &mut Kept, units: u32, first: Option<&Place>) -> u32 {
        let Some(aside) = &mut kept.set_aside else { return units };
        // The last part is the smallest: what is left lies in as few places as before.
        aside.parts.sort_by_key(|(place, _)| Some(place) == first);
        let mut left = units;
        while left > 0
            && let Some((place, held)) = aside.parts.last_mut()
        {
            let given = left.min(*held);
            left = left.saturating_sub(given);
            *held = held.saturating_sub(given);
            let (place, is_empty) = (place.clone(), *held == 0);
            if is_empty {
                aside.parts.pop();
            }
            self.give_back(&place, given);
        }
        if aside.parts.is_empty() {
            kept.set_aside = None;
        }
        left
    }

    fn set_aside(&mut self, wanted: &StockMove, commit: bool) -> Result<(), StockError> {
        let key = (wanted.order.clone(), wanted.line.clone());
        let mut kept = self.lines.remove(&key).unwrap_or_default();
        let outcome = self.set_aside_for(&mut kept, wanted, commit);
        if !kept.is_empty() {
            self.lines.insert(key, kept);
        }
        outcome
    }

    fn set_aside_for(
        &mut self,
        kept: &mut Kept,
        wanted: &StockMove,
        commit: bool,
    ) -> Result<(), StockError> {
        let Some(aside) = &mut kept.set_aside else {
            if wanted.units == 0 || !kept.consumed.is_empty() {
                return Ok(());
            }
            let parts = self.take_aside(wanted, wanted.units)?;
            kept.set_aside = Some(SetAside { parts, committed: commit });
            return Ok(());
        };
        if aside.committed {
            return Ok(());
        }
        let before = aside.units();
        if before < wanted.units {
            return Err(StockError::QuantityDiffers {
                line: wanted.line.clone(),
                before,
                wanted: wanted.units,
            });
        }
        aside.committed |= commit;
        self.give_back_of(kept, before.saturating_sub(wanted.units), None);
        Ok(())
    }

    fn consume(&mut self, shipped: &StockMove) -> Result<(), StockError> {
        let key = (shipped.order.clone(), shipped.line.clone());
        let mut kept = self.lines.remove(&key).unwrap_or_default();
        let outcome = self.consume_for(&mut kept, shipped);
        if !kept.is_empty() {
            self.lines.insert(key, kept);
        }
        outcome
    }

    fn consume_for(&mut self, kept: &mut Kept, shipped: &StockMove) -> Result<(), StockError> {
        if shipped.units == 0 {
            return Ok(());
        }
        let repeated = |(package, warehouse, units): &(Option<PackageId>, WarehouseId, u32)| {
            *package == shipped.package
                && *units == shipped.units
                && shipped.warehouse.as_ref().is_none_or(|of| of == warehouse)
        };
        if kept.consumed.iter().any(repeated) {
            return Ok(());
        }
        let warehouse = shipped
            .warehouse
            .clone()
            .or_else(|| {
                let aside = kept.set_aside.as_ref()?;
                let enough = aside.parts.iter().find(|(_, units)| *units >= shipped.units);
                let ((_, warehouse), _) = enough.or(aside.parts.first())?;
                Some(warehouse.clone())
            })
            .or_else(|| {
                self.places(&shipped.sku)
                    .find(|place| self.free(place) >= shipped.units)
                    .map(|(_, warehouse)| warehouse.clone())
            });
        let short = |available| StockError::Short {
            sku: shipped.sku.clone(),
            wanted: shipped.units,
            available,
        };
        let Some(warehouse) = warehouse else { return Err(short(0)) };
        let place = (shipped.sku.clone(), warehouse.clone());
        // Units set aside for this line at this place, plus what is free: never another's.
        let own = kept.set_aside.as_ref().map_or(0, |aside| aside.at(&place));
        let available = self.free(&place).saturating_add(own);
        if available < shipped.units {
            return Err(short(available));
        }
        // The same units that left are no longer set aside, wherever they were.
        self.give_back_of(kept, shipped.units, Some(&place));
        if let Some(on_hand) = self.on_hand.get_mut(&place) {
            *on_hand = on_hand.saturating_sub(shipped.units);
        }
        kept.consumed.push((shipped.package.clone(), warehouse, shipped.units));
        Ok(())
    }
}

#[async_trait]
impl Stock for MemoryStock {
    async fn view(&self, skus: &[Sku], order: Option<&OrderKey>) -> Result<StockView, StockError> {
        let state = self.lock();
        let mut own: BTreeMap<&Place, u32> = BTreeMap::new();
        if let Some(order) = order {
            let lines = state
                .lines
                .range((order.clone(), LineId::from_static(""))..)
                .take_while(|((of, _), _)| of == order);
            let aside = lines.filter_map(|(_, kept)| kept.set_aside.as_ref());
            for (place, held) in aside.flat_map(|aside| &aside.parts) {
                let units = own.entry(place).or_default();
                *units = units.saturating_add(*held);
            }
        }
        let mut view = StockView::new();
        for sku in skus {
            for place in state.places(sku) {
                let units = state.level(place).available()
                    + i64::from(own.get(place).copied().unwrap_or(0));
                view.set(place.1.clone(), sku.clone(), units);
            }
        }
        Ok(view)
    }

    async fn reserve(&self, wanted: &StockMove) -> Result<(), StockError> {
        self.lock().set_aside(wanted, false)
    }

    async fn commit(&self, wanted: &StockMove) -> Result<(), StockError> {
        self.lock().set_aside(wanted, true)
    }

    async fn consume(&self, shipped: &StockMove) -> Result<(), StockError> {
        self.lock().consume(shipped)
    }

    async fn reduce(&self, wanted: &StockMove) -> Result<(), StockError> {
        let mut state = self.lock();
        let key = (wanted.order.clone(), wanted.line.clone());
        let Some(mut kept) = state.lines.remove(&key) else { return Ok(()) };
        let left =
            kept.consumed.iter().fold(0_u32, |sum, (_, _, units)| sum.saturating_add(*units));
        let still = wanted.units.saturating_sub(left);
        let held = kept.set_aside.as_ref().map_or(0, SetAside::units);
        state.give_back_of(&mut kept, held.saturating_sub(still), None);
        if !kept.is_empty() {
            state.lines.insert(key, kept);
        }
        Ok(())
    }

    async fn release(&self, order: &OrderKey, line: &LineId) -> Result<(), StockError> {
        let mut state = self.lock();
        let key = (order.clone(), line.clone());
        let Some(mut kept) = state.lines.remove(&key) else { return Ok(()) };
        for (place, units) in kept.set_aside.take().into_iter().flat_map(|aside| aside.parts) {
            state.give_back(&place, units);
        }
        if !kept.is_empty() {
            state.lines.insert(key, kept);
        }
        Ok(())
    }

    async fn take_back(&self, returned: &StockReturn) -> Result<(), StockError> {
        let mut state = self.lock();
        let key = (returned.order.clone(), returned.line.clone());
        let kept = state.lines.entry(key).or_default();
        if kept.returned.contains(&returned.number) {
            return Ok(());
        }
        kept.returned.push(returned.number);
        let from = kept.consumed.first().map(|(_, warehouse, _)| warehouse.clone());
        if !returned.sellable {
            return Ok(());
        }
        let warehouse = returned
            .warehouse
            .clone()
            .or(from)
            .or_else(|| state.places(&returned.sku).next().map(|place| place.1.clone()));
        if let Some(warehouse) = warehouse {
            let on_hand = state.on_hand.entry((returned.sku.clone(), warehouse)).or_default();
            *on_hand = on_hand.saturating_add(returned.units);
        }
        Ok(())
    }
}
