//! Going on after the server was emptied (`FLUSHALL`, or a start without its data): what was declared is declared again.
//!
//! A mark tells this from a collection that was dropped: it lies beside the collections, with a value that is never
//! given again.

use std::sync::PoisonError;

use bytes::Bytes;
use fred::types::{Resp3Frame, Value};
use futures::future::BoxFuture;
use seed::Result;
use seed::plan::CollectionSpec;

use crate::collection::Collection;
use crate::ensure;
use crate::store::Inner;

impl Inner {
    /// Reads the mark, leaving one if there is none.
    pub(crate) async fn mark(&self) -> Result<Bytes> {
        let key = Bytes::from(format!("{}:store", self.options.prefix));
        let words = |words: &[&Bytes]| words.iter().map(|word| Value::Bytes((*word).clone())).collect();
        let slot = Some(fred::util::redis_keyslot(&key));
        let (nx, new) = (Bytes::from_static(b"NX"), Bytes::from(self.new_id().to_string()));
        self.link.call("SET", slot, words(&[&key, &new, &nx])).await?;
        match self.link.call("GET", slot, words(&[&key])).await? {
            Resp3Frame::BlobString { data, .. } => Ok(data),
            _ => Ok(Bytes::new()),
        }
    }

    /// Remembers the mark as it is now.
    pub(crate) async fn remember_mark(&self) -> Result<()> {
        let mark = self.mark().await?;
        *self.marked.lock().unwrap_or_else(PoisonError::into_inner) = Some(mark);
        Ok(())
    }

    /// Declares again what was declared through this handle, if a collection lacks it because the server was emptied.
    ///
    /// Boxed, since declaring looks collections up as well.
    pub(crate) fn restore<'a>(&'a self, collection: &'a Collection) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            let Some(declared) = self.lacking(collection) else {
                return Ok(false);
            };
            let mark = self.mark().await?;
            if self.is_marked(&mark) {
                return Ok(false);
            }
            for spec in &declared {
                ensure::ensure(self, spec).await?;
            }
            *self.marked.lock().unwrap_or_else(PoisonError::into_inner) = Some(mark);
            Ok(true)
        })
    }

    /// Returns all that was declared, if this collection has nothing of it.
    fn lacking(&self, collection: &Collection) -> Option<Vec<CollectionSpec>> {
        let declared = self.declared.lock().unwrap_or_else(PoisonError::into_inner);
        let is_lacking = collection.catalogue.spec_version == 0 && declared.contains_key(&collection.name);
        is_lacking.then(|| declared.values().cloned().collect())
    }

    fn is_marked(&self, mark: &Bytes) -> bool {
        let marked = self.marked.lock().unwrap_or_else(PoisonError::into_inner);
        marked.as_ref() == Some(mark)
    }
}
