//! Running one job: its action, its timeout, its cancellation.

use std::sync::Arc;

use seed::value::Text;
use seed::{Document, Value};

use super::finish::Ended;
use super::{Loop, Running, Waiting, finish};
use crate::event::Event;
use crate::job::{Failure, FailureKind, Job, guard};
use crate::queue::Queue;
use crate::task::{self, Attempt, Context, Task};

/// Says that an attempt has ended.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) id: Text,
    pub(super) token: Text,
    /// The write that records it; none if it cannot be put into a write at all.
    pub(super) waiting: Option<Waiting>,
}

impl Loop {
    /// Sets a claimed job going.
    pub(super) fn set_going(&mut self, document: Document) {
        let key = document.id().cloned().unwrap_or_default();
        let id = key.as_str().map_or_else(|| key.to_string().into(), Text::from);
        let token: Text = text(&document, "token").into();
        if self.listener.is_some() {
            self.tell(&Event::Started {
                id: id.to_string(),
                task: text(&document, "task").to_owned(),
            });
        }
        let attempt = Arc::new(Attempt::new(document.clone()));
        let running = Running {
            token: token.clone(),
            task: text(&document, "task").into(),
            attempt: Arc::clone(&attempt),
            _presence: self.seat.as_ref().map(|seat| seat.member.present()),
        };
        self.running.insert(id.clone(), running);
        let (sender, queue) = (self.done_sender.clone(), self.queue.clone());
        self.queue.runtime().spawn(Box::pin(async move {
            let waiting = work(&queue, &document, attempt, &token).await;
            // Without a loop there is nobody to tell.
            let _ = sender.send(Done { id, token, waiting });
        }));
    }
}

fn text<'d>(document: &'d Document, name: &str) -> &'d str {
    document.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Runs the job and works out what is to be written of it. All of this is done apart from the loop, which has the store
/// to talk to.
async fn work(queue: &Queue, document: &Document, attempt: Arc<Attempt>, token: &str) -> Option<Waiting> {
    let change = match readable(queue, document) {
        // What cannot be read leaves the live indexes at once, and the others flow.
        Err(failure) => finish::unread(failure, queue.now()),
        Ok((job, task)) => {
            let context = Context::new(job, queue.clone(), Arc::clone(&attempt));
            let job = context.shared_job();
            attempt.log_event(queue.now(), &guard::started(context.attempt()));
            let ended = limited(queue, &task, context).await;
            match ended {
                // It was told to end: that it did says nothing of the job.
                Ended::By(Err(_)) | Ended::OutOfTime(_) if attempt.is_given_up() => finish::handed_back(),
                ended => finish::change(&job, ended, queue.now(), || queue.runtime().random()),
            }
        }
    };
    finish::waiting(&attempt, token, change, queue.now())
}

fn readable(queue: &Queue, document: &Document) -> Result<(Job, Arc<Task>), Failure> {
    let job = Job::from_document(document)
        .map_err(|fault| Failure::of_kind(FailureKind::Decode, fault.to_string()))?;
    let task = queue
        .task(&job.task)
        .ok_or_else(|| Failure::new("nobody here defines the task"))?;
    Ok((job, task))
}

/// Runs the action until it ends or its time is up.
///
/// At the timeout the action is told by its token. It runs in a task of its own, since it may go on to clean up behind
/// itself once the attempt is over: at once, or where the task winds down, when it has ended or that time is over too.
async fn limited(queue: &Queue, task: &Arc<Task>, context: Context) -> Ended {
    let Some(timeout) = task.timeout() else {
        return Ended::By(task::run(task, context).await);
    };
    let cancellation = context.cancellation().clone();
    let (sender, mut outcome) = tokio::sync::oneshot::channel();
    let action = Arc::clone(task);
    queue.runtime().spawn(Box::pin(async move {
        let _ = sender.send(task::run(&action, context).await);
    }));
    tokio::select! {
        biased;
        outcome = &mut outcome => match outcome {
            Ok(outcome) => Ended::By(outcome),
            Err(_) => Ended::By(Err(Failure::new("the action was dropped by its runtime"))),
        },
        () = queue.runtime().sleep(timeout) => {
            cancellation.cancel();
            if !task.wind_down.is_zero() {
                tokio::select! {
                    _ = outcome => {}
                    () = queue.runtime().sleep(task.wind_down) => {}
                }
            }
            Ended::OutOfTime(timeout)
        }
    }
}
