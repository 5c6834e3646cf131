//! The document of a session, and what people are shown of it.

use std::sync::Arc;
use std::time::Duration;

use seed::value::{Array, Text};
use seed::{DateTime, Document, Value, doc};

use super::text;
use crate::task::Task;

/// Names the collection in which the sessions of a queue are kept.
pub(crate) fn sessions_collection(queue: &str) -> Text {
    format!("{queue}.sessions").into()
}

/// A process that works on a queue.
#[derive(Clone, Debug, PartialEq)]
pub struct Worker {
    /// The id of its session, new for every start.
    pub id: String,
    /// The machine that it runs on.
    pub host: String,
    /// Its number there.
    pub process: i64,
    /// When it started, by the store's clock.
    pub started: Option<DateTime>,
    /// When it last gave a sign of life.
    pub renewed: Option<DateTime>,
    /// Whether it is taken to live.
    pub is_live: bool,
    /// What it works on.
    pub loops: Vec<WorkerLoop>,
    /// The tasks that it defines.
    pub tasks: Vec<WorkerTask>,
}

/// One loop of a worker.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkerLoop {
    /// The tags, the first one first.
    pub tags: Vec<String>,
    /// How many jobs it runs at once.
    pub slots: usize,
}

/// A task that a worker defines.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkerTask {
    /// The name.
    pub name: String,
    /// The tag of its jobs.
    pub tag: String,
    /// What it does, for people.
    pub description: String,
    /// For how long an attempt may run; none if for ever.
    pub timeout: Option<Duration>,
}

impl Worker {
    pub(super) fn from_document(document: &Document, now: DateTime) -> Self {
        let date = |name: &str| document.get(name).and_then(Value::as_date);
        let list = |name: &str| document.get(name).and_then(Value::as_array);
        let documents = |name: &str| list(name).into_iter().flatten().filter_map(Value::as_document);
        Self {
            id: text(document, "_id").to_owned(),
            host: text(document, "host").to_owned(),
            process: document
                .get("process")
                .and_then(Value::as_i64)
                .unwrap_or_default(),
            started: date("started"),
            renewed: date("renewed"),
            is_live: date("until").is_some_and(|until| until > now),
            loops: documents("loops").map(WorkerLoop::from_document).collect(),
            tasks: documents("tasks").map(WorkerTask::from_document).collect(),
        }
    }
}

impl WorkerLoop {
    fn to_value(&self) -> Value {
        let tags: Array = self.tags.iter().map(|tag| Value::from(tag.as_str())).collect();
        let slots = i64::try_from(self.slots).unwrap_or(i64::MAX);
        doc! { "tags": tags, "slots": slots }.into()
    }

    fn from_document(document: &Document) -> Self {
        let tags = document.get("tags").and_then(Value::as_array);
        let slots = document.get("slots").and_then(Value::as_i64).unwrap_or_default();
        Self {
            tags: tags
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            slots: usize::try_from(slots).unwrap_or_default(),
        }
    }
}

impl WorkerTask {
    fn from_document(document: &Document) -> Self {
        let millis = document.get("timeout").and_then(Value::as_i64);
        Self {
            name: text(document, "name").to_owned(),
            tag: text(document, "tag").to_owned(),
            description: text(document, "desc").to_owned(),
            timeout: millis
                .and_then(|millis| u64::try_from(millis).ok())
                .map(Duration::from_millis),
        }
    }
}

/// Returns what a session says of the tasks that its process defines.
pub(super) fn of_tasks(tasks: &[Arc<Task>]) -> Vec<Document> {
    let document = |task: &Arc<Task>| {
        let mut document = doc! { "name": (task.name()), "tag": (task.tag()), "desc": (task.description()) };
        if let Some(timeout) = task.timeout() {
            document.set("timeout", i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX));
        }
        document
    };
    tasks.iter().map(document).collect()
}

/// Returns the fields that each renewal writes.
pub(super) fn announced<'a>(
    loops: impl Iterator<Item = &'a WorkerLoop>,
    tasks: &[Document],
    now: DateTime,
    lease: Duration,
) -> Document {
    let loops: Array = loops.map(WorkerLoop::to_value).collect();
    let tasks: Array = tasks.iter().cloned().map(Value::from).collect();
    doc! { "renewed": now, "until": (now.saturating_add(lease)), "loops": loops, "tasks": tasks }
}

/// Says which process this is.
pub(super) fn set_process(document: &mut Document) {
    document.set("host", gethostname::gethostname().to_string_lossy().as_ref());
    document.set("process", i64::from(std::process::id()));
}
