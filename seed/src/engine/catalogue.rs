//! Which indexes a collection has, and in what state they are: what a store keeps beside its documents.

use crate::error::{Error, ErrorKind, Result};
use crate::plan::{CollectionSpec, IndexSpec, IndexView};
use crate::value::{Array, Document, Value};

use super::IndexId;

/// The indexes of one collection as the store has them, with the version that every write and scan names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Catalogue {
    /// The version, which every change of the catalogue raises; zero if the collection does not exist.
    pub version: u64,
    /// The edition of the declaration that was last ensured.
    pub spec_version: u32,
    /// The number of the next index that is made.
    pub next_index: IndexId,
    /// The indexes, in the order in which they were made.
    pub indexes: Vec<Index>,
}

/// One index of a catalogue.
#[derive(Clone, Debug, PartialEq)]
pub struct Index {
    /// Its number.
    pub id: IndexId,
    /// How it was declared.
    pub spec: IndexSpec,
    /// Whether it can be read.
    pub state: State,
    /// Whether some document has, or had, several keys in it.
    pub is_multikey: bool,
}

/// Every writer keeps up an index in either state; only a ready one is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Documents that were there before it may still be missing.
    Building,
    /// It has every document that belongs in it.
    Ready,
}

impl Catalogue {
    /// Returns what the planner may read, by position.
    pub fn views(&self) -> Vec<Option<IndexView<'_>>> {
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

    /// Returns the index of this number.
    pub fn index(&self, id: IndexId) -> Option<&Index> {
        self.indexes.iter().find(|index| index.id == id)
    }

    /// Returns the catalogue with these indexes marked as multikey, one version on.
    pub fn with_multikey(&self, positions: &[usize]) -> Self {
        let mut next = self.next_version();
        positions
            .iter()
            .for_each(|&at| next.indexes[at].is_multikey = true);
        next
    }

    /// Returns a copy, one version on.
    pub fn next_version(&self) -> Self {
        Self {
            version: self.version + 1,
            ..self.clone()
        }
    }

    /// Tells whether the ready indexes are just those that are declared, and nothing is being built.
    pub fn fulfils(&self, spec: &CollectionSpec) -> bool {
        self.version > 0
            && self.spec_version == spec.version
            && self.indexes.len() == spec.indexes.len()
            && spec.indexes.iter().all(|wanted| {
                self.indexes
                    .iter()
                    .any(|index| index.state == State::Ready && index.spec == *wanted)
            })
    }

    /// Returns the catalogue with what is declared added, and what is neither declared nor needed meanwhile left out.
    ///
    /// The new indexes are to be built, unless the collection is empty. A collection that is made begins with
    /// `first_version`.
    pub fn declared(&self, spec: &CollectionSpec, first_version: u64, is_empty: bool) -> Self {
        let mut next = self.next_version();
        next.version = next.version.max(first_version);
        next.spec_version = spec.version;
        let is_replaced = |index: &Index| {
            spec.indexes
                .iter()
                .any(|wanted| wanted.name() == index.spec.name())
        };
        // A ready index serves until the one that takes its place is ready too.
        let serves = |index: &Index| !is_empty && index.state == State::Ready && is_replaced(index);
        next.indexes
            .retain(|index| spec.indexes.contains(&index.spec) || serves(index));
        let state = if is_empty { State::Ready } else { State::Building };
        for wanted in &spec.indexes {
            match next.indexes.iter_mut().find(|index| index.spec == *wanted) {
                Some(known) if is_empty => known.state = State::Ready,
                Some(_) => {}
                None => {
                    let index = Index {
                        id: next.next_index,
                        spec: wanted.clone(),
                        state,
                        is_multikey: false,
                    };
                    next.next_index += 1;
                    next.indexes.push(index);
                }
            }
        }
        next
    }

    /// Returns the catalogue once the indexes that were declared are built, with those whose place they take; none if a
    /// later declaration has come in between and does its own.
    pub fn finished(&self, spec: &CollectionSpec) -> Option<(Self, Vec<Index>)> {
        let mut next = self.next_version();
        if next.spec_version != spec.version {
            return None;
        }
        let (kept, dropped) = next
            .indexes
            .into_iter()
            .partition(|index| spec.indexes.contains(&index.spec));
        next.indexes = kept;
        next.indexes
            .iter_mut()
            .for_each(|index| index.state = State::Ready);
        Some((next, dropped))
    }

    /// Returns the catalogue without those of these indexes that are still being built, with what was left out.
    pub fn given_up(&self, building: &[IndexId]) -> (Self, Vec<Index>) {
        let mut next = self.next_version();
        let is_given_up = |index: &Index| index.state == State::Building && building.contains(&index.id);
        let (dropped, kept) = next.indexes.into_iter().partition(is_given_up);
        next.indexes = kept;
        (next, dropped)
    }

    /// Returns the numbers of the indexes that are being built.
    pub fn building(&self) -> Vec<IndexId> {
        let building = self.indexes.iter().filter(|index| index.state == State::Building);
        building.map(|index| index.id).collect()
    }

    /// Checks that indexes are the same in a later catalogue, and not others that took their numbers when the collection
    /// was made anew.
    ///
    /// # Errors
    /// [`ErrorKind::Stale`] if one of them is not.
    pub fn check_same(&self, now: &Self, indexes: impl IntoIterator<Item = IndexId>) -> Result<()> {
        let spec_in = |catalogue: &Self, id| catalogue.index(id).map(|index| index.spec.clone());
        let is_same = |id| spec_in(now, id) == spec_in(self, id);
        match indexes.into_iter().all(is_same) {
            true => Ok(()),
            false => Err(taken_away()),
        }
    }

    /// Returns the catalogue as a document, as stores keep it.
    pub fn to_document(&self) -> Document {
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

    /// Reads what [`to_document`](Self::to_document) gave.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] if it is anything else.
    pub fn from_document(document: &Document) -> Result<Self> {
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

/// The error of a find whose index is another by now.
pub fn taken_away() -> Error {
    Error::new(
        ErrorKind::Stale,
        "an index that the find reads was taken away: begin again",
    )
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
