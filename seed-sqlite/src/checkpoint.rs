//! Writing the log back into the file, beside the writers.
//!
//! SQLite would do it at a commit, and the caller would wait while the disk takes it all: tens of milliseconds each time.
//! Here a thread does it as soon as enough has changed, and holds nobody up. Under a load without pause it never quite
//! catches up with the end of the log, from which alone the log can begin anew; so a log that grows large is written back
//! by the writer after all, who has only the last bit left to do.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use rusqlite::Connection;
use seed::Result;

use crate::connection::open_reader;
use crate::options::Options;

/// How many changed rows are worth the work: a few hundred pages.
const ROWS: u64 = 2_000;

/// Wakes the thread that writes the log back, which is there from the first time on.
#[derive(Debug, Default)]
pub(crate) struct Checkpointer {
    /// How many rows had been changed the last time.
    seen: AtomicU64,
    thread: Mutex<Option<Thread>>,
}

#[derive(Debug)]
struct Thread {
    told: SyncSender<()>,
    handle: JoinHandle<()>,
}

impl Checkpointer {
    /// Takes note of a commit. What cannot be written back now is written back later, or by the writer.
    pub(crate) fn committed(&self, writer: &Connection, options: &Options) {
        let changed = writer.total_changes();
        if changed.saturating_sub(self.seen.load(Ordering::Relaxed)) < ROWS {
            return;
        }
        self.seen.store(changed, Ordering::Relaxed);
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.is_none() {
            *thread = start(options).ok();
        }
        if let Some(thread) = &*thread {
            // A thread that is at work already was told.
            let _ = thread.told.try_send(());
        }
    }
}

impl Drop for Checkpointer {
    /// Waits for the thread, so that the file is closed when its store is gone.
    fn drop(&mut self) {
        let thread = self
            .thread
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(Thread { told, handle }) = thread {
            drop(told);
            let _ = handle.join();
        }
    }
}

fn start(options: &Options) -> Result<Thread> {
    let connection = open_reader(options)?;
    let (told, orders) = sync_channel(1);
    let handle = std::thread::Builder::new()
        .name("seed-sqlite-log".to_owned())
        .spawn(move || orders.iter().for_each(|()| write_back(&connection)))
        .map_err(|cause| {
            seed::Error::new(
                seed::ErrorKind::Unavailable,
                "no thread could be started to write the log back",
            )
            .with_source(cause)
        })?;
    Ok(Thread { told, handle })
}

/// Writes back what no reader needs in the log any more, without waiting for anybody.
fn write_back(connection: &Connection) {
    // If it fails, the log only stays as long as it is until the next time.
    let _ = connection
        .prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")
        .and_then(|mut statement| statement.query_row([], |_| Ok(())));
}
