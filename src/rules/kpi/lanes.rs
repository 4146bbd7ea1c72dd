//! Counters of many groups, narrow enough to stay near whatever the order of the rows.

use super::counters::CohortCounters;
use super::fold::{Key, Sink};
use super::plan::{COMMON_SLOTS, Spans};
use super::ticks::{Tick, Total};

/// Several narrow counters. The highest bit marks rows that are counted elsewhere.
pub(super) trait Word: Copy + Default + PartialEq + 'static {
    const BITS: u32;

    fn bit(place: u32) -> Self;

    fn plus(self, other: Self) -> Self;

    fn minus(self, other: Self) -> Self;

    /// Whether both have a bit.
    fn meets(self, other: Self) -> bool;

    /// The lowest bits from a place.
    fn part(self, place: u32, bits: u32) -> u32;
}

macro_rules! word {
    ($word:ty) => {
        impl Word for $word {
            const BITS: u32 = <$word>::BITS;

            fn bit(place: u32) -> Self {
                1 << (place % Self::BITS)
            }

            #[inline(always)]
            fn plus(self, other: Self) -> Self {
                self.wrapping_add(other)
            }

            fn minus(self, other: Self) -> Self {
                self.wrapping_sub(other)
            }

            #[inline(always)]
            fn meets(self, other: Self) -> bool {
                self & other != 0
            }

            fn part(self, place: u32, bits: u32) -> u32 {
                (self >> (place % Self::BITS) & ((1 << bits) - 1)) as u32
            }
        }
    };
}

word!(u64);
word!(u128);

/// Which counters have a lane, and how wide it is: a full one costs.
#[derive(Debug, Clone)]
struct Shape {
    /// Counter, place and bits of each lane; of the common counters only the first has one.
    lanes: Vec<(usize, u32, u32)>,
}

/// Narrower lanes are full too often.
const LEAST_BITS: u32 = 6;
const MOST_BITS: u32 = 31;
/// Rows, and those that the first figure is about: the counters that most rows raise.
const BUSY_LANES: u32 = 2;

impl Shape {
    /// `None` when a word has no room for every counter that rows raise.
    fn new<const W: usize, R: Word>(deltas: &[[u32; W]]) -> Option<Self> {
        let is_raised = |slot: &usize| {
            let own = |delta: &[u32; W]| delta.get(*slot).is_some_and(|count| *count != 0);
            !(1..COMMON_SLOTS).contains(slot) && deltas.iter().any(own)
        };
        let slots: Vec<usize> = (0..W).filter(is_raised).collect();
        let lanes = u32::try_from(slots.len()).ok()?;
        let spare = (R::BITS - 1).checked_sub(lanes * LEAST_BITS)?;
        let mut place = 0;
        let lanes = slots.into_iter().zip(0..).map(|(slot, lane)| {
            let more = if lanes <= BUSY_LANES * 2 {
                spare / lanes
            } else if lane < BUSY_LANES {
                spare / BUSY_LANES
            } else {
                0
            };
            let bits = (LEAST_BITS + more).min(MOST_BITS);
            place += bits;
            (slot, place - bits, bits)
        });
        Some(Self { lanes: lanes.collect() })
    }

    /// What a row adds to a word, if every counter that it raises has a lane.
    fn step<const W: usize, R: Word>(&self, delta: &[u32; W]) -> R {
        if delta.iter().skip(1).take(COMMON_SLOTS - 1).any(|count| *count != 0) {
            return R::bit(R::BITS - 1);
        }
        let is_raised = |slot: usize| delta.get(slot).is_some_and(|count| *count != 0);
        let raised = self.lanes.iter().filter(|(slot, ..)| is_raised(*slot));
        raised.fold(R::default(), |step, (_, place, _)| step.plus(R::bit(*place)))
    }

    /// The bits of a word in which a lane has reached half of what it can hold, and the mark of
    /// rows that are counted elsewhere.
    fn full<R: Word>(&self) -> R {
        let highest = self.lanes.iter().map(|(_, place, bits)| R::bit(place + bits - 1));
        highest.fold(R::bit(R::BITS - 1), R::plus)
    }

    /// Adds what the lanes hold to the counters.
    fn empty<const W: usize, R: Word>(&self, word: R, counters: &mut [u32; W]) {
        for (slot, place, bits) in &self.lanes {
            if let Some(counter) = counters.get_mut(*slot) {
                *counter = counter.wrapping_add(word.part(*place, *bits));
            }
        }
    }
}

/// A word a group, and where a lane was full what it held.
pub(super) struct Lanes<'p, const W: usize, R, S> {
    deltas: &'p [[u32; W]],
    /// What a row of each code adds to the word, and all bits if it has a duration that counts.
    steps: Vec<(R, i64)>,
    shape: Shape,
    is_full: R,
    groups: usize,
    /// One more than there are groups, for rows that do not count.
    cells: Vec<(R, S)>,
    spilled: Vec<[u32; W]>,
    /// Groups that have something in `spilled`.
    has_spilled: Vec<bool>,
}

impl<'p, const W: usize, R: Word, S: Total> Lanes<'p, W, R, S> {
    /// Counters of groups; `None` when a word has too few lanes. `masks` says by code whether a row
    /// has a duration.
    pub(super) fn new(groups: usize, deltas: &'p [[u32; W]], masks: &[i64]) -> Option<Self> {
        let shape = Shape::new::<W, R>(deltas)?;
        let masks = masks.iter().copied().chain(std::iter::repeat(0));
        Some(Self {
            deltas,
            steps: deltas.iter().map(|delta| shape.step(delta)).zip(masks).collect(),
            is_full: shape.full(),
            shape,
            groups,
            cells: vec![(R::default(), S::default()); groups + 1],
            spilled: vec![[0; W]; groups + 1],
            has_spilled: vec![false; groups + 1],
        })
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
        if word.meets(self.is_full) {
            self.spill(place, code);
        }
    }

    /// Makes room in a word, or counts a row that has no lane.
    #[cold]
    fn spill(&mut self, place: usize, code: u16) {
        let (step, _) = self.steps.get(usize::from(code)).copied().unwrap_or_default();
        let cell = self.cells.get_mut(place).map(|(word, _)| word);
        let (Some(word), Some(spilled)) = (cell, self.spilled.get_mut(place)) else { return };
        if let Some(mark) = self.has_spilled.get_mut(place) {
            *mark = true;
        }
        if step == R::bit(R::BITS - 1) {
            *word = word.minus(step);
            if let Some(delta) = self.deltas.get(usize::from(code)) {
                for (counter, more) in spilled.iter_mut().zip(delta) {
                    *counter = counter.wrapping_add(*more);
                }
            }
        } else {
            self.shape.empty(std::mem::take(word), spilled);
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
        let groups = || self.cells.iter().zip(&self.has_spilled).take(self.groups);
        let has_rows = |word: &R, has_spilled: bool| has_spilled || *word != R::default();
        counters.reserve(groups().filter(|((word, _), spilled)| has_rows(word, **spilled)).count());
        for (key, (((word, sum), has_spilled), spilled)) in (0..).zip(groups().zip(&self.spilled)) {
            if has_rows(word, *has_spilled) {
                // Counters that nothing was added to are not even looked at: memory that was never
                // written costs nothing.
                let mut cell = if *has_spilled { *spilled } else { [0; W] };
                self.shape.empty(*word, &mut cell);
                counters.push_cell(key, &cell, sum.wide() * i128::from(unit));
            }
        }
    }
}
