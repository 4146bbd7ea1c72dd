//! Reading figures from the counters of groups.

use std::collections::btree_map;
use std::iter::Peekable;

use chrono::NaiveDate;

use super::counters::KpiCounters;
use super::definitions::{DenominatorMode, ExclusionReason, KpiId, Outcome};
use super::figures::{CostCounts, Counts, Durations, Excluded, Kpi, Ratio};
use super::plan::{CohortPlan, Measure};
use super::query::{Dimension, GroupKey};
use super::targets::KpiTargets;

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

/// The groups of all cohorts together, in order.
struct Groups<'a> {
    counters: &'a KpiCounters,
    next: [usize; 6],
    costs: Peekable<btree_map::Keys<'a, u64, CostCounts>>,
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
