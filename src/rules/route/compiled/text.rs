//! Texts and numbers to small numbers, without allocating.

use crate::address::text::folded;

/// What a lookup answers when it knows nothing of a text.
pub(super) const NONE: u32 = u32::MAX;

/// Numbers texts in the order in which they come, and finds the number of a text again. Open
/// addressing; texts of up to eight bytes are compared as one word.
#[derive(Debug, Clone, Default)]
pub(super) struct TextTable {
    shift: u32,
    slots: Vec<Slot>,
    texts: Vec<Box<[u8]>>,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    word: u64,
    length: u32,
    id: u32,
}

const EMPTY: Slot = Slot { word: 0, length: 0, id: NONE };

/// All bytes of a short text in one word, different for different texts of one length; a hash of a
/// longer one.
#[inline]
fn word_of(bytes: &[u8]) -> u64 {
    let four = |chunk: Option<&[u8; 4]>| u64::from(chunk.map_or(0, |c| u32::from_le_bytes(*c)));
    match *bytes {
        [] => 0,
        [a] => u64::from(a),
        [a, b] => u64::from(u16::from_le_bytes([a, b])),
        [a, b, c] => u64::from(u32::from_le_bytes([a, b, c, 0])),
        _ if bytes.len() <= 8 => four(bytes.first_chunk()) | (four(bytes.last_chunk()) << 32),
        _ => {
            let (chunks, _) = bytes.as_chunks::<8>();
            let last = bytes.last_chunk().map_or(0, |chunk| u64::from_le_bytes(*chunk));
            chunks.iter().fold(last, |hash, chunk| {
                (hash ^ u64::from_le_bytes(*chunk)).wrapping_mul(SPREAD).rotate_left(29)
            })
        }
    }
}

/// A text that has been read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word<'a> {
    bytes: &'a [u8],
    word: u64,
}

impl<'a> Word<'a> {
    #[inline(always)]
    pub(super) fn of(text: &'a str) -> Self {
        Self::of_bytes(text.as_bytes())
    }

    #[inline(always)]
    fn of_bytes(bytes: &'a [u8]) -> Self {
        Self { bytes, word: word_of(bytes) }
    }
}

/// Small letters without blanks, as addresses are compared.
pub(super) fn folded_text(text: &str) -> String {
    folded(text).collect()
}

/// Bytes of a folded postcode that are kept.
const START: usize = 24;

/// Whether a beginning is found among the bytes kept of a postcode.
pub(super) fn fits_start(beginning: &str) -> bool {
    folded(beginning).map(char::len_utf8).sum::<usize>() <= START
}

/// Small letters without blanks, in a place of its own. What does not fit is cut off.
#[inline(always)]
fn fold_into<const N: usize>(text: &str) -> ([u8; N], usize) {
    let (mut bytes, mut length) = ([0; N], 0);
    if text.is_ascii() {
        for byte in text.bytes().filter(|byte| !char::from(*byte).is_whitespace()) {
            let Some(place) = bytes.get_mut(length) else { break };
            *place = byte.to_ascii_lowercase();
            length += 1;
        }
        return (bytes, length);
    }
    for letter in folded(text) {
        let mut own = [0; 4];
        for byte in letter.encode_utf8(&mut own).bytes() {
            let Some(place) = bytes.get_mut(length) else { return (bytes, length) };
            *place = byte;
            length += 1;
        }
    }
    (bytes, length)
}

/// The beginning of a postcode, folded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    bytes: [u8; START],
    length: usize,
    three_digits: Option<u16>,
}

impl Start {
    #[inline(always)]
    pub(super) fn of(text: &str) -> Self {
        let (bytes, length) = fold_into(text);
        let own: &[u8] = bytes.get(..length).unwrap_or_default();
        Self { bytes, length, three_digits: three_digits(own) }
    }

    #[inline(always)]
    fn first(&self, length: usize) -> Option<&[u8]> {
        if length <= self.length { self.bytes.get(..length) } else { None }
    }
}

const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

impl TextTable {
    /// How many texts there are.
    pub(super) fn len(&self) -> usize {
        self.texts.len()
    }

    /// The number of a text, a new one if it is new.
    pub(super) fn insert(&mut self, text: &[u8]) -> u32 {
        let known = self.get(text);
        if known != NONE {
            return known;
        }
        let id = u32::try_from(self.texts.len()).unwrap_or(NONE);
        self.texts.push(text.into());
        if self.slots.len() < 2 * self.texts.len() {
            let bits = (4 * self.texts.len()).next_power_of_two().trailing_zeros();
            self.shift = 64 - bits;
            self.slots = vec![EMPTY; 1 << bits];
            let texts = std::mem::take(&mut self.texts);
            for (text, id) in texts.iter().zip(0..) {
                self.place(text, id);
            }
            self.texts = texts;
        } else {
            self.place(text, id);
        }
        id
    }

    fn start(&self, word: u64) -> usize {
        usize::try_from(word.wrapping_mul(SPREAD) >> self.shift).unwrap_or(0)
    }

    fn place(&mut self, text: &[u8], id: u32) {
        let word = word_of(text);
        let start = self.start(word);
        let length = u32::try_from(text.len()).unwrap_or(NONE);
        let (before, from) = self.slots.split_at_mut(start);
        if let Some(slot) = from.iter_mut().chain(before).find(|slot| slot.id == NONE) {
            *slot = Slot { word, length, id };
        }
    }

    /// The number of a text, or [`NONE`].
    pub(super) fn get(&self, text: &[u8]) -> u32 {
        self.find(Word::of_bytes(text))
    }

    /// The number of a text that has been read, or [`NONE`].
    #[inline(always)]
    pub(super) fn find(&self, text: Word<'_>) -> u32 {
        if self.slots.is_empty() {
            return NONE;
        }
        let Word { bytes, word } = text;
        let mut at = self.start(word);
        // At most half of the slots are taken, so an empty one ends the search.
        while let Some(slot) = self.slots.get(at) {
            if slot.id == NONE {
                return NONE;
            }
            if slot.word == word
                && slot.length as usize == bytes.len()
                && (bytes.len() <= 8 || self.is(slot.id, bytes))
            {
                return slot.id;
            }
            at += 1;
            if at == self.slots.len() {
                at = 0;
            }
        }
        NONE
    }

    /// The number of a text of an address, or [`NONE`]. The texts of the table are folded.
    #[inline]
    pub(super) fn find_folded(&self, text: &str) -> u32 {
        const USUAL: usize = 48;
        let (bytes, length) = fold_into::<USUAL>(text);
        match bytes.get(..length) {
            Some(folded) if length < USUAL => self.get(folded),
            _ => self.get(folded_text(text).as_bytes()),
        }
    }

    fn is(&self, id: u32, text: &[u8]) -> bool {
        self.texts.get(id as usize).is_some_and(|known| **known == *text)
    }
}

/// Finds which of many beginnings a text has.
#[derive(Debug, Clone, Default)]
pub(super) struct PrefixTable {
    table: TextTable,
    /// The lengths that occur, descending.
    lengths: Vec<usize>,
    /// What three digits lead to, most postcodes' first: small enough to stay near.
    digits: Vec<u32>,
}

/// The number that the first three bytes write, if they are digits.
#[inline(always)]
fn three_digits(text: &[u8]) -> Option<u16> {
    let [a, b, c] = *text.first_chunk::<3>()?;
    let digit = |byte: u8| u16::from(byte.wrapping_sub(b'0'));
    let (a, b, c) = (digit(a), digit(b), digit(c));
    ((a < 10) & (b < 10) & (c < 10)).then_some(a * 100 + b * 10 + c)
}

impl PrefixTable {
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    /// How many different lengths there are: the most prefixes a text can have.
    pub(super) fn lengths(&self) -> usize {
        self.lengths.len()
    }

    pub(super) fn insert(&mut self, prefix: &str) -> u32 {
        let prefix = folded_text(prefix);
        if !self.lengths.contains(&prefix.len()) {
            self.lengths.push(prefix.len());
            self.lengths.sort_unstable_by(|a, b| b.cmp(a));
        }
        let id = self.table.insert(prefix.as_bytes());
        if prefix.len() == 3
            && let Some(number) = three_digits(prefix.as_bytes())
        {
            if self.digits.is_empty() {
                self.digits = vec![NONE; 1000];
            }
            if let Some(place) = self.digits.get_mut(usize::from(number)) {
                *place = id;
            }
        }
        id
    }

    /// The number of the beginning of one length, or [`NONE`].
    #[inline(always)]
    fn of_length(&self, text: &Start, length: usize) -> u32 {
        match text.three_digits {
            Some(number) if length == 3 => {
                self.digits.get(usize::from(number)).copied().unwrap_or(NONE)
            }
            _ => text.first(length).map_or(NONE, |start| self.table.get(start)),
        }
    }

    /// The number of the longest beginning a text has, or [`NONE`].
    #[inline]
    pub(super) fn longest(&self, text: &Start) -> u32 {
        for length in &self.lengths {
            let id = self.of_length(text, *length);
            if id != NONE {
                return id;
            }
        }
        NONE
    }

    /// Puts down the numbers of the beginnings a text has, as many as there is place for.
    #[inline]
    pub(super) fn fill(&self, text: &Start, found: &mut [u32]) {
        let mut places = found.iter_mut();
        for length in &self.lengths {
            let id = self.of_length(text, *length);
            if id != NONE
                && let Some(place) = places.next()
            {
                *place = id;
            }
        }
    }

    /// The numbers of all beginnings a text has, longest first.
    pub(super) fn of<'a>(&'a self, text: &'a Start) -> impl Iterator<Item = u32> + 'a {
        let ids = self.lengths.iter().map(move |length| self.of_length(text, *length));
        ids.filter(|id| *id != NONE)
    }
}

/// Sorted bounds that cut the numbers into classes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ladder {
    bounds: Vec<u32>,
    shift: u32,
    /// How many bounds lie below each cell of `1 << shift` numbers.
    cells: Vec<u32>,
}

impl Ladder {
    pub(super) fn new(mut bounds: Vec<u32>) -> Self {
        bounds.sort_unstable();
        bounds.dedup();
        let most = bounds.last().copied().unwrap_or(0);
        let shift = (32 - most.leading_zeros()).saturating_sub(10);
        let cells = (0..=(most >> shift) + 1)
            .map(|cell| {
                let below = bounds.partition_point(|bound| (bound >> shift) < cell);
                u32::try_from(below).unwrap_or(NONE)
            })
            .collect();
        Self { bounds, shift, cells }
    }

    /// How many bounds are at most `value`.
    #[inline]
    pub(super) fn at_most(&self, value: u32) -> usize {
        let cell = (value >> self.shift) as usize;
        let (Some(from), Some(to)) = (self.cells.get(cell), self.cells.get(cell + 1)) else {
            return self.bounds.len();
        };
        let (from, to) = (*from as usize, *to as usize);
        let within = self.bounds.get(from..to).unwrap_or_default();
        from + if within.len() <= 4 {
            within.iter().filter(|bound| **bound <= value).count()
        } else {
            within.partition_point(|bound| *bound <= value)
        }
    }

    /// How many bounds are below `value`.
    #[inline]
    pub(super) fn below(&self, value: u32) -> usize {
        value.checked_sub(1).map_or(0, |value| self.at_most(value))
    }

    pub(super) fn len(&self) -> usize {
        self.bounds.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::text::begins_with;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_table_finds_exactly_the_texts_that_were_put_in(
            texts in prop::collection::vec("[a-c0-2]{0,20}", 0..60), other in "[a-c0-2]{0,20}",
        ) {
            let mut table = TextTable::default();
            let ids: Vec<u32> = texts.iter().map(|text| table.insert(text.as_bytes())).collect();
            for (text, id) in texts.iter().zip(&ids) {
                prop_assert_eq!(table.get(text.as_bytes()), *id);
            }
            prop_assert_eq!(table.get(other.as_bytes()) != NONE, texts.contains(&other));
        }

        #[test]
        fn prefixes_of_any_length_are_found_like_starts_with_does(
            prefixes in prop::collection::vec("[0-2éaA ]{0,5}", 0..20), code in "[0-2éaA ]{0,20}",
        ) {
            let mut table = PrefixTable::default();
            let ids: Vec<u32> = prefixes.iter().map(|prefix| table.insert(prefix)).collect();
            let mut expected: Vec<u32> = prefixes
                .iter()
                .zip(&ids)
                .filter(|(prefix, _)| begins_with(&code, prefix))
                .map(|(_, id)| *id)
                .collect();
            expected.sort_unstable();
            expected.dedup();
            let start = Start::of(&code);
            let mut found: Vec<u32> = table.of(&start).collect();
            prop_assert_eq!(table.longest(&start), found.first().copied().unwrap_or(NONE));
            found.sort_unstable();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn a_ladder_counts_like_a_list(
            bounds in prop::collection::vec(prop_oneof![0_u32..5_000, any::<u32>()], 0..80),
            value in prop_oneof![0_u32..5_000, any::<u32>()],
        ) {
            let ladder = Ladder::new(bounds.clone());
            let mut unique = bounds;
            unique.sort_unstable();
            unique.dedup();
            let count = |keep: &dyn Fn(u32) -> bool| unique.iter().filter(|b| keep(**b)).count();
            prop_assert_eq!(ladder.at_most(value), count(&|bound| bound <= value));
            prop_assert_eq!(ladder.below(value), count(&|bound| bound < value));
        }
    }
}
