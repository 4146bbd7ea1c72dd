//! The products worth routing to, as dated data, and what size weighs.

use rust_decimal::{Decimal, RoundingStrategy};

use crate::address::Country;
use crate::ids::ServiceCode;
use crate::order::SpeedClass;
use crate::shipment::{CarrierService, CostTier, Coverage, ServiceKey};
use crate::units::Grams;

/// The day the catalogue was last compared with the carrier's reference pages.
pub const CATALOGUE_AS_OF: &str = "2026-11-26";

/// Parcel Ground, inside the United States.
pub const GROUND: &str = "GND";
/// Parcel Expedited, inside the United States.
pub const EXPEDITED: &str = "EXP";
/// Parcel Expedited Max, inside the United States.
pub const EXPEDITED_MAX: &str = "MAX";
/// Packet International.
pub const PACKET_INTERNATIONAL: &str = "PKY";
/// Parcel International Standard.
pub const PARCEL_STANDARD: &str = "PLY";
/// Parcel International Direct.
pub const PARCEL_DIRECT: &str = "PLT";
/// Parcel International Expedited; no dangerous goods.
pub const PARCEL_EXPEDITED: &str = "PLX";

/// 25 lb, rounded down; customary for domestic parcels.
const DOMESTIC_WEIGHT: Grams = Grams::new(11_339);
/// 4.4 lb; customary for packets.
const PACKET_WEIGHT: Grams = Grams::new(1_995);
/// 44 lb; customary for international parcels.
pub(super) const MAX_WEIGHT: Grams = Grams::new(19_958);

/// The territories of the United States have countries of their own and no border of the post's.
pub(super) const TERRITORIES: [&str; 9] = ["PR", "VI", "GU", "AS", "MP", "UM", "PW", "FM", "MH"];

/// Products that stay inside the country: what was bought of them can be voided. Bound printed
/// matter (`BGN`, `BEX`) is among them.
pub(super) fn is_domestic(product: &str) -> bool {
    [GROUND, EXPEDITED, EXPEDITED_MAX, "BGN", "BEX"].contains(&product)
}

/// The carrier's products for routing without quotes.
///
/// Ids and names are the carrier's. It publishes neither limits nor days for its API: weights, days
/// and price classes are the customary ones, and the carrier has the last word.
#[must_use]
pub fn catalogue() -> Vec<CarrierService> {
    use CostTier::{Low, Medium, MediumLow};
    use SpeedClass::{Economy, Expedited, Standard};
    let home = Some(DOMESTIC_WEIGHT);
    let abroad = Some(MAX_WEIGHT);
    let at_home: Vec<Country> =
        ["US"].into_iter().chain(TERRITORIES).filter_map(Country::new).collect();
    [
        (GROUND, "DHL eCommerce Ground", Economy, (3, 8), Low, home),
        (EXPEDITED, "DHL eCommerce Expedited", Economy, (2, 5), MediumLow, home),
        (EXPEDITED_MAX, "DHL eCommerce Expedited Max", Standard, (2, 3), Medium, home),
        (
            PACKET_INTERNATIONAL,
            "DHL Packet International",
            Economy,
            (6, 14),
            Low,
            Some(PACKET_WEIGHT),
        ),
        (PARCEL_STANDARD, "DHL Parcel International Standard", Economy, (8, 14), MediumLow, abroad),
        (PARCEL_DIRECT, "DHL Parcel International Direct", Standard, (4, 8), Medium, abroad),
        (PARCEL_EXPEDITED, "DHL Parcel International Expedited", Expedited, (3, 6), Medium, abroad),
    ]
    .into_iter()
    .zip((10_u32..).step_by(10))
    .map(|((code, name, speed, (fastest, slowest), cost_tier, max_weight), priority)| {
        let domestic = is_domestic(code);
        CarrierService {
            key: ServiceKey::new(super::DHL_ECOMMERCE, ServiceCode::from_static(code)),
            name: name.to_owned(),
            enabled: true,
            speed,
            min_transit_days: fastest,
            max_transit_days: slowest,
            cost_tier,
            coverage: Coverage {
                countries: if domestic { at_home.clone() } else { Vec::new() },
                excluded_countries: if domestic { Vec::new() } else { at_home.clone() },
                ..Coverage::default()
            },
            max_weight,
            max_length_plus_girth: None,
            max_length: None,
            max_value: None,
            // Goods that are dangerous need a code this adapter does not send.
            batteries: false,
            liquids: false,
            economy: speed == Economy,
            capacity_left: None,
            priority,
        }
    })
    .collect()
}

/// Cubic inches to the pound.
pub const VOLUMETRIC_DIVISOR: Decimal = Decimal::from_parts(166, 0, 0, false, 0);

/// What a parcel weighs for its price, in pounds of two decimals, as a client of the carrier
/// computes it: only above 1 lb, 50 in of length and girth and one cubic foot does its size count,
/// and then a pound for every `divisor` cubic inches (customarily [`VOLUMETRIC_DIVISOR`]). The charge
/// that counts is the one in a quote.
///
/// `None` when a number does not fit, or the divisor is zero.
#[must_use]
pub fn billed_pounds(pounds: Decimal, inches: [Decimal; 3], divisor: Decimal) -> Option<Decimal> {
    let [a, b, c] = inches;
    let longest = a.max(b).max(c);
    let girth =
        a.checked_add(b)?.checked_add(c)?.checked_sub(longest)?.checked_mul(Decimal::TWO)?;
    let volume = a.checked_mul(b)?.checked_mul(c)?;
    let counts = pounds > Decimal::ONE
        && longest.checked_add(girth)? > Decimal::from(50)
        && volume > Decimal::from(1_728);
    let billed = if counts { pounds.max(volume.checked_div(divisor)?) } else { pounds };
    Some(billed.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_never_let_more_through_than_is_customary() {
        assert!(DOMESTIC_WEIGHT.to_pounds(4) <= Decimal::from(25));
        assert!(PACKET_WEIGHT.to_pounds(4) <= Decimal::new(44, 1));
        assert!(MAX_WEIGHT.to_pounds(4) <= Decimal::from(44));
    }
}
