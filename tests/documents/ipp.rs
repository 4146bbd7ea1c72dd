//! Print servers: a real one from CUPS, and answers that a real one seldom gives.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use orderflow::client::{ReqwestTransport, Response, Transport, TransportError, WireRequest};
use orderflow::documents::ipp::IppPrinter;
use orderflow::ports::{PrintJob, PrintTransport};
use orderflow::shipment::{Document, DocumentKind, LabelFormat};
use orderflow::{ErrorKind, Retry};
use proptest::prelude::*;

use crate::tools::skip;

fn job(format: LabelFormat, bytes: &[u8]) -> PrintJob {
    PrintJob::new("wave-1 São Paulo", Document::new(DocumentKind::Label, format, bytes.to_vec()))
}

/// What a test started dies with it.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// CUPS with one queue, whose jobs stay in the spool. Says when it does not run here.
async fn cups(folder: &Path) -> Option<(Running, u16)> {
    let port = {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        free.local_addr().unwrap().port()
    };
    let root = folder.display();
    let write = |name: &str, text: String| std::fs::write(folder.join(name), text).unwrap();
    for name in ["spool", "cache", "state", "log"] {
        std::fs::create_dir(folder.join(name)).unwrap();
    }
    let open = "Order allow,deny\nAllow all\n";
    write(
        "cupsd.conf",
        format!(
            "Listen 127.0.0.1:{port}\nDefaultAuthType None\nBrowsing No\nWebInterface No\n\
             PreserveJobFiles Yes\n<Location />\n{open}</Location>\n\
             <Policy default>\n<Limit All>\n{open}</Limit>\n</Policy>\n"
        ),
    );
    write(
        "cups-files.conf",
        format!(
            "FileDevice Yes\nServerRoot {root}\nRequestRoot {root}/spool\nCacheDir {root}/cache\n\
             StateDir {root}/state\nAccessLog {root}/log/access\nErrorLog {root}/log/error\n\
             PageLog {root}/log/page\n"
        ),
    );
    // Stopped: a job waits, and nothing of it is lost.
    write(
        "printers.conf",
        "<Printer labels>\nDeviceURI file:///dev/null\nState Stopped\nAccepting Yes\n\
         Shared No\n</Printer>\n"
            .to_owned(),
    );
    let started = Command::new("cupsd")
        .arg("-f")
        .arg("-c")
        .arg(folder.join("cupsd.conf"))
        .arg("-s")
        .arg(folder.join("cups-files.conf"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let running = match started {
        Ok(child) => Running(child),
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => {
            skip("cupsd is not installed");
            return None;
        }
        Err(fault) => panic!("cupsd: {fault}"),
    };
    // Another program needs real time to begin.
    for _ in 0..500 {
        if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            return Some((running, port));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    println!("skipped: cupsd does not start here, as without the rights of root");
    None
}

#[tokio::test]
async fn a_real_print_server_takes_the_document_to_its_last_byte() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_running, port)) = cups(folder.path()).await else { return };
    let transport = Arc::new(ReqwestTransport::new().unwrap());
    let queue = |name: &str| format!("ipp://127.0.0.1:{port}/printers/{name}");
    let printer = IppPrinter::new(&queue("labels"), transport.clone()).unwrap();
    let label = small_label();
    for (format, bytes) in
        [(LabelFormat::Pdf, label.as_slice()), (LabelFormat::Zpl, b"^XA^FDhi^FS^XZ")]
    {
        let receipt = printer.print(&job(format, bytes)).await.unwrap();
        let number: u32 = receipt.reference.unwrap().parse().unwrap();
        // What lies in the spool is what was sent.
        let spooled = folder.path().join(format!("spool/d{number:05}-001"));
        assert_eq!(std::fs::read(spooled).unwrap(), bytes);
    }
    let elsewhere = IppPrinter::new(&queue("nobodys"), transport).unwrap();
    let refused = elsewhere.print(&job(LabelFormat::Pdf, &label)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotFound, "{refused}");
}

/// A small sound label.
fn small_label() -> Vec<u8> {
    use orderflow::documents::paper::{Block, Fonts, Paper};
    let paper = Paper::new("label").with(Block::Lines(vec!["Ana Núñez".to_owned()]));
    paper.pdf(&Fonts::default()).bytes.expose().clone()
}

#[derive(Debug)]
enum Says {
    This(u16, Vec<u8>),
    Nothing { sent: bool },
}

/// A print server that says what it is told, and remembers what it was sent.
#[derive(Debug)]
struct Server {
    says: Says,
    asked: Mutex<Vec<WireRequest>>,
}

#[async_trait]
impl Transport for Server {
    async fn send(&self, request: WireRequest) -> Result<Response, TransportError> {
        self.asked.lock().unwrap().push(request);
        match &self.says {
            Says::This(status, body) => Ok(Response {
                status: StatusCode::from_u16(*status).unwrap(),
                headers: HeaderMap::new(),
                body: Bytes::copy_from_slice(body),
            }),
            Says::Nothing { sent: true } => Err(TransportError::after_send("reset")),
            Says::Nothing { sent: false } => Err(TransportError::before_send("refused")),
        }
    }
}

fn server(says: Says) -> Arc<Server> {
    Arc::new(Server { says, asked: Mutex::default() })
}

/// An answer with a status, and a job number if there is one.
fn answer(status: u16, job: Option<i32>) -> Vec<u8> {
    let mut bytes = vec![1, 1];
    bytes.extend(status.to_be_bytes());
    bytes.extend(1_i32.to_be_bytes());
    bytes.push(0x01);
    for (tag, name, value) in
        [(0x47_u8, "attributes-charset", "utf-8"), (0x48, "attributes-natural-language", "en")]
    {
        bytes.push(tag);
        for text in [name, value] {
            bytes.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
            bytes.extend(text.as_bytes());
        }
    }
    if let Some(job) = job {
        bytes.extend([0x02, 0x21, 0, 6]);
        bytes.extend(b"job-id");
        bytes.extend([0, 4]);
        bytes.extend(job.to_be_bytes());
    }
    bytes.push(0x03);
    bytes
}

async fn printed(says: Says) -> Result<Option<String>, orderflow::Error> {
    let printer = IppPrinter::new("ipp://printer/queue", server(says)).unwrap();
    printer.print(&job(LabelFormat::Zpl, b"^XA^XZ")).await.map(|receipt| receipt.reference)
}

#[tokio::test(start_paused = true)]
async fn the_document_follows_the_attributes_byte_for_byte() {
    let server = server(Says::This(200, answer(0, Some(42))));
    let printer = IppPrinter::new("ipps://printer.example/queue?x=1", server.clone())
        .unwrap()
        .with_user("Kim");
    let receipt = printer.print(&job(LabelFormat::Zpl, b"^XA^FDhi^FS^XZ")).await.unwrap();
    assert_eq!((receipt.bytes, receipt.reference.as_deref()), (14, Some("42")));
    let asked = server.asked.lock().unwrap();
    let request = &asked[0];
    assert_eq!(request.url, "https://printer.example:631/queue?x=1");
    assert_eq!(request.headers.get("content-type").unwrap(), "application/ipp");
    // Print-Job, and the end of attributes right before the document.
    assert_eq!(request.body[2..4], [0, 2]);
    assert!(request.body.ends_with(b"\x03^XA^FDhi^FS^XZ"));
    let says = |text: &str| request.body.windows(text.len()).any(|part| part == text.as_bytes());
    for text in ["application/octet-stream", "wave-1 São Paulo", "Kim", "ipps://printer.example"] {
        assert!(says(text), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_may_have_printed_is_looked_at_before_it_prints_again() {
    let kind = async |says| printed(says).await.unwrap_err().kind();
    assert_eq!(kind(Says::Nothing { sent: false }).await, ErrorKind::Transient);
    assert_eq!(kind(Says::Nothing { sent: true }).await, ErrorKind::Ambiguous);
    assert_eq!(kind(Says::This(500, Vec::new())).await, ErrorKind::Ambiguous);
    assert_eq!(kind(Says::This(200, b"<html>".to_vec())).await, ErrorKind::Ambiguous);
    assert_eq!(kind(Says::This(404, Vec::new())).await, ErrorKind::NotFound);
    assert_eq!(kind(Says::This(401, Vec::new())).await, ErrorKind::AuthRejected);
    for (status, expected) in [
        (0x0506, ErrorKind::Transient),
        (0x0507, ErrorKind::Transient),
        (0x0504, ErrorKind::Ambiguous),
        (0x040A, ErrorKind::Rejected),
        (0x0403, ErrorKind::AuthRejected),
        (0x0406, ErrorKind::NotFound),
        // Nobody knows this one.
        (0x0999, ErrorKind::Rejected),
    ] {
        let error = printed(Says::This(200, answer(status, None))).await.unwrap_err();
        assert_eq!(error.kind(), expected, "{status:#06x}");
        assert!(error.to_string().contains(&format!("0x{status:04x}")), "{error}");
    }
    let lost = printed(Says::Nothing { sent: true }).await.unwrap_err();
    assert_eq!(lost.retry(), Retry::LookFirst);
    // Taken without a number is taken.
    assert_eq!(printed(Says::This(200, answer(1, None))).await.unwrap(), None);
}

#[test]
fn an_address_that_is_no_printers_is_told_at_once() {
    for wrong in ["", "printer", "http://printer/", "ipp://", "ipp:///queue", "ipp://a b/"] {
        let transport = server(Says::Nothing { sent: false });
        let error = IppPrinter::new(wrong, transport).unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::Configuration, Some("address")));
    }
}

proptest! {
    #[test]
    fn no_answer_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..120), cut in 0_usize..90) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let mut cut_off = answer(0, Some(7));
        cut_off.truncate(cut);
        cut_off.extend(&bytes);
        for body in [bytes, cut_off] {
            let _ = runtime.block_on(printed(Says::This(200, body)));
        }
    }
}
