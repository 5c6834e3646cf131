//! The one error of this crate.

use std::fmt;
use std::sync::Arc;

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of fault an [`Error`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A name, a number or a time is not allowed.
    Invalid,
    /// Data is larger or deeper than a job may carry.
    TooLarge,
    /// There is no such job.
    NotFound,
    /// The job's data is not what the task takes.
    Decode,
    /// The store failed; the cause says how.
    Store,
}

/// What went wrong, with the job it went wrong for.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    kind: ErrorKind,
    message: String,
    job: Option<String>,
    source: Option<seed::Error>,
}

impl Error {
    /// Makes an error of a kind with its message.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner {
            kind,
            message: message.into(),
            job: None,
            source: None,
        }))
    }

    /// Names the job.
    #[must_use]
    pub fn of_job(mut self, id: &str) -> Self {
        Arc::make_mut(&mut self.0)
            .job
            .get_or_insert_with(|| id.to_owned());
        self
    }

    /// Keeps the cause.
    #[must_use]
    pub fn with_source(mut self, source: seed::Error) -> Self {
        Arc::make_mut(&mut self.0).source = Some(source);
        self
    }

    /// Returns the kind of fault.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the id of the job that it is about, if it is about one.
    pub fn job(&self) -> Option<&str> {
        self.0.job.as_deref()
    }

    /// Returns the store's error, if that is the cause.
    pub fn store_error(&self) -> Option<&seed::Error> {
        self.0.source.as_ref()
    }

    /// Tells whether a document cannot be read, where others can.
    pub(crate) fn is_of_a_document(&self) -> bool {
        self.store_error()
            .is_some_and(|cause| cause.kind() == seed::ErrorKind::Unreadable)
    }

    /// Tells whether the same call may succeed later without any change to it.
    pub fn is_retryable(&self) -> bool {
        self.0.source.as_ref().is_some_and(seed::Error::is_retryable)
    }
}

impl From<seed::Error> for Error {
    fn from(cause: seed::Error) -> Self {
        Self::new(ErrorKind::Store, cause.to_string()).with_source(cause)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.job {
            Some(id) => write!(f, "{} (job {id})", self.0.message),
            None => f.write_str(&self.0.message),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &self.0.message)
            .field("job", &self.0.job)
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0
            .source
            .as_ref()
            .map(|source| source as &(dyn std::error::Error + 'static))
    }
}
