//! Group commit: writes that wait for each other's commit share one.
//!
//! A caller queues its job, lets whoever else is ready do the same, and then, if nobody writes, writes for all of them
//! on its own thread: an idle store costs no hop to another thread, and fifty callers cost one commit. What comes in
//! meanwhile is written by a thread of our own, so that no caller is held up by the jobs of others for long; so is what
//! must wait for another process, which may take seconds. Urgent jobs are taken before all others that wait.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::durable::{Committed, Reply, Syncer, join};
use super::{Engine, WriteTransaction};
use crate::error::{Error, ErrorKind, Result};

/// How many writes one commit may hold.
const MAX_ITEMS: usize = 1_000;

/// How many it may hold where it is made durable apart from it: fewer, so that of two callers with long batches one is
/// written while the other's is made durable.
const MAX_ITEMS_APART: usize = 32;

/// For how long one commit takes in further jobs.
const MAX_TIME: Duration = Duration::from_millis(20);

/// A piece of work inside a write transaction.
pub trait Job<S>: Send {
    /// Returns the collection that the job writes to.
    fn collection(&self) -> &str;

    /// Runs the job.
    ///
    /// # Errors
    /// Only if the engine failed and the whole transaction must go; what is wrong with the job itself is its result.
    fn run(&mut self, transaction: &mut dyn WriteTransaction<S>) -> Result<()>;

    /// Takes note that the job's transaction is committed. It may still have to be made durable.
    fn committed(&mut self) {}
}

/// The jobs of one transaction, one after the other.
pub trait Jobs<S> {
    /// Returns the next job, if there is one and the transaction should go on.
    fn next(&mut self) -> Option<&mut dyn Job<S>>;
}

/// A single job, for engines that write in place.
pub(super) struct One<'a, S>(pub(super) Option<&'a mut dyn Job<S>>);

impl<S> Jobs<S> for One<'_, S> {
    fn next(&mut self) -> Option<&mut dyn Job<S>> {
        self.0.take().map(|job| job as &mut dyn Job<S>)
    }
}

/// Which jobs go first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Urgency {
    /// In the order in which they came.
    Usual,
    /// Before all that are not.
    Urgent,
}

/// What a job means for the queue.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weight {
    /// How many writes it is.
    pub(super) items: usize,
    pub(super) urgency: Urgency,
    /// Whether its caller is told before it is durable.
    pub(super) is_eager: bool,
}

impl Weight {
    pub(super) fn of(items: usize, is_urgent: bool) -> Self {
        let urgency = match is_urgent {
            true => Urgency::Urgent,
            false => Urgency::Usual,
        };
        Self {
            items,
            urgency,
            is_eager: false,
        }
    }

    pub(super) fn eager(self, is_eager: bool) -> Self {
        Self { is_eager, ..self }
    }
}

/// A job in the queue, with the way to tell its caller.
pub(super) struct Queued<S> {
    pub(super) job: Box<dyn Job<S>>,
    pub(super) weight: Weight,
    pub(super) done: Reply<S>,
}

/// The jobs that wait, each kind in the order in which they came.
struct Waiting<S> {
    urgent: VecDeque<Queued<S>>,
    usual: VecDeque<Queued<S>>,
}

impl<S> Waiting<S> {
    fn push(&mut self, queued: Queued<S>) {
        match queued.weight.urgency {
            Urgency::Urgent => self.urgent.push_back(queued),
            Urgency::Usual => self.usual.push_back(queued),
        }
    }

    /// Takes the next job whose caller is still there: one that was given up before it began is never done.
    fn pop(&mut self) -> Option<Queued<S>> {
        loop {
            let queued = self.urgent.pop_front().or_else(|| self.usual.pop_front())?;
            if !queued.done.is_closed() {
                return Some(queued);
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.urgent.is_empty() && self.usual.is_empty()
    }

    fn counts(&self) -> (usize, usize) {
        (self.urgent.len(), self.usual.len())
    }

    /// Takes the jobs that were there when they were counted.
    fn take(&mut self, (urgent, usual): (usize, usize)) -> Vec<Queued<S>> {
        let mut taken: Vec<_> = self.urgent.drain(..urgent.min(self.urgent.len())).collect();
        taken.extend(self.usual.drain(..usual.min(self.usual.len())));
        taken
    }
}

/// Writes the jobs of all callers in groups.
#[derive(Debug)]
pub(super) struct Writer<E: Engine> {
    shared: Arc<Shared<E>>,
}

#[derive(Debug)]
struct Shared<E: Engine> {
    engine: Arc<E>,
    syncer: Syncer<E>,
    queue: Mutex<Queue<E::Stored>>,
    handed_over: Condvar,
}

struct Queue<S> {
    waiting: Waiting<S>,
    /// Whether somebody writes now, or the thread was told to.
    is_led: bool,
    is_for_thread: bool,
    thread: Option<JoinHandle<()>>,
    is_closed: bool,
    commits: u64,
}

impl<S> std::fmt::Debug for Queue<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue")
            .field("waiting", &self.waiting.counts())
            .field("is_led", &self.is_led)
            .finish()
    }
}

impl<E: Engine> Writer<E> {
    pub(super) fn new(engine: Arc<E>) -> Self {
        let queue = Queue {
            waiting: Waiting {
                urgent: VecDeque::new(),
                usual: VecDeque::new(),
            },
            is_led: false,
            is_for_thread: false,
            thread: None,
            is_closed: false,
            commits: 0,
        };
        Self {
            shared: Arc::new(Shared {
                syncer: Syncer::new(Arc::clone(&engine)),
                engine,
                queue: Mutex::new(queue),
                handed_over: Condvar::new(),
            }),
        }
    }

    /// Runs a job in some transaction and returns it when that is committed.
    pub(super) async fn submit(
        &self,
        job: Box<dyn Job<E::Stored>>,
        weight: Weight,
    ) -> Result<Box<dyn Job<E::Stored>>> {
        let (done, result) = oneshot::channel();
        self.shared.lock().waiting.push(Queued { job, weight, done });
        yield_once().await;
        if self.shared.try_lead() {
            // If another process writes, the jobs stay where they are, and the thread waits for it.
            let group = self
                .shared
                .write_group(|engine, group| engine.write_if_free(group));
            self.shared.hand_over();
            self.shared.syncer.settle(group);
        }
        let (job, outcome) = pin!(result)
            .await
            .map_err(|_| Error::new(ErrorKind::Unavailable, "the writer is gone"))?;
        outcome.map(|()| job)
    }

    /// Returns how many groups were committed so far.
    pub(super) fn commits(&self) -> u64 {
        self.shared.lock().commits
    }
}

impl<E: Engine> Drop for Writer<E> {
    /// Waits for the thread, so that nothing of the engine is in use when its store is gone.
    fn drop(&mut self) {
        let mut queue = self.shared.lock();
        queue.is_closed = true;
        let thread = queue.thread.take();
        drop(queue);
        self.shared.handed_over.notify_all();
        join(thread);
    }
}

impl<E: Engine> Shared<E> {
    fn lock(&self) -> MutexGuard<'_, Queue<E::Stored>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn try_lead(&self) -> bool {
        let mut queue = self.lock();
        let leads = !queue.is_led && !queue.waiting.is_empty();
        queue.is_led |= leads;
        leads
    }

    /// Writes one group.
    fn write_group(&self, write: impl FnOnce(&E, &mut Group<'_, E>) -> Result<bool>) -> Committed<E::Stored> {
        let waited = self.lock().waiting.counts();
        let mut group = Group {
            shared: self,
            running: Vec::new(),
            items: 0,
            max_items: match self.engine.syncs_apart() {
                true => MAX_ITEMS_APART,
                false => MAX_ITEMS,
            },
            started: Instant::now(),
        };
        let outcome = write(&self.engine, &mut group);
        let mut running = group.running;
        match &outcome {
            Ok(_) => {
                self.lock().commits += u64::from(!running.is_empty());
                running.iter_mut().for_each(|queued| queued.job.committed());
            }
            // The transaction did not even begin, and all who have waited for it so long must be told.
            Err(_) if running.is_empty() => running = self.lock().waiting.take(waited),
            Err(_) => {}
        }
        Committed {
            jobs: running,
            outcome: outcome.map(drop),
        }
    }

    /// Lets go of the lead, to the thread if more is waiting.
    fn hand_over(self: &Arc<Self>) {
        let mut queue = self.lock();
        if queue.waiting.is_empty() {
            queue.is_led = false;
            return;
        }
        queue.is_for_thread = true;
        if queue.thread.is_none() {
            let shared = Arc::clone(self);
            let thread = std::thread::Builder::new().name("seed-writer".to_owned());
            queue.thread = thread.spawn(move || shared.write_when_told()).ok();
        }
        let is_told = queue.thread.is_some();
        drop(queue);
        if is_told {
            self.handed_over.notify_one();
        } else {
            // Without a thread the callers' jobs must still be done.
            self.drain();
        }
    }

    fn write_when_told(&self) {
        loop {
            let mut queue = self.lock();
            while !queue.is_for_thread {
                if queue.is_closed {
                    return;
                }
                queue = self
                    .handed_over
                    .wait(queue)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            drop(queue);
            self.drain();
        }
    }

    fn drain(&self) {
        loop {
            let mut queue = self.lock();
            if queue.waiting.is_empty() {
                queue.is_led = false;
                queue.is_for_thread = false;
                return;
            }
            drop(queue);
            let group = self.write_group(|engine, group| engine.write(group).map(|()| true));
            self.syncer.settle_apart(group);
        }
    }
}

/// The jobs of one group, taken from the queue as the transaction comes to them.
struct Group<'a, E: Engine> {
    shared: &'a Shared<E>,
    running: Vec<Queued<E::Stored>>,
    items: usize,
    max_items: usize,
    started: Instant,
}

impl<E: Engine> Jobs<E::Stored> for Group<'_, E> {
    fn next(&mut self) -> Option<&mut dyn Job<E::Stored>> {
        if self.items >= self.max_items || (!self.running.is_empty() && self.started.elapsed() >= MAX_TIME) {
            return None;
        }
        let queued = self.shared.lock().waiting.pop()?;
        self.items += queued.weight.items;
        self.running.push(queued);
        self.running
            .last_mut()
            .map(|queued| &mut *queued.job as &mut dyn Job<E::Stored>)
    }
}

/// Gives every task that is ready a turn before going on.
async fn yield_once() {
    let mut has_yielded = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut has_yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
