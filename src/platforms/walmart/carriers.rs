//! What Walmart calls the carriers.

use super::config::Market;
use crate::ports::CarrierNaming;

/// The names Walmart takes as `carrier` in the United States, word for word.
const NAMES: &[&str] = &[
    "UPS",
    "USPS",
    "FedEx",
    "Airborne",
    "OnTrac",
    "DHL Ecommerce - US",
    "DHL",
    "LS",
    "UDS",
    "UPSMI",
    "FDX",
    "PILOT",
    "ESTES",
    "SAIA",
    "FDS Express",
    "Seko Worldwide",
    "HIT Delivery",
    "FEDEXSP",
    "RL Carriers",
    "Metropolitan Warehouse & Delivery",
    "China Post",
    "YunExpress",
    "Yellow Freight Sys",
    "AIT Worldwide Logistics",
    "Chukou1",
    "Sendle",
    "Landmark Global",
    "Sunyou",
    "Yanwen",
    "4PX",
    "GLS",
    "OSM Worldwide",
    "FIRST MILE",
    "AM Trucking",
    "CEVA",
    "India Post",
    "SF Express",
    "CNE",
    "TForce Freight",
    "AxleHire",
    "LSO",
    "Royal Mail",
    "ABF Freight System",
    "WanB",
    "Roadrunner Freight",
    "Meyer Distribution",
    "AAA Cooper",
    "Canada Post",
    "Southeastern Freight Lines",
    "Japan Post",
    "Correos de Mexico",
    "XPO Logistics",
    "JD Logistics",
    "YDH",
    "JCEX",
    "Flyt",
    "Deutsche Post",
    "Better Trucks",
    "Asendia",
    "SFC",
    "UBI",
    "ePost Global",
    "YF Logistics",
    "RXO",
    "Estes Express",
    "Shypmax",
    "WIN.IT America",
    "PITT OHIO",
    "PostNord Sweden",
    "Equick",
    "Whistl",
    "Tusou",
    "Shiprocket",
    "DTDC",
    "PTS",
];

/// The names Walmart takes as `carrier` in Canada, word for word.
const CANADIAN_NAMES: &[&str] = &[
    "UPS",
    "USPS",
    "FedEx",
    "CPC",
    "PCLINT",
    "DHL",
    "GLB",
    "PURINTL_SWWGROUND",
    "FEDEX_SWWEXPRESS",
    "17Track",
    "ASL",
    "CANPAR",
    "CEVA",
    "LOOMIS",
    "SAMEDAY",
    "SWYFT",
    "TFORCE",
    "UBI",
    "JIAYOU",
    "LETTERMAIL",
];

/// Carriers whose usual id does not read like the Canadian name. What `PCLINT` and `GLB` stand for
/// is not said anywhere.
const CANADIAN_ALIASES: &[(&str, &str)] = &[
    ("canadapost", "CPC"),
    ("dhlexpress", "DHL"),
    ("fedexexpress", "FedEx"),
    ("loomisexpress", "LOOMIS"),
];

/// Carriers whose usual id does not read like Walmart's name.
const ALIASES: &[(&str, &str)] = &[
    ("dhlexpress", "DHL"),
    ("dhlecommerce", "DHL Ecommerce - US"),
    ("dhlecommerceus", "DHL Ecommerce - US"),
    ("lasership", "LS"),
    ("uniteddeliveryservice", "UDS"),
    ("upsmailinnovations", "UPSMI"),
    ("upsmi", "UPSMI"),
    ("fedexsmartpost", "FEDEXSP"),
    ("fedexgroundeconomy", "FEDEXSP"),
    ("lonestarovernight", "LSO"),
];

/// Whether a name is one that Walmart takes as `carrier` in the United States.
#[cfg(feature = "sandbox")]
pub(crate) fn is_known(name: &str) -> bool {
    NAMES.contains(&name)
}

/// Letters and digits only, in lower case.
fn squeezed(text: &str) -> String {
    let kept = text.chars().filter(|letter| letter.is_alphanumeric());
    kept.flat_map(char::to_lowercase).collect()
}

/// Walmart's name for a carrier, or the way to name one it has no name for.
pub(super) fn naming(carrier: &str, market: Market) -> CarrierNaming {
    let (names, aliases) = match market {
        Market::UnitedStates => (NAMES, ALIASES),
        Market::Canada => (CANADIAN_NAMES, CANADIAN_ALIASES),
    };
    let wanted = squeezed(carrier);
    let alias = aliases.iter().find(|(id, _)| *id == wanted).map(|(_, name)| *name);
    let known = alias.or_else(|| names.iter().find(|name| squeezed(name) == wanted).copied());
    match known {
        Some(name) => CarrierNaming::Code(name.to_owned()),
        None => CarrierNaming::Other { name: carrier.to_owned() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carriers_are_called_as_walmart_calls_them_and_strangers_by_their_name() {
        let cases = [
            ("usps", "USPS"),
            ("fedex", "FedEx"),
            ("ups", "UPS"),
            ("dhl", "DHL"),
            ("dhl-express", "DHL"),
            ("dhl-ecommerce", "DHL Ecommerce - US"),
            ("ups-mail-innovations", "UPSMI"),
            ("fedex_smartpost", "FEDEXSP"),
            ("lasership", "LS"),
            ("canada-post", "Canada Post"),
        ];
        for (id, name) in cases {
            let found = naming(id, Market::UnitedStates);
            assert_eq!(found, CarrierNaming::Code(name.to_owned()), "{id}");
        }
        let stranger = CarrierNaming::Other { name: "amazon-shipping".to_owned() };
        assert_eq!(naming("amazon-shipping", Market::UnitedStates), stranger);
    }

    #[test]
    fn every_name_leads_to_itself() {
        assert_eq!((NAMES.len(), CANADIAN_NAMES.len()), (75, 20));
        for (market, names) in [(Market::UnitedStates, NAMES), (Market::Canada, CANADIAN_NAMES)] {
            for name in names {
                assert_eq!(naming(name, market), CarrierNaming::Code((*name).to_owned()));
            }
        }
    }

    #[test]
    fn canada_has_names_of_its_own() {
        let code = |name: &str| CarrierNaming::Code(name.to_owned());
        assert_eq!(naming("canada-post", Market::Canada), code("CPC"));
        assert_eq!(naming("canada-post", Market::UnitedStates), code("Canada Post"));
        let ontrac = CarrierNaming::Other { name: "ontrac".to_owned() };
        assert_eq!(naming("ontrac", Market::Canada), ontrac);
    }
}
