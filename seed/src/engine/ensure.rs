//! Bringing the indexes of a collection to what was declared, while others go on working.
//!
//! First the new indexes are entered in the catalogue as *building*: from then on every writer keeps them up. Then the
//! documents that are there are gone through in steps. At last the new indexes become *ready* and take the place of the
//! old ones. Each step is a transaction, and each can be repeated, so that whoever comes after a crash goes on.

use std::sync::Arc;

use super::catalogue::{Catalogue, Index};
use super::indexed::Inner;
use super::session::Session;
use super::{Engine, Entry, IndexId, Towards};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{self, KeyBytes};
use crate::plan::{CollectionSpec, KeyRange};
use crate::value::Document;

/// How many documents a step goes through.
const STEP: usize = 500;

pub(super) async fn ensure<E: Engine>(inner: &Arc<Inner<E>>, spec: &CollectionSpec) -> Result<()> {
    spec.check()?;
    let catalogue = inner.catalogue(&spec.name)?;
    if catalogue.fulfils(spec) && is_current(inner, spec, &catalogue)? {
        return Ok(());
    }
    let building = declare(inner, spec).await?;
    if building.is_empty() {
        return Ok(());
    }
    match build(inner, spec, &building).await {
        Ok(()) => finish(inner, spec).await,
        Err(fault) => {
            give_up(inner, spec, building).await?;
            Err(fault)
        }
    }
}

fn is_current<E: Engine>(
    inner: &Arc<Inner<E>>,
    spec: &CollectionSpec,
    catalogue: &Catalogue,
) -> Result<bool> {
    let mut version = 0;
    inner.engine.read(&spec.name, &mut |transaction| {
        version = transaction.version()?;
        Ok(())
    })?;
    Ok(version == catalogue.version)
}

/// Enters what is declared in the catalogue and returns the indexes that must be built.
async fn declare<E: Engine>(inner: &Arc<Inner<E>>, spec: &CollectionSpec) -> Result<Vec<IndexId>> {
    let first_version = inner.ids.first_version();
    let spec = Arc::new(spec.clone());
    inner
        .write(&spec.name, 1, |_| {
            let spec = Arc::clone(&spec);
            Ok(move |session: &mut Session<'_, E::Stored>| declare_in(session, &spec, first_version))
        })
        .await
}

fn declare_in<S: Clone + PartialEq>(
    session: &mut Session<'_, S>,
    spec: &CollectionSpec,
    first_version: u64,
) -> Result<Vec<IndexId>> {
    let known = Arc::clone(&session.catalogue);
    if known.spec_version > spec.version || known.fulfils(spec) {
        return Ok(Vec::new());
    }
    let mut first = Vec::new();
    session
        .transaction
        .page(&KeyRange::all(), Towards::End, 1, &mut first)?;
    let next = known.declared(spec, first_version, first.is_empty());
    let is_in = |catalogue: &Catalogue, index: &Index| catalogue.index(index.id).is_some();
    for dropped in known.indexes.iter().filter(|index| !is_in(&next, index)) {
        session.transaction.drop_index(dropped.id)?;
    }
    // The catalogue makes the collection, so it comes before its indexes.
    session.put_catalogue(next)?;
    let next = Arc::clone(&session.catalogue);
    for created in next.indexes.iter().filter(|index| !is_in(&known, index)) {
        session
            .transaction
            .create_index(created.id, created.spec.name())?;
    }
    Ok(next.building())
}

/// Goes through all documents and makes the entries of the indexes that are being built.
async fn build<E: Engine>(inner: &Arc<Inner<E>>, spec: &CollectionSpec, building: &[IndexId]) -> Result<()> {
    let building: Arc<Vec<IndexId>> = Arc::new(building.to_vec());
    let mut left = Some(KeyRange::all());
    while let Some(range) = left {
        let range = Arc::new(range);
        left = inner
            .write(&spec.name, STEP, |_| {
                let (inner, range, building) = (Arc::clone(inner), Arc::clone(&range), Arc::clone(&building));
                Ok(move |session: &mut Session<'_, E::Stored>| {
                    build_step(&*inner.engine, session, &range, &building)
                })
            })
            .await?;
    }
    Ok(())
}

/// Makes the entries of some documents and returns the range of the rest.
fn build_step<E: Engine>(
    engine: &E,
    session: &mut Session<'_, E::Stored>,
    range: &KeyRange,
    building: &[IndexId],
) -> Result<Option<KeyRange>> {
    let mut page = Vec::new();
    session.transaction.page(range, Towards::End, STEP, &mut page)?;
    let rest = (page.len() == STEP).then(|| {
        let last: &KeyBytes = &page[STEP - 1].0;
        KeyRange {
            start: key::joined(last, &[0]),
            end: range.end.clone(),
        }
    });
    for (id, stored) in page {
        // What cannot be read has no entries: an index that has all others must not wait for it.
        let Ok(document) = engine.decode(&stored) else {
            continue;
        };
        building
            .iter()
            .try_for_each(|&index| add_entries(session, index, &id, &document))?;
    }
    Ok(rest)
}

/// Makes the entries of one document in an index that is being built.
fn add_entries<S: Clone + PartialEq>(
    session: &mut Session<'_, S>,
    index: IndexId,
    id: &[u8],
    document: &Document,
) -> Result<()> {
    let catalogue = Arc::clone(&session.catalogue);
    // Another process may have finished or dropped the index meanwhile.
    let Some(at) = catalogue.indexes.iter().position(|known| known.id == index) else {
        return Ok(());
    };
    let Index {
        spec, is_multikey, ..
    } = &catalogue.indexes[at];
    if !spec.takes(document)? {
        return Ok(());
    }
    let keys = key::index_keys(document, spec.fields()).map_err(|cause| cause.at_operator(spec.name()))?;
    if keys.is_multikey && !is_multikey {
        session.put_catalogue(catalogue.with_multikey(&[at]))?;
    }
    for key in keys.keys {
        let entry = Entry::new(&key, id);
        if spec.is_unique() && is_taken(session, index, &entry)? {
            let message = format!(
                "the unique index {:?} cannot be built: two documents have one key",
                spec.name()
            );
            return Err(Error::new(ErrorKind::Index, message).at_operator(spec.name()));
        }
        session.transaction.index_insert(index, &entry)?;
    }
    Ok(())
}

fn is_taken<S>(session: &mut Session<'_, S>, index: IndexId, entry: &Entry) -> Result<bool> {
    let mut found = Vec::new();
    session.transaction.index_page(
        index,
        &KeyRange::of_prefix(entry.key()),
        Towards::End,
        2,
        &mut found,
    )?;
    Ok(found.iter().any(|other| other.id() != entry.id()))
}

/// Makes the built indexes ready and drops those whose place they take.
async fn finish<E: Engine>(inner: &Arc<Inner<E>>, spec: &CollectionSpec) -> Result<()> {
    let spec = Arc::new(spec.clone());
    inner
        .write(&spec.name, 1, |_| {
            let spec = Arc::clone(&spec);
            Ok(move |session: &mut Session<'_, E::Stored>| {
                let Some((next, dropped)) = session.catalogue.finished(&spec) else {
                    return Ok(());
                };
                dropped
                    .iter()
                    .try_for_each(|index| session.transaction.drop_index(index.id))?;
                session.put_catalogue(next)
            })
        })
        .await
}

/// Takes indexes that could not be built out of the catalogue; what was there before goes on serving.
async fn give_up<E: Engine>(
    inner: &Arc<Inner<E>>,
    spec: &CollectionSpec,
    building: Vec<IndexId>,
) -> Result<()> {
    let building = Arc::new(building);
    inner
        .write(&spec.name, 1, |_| {
            let building = Arc::clone(&building);
            Ok(move |session: &mut Session<'_, E::Stored>| {
                let (next, dropped) = session.catalogue.given_up(&building);
                dropped
                    .iter()
                    .try_for_each(|index| session.transaction.drop_index(index.id))?;
                session.put_catalogue(next)
            })
        })
        .await
}
