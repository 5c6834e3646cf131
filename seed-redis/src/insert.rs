//! Inserting documents: all that go together in one call of the script.

use seed::store::{Insert, InsertOutcome};
use seed::value::{Document, Value};
use seed::{Error, Result};

use crate::change::{self, Change};
use crate::collection::Collection;
use crate::commit::{Committed, MOST_BYTES, MOST_ITEMS};
use crate::store::Inner;
use crate::writes::{MAX_TRIES, UniqueKeys, contended};

/// Inserts documents, each on its own, and says what became of each.
pub(crate) async fn insert(inner: &Inner, request: Insert) -> Result<Vec<InsertOutcome>> {
    let documents: Vec<Document> = request
        .documents
        .into_iter()
        .map(|document| inner.with_id(document))
        .collect();
    let mut outcomes: Vec<Option<InsertOutcome>> = vec![None; documents.len()];
    for _ in 0..MAX_TRIES {
        if outcomes.iter().all(Option::is_some) {
            return Ok(outcomes.into_iter().flatten().collect());
        }
        let collection = inner.existing(&request.collection).await?;
        let version = inner.next_version();
        let left: Vec<usize> = (0..documents.len())
            .filter(|at| outcomes[*at].is_none())
            .collect();
        // All are worked out before the first is sent, so that one that is refused leaves none behind.
        let changes: Vec<Change> = left
            .iter()
            .map(|at| change::insertion(&collection, &version, &documents[*at]))
            .collect::<Result<_>>()?;
        if inner.mark_first_arrays(&collection, changes.iter()).await? {
            continue;
        }
        let mut sent = 0;
        while sent < changes.len() {
            let count = together(&collection, &changes[sent..])?;
            let these = sent..sent + count;
            let ids = left[these.clone()].iter().map(|at| (*at, documents[*at].id()));
            if !send(inner, &collection, &changes[these.clone()], ids, &mut outcomes).await? {
                break;
            }
            sent += count;
        }
    }
    Err(contended())
}

/// Returns how many of the next changes go in one call: without two of one id, or of one key in a unique index.
fn together(collection: &Collection, changes: &[Change]) -> Result<usize> {
    let mut ids = std::collections::HashSet::with_capacity(changes.len().min(MOST_ITEMS));
    let (mut unique, mut bytes) = (UniqueKeys::default(), 0);
    for (at, change) in changes.iter().enumerate() {
        bytes += change.bytes();
        let fits = at < MOST_ITEMS && bytes <= MOST_BYTES && ids.insert(&change.id);
        if at > 0 && !fits || !unique.are_new(collection, change)? {
            return Ok(at);
        }
    }
    Ok(changes.len())
}

/// Sends changes, and again without those that cannot be; says false if the catalogue is another.
async fn send(
    inner: &Inner,
    collection: &Collection,
    changes: &[Change],
    ids: impl Iterator<Item = (usize, Option<&Value>)>,
    outcomes: &mut [Option<InsertOutcome>],
) -> Result<bool> {
    let mut open: Vec<(usize, Option<&Value>, &Change)> = ids
        .zip(changes)
        .map(|((at, id), change)| (at, id, change))
        .collect();
    while !open.is_empty() {
        let these: Vec<&Change> = open.iter().map(|(_, _, change)| *change).collect();
        match inner.commit(collection, &these, &[], true).await? {
            Committed::Stale => return Ok(false),
            Committed::Done(_) => {
                for (at, id, _) in open {
                    outcomes[at] = Some(InsertOutcome::Inserted(id.cloned().unwrap_or_default()));
                }
                return Ok(true);
            }
            Committed::Refused(refused) => {
                for (position, index) in refused.broken {
                    let name = collection.layout.indexes[index].spec.name();
                    outcomes[open[position].0].get_or_insert_with(|| InsertOutcome::Duplicate(name.into()));
                }
                for position in refused.there {
                    outcomes[open[position].0] = Some(InsertOutcome::Duplicate("_id".into()));
                }
                let before = open.len();
                open.retain(|(at, _, _)| outcomes[*at].is_none());
                if open.len() == before {
                    return Err::<bool, Error>(inner.unexpected());
                }
            }
        }
    }
    Ok(true)
}
