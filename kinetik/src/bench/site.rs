//! The queue in which a measurement is made, with its worker. Nothing of it is left behind.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Either, Shared, select};
use kinetik_core::task::DEFAULT_TAG;
use kinetik_core::{Context, Error, ErrorKind, NewJob, Outcome, Queue, Result, Status, Summary};
use seed::store::Count;
use seed::{Filter, doc};
use tokio_util::sync::CancellationToken;

use super::{Bench, LIST, Step, gate, payload};

/// The one task.
pub(super) const TASK: &str = "bench";

/// How often the store is asked whether anything is left.
const LOOK: Duration = Duration::from_millis(2);

/// A queue of its own, and the worker on it if there is one.
#[derive(Debug)]
pub(super) struct Site<'b> {
    bench: &'b Bench,
    queue: Queue,
    worker: Option<Worker>,
    /// Which jobs wait, and which run.
    live: [Filter; 2],
}

#[derive(Debug)]
struct Worker {
    stop: CancellationToken,
    ended: Shared<BoxFuture<'static, Result<Summary>>>,
}

impl<'b> Site<'b> {
    /// Opens a queue whose name nobody else has.
    pub(super) async fn open(bench: &'b Bench) -> Result<Self> {
        let name = format!("bench-{:016x}", bench.runtime.random());
        // The task and the session are named so that the indexes of live jobs answer, which hold nothing else.
        let waiting = doc! { "status": (Status::Queued.name()), "task": TASK, "tag": DEFAULT_TAG };
        let running = doc! { "status": (Status::Processing.name()), "session": { "$gte": "" } };
        let live = [Filter::parse(&waiting)?, Filter::parse(&running)?];
        let queue = Queue::builder(bench.store.clone())
            .name(name)
            .runtime(bench.runtime.clone())
            .open()
            .await?;
        Ok(Self {
            bench,
            queue,
            worker: None,
            live,
        })
    }

    pub(super) fn bench(&self) -> &'b Bench {
        self.bench
    }

    pub(super) fn queue(&self) -> &Queue {
        &self.queue
    }

    /// Returns which jobs wait, and which run.
    pub(super) fn live(&self) -> &[Filter] {
        &self.live
    }

    /// Returns the time in whole microseconds.
    pub(super) fn micros(&self) -> u64 {
        gate::micros(&*self.bench.runtime)
    }

    /// Enqueues jobs in lists.
    pub(super) async fn fill(&self, jobs: u64) -> Result<()> {
        let mut done = 0;
        while done < jobs {
            let end = jobs.min(done + LIST);
            let list =
                (done..end).map(|number| NewJob::new(TASK, payload::make(number, self.bench.payload, 0)));
            self.queue.create_many(list.collect()).await?;
            done = end;
            self.bench.tell(Step {
                what: "enqueuing",
                done,
                total: jobs,
            });
        }
        Ok(())
    }

    /// Starts a worker with this action, which stays until the site is removed or another worker takes its place.
    pub(super) async fn work<F, R>(&mut self, action: F) -> Result<()>
    where
        F: Fn(Context) -> R + Send + Sync + 'static,
        R: Future<Output = Outcome> + Send + 'static,
    {
        self.stop().await?;
        self.queue.define(TASK).action(action)?;
        let processor = self
            .queue
            .process([DEFAULT_TAG])
            .slots(self.bench.slots)
            .grace(Duration::ZERO)
            .start();
        let stop = processor.stop_token();
        self.worker = Some(Worker {
            stop,
            ended: processor.join().boxed().shared(),
        });
        Ok(())
    }

    /// Waits for what the worker brings about; if the worker ends first, it will not come about.
    pub(super) async fn while_working<T>(&self, work: impl Future<Output = T>) -> Result<T> {
        let Some(worker) = &self.worker else {
            return Ok(work.await);
        };
        match select(pin!(work), worker.ended.clone()).await {
            Either::Left((done, _)) => Ok(done),
            Either::Right((ended, _)) => {
                ended?;
                Err(Error::new(
                    ErrorKind::Store,
                    "the worker ended while jobs were left",
                ))
            }
        }
    }

    /// Waits until the store says that no job waits or runs, and returns when that was.
    pub(super) async fn drained(&self) -> Result<u64> {
        let looking = async {
            while self.remaining().await? > 0 {
                self.bench.runtime.sleep(LOOK).await;
            }
            Ok(self.micros())
        };
        self.while_working(looking).await?
    }

    /// Returns how many jobs wait or run.
    pub(super) async fn remaining(&self) -> Result<u64> {
        let mut remaining = 0;
        for filter in self.live() {
            remaining += self.count(filter.clone()).await?;
        }
        Ok(remaining)
    }

    /// Returns how many jobs have completed.
    pub(super) async fn completed(&self) -> Result<u64> {
        self.count(completed()?).await
    }

    async fn count(&self, filter: Filter) -> Result<u64> {
        let request = Count::new(self.queue.collection().clone(), filter);
        Ok(self.bench.store.count(request).await?)
    }

    /// Stops the worker, if there is one. What it runs is handed back.
    pub(super) async fn stop(&mut self) -> Result<()> {
        if let Some(worker) = self.worker.take() {
            worker.stop.cancel();
            worker.ended.await?;
        }
        Ok(())
    }

    /// Removes the queue.
    pub(super) async fn remove(mut self) -> Result<()> {
        let stopped = self.stop().await;
        let named = |fault: Error| {
            let message = format!("the queue {:?} could not be removed: {fault}", self.queue.name());
            Error::new(fault.kind(), message)
        };
        self.queue.remove().await.map_err(named)?;
        stopped.map(drop)
    }
}

/// The jobs that have completed, in words that the index of finished jobs answers.
pub(super) fn completed() -> Result<Filter> {
    let filter = doc! { "task": TASK, "status": (Status::Completed.name()), "finished": { "$exists": true } };
    Ok(Filter::parse(&filter)?)
}
