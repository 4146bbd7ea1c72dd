//! States, provinces and territories of the countries whose platforms ask for them.
//!
//! Codes are those of ISO 3166-2 without the country, and the two letters that carriers use in Mexico.
//! Names are those that addresses write, the usual older and shorter ones with them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::Country;
use super::text::without_accent;

/// The states of a country: each code with every other way to write it.
type States = BTreeMap<String, Vec<String>>;

/// By country. Read by a test of this crate.
static STATES: LazyLock<BTreeMap<String, States>> =
    LazyLock::new(|| serde_json::from_str(include_str!("states.json")).unwrap_or_default());

impl Country {
    /// The code of a state, province or territory of the country, from its code (with or without the
    /// country before it, as in `BR-SP`) or its name, in any case and with or without accents:
    /// `Colorado` is `CO`. `None` is no state of the country, or a country whose states are not known
    /// here: see [`Country::has_known_states`].
    ///
    /// The territories, the freely associated states and the military post offices of the United
    /// States count as states of it, as its post counts them.
    ///
    /// ```
    /// use orderflow::Country;
    ///
    /// assert_eq!(Country::US.state_code("colorado"), Some("CO"));
    /// assert_eq!(Country::new("BR").unwrap().state_code("BR-SP"), Some("SP"));
    /// assert_eq!(Country::new("BR").unwrap().state_code("Colorado"), None);
    /// ```
    #[must_use]
    pub fn state_code(self, text: &str) -> Option<&'static str> {
        let states = self.states()?;
        let text = text.trim();
        if let Some((code, _)) = states.get_key_value(text) {
            return Some(code);
        }
        let after_country = match text.split_once('-') {
            Some((country, code)) if country.eq_ignore_ascii_case(self.as_str()) => code,
            _ => text,
        };
        let wanted = [plain(text), plain(after_country)];
        let is_meant = |way: &str| wanted.contains(&plain(way));
        states
            .iter()
            .find(|(code, names)| is_meant(code) || names.iter().any(|name| is_meant(name)))
            .map(|(code, _)| code.as_str())
    }

    /// Whether the states of the country are known to [`Country::state_code`]: Argentina, Australia,
    /// Brazil, Canada, Mexico and the United States.
    #[must_use]
    pub fn has_known_states(self) -> bool {
        self.states().is_some()
    }

    fn states(self) -> Option<&'static States> {
        STATES.get(self.as_str())
    }
}

/// Small letters and digits, without accents, blanks and marks.
fn plain(text: &str) -> String {
    text.chars()
        .flat_map(char::to_lowercase)
        .filter_map(without_accent)
        .filter(|letter| letter.is_alphanumeric())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(country: &str, text: &str) -> Option<&'static str> {
        Country::new(country).unwrap().state_code(text)
    }

    #[test]
    fn a_state_is_known_by_code_and_name_in_any_case() {
        for (country, text, wanted) in [
            ("US", "co", "CO"),
            ("US", " Colorado ", "CO"),
            ("US", "US-CO", "CO"),
            ("US", "new york", "NY"),
            ("BR", "BR-SP", "SP"),
            ("BR", "sao paulo", "SP"),
            ("BR", "SÃO PAULO", "SP"),
            ("MX", "MX-DIF", "CMX"),
            ("MX", "Ciudad de México", "CMX"),
            ("MX", "NL", "NLE"),
            ("AR", "AR-B", "B"),
            ("AR", "Capital Federal", "C"),
            ("CA", "Québec", "QC"),
            ("AU", "nsw", "NSW"),
        ] {
            assert_eq!(code(country, text), Some(wanted), "{country} {text}");
        }
        for (country, text) in [
            ("US", "ZZ"),
            ("US", ""),
            ("US", "São Paulo"),
            ("BR", "US-SP"),
            ("CA", "Ohio"),
            ("DE", "BY"),
            ("US", "é"),
        ] {
            assert_eq!(code(country, text), None, "{country} {text}");
        }
    }

    #[test]
    fn no_two_states_of_a_country_are_written_alike() {
        let counts = [("AR", 24), ("AU", 8), ("BR", 27), ("CA", 13), ("MX", 32), ("US", 62)];
        for (country, count) in counts {
            let states = Country::new(country).unwrap().states().unwrap();
            assert_eq!(states.len(), count, "{country}");
            let mut ways: Vec<(String, &str)> = states
                .iter()
                .flat_map(|(code, names)| {
                    std::iter::once(code).chain(names).map(|way| (plain(way), code.as_str()))
                })
                .collect();
            ways.sort_unstable();
            ways.dedup();
            for pair in ways.windows(2) {
                assert_ne!(pair[0].0, pair[1].0, "{country}: {pair:?}");
            }
        }
    }
}
