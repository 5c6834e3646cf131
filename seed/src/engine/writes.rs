//! Inserting, changing and deleting documents.

use std::collections::HashSet;
use std::sync::Arc;

use futures::TryStreamExt;

use super::catalogue::Catalogue;
use super::change::{self, Change};
use super::cursor::{Cursor, Found};
use super::indexed::Inner;
use super::session::{Session, duplicate};
use super::top::Top;
use super::writer::Weight;
use super::{Engine, find, probe};
use crate::error::{ErrorKind, Result};
use crate::filter::{Comparison, Filter, Node, Test};
use crate::key::{self, KeyBytes};
use crate::parallel;
use crate::plan::{Order, Plan};
use crate::projection::Projection;
use crate::sort::Sort;
use crate::store::{
    Delete, Find, FindAndUpdate, Insert, InsertOutcome, Update, UpdateOutcome, WriteBatch, WriteItem,
    WriteOutcome,
};
use crate::update::Context;
use crate::value::{Document, Value};

/// How many documents a step of an update or delete takes on.
const STEP: usize = 500;

/// Everything that a write needs beside its session.
#[derive(Debug)]
struct Setting<E: Engine> {
    inner: Arc<Inner<E>>,
}

impl<E: Engine> Clone for Setting<E> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

pub(super) async fn insert<E: Engine>(inner: &Arc<Inner<E>>, request: Insert) -> Result<Vec<InsertOutcome>> {
    let setting = Setting {
        inner: Arc::clone(inner),
    };
    let documents: Vec<_> = request
        .documents
        .into_iter()
        .map(|document| setting.with_id(document))
        .collect();
    let ids: Vec<_> = documents
        .iter()
        .map(|document| document.id().cloned().unwrap_or_default())
        .collect();
    let outcomes: Vec<Option<crate::value::Text>> = inner
        .write(&request.collection, documents.len(), |catalogue| {
            let insertion = |document: &_| change::insertion(&*inner.engine, catalogue, document);
            let changes: Vec<_> = parallel::map(&documents, insertion)
                .into_iter()
                .collect::<Result<_>>()?;
            let setting = setting.clone();
            Ok(move |session: &mut Session<'_, E::Stored>| {
                setting.create_collection(session)?;
                changes.iter().map(|change| session.apply(change)).collect()
            })
        })
        .await?;
    let outcome = |(broken, id): (Option<_>, Value)| match broken {
        None => InsertOutcome::Inserted(id),
        Some(index) => InsertOutcome::Duplicate(index),
    };
    Ok(outcomes.into_iter().zip(ids).map(outcome).collect())
}

pub(super) async fn find_and_update<E: Engine>(
    inner: &Arc<Inner<E>>,
    request: FindAndUpdate,
) -> Result<Vec<Document>> {
    let setting = Setting {
        inner: Arc::clone(inner),
    };
    let FindAndUpdate {
        collection,
        filters,
        sort,
        limit,
        update,
    } = request;
    if probe::finds_nothing(inner, &collection, &filters)? {
        return Ok(Vec::new());
    }
    let wanted = Arc::new((filters, sort, update));
    inner
        .write(&collection, limit, |_| {
            let (setting, wanted) = (setting.clone(), Arc::clone(&wanted));
            Ok(move |session: &mut Session<'_, E::Stored>| {
                let (filters, sort, update) = &*wanted;
                setting.find_and_update(session, filters, sort, limit, update)
            })
        })
        .await
}

pub(super) async fn write<E: Engine>(inner: &Arc<Inner<E>>, batch: WriteBatch) -> Result<Vec<WriteOutcome>> {
    if let Some(outcomes) = probe::empty_claims(inner, &batch)? {
        return Ok(outcomes);
    }
    let setting = Setting {
        inner: Arc::clone(inner),
    };
    let items: Arc<Vec<_>> = Arc::new(
        batch
            .items
            .into_iter()
            .map(|item| setting.item_with_id(item))
            .collect(),
    );
    let count = items
        .iter()
        .map(|item| {
            if let WriteItem::FindAndUpdate { limit, .. } = item {
                *limit
            } else {
                1
            }
        })
        .sum();
    let weight = Weight::of(count, batch.urgent);
    inner
        .write_weighted(&batch.collection, weight, |catalogue| {
            let prepared: Vec<_> = items
                .iter()
                .map(|item| setting.prepare(catalogue, item))
                .collect();
            let (setting, items, planned) = (setting.clone(), Arc::clone(&items), Arc::clone(catalogue));
            Ok(move |session: &mut Session<'_, E::Stored>| {
                let mut outcomes = Vec::with_capacity(items.len());
                for (item, prepared) in items.iter().zip(&prepared) {
                    // An earlier item may have changed the indexes that this one was prepared for.
                    let prepared = prepared
                        .as_ref()
                        .filter(|_| Arc::ptr_eq(&planned, &session.catalogue));
                    outcomes.push(match setting.write_item(session, item, prepared) {
                        Err(fault) if fault.kind().is_of_store() => return Err(fault),
                        Err(fault) => WriteOutcome::Failed(fault),
                        Ok(outcome) => outcome,
                    });
                }
                Ok(outcomes)
            })
        })
        .await
}

/// Updates in steps: ids are found by reading, and each step looks again at the documents that it changes.
pub(super) async fn update<E: Engine>(inner: &Arc<Inner<E>>, request: Update) -> Result<UpdateOutcome> {
    request.check()?;
    let mut total = UpdateOutcome::default();
    let is_single = request.limit == Some(1);
    if !is_single {
        let mut ids = Ids::find(inner, &request.collection, &request.filter, request.limit)?;
        while let Some(step) = ids.next(total.matched).await? {
            let outcome = update_step(inner, &request, step).await?;
            total.matched += outcome.matched;
            total.modified += outcome.modified;
        }
    }
    if is_single || (request.upsert && total.matched == 0) {
        let Update {
            collection,
            filter,
            update,
            upsert,
            urgent,
            ..
        } = request;
        let item = WriteItem::Update {
            filter,
            update,
            known: None,
            upsert,
        };
        let mut batch = WriteBatch::new(collection, vec![item]);
        batch.urgent = urgent;
        let outcomes = write(inner, batch).await?;
        return match outcomes.into_iter().next() {
            Some(WriteOutcome::Updated(outcome)) => Ok(outcome),
            Some(WriteOutcome::Failed(fault)) => Err(fault),
            _ => Ok(total),
        };
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
        .write_weighted(&request.collection, weight, |_| {
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

/// Deletes in steps, as [`update`] updates.
pub(super) async fn delete<E: Engine>(inner: &Arc<Inner<E>>, request: Delete) -> Result<u64> {
    let setting = Setting {
        inner: Arc::clone(inner),
    };
    let mut ids = Ids::find(inner, &request.collection, &request.filter, request.limit)?;
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

/// The ids of documents that matched when they were read, in steps.
struct Ids {
    found: crate::store::Documents,
    limit: Option<u64>,
}

impl Ids {
    fn find<E: Engine>(
        inner: &Arc<Inner<E>>,
        collection: &str,
        filter: &Filter,
        limit: Option<u64>,
    ) -> Result<Self> {
        let only_id = Projection::parse(&doc! { "_id": 1 })?;
        let request = Find::new(collection, filter.clone()).projection(only_id);
        Ok(Self {
            found: find::find(Arc::clone(inner), request)?,
            limit,
        })
    }

    /// Returns the ids of the next step, when so many were dealt with.
    async fn next(&mut self, done: u64) -> Result<Option<Vec<KeyBytes>>> {
        let left = self.limit.map_or(u64::MAX, |limit| limit.saturating_sub(done));
        let size = usize::try_from(left).unwrap_or(usize::MAX).min(STEP);
        let mut ids = Vec::with_capacity(size);
        while ids.len() < size {
            let Some(document) = self.found.try_next().await? else {
                break;
            };
            ids.push(key::id_key(document.id().unwrap_or(&Value::Null))?);
        }
        Ok((!ids.is_empty()).then_some(ids))
    }
}

impl<E: Engine> Setting<E> {
    fn engine(&self) -> &E {
        &self.inner.engine
    }

    fn context(&self, position: Option<usize>) -> Context {
        Context {
            now: self.inner.clock.now(),
            position,
            new_id: None,
        }
    }

    fn with_id(&self, mut document: Document) -> Document {
        if !document.has("_id") {
            document.set_first("_id", self.inner.ids.next(self.inner.clock.now()));
        }
        document
    }

    fn item_with_id(&self, item: WriteItem) -> WriteItem {
        match item {
            WriteItem::Insert(document) => WriteItem::Insert(self.with_id(document)),
            other => other,
        }
    }

    fn create_collection(&self, session: &mut Session<'_, E::Stored>) -> Result<()> {
        if session.catalogue.version == 0 {
            let version = self.inner.ids.first_version();
            session.put_catalogue(Catalogue {
                version,
                ..Catalogue::default()
            })?;
        }
        Ok(())
    }

    /// Works out ahead, on the caller's thread, what can be: insertions, and updates of documents that are known.
    fn prepare(&self, catalogue: &Catalogue, item: &WriteItem) -> Option<Change<E::Stored>> {
        match item {
            WriteItem::Insert(document) => change::insertion(self.engine(), catalogue, document).ok(),
            WriteItem::Update {
                filter,
                update,
                known: Some(known),
                ..
            } => {
                let matched = filter.find_match(known).ok()??;
                let new = update.apply(known, &self.context(matched.element())).ok()??;
                let id = key::id_key(known.id()?).ok()?;
                let stored = self.engine().encode(known).ok()?;
                change::replacement(self.engine(), catalogue, id, (stored, known), (&new, update)).ok()
            }
            _ => None,
        }
    }

    fn write_item(
        &self,
        session: &mut Session<'_, E::Stored>,
        item: &WriteItem,
        prepared: Option<&Change<E::Stored>>,
    ) -> Result<WriteOutcome> {
        match item {
            WriteItem::Insert(document) => self
                .insert_one(session, document, prepared)
                .map(WriteOutcome::Inserted),
            WriteItem::Update {
                filter,
                update,
                upsert,
                ..
            } => {
                if let Some(change) = prepared
                    && session.apply_if_known(change)?
                {
                    return Ok(WriteOutcome::Updated(UpdateOutcome {
                        matched: 1,
                        modified: 1,
                        upserted: None,
                    }));
                }
                self.update_one(session, filter, update, *upsert)
                    .map(WriteOutcome::Updated)
            }
            WriteItem::Delete(filter) => {
                let found = self.first(session, filter)?;
                let deleted = u64::from(found.is_some());
                found.map_or(Ok(()), |found| self.delete_found(session, found))?;
                Ok(WriteOutcome::Deleted(deleted))
            }
            WriteItem::FindAndUpdate {
                filters,
                sort,
                limit,
                update,
            } => self
                .find_and_update(session, filters, sort, *limit, update)
                .map(WriteOutcome::Found),
        }
    }

    fn insert_one(
        &self,
        session: &mut Session<'_, E::Stored>,
        document: &Document,
        prepared: Option<&Change<E::Stored>>,
    ) -> Result<InsertOutcome> {
        let broken = match prepared {
            Some(change) if session.catalogue.version > 0 => session.apply(change)?,
            _ => {
                let change = change::insertion(self.engine(), &session.catalogue, document)?;
                self.create_collection(session)?;
                session.apply(&change)?
            }
        };
        Ok(match broken {
            None => InsertOutcome::Inserted(document.id().cloned().unwrap_or_default()),
            Some(index) => InsertOutcome::Duplicate(index),
        })
    }

    fn update_one(
        &self,
        session: &mut Session<'_, E::Stored>,
        filter: &Filter,
        update: &crate::update::Update,
        upsert: bool,
    ) -> Result<UpdateOutcome> {
        if let Some(found) = self.first(session, filter)? {
            let (_, modified) = self.update_found(session, found, filter, update)?;
            return Ok(UpdateOutcome {
                matched: 1,
                modified: u64::from(modified),
                upserted: None,
            });
        }
        if !upsert {
            return Ok(UpdateOutcome::default());
        }
        let new_id = self.inner.ids.next(self.inner.clock.now());
        let document = update.upsert(
            filter,
            &Context {
                new_id: Some(new_id.into()),
                ..self.context(None)
            },
        )?;
        match self.insert_one(session, &document, None)? {
            InsertOutcome::Inserted(id) => Ok(UpdateOutcome {
                upserted: Some(id),
                ..UpdateOutcome::default()
            }),
            InsertOutcome::Duplicate(index) => Err(duplicate(&index)),
        }
    }

    /// Changes documents that were found; if one of the changes is refused, none is left.
    fn find_and_update(
        &self,
        session: &mut Session<'_, E::Stored>,
        filters: &[Filter],
        sort: &Sort,
        limit: usize,
        update: &crate::update::Update,
    ) -> Result<Vec<Document>> {
        let mut found = Vec::new();
        for filter in filters {
            if found.len() < limit {
                let more = self.collect(session, filter, sort, limit, &found)?;
                found.extend(more.into_iter().map(|found| (found, filter)));
            }
        }
        let mut changed = Vec::with_capacity(found.len());
        let mut documents = Vec::with_capacity(found.len());
        for (found, filter) in found {
            match self.change_found(session, found, filter, update) {
                Ok((document, change)) => {
                    changed.extend(change);
                    documents.push(document);
                }
                Err(fault) => {
                    changed
                        .iter()
                        .rev()
                        .try_for_each(|change| session.revert(change))?;
                    return Err(fault);
                }
            }
        }
        Ok(documents)
    }

    /// Finds documents that match and were not found by an earlier filter, until there are `limit` in all.
    fn collect<'f>(
        &self,
        session: &mut Session<'_, E::Stored>,
        filter: &'f Filter,
        sort: &Sort,
        limit: usize,
        earlier: &[(Found<E::Stored>, &'f Filter)],
    ) -> Result<Vec<Found<E::Stored>>> {
        let wanted = limit - earlier.len();
        if let Some(id) = the_id(filter) {
            let found = self.look_up(session, &key::id_key(id)?, filter)?;
            let is_new = |found: &Found<_>| !earlier.iter().any(|(earlier, _)| earlier.id == found.id);
            return Ok(found.into_iter().filter(is_new).collect());
        }
        let taken: HashSet<&[u8]> = earlier.iter().map(|(found, _)| found.id.as_slice()).collect();
        let plan = Plan::choose(filter, sort.fields(), &session.catalogue.views());
        if plan.order() != Order::Sorted {
            return self.collect_in_order(session, filter, &plan, wanted, &taken);
        }
        match self.collect_sorted(session, filter, sort, &plan, wanted, &taken) {
            Err(fault) if fault.kind() == ErrorKind::Limit && sort.fields().is_empty() => {
                self.collect_in_order(session, filter, &Plan::full(&[]), wanted, &taken)
            }
            result => result,
        }
    }

    fn collect_in_order(
        &self,
        session: &mut Session<'_, E::Stored>,
        filter: &Filter,
        plan: &Plan,
        wanted: usize,
        taken: &HashSet<&[u8]>,
    ) -> Result<Vec<Found<E::Stored>>> {
        let mut cursor = Cursor::new(plan, &session.catalogue);
        let mut found = Vec::new();
        // Most often the next entries are just those that are wanted; where they are not, the pages grow.
        let mut least = 1;
        while found.len() < wanted && !cursor.is_done() {
            let page = (wanted - found.len()).max(least);
            least = (page * 2).min(STEP);
            let catalogue = Arc::clone(&session.catalogue);
            cursor.next_page(
                self.engine(),
                &mut *session.transaction,
                &catalogue,
                filter,
                page,
                &mut found,
            )?;
            found.retain(|found| !taken.contains(found.id.as_slice()));
        }
        found.truncate(wanted);
        Ok(found)
    }

    fn collect_sorted(
        &self,
        session: &mut Session<'_, E::Stored>,
        filter: &Filter,
        sort: &Sort,
        plan: &Plan,
        wanted: usize,
        taken: &HashSet<&[u8]>,
    ) -> Result<Vec<Found<E::Stored>>> {
        let mut cursor = Cursor::new(plan, &session.catalogue);
        let mut top = Top::new(sort, wanted);
        while !cursor.is_done() {
            let catalogue = Arc::clone(&session.catalogue);
            let mut page = Vec::new();
            cursor.next_page(
                self.engine(),
                &mut *session.transaction,
                &catalogue,
                filter,
                STEP,
                &mut page,
            )?;
            let mut new = page
                .into_iter()
                .filter(|found| !taken.contains(found.id.as_slice()));
            new.try_for_each(|found| top.push(found))?;
        }
        Ok(top.finish())
    }

    fn first(
        &self,
        session: &mut Session<'_, E::Stored>,
        filter: &Filter,
    ) -> Result<Option<Found<E::Stored>>> {
        Ok(self.collect(session, filter, &Sort::default(), 1, &[])?.pop())
    }

    /// Reads the document of an id, if it matches.
    fn look_up(
        &self,
        session: &mut Session<'_, E::Stored>,
        id: &[u8],
        filter: &Filter,
    ) -> Result<Option<Found<E::Stored>>> {
        let Some(stored) = session.transaction.get(id)? else {
            return Ok(None);
        };
        let document = self.engine().decode(&stored)?;
        Ok(filter.matches(&document)?.then(|| Found {
            id: id.to_vec(),
            stored,
            document,
        }))
    }

    fn update_found(
        &self,
        session: &mut Session<'_, E::Stored>,
        found: Found<E::Stored>,
        filter: &Filter,
        update: &crate::update::Update,
    ) -> Result<(Document, bool)> {
        let (document, change) = self.change_found(session, found, filter, update)?;
        Ok((document, change.is_some()))
    }

    /// Changes a document that was found; returns it as it is now, with the change if there was one.
    fn change_found(
        &self,
        session: &mut Session<'_, E::Stored>,
        found: Found<E::Stored>,
        filter: &Filter,
        update: &crate::update::Update,
    ) -> Result<(Document, Option<Change<E::Stored>>)> {
        let position = match update.needs_position() {
            true => filter
                .find_match(&found.document)?
                .and_then(|matched| matched.element()),
            false => None,
        };
        let Some(new) = update.apply(&found.document, &self.context(position))? else {
            return Ok((found.document, None));
        };
        let before = (found.stored, &found.document);
        let change = change::replacement(
            self.engine(),
            &session.catalogue,
            found.id,
            before,
            (&new, update),
        )?;
        match session.apply(&change)? {
            None => Ok((new, Some(change))),
            Some(index) => Err(duplicate(&index)),
        }
    }

    fn delete_found(&self, session: &mut Session<'_, E::Stored>, found: Found<E::Stored>) -> Result<()> {
        let change = change::removal(&session.catalogue, found.id, (found.stored, &found.document))?;
        session.apply(&change).map(drop)
    }
}

/// Returns the one `_id` that a filter asks for, which needs no plan.
fn the_id(filter: &Filter) -> Option<&Value> {
    fn in_node(node: &Node) -> Option<&Value> {
        match node {
            Node::And(nodes) => nodes.iter().find_map(in_node),
            Node::Field(path, test) if path.as_str() == "_id" => in_test(test),
            _ => None,
        }
    }
    fn in_test(test: &Test) -> Option<&Value> {
        match test {
            Test::All(tests) => tests.iter().find_map(in_test),
            Test::Compare(Comparison::Eq, id) if !matches!(id, Value::Array(_) | Value::Null) => Some(id),
            _ => None,
        }
    }
    in_node(filter.root())
}
