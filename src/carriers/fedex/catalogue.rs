//! The services worth routing to, as dated data.

use crate::address::Country;
use crate::carriers::fitting::OUTSIDE;
use crate::ids::ServiceCode;
use crate::order::SpeedClass;
use crate::shipment::{CarrierService, CostTier, Coverage, ServiceKey};
use crate::units::Grams;

/// The day the catalogue was last compared with the carrier's specifications.
pub const CATALOGUE_AS_OF: &str = "2025-10-01";

/// Ground, to business addresses.
pub const GROUND: &str = "FEDEX_GROUND";
/// Ground, to homes.
pub const HOME_DELIVERY: &str = "GROUND_HOME_DELIVERY";
/// Ground Economy, which needs a hub of the account.
pub const GROUND_ECONOMY: &str = "SMART_POST";
/// Three days.
pub const EXPRESS_SAVER: &str = "FEDEX_EXPRESS_SAVER";
/// Two days.
pub const TWO_DAY: &str = "FEDEX_2_DAY";
/// The next afternoon.
pub const STANDARD_OVERNIGHT: &str = "STANDARD_OVERNIGHT";
/// The next morning.
pub const PRIORITY_OVERNIGHT: &str = "PRIORITY_OVERNIGHT";
/// Over a border, for those who can wait a little.
pub const CONNECT_PLUS: &str = "FEDEX_INTERNATIONAL_CONNECT_PLUS";
/// Over a border, the cheaper of the two old ones.
pub const INTERNATIONAL_ECONOMY: &str = "INTERNATIONAL_ECONOMY";
/// Over a border, the faster of the two old ones.
pub const INTERNATIONAL_PRIORITY: &str = "FEDEX_INTERNATIONAL_PRIORITY";

/// 150 lb, rounded down: a limit must not let more through.
pub(super) const MAX_WEIGHT: Grams = Grams::new(68_038);

/// Whether a service is one of the Ground network: it is closed at the end of the day, and fetched
/// by drivers of its own.
pub(super) fn is_ground(service: &str) -> bool {
    [GROUND, HOME_DELIVERY, GROUND_ECONOMY].contains(&service)
}

/// The carrier's services from the United States for routing without quotes: within the country, and
/// over a border.
///
/// Transit days and price classes are the usual ones; a quote knows better. One official table
/// limits Ground to 70 lb, the general rules to 150: the larger is set here and the carrier has the
/// last word, as it has on sizes. Ground Economy is only sold with a hub.
#[must_use]
pub fn catalogue() -> Vec<CarrierService> {
    use CostTier::{High, Low, Medium, MediumLow};
    use SpeedClass::{Economy, Expedited, Standard};
    [
        (GROUND, "FedEx Ground", Standard, (1, 5), MediumLow, true),
        (HOME_DELIVERY, "FedEx Home Delivery", Standard, (1, 5), MediumLow, true),
        (GROUND_ECONOMY, "FedEx Ground Economy", Economy, (2, 7), Low, true),
        (EXPRESS_SAVER, "FedEx Express Saver", Standard, (3, 3), Medium, false),
        (TWO_DAY, "FedEx 2Day", Expedited, (2, 2), High, false),
        (STANDARD_OVERNIGHT, "FedEx Standard Overnight", Expedited, (1, 1), High, false),
        (PRIORITY_OVERNIGHT, "FedEx Priority Overnight", Expedited, (1, 1), High, false),
        (CONNECT_PLUS, "FedEx International Connect Plus", Standard, (2, 5), Medium, false),
        (INTERNATIONAL_ECONOMY, "FedEx International Economy", Standard, (4, 6), Medium, false),
        (INTERNATIONAL_PRIORITY, "FedEx International Priority", Expedited, (1, 3), High, false),
    ]
    .into_iter()
    .zip((10_u32..).step_by(10))
    .map(|((code, name, speed, (fastest, slowest), cost_tier, ground), priority)| {
        let economy = code == GROUND_ECONOMY;
        let abroad = [CONNECT_PLUS, INTERNATIONAL_ECONOMY, INTERNATIONAL_PRIORITY].contains(&code);
        CarrierService {
            key: ServiceKey::new(super::FEDEX, ServiceCode::from_static(code)),
            name: name.to_owned(),
            // Without a hub it cannot be bought; a host that has one turns it on.
            enabled: !economy,
            speed,
            min_transit_days: fastest,
            max_transit_days: slowest,
            cost_tier,
            coverage: Coverage {
                countries: if abroad { Vec::new() } else { vec![Country::US] },
                excluded_countries: if abroad { vec![Country::US] } else { Vec::new() },
                // Military post offices are the post's; territories are countries here.
                excluded_states: if abroad {
                    Vec::new()
                } else {
                    OUTSIDE.iter().map(|state| (*state).to_owned()).collect()
                },
                // Ground Economy ends at the post office's door.
                no_po_box: !economy,
                // Ground takes business addresses; homes are Home Delivery's.
                no_residential: code == GROUND,
                ..Coverage::default()
            },
            max_weight: Some(MAX_WEIGHT),
            max_length_plus_girth: None,
            max_length: None,
            max_value: None,
            batteries: ground,
            liquids: true,
            economy,
            capacity_left: None,
            priority,
        }
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_never_let_more_through_than_the_carrier_does() {
        assert!(MAX_WEIGHT.to_pounds(4) <= rust_decimal::Decimal::from(150));
    }
}
