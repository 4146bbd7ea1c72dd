//! Which warehouses together cover what one alone does not.

use std::collections::BTreeMap;

use super::{Demand, Group};
use crate::ids::{Sku, WarehouseId};
use crate::order::BackorderedUnits;
use crate::warehouse::StockView;

/// What leaves from where.
pub(super) type Cover = Vec<(Group, WarehouseId)>;

/// The smallest set of warehouses that covers everything, by rank among equals. Warehouses that hold
/// nothing of what is wanted are no candidates.
pub(super) fn split(
    demand: &Demand,
    ids: &[&WarehouseId],
    stock: &StockView,
    max_splits: usize,
) -> Option<Cover> {
    /// Sets that are looked at before the greedy way takes over: all pairs of two hundred.
    const MOST_SETS: u32 = 20_000;
    let mut wanted: BTreeMap<&Sku, u64> = BTreeMap::new();
    for (_, sku, units) in demand.groups.iter().flat_map(|group| &group.units) {
        *wanted.entry(sku).or_default() += u64::from(*units);
    }
    let holders: Vec<&WarehouseId> = ids
        .iter()
        .copied()
        .filter(|id| wanted.keys().any(|sku| stock.available(id, sku) > 0))
        .collect();
    let suffices = |chosen: &[&WarehouseId]| {
        wanted.iter().all(|(sku, units)| {
            let there = chosen.iter().map(|id| u64::from(stock.available(id, sku)));
            there.sum::<u64>() >= *units
        })
    };
    // Placing odd demands line by line may take long: all sets together have so many steps.
    let mut steps = 200_000;
    let mut looked_at = 0;
    for size in 2..=max_splits.min(holders.len()) {
        let mut places: Vec<usize> = (0..size).collect();
        loop {
            if looked_at == MOST_SETS {
                let (cover, missing) = greedy(demand, &holders, stock, max_splits, true);
                return missing.is_empty().then_some(cover);
            }
            looked_at += 1;
            let chosen: Vec<&WarehouseId> =
                places.iter().filter_map(|place| holders.get(*place).copied()).collect();
            if suffices(&chosen) {
                let whole_lines = assign(demand, &chosen, stock, &mut steps);
                if let Some(cover) = whole_lines.or_else(|| complete(demand, &chosen, stock)) {
                    return Some(cover);
                }
            }
            if !next_set(&mut places, holders.len()) {
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

/// Gives every group to one of the chosen warehouses, if they can take all of them.
fn assign(
    demand: &Demand,
    chosen: &[&WarehouseId],
    stock: &StockView,
    steps: &mut u32,
) -> Option<Cover> {
    fn place(
        rest: &[Group],
        chosen: &[&WarehouseId],
        left: &mut BTreeMap<(WarehouseId, Sku), u32>,
        stock: &StockView,
        cover: &mut Cover,
        budget: &mut u32,
    ) -> bool {
        let Some((group, rest)) = rest.split_first() else { return true };
        for id in chosen {
            // Backtracking over odd demands must not take forever.
            if *budget == 0 {
                return false;
            }
            *budget -= 1;
            if !take(group, id, left, stock) {
                continue;
            }
            cover.push((group.clone(), (*id).clone()));
            if place(rest, chosen, left, stock, cover, budget) {
                return true;
            }
            cover.pop();
            for (_, sku, units) in &group.units {
                if let Some(left) = left.get_mut(&((*id).clone(), sku.clone())) {
                    *left += units;
                }
            }
        }
        false
    }
    let mut cover = Vec::new();
    let mut budget = (*steps).min(10_000);
    let allowed = budget;
    let mut left = BTreeMap::new();
    let placed = place(&demand.groups, chosen, &mut left, stock, &mut cover, &mut budget);
    *steps -= allowed - budget;
    placed.then_some(cover)
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
    let available = left.get(&(id.clone(), sku.clone())).copied().unwrap_or_default().min(*units);
    if !divisible || available == 0 {
        return None;
    }
    let part = Group { units: vec![(line.clone(), sku.clone(), available)] };
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
    open.sort_by_key(|group| group.units.len() <= 1);
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
