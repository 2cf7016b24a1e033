//! Runs by what people call them: an id, the start of one, `last`, `last~1`.

use rusqlite::{Connection, OptionalExtension as _};

use crate::{Ledger, LedgerError, RunId};

/// Ids named in an error.
const NAMED_MAX: usize = 3;

/// Whether the text can be the name of a run.
pub fn may_name_a_run(text: &str) -> bool {
    steps_back(text).is_some() || RunId::may_begin_with(text)
}

/// How many runs before the latest `last` (0) or `last~N` means.
fn steps_back(text: &str) -> Option<u32> {
    match text.strip_prefix("last")? {
        "" => Some(0),
        rest => rest.strip_prefix('~').filter(|n| n.bytes().all(|c| c.is_ascii_digit()))?.parse().ok(),
    }
}

impl Ledger {
    /// The run of that name: an id, the start of one that is no other's, `last`, or `last~N` for the N-th before it.
    ///
    /// # Errors
    /// [`LedgerError::NoSuchRun`] with the ids nearest to the name, [`LedgerError::Ambiguous`], or an index that cannot be read.
    pub fn find(&mut self, name: &str) -> Result<RunId, LedgerError> {
        let prefix = name.to_ascii_lowercase();
        let found = self.index.run(|connection| match steps_back(name) {
            Some(steps) => Ok(back(connection, steps)?.into_iter().collect()),
            None if prefix.is_empty() => Ok(Vec::new()),
            None => beginning_with(connection, &prefix),
        })?;
        let ids: Vec<RunId> = found.iter().filter_map(|id| RunId::parse(id)).collect();
        match ids.as_slice() {
            [id] => Ok(id.clone()),
            [] => {
                let all = self.index.run(all)?;
                Err(LedgerError::NoSuchRun { name: name.to_owned(), home: self.home.clone(), near: near(&prefix, all) })
            }
            [_, ..] => Err(LedgerError::Ambiguous {
                name: name.to_owned(),
                is_all: ids.len() <= NAMED_MAX,
                among: ids.iter().take(NAMED_MAX).map(ToString::to_string).collect(),
            }),
        }
    }
}

fn back(connection: &Connection, steps: u32) -> rusqlite::Result<Option<String>> {
    let sql = "SELECT id FROM runs ORDER BY started_ms DESC, id DESC LIMIT 1 OFFSET ?1";
    connection.query_row(sql, [steps], |row| row.get(0)).optional()
}

/// The latest ids that begin so, one more than are named.
fn beginning_with(connection: &Connection, prefix: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement =
        connection.prepare("SELECT id FROM runs WHERE substr(id, 1, length(?1)) = ?1 ORDER BY id DESC LIMIT ?2")?;
    statement.query_map((prefix, NAMED_MAX as i64 + 1), |row| row.get(0))?.collect()
}

/// All ids, the latest first.
fn all(connection: &mut Connection) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare("SELECT id FROM runs ORDER BY started_ms DESC, id DESC")?
        .query_map([], |row| row.get(0))?
        .collect()
}

/// Those that agree with the name at most places, the latest first among equals.
fn near(name: &str, mut ids: Vec<String>) -> Vec<String> {
    let agreeing = |id: &String| id.bytes().zip(name.bytes()).filter(|(a, b)| a == b).count();
    ids.sort_by_key(|id| std::cmp::Reverse(agreeing(id)));
    ids.truncate(NAMED_MAX);
    ids
}
