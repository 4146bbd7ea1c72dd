//! Many rows to groups: dense counters where there are few groups, blocks made on demand where rows
//! come in order of time, and a partition by key where they do not.

use super::counters::CohortCounters;
use super::definitions::NEVER;
use super::facts::OrderFacts;
use super::layout::Layout;
use super::plan::{CHUNK, CohortPlan, Columns, Scratch};
use super::query::{Bins, Dimension};

/// Marks the key of a row that is not looked at.
pub(super) const OUT: u64 = 1 << 63;

/// Groups of a block: its counters fit a second-level cache.
const BLOCK_BITS: u32 = 11;
/// Groups whose counters are simply an array.
const DENSE_BITS: u32 = 16;
/// Partitions of a pass.
const PARTITION_BITS: u32 = 12;
/// Bits of a record that hold the code of its row.
const CODE_BITS: u32 = 16;

/// Counts the rows `begin..end` of a table for one cohort.
pub(super) fn fold(
    facts: &OrderFacts,
    rows: std::ops::Range<usize>,
    plan: &CohortPlan,
    layout: &Layout,
    bins: &Bins,
    percentiles: bool,
) -> CohortCounters {
    match plan.width {
        4 => Fold::<4>::run(facts, rows, plan, layout, bins, percentiles),
        8 => Fold::<8>::run(facts, rows, plan, layout, bins, percentiles),
        12 => Fold::<12>::run(facts, rows, plan, layout, bins, percentiles),
        _ => Fold::<16>::run(facts, rows, plan, layout, bins, percentiles),
    }
}

struct Fold<'a, const W: usize> {
    facts: &'a OrderFacts,
    rows: std::ops::Range<usize>,
    plan: &'a CohortPlan,
    layout: &'a Layout,
    bins: &'a Bins,
    lookups: Vec<(Dimension, Vec<u64>)>,
    deltas: &'a [[u32; W]],
}

/// The rows of a chunk that count: keys ([`OUT`] where one does not) and what they add.
struct Chunk {
    keys: Vec<u64>,
    scratch: Scratch,
}

impl<'a, const W: usize> Fold<'a, W> {
    fn run(
        facts: &'a OrderFacts,
        rows: std::ops::Range<usize>,
        plan: &'a CohortPlan,
        layout: &'a Layout,
        bins: &'a Bins,
        percentiles: bool,
    ) -> CohortCounters {
        let fold = Self {
            facts,
            plan,
            layout,
            bins,
            lookups: layout.lookups(facts),
            deltas: plan.deltas.as_chunks().0,
            rows,
        };
        let mut counters = CohortCounters::new(plan);
        if percentiles && plan.sums {
            fold.sample(&mut counters);
        }
        let (bits, count) = (layout.bits(), fold.rows.len());
        let roomy = count.saturating_mul(4) >= 1_usize.checked_shl(bits).unwrap_or(usize::MAX);
        if bits <= BLOCK_BITS.min(8) || (bits <= DENSE_BITS && roomy) {
            fold.dense(bits, &mut counters);
        } else if bits <= BLOCK_BITS + PARTITION_BITS && roomy {
            if fold.is_clustered(bits) {
                fold.blocks(bits, &mut counters);
            } else {
                fold.partitions(bits, &mut counters);
            }
        } else {
            fold.sorted(&mut counters);
        }
        counters
    }

    /// Calls `each` with the chunks of the rows.
    fn chunks(&self, mut each: impl FnMut(&Chunk, usize)) {
        let mut chunk = Chunk { keys: vec![0; CHUNK], scratch: Scratch::of(CHUNK) };
        let mut begin = self.rows.start;
        while begin < self.rows.end {
            let rows = CHUNK.min(self.rows.end - begin);
            self.fill(begin, rows, &mut chunk);
            each(&chunk, rows);
            begin += rows;
        }
    }

    fn fill(&self, begin: usize, rows: usize, chunk: &mut Chunk) {
        self.plan.fill(&Columns::Table(self.facts, begin), rows, &mut chunk.scratch);
        let Some(keys) = chunk.keys.get_mut(..rows) else { return };
        let (from, to) = (self.bins.from(), self.bins.to());
        if self.bins.count() <= 1 {
            for (key, instant) in keys.iter_mut().zip(&chunk.scratch.instants) {
                *key = if (*instant >= from) & (*instant < to) { 0 } else { OUT };
            }
        } else {
            let shift = self.layout.period_shift();
            for (key, instant) in keys.iter_mut().zip(&chunk.scratch.instants) {
                *key = if (*instant >= from) & (*instant < to) {
                    (self.bins.of(*instant) as u64) << shift
                } else {
                    OUT
                };
            }
        }
        for (dimension, lookup) in &self.lookups {
            match self.facts.key_column(*dimension).get(begin..begin + rows) {
                Some(numbers) => {
                    for (key, number) in keys.iter_mut().zip(numbers) {
                        *key |= lookup.get(*number as usize).copied().unwrap_or(OUT);
                    }
                }
                None => {
                    let unknown = lookup.first().copied().unwrap_or(OUT);
                    for key in keys.iter_mut() {
                        *key |= unknown;
                    }
                }
            }
        }
        // Rows of several SKUs are expanded elsewhere; here a table without SKUs is one group.
    }

    fn dense(&self, bits: u32, counters: &mut CohortCounters) {
        let groups = 1_usize << bits;
        let mut cells = vec![[0_u32; W]; groups];
        let mut sums = vec![0_i128; if self.plan.sums { groups } else { 0 }];
        self.chunks(|chunk, rows| {
            let marks = chunk.keys.iter().zip(&chunk.scratch.codes).take(rows);
            for (key, code) in marks {
                let delta = self.deltas.get(usize::from(*code));
                if let (Some(cell), Some(delta)) = (cells.get_mut(*key as usize), delta) {
                    add(cell, delta);
                }
            }
            if !sums.is_empty() {
                let durations = chunk.keys.iter().zip(&chunk.scratch.durations).take(rows);
                for (key, duration) in durations {
                    if let Some(sum) = sums.get_mut(*key as usize) {
                        *sum += i128::from(if *duration == NEVER { 0 } else { *duration });
                    }
                }
            }
        });
        emit(0, &cells, &sums, counters);
    }

    /// Whether rows near each other fall into few blocks, as they do when orders come in order of
    /// time and groups have periods.
    fn is_clustered(&self, bits: u32) -> bool {
        const SAMPLES: usize = 32;
        let blocks = 1_usize << bits.saturating_sub(BLOCK_BITS);
        let mut chunk = Chunk { keys: vec![0; CHUNK], scratch: Scratch::of(CHUNK) };
        let step = (self.rows.len() / SAMPLES).max(CHUNK);
        let (mut seen, mut chunks) = (0_usize, 0_usize);
        let mut touched = vec![usize::MAX; blocks];
        for begin in self.rows.clone().step_by(step) {
            let rows = CHUNK.min(self.rows.end - begin);
            self.fill(begin, rows, &mut chunk);
            for key in chunk.keys.iter().take(rows) {
                if let Some(mark) = touched.get_mut((*key >> BLOCK_BITS) as usize)
                    && *mark != chunks
                {
                    *mark = chunks;
                    seen += 1;
                }
            }
            chunks += 1;
        }
        // On average at most an eighth of the blocks, or so few that they stay near anyway.
        seen <= chunks * (blocks / 8).max(8)
    }

    fn blocks(&self, bits: u32, counters: &mut CohortCounters) {
        let blocks = 1_usize << bits.saturating_sub(BLOCK_BITS);
        let size = 1_usize << BLOCK_BITS;
        let mut cells: Vec<Vec<[u32; W]>> = vec![Vec::new(); blocks];
        let mut sums: Vec<Vec<i128>> = vec![Vec::new(); if self.plan.sums { blocks } else { 0 }];
        let low = (size - 1) as u64;
        self.chunks(|chunk, rows| {
            let marks = chunk.keys.iter().zip(&chunk.scratch.codes).take(rows);
            for (key, code) in marks {
                let Some(block) = cells.get_mut((*key >> BLOCK_BITS) as usize) else { continue };
                if block.is_empty() {
                    block.resize(size, [0; W]);
                }
                let delta = self.deltas.get(usize::from(*code));
                if let (Some(cell), Some(delta)) = (block.get_mut((*key & low) as usize), delta) {
                    add(cell, delta);
                }
            }
            if !sums.is_empty() {
                let durations = chunk.keys.iter().zip(&chunk.scratch.durations).take(rows);
                for (key, duration) in durations.filter(|(_, duration)| **duration != NEVER) {
                    let Some(block) = sums.get_mut((*key >> BLOCK_BITS) as usize) else {
                        continue;
                    };
                    if block.is_empty() {
                        block.resize(size, 0);
                    }
                    if let Some(sum) = block.get_mut((*key & low) as usize) {
                        *sum += i128::from(*duration);
                    }
                }
            }
        });
        let mut sums = sums.into_iter();
        for (index, block) in cells.into_iter().enumerate() {
            let mut sums = sums.next().unwrap_or_default();
            if self.plan.sums && !block.is_empty() {
                sums.resize(size, 0);
            }
            emit((index as u64) << BLOCK_BITS, &block, &sums, counters);
        }
    }

    /// Every row that counts as a record of key and code, and its duration.
    fn records(&self) -> (Vec<u64>, Vec<i64>) {
        let mut records = Vec::with_capacity(self.rows.len());
        let mut durations = Vec::with_capacity(if self.plan.sums { self.rows.len() } else { 0 });
        self.chunks(|chunk, rows| {
            let marks = chunk.keys.iter().zip(&chunk.scratch.codes).take(rows);
            let inside = |key: &u64| key & OUT == 0;
            records.extend(
                marks
                    .filter(|(key, _)| inside(key))
                    .map(|(key, code)| key << CODE_BITS | u64::from(*code)),
            );
            if self.plan.sums {
                let pairs = chunk.keys.iter().zip(&chunk.scratch.durations).take(rows);
                durations.extend(pairs.filter(|(key, _)| inside(key)).map(|(_, d)| *d));
            }
        });
        (records, durations)
    }

    fn partitions(&self, bits: u32, counters: &mut CohortCounters) {
        let (records, durations) = self.records();
        let shift = BLOCK_BITS + CODE_BITS;
        let parts = 1_usize << bits.saturating_sub(BLOCK_BITS);
        let mut places = vec![0_usize; parts + 1];
        for record in &records {
            if let Some(place) = places.get_mut((record >> shift) as usize + 1) {
                *place += 1;
            }
        }
        let mut sum = 0;
        for place in &mut places {
            sum += *place;
            *place = sum;
        }
        let bounds = places.clone();
        let mut ordered = vec![0_u64; records.len()];
        let mut ordered_durations = vec![0_i64; durations.len()];
        if self.plan.sums {
            for (record, duration) in records.iter().zip(&durations) {
                let Some(place) = places.get_mut((record >> shift) as usize) else { continue };
                if let (Some(slot), Some(span)) =
                    (ordered.get_mut(*place), ordered_durations.get_mut(*place))
                {
                    *slot = *record;
                    *span = *duration;
                }
                *place += 1;
            }
        } else {
            for record in &records {
                let Some(place) = places.get_mut((record >> shift) as usize) else { continue };
                if let Some(slot) = ordered.get_mut(*place) {
                    *slot = *record;
                }
                *place += 1;
            }
        }
        drop((records, durations));
        let size = 1_usize << BLOCK_BITS;
        let low = (size - 1) as u64;
        let mut cells = vec![[0_u32; W]; size];
        let mut sums = vec![0_i128; if self.plan.sums { size } else { 0 }];
        for (part, (begin, end)) in bounds.iter().zip(bounds.iter().skip(1)).enumerate() {
            let Some(records) = ordered.get(*begin..*end).filter(|found| !found.is_empty()) else {
                continue;
            };
            for record in records {
                let delta = self.deltas.get((record & 0xFFFF) as usize);
                let place = (record >> CODE_BITS & low) as usize;
                if let (Some(cell), Some(delta)) = (cells.get_mut(place), delta) {
                    add(cell, delta);
                }
            }
            if let Some(durations) = ordered_durations.get(*begin..*end) {
                for (record, duration) in records.iter().zip(durations) {
                    let place = (record >> CODE_BITS & low) as usize;
                    if let Some(sum) = sums.get_mut(place) {
                        *sum += i128::from(if *duration == NEVER { 0 } else { *duration });
                    }
                }
            }
            emit((part as u64) << BLOCK_BITS, &cells, &sums, counters);
            cells.fill([0; W]);
            sums.fill(0);
        }
    }

    /// Few rows, or so many possible groups that no array holds them.
    fn sorted(&self, counters: &mut CohortCounters) {
        let mut records: Vec<(u64, u16, i64)> = Vec::new();
        self.chunks(|chunk, rows| {
            let scratch = &chunk.scratch;
            let marks = chunk.keys.iter().zip(scratch.codes.iter().zip(&scratch.durations));
            records.extend(
                marks
                    .take(rows)
                    .filter(|(key, _)| *key & OUT == 0)
                    .map(|(key, (code, duration))| (*key, *code, *duration)),
            );
        });
        records.sort_unstable_by_key(|(key, ..)| *key);
        for group in records.chunk_by(|a, b| a.0 == b.0) {
            let (mut cell, mut sum) = ([0_u32; W], 0_i128);
            for (_, code, duration) in group {
                if let Some(delta) = self.deltas.get(usize::from(*code)) {
                    add(&mut cell, delta);
                }
                sum += i128::from(if *duration == NEVER { 0 } else { *duration });
            }
            if let Some((key, ..)) = group.first() {
                counters.push(*key, &cell, sum);
            }
        }
    }

    /// Keeps every duration of every group.
    fn sample(&self, counters: &mut CohortCounters) {
        self.chunks(|chunk, rows| {
            let pairs = chunk.keys.iter().zip(&chunk.scratch.durations).take(rows);
            for (key, duration) in pairs {
                if key & OUT == 0 && *duration != NEVER {
                    counters.sample(*key, *duration);
                }
            }
        });
        counters.sort_samples();
    }
}

#[inline(always)]
fn add<const W: usize>(cell: &mut [u32; W], delta: &[u32; W]) {
    for (counter, more) in cell.iter_mut().zip(delta) {
        *counter = counter.wrapping_add(*more);
    }
}

/// Writes the groups of a block that have a row.
fn emit<const W: usize>(
    first: u64,
    cells: &[[u32; W]],
    sums: &[i128],
    counters: &mut CohortCounters,
) {
    let mut sums = sums.iter();
    for (key, cell) in (first..).zip(cells) {
        let sum = sums.next().copied().unwrap_or(0);
        if cell.iter().take(super::plan::COMMON_SLOTS).any(|count| *count != 0) {
            counters.push(key, cell, sum);
        }
    }
}
