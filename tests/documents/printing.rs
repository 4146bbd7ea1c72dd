//! Printers on loopback sockets, and folders.

use std::time::Duration;

use orderflow::documents::print::{PrintFolder, RawPrinter};
use orderflow::ports::{PrintJob, PrintTransport};
use orderflow::shipment::{Document, DocumentKind, LabelFormat};
use orderflow::{ErrorKind, Retry};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn job(name: &str, bytes: Vec<u8>) -> PrintJob {
    PrintJob::new(name, Document::new(DocumentKind::Label, LabelFormat::Zpl, bytes))
}

#[tokio::test]
async fn a_raw_printer_gets_every_byte_as_it_is() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let printer = RawPrinter::new(listener.local_addr().unwrap().to_string());
    let sent: Vec<u8> = (0..3_000_000_u32).map(|byte| (byte % 251) as u8).collect();
    let taken = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut taken = Vec::new();
        socket.read_to_end(&mut taken).await.unwrap();
        // Printers talk back; that must not cost the job.
        socket.write_all(b"\x02status\x03").await.unwrap();
        taken
    });
    let receipt = printer.print(&job("wave-1", sent.clone())).await.unwrap();
    assert_eq!(receipt.bytes, 3_000_000);
    assert_eq!(taken.await.unwrap(), sent);
}

#[tokio::test]
async fn a_printer_that_is_not_there_may_be_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let fault = RawPrinter::new(address).print(&job("x", b"^XA^XZ".to_vec())).await.unwrap_err();
    assert_eq!(fault.kind(), ErrorKind::Transient);
    assert!(matches!(fault.retry(), Retry::After(_)));
    let fault = RawPrinter::new("127.0.0.1:1").print(&job("x", Vec::new())).await.unwrap_err();
    assert_eq!(fault.field(), Some("document.bytes"));
}

#[tokio::test]
async fn an_address_that_can_never_work_is_to_be_mended_and_not_tried_again() {
    let wrong = [
        "",
        "printer",
        ":9100",
        "printer:",
        "printer:0",
        "printer:65536",
        "printer:+91",
        "a b:9100",
        "http://printer:9100",
        "printer..lan:9100",
        "[fe80::1:9100",
        "[printer]:9100",
        "p\n:9100",
    ];
    for address in wrong {
        let fault =
            RawPrinter::new(address).print(&job("x", b"^XA^XZ".to_vec())).await.unwrap_err();
        assert_eq!(fault.kind(), ErrorKind::Configuration, "{address}: {fault}");
        assert_eq!((fault.field(), fault.retry()), (Some("address"), Retry::Never), "{address}");
    }
    // These may work another day: nobody listens there now.
    for address in ["127.0.0.1:1", "[::1]:1"] {
        let fault =
            RawPrinter::new(address).print(&job("x", b"^XA^XZ".to_vec())).await.unwrap_err();
        assert_eq!(fault.kind(), ErrorKind::Transient, "{address}: {fault}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_printer_that_stops_half_way_is_to_be_looked_at() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let printer = RawPrinter::new(listener.local_addr().unwrap().to_string())
        .with_deadline(Duration::from_secs(20));
    // Nobody reads: what the system buffers is taken, the rest is not.
    let fault = printer.print(&job("x", vec![b'x'; 64 << 20])).await.unwrap_err();
    assert_eq!(fault.kind(), ErrorKind::Ambiguous, "{fault}");
    assert_eq!(fault.retry(), Retry::LookFirst);
    assert!(fault.message().contains("paper may have come out"));
}

#[tokio::test]
async fn a_folder_keeps_jobs_whole_and_never_replaces_one() {
    let folder = tempfile::tempdir().unwrap();
    let printer = PrintFolder::new(folder.path());
    let receipt = printer.print(&job("wave 1/../x", b"^XA^XZ".to_vec())).await.unwrap();
    let file = folder.path().join("wave_1____x.zpl");
    assert_eq!(receipt.reference, Some(file.display().to_string()));
    let fault = printer.print(&job("wave 1/../x", b"other".to_vec())).await.unwrap_err();
    assert_eq!(fault.kind(), ErrorKind::Conflict);
    assert_eq!(std::fs::read(&file).unwrap(), b"^XA^XZ");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "a draft is left");
    let fault = printer.print(&job("../..", b"x".to_vec())).await.unwrap_err();
    assert_eq!(fault.field(), Some("name"));
    let gone = PrintFolder::new(folder.path().join("gone"));
    assert_eq!(gone.print(&job("a", b"x".to_vec())).await.unwrap_err().kind(), ErrorKind::Storage);
}
