//! Opening connections.

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use seed::{Error, ErrorKind, Result};

use crate::error::from_sqlite;
use crate::options::Options;

/// How many prepared statements a connection keeps.
const STATEMENTS: usize = 256;

/// From how many pages of 4 KiB on a writer itself writes the log back into the file at a commit: 64 MiB.
///
/// It seldom comes to that, see [`checkpoint`](crate::checkpoint).
const LOG_PAGES: i64 = 16_000;

/// How large the log may stay, in bytes, once a reader that kept it from being written back is gone.
const LOG_BYTES: i64 = 64 * 1024 * 1024;

/// Opens a connection that writes.
pub(crate) fn open_writer(options: &Options) -> Result<Connection> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&options.path, flags).map_err(|cause| {
        if options.path.is_dir() {
            let message = "the database is a file, and this is a folder: name a file in it";
            return Error::new(ErrorKind::Unsupported, message).with_source(cause);
        }
        from_sqlite(cause)
    })?;
    // SQLite opens a file that it may not write to all the same, only to read it.
    if connection.is_readonly("main").map_err(from_sqlite)? {
        return Err(Error::new(
            ErrorKind::ReadOnly,
            "the file cannot be written to: check the rights on it and its folder",
        ));
    }
    set_up(&connection, options)?;
    write_ahead(&connection)?;
    // Where a commit must outlive a power cut the log is synced after it, see [`log`](crate::log).
    connection
        .pragma_update(None, "synchronous", "NORMAL")
        .and_then(|()| connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES))
        .and_then(|()| connection.pragma_update(None, "journal_size_limit", LOG_BYTES))
        .map_err(from_sqlite)?;
    Ok(connection)
}

/// Opens a connection that only reads. The file must be there.
pub(crate) fn open_reader(options: &Options) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&options.path, flags).map_err(from_sqlite)?;
    set_up(&connection, options)?;
    connection
        .pragma_update(None, "query_only", true)
        .map_err(from_sqlite)?;
    Ok(connection)
}

fn set_up(connection: &Connection, options: &Options) -> Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Else a statement with a limit is compiled anew each time another limit is bound to it, in case a better plan fits that.
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map_err(from_sqlite)?;
    // With a write-ahead log readers wait only for a file that is being set up, mended or kept by one process alone.
    connection
        .busy_timeout(options.lock_wait)
        // Small on purpose: after a page was split SQLite goes through all of its cache at the commit, and what is not in
        // it is in the system's.
        .and_then(|()| connection.pragma_update(None, "cache_size", -4_096))
        .map_err(from_sqlite)
}

/// Sets the write-ahead log, which the file then keeps. Without one a reader would hold up writers.
fn write_ahead(connection: &Connection) -> Result<()> {
    let mode: String = connection
        .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))
        .map_err(from_sqlite)?;
    if mode.eq_ignore_ascii_case("wal") {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Unsupported,
        format!(
            "the file keeps the journal mode {mode:?}: put it on a local disk, where a write-ahead log works"
        ),
    ))
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;

    #[test]
    fn another_limit_is_no_reason_to_compile_a_statement_anew() {
        let folder = tempfile::tempdir().unwrap();
        let connection = open_writer(&Options::new(folder.path().join("app.db"))).unwrap();
        connection
            .execute_batch("CREATE TABLE things (n PRIMARY KEY); INSERT INTO things VALUES (1), (2), (3)")
            .unwrap();
        let mut statement = connection
            .prepare("SELECT n FROM things WHERE n >= ?1 ORDER BY n LIMIT ?2")
            .unwrap();
        for limit in [1, 3, 2] {
            let rows = statement.query_map([0, limit], |_| Ok(())).unwrap();
            assert_eq!(rows.count(), limit as usize);
        }
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
    }
}
