//! Pages of many PDF files in one: objects are copied as they are, only their references change.
//!
//! Libraries that build a tree of every file and write it again do more than labels need: they unpack
//! and pack page contents.
//!
//! Source: ISO 32000-1, sections 7.7.3 (page tree), 7.8.2 (contents), 8.11 (optional content) and
//! annex C (limits).

use std::collections::HashMap;
use std::ops::Range;

use super::MergeFault;
use super::rectangle::{Rectangle, rectangle};
use super::source::{Found, Source};
use super::syntax::{
    Reader, Value, copy_renumbered, entries, lookup, members, names_objects, plain_name,
    push_number,
};
use super::unpacking::Unpacking;

/// Pages taken from one file.
const MOST_PAGES: usize = 10_000;

/// Pages below one node of the tree: readers walk to a page without reading all of them.
const PAGES_PER_NODE: usize = 64;

/// The smallest data worth looking for among those already copied.
const LEAST_SHARED: usize = 512;

/// What a page takes from the nodes above it.
const INHERITED: [&[u8]; 4] = [b"Resources", b"MediaBox", b"CropBox", b"Rotate"];

/// Keys of a page that point at things outside it, or that printing does not need.
const LEFT_OUT: [&[u8]; 6] =
    [b"Parent", b"B", b"StructParents", b"PieceInfo", b"Thumb", b"Metadata"];

/// The sides that a page may have, in points (ISO 32000-1, annex C).
const SIDES: std::ops::RangeInclusive<f64> = 3.0..=14_400.0;

const NO_CONTENT: &str = "the content of a page is no stream";
const LOST_CONTENT: &str = "a page of a damaged file has no content";

const fn damaged(what: &'static str) -> MergeFault {
    MergeFault::Damaged { what }
}

/// A PDF file under construction.
#[derive(Debug)]
pub(super) struct PageWriter {
    /// What is not yet written away.
    pub(super) bytes: Vec<u8>,
    /// Bytes already written away.
    gone: u64,
    /// Offsets of the objects from number 1 on; 0 is not written yet.
    offsets: Vec<u64>,
    nodes: Vec<u32>,
    pages: Vec<u32>,
    /// Streams that later files may share, by their fingerprint.
    shared: HashMap<Fingerprint, Shared>,
    layers: Vec<u32>,
    hidden: Vec<u32>,
    unpacking: Option<Box<Unpacking>>,
}

/// Tells most different data apart: length, and bytes of the middle and the end. Packed data end
/// with a sum.
type Fingerprint = (usize, [u8; 16], [u8; 16]);

/// A stream already copied, by where it lies in the writer's bytes.
#[derive(Debug)]
struct Shared {
    number: u32,
    dictionary: Range<usize>,
    data: Range<usize>,
}

/// What is put back when a file cannot be taken.
#[derive(Debug, Clone, Copy)]
struct Mark {
    bytes: usize,
    offsets: usize,
    nodes: usize,
    pages: usize,
    layers: usize,
    hidden: usize,
}

/// A page to copy: its object, and what the nodes above it say.
#[derive(Debug)]
struct Leaf<'a> {
    number: u32,
    dictionary: &'a [u8],
    inherited: [Option<&'a [u8]>; 4],
}

impl PageWriter {
    pub(super) fn new(room: usize) -> Self {
        let mut bytes = Vec::with_capacity(room);
        // The second line tells programs that the file is binary.
        bytes.extend_from_slice(b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n");
        Self {
            bytes,
            gone: 0,
            // 1 is the catalogue, 2 the root of the page tree.
            offsets: vec![0; 2],
            nodes: Vec::new(),
            pages: Vec::new(),
            shared: HashMap::new(),
            layers: Vec::new(),
            hidden: Vec::new(),
            unpacking: None,
        }
    }

    /// Pages so far.
    pub(super) fn page_count(&self) -> usize {
        self.pages.len()
    }

    fn offset(&self) -> u64 {
        self.gone.saturating_add(u64::try_from(self.bytes.len()).unwrap_or(u64::MAX))
    }

    pub(super) fn reserve(&mut self) -> u32 {
        self.offsets.push(0);
        u32::try_from(self.offsets.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn begin(&mut self, number: u32) {
        let offset = self.offset();
        let index = usize::try_from(number).unwrap_or(usize::MAX).saturating_sub(1);
        if let Some(known) = self.offsets.get_mut(index) {
            *known = offset;
        }
        push_number(&mut self.bytes, u64::from(number));
        self.bytes.extend_from_slice(b" 0 obj\n");
    }

    pub(super) fn end(&mut self) {
        self.bytes.extend_from_slice(b"\nendobj\n");
    }

    /// The node that the next page hangs on.
    pub(super) fn node_of_next_page(&mut self) -> u32 {
        if self.pages.len() / PAGES_PER_NODE >= self.nodes.len() {
            let node = self.reserve();
            self.nodes.push(node);
        }
        self.nodes.last().copied().unwrap_or(2)
    }

    pub(super) fn add_page(&mut self, number: u32) {
        self.pages.push(number);
    }

    fn mark(&self) -> Mark {
        Mark {
            bytes: self.bytes.len(),
            offsets: self.offsets.len(),
            nodes: self.nodes.len(),
            pages: self.pages.len(),
            layers: self.layers.len(),
            hidden: self.hidden.len(),
        }
    }

    fn back_to(&mut self, mark: Mark) {
        self.bytes.truncate(mark.bytes);
        self.offsets.truncate(mark.offsets);
        self.nodes.truncate(mark.nodes);
        self.pages.truncate(mark.pages);
        self.layers.truncate(mark.layers);
        self.hidden.truncate(mark.hidden);
        let most = u32::try_from(mark.offsets).unwrap_or(u32::MAX);
        self.shared.retain(|_, shared| shared.number <= most);
    }

    /// Takes the pages of a file, or nothing of it. Contents of whole files are unpacked only where
    /// they shall be `checked`.
    pub(super) fn add_file(&mut self, bytes: &[u8], checked: bool) -> Result<usize, MergeFault> {
        // Offsets count from the header, which some programs put behind other bytes.
        let head = bytes.get(..bytes.len().min(1024)).unwrap_or_default();
        let begin = match bytes.starts_with(b"%PDF-") {
            true => 0,
            false => memchr::memmem::find(head, b"%PDF-").ok_or(damaged("there is no header"))?,
        };
        let bytes = bytes.get(begin..).unwrap_or_default();
        let mark = self.mark();
        let quick =
            Source::open(bytes).and_then(|source| self.add_pages(&source, bytes.len(), checked));
        let outcome = match quick {
            Ok(pages) => Ok(pages),
            Err(MergeFault::Encrypted) => Err(MergeFault::Encrypted),
            Err(first) => {
                self.back_to(mark);
                // What is wrong with the table is what the reader of the fault wants to know.
                Source::rebuild(bytes)
                    .and_then(|source| self.add_pages(&source, bytes.len(), true))
                    .map_err(|second| match second {
                        MergeFault::Damaged { .. } => first,
                        other => other,
                    })
            }
        };
        if outcome.is_err() {
            self.back_to(mark);
        }
        outcome
    }

    fn add_pages(
        &mut self,
        source: &Source<'_>,
        length: usize,
        checked: bool,
    ) -> Result<usize, MergeFault> {
        let root = source.trailer(b"Root").ok_or(damaged("there is no catalogue"))?;
        let catalogue = source
            .resolve(root)
            .and_then(Value::dictionary)
            .ok_or(damaged("the catalogue cannot be read"))?;
        let leaves = leaves(source, catalogue)?;
        if leaves.is_empty() {
            return Err(MergeFault::NoPages);
        }
        let most =
            self.bytes.len().saturating_add(length.saturating_mul(4)).saturating_add(64 << 20);
        if let Some(unpacking) = &mut self.unpacking {
            unpacking.next_file();
        }
        let mut copy = Copy {
            source,
            numbers: vec![0; source.size()],
            waiting: Vec::new(),
            writer: self,
            checked,
        };
        let mut numbers = Vec::with_capacity(leaves.len());
        for leaf in &leaves {
            let number = copy.writer.reserve();
            numbers.push(number);
            if let Some(known) =
                copy.numbers.get_mut(usize::try_from(leaf.number).unwrap_or(usize::MAX))
            {
                *known = number;
            }
        }
        for (leaf, number) in leaves.iter().zip(numbers) {
            copy.page(leaf, number)?;
            if copy.writer.bytes.len() > most {
                return Err(too_large(most));
            }
        }
        copy.layers(catalogue);
        while let Some(waiting) = copy.waiting.pop() {
            copy.object(waiting)?;
            if copy.writer.bytes.len() > most {
                return Err(too_large(most));
            }
        }
        Ok(leaves.len())
    }

    /// Hands over what is written so far; objects written before can no longer be shared.
    pub(super) fn drain(&mut self) -> Vec<u8> {
        self.gone = self.offset();
        self.shared.clear();
        std::mem::take(&mut self.bytes)
    }

    /// Writes the page tree, the catalogue and the table.
    pub(super) fn finish(mut self) -> Result<Vec<u8>, MergeFault> {
        let nodes = std::mem::take(&mut self.nodes);
        let pages = std::mem::take(&mut self.pages);
        for (node, below) in nodes.iter().zip(pages.chunks(PAGES_PER_NODE)) {
            self.begin(*node);
            self.bytes.extend_from_slice(b"<</Type/Pages/Parent 2 0 R/Count ");
            push_number(&mut self.bytes, u64::try_from(below.len()).unwrap_or(0));
            self.bytes.extend_from_slice(b"/Kids");
            self.references(below);
            self.bytes.extend_from_slice(b">>");
            self.end();
        }
        self.begin(2);
        self.bytes.extend_from_slice(b"<</Type/Pages/Count ");
        push_number(&mut self.bytes, u64::try_from(pages.len()).unwrap_or(0));
        self.bytes.extend_from_slice(b"/Kids");
        self.references(&nodes);
        self.bytes.extend_from_slice(b">>");
        self.end();
        self.begin(1);
        self.bytes.extend_from_slice(b"<</Type/Catalog/Pages 2 0 R");
        let layers = std::mem::take(&mut self.layers);
        let hidden = std::mem::take(&mut self.hidden);
        if !layers.is_empty() {
            self.bytes.extend_from_slice(b"/OCProperties<</OCGs");
            self.references(&layers);
            self.bytes.extend_from_slice(b"/D<</OFF");
            self.references(&hidden);
            self.bytes.extend_from_slice(b">>>>");
        }
        self.bytes.extend_from_slice(b">>");
        self.end();
        let table = self.offset();
        self.bytes.extend_from_slice(b"xref\n0 ");
        let size = u64::try_from(self.offsets.len()).unwrap_or(u64::MAX).saturating_add(1);
        push_number(&mut self.bytes, size);
        self.bytes.extend_from_slice(b"\n0000000000 65535 f \n");
        for offset in &self.offsets {
            // The table has ten digits for an offset.
            if *offset > 9_999_999_999 {
                return Err(MergeFault::TooLarge { what: "the merged file", limit: 9_999_999_999 });
            }
            let mut digits = *b"0000000000 00000 n \n";
            let mut rest = *offset;
            for digit in digits.iter_mut().take(10).rev() {
                *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
                rest /= 10;
            }
            // A number that was given and never used.
            if *offset == 0 {
                digits = *b"0000000000 65535 f \n";
            }
            self.bytes.extend_from_slice(&digits);
        }
        self.bytes.extend_from_slice(b"trailer\n<</Root 1 0 R/Size ");
        push_number(&mut self.bytes, size);
        self.bytes.extend_from_slice(b">>\nstartxref\n");
        push_number(&mut self.bytes, table);
        self.bytes.extend_from_slice(b"\n%%EOF\n");
        Ok(self.bytes)
    }

    fn references(&mut self, numbers: &[u32]) {
        self.bytes.push(b'[');
        for number in numbers {
            push_number(&mut self.bytes, u64::from(*number));
            self.bytes.extend_from_slice(b" 0 R ");
        }
        self.bytes.push(b']');
    }

    /// Writes a stream whose dictionary is complete up to its length.
    pub(super) fn stream(&mut self, number: u32, dictionary: &[u8], data: &[u8]) {
        self.begin(number);
        self.bytes.extend_from_slice(b"<<");
        self.bytes.extend_from_slice(dictionary);
        self.bytes.extend_from_slice(b"/Length ");
        push_number(&mut self.bytes, u64::try_from(data.len()).unwrap_or(u64::MAX));
        self.bytes.extend_from_slice(b">>\nstream\n");
        self.bytes.extend_from_slice(data);
        self.bytes.extend_from_slice(b"\nendstream");
        self.end();
    }
}

fn too_large(limit: usize) -> MergeFault {
    MergeFault::TooLarge {
        what: "the copy of a file",
        limit: u64::try_from(limit).unwrap_or(u64::MAX),
    }
}

/// The pages of a file in order.
fn leaves<'a>(source: &'a Source<'_>, catalogue: &'a [u8]) -> Result<Vec<Leaf<'a>>, MergeFault> {
    let Some(Value::Reference(top)) = lookup(catalogue, b"Pages") else {
        return Err(damaged("the catalogue names no page tree"));
    };
    let mut found = Vec::new();
    let mut visited = vec![false; source.size()];
    let mut waiting = vec![(top, [None; 4])];
    while let Some((number, inherited)) = waiting.pop() {
        let node = source
            .object(number)
            .and_then(|found| found.value.dictionary())
            .ok_or(damaged("a page cannot be read"))?;
        let (mut kids, mut kind) = (None, None);
        let mut own = inherited;
        for entry in entries(node) {
            let key = plain_name(entry.key);
            match &*key {
                b"Kids" => kids = source.resolve(entry.value),
                b"Type" => kind = Some(entry.value),
                _ => {
                    if let Some(slot) = inheritable(&key, &mut own) {
                        *slot = Some(entry.text);
                    }
                }
            }
        }
        let kids = if let Some(Value::Array(kids)) = kids { Some(kids) } else { None };
        let page = kind.is_some_and(|kind| kind.is_name(b"Page"));
        let Some(kids) = kids.filter(|_| !page) else {
            if kind.is_some_and(|kind| kind.is_name(b"Pages")) {
                return Err(damaged("the page tree has a node without pages"));
            }
            if found.len() >= MOST_PAGES {
                return Err(MergeFault::TooLarge {
                    what: "the number of pages of a file",
                    limit: u64::try_from(MOST_PAGES).unwrap_or(u64::MAX),
                });
            }
            found.push(Leaf { number, dictionary: node, inherited });
            continue;
        };
        let seen = visited.get_mut(usize::try_from(number).unwrap_or(usize::MAX));
        if seen.is_none_or(|seen| std::mem::replace(seen, true)) {
            return Err(damaged("the page tree forms a loop"));
        }
        let first = waiting.len();
        for kid in members(kids) {
            let Value::Reference(kid) = kid else {
                return Err(damaged("the page tree holds something that is no page"));
            };
            waiting.push((kid, own));
            if waiting.len() > MOST_PAGES.saturating_mul(2) {
                return Err(MergeFault::TooLarge {
                    what: "the number of pages of a file",
                    limit: u64::try_from(MOST_PAGES).unwrap_or(u64::MAX),
                });
            }
        }
        if let Some(added) = waiting.get_mut(first..) {
            added.reverse();
        }
    }
    Ok(found)
}

/// Where the value of a key is kept that pages inherit.
fn inheritable<'s, 'a>(
    key: &[u8],
    slots: &'s mut [Option<&'a [u8]>; 4],
) -> Option<&'s mut Option<&'a [u8]>> {
    INHERITED.iter().zip(slots).find_map(|(name, slot)| (**name == *key).then_some(slot))
}

/// The copying of one file.
struct Copy<'w, 's, 'a> {
    source: &'s Source<'a>,
    /// New numbers by old ones; 0 is none yet.
    numbers: Vec<u32>,
    waiting: Vec<Waiting<'s>>,
    writer: &'w mut PageWriter,
    /// Contents and forms are unpacked to see whether they do.
    checked: bool,
}

/// An object that was named and is not yet copied.
struct Waiting<'s> {
    number: u32,
    found: Option<Found<'s>>,
}

impl<'s> Copy<'_, 's, '_> {
    /// Copies a value, giving new numbers to what it names.
    fn value(&mut self, text: &[u8]) {
        let Self { source, numbers, waiting, writer, .. } = self;
        let PageWriter { bytes, offsets, shared, .. } = &mut **writer;
        // The bytes are being written while numbers are given, so sharing looks at them in turns.
        copy_renumbered(text, bytes, |written, old| {
            renumber(source, numbers, waiting, offsets, shared, written, old)
        });
    }

    fn page(&mut self, leaf: &Leaf<'_>, number: u32) -> Result<(), MergeFault> {
        let node = self.writer.node_of_next_page();
        self.writer.begin(number);
        self.writer.bytes.extend_from_slice(b"<</Parent ");
        push_number(&mut self.writer.bytes, u64::from(node));
        self.writer.bytes.extend_from_slice(b" 0 R");
        let mut inherited = leaf.inherited;
        let mut contents: Option<&[u8]> = None;
        for entry in entries(leaf.dictionary) {
            let key = plain_name(entry.key);
            if LEFT_OUT.contains(&&*key) {
                continue;
            }
            if let Some(slot) = inheritable(&key, &mut inherited) {
                *slot = Some(entry.text);
                continue;
            }
            if *key == *b"Contents" {
                // Programs differ in which of two they print.
                match contents.replace(entry.text) {
                    None => {}
                    Some(known) if known == entry.text => continue,
                    Some(_) => return Err(damaged("a page has two contents")),
                }
                if self.checked {
                    self.contents(entry.text)?;
                }
            }
            self.key(entry.key);
            self.value(entry.text);
        }
        if contents.is_none() && self.source.rebuilt {
            return Err(damaged(LOST_CONTENT));
        }
        let [resources, size, crop, rotate] = inherited;
        let size = size.ok_or(damaged("a page has no size"))?;
        let sheet = self.page_size(size)?;
        self.inherited(b"Resources", resources);
        self.rectangle(b"MediaBox", size, &sheet);
        // Readers pass over a window that shows nothing.
        if let Some(text) = crop
            && let Some(window) = rectangle(self.source, text).filter(|found| sheet.shows(found))
        {
            self.rectangle(b"CropBox", text, &window);
        }
        self.inherited(b"Rotate", rotate);
        self.writer.bytes.extend_from_slice(b">>");
        self.writer.end();
        self.writer.add_page(number);
        Ok(())
    }

    /// Looks at the content of a page: one that cannot be drawn would be a blank label.
    fn contents(&mut self, text: &[u8]) -> Result<(), MergeFault> {
        let source = self.source;
        let listed = match Reader::new(text, 0).value() {
            Some(Value::Array(inner)) => Some(inner),
            Some(named) => match source.resolve(named) {
                Some(Value::Array(inner)) => Some(inner),
                _ => None,
            },
            None => None,
        };
        let mut draws = false;
        // One that is not in a list reads like a list of one.
        for part in members(listed.unwrap_or(text)) {
            let found = match part {
                Value::Null => continue,
                Value::Reference(number) => {
                    let index = usize::try_from(number).unwrap_or(usize::MAX);
                    // Another page has it as well.
                    if self.numbers.get(index).is_some_and(|known| *known != 0) {
                        draws = true;
                        continue;
                    }
                    // What is not there is null, or a fault of its own.
                    let Some(found) = source.object(number) else { continue };
                    found
                }
                _ => return Err(damaged(NO_CONTENT)),
            };
            match (found.data, found.value) {
                (Some(data), Value::Dictionary(inner)) => {
                    self.unpacks(inner, data)?;
                    draws |= !data.is_empty();
                }
                (_, Value::Null) => {}
                _ => return Err(damaged(NO_CONTENT)),
            }
        }
        // A blank page is allowed, and not what is left of a damaged file.
        if draws || !source.rebuilt { Ok(()) } else { Err(damaged(LOST_CONTENT)) }
    }

    fn unpacks(&mut self, dictionary: &[u8], data: &[u8]) -> Result<(), MergeFault> {
        let unpacking = self.writer.unpacking.get_or_insert_with(|| Box::new(Unpacking::new()));
        unpacking.check(self.source, dictionary, data)
    }

    /// The size of a page, if a printer can have such paper.
    fn page_size(&self, text: &[u8]) -> Result<Rectangle, MergeFault> {
        let found = rectangle(self.source, text)
            .ok_or(damaged("the size of a page is not four numbers"))?;
        let [left, bottom, right, top] = found.sides;
        for side in [right - left, top - bottom] {
            if side < *SIDES.start() {
                return Err(damaged("a page is less than 3 points wide or high"));
            }
            if side > *SIDES.end() {
                return Err(MergeFault::TooLarge {
                    what: "the side of a page, in points,",
                    limit: 14_400,
                });
            }
        }
        Ok(found)
    }

    fn inherited(&mut self, key: &[u8], text: Option<&[u8]>) {
        if let Some(text) = text {
            self.key(key);
            self.value(text);
        }
    }

    fn rectangle(&mut self, key: &[u8], text: &[u8], found: &Rectangle) {
        self.key(key);
        if found.turned {
            // Allowed, and not understood by every printer.
            found.write(&mut self.writer.bytes);
        } else {
            self.value(text);
        }
    }

    fn key(&mut self, key: &[u8]) {
        self.writer.bytes.push(b'/');
        self.writer.bytes.extend_from_slice(key);
        self.writer.bytes.push(b' ');
    }

    fn object(&mut self, waiting: Waiting<'s>) -> Result<(), MergeFault> {
        let found = waiting.found.ok_or(damaged("an object that a page needs is missing"))?;
        self.writer.begin(waiting.number);
        let Some(data) = found.data else {
            // A link to another part of the file must not bring that part along.
            let outside = found.value.dictionary().is_some_and(|inner| {
                lookup(inner, b"Type").is_some_and(|kind| {
                    [b"Page".as_slice(), b"Pages", b"Catalog"].iter().any(|name| kind.is_name(name))
                })
            });
            if outside {
                self.writer.bytes.extend_from_slice(b"null");
            } else {
                self.value(found.text);
            }
            self.writer.end();
            return Ok(());
        };
        let inner = found.value.dictionary().unwrap_or_default();
        // Pictures and fonts of whole files are never unpacked: that costs many times more than copying.
        let is_form = || lookup(inner, b"Subtype").is_some_and(|kind| kind.is_name(b"Form"));
        if self.source.rebuilt || !found.length_fits || (self.checked && is_form()) {
            self.unpacks(inner, data)?;
        }
        let head = self.writer.bytes.len();
        if found.length_is_right {
            self.value(found.text);
        } else {
            self.writer.bytes.extend_from_slice(b"<<");
            for entry in entries(inner) {
                if *plain_name(entry.key) != *b"Length" {
                    self.key(entry.key);
                    self.value(entry.text);
                }
            }
            self.writer.bytes.extend_from_slice(b"/Length ");
            push_number(&mut self.writer.bytes, u64::try_from(data.len()).unwrap_or(u64::MAX));
            self.writer.bytes.extend_from_slice(b">>");
        }
        let dictionary = head..self.writer.bytes.len();
        self.writer.bytes.extend_from_slice(b"\nstream\n");
        let start = self.writer.bytes.len();
        self.writer.bytes.extend_from_slice(data);
        let shareable = data.len() >= LEAST_SHARED
            && entries(inner)
                .all(|entry| *plain_name(entry.key) == *b"Length" || !names_objects(entry.text));
        if let (true, Some(key)) = (shareable, fingerprint(data)) {
            let data = start..self.writer.bytes.len();
            self.writer.shared.insert(key, Shared { number: waiting.number, dictionary, data });
        }
        self.writer.bytes.extend_from_slice(b"\nendstream");
        self.writer.end();
        Ok(())
    }

    /// Layers that a file shows or hides by default stay so.
    fn layers(&mut self, catalogue: &[u8]) {
        let source = self.source;
        let dictionary = |value: Option<Value<'_>>| {
            value
                .and_then(|value| source.resolve(value))
                .and_then(Value::dictionary)
                .map(<[u8]>::to_vec)
        };
        let Some(properties) = dictionary(lookup(catalogue, b"OCProperties")) else { return };
        let standard = dictionary(lookup(&properties, b"D")).unwrap_or_default();
        let listed = |inner: &[u8], key: &[u8]| -> Vec<u32> {
            match lookup(inner, key).and_then(|value| source.resolve(value)) {
                Some(Value::Array(inner)) => members(inner)
                    .filter_map(|value| {
                        if let Value::Reference(number) = value { Some(number) } else { None }
                    })
                    .collect(),
                _ => Vec::new(),
            }
        };
        let all = listed(&properties, b"OCGs");
        let hidden = if lookup(&standard, b"BaseState").is_some_and(|state| state.is_name(b"OFF")) {
            let shown = listed(&standard, b"ON");
            all.iter().copied().filter(|layer| !shown.contains(layer)).collect()
        } else {
            listed(&standard, b"OFF")
        };
        for (old, hide) in
            all.into_iter().map(|old| (old, false)).chain(hidden.into_iter().map(|old| (old, true)))
        {
            let Self { source, numbers, waiting, writer, .. } = self;
            let PageWriter { bytes, offsets, shared, .. } = &mut **writer;
            let Some(new) = renumber(source, numbers, waiting, offsets, shared, bytes, old) else {
                continue;
            };
            if hide {
                writer.hidden.push(new);
            } else {
                writer.layers.push(new);
            }
        }
    }
}

/// The new number of an object; `None` writes null.
fn renumber<'s>(
    source: &'s Source<'_>,
    numbers: &mut [u32],
    waiting: &mut Vec<Waiting<'s>>,
    offsets: &mut Vec<u64>,
    shared: &HashMap<Fingerprint, Shared>,
    written: &[u8],
    old: u32,
) -> Option<u32> {
    // By the specification a reference to nothing is null. In a damaged file it is what was lost.
    if !source.has(old) {
        if source.rebuilt {
            waiting.push(Waiting { number: 0, found: None });
        }
        return None;
    }
    let known = numbers.get_mut(usize::try_from(old).unwrap_or(usize::MAX))?;
    if *known != 0 {
        return Some(*known);
    }
    let found = source.object(old);
    // Labels of one carrier repeat fonts and logos.
    if let Some(found) = &found
        && let Some(data) = found.data.filter(|data| data.len() >= LEAST_SHARED)
        && let Some(earlier) = fingerprint(data).and_then(|key| shared.get(&key))
        && written.get(earlier.data.clone()) == Some(data)
        && let Some(dictionary) = written.get(earlier.dictionary.clone())
        && same_but_for_length(dictionary, found.text)
    {
        *known = earlier.number;
        return Some(*known);
    }
    offsets.push(0);
    *known = u32::try_from(offsets.len()).unwrap_or(u32::MAX);
    waiting.push(Waiting { number: *known, found });
    Some(*known)
}

fn fingerprint(data: &[u8]) -> Option<Fingerprint> {
    let middle = data.get(data.len() / 2..)?.first_chunk::<16>()?;
    Some((data.len(), *middle, *data.last_chunk::<16>()?))
}

/// Whether two dictionaries say the same, their lengths left aside.
fn same_but_for_length(one: &[u8], other: &[u8]) -> bool {
    fn rest(text: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
        let inner = Reader::new(text, 0).value().and_then(Value::dictionary).unwrap_or_default();
        entries(inner)
            .filter(|entry| *plain_name(entry.key) != *b"Length")
            .map(|entry| (entry.key, entry.text))
    }
    rest(one).eq(rest(other))
}
