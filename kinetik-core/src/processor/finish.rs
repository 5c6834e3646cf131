//! What becomes of a job when an attempt has ended, and the write that records it.

use std::time::Duration;

use seed::store::{WriteBatch, WriteItem, WriteOutcome};
use seed::value::{Array, limits as value_limits};
use seed::{DateTime, Document, Filter, Update, Value, doc};

use super::run::Done;
use super::{Loop, Running, Waiting};
use crate::backoff::Backoff;
use crate::error::Result;
use crate::job::log::LogLine;
use crate::job::{Failure, FailureKind, Job, Status, limits};
use crate::task::Outcome;

/// How an attempt ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// The action gave something back.
    By(Outcome),
    /// The action took longer than this.
    OutOfTime(Duration),
    /// The worker stops.
    Stopped,
}

/// What an attempt's end means for the job.
#[derive(Debug)]
pub(super) struct Ending {
    pub(super) status: Status,
    pub(super) error: Option<String>,
}

impl Loop {
    /// Takes in the end of an attempt; it is stored with the next trip.
    pub(super) fn end(&mut self, done: Done) {
        let is_ours = self
            .running
            .get(&done.id)
            .is_some_and(|running| running.token == done.token);
        if let Some(running) = self.running.remove(&done.id).filter(|_| is_ours) {
            let random = self.queue.runtime().random();
            let change = change(running.context.job(), done.ended, self.queue.now(), random);
            self.put_in_outbox(&done.id, running, change);
        }
    }

    pub(super) fn hand_back_all(&mut self) {
        for (id, running) in std::mem::take(&mut self.running) {
            running.context.cancellation().cancel();
            let change = change(running.context.job(), Ended::Stopped, self.queue.now(), 0);
            self.put_in_outbox(&id, running, change);
        }
    }

    fn put_in_outbox(&mut self, id: &str, running: Running, change: Change) {
        running.context.log_event(change.line.clone());
        let (said, progress) = running.context.take_said();
        let Change {
            mut set,
            unset,
            status,
            error,
            ..
        } = change;
        set.set("log", log_with(&running.known, said));
        if let Some(progress) = progress {
            set.set("progress", progress.to_document());
        }
        let task = running.context.job().task.clone();
        let ending = Ending { status, error };
        if let Ok(item) = guarded(id, &running.token, running.known, set, unset) {
            self.outbox.push(Waiting {
                id: id.to_owned(),
                token: running.token,
                task,
                ending,
                item,
            });
        }
    }

    /// Ends a job whose document cannot be read; the rest of it is kept as it is.
    pub(super) fn end_unread(&mut self, known: Document, id: String, token: String, failure: Failure) {
        let now = self.queue.now();
        let line = LogLine::new(now, format!("failed: {}", failure.message)).to_value();
        let mut set =
            doc! { "status": (Status::Failed.name()), "finished": now, "error": (failure.to_document()) };
        set.set("log", log_with(&known, [line].into_iter().collect()));
        let task = known
            .get("task")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let ending = Ending {
            status: Status::Failed,
            error: Some(failure.message),
        };
        // The id need not be text either, so it is taken from the document.
        let key = known.id().cloned().unwrap_or_default();
        if let Ok(item) = guarded(key, &token, known, set, doc! { "session": "" }) {
            self.outbox.push(Waiting {
                id,
                token,
                task,
                ending,
                item,
            });
        }
    }

    /// Stores what the running actions have said since the last time.
    pub(super) async fn flush(&mut self) -> Result<()> {
        let mut ids = Vec::new();
        let mut items = Vec::new();
        for (id, running) in self
            .running
            .iter_mut()
            .filter(|(_, running)| running.context.has_said())
        {
            let (said, progress) = running.context.take_said();
            let mut set = doc! { "log": (log_with(&running.known, said)) };
            if let Some(progress) = progress {
                set.set("progress", progress.to_document());
            }
            let before = running.known.clone();
            // From here on this is what the job holds; if the write does not get through, the next one carries it.
            set.iter()
                .for_each(|(name, value)| drop(running.known.set(name, value.clone())));
            items.push(guarded(
                id.as_str(),
                &running.token,
                before,
                set,
                Document::new(),
            )?);
            ids.push(id.clone());
        }
        if items.is_empty() {
            return Ok(());
        }
        let batch = WriteBatch::new(self.queue.collection().clone(), items);
        let outcomes = self.queue.store().write(batch).await?;
        for (id, outcome) in ids.iter().zip(outcomes) {
            if matches!(outcome, WriteOutcome::Updated(updated) if updated.matched == 0) {
                self.lose(id);
            }
        }
        Ok(())
    }

    /// Lets go of a job that is no longer ours: its action is told, and what it gives back will be dropped.
    fn lose(&mut self, id: &str) {
        if let Some(running) = self.running.remove(id) {
            running.context.cancellation().cancel();
            self.tell(&crate::event::Event::Refused { id: id.to_owned() });
        }
    }
}

/// Writes to a job only while it runs under this token.
fn guarded(
    id: impl Into<Value>,
    token: &str,
    known: Document,
    set: Document,
    unset: Document,
) -> Result<WriteItem> {
    let guard = doc! { "_id": { "$eq": (id.into()) }, "status": (Status::Processing.name()), "token": token };
    let mut update = doc! { "$set": set };
    if !unset.is_empty() {
        update.set("$unset", unset);
    }
    Ok(WriteItem::update_known(
        known,
        Filter::parse(&guard)?,
        Update::parse(&update, &[])?,
    ))
}

/// Returns the whole log with new lines behind it: as a constant it costs the store no look at the old one.
fn log_with(known: &Document, said: Array) -> Array {
    let mut log = known
        .get("log")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    log.extend(said);
    log
}

/// The fields that change when an attempt ends.
struct Change {
    status: Status,
    set: Document,
    unset: Document,
    line: String,
    error: Option<String>,
}

fn change(job: &Job, ended: Ended, now: DateTime, random: u64) -> Change {
    let failure = match ended {
        Ended::Stopped => return handed_back(),
        Ended::By(Ok(result)) => match check_result(&result) {
            Ok(()) => return completed(job, result, now),
            Err(failure) => failure,
        },
        Ended::By(Err(failure)) => failure,
        Ended::OutOfTime(timeout) => {
            Failure::of_kind(FailureKind::Timeout, format!("it took longer than {timeout:?}"))
        }
    };
    failed(job, &failure, now, random)
}

fn check_result(result: &Value) -> Result<(), Failure> {
    let too_large = |message: String| Failure::of_kind(FailureKind::TooLarge, message);
    let bytes =
        value_limits::bson_size(&doc! { "result": result }).map_err(|cause| too_large(cause.to_string()))?;
    let deep = value_limits::check_depth(result, limits::DATA_DEPTH);
    deep.map_err(|cause| too_large(format!("the result is too deep: {cause}")))?;
    if bytes > limits::RESULT_BYTES {
        return Err(too_large(format!(
            "the result has {bytes} bytes, the most is {}",
            limits::RESULT_BYTES
        )));
    }
    Ok(())
}

/// What a finish takes away: the holder. The token stays, so that the holder's own retry is recognised.
fn released() -> Document {
    doc! { "session": "" }
}

fn completed(job: &Job, result: Value, now: DateTime) -> Change {
    let mut set = ended_at(job, Status::Completed, now);
    if !result.is_null() {
        set.set("result", result);
    }
    let mut unset = released();
    if job.error.is_some() {
        unset.set("error", "");
    }
    Change {
        status: Status::Completed,
        set,
        unset,
        line: "completed".to_owned(),
        error: None,
    }
}

fn failed(job: &Job, failure: &Failure, now: DateTime, random: u64) -> Change {
    let error = Some(failure.message.clone());
    let ended = job.attempt + 1;
    if ended < job.max_attempts {
        let wait = Backoff::OF_JOBS.wait(u32::try_from(ended).unwrap_or(u32::MAX), random);
        let line = format!("attempt {ended} failed: {}; again in {wait:.1?}", failure.message);
        let set = doc! {
            "status": (Status::Delayed.name()), "attempt": ended, "run_at": (now.saturating_add(wait)),
            "error": (failure.to_document())
        };
        return Change {
            status: Status::Delayed,
            set,
            unset: released(),
            line,
            error,
        };
    }
    let status = match failure.kind {
        FailureKind::Timeout => Status::Timeout,
        FailureKind::Failed
        | FailureKind::Panicked
        | FailureKind::Decode
        | FailureKind::TooLarge
        | FailureKind::Crashed => Status::Failed,
    };
    let mut set = ended_at(job, status, now);
    set.set("error", failure.to_document());
    Change {
        status,
        set,
        unset: released(),
        line: format!("{status}: {}", failure.message),
        error,
    }
}

fn ended_at(job: &Job, status: Status, now: DateTime) -> Document {
    doc! { "status": (status.name()), "attempt": (job.attempt + 1), "finished": now }
}

/// The attempt does not count: the job is as it was before it was claimed.
fn handed_back() -> Change {
    let set = doc! { "status": (Status::Queued.name()) };
    let unset = doc! { "session": "", "started": "" };
    Change {
        status: Status::Queued,
        set,
        unset,
        line: "handed back: the worker stops".to_owned(),
        error: None,
    }
}
