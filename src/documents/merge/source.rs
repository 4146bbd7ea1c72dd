//! A PDF file to copy from: where its objects are, and what they are.
//!
//! Sources: ISO 32000-1, section 7.5 (file structure): cross-reference tables and streams, object
//! streams, hybrid files, updates. A file whose table is wrong is read by looking for its objects.

use std::cell::Cell;
use std::io::Read;

use memchr::memmem;

use super::MergeFault;
use super::syntax::{Reader, Value, is_space, lookup, members};

/// The highest object number taken; real labels stay below a thousand.
const HIGHEST_NUMBER: u32 = 1_000_000;

/// Cross-reference tables of one file.
const MOST_UPDATES: usize = 1_000;

/// Bytes that the compressed tables and object streams of one file may grow to.
const MOST_INFLATED: usize = 32 * 1024 * 1024;

/// Where an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// No section of the table named it.
    Unknown,
    /// Deleted.
    Free,
    /// At this offset.
    At(usize),
    /// In the object stream of this number.
    Within(u32),
}

/// An object stream, unpacked.
#[derive(Debug)]
struct Container {
    number: u32,
    bytes: Vec<u8>,
    /// Object numbers and where they begin.
    members: Vec<(u32, usize)>,
}

/// An object and, for a stream, its data.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found<'a> {
    pub(super) value: Value<'a>,
    /// The value as it is written, brackets included.
    pub(super) text: &'a [u8],
    pub(super) data: Option<&'a [u8]>,
    /// The data end where they are said to.
    pub(super) length_fits: bool,
    /// The dictionary itself states the length of the data, and rightly.
    pub(super) length_is_right: bool,
}

impl<'a> Found<'a> {
    const fn plain(value: Value<'a>, text: &'a [u8]) -> Self {
        Self { value, text, data: None, length_fits: false, length_is_right: false }
    }
}

/// A PDF file.
#[derive(Debug)]
pub(super) struct Source<'a> {
    bytes: &'a [u8],
    places: Vec<Place>,
    containers: Vec<Container>,
    /// Dictionaries with `Root`, newest first.
    trailers: Vec<Vec<u8>>,
    /// The table was rebuilt, so an object that is not there is damage and no deletion.
    pub(super) rebuilt: bool,
    inflated: usize,
    /// Bytes read so far while looking at objects: objects inside each other would cost the square
    /// of the file.
    read: Cell<usize>,
}

const fn damaged(what: &'static str) -> MergeFault {
    MergeFault::Damaged { what }
}

impl<'a> Source<'a> {
    /// Reads the tables at the end of a file.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, MergeFault> {
        let mut source = Self::empty(bytes);
        source.read_tables()?;
        source.finish()
    }

    /// Finds the objects of a file whose tables are wrong or missing.
    pub(super) fn rebuild(bytes: &'a [u8]) -> Result<Self, MergeFault> {
        let mut source = Self::empty(bytes);
        source.rebuilt = true;
        source.look_for_objects()?;
        source.finish()
    }

    const fn empty(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            places: Vec::new(),
            containers: Vec::new(),
            trailers: Vec::new(),
            rebuilt: false,
            inflated: 0,
            read: Cell::new(0),
        }
    }

    fn finish(mut self) -> Result<Self, MergeFault> {
        if self.trailers.iter().any(|trailer| lookup(trailer, b"Encrypt").is_some()) {
            return Err(MergeFault::Encrypted);
        }
        self.open_containers()?;
        Ok(self)
    }

    fn place(&self, number: u32) -> Place {
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        self.places.get(index).copied().unwrap_or(Place::Unknown)
    }

    /// Notes where an object is. The newest section is read first and wins.
    fn note(&mut self, number: u32, place: Place, replace: bool) -> Result<(), MergeFault> {
        if number > HIGHEST_NUMBER {
            return Err(MergeFault::TooLarge {
                what: "an object number",
                limit: u64::from(HIGHEST_NUMBER),
            });
        }
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        if index >= self.places.len() {
            self.places.resize(index.saturating_add(1), Place::Unknown);
        }
        if let Some(known) = self.places.get_mut(index)
            && (replace || *known == Place::Unknown)
        {
            *known = place;
        }
        Ok(())
    }

    /// One more than the highest object number.
    pub(super) fn size(&self) -> usize {
        self.places.len()
    }

    /// Whether there is such an object.
    pub(super) fn has(&self, number: u32) -> bool {
        matches!(self.place(number), Place::At(_) | Place::Within(_))
    }

    fn read_tables(&mut self) -> Result<(), MergeFault> {
        // Nearly always the last line but two; some programs add bytes behind the end.
        let (tail, last) = [64, 2048]
            .into_iter()
            .find_map(|distance| {
                let tail = self.bytes.len().saturating_sub(distance);
                let last = memmem::rfind(self.bytes.get(tail..)?, b"startxref")?;
                Some((tail, last))
            })
            .ok_or(damaged("there is no cross-reference table"))?;
        let mut reader = Reader::new(self.bytes, tail.saturating_add(last).saturating_add(9));
        reader.skip_space();
        let mut next = reader.take_digits();
        // An update that was cut off: the file before it is whole, and is not what was to be printed.
        let rest = self.bytes.get(reader.at()..).unwrap_or_default();
        if memmem::find_iter(rest, b"obj")
            .any(|word| self.head_before(reader.at().saturating_add(word)).is_some())
        {
            return Err(damaged("objects follow the end of the file"));
        }
        let mut visited: Vec<u64> = Vec::new();
        while let Some(offset) = next {
            // Updates that point at each other would be read for ever.
            if visited.contains(&offset) || visited.len() > MOST_UPDATES {
                return Err(damaged("the cross-reference tables form a loop"));
            }
            visited.push(offset);
            let offset = usize::try_from(offset).unwrap_or(usize::MAX);
            let trailer = self.read_section(offset)?;
            let hidden = integer(lookup(&trailer, b"XRefStm"));
            next = integer(lookup(&trailer, b"Prev"));
            self.trailers.push(trailer);
            if let Some(offset) = hidden
                && !visited.contains(&offset)
            {
                visited.push(offset);
                self.read_section(usize::try_from(offset).unwrap_or(usize::MAX))?;
            }
        }
        if self.trailers.is_empty() { Err(damaged("there is no trailer")) } else { Ok(()) }
    }

    /// A section of the table, giving its trailer.
    fn read_section(&mut self, offset: usize) -> Result<Vec<u8>, MergeFault> {
        let mut reader = Reader::new(self.bytes, offset);
        reader.skip_space();
        if !reader.take_word(b"xref") {
            return self.read_table_stream(offset);
        }
        loop {
            reader.skip_space();
            if reader.take_word(b"trailer") {
                let trailer = reader.value().and_then(Value::dictionary);
                return trailer.map(<[u8]>::to_vec).ok_or(damaged("the trailer does not end"));
            }
            let first = reader.take_digits().ok_or(damaged("the table is cut off"))?;
            reader.skip_space();
            let count = reader.take_digits().ok_or(damaged("the table is cut off"))?;
            for number in first..first.saturating_add(count) {
                reader.skip_space();
                let offset = reader.take_digits().ok_or(damaged("the table is cut off"))?;
                reader.skip_space();
                reader.take_digits().ok_or(damaged("the table is cut off"))?;
                reader.skip_space();
                let used = reader.take_word(b"n");
                if !used && !reader.take_word(b"f") {
                    return Err(damaged("the table has an entry that is neither used nor free"));
                }
                let place = if used && offset != 0 {
                    Place::At(usize::try_from(offset).unwrap_or(usize::MAX))
                } else {
                    Place::Free
                };
                self.note(u32::try_from(number).unwrap_or(u32::MAX), place, false)?;
            }
        }
    }

    /// A section of the table that is a stream.
    fn read_table_stream(&mut self, offset: usize) -> Result<Vec<u8>, MergeFault> {
        let (_, found) =
            self.at(offset, None).ok_or(damaged("the table is not where it should be"))?;
        let dictionary = found.value.dictionary().unwrap_or_default();
        let (Some(data), true) =
            (found.data, lookup(dictionary, b"Type").is_some_and(|value| value.is_name(b"XRef")))
        else {
            return Err(damaged("the table is not where it should be"));
        };
        let rows = self.inflate(dictionary, data)?;
        let Some(Value::Array(widths)) = lookup(dictionary, b"W") else {
            return Err(damaged("the table has no widths"));
        };
        let widths: Vec<usize> = members(widths)
            .filter_map(|value| integer(Some(value)))
            .filter_map(|width| usize::try_from(width).ok().filter(|width| *width <= 8))
            .collect();
        let &[kind_width, place_width, more_width] = widths.as_slice() else {
            return Err(damaged("the table has no widths"));
        };
        let width = kind_width + place_width + more_width;
        if width == 0 {
            return Err(damaged("the table has no widths"));
        }
        let sections: Vec<u64> = match lookup(dictionary, b"Index") {
            Some(Value::Array(index)) => {
                members(index).filter_map(|value| integer(Some(value))).collect()
            }
            _ => vec![0, integer(lookup(dictionary, b"Size")).unwrap_or(0)],
        };
        let mut rows = rows.chunks_exact(width);
        for section in sections.chunks_exact(2) {
            let &[first, count] = section else { continue };
            for (number, row) in (first..first.saturating_add(count)).zip(rows.by_ref()) {
                let (kind, rest) = row.split_at(kind_width.min(row.len()));
                let (place, _) = rest.split_at(place_width.min(rest.len()));
                let place = match if kind_width == 0 { 1 } else { big_endian(kind) } {
                    1 => Place::At(usize::try_from(big_endian(place)).unwrap_or(usize::MAX)),
                    2 => Place::Within(u32::try_from(big_endian(place)).unwrap_or(u32::MAX)),
                    _ => Place::Free,
                };
                self.note(u32::try_from(number).unwrap_or(u32::MAX), place, false)?;
            }
        }
        Ok(dictionary.to_vec())
    }

    fn look_for_objects(&mut self) -> Result<(), MergeFault> {
        let mut containers = Vec::new();
        let mut roots = Vec::new();
        let mut from = 0;
        while let Some(next) = memmem::find(self.bytes.get(from..).unwrap_or_default(), b"obj") {
            let word = from.saturating_add(next);
            from = word.saturating_add(3);
            let Some(start) = self.head_before(word) else { continue };
            let Some((number, found)) = self.at(start, None).filter(|(_, found)| self.ends(found))
            else {
                // Half an object is none, and an older one of its number would be another label.
                if let Some(number) = Reader::new(self.bytes, start).object_head() {
                    self.note(number, Place::Free, true)?;
                }
                continue;
            };
            self.note(number, Place::At(start), true)?;
            if let Some(dictionary) = found.value.dictionary() {
                // The trailer that names it may be what is lost.
                if lookup(dictionary, b"Filter").is_some_and(|name| name.is_name(b"Standard"))
                    && found.data.is_none()
                {
                    return Err(MergeFault::Encrypted);
                }
                let kind = lookup(dictionary, b"Type");
                let is = |name: &[u8]| kind.is_some_and(|kind| kind.is_name(name));
                if is(b"ObjStm") {
                    containers.push(number);
                } else if is(b"XRef") && lookup(dictionary, b"Root").is_some() {
                    self.trailers.push(dictionary.to_vec());
                } else if is(b"Catalog") {
                    roots.push(number);
                }
            }
            // What looks like an object inside another is none.
            from = from.max(self.end_of(found.data.unwrap_or(found.text)));
        }
        for word in memmem::find_iter(self.bytes, b"trailer") {
            let mut reader = Reader::new(self.bytes, word.saturating_add(7));
            if !self.may_read(0) {
                break;
            }
            let trailer = reader.value().and_then(Value::dictionary);
            self.may_read(trailer.map_or(self.bytes.len().saturating_sub(word), <[u8]>::len));
            if let Some(trailer) = trailer.filter(|trailer| has_key(trailer, b"Root")) {
                self.trailers.push(trailer.to_vec());
            }
        }
        self.trailers.reverse();
        if self.trailers.is_empty()
            && let Some(root) = roots.last()
        {
            self.trailers.push(format!("/Root {root} 0 R").into_bytes());
        }
        if self.trailers.iter().any(|trailer| lookup(trailer, b"Encrypt").is_some()) {
            return Err(MergeFault::Encrypted);
        }
        for number in containers {
            let Some(container) = self.container(number)? else { continue };
            for (member, _) in &container.members {
                if !matches!(self.place(*member), Place::At(_) | Place::Free) {
                    self.note(*member, Place::Within(number), true)?;
                }
            }
            if self.trailers.is_empty() {
                for (member, at) in &container.members {
                    if !self.may_read(0) {
                        break;
                    }
                    let value = Reader::new(&container.bytes, *at).value();
                    let read = value
                        .and_then(Value::dictionary)
                        .map_or(container.bytes.len(), <[u8]>::len);
                    self.may_read(read);
                    let catalog = value.and_then(Value::dictionary).is_some_and(|inner| {
                        lookup(inner, b"Type").is_some_and(|kind| kind.is_name(b"Catalog"))
                    });
                    if catalog {
                        roots.push(*member);
                    }
                }
            }
        }
        if self.trailers.is_empty()
            && let Some(root) = roots.last()
        {
            self.trailers.push(format!("/Root {root} 0 R").into_bytes());
        }
        Ok(())
    }

    /// Where a part of the file ends.
    fn end_of(&self, part: &[u8]) -> usize {
        let offset = part.as_ptr().addr().wrapping_sub(self.bytes.as_ptr().addr());
        offset.saturating_add(part.len())
    }

    /// Whether an object is whole: one without data may be the head of a stream that was cut off.
    fn ends(&self, found: &Found<'_>) -> bool {
        let mut reader = Reader::new(self.bytes, self.end_of(found.text));
        reader.skip_space();
        found.data.is_some()
            || reader.object_head().is_some()
            || [b"endobj".as_slice(), b"xref", b"trailer", b"startxref"]
                .into_iter()
                .any(|word| reader.take_word(word))
    }

    /// Where `N G obj` begins, its last word being at `word`.
    fn head_before(&self, word: usize) -> Option<usize> {
        let mut at = word;
        for _ in 0..2 {
            let spaced = self.back_while(at, is_space);
            let digits = self.back_while(spaced, |byte| byte.is_ascii_digit());
            if digits == spaced {
                return None;
            }
            at = digits;
        }
        Some(at)
    }

    fn back_while(&self, end: usize, wanted: impl Fn(u8) -> bool) -> usize {
        let before = self.bytes.get(..end).unwrap_or_default();
        before.iter().rposition(|byte| !wanted(*byte)).map_or(0, |at| at.saturating_add(1))
    }

    /// Unpacks every object stream that the table points into.
    fn open_containers(&mut self) -> Result<(), MergeFault> {
        let mut numbers: Vec<u32> = self
            .places
            .iter()
            .filter_map(
                |place| if let Place::Within(number) = place { Some(*number) } else { None },
            )
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        for number in numbers {
            let container =
                self.container(number)?.ok_or(damaged("an object stream cannot be read"))?;
            self.containers.push(container);
        }
        Ok(())
    }

    fn container(&mut self, number: u32) -> Result<Option<Container>, MergeFault> {
        let Place::At(offset) = self.place(number) else { return Ok(None) };
        let Some((_, found)) = self.at(offset, Some(number)) else { return Ok(None) };
        let (Some(dictionary), Some(data)) = (found.value.dictionary(), found.data) else {
            return Ok(None);
        };
        let bytes = self.inflate(dictionary, data)?;
        let count = integer(lookup(dictionary, b"N")).unwrap_or(0);
        let first = integer(lookup(dictionary, b"First")).unwrap_or(0);
        let mut reader = Reader::new(&bytes, 0);
        let mut members = Vec::new();
        for _ in 0..count {
            reader.skip_space();
            let Some(number) = reader.take_digits() else { break };
            reader.skip_space();
            let Some(at) = reader.take_digits() else { break };
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            let at = usize::try_from(first.saturating_add(at)).unwrap_or(usize::MAX);
            members.push((number, at));
        }
        members.sort_by_key(|(number, _)| *number);
        Ok(Some(Container { number, bytes, members }))
    }

    /// An object of a number.
    pub(super) fn object(&self, number: u32) -> Option<Found<'_>> {
        match self.place(number) {
            Place::At(offset) => self.at(offset, Some(number)).map(|(_, found)| found),
            Place::Within(stream) => {
                let container = self
                    .containers
                    .binary_search_by_key(&stream, |container| container.number)
                    .ok()
                    .and_then(|index| self.containers.get(index))?;
                if !self.may_read(0) {
                    return None;
                }
                let (_, at) = container
                    .members
                    .binary_search_by_key(&number, |(number, _)| *number)
                    .ok()
                    .and_then(|index| container.members.get(index))?;
                let mut reader = Reader::new(&container.bytes, *at);
                reader.skip_space();
                let start = reader.at();
                let value = reader.value()?;
                let text = container.bytes.get(start..reader.at())?;
                self.may_read(text.len());
                Some(Found::plain(value, text))
            }
            Place::Unknown | Place::Free => None,
        }
    }

    /// A value, a reference followed. References to references are no valid objects.
    pub(super) fn resolve<'s>(&'s self, value: Value<'s>) -> Option<Value<'s>> {
        match value {
            Value::Reference(number) => self.object(number).map(|found| found.value),
            direct => Some(direct),
        }
    }

    /// Counts bytes read, and says whether more may be.
    fn may_read(&self, bytes: usize) -> bool {
        let read = self.read.get().saturating_add(bytes);
        self.read.set(read);
        read <= self.bytes.len().saturating_mul(16).saturating_add(MOST_INFLATED)
    }

    /// The object that begins at an offset, which must have the number wanted.
    fn at(&self, offset: usize, wanted: Option<u32>) -> Option<(u32, Found<'a>)> {
        if !self.may_read(0) {
            return None;
        }
        let read = self.read_at(offset, wanted);
        // One that does not end was looked for up to the end of the file.
        let cost = match &read {
            Some((_, found)) => found.text.len(),
            None => self.bytes.len().saturating_sub(offset),
        };
        self.may_read(cost).then_some(read).flatten()
    }

    fn read_at(&self, offset: usize, wanted: Option<u32>) -> Option<(u32, Found<'a>)> {
        let mut reader = Reader::new(self.bytes, offset);
        reader.skip_space();
        let number = reader.object_head()?;
        if wanted.is_some_and(|wanted| wanted != number) {
            return None;
        }
        reader.skip_space();
        let start = reader.at();
        let value = reader.value()?;
        let text = self.bytes.get(start..reader.at())?;
        let Value::Dictionary(inner) = value else {
            return Some((number, Found::plain(value, text)));
        };
        reader.skip_space();
        if !reader.take_word(b"stream") {
            return Some((number, Found::plain(value, text)));
        }
        let mut start = reader.at();
        if self.bytes.get(start) == Some(&b'\r') {
            start = start.saturating_add(1);
        }
        if self.bytes.get(start) == Some(&b'\n') {
            start = start.saturating_add(1);
        }
        let stated = lookup(inner, b"Length");
        let length = match stated {
            Some(Value::Reference(number)) => self.plain_integer(number),
            other => integer(other),
        };
        let data = length
            .and_then(|length| usize::try_from(length).ok())
            .and_then(|length| self.data_of(start, length));
        let length_fits = data.is_some();
        let length_is_right = length_fits && matches!(stated, Some(Value::Integer(_)));
        let data = data.or_else(|| self.data_until_end(start))?;
        Some((number, Found { value, text, data: Some(data), length_fits, length_is_right }))
    }

    /// A number that stands in an object of its own, as lengths do.
    fn plain_integer(&self, number: u32) -> Option<u64> {
        let Place::At(offset) = self.place(number) else { return None };
        let mut reader = Reader::new(self.bytes, offset);
        reader.skip_space();
        (reader.object_head()? == number).then_some(())?;
        integer(reader.value())
    }

    /// Stream data of a stated length, if the stream really ends there.
    fn data_of(&self, start: usize, length: usize) -> Option<&'a [u8]> {
        let end = start.checked_add(length)?;
        let data = self.bytes.get(start..end)?;
        let mut after = Reader::new(self.bytes, end);
        after.skip_space();
        after.take_word(b"endstream").then_some(data)
    }

    /// Stream data up to the word that ends it, where the length is wrong.
    fn data_until_end(&self, start: usize) -> Option<&'a [u8]> {
        let rest = self.bytes.get(start..)?;
        let mut end = memmem::find(rest, b"endstream")?;
        if end > 0 && rest.get(end.wrapping_sub(1)) == Some(&b'\n') {
            end = end.saturating_sub(1);
        }
        if end > 0 && rest.get(end.wrapping_sub(1)) == Some(&b'\r') {
            end = end.saturating_sub(1);
        }
        rest.get(..end)
    }

    /// The newest trailer's value of a key.
    pub(super) fn trailer(&self, key: &[u8]) -> Option<Value<'_>> {
        self.trailers.iter().find_map(|trailer| lookup(trailer, key))
    }

    /// Unpacks a table or an object stream, within the bound of the file.
    fn inflate(&mut self, dictionary: &[u8], data: &[u8]) -> Result<Vec<u8>, MergeFault> {
        let left = MOST_INFLATED.saturating_sub(self.inflated);
        let filter = match lookup(dictionary, b"Filter") {
            Some(Value::Array(inner)) => {
                let mut filters = members(inner);
                let only = filters.next();
                if filters.next().is_some() {
                    return Err(damaged("a table is packed twice"));
                }
                only
            }
            other => other,
        };
        let plain = match filter {
            None | Some(Value::Null) => data.get(..data.len().min(left)).unwrap_or_default().into(),
            Some(name) if is_deflate(name) => {
                let mut plain = Vec::new();
                flate2::read::ZlibDecoder::new(data)
                    .take(u64::try_from(left).unwrap_or(u64::MAX).saturating_add(1))
                    .read_to_end(&mut plain)
                    .map_err(|_| damaged("a table or an object stream does not unpack"))?;
                plain
            }
            Some(_) => return Err(damaged("a table is packed in a way that is not allowed")),
        };
        if plain.len() > left {
            return Err(MergeFault::TooLarge {
                what: "the unpacked tables of a file",
                limit: u64::try_from(MOST_INFLATED).unwrap_or(u64::MAX),
            });
        }
        self.inflated = self.inflated.saturating_add(plain.len());
        let parameters = match lookup(dictionary, b"DecodeParms") {
            Some(Value::Array(inner)) => members(inner).next(),
            other => other,
        };
        let parameters = parameters.and_then(Value::dictionary).unwrap_or_default();
        let predictor = integer(lookup(parameters, b"Predictor")).unwrap_or(1);
        if predictor < 2 {
            return Ok(plain);
        }
        let columns = integer(lookup(parameters, b"Columns")).unwrap_or(1);
        let columns = usize::try_from(columns).unwrap_or(0);
        if predictor < 10 || columns == 0 || columns > plain.len() {
            return Err(damaged("a table is predicted in a way that is not used for tables"));
        }
        unpredict(&plain, columns).ok_or(damaged("a table's prediction does not resolve"))
    }
}

/// Whether this names the filter whose data start with the header of RFC 1950.
pub(super) fn is_deflate(filter: Value<'_>) -> bool {
    filter.is_name(b"FlateDecode") || filter.is_name(b"Fl")
}

/// Undoes the predictors of PNG for one byte per pixel, as tables use them.
fn unpredict(bytes: &[u8], columns: usize) -> Option<Vec<u8>> {
    let mut rows = Vec::with_capacity(bytes.len());
    let mut above = vec![0_u8; columns];
    for row in bytes.chunks_exact(columns.checked_add(1)?) {
        let (kind, row) = row.split_first()?;
        let (mut left, mut corner) = (0_u8, 0_u8);
        for (byte, above) in row.iter().zip(&mut above) {
            let guess = match kind {
                0 => 0,
                1 => left,
                2 => *above,
                3 => u8::try_from((u16::from(left) + u16::from(*above)) / 2).ok()?,
                4 => paeth(left, *above, corner),
                _ => return None,
            };
            corner = *above;
            left = byte.wrapping_add(guess);
            *above = left;
            rows.push(left);
        }
    }
    Some(rows)
}

fn paeth(left: u8, above: u8, corner: u8) -> u8 {
    let guess = i16::from(left) + i16::from(above) - i16::from(corner);
    let distance = |value: u8| (guess - i16::from(value)).abs();
    if distance(left) <= distance(above) && distance(left) <= distance(corner) {
        left
    } else if distance(above) <= distance(corner) {
        above
    } else {
        corner
    }
}

fn big_endian(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
}

/// A whole number of at least 0.
fn integer(value: Option<Value<'_>>) -> Option<u64> {
    if let Some(Value::Integer(number)) = value { u64::try_from(number).ok() } else { None }
}

/// Whether a dictionary has a key.
fn has_key(inner: &[u8], key: &[u8]) -> bool {
    lookup(inner, key).is_some()
}
