//! Waiting for the one writer that a file has at a time, which may be of another process.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode};
use seed::{Error, ErrorKind, Result};

use crate::error::from_sqlite;

/// The longest pause between two tries. SQLite has no queue of writers, so who asks seldom gets the lock seldom.
const LONGEST_PAUSE: Duration = Duration::from_millis(1);

/// Begins a transaction that writes, if no other process has one.
pub(crate) fn try_begin(connection: &Connection) -> Result<bool> {
    match connection
        .prepare_cached("BEGIN IMMEDIATE")
        .and_then(|mut begin| begin.execute([]))
    {
        Ok(_) => Ok(true),
        Err(cause) if is_locked(&cause) => Ok(false),
        Err(cause) => Err(from_sqlite(cause)),
    }
}

/// Begins a transaction that writes, when the processes before have ended theirs.
pub(crate) fn begin(connection: &Connection, longest: Duration) -> Result<()> {
    let started = Instant::now();
    let mut tries = 0;
    while !try_begin(connection)? {
        if started.elapsed() >= longest {
            return Err(held_too_long(longest));
        }
        tries += 1;
        std::thread::sleep(pause(tries));
    }
    Ok(())
}

/// Returns how long to wait: shortly and at random, so that processes that wait for each other do not meet again and again.
fn pause(tries: u32) -> Duration {
    let random = RandomState::new().hash_one(tries) % 1_000;
    let longest = (Duration::from_micros(250) * tries).min(LONGEST_PAUSE);
    Duration::from_micros(50) + longest.mul_f64(random as f64 / 1_000.0)
}

fn is_locked(cause: &rusqlite::Error) -> bool {
    matches!(
        cause.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}

fn held_too_long(longest: Duration) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        format!(
            "another process has kept the file locked for {longest:?}: find it (fuser or lsof on the file), \
             let it end its transaction, and try again"
        ),
    )
}
