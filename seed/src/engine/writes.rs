//! Inserting documents, and batches of writes.

use std::sync::Arc;

use super::catalogue::Catalogue;
use super::change::{self, Change};
use super::indexed::{Inner, Wakes};
use super::session::{Session, duplicate};
use super::writer::Weight;
use super::{Engine, probe};
use crate::error::Result;
use crate::filter::Filter;
use crate::key;
use crate::parallel;
use crate::store::{
    FindAndUpdate, Insert, InsertOutcome, UpdateOutcome, WriteBatch, WriteItem, WriteOutcome,
};
use crate::update::{Context, Update};
use crate::value::{Document, Text, Value};

/// Everything that a write needs beside its session.
#[derive(Debug)]
pub(super) struct Setting<E: Engine> {
    pub(super) inner: Arc<Inner<E>>,
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
    let outcomes: Vec<Option<Text>> = inner
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
    let outcomes = write(inner, request.into()).await?;
    outcomes
        .into_iter()
        .next()
        .map_or(Ok(Vec::new()), WriteOutcome::found)
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
    let weight = Weight::of(count, batch.urgent).eager(batch.eager);
    let wakes = match batch.quiet {
        true => Wakes::Nobody,
        false => Wakes::Watches,
    };
    inner
        .write_weighted(&batch.collection, weight, wakes, |catalogue| {
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

impl<E: Engine> Setting<E> {
    pub(super) fn engine(&self) -> &E {
        &self.inner.engine
    }

    pub(super) fn context(&self, position: Option<usize>) -> Context {
        Context {
            now: self.inner.clock.now(),
            position,
            new_id: None,
        }
    }

    fn with_id(&self, document: Document) -> Document {
        self.inner.ids.identify(document, || self.inner.clock.now())
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
                let kept = self.inner.recent.take(known).map(Ok);
                let stored = kept.unwrap_or_else(|| self.engine().encode(known)).ok()?;
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
        update: &Update,
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
}
