//! Which warehouse ships which units, and why not the others.

mod split;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use chrono::{DateTime, Days, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use split::{Cover, greedy, split};

use super::route::main_currency;
use crate::address::Country;
use crate::ids::{LineId, PackageId, Sku, WarehouseId};
use crate::money::{Currency, Money};
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
    /// Cheapest handling, in the order's currency if a warehouse has a cost in it, else in the one
    /// most warehouses have. Unknown costs and those in another currency come last.
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
    /// A parcel would arrive after the promised day.
    MissesDeliverBy {
        /// The local day on which it would arrive.
        arrives: NaiveDate,
    },
    /// Its calendar has no working day.
    NoWorkingDay,
    /// Another one came first.
    Outranked {
        /// Which.
        by: WarehouseId,
    },
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
            Self::MissesDeliverBy { arrives } => write!(f, "would deliver on {arrives}, too late"),
            Self::NoWorkingDay => f.write_str("has no working day in its calendar"),
            Self::Outranked { by } => write!(f, "comes after {by}"),
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

/// Why not everything was allocated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AllocationShortfall {
    /// No warehouse may ship the order, or none in time: see the rejections.
    NoWarehouse,
    /// There are not enough units anywhere.
    OutOfStock,
    /// There are enough units, but only with those of warehouses that may not ship the order.
    StockElsewhere {
        /// The warehouses that have units of what is short, by id.
        warehouses: Vec<WarehouseId>,
    },
    /// Units of one bundle lie in different warehouses.
    BundleApart,
    /// More parcels would be needed than the policy allows.
    TooManyParcels {
        /// How many would do.
        needed: usize,
        /// How many are allowed.
        most: usize,
    },
    /// A part would be worth less than [`AllocationPolicy::min_split_value`].
    PartTooSmall {
        /// The value every part must reach.
        least: Decimal,
    },
}

impl fmt::Display for AllocationShortfall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoWarehouse => f.write_str("no warehouse may ship this order in time"),
            Self::OutOfStock => f.write_str("not everything is in stock"),
            Self::StockElsewhere { warehouses } => {
                let ids: Vec<&str> = warehouses.iter().map(WarehouseId::as_str).collect();
                write!(
                    f,
                    "not everything is in stock where the order may leave from; {} has units",
                    ids.join(" and ")
                )
            }
            Self::BundleApart => f.write_str("units of one bundle lie in different warehouses"),
            Self::TooManyParcels { needed, most } => {
                let allowed = if *most == 1 { "is" } else { "are" };
                write!(
                    f,
                    "everything is in stock, but in {needed} parcels where {most} {allowed} allowed"
                )
            }
            Self::PartTooSmall { least } => {
                write!(f, "a part would be worth less than {least}, the least value of a split")
            }
        }
    }
}

/// What an allocation came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllocationVerdict {
    /// Parcels and shortages; both empty when there is nothing to allocate.
    pub allocation: Allocation,
    /// Every warehouse that was not used, by id.
    pub rejected: Vec<RejectedWarehouse>,
    /// Why units are backordered; `None` when none is.
    pub shortfall: Option<AllocationShortfall>,
}

/// Allocates the open units of an order to warehouses. Pure; the order of `warehouses` does not
/// matter.
///
/// 1. What the platform ships itself needs nothing.
/// 2. Warehouses that are disabled, not allowed or full drop out.
/// 3. A single warehouse with everything that keeps ship-by and promise wins, by preference. The
///    promised day is that of the warehouse's zone: nothing here knows the zone of the destination.
/// 4. Else the fewest warehouses that cover everything, at most
///    [`max_splits`](AllocationPolicy::max_splits): every set of warehouses that hold some of the
///    goods is looked at, the first 20,000 of them and as long as placing the goods takes few steps,
///    then greedily. Units of one bundle stay together.
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
        let (allocation, rejected) = (Allocation::default(), Vec::new());
        return AllocationVerdict { allocation, rejected, shortfall: None };
    }
    let mut rejected: BTreeMap<WarehouseId, WarehouseRejection> = BTreeMap::new();
    let mut usable: Vec<Candidate<'_>> = Vec::new();
    for warehouse in unique_warehouses(warehouses) {
        match judge(order, warehouse, now) {
            Ok(candidate) => usable.push(candidate),
            Err(why) => {
                rejected.insert(warehouse.id.clone(), why);
            }
        }
    }
    let costs = || usable.iter().filter_map(|(warehouse, _)| warehouse.unit_cost);
    let currency = costs()
        .map(|cost| cost.currency)
        .find(|currency| *currency == order.total.currency)
        .or_else(|| main_currency(costs().map(|cost| cost.currency)));
    let ranking = Ranking { demand: &demand, stock, policy, currency };

    let mut single: Vec<Candidate<'_>> = Vec::new();
    for candidate @ (warehouse, _) in &usable {
        match demand.shortage(&warehouse.id, stock) {
            None => single.push(*candidate),
            Some(why) => {
                rejected.insert(warehouse.id.clone(), why);
            }
        }
    }
    single.sort_by(|a, b| ranking.compare(*a, *b));
    if let Some(((best, _), others)) = single.split_first() {
        for (other, _) in others {
            rejected
                .insert(other.id.clone(), WarehouseRejection::Outranked { by: best.id.clone() });
        }
        let everything =
            demand.groups.iter().map(|group| (group.clone(), best.id.clone())).collect();
        let reason = format!("{} has everything and keeps every deadline", best.id);
        let allocation = planned(order, &everything, Vec::new(), reason, policy);
        return AllocationVerdict { allocation, rejected: listed(rejected), shortfall: None };
    }

    let mut ranked = usable.clone();
    ranked.sort_by(|a, b| ranking.compare(*a, *b));
    let ids: Vec<&WarehouseId> = ranked.iter().map(|(warehouse, _)| &warehouse.id).collect();
    let cover = split(&demand, &ids, stock, policy.max_splits);
    if let Some(cover) = &cover
        && parts_are_worth_it(order, cover, &[], policy)
    {
        let used: BTreeSet<&WarehouseId> = cover.iter().map(|(_, id)| id).collect();
        let names: Vec<String> = used.iter().map(ToString::to_string).collect();
        let reason =
            format!("no single warehouse has everything; {} together do", names.join(" and "));
        rejected.retain(|id, _| !used.contains(id));
        let allocation = planned(order, cover, Vec::new(), reason, policy);
        return AllocationVerdict { allocation, rejected: listed(rejected), shortfall: None };
    }

    let short = demand.backorder(&ids, stock);
    let (partial, missing) = greedy(&demand, &ids, stock, policy.max_splits.max(1), true);
    let is_worth_it = parts_are_worth_it(order, &partial, &missing, policy);
    let shortfall = if ids.is_empty() {
        AllocationShortfall::NoWarehouse
    } else if !short.is_empty() {
        let closed: Vec<&WarehouseId> = rejected.keys().filter(|id| !ids.contains(id)).collect();
        demand.shortfall(&ids, &closed, stock)
    } else if let (Some(_), Some(least)) = (&cover, policy.min_split_value) {
        AllocationShortfall::PartTooSmall { least }
    } else {
        // Everything is there: in too many places, or bundles are not.
        match split(&demand, &ids, stock, ids.len()) {
            Some(cover) => {
                let used: BTreeSet<&WarehouseId> = cover.iter().map(|(_, id)| id).collect();
                let most = policy.max_splits;
                AllocationShortfall::TooManyParcels { needed: used.len(), most }
            }
            None => AllocationShortfall::BundleApart,
        }
    };
    if policy.allow_partial && !partial.is_empty() && is_worth_it {
        let used: BTreeSet<&WarehouseId> = partial.iter().map(|(_, id)| id).collect();
        rejected.retain(|id, _| !used.contains(id));
        let reason = format!("{shortfall}; what can leave does, the rest is backordered");
        let allocation = planned(order, &partial, missing, reason, policy);
        let shortfall = Some(shortfall);
        return AllocationVerdict { allocation, rejected: listed(rejected), shortfall };
    }
    let why_nothing = if !policy.allow_partial {
        "and partial shipment is not allowed"
    } else if partial.is_empty() {
        "and no part can leave"
    } else {
        "and a part, or what would be left, is worth too little to ship alone"
    };
    let reason = format!("{shortfall}, {why_nothing}");
    let backordered = if short.is_empty() { demand.everything() } else { short };
    let allocation = planned(order, &Vec::new(), backordered, reason, policy);
    AllocationVerdict { allocation, rejected: listed(rejected), shortfall: Some(shortfall) }
}

/// Warehouses by id, each once. Of two entries with one id, which are a mistake, the one that is
/// written down first alphabetically counts, so that their order does not.
pub(super) fn unique_warehouses(warehouses: &[Warehouse]) -> Vec<&Warehouse> {
    let mut sorted: Vec<&Warehouse> = warehouses.iter().collect();
    sorted.sort_by(|a, b| a.id.cmp(&b.id).then_with(|| format!("{a:?}").cmp(&format!("{b:?}"))));
    sorted.dedup_by(|a, b| a.id == b.id);
    sorted
}

/// Units that must leave together: all of a bundle, or a line, which may be divided if need be.
#[derive(Debug, Clone)]
struct Group {
    units: Vec<(LineId, Sku, u32)>,
    /// Whether it is a bundle, even one of which only one line is still open.
    is_bundle: bool,
}

impl Group {
    fn size(&self) -> u64 {
        self.units.iter().map(|(_, _, units)| u64::from(*units)).sum()
    }

    /// What is left of a group after a part of it was taken.
    fn without(&self, part: &Self) -> Option<Self> {
        match (self.units.as_slice(), part.units.as_slice()) {
            ([(line, sku, units)], [(_, _, taken)]) if units > taken => {
                let left = (line.clone(), sku.clone(), units - taken);
                Some(Self { units: vec![left], is_bundle: self.is_bundle })
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
                    .or_insert_with(|| Group { units: Vec::new(), is_bundle: true })
                    .units
                    .push(wanted),
                None => groups.push(Group { units: vec![wanted], is_bundle: false }),
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

    /// Why units are short although warehouses may ship: nobody has them, or only those that may not.
    fn shortfall(
        &self,
        open: &[&WarehouseId],
        closed: &[&WarehouseId],
        stock: &StockView,
    ) -> AllocationShortfall {
        let short: BTreeSet<LineId> =
            self.backorder(open, stock).into_iter().map(|short| short.line).collect();
        let all: Vec<&WarehouseId> = open.iter().chain(closed).copied().collect();
        if !self.backorder(&all, stock).is_empty() {
            return AllocationShortfall::OutOfStock;
        }
        let units = || self.groups.iter().flat_map(|group| &group.units);
        let has_some = |id: &WarehouseId| {
            units().any(|(line, sku, _)| short.contains(line) && stock.available(id, sku) > 0)
        };
        let mut warehouses: Vec<WarehouseId> =
            closed.iter().filter(|id| has_some(id)).map(|id| (*id).clone()).collect();
        warehouses.sort();
        AllocationShortfall::StockElsewhere { warehouses }
    }

    fn everything(&self) -> Vec<BackorderedUnits> {
        self.groups
            .iter()
            .flat_map(|group| &group.units)
            .map(|(line, _, units)| BackorderedUnits { line: line.clone(), units: *units })
            .collect()
    }
}

/// Whether a warehouse may ship an order on any day.
pub(super) fn may_ship(order: &Order, warehouse: &Warehouse) -> Result<(), WarehouseRejection> {
    if !warehouse.enabled || warehouse.channel == FulfillmentChannel::PlatformFulfilled {
        return Err(WarehouseRejection::Disabled);
    }
    if !warehouse.platforms.is_empty() && !warehouse.platforms.contains(&order.key.platform) {
        return Err(WarehouseRejection::PlatformNotAllowed);
    }
    if !warehouse.countries.is_empty()
        && !destination(order).is_some_and(|country| warehouse.countries.contains(&country))
    {
        return Err(WarehouseRejection::CountryNotAllowed);
    }
    Ok(())
}

fn destination(order: &Order) -> Option<Country> {
    order.recipient.as_ref().and_then(|recipient| recipient.address.country)
}

/// A warehouse that could ship, with the days on the way, if known.
type Candidate<'a> = (&'a Warehouse, Option<u32>);

fn judge<'a>(
    order: &Order,
    warehouse: &'a Warehouse,
    now: DateTime<Utc>,
) -> Result<Candidate<'a>, WarehouseRejection> {
    may_ship(order, warehouse)?;
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
    let transit_days =
        destination(order).and_then(|country| warehouse.transit_days.get(&country).copied());
    // Days on the way are days, so days are compared, as routing does.
    if let (Some(due), Some(days)) = (order.deadline(DeadlineKind::DeliverBy), transit_days) {
        let calendar = &warehouse.calendar;
        let arrives = calendar
            .local_date(leaves)
            .checked_add_days(Days::new(u64::from(days)))
            .unwrap_or(NaiveDate::MAX);
        if due.at > now && arrives > calendar.local_date(due.at) {
            return Err(WarehouseRejection::MissesDeliverBy { arrives });
        }
    }
    Ok((warehouse, transit_days))
}

/// What warehouses are compared with.
struct Ranking<'a> {
    demand: &'a Demand,
    stock: &'a StockView,
    policy: &'a AllocationPolicy,
    /// In which costs are compared.
    currency: Option<Currency>,
}

impl Ranking<'_> {
    fn compare(&self, a: Candidate<'_>, b: Candidate<'_>) -> Ordering {
        let mut by_preference = self.policy.preferences.iter().map(|preference| match preference {
            AllocationPreference::LowestCost => self.cost(a.0).cmp(&self.cost(b.0)),
            AllocationPreference::ShortestTransit => {
                a.1.unwrap_or(u32::MAX).cmp(&b.1.unwrap_or(u32::MAX))
            }
            AllocationPreference::MostStockLeft => self.left(&b.0.id).cmp(&self.left(&a.0.id)),
            AllocationPreference::Priority => a.0.priority.cmp(&b.0.priority),
        });
        // What comes later is dear to compare and is asked only where all before it are equal.
        by_preference
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
            .then_with(|| a.0.id.cmp(&b.0.id))
    }

    fn cost(&self, warehouse: &Warehouse) -> Decimal {
        let cost = warehouse.unit_cost.filter(|cost| Some(cost.currency) == self.currency);
        cost.map_or(Decimal::MAX, |cost: Money| cost.amount)
    }

    /// Units on the shelf of everything wanted. A SKU on two lines is on the shelf once.
    fn left(&self, id: &WarehouseId) -> u64 {
        let units = self.demand.groups.iter().flat_map(|group| &group.units);
        let skus: BTreeSet<&Sku> = units.map(|(_, sku, _)| sku).collect();
        skus.into_iter().map(|sku| u64::from(self.stock.available(id, sku))).sum()
    }
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

/// Parcels out of what leaves from where.
fn planned(
    order: &Order,
    cover: &Cover,
    backordered: Vec<BackorderedUnits>,
    reason: String,
    policy: &AllocationPolicy,
) -> Allocation {
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
    Allocation { packages, backordered, reasons: vec![reason] }
}

fn listed(rejected: BTreeMap<WarehouseId, WarehouseRejection>) -> Vec<RejectedWarehouse> {
    rejected.into_iter().map(|(warehouse, why)| RejectedWarehouse { warehouse, why }).collect()
}
