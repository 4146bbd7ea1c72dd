//! From blocks to pages: where every letter, line and bar lies.

use std::collections::BTreeMap;

use super::fonts::{Fonts, Glyph, OpenFonts, breaks_anywhere, clings, printable};
use super::{Block, Cell, Paper, Table};
use crate::documents::barcode::{CODE_128_QUIET, Code128, QR_QUIET, Qr};

/// Something on a page, in points from its lower left corner.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Mark {
    Text {
        x: f32,
        y: f32,
        size: f32,
        glyphs: Vec<Glyph>,
    },
    /// Filled, from black 0 to white 1.
    Fill {
        x: f32,
        y: f32,
        width: f32,
        height: f32,
        grey: f32,
    },
    /// An outline of half a point.
    Outline {
        x: f32,
        y: f32,
        side: f32,
    },
}

/// A page.
pub(super) type PageMarks = Vec<Mark>;

/// What a paper became.
#[derive(Debug)]
pub(super) struct LaidOut {
    pub(super) pages: Vec<PageMarks>,
    pub(super) uncovered: BTreeMap<char, usize>,
    /// Points.
    pub(super) width: f32,
    pub(super) height: f32,
}

/// A line of letters and its width in thousandths of the size.
#[derive(Debug, Clone, Default, PartialEq)]
struct Line {
    glyphs: Vec<Glyph>,
    width: f32,
}

/// One and a half inches.
const SMALLEST_SIDE: f32 = 108.0;
const BODY: f32 = 9.5;
const SMALL: f32 = 7.5;
const HEADING: f32 = 12.0;
const TITLE: f32 = 17.0;
const LEADING: f32 = 1.28;
const PADDING: f32 = 2.0;
/// The narrowest bar of a Code 128 symbol: 0.25 mm, two dots of a printer of 203 dots per inch.
const NARROWEST_BAR: f32 = 0.71;
/// Room for what stands below a line to write on.
const LINE_WIDTH: f32 = 72.0;

fn points(thousandths: u32) -> f32 {
    // Sizes of paper are far below what f32 holds exactly.
    (f64::from(thousandths) * 0.072) as f32
}

/// The size of a page and its margin.
fn sheet(paper: &Paper) -> (f32, f32, f32) {
    // Smaller sheets hold no word, and a page per letter helps nobody.
    let side = |thousandths: u32| points(thousandths).max(SMALLEST_SIDE);
    let (width, height) = (side(paper.size.width), side(paper.size.height));
    let margin = if width.min(height) < 400.0 { 14.0 } else { 36.0 };
    (width, height, margin)
}

/// The QR symbol for a bar code whose bars would be too narrow to be read on this paper.
pub(super) fn qr_instead(code: &Code128, paper: &Paper) -> Option<Qr> {
    let (width, _, margin) = sheet(paper);
    qr_for_width(code, width - 2.0 * margin)
}

fn qr_for_width(code: &Code128, width: f32) -> Option<Qr> {
    let modules = (code.modules() + 2 * CODE_128_QUIET) as f32;
    (width / modules < NARROWEST_BAR).then(|| Qr::new(code.text()).ok()).flatten()
}

struct Press<'a> {
    fonts: OpenFonts<'a>,
    done: LaidOut,
    page: PageMarks,
    margin: f32,
    /// Where the next thing goes: its upper edge.
    y: f32,
}

/// Lays out a paper.
pub(super) fn lay_out(paper: &Paper, fonts: &Fonts) -> LaidOut {
    let (width, height, margin) = sheet(paper);
    let mut press = Press {
        fonts: fonts.open(),
        done: LaidOut { pages: Vec::new(), uncovered: BTreeMap::new(), width, height },
        page: Vec::new(),
        margin,
        y: height - margin,
    };
    press.paragraph(&paper.title, TITLE, true);
    press.y -= 4.0;
    for (index, block) in paper.blocks.iter().enumerate() {
        press.block(block, paper.blocks.get(index.saturating_add(1)));
    }
    press.close_page();
    press.footers(paper);
    press.done
}

impl Press<'_> {
    fn inner_width(&self) -> f32 {
        (self.done.width - 2.0 * self.margin).max(20.0)
    }

    /// The lowest place for content: above the footer.
    fn floor(&self) -> f32 {
        self.margin + SMALL * 2.0
    }

    fn top(&self) -> f32 {
        self.done.height - self.margin
    }

    /// What a page has room for.
    fn body(&self) -> f32 {
        self.top() - self.floor()
    }

    fn close_page(&mut self) {
        self.done.pages.push(std::mem::take(&mut self.page));
        self.y = self.top();
    }

    /// Begins a new page unless so much room is left, or the page is new.
    fn need(&mut self, height: f32) -> bool {
        let turn = self.y - height < self.floor() && self.y < self.top() - 0.01;
        if turn {
            self.close_page();
        }
        turn
    }

    fn block(&mut self, block: &Block, next: Option<&Block>) {
        match block {
            Block::Heading(text) => {
                // A heading alone at the foot of a page belongs to nothing.
                let beside = if matches!(next, Some(Block::Table(_))) { 60.0 } else { 30.0 };
                self.need(HEADING * LEADING + beside);
                self.y -= 6.0;
                self.paragraph(text, HEADING, true);
                self.y -= 2.0;
            }
            Block::Text(text) => {
                self.paragraph(text, BODY, false);
                self.y -= 4.0;
            }
            Block::Strong(text) => {
                self.paragraph(text, BODY + 1.5, true);
                self.y -= 4.0;
            }
            Block::Fields(fields) => self.fields(fields),
            Block::Table(table) => self.table(table),
            Block::Code128(code) => self.code_128(code),
            Block::Qr(code) => self.qr(code),
            Block::Lines(lines) => self.lines(lines),
            Block::NewPage => {
                if self.y < self.top() - 0.01 {
                    self.close_page();
                }
            }
        }
    }

    /// The glyphs of a text; what no font has becomes its number and is noted.
    fn glyphs(&mut self, text: &str, bold: bool) -> Vec<Glyph> {
        let mut glyphs = Vec::with_capacity(text.len());
        for letter in text.chars() {
            let as_space = if letter == '\u{A0}' { ' ' } else { letter };
            match self.fonts.glyph(as_space, bold) {
                Some(glyph) => glyphs.push(Glyph { letter, ..glyph }),
                None => {
                    let count = self.done.uncovered.entry(letter).or_insert(0);
                    *count = count.saturating_add(1);
                    let number = format!("[U+{:04X}]", u32::from(letter));
                    glyphs.extend(number.chars().filter_map(|sign| self.fonts.glyph(sign, bold)));
                }
            }
        }
        glyphs
    }

    /// Breaks a text into lines no wider than `width` points.
    fn wrap(&mut self, text: &str, size: f32, bold: bool, width: f32) -> Vec<Line> {
        let room = width * 1000.0 / size;
        let mut lines = Vec::new();
        for part in printable(text).split('\n') {
            let glyphs = self.glyphs(part, bold);
            wrap_glyphs(&glyphs, room, &mut lines);
        }
        lines
    }

    fn put(&mut self, line: &Line, x: f32, baseline: f32, size: f32) {
        if !line.glyphs.is_empty() {
            self.page.push(Mark::Text { x, y: baseline, size, glyphs: line.glyphs.clone() });
        }
    }

    fn paragraph(&mut self, text: &str, size: f32, bold: bool) {
        let lines = self.wrap(text, size, bold, self.inner_width());
        self.flow(&lines, size);
    }

    /// Lines below each other, over as many pages as they need.
    fn flow(&mut self, lines: &[Line], size: f32) {
        for line in lines {
            self.need(size * LEADING);
            self.y -= size * LEADING;
            self.put(line, self.margin, self.y + size * 0.28, size);
        }
    }

    /// Names above values, in as many columns as the page has room for.
    fn fields(&mut self, fields: &[(String, String)]) {
        let across = match fields.len() {
            // A number of 22 digits on a label needs all of it.
            1 => 1_u8,
            _ if self.inner_width() < 400.0 => 2,
            4 => 4,
            5 => 5,
            _ => 3,
        };
        let width = self.inner_width() / f32::from(across);
        for row in fields.chunks(usize::from(across)) {
            let cells: Vec<(Vec<Line>, Vec<Line>)> = row
                .iter()
                .map(|(name, value)| {
                    (
                        self.wrap(name, SMALL, false, width - 6.0),
                        self.wrap(value, BODY + 0.5, true, width - 6.0),
                    )
                })
                .collect();
            let height = cells
                .iter()
                .map(|(names, values)| tall(names, SMALL) + tall(values, BODY + 0.5))
                .fold(0.0, f32::max);
            // What is higher than a page runs over pages, a field after the other.
            if height > self.body() {
                for (names, values) in &cells {
                    self.flow(names, SMALL);
                    self.flow(values, BODY + 0.5);
                }
                self.y -= 4.0;
                continue;
            }
            self.need(height);
            let top = self.y;
            for ((names, values), column) in cells.iter().zip(0_u8..) {
                let x = self.margin + f32::from(column) * width;
                let mut y = top;
                for (lines, size) in [(names, SMALL), (values, BODY + 0.5)] {
                    for line in lines {
                        y -= size * LEADING;
                        self.put(line, x, y + size * 0.28, size);
                    }
                }
            }
            self.y = top - height - 4.0;
        }
        self.y -= 2.0;
    }

    fn table(&mut self, table: &Table) {
        let total: u32 = table.columns.iter().map(|column| column.share).sum();
        let widths: Vec<f32> = table
            .columns
            .iter()
            .map(|column| self.inner_width() * column.share as f32 / total.max(1) as f32)
            .collect();
        // A header that fills the page leaves no room for a row.
        let most = ((self.body() / 3.0 - 2.0 * PADDING) / (SMALL * LEADING)).max(1.0) as usize;
        let heads: Vec<Vec<Line>> = table
            .columns
            .iter()
            .zip(&widths)
            .map(|(column, width)| {
                let mut lines = self.wrap(&column.title, SMALL, true, width - 2.0 * PADDING);
                lines.truncate(most);
                lines
            })
            .collect();
        // A header alone at the foot of a page belongs to nothing.
        self.need(head_height(&heads) + (BODY + 1.0) * LEADING + 2.0 * PADDING);
        self.table_head(&heads, &widths);
        for row in &table.rows {
            self.row(row, &heads, &widths);
        }
        self.y -= 6.0;
    }

    fn table_head(&mut self, heads: &[Vec<Line>], widths: &[f32]) {
        let height = head_height(heads);
        let top = self.y;
        let (x, width) = (self.margin, self.inner_width());
        self.page.push(Mark::Fill { x, y: top - height, width, height, grey: 0.88 });
        let mut x = self.margin;
        for (lines, width) in heads.iter().zip(widths) {
            let mut y = top - PADDING;
            for line in lines {
                y -= SMALL * LEADING;
                self.put(line, x + PADDING, y + SMALL * 0.28, SMALL);
            }
            x += width;
        }
        self.y = top - height;
    }

    fn row(&mut self, row: &[Cell], heads: &[Vec<Line>], widths: &[f32]) {
        let cells: Vec<(Vec<Line>, f32)> = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| match cell {
                Cell::Text(text) => (self.wrap(text, BODY, false, width - 2.0 * PADDING), BODY),
                Cell::Strong(text) => {
                    (self.wrap(text, BODY + 1.0, true, width - 2.0 * PADDING), BODY + 1.0)
                }
                Cell::Tick => (vec![Line::default()], BODY),
            })
            .collect();
        let mut first = 0;
        let most = cells.iter().map(|(lines, _)| lines.len()).max().unwrap_or(0).max(1);
        while first < most {
            let pitch = (BODY + 1.0) * LEADING;
            let whole = (most - first) as f32 * pitch + 2.0 * PADDING;
            let page = self.body() - 40.0;
            // A row goes to the next page as a whole, unless it is longer than a page.
            if self.need(whole.min(page.max(pitch * 2.0))) {
                self.table_head(heads, widths);
            }
            let room = (self.y - self.floor() - 2.0 * PADDING) / pitch;
            let fitting = (room.max(1.0) as usize).min(most - first);
            let height = fitting as f32 * pitch + 2.0 * PADDING;
            let top = self.y;
            let mut x = self.margin;
            for (((lines, size), width), cell) in cells.iter().zip(widths).zip(row) {
                if *cell == Cell::Tick && first == 0 {
                    let side = 9.0;
                    self.page.push(Mark::Outline {
                        x: x + PADDING,
                        y: top - PADDING - side - 1.0,
                        side,
                    });
                }
                let mut y = top - PADDING;
                for line in lines.iter().skip(first).take(fitting) {
                    y -= pitch;
                    self.put(line, x + PADDING, y + size * 0.32, *size);
                }
                x += width;
            }
            self.y = top - height;
            let (x, width) = (self.margin, self.inner_width());
            self.page.push(Mark::Fill { x, y: self.y, width, height: 0.5, grey: 0.55 });
            first += fitting;
        }
    }

    /// A bar code as wide as the page allows, up to modules of 0.38 mm, with its text below.
    fn code_128(&mut self, code: &Code128) {
        let modules = (code.modules() + 2 * CODE_128_QUIET) as f32;
        let module = (self.inner_width() / modules).min(1.08);
        let height = 40.0;
        let mut lines = self.wrap(code.text(), BODY, false, self.inner_width());
        if let Some(qr) = qr_for_width(code, self.inner_width()) {
            self.qr(&qr);
            self.flow(&lines, BODY);
            self.y -= 6.0;
            return;
        }
        let room = self.body() - height - 8.0;
        lines.truncate((room / (BODY * LEADING)).max(0.0) as usize);
        self.need(height + tall(&lines, BODY) + 8.0);
        let bottom = self.y - height;
        let left = self.margin + CODE_128_QUIET as f32 * module;
        for (start, width) in code.bars() {
            self.page.push(Mark::Fill {
                x: left + start as f32 * module,
                y: bottom,
                width: width as f32 * module,
                height,
                grey: 0.0,
            });
        }
        self.y = bottom - 2.0;
        for line in &lines {
            self.y -= BODY * LEADING;
            self.put(line, left, self.y + BODY * 0.28, BODY);
        }
        self.y -= 6.0;
    }

    fn qr(&mut self, code: &Qr) {
        let modules = (code.side() + 2 * QR_QUIET) as f32;
        let module = (self.inner_width().min(self.body()) / modules).min(2.2);
        let side = code.side() as f32 * module;
        let quiet = QR_QUIET as f32 * module;
        self.need(side + 2.0 * quiet);
        let top = self.y - quiet;
        let left = self.margin + quiet;
        for (column, row, length) in code.runs() {
            self.page.push(Mark::Fill {
                x: left + column as f32 * module,
                y: top - (row + 1) as f32 * module,
                width: length as f32 * module,
                height: module,
                grey: 0.0,
            });
        }
        self.y = top - side - quiet;
    }

    /// Lines to write on, beside each other.
    fn lines(&mut self, lines: &[String]) {
        let (gap, room_to_write) = (18.0, 34.0);
        let across = (self.inner_width() / LINE_WIDTH).max(1.0) as usize;
        let most = ((self.body() - room_to_write - 1.0) / (SMALL * LEADING)).max(0.0) as usize;
        for row in lines.chunks(across) {
            let width = self.inner_width() / row.len().max(1) as f32;
            let names: Vec<Vec<Line>> = row
                .iter()
                .map(|name| {
                    let mut lines = self.wrap(name, SMALL, false, width - gap);
                    lines.truncate(most);
                    lines
                })
                .collect();
            let below = names.iter().map(|lines| tall(lines, SMALL)).fold(0.0, f32::max) + 1.0;
            self.need(room_to_write + below);
            self.y -= room_to_write;
            let top = self.y;
            for (index, lines) in names.iter().enumerate() {
                let x = self.margin + index as f32 * width;
                let long = width - gap;
                self.page.push(Mark::Fill { x, y: top, width: long, height: 0.7, grey: 0.0 });
                let mut y = top - 1.0;
                for line in lines {
                    y -= SMALL * LEADING;
                    self.put(line, x, y + SMALL * 0.28, SMALL);
                }
            }
            self.y = top - below - 6.0;
        }
    }

    fn footers(&mut self, paper: &Paper) {
        let count = self.done.pages.len();
        let (page_word, of) = &paper.page_words;
        // The widest number is that of the last page; the title takes what is left.
        let widest =
            self.wrap(&format!("{page_word} {count} {of} {count}"), SMALL, false, f32::MAX);
        let widest = widest.first().map_or(0.0, |line| line.width * SMALL / 1000.0);
        let left = match &paper.reference {
            Some(reference) => &format!("{} · {reference}", paper.title),
            None => &paper.title,
        };
        let left = self.wrap(left, SMALL, false, self.inner_width() - widest - 8.0);
        let left = left.into_iter().next().unwrap_or_default();
        let (y, margin, edge) = (self.margin, self.margin, self.done.width - self.margin);
        for index in 0..count {
            let number = format!("{page_word} {} {of} {count}", index + 1);
            let right = self.wrap(&number, SMALL, false, self.inner_width()).into_iter().next();
            let right = right.unwrap_or_default();
            let x = edge - right.width * SMALL / 1000.0;
            if let Some(page) = self.done.pages.get_mut(index) {
                for (line, x) in [(&left, margin), (&right, x)] {
                    let glyphs = line.glyphs.clone();
                    page.push(Mark::Text { x, y, size: SMALL, glyphs });
                }
            }
        }
    }
}

fn head_height(heads: &[Vec<Line>]) -> f32 {
    heads.iter().map(|lines| tall(lines, SMALL)).fold(0.0, f32::max) + 2.0 * PADDING
}

fn tall(lines: &[Line], size: f32) -> f32 {
    lines.len() as f32 * size * LEADING
}

/// Breaks after spaces and hyphens, around Chinese letters, and inside words longer than a line.
fn wrap_glyphs(glyphs: &[Glyph], room: f32, lines: &mut Vec<Line>) {
    let mut rest = glyphs;
    loop {
        let mut width = 0.0;
        let mut good = None;
        let mut fitting = rest.len();
        for (index, glyph) in rest.iter().enumerate() {
            if width + glyph.advance > room && glyph.letter != ' ' && index > 0 {
                fitting = index;
                break;
            }
            width += glyph.advance;
            let next = rest.get(index + 1).map(|next| next.letter);
            // Numbers stay whole: A-12, WEB-1045, 1,200.
            let breakable = match glyph.letter {
                ' ' | ';' => true,
                '-' | '/' | ',' => !next.is_some_and(|next| next.is_ascii_digit()),
                _ => false,
            } || breaks_anywhere(glyph.letter)
                || next.is_some_and(breaks_anywhere);
            if breakable && !next.is_some_and(clings) {
                good = Some(index + 1);
            }
        }
        let cut = if fitting == rest.len() { fitting } else { good.unwrap_or(fitting) };
        let (line, after) = rest.split_at(cut.min(rest.len()));
        let end = line.iter().rposition(|glyph| glyph.letter != ' ').map_or(0, |at| at + 1);
        let line = line.get(..end).unwrap_or_default();
        lines.push(Line {
            glyphs: line.to_vec(),
            width: line.iter().map(|glyph| glyph.advance).sum(),
        });
        if after.is_empty() {
            return;
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::documents::merge::PageSize;

    /// Every mark of every page, as left, bottom, right and top.
    fn marks(laid_out: &LaidOut) -> Vec<[f32; 4]> {
        let edges = |mark: &Mark| match mark {
            Mark::Text { x, y, size, glyphs } => {
                let long = glyphs.iter().map(|glyph| glyph.advance).sum::<f32>() * size / 1000.0;
                [*x, *y, x + long, y + size]
            }
            Mark::Fill { x, y, width, height, .. } => [*x, *y, x + width, y + height],
            Mark::Outline { x, y, side } => [*x, *y, x + side, y + side],
        };
        laid_out.pages.iter().flatten().map(edges).collect()
    }

    fn assert_inside(paper: &Paper) {
        let laid_out = lay_out(paper, &Fonts::default());
        for [left, bottom, right, top] in marks(&laid_out) {
            let inside = left >= 0.0
                && bottom >= 0.0
                && right <= laid_out.width + 0.1
                && top <= laid_out.height + 0.1;
            assert!(inside, "{left} {bottom} {right} {top} on {paper:?} {:?}", paper.size);
        }
    }

    /// A paper with every kind of block.
    fn paper_of(text: &str, size: PageSize) -> Paper {
        let mut table = Table::new().with_column(text, 1).with_column("x", 9);
        table.push(vec![Cell::from(text), Cell::Strong(text.to_owned())]);
        table.push(vec![Cell::Tick, Cell::from(text)]);
        let field = (text.to_owned(), text.to_owned());
        let mut paper = Paper::new(text)
            .with_size(size)
            .with_reference(text)
            .with(Block::Heading(text.to_owned()))
            .with(Block::text(text))
            .with(Block::Fields(vec![field.clone()]))
            .with(Block::Fields(vec![field; 5]))
            .with(Block::Table(table))
            .with(Block::Lines(vec![text.to_owned(); 5]));
        paper.blocks.extend(Code128::new("WEB-1045").ok().map(Block::Code128));
        paper.blocks.extend(Code128::new(&"x".repeat(80)).ok().map(Block::Code128));
        paper.blocks.extend(Qr::new(&"x".repeat(900)).ok().map(Block::Qr));
        paper
    }

    #[test]
    fn ten_thousand_lines_and_endless_words_stay_on_their_pages() {
        assert_inside(&paper_of(&"line\n".repeat(10_000), PageSize::LABEL));
        let lines = "line\n".repeat(200);
        let word = "W".repeat(2_000);
        let hostile = "\u{202E}\u{7}\u{0}\r\t\u{FFFD}\u{1F600}".repeat(50);
        let smallest = PageSize { width: 0, height: 0 };
        let flat = PageSize { width: 9_000, height: 1_500 };
        for text in [lines.as_str(), &word, &hostile, ""] {
            for size in [PageSize::LABEL, PageSize::A4, smallest, flat] {
                assert_inside(&paper_of(text, size));
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn whatever_is_written_stays_on_its_page(
            text in "[ -~\n\u{e0}-\u{ff}\u{4e00}-\u{4eff}\u{202a}-\u{202e}]{0,400}",
            width in 0_u32..9_000,
            height in 0_u32..12_000,
        ) {
            assert_inside(&paper_of(&text, PageSize { width, height }));
        }
    }
}
