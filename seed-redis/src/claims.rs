//! Claims that the script leaves to the client: documents are found by reading, and each is changed if it is still the
//! one that was read.

use std::collections::{HashSet, VecDeque};

use seed::key::KeyBytes;
use seed::store::WriteOutcome;
use seed::value::{Document, Text};
use seed::{Filter, Result, Sort, Update};

use crate::change::Change;
use crate::collection::Collection;
use crate::commit::{Committed, MOST_BYTES, MOST_ITEMS};
use crate::error::duplicate;
use crate::packed::Version;
use crate::prepare::{Replaced, replace};
use crate::search::FoundDocument;
use crate::seen::Seen;
use crate::store::Inner;
use crate::writes::{MAX_TRIES, contended};

/// How many more documents are read once others were first, to take the places of those that are lost.
const SPARE: usize = 16;

/// Carries a claim out; fails only where the store does.
pub(crate) async fn carry_out(
    inner: &Inner,
    name: &Text,
    request: (&[Filter], &Sort, usize),
    update: &Update,
) -> Result<WriteOutcome> {
    for tries in 0..MAX_TRIES {
        let spare = if tries == 0 { 0 } else { SPARE };
        match attempt(inner, name, request, update, spare).await {
            Ok(Some(documents)) => return Ok(WriteOutcome::Found(documents)),
            Ok(None) => {}
            Err(fault) if fault.kind().is_of_store() => return Err(fault),
            Err(fault) => return Ok(WriteOutcome::Failed(fault)),
        }
    }
    Err(contended())
}

/// A document that is to be changed, or stays as it is.
struct Changed {
    change: Option<Change>,
    document: Document,
}

/// Finds and changes; none if all that was found was changed by others first.
async fn attempt(
    inner: &Inner,
    name: &Text,
    (filters, sort, limit): (&[Filter], &Sort, usize),
    update: &Update,
    spare: usize,
) -> Result<Option<Vec<Document>>> {
    let limit = limit.min(MOST_ITEMS);
    let wanted_in_all = if limit == 0 { 0 } else { limit + spare };
    let collection = inner.collection(name).await?;
    let mut taken: HashSet<KeyBytes> = HashSet::new();
    let mut found: Vec<(FoundDocument, &Filter)> = Vec::new();
    for filter in filters {
        let wanted = wanted_in_all - found.len();
        if wanted == 0 {
            break;
        }
        let Some(more) = inner.collect(&collection, (filter, sort), wanted, &taken).await? else {
            inner.forget(name);
            return Ok(None);
        };
        taken.extend(more.iter().map(|found| found.id.clone()));
        found.extend(more.into_iter().map(|found| (found, filter)));
    }
    let version = inner.next_version();
    let mut changed = Vec::with_capacity(found.len());
    let mut bytes = 0;
    let mut found = found.into_iter();
    for (found, filter) in found.by_ref().take(limit) {
        let one = change_found(inner, &collection, &version, found, filter, update)?;
        bytes += one.change.as_ref().map_or(0, Change::bytes);
        // Fewer than were asked for may be returned.
        if !changed.is_empty() && bytes > MOST_BYTES {
            break;
        }
        changed.push(one);
    }
    let changes = changed.iter().filter_map(|changed| changed.change.as_ref());
    if inner.mark_first_arrays(&collection, changes).await? {
        return Ok(None);
    }
    check_unique(&collection, &changed)?;
    // An update that fails on one that is not needed is no failure.
    let spare = found
        .filter_map(|(found, filter)| change_found(inner, &collection, &version, found, filter, update).ok())
        .filter(|one| {
            one.change
                .as_ref()
                .is_some_and(|change| change.multikey.is_empty())
        })
        .collect();
    commit(inner, &collection, &version, changed, spare).await
}

fn change_found(
    inner: &Inner,
    collection: &Collection,
    version: &Version,
    found: FoundDocument,
    filter: &Filter,
    update: &Update,
) -> Result<Changed> {
    let (id, seen) = Seen::of(found);
    Ok(
        match replace(inner, collection, version, (filter, update), (&id, &seen))? {
            Replaced::By(change, document) => Changed {
                change: Some(change),
                document,
            },
            Replaced::Unchanged | Replaced::Unmatched => Changed {
                change: None,
                document: seen.document,
            },
        },
    )
}

/// Refuses to give two documents one key in a unique index.
fn check_unique(collection: &Collection, changed: &[Changed]) -> Result<()> {
    let mut keys = HashSet::new();
    for change in changed.iter().filter_map(|changed| changed.change.as_ref()) {
        for key in change.unique_keys(collection) {
            let (index, key) = key?;
            if !keys.insert((index, key)) {
                return Err(duplicate(collection.layout.indexes[index].spec.name()));
            }
        }
    }
    Ok(())
}

/// Carries the changes out; spare ones take the places of those of documents that others changed first.
async fn commit(
    inner: &Inner,
    collection: &Collection,
    version: &Version,
    mut changed: Vec<Changed>,
    mut spare: VecDeque<Changed>,
) -> Result<Option<Vec<Document>>> {
    let was_found = !changed.is_empty();
    loop {
        let with_change: Vec<usize> = (0..changed.len())
            .filter(|at| changed[*at].change.is_some())
            .collect();
        let changes: Vec<&Change> = changed.iter().filter_map(|one| one.change.as_ref()).collect();
        if changes.is_empty() {
            let documents: Vec<_> = changed.into_iter().map(|one| one.document).collect();
            return Ok((!documents.is_empty() || !was_found).then_some(documents));
        }
        match inner.commit(collection, &changes, &[], true).await? {
            Committed::Stale => return Ok(None),
            Committed::Refused(refused) => {
                if let Some((_, index)) = refused
                    .broken
                    .iter()
                    .find(|(at, _)| !refused.changed.contains(at))
                {
                    return Err(duplicate(collection.layout.indexes[*index].spec.name()));
                }
                let lost: HashSet<usize> = refused.changed.iter().map(|at| with_change[*at]).collect();
                let mut at = 0;
                changed.retain(|_| {
                    at += 1;
                    !lost.contains(&(at - 1))
                });
                let filled = spare.len().min(lost.len());
                changed.extend(spare.drain(..filled));
                check_unique(collection, &changed)?;
            }
            Committed::Done(_) => {
                for Changed { change, document } in &changed {
                    if let Some(Change {
                        id,
                        packed: Some(packed),
                        ..
                    }) = change
                    {
                        let seen = Seen {
                            version: *version,
                            document: document.clone(),
                        };
                        inner.seen.keep(&collection.name, id, packed.len(), seen);
                    }
                }
                return Ok(Some(changed.into_iter().map(|one| one.document).collect()));
            }
        }
    }
}
