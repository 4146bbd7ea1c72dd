//! What routing saved, what carriers charge, and where to negotiate. Pure sums over parcels.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::ids::CarrierId;
use crate::money::{Currency, Money, MoneyError};
use crate::order::Order;
use crate::shipment::{RateQuote, ServiceKey};
use crate::units::{Dimensions, Grams};

/// Parcels a month from which a carrier is worth negotiating with.
pub const NEGOTIATE_FROM: u64 = 1_000;

/// A parcel whose label was bought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RoutedParcel {
    /// The service bought.
    pub service: ServiceKey,
    /// What it cost.
    pub cost: Money,
    /// What the baseline service would have cost for the same parcel, if known.
    pub baseline: Option<Money>,
    /// When the label was bought.
    pub bought_at: DateTime<Utc>,
    /// How heavy, packaging included.
    pub weight: Grams,
    /// Of that, the packaging.
    pub packaging: Grams,
    /// How big.
    pub dimensions: Option<Dimensions>,
}

impl RoutedParcel {
    /// A parcel without baseline, packaging or size.
    #[must_use]
    pub const fn new(
        service: ServiceKey,
        cost: Money,
        bought_at: DateTime<Utc>,
        weight: Grams,
    ) -> Self {
        let (baseline, packaging, dimensions) = (None, Grams::ZERO, None);
        Self { service, cost, baseline, bought_at, weight, packaging, dimensions }
    }

    /// Sets what the baseline service would have cost.
    #[must_use]
    pub const fn with_baseline(mut self, cost: Money) -> Self {
        self.baseline = Some(cost);
        self
    }

    /// Sets how much of the weight is packaging.
    #[must_use]
    pub const fn with_packaging(mut self, packaging: Grams) -> Self {
        self.packaging = packaging;
        self
    }

    /// Sets the size.
    #[must_use]
    pub const fn with_dimensions(mut self, dimensions: Dimensions) -> Self {
        self.dimensions = Some(dimensions);
        self
    }

    /// The parcels of an order that have a label, without baseline. A label whose parts are in
    /// different currencies counts with its postage alone; one without a stated price is left out.
    #[must_use]
    pub fn of_order(order: &Order) -> Vec<Self> {
        order
            .packages
            .iter()
            .filter_map(|package| {
                let record =
                    package.label.record.as_ref().filter(|record| !record.cost.unstated)?;
                let service = ServiceKey::new(record.carrier.clone(), record.service.clone());
                let cost = record.cost.total().unwrap_or(record.cost.postage);
                let parcel = Self::new(service, cost, record.purchased_at, package.weight);
                Some(Self { dimensions: package.dimensions, ..parcel })
            })
            .collect()
    }

    /// The weight a carrier bills: the larger of the scales' and the size's, in grams.
    /// `divisor` is cubic millimetres per gram, 5,000 for the usual 5,000 cm³/kg.
    fn billable(&self, divisor: u32) -> u64 {
        let by_size =
            self.dimensions.map_or(0, |size| size.volume().div_ceil(u128::from(divisor.max(1))));
        u64::from(self.weight.get()).max(u64::try_from(by_size).unwrap_or(u64::MAX))
    }
}

/// What parcels cost against a baseline, in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaselineReport {
    /// Parcels whose baseline is known in the same currency.
    pub compared: u64,
    /// Parcels left out.
    pub left_out: u64,
    /// What they cost.
    pub cost: Money,
    /// What the baseline would have cost.
    pub baseline: Money,
}

impl BaselineReport {
    /// What was saved; negative is lost.
    ///
    /// # Errors
    /// [`MoneyError::OutOfRange`].
    pub fn saved(&self) -> Result<Money, MoneyError> {
        self.baseline.checked_sub(&self.cost)
    }

    /// What was saved in hundredths of a percent of the baseline, rounded towards zero; `None`
    /// when the baseline is nothing. 2,000 is 20 %.
    #[must_use]
    pub fn saved_basis_points(&self) -> Option<i64> {
        basis_points(&self.saved().ok()?, &self.baseline)
    }
}

/// `part` in hundredths of a percent of `whole`, rounded towards zero.
fn basis_points(part: &Money, whole: &Money) -> Option<i64> {
    use rust_decimal::prelude::ToPrimitive;
    if whole.is_zero() || whole.is_negative() {
        return None;
    }
    part.amount.checked_mul(10_000.into())?.checked_div(whole.amount)?.trunc().to_i64()
}

/// Compares what parcels cost with what a baseline service would have cost, per currency.
///
/// # Errors
/// [`MoneyError::OutOfRange`] when a sum does not fit.
pub fn cost_against_baseline<'a>(
    parcels: impl IntoIterator<Item = &'a RoutedParcel>,
) -> Result<BTreeMap<Currency, BaselineReport>, MoneyError> {
    let mut reports: BTreeMap<Currency, BaselineReport> = BTreeMap::new();
    for parcel in parcels {
        let currency = parcel.cost.currency;
        let report = reports.entry(currency).or_insert_with(|| BaselineReport {
            compared: 0,
            left_out: 0,
            cost: Money::zero(currency),
            baseline: Money::zero(currency),
        });
        match parcel.baseline.filter(|baseline| baseline.currency == currency) {
            Some(baseline) => {
                report.cost = report.cost.checked_add(&parcel.cost)?;
                report.baseline = report.baseline.checked_add(&baseline)?;
                report.compared += 1;
            }
            None => report.left_out += 1,
        }
    }
    Ok(reports)
}

/// How far carriers are apart for one parcel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceSpread {
    /// Each carrier's cheapest offer, cheapest first, ties by carrier.
    pub by_carrier: Vec<(CarrierId, Money)>,
    /// Dearest minus cheapest.
    pub difference: Money,
    /// The difference in hundredths of a percent of the dearest, rounded towards zero; `None` when
    /// the dearest is free.
    pub basis_points: Option<i64>,
}

/// How far the carriers' cheapest offers for a parcel are apart. Offers in another currency than
/// most carriers' do not count. `None` with fewer than two carriers.
#[must_use]
pub fn price_spread(quotes: &[RateQuote]) -> Option<PriceSpread> {
    let mut best: BTreeMap<(Currency, &CarrierId), Money> = BTreeMap::new();
    for quote in quotes {
        best.entry((quote.total.currency, &quote.service.carrier))
            .and_modify(|known| {
                if quote.total.amount < known.amount {
                    *known = quote.total;
                }
            })
            .or_insert(quote.total);
    }
    let currency = super::rank::main_currency(best.keys().map(|(currency, _)| *currency))?;
    let mut by_carrier: Vec<(CarrierId, Money)> = best
        .into_iter()
        .filter(|((of, _), _)| *of == currency)
        .map(|((_, carrier), money)| (carrier.clone(), money))
        .collect();
    by_carrier.sort_by(|a, b| a.1.amount.cmp(&b.1.amount).then_with(|| a.0.cmp(&b.0)));
    let (Some((_, least)), Some((_, most))) = (by_carrier.first(), by_carrier.last()) else {
        return None;
    };
    let difference = most.checked_sub(least).ok()?;
    let basis_points = basis_points(&difference, most);
    (by_carrier.len() > 1).then_some(PriceSpread { by_carrier, difference, basis_points })
}

/// Parcels of a carrier in a month.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CarrierVolume {
    /// Year of the local month.
    pub year: i32,
    /// Local month, 1 to 12.
    pub month: u32,
    /// The carrier.
    pub carrier: CarrierId,
    /// Parcels bought.
    pub parcels: u64,
}

impl CarrierVolume {
    /// Whether there are enough parcels to negotiate prices: [`NEGOTIATE_FROM`] or more.
    #[must_use]
    pub const fn is_worth_negotiating(&self) -> bool {
        self.parcels >= NEGOTIATE_FROM
    }
}

/// Parcels per local month and carrier, oldest first, then by carrier.
#[must_use]
pub fn monthly_volume<'a>(
    parcels: impl IntoIterator<Item = &'a RoutedParcel>,
    zone: Tz,
) -> Vec<CarrierVolume> {
    let calendar = crate::calendar::WorkCalendar::every_day(zone);
    let mut counts: BTreeMap<(i32, u32, &CarrierId), u64> = BTreeMap::new();
    for parcel in parcels {
        let day = calendar.local_date(parcel.bought_at);
        *counts.entry((day.year(), day.month(), &parcel.service.carrier)).or_default() += 1;
    }
    counts
        .into_iter()
        .map(|((year, month, carrier), parcels)| CarrierVolume {
            year,
            month,
            carrier: carrier.clone(),
            parcels,
        })
        .collect()
}

/// How much of what carriers bill is packaging.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackagingShare {
    /// Parcels.
    pub parcels: u64,
    /// Grams billed: the larger of weight and size.
    pub billable_grams: u64,
    /// Grams of packaging on the scales.
    pub packaging_grams: u64,
    /// Grams billed because parcels are bulky: what the size adds to the weight.
    pub bulk_grams: u64,
}

impl PackagingShare {
    /// Packaging and bulk in hundredths of a percent of what is billed; `None` when nothing is.
    #[must_use]
    pub fn basis_points(&self) -> Option<u64> {
        if self.billable_grams == 0 {
            return None;
        }
        let part = u128::from(self.packaging_grams) + u128::from(self.bulk_grams);
        u64::try_from(part * 10_000 / u128::from(self.billable_grams)).ok()
    }
}

/// How much of the billed weight is packaging: its own weight, and the empty space it encloses.
/// `divisor` is the carrier's, in cubic millimetres per gram: 5,000 for the usual 5,000 cm³/kg.
#[must_use]
pub fn packaging_share<'a>(
    parcels: impl IntoIterator<Item = &'a RoutedParcel>,
    divisor: u32,
) -> PackagingShare {
    let mut share = PackagingShare::default();
    for parcel in parcels {
        let (weight, billable) = (u64::from(parcel.weight.get()), parcel.billable(divisor));
        let packaging = u64::from(parcel.packaging.get()).min(weight);
        share.parcels += 1;
        share.billable_grams = share.billable_grams.saturating_add(billable);
        share.packaging_grams = share.packaging_grams.saturating_add(packaging);
        share.bulk_grams = share.bulk_grams.saturating_add(billable.saturating_sub(weight));
    }
    share
}
