//! What updates and deletes of many documents begin with: the ids of those that matched when they were read.

use futures::StreamExt;

use crate::error::{Error, ErrorKind, Result};
use crate::filter::Filter;
use crate::key::{self, KeyBytes};
use crate::projection::Projection;
use crate::store::{Documents, Find};
use crate::value::Value;

/// How many documents a step takes on.
const STEP: usize = 500;

/// The ids of documents that matched when they were read, in steps.
pub struct Ids {
    found: Documents,
    limit: Option<u64>,
    /// What was passed over because it cannot be read, the first of it.
    unreadable: Option<Error>,
}

impl std::fmt::Debug for Ids {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ids")
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl Ids {
    /// Looks for up to `limit` documents by a store's find.
    ///
    /// # Errors
    /// As the find.
    pub fn find(
        collection: &str,
        filter: &Filter,
        limit: Option<u64>,
        find: impl FnOnce(Find) -> Result<Documents>,
    ) -> Result<Self> {
        let only_id = Projection::parse(&doc! { "_id": 1 })?;
        let request = Find::new(collection, filter.clone()).projection(only_id);
        Ok(Self {
            found: find(request)?,
            limit,
            unreadable: None,
        })
    }

    /// Returns the ids of the next step, when so many documents were dealt with; none if there are no more.
    ///
    /// # Errors
    /// As the find; what cannot be read is told of when all others were dealt with.
    pub async fn next(&mut self, done: u64) -> Result<Option<Vec<KeyBytes>>> {
        let left = self.limit.map_or(u64::MAX, |limit| limit.saturating_sub(done));
        let size = usize::try_from(left).unwrap_or(usize::MAX).min(STEP);
        let mut ids = Vec::with_capacity(size);
        while ids.len() < size {
            let document = match self.found.next().await {
                Some(Ok(document)) => document,
                Some(Err(fault)) if fault.kind() == ErrorKind::Unreadable => {
                    self.unreadable.get_or_insert(fault);
                    continue;
                }
                Some(Err(fault)) => return Err(fault),
                None => break,
            };
            ids.push(key::id_key(document.id().unwrap_or(&Value::Null))?);
        }
        match self.unreadable.take_if(|_| ids.is_empty() && size > 0) {
            Some(fault) => Err(fault),
            None => Ok((!ids.is_empty()).then_some(ids)),
        }
    }
}
