//! Pictures on pages, at their own resolution. Where PDF can hold the packed bytes as they are, they
//! are passed through.
//!
//! Sources: PNG specification (third edition), sections 5 and 11; ISO 32000-1, sections 7.4.4
//! (predictors) and 8.9.5 (images).

use std::io::{Cursor, Write};

use super::pages::PageWriter;
use super::{MergeFault, PageSize};

/// Pixels of a picture: a 4 by 6 inch label at 600 dpi has 9 million.
const MOST_PIXELS: u64 = 100_000_000;

const fn damaged(what: &'static str) -> MergeFault {
    MergeFault::Damaged { what }
}

/// What a PNG file says before its pixels.
struct Picture {
    width: u32,
    height: u32,
    depth: u8,
    colour: u8,
    interlaced: bool,
    palette: Option<Vec<u8>>,
    transparent: bool,
    per_metre: Option<(u32, u32)>,
    /// The packed pixels.
    data: Vec<u8>,
}

/// The dictionary of an image, its palette, and its data.
type ImageParts = (String, Option<Vec<u8>>, Vec<u8>);

/// Adds a picture as a page.
pub(super) fn add(
    pages: &mut PageWriter,
    bytes: &[u8],
    dpi: Option<u16>,
    page: PageSize,
) -> Result<(), MergeFault> {
    let picture = read(bytes)?;
    let placement = Placement::of(&picture, dpi, page)?;
    let (dictionary, palette, data) = if picture.passes_through() {
        picture.passed_through()
    } else {
        picture.unpacked(bytes)?
    };
    let palette_number = palette.as_ref().map(|_| pages.reserve());
    let (image, contents, number) = (pages.reserve(), pages.reserve(), pages.reserve());
    let node = pages.node_of_next_page();
    if let (Some(palette), Some(number)) = (palette, palette_number) {
        pages.stream(number, b"", &palette);
    }
    let dictionary = match palette_number {
        Some(number) => dictionary.replace("PALETTE", &format!("{number} 0 R")),
        None => dictionary,
    };
    pages.stream(image, dictionary.as_bytes(), &data);
    pages.stream(contents, b"", placement.contents().as_bytes());
    pages.begin(number);
    let text = format!(
        "<</Type/Page/Parent {node} 0 R/MediaBox[0 0 {} {}]/Resources<</XObject<</P {image} 0 R>>>>\
         /Contents {contents} 0 R>>",
        points(page.width),
        points(page.height),
    );
    pages.bytes.extend_from_slice(text.as_bytes());
    pages.end();
    pages.add_page(number);
    Ok(())
}

/// Thousandths of an inch as points, written out.
fn points(thousandths: u32) -> String {
    let value = u64::from(thousandths).saturating_mul(72);
    format!("{}.{:03}", value / 1_000, value % 1_000)
}

/// Where on the page a picture lies.
struct Placement {
    /// Thousandths of an inch.
    left: u32,
    bottom: u32,
    /// Size on the page, after turning.
    width: u32,
    height: u32,
    turned: bool,
}

impl Placement {
    fn of(picture: &Picture, dpi: Option<u16>, page: PageSize) -> Result<Self, MergeFault> {
        // The carrier's word counts; then the picture's; then the page says how large it is.
        let stated = dpi.filter(|dpi| *dpi > 0).map(|dpi| {
            let size = |pixels: u32| u64::from(pixels).saturating_mul(1_000) / u64::from(dpi);
            (size(picture.width), size(picture.height))
        });
        let own = picture.per_metre.filter(|(x, y)| *x > 0 && *y > 0).map(|(x, y)| {
            // 1 m is 39,370 thousandths of an inch.
            let size = |pixels: u32, per: u32| {
                u64::from(pixels).saturating_mul(39_370).saturating_add(u64::from(per / 2))
                    / u64::from(per)
            };
            (size(picture.width, x), size(picture.height, y))
        });
        let (page_width, page_height) = (u64::from(page.width), u64::from(page.height));
        // A dot or two over the edge are rounding, not content.
        let fits = |width: u64, height: u64| {
            width <= page_width.saturating_add(page_width / 50)
                && height <= page_height.saturating_add(page_height / 50)
        };
        let (width, height, turned) = match stated.or(own) {
            Some((width, height)) if fits(width, height) => (width, height, false),
            Some((width, height)) if fits(height, width) => (height, width, true),
            Some((width, height)) => {
                return Err(MergeFault::DoesNotFit {
                    width: u32::try_from(width).unwrap_or(u32::MAX),
                    height: u32::try_from(height).unwrap_or(u32::MAX),
                });
            }
            None => {
                let (wide, high) = (u64::from(picture.width), u64::from(picture.height));
                let turned = (wide > high) != (page_width > page_height) && wide != high;
                let (wide, high) = if turned { (high, wide) } else { (wide, high) };
                // The largest of its shape that fits.
                if wide.saturating_mul(page_height) >= high.saturating_mul(page_width) {
                    (page_width, high.saturating_mul(page_width) / wide.max(1), turned)
                } else {
                    (wide.saturating_mul(page_height) / high.max(1), page_height, turned)
                }
            }
        };
        let middle =
            |page: u64, size: u64| u32::try_from(page.saturating_sub(size) / 2).unwrap_or(0);
        Ok(Self {
            left: middle(page_width, width),
            bottom: middle(page_height, height),
            width: u32::try_from(width).unwrap_or(u32::MAX),
            height: u32::try_from(height).unwrap_or(u32::MAX),
            turned,
        })
    }

    fn contents(&self) -> String {
        let (left, bottom) = (points(self.left), points(self.bottom));
        let (width, height) = (points(self.width), points(self.height));
        if self.turned {
            let top = points(self.bottom.saturating_add(self.height));
            format!("q 0 -{height} {width} 0 {left} {top} cm /P Do Q")
        } else {
            format!("q {width} 0 0 {height} {left} {bottom} cm /P Do Q")
        }
    }
}

impl Picture {
    /// Whether PDF's own PNG prediction reads the packed pixels.
    const fn passes_through(&self) -> bool {
        !self.interlaced && !self.transparent && matches!(self.colour, 0 | 2 | 3)
    }

    fn passed_through(self) -> ImageParts {
        let colours = if self.colour == 2 { 3 } else { 1 };
        let space = match (self.colour, &self.palette) {
            (2, _) => "/DeviceRGB".to_owned(),
            (3, Some(palette)) => {
                format!("[/Indexed/DeviceRGB {} PALETTE]", (palette.len() / 3).saturating_sub(1))
            }
            _ => "/DeviceGray".to_owned(),
        };
        let palette = self.palette.filter(|_| self.colour == 3);
        let dictionary = format!(
            "/Type/XObject/Subtype/Image/Width {}/Height {}/BitsPerComponent {}/ColorSpace{space}\
             /Filter/FlateDecode/DecodeParms<</Predictor 15/Colors {colours}/BitsPerComponent {}\
             /Columns {}>>",
            self.width, self.height, self.depth, self.depth, self.width
        );
        (dictionary, palette, self.data)
    }

    /// Pixels on white paper, for pictures with transparency or in several passes.
    fn unpacked(&self, bytes: &[u8]) -> Result<ImageParts, MergeFault> {
        let unreadable = |_| damaged("the picture does not unpack");
        let mut decoder = png::Decoder::new(Cursor::new(bytes));
        decoder.set_transformations(
            png::Transformations::EXPAND
                | png::Transformations::STRIP_16
                | png::Transformations::ALPHA,
        );
        let mut reader = decoder.read_info().map_err(unreadable)?;
        let size = reader.output_buffer_size().ok_or(damaged("the picture is too large"))?;
        let mut pixels = vec![0; size];
        let info = reader.next_frame(&mut pixels).map_err(unreadable)?;
        let samples = info.color_type.samples();
        let colours = samples.saturating_sub(1).max(1);
        let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        let mut mixed_dots = Vec::with_capacity(pixels.len());
        for pixel in pixels.chunks_exact(samples) {
            let (colour, alpha) = pixel.split_at(colours.min(pixel.len()));
            let alpha = u32::from(alpha.first().copied().unwrap_or(255));
            for value in colour {
                let mixed = (u32::from(*value) * alpha + 255 * (255 - alpha)) / 255;
                mixed_dots.push(u8::try_from(mixed).unwrap_or(255));
            }
        }
        packed.write_all(&mixed_dots).map_err(|_| damaged("the picture does not unpack"))?;
        let data = packed.finish().map_err(|_| damaged("the picture does not unpack"))?;
        let space = if colours == 3 { "/DeviceRGB" } else { "/DeviceGray" };
        let dictionary = format!(
            "/Type/XObject/Subtype/Image/Width {}/Height {}/BitsPerComponent 8/ColorSpace{space}\
             /Filter/FlateDecode",
            self.width, self.height
        );
        Ok((dictionary, None, data))
    }
}

/// Reads the chunks of a PNG file and checks their sums.
fn read(bytes: &[u8]) -> Result<Picture, MergeFault> {
    let mut rest = bytes.strip_prefix(b"\x89PNG\r\n\x1A\n").ok_or(damaged("there is no header"))?;
    let mut picture: Option<Picture> = None;
    loop {
        let (length, after) = number(rest).ok_or(damaged("the picture is cut off"))?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let end = length.checked_add(4).ok_or(damaged("the picture is cut off"))?;
        let chunk = after.get(..end).ok_or(damaged("the picture is cut off"))?;
        let (sum, after) =
            after.get(end..).and_then(number).ok_or(damaged("the picture is cut off"))?;
        let mut own = flate2::Crc::new();
        own.update(chunk);
        if own.sum() != sum {
            return Err(damaged("a check sum of the picture is wrong"));
        }
        rest = after;
        let (kind, data) = chunk.split_at(4.min(chunk.len()));
        match (kind, &mut picture) {
            (b"IHDR", None) => picture = Some(header(data)?),
            (_, None) => return Err(damaged("the picture does not begin with its header")),
            (b"PLTE", Some(picture)) => picture.palette = Some(data.to_vec()),
            (b"tRNS", Some(picture)) => picture.transparent = true,
            (b"pHYs", Some(picture)) => {
                let sizes = number(data).and_then(|(x, data)| Some((x, number(data)?)));
                if let Some((x, (y, [1]))) = sizes {
                    picture.per_metre = Some((x, y));
                }
            }
            (b"IDAT", Some(picture)) => picture.data.extend_from_slice(data),
            (b"IEND", Some(_)) => break,
            _ => {}
        }
    }
    let picture = picture.ok_or(damaged("the picture does not begin with its header"))?;
    if picture.data.is_empty() || (picture.colour == 3 && picture.palette.is_none()) {
        return Err(damaged("the picture has no pixels"));
    }
    Ok(picture)
}

fn header(data: &[u8]) -> Result<Picture, MergeFault> {
    let wrong = damaged("the picture's header is wrong");
    let parts = number(data).and_then(|(width, rest)| Some((width, number(rest)?)));
    let Some((width, (height, &[depth, colour, 0, 0, interlace]))) = parts else {
        return Err(wrong);
    };
    let depth_fits = match colour {
        0 => matches!(depth, 1 | 2 | 4 | 8 | 16),
        3 => matches!(depth, 1 | 2 | 4 | 8),
        2 | 4 | 6 => matches!(depth, 8 | 16),
        _ => false,
    };
    if width == 0 || height == 0 || !depth_fits || interlace > 1 {
        return Err(wrong);
    }
    if u64::from(width).saturating_mul(u64::from(height)) > MOST_PIXELS {
        return Err(MergeFault::TooLarge { what: "the number of pixels", limit: MOST_PIXELS });
    }
    Ok(Picture {
        width,
        height,
        depth,
        colour,
        interlaced: interlace == 1,
        palette: None,
        transparent: false,
        per_metre: None,
        data: Vec::new(),
    })
}

fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*head), rest))
}
