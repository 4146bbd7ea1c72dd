//! Dates as they are declared to be written.

use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use chrono_tz::Tz;

use crate::calendar::{END_OF_DAY, resolve_local};

/// A date format, taken apart once.
#[derive(Debug, Clone)]
enum Format {
    Rfc3339,
    /// Digits at fixed widths and texts between them.
    Plain(Vec<Token>),
    /// Names an offset.
    WithOffset(String),
    WithTime(String),
    Day(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    Text(u8),
}

/// What a cell says about time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Instant(DateTime<Utc>),
    Local(NaiveDateTime),
    Day(NaiveDate),
}

/// The declared formats and their zone.
#[derive(Debug, Clone)]
pub(super) struct Dates {
    formats: Vec<Format>,
    zone: Tz,
}

impl Dates {
    pub(super) fn new(formats: &[String], zone: Tz) -> Self {
        Self { formats: formats.iter().map(|format| Format::new(format)).collect(), zone }
    }

    /// The instant; a day means its begin, or its end for deadlines.
    pub(super) fn read(&self, text: &str, ends: bool) -> Option<DateTime<Utc>> {
        let said = self.formats.iter().find_map(|format| format.read(text))?;
        Some(match said {
            Said::Instant(at) => at,
            Said::Local(at) => self.instant(at),
            Said::Day(day) if ends => self.instant(day.and_time(END_OF_DAY)),
            Said::Day(day) => self.instant(day.and_time(NaiveTime::MIN)),
        })
    }

    fn instant(&self, local: NaiveDateTime) -> DateTime<Utc> {
        if self.zone == Tz::UTC { local.and_utc() } else { resolve_local(self.zone, local) }
    }
}

impl Format {
    fn new(format: &str) -> Self {
        if format.eq_ignore_ascii_case("rfc3339") {
            return Self::Rfc3339;
        }
        if let Some(tokens) = tokens(format) {
            return Self::Plain(tokens);
        }
        let has = |wanted: &[&str]| wanted.iter().any(|letter| format.contains(letter));
        if has(&["%z", "%:z", "%#z", "%+", "%s"]) {
            Self::WithOffset(format.to_owned())
        } else if has(&["%H", "%I", "%k", "%l", "%T", "%R", "%r", "%X", "%c"]) {
            Self::WithTime(format.to_owned())
        } else {
            Self::Day(format.to_owned())
        }
    }

    fn read(&self, text: &str) -> Option<Said> {
        match self {
            Self::Rfc3339 => rfc3339(text).map(Said::Instant),
            Self::Plain(tokens) => plain(tokens, text),
            Self::WithOffset(format) => {
                DateTime::parse_from_str(text, format).ok().map(|at| Said::Instant(at.to_utc()))
            }
            Self::WithTime(format) => {
                NaiveDateTime::parse_from_str(text, format).ok().map(Said::Local)
            }
            Self::Day(format) => NaiveDate::parse_from_str(text, format).ok().map(Said::Day),
        }
    }
}

/// Whether a format is one that the calendar library understands.
pub(super) fn is_format(format: &str) -> bool {
    format.eq_ignore_ascii_case("rfc3339")
        || (format.contains('%')
            && !StrftimeItems::new(format).any(|item| matches!(item, Item::Error)))
}

/// The tokens of a format that has only digits of fixed width; `None` for all others.
fn tokens(format: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut bytes = format.bytes();
    while let Some(byte) = bytes.next() {
        tokens.push(match byte {
            b'%' => match bytes.next()? {
                b'Y' => Token::Year,
                b'm' => Token::Month,
                b'd' => Token::Day,
                b'H' => Token::Hour,
                b'M' => Token::Minute,
                b'S' => Token::Second,
                _ => return None,
            },
            b' ' | b'-' | b'/' | b'.' | b':' | b',' | b'T' => Token::Text(byte),
            _ => return None,
        });
    }
    let has = |token| tokens.contains(&token);
    let dated = has(Token::Year) && has(Token::Month) && has(Token::Day);
    let timed = has(Token::Hour) && has(Token::Minute);
    let untimed = !has(Token::Hour) && !has(Token::Minute) && !has(Token::Second);
    (dated && (timed || untimed)).then_some(tokens)
}

/// Takes one to `most` digits off the front.
fn number(bytes: &mut &[u8], most: usize) -> Option<u32> {
    let mut value = 0_u32;
    let mut taken = 0;
    while let Some((first, rest)) = bytes.split_first() {
        if !first.is_ascii_digit() || taken == most {
            break;
        }
        value = value * 10 + u32::from(first - b'0');
        taken += 1;
        *bytes = rest;
    }
    (taken > 0).then_some(value)
}

fn plain(tokens: &[Token], text: &str) -> Option<Said> {
    let mut bytes = text.as_bytes();
    let (mut year, mut month, mut day) = (0, 0, 0);
    let mut time = None;
    for token in tokens {
        match token {
            Token::Text(wanted) => {
                let (first, rest) = bytes.split_first()?;
                if first != wanted {
                    return None;
                }
                bytes = rest;
            }
            Token::Year => {
                let before = bytes.len();
                year = number(&mut bytes, 4)?;
                // A year of two digits is not guessed.
                if before - bytes.len() != 4 {
                    return None;
                }
            }
            Token::Month => month = number(&mut bytes, 2)?,
            Token::Day => day = number(&mut bytes, 2)?,
            Token::Hour => time.get_or_insert((0, 0, 0)).0 = number(&mut bytes, 2)?,
            Token::Minute => time.get_or_insert((0, 0, 0)).1 = number(&mut bytes, 2)?,
            Token::Second => time.get_or_insert((0, 0, 0)).2 = number(&mut bytes, 2)?,
        }
    }
    if !bytes.is_empty() {
        return None;
    }
    let day = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    Some(match time {
        Some((hour, minute, second)) => Said::Local(day.and_hms_opt(hour, minute, second)?),
        None => Said::Day(day),
    })
}

fn rfc3339(text: &str) -> Option<DateTime<Utc>> {
    use Token::{Day, Hour, Minute, Month, Second, Text, Year};
    const TOKENS: [Token; 11] = [
        Year,
        Text(b'-'),
        Month,
        Text(b'-'),
        Day,
        Text(b'T'),
        Hour,
        Text(b':'),
        Minute,
        Text(b':'),
        Second,
    ];
    // The usual form by the short way; all others by the long one.
    if text.len() == 20
        && let Some(local) = text.strip_suffix('Z')
        && let Some(Said::Local(at)) = plain(&TOKENS, local)
    {
        return Some(at.and_utc());
    }
    DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(format: &str, text: &str) -> Option<String> {
        let dates = Dates::new(&[format.to_owned()], chrono_tz::America::New_York);
        dates.read(text, false).map(|at| at.to_rfc3339())
    }

    #[test]
    fn the_short_way_and_the_long_way_read_the_same() {
        for (format, same, text) in [
            ("%Y-%m-%d %H:%M:%S", "%F %T", "2026-03-01 10:00:59"),
            ("%d/%m/%Y %H:%M:%S", "%d/%m/%Y %T", "01/03/2026 10:00:59"),
            ("%Y-%m-%d", "%F", "2026-03-01"),
        ] {
            assert_eq!(read(format, text), read(same, text), "{format}");
            assert!(read(format, text).is_some(), "{format}");
        }
    }

    #[test]
    fn what_does_not_fit_is_not_guessed() {
        for text in ["01/03/26", "2026-13-01", "2026-02-30", "2026-03-01x", "", "1.3.2026"] {
            assert_eq!(read("%Y-%m-%d", text), None, "{text}");
        }
        assert_eq!(read("rfc3339", "2026-03-01T10:00:00"), None);
        assert_eq!(read("%Y-%m-%d %H:%M", "2026-03-01 25:00"), None);
    }

    #[test]
    fn offsets_and_zones_count() {
        let at = Some("2026-03-01T15:00:00+00:00".to_owned());
        assert_eq!(read("rfc3339", "2026-03-01T10:00:00-05:00"), at);
        assert_eq!(read("rfc3339", "2026-03-01T15:00:00Z"), at);
        assert_eq!(read("%Y-%m-%d %H:%M", "2026-03-01 10:00"), at);
        assert_eq!(read("%Y-%m-%d %H:%M %z", "2026-03-01 10:00 -0500"), at);
        assert_eq!(read("%m/%d/%Y %I:%M:%S %p", "03/01/2026 10:00:00 AM"), at);
    }

    #[test]
    fn a_day_begins_for_orders_and_ends_for_deadlines() {
        let dates = Dates::new(&["%Y-%m-%d".to_owned()], chrono_tz::America::New_York);
        let at = |ends| dates.read("2026-03-01", ends).unwrap().to_rfc3339();
        assert_eq!(at(false), "2026-03-01T05:00:00+00:00");
        assert_eq!(at(true), "2026-03-02T04:59:59+00:00");
    }
}
