//! Labels and forms as bytes: small, valid, and readable for a person who opens one.

/// What is printed, line by line.
pub(super) fn pdf(lines: &[&str]) -> Vec<u8> {
    let mut stream = String::from("BT /F1 12 Tf 14 TL 20 400 Td\n");
    for line in lines {
        stream.push('(');
        // Letters beyond those of Western Europe would need an embedded font.
        for letter in line.chars() {
            match letter {
                '(' | ')' | '\\' => {
                    stream.push('\\');
                    stream.push(letter);
                }
                ' '..='~' => stream.push(letter),
                '\u{a0}'..='\u{ff}' => stream.push_str(&format!("\\{:03o}", u32::from(letter))),
                _ => stream.push('?'),
            }
        }
        stream.push_str(") Tj T*\n");
    }
    stream.push_str("ET");
    let objects = [
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        "<</Type/Pages/Kids[3 0 R]/Count 1>>".to_owned(),
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 288 432]/Contents 4 0 R\
         /Resources<</Font<</F1 5 0 R>>>>>>"
            .to_owned(),
        format!("<</Length {}>>\nstream\n{stream}\nendstream", stream.len()),
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>".to_owned(),
    ];
    let mut document = String::from("%PDF-1.4\n");
    let mut offsets = Vec::with_capacity(objects.len());
    for (index, object) in objects.iter().enumerate() {
        offsets.push(document.len());
        document.push_str(&format!("{} 0 obj\n{object}\nendobj\n", index + 1));
    }
    let table = document.len();
    document.push_str(&format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1));
    for offset in offsets {
        document.push_str(&format!("{offset:010} 00000 n \n"));
    }
    document.push_str(&format!(
        "trailer\n<</Size {}/Root 1 0 R>>\nstartxref\n{table}\n%%EOF\n",
        objects.len() + 1
    ));
    document.into_bytes()
}

/// One `^XA … ^XZ` block.
pub(super) fn zpl(lines: &[&str]) -> Vec<u8> {
    let mut text = String::from("^XA^CF0,30\n");
    for (line, y) in lines.iter().zip((40_u32..).step_by(40)) {
        // A caret or tilde in an address would be a command.
        let plain: String = line.chars().filter(|letter| !matches!(letter, '^' | '~')).collect();
        text.push_str(&format!("^FO40,{y}^FD{plain}^FS\n"));
    }
    text.push_str("^XZ\n");
    text.into_bytes()
}

/// A picture of one white dot: nobody reads it, but it opens.
pub(super) const PNG: &[u8] = &[
    0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0x00, 0x00, 0x00, 0x0D, 0x49, 0x48, 0x44, 0x52,
    0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x00, 0x00, 0x00, 0x00, 0x3A, 0x7E, 0x9B,
    0x55, 0x00, 0x00, 0x00, 0x0A, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9C, 0x63, 0xF8, 0x0F, 0x00, 0x01,
    0x01, 0x01, 0x00, 0xB1, 0x38, 0xF6, 0x14, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4E, 0x44, 0xAE,
    0x42, 0x60, 0x82,
];
