//! Updates and deletes of many documents: ids are found by reading, and each step looks again at what it changes.

use std::sync::Arc;

use super::ids::Ids;
use super::indexed::Inner;
use super::indexed::Wakes;
use super::session::Session;
use super::writer::Weight;
use super::writes::{Setting, write};
use super::{Engine, find};
use crate::error::Result;
use crate::filter::Filter;
use crate::key::KeyBytes;
use crate::store::{Delete, Update, UpdateOutcome, WriteOutcome};

/// Updates what matches, in steps unless only one document is wanted.
pub(super) async fn update<E: Engine>(inner: &Arc<Inner<E>>, request: Update) -> Result<UpdateOutcome> {
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

async fn update_step<E: Engine>(
    inner: &Arc<Inner<E>>,
    request: &Update,
    ids: Vec<KeyBytes>,
) -> Result<UpdateOutcome> {
    let setting = Setting {
        inner: Arc::clone(inner),
    };
    let step = Arc::new((request.clone(), ids));
    let weight = Weight::of(step.1.len(), request.urgent);
    let (outcome, fault) = inner
        .write_weighted(&request.collection, weight, Wakes::Watches, |_| {
            let (setting, step) = (setting.clone(), Arc::clone(&step));
            Ok(move |session: &mut Session<'_, E::Stored>| {
                let (request, ids) = &*step;
                let mut total = UpdateOutcome::default();
                for id in ids {
                    let Some(found) = setting.look_up(session, id, &request.filter)? else {
                        continue;
                    };
                    match setting.update_found(session, found, &request.filter, &request.update) {
                        Ok((_, modified)) => {
                            total.matched += 1;
                            total.modified += u64::from(modified);
                        }
                        Err(fault) if fault.kind().is_of_store() => return Err(fault),
                        // The documents before this one stay changed, so the step itself must not be undone.
                        Err(fault) => return Ok((total, Some(fault))),
                    }
                }
                Ok((total, None))
            })
        })
        .await?;
    fault.map_or(Ok(outcome), Err)
}

/// Deletes what matches, in steps.
pub(super) async fn delete<E: Engine>(inner: &Arc<Inner<E>>, request: Delete) -> Result<u64> {
    let setting = Setting {
        inner: Arc::clone(inner),
    };
    let mut ids = ids(inner, &request.collection, &request.filter, request.limit)?;
    let mut deleted = 0;
    while let Some(step) = ids.next(deleted).await? {
        let step = Arc::new((request.filter.clone(), step));
        deleted += inner
            .write(&request.collection, step.1.len(), |_| {
                let (setting, step) = (setting.clone(), Arc::clone(&step));
                Ok(move |session: &mut Session<'_, E::Stored>| {
                    let mut deleted = 0;
                    for id in &step.1 {
                        if let Some(found) = setting.look_up(session, id, &step.0)? {
                            setting.delete_found(session, found)?;
                            deleted += 1;
                        }
                    }
                    Ok(deleted)
                })
            })
            .await?;
    }
    Ok(deleted)
}

fn ids<E: Engine>(
    inner: &Arc<Inner<E>>,
    collection: &str,
    filter: &Filter,
    limit: Option<u64>,
) -> Result<Ids> {
    Ids::find(collection, filter, limit, |request| {
        find::find(Arc::clone(inner), request)
    })
}
