//! What a [`Hash`](struct@crate::Hash) can search and sort: values and documents.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::Hash;
use crate::error::Result;
use crate::filter::Filter;
use crate::value::{Document, Value, order};

/// A value or a document, as [`Hash`](struct@crate::Hash) holds it.
pub trait Data: Clone + sealed::Data {}

impl Data for Value {}
impl Data for Document {}

/// What the two have in common, for this module alone.
pub(super) mod sealed {
    use super::{Cow, Document, Ordering, Value};

    pub trait Data: Sized {
        /// Compares as queries and sorts do.
        fn compare(&self, other: &Self) -> Ordering;

        /// Returns the document that a query looks at.
        fn document(&self, key: &str) -> Cow<'_, Document>;

        fn to_value(&self) -> Value;

        fn from_value(value: Value) -> Option<Self>;
    }
}

impl sealed::Data for Value {
    fn compare(&self, other: &Self) -> Ordering {
        order::compare(self, other)
    }

    fn document(&self, key: &str) -> Cow<'_, Document> {
        match self {
            Self::Document(document) => Cow::Borrowed(document),
            other => Cow::Owned(doc! { "_id": key, "value": other }),
        }
    }

    fn to_value(&self) -> Value {
        self.clone()
    }

    fn from_value(value: Value) -> Option<Self> {
        Some(value)
    }
}

impl sealed::Data for Document {
    fn compare(&self, other: &Self) -> Ordering {
        order::compare_documents(self, other)
    }

    fn document(&self, _key: &str) -> Cow<'_, Document> {
        Cow::Borrowed(self)
    }

    fn to_value(&self) -> Value {
        Value::Document(self.clone())
    }

    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Document(document) => Some(document),
            _ => None,
        }
    }
}

impl<V: Data> Hash<V> {
    /// Returns the entries whose documents meet a query, in their order.
    ///
    /// A document is found here if and only if a store that holds it finds it. A value that is none is looked at as
    /// MongoDB keeps the results of a map-reduce: `{"_id": key, "value": value}`.
    ///
    /// # Errors
    /// As [`Filter::parse`] and [`Filter::matches`].
    ///
    /// # Example
    /// ```
    /// use seed::{Hash, doc};
    ///
    /// let counts: Hash = Hash::from(doc! { "mail": 3, "report": 1 });
    /// let many = counts.find(&doc! { "value": { "$gt": 2 } })?;
    /// assert_eq!(many.keys().collect::<Vec<_>>(), ["mail"]);
    /// # Ok::<(), seed::Error>(())
    /// ```
    pub fn find(&self, query: &Document) -> Result<Self> {
        self.find_by(&Filter::parse(query)?)
    }

    /// Returns the entries whose documents meet a filter, as [`find`](Self::find) does.
    ///
    /// # Errors
    /// As [`Filter::matches`].
    pub fn find_by(&self, filter: &Filter) -> Result<Self> {
        let documents: Vec<_> = self
            .entries
            .iter()
            .map(|(key, value)| value.document(key))
            .collect();
        let entries = filter.positions(&documents)?.into_iter().map(|at| {
            let (key, value) = self.entries.get_index(at).expect("a position is an entry's");
            (key.clone(), value.clone())
        });
        Ok(entries.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn documents_are_found_as_a_store_finds_them() {
        let hash: Hash<Document> = [("a", doc! {"n": [1, 5]}), ("b", doc! {"n": 3}), ("c", doc! {})]
            .map(|(key, document)| (key.into(), document))
            .into_iter()
            .collect();
        let keys = |query| hash.find(&query).unwrap().keys().collect::<Vec<_>>().join("");
        assert_eq!(keys(doc! {"n": {"$gt": 3}}), "a");
        assert_eq!(keys(doc! {"n": null}), "c");
        assert_eq!(keys(doc! {}), "abc");
    }

    #[test]
    fn other_values_are_found_as_results_of_a_map_reduce() {
        let hash = Hash::from(doc! {"a": 1, "b": [2, 3], "c": {"value": 5}});
        let keys = |query| hash.find(&query).unwrap().keys().collect::<Vec<_>>().join("");
        assert_eq!(keys(doc! {"value": {"$gte": 2}}), "bc");
        assert_eq!(keys(doc! {"_id": "a"}), "a");
    }

    #[test]
    fn a_query_without_meaning_is_refused() {
        let error = Hash::from(doc! {}).find(&doc! {"a": {"$gtt": 1}}).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Query);
    }
}
