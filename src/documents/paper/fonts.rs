//! Fonts: which one has a letter, how wide it is, and the part of it that a paper needs.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use ttf_parser::{Face, GlyphId};
use unicode_normalization::UnicodeNormalization;

/// Latin letters of Europe and the Americas, Vietnamese among them, regular and bold.
const REGULAR: &[u8] = include_bytes!("../fonts/NotoSans-Regular-Latin.ttf");
const BOLD: &[u8] = include_bytes!("../fonts/NotoSans-Bold-Latin.ttf");
/// Chinese of GB 2312 and the common traditional letters of Big5, with kana, Greek and Cyrillic.
const CHINESE: &[u8] = include_bytes!("../fonts/NotoSansCJKsc-Regular-Chinese.otf");

/// Read once: all papers of a process share them.
static OWN: LazyLock<Vec<Arc<FontFace>>> = LazyLock::new(|| {
    [REGULAR, BOLD, CHINESE]
        .into_iter()
        .filter_map(|bytes| FontFace::new(Cow::Borrowed(bytes), 0).ok())
        .map(Arc::new)
        .collect()
});

/// Why bytes are no font.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FontFault {
    /// They are no TrueType or OpenType font, or there is no such face among them.
    #[error("the font cannot be read: {0}")]
    Unreadable(String),
    /// The maker does not allow embedding.
    #[error("the font does not allow to be embedded")]
    Restricted,
    /// Only outlines of TrueType and CFF can be embedded.
    #[error("the font has no outlines that PDF knows")]
    NoOutlines,
}

/// The fonts of papers: Noto Sans for Latin, Chinese, Cyrillic and Greek letters and kana, and those
/// that a host adds for the rest. Each letter is printed in the first font that has it.
#[derive(Debug, Clone)]
pub struct Fonts {
    faces: Vec<Arc<FontFace>>,
}

/// One font.
#[derive(Debug)]
pub(super) struct FontFace {
    pub(super) bytes: Cow<'static, [u8]>,
    pub(super) index: u32,
    pub(super) name: String,
    pub(super) postscript_outlines: bool,
    units: f32,
    /// In thousandths of the size.
    pub(super) ascent: f32,
    pub(super) descent: f32,
    pub(super) capital: f32,
    pub(super) bounds: [f32; 4],
}

impl Default for Fonts {
    fn default() -> Self {
        Self { faces: OWN.clone() }
    }
}

impl Fonts {
    /// Adds a font for what the earlier ones do not cover.
    ///
    /// # Errors
    /// [`FontFault`] when it cannot be read or embedded.
    pub fn with_font(self, bytes: impl Into<Vec<u8>>) -> Result<Self, FontFault> {
        self.with_face(bytes, 0)
    }

    /// Adds a face of a collection (`.ttc`).
    ///
    /// # Errors
    /// [`FontFault`] when it cannot be read or embedded.
    pub fn with_face(mut self, bytes: impl Into<Vec<u8>>, face: u32) -> Result<Self, FontFault> {
        self.faces.push(Arc::new(FontFace::new(Cow::Owned(bytes.into()), face)?));
        Ok(self)
    }

    pub(super) fn faces(&self) -> &[Arc<FontFace>] {
        &self.faces
    }

    /// The faces, opened for reading.
    pub(super) fn open(&self) -> OpenFonts<'_> {
        let faces = self
            .faces
            .iter()
            .map(|known| OpenFace { known, face: Face::parse(&known.bytes, known.index).ok() })
            .collect();
        OpenFonts { faces }
    }
}

impl FontFace {
    fn new(bytes: Cow<'static, [u8]>, index: u32) -> Result<Self, FontFault> {
        let face =
            Face::parse(&bytes, index).map_err(|fault| FontFault::Unreadable(fault.to_string()))?;
        if face.permissions() == Some(ttf_parser::Permissions::Restricted)
            || !face.is_subsetting_allowed()
        {
            return Err(FontFault::Restricted);
        }
        let postscript_outlines = face.tables().cff.is_some();
        if !postscript_outlines && face.tables().glyf.is_none() {
            return Err(FontFault::NoOutlines);
        }
        subsetter::subset(&bytes, index, &subsetter::GlyphRemapper::new())
            .map_err(|fault| FontFault::Unreadable(fault.to_string()))?;
        let units = f32::from(face.units_per_em().max(1));
        let scaled = |value: i16| f32::from(value) * 1000.0 / units;
        let bounds = face.global_bounding_box();
        let name = face
            .names()
            .into_iter()
            .filter(|name| name.name_id == ttf_parser::name_id::POST_SCRIPT_NAME)
            .find_map(|name| name.to_string())
            .unwrap_or_else(|| "Font".to_owned());
        // Names in PDF must not need escapes.
        let name = name
            .chars()
            .filter(|letter| letter.is_ascii_alphanumeric() || *letter == '-')
            .collect();
        Ok(Self {
            index,
            name,
            postscript_outlines,
            units,
            ascent: scaled(face.ascender()),
            descent: scaled(face.descender()),
            capital: scaled(face.capital_height().unwrap_or(face.ascender())),
            bounds: [
                scaled(bounds.x_min),
                scaled(bounds.y_min),
                scaled(bounds.x_max),
                scaled(bounds.y_max),
            ],
            bytes,
        })
    }
}

/// A face that is being read.
struct OpenFace<'a> {
    known: &'a FontFace,
    face: Option<Face<'a>>,
}

/// All faces, being read.
pub(super) struct OpenFonts<'a> {
    faces: Vec<OpenFace<'a>>,
}

/// A letter in a font.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Glyph {
    pub(super) face: usize,
    pub(super) id: u16,
    pub(super) letter: char,
    /// To be drawn thicker: it should be bold, and its face is not.
    pub(super) thick: bool,
    /// In thousandths of the size.
    pub(super) advance: f32,
}

impl OpenFonts<'_> {
    /// The glyph of a letter: of the bold face if wanted and there, then of any.
    pub(super) fn glyph(&self, letter: char, bold: bool) -> Option<Glyph> {
        if needs_shaping(letter) {
            return None;
        }
        let order = if bold { [1, 0] } else { [0, 1] };
        order.into_iter().chain(2..self.faces.len()).find_map(|index| {
            let open = self.faces.get(index)?;
            let face = open.face.as_ref()?;
            let id = face.glyph_index(letter).filter(|id| id.0 != 0)?;
            let thick = bold && index != 1;
            Some(Glyph { face: index, id: id.0, letter, thick, advance: open.advance(id) })
        })
    }
}

impl OpenFace<'_> {
    fn advance(&self, id: GlyphId) -> f32 {
        let advance = self.face.as_ref().and_then(|face| face.glyph_hor_advance(id)).unwrap_or(0);
        f32::from(advance) * 1000.0 / self.known.units
    }
}

/// A text as it is printed: composed letters, nothing invisible, line ends kept.
pub(super) fn printable(text: &str) -> String {
    text.nfc()
        .filter_map(|letter| match letter {
            '\n' => Some('\n'),
            '\r' => None,
            // Marks that only steer how other letters are shown.
            '\u{AD}'
            | '\u{200B}'..='\u{200F}'
            | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{2064}'
            | '\u{2066}'..='\u{206F}'
            | '\u{FE00}'..='\u{FE0F}'
            | '\u{FEFF}' => None,
            '\u{A0}' | '\u{2007}' | '\u{202F}' => Some('\u{A0}'),
            other if other.is_whitespace() || other.is_control() => Some(' '),
            other => Some(other),
        })
        .collect()
}

/// Scripts whose letters join, move or run from right to left: printed one by one they would be
/// wrong, which is worse than a number.
fn needs_shaping(letter: char) -> bool {
    matches!(u32::from(letter),
        0x0300..=0x036F
        | 0x0590..=0x109F
        | 0x1700..=0x18AF
        | 0x1900..=0x1CFF
        | 0x1DC0..=0x1DFF
        | 0xA800..=0xABFF
        | 0xFB1D..=0xFDFF
        | 0xFE20..=0xFE2F
        | 0xFE70..=0xFEFC
        | 0x10800..=0x10FFF
        | 0x11000..=0x11FFF
        | 0x1E800..=0x1EFFF)
}

/// Whether a line may break on either side of a letter, as in Chinese and Japanese.
pub(super) fn breaks_anywhere(letter: char) -> bool {
    matches!(u32::from(letter),
        0x2E80..=0x303F | 0x3040..=0x31FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xAC00..=0xD7AF
        | 0xF900..=0xFAFF | 0xFF00..=0xFFEF | 0x20000..=0x3FFFF)
}

/// Letters that must not begin a line.
pub(super) fn clings(letter: char) -> bool {
    matches!(
        letter,
        '，' | '。'
            | '、'
            | '；'
            | '：'
            | '？'
            | '！'
            | '）'
            | '」'
            | '』'
            | '】'
            | '》'
            | '”'
            | '’'
    )
}
