//! What goes wrong between serde and values, with the path that it is found at on the way out.

use std::fmt::{self, Display};

use serde::{de, ser};

use crate::error::{Error, ErrorKind};
use crate::value::Value;
use crate::value::limits::MAX_DEPTH;

/// A fault on its way to becoming an [`Error`]: each level adds its name before the path.
#[derive(Debug)]
pub(super) struct Fault(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    message: String,
    path: String,
}

impl Fault {
    pub(super) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let (message, path) = (message.into(), String::new());
        Self(Box::new(Inner { kind, message, path }))
    }

    fn at_field(field: &str, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Mismatch, message).under(field)
    }

    /// Says that the fault lies in the field or element of this name.
    pub(super) fn under(mut self, name: impl Display) -> Self {
        self.0.path = if self.0.path.is_empty() {
            name.to_string()
        } else {
            format!("{name}.{}", self.0.path)
        };
        self
    }

    /// Says that the fault lies in the field of this name, unless it says where already.
    pub(super) fn at_least_under(self, name: impl Display) -> Self {
        if self.0.path.is_empty() {
            self.under(name)
        } else {
            self
        }
    }

    pub(super) fn into_error(self) -> Error {
        let Inner { kind, message, path } = *self.0;
        let error = Error::new(kind, message);
        if path.is_empty() {
            error
        } else {
            error.at_path(&path)
        }
    }
}

/// Counts one more level, within what a document may have.
pub(super) fn deeper(depth: usize) -> Result<usize, Fault> {
    if depth < MAX_DEPTH {
        return Ok(depth + 1);
    }
    Err(Fault::new(ErrorKind::Limit, too_deep()))
}

pub(super) fn too_deep() -> String {
    format!("the value nests deeper than {MAX_DEPTH} levels")
}

pub(super) fn not_a_document(value: &Value) -> Fault {
    let message = format!(
        "a struct or a map makes a document, not a value of the type {}",
        value.type_name()
    );
    Fault::new(ErrorKind::Mismatch, message)
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Fault {}

impl ser::Error for Fault {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(ErrorKind::Mismatch, message.to_string())
    }
}

impl de::Error for Fault {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(ErrorKind::Mismatch, message.to_string())
    }

    fn missing_field(field: &'static str) -> Self {
        Self::at_field(field, "the field is missing")
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let message = match expected {
            [] => "unknown field: none is expected here".to_owned(),
            names => format!("unknown field: expected {}", names.join(", ")),
        };
        Self::at_field(field, message)
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::at_field(field, "the field stands twice")
    }
}
