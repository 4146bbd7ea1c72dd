//! From bytes to rows of text: delimiter, header, encoding, positions.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Chain, Cursor, Read, Seek, SeekFrom};

use super::config::{DELIMITERS, Field, Mapping, squeezed};
use super::error::{RowError, RowErrorCode};
use super::records::Records;
use crate::personal::Personal;

/// How much of a file is looked at for its header.
const LARGEST_HEADER: usize = 1 << 20;

/// What is wrong with a row, before the row is taken along.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) column: Option<usize>,
    pub(super) code: RowErrorCode,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(
        column: Option<usize>,
        code: RowErrorCode,
        message: impl Into<String>,
    ) -> Self {
        Self { column, code, message: message.into() }
    }
}

/// The cells of a row, one after the other. Rows wait until no other can belong to their order, so
/// they take as little room as they can.
#[derive(Debug, Default)]
pub(super) struct Texts {
    text: String,
    ends: Vec<u32>,
}

impl Texts {
    /// Takes the cells of a row. On bytes that are not UTF-8 the text stays readable, and the
    /// number of the bad cell is told.
    fn fill(&mut self, (bytes, ends): (&[u8], &[usize])) -> Result<(), usize> {
        self.text.clear();
        self.ends.clear();
        self.ends.reserve_exact(ends.len());
        // All cells at once; an end inside a character is a cell that is not UTF-8.
        if let Ok(text) = std::str::from_utf8(bytes) {
            self.text.reserve_exact(text.len());
            self.text.push_str(text);
            for end in ends {
                self.ends.push(u32::try_from(*end).unwrap_or(u32::MAX));
                if !text.is_char_boundary(*end) {
                    return Err(self.fill_lossy(bytes, ends));
                }
            }
            return Ok(());
        }
        Err(self.fill_lossy(bytes, ends))
    }

    fn fill_lossy(&mut self, bytes: &[u8], ends: &[usize]) -> usize {
        self.text.clear();
        self.ends.clear();
        let (mut begin, mut bad) = (0, None);
        for (column, end) in ends.iter().enumerate() {
            let cell = bytes.get(begin..*end).unwrap_or_default();
            begin = *end;
            self.text.push_str(&String::from_utf8_lossy(cell));
            self.ends.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
            if bad.is_none() && std::str::from_utf8(cell).is_err() {
                bad = Some(column);
            }
        }
        bad.unwrap_or_default()
    }

    fn get(&self, column: usize) -> Option<&str> {
        let end = *self.ends.get(column)? as usize;
        let begin = match column.checked_sub(1) {
            Some(before) => *self.ends.get(before)? as usize,
            None => 0,
        };
        self.text.get(begin..end)
    }

    fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len()).map(|column| self.get(column).unwrap_or_default())
    }
}

/// A row as text, or what is wrong with it.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) cells: Texts,
    /// As people count: the header is 1.
    pub(super) number: u64,
    pub(super) line: u64,
    /// Where it begins, counted from the end of the byte order mark.
    pub(super) byte: u64,
    pub(super) fault: Option<Box<Fault>>,
}

impl Row {
    /// The cell without the white space around it; empty when there is none.
    pub(super) fn cell(&self, column: Option<usize>) -> &str {
        let cell = column.and_then(|column| self.cells.get(column)).unwrap_or_default();
        // Most cells have none, which two bytes tell.
        match cell.as_bytes() {
            [] => return cell,
            [b'=', ..] => {}
            [only] if only.is_ascii_graphic() => return cell,
            [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => {
                return cell;
            }
            _ => {}
        }
        as_text(cell.trim())
    }

    /// Makes an error of a fault.
    pub(super) fn error(&self, fault: Fault, columns: &Columns) -> RowError {
        RowError {
            row: self.number,
            line: self.line,
            column: fault.column.and_then(|column| columns.names.get(column).cloned()),
            code: fault.code,
            message: fault.message,
            order: None,
            raw: Personal::new(self.cells.iter().collect::<Vec<_>>().join(",")),
        }
    }
}

/// What a spreadsheet means by `="00123"`: the text, so that it makes no number of it. A formula that
/// computes something stays as it is.
fn as_text(cell: &str) -> &str {
    let inner = cell.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"'));
    inner.filter(|inner| !inner.contains('"')).map_or(cell, str::trim)
}

/// A column that no field claims.
#[derive(Debug, Clone)]
pub(super) struct Extra {
    pub(super) column: usize,
    pub(super) name: String,
    pub(super) of_order: bool,
    /// It was declared to name no person.
    pub(super) is_plain: bool,
}

/// Which column holds which field, in one file.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    pub(super) names: Vec<String>,
    places: [Option<usize>; Field::ALL.len()],
    /// The columns that hold fields.
    pub(super) claimed: Vec<usize>,
    pub(super) extras: Vec<Extra>,
    /// The columns in which all rows of an order must agree.
    pub(super) of_order: Vec<usize>,
}

impl Columns {
    pub(super) fn of(&self, field: Field) -> Option<usize> {
        self.places.get(field as usize).copied().flatten()
    }

    /// Finds the fields in a header.
    fn find(header: &Texts, mapping: &Mapping) -> Result<Self, Box<RowError>> {
        let names: Vec<String> = header.iter().map(|name| name.trim().to_owned()).collect();
        let mut by_name: BTreeMap<String, usize> = BTreeMap::new();
        for (column, name) in names.iter().enumerate() {
            let squeezed = squeezed(name);
            // Spreadsheets write columns without a name; nobody can mean one of them.
            if !squeezed.is_empty() && by_name.insert(squeezed, column).is_some() {
                return Err(Box::new(RowError {
                    column: Some(name.clone()),
                    ..of_header(RowErrorCode::DuplicateColumn, "two columns have this name")
                }));
            }
        }
        let mut places = [None; Field::ALL.len()];
        let mut claimed = vec![false; names.len()];
        let mut of_order = Vec::new();
        for field in Field::ALL {
            let wanted = mapping.columns.get(&field).into_iter().flatten();
            let found = wanted.filter_map(|name| by_name.get(&squeezed(name))).next().copied();
            if let (Some(place), Some(column)) = (places.get_mut(field as usize), found) {
                *place = Some(column);
                if let Some(claimed) = claimed.get_mut(column) {
                    *claimed = true;
                }
                if field.is_of_order() {
                    of_order.push(column);
                }
            }
        }
        let listed = |names: &[String]| -> BTreeSet<String> {
            names.iter().map(|name| squeezed(name)).collect()
        };
        let order_columns = listed(&mapping.order_columns);
        let plain_columns = listed(&mapping.plain_columns);
        let extras: Vec<Extra> = names
            .iter()
            .enumerate()
            .filter(|(column, name)| {
                !name.is_empty() && !claimed.get(*column).copied().unwrap_or(true)
            })
            .map(|(column, name)| Extra {
                column,
                name: name.clone(),
                of_order: order_columns.contains(&squeezed(name)),
                is_plain: plain_columns.contains(&squeezed(name)),
            })
            .collect();
        of_order.extend(extras.iter().filter(|extra| extra.of_order).map(|extra| extra.column));
        let claimed = places.iter().flatten().copied().collect();
        let found = Self { names, places, claimed, extras, of_order };
        let defaults = [
            (Field::Currency, mapping.currency.is_some()),
            (Field::Country, mapping.country.is_some()),
            (Field::PlacedAt, mapping.placed_at.is_some()),
        ];
        let required = Field::REQUIRED.into_iter().map(|field| (field, false)).chain(defaults);
        for (field, default) in required {
            if !default && found.of(field).is_none() {
                let message = format!("the file has no column for {field}");
                return Err(Box::new(of_header(RowErrorCode::MissingColumn, message)));
            }
        }
        Ok(found)
    }
}

fn of_header(code: RowErrorCode, message: impl Into<String>) -> RowError {
    RowError {
        row: 1,
        line: 1,
        column: None,
        code,
        message: message.into(),
        order: None,
        raw: Personal::default(),
    }
}

/// The rows of a file, one at a time.
pub(super) struct Rows<R> {
    records: Records<Chain<Cursor<Vec<u8>>, R>>,
    pub(super) columns: Columns,
    /// How many bytes come before the header: byte order mark and `sep=`.
    mark: u64,
    /// How many lines come before the header.
    lines_before: u64,
}

impl<R: Read> Rows<R> {
    /// Reads the header.
    pub(super) fn new(mut reader: R, mapping: &Mapping) -> Result<Self, Box<RowError>> {
        let failed = |error: &std::io::Error| {
            let message = format!("the file cannot be read: {}", error.kind());
            Box::new(of_header(RowErrorCode::Unreadable, message))
        };
        let mut head = Vec::new();
        fill(&mut reader, &mut head).map_err(|error| failed(&error))?;
        if is_utf16(&head) {
            let message = "the file is UTF-16: save it as \"CSV UTF-8\"";
            return Err(Box::new(of_header(RowErrorCode::Utf16, message)));
        }
        let mut mark = if head.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
        head.drain(..mark);
        let mut said = None;
        let mut lines_before = 0;
        if let Some((delimiter, length)) = separator_line(&head) {
            head.drain(..length);
            (said, lines_before) = (Some(delimiter), 1);
            mark += length;
            // What was read may end here; the header is still to come.
            fill(&mut reader, &mut head).map_err(|error| failed(&error))?;
        }
        let delimiter = mapping
            .delimiter
            .and_then(|delimiter| u8::try_from(delimiter).ok())
            .or(said)
            .unwrap_or_else(|| detected(&head));
        let mut records = Records::new(Cursor::new(head).chain(reader), delimiter, 1 << 16);
        records.advance().map_err(|error| failed(&error))?;
        if records.is_too_large() {
            let message = "the header is too large; is a quote not closed?";
            return Err(Box::new(of_header(RowErrorCode::TooLarge, message)));
        }
        let mut header = Texts::default();
        header
            .fill(records.row())
            .map_err(|_| Box::new(of_header(RowErrorCode::NotUtf8, "the header is not UTF-8")))?;
        let columns = Columns::find(&header, mapping)?;
        let mark = u64::try_from(mark).unwrap_or(0);
        Ok(Self { records, columns, mark, lines_before })
    }

    /// The next row; `None` is the end. Takes a record that is not needed any more.
    pub(super) fn next(&mut self, mut spare: Texts) -> Option<Result<Row, Box<RowError>>> {
        let place = self.records.place();
        match self.records.advance() {
            Ok(true) => {}
            Ok(false) => return None,
            Err(error) => {
                let message = format!("the file cannot be read further: {}", error.kind());
                return Some(Err(Box::new(RowError {
                    row: place.number,
                    line: place.line + self.lines_before,
                    ..of_header(RowErrorCode::Unreadable, message)
                })));
            }
        }
        let records = &self.records;
        let mut fault = None;
        if records.cells() != self.columns.names.len() {
            let message = format!(
                "the row has {} cells, the header {}",
                records.cells(),
                self.columns.names.len()
            );
            fault = Some(Fault::new(None, RowErrorCode::CellCount, message));
        }
        if let Err(bad) = spare.fill(records.row()) {
            fault = Some(Fault::new(Some(bad), RowErrorCode::NotUtf8, "the cell is not UTF-8"));
        }
        if records.is_too_large() {
            let message = "the row is too large; is a quote not closed?";
            fault = Some(Fault::new(None, RowErrorCode::TooLarge, message));
        }
        Some(Ok(Row {
            cells: spare,
            number: place.number,
            line: place.line + self.lines_before,
            byte: place.byte,
            fault: fault.map(Box::new),
        }))
    }
}

impl<R: Read + Seek> Rows<R> {
    /// Goes on with the row that begins at a byte, counted as [`Row::byte`] is. The row's number and
    /// line are not known then.
    pub(super) fn go_to(&mut self, byte: u64) -> std::io::Result<()> {
        if self.records.place().byte == byte {
            return Ok(());
        }
        let mark = self.mark;
        let (head, file) = self.records.source_mut().get_mut();
        head.set_position(u64::MAX);
        file.seek(SeekFrom::Start(mark.saturating_add(byte)))?;
        self.records.begin_at(byte);
        Ok(())
    }
}

/// Reads on until there is a whole line, or more than a header can be.
fn fill(reader: &mut impl Read, head: &mut Vec<u8>) -> std::io::Result<()> {
    let mut chunk = vec![0_u8; 8_192];
    while !has_line(head) && head.len() < LARGEST_HEADER {
        match reader.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => head.extend_from_slice(chunk.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Whether the text is UTF-16: by its mark, or by the zero bytes of a header in Latin letters.
fn is_utf16(head: &[u8]) -> bool {
    matches!(head, [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] | [0, 1..=255, ..] | [1..=255, 0, ..])
}

/// The delimiter that a first line `sep=;` names, as spreadsheets write it, and the line's length.
fn separator_line(head: &[u8]) -> Option<(u8, usize)> {
    let [s, e, p, b'=', delimiter, rest @ ..] = head else { return None };
    if ![*s, *e, *p].eq_ignore_ascii_case(b"sep") || !DELIMITERS.contains(delimiter) {
        return None;
    }
    match rest {
        [b'\r', b'\n', ..] => Some((*delimiter, 7)),
        [b'\n', ..] => Some((*delimiter, 6)),
        _ => None,
    }
}

/// Whether the text has a whole line, line ends in quotes aside.
fn has_line(head: &[u8]) -> bool {
    let mut quoted = false;
    head.iter().any(|byte| {
        quoted ^= *byte == b'"';
        !quoted && *byte == b'\n'
    })
}

/// The delimiter that occurs most in the header, quoted texts aside; a comma when none does.
fn detected(head: &[u8]) -> u8 {
    let mut counts = [0_u32; DELIMITERS.len()];
    let mut quoted = false;
    for byte in head {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' if !quoted => break,
            _ if quoted => {}
            _ => {
                for (candidate, count) in DELIMITERS.iter().zip(&mut counts) {
                    *count += u32::from(candidate == byte);
                }
            }
        }
    }
    let most = counts.iter().copied().max().unwrap_or(0);
    DELIMITERS
        .into_iter()
        .zip(counts)
        .find(|(_, count)| *count == most && most > 0)
        .map_or(b',', |(candidate, _)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file that counts what is done with it.
    struct Counted {
        bytes: Cursor<Vec<u8>>,
        read: usize,
        sought: usize,
    }

    impl Read for Counted {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            let read = self.bytes.read(into)?;
            self.read += read;
            Ok(read)
        }
    }

    impl Seek for Counted {
        fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
            self.sought += 1;
            self.bytes.seek(to)
        }
    }

    #[test]
    fn single_rows_are_read_at_their_places_from_one_opening_and_no_more_than_is_near_them() {
        let mapping = Mapping::preset("orderflow").unwrap();
        let header =
            "order_id,placed_at,recipient_name,address1,city,postal_code,country,currency,sku,qty";
        for before in ["", "\u{feff}", "sep=,\r\n", "\u{feff}sep=,\n"] {
            let mut text = format!("{before}{header}\n");
            for number in 0..10_000 {
                let row =
                    format!("A-{number},2026-03-01,Ana,\"1 St\n\",Denver,80202,US,USD,MUG,1\n");
                text.push_str(&row);
            }
            let file = Counted { bytes: Cursor::new(text.into_bytes()), read: 0, sought: 0 };
            let mut rows = Rows::new(file, &mapping).unwrap();
            let (mut places, mut wanted) = (Vec::new(), Vec::new());
            while let Some(row) = rows.next(Texts::default()) {
                let row = row.unwrap();
                places.push(row.byte);
                wanted.push(row.cell(Some(0)).to_owned());
            }
            let counts = |rows: &mut Rows<Counted>| {
                let file = rows.records.source_mut().get_ref().1;
                (file.read, file.sought)
            };
            let (read, _) = counts(&mut rows);
            let mut at = |index: usize| {
                rows.go_to(places[index]).unwrap();
                let row = rows.next(Texts::default()).unwrap().unwrap();
                assert_eq!(row.cell(Some(0)), wanted[index], "{before:?}");
                assert_eq!(row.byte, places[index]);
                counts(&mut rows)
            };
            for index in [9_999, 0, 5_000] {
                at(index);
            }
            let (after, sought) = at(5_001);
            assert_eq!(sought, 3, "the next row is where the last one ended");
            assert!(after - read <= 3 * 4_096, "{} bytes for three places", after - read);
        }
    }
}
