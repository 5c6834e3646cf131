//! Finding documents and changing them, with no two callers getting the same.

use std::collections::HashMap;

use futures::TryStreamExt;
use mongodb::bson::{Bson, doc};
use mongodb::options::ReturnDocument;
use seed::key::id_key;
use seed::plan::index::check_name;
use seed::store::{Find, FindAndUpdate};
use seed::value::limits::bson_size;
use seed::value::order::compare;
use seed::value::{Document, Value};
use seed::{ErrorKind, Filter, Result};

use crate::change::{self, MARK, always_changes, among, explained, find_and_modify, statement, to_server};
use crate::error::{Fault, Refusal};
use crate::find;
use crate::link::{count, documents};
use crate::names;
use crate::store::Inner;
use crate::values::value_to_bson;

/// How many documents are claimed in one step, and how many bytes their ids may have.
const STEP: usize = 1_000;
const STEP_BYTES: usize = 4 * 1024 * 1024;

/// Tries the filters in their order until enough documents are found and changed.
pub(crate) async fn find_and_update(inner: &Inner, request: FindAndUpdate) -> Result<Vec<Document>> {
    check_name(&request.collection)?;
    let mut claimed = Vec::new();
    for filter in &request.filters {
        if claimed.len() >= request.limit {
            break;
        }
        let wanted = request.limit - claimed.len();
        let filter = &unseen(filter, &claimed)?;
        change::check(
            inner,
            &request.collection,
            (filter, &request.update),
            Some(wanted as u64),
            false,
        )
        .await?;
        let is_exhausted = match wanted > 1 && always_changes(filter, &request.update) {
            true => claim_many(inner, &request, filter, wanted, &mut claimed).await?,
            false => claim_each(inner, &request, filter, wanted, &mut claimed).await?,
        };
        if !is_exhausted {
            break;
        }
    }
    Ok(claimed)
}

/// Claims one document after the other; says whether none is left that matches.
///
/// If the update fails on one of them, those before it are made what they were.
async fn claim_each(
    inner: &Inner,
    request: &FindAndUpdate,
    filter: &Filter,
    wanted: usize,
    claimed: &mut Vec<Document>,
) -> Result<bool> {
    let before = match wanted {
        1 => Vec::new(),
        wanted => work_out(inner, request, filter, wanted).await?,
    };
    let mut changed: Vec<Document> = Vec::new();
    while changed.len() < wanted {
        // What was changed and matches still is not found again.
        let unseen = unseen(filter, &changed)?;
        let order = find::sort_by(&request.sort);
        let change = (&unseen, &request.update);
        let answer = find_and_modify(inner, &request.collection, change, order, ReturnDocument::After).await;
        let found = match answer {
            Ok(Some(found)) => found,
            Ok(None) => break,
            Err(Fault::Refused(refusal)) => {
                let change = (filter, &request.update);
                let fault = explained(inner, &request.collection, change, false, refusal).await;
                undo(inner, request, &before, &changed).await?;
                return Err(fault);
            }
            Err(Fault::Store(fault)) => {
                inner.events.wake(&request.collection);
                return Err(fault);
            }
        };
        inner.events.wake(&request.collection);
        changed.push(found);
    }
    changed.iter_mut().for_each(find::without_mark);
    claimed.extend(changed);
    Ok(true)
}

/// Returns a filter that leaves out what was changed before by this call and matches still.
fn unseen(filter: &Filter, changed: &[Document]) -> Result<Filter> {
    let mut ids: Vec<Value> = Vec::new();
    for document in changed {
        if filter.matches(document)? {
            ids.extend(document.id().cloned());
        }
    }
    if ids.is_empty() {
        return Ok(filter.clone());
    }
    let mut source = seed::doc! { "_id": { "$nin": ids } };
    source.set("$and", vec![Value::from(filter.source().clone())]);
    Filter::parse(&source)
}

/// Works an update out on what it would meet now, so that one that fails on a document changes none; returns those
/// documents.
async fn work_out(
    inner: &Inner,
    request: &FindAndUpdate,
    filter: &Filter,
    wanted: usize,
) -> Result<Vec<Document>> {
    let look = Find::new(request.collection.clone(), filter.clone())
        .sort(request.sort.clone())
        .limit(wanted as u64);
    let documents: Vec<Document> = find::find(inner, &look)?.try_collect().await?;
    for document in &documents {
        change::apply(inner, (filter, &request.update), document)?;
    }
    Ok(documents)
}

/// Makes documents what they were, unless others have changed them since.
async fn undo(
    inner: &Inner,
    request: &FindAndUpdate,
    before: &[Document],
    changed: &[Document],
) -> Result<()> {
    for after in changed {
        let id = after.id().unwrap_or(&Value::Null);
        let is_same = |document: &&Document| document.id().is_some_and(|other| compare(other, id).is_eq());
        let Some(before) = before.iter().find(is_same) else {
            continue;
        };
        let is_still = doc! { "$eq": ["$$ROOT", { "$literal": crate::values::to_bson(after) }] };
        let filter = doc! { "_id": value_to_bson(id), "$expr": is_still };
        let back = doc! { "q": filter, "u": crate::values::to_bson(before) };
        let command = doc! { "update": names::of_collection(&request.collection), "updates": [back] };
        let undone = inner.link.write(command).await;
        undone.map_err(|fault| fault.into_error(ErrorKind::Update))?;
    }
    Ok(())
}

/// Claims many documents at once: their ids are read, those that match still are changed and marked, and what has the
/// mark is read. Says whether none is left that matches.
async fn claim_many(
    inner: &Inner,
    request: &FindAndUpdate,
    filter: &Filter,
    wanted: usize,
    claimed: &mut Vec<Document>,
) -> Result<bool> {
    let mut left = wanted;
    while left > 0 {
        let step = left.min(STEP);
        let ids = find::ids(
            inner,
            &request.collection,
            crate::values::to_bson(filter.source()),
            find::sort_by(&request.sort),
            step as u64,
        )
        .await?;
        let there = ids.len();
        let ids = fitting(ids);
        let is_last = there < step && ids.len() == there;
        if ids.is_empty() {
            return Ok(true);
        }
        let found = claim_step(inner, request, filter, &ids).await?;
        left -= found.len();
        let is_short = found.len() < ids.len();
        let has_some = !found.is_empty();
        claimed.extend(found);
        match is_short {
            // Others took some of them. What was got is enough; if that is nothing, something else may be free.
            true if has_some => return Ok(false),
            true => {}
            false if is_last => return Ok(true),
            false => {}
        }
    }
    Ok(true)
}

/// Returns the first of some ids that go together in one command, one at the least.
fn fitting(mut ids: Vec<Value>) -> Vec<Value> {
    let mut bytes = 0;
    let is_over = |id: &Value| {
        bytes += match id {
            Value::String(text) => text.len(),
            Value::Binary(binary) => binary.bytes().len(),
            Value::Document(document) => bson_size(document).unwrap_or_default(),
            _ => 16,
        };
        bytes > STEP_BYTES
    };
    if let Some(at) = ids.iter().position(is_over) {
        ids.truncate(at.max(1));
    }
    ids
}

async fn claim_step(
    inner: &Inner,
    request: &FindAndUpdate,
    filter: &Filter,
    ids: &[Value],
) -> Result<Vec<Document>> {
    let sent: Vec<Bson> = ids.iter().map(value_to_bson).collect();
    let mark = change::new_mark(inner);
    let update = to_server(&request.update, inner.own_time(), Some(mark));
    let mut statement = statement(among(&sent, filter), update, &request.update);
    statement.insert("multi", true);
    statement.insert("hint", change::by_id());
    let command = doc! { "update": names::of_collection(&request.collection), "updates": [statement] };
    let answer = inner.link.write(command).await;
    if answer.is_err() {
        inner.events.wake(&request.collection);
    }
    let answer = answer.map_err(|fault| fault.into_error(ErrorKind::Update))?;
    if let Some(refused) = documents(&answer, "writeErrors").next() {
        let refusal = Refusal::of_write_error(refused);
        let change = (filter, &request.update);
        return Err(explained(inner, &request.collection, change, false, refusal).await);
    }
    if count(&answer, "n")? == 0 {
        return Ok(Vec::new());
    }
    inner.events.wake(&request.collection);
    let command = doc! {
        "find": names::of_collection(&request.collection), "filter": { "_id": { "$in": sent }, MARK: mark },
    };
    let found: Vec<Document> = inner
        .link
        .find(command, ErrorKind::Query, find::without_mark)
        .try_collect()
        .await?;
    in_order(found, ids)
}

/// Puts documents into the order of their ids.
fn in_order(found: Vec<Document>, ids: &[Value]) -> Result<Vec<Document>> {
    let key = |document: &Document| id_key(document.id().unwrap_or(&Value::Null));
    let mut by_id = HashMap::with_capacity(found.len());
    for document in found {
        by_id.insert(key(&document)?, document);
    }
    let mut in_order = Vec::with_capacity(by_id.len());
    for id in ids {
        in_order.extend(by_id.remove(&id_key(id)?));
    }
    Ok(in_order)
}
