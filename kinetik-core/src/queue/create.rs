//! Creating jobs: what is checked, what is stored, and trying again when the answer was lost.

use std::time::Duration;

use seed::store::{Insert, InsertOutcome};
use seed::value::limits as value_limits;
use seed::{DateTime, Document, Value, doc};

use super::{Queue, check_name};
use crate::backoff::Backoff;
use crate::error::{Error, ErrorKind, Result};
use crate::job::log::LogLine;
use crate::job::{Status, limits};
use crate::task::DEFAULT_TAG;

/// How often an insertion is tried when the store does not answer.
const TRIES: u32 = 4;

impl Queue {
    /// Begins to create a job; [`save`](JobBuilder::save) enqueues it.
    pub fn create(&self, task: &str, data: impl Into<Value>) -> JobBuilder<'_> {
        JobBuilder {
            queue: self,
            job: NewJob::new(task, data),
        }
    }

    /// Enqueues many jobs in one trip and returns their ids in the same order.
    ///
    /// # Errors
    /// If any of them is not allowed; then none is enqueued, and the message says which by its position, from 0.
    pub async fn create_many(&self, jobs: Vec<NewJob>) -> Result<Vec<String>> {
        let now = self.refreshed_now().await?;
        let at = |(at, job): (usize, NewJob)| {
            let position = |fault: Error| Error::new(fault.kind(), format!("job {at}: {fault}"));
            self.document(job, now).map_err(position)
        };
        let documents: Vec<Document> = jobs.into_iter().enumerate().map(at).collect::<Result<_>>()?;
        let ids = documents
            .iter()
            .filter_map(|document| document.id()?.as_str().map(str::to_owned))
            .collect();
        self.insert(documents).await?;
        Ok(ids)
    }

    /// Checks a job as [`create_many`](Self::create_many) would, without enqueuing it.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if a name or the time is not allowed, [`ErrorKind::TooLarge`] if the data is.
    pub fn check(&self, job: &NewJob) -> Result<()> {
        check_name("task", &job.task)?;
        job.tag.as_deref().map_or(Ok(()), |tag| check_name("tag", tag))?;
        if job.due.at(self.now()).is_some_and(|run_at| !run_at.is_writable()) {
            let message = "a job may start in the year 9999 at the latest";
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        check_data(&job.data)
    }

    /// Inserts jobs, again if the store did not answer: what the first try stored is then a duplicate of our own.
    async fn insert(&self, documents: Vec<Document>) -> Result<()> {
        let request = Insert::new(self.collection().clone(), documents);
        let mut tries = 1;
        loop {
            match self.store().insert(request.clone()).await {
                Err(fault) if fault.is_retryable() && tries < TRIES => {
                    let runtime = self.runtime();
                    runtime
                        .sleep(Backoff::OF_CALLS.wait(tries, runtime.random()))
                        .await;
                    tries += 1;
                }
                outcomes => return check_ids(&outcomes?, tries),
            }
        }
    }

    /// Makes the document of a job that is created now.
    pub(super) fn document(&self, job: NewJob, now: DateTime) -> Result<Document> {
        self.check(&job)?;
        let task = self.task(&job.task);
        let defined = task.as_ref().map(|task| task.tag.clone());
        let tag = job.tag.or(defined).unwrap_or_else(|| DEFAULT_TAG.to_owned());
        let run_at = job.due.at(now).filter(|run_at| *run_at > now);
        let status = if run_at.is_some() {
            Status::Delayed
        } else {
            Status::Queued
        };
        let attempts = job
            .attempts
            .or(task.map(|task| task.attempts))
            .unwrap_or(1)
            .max(1);
        let id = self.ids().next(now, self.runtime().random());
        let created = LogLine::new(now, "created").to_value();
        let mut document = Document::with_capacity(12);
        document.push("_id", id);
        document.push("task", job.task);
        document.push("tag", tag);
        document.push("status", status.name());
        document.push("priority", job.priority);
        document.push("data", job.data);
        if let Some(run_at) = run_at {
            document.push("run_at", run_at);
        }
        document.push("created", now);
        document.push("attempt", 0);
        document.push("max_attempts", i64::from(attempts));
        document.push("crashes", 0);
        document.push("log", vec![created]);
        Ok(document)
    }
}

/// Looks whether all jobs are there. At the first try an id that is taken is another's: 74 random bits met, which is not to
/// be kept quiet. Later it is the job's own, from a try whose answer was lost.
fn check_ids(outcomes: &[InsertOutcome], tries: u32) -> Result<()> {
    for (at, outcome) in outcomes.iter().enumerate() {
        let message = match outcome {
            InsertOutcome::Duplicate(index) if index != "_id" => format!(
                "the store refused job {at}: its unique index {index:?}, which the queue knows nothing of, has the key already"
            ),
            InsertOutcome::Duplicate(_) if tries == 1 => format!("the id of job {at} is taken already"),
            _ => continue,
        };
        return Err(Error::new(ErrorKind::Invalid, message));
    }
    Ok(())
}

/// A job that is to be enqueued.
#[derive(Clone, Debug)]
pub struct NewJob {
    task: String,
    data: Value,
    tag: Option<String>,
    priority: i64,
    due: Due,
    attempts: Option<u32>,
}

/// When a job may start.
#[derive(Clone, Copy, Debug)]
enum Due {
    Now,
    In(Duration),
    At(DateTime),
}

impl Due {
    fn at(self, now: DateTime) -> Option<DateTime> {
        match self {
            Self::Now => None,
            Self::In(delay) => Some(now.saturating_add(delay)),
            Self::At(time) => Some(time),
        }
    }
}

impl NewJob {
    /// Makes a job of a task, under the task's tag, due at once.
    pub fn new(task: impl Into<String>, data: impl Into<Value>) -> Self {
        Self {
            task: task.into(),
            data: data.into(),
            tag: None,
            priority: 0,
            due: Due::Now,
            attempts: None,
        }
    }

    /// Sets the tag that it waits under.
    #[must_use]
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tag = Some(tag.into());
        self
    }

    /// Sets the priority: higher goes first within a tag, 0 if left out.
    #[must_use]
    pub fn priority(mut self, priority: i64) -> Self {
        self.priority = priority;
        self
    }

    /// Sets how long it waits before it may start, by the store's clock.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.due = Due::In(delay);
        self
    }

    /// Sets when it may start; a time that is past means at once.
    #[must_use]
    pub fn at(mut self, time: DateTime) -> Self {
        self.due = Due::At(time);
        self
    }

    /// Sets how many attempts it has; those of its task if left out.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = Some(attempts);
        self
    }
}

/// A job that is being created; [`save`](Self::save) enqueues it.
#[derive(Debug)]
#[must_use = "a job is enqueued when it is saved"]
pub struct JobBuilder<'q> {
    queue: &'q Queue,
    job: NewJob,
}

impl JobBuilder<'_> {
    /// Sets the tag that it waits under.
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.job = self.job.tag(tag);
        self
    }

    /// Sets the priority: higher goes first within a tag, 0 if left out.
    pub fn priority(mut self, priority: i64) -> Self {
        self.job = self.job.priority(priority);
        self
    }

    /// Sets how long it waits before it may start, by the store's clock.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.job = self.job.delay(delay);
        self
    }

    /// Sets when it may start; a time that is past means at once.
    pub fn at(mut self, time: DateTime) -> Self {
        self.job = self.job.at(time);
        self
    }

    /// Sets how many attempts it has; those of its task if left out.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.job = self.job.attempts(attempts);
        self
    }

    /// Enqueues the job and returns its id.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if a name or the time is not allowed, [`ErrorKind::TooLarge`] if the data is,
    /// [`ErrorKind::Store`] if the store failed; after that the job may be there or not.
    pub async fn save(self) -> Result<String> {
        let now = self.queue.refreshed_now().await?;
        let document = self.queue.document(self.job, now)?;
        let id = document
            .id()
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        self.queue.insert(vec![document]).await?;
        Ok(id)
    }
}

fn check_data(data: &Value) -> Result<()> {
    let too_large = |message: String| Error::new(ErrorKind::TooLarge, message);
    let nested = value_limits::check_depth(data, limits::DATA_DEPTH);
    nested.map_err(|_| {
        too_large(format!(
            "a job's data nests at most {} levels",
            limits::DATA_DEPTH
        ))
    })?;
    let bytes = value_limits::bson_size(&doc! { "data": data })
        .map_err(|cause| Error::new(ErrorKind::Invalid, cause.to_string()).with_source(cause))?;
    if bytes > limits::DATA_BYTES {
        return Err(too_large(format!(
            "a job's data has at most {} bytes, not {bytes}",
            limits::DATA_BYTES
        )));
    }
    Ok(())
}
