//! Where to and from whom: addresses and the people at them.

mod countries;
mod subdivisions;
pub(crate) mod text;

pub(crate) use subdivisions::WrittenState;

use serde::{Deserialize, Serialize};

use crate::personal::Personal;

/// An ISO 3166-1 alpha-2 country code, upper case, for example `US`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Country([u8; 2]);

impl Country {
    /// United States of America.
    pub const US: Self = Self(*b"US");

    /// Takes a two-letter code in any case. Whether the code is assigned is not checked here but by
    /// [`Country::is_assigned`]; [`Country::from_alpha3`] knows the countries of the marketplaces.
    #[must_use]
    pub fn new(code: &str) -> Option<Self> {
        match code.as_bytes() {
            &[a, b] if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() => {
                Some(Self([a.to_ascii_uppercase(), b.to_ascii_uppercase()]))
            }
            _ => None,
        }
    }

    /// Takes an alpha-3 code of a country that marketplaces deliver to, for example `USA`.
    #[must_use]
    pub fn from_alpha3(code: &str) -> Option<Self> {
        const TABLE: [(&str, &str); 34] = [
            ("ARG", "AR"),
            ("AUS", "AU"),
            ("AUT", "AT"),
            ("BEL", "BE"),
            ("BRA", "BR"),
            ("CAN", "CA"),
            ("CHE", "CH"),
            ("CHL", "CL"),
            ("CHN", "CN"),
            ("COL", "CO"),
            ("DEU", "DE"),
            ("DNK", "DK"),
            ("ESP", "ES"),
            ("FIN", "FI"),
            ("FRA", "FR"),
            ("GBR", "GB"),
            ("GUM", "GU"),
            ("IRL", "IE"),
            ("ITA", "IT"),
            ("JPN", "JP"),
            ("KOR", "KR"),
            ("MEX", "MX"),
            ("NLD", "NL"),
            ("NOR", "NO"),
            ("NZL", "NZ"),
            ("PER", "PE"),
            ("POL", "PL"),
            ("PRI", "PR"),
            ("PRT", "PT"),
            ("SGP", "SG"),
            ("SWE", "SE"),
            ("URY", "UY"),
            ("USA", "US"),
            ("VIR", "VI"),
        ];
        let upper = code.to_ascii_uppercase();
        TABLE.iter().find(|(alpha3, _)| *alpha3 == upper).and_then(|(_, code)| Self::new(code))
    }

    /// The code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("ZZ")
    }
}

impl std::fmt::Display for Country {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::fmt::Debug for Country {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Country {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Country {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::new(&code).ok_or_else(|| serde::de::Error::custom("country is not a two-letter code"))
    }
}

/// A postal address. Street lines are personal; city, state, postcode and country are kept for
/// analytics after erasure (the postcode shortened).
///
/// Texts are as the platform sent them, trimmed; nothing is cut. `country` is `None` when what was
/// sent is not a known code, which review reports.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// Street lines, first line first.
    pub lines: Vec<Personal<String>>,
    /// City.
    pub city: String,
    /// State, province or department.
    pub state: Option<String>,
    /// Postal code, with its extension if it has one.
    pub postal_code: Option<String>,
    /// Country.
    pub country: Option<Country>,
    /// Home or business, if the platform says so.
    pub residential: Option<bool>,
}

impl Address {
    /// The first street line, empty if there is none.
    #[must_use]
    pub fn line1(&self) -> &str {
        self.lines.first().map_or("", Personal::as_str)
    }

    /// The second and later street lines joined by `, `; `None` when there are none.
    #[must_use]
    pub fn further_lines(&self) -> Option<String> {
        let rest: Vec<&str> = self
            .lines
            .iter()
            .skip(1)
            .map(Personal::as_str)
            .filter(|line| !line.trim().is_empty())
            .collect();
        (!rest.is_empty()).then(|| rest.join(", "))
    }

    /// Whether the address is a post-office box, by the words used for it in English, Spanish and
    /// Portuguese.
    #[must_use]
    pub fn is_po_box(&self) -> bool {
        self.lines.iter().any(|line| {
            let squeezed: String = line
                .as_str()
                .to_lowercase()
                .chars()
                .filter(|letter| !matches!(letter, '.' | ' '))
                .collect();
            squeezed.starts_with("pobox")
                || squeezed.starts_with("postofficebox")
                || squeezed.starts_with("caixapostal")
                || squeezed.starts_with("apartadopostal")
        })
    }

    /// The five-digit ZIP of a United States address, without its extension.
    #[must_use]
    pub fn zip5(&self) -> Option<&str> {
        let code = self.postal_code.as_deref()?.trim();
        let zip = code.get(..5)?;
        zip.bytes().all(|byte| byte.is_ascii_digit()).then_some(zip)
    }

    /// Whether platform masking (`****`) hides any part of the address.
    #[must_use]
    pub fn is_masked(&self) -> bool {
        self.lines.iter().any(|line| text::is_masked(line.as_str()))
            || text::is_masked(&self.city)
            || self.postal_code.as_deref().is_some_and(text::is_masked)
    }

    /// The place without the spelling: two addresses that are alike in it are one.
    pub(crate) fn place(&self) -> Place {
        let lines = self.lines.iter().map(|line| text::words(line.as_str()));
        let state = self.state.as_deref().unwrap_or("");
        let code = self.country.and_then(|country| country.state_code(state));
        let postcode = text::folded(self.postal_code.as_deref().unwrap_or(""));
        Place {
            lines: lines.filter(|line| !line.is_empty()).collect(),
            city: text::words(&self.city),
            state: code.map_or_else(|| text::words(state), str::to_owned),
            postal_code: postcode.filter(|letter| letter.is_alphanumeric()).collect(),
            country: self.country,
        }
    }
}

/// An address as compared with another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    lines: Vec<String>,
    city: String,
    state: String,
    postal_code: String,
    country: Option<Country>,
}

/// A person or company at an address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// Name of the person.
    pub name: Personal<String>,
    /// Company, if any.
    pub company: Option<Personal<String>>,
    /// Phone, as given.
    pub phone: Option<Personal<String>>,
    /// E-mail, often a relay of the platform.
    pub email: Option<Personal<String>>,
    /// Where.
    pub address: Address,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn post_office_boxes_are_recognised_in_the_markets_languages() {
        for line in ["PO Box 12", "P.O. Box 9", "p o box 7", "Caixa Postal 55", "Apartado Postal 3"]
        {
            let address = Address { lines: vec![line.into()], ..Address::default() };
            assert!(address.is_po_box(), "{line}");
        }
        for line in ["12 Pobox Street", "Post Street 4", "Caixa 12"] {
            let address = Address { lines: vec![line.into()], ..Address::default() };
            assert!(!address.is_po_box(), "{line}");
        }
    }

    #[test]
    fn street_lines_never_print() {
        let address = Address { lines: vec!["1 Secret Way".into()], ..Address::default() };
        assert!(!format!("{address:?}").contains("Secret"));
    }

    #[test]
    fn zip_codes_lose_only_their_extension() {
        let address = Address { postal_code: Some("01201-8016".into()), ..Address::default() };
        assert_eq!(address.zip5(), Some("01201"));
        let address = Address { postal_code: Some("K1A 0B1".into()), ..Address::default() };
        assert_eq!(address.zip5(), None);
    }
}
