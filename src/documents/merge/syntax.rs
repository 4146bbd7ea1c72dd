//! The syntax of PDF values, read without building a tree: a value is a slice of the source.
//!
//! Sources: ISO 32000-1, sections 7.2 (lexical conventions) and 7.3 (objects).

use std::borrow::Cow;

/// How deep arrays and dictionaries may lie in each other. Real files stay below 20.
const DEEPEST: u32 = 60;

/// A value, its inner text still unread.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value<'a> {
    Null,
    Bool,
    Integer(i64),
    Real,
    /// Without the slash, escapes not yet resolved.
    Name(&'a [u8]),
    Text,
    /// What is between the brackets.
    Array(&'a [u8]),
    /// What is between the double brackets.
    Dictionary(&'a [u8]),
    /// The number of the object; generations are not kept apart.
    Reference(u32),
}

impl<'a> Value<'a> {
    pub(super) fn dictionary(self) -> Option<&'a [u8]> {
        if let Self::Dictionary(inner) = self { Some(inner) } else { None }
    }

    pub(super) fn is_name(self, name: &[u8]) -> bool {
        matches!(self, Self::Name(raw) if *plain_name(raw) == *name)
    }
}

pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | 0x0C | b'\r' | b' ')
}

const fn is_delimiter(byte: u8) -> bool {
    matches!(byte, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}

const fn is_regular(byte: u8) -> bool {
    !is_space(byte) && !is_delimiter(byte)
}

/// What opens or closes something, or begins a comment.
const fn is_bracket(byte: u8) -> bool {
    matches!(byte, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'%')
}

/// A name with its `#xx` escapes resolved.
pub(super) fn plain_name(raw: &[u8]) -> Cow<'_, [u8]> {
    if !raw.contains(&b'#') {
        return Cow::Borrowed(raw);
    }
    let mut plain = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((first, after)) = rest.split_first() {
        let pair = after.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        match (*first, pair.and_then(|pair| u8::from_str_radix(pair, 16).ok())) {
            (b'#', Some(byte)) => {
                plain.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                plain.push(*first);
                rest = after;
            }
        }
    }
    Cow::Owned(plain)
}

/// A place in a source.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    pub(super) const fn at(&self) -> usize {
        self.at
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn peek_after(&self, distance: usize) -> Option<u8> {
        self.bytes.get(self.at.saturating_add(distance)).copied()
    }

    fn skip_while(&mut self, wanted: impl Fn(u8) -> bool) {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|byte| !wanted(*byte)).unwrap_or(rest.len());
        self.at = self.at.saturating_add(length);
    }

    fn slice(&self, from: usize, to: usize) -> &'a [u8] {
        self.bytes.get(from..to).unwrap_or_default()
    }

    /// Skips white space and comments.
    pub(super) fn skip_space(&mut self) {
        loop {
            self.skip_while(is_space);
            if self.peek() != Some(b'%') {
                return;
            }
            self.skip_while(|byte| byte != b'\n' && byte != b'\r');
        }
    }

    /// Steps over a word if it stands here as a whole.
    pub(super) fn take_word(&mut self, word: &[u8]) -> bool {
        let end = self.at.saturating_add(word.len());
        let here = self.bytes.get(self.at..end) == Some(word);
        let whole = self.bytes.get(end).is_none_or(|byte| !is_regular(*byte));
        if here && whole {
            self.at = end;
        }
        here && whole
    }

    /// Digits only, as object numbers and offsets are written.
    pub(super) fn take_digits(&mut self) -> Option<u64> {
        let start = self.at;
        self.skip_while(|byte| byte.is_ascii_digit());
        let number = self
            .slice(start, self.at)
            .iter()
            .try_fold(0_u64, |sum, digit| {
                sum.checked_mul(10)?.checked_add(u64::from(digit.wrapping_sub(b'0')))
            })
            .filter(|_| self.at > start);
        if number.is_none() {
            self.at = start;
        }
        number
    }

    /// The end of `number generation R`, if that stands here.
    fn reference(&self) -> Option<(u32, usize)> {
        let mut ahead = *self;
        let number = u32::try_from(ahead.take_digits()?).ok()?;
        if !ahead.peek().is_some_and(is_space) {
            return None;
        }
        ahead.skip_while(is_space);
        ahead.take_digits()?;
        if !ahead.peek().is_some_and(is_space) {
            return None;
        }
        ahead.skip_while(is_space);
        ahead.take_word(b"R").then_some((number, ahead.at))
    }

    /// Reads `N G obj`, giving N.
    pub(super) fn object_head(&mut self) -> Option<u32> {
        let number = u32::try_from(self.take_digits()?).ok()?;
        self.skip_space();
        self.take_digits()?;
        self.skip_space();
        // What follows may touch the word, as in `1 0 obj<<`.
        self.take_word(b"obj").then_some(number)
    }

    fn skip_text(&mut self) -> Option<()> {
        let mut depth = 0_u32;
        loop {
            match self.peek()? {
                b'\\' => self.at = self.at.saturating_add(1),
                b'(' => depth = depth.saturating_add(1),
                b')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            self.at = self.at.saturating_add(1);
            if depth == 0 {
                return Some(());
            }
        }
    }

    fn skip_hexadecimal(&mut self) -> Option<()> {
        self.skip_while(|byte| byte != b'>');
        self.peek()?;
        self.at = self.at.saturating_add(1);
        Some(())
    }

    fn skip_name(&mut self) {
        self.at = self.at.saturating_add(1);
        self.skip_while(is_regular);
    }

    /// Skips an array or dictionary that begins here; `None` when it does not end or lies too deep.
    fn skip_composite(&mut self) -> Option<()> {
        // One bit per level says whether a dictionary is open there.
        let (mut kinds, mut depth) = (0_u64, 0_u32);
        loop {
            let dictionary = match self.peek()? {
                b'(' => {
                    self.skip_text()?;
                    continue;
                }
                b'%' => {
                    self.skip_space();
                    continue;
                }
                b'<' if self.peek_after(1) == Some(b'<') => Some(true),
                b'<' => {
                    self.skip_hexadecimal()?;
                    continue;
                }
                b'[' => Some(false),
                b'>' if self.peek_after(1) == Some(b'>') => {
                    if kinds & 1 == 0 {
                        return None;
                    }
                    self.at = self.at.saturating_add(2);
                    None
                }
                b']' => {
                    if kinds & 1 == 1 {
                        return None;
                    }
                    self.at = self.at.saturating_add(1);
                    None
                }
                b'>' | b')' => return None,
                _ => {
                    self.skip_while(|byte| !is_bracket(byte));
                    continue;
                }
            };
            if let Some(dictionary) = dictionary {
                if depth >= DEEPEST {
                    return None;
                }
                depth = depth.saturating_add(1);
                kinds = (kinds << 1) | u64::from(dictionary);
                self.at = self.at.saturating_add(if dictionary { 2 } else { 1 });
            } else {
                depth = depth.saturating_sub(1);
                kinds >>= 1;
                if depth == 0 {
                    return Some(());
                }
            }
        }
    }

    /// Reads the value that begins here.
    pub(super) fn value(&mut self) -> Option<Value<'a>> {
        self.skip_space();
        let start = self.at;
        match self.peek()? {
            b'<' if self.peek_after(1) == Some(b'<') => {
                self.skip_composite()?;
                Some(Value::Dictionary(
                    self.slice(start.saturating_add(2), self.at.saturating_sub(2)),
                ))
            }
            b'<' => self.skip_hexadecimal().map(|()| Value::Text),
            b'[' => {
                self.skip_composite()?;
                Some(Value::Array(self.slice(start.saturating_add(1), self.at.saturating_sub(1))))
            }
            b'(' => self.skip_text().map(|()| Value::Text),
            b'/' => {
                self.skip_name();
                Some(Value::Name(self.slice(start.saturating_add(1), self.at)))
            }
            b'0'..=b'9' | b'+' | b'-' | b'.' => {
                if let Some((number, end)) = self.reference() {
                    self.at = end;
                    return Some(Value::Reference(number));
                }
                self.skip_while(is_regular);
                let text = std::str::from_utf8(self.slice(start, self.at)).ok()?;
                Some(text.parse().map_or(Value::Real, Value::Integer))
            }
            _ => {
                self.skip_while(is_regular);
                match self.slice(start, self.at) {
                    b"null" => Some(Value::Null),
                    b"true" | b"false" => Some(Value::Bool),
                    _ => None,
                }
            }
        }
    }
}

/// An entry of a dictionary.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'a> {
    /// The name, without its slash and with escapes.
    pub(super) key: &'a [u8],
    pub(super) value: Value<'a>,
    /// The value as it is written.
    pub(super) text: &'a [u8],
}

/// The entries of a dictionary, from what is between its brackets. Ends at the first thing that
/// is none.
pub(super) fn entries(inner: &[u8]) -> impl Iterator<Item = Entry<'_>> {
    let mut reader = Reader::new(inner, 0);
    std::iter::from_fn(move || {
        let Value::Name(key) = reader.value()? else { return None };
        reader.skip_space();
        let start = reader.at;
        let value = reader.value()?;
        Some(Entry { key, value, text: reader.slice(start, reader.at) })
    })
}

/// The value of a key; of several, the first.
pub(super) fn lookup<'a>(inner: &'a [u8], key: &[u8]) -> Option<Value<'a>> {
    entries(inner).find(|entry| *plain_name(entry.key) == *key).map(|entry| entry.value)
}

/// The members of an array, from what is between its brackets.
pub(super) fn members(inner: &[u8]) -> impl Iterator<Item = Value<'_>> {
    texts(inner).map(|(value, _)| value)
}

/// The members of an array, each with how it is written.
pub(super) fn texts(inner: &[u8]) -> impl Iterator<Item = (Value<'_>, &[u8])> {
    let mut reader = Reader::new(inner, 0);
    std::iter::from_fn(move || {
        reader.skip_space();
        let start = reader.at;
        let value = reader.value()?;
        Some((value, reader.slice(start, reader.at)))
    })
}

/// Copies a value, each reference replaced by the number that `renumber` gives, which
/// sees what is written so far; `None` writes `null`.
pub(super) fn copy_renumbered(
    text: &[u8],
    output: &mut Vec<u8>,
    mut renumber: impl FnMut(&[u8], u32) -> Option<u32>,
) {
    let mut copied = 0;
    let mut at = 0;
    // Only the letters `R` outside texts and comments can end a reference.
    while let Some(next) = memchr::memchr3(b'(', b'%', b'R', text.get(at..).unwrap_or_default()) {
        let mut reader = Reader::new(text, at.saturating_add(next));
        at = match reader.peek() {
            Some(b'(') => match reader.skip_text() {
                Some(()) => reader.at,
                None => break,
            },
            Some(b'%') => {
                reader.skip_space();
                reader.at
            }
            _ => {
                let letter = reader.at;
                let found = reference_before(text, letter)
                    .filter(|start| *start >= at)
                    .and_then(|start| Some((start, Reader::new(text, start).reference()?)));
                if let Some((start, (number, end))) = found {
                    output.extend_from_slice(reader.slice(copied, start));
                    match renumber(output, number) {
                        Some(number) => {
                            push_number(output, u64::from(number));
                            output.extend_from_slice(b" 0 R");
                        }
                        None => output.extend_from_slice(b"null"),
                    }
                    copied = end;
                }
                letter.saturating_add(1)
            }
        };
    }
    output.extend_from_slice(text.get(copied..).unwrap_or_default());
}

/// Where the numbers before the `R` of a reference begin.
fn reference_before(text: &[u8], letter: usize) -> Option<usize> {
    let mut at = letter;
    for _ in 0..2 {
        let spaces = text.get(..at)?.iter().rev().take_while(|byte| is_space(**byte)).count();
        let before = at.checked_sub(spaces).filter(|_| spaces > 0)?;
        let digits =
            text.get(..before)?.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        at = before.checked_sub(digits).filter(|_| digits > 0)?;
    }
    // The digits may be the end of a name or of a broken number.
    let before = at.checked_sub(1).and_then(|before| text.get(before));
    before.is_none_or(|byte| !is_regular(*byte) && *byte != b'/').then_some(at)
}

/// Whether a value, as it is written, may name another object.
pub(super) fn names_objects(text: &[u8]) -> bool {
    memchr::memchr_iter(b'R', text).any(|letter| reference_before(text, letter).is_some())
}

/// Writes a number in decimal.
pub(super) fn push_number(output: &mut Vec<u8>, number: u64) {
    let mut digits = [0_u8; 20];
    let mut rest = number;
    let mut length = 0;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
        length += 1;
        if rest == 0 {
            break;
        }
    }
    output.extend_from_slice(digits.get(digits.len() - length..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copied(text: &str) -> String {
        let mut output = Vec::new();
        copy_renumbered(text.as_bytes(), &mut output, |_, number| {
            (number != 9).then(|| number + 100)
        });
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn references_are_renumbered_and_look_alikes_are_not() {
        assert_eq!(copied("<</A 1 0 R/B[1 2 3 0 R 4.5]>>"), "<</A 101 0 R/B[1 2 103 0 R 4.5]>>");
        assert_eq!(copied("[(t) 1 0 R/A<00>9 0 R]"), "[(t) 101 0 R/A<00>null]");
        assert_eq!(copied("[1 0 R 2  0\nR]/N1 0 R/1 0 R"), "[101 0 R 102 0 R]/N1 0 R/1 0 R");
        assert_eq!(copied("<</A/DeviceRGB/R 3 0 R>>"), "<</A/DeviceRGB/R 103 0 R>>");
        assert_eq!(copied("(1 0 R \\) 2 0 R (3 0 R))"), "(1 0 R \\) 2 0 R (3 0 R))");
        assert_eq!(copied("/N1 <31203020> 1 0 RG"), "/N1 <31203020> 1 0 RG");
        assert_eq!(copied("% 1 0 R\n2 0 R"), "% 1 0 R\n102 0 R");
        assert_eq!(copied("[9 0 R]"), "[null]");
    }

    #[test]
    fn values_end_where_they_end() {
        let mut reader = Reader::new(b"<</A<</B[1(>>)]>>/C#20D 5>> 7", 0);
        let inner = reader.value().unwrap().dictionary().unwrap();
        assert_eq!(reader.value(), Some(Value::Integer(7)));
        assert_eq!(lookup(inner, b"C D"), Some(Value::Integer(5)));
        assert!(lookup(inner, b"A").unwrap().dictionary().is_some());
    }

    #[test]
    fn what_lies_too_deep_or_never_ends_is_no_value() {
        assert_eq!(Reader::new(&b"[".repeat(1_000_000), 0).value(), None);
        assert_eq!(Reader::new(b"<</A [1 >>", 0).value(), None);
        assert_eq!(Reader::new(b"(never", 0).value(), None);
        assert_eq!(Reader::new(b"<41", 0).value(), None);
    }
}
