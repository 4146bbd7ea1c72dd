//! Counters of many groups, narrow enough to stay near whatever the order of the rows.

use super::counters::CohortCounters;
use super::fold::{Key, Sink};
use super::plan::{COMMON_SLOTS, Spans};
use super::ticks::{Tick, Total};

/// Several narrow counters in a word. Its highest bit marks rows that are counted elsewhere.
pub(super) trait Word: Copy + Default + PartialEq + 'static {
    const LANES: usize;

    /// One, in a lane.
    fn one(lane: usize) -> Self;

    /// The highest bit.
    fn elsewhere() -> Self;

    fn plus(self, other: Self) -> Self;

    fn minus(self, other: Self) -> Self;

    /// Whether a lane has reached half of what it can hold, or the highest bit is set.
    fn is_full(self) -> bool;

    fn lane(self, lane: usize) -> u32;
}

macro_rules! word {
    ($word:ty, $lanes:literal lanes of $bits:literal bits) => {
        impl Word for $word {
            const LANES: usize = $lanes;

            fn one(lane: usize) -> Self {
                1 << ($bits * (lane % $lanes))
            }

            fn elsewhere() -> Self {
                1 << (<$word>::BITS - 1)
            }

            #[inline(always)]
            fn plus(self, other: Self) -> Self {
                self.wrapping_add(other)
            }

            fn minus(self, other: Self) -> Self {
                self.wrapping_sub(other)
            }

            #[inline(always)]
            fn is_full(self) -> bool {
                const FULL: $word = {
                    let (mut all, mut lane) = (1 << (<$word>::BITS - 1), 0);
                    while lane < $lanes {
                        all |= 1 << ($bits * lane + $bits - 1);
                        lane += 1;
                    }
                    all
                };
                self & FULL != 0
            }

            fn lane(self, lane: usize) -> u32 {
                (self >> ($bits * (lane % $lanes))) as u32 & ((1 << $bits) - 1)
            }
        }
    };
}

word!(u64, 9 lanes of 7 bits);
word!(u128, 15 lanes of 8 bits);

/// The lane of a counter: of the common ones only the first has one.
const fn lane_of(slot: usize) -> usize {
    if slot < COMMON_SLOTS { slot } else { slot + 1 - COMMON_SLOTS }
}

/// A word a group, and where a lane was full what it held.
pub(super) struct Lanes<'p, const W: usize, R, S> {
    deltas: &'p [[u32; W]],
    /// What a row of each code adds to the word, and all bits if it has a duration that counts.
    steps: Vec<(R, i64)>,
    groups: usize,
    /// One more than there are groups, for rows that do not count.
    cells: Vec<(R, S)>,
    full: Vec<[u32; W]>,
    /// Groups that have something in `full`.
    is_full: Vec<bool>,
}

impl<'p, const W: usize, R: Word, S: Total> Lanes<'p, W, R, S> {
    /// Whether a word has a lane for every counter that rows raise.
    pub(super) fn hold(deltas: &[[u32; W]]) -> bool {
        let used = |delta: &[u32; W]| delta.iter().rposition(|count| *count != 0).unwrap_or(0);
        deltas.iter().map(used).max().is_none_or(|last| lane_of(last) < R::LANES)
    }

    /// Counters of `2^bits` groups. `masks` says by code whether a row has a duration.
    pub(super) fn new(bits: u32, deltas: &'p [[u32; W]], masks: &[i64]) -> Self {
        let groups = 1_usize << bits;
        let step = |delta: &[u32; W]| {
            let mut step = R::default();
            for (slot, _) in delta.iter().enumerate().filter(|(_, count)| **count != 0) {
                if (1..COMMON_SLOTS).contains(&slot) {
                    return R::elsewhere();
                }
                step = step.plus(R::one(lane_of(slot)));
            }
            step
        };
        Self {
            deltas,
            steps: deltas
                .iter()
                .map(step)
                .zip(masks.iter().copied().chain(std::iter::repeat(0)))
                .collect(),
            groups,
            cells: vec![(R::default(), S::default()); groups + 1],
            full: vec![[0; W]; groups + 1],
            is_full: vec![false; groups + 1],
        }
    }

    /// Counts a row.
    #[inline(always)]
    fn take(&mut self, place: usize, code: u16, ticks: i64) {
        let place = place.min(self.groups);
        let step = self.steps.get(usize::from(code));
        let (Some((word, sum)), Some((step, mask))) = (self.cells.get_mut(place), step) else {
            return;
        };
        if S::COUNTS {
            sum.add(ticks & mask);
        }
        *word = word.plus(*step);
        if word.is_full() {
            self.spill(place, code);
        }
    }

    /// Makes room in a word, or counts a row that has no lane.
    #[cold]
    fn spill(&mut self, place: usize, code: u16) {
        let (step, _) = self.steps.get(usize::from(code)).copied().unwrap_or_default();
        let cell = self.cells.get_mut(place).map(|(word, _)| word);
        let (Some(word), Some(full)) = (cell, self.full.get_mut(place)) else { return };
        if let Some(mark) = self.is_full.get_mut(place) {
            *mark = true;
        }
        if step == R::elsewhere() {
            *word = word.minus(step);
            if let Some(delta) = self.deltas.get(usize::from(code)) {
                for (counter, more) in full.iter_mut().zip(delta) {
                    *counter = counter.wrapping_add(*more);
                }
            }
        } else {
            empty(std::mem::take(word), full);
        }
    }
}

/// Adds what the lanes hold to the counters.
fn empty<const W: usize, R: Word>(word: R, counters: &mut [u32; W]) {
    for (slot, counter) in counters.iter_mut().enumerate() {
        let lane = lane_of(slot);
        if !(1..COMMON_SLOTS).contains(&slot) && lane < R::LANES {
            *counter = counter.wrapping_add(word.lane(lane));
        }
    }
}

impl<const W: usize, R: Word, T: Tick, K: Key, S: Total> Sink<T, K> for Lanes<'_, W, R, S> {
    fn feed(&mut self, keys: &[K], codes: &[u16], spans: &Spans<'_, T>) {
        let rows = keys.iter().zip(codes);
        if S::COUNTS {
            for ((key, code), (begin, end)) in rows.zip(spans.begin.iter().zip(spans.end)) {
                self.take(key.place(), *code, end.wide().wrapping_sub(begin.wide()));
            }
        } else {
            rows.for_each(|(key, code)| self.take(key.place(), *code, 0));
        }
    }

    fn finish(self: Box<Self>, unit: i64, counters: &mut CohortCounters) {
        let groups = || self.cells.iter().zip(&self.is_full).take(self.groups);
        let has_rows = |word: &R, is_full: bool| is_full || *word != R::default();
        counters.reserve(groups().filter(|((word, _), full)| has_rows(word, **full)).count());
        for (key, (((word, sum), is_full), full)) in (0..).zip(groups().zip(&self.full)) {
            if has_rows(word, *is_full) {
                // Counters that nothing was added to are not even looked at: memory that was never
                // written costs nothing.
                let mut cell = if *is_full { *full } else { [0; W] };
                empty(*word, &mut cell);
                counters.push_cell(key, &cell, sum.wide() * i128::from(unit));
            }
        }
    }
}
