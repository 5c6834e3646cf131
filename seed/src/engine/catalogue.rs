//! Which indexes a collection has, and in what state they are.

use crate::error::{Error, ErrorKind, Result};
use crate::plan::{CollectionSpec, IndexSpec, IndexView};
use crate::value::{Array, Document, Value};

use super::IndexId;

/// The indexes of one collection as the store has them, with the version that every write and scan names.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Catalogue {
    pub(super) version: u64,
    /// The edition of the declaration that was last ensured.
    pub(super) spec_version: u32,
    pub(super) next_index: IndexId,
    pub(super) indexes: Vec<Index>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Index {
    pub(super) id: IndexId,
    pub(super) spec: IndexSpec,
    pub(super) state: State,
    pub(super) is_multikey: bool,
}

/// Every writer keeps up an index in either state; only a ready one is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Building,
    Ready,
}

impl Catalogue {
    /// Returns what the planner may read, by position.
    pub(super) fn views(&self) -> Vec<Option<IndexView<'_>>> {
        self.indexes
            .iter()
            .map(|index| match index.state {
                State::Ready => Some(IndexView {
                    spec: &index.spec,
                    is_multikey: index.is_multikey,
                }),
                State::Building => None,
            })
            .collect()
    }

    pub(super) fn index(&self, id: IndexId) -> Option<&Index> {
        self.indexes.iter().find(|index| index.id == id)
    }

    /// Returns the catalogue with these indexes marked as multikey, one version on.
    pub(super) fn with_multikey(&self, positions: &[usize]) -> Self {
        let mut next = self.next_version();
        positions
            .iter()
            .for_each(|&at| next.indexes[at].is_multikey = true);
        next
    }

    pub(super) fn next_version(&self) -> Self {
        Self {
            version: self.version + 1,
            ..self.clone()
        }
    }

    /// Tells whether the ready indexes are just those that are declared, and nothing is being built.
    pub(super) fn fulfils(&self, spec: &CollectionSpec) -> bool {
        self.version > 0
            && self.spec_version == spec.version
            && self.indexes.len() == spec.indexes.len()
            && spec.indexes.iter().all(|wanted| {
                self.indexes
                    .iter()
                    .any(|index| index.state == State::Ready && index.spec == *wanted)
            })
    }

    pub(super) fn to_document(&self) -> Document {
        let indexes: Array = self
            .indexes
            .iter()
            .map(|index| Value::from(index.to_document()))
            .collect();
        doc! {
            "version": (self.version as i64), "spec_version": (self.spec_version),
            "next_index": (self.next_index), "indexes": indexes
        }
    }

    pub(super) fn from_document(document: &Document) -> Result<Self> {
        let number = |name| document.get(name).and_then(Value::as_i64).ok_or_else(corrupt);
        let indexes = document
            .get("indexes")
            .and_then(Value::as_array)
            .ok_or_else(corrupt)?;
        Ok(Self {
            version: u64::try_from(number("version")?).map_err(|_| corrupt())?,
            spec_version: u32::try_from(number("spec_version")?).map_err(|_| corrupt())?,
            next_index: u32::try_from(number("next_index")?).map_err(|_| corrupt())?,
            indexes: indexes.iter().map(Index::from_value).collect::<Result<_>>()?,
        })
    }
}

impl Index {
    fn to_document(&self) -> Document {
        doc! {
            "id": (self.id), "spec": (self.spec.to_document()), "ready": (self.state == State::Ready),
            "multikey": (self.is_multikey)
        }
    }

    fn from_value(value: &Value) -> Result<Self> {
        let document = value.as_document().ok_or_else(corrupt)?;
        let flag = |name| document.get(name).and_then(Value::as_bool).ok_or_else(corrupt);
        let id = document
            .get("id")
            .and_then(Value::as_i64)
            .and_then(|id| u32::try_from(id).ok());
        let spec = document
            .get("spec")
            .and_then(Value::as_document)
            .ok_or_else(corrupt)?;
        Ok(Self {
            id: id.ok_or_else(corrupt)?,
            spec: IndexSpec::from_document(spec)?,
            state: if flag("ready")? {
                State::Ready
            } else {
                State::Building
            },
            is_multikey: flag("multikey")?,
        })
    }
}

fn corrupt() -> Error {
    Error::new(ErrorKind::Corrupt, "the catalogue of a collection cannot be read")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_catalogue_comes_back_from_its_document() {
        let spec = IndexSpec::new("a", &doc! {"a": 1}).unwrap();
        let index = Index {
            id: 3,
            spec,
            state: State::Building,
            is_multikey: true,
        };
        let catalogue = Catalogue {
            version: 7,
            spec_version: 2,
            next_index: 4,
            indexes: vec![index],
        };
        assert_eq!(
            Catalogue::from_document(&catalogue.to_document()).unwrap(),
            catalogue
        );
    }
}
