//! Object ids for documents that come without an `_id`.

use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::value::{DateTime, Document, ObjectId};

/// Makes object ids: seconds, five random bytes of this store, and a counter that begins at random.
#[derive(Debug)]
pub struct ObjectIds {
    random: [u8; 5],
    counter: AtomicU32,
}

impl Default for ObjectIds {
    fn default() -> Self {
        // The standard library seeds each of these at random.
        let random = std::collections::hash_map::RandomState::new()
            .build_hasher()
            .finish()
            .to_be_bytes();
        let [a, b, c, d, e, f, g, h] = random;
        Self {
            random: [a, b, c, d, e],
            counter: AtomicU32::new(u32::from_be_bytes([0, f, g, h])),
        }
    }
}

impl ObjectIds {
    /// Returns a number to begin the versions of a new collection with.
    ///
    /// A collection that was dropped and made again must not repeat the versions of its former life, which other handles
    /// may still hold.
    pub fn first_version(&self) -> u64 {
        let [a, b, c, d, _] = self.random;
        let [_, _, e, f] = self.counter.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        // Each life counts up in the lowest 16 bits, where no other one begins. The top bit stays free, since stores
        // keep signed numbers.
        u64::from_be_bytes([a & 0x3F | 0x40, b, c, d, e, f, 0, 0])
    }

    /// Gives a document an `_id` unless it has one, and puts that first, where MongoDB keeps it.
    pub fn identify(&self, mut document: Document, now: impl FnOnce() -> DateTime) -> Document {
        if document.position("_id") != Some(0) {
            let id = document.remove("_id").unwrap_or_else(|| self.next(now()).into());
            document.set_first("_id", id);
        }
        document
    }

    /// Makes the next id.
    pub fn next(&self, now: DateTime) -> ObjectId {
        let seconds = (now.as_millis().div_euclid(1000) as u32).to_be_bytes();
        let count = self.counter.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let mut bytes = [0; 12];
        bytes[..4].copy_from_slice(&seconds);
        bytes[4..9].copy_from_slice(&self.random);
        bytes[9..].copy_from_slice(&count[1..]);
        ObjectId::from_bytes(bytes)
    }
}
