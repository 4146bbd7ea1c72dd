//! Counters that take one more order at a time.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

use super::counters::{CohortCounters, KpiCounters, add_costs, cost_instant, raise};
use super::definitions::KpiId;
use super::facts::{Costs, OrderRow, PackedRow, instant_micros};
use super::figures::CostCounts;
use super::layout::{Axis, Layout, OpenAxis};
use super::plan::{CohortPlan, Scratch};
use super::query::{Bins, Dimension, KpiError, KpiQuery};

/// Spreads keys that are already numbers: keys come from this crate, not from strangers.
#[derive(Debug, Clone, Default)]
struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0 ^ value).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

type Places = HashMap<u64, usize, BuildHasherDefault<KeyHasher>>;

/// Counters that are kept up to date: each new order is added as it comes, and the figures are read
/// from [`LiveCounters::counters`] at any time.
///
/// An order counts with the facts it has when it is added. When they change, count again: only
/// orders that are new since the last count are added here.
#[derive(Debug, Clone)]
pub struct LiveCounters {
    query: KpiQuery,
    plans: Vec<CohortPlan>,
    bins: Bins,
    axes: Vec<(Dimension, OpenAxis)>,
    /// Bits of each axis.
    widths: Vec<u32>,
    cohorts: Vec<(CohortCounters, Places)>,
    costs: BTreeMap<u64, CostCounts>,
    orders: u64,
    scratch: Scratch<i64>,
}

impl LiveCounters {
    /// Goes on from ready counters.
    ///
    /// # Errors
    /// [`KpiError`] when the question has no answer.
    pub fn new(counters: &KpiCounters) -> Result<Self, KpiError> {
        let KpiCounters { plans, layout, bins, .. } = counters;
        let mut axes = Vec::new();
        for axis in layout.axes() {
            let mut open = OpenAxis::default();
            for name in &axis.names {
                open.number(name.as_deref());
            }
            axes.push((axis.dimension, open));
        }
        let mut own = Self {
            query: counters.query().clone(),
            plans: plans.clone(),
            bins: bins.clone(),
            widths: axes.iter().map(|(_, axis)| roomy(axis)).collect(),
            axes,
            cohorts: Vec::new(),
            costs: BTreeMap::new(),
            orders: counters.orders(),
            scratch: Scratch::of(1),
        };
        own.check_width()?;
        let rename = |key| {
            let places: Vec<u64> = layout.places(key).collect();
            own.pack(&places, layout.period(key))
        };
        let cohorts = counters.cohorts.iter().map(|cohort| indexed(cohort.renamed(rename)));
        let costs = counters.costs.iter().map(|(key, sums)| (rename(*key), sums.clone()));
        let (cohorts, costs) = (cohorts.collect(), costs.collect());
        own.cohorts = cohorts;
        own.costs = costs;
        Ok(own)
    }

    /// Adds an order.
    ///
    /// # Errors
    /// [`KpiError::TooManyOrders`], or [`KpiError::TooManyGroups`] when a new name makes the keys
    /// too long: neither this order nor any later one is counted then.
    pub fn add(&mut self, row: &OrderRow) -> Result<(), KpiError> {
        if self.orders >= u64::from(u32::MAX) {
            return Err(KpiError::TooManyOrders);
        }
        let mut places = Vec::with_capacity(self.axes.len());
        let mut sku_axis = None;
        for (place, (dimension, axis)) in self.axes.iter_mut().enumerate() {
            if *dimension == Dimension::Sku {
                sku_axis = Some(place);
                places.push(0);
            } else {
                places.push(axis.number(row.keys.part(*dimension)));
            }
        }
        let mut skus = Vec::new();
        if let Some((_, axis)) = sku_axis.and_then(|place| self.axes.get_mut(place)) {
            for sku in &row.keys.skus {
                skus.push((Some(sku), axis.number(Some(sku.as_str()))));
            }
            if skus.is_empty() {
                skus.push((None, axis.number(None)));
            }
            skus.sort_unstable();
            skus.dedup();
        }
        self.widen()?;
        self.orders += 1;
        if !self.query.scope.fits(&row.keys) {
            return Ok(());
        }
        let wanted = &self.query.scope.skus;
        skus.retain(|(sku, _)| wanted.is_empty() || sku.is_some_and(|sku| wanted.contains(sku)));
        let packed = row.packed();
        match sku_axis {
            None => self.raise(&packed, &places, row),
            Some(axis) => {
                for (_, number) in skus {
                    if let Some(place) = places.get_mut(axis) {
                        *place = number;
                    }
                    self.raise(&packed, &places, row);
                }
            }
        }
        Ok(())
    }

    fn raise(&mut self, packed: &PackedRow, places: &[u64], row: &OrderRow) {
        let inside = |instant: i64| self.bins.from() <= instant && instant < self.bins.to();
        let own = pack(&self.widths, places);
        let shift = self.widths.iter().sum::<u32>();
        for (plan, (counters, index)) in self.plans.iter().zip(&mut self.cohorts) {
            let (instant, code, duration) = plan.row(packed, &mut self.scratch);
            if !inside(instant) {
                continue;
            }
            let period = u64::try_from(self.bins.of(instant)).unwrap_or(0);
            let key = own | period.checked_shl(shift).unwrap_or(0);
            let place = *index.entry(key).or_insert_with(|| {
                counters.push_empty(key, plan.width);
                counters.keys.len() - 1
            });
            raise(counters, place, plan, code, duration);
            if self.query.percentiles && plan.has_duration(code) {
                counters.sample(key, duration);
            }
        }
        if self.query.kpis.contains(KpiId::LogisticsCost) {
            let as_of = instant_micros(self.query.as_of);
            if let Some(instant) = cost_instant(packed, as_of).filter(|instant| inside(*instant)) {
                let period = u64::try_from(self.bins.of(instant)).unwrap_or(0);
                let key = own | period.checked_shl(shift).unwrap_or(0);
                let costs: Option<Costs> = row.costs();
                let sums = self.costs.entry(key).or_default();
                add_costs(sums, packed, costs.as_ref(), as_of);
            }
        }
    }

    /// The counters as they are now.
    ///
    /// # Errors
    /// [`KpiError::TooManyGroups`].
    pub fn counters(&self) -> Result<KpiCounters, KpiError> {
        // The open keys leave room for names to come; the closed ones do not.
        let axes: Vec<Axis> = self
            .axes
            .iter()
            .map(|(dimension, axis)| Axis { dimension: *dimension, names: axis.names.clone() })
            .collect();
        let given = Layout::new(axes, &self.query, &self.bins)?;
        let close = |key: u64| {
            let (places, period) = self.parts(key);
            given.pack(&places, period)
        };
        let cohorts = self
            .cohorts
            .iter()
            .map(|(cohort, _)| {
                let mut closed = cohort.renamed(close);
                closed.sort_samples();
                closed
            })
            .collect();
        let costs = self.costs.iter().map(|(key, sums)| (close(*key), sums.clone())).collect();
        KpiCounters::of_parts(&self.query, &given, self.orders, cohorts, costs)
    }

    /// Places on the axes, and the period, of an open key.
    fn parts(&self, key: u64) -> (Vec<u64>, u64) {
        let mut rest = key;
        let mut places = vec![0; self.widths.len()];
        for (place, width) in places.iter_mut().zip(&self.widths).rev() {
            *place = rest & ((1 << width) - 1);
            rest >>= width;
        }
        (places, rest)
    }

    fn pack(&self, places: &[u64], period: usize) -> u64 {
        let shift = self.widths.iter().sum::<u32>();
        let period = u64::try_from(period).unwrap_or(0);
        pack(&self.widths, places) | period.checked_shl(shift).unwrap_or(0)
    }

    fn check_width(&self) -> Result<(), KpiError> {
        let all = self.widths.iter().sum::<u32>() + bits(self.bins.count());
        if all > 62 { Err(KpiError::TooManyGroups) } else { Ok(()) }
    }

    /// Makes room for names that no longer fit their bits.
    fn widen(&mut self) -> Result<(), KpiError> {
        let fits =
            |((_, axis), width): (&(Dimension, OpenAxis), &u32)| bits(axis.names.len()) <= *width;
        if self.axes.iter().zip(&self.widths).all(fits) {
            return Ok(());
        }
        let before = self.clone();
        self.widths = self.axes.iter().map(|(_, axis)| roomy(axis)).collect();
        if let Err(error) = self.check_width() {
            self.widths = before.widths;
            return Err(error);
        }
        let shift = self.widths.iter().sum::<u32>();
        let rename = |key: u64| {
            let (places, period) = before.parts(key);
            pack(&self.widths, &places) | period.checked_shl(shift).unwrap_or(0)
        };
        self.cohorts =
            before.cohorts.iter().map(|(cohort, _)| indexed(cohort.renamed(rename))).collect();
        self.costs = before.costs.iter().map(|(key, sums)| (rename(*key), sums.clone())).collect();
        Ok(())
    }
}

fn indexed(cohort: CohortCounters) -> (CohortCounters, Places) {
    let places = cohort.keys.iter().copied().zip(0..).collect();
    (cohort, places)
}

fn pack(widths: &[u32], places: &[u64]) -> u64 {
    widths.iter().zip(places).fold(0, |key, (width, place)| key << width | place)
}

fn bits(count: usize) -> u32 {
    usize::BITS - count.saturating_sub(1).leading_zeros()
}

/// Bits of an axis with room for as many names again.
fn roomy(axis: &OpenAxis) -> u32 {
    bits(axis.names.len().saturating_mul(2).max(2))
}
