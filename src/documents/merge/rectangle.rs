//! Rectangles: the size of a page, and the window of it that is shown.
//!
//! Source: ISO 32000-1, section 7.9.5.

use super::source::Source;
use super::syntax::{Reader, Value, texts};

/// A rectangle in points.
pub(super) struct Rectangle {
    /// Left, bottom, right, top.
    pub(super) sides: [f64; 4],
    /// It was given by its other corners.
    pub(super) turned: bool,
}

impl Rectangle {
    /// Whether it has a part of the other.
    pub(super) fn shows(&self, other: &Self) -> bool {
        let ([left, bottom, right, top], [a, b, c, d]) = (self.sides, other.sides);
        right.min(c) > left.max(a) && top.min(d) > bottom.max(b)
    }

    pub(super) fn write(&self, output: &mut Vec<u8>) {
        let [left, bottom, right, top] = self.sides;
        output.extend_from_slice(format!("[{left} {bottom} {right} {top}]").as_bytes());
    }
}

/// Four whole numbers in an array, as nearly every page has them: read at a glance.
fn whole_numbers(text: &[u8]) -> Option<[f64; 4]> {
    let inner = text.strip_prefix(b"[")?.strip_suffix(b"]")?;
    let mut words = inner.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let mut numbers = [0.0; 4];
    for number in &mut numbers {
        let digits = words.next().filter(|word| word.len() < 10)?;
        *number = f64::from(digits.iter().try_fold(0_u32, |sum, digit| {
            digit.is_ascii_digit().then(|| sum * 10 + u32::from(digit - b'0'))
        })?);
    }
    words.next().is_none().then_some(numbers)
}

/// A rectangle from an array of four numbers, each of which may be an object of its own.
pub(super) fn rectangle(source: &Source<'_>, text: &[u8]) -> Option<Rectangle> {
    let [a, b, c, d] = whole_numbers(text).or_else(|| corners(source, text))?;
    Some(Rectangle { sides: [a.min(c), b.min(d), a.max(c), b.max(d)], turned: a > c || b > d })
}

fn corners(source: &Source<'_>, text: &[u8]) -> Option<[f64; 4]> {
    let plain = |text: &[u8]| std::str::from_utf8(text.trim_ascii()).ok()?.parse::<f64>().ok();
    let Value::Array(inner) = source.resolve(Reader::new(text, 0).value()?)? else { return None };
    let mut corners = [0.0; 4];
    let mut found = texts(inner);
    for corner in &mut corners {
        let (value, text) = found.next()?;
        let number = match value {
            Value::Integer(_) | Value::Real => plain(text),
            Value::Reference(number) => plain(source.object(number)?.text),
            _ => None,
        };
        *corner = number.filter(|number| number.is_finite())?;
    }
    Some(corners)
}
