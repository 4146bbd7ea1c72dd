//! The file of what was shipped: one row for the units of a line under a number.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use super::CSV;
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{LineId, PlatformOrderId, TrackingNumber};

const HEADER: &[u8] =
    b"order_id,line_id,units,carrier,service,tracking_number,tracking_url,shipped_at\n";

/// Units of a line that left under a number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Told {
    pub(super) order_id: PlatformOrderId,
    pub(super) line_id: LineId,
    pub(super) units: u32,
    pub(super) carrier: String,
    pub(super) service: String,
    pub(super) tracking_number: TrackingNumber,
    pub(super) tracking_url: Option<String>,
    #[serde(serialize_with = "seconds")]
    pub(super) shipped_at: DateTime<Utc>,
}

fn seconds<S: serde::Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&at.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

/// What was told, in the file and in memory.
pub(super) struct Export {
    path: PathBuf,
    file: File,
    length: u64,
    told: BTreeMap<PlatformOrderId, Vec<Told>>,
}

fn failed(path: &Path, what: &'static str, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Storage, what)
        .with_operation(CSV.as_str(), "tracking_export")
        .with_context("path", path.display())
        .with_source(error)
}

impl Export {
    /// Opens the file, or makes it. What a crash left half-written is cut off: it was not answered.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let fail = |what| move |error| failed(path, what, error);
        let new = !path.exists();
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(fail("the file cannot be opened"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::new(ErrorKind::Configuration, "another shop writes this file")
                    .with_operation(CSV.as_str(), "tracking_export")
                    .with_context("path", path.display()));
            }
            Err(TryLockError::Error(error)) => {
                return Err(failed(path, "the file cannot be locked", error));
            }
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(fail("the file cannot be read"))?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        bytes.truncate(whole);
        if bytes.is_empty() {
            bytes.extend_from_slice(HEADER);
            file.set_len(0).map_err(fail("the file cannot be written"))?;
            file.seek(SeekFrom::Start(0)).map_err(fail("the file cannot be written"))?;
            file.write_all(HEADER).map_err(fail("the file cannot be written"))?;
        } else {
            file.set_len(whole as u64).map_err(fail("the file cannot be written"))?;
        }
        file.sync_all().map_err(fail("the file cannot be written"))?;
        if new && let Some(folder) = path.parent().filter(|folder| folder.is_dir()) {
            // A new name must survive too; not every system lets folders be synced.
            let _ = File::open(folder).and_then(|folder| folder.sync_all());
        }
        let mut told: BTreeMap<PlatformOrderId, Vec<Told>> = BTreeMap::new();
        for (index, row) in csv::Reader::from_reader(bytes.as_slice()).deserialize().enumerate() {
            let row: Told = row.map_err(|_| {
                Error::new(ErrorKind::Storage, "the file has a row that is none of ours")
                    .with_operation(CSV.as_str(), "tracking_export")
                    .with_context("path", path.display())
                    .with_context("row", index + 2)
            })?;
            told.entry(row.order_id.clone()).or_default().push(row);
        }
        Ok(Self { path: path.to_owned(), file, length: bytes.len() as u64, told })
    }

    /// What was told of an order.
    pub(super) fn of<'a>(&'a self, order: &PlatformOrderId) -> &'a [Told] {
        self.told.get(order).map_or(&[], Vec::as_slice)
    }

    /// Adds rows: on disk when this returns, all of them or none.
    pub(super) fn add(&mut self, rows: Vec<Told>) -> Result<()> {
        let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
        for row in &rows {
            writer.serialize(row).map_err(|error| {
                Error::new(ErrorKind::InvalidInput, "the shipment cannot be written")
                    .with_source(error)
            })?;
        }
        let bytes = writer.into_inner().map_err(|error| {
            failed(&self.path, "the shipment cannot be written", error.into_error())
        })?;
        let written = self
            .file
            .seek(SeekFrom::Start(self.length))
            .and_then(|_| self.file.write_all(&bytes))
            .and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // Half a row must not stay; the next call writes over it in any case.
            let _ = self.file.set_len(self.length);
            return Err(failed(&self.path, "the shipment was not written", error));
        }
        self.length += bytes.len() as u64;
        for row in rows {
            self.told.entry(row.order_id.clone()).or_default().push(row);
        }
        Ok(())
    }
}
