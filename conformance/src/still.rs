//! A store whose calls hold simulated time still.
//!
//! Simulated time moves as soon as all tasks wait, be it only for a server's answer: hours would go by before it comes.
//! Here a call holds the thread until it is over, as if no time were needed for it.

use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::{self, StreamExt};
use seed::store::{
    Aggregate, Capabilities, Count, Delete, Documents, Find, FindAndUpdate, Insert, InsertOutcome,
    Subscription, Update, UpdateOutcome, Watch, WriteBatch, WriteOutcome,
};
use seed::{CollectionSpec, DateTime, Document, Result, Store};

/// A store that answers before the calling thread does anything else.
#[derive(Debug)]
pub(crate) struct Still(pub(crate) Arc<dyn Store>);

/// Carries a call out on this thread, without the limit that tokio sets to a turn of a task: it wakes what has used it up
/// only when it has the thread back.
fn hold<T>(call: impl Future<Output = T>) -> T {
    futures::executor::block_on(tokio::task::unconstrained(call))
}

#[async_trait]
impl Store for Still {
    async fn ensure(&self, spec: &CollectionSpec) -> Result<()> {
        hold(self.0.ensure(spec))
    }

    async fn insert(&self, request: Insert) -> Result<Vec<InsertOutcome>> {
        hold(self.0.insert(request))
    }

    async fn find(&self, request: Find) -> Result<Documents> {
        let found = hold(self.0.find(request))?;
        let next = |mut found: Documents| async move {
            let document = hold(found.next());
            document.map(|document| (document, found))
        };
        Ok(stream::unfold(found, next).boxed())
    }

    async fn count(&self, request: Count) -> Result<u64> {
        hold(self.0.count(request))
    }

    async fn aggregate(&self, request: Aggregate) -> Result<Vec<Document>> {
        hold(self.0.aggregate(request))
    }

    async fn find_and_update(&self, request: FindAndUpdate) -> Result<Vec<Document>> {
        hold(self.0.find_and_update(request))
    }

    async fn write(&self, batch: WriteBatch) -> Result<Vec<WriteOutcome>> {
        hold(self.0.write(batch))
    }

    async fn update(&self, request: Update) -> Result<UpdateOutcome> {
        hold(self.0.update(request))
    }

    async fn delete(&self, request: Delete) -> Result<u64> {
        hold(self.0.delete(request))
    }

    async fn explain(&self, request: Find) -> Result<Document> {
        hold(self.0.explain(request))
    }

    async fn drop_collection(&self, collection: &str) -> Result<()> {
        hold(self.0.drop_collection(collection))
    }

    async fn watch(&self, collection: &str) -> Result<Watch> {
        hold(self.0.watch(collection))
    }

    async fn publish(&self, topic: &str, message: Document) -> Result<()> {
        hold(self.0.publish(topic, message))
    }

    async fn subscribe(&self, topic: &str) -> Result<Subscription> {
        hold(self.0.subscribe(topic))
    }

    async fn now(&self) -> Result<DateTime> {
        hold(self.0.now())
    }

    fn detached(&self) -> Result<Arc<dyn Store>> {
        Ok(Arc::new(Self(self.0.detached()?)))
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }
}
