//! Opening a queue.

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use seed::store::Store;

use super::{DEFAULT_QUEUE, Inner, Queue, StoreTime, check_name};
use crate::error::{Error, ErrorKind, Result};
use crate::job::collection::{jobs_collection, jobs_spec};
use crate::job::ids::JobIds;
use crate::runtime::{Runtime, TokioRuntime};
use crate::session::{Rules, Sessions, sessions_collection};

/// For how long a worker's session is good unless told.
const DEFAULT_LEASE: Duration = Duration::from_secs(30);

/// The shortest lease: below it a busy machine would lose sessions that live.
const LEAST_LEASE: Duration = Duration::from_millis(300);

/// After how many crashes of its workers a job fails unless told.
const DEFAULT_MAX_CRASHES: u32 = 3;

/// How long an idle processor rests at the most unless told.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(1);

/// A queue that is being opened; [`open`](Self::open) does it.
///
/// # Example
/// ```
/// # use std::{sync::Arc, time::Duration};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> kinetik_core::Result<()> {
/// let store = Arc::new(seed_memory::MemoryStore::new());
/// let queue = kinetik_core::Queue::builder(store)
///     .name("reports")
///     .lease(Duration::from_secs(60))
///     .open()
///     .await?;
/// assert_eq!(queue.name(), "reports");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a queue is opened by `open`"]
pub struct QueueBuilder {
    store: Arc<dyn Store>,
    name: String,
    runtime: Option<Arc<dyn Runtime>>,
    lease: Duration,
    max_crashes: u32,
    interval: Duration,
}

impl QueueBuilder {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            name: DEFAULT_QUEUE.to_owned(),
            runtime: None,
            lease: DEFAULT_LEASE,
            max_crashes: DEFAULT_MAX_CRASHES,
            interval: DEFAULT_INTERVAL,
        }
    }

    /// Sets the name, which keeps the queue apart from others in the same store; [`DEFAULT_QUEUE`] if left out.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets where time, randomness and tasks come from; the tokio that this is called in if left out.
    pub fn runtime(mut self, runtime: Arc<dyn Runtime>) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// Sets for how long a worker of this process is taken to live after its last sign of life; 30 s if left out, 300 ms
    /// at the least. It gives one each third of that. Once the time is over its jobs are run again.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Sets how many workers a job may take down before it fails; 3 if left out, 1 at the least.
    pub fn max_crashes(mut self, crashes: u32) -> Self {
        self.max_crashes = crashes.max(1);
        self
    }

    /// Sets how long an idle processor rests at the most before it looks again; 1 s if left out. Wake-ups come at once
    /// all the same: this is for what no wake-up tells of.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Opens the queue, making its collections if they are not there.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the name is not allowed or the lease too short, [`ErrorKind::Store`] if the store fails.
    pub async fn open(self) -> Result<Queue> {
        let Self {
            store,
            name,
            runtime,
            lease,
            max_crashes,
            interval,
        } = self;
        check_name("queue", &name)?;
        if lease < LEAST_LEASE {
            let message = format!("a lease of {lease:?} is too short: {LEAST_LEASE:?} is the least");
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        let runtime = runtime.unwrap_or_else(|| Arc::new(TokioRuntime::new()));
        let collection = jobs_collection(&name);
        store.ensure(&jobs_spec(&collection)?).await?;
        let time = Arc::new(StoreTime::ask(&*store, Arc::clone(&runtime)).await?);
        let rules = Rules {
            jobs: collection.clone(),
            sessions: sessions_collection(&name),
            lease,
            max_crashes,
        };
        let sessions = Sessions::new(rules, Arc::clone(&store), Arc::clone(&runtime), Arc::clone(&time));
        Ok(Queue(Arc::new(Inner {
            name,
            store,
            collection,
            interval,
            runtime,
            tasks: RwLock::new(BTreeMap::new()),
            ids: JobIds::default(),
            time,
            sessions,
        })))
    }
}
