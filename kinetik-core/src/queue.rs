//! The queue: where tasks are defined and jobs are created and looked at.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use seed::store::{Aggregate, Find, Insert, InsertOutcome, Store, StoreExt};
use seed::value::{Text, limits as value_limits};
use seed::{DateTime, Document, Filter, Pipeline, Value, doc};

use crate::error::{Error, ErrorKind, Result};
use crate::job::collection::{jobs_collection, jobs_spec};
use crate::job::ids::JobIds;
use crate::job::log::LogLine;
use crate::job::{Job, Status, limits};
use crate::processor::ProcessorBuilder;
use crate::runtime::{Runtime, TokioRuntime};
use crate::task::{DEFAULT_TAG, Task, TaskBuilder};

/// The name of a queue that was not given one.
pub const DEFAULT_QUEUE: &str = "kinetik";

/// For how long the store's time is carried on by our own clock before the store is asked again.
const TIME_KEPT: Duration = Duration::from_secs(10);

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
    runtime: Arc<dyn Runtime>,
    tasks: RwLock<BTreeMap<String, Arc<Task>>>,
    ids: JobIds,
    time: Mutex<StoreTime>,
}

/// The store's time, and when by our own clock it was told.
#[derive(Clone, Copy, Debug)]
struct StoreTime {
    told: DateTime,
    at: Duration,
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
    /// [`ErrorKind::Store`] if the store cannot make its collection.
    pub async fn open(store: Arc<dyn Store>) -> Result<Self> {
        Self::open_with(store, DEFAULT_QUEUE, Arc::new(TokioRuntime::new())).await
    }

    /// Opens a queue by its name, which keeps it apart from others in the same store, on a runtime of the caller's.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the name is not allowed, else as [`open`](Self::open).
    pub async fn open_with(store: Arc<dyn Store>, name: &str, runtime: Arc<dyn Runtime>) -> Result<Self> {
        check_name("queue", name)?;
        let collection = jobs_collection(name);
        store.ensure(&jobs_spec(&collection)?).await?;
        let time = StoreTime {
            told: store.now().await?,
            at: runtime.elapsed(),
        };
        Ok(Self(Arc::new(Inner {
            name: name.to_owned(),
            store,
            collection,
            runtime,
            tasks: RwLock::default(),
            ids: JobIds::default(),
            time: Mutex::new(time),
        })))
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

    /// Counts the jobs that match, by task and status: tasks by name, statuses in the order of a job's life.
    ///
    /// # Errors
    /// [`ErrorKind::Store`].
    pub async fn counts(&self, filter: &Filter) -> Result<Vec<JobCount>> {
        let key = doc! { "task": "$task", "status": "$status" };
        let stages = [
            doc! { "$match": (filter.source().clone()) },
            doc! { "$group": { "_id": key, "count": { "$sum": 1 } } },
        ];
        let request = Aggregate::new(self.0.collection.clone(), Pipeline::parse(&stages)?);
        let groups = self.0.store.aggregate(request).await?;
        let mut counts = groups
            .iter()
            .map(JobCount::from_group)
            .collect::<Result<Vec<_>>>()?;
        counts.sort_by(|a, b| (&a.task, a.status).cmp(&(&b.task, b.status)));
        Ok(counts)
    }

    /// Checks a job as [`create_many`](Self::create_many) would, without enqueuing it.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if a name is not allowed, [`ErrorKind::TooLarge`] if the data is.
    pub fn check(&self, job: &NewJob) -> Result<()> {
        check_name("task", &job.task)?;
        job.tag.as_deref().map_or(Ok(()), |tag| check_name("tag", tag))?;
        check_data(&job.data)
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

    /// Returns the store's time, carried on by our own clock since the store told it.
    pub fn now(&self) -> DateTime {
        let time = *self.0.time.lock().unwrap_or_else(PoisonError::into_inner);
        time.told
            .saturating_add(self.0.runtime.elapsed().saturating_sub(time.at))
    }

    /// As [`now`](Self::now), asking the store again if that was long ago.
    pub(crate) async fn refreshed_now(&self) -> Result<DateTime> {
        let at = self.0.time.lock().unwrap_or_else(PoisonError::into_inner).at;
        let elapsed = self.0.runtime.elapsed();
        if elapsed.saturating_sub(at) >= TIME_KEPT {
            let told = self.0.store.now().await?;
            *self.0.time.lock().unwrap_or_else(PoisonError::into_inner) = StoreTime { told, at: elapsed };
        }
        Ok(self.now())
    }

    async fn insert(&self, documents: Vec<Document>) -> Result<()> {
        let outcomes = self
            .0
            .store
            .insert(Insert::new(self.0.collection.clone(), documents))
            .await?;
        let taken = outcomes
            .iter()
            .position(|outcome| matches!(outcome, InsertOutcome::Duplicate(_)));
        match taken {
            // 74 random bits met others: not seen in this world, but not to be kept quiet.
            Some(at) => Err(Error::new(
                ErrorKind::Invalid,
                format!("the id of job {at} is taken already"),
            )),
            None => Ok(()),
        }
    }

    /// Makes the document of a job that is created now.
    fn document(&self, job: NewJob, now: DateTime) -> Result<Document> {
        self.check(&job)?;
        let task = self.task(&job.task);
        let defined = task.as_ref().map(|task| task.tag.clone());
        let tag = job.tag.or(defined).unwrap_or_else(|| DEFAULT_TAG.to_owned());
        let run_at = match job.due {
            Due::Now => None,
            Due::In(delay) => Some(now.saturating_add(delay)),
            Due::At(time) => Some(time),
        };
        let run_at = run_at.filter(|run_at| *run_at > now);
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
        let id = self.0.ids.next(now, self.0.runtime.random());
        let created = LogLine::new(now, "created").to_value();
        let mut document = Document::with_capacity(20);
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

/// How many jobs of a task stand at a status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobCount {
    /// The task.
    pub task: String,
    /// The status.
    pub status: Status,
    /// How many, at least one.
    pub count: u64,
}

impl JobCount {
    fn from_group(group: &Document) -> Result<Self> {
        let key = group.id().and_then(Value::as_document);
        let text = |name: &str| {
            key.and_then(|key| key.get(name))
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let count = group.get("count").and_then(Value::as_i64).unwrap_or_default();
        Ok(Self {
            task: text("task").to_owned(),
            status: text("status").parse()?,
            count: u64::try_from(count).unwrap_or_default(),
        })
    }
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
    /// [`ErrorKind::Invalid`] if a name is not allowed, [`ErrorKind::TooLarge`] if the data is, [`ErrorKind::Store`] if
    /// the store failed; after that the job may be there or not.
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

/// Checks the name of a queue, a task or a tag.
///
/// # Errors
/// [`ErrorKind::Invalid`] if it is empty, longer than 100 bytes, or holds a colon or a control character.
pub(crate) fn check_name(what: &str, name: &str) -> Result<()> {
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
