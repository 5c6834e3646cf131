//! What a [`Hash`](super::Hash) can search and sort: values and documents.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::value::{Document, Value, order};

/// A value or a document, as [`Hash`](super::Hash) holds it.
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
