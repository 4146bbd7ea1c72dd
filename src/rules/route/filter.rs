//! The hard filters: what a service can never do, whatever the rules say.

use std::fmt;

use chrono::{DateTime, Days, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::rank::{InTime, Offers};
use super::{RouteInput, ServiceAliases};
use crate::address::text::{begins_with, is_same};
use crate::address::{Address, WrittenState};
use crate::calendar::WorkCalendar;
use crate::money::Currency;
use crate::order::SpeedClass;
use crate::shipment::{CarrierService, Coverage};
use crate::units::{Grams, Millimetres};

/// What is known of a seller's account with a carrier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct CarrierAccount {
    /// Whether the account is open and its credentials work.
    pub usable: bool,
    /// On which days and until when the carrier collects; `None` is every day.
    pub calendar: Option<WorkCalendar>,
    /// Parcels the carrier still takes today over all services; `None` is no limit.
    pub capacity_left: Option<u32>,
}

impl Default for CarrierAccount {
    fn default() -> Self {
        Self { usable: true, calendar: None, capacity_left: None }
    }
}

impl CarrierAccount {
    /// An account that is open, without limits.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets whether the account can be used.
    #[must_use]
    pub const fn with_usable(mut self, usable: bool) -> Self {
        self.usable = usable;
        self
    }

    /// Sets the days and the cut-off of the collection.
    #[must_use]
    pub fn with_calendar(mut self, calendar: WorkCalendar) -> Self {
        self.calendar = Some(calendar);
        self
    }

    /// Sets how many parcels the carrier still takes today.
    #[must_use]
    pub const fn with_capacity_left(mut self, parcels: u32) -> Self {
        self.capacity_left = Some(parcels);
        self
    }
}

/// Why a service cannot take a parcel: the first filter that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ServiceRejection {
    /// Switched off.
    Disabled,
    /// The account with the carrier is closed or its credentials do not work.
    AccountUnusable,
    /// The platform cannot name it.
    PlatformRefuses,
    /// It does not go there.
    NotServed {
        /// What of the address it does not serve.
        what: String,
    },
    /// Too heavy, too big, too valuable, or contents not allowed.
    OverLimit {
        /// Which limit.
        what: String,
    },
    /// The value it takes at most is in another currency than the order: nobody can say whether it
    /// takes it.
    ValueNotComparable {
        /// The currency of the limit.
        limit: Currency,
        /// That of the order.
        order: Currency,
    },
    /// Slower than the buyer paid for.
    TooSlow,
    /// Its longest transit time is above what the parcel admits.
    TransitTooLong {
        /// Days it needs at most.
        days: u32,
        /// Days admitted.
        most: u32,
    },
    /// It would arrive too late.
    MissesDeliverBy {
        /// The day it may arrive at the latest.
        arrives: NaiveDate,
    },
    /// The calendars of warehouse and carrier have no common working day.
    NoWorkingDay,
    /// Its quota of today, or its carrier's, is used up.
    NoCapacity,
    /// A rule leaves it out.
    ByRule {
        /// Which rule.
        rule: String,
    },
    /// Others that can take the parcel have a price, this one has none.
    NoQuote,
    /// Its price is in another currency than the others.
    OtherCurrency,
    /// A rule asks for it, and the catalogue does not have it.
    UnknownService {
        /// Which rule.
        rule: String,
    },
}

impl fmt::Display for ServiceRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disabled => f.write_str("is switched off"),
            Self::AccountUnusable => f.write_str("belongs to an account that cannot be used"),
            Self::PlatformRefuses => f.write_str("cannot be named on the platform"),
            Self::NotServed { what } => write!(f, "does not serve {what}"),
            Self::OverLimit { what } => write!(f, "limit exceeded: {what}"),
            Self::ValueNotComparable { limit, order } => {
                write!(f, "value limit in {limit} cannot be compared with an order in {order}")
            }
            Self::TooSlow => f.write_str("is slower than the buyer paid for"),
            Self::TransitTooLong { days, most } => {
                write!(f, "may take {days} days where {most} are admitted")
            }
            Self::MissesDeliverBy { arrives } => write!(f, "may arrive only on {arrives}"),
            Self::NoWorkingDay => f.write_str("has no working day ahead"),
            Self::NoCapacity => f.write_str("has no capacity left today"),
            Self::ByRule { rule } => write!(f, "is left out by rule {rule}"),
            Self::NoQuote => f.write_str("gave no price"),
            Self::OtherCurrency => f.write_str("is priced in another currency"),
            Self::UnknownService { rule } => {
                write!(f, "is asked for by rule {rule} and not in the catalogue")
            }
        }
    }
}

/// What a price says about the time on the way; all unknown without a price.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Promise {
    pub(super) deliver_on: Option<NaiveDate>,
    pub(super) transit_days: Option<u32>,
}

/// The hard filters in their order; the first that fails is the reason. What passes keeps the prices
/// that pass.
pub(super) fn hard_filter<'a>(
    input: &RouteInput<'_>,
    service: &CarrierService,
    account: Option<&CarrierAccount>,
    aliases: &ServiceAliases,
    offers: &Offers<'a>,
    schedule: &Schedule<'_>,
) -> Result<InTime<'a>, ServiceRejection> {
    if !service.enabled {
        return Err(ServiceRejection::Disabled);
    }
    if account.is_some_and(|account| !account.usable) {
        return Err(ServiceRejection::AccountUnusable);
    }
    if !platform_accepts(input, service, aliases) {
        return Err(ServiceRejection::PlatformRefuses);
    }
    if let Some(gap) = coverage_gap(input, &service.coverage) {
        return Err(ServiceRejection::NotServed { what: gap.describe(input.destination) });
    }
    if let Some(excess) = excess(input, service) {
        return Err(match excess {
            Excess::OtherCurrency(limit) => {
                ServiceRejection::ValueNotComparable { limit, order: input.value.currency }
            }
            excess => ServiceRejection::OverLimit { what: excess.describe(input) },
        });
    }
    if is_too_slow(input, service) {
        return Err(ServiceRejection::TooSlow);
    }
    let calendar = account.and_then(|account| account.calendar.as_ref());
    let in_time = offers.in_time(&service.key, |promise| {
        schedule.rejects(service.max_transit_days, calendar, promise)
    })?;
    if is_full(service, account) {
        return Err(ServiceRejection::NoCapacity);
    }
    Ok(in_time)
}

/// Whether the platform can name a service, by its own name or an older one.
pub(super) fn platform_accepts(
    input: &RouteInput<'_>,
    service: &CarrierService,
    aliases: &ServiceAliases,
) -> bool {
    input.platform_accepts.is_none_or(|accepted| {
        accepted.contains(&service.key)
            || aliases.names_of(&service.key).any(|name| accepted.contains(name))
    })
}

/// Whether the service or its carrier takes no more parcels today.
pub(super) fn is_full(service: &CarrierService, account: Option<&CarrierAccount>) -> bool {
    service.capacity_left == Some(0)
        || account.is_some_and(|account| account.capacity_left == Some(0))
}

/// Who paid for fast gets nothing slower than expedited.
pub(super) fn is_too_slow(input: &RouteInput<'_>, service: &CarrierService) -> bool {
    input.speed >= SpeedClass::Expedited && service.speed < SpeedClass::Expedited
}

/// The days that the time filter compares, worked out once for a parcel: calendars are slow.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schedule<'a> {
    warehouse: &'a WorkCalendar,
    now: DateTime<Utc>,
    /// Days admitted on the way.
    most_days: Option<u32>,
    /// The local day of the deadline, if there is one to be kept.
    due: Option<NaiveDate>,
    /// The first day the warehouse can ship, asked for only where there is a deadline.
    ready: Option<NaiveDate>,
}

impl<'a> Schedule<'a> {
    /// A deadline that has passed cannot be kept by anybody and excludes nobody.
    pub(super) fn of(input: &RouteInput<'a>, now: DateTime<Utc>) -> Self {
        let due =
            input.deliver_by.filter(|due| *due > now).map(|due| input.calendar.local_date(due));
        let ready = due.and_then(|_| earliest_ship(input.calendar, None, now));
        let warehouse = input.calendar;
        Self { warehouse, now, most_days: input.max_transit_days, due, ready }
    }

    /// The first day on which the warehouse can give a parcel to a carrier; `None` is never.
    pub(super) fn leaves(&self, carrier: Option<&WorkCalendar>) -> Option<NaiveDate> {
        earliest_ship(self.warehouse, carrier, self.now)
    }

    /// The time filter for a service that usually needs `usual_days`.
    pub(super) fn rejects(
        &self,
        usual_days: u32,
        carrier: Option<&WorkCalendar>,
        promise: Promise,
    ) -> Option<ServiceRejection> {
        let days = promise.transit_days.unwrap_or(usual_days);
        if let Some(most) = self.most_days.filter(|most| days > *most) {
            return Some(ServiceRejection::TransitTooLong { days, most });
        }
        let due = self.due?;
        let leaves = match carrier {
            None => self.ready,
            Some(_) => self.leaves(carrier),
        };
        let Some(leaves) = leaves else { return Some(ServiceRejection::NoWorkingDay) };
        let arrives = promise
            .deliver_on
            .or_else(|| leaves.checked_add_days(Days::new(u64::from(days))))
            .unwrap_or(NaiveDate::MAX);
        (arrives > due).then_some(ServiceRejection::MissesDeliverBy { arrives })
    }
}

/// The first local day on which a parcel that is ready `now` can be given to the carrier: not
/// before the next cut-off of the warehouse nor that of the carrier, and worked by both. `None`
/// when they have no common working day.
///
/// ```
/// use chrono::{NaiveTime, TimeZone, Utc};
/// use orderflow::calendar::WorkCalendar;
/// use orderflow::rules::earliest_ship;
///
/// let at = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
/// let warehouse = WorkCalendar::weekdays(chrono_tz::UTC, at(14));
/// let carrier = WorkCalendar::weekdays(chrono_tz::UTC, at(11));
/// // Friday noon: the warehouse still works on it, but the carrier has been there.
/// let now = Utc.with_ymd_and_hms(2026, 3, 6, 12, 0, 0).unwrap();
/// assert_eq!(earliest_ship(&warehouse, None, now).unwrap().to_string(), "2026-03-06");
/// assert_eq!(earliest_ship(&warehouse, Some(&carrier), now).unwrap().to_string(), "2026-03-09");
/// ```
#[must_use]
pub fn earliest_ship(
    warehouse: &WorkCalendar,
    carrier: Option<&WorkCalendar>,
    now: DateTime<Utc>,
) -> Option<NaiveDate> {
    let mut day = warehouse.start_day(now).ok()?;
    let Some(carrier) = carrier else { return Some(day) };
    day = day.max(carrier.start_day(now).ok()?);
    // Each round moves to a later working day of one of them. Two calendars that agree on no day
    // of two years never will.
    for _ in 0..750 {
        let next = carrier.working_day_from(warehouse.working_day_from(day).ok()?).ok()?;
        if next == day {
            return Some(day);
        }
        day = next;
    }
    None
}

/// What of an address a service does not serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gap {
    UnknownCountry,
    Country,
    State,
    City,
    Postcode,
    PostOfficeBox,
    Remote,
    Residential,
}

impl Gap {
    fn describe(self, address: &Address) -> String {
        let country = address.country.map_or_else(String::new, |country| country.to_string());
        match self {
            Self::UnknownCountry => "an unknown country".into(),
            Self::Country => country,
            Self::State => format!("{country} {}", address.state.as_deref().unwrap_or("")),
            Self::City => format!("the city of {}", address.city),
            Self::Postcode => format!("postcode {}", address.postal_code.as_deref().unwrap_or("")),
            Self::PostOfficeBox => "post-office boxes".into(),
            Self::Remote => "remote places".into(),
            Self::Residential => "home addresses".into(),
        }
    }
}

/// Country, then state, then city and postcode, then kinds of addresses.
pub(super) fn coverage_gap(input: &RouteInput<'_>, coverage: &Coverage) -> Option<Gap> {
    let address = input.destination;
    let Some(country) = address.country else { return Some(Gap::UnknownCountry) };
    if (!coverage.countries.is_empty() && !coverage.countries.contains(&country))
        || coverage.excluded_countries.contains(&country)
    {
        return Some(Gap::Country);
    }
    if !coverage.states.is_empty() || !coverage.excluded_states.is_empty() {
        let state = WrittenState::of(Some(country), address.state.as_deref().unwrap_or(""));
        let in_state = |states: &[String]| states.iter().any(|known| state.is(known));
        if (!coverage.states.is_empty() && !in_state(&coverage.states))
            || in_state(&coverage.excluded_states)
        {
            return Some(Gap::State);
        }
    }
    let in_city = |cities: &[String]| cities.iter().any(|city| is_same(city, &address.city));
    if (!coverage.cities.is_empty() && !in_city(&coverage.cities))
        || in_city(&coverage.excluded_cities)
    {
        return Some(Gap::City);
    }
    let code = address.postal_code.as_deref().unwrap_or("");
    let begins = |prefixes: &[String]| prefixes.iter().any(|prefix| begins_with(code, prefix));
    if (!coverage.postcode_prefixes.is_empty() && !begins(&coverage.postcode_prefixes))
        || begins(&coverage.excluded_postcode_prefixes)
    {
        return Some(Gap::Postcode);
    }
    if coverage.no_po_box && is_post_office_box(address) {
        return Some(Gap::PostOfficeBox);
    }
    if coverage.no_remote && input.remote {
        return Some(Gap::Remote);
    }
    (coverage.no_residential && address.residential == Some(true)).then_some(Gap::Residential)
}

/// The same answer as [`Address::is_po_box`], without building texts: it is asked for every parcel.
fn is_post_office_box(address: &Address) -> bool {
    const WORDS: [&str; 4] = ["pobox", "postofficebox", "caixapostal", "apartadopostal"];
    address.lines.iter().any(|line| {
        WORDS.iter().any(|word| {
            let mut letters = line
                .as_str()
                .chars()
                .flat_map(char::to_lowercase)
                .filter(|letter| !matches!(letter, '.' | ' '));
            word.chars().all(|letter| letters.next() == Some(letter))
        })
    })
}

/// Which limit of a service a parcel exceeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Excess {
    Weight(Grams),
    Length(Millimetres),
    Girth(Millimetres),
    Value(crate::money::Money),
    /// A limit that cannot be compared.
    OtherCurrency(Currency),
    Batteries,
    Liquids,
}

impl Excess {
    fn describe(self, input: &RouteInput<'_>) -> String {
        let size = input.dimensions;
        match self {
            Self::Weight(most) => format!("{} of {most}", input.weight),
            Self::Length(most) => {
                format!("length {} of {most}", size.map_or(most, |size| size.length))
            }
            Self::Girth(most) => {
                let girth = size.map_or(most, |size| size.length_plus_girth());
                format!("length plus girth {girth} of {most}")
            }
            Self::Value(most) => format!("value {} of {most}", input.value),
            Self::OtherCurrency(limit) => format!("value {} of a limit in {limit}", input.value),
            Self::Batteries => "batteries".into(),
            Self::Liquids => "liquids".into(),
        }
    }
}

pub(super) fn excess(input: &RouteInput<'_>, service: &CarrierService) -> Option<Excess> {
    if let Some(most) = service.max_weight.filter(|most| input.weight > *most) {
        return Some(Excess::Weight(most));
    }
    if let Some(size) = input.dimensions {
        if let Some(most) = service.max_length.filter(|most| size.length > *most) {
            return Some(Excess::Length(most));
        }
        let girth = size.length_plus_girth();
        if let Some(most) = service.max_length_plus_girth.filter(|most| girth > *most) {
            return Some(Excess::Girth(most));
        }
    }
    if let Some(most) = service.max_value {
        if most.currency != input.value.currency {
            return Some(Excess::OtherCurrency(most.currency));
        }
        if input.value.amount > most.amount {
            return Some(Excess::Value(most));
        }
    }
    if input.batteries && !service.batteries {
        return Some(Excess::Batteries);
    }
    (input.liquids && !service.liquids).then_some(Excess::Liquids)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn post_office_boxes_are_seen_exactly_as_the_address_sees_them(
            line in "([Pp][. ]{0,2}[Oo][. ]{0,2}[Bb]ox|[Cc]aixa ?Postal|APARTADO POSTAL|Post Office Box|.{0,6}) ?.{0,6}",
        ) {
            let address = Address { lines: vec![line.into()], ..Address::default() };
            prop_assert_eq!(is_post_office_box(&address), address.is_po_box());
        }
    }
}
