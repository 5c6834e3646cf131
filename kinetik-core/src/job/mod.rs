//! A job: one document, from its creation to its end.
//!
//! [`Job`] is the document read into fields. Where a job can go is the table in [`Status`]; what is written into its log
//! is in [`log`]; [`collection`] says how jobs are kept.

pub mod collection;
pub(crate) mod guard;
pub mod ids;
pub mod log;
mod status;

use std::time::Duration;

use seed::{DateTime, Document, Value};

use crate::error::{Error, ErrorKind, Result};
use log::LogLine;

pub use status::Status;

/// How large and how deep the parts of a job may be, so that a finish can never be refused for its size.
pub mod limits {
    /// Bytes of a job's data, as BSON counts them.
    pub const DATA_BYTES: usize = 8 * 1024 * 1024;
    /// Levels that a job's data may nest.
    pub const DATA_DEPTH: usize = 90;
    /// Bytes of a job's result.
    pub const RESULT_BYTES: usize = 1024 * 1024;
    /// Bytes of a job's log; further lines are cut off, with a mark.
    pub const LOG_BYTES: usize = 1024 * 1024;
    /// Bytes of an error's message and of its code together; the rest is cut off.
    pub const ERROR_BYTES: usize = 16 * 1024;
}

/// A job as the store has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// The id: a UUIDv7 in 36 lower-case characters.
    pub id: String,
    /// The name of its task.
    pub task: String,
    /// The tag that it waits under.
    pub tag: String,
    /// Where it stands.
    pub status: Status,
    /// Higher goes first within a tag.
    pub priority: i64,
    /// What it is given.
    pub data: Value,
    /// When it is due, if it waits for its time.
    pub run_at: Option<DateTime>,
    /// When it was created.
    pub created: DateTime,
    /// When its last attempt started; none before the first.
    pub started: Option<DateTime>,
    /// When it was over; none before that.
    pub finished: Option<DateTime>,
    /// How many attempts have ended. A job that runs is on the one after.
    pub attempt: i64,
    /// How many attempts it has in all.
    pub max_attempts: i64,
    /// How many workers have died while they ran it.
    pub crashes: i64,
    /// How far it says it has come.
    pub progress: Option<Progress>,
    /// What it and its workers have logged.
    pub log: Vec<LogLine>,
    /// What its action gave back; null before that.
    pub result: Value,
    /// Why its last attempt failed; none if it did not.
    pub error: Option<Failure>,
    /// The token of the claim that holds it, or held it last.
    pub token: Option<String>,
}

/// How far a job has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// How much is done.
    pub current: f64,
    /// How much there is.
    pub total: f64,
}

/// Why an attempt failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What went wrong, for people.
    pub message: String,
    /// What went wrong, for programs; none if the action gave no code.
    pub code: Option<String>,
    /// Who says so.
    pub kind: FailureKind,
}

/// Who says that an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// The action itself.
    Failed,
    /// The action panicked.
    Panicked,
    /// It took longer than its task allows.
    Timeout,
    /// Its data could not be read.
    Decode,
    /// Its result is larger than a job may carry.
    TooLarge,
    /// It killed its workers too often.
    Crashed,
}

impl FailureKind {
    const ALL: [Self; 6] = [
        Self::Failed,
        Self::Panicked,
        Self::Timeout,
        Self::Decode,
        Self::TooLarge,
        Self::Crashed,
    ];

    /// Returns the name as it is stored and shown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Panicked => "panicked",
            Self::Timeout => "timeout",
            Self::Decode => "decode",
            Self::TooLarge => "too_large",
            Self::Crashed => "crashed",
        }
    }
}

impl Failure {
    /// Makes the failure of an action, without a code.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: None,
            kind: FailureKind::Failed,
        }
    }

    /// Makes a failure of a kind.
    pub fn of_kind(kind: FailureKind, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: None,
            kind,
        }
    }

    /// Sets the code.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// Returns the failure as it is stored, cut to what a job may carry.
    pub(crate) fn to_document(&self) -> Document {
        let message = log::cut(&self.message, limits::ERROR_BYTES - 1024);
        let code = self.code.as_deref().map(|code| log::cut(code, 1024));
        seed::doc! { "message": message, "code": (code.map(Value::from)), "kind": (self.kind.name()) }
    }

    /// Returns the fields of a job that this failure ends.
    pub(crate) fn ending(&self, status: Status, now: DateTime) -> Document {
        seed::doc! { "status": (status.name()), "finished": now, "error": (self.to_document()) }
    }

    fn from_value(value: &Value) -> Option<Self> {
        let document = value.as_document()?;
        let text = |name| document.get(name).and_then(Value::as_str);
        let kind = FailureKind::ALL
            .into_iter()
            .find(|kind| Some(kind.name()) == text("kind"));
        Some(Self {
            message: text("message")?.to_owned(),
            code: text("code").map(str::to_owned),
            kind: kind.unwrap_or(FailureKind::Failed),
        })
    }
}

/// Anything that can be shown can be why an action failed.
impl<E: std::error::Error> From<E> for Failure {
    fn from(cause: E) -> Self {
        let mut message = cause.to_string();
        let mut source = cause.source();
        while let Some(cause) = source {
            message.push_str(": ");
            message.push_str(&cause.to_string());
            source = cause.source();
        }
        Self::new(message)
    }
}

impl Job {
    /// Reads a job from its document.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] names the field that is missing or of the wrong type.
    pub fn from_document(document: &Document) -> Result<Self> {
        let reader = Reader(document);
        Ok(Self {
            id: reader.text("_id")?,
            task: reader.text("task")?,
            tag: reader.text("tag")?,
            status: reader
                .text("status")?
                .parse()
                .map_err(|fault: Error| fault.of_job(&reader.id()))?,
            priority: reader.integer("priority")?,
            data: document.get("data").cloned().unwrap_or_default(),
            run_at: reader.date("run_at")?,
            created: reader.date("created")?.ok_or_else(|| reader.fault("created"))?,
            started: reader.date("started")?,
            finished: reader.date("finished")?,
            attempt: reader.integer("attempt")?,
            max_attempts: reader.integer("max_attempts")?,
            crashes: reader.integer("crashes")?,
            progress: document.get("progress").and_then(Progress::from_value),
            log: document
                .get("log")
                .and_then(Value::as_array)
                .map(|lines| log::read(lines))
                .unwrap_or_default(),
            result: document.get("result").cloned().unwrap_or_default(),
            error: document.get("error").and_then(Failure::from_value),
            token: document.get("token").and_then(Value::as_str).map(str::to_owned),
        })
    }

    /// Returns for how long the last attempt ran; none if it has not ended.
    pub fn ran_for(&self) -> Option<Duration> {
        Some(self.finished?.since(self.started?))
    }
}

impl Progress {
    fn from_value(value: &Value) -> Option<Self> {
        let document = value.as_document()?;
        let number = |name| document.get(name).and_then(Value::as_f64);
        Some(Self {
            current: number("current")?,
            total: number("total")?,
        })
    }

    pub(crate) fn to_document(self) -> Document {
        seed::doc! { "current": (self.current), "total": (self.total) }
    }
}

/// Reads the fields of a document, naming the one at fault.
struct Reader<'a>(&'a Document);

impl Reader<'_> {
    fn id(&self) -> String {
        self.0
            .id()
            .map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned))
            .unwrap_or_default()
    }

    fn fault(&self, field: &str) -> Error {
        Error::new(
            ErrorKind::Decode,
            format!("the field {field:?} of a job cannot be read"),
        )
        .of_job(&self.id())
    }

    fn text(&self, field: &str) -> Result<String> {
        let text = self.0.get(field).and_then(Value::as_str);
        text.map(str::to_owned).ok_or_else(|| self.fault(field))
    }

    fn integer(&self, field: &str) -> Result<i64> {
        self.0
            .get(field)
            .and_then(Value::as_i64)
            .ok_or_else(|| self.fault(field))
    }

    fn date(&self, field: &str) -> Result<Option<DateTime>> {
        match self.0.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value.as_date().map(Some).ok_or_else(|| self.fault(field)),
        }
    }
}
