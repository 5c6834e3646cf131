//! Ordered maps, and transactions that are a lock on them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use seed::engine::{Engine, Entry, IndexId, Jobs, ReadTransaction, ReadWork, Towards, WriteTransaction};
use seed::key::KeyBytes;
use seed::plan::KeyRange;
use seed::store::Capabilities;
use seed::value::Text;
use seed::{Document, Error, ErrorKind, Result};

type Shared = Arc<RwLock<Collection>>;

/// The collections, each behind a lock of its own.
#[derive(Debug, Default)]
pub(crate) struct MemoryEngine {
    collections: RwLock<HashMap<Text, Shared>>,
}

#[derive(Debug, Default)]
pub(crate) struct Collection {
    documents: BTreeMap<Box<[u8]>, Document>,
    indexes: HashMap<IndexId, BTreeSet<StoredEntry>>,
    catalogue: Option<Document>,
    version: u64,
}

/// An entry ordered by its bytes alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct StoredEntry {
    bytes: Box<[u8]>,
    split: u32,
}

/// Lets a range be looked up by bytes.
impl std::borrow::Borrow<[u8]> for StoredEntry {
    fn borrow(&self) -> &[u8] {
        &self.bytes
    }
}

impl From<&Entry> for StoredEntry {
    fn from(entry: &Entry) -> Self {
        // A key has at most the bytes of a document, 16 MiB.
        Self {
            bytes: entry.bytes.as_slice().into(),
            split: entry.split as u32,
        }
    }
}

impl MemoryEngine {
    fn collection(&self, name: &str) -> Option<Shared> {
        read(&self.collections).get(name).cloned()
    }

    fn collection_or_new(&self, name: &str) -> Shared {
        if let Some(collection) = self.collection(name) {
            return collection;
        }
        let mut collections = self.collections.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(collections.entry(name.into()).or_default())
    }
}

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

impl Engine for MemoryEngine {
    type Stored = Document;

    fn encode(&self, document: &Document) -> Result<Document> {
        Ok(document.clone())
    }

    fn decode(&self, stored: &Document) -> Result<Document> {
        Ok(stored.clone())
    }

    fn read(&self, collection: &str, work: &mut ReadWork<'_, Document>) -> Result<()> {
        match self.collection(collection) {
            Some(collection) => work(&mut Reading(&read(&collection))),
            None => work(&mut Reading(&Collection::default())),
        }
    }

    fn write(&self, jobs: &mut dyn Jobs<Document>) -> Result<()> {
        while let Some(job) = jobs.next() {
            let collection = self.collection_or_new(job.collection());
            let mut collection = write(&collection);
            job.run(&mut *collection)?;
        }
        Ok(())
    }

    fn drop_collection(&self, collection: &str) -> Result<()> {
        // Emptied and not only forgotten, since a writer may hold it already.
        if let Some(collection) = self.collection(collection) {
            *write(&collection) = Collection::default();
        }
        Ok(())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::IN_PROCESS
    }
}

impl Collection {
    fn index(&self, index: IndexId) -> Result<&BTreeSet<StoredEntry>> {
        self.indexes
            .get(&index)
            .ok_or_else(|| Error::new(ErrorKind::Stale, "the index is gone: plan anew"))
    }

    fn index_mut(&mut self, index: IndexId) -> Result<&mut BTreeSet<StoredEntry>> {
        self.indexes
            .get_mut(&index)
            .ok_or_else(|| Error::new(ErrorKind::Stale, "the index is gone: plan anew"))
    }
}

/// The bounds of a range as the maps of the standard library take them.
type Bounds<'r> = (Bound<&'r [u8]>, Bound<&'r [u8]>);

fn bounds(range: &KeyRange) -> Option<Bounds<'_>> {
    // An empty range would be a panic in the maps of the standard library.
    let end = range.end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
    (!range.is_empty()).then_some((Bound::Included(range.start.as_slice()), end))
}

/// Takes up to `limit` items from either end of a range.
fn take<T>(
    items: impl DoubleEndedIterator<Item = T>,
    towards: Towards,
    limit: usize,
    mut put: impl FnMut(T),
) {
    match towards {
        Towards::End => items.take(limit).for_each(&mut put),
        Towards::Start => items.rev().take(limit).for_each(&mut put),
    }
}

struct Reading<'a>(&'a Collection);

impl ReadTransaction<Document> for Reading<'_> {
    fn version(&mut self) -> Result<u64> {
        Ok(self.0.version)
    }

    fn catalogue(&mut self) -> Result<Option<Document>> {
        Ok(self.0.catalogue.clone())
    }

    fn get(&mut self, id: &[u8]) -> Result<Option<Document>> {
        Ok(self.0.documents.get(id).cloned())
    }

    fn page(
        &mut self,
        range: &KeyRange,
        towards: Towards,
        limit: usize,
        out: &mut Vec<(KeyBytes, Document)>,
    ) -> Result<()> {
        if let Some(bounds) = bounds(range) {
            let documents = self.0.documents.range::<[u8], _>(bounds);
            take(documents, towards, limit, |(id, document)| {
                out.push((id.to_vec(), document.clone()))
            });
        }
        Ok(())
    }

    fn index_page(
        &mut self,
        index: IndexId,
        range: &KeyRange,
        towards: Towards,
        limit: usize,
        out: &mut Vec<Entry>,
    ) -> Result<()> {
        let index = self.0.index(index)?;
        if let Some(bounds) = bounds(range) {
            let entry = |stored: &StoredEntry| Entry {
                bytes: stored.bytes.to_vec(),
                split: stored.split as usize,
            };
            take(index.range::<[u8], _>(bounds), towards, limit, |stored| {
                out.push(entry(stored))
            });
        }
        Ok(())
    }

    fn count(&mut self, index: Option<IndexId>, range: &KeyRange) -> Result<u64> {
        let Some(bounds) = bounds(range) else { return Ok(0) };
        Ok(match index {
            Some(index) => self.0.index(index)?.range::<[u8], _>(bounds).count(),
            None => self.0.documents.range::<[u8], _>(bounds).count(),
        } as u64)
    }
}

impl ReadTransaction<Document> for Collection {
    fn version(&mut self) -> Result<u64> {
        Reading(self).version()
    }

    fn catalogue(&mut self) -> Result<Option<Document>> {
        Reading(self).catalogue()
    }

    fn get(&mut self, id: &[u8]) -> Result<Option<Document>> {
        Reading(self).get(id)
    }

    fn page(
        &mut self,
        range: &KeyRange,
        towards: Towards,
        limit: usize,
        out: &mut Vec<(KeyBytes, Document)>,
    ) -> Result<()> {
        Reading(self).page(range, towards, limit, out)
    }

    fn index_page(
        &mut self,
        index: IndexId,
        range: &KeyRange,
        towards: Towards,
        limit: usize,
        out: &mut Vec<Entry>,
    ) -> Result<()> {
        Reading(self).index_page(index, range, towards, limit, out)
    }

    fn count(&mut self, index: Option<IndexId>, range: &KeyRange) -> Result<u64> {
        Reading(self).count(index, range)
    }
}

impl WriteTransaction<Document> for Collection {
    fn insert(&mut self, id: &[u8], document: &Document) -> Result<bool> {
        match self.documents.entry(id.into()) {
            std::collections::btree_map::Entry::Occupied(_) => Ok(false),
            std::collections::btree_map::Entry::Vacant(vacant) => {
                vacant.insert(document.clone());
                Ok(true)
            }
        }
    }

    fn put(&mut self, id: &[u8], document: &Document) -> Result<()> {
        if let Some(stored) = self.documents.get_mut(id) {
            *stored = document.clone();
        }
        Ok(())
    }

    fn replace(&mut self, id: &[u8], known: &Document, document: &Document) -> Result<bool> {
        match self.documents.get_mut(id) {
            Some(stored) if stored == known => {
                *stored = document.clone();
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    fn delete(&mut self, id: &[u8]) -> Result<()> {
        self.documents.remove(id);
        Ok(())
    }

    fn index_insert(&mut self, index: IndexId, entry: &Entry) -> Result<()> {
        self.index_mut(index)?.insert(entry.into());
        Ok(())
    }

    fn index_remove(&mut self, index: IndexId, entry: &Entry) -> Result<()> {
        self.index_mut(index)?.remove(entry.bytes.as_slice());
        Ok(())
    }

    fn create_index(&mut self, index: IndexId, _name: &str) -> Result<()> {
        self.indexes.insert(index, BTreeSet::new());
        Ok(())
    }

    fn drop_index(&mut self, index: IndexId) -> Result<()> {
        self.indexes.remove(&index);
        Ok(())
    }

    fn put_catalogue(&mut self, version: u64, catalogue: &Document) -> Result<()> {
        self.version = version;
        self.catalogue = Some(catalogue.clone());
        Ok(())
    }
}
