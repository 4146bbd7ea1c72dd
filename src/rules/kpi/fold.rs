//! Many rows to groups.
//!
//! Rows are looked at in chunks. For each chunk the part of the key that all cohorts share is made
//! once; then each cohort adds its period and codes, and hands both to its sink: an array where
//! there are few groups, records that are partitioned by key where there are many.

use super::counters::CohortCounters;
use super::facts::{INSTANTS, OrderFacts, instant_micros};
use super::lanes::Lanes;
use super::layout::Layout;
use super::plan::{CHUNK, COMMON_SLOTS, CohortPlan, Columns, Scratch, Spans};
use super::query::{Bins, Dimension, KpiQuery};
use super::ticks::{Clock, Column, Instants, Tick, Total};

/// Marks the key of a row that is not looked at. Keys are sums, and so many bits are free above the
/// mark that no sum of marks loses it: one for each dimension, one for the window.
pub(super) const OUT: u64 = 1 << (u64::BITS - SPARE_BITS);
const SPARE_BITS: u32 = 5;

/// The key of a row: as short as the number of groups allows.
pub(super) trait Key: Copy + Ord + 'static {
    /// Marks the key of a row that is not looked at.
    const OUT: Self;
    const ZERO: Self;

    /// A key that fits, or [`OUT`].
    fn of(key: u64) -> Self;

    /// The mark if a row is not looked at, else 0.
    fn mark(outside: bool) -> Self;

    fn plus(self, other: Self) -> Self;

    /// What a period adds to the key; of an instant outside of the window anything below the mark.
    fn of_period(period: u64, stride: u64) -> Self;

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
        Self::from(outside) << (Self::BITS - SPARE_BITS)
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self.wrapping_add(other)
    }

    #[inline(always)]
    fn of_period(period: u64, stride: u64) -> Self {
        period.wrapping_mul(stride) & (Self::OUT - 1)
    }

    #[inline(always)]
    fn wide(self) -> u64 {
        self
    }
}

impl Key for u32 {
    const OUT: Self = 1 << (Self::BITS - SPARE_BITS);
    const ZERO: Self = 0;

    fn of(key: u64) -> Self {
        if key < OUT { key as Self } else { Self::OUT }
    }

    #[inline(always)]
    fn mark(outside: bool) -> Self {
        Self::from(outside) << (Self::BITS - SPARE_BITS)
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self.wrapping_add(other)
    }

    #[inline(always)]
    fn of_period(period: u64, stride: u64) -> Self {
        (period as Self).wrapping_mul(stride as Self) & (Self::OUT - 1)
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
const CODED: usize = 1 << 16;
/// Groups whose counters are an array of narrow lanes: they fit a second-level cache, or nearly.
const LANED: usize = 1 << 17;
/// Groups whose counters are an array however few rows there are.
const TINY: usize = 1 << 8;
/// Groups that rows are partitioned for, in one pass.
const PARTED: usize = 1 << 23;
/// Chunks that are looked at to learn whether rows that follow each other are in groups that do.
const SAMPLES: usize = 16;
/// Stretches of so many groups are told apart then, and so many of them may a chunk touch: their
/// counters fit a second-level cache, or nearly.
const STRETCH_BITS: u32 = 12;
const STRETCHES: usize = 48;

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
    if question.0.groups() < <u32 as Key>::OUT.wide() {
        Fold::<T, u32>::new(facts, instants, clock, rows, question).run(plans)
    } else {
        Fold::<T, u64>::new(facts, instants, clock, rows, question).run(plans)
    }
}

/// Takes the rows of one cohort, chunk by chunk.
pub(super) trait Sink<T, K> {
    /// Rows whose key is marked do not count.
    fn feed(&mut self, keys: &[K], codes: &[u16], spans: &Spans<'_, T>);

    /// Writes the groups in order of their keys. A tick has `unit` microseconds.
    fn finish(self: Box<Self>, unit: i64, counters: &mut CohortCounters);
}

struct Fold<'a, T, K> {
    facts: &'a OrderFacts,
    instants: &'a [Column<T>; INSTANTS],
    clock: Clock,
    as_of: T,
    lookups: Vec<(Dimension, Lookup<K>)>,
    layout: &'a Layout,
    bins: Bins,
    query: &'a KpiQuery,
    rows: std::ops::Range<usize>,
}

/// What the numbers of a dimension are in the key.
enum Lookup<K> {
    /// So few that a number of one byte is always found.
    Few(Box<[K; 256]>),
    Many(Vec<K>),
}

impl<K: Key> Lookup<K> {
    fn new(keys: Vec<K>) -> Self {
        if keys.len() > 256 {
            return Self::Many(keys);
        }
        let mut few = Box::new([K::OUT; 256]);
        for (slot, key) in few.iter_mut().zip(keys) {
            *slot = key;
        }
        Self::Few(few)
    }
}

/// The key of a number that is known to be found: the table's own numbers are below 256 where its
/// names are that few.
#[inline(always)]
fn few<K: Key>(keys: &[K; 256], number: u32) -> K {
    keys.get(usize::from(number as u8)).copied().unwrap_or(K::OUT)
}

/// Numbers of rows about whom a dimension says nothing.
static NO_NUMBERS: [u32; CHUNK] = [0; CHUNK];

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
        let narrow = |lookup: Vec<u64>| Lookup::new(lookup.into_iter().map(K::of).collect());
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
        let mut sinks: Vec<Box<dyn Sink<T, K> + '_>> =
            plans.iter().map(|plan| self.sink(plan)).collect();
        let mut samples: Vec<CohortCounters> = plans.iter().map(CohortCounters::new).collect();
        let unit = self.clock.unit;
        self.chunks(|chunk, columns, rows| {
            let plans = plans.iter().zip(sinks.iter_mut().zip(&mut samples));
            for (plan, (sink, samples)) in plans {
                self.cohort(plan, chunk, columns, rows);
                let codes = &chunk.scratch.codes;
                let Some(keys) = chunk.keys.get(..rows) else { continue };
                let spans = plan.spans(columns, rows);
                sink.feed(keys, codes, &spans);
                if self.query.percentiles && plan.sums {
                    for (row, (key, code)) in keys.iter().zip(codes).enumerate() {
                        if !key.is_out() && plan.has_duration(*code) {
                            let micros = spans.of(row, *code).wrapping_mul(unit);
                            samples.sample(key.wide(), micros);
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
                sink.finish(unit, &mut counters);
                counters
            })
            .collect()
    }

    fn sink<'p>(&self, plan: &'p CohortPlan) -> Box<dyn Sink<T, K> + 'p> {
        match (plan.width, plan.sums) {
            (4, false) => self.sink_of::<4, ()>(plan),
            (4, true) => self.sink_of::<4, T::Total>(plan),
            (8, false) => self.sink_of::<8, ()>(plan),
            (8, true) => self.sink_of::<8, T::Total>(plan),
            (12, false) => self.sink_of::<12, ()>(plan),
            (12, true) => self.sink_of::<12, T::Total>(plan),
            (_, false) => self.sink_of::<16, ()>(plan),
            (_, true) => self.sink_of::<16, T::Total>(plan),
        }
    }

    fn sink_of<'p, const W: usize, S: Total>(
        &self,
        plan: &'p CohortPlan,
    ) -> Box<dyn Sink<T, K> + 'p> {
        let deltas: &[[u32; W]] = plan.deltas.as_chunks().0;
        let rows = self.rows.len();
        let groups = usize::try_from(self.layout.groups()).unwrap_or(usize::MAX);
        // An array of more groups than this has mostly empty ones, and is slower than sorting.
        let roomy = groups <= rows.saturating_mul(8);
        let code_bits = plan.code_bits();
        if groups.saturating_mul(1 << code_bits) <= CODED && (roomy || groups <= TINY) {
            return Box::new(Coded::<W, S>::new(groups, code_bits, deltas));
        }
        let is_laned = || groups <= TINY || (roomy && (groups <= LANED || self.is_local(plan)));
        if is_laned() {
            if let Some(lanes) = Lanes::<W, u64, S>::new(groups, deltas, &plan.durations) {
                return Box::new(lanes);
            }
            if let Some(lanes) = Lanes::<W, u128, S>::new(groups, deltas, &plan.durations) {
                return Box::new(lanes);
            }
        }
        if groups > PARTED || !roomy {
            return Box::new(Sorted { deltas, records: Vec::new() });
        }
        let bits = usize::BITS - groups.saturating_sub(1).leading_zeros();
        if bits + code_bits <= u32::BITS {
            return Box::new(Partitioned::<W, u32, S>::new(groups, code_bits, deltas, rows));
        }
        Box::new(Partitioned::<W, u64, S>::new(groups, code_bits, deltas, rows))
    }

    /// Whether rows that follow each other are in groups near each other, as those of a table in
    /// order of time are.
    fn is_local(&self, plan: &CohortPlan) -> bool {
        let chunks = self.rows.len().div_ceil(CHUNK).max(1);
        let samples = chunks.min(SAMPLES);
        let (mut chunk, mut touched) = (Self::chunk(), 0);
        let mut stretches = Vec::with_capacity(CHUNK);
        for sample in 0..samples {
            let begin = self.rows.start + sample * chunks / samples * CHUNK;
            let rows = CHUNK.min(self.rows.end.saturating_sub(begin));
            let columns = self.columns(begin, rows);
            self.share(&columns, begin, rows, &mut chunk);
            self.cohort(plan, &mut chunk, &columns, rows);
            let keys = chunk.keys.iter().take(rows).filter(|key| !key.is_out());
            stretches.clear();
            stretches.extend(keys.map(|key| key.wide() >> STRETCH_BITS));
            stretches.sort_unstable();
            stretches.dedup();
            touched += stretches.len();
        }
        touched <= samples * STRETCHES
    }

    fn columns(&self, begin: usize, rows: usize) -> Columns<'a, T> {
        let rows = begin..begin + rows;
        Columns::of_table(self.instants, self.facts.flag_column(), self.clock, rows)
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
        let numbers = |dimension| {
            let column = self.facts.key_column(dimension).get(begin..begin + rows);
            column.unwrap_or(&NO_NUMBERS).get(..rows).unwrap_or(&[])
        };
        let mut is_first = true;
        for two in self.lookups.chunks(2) {
            let known = |key: K| if is_first { K::ZERO } else { key };
            match two {
                [(a, Lookup::Few(of_a)), (b, Lookup::Few(of_b))] => {
                    let pairs = numbers(*a).iter().zip(numbers(*b));
                    for (key, (a, b)) in shared.iter_mut().zip(pairs) {
                        *key = known(*key).plus(few(of_a, *a)).plus(few(of_b, *b));
                    }
                }
                _ => {
                    if is_first {
                        shared.fill(K::ZERO);
                    }
                    for (dimension, lookup) in two {
                        let pairs = shared.iter_mut().zip(numbers(*dimension));
                        match lookup {
                            Lookup::Few(keys) => {
                                pairs.for_each(|(key, a)| *key = key.plus(few(keys, *a)));
                            }
                            Lookup::Many(keys) => pairs.for_each(|(key, number)| {
                                let own = keys.get(*number as usize).copied();
                                *key = key.plus(own.unwrap_or(K::OUT));
                            }),
                        }
                    }
                }
            }
            is_first = false;
        }
        if is_first {
            shared.fill(K::ZERO);
        }
    }

    /// Makes keys and codes of one cohort.
    fn cohort(
        &self,
        plan: &CohortPlan,
        chunk: &mut Chunk<T, K>,
        columns: &Columns<'_, T>,
        rows: usize,
    ) {
        let (from, to) = (T::nearest(self.bins.from()), T::nearest(self.bins.to()));
        plan.fill_codes(columns, rows, chunk.common, &mut chunk.scratch);
        let buffer = chunk.scratch.instants.as_mut_slice();
        let instants = plan.instants(columns, rows, chunk.common, to, buffer);
        // A mark and no branch: whether a row lies in the window is hard to foresee.
        let outside = |instant: T| K::mark((instant < from) | (instant >= to));
        let stride = self.layout.period_stride();
        let parts = chunk.shared.iter().zip(instants);
        let keys = chunk.keys.iter_mut().zip(parts);
        match (self.bins.count(), self.bins.even()) {
            (..=1, _) => {
                for (key, (shared, instant)) in keys {
                    *key = shared.plus(outside(*instant));
                }
            }
            (_, Some(even)) => {
                for (key, (shared, instant)) in keys {
                    let period = K::of_period(instant.period(even), stride);
                    *key = shared.plus(outside(*instant)).plus(period);
                }
            }
            (_, None) => {
                for (key, (shared, instant)) in keys {
                    let period = K::of_period(self.bins.of(instant.wide()) as u64, stride);
                    *key = shared.plus(outside(*instant)).plus(period);
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
fn emit<const W: usize, S: Total>(
    first: u64,
    cells: &[[u32; W]],
    sums: &[S],
    unit: i64,
    counters: &mut CohortCounters,
) {
    for (key, (cell, sum)) in (first..).zip(cells.iter().zip(sums)) {
        if cell.iter().take(COMMON_SLOTS).fold(0, |all, count| all | count) != 0 {
            counters.push_cell(key, cell, sum.wide() * i128::from(unit));
        }
    }
}

/// How often each code occurs in each group. One addition a row; what the codes mean is added up in
/// the end.
struct Coded<'p, const W: usize, S> {
    deltas: &'p [[u32; W]],
    code_bits: u32,
    groups: usize,
    /// With those of a spare group for rows that do not count: that costs an addition, but whether a
    /// row counts is hard to foresee, and a branch would cost more.
    counts: Vec<u32>,
    sums: Vec<S>,
}

impl<'p, const W: usize, S: Total> Coded<'p, W, S> {
    fn new(groups: usize, code_bits: u32, deltas: &'p [[u32; W]]) -> Self {
        Self {
            deltas,
            code_bits,
            groups,
            counts: vec![0; (groups + 1) << code_bits],
            sums: vec![S::default(); groups + 1],
        }
    }
}

impl<const W: usize, T: Tick, K: Key, S: Total> Sink<T, K> for Coded<'_, W, S> {
    fn feed(&mut self, keys: &[K], codes: &[u16], spans: &Spans<'_, T>) {
        let (counts, sums) = (self.counts.as_mut_slice(), self.sums.as_mut_slice());
        let (bits, spare) = (self.code_bits, self.groups);
        let rows = keys.iter().zip(codes);
        let mut count = |key: &K, code: u16| {
            let place = key.place().min(spare);
            if let Some(count) = counts.get_mut(place << bits | usize::from(code)) {
                *count = count.wrapping_add(1);
            }
            place
        };
        if S::COUNTS {
            for ((key, code), (begin, end)) in rows.zip(spans.begin.iter().zip(spans.end)) {
                let place = count(key, *code);
                if let Some(sum) = sums.get_mut(place) {
                    sum.add(spans.between(*begin, *end, *code));
                }
            }
        } else {
            for (key, code) in rows {
                count(key, *code);
            }
        }
    }

    fn finish(self: Box<Self>, unit: i64, counters: &mut CohortCounters) {
        let mut cells = vec![[0_u32; W]; self.groups];
        for (cell, counts) in cells.iter_mut().zip(self.counts.chunks_exact(1 << self.code_bits)) {
            for (count, delta) in counts.iter().zip(self.deltas).filter(|(count, _)| **count > 0) {
                for (counter, more) in cell.iter_mut().zip(delta) {
                    *counter = counter.wrapping_add(count.wrapping_mul(*more));
                }
            }
        }
        emit(0, &cells, &self.sums, unit, counters);
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
struct Partitioned<'p, const W: usize, R, S> {
    deltas: &'p [[u32; W]],
    code_bits: u32,
    records: Vec<R>,
    /// Durations in ticks.
    durations: Vec<i64>,
    /// Records of each block, and in the last place rows that do not count.
    sizes: Vec<usize>,
    sums: std::marker::PhantomData<S>,
}

impl<'p, const W: usize, R: Record, S: Total> Partitioned<'p, W, R, S> {
    fn new(groups: usize, code_bits: u32, deltas: &'p [[u32; W]], rows: usize) -> Self {
        Self {
            deltas,
            code_bits,
            records: Vec::with_capacity(rows),
            durations: Vec::with_capacity(if S::COUNTS { rows } else { 0 }),
            sizes: vec![0; groups.div_ceil(BLOCK) + 1],
            sums: std::marker::PhantomData,
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
        if S::COUNTS {
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

impl<const W: usize, R: Record, T: Tick, K: Key, S: Total> Sink<T, K> for Partitioned<'_, W, R, S> {
    fn feed(&mut self, keys: &[K], codes: &[u16], spans: &Spans<'_, T>) {
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
        if S::COUNTS {
            let mut kept = [0_i64; CHUNK];
            let mut count = 0;
            let rows = keys.iter().zip(codes).zip(spans.begin.iter().zip(spans.end));
            for ((key, code), (begin, end)) in rows {
                if let Some(span) = kept.get_mut(count % CHUNK) {
                    *span = spans.between(*begin, *end, *code);
                }
                count += usize::from(!key.is_out());
            }
            self.durations.extend_from_slice(kept.get(..count).unwrap_or(&[]));
        }
    }

    fn finish(mut self: Box<Self>, unit: i64, counters: &mut CohortCounters) {
        let (records, durations) = self.by_block();
        // What came in is no longer needed; the results may take its place.
        self.records = Vec::new();
        self.durations = Vec::new();
        let code_mask = (1_usize << self.code_bits) - 1;
        let mut cells = vec![[0_u32; W]; BLOCK];
        let mut sums = vec![S::default(); BLOCK];
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
                    sum.add(*duration);
                }
            }
            emit((block as u64) << BLOCK_BITS, &cells, &sums, unit, counters);
            cells.fill([0; W]);
            sums.fill(S::default());
        }
    }
}

/// Few rows, or so many possible groups that no array holds them.
struct Sorted<'p, const W: usize> {
    deltas: &'p [[u32; W]],
    /// Key, code, and duration in ticks.
    records: Vec<(u64, u16, i64)>,
}

impl<const W: usize, T: Tick, K: Key> Sink<T, K> for Sorted<'_, W> {
    fn feed(&mut self, keys: &[K], codes: &[u16], spans: &Spans<'_, T>) {
        let rows = keys.iter().zip(codes).enumerate().filter(|(_, (key, _))| !key.is_out());
        self.records
            .extend(rows.map(|(row, (key, code))| (key.wide(), *code, spans.of(row, *code))));
    }

    fn finish(mut self: Box<Self>, unit: i64, counters: &mut CohortCounters) {
        self.records.sort_unstable_by_key(|(key, ..)| *key);
        for group in self.records.chunk_by(|a, b| a.0 == b.0) {
            let (mut cell, mut sum) = ([0_u32; W], 0_i128);
            for (_, code, duration) in group {
                if let Some(delta) = self.deltas.get(usize::from(*code)) {
                    add(&mut cell, delta);
                }
                sum.add(*duration);
            }
            if let Some((key, ..)) = group.first() {
                counters.push_cell(*key, &cell, sum * i128::from(unit));
            }
        }
    }
}
