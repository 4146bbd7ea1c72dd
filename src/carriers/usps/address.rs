//! Fitting names and addresses into the carrier's fields: nothing is ever cut.

use super::catalogue::DOMESTIC;
use crate::address::{Address, Contact};
use crate::carriers::fitting::{
    fit_lines, fit_text, misfit, printable_address, printable_names, squeezed, us_state,
};
use crate::error::Result;
use crate::order::AddressProblem;
use crate::personal::Personal;

/// Longest street or secondary line, in characters.
pub(super) const STREET_LENGTH: usize = 50;
/// Longest city.
pub(super) const CITY_LENGTH: usize = 28;
/// Longest first name, last name or firm.
pub(super) const NAME_LENGTH: usize = 50;

/// An address in the carrier's fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fitted {
    pub(super) street: String,
    pub(super) secondary: Option<String>,
    pub(super) city: String,
    pub(super) state: &'static str,
    pub(super) zip5: String,
    pub(super) plus4: Option<String>,
}

/// Puts an address into the carrier's fields.
///
/// # Errors
/// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) with an
/// [`AddressMisfit`](crate::carriers::AddressMisfit) as source.
pub(super) fn fit(role: &str, address: &Address) -> Result<Fitted> {
    let wrong = |field: &str, problem| misfit(role, field, problem);
    if address.is_masked() {
        return Err(wrong("address", AddressProblem::Masked));
    }
    if !is_domestic(address) {
        return Err(wrong("address.country", AddressProblem::Unserviceable));
    }
    printable_address(role, address)?;
    let (street, secondary) = fit_street(role, address)?;
    let city = fit_text(role, "address.city", &address.city, CITY_LENGTH)?;
    let given = address.state.as_deref().map_or("", str::trim);
    let state = match us_state(given) {
        Some(state) => state,
        // Platforms leave the state out where the country says it.
        None if given.is_empty() => address
            .country
            .as_ref()
            .and_then(|country| us_state(country.as_str()))
            .ok_or_else(|| wrong("address.state", AddressProblem::Incomplete))?,
        None => return Err(wrong("address.state", AddressProblem::Unrecognised)),
    };
    let (zip5, plus4) = zip(role, address)?;
    Ok(Fitted { street, secondary, city, state, zip5, plus4 })
}

/// The ZIP in its two parts.
pub(super) fn zip(role: &str, address: &Address) -> Result<(String, Option<String>)> {
    let code = address.postal_code.as_deref().map_or("", str::trim);
    if code.is_empty() {
        return Err(misfit(role, "address.postal_code", AddressProblem::Incomplete));
    }
    let digits: String = code.chars().filter(|letter| !matches!(letter, '-' | ' ')).collect();
    let unrecognised = || misfit(role, "address.postal_code", AddressProblem::Unrecognised);
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(unrecognised());
    }
    match digits.split_at_checked(5) {
        Some((zip5, "")) => Ok((zip5.to_owned(), None)),
        Some((zip5, plus4)) if plus4.len() == 4 => Ok((zip5.to_owned(), Some(plus4.to_owned()))),
        _ => Err(unrecognised()),
    }
}

/// Whether mail goes there at domestic prices; an unknown country counts as domestic, the carrier
/// will say.
pub(super) fn is_domestic(address: &Address) -> bool {
    address.country.is_none_or(|country| DOMESTIC.contains(&country.as_str()))
}

/// The street line and what follows it.
pub(super) fn fit_street(role: &str, address: &Address) -> Result<(String, Option<String>)> {
    let mut lines = fit_lines(role, address, 2, STREET_LENGTH)?.into_iter();
    Ok((lines.next().unwrap_or_default(), lines.next()))
}

/// A person and a firm in the carrier's fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct FittedName {
    pub(super) first: Option<String>,
    pub(super) last: Option<String>,
    pub(super) firm: Option<String>,
}

/// Splits one name into first and last. The carrier wants both, or a firm: a single word without a
/// firm becomes the firm, which prints alike.
pub(super) fn fit_name(role: &str, contact: &Contact) -> Result<FittedName> {
    printable_names(role, contact)?;
    let name = squeezed(contact.name.as_str());
    let firm = contact
        .company
        .as_ref()
        .map(|company| squeezed(company.as_str()))
        .filter(|firm| !firm.is_empty());
    let fitted = match name.rsplit_once(' ') {
        Some((first, last)) => {
            FittedName { first: Some(first.to_owned()), last: Some(last.to_owned()), firm }
        }
        None if name.is_empty() && firm.is_none() => {
            return Err(misfit(role, "name", AddressProblem::Incomplete));
        }
        None if name.is_empty() => FittedName { firm, ..FittedName::default() },
        None => match firm {
            // Only the firm is required; the single name still tells who at the firm.
            Some(firm) => FittedName { first: Some(name), last: None, firm: Some(firm) },
            None => FittedName { firm: Some(name), ..FittedName::default() },
        },
    };
    for (field, text) in
        [("name", &fitted.first), ("name", &fitted.last), ("company", &fitted.firm)]
    {
        if text.as_ref().is_some_and(|text| text.chars().count() > NAME_LENGTH) {
            return Err(misfit(role, field, AddressProblem::TooLong));
        }
    }
    Ok(fitted)
}

/// The digits of a phone number, if there are as many as the carrier takes.
pub(super) fn phone_digits(phone: Option<&Personal<String>>) -> Option<String> {
    let digits: String = phone?.as_str().chars().filter(char::is_ascii_digit).collect();
    let national = match digits.strip_prefix('1') {
        Some(national) if digits.len() == 11 => national,
        _ => &digits,
    };
    (6..=15).contains(&national.len()).then(|| national.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carriers::AddressMisfit;
    use crate::error::Error;
    use proptest::prelude::*;

    fn address(lines: &[&str]) -> Address {
        Address {
            lines: lines.iter().map(|line| (*line).into()).collect(),
            city: "St. Louis".into(),
            state: Some("Missouri".into()),
            postal_code: Some("63118-2628".into()),
            ..Address::default()
        }
    }

    fn problem(error: &Error) -> Option<AddressProblem> {
        std::error::Error::source(error)?.downcast_ref::<AddressMisfit>().map(|m| m.problem)
    }

    #[test]
    fn an_address_goes_into_the_carriers_fields() {
        let fitted = fit("recipient", &address(&["1100  Wyoming", "Suite 150", "Dock 2"])).unwrap();
        assert_eq!(fitted.street, "1100 Wyoming");
        assert_eq!(fitted.secondary.as_deref(), Some("Suite 150, Dock 2"));
        assert_eq!((fitted.state, fitted.zip5.as_str()), ("MO", "63118"));
        assert_eq!(fitted.plus4.as_deref(), Some("2628"));
    }

    #[test]
    fn a_long_street_line_is_split_between_words_and_never_cut() {
        let long = "1234 Northwest Extraordinarily Long Boulevard Building Seven Floor Twelve";
        let fitted = fit("recipient", &address(&[long, "Suite 9"])).unwrap();
        assert_eq!(fitted.street, "1234 Northwest Extraordinarily Long Boulevard");
        assert_eq!(fitted.secondary.as_deref(), Some("Building Seven Floor Twelve, Suite 9"));
        for lines in [[long, long], [&"x".repeat(51), ""]] {
            let error = fit("recipient", &address(&lines)).unwrap_err();
            assert_eq!(error.field(), Some("recipient.address.lines"));
            assert_eq!(problem(&error), Some(AddressProblem::TooLong));
            assert!(!format!("{error:?}").contains("Extraordinarily"));
        }
    }

    #[test]
    fn what_cannot_be_sent_is_named() {
        type Spoil = fn(&mut Address);
        let cases: [(Spoil, &str, AddressProblem); 8] = [
            (|a| a.lines.clear(), "recipient.address.lines", AddressProblem::Incomplete),
            (|a| a.city = String::new(), "recipient.address.city", AddressProblem::Incomplete),
            (|a| a.city = "x".repeat(29), "recipient.address.city", AddressProblem::TooLong),
            (|a| a.state = None, "recipient.address.state", AddressProblem::Incomplete),
            (
                |a| a.state = Some("QC".into()),
                "recipient.address.state",
                AddressProblem::Unrecognised,
            ),
            (
                |a| a.postal_code = Some("K1A 0B1".into()),
                "recipient.address.postal_code",
                AddressProblem::Unrecognised,
            ),
            (
                |a| a.country = crate::Country::new("CA"),
                "recipient.address.country",
                AddressProblem::Unserviceable,
            ),
            (|a| a.lines = vec!["1 M*** St".into()], "recipient.address", AddressProblem::Masked),
        ];
        for (spoil, field, expected) in cases {
            let mut spoiled = address(&["1 Main St"]);
            spoil(&mut spoiled);
            let error = fit("recipient", &spoiled).unwrap_err();
            assert_eq!((error.field(), problem(&error)), (Some(field), Some(expected)));
        }
    }

    #[test]
    fn one_name_becomes_first_and_last_or_a_firm() {
        let named = |name: &str, company: Option<&str>| {
            let contact = Contact {
                name: name.into(),
                company: company.map(Personal::from),
                ..Contact::default()
            };
            fit_name("recipient", &contact).map(|n| (n.first, n.last, n.firm))
        };
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            named("Ana María  Díaz", None).unwrap(),
            (text("Ana María"), text("Díaz"), None)
        );
        assert_eq!(named("Cher", None).unwrap(), (None, None, text("Cher")));
        assert_eq!(named("Cher", Some("ACME")).unwrap(), (text("Cher"), None, text("ACME")));
        assert_eq!(named(" ", Some("ACME")).unwrap(), (None, None, text("ACME")));
        assert!(named(" ", None).is_err());
    }

    #[test]
    fn phones_are_digits_without_the_country() {
        let digits = |text: &str| phone_digits(Some(&text.into()));
        assert_eq!(digits("+1 (555) 010-0199").as_deref(), Some("5550100199"));
        assert_eq!(digits("n/a"), None);
        assert_eq!(phone_digits(None), None);
    }

    proptest! {
        #[test]
        fn no_word_of_a_street_is_ever_lost(words in prop::collection::vec("[a-zé]{1,20}", 1..12)) {
            let line = words.join(" ");
            match fit("recipient", &address(&[&line])) {
                Ok(fitted) => {
                    let whole = match fitted.secondary {
                        Some(rest) => format!("{} {rest}", fitted.street),
                        None => fitted.street,
                    };
                    prop_assert_eq!(whole, line);
                }
                Err(error) => prop_assert_eq!(problem(&error), Some(AddressProblem::TooLong)),
            }
        }
    }
}
