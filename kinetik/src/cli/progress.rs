//! What a worker tells people while it works: each failure and each outage as a line, and on a terminal how many jobs
//! stand where.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use indicatif::ProgressBar;
use kinetik_core::{Event, Status};

use super::output::{Output, shortened};

const SPINNER: &str = "{spinner} {msg}";

/// How many letters of an error are told; all of it is in the job.
const ERROR_LETTERS: usize = 200;

/// Follows the events of a worker's loops.
#[derive(Debug)]
pub(super) struct Progress {
    output: Output,
    spinner: ProgressBar,
    counts: Mutex<Counts>,
    /// Each loop tells it, and once is enough.
    has_told_of_waiting: AtomicBool,
    /// What the store was last said to fail with. Each loop tells it with each try.
    store_fault: Mutex<Option<String>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    running: u64,
    completed: u64,
    failed: u64,
}

impl Progress {
    pub(super) fn new(output: &Output) -> Self {
        let spinner = output.show_spinner(SPINNER);
        Self {
            output: output.clone(),
            spinner,
            counts: Mutex::default(),
            has_told_of_waiting: AtomicBool::new(false),
            store_fault: Mutex::default(),
        }
    }

    pub(super) fn follow(&self, event: &Event) {
        match event {
            Event::Started { .. } => self.count(|counts| counts.running += 1),
            Event::Finished {
                id,
                task,
                status,
                error,
            } => {
                self.count(|counts| counts.end(*status));
                if let Some(error) = error {
                    self.output.note(&failed(id, task, *status, error));
                }
            }
            Event::HandedBack { id, task } => {
                self.count(Counts::leave);
                self.output.note(&format!("{task} {id} was handed back"));
            }
            Event::Refused { id } => {
                self.count(Counts::leave);
                self.output
                    .note(&format!("{id} is no longer ours: what it gave back was dropped"));
            }
            Event::Waiting { jobs } if !self.has_told_of_waiting.swap(true, Ordering::Relaxed) => {
                let what = if *jobs == 1 { "a job" } else { "jobs" };
                self.output.note(&format!(
                    "waiting for {what} of another worker: until it gives a sign of life, or its lease is over"
                ));
            }
            Event::StoreFailed(fault) => self.note_store(Some(fault.to_string())),
            Event::StoreBack => self.note_store(None),
            Event::Unreadable(fault) => self.output.note(&fault.to_string()),
            _ => {}
        }
    }

    /// Takes what is shown off the terminal.
    pub(super) fn end(&self) {
        self.output.hide_bar();
    }

    /// Says that the store fails, or answers again, if that is news.
    fn note_store(&self, fault: Option<String>) {
        let mut told = self.store_fault.lock().unwrap_or_else(PoisonError::into_inner);
        if *told == fault {
            return;
        }
        self.output.note(&match &fault {
            Some(fault) => format!("the store failed, trying again: {fault}"),
            None => "the store answers again".to_owned(),
        });
        *told = fault;
    }

    fn count(&self, change: impl FnOnce(&mut Counts)) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut counts);
        let Counts {
            running,
            completed,
            failed,
        } = *counts;
        drop(counts);
        if !self.spinner.is_hidden() {
            self.spinner.set_message(format!(
                "{running} running, {completed} completed, {failed} failed"
            ));
            self.spinner.tick();
        }
    }
}

impl Counts {
    fn leave(&mut self) {
        self.running = self.running.saturating_sub(1);
    }

    fn end(&mut self, status: Status) {
        self.leave();
        match status {
            Status::Completed => self.completed += 1,
            Status::Failed | Status::Timeout => self.failed += 1,
            Status::Delayed | Status::Queued | Status::Processing | Status::Cancelled => {}
        }
    }
}

fn failed(id: &str, task: &str, status: Status, error: &str) -> String {
    let outcome = match status {
        Status::Delayed => "failed and will be tried again",
        Status::Timeout => "timed out",
        Status::Failed | Status::Completed | Status::Queued | Status::Processing | Status::Cancelled => {
            "failed"
        }
    };
    format!("{task} {id} {outcome}: {}", shortened(error, ERROR_LETTERS))
}
