//! What is asked: which figures, over which window, of which orders, grouped by what.

use std::collections::BTreeSet;
use std::fmt;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::definitions::{KpiPolicy, KpiSet};
use super::facts::{RowKeys, instant_micros};
use super::ticks::Clock;
use crate::calendar::local_day;
use crate::ids::{CarrierId, PlatformId, ServiceCode, ShopId, Sku, WarehouseId};

/// What figures are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Dimension {
    /// Shop.
    Shop,
    /// Platform.
    Platform,
    /// Site or market.
    Site,
    /// Carrier.
    Carrier,
    /// Service.
    Service,
    /// Warehouse.
    Warehouse,
    /// Region of the buyer.
    Region,
    /// Stock keeping unit: an order counts once for each of its own, so groups may add up to more
    /// than there are orders.
    Sku,
    /// Day, week or month of each figure's own cohort instant.
    Period,
}

impl Dimension {
    /// Those of which an order has one value.
    pub(super) const SINGLE: [Self; 7] = [
        Self::Shop,
        Self::Platform,
        Self::Site,
        Self::Carrier,
        Self::Service,
        Self::Warehouse,
        Self::Region,
    ];

    /// Those that have names.
    pub(super) const NAMED: [Self; 8] = [
        Self::Shop,
        Self::Platform,
        Self::Site,
        Self::Carrier,
        Self::Service,
        Self::Warehouse,
        Self::Region,
        Self::Sku,
    ];
}

/// A half-open window `[from, to)` of instants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Window {
    /// Begin, included.
    pub from: DateTime<Utc>,
    /// End, excluded.
    pub to: DateTime<Utc>,
}

impl Window {
    /// A window between two instants.
    #[must_use]
    pub const fn new(from: DateTime<Utc>, to: DateTime<Utc>) -> Self {
        Self { from, to }
    }

    /// The window of local dates, the last one included.
    ///
    /// ```
    /// use chrono::NaiveDate;
    /// use orderflow::rules::kpi::Window;
    ///
    /// let day = NaiveDate::from_ymd_opt(2026, 3, 8).unwrap();
    /// let window = Window::of_dates(day, day, chrono_tz::America::New_York);
    /// // The day on which clocks go forward has 23 hours.
    /// assert_eq!((window.to - window.from).num_hours(), 23);
    /// ```
    #[must_use]
    pub fn of_dates(first: NaiveDate, last: NaiveDate, zone: Tz) -> Self {
        let after = last.succ_opt().unwrap_or(last);
        Self::new(day_begins(first, zone), day_begins(after, zone))
    }

    /// Whether an instant lies in it.
    #[must_use]
    pub fn contains(&self, instant: DateTime<Utc>) -> bool {
        self.from <= instant && instant < self.to
    }
}

/// The first instant of a local date.
fn day_begins(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    // Local times at the ends of what can be represented overflow; nobody's orders are there.
    local_day(zone, day.clamp(FIRST_DAY, LAST_DAY)).start
}

const FIRST_DAY: NaiveDate = match NaiveDate::from_ymd_opt(1, 1, 2) {
    Some(day) => day,
    None => NaiveDate::MIN,
};
const LAST_DAY: NaiveDate = match NaiveDate::from_ymd_opt(9999, 12, 30) {
    Some(day) => day,
    None => NaiveDate::MAX,
};

/// The local date of an instant, kept inside of the years 1 to 9999.
pub(super) fn local_date(instant: DateTime<Utc>, zone: Tz) -> NaiveDate {
    let day = instant.date_naive();
    if day <= FIRST_DAY || day >= LAST_DAY {
        return day.clamp(FIRST_DAY, LAST_DAY);
    }
    instant.with_timezone(&zone).date_naive()
}

/// How long the periods of a series are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PeriodUnit {
    /// Local days.
    Day,
    /// Weeks from Monday.
    Week,
    /// Calendar months.
    Month,
}

impl PeriodUnit {
    fn begin(self, day: NaiveDate) -> NaiveDate {
        match self {
            Self::Day => day,
            Self::Week => {
                let back = u64::from(day.weekday().num_days_from_monday());
                day.checked_sub_days(Days::new(back)).unwrap_or(day)
            }
            Self::Month => day.with_day(1).unwrap_or(day),
        }
    }

    fn next(self, begin: NaiveDate) -> Option<NaiveDate> {
        match self {
            Self::Day => begin.succ_opt(),
            Self::Week => begin.checked_add_days(Days::new(7)),
            Self::Month => begin.checked_add_months(Months::new(1)),
        }
    }
}

/// Periods in a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Periods {
    /// How long.
    pub unit: PeriodUnit,
    /// Whose days.
    pub zone: Tz,
}

/// Which orders are looked at. Empty fields are all; fields combine with AND, lists are OR inside.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KpiScope {
    /// Shops.
    pub shops: Vec<ShopId>,
    /// Platforms.
    pub platforms: Vec<PlatformId>,
    /// Sites.
    pub sites: Vec<String>,
    /// Carriers.
    pub carriers: Vec<CarrierId>,
    /// Services.
    pub services: Vec<ServiceCode>,
    /// Warehouses.
    pub warehouses: Vec<WarehouseId>,
    /// Regions.
    pub regions: Vec<String>,
    /// SKUs; an order fits with one of them.
    pub skus: Vec<Sku>,
}

impl KpiScope {
    /// The texts a dimension is limited to; empty is no limit.
    pub(super) fn texts(&self, dimension: Dimension) -> Vec<&str> {
        match dimension {
            Dimension::Shop => self.shops.iter().map(ShopId::as_str).collect(),
            Dimension::Platform => self.platforms.iter().map(PlatformId::as_str).collect(),
            Dimension::Site => self.sites.iter().map(String::as_str).collect(),
            Dimension::Carrier => self.carriers.iter().map(CarrierId::as_str).collect(),
            Dimension::Service => self.services.iter().map(ServiceCode::as_str).collect(),
            Dimension::Warehouse => self.warehouses.iter().map(WarehouseId::as_str).collect(),
            Dimension::Region => self.regions.iter().map(String::as_str).collect(),
            Dimension::Sku => self.skus.iter().map(Sku::as_str).collect(),
            Dimension::Period => Vec::new(),
        }
    }

    /// The same scope with every list in order and each item once.
    fn in_order(mut self) -> Self {
        fn sort<T: Ord>(list: &mut Vec<T>) {
            list.sort_unstable();
            list.dedup();
        }
        sort(&mut self.shops);
        sort(&mut self.platforms);
        sort(&mut self.sites);
        sort(&mut self.carriers);
        sort(&mut self.services);
        sort(&mut self.warehouses);
        sort(&mut self.regions);
        sort(&mut self.skus);
        self
    }

    /// Whether a row is looked at.
    #[must_use]
    pub fn fits(&self, keys: &RowKeys) -> bool {
        let one = |dimension: Dimension| {
            let texts = self.texts(dimension);
            texts.is_empty() || keys.part(dimension).is_some_and(|part| texts.contains(&part))
        };
        Dimension::SINGLE.into_iter().all(one)
            && (self.skus.is_empty() || keys.skus.iter().any(|sku| self.skus.contains(sku)))
    }
}

/// A question about figures.
///
/// ```
/// use chrono::{TimeZone, Utc};
/// use orderflow::rules::kpi::{Dimension, KpiId, KpiQuery, PeriodUnit, Periods, Window};
///
/// let day = |d| Utc.with_ymd_and_hms(2026, 3, d, 0, 0, 0).unwrap();
/// let query = KpiQuery::new(Window::new(day(1), day(31)), day(31))
///     .with_kpis([KpiId::OnTimeShipping, KpiId::Complaint])
///     .grouped_by([Dimension::Shop, Dimension::Carrier])
///     .per(Periods { unit: PeriodUnit::Week, zone: chrono_tz::America::Sao_Paulo });
/// assert_eq!(query.group_by.len(), 3);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct KpiQuery {
    /// Which figures. What is not asked for costs nothing.
    pub kpis: KpiSet,
    /// Where each figure's cohort instant must lie.
    pub window: Window,
    /// What is known: facts after this instant have not happened yet.
    pub as_of: DateTime<Utc>,
    /// Groups.
    pub group_by: BTreeSet<Dimension>,
    /// Periods, when grouped by [`Dimension::Period`].
    pub periods: Option<Periods>,
    /// Which orders.
    pub scope: KpiScope,
    /// Definitions that a shop may choose.
    pub policy: KpiPolicy,
    /// Whether durations keep every value, for percentiles; otherwise only count and sum.
    pub percentiles: bool,
}

impl KpiQuery {
    /// Every figure of a window, in one group.
    #[must_use]
    pub fn new(window: Window, as_of: DateTime<Utc>) -> Self {
        Self {
            kpis: KpiSet::all(),
            window,
            as_of,
            group_by: BTreeSet::new(),
            periods: None,
            scope: KpiScope::default(),
            policy: KpiPolicy::default(),
            percentiles: false,
        }
    }

    /// Asks only for some figures.
    #[must_use]
    pub fn with_kpis(mut self, kpis: impl IntoIterator<Item = super::KpiId>) -> Self {
        self.kpis = KpiSet::of(kpis);
        self
    }

    /// Groups by dimensions. For periods use [`KpiQuery::per`].
    #[must_use]
    pub fn grouped_by(mut self, dimensions: impl IntoIterator<Item = Dimension>) -> Self {
        self.group_by.extend(dimensions);
        self
    }

    /// Groups by day, week or month as well: a series.
    #[must_use]
    pub fn per(mut self, periods: Periods) -> Self {
        self.group_by.insert(Dimension::Period);
        self.periods = Some(periods);
        self
    }

    /// Looks only at some orders.
    #[must_use]
    pub fn within(mut self, scope: KpiScope) -> Self {
        self.scope = scope;
        self
    }

    /// The same question with the lists of its scope in order, each item once.
    pub(super) fn in_order(&self) -> Self {
        Self { scope: self.scope.clone().in_order(), ..self.clone() }
    }

    /// Chooses definitions.
    #[must_use]
    pub fn under(mut self, policy: KpiPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Keeps every duration, so that p50, p90 and p95 can be read.
    #[must_use]
    pub const fn with_percentiles(mut self) -> Self {
        self.percentiles = true;
        self
    }
}

/// The most periods a series may have.
pub const MAX_PERIODS: usize = 20_000;

/// A question that cannot be answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KpiError {
    /// The window ends before it begins.
    #[error("window: it ends at {to}, before it begins at {from}")]
    EmptyWindow {
        /// Its begin.
        from: DateTime<Utc>,
        /// Its end.
        to: DateTime<Utc>,
    },
    /// Grouped by period, but no unit and zone are given.
    #[error("periods: grouped by period without a unit and a zone")]
    NoPeriods,
    /// The window has more than [`MAX_PERIODS`] periods.
    #[error("window: it has more than {MAX_PERIODS} periods")]
    TooManyPeriods,
    /// The dimensions together have more combinations than a key of 63 bits can name.
    #[error("group_by: the dimensions have more combinations than can be told apart")]
    TooManyGroups,
    /// More than 4,294,967,295 orders in one aggregate.
    #[error("orders: an aggregate holds at most 4294967295 of them")]
    TooManyOrders,
    /// Counters of different questions cannot be merged.
    #[error("query: counters of different questions cannot be merged")]
    DifferentQueries,
    /// A sum of amounts has too many digits.
    #[error("costs: a sum has too many digits")]
    AmountOutOfRange,
    /// The counters are not grouped as the question needs.
    #[error("group_by: the counters must be grouped by {0}")]
    NotGroupedBy(&'static str),
    /// Stored counters whose parts do not fit each other.
    #[error("stored counters are damaged: {0}")]
    Damaged(&'static str),
}

/// Where the periods of a window begin, found quickly for an instant.
#[derive(Debug, Clone)]
pub(super) struct Bins {
    /// Begin of each period, then the end of the window; the first is the begin of the window.
    bounds: Vec<i64>,
    dates: Vec<NaiveDate>,
    /// `2^40` over the usual length of a period in units of `2^20` µs.
    magic: u64,
    /// Microseconds of a unit of the bounds.
    unit: i64,
    /// Set when all periods are equally long.
    even: Option<Even>,
}

/// Division by the one length of all periods, as a multiplication of two numbers of 32 bits: several
/// are done at a time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Even {
    from: i64,
    /// Powers of two in the length.
    shift: u32,
    /// `2^bits` over the rest of the length, rounded up.
    inverse: u32,
    bits: u32,
    /// Whether the window is shorter than 2^32 ticks.
    is_short: bool,
}

impl Even {
    /// The quotient `x / d` is `x · ⌈2^bits / d⌉ / 2^bits`, rounded down, whenever `x · d < 2^bits`.
    fn new(bounds: &[i64]) -> Option<Self> {
        let [first, second, ..] = bounds else { return None };
        let length = second.checked_sub(*first).filter(|length| *length > 0)?;
        let (last, inner) = bounds.split_last()?;
        let even = inner.iter().zip(inner.iter().skip(1)).all(|(a, b)| b - a == length);
        let tail = inner.last().is_some_and(|begin| last - begin <= length);
        let shift = length.trailing_zeros();
        let rest = (length >> shift).unsigned_abs();
        let most = (last.checked_sub(*first)? >> shift).unsigned_abs();
        u32::try_from(most).ok()?;
        let bits = u64::BITS - most.checked_mul(rest)?.leading_zeros();
        let inverse = 1_u64.checked_shl(bits)?.div_ceil(rest);
        (even && tail).then_some(Self {
            from: *first,
            shift,
            inverse: u32::try_from(inverse).ok()?,
            bits,
            is_short: last.checked_sub(*first).is_some_and(|all| u32::try_from(all).is_ok()),
        })
    }

    /// The period of an instant that lies in the window; of any other instant, any number.
    #[inline(always)]
    pub(super) fn of(self, instant: i64) -> u64 {
        let passed = instant.wrapping_sub(self.from).cast_unsigned() >> self.shift;
        (u64::from(passed as u32) * u64::from(self.inverse)) >> self.bits
    }

    /// [`Even::of`] for ticks of four bytes, in half of the room: twice as many are done at a time.
    #[inline(always)]
    pub(super) fn of_short(self, instant: i32) -> u64 {
        if !self.is_short {
            return self.of(i64::from(instant));
        }
        // The difference fits, though not with a sign: what is cut off of the begin is cut off twice.
        let passed = instant.wrapping_sub(self.from as i32).cast_unsigned() >> self.shift;
        (u64::from(passed) * u64::from(self.inverse)) >> self.bits
    }
}

impl Bins {
    pub(super) fn new(query: &KpiQuery) -> Result<Self, KpiError> {
        let window = query.window;
        if window.to < window.from {
            return Err(KpiError::EmptyWindow { from: window.from, to: window.to });
        }
        let (from, to) = (instant_micros(window.from), instant_micros(window.to));
        if !query.group_by.contains(&Dimension::Period) {
            return Ok(Self {
                bounds: vec![from, to],
                dates: Vec::new(),
                magic: 0,
                unit: 1,
                even: None,
            });
        }
        let periods = query.periods.ok_or(KpiError::NoPeriods)?;
        let local = local_date(window.from, periods.zone);
        let (mut bounds, mut dates) = (Vec::new(), Vec::new());
        let mut begin = Some(periods.unit.begin(local));
        while let Some(date) = begin {
            let at = instant_micros(day_begins(date, periods.zone));
            if at >= to && !dates.is_empty() {
                break;
            }
            if dates.len() >= MAX_PERIODS {
                return Err(KpiError::TooManyPeriods);
            }
            bounds.push(at.max(from));
            dates.push(date);
            begin = periods.unit.next(date);
        }
        bounds.push(to);
        let usual: i64 = match periods.unit {
            PeriodUnit::Day => 86_400_000_000,
            PeriodUnit::Week => 7 * 86_400_000_000,
            PeriodUnit::Month => 2_629_746_000_000,
        };
        let magic = (1_u64 << 40) / (usual >> 20).unsigned_abs();
        let even = Even::new(&bounds);
        Ok(Self { bounds, dates, magic, unit: 1, even })
    }

    /// The same periods for instants in ticks.
    pub(super) fn in_ticks(&self, clock: Clock) -> Self {
        let bounds: Vec<i64> = self.bounds.iter().map(|bound| clock.ceil(*bound)).collect();
        let even = if self.dates.is_empty() { None } else { Even::new(&bounds) };
        Self { bounds, dates: self.dates.clone(), magic: self.magic, unit: clock.unit, even }
    }

    pub(super) fn count(&self) -> usize {
        self.bounds.len().saturating_sub(1)
    }

    pub(super) const fn even(&self) -> Option<Even> {
        self.even
    }

    pub(super) fn dates(&self) -> &[NaiveDate] {
        &self.dates
    }

    pub(super) fn from(&self) -> i64 {
        self.bounds.first().copied().unwrap_or(0)
    }

    pub(super) fn to(&self) -> i64 {
        self.bounds.last().copied().unwrap_or(0)
    }

    /// The period of an instant that lies in the window.
    #[inline(always)]
    pub(super) fn of(&self, instant: i64) -> usize {
        let last = self.count().saturating_sub(1);
        let passed =
            instant.wrapping_sub(self.from()).wrapping_mul(self.unit).cast_unsigned() >> 20;
        let guess = passed.wrapping_mul(self.magic) >> 40;
        let mut bin = usize::try_from(guess).unwrap_or(last).min(last);
        while bin > 0 && self.bounds.get(bin).is_some_and(|begin| instant < *begin) {
            bin -= 1;
        }
        while bin < last && self.bounds.get(bin + 1).is_some_and(|end| instant >= *end) {
            bin += 1;
        }
        bin
    }
}

/// The values of the dimensions of a group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GroupKey {
    /// The first local date of the period, when grouped by period.
    pub period: Option<NaiveDate>,
    /// The other dimensions; `None` is "not known".
    pub parts: std::collections::BTreeMap<Dimension, Option<String>>,
}

impl GroupKey {
    /// The value of a dimension; `None` when it is not known or not grouped by.
    #[must_use]
    pub fn part(&self, dimension: Dimension) -> Option<&str> {
        self.parts.get(&dimension)?.as_deref()
    }
}

impl fmt::Display for GroupKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut begun = false;
        if let Some(period) = self.period {
            write!(f, "{period}")?;
            begun = true;
        }
        for part in self.parts.values() {
            if begun {
                f.write_str(" / ")?;
            }
            f.write_str(part.as_deref().unwrap_or("unknown"))?;
            begun = true;
        }
        if begun { Ok(()) } else { f.write_str("all") }
    }
}
