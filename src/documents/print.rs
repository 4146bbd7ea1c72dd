//! Printers on the network and files in a folder, behind [`PrintTransport`].
//!
//! Port 9100 takes bytes as they are and says nothing back: settings of a driver, such as turning or
//! scaling, do not apply.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use tokio::io::AsyncWrite as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use crate::error::{Error, ErrorKind, Result};
use crate::ports::{PrintJob, PrintReceipt, PrintTransport};

/// How long a job may take, connecting included.
const DEADLINE: Duration = Duration::from_secs(60);

/// How long to wait for the printer to close after the last byte; many never do.
const FAREWELL: Duration = Duration::from_secs(2);

/// A printer that takes bytes as they are, usually on port 9100.
#[derive(Debug, Clone)]
pub struct RawPrinter {
    address: String,
    deadline: Duration,
}

impl RawPrinter {
    /// A printer at `host:port`; an address of IPv6 stands in brackets. One that can never work is
    /// an [`ErrorKind::Configuration`] of the first job, which names the field `address`.
    #[must_use]
    pub fn new(address: impl Into<String>) -> Self {
        Self { address: address.into(), deadline: DEADLINE }
    }

    /// How long a job may take; 60 seconds unless told.
    #[must_use]
    pub const fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Told before anything is tried: what no network can mend is not to be tried again.
    fn check_address(&self) -> Result<()> {
        address_fault(&self.address).map_or(Ok(()), |why| {
            Err(Error::new(ErrorKind::Configuration, why)
                .with_field("address")
                .with_operation("raw printer", "print")
                .with_context("printer", &self.address))
        })
    }

    fn fault(&self, sent: usize, total: usize, what: &str) -> Error {
        let (kind, words) = if sent == 0 {
            (ErrorKind::Transient, format!("{what}; nothing was sent"))
        } else {
            let words = format!("{what} after {sent} of {total} bytes; paper may have come out");
            (ErrorKind::Ambiguous, words)
        };
        Error::new(kind, words)
            .with_operation("raw printer", "print")
            .with_context("printer", &self.address)
    }
}

/// Why nothing can be reached at an address.
fn address_fault(address: &str) -> Option<&'static str> {
    let Some((host, port)) = address.rsplit_once(':') else {
        return Some("the address has no port; it is written host:port");
    };
    if !port.bytes().all(|byte| byte.is_ascii_digit())
        || !port.parse::<u16>().is_ok_and(|port| port > 0)
    {
        return Some("the port is no number from 1 to 65535");
    }
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    if let Some(bare) = bare {
        // A zone, as in `fe80::1%eth0`, names a network of this machine.
        let plain = bare.split_once('%').map_or(bare, |(plain, _)| plain);
        let known = plain.parse::<std::net::Ipv6Addr>().is_ok();
        return (!known).then_some("what stands in brackets is no address of IPv6");
    }
    if host.parse::<std::net::IpAddr>().is_ok() {
        return None;
    }
    let labels = host.strip_suffix('.').unwrap_or(host);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '-' | '_'))
    };
    match labels {
        "" => Some("the address has no host; it is written host:port"),
        _ if labels.len() > 253 || !labels.split('.').all(is_label) => {
            Some("the host is neither a name nor a number of a network")
        }
        _ => None,
    }
}

#[async_trait]
impl PrintTransport for RawPrinter {
    async fn print(&self, job: &PrintJob) -> Result<PrintReceipt> {
        let bytes = job.document.bytes.expose();
        if bytes.is_empty() {
            return Err(Error::invalid("document.bytes", "there is nothing to print"));
        }
        self.check_address()?;
        let end = Instant::now() + self.deadline;
        let total = bytes.len();
        let mut stream = match timeout_at(end, TcpStream::connect(&self.address)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(fault)) => {
                return Err(self.fault(0, total, "no connection").with_source(fault));
            }
            Err(_) => return Err(self.fault(0, total, "no connection within the deadline")),
        };
        let mut sent = 0;
        while let Some(rest) = bytes.get(sent..).filter(|rest| !rest.is_empty()) {
            match timeout_at(end, stream.writable()).await {
                Ok(Ok(())) => {}
                Ok(Err(fault)) => {
                    return Err(self.fault(sent, total, "the connection broke").with_source(fault));
                }
                Err(_) => {
                    return Err(self.fault(sent, total, "the printer stopped taking bytes"));
                }
            }
            match stream.try_write(rest) {
                Ok(0) => return Err(self.fault(sent, total, "the connection closed")),
                Ok(written) => sent = sent.saturating_add(written),
                Err(fault) if fault.kind() == io::ErrorKind::WouldBlock => {}
                Err(fault) => {
                    return Err(self.fault(sent, total, "the connection broke").with_source(fault));
                }
            }
        }
        // Closing with an answer unread would reset the connection and may cost the last bytes.
        let closed = std::future::poll_fn(|context| Pin::new(&mut stream).poll_shutdown(context));
        if let Ok(Err(fault)) = timeout_at(end, closed).await {
            return Err(self.fault(sent, total, "the connection broke").with_source(fault));
        }
        let farewell = end.min(Instant::now() + FAREWELL);
        let mut answer = [0; 512];
        while let Ok(Ok(())) = timeout_at(farewell, stream.readable()).await {
            match stream.try_read(&mut answer) {
                Ok(0) => break,
                Ok(_) => {}
                Err(fault) if fault.kind() == io::ErrorKind::WouldBlock => {}
                Err(fault) => {
                    return Err(self
                        .fault(sent, total, "the printer broke off")
                        .with_source(fault));
                }
            }
        }
        Ok(PrintReceipt { bytes: u64::try_from(total).unwrap_or(u64::MAX), reference: None })
    }
}

/// A folder that takes jobs as files: whole or not at all, and never over another file.
#[derive(Debug, Clone)]
pub struct PrintFolder {
    folder: PathBuf,
}

impl PrintFolder {
    /// A folder that exists.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }
}

#[async_trait]
impl PrintTransport for PrintFolder {
    async fn print(&self, job: &PrintJob) -> Result<PrintReceipt> {
        let name = file_name(&job.name).ok_or_else(|| {
            Error::invalid("name", "a job's name needs a letter or a digit to be a file's name")
        })?;
        let target = self.folder.join(format!("{name}.{}", job.document.format.extension()));
        let (folder, bytes) = (self.folder.clone(), job.document.bytes.clone());
        let path = target.clone();
        tokio::task::spawn_blocking(move || write_new(&folder, &path, bytes.expose()))
            .await
            .map_err(|fault| Error::new(ErrorKind::Storage, "writing stopped").with_source(fault))?
            .map_err(|fault| {
                let (kind, words) = match fault.kind() {
                    io::ErrorKind::AlreadyExists => {
                        (ErrorKind::Conflict, "a file of this name is there already")
                    }
                    _ => (ErrorKind::Storage, "the file cannot be written"),
                };
                Error::new(kind, words)
                    .with_operation("print folder", "print")
                    .with_context("file", target.display())
                    .with_source(fault)
            })?;
        Ok(PrintReceipt {
            bytes: u64::try_from(job.document.bytes.expose().len()).unwrap_or(u64::MAX),
            reference: Some(target.display().to_string()),
        })
    }
}

/// A name without what could leave the folder.
fn file_name(name: &str) -> Option<String> {
    let plain: String = name
        .chars()
        .map(
            |letter| {
                if letter.is_alphanumeric() || matches!(letter, '-' | '_') { letter } else { '_' }
            },
        )
        .take(100)
        .collect();
    plain.chars().any(char::is_alphanumeric).then_some(plain)
}

/// Writes beside the target and gives it its name only when it is whole and the name is free.
fn write_new(folder: &Path, target: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut draft = folder.join(format!(".{}", uuid::Uuid::from_bytes(draft_id(target, bytes))));
    draft.set_extension("draft");
    // A draft left by a process that died is nobody's.
    match fs::remove_file(&draft) {
        Err(fault) if fault.kind() != io::ErrorKind::NotFound => return Err(fault),
        _ => {}
    }
    let written = fs::File::create_new(&draft).and_then(|mut file| {
        io::Write::write_all(&mut file, bytes)?;
        file.sync_all()
    });
    // Giving a second name fails where a file has it; renaming would replace it.
    let named = written.and_then(|()| fs::hard_link(&draft, target));
    let removed = fs::remove_file(&draft);
    named.and(removed)
}

/// The same draft for the same job, so that none are left to pile up.
fn draft_id(target: &Path, bytes: &[u8]) -> [u8; 16] {
    use sha2::{Digest, Sha256};
    let sum = Sha256::new()
        .chain_update(target.as_os_str().as_encoded_bytes())
        .chain_update(bytes)
        .finalize();
    let mut id = [0; 16];
    for (byte, own) in id.iter_mut().zip(sum) {
        *byte = own;
    }
    id
}
