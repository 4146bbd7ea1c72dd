//! Which warehouse ships which units, and why not the others.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::address::Country;
use crate::ids::{LineId, PackageId, Sku, WarehouseId};
use crate::order::{
    Allocation, BackorderedUnits, DeadlineKind, LogisticsMode, Order, PlannedPackage,
};
use crate::shipment::PackedLine;
use crate::units::{Dimensions, Grams};
use crate::warehouse::{FulfillmentChannel, StockView, Warehouse};

/// By what single warehouses are compared, first difference wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AllocationPreference {
    /// Cheapest handling.
    LowestCost,
    /// Fewest days on the way.
    ShortestTransit,
    /// Most units left afterwards.
    MostStockLeft,
    /// The warehouse's own priority.
    Priority,
}

/// What a shop decides about allocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct AllocationPolicy {
    /// By what warehouses are compared; the id decides at last.
    pub preferences: Vec<AllocationPreference>,
    /// Most parcels of one order. Default 2.
    pub max_splits: usize,
    /// Smallest value of every part of a split order, in the order's currency.
    pub min_split_value: Option<Decimal>,
    /// Whether what is there may leave while the rest is short.
    pub allow_partial: bool,
    /// Weight of the packaging added to every parcel.
    pub packaging: Grams,
    /// Weight assumed for a unit that has none stated.
    pub default_unit_weight: Grams,
    /// The box assumed for every parcel until it is measured; some carriers give no price without.
    pub box_size: Option<Dimensions>,
}

impl Default for AllocationPolicy {
    fn default() -> Self {
        Self {
            preferences: vec![
                AllocationPreference::LowestCost,
                AllocationPreference::ShortestTransit,
                AllocationPreference::MostStockLeft,
                AllocationPreference::Priority,
            ],
            max_splits: 2,
            min_split_value: None,
            allow_partial: false,
            packaging: Grams::new(50),
            default_unit_weight: Grams::new(450),
            box_size: None,
        }
    }
}

/// Why a warehouse was not used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WarehouseRejection {
    /// It takes no orders.
    Disabled,
    /// It may not serve this platform.
    PlatformNotAllowed,
    /// It may not serve this country.
    CountryNotAllowed,
    /// It is full for today.
    NoCapacity,
    /// It lacks units.
    Short {
        /// Which SKU lacks.
        sku: Sku,
        /// How many are needed.
        needed: u32,
        /// How many it has.
        available: u32,
    },
    /// A parcel would leave it after the ship-by deadline.
    MissesShipBy {
        /// When it would leave.
        leaves: DateTime<Utc>,
    },
    /// A parcel would arrive after the promise.
    MissesDeliverBy {
        /// When it would arrive.
        arrives: DateTime<Utc>,
    },
    /// Its calendar has no working day.
    NoWorkingDay,
    /// Another one came first.
    Outranked {
        /// Which.
        by: WarehouseId,
    },
    /// It would have been one parcel too many.
    TooManySplits,
}

impl fmt::Display for WarehouseRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disabled => f.write_str("takes no orders"),
            Self::PlatformNotAllowed => f.write_str("may not serve this platform"),
            Self::CountryNotAllowed => f.write_str("may not serve this country"),
            Self::NoCapacity => f.write_str("is full for today"),
            Self::Short { sku, needed, available } => {
                write!(f, "has {available} of {needed} units of {sku}")
            }
            Self::MissesShipBy { leaves } => write!(f, "would ship at {leaves}, too late"),
            Self::MissesDeliverBy { arrives } => write!(f, "would deliver at {arrives}, too late"),
            Self::NoWorkingDay => f.write_str("has no working day in its calendar"),
            Self::Outranked { by } => write!(f, "comes after {by}"),
            Self::TooManySplits => f.write_str("would be one parcel too many"),
        }
    }
}

/// A warehouse that was not used, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedWarehouse {
    /// Which.
    pub warehouse: WarehouseId,
    /// Why.
    pub why: WarehouseRejection,
}

/// A warehouse that could ship.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Which.
    pub warehouse: WarehouseId,
    /// When a parcel would leave.
    pub leaves: DateTime<Utc>,
    /// Days on the way, if known.
    pub transit_days: Option<u32>,
}

/// What an allocation came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllocationVerdict {
    /// Parcels and shortages; both empty when there is nothing to allocate.
    pub allocation: Allocation,
    /// Every warehouse that was not used, by id.
    pub rejected: Vec<RejectedWarehouse>,
}

/// Allocates the open units of an order to warehouses. Pure; the order of `warehouses` does not
/// matter.
///
/// 1. What the platform ships itself needs nothing.
/// 2. Warehouses that are disabled, not allowed or full drop out.
/// 3. A single warehouse with everything that keeps ship-by and promise wins, by preference.
/// 4. Else the fewest warehouses that cover everything, at most
///    [`max_splits`](AllocationPolicy::max_splits): every set of warehouses that hold some of the
///    goods is looked at, the first 20,000 of them, then greedily. Units of one bundle stay together.
/// 5. Else, only with [`allow_partial`](AllocationPolicy::allow_partial), what there is; the rest
///    is backordered. Without it nothing is allocated and everything short is backordered.
#[must_use]
pub fn allocate(
    order: &Order,
    warehouses: &[Warehouse],
    stock: &StockView,
    policy: &AllocationPolicy,
    now: DateTime<Utc>,
) -> AllocationVerdict {
    let demand = Demand::of(order);
    if order.logistics == LogisticsMode::PlatformFulfilled || demand.groups.is_empty() {
        return AllocationVerdict { allocation: Allocation::default(), rejected: Vec::new() };
    }
    let mut rejected: BTreeMap<WarehouseId, WarehouseRejection> = BTreeMap::new();
    let mut usable: Vec<(&Warehouse, Candidate)> = Vec::new();
    let mut sorted: Vec<&Warehouse> = warehouses.iter().collect();
    sorted.sort_by(|a, b| a.id.cmp(&b.id));
    sorted.dedup_by(|a, b| a.id == b.id);
    for warehouse in sorted {
        match judge(order, warehouse, now) {
            Ok(candidate) => usable.push((warehouse, candidate)),
            Err(why) => {
                rejected.insert(warehouse.id.clone(), why);
            }
        }
    }

    let mut single: Vec<(&Warehouse, &Candidate)> = Vec::new();
    for (warehouse, candidate) in &usable {
        match demand.shortage(&warehouse.id, stock) {
            None => single.push((warehouse, candidate)),
            Some(why) => {
                rejected.insert(warehouse.id.clone(), why);
            }
        }
    }
    single.sort_by(|a, b| prefer(*a, *b, &demand, stock, policy));
    if let Some(((best, _), others)) = single.split_first() {
        for (other, _) in others {
            rejected
                .insert(other.id.clone(), WarehouseRejection::Outranked { by: best.id.clone() });
        }
        let everything =
            demand.groups.iter().map(|group| (group.clone(), best.id.clone())).collect();
        let reasons = vec![format!("{} has everything and keeps every deadline", best.id)];
        return verdict(order, &everything, Vec::new(), reasons, rejected, policy);
    }

    let mut ranked: Vec<(&Warehouse, &Candidate)> =
        usable.iter().map(|(warehouse, candidate)| (*warehouse, candidate)).collect();
    ranked.sort_by(|a, b| prefer(*a, *b, &demand, stock, policy));
    let ids: Vec<&WarehouseId> = ranked.iter().map(|(warehouse, _)| &warehouse.id).collect();
    if let Some(cover) = split(&demand, &ids, stock, policy.max_splits)
        && parts_are_worth_it(order, &cover, &[], policy)
    {
        let used: BTreeSet<&WarehouseId> = cover.iter().map(|(_, id)| id).collect();
        let names: Vec<String> = used.iter().map(ToString::to_string).collect();
        let reasons = vec![format!(
            "no single warehouse has everything; {} together do",
            names.join(" and ")
        )];
        rejected.retain(|id, _| !used.contains(id));
        return verdict(order, &cover, Vec::new(), reasons, rejected, policy);
    }

    let (partial, missing) = greedy(&demand, &ids, stock, policy.max_splits.max(1), true);
    if policy.allow_partial
        && !partial.is_empty()
        && parts_are_worth_it(order, &partial, &missing, policy)
    {
        let used: BTreeSet<&WarehouseId> = partial.iter().map(|(_, id)| id).collect();
        rejected.retain(|id, _| !used.contains(id));
        let reasons = vec!["only a part is in stock; the rest is backordered".to_owned()];
        return verdict(order, &partial, missing, reasons, rejected, policy);
    }
    let short = demand.backorder(&ids, stock);
    let reasons = vec![if short.is_empty() {
        "everything is in stock, but in too many places to ship within the limit of parcels"
            .to_owned()
    } else {
        "not everything is in stock, and partial shipment is not allowed".to_owned()
    }];
    for id in ids {
        rejected.entry(id.clone()).or_insert(WarehouseRejection::TooManySplits);
    }
    let backordered = if short.is_empty() { demand.everything() } else { short };
    verdict(order, &Vec::new(), backordered, reasons, rejected, policy)
}

/// Units that must leave together: a line, or all lines of a bundle.
#[derive(Debug, Clone)]
struct Group {
    units: Vec<(LineId, Sku, u32)>,
}

impl Group {
    fn size(&self) -> u64 {
        self.units.iter().map(|(_, _, units)| u64::from(*units)).sum()
    }

    /// What is left of a group after a part of it was taken.
    fn without(&self, part: &Self) -> Option<Self> {
        match (self.units.as_slice(), part.units.as_slice()) {
            ([(line, sku, units)], [(_, _, taken)]) if units > taken => {
                Some(Self { units: vec![(line.clone(), sku.clone(), units - taken)] })
            }
            _ => None,
        }
    }
}

struct Demand {
    groups: Vec<Group>,
}

impl Demand {
    fn of(order: &Order) -> Self {
        let mut bundles: BTreeMap<&str, Group> = BTreeMap::new();
        let mut groups = Vec::new();
        for line in &order.lines {
            // Plans without a label are about to be replaced, so their units are open too.
            let planned: u32 = order
                .packages
                .iter()
                .filter(|package| {
                    package.shipped.is_none()
                        && package.undeliverable.is_none()
                        && package.label.state == crate::shipment::LabelState::None
                })
                .map(|package| package.units_of(&line.id))
                .fold(0, u32::saturating_add);
            let units = order.open_units(&line.id).saturating_add(planned);
            if units == 0 {
                continue;
            }
            let sku = line.sku.clone().unwrap_or_else(|| Sku::from_static("(no sku)"));
            let wanted = (line.id.clone(), sku, units);
            match &line.bundle {
                Some(bundle) => bundles
                    .entry(bundle)
                    .or_insert_with(|| Group { units: Vec::new() })
                    .units
                    .push(wanted),
                None => groups.push(Group { units: vec![wanted] }),
            }
        }
        groups.extend(bundles.into_values());
        Self { groups }
    }

    fn needs(groups: &[&Group]) -> BTreeMap<Sku, u32> {
        let mut needs = BTreeMap::new();
        for (_, sku, units) in groups.iter().flat_map(|group| &group.units) {
            let sum: &mut u32 = needs.entry(sku.clone()).or_default();
            *sum = sum.saturating_add(*units);
        }
        needs
    }

    fn shortage(&self, warehouse: &WarehouseId, stock: &StockView) -> Option<WarehouseRejection> {
        let all: Vec<&Group> = self.groups.iter().collect();
        Self::needs(&all).into_iter().find_map(|(sku, needed)| {
            let available = stock.available(warehouse, &sku);
            (available < needed).then_some(WarehouseRejection::Short { sku, needed, available })
        })
    }

    /// Units that nobody has, whatever the split.
    fn backorder(&self, ids: &[&WarehouseId], stock: &StockView) -> Vec<BackorderedUnits> {
        let mut left: BTreeMap<Sku, u32> = BTreeMap::new();
        let mut short = Vec::new();
        for (line, sku, units) in self.groups.iter().flat_map(|group| &group.units) {
            let left = left.entry(sku.clone()).or_insert_with(|| {
                ids.iter().map(|id| stock.available(id, sku)).fold(0, u32::saturating_add)
            });
            let taken = (*units).min(*left);
            *left -= taken;
            if *units > taken {
                short.push(BackorderedUnits { line: line.clone(), units: units - taken });
            }
        }
        short
    }

    fn everything(&self) -> Vec<BackorderedUnits> {
        self.groups
            .iter()
            .flat_map(|group| &group.units)
            .map(|(line, _, units)| BackorderedUnits { line: line.clone(), units: *units })
            .collect()
    }
}

fn judge(
    order: &Order,
    warehouse: &Warehouse,
    now: DateTime<Utc>,
) -> Result<Candidate, WarehouseRejection> {
    if !warehouse.enabled || warehouse.channel == FulfillmentChannel::PlatformFulfilled {
        return Err(WarehouseRejection::Disabled);
    }
    if !warehouse.platforms.is_empty() && !warehouse.platforms.contains(&order.key.platform) {
        return Err(WarehouseRejection::PlatformNotAllowed);
    }
    let country: Option<Country> =
        order.recipient.as_ref().and_then(|recipient| recipient.address.country);
    if !warehouse.countries.is_empty()
        && !country.is_some_and(|country| warehouse.countries.contains(&country))
    {
        return Err(WarehouseRejection::CountryNotAllowed);
    }
    if warehouse.capacity_left == Some(0) {
        return Err(WarehouseRejection::NoCapacity);
    }
    let leaves =
        warehouse.calendar.next_departure(now).map_err(|_| WarehouseRejection::NoWorkingDay)?;
    // An order that is late already must still leave as soon as anybody can.
    if let Some(due) = order.deadline(DeadlineKind::ShipBy)
        && due.at > now
        && leaves > due.at
    {
        return Err(WarehouseRejection::MissesShipBy { leaves });
    }
    let transit_days = country.and_then(|country| warehouse.transit_days.get(&country).copied());
    if let (Some(due), Some(days)) = (order.deadline(DeadlineKind::DeliverBy), transit_days) {
        let arrives = leaves
            .checked_add_signed(TimeDelta::days(i64::from(days)))
            .unwrap_or(DateTime::<Utc>::MAX_UTC);
        if due.at > now && arrives > due.at {
            return Err(WarehouseRejection::MissesDeliverBy { arrives });
        }
    }
    Ok(Candidate { warehouse: warehouse.id.clone(), leaves, transit_days })
}

fn prefer(
    a: (&Warehouse, &Candidate),
    b: (&Warehouse, &Candidate),
    demand: &Demand,
    stock: &StockView,
    policy: &AllocationPolicy,
) -> Ordering {
    let left = |id: &WarehouseId| -> u64 {
        // A SKU on two lines is on the shelf once.
        let skus: BTreeSet<&Sku> =
            demand.groups.iter().flat_map(|group| &group.units).map(|(_, sku, _)| sku).collect();
        skus.into_iter().map(|sku| u64::from(stock.available(id, sku))).sum()
    };
    policy
        .preferences
        .iter()
        .fold(Ordering::Equal, |so_far, preference| {
            so_far.then_with(|| match preference {
                // Unknown costs and transit times come last.
                AllocationPreference::LowestCost => {
                    let cost = |warehouse: &Warehouse| {
                        warehouse.unit_cost.map_or(Decimal::MAX, |cost| cost.amount)
                    };
                    cost(a.0).cmp(&cost(b.0))
                }
                AllocationPreference::ShortestTransit => {
                    a.1.transit_days.unwrap_or(u32::MAX).cmp(&b.1.transit_days.unwrap_or(u32::MAX))
                }
                AllocationPreference::MostStockLeft => left(&b.0.id).cmp(&left(&a.0.id)),
                AllocationPreference::Priority => a.0.priority.cmp(&b.0.priority),
            })
        })
        .then_with(|| a.0.id.cmp(&b.0.id))
}

type Cover = Vec<(Group, WarehouseId)>;

/// The smallest set of warehouses that covers everything, by rank among equals. Warehouses that hold
/// nothing of what is wanted are no candidates.
fn split(
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
                let whole_lines = assign(demand, &chosen, stock);
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
fn assign(demand: &Demand, chosen: &[&WarehouseId], stock: &StockView) -> Option<Cover> {
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
    let mut budget = 10_000;
    let mut left = BTreeMap::new();
    place(&demand.groups, chosen, &mut left, stock, &mut cover, &mut budget).then_some(cover)
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
fn greedy(
    demand: &Demand,
    ids: &[&WarehouseId],
    stock: &StockView,
    max_splits: usize,
    divisible: bool,
) -> (Cover, Vec<BackorderedUnits>) {
    let mut left: BTreeMap<(WarehouseId, Sku), u32> = BTreeMap::new();
    let mut open: Vec<Group> = demand.groups.clone();
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

/// Both the parts shipped and the part left must reach the smallest value of a split.
fn parts_are_worth_it(
    order: &Order,
    cover: &Cover,
    missing: &[BackorderedUnits],
    policy: &AllocationPolicy,
) -> bool {
    let Some(least) = policy.min_split_value else { return true };
    let value = |lines: &mut dyn Iterator<Item = (&LineId, u32)>| -> Decimal {
        lines
            .filter_map(|(id, units)| {
                Some(order.line(id)?.unit_price.amount.saturating_mul(Decimal::from(units)))
            })
            .fold(Decimal::ZERO, Decimal::saturating_add)
    };
    let mut parts: BTreeMap<&WarehouseId, Vec<(&LineId, u32)>> = BTreeMap::new();
    for (group, id) in cover {
        parts
            .entry(id)
            .or_default()
            .extend(group.units.iter().map(|(line, _, units)| (line, *units)));
    }
    let left = value(&mut missing.iter().map(|short| (&short.line, short.units)));
    (missing.is_empty() || left >= least)
        && parts.into_values().all(|part| value(&mut part.into_iter()) >= least)
}

fn verdict(
    order: &Order,
    cover: &Cover,
    backordered: Vec<BackorderedUnits>,
    reasons: Vec<String>,
    rejected: BTreeMap<WarehouseId, WarehouseRejection>,
    policy: &AllocationPolicy,
) -> AllocationVerdict {
    let mut parcels: BTreeMap<&WarehouseId, Vec<PackedLine>> = BTreeMap::new();
    for (group, id) in cover {
        let contents = parcels.entry(id).or_default();
        for (line, _, units) in &group.units {
            contents.push(PackedLine { line: line.clone(), units: *units });
        }
    }
    let packages = (order.packages_planned.saturating_add(1)..)
        .zip(parcels)
        .map(|(sequence, (warehouse, mut contents))| {
            contents.sort_by(|a, b| a.line.cmp(&b.line));
            let goods = contents.iter().fold(Grams::ZERO, |sum, packed| {
                let unit = order
                    .line(&packed.line)
                    .and_then(|line| line.weight)
                    .filter(|weight| *weight > Grams::ZERO)
                    .unwrap_or(policy.default_unit_weight);
                sum.saturating_add(unit.saturating_mul(packed.units))
            });
            PlannedPackage {
                id: PackageId::derive(&order.key, sequence),
                warehouse: warehouse.clone(),
                contents,
                weight: goods.saturating_add(policy.packaging),
                dimensions: policy.box_size,
            }
        })
        .collect();
    AllocationVerdict {
        allocation: Allocation { packages, backordered, reasons },
        rejected: rejected
            .into_iter()
            .map(|(warehouse, why)| RejectedWarehouse { warehouse, why })
            .collect(),
    }
}
