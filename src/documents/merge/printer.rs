//! Labels in printer languages: a file is taken only when every label in it is complete, because a
//! printer that waits for an end would swallow the next label.
//!
//! Sources: Zebra, ZPL II Programming Guide (`^XA`, `^XZ`, `~DG`, `~DY`, `^GF`, `^CC`, `^CT`);
//! Eltron/Zebra, EPL2 Programmer's Manual (`N`, `P`, `GW`).

use super::MergeFault;

const fn damaged(what: &'static str) -> MergeFault {
    MergeFault::Damaged { what }
}

/// Counts the labels of a ZPL file, `^XA` to `^XZ`. Downloads before, between and in them stay.
pub(super) fn count_zpl(bytes: &[u8]) -> Result<usize, MergeFault> {
    let mut labels = 0_usize;
    let mut open = false;
    let mut at = 0_usize;
    while let Some(next) = memchr::memchr2(b'^', b'~', bytes.get(at..).unwrap_or_default()) {
        at = at.saturating_add(next);
        let sign = bytes.get(at).copied().unwrap_or_default();
        let name = bytes.get(at.saturating_add(1)..at.saturating_add(3)).unwrap_or_default();
        let name = [
            name.first().copied().unwrap_or_default().to_ascii_uppercase(),
            name.get(1).copied().unwrap_or_default().to_ascii_uppercase(),
        ];
        at = at.saturating_add(3);
        match (sign, &name) {
            (b'^', b"XA") if open => return Err(damaged("a label begins inside another")),
            (b'^', b"XA") => open = true,
            (b'^', b"XZ") if !open => return Err(damaged("a label ends that has not begun")),
            (b'^', b"XZ") => {
                open = false;
                labels = labels.saturating_add(1);
            }
            // Design programs begin with the signs as they are anyway.
            (_, b"CC") if bytes.get(at) == Some(&b'^') => at = at.saturating_add(1),
            (_, b"CT") if bytes.get(at) == Some(&b'~') => at = at.saturating_add(1),
            (_, b"CD") if bytes.get(at) == Some(&b',') => at = at.saturating_add(1),
            // They would rename the commands of every label after this one.
            (_, b"CC" | b"CT" | b"CD") => {
                return Err(MergeFault::Unsupported(
                    "ZPL with control characters of its own".to_owned(),
                ));
            }
            (b'^', b"GF") => at = binary_end(bytes, at, &[b"B", b"C"], 1)?,
            (b'~', b"DY") => at = binary_end(bytes, at, &[b"B"], 3)?,
            _ => {}
        }
    }
    if open {
        return Err(damaged("a label does not end"));
    }
    if labels == 0 {
        return Err(MergeFault::NoPages);
    }
    Ok(labels)
}

/// The end of a command whose data may be raw bytes, which may look like commands. `kinds` are the
/// letters for raw data; the count of bytes is the parameter at `count`.
fn binary_end(bytes: &[u8], at: usize, kinds: &[&[u8]], count: usize) -> Result<usize, MergeFault> {
    let rest = bytes.get(at..).unwrap_or_default();
    // `^GFa,b,c,d,data` and `~DYd:f,b,x,t,w,data`: the letter is the first or second parameter.
    let wanted = if count == 1 { 4 } else { 5 };
    let mut parameters = Vec::with_capacity(wanted);
    let mut from = 0_usize;
    while parameters.len() < wanted {
        let Some(length) = memchr::memchr3(b',', b'^', b'~', rest.get(from..).unwrap_or_default())
        else {
            return Err(damaged("a picture is cut off"));
        };
        let end = from.saturating_add(length);
        if rest.get(end) != Some(&b',') {
            return Ok(at);
        }
        parameters.push(rest.get(from..end).unwrap_or_default().trim_ascii());
        from = end.saturating_add(1);
    }
    let kind = parameters.get(if count == 1 { 0 } else { 1 }).copied().unwrap_or_default();
    if !kinds.iter().any(|letter| letter.eq_ignore_ascii_case(kind)) {
        return Ok(at);
    }
    let length = parameters
        .get(count)
        .and_then(|text| std::str::from_utf8(text).ok())
        .and_then(|text| text.parse::<usize>().ok())
        .ok_or(damaged("a picture does not say how long it is"))?;
    let end = from.checked_add(length).filter(|end| *end <= rest.len());
    end.map(|end| at.saturating_add(end)).ok_or(damaged("a picture is cut off"))
}

/// Counts the labels of an EPL file: print commands outside stored forms, nothing after the last.
pub(super) fn count_epl(bytes: &[u8]) -> Result<usize, MergeFault> {
    let mut labels = 0_usize;
    let mut pending = false;
    let mut form = false;
    let mut rest = bytes;
    while !rest.is_empty() {
        let end = memchr::memchr(b'\n', rest);
        if rest.starts_with(b"GW") {
            // The picture's bytes may hold line ends.
            let (head, width, height) = picture_head(rest)?;
            let length = head
                .checked_add(width.checked_mul(height).ok_or(damaged("a picture is too large"))?)
                .filter(|length| *length <= rest.len())
                .ok_or(damaged("a picture is cut off"))?;
            rest = rest.get(length..).unwrap_or_default();
            pending = true;
            continue;
        }
        let line = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default().trim_ascii();
        rest = end.map_or(&[][..], |end| rest.get(end.saturating_add(1)..).unwrap_or_default());
        match line {
            [] | [b';', ..] => {}
            [b'F', b'S', ..] => form = true,
            [b'F', b'E'] => form = false,
            [b'P', number, ..] if !form && number.is_ascii_digit() => {
                labels = labels.saturating_add(1);
                pending = false;
            }
            _ if form => {}
            _ => pending = true,
        }
    }
    if form {
        return Err(damaged("a stored form does not end"));
    }
    if labels == 0 {
        return Err(if pending { damaged("a label does not end") } else { MergeFault::NoPages });
    }
    if pending {
        return Err(damaged("a label does not end"));
    }
    Ok(labels)
}

/// `GWx,y,bytes across,lines,` and where the picture's bytes begin.
fn picture_head(bytes: &[u8]) -> Result<(usize, usize, usize), MergeFault> {
    let mut numbers = [0_usize; 4];
    let mut at = 2_usize;
    for number in &mut numbers {
        let rest = bytes.get(at..).unwrap_or_default();
        let end = memchr::memchr(b',', rest).ok_or(damaged("a picture is cut off"))?;
        *number = rest
            .get(..end)
            .and_then(|text| std::str::from_utf8(text).ok())
            .and_then(|text| text.trim().parse().ok())
            .ok_or(damaged("a picture does not say how large it is"))?;
        at = at.saturating_add(end).saturating_add(1);
    }
    let [_, _, width, height] = numbers;
    Ok((at, width, height))
}

/// Whether the first commands are those that EPL labels begin with.
pub(super) fn looks_like_epl(head: &[u8]) -> bool {
    head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).find(|line| !line.is_empty()).is_some_and(
        |line| {
            line == b"N"
                || matches!(line, [b'q' | b'Q' | b'R' | b'I' | b'D' | b'S', next, ..] if next.is_ascii_digit())
                || line == b"ZT"
                || line == b"ZB"
                || line == b"OD"
        },
    )
}
