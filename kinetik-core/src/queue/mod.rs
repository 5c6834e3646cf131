//! The queue: where tasks are defined and jobs are created and looked at.

mod builder;
mod counts;
mod create;
mod manage;
mod time;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use seed::store::{Find, Store, StoreExt};
use seed::value::Text;
use seed::{DateTime, Filter};

pub use builder::QueueBuilder;
pub use counts::JobCount;
pub use create::{JobBuilder, NewJob};
pub use manage::Clean;
pub(crate) use time::StoreTime;

use crate::error::{Error, ErrorKind, Result};
use crate::job::Job;
use crate::job::ids::JobIds;
use crate::processor::ProcessorBuilder;
use crate::runtime::Runtime;
use crate::session::{Member, Sessions, Worker};
use crate::task::{Task, TaskBuilder};

/// The name of a queue that was not given one.
pub const DEFAULT_QUEUE: &str = "kinetik";

/// A queue in a store. Clones are the same queue.
///
/// # Example
/// ```
/// use kinetik_core::Queue;
/// use seed::doc;
/// # use std::sync::Arc;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> kinetik_core::Result<()> {
/// let queue = Queue::open(Arc::new(seed_memory::MemoryStore::new())).await?;
/// queue.define("greet").tag("talk").action(async |job| {
///     job.log(format!("hello {}", job.job().data));
///     Ok("greeted".into())
/// })?;
/// let id = queue.create("greet", "ada").save().await?;
///
/// let summary = queue.process(["talk"]).drain().await?;
/// assert_eq!(summary.completed, 1);
/// let job = queue.job(&id).await?.expect("the job is kept");
/// assert_eq!(job.result, "greeted".into());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Queue(Arc<Inner>);

struct Inner {
    name: String,
    store: Arc<dyn Store>,
    collection: Text,
    interval: Duration,
    runtime: Arc<dyn Runtime>,
    tasks: RwLock<BTreeMap<String, Arc<Task>>>,
    ids: JobIds,
    time: Arc<StoreTime>,
    sessions: Sessions,
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("name", &self.0.name)
            .field("store", &self.0.store)
            .finish_non_exhaustive()
    }
}

impl Queue {
    /// Opens the queue of the default name in a store.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] if the store cannot make its collections.
    pub async fn open(store: Arc<dyn Store>) -> Result<Self> {
        Self::builder(store).open().await
    }

    /// Begins to open a queue with a name and settings of the caller's.
    pub fn builder(store: Arc<dyn Store>) -> QueueBuilder {
        QueueBuilder::new(store)
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Returns the store.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.0.store
    }

    /// Returns the name of the collection that holds the jobs.
    pub fn collection(&self) -> &Text {
        &self.0.collection
    }

    /// Begins to define a task: what is done for jobs of this name.
    pub fn define(&self, name: &str) -> TaskBuilder<'_> {
        TaskBuilder::new(self, name)
    }

    /// Begins to process the jobs under these tags, the first one first.
    pub fn process<T: Into<String>>(&self, tags: impl IntoIterator<Item = T>) -> ProcessorBuilder {
        ProcessorBuilder::new(self.clone(), tags.into_iter().map(Into::into).collect())
    }

    /// Fetches a job by its id; none if there is no such job.
    ///
    /// # Errors
    /// [`ErrorKind::Store`], or [`ErrorKind::Decode`] if the document is no job.
    pub async fn job(&self, id: &str) -> Result<Option<Job>> {
        let document = self.0.store.get(&self.0.collection, id.into()).await?;
        document.map(|document| Job::from_document(&document)).transpose()
    }

    /// Finds the documents of jobs; the order is that of creation unless the request has another.
    ///
    /// # Errors
    /// [`ErrorKind::Store`].
    pub async fn find(
        &self,
        filter: Filter,
        adjust: impl FnOnce(Find) -> Find,
    ) -> Result<seed::store::Documents> {
        let request = adjust(Find::new(self.0.collection.clone(), filter));
        Ok(self.0.store.find(request).await?)
    }

    /// Returns the tasks that this process defines, by name.
    pub fn tasks(&self) -> Vec<Arc<Task>> {
        self.0
            .tasks
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .cloned()
            .collect()
    }

    pub(crate) fn task(&self, name: &str) -> Option<Arc<Task>> {
        self.0
            .tasks
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .cloned()
    }

    pub(crate) fn add_task(&self, task: Task) {
        let mut tasks = self.0.tasks.write().unwrap_or_else(PoisonError::into_inner);
        tasks.insert(task.name.clone(), Arc::new(task));
    }

    pub(crate) fn runtime(&self) -> &Arc<dyn Runtime> {
        &self.0.runtime
    }

    pub(crate) fn interval(&self) -> Duration {
        self.0.interval
    }

    pub(crate) fn max_crashes(&self) -> u32 {
        self.0.sessions.max_crashes()
    }

    pub(crate) fn ids(&self) -> &JobIds {
        &self.0.ids
    }

    /// Returns the store's time, carried on by our own clock since the store told it.
    pub fn now(&self) -> DateTime {
        self.0.time.now()
    }

    /// As [`now`](Self::now), asking the store again if that was long ago.
    pub(crate) async fn refreshed_now(&self) -> Result<DateTime> {
        self.0.time.refreshed(&*self.0.store).await
    }

    /// Returns the workers of this queue, in the order in which they started: those that live, and those whose lease
    /// ran out and whom nobody has cleared away yet.
    ///
    /// # Errors
    /// [`ErrorKind::Store`].
    pub async fn workers(&self) -> Result<Vec<Worker>> {
        self.0.sessions.workers(&*self.0.store).await
    }

    /// Makes a loop part of this process's worker session, which begins with the first of them.
    pub(crate) async fn join(&self, tags: Vec<String>, slots: usize) -> Result<Member> {
        let tasks = self.tasks();
        self.0.sessions.join(tags, slots, &tasks).await
    }
}

/// Checks the name of a queue, a task or a tag, whichever `what` calls it.
///
/// # Errors
/// [`ErrorKind::Invalid`] if it is empty, longer than 100 bytes, or holds a colon or a control character.
pub fn check_name(what: &str, name: &str) -> Result<()> {
    let is_allowed =
        !name.is_empty() && name.len() <= 100 && !name.contains(|c: char| c == ':' || c.is_control());
    if is_allowed {
        return Ok(());
    }
    let shown = crate::job::log::cut(name, 100);
    let message =
        format!("a {what}'s name has 1 to 100 bytes without colons and control characters, not {shown:?}");
    Err(Error::new(ErrorKind::Invalid, message))
}
