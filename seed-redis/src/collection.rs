//! What this handle knows of the collections: their indexes as last seen, and where everything lies.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use fred::types::{Resp3Frame, Value};
use seed::engine::IndexId;
use seed::engine::catalogue::Catalogue;
use seed::plan::index::check_name;
use seed::value::{Text, json};
use seed::{Error, ErrorKind, Result};

use crate::change::Change;
use crate::error;
use crate::keys::Keys;
use crate::layout::Layout;
use crate::scripts;
use crate::store::Inner;

/// A collection as it was last seen.
#[derive(Debug)]
pub(crate) struct Collection {
    pub(crate) name: Text,
    pub(crate) keys: Keys,
    pub(crate) catalogue: Catalogue,
    pub(crate) layout: Layout,
    /// The version of the catalogue, as the scripts compare it.
    pub(crate) edition: Bytes,
    /// The keys that a write names: spec, documents, ids, and the indexes in the order of the catalogue.
    pub(crate) all_keys: Vec<Bytes>,
}

impl Collection {
    fn new(name: Text, keys: Keys, catalogue: Catalogue) -> Self {
        let mut all_keys = vec![keys.spec.clone(), keys.docs.clone(), keys.ids.clone()];
        all_keys.extend(catalogue.indexes.iter().map(|index| keys.index(index.id)));
        Self {
            name,
            layout: Layout::of(&catalogue),
            edition: Bytes::from(catalogue.version.to_string()),
            all_keys,
            keys,
            catalogue,
        }
    }

    /// Returns the key of an index, or of the ids.
    pub(crate) fn key(&self, index: Option<IndexId>) -> Bytes {
        index.map_or_else(|| self.keys.ids.clone(), |index| self.keys.index(index))
    }

    /// Tells whether the collection is there.
    pub(crate) fn exists(&self) -> bool {
        self.catalogue.version > 0
    }
}

/// The collections that this handle knows.
#[derive(Debug, Default)]
pub(crate) struct Collections(RwLock<HashMap<Text, Arc<Collection>>>);

impl Collections {
    fn get(&self, name: &str) -> Option<Arc<Collection>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.get(name).cloned()
    }

    fn put(&self, collection: Arc<Collection>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(collection.name.clone(), collection);
    }

    fn remove(&self, name: &str) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.remove(name);
    }
}

impl Inner {
    /// Returns a collection as this handle last saw it.
    pub(crate) async fn collection(&self, name: &str) -> Result<Arc<Collection>> {
        if let Some(known) = self.collections.get(name) {
            return Ok(known);
        }
        let loaded = self.load(name).await?;
        match self.restore(&loaded).await? {
            true => self.load(name).await,
            false => Ok(loaded),
        }
    }

    /// Looks a collection up.
    pub(crate) async fn load(&self, name: &str) -> Result<Arc<Collection>> {
        check_name(name)?;
        let keys = Keys::new(&self.options.prefix, self.options.database(), name);
        let arguments = [keys.spec.clone(), Bytes::from_static(b"catalogue")];
        let arguments = arguments.into_iter().map(Value::Bytes).collect();
        let catalogue = match self.link.call("HGET", Some(keys.slot), arguments).await? {
            Resp3Frame::Null => Catalogue::default(),
            Resp3Frame::BlobString { data, .. } => {
                let text = std::str::from_utf8(&data).map_err(|cause| {
                    Error::new(ErrorKind::Corrupt, "the catalogue of a collection cannot be read")
                        .with_source(cause)
                })?;
                Catalogue::from_document(&json::parse_stored(text)?)?
            }
            _ => return Err(error::unexpected(&self.options.shown)),
        };
        let collection = Arc::new(Collection::new(name.into(), keys, catalogue));
        self.collections.put(Arc::clone(&collection));
        Ok(collection)
    }

    /// Forgets what was known of a collection, so that it is looked up again.
    pub(crate) fn forget(&self, name: &str) {
        self.collections.remove(name);
    }

    /// Returns a collection, making it if it does not exist.
    pub(crate) async fn existing(&self, name: &str) -> Result<Arc<Collection>> {
        loop {
            let known = self.collection(name).await?;
            if known.exists() {
                return Ok(known);
            }
            let made = Catalogue {
                version: self.ids.first_version(),
                ..Catalogue::default()
            };
            // Whether it was made here or by another, it is there now.
            self.put_catalogue(&known, &made, &[], Assume::Nothing).await?;
        }
    }

    /// Puts a catalogue in the place of the one of `known`; says false if that is no longer so, or there are documents.
    pub(crate) async fn put_catalogue(
        &self,
        known: &Collection,
        catalogue: &Catalogue,
        dropped: &[IndexId],
        assume: Assume,
    ) -> Result<bool> {
        let mut keys = vec![known.keys.spec.clone(), known.keys.docs.clone()];
        keys.extend(dropped.iter().map(|index| known.keys.index(*index)));
        let arguments = [
            known.edition.clone(),
            Bytes::from(catalogue.version.to_string()),
            Bytes::from(json::document_to_stored(&catalogue.to_document())),
            Bytes::from_static(match assume {
                Assume::Empty => b"empty",
                Assume::Nothing => b"",
            }),
        ];
        let answer = scripts::CATALOGUE
            .run(&self.link, known.keys.slot, &keys, arguments)
            .await?;
        self.forget(&known.name);
        match answer {
            Resp3Frame::Number { data, .. } => Ok(data == 0),
            _ => Err(error::unexpected(&self.options.shown)),
        }
    }

    /// Marks the indexes in which one of these changes is the first with several keys; says whether there are any, and
    /// the changes must be worked out anew.
    pub(crate) async fn mark_first_arrays<'c>(
        &self,
        known: &Collection,
        changes: impl Iterator<Item = &'c Change>,
    ) -> Result<bool> {
        let mut positions: Vec<usize> = changes
            .flat_map(|change| change.multikey.iter().copied())
            .collect();
        if positions.is_empty() {
            return Ok(false);
        }
        positions.sort_unstable();
        positions.dedup();
        self.mark_multikey(known, &positions).await.map(|()| true)
    }

    /// Marks indexes, by their positions, as having documents with several keys.
    pub(crate) async fn mark_multikey(&self, known: &Collection, positions: &[usize]) -> Result<()> {
        let next = known.catalogue.with_multikey(positions);
        // If the catalogue is another by now, whoever marks plans anew with it.
        self.put_catalogue(known, &next, &[], Assume::Nothing)
            .await
            .map(drop)
    }
}

/// What a change of the catalogue was worked out from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Assume {
    /// The collection has no documents.
    Empty,
    Nothing,
}
