//! Calling jobs off, reviving them, and clearing old ones away.

use std::time::Duration;

use seed::store::{Delete, StoreExt, WriteBatch, WriteItem, WriteOutcome};
use seed::{Document, Filter, Update, Value, doc};

use super::Queue;
use crate::error::{Error, ErrorKind, Result};
use crate::job::Status;
use crate::job::log::LogLine;

/// How often a change is tried that meets others' changes of the same job.
const TRIES: usize = 100;

impl Queue {
    /// Calls a job off. A running action is told by its cancellation token, within two seconds wherever it runs; what it
    /// gives back afterwards is refused. One that was called off before stays so, which is no error.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such job, [`ErrorKind::Invalid`] if it is over, else [`ErrorKind::Store`].
    pub async fn cancel(&self, id: &str) -> Result<()> {
        let now = self.refreshed_now().await?;
        let open =
            doc! { "$in": [(Status::Delayed.name()), (Status::Queued.name()), (Status::Processing.name())] };
        let filter = Filter::parse(&doc! { "_id": { "$eq": id }, "status": open })?;
        let line = LogLine::new(now, "cancelled").to_value();
        let change = doc! {
            "$set": { "status": (Status::Cancelled.name()), "finished": now },
            // Without its token no late ending can be taken for that of the holder.
            "$unset": { "session": "", "token": "" },
            "$push": { "log": line }
        };
        if self.change(filter, &change).await? {
            // Whoever runs it looks by itself each second; the message only makes that sooner.
            let _ = self
                .store()
                .publish(&self.cancel_topic(), doc! { "id": id })
                .await;
            return Ok(());
        }
        match self.known(id).await?.0 {
            Status::Cancelled => Ok(()),
            status => Err(over(
                id,
                &format!("it is {status}, and only what is not over can be cancelled"),
            )),
        }
    }

    /// Revives a job that failed or timed out: it is queued at once and gets at least one more attempt.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such job, [`ErrorKind::Invalid`] if it did not fail, else
    /// [`ErrorKind::Store`].
    pub async fn retry(&self, id: &str) -> Result<()> {
        for _ in 0..TRIES {
            let now = self.refreshed_now().await?;
            let (status, job) = self.known(id).await?;
            if !status.can_become(Status::Queued) || !status.is_final() {
                return Err(over(
                    id,
                    &format!("it is {status}, and only what failed or timed out can be retried"),
                ));
            }
            let number = |name: &str| job.get(name).and_then(Value::as_i64).unwrap_or_default();
            let attempts = number("max_attempts").max(number("attempt").saturating_add(1));
            let finished = job.get("finished").cloned().unwrap_or_default();
            let filter =
                doc! { "_id": { "$eq": id }, "status": (status.name()), "finished": { "$eq": finished } };
            let line = LogLine::new(now, "queued again by hand").to_value();
            let change = doc! {
                "$set": { "status": (Status::Queued.name()), "max_attempts": attempts, "crashes": 0 },
                "$unset": { "finished": "", "started": "", "token": "", "result": "" },
                "$push": { "log": line }
            };
            if self.change(Filter::parse(&filter)?, &change).await? {
                return Ok(());
            }
        }
        Err(over(id, "it changes all the time: try again later"))
    }

    /// Begins to clear finished jobs away: those that completed, unless told.
    pub fn clean(&self) -> Clean<'_> {
        Clean {
            queue: self,
            tags: Vec::new(),
            task: None,
            status: Status::Completed,
            older: Duration::ZERO,
        }
    }

    /// Removes the queue from its store with all its jobs, live ones too. Nothing may work on it any more.
    ///
    /// # Errors
    /// [`ErrorKind::Store`]; then a part of it may be left, and this can be called again.
    pub async fn remove(&self) -> Result<()> {
        self.store().drop_collection(self.collection()).await?;
        let sessions = crate::session::sessions_collection(self.name());
        Ok(self.store().drop_collection(&sessions).await?)
    }

    pub(crate) fn cancel_topic(&self) -> String {
        format!("{}.cancel", self.name())
    }

    /// Changes the one job that matches; says whether there was one.
    async fn change(&self, filter: Filter, change: &Document) -> Result<bool> {
        let item = WriteItem::update(filter, Update::parse(change, &[])?);
        let batch = WriteBatch::new(self.collection().clone(), vec![item]);
        match self.store().write(batch).await?.into_iter().next() {
            Some(WriteOutcome::Failed(fault)) => Err(fault.into()),
            outcome => Ok(outcome.is_some_and(|outcome| outcome.matched() > 0)),
        }
    }

    /// Fetches a job that should be there, and its status.
    async fn known(&self, id: &str) -> Result<(Status, Document)> {
        let job = self.store().get(self.collection(), id.into()).await?;
        let job = job.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "there is no such job in this queue").of_job(id)
        })?;
        let status = job.get("status").and_then(Value::as_str).unwrap_or_default();
        Ok((status.parse().map_err(|fault: Error| fault.of_job(id))?, job))
    }
}

fn over(id: &str, message: &str) -> Error {
    Error::new(ErrorKind::Invalid, message).of_job(id)
}

/// Clears finished jobs away, with their logs; [`run`](Self::run) does it.
///
/// # Example
/// ```
/// # use std::{sync::Arc, time::Duration};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> kinetik_core::Result<()> {
/// # let queue = kinetik_core::Queue::open(Arc::new(seed_memory::MemoryStore::new())).await?;
/// let removed = queue.clean().older(Duration::from_secs(3600)).run().await?;
/// # assert_eq!(removed, 0);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "nothing is cleared away before `run`"]
pub struct Clean<'q> {
    queue: &'q Queue,
    tags: Vec<String>,
    task: Option<String>,
    status: Status,
    older: Duration,
}

impl Clean<'_> {
    /// Takes only jobs under this tag; called again, those under the other one too.
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// Takes only jobs of this task.
    pub fn task(mut self, task: impl Into<String>) -> Self {
        self.task = Some(task.into());
        self
    }

    /// Takes jobs that ended so; `completed` if left out.
    pub fn status(mut self, status: Status) -> Self {
        self.status = status;
        self
    }

    /// Takes only jobs that ended at least so long ago.
    pub fn older(mut self, age: Duration) -> Self {
        self.older = age;
        self
    }

    /// Removes the jobs, in steps between which others go on; returns how many.
    ///
    /// It can be stopped at any time and run again.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the status is one of live jobs, which are never removed, else [`ErrorKind::Store`].
    pub async fn run(self) -> Result<u64> {
        let Self {
            queue,
            tags,
            task,
            status,
            older,
        } = self;
        if !status.is_final() {
            let message = format!("jobs that are {status} are live, and never cleared away");
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        let until = queue.refreshed_now().await?.saturating_sub(older);
        let mut filter = doc! { "status": (status.name()), "finished": { "$lte": until } };
        if let Some(task) = task {
            filter.set("task", task);
        }
        if !tags.is_empty() {
            let tags: seed::value::Array = tags.into_iter().map(Value::from).collect();
            filter.set("tag", doc! { "$in": tags });
        }
        let request = Delete::new(queue.collection().clone(), Filter::parse(&filter)?);
        Ok(queue.store().delete(request).await?)
    }
}
