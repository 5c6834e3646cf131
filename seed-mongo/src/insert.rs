//! Inserting documents.

use mongodb::bson::{Document as BsonDocument, doc};
use seed::plan::index::check_name;
use seed::store::{Insert, InsertOutcome};
use seed::value::limits::{self, bson_size};
use seed::value::{Document, Value};
use seed::{Error, ErrorKind, Result, key};

use crate::change::MARK;
use crate::error::Refusal;
use crate::link::{count, documents};
use crate::names;
use crate::store::Inner;
use crate::values::to_bson;

/// How much goes in one command: so many documents, and so many bytes unless one is larger alone.
const MOST: usize = 1_000;
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// Inserts documents; each is inserted or breaks a unique index on its own.
pub(crate) async fn insert(inner: &Inner, request: Insert) -> Result<Vec<InsertOutcome>> {
    check_name(&request.collection)?;
    let documents: Vec<Document> = request
        .documents
        .into_iter()
        .map(|document| prepared(inner, document))
        .collect::<Result<_>>()?;
    let outcomes = insert_prepared(inner, &request.collection, &documents).await?;
    outcomes.into_iter().collect()
}

/// Gives a document an `_id` if it has none, and checks that it can be stored.
pub(crate) fn prepared(inner: &Inner, document: Document) -> Result<Document> {
    let document = inner.with_id(document);
    key::id_key(document.id().unwrap_or(&Value::Null))?;
    limits::check(&document)?;
    check_names(&document)?;
    Ok(document)
}

/// Checks that a document does not have the field that is ours.
pub(crate) fn check_names(document: &Document) -> Result<()> {
    if document.has(MARK) {
        let message = "a field of this name at the top of a document is the store's own: give it another";
        return Err(Error::new(ErrorKind::Unsupported, message).at_path(MARK));
    }
    Ok(())
}

/// Inserts documents that were prepared, and tells what became of each.
pub(crate) async fn insert_prepared(
    inner: &Inner,
    collection: &str,
    prepared: &[Document],
) -> Result<Vec<Result<InsertOutcome>>> {
    let mut outcomes = Vec::with_capacity(prepared.len());
    let mut rest = prepared;
    while !rest.is_empty() {
        let (now, later) = rest.split_at(step(rest)?);
        outcomes.extend(insert_step(inner, collection, now).await?);
        rest = later;
    }
    Ok(outcomes)
}

/// Returns how many of the documents go in one command.
fn step(documents: &[Document]) -> Result<usize> {
    let (mut taken, mut bytes) = (0, 0);
    for document in documents.iter().take(MOST) {
        bytes += bson_size(document)?;
        if taken > 0 && bytes > MOST_BYTES {
            break;
        }
        taken += 1;
    }
    Ok(taken)
}

async fn insert_step(
    inner: &Inner,
    collection: &str,
    step: &[Document],
) -> Result<Vec<Result<InsertOutcome>>> {
    let sent: Vec<BsonDocument> = step.iter().map(to_bson).collect();
    let command = doc! { "insert": names::of_collection(collection), "documents": sent, "ordered": false };
    let answer = inner.link.write(command).await;
    let answer = match answer {
        Ok(answer) => answer,
        Err(fault) => {
            // Some of it may have been carried out.
            inner.events.wake(collection);
            return Err(fault.into_error(ErrorKind::Unsupported));
        }
    };
    let mut outcomes: Vec<Result<InsertOutcome>> = step
        .iter()
        .map(|document| {
            Ok(InsertOutcome::Inserted(
                document.id().cloned().unwrap_or_default(),
            ))
        })
        .collect();
    for error in documents(&answer, "writeErrors") {
        let at = usize::try_from(count(error, "index")?).unwrap_or(usize::MAX);
        let refusal = Refusal::of_write_error(error);
        if let Some(outcome) = outcomes.get_mut(at) {
            *outcome = match refusal.is_duplicate() {
                true => Ok(InsertOutcome::Duplicate(refusal.index().into())),
                false => Err(refusal.into_error(ErrorKind::Unsupported)),
            };
        }
    }
    if count(&answer, "n")? > 0 {
        inner.events.wake(collection);
    }
    Ok(outcomes)
}
