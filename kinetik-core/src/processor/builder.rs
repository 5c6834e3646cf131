//! Setting a processor up, starting it, stopping it.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::lanes::Lanes;
use super::{Listener, Loop, Summary};
use crate::error::Result;
use crate::event::Event;
use crate::queue::Queue;

/// How many jobs run at once unless told.
const DEFAULT_SLOTS: usize = 8;

/// How long running jobs may go on after a stop unless told.
const DEFAULT_GRACE: Duration = Duration::from_secs(30);

/// A processor that is being set up; [`start`](Self::start) or [`drain`](Self::drain) sets it going.
#[must_use = "a processor does nothing until it is started"]
pub struct ProcessorBuilder {
    pub(super) queue: Queue,
    pub(super) tags: Vec<String>,
    pub(super) slots: usize,
    pub(super) interval: Duration,
    pub(super) grace: Duration,
    pub(super) listener: Option<Listener>,
}

impl std::fmt::Debug for ProcessorBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProcessorBuilder")
            .field("tags", &self.tags)
            .field("slots", &self.slots)
            .finish_non_exhaustive()
    }
}

impl ProcessorBuilder {
    pub(crate) fn new(queue: Queue, tags: Vec<String>) -> Self {
        let (slots, interval, grace) = (DEFAULT_SLOTS, queue.interval(), DEFAULT_GRACE);
        Self {
            queue,
            tags,
            slots,
            interval,
            grace,
            listener: None,
        }
    }

    /// Sets how many jobs run at once; 8 if left out.
    pub fn slots(mut self, slots: usize) -> Self {
        self.slots = slots.max(1);
        self
    }

    /// Sets how long an idle processor rests at the most before it looks again; the queue's interval if left out.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Sets how long running jobs may go on after a stop before they are handed back; 30 s if left out.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Is told what happens. It is called from the loop, so it must not take long.
    pub fn on_event(mut self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.listener = Some(Arc::new(listener));
        self
    }

    /// Starts the loop, which goes on until it is stopped.
    pub fn start(self) -> Processor {
        self.spawn(false)
    }

    /// Works off what is queued, and ends when nothing is left that is due.
    ///
    /// A job that another worker holds is left to it, once that worker has given a sign of life; if it has died, the job
    /// comes back when its lease is over, and is run.
    ///
    /// # Errors
    /// [`ErrorKind::Store`](crate::ErrorKind::Store) if the store refuses a call for good; what can be tried again is.
    pub async fn drain(self) -> Result<Summary> {
        self.start_draining().join().await
    }

    /// Starts a loop that ends by itself when nothing is left that is due.
    pub fn start_draining(self) -> Processor {
        self.spawn(true)
    }

    fn spawn(self, drains: bool) -> Processor {
        let stop = CancellationToken::new();
        let (ended, done) = tokio::sync::oneshot::channel();
        let runtime = Arc::clone(self.queue.runtime());
        let lanes = Lanes::new(&self.queue, &self.tags, self.slots);
        let mut working = Vec::new();
        for (lane, slots) in lanes.slots().enumerate() {
            let (sender, summary) = tokio::sync::oneshot::channel();
            let lane = Loop::new(&self, slots, lane, drains, stop.clone(), Arc::clone(&lanes));
            let stops_all = stop.clone();
            runtime.spawn(Box::pin(async move {
                let outcome = lane.run().await;
                if outcome.is_err() {
                    stops_all.cancel();
                }
                let _ = sender.send(outcome);
            }));
            working.push(summary);
        }
        runtime.spawn(Box::pin(async move {
            let mut outcome = Ok(Summary::default());
            for summary in working {
                let summary = summary.await.unwrap_or_else(|_| Ok(Summary::default()));
                outcome = outcome.and_then(|sum: Summary| Ok([sum, summary?].into_iter().sum()));
            }
            lanes.leave().await;
            // Nobody may be waiting for the end.
            let _ = ended.send(outcome);
        }));
        Processor { stop, done }
    }
}

/// A running processor.
#[derive(Debug)]
pub struct Processor {
    stop: CancellationToken,
    done: tokio::sync::oneshot::Receiver<Result<Summary>>,
}

impl Processor {
    /// Returns a token that stops the processor when it is cancelled, for signal handlers.
    pub fn stop_token(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Stops claiming, waits for what runs within the grace time, hands the rest back, and returns what was done.
    ///
    /// # Errors
    /// As [`ProcessorBuilder::drain`].
    pub async fn stop(self) -> Result<Summary> {
        self.stop.cancel();
        self.join().await
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// As [`ProcessorBuilder::drain`].
    pub async fn join(self) -> Result<Summary> {
        self.done.await.unwrap_or_else(|_| Ok(Summary::default()))
    }
}
