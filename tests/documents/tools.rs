//! Programs that judge papers from outside. A test that needs one which is not installed says so.

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Runs a program on a file of these bytes, named by `{}`: whether it succeeded, what it gave, and
/// what it complained about. `None` when it is not installed.
pub(crate) fn run(
    program: &str,
    arguments: &[&str],
    bytes: &[u8],
) -> Option<(bool, Vec<u8>, String)> {
    let folder = tempfile::tempdir().unwrap();
    let file: PathBuf = folder.path().join("paper");
    std::fs::write(&file, bytes).unwrap();
    let file = file.display().to_string();
    let done = Command::new(program)
        .args(arguments.iter().map(|word| if *word == "{}" { file.as_str() } else { word }))
        .stdin(Stdio::null())
        .output();
    match done {
        Ok(done) => {
            let complaints = String::from_utf8_lossy(&done.stderr).into_owned();
            Some((done.status.success(), done.stdout, complaints))
        }
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => {
            skip(&format!("{program} is not installed"));
            None
        }
        Err(fault) => panic!("{program}: {fault}"),
    }
}

/// Says that a test skips what it would check; where all judges must be there, that is a failure.
pub(crate) fn skip(why: &str) {
    assert!(std::env::var_os("ORDERFLOW_JUDGES").is_none(), "{why}");
    println!("skipped: {why}");
}

/// Holds when `qpdf --check` finds nothing, or is not installed.
pub(crate) fn assert_sound(pdf: &[u8]) {
    if let Some((sound, _, complaints)) = run("qpdf", &["--check", "{}"], pdf) {
        assert!(sound && complaints.is_empty(), "{complaints}");
    }
}

/// The text of each page; `None` without the program.
pub(crate) fn page_texts(pdf: &[u8]) -> Option<Vec<String>> {
    let (sound, said, complaints) = run("pdftotext", &["-layout", "{}", "-"], pdf)?;
    assert!(sound, "{complaints}");
    let said = String::from_utf8(said).unwrap();
    let mut pages: Vec<String> = said.split('\u{c}').map(|page| page.trim().to_owned()).collect();
    pages.pop();
    Some(pages)
}

/// A page as grey dots: width, height, dots.
pub(crate) fn picture(pdf: &[u8], page: usize, dpi: u32) -> Option<(usize, usize, Vec<u8>)> {
    let (page, dpi) = (page.to_string(), dpi.to_string());
    let words = ["-gray", "-r", &dpi, "-f", &page, "-l", &page, "{}"];
    let (sound, said, complaints) = run("pdftoppm", &words, pdf)?;
    assert!(sound, "{complaints}");
    // `P5 width height 255` and the dots.
    let mut parts = said.splitn(4, |byte| *byte == b'\n' || *byte == b' ');
    assert_eq!(parts.next(), Some(&b"P5"[..]));
    let mut number =
        || std::str::from_utf8(parts.next().unwrap()).unwrap().parse::<usize>().unwrap();
    let (width, height) = (number(), number());
    let dots = parts.next().unwrap().split_at(4).1.to_vec();
    assert_eq!(dots.len(), width * height);
    Some((width, height, dots))
}
