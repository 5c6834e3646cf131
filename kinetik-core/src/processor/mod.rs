//! The processor: a loop that works jobs off, tag after tag.
//!
//! Before each claim the loop looks at its first tag first, and it never claims more than it has free slots, so that a
//! late important job waits for one slot and not for a batch. What has ended and the next claim travel to the store in
//! one trip (`claim`, `finish`). When all tags are empty it rests until a wake-up, the next delayed job, or its
//! interval (`wake`). Actions run apart from the loop (`run`), which hears from them over a channel.

mod claim;
mod finish;
mod run;
mod wake;

use std::collections::HashMap;
use std::iter::Sum;
use std::sync::Arc;
use std::time::Duration;

use seed::Document;
use seed::store::WriteItem;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::error::Result;
use crate::event::Event;
use crate::job::Status;
use crate::queue::Queue;
use crate::task::Context;
use finish::Ending;
use run::Done;

/// How many jobs run at once unless told.
const DEFAULT_SLOTS: usize = 8;

/// How long an idle processor rests at the most unless told.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(1);

/// How long running jobs may go on after a stop unless told.
const DEFAULT_GRACE: Duration = Duration::from_secs(30);

/// How often what actions say is stored while they run.
const FLUSH_INTERVAL: Duration = Duration::from_millis(500);

type Listener = Arc<dyn Fn(&Event) + Send + Sync>;

/// A processor that is being set up; [`start`](Self::start) or [`drain`](Self::drain) sets it going.
#[must_use = "a processor does nothing until it is started"]
pub struct ProcessorBuilder {
    queue: Queue,
    tags: Vec<String>,
    slots: usize,
    interval: Duration,
    grace: Duration,
    listener: Option<Listener>,
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
        let (slots, interval, grace) = (DEFAULT_SLOTS, DEFAULT_INTERVAL, DEFAULT_GRACE);
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

    /// Sets how long an idle processor rests at the most before it looks again; 1 s if left out.
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
        let working = Loop::new(self, drains, stop.clone());
        runtime.spawn(Box::pin(async move {
            // Nobody may be waiting for the end.
            let _ = ended.send(working.run().await);
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

/// How many jobs a processor brought to which end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Jobs that completed.
    pub completed: u64,
    /// Jobs that failed for good.
    pub failed: u64,
    /// Jobs that took too long for good.
    pub timed_out: u64,
    /// Attempts that failed and will be made again.
    pub retried: u64,
    /// Jobs that were handed back.
    pub handed_back: u64,
}

impl Sum for Summary {
    fn sum<I: Iterator<Item = Self>>(summaries: I) -> Self {
        summaries.fold(Self::default(), |sum, next| Self {
            completed: sum.completed + next.completed,
            failed: sum.failed + next.failed,
            timed_out: sum.timed_out + next.timed_out,
            retried: sum.retried + next.retried,
            handed_back: sum.handed_back + next.handed_back,
        })
    }
}

impl Summary {
    fn count(&mut self, status: Status) {
        match status {
            Status::Completed => self.completed += 1,
            Status::Failed => self.failed += 1,
            Status::Timeout => self.timed_out += 1,
            Status::Delayed => self.retried += 1,
            Status::Queued => self.handed_back += 1,
            Status::Processing | Status::Cancelled => {}
        }
    }
}

/// A job that runs here.
#[derive(Debug)]
struct Running {
    /// The document as the store has it, as far as we know.
    known: Document,
    token: String,
    context: Context,
}

/// An ending that waits to be stored.
#[derive(Debug)]
struct Waiting {
    id: String,
    token: String,
    task: String,
    ending: Ending,
    item: WriteItem,
}

struct Loop {
    queue: Queue,
    tags: Vec<String>,
    slots: usize,
    interval: Duration,
    grace: Duration,
    drains: bool,
    listener: Option<Listener>,
    /// Tells this loop's claims from those of others.
    session: String,
    stop: CancellationToken,
    running: HashMap<String, Running>,
    outbox: Vec<Waiting>,
    done: mpsc::UnboundedReceiver<Done>,
    done_sender: mpsc::UnboundedSender<Done>,
    summary: Summary,
    failures: u32,
    /// Whether the last look found something, so that another one is due.
    may_have_work: bool,
}

impl Loop {
    fn new(builder: ProcessorBuilder, drains: bool, stop: CancellationToken) -> Self {
        let ProcessorBuilder {
            queue,
            tags,
            slots,
            interval,
            grace,
            listener,
        } = builder;
        // At most one message waits for each running job, so the channel is bounded by the slots.
        let (done_sender, done) = mpsc::unbounded_channel();
        let session = format!("{:016x}", queue.runtime().random());
        Self {
            queue,
            tags,
            slots,
            interval,
            grace,
            drains,
            listener,
            session,
            stop,
            running: HashMap::new(),
            outbox: Vec::new(),
            done,
            done_sender,
            summary: Summary::default(),
            failures: 0,
            may_have_work: true,
        }
    }

    async fn run(mut self) -> Result<Summary> {
        // The watch is opened before the first look, so that nothing comes in between unseen.
        let mut watch = loop {
            match self.queue.store().watch(self.queue.collection()).await {
                Ok(watch) => break watch,
                Err(fault) => self.survive(fault.into()).await?,
            }
        };
        let mut rest = wake::Rest::new(self.queue.runtime().elapsed());
        while !self.stop.is_cancelled() {
            self.take_done();
            if let Err(fault) = self.step(&mut rest).await {
                self.survive(fault).await?;
                self.may_have_work = true;
                continue;
            }
            if self.drains && self.is_drained() {
                break;
            }
            if !self.may_have_work || self.running.len() >= self.slots {
                self.rest(&mut watch, &mut rest).await;
            }
        }
        self.shut_down().await?;
        Ok(self.summary)
    }

    /// Stores what has ended, claims for the free slots, and sets going what was claimed.
    async fn step(&mut self, rest: &mut wake::Rest) -> Result<()> {
        if rest.is_promotion_due(&self.queue) {
            self.may_have_work |= self.promote(rest).await?;
        }
        if rest.is_flush_due(self.queue.runtime().elapsed()) {
            self.flush().await?;
        }
        let free = self.slots.saturating_sub(self.running.len());
        let claims = if self.may_have_work && !self.stop.is_cancelled() {
            free
        } else {
            0
        };
        if self.outbox.is_empty() && claims == 0 {
            return Ok(());
        }
        let was_working = self.may_have_work;
        let claimed = self.trip(claims).await?;
        if claims > 0 {
            self.may_have_work = !claimed.is_empty();
            claimed.into_iter().for_each(|document| self.set_going(document));
        }
        if was_working && !self.may_have_work && self.running.is_empty() {
            // Whether a delayed job is due must be known before the loop may rest.
            self.may_have_work = self.promote(rest).await?;
            if !self.may_have_work {
                self.tell(&Event::Empty);
            }
        }
        Ok(())
    }

    fn is_drained(&self) -> bool {
        !self.may_have_work && self.running.is_empty() && self.outbox.is_empty()
    }

    /// Takes in what has ended, without waiting.
    fn take_done(&mut self) {
        while let Ok(done) = self.done.try_recv() {
            self.end(done);
        }
    }

    /// Waits after a failed call; gives the fault back if trying again cannot help.
    async fn survive(&mut self, fault: crate::Error) -> Result<()> {
        if !fault.is_retryable() {
            return Err(fault);
        }
        self.failures += 1;
        self.tell(&Event::StoreFailed(fault));
        let runtime = Arc::clone(self.queue.runtime());
        let wait = runtime.sleep(Backoff::OF_CALLS.wait(self.failures, runtime.random()));
        tokio::select! {
            () = wait => {}
            () = self.stop.cancelled() => {}
        }
        Ok(())
    }

    fn succeeded(&mut self) {
        if std::mem::take(&mut self.failures) > 0 {
            self.tell(&Event::StoreBack);
        }
    }

    /// Waits for what runs, within the grace time, and hands the rest back.
    async fn shut_down(&mut self) -> Result<()> {
        let runtime = Arc::clone(self.queue.runtime());
        let mut grace = runtime.sleep(self.grace);
        while !self.running.is_empty() {
            tokio::select! {
                biased;
                Some(done) = self.done.recv() => self.end(done),
                () = &mut grace => break,
            }
        }
        self.hand_back_all();
        // The store may be away just now; what has ended is worth a few tries.
        let mut tries = 0;
        while !self.outbox.is_empty() {
            match self.trip(0).await {
                Ok(_) => {}
                Err(fault) if fault.is_retryable() && tries < 5 => {
                    tries += 1;
                    self.tell(&Event::StoreFailed(fault));
                    runtime
                        .sleep(Backoff::OF_CALLS.wait(tries, runtime.random()))
                        .await;
                }
                Err(fault) => return Err(fault),
            }
        }
        Ok(())
    }

    fn tell(&self, event: &Event) {
        if let Some(listener) = &self.listener {
            listener(event);
        }
    }
}
