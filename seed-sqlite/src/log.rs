//! Making commits durable, beside the writer.
//!
//! SQLite can do it within each commit (`synchronous=FULL`), and then nobody writes while the disk is at work. Here
//! commits leave it out (`synchronous=NORMAL`), and the log is synced after them, through a handle of our own, before their
//! callers are told. The frames of the log are chained: whatever of it survives a power cut is a beginning of it, so one
//! sync is good for all commits before. SQLite itself syncs the log before it writes it back, and the file before the log
//! begins anew, in both modes.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use seed::{Error, ErrorKind, Result};

use crate::error::from_sqlite;

/// The write-ahead log, seen from outside.
#[derive(Debug)]
pub(crate) struct Log {
    path: PathBuf,
    committed: AtomicU64,
    /// Whether a sync has failed. The system may have forgotten what it could not write, so a later one proves nothing.
    is_broken: AtomicBool,
    synced: Mutex<Synced>,
}

#[derive(Debug)]
struct Synced {
    file: File,
    /// How many commits are durable.
    commits: u64,
}

/// Returns where the log of a file lies: beside the file itself, whose path must not be that of a link.
pub(crate) fn path_of(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push("-wal");
    PathBuf::from(path)
}

impl Log {
    /// Opens the log of a file that has been written to, and makes the log's name durable.
    pub(crate) fn open(database: &Path) -> Result<Self> {
        let path = path_of(database);
        let file = File::open(&path).map_err(|cause| failed(&path, cause))?;
        sync_folder(&path)?;
        Ok(Self {
            path,
            committed: AtomicU64::new(0),
            is_broken: AtomicBool::new(false),
            synced: Mutex::new(Synced { file, commits: 0 }),
        })
    }

    /// Takes note of a commit.
    pub(crate) fn committed(&self) {
        self.committed.fetch_add(1, Ordering::SeqCst);
    }

    /// Makes durable what was committed before the call.
    pub(crate) fn sync(&self) -> Result<()> {
        let wanted = self.committed.load(Ordering::SeqCst);
        let mut synced = self.synced();
        if self.is_broken.load(Ordering::SeqCst) {
            return Err(broken(&self.path));
        }
        // Who had to wait for another finds that its commit was among those.
        if synced.commits >= wanted {
            return Ok(());
        }
        let commits = self.committed.load(Ordering::SeqCst);
        match synced.file.sync_data() {
            Ok(()) => {
                synced.commits = commits;
                Ok(())
            }
            Err(cause) => {
                self.is_broken.store(true, Ordering::SeqCst);
                Err(failed(&self.path, cause))
            }
        }
    }

    /// Before the next commit: after a failed sync, everything that was committed is brought into the file itself first.
    pub(crate) fn mend(&self, writer: &Connection) -> Result<()> {
        if !self.is_broken.load(Ordering::SeqCst) {
            return Ok(());
        }
        let mut synced = self.synced();
        let is_busy: bool = writer
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
            .map_err(from_sqlite)?;
        if is_busy {
            return Err(broken(&self.path));
        }
        synced.commits = self.committed.load(Ordering::SeqCst);
        self.is_broken.store(false, Ordering::SeqCst);
        Ok(())
    }

    /// Gives the handle back and takes another one, for tests of what happens when the disk fails.
    #[cfg(test)]
    pub(crate) fn exchange(&self, file: File) -> File {
        std::mem::replace(&mut self.synced().file, file)
    }

    fn synced(&self) -> MutexGuard<'_, Synced> {
        self.synced.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|cause| failed(folder, cause))
}

#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> Result<()> {
    // Other systems keep the names of files without being asked, and cannot be asked.
    Ok(())
}

fn failed(path: &Path, cause: std::io::Error) -> Error {
    let message = "the log could not be synced: what was written last may not outlive a power cut";
    Error::new(ErrorKind::Unavailable, message)
        .with_source(cause)
        .at_path(&path.display().to_string())
}

fn broken(path: &Path) -> Error {
    let message = "the log could not be synced, and is not written back yet: try again later";
    Error::new(ErrorKind::Unavailable, message).at_path(&path.display().to_string())
}
