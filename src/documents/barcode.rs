//! Bar codes as shapes: Code 128 and QR.
//!
//! Shapes know no size: papers draw them as vectors, in PDF and as SVG, with the quiet zones that
//! scanners need. Sources: ISO/IEC 15417 (Code 128), ISO/IEC 18004 (QR).
//!
//! ```
//! use orderflow::documents::barcode::Code128;
//!
//! let code = Code128::new("9400111206213859496247")?;
//! // Two digits share a symbol: start, eleven pairs, check symbol and stop.
//! assert_eq!(code.modules(), 11 * 13 + 13);
//! # Ok::<(), orderflow::documents::barcode::BarcodeFault>(())
//! ```

use std::fmt::Write as _;

/// Why a text cannot be a bar code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BarcodeFault {
    /// There is nothing to encode.
    #[error("a bar code needs at least one character")]
    Empty,
    /// Code 128 has only ASCII; QR takes anything.
    #[error("Code 128 cannot hold the character {0:?}")]
    Character(char),
    /// More than scanners read.
    #[error("{length} characters do not fit; the limit is {limit}")]
    TooLong {
        /// Characters or bytes given.
        length: usize,
        /// The most that fit.
        limit: usize,
    },
}

/// The most characters of a Code 128 symbol: wider ones do not fit scanners.
pub const LONGEST_CODE_128: usize = 80;

/// The most bytes of a QR symbol at the correction used here (ISO/IEC 18004, table 7, 40-M).
pub const LONGEST_QR: usize = 2_331;

/// White on each side of a Code 128 symbol, in modules.
pub const CODE_128_QUIET: usize = 10;

/// White around a QR symbol, in modules.
pub const QR_QUIET: usize = 4;

/// Widths of bars and spaces of the symbols 0 to 105; a stop symbol ends the code.
const WIDTHS: [&[u8; 6]; 106] = [
    b"212222", b"222122", b"222221", b"121223", b"121322", b"131222", b"122213", b"122312",
    b"132212", b"221213", b"221312", b"231212", b"112232", b"122132", b"122231", b"113222",
    b"123122", b"123221", b"223211", b"221132", b"221231", b"213212", b"223112", b"312131",
    b"311222", b"321122", b"321221", b"312212", b"322112", b"322211", b"212123", b"212321",
    b"232121", b"111323", b"131123", b"131321", b"112313", b"132113", b"132311", b"211313",
    b"231113", b"231311", b"112133", b"112331", b"132131", b"113123", b"113321", b"133121",
    b"313121", b"211331", b"231131", b"213113", b"213311", b"213131", b"311123", b"311321",
    b"331121", b"312113", b"312311", b"332111", b"314111", b"221411", b"431111", b"111224",
    b"111422", b"121124", b"121421", b"141122", b"141221", b"112214", b"112412", b"122114",
    b"122411", b"142112", b"142211", b"241211", b"221114", b"413111", b"241112", b"134111",
    b"111242", b"121142", b"121241", b"114212", b"124112", b"124211", b"411212", b"421112",
    b"421211", b"212141", b"214121", b"412121", b"111143", b"111341", b"131141", b"114113",
    b"114311", b"411113", b"411311", b"113141", b"114131", b"311141", b"411131", b"211412",
    b"211214", b"211232",
];

const STOP: &[u8; 7] = b"2331112";

const SET_C: u8 = 99;
const SET_B: u8 = 100;
const SET_A: u8 = 101;
const START_A: u8 = 103;
const START_B: u8 = 104;
const START_C: u8 = 105;

/// The character sets of Code 128.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Set {
    /// Capitals and control characters.
    A,
    /// Capitals and small letters.
    B,
    /// Pairs of digits.
    C,
}

/// A Code 128 symbol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code128 {
    text: String,
    /// Widths in modules, bar and space in turn, beginning and ending with a bar.
    widths: Vec<u8>,
}

impl Code128 {
    /// Encodes ASCII, digits in pairs where that is shorter.
    ///
    /// # Errors
    /// [`BarcodeFault`] for an empty text, one beyond ASCII, or one over [`LONGEST_CODE_128`].
    pub fn new(text: &str) -> Result<Self, BarcodeFault> {
        if text.is_empty() {
            return Err(BarcodeFault::Empty);
        }
        if let Some(other) = text.chars().find(|letter| !letter.is_ascii()) {
            return Err(BarcodeFault::Character(other));
        }
        if text.len() > LONGEST_CODE_128 {
            return Err(BarcodeFault::TooLong { length: text.len(), limit: LONGEST_CODE_128 });
        }
        let symbols = symbols(text.as_bytes());
        let check = symbols
            .iter()
            .zip(std::iter::once(1_u32).chain(1..))
            .fold(0_u32, |sum, (symbol, weight)| (sum + u32::from(*symbol) * weight) % 103);
        let check = u8::try_from(check).unwrap_or(0);
        let mut widths = Vec::with_capacity((symbols.len() + 2) * 6 + 1);
        for symbol in symbols.iter().chain([&check]) {
            if let Some(row) = WIDTHS.get(usize::from(*symbol)) {
                widths.extend(row.iter().map(|digit| digit - b'0'));
            }
        }
        widths.extend(STOP.iter().map(|digit| digit - b'0'));
        Ok(Self { text: text.to_owned(), widths })
    }

    /// What it says.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its width in modules, without quiet zones.
    #[must_use]
    pub fn modules(&self) -> usize {
        self.widths.iter().map(|width| usize::from(*width)).sum()
    }

    /// Its bars from left to right: where each begins and how wide it is, in modules.
    pub fn bars(&self) -> impl Iterator<Item = (usize, usize)> {
        let mut at = 0;
        self.widths.iter().enumerate().filter_map(move |(index, width)| {
            let (start, width) = (at, usize::from(*width));
            at += width;
            (index % 2 == 0).then_some((start, width))
        })
    }

    /// An SVG picture with quiet zones, `height` modules high.
    #[must_use]
    pub fn svg(&self, height: usize) -> String {
        let width = self.modules() + 2 * CODE_128_QUIET;
        let mut path = String::new();
        for (start, wide) in self.bars() {
            let _ = write!(path, "M{} 0h{wide}v{height}h-{wide}z", start + CODE_128_QUIET);
        }
        svg(width, height, &path)
    }
}

/// The symbols of a text, start symbol first, without the check symbol.
fn symbols(text: &[u8]) -> Vec<u8> {
    let mut symbols = Vec::with_capacity(text.len() + 2);
    let mut set: Option<Set> = None;
    let mut rest = text;
    while let Some((&letter, after)) = rest.split_first() {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        // Four digits pay for changing at an end, six in the middle; a pair costs no change at all
        // once pairs are on.
        let whole = digits == rest.len();
        let pairs_pay = match set {
            Some(Set::C) => digits >= 2,
            None => digits >= 4 || (whole && digits == 2),
            Some(_) => digits >= 6 || (whole && digits >= 4),
        };
        // Of an odd number, the first goes before the change.
        let odd_first = digits % 2 == 1 && set.is_some_and(|set| set != Set::C);
        let wanted = if pairs_pay && !odd_first {
            Set::C
        } else if letter < 32 {
            Set::A
        } else if letter >= 96 {
            Set::B
        } else {
            // Both have it: stay, or look which the next special letter needs.
            match set {
                Some(Set::A) => Set::A,
                Some(Set::B) => Set::B,
                _ => match rest.iter().find(|byte| **byte < 32 || **byte >= 96) {
                    Some(byte) if *byte < 32 => Set::A,
                    _ => Set::B,
                },
            }
        };
        if set != Some(wanted) {
            symbols.push(match (set, wanted) {
                (None, Set::A) => START_A,
                (None, Set::B) => START_B,
                (None, Set::C) => START_C,
                (Some(_), Set::A) => SET_A,
                (Some(_), Set::B) => SET_B,
                (Some(_), Set::C) => SET_C,
            });
            set = Some(wanted);
        }
        match wanted {
            Set::C => {
                let (pair, others) = rest.split_at(2.min(rest.len()));
                symbols.push(pair.iter().fold(0, |sum, digit| sum * 10 + (digit - b'0')));
                rest = others;
            }
            Set::A => {
                symbols.push(if letter < 32 { letter + 64 } else { letter - 32 });
                rest = after;
            }
            Set::B => {
                symbols.push(letter - 32);
                rest = after;
            }
        }
    }
    symbols
}

/// A QR symbol that stands a 15 % loss (level M).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Qr {
    side: usize,
    cells: Vec<bool>,
}

impl Qr {
    /// Encodes a text as UTF-8.
    ///
    /// # Errors
    /// [`BarcodeFault`] for an empty text or one over [`LONGEST_QR`] bytes.
    pub fn new(text: &str) -> Result<Self, BarcodeFault> {
        if text.is_empty() {
            return Err(BarcodeFault::Empty);
        }
        let too_long = BarcodeFault::TooLong { length: text.len(), limit: LONGEST_QR };
        let code = qrcode::QrCode::new(text.as_bytes()).map_err(|_| too_long)?;
        let side = code.width();
        let cells =
            code.into_colors().into_iter().map(|colour| colour == qrcode::Color::Dark).collect();
        Ok(Self { side, cells })
    }

    /// Modules of a side, without the quiet zone.
    #[must_use]
    pub const fn side(&self) -> usize {
        self.side
    }

    /// Runs of dark modules: column, row and length.
    pub fn runs(&self) -> impl Iterator<Item = (usize, usize, usize)> {
        self.cells.chunks(self.side.max(1)).enumerate().flat_map(|(row, cells)| {
            let mut at = 0;
            cells.chunk_by(|one, other| one == other).filter_map(move |run| {
                let start = at;
                at += run.len();
                run.first().copied().unwrap_or(false).then_some((start, row, run.len()))
            })
        })
    }

    /// An SVG picture with its quiet zone.
    #[must_use]
    pub fn svg(&self) -> String {
        let side = self.side + 2 * QR_QUIET;
        let mut path = String::new();
        for (column, row, length) in self.runs() {
            let (x, y) = (column + QR_QUIET, row + QR_QUIET);
            let _ = write!(path, "M{x} {y}h{length}v1h-{length}z");
        }
        svg(side, side, &path)
    }
}

fn svg(width: usize, height: usize, path: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h{width}v{height}H0z\"/>\
         <path d=\"{path}\"/></svg>"
    )
}
