//! A report as rows of the index.

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, params};
use verismo_suite::report::{Report, RunStamp};

/// Begins a change. It waits for others now: one that had begun to read could not wait any more.
pub(crate) fn change(connection: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
}

/// Adds the rows of a run; one that is there already stays as it is.
pub(crate) fn insert(transaction: &Transaction<'_>, stamp: &RunStamp, report: &Report) -> rusqlite::Result<()> {
    if insert_run(transaction, stamp, report)? {
        insert_inputs(transaction, &stamp.id, report)?;
        insert_findings(transaction, &stamp.id, report)?;
        insert_integrity(transaction, &stamp.id, report)?;
        insert_settings(transaction, &stamp.id, report)?;
    }
    Ok(())
}

/// Takes away the rows of a run.
pub(crate) fn remove(connection: &Connection, run: &str) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM runs WHERE id = ?1", [run]).map(|_| ())
}

/// Integers of SQLite end at 2^63, and no count of a run gets there.
fn int(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// Whether the run is new.
fn insert_run(transaction: &Transaction<'_>, stamp: &RunStamp, report: &Report) -> rusqlite::Result<bool> {
    let started_ms = stamp.started.parse::<Timestamp>().map_or(0, |time| time.as_millisecond());
    let timing = &report.timing;
    let added = transaction.execute(
        "INSERT OR IGNORE INTO runs VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
        params![
            stamp.id,
            started_ms,
            timing.seconds,
            report.verdict.as_str(),
            report.suite,
            report.suite_digest,
            report.scope.as_str(),
            report.digest,
            report.provenance.version,
            report.provenance.recipe,
            int(timing.messages),
            int(timing.events),
            int(timing.bytes_read),
            timing.cpu_seconds,
            timing.peak_memory_bytes.map(int),
            timing.cached_share,
            stamp.parent,
        ],
    )?;
    Ok(added > 0)
}

fn insert_inputs(transaction: &Transaction<'_>, run: &str, report: &Report) -> rusqlite::Result<()> {
    let mut insert = transaction.prepare("INSERT INTO inputs VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")?;
    for (position, input) in report.inputs.iter().enumerate() {
        // A list of strings has a form in JSON.
        let paths = serde_json::to_string(&input.paths).unwrap_or_default();
        insert.execute(params![
            run,
            int(position as u64),
            input.side.as_str(),
            paths,
            input.format,
            int(input.files),
            int(input.bytes),
            int(input.messages),
            int(input.events),
            input.digest,
        ])?;
    }
    Ok(())
}

fn insert_findings(transaction: &Transaction<'_>, run: &str, report: &Report) -> rusqlite::Result<()> {
    let mut insert = transaction
        .prepare("INSERT INTO findings VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)")?;
    for (position, finding) in report.findings.iter().enumerate() {
        insert.execute(params![
            run,
            int(position as u64),
            finding.observable,
            finding.test.as_str(),
            finding.parameter,
            finding.stratum,
            finding.stream,
            finding.unit,
            finding.effect,
            finding.interval.map(|[low, _]| low),
            finding.interval.map(|[_, high]| high),
            finding.margin,
            finding.verdict.as_str(),
            finding.deciding,
            finding.severity.as_str(),
        ])?;
    }
    Ok(())
}

fn insert_integrity(transaction: &Transaction<'_>, run: &str, report: &Report) -> rusqlite::Result<()> {
    let mut insert = transaction.prepare("INSERT INTO integrity VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")?;
    for (position, row) in report.integrity.iter().enumerate() {
        insert.execute(params![
            run,
            int(position as u64),
            row.check,
            row.side.as_str(),
            row.stream,
            int(row.count),
            int(row.total),
            row.ratio,
            row.verdict.as_str(),
            row.severity.as_str(),
        ])?;
    }
    Ok(())
}

fn insert_settings(transaction: &Transaction<'_>, run: &str, report: &Report) -> rusqlite::Result<()> {
    let mut insert = transaction.prepare("INSERT INTO settings VALUES (?1, ?2, ?3)")?;
    for (name, value) in &report.provenance.settings {
        insert.execute(params![run, name, value])?;
    }
    Ok(())
}
