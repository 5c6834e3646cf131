//! Short words for requests on one collection, so that a case reads as its promise.

use std::ops::Deref;
use std::sync::Arc;

use seed::store::{
    Count, Delete, Documents, Find, FindAndUpdate, Insert, InsertOutcome, Update as UpdateRequest,
    UpdateOutcome, WriteBatch, WriteItem, WriteOutcome,
};
use seed::{CollectionSpec, Document, Filter, IndexSpec, Result, Sort, Store, StoreExt, Update, Value};

/// The collection that most cases need.
pub(crate) const THINGS: &str = "things";

/// A handle on the store of a case, with words for its one collection.
#[derive(Clone, Debug)]
pub(crate) struct Things(pub(crate) Arc<dyn Store>);

impl Deref for Things {
    type Target = dyn Store;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl Things {
    /// Inserts documents, all of which must go in.
    pub(crate) async fn put(&self, documents: impl IntoIterator<Item = Document> + Send) {
        let documents: Vec<_> = documents.into_iter().collect();
        // A step at a time, since a case may ask for a hundred thousand.
        for step in documents.chunks(1_000) {
            let outcomes = self.0.insert(Insert::new(THINGS, step.to_vec())).await.unwrap();
            assert_eq!(outcomes.len(), step.len(), "an outcome for each document");
            let refused = outcomes
                .iter()
                .find(|outcome| !matches!(outcome, InsertOutcome::Inserted(_)));
            assert_eq!(refused, None, "a document of the case is refused");
        }
    }

    /// Inserts one document and returns its outcome.
    pub(crate) async fn offer(&self, document: Document) -> InsertOutcome {
        self.0.insert_one(THINGS, document).await.unwrap()
    }

    /// Makes the collection have just these indexes, as edition 1.
    pub(crate) async fn index(&self, indexes: impl IntoIterator<Item = IndexSpec> + Send) {
        self.0.ensure(&spec(1, indexes)).await.unwrap();
    }

    pub(crate) async fn find(&self, filter: &Document) -> Vec<Document> {
        self.find_with(find(filter)).await
    }

    /// Finds page by page.
    pub(crate) async fn stream(&self, request: Find) -> Documents {
        self.0.find(request).await.unwrap()
    }

    pub(crate) async fn find_with(&self, request: Find) -> Vec<Document> {
        self.0.find_all(request).await.unwrap()
    }

    /// Returns the ids of what is found, in the order in which it comes.
    pub(crate) async fn ids(&self, filter: &Document) -> Vec<Value> {
        ids(&self.find(filter).await)
    }

    /// Returns all documents in the order of their ids, read without any index.
    pub(crate) async fn all(&self) -> Vec<Document> {
        self.find(&Document::new()).await
    }

    pub(crate) async fn get(&self, id: impl Into<Value> + Send) -> Option<Document> {
        self.0.get(THINGS, id.into()).await.unwrap()
    }

    pub(crate) async fn count_of(&self, filter: &Document) -> u64 {
        self.0
            .count(Count::new(THINGS, self::filter(filter)))
            .await
            .unwrap()
    }

    /// Changes all that match.
    pub(crate) async fn change(&self, filter: &Document, update: &Document) -> Result<UpdateOutcome> {
        self.0
            .update(UpdateRequest::new(
                THINGS,
                self::filter(filter),
                self::update(update),
            ))
            .await
    }

    /// Deletes all that match.
    pub(crate) async fn remove(&self, filter: &Document) -> u64 {
        self.0
            .delete(Delete::new(THINGS, self::filter(filter)))
            .await
            .unwrap()
    }

    pub(crate) async fn batch(&self, items: Vec<WriteItem>) -> Vec<WriteOutcome> {
        let wanted = items.len();
        let outcomes = self.0.write(WriteBatch::new(THINGS, items)).await.unwrap();
        assert_eq!(outcomes.len(), wanted, "an outcome for each item: {outcomes:?}");
        outcomes
    }

    pub(crate) async fn claim(&self, request: FindAndUpdate) -> Vec<Document> {
        self.0.find_and_update(request).await.unwrap()
    }
}

pub(crate) fn filter(source: &Document) -> Filter {
    Filter::parse(source).unwrap()
}

pub(crate) fn update(source: &Document) -> Update {
    Update::parse(source, &[]).unwrap()
}

pub(crate) fn sort(source: &Document) -> Sort {
    Sort::parse(source).unwrap()
}

pub(crate) fn find(filter: &Document) -> Find {
    Find::new(THINGS, self::filter(filter))
}

/// Finds one document that matches and changes it.
pub(crate) fn claim(filter: &Document, update: &Document) -> FindAndUpdate {
    FindAndUpdate::new(THINGS, self::filter(filter), self::update(update))
}

/// Changes the first document that matches, as an item of a batch.
pub(crate) fn item(filter: &Document, update: &Document) -> WriteItem {
    WriteItem::update(self::filter(filter), self::update(update))
}

pub(crate) fn index(name: &str, fields: &Document) -> IndexSpec {
    IndexSpec::new(name, fields).unwrap()
}

/// Declares the collection at an edition.
pub(crate) fn spec(edition: u32, indexes: impl IntoIterator<Item = IndexSpec>) -> CollectionSpec {
    indexes.into_iter().fold(
        CollectionSpec::new(THINGS).version(edition),
        CollectionSpec::index,
    )
}

pub(crate) fn ids(documents: &[Document]) -> Vec<Value> {
    documents
        .iter()
        .map(|document| document.id().cloned().unwrap())
        .collect()
}

/// Writes ids as a case expects them.
pub(crate) fn numbers(ids: impl IntoIterator<Item = i64>) -> Vec<Value> {
    ids.into_iter().map(Value::from).collect()
}
