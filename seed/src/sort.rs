//! The order in which documents are wanted.
//!
//! A [`Sort`] is parsed once. The key that it gives a document ([`Sort::key`]) is bytes that compare as the documents
//! sort, whatever the directions, so that they can be compared, stored and merged without the documents.

use crate::error::{Error, ErrorKind, Result};
use crate::key::{self, KeyBytes};
use crate::path::Path;
use crate::value::{Document, Value};

/// How many fields a sort has at most.
pub const MAX_FIELDS: usize = 32;

/// Whether a field sorts upwards or downwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The least first, written `1`.
    Ascending,
    /// The greatest first, written `-1`.
    Descending,
}

/// A parsed sort: fields in order of their weight, each with its direction.
#[derive(Clone, Debug, Default)]
pub struct Sort {
    source: Document,
    fields: Vec<(Path, Direction)>,
}

impl Sort {
    /// Parses a sort, such as `{"priority": -1, "_id": 1}`; an empty one asks for no order.
    ///
    /// # Errors
    /// [`ErrorKind::Query`] names the path at fault, [`ErrorKind::Unsupported`] says that `$meta` or `$natural` is
    /// asked for, [`ErrorKind::Limit`] that there are more than [`MAX_FIELDS`] fields.
    ///
    /// # Example
    /// ```
    /// use seed::{doc, sort::Sort};
    ///
    /// let sort = Sort::parse(&doc! { "priority": -1, "_id": 1 })?;
    /// let sorted = sort.sort(vec![doc! { "_id": 1 }, doc! { "_id": 2, "priority": 5 }])?;
    /// assert_eq!(sorted[0].id(), Some(&2.into()));
    /// # Ok::<(), seed::Error>(())
    /// ```
    pub fn parse(source: &Document) -> Result<Self> {
        if source.len() > MAX_FIELDS {
            let message = format!("a sort has at most {MAX_FIELDS} fields, not {}", source.len());
            return Err(Error::new(ErrorKind::Limit, message));
        }
        let fields = source
            .iter()
            .map(|(path, direction)| field(path, direction))
            .collect::<Result<_>>()?;
        Ok(Self {
            source: source.clone(),
            fields,
        })
    }

    /// Returns the fields in order, each with its direction.
    pub fn fields(&self) -> &[(Path, Direction)] {
        &self.fields
    }

    /// Tells whether no order is asked for.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Returns the document that the sort was parsed from.
    pub fn source(&self) -> &Document {
        &self.source
    }

    /// Returns bytes that compare as documents sort.
    ///
    /// # Errors
    /// [`ErrorKind::Query`] if two of the fields are different arrays in this document.
    pub fn key(&self, document: &Document) -> Result<KeyBytes> {
        key::sort_key(document, &self.fields).map_err(|cause| {
            let place = cause.place().path.clone().unwrap_or_default();
            Error::query("cannot sort by two arrays of one document")
                .at_path(&place)
                .with_source(cause)
        })
    }

    /// Sorts documents; those that tie keep their order.
    ///
    /// # Errors
    /// As [`key`](Self::key).
    pub fn sort(&self, documents: Vec<Document>) -> Result<Vec<Document>> {
        if self.is_empty() {
            return Ok(documents);
        }
        let keyed = documents
            .into_iter()
            .map(|document| Ok((self.key(&document)?, document)));
        let mut keyed = keyed.collect::<Result<Vec<_>>>()?;
        keyed.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(keyed.into_iter().map(|(_, document)| document).collect())
    }
}

fn field(path: &str, direction: &Value) -> Result<(Path, Direction)> {
    let named = |error: Error| error.at_path(path);
    if path == "$natural" {
        return Err(
            Error::new(ErrorKind::Unsupported, "there is no natural order: sort by _id").at_path(path),
        );
    }
    let parsed = Path::without_empty_parts(path)?;
    if parsed.parts().iter().any(|part| part.name().starts_with('$')) {
        return Err(named(Error::query(
            "a path to sort by has no part that begins with $",
        )));
    }
    Ok((parsed, self::direction(direction).map_err(named)?))
}

fn direction(direction: &Value) -> Result<Direction> {
    let number = match direction {
        Value::Document(meta) if meta.has("$meta") => {
            let message = "sorting by $meta is not offered: there are no scores";
            return Err(Error::new(ErrorKind::Unsupported, message).at_operator("$meta"));
        }
        // MongoDB's server cuts the digits after the point off.
        Value::Double(double) => Value::Double(double.trunc()).as_i64(),
        other => other.as_i64(),
    };
    match number {
        Some(1) => Ok(Direction::Ascending),
        Some(-1) => Ok(Direction::Descending),
        _ => Err(Error::query(format!(
            "the direction is 1 (ascending) or -1 (descending), not {direction}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(sort: &Document, documents: Vec<Document>) -> Vec<Value> {
        let sorted = Sort::parse(sort).unwrap().sort(documents).unwrap();
        sorted
            .iter()
            .map(|document| document.id().cloned().unwrap_or_default())
            .collect()
    }

    #[test]
    fn fields_weigh_in_their_order() {
        let documents = vec![
            doc! {"_id": 1, "a": 1, "b": 1},
            doc! {"_id": 2, "a": 2, "b": 1},
            doc! {"_id": 3, "a": 1, "b": 2},
        ];
        assert_eq!(
            sorted(&doc! {"a": 1, "b": -1}, documents.clone()),
            [3, 1, 2].map(Value::Int)
        );
        assert_eq!(
            sorted(&doc! {"b": -1.0, "a": -1}, documents.clone()),
            [3, 2, 1].map(Value::Int)
        );
        assert_eq!(sorted(&doc! {}, documents), [1, 2, 3].map(Value::Int));
    }

    #[test]
    fn ties_keep_their_order() {
        let documents = vec![
            doc! {"_id": 1, "a": 1.0},
            doc! {"_id": 2},
            doc! {"_id": 3, "a": 1},
            doc! {"_id": 4, "a": null},
        ];
        assert_eq!(sorted(&doc! {"a": -1}, documents), [1, 3, 2, 4].map(Value::Int));
    }

    #[test]
    fn an_array_sorts_by_its_least_or_greatest_element() {
        let documents = vec![
            doc! {"_id": 1, "a": [2, 9]},
            doc! {"_id": 2, "a": 3},
            doc! {"_id": 3, "a": []},
        ];
        assert_eq!(
            sorted(&doc! {"a": 1}, documents.clone()),
            [3, 1, 2].map(Value::Int)
        );
        assert_eq!(sorted(&doc! {"a": -1}, documents), [1, 2, 3].map(Value::Int));
    }

    #[test]
    fn what_is_no_sort_is_refused() {
        for sort in [
            doc! {"": 1},
            doc! {"a..b": 1},
            doc! {"a.": 1},
            doc! {"$a": 1},
            doc! {"a": 0},
            doc! {"a": 2},
            doc! {"a": "asc"},
            doc! {"a": true},
            doc! {"a": {}},
        ] {
            assert_eq!(Sort::parse(&sort).unwrap_err().kind(), ErrorKind::Query, "{sort}");
        }
        for sort in [doc! {"$natural": 1}, doc! {"a": {"$meta": "textScore"}}] {
            assert_eq!(
                Sort::parse(&sort).unwrap_err().kind(),
                ErrorKind::Unsupported,
                "{sort}"
            );
        }
        let many: Document = (0..33).map(|at| (at.to_string().into(), Value::Int(1))).collect();
        assert_eq!(Sort::parse(&many).unwrap_err().kind(), ErrorKind::Limit);
    }

    #[test]
    fn two_arrays_cannot_be_sorted_by() {
        let sort = Sort::parse(&doc! {"a": 1, "b": 1}).unwrap();
        let error = sort.key(&doc! {"a": [1], "b": [2]}).unwrap_err();
        assert_eq!(
            (error.kind(), error.place().path.as_deref()),
            (ErrorKind::Query, Some("b"))
        );
    }
}
