//! Working out what an item of a batch does to the one document that it is about.

use seed::key::KeyBytes;
use seed::store::{InsertOutcome, UpdateOutcome, WriteItem, WriteOutcome};
use seed::update::Context;
use seed::value::Document;
use seed::{Filter, Result, Update};

use crate::change::{self, Change};
use crate::collection::Collection;
use crate::packed::Version;
use crate::seen::Seen;
use crate::store::Inner;
use crate::writes::modified;

/// A change with what it means for the caller once it is carried out.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) change: Change,
    pub(crate) outcome: WriteOutcome,
    /// The document as it will be; none if it goes.
    pub(crate) document: Option<Document>,
}

/// Works an item out from the document that it is about, if there is one; else its outcome is known already.
///
/// # Errors
/// If the item cannot be carried out; that is its outcome, too.
pub(crate) fn prepare(
    inner: &Inner,
    collection: &Collection,
    version: &Version,
    item: &WriteItem,
    (id, seen): (&KeyBytes, Option<&Seen>),
) -> Result<Result<Prepared, WriteOutcome>> {
    match item {
        WriteItem::Insert(document) => {
            let change = change::insertion(collection, version, document)?;
            let id = document.id().cloned().unwrap_or_default();
            Ok(Ok(Prepared {
                change,
                outcome: WriteOutcome::Inserted(InsertOutcome::Inserted(id)),
                document: Some(document.clone()),
            }))
        }
        WriteItem::Update {
            filter,
            update,
            upsert,
            ..
        } => {
            let replaced = match seen {
                Some(seen) => replace(inner, collection, version, (filter, update), (id, seen))?,
                None => Replaced::Unmatched,
            };
            match replaced {
                Replaced::Unmatched if *upsert => {
                    upserted(inner, collection, version, filter, update).map(Ok)
                }
                Replaced::Unmatched => Ok(Err(WriteOutcome::Updated(UpdateOutcome::default()))),
                Replaced::Unchanged => Ok(Err(WriteOutcome::Updated(UpdateOutcome {
                    matched: 1,
                    ..UpdateOutcome::default()
                }))),
                Replaced::By(change, document) => Ok(Ok(Prepared {
                    change,
                    outcome: modified(),
                    document: Some(document),
                })),
            }
        }
        WriteItem::Delete(filter) => match seen {
            Some(seen) if filter.matches(&seen.document)? => {
                let change = change::removal(collection, id.clone(), (&seen.version, &seen.document))?;
                Ok(Ok(Prepared {
                    change,
                    outcome: WriteOutcome::Deleted(1),
                    document: None,
                }))
            }
            _ => Ok(Err(WriteOutcome::Deleted(0))),
        },
        // Claims are not about a document that is known before.
        WriteItem::FindAndUpdate { .. } => Ok(Err(WriteOutcome::Found(Vec::new()))),
    }
}

/// What an update makes of a document.
pub(crate) enum Replaced {
    /// It is none that the update is for.
    Unmatched,
    /// It stays as it is.
    Unchanged,
    By(Change, Document),
}

/// Works out what an update makes of a document.
pub(crate) fn replace(
    inner: &Inner,
    collection: &Collection,
    version: &Version,
    (filter, update): (&Filter, &Update),
    (id, seen): (&KeyBytes, &Seen),
) -> Result<Replaced> {
    let Some(matched) = filter.find_match(&seen.document)? else {
        return Ok(Replaced::Unmatched);
    };
    let context = Context {
        position: matched.element(),
        ..inner.context()
    };
    let Some(new) = update.apply(&seen.document, &context)? else {
        return Ok(Replaced::Unchanged);
    };
    let change = change::replacement(
        collection,
        id.clone(),
        (&seen.version, &seen.document),
        (version, &new),
    )?;
    Ok(Replaced::By(change, new))
}

fn upserted(
    inner: &Inner,
    collection: &Collection,
    version: &Version,
    filter: &Filter,
    update: &Update,
) -> Result<Prepared> {
    let context = Context {
        new_id: Some(inner.new_id().into()),
        ..inner.context()
    };
    let document = update.upsert(filter, &context)?;
    let change = change::insertion(collection, version, &document)?;
    let outcome = UpdateOutcome {
        upserted: document.id().cloned(),
        ..UpdateOutcome::default()
    };
    Ok(Prepared {
        change,
        outcome: WriteOutcome::Updated(outcome),
        document: Some(document),
    })
}
