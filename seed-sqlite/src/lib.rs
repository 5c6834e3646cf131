//! Seed's embedded durable store: an SQLite file, or several processes on one.
//!
//! | promise | |
//! |---|---|
//! | durability | write-ahead log; with `synchronous=full`, the default, a write that returned outlives a power cut, with `normal` it outlives the process, and a power cut may take the last writes |
//! | isolation | one writer at a time; a page of a find is one moment of the whole file; with `full`, others may see a write a moment before it would outlive a power cut, and what they then write never does so before it |
//! | a batch | is in the file wholly or not at all, also after a crash |
//! | a failed call | has changed nothing, unless the failure came at the commit itself: then look |
//! | limits | the disk; documents as everywhere in seed |
//! | several processes | yes, on one machine: the file must not lie on a network file system |
//! | waiting for others | a write that another process keeps waiting for longer than [`LOCK_WAIT`] fails as [unavailable](seed::ErrorKind::Unavailable), at the latest after twice that; readers never wait for writers |
//! | a full disk | fails the writes as [full](seed::ErrorKind::Full), and none of them is stored; when there is room, the next one goes on |
//! | wake-ups | at once within the process, within [`WATCH_BOUND`] from others |
//!
//! Writes that come at the same time share a commit, [urgent](seed::store::WriteBatch::urgent) ones first. A claim that
//! finds nothing is found out by a reader and never waits for a writer. A collection is a table of `id` and `doc`, the latter as JSON, so
//! that the file can be looked into with any SQLite tool: `SELECT doc ->> 'tag' FROM doc_1_jobs`. An index is a table
//! of its own, which only this crate understands.
//!
//! URL: `sqlite:PATH`, with the option `?synchronous=full` or `?synchronous=normal`.
//!
//! # Example
//! ```
//! use seed::{Filter, StoreExt, doc, store::Count, Store};
//! use seed_sqlite::SqliteStore;
//!
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("app.db");
//! # futures::executor::block_on(async {
//! let store = SqliteStore::open(&path)?;
//! store.insert_one("jobs", doc! { "_id": 1, "tag": "mail" }).await?;
//! assert_eq!(store.count(Count::new("jobs", Filter::all())).await?, 1);
//! # Ok::<(), seed::Error>(())
//! # }).unwrap();
//! ```

mod checkpoint;
mod connection;
mod engine;
mod error;
mod identity;
mod lock;
mod log;
mod notice;
mod options;
mod pending;
mod schema;
mod statements;
mod transaction;
mod watch;

use std::path::Path;
use std::sync::Arc;

use engine::SqliteEngine;
use seed::clock::{Clock, SystemClock};
use seed::engine::{Indexed, WriteMode};
use seed::store::{Delegate, Store};
use seed::{Error, ErrorKind, Result};

pub use options::{LOCK_WAIT, Options, Synchronous};
pub use watch::WATCH_BOUND;

/// A store in an SQLite file. Clones are the same store.
#[derive(Clone, Debug)]
pub struct SqliteStore(Indexed<SqliteEngine>);

impl SqliteStore {
    /// Opens a file, making it if it does not exist.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if the file cannot be opened or stays locked, [`ErrorKind::ReadOnly`] if it cannot be
    /// written to, [`ErrorKind::Corrupt`] if it is no SQLite database, [`ErrorKind::NewerSchema`] if a newer version of
    /// this crate wrote it. Each names the file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(&Options::new(path), Arc::new(SystemClock))
    }

    /// Opens the file that a URL names: `sqlite:PATH` with options behind a question mark.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] if the URL is of another kind or has an unknown option, else as [`open`](Self::open).
    pub fn open_url(url: &str) -> Result<Self> {
        Self::open_with(&Options::from_url(url)?, Arc::new(SystemClock))
    }

    /// Opens a file with options and a clock of the caller's.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with(options: &Options, clock: Arc<dyn Clock>) -> Result<Self> {
        Ok(Self(Indexed::new(
            SqliteEngine::open(options)?,
            WriteMode::Grouped,
            clock,
        )))
    }

    /// Returns how many commits were made for the writes so far.
    pub fn commits(&self) -> u64 {
        self.0.commits().unwrap_or(0)
    }

    /// Checks the whole file, index by index, as `PRAGMA integrity_check` does.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] with what is wrong.
    pub fn check_integrity(&self) -> Result<()> {
        match self.0.engine().integrity()?.as_str() {
            "ok" => Ok(()),
            fault => Err(Error::new(
                ErrorKind::Corrupt,
                format!("the file is damaged: {fault}"),
            )),
        }
    }
}

impl Delegate for SqliteStore {
    fn store(&self) -> &dyn Store {
        &self.0
    }
}
