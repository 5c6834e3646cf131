//! Counting groups in an index: one look at the first entry of each, and the length of its range.

use std::sync::Arc;

use super::indexed::Inner;
use super::{Engine, ReadTransaction, Towards};
use crate::error::Result;
use crate::filter::Filter;
use crate::key;
use crate::path::Path;
use crate::pipeline::{Pipeline, Run};
use crate::plan::KeyRange;
use crate::plan::groups::{self, GroupScan};
use crate::sort::Direction;
use crate::store::Aggregate;
use crate::value::{Document, Text};

/// How many groups are looked for. With more of them, reading all documents is no slower.
const MAX_GROUPS: usize = 10_000;

/// Answers a pipeline that first counts by fields that lead an index; none if it does something else, or no index
/// has its groups side by side.
pub(super) fn aggregate<E: Engine>(
    inner: &Arc<Inner<E>>,
    request: &Aggregate,
) -> Result<Option<Vec<Document>>> {
    let Some(by) = request.pipeline.counted_by() else {
        return Ok(None);
    };
    let all = Filter::all();
    let filter = request.pipeline.leading_match().unwrap_or(&all);
    loop {
        let catalogue = inner.catalogue(&request.collection)?;
        let Some(scan) = groups::choose(filter, by, &catalogue.views()) else {
            return Ok(None);
        };
        let index = &catalogue.indexes[scan.index];
        let mut answer = None;
        inner.engine.read(&request.collection, &mut |transaction| {
            if transaction.version()? == catalogue.version {
                let tally = Tally {
                    engine: &*inner.engine,
                    index: index.id,
                    fields: &index.spec.fields()[..scan.depth],
                    by,
                };
                answer = Some(tally.count(transaction, &scan, &request.pipeline)?);
            }
            Ok(())
        })?;
        match answer {
            Some(Some(run)) => return run.finish().map(Some),
            Some(None) => return Ok(None),
            None => inner.forget(&request.collection),
        }
    }
}

struct Tally<'a, E: Engine> {
    engine: &'a E,
    index: super::IndexId,
    /// The fields that make a group.
    fields: &'a [(Path, Direction)],
    by: &'a [Text],
}

impl<E: Engine> Tally<'_, E> {
    /// Counts the groups into a run; gives up if they are many, or null and missing would fall into one.
    fn count<'p>(
        &self,
        transaction: &mut dyn ReadTransaction<E::Stored>,
        scan: &GroupScan,
        pipeline: &'p Pipeline,
    ) -> Result<Option<Run<'p>>> {
        let mut run = pipeline.run_matched();
        let mut rest = scan.range.clone();
        for _ in 0..MAX_GROUPS {
            let mut first = Vec::with_capacity(1);
            if !rest.is_empty() {
                transaction.index_page(self.index, &rest, Towards::End, 1, &mut first)?;
            }
            let Some(entry) = first.first() else {
                return Ok(Some(run));
            };
            let stored = transaction.get(entry.id())?;
            let document = match stored.map(|stored| self.engine.decode(&stored)) {
                Some(Ok(document)) if self.has_values(&document) => document,
                Some(Ok(_)) | None => return Ok(None),
                // It cannot be read, and the next one tells as well what the group is.
                Some(Err(_)) => {
                    rest.start = key::joined(&entry.bytes, &[0]);
                    continue;
                }
            };
            let group = KeyRange::of_prefix(&key::sort_key(&document, self.fields)?);
            run.push_counted(&document, transaction.count(Some(self.index), &group)?)?;
            match group.end {
                Some(end) => rest.start = end,
                None => return Ok(Some(run)),
            }
        }
        Ok(None)
    }

    /// Tells whether a document has a value for each field of the key.
    fn has_values(&self, document: &Document) -> bool {
        let has_value = |name: &Text| document.get(name).is_some_and(|value| !value.is_null());
        self.by.iter().all(has_value)
    }
}
