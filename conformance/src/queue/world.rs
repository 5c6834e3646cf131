//! Several processes on one store, on simulated time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kinetik_core::simulated::{SimulatedRuntime, SimulatedTime};
use kinetik_core::{Job, Queue, QueueBuilder, Status};
use seed::store::{Count, StoreExt};
use seed::{Document, Filter, Store, doc};

use crate::fixture::Stores;

/// The lease of the cases' workers; it is the default one.
pub(super) const LEASE: Duration = Duration::from_secs(30);

/// How often a case looks for what it waits for: that a job starts or ends wakes nobody.
const LOOK: Duration = Duration::from_millis(10);

/// The store of a case with the time that all its processes share.
pub(super) struct World {
    stores: Stores,
    pub(super) time: Arc<SimulatedTime>,
    processes: AtomicU64,
}

/// A process: a queue on a handle of its own.
pub(super) struct Process {
    pub(super) queue: Queue,
    runtime: Arc<SimulatedRuntime>,
}

impl World {
    pub(super) fn of(stores: Stores) -> Self {
        Self {
            stores,
            time: SimulatedTime::new(),
            processes: AtomicU64::new(1),
        }
    }

    /// Opens a handle on the store, as a process of its own would.
    pub(super) async fn store(&self) -> Arc<dyn Store> {
        self.stores.open_at(Arc::<SimulatedTime>::clone(&self.time)).await
    }

    pub(super) async fn process(&self) -> Process {
        self.process_with(self.store().await, |queue| queue).await
    }

    /// Starts a process on a store and with settings of the case's.
    pub(super) async fn process_with(
        &self,
        store: Arc<dyn Store>,
        set: impl FnOnce(QueueBuilder) -> QueueBuilder,
    ) -> Process {
        let seed = self.processes.fetch_add(1, Ordering::Relaxed);
        let runtime = Arc::new(SimulatedRuntime::seeded(seed));
        let builder = Queue::builder(store).runtime(Arc::<SimulatedRuntime>::clone(&runtime));
        let queue = set(builder).open().await.unwrap();
        Process { queue, runtime }
    }

    /// Opens the queue of a case that needs one process alone.
    pub(super) async fn queue(stores: Stores) -> Queue {
        Self::of(stores).process().await.queue
    }

    pub(super) fn scaled(&self, full: i64) -> i64 {
        self.stores.scaled(full)
    }
}

impl Process {
    /// Ends the process as SIGKILL would.
    pub(super) async fn kill(&self) {
        self.runtime.kill();
        // What was ended is dropped when it would have had its next turn.
        pass(Duration::ZERO).await;
    }

    /// Returns what kills this process, for an action that takes it down.
    pub(super) fn killer(&self) -> Arc<SimulatedRuntime> {
        Arc::clone(&self.runtime)
    }
}

/// Lets simulated time pass.
pub(super) async fn pass(time: Duration) {
    tokio::time::sleep(time).await; // tidy: a sleep, because simulated time moves by nothing else and takes none
}

pub(super) async fn job(queue: &Queue, id: &str) -> Job {
    queue.job(id).await.unwrap().expect("the job is there")
}

pub(super) async fn wait_for_end(queue: &Queue, id: &str) -> Job {
    wait_until(queue, id, Status::is_final).await
}

pub(super) async fn wait_for_status(queue: &Queue, id: &str, wanted: Status) -> Job {
    wait_until(queue, id, |status| status == wanted).await
}

async fn wait_until(queue: &Queue, id: &str, is_there: impl Fn(Status) -> bool) -> Job {
    loop {
        let job = job(queue, id).await;
        if is_there(job.status) {
            return job;
        }
        pass(LOOK).await;
    }
}

pub(super) async fn document(queue: &Queue, id: &str) -> Document {
    let found = queue.store().get(queue.collection(), id.into()).await.unwrap();
    found.expect("the job is there")
}

/// Counts the jobs of these statuses; of all if there are none.
pub(super) async fn count(queue: &Queue, statuses: &[Status]) -> u64 {
    let names: seed::value::Array = statuses.iter().map(|status| status.name().into()).collect();
    let filter = match statuses {
        [] => Filter::all(),
        _ => Filter::parse(&doc! { "status": { "$in": names } }).unwrap(),
    };
    let request = Count::new(queue.collection().clone(), filter);
    queue.store().count(request).await.unwrap()
}

/// Returns what the lines of a job's log say.
pub(super) fn lines(job: &Job) -> Vec<&str> {
    job.log.iter().map(|line| line.message.as_str()).collect()
}

/// Counts the lines of a job's log that begin so.
pub(super) fn count_lines(job: &Job, beginning: &str) -> usize {
    lines(job)
        .iter()
        .filter(|line| line.starts_with(beginning))
        .count()
}
