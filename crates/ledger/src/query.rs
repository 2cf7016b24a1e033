//! What is asked of the index.

use rusqlite::{Connection, Row, params};
use serde::de::DeserializeOwned;
use verismo_suite::Verdict;
use verismo_suite::runs::{Point, RUNS_SCHEMA, Run, RunList, Series, TREND_SCHEMA, Trend};

use crate::{Ledger, LedgerError, stamp_text};

/// Which runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of the suite of this name.
    pub suite: Option<String>,
    /// With this verdict.
    pub verdict: Option<Verdict>,
    /// Started at this time or later, milliseconds since the epoch.
    pub since_ms: Option<i64>,
    /// The latest so many.
    pub limit: Option<u32>,
}

/// The runs that a filter lets through, the latest first; its parts are ?1 to ?4.
const FILTERED: &str = "SELECT * FROM runs WHERE (?1 IS NULL OR suite = ?1) AND (?2 IS NULL OR verdict = ?2)
    AND (?3 IS NULL OR started_ms >= ?3) ORDER BY started_ms DESC, id DESC LIMIT ?4";

impl Filter {
    /// The parts as SQLite takes them; a negative limit is none.
    fn parts(&self) -> (Option<&str>, Option<&str>, Option<i64>, i64) {
        let limit = self.limit.map_or(-1, i64::from);
        (self.suite.as_deref(), self.verdict.map(Verdict::as_str), self.since_ms, limit)
    }
}

impl Ledger {
    /// The runs that the filter lets through, the latest first.
    ///
    /// # Errors
    /// Where the index cannot be read.
    pub fn runs(&mut self, filter: &Filter) -> Result<RunList, LedgerError> {
        let runs = self.index.run(|connection| runs(connection, filter))?;
        Ok(RunList { schema: RUNS_SCHEMA.to_owned(), runs })
    }

    /// What an observable came to in the runs that the filter lets through, by `test`, else by the test that decides it. Findings
    /// that could not be computed or do not apply are points without numbers.
    ///
    /// # Errors
    /// Where the index cannot be read.
    pub fn trend(&mut self, observable: &str, test: Option<&str>, filter: &Filter) -> Result<Trend, LedgerError> {
        let series = self.index.run(|connection| series(connection, observable, test, filter))?;
        Ok(Trend { schema: TREND_SCHEMA.to_owned(), observable: observable.to_owned(), series })
    }

    /// The observables, each with its tests, that any run has findings of.
    ///
    /// # Errors
    /// Where the index cannot be read.
    pub fn observables(&mut self) -> Result<Vec<(String, String)>, LedgerError> {
        self.index.run(|connection| {
            let mut statement = connection.prepare("SELECT DISTINCT observable, test FROM findings ORDER BY 1, 2")?;
            statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        })
    }
}

fn runs(connection: &Connection, filter: &Filter) -> rusqlite::Result<Vec<Run>> {
    let mut statement = connection.prepare(FILTERED)?;
    let mut runs = statement.query_map(filter.parts(), run)?.collect::<rusqlite::Result<Vec<Run>>>()?;
    let mut inputs = connection.prepare("SELECT side, paths FROM inputs WHERE run = ?1 ORDER BY position")?;
    for run in &mut runs {
        let mut rows = inputs.query([&run.id])?;
        while let Some(row) = rows.next()? {
            let paths: Vec<String> = serde_json::from_str(&row.get::<_, String>(1)?).map_err(|e| wrong_value(1, e))?;
            let side = if row.get::<_, String>(0)? == "golden" { &mut run.golden } else { &mut run.candidate };
            side.extend(paths);
        }
    }
    Ok(runs)
}

fn run(row: &Row<'_>) -> rusqlite::Result<Run> {
    Ok(Run {
        id: row.get("id")?,
        started: stamp_text(row.get("started_ms")?),
        parent: row.get("parent")?,
        verdict: word(row, "verdict")?,
        digest: row.get("digest")?,
        suite: row.get("suite")?,
        suite_digest: row.get("suite_digest")?,
        version: row.get("version")?,
        golden: Vec::new(),
        candidate: Vec::new(),
        messages: count(row, "messages")?,
        events: count(row, "events")?,
        seconds: row.get("seconds")?,
        cpu_seconds: row.get("cpu_seconds")?,
        bytes_read: count(row, "bytes_read")?,
        peak_memory_bytes: row.get::<_, Option<i64>>("peak_memory_bytes")?.and_then(|n| u64::try_from(n).ok()),
        cached_share: row.get("cached_share")?,
    })
}

fn series(
    connection: &Connection,
    observable: &str,
    test: Option<&str>,
    filter: &Filter,
) -> rusqlite::Result<Vec<Series>> {
    let sql = format!(
        "SELECT runs.id, runs.started_ms, runs.suite, f.* FROM ({FILTERED}) AS runs JOIN findings AS f ON f.run = runs.id
         WHERE f.observable = ?5 AND CASE WHEN ?6 IS NULL THEN f.deciding ELSE f.test = ?6 END
         ORDER BY runs.started_ms, runs.id, f.position"
    );
    let (suite, verdict, since_ms, limit) = filter.parts();
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query(params![suite, verdict, since_ms, limit, observable, test])?;
    let mut all: Vec<Series> = Vec::new();
    while let Some(row) = rows.next()? {
        let new = Series {
            suite: row.get("suite")?,
            stream: row.get("stream")?,
            test: row.get("test")?,
            parameter: row.get("parameter")?,
            stratum: row.get("stratum")?,
            unit: row.get("unit")?,
            points: Vec::new(),
        };
        let point = Point {
            run: row.get("id")?,
            started: stamp_text(row.get("started_ms")?),
            effect: row.get("effect")?,
            interval: row.get::<_, Option<f64>>("low")?.zip(row.get("high")?).map(|(low, high)| [low, high]),
            margin: row.get("margin")?,
            verdict: word(row, "verdict")?,
        };
        let of =
            |s: &Series| (s.suite.clone(), s.stream.clone(), s.test.clone(), s.parameter.clone(), s.stratum.clone());
        match all.iter_mut().find(|old| of(old) == of(&new)) {
            Some(old) => old.points.push(point),
            None => all.push(Series { points: vec![point], ..new }),
        }
    }
    Ok(all)
}

fn count(row: &Row<'_>, column: &str) -> rusqlite::Result<u64> {
    Ok(u64::try_from(row.get::<_, i64>(column)?).unwrap_or(0))
}

/// A word of a schema, as it is in JSON.
fn word<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_value(serde_json::Value::String(text)).map_err(|e| wrong_value(0, e))
}

fn wrong_value(column: usize, error: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
}
