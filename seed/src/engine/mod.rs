//! The small half of a store: ordered bytes in transactions.
//!
//! A store that has ordered keys and transactions implements [`Engine`] in a few hundred lines, and [`Indexed`] makes a
//! whole [`Store`](crate::Store) of it: plans, indexes, streaming finds, atomic claims, watches and group commit. What
//! an engine keeps for a collection is the *documents* by the bytes of their `_id`, for each index a set of *entries*,
//! and the *catalogue*, a document that says which indexes there are.
//!
//! A store that plans for itself but cannot give transactions takes from here what it has in common with the others: the
//! [catalogue], the way along a plan ([`cursor`]), the first documents of an order ([`top`]), the steps of a change of many
//! ([`ids`]) and [object ids](object_ids).

mod arrivals;
mod bus;
pub mod catalogue;
mod change;
mod claims;
pub mod cursor;
mod durable;
mod ensure;
mod find;
pub mod heads;
pub mod ids;
mod indexed;
pub mod object_ids;
mod probe;
mod recent;
mod session;
mod steps;
mod tally;
pub mod top;
mod watching;
mod writer;
mod writes;

use std::fmt::Debug;

pub use indexed::{Indexed, WriteMode};
pub use watching::Watching;
pub use writer::{Job, Jobs};

use crate::error::Result;
use crate::key::KeyBytes;
use crate::plan::KeyRange;
use crate::store::Capabilities;
use crate::value::Document;

/// The number of an index, given when it is made and never given again within its collection.
pub type IndexId = u32;

/// One entry of an index: the bytes of a key, followed by those of the `_id`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The key and the id, joined.
    pub bytes: KeyBytes,
    /// Where the id begins.
    pub split: usize,
}

impl AsRef<[u8]> for Entry {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Entry {
    /// Joins a key and an id.
    pub fn new(key: &[u8], id: &[u8]) -> Self {
        Self {
            bytes: crate::key::joined(key, id),
            split: key.len(),
        }
    }

    /// Returns the bytes of the key.
    pub fn key(&self) -> &[u8] {
        &self.bytes[..self.split]
    }

    /// Returns the bytes of the `_id`.
    pub fn id(&self) -> &[u8] {
        &self.bytes[self.split..]
    }
}

/// Which way a range is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Towards {
    /// From the least bytes to the greatest.
    End,
    /// From the greatest bytes to the least.
    Start,
}

/// What an engine saw when it looked for changes by other processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Something may have changed.
    Changed,
    /// Nothing has changed.
    Unchanged,
}

/// Work inside a read transaction.
pub type ReadWork<'w, S> = dyn FnMut(&mut dyn ReadTransaction<S>) -> Result<()> + 'w;

/// Ordered bytes in transactions: all that [`Indexed`] needs of a store.
pub trait Engine: Debug + Send + Sync + 'static {
    /// A document as the engine keeps it. Two that are equal are the same document.
    type Stored: Clone + Debug + PartialEq + Send + Sync + 'static;

    /// Turns a document into what is kept. Runs on the caller's thread, outside any transaction.
    ///
    /// # Errors
    /// If the engine cannot keep it.
    fn encode(&self, document: &Document) -> Result<Self::Stored>;

    /// Turns what is kept into the document.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt) if it is none.
    fn decode(&self, stored: &Self::Stored) -> Result<Document>;

    /// Tells whether what is kept of a document is worth a few KiB of memory for as long as its update may come back: whether
    /// making it takes long, and it is not large.
    fn is_worth_keeping(&self, _stored: &Self::Stored) -> bool {
        false
    }

    /// Runs `work` once, on one snapshot of a collection. A collection that does not exist is empty.
    ///
    /// # Errors
    /// What `work` or the engine gives.
    fn read(&self, collection: &str, work: &mut ReadWork<'_, Self::Stored>) -> Result<()>;

    /// Takes job after job until there are no more and runs each once, all in one transaction, and commits it.
    ///
    /// The commit is durable when this returns, unless the engine [`syncs_apart`](Self::syncs_apart). An engine whose
    /// collections lock apart may give each job a transaction of its own.
    ///
    /// # Errors
    /// If a job or the engine fails. Then nothing of the transaction may be left.
    fn write(&self, jobs: &mut dyn Jobs<Self::Stored>) -> Result<()>;

    /// Does as [`write`](Self::write) does if it need not wait for another process; else says false and takes no job.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    fn write_if_free(&self, jobs: &mut dyn Jobs<Self::Stored>) -> Result<bool> {
        self.write(jobs).map(|()| true)
    }

    /// Tells whether a commit is durable only after a later [`sync`](Self::sync), while which others can commit.
    fn syncs_apart(&self) -> bool {
        false
    }

    /// Makes durable what was committed before the call. Whatever is, all that was committed before it is too.
    ///
    /// # Errors
    /// If the engine fails. Then it is not known what of it is durable, and the engine must not call anything durable that
    /// comes after it before all of it is.
    fn sync(&self) -> Result<()> {
        Ok(())
    }

    /// Removes a collection with its indexes and its catalogue; one that does not exist is no error.
    ///
    /// # Errors
    /// If the engine fails.
    fn drop_collection(&self, collection: &str) -> Result<()>;

    /// Looks again and again whether another process may have changed something, and tells what it saw, until `tell`
    /// says that nobody wants to know or what is returned is dropped; none if there are no other processes. Called once
    /// at most.
    ///
    /// # Errors
    /// If the engine cannot look.
    fn watch_other_processes(&self, tell: Box<dyn Fn(Look) -> bool + Send>) -> Result<Option<Watching>> {
        drop(tell);
        Ok(None)
    }

    /// Says what a store over this engine can do.
    fn capabilities(&self) -> Capabilities;
}

/// A look at one collection that does not change meanwhile.
pub trait ReadTransaction<S> {
    /// Returns the version of the catalogue; zero if the collection does not exist.
    ///
    /// # Errors
    /// If the engine fails, as for all that follow.
    fn version(&mut self) -> Result<u64>;

    /// Returns the catalogue; none if the collection does not exist.
    ///
    /// # Errors
    /// If the engine fails or the catalogue cannot be read.
    fn catalogue(&mut self) -> Result<Option<Document>>;

    /// Returns the document of an id.
    ///
    /// # Errors
    /// If the engine fails.
    fn get(&mut self, id: &[u8]) -> Result<Option<S>>;

    /// Appends up to `limit` documents of a range of ids, with their ids.
    ///
    /// # Errors
    /// If the engine fails.
    fn page(
        &mut self,
        range: &KeyRange,
        towards: Towards,
        limit: usize,
        out: &mut Vec<(KeyBytes, S)>,
    ) -> Result<()>;

    /// Appends up to `limit` entries of a range of an index.
    ///
    /// # Errors
    /// [`ErrorKind::Stale`](crate::ErrorKind::Stale) if there is no such index (any more).
    fn index_page(
        &mut self,
        index: IndexId,
        range: &KeyRange,
        towards: Towards,
        limit: usize,
        out: &mut Vec<Entry>,
    ) -> Result<()>;

    /// Counts the entries of a range of an index, or the documents of a range of ids if no index is given.
    ///
    /// # Errors
    /// As [`index_page`](Self::index_page).
    fn count(&mut self, index: Option<IndexId>, range: &KeyRange) -> Result<u64>;
}

/// A transaction that changes one collection, alone while it lasts.
pub trait WriteTransaction<S>: ReadTransaction<S> {
    /// Stores a document under an id that has none, and says whether it had none.
    ///
    /// # Errors
    /// If the engine fails, as for all that follow.
    fn insert(&mut self, id: &[u8], document: &S) -> Result<bool>;

    /// Stores a document in place of the one that is there.
    ///
    /// # Errors
    /// If the engine fails.
    fn put(&mut self, id: &[u8], document: &S) -> Result<()>;

    /// Stores a document in place of this one, and says whether it was this one that was there.
    ///
    /// # Errors
    /// If the engine fails.
    fn replace(&mut self, id: &[u8], known: &S, document: &S) -> Result<bool>;

    /// Removes a document.
    ///
    /// # Errors
    /// If the engine fails.
    fn delete(&mut self, id: &[u8]) -> Result<()>;

    /// Adds an entry to an index; one that is there stays.
    ///
    /// # Errors
    /// If the engine fails.
    fn index_insert(&mut self, index: IndexId, entry: &Entry) -> Result<()>;

    /// Removes an entry from an index; one that is not there is no error.
    ///
    /// # Errors
    /// If the engine fails.
    fn index_remove(&mut self, index: IndexId, entry: &Entry) -> Result<()>;

    /// Makes an empty index.
    ///
    /// # Errors
    /// If the engine fails.
    fn create_index(&mut self, index: IndexId, name: &str) -> Result<()>;

    /// Removes an index with its entries.
    ///
    /// # Errors
    /// If the engine fails.
    fn drop_index(&mut self, index: IndexId) -> Result<()>;

    /// Stores the catalogue with its version, making the collection if it does not exist.
    ///
    /// # Errors
    /// If the engine fails.
    fn put_catalogue(&mut self, version: u64, catalogue: &Document) -> Result<()>;
}
