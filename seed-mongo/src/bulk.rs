//! Writes of all kinds in one command, which tells what became of each: MongoDB 8.0 and later.

use mongodb::bson::{Document as BsonDocument, doc};
use seed::store::{UpdateOutcome, WriteOutcome};
use seed::{Error, ErrorKind, Result};

use crate::batch::{Item, refused};
use crate::change::{array_filters, to_server};
use crate::error::{Fault, Refusal, code, unexpected};
use crate::link::{count, documents};
use crate::names;
use crate::store::Inner;
use crate::values::to_bson;

/// The codes by which a server says that it does not know the command, or one of its fields.
const WITHOUT: [i32; 3] = [
    code::COMMAND_NOT_FOUND,
    code::COMMAND_NOT_SUPPORTED,
    code::UNKNOWN_FIELD,
];

/// Carries out those of a run that were chosen, and puts what became of each to its place. Says false if the server takes
/// no such command after all, and has done nothing.
pub(crate) async fn write(
    inner: &Inner,
    collection: &str,
    run: &[Item],
    sent: Vec<usize>,
    outcomes: &mut [Option<WriteOutcome>],
) -> Result<bool> {
    let operations: Vec<BsonDocument> = sent.iter().map(|at| operation(inner, &run[*at])).collect();
    let place = format!("{}.{}", inner.database(), names::of_collection(collection));
    let command = doc! {
        "bulkWrite": 1, "ops": operations, "nsInfo": [{ "ns": place }], "ordered": false, "errorsOnly": false
    };
    let answer = match inner.link.write_admin(command).await {
        Ok(answer) => answer,
        // The program is 8.0, but its data are kept as 7.0 does, until all members are; or an older one took over.
        Err(Fault::Refused(refusal)) if WITHOUT.contains(&refusal.code) => return Ok(false),
        Err(fault) => {
            inner.events.wake(collection);
            return Err(fault.into_error(ErrorKind::Update));
        }
    };
    inner.events.wake(collection);
    let cursor = answer.get_document("cursor").map_err(|_| unexpected("cursor"))?;
    for result in documents(cursor, "firstBatch") {
        let at = usize::try_from(count(result, "idx")?).unwrap_or(usize::MAX);
        let at = *sent.get(at).ok_or_else(|| unexpected("idx"))?;
        let item = &run[at];
        outcomes[at] = Some(match count(result, "ok")? {
            1 => outcome(item, result)?,
            _ => refused(inner, collection, item, Refusal::of_write_error(result)).await,
        });
    }
    for at in sent {
        // More outcomes than fit into an answer: what became of the others is not told.
        outcomes[at].get_or_insert_with(|| WriteOutcome::Failed(untold()));
    }
    Ok(true)
}

fn untold() -> Error {
    let what = "the server did not tell what became of the write: it may have been carried out or not";
    Error::new(ErrorKind::Unavailable, what)
}

fn operation(inner: &Inner, item: &Item) -> BsonDocument {
    let filter = to_bson(item.filter.source());
    let Some(update) = &item.update else {
        return doc! { "delete": 0, "filter": filter, "multi": false };
    };
    let change = to_server(update, inner.own_time(), None);
    let mut operation = doc! { "update": 0, "filter": filter, "updateMods": change, "multi": false };
    if let Some(filters) = array_filters(update) {
        operation.insert("arrayFilters", filters);
    }
    operation
}

fn outcome(item: &Item, result: &BsonDocument) -> Result<WriteOutcome> {
    let matched = count(result, "n")?;
    Ok(match &item.update {
        None => WriteOutcome::Deleted(matched),
        Some(_) => WriteOutcome::Updated(UpdateOutcome {
            matched,
            modified: count(result, "nModified")?,
            upserted: None,
        }),
    })
}
