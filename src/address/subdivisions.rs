//! States, provinces and territories of the countries whose platforms ask for them.
//!
//! Codes are those of ISO 3166-2 without the country, and the two letters that carriers use in Mexico.
//! Names are those that addresses write, the usual older and shorter ones with them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::Country;
use super::text::{is_same, without_accent};

/// The states of a country: each code with every other way to write it.
type States = BTreeMap<String, Vec<String>>;

/// By country. Read by a test of this crate.
static STATES: LazyLock<BTreeMap<Country, States>> =
    LazyLock::new(|| serde_json::from_str(include_str!("states.json")).unwrap_or_default());

/// Every way to write a state of a country, plain, and its code.
#[derive(Default)]
struct Ways {
    /// Those of at most four letters, as one number: sorted, most addresses end here.
    short: Vec<(u32, &'static str)>,
    /// The others, sorted.
    long: Vec<(String, &'static str)>,
}

static WAYS: LazyLock<Vec<(Country, Ways)>> = LazyLock::new(|| {
    let of_country = |states: &'static States| {
        let mut ways = Ways::default();
        for (code, names) in states {
            for way in std::iter::once(code).chain(names) {
                let plain: String = plain(way).collect();
                match word(plain.as_bytes()) {
                    Some(word) => ways.short.push((word, code)),
                    None => ways.long.push((plain, code)),
                }
            }
        }
        ways.short.sort_unstable();
        ways.long.sort_unstable();
        ways
    };
    STATES.iter().map(|(country, states)| (*country, of_country(states))).collect()
});

impl Ways {
    fn find(&self, text: &str) -> Option<&'static str> {
        /// Longer than every name; what is longer still is none of them.
        const LONGEST: usize = 64;
        let (mut bytes, mut length) = ([0; LONGEST], 0_usize);
        for letter in plain(text) {
            let end = length.checked_add(letter.len_utf8())?;
            letter.encode_utf8(bytes.get_mut(length..end)?);
            length = end;
        }
        let plain = bytes.get(..length)?;
        let (at, found) = match word(plain) {
            Some(word) => (self.short.binary_search_by_key(&word, |(way, _)| *way), true),
            None => (self.long.binary_search_by(|(way, _)| way.as_bytes().cmp(plain)), false),
        };
        let at = at.ok()?;
        if found {
            self.short.get(at).map(|(_, code)| *code)
        } else {
            self.long.get(at).map(|(_, code)| *code)
        }
    }
}

/// At most four bytes as one number.
fn word(bytes: &[u8]) -> Option<u32> {
    (bytes.len() <= 4).then(|| bytes.iter().fold(0, |word, byte| (word << 8) | u32::from(*byte)))
}

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
        let (_, ways) = WAYS.iter().find(|(country, _)| *country == self)?;
        ways.find(text).or_else(|| match text.trim().split_once('-') {
            Some((country, code)) if country.eq_ignore_ascii_case(self.as_str()) => ways.find(code),
            _ => None,
        })
    }

    /// Whether the states of the country are known to [`Country::state_code`]: Argentina, Australia,
    /// Brazil, Canada, Mexico and the United States.
    #[must_use]
    pub fn has_known_states(self) -> bool {
        STATES.contains_key(&self)
    }

    /// The codes of its states; none when they are not known.
    pub(crate) fn state_codes(self) -> impl Iterator<Item = &'static str> {
        STATES.get(&self).into_iter().flatten().map(|(code, _)| code.as_str())
    }

    /// The countries whose states are known.
    pub(crate) fn with_known_states() -> impl Iterator<Item = Self> {
        STATES.keys().copied()
    }

    /// Country and state as figures and tags name a region: `US-CO`, however the address writes
    /// Colorado. A state that is not known stands there as it is written.
    pub(crate) fn region(self, state: &str) -> String {
        let state = state.trim();
        format!("{self}-{}", self.state_code(state).unwrap_or(state))
    }
}

/// A state as an address writes it, read once to be compared with many.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WrittenState<'a> {
    country: Option<Country>,
    text: &'a str,
    code: Option<&'static str>,
}

impl<'a> WrittenState<'a> {
    pub(crate) fn of(country: Option<Country>, text: &'a str) -> Self {
        Self { country, text, code: country.and_then(|country| country.state_code(text)) }
    }

    /// Its code, where the states of its country are known.
    pub(crate) const fn code(&self) -> Option<&'static str> {
        self.code
    }

    /// Whether another text means the same state: `CO` and `Colorado` are one in the United States.
    /// Where states are not known, large letters and blanks decide nothing.
    pub(crate) fn is(&self, other: &str) -> bool {
        is_same(self.text, other)
            || (self.code.is_some()
                && self.country.and_then(|country| country.state_code(other)) == self.code)
    }
}

/// Small letters and digits, without accents, blanks and marks.
fn plain(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars()
        .flat_map(char::to_lowercase)
        .filter_map(without_accent)
        .filter(|letter| letter.is_alphanumeric())
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
            let states = STATES.get(&Country::new(country).unwrap()).unwrap();
            assert_eq!(states.len(), count, "{country}");
            let mut ways: Vec<(String, &str)> = states
                .iter()
                .flat_map(|(code, names)| {
                    std::iter::once(code)
                        .chain(names)
                        .map(|way| (plain(way).collect(), code.as_str()))
                })
                .collect();
            ways.sort_unstable();
            ways.dedup();
            for pair in ways.windows(2) {
                assert_ne!(pair[0].0, pair[1].0, "{country}: {pair:?}");
            }
        }
    }

    #[test]
    fn every_way_to_write_a_state_finds_its_code_with_and_without_its_country() {
        for (country, states) in STATES.iter() {
            for (code, names) in states {
                for way in std::iter::once(code).chain(names) {
                    for text in [way.clone(), way.to_uppercase(), format!("{country}-{way}")] {
                        assert_eq!(country.state_code(&text), Some(code.as_str()), "{text}");
                    }
                }
            }
        }
        assert_eq!(Country::US.state_code(&"x".repeat(1_000)), None);
    }

    #[test]
    fn two_ways_to_write_a_state_are_one_only_in_a_country_that_has_it() {
        let is = |country, text, other| WrittenState::of(Country::new(country), text).is(other);
        assert!(is("US", "Colorado", "co") && is("US", "us-co", "COLORADO"));
        assert!(!is("US", "Colorado", "CA") && !is("US", "Colorado", ""));
        assert!(!is("DE", "Bayern", "BY") && is("DE", "Bayern", "bay ern"));
        assert!(!is("", "Colorado", "CO") && is("", "Colorado", "colorado"));
        assert_eq!(Country::US.region(" colorado "), "US-CO");
        assert_eq!(Country::new("DE").unwrap().region("Bayern "), "DE-Bayern");
    }
}
