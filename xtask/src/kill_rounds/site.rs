//! Where a round takes place: the store, and the folder in which its processes note what they did.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use kinetik_core::{Queue, Result};
use seed::ErrorKind;
use seed_sqlite::SqliteStore;

/// The lease of the workers: short, for a round should not wait for the dead.
const LEASE: Duration = Duration::from_millis(900);

/// Jobs that happen to run wherever a process is killed must not count as its murderers.
const MAX_CRASHES: u32 = 1_000_000;

/// How long a process waits for a server that is away before it asks again.
const PAUSE: Duration = Duration::from_millis(20);

#[derive(Args, Clone, Debug)]
pub(super) struct Site {
    pub(super) folder: PathBuf,
    /// The store's URL.
    pub(super) store: String,
}

impl Site {
    /// Where the producer notes what the queue has taken.
    pub(super) fn enqueued(&self) -> PathBuf {
        self.folder.join("enqueued")
    }

    /// Where workers note what they did: a job's id and the token it ran under.
    pub(super) fn effects(&self) -> PathBuf {
        self.folder.join("effects")
    }

    /// Opens the queue.
    pub(super) async fn queue(&self) -> Result<Queue> {
        let open = async || {
            let queue = Queue::builder(kinetik::open(&self.store)?);
            queue.lease(LEASE).max_crashes(MAX_CRASHES).open().await
        };
        self.persist(open).await
    }

    /// Carries a call out, again and again while the server is away that the round kills. A round has a limit of its own.
    pub(super) async fn persist<T, F: Future<Output = Result<T>>>(&self, call: impl Fn() -> F) -> Result<T> {
        loop {
            match call().await {
                Err(fault) if self.is_away(&fault) => tokio::time::sleep(PAUSE).await,
                outcome => return outcome,
            }
        }
    }

    /// Checks the file, where the store is one.
    pub(super) fn check_integrity(&self) -> seed::Result<()> {
        if self.is_file() {
            SqliteStore::open_url(&self.store)?.check_integrity()?;
        }
        Ok(())
    }

    fn is_away(&self, fault: &kinetik_core::Error) -> bool {
        let kind = fault.store_error().map(seed::Error::kind);
        !self.is_file() && kind == Some(ErrorKind::Unavailable)
    }

    fn is_file(&self) -> bool {
        self.store.starts_with("sqlite:")
    }
}

pub(super) fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

pub(super) fn count_lines(path: &Path) -> anyhow::Result<u64> {
    Ok(read(path)?.matches('\n').count() as u64)
}
