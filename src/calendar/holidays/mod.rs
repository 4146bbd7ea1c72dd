//! Public holidays of countries, computed from their laws.
//!
//! Most holidays follow from a rule: a fixed date, the n-th weekday of a month, a distance from
//! Easter, and what the law says when that falls on the wrong weekday. Days a government grants
//! once are listed. Both live in [`tables`], with their source and the day they were compared.

mod tables;

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use chrono::{Datelike, Days, NaiveDate, TimeDelta, Weekday};
use serde::{Deserialize, Serialize};

use crate::address::Country;
use tables::{Table, table};

/// The nation-wide public holidays of a country.
///
/// Days are computed for any year, so a calendar that uses one never runs out of holidays. They
/// agree with the published ones for 2020 to 2035, as far as the law settles them in advance.
/// Earlier years follow today's rules; later ones too, until a law changes.
///
/// What a government grants for one occasion is known only once it is decreed: the days known at
/// [`as_of`](Self::as_of) are included, later ones belong into
/// [`WorkCalendar::holidays`](super::WorkCalendar::holidays). Holidays of single states or
/// professions (banks, schools) are not included.
///
/// ```
/// use chrono::NaiveDate;
/// use orderflow::calendar::HolidayCalendar;
///
/// let day = |y, m, d| NaiveDate::from_ymd_opt(y, m, d).unwrap();
/// // Independence Day 2026 is a Saturday: Friday is off too.
/// assert!(HolidayCalendar::UnitedStates.is_holiday(day(2026, 7, 3)));
/// // Epiphany moves to Monday in Colombia.
/// assert!(HolidayCalendar::Colombia.is_holiday(day(2026, 1, 12)));
/// assert!(!HolidayCalendar::Colombia.is_holiday(day(2026, 1, 6)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub enum HolidayCalendar {
    /// Federal holidays of the United States. A day on Saturday is also observed on Friday, one on
    /// Sunday also on Monday.
    #[serde(rename = "US")]
    UnitedStates,
    /// Brazil, national holidays. Carnival and Corpus Christi are optional there and not included.
    #[serde(rename = "BR")]
    Brazil,
    /// Mexico, days of obligatory rest.
    #[serde(rename = "MX")]
    Mexico,
    /// Argentina, with Maundy Thursday and the bridge days decreed so far (up to 2026). These are
    /// non-working days there rather than holidays: whether a private employer works is its choice.
    #[serde(rename = "AR")]
    Argentina,
    /// Chile. Days of elections are not included. The holiday of the June solstice is right up to
    /// 2049.
    #[serde(rename = "CL")]
    Chile,
    /// Colombia, with the holidays its law moves to Monday.
    #[serde(rename = "CO")]
    Colombia,
    /// Bank holidays of England and Wales, with their substitute days.
    #[serde(rename = "GB")]
    EnglandAndWales,
}

/// A public holiday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Holiday {
    /// The local date.
    pub date: NaiveDate,
    /// Its English name.
    pub name: &'static str,
    /// Whether this is the day off granted because the holiday itself is on a weekend.
    pub observed: bool,
}

impl HolidayCalendar {
    /// Every calendar there is.
    pub const ALL: [Self; 7] = [
        Self::UnitedStates,
        Self::Brazil,
        Self::Mexico,
        Self::Argentina,
        Self::Chile,
        Self::Colombia,
        Self::EnglandAndWales,
    ];

    /// The calendar of a country; `None` when this crate has none.
    ///
    /// ```
    /// use orderflow::Country;
    /// use orderflow::calendar::HolidayCalendar;
    ///
    /// let brazil = Country::new("BR").unwrap();
    /// assert_eq!(HolidayCalendar::of(&brazil), Some(HolidayCalendar::Brazil));
    /// ```
    #[must_use]
    pub fn of(country: &Country) -> Option<Self> {
        Self::ALL.into_iter().find(|calendar| calendar.country_code() == country.as_str())
    }

    /// The ISO 3166-1 code of the country.
    #[must_use]
    pub const fn country_code(self) -> &'static str {
        match self {
            Self::UnitedStates => "US",
            Self::Brazil => "BR",
            Self::Mexico => "MX",
            Self::Argentina => "AR",
            Self::Chile => "CL",
            Self::Colombia => "CO",
            Self::EnglandAndWales => "GB",
        }
    }

    /// The laws behind the days.
    #[must_use]
    pub const fn source(self) -> &'static str {
        table(self).source
    }

    /// The day the rules were last compared with their sources, as `YYYY-MM-DD`.
    #[must_use]
    pub const fn as_of(self) -> &'static str {
        tables::AS_OF
    }

    /// The holidays of a year in order of date. Two holidays on one date are two entries.
    #[must_use]
    pub fn holidays(self, year: i32) -> Vec<Holiday> {
        let Table { rules, once, .. } = table(self);
        // New Year's Day of the year after may be observed on 31 December.
        let after = year.checked_add(1).into_iter();
        let mut days: Vec<Holiday> = std::iter::once(year)
            .chain(after)
            .flat_map(|year| rules.iter().flat_map(move |rule| rule.days(year)))
            .flatten()
            .chain(once.iter().filter_map(|once| once.day()))
            .filter(|holiday| holiday.date.year() == year)
            .collect();
        days.sort_unstable();
        days
    }

    /// The dates off in some years, each once.
    #[must_use]
    pub fn dates(self, years: RangeInclusive<i32>) -> BTreeSet<NaiveDate> {
        years.flat_map(|year| self.holidays(year)).map(|holiday| holiday.date).collect()
    }

    /// Whether a local date is a holiday or its observed day.
    #[must_use]
    pub fn is_holiday(self, day: NaiveDate) -> bool {
        let Table { rules, once, .. } = table(self);
        let in_year = |year| {
            rules.iter().any(|rule| {
                rule.days(year).into_iter().flatten().any(|holiday| holiday.date == day)
            })
        };
        let eve = day.month() == 12 && day.day() == 31;
        in_year(day.year())
            || (eve && day.year().checked_add(1).is_some_and(in_year))
            || once.iter().any(|once| once.is_on(day))
    }
}

/// A day a government granted once.
struct Once {
    year: i32,
    month: u32,
    day: u32,
    name: &'static str,
}

impl Once {
    fn day(&self) -> Option<Holiday> {
        let date = NaiveDate::from_ymd_opt(self.year, self.month, self.day)?;
        Some(Holiday { date, name: self.name, observed: false })
    }

    fn is_on(&self, day: NaiveDate) -> bool {
        (self.year, self.month, self.day) == (day.year(), day.month(), day.day())
    }
}

/// The date a holiday has before any law moves it.
#[derive(Clone, Copy)]
enum When {
    /// Month and day.
    On(u32, u32),
    /// Month, weekday, and which one of the month.
    Nth(u32, Weekday, u8),
    /// The last such weekday of a month.
    Last(u32, Weekday),
    /// Days from Easter Sunday.
    Easter(i64),
    /// Month and day, in every sixth year counted from this one.
    EverySixYears(i32, u32, u32),
    /// The June solstice at UTC−4: the 20th in leap years and the year after, else the 21st.
    /// Holds for 2018 to 2049.
    JuneSolstice,
}

/// What the law does with a date on the wrong weekday.
#[derive(Clone, Copy)]
enum Shift {
    /// Nothing.
    Stays,
    /// Saturday is also observed the day before, Sunday the day after.
    NearestWeekdayToo,
    /// Off on another day too: days later when on Saturday, days later when on Sunday.
    LaterToo(u64, u64),
    /// Any day but Monday moves to the Monday after.
    ToMonday,
    /// Tuesday and Wednesday move to the Monday before, Thursday and Friday to the one after.
    ToNearerMonday,
    /// As [`ToNearerMonday`](Self::ToNearerMonday), but Friday stays: the Monday after is taken.
    ToNearerMondayUnlessFriday,
    /// Tuesday to Thursday move to the Monday before, Friday to the one after.
    ToMondayOfTheWeek,
    /// Tuesday moves to the Friday before, Wednesday to the one after.
    ToNearerFriday,
    /// A holiday only when it falls on one of these.
    OnlyOn(&'static [Weekday]),
}

/// A holiday that comes back.
struct Rule {
    name: &'static str,
    when: When,
    shift: Shift,
    /// The first year it is kept.
    since: i32,
    /// Years in which a decree put it elsewhere; where, is listed beside the rules.
    not_in: &'static [i32],
}

impl Rule {
    /// The holiday of a year and the further day it is observed on.
    fn days(&self, year: i32) -> [Option<Holiday>; 2] {
        let date = (year >= self.since && !self.not_in.contains(&year))
            .then(|| self.when.date(year))
            .flatten();
        let Some(date) = date else { return [None, None] };
        let day = |date, observed| Some(Holiday { date, name: self.name, observed });
        let (main, further) = self.shift.of(date);
        [main.and_then(|date| day(date, false)), further.and_then(|date| day(date, true))]
    }
}

impl When {
    fn date(self, year: i32) -> Option<NaiveDate> {
        match self {
            Self::On(month, day) => NaiveDate::from_ymd_opt(year, month, day),
            Self::Nth(month, weekday, n) => {
                NaiveDate::from_weekday_of_month_opt(year, month, weekday, n)
            }
            Self::Last(month, weekday) => {
                NaiveDate::from_weekday_of_month_opt(year, month, weekday, 5)
                    .or_else(|| NaiveDate::from_weekday_of_month_opt(year, month, weekday, 4))
            }
            Self::Easter(days) => easter(year)?.checked_add_signed(TimeDelta::try_days(days)?),
            Self::EverySixYears(first, month, day) => (year.checked_sub(first)?.rem_euclid(6) == 0)
                .then(|| NaiveDate::from_ymd_opt(year, month, day))
                .flatten(),
            Self::JuneSolstice => {
                let day = if year.rem_euclid(4) < 2 { 20 } else { 21 };
                NaiveDate::from_ymd_opt(year, 6, day)
            }
        }
    }
}

impl Shift {
    /// The day of the holiday, and the further day it is observed on.
    fn of(self, date: NaiveDate) -> (Option<NaiveDate>, Option<NaiveDate>) {
        use Weekday::{Fri, Mon, Sat, Sun, Thu, Tue, Wed};
        let later = |days| date.checked_add_days(Days::new(days));
        let earlier = |days| date.checked_sub_days(Days::new(days));
        let after_monday = u64::from(date.weekday().num_days_from_monday());
        let monday_before = || earlier(after_monday);
        let monday_after = || later(7 - after_monday);
        let weekday = date.weekday();
        match (self, weekday) {
            (Self::NearestWeekdayToo, Sat) => (Some(date), earlier(1)),
            (Self::NearestWeekdayToo, Sun) => (Some(date), later(1)),
            (Self::LaterToo(days, _), Sat) | (Self::LaterToo(_, days), Sun) => {
                (Some(date), later(days))
            }
            (Self::ToMonday, Tue | Wed | Thu | Fri | Sat | Sun) => (monday_after(), None),
            (Self::ToNearerMonday | Self::ToNearerMondayUnlessFriday, Tue | Wed)
            | (Self::ToMondayOfTheWeek, Tue | Wed | Thu) => (monday_before(), None),
            (Self::ToNearerMonday, Thu | Fri)
            | (Self::ToNearerMondayUnlessFriday, Thu)
            | (Self::ToMondayOfTheWeek, Fri) => (monday_after(), None),
            (Self::ToNearerFriday, Tue) => (earlier(4), None),
            (Self::ToNearerFriday, Wed) => (later(2), None),
            (Self::OnlyOn(days), _) if !days.contains(&weekday) => (None, None),
            (_, Mon | Tue | Wed | Thu | Fri | Sat | Sun) => (Some(date), None),
        }
    }
}

/// Easter Sunday of the Gregorian calendar (the rule of Meeus, Jones and Butcher).
fn easter(year: i32) -> Option<NaiveDate> {
    if !(1..=9999).contains(&year) {
        return None;
    }
    let (golden, century, rest) = (year % 19, year / 100, year % 100);
    let correction = (century + 8) / 25;
    let epact = (19 * golden + century - century / 4 - (century - correction + 1) / 3 + 15) % 30;
    let sunday = (32 + 2 * (century % 4) + 2 * (rest / 4) - epact - rest % 4) % 7;
    let late = (golden + 11 * epact + 22 * sunday) / 451;
    let from_march = epact + sunday - 7 * late + 114;
    NaiveDate::from_ymd_opt(
        year,
        u32::try_from(from_march / 31).ok()?,
        u32::try_from(from_march % 31 + 1).ok()?,
    )
}
