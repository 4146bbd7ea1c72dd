//! Counters of groups: what is stored, merged, updated and read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::definitions::{Cohort, ExclusionReason, KpiId};
use super::facts::{At, OrderFacts, OrderRow, PackedRow, flags, instant_micros};
use super::figures::{CostCounts, add_amount, merge_sorted};
use super::fold::{self, OUT};
use super::layout::{Axis, Layout};
use super::plan::{CohortPlan, Scratch};
use super::query::{Bins, Dimension, KpiError, KpiQuery};

/// Rows whose durations in seconds can be summed in eight bytes.
const MOST_AT_A_TIME: usize = 1 << 30;

/// The counters of one cohort: groups in order of their keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CohortCounters {
    pub(super) cohort: Cohort,
    width: usize,
    pub(super) keys: Vec<u64>,
    cells: Vec<u32>,
    /// Microseconds; empty when the cohort has no duration.
    sums: Vec<i128>,
    has_sums: bool,
    samples: BTreeMap<u64, Vec<i64>>,
}

impl CohortCounters {
    pub(super) fn new(plan: &CohortPlan) -> Self {
        Self {
            cohort: plan.cohort,
            width: plan.width,
            keys: Vec::new(),
            cells: Vec::new(),
            sums: Vec::new(),
            has_sums: plan.sums,
            samples: BTreeMap::new(),
        }
    }

    /// Makes room for more groups.
    pub(super) fn reserve(&mut self, groups: usize) {
        self.keys.reserve(groups);
        self.cells.reserve(groups.saturating_mul(self.width));
        self.sums.reserve(if self.has_sums { groups } else { 0 });
    }

    pub(super) fn push(&mut self, key: u64, cell: &[u32], sum: i128) {
        self.keys.push(key);
        self.cells.extend_from_slice(cell);
        if self.has_sums {
            self.sums.push(sum);
        }
    }

    /// [`CohortCounters::push`] of a cell whose width is known when this is compiled.
    #[inline(always)]
    pub(super) fn push_cell<const W: usize>(&mut self, key: u64, cell: &[u32; W], sum: i128) {
        self.keys.push(key);
        self.cells.extend_from_slice(cell);
        if self.has_sums {
            self.sums.push(sum);
        }
    }

    pub(super) fn push_empty(&mut self, key: u64, width: usize) {
        self.keys.push(key);
        self.cells.resize(self.cells.len().saturating_add(width), 0);
        if self.has_sums {
            self.sums.push(0);
        }
    }

    pub(super) fn sample(&mut self, key: u64, duration: i64) {
        self.samples.entry(key).or_default().push(duration);
    }

    pub(super) fn sort_samples(&mut self) {
        for values in self.samples.values_mut() {
            values.sort_unstable();
        }
    }

    pub(super) fn cell(&self, place: usize) -> &[u32] {
        let begin = place.saturating_mul(self.width);
        self.cells.get(begin..begin.saturating_add(self.width)).unwrap_or(&[])
    }

    pub(super) fn cell_mut(&mut self, place: usize) -> &mut [u32] {
        let begin = place.saturating_mul(self.width);
        self.cells.get_mut(begin..begin.saturating_add(self.width)).unwrap_or(&mut [])
    }

    pub(super) fn sum(&self, place: usize) -> i128 {
        self.sums.get(place).copied().unwrap_or(0)
    }

    pub(super) fn add_to_sum(&mut self, place: usize, duration: i64) {
        if let Some(sum) = self.sums.get_mut(place) {
            *sum = sum.saturating_add(i128::from(duration));
        }
    }

    pub(super) fn samples_of(&self, key: u64) -> &[i64] {
        self.samples.get(&key).map_or(&[], Vec::as_slice)
    }

    /// Both, for keys of one layout.
    fn merged(&self, other: &Self) -> Self {
        let most = self.keys.len().saturating_add(other.keys.len());
        let mut both = Self {
            keys: Vec::with_capacity(most),
            cells: Vec::with_capacity(most.saturating_mul(self.width)),
            sums: Vec::with_capacity(if self.has_sums { most } else { 0 }),
            samples: self.samples.clone(),
            ..*self
        };
        match self.width {
            4 => both.join::<4>(self, other),
            8 => both.join::<8>(self, other),
            12 => both.join::<12>(self, other),
            _ => both.join::<16>(self, other),
        }
        for (key, values) in &other.samples {
            merge_sorted(both.samples.entry(*key).or_default(), values);
        }
        both
    }

    /// Adds the groups of two whose cells have this width.
    fn join<const W: usize>(&mut self, one: &Self, other: &Self) {
        let (mut left, mut right) = (one.groups::<W>(), other.groups::<W>());
        let (mut a, mut b) = (left.next(), right.next());
        loop {
            match (a, b) {
                (Some(own), Some(theirs)) if own.0 == theirs.0 => {
                    let mut cell = *own.1;
                    for (counter, more) in cell.iter_mut().zip(theirs.1) {
                        *counter = counter.saturating_add(*more);
                    }
                    self.push_cell(own.0, &cell, own.2.saturating_add(theirs.2));
                    (a, b) = (left.next(), right.next());
                }
                (Some(own), theirs) if theirs.is_none_or(|theirs| own.0 < theirs.0) => {
                    self.push_cell(own.0, own.1, own.2);
                    a = left.next();
                }
                (_, Some(theirs)) => {
                    self.push_cell(theirs.0, theirs.1, theirs.2);
                    b = right.next();
                }
                _ => return,
            }
        }
    }

    /// Key, counters and sum of each group.
    fn groups<const W: usize>(&self) -> impl Iterator<Item = (u64, &[u32; W], i128)> {
        let sums = self.sums.iter().copied().chain(std::iter::repeat(0));
        let cells = self.keys.iter().zip(self.cells.as_chunks().0);
        cells.zip(sums).map(|((key, cell), sum)| (*key, cell, sum))
    }

    /// The same groups under other keys.
    pub(super) fn renamed(&self, rename: impl Fn(u64) -> u64) -> Self {
        let mut places: Vec<(u64, usize)> =
            self.keys.iter().map(|key| rename(*key)).zip(0..).collect();
        if !places.is_sorted() {
            places.sort_unstable();
        }
        let mut renamed = Self {
            keys: Vec::with_capacity(self.keys.len()),
            cells: Vec::with_capacity(self.cells.len()),
            sums: Vec::with_capacity(self.sums.len()),
            samples: BTreeMap::new(),
            ..*self
        };
        for (key, place) in places {
            renamed.push(key, self.cell(place), self.sum(place));
        }
        for (key, values) in &self.samples {
            renamed.samples.insert(rename(*key), values.clone());
        }
        renamed
    }
}

/// The counters of a question: every figure of every group can be read from them, in either
/// [`DenominatorMode`](super::DenominatorMode) and against any targets.
///
/// Counters of two tables merge into those of both ([`KpiCounters::merge`]), in any order and
/// grouping; one more order is added by [`LiveCounters`](super::LiveCounters). They can be stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "StoredCounters", into = "StoredCounters")]
pub struct KpiCounters {
    pub(super) query: KpiQuery,
    pub(super) plans: Vec<CohortPlan>,
    pub(super) layout: Layout,
    pub(super) bins: Bins,
    orders: u64,
    pub(super) cohorts: Vec<CohortCounters>,
    pub(super) costs: BTreeMap<u64, CostCounts>,
}

impl PartialEq for KpiCounters {
    fn eq(&self, other: &Self) -> bool {
        self.query == other.query
            && self.orders == other.orders
            && self.layout.axes() == other.layout.axes()
            && self.cohorts == other.cohorts
            && self.costs == other.costs
    }
}

impl Eq for KpiCounters {}

impl KpiQuery {
    /// Counts the orders of a table.
    ///
    /// ```
    /// use chrono::{TimeDelta, TimeZone, Utc};
    /// use orderflow::rules::kpi::{
    ///     DenominatorMode, KpiId, KpiQuery, KpiTargets, OrderFacts, OrderRow, Window,
    /// };
    ///
    /// let day = |d| Utc.with_ymd_and_hms(2026, 3, d, 0, 0, 0).unwrap();
    /// let order = |shipped_after: i64| OrderRow {
    ///     paid_at: Some(day(1)),
    ///     ship_by: Some(day(4)),
    ///     ship_confirmed_at: Some(day(1) + TimeDelta::hours(shipped_after)),
    ///     fully_shipped: true,
    ///     ..OrderRow::placed(day(1))
    /// };
    /// let facts: OrderFacts = [order(20), order(72), order(73)].into_iter().collect();
    ///
    /// let query = KpiQuery::new(Window::new(day(1), day(10)), day(10));
    /// let counters = query.count(&facts)?;
    /// let kpi = counters.total(
    ///     KpiId::OnTimeShipping,
    ///     DenominatorMode::Decided,
    ///     &KpiTargets::preset("seed")?,
    /// );
    /// assert_eq!(kpi.to_string(), "KPI-01 on-time shipping rate: 66.67 % (2 of 3), critical");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`KpiError`] when the question has no answer.
    pub fn count(&self, facts: &OrderFacts) -> Result<KpiCounters, KpiError> {
        self.count_rows(facts, 0..facts.len())
    }

    /// Counts some rows of a table, so that several threads can share it: the counters of the parts
    /// [`merge`](KpiCounters::merge) without renaming. Rows that do not exist are not counted.
    ///
    /// # Errors
    /// [`KpiError`] when the question has no answer.
    pub fn count_rows(
        &self,
        facts: &OrderFacts,
        rows: std::ops::Range<usize>,
    ) -> Result<KpiCounters, KpiError> {
        let end = rows.end.min(facts.len());
        let rows = rows.start.min(end)..end;
        let orders = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        if orders > u64::from(u32::MAX) {
            return Err(KpiError::TooManyOrders);
        }
        if rows.len() > MOST_AT_A_TIME {
            let middle = rows.start + rows.len() / 2;
            let first = self.count_rows(facts, rows.start..middle)?;
            return first.merge(&self.count_rows(facts, middle..rows.end)?);
        }
        let bins = Bins::new(self)?;
        let layout = Layout::of_facts(facts, self, &bins)?;
        let plans = CohortPlan::of(self);
        let by_sku = self.group_by.contains(&Dimension::Sku) || !self.scope.skus.is_empty();
        let cohorts = if by_sku {
            let one = |plan| one_by_one(facts, rows.clone(), plan, &layout, &bins, self);
            plans.iter().map(one).collect()
        } else {
            fold::fold(facts, rows.clone(), &plans, &layout, &bins, self)
        };
        let mut counters = KpiCounters {
            query: self.clone(),
            plans,
            layout,
            bins,
            orders,
            cohorts,
            costs: BTreeMap::new(),
        };
        if self.kpis.contains(KpiId::LogisticsCost) {
            counters.costs = costs(facts, rows, &counters);
        }
        Ok(counters)
    }

    /// Counts rows without a table of the caller's.
    ///
    /// # Errors
    /// [`KpiError`] when the question has no answer.
    pub fn count_each(
        &self,
        rows: impl IntoIterator<Item = OrderRow>,
    ) -> Result<KpiCounters, KpiError> {
        const PART: usize = 1 << 16;
        let mut rows = rows.into_iter();
        let mut counters = self.count(&OrderFacts::new())?;
        loop {
            let part: OrderFacts = rows.by_ref().take(PART).collect();
            if part.is_empty() {
                return Ok(counters);
            }
            counters = counters.merge(&self.count(&part)?)?;
        }
    }
}

/// The keys of a row: one, or one for each of its SKUs when those are groups.
struct Keys<'a> {
    facts: &'a OrderFacts,
    singles: Vec<(Dimension, Vec<u64>)>,
    skus: Option<Vec<u64>>,
    grouped: bool,
}

impl<'a> Keys<'a> {
    fn new(facts: &'a OrderFacts, layout: &Layout) -> Self {
        Self {
            facts,
            singles: layout.lookups(facts),
            skus: layout.lookup(facts, Dimension::Sku),
            grouped: layout.axes().iter().any(|axis| axis.dimension == Dimension::Sku),
        }
    }

    fn of(&self, row: usize, keys: &mut Vec<u64>) {
        keys.clear();
        let get = |lookup: &[u64], number: u32| {
            usize::try_from(number).ok().and_then(|n| lookup.get(n)).copied().unwrap_or(OUT)
        };
        let mut single = 0;
        for (dimension, lookup) in &self.singles {
            single += get(lookup, self.facts.key_of(*dimension, row));
        }
        if single >= OUT {
            return;
        }
        let Some(lookup) = &self.skus else {
            keys.push(single);
            return;
        };
        let skus = self.facts.skus_of(row);
        let unknown: &[u32] = if skus.is_empty() { &[0] } else { skus };
        keys.extend(
            unknown
                .iter()
                .map(|number| get(lookup, *number))
                .filter(|key| *key < OUT)
                .map(|key| single + key),
        );
        if !self.grouped {
            keys.truncate(1);
        }
    }
}

/// The way for rows that stand in several groups.
fn one_by_one(
    facts: &OrderFacts,
    rows: std::ops::Range<usize>,
    plan: &CohortPlan,
    layout: &Layout,
    bins: &Bins,
    query: &KpiQuery,
) -> CohortCounters {
    let keys = Keys::new(facts, layout);
    let mut own = Vec::new();
    let mut scratch = Scratch::of(1);
    let mut records: Vec<(u64, u16, i64)> = Vec::new();
    for row in rows {
        let (instant, code, duration) = plan.row(&facts.packed_row(row), &mut scratch);
        if !(bins.from() <= instant && instant < bins.to()) {
            continue;
        }
        keys.of(row, &mut own);
        let period = u64::try_from(bins.of(instant)).unwrap_or(0) * layout.period_stride();
        records.extend(own.iter().map(|key| (key + period, code, duration)));
    }
    records.sort_unstable();
    let mut counters = CohortCounters::new(plan);
    for group in records.chunk_by(|a, b| a.0 == b.0) {
        let Some((key, ..)) = group.first() else { continue };
        counters.push_empty(*key, plan.width);
        let place = counters.keys.len() - 1;
        for (_, code, duration) in group {
            raise(&mut counters, place, plan, *code, *duration);
            if query.percentiles && plan.has_duration(*code) {
                counters.sample(*key, *duration);
            }
        }
    }
    counters.sort_samples();
    counters
}

/// Adds a row to the counters of a group.
pub(super) fn raise(
    counters: &mut CohortCounters,
    place: usize,
    plan: &CohortPlan,
    code: u16,
    duration: i64,
) {
    for (counter, more) in counters.cell_mut(place).iter_mut().zip(plan.delta(code)) {
        *counter = counter.saturating_add(*more);
    }
    counters.add_to_sum(place, duration);
}

/// Adds the costs of a row to a group. `None` when it is not of the cohort.
pub(super) fn cost_instant(packed: &PackedRow, as_of: i64) -> Option<i64> {
    let instant = packed.at(At::ShipConfirmed);
    (instant <= as_of).then_some(instant)
}

pub(super) fn add_costs(
    sums: &mut CostCounts,
    packed: &PackedRow,
    costs: Option<&super::facts::Costs>,
    as_of: i64,
) {
    let reason = if packed.flags & flags::TEST != 0 {
        Some(ExclusionReason::Test)
    } else if packed.flags & flags::PLATFORM_FULFILLED != 0 {
        Some(ExclusionReason::PlatformFulfilled)
    } else if packed.at(At::Paid) > as_of {
        Some(ExclusionReason::NeverPaid)
    } else {
        None
    };
    if let Some(reason) = reason {
        return sums.excluded.add(reason, 1);
    }
    if packed.flags & flags::FULLY_SHIPPED == 0 {
        sums.pending = sums.pending.saturating_add(1);
        return;
    }
    sums.orders = sums.orders.saturating_add(1);
    let (product, value) = costs.map_or((None, None), |costs| (costs.product, costs.value));
    match (product, value) {
        (Some(cost), _) => add_amount(&mut sums.products, &cost),
        (None, Some(value)) => {
            sums.valued_by_price = sums.valued_by_price.saturating_add(1);
            add_amount(&mut sums.products, &value);
        }
        (None, None) => sums.unvalued = sums.unvalued.saturating_add(1),
    }
    for label in costs.map_or(&[][..], |costs| costs.labels.as_slice()) {
        add_amount(&mut sums.labels, label);
    }
}

fn costs(
    facts: &OrderFacts,
    rows: std::ops::Range<usize>,
    counters: &KpiCounters,
) -> BTreeMap<u64, CostCounts> {
    let (layout, bins) = (&counters.layout, &counters.bins);
    let as_of = instant_micros(counters.query.as_of);
    let keys = Keys::new(facts, layout);
    let mut own = Vec::new();
    let mut groups: BTreeMap<u64, CostCounts> = BTreeMap::new();
    for row in rows {
        let packed = facts.packed_row(row);
        let Some(instant) = cost_instant(&packed, as_of) else { continue };
        if !(bins.from() <= instant && instant < bins.to()) {
            continue;
        }
        keys.of(row, &mut own);
        let period = u64::try_from(bins.of(instant)).unwrap_or(0) * layout.period_stride();
        for key in &own {
            let sums = groups.entry(key + period).or_default();
            add_costs(sums, &packed, facts.costs_of(row), as_of);
        }
    }
    groups
}

impl KpiCounters {
    /// The question.
    #[must_use]
    pub const fn query(&self) -> &KpiQuery {
        &self.query
    }

    /// Number of orders looked at, in the window or not.
    #[must_use]
    pub const fn orders(&self) -> u64 {
        self.orders
    }

    /// Puts counters together whose groups stand under keys of `given`, whose names need not be in
    /// order.
    pub(super) fn of_parts(
        query: &KpiQuery,
        given: &Layout,
        orders: u64,
        cohorts: Vec<CohortCounters>,
        costs: BTreeMap<u64, CostCounts>,
    ) -> Result<Self, KpiError> {
        let bins = Bins::new(query)?;
        let layout = Layout::new(given.union(given), query, &bins)?;
        let maps = layout.translation(given);
        let rename = |key| layout.translate(&maps, given, key);
        Ok(Self {
            cohorts: cohorts.iter().map(|cohort| cohort.renamed(rename)).collect(),
            costs: costs.into_iter().map(|(key, sums)| (rename(key), sums)).collect(),
            query: query.clone(),
            plans: CohortPlan::of(query),
            layout,
            bins,
            orders,
        })
    }

    /// The counters of both. The order of merging changes nothing, nor does the order of the lists
    /// of a scope: where it differs, the counters of both are those of the lists in order.
    ///
    /// # Errors
    /// [`KpiError::DifferentQueries`], [`KpiError::TooManyOrders`], [`KpiError::TooManyGroups`].
    pub fn merge(&self, other: &Self) -> Result<Self, KpiError> {
        if self.query != other.query {
            let query = self.query.in_order();
            if query != other.query.in_order() {
                return Err(KpiError::DifferentQueries);
            }
            return self.asked(&query)?.merge(&other.asked(&query)?);
        }
        let orders = self.orders.saturating_add(other.orders);
        // Each order raises a counter by one for each of its SKUs, so the counters have room.
        if orders > u64::from(u32::MAX) {
            return Err(KpiError::TooManyOrders);
        }
        let merged = |own: &[CohortCounters], theirs: &[CohortCounters]| {
            own.iter().zip(theirs).map(|(own, theirs)| own.merged(theirs)).collect()
        };
        if self.layout.axes() == other.layout.axes() {
            let mut costs = self.costs.clone();
            for (key, sums) in &other.costs {
                costs.entry(*key).or_default().merge(sums);
            }
            return Ok(Self {
                query: self.query.clone(),
                plans: self.plans.clone(),
                layout: self.layout.clone(),
                bins: self.bins.clone(),
                orders,
                cohorts: merged(&self.cohorts, &other.cohorts),
                costs,
            });
        }
        let layout = Layout::new(self.layout.union(&other.layout), &self.query, &self.bins)?;
        self.under(&layout).merge(&other.under(&layout))
    }

    /// The same counters of a question that means the same.
    fn asked(&self, query: &KpiQuery) -> Result<Self, KpiError> {
        let axes = self.layout.axes().to_vec();
        let layout = Layout::new(axes, query, &self.bins)?;
        Ok(Self { query: query.clone(), layout, ..self.clone() })
    }

    /// The same groups under keys of another layout that has every name of them.
    fn under(&self, layout: &Layout) -> Self {
        let maps = layout.translation(&self.layout);
        let rename = |key| layout.translate(&maps, &self.layout, key);
        Self {
            query: self.query.clone(),
            plans: self.plans.clone(),
            bins: self.bins.clone(),
            orders: self.orders,
            cohorts: self.cohorts.iter().map(|cohort| cohort.renamed(rename)).collect(),
            costs: self.costs.iter().map(|(key, sums)| (rename(*key), sums.clone())).collect(),
            layout: layout.clone(),
        }
    }
}

/// How counters are stored.
#[derive(Serialize, Deserialize)]
struct StoredCounters {
    query: KpiQuery,
    axes: Vec<Axis>,
    orders: u64,
    cohorts: Vec<CohortCounters>,
    costs: BTreeMap<u64, CostCounts>,
}

impl From<KpiCounters> for StoredCounters {
    fn from(counters: KpiCounters) -> Self {
        Self {
            query: counters.query,
            axes: counters.layout.axes().to_vec(),
            orders: counters.orders,
            cohorts: counters.cohorts,
            costs: counters.costs,
        }
    }
}

impl TryFrom<StoredCounters> for KpiCounters {
    type Error = KpiError;

    fn try_from(stored: StoredCounters) -> Result<Self, KpiError> {
        let bins = Bins::new(&stored.query)?;
        let dimensions: Vec<Dimension> = stored.axes.iter().map(|axis| axis.dimension).collect();
        let asked = Dimension::NAMED.into_iter().filter(|d| stored.query.group_by.contains(d));
        if dimensions != asked.collect::<Vec<_>>() {
            return Err(KpiError::Damaged("the dimensions are not those of the question"));
        }
        let in_order = |names: &[Option<String>]| names.is_sorted_by(|a, b| a < b);
        if !stored.axes.iter().all(|axis| in_order(&axis.names)) {
            return Err(KpiError::Damaged("the names of a dimension are not in order"));
        }
        let plans = CohortPlan::of(&stored.query);
        let layout = Layout::new(stored.axes, &stored.query, &bins)?;
        let fits = |cohort: &CohortCounters, plan: &CohortPlan| {
            cohort.cohort == plan.cohort
                && cohort.width == plan.width
                && cohort.has_sums == plan.sums
                && cohort.cells.len() == cohort.keys.len().saturating_mul(plan.width)
                && cohort.sums.len() == if plan.sums { cohort.keys.len() } else { 0 }
                && cohort.keys.is_sorted_by(|a, b| a < b)
                && cohort.keys.last().is_none_or(|last| *last < layout.groups())
                && cohort.samples.values().all(|values| values.is_sorted())
        };
        if stored.cohorts.len() != plans.len()
            || !stored.cohorts.iter().zip(&plans).all(|(cohort, plan)| fits(cohort, plan))
        {
            return Err(KpiError::Damaged("the counters are not those of the question"));
        }
        Ok(Self {
            query: stored.query,
            plans,
            layout,
            bins,
            orders: stored.orders,
            cohorts: stored.cohorts,
            costs: stored.costs,
        })
    }
}
