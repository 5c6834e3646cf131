//! What comes after a commit: it is made durable, and then its callers are told.
//!
//! A disk takes its time over that, and the next groups need not wait for it: a thread of its own makes durable all that
//! was committed meanwhile, at once. So a store has two groups on their way, one that is written and one that is synced.
//! Eager callers are told before.

use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::Engine;
use super::writer::{Job, Queued};
use crate::error::Result;

/// How a caller is told: it gets its job back, with what became of it.
pub(super) type Reply<S> = oneshot::Sender<(Box<dyn Job<S>>, Result<()>)>;

/// The jobs of a group that was written, whose callers wait.
pub(super) struct Committed<S> {
    pub(super) jobs: Vec<Queued<S>>,
    pub(super) outcome: Result<()>,
}

impl<S> Committed<S> {
    /// Tells each caller; one that went away does not want to know.
    fn tell(self) {
        for Queued { job, done, .. } in self.jobs {
            let _ = done.send((job, self.outcome.clone()));
        }
    }

    /// Tells the eager callers, and says whether there were any.
    fn tell_eager(&mut self) -> bool {
        let jobs: Vec<_> = self
            .jobs
            .extract_if(.., |queued| queued.weight.is_eager)
            .collect();
        let are_any = !jobs.is_empty();
        let outcome = self.outcome.clone();
        Self { jobs, outcome }.tell();
        are_any
    }

    fn is_to_be_synced(&self) -> bool {
        self.outcome.is_ok() && !self.jobs.is_empty()
    }
}

/// Makes groups durable, here or on a thread of its own.
#[derive(Debug)]
pub(super) struct Syncer<E: Engine> {
    engine: Arc<E>,
    /// There from the first time on, and gone when this is.
    thread: Mutex<Option<Thread<E::Stored>>>,
}

#[derive(Debug)]
struct Thread<S> {
    groups: Sender<Committed<S>>,
    handle: JoinHandle<()>,
}

impl<E: Engine> Syncer<E> {
    pub(super) fn new(engine: Arc<E>) -> Self {
        Self {
            engine,
            thread: Mutex::default(),
        }
    }

    /// Makes a group durable on this thread and tells its callers.
    pub(super) fn settle(&self, mut group: Committed<E::Stored>) {
        if group.is_to_be_synced() && self.engine.syncs_apart() && group.tell_eager() {
            // A caller that was told wants to go on, on this thread.
            return self.sync_apart(group);
        }
        self.sync(group);
    }

    /// Does the same without waiting for it.
    pub(super) fn settle_apart(&self, mut group: Committed<E::Stored>) {
        if !group.is_to_be_synced() || !self.engine.syncs_apart() {
            return group.tell();
        }
        group.tell_eager();
        self.sync_apart(group);
    }

    fn sync_apart(&self, group: Committed<E::Stored>) {
        let left = match self.thread() {
            Some(thread) => thread.send(group).err().map(|unsent| unsent.0),
            None => Some(group),
        };
        // Without a thread the callers must still be told.
        if let Some(group) = left {
            self.sync(group);
        }
    }

    fn sync(&self, mut group: Committed<E::Stored>) {
        if group.outcome.is_ok() {
            group.outcome = self.engine.sync();
        }
        group.tell();
    }

    fn thread(&self) -> Option<Sender<Committed<E::Stored>>> {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.is_none() {
            *thread = start(Arc::clone(&self.engine));
        }
        thread.as_ref().map(|thread| thread.groups.clone())
    }
}

impl<E: Engine> Drop for Syncer<E> {
    /// Waits for the thread, as the writer does for its own.
    fn drop(&mut self) {
        let thread = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(Thread { groups, handle }) = thread.take() {
            drop(groups);
            join(Some(handle));
        }
    }
}

/// Waits for a thread to end, unless this is it: a caller's job may hold the last handle of its store.
pub(super) fn join(thread: Option<JoinHandle<()>>) {
    if let Some(thread) = thread.filter(|thread| thread.thread().id() != std::thread::current().id()) {
        // One that panicked has nothing to say that its callers were not told.
        let _ = thread.join();
    }
}

fn start<E: Engine>(engine: Arc<E>) -> Option<Thread<E::Stored>> {
    let (sender, groups) = channel::<Committed<E::Stored>>();
    let run = move || {
        while let Ok(first) = groups.recv() {
            let together: Vec<_> = std::iter::once(first).chain(groups.try_iter()).collect();
            let outcome = engine.sync();
            for mut group in together {
                group.outcome = outcome.clone();
                group.tell();
            }
        }
    };
    let thread = std::thread::Builder::new().name("seed-sync".to_owned());
    let handle = thread.spawn(run).ok()?;
    Some(Thread {
        groups: sender,
        handle,
    })
}
