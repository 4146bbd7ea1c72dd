//! Pages as PDF: fonts as subsets, text that can be searched, shapes as vectors.
//!
//! Source: ISO 32000-1, sections 9.7 (composite fonts) and 9.10 (text extraction).

use std::collections::BTreeMap;

use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, TextRenderingMode, UnicodeCmap};
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref, Str, TextStr};
use subsetter::GlyphRemapper;

use super::fonts::{FontFace, Fonts, Glyph};
use super::layout::{LaidOut, Mark};

const IDENTITY: SystemInfo<'static> =
    SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };

/// The line around letters of a face that has no bold one, by the size of the text.
const THICKER: f32 = 0.03;

/// A face as far as a paper uses it.
#[derive(Default)]
struct Used {
    glyphs: GlyphRemapper,
    /// New number to letter and width.
    letters: BTreeMap<u16, (char, f32)>,
}

/// Numbers of objects, given one after the other.
struct Numbers(i32);

impl Numbers {
    fn next(&mut self) -> Ref {
        self.0 = self.0.saturating_add(1);
        Ref::new(self.0)
    }
}

/// Writes papers into one file: each face once, with the letters that any of them uses.
pub(super) fn pdf(title: &str, language: &str, fonts: &Fonts, papers: &[LaidOut]) -> Vec<u8> {
    let mut pdf = Pdf::new();
    let mut numbers = Numbers(0);
    let (catalogue, tree, information) = (numbers.next(), numbers.next(), numbers.next());
    pdf.catalog(catalogue).pages(tree).lang(TextStr(language));
    pdf.document_info(information).title(TextStr(title));
    let mut used: Vec<Used> = fonts.faces().iter().map(|_| Used::default()).collect();
    let contents: Vec<(&LaidOut, Vec<u8>)> = papers
        .iter()
        .flat_map(|paper| paper.pages.iter().map(move |page| (paper, page)))
        .map(|(paper, page)| (paper, content(page, &mut used)))
        .collect();
    let faces: Vec<(String, Ref)> = used
        .iter()
        .zip(fonts.faces())
        .enumerate()
        .filter(|(_, (used, _))| !used.letters.is_empty())
        .map(|(index, (used, face))| {
            (font_name(index), write_font(&mut pdf, &mut numbers, face, used))
        })
        .collect();
    let pages: Vec<(Ref, Ref)> =
        contents.iter().map(|_| (numbers.next(), numbers.next())).collect();
    pdf.pages(tree)
        .kids(pages.iter().map(|(page, _)| *page))
        .count(i32::try_from(pages.len()).unwrap_or(i32::MAX));
    for ((number, stream), (paper, content)) in pages.iter().zip(contents) {
        let mut page = pdf.page(*number);
        page.parent(tree).media_box(Rect::new(0.0, 0.0, paper.width, paper.height));
        page.contents(*stream);
        let mut resources = page.resources();
        let mut fonts = resources.fonts();
        for (name, font) in &faces {
            fonts.pair(Name(name.as_bytes()), *font);
        }
        fonts.finish();
        resources.finish();
        page.finish();
        pdf.stream(*stream, &deflate(&content)).filter(Filter::FlateDecode);
    }
    pdf.finish()
}

fn font_name(index: usize) -> String {
    format!("F{index}")
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    // Writing into memory cannot fail.
    let _ = packed.write_all(bytes);
    packed.finish().unwrap_or_default()
}

fn content(page: &[Mark], used: &mut [Used]) -> Vec<u8> {
    let mut content = Content::new();
    let mut grey_now = 0.0;
    for mark in page {
        let wanted = if let Mark::Fill { grey, .. } = mark { *grey } else { 0.0 };
        if (wanted - grey_now).abs() > f32::EPSILON {
            content.set_fill_gray(wanted);
            grey_now = wanted;
        }
        match mark {
            Mark::Fill { x, y, width, height, .. } => {
                content.rect(*x, *y, *width, *height).fill_nonzero();
            }
            Mark::Outline { x, y, side } => {
                content.set_line_width(0.8).rect(*x, *y, *side, *side).stroke();
            }
            Mark::Text { x, y, size, glyphs } => {
                let mut x = *x;
                for run in
                    glyphs.chunk_by(|one, other| (one.face, one.thick) == (other.face, other.thick))
                {
                    write_run(&mut content, run, x, *y, *size, used);
                    x += run.iter().map(|glyph| glyph.advance).sum::<f32>() * size / 1000.0;
                }
            }
        }
    }
    content.finish().into_vec()
}

/// Letters of one face in a row.
fn write_run(content: &mut Content, run: &[Glyph], x: f32, y: f32, size: f32, used: &mut [Used]) {
    let Some(&Glyph { face, thick, .. }) = run.first() else { return };
    let Some(used) = used.get_mut(face) else { return };
    let mut codes = Vec::with_capacity(run.len().saturating_mul(2));
    for glyph in run {
        let id = used.glyphs.remap(glyph.id);
        used.letters.entry(id).or_insert((glyph.letter, glyph.advance));
        codes.extend_from_slice(&id.to_be_bytes());
    }
    content.begin_text();
    content.set_font(Name(font_name(face).as_bytes()), size);
    if thick {
        content.set_text_rendering_mode(TextRenderingMode::FillStroke);
        content.set_line_width(size * THICKER);
    }
    content.next_line(x, y);
    content.show(Str(&codes));
    if thick {
        content.set_text_rendering_mode(TextRenderingMode::Fill);
    }
    content.end_text();
}

fn write_font(pdf: &mut Pdf, numbers: &mut Numbers, face: &FontFace, used: &Used) -> Ref {
    let (font, descendant, descriptor, map, file) =
        (numbers.next(), numbers.next(), numbers.next(), numbers.next(), numbers.next());
    // Six letters before the name say that it is a subset.
    let name = format!("ORDERF+{}", face.name);
    let name = Name(name.as_bytes());
    pdf.type0_font(font)
        .base_font(name)
        .encoding_predefined(Name(b"Identity-H"))
        .descendant_font(descendant)
        .to_unicode(map);
    let kind = if face.postscript_outlines { CidFontType::Type0 } else { CidFontType::Type2 };
    let mut cid = pdf.cid_font(descendant);
    cid.subtype(kind).base_font(name).system_info(IDENTITY).font_descriptor(descriptor);
    if !face.postscript_outlines {
        cid.cid_to_gid_map_predefined(Name(b"Identity"));
    }
    cid.default_width(0.0);
    let mut widths = cid.widths();
    for (id, (_, width)) in &used.letters {
        widths.consecutive(*id, [*width]);
    }
    widths.finish();
    cid.finish();
    let [left, bottom, right, top] = face.bounds;
    let mut description = pdf.font_descriptor(descriptor);
    description
        .name(name)
        .flags(FontFlags::SYMBOLIC)
        .bbox(Rect::new(left, bottom, right, top))
        .italic_angle(0.0)
        .ascent(face.ascent)
        .descent(face.descent)
        .cap_height(face.capital)
        .stem_v(80.0);
    if face.postscript_outlines {
        description.font_file3(file);
    } else {
        description.font_file2(file);
    }
    description.finish();
    let mut letters = UnicodeCmap::new(Name(b"Custom"), IDENTITY);
    for (id, (letter, _)) in &used.letters {
        letters.pair(*id, *letter);
    }
    pdf.cmap(map, &letters.finish());
    // Adding the font tried whether it can be cut.
    let subset = subsetter::subset(&face.bytes, face.index, &used.glyphs).unwrap_or_default();
    let outlines = if face.postscript_outlines {
        ttf_parser::RawFace::parse(&subset, 0)
            .ok()
            .and_then(|raw| raw.table(ttf_parser::Tag::from_bytes(b"CFF ")))
            .unwrap_or_default()
    } else {
        &subset
    };
    let packed = deflate(outlines);
    let mut stream = pdf.stream(file, &packed);
    stream.filter(Filter::FlateDecode);
    if face.postscript_outlines {
        stream.pair(Name(b"Subtype"), Name(b"CIDFontType0C"));
    }
    stream.finish();
    font
}
