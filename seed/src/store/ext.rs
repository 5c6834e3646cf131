//! Comforts over [`Store`], written once for all of them.

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt};

use super::request::{Find, Insert};
use super::{InsertOutcome, Store};
use crate::error::{Error, ErrorKind, Result};
use crate::filter::Filter;
use crate::value::{Document, Text, Value};

/// What callers often want, made of what every store has.
#[async_trait]
pub trait StoreExt: Store {
    /// Inserts one document.
    ///
    /// # Errors
    /// As [`Store::insert`].
    async fn insert_one(&self, collection: &str, document: Document) -> Result<InsertOutcome> {
        let outcomes = self.insert(Insert::new(collection, vec![document])).await?;
        Ok(outcomes
            .into_iter()
            .next()
            .expect("a store gives one outcome for each document"))
    }

    /// Finds all documents that match and collects them.
    ///
    /// # Errors
    /// As [`Store::find`].
    async fn find_all(&self, request: Find) -> Result<Vec<Document>> {
        self.find(request).await?.try_collect().await
    }

    /// Finds all documents that match and can be read; with them come the faults of those that cannot.
    ///
    /// # Errors
    /// As [`Store::find`].
    async fn find_readable(&self, request: Find) -> Result<(Vec<Document>, Vec<Error>)> {
        let mut found = self.find(request).await?;
        let (mut documents, mut faults) = (Vec::new(), Vec::new());
        while let Some(next) = found.next().await {
            match next {
                Ok(document) => documents.push(document),
                Err(fault) if fault.kind() == ErrorKind::Unreadable => faults.push(fault),
                Err(fault) => return Err(fault),
            }
        }
        Ok((documents, faults))
    }

    /// Finds the first document that matches.
    ///
    /// # Errors
    /// As [`Store::find`].
    async fn find_one(&self, request: Find) -> Result<Option<Document>> {
        self.find(request.limit(1)).await?.try_next().await
    }

    /// Finds a document by its `_id`.
    ///
    /// # Errors
    /// As [`Store::find`].
    async fn get(&self, collection: &str, id: Value) -> Result<Option<Document>> {
        let name: Text = collection.into();
        let filter = Filter::parse(&doc! { "_id": { "$eq": id } })?;
        self.find_one(Find::new(name, filter)).await
    }
}

impl<S: Store + ?Sized> StoreExt for S {}
