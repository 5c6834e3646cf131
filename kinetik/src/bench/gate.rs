//! Sees handlers start: counts them, and notes when certain ones did.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures::channel::oneshot;
use kinetik_core::Runtime;

use super::{Bench, LIST, Step};

/// Counts the starts of handlers up to the last one that matters.
#[derive(Debug)]
pub(super) struct Gate {
    bench: Bench,
    started: AtomicU64,
    first: Mark,
    from: Mark,
    last: Mark,
    /// Fires at the last one.
    opens: Mutex<Option<oneshot::Sender<()>>>,
}

/// A handler by its number, counted from 1, and when it started.
#[derive(Debug)]
struct Mark {
    number: u64,
    micros: AtomicU64,
}

/// Returns the time in whole microseconds.
pub(super) fn micros(runtime: &dyn Runtime) -> u64 {
    u64::try_from(runtime.elapsed().as_micros()).unwrap_or(u64::MAX)
}

impl Gate {
    /// Makes a gate that notes when the handlers with these numbers start, and opens at the last of them.
    pub(super) fn new(bench: &Bench, from: u64, last: u64) -> (Arc<Self>, oneshot::Receiver<()>) {
        let (sender, opened) = oneshot::channel();
        let gate = Self {
            bench: bench.clone(),
            started: AtomicU64::new(0),
            first: Mark::new(1),
            from: Mark::new(from),
            last: Mark::new(last),
            opens: Mutex::new(Some(sender)),
        };
        (Arc::new(gate), opened)
    }

    /// Notes that a handler starts.
    pub(super) fn pass(&self) {
        let number = self.started.fetch_add(1, Ordering::SeqCst) + 1;
        for mark in [&self.first, &self.from, &self.last] {
            if mark.number == number {
                mark.micros.store(micros(&*self.bench.runtime), Ordering::SeqCst);
            }
        }
        if number == self.last.number {
            let sender = self.opens.lock().unwrap_or_else(PoisonError::into_inner).take();
            // Whoever waited may have given up.
            sender.map(|sender| sender.send(()));
        }
        if number.is_multiple_of(LIST) {
            self.bench.tell(Step {
                what: "working",
                done: number,
                total: self.last.number,
            });
        }
    }

    /// Returns when the first handler started.
    pub(super) fn first(&self) -> u64 {
        self.first.micros.load(Ordering::SeqCst)
    }

    /// Returns how long after the `from` handler the last one started.
    pub(super) fn between(&self) -> u64 {
        let [from, last] = [&self.from, &self.last].map(|mark| mark.micros.load(Ordering::SeqCst));
        // Two handlers may start at once, and the later one look at the clock before the other.
        last.saturating_sub(from)
    }
}

impl Mark {
    fn new(number: u64) -> Self {
        Self {
            number,
            micros: AtomicU64::new(0),
        }
    }
}
