//! Collections and their indexes, and the record of what was declared last.

use std::collections::HashSet;

use mongodb::bson::{Document, doc};
use seed::plan::index::check_name;
use seed::plan::{CollectionSpec, IndexSpec};
use seed::sort::Direction;
use seed::{Error, ErrorKind, Result};

use crate::error::{Fault, Refusal, code, duplicate, unexpected};
use crate::link::documents;
use crate::names;
use crate::store::Inner;
use crate::values::to_bson;

/// The collection that keeps what was declared last, and in which edition.
const CATALOGUE: &str = "seed.catalogue";

/// How often is begun anew when other handles declare something else at the same time.
const MAX_TRIES: usize = 20;

/// Makes sure that a collection has just the indexes of a declaration, unless a later one was seen.
///
/// New indexes are built before the old ones go, so that one that is refused leaves all as it was.
pub(crate) async fn ensure(inner: &Inner, spec: &CollectionSpec) -> Result<()> {
    spec.check()?;
    for _ in 0..MAX_TRIES {
        let recorded = recorded(inner, &spec.name).await?;
        if recorded
            .as_ref()
            .is_some_and(|recorded| recorded.edition > spec.version)
        {
            return Ok(());
        }
        let wanted: HashSet<String> = spec.indexes.iter().map(names::of_index).collect();
        let is_recorded = recorded
            .as_ref()
            .is_some_and(|recorded| recorded.edition == spec.version && recorded.indexes == wanted);
        build(inner, spec, &wanted).await?;
        if is_recorded || record(inner, spec, &wanted).await? {
            return clear(inner, &spec.name, &wanted).await;
        }
        // Somebody has declared something later meanwhile: what was built for this one is not wanted.
        if let Some(later) = self::recorded(inner, &spec.name).await? {
            clear(inner, &spec.name, &later.indexes).await?;
        }
    }
    let message =
        "other processes keep declaring other indexes for the collection: give all the same version";
    Err(Error::new(ErrorKind::Unavailable, message))
}

/// Removes a collection, with what was declared for it.
pub(crate) async fn drop_collection(inner: &Inner, name: &str) -> Result<()> {
    check_name(name)?;
    inner.declared.forget(name);
    let forget = doc! {
        "delete": CATALOGUE, "deletes": [{ "q": { "_id": names::of_collection(name) }, "limit": 1 }]
    };
    let refused = |fault: Fault| fault.into_error(ErrorKind::Unsupported);
    inner.link.write(forget).await.map_err(refused)?;
    let dropped = inner
        .link
        .write(doc! { "drop": names::of_collection(name) })
        .await;
    inner.events.wake(name);
    match dropped {
        Err(fault) if !fault.is_refusal(code::NAMESPACE_NOT_FOUND) => Err(refused(fault)),
        _ => Ok(()),
    }
}

/// What was declared last.
struct Recorded {
    edition: u32,
    /// The names of the indexes on the server.
    indexes: HashSet<String>,
}

async fn recorded(inner: &Inner, name: &str) -> Result<Option<Recorded>> {
    let look = doc! {
        "find": CATALOGUE, "filter": { "_id": names::of_collection(name) }, "limit": 1_i64, "singleBatch": true
    };
    let answer = inner.link.call(look).await;
    let answer = answer.map_err(|fault| fault.into_error(ErrorKind::Unsupported))?;
    let cursor = answer.get_document("cursor").map_err(|_| unexpected("cursor"))?;
    let Some(record) = documents(cursor, "firstBatch").next() else {
        return Ok(None);
    };
    let corrupt = || {
        let message = format!("the record of the collection {name:?} in {CATALOGUE:?} cannot be read");
        Error::new(ErrorKind::Corrupt, message)
    };
    let edition = crate::link::count(record, "edition").ok();
    let edition = edition.and_then(|edition| u32::try_from(edition).ok());
    let indexes = record.get_array("indexes").map_err(|_| corrupt())?;
    Ok(Some(Recorded {
        edition: edition.ok_or_else(corrupt)?,
        indexes: indexes
            .iter()
            .filter_map(|name| name.as_str().map(ToOwned::to_owned))
            .collect(),
    }))
}

/// Records a declaration; says false if a later one is recorded.
async fn record(inner: &Inner, spec: &CollectionSpec, wanted: &HashSet<String>) -> Result<bool> {
    let edition = i64::from(spec.version);
    let mut indexes: Vec<&str> = wanted.iter().map(String::as_str).collect();
    indexes.sort_unstable();
    let command = doc! {
        "update": CATALOGUE,
        "updates": [{
            "q": { "_id": names::of_collection(&spec.name), "edition": { "$lte": edition } },
            "u": { "$set": { "edition": edition, "indexes": indexes } },
            "upsert": true,
        }],
    };
    let answer = inner.link.write(command).await;
    let answer = answer.map_err(|fault| fault.into_error(ErrorKind::Unsupported))?;
    match documents(&answer, "writeErrors").next() {
        None => Ok(true),
        Some(refusal) => {
            let refusal = Refusal::of_write_error(refusal);
            // It was not found, for its edition is later, and cannot be made, for it is there.
            match refusal.is_duplicate() {
                true => Ok(false),
                false => Err(refusal.into_error(ErrorKind::Unsupported)),
            }
        }
    }
}

/// Returns the names of the indexes that are there.
async fn indexes(inner: &Inner, name: &str) -> Result<HashSet<String>> {
    let look = doc! { "listIndexes": names::of_collection(name), "cursor": { "batchSize": 1_000 } };
    let answer = match inner.link.call(look).await {
        Ok(answer) => answer,
        Err(fault) if fault.is_refusal(code::NAMESPACE_NOT_FOUND) => return Ok(HashSet::new()),
        Err(fault) => return Err(fault.into_error(ErrorKind::Index)),
    };
    let cursor = answer.get_document("cursor").map_err(|_| unexpected("cursor"))?;
    let name = |index: &Document| index.get_str("name").ok().map(ToOwned::to_owned);
    Ok(documents(cursor, "firstBatch").filter_map(name).collect())
}

/// Builds the indexes, and waits for those that somebody else is building. What is there costs nothing: a look would tell
/// of indexes that are not complete yet, too.
async fn build(inner: &Inner, spec: &CollectionSpec, wanted: &HashSet<String>) -> Result<()> {
    let collection = names::of_collection(&spec.name);
    if spec.indexes.is_empty() {
        let made = inner.link.write(doc! { "create": collection }).await;
        return match made {
            Err(fault) if !fault.is_refusal(code::NAMESPACE_EXISTS) => {
                Err(fault.into_error(ErrorKind::Index))
            }
            _ => Ok(()),
        };
    }
    let indexes: Vec<Document> = spec.indexes.iter().map(declaration).collect();
    let mut command = doc! { "createIndexes": collection, "indexes": indexes };
    if inner.is_replicated() {
        // By default all members that vote are waited for, also those that are down.
        command.insert("commitQuorum", "majority");
    }
    let mut built = inner.link.write_patiently(command.clone()).await;
    if matches!(&built, Err(fault) if fault.is_refusal(code::INDEX_OPTIONS_CONFLICT)) {
        // One that is the same but for its name stands in the way; if it is ours, this one takes its place.
        clear(inner, &spec.name, wanted).await?;
        built = inner.link.write_patiently(command).await;
    }
    match built {
        Ok(_) => Ok(()),
        Err(Fault::Refused(refusal)) if refusal.is_duplicate() => {
            let fault = duplicate(&refusal.index());
            let message = format!(
                "the unique index {:?} cannot be built: two documents have the same key",
                refusal.index()
            );
            Err(Error::new(ErrorKind::Index, message).with_source(fault))
        }
        Err(fault) => Err(fault.into_error(ErrorKind::Index)),
    }
}

/// Returns an index as the server is told of it.
fn declaration(index: &IndexSpec) -> Document {
    let mut key = Document::new();
    for (path, direction) in index.fields() {
        let sign = match direction {
            Direction::Ascending => 1,
            Direction::Descending => -1,
        };
        key.insert(path.as_str(), sign);
    }
    // Documents that tie come in the order of their ids, which the index then gives. A unique one has no two that tie.
    if !index.is_unique() {
        key.insert("_id", 1);
    }
    let mut declaration = doc! { "key": key, "name": names::of_index(index) };
    if index.is_unique() {
        declaration.insert("unique", true);
    }
    if let Some(filter) = index.partial_filter() {
        declaration.insert("partialFilterExpression", to_bson(filter.source()));
    }
    declaration
}

/// Drops the indexes of ours that are not wanted.
async fn clear(inner: &Inner, name: &str, wanted: &HashSet<String>) -> Result<()> {
    let there = indexes(inner, name).await?;
    for index in there
        .iter()
        .filter(|index| names::declared_by(index).is_some() && !wanted.contains(*index))
    {
        let command = doc! { "dropIndexes": names::of_collection(name), "index": index };
        match inner.link.write(command).await {
            Err(fault)
                if !fault.is_refusal(code::INDEX_NOT_FOUND)
                    && !fault.is_refusal(code::NAMESPACE_NOT_FOUND) =>
            {
                return Err(fault.into_error(ErrorKind::Index));
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use seed::doc as document;

    use super::*;

    #[test]
    fn an_index_ends_with_the_id_unless_it_is_unique() {
        let index = IndexSpec::new("queued", &document! { "tag": 1, "priority": -1 }).unwrap();
        let told = declaration(&index);
        assert_eq!(
            told.get_document("key").unwrap(),
            &doc! { "tag": 1, "priority": -1, "_id": 1 }
        );
        let told = declaration(&index.unique().partial(&document! { "status": "queued" }).unwrap());
        assert_eq!(
            told.get_document("key").unwrap(),
            &doc! { "tag": 1, "priority": -1 }
        );
        assert!(told.get_bool("unique").unwrap());
        assert_eq!(
            told.get_document("partialFilterExpression").unwrap(),
            &doc! { "status": "queued" }
        );
    }
}
