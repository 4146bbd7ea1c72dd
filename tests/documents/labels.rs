//! Label files as carriers make them, from a seed: R is a raster picture, V is text and bars, X is
//! everything that makes reading PDF hard.
#![allow(dead_code, reason = "the bench and the tests use different families")]

use std::fmt::Write as _;
use std::io::Write as _;

/// Letters of a label in the real font, so that files show something and embed a subset of it.
pub(crate) const FONT: &[u8] =
    include_bytes!("../../src/documents/fonts/NotoSans-Regular-Latin.ttf");

/// SplitMix64.
pub(crate) fn draw(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn seeded(family: u64, index: usize) -> u64 {
    family.wrapping_mul(1_000_003).wrapping_add(index as u64)
}

pub(crate) fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

/// An object: what is before the stream, and the stream.
pub(crate) type Body = (String, Option<Vec<u8>>);

pub(crate) fn plain(text: impl Into<String>) -> Body {
    (text.into(), None)
}

/// A stream with a direct length; `dictionary` is without brackets.
pub(crate) fn stream(dictionary: &str, data: Vec<u8>) -> Body {
    (format!("<<{dictionary}/Length {}>>", data.len()), Some(data))
}

pub(crate) fn write_object(file: &mut Vec<u8>, number: usize, body: &Body) {
    file.extend_from_slice(format!("{number} 0 obj\n{}", body.0).as_bytes());
    if let Some(data) = &body.1 {
        file.extend_from_slice(b"\nstream\n");
        file.extend_from_slice(data);
        file.extend_from_slice(b"\nendstream");
    }
    file.extend_from_slice(b"\nendobj\n");
}

/// A file with a classic table; object 1 is the catalogue.
pub(crate) fn classic(objects: &[Body], trailer: &str) -> Vec<u8> {
    let mut file = b"%PDF-1.4\n%\xE2\xE3\xCF\xD3\n".to_vec();
    let mut offsets = Vec::new();
    for (index, body) in objects.iter().enumerate() {
        offsets.push(file.len());
        write_object(&mut file, index + 1, body);
    }
    let table = file.len();
    let mut tail = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for offset in offsets {
        writeln!(tail, "{offset:010} 00000 n ").unwrap();
    }
    write!(
        tail,
        "trailer\n<</Size {}/Root 1 0 R{trailer}>>\nstartxref\n{table}\n%%EOF\n",
        objects.len() + 1
    )
    .unwrap();
    file.extend_from_slice(tail.as_bytes());
    file
}

/// A file with a table as a stream, and every object without a stream of its own in an object
/// stream. Rows are predicted as most programs do it.
pub(crate) fn packed(objects: &[Body]) -> Vec<u8> {
    let mut file = b"%PDF-1.5\n%\xE2\xE3\xCF\xD3\n".to_vec();
    let container = objects.len() + 1;
    let table = objects.len() + 2;
    let mut rows: Vec<[u8; 6]> = vec![[0, 0, 0, 0, 0, 255]];
    let (mut heads, mut bodies, mut index) = (String::new(), String::new(), 0_u8);
    for (number, body) in objects.iter().enumerate() {
        if body.1.is_some() {
            let [a, b, c, d] = u32::try_from(file.len()).unwrap().to_be_bytes();
            rows.push([1, a, b, c, d, 0]);
            write_object(&mut file, number + 1, body);
        } else {
            let [a, b, c, d] = u32::try_from(container).unwrap().to_be_bytes();
            rows.push([2, a, b, c, d, index]);
            write!(heads, "{} {} ", number + 1, bodies.len()).unwrap();
            bodies.push_str(&body.0);
            bodies.push('\n');
            index += 1;
        }
    }
    let head = format!("/Type/ObjStm/N {index}/First {}/Filter/FlateDecode", heads.len());
    let [a, b, c, d] = u32::try_from(file.len()).unwrap().to_be_bytes();
    rows.push([1, a, b, c, d, 0]);
    write_object(&mut file, container, &stream(&head, deflate((heads + &bodies).as_bytes())));
    let start = file.len();
    let [a, b, c, d] = u32::try_from(start).unwrap().to_be_bytes();
    rows.push([1, a, b, c, d, 0]);
    let mut predicted = Vec::new();
    let mut above = [0_u8; 6];
    for row in rows {
        predicted.push(2);
        predicted.extend(row.iter().zip(above).map(|(byte, above)| byte.wrapping_sub(above)));
        above = row;
    }
    let head = format!(
        "/Type/XRef/Size {}/W[1 4 1]/Root 1 0 R/Filter/FlateDecode/DecodeParms<</Predictor 12/Columns 6>>",
        table + 1
    );
    write_object(&mut file, table, &stream(&head, deflate(&predicted)));
    file.extend_from_slice(format!("startxref\n{start}\n%%EOF\n").as_bytes());
    file
}

/// A label of family R: one picture of 812 by 1218 dots.
pub(crate) fn raster(index: usize) -> Vec<u8> {
    const WIDTH: usize = 812;
    const HEIGHT: usize = 1218;
    const ROW: usize = WIDTH.div_ceil(8);
    let mut state = seeded(1, index);
    let mut pixels = vec![0xFF_u8; ROW * HEIGHT];
    let mut black = |x: usize, y: usize| {
        if x < WIDTH && y < HEIGHT {
            pixels[y * ROW + x / 8] &= !(0x80 >> (x % 8));
        }
    };
    // Bars.
    let mut x = 60;
    while x < 740 {
        let width = 2 + (draw(&mut state) % 6) as usize;
        for column in x..x + width {
            for y in 800..1000 {
                black(column, y);
            }
        }
        x += width + 2 + (draw(&mut state) % 6) as usize;
    }
    // Lines of letters: blocks of dots in rows.
    for line in 0..12 {
        for letter in 0..30 {
            let shape = draw(&mut state);
            for dot in 0..35 {
                if shape >> dot & 1 == 1 {
                    for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                        black(
                            40 + letter * 14 + dot % 5 * 2 + dx,
                            30 + line * 26 + dot / 5 * 2 + dy,
                        );
                    }
                }
            }
        }
    }
    // A two-dimensional code and a patch of noise.
    for cell in 0..44 * 44 {
        if draw(&mut state) & 1 == 1 {
            for dot in 0..16 {
                black(600 + cell % 44 * 4 + dot % 4, 40 + cell / 44 * 4 + dot / 4);
            }
        }
    }
    for y in 400..720 {
        for x in (100..500).step_by(8) {
            let bits = draw(&mut state);
            for bit in 0..8 {
                if bits >> bit & 1 == 1 {
                    black(x + bit, y);
                }
            }
        }
    }
    classic(
        &[
            plain("<</Type/Catalog/Pages 2 0 R>>"),
            plain("<</Type/Pages/Kids[3 0 R]/Count 1>>"),
            plain(
                "<</Type/Page/Parent 2 0 R/MediaBox[0 0 288 432]/Contents 4 0 R\
                 /Resources<</XObject<</I 5 0 R>>>>>>",
            ),
            stream("", b"q 288 0 0 432 0 0 cm /I Do Q".to_vec()),
            stream(
                "/Type/XObject/Subtype/Image/Width 812/Height 1218/BitsPerComponent 1\
                 /ColorSpace/DeviceGray/Filter/FlateDecode",
                deflate(&pixels),
            ),
        ],
        "",
    )
}

/// What is written on a label of family V.
fn words(state: &mut u64) -> Vec<String> {
    (0..10)
        .map(|_| {
            (0..24)
                .map(|_| match draw(state) % 40 {
                    digit @ 0..10 => char::from(b'0' + digit as u8),
                    letter @ 10..36 => char::from(b'A' + (letter - 10) as u8),
                    _ => ' ',
                })
                .collect()
        })
        .collect()
}

/// A label of family V: text in an embedded subset, and bars as rectangles.
pub(crate) fn vector(index: usize) -> Vec<u8> {
    let mut state = seeded(2, index);
    let lines = words(&mut state);
    let face = ttf_parser::Face::parse(FONT, 0).unwrap();
    let mut glyphs = subsetter::GlyphRemapper::new();
    let mut content = String::from("BT /F1 11 Tf 13 TL 16 410 Td\n");
    // Programs that make labels embed more than one line needs, and not the same in each file.
    glyphs.remap((index % 400) as u16);
    for letter in ('!'..='~').chain('À'..='ÿ').chain((0x100..0x160).filter_map(char::from_u32)) {
        glyphs.remap(face.glyph_index(letter).unwrap().0);
    }
    for line in &lines {
        content.push('<');
        for letter in line.chars() {
            let glyph = glyphs.remap(face.glyph_index(letter).unwrap().0);
            write!(content, "{glyph:04X}").unwrap();
        }
        content.push_str("> Tj T*\n");
    }
    content.push_str("ET\n");
    let mut x = 20.0;
    for _ in 0..90 {
        let width = 0.8 + (draw(&mut state) % 4) as f32 * 0.5;
        writeln!(content, "{x:.2} 60 {width:.2} 120 re f").unwrap();
        x += width + 0.6 + (draw(&mut state) % 3) as f32 * 0.3;
    }
    let subset = subsetter::subset(FONT, 0, &glyphs).unwrap();
    let widths: String = glyphs
        .remapped_gids()
        .map(|glyph| {
            face.glyph_hor_advance(ttf_parser::GlyphId(glyph)).unwrap_or(0).to_string() + " "
        })
        .collect();
    let length = subset.len();
    classic(
        &[
            plain("<</Type/Catalog/Pages 2 0 R>>"),
            plain("<</Type/Pages/Kids[3 0 R]/Count 1>>"),
            plain(
                "<</Type/Page/Parent 2 0 R/MediaBox[0 0 288 432]/Contents 4 0 R\
                 /Resources<</Font<</F1 5 0 R>>>>>>",
            ),
            stream("", content.into_bytes()),
            plain(
                "<</Type/Font/Subtype/Type0/BaseFont/AAAAAA+NotoSans/Encoding/Identity-H\
                 /DescendantFonts[6 0 R]>>",
            ),
            plain(format!(
                "<</Type/Font/Subtype/CIDFontType2/BaseFont/AAAAAA+NotoSans/CIDToGIDMap/Identity\
                 /CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>\
                 /FontDescriptor 7 0 R/W[0[{widths}]]>>"
            )),
            plain(
                "<</Type/FontDescriptor/FontName/AAAAAA+NotoSans/Flags 4/FontBBox[0 -300 1000 1000]\
                 /ItalicAngle 0/Ascent 1069/Descent -293/CapHeight 714/StemV 80/FontFile2 8 0 R>>",
            ),
            stream(&format!("/Length1 {length}"), subset),
        ],
        "",
    )
}

/// A page that shows one word in a standard font; the font is object `font`.
pub(crate) fn word(text: &str) -> Vec<u8> {
    format!("BT /F1 24 Tf 30 200 Td ({text}) Tj ET").into_bytes()
}

/// Two pages below a node that states their size and fonts; the second is turned.
pub(crate) fn two_pages(first: &str, second: &str) -> Vec<Body> {
    vec![
        plain("<</Type/Catalog/Pages 2 0 R>>"),
        plain("<</Type/Pages/Kids[3 0 R]/Count 2/MediaBox[0 0 288 432]/Resources 8 0 R>>"),
        plain("<</Type/Pages/Parent 2 0 R/Kids[4 0 R 5 0 R]/Count 2/Rotate 90>>"),
        plain("<</Type/Page/Parent 3 0 R/Contents 6 0 R/Rotate 0>>"),
        plain("<</Type/Page/Parent 3 0 R/Contents[7 0 R]/CropBox[0 0 200 400]>>"),
        stream("", word(first)),
        stream("/Filter/FlateDecode", deflate(&word(second))),
        plain("<</Font<</F1 9 0 R>>>>"),
        plain("<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"),
    ]
}

/// One page whose content's length stands in an object of its own.
pub(crate) fn indirect_length(text: &str) -> Vec<Body> {
    let data = word(text);
    let length = data.len();
    vec![
        plain("<</Type/Catalog/Pages 2 0 R>>"),
        plain("<</Type/Pages/Kids[3 0 R]/Count 1>>"),
        plain(
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 288 432]/Contents 4 0 R\
             /Resources<</Font<</F1 6 0 R>>>>>>",
        ),
        ("<</Length 5 0 R>>".to_owned(), Some(data)),
        plain(length.to_string()),
        plain("<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"),
    ]
}

/// A one-page file with a word.
pub(crate) fn small(text: &str) -> Vec<u8> {
    classic(&indirect_length(text), "")
}

/// `small`, its content replaced and the length of it deleted by an update, which begins at the offset
/// beside it.
pub(crate) fn updated() -> (Vec<u8>, usize) {
    let mut file = small("older");
    let previous: usize = {
        let text = String::from_utf8_lossy(&file);
        text.rsplit("startxref\n").next().unwrap().lines().next().unwrap().parse().unwrap()
    };
    let data = word("newer");
    let offset = file.len();
    file.extend_from_slice(format!("4 0 obj\n<</Length {}>>\nstream\n", data.len()).as_bytes());
    file.extend_from_slice(&data);
    file.extend_from_slice(b"\nendstream\nendobj\n");
    let table = file.len();
    file.extend_from_slice(
        format!(
            "xref\n0 1\n0000000005 65535 f \n4 2\n{offset:010} 00000 n \n0000000000 00001 f \n\
             trailer\n<</Size 7/Root 1 0 R/Prev {previous}>>\nstartxref\n{table}\n%%EOF\n"
        )
        .as_bytes(),
    );
    (file, offset)
}

/// A file that needs a password: only its trailer matters.
pub(crate) fn encrypted() -> Vec<u8> {
    let mut objects = indirect_length("secret");
    objects.push(plain("<</Filter/Standard/V 1/R 2/O(x)/U(y)/P -4>>"));
    classic(&objects, "/Encrypt 7 0 R")
}

/// A ZPL label of about 2 KB.
pub(crate) fn zpl(index: usize) -> Vec<u8> {
    let mut state = seeded(3, index);
    let mut text = String::from("^XA\n^CI28\n");
    while text.len() < 2_000 {
        writeln!(
            text,
            "^FO{},{}^A0N,28,28^FD{:016X}^FS",
            draw(&mut state) % 700,
            draw(&mut state) % 1100,
            draw(&mut state)
        )
        .unwrap();
    }
    text.push_str("^XZ\n");
    text.into_bytes()
}
