//! Batches of writes: carried out in their order, as many items as go together in one call.
//!
//! An item that changes one document is worked out here, from the document as it was last seen, and goes through only
//! if it is still the same; else it is read and worked out anew. A claim that the script can carry out travels behind
//! the changes before it.

use std::collections::HashSet;

use seed::key::{self, KeyBytes};
use seed::store::{InsertOutcome, UpdateOutcome, WriteBatch, WriteItem, WriteOutcome};
use seed::update::Context;
use seed::value::{Document, Text};
use seed::{Error, ErrorKind, Result};

use crate::change::{self, Change};
use crate::claim;
use crate::collection::Collection;
use crate::commit::{Claimed, Committed, MOST_BYTES, MOST_ITEMS, Refused};
use crate::error::duplicate;
use crate::instructions::Instructions;
use crate::packed::{Version, unpack};
use crate::prepare::{Prepared, prepare};
use crate::seen::Seen;
use crate::store::Inner;

/// How often a call is worked out anew because something changed under it, before it gives up.
pub(crate) const MAX_TRIES: usize = 1_000;

/// After so many tries in vain, items go one by one.
const TRIES_TOGETHER: usize = 3;

/// Carries a batch out.
pub(crate) async fn write(inner: &Inner, batch: WriteBatch) -> Result<Vec<WriteOutcome>> {
    let mut writing = Writing::new(inner, batch);
    let mut tries = 0;
    while let Some(first) = writing.outcomes.iter().position(Option::is_none) {
        let most = if tries < TRIES_TOGETHER { MOST_ITEMS } else { 1 };
        let left = writing.left();
        writing.step(first, most).await?;
        tries = if writing.left() < left { 0 } else { tries + 1 };
        if tries > MAX_TRIES {
            return Err(contended());
        }
    }
    Ok(writing.outcomes.into_iter().flatten().collect())
}

/// The error of a call that others got in the way of all the time.
pub(crate) fn contended() -> Error {
    Error::new(
        ErrorKind::Stale,
        "the documents or the indexes of the collection change all the time: try again later",
    )
}

/// A batch on its way.
struct Writing<'a> {
    inner: &'a Inner,
    collection: Text,
    items: Vec<WriteItem>,
    outcomes: Vec<Option<WriteOutcome>>,
    wakes: bool,
    /// Upserts, by their positions, whose id was there when they came to be inserted.
    refused_upserts: HashSet<usize>,
}

/// Items that go in one call.
#[derive(Default)]
struct Run {
    /// Items that change one document, by their positions, with the document as it was seen.
    targets: Vec<Target>,
    claims: Vec<(usize, Instructions)>,
}

struct Target {
    at: usize,
    id: KeyBytes,
    seen: Option<Seen>,
    /// Whether `seen` was read just now, so that a document that is not there is none.
    is_fresh: bool,
}

impl<'a> Writing<'a> {
    fn new(inner: &'a Inner, batch: WriteBatch) -> Self {
        let items: Vec<_> = batch
            .items
            .into_iter()
            .map(|item| match item {
                WriteItem::Insert(document) => WriteItem::Insert(inner.with_id(document)),
                other => other,
            })
            .collect();
        Self {
            inner,
            collection: batch.collection,
            outcomes: vec![None; items.len()],
            wakes: !batch.quiet,
            items,
            refused_upserts: HashSet::new(),
        }
    }

    fn left(&self) -> usize {
        self.outcomes.iter().filter(|outcome| outcome.is_none()).count()
    }

    /// Carries out as many of the next items as go together, or learns what stands in their way.
    async fn step(&mut self, first: usize, most: usize) -> Result<()> {
        let creates = |item: &WriteItem| {
            matches!(
                item,
                WriteItem::Insert(_) | WriteItem::Update { upsert: true, .. }
            )
        };
        let collection = if self.items[first..].iter().any(creates) {
            self.inner.existing(&self.collection).await?
        } else {
            self.inner.collection(&self.collection).await?
        };
        let version = self.inner.next_version();
        let Some(mut run) = self.gather(&collection, &version, first, most).await? else {
            return Ok(());
        };
        self.read_unseen(&collection, &mut run).await?;
        let mut changes: Vec<(usize, Prepared)> = Vec::with_capacity(run.targets.len());
        let (mut unique, mut bytes) = (UniqueKeys::default(), 0);
        let mut is_cut = false;
        for target in run.targets {
            let Some(prepared) = self.prepare(&collection, &version, &target).await? else {
                continue;
            };
            bytes += prepared.change.bytes();
            // What others of the run do to the same unique key must come before it.
            if !unique.are_new(&collection, &prepared.change)? || !changes.is_empty() && bytes > MOST_BYTES {
                is_cut = true;
                break;
            }
            changes.push((target.at, prepared));
        }
        let first_arrays = changes.iter().map(|(_, prepared)| &prepared.change);
        if self.inner.mark_first_arrays(&collection, first_arrays).await? {
            return Ok(());
        }
        let claims = if is_cut { Vec::new() } else { run.claims };
        if changes.is_empty() && claims.is_empty() {
            return Ok(());
        }
        self.commit(&collection, &version, changes, claims).await
    }

    /// Takes the items from `first` on that go together; none if all that could be done is done.
    async fn gather(
        &mut self,
        collection: &Collection,
        version: &Version,
        first: usize,
        most: usize,
    ) -> Result<Option<Run>> {
        let mut run = Run::default();
        let mut ids = HashSet::new();
        for at in first..self.items.len() {
            if self.outcomes[at].is_some() {
                continue;
            }
            if run.targets.len() + run.claims.len() >= most {
                break;
            }
            if let WriteItem::FindAndUpdate {
                filters,
                sort,
                limit,
                update,
            } = &self.items[at]
            {
                match claim::instructions(collection, version, (filters, sort, *limit), update) {
                    Some(claim) => run.claims.push((at, claim)),
                    None if run.targets.is_empty() && run.claims.is_empty() => {
                        let request = (filters.as_slice(), sort, *limit);
                        self.outcomes[at] = Some(
                            crate::claims::carry_out(self.inner, &self.collection, request, update).await?,
                        );
                        return Ok(None);
                    }
                    None => break,
                }
                continue;
            }
            if !run.claims.is_empty() {
                break;
            }
            match self.target_id(at) {
                Err(fault) => self.outcomes[at] = Some(WriteOutcome::Failed(fault)),
                Ok(Some(id)) if !ids.insert(id.clone()) => break,
                Ok(Some(id)) => {
                    let is_insert = matches!(self.items[at], WriteItem::Insert(_));
                    let seen = if is_insert {
                        None
                    } else {
                        self.inner.seen.get(&self.collection, &id)
                    };
                    run.targets.push(Target {
                        at,
                        id,
                        seen,
                        is_fresh: is_insert,
                    });
                }
                // What a search finds depends on what comes before it.
                Ok(None) if run.targets.is_empty() => {
                    run.targets.extend(self.search(collection, at).await?);
                    break;
                }
                Ok(None) => break,
            }
        }
        Ok(Some(run))
    }

    /// Returns the id that an item is about; none if it must be searched for.
    fn target_id(&self, at: usize) -> Result<Option<KeyBytes>> {
        match &self.items[at] {
            WriteItem::Insert(document) => change::id_of(document).map(Some),
            WriteItem::Update { filter, .. } | WriteItem::Delete(filter) => {
                filter.the_id().map(key::id_key).transpose()
            }
            WriteItem::FindAndUpdate { .. } => Ok(None),
        }
    }

    /// Searches the document that an item is about; nothing comes of it if the indexes are others by now.
    async fn search(&mut self, collection: &Collection, at: usize) -> Result<Option<Target>> {
        let (WriteItem::Update { filter, .. } | WriteItem::Delete(filter)) = &self.items[at] else {
            return Ok(None);
        };
        let sort = seed::Sort::default();
        let found = self
            .inner
            .collect(collection, (filter, &sort), 1, &HashSet::new())
            .await;
        let found = match found {
            Ok(Some(found)) => found.into_iter().next(),
            Ok(None) => {
                self.inner.forget(&self.collection);
                return Ok(None);
            }
            Err(fault) if fault.kind().is_of_store() => return Err(fault),
            Err(fault) => {
                self.outcomes[at] = Some(WriteOutcome::Failed(fault));
                return Ok(None);
            }
        };
        let (id, seen) = found
            .map(|found| {
                let (id, seen) = Seen::of(found);
                (id, Some(seen))
            })
            .unwrap_or_default();
        Ok(Some(Target {
            at,
            id,
            seen,
            is_fresh: true,
        }))
    }

    /// Reads the documents that were not seen yet, or were seen in a state that says nothing of now.
    async fn read_unseen(&mut self, collection: &Collection, run: &mut Run) -> Result<()> {
        let is_to_read = |target: &Target| !target.is_fresh && !self.is_telling(target);
        let unseen: Vec<usize> = (0..run.targets.len())
            .filter(|at| is_to_read(&run.targets[*at]))
            .collect();
        if unseen.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = unseen.iter().map(|at| run.targets[*at].id.clone()).collect();
        let read = self.inner.read(collection, &ids).await?;
        for (at, seen) in unseen.into_iter().zip(read) {
            let target = &mut run.targets[at];
            target.is_fresh = true;
            match seen.transpose() {
                Ok(seen) => target.seen = seen,
                // It is this item's alone: the others must not suffer for it.
                Err(fault) => self.outcomes[target.at] = Some(WriteOutcome::Failed(fault)),
            }
        }
        run.targets.retain(|target| self.outcomes[target.at].is_none());
        Ok(())
    }

    /// Tells whether a document as it was seen some time ago would be changed, which the script then confirms.
    fn is_telling(&self, target: &Target) -> bool {
        let Some(Seen { document, .. }) = &target.seen else {
            return false;
        };
        match &self.items[target.at] {
            WriteItem::Update { filter, update, .. } => {
                let Ok(Some(matched)) = filter.find_match(document) else {
                    return false;
                };
                let context = Context {
                    position: matched.element(),
                    ..self.inner.context()
                };
                update.constant().is_some_and(|fields| {
                    fields
                        .iter()
                        .any(|(name, value)| document.get(name) != value.as_ref())
                }) || update.constant().is_none() && matches!(update.apply(document, &context), Ok(Some(_)))
            }
            WriteItem::Delete(filter) => filter.matches(document).unwrap_or(false),
            WriteItem::Insert(_) | WriteItem::FindAndUpdate { .. } => false,
        }
    }

    /// Works an item out; none if its outcome is known already.
    async fn prepare(
        &mut self,
        collection: &Collection,
        version: &Version,
        target: &Target,
    ) -> Result<Option<Prepared>> {
        let item = &self.items[target.at];
        let seen = target.seen.as_ref();
        match prepare(self.inner, collection, version, item, (&target.id, seen)) {
            Ok(Ok(prepared)) => return Ok(Some(prepared)),
            Ok(Err(outcome)) => self.outcomes[target.at] = Some(outcome),
            Err(fault) => self.outcomes[target.at] = Some(WriteOutcome::Failed(fault)),
        }
        Ok(None)
    }

    async fn commit(
        &mut self,
        collection: &Collection,
        version: &Version,
        changes: Vec<(usize, Prepared)>,
        claims: Vec<(usize, Instructions)>,
    ) -> Result<()> {
        let all: Vec<&Change> = changes.iter().map(|(_, prepared)| &prepared.change).collect();
        let (claims_at, claims): (Vec<usize>, Vec<Instructions>) = claims.into_iter().unzip();
        match self.inner.commit(collection, &all, &claims, self.wakes).await? {
            Committed::Stale => Ok(()),
            Committed::Refused(refused) => {
                self.refuse(collection, &changes, &refused);
                Ok(())
            }
            Committed::Done(claimed) => {
                for (at, prepared) in changes {
                    self.keep(&prepared.change, prepared.document, version);
                    self.outcomes[at] = Some(prepared.outcome);
                }
                for (at, claimed) in claims_at.into_iter().zip(claimed) {
                    self.claimed(at, version, claimed).await?;
                }
                Ok(())
            }
        }
    }

    fn keep(&self, change: &Change, document: Option<Document>, version: &Version) {
        match (document, &change.packed) {
            // Those that were inserted are seldom changed by who inserts them.
            (Some(document), Some(packed)) if change.seen.is_some() => {
                let seen = Seen {
                    version: *version,
                    document,
                };
                self.inner
                    .seen
                    .keep(&self.collection, &change.id, packed.len(), seen);
            }
            (None, None) => self.inner.seen.forget(&self.collection, &change.id),
            _ => {}
        }
    }

    /// Takes in what stood in the way; what is not settled by that is tried again.
    fn refuse(&mut self, collection: &Collection, changes: &[(usize, Prepared)], refused: &Refused) {
        for at in &refused.changed {
            self.inner
                .seen
                .forget(&self.collection, &changes[*at].1.change.id);
        }
        let is_settled = |at: &usize| !refused.changed.contains(at);
        for position in &refused.there {
            let at = changes[*position].0;
            self.outcomes[at] = match &self.items[at] {
                WriteItem::Insert(_) => Some(taken("_id", true)),
                // It may match what came in between; else its id is taken.
                _ if self.refused_upserts.insert(at) => None,
                _ => Some(taken("_id", false)),
            };
        }
        for (position, index) in refused.broken.iter().filter(|(position, _)| is_settled(position)) {
            let at = changes[*position].0;
            let name = collection.layout.indexes[*index].spec.name();
            let is_insert = matches!(self.items[at], WriteItem::Insert(_));
            self.outcomes[at].get_or_insert_with(|| taken(name, is_insert));
        }
    }

    async fn claimed(&mut self, at: usize, version: &Version, claimed: Claimed) -> Result<()> {
        let WriteItem::FindAndUpdate {
            filters,
            sort,
            limit,
            update,
        } = &self.items[at]
        else {
            return Ok(());
        };
        let found = match claimed {
            Claimed::Found(found) => found,
            Claimed::Left => {
                let request = (filters.as_slice(), sort, *limit);
                let outcome = crate::claims::carry_out(self.inner, &self.collection, request, update).await?;
                self.outcomes[at] = Some(outcome);
                return Ok(());
            }
        };
        let context = self.inner.context();
        let mut documents = Vec::with_capacity(found.len());
        for packed in found {
            // One whose rest cannot be read was claimed by its head: it is left out, and whoever looks for it is told.
            let Ok((_, before)) = unpack(&packed) else {
                continue;
            };
            let document = update.apply(&before, &context)?.unwrap_or(before);
            let id = change::id_of(&document)?;
            let seen = Seen {
                version: *version,
                document: document.clone(),
            };
            self.inner.seen.keep(&self.collection, &id, packed.len(), seen);
            documents.push(document);
        }
        self.outcomes[at] = Some(WriteOutcome::Found(documents));
        Ok(())
    }
}

/// The outcome of an item whose key in a unique index another document has.
fn taken(index: &str, is_insert: bool) -> WriteOutcome {
    if is_insert {
        WriteOutcome::Inserted(InsertOutcome::Duplicate(index.into()))
    } else {
        WriteOutcome::Failed(duplicate(index))
    }
}

/// The keys of unique indexes that a run gives or frees.
#[derive(Default)]
pub(crate) struct UniqueKeys(HashSet<(usize, Vec<u8>)>);

impl UniqueKeys {
    /// Takes in the keys of a change, unless one that it gives is among them already.
    pub(crate) fn are_new(&mut self, collection: &Collection, change: &Change) -> Result<bool> {
        for key in change.unique_keys(collection) {
            let (index, key) = key?;
            if self.0.contains(&(index, key.to_vec())) {
                return Ok(false);
            }
        }
        for key in change
            .unique_keys(collection)
            .chain(change.freed_keys(collection))
        {
            let (index, key) = key?;
            self.0.insert((index, key.to_vec()));
        }
        Ok(true)
    }
}

/// The outcome of an update that changed its one document.
pub(crate) fn modified() -> WriteOutcome {
    WriteOutcome::Updated(UpdateOutcome {
        matched: 1,
        modified: 1,
        upserted: None,
    })
}
