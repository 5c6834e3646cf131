//! What becomes of a job when an attempt has ended, and the write that records it.

use std::sync::Arc;
use std::time::Duration;

use seed::store::{WriteBatch, WriteItem, WriteOutcome};
use seed::value::{Text, limits as value_limits};
use seed::{DateTime, Document, Value, doc};

use super::run::Done;
use super::{Loop, Running, Waiting};
use crate::backoff::Backoff;
use crate::error::Result;
use crate::job::{Failure, FailureKind, Job, Status, guard, limits};
use crate::task::{Attempt, Outcome};

/// How an attempt ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// The action gave something back.
    By(Outcome),
    /// The action took longer than this.
    OutOfTime(Duration),
}

/// What an attempt's end means for the job.
#[derive(Debug)]
pub(super) struct Ending {
    pub(super) status: Status,
    pub(super) error: Option<String>,
}

impl Waiting {
    /// Tells whether the job is over.
    pub(super) fn is_final(&self) -> bool {
        self.ending.status.is_final()
    }
}

impl Loop {
    /// Takes in the end of an attempt; it is stored with the next trip.
    pub(super) fn end(&mut self, done: Done) {
        let is_ours = self
            .running
            .get(&done.id)
            .is_some_and(|running| running.token == done.token);
        if is_ours {
            self.running.remove(&done.id);
            self.outbox.extend(done.waiting);
        }
    }

    pub(super) fn hand_back_all(&mut self) {
        let now = self.queue.now();
        for (_, Running { token, attempt, .. }) in std::mem::take(&mut self.running) {
            self.outbox.extend(waiting(&attempt, &token, handed_back(), now));
        }
    }

    /// Stores what the running actions have said since the last time.
    pub(super) async fn flush(&mut self) -> Result<()> {
        let mut ids = Vec::new();
        let mut items = Vec::new();
        for (id, running) in &self.running {
            if let Some((known, said)) = running.attempt.take_said() {
                let key = known.id().cloned().unwrap_or_default();
                items.push(guard::of_token(
                    key,
                    &running.token,
                    known,
                    said,
                    Document::new(),
                )?);
                ids.push(id.clone());
            }
        }
        if items.is_empty() {
            return Ok(());
        }
        let batch = WriteBatch::new(self.queue.collection().clone(), items)
            .quiet()
            .eager();
        let outcomes = self.queue.store().write(batch).await?;
        for (id, outcome) in ids.iter().zip(outcomes) {
            if matches!(outcome, WriteOutcome::Updated(updated) if updated.matched == 0) {
                self.lose(id).await?;
            }
        }
        Ok(())
    }
}

/// Puts a change, and what the attempt has said, into the write that records it.
pub(super) fn waiting(attempt: &Arc<Attempt>, token: &str, change: Change, now: DateTime) -> Option<Waiting> {
    let Change {
        status,
        mut set,
        unset,
        line,
        error,
    } = change;
    attempt.log_event(now, &line);
    let (known, said) = attempt.take_all();
    for (name, value) in said {
        set.set(name, value);
    }
    let key = known.id().cloned().unwrap_or_default();
    let task = known
        .get("task")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .into();
    let item = guard::of_token(key.clone(), token, known, set, unset).ok()?;
    Some(Waiting {
        id: key.as_str().map_or_else(|| key.to_string().into(), Text::from),
        key,
        token: token.into(),
        task,
        ending: Ending { status, error },
        item,
        is_bare: false,
    })
}

/// Returns the end of a job whose real end the store refused: that it failed by this, and nothing of what it said.
pub(super) fn bare(waiting: &Waiting, fault: &seed::Error, now: DateTime) -> Option<Waiting> {
    let WriteItem::Update {
        known: Some(known), ..
    } = &waiting.item
    else {
        return None;
    };
    let failure = Failure::of_kind(
        FailureKind::Failed,
        format!("the store refused how it ended: {fault}"),
    );
    let attempt = known.get("attempt").and_then(Value::as_i64).unwrap_or_default();
    let mut set = failure.ending(Status::Failed, now);
    set.set("attempt", attempt.saturating_add(1));
    let item = guard::of_token(
        waiting.key.clone(),
        &waiting.token,
        known.clone(),
        set,
        released(),
    )
    .ok()?;
    Some(Waiting {
        id: waiting.id.clone(),
        key: waiting.key.clone(),
        token: waiting.token.clone(),
        task: waiting.task.clone(),
        ending: Ending {
            status: Status::Failed,
            error: Some(failure.message),
        },
        item,
        is_bare: true,
    })
}

/// The end of a job whose document cannot be read; the rest of it is kept as it is.
pub(super) fn unread(failure: Failure, now: DateTime) -> Change {
    Change {
        status: Status::Failed,
        set: failure.ending(Status::Failed, now),
        unset: released(),
        line: format!("failed: {}", failure.message),
        error: Some(failure.message),
    }
}

/// The fields that change when an attempt ends.
pub(super) struct Change {
    status: Status,
    set: Document,
    unset: Document,
    line: String,
    error: Option<String>,
}

/// Works out what an attempt's end means for its job; `random` spreads the next attempts of jobs that failed together.
pub(super) fn change(job: &Job, ended: Ended, now: DateTime, random: impl FnOnce() -> u64) -> Change {
    let failure = match ended {
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
    if result.is_null() {
        return Ok(());
    }
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
    let mut set = doc! {
        "status": (Status::Completed.name()), "attempt": (job.attempt.saturating_add(1)), "finished": now
    };
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

fn failed(job: &Job, failure: &Failure, now: DateTime, random: impl FnOnce() -> u64) -> Change {
    let error = Some(failure.message.clone());
    let ended = job.attempt.saturating_add(1);
    if ended < job.max_attempts {
        let wait = Backoff::OF_JOBS.wait(u32::try_from(ended).unwrap_or(u32::MAX), random());
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
    let mut set = failure.ending(status, now);
    set.set("attempt", ended);
    Change {
        status,
        set,
        unset: released(),
        line: format!("{status}: {}", failure.message),
        error,
    }
}

/// The attempt does not count: the job is as it was before it was claimed.
pub(super) fn handed_back() -> Change {
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
