//! Bringing the indexes of a collection to what was declared, while others go on working.
//!
//! First the new indexes are entered in the catalogue as *building*: from then on every writer keeps them up. Then the
//! documents that are there are gone through in steps, each of which also gives its documents the new layout. At last
//! the new indexes become *ready* and take the place of the old ones. Each step can be repeated, so that whoever comes
//! after a crash goes on.

use std::sync::Arc;

use fred::types::Value;
use seed::engine::IndexId;
use seed::engine::catalogue::{Catalogue, Index};
use seed::engine::cursor::Cursor;
use seed::plan::{CollectionSpec, Plan};
use seed::{Error, ErrorKind, Filter, Result};

use crate::change::Change;
use crate::collection::{Assume, Collection};
use crate::commit::{Committed, MOST_BYTES, integer};
use crate::packed::pack;
use crate::search::FoundDocument;
use crate::store::Inner;
use crate::writes::{MAX_TRIES, UniqueKeys, contended};

/// How many documents a step goes through.
const STEP: usize = 250;

/// Makes sure that a collection has just the indexes that are declared.
pub(crate) async fn ensure(inner: &Inner, spec: &CollectionSpec) -> Result<()> {
    spec.check()?;
    for _ in 0..MAX_TRIES {
        let collection = inner.load(&spec.name).await?;
        let known = &collection.catalogue;
        if known.spec_version > spec.version || known.fulfils(spec) {
            return Ok(());
        }
        let is_empty = inner.is_empty(&collection).await?;
        let next = known.declared(spec, inner.ids.first_version(), is_empty);
        let dropped: Vec<IndexId> = known
            .indexes
            .iter()
            .map(|index| index.id)
            .filter(|id| next.index(*id).is_none())
            .collect();
        let assume = if is_empty { Assume::Empty } else { Assume::Nothing };
        if !inner.put_catalogue(&collection, &next, &dropped, assume).await? {
            continue;
        }
        let building = next.building();
        if building.is_empty() {
            return Ok(());
        }
        return match build(inner, spec, &building).await {
            Ok(()) => finish(inner, spec).await,
            Err(fault) => {
                give_up(inner, spec, &building).await?;
                Err(fault)
            }
        };
    }
    Err(contended())
}

impl Inner {
    async fn is_empty(&self, collection: &Collection) -> Result<bool> {
        let key = vec![Value::Bytes(collection.keys.docs.clone())];
        let answer = self.link.call("HLEN", Some(collection.keys.slot), key).await?;
        Ok(integer(&answer).ok_or_else(|| self.unexpected())? == 0)
    }
}

/// Goes through all documents and makes the entries of the indexes that are being built.
async fn build(inner: &Inner, spec: &CollectionSpec, building: &[IndexId]) -> Result<()> {
    let everything = Filter::all();
    let mut collection = inner.collection(&spec.name).await?;
    let mut cursor = Cursor::new(&Plan::full(&[]), &collection.catalogue);
    while !cursor.is_done() {
        let mut page = Vec::new();
        inner
            .next_page(&collection, &mut cursor, &everything, STEP, &mut page)
            .await?;
        // What cannot be read has no entries: an index that has all others must not wait for it.
        drop(cursor.take_unreadable());
        collection = build_page(inner, collection, page, building).await?;
    }
    Ok(())
}

/// Makes the entries of some documents; returns the collection as it is by then.
async fn build_page(
    inner: &Inner,
    mut collection: Arc<Collection>,
    mut page: Vec<FoundDocument>,
    building: &[IndexId],
) -> Result<Arc<Collection>> {
    let mut tries = 0;
    while !page.is_empty() {
        let (changes, multikey) = entries(inner, &collection, &page, building)?;
        if !multikey.is_empty() {
            inner.mark_multikey(&collection, &multikey).await?;
            collection = inner.collection(&collection.name).await?;
            continue;
        }
        let these: Vec<&Change> = changes.iter().collect();
        match inner.commit(&collection, &these, &[], false).await? {
            Committed::Done(_) => drop(page.drain(..changes.len())),
            Committed::Stale => collection = inner.load(&collection.name).await?,
            Committed::Refused(refused) => {
                if let Some((_, index)) = refused.broken.first() {
                    return Err(cannot_be_unique(collection.layout.indexes[*index].spec.name()));
                }
                // What was changed meanwhile is read again, for its other keys; what is gone is done.
                let ids: Vec<_> = page.iter().map(|found| found.id.clone()).collect();
                let read = inner.read(&collection, &ids).await?;
                page = ids
                    .into_iter()
                    .zip(read)
                    .filter_map(|(id, seen)| Some(seen?.ok()?.found(id)))
                    .collect();
            }
        }
        tries += 1;
        if tries > MAX_TRIES {
            return Err(contended());
        }
    }
    Ok(collection)
}

/// Works out the entries of as many documents as go in one call; also which indexes meet their first array.
fn entries(
    inner: &Inner,
    collection: &Collection,
    page: &[FoundDocument],
    building: &[IndexId],
) -> Result<(Vec<Change>, Vec<usize>)> {
    let layout = &collection.layout;
    let version = inner.next_version();
    let (mut changes, mut multikey) = (Vec::with_capacity(page.len()), Vec::new());
    let (mut unique, mut bytes) = (UniqueKeys::default(), 0);
    for found in page {
        let placed = layout.place(&found.document)?;
        let mut added = Vec::new();
        for (at, index) in layout.indexes.iter().enumerate() {
            // Another process may have finished or dropped an index meanwhile.
            if !building.contains(&index.id) {
                continue;
            }
            if placed.is_multikey(at) && !index.is_multikey && !multikey.contains(&at) {
                multikey.push(at);
            }
            let members = placed.members(index, at, &found.id);
            added.extend(members.into_iter().map(|member| (at, member)));
        }
        let change = Change {
            id: found.id.clone(),
            seen: Some(found.stored),
            packed: Some(pack(&version, layout, &placed, &found.document)),
            taken: Vec::new(),
            added,
            multikey: Vec::new(),
        };
        bytes += change.bytes();
        if !changes.is_empty() && bytes > MOST_BYTES {
            break;
        }
        if !unique.are_new(collection, &change)? {
            let first = change.unique_keys(collection).next().transpose()?;
            let name = first.map_or("", |(index, _)| layout.indexes[index].spec.name());
            return Err(cannot_be_unique(name));
        }
        changes.push(change);
    }
    Ok((changes, multikey))
}

fn cannot_be_unique(index: &str) -> Error {
    let message = format!("the unique index {index:?} cannot be built: two documents have one key");
    Error::new(ErrorKind::Index, message).at_operator(index)
}

/// Makes the built indexes ready and drops those whose place they take.
async fn finish(inner: &Inner, spec: &CollectionSpec) -> Result<()> {
    change_catalogue(inner, &spec.name, |known| known.finished(spec)).await
}

/// Takes indexes that could not be built out of the catalogue; what was there before goes on serving.
async fn give_up(inner: &Inner, spec: &CollectionSpec, building: &[IndexId]) -> Result<()> {
    change_catalogue(inner, &spec.name, |known| Some(known.given_up(building))).await
}

/// Puts in the place of the catalogue what a change makes of it, with the indexes that are dropped, if anything.
async fn change_catalogue(
    inner: &Inner,
    name: &str,
    change: impl Fn(&Catalogue) -> Option<(Catalogue, Vec<Index>)>,
) -> Result<()> {
    for _ in 0..MAX_TRIES {
        let collection = inner.load(name).await?;
        let Some((next, dropped)) = change(&collection.catalogue) else {
            return Ok(());
        };
        let dropped: Vec<IndexId> = dropped.iter().map(|index| index.id).collect();
        if inner
            .put_catalogue(&collection, &next, &dropped, Assume::Nothing)
            .await?
        {
            return Ok(());
        }
    }
    Err(contended())
}
