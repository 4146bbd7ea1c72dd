//! What a promotion will need.

use serde::{Deserialize, Serialize};

/// What one order takes. All of it is configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ForecastFactors {
    /// The peak is at least so many times a usual day. Default 5.
    pub low: u32,
    /// And at most so many times. Default 10.
    pub high: u32,
    /// Parcels of 100 orders. Default 100.
    pub parcels_per_100_orders: u32,
    /// Sheets or labels of paper per parcel: label, packing slip. Default 2.
    pub paper_per_parcel: u32,
    /// Seconds of a person per parcel: pick, pack, check. Default 240.
    pub staff_seconds_per_parcel: u32,
}

impl Default for ForecastFactors {
    fn default() -> Self {
        Self {
            low: 5,
            high: 10,
            parcels_per_100_orders: 100,
            paper_per_parcel: 2,
            staff_seconds_per_parcel: 240,
        }
    }
}

/// What there is for a day. `None` is not known, and not judged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Capacity {
    /// Labels that can be bought and printed.
    pub labels: Option<u64>,
    /// Sheets or labels of paper in the house.
    pub paper: Option<u64>,
    /// Boxes and bags in the house.
    pub packaging: Option<u64>,
    /// Minutes that the staff works.
    pub staff_minutes: Option<u64>,
}

/// What the forecast is made from.
#[derive(Debug, Clone, Copy)]
pub struct ForecastInput<'a> {
    /// Orders of the last days, newest last; their mean is a usual day.
    pub orders_per_day: &'a [u32],
    /// What one order takes.
    pub factors: ForecastFactors,
    /// What there is.
    pub capacity: Capacity,
}

/// What a day needs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demand {
    /// Orders.
    pub orders: u64,
    /// Labels, one a parcel.
    pub labels: u64,
    /// Paper.
    pub paper: u64,
    /// Boxes and bags, one a parcel.
    pub packaging: u64,
    /// Minutes of work.
    pub staff_minutes: u64,
}

impl Demand {
    /// What so many parcels of so many orders take, for example those that a dry run would buy
    /// labels for; every part rounded up.
    ///
    /// ```
    /// use orderflow::rules::analytics::{Capacity, Demand, ForecastFactors};
    ///
    /// let mut capacity = Capacity::default();
    /// capacity.staff_minutes = Some(480);
    /// let planned = Demand::of_parcels(130, 140, &ForecastFactors::default());
    /// assert_eq!(
    ///     planned.short_of(&capacity),
    ///     ["80 minutes of work are short: 560 needed, 480 there"],
    /// );
    /// ```
    #[must_use]
    pub fn of_parcels(orders: u64, parcels: u64, factors: &ForecastFactors) -> Self {
        let each =
            |count: u32, per: u128| to_u64((u128::from(parcels) * u128::from(count)).div_ceil(per));
        Self {
            orders,
            labels: parcels,
            paper: each(factors.paper_per_parcel, 1),
            packaging: parcels,
            staff_minutes: each(factors.staff_seconds_per_parcel, 60),
        }
    }

    /// What is missing for it, in words; empty is enough of everything known.
    #[must_use]
    pub fn short_of(&self, capacity: &Capacity) -> Vec<String> {
        let parts = [
            ("labels", self.labels, capacity.labels),
            ("sheets of paper", self.paper, capacity.paper),
            ("boxes and bags", self.packaging, capacity.packaging),
            ("minutes of work", self.staff_minutes, capacity.staff_minutes),
        ];
        parts
            .into_iter()
            .filter_map(|(what, needed, there)| {
                let there = there.filter(|there| *there < needed)?;
                Some(format!("{} {what} are short: {needed} needed, {there} there", needed - there))
            })
            .collect()
    }
}

fn to_u64(number: u128) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// What a promotion will need, and what is missing for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forecast {
    /// Days that the usual day is the mean of.
    pub days: u64,
    /// A day at the low factor.
    pub low: Demand,
    /// A day at the high factor.
    pub high: Demand,
    /// What is short on a day at the high factor, in words; empty is enough of everything known.
    pub short: Vec<String>,
}

/// Forecasts a day of a promotion: the mean of the days given, times the factors, every part rounded
/// up; `None` without days. Pure.
///
/// ```
/// use orderflow::rules::analytics::{Capacity, ForecastFactors, ForecastInput, promotion_forecast};
///
/// let mut capacity = Capacity::default();
/// capacity.labels = Some(450);
/// let forecast = promotion_forecast(&ForecastInput {
///     orders_per_day: &[40, 50, 60],
///     factors: ForecastFactors::default(),
///     capacity,
/// })
/// .unwrap();
/// assert_eq!((forecast.low.orders, forecast.high.orders), (250, 500));
/// assert_eq!(forecast.high.staff_minutes, 2_000);
/// assert_eq!(forecast.short, ["50 labels are short: 500 needed, 450 there"]);
/// ```
#[must_use]
pub fn promotion_forecast(input: &ForecastInput<'_>) -> Option<Forecast> {
    let days = input.orders_per_day.len() as u128;
    if days == 0 {
        return None;
    }
    let sum: u128 = input.orders_per_day.iter().map(|orders| u128::from(*orders)).sum();
    let factors = input.factors;
    let demand = |factor: u32| {
        let orders = (sum * u128::from(factor)).div_ceil(days);
        let parcels = (orders * u128::from(factors.parcels_per_100_orders)).div_ceil(100);
        Demand::of_parcels(to_u64(orders), to_u64(parcels), &factors)
    };
    let (low, high) =
        (demand(factors.low.min(factors.high)), demand(factors.high.max(factors.low)));
    let short = high.short_of(&input.capacity);
    Some(Forecast { days: to_u64(days), low, high, short })
}
