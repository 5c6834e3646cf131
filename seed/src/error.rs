//! The one error of this crate: what was wrong, where, and what caused it.

use std::fmt;
use std::sync::Arc;

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of fault an [`Error`] is, for callers that decide by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Text could not be read as JSON, or a value in it as a value of ours.
    Syntax,
    /// A value does not have the form that is asked for, such as a field of a Rust type that is not there.
    Mismatch,
    /// A filter, projection, sort, expression or pipeline says something that has no meaning.
    Query,
    /// An update says something that has no meaning, or cannot be applied to the document it met.
    Update,
    /// An update would give two documents the same key in a unique index.
    Duplicate,
    /// A value or request is larger or deeper than every store allows.
    Limit,
    /// What is asked for is understood, but cannot be given exactly, so it is refused.
    Unsupported,
    /// The store could not be reached or did not answer; the call may have been carried out or not.
    Unavailable,
    /// The collection or its indexes changed in a way that this call could not follow.
    Stale,
    /// An index or collection was declared in a way that cannot be kept up.
    Index,
    /// The store holds something that this version cannot read.
    Corrupt,
    /// A stored document cannot be read; the others can.
    Unreadable,
    /// The store is not where it was opened any more: it was removed, or another one is in its place. It must be opened anew.
    Gone,
    /// The store was written by a newer version than this one.
    NewerSchema,
    /// The store refuses writes: it is read-only.
    ReadOnly,
    /// The store has no room left; nothing of the call is stored, and it may succeed when there is room.
    Full,
}

impl ErrorKind {
    /// Tells whether the store itself is at fault, and not what was asked of it.
    pub fn is_of_store(self) -> bool {
        matches!(
            self,
            Self::Unavailable | Self::Gone | Self::ReadOnly | Self::Full | Self::NewerSchema
        )
    }
}

/// Where a fault lies: the operator and the path in a query, or the line and column in a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The operator or stage at fault, such as `$gt`.
    pub operator: Option<String>,
    /// The dotted path at fault, such as `a.b`.
    pub path: Option<String>,
    /// The line and the column in a text, both counted from 1.
    pub position: Option<(usize, usize)>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        if let Some(operator) = &self.operator {
            write!(f, "{operator}")?;
            separator = " ";
        }
        if let Some(path) = &self.path {
            write!(f, "{separator}at {path:?}")?;
            separator = " ";
        }
        if let Some((line, column)) = self.position {
            write!(f, "{separator}at line {line}, column {column}")?;
        }
        Ok(())
    }
}

/// What went wrong, where, and why.
///
/// The message is one line that says what was wrong and, where something can be done, what to do.
/// It is cheap to clone, since one commit may fail many callers at once.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    place: Place,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// Makes an error of a kind with its message.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner {
            kind,
            message: message.into(),
            place: Place::default(),
            source: None,
        }))
    }

    /// Makes an error about a query: a filter, projection, sort, expression or pipeline.
    pub fn query(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Query, message)
    }

    /// Makes an error about an update.
    pub fn update(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Update, message)
    }

    /// Names the operator at fault, unless one deeper down was named already.
    #[must_use]
    pub fn at_operator(mut self, operator: &str) -> Self {
        let place = &mut Arc::make_mut(&mut self.0).place;
        place.operator.get_or_insert_with(|| operator.to_owned());
        self
    }

    /// Names the path at fault, unless one deeper down was named already.
    #[must_use]
    pub fn at_path(mut self, path: &str) -> Self {
        let place = &mut Arc::make_mut(&mut self.0).place;
        place.path.get_or_insert_with(|| path.to_owned());
        self
    }

    /// Names the line and the column at fault, both counted from 1.
    #[must_use]
    pub fn at_position(mut self, line: usize, column: usize) -> Self {
        Arc::make_mut(&mut self.0).place.position = Some((line, column));
        self
    }

    /// Keeps the cause, which [`source`](std::error::Error::source) then gives.
    #[must_use]
    pub fn with_source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Arc::make_mut(&mut self.0).source = Some(Arc::new(source));
        self
    }

    /// Returns the kind of fault.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns where the fault lies; its fields are none where nothing is known.
    pub fn place(&self) -> &Place {
        &self.0.place
    }

    /// Returns the message without the place.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Tells whether the same call may succeed later without any change to it.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self.0.kind,
            ErrorKind::Unavailable | ErrorKind::Full | ErrorKind::Stale
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.0.place.to_string();
        if place.is_empty() {
            f.write_str(&self.0.message)
        } else {
            write!(f, "{} ({place})", self.0.message)
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &self.0.message)
            .field("place", &self.0.place)
            .field("source", &self.0.source)
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|source| source as &(dyn std::error::Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_follows_the_message() {
        let error = Error::query("unknown operator")
            .at_operator("$gtt")
            .at_path("a.b");
        assert_eq!(error.to_string(), "unknown operator ($gtt at \"a.b\")");
    }

    #[test]
    fn the_deepest_place_stays() {
        let error = Error::query("no").at_path("a.b").at_path("a");
        assert_eq!(error.place().path.as_deref(), Some("a.b"));
    }
}
