//! How collections and their indexes are declared.

use super::field_set::FieldSet;
use super::partial::Partial;
use crate::error::{Error, ErrorKind, Result};
use crate::filter::Filter;
use crate::path::Path;
use crate::sort::{Direction, Sort};
use crate::value::{Document, Text, Value};

/// A collection with the indexes it should have.
#[derive(Clone, Debug)]
pub struct CollectionSpec {
    /// The name of the collection.
    pub name: Text,
    /// Which edition of the declaration this is, from 1. A store that has seen a later one ignores an earlier one, so
    /// that an old process beside a new one does not take the new one's indexes away.
    pub version: u32,
    /// The indexes.
    pub indexes: Vec<IndexSpec>,
}

impl CollectionSpec {
    /// Declares a collection without indexes, edition 1.
    pub fn new(name: impl Into<Text>) -> Self {
        Self {
            name: name.into(),
            version: 1,
            indexes: Vec::new(),
        }
    }

    /// Adds an index.
    #[must_use]
    pub fn index(mut self, index: IndexSpec) -> Self {
        self.indexes.push(index);
        self
    }

    /// Sets the edition.
    #[must_use]
    pub fn version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    /// Checks names and indexes.
    ///
    /// # Errors
    /// [`ErrorKind::Index`] if the name is empty, longer than 120 bytes or holds U+0000, or two indexes share a name.
    pub fn check(&self) -> Result<()> {
        check_name(&self.name)?;
        for (at, index) in self.indexes.iter().enumerate() {
            if self.indexes[..at]
                .iter()
                .any(|earlier| earlier.name == index.name)
            {
                return Err(Error::new(
                    ErrorKind::Index,
                    format!("two indexes are named {:?}", index.name),
                ));
            }
        }
        Ok(())
    }
}

/// Checks the name of a collection.
///
/// # Errors
/// [`ErrorKind::Index`] if it is empty, longer than 120 bytes or holds U+0000.
pub fn check_name(name: &str) -> Result<()> {
    if name.is_empty() || name.len() > 120 || name.contains('\0') {
        let message = format!("a collection's name has 1 to 120 bytes without U+0000, not {name:?}");
        return Err(Error::new(ErrorKind::Index, message));
    }
    Ok(())
}

/// An index: its fields in order, and whether it is unique or partial.
#[derive(Clone, Debug)]
pub struct IndexSpec {
    name: Text,
    fields: Vec<(Path, Direction)>,
    is_unique: bool,
    partial: Option<Partial>,
    /// The top-level fields that the key or the filter is about.
    looked_at: FieldSet,
}

/// Two declarations are the same if they would keep the same entries.
impl PartialEq for IndexSpec {
    fn eq(&self, other: &Self) -> bool {
        self.to_document() == other.to_document()
    }
}

impl IndexSpec {
    /// Declares an index over fields given as a sort document, such as `{tag: 1, priority: -1}`.
    ///
    /// # Errors
    /// [`ErrorKind::Index`] if there are no fields, one is `_id` or has a numeric part, or one stands twice;
    /// [`ErrorKind::Query`] if the document is no sort.
    ///
    /// # Example
    /// ```
    /// use seed::{IndexSpec, doc};
    ///
    /// let queued = IndexSpec::new("queued", &doc! { "tag": 1, "priority": -1 })?
    ///     .partial(&doc! { "status": "queued" })?;
    /// assert_eq!(queued.name(), "queued");
    /// # Ok::<(), seed::Error>(())
    /// ```
    pub fn new(name: impl Into<Text>, fields: &Document) -> Result<Self> {
        let fields = Sort::parse(fields)?.fields().to_vec();
        if fields.is_empty() {
            return Err(Error::new(ErrorKind::Index, "an index has at least one field"));
        }
        for (path, _) in &fields {
            let fault = if path.as_str() == "_id" {
                "the _id has an index of its own"
            } else if path.parts().iter().any(|part| part.index().is_some()) {
                "an index cannot name the position of an element"
            } else {
                continue;
            };
            return Err(Error::new(ErrorKind::Index, fault).at_path(path.as_str()));
        }
        let top_level = fields.iter().map(|(path, _)| path.parts()[0].name().as_str());
        Ok(Self {
            name: name.into(),
            looked_at: top_level.collect(),
            fields,
            is_unique: false,
            partial: None,
        })
    }

    /// Lets no two documents have the same key.
    #[must_use]
    pub fn unique(mut self) -> Self {
        self.is_unique = true;
        self
    }

    /// Keeps only documents that meet a filter: equalities, ranges and `$exists: true` on top-level fields.
    ///
    /// # Errors
    /// [`ErrorKind::Index`] if the filter holds anything else; [`ErrorKind::Query`] if it is no filter.
    pub fn partial(mut self, filter: &Document) -> Result<Self> {
        let partial = Partial::new(Filter::parse(filter)?)?;
        self.looked_at = self.looked_at.with(partial.fields().map(Text::as_str).collect());
        self.partial = Some(partial);
        Ok(self)
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the fields in order.
    pub fn fields(&self) -> &[(Path, Direction)] {
        &self.fields
    }

    /// Tells whether no two documents may have the same key.
    pub fn is_unique(&self) -> bool {
        self.is_unique
    }

    /// Returns the filter that a document must meet to be in the index; none if all are.
    pub fn partial_filter(&self) -> Option<&Filter> {
        self.partial.as_ref().map(|partial| &partial.filter)
    }

    /// Tells whether a document belongs in the index.
    ///
    /// # Errors
    /// None in practice: a partial filter has no expression that can fail.
    pub fn takes(&self, document: &Document) -> Result<bool> {
        self.partial
            .as_ref()
            .map_or(Ok(true), |partial| partial.takes(document))
    }

    /// Returns the top-level fields that the partial filter has conditions on; none if there is no such filter.
    pub fn conditioned_fields(&self) -> impl Iterator<Item = &Text> {
        self.partial.iter().flat_map(Partial::fields)
    }

    /// Tells whether a value of one top-level field meets all that the partial filter asks of this field.
    ///
    /// A document belongs in the index just if this holds for each of the [fields](Self::conditioned_fields).
    ///
    /// # Errors
    /// As [`takes`](Self::takes).
    pub fn takes_field(&self, field: &str, value: Option<&Value>) -> Result<bool> {
        self.partial
            .as_ref()
            .map_or(Ok(true), |partial| partial.takes_field(field, value))
    }

    /// Tells whether a change to these top-level fields may change the index.
    pub(crate) fn may_look_at(&self, fields: FieldSet) -> bool {
        self.looked_at.may_share_with(fields)
    }

    /// Returns the declaration as a document, as stores keep it.
    pub fn to_document(&self) -> Document {
        let sign = |direction| if direction == Direction::Ascending { 1 } else { -1 };
        let fields: Document = self
            .fields
            .iter()
            .map(|(path, direction)| (path.as_str().into(), sign(*direction).into()))
            .collect();
        let mut document = doc! { "name": self.name.clone(), "fields": fields, "unique": (self.is_unique) };
        if let Some(partial) = &self.partial {
            document.set("partial", partial.filter.source().clone());
        }
        document
    }

    /// Reads what [`to_document`](Self::to_document) gave.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] if it is anything else.
    pub fn from_document(document: &Document) -> Result<Self> {
        let corrupt = || {
            Error::new(
                ErrorKind::Corrupt,
                "the store's declaration of an index cannot be read",
            )
        };
        let name = document.get("name").and_then(Value::as_str).ok_or_else(corrupt)?;
        let fields = document
            .get("fields")
            .and_then(Value::as_document)
            .ok_or_else(corrupt)?;
        let mut index = Self::new(name, fields)?;
        index.is_unique = document
            .get("unique")
            .and_then(Value::as_bool)
            .ok_or_else(corrupt)?;
        match document.get("partial").and_then(Value::as_document) {
            Some(partial) => index.partial(partial),
            None => Ok(index),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declaration_comes_back_from_its_document() {
        let index = IndexSpec::new("live", &doc! {"tag": 1, "a.b": -1})
            .unwrap()
            .unique();
        let index = index
            .partial(&doc! {"status": "queued", "n": {"$gt": 1, "$exists": true}})
            .unwrap();
        assert_eq!(IndexSpec::from_document(&index.to_document()).unwrap(), index);
    }

    #[test]
    fn what_cannot_be_kept_up_is_refused() {
        for fields in [doc! {}, doc! {"_id": 1}, doc! {"a.0": 1}] {
            assert_eq!(
                IndexSpec::new("x", &fields).unwrap_err().kind(),
                ErrorKind::Index,
                "{fields}"
            );
        }
        let index = IndexSpec::new("x", &doc! {"a": 1}).unwrap();
        for filter in [
            doc! {"a": null},
            doc! {"a": {"$ne": 1}},
            doc! {"a.b": 1},
            doc! {"$or": [{"a": 1}, {"a": 2}]},
            doc! {"a": {"$exists": false}},
            doc! {"a": [1]},
            doc! {"a": {"$in": [1, 2]}},
        ] {
            assert_eq!(
                index.clone().partial(&filter).unwrap_err().kind(),
                ErrorKind::Index,
                "{filter}"
            );
        }
    }

    #[test]
    fn an_index_looks_at_its_fields_and_its_filter() {
        let index = IndexSpec::new("x", &doc! {"a.b": 1})
            .unwrap()
            .partial(&doc! {"s": 1})
            .unwrap();
        let looks_at = |field| index.may_look_at([field].into_iter().collect());
        assert!(looks_at("a") && looks_at("s") && !looks_at("b"));
    }
}
