//! Hearing of other processes' commits.

use std::time::Duration;

use rusqlite::Connection;
use seed::engine::{Look, Watching};
use seed::{Error, ErrorKind, Result};

use crate::error::from_sqlite;

/// How late a wake-up for another process's commit may come.
pub const WATCH_BOUND: Duration = Duration::from_millis(20);

/// How often the file is looked at. Looking costs a few microseconds.
const INTERVAL: Duration = Duration::from_millis(2);

/// Looks from a thread of its own whether the file was changed by another connection, and tells.
///
/// SQLite counts commits in the file itself: `data_version` differs when another connection has made one.
pub(crate) fn watch(connection: Connection, tell: Box<dyn Fn(Look) -> bool + Send>) -> Result<Watching> {
    let mut known = data_version(&connection)?;
    let look = move || {
        // A file that cannot be read now may have been changed; whoever is woken will find out.
        let seen = data_version(&connection).unwrap_or(known - 1);
        let is_changed = std::mem::replace(&mut known, seen) != seen;
        tell(if is_changed {
            Look::Changed
        } else {
            Look::Unchanged
        })
    };
    Watching::every(INTERVAL, "seed-sqlite-watch", look).map_err(|cause| {
        let message = "no thread could be started to watch the file";
        Error::new(ErrorKind::Unavailable, message).with_source(cause)
    })
}

fn data_version(connection: &Connection) -> Result<i64> {
    let mut statement = connection
        .prepare_cached("PRAGMA data_version")
        .map_err(from_sqlite)?;
    statement.query_row([], |row| row.get(0)).map_err(from_sqlite)
}
