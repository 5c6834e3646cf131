//! The one trait between documents and whatever keeps them.
//!
//! [`Store`] says what every store promises; a queue is correct and fast on all of them because it needs nothing else.
//! Calls take one [request] value and give [outcomes](outcome): what can be expected (a duplicate, a guard that
//! no longer holds) is a value, an [`Error`](crate::Error) is what the caller did not plan for. [`StoreExt`] has the
//! comforts. An adapter implements this trait, or the smaller [`Engine`](crate::engine::Engine) below it.

pub mod capabilities;
pub mod delegate;
pub mod ext;
pub mod outcome;
pub mod request;
pub mod url;
pub mod watch;

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;

pub use capabilities::Capabilities;
pub use delegate::Delegate;
pub use ext::StoreExt;
pub use outcome::{InsertOutcome, UpdateOutcome, WriteOutcome};
pub use request::{Aggregate, Count, Delete, Find, FindAndUpdate, Insert, Update, WriteBatch, WriteItem};
pub use watch::{Subscription, Watch};

use crate::error::Result;
use crate::plan::CollectionSpec;
use crate::value::{DateTime, Document};

/// The documents of an answer, one after the other.
pub type Documents = BoxStream<'static, Result<Document>>;

/// A place that keeps collections of documents, answers queries over them and changes them atomically.
///
/// Every write is durable when it returns, as far as the store was set up to be. Calls may be made from any number of
/// tasks at once. Unless a promise says otherwise, a call that fails with a query or update error has changed nothing;
/// one that fails as [unavailable](crate::ErrorKind::Unavailable) may have done nothing, all, or a part: look before
/// trying again.
#[async_trait]
pub trait Store: Debug + Send + Sync {
    /// Makes sure that a collection exists with just these indexes.
    ///
    /// Repeating it changes nothing. A changed index is built anew while others go on reading and writing, and takes the
    /// old one's place when it is complete. A declaration older than the one that the store has seen is ignored.
    ///
    /// # Errors
    /// [`ErrorKind::Index`](crate::ErrorKind::Index) if the declaration is wrong, or if the documents that are there
    /// break it (a unique index over duplicates, two arrays in one key).
    async fn ensure(&self, spec: &CollectionSpec) -> Result<()>;

    /// Inserts documents, all in one trip; each is inserted or breaks a unique index on its own.
    ///
    /// A document without an `_id` gets an object id; the `_id` becomes its first field. A collection that does not exist is made.
    ///
    /// # Errors
    /// If any document is too large, too deep or cannot be indexed; then none is inserted.
    async fn insert(&self, request: Insert) -> Result<Vec<InsertOutcome>>;

    /// Finds documents, page by page.
    ///
    /// A document that does not change during the call is returned exactly once. Documents come in the order of the
    /// sort, those that tie and all if there is none in the order of `_id`.
    ///
    /// What is stored and cannot be read is an [`ErrorKind::Unreadable`](crate::ErrorKind::Unreadable) among them, behind which
    /// the stream goes on; behind any other error it ends.
    ///
    /// # Errors
    /// [`ErrorKind::Limit`](crate::ErrorKind::Limit) if the sort needs an index and would keep more than 64 MiB without
    /// one. The stream gives [`ErrorKind::Stale`](crate::ErrorKind::Stale) if the index that it reads is taken away.
    async fn find(&self, request: Find) -> Result<Documents>;

    /// Counts the documents that match.
    async fn count(&self, request: Count) -> Result<u64>;

    /// Runs a pipeline and returns its documents.
    async fn aggregate(&self, request: Aggregate) -> Result<Vec<Document>>;

    /// Finds up to `limit` documents and applies an update to each, atomically for each document.
    ///
    /// The filters are tried in their order until enough are found. No two callers get the same document, and each
    /// matched when it was changed. Returned as they are after the update, filter by filter, in the order of the sort at
    /// some moment during the call; fewer may come while more match, never none while one stayed free.
    ///
    /// # Errors
    /// As [`find`](Self::find); an update that fails on one of the documents fails the call, with none changed by it.
    async fn find_and_update(&self, request: FindAndUpdate) -> Result<Vec<Document>>;

    /// Carries out many writes in one trip, each atomic by itself and with an outcome of its own.
    ///
    /// A guard that no longer holds is `matched: 0`. One that fails stops none after it. A crash may leave any prefix
    /// of the batch done, or all or nothing where the store has [`atomic_batch`](Capabilities::atomic_batch).
    async fn write(&self, batch: WriteBatch) -> Result<Vec<WriteOutcome>>;

    /// Updates the documents that match, up to a limit, each atomically, in bounded steps.
    ///
    /// # Errors
    /// If the update fails on one of the documents; those before it in the order of `_id` are changed. A replacement
    /// is for one document, and refused without the limit 1.
    async fn update(&self, request: Update) -> Result<UpdateOutcome>;

    /// Deletes the documents that match, up to a limit, in bounded steps; returns how many.
    async fn delete(&self, request: Delete) -> Result<u64>;

    /// Shows how a find would be carried out, with what it would read.
    async fn explain(&self, request: Find) -> Result<Document>;

    /// Removes a collection with its indexes; one that does not exist is no error.
    async fn drop_collection(&self, collection: &str) -> Result<()>;

    /// Watches a collection: the watch wakes for every commit made after this has returned, [quiet](WriteBatch::quiet)
    /// ones aside.
    ///
    /// It may wake without one, and comes late by at most [`watch_bound`](Capabilities::watch_bound).
    async fn watch(&self, collection: &str) -> Result<Watch>;

    /// Sends a small message to all subscribers on this store, best effort.
    async fn publish(&self, topic: &str, message: Document) -> Result<()>;

    /// Receives the messages published from now on; a subscriber that falls far behind loses the oldest.
    async fn subscribe(&self, topic: &str) -> Result<Subscription>;

    /// Returns the time by the store's clock, which all its processes share, or by the clock that it was opened with.
    async fn now(&self) -> Result<DateTime>;

    /// Returns a handle whose calls need nothing of the caller's runtime: any executor on any thread can drive them, so
    /// that a thread of its own gets through even while the runtime is stuck.
    fn detached(&self) -> Result<Arc<dyn Store>>;

    /// Says what this store can do.
    fn capabilities(&self) -> Capabilities;
}
