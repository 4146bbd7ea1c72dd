//! Merging labels: 100 and 1,000 files of one page into one PDF, in memory and from files to a file.
//!
//! ```text
//! cargo bench --features documents --bench merge -- [--quick]
//! ```
//!
//! Family R is a raster label of about 21 KB, V a vector label with an embedded font of about 23 KB.
//! `limit` is a merge written for exactly these files: it trusts every table, copies the bytes of each
//! object and changes only the numbers, so it shows what copying costs. The bar is twice its time.
//! Also 1,000 printer labels of 2 KB, and the memory that a merge takes beyond its input.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs,
    reason = "a bench that panics has failed"
)]

#[path = "../tests/documents/labels.rs"]
mod labels;

use std::hint::black_box;
use std::time::Instant;

use orderflow::documents::merge::{Merged, merge};
use orderflow::shipment::{Document, DocumentKind, LabelFormat};

/// The number of a decimal at the start of some bytes.
fn decimal(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0'))
}

/// Copies a dictionary with other numbers in its references.
fn copy_with(text: &[u8], base: usize, output: &mut Vec<u8>) {
    let mut at = 0;
    let mut copied = 0;
    while at < text.len() {
        if !text[at].is_ascii_digit() || (at > 0 && !matches!(text[at - 1], b' ' | b'[' | b'\n')) {
            at += 1;
            continue;
        }
        let digits = text[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if text[at + digits..].starts_with(b" 0 R") {
            output.extend_from_slice(&text[copied..at]);
            output.extend_from_slice((decimal(&text[at..]) + base).to_string().as_bytes());
            copied = at + digits;
        }
        at += digits;
    }
    output.extend_from_slice(&text[copied..]);
}

/// The merge that trusts everything.
fn limit(batch: &[Document]) -> Vec<u8> {
    let room = batch.iter().map(|document| document.bytes.expose().len() + 256).sum();
    let mut output: Vec<u8> = Vec::with_capacity(room);
    output.extend_from_slice(b"%PDF-1.7\n");
    let mut offsets = vec![0, 0];
    let mut roots = Vec::new();
    for document in batch {
        let file = document.bytes.expose();
        let tail = &file[file.len() - 40..];
        let at = tail.windows(10).position(|window| window == b"startxref\n").unwrap();
        let table = decimal(&tail[at + 10..]);
        let count = decimal(&file[table + 7..]);
        let base = offsets.len();
        let rows = &file[table + 7 + count.to_string().len() + 1..];
        for number in 1..count {
            let start = decimal(&rows[number * 20..]);
            let end = if number + 1 < count { decimal(&rows[number * 20 + 20..]) } else { table };
            let object = &file[start..end];
            offsets.push(output.len());
            output.extend_from_slice((number + base).to_string().as_bytes());
            let body = &object[number.to_string().len()..];
            let dictionary = memchr::memmem::find(body, b"stream\n").unwrap_or(body.len());
            if body[..dictionary].starts_with(b" 0 obj\n<</Type/Pages/") {
                roots.push(number + base);
                output.extend_from_slice(b" 0 obj\n<</Parent 2 0 R");
                copy_with(&body[9..dictionary], base, &mut output);
            } else {
                copy_with(&body[..dictionary], base, &mut output);
            }
            output.extend_from_slice(&body[dictionary..]);
        }
    }
    offsets[0] = output.len();
    output.extend_from_slice(b"1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n");
    offsets[1] = output.len();
    output.extend_from_slice(
        format!("2 0 obj\n<</Type/Pages/Count {}/Kids[", roots.len()).as_bytes(),
    );
    for root in roots {
        output.extend_from_slice(format!("{root} 0 R ").as_bytes());
    }
    output.extend_from_slice(b"]>>\nendobj\n");
    let table = output.len();
    output.extend_from_slice(
        format!("xref\n0 {}\n0000000000 65535 f \n", offsets.len() + 1).as_bytes(),
    );
    for offset in &offsets {
        output.extend_from_slice(format!("{offset:010} 00000 n \n").as_bytes());
    }
    output.extend_from_slice(
        format!("trailer\n<</Root 1 0 R/Size {}>>\nstartxref\n{table}\n%%EOF\n", offsets.len() + 1)
            .as_bytes(),
    );
    output
}

fn pages(pdf: &[u8]) -> usize {
    let merged = merge(&[Document::new(DocumentKind::Label, LabelFormat::Pdf, pdf.to_vec())]);
    merged.items[0].as_ref().unwrap().count
}

fn bytes(merged: &Merged) -> &[u8] {
    assert_eq!(merged.faults().count(), 0);
    merged.documents[0].bytes.expose()
}

/// The most memory this process ever held, and what it holds, in KB.
fn memory() -> Option<(u64, u64)> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse().ok()
    };
    Some((field("VmHWM:")?, field("VmRSS:")?))
}

fn median(times: &mut [f64]) -> (f64, f64, f64) {
    times.sort_by(f64::total_cmp);
    (times[times.len() / 2], times[0], times[times.len() - 1])
}

fn race(name: &str, batch: &[Document]) {
    let input: usize = batch.iter().map(|document| document.bytes.expose().len()).sum();
    let ours = merge(batch);
    let theirs = limit(batch);
    assert_eq!(pages(bytes(&ours)), batch.len());
    assert_eq!(pages(&theirs), batch.len());
    let output = bytes(&ours).len();
    if let Some(folder) = std::env::var_os("MERGE_OUT") {
        let folder = std::path::PathBuf::from(folder);
        std::fs::write(folder.join(format!("{name}-{}.pdf", batch.len())), bytes(&ours)).unwrap();
        std::fs::write(folder.join(format!("{name}-{}-limit.pdf", batch.len())), &theirs).unwrap();
    }
    drop((ours, theirs));
    let ratio = output as f64 / input as f64;
    compare(
        name,
        (batch.len(), ratio),
        || drop(black_box(limit(black_box(batch)))),
        || drop(black_box(merge(black_box(batch)))),
    );
    let folder = std::env::temp_dir().join(format!("orderflow-merge-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = |index: usize| folder.join(format!("{index}.pdf"));
    for (index, document) in batch.iter().enumerate() {
        std::fs::write(path(index), document.bytes.expose()).unwrap();
    }
    let read = || -> Vec<Document> {
        let read = |index| std::fs::read(path(index)).unwrap();
        let label = |bytes| Document::new(DocumentKind::Label, LabelFormat::Pdf, bytes);
        (0..batch.len()).map(read).map(label).collect()
    };
    let (theirs, ours) = (folder.join("limit.pdf"), folder.join("merged.pdf"));
    compare(
        &format!("{name}, files"),
        (batch.len(), ratio),
        || std::fs::write(&theirs, limit(&read())).unwrap(),
        || std::fs::write(&ours, bytes(&merge(&read()))).unwrap(),
    );
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Both in turn, `theirs` first.
fn compare(
    name: &str,
    (count, ratio): (usize, f64),
    mut theirs: impl FnMut(),
    mut ours: impl FnMut(),
) {
    // The first file of memory touched costs more than the later ones.
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..15 {
        for (contestant, times) in times.iter_mut().enumerate() {
            let begun = Instant::now();
            if contestant == 0 {
                theirs()
            } else {
                ours()
            }
            times.push(begun.elapsed().as_secs_f64());
        }
    }
    let [mut limits, mut ours] = times;
    let (limit_median, limit_least, limit_most) = median(&mut limits);
    let (median, least, most) = median(&mut ours);
    println!(
        "{name:<8} {count:>5} files  {:>8.0} pages/s ({:.2} ms, of {:.2} to {:.2})  limit {:.2} ms (of \
         {:.2} to {:.2})  ratio {:.2}, bar 2  output/input {ratio:.3}",
        count as f64 / median,
        median * 1e3,
        least * 1e3,
        most * 1e3,
        limit_median * 1e3,
        limit_least * 1e3,
        limit_most * 1e3,
        median / limit_median,
    );
}

fn main() {
    let quick = std::env::args().any(|word| word == "--quick");
    let counts: &[usize] = if quick { &[100] } else { &[100, 1_000] };
    let most = *counts.last().unwrap();
    let label = |bytes| Document::new(DocumentKind::Label, LabelFormat::Pdf, bytes);
    let raster: Vec<Document> = (0..most).map(|index| label(labels::raster(index))).collect();
    let input: usize = raster.iter().map(|document| document.bytes.expose().len()).sum();
    if let Some((_, before)) = memory() {
        // Nothing was merged before this, so the peak is its own.
        let merged = merge(&raster);
        let (peak, _) = memory().unwrap();
        println!(
            "memory: {:.2} times the input of {:.1} MB beside it",
            peak.saturating_sub(before) as f64 * 1024.0 / input as f64,
            input as f64 / 1e6
        );
        drop(black_box(merged));
    }
    let vector: Vec<Document> = (0..most).map(|index| label(labels::vector(index))).collect();
    for count in counts {
        race("R", &raster[..*count]);
        race("V", &vector[..*count]);
    }
    let zpl: Vec<Document> = (0..most)
        .map(|index| Document::new(DocumentKind::Label, LabelFormat::Zpl, labels::zpl(index)))
        .collect();
    let mut times: Vec<f64> = (0..15)
        .map(|_| {
            let begun = Instant::now();
            assert_eq!(black_box(merge(black_box(&zpl))).documents.len(), 1);
            begun.elapsed().as_secs_f64()
        })
        .collect();
    let (median, least, most) = median(&mut times);
    println!(
        "ZPL {:>4} labels  {:>8.0} labels/s ({:.2} ms, of {:.2} to {:.2})",
        zpl.len(),
        zpl.len() as f64 / median,
        median * 1e3,
        least * 1e3,
        most * 1e3
    );
}
