//! What calls take: one value each, so that an option can be added without breaking anyone.

use futures::TryStreamExt;

use super::Documents;
use crate::error::{Error, Result};
use crate::filter::Filter;
use crate::pipeline::Pipeline;
use crate::projection::Projection;
use crate::sort::Sort;
use crate::update::Update as Change;
use crate::value::{Document, Text};

/// Documents to insert.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Insert {
    /// Where.
    pub collection: Text,
    /// What.
    pub documents: Vec<Document>,
}

impl Insert {
    /// Inserts documents into a collection.
    pub fn new(collection: impl Into<Text>, documents: Vec<Document>) -> Self {
        Self {
            collection: collection.into(),
            documents,
        }
    }
}

/// A search.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Find {
    /// Where.
    pub collection: Text,
    /// Which documents.
    pub filter: Filter,
    /// In which order; that of `_id` if empty.
    pub sort: Sort,
    /// Which parts of them; all if none.
    pub projection: Option<Projection>,
    /// How many to pass over first.
    pub skip: u64,
    /// How many at the most; all if none.
    pub limit: Option<u64>,
}

impl Find {
    /// Finds the documents of a collection that match.
    pub fn new(collection: impl Into<Text>, filter: Filter) -> Self {
        Self {
            collection: collection.into(),
            filter,
            sort: Sort::default(),
            projection: None,
            skip: 0,
            limit: None,
        }
    }

    /// Sets the order.
    #[must_use]
    pub fn sort(mut self, sort: Sort) -> Self {
        self.sort = sort;
        self
    }

    /// Sets which parts of the documents are wanted.
    #[must_use]
    pub fn projection(mut self, projection: Projection) -> Self {
        self.projection = Some(projection);
        self
    }

    /// Passes over the first documents.
    #[must_use]
    pub fn skip(mut self, skip: u64) -> Self {
        self.skip = skip;
        self
    }

    /// Sets how many documents are wanted at the most.
    #[must_use]
    pub fn limit(mut self, limit: u64) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Returns how many documents must be found at the most, with those that are passed over.
    pub fn wanted(&self) -> usize {
        let wanted = self
            .limit
            .map_or(u64::MAX, |limit| limit.saturating_add(self.skip));
        usize::try_from(wanted).unwrap_or(usize::MAX)
    }
}

/// A count.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Count {
    /// Where.
    pub collection: Text,
    /// Which documents.
    pub filter: Filter,
}

impl Count {
    /// Counts the documents of a collection that match.
    pub fn new(collection: impl Into<Text>, filter: Filter) -> Self {
        Self {
            collection: collection.into(),
            filter,
        }
    }
}

/// An aggregation.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Aggregate {
    /// Where.
    pub collection: Text,
    /// The stages.
    pub pipeline: Pipeline,
}

impl Aggregate {
    /// Runs a pipeline over a collection.
    pub fn new(collection: impl Into<Text>, pipeline: Pipeline) -> Self {
        Self {
            collection: collection.into(),
            pipeline,
        }
    }

    /// Returns the search for the documents that the pipeline needs.
    pub fn find(&self) -> Find {
        let filter = self.pipeline.leading_match().cloned();
        Find::new(self.collection.clone(), filter.unwrap_or_else(Filter::all))
    }

    /// Runs the pipeline over documents, as long as it wants more of them.
    ///
    /// # Errors
    /// As the documents or a stage.
    pub async fn over(&self, mut found: Documents) -> Result<Vec<Document>> {
        let mut run = self.pipeline.run();
        while let Some(document) = found.try_next().await? {
            if run.push(document)?.is_break() {
                break;
            }
        }
        run.finish()
    }
}

/// A search whose documents are changed as they are found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FindAndUpdate {
    /// Where.
    pub collection: Text,
    /// Which documents: the filters in the order in which they are tried.
    pub filters: Vec<Filter>,
    /// In which order, within each filter.
    pub sort: Sort,
    /// How many at the most, over all filters. A store may give fewer when they are large, one at least: Redis ends once it
    /// has 16 MiB.
    pub limit: usize,
    /// The change.
    pub update: Change,
}

impl FindAndUpdate {
    /// Finds one document that matches and changes it.
    pub fn new(collection: impl Into<Text>, filter: Filter, update: Change) -> Self {
        let collection = collection.into();
        Self {
            collection,
            filters: vec![filter],
            sort: Sort::default(),
            limit: 1,
            update,
        }
    }

    /// Adds a filter that is tried when those before it gave too few.
    #[must_use]
    pub fn or_else(mut self, filter: Filter) -> Self {
        self.filters.push(filter);
        self
    }

    /// Sets the order.
    #[must_use]
    pub fn sort(mut self, sort: Sort) -> Self {
        self.sort = sort;
        self
    }

    /// Sets how many documents are wanted at the most.
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }
}

/// A change of the documents that match.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Update {
    /// Where.
    pub collection: Text,
    /// Which documents.
    pub filter: Filter,
    /// The change.
    pub update: Change,
    /// How many at the most, the first in the order of `_id`; all if none.
    pub limit: Option<u64>,
    /// Whether a document is inserted if none matches.
    pub upsert: bool,
    /// Whether it goes before other writes that wait, where a store has them wait.
    pub urgent: bool,
}

impl Update {
    /// Changes all documents of a collection that match.
    pub fn new(collection: impl Into<Text>, filter: Filter, update: Change) -> Self {
        Self {
            collection: collection.into(),
            filter,
            update,
            limit: None,
            upsert: false,
            urgent: false,
        }
    }

    /// Sets how many documents are changed at the most.
    #[must_use]
    pub fn limit(mut self, limit: u64) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Inserts a document if none matches.
    #[must_use]
    pub fn upsert(mut self) -> Self {
        self.upsert = true;
        self
    }

    /// Lets it go before other writes that wait. For what is small and has a deadline.
    #[must_use]
    pub fn urgent(mut self) -> Self {
        self.urgent = true;
        self
    }

    /// Checks what no store carries out: a replacement of more than one document.
    ///
    /// # Errors
    /// [`ErrorKind::Update`](crate::ErrorKind::Update) if the update replaces and the limit is not 1.
    pub fn check(&self) -> Result<()> {
        if self.update.is_replacement() && self.limit != Some(1) {
            let message =
                "a replacement is for one document: set the limit to 1, or use operators such as $set";
            return Err(Error::update(message));
        }
        Ok(())
    }
}

/// A removal of the documents that match.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Delete {
    /// Where.
    pub collection: Text,
    /// Which documents.
    pub filter: Filter,
    /// How many at the most, the first in the order of `_id`; all if none.
    pub limit: Option<u64>,
}

impl Delete {
    /// Deletes all documents of a collection that match.
    pub fn new(collection: impl Into<Text>, filter: Filter) -> Self {
        Self {
            collection: collection.into(),
            filter,
            limit: None,
        }
    }

    /// Sets how many documents are deleted at the most.
    #[must_use]
    pub fn limit(mut self, limit: u64) -> Self {
        self.limit = Some(limit);
        self
    }
}

/// Many writes to one collection in one trip.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WriteBatch {
    /// Where.
    pub collection: Text,
    /// What, in this order.
    pub items: Vec<WriteItem>,
    /// Whether it goes before other writes that wait, where a store has them wait.
    pub urgent: bool,
    /// Whether it need not wake those who watch.
    pub quiet: bool,
    /// Whether its outcomes are told before it is made durable, where that comes after the commit.
    pub eager: bool,
}

impl WriteBatch {
    /// Makes a batch of writes to a collection.
    pub fn new(collection: impl Into<Text>, items: Vec<WriteItem>) -> Self {
        Self {
            collection: collection.into(),
            items,
            urgent: false,
            quiet: false,
            eager: false,
        }
    }

    /// Lets the batch go before other writes that wait. For what is small and has a deadline.
    #[must_use]
    pub fn urgent(mut self) -> Self {
        self.urgent = true;
        self
    }

    /// Lets those who watch sleep. For what makes no work for any of them: each that wakes asks the store.
    ///
    /// It is a hint: a store that hears of commits without knowing whose they are wakes them all the same.
    #[must_use]
    pub fn quiet(mut self) -> Self {
        self.quiet = true;
        self
    }

    /// Has the outcomes told once the batch is committed and seen by all, and has it made durable right after. For what
    /// has no meaning any more once a power cut has ended all that could see it.
    ///
    /// It is a hint: a store that makes durable as it commits, or that others see from elsewhere, does so all the same.
    #[must_use]
    pub fn eager(mut self) -> Self {
        self.eager = true;
        self
    }
}

impl From<FindAndUpdate> for WriteBatch {
    /// Makes it the one item of a batch.
    fn from(request: FindAndUpdate) -> Self {
        let item = WriteItem::FindAndUpdate {
            filters: request.filters,
            sort: request.sort,
            limit: request.limit,
            update: request.update,
        };
        Self::new(request.collection, vec![item])
    }
}

impl From<Update> for WriteBatch {
    /// Makes it the one item of a batch, which changes one document.
    fn from(request: Update) -> Self {
        let item = WriteItem::Update {
            filter: request.filter,
            update: request.update,
            known: None,
            upsert: request.upsert,
        };
        Self {
            urgent: request.urgent,
            ..Self::new(request.collection, vec![item])
        }
    }
}

/// One write of a batch.
#[derive(Clone, Debug)]
pub enum WriteItem {
    /// Inserts a document.
    Insert(Document),
    /// Changes the first document that matches.
    Update {
        /// Which document, and what must still be true of it.
        filter: Filter,
        /// The change.
        update: Change,
        /// The document as the caller last saw it. If it is still the same, it need not be read to be changed.
        known: Option<Document>,
        /// Whether a document is inserted if none matches.
        upsert: bool,
    },
    /// Deletes the first document that matches.
    Delete(Filter),
    /// Finds documents and changes them.
    FindAndUpdate {
        /// Which documents: the filters in the order in which they are tried.
        filters: Vec<Filter>,
        /// In which order, within each filter.
        sort: Sort,
        /// How many at the most, over all filters.
        limit: usize,
        /// The change.
        update: Change,
    },
}

impl WriteItem {
    /// Changes the first document that matches.
    pub fn update(filter: Filter, update: Change) -> Self {
        Self::Update {
            filter,
            update,
            known: None,
            upsert: false,
        }
    }

    /// Changes a document that the caller has seen before.
    pub fn update_known(known: Document, filter: Filter, update: Change) -> Self {
        Self::Update {
            filter,
            update,
            known: Some(known),
            upsert: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_documents_are_not_replaced_by_one() {
        let replacement = Change::parse(&doc! { "a": 1 }, &[]).unwrap();
        let request = Update::new("c", Filter::all(), replacement);
        assert!(request.check().is_err());
        assert!(request.limit(1).check().is_ok());
    }
}
