//! What the products have in common on our side: references, days, documents.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::NaiveDate;
use rust_decimal::{Decimal, RoundingStrategy};

use crate::address::{Address, Contact, Country};
use crate::carriers::fitting::{misfit, printable_names, squeezed, us_state};
use crate::carriers::images::{self, Encoding};
use crate::error::{Error, Result};
use crate::order::AddressProblem;
use crate::personal::Personal;
use crate::shipment::{Document, DocumentKind};
use crate::units::Grams;

pub(super) fn date(date: NaiveDate) -> String {
    date.format("%Y-%m-%d").to_string()
}

/// Kilograms, rounded up.
pub(super) fn kilograms(grams: Grams, digits: u32) -> Decimal {
    Decimal::new(i64::from(grams.get()), 3)
        .round_dp_with_strategy(digits, RoundingStrategy::ToPositiveInfinity)
}

/// Whether a country measures in pounds and inches; an unknown one does not.
pub(super) fn imperial(sender: &Address) -> bool {
    sender.country == Some(Country::US)
}

pub(super) fn country(role: &str, address: &Address) -> Result<Country> {
    address.country.ok_or_else(|| misfit(role, "address.country", AddressProblem::Incomplete))
}

/// The state as the carrier wants it: letters for the United States, else as given.
pub(super) fn state(role: &str, address: &Address, country: Country) -> Result<Option<String>> {
    let given = squeezed(address.state.as_deref().unwrap_or_default());
    let needed = ["US", "CA"].contains(&country.as_str());
    if country == Country::US && !given.is_empty() {
        return us_state(&given)
            .map(|code| Some(code.to_owned()))
            .ok_or_else(|| misfit(role, "address.state", AddressProblem::Unrecognised));
    }
    match (given.is_empty(), needed) {
        (true, true) => Err(misfit(role, "address.state", AddressProblem::Incomplete)),
        (true, false) => Ok(None),
        _ => Ok(Some(given)),
    }
}

/// A postal code; `None` where the address has none, which is right for some countries.
pub(super) fn postal_code(
    role: &str,
    address: &Address,
    country: Country,
    longest: usize,
) -> Result<Option<String>> {
    let wrong = |problem| misfit(role, "address.postal_code", problem);
    match address.postal_code.as_deref().map(squeezed).filter(|code| !code.is_empty()) {
        None if ["US", "CA", "MX"].contains(&country.as_str()) => {
            Err(wrong(AddressProblem::Incomplete))
        }
        None => Ok(None),
        Some(code) if code.chars().count() > longest => Err(wrong(AddressProblem::TooLong)),
        Some(_) if country == Country::US && address.zip5().is_none() => {
            Err(wrong(AddressProblem::Unrecognised))
        }
        Some(code) => Ok(Some(code)),
    }
}

/// Name and firm, each within its length; at least one of them.
pub(super) fn names(
    role: &str,
    contact: &Contact,
    longest: (usize, usize),
) -> Result<(Option<String>, Option<String>)> {
    printable_names(role, contact)?;
    let text = |field, text: &str, longest: usize| {
        let text = squeezed(text);
        if text.chars().count() > longest {
            return Err(misfit(role, field, AddressProblem::TooLong));
        }
        Ok((!text.is_empty()).then_some(text))
    };
    let name = text("name", contact.name.as_str(), longest.0)?;
    let company = match &contact.company {
        Some(company) => text("company", company.as_str(), longest.1)?,
        None => None,
    };
    if name.is_none() && company.is_none() {
        return Err(misfit(role, "name", AddressProblem::Incomplete));
    }
    Ok((name, company))
}

/// A phone number that has digits, else the fallback.
pub(super) fn phone(contact: &Contact, fallback: Option<&Personal<String>>) -> Option<String> {
    let usable = |phone: &str| {
        let phone = squeezed(phone);
        let digits = phone.chars().filter(char::is_ascii_digit).count();
        ((6..=20).contains(&digits) && phone.chars().count() <= 70).then_some(phone)
    };
    contact
        .phone
        .as_ref()
        .and_then(|phone| usable(phone.as_str()))
        .or_else(|| fallback.and_then(|phone| usable(phone.as_str())))
}

/// A document of an answer. One that cannot be read is kept as it came, as
/// [`DocumentKind::Other`] in a format that says so: the purchase stands without it, and its number
/// must not be lost.
pub(super) fn document(
    kind: DocumentKind,
    format: &str,
    encoding: Encoding,
    text: &str,
) -> Document {
    let text = text.as_bytes();
    images::document(kind, format, encoding, text).unwrap_or_else(|_| images::damaged(format, text))
}

/// User and password as they travel in a header.
pub(super) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// Compares without telling by its duration where the texts differ.
pub(super) fn same(given: &str, wanted: &str) -> bool {
    let (given, wanted) = (given.as_bytes(), wanted.as_bytes());
    let differences =
        given.iter().zip(wanted).fold(0_u8, |differences, (a, b)| differences | (a ^ b));
    given.len() == wanted.len() && differences == 0 && !wanted.is_empty()
}

/// A weight that is known, and not above what the carrier takes.
pub(super) fn known_weight(grams: Grams, heaviest: Grams) -> Result<Grams> {
    if grams == Grams::ZERO {
        return Err(Error::invalid("weight", "the weight is not known"));
    }
    if grams > heaviest {
        return Err(Error::invalid("weight", format!("the carrier takes at most {heaviest}")));
    }
    Ok(grams)
}

/// Whether what was sent along proves who sent it. The name of a scheme is in any case (RFC 9110); what
/// follows it is not.
pub(super) fn same_credentials(given: &str, wanted: &str) -> bool {
    match (given.split_once(' '), wanted.split_once(' ')) {
        (Some((given_scheme, given)), Some((scheme, wanted))) => {
            given_scheme.eq_ignore_ascii_case(scheme) && same(given.trim_start(), wanted)
        }
        _ => same(given, wanted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shipment::LabelFormat;

    #[test]
    fn a_damaged_document_is_kept_as_it_came_and_called_damaged() {
        let cut = document(DocumentKind::Label, "PNG", Encoding::Base64, "AAAAASUVORK5CYII=");
        assert_eq!(cut.kind, DocumentKind::Other);
        assert_eq!(cut.format, LabelFormat::Other("damaged png".to_owned()));
        assert_eq!(cut.bytes.expose(), b"AAAAASUVORK5CYII=");
        // One that was cut off is still the label of its number.
        let pdf = document(DocumentKind::Label, "PDF", Encoding::Plain, "%PDF-1.4\n1 0 obj");
        assert_eq!(pdf.kind, DocumentKind::Label);
        assert_eq!(pdf.format, LabelFormat::Other("damaged pdf".to_owned()));
        let zpl = document(DocumentKind::Label, "zpl", Encoding::Plain, "^XA^XZ");
        assert_eq!((zpl.kind, zpl.format), (DocumentKind::Label, LabelFormat::Zpl));
    }

    #[test]
    fn the_name_of_a_scheme_is_in_any_case_and_its_secret_is_not() {
        for given in ["Basic YTpi", "basic YTpi", "BASIC  YTpi"] {
            assert!(same_credentials(given, "Basic YTpi"), "{given}");
        }
        for given in ["Basic ytpi", "Bearer YTpi", "YTpi", "", "Basic", "Basic "] {
            assert!(!same_credentials(given, "Basic YTpi"), "{given}");
        }
        assert!(same_credentials("token", "token") && !same_credentials("Token", "token"));
    }

    #[test]
    fn secrets_are_the_same_only_when_all_of_them_is() {
        assert!(same("abc", "abc"));
        for given in ["", "ab", "abd", "abcd"] {
            assert!(!same(given, "abc"), "{given}");
        }
        assert!(!same("", ""), "no secret protects nothing");
    }
}
