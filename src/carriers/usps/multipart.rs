//! The multipart answers of label and SCAN-form calls.
//!
//! Learnt from captures: part bodies are always Base64 for images whatever the headers say; line
//! ends are CRLF on the wire and LF in republished bodies; `filename=` comes before `name=`;
//! header names vary in case and order; a boundary may contain and end in `+`.

/// One part of a multipart body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part<'a> {
    /// The field name, empty if there is none.
    pub(super) name: &'a str,
    /// The media type without parameters, empty if there is none.
    pub(super) content_type: &'a str,
    pub(super) body: &'a [u8],
}

impl Part<'_> {
    pub(super) fn is_json(&self) -> bool {
        let ending = self.content_type.len().saturating_sub("json".len());
        self.content_type.get(ending..).is_some_and(|end| end.eq_ignore_ascii_case("json"))
    }
}

/// Splits a body into its parts, or `None` when it is no multipart body. The boundary comes from
/// the header, or from the first line where the header is lost.
pub(super) fn parts<'a>(content_type: Option<&str>, body: &'a [u8]) -> Option<Vec<Part<'a>>> {
    let body = trim_start(body);
    let announced = content_type.and_then(boundary).map(|boundary| format!("--{boundary}"));
    let delimiter = match announced {
        Some(delimiter) if find(body, delimiter.as_bytes()).is_some() => delimiter.into_bytes(),
        _ => {
            let line = body.split(|byte| *byte == b'\n').next()?;
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if !line.starts_with(b"--") || line.len() < 3 {
                return None;
            }
            line.to_vec()
        }
    };
    let mut parts = Vec::new();
    let mut rest = body.get(find_delimiter(body, &delimiter)?..)?;
    loop {
        rest = rest.get(delimiter.len()..)?;
        if rest.starts_with(b"--") {
            break;
        }
        rest = rest.strip_prefix(b"\r\n").or_else(|| rest.strip_prefix(b"\n")).unwrap_or(rest);
        // A body cut short has no closing delimiter; its last part reaches to the end.
        let end = find_delimiter(rest, &delimiter);
        let (part, next) = rest.split_at_checked(end.unwrap_or(rest.len()))?;
        parts.extend(read(part));
        if end.is_none() {
            break;
        }
        rest = next;
    }
    Some(parts)
}

/// The `boundary` parameter of a content type.
fn boundary(content_type: &str) -> Option<&str> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().get(..10)?.eq_ignore_ascii_case("multipart/") {
        return None;
    }
    parameter(parameters, "boundary").filter(|boundary| !boundary.is_empty())
}

/// A parameter of a header by name, quotes taken off. Names are compared whole: `filename` is not
/// `name`.
fn parameter<'a>(parameters: &'a str, wanted: &str) -> Option<&'a str> {
    let mut rest = parameters;
    while let Some((name, after)) = rest.split_once('=') {
        let name = name.trim_matches(|letter: char| letter == ';' || letter.is_whitespace());
        let (value, next) = match after.trim_start().strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_once(';').unwrap_or((after, "")),
        };
        if name.eq_ignore_ascii_case(wanted) {
            return Some(value.trim());
        }
        rest = next;
    }
    None
}

/// Reads the headers of a part; `None` for what is not even a header block.
fn read(part: &[u8]) -> Option<Part<'_>> {
    let mut name = "";
    let mut content_type = "";
    let mut rest = part;
    loop {
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        let (line, next) = rest.split_at_checked(end)?;
        rest = next.get(1..)?;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            break;
        }
        let Some((header, value)) =
            std::str::from_utf8(line).ok().and_then(|line| line.split_once(':'))
        else {
            continue;
        };
        if header.trim().eq_ignore_ascii_case("content-disposition") {
            let parameters = value.split_once(';').map_or("", |(_, parameters)| parameters);
            name = parameter(parameters, "name").unwrap_or_default();
        } else if header.trim().eq_ignore_ascii_case("content-type") {
            content_type = value.split(';').next().unwrap_or_default().trim();
        }
    }
    let body = rest.strip_suffix(b"\n").unwrap_or(rest);
    let body = body.strip_suffix(b"\r").unwrap_or(body);
    Some(Part { name, content_type, body })
}

/// The next delimiter that stands at the beginning of a line.
fn find_delimiter(body: &[u8], delimiter: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + find(body.get(from..)?, delimiter)?;
        if at == 0 || body.get(at.checked_sub(1)?) == Some(&b'\n') {
            return Some(at);
        }
        from = at + 1;
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    let mut from = 0;
    // Searching for the first byte skips through Base64 at the speed of memchr.
    while let Some(offset) = haystack.get(from..)?.iter().position(|byte| *byte == first) {
        let at = from + offset;
        if haystack.get(at..)?.starts_with(needle) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

pub(super) fn trim_start(body: &[u8]) -> &[u8] {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    body.trim_ascii_start()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carriers::images::decode_image;
    use proptest::prelude::*;

    const BODY: &str = "--a+b+\r\ncontent-type: application/json; charset=utf-8\r\n\
        Content-Disposition: form-data; name=\"labelMetadata\"\r\n\r\n{\"a\":1}\r\n--a+b+\r\n\
        Content-Disposition: form-data; filename=\"name=x;.pdf\"; name=\"labelImage\"\r\n\
        CONTENT-TYPE: application/pdf\r\n\r\nJV BERi0=\r\n--a+b+--\r\n";

    fn check(parts: &[Part<'_>]) {
        assert_eq!(parts.len(), 2);
        assert_eq!((parts[0].name, parts[0].is_json()), ("labelMetadata", true));
        assert_eq!(parts[0].body, b"{\"a\":1}");
        assert_eq!((parts[1].name, parts[1].content_type), ("labelImage", "application/pdf"));
        assert_eq!(decode_image(parts[1].body).as_deref(), Some(b"%PDF-".as_slice()));
    }

    #[test]
    fn parts_are_found_by_name_with_either_line_end_and_with_or_without_the_header() {
        let header = Some("multipart/form-data;boundary=\"a+b+\"");
        check(&parts(header, BODY.as_bytes()).unwrap());
        check(&parts(None, BODY.as_bytes()).unwrap());
        check(&parts(Some("multipart/form-data; boundary=other"), BODY.as_bytes()).unwrap());
        let unix = BODY.replace("\r\n", "\n");
        check(&parts(header, unix.as_bytes()).unwrap());
        check(&parts(header, format!("\n\n{unix}").as_bytes()).unwrap());
    }

    #[test]
    fn a_boundary_inside_a_line_ends_nothing() {
        let body = "--b\n\nabc --b def\n--b--";
        let parts = parts(None, body.as_bytes()).unwrap();
        assert_eq!(parts[0].body, b"abc --b def");
    }

    #[test]
    fn other_bodies_are_no_multipart() {
        for body in ["", "{}", "<html>", "-", "--", "\n"] {
            assert_eq!(parts(Some("text/html"), body.as_bytes()), None, "{body:?}");
        }
    }

    proptest! {
        #[test]
        fn cut_and_mutated_bodies_never_panic(cut in 0_usize..400, at in 0_usize..400, to in any::<u8>()) {
            let mut bytes = BODY.as_bytes().to_vec();
            let length = bytes.len();
            bytes[at % length] = to;
            bytes.truncate(cut);
            for header in [None, Some("multipart/form-data; boundary=a+b+"), Some("multipart/")] {
                for part in parts(header, &bytes).unwrap_or_default() {
                    let _ = (part.is_json(), decode_image(part.body));
                }
            }
        }

        #[test]
        fn any_bytes_are_taken(bytes in prop::collection::vec(any::<u8>(), 0..300), header in "\\PC{0,60}") {
            let _ = parts(Some(&header), &bytes);
            let _ = parts(None, &bytes);
        }
    }
}
