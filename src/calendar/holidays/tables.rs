//! The rules and decreed days of each country.

use chrono::Weekday::{Fri, Mon, Thu};

use super::Shift::{
    LaterToo, NearestWeekdayToo, OnlyOn, Stays, ToMonday, ToMondayOfTheWeek, ToNearerFriday,
    ToNearerMonday, ToNearerMondayUnlessFriday,
};
use super::When::{Easter, EverySixYears, JuneSolstice, Last, Nth, On};
use super::{HolidayCalendar, Once, Rule, Shift, When};

/// The day the tables were last compared with their sources.
pub(super) const AS_OF: &str = "2026-11-25";

/// All that is known of a country.
pub(super) struct Table {
    pub(super) source: &'static str,
    pub(super) rules: &'static [Rule],
    pub(super) once: &'static [Once],
}

pub(super) const fn table(calendar: HolidayCalendar) -> &'static Table {
    match calendar {
        HolidayCalendar::UnitedStates => &UNITED_STATES,
        HolidayCalendar::Brazil => &BRAZIL,
        HolidayCalendar::Mexico => &MEXICO,
        HolidayCalendar::Argentina => &ARGENTINA,
        HolidayCalendar::Chile => &CHILE,
        HolidayCalendar::Colombia => &COLOMBIA,
        HolidayCalendar::EnglandAndWales => &ENGLAND_AND_WALES,
    }
}

const fn rule(name: &'static str, when: When, shift: Shift) -> Rule {
    since(i32::MIN, name, when, shift)
}

const fn since(since: i32, name: &'static str, when: When, shift: Shift) -> Rule {
    Rule { name, when, shift, since, not_in: &[] }
}

const fn once(year: i32, month: u32, day: u32, name: &'static str) -> Once {
    Once { year, month, day, name }
}

const UNITED_STATES: Table = Table {
    source: "5 U.S.C. § 6103; Executive Order 11582 (observed days)",
    rules: &[
        rule("New Year's Day", On(1, 1), NearestWeekdayToo),
        rule("Martin Luther King Jr. Day", Nth(1, Mon, 3), Stays),
        rule("Washington's Birthday", Nth(2, Mon, 3), Stays),
        rule("Memorial Day", Last(5, Mon), Stays),
        since(2021, "Juneteenth National Independence Day", On(6, 19), NearestWeekdayToo),
        rule("Independence Day", On(7, 4), NearestWeekdayToo),
        rule("Labor Day", Nth(9, Mon, 1), Stays),
        rule("Columbus Day", Nth(10, Mon, 2), Stays),
        rule("Veterans Day", On(11, 11), NearestWeekdayToo),
        rule("Thanksgiving Day", Nth(11, Thu, 4), Stays),
        rule("Christmas Day", On(12, 25), NearestWeekdayToo),
    ],
    once: &[],
};

const BRAZIL: Table = Table {
    source: "Laws 662/1949, 6.802/1980, 9.093/1995, 10.607/2002 and 14.759/2023",
    rules: &[
        rule("Universal Fraternization Day", On(1, 1), Stays),
        rule("Good Friday", Easter(-2), Stays),
        rule("Tiradentes' Day", On(4, 21), Stays),
        rule("Workers' Day", On(5, 1), Stays),
        rule("Independence Day", On(9, 7), Stays),
        rule("Our Lady of Aparecida", On(10, 12), Stays),
        rule("All Souls' Day", On(11, 2), Stays),
        rule("Republic Proclamation Day", On(11, 15), Stays),
        since(2024, "National Day of Zumbi and Black Awareness", On(11, 20), Stays),
        rule("Christmas Day", On(12, 25), Stays),
    ],
    once: &[],
};

const MEXICO: Table = Table {
    source: "Ley Federal del Trabajo, article 74 (transfer of power on 1 October since 2024)",
    rules: &[
        rule("New Year's Day", On(1, 1), Stays),
        rule("Constitution Day", Nth(2, Mon, 1), Stays),
        rule("Benito Juárez's Birthday", Nth(3, Mon, 3), Stays),
        rule("Labor Day", On(5, 1), Stays),
        rule("Independence Day", On(9, 16), Stays),
        since(2024, "Change of Federal Government", EverySixYears(2024, 10, 1), Stays),
        rule("Revolution Day", Nth(11, Mon, 3), Stays),
        rule("Christmas Day", On(12, 25), Stays),
    ],
    once: &[],
};

const BRIDGE: &str = "Bridge Public Holiday";

const ARGENTINA: Table = Table {
    source: "Law 27.399; decree 297/2020; the yearly decisions on bridge days",
    rules: &[
        rule("New Year's Day", On(1, 1), Stays),
        rule("Carnival Monday", Easter(-48), Stays),
        rule("Carnival Tuesday", Easter(-47), Stays),
        rule("Day of Remembrance for Truth and Justice", On(3, 24), Stays),
        // Bridge decrees of 2020 moved the day because of the pandemic.
        Rule {
            name: "Day of the Veterans and the Fallen in the Malvinas War",
            when: On(4, 2),
            shift: Stays,
            since: i32::MIN,
            not_in: &[2020],
        },
        // Like the bridge days no holiday in the strict sense, but listed as a non-working day in
        // every yearly calendar.
        rule("Maundy Thursday", Easter(-3), Stays),
        rule("Good Friday", Easter(-2), Stays),
        rule("Labor Day", On(5, 1), Stays),
        rule("May Revolution Day", On(5, 25), Stays),
        rule("Passing of General Martín Miguel de Güemes", On(6, 17), ToNearerMondayUnlessFriday),
        rule("Passing of General Manuel Belgrano", On(6, 20), Stays),
        rule("Independence Day", On(7, 9), Stays),
        rule("Passing of General José de San Martín", On(8, 17), ToNearerMonday),
        rule("Respect for Cultural Diversity Day", On(10, 12), ToNearerMonday),
        rule("National Sovereignty Day", On(11, 20), ToNearerMonday),
        rule("Immaculate Conception", On(12, 8), Stays),
        rule("Christmas Day", On(12, 25), Stays),
    ],
    once: &[
        once(2020, 3, 31, "Day of the Veterans and the Fallen in the Malvinas War"),
        once(2020, 3, 23, BRIDGE),
        once(2020, 7, 10, BRIDGE),
        once(2020, 12, 7, BRIDGE),
        once(2021, 5, 24, BRIDGE),
        once(2021, 10, 8, BRIDGE),
        once(2021, 11, 22, BRIDGE),
        once(2022, 5, 18, "National Census Day"),
        once(2022, 10, 7, BRIDGE),
        once(2022, 11, 21, BRIDGE),
        once(2022, 12, 9, BRIDGE),
        once(2022, 12, 20, "FIFA World Cup Victory Day"),
        once(2023, 5, 26, BRIDGE),
        once(2023, 6, 19, BRIDGE),
        once(2023, 10, 13, BRIDGE),
        once(2024, 4, 1, BRIDGE),
        once(2024, 6, 21, BRIDGE),
        once(2024, 10, 11, BRIDGE),
        once(2025, 5, 2, BRIDGE),
        once(2025, 8, 15, BRIDGE),
        once(2025, 11, 21, BRIDGE),
        once(2026, 3, 23, BRIDGE),
        once(2026, 7, 10, BRIDGE),
        // Not in the calendar of January; taken from the published list that the tests compare with.
        once(2026, 11, 9, "Visit of Pope Leo XIV"),
        once(2026, 12, 7, BRIDGE),
    ],
};

const CHILE: Table = Table {
    source: "Laws 2.977, 19.668, 20.215, 20.299, 20.983, 21.357 and 21.482",
    rules: &[
        rule("New Year's Day", On(1, 1), Stays),
        since(2017, "National Holiday", On(1, 2), OnlyOn(&[Mon])),
        rule("Good Friday", Easter(-2), Stays),
        rule("Holy Saturday", Easter(-1), Stays),
        rule("Labor Day", On(5, 1), Stays),
        rule("Navy Day", On(5, 21), Stays),
        since(2022, "National Day of Indigenous Peoples", JuneSolstice, Stays),
        rule("Saint Peter and Saint Paul", On(6, 29), ToMondayOfTheWeek),
        rule("Our Lady of Mount Carmel", On(7, 16), Stays),
        rule("Assumption Day", On(8, 15), Stays),
        since(2017, "National Holiday", On(9, 17), OnlyOn(&[Mon, Fri])),
        rule("Independence Day", On(9, 18), Stays),
        rule("Army Day", On(9, 19), Stays),
        since(2007, "National Holiday", On(9, 20), OnlyOn(&[Fri])),
        rule("Meeting of Two Worlds Day", On(10, 12), ToMondayOfTheWeek),
        since(2008, "Reformation Day", On(10, 31), ToNearerFriday),
        rule("All Saints' Day", On(11, 1), Stays),
        rule("Immaculate Conception", On(12, 8), Stays),
        rule("Christmas Day", On(12, 25), Stays),
    ],
    once: &[
        // The law names the date for its first year, which was not that of the solstice.
        once(2021, 6, 21, "National Day of Indigenous Peoples"),
        once(2022, 9, 16, "National Holiday"),
    ],
};

const COLOMBIA: Table = Table {
    source: "Law 51 of 1983 (holidays moved to Monday); Law 2578 of 2026, article 6 (Our Lady of the \
             Rosary of Chiquinquirá)",
    rules: &[
        rule("New Year's Day", On(1, 1), Stays),
        rule("Epiphany", On(1, 6), ToMonday),
        rule("Saint Joseph's Day", On(3, 19), ToMonday),
        rule("Maundy Thursday", Easter(-3), Stays),
        rule("Good Friday", Easter(-2), Stays),
        rule("Labor Day", On(5, 1), Stays),
        // Thursdays and a Friday of the church year, moved to the Monday after.
        rule("Ascension Day", Easter(43), Stays),
        rule("Corpus Christi", Easter(64), Stays),
        rule("Sacred Heart", Easter(71), Stays),
        rule("Saint Peter and Saint Paul", On(6, 29), ToMonday),
        since(2026, "Our Lady of the Rosary of Chiquinquirá", On(7, 9), ToMonday),
        rule("Independence Day", On(7, 20), Stays),
        rule("Battle of Boyacá", On(8, 7), Stays),
        rule("Assumption Day", On(8, 15), ToMonday),
        rule("Columbus Day", On(10, 12), ToMonday),
        rule("All Saints' Day", On(11, 1), ToMonday),
        rule("Independence of Cartagena", On(11, 11), ToMonday),
        rule("Immaculate Conception", On(12, 8), Stays),
        rule("Christmas Day", On(12, 25), Stays),
    ],
    once: &[],
};

const ENGLAND_AND_WALES: Table = Table {
    source: "Banking and Financial Dealings Act 1971; royal proclamations",
    rules: &[
        rule("New Year's Day", On(1, 1), LaterToo(2, 1)),
        rule("Good Friday", Easter(-2), Stays),
        rule("Easter Monday", Easter(1), Stays),
        Rule {
            name: "Early May Bank Holiday",
            when: Nth(5, Mon, 1),
            shift: Stays,
            since: i32::MIN,
            not_in: &[2020],
        },
        Rule {
            name: "Spring Bank Holiday",
            when: Last(5, Mon),
            shift: Stays,
            since: i32::MIN,
            not_in: &[2022],
        },
        rule("Summer Bank Holiday", Last(8, Mon), Stays),
        // On a weekend the two take Monday and Tuesday, whichever is not a holiday itself.
        rule("Christmas Day", On(12, 25), LaterToo(2, 2)),
        rule("Boxing Day", On(12, 26), LaterToo(2, 2)),
    ],
    once: &[
        once(2020, 5, 8, "Early May Bank Holiday (VE Day)"),
        once(2022, 6, 2, "Spring Bank Holiday"),
        once(2022, 6, 3, "Platinum Jubilee of Elizabeth II"),
        once(2022, 9, 19, "State Funeral of Elizabeth II"),
        once(2023, 5, 8, "Coronation of Charles III"),
    ],
};
