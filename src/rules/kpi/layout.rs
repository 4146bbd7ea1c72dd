//! How the values of the dimensions of a group are packed into one number.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::facts::OrderFacts;
use super::fold::OUT;
use super::query::{Bins, Dimension, GroupKey, KpiError, KpiQuery};

/// The names of one dimension, in order; a place in the list is the number in the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Axis {
    pub(super) dimension: Dimension,
    pub(super) names: Vec<Option<String>>,
}

impl Axis {
    fn number(&self, name: Option<&str>) -> Option<u64> {
        let place = self.names.binary_search_by(|known| known.as_deref().cmp(&name)).ok()?;
        u64::try_from(place).ok()
    }
}

/// Axes, and what a step along each adds to the key. The period stands highest, then the dimensions
/// in their order, so that keys in order are groups in order. Keys have no gaps: the counters of all
/// groups that there can be lie as near to each other as they can.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    axes: Vec<Axis>,
    /// Stride of each axis, and how many names it has.
    fields: Vec<(u64, u64)>,
    period_stride: u64,
    groups: u64,
    query: KpiQuery,
}

impl Layout {
    pub(super) fn new(axes: Vec<Axis>, query: &KpiQuery, bins: &Bins) -> Result<Self, KpiError> {
        let mut stride = 1_u64;
        let mut fields = Vec::new();
        let times = |stride: u64, count: usize| {
            let count = u64::try_from(count.max(1)).ok()?;
            // Room stays for the marks of rows that are not looked at.
            let product = stride.checked_mul(count).filter(|product| *product < OUT)?;
            Some((product, count))
        };
        for axis in axes.iter().rev() {
            let (next, count) = times(stride, axis.names.len()).ok_or(KpiError::TooManyGroups)?;
            fields.push((stride, count));
            stride = next;
        }
        fields.reverse();
        let (groups, _) = times(stride, bins.count()).ok_or(KpiError::TooManyGroups)?;
        Ok(Self { axes, fields, period_stride: stride, groups, query: query.clone() })
    }

    /// The axes of a table for a question.
    pub(super) fn of_facts(
        facts: &OrderFacts,
        query: &KpiQuery,
        bins: &Bins,
    ) -> Result<Self, KpiError> {
        let grouped = |dimension: &Dimension| query.group_by.contains(dimension);
        let axes = Dimension::NAMED.into_iter().filter(grouped).map(|dimension| {
            let known = facts.dictionary(dimension).map_or(&[][..], |names| names.texts());
            let mut names: Vec<Option<String>> = known.iter().cloned().map(Some).collect();
            if facts.has_unknown(dimension) {
                names.push(None);
            }
            names.sort_unstable();
            Axis { dimension, names }
        });
        Self::new(axes.collect(), query, bins)
    }

    pub(super) fn axes(&self) -> &[Axis] {
        &self.axes
    }

    /// One more than the highest key.
    pub(super) const fn groups(&self) -> u64 {
        self.groups
    }

    /// What a period adds to the key.
    pub(super) const fn period_stride(&self) -> u64 {
        self.period_stride
    }

    /// The key of places on the axes and in the window.
    pub(super) fn pack(&self, places: &[u64], period: u64) -> u64 {
        let parts = self.fields.iter().zip(places);
        parts.fold(period.saturating_mul(self.period_stride), |key, ((stride, _), place)| {
            key.saturating_add(stride.saturating_mul(*place))
        })
    }

    /// For each dimension that is grouped or limited, what each number of the table is in the key,
    /// or [`OUT`] where the scope leaves it out. SKUs are not among them.
    pub(super) fn lookups(&self, facts: &OrderFacts) -> Vec<(Dimension, Vec<u64>)> {
        Dimension::SINGLE
            .into_iter()
            .filter_map(|dimension| Some((dimension, self.lookup(facts, dimension)?)))
            .collect()
    }

    pub(super) fn lookup(&self, facts: &OrderFacts, dimension: Dimension) -> Option<Vec<u64>> {
        let wanted = self.query.scope.texts(dimension);
        let field =
            self.axes.iter().zip(&self.fields).find(|(axis, _)| axis.dimension == dimension);
        if field.is_none() && wanted.is_empty() {
            return None;
        }
        let names = facts.dictionary(dimension)?.texts().iter().map(|name| Some(name.as_str()));
        let place = |name: Option<&str>| {
            if !wanted.is_empty() && !name.is_some_and(|name| wanted.contains(&name)) {
                return OUT;
            }
            field.map_or(0, |(axis, (stride, _))| {
                axis.number(name).map_or(OUT, |number| number.saturating_mul(*stride).min(OUT))
            })
        };
        Some(std::iter::once(None).chain(names).map(place).collect())
    }

    /// The key of a group of another layout in this one, if every name of it is known here.
    pub(super) fn translation(&self, other: &Self) -> Vec<Vec<u64>> {
        other
            .axes
            .iter()
            .zip(self.axes.iter().zip(&self.fields))
            .map(|(theirs, (own, (stride, _)))| {
                let key = |number: u64| number.saturating_mul(*stride).min(OUT);
                let names = theirs.names.iter();
                names.map(|name| own.number(name.as_deref()).map_or(OUT, key)).collect()
            })
            .collect()
    }

    pub(super) fn translate(&self, maps: &[Vec<u64>], other: &Self, key: u64) -> u64 {
        let mut own = (key / other.period_stride).saturating_mul(self.period_stride);
        for (map, place) in maps.iter().zip(other.places(key)) {
            let number = usize::try_from(place).unwrap_or(usize::MAX);
            own = own.saturating_add(map.get(number).copied().unwrap_or(OUT));
        }
        own
    }

    /// The names of both.
    pub(super) fn union(&self, other: &Self) -> Vec<Axis> {
        self.axes
            .iter()
            .zip(&other.axes)
            .map(|(own, theirs)| {
                let mut names: Vec<Option<String>> =
                    own.names.iter().chain(&theirs.names).cloned().collect();
                names.sort_unstable();
                names.dedup();
                Axis { dimension: own.dimension, names }
            })
            .collect()
    }

    /// The name of a dimension in a key; `None` when it is not known or not grouped by.
    pub(super) fn name(&self, key: u64, dimension: Dimension) -> Option<&str> {
        let (axis, (stride, count)) =
            self.axes.iter().zip(&self.fields).find(|(axis, _)| axis.dimension == dimension)?;
        let number = usize::try_from(key / stride % count).ok()?;
        axis.names.get(number)?.as_deref()
    }

    /// The places on the axes in a key.
    pub(super) fn places(&self, key: u64) -> impl Iterator<Item = u64> {
        self.fields.iter().map(move |(stride, count)| key / stride % count)
    }

    /// The place of the period in the window; 0 without periods.
    pub(super) fn period(&self, key: u64) -> usize {
        usize::try_from(key / self.period_stride).unwrap_or(usize::MAX)
    }

    /// The group of a key in words.
    pub(super) fn group(&self, key: u64, bins: &Bins) -> GroupKey {
        let parts = self
            .axes
            .iter()
            .map(|axis| (axis.dimension, self.name(key, axis.dimension).map(str::to_owned)));
        GroupKey { period: bins.dates().get(self.period(key)).copied(), parts: parts.collect() }
    }

    /// The key of a group in words, if every name of it is known.
    pub(super) fn key(&self, group: &GroupKey, bins: &Bins) -> Option<u64> {
        let mut places = Vec::with_capacity(self.axes.len());
        for axis in &self.axes {
            places.push(axis.number(group.part(axis.dimension))?);
        }
        let period = match group.period {
            Some(period) => u64::try_from(bins.dates().binary_search(&period).ok()?).ok()?,
            None => 0,
        };
        Some(self.pack(&places, period))
    }
}

/// Numbers that grow as names appear, for counters that are updated one order at a time.
#[derive(Debug, Clone, Default)]
pub(super) struct OpenAxis {
    pub(super) names: Vec<Option<String>>,
    numbers: HashMap<String, u64>,
    unknown: Option<u64>,
}

impl OpenAxis {
    pub(super) fn number(&mut self, name: Option<&str>) -> u64 {
        let next = u64::try_from(self.names.len()).unwrap_or(u64::MAX);
        match name {
            None => *self.unknown.get_or_insert_with(|| {
                self.names.push(None);
                next
            }),
            Some(name) => {
                if let Some(number) = self.numbers.get(name) {
                    return *number;
                }
                self.names.push(Some(name.to_owned()));
                self.numbers.insert(name.to_owned(), next);
                next
            }
        }
    }
}
