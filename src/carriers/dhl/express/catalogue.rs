//! The products worth routing to, as dated data.

use crate::address::Country;
use crate::ids::ServiceCode;
use crate::order::SpeedClass;
use crate::shipment::{CarrierService, CostTier, Coverage, ServiceKey};
use crate::units::{Grams, Millimetres};

/// The day the catalogue was last compared with the official specification.
pub const CATALOGUE_AS_OF: &str = "2025-11-01";

/// Express Worldwide, goods.
pub const WORLDWIDE: &str = "P";
/// Express Worldwide, documents.
pub const WORLDWIDE_DOCUMENTS: &str = "D";
/// Express Worldwide inside the European Union.
pub const WORLDWIDE_EU: &str = "U";
/// Express 12:00, goods.
pub const NOON: &str = "Y";
/// Express 10:30, goods.
pub const HALF_PAST_TEN: &str = "M";
/// Express 9:00, goods.
pub const NINE: &str = "E";
/// Economy Select, goods.
pub const ECONOMY_SELECT: &str = "H";
/// Economy Select inside the European Union.
pub const ECONOMY_SELECT_EU: &str = "W";
/// Express Domestic.
pub const DOMESTIC: &str = "N";

/// 70 kg for a piece, customary; heavier ones need an arrangement.
pub(super) const MAX_WEIGHT: Grams = Grams::new(70_000);

/// The carrier's products for routing without quotes.
///
/// Codes and names are the carrier's; those of goods with a time (`Y`, `M`, `E`, `H`) come from an
/// older list. Weights, days and price classes are the customary ones: what is to be had depends on
/// the way and the account, and a quote knows better. Products over borders and those of countries
/// that are not named are off, because a catalogue cannot say "everywhere but here": a host names the
/// countries it sends to and turns them on. `J` is a placeholder in the official list and not here.
#[must_use]
pub fn catalogue() -> Vec<CarrierService> {
    use CostTier::{High, Medium};
    use SpeedClass::{Expedited, Standard};
    [
        (WORLDWIDE, "DHL Express Worldwide", Expedited, (1, 4), High),
        (WORLDWIDE_DOCUMENTS, "DHL Express Worldwide (documents)", Expedited, (1, 4), High),
        (WORLDWIDE_EU, "DHL Express Worldwide (EU)", Expedited, (1, 2), High),
        (NOON, "DHL Express 12:00", Expedited, (1, 3), High),
        (HALF_PAST_TEN, "DHL Express 10:30", Expedited, (1, 3), High),
        (NINE, "DHL Express 9:00", Expedited, (1, 3), High),
        (ECONOMY_SELECT, "DHL Economy Select", Standard, (3, 8), Medium),
        (ECONOMY_SELECT_EU, "DHL Economy Select (EU)", Standard, (2, 5), Medium),
        (DOMESTIC, "DHL Express Domestic", Expedited, (1, 2), High),
    ]
    .into_iter()
    .zip((10_u32..).step_by(10))
    .map(|((code, name, speed, (fastest, slowest), cost_tier), priority)| CarrierService {
        key: ServiceKey::new(super::DHL_EXPRESS, ServiceCode::from_static(code)),
        name: name.to_owned(),
        enabled: false,
        speed,
        min_transit_days: fastest,
        max_transit_days: slowest,
        cost_tier,
        coverage: Coverage {
            countries: if code.ends_with(['U', 'W']) { union() } else { Vec::new() },
            no_po_box: true,
            ..Coverage::default()
        },
        max_weight: Some(MAX_WEIGHT),
        max_length_plus_girth: None,
        // 120 cm is customary for a piece.
        max_length: Some(Millimetres::new(1_200)),
        max_value: None,
        batteries: false,
        liquids: false,
        economy: false,
        capacity_left: None,
        priority,
    })
    .collect()
}

/// The members of the European Union's customs union.
const UNION: [&str; 27] = [
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT",
    "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
];

fn union() -> Vec<Country> {
    UNION.iter().filter_map(|code| Country::new(code)).collect()
}

/// Whether there is no customs border between two countries.
pub(super) fn in_one_union(from: Country, to: Country) -> bool {
    [from, to].iter().all(|country| UNION.contains(&country.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carriers::events::reviewed;

    #[test]
    fn limits_never_let_more_through_than_the_official_sample_and_its_names_are_ours() {
        let rows = reviewed("dhl/express", "product-code-reference-sample.csv");
        assert_eq!(rows.len(), 21);
        let mut seen = 0;
        for service in catalogue() {
            let code = service.key.service.as_str();
            let Some(row) = rows.iter().find(|row| row[0] == code) else { continue };
            let most: rust_decimal::Decimal = row[5].parse().unwrap();
            let ours = rust_decimal::Decimal::from(service.max_weight.unwrap().get());
            assert!(ours <= most * rust_decimal::Decimal::ONE_THOUSAND, "{row:?}");
            let name = service.name.trim_start_matches("DHL ").to_uppercase();
            assert!(name.starts_with(row[1].as_str()), "{name} is {}", row[1]);
            seen += 1;
        }
        assert_eq!(seen, 4);
        assert!(catalogue().iter().all(|service| service.key.service.as_str() != "J"));
    }

    #[test]
    fn every_member_of_the_union_is_a_country_the_carrier_knows() {
        let rows = reviewed("dhl/express", "country-reference-sample.csv");
        assert!(rows.len() > 200, "{}", rows.len());
        for country in union() {
            let row = rows.iter().find(|row| row[0] == country.as_str());
            assert_eq!(row.unwrap_or_else(|| panic!("{country}"))[6], "EU", "{country}");
        }
        assert_eq!(union().len(), 27);
    }
}
