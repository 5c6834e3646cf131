//! The default store of seed: ordered maps in memory.
//!
//! | promise | |
//! |---|---|
//! | durability | none: everything is gone with the last handle |
//! | isolation | one lock a collection; a write is alone on its collection, a page of a find is one moment of it |
//! | a batch | all of it is done before anyone else sees any of it |
//! | a failed call | has changed nothing |
//! | limits | memory; documents as everywhere in seed |
//! | several processes | no |
//! | wake-ups | at once |
//!
//! # Example
//! ```
//! use seed::{Filter, Store, StoreExt, doc, store::Find};
//! use seed_memory::MemoryStore;
//!
//! # futures::executor::block_on(async {
//! let store = MemoryStore::new();
//! store.insert_one("jobs", doc! { "_id": 1, "tag": "mail" }).await?;
//! let filter = Filter::parse(&doc! { "tag": "mail" })?;
//! assert_eq!(store.find_all(Find::new("jobs", filter)).await?.len(), 1);
//! # Ok::<(), seed::Error>(())
//! # }).unwrap();
//! ```

mod engine;

use std::sync::Arc;

use engine::MemoryEngine;
use seed::clock::{Clock, SystemClock};
use seed::engine::{Indexed, WriteMode};
use seed::store::{Delegate, Store};

/// A store in memory. Clones are the same store; what it holds is gone with the last of them.
#[derive(Clone, Debug)]
pub struct MemoryStore(Indexed<MemoryEngine>);

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryStore {
    /// Makes an empty store.
    pub fn new() -> Self {
        Self::with_clock(Arc::new(SystemClock))
    }

    /// Makes an empty store that tells the time by a clock of the caller's.
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self(Indexed::new(MemoryEngine::default(), WriteMode::InPlace, clock))
    }
}

impl Delegate for MemoryStore {
    fn store(&self) -> &dyn Store {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use futures::executor::block_on;
    use seed::doc;
    use seed::store::{WriteBatch, WriteItem};

    use super::*;

    #[test]
    fn a_quiet_batch_wakes_no_watch() {
        block_on(async {
            let store = MemoryStore::new();
            let mut watch = store.watch("jobs").await.unwrap();
            let batch = || WriteBatch::new("jobs", vec![WriteItem::Insert(doc! { "a": 1 })]);
            store.write(batch().quiet()).await.unwrap();
            assert!(watch.changed().now_or_never().is_none());
            store.write(batch()).await.unwrap();
            assert!(watch.changed().now_or_never().is_some());
        });
    }
}
