//! Running one job: its action, its timeout, its cancellation.

use std::sync::Arc;

use seed::{Document, Value};

use super::finish::Ended;
use super::{Loop, Running};
use crate::event::Event;
use crate::job::{Failure, FailureKind, Job};
use crate::queue::Queue;
use crate::task::{self, Context, Task};

/// Says that an attempt has ended.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) id: String,
    pub(super) token: String,
    pub(super) ended: Ended,
}

impl Loop {
    /// Sets a claimed job going.
    pub(super) fn set_going(&mut self, document: Document) {
        let text = |name: &str| {
            document
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let (id, token) = (text("_id"), text("token"));
        let (job, task) = match self.readable(&document) {
            Ok(read) => read,
            Err(failure) => {
                // What cannot be read leaves the live indexes at once, and the others flow.
                self.end_unread(document, id, token, failure);
                return;
            }
        };
        self.tell(&Event::Started {
            id: id.clone(),
            task: job.task.clone(),
        });
        let context = Context::new(job, self.queue.clone());
        context.log_event(format!("attempt {} started", context.attempt()));
        let running = Running {
            known: document,
            token: token.clone(),
            context: context.clone(),
        };
        self.running.insert(id.clone(), running);
        let (sender, queue) = (self.done_sender.clone(), self.queue.clone());
        self.queue.runtime().spawn(Box::pin(async move {
            let ended = attempt(&queue, &task, context).await;
            // Without a loop there is nobody to tell.
            let _ = sender.send(Done { id, token, ended });
        }));
    }

    fn readable(&self, document: &Document) -> Result<(Job, Arc<Task>), Failure> {
        let job = Job::from_document(document)
            .map_err(|fault| Failure::of_kind(FailureKind::Decode, fault.to_string()))?;
        let task = self
            .queue
            .task(&job.task)
            .ok_or_else(|| Failure::new("nobody here defines the task"))?;
        Ok((job, task))
    }
}

/// Runs the action until it ends or its time is up.
///
/// At the timeout the attempt is over for the queue; the action is told by its token and may still clean up behind
/// itself, which is why it runs in a task of its own.
async fn attempt(queue: &Queue, task: &Arc<Task>, context: Context) -> Ended {
    let Some(timeout) = task.timeout() else {
        return Ended::By(task::run(task, context).await);
    };
    let cancellation = context.cancellation().clone();
    let (sender, outcome) = tokio::sync::oneshot::channel();
    let action = Arc::clone(task);
    queue.runtime().spawn(Box::pin(async move {
        let _ = sender.send(task::run(&action, context).await);
    }));
    tokio::select! {
        biased;
        outcome = outcome => match outcome {
            Ok(outcome) => Ended::By(outcome),
            Err(_) => Ended::By(Err(Failure::new("the action was dropped by its runtime"))),
        },
        () = queue.runtime().sleep(timeout) => {
            cancellation.cancel();
            Ended::OutOfTime(timeout)
        }
    }
}
