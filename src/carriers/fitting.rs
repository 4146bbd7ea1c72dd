//! Fitting names and addresses into a carrier's fields: nothing is ever cut.

use std::fmt;

pub(super) use crate::address::text::is_printable;
use crate::address::{Address, Contact};
use crate::error::{Error, Result};
use crate::order::AddressProblem;
use crate::units::{Dimensions, Millimetres};

/// Why an address does not fit a carrier's fields: the source of the [`Error`] that names the
/// field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressMisfit {
    /// What is wrong.
    pub problem: AddressProblem,
}

impl fmt::Display for AddressMisfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.problem {
            AddressProblem::TooLong => "too long for the carrier, even split between words",
            AddressProblem::Incomplete => "incomplete",
            AddressProblem::Unserviceable => "outside of where the carrier goes",
            AddressProblem::Masked => "hidden by the platform",
            _ => "not one the carrier knows",
        })
    }
}

impl std::error::Error for AddressMisfit {}

pub(super) fn misfit(role: &str, field: &str, problem: AddressProblem) -> Error {
    let misfit = AddressMisfit { problem };
    Error::invalid(format!("{role}.{field}"), format!("the address is {misfit}"))
        .with_source(misfit)
}

fn printable(role: &str, field: &str, text: &str) -> Result<()> {
    if is_printable(text) {
        return Ok(());
    }
    Err(Error::invalid(format!("{role}.{field}"), "holds characters that cannot be printed")
        .with_source(AddressMisfit { problem: AddressProblem::Unrecognised }))
}

/// Refuses an address that holds what cannot be printed.
pub(super) fn printable_address(role: &str, address: &Address) -> Result<()> {
    for line in &address.lines {
        printable(role, "address.lines", line.as_str())?;
    }
    printable(role, "address.city", &address.city)?;
    printable(role, "address.state", address.state.as_deref().unwrap_or_default())?;
    printable(role, "address.postal_code", address.postal_code.as_deref().unwrap_or_default())
}

/// Refuses names and ways to reach somebody that hold what cannot be printed.
pub(super) fn printable_names(role: &str, contact: &Contact) -> Result<()> {
    let text = |field, text: Option<&crate::personal::Personal<String>>| {
        printable(role, field, text.map_or("", |text| text.as_str()))
    };
    text("name", Some(&contact.name))?;
    text("company", contact.company.as_ref())?;
    text("phone", contact.phone.as_ref())?;
    text("email", contact.email.as_ref())
}

/// A reference to print: no more than `most` characters, and something to read.
#[cfg(any(feature = "usps", feature = "fedex"))]
pub(super) fn check_reference(index: usize, text: &str, most: usize) -> Result<()> {
    let field = || format!("references[{index}]");
    if text.trim().is_empty() || text.chars().count() > most {
        return Err(Error::invalid(field(), format!("a reference has 1 to {most} characters")));
    }
    if !is_printable(text) {
        return Err(Error::invalid(field(), "holds characters that cannot be printed"));
    }
    Ok(())
}

/// Longer than any parcel that is carried: a typing error.
const LONGEST: Millimetres = Millimetres::new(10_000);

/// A size that can be one.
pub(super) fn known_size(size: Dimensions) -> Result<Dimensions> {
    if size.height.get() == 0 {
        return Err(Error::invalid("dimensions", "every side must be above 0"));
    }
    if size.length > LONGEST {
        return Err(Error::invalid("dimensions", "no side is above 10 m"));
    }
    Ok(size)
}

/// Military post offices and territories, as they are written where a state is.
#[cfg(any(feature = "fedex", feature = "dhl"))]
pub(super) const OUTSIDE: [&str; 11] =
    ["AA", "AE", "AP", "AS", "FM", "GU", "MH", "MP", "PR", "PW", "VI"];

/// The military post office or territory that an address names as a state of the United States.
/// Carriers other than the post do not go to the first, and know the second as a country.
#[cfg(any(feature = "fedex", feature = "dhl"))]
pub(super) fn outside_the_states(address: &Address) -> Option<&'static str> {
    if address.country != Some(crate::address::Country::US) {
        return None;
    }
    let city = address.city.trim();
    if let Some(office) = ["APO", "FPO", "DPO"].into_iter().find(|o| city.eq_ignore_ascii_case(o)) {
        return Some(office);
    }
    us_state(address.state.as_deref()?.trim()).filter(|state| OUTSIDE.contains(state))
}

/// Refuses [what is outside of the states](outside_the_states).
#[cfg(any(feature = "fedex", feature = "dhl"))]
pub(super) fn within_the_states(role: &str, address: &Address) -> Result<()> {
    match outside_the_states(address) {
        Some(_) => Err(misfit(role, "address.state", AddressProblem::Unserviceable)),
        None => Ok(()),
    }
}

/// A text without blanks that say nothing.
pub(super) fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// As many whole words as fit, and the rest; `None` when not even the first word fits.
pub(super) fn split_words(line: &str, length: usize) -> Option<(&str, &str)> {
    let Some((limit, _)) = line.char_indices().nth(length) else { return Some((line, "")) };
    let head = line.get(..=limit)?;
    let at = head.rfind(' ').filter(|at| *at > 0)?;
    Some((line.get(..at)?, line.get(at + 1..)?))
}

/// The street lines as at most `lines` lines of `length` characters. A line that is too long goes
/// on in the next one, split between words; what is left shares the last one.
///
/// # Errors
/// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) with an [`AddressMisfit`] as source.
pub(super) fn fit_lines(
    role: &str,
    address: &Address,
    lines: usize,
    length: usize,
) -> Result<Vec<String>> {
    let mut left: std::collections::VecDeque<String> = address
        .lines
        .iter()
        .map(|line| squeezed(line.as_str()))
        .filter(|line| !line.is_empty())
        .collect();
    if left.is_empty() {
        return Err(misfit(role, "address.lines", AddressProblem::Incomplete));
    }
    let too_long = || misfit(role, "address.lines", AddressProblem::TooLong);
    let mut fitted = Vec::with_capacity(lines);
    while fitted.len() + 1 < lines
        && let Some(line) = left.pop_front()
    {
        let (head, overflow) = split_words(&line, length).ok_or_else(too_long)?;
        fitted.push(head.to_owned());
        if !overflow.is_empty() {
            left.push_front(overflow.to_owned());
        }
    }
    if !left.is_empty() {
        let last = left.make_contiguous().join(", ");
        if last.chars().count() > length {
            return Err(too_long());
        }
        fitted.push(last);
    }
    Ok(fitted)
}

/// A text that must be there and fit.
pub(super) fn fit_text(role: &str, field: &str, text: &str, length: usize) -> Result<String> {
    let text = squeezed(text);
    if text.is_empty() {
        return Err(misfit(role, field, AddressProblem::Incomplete));
    }
    if text.chars().count() > length {
        return Err(misfit(role, field, AddressProblem::TooLong));
    }
    Ok(text)
}

/// The two letters of a state of the United States, from letters or name.
pub(super) fn us_state(state: &str) -> Option<&'static str> {
    const STATES: &[(&str, &str)] = &[
        ("AL", "Alabama"),
        ("AK", "Alaska"),
        ("AZ", "Arizona"),
        ("AR", "Arkansas"),
        ("CA", "California"),
        ("CO", "Colorado"),
        ("CT", "Connecticut"),
        ("DE", "Delaware"),
        ("DC", "District of Columbia"),
        ("FL", "Florida"),
        ("GA", "Georgia"),
        ("HI", "Hawaii"),
        ("ID", "Idaho"),
        ("IL", "Illinois"),
        ("IN", "Indiana"),
        ("IA", "Iowa"),
        ("KS", "Kansas"),
        ("KY", "Kentucky"),
        ("LA", "Louisiana"),
        ("ME", "Maine"),
        ("MD", "Maryland"),
        ("MA", "Massachusetts"),
        ("MI", "Michigan"),
        ("MN", "Minnesota"),
        ("MS", "Mississippi"),
        ("MO", "Missouri"),
        ("MT", "Montana"),
        ("NE", "Nebraska"),
        ("NV", "Nevada"),
        ("NH", "New Hampshire"),
        ("NJ", "New Jersey"),
        ("NM", "New Mexico"),
        ("NY", "New York"),
        ("NC", "North Carolina"),
        ("ND", "North Dakota"),
        ("OH", "Ohio"),
        ("OK", "Oklahoma"),
        ("OR", "Oregon"),
        ("PA", "Pennsylvania"),
        ("RI", "Rhode Island"),
        ("SC", "South Carolina"),
        ("SD", "South Dakota"),
        ("TN", "Tennessee"),
        ("TX", "Texas"),
        ("UT", "Utah"),
        ("VT", "Vermont"),
        ("VA", "Virginia"),
        ("WA", "Washington"),
        ("WV", "West Virginia"),
        ("WI", "Wisconsin"),
        ("WY", "Wyoming"),
        ("PR", "Puerto Rico"),
        ("VI", "Virgin Islands"),
        ("GU", "Guam"),
        ("AS", "American Samoa"),
        ("MP", "Northern Mariana Islands"),
        ("PW", "Palau"),
        ("FM", "Micronesia"),
        ("MH", "Marshall Islands"),
        ("AA", "Armed Forces Americas"),
        ("AE", "Armed Forces Europe"),
        ("AP", "Armed Forces Pacific"),
    ];
    STATES
        .iter()
        .find(|(code, name)| state.eq_ignore_ascii_case(code) || state.eq_ignore_ascii_case(name))
        .map(|(code, _)| *code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn address(lines: &[String]) -> Address {
        Address { lines: lines.iter().map(|l| l.as_str().into()).collect(), ..Address::default() }
    }

    proptest! {
        #[test]
        fn no_word_of_a_street_is_lost_and_no_line_is_too_long(
            lines in prop::collection::vec(prop::collection::vec("[a-zé]{1,12}", 1..6), 1..5),
            count in 1_usize..4,
        ) {
            let lines: Vec<String> = lines.iter().map(|words| words.join(" ")).collect();
            match fit_lines("recipient", &address(&lines), count, 30) {
                Ok(fitted) => {
                    prop_assert!(fitted.len() <= count);
                    prop_assert!(fitted.iter().all(|line| line.chars().count() <= 30));
                    let words = |lines: &[String]| {
                        lines.join(" ").replace(',', "").split(' ').map(str::to_owned)
                            .collect::<Vec<_>>()
                    };
                    prop_assert_eq!(words(&fitted), words(&lines));
                }
                Err(error) => prop_assert_eq!(error.field(), Some("recipient.address.lines")),
            }
        }
    }

    #[test]
    fn lines_that_fit_stay_as_they_are() {
        let lines = ["1 Main St", "Suite 4", "Dock 2"].map(str::to_owned);
        assert_eq!(fit_lines("sender", &address(&lines), 3, 35).unwrap(), lines);
        let two = fit_lines("sender", &address(&lines), 2, 35).unwrap();
        assert_eq!(two, ["1 Main St", "Suite 4, Dock 2"]);
    }
}
