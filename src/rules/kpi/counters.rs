//! Counters of groups: what is stored, merged, updated and read.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::definitions::{Cohort, DenominatorMode, ExclusionReason, KpiId, Outcome};
use super::facts::{At, OrderFacts, OrderRow, PackedRow, flags, instant_micros};
use super::figures::{
    CostCounts, Counts, Durations, Excluded, Kpi, Ratio, add_amount, merge_sorted,
};
use super::fold::{self, OUT};
use super::layout::{Axis, Layout};
use super::plan::{CohortPlan, Measure, Scratch};
use super::query::{Bins, Dimension, GroupKey, KpiError, KpiQuery};
use super::targets::KpiTargets;

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

    pub(super) fn push(&mut self, key: u64, cell: &[u32], sum: i128) {
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

    fn samples_of(&self, key: u64) -> &[i64] {
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
        let (mut own, mut theirs) = (0, 0);
        loop {
            match (self.keys.get(own), other.keys.get(theirs)) {
                (Some(a), Some(b)) if a == b => {
                    both.push(*a, self.cell(own), self.sum(own).saturating_add(other.sum(theirs)));
                    let last = both.keys.len().saturating_sub(1);
                    for (counter, more) in both.cell_mut(last).iter_mut().zip(other.cell(theirs)) {
                        *counter = counter.saturating_add(*more);
                    }
                    own += 1;
                    theirs += 1;
                }
                (Some(a), b) if b.is_none_or(|b| a < b) => {
                    both.push(*a, self.cell(own), self.sum(own));
                    own += 1;
                }
                (_, Some(b)) => {
                    both.push(*b, other.cell(theirs), other.sum(theirs));
                    theirs += 1;
                }
                _ => break,
            }
        }
        for (key, values) in &other.samples {
            merge_sorted(both.samples.entry(*key).or_default(), values);
        }
        both
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
/// [`DenominatorMode`] and against any targets.
///
/// Counters of two tables merge into those of both ([`KpiCounters::merge`]), in any order and
/// grouping; one more order is added by [`LiveCounters`](super::LiveCounters). They can be stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "StoredCounters", into = "StoredCounters")]
pub struct KpiCounters {
    query: KpiQuery,
    plans: Vec<CohortPlan>,
    layout: Layout,
    bins: Bins,
    orders: u64,
    pub(super) cohorts: Vec<CohortCounters>,
    costs: BTreeMap<u64, CostCounts>,
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
            single |= get(lookup, self.facts.key_of(*dimension, row));
        }
        if single & OUT != 0 {
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
                .filter(|key| key & OUT == 0)
                .map(|key| single | key),
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
        let period = u64::try_from(bins.of(instant)).unwrap_or(0) << layout.period_shift();
        records.extend(own.iter().map(|key| (key | period, code, duration)));
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
        let period = u64::try_from(bins.of(instant)).unwrap_or(0) << layout.period_shift();
        for key in &own {
            let sums = groups.entry(key | period).or_default();
            add_costs(sums, &packed, facts.costs_of(row), as_of);
        }
    }
    groups
}

/// Where the counters of a figure stand, found once and read for many groups.
#[derive(Debug, Clone)]
pub struct KpiReader {
    cohort: usize,
    hit: Option<usize>,
    pending: Option<usize>,
    excluded: Vec<(ExclusionReason, usize)>,
    mode: DenominatorMode,
    is_rest: bool,
    is_duration: bool,
}

impl KpiReader {
    fn new(id: KpiId, mode: DenominatorMode, cohort: usize, measure: &Measure) -> Self {
        let slot = |wanted| {
            measure.slots.iter().find(|(outcome, _)| *outcome == wanted).map(|(_, slot)| *slot)
        };
        let excluded = measure.slots.iter().filter_map(|(outcome, slot)| match outcome {
            Outcome::Excluded(reason) => Some((*reason, *slot)),
            _ => None,
        });
        Self {
            cohort,
            hit: slot(Outcome::Hit),
            pending: slot(Outcome::Pending),
            excluded: excluded.collect(),
            mode,
            is_rest: id == KpiId::LateShipping,
            is_duration: id.is_duration(),
        }
    }

    /// Numerator and denominator of a cell.
    #[inline]
    fn parts(&self, cell: &[u32]) -> (u64, u64) {
        let at = |slot: usize| u64::from(cell.get(slot).copied().unwrap_or(0));
        let mut denominator = at(0);
        if self.mode == DenominatorMode::Decided || self.is_duration {
            let pending = self.pending.map_or(0, at);
            let left_out = self.excluded.iter().fold(pending, |sum, (_, slot)| sum + at(*slot));
            denominator = denominator.saturating_sub(left_out);
        }
        let hits = self.hit.map_or(if self.is_duration { denominator } else { 0 }, at);
        (if self.is_rest { denominator.saturating_sub(hits) } else { hits }, denominator)
    }

    /// Pending and excluded of a cell.
    #[inline]
    fn left_out(&self, cell: &[u32]) -> (u64, u64) {
        let at = |slot: usize| u64::from(cell.get(slot).copied().unwrap_or(0));
        let never = CohortPlan::common_reasons().fold(0, |sum, (_, slot)| sum + at(slot));
        if self.mode == DenominatorMode::AllOrders && !self.is_duration {
            return (0, never);
        }
        let excluded = self.excluded.iter().fold(never, |sum, (_, slot)| sum + at(*slot));
        (self.pending.map_or(0, at), excluded)
    }

    fn counts(&self, cell: &[u32]) -> Counts {
        let at = |slot: usize| u64::from(cell.get(slot).copied().unwrap_or(0));
        let (numerator, denominator) = self.parts(cell);
        let mut excluded = Excluded::default();
        for (reason, slot) in CohortPlan::common_reasons() {
            excluded.add(reason, at(slot));
        }
        let mut pending = 0;
        if self.mode == DenominatorMode::Decided || self.is_duration {
            pending = self.pending.map_or(0, at);
            for (reason, slot) in &self.excluded {
                excluded.add(*reason, at(*slot));
            }
        }
        Counts { numerator, denominator, pending, excluded }
    }
}

/// A group of [`KpiCounters`].
#[derive(Debug, Clone, Copy)]
pub struct Group<'a> {
    counters: &'a KpiCounters,
    key: u64,
    places: [usize; 6],
}

impl<'a> Group<'a> {
    /// A number that names the group within these counters only; groups come in its order.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.key
    }

    /// The name of a dimension; `None` when it is not known or not grouped by.
    #[must_use]
    pub fn name(&self, dimension: Dimension) -> Option<&'a str> {
        self.counters.layout.name(self.key, dimension)
    }

    /// The first date of its period.
    #[must_use]
    pub fn period(&self) -> Option<NaiveDate> {
        self.counters.bins.dates().get(self.counters.layout.period(self.key)).copied()
    }

    /// The group in words.
    #[must_use]
    pub fn key(&self) -> GroupKey {
        self.counters.layout.group(self.key, &self.counters.bins)
    }

    #[inline]
    fn cell(&self, cohort: usize) -> &'a [u32] {
        let place = self.places.get(cohort).copied().unwrap_or(usize::MAX);
        self.counters.cohorts.get(cohort).map_or(&[], |cohort| cohort.cell(place))
    }

    /// Numerator, denominator, pending and excluded of a figure.
    #[must_use]
    pub fn counts(&self, reader: &KpiReader) -> Counts {
        reader.counts(self.cell(reader.cohort))
    }

    /// How many orders of a figure are pending, and how many excluded for whatever reason.
    #[must_use]
    #[inline]
    pub fn left_out(&self, reader: &KpiReader) -> (u64, u64) {
        reader.left_out(self.cell(reader.cohort))
    }

    /// The ratio of a figure; `None` when nothing is counted.
    #[must_use]
    #[inline]
    pub fn ratio(&self, reader: &KpiReader) -> Option<Ratio> {
        let (numerator, denominator) = reader.parts(self.cell(reader.cohort));
        Ratio::new(numerator, denominator)
    }

    /// Count and sum of a duration, in microseconds; 0 of nothing.
    #[must_use]
    #[inline]
    pub fn sum(&self, reader: &KpiReader) -> (u64, i128) {
        let (_, count) = reader.parts(self.cell(reader.cohort));
        let place = self.places.get(reader.cohort).copied().unwrap_or(usize::MAX);
        (count, self.counters.cohorts.get(reader.cohort).map_or(0, |cohort| cohort.sum(place)))
    }

    /// The durations of a figure.
    #[must_use]
    pub fn durations(&self, reader: &KpiReader) -> Durations {
        let (count, sum) = self.sum(reader);
        let kept = self.counters.cohorts.get(reader.cohort);
        let values = kept.map_or(&[][..], |cohort| cohort.samples_of(self.key));
        Durations::of_sum(count, sum, values.to_vec())
    }

    /// A figure of the group. Not for [`KpiId::LogisticsCost`], whose sums have currencies: see
    /// [`Group::costs`]. A figure that was not asked for has no data.
    #[must_use]
    pub fn kpi(&self, id: KpiId, mode: DenominatorMode, targets: &KpiTargets) -> Kpi {
        let window = self.counters.query.window;
        let target = targets.of(id).cloned();
        match self.counters.reader(id, mode) {
            Some(reader) => {
                let durations = reader.is_duration.then(|| self.durations(&reader));
                Kpi::new(id, window, self.counts(&reader), durations, target)
            }
            None => Kpi::new(id, window, Counts::default(), None, target),
        }
    }

    /// The sums of KPI-18.
    #[must_use]
    pub fn costs(&self) -> Option<&'a CostCounts> {
        self.counters.costs.get(&self.key)
    }
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

    pub(super) const fn parts(&self) -> (&[CohortPlan], &Layout, &Bins) {
        (self.plans.as_slice(), &self.layout, &self.bins)
    }

    pub(super) const fn all_costs(&self) -> &BTreeMap<u64, CostCounts> {
        &self.costs
    }

    /// Puts counters together whose groups stand under keys of `axes`, which need not be in order.
    pub(super) fn of_parts(
        query: &KpiQuery,
        axes: Vec<Axis>,
        orders: u64,
        cohorts: Vec<CohortCounters>,
        costs: BTreeMap<u64, CostCounts>,
    ) -> Result<Self, KpiError> {
        let bins = Bins::new(query)?;
        let given = Layout::new(axes, query, &bins)?;
        let axes = given.union(&given);
        let layout = Layout::new(axes, query, &bins)?;
        let maps = layout.translation(&given);
        let rename = |key| layout.translate(&maps, &given, key);
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

    /// The counters of both. The order of merging changes nothing.
    ///
    /// # Errors
    /// [`KpiError::DifferentQueries`], [`KpiError::TooManyOrders`], [`KpiError::TooManyGroups`].
    pub fn merge(&self, other: &Self) -> Result<Self, KpiError> {
        if self.query != other.query {
            return Err(KpiError::DifferentQueries);
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

    /// Where the counters of a figure stand; `None` when it was not asked for.
    #[must_use]
    pub fn reader(&self, id: KpiId, mode: DenominatorMode) -> Option<KpiReader> {
        self.plans
            .iter()
            .enumerate()
            .find_map(|(place, plan)| Some(KpiReader::new(id, mode, place, plan.measure(id)?)))
    }

    /// Every group, in order of period and names.
    pub fn groups(&self) -> impl Iterator<Item = Group<'_>> {
        Groups { counters: self, next: [0; 6], costs: self.costs.keys().peekable() }
    }

    /// One group by its names; `None` when no order is in it.
    #[must_use]
    pub fn group(&self, group: &GroupKey) -> Option<Group<'_>> {
        let key = self.layout.key(group, &self.bins)?;
        let mut places = [usize::MAX; 6];
        let mut found = self.costs.contains_key(&key);
        for (place, cohort) in places.iter_mut().zip(&self.cohorts) {
            if let Ok(index) = cohort.keys.binary_search(&key) {
                *place = index;
                found = true;
            }
        }
        found.then_some(Group { counters: self, key, places })
    }

    /// A figure over all groups. With [`Dimension::Sku`] an order counts once for each of its SKUs.
    #[must_use]
    pub fn total(&self, id: KpiId, mode: DenominatorMode, targets: &KpiTargets) -> Kpi {
        self.sum_of(self.groups(), id, mode, targets)
    }

    fn sum_of<'a>(
        &self,
        groups: impl Iterator<Item = Group<'a>>,
        id: KpiId,
        mode: DenominatorMode,
        targets: &KpiTargets,
    ) -> Kpi {
        let target = targets.of(id).cloned();
        let Some(reader) = self.reader(id, mode) else {
            return Kpi::new(id, self.query.window, Counts::default(), None, target);
        };
        let mut counts = Counts::default();
        let (mut count, mut sum, mut values) = (0_u64, 0_i128, Vec::new());
        for group in groups {
            counts = counts.merge(&group.counts(&reader));
            if reader.is_duration {
                let durations = group.sum(&reader);
                count = count.saturating_add(durations.0);
                sum = sum.saturating_add(durations.1);
                if let Some(cohort) = self.cohorts.get(reader.cohort) {
                    values.extend_from_slice(cohort.samples_of(group.key));
                }
            }
        }
        values.sort_unstable();
        let durations = reader.is_duration.then(|| Durations::of_sum(count, sum, values));
        Kpi::new(id, self.query.window, counts, durations, target)
    }

    /// A figure for each period in turn, every other dimension summed up: numerators and
    /// denominators are merged, averages never averaged. Periods without orders have no data.
    /// Empty when the question has no periods.
    #[must_use]
    pub fn series(
        &self,
        id: KpiId,
        mode: DenominatorMode,
        targets: &KpiTargets,
    ) -> Vec<(NaiveDate, Kpi)> {
        let mut groups = self.groups().peekable();
        let mut series = Vec::new();
        for (place, date) in self.bins.dates().iter().enumerate() {
            let own = std::iter::from_fn(|| {
                groups.next_if(|group| self.layout.period(group.key) == place)
            });
            series.push((*date, self.sum_of(own, id, mode, targets)));
        }
        series
    }

    /// The sums of KPI-18 over all groups.
    #[must_use]
    pub fn total_costs(&self) -> CostCounts {
        let mut all = CostCounts::default();
        for sums in self.costs.values() {
            all.merge(sums);
        }
        all
    }
}

struct Groups<'a> {
    counters: &'a KpiCounters,
    next: [usize; 6],
    costs: std::iter::Peekable<std::collections::btree_map::Keys<'a, u64, CostCounts>>,
}

impl<'a> Iterator for Groups<'a> {
    type Item = Group<'a>;

    #[inline]
    fn next(&mut self) -> Option<Group<'a>> {
        let mut least = self.costs.peek().map_or(u64::MAX, |key| **key);
        for (cohort, next) in self.counters.cohorts.iter().zip(&self.next) {
            least = least.min(cohort.keys.get(*next).copied().unwrap_or(u64::MAX));
        }
        if least == u64::MAX {
            return None;
        }
        let mut places = [usize::MAX; 6];
        let cohorts = self.counters.cohorts.iter();
        for ((cohort, next), place) in cohorts.zip(&mut self.next).zip(&mut places) {
            if cohort.keys.get(*next) == Some(&least) {
                *place = *next;
                *next += 1;
            }
        }
        self.costs.next_if(|key| **key == least);
        Some(Group { counters: self.counters, key: least, places })
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
        let fits = |cohort: &CohortCounters, plan: &CohortPlan| {
            cohort.cohort == plan.cohort
                && cohort.width == plan.width
                && cohort.has_sums == plan.sums
                && cohort.cells.len() == cohort.keys.len().saturating_mul(plan.width)
                && cohort.sums.len() == if plan.sums { cohort.keys.len() } else { 0 }
                && cohort.keys.is_sorted_by(|a, b| a < b)
                && cohort.keys.last().is_none_or(|last| last & OUT == 0)
                && cohort.samples.values().all(|values| values.is_sorted())
        };
        if stored.cohorts.len() != plans.len()
            || !stored.cohorts.iter().zip(&plans).all(|(cohort, plan)| fits(cohort, plan))
        {
            return Err(KpiError::Damaged("the counters are not those of the question"));
        }
        let layout = Layout::new(stored.axes, &stored.query, &bins)?;
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
