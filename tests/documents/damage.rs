//! Files cut off on the way or changed by a bit: the same page as before or a fault, never a blank one.

use std::io::Read as _;

use orderflow::documents::merge::{MergeFault, MergeOptions, merge_with};
use orderflow::shipment::{Document, DocumentKind, LabelFormat};

use crate::labels::{
    Body, classic, deflate, encrypted, indirect_length, packed, plain, raster, small, stream,
    two_pages, updated, vector, word,
};
use crate::tools::page_texts;

fn merged_with(file: &[u8], options: &MergeOptions) -> Result<Vec<u8>, MergeFault> {
    let label = Document::new(DocumentKind::Label, LabelFormat::Pdf, file.to_vec());
    let mut merged = merge_with(&[label], options);
    merged.items.remove(0)?;
    Ok(merged.documents.remove(0).bytes.expose().clone())
}

/// The merged file, or why there is none.
fn merged(file: &[u8]) -> Result<Vec<u8>, MergeFault> {
    merged_with(file, &MergeOptions::default())
}

/// The same, contents of whole files looked at as well.
fn checked(file: &[u8]) -> Result<Vec<u8>, MergeFault> {
    merged_with(file, &MergeOptions::default().with_contents_checked())
}

fn assert_damaged(name: &str, outcome: Result<Vec<u8>, MergeFault>) {
    let outcome = outcome.map(|file| file.len());
    assert!(matches!(outcome, Err(MergeFault::Damaged { .. })), "{name}: {outcome:?}");
}

/// Base64 of one line, in which blanks are skipped.
fn decoded(text: &str) -> Vec<u8> {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for letter in text.trim().trim_end_matches('=').bytes().filter(|letter| *letter != b' ') {
        let value = LETTERS.iter().position(|known| *known == letter).unwrap();
        bits = (bits << 6) | u32::try_from(value).unwrap();
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
}

/// Labels and receipts as USPS sends them.
fn bought() -> Vec<Vec<u8>> {
    ["label-ground-advantage", "container-label"]
        .iter()
        .flat_map(|name| {
            let path = format!("tests/fixtures/usps/{name}.response.multipart.txt");
            let answer = std::fs::read_to_string(path).unwrap();
            answer
                .lines()
                .filter(|line| line.starts_with("JVBERi0"))
                .map(decoded)
                .collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn a_file_cut_off_anywhere_gives_the_pages_it_had_or_a_fault() {
    let mut files = vec![
        small("whole"),
        packed(&two_pages("one", "two")),
        classic(&two_pages("one", "two"), ""),
        packed(&indirect_length("whole")),
        raster(1),
        vector(1),
    ];
    files.extend(bought());
    assert_eq!(files.len(), 9);
    for (index, file) in files.iter().enumerate() {
        let whole = merged(file).unwrap();
        assert_eq!(checked(file).as_ref(), Ok(&whole), "file {index}");
        // All of the end, where tables are; of large pictures not every byte.
        let step = if file.len() < 2_000 { 1 } else { 61 };
        let (mut same, mut faults) = (0, 0);
        for length in (1..file.len() - 300).step_by(step).chain(file.len() - 300..file.len()) {
            match merged(&file[..length]) {
                Ok(now) => {
                    same += 1;
                    assert!(now == whole, "file {index} cut at {length} of {}", file.len());
                }
                Err(MergeFault::Damaged { .. } | MergeFault::WrongFormat { .. }) => faults += 1,
                Err(other) => panic!("file {index} cut at {length}: {other}"),
            }
        }
        // A file that lost no more than its table is still taken.
        assert!(same > 0 && faults > 0, "file {index}: {same} taken, {faults} refused");
    }
}

#[test]
fn an_update_that_was_cut_off_does_not_print_what_it_replaced() {
    let (file, offset) = updated();
    let newer = merged(&file).unwrap();
    assert!(newer.windows(5).any(|letters| letters == b"newer"));
    // Before its first word is whole, nothing shows that there was an update.
    for length in offset + b"4 0 obj".len()..file.len() {
        match merged(&file[..length]) {
            Ok(now) => assert!(now == newer, "cut at {length} of {}", file.len()),
            Err(fault) => assert!(matches!(fault, MergeFault::Damaged { .. }), "{fault}"),
        }
    }
}

#[test]
fn an_encrypted_file_that_lost_its_trailer_is_still_called_encrypted() {
    let file = encrypted();
    let end = file.windows(4).position(|window| window == b"xref").unwrap();
    let fault = merged(&file[..end]).unwrap_err();
    assert_eq!(fault, MergeFault::Encrypted);
    assert_eq!(fault.to_string(), "the document is encrypted: take the encryption off first");
}

/// One page with this content, drawn with a form that shows a word, in a file whose table is right.
fn drawn(content: Body, form: Body) -> Vec<u8> {
    classic(
        &[
            plain("<</Type/Catalog/Pages 2 0 R>>"),
            plain("<</Type/Pages/Kids[3 0 R]/Count 1>>"),
            plain(
                "<</Type/Page/Parent 2 0 R/MediaBox[0 0 288 432]/Contents 4 0 R\
                 /Resources<</XObject<</F 5 0 R>>/Font<</F1 6 0 R>>>>>>",
            ),
            content,
            form,
            plain("<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"),
        ],
        "",
    )
}

const FORM: &str = "/Type/XObject/Subtype/Form/BBox[0 0 288 432]/Resources<</Font<</F1 6 0 R>>>>\
                    /Filter/FlateDecode";

fn inflated(data: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    flate2::read::ZlibDecoder::new(data).read_to_end(&mut plain).ok()?;
    Some(plain)
}

#[test]
fn a_content_or_a_form_in_which_a_bit_changed_is_a_fault() {
    let text = word("a word that is long enough to be packed, to be packed, to be packed");
    let data = deflate(&text);
    let file = |content: &[u8], form: &[u8]| {
        drawn(stream("/Filter[/FlateDecode]", content.to_vec()), stream(FORM, form.to_vec()))
    };
    assert_eq!(checked(&file(&data, &data)), merged(&file(&data, &data)));
    let mut refused = 0;
    for bit in 0..data.len() * 8 {
        let mut changed = data.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        // Bits that only fill the last byte before the sum change nothing.
        if inflated(&changed).is_some_and(|plain| plain == text) {
            continue;
        }
        assert_damaged(&format!("content, bit {bit}"), checked(&file(&changed, &data)));
        assert_damaged(&format!("form, bit {bit}"), checked(&file(&data, &changed)));
        refused += 1;
    }
    assert!(refused > data.len() * 7, "{refused} bits of {} bytes", data.len());
}

#[test]
fn content_that_lost_only_its_sum_is_printed() {
    let mut data = deflate(&word("summed"));
    for left_out in 1..=4 {
        data.pop();
        let file = drawn(stream("/Filter/FlateDecode", data.clone()), stream(FORM, Vec::new()));
        let merged = checked(&file).unwrap_or_else(|fault| panic!("{left_out} bytes: {fault}"));
        let Some(texts) = page_texts(&merged) else { continue };
        assert_eq!(texts, ["summed"]);
    }
    data.pop();
    let cut = drawn(stream("/Filter/FlateDecode", data), stream(FORM, Vec::new()));
    assert_damaged("five bytes", checked(&cut));
}

#[test]
fn a_page_without_content_is_blank_in_a_whole_file_and_lost_in_a_damaged_one() {
    for content in ["", "/Contents null", "/Contents[]", "/Contents 9 0 R", "/Contents[9 0 R null]"]
    {
        let file = classic(
            &[
                plain("<</Type/Catalog/Pages 2 0 R>>"),
                plain("<</Type/Pages/Kids[3 0 R]/Count 1>>"),
                plain(format!("<</Type/Page/Parent 2 0 R/MediaBox[0 0 288 432]{content}>>")),
            ],
            "",
        );
        assert!(checked(&file).is_ok(), "{content}");
        let end = file.windows(4).position(|window| window == b"xref").unwrap();
        assert_damaged(content, merged(&file[..end]));
    }
}

#[test]
fn content_that_is_no_stream_is_a_fault() {
    for content in ["4 0 R", "[4 0 R]", "<</Length 9>>", "(text)", "[(text)]"] {
        let file = classic(
            &[
                plain("<</Type/Catalog/Pages 2 0 R>>"),
                plain("<</Type/Pages/Kids[3 0 R]/Count 1>>"),
                plain(format!(
                    "<</Type/Page/Parent 2 0 R/MediaBox[0 0 288 432]/Contents {content}>>"
                )),
                plain("<</Length 9>>"),
            ],
            "",
        );
        assert_damaged(content, checked(&file));
    }
}

#[test]
fn a_picture_of_a_damaged_file_that_does_not_unpack_is_a_fault() {
    let mut file = raster(2);
    let middle = file.len() / 2;
    file[middle] ^= 1;
    let end = file.windows(6).rposition(|window| window == b"\nxref\n").unwrap();
    assert_damaged("a bit", merged(&file[..end]));
}

#[test]
fn a_stream_whose_length_does_not_fit_is_looked_at_without_being_told() {
    let data = deflate(&word("a stream of some length"));
    let length = format!("/Length {}", data.len());
    let file = |data: Vec<u8>| {
        let (dictionary, data) = stream("/Filter/FlateDecode", data);
        let wrong = (dictionary.replace(&length, "/Length 7"), data);
        drawn(wrong, stream(FORM, Vec::new()))
    };
    assert!(merged(&file(data.clone())).is_ok());
    let mut changed = data;
    changed[9] ^= 1;
    assert_damaged("a bit", merged(&file(changed)));
}

#[test]
fn contents_that_unpack_to_more_than_any_label_are_refused() {
    let data = deflate(&vec![b' '; 70_000_000]);
    let content = || stream("/Filter/FlateDecode", data.clone());
    let file = classic(
        &[
            plain("<</Type/Catalog/Pages 2 0 R>>"),
            plain("<</Type/Pages/Kids[3 0 R]/Count 1>>"),
            plain("<</Type/Page/Parent 2 0 R/MediaBox[0 0 288 432]/Contents[4 0 R 5 0 R]>>"),
            content(),
            content(),
        ],
        "",
    );
    let outcome = checked(&file).map(|file| file.len());
    assert!(matches!(outcome, Err(MergeFault::TooLarge { limit: 134_217_728, .. })), "{outcome:?}");
}
