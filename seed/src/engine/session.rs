//! A write transaction together with the catalogue that holds in it.

use std::sync::Arc;

use super::catalogue::Catalogue;
use super::change::Change;
use super::{Towards, WriteTransaction};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::KeyRange;
use crate::value::Text;

/// One job's view of its collection while it writes.
pub(super) struct Session<'t, S> {
    pub(super) transaction: &'t mut dyn WriteTransaction<S>,
    pub(super) catalogue: Arc<Catalogue>,
    /// Whether anything was changed, so that watches must wake.
    pub(super) is_changed: bool,
}

impl<'t, S: Clone + PartialEq> Session<'t, S> {
    /// Opens a session if the catalogue is still the one that the job was planned with.
    pub(super) fn open(
        transaction: &'t mut dyn WriteTransaction<S>,
        catalogue: &Arc<Catalogue>,
    ) -> Result<Option<Self>> {
        if transaction.version()? != catalogue.version {
            return Ok(None);
        }
        Ok(Some(Self {
            transaction,
            catalogue: Arc::clone(catalogue),
            is_changed: false,
        }))
    }

    /// Carries a change out, unless it would break a unique index, whose name is then returned.
    ///
    /// Everything is checked before the first write, so that a refused change leaves nothing behind.
    pub(super) fn apply(&mut self, change: &Change<S>) -> Result<Option<Text>> {
        if let Some(broken) = self.broken_index(change)? {
            return Ok(Some(broken));
        }
        let is_new = change.old.is_none();
        match &change.new {
            Some(new) if is_new => {
                if !self.transaction.insert(&change.id, new)? {
                    return Ok(Some("_id".into()));
                }
            }
            Some(new) => self.transaction.put(&change.id, new)?,
            None => self.transaction.delete(&change.id)?,
        }
        self.apply_to_indexes(change)?;
        Ok(None)
    }

    /// Carries a change out if the document is still the one that it was worked out from.
    pub(super) fn apply_if_known(&mut self, change: &Change<S>) -> Result<bool> {
        let (Some(old), Some(new)) = (&change.old, &change.new) else {
            return Ok(false);
        };
        if self.broken_index(change)?.is_some() || !self.transaction.replace(&change.id, old, new)? {
            return Ok(false);
        }
        self.apply_to_indexes(change)?;
        Ok(true)
    }

    /// Undoes a change that was carried out in this session.
    pub(super) fn revert(&mut self, change: &Change<S>) -> Result<()> {
        match (&change.old, &change.new) {
            (Some(old), Some(_)) => self.transaction.put(&change.id, old)?,
            (Some(old), None) => {
                self.transaction.insert(&change.id, old)?;
            }
            (None, _) => self.transaction.delete(&change.id)?,
        }
        for added in &change.added {
            self.transaction.index_remove(added.index, &added.entry)?;
        }
        for (index, entry) in &change.removed {
            self.transaction.index_insert(*index, entry)?;
        }
        Ok(())
    }

    fn apply_to_indexes(&mut self, change: &Change<S>) -> Result<()> {
        self.is_changed = true;
        // An earlier change of this session may have told of the array already.
        if change
            .multikey
            .iter()
            .any(|&at| !self.catalogue.indexes[at].is_multikey)
        {
            self.put_catalogue(self.catalogue.with_multikey(&change.multikey))?;
        }
        for (index, entry) in &change.removed {
            self.transaction.index_remove(*index, entry)?;
        }
        for added in &change.added {
            self.transaction.index_insert(added.index, &added.entry)?;
        }
        Ok(())
    }

    pub(super) fn put_catalogue(&mut self, catalogue: Catalogue) -> Result<()> {
        self.transaction
            .put_catalogue(catalogue.version, &catalogue.to_document())?;
        self.catalogue = Arc::new(catalogue);
        Ok(())
    }

    /// Returns the name of a unique index that has one of the new keys for another document.
    fn broken_index(&mut self, change: &Change<S>) -> Result<Option<Text>> {
        for added in change.added.iter().filter(|added| added.is_unique) {
            let mut found = Vec::new();
            let range = KeyRange::of_prefix(added.entry.key());
            self.transaction
                .index_page(added.index, &range, Towards::End, 2, &mut found)?;
            if found.iter().any(|entry| entry.id() != change.id) {
                let name = self
                    .catalogue
                    .index(added.index)
                    .map_or("", |index| index.spec.name());
                return Ok(Some(name.into()));
            }
        }
        Ok(None)
    }
}

/// The error of an update that would break a unique index.
pub(super) fn duplicate(index: &str) -> Error {
    let message = format!("another document has this key in the unique index {index:?}");
    Error::new(ErrorKind::Duplicate, message).at_operator(index)
}
