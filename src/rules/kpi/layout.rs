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

/// Axes, and where each stands in the key. The period stands highest, then the dimensions in their
/// order, so that keys in order are groups in order.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    axes: Vec<Axis>,
    /// Shift and mask of each axis.
    fields: Vec<(u32, u64)>,
    period_shift: u32,
    bits: u32,
    query: KpiQuery,
}

fn bits_for(count: usize) -> u32 {
    usize::BITS - count.saturating_sub(1).leading_zeros()
}

impl Layout {
    pub(super) fn new(axes: Vec<Axis>, query: &KpiQuery, bins: &Bins) -> Result<Self, KpiError> {
        let mut shift = 0_u32;
        let mut fields = Vec::new();
        for axis in axes.iter().rev() {
            let bits = bits_for(axis.names.len());
            fields.push((shift, (1_u64 << bits.min(63)) - 1));
            shift = shift.saturating_add(bits);
        }
        fields.reverse();
        let period_shift = shift.min(63);
        let bits = shift.saturating_add(bits_for(bins.count()));
        // A record holds a key and the code of a row; wider keys go without records, but one bit
        // must stay free for rows that are not looked at.
        if bits > 62 {
            return Err(KpiError::TooManyGroups);
        }
        Ok(Self { axes, fields, period_shift, bits, query: query.clone() })
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

    pub(super) const fn bits(&self) -> u32 {
        self.bits
    }

    pub(super) const fn period_shift(&self) -> u32 {
        self.period_shift
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
            field.map_or(0, |(axis, (shift, _))| {
                axis.number(name).map_or(OUT, |number| number << shift)
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
            .map(|(theirs, (own, (shift, _)))| {
                theirs
                    .names
                    .iter()
                    .map(|name| own.number(name.as_deref()).map_or(OUT, |number| number << shift))
                    .collect()
            })
            .collect()
    }

    pub(super) fn translate(&self, maps: &[Vec<u64>], other: &Self, key: u64) -> u64 {
        let period = key.checked_shr(other.period_shift).unwrap_or(0);
        let mut own = period.checked_shl(self.period_shift).unwrap_or(0);
        for (map, (shift, mask)) in maps.iter().zip(&other.fields) {
            let number = usize::try_from(key >> shift & mask).unwrap_or(usize::MAX);
            own |= map.get(number).copied().unwrap_or(OUT);
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
        let (axis, (shift, mask)) =
            self.axes.iter().zip(&self.fields).find(|(axis, _)| axis.dimension == dimension)?;
        let number = usize::try_from(key >> shift & mask).ok()?;
        axis.names.get(number)?.as_deref()
    }

    /// The places on the axes in a key.
    pub(super) fn places(&self, key: u64) -> Vec<u64> {
        self.fields.iter().map(|(shift, mask)| key >> shift & mask).collect()
    }

    /// The place of the period in the window; 0 without periods.
    pub(super) fn period(&self, key: u64) -> usize {
        key.checked_shr(self.period_shift)
            .and_then(|place| usize::try_from(place).ok())
            .unwrap_or(0)
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
        let mut key = 0;
        for (axis, (shift, _)) in self.axes.iter().zip(&self.fields) {
            key |= axis.number(group.part(axis.dimension))? << shift;
        }
        if let Some(period) = group.period {
            let place = bins.dates().binary_search(&period).ok()?;
            key |= u64::try_from(place).ok()?.checked_shl(self.period_shift)?;
        }
        Some(key)
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
