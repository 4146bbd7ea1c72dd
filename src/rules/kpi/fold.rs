//! Many rows to groups.
//!
//! Rows are looked at in chunks. For each chunk the part of the key that all cohorts share is made
//! once; then each cohort adds its period and codes, and hands both to its sink: an array where
//! there are few groups, blocks made on demand where rows come in order of time, records that are
//! partitioned by key where they do not.

use super::counters::CohortCounters;
use super::facts::{INSTANTS, OrderFacts, instant_micros};
use super::layout::Layout;
use super::plan::{CHUNK, COMMON_SLOTS, CohortPlan, Columns, Scratch};
use super::query::{Bins, Dimension, KpiQuery};
use super::ticks::{Clock, Column, Instants, Tick};

/// Marks the key of a row that is not looked at.
pub(super) const OUT: u64 = 1 << 63;

/// Groups of a block: its counters fit a second-level cache.
const BLOCK_BITS: u32 = 11;
const BLOCK: usize = 1 << BLOCK_BITS;
/// Groups whose counters are simply an array.
const DENSE_BITS: u32 = 16;
/// Groups whose counters are an array however few rows there are.
const TINY_BITS: u32 = 8;
/// Partitions of a pass.
const PARTITION_BITS: u32 = 12;
/// Bits of a record that hold the code of its row.
const CODE_BITS: u32 = 16;

/// Counts rows of a table for every cohort.
pub(super) fn fold(
    facts: &OrderFacts,
    rows: std::ops::Range<usize>,
    plans: &[CohortPlan],
    layout: &Layout,
    bins: &Bins,
    query: &KpiQuery,
) -> Vec<CohortCounters> {
    match facts.instants() {
        Instants::Seconds(clock, instants) => {
            Fold::new(facts, instants, *clock, rows, layout, bins, query).run(plans)
        }
        Instants::Micros(instants) => {
            Fold::new(facts, instants, Clock::MICROS, rows, layout, bins, query).run(plans)
        }
    }
}

/// Takes the rows of one cohort, chunk by chunk.
trait Sink {
    /// Rows whose key is [`OUT`] do not count.
    fn feed(&mut self, keys: &[u64], codes: &[u16], durations: &[i64]);

    /// Writes the groups in order of their keys.
    fn finish(self: Box<Self>, counters: &mut CohortCounters);
}

struct Fold<'a, T> {
    facts: &'a OrderFacts,
    instants: &'a [Column<T>; INSTANTS],
    clock: Clock,
    as_of: T,
    lookups: Vec<(Dimension, Vec<u64>)>,
    layout: &'a Layout,
    bins: Bins,
    query: &'a KpiQuery,
    rows: std::ops::Range<usize>,
}

/// What is known of the rows of a chunk.
struct Chunk<T> {
    /// The part of the keys that all cohorts share.
    shared: Vec<u64>,
    common: super::plan::Common,
    /// Keys of the cohort at hand.
    keys: Vec<u64>,
    scratch: Scratch<T>,
}

impl<'a, T: Tick> Fold<'a, T> {
    fn new(
        facts: &'a OrderFacts,
        instants: &'a [Column<T>; INSTANTS],
        clock: Clock,
        rows: std::ops::Range<usize>,
        layout: &'a Layout,
        bins: &Bins,
        query: &'a KpiQuery,
    ) -> Self {
        Self {
            facts,
            instants,
            clock,
            as_of: CohortPlan::as_of(instant_micros(query.as_of), clock),
            lookups: layout.lookups(facts),
            layout,
            bins: bins.in_ticks(clock),
            query,
            rows,
        }
    }

    fn run(&self, plans: &[CohortPlan]) -> Vec<CohortCounters> {
        let mut sinks: Vec<Box<dyn Sink + '_>> = plans.iter().map(|plan| self.sink(plan)).collect();
        let mut samples: Vec<CohortCounters> = plans.iter().map(CohortCounters::new).collect();
        self.chunks(|chunk, columns, rows| {
            let plans = plans.iter().zip(sinks.iter_mut().zip(&mut samples));
            for (plan, (sink, samples)) in plans {
                self.cohort(plan, chunk, columns, rows);
                let (keys, scratch) = (chunk.keys.get(..rows), &chunk.scratch);
                let Some(keys) = keys else { continue };
                sink.feed(keys, &scratch.codes, &scratch.durations);
                if self.query.percentiles && plan.sums {
                    let values = keys.iter().zip(scratch.codes.iter().zip(&scratch.durations));
                    for (key, (code, duration)) in values {
                        if key & OUT == 0 && plan.has_duration(*code) {
                            samples.sample(*key, *duration);
                        }
                    }
                }
            }
        });
        sinks
            .into_iter()
            .zip(samples)
            .map(|(sink, mut counters)| {
                counters.sort_samples();
                sink.finish(&mut counters);
                counters
            })
            .collect()
    }

    fn sink<'p>(&self, plan: &'p CohortPlan) -> Box<dyn Sink + 'p> {
        match plan.width {
            4 => self.sink_of::<4>(plan),
            8 => self.sink_of::<8>(plan),
            12 => self.sink_of::<12>(plan),
            _ => self.sink_of::<16>(plan),
        }
    }

    fn sink_of<'p, const W: usize>(&self, plan: &'p CohortPlan) -> Box<dyn Sink + 'p> {
        let deltas: &[[u32; W]] = plan.deltas.as_chunks().0;
        let (bits, sums) = (self.layout.bits(), plan.sums);
        // An array of more groups than this has mostly empty ones, and is slower than sorting.
        let most = self.rows.len().saturating_mul(8);
        let roomy = 1_usize.checked_shl(bits).is_some_and(|groups| groups <= most);
        if bits <= TINY_BITS || (bits <= DENSE_BITS && roomy) {
            return Box::new(Dense::new(bits, deltas, sums));
        }
        if bits > BLOCK_BITS + PARTITION_BITS || !roomy {
            return Box::new(Sorted { deltas, records: Vec::new() });
        }
        if self.is_clustered(plan) {
            return Box::new(Blocks::new(bits, deltas, sums));
        }
        Box::new(Partitioned::new(bits, deltas, sums, self.rows.len()))
    }

    fn columns(&self, begin: usize, rows: usize) -> Columns<'a, T> {
        let rows = begin..begin + rows;
        Columns::of_table(self.instants, self.facts.flag_column(), self.clock, rows)
    }

    fn chunk() -> Chunk<T> {
        Chunk {
            shared: vec![0; CHUNK],
            common: super::plan::Common::default(),
            keys: vec![OUT; CHUNK],
            scratch: Scratch::of(CHUNK),
        }
    }

    /// Calls `each` with the chunks of the rows.
    fn chunks(&self, mut each: impl FnMut(&mut Chunk<T>, &Columns<'_, T>, usize)) {
        let mut chunk = Self::chunk();
        let mut begin = self.rows.start;
        while begin < self.rows.end {
            let rows = CHUNK.min(self.rows.end - begin);
            let columns = self.columns(begin, rows);
            self.share(&columns, begin, rows, &mut chunk);
            each(&mut chunk, &columns, rows);
            begin += rows;
        }
    }

    /// Makes what all cohorts share.
    fn share(&self, columns: &Columns<'_, T>, begin: usize, rows: usize, chunk: &mut Chunk<T>) {
        chunk.common = CohortPlan::common(columns, rows, self.as_of);
        let Some(shared) = chunk.shared.get_mut(..rows) else { return };
        shared.fill(0);
        for (dimension, lookup) in &self.lookups {
            match self.facts.key_column(*dimension).get(begin..begin + rows) {
                Some(numbers) => {
                    for (key, number) in shared.iter_mut().zip(numbers) {
                        *key |= lookup.get(*number as usize).copied().unwrap_or(OUT);
                    }
                }
                None => {
                    let unknown = lookup.first().copied().unwrap_or(OUT);
                    shared.iter_mut().for_each(|key| *key |= unknown);
                }
            }
        }
    }

    /// Makes keys, codes and durations of one cohort.
    fn cohort(
        &self,
        plan: &CohortPlan,
        chunk: &mut Chunk<T>,
        columns: &Columns<'_, T>,
        rows: usize,
    ) {
        plan.fill(columns, rows, chunk.common, &mut chunk.scratch);
        let (from, to) = (T::nearest(self.bins.from()), T::nearest(self.bins.to()));
        let inside = |instant: T| (instant >= from) & (instant < to);
        let shift = self.layout.period_shift();
        let parts = chunk.shared.iter().zip(&chunk.scratch.instants).take(rows);
        let keys = chunk.keys.iter_mut().zip(parts);
        match (self.bins.count(), self.bins.even()) {
            (..=1, _) => {
                for (key, (shared, instant)) in keys {
                    *key = if inside(*instant) { *shared } else { OUT };
                }
            }
            (_, Some(even)) => {
                for (key, (shared, instant)) in keys {
                    let period = even.of(instant.wide()) << shift;
                    *key = if inside(*instant) { *shared | period } else { OUT };
                }
            }
            (_, None) => {
                for (key, (shared, instant)) in keys {
                    *key = if inside(*instant) {
                        *shared | (self.bins.of(instant.wide()) as u64) << shift
                    } else {
                        OUT
                    };
                }
            }
        }
    }

    /// Whether rows near each other fall into few blocks, as they do when orders come in order of
    /// time and groups have periods.
    fn is_clustered(&self, plan: &CohortPlan) -> bool {
        const SAMPLES: usize = 32;
        let blocks = 1_usize << self.layout.bits().saturating_sub(BLOCK_BITS);
        let mut chunk = Self::chunk();
        let step = (self.rows.len() / SAMPLES).max(CHUNK);
        let (mut seen, mut chunks) = (0_usize, 0_usize);
        let mut touched = vec![usize::MAX; blocks];
        for begin in self.rows.clone().step_by(step) {
            let rows = CHUNK.min(self.rows.end - begin);
            let columns = self.columns(begin, rows);
            self.share(&columns, begin, rows, &mut chunk);
            self.cohort(plan, &mut chunk, &columns, rows);
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
}

#[inline(always)]
fn add<const W: usize>(cell: &mut [u32; W], delta: &[u32; W]) {
    // Both are read before either is written: only then may the compiler add several at a time.
    let (mut sum, delta) = (*cell, *delta);
    for (counter, more) in sum.iter_mut().zip(delta) {
        *counter = counter.wrapping_add(more);
    }
    *cell = sum;
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
        if cell.iter().take(COMMON_SLOTS).fold(0, |all, count| all | count) != 0 {
            counters.push(key, cell, sum);
        }
    }
}

/// Counters as an array.
struct Dense<'p, const W: usize> {
    deltas: &'p [[u32; W]],
    cells: Vec<[u32; W]>,
    sums: Vec<i128>,
}

impl<'p, const W: usize> Dense<'p, W> {
    fn new(bits: u32, deltas: &'p [[u32; W]], sums: bool) -> Self {
        let groups = 1_usize << bits;
        Self { deltas, cells: vec![[0; W]; groups], sums: vec![0; if sums { groups } else { 0 }] }
    }
}

impl<const W: usize> Sink for Dense<'_, W> {
    fn feed(&mut self, keys: &[u64], codes: &[u16], durations: &[i64]) {
        let cells = self.cells.as_mut_slice();
        for (key, code) in keys.iter().zip(codes) {
            let delta = self.deltas.get(usize::from(*code));
            if let (Some(cell), Some(delta)) = (cells.get_mut(*key as usize), delta) {
                add(cell, delta);
            }
        }
        if !self.sums.is_empty() {
            let sums = self.sums.as_mut_slice();
            for (key, duration) in keys.iter().zip(durations) {
                if let Some(sum) = sums.get_mut(*key as usize) {
                    *sum += i128::from(*duration);
                }
            }
        }
    }

    fn finish(self: Box<Self>, counters: &mut CohortCounters) {
        emit(0, &self.cells, &self.sums, counters);
    }
}

/// Counters as blocks that are made when a row falls into them.
struct Blocks<'p, const W: usize> {
    deltas: &'p [[u32; W]],
    cells: Vec<Vec<[u32; W]>>,
    sums: Vec<Vec<i128>>,
    has_sums: bool,
}

impl<'p, const W: usize> Blocks<'p, W> {
    fn new(bits: u32, deltas: &'p [[u32; W]], has_sums: bool) -> Self {
        let blocks = 1_usize << bits.saturating_sub(BLOCK_BITS);
        Self {
            deltas,
            cells: vec![Vec::new(); blocks],
            sums: vec![Vec::new(); if has_sums { blocks } else { 0 }],
            has_sums,
        }
    }
}

impl<const W: usize> Sink for Blocks<'_, W> {
    fn feed(&mut self, keys: &[u64], codes: &[u16], durations: &[i64]) {
        for (key, code) in keys.iter().zip(codes) {
            let Some(block) = self.cells.get_mut((*key >> BLOCK_BITS) as usize) else { continue };
            if block.is_empty() {
                *block = vec![[0; W]; BLOCK];
            }
            let delta = self.deltas.get(usize::from(*code));
            let cell = block.get_mut((*key % BLOCK as u64) as usize);
            if let (Some(cell), Some(delta)) = (cell, delta) {
                add(cell, delta);
            }
        }
        if !self.has_sums {
            return;
        }
        for (key, duration) in keys.iter().zip(durations) {
            let Some(block) = self.sums.get_mut((*key >> BLOCK_BITS) as usize) else { continue };
            if block.is_empty() {
                *block = vec![0; BLOCK];
            }
            if let Some(sum) = block.get_mut((*key % BLOCK as u64) as usize) {
                *sum += i128::from(*duration);
            }
        }
    }

    fn finish(self: Box<Self>, counters: &mut CohortCounters) {
        let rows = self.cells.iter().filter(|block| !block.is_empty()).count() * BLOCK;
        counters.reserve(rows);
        let mut sums = self.sums.into_iter();
        for (index, block) in self.cells.into_iter().enumerate() {
            let sums = sums.next().unwrap_or_default();
            emit((index as u64) << BLOCK_BITS, &block, &sums, counters);
        }
    }
}

/// Rows as records of key and code, brought together by block before they are counted.
struct Partitioned<'p, const W: usize> {
    deltas: &'p [[u32; W]],
    bits: u32,
    records: Vec<u64>,
    durations: Vec<i64>,
    has_sums: bool,
}

impl<'p, const W: usize> Partitioned<'p, W> {
    fn new(bits: u32, deltas: &'p [[u32; W]], has_sums: bool, rows: usize) -> Self {
        Self {
            deltas,
            bits,
            records: Vec::with_capacity(rows),
            durations: Vec::with_capacity(if has_sums { rows } else { 0 }),
            has_sums,
        }
    }
}

impl<const W: usize> Sink for Partitioned<'_, W> {
    fn feed(&mut self, keys: &[u64], codes: &[u16], durations: &[i64]) {
        let inside = |key: &u64| key & OUT == 0;
        let marks = keys.iter().zip(codes).filter(|(key, _)| inside(key));
        self.records.extend(marks.map(|(key, code)| key << CODE_BITS | u64::from(*code)));
        if self.has_sums {
            let spans = keys.iter().zip(durations).filter(|(key, _)| inside(key));
            self.durations.extend(spans.map(|(_, duration)| *duration));
        }
    }

    fn finish(self: Box<Self>, counters: &mut CohortCounters) {
        let shift = BLOCK_BITS + CODE_BITS;
        let blocks = 1_usize << self.bits.saturating_sub(BLOCK_BITS);
        let mut places = vec![0_usize; blocks + 1];
        for record in &self.records {
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
        let mut records = vec![0_u64; self.records.len()];
        let mut durations = vec![0_i64; self.durations.len()];
        if self.has_sums {
            for (record, duration) in self.records.iter().zip(&self.durations) {
                let Some(place) = places.get_mut((record >> shift) as usize) else { continue };
                if let (Some(slot), Some(span)) =
                    (records.get_mut(*place), durations.get_mut(*place))
                {
                    *slot = *record;
                    *span = *duration;
                }
                *place += 1;
            }
        } else {
            for record in &self.records {
                let Some(place) = places.get_mut((record >> shift) as usize) else { continue };
                if let Some(slot) = records.get_mut(*place) {
                    *slot = *record;
                }
                *place += 1;
            }
        }
        let (deltas, has_sums) = (self.deltas, self.has_sums);
        drop(self);
        let mut cells = vec![[0_u32; W]; BLOCK];
        let mut sums = vec![0_i128; if has_sums { BLOCK } else { 0 }];
        for (block, (begin, end)) in bounds.iter().zip(bounds.iter().skip(1)).enumerate() {
            let Some(records) = records.get(*begin..*end).filter(|found| !found.is_empty()) else {
                continue;
            };
            for record in records {
                let delta = deltas.get((record & 0xFFFF) as usize);
                let cell = cells.get_mut((record >> CODE_BITS) as usize % BLOCK);
                if let (Some(cell), Some(delta)) = (cell, delta) {
                    add(cell, delta);
                }
            }
            for (record, duration) in records.iter().zip(durations.get(*begin..*end).unwrap_or(&[]))
            {
                if let Some(sum) = sums.get_mut((record >> CODE_BITS) as usize % BLOCK) {
                    *sum += i128::from(*duration);
                }
            }
            emit((block as u64) << BLOCK_BITS, &cells, &sums, counters);
            cells.fill([0; W]);
            sums.fill(0);
        }
    }
}

/// Few rows, or so many possible groups that no array holds them.
struct Sorted<'p, const W: usize> {
    deltas: &'p [[u32; W]],
    records: Vec<(u64, u16, i64)>,
}

impl<const W: usize> Sink for Sorted<'_, W> {
    fn feed(&mut self, keys: &[u64], codes: &[u16], durations: &[i64]) {
        let rows = keys.iter().zip(codes.iter().zip(durations));
        self.records.extend(
            rows.filter(|(key, _)| *key & OUT == 0)
                .map(|(key, (code, duration))| (*key, *code, *duration)),
        );
    }

    fn finish(mut self: Box<Self>, counters: &mut CohortCounters) {
        self.records.sort_unstable_by_key(|(key, ..)| *key);
        for group in self.records.chunk_by(|a, b| a.0 == b.0) {
            let (mut cell, mut sum) = ([0_u32; W], 0_i128);
            for (_, code, duration) in group {
                if let Some(delta) = self.deltas.get(usize::from(*code)) {
                    add(&mut cell, delta);
                }
                sum += i128::from(*duration);
            }
            if let Some((key, ..)) = group.first() {
                counters.push(*key, &cell, sum);
            }
        }
    }
}
