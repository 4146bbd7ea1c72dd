//! The domestic services worth routing to, as dated data.

use crate::address::Country;
use crate::ids::ServiceCode;
use crate::order::SpeedClass;
use crate::shipment::{CarrierService, CostTier, Coverage, ServiceKey};
use crate::units::{Grams, Millimetres};

/// The day the catalogue was last compared with the carrier's specifications.
pub const CATALOGUE_AS_OF: &str = "2026-06-23";

/// Ground Advantage, which replaced First-Class Package and Parcel Select Ground in July 2023.
pub const GROUND_ADVANTAGE: &str = "USPS_GROUND_ADVANTAGE";
/// Priority Mail.
pub const PRIORITY_MAIL: &str = "PRIORITY_MAIL";
/// Priority Mail Express.
pub const PRIORITY_MAIL_EXPRESS: &str = "PRIORITY_MAIL_EXPRESS";

/// 70 lb, rounded down: a limit must not let more through.
pub(super) const MAX_WEIGHT: Grams = Grams::new(31_751);
/// 108 in of length plus girth, rounded down.
const PRIORITY_GIRTH: Millimetres = Millimetres::new(2_743);
/// 130 in of length plus girth (above 108 in at the oversized price), rounded down.
pub(super) const GROUND_GIRTH: Millimetres = Millimetres::new(3_302);

/// The carrier's services for routing without quotes.
///
/// Transit days and price classes are the usual ones; a quote knows better. Batteries count as
/// ground-only because spare lithium cells must not fly.
#[must_use]
pub fn catalogue() -> Vec<CarrierService> {
    [
        (
            GROUND_ADVANTAGE,
            "USPS Ground Advantage",
            SpeedClass::Economy,
            (2, 5),
            CostTier::Low,
            GROUND_GIRTH,
            true,
        ),
        (
            PRIORITY_MAIL,
            "Priority Mail",
            SpeedClass::Standard,
            (1, 3),
            CostTier::Medium,
            PRIORITY_GIRTH,
            false,
        ),
        (
            PRIORITY_MAIL_EXPRESS,
            "Priority Mail Express",
            SpeedClass::Expedited,
            (1, 2),
            CostTier::High,
            PRIORITY_GIRTH,
            false,
        ),
    ]
    .into_iter()
    .zip((10_u32..).step_by(10))
    .map(|((code, name, speed, (fastest, slowest), cost_tier, girth, ground), priority)| {
        CarrierService {
            key: ServiceKey::new(super::USPS, ServiceCode::from_static(code)),
            name: name.to_owned(),
            enabled: true,
            speed,
            min_transit_days: fastest,
            max_transit_days: slowest,
            cost_tier,
            // Domestic mail includes the territories.
            coverage: Coverage {
                countries: ["US", "PR", "VI", "GU", "AS", "MP"]
                    .into_iter()
                    .filter_map(Country::new)
                    .collect(),
                ..Coverage::default()
            },
            max_weight: Some(MAX_WEIGHT),
            max_length_plus_girth: Some(girth),
            max_length: None,
            max_value: None,
            batteries: ground,
            liquids: true,
            economy: ground,
            capacity_left: None,
            priority,
        }
    })
    .collect()
}

/// The mail class of a service code. Old and colloquial names of products that no longer exist
/// become what the carrier itself converts them to.
pub(super) fn mail_class(service: &ServiceCode) -> String {
    let plain = service.as_str().trim().to_ascii_uppercase().replace([' ', '-'], "_");
    match plain.as_str() {
        "FIRST_CLASS"
        | "USPS_FIRST_CLASS"
        | "FIRST_CLASS_PACKAGE"
        | "FIRST_CLASS_MAIL"
        | "FIRST_CLASS_PACKAGE_SERVICE"
        | "GROUND_ADVANTAGE" => GROUND_ADVANTAGE.to_owned(),
        "PRIORITY" | "USPS_PRIORITY_MAIL" => PRIORITY_MAIL.to_owned(),
        "EXPRESS" | "PRIORITY_EXPRESS" | "USPS_PRIORITY_MAIL_EXPRESS" => {
            PRIORITY_MAIL_EXPRESS.to_owned()
        }
        _ => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_first_class_names_mean_ground_advantage() {
        for old in [
            "FIRST-CLASS_PACKAGE_SERVICE",
            "FIRST_CLASS_PACKAGE_SERVICE",
            "First-Class Package",
            "first class",
        ] {
            assert_eq!(mail_class(&ServiceCode::new(old).unwrap()), GROUND_ADVANTAGE, "{old}");
        }
        assert_eq!(mail_class(&ServiceCode::from_static("MEDIA_MAIL")), "MEDIA_MAIL");
    }

    #[test]
    fn limits_never_let_more_through_than_the_carrier_does() {
        let pounds = MAX_WEIGHT.to_pounds(4);
        assert!(pounds <= rust_decimal::Decimal::from(70), "{pounds}");
        assert!(GROUND_GIRTH.to_inches(2) <= rust_decimal::Decimal::from(130));
    }
}
