//! Opening connections, and waiting for locks.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use seed::Result;

use crate::error::from_sqlite;
use crate::options::{Options, Synchronous};

/// How often a lock is waited for, a few milliseconds each time: about 30 s in all.
const MAX_WAITS: i32 = 10_000;

/// How many prepared statements a connection keeps.
const STATEMENTS: usize = 256;

/// Opens a connection that writes.
pub(crate) fn open_writer(options: &Options) -> Result<Connection> {
    let connection = Connection::open_with_flags(
        &options.path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .map_err(from_sqlite)?;
    set_up(&connection)?;
    let synchronous = match options.synchronous {
        Synchronous::Full => "FULL",
        Synchronous::Normal => "NORMAL",
    };
    connection
        .pragma_update(None, "journal_mode", "WAL")
        .map_err(from_sqlite)?;
    connection
        .pragma_update(None, "synchronous", synchronous)
        .map_err(from_sqlite)?;
    Ok(connection)
}

/// Opens a connection that only reads. The file must be there.
pub(crate) fn open_reader(options: &Options) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&options.path, flags).map_err(from_sqlite)?;
    set_up(&connection)?;
    connection
        .pragma_update(None, "query_only", true)
        .map_err(from_sqlite)?;
    Ok(connection)
}

fn set_up(connection: &Connection) -> Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.busy_handler(Some(wait)).map_err(from_sqlite)?;
    connection
        .pragma_update(None, "cache_size", -32_768)
        .map_err(from_sqlite)
}

/// Waits for a lock: shortly and at random, so that processes that wait for each other do not meet again and again.
fn wait(waits: i32) -> bool {
    let random = RandomState::new().hash_one(waits) % 1_000;
    let longest = u64::from(waits.unsigned_abs()).clamp(1, 5);
    std::thread::sleep(Duration::from_micros(100 + random * longest));
    waits < MAX_WAITS
}
