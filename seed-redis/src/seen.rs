//! The documents that this handle saw last, with their versions: so that a change of one of them needs no read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use seed::key::KeyBytes;
use seed::value::{Document, Text};

use crate::packed::Version;
use crate::search::FoundDocument;

/// How many bytes of packed documents are kept in each of two generations.
const KEPT: usize = 8 * 1024 * 1024;

/// What a document costs beside its packed bytes, roughly.
const OVERHEAD: usize = 256;

/// A larger document is read again.
const LARGE: usize = 64 * 1024;

/// A document as it was seen.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) version: Version,
    pub(crate) document: Document,
}

impl Seen {
    /// Makes a document that was found one that was seen, with its id.
    pub(crate) fn of(found: FoundDocument) -> (KeyBytes, Self) {
        let seen = Self {
            version: found.stored,
            document: found.document,
        };
        (found.id, seen)
    }

    /// Makes it one that was found under this id.
    pub(crate) fn found(self, id: KeyBytes) -> FoundDocument {
        FoundDocument {
            id,
            stored: self.version,
            document: self.document,
        }
    }
}

/// Two generations of documents: when the young one is full it becomes the old one, which is forgotten.
#[derive(Debug, Default)]
pub(crate) struct SeenDocuments(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<Place, Seen>,
    old: HashMap<Place, Seen>,
    bytes: usize,
}

type Place = (Text, Arc<[u8]>);

impl SeenDocuments {
    pub(crate) fn keep(&self, collection: &Text, id: &[u8], bytes: usize, seen: Seen) {
        if bytes > LARGE {
            return self.forget(collection, id);
        }
        let mut kept = self.lock();
        kept.bytes += bytes + OVERHEAD;
        if kept.bytes > KEPT {
            kept.bytes = bytes + OVERHEAD;
            kept.old = std::mem::take(&mut kept.young);
        }
        kept.young.insert((collection.clone(), id.into()), seen);
    }

    pub(crate) fn get(&self, collection: &Text, id: &KeyBytes) -> Option<Seen> {
        let place = (collection.clone(), Arc::from(id.as_slice()));
        let kept = self.lock();
        kept.young.get(&place).or_else(|| kept.old.get(&place)).cloned()
    }

    pub(crate) fn forget(&self, collection: &Text, id: &[u8]) {
        let place = (collection.clone(), id.into());
        let mut kept = self.lock();
        kept.young.remove(&place);
        kept.old.remove(&place);
    }

    fn lock(&self) -> MutexGuard<'_, Generations> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
