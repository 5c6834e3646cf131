//! Hearing of other processes' commits.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use seed::engine::{Look, Watching};
use seed::{Error, ErrorKind, Result};

use crate::error::from_sqlite;
use crate::notice::Notice;

/// How late a wake-up for another process's commit may come.
pub const WATCH_BOUND: Duration = Duration::from_millis(30);

/// How often the file is looked at while it changes.
const INTERVAL: Duration = Duration::from_millis(2);

/// How often a file is looked at that rests: each look wakes a thread, and an idle process is to cost nothing worth
/// mentioning. Where the system tells of writes, this is the safety net, for it does not tell of all file systems.
const IDLE_INTERVAL: Duration = Duration::from_millis(8);
const SAFETY: Duration = Duration::from_millis(25);

/// After so many looks in vain the file is taken to rest.
const IDLE_AFTER: u32 = 250;

/// So many looks follow a write that was told of, before the file is taken to rest again.
const AFTER_NOTICE: u32 = 10;

/// Looks from a thread of its own whether the file was changed by another connection, and tells. `log` is the file that
/// commits are written to first.
///
/// SQLite counts commits in the file itself: `data_version` differs when another connection has made one.
pub(crate) fn watch(
    connection: Connection,
    log: &Path,
    tell: Box<dyn Fn(Look) -> bool + Send>,
) -> Result<Watching> {
    let mut known = data_version(&connection)?;
    let notice = Notice::of(log);
    let mut in_vain = 0_u32;
    let look = move || {
        let is_idle = in_vain > IDLE_AFTER;
        let waiting = notice.as_ref().filter(|_| is_idle);
        if waiting.is_some_and(|notice| notice.wait(SAFETY)) {
            // The commit that is being written may not be one yet.
            in_vain = IDLE_AFTER - AFTER_NOTICE;
        }
        // A file that cannot be read now may have been changed; whoever is woken will find out.
        let seen = data_version(&connection).unwrap_or(known - 1);
        let look = match std::mem::replace(&mut known, seen) == seen {
            true => Look::Unchanged,
            false => Look::Changed,
        };
        in_vain = match look {
            Look::Unchanged => in_vain.saturating_add(1),
            Look::Changed => 0,
        };
        let next = match (in_vain > IDLE_AFTER, &notice) {
            (false, _) => INTERVAL,
            (true, Some(_)) => Duration::ZERO,
            (true, None) => IDLE_INTERVAL,
        };
        tell(look).then_some(next)
    };
    Watching::start(INTERVAL, "seed-sqlite-watch", look).map_err(|cause| {
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
