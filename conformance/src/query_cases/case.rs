//! One case, read from a line of JSON.
//!
//! Numbers are typed as they are written: `1` is an integer and `1.0` a double. `{"$date": …}` and `{"$binary": …}` are
//! values, `{"$generated": true}` in an answer stands for an id that the store made up.

use std::fs;
use std::path::{Path, PathBuf};

use seed::value::{Array, json};
use seed::{Document, Error, ErrorKind, Result, Value};

/// One case.
#[derive(Clone, Debug)]
pub struct Case {
    /// What the case is called; unique, and stable.
    pub id: String,
    /// The part of the query language, such as `filter`.
    pub area: String,
    /// The behaviour within the area.
    pub family: String,
    /// The rule at work, for whoever reads a failure.
    pub note: String,
    /// What the case depends on: `int64`, `binary`, `lookaround`.
    pub tags: Vec<String>,
    /// Which other programs gave the expected answer when they were asked.
    pub oracles: Vec<String>,
    /// The collection, in the order in which it is inserted.
    pub documents: Vec<Document>,
    /// What to do.
    pub op: Op,
    /// What must come of it.
    pub expected: Expected,
}

/// What a case does. Options are as they were written, since some cases write them wrong.
#[derive(Clone, Debug)]
pub enum Op {
    /// Finds documents.
    Find {
        /// Which documents.
        filter: Document,
        /// What of them; all if none.
        projection: Option<Document>,
        /// In which order; any if none.
        sort: Option<Document>,
        /// How many to pass over.
        skip: Option<Value>,
        /// How many at most; 0 is all.
        limit: Option<Value>,
    },
    /// Updates or replaces documents.
    Update {
        /// Which documents.
        filter: Document,
        /// The update, or a replacement if its first key has no `$`.
        update: Document,
        /// Whether all that match, or the first only.
        multi: bool,
        /// Whether to insert one if none matches.
        upsert: bool,
        /// The filters that `$[name]` stands for.
        array_filters: Option<Array>,
    },
    /// Runs a pipeline.
    Aggregate {
        /// Its stages.
        pipeline: Array,
    },
}

/// What must come of a case.
#[derive(Clone, Debug)]
pub enum Expected {
    /// It is refused, and nothing changed.
    Refused,
    /// The ids of what was found: in this order if the case sorts, else in any.
    Ids(Array),
    /// Documents: the answer to a find or a pipeline, or after an update the whole collection by id.
    Documents {
        /// The documents.
        documents: Vec<Document>,
        /// Whether they may come in any order.
        unordered: bool,
        /// The fields whose arrays have no order.
        sets: Vec<String>,
        /// How many documents an update matched; not looked at if none.
        matched: Option<Value>,
        /// How many documents it changed; not looked at if none.
        modified: Option<Value>,
        /// The id of the document that it inserted, or null; not looked at if none.
        upserted: Option<Value>,
    },
}

impl Case {
    /// Reads a case from its line.
    ///
    /// # Errors
    /// [`ErrorKind::Syntax`] if the line is no JSON, or a field is missing or of another type.
    pub fn parse(line: &str) -> Result<Self> {
        let fields = Fields(json::parse_extended_document(line)?);
        let op = Fields(fields.document("op")?);
        let expected = Fields(fields.document("expect")?);
        Ok(Self {
            id: fields.text("id")?,
            area: fields.text("area")?,
            family: fields.text("family")?,
            note: fields.text("note")?,
            tags: fields.texts("tags")?,
            oracles: fields.texts("oracles")?,
            documents: fields.documents("docs")?,
            op: op.op()?,
            expected: expected.expected()?,
        })
    }

    /// Tells whether the case depends on this.
    pub fn has_tag(&self, tag: &str) -> bool {
        self.tags.iter().any(|known| known == tag)
    }

    /// Tells whether a program gave the expected answer when it was asked.
    pub fn is_answered_by(&self, oracle: &str) -> bool {
        self.oracles.iter().any(|known| known == oracle)
    }

    /// Tells whether the case asks for an order.
    pub fn is_sorted(&self) -> bool {
        matches!(self.op, Op::Find { sort: Some(_), .. })
    }
}

/// Reads the cases of one file.
///
/// # Errors
/// As [`Case::parse`], with the line; [`ErrorKind::Unavailable`] if the file cannot be read.
pub fn read_file(path: &Path) -> Result<Vec<Case>> {
    let text = fs::read_to_string(path).map_err(|cause| unreadable(path, cause))?;
    let lines = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(at, line)| {
            Case::parse(line).map_err(|cause| {
                let column = cause.place().position.map_or(1, |(_, column)| column);
                let message = format!("{}: {}", path.display(), cause.message());
                Error::new(cause.kind(), message).at_position(at + 1, column)
            })
        })
        .collect()
}

/// Reads the cases of all files that end in `.jsonl` below a folder, in the order of their paths.
///
/// # Errors
/// As [`read_file`].
pub fn read_folder(folder: &Path) -> Result<Vec<Case>> {
    let mut paths = entries(folder)?;
    paths.sort();
    let mut cases = Vec::new();
    for path in paths {
        if path.is_dir() {
            cases.extend(read_folder(&path)?);
        } else if path.extension().is_some_and(|ending| ending == "jsonl") {
            cases.extend(read_file(&path)?);
        }
    }
    Ok(cases)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(|cause| unreadable(folder, cause))?;
    entries
        .map(|entry| {
            entry
                .map(|entry| entry.path())
                .map_err(|cause| unreadable(folder, cause))
        })
        .collect()
}

fn unreadable(path: &Path, cause: std::io::Error) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        format!("{} cannot be read", path.display()),
    )
    .with_source(cause)
}

/// The fields of a case, read by type.
struct Fields(Document);

impl Fields {
    fn op(&self) -> Result<Op> {
        if self.0.has("pipeline") {
            return Ok(Op::Aggregate {
                pipeline: self.array("pipeline")?,
            });
        }
        let filter = self.document("filter")?;
        if self.0.has("update") {
            return Ok(Op::Update {
                filter,
                update: self.document("update")?,
                multi: self.flag("multi")?,
                upsert: self.flag("upsert")?,
                array_filters: self.optional("arrayFilters", Self::array)?,
            });
        }
        Ok(Op::Find {
            filter,
            projection: self.optional("projection", Self::document)?,
            sort: self.optional("sort", Self::document)?,
            skip: self.0.get("skip").cloned(),
            limit: self.0.get("limit").cloned(),
        })
    }

    fn expected(&self) -> Result<Expected> {
        if self.flag("error")? {
            return Ok(Expected::Refused);
        }
        if self.0.has("ids") {
            return Ok(Expected::Ids(self.array("ids")?));
        }
        Ok(Expected::Documents {
            documents: self.documents("docs")?,
            unordered: self.flag("unordered")?,
            sets: self.texts("sets")?,
            matched: self.0.get("matched").cloned(),
            modified: self.0.get("modified").cloned(),
            upserted: self.0.get("upserted").cloned(),
        })
    }

    fn optional<T>(&self, name: &str, read: fn(&Self, &str) -> Result<T>) -> Result<Option<T>> {
        if self.0.has(name) {
            read(self, name).map(Some)
        } else {
            Ok(None)
        }
    }

    fn document(&self, name: &str) -> Result<Document> {
        self.field(name, "a document", |value| value.as_document().cloned())
    }

    fn array(&self, name: &str) -> Result<Array> {
        self.field(name, "an array", |value| value.as_array().cloned())
    }

    fn documents(&self, name: &str) -> Result<Vec<Document>> {
        self.field(name, "an array of documents", |value| {
            value
                .as_array()?
                .iter()
                .map(|element| element.as_document().cloned())
                .collect()
        })
    }

    fn text(&self, name: &str) -> Result<String> {
        self.field(name, "a string", |value| value.as_str().map(str::to_owned))
    }

    /// Reads an array of strings, which may be left out.
    fn texts(&self, name: &str) -> Result<Vec<String>> {
        let read = |value: &Value| {
            value
                .as_array()?
                .iter()
                .map(|text| text.as_str().map(str::to_owned))
                .collect()
        };
        if self.0.has(name) {
            self.field(name, "an array of strings", read)
        } else {
            Ok(Vec::new())
        }
    }

    /// Reads a boolean, which may be left out and is false then.
    fn flag(&self, name: &str) -> Result<bool> {
        if self.0.has(name) {
            self.field(name, "a boolean", Value::as_bool)
        } else {
            Ok(false)
        }
    }

    fn field<T>(&self, name: &str, expected: &str, read: impl Fn(&Value) -> Option<T>) -> Result<T> {
        self.0.get(name).and_then(read).ok_or_else(|| {
            Error::new(
                ErrorKind::Syntax,
                format!("the field {name:?} of a case must be {expected}"),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_read_with_its_types() {
        let case = Case::parse(
            r#"{"id":"x-1","area":"update","family":"x","docs":[{"_id":1.0,"d":{"$date":"2026-01-02T03:04:05Z"}}],
                "op":{"filter":{"a":{"$gt":1}},"update":{"$set":{"a":2}},"multi":true},
                "expect":{"docs":[],"matched":1,"sets":["r"]},"note":"n","tags":["int64"]}"#,
        )
        .unwrap();
        assert_eq!(case.documents[0].id(), Some(&Value::Double(1.0)));
        assert!(matches!(case.documents[0].get("d"), Some(Value::Date(_))));
        assert!(matches!(
            case.op,
            Op::Update {
                multi: true,
                upsert: false,
                ..
            }
        ));
        assert!(case.has_tag("int64") && !case.is_sorted());
        let Expected::Documents {
            matched,
            modified,
            sets,
            ..
        } = case.expected
        else {
            panic!("documents")
        };
        assert_eq!(
            (matched, modified, sets),
            (Some(Value::Int(1)), None, vec!["r".to_owned()])
        );
    }

    #[test]
    fn a_field_that_is_missing_is_named() {
        let error = Case::parse(r#"{"op":{"filter":1},"expect":{}}"#).unwrap_err();
        assert!(error.message().contains("\"id\""), "{error}");
    }
}
