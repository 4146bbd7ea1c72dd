//! Which units a call is about, and what an order shows of it. Pure; the same answer every time.

use std::collections::BTreeMap;

use super::map::Unit;
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{LineId, TrackingNumber};
use crate::order::UnitStatus;
use crate::ports::ShipmentNoticeLine;

/// Whether two numbers are the same but for blanks, hyphens and case.
fn same(shown: &str, number: &TrackingNumber) -> bool {
    let bare = |text: &str| text.replace([' ', '-'], "");
    bare(shown).eq_ignore_ascii_case(&bare(number.as_str()))
}

/// Whether a unit has left under this number.
pub(super) fn left_under(unit: &Unit, number: &TrackingNumber) -> bool {
    !matches!(unit.status, UnitStatus::New | UnitStatus::Cancelled)
        && unit.number.as_deref().is_some_and(|shown| same(shown, number))
}

/// The open units that a parcel takes beside those it has under `number` already, smallest ids
/// first. Empty when it has them all.
pub(super) fn to_ship(
    units: &[Unit],
    lines: &[ShipmentNoticeLine],
    number: Option<&TrackingNumber>,
) -> Result<Vec<String>> {
    let mut chosen = Vec::new();
    for line in lines {
        let of_line = || units.iter().filter(|unit| unit.line == line.line);
        if of_line().next().is_none() {
            return Err(Error::invalid("lines.line", "is no line of the order"));
        }
        let have = number.map_or(0, |number| of_line().filter(|u| left_under(u, number)).count());
        let wanted = usize::try_from(line.units).unwrap_or(usize::MAX).saturating_sub(have);
        let open: Vec<_> = of_line().filter(|unit| unit.is_open()).take(wanted).collect();
        if open.len() < wanted {
            let elsewhere = of_line().any(|unit| {
                !matches!(unit.status, UnitStatus::New | UnitStatus::Cancelled)
                    && number.is_none_or(|number| !left_under(unit, number))
            });
            return Err(match elsewhere {
                true => Error::new(
                    ErrorKind::Conflict,
                    "the units have left in another parcel or under another number",
                ),
                false => Error::new(ErrorKind::Rejected, "the line has fewer units open"),
            });
        }
        chosen.extend(open.into_iter().map(|unit| unit.id.clone()));
    }
    Ok(chosen)
}

/// Units by line.
type Contents = BTreeMap<LineId, u32>;

fn wanted(lines: &[ShipmentNoticeLine]) -> Contents {
    lines.iter().map(|line| (line.line.clone(), line.units)).collect()
}

/// The packages whose units fit `suits`, with their contents.
fn packages(units: &[Unit], suits: impl Fn(&Unit) -> bool) -> BTreeMap<String, Contents> {
    let mut found: BTreeMap<String, Contents> = BTreeMap::new();
    for unit in units.iter().filter(|unit| suits(unit)) {
        if let Some(package) = &unit.package {
            let contents = found.entry(package.clone()).or_default();
            *contents.entry(unit.line.clone()).or_default() += 1;
        }
    }
    found
}

/// Packages with exactly these contents that wait to be arranged.
pub(super) fn waiting(units: &[Unit], lines: &[ShipmentNoticeLine]) -> Vec<String> {
    let wanted = wanted(lines);
    let found = packages(units, Unit::is_open);
    found.into_iter().filter(|(_, contents)| *contents == wanted).map(|(id, _)| id).collect()
}

/// Packages with exactly these contents that are arranged or further.
pub(super) fn arranged(units: &[Unit], lines: &[ShipmentNoticeLine]) -> Vec<String> {
    let wanted = wanted(lines);
    let found = all_arranged(units);
    found.into_iter().filter(|(_, contents)| *contents == wanted).map(|(id, _)| id).collect()
}

/// All packages that are arranged or further.
pub(super) fn all_arranged(units: &[Unit]) -> BTreeMap<String, Contents> {
    packages(units, |unit| !matches!(unit.status, UnitStatus::New | UnitStatus::Cancelled))
}

/// Whether open units would fill another parcel of these contents.
pub(super) fn may_have_twin(units: &[Unit], lines: &[ShipmentNoticeLine]) -> bool {
    lines.iter().all(|line| {
        let of_line = units.iter().filter(|unit| unit.line == line.line);
        let active = of_line.filter(|unit| unit.status != UnitStatus::Cancelled).count();
        active >= 2 * usize::try_from(line.units).unwrap_or(usize::MAX / 2)
    })
}
