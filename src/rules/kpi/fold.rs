//! Many rows to groups.
//!
//! Rows are looked at in chunks. For each chunk the part of the key that all cohorts share is made
//! once; then each cohort adds its period and codes, and hands both to its sink: an array where
//! there are few groups, records that are partitioned by key where there are many.

use super::counters::CohortCounters;
use super::facts::{INSTANTS, OrderFacts, instant_micros};
use super::layout::Layout;
use super::plan::{CHUNK, COMMON_SLOTS, CohortPlan, Columns, Scratch};
use super::query::{Bins, Dimension, KpiQuery};
use super::ticks::{Clock, Column, Instants, Tick};

/// Marks the key of a row that is not looked at.
pub(super) const OUT: u64 = 1 << 63;

/// The key of a row: as short as the number of groups allows.
trait Key: Copy + Ord + std::ops::BitOr<Output = Self> + std::ops::BitOrAssign + 'static {
    /// Marks the key of a row that is not looked at.
    const OUT: Self;
    const ZERO: Self;

    /// A key that fits, or [`OUT`].
    fn of(key: u64) -> Self;

    /// The mark if a row is not looked at, else 0.
    fn mark(outside: bool) -> Self;

    fn wide(self) -> u64;

    /// Beyond every group when marked.
    #[inline(always)]
    fn place(self) -> usize {
        self.wide() as usize
    }

    #[inline(always)]
    fn is_out(self) -> bool {
        self >= Self::OUT
    }
}

impl Key for u64 {
    const OUT: Self = OUT;
    const ZERO: Self = 0;

    fn of(key: u64) -> Self {
        key
    }

    #[inline(always)]
    fn mark(outside: bool) -> Self {
        Self::from(outside) << 63
    }

    #[inline(always)]
    fn wide(self) -> u64 {
        self
    }
}

impl Key for u32 {
    const OUT: Self = 1 << 31;
    const ZERO: Self = 0;

    #[inline(always)]
    fn of(key: u64) -> Self {
        key as Self | ((key >> 32) as Self & Self::OUT)
    }

    #[inline(always)]
    fn mark(outside: bool) -> Self {
        Self::from(outside) << 31
    }

    #[inline(always)]
    fn wide(self) -> u64 {
        u64::from(self)
    }
}

/// Groups of a block: its counters fit a second-level cache.
const BLOCK_BITS: u32 = 11;
const BLOCK: usize = 1 << BLOCK_BITS;
/// Groups times codes that are counted before they are added up: they fit a second-level cache.
const CODED_BITS: u32 = 16;
/// Groups whose counters are an array, because they all fit a second-level cache.
const NEAR_BITS: u32 = 12;
/// Groups whose counters are an array if rows near each other fall into few of its blocks.
const DENSE_BITS: u32 = 16;
/// Groups whose counters are an array however few rows there are.
const TINY_BITS: u32 = 8;
/// Partitions of a pass.
const PARTITION_BITS: u32 = 12;

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
            by_key(facts, instants, *clock, rows, plans, (layout, bins, query))
        }
        Instants::Micros(instants) => {
            by_key(facts, instants, Clock::MICROS, rows, plans, (layout, bins, query))
        }
    }
}

fn by_key<T: Tick>(
    facts: &OrderFacts,
    instants: &[Column<T>; INSTANTS],
    clock: Clock,
    rows: std::ops::Range<usize>,
    plans: &[CohortPlan],
    question: (&Layout, &Bins, &KpiQuery),
) -> Vec<CohortCounters> {
    if question.0.bits() < u32::BITS - 1 {
        Fold::<T, u32>::new(facts, instants, clock, rows, question).run(plans)
    } else {
        Fold::<T, u64>::new(facts, instants, clock, rows, question).run(plans)
    }
}

/// Takes the rows of one cohort, chunk by chunk.
trait Sink<K> {
    /// Rows whose key is marked do not count.
    fn feed(&mut self, keys: &[K], codes: &[u16], durations: &[i64]);

    /// Writes the groups in order of their keys.
    fn finish(self: Box<Self>, counters: &mut CohortCounters);
}

struct Fold<'a, T, K> {
    facts: &'a OrderFacts,
    instants: &'a [Column<T>; INSTANTS],
    clock: Clock,
    as_of: T,
    lookups: Vec<(Dimension, Vec<K>)>,
    layout: &'a Layout,
    bins: Bins,
    query: &'a KpiQuery,
    rows: std::ops::Range<usize>,
}

/// What is known of the rows of a chunk.
struct Chunk<T, K> {
    /// The part of the keys that all cohorts share.
    shared: Vec<K>,
    common: super::plan::Common,
    /// Keys of the cohort at hand.
    keys: Vec<K>,
    scratch: Scratch<T>,
}

impl<'a, T: Tick, K: Key> Fold<'a, T, K> {
    fn new(
        facts: &'a OrderFacts,
        instants: &'a [Column<T>; INSTANTS],
        clock: Clock,
        rows: std::ops::Range<usize>,
        (layout, bins, query): (&'a Layout, &Bins, &'a KpiQuery),
    ) -> Self {
        let narrow = |lookup: Vec<u64>| lookup.into_iter().map(K::of).collect();
        Self {
            facts,
            instants,
            clock,
            as_of: CohortPlan::as_of(instant_micros(query.as_of), clock),
            lookups: layout
                .lookups(facts)
                .into_iter()
                .map(|(dimension, lookup)| (dimension, narrow(lookup)))
                .collect(),
            layout,
            bins: bins.in_ticks(clock),
            query,
            rows,
        }
    }

    fn run(&self, plans: &[CohortPlan]) -> Vec<CohortCounters> {
        let mut sinks: Vec<Box<dyn Sink<K> + '_>> =
            plans.iter().map(|plan| self.sink(plan)).collect();
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
                        if !key.is_out() && plan.has_duration(*code) {
                            samples.sample(key.wide(), *duration);
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

    fn sink<'p>(&self, plan: &'p CohortPlan) -> Box<dyn Sink<K> + 'p> {
        match plan.width {
            4 => self.sink_of::<4>(plan),
            8 => self.sink_of::<8>(plan),
            12 => self.sink_of::<12>(plan),
            _ => self.sink_of::<16>(plan),
        }
    }

    fn sink_of<'p, const W: usize>(&self, plan: &'p CohortPlan) -> Box<dyn Sink<K> + 'p> {
        let deltas: &[[u32; W]] = plan.deltas.as_chunks().0;
        let (bits, sums) = (self.layout.bits(), plan.sums);
        // An array of more groups than this has mostly empty ones, and is slower than sorting.
        let most = self.rows.len().saturating_mul(8);
        let roomy = 1_usize.checked_shl(bits).is_some_and(|groups| groups <= most);
        let code_bits = plan.code_bits();
        if bits + code_bits <= CODED_BITS && (roomy || bits <= TINY_BITS) {
            return Box::new(Coded::new(bits, code_bits, deltas, sums));
        }
        let near = bits <= NEAR_BITS || (bits <= DENSE_BITS && self.is_clustered(plan));
        if bits <= TINY_BITS || (near && roomy) {
            return Box::new(Dense::new(bits, deltas, sums));
        }
        if bits > BLOCK_BITS + PARTITION_BITS || !roomy {
            return Box::new(Sorted { deltas, records: Vec::new() });
        }
        let rows = self.rows.len();
        if bits + code_bits <= u32::BITS {
            return Box::new(Partitioned::<W, u32>::new(bits, code_bits, deltas, sums, rows));
        }
        Box::new(Partitioned::<W, u64>::new(bits, code_bits, deltas, sums, rows))
    }

    fn columns(&self, begin: usize, rows: usize) -> Columns<'a, T> {
        let rows = begin..begin + rows;
        Columns::of_table(self.instants, self.facts.flag_column(), self.clock, rows)
    }

    /// Whether rows near each other fall into few blocks, as they do when orders come in order of
    /// time and groups have periods.
    fn is_clustered(&self, plan: &CohortPlan) -> bool {
        const SAMPLES: usize = 16;
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
                if let Some(mark) = touched.get_mut(key.place() >> BLOCK_BITS)
                    && *mark != chunks
                {
                    *mark = chunks;
                    seen += 1;
                }
            }
            chunks += 1;
        }
        // On average at most a quarter of them.
        seen.saturating_mul(4) <= chunks.saturating_mul(blocks)
    }

    fn chunk() -> Chunk<T, K> {
        Chunk {
            shared: vec![K::ZERO; CHUNK],
            common: super::plan::Common::default(),
            keys: vec![K::OUT; CHUNK],
            scratch: Scratch::of(CHUNK),
        }
    }

    /// Calls `each` with the chunks of the rows.
    fn chunks(&self, mut each: impl FnMut(&mut Chunk<T, K>, &Columns<'_, T>, usize)) {
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
    fn share(&self, columns: &Columns<'_, T>, begin: usize, rows: usize, chunk: &mut Chunk<T, K>) {
        chunk.common = CohortPlan::common(columns, rows, self.as_of);
        let Some(shared) = chunk.shared.get_mut(..rows) else { return };
        shared.fill(K::ZERO);
        for (dimension, lookup) in &self.lookups {
            let lookup = lookup.as_slice();
            match self.facts.key_column(*dimension).get(begin..begin + rows) {
                Some(numbers) => {
                    for (key, number) in shared.iter_mut().zip(numbers) {
                        *key |= lookup.get(*number as usize).copied().unwrap_or(K::OUT);
                    }
                }
                None => {
                    let unknown = lookup.first().copied().unwrap_or(K::OUT);
                    shared.iter_mut().for_each(|key| *key |= unknown);
                }
            }
        }
    }

    /// Makes keys, codes and durations of one cohort.
    fn cohort(
        &self,
        plan: &CohortPlan,
        chunk: &mut Chunk<T, K>,
        columns: &Columns<'_, T>,
        rows: usize,
    ) {
        plan.fill(columns, rows, chunk.common, &mut chunk.scratch);
        let (from, to) = (T::nearest(self.bins.from()), T::nearest(self.bins.to()));
        // A mark and no branch: whether a row lies in the window is hard to foresee.
        let outside = |instant: T| K::mark((instant < from) | (instant >= to));
        let shift = self.layout.period_shift();
        let parts = chunk.shared.iter().zip(&chunk.scratch.instants).take(rows);
        let keys = chunk.keys.iter_mut().zip(parts);
        match (self.bins.count(), self.bins.even()) {
            (..=1, _) => {
                for (key, (shared, instant)) in keys {
                    *key = *shared | outside(*instant);
                }
            }
            (_, Some(even)) => {
                for (key, (shared, instant)) in keys {
                    let period = K::of(even.of(instant.wide()) << shift & !OUT);
                    *key = *shared | outside(*instant) | period;
                }
            }
            (_, None) => {
                for (key, (shared, instant)) in keys {
                    let period = K::of((self.bins.of(instant.wide()) as u64) << shift);
                    *key = *shared | outside(*instant) | period;
                }
            }
        }
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
            counters.push_cell(key, cell, sum);
        }
    }
}

/// How often each code occurs in each group. One addition a row; what the codes mean is added up in
/// the end.
struct Coded<'p, const W: usize> {
    deltas: &'p [[u32; W]],
    code_bits: u32,
    groups: usize,
    counts: Vec<u32>,
    sums: Vec<i128>,
}

impl<'p, const W: usize> Coded<'p, W> {
    fn new(bits: u32, code_bits: u32, deltas: &'p [[u32; W]], sums: bool) -> Self {
        let groups = 1_usize << bits;
        Self {
            deltas,
            code_bits,
            groups,
            counts: vec![0; (groups << code_bits) + 1],
            sums: spare_sums(groups, sums),
        }
    }
}

impl<const W: usize, K: Key> Sink<K> for Coded<'_, W> {
    fn feed(&mut self, keys: &[K], codes: &[u16], durations: &[i64]) {
        let counts = self.counts.as_mut_slice();
        let (bits, spare) = (self.code_bits, counts.len() - 1);
        for (key, code) in keys.iter().zip(codes) {
            // The mark of a row that does not count must not be shifted out.
            let place = key.place() << bits | key.place() & K::OUT.place() | usize::from(*code);
            if let Some(count) = counts.get_mut(place.min(spare)) {
                *count = count.wrapping_add(1);
            }
        }
        add_sums(&mut self.sums, keys, durations);
    }

    fn finish(self: Box<Self>, counters: &mut CohortCounters) {
        let mut cells = vec![[0_u32; W]; self.groups];
        for (cell, counts) in cells.iter_mut().zip(self.counts.chunks_exact(1 << self.code_bits)) {
            for (count, delta) in counts.iter().zip(self.deltas).filter(|(count, _)| **count > 0) {
                for (counter, more) in cell.iter_mut().zip(delta) {
                    *counter = counter.wrapping_add(count.wrapping_mul(*more));
                }
            }
        }
        emit(0, &cells, &self.sums, counters);
    }
}

/// Sums of groups, and a spare one for rows that do not count: that costs an addition, but whether a
/// row counts is hard to foresee, and a branch would cost more.
fn spare_sums(groups: usize, wanted: bool) -> Vec<i128> {
    vec![0; if wanted { groups + 1 } else { 0 }]
}

#[inline(always)]
fn add_sums<K: Key>(sums: &mut [i128], keys: &[K], durations: &[i64]) {
    let Some(spare) = sums.len().checked_sub(1) else { return };
    for (key, duration) in keys.iter().zip(durations) {
        if let Some(sum) = sums.get_mut(key.place().min(spare)) {
            *sum += i128::from(*duration);
        }
    }
}

/// Counters as an array.
struct Dense<'p, const W: usize> {
    deltas: &'p [[u32; W]],
    groups: usize,
    /// One more than there are groups, for rows that do not count.
    cells: Vec<[u32; W]>,
    sums: Vec<i128>,
}

impl<'p, const W: usize> Dense<'p, W> {
    fn new(bits: u32, deltas: &'p [[u32; W]], sums: bool) -> Self {
        let groups = 1_usize << bits;
        Self { deltas, groups, cells: vec![[0; W]; groups + 1], sums: spare_sums(groups, sums) }
    }
}

impl<const W: usize, K: Key> Sink<K> for Dense<'_, W> {
    fn feed(&mut self, keys: &[K], codes: &[u16], durations: &[i64]) {
        let (cells, spare) = (self.cells.as_mut_slice(), self.groups);
        for (key, code) in keys.iter().zip(codes) {
            let delta = self.deltas.get(usize::from(*code));
            let cell = cells.get_mut(key.place().min(spare));
            if let (Some(cell), Some(delta)) = (cell, delta) {
                add(cell, delta);
            }
        }
        add_sums(&mut self.sums, keys, durations);
    }

    fn finish(self: Box<Self>, counters: &mut CohortCounters) {
        let cells = self.cells.get(..self.groups).unwrap_or(&[]);
        emit(0, cells, &self.sums, counters);
    }
}

/// A row as one number: its key, then its code.
trait Record: Copy + Default {
    fn pack(key: u64, code: u16, code_bits: u32) -> Self;

    fn unpack(self) -> usize;
}

impl Record for u32 {
    #[inline(always)]
    fn pack(key: u64, code: u16, code_bits: u32) -> Self {
        (key as Self) << code_bits | Self::from(code)
    }

    #[inline(always)]
    fn unpack(self) -> usize {
        self as usize
    }
}

impl Record for u64 {
    #[inline(always)]
    fn pack(key: u64, code: u16, code_bits: u32) -> Self {
        key << code_bits | Self::from(code)
    }

    #[inline(always)]
    fn unpack(self) -> usize {
        self as usize
    }
}

/// Rows as records, brought together by block before they are counted: then the counters of a block
/// stay near, whatever the order of the rows.
struct Partitioned<'p, const W: usize, R> {
    deltas: &'p [[u32; W]],
    code_bits: u32,
    records: Vec<R>,
    durations: Vec<i64>,
    has_sums: bool,
    /// Records of each block, and in the last place rows that do not count.
    sizes: Vec<usize>,
}

impl<'p, const W: usize, R: Record> Partitioned<'p, W, R> {
    fn new(bits: u32, code_bits: u32, deltas: &'p [[u32; W]], has_sums: bool, rows: usize) -> Self {
        Self {
            deltas,
            code_bits,
            records: Vec::with_capacity(rows),
            durations: Vec::with_capacity(if has_sums { rows } else { 0 }),
            has_sums,
            sizes: vec![0; (1 << bits.saturating_sub(BLOCK_BITS)) + 1],
        }
    }

    /// Records and durations by block.
    fn by_block(&self) -> (Vec<R>, Vec<i64>) {
        let shift = BLOCK_BITS + self.code_bits;
        let mut next = 0;
        let mut places: Vec<usize> = self
            .sizes
            .iter()
            .map(|size| {
                let begin = next;
                next += size;
                begin
            })
            .collect();
        let mut records = vec![R::default(); self.records.len()];
        let mut durations = vec![0_i64; self.durations.len()];
        if self.has_sums {
            for (record, duration) in self.records.iter().zip(&self.durations) {
                let Some(place) = places.get_mut(record.unpack() >> shift) else { continue };
                let slots = (records.get_mut(*place), durations.get_mut(*place));
                if let (Some(slot), Some(span)) = slots {
                    *slot = *record;
                    *span = *duration;
                }
                *place += 1;
            }
        } else {
            for record in &self.records {
                let Some(place) = places.get_mut(record.unpack() >> shift) else { continue };
                if let Some(slot) = records.get_mut(*place) {
                    *slot = *record;
                }
                *place += 1;
            }
        }
        (records, durations)
    }
}

impl<const W: usize, R: Record, K: Key> Sink<K> for Partitioned<'_, W, R> {
    fn feed(&mut self, keys: &[K], codes: &[u16], durations: &[i64]) {
        // Every row is written, and the next one over it when it does not count: whether it does is
        // hard to foresee, and a branch would cost more.
        let (bits, sizes) = (self.code_bits, self.sizes.as_mut_slice());
        let spare = sizes.len() - 1;
        let mut records = [R::default(); CHUNK];
        let mut count = 0;
        for (key, code) in keys.iter().zip(codes) {
            if let Some(size) = sizes.get_mut((key.place() >> BLOCK_BITS).min(spare)) {
                *size += 1;
            }
            if let Some(record) = records.get_mut(count % CHUNK) {
                *record = R::pack(key.wide(), *code, bits);
            }
            count += usize::from(!key.is_out());
        }
        self.records.extend_from_slice(records.get(..count).unwrap_or(&[]));
        if self.has_sums {
            let mut spans = [0_i64; CHUNK];
            let mut count = 0;
            for (key, duration) in keys.iter().zip(durations) {
                if let Some(span) = spans.get_mut(count % CHUNK) {
                    *span = *duration;
                }
                count += usize::from(!key.is_out());
            }
            self.durations.extend_from_slice(spans.get(..count).unwrap_or(&[]));
        }
    }

    fn finish(mut self: Box<Self>, counters: &mut CohortCounters) {
        let (records, durations) = self.by_block();
        // What came in is no longer needed; the results may take its place.
        self.records = Vec::new();
        self.durations = Vec::new();
        let code_mask = (1_usize << self.code_bits) - 1;
        let mut cells = vec![[0_u32; W]; BLOCK];
        let mut sums = vec![0_i128; if self.has_sums { BLOCK } else { 0 }];
        let mut begin = 0;
        let blocks = self.sizes.len() - 1;
        for (block, size) in self.sizes.iter().take(blocks).enumerate() {
            let rows = begin..begin + size;
            begin = rows.end;
            let Some(records) = records.get(rows.clone()).filter(|found| !found.is_empty()) else {
                continue;
            };
            for record in records {
                let record = record.unpack();
                let delta = self.deltas.get(record & code_mask);
                let cell = cells.get_mut((record >> self.code_bits) % BLOCK);
                if let (Some(cell), Some(delta)) = (cell, delta) {
                    add(cell, delta);
                }
            }
            for (record, duration) in records.iter().zip(durations.get(rows).unwrap_or(&[])) {
                let place = (record.unpack() >> self.code_bits) % BLOCK;
                if let Some(sum) = sums.get_mut(place) {
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

impl<const W: usize, K: Key> Sink<K> for Sorted<'_, W> {
    fn feed(&mut self, keys: &[K], codes: &[u16], durations: &[i64]) {
        let rows = keys.iter().zip(codes.iter().zip(durations));
        self.records.extend(
            rows.filter(|(key, _)| !key.is_out())
                .map(|(key, (code, duration))| (key.wide(), *code, *duration)),
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
                counters.push_cell(*key, &cell, sum);
            }
        }
    }
}
