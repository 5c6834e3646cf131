//! Updates and deletes of all that matches, or of the first of it.

use mongodb::bson::{Bson, doc};
use seed::plan::index::check_name;
use seed::store::{Delete, Update, UpdateOutcome};
use seed::value::Value;
use seed::{ErrorKind, Filter, Result, Sort};

use crate::change::{self, among, explained, statement, to_server, update_one};
use crate::error::{Fault, Refusal};
use crate::find;
use crate::link::{count, documents};
use crate::names;
use crate::store::Inner;
use crate::values::{to_bson, value_to_bson};

/// How many documents a step takes on.
const STEP: u64 = 500;

/// Updates what matches.
pub(crate) async fn update(inner: &Inner, request: Update) -> Result<UpdateOutcome> {
    check_name(&request.collection)?;
    request.check()?;
    match request.limit {
        Some(0) => Ok(UpdateOutcome::default()),
        Some(1) => {
            let change = (&request.filter, &request.update);
            update_one(inner, &request.collection, change, request.upsert).await
        }
        None if request.update.constant().is_some() || request.upsert => {
            let filter = to_bson(request.filter.source());
            update_many(inner, &request, (filter, None), request.upsert).await
        }
        // One that fails on a document leaves those before it changed, in the order of the ids.
        limit => update_in_order(inner, &request, limit).await,
    }
}

async fn update_in_order(inner: &Inner, request: &Update, limit: Option<u64>) -> Result<UpdateOutcome> {
    let change = (&request.filter, &request.update);
    change::check(inner, &request.collection, change, limit, request.upsert).await?;
    let mut total = UpdateOutcome::default();
    let mut ids = Ids::new(inner, request, limit);
    while let Some(step) = ids.next(total.matched).await? {
        let outcome = update_step(inner, request, &step).await?;
        total.matched += outcome.matched;
        total.modified += outcome.modified;
    }
    if request.upsert && total.matched == 0 {
        return update_one(inner, &request.collection, change, true).await;
    }
    Ok(total)
}

/// Updates documents in the order of their ids, and ends at the first that cannot be updated.
async fn update_step(inner: &Inner, request: &Update, ids: &[Value]) -> Result<UpdateOutcome> {
    if request.update.constant().is_some() {
        let sent: Vec<Bson> = ids.iter().map(value_to_bson).collect();
        let of_ids = among(&sent, &request.filter);
        return update_many(inner, request, (of_ids, Some(change::by_id())), false).await;
    }
    let statements: Vec<_> = ids
        .iter()
        .map(|id| {
            let update = to_server(&request.update, inner.own_time(), None);
            statement(
                among(&[value_to_bson(id)], &request.filter),
                update,
                &request.update,
            )
        })
        .collect();
    send(inner, request, statements).await
}

async fn update_many(
    inner: &Inner,
    request: &Update,
    (filter, hint): (mongodb::bson::Document, Option<mongodb::bson::Document>),
    upsert: bool,
) -> Result<UpdateOutcome> {
    let change = (&request.filter, &request.update);
    change::check(inner, &request.collection, change, None, upsert).await?;
    let mut statement = statement(
        filter,
        to_server(&request.update, inner.own_time(), None),
        &request.update,
    );
    statement.insert("multi", true);
    statement.insert("upsert", upsert);
    if let Some(hint) = hint {
        statement.insert("hint", hint);
    }
    send(inner, request, vec![statement]).await
}

async fn send(
    inner: &Inner,
    request: &Update,
    statements: Vec<mongodb::bson::Document>,
) -> Result<UpdateOutcome> {
    let change = (&request.filter, &request.update);
    let command = doc! {
        "update": names::of_collection(&request.collection), "updates": statements, "ordered": true
    };
    let answer = match inner.link.write_patiently(command).await {
        Ok(answer) => answer,
        Err(Fault::Refused(refusal)) => {
            return Err(explained(inner, &request.collection, change, request.upsert, refusal).await);
        }
        Err(Fault::Store(fault)) => {
            inner.events.wake(&request.collection);
            return Err(fault);
        }
    };
    let refused = documents(&answer, "writeErrors").next();
    let outcome = change::outcome(&answer)?;
    if outcome.modified > 0 || outcome.upserted.is_some() || refused.is_some() {
        inner.events.wake(&request.collection);
    }
    match refused.map(Refusal::of_write_error) {
        Some(refusal) => Err(explained(inner, &request.collection, change, request.upsert, refusal).await),
        None => Ok(outcome),
    }
}

/// Deletes what matches.
pub(crate) async fn delete(inner: &Inner, request: Delete) -> Result<u64> {
    check_name(&request.collection)?;
    if request.limit.is_none() {
        return delete_all(inner, &request).await;
    }
    let mut deleted = 0;
    while request.limit.is_some_and(|limit| deleted < limit) {
        let left = request.limit.unwrap_or_default() - deleted;
        let filter = to_bson(request.filter.source());
        let order = doc! { "_id": 1 };
        let ids = find::ids(inner, &request.collection, filter, order, left.min(STEP)).await?;
        if ids.is_empty() {
            break;
        }
        let sent: Vec<Bson> = ids.iter().map(value_to_bson).collect();
        let statement = doc! { "q": among(&sent, &request.filter), "limit": 0, "hint": change::by_id() };
        deleted += delete_by(inner, &request.collection, statement).await?;
    }
    Ok(deleted)
}

/// Deletes all that matches, by the index that the server would not come upon.
async fn delete_all(inner: &Inner, request: &Delete) -> Result<u64> {
    let (collection, filter) = (&request.collection, &request.filter);
    let statement = doc! { "q": to_bson(filter.source()), "limit": 0 };
    if let Some(hint) = inner.declared.hint(collection, filter, &Sort::default()) {
        let mut hinted = statement.clone();
        hinted.insert("hint", hint);
        match delete_by(inner, collection, hinted).await {
            // Another process may have taken the index away; what it served is found without it.
            Err(fault) if !fault.kind().is_of_store() => {}
            deleted => return deleted,
        }
    }
    delete_by(inner, collection, statement).await
}

/// Carries out one statement of a `delete` command.
pub(crate) async fn delete_by(
    inner: &Inner,
    collection: &str,
    statement: mongodb::bson::Document,
) -> Result<u64> {
    let command = doc! { "delete": names::of_collection(collection), "deletes": [statement] };
    let answer = inner.link.write_patiently(command).await;
    if matches!(answer, Err(Fault::Store(_))) {
        inner.events.wake(collection);
    }
    let answer = answer.map_err(|fault| fault.into_error(ErrorKind::Query))?;
    if let Some(refused) = documents(&answer, "writeErrors").next() {
        return Err(Refusal::of_write_error(refused).into_error(ErrorKind::Query));
    }
    let deleted = count(&answer, "n")?;
    if deleted > 0 {
        inner.events.wake(collection);
    }
    Ok(deleted)
}

/// The ids of documents that match, in their order, step by step.
struct Ids<'a> {
    inner: &'a Inner,
    request: &'a Update,
    limit: Option<u64>,
    last: Option<Value>,
}

impl<'a> Ids<'a> {
    fn new(inner: &'a Inner, request: &'a Update, limit: Option<u64>) -> Self {
        Self {
            inner,
            request,
            limit,
            last: None,
        }
    }

    /// Returns the next step, when so many documents were dealt with; none if there are no more.
    async fn next(&mut self, done: u64) -> Result<Option<Vec<Value>>> {
        let left = self
            .limit
            .map_or(STEP, |limit| limit.saturating_sub(done).min(STEP));
        if left == 0 {
            return Ok(None);
        }
        let filter = match &self.last {
            None => to_bson(self.request.filter.source()),
            Some(last) => to_bson(after(&self.request.filter, last)?.source()),
        };
        let order = doc! { "_id": 1 };
        let ids = find::ids(self.inner, &self.request.collection, filter, order, left).await?;
        self.last = ids.last().cloned();
        Ok((!ids.is_empty()).then_some(ids))
    }
}

/// Returns the filter for what matches behind an id; ids of other types are behind it too, as the order of all values
/// has it.
fn after(filter: &Filter, id: &Value) -> Result<Filter> {
    let source = seed::doc! {
        "$expr": { "$gt": ["$_id", { "$literal": (id.clone()) }] },
        "$and": [(filter.source().clone())],
    };
    Filter::parse(&source)
}
