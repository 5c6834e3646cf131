//! Many writes in one call, in as few commands as their outcomes can be told apart in.

use std::collections::{HashMap, HashSet};

use futures::TryStreamExt;
use mongodb::bson::{Bson, Document as BsonDocument, doc};
use seed::plan::index::check_name;
use seed::store::{FindAndUpdate, InsertOutcome, UpdateOutcome, WriteBatch, WriteItem, WriteOutcome};
use seed::value::limits::bson_size;
use seed::value::{Document, ObjectId, Value};
use seed::{Error, ErrorKind, Filter, Result, Update, key};

use crate::change::{self, MARK, always_changes, explained, only_marks, statement, to_server, update_one};
use crate::error::{Fault, Refusal};
use crate::link::{count, documents};
use crate::store::Inner;
use crate::values::{id_to_bson, to_bson, value_to_bson};
use crate::{bulk, claim, insert, names, steps};

/// How much goes in one command: so many items, and so many bytes unless one is larger alone.
const MOST: usize = 1_000;
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// Carries out a batch in its order.
pub(crate) async fn write(inner: &Inner, batch: WriteBatch) -> Result<Vec<WriteOutcome>> {
    check_name(&batch.collection)?;
    let collection = batch.collection;
    let mut outcomes = Vec::with_capacity(batch.items.len());
    let mut items = batch.items.into_iter().peekable();
    while let Some(item) = items.next() {
        match item {
            WriteItem::Insert(document) => {
                let mut run = vec![document];
                while let Some(WriteItem::Insert(document)) =
                    items.next_if(|item| matches!(item, WriteItem::Insert(_)))
                {
                    run.push(document);
                }
                outcomes.extend(insert_run(inner, &collection, run).await?);
            }
            item @ (WriteItem::Update { .. } | WriteItem::Delete(_)) => {
                let mut run = Run::new(inner);
                if !run.takes(&item)? {
                    outcomes.push(alone(inner, &collection, item).await?);
                    continue;
                }
                run.push(inner, item);
                while let Some(item) = items.peek()
                    && run.takes(item)?
                {
                    if let Some(item) = items.next() {
                        run.push(inner, item);
                    }
                }
                outcomes.extend(run.carry_out(inner, &collection).await?);
            }
            WriteItem::FindAndUpdate {
                filters,
                sort,
                limit,
                update,
            } => {
                let mut request = FindAndUpdate::new(collection.clone(), Filter::all(), update)
                    .sort(sort)
                    .limit(limit);
                request.filters = filters;
                let found = claim::find_and_update(inner, request).await;
                outcomes.push(outcome_of(found, WriteOutcome::Found)?);
            }
        }
    }
    Ok(outcomes)
}

/// Makes the outcome of an item of what came of it; that the store itself failed ends the batch.
fn outcome_of<T>(result: Result<T>, outcome: fn(T) -> WriteOutcome) -> Result<WriteOutcome> {
    match result {
        Ok(done) => Ok(outcome(done)),
        Err(fault) if fault.kind().is_of_store() => Err(fault),
        Err(fault) => Ok(WriteOutcome::Failed(fault)),
    }
}

async fn insert_run(inner: &Inner, collection: &str, run: Vec<Document>) -> Result<Vec<WriteOutcome>> {
    let mut outcomes: Vec<Option<WriteOutcome>> = Vec::with_capacity(run.len());
    let mut prepared = Vec::with_capacity(run.len());
    for document in run {
        match insert::prepared(inner, document) {
            Ok(document) => {
                prepared.push(document);
                outcomes.push(None);
            }
            Err(fault) => outcomes.push(Some(WriteOutcome::Failed(fault))),
        }
    }
    let mut inserted = insert::insert_prepared(inner, collection, &prepared)
        .await?
        .into_iter();
    let mut next = || -> Result<WriteOutcome> {
        let outcome: Result<InsertOutcome> = inserted
            .next()
            .unwrap_or_else(|| Err(Error::new(ErrorKind::Corrupt, "an outcome is missing")));
        outcome_of(outcome, WriteOutcome::Inserted)
    };
    outcomes
        .into_iter()
        .map(|outcome| outcome.map_or_else(&mut next, Ok))
        .collect()
}

async fn delete_first(inner: &Inner, collection: &str, filter: &Filter) -> Result<u64> {
    if filter.the_id().is_some() {
        let statement = doc! { "q": to_bson(filter.source()), "limit": 1 };
        return steps::delete_by(inner, collection, statement).await;
    }
    let command = doc! {
        "findAndModify": names::of_collection(collection), "query": to_bson(filter.source()), "sort": { "_id": 1 },
        "remove": true, "fields": { "_id": 1 },
    };
    let answer = inner.link.write(command).await;
    let is_gone = |answer: &BsonDocument| matches!(answer.get("value"), Some(Bson::Document(_)));
    if answer
        .as_ref()
        .map_or_else(|fault| matches!(fault, Fault::Store(_)), is_gone)
    {
        inner.events.wake(collection);
    }
    let answer = answer.map_err(|fault| fault.into_error(ErrorKind::Query))?;
    Ok(u64::from(is_gone(&answer)))
}

/// Carries out an update or a delete by itself.
async fn alone(inner: &Inner, collection: &str, item: WriteItem) -> Result<WriteOutcome> {
    match item {
        WriteItem::Update {
            filter,
            update,
            upsert,
            ..
        } => {
            let outcome = update_one(inner, collection, (&filter, &update), upsert).await;
            outcome_of(outcome, WriteOutcome::Updated)
        }
        WriteItem::Delete(filter) => {
            let deleted = delete_first(inner, collection, &filter).await;
            outcome_of(deleted, WriteOutcome::Deleted)
        }
        WriteItem::Insert(_) | WriteItem::FindAndUpdate { .. } => {
            unreachable!("they are carried out in another way")
        }
    }
}

/// Writes that go in one command: each to another document, found by its id.
///
/// From 8.0 on the server tells what became of each. Before that it tells how many documents all updates matched, and
/// they go together if each surely changes what it matches.
struct Run {
    has_bulk_write: bool,
    items: Vec<Item>,
    ids: HashSet<key::KeyBytes>,
    bytes: usize,
}

pub(crate) struct Item {
    pub(crate) filter: Filter,
    /// None if the document goes.
    pub(crate) update: Option<Update>,
    id: Bson,
    /// What an update leaves in its document.
    mark: ObjectId,
}

impl From<Item> for WriteItem {
    fn from(item: Item) -> Self {
        match item.update {
            Some(update) => Self::update(item.filter, update),
            None => Self::Delete(item.filter),
        }
    }
}

impl Run {
    fn new(inner: &Inner) -> Self {
        Self {
            has_bulk_write: inner.has_bulk_write(),
            items: Vec::new(),
            ids: HashSet::new(),
            bytes: 0,
        }
    }

    /// Tells whether a write can go with those that are there.
    fn takes(&self, item: &WriteItem) -> Result<bool> {
        let (filter, is_told_apart) = match item {
            WriteItem::Update { upsert: true, .. } => return Ok(false),
            WriteItem::Update { filter, update, .. } => (filter, always_changes(filter, update)),
            WriteItem::Delete(filter) => (filter, false),
            WriteItem::Insert(_) | WriteItem::FindAndUpdate { .. } => return Ok(false),
        };
        let has_room = self.items.is_empty() || self.bytes + size(item) <= MOST_BYTES;
        let fits = has_room && self.items.len() < MOST && (is_told_apart || self.has_bulk_write);
        match filter.the_id().filter(|_| fits) {
            Some(id) => Ok(!self.ids.contains(&key::id_key(id)?)),
            None => Ok(false),
        }
    }

    fn push(&mut self, inner: &Inner, item: WriteItem) {
        self.bytes += size(&item);
        let (filter, update) = match item {
            WriteItem::Update { filter, update, .. } => (filter, Some(update)),
            WriteItem::Delete(filter) => (filter, None),
            WriteItem::Insert(_) | WriteItem::FindAndUpdate { .. } => {
                unreachable!("a run takes none of these")
            }
        };
        let id = filter.the_id().cloned().unwrap_or_default();
        if let Ok(key) = key::id_key(&id) {
            self.ids.insert(key);
        }
        self.items.push(Item {
            id: value_to_bson(&id),
            mark: inner.new_id(),
            filter,
            update,
        });
    }

    async fn carry_out(mut self, inner: &Inner, collection: &str) -> Result<Vec<WriteOutcome>> {
        if self.items.len() == 1 {
            let Some(item) = self.items.pop() else {
                return Ok(Vec::new());
            };
            return Ok(vec![alone(inner, collection, item.into()).await?]);
        }
        let mut outcomes = Vec::with_capacity(self.items.len());
        for item in &self.items {
            let checked = match &item.update {
                Some(update) => {
                    change::check(inner, collection, (&item.filter, update), Some(1), false).await
                }
                None => Ok(()),
            };
            outcomes.push(match checked {
                Ok(()) => None,
                Err(fault) if fault.kind().is_of_store() => return Err(fault),
                Err(fault) => Some(WriteOutcome::Failed(fault)),
            });
        }
        let sent = (0..outcomes.len()).filter(|at| outcomes[*at].is_none()).collect();
        if !self.has_bulk_write {
            update_run(inner, collection, &self.items, sent, &mut outcomes).await?;
        } else if !bulk::write(inner, collection, &self.items, sent, &mut outcomes).await? {
            inner.forget_bulk_write();
            for (item, outcome) in self.items.into_iter().zip(&mut outcomes) {
                if outcome.is_none() {
                    *outcome = Some(alone(inner, collection, item.into()).await?);
                }
            }
        }
        Ok(outcomes.into_iter().flatten().collect())
    }
}

/// Returns how many bytes a write sends; what cannot be measured cannot be sent, and is refused alone.
fn size(item: &WriteItem) -> usize {
    let of = |document: &Document| bson_size(document).unwrap_or(MOST_BYTES);
    match item {
        WriteItem::Update { filter, update, .. } => of(filter.source()) + of(update.source()),
        WriteItem::Delete(filter) => of(filter.source()),
        WriteItem::Insert(document) => of(document),
        WriteItem::FindAndUpdate { .. } => 0,
    }
}

/// Carries out updates in one command. It tells how many documents matched; if that is not all, those that have the
/// mark of their update are told from those that have not.
async fn update_run(
    inner: &Inner,
    collection: &str,
    run: &[Item],
    sent: Vec<usize>,
    outcomes: &mut [Option<WriteOutcome>],
) -> Result<()> {
    let updates = sent
        .iter()
        .filter_map(|at| run[*at].update.as_ref().map(|update| (&run[*at], update)));
    let statements: Vec<BsonDocument> = updates
        .map(|(Item { filter, mark, .. }, update)| {
            let change = to_server(update, inner.own_time(), Some(id_to_bson(mark)));
            statement(to_bson(filter.source()), change, update)
        })
        .collect();
    let command = doc! {
        "update": names::of_collection(collection), "updates": statements, "ordered": false
    };
    let answer = match inner.link.write(command).await {
        Ok(answer) => answer,
        Err(fault) => {
            inner.events.wake(collection);
            return Err(fault.into_error(ErrorKind::Update));
        }
    };
    for error in documents(&answer, "writeErrors") {
        let at = usize::try_from(count(error, "index")?).unwrap_or(usize::MAX);
        if let Some(at) = sent.get(at) {
            outcomes[*at] = Some(refused(inner, collection, &run[*at], Refusal::of_write_error(error)).await);
        }
    }
    let open: Vec<usize> = sent.into_iter().filter(|at| outcomes[*at].is_none()).collect();
    let matched = usize::try_from(count(&answer, "n")?).unwrap_or(usize::MAX);
    if matched > 0 {
        inner.events.wake(collection);
    }
    let told = match matched {
        0 => open.iter().map(|_| Some(false)).collect(),
        matched if matched == open.len() => open.iter().map(|_| Some(true)).collect(),
        matched => tell_apart(inner, collection, run, &open, matched).await?,
    };
    for (at, is_done) in open.into_iter().zip(told) {
        outcomes[at] = Some(match is_done {
            Some(true) => changed(1),
            Some(false) => changed(0),
            None => WriteOutcome::Failed(overtaken()),
        });
    }
    Ok(())
}

/// Returns the outcome of a write that the server refused.
pub(crate) async fn refused(inner: &Inner, collection: &str, item: &Item, refusal: Refusal) -> WriteOutcome {
    WriteOutcome::Failed(match &item.update {
        Some(update) => explained(inner, collection, (&item.filter, update), false, refusal).await,
        None => refusal.into_error(ErrorKind::Query),
    })
}

fn changed(matched: u64) -> WriteOutcome {
    WriteOutcome::Updated(UpdateOutcome {
        matched,
        modified: matched,
        upserted: None,
    })
}

/// The error of an update whose document was changed once more before it could be seen whether this one had.
fn overtaken() -> Error {
    let message = "others changed the document at the same time, so that it is not known whether this update came before them: \
                   look before trying again";
    Error::new(ErrorKind::Unavailable, message)
}

/// Tells which of some updates changed their documents: those whose mark is there. None where that is not known, since
/// others have put their own mark over it.
async fn tell_apart(
    inner: &Inner,
    collection: &str,
    run: &[Item],
    open: &[usize],
    matched: usize,
) -> Result<Vec<Option<bool>>> {
    let ids: Vec<&Bson> = open.iter().map(|at| &run[*at].id).collect();
    let command = doc! {
        "find": names::of_collection(collection), "filter": { "_id": { "$in": ids } },
        "projection": to_bson(&only_marks()),
    };
    let found: Vec<Document> = inner
        .link
        .find(command, ErrorKind::Query, |_| ())
        .try_collect()
        .await?;
    let mut marks = HashMap::new();
    for document in &found {
        if let Some(Value::ObjectId(mark)) = document.get(MARK) {
            marks.insert(*mark, ());
        }
    }
    let is_there = |at: &usize| marks.contains_key(&run[*at].mark);
    let seen = open.iter().filter(|at| is_there(at)).count();
    Ok(open
        .iter()
        .map(|at| match is_there(at) {
            true => Some(true),
            false if seen == matched => Some(false),
            false => None,
        })
        .collect())
}
