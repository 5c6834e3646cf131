//! Updates and deletes of many documents: ids are found by reading, and each step looks again at what it changes.

use std::sync::Arc;

use seed::engine::ids::Ids;
use seed::key::KeyBytes;
use seed::store::{Delete, Update, UpdateOutcome, WriteOutcome};
use seed::{Filter, Result};

use crate::change::{self, Change};
use crate::collection::Collection;
use crate::commit::{Committed, MOST_BYTES};
use crate::error::duplicate;
use crate::find::find;
use crate::prepare::{Replaced, replace};
use crate::seen::Seen;
use crate::store::Inner;
use crate::writes::{MAX_TRIES, UniqueKeys, contended, write};

/// Updates what matches, in steps unless only one document is wanted.
pub(crate) async fn update(inner: &Arc<Inner>, request: Update) -> Result<UpdateOutcome> {
    request.check()?;
    let mut total = UpdateOutcome::default();
    let is_single = request.limit == Some(1);
    if !is_single {
        let mut ids = ids(inner, &request.collection, &request.filter, request.limit)?;
        while let Some(step) = ids.next(total.matched).await? {
            let outcome = update_step(inner, &request, step).await?;
            total.matched += outcome.matched;
            total.modified += outcome.modified;
        }
    }
    if is_single || (request.upsert && total.matched == 0) {
        let outcomes = write(inner, request.into()).await?;
        return outcomes
            .into_iter()
            .next()
            .map_or(Ok(total), WriteOutcome::updated);
    }
    Ok(total)
}

async fn update_step(inner: &Inner, request: &Update, ids: Vec<KeyBytes>) -> Result<UpdateOutcome> {
    let version = inner.next_version();
    let mut total = UpdateOutcome::default();
    let mut fault = None;
    let work = |collection: &Collection, id: &KeyBytes, seen: &Seen| {
        Ok(
            match replace(
                inner,
                collection,
                &version,
                (&request.filter, &request.update),
                (id, seen),
            )? {
                Replaced::Unmatched => Worked::Nothing,
                Replaced::Unchanged => Worked::Matched,
                Replaced::By(change, _) => Worked::Change(change),
            },
        )
    };
    let mut count = |matched: u64, modified: u64| {
        total.matched += matched;
        total.modified += modified;
    };
    carry_out(inner, &request.collection, ids, work, &mut count, &mut fault).await?;
    fault.map_or(Ok(total), Err)
}

/// Deletes what matches, in steps.
pub(crate) async fn delete(inner: &Arc<Inner>, request: Delete) -> Result<u64> {
    let mut ids = ids(inner, &request.collection, &request.filter, request.limit)?;
    let mut deleted = 0;
    while let Some(step) = ids.next(deleted).await? {
        let work = |collection: &Collection, id: &KeyBytes, seen: &Seen| {
            Ok(match request.filter.matches(&seen.document)? {
                false => Worked::Nothing,
                true => Worked::Change(change::removal(
                    collection,
                    id.clone(),
                    (&seen.version, &seen.document),
                )?),
            })
        };
        let mut fault = None;
        let mut count = |_, modified: u64| deleted += modified;
        carry_out(inner, &request.collection, step, work, &mut count, &mut fault).await?;
        if let Some(fault) = fault {
            return Err(fault);
        }
    }
    Ok(deleted)
}

/// What becomes of one document of a step.
enum Worked {
    Nothing,
    /// It matches, and stays as it is.
    Matched,
    Change(Change),
}

/// Reads the documents of a step, works each out and carries out what came of it; what others changed meanwhile is read
/// again. Ends at the first document that cannot be changed, with those before it done and the fault told.
async fn carry_out(
    inner: &Inner,
    name: &str,
    ids: Vec<KeyBytes>,
    work: impl Fn(&Collection, &KeyBytes, &Seen) -> Result<Worked>,
    count: &mut (impl FnMut(u64, u64) + Send),
    fault: &mut Option<seed::Error>,
) -> Result<()> {
    let mut left = ids;
    let mut tries = 0;
    while !left.is_empty() && fault.is_none() {
        let collection = inner.collection(name).await?;
        let read = inner.read(&collection, &left).await?;
        let (mut changes, mut matched, mut taken) = (Vec::new(), 0, 0);
        let (mut unique, mut bytes) = (UniqueKeys::default(), 0);
        let mut stop = None;
        for (id, seen) in left.iter().zip(&read) {
            let worked = match seen {
                Some(Ok(seen)) => work(&collection, id, seen),
                Some(Err(fault)) => Err(fault.clone()),
                None => Ok(Worked::Nothing),
            };
            match worked {
                Ok(Worked::Nothing) => {}
                Ok(Worked::Matched) => matched += 1,
                Ok(Worked::Change(change)) => {
                    bytes += change.bytes();
                    let is_new = unique.are_new(&collection, &change)?;
                    if !changes.is_empty() && (!is_new || bytes > MOST_BYTES) {
                        break;
                    }
                    changes.push(change);
                }
                Err(fault) => {
                    stop = Some(fault);
                    break;
                }
            }
            taken += 1;
        }
        match commit_step(inner, &collection, &changes).await? {
            StepDone::All => {
                count(matched + changes.len() as u64, changes.len() as u64);
                left.drain(..taken);
                *fault = stop;
                tries = 0;
            }
            StepDone::Before(at, index) => {
                // Those before it are changed; none of them has the key, or it would have come first.
                let before = &changes[..at];
                if let StepDone::All = commit_step(inner, &collection, before).await? {
                    count(before.len() as u64, before.len() as u64);
                    *fault = Some(duplicate(&index));
                }
                tries += 1;
            }
            StepDone::Again => tries += 1,
        }
        if tries > MAX_TRIES {
            return Err(contended());
        }
    }
    Ok(())
}

enum StepDone {
    All,
    /// The change at this position would break this unique index, and none was carried out.
    Before(usize, seed::value::Text),
    /// Something changed meanwhile, and none was carried out.
    Again,
}

async fn commit_step(inner: &Inner, collection: &Collection, changes: &[Change]) -> Result<StepDone> {
    if inner.mark_first_arrays(collection, changes.iter()).await? {
        return Ok(StepDone::Again);
    }
    if changes.is_empty() {
        return Ok(StepDone::All);
    }
    let all: Vec<&Change> = changes.iter().collect();
    Ok(match inner.commit(collection, &all, &[], true).await? {
        Committed::Done(_) => {
            for change in changes {
                inner.seen.forget(&collection.name, &change.id);
            }
            StepDone::All
        }
        Committed::Stale => StepDone::Again,
        Committed::Refused(refused) if !refused.changed.is_empty() => StepDone::Again,
        Committed::Refused(refused) => match refused.broken.iter().min() {
            Some((at, index)) => {
                let name = collection.layout.indexes[*index].spec.name();
                StepDone::Before(*at, name.into())
            }
            None => StepDone::Again,
        },
    })
}

fn ids(inner: &Arc<Inner>, collection: &str, filter: &Filter, limit: Option<u64>) -> Result<Ids> {
    Ids::find(collection, filter, limit, |request| {
        find(Arc::clone(inner), request)
    })
}
