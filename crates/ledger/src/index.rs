//! The index: opened, brought up to date, set aside when damaged, made again from the reports.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, Error, ErrorCode};

use crate::schema::{self, Found, STEPS};
use crate::{LedgerError, RunId, rows, runs};

const NAME: &str = "ledger.sqlite";
/// Held while the index is made, changed in its form or set aside: by one process at a time.
const LOCK: &str = "ledger.lock";
/// How long to wait for other processes: each is done in milliseconds, a rebuild in seconds.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often to look whether they are done.
const LOOK: Duration = Duration::from_millis(10);
/// Beyond this many damaged indexes somebody should look at the disk.
const ASIDE_MAX: u32 = 1_000;
/// Runs that get their rows in one change: others wait for it, and each change costs a visit to the disk.
const BATCH: usize = 100;
/// Damaged reports named one by one.
const NAMED_MAX: usize = 3;

/// An open index, and what was found wrong with it.
#[derive(Debug)]
pub(crate) struct Index {
    home: PathBuf,
    connection: Connection,
    is_in_memory: bool,
    pub(crate) notes: Vec<String>,
}

impl Index {
    /// The index of a home, made where it is missing.
    pub(crate) fn open(home: &Path) -> Result<Self, LedgerError> {
        fs::create_dir_all(home).map_err(LedgerError::io("make", home))?;
        let lock = lock(home)?;
        let mut index =
            Self { home: home.to_owned(), connection: in_memory(home)?, is_in_memory: false, notes: Vec::new() };
        match connect(home)? {
            Opened::Sound(connection) => index.connection = connection,
            Opened::Damaged(why) => index.make_again(&why)?,
        }
        drop(lock);
        Ok(index)
    }

    /// As [`Index::open`], but makes nothing where there is nothing, and asks the reports where the home cannot be written.
    pub(crate) fn open_to_ask(home: &Path) -> Result<Self, LedgerError> {
        let from_files = |_: LedgerError| {
            let mut connection = in_memory(home)?;
            schema::prepare(&mut connection, STEPS).map_err(index_error(home))?;
            Ok(Self { home: home.to_owned(), connection, is_in_memory: true, notes: Vec::new() })
        };
        if !home.is_dir() {
            let source = std::io::ErrorKind::NotFound.into();
            return from_files(LedgerError::Io { act: "read", path: home.to_owned(), source });
        }
        match Self::open(home) {
            Err(error @ LedgerError::Io { .. }) => from_files(error),
            Err(LedgerError::Index { source, .. }) if is_read_only(&source) => {
                from_files(LedgerError::Index { path: home.join(NAME), source })
            }
            other => other,
        }
    }

    /// Asks or changes the index; one that turns out to be damaged is made again, and asked once more.
    pub(crate) fn run<T>(&mut self, work: impl Fn(&mut Connection) -> rusqlite::Result<T>) -> Result<T, LedgerError> {
        match work(&mut self.connection) {
            Err(error) if is_damage(&error) && !self.is_in_memory => {
                self.heal(&error)?;
                work(&mut self.connection).map_err(index_error(&self.home))
            }
            other => other.map_err(index_error(&self.home)),
        }
    }

    fn heal(&mut self, error: &Error) -> Result<(), LedgerError> {
        let _lock = lock(&self.home)?;
        self.connection = in_memory(&self.home)?;
        // Another process may have been here first.
        match connect(&self.home)? {
            Opened::Sound(connection) if is_whole(&connection) => {
                self.connection = connection;
                Ok(())
            }
            Opened::Sound(connection) => {
                drop(connection);
                self.make_again(&error.to_string())
            }
            Opened::Damaged(why) => self.make_again(&why),
        }
    }

    /// An index that is made from the reports whatever there is; one of a later version stays.
    pub(crate) fn made_again(home: &Path) -> Result<Self, LedgerError> {
        let _lock = lock(home)?;
        let connection = in_memory(home)?;
        let mut index = Self { home: home.to_owned(), connection, is_in_memory: false, notes: Vec::new() };
        drop(connect(home)?);
        let (aside, kept) = index.make_another()?;
        let place = home.display();
        index.notes.insert(
            0,
            format!("the index of runs in {place} is made again from the reports of {kept} runs; what it was is set aside as {aside}"),
        );
        Ok(index)
    }

    /// Sets the index aside and makes another from the reports; the lock is held.
    fn make_again(&mut self, why: &str) -> Result<(), LedgerError> {
        let (aside, kept) = self.make_another()?;
        self.notes.insert(
            0,
            format!(
                "the index of runs in {} was damaged ({why}): it is set aside as {aside}, and made again from the reports of {kept} runs",
                self.home.display()
            ),
        );
        Ok(())
    }

    /// Sets the index aside, under the name that is returned, and makes another from as many reports.
    fn make_another(&mut self) -> Result<(String, usize), LedgerError> {
        let aside = set_aside(&self.home)?;
        self.connection = match connect(&self.home)? {
            Opened::Sound(connection) => connection,
            Opened::Damaged(why) => {
                let source = Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT), Some(why));
                return Err(index_error(&self.home)(source));
            }
        };
        let kept = self.add_missing()?;
        Ok((aside, kept))
    }

    /// Gives every report its rows, and takes away the rows of reports that are gone.
    pub(crate) fn follow_files(&mut self) -> Result<(), LedgerError> {
        match self.add_missing() {
            Err(LedgerError::Index { source, .. }) if is_damage(&source) && !self.is_in_memory => self.heal(&source)?,
            other => _ = other?,
        }
        // A run that is recorded meanwhile has its file before its rows.
        let home = self.home.clone();
        let gone: Vec<RunId> = self.run(ids)?.into_iter().filter(|id| !runs::path(&home, id).exists()).collect();
        if gone.is_empty() {
            return Ok(());
        }
        self.run(|connection| gone.iter().try_for_each(|id| rows::remove(connection, id.as_str())))
    }

    /// Gives rows to the reports that have none; how many reports have rows then.
    fn add_missing(&mut self) -> Result<usize, LedgerError> {
        let known: BTreeSet<RunId> = ids(&mut self.connection).map_err(index_error(&self.home))?.into_iter().collect();
        let missing: Vec<RunId> = runs::list(&self.home)?.into_iter().filter(|id| !known.contains(id)).collect();
        let mut kept = known.len();
        let mut damaged = Vec::new();
        for batch in missing.chunks(BATCH) {
            let transaction = rows::change(&mut self.connection).map_err(index_error(&self.home))?;
            for id in batch {
                match runs::read(&self.home, id) {
                    Ok(report) => {
                        // The report of a run says which run: `read` has looked.
                        let Some(stamp) = &report.provenance.run else { continue };
                        rows::insert(&transaction, stamp, &report).map_err(index_error(&self.home))?;
                        kept += 1;
                    }
                    Err(error) => damaged.push(error),
                }
            }
            transaction.commit().map_err(index_error(&self.home))?;
        }
        for error in damaged.iter().take(NAMED_MAX) {
            self.notes.push(format!("a run is left out, its report is damaged: {error}"));
        }
        if let Some(more @ 1..) = damaged.len().checked_sub(NAMED_MAX) {
            self.notes.push(format!("and {more} more reports are damaged"));
        }
        Ok(kept)
    }
}

fn ids(connection: &mut Connection) -> rusqlite::Result<Vec<RunId>> {
    let mut statement = connection.prepare("SELECT id FROM runs")?;
    let texts = statement.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    Ok(texts.iter().filter_map(|text| RunId::parse(text)).collect())
}

enum Opened {
    Sound(Connection),
    Damaged(String),
}

/// Opens the index and brings its form up to date.
fn connect(home: &Path) -> Result<Opened, LedgerError> {
    let path = home.join(NAME);
    let open = || -> rusqlite::Result<(Connection, Found)> {
        let mut connection = Connection::open(&path)?;
        connection.busy_timeout(PATIENCE)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        let found = schema::prepare(&mut connection, STEPS)?;
        if found == Found::Ready {
            // Readers and a writer side by side; a file system that cannot do that stays with a journal.
            connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
            // The reports are what must not be lost.
            connection.pragma_update(None, "synchronous", "NORMAL")?;
        }
        Ok((connection, found))
    };
    match open() {
        Ok((connection, Found::Ready)) => Ok(Opened::Sound(connection)),
        Ok((_, Found::Newer(found))) => Err(LedgerError::Newer { path, found, known: STEPS.len() as i64 }),
        Ok((_, Found::Foreign)) => Ok(Opened::Damaged("it is no ledger".to_owned())),
        Err(error) if is_damage(&error) => Ok(Opened::Damaged(error.to_string())),
        Err(error) => Err(index_error(home)(error)),
    }
}

fn in_memory(home: &Path) -> Result<Connection, LedgerError> {
    Connection::open_in_memory().map_err(index_error(home))
}

fn index_error(home: &Path) -> impl Fn(Error) -> LedgerError {
    let path = home.join(NAME);
    move |source| LedgerError::Index { path: path.clone(), source }
}

/// Whether what is in the file is not what was written.
fn is_damage(error: &Error) -> bool {
    let wrong_value = matches!(
        error,
        Error::InvalidColumnType(..) | Error::FromSqlConversionFailure(..) | Error::IntegralValueOutOfRange(..)
    );
    wrong_value || matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

fn is_read_only(error: &Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::DiskFull)
    )
}

fn is_whole(connection: &Connection) -> bool {
    connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0)).is_ok_and(|word| word == "ok")
}

/// Waits for the lock of a home. A file system without locks has none to wait for.
fn lock(home: &Path) -> Result<Option<File>, LedgerError> {
    let path = home.join(LOCK);
    let file = File::options().create(true).append(true).open(&path).map_err(LedgerError::io("write", &path))?;
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOOK),
            Err(TryLockError::Error(_)) => return Ok(None),
        }
    }
    let source = std::io::Error::new(std::io::ErrorKind::TimedOut, "another process holds it");
    Err(LedgerError::Io { act: "lock", path, source })
}

/// Gives the index, with its journal, a name that is free; returns that.
fn set_aside(home: &Path) -> Result<String, LedgerError> {
    let taken = |n: &u32| home.join(format!("{NAME}.damaged-{n}")).exists();
    let n = (1..ASIDE_MAX).find(|n| !taken(n)).unwrap_or(ASIDE_MAX);
    let aside = format!("{NAME}.damaged-{n}");
    for end in ["-wal", "-shm", ""] {
        let (from, to) = (home.join(format!("{NAME}{end}")), home.join(format!("{aside}{end}")));
        match fs::rename(&from, &to) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(LedgerError::io("set aside", &from)(error));
            }
            _ => {}
        }
    }
    Ok(aside)
}
