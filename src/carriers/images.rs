//! Documents in texts: Base64, and whether the bytes are what they are called.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

#[cfg(any(feature = "fedex", feature = "dhl"))]
use crate::shipment::{Document, DocumentKind, LabelFormat};

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Decodes an image. White space anywhere is skipped: one published body has a stray blank.
pub(super) fn decode_image(text: &[u8]) -> Option<Vec<u8>> {
    if text.iter().any(u8::is_ascii_whitespace) {
        let dense: Vec<u8> =
            text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
        BASE64.decode(dense).ok()
    } else {
        BASE64.decode(text).ok()
    }
}

/// How the bytes of a document travel.
#[cfg(any(feature = "fedex", feature = "dhl"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Base64,
    #[cfg(feature = "dhl")]
    Plain,
}

/// The format that carriers call so, in any case, and its usual dots per inch.
#[cfg(any(feature = "fedex", feature = "dhl"))]
pub(super) fn format_named(name: &str) -> (LabelFormat, Option<u16>) {
    let name = name.trim();
    match name.to_ascii_uppercase().as_str() {
        "PDF" => (LabelFormat::Pdf, None),
        "PNG" => (LabelFormat::Png, None),
        "ZPL" | "ZPL2" | "ZPLII" => (LabelFormat::Zpl, Some(203)),
        "EPL" | "EPL2" => (LabelFormat::Epl, Some(203)),
        _ => (LabelFormat::Other(name.to_owned()), None),
    }
}

/// A document whose bytes are not what they are called, as it came: a paper that cannot be read never
/// costs the number of its shipment.
#[cfg(any(feature = "fedex", feature = "dhl"))]
pub(super) fn damaged(format: &str, text: &[u8]) -> Document {
    let extension = format_named(format).0.extension().to_owned();
    let format = LabelFormat::Other(format!("damaged {extension}"));
    Document::new(DocumentKind::Other, format, text.to_vec())
}

/// A document of an answer. A PDF file that was cut off is kept in the format `damaged pdf`.
///
/// # Errors
/// Why its bytes are not what they are called. A sandbox answers "encoded label" at times, which
/// happens to be Base64.
#[cfg(any(feature = "fedex", feature = "dhl"))]
pub(super) fn document(
    kind: DocumentKind,
    format: &str,
    encoding: Encoding,
    text: &[u8],
) -> Result<Document, &'static str> {
    let bytes = match encoding {
        Encoding::Base64 => decode_image(text).ok_or("a document of the shipment is not Base64")?,
        #[cfg(feature = "dhl")]
        Encoding::Plain => text.to_vec(),
    };
    // Where its name is left out, the bytes say what it is.
    let (format, dpi) = match format.trim() {
        "" if bytes.starts_with(b"%PDF") => format_named("PDF"),
        "" if bytes.starts_with(b"\x89PNG") => format_named("PNG"),
        "" if bytes.trim_ascii_start().starts_with(b"^XA") => format_named("ZPL"),
        named => format_named(named),
    };
    let is_what_it_says = match format {
        LabelFormat::Pdf => bytes.starts_with(b"%PDF"),
        LabelFormat::Png => bytes.starts_with(b"\x89PNG"),
        LabelFormat::Zpl => bytes.windows(3).any(|letters| letters == b"^XA"),
        LabelFormat::Epl | LabelFormat::Other(_) => !bytes.is_empty(),
    };
    if !is_what_it_says {
        return Err("a document of the shipment is not in the format it claims");
    }
    // What was cut off stays with its number under its kind, and is told when it shall be printed.
    let format = match format {
        LabelFormat::Pdf if !is_whole_pdf(&bytes) => LabelFormat::Other("damaged pdf".to_owned()),
        whole => whole,
    };
    Ok(Document { dpi, ..Document::new(kind, format, bytes) })
}

/// Whether a PDF file has one of the marks of its end where readers look for them.
#[cfg(any(feature = "fedex", feature = "dhl"))]
fn is_whole_pdf(bytes: &[u8]) -> bool {
    let tail = bytes.get(bytes.len().saturating_sub(2048)..).unwrap_or_default();
    let has = |mark: &[u8]| tail.windows(mark.len()).any(|letters| letters == mark);
    has(b"%%EOF") || has(b"startxref")
}
