//! The tables of the index, and how those of an earlier verismo become those of this one.

use rusqlite::Connection;

/// `PRAGMA application_id` of a ledger: "vled".
const APPLICATION: i64 = 0x766c_6564;

/// What makes each version of the tables from the one before; `PRAGMA user_version` is how many of them were taken.
pub(crate) const STEPS: &[&str] = &[include_str!("schema/1.sql")];

/// What a database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// A ledger of this version, now if not before.
    Ready,
    /// A ledger of a later version.
    Newer(i64),
    /// The database of something else.
    Foreign,
}

/// Brings the tables to the version of the last of `steps`, each step whole or not at all.
pub(crate) fn prepare(connection: &mut Connection, steps: &[&str]) -> rusqlite::Result<Found> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let application: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if application == APPLICATION && version == steps.len() as i64 {
        return Ok(Found::Ready);
    }
    // Looked at again in the transaction that changes it: another process may be at it.
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let number = |name: &str| transaction.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (version, application) = (number("user_version")?, number("application_id")?);
    let tables: i64 = transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let is_ours = if version == 0 { tables == 0 } else { application == APPLICATION };
    let Some(taken) = usize::try_from(version).ok().filter(|_| is_ours) else { return Ok(Found::Foreign) };
    if taken > steps.len() {
        return Ok(Found::Newer(version));
    }
    for step in &steps[taken..] {
        transaction.execute_batch(step)?;
    }
    if taken < steps.len() {
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", steps.len() as i64)?;
    }
    transaction.commit()?;
    Ok(Found::Ready)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every version of a ledger that was ever written stays here, and is opened by every later one.
    const VERSION_1: &[u8] = include_bytes!("schema/1.sqlite");

    fn opened(bytes: &[u8]) -> (tempfile::TempDir, Connection) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger.sqlite");
        std::fs::write(&path, bytes).unwrap();
        (dir, Connection::open(path).unwrap())
    }

    #[test]
    fn a_ledger_of_version_1_keeps_its_rows_on_the_way_to_the_last() {
        let (_dir, mut connection) = opened(VERSION_1);
        let later = [STEPS[0], "ALTER TABLE runs ADD COLUMN place TEXT NOT NULL DEFAULT 'here'"];
        assert_eq!(prepare(&mut connection, &later).unwrap(), Found::Ready);
        let row = connection.query_row("SELECT id, verdict, place FROM runs", [], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
        });
        assert_eq!(row.unwrap(), ("01he40kzg0000".into(), "PASS".into(), "here".into()));
        assert_eq!(prepare(&mut connection, &later).unwrap(), Found::Ready, "a second time changes nothing");
        assert_eq!(prepare(&mut connection, &later[..1]).unwrap(), Found::Newer(2));
    }

    #[test]
    fn the_tables_of_version_1_never_change() {
        let (_dir, old) = opened(VERSION_1);
        let mut new = Connection::open_in_memory().unwrap();
        prepare(&mut new, &STEPS[..1]).unwrap();
        let tables = |connection: &Connection| {
            let mut statement = connection.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name").unwrap();
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
            rows.collect::<Result<Vec<(String, Option<String>)>, _>>().unwrap()
        };
        assert_eq!(tables(&old), tables(&new));
    }

    #[test]
    fn a_failed_step_leaves_the_version_before() {
        let mut connection = Connection::open_in_memory().unwrap();
        let broken = [STEPS[0], "CREATE TABLE more (x); CREATE TABLE more (x);"];
        prepare(&mut connection, &broken[..1]).unwrap();
        assert!(prepare(&mut connection, &broken).is_err());
        assert_eq!(prepare(&mut connection, STEPS).unwrap(), Found::Ready);
    }

    #[test]
    fn a_database_of_something_else_is_left_alone() {
        for sql in
            ["CREATE TABLE mine (x)", "CREATE TABLE mine (x); PRAGMA user_version = 1", "PRAGMA user_version = -3"]
        {
            let mut connection = Connection::open_in_memory().unwrap();
            connection.execute_batch(sql).unwrap();
            assert_eq!(prepare(&mut connection, STEPS).unwrap(), Found::Foreign, "{sql}");
        }
    }
}
