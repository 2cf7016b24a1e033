//! The reports of runs, a file each: `runs/<id>.json.zst`, written once and never changed. They are the truth; all else is
//! made from them. Beside them lie the traces of runs, `runs/<id>.trace.json.zst`: what each read and left in the store.

use std::fs::{self, File};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use verismo_suite::report::Report;
use verismo_suite::trace::Trace;

use crate::{LedgerError, RunId};

/// The folder of the reports.
const FOLDER: &str = "runs";
/// How their names end.
const EXTENSION: &str = ".json.zst";
/// How names of traces end.
const TRACE_EXTENSION: &str = ".trace.json.zst";
/// How strongly they are packed: to a tenth of their size or less in a few milliseconds.
const LEVEL: i32 = 6;
/// Beyond any report; a file that unpacks to more was made to do harm.
const REPORT_BYTES_MAX: u64 = 1 << 30;

/// Where the report of a run is.
pub(crate) fn path(home: &Path, id: &RunId) -> PathBuf {
    home.join(FOLDER).join(format!("{id}{EXTENSION}"))
}

/// Writes the report of a run: a reader, or a crash, sees it whole or not at all.
pub(crate) fn write(home: &Path, id: &RunId, json: &str) -> Result<(), LedgerError> {
    write_as(home, id, &path(home, id), json)
}

/// Writes the trace of a run, before its report.
pub(crate) fn write_trace(home: &Path, id: &RunId, json: &str) -> Result<(), LedgerError> {
    write_as(home, id, &trace_path(home, id), json)
}

fn trace_path(home: &Path, id: &RunId) -> PathBuf {
    home.join(FOLDER).join(format!("{id}{TRACE_EXTENSION}"))
}

fn write_as(home: &Path, id: &RunId, path: &Path, json: &str) -> Result<(), LedgerError> {
    let folder = home.join(FOLDER);
    fs::create_dir_all(&folder).map_err(LedgerError::io("make", &folder))?;
    let temporary = folder.join(format!(".{id}.{}.tmp", std::process::id()));
    let written = || -> std::io::Result<()> {
        let packed = zstd::bulk::compress(json.as_bytes(), LEVEL)?;
        let mut file = File::create_new(&temporary)?;
        file.write_all(&packed)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    written().map_err(|source| {
        // The first error is the one to tell.
        let _gone_or_never_there = fs::remove_file(&temporary);
        LedgerError::Io { act: "write", path: path.to_owned(), source }
    })
}

/// The report of a run, byte for byte as it was written.
pub(crate) fn read_json(home: &Path, id: &RunId) -> Result<String, LedgerError> {
    unpacked(&path(home, id))
}

/// The trace of a run; `None` where it left none, as runs of earlier versions did.
pub(crate) fn read_trace(home: &Path, id: &RunId) -> Result<Option<Trace>, LedgerError> {
    let path = trace_path(home, id);
    if !path.exists() {
        return Ok(None);
    }
    let json = unpacked(&path)?;
    let trace = Trace::from_json(&json);
    trace.map(Some).map_err(|e| LedgerError::DamagedRun { path: path.clone(), reason: e.to_string() })
}

fn unpacked(path: &Path) -> Result<String, LedgerError> {
    let file = File::open(path).map_err(LedgerError::io("read", path))?;
    let mut json = String::new();
    let unpack = || -> std::io::Result<()> {
        let decoder = zstd::stream::read::Decoder::new(file)?;
        let read = decoder.take(REPORT_BYTES_MAX).read_to_string(&mut json)?;
        if read as u64 == REPORT_BYTES_MAX { Err(std::io::Error::other("it unpacks without end")) } else { Ok(()) }
    };
    unpack().map_err(|e| LedgerError::DamagedRun { path: path.to_owned(), reason: e.to_string() })?;
    Ok(json)
}

/// The report of a run.
pub(crate) fn read(home: &Path, id: &RunId) -> Result<Report, LedgerError> {
    let json = read_json(home, id)?;
    let damaged = |reason: String| LedgerError::DamagedRun { path: path(home, id), reason };
    let report = Report::from_json(&json).map_err(|e| damaged(e.to_string()))?;
    match &report.provenance.run {
        Some(stamp) if stamp.id == id.as_str() => Ok(report),
        _ => Err(damaged("it is the report of another run".to_owned())),
    }
}

/// The ids of all runs, ascending.
pub(crate) fn list(home: &Path) -> Result<Vec<RunId>, LedgerError> {
    let folder = home.join(FOLDER);
    let entries = match fs::read_dir(&folder) {
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(Vec::new()),
        other => other.map_err(LedgerError::io("read", &folder))?,
    };
    let mut ids = Vec::new();
    for entry in entries {
        let name = entry.map_err(LedgerError::io("read", &folder))?.file_name();
        let name = name.to_str().and_then(|name| name.strip_suffix(EXTENSION));
        ids.extend(name.and_then(|name| RunId::parse(name).filter(|id| id.as_str() == name)));
    }
    ids.sort_unstable();
    Ok(ids)
}
