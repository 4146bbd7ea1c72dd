//! The services worth routing to, as dated data.

use crate::address::Country;
use crate::ids::ServiceCode;
use crate::money::{Currency, Money};
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
/// First-Class Package International, up to 4 lb and 400 USD.
pub const FIRST_CLASS_INTERNATIONAL: &str = "FIRST-CLASS_PACKAGE_INTERNATIONAL_SERVICE";
/// Priority Mail International.
pub const PRIORITY_MAIL_INTERNATIONAL: &str = "PRIORITY_MAIL_INTERNATIONAL";
/// Priority Mail Express International.
pub const PRIORITY_MAIL_EXPRESS_INTERNATIONAL: &str = "PRIORITY_MAIL_EXPRESS_INTERNATIONAL";

/// 70 lb, rounded down: a limit must not let more through.
pub(super) const MAX_WEIGHT: Grams = Grams::new(31_751);
/// 108 in of length plus girth, rounded down.
const PRIORITY_GIRTH: Millimetres = Millimetres::new(2_743);
/// 130 in of length plus girth (above 108 in at the oversized price), rounded down.
pub(super) const GROUND_GIRTH: Millimetres = Millimetres::new(3_302);

/// First-Class Package International ends at 4 lb and 24 in.
const PACKET_WEIGHT: Grams = Grams::new(1_814);
const PACKET_LENGTH: Millimetres = Millimetres::new(609);
/// 79 in of length plus girth, rounded down: what every country takes. Some take more.
const ABROAD_GIRTH: Millimetres = Millimetres::new(2_006);
/// 42 in, and 36 in for Express, rounded down.
const PRIORITY_LENGTH: Millimetres = Millimetres::new(1_066);
const EXPRESS_LENGTH: Millimetres = Millimetres::new(914);

/// Where mail goes at domestic prices.
pub(super) const DOMESTIC: [&str; 10] =
    ["US", "PR", "VI", "GU", "AS", "MP", "UM", "PW", "FM", "MH"];

fn countries(codes: &[&str]) -> Vec<Country> {
    codes.iter().copied().filter_map(Country::new).collect()
}

/// The carrier's services for routing without quotes: within the country, its territories
/// included, and to other countries.
///
/// Transit days and price classes are the usual ones; a quote knows better. Batteries count as
/// ground-only because spare lithium cells must not fly. Sizes to other countries are those of the
/// International Mail Manual that hold for every country.
#[must_use]
pub fn catalogue() -> Vec<CarrierService> {
    use CostTier::{High, Low, Medium, MediumLow};
    use SpeedClass::{Economy, Expedited, Standard};
    let domestic = [
        (GROUND_ADVANTAGE, "USPS Ground Advantage", Economy, (2, 5), Low, GROUND_GIRTH),
        (PRIORITY_MAIL, "Priority Mail", Standard, (1, 3), Medium, PRIORITY_GIRTH),
        (PRIORITY_MAIL_EXPRESS, "Priority Mail Express", Expedited, (1, 2), High, PRIORITY_GIRTH),
    ]
    .map(|(code, name, speed, days, cost_tier, girth)| {
        let ground = code == GROUND_ADVANTAGE;
        CarrierService {
            // Domestic mail includes the territories.
            coverage: Coverage {
                countries: countries(&["US", "PR", "VI", "GU", "AS", "MP"]),
                ..Coverage::default()
            },
            max_length_plus_girth: Some(girth),
            batteries: ground,
            economy: ground,
            ..service(code, name, speed, days, cost_tier)
        }
    });
    let international = [
        (
            FIRST_CLASS_INTERNATIONAL,
            "First-Class Package International",
            Economy,
            (7, 21),
            MediumLow,
        ),
        (PRIORITY_MAIL_INTERNATIONAL, "Priority Mail International", Standard, (6, 10), Medium),
        (
            PRIORITY_MAIL_EXPRESS_INTERNATIONAL,
            "Priority Mail Express International",
            Expedited,
            (3, 5),
            High,
        ),
    ]
    .map(|(code, name, speed, days, cost_tier)| {
        let packet = code == FIRST_CLASS_INTERNATIONAL;
        CarrierService {
            coverage: Coverage { excluded_countries: countries(&DOMESTIC), ..Coverage::default() },
            max_weight: Some(if packet { PACKET_WEIGHT } else { MAX_WEIGHT }),
            max_length_plus_girth: (!packet).then_some(ABROAD_GIRTH),
            max_length: Some(match code {
                FIRST_CLASS_INTERNATIONAL => PACKET_LENGTH,
                PRIORITY_MAIL_INTERNATIONAL => PRIORITY_LENGTH,
                _ => EXPRESS_LENGTH,
            }),
            // "Cannot exceed $400 for FIRST-CLASS_PACKAGE_INTERNATIONAL_SERVICE" (160201).
            max_value: packet.then(|| Money::from_minor(40_000, Currency::USD)),
            economy: packet,
            ..service(code, name, speed, days, cost_tier)
        }
    });
    domestic
        .into_iter()
        .chain(international)
        .zip((10_u32..).step_by(10))
        .map(|(service, priority)| CarrierService { priority, ..service })
        .collect()
}

/// What all services share; the rest is filled in by the caller.
fn service(
    code: &'static str,
    name: &str,
    speed: SpeedClass,
    (min_transit_days, max_transit_days): (u32, u32),
    cost_tier: CostTier,
) -> CarrierService {
    CarrierService {
        key: ServiceKey::new(super::USPS, ServiceCode::from_static(code)),
        name: name.to_owned(),
        enabled: true,
        speed,
        min_transit_days,
        max_transit_days,
        cost_tier,
        coverage: Coverage::default(),
        max_weight: Some(MAX_WEIGHT),
        max_length_plus_girth: None,
        max_length: None,
        max_value: None,
        batteries: false,
        liquids: true,
        economy: false,
        capacity_left: None,
        priority: 0,
    }
}

/// Whether a mail class goes to other countries.
pub(super) fn is_international(class: &str) -> bool {
    [FIRST_CLASS_INTERNATIONAL, PRIORITY_MAIL_INTERNATIONAL, PRIORITY_MAIL_EXPRESS_INTERNATIONAL]
        .contains(&class)
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
        // The only one that is spelt with a hyphen.
        "FIRST_CLASS_PACKAGE_INTERNATIONAL_SERVICE" | "FIRST_CLASS_PACKAGE_INTERNATIONAL" => {
            FIRST_CLASS_INTERNATIONAL.to_owned()
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
        assert!(PACKET_WEIGHT.to_pounds(4) <= rust_decimal::Decimal::from(4));
        assert!(ABROAD_GIRTH.to_inches(2) <= rust_decimal::Decimal::from(79));
        assert!(GROUND_GIRTH.to_inches(2) <= rust_decimal::Decimal::from(130));
    }
}
