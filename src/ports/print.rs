//! Printers.

use std::fmt;

use async_trait::async_trait;

use crate::error::Result;
use crate::shipment::Document;

/// Something to print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrintJob {
    /// Its name, for queues and files. Never a person's.
    pub name: String,
    /// What to print: the bytes go to the printer as they are.
    pub document: Document,
}

impl PrintJob {
    /// A job.
    #[must_use]
    pub fn new(name: impl Into<String>, document: Document) -> Self {
        Self { name: name.into(), document }
    }
}

/// A job that the printer, or what stands for it, has taken whole. Whether paper came out, only a
/// person sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrintReceipt {
    /// Bytes taken.
    pub bytes: u64,
    /// What the other side calls it: a job number, or a file.
    pub reference: Option<String>,
}

/// A way to a printer.
#[async_trait]
pub trait PrintTransport: fmt::Debug + Send + Sync {
    /// Hands over a job.
    ///
    /// # Errors
    /// [`Transient`](crate::ErrorKind::Transient) when nothing was sent;
    /// [`Ambiguous`](crate::ErrorKind::Ambiguous) when a part was, for paper may have come out: look
    /// before printing again, or a parcel gets two labels.
    async fn print(&self, job: &PrintJob) -> Result<PrintReceipt>;
}
