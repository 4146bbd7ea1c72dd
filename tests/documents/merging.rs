//! Many labels in one file: order, sizes, damage, and what hostile files may cost.

use std::io::Write as _;

use orderflow::documents::merge::{
    MergeFault, MergeOptions, Merged, PageSize, Placed, merge, merge_into, merge_with,
};
use orderflow::shipment::{Document, DocumentKind, LabelFormat};
use proptest::prelude::*;

use crate::labels::{
    Body, classic, deflate, encrypted, indirect_length, packed, plain, raster, small, stream,
    two_pages, updated, vector, word, zpl,
};
use crate::tools::{assert_sound, page_texts, picture};

fn pdf(bytes: Vec<u8>) -> Document {
    Document::new(DocumentKind::Label, LabelFormat::Pdf, bytes)
}

fn of(format: LabelFormat, bytes: impl Into<Vec<u8>>) -> Document {
    Document::new(DocumentKind::Label, format, bytes.into())
}

fn bytes(merged: &Merged) -> &[u8] {
    let [document] = merged.documents.as_slice() else { panic!("{merged:?}") };
    document.bytes.expose()
}

fn only_fault(document: Document) -> MergeFault {
    let merged = merge(&[document]);
    assert!(merged.documents.is_empty(), "{merged:?}");
    merged.items.into_iter().next().unwrap().unwrap_err()
}

fn count_of(haystack: &[u8], needle: &[u8]) -> usize {
    haystack.windows(needle.len()).filter(|window| *window == needle).count()
}

#[test]
fn pages_of_every_kind_of_file_come_in_batch_order() {
    let batch = [
        pdf(small("one")),
        pdf(packed(&two_pages("two", "three"))),
        pdf(classic(&two_pages("four", "five"), "")),
        pdf(packed(&indirect_length("six"))),
        pdf(raster(1)),
        pdf(vector(1)),
        pdf(small("last")),
    ];
    let merged = merge(&batch);
    assert_eq!(merged.faults().count(), 0, "{merged:?}");
    let places: Vec<(usize, usize)> =
        merged.items.iter().flatten().map(|placed| (placed.first, placed.count)).collect();
    assert_eq!(places, [(0, 1), (1, 2), (3, 2), (5, 1), (6, 1), (7, 1), (8, 1)]);
    assert_sound(bytes(&merged));
    let Some(texts) = page_texts(bytes(&merged)) else { return };
    assert_eq!(texts.len(), 9);
    assert_eq!(texts[..6], ["one", "two", "three", "four", "five", "six"]);
    assert_eq!(texts[8], "last");
}

#[test]
fn merged_pages_look_as_they_did_alone() {
    let files = [
        raster(7),
        vector(7),
        packed(&two_pages("a", "turned")),
        classic(&two_pages("b", "c"), ""),
    ];
    let batch: Vec<Document> = files.iter().cloned().map(pdf).collect();
    let merged = merge(&batch);
    for (file, item) in files.iter().zip(&merged.items) {
        let placed = item.as_ref().unwrap();
        for page in 0..placed.count {
            let Some(alone) = picture(file, page + 1, 60) else { return };
            let together = picture(bytes(&merged), placed.first + page + 1, 60).unwrap();
            assert!(alone.2.iter().any(|dot| *dot < 128), "the page is blank");
            assert!(alone == together, "page {page} of {placed:?} changed");
        }
    }
}

#[test]
fn what_cannot_be_taken_costs_only_itself_and_is_named_by_its_place() {
    let mut cut = small("cut");
    cut.truncate(200);
    let batch = [
        pdf(small("first")),
        pdf(encrypted()),
        pdf(Vec::new()),
        pdf(cut),
        of(LabelFormat::Pdf, raster_png()),
        pdf(b"<html>service unavailable</html>".to_vec()),
        of(LabelFormat::Other("DPL".to_owned()), "\x02L"),
        pdf(classic(&[plain("<</Type/Catalog/Pages 2 0 R>>"), plain("<</Kids[]/Count 0>>")], "")),
        pdf(small("second")),
    ];
    let merged = merge(&batch);
    let faults: Vec<(usize, &MergeFault)> = merged.faults().collect();
    assert_eq!(
        faults.iter().map(|(place, _)| *place).collect::<Vec<_>>(),
        [1, 2, 3, 4, 5, 6, 7],
        "{faults:?}"
    );
    assert_eq!(*faults[0].1, MergeFault::Encrypted);
    assert_eq!(*faults[1].1, MergeFault::Empty);
    assert!(matches!(faults[2].1, MergeFault::Damaged { .. }), "{faults:?}");
    assert_eq!(
        *faults[3].1,
        MergeFault::WrongFormat { stated: LabelFormat::Pdf, found: Some(LabelFormat::Png) }
    );
    assert!(matches!(faults[4].1, MergeFault::Damaged { .. }), "{faults:?}");
    assert_eq!(*faults[5].1, MergeFault::Unsupported("DPL".to_owned()));
    assert_eq!(*faults[6].1, MergeFault::NoPages);
    assert_sound(bytes(&merged));
    let Some(texts) = page_texts(bytes(&merged)) else { return };
    assert_eq!(texts, ["first", "second"]);
}

/// A file of one page that says a word, with these entries in its dictionary.
fn page_with(entries: &str) -> Document {
    pdf(classic(
        &[
            plain("<</Type/Catalog/Pages 2 0 R>>"),
            plain("<</Type/Pages/Kids[3 0 R]/Count 1>>"),
            plain(format!("<</Type/Page/Parent 2 0 R/Resources<</Font<</F1 6 0 R>>>>{entries}>>")),
            stream("", word("sized")),
            plain("288"),
            plain("<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"),
            stream("", word("other")),
        ],
        "",
    ))
}

#[test]
fn a_page_of_a_size_that_no_paper_has_costs_only_its_file() {
    let sizes = [
        "[0 0 0 0]",
        "[0 0 288 0]",
        "[0 0 0.5 432]",
        "[0 0 288]",
        "[0 0 (288) 432]",
        "[0 0 +inf 432]",
        "[0 0 nan 432]",
        "[0 0 288 9 0 R]",
        "288",
        "[0 0 288 -]",
    ];
    for size in sizes {
        let fault = only_fault(page_with(&format!("/MediaBox {size}/Contents 4 0 R")));
        assert!(matches!(fault, MergeFault::Damaged { .. }), "{size}: {fault:?}");
    }
    for size in ["[0 0 14401 432]", "[-9000 0 9000 432]", "[0 0 288 1000000000000000000000]"] {
        let fault = only_fault(page_with(&format!("/MediaBox {size}/Contents 4 0 R")));
        assert!(matches!(fault, MergeFault::TooLarge { limit: 14_400, .. }), "{size}: {fault:?}");
    }
    let batch =
        [pdf(small("one")), page_with("/MediaBox[0 0 0 0]/Contents 4 0 R"), pdf(small("two"))];
    let merged = merge(&batch);
    assert_eq!(merged.faults().map(|(place, _)| place).collect::<Vec<_>>(), [1]);
    assert_sound(bytes(&merged));
    let Some(texts) = page_texts(bytes(&merged)) else { return };
    assert_eq!(texts, ["one", "two"]);
}

#[test]
fn corners_in_another_order_are_put_in_theirs_and_an_empty_window_is_none() {
    let written = |entries: &str| {
        let merged = merge(&[page_with(&format!("{entries}/Contents 4 0 R"))]);
        assert_eq!(merged.faults().count(), 0, "{entries}: {merged:?}");
        assert_sound(bytes(&merged));
        String::from_utf8_lossy(bytes(&merged)).into_owned()
    };
    let turned = written("/MediaBox[288 432.5 0 0]/CropBox[ 280 0 8 432 ]");
    assert!(turned.contains("/MediaBox [0 0 288 432.5]"), "{turned}");
    assert!(turned.contains("/CropBox [8 0 280 432]"), "{turned}");
    // Each number may be an object of its own.
    assert!(written("/MediaBox[0 0 5 0 R 432]").contains("/MediaBox [0 0 "));
    for window in ["[0 0 0 0]", "[500 500 600 600]", "(none)"] {
        let whole = written(&format!("/MediaBox[0 0 288 432]/CropBox{window}"));
        assert!(!whole.contains("/CropBox"), "{whole}");
    }
}

#[test]
fn a_page_with_two_contents_is_refused_unless_they_are_one() {
    let twice = "/MediaBox[0 0 288 432]/Contents 4 0 R/Contents 7 0 R";
    assert!(matches!(only_fault(page_with(twice)), MergeFault::Damaged { .. }));
    let merged = merge(&[page_with("/MediaBox[0 0 288 432]/Contents 4 0 R/Contents 4 0 R")]);
    assert_eq!(count_of(bytes(&merged), b"/Contents"), 1);
    let Some(texts) = page_texts(bytes(&merged)) else { return };
    assert_eq!(texts, ["sized"]);
}

#[test]
fn a_page_tree_that_bites_its_tail_is_refused() {
    for kids in ["[2 0 R]", "[3 0 R 2 0 R]", "[4 0 R]"] {
        let fault = only_fault(pdf(classic(
            &[
                plain("<</Type/Catalog/Pages 2 0 R>>"),
                plain(format!("<</Type/Pages/Kids{kids}/Count 1/MediaBox[0 0 288 432]>>")),
                plain("<</Type/Page/Parent 2 0 R>>"),
                plain("<</Type/Pages/Kids[2 0 R]/Count 1>>"),
            ],
            "",
        )));
        assert_eq!(fault, MergeFault::Damaged { what: "the page tree forms a loop" }, "{kids}");
    }
}

#[test]
fn a_file_whose_table_is_wrong_is_read_by_its_objects() {
    let good = small("mended");
    // Lines that became longer on the way move every offset.
    let moved: Vec<u8> = [b"%PDF-1.4\n% mail gateway\n".as_slice(), &good[9..]].concat();
    let without_end = {
        let end = good.windows(4).position(|window| window == b"xref").unwrap();
        good[..end].to_vec()
    };
    let behind_noise = [b"HTTP/1.1 200 OK\r\n\r\n".as_slice(), &good].concat();
    let packed_without_end = {
        let file = packed(&indirect_length("mended"));
        let end = file.windows(9).rposition(|window| window == b"startxref").unwrap();
        file[..end].to_vec()
    };
    for (name, file) in [
        ("moved", moved),
        ("without end", without_end),
        ("behind noise", behind_noise),
        ("packed without end", packed_without_end),
    ] {
        let merged = merge(&[pdf(file)]);
        assert!(merged.items[0].is_ok(), "{name}: {:?}", merged.items);
        assert_sound(bytes(&merged));
        let Some(texts) = page_texts(bytes(&merged)) else { continue };
        assert_eq!(texts, ["mended"], "{name}");
    }
}

#[test]
fn a_lost_object_of_a_damaged_file_is_a_fault_and_no_blank_label() {
    let file = small("half");
    let from = file.windows(7).position(|window| window == b"4 0 obj").unwrap();
    let to = file.windows(7).position(|window| window == b"5 0 obj").unwrap();
    let lost = [&file[..from], &file[to..]].concat();
    assert!(matches!(only_fault(pdf(lost)), MergeFault::Damaged { .. }));
}

#[test]
fn a_newer_version_of_an_object_replaces_the_older_and_deleted_ones_are_null() {
    let (file, _) = updated();
    let merged = merge(&[pdf(file)]);
    assert!(merged.items[0].is_ok(), "{merged:?}");
    assert_sound(bytes(&merged));
    let Some(texts) = page_texts(bytes(&merged)) else { return };
    assert_eq!(texts, ["newer"]);
}

#[test]
fn fonts_and_logos_that_files_share_are_kept_once() {
    let logo = stream(
        "/Type/XObject/Subtype/Image/Width 64/Height 64/BitsPerComponent 8/ColorSpace/DeviceGray",
        (0..4096).map(|dot| (dot % 251) as u8).collect(),
    );
    let file = |text: &str| {
        let mut objects = indirect_length(text);
        objects[2].0 = objects[2].0.replace("/Resources<<", "/Resources<</XObject<</L 7 0 R>>");
        objects.push(logo.clone());
        classic(&objects, "")
    };
    let merged = merge(&[pdf(file("one")), pdf(small("between")), pdf(file("two"))]);
    assert_eq!(merged.faults().count(), 0);
    assert_eq!(count_of(bytes(&merged), b"/Width 64"), 1);
    assert_sound(bytes(&merged));
    // One that differs in a byte stays its own.
    let mut other = file("three");
    let at = other.windows(4).rposition(|window| window == [1, 2, 3, 4]).unwrap();
    other[at] = 9;
    let merged = merge(&[pdf(file("one")), pdf(other)]);
    assert_eq!(count_of(bytes(&merged), b"/Width 64"), 2);
}

#[test]
fn a_hidden_layer_stays_hidden() {
    let mut objects = indirect_length("shown");
    objects[0] =
        plain("<</Type/Catalog/Pages 2 0 R/OCProperties<</OCGs[7 0 R]/D<</OFF[7 0 R]>>>>>>");
    objects[2].0 = objects[2].0.replace("/Resources<<", "/Resources<</Properties<</Draft 7 0 R>>");
    let data = b"BT /F1 24 Tf 30 200 Td (shown) Tj ET /OC /Draft BDC 0 0 100 100 re f EMC".to_vec();
    objects[4] = plain(data.len().to_string());
    objects[3].1 = Some(data);
    objects.push(plain("<</Type/OCG/Name(Draft)>>"));
    let file = classic(&objects, "");
    let merged = merge(&[pdf(small("before")), pdf(file.clone())]);
    assert_sound(bytes(&merged));
    let (Some(alone), Some(together)) = (picture(&file, 1, 40), picture(bytes(&merged), 2, 40))
    else {
        return;
    };
    assert!(alone == together);
}

#[test]
fn a_link_to_another_page_brings_nothing_along() {
    let mut objects = two_pages("linked", "other");
    objects[3].0 = objects[3].0.replace("/Rotate 0", "/Rotate 0/Annots[10 0 R]");
    objects.push(plain(
        "<</Type/Annot/Subtype/Link/Rect[0 0 9 9]/Dest[5 0 R/Fit]/P 4 0 R/Root 1 0 R>>",
    ));
    let merged = merge(&[pdf(classic(&objects, ""))]);
    assert_eq!(count_of(bytes(&merged), b"/Type/Catalog"), 1);
    assert_sound(bytes(&merged));
}

#[test]
fn thousands_of_pages_hang_on_nodes_of_a_few() {
    let batch: Vec<Document> = (0..200).map(|number| pdf(small(&format!("n{number}")))).collect();
    let merged = merge(&batch);
    assert_sound(bytes(&merged));
    let Some(texts) = page_texts(bytes(&merged)) else { return };
    let expected: Vec<String> = (0..200).map(|number| format!("n{number}")).collect();
    assert_eq!(texts, expected);
}

#[test]
fn a_batch_written_away_piece_by_piece_is_the_same_file() {
    let batch = [pdf(raster(3)), pdf(encrypted()), pdf(vector(3)), pdf(small("end"))];
    let mut written = Vec::new();
    let items = merge_into(&batch, &MergeOptions::default(), &mut written).unwrap();
    assert_eq!(items[1], Err(MergeFault::Encrypted));
    assert_eq!(items[3], Ok(Placed { document: 0, first: 2, count: 1 }));
    assert_eq!(written, bytes(&merge(&batch)));
}

#[test]
fn a_full_disk_is_an_error_of_the_writer() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let fault = merge_into(&[pdf(small("x"))], &MergeOptions::default(), &mut Full).unwrap_err();
    assert_eq!(fault.kind(), std::io::ErrorKind::StorageFull);
}

#[test]
fn formats_are_grouped_and_never_mixed() {
    let batch = [
        of(LabelFormat::Zpl, zpl(1)),
        pdf(small("page")),
        of(LabelFormat::Epl, "N\nA50,50,0,3,1,1,N,\"1\"\nP1\n"),
        of(LabelFormat::Zpl, zpl(2)),
        of(LabelFormat::Png, raster_png()),
    ];
    let merged = merge(&batch);
    let formats: Vec<&LabelFormat> =
        merged.documents.iter().map(|document| &document.format).collect();
    assert_eq!(
        formats,
        [&LabelFormat::Zpl, &LabelFormat::Pdf, &LabelFormat::Epl, &LabelFormat::Pdf]
    );
    assert_eq!(merged.items[3], Ok(Placed { document: 0, first: 1, count: 1 }));
    assert_eq!(merged.items[4], Ok(Placed { document: 3, first: 0, count: 1 }));
    let among = merge_with(&batch, &MergeOptions::default().with_pictures_among_pages());
    assert_eq!(among.items[4], Ok(Placed { document: 1, first: 1, count: 1 }));
}

#[test]
fn a_format_of_which_nothing_could_be_taken_leaves_no_document_behind() {
    let merged = merge(&[pdf(encrypted()), of(LabelFormat::Zpl, zpl(1))]);
    assert_eq!(merged.documents.len(), 1);
    assert_eq!(merged.items[1], Ok(Placed { document: 0, first: 0, count: 1 }));
}

#[test]
fn printer_labels_are_taken_only_when_every_one_is_complete() {
    let zpl = |text: &str| merge(&[of(LabelFormat::Zpl, text)]).items[0].clone().map(|at| at.count);
    assert_eq!(zpl("^XA^FDone^FS^XZ\n^XA^FDtwo^FS^XZ"), Ok(2));
    assert_eq!(zpl("~DGR:LOGO.GRF,8,1,FF00FF00FF00FF00\n^XA^XGR:LOGO.GRF^FS^XZ"), Ok(1));
    assert_eq!(
        zpl("^xa^fdlower^fs^xz"),
        Err(MergeFault::WrongFormat { stated: LabelFormat::Zpl, found: None }).or(Ok(1))
    );
    assert!(zpl("^XA^FDnever ends").is_err());
    assert!(zpl("^XA^FDone^XA^FDtwo^XZ").is_err());
    assert!(zpl("^XZ").is_err());
    assert!(zpl("^CC+^XA+XZ").is_err());
    // Raw bytes that look like commands are part of the picture.
    assert_eq!(zpl("^XA^FO0,0^GFB,6,6,3,^XA^XZ^FS^XZ"), Ok(1));
    assert!(zpl("^XA^FO0,0^GFB,600,600,3,^XA^XZ^FS^XZ").is_err());
    assert_eq!(zpl("~DYR:L,B,P,4,1,^XZ~^XA^XZ"), Ok(1));

    let epl =
        |text: &[u8]| merge(&[of(LabelFormat::Epl, text)]).items[0].clone().map(|at| at.count);
    assert_eq!(epl(b"\nN\nA1,1,0,1,1,1,N,\"P1\"\nP1\n"), Ok(1));
    assert_eq!(epl(b"N\nGW0,0,2,2,\nP1\nA1\nP2,1\r\nN\nP1"), Ok(2));
    assert!(epl(b"N\nA1,1,0,1,1,1,N,\"x\"\n").is_err());
    assert!(epl(b"N\nGW0,0,20,20,ab\nP1\n").is_err());
}

#[test]
fn a_thousand_printer_labels_follow_each_other_byte_for_byte() {
    let batch: Vec<Document> = (0..1000).map(|index| of(LabelFormat::Zpl, zpl(index))).collect();
    let merged = merge(&batch);
    let expected: Vec<u8> = (0..1000).flat_map(zpl).collect();
    assert_eq!(bytes(&merged), expected);
}

/// A PNG file from its chunks.
fn png(header: [u8; 13], chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1A\n".to_vec();
    let all = [(b"IHDR", header.as_slice())].into_iter().chain(chunks.iter().copied());
    for (kind, data) in all.chain([(b"IEND", &[][..])]) {
        let mut sum = flate2::Crc::new();
        sum.update(kind);
        sum.update(data);
        file.write_all(&u32::try_from(data.len()).unwrap().to_be_bytes()).unwrap();
        file.write_all(kind).unwrap();
        file.write_all(data).unwrap();
        file.write_all(&sum.sum().to_be_bytes()).unwrap();
    }
    file
}

fn header(width: u32, height: u32, depth: u8, colour: u8) -> [u8; 13] {
    let mut header = [0; 13];
    header[..4].copy_from_slice(&width.to_be_bytes());
    header[4..8].copy_from_slice(&height.to_be_bytes());
    header[8] = depth;
    header[9] = colour;
    header
}

/// A label of 203 dpi as a picture: a black square of 100 dots in the upper left, else white.
fn raster_png() -> Vec<u8> {
    let mut rows = Vec::new();
    for y in 0..1218 {
        rows.push(0);
        rows.extend((0..102).map(|byte| if y < 100 && byte < 12 { 0 } else { 0xFF }));
    }
    png(header(812, 1218, 1, 0), &[(b"IDAT", &deflate(&rows))])
}

/// The black dots of a page at 72 dpi: left, top, right and bottom ends.
fn black_box(pdf: &[u8]) -> Option<(usize, usize, usize, usize)> {
    let (width, _, dots) = picture(pdf, 1, 72)?;
    let black = || dots.iter().enumerate().filter(|(_, dot)| **dot < 100).map(|(at, _)| at);
    Some((
        black().map(|at| at % width).min()?,
        black().map(|at| at / width).min()?,
        black().map(|at| at % width).max()? + 1,
        black().map(|at| at / width).max()? + 1,
    ))
}

#[test]
fn a_picture_is_printed_at_its_own_resolution() {
    let mut document = of(LabelFormat::Png, raster_png());
    document.dpi = Some(203);
    let merged = merge(std::slice::from_ref(&document));
    assert_sound(bytes(&merged));
    // 96 by 100 dots of 203 dpi are 34 by 35 points.
    let Some(found) = black_box(bytes(&merged)) else { return };
    assert_eq!(found, (0, 0, 34, 36));
    // Half the size at twice the resolution, in the middle of the page.
    document.dpi = Some(406);
    let Some(found) = black_box(bytes(&merge(std::slice::from_ref(&document)))) else { return };
    assert_eq!(found, (72, 108, 89, 126));
    // Turned where it fits only so, and refused where it does not fit at all.
    document.dpi = Some(203);
    let wide = MergeOptions::default().with_page(PageSize { width: 6_000, height: 4_000 });
    assert!(merge_with(std::slice::from_ref(&document), &wide).items[0].is_ok());
    document.dpi = Some(100);
    assert_eq!(only_fault(document), MergeFault::DoesNotFit { width: 8_120, height: 12_180 });
}

#[test]
fn pictures_with_palettes_transparency_and_passes_show_the_same() {
    let palette: Vec<u8> = [[255, 255, 255], [0, 0, 0]].concat();
    let rows: Vec<u8> = [[0, 0b1111_0000], [0, 0b1111_0000]].concat();
    let indexed = png(header(8, 2, 1, 3), &[(b"PLTE", &palette), (b"IDAT", &deflate(&rows))]);
    let through = |dots: [u8; 4]| -> Vec<u8> { [&[0][..], &dots.repeat(4), &[0; 16]].concat() };
    // Black, then nothing at all: what is transparent is paper.
    let clear = {
        let row = through([0, 0, 0, 255]);
        png(header(8, 2, 8, 6), &[(b"IDAT", &deflate(&row.repeat(2)))])
    };
    for (name, file) in [("palette", indexed), ("transparent", clear)] {
        let merged = merge(&[of(LabelFormat::Png, file)]);
        assert!(merged.items[0].is_ok(), "{name}: {merged:?}");
        assert_sound(bytes(&merged));
        // Eight by two dots are turned to fill the upright page: the left half is now above.
        let Some((left, top, right, bottom)) = black_box(bytes(&merged)) else { continue };
        assert!(bottom - top > right - left, "{name}: {left} {top} {right} {bottom}");
    }
    let mut interlaced = header(1, 1, 8, 0);
    interlaced[12] = 1;
    let one = png(interlaced, &[(b"IDAT", &deflate(&[0, 0]))]);
    assert!(merge(&[of(LabelFormat::Png, one)]).items[0].is_ok());
}

#[test]
fn a_picture_whose_sum_is_wrong_is_refused() {
    let mut file = raster_png();
    let middle = file.len() / 2;
    file[middle] ^= 1;
    assert!(matches!(only_fault(of(LabelFormat::Png, file)), MergeFault::Damaged { .. }));
    let huge = png(header(60_000, 60_000, 8, 0), &[(b"IDAT", &deflate(&[0; 9]))]);
    assert!(matches!(only_fault(of(LabelFormat::Png, huge)), MergeFault::TooLarge { .. }));
}

/// Files made to cost more than they weigh.
fn bombs() -> Vec<(&'static str, Vec<u8>)> {
    let catalogue = plain("<</Type/Catalog/Pages 2 0 R>>");
    let page = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]";
    let own_kid: Vec<Body> = vec![catalogue.clone(), plain("<</Type/Pages/Kids[2 0 R]/Count 1>>")];
    let doubling: Vec<Body> = std::iter::once(catalogue.clone())
        .chain((2..60).map(|number| {
            plain(format!("<</Type/Pages/Kids[{0} 0 R {0} 0 R]/Count 2>>", number + 1))
        }))
        .chain([plain(format!("{page}>>"))])
        .collect();
    let many_kids = vec![
        catalogue.clone(),
        plain(format!("<</Type/Pages/Kids[{}]/Count 9>>", "3 0 R ".repeat(200_000))),
        plain(format!("{page}>>")),
    ];
    let fat_pages = vec![
        catalogue.clone(),
        plain(format!("<</Type/Pages/Kids[{}]/Count 9>>", "3 0 R ".repeat(9_000))),
        plain(format!("{page}/X[{}]>>", "0 ".repeat(100_000))),
    ];
    let deep = vec![catalogue.clone(), plain(format!("<</Kids{}", "[".repeat(500_000)))];
    let zeros = {
        let table = deflate(&vec![0; 200_000_000]);
        let mut file = b"%PDF-1.5\n".to_vec();
        let dictionary = format!(
            "<</Type/XRef/Size 9/W[1 4 1]/Root 1 0 R/Filter/FlateDecode/Length {}>>",
            table.len()
        );
        crate::labels::write_object(&mut file, 1, &(dictionary, Some(table)));
        file.extend_from_slice(b"startxref\n9\n%%EOF\n");
        file
    };
    let tables = {
        let mut file = b"%PDF-1.4\n".to_vec();
        file.extend_from_slice(
            b"xref\n0 1\n0000000000 65535 f \ntrailer\n<</Root 1 0 R/Prev 9>>\nstartxref\n9\n%%EOF\n",
        );
        file
    };
    let mut inside = b"%PDF-1.4\n".to_vec();
    for number in 1..200_000 {
        write!(inside, "{number} 0 obj (").unwrap();
    }
    let mut trailers = b"%PDF-1.4\n".to_vec();
    trailers.extend(b"trailer<<".repeat(200_000));
    vec![
        ("a node that is its own kid", classic(&own_kid, "")),
        ("nodes that double", classic(&doubling, "")),
        ("one page very often", classic(&many_kids, "")),
        ("a large page often", classic(&fat_pages, "")),
        ("brackets without end", classic(&deep, "")),
        ("a table of zeros", zeros),
        ("a table before itself", tables),
        ("objects inside each other", inside),
        ("trailers inside each other", trailers),
    ]
}

#[test]
fn files_made_to_cost_more_than_they_weigh_are_refused_soon() {
    for (name, file) in bombs() {
        let begun = std::time::Instant::now();
        let fault = only_fault(pdf(file));
        assert!(
            matches!(fault, MergeFault::Damaged { .. } | MergeFault::TooLarge { .. }),
            "{name}: {fault}"
        );
        // Far above what any of them needs, far below what an unbounded reader takes.
        assert!(begun.elapsed().as_secs() < 20, "{name} took {:?}", begun.elapsed());
    }
}

fn seeds() -> Vec<Vec<u8>> {
    vec![
        small("seed"),
        packed(&two_pages("seed", "two")),
        classic(&two_pages("seed", "two"), ""),
        png(header(8, 2, 1, 0), &[(b"IDAT", &deflate(&[0, 15, 0, 15]))]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 1 } else { 400 }))]

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), format in 0_u8..4) {
        let format = [LabelFormat::Pdf, LabelFormat::Png, LabelFormat::Zpl, LabelFormat::Epl][usize::from(format)].clone();
        let with_head = [b"%PDF-1.4\n".as_slice(), &bytes].concat();
        let merged = merge(&[of(format, bytes), pdf(with_head)]);
        prop_assert_eq!(merged.items.len(), 2);
    }

    #[test]
    fn a_changed_file_is_taken_or_refused_and_its_neighbours_stay(
        seed in 0_usize..4,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..4), 1..12),
    ) {
        let mut file = seeds().swap_remove(seed);
        for (at, byte, kind) in changes {
            let at = at.index(file.len());
            match kind {
                0 => file[at] = byte,
                1 => { file.remove(at); }
                2 => file.insert(at, byte),
                _ => file[at] = b"0123456789<>[]()/ R"[usize::from(byte) % 19],
            }
        }
        let format = if seed == 3 { LabelFormat::Png } else { LabelFormat::Pdf };
        let options = MergeOptions::default().with_pictures_among_pages();
        let batch = [pdf(small("before")), of(format, file), pdf(small("after"))];
        let merged = merge_with(&batch, &options);
        prop_assert!(merged.items[0].is_ok() && merged.items[2].is_ok());
        // What comes out can be read again, page for page.
        let pages: usize = merged.items.iter().flatten().map(|placed| placed.count).sum();
        let again = merge(&merged.documents);
        let count = again.items[0].as_ref().map(|placed| placed.count);
        prop_assert_eq!(count, Ok(pages));
    }
}
