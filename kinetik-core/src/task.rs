//! Tasks: what is done for a job, defined apart from it.

use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use seed::{DateTime, Document, Value, doc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use crate::error::Result;
use crate::job::log::{LogBuffer, LogLine};
use crate::job::{Failure, FailureKind, Job, Progress, guard};
use crate::queue::{Queue, check_name};

/// What an action gives back: a result for the job, or why it failed.
pub type Outcome = std::result::Result<Value, Failure>;

type Action = Arc<dyn Fn(Context) -> BoxFuture<'static, Outcome> + Send + Sync>;

/// The tag of tasks that name none.
pub const DEFAULT_TAG: &str = "default";

/// A task as it was defined.
#[derive(Clone)]
pub struct Task {
    pub(crate) name: String,
    pub(crate) tag: String,
    pub(crate) description: String,
    pub(crate) timeout: Option<Duration>,
    pub(crate) wind_down: Duration,
    pub(crate) attempts: u32,
    pub(crate) action: Action,
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("name", &self.name)
            .field("tag", &self.tag)
            .finish_non_exhaustive()
    }
}

impl Task {
    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the tag that its jobs wait under unless they name another.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// Returns what it does, for people.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Returns for how long an attempt may run; none if for ever.
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout
    }
}

/// A task that is being defined; [`action`](Self::action) completes it.
#[derive(Debug)]
#[must_use = "a task is defined when it is given its action"]
pub struct TaskBuilder<'q> {
    queue: &'q Queue,
    name: String,
    tag: String,
    description: String,
    timeout: Option<Duration>,
    wind_down: Duration,
    attempts: u32,
}

impl<'q> TaskBuilder<'q> {
    pub(crate) fn new(queue: &'q Queue, name: &str) -> Self {
        Self {
            queue,
            name: name.to_owned(),
            tag: DEFAULT_TAG.to_owned(),
            description: String::new(),
            timeout: None,
            wind_down: Duration::ZERO,
            attempts: 1,
        }
    }

    /// Sets the tag that jobs of this task wait under unless they name another; [`DEFAULT_TAG`] if left out.
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tag = tag.into();
        self
    }

    /// Says what the task does, for people.
    pub fn desc(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// Sets for how long an attempt may run; for ever if left out.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets how long an action may take to end that was told to, by its timeout or when its worker stops; not at all if left
    /// out. Until it has ended, or this time is over, its attempt is not: it keeps its slot, and the next one does not begin.
    pub fn wind_down(mut self, wind_down: Duration) -> Self {
        self.wind_down = wind_down;
        self
    }

    /// Sets how many attempts a job of this task has unless it says more itself; 1 if left out.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// Sets what is done for a job, and defines the task.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if the name or the tag is not allowed.
    pub fn action<F, R>(self, action: F) -> Result<()>
    where
        F: Fn(Context) -> R + Send + Sync + 'static,
        R: Future<Output = Outcome> + Send + 'static,
    {
        check_name("task", &self.name)?;
        check_name("tag", &self.tag)?;
        let action: Action = Arc::new(move |context| Box::pin(action(context)));
        let Self {
            queue,
            name,
            tag,
            description,
            timeout,
            wind_down,
            attempts,
        } = self;
        queue.add_task(Task {
            name,
            tag,
            description,
            timeout,
            wind_down,
            attempts,
            action,
        });
        Ok(())
    }
}

/// What an action gets: its job, and the means to tell how it is going.
///
/// Clones speak for the same job.
#[derive(Clone, Debug)]
pub struct Context(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    job: Arc<Job>,
    queue: Queue,
    attempt: Arc<Attempt>,
}

/// What the loop and the action share of a running job: the action speaks, the loop stores what was said.
#[derive(Debug)]
pub(crate) struct Attempt {
    cancellation: CancellationToken,
    is_given_up: AtomicBool,
    said: Mutex<Said>,
}

#[derive(Debug)]
struct Said {
    /// The document as the store has it, as far as we know.
    known: Document,
    log: LogBuffer,
    progress: Option<Progress>,
}

impl Attempt {
    pub(crate) fn new(known: Document) -> Self {
        let said = Said {
            known,
            log: LogBuffer::default(),
            progress: None,
        };
        Self {
            cancellation: CancellationToken::new(),
            is_given_up: AtomicBool::new(false),
            said: Mutex::new(said),
        }
    }

    pub(crate) fn cancellation(&self) -> &CancellationToken {
        &self.cancellation
    }

    /// Tells the action to end, since its worker stops and another one is to run the job.
    pub(crate) fn give_up(&self) {
        self.is_given_up.store(true, Ordering::SeqCst);
        self.cancellation.cancel();
    }

    pub(crate) fn is_given_up(&self) -> bool {
        self.is_given_up.load(Ordering::SeqCst)
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a line of the queue's own.
    pub(crate) fn log_event(&self, now: DateTime, message: &str) {
        self.said().log.push_event(now, message);
    }

    /// Takes what was said since it was last stored, with the document that it is to be written to; none if nothing was.
    ///
    /// From here on this is what the job is taken to hold: if the write does not get through, the next one carries it.
    pub(crate) fn take_said(&self) -> Option<(Document, Document)> {
        let mut said = self.said();
        if said.progress.is_none() && said.log.is_empty() {
            return None;
        }
        let before = said.known.clone();
        let fields = said.take();
        for (name, value) in fields.iter() {
            said.known.set(name, value.clone());
        }
        Some((before, fields))
    }

    /// Takes the document and what is still to be said, for the write that ends the attempt.
    pub(crate) fn take_all(&self) -> (Document, Document) {
        let mut said = self.said();
        let fields = said.take();
        (said.known.clone(), fields)
    }
}

impl Said {
    fn take(&mut self) -> Document {
        let lines = self.log.take();
        let mut fields = doc! { "log": (guard::log_with(&self.known, lines)) };
        if let Some(progress) = self.progress.take() {
            fields.push("progress", progress.to_document());
        }
        fields
    }
}

impl Context {
    pub(crate) fn new(job: Job, queue: Queue, attempt: Arc<Attempt>) -> Self {
        attempt.said().log.begin_after(&job.log);
        let job = Arc::new(job);
        Self(Arc::new(Inner { job, queue, attempt }))
    }

    pub(crate) fn shared_job(&self) -> Arc<Job> {
        Arc::clone(&self.0.job)
    }

    /// Returns the job as it was when this attempt began.
    pub fn job(&self) -> &Job {
        &self.0.job
    }

    /// Returns the number of this attempt, from 1.
    pub fn attempt(&self) -> i64 {
        self.0.job.attempt.saturating_add(1)
    }

    /// Reads the job's data as a type of the caller's.
    ///
    /// # Errors
    /// A failure of the kind `decode`, which an action may hand on as its own.
    pub fn data<T: DeserializeOwned>(&self) -> std::result::Result<T, Failure> {
        seed::value::serde::from_value(&self.0.job.data).map_err(|cause| {
            Failure::of_kind(
                FailureKind::Decode,
                format!("the job's data does not fit: {cause}"),
            )
        })
    }

    /// Writes a line into the job's log.
    pub fn log(&self, message: impl Into<String>) {
        self.log_with(message, Value::Null);
    }

    /// Writes a line with data into the job's log. Data that is nested deeper than
    /// [a job's](crate::job::limits::DATA_DEPTH) is left out, and the line says so.
    pub fn log_with(&self, message: impl Into<String>, data: Value) {
        let line = LogLine {
            at: self.0.queue.now(),
            message: message.into(),
            data,
        };
        self.0.attempt.said().log.push(line.within_depth());
    }

    /// Says how far the job has come.
    pub fn progress(&self, current: f64, total: f64) {
        self.0.attempt.said().progress = Some(Progress { current, total });
    }

    /// Returns a token that is cancelled when the action should end: its time is up, or its job is no longer its own.
    pub fn cancellation(&self) -> &CancellationToken {
        &self.0.attempt.cancellation
    }

    /// Turns a value of the caller's into a job's result.
    ///
    /// # Errors
    /// A failure that says what cannot be kept, which an action may hand on as its own.
    pub fn result<T: Serialize>(&self, result: &T) -> Outcome {
        seed::value::serde::to_value(result).map_err(Failure::from)
    }
}

/// Runs the action of a task, and turns a panic into a failure.
pub(crate) async fn run(task: &Task, context: Context) -> Outcome {
    use futures::FutureExt;
    // Making the future is the action's, too: a closure may do something before it gives one.
    let action = std::panic::AssertUnwindSafe(async { (task.action)(context).await });
    match action.catch_unwind().await {
        Ok(outcome) => outcome,
        Err(panic) => {
            let said = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let said = said.or_else(|| panic.downcast_ref::<String>().cloned());
            let message = format!(
                "the action panicked: {}",
                said.unwrap_or_else(|| "no message".to_owned())
            );
            Err(Failure::of_kind(FailureKind::Panicked, message))
        }
    }
}
