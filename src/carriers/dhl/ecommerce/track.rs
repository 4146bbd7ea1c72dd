//! Tracking answers to events.

use chrono::{NaiveDate, TimeZone as _};
use chrono_tz::Tz;

use super::events::meaning;
use super::wire::{Event, TrackedPackage};
use crate::carriers::dhl::events::close_returns;
use crate::carriers::events::{day, time_of_day, unreadable_history};
use crate::client::wire::filled;
use crate::shipment::number::normalize;
use crate::shipment::{EventTime, TrackOutcome, TrackingEvent};

/// Which of its three numbers a parcel is asked for by. One call asks for one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The carrier's own.
    DhlPackage,
    /// The last mile's.
    LastMile,
    /// Ours: the name of a purchase.
    Package,
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::DhlPackage, Self::LastMile, Self::Package];

    /// By its shape: the last mile's has 20 digits and more or the two letters, nine digits and two
    /// letters of the post; the name of a purchase has the 25 letters we gave it.
    pub(super) fn of(number: &str) -> Self {
        let number = normalize(number);
        let digits = number.bytes().filter(u8::is_ascii_digit).count();
        let post = number.len() == 13 && digits == 9 && number.ends_with(char::is_alphabetic);
        if (digits == number.len() && digits >= 20) || post {
            Self::LastMile
        } else if number.len() == 25 && number.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            Self::Package
        } else {
            Self::DhlPackage
        }
    }

    pub(super) const fn parameter(self) -> &'static str {
        match self {
            Self::DhlPackage => "dhlPackageId",
            Self::LastMile => "trackingId",
            Self::Package => "packageId",
        }
    }

    pub(super) fn number(self, package: &TrackedPackage) -> Option<String> {
        let info = package.package.as_ref()?;
        filled(match self {
            Self::DhlPackage => info.dhl_package_id.as_deref(),
            Self::LastMile => info.tracking_id.as_deref(),
            Self::Package => info.package_id.as_deref(),
        })
    }
}

/// The outcome of each number, in any order; of two parcels under one number the one that moved
/// last is meant.
pub(super) fn outcomes(kind: Kind, packages: Vec<TrackedPackage>) -> Vec<(String, TrackOutcome)> {
    let mut found: Vec<(String, TrackOutcome)> = Vec::with_capacity(packages.len());
    for package in packages {
        let Some(number) = kind.number(&package) else { continue };
        let outcome = outcome(package);
        let known = found.iter_mut().find(|(known, _)| normalize(known) == normalize(&number));
        match known {
            Some((_, known)) if newest(known) < newest(&outcome) => *known = outcome,
            Some(_) => {}
            None => found.push((number, outcome)),
        }
    }
    found
}

fn newest(outcome: &TrackOutcome) -> Option<chrono::DateTime<chrono::Utc>> {
    match outcome {
        TrackOutcome::Found { events, .. } => {
            events.iter().map(|event| event.time.approximate()).max()
        }
        _ => None,
    }
}

pub(super) fn outcome(package: TrackedPackage) -> TrackOutcome {
    if package.events.is_unreadable() {
        return unreadable_history();
    }
    let estimate = package.package.as_ref().and_then(|info| info.expected_delivery.as_deref());
    let estimated_delivery = estimate.and_then(day);
    let mut events: Vec<TrackingEvent> = Vec::new();
    for event in package.events.into_vec().into_iter().filter_map(read) {
        // The whole history comes again each time, and some of it twice.
        if !events.contains(&event) {
            events.push(event);
        }
    }
    close_returns(&mut events);
    TrackOutcome::Found { events, estimated_delivery }
}

fn read(event: Event) -> Option<TrackingEvent> {
    let date = day(event.date.as_deref()?)?;
    let code = filled(event.primary_event_id.as_deref()).unwrap_or_default();
    let texts = [&event.primary_event_description, &event.secondary_event_description];
    let raw_text =
        texts.into_iter().filter_map(|text| filled(text.as_deref())).collect::<Vec<_>>().join(": ");
    let (milestone, reason) = meaning(&code, &raw_text);
    Some(TrackingEvent {
        time: time(date, event.time.as_deref(), event.time_zone.as_deref()),
        place: filled(event.location.as_deref()),
        raw_code: match filled(event.secondary_event_id.as_deref()) {
            Some(secondary) => format!("{code} {secondary}"),
            None => code,
        },
        raw_text,
        milestone,
        reason,
    })
}

/// What the carrier's abbreviations stand for. `LT` is a local time of a place nobody names.
fn zone(abbreviation: &str) -> Option<Tz> {
    Some(match abbreviation.trim().to_ascii_uppercase().as_str() {
        "ET" | "EST" | "EDT" => Tz::America__New_York,
        "CT" | "CST" | "CDT" => Tz::America__Chicago,
        "MT" | "MST" | "MDT" => Tz::America__Denver,
        "PT" | "PST" | "PDT" => Tz::America__Los_Angeles,
        "AKT" | "AKST" | "AKDT" => Tz::America__Anchorage,
        "HT" | "HST" => Tz::Pacific__Honolulu,
        // Puerto Rico, where the carrier delivers and no summer time is kept.
        "AST" => Tz::America__Puerto_Rico,
        "GMT" | "UTC" => Tz::UTC,
        _ => return None,
    })
}

fn time(date: NaiveDate, time: Option<&str>, abbreviation: Option<&str>) -> EventTime {
    time_of_day(date, time, |local| {
        // The hour that comes twice in autumn: the first of the two.
        let instant = abbreviation.and_then(zone)?.from_local_datetime(&local).earliest()?;
        Some(instant.to_utc())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn abbreviations_are_zones_with_summer_time_and_lt_is_none() {
        let on = |month, abbreviation| {
            let date = NaiveDate::from_ymd_opt(2024, month, 5).unwrap();
            time(date, Some("14:02:00"), Some(abbreviation))
        };
        let hour = |time| match time {
            EventTime::Instant(at) => at.format("%H:%M").to_string(),
            other => format!("{other:?}"),
        };
        assert_eq!(hour(on(5, "ET")), "18:02");
        assert_eq!(hour(on(1, "ET")), "19:02");
        assert_eq!(hour(on(5, "CT")), "19:02");
        assert_eq!(hour(on(5, "MT")), "20:02");
        assert_eq!(hour(on(5, "PT")), "21:02");
        assert_eq!(hour(on(5, "AST")), "18:02");
        assert!(matches!(on(5, "LT"), EventTime::Local(_)));
        assert!(matches!(on(5, "XYZ"), EventTime::Local(_)));
        // The hour that summer time leaves out is nobody's instant.
        let gap = NaiveDate::from_ymd_opt(2024, 3, 10).unwrap();
        assert!(matches!(time(gap, Some("02:30:00"), Some("ET")), EventTime::Local(_)));
        assert!(matches!(time(gap, None, Some("ET")), EventTime::Date(_)));
    }

    #[test]
    fn a_number_is_asked_for_as_what_its_shape_says() {
        for (number, kind) in [
            ("4231402267890349", Kind::DhlPackage),
            ("4200000000000001", Kind::DhlPackage),
            ("GM60511234500000001", Kind::DhlPackage),
            ("420191429374869903508237399523", Kind::LastMile),
            ("9374869903508237399523", Kind::LastMile),
            ("LX123456785US", Kind::LastMile),
            ("0A1B2C3D4E5F6G7H8I9J0K1L2", Kind::Package),
        ] {
            assert_eq!(Kind::of(number), kind, "{number}");
        }
    }
}
