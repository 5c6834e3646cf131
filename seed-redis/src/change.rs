//! One change to one document, with all that it means for the indexes.

use seed::Result;
use seed::key::{self, KeyBytes};
use seed::value::{Document, Value, limits};
use seed::{Error, ErrorKind};

use crate::collection::Collection;
use crate::layout::{Placed, key_len};
use crate::packed::{Version, pack};

/// A change that is worked out and waits to be carried out.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) id: KeyBytes,
    /// The document must still have this version; none if it must not be there.
    pub(crate) seen: Option<Version>,
    /// The document as it will be; none if it goes.
    pub(crate) packed: Option<Vec<u8>>,
    /// Entries that go, with the position of their index.
    pub(crate) taken: Vec<(usize, Vec<u8>)>,
    pub(crate) added: Vec<(usize, Vec<u8>)>,
    /// Positions of indexes that meet their first array.
    pub(crate) multikey: Vec<usize>,
}

/// The longest id, whose length an entry holds in three bytes.
const MAX_ID: usize = (1 << 24) - 1;

/// Returns the key of an id.
pub(crate) fn id_of(document: &Document) -> Result<KeyBytes> {
    let id = key::id_key(document.id().unwrap_or(&Value::Null))?;
    if id.len() > MAX_ID {
        return Err(Error::new(ErrorKind::Limit, "the _id is longer than any store keeps").at_path("_id"));
    }
    Ok(id)
}

/// Works out the insertion of a document.
pub(crate) fn insertion(collection: &Collection, version: &Version, document: &Document) -> Result<Change> {
    limits::check(document)?;
    change(
        collection,
        id_of(document)?,
        None,
        None,
        Some((document, version)),
    )
}

/// Works out the replacement of a document by another with the same id.
pub(crate) fn replacement(
    collection: &Collection,
    id: KeyBytes,
    (seen, old): (&Version, &Document),
    (version, new): (&Version, &Document),
) -> Result<Change> {
    limits::check(new)?;
    change(collection, id, Some(*seen), Some(old), Some((new, version)))
}

/// Works out the removal of a document.
pub(crate) fn removal(
    collection: &Collection,
    id: KeyBytes,
    (seen, old): (&Version, &Document),
) -> Result<Change> {
    change(collection, id, Some(*seen), Some(old), None)
}

fn change(
    collection: &Collection,
    id: KeyBytes,
    seen: Option<Version>,
    old: Option<&Document>,
    new: Option<(&Document, &Version)>,
) -> Result<Change> {
    let layout = &collection.layout;
    let before = old.map(|old| layout.place(old)).transpose()?;
    let after = new.map(|(new, _)| layout.place(new)).transpose()?;
    let (mut taken, mut added, mut multikey) = (Vec::new(), Vec::new(), Vec::new());
    for (at, index) in layout.indexes.iter().enumerate() {
        let members = |placed: &Option<Placed>| {
            placed
                .as_ref()
                .map(|placed| placed.members(index, at, &id))
                .unwrap_or_default()
        };
        let (old, new) = (members(&before), members(&after));
        if !index.is_multikey && after.as_ref().is_some_and(|placed| placed.is_multikey(at)) {
            multikey.push(at);
        }
        // Both are in order. There is one of each, nearly always.
        let taken_here = old.iter().filter(|member| new.binary_search(member).is_err());
        taken.extend(taken_here.map(|member| (at, member.clone())));
        added.extend(
            new.into_iter()
                .filter(|member| old.binary_search(member).is_err())
                .map(|member| (at, member)),
        );
    }
    let packed = new
        .zip(after.as_ref())
        .map(|((new, version), placed)| pack(version, layout, placed, new));
    Ok(Change {
        id,
        seen,
        packed,
        taken,
        added,
        multikey,
    })
}

impl Change {
    /// Returns how many bytes it sends.
    pub(crate) fn bytes(&self) -> usize {
        let entries = self.taken.iter().chain(&self.added);
        self.packed.as_ref().map_or(0, Vec::len)
            + self.id.len() * 2
            + entries.map(|(_, member)| member.len()).sum::<usize>()
    }

    /// Returns the keys that unique indexes get by it, with the positions of the indexes.
    pub(crate) fn unique_keys<'a>(
        &'a self,
        collection: &'a Collection,
    ) -> impl Iterator<Item = Result<(usize, &'a [u8])>> {
        unique(&self.added, collection)
    }

    /// Returns the keys that unique indexes lose by it.
    pub(crate) fn freed_keys<'a>(
        &'a self,
        collection: &'a Collection,
    ) -> impl Iterator<Item = Result<(usize, &'a [u8])>> {
        unique(&self.taken, collection)
    }
}

fn unique<'a>(
    entries: &'a [(usize, Vec<u8>)],
    collection: &'a Collection,
) -> impl Iterator<Item = Result<(usize, &'a [u8])>> {
    entries
        .iter()
        .filter(|(at, _)| collection.layout.indexes[*at].spec.is_unique())
        .map(|(at, member)| Ok((*at, &member[..key_len(member)?])))
}
