//! Measures a queue on a store: how fast jobs go in, through and out, and how soon one starts.
//!
//! [`Bench`] carries out one [`Workload`] after the other, each in a queue of its own that is removed afterwards, and
//! gives a [`Measurement`] for each. What is timed is said at each workload. `site` is that queue with its worker,
//! `gate` sees handlers start, `payload` is what a job carries; each workload has a file of its own.

mod drain;
mod enqueue;
mod gate;
mod history;
mod latency;
mod measurement;
mod payload;
mod site;
#[cfg(test)]
mod tests;
mod workload;

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{Either, pending, select};
use kinetik_core::{Result, Runtime, TokioRuntime};
use seed::Store;

pub use measurement::Measurement;
use site::Site;
pub use workload::Workload;

/// How many jobs are enqueued in one call where they are enqueued in bulk.
pub const LIST: u64 = 1_000;

type Listener = Arc<dyn Fn(Step) + Send + Sync>;

/// What is measured, and on which store.
///
/// # Example
/// ```
/// use std::sync::Arc;
///
/// use kinetik::bench::{Bench, Workload};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bench = Bench::new(kinetik::open("memory:")?, "memory").jobs(500).slots(4);
/// let measured = bench.run(Workload::Drain).await?;
/// assert_eq!((measured.jobs, measured.lost), (500, None));
/// println!("{}", measured.to_document());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "nothing is measured before it is run"]
pub struct Bench {
    store: Arc<dyn Store>,
    store_name: String,
    runtime: Arc<dyn Runtime>,
    durability: Option<String>,
    jobs: Option<u64>,
    payload: usize,
    slots: usize,
    finished: u64,
    backlog: u64,
    interval: Duration,
    seconds: u64,
    listener: Option<Listener>,
}

/// How far a measurement has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// What is being done.
    pub what: &'static str,
    /// How many jobs of it are done.
    pub done: u64,
    /// How many there are.
    pub total: u64,
}

impl fmt::Debug for Bench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bench")
            .field("store", &self.store)
            .field("jobs", &self.jobs)
            .field("payload", &self.payload)
            .field("slots", &self.slots)
            .finish_non_exhaustive()
    }
}

impl Bench {
    /// Measures on a store, which results call by this name: `sqlite`.
    pub fn new(store: Arc<dyn Store>, store_name: impl Into<String>) -> Self {
        Self {
            store,
            store_name: store_name.into(),
            runtime: Arc::new(TokioRuntime::new()),
            durability: None,
            jobs: None,
            payload: 100,
            slots: 10,
            finished: 100_000,
            backlog: 0,
            interval: Duration::from_millis(5),
            seconds: 10,
            listener: None,
        }
    }

    /// Takes the time from a runtime of the caller's.
    pub fn runtime(mut self, runtime: Arc<dyn Runtime>) -> Self {
        self.runtime = runtime;
        self
    }

    /// Says what a write that returned outlives; if left out, what the store's capabilities say.
    pub fn durability(mut self, durability: impl Into<String>) -> Self {
        self.durability = Some(durability.into());
        self
    }

    /// Sets how many jobs are measured; if left out, as many as the [`Workload`] says. At least one.
    pub fn jobs(mut self, jobs: u64) -> Self {
        self.jobs = Some(jobs.max(1));
        self
    }

    /// Sets how many bytes a job's data has as JSON; 100 if left out, and never less than its fields take.
    pub fn payload(mut self, bytes: usize) -> Self {
        self.payload = bytes;
        self
    }

    /// Sets how many jobs the worker runs at once; 10 if left out. At least one.
    pub fn slots(mut self, slots: usize) -> Self {
        self.slots = slots.max(1);
        self
    }

    /// Sets how many finished jobs [`Workload::History`] keeps; 100,000 if left out, none if zero.
    pub fn finished(mut self, finished: u64) -> Self {
        self.finished = finished;
        self
    }

    /// Lets [`Workload::History`] measure within so many waiting jobs in place of finished ones; not if zero, as it is
    /// if left out. At least 20, so that there is something before and behind what is measured.
    pub fn backlog(mut self, backlog: u64) -> Self {
        self.backlog = if backlog == 0 { 0 } else { backlog.max(20) };
        self
    }

    /// Sets how long after one job [`Workload::Latency`] sends the next; 5 ms if left out. At least 1 ms.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval.max(Duration::from_millis(1));
        self
    }

    /// Sets for how long [`Workload::Latency`] sends jobs if nothing says how many; 10 s if left out.
    pub fn seconds(mut self, seconds: u64) -> Self {
        self.seconds = seconds;
        self
    }

    /// Is told how far it has come, about once in 1,000 jobs. It is called while time is measured, so it must be quick.
    pub fn on_step(mut self, listener: impl Fn(Step) + Send + Sync + 'static) -> Self {
        self.listener = Some(Arc::new(listener));
        self
    }

    /// Carries out a workload in a queue of its own, and removes the queue, also when it fails.
    ///
    /// # Errors
    /// What the store or the queue says. If the queue itself could not be removed, its name is in the message.
    pub async fn run(&self, workload: Workload) -> Result<Measurement> {
        let measured = self.run_until(workload, pending()).await?;
        Ok(measured.expect("what never stops is measured to its end"))
    }

    /// As [`run`](Self::run), but gives up when `stop` is ready: the queue is removed, and there is no measurement.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn run_until(
        &self,
        workload: Workload,
        stop: impl Future<Output = ()>,
    ) -> Result<Option<Measurement>> {
        let mut site = Site::open(self).await?;
        let outcome = match select(pin!(measure(&mut site, workload)), pin!(stop)).await {
            Either::Left((outcome, _)) => outcome.map(Some),
            Either::Right(((), _)) => Ok(None),
        };
        let removed = site.remove().await;
        let measured = outcome?;
        removed?;
        Ok(measured)
    }

    /// Returns how many jobs of a workload are measured.
    fn count(&self, workload: Workload) -> u64 {
        let interval_ms = u64::try_from(self.interval.as_millis()).unwrap_or(u64::MAX);
        let usual = match workload {
            Workload::Enqueue => 10_000,
            Workload::Bulk => 50_000,
            Workload::Drain => 20_000,
            Workload::Latency => (self.seconds.saturating_mul(1_000) / interval_ms).max(1),
            Workload::History => 2_000,
        };
        self.jobs.unwrap_or(usual)
    }

    fn tell(&self, step: Step) {
        if let Some(listener) = &self.listener {
            listener(step);
        }
    }
}

async fn measure(site: &mut Site<'_>, workload: Workload) -> Result<Measurement> {
    let jobs = site.bench().count(workload);
    let mut measured = Measurement::new(site.bench(), workload, jobs);
    match workload {
        Workload::Enqueue => enqueue::one_at_a_time(site, &mut measured).await?,
        Workload::Bulk => enqueue::in_bulk(site, &mut measured).await?,
        Workload::Drain => drain::all(site, &mut measured).await?,
        Workload::Latency => latency::measure(site, &mut measured).await?,
        Workload::History if site.bench().backlog > 0 => drain::within_backlog(site, &mut measured).await?,
        Workload::History => {
            history::keep_finished(site, &mut measured).await?;
            drain::all(site, &mut measured).await?;
        }
    }
    Ok(measured)
}
