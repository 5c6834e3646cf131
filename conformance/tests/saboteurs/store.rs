//! A store that does what the one below it does, but for one promise.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::{StreamExt, stream};
use seed::plan::CollectionSpec;
use seed::store::{
    Aggregate, Capabilities, Count, Delete, Documents, Find, FindAndUpdate, Insert, InsertOutcome, Store,
    Subscription, Update, UpdateOutcome, Watch, WriteBatch, WriteItem, WriteOutcome,
};
use seed::update::Context;
use seed::value::Value;
use seed::{Clock, DateTime, Document, Filter, IndexSpec, Result, Sort, StoreExt, SystemClock, doc};
use seed_memory::MemoryStore;
use tokio::sync::watch;

/// The promise that is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Breaks {
    Nothing,
    ClaimInTwoSteps,
    FreeDocuments,
    DocumentsAfterwards,
    RefusedChanges,
    OrderOfFilters,
    WakeUps,
    Guards,
    GuardOutcomes,
    LastItem,
    ItemsAfterFailure,
    KnownDocuments,
    ArraysOnce,
    Sorting,
    Limits,
    Skips,
    Counts,
    Freshness,
    BuildingIndexes,
    Duplicates,
    Uniqueness,
    PartialFilters,
    Editions,
    Upserts,
    DeleteLimits,
    Messages,
    Clocks,
}

/// Where callers of all handles meet, so that what one breaks is met by another however their threads are run.
#[derive(Debug)]
pub(crate) struct Meeting {
    /// How many declarations are under way.
    declaring: AtomicUsize,
    /// How often somebody has looked: for what to claim, or while an index is built.
    looks: watch::Sender<usize>,
}

impl Meeting {
    pub(crate) fn new() -> Self {
        Self {
            declaring: AtomicUsize::new(0),
            looks: watch::Sender::new(0),
        }
    }

    fn look(&self) {
        self.looks.send_modify(|looks| *looks += 1);
    }

    async fn has_looked(&self, times: usize) {
        let mut looks = self.looks.subscribe();
        looks
            .wait_for(|looks| *looks >= times)
            .await
            .expect("its sender is kept in `self`");
    }
}

#[derive(Debug)]
pub(crate) struct Saboteur {
    store: MemoryStore,
    breaks: Breaks,
    calls: AtomicU64,
    meeting: Arc<Meeting>,
    answers: Mutex<HashMap<String, Vec<Document>>>,
}

impl Saboteur {
    pub(crate) fn new(store: MemoryStore, breaks: Breaks, meeting: Arc<Meeting>) -> Self {
        Self {
            store,
            breaks,
            calls: AtomicU64::new(0),
            meeting,
            answers: Mutex::default(),
        }
    }

    fn every_other_call(&self) -> bool {
        self.calls.fetch_add(1, Ordering::Relaxed) % 2 == 1
    }

    async fn claim_in_two_steps(&self, request: FindAndUpdate) -> Result<Vec<Document>> {
        let mut claimed = Vec::new();
        for filter in request.filters {
            let find = Find::new(request.collection.clone(), filter).sort(request.sort.clone());
            let found = self
                .store
                .find_all(find.limit((request.limit - claimed.len()) as u64))
                .await?;
            // Nobody changes anything before another has found the same.
            self.meeting.look();
            self.meeting.has_looked(2).await;
            for document in found {
                let by_id = Filter::parse(&doc! { "_id": { "$eq": (document.id()) } })?;
                let update = FindAndUpdate::new(request.collection.clone(), by_id, request.update.clone());
                claimed.extend(self.store.find_and_update(update).await?);
            }
        }
        Ok(claimed)
    }

    /// Changes documents one by one, so that those before a refused one stay changed.
    async fn change_one_by_one(&self, request: FindAndUpdate) -> Result<Vec<Document>> {
        let mut changed = Vec::new();
        let find =
            Find::new(request.collection.clone(), request.filters[0].clone()).sort(request.sort.clone());
        for document in self.store.find_all(find.limit(request.limit as u64)).await? {
            let by_id = Filter::parse(&doc! { "_id": { "$eq": (document.id()) } })?;
            let one = FindAndUpdate::new(request.collection.clone(), by_id, request.update.clone());
            changed.extend(self.store.find_and_update(one).await?);
        }
        Ok(changed)
    }

    async fn as_they_were(&self, request: FindAndUpdate) -> Result<Vec<Document>> {
        let before = self
            .store
            .find_all(Find::new(request.collection.clone(), Filter::all()))
            .await?;
        let changed = self.store.find_and_update(request).await?;
        let was = |now: &Document| before.iter().find(|document| document.id() == now.id()).cloned();
        Ok(changed.iter().filter_map(was).collect())
    }

    /// Carries items out one by one until one fails.
    async fn until_one_fails(&self, batch: WriteBatch) -> Result<Vec<WriteOutcome>> {
        let mut outcomes = Vec::new();
        for item in batch.items {
            let outcome = if matches!(outcomes.last(), Some(WriteOutcome::Failed(_))) {
                WriteOutcome::Updated(UpdateOutcome::default())
            } else {
                self.store
                    .write(WriteBatch::new(batch.collection.clone(), vec![item]))
                    .await?
                    .remove(0)
            };
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }

    fn without_guard(item: WriteItem) -> WriteItem {
        match item {
            WriteItem::Update {
                filter,
                update,
                known,
                upsert,
            } => {
                let id = filter.source().get("_id").cloned().unwrap_or_default();
                let filter = Filter::parse(&doc! { "_id": id }).unwrap();
                WriteItem::Update {
                    filter,
                    update,
                    known,
                    upsert,
                }
            }
            other => other,
        }
    }

    /// Makes of an update of a known document a replacement by what became of it.
    fn trusting(item: WriteItem) -> WriteItem {
        match item {
            WriteItem::Update {
                filter,
                update,
                known: Some(known),
                upsert,
            } => {
                let context = Context::at(DateTime::from_millis(0));
                let changed = update
                    .apply(&known, &context)
                    .unwrap()
                    .unwrap_or_else(|| known.clone());
                let by_id = Filter::parse(&doc! { "_id": { "$eq": (known.id()) } }).unwrap();
                let update = seed::Update::parse(&changed, &[]).unwrap();
                let _ = filter;
                WriteItem::Update {
                    filter: by_id,
                    update,
                    known: None,
                    upsert,
                }
            }
            other => other,
        }
    }

    fn weakened(&self, spec: &CollectionSpec) -> CollectionSpec {
        let weaken = |index: &IndexSpec| {
            let document = index.to_document();
            let fields = document.get("fields").and_then(Value::as_document).unwrap();
            let mut weak = IndexSpec::new(index.name(), fields).unwrap();
            if self.breaks == Breaks::PartialFilters && index.is_unique() {
                weak = weak.unique();
            }
            match index.partial_filter() {
                Some(partial) if self.breaks == Breaks::Uniqueness => weak.partial(partial.source()).unwrap(),
                _ => weak,
            }
        };
        CollectionSpec {
            indexes: spec.indexes.iter().map(weaken).collect(),
            ..spec.clone()
        }
    }

    async fn answer_again(&self, request: Find) -> Result<Documents> {
        let key = format!("{request:?}");
        let known = self.answers.lock().unwrap().get(&key).cloned();
        let answer = match known {
            Some(answer) => answer,
            None => {
                let answer = self.store.find_all(request).await?;
                self.answers.lock().unwrap().insert(key, answer.clone());
                answer
            }
        };
        Ok(stream::iter(answer.into_iter().map(Ok)).boxed())
    }

    /// Gives a document that holds an array twice, as an index that has two keys of it would.
    async fn arrays_twice(&self, request: Find) -> Result<Documents> {
        let found = self.store.find_all(request).await?;
        let twice = |document: Document| {
            let has_array = document
                .values()
                .any(|value| value.as_array().is_some_and(|array| array.len() > 1));
            vec![document; if has_array { 2 } else { 1 }]
        };
        Ok(stream::iter(found.into_iter().flat_map(twice).map(Ok)).boxed())
    }
}

#[async_trait]
impl Store for Saboteur {
    async fn ensure(&self, spec: &CollectionSpec) -> Result<()> {
        self.meeting.declaring.fetch_add(1, Ordering::SeqCst);
        let outcome = match self.breaks {
            Breaks::Uniqueness | Breaks::PartialFilters => self.store.ensure(&self.weakened(spec)).await,
            Breaks::Editions => self.store.ensure(&spec.clone().version(1_000)).await,
            _ => self.store.ensure(spec).await,
        };
        if self.breaks == Breaks::BuildingIndexes && spec.version > 1 {
            // Whoever goes on while the indexes are changed is sure to see it.
            self.meeting.has_looked(1).await;
        }
        self.meeting.declaring.fetch_sub(1, Ordering::SeqCst);
        outcome
    }

    async fn insert(&self, request: Insert) -> Result<Vec<InsertOutcome>> {
        let outcomes = self.store.insert(request).await?;
        let swallow = |outcome| match outcome {
            InsertOutcome::Duplicate(_) if self.breaks == Breaks::Duplicates => {
                InsertOutcome::Inserted(Value::Null)
            }
            outcome => outcome,
        };
        Ok(outcomes.into_iter().map(swallow).collect())
    }

    async fn find(&self, mut request: Find) -> Result<Documents> {
        match self.breaks {
            Breaks::Freshness => return self.answer_again(request).await,
            Breaks::ArraysOnce => return self.arrays_twice(request).await,
            Breaks::BuildingIndexes if self.meeting.declaring.load(Ordering::SeqCst) > 0 => {
                self.meeting.look();
                return Ok(stream::empty().boxed());
            }
            Breaks::Sorting => request.sort = Sort::default(),
            Breaks::Limits => request.limit = None,
            Breaks::Skips => request.skip = 0,
            _ => {}
        }
        self.store.find(request).await
    }

    async fn count(&self, mut request: Count) -> Result<u64> {
        if self.breaks == Breaks::Counts {
            request.filter = Filter::all();
        }
        self.store.count(request).await
    }

    async fn aggregate(&self, request: Aggregate) -> Result<Vec<Document>> {
        self.store.aggregate(request).await
    }

    async fn find_and_update(&self, mut request: FindAndUpdate) -> Result<Vec<Document>> {
        match self.breaks {
            Breaks::ClaimInTwoSteps => return self.claim_in_two_steps(request).await,
            Breaks::RefusedChanges => return self.change_one_by_one(request).await,
            Breaks::DocumentsAfterwards => return self.as_they_were(request).await,
            Breaks::FreeDocuments if self.every_other_call() => return Ok(Vec::new()),
            Breaks::OrderOfFilters => request.filters.reverse(),
            _ => {}
        }
        self.store.find_and_update(request).await
    }

    async fn write(&self, mut batch: WriteBatch) -> Result<Vec<WriteOutcome>> {
        match self.breaks {
            Breaks::ItemsAfterFailure => return self.until_one_fails(batch).await,
            Breaks::Guards => batch.items = batch.items.into_iter().map(Self::without_guard).collect(),
            Breaks::KnownDocuments => batch.items = batch.items.into_iter().map(Self::trusting).collect(),
            Breaks::LastItem if batch.items.len() > 1 => {
                batch.items.pop();
                let mut outcomes = self.store.write(batch).await?;
                outcomes.push(WriteOutcome::Updated(UpdateOutcome {
                    matched: 1,
                    modified: 1,
                    upserted: None,
                }));
                return Ok(outcomes);
            }
            _ => {}
        }
        let mut outcomes = self.store.write(batch).await?;
        if self.breaks == Breaks::GuardOutcomes {
            for outcome in &mut outcomes {
                if let WriteOutcome::Updated(updated) = outcome {
                    updated.matched = 1;
                }
            }
        }
        Ok(outcomes)
    }

    async fn update(&self, mut request: Update) -> Result<UpdateOutcome> {
        if self.breaks == Breaks::Upserts {
            request.upsert = false;
        }
        self.store.update(request).await
    }

    async fn delete(&self, mut request: Delete) -> Result<u64> {
        if self.breaks == Breaks::DeleteLimits {
            request.limit = None;
        }
        self.store.delete(request).await
    }

    async fn explain(&self, request: Find) -> Result<Document> {
        self.store.explain(request).await
    }

    async fn drop_collection(&self, collection: &str) -> Result<()> {
        self.store.drop_collection(collection).await
    }

    async fn watch(&self, collection: &str) -> Result<Watch> {
        match self.breaks {
            Breaks::WakeUps => self.store.watch("another").await,
            _ => self.store.watch(collection).await,
        }
    }

    async fn publish(&self, topic: &str, message: Document) -> Result<()> {
        if self.breaks == Breaks::Messages && self.every_other_call() {
            return Ok(());
        }
        self.store.publish(topic, message).await
    }

    async fn subscribe(&self, topic: &str) -> Result<Subscription> {
        self.store.subscribe(topic).await
    }

    async fn now(&self) -> Result<DateTime> {
        match self.breaks {
            Breaks::Clocks => Ok(SystemClock.now()),
            _ => self.store.now().await,
        }
    }

    fn detached(&self) -> Result<Arc<dyn Store>> {
        self.store.detached()
    }

    fn capabilities(&self) -> Capabilities {
        self.store.capabilities()
    }
}
