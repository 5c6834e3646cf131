//! One change to one document, with all that it means for the indexes.

use super::catalogue::Catalogue;
use super::{Engine, Entry, IndexId};
use crate::error::Result;
use crate::key::{self, KeyBytes};
use crate::plan::FieldSet;
use crate::update::Update;
use crate::value::{Document, limits};

/// A change that is worked out and waits to be carried out.
#[derive(Debug)]
pub(super) struct Change<S> {
    pub(super) id: KeyBytes,
    pub(super) old: Option<S>,
    pub(super) new: Option<S>,
    pub(super) removed: Vec<(IndexId, Entry)>,
    pub(super) added: Vec<Added>,
    /// Positions of indexes that meet their first array.
    pub(super) multikey: Vec<usize>,
}

#[derive(Debug)]
pub(super) struct Added {
    pub(super) index: IndexId,
    pub(super) entry: Entry,
    pub(super) is_unique: bool,
}

impl<S> Change<S> {
    fn new(id: KeyBytes, old: Option<S>, new: Option<S>) -> Self {
        Self {
            id,
            old,
            new,
            removed: Vec::new(),
            added: Vec::new(),
            multikey: Vec::new(),
        }
    }
}

/// Works out the insertion of a document.
pub(super) fn insertion<E: Engine>(
    engine: &E,
    catalogue: &Catalogue,
    document: &Document,
) -> Result<Change<E::Stored>> {
    limits::check(document)?;
    let id = key::id_key(document.id().expect("a document to insert was given an id"))?;
    let mut change = Change::new(id, None, Some(engine.encode(document)?));
    add_index_changes(&mut change, catalogue, None, Some(document), None)?;
    Ok(change)
}

/// Works out the replacement of a document by what an update made of it.
pub(super) fn replacement<E: Engine>(
    engine: &E,
    catalogue: &Catalogue,
    id: KeyBytes,
    (old, old_document): (E::Stored, &Document),
    (new_document, update): (&Document, &Update),
) -> Result<Change<E::Stored>> {
    limits::check(new_document)?;
    let mut change = Change::new(id, Some(old), Some(engine.encode(new_document)?));
    let changed = match update.constant() {
        Some(fields) => fields.iter().map(|(name, _)| name.as_str()).collect(),
        None => changed_fields(old_document, new_document).into_iter().collect(),
    };
    add_index_changes(
        &mut change,
        catalogue,
        Some(old_document),
        Some(new_document),
        Some(changed),
    )?;
    Ok(change)
}

/// Works out the removal of a document.
pub(super) fn removal<S>(
    catalogue: &Catalogue,
    id: KeyBytes,
    (old, old_document): (S, &Document),
) -> Result<Change<S>> {
    let mut change = Change::new(id, Some(old), None);
    add_index_changes(&mut change, catalogue, Some(old_document), None, None)?;
    Ok(change)
}

/// Adds what a change means for the indexes, of which those that look at none of the changed fields are passed over.
fn add_index_changes<S>(
    change: &mut Change<S>,
    catalogue: &Catalogue,
    old: Option<&Document>,
    new: Option<&Document>,
    changed: Option<FieldSet>,
) -> Result<()> {
    for (at, index) in catalogue.indexes.iter().enumerate() {
        if !changed.is_none_or(|fields| index.spec.may_look_at(fields)) {
            continue;
        }
        let keys = |document: Option<&Document>| match document {
            Some(document) if index.spec.takes(document)? => key::index_keys(document, index.spec.fields())
                .map(Some)
                .map_err(|cause| cause.at_operator(index.spec.name())),
            _ => Ok(None),
        };
        let (before, after) = (keys(old)?, keys(new)?);
        if !index.is_multikey && after.as_ref().is_some_and(|keys| keys.is_multikey) {
            change.multikey.push(at);
        }
        let before = before.map(|keys| keys.keys).unwrap_or_default();
        let after = after.map(|keys| keys.keys).unwrap_or_default();
        for key in before.iter().filter(|key| after.binary_search(key).is_err()) {
            change.removed.push((index.id, Entry::new(key, &change.id)));
        }
        for key in after.iter().filter(|key| before.binary_search(key).is_err()) {
            let entry = Entry::new(key, &change.id);
            change.added.push(Added {
                index: index.id,
                entry,
                is_unique: index.spec.is_unique(),
            });
        }
    }
    Ok(())
}

/// Returns the top-level fields in which two documents differ.
fn changed_fields<'a>(old: &'a Document, new: &'a Document) -> Vec<&'a str> {
    let mut changed = Vec::with_capacity(8);
    let mut kept = 0;
    for (at, (name, value)) in new.fields().iter().enumerate() {
        // An update seldom moves a field, so it is looked for in its old place first.
        let before = match old.fields().get(at) {
            Some((other, before)) if other == name => Some(before),
            _ => old.get(name),
        };
        kept += usize::from(before.is_some());
        if before != Some(value) {
            changed.push(name.as_str());
        }
    }
    if kept < old.len() {
        changed.extend(old.keys().filter(|name| !new.has(name)));
    }
    changed
}
