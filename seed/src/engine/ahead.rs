//! Claims worked out ahead: what one most likely takes is found by a reader, decoded, changed and encoded on the caller's
//! thread. The write, for which others wait, only has to see that each document is still the same and to replace it.
//!
//! Claims of one process that look at the same time would all find the same, and all but one would have worked for
//! nothing; so each reserves what it found until its write is done, and the others look further on. That is no lock:
//! whether a document is taken is decided by the write alone.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::catalogue::Catalogue;
use super::change::Change;
use super::claims::the_id;
use super::cursor::{Cursor, Found};
use super::session::{Applied, Session};
use super::writes::Setting;
use super::{Engine, IndexId};
use crate::error::Result;
use crate::filter::Filter;
use crate::plan::{Access, Order, Plan};
use crate::sort::Sort;
use crate::store::{WriteBatch, WriteItem};
use crate::update::Update;
use crate::value::{Document, Text};

/// How many entries are looked at before the search is left to the write.
const MAX_LOOKED_AT: u64 = 2_000;

/// After so many documents that someone else has changed, and none taken, the others are not tried.
const MAX_MISSES: usize = 3;

/// What a reader found of a claim.
pub(super) enum Look<S> {
    /// Nothing matches.
    Nothing,
    /// These will most likely be taken.
    Candidates(Arc<Ahead<S>>),
    /// It must be found out by the write.
    Unknown,
}

/// The documents that a claim will most likely take, as they will be then.
pub(super) struct Ahead<S> {
    catalogue: Arc<Catalogue>,
    /// The indexes in which they were found.
    indexes: Vec<IndexId>,
    changes: Vec<(Document, Change<S>)>,
    _reserved: Reserved,
}

impl<S: Clone + PartialEq> Ahead<S> {
    /// Tells whether it was worked out for these indexes.
    pub(super) fn is_of(&self, catalogue: &Arc<Catalogue>) -> bool {
        Arc::ptr_eq(&self.catalogue, catalogue)
    }

    /// Tells whether a change that is carried out before may bring more documents into the claim.
    pub(super) fn may_miss(&self, change: &Change<S>) -> bool {
        change
            .added
            .iter()
            .any(|added| self.indexes.contains(&added.index))
    }

    /// Takes what is still as it was found; none if the write has to look for itself.
    pub(super) fn take(&self, session: &mut Session<'_, S>) -> Result<Option<Vec<Document>>> {
        let mut taken: Vec<(&Document, &Change<S>)> = Vec::with_capacity(self.changes.len());
        let mut misses = 0;
        for (document, change) in &self.changes {
            match session.apply_if_known(change)? {
                Applied::Done => taken.push((document, change)),
                Applied::Changed => misses += 1,
                Applied::Refused => {
                    let mut undone = taken.iter().rev();
                    undone.try_for_each(|(_, change)| session.revert(change))?;
                    return Ok(None);
                }
            }
            if taken.is_empty() && misses >= MAX_MISSES {
                break;
            }
        }
        let documents = || taken.iter().map(|(document, _)| (*document).clone()).collect();
        Ok((!taken.is_empty()).then(documents))
    }
}

/// Looks for what the claims of a batch will take; none for each item that is no claim.
pub(super) fn look<E: Engine>(
    setting: &Setting<E>,
    batch: &WriteBatch,
) -> Result<Vec<Option<Look<E::Stored>>>> {
    let look = |item: &WriteItem| match item {
        WriteItem::FindAndUpdate {
            filters,
            sort,
            limit,
            update,
        } if setting.inner.is_grouped() => {
            let claim = Claim {
                setting,
                collection: &batch.collection,
                filters,
                sort,
                limit: *limit,
                update,
            };
            claim.look().map(Some)
        }
        WriteItem::FindAndUpdate { .. } => Ok(Some(Look::Unknown)),
        _ => Ok(None),
    };
    batch.items.iter().map(look).collect()
}

struct Claim<'a, E: Engine> {
    setting: &'a Setting<E>,
    collection: &'a Text,
    filters: &'a [Filter],
    sort: &'a Sort,
    limit: usize,
    update: &'a Update,
}

/// What was found, each with the filter that took it.
type Findings<'a, S> = Vec<(Found<S>, &'a Filter)>;

impl<'a, E: Engine> Claim<'a, E> {
    fn look(&self) -> Result<Look<E::Stored>> {
        let inner = &self.setting.inner;
        let catalogue = inner.catalogue(self.collection)?;
        let Some(plans) = self.plans(&catalogue) else {
            return Ok(Look::Unknown);
        };
        // What was reserved when the look began may be taken, and free again, before it ends.
        let passed_over = inner.reservations.of(self.collection);
        let Some(found) = self.find(&plans, &catalogue, &passed_over)? else {
            return Ok(Look::Unknown);
        };
        if found.is_empty() {
            return Ok(if passed_over.is_empty() {
                Look::Nothing
            } else {
                Look::Unknown
            });
        }
        let ids = found
            .iter()
            .map(|(found, _)| found.id.as_slice().into())
            .collect();
        let reserved = inner.reservations.reserve(self.collection, ids);
        let mut changes = Vec::with_capacity(found.len());
        for (found, filter) in found {
            if !reserved.ids.contains(found.id.as_slice()) {
                continue;
            }
            match self.setting.work_out(&catalogue, found, filter, self.update) {
                Ok((document, Some(change))) => changes.push((document, change)),
                // The write knows what to do about a change that is none, or is refused.
                _ => return Ok(Look::Unknown),
            }
        }
        if changes.is_empty() {
            return Ok(Look::Unknown);
        }
        let index = |(_, at): &(Plan, usize)| catalogue.indexes[*at].id;
        Ok(Look::Candidates(Arc::new(Ahead {
            indexes: plans.iter().map(index).collect(),
            catalogue,
            changes,
            _reserved: reserved,
        })))
    }

    /// Plans a walk along one index for each filter, if it is as simple as that.
    fn plans(&self, catalogue: &Catalogue) -> Option<Vec<(Plan, usize)>> {
        let plan = |filter: &Filter| {
            let plan = Plan::choose(filter, self.sort.fields(), &catalogue.views());
            match plan.scans() {
                [scan] if plan.order() != Order::Sorted && the_id(filter).is_none() => match scan.access {
                    Access::Index(at) => Some((plan, at)),
                    Access::Primary => None,
                },
                _ => None,
            }
        };
        self.filters.iter().map(plan).collect()
    }

    /// Finds what matches, in the order of the claim; none if that takes long or the indexes are others by now.
    fn find(
        &self,
        plans: &[(Plan, usize)],
        catalogue: &Arc<Catalogue>,
        passed_over: &HashSet<Arc<[u8]>>,
    ) -> Result<Option<Findings<'a, E::Stored>>> {
        let inner = &self.setting.inner;
        let mut all: Findings<'a, E::Stored> = Vec::new();
        let mut is_complete = false;
        inner.engine.read(self.collection, &mut |transaction| {
            if transaction.version()? != catalogue.version {
                return Ok(());
            }
            let mut looked_at = 0;
            for (filter, (plan, _)) in self.filters.iter().zip(plans) {
                let mut cursor = Cursor::new(plan, catalogue).passing_over(passed_over);
                while all.len() < self.limit && !cursor.is_done() {
                    if looked_at + cursor.looked_at > MAX_LOOKED_AT {
                        return Ok(());
                    }
                    let page = self.limit - all.len() + passed_over.len();
                    let mut found = Vec::new();
                    cursor.next_page(&*inner.engine, transaction, catalogue, filter, page, &mut found)?;
                    found.retain(|found| !all.iter().any(|(earlier, _)| earlier.id == found.id));
                    all.extend(found.into_iter().map(|found| (found, filter)));
                }
                looked_at += cursor.looked_at;
            }
            is_complete = true;
            Ok(())
        })?;
        all.truncate(self.limit);
        Ok(is_complete.then_some(all))
    }
}

/// The collections and ids of reserved documents.
type Ids = Mutex<HashSet<(Text, Arc<[u8]>)>>;

/// The documents that claims of this process are about to take.
#[derive(Debug, Default)]
pub(super) struct Reservations(Arc<Ids>);

/// Documents reserved until this is dropped.
struct Reserved {
    all: Arc<Ids>,
    collection: Text,
    ids: HashSet<Arc<[u8]>>,
}

impl Reservations {
    fn of(&self, collection: &Text) -> HashSet<Arc<[u8]>> {
        let all = lock(&self.0);
        let of_collection = all.iter().filter(|(other, _)| other == collection);
        of_collection.map(|(_, id)| Arc::clone(id)).collect()
    }

    /// Reserves what is not reserved by someone else.
    fn reserve(&self, collection: &Text, ids: Vec<Arc<[u8]>>) -> Reserved {
        let mut all = lock(&self.0);
        let new = ids
            .into_iter()
            .filter(|id| all.insert((collection.clone(), Arc::clone(id))));
        Reserved {
            ids: new.collect(),
            all: Arc::clone(&self.0),
            collection: collection.clone(),
        }
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        let mut all = lock(&self.all);
        for id in self.ids.drain() {
            all.remove(&(self.collection.clone(), id));
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
