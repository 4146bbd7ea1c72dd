//! Which warehouses together cover what one alone does not.

use std::collections::BTreeMap;

use super::{Demand, Group};
use crate::ids::{Sku, WarehouseId};
use crate::order::BackorderedUnits;
use crate::warehouse::StockView;

/// What leaves from where.
pub(super) type Cover = Vec<(Group, WarehouseId)>;

/// Sets that are looked at before the greedy way takes over: all pairs of two hundred.
const MOST_SETS: u32 = 20_000;

/// Attempts to place a group, over all sets together, before the greedy way takes over: placing odd
/// demands may take longer than anybody waits.
const MOST_STEPS: usize = 200_000;

/// Of these, for one set.
const MOST_STEPS_OF_A_SET: usize = 10_000;

/// What is wanted and what there is, by numbers of SKUs and warehouses: sets are many.
struct Grid<'a> {
    demand: &'a Demand,
    holders: Vec<&'a WarehouseId>,
    /// What each group needs of each SKU.
    needs: Vec<Vec<(usize, u32)>>,
    /// Units wanted by SKU.
    wanted: Vec<u64>,
    /// Units there are by warehouse and SKU.
    there: Vec<Vec<u32>>,
}

impl<'a> Grid<'a> {
    /// Warehouses that hold nothing of what is wanted are no candidates.
    fn of(demand: &'a Demand, ids: &[&'a WarehouseId], stock: &StockView) -> Self {
        let units = || demand.groups.iter().flat_map(|group| &group.units);
        let mut skus: Vec<&Sku> = units().map(|(_, sku, _)| sku).collect();
        skus.sort_unstable();
        skus.dedup();
        let number = |sku: &Sku| skus.binary_search(&sku).unwrap_or(usize::MAX);
        let mut wanted = vec![0_u64; skus.len()];
        let mut needs = Vec::with_capacity(demand.groups.len());
        for group in &demand.groups {
            let mut own: BTreeMap<usize, u32> = BTreeMap::new();
            for (_, sku, units) in &group.units {
                let sum = own.entry(number(sku)).or_default();
                *sum = sum.saturating_add(*units);
                if let Some(wanted) = wanted.get_mut(number(sku)) {
                    *wanted += u64::from(*units);
                }
            }
            needs.push(own.into_iter().collect());
        }
        let shelf = |id: &&WarehouseId| -> Vec<u32> {
            skus.iter().map(|sku| stock.available(id, sku)).collect()
        };
        let (holders, there) = ids
            .iter()
            .map(|id| (*id, shelf(id)))
            .filter(|(_, shelf)| shelf.iter().any(|units| *units > 0))
            .unzip();
        Self { demand, holders, needs, wanted, there }
    }

    fn shelves(&self, places: &[usize]) -> Vec<&[u32]> {
        places.iter().filter_map(|place| self.there.get(*place)).map(Vec::as_slice).collect()
    }

    /// Whether the shelves have enough of everything, and every bundle lies whole on one of them.
    fn suffices(&self, shelves: &[&[u32]]) -> bool {
        let units = |shelf: &[u32], sku: usize| shelf.get(sku).copied().unwrap_or(0);
        (0..).zip(&self.wanted).all(|(sku, wanted)| {
            shelves.iter().map(|shelf| u64::from(units(shelf, sku))).sum::<u64>() >= *wanted
        }) && self.demand.groups.iter().zip(&self.needs).all(|(group, needs)| {
            let lies_whole =
                |shelf: &&[u32]| needs.iter().all(|(sku, needed)| units(shelf, *sku) >= *needed);
            !group.is_bundle || shelves.iter().any(lies_whole)
        })
    }

    /// Gives every group to one of the shelves, if they can take all of them: the place of the shelf
    /// for each group.
    fn assign(&self, shelves: &[&[u32]], steps: &mut usize) -> Option<Vec<usize>> {
        fn place(
            rest: &[Vec<(usize, u32)>],
            left: &mut [Vec<u32>],
            chosen: &mut Vec<usize>,
            budget: &mut usize,
        ) -> bool {
            let Some((needs, rest)) = rest.split_first() else { return true };
            for at in 0..left.len() {
                if *budget == 0 {
                    return false;
                }
                *budget -= 1;
                if !take(needs, left.get_mut(at)) {
                    continue;
                }
                chosen.push(at);
                if place(rest, left, chosen, budget) {
                    return true;
                }
                chosen.pop();
                for (sku, needed) in needs {
                    if let Some(units) = left.get_mut(at).and_then(|shelf| shelf.get_mut(*sku)) {
                        *units += needed;
                    }
                }
            }
            false
        }
        fn take(needs: &[(usize, u32)], shelf: Option<&mut Vec<u32>>) -> bool {
            let Some(shelf) = shelf else { return false };
            let enough = needs
                .iter()
                .all(|(sku, needed)| shelf.get(*sku).is_some_and(|units| units >= needed));
            if enough {
                for (sku, needed) in needs {
                    if let Some(units) = shelf.get_mut(*sku) {
                        *units -= needed;
                    }
                }
            }
            enough
        }
        let mut left: Vec<Vec<u32>> = shelves.iter().map(|shelf| shelf.to_vec()).collect();
        let mut chosen = Vec::with_capacity(self.needs.len());
        let allowed = (*steps).min(MOST_STEPS_OF_A_SET);
        let mut budget = allowed;
        let is_placed = place(&self.needs, &mut left, &mut chosen, &mut budget);
        *steps -= allowed - budget;
        is_placed.then_some(chosen)
    }
}

/// The smallest set of warehouses that covers everything, by rank among equals. Where looking at all
/// sets would take too long, the one that is found greedily.
pub(super) fn split(
    demand: &Demand,
    ids: &[&WarehouseId],
    stock: &StockView,
    max_splits: usize,
) -> Option<Cover> {
    let grid = Grid::of(demand, ids, stock);
    let greedily = || {
        let (cover, missing) = greedy(demand, &grid.holders, stock, max_splits, true);
        missing.is_empty().then_some(cover)
    };
    let (mut steps, mut looked_at) = (MOST_STEPS, 0);
    for size in 2..=max_splits.min(grid.holders.len()) {
        let mut places: Vec<usize> = (0..size).collect();
        loop {
            if looked_at == MOST_SETS || steps == 0 {
                return greedily();
            }
            looked_at += 1;
            let shelves = grid.shelves(&places);
            if grid.suffices(&shelves) {
                let chosen: Vec<&WarehouseId> =
                    places.iter().filter_map(|place| grid.holders.get(*place).copied()).collect();
                if let Some(at) = grid.assign(&shelves, &mut steps) {
                    let ids = at.iter().filter_map(|at| chosen.get(*at));
                    let groups = demand.groups.iter().cloned();
                    return Some(groups.zip(ids.map(|id| (*id).clone())).collect());
                }
                // Dividing lines looks at every group for every two of them, at several times the cost.
                steps = steps.saturating_sub(4 * size * size * demand.groups.len());
                if let Some(cover) = complete(demand, &chosen, stock) {
                    return Some(cover);
                }
            }
            if !next_set(&mut places, grid.holders.len()) {
                break;
            }
        }
    }
    None
}

/// The next set of as many places below `count`, those with better ranks first: the worst place of
/// a set decides when its turn is. `false` after the last.
fn next_set(places: &mut [usize], count: usize) -> bool {
    for at in 0..places.len() {
        let limit = places.get(at + 1).copied().unwrap_or(count);
        let Some(place) = places.get_mut(at) else { return false };
        if *place + 1 < limit {
            *place += 1;
            for (start, earlier) in places.iter_mut().take(at).enumerate() {
                *earlier = start;
            }
            return true;
        }
    }
    false
}

/// Covers everything from the chosen warehouses, dividing lines where that is needed.
fn complete(demand: &Demand, chosen: &[&WarehouseId], stock: &StockView) -> Option<Cover> {
    let (cover, missing) = greedy(demand, chosen, stock, chosen.len(), true);
    missing.is_empty().then_some(cover)
}

/// Takes a group's units out of what a warehouse has left, all or nothing.
fn take(
    group: &Group,
    id: &WarehouseId,
    left: &mut BTreeMap<(WarehouseId, Sku), u32>,
    stock: &StockView,
) -> bool {
    let mut needs: BTreeMap<&Sku, u32> = BTreeMap::new();
    for (_, sku, units) in &group.units {
        let sum = needs.entry(sku).or_default();
        *sum = sum.saturating_add(*units);
    }
    let enough = needs.iter().all(|(sku, needed)| {
        let left =
            left.entry((id.clone(), (*sku).clone())).or_insert_with(|| stock.available(id, sku));
        *left >= *needed
    });
    if enough {
        for (sku, needed) in needs {
            if let Some(left) = left.get_mut(&(id.clone(), sku.clone())) {
                *left -= needed;
            }
        }
    }
    enough
}

/// What of a group a warehouse can take: all of it, or, where lines may be divided, some units of a
/// single line. Bundles stay whole.
fn portion(
    group: &Group,
    id: &WarehouseId,
    left: &mut BTreeMap<(WarehouseId, Sku), u32>,
    stock: &StockView,
    divisible: bool,
) -> Option<Group> {
    if take(group, id, left, stock) {
        return Some(group.clone());
    }
    let [(line, sku, units)] = group.units.as_slice() else { return None };
    let divisible = divisible && !group.is_bundle;
    let available = left.get(&(id.clone(), sku.clone())).copied().unwrap_or_default().min(*units);
    if !divisible || available == 0 {
        return None;
    }
    let part = Group { units: vec![(line.clone(), sku.clone(), available)], is_bundle: false };
    take(&part, id, left, stock).then_some(part)
}

/// Again and again the warehouse that covers most of what is left, ties by rank.
pub(super) fn greedy(
    demand: &Demand,
    ids: &[&WarehouseId],
    stock: &StockView,
    max_splits: usize,
    divisible: bool,
) -> (Cover, Vec<BackorderedUnits>) {
    let mut left: BTreeMap<(WarehouseId, Sku), u32> = BTreeMap::new();
    // What must stay together first: lines can be divided around it.
    let mut open: Vec<Group> = demand.groups.clone();
    open.sort_by_key(|group| !group.is_bundle);
    let mut cover: Cover = Vec::new();
    let mut unused: Vec<&WarehouseId> = ids.to_vec();
    for _ in 0..max_splits {
        let mut best: Option<(usize, u64)> = None;
        for (index, id) in unused.iter().enumerate() {
            let mut trial = left.clone();
            let covered: u64 = open
                .iter()
                .filter_map(|group| portion(group, id, &mut trial, stock, divisible))
                .map(|part| part.size())
                .sum();
            if covered > 0 && best.is_none_or(|(_, most)| covered > most) {
                best = Some((index, covered));
            }
        }
        let Some((index, _)) = best else { break };
        let id = unused.remove(index);
        let mut still_open = Vec::new();
        for group in open {
            match portion(&group, id, &mut left, stock, divisible) {
                None => still_open.push(group),
                Some(part) => {
                    still_open.extend(group.without(&part));
                    cover.push((part, id.clone()));
                }
            }
        }
        open = still_open;
    }
    let missing = open
        .iter()
        .flat_map(|group| &group.units)
        .map(|(line, _, units)| BackorderedUnits { line: line.clone(), units: *units })
        .collect();
    (cover, missing)
}
