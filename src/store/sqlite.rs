//! One file, durable at every step.
//!
//! One thread owns the connection that writes. It takes everything that waits into one transaction,
//! so that many callers share one sync; none of them gets an answer before it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use tokio::sync::oneshot;

use super::sqlite_schema::{check_ours, prepare, sql};
use crate::error::{Error, ErrorKind, Result};

/// How long a connection waits for another process.
const BUSY: Duration = Duration::from_secs(10);
/// Statements every connection keeps prepared.
const STATEMENTS: usize = 64;

/// When a write counts as durable.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Synchronous {
    /// When it is on the disk: survives loss of power.
    #[default]
    Full,
    /// When the operating system has it: survives the end of the process, not loss of power.
    Normal,
}

/// How a [`SqliteStore`] works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SqliteOptions {
    /// When a write counts as durable. Default [`Synchronous::Full`].
    pub synchronous: Synchronous,
    /// Threads that read. Default 2.
    pub readers: usize,
    /// Writes that share one sync at most. Default 256.
    pub group: usize,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self { synchronous: Synchronous::Full, readers: 2, group: 256 }
    }
}

impl SqliteOptions {
    /// The same with another durability.
    #[must_use]
    pub const fn with_synchronous(mut self, synchronous: Synchronous) -> Self {
        self.synchronous = synchronous;
        self
    }

    /// The same with another number of reading threads; at least one runs.
    #[must_use]
    pub const fn with_readers(mut self, readers: usize) -> Self {
        self.readers = readers;
        self
    }

    /// The same with another number of writes that share a sync; at least one does.
    #[must_use]
    pub const fn with_group(mut self, group: usize) -> Self {
        self.group = group;
        self
    }
}

/// Tells the caller how it ended: with the outcome of the transaction.
type Answer = Box<dyn FnOnce(std::result::Result<(), Failure>) + Send>;
/// Work on the writing connection, inside a transaction; or the reason why there is none.
type Write = Box<dyn FnOnce(std::result::Result<&Connection, Failure>) -> Answer + Send>;
type Read = Box<dyn FnOnce(&Connection) + Send>;

enum Job {
    Write(Write),
    /// Moves everything into the file itself and empties the log beside it.
    Checkpoint(oneshot::Sender<Result<bool>>),
}

/// A failure that concerns every caller of a group.
#[derive(Clone, Copy)]
struct Failure {
    doing: &'static str,
    code: i32,
}

impl Failure {
    fn of(doing: &'static str, error: &rusqlite::Error) -> Self {
        let code = match error {
            rusqlite::Error::SqliteFailure(code, _) => code.extended_code,
            _ => 0,
        };
        Self { doing, code }
    }

    fn into_error(self) -> Error {
        Error::new(ErrorKind::Storage, format!("the database failed to {}", self.doing))
            .with_context("code", self.code)
    }
}

/// A store in one SQLite file.
///
/// What is answered `Ok` is on the disk. Several processes may open the same file; each write then
/// waits for the others.
///
/// A call of `commit` that fails writes none of its commits.
///
/// Erasing overwrites the bytes in the file and empties the log file beside it; when somebody reads
/// the old state at that moment, the log file is emptied with one of the next writes.
///
/// ```no_run
/// use orderflow::store::SqliteStore;
///
/// let store = SqliteStore::open("orders.db")?;
/// # Ok::<(), orderflow::Error>(())
/// ```
pub struct SqliteStore {
    path: PathBuf,
    writes: Option<mpsc::Sender<Job>>,
    reads: Option<mpsc::Sender<Read>>,
    threads: Vec<JoinHandle<()>>,
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SqliteStore({})", self.path.display())
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.reads = None;
        self.writes = None;
        // Every thread ends when its channel does, after the work that is in it.
        for thread in self.threads.drain(..).rev() {
            let _ = thread.join();
        }
    }
}

impl SqliteStore {
    /// Opens a file, creating it when there is none.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`] when the file cannot be opened or is no store,
    /// [`ErrorKind::Configuration`] when a newer release wrote it.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(path, SqliteOptions::default())
    }

    /// Opens a file with options.
    ///
    /// # Errors
    /// Those of [`SqliteStore::open`].
    pub fn open_with(path: impl AsRef<Path>, options: SqliteOptions) -> Result<Self> {
        let path = path.as_ref().to_path_buf();
        let name = path.as_os_str();
        if name.is_empty() || name == ":memory:" || name.as_encoded_bytes().starts_with(b"file:") {
            return Err(Error::invalid("path", "a store is a file; use MemoryStore without one"));
        }
        create_private(&path)?;
        let mut writer = Connection::open_with_flags(
            &path,
            OpenFlags::SQLITE_OPEN_READ_WRITE
                | OpenFlags::SQLITE_OPEN_CREATE
                | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )
        .map_err(sql("open the file"))?;
        check_writable(&writer)?;
        writer.busy_timeout(BUSY).map_err(sql("configure a connection"))?;
        // Nothing of a file is changed before it is known to be a store.
        check_ours(&writer)?;
        configure(&writer, options.synchronous)?;
        prepare(&mut writer)?;

        let mut threads = Vec::new();
        let (writes, jobs) = mpsc::channel();
        let group = options.group.max(1);
        threads.push(spawn("orderflow-write", move || write_all(&writer, &jobs, group))?);
        let (reads, jobs) = mpsc::channel::<Read>();
        let jobs = Arc::new(Mutex::new(jobs));
        for _ in 0..options.readers.max(1) {
            let reader = Connection::open_with_flags(
                &path,
                OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
            )
            .map_err(sql("open the file"))?;
            reader.busy_timeout(BUSY).map_err(sql("configure a connection"))?;
            reader.set_prepared_statement_cache_capacity(STATEMENTS);
            let jobs = Arc::clone(&jobs);
            threads.push(spawn("orderflow-read", move || read_all(&reader, &jobs))?);
        }
        Ok(Self { path, writes: Some(writes), reads: Some(reads), threads })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Moves everything from the log file beside it into the file itself. Returns whether nothing
    /// was left out because somebody was reading.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`].
    pub async fn checkpoint(&self) -> Result<bool> {
        let (answer, outcome) = oneshot::channel();
        self.send(Job::Checkpoint(answer))?;
        outcome.await.map_err(|_| gone())?
    }

    fn send(&self, job: Job) -> Result<()> {
        self.writes.as_ref().and_then(|writes| writes.send(job).ok()).ok_or_else(gone)
    }

    /// Runs work on the writing connection. It shares a transaction with other callers' work, but
    /// fails alone.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, outcome) = oneshot::channel();
        self.send(Job::Write(Box::new(move |connection| {
            let result = match connection {
                Ok(connection) => alone(connection, work),
                Err(failure) => Err(failure.into_error()),
            };
            Box::new(move |transaction| {
                let result = result.and_then(|value| match transaction {
                    Ok(()) => Ok(value),
                    Err(failure) => Err(failure.into_error()),
                });
                // A caller that no longer waits wants no answer.
                let _ = answer.send(result);
            })
        })))?;
        outcome.await.map_err(|_| gone())?
    }

    /// Runs work on a reading connection, on one state of the file.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, outcome) = oneshot::channel();
        let job: Read = Box::new(move |connection| {
            let _ = answer.send(on_one_state(connection, work));
        });
        self.reads.as_ref().and_then(|reads| reads.send(job).ok()).ok_or_else(gone)?;
        outcome.await.map_err(|_| gone())?
    }
}

/// Buyers' data are nobody else's: a new file is for its owner alone. The files beside it take over
/// its mode.
fn create_private(path: &Path) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(Error::new(ErrorKind::Storage, "the file cannot be created")
            .with_context("path", path.display())
            .with_source(error)),
    }
}

fn check_writable(connection: &Connection) -> Result<()> {
    if connection.is_readonly("main").map_err(sql("open the file"))? {
        return Err(Error::new(ErrorKind::Storage, "the file cannot be written to"));
    }
    Ok(())
}

fn gone() -> Error {
    Error::new(ErrorKind::Storage, "the store is closed")
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    thread::Builder::new().name(name.to_owned()).spawn(work).map_err(|error| {
        Error::new(ErrorKind::Storage, "a thread of the store cannot be started").with_source(error)
    })
}

fn configure(connection: &Connection, synchronous: Synchronous) -> Result<()> {
    let doing = "configure a connection";
    connection.busy_timeout(BUSY).map_err(sql(doing))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    let synchronous = match synchronous {
        Synchronous::Full => "FULL",
        Synchronous::Normal => "NORMAL",
    };
    for (name, value) in [
        ("journal_mode", "WAL"),
        ("synchronous", synchronous),
        ("foreign_keys", "OFF"),
        ("secure_delete", "ON"),
    ] {
        connection.pragma_update(None, name, value).map_err(sql(doing))?;
    }
    Ok(())
}

/// Work that is undone alone when it fails.
fn alone<T>(connection: &Connection, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
    let run = |statement| {
        connection
            .prepare_cached(statement)
            .and_then(|mut statement| statement.execute([]))
            .map_err(sql("keep a savepoint"))
    };
    run("SAVEPOINT job")?;
    let result = work(connection);
    if result.is_err() {
        run("ROLLBACK TO job")?;
    }
    run("RELEASE job")?;
    result
}

fn on_one_state<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Result<T>,
) -> Result<T> {
    let state = connection.unchecked_transaction().map_err(sql("begin to read"))?;
    let result = work(&state);
    state.commit().map_err(sql("end reading"))?;
    result
}

fn read_all(connection: &Connection, jobs: &Mutex<mpsc::Receiver<Read>>) {
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        job(connection);
    }
}

fn write_all(connection: &Connection, jobs: &mpsc::Receiver<Job>, group: usize) {
    // Whether a checkpoint left something out: old pages must not stay beside the file.
    let mut owed = false;
    while let Ok(first) = jobs.recv() {
        let mut writes = Vec::new();
        let mut checkpoints = Vec::new();
        for job in std::iter::once(first).chain(jobs.try_iter().take(group.saturating_sub(1))) {
            match job {
                Job::Write(write) => writes.push(write),
                Job::Checkpoint(answer) => checkpoints.push(answer),
            }
        }
        if !writes.is_empty() {
            write_together(connection, writes);
        }
        if owed || !checkpoints.is_empty() {
            let outcome = checkpoint(connection);
            owed = !matches!(outcome, Ok(true));
            for answer in checkpoints {
                let _ = answer.send(outcome.map_err(Failure::into_error));
            }
        }
    }
    // A clean end leaves one file.
    let _ = checkpoint(connection);
}

/// One transaction, one sync, then the answers.
fn write_together(connection: &Connection, writes: Vec<Write>) {
    let begun = connection
        .execute_batch("BEGIN IMMEDIATE")
        .map_err(|error| Failure::of("begin a transaction", &error));
    let answers: Vec<Answer> =
        writes.into_iter().map(|write| write(begun.map(|()| connection))).collect();
    let outcome = begun.and_then(|()| {
        connection
            .execute_batch("COMMIT")
            .map_err(|error| Failure::of("commit a transaction", &error))
    });
    if outcome.is_err() && !connection.is_autocommit() {
        let _ = connection.execute_batch("ROLLBACK");
    }
    for answer in answers {
        answer(outcome);
    }
}

fn checkpoint(connection: &Connection) -> std::result::Result<bool, Failure> {
    connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0))
        .map(|busy| busy == 0)
        .map_err(|error| Failure::of("move the log into the file", &error))
}
