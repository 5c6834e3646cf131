//! Stores that are another store under a name of their own.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;

use super::{
    Aggregate, Capabilities, Count, Delete, Documents, Find, FindAndUpdate, Insert, InsertOutcome, Store,
    Subscription, Update, UpdateOutcome, Watch, WriteBatch, WriteOutcome,
};
use crate::error::Result;
use crate::plan::CollectionSpec;
use crate::value::{DateTime, Document};

/// A type that is a [`Store`] because it holds one, so that an adapter need not show how it is made.
pub trait Delegate: Debug + Send + Sync {
    /// Returns the store that answers all calls.
    fn store(&self) -> &dyn Store;
}

#[async_trait]
impl<D: Delegate> Store for D {
    async fn ensure(&self, spec: &CollectionSpec) -> Result<()> {
        self.store().ensure(spec).await
    }

    async fn insert(&self, request: Insert) -> Result<Vec<InsertOutcome>> {
        self.store().insert(request).await
    }

    async fn find(&self, request: Find) -> Result<Documents> {
        self.store().find(request).await
    }

    async fn count(&self, request: Count) -> Result<u64> {
        self.store().count(request).await
    }

    async fn aggregate(&self, request: Aggregate) -> Result<Vec<Document>> {
        self.store().aggregate(request).await
    }

    async fn find_and_update(&self, request: FindAndUpdate) -> Result<Vec<Document>> {
        self.store().find_and_update(request).await
    }

    async fn write(&self, batch: WriteBatch) -> Result<Vec<WriteOutcome>> {
        self.store().write(batch).await
    }

    async fn update(&self, request: Update) -> Result<UpdateOutcome> {
        self.store().update(request).await
    }

    async fn delete(&self, request: Delete) -> Result<u64> {
        self.store().delete(request).await
    }

    async fn explain(&self, request: Find) -> Result<Document> {
        self.store().explain(request).await
    }

    async fn drop_collection(&self, collection: &str) -> Result<()> {
        self.store().drop_collection(collection).await
    }

    async fn watch(&self, collection: &str) -> Result<Watch> {
        self.store().watch(collection).await
    }

    async fn publish(&self, topic: &str, message: Document) -> Result<()> {
        self.store().publish(topic, message).await
    }

    async fn subscribe(&self, topic: &str) -> Result<Subscription> {
        self.store().subscribe(topic).await
    }

    async fn now(&self) -> Result<DateTime> {
        self.store().now().await
    }

    fn detached(&self) -> Result<Arc<dyn Store>> {
        self.store().detached()
    }

    fn capabilities(&self) -> Capabilities {
        self.store().capabilities()
    }
}
