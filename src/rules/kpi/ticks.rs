//! Instants of a table: whole seconds in four bytes where that is exact, microseconds in eight where
//! it is not.

use super::definitions::NEVER;
use super::facts::{INSTANTS, PackedRow};
use super::plan::CHUNK;
use super::query::Even;

/// A sum of spans between ticks.
pub(super) trait Total: Copy + Default + 'static {
    /// Whether there is anything to sum.
    const COUNTS: bool = true;

    fn add(&mut self, ticks: i64);

    fn wide(self) -> i128;
}

/// Spans of fewer than 2^32 seconds: those of 2^30 rows fit.
impl Total for i64 {
    #[inline(always)]
    fn add(&mut self, ticks: i64) {
        *self = self.wrapping_add(ticks);
    }

    fn wide(self) -> i128 {
        i128::from(self)
    }
}

impl Total for i128 {
    #[inline(always)]
    fn add(&mut self, ticks: i64) {
        *self += Self::from(ticks);
    }

    fn wide(self) -> i128 {
        self
    }
}

impl Total for () {
    const COUNTS: bool = false;

    fn add(&mut self, _ticks: i64) {}

    fn wide(self) -> i128 {
        0
    }
}

/// An instant of a column.
pub(super) trait Tick: Copy + Ord + 'static {
    /// What holds the sum of the spans of as many rows as are counted at a time.
    type Total: Total;
    /// A fact that did not happen, or a deadline that does not exist.
    const NEVER: Self;
    /// The last instant before that.
    const LAST: Self;
    /// As many of them as a chunk has rows, for columns that no row fills.
    const NEVERS: &'static [Self; CHUNK];

    fn wide(self) -> i64;

    /// The period of an instant that lies in the window; of any other instant, any number.
    fn period(self, even: Even) -> u64;

    /// The nearest value: what is too early becomes the least, which no column holds; what is too
    /// late becomes [`Tick::NEVER`].
    fn nearest(ticks: i64) -> Self;
}

impl Tick for i64 {
    type Total = i128;
    const NEVER: Self = NEVER;
    const LAST: Self = NEVER - 1;
    const NEVERS: &'static [Self; CHUNK] = &[NEVER; CHUNK];

    fn wide(self) -> i64 {
        self
    }

    #[inline(always)]
    fn period(self, even: Even) -> u64 {
        even.of(self)
    }

    fn nearest(ticks: i64) -> Self {
        ticks
    }
}

impl Tick for i32 {
    type Total = i64;
    const NEVER: Self = Self::MAX;
    const LAST: Self = Self::MAX - 1;
    const NEVERS: &'static [Self; CHUNK] = &[Self::MAX; CHUNK];

    fn wide(self) -> i64 {
        i64::from(self)
    }

    #[inline(always)]
    fn period(self, even: Even) -> u64 {
        even.of_short(self)
    }

    fn nearest(ticks: i64) -> Self {
        Self::try_from(ticks).unwrap_or(if ticks < 0 { Self::MIN } else { Self::MAX })
    }
}

/// How ticks stand to microseconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Clock {
    /// The microsecond of tick 0.
    pub(super) base: i64,
    /// Microseconds of a tick.
    pub(super) unit: i64,
}

impl Clock {
    pub(super) const MICROS: Self = Self { base: 0, unit: 1 };

    const fn seconds(base: i64) -> Self {
        Self { base, unit: 1_000_000 }
    }

    /// The last tick at or before an instant.
    pub(super) fn floor(self, micros: i64) -> i64 {
        let passed = i128::from(micros) - i128::from(self.base);
        i64::try_from(passed.div_euclid(i128::from(self.unit))).unwrap_or(NEVER)
    }

    /// The first tick at or after an instant.
    pub(super) fn ceil(self, micros: i64) -> i64 {
        let passed = i128::from(micros) - i128::from(self.base);
        let whole = -((-passed).div_euclid(i128::from(self.unit)));
        i64::try_from(whole).unwrap_or(NEVER)
    }

    fn micros(self, tick: i64) -> i64 {
        tick.saturating_mul(self.unit).saturating_add(self.base)
    }

    /// Microseconds as a tick of four bytes, if that is exact.
    fn narrow(self, micros: i64) -> Option<i32> {
        if micros == NEVER {
            return Some(i32::NEVER);
        }
        let passed = micros.checked_sub(self.base)?;
        let ticks = i32::try_from(passed / self.unit).ok()?;
        let is_exact = passed % self.unit == 0 && ticks != i32::MIN && ticks != i32::NEVER;
        is_exact.then_some(ticks)
    }
}

/// A column that costs nothing until a value differs from the default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Column<T>(pub(super) Vec<T>);

impl<T: Copy + PartialEq> Column<T> {
    pub(super) fn push(&mut self, value: T, default: T, rows_before: usize) {
        if self.0.is_empty() {
            if value == default {
                return;
            }
            self.0.resize(rows_before, default);
        }
        self.0.push(value);
    }

    pub(super) fn extend(&mut self, rows_before: usize, other: &[T], rows: usize, default: T) {
        if other.is_empty() {
            if !self.0.is_empty() {
                self.0.resize(rows_before.saturating_add(rows), default);
            }
            return;
        }
        if self.0.is_empty() {
            self.0.resize(rows_before, default);
        }
        self.0.extend_from_slice(other);
    }
}

type Columns<T> = [Column<T>; INSTANTS];

/// The instants of a table.
#[derive(Debug, Clone)]
pub(super) enum Instants {
    /// Every instant is a whole second within 68 years of the base.
    Seconds(Clock, Columns<i32>),
    /// Anything else.
    Micros(Columns<i64>),
}

impl Default for Instants {
    fn default() -> Self {
        Self::Seconds(Clock::seconds(0), Columns::default())
    }
}

impl Instants {
    pub(super) fn push(&mut self, row: &PackedRow, rows_before: usize) {
        if let Self::Seconds(clock, columns) = self {
            if rows_before == 0 {
                let first = row.instants.iter().find(|instant| **instant != NEVER).copied();
                let second = first.unwrap_or(0).div_euclid(1_000_000);
                *clock = Clock::seconds(second.saturating_mul(1_000_000));
            }
            let mut ticks = [i32::NEVER; INSTANTS];
            let fits = ticks.iter_mut().zip(row.instants).all(|(tick, instant)| {
                let narrow = clock.narrow(instant);
                *tick = narrow.unwrap_or(i32::NEVER);
                narrow.is_some()
            });
            if fits {
                for (column, tick) in columns.iter_mut().zip(ticks) {
                    column.push(tick, i32::NEVER, rows_before);
                }
                return;
            }
        }
        self.widen(|columns| {
            for (column, instant) in columns.iter_mut().zip(row.instants) {
                column.push(instant, NEVER, rows_before);
            }
        });
    }

    /// Goes over to microseconds, once for all.
    fn widen(&mut self, change: impl FnOnce(&mut Columns<i64>)) {
        match self {
            Self::Micros(columns) => change(columns),
            Self::Seconds(..) => {
                let mut columns = self.to_micros();
                change(&mut columns);
                *self = Self::Micros(columns);
            }
        }
    }

    pub(super) fn to_micros(&self) -> Columns<i64> {
        match self {
            Self::Micros(columns) => columns.clone(),
            Self::Seconds(clock, columns) => columns.each_ref().map(|column| {
                let wide = |tick: &i32| {
                    if *tick == i32::NEVER { NEVER } else { clock.micros(i64::from(*tick)) }
                };
                Column(column.0.iter().map(wide).collect())
            }),
        }
    }

    /// Columns of microseconds, narrowed if that is exact.
    pub(super) fn of_micros(columns: Columns<i64>) -> Self {
        let first = columns.iter().flat_map(|column| &column.0).find(|instant| **instant != NEVER);
        let second = first.copied().unwrap_or(0).div_euclid(1_000_000);
        let clock = Clock::seconds(second.saturating_mul(1_000_000));
        let narrow = columns.each_ref().map(|column| {
            column.0.iter().map(|instant| clock.narrow(*instant)).collect::<Option<Vec<_>>>()
        });
        if narrow.iter().all(Option::is_some) {
            Self::Seconds(clock, narrow.map(|column| Column(column.unwrap_or_default())))
        } else {
            Self::Micros(columns)
        }
    }

    pub(super) fn append(&mut self, rows_before: usize, other: &Self, rows: usize) {
        if rows_before == 0 {
            self.clone_from(other);
            return;
        }
        if let (Self::Seconds(own, columns), Self::Seconds(theirs, others)) = (&mut *self, other) {
            let shift = (theirs.base - own.base) / own.unit;
            let moved = others.each_ref().map(|column| {
                let ticks = column.0.iter().map(|tick| {
                    if *tick == i32::NEVER {
                        return Some(i32::NEVER);
                    }
                    let moved = i32::try_from(i64::from(*tick).checked_add(shift)?).ok()?;
                    (moved != i32::MIN && moved != i32::NEVER).then_some(moved)
                });
                ticks.collect::<Option<Vec<_>>>()
            });
            if moved.iter().all(Option::is_some) {
                for (column, ticks) in columns.iter_mut().zip(moved) {
                    column.extend(rows_before, &ticks.unwrap_or_default(), rows, i32::NEVER);
                }
                return;
            }
        }
        let others = other.to_micros();
        self.widen(|columns| {
            for (column, others) in columns.iter_mut().zip(others) {
                column.extend(rows_before, &others.0, rows, NEVER);
            }
        });
    }

    pub(super) fn row(&self, row: usize) -> [i64; INSTANTS] {
        match self {
            Self::Micros(columns) => {
                columns.each_ref().map(|column| column.0.get(row).copied().unwrap_or(NEVER))
            }
            Self::Seconds(clock, columns) => {
                columns.each_ref().map(|column| match column.0.get(row) {
                    None | Some(&i32::NEVER) => NEVER,
                    Some(tick) => clock.micros(i64::from(*tick)),
                })
            }
        }
    }
}
